//! Everyday habits: what does not fit is reached, and who is told that something came is the owner's choice.
//! It must never need a display. Standard: `docs/rpc.md`; the issue's list of habits.

mod stage;

use slint::ComponentHandle;
use slint::platform::Key;
use stage::Stage;
use window::Notify;
use window::markup::{Dialog, Nav, Page};

fn evening(height: u32) -> Stage {
    let mut stage = Stage::new(1000, height);
    stage.fresh(&stage::evening());
    stage.screen.settle();
    stage
}

/// Whether Tab brings something into sight in a window of this height.
fn reaches(stage: &Stage, words: &str, height: f32) -> bool {
    let seen = |stage: &Stage| stage.shows(words) && (1.0..height - 24.0).contains(&stage.place(words).y);
    assert!(!seen(stage), "it fits, and this shows nothing");
    (0..40).any(|_| {
        stage.screen.key(Key::Tab);
        stage.screen.settle();
        seen(stage)
    })
}

#[test]
fn the_keyboard_reaches_the_last_button_of_a_sheet_that_does_not_fit() {
    let stage = evening(500);
    stage.app.change_look(|look| look.zoom = 200);
    stage.open("Bob");
    stage.app.ui().global::<Nav<'_>>().invoke_open(Dialog::Contact);
    assert!(reaches(&stage, "Remove", 500.0));
}

#[test]
fn the_keyboard_reaches_the_last_switch_of_a_page_that_does_not_fit() {
    let stage = evening(400);
    stage.app.ui().global::<Nav<'_>>().invoke_go(Page::Preferences);
    assert!(reaches(&stage, "Leave out who is offline", 400.0));
}

#[test]
fn who_is_told_that_something_came_is_the_owners_choice() {
    let stage = evening(1400);
    stage.app.ui().global::<Nav<'_>>().invoke_go(Page::Preferences);
    assert_eq!(stage.app.look().notify, Notify::Something);
    stage.press("Tell nobody");
    assert_eq!(stage.app.look().notify, Notify::Nothing);
    stage.press("Tell who wrote");
    assert_eq!(stage.app.look().notify, Notify::Who);
}

#[test]
fn the_size_of_the_window_is_found_again_within_bounds() {
    let look = window::Look::read(r#"{"size":[1,90000]}"#).map(|look| look.size);
    assert_eq!(look, Some(Some((480, 8192))));
}
