//! Every screen in a language whose words are 40 % longer, and in those that people speak: nothing lies outside the
//! window or over another text. It must never need a display. Standard: none; the usual pseudo-locale.

mod stage;

use std::cell::RefCell;

use i_slint_backend_testing::{ElementHandle, ElementRoot};
use slint::ComponentHandle;
use stage::{Stage, tour};
use window::Look;

/// A text on the screen.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    name: String,
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

fn shown(it: &ElementHandle) -> Shown {
    let (place, size) = (it.absolute_position(), it.size());
    let name = it.accessible_label().map(String::from).unwrap_or_default();
    Shown {
        name,
        left: place.x,
        top: place.y,
        right: place.x + size.width,
        bottom: place.y + size.height,
    }
}

impl Shown {
    /// What of it is seen through an opening.
    fn through(&self, opening: &Self) -> Option<Self> {
        let seen = Self {
            name: self.name.clone(),
            left: self.left.max(opening.left),
            top: self.top.max(opening.top),
            right: self.right.min(opening.right),
            bottom: self.bottom.min(opening.bottom),
        };
        (seen.left < seen.right && seen.top < seen.bottom).then_some(seen)
    }

    /// Whether more than a hair of both is at the same place.
    fn covers(&self, other: &Self) -> bool {
        let wide = self.right.min(other.right) - self.left.max(other.left);
        let high = self.bottom.min(other.bottom) - self.top.max(other.top);
        wide > 2.0 && high > 3.0
    }
}

/// The texts that can be seen: those of the sheet that stands over the page, or else those of the page, without what
/// is scrolled away.
fn texts(stage: &Stage) -> Vec<Shown> {
    stage.screen.settle();
    let root = stage.app.ui().root_element();
    let within = |root: &ElementHandle, kind: &str| root.query_descendants().match_inherits(kind).find_all();
    let top = within(&root, "Sheet").pop().unwrap_or(root);
    let mut all: Vec<Shown> = within(&top, "Text").iter().map(shown).collect();
    for opening in within(&top, "Scroll").iter().chain(&within(&top, "ListView")) {
        let inside: Vec<Shown> = within(opening, "Text").iter().map(shown).collect();
        all = all
            .into_iter()
            .filter_map(|it| {
                if inside.contains(&it) {
                    it.through(&shown(opening))
                } else {
                    Some(it)
                }
            })
            .collect();
    }
    all
}

/// What is wrong on the screen that is shown.
fn wrong(stage: &Stage) -> Vec<String> {
    let wide = stage.app.ui().window().size().to_logical(1.0).width;
    let all = texts(stage);
    let outside = all.iter().filter(|it| it.left < -0.5 || it.right > wide + 0.5);
    let mut found: Vec<String> = outside.map(|it| format!("outside: {it:?}")).collect();
    for (at, one) in all.iter().enumerate() {
        let over = all.iter().skip(at + 1).find(|other| one.covers(other));
        found.extend(over.map(|other| format!("one over the other: {one:?} {other:?}")));
    }
    found
}

/// Shows every screen in a look, in a window of a size.
fn fits(look: &Look, width: u32, height: u32) {
    let mut stage = Stage::new(width, height);
    let found = RefCell::new(Vec::new());
    tour::every_screen(&mut stage, look, &|stage, name| {
        let wrong = wrong(stage).into_iter().map(|it| format!("{name}: {it}"));
        found.borrow_mut().extend(wrong);
    });
    let found = found.take();
    assert!(found.is_empty(), "{look:?}: {found:#?}");
}

fn in_language(tag: &str) -> Look {
    Look {
        language: tag.to_owned(),
        ..Look::default()
    }
}

#[test]
fn words_that_are_two_fifths_longer_find_room() {
    fits(&in_language("qps"), 640, 480);
}

#[test]
fn every_language_finds_room_in_a_small_window() {
    for language in view::Language::ALL {
        std::thread::spawn(move || fits(&in_language(language.tag()), 560, 420))
            .join()
            .unwrap();
    }
}

#[test]
fn letters_of_twice_the_size_find_room() {
    let large = Look {
        zoom: 200,
        ..Look::default()
    };
    fits(&large, 1100, 800);
}
