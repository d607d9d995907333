//! Logging in to an account, with honest servers and others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use irc::{Config, Event, Login, LoginKey, Mechanism, OfflineReason, Tls};
use sha2::{Digest as _, Sha256};

use super::peer::Peer;

const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

fn password(config: &mut Config, password: &str, allow_plain: bool) {
    config.login = Login::Password {
        account: "alice".into(),
        password: password.to_owned().into(),
        allow_plain,
    };
}

/// Alice has been offered these mechanisms; gives what she says.
fn offered(mechanisms: &str, change: impl FnOnce(&mut Config)) -> (Peer, String) {
    let mut peer = Peer::new(change);
    peer.connect();
    peer.agree(&format!("sasl{mechanisms}"));
    let said = peer.take_said();
    (peer, said)
}

fn scram() -> Peer {
    let (peer, said) = offered("=PLAIN,SCRAM-SHA-256", |config| password(config, "pencil", true));
    assert_eq!(said, "AUTHENTICATE SCRAM-SHA-256\r\n");
    peer
}

fn payload(peer: &mut Peer) -> String {
    let said = peer.take_said();
    let pieces: String = said
        .lines()
        .map(|line| line.strip_prefix("AUTHENTICATE ").unwrap())
        .collect();
    String::from_utf8(STANDARD.decode(pieces.trim_end_matches('+')).unwrap()).unwrap()
}

fn challenge(peer: &mut Peer, text: &str) {
    peer.hear(&format!("AUTHENTICATE {}", STANDARD.encode(text)));
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Takes the exchange up to the proof; gives the signature of an honest server.
fn prove(peer: &mut Peer) -> String {
    peer.hear("AUTHENTICATE +");
    let first = payload(peer);
    let bare = first.strip_prefix("n,,").unwrap().to_owned();
    let nonce = bare.split_once(",r=").unwrap().1;
    let server_first = format!("r={nonce}more,s={SALT},i=4096");
    challenge(peer, &server_first);
    let last = payload(peer);
    let (without_proof, proof) = last.split_once(",p=").unwrap();
    let signed = format!("{bare},{server_first},{without_proof}");
    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(b"pencil", &STANDARD.decode(SALT).unwrap(), 4_096);
    let client_key = hmac(&salted, b"Client Key");
    let expected: Vec<u8> = hmac(&Sha256::digest(&client_key), signed.as_bytes())
        .iter()
        .zip(&client_key)
        .map(|(a, b)| a ^ b)
        .collect();
    assert_eq!(
        proof,
        STANDARD.encode(expected),
        "the proof is what the server expects"
    );
    format!(
        "v={}",
        STANDARD.encode(hmac(&hmac(&salted, b"Server Key"), signed.as_bytes()))
    )
}

#[test]
fn a_password_is_proven_where_the_server_can_check_a_proof() {
    let mut peer = scram();
    let signature = prove(&mut peer);
    challenge(&mut peer, &signature);
    assert_eq!(peer.take_said(), "AUTHENTICATE +\r\n");
    peer.hear(":irc 900 alice alice!~user@host alice :You are now logged in\r\n:irc 903 alice :ok");
    assert_eq!(peer.take_said(), "CAP END\r\n");
    peer.greet("");
    assert!(peer.events.iter().any(|event| matches!(
        event,
        Event::Online { account: Some(account), mechanism: Some(Mechanism::ScramSha256), .. } if account == "alice"
    )));
}

#[test]
fn a_server_that_cannot_prove_itself_is_left() {
    // Another nonce: the answer to somebody else's login.
    let mut peer = scram();
    peer.hear("AUTHENTICATE +");
    peer.forget_said();
    challenge(&mut peer, &format!("r=0000,s={SALT},i=4096"));
    assert_eq!(peer.offline(), Some(OfflineReason::ServerNotAuthentic));
    assert_eq!(peer.take_said(), "AUTHENTICATE *\r\nQUIT\r\n");
    // Another signature: it does not know the password.
    let mut peer = scram();
    prove(&mut peer);
    challenge(&mut peer, &format!("v={}", STANDARD.encode([0; 32])));
    assert_eq!(peer.offline(), Some(OfflineReason::ServerNotAuthentic));
    // No signature at all, in two ways.
    let mut peer = scram();
    prove(&mut peer);
    peer.hear(":irc 900 alice a!b@c alice :ok\r\n:irc 903 alice :ok");
    assert_eq!(peer.offline(), Some(OfflineReason::ServerNotAuthentic));
    let mut peer = scram();
    prove(&mut peer);
    peer.greet("");
    assert_eq!(peer.offline(), Some(OfflineReason::ServerNotAuthentic));
    assert!(!peer.is_online());
}

#[test]
fn a_wrong_password_is_told_and_the_connection_ends() {
    let mut peer = scram();
    prove(&mut peer);
    peer.hear(":irc 904 alice :SASL authentication failed");
    assert_eq!(peer.offline(), Some(OfflineReason::WrongPassword));
    let mut peer = scram();
    prove(&mut peer);
    challenge(&mut peer, "e=invalid-proof");
    assert_eq!(peer.offline(), Some(OfflineReason::WrongPassword));
}

#[test]
fn unsafe_or_broken_demands_are_refused() {
    for (first, why) in [
        (format!("r=NONCEx,s={SALT},i=1"), OfflineReason::UnsafeLogin),
        (
            format!("r=NONCEx,s={SALT},i=2147483648"),
            OfflineReason::UnsafeLogin,
        ),
        ("nonsense".to_owned(), OfflineReason::UnexpectedMessage),
    ] {
        let mut peer = scram();
        peer.hear("AUTHENTICATE +");
        let bare = payload(&mut peer);
        let nonce = bare.split_once(",r=").unwrap().1;
        challenge(&mut peer, &first.replace("NONCE", nonce));
        assert_eq!(peer.offline(), Some(why), "{first}");
    }
    let mut peer = scram();
    for _ in 0..100 {
        peer.hear(&format!("AUTHENTICATE {}", "A".repeat(400)));
    }
    assert_eq!(peer.offline(), Some(OfflineReason::UnexpectedMessage));
}

#[test]
fn plain_is_used_only_where_it_is_allowed_and_all_there_is() {
    let (mut peer, said) = offered("=PLAIN", |config| password(config, "secret", true));
    assert_eq!(said, "AUTHENTICATE PLAIN\r\n");
    peer.hear("AUTHENTICATE +");
    assert_eq!(payload(&mut peer), "\0alice\0secret");
    peer.hear(":irc 903 alice :ok");
    assert_eq!(peer.take_said(), "CAP END\r\n");
    let refused = |mechanisms: &str, allowed: bool, tls: Tls, seen: Option<Mechanism>| {
        let (peer, said) = offered(mechanisms, |config| {
            password(config, "secret", allowed);
            config.tls = tls;
            config.mechanism_seen = seen;
        });
        assert!(!said.contains("AUTHENTICATE"), "{said}");
        peer.offline()
    };
    let none = Some(OfflineReason::NoMechanism);
    assert_eq!(refused("=PLAIN", false, Tls::Direct, None), none);
    assert_eq!(refused("=EXTERNAL", true, Tls::Direct, None), none);
    assert_eq!(refused("=PLAIN", true, Tls::PlainOverOnion, None), none);
    let downgrade = Some(OfflineReason::MechanismDowngrade);
    assert_eq!(
        refused("=SCRAM-SHA-256", false, Tls::Direct, Some(Mechanism::ScramSha512)),
        downgrade
    );
    assert_eq!(
        refused("=PLAIN", true, Tls::Direct, Some(Mechanism::ScramSha256)),
        downgrade
    );
}

#[test]
fn a_session_remembers_that_a_proof_was_asked_for() {
    let mut peer = scram();
    peer.input(irc::Input::Closed).unwrap();
    peer.forget();
    peer.connect();
    peer.agree("sasl=PLAIN");
    assert_eq!(peer.offline(), Some(OfflineReason::MechanismDowngrade));
}

#[test]
fn long_passwords_go_in_pieces_of_400_bytes() {
    // `\0alice\0` and the password: 300 bytes are exactly 400 of Base64.
    for (length, lines) in [(290, 1), (293, 2), (600, 3)] {
        let secret = "x".repeat(length);
        let (mut peer, _) = offered("=PLAIN", |config| password(config, &secret, true));
        peer.hear("AUTHENTICATE +");
        let said = peer.take_said();
        assert_eq!(said.lines().count(), lines, "{length}");
        assert!(said.lines().all(|line| line.len() <= "AUTHENTICATE ".len() + 400));
    }
    let secret = "x".repeat(293);
    let (mut peer, _) = offered("=PLAIN", |config| password(config, &secret, true));
    peer.hear("AUTHENTICATE +");
    assert!(peer.take_said().ends_with("AUTHENTICATE +\r\n"));
}

#[test]
fn a_server_that_lists_nothing_says_what_it_knows_when_asked() {
    let (mut peer, said) = offered("", |config| password(config, "secret", true));
    assert_eq!(said, "AUTHENTICATE SCRAM-SHA-256\r\n");
    peer.hear(":irc 908 alice PLAIN,EXTERNAL :are available SASL mechanisms\r\n:irc 904 alice :failed");
    assert_eq!(
        peer.take_said(),
        "AUTHENTICATE PLAIN\r\n",
        "what it never knew cannot be taken back"
    );
    peer.hear("AUTHENTICATE +\r\n:irc 903 alice :ok");
    assert!(peer.events.contains(&Event::Account(Some("alice".to_owned()))));
    let (mut peer, _) = offered("", |config| password(config, "secret", false));
    peer.hear(":irc 908 alice PLAIN,EXTERNAL :are available SASL mechanisms\r\n:irc 904 alice :failed");
    assert_eq!(peer.offline(), Some(OfflineReason::NoMechanism));
}

#[test]
fn a_certificate_logs_in_by_tls_only() {
    let certificate = || Login::Certificate { account: None };
    let (mut peer, said) = offered("=PLAIN,EXTERNAL", |config| config.login = certificate());
    assert_eq!(said, "AUTHENTICATE EXTERNAL\r\n");
    peer.hear("AUTHENTICATE +");
    assert_eq!(peer.take_said(), "AUTHENTICATE +\r\n");
    peer.hear(":irc 903 alice :ok");
    assert_eq!(peer.take_said(), "CAP END\r\n");
    let (mut peer, _) = offered("=EXTERNAL", |config| {
        config.login = Login::Certificate {
            account: Some("alice".into()),
        }
    });
    peer.hear("AUTHENTICATE +");
    assert_eq!(payload(&mut peer), "alice");
    let (peer, _) = offered("=EXTERNAL", |config| {
        config.login = certificate();
        config.tls = Tls::PlainOverOnion;
    });
    assert_eq!(peer.offline(), Some(OfflineReason::NoMechanism));
}

#[test]
fn a_key_signs_what_the_server_draws_and_nothing_else() {
    let login = |config: &mut Config| {
        let key = LoginKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
        config.login = Login::Key {
            account: "alice".into(),
            key,
        };
    };
    let (mut peer, said) = offered("=ECDSA-NIST256P-CHALLENGE", login);
    assert_eq!(said, "AUTHENTICATE ECDSA-NIST256P-CHALLENGE\r\n");
    peer.hear("AUTHENTICATE +");
    assert_eq!(payload(&mut peer), "alice\0alice");
    peer.hear(&format!("AUTHENTICATE {}", STANDARD.encode([7; 32])));
    assert!(
        peer.take_said().starts_with("AUTHENTICATE ME"),
        "a signature in DER"
    );
    let (mut peer, _) = offered("=ECDSA-NIST256P-CHALLENGE", login);
    peer.hear("AUTHENTICATE +");
    peer.hear(&format!(
        "AUTHENTICATE {}",
        STANDARD.encode("please sign this contract of mine")
    ));
    assert_eq!(peer.offline(), Some(OfflineReason::UnsafeLogin));
}

#[test]
fn without_services_there_is_no_entry_unless_that_is_wanted() {
    for line in [":irc CAP * LS :batch", ":irc 001 alice :Welcome"] {
        let mut peer = Peer::new(|config| password(config, "secret", false));
        peer.connect();
        peer.hear(line);
        peer.grant();
        assert_eq!(peer.offline(), Some(OfflineReason::LoginUnavailable), "{line}");
    }
    let mut peer = Peer::new(|config| {
        password(config, "pencil", false);
        config.login_required = false;
    });
    peer.connect();
    peer.agree("cap-notify");
    assert!(
        peer.events
            .contains(&Event::LoginRefused(OfflineReason::LoginUnavailable))
    );
    peer.greet("");
    assert!(peer.is_online());
    // The services come back.
    peer.forget();
    peer.hear(":irc CAP alice NEW :sasl=SCRAM-SHA-256");
    peer.grant();
    assert_eq!(peer.take_said(), "AUTHENTICATE SCRAM-SHA-256\r\n");
    let signature = prove(&mut peer);
    challenge(&mut peer, &signature);
    peer.hear(":irc 900 alice a!b@c alice :ok\r\n:irc 903 alice :ok");
    assert_eq!(peer.offline(), None);
    assert!(peer.events.contains(&Event::Account(Some("alice".to_owned()))));
    assert_eq!(peer.take_said(), "AUTHENTICATE +\r\n");
}
