//! What others send to Alice, and what mallory tries.

use xmpp::{
    BareJid, Command, Error, Event, MessageKind, OfflineReason, Request, StanzaCondition, Subscription,
};

use super::peer::{Peer, id};

const UNAVAILABLE: &str = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'></service-unavailable></error>";
const ROSTER: &str = "jabber:iq:roster";

fn with_bob() -> Peer {
    let mut peer = Peer::online();
    peer.hear(&format!(
        "<iq type='set' id='p0'><query xmlns='{ROSTER}'><item jid='bob@example.net' subscription='from'/></query></iq>"
    ));
    peer.take_said();
    peer.take_events();
    peer
}

/// The answer to a request, if there was one.
fn answer(peer: &mut Peer, request: &str) -> String {
    peer.hear(request);
    peer.take_said()
}

fn refused(to: &str) -> String {
    format!("<iq xmlns='jabber:client' id='q' to='{to}' type='error'>{UNAVAILABLE}</iq>")
}

/// Attributes may come in any order.
fn same(left: &str, right: &str) -> bool {
    let parts = |text: &str| {
        let mut parts: Vec<_> = text.split([' ', '>']).map(str::to_owned).collect();
        parts.sort();
        parts
    };
    parts(left) == parts(right)
}

#[test]
fn strangers_learn_nothing_and_what_they_ask_is_told() {
    for (payload, request) in [
        ("<query xmlns='jabber:iq:version'/>", Request::Version),
        ("<query xmlns='jabber:iq:last'/>", Request::LastActivity),
        ("<query xmlns='jabber:iq:time'/>", Request::Time),
        ("<time xmlns='urn:xmpp:time'/>", Request::Time),
        (
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
            Request::Discovery,
        ),
        (
            "<query xmlns='http://jabber.org/protocol/disco#items'/>",
            Request::Discovery,
        ),
        ("<vCard xmlns='vcard-temp'/>", Request::Other),
        ("<ping xmlns='urn:xmpp:ping'/>", Request::Ping),
        ("", Request::Other),
    ] {
        for from in ["mallory@evil.example/x", "evil.example"] {
            let mut peer = with_bob();
            let asked = format!("<iq type='get' id='q' from='{from}'>{payload}</iq>");
            let answer = answer(&mut peer, &asked);
            assert!(same(&answer, &refused(from)), "{payload}: {answer}");
            let from = from.parse().unwrap();
            assert_eq!(peer.events, [Event::RequestRefused { from, request }]);
        }
    }
}

#[test]
fn a_blocked_contact_learns_no_more_than_a_stranger() {
    let ping = "<iq type='get' id='q' from='bob@example.net/phone'><ping xmlns='urn:xmpp:ping'/></iq>";
    let mut peer = with_bob();
    let bob: BareJid = "bob@example.net".parse().unwrap();
    peer.command(Command::Block(vec![bob.clone()])).unwrap();
    let said = peer.take_said();
    assert!(said.contains("<block xmlns='urn:xmpp:blocking'>"), "{said}");
    assert!(said.contains("<item jid='bob@example.net'>") && said.contains("type='set'"));
    assert!(same(&answer(&mut peer, ping), &refused("bob@example.net/phone")));
    peer.command(Command::Unblock(bob)).unwrap();
    assert!(peer.take_said().contains("<unblock xmlns='urn:xmpp:blocking'>"));
    assert!(answer(&mut peer, ping).contains("type='result'"));
}

#[test]
fn contacts_and_the_server_may_ping() {
    for from in ["bob@example.net/phone", "example.org", "alice@example.org"] {
        let request = format!("<iq type='get' id='q' from='{from}'><ping xmlns='urn:xmpp:ping'/></iq>");
        let said = answer(&mut with_bob(), &request);
        assert!(said.contains("type='result'") && said.contains(from), "{said}");
    }
    let request = "<iq type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>";
    assert!(answer(&mut with_bob(), request).contains("type='result'"));
    let version =
        "<iq type='get' id='q' from='bob@example.net/phone'><query xmlns='jabber:iq:version'/></iq>";
    assert!(same(
        &answer(&mut with_bob(), version),
        &refused("bob@example.net/phone")
    ));
}

#[test]
fn only_our_own_account_pushes_a_roster() {
    let push = |from: &str| {
        format!(
            "<iq type='set' id='q'{from}><query xmlns='{ROSTER}'>\
             <item jid='mallory@evil.example' subscription='both'/></query></iq>"
        )
    };
    for from in [
        "mallory@evil.example/x",
        "bob@example.net/phone",
        "example.org",
        "alice@example.org/other",
    ] {
        let mut peer = with_bob();
        let said = answer(&mut peer, &push(&format!(" from='{from}'")));
        assert!(same(&said, &refused(from)), "{said}");
        let told = |event: &Event| matches!(event, Event::RosterItem(_));
        assert!(!peer.events.iter().any(told), "{from}");
    }
    for from in ["", " from='alice@example.org'"] {
        let mut peer = with_bob();
        assert!(answer(&mut peer, &push(from)).contains("type='result'"));
        assert!(matches!(
            &peer.events[..],
            [Event::RosterItem(item)] if item.subscription == Subscription::Both
        ));
    }
}

#[test]
fn a_stanza_that_breaks_a_limit_is_refused_and_the_stream_lives_on() {
    let deep = format!("{}{}", "<a>".repeat(6_000), "</a>".repeat(6_000));
    let wide = "<a/>".repeat(300_000);
    let attributes: String = (0..1_000).map(|n| format!(" a{n}=''")).collect();
    for bad in [deep, wide, format!("<a{attributes}/>"), "x".repeat(2 << 20)] {
        let mut peer = with_bob();
        let from = |from: &str| format!("<iq type='get' id='q' from='{from}'>{bad}</iq>");
        let said = answer(&mut peer, &from("mallory@evil.example/x"));
        assert!(same(&said, &refused("mallory@evil.example/x")), "{said}");
        let said = answer(&mut peer, &from("bob@example.net/phone"));
        assert!(said.contains("<policy-violation "), "{said}");
        let said = answer(
            &mut peer,
            &format!("<message from='mallory@evil.example'>{bad}</message>"),
        );
        assert_eq!(said, "");
        let told = peer.take_events();
        let refused = |event: &Event| matches!(event, Event::RequestRefused { .. });
        assert!(told.len() == 2 && told.iter().all(refused), "{told:?}");
        peer.hear("<message from='bob@example.net' type='chat'><body>still here</body></message>");
        assert!(matches!(&peer.events[..], [Event::Message { body, .. }] if body == "still here"));
        // What was thrown away counts all the same, or the server would send it again.
        assert_eq!(
            answer(&mut peer, "<r xmlns='urn:xmpp:sm:3'/>"),
            "<a xmlns='urn:xmpp:sm:3' h='6'/>"
        );
    }
}

#[test]
fn an_answer_from_someone_else_is_no_answer() {
    let mut peer = Peer::new(|_| ());
    peer.input(xmpp::Input::Connected).unwrap();
    peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
    peer.bind("");
    peer.take_events();
    let said = peer.take_said();
    let id = id(&said);
    let result = |from: &str| {
        format!(
            "<iq type='result' id='{id}'{from}><query xmlns='{ROSTER}'>\
             <item jid='mallory@evil.example' subscription='both'/></query></iq>"
        )
    };
    for from in ["mallory@evil.example", "example.org", "alice@example.org/other"] {
        peer.hear(&result(&format!(" from='{from}'")));
        assert_eq!(peer.events, [], "{from}");
    }
    peer.hear(&result(" from='alice@example.org'"));
    assert!(matches!(&peer.take_events()[..], [Event::Roster(_)]));
    peer.hear(&result(""));
    assert_eq!(peer.events, []);
    assert_eq!(peer.take_said(), "");
}

fn message(text: &str) -> Vec<Event> {
    let mut peer = with_bob();
    peer.hear(text);
    assert_eq!(peer.take_said(), "");
    peer.take_events()
}

#[test]
fn messages_come_in() {
    let event = |body: &str, delayed, kind| Event::Message {
        from: "bob@example.net/phone".parse().unwrap(),
        body: body.to_owned(),
        delayed,
        kind,
        forwarded_or_archived: false,
    };
    let from = "from='bob@example.net/phone'";
    assert_eq!(
        message(&format!(
            "<message {from} type='chat'><body xml:lang='de'>b</body><body>a</body></message>"
        )),
        [event("a", false, MessageKind::Chat)]
    );
    assert_eq!(
        message(&format!(
            "<message {from}><body>a</body><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/></message>"
        )),
        [event("a", true, MessageKind::Normal)]
    );
    assert_eq!(
        message(&format!("<message {from} type='headline'><body/></message>")),
        [event("", false, MessageKind::Headline)]
    );
    assert_eq!(message(&format!("<message {from}><x xmlns='y'/></message>")), []);
    assert_eq!(message("<message from='@'><body>a</body></message>"), []);
}

fn carbon(from: &str, wrapper: &str) -> Vec<Event> {
    message(&format!(
        "<message from='{from}'><{wrapper} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>\
         <message xmlns='jabber:client' from='bob@example.net/phone' type='chat'><body>hi</body></message>\
         </forwarded></{wrapper}><body>outer</body></message>"
    ))
}

#[test]
fn a_forged_carbon_is_nothing() {
    for from in [
        "mallory@evil.example",
        "bob@example.net",
        "example.org",
        "alice@example.org/other",
    ] {
        assert_eq!(carbon(from, "received"), [], "{from}");
        assert_eq!(carbon(from, "sent"), [], "{from}");
    }
    assert_eq!(carbon("alice@example.org", "sent"), []);
    assert!(matches!(
        &carbon("alice@example.org", "received")[..],
        [Event::Message { forwarded_or_archived: true, body, .. }] if body == "hi"
    ));
}

#[test]
fn an_archived_message_is_never_live() {
    for from in ["alice@example.org", "mallory@evil.example"] {
        let archived = format!(
            "<message from='{from}'><result xmlns='urn:xmpp:mam:2'><forwarded xmlns='urn:xmpp:forward:0'>\
             <message xmlns='jabber:client' from='bob@example.net'><body>hi</body></message>\
             </forwarded></result></message>"
        );
        assert_eq!(message(&archived), []);
    }
}

#[test]
fn presence_and_subscriptions_come_in() {
    let from = "from='bob@example.net/phone'";
    let bare = "bob@example.net".parse().unwrap();
    let full: xmpp::Jid = "bob@example.net/phone".parse().unwrap();
    let presence = |available| Event::Presence {
        from: full.clone(),
        available,
    };
    let bob = || BareJid::clone(&bare);
    for (kind, events) in [
        ("", vec![presence(true)]),
        ("type='unavailable'", vec![presence(false)]),
        ("type='subscribe'", vec![Event::SubscriptionRequest(bob())]),
        ("type='subscribed'", vec![Event::Subscribed(bob())]),
        ("type='unsubscribed'", vec![Event::Unsubscribed(bob())]),
        ("type='probe'", vec![]),
        ("type='error'", vec![]),
        ("type='other'", vec![]),
    ] {
        assert_eq!(message(&format!("<presence {from} {kind}/>")), events, "{kind}");
    }
}

#[test]
fn a_message_that_comes_back_is_told_by_its_token() {
    let mut peer = with_bob();
    peer.send(7).unwrap();
    let id = id(&peer.take_said());
    let back = |from: &str| {
        format!(
            "<message type='error' from='{from}' id='{id}'><body>text 7</body><error type='cancel'>\
             <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        )
    };
    let told = |from: &str, token| {
        [Event::MessageError {
            from: from.parse().unwrap(),
            token,
            condition: StanzaCondition::NotFound,
        }]
    };
    peer.hear(&back("mallory@evil.example"));
    assert_eq!(peer.take_events(), told("mallory@evil.example", None));
    peer.hear(&back("bob@example.net"));
    assert_eq!(peer.take_events(), told("bob@example.net", Some(7)));
    peer.hear(&back("bob@example.net"));
    assert_eq!(peer.take_events(), told("bob@example.net", None));
}

#[test]
fn what_alice_says_is_what_she_meant() {
    let said = |command| {
        let mut peer = with_bob();
        peer.command(command).unwrap();
        let said = peer.take_said();
        said.split("<r xmlns").next().unwrap().to_owned()
    };
    let bob: BareJid = "bob@example.net".parse().unwrap();
    let presence =
        |kind: &str| format!("<presence xmlns='jabber:client' type='{kind}' to='bob@example.net'/>");
    for (command, kind) in [
        (Command::Subscribe(bob.clone()), "subscribe"),
        (Command::Approve(bob.clone()), "subscribed"),
        (Command::Refuse(bob.clone()), "unsubscribed"),
        (Command::HideFrom(bob.clone()), "unavailable"),
    ] {
        let said = said(command);
        assert!(
            same(&said.replace("></presence>", "/>"), &presence(kind)),
            "{said}"
        );
    }
    let available = said(Command::SetAvailable).replace("></presence>", "/>");
    assert_eq!(available, "<presence xmlns='jabber:client'/>");
    let gone = said(Command::SetUnavailable).replace("></presence>", "/>");
    assert_eq!(gone, "<presence xmlns='jabber:client' type='unavailable'/>");
    let directed = said(Command::ShowTo(bob.clone())).replace("></presence>", "/>");
    assert_eq!(directed, "<presence xmlns='jabber:client' to='bob@example.net'/>");
    let name = Some("B'<ob".to_owned());
    let add = said(Command::AddContact {
        jid: bob.clone(),
        name,
    });
    assert!(
        add.contains("<item ") && add.contains("jid='bob@example.net'"),
        "{add}"
    );
    assert!(said(Command::RemoveContact(bob)).contains("subscription='remove'"));
    assert!(said(Command::Ping).is_empty());
}

#[test]
fn otr_messages_ask_for_silence() {
    let mut peer = with_bob();
    let mut send = |body: &str, otr| {
        peer.command(Command::Send {
            to: "bob@example.net/phone".parse().unwrap(),
            body: body.to_owned(),
            token: 1,
            otr,
        })?;
        Ok(peer.take_said())
    };
    let said = send("?OTR:AAID.", true).unwrap();
    for part in [
        "<body>?OTR:AAID.</body>",
        "<private xmlns='urn:xmpp:carbons:2'",
        "<no-copy xmlns='urn:xmpp:hints'",
        "<no-permanent-store xmlns='urn:xmpp:hints'",
        "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0'",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!send("hello", false).unwrap().contains("hints"));
    assert_eq!(send("bell \u{7}", false), Err(Error::IllegalCharacter));
    assert_eq!(send("\u{ffff}", true), Err(Error::IllegalCharacter));
    assert_eq!(send(&"x".repeat(2 << 20), true), Err(Error::TooLong));
    assert!(send("<&>]]>'\"\t\n", false).unwrap().contains("&lt;&amp;"));
}

#[test]
fn an_unknown_element_ends_the_stream() {
    for bad in [
        "<x xmlns='y'/>",
        "<iq xmlns='jabber:server'/>",
        "<enabled xmlns='urn:xmpp:sm:3'/>",
    ] {
        let mut peer = with_bob();
        peer.hear(bad);
        assert_eq!(peer.offline(), Some(OfflineReason::UnexpectedElement), "{bad}");
    }
}
