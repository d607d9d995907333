//! The sealed file: a header that is authenticated with everything else, and a padded, encrypted body.
//! It must never be parsed further than checked, nor tell a damaged file as a wrong passphrase.
//! Standards: draft-irtf-cfrg-xchacha-03, FIPS 180-4; the layout is this module's own, below.
//!
//! All numbers are little-endian. Each version keeps the first 192 bytes as they are but for the number.
//! ```text
//!   0  magic "OTTERVLT"          8  version 2 (u32)
//!  12  Argon2id memory in KiB, passes, lanes (u32 each)
//!  24  salt (32)
//!  56  nonce (24) and sealed data key (32 + 16), under the passphrase key, with bytes 0 to 55 and a 1 as
//!      associated data
//! 128  nonce of the body (24)  152  length of the body (u32)   156  zero (4)
//! 160  SHA-256 of bytes 0 to 159: tells damage from a wrong passphrase, keeps nobody out
//! 192  nonce (24) and 32 + 16 bytes: random ones, or zeroes sealed under the key of the destroying passphrase,
//!      with bytes 0 to 55 and a 2 as associated data
//! 264  body: under the data key, with bytes 0 to 159 and 192 to 263 as associated data:
//!      length of the JSON (u32), JSON, zeroes up to a multiple of 4096; then the tag (16)
//! ```
//! Version 1, which is read and not written, had no second place for a key: its body is at 192, with bytes 0 to
//! 159 as associated data, and the data key was sealed with bytes 0 to 55 alone.

use crate::crypt::{KEY, Key, NONCE, TAG, fill, random};
use crate::files::MAX_FILE;
use crate::profile::migrate;
use crate::{Kdf, Passphrase, Profile, VaultError};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Write};
use zeroize::Zeroizing;

const MAGIC: [u8; 8] = *b"OTTERVLT";
const VERSION: u32 = 2;
const STEP: usize = 4096;
const DIGEST: usize = 32;
const SLOT: usize = NONCE + KEY + TAG;
/// Length of the part of the header that is authenticated and digested, in bytes.
const SIGNED: usize = 160;
/// Where what the versions differ in begins.
pub(crate) const HEADER: usize = SIGNED + DIGEST;

const DAMAGED: VaultError = VaultError::Damaged { backup: false };

/// What a passphrase becomes a key with: everything before the first nonce.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lock {
    version: u32,
    kdf: Kdf,
    salt: [u8; 32],
}

/// A sealed key, or random bytes that look like one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    nonce: [u8; NONCE],
    sealed: [u8; KEY + TAG],
}

/// The data key in clear, and all that the header carries of keys.
pub(crate) struct Keys {
    lock: Lock,
    slot: Slot,
    destroying: Slot,
    pub(crate) data: Key,
}

impl Lock {
    fn new(kdf: Kdf) -> Result<Self, VaultError> {
        Ok(Self {
            version: VERSION,
            kdf,
            salt: random()?,
        })
    }

    /// The key that `passphrase` makes. Takes as long as the cost asks for.
    pub(crate) fn derive(&self, passphrase: &Passphrase) -> Result<Key, VaultError> {
        self.kdf.derive(passphrase, &self.salt)
    }

    pub(crate) fn bytes(&self) -> [u8; 56] {
        let numbers = [
            self.version,
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

    /// What a slot hangs on, besides the key.
    fn context(&self, place: u8) -> Vec<u8> {
        let mut context = self.bytes().to_vec();
        if self.version > 1 {
            context.push(place);
        }
        context
    }
}

/// Where the data key lies.
const DATA: u8 = 1;
/// Where the mark of the destroying passphrase lies.
const DESTROYING: u8 = 2;

impl Slot {
    fn seal(lock: &Lock, place: u8, under: &Key, content: &[u8; KEY]) -> Result<Self, VaultError> {
        let nonce = random()?;
        let sealed = under.encrypt(&nonce, content, &lock.context(place))?;
        let sealed = sealed
            .try_into()
            .map_err(|_| VaultError::Io(ErrorKind::InvalidData))?;
        Ok(Self { nonce, sealed })
    }

    fn random() -> Result<Self, VaultError> {
        let nonce = random()?;
        Ok(Self {
            nonce,
            sealed: random()?,
        })
    }

    fn bytes(&self) -> [u8; SLOT] {
        let mut bytes = Fields::default();
        bytes.put(&self.nonce);
        bytes.put(&self.sealed);
        bytes.finish()
    }

    fn open(&self, lock: &Lock, place: u8, under: &Key) -> Option<Zeroizing<Vec<u8>>> {
        under.decrypt(&self.nonce, &self.sealed, &lock.context(place))
    }
}

impl Keys {
    /// A new data key, sealed under a new salt. Costs one key derivation.
    pub(crate) fn generate(passphrase: &Passphrase, kdf: Kdf) -> Result<Self, VaultError> {
        let lock = Lock::new(kdf)?;
        let key = lock.derive(passphrase)?;
        Self::under(lock, &key, Slot::random()?)
    }

    fn under(lock: Lock, key: &Key, destroying: Slot) -> Result<Self, VaultError> {
        let data = Key::generate()?;
        Ok(Self {
            slot: Slot::seal(&lock, DATA, key, data.bytes())?,
            lock,
            destroying,
            data,
        })
    }

    /// A new data key under another passphrase. The salt stays, and with it the destroying passphrase. Costs one
    /// key derivation.
    ///
    /// # Errors
    /// [`VaultError::SamePassphrase`] if it is the destroying one.
    pub(crate) fn renewed(&self, passphrase: &Passphrase) -> Result<Self, VaultError> {
        let key = self.lock.derive(passphrase)?;
        if self.destroying.open(&self.lock, DESTROYING, &key).is_some() {
            return Err(VaultError::SamePassphrase);
        }
        Self::under(self.lock, &key, self.destroying)
    }

    /// The cost that the passphrase was sealed with.
    pub(crate) fn kdf(&self) -> Kdf {
        self.lock.kdf
    }

    /// Whether `passphrase` is the one that opens this profile. Costs one key derivation.
    pub(crate) fn check(&self, passphrase: &Passphrase) -> Result<(), VaultError> {
        let key = self.lock.derive(passphrase)?;
        let opened = self.slot.open(&self.lock, DATA, &key);
        opened.map(drop).ok_or(VaultError::WrongPassphrase)
    }

    /// The same keys with a mark for a destroying passphrase, or with none. Costs a key derivation if there is one.
    ///
    /// # Errors
    /// [`VaultError::SamePassphrase`] if it is the one that opens the profile.
    pub(crate) fn with_destroying(&self, passphrase: Option<&Passphrase>) -> Result<Self, VaultError> {
        let destroying = match passphrase {
            None => Slot::random()?,
            Some(passphrase) => {
                let key = self.lock.derive(passphrase)?;
                if self.slot.open(&self.lock, DATA, &key).is_some() {
                    return Err(VaultError::SamePassphrase);
                }
                Slot::seal(&self.lock, DESTROYING, &key, &[0; KEY])?
            }
        };
        Ok(Self {
            lock: self.lock,
            slot: self.slot,
            destroying,
            data: Key::from_bytes(self.data.bytes()).ok_or(DAMAGED)?,
        })
    }

    /// A key for one purpose, sealed with the data key's help: authenticates `parts` as belonging to this profile.
    pub(crate) fn authenticate(&self, parts: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE] = random()?;
        let mut tag = nonce.to_vec();
        tag.extend_from_slice(&self.data.encrypt(&nonce, &[], parts)?);
        Ok(tag)
    }

    /// Whether `tag` was made by [`Keys::authenticate`] for `parts`.
    pub(crate) fn is_authentic(&self, parts: &[u8], tag: &[u8]) -> bool {
        let Some((nonce, sealed)) = tag.split_first_chunk() else {
            return false;
        };
        self.data.decrypt(nonce, sealed, parts).is_some()
    }

    /// The whole file for `profile`, under a new nonce.
    pub(crate) fn seal(&self, profile: &Profile) -> Result<Vec<u8>, VaultError> {
        let body = padded_json(profile)?;
        let nonce = random()?;
        let header = header(&self.lock, &self.slot, &nonce, body.len() + TAG)?;
        let context = [&header[..], &self.destroying.bytes()].concat();
        let body = self.data.encrypt(&nonce, &body, &context)?;
        assemble(&header, &self.destroying, &body)
    }
}

fn header(
    lock: &Lock,
    slot: &Slot,
    nonce: &[u8; NONCE],
    body_length: usize,
) -> Result<[u8; SIGNED], VaultError> {
    let length = u32::try_from(body_length).map_err(|_| VaultError::TooLarge)?;
    let mut header = Fields::default();
    header.put(&lock.bytes());
    header.put(&slot.bytes());
    header.put(nonce);
    header.put(&length.to_le_bytes());
    Ok(header.finish())
}

fn assemble(header: &[u8; SIGNED], destroying: &Slot, body: &[u8]) -> Result<Vec<u8>, VaultError> {
    let digest = Sha256::digest(header);
    let file = [&header[..], digest.as_slice(), &destroying.bytes(), body].concat();
    if file.len() as u64 > MAX_FILE {
        return Err(VaultError::TooLarge);
    }
    Ok(file)
}

/// A file that is whole as far as can be seen without the passphrase.
pub(crate) struct Sealed<'a> {
    /// What the body hangs on.
    context: Vec<u8>,
    lock: Lock,
    slot: Slot,
    destroying: Option<Slot>,
    body_nonce: [u8; NONCE],
    body: &'a [u8],
}

/// What names the body of a whole file that was sealed just now.
pub(crate) fn body_nonce(file: &[u8]) -> Option<[u8; NONCE]> {
    Sealed::parse(file).ok().map(|sealed| sealed.body_nonce)
}

impl<'a> Sealed<'a> {
    /// # Errors
    /// [`VaultError::Damaged`] (always `backup: false`: the caller knows better) and [`VaultError::TooNew`].
    pub(crate) fn parse(file: &'a [u8]) -> Result<Self, VaultError> {
        let (header, rest) = file.split_first_chunk::<SIGNED>().ok_or(DAMAGED)?;
        let (digest, rest) = rest.split_first_chunk::<DIGEST>().ok_or(DAMAGED)?;
        if Sha256::digest(header).as_slice() != digest {
            return Err(DAMAGED);
        }
        let mut fields = Reader(header);
        if fields.take()? != MAGIC {
            return Err(DAMAGED);
        }
        let version = fields.number()?;
        let mut rest = Reader(rest);
        let destroying = match version {
            0 => return Err(DAMAGED),
            1 => None,
            VERSION => Some(rest.slot()?),
            _ => return Err(VaultError::TooNew),
        };
        let kdf = Kdf::new(fields.number()?, fields.number()?, fields.number()?).ok_or(DAMAGED)?;
        let lock = Lock {
            version,
            kdf,
            salt: fields.take()?,
        };
        let (slot, body_nonce, body) = (fields.slot()?, fields.take()?, rest.0);
        check_length(fields.number()?, fields.number()?, body)?;
        let mut context = header.to_vec();
        context.extend(destroying.iter().flat_map(Slot::bytes));
        Ok(Self {
            context,
            lock,
            slot,
            destroying,
            body_nonce,
            body,
        })
    }

    pub(crate) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Damaged`], [`VaultError::TooNew`].
    pub(crate) fn open(&self, key: &Key) -> Result<(Keys, Profile), VaultError> {
        let (keys, json) = self.open_json(key)?;
        Ok((keys, migrate::read(&json)?))
    }

    /// As [`Sealed::open`], with the JSON as it was sealed.
    pub(crate) fn open_json(&self, key: &Key) -> Result<(Keys, Zeroizing<Vec<u8>>), VaultError> {
        let data = self.slot.open(&self.lock, DATA, key);
        let data = Key::from_bytes(&data.ok_or(VaultError::WrongPassphrase)?).ok_or(DAMAGED)?;
        let body = data
            .decrypt(&self.body_nonce, self.body, &self.context)
            .ok_or(DAMAGED)?;
        let json = unpadded(&body).ok_or(DAMAGED)?;
        // What is written next is of today's version.
        let lock = Lock {
            version: VERSION,
            ..self.lock
        };
        let slot = if lock == self.lock {
            self.slot
        } else {
            Slot::seal(&lock, DATA, key, data.bytes())?
        };
        let keys = Keys {
            lock,
            slot,
            destroying: self.destroying.map_or_else(Slot::random, Ok)?,
            data,
        };
        Ok((keys, json))
    }

    /// What belongs to this body and to no other names this.
    pub(crate) fn body_nonce(&self) -> [u8; NONCE] {
        self.body_nonce
    }

    /// Whether this is the key of the destroying passphrase.
    pub(crate) fn is_destroying(&self, key: &Key) -> bool {
        self.destroying
            .is_some_and(|slot| slot.open(&self.lock, DESTROYING, key).is_some())
    }

    /// A file of the same form, salt and length that no passphrase opens.
    pub(crate) fn lookalike(&self) -> Result<Vec<u8>, VaultError> {
        let lock = Lock {
            version: VERSION,
            ..self.lock
        };
        let header = header(&lock, &Slot::random()?, &random()?, self.body.len())?;
        let mut body = vec![0; self.body.len()];
        fill(&mut body)?;
        assemble(&header, &Slot::random()?, &body)
    }
}

fn check_length(length: u32, zero: u32, body: &[u8]) -> Result<(), VaultError> {
    let whole = usize::try_from(length).is_ok_and(|length| length == body.len());
    let padded = body.len().checked_sub(TAG).ok_or(DAMAGED)?;
    if whole && padded >= STEP && padded.is_multiple_of(STEP) && zero == 0 {
        Ok(())
    } else {
        Err(DAMAGED)
    }
}

/// The JSON of `profile` with its length before it and zeroes behind it, in one allocation that is wiped.
fn padded_json(profile: &Profile) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    const UNREPRESENTABLE: VaultError = VaultError::Io(ErrorKind::InvalidData);
    let exact = json_length(profile);
    let length = u32::try_from(exact).map_err(|_| VaultError::TooLarge)?;
    let padded = (4 + exact).next_multiple_of(STEP);
    if (HEADER + padded + TAG) as u64 > MAX_FILE {
        return Err(VaultError::TooLarge);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(padded));
    body.extend_from_slice(&length.to_le_bytes());
    serde_json::to_writer(&mut *body, profile).map_err(|_| UNREPRESENTABLE)?;
    body.resize(padded, 0);
    Ok(body)
}

fn unpadded(body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (length, rest) = body.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    Some(Zeroizing::new(rest.get(..length)?.to_vec()))
}

/// The JSON of `profile` as it is sealed, in one allocation that is wiped.
pub(crate) fn json(profile: &Profile) -> Option<Zeroizing<Vec<u8>>> {
    let mut json = Zeroizing::new(Vec::with_capacity(json_length(profile)));
    serde_json::to_writer(&mut *json, profile).ok()?;
    Some(json)
}

/// The same, if it is at most `most` bytes long. It is made once, without being counted first.
pub(crate) fn json_within(profile: &Profile, most: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut json = Zeroizing::new(vec![0; most]);
    let mut rest = json.as_mut_slice();
    serde_json::to_writer(&mut rest, profile).ok()?;
    let left = rest.len();
    json.truncate(most.saturating_sub(left));
    Some(json)
}

/// How long the JSON of `value` is, in bytes; 0 if it has none.
pub(crate) fn json_length(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_or(0, |()| count.0)
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

    fn slot(&mut self) -> Result<Slot, VaultError> {
        let nonce = self.take()?;
        Ok(Slot {
            nonce,
            sealed: self.take()?,
        })
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
