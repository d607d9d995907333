//! What the program says on its standard streams, apart from door 1.
//! It must never say anything about accounts, contacts or messages.

use std::io::Write;
use std::process::ExitCode;

use model::Problem;

/// One line on standard output.
pub(crate) fn line(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    if written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One problem on standard error, and the code to end with.
pub(crate) fn wrong(problem: &Problem, code: u8) -> ExitCode {
    // Where not even this can be written there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "otter: {problem}");
    ExitCode::from(code)
}
