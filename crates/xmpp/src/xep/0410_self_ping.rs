//! XEP-0410 MUC Self-Ping: whether we are still in a room, where nothing else would tell.
//! Must never be sent on a beat, nor to anyone but ourselves in the room.
//! XEP-0410 3.

use std::time::Duration;

use jid::{BareJid, Jid};
use rand_core::CryptoRng;
use xmpp_parsers::iq::Iq;
use xmpp_parsers::ping::Ping;

use crate::room::{RoomEvent, RoomExit};
use crate::session::{Kind, RoomStep, Session, Step};

/// Shortest time between two looks, in milliseconds; the longest is three times that, drawn anew each time.
const LEAST: u64 = 10 * 60_000;

/// When to look next.
pub(crate) fn next(now: Duration, rng: &mut dyn CryptoRng) -> Duration {
    let more = rng.next_u64().checked_rem(2 * LEAST).unwrap_or_default();
    now.saturating_add(Duration::from_millis(LEAST.saturating_add(more)))
}

/// Whether this answer of the room says that we are no longer in it (XEP-0410 3.2).
pub(crate) fn is_out(condition: Option<&str>) -> bool {
    !matches!(
        condition,
        None | Some(
            "feature-not-implemented"
                | "item-not-found"
                | "remote-server-not-found"
                | "remote-server-timeout"
                | "service-unavailable"
        )
    )
}

impl Session {
    /// Asks every room that was entered.
    pub(crate) fn check_rooms(&mut self, step: &mut Step<'_>) {
        self.rooms.check_at(next(step.now, step.rng));
        for (room, at) in self.rooms.entered() {
            let to = Jid::from(at);
            let kind = Kind::Room(room, RoomStep::Check);
            // What finds no room in the queue is asked next time.
            let _ = self.ask(kind, Some(to.clone()), step, |id| {
                Iq::from_get(id, Ping).with_to(to)
            });
        }
    }

    /// What a room said to that.
    pub(crate) fn room_checked(&mut self, room: &BareJid, condition: Option<&str>) {
        if is_out(condition) && self.rooms.forget(room) {
            self.tell_room(room, RoomEvent::Out(RoomExit::Lost));
        }
    }
}
