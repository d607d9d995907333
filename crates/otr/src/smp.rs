//! Verification by a shared secret (the Socialist Millionaires' Protocol): one struct per state.
//! Must never say "equal" before every proof held, nor let a secret outlive its run.
//! Standard: OTR version 3, "Socialist Millionaires' Protocol (SMP)".

mod numbers;

use crypto_bigint::U1536;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::group::{Element, Residue};
use crate::key::Fingerprint;
use numbers::{
    Exponent, check_coordinates, check_exponent, check_same_exponent, element, generator_to,
    prove_coordinates, prove_exponent, prove_same_exponent, read, write,
};

/// TLV types of the protocol.
pub(crate) const MESSAGE_1: u16 = 2;
pub(crate) const MESSAGE_2: u16 = 3;
pub(crate) const MESSAGE_3: u16 = 4;
pub(crate) const MESSAGE_4: u16 = 5;
pub(crate) const ABORT: u16 = 6;
pub(crate) const MESSAGE_1_QUESTION: u16 = 7;

/// What a run compares: the hash of the secret with both identities and the session.
pub(crate) struct Compared(Exponent);

/// A number, proof or message is wrong, or came out of turn. The run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// Where a run stands.
#[derive(Default)]
pub(crate) struct Smp(Stage);

#[derive(Default)]
enum Stage {
    #[default]
    Idle,
    /// The other side asked and our user has not answered yet.
    Asked(Box<Asked>),
    AwaitingSecond(Box<AwaitingSecond>),
    AwaitingThird(Box<AwaitingThird>),
    AwaitingFourth(Box<AwaitingFourth>),
}

struct Asked {
    g2a: Element,
    g3a: Element,
}

struct AwaitingSecond {
    x: Compared,
    a2: Exponent,
    a3: Exponent,
}

struct AwaitingThird {
    g2: Residue,
    g3: Residue,
    g3a: Element,
    b3: Exponent,
    pb: Element,
    qb: Element,
}

struct AwaitingFourth {
    g3b: Element,
    /// Pa / Pb and Qa / Qb.
    p: Residue,
    q: Residue,
    a3: Exponent,
}

impl Compared {
    /// Binds a secret to who asked, who answers and the session.
    pub(crate) fn new(asking: Fingerprint, answering: Fingerprint, ssid: &[u8; 8], secret: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update([1])
            .chain_update(asking.as_bytes())
            .chain_update(answering.as_bytes())
            .chain_update(ssid)
            .chain_update(secret);
        let digest: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
        Self(Exponent::from_hash(&digest))
    }
}

impl Smp {
    /// Whether a run is under way, asked ones included.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.0, Stage::Idle)
    }

    /// Forgets the run; says whether there was one.
    pub(crate) fn reset(&mut self) -> bool {
        !matches!(std::mem::take(&mut self.0), Stage::Idle)
    }

    /// Begins a run: answers message 1.
    pub(crate) fn begin(&mut self, x: Compared, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let (a2, a3) = (Exponent::random(rng), Exponent::random(rng));
        let (c2, d2) = prove_exponent(1, &a2, rng);
        let (c3, d3) = prove_exponent(2, &a3, rng);
        let message = write(&[
            generator_to(&a2).retrieve(),
            c2,
            d2,
            generator_to(&a3).retrieve(),
            c3,
            d3,
        ]);
        self.0 = Stage::AwaitingSecond(Box::new(AwaitingSecond { x, a2, a3 }));
        message
    }

    /// Message 1 came: checks it, and waits for our user.
    pub(crate) fn on_first(&mut self, message: &[u8]) -> Result<(), Broken> {
        if !matches!(self.0, Stage::Idle | Stage::Asked(_)) {
            return Err(Broken);
        }
        let [g2a, c2, d2, g3a, c3, d3] = read(message)?;
        let (g2a, g3a) = (element(g2a)?, element(g3a)?);
        check_exponent(1, &g2a, &c2, &d2)?;
        check_exponent(2, &g3a, &c3, &d3)?;
        self.0 = Stage::Asked(Box::new(Asked { g2a, g3a }));
        Ok(())
    }

    /// Our user answered: answers message 2.
    pub(crate) fn answer(&mut self, y: &Compared, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, Broken> {
        let Stage::Asked(asked) = std::mem::take(&mut self.0) else {
            return Err(Broken);
        };
        let (b2, b3, r4) = (
            Exponent::random(rng),
            Exponent::random(rng),
            Exponent::random(rng),
        );
        let (c2, d2) = prove_exponent(3, &b2, rng);
        let (c3, d3) = prove_exponent(4, &b3, rng);
        let (g2, g3) = (b2.raise(&asked.g2a.residue()), b3.raise(&asked.g3a.residue()));
        let pb = element(r4.raise(&g3).retrieve())?;
        let qb = element(generator_to(&r4).mul(&y.0.raise(&g2)).retrieve())?;
        let [cp, d5, d6] = prove_coordinates(5, (&g2, &g3), &r4, &y.0, rng);
        let (g2b, g3b) = (generator_to(&b2).retrieve(), generator_to(&b3).retrieve());
        let (pb_number, qb_number) = (pb.residue().retrieve(), qb.residue().retrieve());
        let message = write(&[g2b, c2, d2, g3b, c3, d3, pb_number, qb_number, cp, d5, d6]);
        let next = AwaitingThird {
            g2,
            g3,
            g3a: asked.g3a,
            b3,
            pb,
            qb,
        };
        self.0 = Stage::AwaitingThird(Box::new(next));
        Ok(message)
    }

    /// Message 2 came: answers message 3.
    pub(crate) fn on_second(&mut self, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, Broken> {
        let Stage::AwaitingSecond(ours) = std::mem::take(&mut self.0) else {
            return Err(Broken);
        };
        let [g2b, c2, d2, g3b, c3, d3, pb, qb, cp, d5, d6] = read(message)?;
        let (g2b, g3b, pb, qb) = (element(g2b)?, element(g3b)?, element(pb)?, element(qb)?);
        check_exponent(3, &g2b, &c2, &d2)?;
        check_exponent(4, &g3b, &c3, &d3)?;
        let (g2, g3) = (ours.a2.raise(&g2b.residue()), ours.a3.raise(&g3b.residue()));
        check_coordinates(5, (&g2, &g3), (&pb, &qb), &cp, [&d5, &d6])?;
        let r4 = Exponent::random(rng);
        let pa = element(r4.raise(&g3).retrieve())?;
        let qa = element(generator_to(&r4).mul(&ours.x.0.raise(&g2)).retrieve())?;
        let [cp, d5, d6] = prove_coordinates(6, (&g2, &g3), &r4, &ours.x.0, rng);
        let (p, q) = (quotient(&pa, &pb)?, quotient(&qa, &qb)?);
        let ra = element(ours.a3.raise(&q).retrieve())?;
        let (cr, d7) = prove_same_exponent(7, &q, &ours.a3, rng);
        let [pa, qa, ra] = [pa, qa, ra].map(|number| number.residue().retrieve());
        let message = write(&[pa, qa, cp, d5, d6, ra, cr, d7]);
        self.0 = Stage::AwaitingFourth(Box::new(AwaitingFourth {
            g3b,
            p,
            q,
            a3: ours.a3,
        }));
        Ok(message)
    }

    /// Message 3 came: answers message 4 and whether the secrets were equal.
    pub(crate) fn on_third(
        &mut self,
        message: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, bool), Broken> {
        let Stage::AwaitingThird(ours) = std::mem::take(&mut self.0) else {
            return Err(Broken);
        };
        let [pa, qa, cp, d5, d6, ra, cr, d7] = read(message)?;
        let (pa, qa, ra) = (element(pa)?, element(qa)?, element(ra)?);
        check_coordinates(6, (&ours.g2, &ours.g3), (&pa, &qa), &cp, [&d5, &d6])?;
        let (p, q) = (quotient(&pa, &ours.pb)?, quotient(&qa, &ours.qb)?);
        check_same_exponent(7, &ours.g3a, (&q, &ra), &cr, &d7)?;
        let rb = ours.b3.raise(&q).retrieve();
        let (cr, d7) = prove_same_exponent(8, &q, &ours.b3, rng);
        let equal = ours.b3.raise(&ra.residue()) == p;
        Ok((write(&[rb, cr, d7]), equal))
    }

    /// Message 4 came: answers whether the secrets were equal.
    pub(crate) fn on_fourth(&mut self, message: &[u8]) -> Result<bool, Broken> {
        let Stage::AwaitingFourth(ours) = std::mem::take(&mut self.0) else {
            return Err(Broken);
        };
        let [rb, cr, d7] = read(message)?;
        let rb = element(rb)?;
        check_same_exponent(8, &ours.g3b, (&ours.q, &rb), &cr, &d7)?;
        Ok(ours.a3.raise(&rb.residue()) == ours.p)
    }
}

/// a / b; equal numbers are refused, for they would make the comparison empty.
fn quotient(a: &Element, b: &Element) -> Result<Residue, Broken> {
    if a == b {
        return Err(Broken);
    }
    let inverse = Option::<Residue>::from(b.residue().invert()).ok_or(Broken)?;
    Ok(a.residue().mul(&inverse))
}

/// A number as it travels.
type Number = U1536;

#[cfg(test)]
#[path = "smp/tests.rs"]
mod tests;
