//! The program. All of it is in the library, so that the lab's build is the same program.

use std::process::ExitCode;

fn main() -> ExitCode {
    otter::main()
}
