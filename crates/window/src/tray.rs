//! The icon beside the clock, where the owner wants the program to go on without a window.
//! Everybody at the screen sees it: it must never hold a name, a number or a text of anybody's.
//! Standard: StatusNotifierItem 0.1, over the session bus.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use ksni::blocking::{Handle, TrayMethods};
use ksni::menu::StandardItem;
use ksni::{Category, Icon, MenuItem, OfflineReason, Status, TextDirection};
use slint::{ComponentHandle, Weak};

use crate::{markup, notices};

/// Sides of the icon in pixels, for panels of any height.
const SIDES: [u16; 3] = [16, 32, 64];

/// What the menu says, in the language of the window.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    /// Brings the window back.
    pub(crate) show: String,
    /// Seals the profile.
    pub(crate) lock: String,
    /// Ends the program.
    pub(crate) quit: String,
    /// Whether the menu runs from right to left.
    pub(crate) rtl: bool,
}

/// The way to the icon. Where the desktop shows none, there is none.
pub(crate) struct Tray {
    /// `None`: screens in memory and buses beyond this machine.
    ui: Option<Weak<markup::App>>,
    /// The desktop was asked since the icon was last wanted anew: a refusal holds until then.
    asked: Cell<bool>,
    /// Empty until the desktop took it, and where it never does.
    shown: Arc<Mutex<Option<Handle<Item>>>>,
}

/// What the desktop reads and calls, from a thread of the bus.
struct Item {
    ui: Weak<markup::App>,
    labels: Labels,
    unread: bool,
}

impl Tray {
    /// None: for screens in memory.
    pub(crate) fn none() -> Self {
        Self {
            ui: None,
            asked: Cell::new(false),
            shown: Arc::default(),
        }
    }

    /// The way over the session bus of this machine. Nothing is shown before [`Tray::show`].
    pub(crate) fn open(ui: &markup::App) -> Self {
        Self {
            ui: notices::has_local_bus().then(|| ui.as_weak()),
            asked: Cell::new(false),
            shown: Arc::default(),
        }
    }

    /// Whether the icon can bring the window back.
    pub(crate) fn is_there(&self) -> bool {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().is_some_and(|shown| !shown.is_closed())
    }

    /// Shows the icon, on a thread of its own; [`markup::App::invoke_tray_changed`] tells when the desktop took it.
    pub(crate) fn show(&self, labels: Labels, unread: bool) {
        let Some(ui) = self.ui.clone() else { return };
        if self.asked.replace(true) {
            return self.update(labels, unread);
        }
        let shown = self.shown.clone();
        let item = Item {
            ui: ui.clone(),
            labels,
            unread,
        };
        let thread = std::thread::Builder::new().name("tray".to_owned());
        // Without a thread or a desktop that takes it, closing the window ends the program as before.
        let _ = thread.spawn(move || {
            let Ok(taken) = item.spawn() else { return };
            let before = shown
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .replace(taken);
            if let Some(before) = before {
                before.shutdown();
            }
            // The window may be gone by now, and then nobody asks.
            let _ = ui.upgrade_in_event_loop(|ui| ui.invoke_tray_changed());
        });
    }

    fn update(&self, labels: Labels, unread: bool) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = shown.as_ref() {
            shown.update(|item| {
                item.labels = labels;
                item.unread = unread;
            });
        }
    }

    /// Takes the icon away.
    pub(crate) fn hide(&self) {
        self.asked.set(false);
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(shown) = shown {
            shown.shutdown();
        }
    }
}

impl Item {
    fn tell(&self, tell: impl FnOnce(markup::App) + Send + 'static) {
        // The window may be gone by now.
        let _ = self.ui.upgrade_in_event_loop(tell);
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "attentive-otter".to_owned()
    }

    fn title(&self) -> String {
        "Attentive Otter".to_owned()
    }

    fn category(&self) -> Category {
        Category::Communications
    }

    fn status(&self) -> Status {
        if self.unread {
            Status::NeedsAttention
        } else {
            Status::Active
        }
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        SIDES.map(|side| icon(side, false)).to_vec()
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        SIDES.map(|side| icon(side, true)).to_vec()
    }

    fn text_direction(&self) -> TextDirection {
        if self.labels.rtl {
            TextDirection::RightToLeft
        } else {
            TextDirection::LeftToRight
        }
    }

    fn activate(&mut self, _: i32, _: i32) {
        self.tell(|ui| ui.invoke_come_back());
    }

    fn watcher_offline(&self, _: OfflineReason) -> bool {
        // The panel went away: a hidden window could not be brought back.
        self.tell(|ui| ui.invoke_come_back());
        true
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let line = |label: &str, act: fn(markup::App)| {
            MenuItem::Standard(StandardItem {
                label: label.to_owned(),
                activate: Box::new(move |item: &mut Self| item.tell(act)),
                ..StandardItem::default()
            })
        };
        vec![
            line(&self.labels.show, |ui| ui.invoke_come_back()),
            line(&self.labels.lock, |ui| {
                ui.global::<markup::Nav<'_>>().invoke_lock_now();
            }),
            MenuItem::Separator,
            line(&self.labels.quit, |ui| ui.invoke_leave()),
        ]
    }
}

/// The icon: a speech bubble, with a dot where something is unread. 32 bits a pixel: alpha, red, green, blue.
fn icon(side: u16, dot: bool) -> Icon {
    let grid = f32::from(side);
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let data = places.flat_map(|(x, y)| {
        let at = |place: u16| (f32::from(place) + 0.5) / grid;
        pixel(at(x), at(y), dot)
    });
    Icon {
        width: i32::from(side),
        height: i32::from(side),
        data: data.collect(),
    }
}

/// The colour at a place of the icon, both between 0 and 1 from the left and from the top.
fn pixel(x: f32, y: f32, dot: bool) -> [u8; 4] {
    const NOTHING: [u8; 4] = [0; 4];
    const BUBBLE: [u8; 4] = [255, 0x2f, 0x8f, 0x83];
    const DOT: [u8; 4] = [255, 0xd9, 0x6b, 0x1f];
    let far = |left: f32, top: f32| (x - left).hypot(y - top);
    if dot {
        let away = far(0.78, 0.22);
        if away < 0.2 {
            return DOT;
        }
        if away < 0.27 {
            return NOTHING;
        }
    }
    let bubble = ((x - 0.5) / 0.46).hypot((y - 0.44) / 0.37) < 1.0;
    let tail = (0.2..0.45).contains(&x) && (0.6..0.95).contains(&y) && x - 0.2 < 0.95 - y;
    let eyes = far(0.34, 0.42) < 0.07 || far(0.66, 0.42) < 0.07;
    if (bubble || tail) && !eyes {
        BUBBLE
    } else {
        NOTHING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_tells_that_something_is_unread_and_nothing_else() {
        for side in SIDES {
            let (quiet, loud) = (icon(side, false), icon(side, true));
            assert_eq!(quiet.data.len(), usize::from(side) * usize::from(side) * 4);
            assert_ne!(quiet.data, loud.data, "{side}");
            // Most of it is drawn, and its corners are not.
            let drawn = quiet.data.chunks(4).filter(|it| it[0] == 255).count();
            assert!(drawn * 2 > quiet.data.len() / 4 && quiet.data[0] == 0, "{side}");
        }
    }

    #[test]
    fn where_there_is_no_bus_there_is_no_icon() {
        let tray = Tray::none();
        tray.show(Labels::default(), true);
        assert!(!tray.is_there());
        tray.hide();
    }
}
