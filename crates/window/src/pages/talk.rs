//! One conversation: its header, its rows, its composer.
//! It must never send what was not sent by hand, nor show a row that `view` did not make fit to be shown.
//! Standard: `docs/rpc.md`, `message.*` and `conversation.*`.

mod composer;
mod kept;
mod rows;

use std::cell::RefCell;
use std::rc::Rc;

use model::{Command, MessageRef};
use slint::{ComponentHandle, ModelRc, SharedString};
use view::{Change, Peer, RowChange, Trust, What};

use crate::App;
use crate::markup;
use crate::pages::{Page, trust, with};
use rows::Rows;

/// The conversation that is open.
#[derive(Default)]
pub(crate) struct Talk {
    open: RefCell<Option<Rc<Rows>>>,
    composer: composer::Composer,
}

impl Page for Talk {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        self.attach_rows(app);
        self.attach_privacy(app);
        self.composer.attach(app);
        kept::attach(app);
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        app.ui()
            .global::<markup::Talk<'_>>()
            .set_enter_sends(app.look().enter_sends);
        let opened = app.state(|state| state.in_view().cloned());
        let shown = self.open.borrow().as_ref().map(|rows| rows.peer().clone());
        if opened != shown {
            return self.show(app, opened);
        }
        let Some(peer) = opened else { return };
        for change in changes {
            match change {
                Change::Everything => {
                    self.each(Rows::all_changed);
                    self.header(app, &peer);
                }
                Change::Row(of, row) if *of == peer => self.row(app, *row),
                Change::Room(of) if *of == peer => self.each(Rows::all_changed),
                _ => (),
            }
        }
        let concerns = |it: &Change| match it {
            Change::Header(of) | Change::Row(of, _) => *of == peer,
            Change::Account(account) => *account == peer.account,
            _ => false,
        };
        if changes.iter().any(concerns) {
            self.header(app, &peer);
        }
    }
}

impl Talk {
    /// Another conversation, or none.
    fn show(&self, app: &Rc<App>, opened: Option<Peer>) {
        let global = app.ui().global::<markup::Talk<'_>>();
        let rows = opened.map(|peer| Rc::new(Rows::new(app, peer)));
        global.set_cursor(-1);
        global.set_unseen(0);
        match &rows {
            Some(rows) => {
                self.header(app, rows.peer());
                global.set_lines(ModelRc::from(rows.clone()));
                self.composer.begin(app, rows.peer());
            }
            None => global.set_lines(ModelRc::default()),
        }
        global.set_room(app.state(|state| state.opened_room().is_some()));
        global.set_open(rows.is_some());
        self.open.replace(rows);
        global.set_at_end(true);
        global.set_to_end(global.get_to_end().wrapping_add(1));
    }

    fn each(&self, act: impl FnOnce(&Rows)) {
        if let Some(rows) = self.open.borrow().as_ref() {
            act(rows);
        }
    }

    fn row(&self, app: &Rc<App>, change: RowChange) {
        self.each(|rows| rows.changed(change));
        if !matches!(change, RowChange::Added { .. }) {
            return;
        }
        let global = app.ui().global::<markup::Talk<'_>>();
        if global.get_at_end() {
            global.set_to_end(global.get_to_end().wrapping_add(1));
        } else {
            global.set_unseen(global.get_unseen().saturating_add(1));
        }
    }

    fn header(&self, app: &Rc<App>, peer: &Peer) {
        kept::show(app, peer);
        let words = app.words();
        let global = app.ui().global::<markup::Talk<'_>>();
        let Some(header) = app.state(|state| view::header(state, &words, peer)) else {
            // Nothing of the last conversation stands in a room.
            global.set_notice(SharedString::default());
            global.set_wait(SharedString::default());
            return;
        };
        global.set_notice(if header.trust == Trust::Finished {
            header.trust_why.as_str().into()
        } else {
            SharedString::default()
        });
        global.set_trust(trust::shown(header.trust));
        global.set_trust_words(header.trust_words.into());
        global.set_trust_why(header.trust_why.into());
        global.set_fingerprint(header.fingerprint.unwrap_or_default().into());
        global.set_online(header.online);
        global.set_presence(header.presence.into());
        global.set_account(view::text::isolated(&header.account).into());
        global.set_address(view::text::isolated(&header.address).into());
        global.set_name(header.name.text.into());
        global.set_wait(header.notice.into());
    }

    fn attach_rows(self: &Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Talk<'_>>();
        let page = self.clone();
        global.on_retry(with(app, move |app, index| {
            page.with_message(app, index, Command::RetryMessage);
        }));
        let page = self.clone();
        global.on_cancel(with(app, move |app, index| {
            page.with_message(app, index, Command::CancelMessage);
        }));
        let page = self.clone();
        global.on_show_all(with(app, move |_, index| page.each(|rows| rows.show_all(index))));
        let page = self.clone();
        global.on_copy(with(app, move |app, index| {
            let text = page.open.borrow().as_ref().and_then(|rows| rows.copied(index));
            if let Some(text) = text {
                app.copy(&text);
            }
        }));
        let page = self.clone();
        let weak = Rc::downgrade(app);
        global.on_copy_link(move |index, link| {
            let target = page
                .open
                .borrow()
                .as_ref()
                .and_then(|rows| rows.link(index, link));
            if let (Some(app), Some(target)) = (weak.upgrade(), target) {
                app.copy(&target);
            }
        });
    }

    fn attach_privacy(self: &Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Talk<'_>>();
        global.on_start_private(app.on_open(|app, peer| app.start_private(&peer)));
        global.on_notice_pressed(app.on_open(|app, peer| app.start_private(&peer)));
        global.on_end_private(app.on_open(|app, peer| app.order(&Command::EndPrivate(peer.reference()))));
        global.on_trust_pressed(app.on_open(|app, _| {
            app.ui()
                .global::<markup::Nav<'_>>()
                .set_dialog(markup::Dialog::Trust);
        }));
        let weak = Rc::downgrade(app);
        global.on_close(move || {
            if let Some(app) = weak.upgrade() {
                app.open(None);
            }
        });
    }

    fn with_message(&self, app: &Rc<App>, index: i32, command: impl FnOnce(MessageRef) -> Command) {
        let Some(rows) = self.open.borrow().clone() else {
            return;
        };
        let peer = rows.peer().clone();
        let message = rows.entry(index, |entry| match &entry.what {
            What::Message(message) => Some(message.id.clone()),
            _ => None,
        });
        if let Some(message) = message.flatten() {
            app.order(&command(MessageRef {
                account: peer.account,
                contact: peer.contact,
                message,
            }));
        }
    }
}
