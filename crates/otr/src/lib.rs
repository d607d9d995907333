//! otr
