//! The page of a sealed profile: takes the passphrase and hands it down.
//! It must never keep what was typed. Standard: `docs/rpc.md`, `profile.unlock` and `profile.restore_backup`.

use std::rc::Rc;

use model::{Command, Done, Problem, Secret};
use slint::{ComponentHandle, SharedString};
use view::Change;

use crate::App;
use crate::markup;
use crate::pages::{Page, with};

/// The code with which the engine says that the profile is damaged and a good copy is there.
const DAMAGED: &str = "vault.damaged";

/// The page has nothing of its own to remember.
pub(crate) struct Unlock;

impl Page for Unlock {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Unlock<'_>>();
        global.on_unlock(with(app, |app, typed: SharedString| {
            ask(app, &Command::Unlock(passphrase(&typed)));
        }));
        global.on_restore(with(app, |app, typed: SharedString| {
            ask(app, &Command::RestoreBackup(passphrase(&typed)));
        }));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes.contains(&Change::Profile) {
            let global = app.ui().global::<markup::Unlock<'_>>();
            global.set_problem(SharedString::default());
            global.set_can_restore(false);
            global.set_busy(false);
        }
    }
}

fn passphrase(typed: &SharedString) -> model::Unlock {
    model::Unlock {
        passphrase: Secret::new(typed.to_string()),
    }
}

fn ask(app: &Rc<App>, command: &Command) {
    let global = app.ui().global::<markup::Unlock<'_>>();
    global.set_busy(true);
    app.send::<Done>(command, |app, done| {
        let global = app.ui().global::<markup::Unlock<'_>>();
        global.set_busy(false);
        let problem = done.err();
        global.set_can_restore(problem.as_ref().is_some_and(is_damaged));
        global.set_problem(problem.map_or_else(SharedString::default, |it| app.say(&it)));
    });
}

fn is_damaged(problem: &Problem) -> bool {
    problem.code == DAMAGED
}
