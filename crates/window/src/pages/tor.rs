//! The page of Tor: how it is doing, and a fresh circuit for each account.
//! It must never show a server's own words. Standard: `docs/rpc.md`, `Tor` and `tor.new_circuit`.

use std::cell::RefCell;
use std::rc::Rc;

use model::{AccountId, AccountRef, Command, Nothing, TorPaths};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{AccountRow, Change};

use crate::App;
use crate::markup;
use crate::pages::{Page, with};

/// The accounts as they stand on the page.
#[derive(Default)]
pub(crate) struct Tor {
    accounts: RefCell<Vec<AccountId>>,
}

impl Page for Tor {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Tor<'_>>();
        global.on_new_circuit(with(app, move |app, index: i32| {
            let chosen = usize::try_from(index).ok();
            let account = chosen.and_then(|at| self.accounts.borrow().get(at).copied());
            if let Some(account) = account {
                app.order(&Command::NewCircuit(AccountRef { account }));
            }
        }));
        let weak = Rc::downgrade(app);
        global.on_look(move || {
            if let Some(app) = weak.upgrade() {
                look(&app);
            }
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes
            .iter()
            .any(|it| matches!(it, Change::Everything | Change::Tor))
        {
            state(app);
        }
        if changes
            .iter()
            .any(|it| matches!(it, Change::Profile | Change::Tor))
        {
            forget(app);
        }
        let concerns = |it: &Change| matches!(it, Change::Account(_) | Change::Everything | Change::Profile);
        if changes.iter().any(concerns) {
            self.accounts(app);
        }
    }
}

impl Tor {
    fn accounts(&self, app: &Rc<App>) {
        let words = app.words();
        let rows: Vec<(AccountId, AccountRow)> = app.state(|state| {
            let accounts = state.accounts();
            accounts
                .map(|it| (it.id, view::account_row(it, &words)))
                .collect()
        });
        self.accounts.replace(rows.iter().map(|(id, _)| *id).collect());
        let lines = rows.into_iter().map(|(_, row)| markup::TorAccount {
            address: view::text::isolated(&row.address).into(),
            state: row.state.into(),
            why: row.why.into(),
            online: row.online,
        });
        let global = app.ui().global::<markup::Tor<'_>>();
        global.set_accounts(ModelRc::new(VecModel::from_iter(lines)));
    }
}

fn state(app: &Rc<App>) {
    let words = app.words();
    let Some(row) = app.state(|state| state.tor().map(|tor| view::tor_row(tor, &words))) else {
        return;
    };
    let global = app.ui().global::<markup::Tor<'_>>();
    global.set_doing(row.doing.into());
    global.set_why(row.why.into());
    global.set_ready(row.ready);
    global.set_stalled(row.stalled);
    global.set_progress(f32::from(row.percent) / 100.0);
    global.set_percent(row.percent_words.into());
}

/// Circuits are shown as they were when the person asked, until Tor is another.
fn forget(app: &App) {
    let global = app.ui().global::<markup::Tor<'_>>();
    global.set_paths(ModelRc::default());
    global.set_told(false);
    global.set_busy(false);
}

fn look(app: &Rc<App>) {
    app.ui().global::<markup::Tor<'_>>().set_busy(true);
    app.send::<TorPaths>(&Command::TorPaths(Nothing {}), |app, paths| {
        let global = app.ui().global::<markup::Tor<'_>>();
        global.set_busy(false);
        let paths = match paths {
            Ok(paths) => paths,
            Err(problem) => return app.show_problem(&problem),
        };
        let rows = app.state(|state| view::paths(state, &paths, &app.words()));
        let lines = rows.into_iter().map(|row| markup::PathLine {
            account: view::text::isolated(&row.account).into(),
            about: row.about.into(),
            relays: ModelRc::new(row.relays.iter().map(SharedString::from).collect::<VecModel<_>>()),
        });
        global.set_paths(ModelRc::new(VecModel::from_iter(lines)));
        global.set_told(true);
    });
}
