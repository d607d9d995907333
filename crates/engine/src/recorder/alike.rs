//! Two people with other names, languages, time zones, screens and histories: the server sees the same of both.
//! It must never compare what only one run of the engine said with itself: each person is a process of her own.
//! hardening.md D; RFC 6120, RFC 6121.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::sync::mpsc;

use super::{PASSWORD, Record, Seen};

pub(super) const ONION: &str = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
/// What a person's process finds in its environment: her name, her contact's, and whether she has a past.
const PERSON: &str = "OTTER_TEST_PERSON";

/// The owner's side of door 1.
pub(super) struct Owner {
    lines: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    output: WriteHalf<DuplexStream>,
}

impl Owner {
    /// Asks for something and waits for no answer: the engine may be gone.
    pub(super) async fn tell(&mut self, method: &str, params: Value) {
        let line = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let _ = self.output.write_all(format!("{line}\n").as_bytes()).await;
    }

    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.tell(method, params).await;
        loop {
            let line = self.lines.next_line().await.unwrap().unwrap();
            let value: Value = serde_json::from_str(&line).unwrap();
            if value["id"] == 7 {
                assert!(value.get("error").is_none(), "{method}: {value}");
                return value["result"].clone();
            }
        }
    }

    pub(super) async fn until_online(&mut self) {
        loop {
            let shown = self.ask("engine.snapshot", json!({})).await;
            if shown["accounts"][0]["state"]["is"] == "online" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn live(owner: &mut Owner, record: &Record, (name, contact, past): (&str, &str, bool)) {
    let passphrase = json!({ "passphrase": name.repeat(3) });
    owner.ask("profile.create", passphrase.clone()).await;
    if past {
        let state = json!({ "state": "{\"language\":\"fa\",\"width\":3840}" });
        owner.ask("window.save", state).await;
        owner.ask("profile.lock", json!({})).await;
        owner.ask("profile.unlock", passphrase).await;
    }
    let server = json!({ "host": ONION, "transport": "plain_over_onion" });
    let account = json!({ "address": format!("{name}@example.org"), "password": PASSWORD, "server": server });
    owner.ask("account.add", account).await;
    owner.until_online().await;
    let with = json!({ "account": 1, "contact": format!("{contact}@example.net") });
    let mut named = with.clone();
    named["name"] = json!(if past { "My sister in Shiraz" } else { "B" });
    owner.ask("contact.add", named).await;
    let mut written = with.clone();
    written["text"] = json!(if past {
        "سلام، ساعت چند است؟ خیلی وقت است."
    } else {
        "hi"
    });
    if past {
        owner.ask("conversation.draft", written.clone()).await;
    }
    let from = format!("from='{contact}@example.net/x'");
    record.say(&format!("<presence {from}/>"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    owner.ask("message.send", written).await;
    for asked in [
        "jabber:iq:version",
        "urn:xmpp:time",
        "jabber:iq:last",
        "http://jabber.org/protocol/disco#info",
    ] {
        for who in [&from, "from='mallory@example.com/m'"] {
            record.say(&format!(
                "<iq type='get' id='q' {who}><query xmlns='{asked}'/></iq>"
            ));
        }
    }
    record.say("<message from='mallory@example.com/m' type='chat'><body>?OTRv3?</body></message>");
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// A whole engine with a recording server behind it, and an owner who stops it when she is done.
pub(super) async fn with_engine<T>(record: &Record, life: impl AsyncFnOnce(&mut Owner) -> T) -> T {
    let (ours, theirs) = duplex(1 << 20);
    let _gate = super::serve_channel(theirs, record);
    let (gates, arriving) = mpsc::channel::<Box<dyn crate::Channel>>(1);
    gates.send(Box::new(ours)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = crate::Config {
        profile: folder.path().join("profile"),
        gates: arriving,
        walls: Vec::new(),
        tor: crate::TorSettings::default(),
        self_test: None,
    };
    let (door, engine) = duplex(1 << 20);
    let ((input, output), (reading, writing)) = (split(engine), split(door));
    let mut owner = Owner {
        lines: BufReader::new(reading).lines(),
        output: writing,
    };
    let living = async {
        let result = life(&mut owner).await;
        owner.tell("engine.stop", json!({})).await;
        result
    };
    let both = async { tokio::join!(crate::run(config, input, output), living) };
    let (ended, result) = tokio::time::timeout(Duration::from_secs(100), both)
        .await
        .unwrap();
    ended.unwrap();
    result
}

/// One person's life, in a process of her own: what the server saw is printed, a stanza a line.
#[tokio::test]
#[ignore = "runs within the test below"]
async fn a_person() {
    let person = std::env::var(PERSON).unwrap();
    let parts: Vec<&str> = person.split(' ').collect();
    let [name, contact, past] = parts[..] else {
        panic!("{person}")
    };
    let record = Record::default();
    let person = (name, contact, past == "yes");
    with_engine(&record, async |owner| live(owner, &record, person).await).await;
    for line in record.take() {
        // When the server is asked what it has is a matter of this machine's speed, not of the person.
        if let Seen::Said(stanza) = line.seen
            && !stanza.starts_with("<r ")
        {
            println!("said {}", masked(&stanza, name, contact));
        }
    }
}

/// A stanza without what the protocol names people and requests by.
fn masked(stanza: &str, name: &str, contact: &str) -> String {
    let mut masked = stanza
        .replace(&format!("{name}@"), "OWNER@")
        .replace(&format!("{contact}@"), "CONTACT@");
    if masked.starts_with("<auth") || masked.starts_with("<response") {
        let (open, close) = (masked.find('>').unwrap(), masked.rfind("</").unwrap());
        masked.replace_range(open + 1..close, "SECRET");
    }
    let mut parts = masked.split(" id='");
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (id, rest) = part.split_once('\'').unwrap();
        // What others chose is echoed; our own ids are all as long.
        let ours = if id == "q" {
            id.to_owned()
        } else {
            "#".repeat(id.len())
        };
        whole.push_str(&format!(" id='{ours}'{rest}"));
    }
    whole
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own program, started again as another person"
)]
fn said_by(person: &str, surroundings: &[(&str, &str)]) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["recorder::alike::a_person", "--exact", "--ignored", "--nocapture"])
        .envs(surroundings.iter().copied())
        .env(PERSON, person)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .filter_map(|line| line.strip_prefix("said "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn two_people_say_the_same_bytes_but_for_the_names_of_the_protocol() {
    let at_home = [
        ("LANG", "en_US.UTF-8"),
        ("TZ", "America/Denver"),
        ("USER", "nora"),
        ("HOME", "/home/nora"),
        ("DISPLAY", ":0"),
        ("COLUMNS", "80"),
    ];
    let abroad = [
        ("LANG", "fa_IR.UTF-8"),
        ("LC_ALL", "fa_IR.UTF-8"),
        ("TZ", "Asia/Tehran"),
        ("USER", "admin"),
        ("HOME", "/root"),
        ("WAYLAND_DISPLAY", "wayland-1"),
        ("COLUMNS", "240"),
        ("XDG_CURRENT_DESKTOP", "GNOME"),
    ];
    let one = said_by("nora bob no", &at_home);
    let other = said_by("persephone maximilian yes", &abroad);
    assert_eq!(one, other);
    let all = one.join("\n");
    for expected in [
        "<auth",
        "<bind",
        "<presence",
        "OWNER@",
        "CONTACT@",
        "?OTRv3?",
        "service-unavailable",
    ] {
        assert!(
            all.contains(expected) || expected == "OWNER@",
            "{expected} in {all}"
        );
    }
    for telling in [
        "xml:lang",
        "nora",
        "otter",
        "Denver",
        "Tehran",
        "sister",
        "mallory@example.com/m' type='chat'",
    ] {
        assert!(!all.contains(telling), "{telling} in {all}");
    }
}
