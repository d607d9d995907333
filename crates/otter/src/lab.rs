//! The same program, built so that it accepts a private Tor network: for the lab and the tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    otter::main()
}
