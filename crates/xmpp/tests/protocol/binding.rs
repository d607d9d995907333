//! Logins that are tied to their TLS connection, and mallory who would rather have them loose.
//! RFC 5802 6, RFC 5929 4, RFC 9266, XEP-0440, XEP-0474.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use xmpp::{Bindings, Input, Mechanism, OfflineReason};

use super::peer::{HEADER, Peer, SALT, challenge, payload};

const BOTH: &str = "<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-256-PLUS</mechanism>";
const LOOSE: &str = "<mechanism>SCRAM-SHA-256</mechanism>";

/// Alice on TLS 1.3, and a server that offers these.
fn offered(seen: Option<Mechanism>, mechanisms: &str, kinds: Option<&[&str]>) -> Peer {
    let mut peer = Peer::new(|config| config.mechanism_seen = seen);
    let bindings = Bindings {
        exporter: Some(vec![5; 32]),
        end_point: Some(vec![6; 32]),
    };
    peer.input(Input::Bindings(bindings)).unwrap();
    peer.input(Input::Connected).unwrap();
    peer.take_said();
    let kind = |kind: &&str| format!("<channel-binding type='{kind}'/>");
    let kinds = kinds.map(|kinds| {
        let kinds: String = kinds.iter().map(kind).collect();
        format!("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>{kinds}</sasl-channel-binding>")
    });
    let kinds = kinds.unwrap_or_default();
    let sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
    peer.hear(&format!(
        "{HEADER}<stream:features><mechanisms xmlns='{sasl}'>{mechanisms}</mechanisms>{kinds}</stream:features>"
    ));
    peer
}

#[test]
fn alice_ties_her_login_to_the_connection_by_the_best_kind_that_both_know() {
    for (kinds, kind, data) in [
        (
            Some(&["tls-server-end-point", "tls-exporter"][..]),
            "tls-exporter",
            [5; 32],
        ),
        (
            Some(&["tls-server-end-point"][..]),
            "tls-server-end-point",
            [6; 32],
        ),
    ] {
        let mut peer = offered(None, BOTH, kinds);
        let auth = peer.take_said();
        assert!(auth.contains("mechanism='SCRAM-SHA-256-PLUS'"), "{auth}");
        let first = payload(&auth);
        assert!(first.starts_with(&format!("p={kind},,n=alice,r=")), "{first}");
        let nonce = first.split("r=").nth(1).unwrap();
        peer.hear(&challenge(&format!("r={nonce}x,s={SALT},i=4096")));
        let bound = [format!("p={kind},,").as_bytes(), &data].concat();
        let answer = payload(&peer.take_said());
        assert!(
            answer.starts_with(&format!("c={},r=", STANDARD.encode(bound))),
            "{answer}"
        );
    }
}

#[test]
fn where_the_server_offers_no_tie_alice_says_that_she_could() {
    let mut peer = offered(None, LOOSE, None);
    assert!(payload(&peer.take_said()).starts_with("y,,n=alice"));
    // One that has none of our kinds in common, or does not say which it has, cannot be told so: it would take that
    // for an attack.
    for kinds in [Some(&["tls-unique"][..]), None] {
        let mut peer = offered(None, BOTH, kinds);
        let auth = peer.take_said();
        assert!(auth.contains("mechanism='SCRAM-SHA-256'") && payload(&auth).starts_with("n,,n=alice"));
    }
}

#[test]
fn a_tie_that_was_there_before_is_not_given_up() {
    for (mechanisms, kinds) in [
        (LOOSE, None),
        (BOTH, Some(&["tls-unique"][..])),
        (BOTH, Some(&[][..])),
        (BOTH, None),
    ] {
        let mut peer = offered(Some(Mechanism::ScramSha256Plus), mechanisms, kinds);
        assert!(!peer.take_said().contains("<auth"));
        assert_eq!(peer.offline(), Some(OfflineReason::MechanismDowngrade));
    }
    let stronger = "<mechanism>SCRAM-SHA-512</mechanism>";
    let mut peer = offered(Some(Mechanism::ScramSha1Plus), stronger, None);
    assert!(!peer.take_said().contains("<auth"));
}

#[test]
fn an_offer_that_mallory_shortened_is_noticed_by_its_hash() {
    let whole = "SCRAM-SHA-256\u{1e}SCRAM-SHA-256-PLUS\u{1f}tls-exporter";
    for (text, why) in [
        (whole, Some(OfflineReason::MechanismDowngrade)),
        ("SCRAM-SHA-256\u{1f}tls-exporter", None),
    ] {
        let hash = STANDARD.encode(Sha256::digest(text));
        let mut peer = offered(None, LOOSE, Some(&["tls-exporter"]));
        let first = payload(&peer.take_said());
        let nonce = first.split("r=").nth(1).unwrap();
        peer.hear(&challenge(&format!("r={nonce}x,s={SALT},i=4096,h={hash}")));
        assert_eq!(peer.offline(), why);
        assert_eq!(peer.take_said().contains("<response"), why.is_none());
    }
}

#[test]
fn the_tie_of_one_connection_is_never_used_on_the_next() {
    let mut peer = offered(None, BOTH, Some(&["tls-exporter"]));
    peer.take_said();
    peer.input(Input::Closed).unwrap();
    peer.input(Input::Connected).unwrap();
    let auth = peer.offer(LOOSE);
    // The stronger offer is remembered, so nothing is said at all.
    assert!(!auth.contains("<auth"), "{auth}");
    assert!(peer.events.iter().any(|event| matches!(
        event,
        xmpp::Event::Offline {
            why: OfflineReason::MechanismDowngrade,
            ..
        }
    )));
}
