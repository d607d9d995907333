//! Messages written again with keys that were given away.
//! Must never write under a key that the message does not verify under: that would be no forgery at all.
//! Standard: OTR version 3, "Computing AES keys, MAC keys", "Data Message".

use std::fmt;
use std::str::FromStr;

use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::message::DataMessage;
use crate::wire::{armour, put_data, put_u32};

/// A MAC key of a session. One that was revealed is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacKey([u8; 20]);

/// A cipher key of a session: with it a message can be read. It is wiped when dropped.
pub struct CipherKey(Zeroizing<[u8; 16]>);

/// Why a message was not forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeError {
    /// The new words are not as long as the old ones.
    Length,
    /// The message ends before the words do.
    Offset,
    /// The message does not verify under this key.
    Unverified,
}

/// A text is not a key in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTextError;

impl MacKey {
    /// Takes the 20 bytes of a key.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl CipherKey {
    /// Takes the 16 bytes of a key.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The MAC key that belongs to it: its hash.
    pub fn mac_key(&self) -> MacKey {
        MacKey(Sha1::digest(*self.0).into())
    }

    /// Encrypts or decrypts under a counter.
    fn apply(&self, counter: u64, bytes: &mut [u8]) {
        let block = u128::from(counter) << 64;
        let mut stream = Ctr128BE::<Aes128>::new((&*self.0).into(), &block.to_be_bytes().into());
        stream.apply_keystream(bytes);
    }
}

impl DataMessage {
    /// Whether `key` could have made this message.
    pub fn verifies(&self, key: &MacKey) -> bool {
        mac(key, &self.covered).ct_eq(&self.mac).into()
    }

    /// The message with other words in the place of guessed ones, under a true MAC.
    ///
    /// Nobody needs to be able to read it for that: the cipher adds a stream to the text, so the difference
    /// of old and new words can be added to the ciphertext. If the guess was wrong, nonsense comes out.
    /// `offset` counts bytes from the start of the text.
    ///
    /// # Errors
    /// [`ForgeError`]; a message that does not verify under `key` is not touched.
    pub fn modified(
        &self,
        key: &MacKey,
        offset: usize,
        old: &[u8],
        new: &[u8],
    ) -> Result<String, ForgeError> {
        if !self.verifies(key) {
            return Err(ForgeError::Unverified);
        }
        if old.len() != new.len() {
            return Err(ForgeError::Length);
        }
        let end = offset.checked_add(old.len()).ok_or(ForgeError::Offset)?;
        let mut ciphertext = self.ciphertext.clone();
        let place = ciphertext.get_mut(offset..end).ok_or(ForgeError::Offset)?;
        for ((byte, old), new) in place.iter_mut().zip(old).zip(new) {
            *byte ^= old ^ new;
        }
        Ok(self.sealed(key, &ciphertext))
    }

    /// The text and the records behind it, if `key` is the cipher key of the message.
    ///
    /// # Errors
    /// [`ForgeError::Unverified`] if it is not.
    pub fn read(&self, key: &CipherKey) -> Result<Zeroizing<Vec<u8>>, ForgeError> {
        if !self.verifies(&key.mac_key()) {
            return Err(ForgeError::Unverified);
        }
        let mut text = Zeroizing::new(self.ciphertext.clone());
        key.apply(self.counter, &mut text);
        Ok(text)
    }

    /// The message with another text of any length, if `key` is the cipher key of the message.
    ///
    /// # Errors
    /// [`ForgeError::Unverified`] if it is not.
    pub fn rewritten(&self, key: &CipherKey, text: &[u8]) -> Result<String, ForgeError> {
        let mac_key = key.mac_key();
        if !self.verifies(&mac_key) {
            return Err(ForgeError::Unverified);
        }
        let mut ciphertext = text.to_vec();
        key.apply(self.counter, &mut ciphertext);
        Ok(self.sealed(&mac_key, &ciphertext))
    }

    /// The same head, counter and revealed keys around another ciphertext.
    fn sealed(&self, key: &MacKey, ciphertext: &[u8]) -> String {
        // The ciphertext with its length is the last thing that the MAC covers.
        let head = self.covered.len().saturating_sub(self.ciphertext.len() + 4);
        let mut bytes = self.covered.get(..head).unwrap_or_default().to_vec();
        put_data(&mut bytes, ciphertext);
        let mac = mac(key, &bytes);
        bytes.extend_from_slice(&mac);
        put_u32(
            &mut bytes,
            u32::try_from(self.revealed.len() * 20).unwrap_or(u32::MAX),
        );
        for key in &self.revealed {
            bytes.extend_from_slice(&key.0);
        }
        armour(&bytes)
    }
}

fn mac(key: &MacKey, covered: &[u8]) -> [u8; 20] {
    match Hmac::<Sha1>::new_from_slice(&key.0) {
        Ok(mac) => mac.chain_update(covered).finalize().into_bytes().into(),
        // HMAC takes keys of every length, so this does not happen.
        Err(_) => [0; 20],
    }
}

impl FromStr for MacKey {
    type Err = KeyTextError;

    /// Reads 40 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        digits(text).map(Self).ok_or(KeyTextError)
    }
}

impl FromStr for CipherKey {
    type Err = KeyTextError;

    /// Reads 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        digits(text).map(Self::from_bytes).ok_or(KeyTextError)
    }
}

/// Exactly 2 N hexadecimal digits.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != N {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CipherKey(..)")
    }
}

impl fmt::Display for ForgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the new words are not as long as the old ones",
            Self::Offset => "the message ends before the words do",
            Self::Unverified => "the message does not verify under this key",
        })
    }
}

impl std::error::Error for ForgeError {}

impl fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key is 40 hexadecimal digits for a MAC, 32 for a cipher")
    }
}

impl std::error::Error for KeyTextError {}
