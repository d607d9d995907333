//! SCRAM with SHA-1, SHA-256 and SHA-512: the password is proven, and the server proves that it knows it too.
//! Must never finish without the server's signature, and never follow a server into endless key derivation.
//! RFC 5802, RFC 7677; SASLprep: RFC 4013; channel binding: RFC 5929, RFC 9266; downgrade protection: XEP-0474.
//!
//! [`start`] gives the first message and a state that is named for what it awaits; each answer of the server's moves it
//! on. The login stands only when [`AwaitingServerFinal::verify`] said so.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{EagerHash, Hmac, KeyInit as _, Mac as _};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// RFC 5802 5.1 asks for at least 4,096 rounds; a server that stores fewer gives a thief of one login a cheap guess.
pub const FEWEST_ROUNDS: u32 = 4_096;
/// A hundred times what servers use today, and about a second of work: what asks for more wants to keep us busy.
pub const MOST_ROUNDS: u32 = 1_000_000;
/// Longest salt taken, in bytes.
const LONGEST_SALT: usize = 1_024;
/// Longest server nonce taken, in bytes.
const LONGEST_NONCE: usize = 1_024;

/// The hash function of a mechanism, weakest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Hash {
    /// SCRAM-SHA-1, RFC 5802.
    Sha1,
    /// SCRAM-SHA-256, RFC 7677.
    Sha256,
    /// SCRAM-SHA-512, as registered with IANA.
    Sha512,
}

impl Hash {
    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// Why a SCRAM exchange stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Somebody changed on the way what the server offers (XEP-0474).
    Downgrade,
    /// The server's message does not follow RFC 5802 7.
    Malformed,
    /// The server's nonce does not continue ours: an answer to someone else's login.
    Nonce,
    /// The server says that the proof is wrong.
    Refused,
    /// Too few or too many rounds.
    Rounds,
    /// The server does not know the password.
    Signature,
    /// The user name or the password cannot be used (RFC 4013).
    Unusable,
}

/// The first message is sent; the server's first message has to come.
pub struct AwaitingServerFirst {
    hash: Hash,
    password: Zeroizing<String>,
    nonce: String,
    bare: String,
    binding: Binding,
    offered: Option<Vec<u8>>,
}

/// The proof is sent; the server's signature has to come.
pub struct AwaitingServerFinal {
    signature: Zeroizing<Vec<u8>>,
}

/// What ties the exchange to the connection below it (RFC 5802 6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Binding {
    /// There is nothing to tie it to.
    Absent,
    /// To this, of this kind: `tls-exporter`, `tls-server-end-point`.
    Bound {
        /// Its registered name.
        kind: &'static str,
        /// The data that both sides know.
        data: Vec<u8>,
    },
    /// It could be tied, but the server does not offer that. A server that does sees that its offer was changed.
    NotOffered,
}

impl Binding {
    fn header(&self) -> String {
        match self {
            Self::Absent => "n,,".to_owned(),
            Self::Bound { kind, .. } => format!("p={kind},,"),
            Self::NotOffered => "y,,".to_owned(),
        }
    }

    /// The value of `c=`.
    fn proof(&self) -> String {
        let mut bytes = self.header().into_bytes();
        if let Self::Bound { data, .. } = self {
            bytes.extend_from_slice(data);
        }
        STANDARD.encode(bytes)
    }
}

/// Starts an exchange without channel binding, and says so; gives the first message. `nonce` is fresh and printable
/// without a comma.
///
/// # Errors
/// [`Fault::Unusable`] if name or password is empty or forbidden by RFC 4013.
pub fn start(
    hash: Hash,
    user: &str,
    password: &str,
    nonce: String,
) -> Result<(String, AwaitingServerFirst), Fault> {
    start_bound(hash, user, password, nonce, Binding::Absent)
}

/// Starts an exchange that is tied to the connection below it.
///
/// # Errors
/// As [`start`].
pub fn start_bound(
    hash: Hash,
    user: &str,
    password: &str,
    nonce: String,
    binding: Binding,
) -> Result<(String, AwaitingServerFirst), Fault> {
    let user = stringprep::saslprep(user).map_err(|_| Fault::Unusable)?;
    let password = prepare(password)?;
    if user.is_empty() || password.is_empty() {
        return Err(Fault::Unusable);
    }
    let escaped = user.replace('=', "=3D").replace(',', "=2C");
    let bare = format!("n={escaped},r={nonce}");
    let message = format!("{}{bare}", binding.header());
    Ok((
        message,
        AwaitingServerFirst {
            hash,
            password,
            nonce,
            bare,
            binding,
            offered: None,
        },
    ))
}

/// RFC 4013, with the allowance of RFC 5802 5.1 for what it does not know: characters newer than its tables, such as
/// emoji, go as they are.
fn prepare(password: &str) -> Result<Zeroizing<String>, Fault> {
    match stringprep::saslprep(password) {
        Ok(prepared) => Ok(Zeroizing::new(prepared.into_owned())),
        Err(_) if password.chars().any(char::is_control) => Err(Fault::Unusable),
        Err(_) => Ok(Zeroizing::new(password.to_owned())),
    }
}

impl AwaitingServerFirst {
    /// Compares what the server says that it offered with what arrived (XEP-0474 4): its mechanisms, and its kinds of
    /// channel binding where it names any (XEP-0440). A server that says nothing of it is let pass.
    #[must_use]
    pub fn checking(self, mechanisms: &[String], bindings: Option<&[String]>) -> Self {
        let sorted = |names: &[String]| {
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.sort_unstable();
            names.join("\u{1e}")
        };
        let mut offered = sorted(mechanisms);
        if let Some(bindings) = bindings {
            offered.push('\u{1f}');
            offered.push_str(&sorted(bindings));
        }
        Self {
            offered: Some(offered.into_bytes()),
            ..self
        }
    }

    /// Answers the server's first message with the proof. Takes up to about a second of work ([`MOST_ROUNDS`]).
    ///
    /// # Errors
    /// [`Fault::Malformed`], [`Fault::Nonce`], [`Fault::Rounds`] or [`Fault::Downgrade`].
    pub fn answer(self, message: &str) -> Result<(String, AwaitingServerFinal), Fault> {
        let first = ServerFirst::parse(message)?;
        if !first.nonce.starts_with(&self.nonce) || first.nonce.len() <= self.nonce.len() {
            return Err(Fault::Nonce);
        }
        if !(FEWEST_ROUNDS..=MOST_ROUNDS).contains(&first.rounds) {
            return Err(Fault::Rounds);
        }
        if let (Some(offered), Some(told)) = (&self.offered, &first.offered)
            && *told != self.hash.of(offered)
        {
            return Err(Fault::Downgrade);
        }
        let binding = self.binding.proof();
        let without_proof = format!("c={binding},r={}", first.nonce);
        let signed = format!("{},{message},{without_proof}", self.bare);
        let derive = match self.hash {
            Hash::Sha512 => derive::<Sha512>,
            Hash::Sha256 => derive::<Sha256>,
            Hash::Sha1 => derive::<Sha1>,
        };
        let Derived { proof, signature } = derive(&self.password, &first, signed.as_bytes())?;
        let answer = format!("{without_proof},p={}", STANDARD.encode(&*proof));
        Ok((answer, AwaitingServerFinal { signature }))
    }
}

impl AwaitingServerFinal {
    /// Checks the server's signature in its last message.
    ///
    /// # Errors
    /// [`Fault::Signature`] if the server does not know the password; [`Fault::Refused`], [`Fault::Malformed`].
    pub fn verify(&self, message: &str) -> Result<(), Fault> {
        if message.starts_with("e=") {
            return Err(Fault::Refused);
        }
        let encoded = message
            .split(',')
            .next()
            .and_then(|field| field.strip_prefix("v="))
            .ok_or(Fault::Malformed)?;
        let signature = STANDARD.decode(encoded).map_err(|_| Fault::Malformed)?;
        if bool::from(signature.ct_eq(&self.signature)) {
            Ok(())
        } else {
            Err(Fault::Signature)
        }
    }
}

/// RFC 5802 7, `server-first-message`.
struct ServerFirst {
    nonce: String,
    salt: Vec<u8>,
    rounds: u32,
    /// The hash of what the server offered (XEP-0474).
    offered: Option<Vec<u8>>,
}

impl ServerFirst {
    fn parse(message: &str) -> Result<Self, Fault> {
        let mut fields = message.split(',');
        let mut field = |prefix: &str| {
            fields
                .next()
                .and_then(|field| field.strip_prefix(prefix))
                .ok_or(Fault::Malformed)
        };
        // An `m=` in front is a demand that we cannot meet, and so is anything else that is not a nonce.
        let nonce = field("r=")?;
        let salt = field("s=")?;
        let rounds = field("i=")?;
        let offered = fields.find_map(|field| field.strip_prefix("h="));
        let offered = offered.map(|hash| STANDARD.decode(hash)).transpose();
        if nonce.len() > LONGEST_NONCE || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::Malformed);
        }
        let salt = STANDARD.decode(salt).map_err(|_| Fault::Malformed)?;
        if salt.is_empty() || salt.len() > LONGEST_SALT {
            return Err(Fault::Malformed);
        }
        if rounds.is_empty() || !rounds.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::Malformed);
        }
        Ok(Self {
            nonce: nonce.to_owned(),
            salt,
            rounds: rounds.parse().map_err(|_| Fault::Rounds)?,
            offered: offered.map_err(|_| Fault::Malformed)?,
        })
    }
}

struct Derived {
    proof: Zeroizing<Vec<u8>>,
    signature: Zeroizing<Vec<u8>>,
}

/// RFC 5802 3: the client's proof and the server's signature over `signed`.
fn derive<D: EagerHash + Digest>(
    password: &str,
    first: &ServerFirst,
    signed: &[u8],
) -> Result<Derived, Fault> {
    let mut salted = Zeroizing::new(vec![0_u8; <D as Digest>::output_size()]);
    pbkdf2::pbkdf2_hmac::<D>(password.as_bytes(), &first.salt, first.rounds, &mut salted);
    let client_key = authenticate::<D>(&salted, b"Client Key")?;
    let server_key = authenticate::<D>(&salted, b"Server Key")?;
    let stored_key = D::digest(&*client_key);
    let client_signature = authenticate::<D>(&stored_key, signed)?;
    let mut proof = client_key;
    for (byte, other) in proof.iter_mut().zip(client_signature.iter()) {
        *byte ^= other;
    }
    let signature = authenticate::<D>(&server_key, signed)?;
    Ok(Derived { proof, signature })
}

fn authenticate<D: EagerHash>(key: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut mac = Hmac::<D>::new_from_slice(key).map_err(|_| Fault::Unusable)?;
    mac.update(data);
    Ok(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5802 5 and RFC 7677 3: user `user`, password `pencil`.
    fn vector(hash: Hash, nonce: &str, first: &str, proof: &str, last: &str) {
        let (message, state) = start(hash, "user", "pencil", nonce.to_owned()).unwrap();
        assert_eq!(message, format!("n,,n=user,r={nonce}"));
        let (answer, state) = state.answer(first).unwrap_or_else(|_| panic!());
        assert_eq!(answer, proof);
        assert_eq!(state.verify(last), Ok(()));
        let forged = last.replacen('r', "s", 1).replacen('6', "7", 1);
        assert_eq!(state.verify(&forged), Err(Fault::Signature));
    }

    #[test]
    fn the_vector_of_rfc_5802_is_met() {
        vector(
            Hash::Sha1,
            "fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        );
    }

    #[test]
    fn the_vector_of_rfc_7677_is_met() {
        vector(
            Hash::Sha256,
            "rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        );
    }

    fn answer(first: &str) -> Result<(String, AwaitingServerFinal), Fault> {
        let (_, state) = start(Hash::Sha256, "alice", "secret", "abc".to_owned()).unwrap();
        state.answer(first)
    }

    #[test]
    fn a_bad_first_message_is_refused() {
        for (first, fault) in [
            ("r=xbcdef,s=QSXCR+Q6sek8bf92,i=4096", Fault::Nonce),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=4096", Fault::Nonce),
            ("r=,s=QSXCR+Q6sek8bf92,i=4096", Fault::Nonce),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=1", Fault::Rounds),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=4095", Fault::Rounds),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=0", Fault::Rounds),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=1000001", Fault::Rounds),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=4000000000", Fault::Rounds),
            (
                "r=abcdef,s=QSXCR+Q6sek8bf92,i=99999999999999999999",
                Fault::Rounds,
            ),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=-1", Fault::Malformed),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=+4096", Fault::Malformed),
            ("r=abcdef,s=QSXCR+Q6sek8bf92,i=", Fault::Malformed),
            ("r=abcdef,s=QSXCR+Q6sek8bf92", Fault::Malformed),
            ("r=abcdef,s=,i=4096", Fault::Malformed),
            ("r=abcdef,s=*,i=4096", Fault::Malformed),
            ("m=x,r=abcdef,s=QSXCR+Q6sek8bf92,i=4096", Fault::Malformed),
            ("e=other-error", Fault::Malformed),
            ("", Fault::Malformed),
        ] {
            assert_eq!(answer(first).err(), Some(fault), "{first}");
        }
    }

    #[test]
    fn a_bad_last_message_is_refused() {
        let (_, state) = answer("r=abcdef,s=QSXCR+Q6sek8bf92,i=4096").unwrap_or_else(|_| panic!());
        for (last, fault) in [
            ("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", Fault::Signature),
            ("v=", Fault::Signature),
            ("v=*", Fault::Malformed),
            ("", Fault::Malformed),
            ("e=invalid-proof", Fault::Refused),
        ] {
            assert_eq!(state.verify(last), Err(fault), "{last}");
        }
    }

    #[test]
    fn names_are_escaped_and_prepared() {
        let (message, _) = start(Hash::Sha1, "a=b,c", "p", "n".to_owned()).unwrap();
        assert_eq!(message, "n,,n=a=3Db=2Cc,r=n");
        let (message, _) = start(Hash::Sha1, "I\u{ad}X", "p", "n".to_owned()).unwrap();
        assert_eq!(message, "n,,n=IX,r=n");
        for (user, password) in [("", "p"), ("a", ""), ("a", "\u{7}"), ("\u{7}", "p")] {
            let started = start(Hash::Sha1, user, password, "n".to_owned());
            assert_eq!(started.err(), Some(Fault::Unusable));
        }
        assert!(start(Hash::Sha1, "a", "\u{1F9A6}", "n".to_owned()).is_ok());
    }

    #[test]
    fn an_exchange_is_tied_to_its_connection() {
        let bound = |data: &[u8]| Binding::Bound {
            kind: "tls-exporter",
            data: data.to_vec(),
        };
        for (binding, header, proof) in [
            (Binding::Absent, "n,,", "c=biws,"),
            (Binding::NotOffered, "y,,", "c=eSws,"),
            (
                bound(b"\x01\x02"),
                "p=tls-exporter,,",
                "c=cD10bHMtZXhwb3J0ZXIsLAEC,",
            ),
        ] {
            let (message, state) =
                start_bound(Hash::Sha256, "alice", "secret", "abc".to_owned(), binding).unwrap();
            assert_eq!(message, format!("{header}n=alice,r=abc"));
            let (answer, _) = state
                .answer("r=abcdef,s=QSXCR+Q6sek8bf92,i=4096")
                .unwrap_or_else(|_| panic!());
            assert!(answer.starts_with(proof), "{answer}");
        }
    }

    #[test]
    fn an_offer_that_was_changed_on_the_way_is_noticed() {
        let offer = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1"].map(str::to_owned);
        let kinds = ["tls-exporter".to_owned()];
        let whole = b"SCRAM-SHA-1\x1eSCRAM-SHA-256-PLUS\x1ftls-exporter";
        let hash = STANDARD.encode(Sha256::digest(whole));
        let first = format!("r=abcdef,s=QSXCR+Q6sek8bf92,i=4096,x=1,h={hash}");
        let check = |mechanisms: &[String], kinds: Option<&[String]>, first: &str| {
            let (_, state) = start(Hash::Sha256, "alice", "secret", "abc".to_owned()).unwrap();
            state.checking(mechanisms, kinds).answer(first).err()
        };
        assert_eq!(check(&offer, Some(&kinds), &first), None);
        assert_eq!(check(&offer[1..], Some(&kinds), &first), Some(Fault::Downgrade));
        assert_eq!(check(&offer, None, &first), Some(Fault::Downgrade));
        assert_eq!(
            check(&offer, Some(&kinds), "r=abcdef,s=QSXCR+Q6sek8bf92,i=4096"),
            None
        );
        let broken = "r=abcdef,s=QSXCR+Q6sek8bf92,i=4096,h=*";
        assert_eq!(check(&offer, Some(&kinds), broken), Some(Fault::Malformed));
    }

    impl std::fmt::Debug for AwaitingServerFirst {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("AwaitingServerFirst")
        }
    }
}
