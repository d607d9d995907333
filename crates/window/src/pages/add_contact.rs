//! The dialog for a new contact.
//! It must never ask a server before the person pressed the button. Standard: `docs/rpc.md`, `contact.add`.

use std::rc::Rc;

use model::{AddContact as Add, CheckLinks, Command, Done};
use slint::ComponentHandle;
use view::{Change, Peer};

use crate::App;
use crate::markup;
use crate::pages::{Page, accounts, when_unlinked};

/// The dialog has nothing of its own to remember.
pub(crate) struct AddContact;

impl Page for AddContact {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let weak = Rc::downgrade(app);
        let global = app.ui().global::<markup::AddContact<'_>>();
        global.on_add(move |account, address, name, anyway| {
            if let Some(app) = weak.upgrade() {
                add(&app, account, &address, &name, anyway);
            }
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let concerns = |it: &Change| matches!(it, Change::Account(_) | Change::Everything);
        if changes.iter().any(concerns) {
            let global = app.ui().global::<markup::AddContact<'_>>();
            global.set_accounts(accounts(app));
        }
    }
}

fn add(app: &Rc<App>, account: i32, address: &str, name: &str, anyway: bool) {
    let global = app.ui().global::<markup::AddContact<'_>>();
    let chosen = usize::try_from(account).unwrap_or_default();
    let Some(account) = app.state(|state| state.accounts().nth(chosen).map(|it| it.id)) else {
        return;
    };
    let Some(invited) = view::invitation(address) else {
        global.set_problem(app.say(&super::bad_address()));
        return;
    };
    global.set_busy(true);
    let contact = invited.address;
    let given = Some(name.trim()).filter(|it| !it.is_empty()).map(str::to_owned);
    let name = given.or(invited.name);
    let with = Add {
        account,
        contact,
        name,
        invitation: invited.token.map(model::Secret::new),
    };
    if anyway {
        return ask(app, with);
    }
    let links = CheckLinks {
        account: Some(account),
        to: with.contact.clone(),
        nick: None,
    };
    let warn = |app: &Rc<App>, told| {
        let global = app.ui().global::<markup::AddContact<'_>>();
        global.set_busy(false);
        global.set_warning(told);
    };
    when_unlinked(app, links, warn, move |app| ask(app, with));
}

/// Asks the engine for the contact.
fn ask(app: &Rc<App>, with: Add) {
    let peer = Peer::new(with.account, with.contact.clone());
    app.send::<Done>(&Command::AddContact(with), move |app, done| {
        let global = app.ui().global::<markup::AddContact<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => {
                app.ui()
                    .global::<markup::Nav<'_>>()
                    .set_dialog(markup::Dialog::None);
                app.open(Some(peer));
            }
            Err(problem) => global.set_problem(app.say(&problem)),
        }
    });
}
