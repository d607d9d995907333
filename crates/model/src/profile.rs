//! The sealed profile, seen from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether there is a profile and whether it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileState {
    /// The folder holds no profile: make one.
    Absent,
    /// The profile is sealed: unlock it.
    Locked,
    /// The profile is open.
    Open,
}
