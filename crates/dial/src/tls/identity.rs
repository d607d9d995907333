//! A certificate of our own, by which a network's services know an account.
//! It must never hold anything of this machine, its clock or its user, nor serve two accounts.
//! Standard: RFC 5280; RFC 8446 4.4.2 (client's certificate); RFC 4422 appendix A (EXTERNAL).

use std::fmt;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, OtherNameValue, PKCS_ECDSA_P256_SHA256, SanType,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

/// id-on-xmppAddr (RFC 6120 13.7.1.4).
const XMPP_ADDRESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 8, 5];

/// A certificate signed by itself, with its private key, which is wiped when dropped.
#[derive(Clone)]
pub struct Identity {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Identity {
    /// Makes a new one. Its name and its dates are the same for everybody; only the key and the number are its own.
    /// `None`: the system's random source or the library failed.
    #[must_use]
    pub fn generate() -> Option<Identity> {
        Self::generate_with(CertificateParams::default())
    }

    /// Makes a new one that names an XMPP account, without which servers take none (RFC 6120 13.7.1.4). It may be shown
    /// only where the handshake hides it.
    #[must_use]
    pub fn generate_for(address: &str) -> Option<Identity> {
        let mut params = CertificateParams::default();
        let address = OtherNameValue::Utf8String(address.to_owned());
        params.subject_alt_names = vec![SanType::OtherName((XMPP_ADDRESS.to_vec(), address))];
        Self::generate_with(params)
    }

    fn generate_with(params: CertificateParams) -> Option<Identity> {
        let mut params = params;
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).ok()?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "user");
        params.distinguished_name = name;
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2100, 1, 1);
        let certificate = params.self_signed(&pair).ok()?;
        Some(Identity {
            certificate: certificate.der().to_vec(),
            key: Zeroizing::new(pair.serialize_der()),
        })
    }

    /// One that was kept: the certificate in DER, and its key as PKCS#8 in DER. What it is worth shows in the handshake.
    #[must_use]
    pub fn from_der(certificate: Vec<u8>, key: Vec<u8>) -> Identity {
        Identity {
            certificate,
            key: Zeroizing::new(key),
        }
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Its private key, PKCS#8 in DER, to be kept where secrets are kept.
    #[must_use]
    pub fn private_key(&self) -> &[u8] {
        &self.key
    }

    /// SHA-256 of the certificate in hexadecimal digits, as some services know it.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.certificate))
    }

    /// SHA-512 of the certificate in hexadecimal digits, as other services know it.
    #[must_use]
    pub fn sha512(&self) -> String {
        hex(&Sha512::digest(&self.certificate))
    }

    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from(self.certificate.clone())]
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.to_vec()))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_of_xmpp_is_named_where_it_has_to_be() {
        let identity = Identity::generate_for("alice@example.org").unwrap();
        let holds = |part: &[u8]| {
            identity
                .certificate()
                .windows(part.len())
                .any(|window| window == part)
        };
        assert!(holds(b"alice@example.org"));
        // The identifier in DER.
        assert!(holds(&[6, 8, 43, 6, 1, 5, 5, 7, 8, 5]));
    }

    #[test]
    fn two_identities_differ_in_key_and_number_only() {
        let [one, other] = [(); 2].map(|()| Identity::generate().unwrap());
        assert_ne!(one.sha256(), other.sha256());
        assert_eq!((one.sha256().len(), one.sha512().len()), (64, 128));
        for identity in [&one, &other] {
            let text = String::from_utf8_lossy(identity.certificate()).into_owned();
            assert!(text.contains("user") && text.contains("000101000000Z"), "{text}");
        }
        assert_eq!(format!("{one:?}"), "Identity(..)");
        let again = Identity::from_der(one.certificate().to_vec(), one.private_key().to_vec());
        assert_eq!(again.sha256(), one.sha256());
    }
}
