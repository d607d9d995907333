//! `otter-demo`: two people talk over a private Tor network, and every step is told with its time.
//! Runs in the lab; `./run demo --headless` does all of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let json = std::env::args().skip(1).any(|argument| argument == "--json");
    if stories::demo::run(json) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
