//! The system's window: whether the person looks at it, and how it asks to be looked at.
//! It must never say who wrote, or what: a mark at the window is all. Standard: winit 0.30.

use std::rc::Rc;

use slint::ComponentHandle;
use slint::winit_030::winit::event::WindowEvent;
use slint::winit_030::winit::window::UserAttentionType;
use slint::winit_030::{EventResult, WinitWindowAccessor};
use view::{Change, State};

use crate::App;

/// Hears whether the person looks. Where there is no window of the system, the person always does.
pub(crate) fn watch(app: &Rc<App>) {
    let weak = Rc::downgrade(app);
    app.ui().window().on_winit_window_event(move |window, event| {
        if let (WindowEvent::Focused(looks), Some(app)) = (event, weak.upgrade()) {
            // Where the system can keep a window out of pictures of the screen, it does (Windows, macOS).
            window.with_winit_window(|window| window.set_content_protected(true));
            let mut changes = app.mirror(|mirror| mirror.state_mut().look(*looks));
            changes.push(Change::List);
            app.refresh(&changes);
        }
        EventResult::Propagate
    });
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
    }
    if changes.iter().any(|it| matches!(it, Change::Arrived(_))) {
        app.ui().window().with_winit_window(|window| {
            window.request_user_attention(Some(UserAttentionType::Informational));
        });
    }
}
