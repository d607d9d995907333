//! Builds the OTR peer that is not ours: `peers/otr_peer.c` on Debian's libotr and libstrophe.
//! Never shares code with our own `otr`: it is there to judge it.
//! OTR version 3 as libotr 4.1 has it.

use std::path::Path;
use std::process::Command;

use crate::LabError;
use crate::children::{output_of, write_file};
use crate::packages::find;

const SOURCE: &str = include_str!("../peers/otr_peer.c");

/// Compiles the peer into `program`.
pub(crate) fn build(program: &Path) -> Result<(), LabError> {
    let source = program.with_extension("c");
    write_file(&source, SOURCE)?;
    let needs = || LabError::MissingPackages(vec!["gcc", "pkg-config"]);
    let mut flags = Command::new(find("pkg-config").ok_or_else(needs)?);
    let flags = output_of(flags.args(["--cflags", "--libs", "libotr", "libstrophe"]))?;
    let flags = String::from_utf8_lossy(&flags).into_owned();
    let mut compiler = Command::new(find("cc").ok_or_else(needs)?);
    compiler
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(program)
        .arg(&source);
    compiler.args(flags.split_whitespace()).arg("-lgcrypt");
    output_of(&mut compiler).map(drop)
}
