//! Builds the OTR peer that is not ours, from `peers/`, on Debian's libotr and libstrophe.
//! Never shares code with our own `otr`: it is there to judge it.
//! OTR version 3 as libotr 4.1 has it.

use std::path::Path;
use std::process::Command;

use crate::LabError;
use crate::children::{output_of, private_folder, write_file};
use crate::packages::find;

/// Files and their texts; all but the header are compiled.
const SOURCES: [(&str, &str); 4] = [
    ("otr_peer.h", include_str!("../peers/otr_peer.h")),
    ("otr_peer.c", include_str!("../peers/otr_peer.c")),
    ("otr_side.c", include_str!("../peers/otr_side.c")),
    ("xmpp_side.c", include_str!("../peers/xmpp_side.c")),
];

/// Compiles the peer into `program`.
pub(crate) fn build(program: &Path) -> Result<(), LabError> {
    let folder = program.with_extension("sources");
    private_folder(&folder)?;
    for (name, text) in SOURCES {
        write_file(&folder.join(name), text)?;
    }
    let needs = || LabError::MissingPackages(vec!["gcc", "pkg-config"]);
    let mut flags = Command::new(find("pkg-config").ok_or_else(needs)?);
    let flags = output_of(flags.args(["--cflags", "--libs", "libotr", "libstrophe"]))?;
    let flags = String::from_utf8_lossy(&flags).into_owned();
    let mut compiler = Command::new(find("cc").ok_or_else(needs)?);
    compiler
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-o"])
        .arg(program);
    let compiled = SOURCES
        .iter()
        .map(|(name, _)| name)
        .filter(|name| name.ends_with(".c"));
    compiler.args(compiled.map(|name| folder.join(name)));
    compiler.args(flags.split_whitespace()).arg("-lgcrypt");
    output_of(&mut compiler).map(drop)
}
