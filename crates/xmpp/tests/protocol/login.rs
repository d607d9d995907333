//! How Alice logs in, and who cannot make her.

use std::time::Duration;

use xmpp::{Command, Error, Event, Input, Mechanism, OfflineReason, StreamCondition, Tls};

use super::peer::{HEADER, Peer, SALT, Scram, challenge, id, payload};

const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const SCRAM_256: &str = "<mechanism>SCRAM-SHA-256</mechanism>";
const PLAIN: &str = "<mechanism>PLAIN</mechanism>";
const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

fn connected(tls: Tls) -> Peer {
    let mut peer = Peer::new(|config| config.tls = tls);
    peer.input(Input::Connected).unwrap();
    peer
}

/// Nothing of the password or a proof of it was said.
fn ended(peer: &mut Peer, why: OfflineReason) {
    assert_eq!(peer.offline(), Some(why));
    assert_eq!(peer.closed, 1);
    let said = peer.take_said();
    assert!(!said.contains("<auth") && !said.contains("p="), "{said}");
    peer.hear("<message from='bob@example.net'><body>too late</body></message>");
    assert_eq!(
        peer.events
            .iter()
            .filter(|e| matches!(e, Event::Message { .. }))
            .count(),
        0
    );
}

#[test]
fn alice_logs_in_over_starttls() {
    let mut peer = connected(Tls::StartTls);
    assert_eq!(
        peer.take_said(),
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>"
    );
    peer.features(&format!(
        "{STARTTLS}<mechanisms xmlns='{SASL}'>{PLAIN}{SCRAM_256}</mechanisms>"
    ));
    assert_eq!(peer.take_said(), STARTTLS);
    peer.hear(PROCEED);
    assert_eq!(peer.start_tls, 1);
    peer.input(Input::TlsEstablished).unwrap();
    assert!(peer.take_said().starts_with("<?xml"));
    peer.authenticate(&format!("{PLAIN}{SCRAM_256}<mechanism>SCRAM-SHA-1</mechanism>"));
    peer.bind("");
    assert_eq!(
        peer.take_events(),
        [Event::Online {
            jid: "alice@example.org/r0".parse().unwrap(),
            resumed: false,
            mechanism: Mechanism::ScramSha256,
        }]
    );
    peer.give_roster("<item jid='bob@example.net' name='Bob' subscription='both'/><item jid='@@'/>");
    assert!(matches!(&peer.take_events()[..], [Event::Roster(items)] if items.len() == 1));
}

#[test]
fn a_login_does_not_depend_on_how_the_bytes_are_cut() {
    for chunk in 1..80 {
        let mut peer = Peer::new(|_| ());
        peer.chunk = chunk;
        peer.log_in();
        peer.hear("<message from='bob@example.net'><body>\u{645}&amp;</body></message>");
        assert!(matches!(&peer.events[..], [Event::Message { body, .. }] if body == "\u{645}&"));
    }
}

#[test]
fn without_tls_nothing_is_said() {
    let mut peer = connected(Tls::StartTls);
    peer.features(&format!("<mechanisms xmlns='{SASL}'>{SCRAM_256}</mechanisms>"));
    ended(&mut peer, OfflineReason::NoTls);
    let mut peer = connected(Tls::StartTls);
    peer.features(STARTTLS);
    peer.hear("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
    ended(&mut peer, OfflineReason::NoTls);
}

#[test]
fn bytes_behind_the_leave_to_start_tls_are_refused() {
    let mut peer = connected(Tls::StartTls);
    peer.features(STARTTLS);
    peer.hear(&format!("{PROCEED}<stream:features/>"));
    ended(&mut peer, OfflineReason::InjectedBytes);
    let mut peer = connected(Tls::StartTls);
    peer.features(STARTTLS);
    peer.hear(PROCEED);
    peer.hear(" ");
    ended(&mut peer, OfflineReason::InjectedBytes);
    peer.input(Input::TlsEstablished).unwrap();
    assert_eq!(peer.take_said(), "");
}

#[test]
fn plain_is_not_used_where_scram_was_ever_offered() {
    let cases: [(&str, bool, Option<Mechanism>, OfflineReason); 6] = [
        (PLAIN, false, None, OfflineReason::OnlyPlain),
        (
            PLAIN,
            true,
            Some(Mechanism::ScramSha1),
            OfflineReason::MechanismDowngrade,
        ),
        (
            "<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA3-512</mechanism>",
            true,
            None,
            OfflineReason::NoMechanism,
        ),
        (
            "<mechanism>SCRAM-SHA-1</mechanism>",
            true,
            Some(Mechanism::ScramSha256),
            OfflineReason::MechanismDowngrade,
        ),
        (
            "<mechanism>DIGEST-MD5</mechanism>",
            true,
            None,
            OfflineReason::NoMechanism,
        ),
        ("", true, None, OfflineReason::NoMechanism),
    ];
    for (offer, plain, seen, why) in cases {
        let mut peer = Peer::new(|config| {
            config.allow_plain = plain;
            config.mechanism_seen = seen;
        });
        peer.input(Input::Connected).unwrap();
        let said = peer.offer(offer);
        assert!(!said.contains("<auth"), "{offer}: {said}");
        ended(&mut peer, why);
    }
    let mut peer = Peer::new(|config| {
        config.allow_plain = true;
        config.tls = Tls::PlainOverOnion;
    });
    peer.input(Input::Connected).unwrap();
    peer.offer(PLAIN);
    ended(&mut peer, OfflineReason::NoMechanism);
}

#[test]
fn a_session_remembers_what_was_offered_before() {
    let mut peer = Peer::new(|config| config.allow_plain = true);
    peer.input(Input::Connected).unwrap();
    assert!(
        peer.offer(&format!("{PLAIN}{SCRAM_256}"))
            .contains("SCRAM-SHA-256")
    );
    peer.input(Input::Closed).unwrap();
    peer.take_events();
    peer.input(Input::Connected).unwrap();
    peer.offer(PLAIN);
    assert_eq!(peer.offline(), Some(OfflineReason::MechanismDowngrade));
}

#[test]
fn plain_is_used_when_it_is_allowed_and_all_there_is() {
    let mut peer = Peer::new(|config| config.allow_plain = true);
    peer.input(Input::Connected).unwrap();
    let auth = peer.offer(PLAIN);
    assert_eq!(payload(&auth), "\0alice\0pencil");
    peer.hear(&format!("<success xmlns='{SASL}'/>"));
    assert_eq!(peer.offline(), None);
}

/// A server that does not know the password gets nowhere.
fn impostor(last: impl FnOnce(&Scram, &str) -> String) -> Option<OfflineReason> {
    let mut peer = connected(Tls::Direct);
    let scram = Scram::new(&peer.offer(SCRAM_256), 4_096);
    peer.hear(&challenge(&scram.first));
    let response = payload(&peer.take_said());
    let last = last(&scram, &response);
    peer.hear(&last);
    assert!(!peer.take_said().contains("<stream:stream"));
    peer.offline()
}

#[test]
fn a_server_that_cannot_prove_itself_is_refused() {
    let success = |text: &str| format!("<success xmlns='{SASL}'>{text}</success>");
    assert_eq!(
        impostor(|_, _| success("")),
        Some(OfflineReason::UnexpectedElement)
    );
    assert_eq!(
        impostor(|_, _| success("dj1BQUFB")),
        Some(OfflineReason::ServerNotAuthentic)
    );
    assert_eq!(
        impostor(|_, _| success("%")),
        Some(OfflineReason::UnexpectedElement)
    );
    assert_eq!(
        impostor(|_, _| challenge("v=AAAA")),
        Some(OfflineReason::ServerNotAuthentic)
    );
    let mut peer = connected(Tls::Direct);
    peer.offer(SCRAM_256);
    peer.hear(&success(""));
    ended(&mut peer, OfflineReason::ServerNotAuthentic);
}

#[test]
fn the_signature_may_come_as_a_challenge() {
    let mut peer = connected(Tls::Direct);
    let scram = Scram::new(&peer.offer(SCRAM_256), 10_000);
    peer.hear(&challenge(&scram.first));
    let last = scram.verify(&payload(&peer.take_said()));
    peer.hear(&challenge(&last));
    assert_eq!(peer.take_said(), format!("<response xmlns='{SASL}'></response>"));
    peer.hear(&format!("<success xmlns='{SASL}'/>"));
    assert!(peer.take_said().contains("<stream:stream"));
}

#[test]
fn unsafe_scram_parameters_are_refused() {
    let nonce = |auth: &str| payload(auth).split("r=").nth(1).unwrap().to_owned();
    for (rounds, why) in [
        ("1", OfflineReason::UnsafeLogin),
        ("4000000000", OfflineReason::UnsafeLogin),
        ("99999999999999999999", OfflineReason::UnsafeLogin),
        ("x", OfflineReason::UnexpectedElement),
    ] {
        let mut peer = connected(Tls::Direct);
        let nonce = nonce(&peer.offer(SCRAM_256));
        peer.hear(&challenge(&format!("r={nonce}x,s={SALT},i={rounds}")));
        ended(&mut peer, why);
    }
    let mut peer = connected(Tls::Direct);
    peer.offer(SCRAM_256);
    peer.hear(&challenge(&format!("r=someone-elses,s={SALT},i=4096")));
    ended(&mut peer, OfflineReason::ServerNotAuthentic);
}

#[test]
fn a_wrong_password_is_final() {
    for (condition, why) in [
        ("not-authorized", OfflineReason::WrongPassword),
        ("account-disabled", OfflineReason::AccountDisabled),
        ("temporary-auth-failure", OfflineReason::TemporaryFailure),
        ("something-new", OfflineReason::WrongPassword),
    ] {
        let mut peer = connected(Tls::Direct);
        let scram = Scram::new(&peer.offer(SCRAM_256), 4_096);
        peer.hear(&challenge(&scram.first));
        peer.take_said();
        peer.hear(&format!(
            "<failure xmlns='{SASL}'><{condition}/><text>no</text></failure>"
        ));
        assert_eq!(peer.offline(), Some(why));
        assert_eq!(why.retry(), condition == "temporary-auth-failure");
    }
}

fn registering(answer: &str) -> Peer {
    let mut peer = Peer::new(|config| config.register = true);
    peer.input(Input::Connected).unwrap();
    let ask = peer.offer(SCRAM_256);
    assert!(
        ask.contains("jabber:iq:register") && ask.contains("to='example.org'"),
        "{ask}"
    );
    peer.hear(&answer.replace("ID", &id(&ask)));
    peer
}

const FIELDS: &str = "<iq type='result' id='ID' from='example.org'><query xmlns='jabber:iq:register'>\
    <instructions>choose</instructions><username/><password/></query></iq>";

fn refusal(condition: &str) -> String {
    format!(
        "<iq type='error' id='ID' from='example.org'><error type='cancel'>\
         <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
}

#[test]
fn alice_makes_an_account_and_logs_in_on_the_same_stream() {
    let mut peer = registering(FIELDS);
    let set = peer.take_said();
    assert!(
        set.contains("<username>alice</username><password>pencil</password>"),
        "{set}"
    );
    peer.hear(&format!("<iq type='result' id='{}'/>", id(&set)));
    assert_eq!(peer.take_events(), [Event::Registered]);
    assert!(peer.take_said().starts_with("<auth"));
    // The account stands: the next stream logs in at once.
    peer.input(Input::Closed).unwrap();
    peer.input(Input::Connected).unwrap();
    assert!(peer.offer(SCRAM_256).starts_with("<auth"));
}

#[test]
fn a_registration_that_fails_says_why() {
    for (answer, why) in [
        (refusal("service-unavailable"), OfflineReason::RegistrationRefused),
        (refusal("not-allowed"), OfflineReason::RegistrationRefused),
        (
            FIELDS.replace("<password/>", "<password/><email/>"),
            OfflineReason::RegistrationNeedsForm,
        ),
        ("<presence/>".to_owned(), OfflineReason::UnexpectedElement),
    ] {
        let mut peer = registering(&answer);
        ended(&mut peer, why);
    }
    for (condition, why) in [
        ("conflict", OfflineReason::NameTaken),
        ("not-acceptable", OfflineReason::UnusablePassword),
    ] {
        let mut peer = registering(FIELDS);
        let set = peer.take_said();
        peer.hear(&refusal(condition).replace("ID", &id(&set)));
        ended(&mut peer, why);
    }
}

#[test]
fn a_registration_that_was_cut_off_is_not_mistaken_for_a_stranger() {
    let mut peer = registering(FIELDS);
    let set = peer.take_said();
    assert!(set.contains("pencil"));
    peer.input(Input::Closed).unwrap();
    peer.take_events();
    peer.input(Input::Connected).unwrap();
    let ask = peer.offer(SCRAM_256);
    peer.hear(&FIELDS.replace("ID", &id(&ask)));
    let set = peer.take_said();
    peer.hear(&refusal("conflict").replace("ID", &id(&set)));
    assert_eq!(peer.offline(), None);
    assert!(peer.take_said().starts_with("<auth"));
}

#[test]
fn rubbish_in_a_stream_ends_it() {
    for (rubbish, why) in [
        ("HTTP/1.1 400 Bad Request\r\n", OfflineReason::MalformedXml),
        (
            "<stream:stream xmlns:stream='wrong'>",
            OfflineReason::MalformedXml,
        ),
        ("<!DOCTYPE x>", OfflineReason::MalformedXml),
        ("\u{0}", OfflineReason::MalformedXml),
    ] {
        let mut peer = connected(Tls::Direct);
        peer.hear(rubbish);
        assert!(peer.offline().is_some(), "{rubbish}");
        ended(&mut peer, why);
    }
    let mut peer = connected(Tls::Direct);
    peer.hear(&HEADER.replace("version='1.0' ", ""));
    ended(&mut peer, OfflineReason::UnsupportedVersion);
    let mut peer = connected(Tls::Direct);
    peer.hear(&format!("{HEADER}<message/>"));
    ended(&mut peer, OfflineReason::UnexpectedElement);
}

#[test]
fn stream_errors_say_why_and_lead_nowhere_else() {
    for (condition, why) in [
        ("<conflict xmlns='N'/>", OfflineReason::Replaced),
        (
            "<see-other-host xmlns='N'>evil.example</see-other-host>",
            OfflineReason::StreamError(StreamCondition::SeeOtherHost),
        ),
        (
            "<system-shutdown xmlns='N'/>",
            OfflineReason::StreamError(StreamCondition::SystemShutdown),
        ),
        (
            "<host-unknown xmlns='N'/>",
            OfflineReason::StreamError(StreamCondition::HostUnknown),
        ),
        ("", OfflineReason::StreamError(StreamCondition::Other)),
    ] {
        let condition = condition.replace('N', "urn:ietf:params:xml:ns:xmpp-streams");
        let mut peer = connected(Tls::Direct);
        peer.hear(&format!(
            "{HEADER}<stream:error>{condition}</stream:error></stream:stream>"
        ));
        ended(&mut peer, why);
    }
}

#[test]
fn another_account_is_not_accepted_as_ours() {
    for jid in [
        "mallory@example.org/r",
        "alice@example.org",
        "",
        "alice@example.com/r",
    ] {
        let mut peer = connected(Tls::Direct);
        peer.authenticate(SCRAM_256);
        peer.take_said();
        peer.features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
        let id = id(&peer.take_said());
        peer.hear(&format!(
            "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{jid}</jid></bind></iq>"
        ));
        assert_eq!(peer.offline(), Some(OfflineReason::SessionRefused), "{jid}");
    }
}

#[test]
fn a_login_takes_no_longer_than_it_may() {
    let mut peer = connected(Tls::Direct);
    let start = peer.now;
    peer.offer(SCRAM_256);
    peer.sleep();
    assert_eq!(peer.now, start + Duration::from_secs(120));
    assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
    assert_eq!(peer.closed, 1);
}

#[test]
fn before_online_commands_are_kept_by_the_caller() {
    let mut peer = Peer::new(|_| ());
    assert_eq!(peer.send(1), Err(Error::NotConnected));
    peer.input(Input::Connected).unwrap();
    assert_eq!(peer.send(1), Err(Error::NotConnected));
    assert_eq!(peer.command(Command::SetAvailable), Err(Error::NotConnected));
    peer.take_events();
    assert_eq!(peer.command(Command::GoOffline), Ok(()));
    assert_eq!(peer.offline(), Some(OfflineReason::Requested));
}
