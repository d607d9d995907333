//! Figures of the gate beside Arti alone and beside the C Tor client's own SOCKS port, on the lab's network, in one run.
//! It must never measure one side first and the other later: turns alternate in every order, and medians are compared.
//! Standard: docs of the program's benchmarks: one JSON object a line.
//!
//! `otter-lab-net run -- gate_figures [--lives N] [--rounds N] [--starts N] [--carry 0] [--each]` (`--carry 0`: no
//! throughput)
//!
//! Three things decide how long a new account waits, and none of them is the gate: whether Tor has a spare circuit (Arti
//! looks every ten seconds, keeps two for a port, and stops while it knows twelve or more), which guard it drew, and what
//! else the machine does just then. So each round begins with a pause in which everybody refills; a client lives for few
//! enough rounds to stay below twelve circuits, and its successor draws new guards; and both Artis have one configuration
//! file. The C Tor client is the lab's: it lives throughout. With `--each` every sample goes to the standard error.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring tool: it fails loudly and prints its figures"
)]

mod starts;

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arti_client::config::{CfgPath, TorClientConfigBuilder};
use arti_client::{IsolationToken, StreamPrefs, TorClient};
use dial::{Dialer, Host, Isolation, Purpose, TorStatus};
use gate::{GateConfig, Network};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tor_rtcompat::PreferredRuntime;

/// Bytes that one measurement of throughput carries in each direction, through an exit and to an onion service.
const LOADS: [usize; 2] = [8 * 1024 * 1024, 4 * 1024 * 1024];
/// How long everybody rests before a round: a little more than Arti's ten seconds between two looks at its spare circuits.
const REST: Duration = Duration::from_secs(11);
/// How long closed streams may take to be forgotten by everybody.
const SETTLE: Duration = Duration::from_millis(300);
/// Requests that the door alone answers.
const KNOCKS: usize = 500;
/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Further streams of the same account in one round.
const AGAIN: usize = 5;
/// Who comes when: every order of the three ways.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]];
/// What comes out of a measurement may be this much worse than Arti alone.
const GOAL: f64 = 1.1;

trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

struct Lab {
    dir: PathBuf,
    network_file: PathBuf,
    domain: String,
    onion: String,
    echo: u16,
    socks: SocketAddr,
}

impl Lab {
    fn find() -> Lab {
        let path = std::env::var("OTTER_LAB").unwrap_or_default();
        assert!(!path.is_empty(), "OTTER_LAB is not set: run this inside the lab");
        let info: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let text = |name: &str| info.get(name).unwrap().as_str().unwrap().to_owned();
        let echo = info.get("ports").unwrap().get("echo").unwrap().as_u64().unwrap();
        Lab {
            dir: text("dir").into(),
            network_file: text("network_file").into(),
            domain: text("domain"),
            onion: text("onion"),
            echo: u16::try_from(echo).unwrap(),
            socks: text("socks").parse().unwrap(),
        }
    }
}

/// A way through Tor, with a new account for each number.
enum Way {
    Ours(Dialer),
    Arti(Arc<TorClient<PreferredRuntime>>),
    Socks(SocketAddr),
}

/// An account: a name for those who isolate by name, a token for Arti.
#[derive(Clone, Copy)]
struct Account {
    name: [u8; 16],
    token: IsolationToken,
}

impl Account {
    fn new(number: u64) -> Account {
        let mut name = [0; 16];
        name[..8].copy_from_slice(&number.to_le_bytes());
        Account {
            name,
            token: IsolationToken::new(),
        }
    }
}

impl Way {
    /// Opens a stream, within [`PATIENCE`]. `None` counts as a failure of this way.
    async fn open(&self, account: Account, host: &str, port: u16) -> Option<Box<dyn Pipe>> {
        tokio::time::timeout(PATIENCE, self.try_open(account, host, port))
            .await
            .ok()
            .flatten()
    }

    async fn try_open(&self, account: Account, host: &str, port: u16) -> Option<Box<dyn Pipe>> {
        match self {
            Way::Ours(dialer) => {
                let host = Host::parse(host).unwrap();
                let stream = dialer
                    .connect(&Isolation::from_bytes(account.name), Purpose::Xmpp, &host, port)
                    .await;
                Some(Box::new(stream.ok()?))
            }
            Way::Arti(client) => {
                let mut preferences = StreamPrefs::new();
                preferences.set_isolation(account.token);
                let stream = client.connect_with_prefs((host, port), &preferences).await;
                Some(Box::new(stream.ok()?))
            }
            Way::Socks(address) => Some(Box::new(by_socks(*address, account, host, port).await?)),
        }
    }
}

/// As any program asks the C Tor client: RFC 1928, with a name and password (RFC 1929) that isolate.
#[expect(
    clippy::disallowed_methods,
    reason = "the peer of a measurement, on the loopback of the lab"
)]
async fn by_socks(address: SocketAddr, account: Account, host: &str, port: u16) -> Option<TcpStream> {
    let short = |text: &str| {
        let mut bytes = vec![u8::try_from(text.len()).unwrap()];
        bytes.extend(text.as_bytes());
        bytes
    };
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).unwrap();
    stream.write_all(&[5, 1, 2]).await.ok()?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await.ok()?;
    assert_eq!(chosen, [5, 2]);
    let name = Isolation::from_bytes(account.name).to_hex();
    let message = [vec![1], short(&name), short("direct")].concat();
    stream.write_all(&message).await.ok()?;
    let mut accepted = [0; 2];
    stream.read_exact(&mut accepted).await.ok()?;
    assert_eq!(accepted, [1, 0]);
    let message = [vec![5, 1, 0, 3], short(host), port.to_be_bytes().to_vec()].concat();
    stream.write_all(&message).await.ok()?;
    let mut reply = [0; 10];
    stream.read_exact(&mut reply).await.ok()?;
    (reply[..4] == [5, 0, 0, 1]).then_some(stream)
}

/// What one way has shown at one place: milliseconds to connect anew and to connect again, megabytes a second.
#[derive(Default)]
struct Samples {
    anew: Vec<f64>,
    again: Vec<f64>,
    throughput: Vec<f64>,
    failed: u32,
}

/// Exit or onion service: where, what to carry, and what came out for each of [`NAMES`].
struct Place {
    name: &'static str,
    host: String,
    load: usize,
    samples: [Samples; 3],
}

/// The ways, in the order in which they are kept.
const NAMES: [&str; 3] = ["ours", "arti 0.47 alone", "C Tor client by SOCKS"];

/// Connects anew and again by each way in the order of this round; then measures how fast what was opened carries.
/// The first round of a life only warms up.
async fn round(ways: &[Way; 3], place: &mut Place, number: u64, account: u64, port: u16) {
    let order = ORDERS[usize::try_from(number).unwrap() % ORDERS.len()];
    let (mut opened, mut kept) = (Vec::new(), Vec::new());
    for at in order {
        let (way, samples) = (&ways[at], &mut place.samples[at]);
        let account = Account::new(account);
        let began = Instant::now();
        let Some(first) = way.open(account, &place.host, port).await else {
            samples.failed += 1;
            continue;
        };
        let anew = began.elapsed().as_secs_f64() * 1e3;
        // All stay open: the END of one right before the BEGIN of the next may wait 40 ms for an acknowledgement between
        // two relays (Nagle), by any client. That is a figure of closing, not of connecting.
        let (mut again, mut others) = (Vec::new(), Vec::new());
        for _ in 0..AGAIN {
            let began = Instant::now();
            let Some(another) = way.open(account, &place.host, port).await else {
                samples.failed += 1;
                continue;
            };
            others.push(another);
            again.push(began.elapsed().as_secs_f64() * 1e3);
        }
        opened.push((at, first));
        kept.extend(others);
        if number > 0 {
            samples.anew.push(anew);
            samples.again.extend(again);
        }
    }
    drop(kept);
    // Closing them is done when the carrying begins.
    tokio::time::sleep(SETTLE).await;
    for (at, stream) in opened {
        if number > 0 && place.load > 0 {
            let speed = throughput(stream, place.load).await;
            place.samples[at].throughput.push(speed);
        }
    }
}

async fn throughput(stream: Box<dyn Pipe>, load: usize) -> f64 {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let began = Instant::now();
    let writing = tokio::spawn(async move {
        let piece = vec![0x5a; 64 * 1024];
        for _ in 0..load / piece.len() {
            writer.write_all(&piece).await.unwrap();
        }
        writer.flush().await.unwrap();
        writer
    });
    let mut left = load;
    let mut buffer = vec![0; 64 * 1024];
    while left > 0 {
        let read = reader.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the stream ended early");
        left -= read.min(left);
    }
    drop(writing.await.unwrap());
    load as f64 / 1e6 / began.elapsed().as_secs_f64()
}

async fn ours(network: Network, home: &Path) -> Way {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let config = GateConfig {
        state: home.to_owned(),
        network,
        tor: None,
        self_test: None,
    };
    std::thread::spawn(move || gate::run(&config, theirs, None).unwrap());
    ours.set_nonblocking(true).unwrap();
    let dialer = Dialer::new();
    dialer.attach(tokio::net::UnixStream::from_std(ours).unwrap());
    dialer.status().wait_for(TorStatus::is_ready).await.unwrap();
    Way::Ours(dialer)
}

async fn arti_alone(lab: &Lab, home: &Path) -> Way {
    let text = std::fs::read_to_string(&lab.network_file).unwrap();
    let mut builder: TorClientConfigBuilder = toml::from_str(&text).unwrap();
    builder
        .storage()
        .cache_dir(CfgPath::new_literal(home.join("cache")))
        .state_dir(CfgPath::new_literal(home.join("state")));
    builder
        .storage()
        .permissions()
        .controlled_by_env_var("ARTI_FS_DISABLE_PERMISSION_CHECKS");
    Way::Arti(
        TorClient::create_bootstrapped(builder.build().unwrap())
            .await
            .unwrap(),
    )
}

/// First quartile, median and third quartile.
fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values.get(values.len() * quarter / 4).copied().unwrap())
}

/// Tells the medians, and beside them the first and third quartiles: relays answer in steps of some milliseconds, so that
/// the median of short times jumps by a whole step. `ratio` is above 1 where we are worse, whatever the unit.
fn tell(figure: &str, unit: &str, peer: &str, ours: &[f64], theirs: &[f64], goal: Option<f64>) {
    let two = |value: f64| (value * 100.0).round() / 100.0;
    let [ours, theirs] = [ours, theirs].map(|values| quartiles(values).map(two));
    let ratio = if unit == "MB/s" {
        theirs[1] / ours[1]
    } else {
        ours[1] / theirs[1]
    };
    let line = serde_json::json!({
        "figure": figure, "ours": ours[1], "peer": peer, "theirs": theirs[1], "unit": unit,
        "ratio": two(ratio), "goal": goal, "met": goal.map(|goal| ratio <= goal),
        "quartiles_ours": [ours[0], ours[2]], "quartiles_theirs": [theirs[0], theirs[2]],
    });
    println!("{line}");
}

/// What our own door adds to every connection, without Tor: milliseconds from a request of the engine to its answer.
async fn door_alone(way: &Way) -> Vec<f64> {
    let Way::Ours(dialer) = way else { return Vec::new() };
    let nobody = Isolation::from_bytes([0xff; 16]);
    let mut times = Vec::new();
    for _ in 0..KNOCKS {
        let began = Instant::now();
        dialer.new_circuit(&nobody).await.unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times
}

/// A figure that has no peer.
fn tell_alone(figure: &str, unit: &str, ours: f64, goal: Option<f64>) {
    let line = serde_json::json!({
        "figure": figure, "ours": (ours * 100.0).round() / 100.0, "peer": null, "theirs": null,
        "unit": unit, "ratio": null, "goal": goal, "met": goal.map(|goal| ours <= goal),
    });
    println!("{line}");
}

fn own_megabytes() -> f64 {
    starts::resident_megabytes(std::process::id())
}

fn compare(place: &Place) {
    type Part = fn(&Samples) -> &[f64];
    let parts: [(&str, &str, Part); 3] = [
        ("connect", "ms", |samples| &samples.anew),
        ("connect_again", "ms", |samples| &samples.again),
        ("throughput", "MB/s", |samples| &samples.throughput),
    ];
    let [ours, peers @ ..] = &place.samples;
    for (samples, (peer, goal)) in peers.iter().zip([(NAMES[1], Some(GOAL)), (NAMES[2], None)]) {
        for (name, unit, part) in parts {
            if part(ours).is_empty() || part(samples).is_empty() {
                continue;
            }
            let figure = format!(
                "gate.{name}_{}{}",
                place.name,
                if unit == "ms" { "_ms" } else { "" }
            );
            tell(&figure, unit, peer, part(ours), part(samples), goal);
        }
    }
}

fn show_each(place: &Place) {
    for (name, samples) in NAMES.iter().zip(&place.samples) {
        let place = place.name;
        eprintln!("{place} {name}: anew {:.1?}", samples.anew);
        eprintln!("{place} {name}: again {:.1?}", samples.again);
        eprintln!("{place} {name}: throughput {:.1?}", samples.throughput);
    }
}

/// The number that follows `name` on the command line.
fn option(name: &str, default: u64) -> u64 {
    let arguments: Vec<String> = std::env::args().collect();
    let value = arguments
        .iter()
        .position(|word| word == name)
        .and_then(|at| arguments.get(at + 1));
    value.map_or(default, |value| value.parse().unwrap())
}

#[tokio::main]
async fn main() {
    let (lives, rounds) = (option("--lives", 3), option("--rounds", 6));
    let lab = Lab::find();
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, home] = words.as_slice()
        && word == starts::ALONE
    {
        return starts::stand_alone(&lab, Path::new(home)).await;
    }
    starts::measure(&lab, option("--starts", 6)).await;
    let home = tempfile::tempdir().unwrap();
    let [exit_load, onion_load] = LOADS;
    let mut places = [
        ("exit", &lab.domain, exit_load),
        ("onion", &lab.onion, onion_load),
    ]
    .map(|(name, host, load)| Place {
        name,
        host: host.clone(),
        load: if option("--carry", 1) == 1 { load } else { 0 },
        samples: Default::default(),
    });
    let (mut resident, mut account, mut door) = (None, 0, Vec::new());
    for life in 0..lives {
        let home = home.path().join(life.to_string());
        let network = Network::Private {
            file: lab.network_file.clone(),
        };
        let ours = ours(network, &home.join("ours")).await;
        resident.get_or_insert_with(own_megabytes);
        let arti = arti_alone(&lab, &home.join("arti")).await;
        let ways = [ours, arti, Way::Socks(lab.socks)];
        door.extend(door_alone(&ways[0]).await);
        for number in 0..=rounds {
            tokio::time::sleep(REST).await;
            for place in &mut places {
                account += 1;
                round(&ways, place, number, account, lab.echo).await;
            }
        }
    }
    places.iter().for_each(compare);
    if std::env::args().any(|word| word == "--each") {
        places.iter().for_each(show_each);
    }
    // The whole process after the first bootstrap: gate, dialer and this tool.
    let resident = resident.unwrap_or_else(own_megabytes);
    tell_alone(
        "gate.resident_after_bootstrap_mb",
        "MB",
        resident.round(),
        Some(30.0),
    );
    for (place, at) in places
        .iter()
        .flat_map(|place| [(place, 0), (place, 1), (place, 2)])
    {
        let figure = format!("gate.failed_{} of {}", place.name, NAMES[at]);
        tell_alone(&figure, "times", f64::from(place.samples[at].failed), None);
    }
    let [_, door, _] = quartiles(&door);
    tell_alone("gate.door_alone_ms", "ms", door, None);
}
