//! What the lab offers, seen from inside: names through Tor, a server that dies and comes back,
//! circuits that are cut, a network that stalls, a partner on libotr.
//! Runs inside a lab: `otter-lab-net run -- cargo nextest run -p lab -E 'test(/^lab_/)'`.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "looks at the network without Tor too; a failed step is a failed test"
)]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lab::{Lab, OtrPeer, PeerPolicy, connect_through_tor};

const PATIENCE: Duration = Duration::from_secs(30);

/// Opens an XMPP stream and reads until the server has said what it offers.
fn features(stream: &mut TcpStream, host: &str) -> String {
    let open = format!(
        "<stream:stream to='{host}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(open.as_bytes()).unwrap();
    let mut said = Vec::new();
    let mut part = [0; 4096];
    while !String::from_utf8_lossy(&said).contains("</stream:features>") {
        let length = stream.read(&mut part).unwrap();
        assert_ne!(
            length,
            0,
            "the server hung up after {}",
            String::from_utf8_lossy(&said)
        );
        said.extend(&part[..length]);
    }
    String::from_utf8(said).unwrap()
}

fn echoes(stream: &mut TcpStream, wait: Duration) -> std::io::Result<bool> {
    stream.set_read_timeout(Some(wait))?;
    stream.write_all(b"otter")?;
    let mut back = [0; 5];
    stream.read_exact(&mut back)?;
    Ok(&back == b"otter")
}

#[test]
fn lab_there_is_no_network_but_its_own() {
    let lab = Lab::find().unwrap();
    if !lab.info().isolated {
        return;
    }
    let devices = fs::read_to_string("/proc/net/dev").unwrap();
    let names: Vec<_> = devices
        .lines()
        .skip(2)
        .filter_map(|line| line.split(':').next())
        .map(str::trim)
        .collect();
    assert_eq!(names, ["lo"]);
    let error = TcpStream::connect("192.0.2.1:80").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
}

#[test]
fn lab_the_server_is_reached_by_name_and_by_onion() {
    let lab = Lab::find().unwrap();
    let _turn = lab.share().unwrap();
    let info = lab.info();
    for host in [&info.domain, &info.onion] {
        let mut stream = connect_through_tor(info.socks, host, info.ports.xmpp).unwrap();
        let said = features(&mut stream, &info.domain);
        assert!(said.contains("urn:ietf:params:xml:ns:xmpp-tls"), "{said}");
        assert!(
            !said.contains("<mechanism>"),
            "nobody logs in to this host without TLS: {said}"
        );
        connect_through_tor(info.socks, host, info.ports.xmpp_tls).unwrap();
    }
}

#[test]
fn lab_accounts_at_the_onion_host_log_in_without_tls_but_not_with_plain_passwords() {
    let lab = Lab::find().unwrap();
    let _turn = lab.share().unwrap();
    let info = lab.info();
    let mut stream = connect_through_tor(info.socks, &info.onion, info.onion_plain_port).unwrap();
    let said = features(&mut stream, &info.onion);
    assert!(said.contains("<mechanism>SCRAM-SHA-1</mechanism>"), "{said}");
    assert!(
        !said.contains("PLAIN<") && !said.contains("<required/>"),
        "{said}"
    );
}

#[test]
fn lab_names_that_do_not_exist_lead_nowhere() {
    let lab = Lab::find().unwrap();
    let _turn = lab.share().unwrap();
    let refused = connect_through_tor(lab.info().socks, "other.otter.test", 5222).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn lab_bytes_come_back_whole_from_the_other_end_of_tor() {
    let lab = Lab::find().unwrap();
    let _turn = lab.share().unwrap();
    let info = lab.info();
    for host in [&info.domain, &info.onion] {
        let mut stream = connect_through_tor(info.socks, host, info.ports.echo).unwrap();
        let sent: Vec<u8> = (0..300_000_u32)
            .map(|number| number.to_le_bytes()[usize::from(number % 2 == 0)])
            .collect();
        let mut writer = stream.try_clone().unwrap();
        let copy = sent.clone();
        let writing = std::thread::spawn(move || writer.write_all(&copy));
        let mut back = vec![0; sent.len()];
        stream.read_exact(&mut back).unwrap();
        writing.join().unwrap().unwrap();
        assert!(sent == back);
    }
}

#[test]
fn lab_the_server_is_killed_and_comes_back_with_its_accounts() {
    let lab = Lab::find().unwrap();
    let _turn = lab.alone().unwrap();
    let (info, control) = (lab.info(), lab.control());
    control.register("phoenix", "secret", None).unwrap();
    control.kill_xmpp().unwrap();
    assert!(control.status().unwrap().ended.contains(&"prosody".to_owned()));
    assert!(TcpStream::connect(("127.0.0.1", info.ports.xmpp)).is_err());
    control.start_xmpp().unwrap();
    let mut peer = OtrPeer::start(info, "phoenix", "secret", PeerPolicy::Required, 0).unwrap();
    assert!(
        peer.wait_for("ready", PATIENCE)
            .unwrap()
            .starts_with("phoenix@chat.otter.test/")
    );
}

#[test]
fn lab_cut_circuits_end_the_streams_to_the_server() {
    let lab = Lab::find().unwrap();
    let _turn = lab.alone().unwrap();
    let (info, control) = (lab.info(), lab.control());
    let streams = [&info.domain, &info.onion].map(|host| {
        let mut stream = connect_through_tor(info.socks, host, info.ports.xmpp).unwrap();
        features(&mut stream, &info.domain);
        stream
    });
    let cut = control.cut_circuits().unwrap();
    assert!(!cut.exits.is_empty() && cut.onion_circuits > 0, "{cut:?}");
    for mut stream in streams {
        let read = stream.read(&mut [0; 100]);
        assert!(matches!(read, Ok(0)) || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
    assert!(control.status().unwrap().ended.is_empty());
    for host in [&info.domain, &info.onion] {
        let again = (0..20).find_map(|_| connect_through_tor(info.socks, host, info.ports.xmpp).ok());
        features(&mut again.unwrap(), &info.domain);
    }
}

#[test]
fn lab_a_stalled_network_keeps_its_streams_and_goes_on() {
    let lab = Lab::find().unwrap();
    let _turn = lab.alone().unwrap();
    let (info, control) = (lab.info(), lab.control());
    let mut stream = connect_through_tor(info.socks, &info.domain, info.ports.echo).unwrap();
    assert!(echoes(&mut stream, PATIENCE).unwrap());
    control.stop_tor().unwrap();
    let stalled = echoes(&mut stream, Duration::from_secs(1)).unwrap_err();
    control.cont_tor().unwrap();
    assert!(
        matches!(stalled.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{stalled}"
    );
    assert!(echoes(&mut stream, PATIENCE).unwrap());
}

#[test]
fn lab_two_peers_talk_otr_and_the_wiretap_sees_only_that() {
    let lab = Lab::find().unwrap();
    let _turn = lab.share().unwrap();
    let (info, control) = (lab.info(), lab.control());
    let start = |user, policy, fragment| {
        control.register(user, "secret", None).unwrap();
        let mut peer = OtrPeer::start(info, user, "secret", policy, fragment).unwrap();
        let fingerprint = peer.wait_for("fingerprint", PATIENCE).unwrap();
        peer.wait_for("ready", PATIENCE).unwrap();
        (peer, fingerprint)
    };
    let (mut alice, alices) = start("wire-alice", PeerPolicy::Required, 0);
    let (mut bob, bobs) = start("wire-bob", PeerPolicy::Manual, 500);
    let texts = [
        "سلام 👋".to_owned(),
        "?OTR is how this begins".to_owned(),
        "long ".repeat(4000),
    ];
    let (to_bob, to_alice) = (bob.jid().to_owned(), alice.jid().to_owned());
    alice.send(&to_bob, &texts[0]).unwrap();
    assert_eq!(
        alice.wait_for("private", PATIENCE).unwrap(),
        format!("{to_bob} {bobs}")
    );
    assert_eq!(
        bob.wait_for("private", PATIENCE).unwrap(),
        format!("{to_alice} {alices}")
    );
    let got = bob.next_message(PATIENCE).unwrap();
    assert!(got.encrypted && got.text == texts[0], "{got:?}");
    for text in &texts[1..] {
        bob.send(&to_alice, text).unwrap();
        let got = alice.next_message(PATIENCE).unwrap();
        assert!(got.encrypted && got.text == *text);
    }
    bob.command(&["end", &to_alice]).unwrap();
    assert_eq!(alice.wait_for("finished", PATIENCE).unwrap(), to_bob);
    let bodies = bodies_between(&fs::read_to_string(&info.wiretap).unwrap(), "wire-");
    assert!(
        bodies.len() > 40,
        "fragments are there one by one: {}",
        bodies.len()
    );
    assert!(bodies.iter().all(|body| body.starts_with("?OTR")));
}

#[test]
fn lab_the_wiretap_sees_what_is_sent_in_the_clear() {
    let lab = Lab::find().unwrap();
    let _turn = lab.share().unwrap();
    let (info, control) = (lab.info(), lab.control());
    let mut peers = ["clear-alice", "clear-bob"].map(|user| {
        control.register(user, "secret", None).unwrap();
        let mut peer = OtrPeer::start(info, user, "secret", PeerPolicy::Manual, 0).unwrap();
        peer.wait_for("ready", PATIENCE).unwrap();
        peer
    });
    let to = peers[1].jid().to_owned();
    peers[0].send_raw(&to, "attack at dawn").unwrap();
    let got = peers[1].next_message(PATIENCE).unwrap();
    assert!(!got.encrypted && got.text == "attack at dawn", "{got:?}");
    let bodies = bodies_between(&fs::read_to_string(&info.wiretap).unwrap(), "clear-");
    assert_eq!(bodies, ["attack at dawn", "attack at dawn"], "once in, once out");
}

/// Bodies of wiretapped messages whose two ends begin with `prefix`.
fn bodies_between(wiretap: &str, prefix: &str) -> Vec<String> {
    let lines = wiretap
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let between = |line: &serde_json::Value| {
        ["from", "to"]
            .iter()
            .all(|end| line[*end].as_str().unwrap().starts_with(prefix))
    };
    lines
        .filter(between)
        .map(|line| line["body"].as_str().unwrap().to_owned())
        .collect()
}
