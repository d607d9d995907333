//! The sheet for entering a room, making one, or looking for one.
//! It must never ask a server before the person pressed a button, nor keep a password.
//! Standard: `docs/rpc.md`, `room.enter` and `room.find`.

use std::cell::RefCell;
use std::rc::Rc;

use model::{Address, CheckLinks, Command, Done, EnterRoom as Enter, FindRooms, FoundRooms, Problem, Secret};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Peer};

use crate::pages::{Page, account_at, accounts, when_unlinked, with};
use crate::{App, markup};

/// Characters of what a room says it is about.
const MAX_ABOUT_CHARS: usize = 120;

/// What the last search found.
#[derive(Default)]
pub(crate) struct EnterRoom {
    found: RefCell<Vec<Address>>,
}

impl Page for EnterRoom {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::EnterRoom<'_>>();
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_begin(move || {
            if let Some(app) = weak.upgrade() {
                page.begin(&app);
            }
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_find(move |account, words| {
            if let Some(app) = weak.upgrade() {
                page.find(&app, account, &words);
            }
        });
        global.on_choose(with(app, move |app, index: i32| {
            let chosen = usize::try_from(index).ok();
            let address = chosen.and_then(|at| self.found.borrow().get(at).cloned());
            if let Some(address) = address {
                let global = app.ui().global::<markup::EnterRoom<'_>>();
                global.set_address(address.as_str().into());
                global.set_tab(0);
            }
        }));
        let weak = Rc::downgrade(app);
        global.on_enter(move |account, address, nick, password, create, stay, anyway| {
            let Some(app) = weak.upgrade() else { return };
            let password = Secret::new(password.to_string());
            let Some(account) = account_at(&app, account) else {
                return;
            };
            let Ok(room) = address.trim().parse() else {
                return tell(&app, &super::bad_address());
            };
            let nick = Some(nick.trim()).filter(|it| !it.is_empty()).map(str::to_owned);
            let with = Enter {
                account,
                room,
                nick,
                password: Some(password).filter(|it| !it.expose().is_empty()),
                create,
                enter: stay,
            };
            if anyway {
                return enter(&app, with);
            }
            let links = CheckLinks {
                account: Some(account),
                to: with.room.clone(),
                nick: with.nick.clone(),
            };
            busy(&app);
            let warn = |app: &Rc<App>, told| {
                let global = app.ui().global::<markup::EnterRoom<'_>>();
                global.set_busy(false);
                global.set_warning(told);
            };
            when_unlinked(&app, links, warn, move |app| enter(app, with));
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let concerns = |it: &Change| matches!(it, Change::Account(_) | Change::Everything);
        if changes.iter().any(concerns) {
            let global = app.ui().global::<markup::EnterRoom<'_>>();
            global.set_accounts(accounts(app));
        }
        if changes.iter().any(|it| matches!(it, Change::Profile)) {
            self.begin(app);
            app.ui()
                .global::<markup::EnterRoom<'_>>()
                .set_address(SharedString::default());
        }
    }
}

impl EnterRoom {
    /// The sheet opens: nothing of the last time but the address, which an invitation may have put there.
    fn begin(&self, app: &Rc<App>) {
        self.found.borrow_mut().clear();
        let global = app.ui().global::<markup::EnterRoom<'_>>();
        global.set_found(ModelRc::default());
        global.set_answered(false);
        global.set_busy(false);
        global.set_problem(SharedString::default());
        global.set_warning(SharedString::default());
        global.set_tab(0);
    }

    fn find(self: &Rc<Self>, app: &Rc<App>, account: i32, words: &str) {
        let Some(account) = account_at(app, account) else {
            return;
        };
        busy(app);
        let command = Command::FindRooms(FindRooms {
            account,
            words: words.trim().to_owned(),
        });
        let page = self.clone();
        app.send::<FoundRooms>(&command, move |app, found| {
            let global = app.ui().global::<markup::EnterRoom<'_>>();
            global.set_busy(false);
            match found {
                Ok(found) => page.show(app, found),
                Err(problem) => tell(app, &problem),
            }
        });
    }

    fn show(&self, app: &Rc<App>, found: FoundRooms) {
        let words = app.words();
        let lines: Vec<markup::FoundLine> = found
            .rooms
            .iter()
            .map(|room| markup::FoundLine {
                address: view::text::isolated(&view::text::address(room.room.as_str())).into(),
                about: view::text::line(&room.about, MAX_ABOUT_CHARS).text.into(),
                members: room
                    .members
                    .map(|count| words.count("room.members", u64::from(count)).into())
                    .unwrap_or_default(),
            })
            .collect();
        self.found
            .replace(found.rooms.into_iter().map(|it| it.room).collect());
        let global = app.ui().global::<markup::EnterRoom<'_>>();
        global.set_found(ModelRc::new(VecModel::from(lines)));
        global.set_answered(true);
    }
}

/// Opens the sheet with an address in it: an invitation is answered.
pub(super) fn open_with(app: &Rc<App>, peer: &Peer) {
    let global = app.ui().global::<markup::EnterRoom<'_>>();
    let place = app.state(|state| state.accounts().position(|it| it.id == peer.account));
    global.set_account(place.and_then(|it| i32::try_from(it).ok()).unwrap_or_default());
    global.set_address(peer.contact.as_str().into());
    app.ui()
        .global::<markup::Nav<'_>>()
        .set_dialog(markup::Dialog::EnterRoom);
}

fn enter(app: &Rc<App>, room: Enter) {
    let peer = Peer::new(room.account, room.room.clone());
    busy(app);
    app.send::<Done>(&Command::EnterRoom(room), move |app, done| {
        let global = app.ui().global::<markup::EnterRoom<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => {
                global.set_address(SharedString::default());
                app.ui()
                    .global::<markup::Nav<'_>>()
                    .set_dialog(markup::Dialog::None);
                app.open_room(peer);
            }
            Err(problem) => tell(app, &problem),
        }
    });
}

fn busy(app: &App) {
    let global = app.ui().global::<markup::EnterRoom<'_>>();
    global.set_busy(true);
    global.set_problem(SharedString::default());
}

fn tell(app: &App, problem: &Problem) {
    app.ui()
        .global::<markup::EnterRoom<'_>>()
        .set_problem(app.say(problem));
}
