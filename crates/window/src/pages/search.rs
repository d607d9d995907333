//! Searching in the open conversation.
//! It must never keep what was searched for, nor show a text that `view` did not make fit to be shown.
//! Standard: `docs/rpc.md`, `history.read`.

use std::rc::Rc;

use model::{Command, Kept, Message, ReadKept};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Peer, State};

use crate::app::now;
use crate::pages::{Page, with};
use crate::{App, markup};

/// Kept messages that are asked for at once.
const MAX_KEPT: u32 = 200;

/// The sheet has nothing of its own to remember.
pub(crate) struct Search;

impl Page for Search {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Search<'_>>();
        let weak = Rc::downgrade(app);
        global.on_begin(move || {
            if let Some(app) = weak.upgrade() {
                forget(&app);
            }
        });
        global.on_find(with(app, |app, words: SharedString| find(app, &words)));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes.iter().any(|it| matches!(it, Change::Profile)) {
            forget(app);
        }
    }
}

fn forget(app: &App) {
    let global = app.ui().global::<markup::Search<'_>>();
    global.set_found(ModelRc::default());
    global.set_answered(false);
    global.set_busy(false);
}

fn find(app: &Rc<App>, words: &str) {
    let Some(peer) = app.state(|state| state.opened().cloned()) else {
        return;
    };
    let words = words.trim().to_owned();
    let kept = |state: &State| state.contact(&peer).is_some_and(|contact| contact.kept);
    if words.is_empty() || !app.state(kept) {
        return show(app, &peer, &[], &words);
    }
    app.ui().global::<markup::Search<'_>>().set_busy(true);
    let command = Command::ReadKept(ReadKept {
        account: peer.account,
        contact: peer.contact.clone(),
        words: Some(words.clone()),
        before: None,
        limit: Some(MAX_KEPT),
    });
    app.send::<Kept>(&command, move |app, kept| {
        let messages = kept.unwrap_or_else(|problem| {
            app.show_problem(&problem);
            Kept::default()
        });
        show(app, &peer, &messages.messages, &words);
    });
}

fn show(app: &App, peer: &Peer, kept: &[Message], wanted: &str) {
    let words = app.words();
    let lines: Vec<markup::FoundMessageLine> = app.state(|state| {
        let (Some(talk), Some(name)) = (state.talk(peer), state.name(peer)) else {
            return Vec::new();
        };
        let found = view::search(&talk.log, kept, wanted, name, &words, now());
        found.into_iter().map(line).collect()
    });
    let global = app.ui().global::<markup::Search<'_>>();
    global.set_found(ModelRc::new(VecModel::from(lines)));
    global.set_answered(true);
    global.set_busy(false);
}

fn line(found: view::FoundMessage) -> markup::FoundMessageLine {
    markup::FoundMessageLine {
        about: found.about.into(),
        text: found.text.into(),
        rtl: found.rtl,
    }
}
