//! The demo: from two empty folders to twenty messages, told step by step.
//! The verdict counts what really came, and is good only if every text came once, encrypted, by Tor.

use std::io::Write;
use std::time::{Duration, SystemTime};

use model::{Delivery, Transport};
use serde_json::{Map, Value, json};

use crate::{Home, Otter, PASSPHRASE, Place, SOON, Trouble, proof};

/// What the demo is about to say.
struct Teller {
    json: bool,
    /// Unix time in seconds at which `./run` was typed.
    start: f64,
}

/// What came of it.
#[derive(Default)]
struct Count {
    sent: usize,
    received_once: usize,
    encrypted: usize,
}

/// Two people and what they are called.
struct Pair {
    alice: Someone,
    bob: Someone,
}

struct Someone {
    name: &'static str,
    otter: Otter,
    _home: Home,
    jid: String,
    account: model::AccountId,
}

/// Tells the demo; whether all of it really happened.
pub fn run(json: bool) -> bool {
    let teller = Teller::new(json);
    let mut count = Count::default();
    let result = Place::find().and_then(|place| story(&place, &teller, &mut count));
    let complete = count.sent == 20 && count.received_once == 20 && count.encrypted == 20;
    let why = match &result {
        Ok(connections) if complete => {
            format!(
                "every text arrived exactly once, encrypted, over Tor; {connections} connections to relays and no other socket"
            )
        }
        Ok(_) => "not every text arrived exactly once and encrypted".to_owned(),
        Err(trouble) => trouble.to_string(),
    };
    let ok = result.is_ok() && complete;
    teller.verdict(ok, &count, &why);
    ok
}

fn story(place: &Place, teller: &Teller, count: &mut Count) -> Result<usize, Trouble> {
    let mut pair = meet(place, teller)?;
    let texts = texts();
    for (number, text) in texts.iter().enumerate() {
        let answer = format!("answer {number}: {text}");
        let (alice, bob) = (&mut pair.alice, &mut pair.bob);
        exchange(teller, alice, bob, text, number)?;
        exchange(teller, bob, alice, &answer, number)?;
        count.sent += 2;
    }
    // What comes late, or twice, comes now.
    pair.alice.otter.listen(Duration::from_secs(3))?;
    pair.bob.otter.listen(Duration::from_secs(1))?;
    for (number, text) in texts.iter().enumerate() {
        let answer = format!("answer {number}: {text}");
        for (otter, text) in [(&pair.bob.otter, text.clone()), (&pair.alice.otter, answer)] {
            let (encrypted, plain) = otter.received().get(&text).copied().unwrap_or_default();
            count.received_once += usize::from(encrypted + plain == 1);
            count.encrypted += usize::from(encrypted == 1 && plain == 0);
        }
    }
    prove(place, teller, pair)
}

fn meet(place: &Place, teller: &Teller) -> Result<Pair, Trouble> {
    let mut alice = begin(place, teller, "alice")?;
    let mut bob = begin(place, teller, "bob")?;
    register(place, teller, &mut alice, Transport::DirectTls)?;
    register(place, teller, &mut bob, Transport::StartTls)?;
    alice.otter.add_contact(alice.account, &bob.jid)?;
    teller.step(
        "contact_asked",
        "alice asks bob to be her contact",
        &json!({ "who": "alice" }),
    );
    bob.otter.accept_contact(bob.account, &alice.jid, SOON)?;
    teller.step("contact_accepted", "bob accepts", &json!({ "who": "bob" }));
    Ok(Pair { alice, bob })
}

fn begin(place: &Place, teller: &Teller, name: &'static str) -> Result<Someone, Trouble> {
    let home = Home::new(place, name)?;
    let mut otter = Otter::start(place, name, home.path())?;
    teller.step(
        "started",
        &format!("{name} starts supervisor, engine and gate"),
        &json!({ "who": name }),
    );
    otter.create_profile(PASSPHRASE)?;
    teller.step(
        "profile",
        &format!("{name} has a sealed profile"),
        &json!({ "who": name }),
    );
    otter.wait_for_tor(SOON)?;
    teller.step(
        "tor",
        &format!("{name} is connected to the private Tor network"),
        &json!({ "who": name }),
    );
    let jid = format!("{}@{}", place.fresh(name), place.info().domain);
    Ok(Someone {
        name,
        otter,
        _home: home,
        jid,
        account: model::AccountId(0),
    })
}

fn register(place: &Place, teller: &Teller, who: &mut Someone, transport: Transport) -> Result<(), Trouble> {
    // One by the name that only Tor's exits resolve, the other by the server's onion service.
    let (server, way) = match transport {
        Transport::DirectTls => (place.by_name(transport), "by an exit and direct TLS"),
        _ => (place.by_onion(transport), "by its onion service and STARTTLS"),
    };
    let pin = place.info().spki_sha256.clone();
    let added = who
        .otter
        .add_account(&who.jid, "the demo's word", Some(server), true, &[&pin])?;
    who.account = added.account;
    who.otter.wait_online(added.account, SOON)?;
    let name = who.name;
    let more = json!({ "who": name, "fingerprint": added.fingerprint, "way": way });
    teller.step(
        "online",
        &format!("{name} has registered and is online, {way}"),
        &more,
    );
    Ok(())
}

fn exchange(
    teller: &Teller,
    from: &mut Someone,
    to: &mut Someone,
    text: &str,
    number: usize,
) -> Result<(), Trouble> {
    let id = from.otter.send(from.account, &to.jid, text)?;
    to.otter.wait_for_text(text, SOON)?;
    let fate = from.otter.wait_for_fate(&id, SOON)?;
    if fate != Delivery::Received {
        return Err(Trouble::new(format!(
            "a message of {} is {fate:?} although it arrived",
            from.name
        )));
    }
    let shown: String = text.chars().take(30).collect();
    let (from, to) = (from.name, to.name);
    let more = json!({ "from": from, "to": to, "number": number, "bytes": text.len() });
    teller.step(
        "message",
        &format!("{from} to {to}: {shown:?} ({} bytes), confirmed", text.len()),
        &more,
    );
    Ok(())
}

fn prove(place: &Place, teller: &Teller, pair: Pair) -> Result<usize, Trouble> {
    let crossed = proof::crossed(place, &pair.alice.jid, &pair.bob.jid)?;
    if let Some(clear) = crossed.iter().find(|crossed| !crossed.body.starts_with("?OTR")) {
        return Err(Trouble::new(format!(
            "The server saw something that is not OTR: {:?}",
            clear.body
        )));
    }
    let more = json!({ "messages": crossed.len() });
    teller.step(
        "wiretap",
        &format!("the server saw {} messages, nothing but ?OTR", crossed.len()),
        &more,
    );
    let mut connections = 0;
    for who in [&pair.alice, &pair.bob] {
        connections += proof::only_relays(place, &who.otter)?;
    }
    let more = json!({ "connections": connections });
    let text = format!(
        "{connections} connections, all from the gates to private relays; no UDP, none of the engines"
    );
    teller.step("sockets", &text, &more);
    pair.alice.otter.stop()?;
    pair.bob.otter.stop()?;
    teller.step("stopped", "both messengers ended", &json!({}));
    Ok(connections)
}

fn texts() -> Vec<String> {
    let long: String = "twenty thousand bytes, ".chars().cycle().take(20_000).collect();
    let short = [
        "hello",
        "سلام، هل تصلك رسائلي؟",
        "🦦🔐 emoji, and a flag: 🏳️‍🌈",
        "?OTR: this line only looks like it",
        "?OTRv3? neither does this one start anything",
        "two lines\nin one message",
        "<b>not markup</b> & not an entity &amp;",
        "/me waves",
        "فارسی: گفتگوی خصوصی",
    ];
    short.into_iter().map(str::to_owned).chain([long]).collect()
}

impl Teller {
    fn new(json: bool) -> Self {
        let given = std::env::var("OTTER_DEMO_START")
            .ok()
            .and_then(|text| text.parse().ok());
        Self {
            json,
            start: given.unwrap_or_else(unix_time),
        }
    }

    fn step(&self, step: &str, text: &str, more: &Value) {
        if !self.json {
            return self.line(&format!("demo {:6.1} s  {text}", self.at()));
        }
        let mut object = Map::new();
        object.insert("at".to_owned(), json!(self.at()));
        object.insert("step".to_owned(), json!(step));
        object.insert("text".to_owned(), json!(text));
        object.extend(more.as_object().cloned().unwrap_or_default());
        self.line(&Value::Object(object).to_string());
    }

    fn verdict(&self, ok: bool, count: &Count, why: &str) {
        let Count {
            sent,
            received_once,
            encrypted,
        } = count;
        if self.json {
            let verdict = json!({
                "at": self.at(), "step": "verdict", "ok": ok, "sent": sent, "received_once": received_once,
                "encrypted": encrypted, "why": why,
            });
            return self.line(&verdict.to_string());
        }
        let word = if ok { "IT WORKS" } else { "IT FAILED" };
        let counts = format!("{sent} sent, {received_once} received once, {encrypted} encrypted");
        self.line(&format!("demo {:6.1} s  {word}: {counts}: {why}", self.at()));
    }

    /// Seconds since the start, to a tenth.
    fn at(&self) -> f64 {
        ((unix_time() - self.start) * 10.0).round() / 10.0
    }

    fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // Where nobody listens the exit code still tells.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

fn unix_time() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}
