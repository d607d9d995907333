//! The system's window: whether the person looks at it, and how it asks to be looked at.
//! It must never say what was written, nor who wrote unless the owner asked for that. Standard: winit 0.30.

use std::rc::Rc;

use model::ProfileState;
use slint::winit_030::winit::event::WindowEvent;
use slint::winit_030::winit::window::UserAttentionType;
use slint::winit_030::{EventResult, WinitWindowAccessor};
use slint::{ComponentHandle, LogicalSize};
use view::{Change, State};

use crate::tray::Labels;
use crate::{App, Notify};

/// Hears whether the person looks, and how large the window is made. Where there is no window of the system, the
/// person always looks.
pub(crate) fn watch(app: &Rc<App>) {
    hear_tray(app);
    let weak = Rc::downgrade(app);
    app.ui().window().on_winit_window_event(move |window, event| {
        let Some(app) = weak.upgrade() else {
            return EventResult::Propagate;
        };
        match event {
            WindowEvent::Focused(looks) => {
                // Where the system can keep a window out of pictures of the screen, it does (Windows, macOS).
                window.with_winit_window(|window| window.set_content_protected(true));
                let mut changes = app.mirror(|mirror| mirror.state_mut().look(*looks));
                changes.push(Change::List);
                app.refresh(&changes);
                if *looks {
                    app.notices().clear();
                } else {
                    keep_size(&app);
                }
            }
            WindowEvent::CloseRequested => keep_size(&app),
            _ => {}
        }
        EventResult::Propagate
    });
}

/// The person closed the window: the program ends, or goes on where that is wanted and the window can come back.
pub(crate) fn closed(app: &Rc<App>) {
    if !app.look().background || !app.tray().is_there() {
        return app.leave();
    }
    app.keep_drafts();
    let mut changes = app.mirror(|mirror| mirror.state_mut().look(false));
    changes.push(Change::List);
    app.refresh(&changes);
}

/// Hears what is asked of the icon beside the clock.
fn hear_tray(app: &Rc<App>) {
    let weak = Rc::downgrade(app);
    let hear = |act: fn(&Rc<App>)| {
        let weak = weak.clone();
        move || {
            if let Some(app) = weak.upgrade() {
                act(&app);
            }
        }
    };
    app.ui()
        .on_tray_changed(hear(|app| app.refresh(&[Change::Everything])));
    app.ui().on_leave(hear(App::leave));
    app.ui().on_come_back(hear(|app| {
        // What cannot be shown any more is ended: it could never be reached again.
        if app.show().is_err() {
            return app.leave();
        }
        app.ui().window().with_winit_window(|window| {
            window.set_minimized(false);
            window.focus_window();
        });
    }));
}

/// Shows the icon beside the clock, where the owner wants it, as it has to be now.
fn mark_tray(app: &Rc<App>) {
    let tray = app.tray();
    if !app.look().background {
        return tray.hide();
    }
    let ui = app.ui();
    let labels = Labels {
        show: ui.get_label_show().into(),
        lock: ui.get_label_lock().into(),
        quit: ui.get_label_quit().into(),
        rtl: app.look().language().is_rtl(),
    };
    tray.show(labels, app.state(State::unread) > 0);
}

/// Keeps the size of the window in the profile, where it is open and the size another than kept.
fn keep_size(app: &Rc<App>) {
    let window = app.ui().window();
    let size = window.size().to_logical(window.scale_factor());
    let size = (size.width as u32, size.height as u32);
    let open = app.state(State::profile) == Some(ProfileState::Open);
    if open && !window.is_maximized() && !window.is_fullscreen() && app.look().size != Some(size) {
        app.change_look(|look| look.size = Some(size));
    }
}

/// Gives the window the size that the profile keeps.
pub(crate) fn resize(app: &Rc<App>) {
    if let Some((width, height)) = app.look().size {
        let window = app.ui().window();
        window.set_size(LogicalSize::new(width as f32, height as f32));
    }
}

/// Shows how much is unread, and asks to be looked at where something came while nobody looked.
pub(crate) fn mark(app: &Rc<App>, changes: &[Change]) {
    let of_list = |it: &Change| matches!(it, Change::List | Change::Everything);
    if changes.iter().any(of_list) {
        let unread = app.state(State::unread);
        let badge = if unread > 0 {
            app.words().badge(unread)
        } else {
            String::new()
        };
        app.ui().set_badge(badge.into());
        mark_tray(app);
    }
    if changes.contains(&Change::Profile) && app.state(State::profile) != Some(ProfileState::Open) {
        app.notices().clear();
    }
    let arrived = changes.iter().rev().find_map(|it| match it {
        Change::Arrived(peer) => Some(peer),
        _ => None,
    });
    if let Some(peer) = arrived {
        app.ui().window().with_winit_window(|window| {
            window.request_user_attention(Some(UserAttentionType::Informational));
        });
        let name = match app.look().notify {
            Notify::Nothing => return,
            Notify::Something => None,
            Notify::Who => app.state(|state| Some(state.name(peer)?.text.clone())),
        };
        app.notices().show(app.words().arrived(name.as_deref()));
    }
}
