//! How the window looks and behaves for one person: theme, language, size of letters, what Enter does.
//! It must never lie anywhere but in the sealed profile (`window.save`). Standard: none; [`Look`] is the format.

use serde::{Deserialize, Serialize};
use slint::ComponentHandle;
use view::Language;

use crate::markup;

/// The smallest, usual and largest zoom in per cent, and one step.
const ZOOM: (u32, u32, u32, u32) = (75, 100, 300, 25);

/// The least width and height of the window, and the most of either, in logical pixels.
const SIZE: (u32, u32, u32) = (480, 400, 8192);

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Always dark.
    Dark,
    /// Always light.
    Light,
    /// As the system.
    #[default]
    System,
}

/// What the system is told when something comes while nobody looks. The system may show and keep what it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notify {
    /// Nothing: the window asks to be looked at, and that is all.
    Nothing,
    /// That something came.
    #[default]
    Something,
    /// Who wrote, by the name that the owner gave. Never what.
    Who,
}

/// What the window finds again after unlocking. Unknown or wrong parts are taken as never said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Light or dark.
    pub theme: Theme,
    /// Tag of the language ([`Language::tag`]).
    pub language: String,
    /// Size of letters and spaces in per cent.
    pub zoom: u32,
    /// Whether Enter sends; otherwise it begins a line, and Ctrl+Enter sends.
    pub enter_sends: bool,
    /// Whether nothing moves by itself.
    pub still: bool,
    /// Whether contacts that are offline are left out of the list.
    pub only_online: bool,
    /// Width and height that the person gave the window, in logical pixels; absent: as it comes.
    pub size: Option<(u32, u32)>,
    /// What the system is told when something comes while nobody looks.
    pub notify: Notify,
    /// Whether the program goes on when its window is closed, where the desktop shows an icon to bring it back.
    pub background: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            language: "en".to_owned(),
            zoom: ZOOM.1,
            enter_sends: true,
            still: false,
            only_online: false,
            size: None,
            notify: Notify::default(),
            background: false,
        }
    }
}

impl Look {
    /// With everything within its bounds.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.language = self.language().tag().to_owned();
        self.zoom = self.zoom.clamp(ZOOM.0, ZOOM.2);
        self.size = self
            .size
            .map(|(width, height)| (width.clamp(SIZE.0, SIZE.2), height.clamp(SIZE.1, SIZE.2)));
        self
    }

    /// From what `window.load` gave; the usual look where that says nothing.
    pub fn read(state: &str) -> Option<Self> {
        serde_json::from_str::<Self>(state).ok().map(Self::checked)
    }

    /// For `window.save`.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// One step larger (`1`), smaller (`-1`) or as usual (`0`).
    pub fn zoom_by(&mut self, step: i32) {
        self.zoom = match step {
            0 => ZOOM.1,
            1.. => self.zoom.saturating_add(ZOOM.3),
            _ => self.zoom.saturating_sub(ZOOM.3),
        }
        .clamp(ZOOM.0, ZOOM.2);
    }

    /// The language.
    pub fn language(&self) -> Language {
        Language::from_tag(&self.language).unwrap_or_default()
    }

    /// Makes the window look like this.
    pub(crate) fn apply(&self, ui: &markup::App) {
        let global = ui.global::<markup::Ui<'_>>();
        // A language without a catalogue leaves the English strings in place.
        let _ = slint::select_bundled_translation(&self.language);
        global.set_rtl(self.language().is_rtl());
        global.set_zoom(f32::from(u16::try_from(self.zoom).unwrap_or(100)) / 100.0);
        global.set_still(self.still);
        ui.set_theme(match self.theme {
            Theme::Dark => 2,
            Theme::Light => 1,
            Theme::System => 0,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_found_again_as_it_was_left() {
        let look = Look {
            theme: Theme::Dark,
            language: "fa".to_owned(),
            zoom: 150,
            ..Look::default()
        };
        assert_eq!(Look::read(&look.write()), Some(look));
    }

    #[test]
    fn a_look_out_of_bounds_is_brought_back() {
        let look = Look::read(r#"{"zoom":4000000000,"language":"tlh","later":1}"#).unwrap();
        assert_eq!((look.zoom, look.language.as_str()), (300, "en"));
        assert_eq!(Look::read("not json"), None);
    }

    #[test]
    fn zoom_has_an_end_on_both_sides() {
        let mut look = Look::default();
        for _ in 0..50 {
            look.zoom_by(1);
        }
        assert_eq!(look.zoom, 300);
        for _ in 0..50 {
            look.zoom_by(-1);
        }
        assert_eq!(look.zoom, 75);
        look.zoom_by(0);
        assert_eq!(look.zoom, 100);
    }
}
