//! The Diffie-Hellman group of OTR: 1536 bits, generator 2, with values checked and secrets wiped.
//! Must never do arithmetic on a number from the network that was not checked to be 2 ..= p-2.
//! Standard: OTR version 3, "Encoded messages" (the group) and "Computing AES keys"; RFC 3526 section 2.

use std::sync::LazyLock;

use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{CtAssign, CtEq, U1536};
use rand_core::CryptoRng;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::wire::{put_mpi, strip_zeros};

mod modulus {
    //! The prime of the group, and the prime order of its large subgroup.
    use crypto_bigint::{U1536, const_monty_params};

    const_monty_params!(
        Prime,
        U1536,
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA237327FFFFFFFFFFFFFFFF"
    );
    const_monty_params!(
        Order,
        U1536,
        "7FFFFFFFFFFFFFFFE487ED5110B4611A62633145C06E0E68948127044533E63A0105DF531D89CD9128A5043CC71A026EF7CA8CD9E69D218D98158536F92F8A1BA7F09AB6B6A8E122F242DABB312F3F637A262174D31BF6B585FFAE5B7A035BF6F71C35FDAD44CFD2D74F9208BE258FF324943328F6722D9EE1003E5C50B1DF82CC6D241B0E2AE9CD348B1FD47E9267AFC1B2AE91EE51D6CB0E3179AB1042A95DCF6A9483B84B4B36B3861AA7255E4C0278BA36046511B993FFFFFFFFFFFFFFFF"
    );
}
pub(crate) use modulus::{Order, Prime};

/// Bytes of the prime.
const GROUP_BYTES: usize = 192;
/// Bits of a Diffie-Hellman exponent; the standard asks for at least 320.
const EXPONENT_BITS: u32 = 320;
/// The same in 64-bit words, which are the teeth of the fixed-base comb.
const TEETH: usize = 5;
/// Products of teeth kept in the table of the comb.
const TABLE: usize = 1 << TEETH;

/// A number modulo the prime, in Montgomery form.
pub(crate) type Residue = ConstMontyForm<Prime, { U1536::LIMBS }>;

/// A group element that was checked to be 2 ..= p-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Element(U1536);

impl Element {
    /// Reads a big-endian number; `None` if it is longer than the prime or outside 2 ..= p-2.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut wide = [0u8; GROUP_BYTES];
        widen(bytes, &mut wide)?;
        Self::from_number(U1536::from_be_slice(&wide))
    }

    /// Checks a number; `None` if it is outside 2 ..= p-2.
    pub(crate) fn from_number(number: U1536) -> Option<Self> {
        let two = U1536::from(2u8);
        let highest = Prime::PARAMS.modulus().as_ref().wrapping_sub(&two);
        (number >= two && number <= highest).then_some(Self(number))
    }

    /// Appends the element as an MPI, without leading zeros.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_mpi(out, strip_zeros(self.0.to_be_bytes().as_slice()));
    }

    /// The element in the form that arithmetic wants.
    pub(crate) fn residue(&self) -> Residue {
        Residue::new(&self.0)
    }
}

/// Reads a big-endian number of at most 192 bytes, which may be a secret.
pub(crate) fn number_from_bytes(bytes: &[u8]) -> Option<U1536> {
    let mut wide = Zeroizing::new([0u8; GROUP_BYTES]);
    widen(bytes, &mut wide)?;
    Some(U1536::from_be_slice(&*wide))
}

/// Puts bytes at the end of zeros; `None` if there are too many.
fn widen(bytes: &[u8], wide: &mut [u8; GROUP_BYTES]) -> Option<()> {
    let start = GROUP_BYTES.checked_sub(bytes.len())?;
    wide.get_mut(start..)?.copy_from_slice(bytes);
    Some(())
}

/// Appends a number, which may be a secret, as an MPI without leading zeros.
pub(crate) fn put_number(out: &mut Vec<u8>, number: &U1536) {
    let bytes = Zeroizing::new(number.to_be_bytes());
    put_mpi(out, strip_zeros(bytes.as_slice()));
}

/// A Diffie-Hellman key pair with an exponent of 320 bits.
///
/// `Clone`, because one D-H Commit may be answered by several clients of the contact.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Pair {
    secret: [u64; TEETH],
    #[zeroize(skip)]
    public: Element,
}

impl Pair {
    /// Draws a new key pair.
    pub(crate) fn generate(rng: &mut dyn CryptoRng) -> Self {
        loop {
            let mut secret = [0u64; TEETH];
            secret.fill_with(|| rng.next_u64());
            // Exponents that give 0, 1 or p-1 do not occur in practice; the loop makes it certain.
            if let Some(public) = Element::from_number(power_of_two(&secret).retrieve()) {
                return Self { secret, public };
            }
        }
    }

    /// The public half.
    pub(crate) fn public(&self) -> &Element {
        &self.public
    }

    /// The secret shared with the owner of `theirs`. Costs one exponentiation in constant time.
    pub(crate) fn agree(&self, theirs: &Element) -> Shared {
        let mut bytes = Zeroizing::new([0u8; GROUP_BYTES]);
        let words = self.secret.iter().flat_map(|word| word.to_le_bytes());
        for (byte, value) in bytes.iter_mut().zip(words) {
            *byte = value;
        }
        let mut exponent = U1536::from_le_slice(&*bytes);
        let mut power = theirs.residue().pow_amm_bounded_exp(&exponent, EXPONENT_BITS);
        exponent.zeroize();
        let shared = Shared::new(&power.retrieve());
        power.as_montgomery_mut().zeroize();
        shared
    }
}

/// A shared secret, as the standard's `secbytes`: an MPI without leading zeros.
pub(crate) struct Shared(Zeroizing<Vec<u8>>);

impl Shared {
    fn new(number: &U1536) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(GROUP_BYTES + 4));
        put_number(&mut bytes, number);
        Self(bytes)
    }

    /// `h1` of the standard: SHA-1 of one byte and the secret.
    pub(crate) fn h1(&self, byte: u8) -> Zeroizing<[u8; 20]> {
        let digest = Sha1::new().chain_update([byte]).chain_update(&*self.0);
        Zeroizing::new(digest.finalize().into())
    }

    /// `h2` of the standard: SHA-256 of one byte and the secret.
    pub(crate) fn h2(&self, byte: u8) -> Zeroizing<[u8; 32]> {
        let digest = Sha256::new().chain_update([byte]).chain_update(&*self.0);
        Zeroizing::new(digest.finalize().into())
    }
}

/// Products of 2^(2^(64 t)) for each set of teeth t: the comb for powers of the generator.
static COMB: LazyLock<[Residue; TABLE]> = LazyLock::new(comb);

fn comb() -> [Residue; TABLE] {
    let mut teeth = [Residue::new(&U1536::from(2u8)); TEETH];
    let mut power = Residue::new(&U1536::from(2u8));
    for tooth in &mut teeth {
        *tooth = power;
        for _ in 0..u64::BITS {
            power = power.square();
        }
    }
    let mut table = [Residue::ONE; TABLE];
    for (set, entry) in table.iter_mut().enumerate() {
        for (number, tooth) in teeth.iter().enumerate() {
            if set >> number & 1 == 1 {
                *entry = entry.mul(tooth);
            }
        }
    }
    table
}

/// The generator to a power of 320 bits, given as little-endian words; in constant time.
fn power_of_two(exponent: &[u64; TEETH]) -> Residue {
    let table = &*COMB;
    let mut power = Residue::ONE;
    for column in (0..u64::BITS).rev() {
        power = power.square();
        let mut set = 0u64;
        for (tooth, word) in exponent.iter().enumerate() {
            set |= (word >> column & 1) << tooth;
        }
        let mut factor = Residue::ONE;
        for (index, entry) in (0u64..).zip(table) {
            factor.ct_assign(entry, index.ct_eq(&set));
        }
        power = power.mul(&factor);
        factor.as_montgomery_mut().zeroize();
        set.zeroize();
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;
    use crate::timing;

    #[test]
    fn the_comb_agrees_with_plain_exponentiation() {
        let mut rng = Dice::new(1);
        for _ in 0..5 {
            let pair = Pair::generate(&mut rng);
            let mut exponent = U1536::ZERO;
            for word in pair.secret.iter().rev() {
                exponent = exponent.shl_vartime(64).wrapping_add(&U1536::from(*word));
            }
            let plain = Residue::new(&U1536::from(2u8)).pow(&exponent).retrieve();
            assert_eq!(Element::from_number(plain).as_ref(), Some(pair.public()));
        }
    }

    /// An exponent of one bit, or a random one.
    fn pair_of_class(heavy: bool, dice: &mut Dice) -> Pair {
        let mut pair = Pair::generate(dice);
        if !heavy {
            pair.secret = [0, 0, 0, 0, 1];
        }
        pair
    }

    #[test]
    #[ignore = "a measurement: ./bench otr"]
    fn timing_of_powers_with_a_secret_exponent() {
        let theirs = *Pair::generate(&mut Dice::new(3)).public();
        timing::compare("shared_secret", 8000, pair_of_class, |pair| pair.agree(&theirs));
        timing::compare("own_key_pair", 20_000, pair_of_class, |pair| {
            power_of_two(&pair.secret)
        });
    }

    #[test]
    fn exponents_are_drawn_over_all_of_320_bits() {
        let mut rng = Dice::new(1);
        let (mut ones, mut zeros) = ([0u64; TEETH], [0u64; TEETH]);
        for _ in 0..32 {
            let words = Pair::generate(&mut rng).secret;
            for ((one, zero), word) in ones.iter_mut().zip(&mut zeros).zip(words) {
                *one |= word;
                *zero |= !word;
            }
        }
        assert_eq!((ones, zeros), ([u64::MAX; TEETH], [u64::MAX; TEETH]));
        assert_eq!((TEETH * 64, EXPONENT_BITS), (320, 320));
    }

    #[test]
    fn two_sides_agree() {
        let mut rng = Dice::new(2);
        let (alice, bob) = (Pair::generate(&mut rng), Pair::generate(&mut rng));
        let (ours, theirs) = (alice.agree(bob.public()), bob.agree(alice.public()));
        assert_eq!(*ours.0, *theirs.0);
        assert_eq!(*ours.h2(0), *theirs.h2(0));
    }

    #[test]
    fn values_outside_two_to_p_minus_two_are_refused() {
        let prime = *Prime::PARAMS.modulus().as_ref();
        for small in [0u8, 1] {
            assert_eq!(Element::from_number(U1536::from(small)), None);
        }
        assert_eq!(Element::from_number(prime.wrapping_sub(&U1536::ONE)), None);
        assert_eq!(Element::from_number(prime), None);
        assert_eq!(Element::from_number(U1536::MAX), None);
        assert!(Element::from_number(U1536::from(2u8)).is_some());
        assert!(Element::from_number(prime.wrapping_sub(&U1536::from(2u8))).is_some());
        assert_eq!(Element::from_bytes(&[1; GROUP_BYTES + 1]), None);
        assert_eq!(Element::from_bytes(&[]), None);
    }
}
