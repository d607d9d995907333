//! What the unit tests share: predictable dice and two fixed identities.
//! Must never be part of a build that is not a test.
//! Standard: none.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use crate::PrivateKey;

/// A predictable source of "random" numbers: SHA-256 of a seed and a counter.
pub(crate) struct Dice {
    seed: u64,
    counter: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.counter += 1;
        Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.counter.to_be_bytes())
            .finalize()
            .into()
    }
}

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.block()[..4]
            .iter()
            .fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.block()[..8]
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block = self.block();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

/// Alice's identity, the same in all unit tests.
pub(crate) fn alice_key() -> Arc<PrivateKey> {
    static KEY: LazyLock<Arc<PrivateKey>> =
        LazyLock::new(|| Arc::new(PrivateKey::generate(&mut Dice::new(1000))));
    Arc::clone(&KEY)
}

/// Bob's identity, the same in all unit tests.
pub(crate) fn bob_key() -> Arc<PrivateKey> {
    static KEY: LazyLock<Arc<PrivateKey>> =
        LazyLock::new(|| Arc::new(PrivateKey::generate(&mut Dice::new(2000))));
    Arc::clone(&KEY)
}
