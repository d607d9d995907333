//! The launcher of a pluggable transport: locks itself, learns from the gate what is wanted, and becomes the program.
//! It must never start the program before the walls stand, nor hand down anything of its own environment.
//! Standard: pt-spec 3.2 (the program's environment).

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use model::Problem;
use walls::{Room, channel};

use crate::arguments::TransportRoom;
use crate::say;

/// The longest line of the order, in bytes.
const MAX_LINE: usize = 1024;

/// The transport's room. Comes back only if the program cannot be started.
pub(crate) fn run(room: &TransportRoom) -> ExitCode {
    walls::close_inherited(&[]);
    let Some(program) = room.program.find() else {
        return say::wrong(&failed("it is not installed"), 3);
    };
    // Links are followed here: behind the walls only the file itself can be started.
    let Ok(program) = program.canonicalize() else {
        return say::wrong(&failed("it is not installed"), 3);
    };
    let walls = Room::Transport {
        program: &program,
        state: &room.state,
        datagrams: room.program.needs_datagrams(),
    };
    let order = match channel::inherited(0) {
        Ok(order) => UnixStream::from(order),
        Err(error) => return say::wrong(&failed(&error.to_string()), 3),
    };
    if let Err(error) = walls::lock(&walls) {
        return say::wrong(&Problem::new(error.code(), error.to_string()), 3);
    }
    let (Some(name), Some(proxy)) = (line(&order), line(&order)) else {
        return say::wrong(&failed("it was not told what to do"), 3);
    };
    drop(order);
    #[expect(
        clippy::disallowed_methods,
        reason = "becomes the transport's program, behind its walls"
    )]
    let mut command = Command::new(&program);
    command
        .env_clear()
        .env("TOR_PT_MANAGED_TRANSPORT_VER", "1")
        .env("TOR_PT_CLIENT_TRANSPORTS", name)
        .env("TOR_PT_EXIT_ON_STDIN_CLOSE", "1")
        .env("TOR_PT_STATE_LOCATION", &room.state)
        .envs((!proxy.is_empty()).then_some(("TOR_PT_PROXY", proxy)))
        .stderr(Stdio::null());
    let error = command.exec();
    say::wrong(&failed(&error.to_string()), 3)
}

/// One line, and not a byte more: what follows is for the program.
fn line(mut stream: &UnixStream) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        if byte == *b"\n" {
            let line = String::from_utf8(line).ok()?;
            return (!line.contains(char::is_control)).then_some(line);
        }
        if line.len() >= MAX_LINE {
            return None;
        }
        line.extend(byte);
    }
}

fn failed(why: &str) -> Problem {
    Problem::new(
        "otter.no_transport",
        format!("The transport's program cannot be started: {why}."),
    )
}
