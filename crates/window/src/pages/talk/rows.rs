//! The rows of the open conversation, made when they are about to be seen: a hundred thousand cost what a screen costs.
//! It must never hold a text of its own beyond what the toolkit asks for. Standard: Slint's `Model`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};

use slint::{Model, ModelNotify, ModelRc, ModelTracker, SharedString, StyledText, VecModel};
use view::text::{self, Link};
use view::{Entry, Log, Mark, Name, Peer, Row, RowChange, RowKind, State, What};

use crate::App;
use crate::app::now;
use crate::fonts;
use crate::markup::{Delivery, Line, LinkLine};

/// Links of one message that are listed below it.
const MAX_LISTED: usize = 3;

/// The rows of one conversation.
pub(super) struct Rows {
    app: Weak<App>,
    peer: Peer,
    /// Number of the entry above which "new messages" stands.
    first_new: Option<u64>,
    /// Numbers of the entries that are shown in full.
    in_full: RefCell<BTreeSet<u64>>,
    /// How many rows were told to the list.
    count: Cell<usize>,
    notify: ModelNotify,
}

impl Rows {
    /// The rows of a conversation, before it is marked as read.
    pub(super) fn new(app: &Rc<App>, peer: Peer) -> Self {
        let first_new = app.first_new();
        let rows = Self {
            app: Rc::downgrade(app),
            peer,
            first_new,
            in_full: RefCell::default(),
            count: Cell::new(0),
            notify: ModelNotify::default(),
        };
        rows.count.set(rows.with(|rows| rows.len()).unwrap_or_default());
        rows
    }

    /// Whose.
    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Anything may be different.
    pub(super) fn all_changed(&self) {
        self.count.set(self.with(|rows| rows.len()).unwrap_or_default());
        self.notify.reset();
    }

    /// One row came or changed.
    pub(super) fn changed(&self, change: RowChange) {
        match change {
            RowChange::All => self.all_changed(),
            RowChange::Changed(row) if row < self.count.get() => self.notify.row_changed(row),
            RowChange::Changed(_) => self.all_changed(),
            RowChange::Added { dropped: 0 } => {
                let count = self.count.get();
                self.count.set(count.saturating_add(1));
                self.notify.row_added(count, 1);
            }
            // The oldest went: every row has another number now.
            RowChange::Added { .. } => self.all_changed(),
        }
    }

    /// Shows a long message in full.
    pub(super) fn show_all(&self, index: i32) {
        if let Some(number) = self.entry(index, |entry| entry.number) {
            self.in_full.borrow_mut().insert(number);
            self.notify
                .row_changed(usize::try_from(index).unwrap_or_default());
        }
    }

    /// What the clipboard gets for a row: the message as it came.
    pub(super) fn copied(&self, index: i32) -> Option<String> {
        self.entry(index, |entry| match &entry.what {
            What::Message(message) => Some(text::copied(&message.text)),
            What::Said(message) => Some(text::copied(&message.text)),
            _ => None,
        })
        .flatten()
    }

    /// Where a link of a row leads.
    pub(super) fn link(&self, index: i32, link: i32) -> Option<String> {
        let index = usize::try_from(index).ok()?;
        let row = self.with(|rows| rows.row(index)).flatten()?;
        let link = row.links.get(usize::try_from(link).ok()?)?;
        Some(link.target.clone())
    }

    /// Reads the entry of a row.
    pub(super) fn entry<R>(&self, index: i32, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        let index = usize::try_from(index).ok()?;
        self.app.upgrade()?.state(|state| {
            let log = match state.room(&self.peer) {
                Some(room) => &room.log,
                None => &state.talk(&self.peer)?.log,
            };
            log.entry(index).map(read)
        })
    }

    /// What was said, who the other side is, and what the owner is called.
    fn parts<'a>(&self, state: &'a State) -> Option<(&'a Log, Name, String)> {
        if let Some(room) = state.room(&self.peer) {
            let own_name = text::address(&room.room.nick);
            return Some((&room.log, room.name.clone(), own_name));
        }
        let own_name = state
            .account(self.peer.account)
            .map(|account| text::address(account.address.as_str()))
            .unwrap_or_default();
        let talk = state.talk(&self.peer)?;
        let name = state.name(&self.peer)?.clone();
        Some((&talk.log, name, own_name))
    }

    fn with<R>(&self, read: impl FnOnce(&view::Rows<'_>) -> R) -> Option<R> {
        let app = self.app.upgrade()?;
        let words = app.words();
        app.state(|state| {
            let (log, name, own_name) = self.parts(state)?;
            let in_full = self.in_full.borrow();
            let rows = view::Rows {
                log,
                words,
                now: now(),
                name: &name,
                own_name: &own_name,
                first_new: self.first_new,
                in_full: &in_full,
            };
            Some(read(&rows))
        })
    }
}

impl Model for Rows {
    type Data = Line;

    fn row_count(&self) -> usize {
        self.count.get()
    }

    fn row_data(&self, row: usize) -> Option<Line> {
        self.with(|rows| {
            let row = rows.row(row)?;
            let spoken = rows.spoken(&row);
            Some(line(row, spoken))
        })
        .flatten()
    }

    fn model_tracker(&self) -> &dyn ModelTracker {
        &self.notify
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn line(row: Row, spoken: String) -> Line {
    let links: Vec<LinkLine> = row.links.iter().take(MAX_LISTED).map(link_line).collect();
    Line {
        day: row.day.unwrap_or_default().into(),
        first_new: row.first_new,
        system: row.kind == RowKind::System,
        linked: !row.links.is_empty(),
        rich: rich(&row.text, &row.links),
        text: drawable(&row.text).into(),
        rtl: row.rtl,
        mine: row.kind == RowKind::Own,
        sender: row.sender.into(),
        corrected: row.corrected,
        begins: row.begins,
        action: row.action,
        time: row.time.into(),
        delivery: row.mark.map_or(Delivery::None, |mark| match mark {
            Mark::NotSent => Delivery::NotSent,
            Mark::Received => Delivery::Received,
            Mark::Sent => Delivery::Sent,
            Mark::Waiting => Delivery::Waiting,
        }),
        delivery_words: row.delivery_words.into(),
        unencrypted: row.unencrypted,
        cut: row.cut,
        can_retry: row.can_retry,
        can_cancel: row.can_cancel,
        links: ModelRc::new(VecModel::from(links)),
        spoken: spoken.into(),
    }
}

fn link_line(link: &Link) -> LinkLine {
    LinkLine {
        host: SharedString::from(&link.host),
        unusual: link.unusual,
    }
}

/// The text with its links in the colour of links. Nothing in it is taken as markup: every ASCII sign that could be
/// one is escaped. They lead nowhere when pressed.
fn rich(text: &str, links: &[Link]) -> StyledText {
    if links.is_empty() {
        return StyledText::default();
    }
    let mut marked = String::with_capacity(text.len().saturating_mul(2));
    let mut from = 0;
    for link in links {
        let before = text.get(from..link.range.start).unwrap_or_default();
        let inside = text.get(link.range.clone()).unwrap_or_default();
        escape(before, &mut marked);
        marked.push('[');
        escape(inside, &mut marked);
        marked.push_str("](otter:)");
        from = link.range.end;
    }
    escape(text.get(from..).unwrap_or_default(), &mut marked);
    StyledText::from_markdown(&marked).unwrap_or_else(|_| StyledText::from_plain_text(text))
}

/// A text with the names of emoji that cannot be drawn in their places: they would be drawn as nothing.
fn drawable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match fonts::name_of_undrawn(letter) {
            Some(name) => out.extend(["[", name, "]"]),
            None => out.push(letter),
        }
    }
    out
}

fn escape(text: &str, out: &mut String) {
    for letter in drawable(text).chars() {
        if letter == '\n' {
            // Two spaces before the end keep a line's end; of a paragraph's end nothing would be left.
            out.push_str("  \n");
            continue;
        }
        if letter.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_taken_as_markup() {
        let mut out = String::new();
        escape("**[a](https://b)** <u>c</u> `d` \\e", &mut out);
        assert_eq!(
            out,
            "\\*\\*\\[a\\]\\(https\\:\\/\\/b\\)\\*\\* \\<u\\>c\\<\\/u\\> \\`d\\` \\\\e"
        );
    }
}
