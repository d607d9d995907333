//! Rooms as the window opens them: what was said before it heard of a room is asked for once.
//! It must never open a room that the engine does not know. Standard: `docs/rpc.md`, `room.show`.

use std::rc::Rc;

use model::{Command, RoomShown};
use view::Peer;

use crate::App;

impl App {
    /// Opens a room, once the engine has told what was said in it.
    pub(crate) fn open_room(self: &Rc<Self>, peer: Peer) {
        if self.state(|state| state.room(&peer).is_some_and(|it| it.whole)) {
            return self.open(Some(peer));
        }
        self.send::<RoomShown>(&Command::ShowRoom(peer.room()), move |app, shown| match shown {
            Ok(shown) => {
                let changes = app.mirror(|mirror| mirror.state_mut().take_room(shown));
                app.refresh(&changes);
                app.open(Some(peer));
            }
            Err(problem) => app.show_problem(&problem),
        });
    }

    /// Asks for the room that is open anew: who is in it changed, or something may have been missed.
    pub(crate) fn renew_room(self: &Rc<Self>, peer: &Peer) {
        self.send::<RoomShown>(&Command::ShowRoom(peer.room()), |app, shown| {
            if let Ok(shown) = shown {
                let changes = app.mirror(|mirror| mirror.state_mut().take_room(shown));
                app.refresh(&changes);
            }
        });
    }
}
