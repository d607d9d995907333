//! The sealed file: a header that is authenticated with everything else, and a padded, encrypted body.
//! It must never be parsed further than checked, nor tell a damaged file as a wrong passphrase.
//! Standards: draft-irtf-cfrg-xchacha-03, FIPS 180-4; the layout is this module's own, below.
//!
//! All numbers are little-endian. Each version keeps the header's length, magic, version and digest.
//! ```text
//!   0  magic "OTTERVLT"          8  version 1 (u32)
//!  12  Argon2id memory in KiB, passes, lanes (u32 each)
//!  24  salt (32)                56  nonce of the wrapped data key (24)
//!  80  wrapped data key (32 + 16), under the passphrase key, with bytes 0 to 55 as associated data
//! 128  nonce of the body (24)  152  length of the body (u32)   156  zero (4)
//! 160  SHA-256 of bytes 0 to 159: tells damage from a wrong passphrase, keeps nobody out
//! 192  body: under the data key, with bytes 0 to 159 as associated data:
//!      length of the JSON (u32), JSON, zeroes up to a multiple of 4096; then the tag (16)
//! ```

use crate::files::MAX_FILE;
use crate::{Kdf, Passphrase, Profile, SCHEMA, VaultError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Write};
use zeroize::Zeroizing;

const MAGIC: [u8; 8] = *b"OTTERVLT";
const VERSION: u32 = 1;
const STEP: usize = 4096;
const TAG: usize = 16;
/// Length of the header in bytes.
pub(crate) const HEADER: usize = 192;
const SIGNED: usize = 160;

const DAMAGED: VaultError = VaultError::Damaged { backup: false };

/// What the wrapping of the data key hangs on: everything before its nonce.
#[derive(Clone, Copy)]
struct Lock {
    kdf: Kdf,
    salt: [u8; 32],
}

/// The data key in clear, and wrapped as the header carries it.
pub(crate) struct Keys {
    lock: Lock,
    nonce: [u8; 24],
    wrapped: [u8; 48],
    data: Zeroizing<[u8; 32]>,
}

impl Lock {
    fn bytes(&self) -> [u8; 56] {
        let numbers = [
            VERSION,
            self.kdf.memory_kib(),
            self.kdf.passes(),
            self.kdf.lanes(),
        ];
        let mut writer = Fields::default();
        writer.put(&MAGIC);
        for number in numbers {
            writer.put(&number.to_le_bytes());
        }
        writer.put(&self.salt);
        writer.finish()
    }
}

impl Keys {
    /// A new data key, wrapped under a new salt. Costs one key derivation.
    pub(crate) fn generate(passphrase: &Passphrase, kdf: Kdf) -> Result<Self, VaultError> {
        let lock = Lock { kdf, salt: random()? };
        let nonce = random()?;
        let data = Zeroizing::new(random()?);
        let key = kdf.derive(passphrase, &lock.salt)?;
        let wrapped = encrypt(&key, &nonce, &*data, &lock.bytes())?;
        let wrapped = wrapped
            .try_into()
            .map_err(|_| VaultError::Io(ErrorKind::InvalidData))?;
        Ok(Self {
            lock,
            nonce,
            wrapped,
            data,
        })
    }

    /// The cost that the passphrase was sealed with.
    pub(crate) fn kdf(&self) -> Kdf {
        self.lock.kdf
    }

    /// Whether `passphrase` is the one that wraps this data key. Costs one key derivation.
    pub(crate) fn check(&self, passphrase: &Passphrase) -> Result<(), VaultError> {
        let key = self.lock.kdf.derive(passphrase, &self.lock.salt)?;
        let opened = decrypt(&key, &self.nonce, &self.wrapped, &self.lock.bytes());
        opened.map(drop).ok_or(VaultError::WrongPassphrase)
    }

    /// The whole file for `profile`, under a new nonce.
    pub(crate) fn seal(&self, profile: &Profile) -> Result<Vec<u8>, VaultError> {
        let body = padded_json(profile)?;
        let nonce: [u8; 24] = random()?;
        let length = u32::try_from(body.len() + TAG).map_err(|_| VaultError::TooLarge)?;
        let mut header: Fields<SIGNED> = Fields::default();
        header.put(&self.lock.bytes());
        header.put(&self.nonce);
        header.put(&self.wrapped);
        header.put(&nonce);
        header.put(&length.to_le_bytes());
        let header = header.finish();
        let mut file = header.to_vec();
        file.extend_from_slice(&Sha256::digest(header));
        file.extend_from_slice(&encrypt(&self.data, &nonce, &body, &header)?);
        if file.len() as u64 > MAX_FILE {
            return Err(VaultError::TooLarge);
        }
        Ok(file)
    }
}

/// A file that is whole as far as can be seen without the passphrase.
pub(crate) struct Sealed<'a> {
    header: &'a [u8; SIGNED],
    lock: Lock,
    nonce: [u8; 24],
    wrapped: [u8; 48],
    body_nonce: [u8; 24],
    body: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// # Errors
    /// [`VaultError::Damaged`] (always `backup: false`: the caller knows better) and [`VaultError::TooNew`].
    pub(crate) fn parse(file: &'a [u8]) -> Result<Self, VaultError> {
        let (header, rest) = file.split_first_chunk::<SIGNED>().ok_or(DAMAGED)?;
        let (digest, body) = rest.split_first_chunk::<{ HEADER - SIGNED }>().ok_or(DAMAGED)?;
        if Sha256::digest(header).as_slice() != digest {
            return Err(DAMAGED);
        }
        let mut fields = Reader(header);
        if fields.take()? != MAGIC {
            return Err(DAMAGED);
        }
        match fields.number()? {
            0 => return Err(DAMAGED),
            VERSION => {}
            _ => return Err(VaultError::TooNew),
        }
        let kdf = Kdf::new(fields.number()?, fields.number()?, fields.number()?).ok_or(DAMAGED)?;
        let lock = Lock {
            kdf,
            salt: fields.take()?,
        };
        let (nonce, wrapped, body_nonce) = (fields.take()?, fields.take()?, fields.take()?);
        let whole = usize::try_from(fields.number()?).is_ok_and(|length| length == body.len());
        if !whole
            || body.len() < STEP + TAG
            || !(body.len() - TAG).is_multiple_of(STEP)
            || fields.number()? != 0
        {
            return Err(DAMAGED);
        }
        Ok(Self {
            header,
            lock,
            nonce,
            wrapped,
            body_nonce,
            body,
        })
    }

    /// Costs one key derivation.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Damaged`], [`VaultError::TooNew`], [`VaultError::Io`] if the
    /// memory for the derivation is not to be had.
    pub(crate) fn open(&self, passphrase: &Passphrase) -> Result<(Keys, Profile), VaultError> {
        let key = self.lock.kdf.derive(passphrase, &self.lock.salt)?;
        let data = decrypt(&key, &self.nonce, &self.wrapped, &self.lock.bytes());
        let data = data.ok_or(VaultError::WrongPassphrase)?;
        let data = Zeroizing::new(<[u8; 32]>::try_from(data.as_slice()).map_err(|_| DAMAGED)?);
        let body = decrypt(&data, &self.body_nonce, self.body, self.header).ok_or(DAMAGED)?;
        let profile = unpadded_json(&body)?;
        let keys = Keys {
            lock: self.lock,
            nonce: self.nonce,
            wrapped: self.wrapped,
            data,
        };
        Ok((keys, profile))
    }
}

/// The JSON of `profile` with its length before it and zeroes behind it, in one allocation that is wiped.
fn padded_json(profile: &Profile) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    const UNREPRESENTABLE: VaultError = VaultError::Io(ErrorKind::InvalidData);
    let mut count = Count(0);
    serde_json::to_writer(&mut count, profile).map_err(|_| UNREPRESENTABLE)?;
    let length = u32::try_from(count.0).map_err(|_| VaultError::TooLarge)?;
    let padded = (4 + count.0).next_multiple_of(STEP);
    if (HEADER + padded + TAG) as u64 > MAX_FILE {
        return Err(VaultError::TooLarge);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(padded));
    body.extend_from_slice(&length.to_le_bytes());
    serde_json::to_writer(&mut *body, profile).map_err(|_| UNREPRESENTABLE)?;
    body.resize(padded, 0);
    Ok(body)
}

fn unpadded_json(body: &[u8]) -> Result<Profile, VaultError> {
    /// Read first, so that a later layout is told from damage.
    #[derive(Deserialize)]
    struct Header {
        schema: u32,
    }
    let (length, rest) = body.split_first_chunk().ok_or(DAMAGED)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| DAMAGED)?;
    let json = rest.get(..length).ok_or(DAMAGED)?;
    let header: Header = serde_json::from_slice(json).map_err(|_| DAMAGED)?;
    if header.schema > SCHEMA {
        return Err(VaultError::TooNew);
    }
    serde_json::from_slice(json).map_err(|_| DAMAGED)
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn encrypt(key: &[u8; 32], nonce: &[u8; 24], text: &[u8], context: &[u8]) -> Result<Vec<u8>, VaultError> {
    XChaCha20Poly1305::new(&Key::from(*key))
        .encrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: text,
                aad: context,
            },
        )
        .map_err(|_| VaultError::TooLarge)
}

fn decrypt(key: &[u8; 32], nonce: &[u8; 24], text: &[u8], context: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    XChaCha20Poly1305::new(&Key::from(*key))
        .decrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: text,
                aad: context,
            },
        )
        .map(Zeroizing::new)
        .ok()
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::Io(ErrorKind::Other))?;
    Ok(bytes)
}

/// Fills an array from the front; what is not filled stays zero, and too much is cut off.
struct Fields<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> Default for Fields<N> {
    fn default() -> Self {
        Self {
            bytes: [0; N],
            used: 0,
        }
    }
}

impl<const N: usize> Fields<N> {
    fn put(&mut self, field: &[u8]) {
        for (slot, byte) in self.bytes.iter_mut().skip(self.used).zip(field) {
            *slot = *byte;
        }
        self.used += field.len();
    }

    fn finish(self) -> [u8; N] {
        self.bytes
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], VaultError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(*field)
    }

    fn number(&mut self) -> Result<u32, VaultError> {
        self.take().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
