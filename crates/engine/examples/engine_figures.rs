//! Figures of the engine alone: a thousand conversations, a hundred thousand messages, and then nothing to do.
//! Must never count what this harness does as the engine's doing: the engine has a thread of its own.
//! Standard: none. One JSON object a line; `--list` names the figures. Gate and server are in memory.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a harness that prints figures and may stop at the first surprise"
)]

use std::future::poll_fn;
use std::time::{Duration, Instant};

use dial::{GateStatus, Phase};
use door::{Answer, Header, LineReader};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::sync::mpsc;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use yamux::{Config, Connection, Mode};

#[path = "../src/recorder/server.rs"]
mod server;

type Side = Compat<yamux::Stream>;
/// Where the harness takes the server's words from.
type Mouth = mpsc::UnboundedSender<String>;

const NAMES: [&str; 5] = [
    "engine.memory",
    "engine.conversation_of_200",
    "engine.snapshot_of_everything",
    "engine.events",
    "engine.idle_wakes",
];
const CONVERSATIONS: usize = 1_000;
const MESSAGES: usize = 100_000;
/// Messages in the conversation that is asked for.
const SHOWN: usize = 200;
/// Stanzas that the server says at once.
const BURST: usize = 100;
/// How far the server may be ahead of the reader: door 1 drops events for one that is 10,000 behind.
const AHEAD: usize = 4_000;
/// Rounds of which the median counts.
const ROUNDS: usize = 21;
/// How long the profile takes to be written whole after a change: that is no idling.
const SETTLED: Duration = Duration::from_secs(70);
/// How long nothing happens while wakes are counted.
const QUIET: Duration = Duration::from_secs(60);
const ONION: &str = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        NAMES.iter().for_each(|name| println!("{name}"));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, theirs) = duplex(1 << 20);
    let (mouth, mut mouths) = mpsc::unbounded_channel();
    tokio::spawn(gate(theirs, mouth));
    let (mut owner, thread) = start(folder.path(), ours);
    owner.settle_in().await;
    let says = mouths.recv().await.expect("the account's stream");
    let before = resident_mib();
    let events = hear(&mut owner, &says).await;
    let memory = resident_mib();
    let shown = json!({ "account": 1, "contact": contact(0) });
    let conversation = owner.time("conversation.show", &shown).await;
    let whole = owner.time("engine.snapshot", &json!({})).await;
    // Whatever is still being said is said, and the profile is written whole, once, a minute after its last change.
    tokio::time::sleep(SETTLED).await;
    let woken = wakes(&thread);
    tokio::time::sleep(QUIET).await;
    let woken = wakes(&thread) - woken;
    print(NAMES[0], memory, "MiB", None);
    print("engine.memory_of_messages", memory - before, "MiB", None);
    print(NAMES[1], conversation, "ms", Some((50.0, conversation <= 50.0)));
    print(NAMES[2], whole, "ms", None);
    print(NAMES[3], events, "1/s", Some((20_000.0, events >= 20_000.0)));
    let woken = woken / QUIET.as_secs_f64();
    print(NAMES[4], woken, "1/s", Some((0.1, woken <= 0.1)));
}

fn print(name: &str, ours: f64, unit: &str, goal: Option<(f64, bool)>) {
    let ours = (ours * 100.0).round() / 100.0;
    let (goal, met) = goal.unzip();
    let line = json!({
        "figure": name, "ours": ours, "peer": null, "theirs": null, "unit": unit, "ratio": null, "goal": goal,
        "met": met,
    });
    println!("{line}");
}

fn contact(number: usize) -> String {
    format!("c{number}@example.net")
}

/// The rate at which messages that the server says come out of door 1 as events.
async fn hear(owner: &mut Owner, says: &Mouth) -> f64 {
    let words = "A text as people write them, not long and not short: see you at seven.";
    let started = Instant::now();
    let all = (0..MESSAGES).map(|n| if n < SHOWN { 0 } else { 1 + n % (CONVERSATIONS - 1) });
    let (mut burst, mut came) = (String::new(), 0);
    for (n, of) in all.enumerate() {
        let from = contact(of);
        burst += &format!("<message from='{from}/x' id='m{n}' type='chat'><body>{words}</body></message>");
        if n % BURST == BURST - 1 {
            says.send(std::mem::take(&mut burst)).expect("the server");
            while came + AHEAD < n {
                came += owner.message().await;
            }
        }
    }
    while came < MESSAGES {
        came += owner.message().await;
    }
    MESSAGES as f64 / started.elapsed().as_secs_f64()
}

/// The owner's side of door 1.
struct Owner {
    lines: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    output: WriteHalf<DuplexStream>,
}

impl Owner {
    async fn line(&mut self) -> String {
        self.lines.next_line().await.expect("a line").expect("no end")
    }

    /// 1 for an event that tells of a message, 0 for another line.
    async fn message(&mut self) -> usize {
        let line = self.line().await;
        assert!(!line.contains("\"events_lost\""), "the reader was too slow");
        usize::from(line.contains("\"message_changed\""))
    }

    async fn ask(&mut self, method: &str, params: &Value) -> String {
        let line = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let line = format!("{line}\n");
        self.output.write_all(line.as_bytes()).await.expect("the door");
        loop {
            let line = self.line().await;
            // An event has no number.
            if line.contains("\"id\":7") {
                assert!(!line.contains("\"error\""), "{method}: {line}");
                return line;
            }
        }
    }

    /// A profile, an account that is online, and its contacts.
    async fn settle_in(&mut self) {
        self.ask("profile.create", &json!({ "passphrase": "otter" }))
            .await;
        let server = json!({ "host": ONION, "transport": "plain_over_onion" });
        let account =
            json!({ "address": "alice@example.org", "password": server::PASSWORD, "server": server });
        self.ask("account.add", &account).await;
        while !self.line().await.contains("\"online\"") {}
        for number in 0..CONVERSATIONS {
            let with = json!({ "account": 1, "contact": contact(number) });
            self.ask("contact.add", &with).await;
        }
    }

    /// Milliseconds from a request to the end of its answer, in the median.
    async fn time(&mut self, method: &str, params: &Value) -> f64 {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            self.ask(method, params).await;
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    }
}

/// The engine on a thread of its own; which thread that is.
fn start(folder: &std::path::Path, channel: DuplexStream) -> (Owner, String) {
    let (door, engine) = duplex(1 << 20);
    let (input, output) = split(engine);
    let (gates, arriving) = mpsc::channel::<Box<dyn engine::Channel>>(1);
    assert!(gates.try_send(Box::new(channel)).is_ok());
    let config = engine::Config {
        profile: folder.join("profile"),
        gates: arriving,
        walls: Vec::new(),
        tor: engine::TorSettings::default(),
        self_test: None,
    };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let thread = std::fs::read_link("/proc/thread-self").expect("proc");
        tell.send(format!("/proc/{}", thread.display()))
            .expect("the harness");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let end = runtime
            .expect("a runtime")
            .block_on(engine::run(config, input, output));
        drop((gates, end));
    });
    let (reading, output) = split(door);
    let lines = BufReader::with_capacity(1 << 20, reading).lines();
    (Owner { lines, output }, told.recv().expect("the engine's thread"))
}

/// The gate's side of door 2, with the same server behind every address.
async fn gate(theirs: DuplexStream, mouths: mpsc::UnboundedSender<Mouth>) {
    let mut connection = Connection::new(theirs.compat(), Config::default(), Mode::Server);
    while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
        tokio::spawn(serve(stream.compat(), mouths.clone()));
    }
}

async fn serve(mut stream: Side, mouths: mpsc::UnboundedSender<Mouth>) {
    let mut reader = LineReader::new();
    let header = loop {
        let Ok(byte) = stream.read_u8().await else { return };
        if let Some(line) = reader.push(byte).expect("a header") {
            break Header::decode(&line).expect("a header");
        }
    };
    let done = Answer::Done.encode().expect("an answer");
    stream.write_all(&done).await.expect("the door");
    match header {
        Header::Connect(_) => {
            let (says, said) = mpsc::unbounded_channel();
            mouths.send(says).expect("the harness");
            server::serve(stream, said, |_, _| ()).await;
        }
        Header::Status => {
            let status = GateStatus {
                phase: Phase::Ready,
                percent: 100,
                ..GateStatus::starting()
            };
            let line = status.encode().expect("a status");
            stream.write_all(&line).await.expect("the door");
            stream.flush().await.expect("the door");
            let _ = stream.read(&mut [0; 1]).await;
        }
        _ => _ = stream.flush().await,
    }
}

/// How often a thread has gone to sleep, and so was woken.
fn wakes(thread: &str) -> f64 {
    number(&format!("{thread}/status"), "voluntary_ctxt_switches:")
}

fn resident_mib() -> f64 {
    number("/proc/self/status", "VmRSS:") / 1024.0
}

fn number(file: &str, name: &str) -> f64 {
    let text = std::fs::read_to_string(file).expect("proc");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).expect("a number")
}
