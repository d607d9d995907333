//! Notifications of the system: that something came while nobody looked.
//! What is shown may be kept by the system, seen by whoever stands beside, and shown on a locked screen: it must never
//! hold a text, an address, or a name that the owner did not ask for.
//! Standard: Desktop Notifications Specification 1.2, over the session bus.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use futures_lite::future::block_on;
use zbus::connection::Builder;
use zbus::zvariant::Value;

/// Notifications that wait; while so many do, more are dropped: they would say the same.
const WAITING: usize = 4;

const NAME: &str = "org.freedesktop.Notifications";
const PLACE: &str = "/org/freedesktop/Notifications";

/// What the bus is asked.
enum Ask {
    /// To show this line, in the place of the one before.
    Show(String),
    /// To take away what is shown.
    Clear,
}

/// The way to the system's notifications. Where there is none, nothing is shown.
pub(crate) struct Notices {
    asks: Option<SyncSender<Ask>>,
}

impl Notices {
    /// None: for screens in memory.
    pub(crate) fn none() -> Self {
        Self { asks: None }
    }

    /// Opens the way to the session bus that the system names, on a thread of its own. A bus that is not a socket of
    /// this machine is not used.
    pub(crate) fn open() -> Self {
        if !has_local_bus() {
            return Self::none();
        }
        let (asks, asked) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("notices".to_owned());
        // Without a thread there are no notifications, and all else goes on.
        let started = thread.spawn(move || block_on(serve(asked))).is_ok();
        Self {
            asks: started.then_some(asks),
        }
    }

    /// Shows a line in the place of the one before.
    pub(crate) fn show(&self, line: String) {
        self.ask(Ask::Show(line));
    }

    /// Takes away what is shown: the person has looked, or the profile is locked.
    pub(crate) fn clear(&self) {
        self.ask(Ask::Clear);
    }

    fn ask(&self, ask: Ask) {
        if let Some(asks) = &self.asks {
            // Full: the bus is slow, and what waits says enough. Ended: there is no bus.
            let _ = asks.try_send(ask);
        }
    }
}

/// Whether the system names a session bus, and it is a socket of this machine.
pub(crate) fn has_local_bus() -> bool {
    std::env::var("DBUS_SESSION_BUS_ADDRESS").is_ok_and(|address| is_local(&address))
}

/// Whether every address of the list is a socket of this machine (D-Bus Specification, server addresses).
fn is_local(list: &str) -> bool {
    !list.is_empty() && list.split(';').all(|address| address.starts_with("unix:"))
}

/// Carries asks to the bus until either side ends.
async fn serve(asked: Receiver<Ask>) -> Option<()> {
    let bus = Builder::session().ok()?.build().await.ok()?;
    let mut shown = 0_u32;
    for ask in asked {
        match ask {
            Ask::Show(line) => {
                let hints = HashMap::from([
                    // The system is asked not to keep it.
                    ("transient", Value::from(true)),
                    ("category", Value::from("im.received")),
                ]);
                let actions: [&str; 0] = [];
                // Application, which to replace, icon, summary, body, actions, hints, time: as the system likes.
                let body = (
                    "Attentive Otter",
                    shown,
                    "",
                    line.as_str(),
                    "",
                    &actions[..],
                    hints,
                    -1_i32,
                );
                let answer = bus
                    .call_method(Some(NAME), PLACE, Some(NAME), "Notify", &body)
                    .await;
                // Nobody may be there to show it now, and somebody later.
                shown = answer
                    .ok()
                    .and_then(|it| it.body().deserialize().ok())
                    .unwrap_or(0);
            }
            Ask::Clear if shown != 0 => {
                let _ = bus
                    .call_method(Some(NAME), PLACE, Some(NAME), "CloseNotification", &shown)
                    .await;
                shown = 0;
            }
            Ask::Clear => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_beyond_this_machine_is_not_used() {
        assert!(is_local("unix:path=/run/user/1000/bus"));
        assert!(is_local("unix:abstract=/tmp/x;unix:path=/y"));
        assert!(!is_local("tcp:host=192.0.2.1,port=9"));
        assert!(!is_local(
            "unix:path=/y;nonce-tcp:host=192.0.2.1,port=9,noncefile=/x"
        ));
        assert!(!is_local("unixexec:path=/bin/sh"));
        assert!(!is_local(""));
    }
}
