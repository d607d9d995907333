//! What is read from a certificate beside its key: who issued it, and its hash for channel binding.
//! It must never decide anything by itself: what stands here is only compared.
//! Standard: RFC 5280 4.1 (DER), RFC 5929 4.1 (tls-server-end-point).

use std::fmt;

use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{SpkiHash, SpkiHashError};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT: u8 = 0x06;
const VERSION: u8 = 0xa0;
/// `id-at-organizationName`, 2.5.4.10.
const ORGANISATION: &[u8] = &[0x55, 4, 10];
/// 1.2.840.113549.1.1: 5 is SHA-1 with RSA, 11 to 13 are SHA-256, SHA-384 and SHA-512 with RSA.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
/// 1.2.840.10045.4.3: 2 to 4 are ECDSA with SHA-256, SHA-384 and SHA-512.
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3];

/// Who issued a certificate: SHA-256 of the organisation's name in it, or of the whole name where it has none. An
/// authority signs with many certificates in turn; what stays is its organisation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssuerHash([u8; 32]);

impl IssuerHash {
    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`SpkiHashError`] for anything else.
    pub fn from_hex(text: &str) -> Result<IssuerHash, SpkiHashError> {
        SpkiHash::from_hex(text).map(|hash| IssuerHash(*hash.as_bytes()))
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for IssuerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for IssuerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerHash({self})")
    }
}

/// One element of DER: tag, content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |sum: usize, byte| (sum << 8) | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of an element of this kind, and what follows it.
fn expect(wanted: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    element(der).and_then(|(tag, content, rest)| (tag == wanted).then_some((content, rest)))
}

/// Who issued the certificate; `None` if it cannot be read.
pub(super) fn issuer(certificate: &[u8]) -> Option<IssuerHash> {
    let (whole, _) = expect(SEQUENCE, certificate)?;
    let (signed, _) = expect(SEQUENCE, whole)?;
    let rest = match element(signed)? {
        (VERSION, _, rest) => rest,
        _ => signed,
    };
    let (_, rest) = expect(INTEGER, rest)?;
    let (_, rest) = expect(SEQUENCE, rest)?;
    let (name, _) = expect(SEQUENCE, rest)?;
    let known = organisation(name).unwrap_or(name);
    Some(IssuerHash(Sha256::digest(known).into()))
}

fn organisation(name: &[u8]) -> Option<&[u8]> {
    let mut sets = name;
    while let Some((set, rest)) = expect(SET, sets) {
        sets = rest;
        let (pair, _) = expect(SEQUENCE, set)?;
        let (kind, value) = expect(OBJECT, pair)?;
        if kind == ORGANISATION {
            return element(value).map(|(_, text, _)| text);
        }
    }
    None
}

/// The hash of the whole certificate, by the hash function of its signature; `None` where that is not defined.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (whole, _) = expect(SEQUENCE, certificate)?;
    let (_, rest) = expect(SEQUENCE, whole)?;
    let (algorithm, _) = expect(SEQUENCE, rest)?;
    let (kind, _) = expect(OBJECT, algorithm)?;
    let last = |family| kind.strip_prefix(family).filter(|rest| rest.len() == 1)?.first();
    match (last(RSA), last(ECDSA)) {
        (Some(5 | 11), _) | (_, Some(2)) => Some(Sha256::digest(certificate).to_vec()),
        (Some(12), _) | (_, Some(3)) => Some(Sha384::digest(certificate).to_vec()),
        (Some(13), _) | (_, Some(4)) => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    use super::*;

    fn signed_by(organisation: Option<&str>, common: &str, key: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        if let Some(organisation) = organisation {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organisation);
        }
        let issuer = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["example.org".to_owned()]).unwrap();
        leaf.signed_by(&own, &issuer).unwrap().der().to_vec()
    }

    #[test]
    fn the_certificates_of_one_authority_have_one_issuer_whatever_they_were_signed_with() {
        let key = KeyPair::generate().unwrap();
        let [one, two] = ["R10", "E7"].map(|name| issuer(&signed_by(Some("Let us"), name, &key)));
        assert!(one.is_some() && one == two);
        assert_ne!(one, issuer(&signed_by(Some("Others"), "R10", &key)));
        let [one, two] = ["R10", "E7"].map(|name| issuer(&signed_by(None, name, &key)));
        assert!(one.is_some() && one != two);
        let told = one.unwrap().to_string();
        assert_eq!(IssuerHash::from_hex(&told).ok(), one);
    }

    #[test]
    fn a_certificate_is_hashed_as_it_was_signed() {
        let p256 = signed_by(None, "a", &KeyPair::generate().unwrap());
        assert_eq!(end_point(&p256), Some(Sha256::digest(&p256).to_vec()));
        let p384 = signed_by(
            None,
            "a",
            &KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
        );
        assert_eq!(end_point(&p384), Some(Sha384::digest(&p384).to_vec()));
        let edwards = signed_by(None, "a", &KeyPair::generate_for(&PKCS_ED25519).unwrap());
        assert_eq!(end_point(&edwards), None);
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_survived() {
        let whole = signed_by(Some("Let us"), "a", &KeyPair::generate().unwrap());
        for length in 0..whole.len() {
            assert_eq!(issuer(&whole[..length]), None);
            let mut bent = whole.clone();
            bent[length] ^= 0xff;
            let _ = (issuer(&bent), end_point(&bent));
        }
        assert_eq!(element(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(element(&[0x30, 0x80, 0, 0]), None);
    }
}
