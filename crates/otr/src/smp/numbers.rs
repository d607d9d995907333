//! The arithmetic of SMP: secret exponents, the three kinds of proof, and the list of numbers in a message.
//! Must never use a number from a message before its range was checked.
//! Standard: OTR version 3, "The SMP state machine", "SMP Hash function".

use crypto_bigint::U1536;
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Broken, Number};
use crate::group::{Element, Order, Residue, number_from_bytes, put_number};
use crate::wire::{Reader, put_u32};

/// A number modulo the order of the group.
type Scalar = ConstMontyForm<Order, { U1536::LIMBS }>;

/// A secret exponent.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Exponent {
    number: U1536,
    bits: u32,
}

impl Exponent {
    /// Draws an exponent below the order of the group.
    pub(super) fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0u8; 192]);
        rng.fill_bytes(&mut *bytes);
        // 2^1536 is twice the order and a little: the remainder is as good as uniform.
        let number = Scalar::new(&U1536::from_be_slice(&*bytes)).retrieve();
        Self {
            number,
            bits: U1536::BITS,
        }
    }

    /// Takes a hash of 256 bits.
    pub(super) fn from_hash(hash: &[u8; 32]) -> Self {
        let number = number_from_bytes(hash).unwrap_or(U1536::ZERO);
        Self { number, bits: 256 }
    }

    /// `base` to this exponent, in constant time.
    pub(super) fn raise(&self, base: &Residue) -> Residue {
        base.pow_amm_bounded_exp(&self.number, self.bits)
    }

    /// random - self * challenge, modulo the order.
    fn respond(&self, random: &Self, challenge: &Number) -> Number {
        let product = Scalar::new(&self.number).mul(&Scalar::new(challenge));
        Scalar::new(&random.number).sub(&product).retrieve()
    }
}

/// The generator to a secret exponent.
pub(super) fn generator_to(exponent: &Exponent) -> Residue {
    exponent.raise(&generator())
}

fn generator() -> Residue {
    Residue::new(&U1536::from(2u8))
}

/// Checks that a number is a group element.
pub(super) fn element(number: Number) -> Result<Element, Broken> {
    Element::from_number(number).ok_or(Broken)
}

/// Proves knowledge of an exponent: (c, D).
pub(super) fn prove_exponent(version: u8, secret: &Exponent, rng: &mut dyn CryptoRng) -> (Number, Number) {
    let random = Exponent::random(rng);
    let challenge = hash(version, &[&generator_to(&random)]);
    (challenge, secret.respond(&random, &challenge))
}

/// Checks a proof by [`prove_exponent`] about `element`.
pub(super) fn check_exponent(version: u8, element: &Element, c: &Number, d: &Number) -> Result<(), Broken> {
    let d = response(d)?;
    let left = generator_to(&d).mul(&short(&element.residue(), c)?);
    expect(hash(version, &[&left]), c)
}

/// Proves that P and Q were made of `r` and `secret` with the generators (g2, g3): [c, D5, D6].
pub(super) fn prove_coordinates(
    version: u8,
    (g2, g3): (&Residue, &Residue),
    r: &Exponent,
    secret: &Exponent,
    rng: &mut dyn CryptoRng,
) -> [Number; 3] {
    let (r5, r6) = (Exponent::random(rng), Exponent::random(rng));
    let challenge = hash(version, &[&r5.raise(g3), &generator_to(&r5).mul(&r6.raise(g2))]);
    [
        challenge,
        r.respond(&r5, &challenge),
        secret.respond(&r6, &challenge),
    ]
}

/// Checks a proof by [`prove_coordinates`] about P and Q.
pub(super) fn check_coordinates(
    version: u8,
    (g2, g3): (&Residue, &Residue),
    (p, q): (&Element, &Element),
    c: &Number,
    [d5, d6]: [&Number; 2],
) -> Result<(), Broken> {
    let (d5, d6) = (response(d5)?, response(d6)?);
    let first = d5.raise(g3).mul(&short(&p.residue(), c)?);
    let second = generator_to(&d5).mul(&d6.raise(g2)).mul(&short(&q.residue(), c)?);
    expect(hash(version, &[&first, &second]), c)
}

/// Proves that R is `base` to the same exponent as g3 is the generator's: (c, D7).
pub(super) fn prove_same_exponent(
    version: u8,
    base: &Residue,
    secret: &Exponent,
    rng: &mut dyn CryptoRng,
) -> (Number, Number) {
    let random = Exponent::random(rng);
    let challenge = hash(version, &[&generator_to(&random), &random.raise(base)]);
    (challenge, secret.respond(&random, &challenge))
}

/// Checks a proof by [`prove_same_exponent`] about g3 and R.
pub(super) fn check_same_exponent(
    version: u8,
    g3: &Element,
    (base, r): (&Residue, &Element),
    c: &Number,
    d: &Number,
) -> Result<(), Broken> {
    let d = response(d)?;
    let first = generator_to(&d).mul(&short(&g3.residue(), c)?);
    let second = d.raise(base).mul(&short(&r.residue(), c)?);
    expect(hash(version, &[&first, &second]), c)
}

/// Writes the numbers of a message: their count, then each as an MPI.
pub(super) fn write(numbers: &[Number]) -> Vec<u8> {
    let mut out = Vec::with_capacity(numbers.len() * 196 + 4);
    put_u32(&mut out, u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    for number in numbers {
        put_number(&mut out, number);
    }
    out
}

/// Reads exactly `N` numbers and nothing after them.
pub(super) fn read<const N: usize>(message: &[u8]) -> Result<[Number; N], Broken> {
    let mut reader = Reader::new(message);
    let count = reader.u32().map_err(|_| Broken)?;
    if usize::try_from(count) != Ok(N) {
        return Err(Broken);
    }
    let mut numbers = [U1536::ZERO; N];
    for number in &mut numbers {
        let bytes = reader.mpi().map_err(|_| Broken)?;
        *number = number_from_bytes(bytes).ok_or(Broken)?;
    }
    reader.end().map_err(|_| Broken)?;
    Ok(numbers)
}

/// A response D must be 1 ..= order - 1.
fn response(number: &Number) -> Result<Exponent, Broken> {
    let fits = *number > U1536::ZERO && number < Order::PARAMS.modulus().as_ref();
    fits.then_some(Exponent {
        number: *number,
        bits: U1536::BITS,
    })
    .ok_or(Broken)
}

/// `base` to a challenge, which is a hash and so has at most 256 bits.
fn short(base: &Residue, challenge: &Number) -> Result<Residue, Broken> {
    if challenge.bits_vartime() > 256 {
        return Err(Broken);
    }
    Ok(base.pow_amm_bounded_exp(challenge, 256))
}

fn expect(computed: Number, claimed: &Number) -> Result<(), Broken> {
    if computed == *claimed { Ok(()) } else { Err(Broken) }
}

/// SHA-256 of a version byte and one or two numbers as MPIs.
fn hash(version: u8, numbers: &[&Residue]) -> Number {
    let mut bytes = Vec::with_capacity(400);
    bytes.push(version);
    for number in numbers {
        put_number(&mut bytes, &number.retrieve());
    }
    number_from_bytes(&Sha256::digest(&bytes)).unwrap_or(U1536::ZERO)
}
