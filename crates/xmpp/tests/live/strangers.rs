//! What a stranger gets who tries everything on somebody who is there, on somebody who is away, and on nobody at all.
//! Must never take for the same what differs in a byte that is not the name. RFC 6121 8.5; XEP-0030, 0092, 0199, 0202.

use xmpp::{Command, Event, Jid, Tls};

use super::client::Client;
use super::server::{DOMAIN, Server};
use super::stories::newcomer;

/// What she tries: `TO` is a bare address, `FULL` one with a program's name.
const PROBES: [&str; 17] = [
    "<presence type='probe' to='TO'/>",
    "<presence type='probe' to='FULL'/>",
    "<presence to='FULL'/>",
    "<presence type='subscribe' to='TO'/>",
    "<iq type='get' id='p' to='TO'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' id='p' to='FULL'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get' id='p' to='TO'><query xmlns='jabber:iq:last'/></iq>",
    "<iq type='get' id='p' to='FULL'><query xmlns='jabber:iq:last'/></iq>",
    "<iq type='get' id='p' to='TO'><time xmlns='urn:xmpp:time'/></iq>",
    "<iq type='get' id='p' to='FULL'><time xmlns='urn:xmpp:time'/></iq>",
    "<iq type='get' id='p' to='TO'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='p' to='FULL'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='get' id='p' to='TO'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<iq type='get' id='p' to='FULL'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<iq type='get' id='p' to='FULL'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    "<message type='chat' id='p' to='TO'><body>?OTRv3?</body><request xmlns='urn:xmpp:receipts'/></message>",
    "<message type='chat' id='p' to='FULL'><body>hello</body><active xmlns='http://jabber.org/protocol/chatstates'/>\
     </message>",
];

/// A program's name that she can only guess.
const GUESS: &str = "phone";

/// Everything that mallory hears after one probe, without names.
fn answers(mallory: &mut Client, alice: &mut Client, probe: &str, who: &Jid, server: &Server) -> String {
    let bare = who.to_bare();
    let probe = probe.replace("TO", bare.as_str()).replace("FULL", who.as_str());
    mallory.heard();
    mallory.write_raw(probe.as_bytes());
    let mut heard = String::new();
    // Long enough for an answer of hers to go all the way.
    for _ in 0..12 {
        alice.live(server);
        mallory.live(server);
        heard += &mallory.heard();
    }
    let name = bare.node().unwrap().to_string();
    sorted(&heard.replace(&name, "NAME"))
}

/// Stanzas with their attributes in order, because servers write them in any, and without the numbers that the server
/// gives to its own; what asks for a count of stanzas (XEP-0198) comes at any time.
fn sorted(heard: &str) -> String {
    let own = |word: &&str| {
        let number = word.starts_with("id='") && *word != "id='p'";
        word.is_empty() || number || word.starts_with("ver='")
    };
    let element = |tag: &str| {
        let (inner, rest) = tag.split_once('>').unwrap_or((tag, ""));
        let quoted = inner.replace('"', "'");
        let alone = quoted.ends_with('/');
        let mut words = quoted.trim_end_matches('/').split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let mut attributes: Vec<&str> = words.filter(|word| !own(word)).collect();
        attributes.sort_unstable();
        let alone = if alone { "/" } else { "" };
        format!("{name} {}{alone}>{rest}", attributes.join(" "))
    };
    let counting = |tag: &&str| tag.is_empty() || tag.starts_with("r ") || tag.starts_with("a ");
    let tags = heard.split('<').filter(|tag| !counting(tag));
    tags.map(element).collect::<Vec<_>>().join("<")
}

/// Mallory tries everything on alice, who is there, on carol, who is away, and on nobody. The name of alice's program is
/// drawn by lot and told to contacts only: whoever knows it gets her program's own refusal.
fn try_everything(server: &Server) {
    let (mut alice, _) = newcomer("alice", Tls::Direct, server);
    let (mut away, _) = newcomer("carol", Tls::Direct, server);
    away.command(Command::GoOffline, server).unwrap();
    let offline = |event: &Event| matches!(event, Event::Offline { .. }).then_some(());
    away.wait(server, "Offline", offline);
    let (mut mallory, _) = newcomer("mallory", Tls::Direct, server);
    mallory.rest(server);
    alice.rest(server);
    for probe in PROBES {
        let view = |name: &str| {
            let who = format!("{name}@{DOMAIN}/{GUESS}").parse().unwrap();
            answers(&mut mallory, &mut alice, probe, &who, server)
        };
        let [there, away, never] = ["alice", "carol", "nemo"].map(view);
        assert_eq!(there, away, "{probe}");
        if probe.starts_with("<message") {
            // Of an account that it does not have the server says so by itself: what is kept for one who is away
            // cannot be kept for nobody. The account shows by that; whether its owner is there does not.
            assert!(
                there.is_empty() && never.contains("error"),
                "{probe}: {there} {never}"
            );
        } else {
            assert_eq!(there, never, "{probe}");
        }
    }
    let messages = |event: &&Event| matches!(event, Event::Message { .. });
    assert_eq!(
        alice.rest(server).iter().filter(messages).count(),
        2,
        "they reached her"
    );
}

#[test]
fn on_prosody_a_stranger_sees_no_difference_between_somebody_there_and_somebody_away_or_nobody() {
    try_everything(&Server::prosody());
}

#[test]
fn on_ejabberd_a_stranger_sees_no_difference_between_somebody_there_and_somebody_away_or_nobody() {
    try_everything(&Server::ejabberd());
}
