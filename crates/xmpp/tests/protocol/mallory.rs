//! Mallory runs the server: what never ends, what drips, what leads elsewhere. Each ends in a named error, and what
//! Alice said is not lost.
//! RFC 6120 4.9, 5, 13; XEP-0198 4.

use std::time::Duration;

use xmpp::{Config, Input, OfflineReason, Tls};

use super::peer::{HEADER, Peer, SALT, challenge, payload};

const SCRAM: &str = "<mechanism>SCRAM-SHA-256</mechanism>";

fn small(config: &mut Config) {
    config.limits.stanza_bytes = 64 * 1024;
    config.limits.skipped_bytes = 256 * 1024;
}

/// Says `part` again and again until Alice has had enough; she has to before `most` bytes.
fn endless(peer: &mut Peer, part: &str, most: usize) -> OfflineReason {
    let mut said = 0;
    while peer.offline().is_none() {
        assert!(said < most, "{part:?} goes on after {said} bytes");
        peer.hear(part);
        said += part.len();
    }
    peer.offline().unwrap()
}

#[test]
fn what_never_ends_is_left_before_it_fills_the_memory() {
    for (begin, part) in [
        ("<?xml version='1.0'?><stream:stream x='", "a"),
        ("<?xml version='1.0'?><", "stream"),
        (HEADER, " "),
        (HEADER, "<a>"),
        (HEADER, "<message "),
        (HEADER, "text"),
    ] {
        let mut peer = Peer::new(small);
        peer.input(Input::Connected).unwrap();
        peer.hear(begin);
        if peer.offline().is_some() {
            continue;
        }
        let part = part.repeat(1024);
        // White space between elements is allowed for ever, and costs nothing: the login's time ends it.
        if part.trim().is_empty() {
            for _ in 0..1024 {
                peer.hear(&part);
            }
            peer.sleep();
            assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
            continue;
        }
        let why = endless(&mut peer, &part, 8 << 20);
        let named = [
            OfflineReason::MalformedXml,
            OfflineReason::TooLarge,
            OfflineReason::UnexpectedElement,
        ];
        assert!(named.contains(&why), "{part:.8}: {why:?}");
    }
}

#[test]
fn an_endless_stanza_ends_the_stream_and_loses_nothing() {
    for part in ["<a>", "<a/>", "text ", "<a b='c'>d</a>"] {
        let mut peer = Peer::new(small);
        peer.log_in();
        peer.send(1).unwrap();
        peer.hear("<message from='mallory@example.net'><body>");
        let why = endless(&mut peer, &part.repeat(512), 8 << 20);
        assert_eq!(why, OfflineReason::TooLarge, "{part}");
        assert_eq!(peer.unacknowledged(), [1], "{part}");
    }
}

#[test]
fn a_login_that_drips_is_left_in_time() {
    let mut peer = Peer::new(|_| ());
    peer.input(Input::Connected).unwrap();
    let begin = peer.now;
    let bytes = format!("{HEADER}<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>");
    let drops = bytes.bytes().chain(std::iter::repeat(b' '));
    for byte in drops {
        peer.now += Duration::from_secs(1);
        peer.input(Input::Bytes(&[byte])).unwrap();
        peer.input(Input::Tick).unwrap();
        if peer.offline().is_some() {
            break;
        }
        assert!(peer.now - begin < Duration::from_secs(130));
    }
    assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
    assert!(!peer.take_said().contains("<auth"));
}

#[test]
fn a_demand_for_two_thousand_million_rounds_is_refused_at_once() {
    for rounds in ["2147483648", "2147483647", "4294967295", "1000001"] {
        let mut peer = Peer::new(|_| ());
        peer.input(Input::Connected).unwrap();
        let auth = peer.offer(SCRAM);
        let nonce = payload(&auth).split("r=").nth(1).unwrap().to_owned();
        peer.hear(&challenge(&format!("r={nonce}x,s={SALT},i={rounds}")));
        assert_eq!(peer.offline(), Some(OfflineReason::UnsafeLogin), "{rounds}");
        assert!(!peer.take_said().contains("<response"));
    }
}

#[test]
fn a_server_that_takes_the_offer_of_tls_out_hears_no_name() {
    for features in [
        SCRAM,
        "",
        "<starttls xmlns='urn:mallory'/>",
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>",
    ] {
        let mut peer = Peer::new(|config| config.tls = Tls::StartTls);
        peer.input(Input::Connected).unwrap();
        peer.features(features);
        assert_eq!(peer.offline(), Some(OfflineReason::NoTls), "{features}");
        let said = peer.take_said();
        assert!(!said.contains("alice") && !said.contains("<auth"), "{said}");
        assert_eq!(peer.start_tls, 0);
    }
}
