//! The stop where a contact has another key: what is known, and the person's decision.
//! It must never accept a key by itself, nor another key than the one that was shown.
//! Standard: `docs/rpc.md`, `fingerprint.accept`, `fingerprint.distrust`, `fingerprint.forget`.

use std::rc::Rc;

use model::{Command, Done, FingerprintRef};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, KeyRow, KeyState, Peer, Trust};

use crate::App;
use crate::markup;
use crate::pages::{Page, with};

/// The stop has nothing of its own to remember.
pub(crate) struct KeyChanged;

impl Page for KeyChanged {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::KeyChanged<'_>>();
        global.on_accept(with(app, |app, key| {
            decide(app, &key, Command::AcceptFingerprint);
        }));
        global.on_distrust(with(app, |app, key| {
            decide(app, &key, Command::DistrustFingerprint);
        }));
        global.on_forget(with(app, |app, key| {
            decide(app, &key, Command::ForgetFingerprint);
        }));
        global.on_copy(with(app, |app, text: SharedString| app.copy(&text)));
    }

    fn refresh(&self, app: &Rc<App>, _: &[Change]) {
        let Some(peer) = app.state(|state| state.opened().cloned()) else {
            return;
        };
        if app.state(|state| Trust::of(state, &peer)) == Trust::KeyChanged {
            fill(app, &peer);
        }
    }
}

fn fill(app: &Rc<App>, peer: &Peer) {
    let words = app.words();
    let Some(header) = app.state(|state| view::header(state, &words, peer)) else {
        return;
    };
    let new = view::fingerprint(&header.new_key.unwrap_or_default());
    let (news, known): (Vec<KeyRow>, Vec<KeyRow>) = app
        .state(|state| view::keys(state, &words, Some(peer)))
        .into_iter()
        .partition(|row| row.fingerprint == new);
    let global = app.ui().global::<markup::KeyChanged<'_>>();
    global.set_name(header.name.text.into());
    global.set_new_key(new.into());
    global.set_in_use(news.iter().any(|row| row.in_use));
    global.set_was_verified(known.iter().any(|row| row.state == KeyState::Verified));
    global.set_waiting(i32::try_from(header.waiting).unwrap_or(i32::MAX));
    let known = known.into_iter().map(|row| markup::KnownKey {
        key: row.fingerprint.into(),
        decided: row.state_words.into(),
    });
    global.set_known(ModelRc::new(VecModel::from_iter(known)));
}

/// Does what the person decided about the key that was shown.
fn decide(app: &Rc<App>, key: &SharedString, command: fn(FingerprintRef) -> Command) {
    let Some(peer) = app.state(|state| state.opened().cloned()) else {
        return;
    };
    let global = app.ui().global::<markup::KeyChanged<'_>>();
    global.set_busy(true);
    let command = command(FingerprintRef {
        account: peer.account,
        contact: peer.contact,
        fingerprint: key.to_string(),
    });
    app.send::<Done>(&command, |app, done| {
        app.ui().global::<markup::KeyChanged<'_>>().set_busy(false);
        if let Err(problem) = done {
            app.show_problem(&problem);
        }
    });
}
