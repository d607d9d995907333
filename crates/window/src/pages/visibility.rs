//! When an account says that it is there, on its sheet.
//! It must never choose for the person. Standard: `docs/rpc.md`, `account.visibility`.

use std::cell::RefCell;
use std::rc::Rc;

use model::{Account, AccountId, Address, Command, Done, SetVisibility, Visibility as When};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Peer, State, Words};

use crate::pages::Page;
use crate::{App, markup};

/// Contacts that can be chosen: as many as the engine takes.
const MAX_CHOSEN: usize = 64;
/// Contacts that are shown to be chosen from.
const MAX_SHOWN: usize = 500;
/// Minutes of one step of a timetable.
const STEP: u16 = 30;

/// The contacts as they stand on the sheet, and whether each is chosen.
#[derive(Default)]
pub(crate) struct Visibility {
    contacts: RefCell<Vec<(Address, bool)>>,
}

impl Page for Visibility {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Accounts<'_>>();
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_visibility(move |index| {
            if let Some(app) = weak.upgrade() {
                page.begin(&app, index);
            }
        });
        let page = self.clone();
        global.on_choose_contact(move |index, chosen| {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            if let Some(contact) = page.contacts.borrow_mut().get_mut(index) {
                contact.1 = chosen;
            }
        });
        let weak = Rc::downgrade(app);
        global.on_set_visibility(move |kind, from, to| {
            if let Some(app) = weak.upgrade() {
                self.set(&app, kind, from, to);
            }
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes.contains(&Change::Everything) {
            let words = Words::new(app.words().language());
            let times = (0..48_u64).map(|step| SharedString::from(words.time(step * 30 * 60_000)));
            let global = app.ui().global::<markup::Accounts<'_>>();
            global.set_half_hours(ModelRc::new(times.collect::<VecModel<_>>()));
        }
        if changes.contains(&Change::Profile) {
            self.contacts.borrow_mut().clear();
            app.ui()
                .global::<markup::Accounts<'_>>()
                .set_contacts(ModelRc::default());
        }
    }
}

impl Visibility {
    /// The sheet opens: what holds now.
    fn begin(&self, app: &App, index: i32) {
        let Some(account) = account(app, index) else {
            return;
        };
        let (kind, from, to, only) = match account.visibility {
            When::Always => (0, 0, 0, Vec::new()),
            When::Never => (1, 0, 0, Vec::new()),
            When::Only { contacts } => (2, 0, 0, contacts),
            When::Timetable { from, to } => (3, from / STEP, to / STEP, Vec::new()),
        };
        let (contacts, lines): (Vec<_>, Vec<_>) = app.state(|state| {
            let of_account = |(peer, _): &(&Peer, _)| peer.account == account.id;
            state
                .contacts()
                .filter(|(_, contact)| contact.accepted && !contact.blocked)
                .filter(of_account)
                .take(MAX_SHOWN)
                .map(|(peer, _)| choice(state, peer, only.contains(&peer.contact)))
                .unzip()
        });
        self.contacts.replace(contacts);
        let global = app.ui().global::<markup::Accounts<'_>>();
        global.set_visible(kind);
        global.set_visible_from(i32::from(from));
        global.set_visible_to(i32::from(to));
        global.set_contacts(ModelRc::new(VecModel::from(lines)));
    }

    fn set(&self, app: &Rc<App>, kind: i32, from: i32, to: i32) {
        let global = app.ui().global::<markup::Accounts<'_>>();
        let Some(account) = account(app, global.get_current()).map(|it| it.id) else {
            return;
        };
        let visibility = match kind {
            0 => When::Always,
            1 => When::Never,
            2 => When::Only {
                contacts: self.chosen(),
            },
            _ => When::Timetable {
                from: minutes(from),
                to: minutes(to),
            },
        };
        order(app, account, visibility);
    }

    fn chosen(&self) -> Vec<Address> {
        let contacts = self.contacts.borrow();
        let chosen = contacts.iter().filter(|(_, chosen)| *chosen);
        chosen
            .take(MAX_CHOSEN)
            .map(|(address, _)| address.clone())
            .collect()
    }
}

fn choice(state: &State, peer: &Peer, chosen: bool) -> ((Address, bool), markup::VisibleTo) {
    let name = state.name(peer).map(|it| it.text.clone()).unwrap_or_default();
    let line = markup::VisibleTo {
        name: name.into(),
        chosen,
    };
    ((peer.contact.clone(), chosen), line)
}

fn account(app: &App, index: i32) -> Option<Account> {
    let index = usize::try_from(index).ok()?;
    app.state(|state| state.accounts().nth(index).cloned())
}

fn minutes(step: i32) -> u16 {
    u16::try_from(step.clamp(0, 47))
        .unwrap_or_default()
        .saturating_mul(STEP)
}

fn order(app: &Rc<App>, account: AccountId, visibility: When) {
    let global = app.ui().global::<markup::Accounts<'_>>();
    global.set_busy(true);
    global.set_problem(SharedString::default());
    let command = Command::SetVisibility(SetVisibility { account, visibility });
    app.send::<Done>(&command, |app, done| {
        let global = app.ui().global::<markup::Accounts<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => app
                .ui()
                .global::<markup::Nav<'_>>()
                .set_dialog(markup::Dialog::None),
            Err(problem) => global.set_problem(app.say(&problem)),
        }
    });
}
