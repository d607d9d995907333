//! Where the next words are written: sends them, and keeps what was begun for each conversation.
//! It must never send by itself, and never lose what was written when sending was refused.
//! Standard: `docs/rpc.md`, `message.send` and `conversation.draft`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use model::{
    CheckText, Command, CorrectMessage, Done, Findings, MessageId, MessageSent, SayInRoom, SendMessage,
};
use slint::{ComponentHandle, SharedString, Timer, TimerMode};
use view::{Peer, What};

use crate::App;
use crate::app::now;
use crate::markup;
use crate::pages::with;

/// How long a person has to pause until what was written is looked at.
const LOOK_AFTER: Duration = Duration::from_millis(700);

/// What the composer needs besides its text.
#[derive(Default)]
pub(super) struct Composer {
    pause: Rc<Timer>,
    looking: Rc<Timer>,
    /// The message that is being corrected.
    correcting: Rc<RefCell<Option<MessageId>>>,
}

impl Composer {
    pub(super) fn attach(&self, app: &Rc<App>) {
        let global = app.ui().global::<markup::Talk<'_>>();
        let weak = Rc::downgrade(app);
        global.on_write(move || {
            if let Some(app) = weak.upgrade() {
                let global = app.ui().global::<markup::Talk<'_>>();
                global.set_to_focus(global.get_to_focus().wrapping_add(1));
            }
        });
        let correcting = self.correcting.clone();
        global.on_send(with(app, move |app, text: SharedString| {
            let message = correcting.take();
            app.ui().global::<markup::Talk<'_>>().set_correcting(false);
            match message {
                Some(message) => correct(app, message, &text),
                None => send(app, &text),
            }
        }));
        self.attach_correcting(app);
        let (pause, looking) = (self.pause.clone(), self.looking.clone());
        let correcting = self.correcting.clone();
        global.on_drafted(with(app, move |app, text: SharedString| {
            // A correction is no draft: what was begun before it stays.
            if correcting.borrow().is_some() {
                return;
            }
            let Some(peer) = app.state(|state| state.in_view().cloned()) else {
                return;
            };
            app.mirror(|mirror| mirror.drafts_mut().change(&peer, &text, now()));
            look_at(app, &looking, peer, text);
            let weak = Rc::downgrade(app);
            let wait = Duration::from_millis(view::PAUSE);
            pause.start(TimerMode::SingleShot, wait, move || {
                if let Some(app) = weak.upgrade() {
                    app.keep_drafts();
                }
            });
        }));
    }

    fn attach_correcting(&self, app: &Rc<App>) {
        let global = app.ui().global::<markup::Talk<'_>>();
        let correcting = self.correcting.clone();
        global.on_correct(app.on_open(move |app, peer| {
            let last = app.state(|state| {
                let message = state.talk(&peer)?.log.last_own()?;
                Some((message.id.clone(), message.text.clone()))
            });
            let Some((message, text)) = last else { return };
            correcting.replace(Some(message));
            app.ui().global::<markup::Talk<'_>>().set_correcting(true);
            write(app, &text);
        }));
        let weak = Rc::downgrade(app);
        global.on_correctable(move |index| {
            weak.upgrade()
                .is_some_and(|app| is_correctable(&app, index).unwrap_or_default())
        });
        let correcting = self.correcting.clone();
        global.on_correct_not(app.on_open(move |app, peer| {
            correcting.take();
            app.ui().global::<markup::Talk<'_>>().set_correcting(false);
            write(app, &draft(app, &peer));
        }));
    }

    /// Another conversation is open: its draft is in the composer, and what was written in the last one is kept.
    pub(super) fn begin(&self, app: &Rc<App>, peer: &Peer) {
        app.keep_drafts();
        self.correcting.take();
        self.looking.stop();
        let global = app.ui().global::<markup::Talk<'_>>();
        global.set_correcting(false);
        global.set_careful(SharedString::default());
        write(app, &draft(app, peer));
        let look = app.look();
        app.ui()
            .global::<markup::Talk<'_>>()
            .set_enter_sends(look.enter_sends);
    }
}

fn draft(app: &Rc<App>, peer: &Peer) -> String {
    app.mirror(|mirror| {
        let state = mirror.state();
        let kept = match state.room(peer) {
            Some(room) => room.draft.as_str(),
            None => state.talk(peer).map_or("", |talk| talk.draft.as_str()),
        };
        mirror.drafts().text(peer, kept).to_owned()
    })
}

/// Whether a row of the open conversation is the own message that can be said otherwise.
fn is_correctable(app: &App, index: i32) -> Option<bool> {
    let index = usize::try_from(index).ok()?;
    app.state(|state| {
        let log = &state.talk(state.opened()?)?.log;
        let last = log.last_own()?;
        Some(match &log.entry(index)?.what {
            What::Message(message) => message.id == last.id,
            _ => false,
        })
    })
}

/// Puts a text into the composer.
fn write(app: &Rc<App>, text: &str) {
    let global = app.ui().global::<markup::Talk<'_>>();
    global.set_draft(text.into());
    global.set_to_write(global.get_to_write().wrapping_add(1));
}

/// Has what is being written looked at, once the person pauses: what it would give away is said, and nothing held up.
fn look_at(app: &Rc<App>, looking: &Timer, peer: Peer, text: SharedString) {
    app.ui()
        .global::<markup::Talk<'_>>()
        .set_careful(SharedString::default());
    if text.trim().is_empty() {
        return looking.stop();
    }
    let weak = Rc::downgrade(app);
    looking.start(TimerMode::SingleShot, LOOK_AFTER, move || {
        let Some(app) = weak.upgrade() else { return };
        let command = Command::CheckText(CheckText {
            account: peer.account,
            to: peer.contact.clone(),
            text: text.to_string(),
        });
        let peer = peer.clone();
        app.send::<Findings>(&command, move |app, found| {
            // Whoever went on to another conversation is not told of this one.
            let same = app.state(|state| state.in_view() == Some(&peer));
            let told = found.map(|found| view::findings(&found, &app.words()));
            let global = app.ui().global::<markup::Talk<'_>>();
            if same && !draft(app, &peer).is_empty() {
                global.set_careful(told.unwrap_or_default().into());
            }
        });
    });
}

fn send(app: &Rc<App>, text: &str) {
    let Some(peer) = app.state(|state| state.in_view().cloned()) else {
        return;
    };
    let text = view::text::pasted(text);
    if text.trim().is_empty() {
        return;
    }
    app.mirror(|mirror| mirror.drafts_mut().change(&peer, "", now()));
    app.keep_drafts();
    app.ui()
        .global::<markup::Talk<'_>>()
        .set_careful(SharedString::default());
    let command = command(app, &peer, text.clone());
    app.send::<MessageSent>(&command, move |app, sent| {
        let Err(problem) = sent else { return };
        app.show_problem(&problem);
        give_back(app, &peer, &text);
    });
}

/// What goes to a contact, or is said in a room.
fn command(app: &App, peer: &Peer, text: String) -> Command {
    let (account, contact) = (peer.account, peer.contact.clone());
    if app.state(|state| state.room(peer).is_some()) {
        return Command::SayInRoom(SayInRoom {
            account,
            room: contact,
            text,
        });
    }
    Command::SendMessage(SendMessage {
        account,
        contact,
        text,
    })
}

/// Says the last message otherwise.
fn correct(app: &Rc<App>, message: MessageId, text: &str) {
    let Some(peer) = app.state(|state| state.opened().cloned()) else {
        return;
    };
    let text = view::text::pasted(text);
    let same = app.state(|state| {
        let said = state.talk(&peer)?.log.message(&message)?;
        Some(said.text == text)
    });
    if text.trim().is_empty() || same == Some(true) {
        return;
    }
    let command = Command::CorrectMessage(CorrectMessage {
        account: peer.account,
        contact: peer.contact.clone(),
        message,
        text: text.clone(),
    });
    // What was begun before is there again.
    write(app, &draft(app, &peer));
    app.send::<Done>(&command, move |app, done| {
        let Err(problem) = done else { return };
        app.show_problem(&problem);
        give_back(app, &peer, &text);
    });
}

/// What was refused is written again, unless other words stand there by now.
fn give_back(app: &Rc<App>, peer: &Peer, text: &str) {
    if draft(app, peer).is_empty() {
        app.mirror(|mirror| mirror.drafts_mut().change(peer, text, now()));
        if app.state(|state| state.in_view() == Some(peer)) {
            write(app, text);
        }
    }
}
