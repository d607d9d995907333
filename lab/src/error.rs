//! What can go wrong while the lab is built, each as a sentence with the next step in it.
//! Never hides a missing program: the lab is whole or it is not there.
//! No standard applies.

use std::fmt;
use std::io;

/// Why the lab could not do what was asked.
#[derive(Debug)]
pub enum LabError {
    /// The lab answered over its control socket that it could not do it; the text is the lab's own.
    Answer(String),
    /// An argument or an environment variable cannot be used.
    Input(String),
    /// The operating system refused; `doing` says what was being done.
    Io {
        /// What was being done, as the end of "could not ...".
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// Programs or libraries are not installed; the names of their Debian packages.
    MissingPackages(Vec<&'static str>),
    /// A program of the lab ended or answered in a way that it must not.
    Program {
        /// The program's name in the lab.
        name: String,
        /// What it said or did.
        detail: String,
    },
    /// Something did not happen in its time.
    TooSlow {
        /// What was awaited, as the end of "waited for ...".
        what: String,
        /// For how many seconds.
        seconds: u64,
    },
}

impl LabError {
    /// Wraps an error of the system with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// An error of a named program.
    pub(crate) fn program(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Program {
            name: name.into(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(text) | Self::Input(text) => out.write_str(text),
            Self::Io { doing, source } => write!(out, "could not {doing}: {source}"),
            Self::MissingPackages(names) => {
                let names = names.join(" ");
                write!(
                    out,
                    "Debian packages are missing: {names}. Install them with: apt-get install --no-install-recommends {names}"
                )
            }
            Self::Program { name, detail } => write!(out, "{name} failed: {detail}"),
            Self::TooSlow { what, seconds } => write!(out, "waited {seconds} s in vain for {what}"),
        }
    }
}

impl std::error::Error for LabError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
