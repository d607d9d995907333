//! The screens: what a person sees and touches.
//!
//! It must never reach the network, hold a key, read a file of the profile, or show a text of somebody
//! else's as its own words. Everything it knows comes through door 1, and [`view`] computes what is shown.
//! Standard: `docs/rpc.md` for the door, WCAG 2.2 for contrast and keyboard.
//!
//! [`run`] is the window's whole life. The pages are listed in [`pages`], the markup lies in `ui/`.

mod app;
mod channel;
mod fonts;
pub mod headless;
mod look;
mod made_up;
#[doc(hidden)]
pub mod markup;
mod notices;
pub mod pages;
mod rooms;
mod screen;
mod tray;

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

pub use app::App;
pub use look::{Look, Notify, Theme};

/// How the window starts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The language until the profile is open: `en`, `ar`, ... English where absent or unknown.
    pub language: Option<String>,
    /// How many minutes local time is east of UTC. The window asks the system for nothing.
    pub minutes_east: i16,
    /// The walls of the window's own room.
    pub walls: Vec<model::Wall>,
    /// The self-test of the window's own room; `None`: there are no walls to test.
    pub self_test: Option<SelfTest>,
}

/// Tries what the walls of a room must refuse. Takes a few milliseconds.
#[derive(Clone)]
pub struct SelfTest(pub Arc<dyn Fn() -> Vec<model::Attempt> + Send + Sync>);

impl fmt::Debug for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SelfTest(..)")
    }
}

/// How the window's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The engine went away by itself, and the person wants the program started anew.
    Again,
    /// The person closed the window.
    Closed,
}

/// Why there is no window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The screen cannot be drawn on: no display, or one that refuses. The text is the toolkit's.
    NoScreen(String),
    /// A thread could not be started.
    NoThread,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScreen(why) => write!(f, "The window cannot be opened: {why}"),
            Self::NoThread => {
                f.write_str("The window cannot be opened: the system allows no further thread.")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<slint::PlatformError> for Error {
    fn from(error: slint::PlatformError) -> Self {
        Self::NoScreen(error.to_string())
    }
}

impl From<slint::EventLoopError> for Error {
    fn from(error: slint::EventLoopError) -> Self {
        Self::NoScreen(error.to_string())
    }
}

/// Shows the window until the person closes it or the engine ends.
///
/// `reader` gives what the engine says and `writer` takes what it is asked: door 1, one JSON-RPC message a line.
/// When the person closes the window the engine is asked to stop, and has three seconds to say goodbye.
///
/// # Errors
/// [`Error`]; nothing was shown then.
pub fn run(
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
    options: &Options,
) -> Result<End, Error> {
    fonts::choose_renderer()?;
    let out = channel::write(writer)?;
    let app = App::new(Box::new(out), options)?;
    app.notify_by(notices::Notices::open());
    app.stay_by(tray::Tray::open(app.ui()));
    channel::read(reader, &app)?;
    app.show()?;
    slint::run_event_loop_until_quit()?;
    Ok(app.end())
}
