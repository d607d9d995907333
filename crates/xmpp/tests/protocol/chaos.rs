//! Whatever comes in, in whatever order: no panic, no endless loop, no token lost or told twice.

use proptest::prelude::*;
use xmpp::{Command, Event, Input};

use super::peer::{HEADER, Peer};

const PIECES: &[&str] = &[
    "<a xmlns='urn:xmpp:sm:3' h='1'/>",
    "<a xmlns='urn:xmpp:sm:3' h='2'/>",
    "<a xmlns='urn:xmpp:sm:3' h='3'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<enabled xmlns='urn:xmpp:sm:3' id='r1' resume='1' max='9'/>",
    "<resumed xmlns='urn:xmpp:sm:3' previd='r1' h='2'/>",
    "<failed xmlns='urn:xmpp:sm:3' h='1'/>",
    "<message from='bob@example.net'><body>a</body></message>",
    "<presence from='bob@example.net/x' type='subscribe'/>",
    "<iq type='get' id='q' from='mallory@evil.example'/>",
    "<iq type='set' id='q'><query xmlns='jabber:iq:roster'><item jid='b@c' subscription='both'/></query></iq>",
    "<iq type='result' id='0000000000000005'/>",
    "<iq type='error' id='0000000000000006'><error/></iq>",
    "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
    "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj14LHM9QUFBQSxpPTQwOTY=</challenge>",
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "</stream:stream>",
    "<iq type='get",
    "' id='q'>",
    "\u{0}",
    " ",
    HEADER,
];

#[derive(Clone, Debug)]
enum Act {
    Hear(usize),
    Connect,
    Close,
    TlsStands,
    Sleep,
    Send,
    GoOffline,
    LogIn,
    Resume,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..PIECES.len()).prop_map(Act::Hear),
        1 => Just(Act::Connect),
        2 => Just(Act::Close),
        1 => Just(Act::TlsStands),
        2 => Just(Act::Sleep),
        4 => Just(Act::Send),
        1 => Just(Act::GoOffline),
        2 => Just(Act::LogIn),
        2 => Just(Act::Resume),
    ]
}

/// An honest login on a new circuit, resuming if Alice wants to.
fn log_in(peer: &mut Peer, resume: bool) {
    peer.input(Input::Closed).unwrap();
    peer.input(Input::Connected).unwrap();
    peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
    peer.take_said();
    peer.features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>");
    if peer.said().contains("<resume ") {
        if resume {
            peer.hear("<resumed xmlns='urn:xmpp:sm:3' previd='r1' h='1'/>");
            return;
        }
        peer.take_said();
        peer.hear("<failed xmlns='urn:xmpp:sm:3'/>");
    }
    peer.give_resource();
    peer.hear("<enabled xmlns='urn:xmpp:sm:3' id='r1' resume='true' max='600'/>");
}

fn apply(peer: &mut Peer, act: &Act, sent: &mut Vec<u64>) {
    match act {
        Act::Hear(piece) => peer.hear(PIECES[*piece]),
        Act::Connect => peer.input(Input::Connected).unwrap(),
        Act::Close => peer.input(Input::Closed).unwrap(),
        Act::TlsStands => peer.input(Input::TlsEstablished).unwrap(),
        Act::Sleep if peer.wake.is_some() => peer.sleep(),
        Act::Sleep => {}
        Act::Send => {
            let token = sent.len() as u64;
            if peer.send(token).is_ok() {
                sent.push(token);
            }
        }
        Act::GoOffline => peer.command(Command::GoOffline).unwrap(),
        Act::LogIn => log_in(peer, false),
        Act::Resume => log_in(peer, true),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_token_comes_back_exactly_once(acts in proptest::collection::vec(act(), 1..40)) {
        let mut peer = Peer::online();
        let mut sent = Vec::new();
        for act in &acts {
            apply(&mut peer, act, &mut sent);
        }
        // Whatever is left comes back when Alice leaves for good.
        peer.input(Input::Closed).unwrap();
        peer.command(Command::GoOffline).unwrap();
        let mut told: Vec<u64> = peer.acknowledged();
        told.extend(peer.unacknowledged());
        told.sort_unstable();
        prop_assert_eq!(told, sent);
        let online = peer.events.iter().filter(|e| matches!(e, Event::Online { .. })).count();
        let offline = peer.events.iter().filter(|e| matches!(e, Event::Offline { .. })).count();
        prop_assert!(online <= offline + 1);
    }
}
