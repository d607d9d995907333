//! Figures of this crate beside those of the real libstrophe, measured in turns in the same run.
//! Must never print a figure of one side without the other's.
//! Standard: none. One JSON object a line; `--list` names the figures. Needs `cc` and `libstrophe-dev`.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a harness that compiles and runs its peer, prints figures and may stop at the first surprise"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use xmpp::{BareJid, Config, Event, Input, Output, Session, Tls};

const NAME: &str = "xmpp.stanzas_per_second";
/// Rounds of which the median counts.
const ROUNDS: usize = 7;
/// Stanzas a round.
const STANZAS: u32 = 20_000;
/// The least ratio of our rate to libstrophe's, which does neither guards nor addresses nor counting.
const GOAL: f64 = 0.7;

const STANZA: &str = "<message xmlns='jabber:client' type='chat' id='2d9c2e3e-64f1-4d37-a1f2-bb5b0a1c9a11' \
    to='alice@example.org/0123456789' from='bob@example.org/9876543210'>\
    <body>?OTR:AAMDRMZ1S3bKcAIAAAAAAQAAAAIAAADAVJ4Ufq9Wf0bJmVv1T1Qk7v0pYw2n5m8r1x4.</body>\
    <private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>\
    <no-permanent-store xmlns='urn:xmpp:hints'/><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0'/>\
    </message>";

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        println!("{NAME}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for the peer");
    build_peer(folder.path());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(take_in());
        theirs.push(run_peer(folder.path()));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours / theirs;
    let met = ratio >= GOAL;
    println!(
        "{{\"figure\": \"{NAME}\", \"ours\": {ours:.0}, \"peer\": \"libstrophe 0.12.2\", \"theirs\": {theirs:.0}, \
         \"unit\": \"1/s\", \"ratio\": {ratio:.2}, \"goal\": {GOAL}, \"met\": {met}}}"
    );
}

/// From bytes of an open stream to events: framing, guards, addresses, counting.
fn take_in() -> f64 {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let jid = BareJid::new("alice@example.org").expect("an address");
    let mut config = Config::new(jid, String::from("secret").into());
    config.tls = Tls::Direct;
    config.allow_plain = true;
    let mut session = Session::new(config);
    let header =
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
    let features = format!(
        "{header}<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>\
         </mechanisms></stream:features>"
    );
    let now = Duration::ZERO;
    session.handle(Input::Connected, now, &mut rng).expect("a step");
    session
        .handle(Input::Bytes(features.as_bytes()), now, &mut rng)
        .expect("a step");
    let bind = format!("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>{header}<stream:features/>");
    session
        .handle(Input::Bytes(bind.as_bytes()), now, &mut rng)
        .expect("a step");
    let mut said = String::new();
    while let Some(output) = session.poll() {
        if let Output::Send(bytes) = output {
            said = String::from_utf8_lossy(&bytes).replace('"', "'");
        }
    }
    let id = said
        .split("id='")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .expect("an id");
    let bound = format!(
        "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.org/r</jid></bind></iq>"
    );
    session
        .handle(Input::Bytes(bound.as_bytes()), now, &mut rng)
        .expect("a step");
    let stream = STANZA.repeat(usize::try_from(STANZAS).expect("a count"));
    let begin = processor_seconds();
    let mut messages = 0;
    for bytes in stream.as_bytes().chunks(4_096) {
        session
            .handle(Input::Bytes(bytes), now, &mut rng)
            .expect("a step");
        while let Some(output) = session.poll() {
            if matches!(output, Output::Event(Event::Message { .. })) {
                messages += 1;
            }
        }
    }
    let elapsed = processor_seconds() - begin;
    assert_eq!(messages, STANZAS, "every stanza is a message");
    f64::from(STANZAS) / elapsed
}

/// Seconds that this thread has had of a processor: the same clock as the peer's, whatever else runs.
fn processor_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel's count");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("a number") / 1e9
}

fn build_peer(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/strophe_peer.c");
    fs::write(folder.join("stanza"), STANZA).expect("a file for the peer");
    let built = Command::new("cc")
        .arg("-O2")
        .arg(source)
        .arg("-o")
        .arg(folder.join("peer"))
        .arg("-lstrophe")
        .status();
    let hint = "the peer was not built: apt-get install gcc libstrophe-dev";
    assert!(built.expect(hint).success(), "{hint}");
}

fn run_peer(folder: &Path) -> f64 {
    let output = Command::new(folder.join("peer"))
        .arg(folder.join("stanza"))
        .arg(STANZAS.to_string())
        .output()
        .expect("the peer runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let nanoseconds: f64 = text.trim().parse().expect("the peer's figure");
    f64::from(STANZAS) * 1e9 / nanoseconds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
