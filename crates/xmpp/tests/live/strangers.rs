//! What a stranger gets who tries everything on somebody who is there, on somebody who is away, and on nobody at all.
//! Must never take for the same what differs in a byte that is not the name. RFC 6121 8.5; XEP-0030, 0092, 0199, 0202.

use std::time::Instant;

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

/// Everything that mallory hears after one probe, without the name of whom it was about.
fn answers(mallory: &mut Client, alice: &mut Client, probe: &str, full: &Jid, server: &Server) -> String {
    let bare = full.to_bare();
    let probe = probe.replace("TO", bare.as_str()).replace("FULL", full.as_str());
    mallory.heard();
    mallory.write_raw(probe.as_bytes());
    let (mut heard, start) = (String::new(), Instant::now());
    // Long enough for an answer of hers to go all the way.
    for _ in 0..12 {
        alice.live(server);
        mallory.live(server);
        heard += &mallory.heard();
    }
    assert!(start.elapsed().as_secs() < 20);
    let name = bare.node().unwrap().to_string();
    sorted(&heard.replace(&name, "NAME"))
}

/// Stanzas with their attributes in order: servers write them in any.
fn sorted(heard: &str) -> String {
    let element = |tag: &str| {
        let (inner, rest) = tag.split_once('>').unwrap_or((tag, ""));
        let quoted = inner.replace('"', "'");
        let (inner, alone) = quoted
            .strip_suffix('/')
            .map_or((quoted.as_str(), ""), |inner| (inner, "/"));
        let mut words = inner.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let mut attributes: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        attributes.sort_unstable();
        format!("{name} {}{alone}>{rest}", attributes.join(" "))
    };
    let tags = heard.split('<').filter(|tag| !tag.is_empty());
    tags.map(element).collect::<Vec<_>>().join("<")
}

/// Each probe of somebody who is there, who is away, and who never was; how the answers are.
fn views(server: &Server) -> Vec<(&'static str, [String; 3])> {
    let (mut alice, there) = newcomer("alice", Tls::Direct, server);
    let (mut away, gone) = newcomer("carol", Tls::Direct, server);
    away.command(Command::GoOffline, server).unwrap();
    away.wait(server, "Offline", |event| {
        matches!(event, Event::Offline { .. }).then_some(())
    });
    let (mut mallory, _) = newcomer("mallory", Tls::Direct, server);
    mallory.rest(server);
    alice.rest(server);
    let resource = there.resource().unwrap().as_str();
    let at = |name: &str| format!("{name}@{DOMAIN}/{resource}").parse::<Jid>().unwrap();
    let everybody = [at("alice"), at(gone.node().unwrap().as_str()), at("nemo")];
    PROBES
        .iter()
        .map(|probe| {
            let view = |who: &Jid| answers(&mut mallory, &mut alice, probe, who, server);
            (*probe, everybody.each_ref().map(view))
        })
        .collect()
}

#[test]
fn on_prosody_a_stranger_sees_no_difference_between_somebody_there_and_somebody_away_or_nobody() {
    for (probe, view) in views(&Server::prosody()) {
        println!(
            "{probe}\n there {}\n away  {}\n never {}",
            view[0], view[1], view[2]
        );
    }
    panic!();
}

#[test]
fn on_ejabberd_a_stranger_sees_no_difference_between_somebody_there_and_somebody_away_or_nobody() {
    for (probe, view) in views(&Server::ejabberd()) {
        println!(
            "{probe}\n there {}\n away  {}\n never {}",
            view[0], view[1], view[2]
        );
    }
    panic!();
}
