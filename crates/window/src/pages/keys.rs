//! What works everywhere: going from page to page, locking, larger and smaller letters, and what texts need.
//! It must never do anything that a person did not press. Standard: none.

use std::rc::Rc;

use model::{Command, Nothing};
use slint::{ComponentHandle, SharedString};
use view::{Change, text};

use crate::App;
use crate::markup;
use crate::pages::{Page, with};

/// Nothing of its own to remember.
pub(crate) struct Keys;

impl Page for Keys {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let nav = app.ui().global::<markup::Nav<'_>>();
        nav.on_zoom(with(app, |app, by| app.change_look(|look| look.zoom_by(by))));
        nav.on_go(with(app, |app, page| {
            app.ui().global::<markup::Nav<'_>>().set_page(page);
        }));
        nav.on_open(with(app, |app, dialog| {
            app.ui().global::<markup::Nav<'_>>().set_dialog(dialog);
        }));
        let weak = Rc::downgrade(app);
        nav.on_lock_now(move || {
            if let Some(app) = weak.upgrade() {
                app.keep_drafts();
                app.order(&Command::Lock(Nothing {}));
            }
        });
        app.ui().on_darkness(with(app, |app, dark| {
            app.ui().global::<markup::Ui<'_>>().set_dark(dark);
        }));
        texts(app);
    }

    fn refresh(&self, _: &Rc<App>, _: &[Change]) {}
}

fn texts(app: &Rc<App>) {
    let ui = app.ui().global::<markup::Ui<'_>>();
    ui.on_is_rtl(|text| text::is_rtl(&text));
    ui.on_clean(|text| text::pasted(&text).into());
    ui.on_latin(|text| latin(&text));
    ui.on_bytes(|text| i32::try_from(text.len()).unwrap_or(i32::MAX));
    ui.on_insert(|text, at, piece| insert(&text, at, &piece));
}

/// The Latin letters of our shortcuts, and what stands on the same keys in Arabic, Persian and Russian.
const SAME_KEYS: [(&str, &str); 7] = [
    ("c", "ؤزсС"),
    ("f", "بаА"),
    ("l", "مдД"),
    ("m", "ةپئьЬ"),
    ("n", "ىدтТ"),
    ("r", "قкК"),
    ("w", "صцЦ"),
];

fn latin(text: &SharedString) -> SharedString {
    let mut letters = text.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return text.clone();
    };
    let same = SAME_KEYS.iter().find(|(_, others)| others.contains(letter));
    same.map_or_else(|| text.clone(), |(key, _)| SharedString::from(*key))
}

/// A text with a piece put in at a place in bytes; at the end where the place is none.
fn insert(text: &str, at: i32, piece: &str) -> SharedString {
    let at = usize::try_from(at).unwrap_or(text.len());
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    [before, piece, after].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcut_is_on_the_same_key_in_every_layout() {
        for letters in ["l", "م", "д"] {
            assert_eq!(latin(&letters.into()), "l");
        }
        assert_eq!(latin(&"ll".into()), "ll");
        assert_eq!(latin(&"".into()), "");
    }

    #[test]
    fn a_piece_is_put_where_the_caret_stands() {
        assert_eq!(insert("سلام", 4, "🦦"), "سل🦦ام");
        assert_eq!(insert("سلام", 3, "🦦"), "سلام🦦");
        assert_eq!(insert("a", 99, "b"), "ab");
        assert_eq!(insert("a", -1, "b"), "ab");
    }
}
