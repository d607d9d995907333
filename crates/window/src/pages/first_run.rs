//! The wizard of the first start: language, passphrase, Tor, account, first contact.
//! It must never keep a passphrase, nor go on without a sealed profile.
//! Standard: `docs/rpc.md`, `profile.create` and `contact.add`; XEP-0147 and XEP-0379 for links.

use std::rc::Rc;

use model::{AddContact, Command, CreateProfile, Done, Problem, ProfileState, Secret};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Language, Peer, Strength};

use crate::pages::{Page, with};
use crate::{App, made_up, markup};

/// Steps of the wizard.
const TOR: i32 = 2;
const STEPS: u64 = 5;

/// The wizard has nothing of its own to remember.
pub(crate) struct FirstRun;

impl Page for FirstRun {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::FirstRun<'_>>();
        let names = Language::ALL.map(|it| SharedString::from(it.own_name()));
        global.set_languages(ModelRc::new(VecModel::from(names.to_vec())));
        global.on_choose_language(with(app, choose_language));
        global.on_weigh(with(app, |app, typed: SharedString| {
            weigh(app, Strength::of(&typed, &[]));
        }));
        global.on_create(with(app, |app, typed: SharedString| create(app, &typed)));
        let weak = Rc::downgrade(app);
        global.on_make_up(move || {
            if let Some(app) = weak.upgrade() {
                make_up(&app);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_add_contact(move |text, name| {
            if let Some(app) = weak.upgrade() {
                add_contact(&app, &text, &name);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_finish(move || {
            if let Some(app) = weak.upgrade() {
                finish(&app);
            }
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if app.ui().global::<markup::Nav<'_>>().get_page() != markup::Page::FirstRun {
            return;
        }
        let global = app.ui().global::<markup::FirstRun<'_>>();
        let (all, tor) = (
            changes.contains(&Change::Everything),
            changes.contains(&Change::Tor),
        );
        if all {
            language(app);
        }
        if all || tor {
            show_tor(app);
        }
        global.set_has_account(app.state(|state| state.accounts().len() > 0));
        let step = global.get_step();
        match app.state(view::State::profile) {
            Some(ProfileState::Absent) if step >= TOR => global.set_step(0),
            Some(ProfileState::Open) if step < TOR => {
                global.set_step(TOR);
                global.set_made_up(SharedString::default());
                // The language that was chosen goes into the profile.
                app.change_look(|_| ());
            }
            _ => (),
        }
    }
}

fn choose_language(app: &Rc<App>, index: i32) {
    let index = usize::try_from(index).unwrap_or_default();
    if let Some(language) = Language::ALL.get(index) {
        app.change_look(|look| language.tag().clone_into(&mut look.language));
    }
}

fn language(app: &App) {
    let global = app.ui().global::<markup::FirstRun<'_>>();
    let words = app.words();
    let place = Language::ALL.iter().position(|it| *it == words.language());
    global.set_language(place.and_then(|it| i32::try_from(it).ok()).unwrap_or_default());
    let numbers = (1..=STEPS).map(|step| SharedString::from(words.number(step)));
    global.set_numbers(ModelRc::new(VecModel::from(numbers.collect::<Vec<_>>())));
}

fn weigh(app: &App, strength: Strength) {
    let words = app.words();
    let global = app.ui().global::<markup::FirstRun<'_>>();
    global.set_level(i32::from(strength.level()));
    global.set_strength(strength.words(&words).into());
    global.set_advice(strength.advice(&words).into());
}

fn make_up(app: &App) {
    let global = app.ui().global::<markup::FirstRun<'_>>();
    match made_up::passphrase() {
        Some(words) => global.set_made_up(words.as_str().into()),
        None => global.set_problem(app.say(&no_chance())),
    }
}

/// The system gave no random bytes.
pub(super) fn no_chance() -> Problem {
    Problem::new(
        "window.no_chance",
        "The system gives no random numbers. Choose something yourself.",
    )
}

fn create(app: &Rc<App>, typed: &str) {
    let global = app.ui().global::<markup::FirstRun<'_>>();
    global.set_busy(true);
    global.set_problem(SharedString::default());
    let passphrase = Secret::new(typed.to_owned());
    app.send::<Done>(
        &Command::CreateProfile(CreateProfile { passphrase }),
        |app, done| {
            let global = app.ui().global::<markup::FirstRun<'_>>();
            global.set_busy(false);
            if let Err(problem) = done {
                global.set_problem(app.say(&problem));
            }
        },
    );
}

fn show_tor(app: &App) {
    let Some(row) = app.state(|state| state.tor().map(|tor| view::tor_row(tor, &app.words()))) else {
        return;
    };
    let global = app.ui().global::<markup::FirstRun<'_>>();
    global.set_tor_ready(row.ready);
    global.set_tor_stalled(row.stalled);
    global.set_tor_progress(f32::from(row.percent) / 100.0);
    global.set_tor_percent(row.percent_words.into());
    global.set_tor_doing(row.doing.into());
    global.set_tor_why(row.why.into());
}

fn add_contact(app: &Rc<App>, text: &str, name: &str) {
    let global = app.ui().global::<markup::FirstRun<'_>>();
    let Some(account) = app.state(|state| state.accounts().last().map(|it| it.id)) else {
        return;
    };
    let Some(invited) = view::invitation(text) else {
        let problem = Problem::new(
            "contact.bad_address",
            "This is not an address. It looks like name@example.org.",
        );
        global.set_problem(app.say(&problem));
        return;
    };
    global.set_busy(true);
    global.set_problem(SharedString::default());
    let given = Some(name.trim().to_owned()).filter(|it| !it.is_empty());
    let command = Command::AddContact(AddContact {
        account,
        contact: invited.address.clone(),
        name: given.or(invited.name),
        invitation: invited.token.map(model::Secret::new),
    });
    let peer = Peer::new(account, invited.address);
    app.send::<Done>(&command, move |app, done| {
        let global = app.ui().global::<markup::FirstRun<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => {
                finish(app);
                app.open(Some(peer));
            }
            Err(problem) => global.set_problem(app.say(&problem)),
        }
    });
}

fn finish(app: &Rc<App>) {
    app.ui().global::<markup::Nav<'_>>().set_page(markup::Page::Main);
    app.refresh(&[Change::Everything]);
}
