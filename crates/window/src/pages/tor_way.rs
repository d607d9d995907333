//! How the program reaches Tor, on the page of Tor and at the first start.
//! It must never keep a password, nor try a way that the person did not choose.
//! Standard: `docs/rpc.md`, `tor.settings` and `tor.set`.

use std::rc::Rc;

use model::{Command, Done, Nothing, Problem, ProfileState, Secret, SetTor, TorSettings};
use slint::{ComponentHandle, SharedString};
use view::{Change, State};

use crate::pages::Page;
use crate::{App, markup};

/// The form has nothing of its own to remember.
pub(crate) struct TorWay;

impl Page for TorWay {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::TorWay<'_>>();
        let weak = Rc::downgrade(app);
        global.on_opened(move || {
            if let Some(app) = weak.upgrade() {
                opened(&app);
            }
        });
        let weak = Rc::downgrade(app);
        global.on_use_own(move |bridges, proxy, ports| {
            if let Some(app) = weak.upgrade() {
                set(&app, view::own_tor(&bridges, &proxy, &ports));
            }
        });
        let weak = Rc::downgrade(app);
        global.on_use_running(move |control, password| {
            let Some(app) = weak.upgrade() else { return };
            let control = Some(control.trim()).filter(|it| !it.is_empty());
            let running = SetTor::Running {
                control: control.map(str::to_owned),
                password: Some(Secret::new(password.to_string())).filter(|it| !it.expose().is_empty()),
                once: false,
            };
            set(&app, Ok(running));
        });
    }

    fn refresh(&self, app: &Rc<App>, _: &[Change]) {
        if app.state(State::profile) != Some(ProfileState::Open) {
            show(app, &TorSettings::default());
        }
    }
}

fn opened(app: &Rc<App>) {
    let global = app.ui().global::<markup::TorWay<'_>>();
    global.set_saved(false);
    global.set_busy(false);
    global.set_problem(SharedString::default());
    load(app);
}

fn load(app: &Rc<App>) {
    app.send::<TorSettings>(&Command::TorSettings(Nothing {}), |app, told| match told {
        Ok(told) => show(app, &told),
        Err(problem) => tell(app, &problem),
    });
}

fn show(app: &App, told: &TorSettings) {
    let ports: Vec<String> = told.ports.iter().map(u16::to_string).collect();
    let global = app.ui().global::<markup::TorWay<'_>>();
    global.set_running(told.running);
    global.set_bridges(view::text::pasted(&told.bridges.join("\n")).into());
    global.set_proxy(told.proxy.as_deref().unwrap_or_default().into());
    global.set_ports(ports.join(", ").into());
    global.set_control(told.control.as_deref().unwrap_or_default().into());
    global.set_has_password(told.password);
    global.set_transports(told.transports.join(", ").into());
}

fn set(app: &Rc<App>, way: Result<SetTor, Problem>) {
    let way = match way {
        Ok(way) => way,
        Err(problem) => return tell(app, &problem),
    };
    let global = app.ui().global::<markup::TorWay<'_>>();
    global.set_busy(true);
    global.set_saved(false);
    global.set_problem(SharedString::default());
    app.send::<Done>(&Command::SetTor(way), |app, done| {
        let global = app.ui().global::<markup::TorWay<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => {
                global.set_saved(true);
                // Names and passwords of a proxy do not stay where they were written.
                load(app);
            }
            Err(problem) => tell(app, &problem),
        }
    });
}

fn tell(app: &App, problem: &Problem) {
    let global = app.ui().global::<markup::TorWay<'_>>();
    global.set_problem(app.say(problem));
}
