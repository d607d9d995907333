//! The page of the walls, the refused, what is stored, the passphrase and the end of a profile.
//! It must never keep what was typed, nor call a wall standing that was not said to stand.
//! Standard: `docs/rpc.md`, `Wall`, `probe.list`, `profile.stored`, `profile.change_passphrase`, `profile.wipe`.

use std::rc::Rc;

use model::{Command, Done, NewPassphrase, Nothing, Probes, ProfileState, Secret, Stored, Wipe};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, State, Strength};

use crate::App;
use crate::app::now;
use crate::markup;
use crate::pages::{Page, with};

/// The page has nothing of its own to remember.
pub(crate) struct Security;

impl Page for Security {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Security<'_>>();
        let weak = Rc::downgrade(app);
        global.on_opened(move || {
            if let Some(app) = weak.upgrade() {
                opened(&app);
            }
        });
        global.on_typed(with(app, |app, typed: SharedString| typed_new(app, &typed)));
        let weak = Rc::downgrade(app);
        global.on_change(move |old, new| {
            if let Some(app) = weak.upgrade() {
                change(&app, &old, &new);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_wipe(move || {
            if let Some(app) = weak.upgrade() {
                app.order(&Command::WipeProfile(Wipe { understood: true }));
            }
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes
            .iter()
            .any(|it| matches!(it, Change::Everything | Change::Profile))
        {
            walls(app);
        }
        if changes
            .iter()
            .any(|it| matches!(it, Change::Everything | Change::Probes | Change::Profile))
        {
            probes(app);
        }
        if app.state(State::profile) != Some(ProfileState::Open) {
            forget(app);
        }
    }
}

/// What was shown of a profile does not outlive it.
fn forget(app: &Rc<App>) {
    let global = app.ui().global::<markup::Security<'_>>();
    global.set_stored(ModelRc::default());
    global.set_on_disk(SharedString::default());
    global.set_problem(SharedString::default());
    global.set_changed(false);
    global.set_busy(false);
}

fn opened(app: &Rc<App>) {
    let global = app.ui().global::<markup::Security<'_>>();
    global.set_problem(SharedString::default());
    global.set_changed(false);
    typed_new(app, "");
    app.send::<Stored>(&Command::StoredData(Nothing {}), |app, stored| match stored {
        Ok(stored) => show_stored(app, &stored),
        Err(problem) => app.show_problem(&problem),
    });
    app.send::<Probes>(&Command::ListProbes(Nothing {}), |app, listed| match listed {
        Ok(listed) => {
            app.mirror(|mirror| mirror.state_mut().take_probes(listed.probes));
            probes(app);
        }
        Err(problem) => app.show_problem(&problem),
    });
}

fn show_stored(app: &Rc<App>, stored: &Stored) {
    let (rows, on_disk) = view::stored(stored, &app.words());
    let lines = rows.into_iter().map(|row| markup::StoredLine {
        what: row.what.into(),
        count: row.count.into(),
        size: row.size.into(),
    });
    let global = app.ui().global::<markup::Security<'_>>();
    global.set_stored(ModelRc::new(VecModel::from_iter(lines)));
    global.set_on_disk(on_disk.into());
}

/// The walls of the rooms that the engine knows of, and of the window's own.
fn walls(app: &Rc<App>) {
    let mut all = app.state(|state| state.walls().to_vec());
    all.retain(|wall| wall.room != "window");
    all.extend_from_slice(app.walls());
    let rows = view::walls(&all, &app.words());
    let missing = rows.iter().filter(|row| !row.up).count();
    let lines = rows.into_iter().map(|row| markup::WallLine {
        room: row.room.into(),
        wall: row.wall.into(),
        meaning: row.meaning.into(),
        up: row.up,
        state: row.state.into(),
        why: row.why.into(),
    });
    let global = app.ui().global::<markup::Security<'_>>();
    global.set_walls(ModelRc::new(VecModel::from_iter(lines)));
    global.set_missing(i32::try_from(missing).unwrap_or(i32::MAX));
}

fn probes(app: &Rc<App>) {
    let words = app.words();
    let rows = app.state(|state| view::probes(state, &words, now()));
    let lines = rows.into_iter().map(|row| markup::ProbeLine {
        from: view::text::isolated(&row.from).into(),
        account: view::text::isolated(&row.account).into(),
        kind: row.kind.into(),
        count: row.count.into(),
        when: row.when.into(),
    });
    let global = app.ui().global::<markup::Security<'_>>();
    global.set_probes(ModelRc::new(VecModel::from_iter(lines)));
}

fn typed_new(app: &Rc<App>, typed: &str) {
    let words = app.words();
    let strength = Strength::of(typed, &[]);
    let global = app.ui().global::<markup::Security<'_>>();
    global.set_strength(i32::from(strength.level()));
    global.set_strength_words(strength.words(&words).into());
    global.set_strength_advice(strength.advice(&words).into());
}

fn change(app: &Rc<App>, old: &SharedString, new: &SharedString) {
    let global = app.ui().global::<markup::Security<'_>>();
    global.set_busy(true);
    global.set_changed(false);
    global.set_problem(SharedString::default());
    let command = Command::ChangePassphrase(NewPassphrase {
        old: Secret::new(old.to_string()),
        new: Secret::new(new.to_string()),
    });
    app.send::<Done>(&command, |app, done| {
        let global = app.ui().global::<markup::Security<'_>>();
        global.set_busy(false);
        global.set_changed(done.is_ok());
        if let Err(problem) = done {
            global.set_problem(app.say(&problem));
        }
    });
}
