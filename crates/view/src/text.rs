//! Texts of others made fit to be shown: plain, bounded, with nothing in them that cannot be seen.
//! It must never let a bidirectional control, a NUL or an invisible character through, and it never changes what is
//! kept: copying a message gives the original ([`copied`]). Standard: UAX #9, UAX #44, UTS #51.

mod direction;
mod links;
mod name;
mod sanitise;

pub use direction::is_rtl;
pub use links::{Link, MAX_LINKS, links};
pub(crate) use name::skeleton;
pub use name::{MAX_NAME_CHARS, Name, address, name};
pub use sanitise::{MAX_ALL_CHARS, MAX_LINES, MAX_MARKS, MAX_SHOWN_CHARS, Shown, line, message, pasted};

/// What goes to the clipboard when a message is copied: the text as it came, controls included, but for NUL, which
/// ends texts in many programs. Whoever pastes it into the composer gets it through [`pasted`].
pub fn copied(original: &str) -> String {
    original.replace('\0', "")
}

/// U+2068 FIRST STRONG ISOLATE: begins a part whose direction does not touch the rest.
const ISOLATE: char = '\u{2068}';
/// U+2069 POP DIRECTIONAL ISOLATE: ends it.
const END: char = '\u{2069}';

/// A foreign text (sanitised already) for use inside a sentence of ours: its direction cannot reorder the sentence.
pub fn isolated(sanitised: &str) -> String {
    format!("{ISOLATE}{sanitised}{END}")
}
