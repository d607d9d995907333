//! Prime numbers for new DSA keys: p of 1024 bits and q of 160 bits with q dividing p - 1.
//! Must never be used on secret numbers: everything here takes variable time (p and q are public).
//! Standard: FIPS 186-4 appendix A.1 (sizes), C.3 (Miller-Rabin rounds).

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Limb, NonZero, Odd, U192, U1024, Uint};
use rand_core::CryptoRng;

/// Rounds of Miller-Rabin with random bases; 40 give an error below 2^-80 even for hostile numbers.
const ROUNDS: usize = 40;
/// Odd primes below this bound are tried as divisors first.
const SMALL: u16 = 2000;

/// Domain parameters of a new key.
pub(crate) struct Domain {
    pub(crate) p: U1024,
    pub(crate) q: U192,
    pub(crate) g: U1024,
}

/// Draws new domain parameters.
pub(crate) fn domain(rng: &mut dyn CryptoRng) -> Domain {
    let divisors = small_primes();
    loop {
        let q = subgroup_order(&divisors, rng);
        // Chances per candidate are about 1 in 355: 4096 candidates without a prime hardly ever happen.
        for _ in 0..4096 {
            if let Some(domain) = candidate(&q, &divisors, rng) {
                return domain;
            }
        }
    }
}

/// A prime of exactly 160 bits.
fn subgroup_order(divisors: &[Limb], rng: &mut dyn CryptoRng) -> U192 {
    loop {
        let mut bytes = [0u8; 24];
        if let Some(low) = bytes.get_mut(4..) {
            rng.fill_bytes(low);
        }
        bytes[4] |= 0x80;
        bytes[23] |= 1;
        let q = U192::from_be_slice(&bytes);
        if is_prime(&q, divisors, rng) {
            return q;
        }
    }
}

/// Tries one p of exactly 1024 bits with 2q dividing p - 1.
fn candidate(q: &U192, divisors: &[Limb], rng: &mut dyn CryptoRng) -> Option<Domain> {
    let mut bytes = [0u8; 128];
    rng.fill_bytes(&mut bytes);
    bytes[0] |= 0x80;
    let start = U1024::from_be_slice(&bytes);
    let step: U1024 = q.resize::<{ U1024::LIMBS }>().shl_vartime(1);
    let step = Option::<NonZero<U1024>>::from(NonZero::new(step))?;
    let p = start
        .wrapping_sub(&start.rem_vartime(&step))
        .wrapping_add(&U1024::ONE);
    if p.bits_vartime() != 1024 || !is_prime(&p, divisors, rng) {
        return None;
    }
    let order = NonZero::new(q.resize::<{ U1024::LIMBS }>());
    let cofactor = p
        .wrapping_sub(&U1024::ONE)
        .wrapping_div(&Option::<NonZero<U1024>>::from(order)?);
    let params = FixedMontyParams::new_vartime(Option::<Odd<U1024>>::from(Odd::new(p))?);
    let g = FixedMontyForm::new(&U1024::from(2u8), &params)
        .pow_vartime(&cofactor)
        .retrieve();
    (g > U1024::ONE).then_some(Domain { p, q: *q, g })
}

/// The odd primes below [`SMALL`].
fn small_primes() -> Vec<Limb> {
    let mut found: Vec<u16> = Vec::new();
    for number in (3..SMALL).step_by(2) {
        if found.iter().all(|prime| number % prime != 0) {
            found.push(number);
        }
    }
    found
        .into_iter()
        .map(|prime| Limb::from(u32::from(prime)))
        .collect()
}

/// Trial division, then Miller-Rabin with random bases.
pub(crate) fn is_prime<const L: usize>(number: &Uint<L>, divisors: &[Limb], rng: &mut dyn CryptoRng) -> bool {
    let Some(odd) = Option::<Odd<Uint<L>>>::from(Odd::new(*number)) else {
        return false;
    };
    for divisor in divisors
        .iter()
        .filter_map(|limb| Option::<NonZero<Limb>>::from(NonZero::new(*limb)))
    {
        if number.rem_limb(divisor) == Limb::ZERO {
            return false;
        }
    }
    let params = FixedMontyParams::new_vartime(odd);
    let less_one = number.wrapping_sub(&Uint::ONE);
    let twos = less_one.trailing_zeros_vartime();
    let rest = less_one.shr_vartime(twos);
    (0..ROUNDS).all(|_| passes(&params, &less_one, &rest, twos, rng))
}

/// One round of Miller-Rabin.
fn passes<const L: usize>(
    params: &FixedMontyParams<L>,
    less_one: &Uint<L>,
    rest: &Uint<L>,
    twos: u32,
    rng: &mut dyn CryptoRng,
) -> bool {
    // A base of 64 random bits (at least 2) is as good as one of full length, and cheaper to draw.
    let base = Uint::<L>::from(rng.next_u64().max(2));
    let mut power = FixedMontyForm::new(&base, params).pow_vartime(rest);
    let minus_one = FixedMontyForm::new(less_one, params);
    if power == FixedMontyForm::one(params) || power == minus_one {
        return true;
    }
    for _ in 1..twos {
        power = power.square();
        if power == minus_one {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    #[test]
    fn primes_are_told_from_composites() {
        let mut rng = Dice::new(3);
        let divisors = small_primes();
        for (number, prime) in [
            (1_000_003u64, true),
            (1_000_001, false),
            (0xffff_ffff_ffff_ffc5, true),
            (0xffff_ffff_ffff_ffc3, false),
            // A Carmichael number without small factors, and the square of a prime.
            (4_271 * 8_541 * 12_811, false),
            (1_000_003 * 1_000_003, false),
        ] {
            assert_eq!(
                is_prime(&U192::from(number), &divisors, &mut rng),
                prime,
                "{number}"
            );
        }
    }

    #[test]
    fn a_domain_has_the_right_sizes() {
        let mut rng = Dice::new(4);
        let domain = domain(&mut rng);
        assert_eq!(domain.p.bits_vartime(), 1024);
        assert_eq!(domain.q.bits_vartime(), 160);
    }
}
