//! What stands behind the trust mark: what it means, the key, and the start and end of a private conversation.
//! It must never let anything but the engine's word become a trust state.
//! Standard: THREATS.md, what is shown about trust; `docs/rpc.md`, `conversation.start` and `conversation.end`.

use view::Trust;

use crate::markup;

/// A trust state as the markup knows it.
pub(crate) fn shown(trust: Trust) -> markup::Trust {
    match trust {
        Trust::Finished => markup::Trust::Finished,
        Trust::KeyChanged => markup::Trust::KeyChanged,
        Trust::NotPrivate => markup::Trust::NotPrivate,
        Trust::Private => markup::Trust::Private,
        Trust::Starting => markup::Trust::Starting,
        Trust::Unencrypted => markup::Trust::Unencrypted,
        Trust::Verified => markup::Trust::Verified,
    }
}
