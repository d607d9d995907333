//! Walls that a test leaves out, to see that what they keep in is noticed once it gets out.
//! It must never leave out anything in a build without the feature `breach`: the one that people get.
//! Standards: none; `stories/tests/capture.rs`.

use crate::{Room, Wall};

/// Whether the variable `OTTER_LAB_WITHOUT` names this wall: `engine seccomp, engine network namespace`.
#[cfg(feature = "breach")]
pub(super) fn is_left_out(room: &Room<'_>, wall: Wall) -> bool {
    let name = format!("{} {}", room.name(), wall.name());
    std::env::var("OTTER_LAB_WITHOUT").is_ok_and(|list| list.split(',').any(|one| one.trim() == name))
}

/// Never.
#[cfg(not(feature = "breach"))]
pub(super) fn is_left_out(_: &Room<'_>, _: Wall) -> bool {
    false
}
