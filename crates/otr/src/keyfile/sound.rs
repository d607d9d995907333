//! Whether the public numbers of an imported private key are what they claim: primes.
//! Must never be given a secret number: it takes variable time.
//! Standard: FIPS 186-4 appendix C.3.

use std::convert::Infallible;

use crypto_bigint::{U192, U1024};
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use crate::key::{PrivateKey, is_prime};
use crate::wire::Reader;

/// Whether p and q of `key` are prime.
///
/// A file could come from somebody who chose composite numbers, under which anybody can sign. The bases of
/// the test are drawn from the numbers themselves: who makes the file cannot choose them.
pub(super) fn has_prime_numbers(key: &PrivateKey) -> bool {
    let mut numbers = Vec::new();
    key.public().put_numbers(&mut numbers);
    let mut reader = Reader::new(&numbers);
    let (Ok(p), Ok(q)) = (reader.mpi(), reader.mpi()) else {
        return false;
    };
    let mut dice = Dice {
        seed: Sha256::digest(&numbers).into(),
        counter: 0,
    };
    let (Some(p_bytes), Some(q_bytes)) = (widened::<128>(p), widened::<24>(q)) else {
        return false;
    };
    is_prime(&U192::from_be_slice(&q_bytes), &[], &mut dice)
        && is_prime(&U1024::from_be_slice(&p_bytes), &[], &mut dice)
}

/// A big-endian number with leading zeros; `None` if it is longer.
fn widened<const N: usize>(number: &[u8]) -> Option<[u8; N]> {
    let mut wide = [0; N];
    let start = N.checked_sub(number.len())?;
    wide.get_mut(start..)?.copy_from_slice(number);
    Some(wide)
}

/// SHA-256 of a seed and a counter.
struct Dice {
    seed: [u8; 32],
    counter: u64,
}

impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            self.counter = self.counter.wrapping_add(1);
            let block = Sha256::new()
                .chain_update(self.seed)
                .chain_update(self.counter.to_be_bytes());
            for (byte, value) in chunk.iter_mut().zip(block.finalize()) {
                *byte = value;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}
