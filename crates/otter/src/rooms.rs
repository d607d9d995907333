//! The rooms: take the inherited channels, lock, then work. Nothing comes before the lock.

mod porter;
mod self_test;
mod standard;
mod transport;

use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use gate::{GateConfig, Network, Running, TorSettings};
use model::{Problem, Wall};
use tokio::sync::mpsc;
use walls::{Report, Room, channel};

use crate::arguments::{EngineRoom, GateRoom, Tor};
use crate::{say, supervisor};

/// Door 2, in the engine's and in the gate's room.
pub(crate) const DOOR: RawFd = 3;
/// Where the engine gets the channel to a new gate.
pub(crate) const CONTROL: RawFd = 4;
/// Where the gate has its errands carried out.
pub(crate) const PORTER: RawFd = 4;

/// The engine's room.
pub(crate) fn engine(room: &EngineRoom) -> ExitCode {
    walls::close_inherited(&[DOOR, CONTROL]);
    match enter(
        &Room::Engine {
            profile: &room.profile,
        },
        [DOOR, CONTROL],
    ) {
        Ok((report, [door, control])) => run_engine(room, report, door, control),
        Err(problem) => say::wrong(&problem, 3),
    }
}

/// The gate's room.
pub(crate) fn gate(room: &GateRoom) -> ExitCode {
    walls::close_inherited(&[DOOR, PORTER]);
    // The one thing before the lock: behind it Arti could not learn who runs the program.
    if let Err(error) = gate::prepare() {
        return say::wrong(&Problem::new(error.code(), error.to_string()), 4);
    }
    let read: Vec<PathBuf> = match &room.tor {
        Tor::Private(file) => vec![file.clone()],
        _ => Vec::new(),
    };
    let walls = Room::Gate {
        state: &room.state,
        read: &read,
    };
    let (mut report, door, porter) = match enter(&walls, [DOOR, PORTER]) {
        Ok((report, [door, porter])) => (report, door, porter),
        Err(problem) => return say::wrong(&problem, 3),
    };
    if let Err(problem) = settle(&walls, &mut report) {
        return say::wrong(&problem, 3);
    }
    let result = network(&room.tor).and_then(|network| {
        run_gate(
            &GateConfig {
                state: room.state.clone(),
                network,
                tor: matches!(room.tor, Tor::Running).then(|| TorSettings::Running(Running::default())),
                self_test: Some(self_test::of_gate(room.state.clone(), report)),
            },
            UnixStream::from(door),
            porter::Porter::new(porter),
        )
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => say::wrong(&problem, 4),
    }
}

/// The window's room.
pub(crate) fn window() -> ExitCode {
    walls::close_inherited(&[DOOR]);
    let (mut report, door) = match enter(&Room::Window, [DOOR]) {
        Ok((report, [door])) => (report, UnixStream::from(door)),
        Err(problem) => return say::wrong(&problem, 3),
    };
    if let Err(problem) = settle(&Room::Window, &mut report) {
        return say::wrong(&problem, 3);
    }
    let reader = match door.try_clone() {
        Ok(reader) => reader,
        Err(error) => {
            let text = format!("The window cannot use its channel: {error}");
            return say::wrong(&Problem::new("otter.no_channel", text), 3);
        }
    };
    let options = window::Options {
        language: language(),
        minutes_east: minutes_east(),
        walls: report.walls.iter().map(|state| wall("window", state)).collect(),
        self_test: Some(self_test::of_window(report)),
    };
    match window::run(reader, door, &options) {
        Ok(window::End::Again) => ExitCode::from(supervisor::AGAIN),
        Ok(window::End::Closed) => ExitCode::SUCCESS,
        Err(error) => say::wrong(&Problem::new("otter.no_window", error.to_string()), 5),
    }
}

/// The language that the system speaks, such as `ar`, from `ar_EG.UTF-8`: the person's own choice lies in the
/// profile and counts as soon as that is open.
fn language() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let value = set("LC_ALL")
        .or_else(|| set("LC_MESSAGES"))
        .or_else(|| set("LANG"))?;
    value.split(['_', '.', '@']).next().map(str::to_owned)
}

/// How far the system's clock is set east of UTC now: for the times on the screen, and for nothing that is sent.
fn minutes_east() -> i16 {
    let seconds = jiff::Zoned::now().offset().seconds();
    i16::try_from(seconds / 60).unwrap_or_default()
}

pub(crate) use porter::run as porter;
pub(crate) use transport::run as transport;

/// Takes the channels and locks the room.
fn enter<const N: usize>(room: &Room<'_>, numbers: [RawFd; N]) -> Result<(Report, [OwnedFd; N]), Problem> {
    let channels: Vec<OwnedFd> = numbers
        .iter()
        .map(|number| channel::inherited(*number))
        .collect::<Result<_, _>>()
        .map_err(|error| {
            Problem::new(
                "otter.no_channel",
                format!("A room has to be started by otter: {error}"),
            )
        })?;
    let channels = <[OwnedFd; N]>::try_from(channels)
        .map_err(|_| Problem::new("otter.no_channel", "A room has to be started by otter."))?;
    let report = walls::lock(room).map_err(|error| Problem::new(error.code(), error.to_string()))?;
    Ok((report, channels))
}

/// Refuses what the room needed for its start alone.
fn settle(room: &Room<'_>, report: &mut Report) -> Result<(), Problem> {
    walls::settle(room, report).map_err(|error| Problem::new(error.code(), error.to_string()))
}

fn run_engine(room: &EngineRoom, mut report: Report, door: OwnedFd, control: OwnedFd) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return say::wrong(
            &Problem::new(
                "otter.no_runtime",
                "The engine cannot start: the system is out of resources.",
            ),
            3,
        );
    };
    let standard::Standard {
        input,
        output,
        writer,
    } = standard::open();
    let own = Room::Engine {
        profile: &room.profile,
    };
    if let Err(problem) = settle(&own, &mut report) {
        return say::wrong(&problem, 3);
    }
    let walls = report.walls.iter().map(|state| wall("engine", state)).collect();
    let result = runtime.block_on(async {
        let (sender, gates) = mpsc::channel(4);
        let _ = sender.send(gate_channel(door)?).await;
        let runtime = tokio::runtime::Handle::current();
        std::thread::spawn(move || {
            let _inside = runtime.enter();
            follow_control(&control, &sender);
        });
        let config = engine::Config {
            self_test: Some(self_test::of_engine(room.profile.clone(), report)),
            profile: room.profile.clone(),
            gates,
            walls,
            tor: match room.tor {
                Tor::Running => TorSettings::Running(Running::default()),
                _ => TorSettings::default(),
            },
        };
        engine::run(config, input, output).await
    });
    // What the engine said last is written out, unless its owner cannot wait for whoever reads it; the reader of
    // standard input may wait for ever, and ends with the process.
    if !matches!(result, Ok(engine::End::AtOnce)) {
        let _ = writer.join();
    }
    runtime.shutdown_background();
    if result.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Waits for the channels to new gates, until the supervisor is gone.
fn follow_control(control: &OwnedFd, gates: &mpsc::Sender<Box<dyn engine::Channel>>) {
    while let Ok((line, fd)) = channel::receive_fd(control.as_fd()) {
        if line.is_empty() {
            return;
        }
        let Some(fd) = fd else { continue };
        let Ok(stream) = gate_channel(fd) else { continue };
        if gates.blocking_send(stream).is_err() {
            return;
        }
    }
}

fn gate_channel(door: OwnedFd) -> std::io::Result<Box<dyn engine::Channel>> {
    let stream = UnixStream::from(door);
    stream.set_nonblocking(true)?;
    Ok(Box::new(tokio::net::UnixStream::from_std(stream)?))
}

fn run_gate(config: &GateConfig, door: UnixStream, porter: porter::Porter) -> Result<(), Problem> {
    gate::run(config, door, Some(Arc::new(porter)))
        .map_err(|error| Problem::new(error.code(), error.to_string()))
}

/// The gate itself knows what its build can reach.
fn network(tor: &Tor) -> Result<Network, Problem> {
    let network = match tor {
        Tor::Embedded => Network::parse("embedded", None),
        Tor::Private(file) => Network::parse("embedded", Some(file)),
        Tor::Running => Network::parse("running", None),
        Tor::Socks(address) => Network::parse(&format!("socks5://{address}"), None),
    };
    network.map_err(|error| Problem::new(error.code(), error.to_string()))
}

fn wall(room: &str, state: &walls::WallState) -> Wall {
    Wall {
        room: room.to_owned(),
        wall: state.wall.name().to_owned(),
        up: state.up,
        why: state.why.clone(),
    }
}
