//! SAFECOOKIE: both sides prove to know the cookie, and none of them sends it.
//! It must never answer a challenge before the server's own proof was checked, nor show the cookie.
//! Standard: Tor's control-spec 3.24 (AUTHCHALLENGE), RFC 2104 (HMAC).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Reply;

const SERVER: &[u8] = b"Tor safe cookie authentication server-to-controller hash";
const CONTROLLER: &[u8] = b"Tor safe cookie authentication controller-to-server hash";

/// The 32 bytes of a cookie file.
pub(crate) struct Cookie(Zeroizing<[u8; Cookie::LENGTH]>);

impl Cookie {
    /// Bytes in a cookie file; others are no cookie.
    pub(crate) const LENGTH: usize = 32;

    pub(crate) fn new(bytes: [u8; Cookie::LENGTH]) -> Cookie {
        Cookie(Zeroizing::new(bytes))
    }

    fn hash(&self, key: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Hmac<Sha256>> {
        let mut hash = Hmac::<Sha256>::new_from_slice(key).ok()?;
        hash.update(self.0.as_slice());
        hash.update(ours);
        hash.update(theirs);
        Some(hash)
    }
}

/// A challenge, under way.
pub(crate) struct Challenge {
    nonce: [u8; 32],
}

impl Challenge {
    /// With a nonce of 32 random bytes.
    pub(crate) fn new(nonce: [u8; 32]) -> Challenge {
        Challenge { nonce }
    }

    /// The command that asks for the server's proof.
    pub(crate) fn command(&self) -> String {
        format!("AUTHCHALLENGE SAFECOOKIE {}", hex(&self.nonce))
    }

    /// Checks the server's proof; the command that answers with ours. `None` if it does not know the cookie.
    pub(crate) fn answer(&self, reply: &Reply, cookie: &Cookie) -> Option<String> {
        let line = reply.lines.first()?.strip_prefix("AUTHCHALLENGE ")?;
        let field = |key: &str| line.split(' ').find_map(|word| unhex(word.strip_prefix(key)?));
        let (proof, theirs) = (field("SERVERHASH=")?, field("SERVERNONCE=")?);
        cookie
            .hash(SERVER, &self.nonce, &theirs)?
            .verify_slice(&proof)
            .ok()?;
        let ours = cookie
            .hash(CONTROLLER, &self.nonce, &theirs)?
            .finalize()
            .into_bytes();
        Some(format!("AUTHENTICATE {}", hex(&ours)))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Exactly 32 bytes.
fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(cookie: &Cookie, ours: &[u8], theirs: &[u8]) -> Reply {
        let proof = cookie.hash(SERVER, ours, theirs).unwrap().finalize().into_bytes();
        let line = format!(
            "AUTHCHALLENGE SERVERHASH={} SERVERNONCE={}",
            hex(&proof),
            hex(theirs)
        );
        Reply {
            status: 250,
            lines: vec![line],
        }
    }

    #[test]
    fn a_tor_that_knows_the_cookie_is_answered() {
        let cookie = Cookie::new([7; 32]);
        let challenge = Challenge::new([1; 32]);
        let reply = server(&cookie, &[1; 32], &[2; 32]);
        let answer = challenge.answer(&reply, &cookie).unwrap();
        // The spec's formula, by another implementation (Python's hmac).
        assert_eq!(
            answer,
            "AUTHENTICATE 33564648E2FAC0CCE6C2E12C0BB9AF2AD09E39741A3DFF0072E075CC11C53EAE"
        );
    }

    #[test]
    fn mallory_who_does_not_know_the_cookie_gets_no_answer() {
        let cookie = Cookie::new([7; 32]);
        let challenge = Challenge::new([1; 32]);
        for reply in [
            server(&Cookie::new([8; 32]), &[1; 32], &[2; 32]),
            server(&cookie, &[9; 32], &[2; 32]),
            Reply {
                status: 250,
                lines: vec!["AUTHCHALLENGE SERVERHASH= SERVERNONCE=".to_owned()],
            },
            Reply {
                status: 250,
                lines: vec!["OK".to_owned()],
            },
            Reply {
                status: 250,
                lines: Vec::new(),
            },
        ] {
            assert_eq!(challenge.answer(&reply, &cookie), None);
        }
    }
}
