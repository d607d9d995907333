//! Binary messages taken apart by the test itself, to see what truly crosses and to change it.
//! Must never use the crate's own parser.
//! Standard: OTR version 3, "Data Message".
#![allow(dead_code, reason = "each test crate uses a part of it")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

pub(crate) fn decode(body: &str) -> Vec<u8> {
    let inner = body.strip_prefix("?OTR:").unwrap().strip_suffix('.').unwrap();
    STANDARD.decode(inner).unwrap()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    format!("?OTR:{}.", STANDARD.encode(bytes))
}

/// The message type.
pub(crate) fn kind(body: &str) -> u8 {
    decode(body)[2]
}

/// The interesting places of a data message.
pub(crate) struct Data {
    pub(crate) bytes: Vec<u8>,
    /// Where the MAC begins; everything before it is covered.
    pub(crate) mac_at: usize,
}

impl Data {
    pub(crate) fn new(body: &str) -> Self {
        let bytes = decode(body);
        let number =
            |at: usize| usize::try_from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap();
        let counter_at = 20 + 4 + number(20);
        let mac_at = counter_at + 12 + number(counter_at + 8);
        Self { bytes, mac_at }
    }

    /// The key that its sender will use next.
    pub(crate) fn next_key(&self) -> &[u8] {
        let length = u32::from_be_bytes(self.bytes[20..24].try_into().unwrap());
        &self.bytes[24..24 + usize::try_from(length).unwrap()]
    }

    /// The MAC keys that are given away in it.
    pub(crate) fn revealed(&self) -> Vec<[u8; 20]> {
        self.bytes[self.mac_at + 24..]
            .chunks(20)
            .map(|key| key.try_into().unwrap())
            .collect()
    }

    /// Whether this MAC key belongs to the message.
    pub(crate) fn verifies(&self, key: &[u8; 20]) -> bool {
        self.mac(key)[..] == self.bytes[self.mac_at..self.mac_at + 20]
    }

    /// The message with another ciphertext and a true MAC under `key`: a forgery.
    pub(crate) fn forged(&self, key: &[u8; 20]) -> String {
        let mut forged = Self {
            bytes: self.bytes.clone(),
            mac_at: self.mac_at,
        };
        forged.bytes[self.mac_at - 1] ^= 1;
        let mac = forged.mac(key);
        forged.bytes[self.mac_at..self.mac_at + 20].copy_from_slice(&mac);
        encode(&forged.bytes)
    }

    fn mac(&self, key: &[u8; 20]) -> [u8; 20] {
        let mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
        mac.chain_update(&self.bytes[..self.mac_at])
            .finalize()
            .into_bytes()
            .into()
    }
}
