//! The screens.
mod markup {
    #![allow(missing_docs, unreachable_pub, unused_qualifications, elided_lifetimes_in_paths, clippy::all, clippy::unwrap_used, reason = "generated")]
    slint::include_modules!();
}
