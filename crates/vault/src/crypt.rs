//! The one cipher of this crate, and the keys that it is used with.
//! It must never leave a key where it is not wiped: a key stays in one place from its birth to its end.
//! Standards: draft-irtf-cfrg-xchacha-03 (XChaCha20-Poly1305).

use crate::VaultError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::hint::black_box;
use std::io::ErrorKind;
use zeroize::{Zeroize, Zeroizing};

/// Length of a key in bytes.
pub(crate) const KEY: usize = 32;
/// Length of a nonce in bytes; long enough to be drawn at random.
pub(crate) const NONCE: usize = 24;
/// Bytes that a sealed text is longer than the text.
pub(crate) const TAG: usize = 16;

/// A key. It lies on the heap, so that moving its owner leaves no copy behind; wiped on drop.
pub(crate) struct Key(Box<[u8; KEY]>);

impl Key {
    /// A new key from the system's random source.
    pub(crate) fn generate() -> Result<Self, VaultError> {
        let mut key = Self(Box::new([0; KEY]));
        fill(&mut *key.0)?;
        Ok(key)
    }

    /// A copy of `bytes`; `None` if they are not [`KEY`] many.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Self(Box::new([0; KEY]));
        (bytes.len() == KEY).then(|| key.0.copy_from_slice(bytes))?;
        Some(key)
    }

    /// A key that `work` writes.
    pub(crate) fn written_by<E>(work: impl FnOnce(&mut [u8; KEY]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Self(Box::new([0; KEY]));
        work(&mut key.0)?;
        Ok(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// `text` sealed together with `context`, which is not part of the result.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] beyond 256 GiB.
    pub(crate) fn encrypt(
        &self,
        nonce: &[u8; NONCE],
        text: &[u8],
        context: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let payload = Payload {
            msg: text,
            aad: context,
        };
        let cipher = self.cipher().ok_or(VaultError::TooLarge)?;
        let sealed = cipher.encrypt(&XNonce::from(*nonce), payload);
        sealed.map_err(|_| VaultError::TooLarge)
    }

    /// `None` if not sealed with this key, nonce and context.
    pub(crate) fn decrypt(
        &self,
        nonce: &[u8; NONCE],
        sealed: &[u8],
        context: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let payload = Payload {
            msg: sealed,
            aad: context,
        };
        let text = self.cipher()?.decrypt(&XNonce::from(*nonce), payload);
        text.map(Zeroizing::new).ok()
    }

    fn cipher(&self) -> Option<XChaCha20Poly1305> {
        XChaCha20Poly1305::new_from_slice(&self.0[..]).ok()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Random bytes from the system.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(|_| VaultError::Io(ErrorKind::Other))
}

/// Writes over 256 KiB of the stack that functions called before have used: hash functions and arithmetic with keys
/// leave pieces of what they were given there.
#[inline(never)]
pub fn wipe_stack() {
    let mut used = [0u8; 256 * 1024];
    black_box(&mut used).zeroize();
}
