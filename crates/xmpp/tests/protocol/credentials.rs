//! Alice without a password: by her certificate, or as nobody in particular; and with nothing but one.
//! RFC 4505, XEP-0178, RFC 4616.

use xmpp::{BareJid, Config, Credential, Event, Input, Mechanism, OfflineReason, Tls};

use super::peer::{Peer, payload};

const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

fn offered(credential: Credential, offer: &str, change: impl FnOnce(&mut Config)) -> (Peer, String) {
    let mut peer = Peer::new(|config| {
        config.credential = credential;
        if credential == Credential::Anonymous {
            config.jid = BareJid::new("example.org").unwrap();
        }
        change(config);
    });
    peer.input(Input::Connected).unwrap();
    let header = peer.take_said();
    assert_eq!(
        header.contains("alice"),
        credential == Credential::Password,
        "{header}"
    );
    let auth = peer.offer(offer);
    (peer, auth)
}

#[test]
fn an_anonymous_account_says_nothing_of_anybody_and_is_called_what_the_server_calls_it() {
    let offer = "<mechanism>PLAIN</mechanism><mechanism>ANONYMOUS</mechanism>";
    let (mut peer, auth) = offered(Credential::Anonymous, offer, |_| ());
    assert_eq!(
        auth,
        format!("<auth xmlns='{SASL}' mechanism='ANONYMOUS'>=</auth>")
    );
    peer.hear(&format!("<success xmlns='{SASL}'/>"));
    peer.features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
    peer.give_resource();
    assert!(matches!(
        &peer.take_events()[..],
        [Event::Online { jid, mechanism: Mechanism::Anonymous, .. }] if jid.as_str() == "alice@example.org/r0"
    ));
    // Its requests are answered from that address.
    peer.give_roster("");
    assert!(
        peer.take_events()
            .iter()
            .any(|event| matches!(event, Event::Roster(_)))
    );
}

#[test]
fn an_anonymous_account_is_never_at_another_domain() {
    let (mut peer, _) = offered(
        Credential::Anonymous,
        "<mechanism>ANONYMOUS</mechanism>",
        |config| {
            config.jid = BareJid::new("example.net").unwrap();
        },
    );
    peer.hear(&format!("<success xmlns='{SASL}'/>"));
    peer.features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
    peer.give_resource();
    assert_eq!(peer.offline(), Some(OfflineReason::SessionRefused));
}

#[test]
fn a_certificate_needs_no_password_and_no_other_way_is_taken_instead() {
    let offer = "<mechanism>SCRAM-SHA-256</mechanism><mechanism>EXTERNAL</mechanism>";
    let (_, auth) = offered(Credential::Certificate, offer, |_| ());
    assert!(auth.contains("mechanism='EXTERNAL'"), "{auth}");
    assert_eq!(payload(&auth), "alice@example.org");
    for credential in [Credential::Certificate, Credential::Anonymous] {
        let others = "<mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism>";
        let (peer, auth) = offered(credential, others, |_| ());
        assert!(!auth.contains("<auth"), "{auth}");
        assert_eq!(peer.offline(), Some(OfflineReason::NoMechanism));
    }
    let external = "<mechanism>EXTERNAL</mechanism>";
    let (peer, _) = offered(Credential::Certificate, external, |config| {
        config.tls = Tls::PlainOverOnion;
    });
    assert_eq!(peer.offline(), Some(OfflineReason::NoMechanism));
    // And a password is never given up for less.
    let weaker = "<mechanism>EXTERNAL</mechanism><mechanism>ANONYMOUS</mechanism>";
    let (peer, auth) = offered(Credential::Password, weaker, |_| ());
    assert!(!auth.contains("<auth"), "{auth}");
    assert_eq!(peer.offline(), Some(OfflineReason::NoMechanism));
}

#[test]
fn what_was_used_without_a_password_is_no_memory_of_strength() {
    for seen in [Mechanism::Anonymous, Mechanism::External] {
        let (_, auth) = offered(
            Credential::Password,
            "<mechanism>SCRAM-SHA-1</mechanism>",
            |config| {
                config.mechanism_seen = Some(seen);
            },
        );
        assert!(auth.contains("mechanism='SCRAM-SHA-1'"), "{auth}");
    }
}
