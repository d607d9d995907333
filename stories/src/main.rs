//! `otter-demo`: two people talk over a private Tor network, and every step is told with its time.
//! With `--windows` each of them gets a window instead. Runs in the lab; `./run demo` does all of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let given = |name: &str| std::env::args().skip(1).any(|argument| argument == name);
    let well = if given("--windows") {
        stories::windows::demo()
    } else {
        stories::demo::run(given("--json"))
    };
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
