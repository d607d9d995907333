//! The sheets of one contact and of those who ask to be contacts.
//! It must never tell a person that it was refused or blocked, nor show a stranger's own name.
//! Standard: `docs/rpc.md`, `contact.*`.

use std::cell::RefCell;
use std::rc::Rc;

use model::{Command, Contact as Person, ContactRef, Done, KeepMessages, Policy, RenameContact, SetPolicy};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Peer, State};

use crate::pages::{Page, with};
use crate::{App, markup};

/// The most requests that are shown at once.
const MAX_REQUESTS: usize = 100;

/// Who asks, in the order in which they are shown.
#[derive(Default)]
pub(crate) struct Contact {
    asking: RefCell<Vec<Peer>>,
}

impl Page for Contact {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Contact<'_>>();
        global.on_rename(with(app, |app, name: SharedString| rename(app, &name)));
        let weak = Rc::downgrade(app);
        global.on_set_policy(move |policy, version_2| {
            if let Some(app) = weak.upgrade() {
                set_policy(&app, policy, version_2);
            }
        });
        global.on_keep(with(app, set_kept));
        global.on_block(with(app, |app, blocked| {
            let command = if blocked {
                Command::BlockContact
            } else {
                Command::UnblockContact
            };
            order(app, command, |_| ());
        }));
        let weak = Rc::downgrade(app);
        global.on_remove(move || {
            if let Some(app) = weak.upgrade() {
                order(&app, Command::RemoveContact, |app| {
                    app.ui()
                        .global::<markup::Nav<'_>>()
                        .set_dialog(markup::Dialog::None);
                    app.open(None);
                });
            }
        });
        let decide = |command: fn(ContactRef) -> Command| {
            let page = self.clone();
            with(app, move |app, index| {
                if let Some(peer) = page.asking(index) {
                    ask(app, &command(peer.reference()), |_| ());
                }
            })
        };
        global.on_accept(decide(Command::AcceptContact));
        global.on_refuse(decide(Command::RefuseContact));
        global.on_block_request(decide(Command::BlockContact));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let concerns = |it: &Change| {
            matches!(
                it,
                Change::List | Change::Header(_) | Change::Account(_) | Change::Everything
            )
        };
        if changes.iter().any(concerns) {
            app.state(|state| {
                show(app, state);
                self.show_requests(app, state);
            });
        }
    }
}

impl Contact {
    fn asking(&self, index: i32) -> Option<Peer> {
        let index = usize::try_from(index).ok()?;
        self.asking.borrow().get(index).cloned()
    }

    fn show_requests(&self, app: &App, state: &State) {
        let asks = |(_, contact): &(&Peer, &Person)| contact.asks && !contact.blocked;
        let asking = state.contacts().filter(asks).take(MAX_REQUESTS);
        let (peers, lines): (Vec<_>, Vec<_>) = asking
            .map(|(peer, contact)| (peer.clone(), request(state, peer, contact)))
            .unzip();
        self.asking.replace(peers);
        let global = app.ui().global::<markup::Contact<'_>>();
        global.set_requests(ModelRc::new(VecModel::from(lines)));
    }
}

fn request(state: &State, peer: &Peer, contact: &Person) -> markup::RequestLine {
    let first = contact.first_words.as_deref().unwrap_or_default();
    markup::RequestLine {
        account: own_address(state, peer),
        address: view::text::address(contact.address.as_str()).into(),
        first_words: view::text::message(first, false).text.into(),
    }
}

fn own_address(state: &State, peer: &Peer) -> SharedString {
    let account = state.account(peer.account);
    account
        .map(|it| view::text::address(it.address.as_str()).into())
        .unwrap_or_default()
}

/// Shows the contact of the conversation that is open.
fn show(app: &App, state: &State) {
    let Some((peer, contact)) = state.opened().and_then(|peer| Some((peer, state.contact(peer)?))) else {
        return;
    };
    let global = app.ui().global::<markup::Contact<'_>>();
    global.set_address(view::text::address(contact.address.as_str()).into());
    global.set_account(own_address(state, peer));
    let name = contact.name.as_deref().unwrap_or_default();
    global.set_name(view::text::pasted(name).into());
    global.set_kept(contact.kept);
    global.set_blocked(contact.blocked);
    global.set_version_2(contact.version_2);
    global.set_policy(match contact.policy {
        None => 0,
        Some(Policy::Required) => 1,
        Some(Policy::Opportunistic) => 2,
        Some(Policy::Unencrypted) => 3,
    });
    let account = state.account(peer.account).map(|it| it.policy);
    global.set_account_opportunistic(account == Some(Policy::Opportunistic));
}

fn opened(app: &App) -> Option<Peer> {
    app.state(|state| state.opened().cloned())
}

fn rename(app: &Rc<App>, name: &str) {
    let Some(Peer { account, contact }) = opened(app) else {
        return;
    };
    let name = Some(name.trim()).filter(|it| !it.is_empty()).map(str::to_owned);
    let command = Command::RenameContact(RenameContact {
        account,
        contact,
        name,
    });
    ask(app, &command, |_| ());
}

/// Sets what may go out unencrypted. The sheet asked for the person's yes before.
fn set_policy(app: &Rc<App>, policy: i32, version_2: bool) {
    let Some(Peer { account, contact }) = opened(app) else {
        return;
    };
    let policy = match policy {
        1 => Some(Policy::Required),
        2 => Some(Policy::Opportunistic),
        3 => Some(Policy::Unencrypted),
        _ => None,
    };
    let command = Command::SetPolicy(SetPolicy {
        account,
        contact,
        policy,
        version_2,
        understood: version_2 || policy == Some(Policy::Unencrypted),
    });
    ask(app, &command, |_| ());
}

/// Keeps messages, or destroys what was kept. The sheet asked for the person's yes before.
fn set_kept(app: &Rc<App>, keep: bool) {
    let Some(Peer { account, contact }) = opened(app) else {
        return;
    };
    let command = Command::KeepMessages(KeepMessages {
        account,
        contact,
        keep,
    });
    ask(app, &command, |_| ());
}

/// Asks for something that concerns the contact whose conversation is open.
fn order(app: &Rc<App>, command: fn(ContactRef) -> Command, then: fn(&Rc<App>)) {
    if let Some(peer) = opened(app) {
        ask(app, &command(peer.reference()), then);
    }
}

fn ask(app: &Rc<App>, command: &Command, then: fn(&Rc<App>)) {
    let global = app.ui().global::<markup::Contact<'_>>();
    global.set_busy(true);
    global.set_problem(SharedString::default());
    app.send::<Done>(command, move |app, done| {
        let global = app.ui().global::<markup::Contact<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => then(app),
            Err(problem) => global.set_problem(app.say(&problem)),
        }
    });
}
