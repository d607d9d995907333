//! What bytes from a fuzzer are given to read as files, and what must hold of what was read.
//! Must never depend on anything but those bytes: the same ones always do the same.
//! Standard: none.
#![allow(dead_code, reason = "each target needs one part of it")]

use otr::keyfile::{
    Program, adium_accounts, coyim_accounts, read_fingerprints, read_instance_tags, read_private_keys,
    write_private_keys,
};
use otr::transcript::Transcript;

/// A key file of any program; what was read can be written and read again. Answers how much was read.
pub(crate) fn key_files(bytes: &[u8]) -> usize {
    let keys = read_private_keys(bytes).unwrap_or_default();
    let accounts = keys.iter().map(|own| (&own.account, &own.key));
    if !keys.is_empty()
        && let Ok(written) = write_private_keys(accounts, Program::Pidgin)
    {
        let again = read_private_keys(written.as_bytes()).unwrap();
        let same = |(one, other): (&otr::keyfile::OwnKey, &otr::keyfile::OwnKey)| {
            one.key.fingerprint() == other.key.fingerprint()
        };
        assert!(keys.len() == again.len() && keys.iter().zip(&again).all(same));
    }
    let tags = read_instance_tags(bytes).unwrap_or_default();
    assert!(tags.iter().all(|own| own.tag.value() >= 0x100));
    keys.len()
        + tags.len()
        + read_fingerprints(bytes).map_or(0, |known| known.len())
        + coyim_accounts(bytes).map_or(0, |accounts| accounts.len())
        + adium_accounts(bytes).map_or(0, |accounts| accounts.len())
}

/// A captured conversation; what a key verifies is there. Answers how many messages were read.
pub(crate) fn transcripts(bytes: &[u8]) -> usize {
    let Ok(transcript) = Transcript::read(bytes) else {
        return 0;
    };
    let count = transcript.messages().len();
    assert!(transcript.revealed().len() <= bytes.len() / 20);
    count
}
