//! Paths of files: they tell the name of a machine's user, and what machine it is.
//! It must never look whether a file is there.
//! POSIX (paths), the Windows naming of files, RFC 8089 (`file:`).

use super::Found;

/// Folders at the root of Unix-like systems.
const ROOTS: [&str; 24] = [
    "Applications",
    "Library",
    "System",
    "Users",
    "Volumes",
    "bin",
    "boot",
    "data",
    "dev",
    "etc",
    "home",
    "lib",
    "media",
    "mnt",
    "opt",
    "private",
    "proc",
    "root",
    "run",
    "sdcard",
    "srv",
    "tmp",
    "usr",
    "var",
];

/// Finds a path in a piece between spaces, alone or after a word and a colon or an equals sign.
pub(super) fn look(at: usize, piece: &str, found: &mut Found) {
    let Some(begin) = path(piece) else { return };
    let shown = piece.get(begin..).unwrap_or_default();
    found.add(
        at + begin,
        "file_path",
        shown.trim_end_matches(['.', '!', '?', ':']),
    );
}

/// Where in a piece a path begins.
fn path(piece: &str) -> Option<usize> {
    if let Some(begin) = piece.find("file:/").or_else(|| piece.find("FILE:/")) {
        return Some(begin);
    }
    let begins = std::iter::once(0).chain(
        piece
            .char_indices()
            .filter(|(_, c)| matches!(c, '=' | ':' | '"' | '(' | '`'))
            .map(|(at, c)| at + c.len_utf8())
            .take(8),
    );
    for begin in begins {
        let rest = piece.get(begin..).unwrap_or_default();
        if is_unix(rest) || is_windows(rest) {
            return Some(begin);
        }
    }
    None
}

fn is_unix(text: &str) -> bool {
    if text.starts_with("~/") {
        return text.len() > 2;
    }
    let Some(rest) = text.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
        return false;
    };
    let mut parts = rest.split('/');
    let first = parts.next().unwrap_or_default();
    let more = parts.filter(|part| !part.is_empty()).count();
    (more >= 1 && ROOTS.contains(&first)) || more >= 2
}

fn is_windows(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("\\\\") {
        return rest.split('\\').filter(|part| !part.is_empty()).count() >= 2;
    }
    let mut characters = text.chars();
    let drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let colon = characters.next() == Some(':');
    let slash = matches!(characters.next(), Some('\\' | '/'));
    let on_drive = drive && colon && slash && characters.next().is_some_and(|c| c != '/');
    on_drive || text.strip_prefix('%').is_some_and(|rest| rest.contains("%\\"))
}
