//! Looks for the Debian packages that the lab stands on, all at once.
//! Never lets a missing one pass: a lab without a part would make its tests prove nothing.
//! The list for people and scripts is `lab/packages.txt`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::LabError;
use crate::children::output_of;

/// Programs, and the packages that bring them.
const PROGRAMS: [(&str, &str); 8] = [
    ("cc", "gcc"),
    ("obfs4proxy", "obfs4proxy"),
    ("openssl", "openssl"),
    ("pkg-config", "pkg-config"),
    ("prosody", "prosody"),
    ("prosodyctl", "prosody"),
    ("tor", "tor"),
    ("tor-gencert", "tor"),
];

/// Libraries by their pkg-config names, and the packages that bring them.
const LIBRARIES: [(&str, &str); 2] = [("libotr", "libotr5-dev"), ("libstrophe", "libstrophe-dev")];

/// The C library's headers, and the package that brings them.
const HEADER: (&str, &str) = ("/usr/include/stdio.h", "libc6-dev");

/// The search path with the folders of system programs, which an ordinary user may lack.
pub(crate) fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin");
    path
}

/// Finds a program on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Checks that everything is installed.
///
/// # Errors
/// [`LabError::MissingPackages`] with every missing package.
pub(crate) fn check() -> Result<(), LabError> {
    let missing = missing(
        |program| find(program).is_some(),
        library_exists,
        Path::new(HEADER.0).exists(),
    );
    if missing.is_empty() {
        Ok(())
    } else {
        Err(LabError::MissingPackages(missing))
    }
}

fn missing(
    has_program: impl Fn(&str) -> bool,
    has_library: impl Fn(&str) -> bool,
    has_header: bool,
) -> Vec<&'static str> {
    let programs = PROGRAMS.iter().filter(|(program, _)| !has_program(program));
    let libraries = LIBRARIES.iter().filter(|(library, _)| !has_library(library));
    let mut missing: Vec<_> = programs.chain(libraries).map(|(_, package)| *package).collect();
    missing.extend((!has_header).then_some(HEADER.1));
    missing.sort_unstable();
    missing.dedup();
    missing
}

fn library_exists(library: &str) -> bool {
    let Some(program) = find("pkg-config") else {
        return false;
    };
    output_of(Command::new(program).args(["--exists", library])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_for_scripts_names_what_is_looked_for() {
        let list: Vec<_> = include_str!("../packages.txt").lines().collect();
        assert_eq!(list, missing(|_| false, |_| false, false));
    }

    #[test]
    fn missing_packages_are_named_all_at_once_with_the_command_that_brings_them() {
        let missing = missing(
            |program| !program.starts_with("prosody"),
            |library| library != "libotr",
            true,
        );
        let said = LabError::MissingPackages(missing).to_string();
        assert!(
            said.ends_with("apt-get install --no-install-recommends libotr5-dev prosody"),
            "{said}"
        );
    }
}
