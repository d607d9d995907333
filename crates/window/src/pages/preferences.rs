//! How the window looks and behaves, as the person wants it.
//! It must never keep anything beside the sealed profile. Standard: [`crate::Look`]; `docs/rpc.md`, `window.save`.

use std::rc::Rc;

use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Language};

use crate::markup;
use crate::pages::{Page, with};
use crate::{App, Notify, Theme};

/// The page has nothing of its own to remember.
pub(crate) struct Preferences;

impl Page for Preferences {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Preferences<'_>>();
        let names = Language::ALL.map(|it| SharedString::from(it.own_name()));
        global.set_languages(ModelRc::new(VecModel::from_iter(names)));
        global.on_choose_language(with(app, |app, index: i32| {
            let chosen = usize::try_from(index).ok().and_then(|at| Language::ALL.get(at));
            if let Some(language) = chosen {
                app.change_look(|look| look.language = language.tag().to_owned());
            }
        }));
        global.on_choose_theme(with(app, |app, theme: i32| {
            app.change_look(|look| {
                look.theme = match theme {
                    1 => Theme::Light,
                    2 => Theme::Dark,
                    _ => Theme::System,
                };
            });
        }));
        global.on_choose_enter(with(app, |app, sends| {
            app.change_look(|look| look.enter_sends = sends);
        }));
        global.on_choose_still(with(app, |app, still| {
            app.change_look(|look| look.still = still);
        }));
        global.on_choose_notify(with(app, |app, notify: i32| {
            app.change_look(|look| {
                look.notify = match notify {
                    0 => Notify::Nothing,
                    2 => Notify::Who,
                    _ => Notify::Something,
                };
            });
        }));
        global.on_choose_background(with(app, |app, background| {
            app.change_look(|look| look.background = background);
        }));
        global.on_choose_only_online(with(app, |app, only| {
            app.change_look(|look| look.only_online = only);
        }));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if !changes.contains(&Change::Everything) {
            return;
        }
        let look = app.look();
        let global = app.ui().global::<markup::Preferences<'_>>();
        let place = Language::ALL.iter().position(|it| *it == look.language());
        global.set_language(place.and_then(|at| i32::try_from(at).ok()).unwrap_or_default());
        global.set_theme(match look.theme {
            Theme::System => 0,
            Theme::Light => 1,
            Theme::Dark => 2,
        });
        global.set_zoom(app.words().number(u64::from(look.zoom)).into());
        global.set_enter_sends(look.enter_sends);
        global.set_still(look.still);
        global.set_notify(match look.notify {
            Notify::Nothing => 0,
            Notify::Something => 1,
            Notify::Who => 2,
        });
        global.set_only_online(look.only_online);
        global.set_background(look.background);
        global.set_iconless(look.background && !app.tray().is_there());
    }
}
