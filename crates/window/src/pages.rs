//! The pages: one adapter each, between what [`view`] computes and one global of the markup.
//!
//! A page must never reach into another page's global, and never compute what belongs into `view`.
//! Standard: the list of screens; the pattern below.
//!
//! # How a page is made
//! 1. `ui/pages/NAME.slint` holds ONE `export global Name` with everything that Rust sets (`in property`) and
//!    hears (`callback`), and one `export component NamePage` that shows it. It imports from `widgets.slint` only
//!    (and `nav.slint`, `trust.slint`); it has no colour, length or font size of its own, only those of `Ui`.
//!    Each child of a `HorizontalLayout` has a `layout-order` that turns round with `Ui.rtl`; each `Text` has
//!    `horizontal-alignment: Ui.start` (or `center`); each length from the left is `Ui.rtl ? a : b`.
//! 2. A page of its own gets a value in `Page` (`ui/nav.slint`), a dialog one in `Dialog`; `ui/app.slint` shows it
//!    with one line: `if Nav.page == Page.name: NamePage { width: 100%; height: 100%; }`, and exports the global.
//! 3. `src/pages/NAME.rs` holds `pub(crate) struct Name` with what the page keeps for itself, and implements
//!    [`Page`]: [`Page::attach`] turns callbacks into commands (`app.send`, `app.order`), once;
//!    [`Page::refresh`] fills the global from `app.state(..)` where one of the changes concerns it.
//! 4. It is added to [`all`], and gets a picture in `examples/screens.rs`.
//! 5. A page of its own stands in a `PageFrame` (`ui/pages/frame.slint`: title, way back, one column that scrolls), a
//!    dialog in a `Sheet`. One line in the menu (`MainMenu` in `ui/pages/people.slint`) leads there:
//!    `{ text: @tr("…"), drawing: Icons.…, page: Page.name }`.
//!
//! Texts of our own are `@tr("…")`: short, plain, whole sentences with placeholders (`@tr("{} of {}", a, b)`,
//! `@tr("{n} message" | "{n} messages" % n)`), never put together from pieces. Texts of somebody else's are shown
//! only as `view` gives them: sanitised. A secret that was typed is taken out of its field in the same callback
//! that sends it.

mod account;
mod account_form;
mod account_server;
mod add_contact;
mod contact;
mod emoji;
mod enter_room;
mod fingerprints;
mod first_run;
mod gateways;
mod gone;
mod guard;
mod help;
mod key_changed;
mod keys;
mod people;
mod preferences;
mod room;
mod search;
mod security;
mod service_form;
mod share;
mod talk;
mod tor;
mod tor_way;
mod trust;
mod unlock;
mod verify;
mod visibility;

use std::rc::Rc;

use model::{AccountId, CheckLinks, Command, Findings, Problem};
use slint::{ModelRc, SharedString, VecModel};
use view::Change;

use crate::App;

/// One page.
pub(crate) trait Page {
    /// Turns the page's callbacks into commands. Called once, before anything is shown.
    fn attach(self: Rc<Self>, app: &Rc<App>);

    /// Shows what changed, where it concerns this page.
    fn refresh(&self, app: &Rc<App>, changes: &[Change]);
}

/// Every page.
pub(crate) fn all() -> Vec<Rc<dyn Page>> {
    vec![
        Rc::new(keys::Keys),
        Rc::new(gone::Gone),
        Rc::new(unlock::Unlock),
        Rc::new(first_run::FirstRun),
        Rc::new(account_form::AccountForm::default()),
        Rc::new(account::Accounts::default()),
        Rc::new(account_server::AccountServer),
        Rc::new(share::Share),
        Rc::new(visibility::Visibility::default()),
        Rc::new(contact::Contact::default()),
        Rc::new(people::People::default()),
        Rc::new(talk::Talk::default()),
        Rc::new(key_changed::KeyChanged),
        Rc::new(verify::Verify::default()),
        Rc::new(preferences::Preferences),
        Rc::new(fingerprints::Fingerprints::default()),
        Rc::new(help::Help),
        Rc::new(security::Security),
        Rc::new(guard::Guard),
        Rc::new(tor::Tor::default()),
        Rc::new(tor_way::TorWay),
        Rc::new(emoji::Picker),
        Rc::new(add_contact::AddContact),
        Rc::new(room::Room),
        Rc::new(search::Search),
        Rc::new(enter_room::EnterRoom::default()),
        Rc::new(gateways::Gateways::default()),
    ]
}

/// What was written is no address.
pub(crate) fn bad_address() -> Problem {
    Problem::new(
        "contact.bad_address",
        "This is not an address. It looks like name@example.org.",
    )
}

/// The addresses of the accounts in their order, to choose one from.
pub(crate) fn accounts(app: &Rc<App>) -> ModelRc<SharedString> {
    let address = |it: &model::Account| SharedString::from(view::text::address(it.address.as_str()));
    let names: Vec<_> = app.state(|state| state.accounts().map(address).collect());
    ModelRc::new(VecModel::from(names))
}

/// The account that was chosen in [`accounts`].
pub(crate) fn account_at(app: &App, place: i32) -> Option<AccountId> {
    let place = usize::try_from(place).ok()?;
    app.state(|state| state.accounts().nth(place).map(|it| it.id))
}

/// Goes on where nothing would tie two accounts together, and otherwise gives the sentences that say what would.
/// Where that cannot be found out the engine says why when it is asked for the thing itself.
pub(crate) fn when_unlinked(
    app: &Rc<App>,
    links: CheckLinks,
    warn: impl FnOnce(&Rc<App>, SharedString) + 'static,
    go: impl FnOnce(&Rc<App>) + 'static,
) {
    app.send::<Findings>(&Command::CheckLinks(links), move |app, found| {
        let told = found.map(|found| view::findings(&found, &app.words()));
        match told.unwrap_or_default() {
            told if told.is_empty() => go(app),
            told => warn(app, told.into()),
        }
    });
}

/// The same callback for every page: what to do with the app, as long as there is one.
pub(crate) fn with<A>(app: &Rc<App>, act: impl Fn(&Rc<App>, A) + 'static) -> impl FnMut(A) + 'static {
    let app = Rc::downgrade(app);
    move |argument| {
        if let Some(app) = app.upgrade() {
            act(&app, argument);
        }
    }
}
