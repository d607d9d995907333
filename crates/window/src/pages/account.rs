//! The page of accounts and its sheets: connect, change, remove, the policy, the key.
//! It must never keep a password, nor a copied key longer than its sheet is open.
//! Standard: `docs/rpc.md`, `account.*`, `key.*` and `fingerprint.words`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{
    Account, AccountId, AccountRef, ChangeAccount, ChosenServer, Command, Done, ExportKeys, ExportedKeys,
    FingerprintWords, ImportKeys, Imported, LoginKeys, OwnKey, Policy, Problem, Protocol, RenewKey, Secret,
    ServerPassword, SetAccountPolicy, WordLanguage, Words,
};
use serde::de::DeserializeOwned;
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Language};

use crate::pages::account_form::{listed_pins, way};
use crate::pages::{Page, account_server, first_run, with};
use crate::{App, made_up, markup};

/// Fingerprints as words, by language and fingerprint, what services have to know, and what was exported for the sheet.
#[derive(Default)]
pub(crate) struct Accounts {
    words: Rc<RefCell<BTreeMap<(Language, String), String>>>,
    logins: Rc<RefCell<BTreeMap<AccountId, String>>>,
    exported: Rc<RefCell<Option<ExportedKeys>>>,
}

impl Page for Accounts {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Accounts<'_>>();
        let order = |command: fn(AccountRef) -> Command| {
            with(app, move |app, index| {
                if let Some(account) = id(app, index) {
                    app.order(&command(AccountRef { account }));
                }
            })
        };
        global.on_connect(order(Command::Connect));
        global.on_disconnect(order(Command::Disconnect));
        global.on_new_circuit(order(Command::NewCircuit));
        global.on_copy_fingerprint(with(app, |app, index| {
            if let Some(account) = account(app, index) {
                app.copy(&view::fingerprint(&account.fingerprint));
            }
        }));
        let page = self.clone();
        global.on_words(with(app, move |app, index| page.ask_words(app, index)));
        let page = self.clone();
        global.on_login_keys(with(app, move |app, index| page.ask_login(app, index)));
        let page = self.clone();
        global.on_copy_login(with(app, move |app, index| {
            if let Some(lines) = id(app, index).and_then(|id| page.logins.borrow().get(&id).cloned()) {
                app.copy(&lines);
            }
        }));
        global.on_set_policy(with(app, set_policy));
        let weak = Rc::downgrade(app);
        global.on_change(
            move |password, other_server, host, port, transport, other_pins, pins| {
                let Some(app) = weak.upgrade() else { return };
                let server = other_server.then(|| way(&host, &port, transport)).transpose();
                let server = match server {
                    Ok(server) => server.map(chosen),
                    Err(problem) => return tell(&app, &problem),
                };
                let password = Some(Secret::new(password.to_string())).filter(|it| !it.expose().is_empty());
                change(&app, password, server, other_pins.then(|| listed_pins(&pins)));
            },
        );
        self.attach_keys(app);
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let concerns = |it: &Change| matches!(it, Change::Account(_) | Change::Everything);
        if !changes.iter().any(concerns) {
            return;
        }
        let words = app.words();
        let (told, logins) = (self.words.borrow(), self.logins.borrow());
        let line = |account: &Account| {
            let named = (words.language(), account.fingerprint.clone());
            line(account, &words, (told.get(&named), logins.get(&account.id)))
        };
        let lines: Vec<markup::AccountLine> = app.state(|state| state.accounts().map(line).collect());
        let global = app.ui().global::<markup::Accounts<'_>>();
        global.set_lines(ModelRc::new(VecModel::from(lines)));
    }
}

impl Accounts {
    fn attach_keys(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Accounts<'_>>();
        let weak = Rc::downgrade(app);
        global.on_remove(move || {
            if let Some(app) = weak.upgrade() {
                remove(&app);
            }
        });
        global.on_set_server_password(with(app, |app, password: SharedString| {
            set_server_password(app, &password);
        }));
        let weak = Rc::downgrade(app);
        global.on_erase(move || {
            if let Some(app) = weak.upgrade() {
                erase(&app);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_renew_key(move || {
            if let Some(app) = weak.upgrade() {
                renew(&app);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_import_key(move |key, fingerprints, tags, name| {
            if let Some(app) = weak.upgrade() {
                import(&app, &key, &fingerprints, &tags, &name);
            }
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_export_key(move || {
            if let Some(app) = weak.upgrade() {
                page.export(&app);
            }
        });
        let page = self.clone();
        global.on_copy_exported(with(app, move |app, part| {
            if let Some(keys) = &*page.exported.borrow() {
                app.copy(match part {
                    0 => keys.private_key.expose(),
                    1 => &keys.fingerprints,
                    _ => &keys.instance_tags,
                });
            }
        }));
        let weak = Rc::downgrade(app);
        global.on_forget_exported(move || {
            self.exported.replace(None);
            if let Some(app) = weak.upgrade() {
                let global = app.ui().global::<markup::Accounts<'_>>();
                global.set_exported(false);
            }
        });
    }

    /// Asks how the fingerprint of an account is read aloud.
    fn ask_words(&self, app: &Rc<App>, index: i32) {
        let Some(account) = account(app, index) else {
            return;
        };
        let window = app.words().language();
        let language = match window {
            Language::Arabic => WordLanguage::Ar,
            Language::Persian => WordLanguage::Fa,
            _ => WordLanguage::En,
        };
        let told = self.words.clone();
        let (id, fingerprint) = (account.id, account.fingerprint);
        let command = Command::FingerprintWords(FingerprintWords {
            fingerprint: fingerprint.clone(),
            language,
        });
        app.send::<Words>(&command, move |app, words| match words {
            Ok(words) => {
                told.borrow_mut()
                    .insert((window, fingerprint), words.words.join(" "));
                app.refresh(&[Change::Account(id)]);
            }
            Err(problem) => app.show_problem(&problem),
        });
    }

    /// Asks what the services of an account's network have to be told.
    fn ask_login(&self, app: &Rc<App>, index: i32) {
        let Some(account) = id(app, index) else { return };
        let logins = self.logins.clone();
        let command = Command::LoginKeys(AccountRef { account });
        app.send::<LoginKeys>(&command, move |app, keys| match keys {
            Ok(keys) => {
                let lines = format!(
                    "CERT ADD {}\nSET PUBKEY {}",
                    keys.certificate_sha512, keys.public_key
                );
                logins.borrow_mut().insert(account, lines);
                app.refresh(&[Change::Account(account)]);
            }
            Err(problem) => app.show_problem(&problem),
        });
    }

    fn export(&self, app: &Rc<App>) {
        let Some(account) = current(app) else { return };
        let kept = self.exported.clone();
        let command = Command::ExportKeys(ExportKeys {
            account,
            understood: true,
        });
        ask::<ExportedKeys>(app, &command, move |app, keys| {
            kept.replace(Some(keys));
            let global = app.ui().global::<markup::Accounts<'_>>();
            global.set_exported(true);
        });
    }
}

fn line(
    account: &Account,
    words: &view::Words,
    (told, login): (Option<&String>, Option<&String>),
) -> markup::AccountLine {
    let row = view::account_row(account, words);
    let server = account.server.as_ref().map(|it| view::text::address(&it.host));
    markup::AccountLine {
        address: row.address.into(),
        state: row.state.into(),
        why: row.why.into(),
        story: row.story.into(),
        online: row.online,
        busy: row.busy,
        failed: row.needs_attention,
        judges: !account_server::keys(account).is_empty(),
        links: account.protocol == Protocol::Xmpp,
        connects: account.connect,
        server: server.unwrap_or_default().into(),
        visibility: view::visibility_words(&account.visibility, words).into(),
        opportunistic: account.policy == Policy::Opportunistic,
        fingerprint: view::fingerprint(&account.fingerprint).into(),
        words: told.cloned().unwrap_or_default().into(),
        services: account.protocol == Protocol::Irc,
        login: login.cloned().unwrap_or_default().into(),
    }
}

/// The account at a place of the list.
pub(super) fn account(app: &App, index: i32) -> Option<Account> {
    let index = usize::try_from(index).ok()?;
    app.state(|state| state.accounts().nth(index).cloned())
}

fn id(app: &App, index: i32) -> Option<AccountId> {
    account(app, index).map(|it| it.id)
}

/// The account that the sheet is about.
fn current(app: &App) -> Option<AccountId> {
    id(app, app.ui().global::<markup::Accounts<'_>>().get_current())
}

fn chosen(server: Option<model::Server>) -> ChosenServer {
    server.map_or(ChosenServer::Found, |server| ChosenServer::Chosen { server })
}

fn change(app: &Rc<App>, password: Option<Secret>, server: Option<ChosenServer>, pins: Option<Vec<String>>) {
    if let Some(account) = current(app) {
        let command = Command::ChangeAccount(ChangeAccount {
            account,
            password,
            server,
            login: None,
            pins,
        });
        ask::<Done>(app, &command, |app, _| close(app));
    }
}

/// Has the server take another password; one is made up where none was written.
fn set_server_password(app: &Rc<App>, password: &str) {
    let written = Some(Secret::new(password.to_owned())).filter(|it| !it.expose().is_empty());
    let password = written.or_else(|| Some(Secret::new(made_up::password()?.as_str().to_owned())));
    let Some(password) = password else {
        return tell(app, &first_run::no_chance());
    };
    if let Some(account) = current(app) {
        let command = Command::ServerPassword(ServerPassword { account, password });
        ask::<Done>(app, &command, |app, _| close(app));
    }
}

/// Has the server forget the account, and removes it then.
fn erase(app: &Rc<App>) {
    if let Some(account) = current(app) {
        let command = Command::EraseAccount(AccountRef { account });
        ask::<Done>(app, &command, |app, _| close(app));
    }
}

fn set_policy(app: &Rc<App>, opportunistic: bool) {
    if let Some(account) = current(app) {
        let policy = if opportunistic {
            Policy::Opportunistic
        } else {
            Policy::Required
        };
        let command = Command::SetAccountPolicy(SetAccountPolicy { account, policy });
        ask::<Done>(app, &command, |app, _| close(app));
    }
}

fn remove(app: &Rc<App>) {
    if let Some(account) = current(app) {
        let command = Command::RemoveAccount(AccountRef { account });
        ask::<Done>(app, &command, |app, _| close(app));
    }
}

fn renew(app: &Rc<App>) {
    if let Some(account) = current(app) {
        let command = Command::RenewKey(RenewKey {
            account,
            understood: true,
        });
        ask::<OwnKey>(app, &command, |app, key| {
            told(app, &view::fingerprint(&key.fingerprint));
        });
    }
}

fn import(app: &Rc<App>, key: &str, fingerprints: &str, tags: &str, name: &str) {
    let some = |text: &str| Some(text.to_owned()).filter(|it| !it.trim().is_empty());
    if let Some(account) = current(app) {
        let command = Command::ImportKeys(ImportKeys {
            account,
            private_key: some(key).map(Secret::new),
            fingerprints: some(fingerprints),
            instance_tags: some(tags),
            name: some(name.trim()),
            understood: true,
        });
        ask::<Imported>(app, &command, |app, imported| {
            told(app, &view::fingerprint(&imported.fingerprint));
        });
    }
}

/// Asks the engine for something on behalf of the sheet, which shows what went wrong.
fn ask<T: DeserializeOwned + 'static>(
    app: &Rc<App>,
    command: &Command,
    then: impl FnOnce(&Rc<App>, T) + 'static,
) {
    let global = app.ui().global::<markup::Accounts<'_>>();
    global.set_busy(true);
    global.set_problem(SharedString::default());
    global.set_done(SharedString::default());
    app.send::<T>(command, |app, answer| {
        app.ui().global::<markup::Accounts<'_>>().set_busy(false);
        match answer {
            Ok(answer) => then(app, answer),
            Err(problem) => tell(app, &problem),
        }
    });
}

fn tell(app: &App, problem: &Problem) {
    let global = app.ui().global::<markup::Accounts<'_>>();
    global.set_problem(app.say(problem));
}

/// Shows the key that the account has from now on.
fn told(app: &App, fingerprint: &str) {
    let global = app.ui().global::<markup::Accounts<'_>>();
    global.set_done(fingerprint.into());
}

fn close(app: &App) {
    app.ui()
        .global::<markup::Nav<'_>>()
        .set_dialog(markup::Dialog::None);
}
