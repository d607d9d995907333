//! Figures of the gate beside Arti alone and beside the C Tor client, on the lab's network, in one run.
//! It must never measure one side first and the other later: rounds alternate, and medians are compared.
//! Standard: docs of the program's benchmarks: one JSON object a line.
//!
//! `otter-lab-net run -- gate_figures [--rounds N]`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring tool: it fails loudly and prints its figures"
)]

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
use tor_rtcompat::PreferredRuntime;

/// Bytes that one round of throughput carries in each direction.
const LOAD: usize = 8 * 1024 * 1024;
/// What comes out of a measurement may be this much worse than Arti alone.
const GOAL: f64 = 1.1;

trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

struct Lab {
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
}

impl Way {
    async fn open(&self, account: u64, token: IsolationToken, host: &str, port: u16) -> Box<dyn Pipe> {
        match self {
            Way::Ours(dialer) => {
                let mut name = [0; 16];
                name[..8].copy_from_slice(&account.to_le_bytes());
                let host = Host::parse(host).unwrap();
                let stream = dialer
                    .connect(&Isolation::from_bytes(name), Purpose::Xmpp, &host, port)
                    .await;
                Box::new(stream.unwrap())
            }
            Way::Arti(client) => {
                let mut preferences = StreamPrefs::new();
                preferences.set_isolation(token);
                Box::new(
                    client
                        .connect_with_prefs((host, port), &preferences)
                        .await
                        .unwrap(),
                )
            }
        }
    }
}

/// One round over one way: milliseconds to connect anew, milliseconds to connect again, megabytes a second.
struct Round {
    anew: f64,
    again: f64,
    throughput: f64,
}

async fn round(way: &Way, account: u64, host: &str, port: u16) -> Round {
    let token = IsolationToken::new();
    let began = Instant::now();
    let first = way.open(account, token, host, port).await;
    let anew = began.elapsed().as_secs_f64() * 1e3;
    let began = Instant::now();
    let second = way.open(account, token, host, port).await;
    let again = began.elapsed().as_secs_f64() * 1e3;
    drop(second);
    Round {
        anew,
        again,
        throughput: throughput(first).await,
    }
}

async fn throughput(stream: Box<dyn Pipe>) -> f64 {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let began = Instant::now();
    let writing = tokio::spawn(async move {
        let piece = vec![0x5a; 64 * 1024];
        for _ in 0..LOAD / piece.len() {
            writer.write_all(&piece).await.unwrap();
        }
        writer.flush().await.unwrap();
        writer
    });
    let mut left = LOAD;
    let mut buffer = vec![0; 64 * 1024];
    while left > 0 {
        let read = reader.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the stream ended early");
        left -= read.min(left);
    }
    drop(writing.await.unwrap());
    LOAD as f64 / 1e6 / began.elapsed().as_secs_f64()
}

async fn ours(network: Network, home: &Path) -> Way {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let config = GateConfig {
        state: home.to_owned(),
        network,
    };
    std::thread::spawn(move || gate::run(&config, theirs).unwrap());
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

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap()
}

/// `ratio` is above 1 where we are worse, whatever the unit.
fn tell(figure: &str, unit: &str, peer: &str, ours: f64, theirs: f64, goal: Option<f64>) {
    let ratio = if unit == "MB/s" {
        theirs / ours
    } else {
        ours / theirs
    };
    let two = |value: f64| (value * 100.0).round() / 100.0;
    let line = serde_json::json!({
        "figure": figure, "ours": two(ours), "peer": peer, "theirs": two(theirs), "unit": unit,
        "ratio": two(ratio), "goal": goal, "met": goal.map(|goal| ratio <= goal),
    });
    println!("{line}");
}

fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

fn compare(place: &str, peer: &str, goal: Option<f64>, ours: &[Round], theirs: &[Round]) {
    type Part = fn(&Round) -> f64;
    let parts: [(&str, &str, Part); 3] = [
        ("connect", "ms", |round| round.anew),
        ("connect_again", "ms", |round| round.again),
        ("throughput", "MB/s", |round| round.throughput),
    ];
    for (name, unit, part) in parts {
        let figure = format!("gate.{name}_{place}{}", if unit == "ms" { "_ms" } else { "" });
        tell(
            &figure,
            unit,
            peer,
            median(ours.iter().map(part)),
            median(theirs.iter().map(part)),
            goal,
        );
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let rounds = arguments
        .iter()
        .position(|word| word == "--rounds")
        .and_then(|at| arguments.get(at + 1));
    let rounds: u64 = rounds.map_or(7, |rounds| rounds.parse().unwrap());
    let lab = Lab::find();
    let home = tempfile::tempdir().unwrap();
    let ours = ours(
        Network::Private {
            file: lab.network_file.clone(),
        },
        &home.path().join("ours"),
    )
    .await;
    let resident = resident_megabytes();
    let arti = arti_alone(&lab, &home.path().join("arti")).await;
    let c_tor = self::ours(Network::Socks(lab.socks), &home.path().join("socks")).await;
    // Spare circuits are built in the first seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    for (place, host) in [("exit", &lab.domain), ("onion", &lab.onion)] {
        let mut results: [Vec<Round>; 3] = Default::default();
        for number in 0..=rounds {
            // Each way comes first, second and third in turn.
            let ways = [&ours, &arti, &c_tor].into_iter().enumerate().cycle();
            for (at, way) in ways.skip(usize::try_from(number % 3).unwrap()).take(3) {
                let result = round(way, number, host, lab.echo).await;
                // The first round warms up.
                if number > 0 {
                    results.get_mut(at).unwrap().push(result);
                }
            }
        }
        let [ours, arti, c_tor] = &results;
        compare(place, "arti 0.47 alone", Some(GOAL), ours, arti);
        compare(place, "C Tor through door 2", None, ours, c_tor);
    }
    // The whole process after bootstrap: gate, dialer and this tool.
    let line = serde_json::json!({
        "figure": "gate.resident_after_bootstrap_mb", "ours": resident.round(), "peer": null, "theirs": null,
        "unit": "MB", "ratio": null, "goal": 30, "met": resident <= 30.0,
    });
    println!("{line}");
}
