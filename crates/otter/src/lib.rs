//! The program `otter`: a supervisor that starts the rooms, and the rooms themselves.
//!
//! It parses nothing that came from a network and opens no connection. Every room is this same program
//! started again, and locks itself before anything else happens in it. Where to start reading:
//! [`main`], then `supervisor`, then `rooms`.

#![forbid(unsafe_code)]

mod arguments;
mod check;
mod rooms;
mod say;
mod supervisor;
mod transcript;

use std::process::ExitCode;

use self::arguments::{Command, Engine, Window};
use self::supervisor::Front;

/// What any room frees is written over: names, texts and keys shall not outlive their use.
#[global_allocator]
static MEMORY: walls::Wiping = walls::Wiping;

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let command = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(problem) => return say::wrong(&problem, 2),
    };
    match command {
        Command::Check { json } => check::run(json),
        Command::CheckRoom(room) => check::room(&room),
        Command::Engine(Engine::Document) => say::line(&model::openrpc::document().to_string()),
        Command::Engine(Engine::Room(room)) => rooms::engine(&room),
        Command::Engine(Engine::Supervise(options)) => supervisor::run(&options, Front::Standard),
        Command::Gate(room) => rooms::gate(&room),
        Command::Porter(room) => rooms::porter(&room),
        Command::Transport(room) => rooms::transport(&room),
        Command::Help => say::line(arguments::HELP),
        Command::Transcript(wanted) => transcript::run(&wanted),
        Command::Version => say::line(concat!("attentive-otter ", env!("CARGO_PKG_VERSION"))),
        Command::Window(Window::Room) => rooms::window(),
        Command::Window(Window::Supervise(options)) => supervisor::run(&options, Front::Window),
    }
}
