//! From a passphrase to a key: Argon2id, with a cost that is stored beside the salt.
//! It must never accept a cost so low that guessing is cheap, or so high that a forged file stops the program.
//! Standards: RFC 9106; the floor is the OWASP minimum (19 MiB, 2 passes).

use crate::crypt::{Key, wipe_stack};
use crate::{Passphrase, VaultError};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::io::ErrorKind;
use zeroize::Zeroizing;

const MIB: u32 = 1024;

/// What guessing one passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kdf {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Kdf {
    /// The least that is accepted: 19 MiB, 2 passes, 1 lane. For tests and very small machines.
    pub const MINIMUM: Self = Self {
        memory_kib: 19 * MIB,
        passes: 2,
        lanes: 1,
    };

    const MOST_MEMORY_KIB: u32 = 1024 * MIB;
    const MOST_PASSES: u32 = 16;
    const MOST_LANES: u32 = 16;

    /// A cost of `memory_kib` KiB (19 MiB to 1 GiB), `passes` (2 to 16) and `lanes` (1 to 16), or `None` if any of
    /// them is out of range.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let sound = (Self::MINIMUM.memory_kib..=Self::MOST_MEMORY_KIB).contains(&memory_kib)
            && (Self::MINIMUM.passes..=Self::MOST_PASSES).contains(&passes)
            && (Self::MINIMUM.lanes..=Self::MOST_LANES).contains(&lanes);
        sound.then_some(Self {
            memory_kib,
            passes,
            lanes,
        })
    }

    /// 256 MiB, 3 passes, 4 lanes; 64 MiB on a machine with less than 4 GiB of memory or of unknown size.
    pub fn for_this_machine() -> Self {
        const FOUR_GIB_IN_KIB: u64 = 4 * 1024 * 1024;
        // A machine sold as "4 GiB" shows a little less, as its firmware keeps some.
        let roomy = machine_memory_kib().is_some_and(|total| total >= FOUR_GIB_IN_KIB / 16 * 15);
        Self {
            memory_kib: if roomy { 256 * MIB } else { 64 * MIB },
            passes: 3,
            lanes: 4,
        }
    }

    /// Memory that one derivation takes, in KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How often the memory is gone through.
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// How many parts of the memory could be filled at the same time.
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    pub(crate) fn derive(self, passphrase: &Passphrase, salt: &[u8]) -> Result<Key, VaultError> {
        const INVALID: VaultError = VaultError::Io(ErrorKind::InvalidInput);
        const NO_MEMORY: VaultError = VaultError::Io(ErrorKind::OutOfMemory);
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| INVALID)?;
        let mut memory: Zeroizing<Vec<Block>> = Zeroizing::new(Vec::new());
        memory
            .try_reserve_exact(params.block_count())
            .map_err(|_| NO_MEMORY)?;
        memory.resize(params.block_count(), Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let secret = passphrase.expose_secret();
        let key = Key::written_by(|key| {
            argon2.hash_password_into_with_memory(secret, salt, key, memory.as_mut_slice())
        });
        wipe_stack();
        key.map_err(|_| INVALID)
    }
}

/// The machine's memory in KiB, where `/proc/meminfo` tells it.
fn machine_memory_kib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_out_of_range_is_refused() {
        assert_eq!(Kdf::new(19 * MIB, 2, 1), Some(Kdf::MINIMUM));
        for (memory, passes, lanes) in [
            (19 * MIB - 1, 2, 1),
            (19 * MIB, 1, 1),
            (19 * MIB, 2, 0),
            (1024 * MIB + 1, 3, 1),
            (64 * MIB, 17, 1),
        ] {
            assert_eq!(Kdf::new(memory, passes, lanes), None);
        }
    }

    #[test]
    fn this_machine_gets_an_accepted_cost() {
        let kdf = Kdf::for_this_machine();
        assert_eq!(Kdf::new(kdf.memory_kib(), kdf.passes(), kdf.lanes()), Some(kdf));
    }

    #[test]
    #[ignore = "a measurement: run it by name in the release profile"]
    fn how_long_the_default_cost_takes() {
        let passphrase = Passphrase::new("correct horse".into());
        for kdf in [
            Kdf::MINIMUM,
            Kdf {
                memory_kib: 64 * MIB,
                passes: 3,
                lanes: 4,
            },
            Kdf::for_this_machine(),
        ] {
            let start = std::time::Instant::now();
            kdf.derive(&passphrase, &[7; 32]).unwrap();
            println!("{kdf:?}: {:?}", start.elapsed());
        }
    }

    /// RFC 9106 5.3 needs a secret and associated data, which are not used here; this vector is the reference
    /// program's: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1`.
    #[test]
    fn the_function_is_the_published_one() {
        let kdf = Kdf {
            memory_kib: 65536,
            passes: 2,
            lanes: 1,
        };
        let key = kdf
            .derive(&Passphrase::new("password".into()), b"somesalt")
            .unwrap();
        let hex: String = key.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
        );
    }
}
