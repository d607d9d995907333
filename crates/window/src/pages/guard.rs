//! The rules of the profile, the walls tried, who could see what, backups, the passphrase that destroys, panic.
//! It must never choose a rule by itself, nor keep a passphrase longer than the line that carries it.
//! Standard: `docs/rpc.md`, `rules.*`, `walls.check`, `sight.list`, `profile.backup`, `engine.panic`.

use std::rc::Rc;

use model::{
    BackupSaved, Command, Done, Nothing, ProfileState, Rules, Secret, SetDestroying, Sights, WallsCheck,
};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, State, Words};

use crate::pages::{Page, with};
use crate::{App, markup};

/// Minutes after which the profile can be locked; the first choice is never.
const LOCK_AFTER: [u32; 6] = [1, 5, 15, 30, 60, 240];
/// Days after which a profile that nobody opens can be destroyed; the first choice is never.
const EXPIRE_AFTER: [u32; 5] = [7, 30, 90, 180, 365];

/// The page has nothing of its own to remember.
pub(crate) struct Guard;

impl Page for Guard {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Guard<'_>>();
        global.on_opened(simply(app, opened));
        global.on_check(simply(app, check));
        global.on_look(simply(app, look));
        global.on_back_up(simply(app, back_up));
        global.on_panic(simply(app, App::panic));
        let weak = Rc::downgrade(app);
        global.on_choose(move |lock, expire, shield| {
            if let Some(app) = weak.upgrade() {
                choose(&app, lock, expire, shield);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_destroy_by(move |passphrase, destroying| {
            if let Some(app) = weak.upgrade() {
                set_destroying(&app, &passphrase, Some(&destroying));
            }
        });
        global.on_destroy_by_none(with(app, |app, passphrase: SharedString| {
            set_destroying(app, &passphrase, None);
        }));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes.contains(&Change::Everything) {
            choices(app, &app.words());
        }
        for change in changes {
            if let Change::Rules(rules) = change {
                show_rules(app, rules);
            }
        }
        if app.state(State::profile) != Some(ProfileState::Open) {
            forget(app);
        }
    }
}

/// A callback that needs nothing but the app.
fn simply(app: &Rc<App>, act: fn(&Rc<App>)) -> impl FnMut() + 'static {
    let weak = Rc::downgrade(app);
    move || {
        if let Some(app) = weak.upgrade() {
            act(&app);
        }
    }
}

/// What was shown of a profile does not outlive it.
fn forget(app: &App) {
    let global = app.ui().global::<markup::Guard<'_>>();
    global.set_told(false);
    global.set_checked(false);
    global.set_checking(false);
    global.set_seen(false);
    global.set_busy(false);
    global.set_attempts(ModelRc::default());
    global.set_sights(ModelRc::default());
    global.set_saved(SharedString::default());
    global.set_done(SharedString::default());
    global.set_problem(SharedString::default());
}

fn opened(app: &Rc<App>) {
    let global = app.ui().global::<markup::Guard<'_>>();
    global.set_saved(SharedString::default());
    global.set_done(SharedString::default());
    global.set_problem(SharedString::default());
    app.send::<Rules>(&Command::ShowRules(Nothing {}), |app, rules| {
        if let Ok(rules) = rules {
            show_rules(app, &rules);
        }
    });
    check(app);
    look(app);
}

fn choices(app: &App, words: &Words) {
    let never = || SharedString::from(words.say("rules.never"));
    let list = |seconds: u64, each: &[u32]| -> ModelRc<SharedString> {
        let rest = each
            .iter()
            .map(|it| words.duration(u64::from(*it) * seconds).into());
        ModelRc::new(std::iter::once(never()).chain(rest).collect::<VecModel<_>>())
    };
    let global = app.ui().global::<markup::Guard<'_>>();
    global.set_lock_choices(list(60, &LOCK_AFTER));
    global.set_expire_choices(list(86_400, &EXPIRE_AFTER));
}

fn show_rules(app: &App, rules: &Rules) {
    let global = app.ui().global::<markup::Guard<'_>>();
    global.set_lock_after(place(rules.lock_after_minutes, &LOCK_AFTER));
    global.set_expire_after(place(rules.expire_after_days, &EXPIRE_AFTER));
    global.set_shield(rules.shield);
    global.set_told(true);
}

/// The choice that stands for a number: the next larger one where it was chosen by another program.
fn place(chosen: Option<u32>, choices: &[u32]) -> i32 {
    let Some(chosen) = chosen else { return 0 };
    let last = choices.len().saturating_sub(1);
    let place = choices.iter().position(|it| *it >= chosen).unwrap_or(last);
    i32::try_from(place.saturating_add(1)).unwrap_or_default()
}

fn chosen(place: i32, choices: &[u32]) -> Option<u32> {
    let place = usize::try_from(place).ok()?.checked_sub(1)?;
    choices.get(place).copied()
}

fn choose(app: &Rc<App>, lock: i32, expire: i32, shield: bool) {
    let rules = Rules {
        lock_after_minutes: chosen(lock, &LOCK_AFTER),
        expire_after_days: chosen(expire, &EXPIRE_AFTER),
        shield,
    };
    let command = Command::SetRules(rules.clone());
    app.send::<Done>(&command, move |app, done| match done {
        Ok(_) => show_rules(app, &rules),
        Err(problem) => app.show_problem(&problem),
    });
}

fn check(app: &Rc<App>) {
    app.ui().global::<markup::Guard<'_>>().set_checking(true);
    app.send::<WallsCheck>(&Command::CheckWalls(Nothing {}), |app, told| {
        let global = app.ui().global::<markup::Guard<'_>>();
        global.set_checking(false);
        let Ok(told) = told else {
            return global.set_checked(false);
        };
        let (rows, wrong) = view::attempts(&told, &app.words());
        let lines = rows.into_iter().map(|row| markup::AttemptLine {
            room: row.room.into(),
            attempt: view::text::isolated(&row.attempt).into(),
            good: row.good,
            verdict: row.verdict.into(),
            seen: row.seen.into(),
        });
        global.set_attempts(ModelRc::new(VecModel::from_iter(lines)));
        global.set_wrong(i32::try_from(wrong).unwrap_or(i32::MAX));
        global.set_checked(true);
    });
}

fn look(app: &Rc<App>) {
    app.send::<Sights>(&Command::ListSights(Nothing {}), |app, told| {
        let global = app.ui().global::<markup::Guard<'_>>();
        let Ok(told) = told else {
            return global.set_seen(false);
        };
        let rows = app.state(|state| view::sights(state, &told, &app.words()));
        let lines = rows.into_iter().map(|row| markup::SightLine {
            account: view::text::isolated(&row.account).into(),
            observer: row.observer.into(),
            what: ModelRc::new(row.what.iter().map(SharedString::from).collect::<VecModel<_>>()),
        });
        global.set_sights(ModelRc::new(VecModel::from_iter(lines)));
        global.set_seen(true);
    });
}

fn back_up(app: &Rc<App>) {
    app.ui().global::<markup::Guard<'_>>().set_busy(true);
    app.send::<BackupSaved>(&Command::BackUp(Nothing {}), |app, saved| {
        let global = app.ui().global::<markup::Guard<'_>>();
        global.set_busy(false);
        match saved {
            Ok(saved) => global.set_saved(view::backup_words(&saved, &app.words()).into()),
            Err(problem) => app.show_problem(&problem),
        }
    });
}

fn set_destroying(app: &Rc<App>, passphrase: &str, destroying: Option<&str>) {
    let set = destroying.is_some();
    let global = app.ui().global::<markup::Guard<'_>>();
    global.set_busy(true);
    global.set_done(SharedString::default());
    global.set_problem(SharedString::default());
    let command = Command::SetDestroying(SetDestroying {
        passphrase: Secret::new(passphrase.to_owned()),
        destroying: destroying.map(|it| Secret::new(it.to_owned())),
        understood: set,
    });
    app.send::<Done>(&command, move |app, done| {
        let global = app.ui().global::<markup::Guard<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => {
                let key = if set {
                    "destroying.set"
                } else {
                    "destroying.removed"
                };
                global.set_done(app.words().say(key).into());
            }
            Err(problem) => global.set_problem(app.say(&problem)),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_another_program_stands_at_the_nearest_choice() {
        assert_eq!(place(None, &LOCK_AFTER), 0);
        assert_eq!(chosen(0, &LOCK_AFTER), None);
        for (index, minutes) in (1..).zip(LOCK_AFTER) {
            assert_eq!(place(Some(minutes), &LOCK_AFTER), index);
            assert_eq!(chosen(index, &LOCK_AFTER), Some(minutes));
        }
        assert_eq!(place(Some(10), &LOCK_AFTER), 3);
        assert_eq!(place(Some(9_999), &LOCK_AFTER), 6);
        assert_eq!((chosen(-1, &LOCK_AFTER), chosen(99, &LOCK_AFTER)), (None, None));
    }
}
