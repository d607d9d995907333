//! Alice logs in, is bound and resumes in one step, and by a token; and mallory offers her the same.
//! XEP-0388, XEP-0386, XEP-0484.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use xmpp::{Bindings, Config, Event, FastToken, Input, Mechanism, OfflineReason};

use super::peer::{HEADER, Peer, Scram, payload};

const SASL2: &str = "urn:xmpp:sasl:2";
const INLINE: &str = "<inline><bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:sm:3'/></inline></bind>\
    <sm xmlns='urn:xmpp:sm:3'/><fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism>\
    <mechanism>HT-SHA-256-EXPR</mechanism></fast></inline>";
const FEATURES: &str = "<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>";

/// Alice on a new connection to a server that offers this.
fn connect(peer: &mut Peer, mechanism: &str, inline: &str) -> String {
    let bindings = Bindings {
        exporter: Some(vec![5; 32]),
        end_point: None,
    };
    peer.input(Input::Bindings(bindings)).unwrap();
    peer.input(Input::Connected).unwrap();
    peer.take_said();
    peer.hear(&format!(
        "{HEADER}<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>\
         </mechanisms><authentication xmlns='{SASL2}'><mechanism>{mechanism}</mechanism>{inline}</authentication>\
         </stream:features>"
    ));
    peer.take_said()
}

fn alice(change: impl FnOnce(&mut Config)) -> Peer {
    Peer::new(change)
}

/// An honest exchange up to what comes with success.
fn prove(peer: &mut Peer, said: &str) -> String {
    let first = said.split("<initial-response>").nth(1).unwrap();
    let client = payload(&format!(">{first}"));
    // Over a connection that could be tied Alice says so.
    let loose = STANDARD.encode(client.replacen("y,,", "n,,", 1));
    let scram = Scram::new(&format!(">{loose}<"), 4_096);
    peer.hear(&format!(
        "<challenge xmlns='{SASL2}'>{}</challenge>",
        STANDARD.encode(&scram.first)
    ));
    let answer = peer.take_said();
    assert!(
        answer.starts_with(&format!("<response xmlns='{SASL2}'>")),
        "{answer}"
    );
    let last = scram.verify(&payload(&answer));
    format!("<additional-data>{}</additional-data>", STANDARD.encode(last))
}

fn success(peer: &mut Peer, inner: &str) {
    peer.hear(&format!(
        "<success xmlns='{SASL2}'>{inner}\
         <authorization-identifier>alice@example.org/r7</authorization-identifier></success>{FEATURES}"
    ));
}

const BOUND: &str =
    "<bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' id='s7' resume='1' max='600'/></bound>";

fn online(peer: &mut Peer) -> Option<(String, bool)> {
    peer.take_events().iter().find_map(|event| match event {
        Event::Online { jid, resumed, .. } => Some((jid.to_string(), *resumed)),
        _ => None,
    })
}

#[test]
fn alice_is_bound_and_counted_in_the_step_that_logs_her_in() {
    let mut peer = alice(|_| ());
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    for part in [
        "mechanism='SCRAM-SHA-256'",
        "<bind xmlns='urn:xmpp:bind:0'><enable xmlns='urn:xmpp:sm:3' resume='true'/></bind>",
        "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-EXPR'/>",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Nothing names the program.
    assert!(!said.contains("<software") && !said.contains("<device") && !said.contains("<tag"));
    let proof = prove(&mut peer, &said);
    success(&mut peer, &format!("{proof}{BOUND}"));
    assert_eq!(
        online(&mut peer),
        Some(("alice@example.org/r7".to_owned(), false))
    );
    peer.give_roster("");
    peer.send(1).unwrap();
    // One roster request and one message.
    peer.hear("<a xmlns='urn:xmpp:sm:3' h='2'/>");
    assert_eq!(peer.acknowledged(), [1]);
}

#[test]
fn a_cut_stream_is_resumed_in_the_step_that_logs_in() {
    let mut peer = alice(|_| ());
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    let proof = prove(&mut peer, &said);
    success(&mut peer, &format!("{proof}{BOUND}"));
    peer.give_roster("");
    peer.send(1).unwrap();
    peer.send(2).unwrap();
    peer.input(Input::Closed).unwrap();
    peer.take_events();
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    assert!(
        said.contains("<resume xmlns='urn:xmpp:sm:3' previd='s7' h='1'/>"),
        "{said}"
    );
    let proof = prove(&mut peer, &said);
    success(
        &mut peer,
        &format!("{proof}<resumed xmlns='urn:xmpp:sm:3' previd='s7' h='2'/>"),
    );
    assert_eq!(peer.acknowledged(), [1]);
    let said = peer.take_said();
    assert!(said.contains("text 2") && !said.contains("text 1"), "{said}");
    assert_eq!(online(&mut peer), Some(("alice@example.org/r7".to_owned(), true)));
    // Where the server has forgotten it, it says how far it came.
    peer.input(Input::Closed).unwrap();
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    let proof = prove(&mut peer, &said);
    success(
        &mut peer,
        &format!("{proof}<failed xmlns='urn:xmpp:sm:3' h='2'/>{BOUND}"),
    );
    assert_eq!(peer.unacknowledged(), [2]);
    assert_eq!(
        online(&mut peer),
        Some(("alice@example.org/r7".to_owned(), false))
    );
}

#[test]
fn a_server_without_bind_2_gives_a_resource_afterwards() {
    let mut peer = alice(|_| ());
    let said = connect(&mut peer, "SCRAM-SHA-256", "");
    assert!(!said.contains("<bind") && !said.contains("user-agent"));
    let proof = prove(&mut peer, &said);
    peer.hear(&format!(
        "<success xmlns='{SASL2}'>{proof}</success><stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>\
         </stream:features>"
    ));
    peer.give_resource();
    assert_eq!(
        online(&mut peer),
        Some(("alice@example.org/r0".to_owned(), false))
    );
}

fn mac(who: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"secret-token").unwrap();
    mac.update(who.as_bytes());
    mac.update(&[5; 32]);
    mac.finalize().into_bytes().to_vec()
}

fn with_token() -> Peer {
    alice(|config| {
        config.mechanism_seen = Some(Mechanism::ScramSha256);
        config.token = Some(FastToken {
            agent: "d4565fa7-4d72-4749-b3d3-740edbf87770".to_owned(),
            exporter: true,
            secret: "secret-token".to_owned().into(),
        });
    })
}

#[test]
fn a_token_is_got_with_a_name_drawn_by_lot_and_stands_for_the_password_next_time() {
    let mut peer = alice(|_| ());
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    let agent = said
        .split("<user-agent id='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert_eq!((agent.len(), &agent[14..15]), (36, "4"));
    let proof = prove(&mut peer, &said);
    let token = "<token xmlns='urn:xmpp:fast:0' token='secret-token' expiry='2030-01-01T00:00:00Z'/>";
    success(&mut peer, &format!("{proof}{BOUND}{token}"));
    let given = peer.take_events().into_iter().find_map(|event| match event {
        Event::Token(token) => token,
        _ => None,
    });
    let given = given.unwrap();
    assert_eq!(
        (given.agent.as_str(), given.secret.as_str()),
        (agent, "secret-token")
    );
    assert_eq!(format!("{given:?}"), "FastToken");
    peer.give_roster("");
    peer.input(Input::Closed).unwrap();
    peer.take_events();
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    let expected = STANDARD.encode([b"alice\0", &mac("Initiator")[..]].concat());
    assert!(said.contains("mechanism='HT-SHA-256-EXPR'"), "{said}");
    assert!(
        said.contains(&format!("<initial-response>{expected}</initial-response>")),
        "{said}"
    );
    assert!(
        said.contains(&format!(
            "<user-agent id='{agent}'/><fast xmlns='urn:xmpp:fast:0'/>"
        )),
        "{said}"
    );
    let proof = STANDARD.encode(mac("Responder"));
    let resumed = "<resumed xmlns='urn:xmpp:sm:3' previd='s7' h='1'/>";
    success(
        &mut peer,
        &format!("<additional-data>{proof}</additional-data>{resumed}"),
    );
    assert!(online(&mut peer).unwrap().1);
}

#[test]
fn a_token_is_never_used_loose_and_a_server_that_does_not_know_it_is_refused() {
    // Without the tie, with another tie, without SASL2 at all: the password is proven instead.
    for fast in [
        "<mechanism>HT-SHA-256-NONE</mechanism>",
        "<mechanism>HT-SHA-256-ENDP</mechanism>",
    ] {
        let mut peer = with_token();
        let said = connect(
            &mut peer,
            "SCRAM-SHA-256",
            &format!("<inline><fast xmlns='urn:xmpp:fast:0'>{fast}</fast></inline>"),
        );
        assert!(
            said.contains("mechanism='SCRAM-SHA-256'") && !said.contains("fast"),
            "{said}"
        );
    }
    let wrong = STANDARD.encode(mac("Initiator"));
    for proof in [
        String::new(),
        format!("<additional-data>{wrong}</additional-data>"),
    ] {
        let mut peer = with_token();
        connect(&mut peer, "SCRAM-SHA-256", INLINE);
        success(&mut peer, &format!("{proof}{BOUND}"));
        assert_eq!(peer.offline(), Some(OfflineReason::ServerNotAuthentic));
        assert!(
            !peer
                .events
                .iter()
                .any(|event| matches!(event, Event::Token(_) | Event::Online { .. }))
        );
    }
}

#[test]
fn a_token_that_is_refused_is_forgotten_and_the_password_proven_next() {
    let mut peer = with_token();
    connect(&mut peer, "SCRAM-SHA-256", INLINE);
    peer.hear(&format!(
        "<failure xmlns='{SASL2}'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>"
    ));
    assert_eq!(peer.offline(), Some(OfflineReason::TemporaryFailure));
    assert!(peer.take_events().contains(&Event::Token(None)));
    peer.input(Input::Closed).unwrap();
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    assert!(said.contains("mechanism='SCRAM-SHA-256'"), "{said}");
}

#[test]
fn sasl_2_is_no_way_down() {
    for (mechanism, seen, why) in [
        (
            "PLAIN",
            Some(Mechanism::ScramSha256),
            OfflineReason::MechanismDowngrade,
        ),
        (
            "SCRAM-SHA-256",
            Some(Mechanism::ScramSha256Plus),
            OfflineReason::MechanismDowngrade,
        ),
        ("PLAIN", None, OfflineReason::OnlyPlain),
    ] {
        let mut peer = alice(|config| {
            config.mechanism_seen = seen;
            config.token = None;
        });
        let said = connect(&mut peer, mechanism, INLINE);
        assert!(
            !said.contains("<authenticate") && !said.contains("<auth "),
            "{said}"
        );
        assert_eq!(peer.offline(), Some(why));
    }
    // A second factor, or whatever else: not without a person.
    let mut peer = alice(|_| ());
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    prove(&mut peer, &said);
    peer.hear(&format!(
        "<continue xmlns='{SASL2}'><tasks><task>TOTP</task></tasks></continue>"
    ));
    assert_eq!(peer.offline(), Some(OfflineReason::NoMechanism));
    // A resource of somebody else's, and a success without a proof.
    let mut peer = alice(|_| ());
    let said = connect(&mut peer, "SCRAM-SHA-256", INLINE);
    let proof = prove(&mut peer, &said);
    peer.hear(&format!(
        "<success xmlns='{SASL2}'>{proof}<authorization-identifier>mallory@example.org/x</authorization-identifier>\
         {BOUND}</success>"
    ));
    assert_eq!(peer.offline(), Some(OfflineReason::SessionRefused));
    let mut peer = alice(|_| ());
    connect(&mut peer, "SCRAM-SHA-256", INLINE);
    success(&mut peer, BOUND);
    assert_eq!(peer.offline(), Some(OfflineReason::ServerNotAuthentic));
}
