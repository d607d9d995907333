//! `otter-figures`: the figures that need the whole messenger; `./bench` runs it in the lab.

use std::io::Write;
use std::process::ExitCode;

use stories::{Place, Trouble, figures};

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout();
    let mut err = std::io::stderr();
    match measure(&wanted) {
        Ok(lines) => {
            for line in lines {
                // Where nobody listens the exit code still tells.
                let _ = writeln!(out, "{line}");
            }
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            let _ = writeln!(err, "otter-figures: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn measure(wanted: &[String]) -> Result<Vec<String>, Trouble> {
    let place = Place::find()?;
    let mut lines = Vec::new();
    for name in wanted {
        match name.as_str() {
            "memory" => lines.extend(figures::memory(&place)?),
            "xmpp" => lines.push(figures::login(&place)?),
            _ => return Err(Trouble::new(format!("There is no figure {name:?}"))),
        }
    }
    Ok(lines)
}
