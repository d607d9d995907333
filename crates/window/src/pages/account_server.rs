//! The server of an account: the keys at which the account stopped, and who is asked where the server is.
//! It must never accept a key by itself, nor another one than the person looked at.
//! Standard: `docs/rpc.md`, `account.trust_server`, `account.resolvers`.

use std::rc::Rc;

use model::{
    Account, AccountRef, AccountResolvers, AccountState, Command, Done, Problem, Resolvers, TrustServer,
};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::Change;

use crate::markup::{ServerKeyKind, ServerKeyLine};
use crate::pages::account::account;
use crate::pages::{Page, with};
use crate::{App, markup};

/// The sheet has nothing of its own to remember.
pub(crate) struct AccountServer;

impl Page for AccountServer {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::AccountServer<'_>>();
        global.on_begin_keys(with(app, begin_keys));
        global.on_begin_resolvers(with(app, begin_resolvers));
        global.on_another_way(with(app, another_way));
        global.on_copy(with(app, |app, text: SharedString| app.copy(&text)));
        let weak = Rc::downgrade(app);
        global.on_closed(move || {
            if let Some(app) = weak.upgrade() {
                close(&app);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_accept(move |index, key| {
            if let Some(app) = weak.upgrade() {
                accept(&app, index, &key);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_set_resolvers(move |index, list| {
            if let Some(app) = weak.upgrade() {
                set_resolvers(&app, index, &list);
            }
        });
    }

    fn refresh(&self, _: &Rc<App>, _: &[Change]) {}
}

/// The keys because of which an account stopped, in the order in which they are told.
pub(super) fn keys(account: &Account) -> Vec<ServerKeyLine> {
    let AccountState::Failed { problem } = &account.state else {
        return Vec::new();
    };
    let last = problem.about.len().saturating_sub(1);
    let kind = |place: usize| match problem.code.as_str() {
        "tls.key_changed" if place < last => Some(ServerKeyKind::Before),
        "tls.keys_differ" if place == last => Some(ServerKeyKind::Elsewhere),
        "tls.key_changed" | "tls.keys_differ" | "tls.untrusted" => Some(ServerKeyKind::Now),
        _ => None,
    };
    let line = |(place, key): (usize, &String)| {
        Some(ServerKeyLine {
            kind: kind(place)?,
            key: view::fingerprint(key).into(),
        })
    };
    problem.about.iter().enumerate().filter_map(line).collect()
}

fn begin_keys(app: &Rc<App>, index: i32) {
    let global = app.ui().global::<markup::AccountServer<'_>>();
    global.set_problem(SharedString::default());
    let Some(account) = account(app, index) else {
        return;
    };
    if let AccountState::Failed { problem } = &account.state {
        global.set_why(app.say(problem));
    }
    global.set_keys(ModelRc::new(VecModel::from(keys(&account))));
}

fn begin_resolvers(app: &Rc<App>, index: i32) {
    let global = app.ui().global::<markup::AccountServer<'_>>();
    global.set_problem(SharedString::default());
    global.set_resolvers(SharedString::default());
    global.set_known(false);
    ask(app, index, None, |app, told| {
        let global = app.ui().global::<markup::AccountServer<'_>>();
        global.set_resolvers(told.resolvers.join("\n").into());
        global.set_known(true);
    });
}

fn set_resolvers(app: &Rc<App>, index: i32, list: &str) {
    let listed = list.lines().map(str::trim).filter(|line| !line.is_empty());
    let listed = listed.map(str::to_owned).collect();
    ask(app, index, Some(listed), |app, _| close(app));
}

fn ask(
    app: &Rc<App>,
    index: i32,
    resolvers: Option<Vec<String>>,
    then: impl FnOnce(&Rc<App>, Resolvers) + 'static,
) {
    let Some(account) = account(app, index) else {
        return;
    };
    busy(app, true);
    let account = account.id;
    let command = Command::AccountResolvers(AccountResolvers { account, resolvers });
    app.send::<Resolvers>(&command, move |app, told| {
        busy(app, false);
        match told {
            Ok(told) => then(app, told),
            Err(problem) => tell(app, &problem),
        }
    });
}

fn accept(app: &Rc<App>, index: i32, key: &str) {
    let Some(account) = account(app, index) else {
        return;
    };
    busy(app, true);
    let key: String = key.chars().filter(char::is_ascii_hexdigit).collect();
    let command = Command::TrustServer(TrustServer {
        account: account.id,
        key: key.to_ascii_lowercase(),
    });
    app.send::<Done>(&command, |app, done| {
        busy(app, false);
        match done {
            Ok(_) => close(app),
            Err(problem) => tell(app, &problem),
        }
    });
}

/// Another circuit, and another try.
fn another_way(app: &Rc<App>, index: i32) {
    let Some(Account { id: account, .. }) = account(app, index) else {
        return;
    };
    app.order(&Command::NewCircuit(AccountRef { account }));
    app.order(&Command::Connect(AccountRef { account }));
    close(app);
}

fn busy(app: &App, busy: bool) {
    app.ui().global::<markup::AccountServer<'_>>().set_busy(busy);
}

fn tell(app: &App, problem: &Problem) {
    let global = app.ui().global::<markup::AccountServer<'_>>();
    global.set_problem(app.say(problem));
}

fn close(app: &App) {
    app.ui()
        .global::<markup::Nav<'_>>()
        .set_dialog(markup::Dialog::None);
}
