//! The emoji picker's groups and rows.
//! It must never remember which emoji were chosen. Standard: UTS #51, by way of [`view::emoji`].

use std::rc::Rc;

use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::emoji::{self, Emoji};
use view::{Change, Words};

use crate::App;
use crate::markup::{self, EmojiCell, EmojiGroup, EmojiRow};
use crate::pages::{Page, with};

/// Emoji in a row: `ui/pages/emoji.slint`.
const IN_A_ROW: usize = 8;

/// The picker has nothing of its own to remember.
pub(crate) struct Picker;

impl Page for Picker {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Emoji<'_>>();
        global.on_choose_group(with(app, show_group));
        global.on_search(with(app, |app, text: SharedString| {
            if text.is_empty() {
                return show_group(app, 0);
            }
            let global = app.ui().global::<markup::Emoji<'_>>();
            global.set_rows(rows(&emoji::find(&text)));
        }));
        show_group(app, 0);
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes.contains(&Change::Everything) {
            let global = app.ui().global::<markup::Emoji<'_>>();
            global.set_groups(groups(&app.words()));
        }
    }
}

fn show_group(app: &Rc<App>, group: i32) {
    let global = app.ui().global::<markup::Emoji<'_>>();
    let chosen = usize::try_from(group).unwrap_or_default();
    let shown = emoji::groups().nth(chosen).map(|(_, emoji)| emoji);
    global.set_group(group);
    global.set_rows(rows(&shown.unwrap_or_default()));
}

fn groups(words: &Words) -> ModelRc<EmojiGroup> {
    let groups = emoji::groups().map(|(key, emoji)| EmojiGroup {
        name: words.say(key).into(),
        sample: emoji.first().map_or("", |it| it.text).into(),
    });
    ModelRc::new(VecModel::from(groups.collect::<Vec<_>>()))
}

fn rows(emoji: &[Emoji]) -> ModelRc<EmojiRow> {
    let row = |cells: &[Emoji]| EmojiRow {
        cells: ModelRc::new(VecModel::from(cells.iter().map(cell).collect::<Vec<_>>())),
    };
    ModelRc::new(VecModel::from(
        emoji.chunks(IN_A_ROW).map(row).collect::<Vec<_>>(),
    ))
}

fn cell(emoji: &Emoji) -> EmojiCell {
    EmojiCell {
        emoji: emoji.text.into(),
        name: emoji.name.into(),
    }
}
