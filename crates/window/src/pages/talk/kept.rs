//! Kept messages of the open conversation, read backwards when the person comes to the first that is there.
//! It must never ask twice for the same place. Standard: `docs/rpc.md`, `history.read`.

use std::rc::Rc;

use model::{Command, Kept, ReadKept};
use slint::ComponentHandle;
use view::{Change, Peer, RowChange};

use crate::{App, markup};

/// Messages that are read at once.
const PAGE: u32 = 100;

pub(super) fn attach(app: &Rc<App>) {
    let global = app.ui().global::<markup::Talk<'_>>();
    global.on_page(app.on_open(|app, peer| page(app, &peer)));
}

/// Whether there is anything to ask for.
pub(super) fn show(app: &App, peer: &Peer) {
    let earlier = app.state(|state| state.earlier(peer).is_some());
    app.ui().global::<markup::Talk<'_>>().set_earlier(earlier);
}

fn page(app: &Rc<App>, peer: &Peer) {
    let Some(before) = app.state(|state| state.earlier(peer)) else {
        return;
    };
    app.ui().global::<markup::Talk<'_>>().set_paging(true);
    let command = Command::ReadKept(ReadKept {
        account: peer.account,
        contact: peer.contact.clone(),
        words: None,
        before,
        limit: Some(PAGE),
    });
    let peer = peer.clone();
    app.send::<Kept>(&command, move |app, kept| {
        app.ui().global::<markup::Talk<'_>>().set_paging(false);
        match kept {
            Ok(kept) => take(app, &peer, kept),
            Err(problem) => app.show_problem(&problem),
        }
    });
}

fn take(app: &Rc<App>, peer: &Peer, kept: Kept) {
    let came = app.mirror(|mirror| mirror.state_mut().take_kept(peer, kept));
    app.refresh(&[Change::Row(peer.clone(), RowChange::All)]);
    if app.state(|state| state.opened() != Some(peer)) {
        return;
    }
    let global = app.ui().global::<markup::Talk<'_>>();
    global.set_to_place(global.get_to_place().wrapping_add(1));
    // Everything on the page was there already: the one before it is wanted.
    if came == 0 && app.state(|state| state.earlier(peer).is_some()) {
        page(app, peer);
    }
}
