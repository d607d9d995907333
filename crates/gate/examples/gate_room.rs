//! A gate in a process of its own, without walls: `gate_room STATE NETWORK_FILE`, door 2 on its standard input.
//! Only for the tests that kill gates: it must never be used where walls matter.
#![expect(
    clippy::print_stderr,
    reason = "a program of the tests that says why it ended"
)]

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use gate::{GateConfig, Network};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let (Some(state), Some(file)) = (words.next(), words.next()) else {
        eprintln!("gate_room STATE NETWORK_FILE");
        return ExitCode::FAILURE;
    };
    let config = GateConfig {
        state: state.into(),
        network: Network::Private { file: file.into() },
        tor: None,
        self_test: None,
    };
    let served = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| error.to_string())
        .and_then(|door| gate::run(&config, UnixStream::from(door), None).map_err(|error| error.to_string()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
