//! DSA as OTR uses it: 160-bit subgroup, the message taken modulo q.
//! Must never sign with a nonce that depends on anything an adversary chooses alone, nor in variable time.
//! Standard: OTR version 3, "Public keys, signatures, and fingerprints"; FIPS 186-4 section 4.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{NonZero, Odd, U192, U256, U512, U1024, U2048, U3072, Uint};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::fingerprint::Fingerprint;
use super::prime;
use crate::wire::{Malformed, Reader, put_mpi, strip_zeros};

/// Key type of DSA on the wire.
const TYPE_DSA: u16 = 0;
/// Bits of the subgroup order: the signature format has room for no other.
const ORDER_BITS: u32 = 160;
/// Longest p in bits: a larger one would only burn our processor.
const MOST_BITS: u32 = 3072;
/// Shortest p in bits.
const LEAST_BITS: u32 = 1024;

/// A public key whose numbers were checked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    /// p, q, g, y as MPIs: what is hashed and what goes on the wire.
    numbers: Vec<u8>,
    p: U3072,
    q: U192,
    g: U3072,
    y: U3072,
}

impl PublicKey {
    /// Reads PUBKEY from a message.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reader.u16()? != TYPE_DSA {
            return Err(Malformed);
        }
        let (p, q, g, y) = (reader.mpi()?, reader.mpi()?, reader.mpi()?, reader.mpi()?);
        Self::from_numbers(p, q, g, y).ok_or(Malformed)
    }

    /// Checks sizes first, then that g and y generate the subgroup of order q.
    pub(crate) fn from_numbers(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Option<Self> {
        let mut numbers = Vec::with_capacity(p.len().min(400) * 3 + 40);
        let (p_number, q_number) = (number::<{ U3072::LIMBS }>(p)?, number::<{ U192::LIMBS }>(q)?);
        let (g_number, y_number) = (number(g)?, number(y)?);
        let bits = p_number.bits_vartime();
        if !(LEAST_BITS..=MOST_BITS).contains(&bits) || q_number.bits_vartime() != ORDER_BITS {
            return None;
        }
        for bytes in [p, q, g, y] {
            put_mpi(&mut numbers, bytes);
        }
        let key = Self {
            numbers,
            p: p_number,
            q: q_number,
            g: g_number,
            y: y_number,
        };
        let sound = match bits {
            ..=LEAST_BITS => key.is_sound::<{ U1024::LIMBS }>(),
            1025..=2048 => key.is_sound::<{ U2048::LIMBS }>(),
            _ => key.is_sound::<{ U3072::LIMBS }>(),
        };
        sound.then_some(key)
    }

    /// Appends PUBKEY.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&TYPE_DSA.to_be_bytes());
        self.put_numbers(out);
    }

    /// Appends the four numbers without the type.
    pub(crate) fn put_numbers(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.numbers);
    }

    /// SHA-1 of the serialised key without its type.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from_bytes(Sha1::digest(&self.numbers).into())
    }

    /// Whether `signature` (r, s) over `message` modulo q is by the owner of this key.
    pub(crate) fn verify(&self, message: &[u8; 32], signature: &[u8; 40]) -> bool {
        let verdict = match self.p.bits_vartime() {
            ..=LEAST_BITS => self.check::<{ U1024::LIMBS }>(message, signature),
            1025..=2048 => self.check::<{ U2048::LIMBS }>(message, signature),
            _ => self.check::<{ U3072::LIMBS }>(message, signature),
        };
        verdict.unwrap_or(false)
    }

    /// 1 < g, y < p and both of order q.
    fn is_sound<const L: usize>(&self) -> bool {
        let Some(params) = monty(&self.p.resize::<L>()) else {
            return false;
        };
        let one = FixedMontyForm::one(&params);
        odd(&self.q).is_some()
            && [&self.g, &self.y].into_iter().all(|number| {
                let number_form = FixedMontyForm::new(&number.resize::<L>(), &params);
                *number > U3072::ONE && *number < self.p && number_form.pow_vartime(&self.q) == one
            })
    }

    fn check<const L: usize>(&self, message: &[u8; 32], signature: &[u8; 40]) -> Option<bool> {
        let (r, s) = signature.split_first_chunk::<20>()?;
        let (r, s) = (number::<{ U192::LIMBS }>(r)?, number::<{ U192::LIMBS }>(s)?);
        if r == U192::ZERO || s == U192::ZERO || r >= self.q || s >= self.q {
            return Some(false);
        }
        let order = FixedMontyParams::new_vartime(odd(&self.q)?);
        let inverse = Option::<FixedMontyForm<_>>::from(FixedMontyForm::new(&s, &order).invert_vartime())?;
        let u1 = FixedMontyForm::new(&message_modulo(message, &self.q)?, &order)
            .mul(&inverse)
            .retrieve();
        let u2 = FixedMontyForm::new(&r, &order).mul(&inverse).retrieve();
        let params = monty(&self.p.resize::<L>())?;
        let power = |base: &U3072, exponent| {
            FixedMontyForm::new(&base.resize::<L>(), &params).pow_vartime::<{ U192::LIMBS }>(exponent)
        };
        let v = power(&self.g, &u1).mul(&power(&self.y, &u2)).retrieve();
        let order = Option::<NonZero<U192>>::from(NonZero::new(self.q))?;
        Some(v.rem_vartime(&order) == r)
    }
}

/// A private key; its public half has p of exactly 1024 bits.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct SecretKey {
    #[zeroize(skip)]
    public: PublicKey,
    x: U192,
}

impl SecretKey {
    /// Checks that `x` belongs to `public`.
    pub(crate) fn new(public: PublicKey, x: &[u8]) -> Option<Self> {
        let x = number::<{ U192::LIMBS }>(x)?;
        let key = Self { public, x };
        let fits = key.public.p.bits_vartime() == LEAST_BITS && key.x > U192::ZERO && key.x < key.public.q;
        let y = fits.then(|| key.power(&key.x))??;
        (y == key.public.y.resize()).then_some(key)
    }

    /// Draws a new key with new parameters.
    pub(crate) fn generate(rng: &mut dyn CryptoRng) -> Self {
        loop {
            let domain = prime::domain(rng);
            let mut wide = Zeroizing::new([0u8; 64]);
            rng.fill_bytes(&mut *wide);
            let Some(x) = wide_modulo(&wide, &domain.q) else {
                continue;
            };
            let Some(params) = monty(&domain.p) else { continue };
            let y = FixedMontyForm::new(&domain.g, &params)
                .pow_bounded_exp(&*x, ORDER_BITS)
                .retrieve();
            let numbers = [domain.p, domain.g, y].map(|number| number.to_be_bytes());
            let [p, g, y] = numbers.each_ref().map(|bytes| strip_zeros(bytes.as_slice()));
            let q = domain.q.to_be_bytes();
            let secret = Zeroizing::new(x.to_be_bytes());
            let public = PublicKey::from_numbers(p, strip_zeros(q.as_slice()), g, y);
            if let Some(key) = public.and_then(|public| Self::new(public, secret.as_slice())) {
                return key;
            }
        }
    }

    /// The public half.
    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The private number, big endian.
    pub(crate) fn secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let bytes = Zeroizing::new(self.x.to_be_bytes());
        Zeroizing::new(bytes.as_slice().to_vec())
    }

    /// Signs `message` modulo q.
    pub(crate) fn sign(&self, message: &[u8; 32], rng: &mut dyn CryptoRng) -> [u8; 40] {
        loop {
            let seed = self.nonce_seed(message, rng);
            if let Some(signature) = self.try_sign(message, &seed) {
                return signature;
            }
        }
    }

    /// 512 bits from fresh randomness, the private number and the message: neither a broken random
    /// source nor a repeated message alone makes a nonce predictable or equal to another.
    fn nonce_seed(&self, message: &[u8; 32], rng: &mut dyn CryptoRng) -> Zeroizing<[u8; 64]> {
        let mut fresh = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(&mut *fresh);
        let secret = self.secret_bytes();
        let mut seed = Zeroizing::new([0u8; 64]);
        for (half, number) in seed.chunks_mut(32).zip(0u8..) {
            // HMAC takes keys of every length, so the empty case below cannot occur.
            if let Ok(mac) = Hmac::<Sha256>::new_from_slice(&secret) {
                let block = mac
                    .chain_update(*fresh)
                    .chain_update(message)
                    .chain_update([number]);
                half.copy_from_slice(&block.finalize().into_bytes());
            }
        }
        seed
    }

    /// `None` in the case, which never happens in practice, that r or s is zero.
    fn try_sign(&self, message: &[u8; 32], seed: &[u8; 64]) -> Option<[u8; 40]> {
        let k = wide_modulo(seed, &self.public.q)?;
        let order_number = Option::<NonZero<U192>>::from(NonZero::new(self.public.q))?;
        let r = self.power(&k)?.rem(&order_number);
        let order = FixedMontyParams::new_vartime(odd(&self.public.q)?);
        let form = |number: &U192| FixedMontyForm::new(number, &order);
        let mut inverse = Option::<FixedMontyForm<_>>::from(form(&k).invert())?;
        let mut product = form(&r).mul(&form(&self.x));
        let sum = form(&message_modulo(message, &self.public.q)?).add(&product);
        let s = sum.mul(&inverse).retrieve();
        inverse.zeroize();
        product.zeroize();
        if r == U192::ZERO || s == U192::ZERO {
            return None;
        }
        let mut signature = [0u8; 40];
        for (half, number) in signature.chunks_mut(20).zip([r, s]) {
            half.copy_from_slice(number.to_be_bytes().as_slice().get(4..)?);
        }
        Some(signature)
    }

    /// g to a secret exponent of 160 bits, in constant time.
    fn power(&self, exponent: &U192) -> Option<U1024> {
        let params = monty(&self.public.p.resize())?;
        let base = FixedMontyForm::new(&self.public.g.resize(), &params);
        Some(base.pow_bounded_exp(exponent, ORDER_BITS).retrieve())
    }
}

/// Reads a big-endian number that fits into `L` limbs.
fn number<const L: usize>(bytes: &[u8]) -> Option<Uint<L>> {
    let mut wide = Zeroizing::new([0u8; 384]);
    let size = usize::try_from(Uint::<L>::BITS / 8).ok()?;
    let area = wide.get_mut(..size)?;
    let stripped = strip_zeros(bytes);
    let start = size.checked_sub(stripped.len())?;
    area.get_mut(start..)?.copy_from_slice(stripped);
    Some(Uint::from_be_slice(area))
}

fn odd<const L: usize>(number: &Uint<L>) -> Option<Odd<Uint<L>>> {
    Odd::new(*number).into()
}

fn monty<const L: usize>(p: &Uint<L>) -> Option<FixedMontyParams<L>> {
    odd(p).map(FixedMontyParams::new_vartime)
}

/// 256 bits modulo q.
fn message_modulo(message: &[u8; 32], q: &U192) -> Option<U192> {
    let order = Option::<NonZero<U192>>::from(NonZero::new(*q))?;
    Some(U256::from_be_slice(message).rem(&order))
}

/// 512 bits modulo q in constant time, for secrets; `None` if that is zero.
fn wide_modulo(bytes: &[u8; 64], q: &U192) -> Option<Zeroizing<U192>> {
    let order = Option::<NonZero<U192>>::from(NonZero::new(*q))?;
    let wide = Zeroizing::new(U512::from_be_slice(bytes));
    let reduced = Zeroizing::new(wide.rem(&order));
    (*reduced != U192::ZERO).then_some(reduced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Dice, alice_key};
    use crate::timing;
    use rand_core::Rng;

    /// The numbers of alice's key, to be changed one by one.
    fn numbers() -> [Vec<u8>; 4] {
        let mut bytes = Vec::new();
        alice_key().public().put_numbers(&mut bytes);
        let mut reader = Reader::new(&bytes);
        [(); 4].map(|()| reader.mpi().unwrap().to_vec())
    }

    #[test]
    fn a_signature_with_r_or_s_zero_or_too_large_is_refused() {
        let key = alice_key();
        let good = key.sign(&[1; 32], &mut Dice::new(1));
        assert!(key.public().verify(&[1; 32], &good));
        for half in [0..20, 20..40] {
            for fill in [0x00, 0xff] {
                let mut bad = good;
                bad[half.clone()].fill(fill);
                assert!(!key.public().verify(&[1; 32], &bad));
            }
        }
    }

    #[test]
    fn the_message_is_taken_modulo_q_and_not_truncated() {
        let key = alice_key();
        let q = U256::from(&key.public().q);
        let message = [0u8; 32];
        let plus_q: [u8; 32] = q.to_be_bytes().as_slice().try_into().unwrap();
        let signature = key.sign(&message, &mut Dice::new(2));
        assert!(key.public().verify(&plus_q, &signature));
    }

    #[test]
    fn two_signatures_never_share_a_nonce_even_with_a_broken_random_source() {
        let key = alice_key();
        let one = key.sign(&[1; 32], &mut Dice::new(5));
        let two = key.sign(&[2; 32], &mut Dice::new(5));
        assert_ne!(one[..20], two[..20]);
    }

    #[test]
    fn unsound_keys_are_refused_before_any_long_computation() {
        let good = numbers();
        let key = |n: &[Vec<u8>; 4]| PublicKey::from_numbers(&n[0], &n[1], &n[2], &n[3]);
        assert!(key(&good).is_some());
        let with = |at: usize, bytes: Vec<u8>| {
            let mut changed = good.clone();
            changed[at] = bytes;
            key(&changed).is_some()
        };
        assert!(!with(0, vec![0xff; 385]), "p too long");
        assert!(!with(0, vec![0xff; 2000]), "p far too long");
        assert!(!with(0, vec![0xff; 127]), "p too short");
        assert!(!with(1, vec![0xff; 21]), "q too long");
        assert!(!with(1, vec![0xff; 19]), "q too short");
        for weak in [vec![], vec![1], good[0].clone()] {
            assert!(!with(2, weak.clone()), "weak g");
            assert!(!with(3, weak), "weak y");
        }
        assert!(!with(3, vec![2]), "y outside the subgroup");
    }

    #[test]
    fn keys_of_other_types_are_refused_and_the_fingerprint_leaves_the_type_out() {
        let mut bytes = Vec::new();
        let key = alice_key();
        key.public().put(&mut bytes);
        assert!(PublicKey::read(&mut Reader::new(&bytes)).is_ok());
        assert_eq!(key.fingerprint().as_bytes()[..], Sha1::digest(&bytes[2..])[..]);
        bytes[1] = 1;
        assert!(PublicKey::read(&mut Reader::new(&bytes)).is_err());
    }

    /// The nonce 1, or a random one.
    fn nonce_of_class(random: bool, dice: &mut Dice) -> [u8; 64] {
        let mut seed = [0; 64];
        dice.fill_bytes(&mut seed);
        if !random {
            seed = [0; 64];
            seed[63] = 1;
        }
        seed
    }

    #[test]
    #[ignore = "a measurement: ./bench otr"]
    fn timing_of_signatures_by_their_nonce() {
        let key = alice_key();
        timing::compare("signature_nonce", 20_000, nonce_of_class, |seed| {
            key.0.try_sign(&[7; 32], seed)
        });
    }
}
