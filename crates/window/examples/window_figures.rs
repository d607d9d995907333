//! Measures the window on a screen in memory (Xvfb), beside other messengers started the same way.
//! Figures as JSON, one a line: `cargo run --release -p window --example window_figures [PEER...]`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a figure that cannot be taken ends the program; screens and peers are programs"
)]

#[path = "../tests/stage/mod.rs"]
mod stage;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use model::{Direction, Event, Notification, ProfileState, Snapshot};
use serde_json::{Value, json};
use window::Options;

const WIDTH: u64 = 1280;
const HEIGHT: u64 = 800;
const CLICKS: u32 = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == "--show") {
        window::run(std::io::stdin(), std::io::stdout(), &Options::default()).unwrap();
        return;
    }
    let ours = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--show").stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let own: Vec<(f64, f64)> = (0..5).filter_map(|_| first_frame(ours())).collect();
    let first = median(own.iter().map(|it| it.0).collect());
    let resting = median(own.iter().map(|it| it.1).collect());
    let peers: Vec<(String, Option<(f64, f64)>)> =
        arguments.iter().map(|name| (name.clone(), peer(name))).collect();
    figure("first frame after start", "ms", first, Some(400.0), None);
    for (name, taken) in &peers {
        if let Some((frame, memory)) = taken {
            figure(
                "first frame after start",
                "ms",
                first,
                Some(400.0),
                Some((name, *frame)),
            );
            figure(
                "memory, nobody signed in",
                "MB",
                resting,
                None,
                Some((name, *memory)),
            );
        }
    }
    let few = walk(ours(), 10_000);
    figure("unlocked to list", "ms", few.list, Some(300.0), None);
    figure("memory, 10,000 messages", "MB", few.memory, Some(80.0), None);
    figure("idle, a second", "ms CPU", few.idle, Some(1.0), None);
    let many = walk(ours(), 100_000);
    figure(
        "wheel click, 100,000 messages",
        "ms CPU",
        many.click,
        Some(4.0),
        None,
    );
    figure("memory, 100,000 messages", "MB", many.memory, None, None);
}

fn figure(name: &str, unit: &str, ours: f64, goal: Option<f64>, peer: Option<(&String, f64)>) {
    let round = |it: f64| (it * 100.0).round() / 100.0;
    let line = json!({
        "figure": format!("window: {name}"), "unit": unit, "ours": round(ours), "goal": goal,
        "met": goal.map(|goal| ours <= goal), "peer": peer.map(|it| it.0), "theirs": peer.map(|it| round(it.1)),
        "ratio": peer.map(|it| round(ours / it.1)),
    });
    println!("{line}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A screen in memory whose pixels can be read as a file.
struct Xvfb {
    server: Child,
    folder: PathBuf,
    display: String,
}

impl Xvfb {
    fn start() -> Self {
        let display = format!(":{}", 100 + std::process::id() % 800);
        let folder = std::env::temp_dir().join(format!("otter-screen-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let server = Command::new("Xvfb")
            .args([
                &display,
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
                "-fbdir",
            ])
            .arg(&folder)
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb");
        let screen = Self {
            server,
            folder,
            display,
        };
        let file = screen.folder.join("Xvfb_screen0");
        until(|| {
            fs::metadata(&file)
                .is_ok_and(|it| it.len() > WIDTH * HEIGHT * 4)
                .then_some(())
        });
        thread::sleep(Duration::from_millis(300));
        screen
    }

    /// The pixel at a place: blue, green, red.
    fn pixel(&self, x: u64, y: u64) -> [u8; 3] {
        let mut file = File::open(self.folder.join("Xvfb_screen0")).unwrap();
        let length = file.metadata().unwrap().len();
        let mut pixel = [0; 3];
        file.seek(SeekFrom::Start(length - WIDTH * HEIGHT * 4 + (y * WIDTH + x) * 4))
            .unwrap();
        file.read_exact(&mut pixel).unwrap();
        pixel
    }

    /// Every pixel.
    fn pixels(&self) -> Vec<u8> {
        fs::read(self.folder.join("Xvfb_screen0")).unwrap()
    }

    fn spawn(&self, mut command: Command) -> Child {
        let home = self.folder.join("home");
        fs::create_dir_all(&home).unwrap();
        command
            .env("DISPLAY", &self.display)
            .env("HOME", &home)
            .env_remove("WAYLAND_DISPLAY");
        command.stderr(Stdio::null()).spawn().unwrap()
    }

    fn hand(&self, arguments: &[&str]) {
        let status = Command::new("xdotool")
            .env("DISPLAY", &self.display)
            .args(arguments)
            .status();
        assert!(status.unwrap().success(), "xdotool {arguments:?}");
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        // What cannot be ended or removed has ended or gone already.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn until<R>(look: impl FnMut() -> Option<R>) -> R {
    within_a_minute(look).expect("something came within a minute")
}

fn within_a_minute<R>(mut look: impl FnMut() -> Option<R>) -> Option<R> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        if let Some(found) = look() {
            return Some(found);
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

/// Milliseconds until something is drawn, and megabytes two seconds later; `None` where nothing is in a minute.
fn first_frame(command: Command) -> Option<(f64, f64)> {
    let screen = Xvfb::start();
    let empty = screen.pixels();
    let begin = Instant::now();
    let mut child = screen.spawn(command);
    let _engine = Engine::play(&mut child, 0);
    let drawn = within_a_minute(|| (screen.pixels() != empty).then_some(()));
    let taken = begin.elapsed().as_secs_f64() * 1e3;
    thread::sleep(Duration::from_secs(2));
    let memory = memory(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    drawn.map(|()| (taken, memory))
}

fn peer(name: &str) -> Option<(f64, f64)> {
    let found = std::env::split_paths(&std::env::var_os("PATH")?).any(|it| it.join(name).exists());
    if !found {
        return None;
    }
    let mut command = Command::new("dbus-run-session");
    command.args(["--", name]);
    first_frame(command)
}

/// What one walk through a window with many messages took.
struct Walk {
    list: f64,
    memory: f64,
    idle: f64,
    click: f64,
}

fn walk(command: Command, messages: u32) -> Walk {
    let screen = Xvfb::start();
    let empty = screen.pixel(150, 100);
    let mut child = screen.spawn(command);
    let engine = Engine::play(&mut child, messages).expect("its standard streams are pipes");
    until(|| (screen.pixel(150, 100) != empty).then_some(()));
    thread::sleep(Duration::from_secs(1));
    let closed = screen.pixel(200, 500);
    let begin = Instant::now();
    engine.unlock();
    until(|| (screen.pixel(200, 500) != closed).then_some(()));
    let list = begin.elapsed().as_secs_f64() * 1e3;
    thread::sleep(Duration::from_secs(1));
    let unopened = screen.pixel(700, 690);
    screen.hand(&["mousemove", "150", "90", "click", "1"]);
    until(|| (screen.pixel(700, 690) != unopened).then_some(()));
    thread::sleep(Duration::from_secs(3));
    let before = cpu(child.id());
    thread::sleep(Duration::from_secs(5));
    let idle = (cpu(child.id()) - before) / 5.0;
    screen.hand(&["mousemove", "700", "300"]);
    thread::sleep(Duration::from_millis(500));
    let before = cpu(child.id());
    screen.hand(&["click", "--repeat", &CLICKS.to_string(), "--delay", "25", "4"]);
    thread::sleep(Duration::from_secs(1));
    let click = (cpu(child.id()) - before) / f64::from(CLICKS);
    let memory = memory(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    Walk {
        list,
        memory,
        idle,
        click,
    }
}

/// Resident megabytes of a process and its children.
fn memory(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let own = line
        .and_then(|it| it.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or_default()
        / 1e3;
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    own + children
        .split_whitespace()
        .map(|it| memory(it.parse().unwrap()))
        .sum::<f64>()
}

/// Milliseconds of CPU of a process so far.
fn cpu(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 10.0
}

/// An engine beside the window, in a process of its own as it is in life: what it holds is not the window's.
struct Engine {
    unlock: Sender<()>,
}

impl Engine {
    /// Plays a locked profile to a window whose standard streams are pipes, and one with so many messages once
    /// [`Engine::unlock`] is called. `None` for another program.
    fn play(window: &mut Child, messages: u32) -> Option<Self> {
        let (mut tells, asked) = (window.stdin.take()?, window.stdout.take()?);
        let (unlock, unlocked) = channel();
        thread::spawn(move || {
            // Nothing is left to be made when the profile opens: only the window's time counts.
            let open = Snapshot {
                sequence: 2,
                ..snapshot(messages)
            };
            let open = serde_json::to_string(&open).unwrap();
            let lost = model::rpc::notification(&Notification {
                sequence: 2,
                event: Event::EventsLost { count: 1 },
            });
            let locked = serde_json::to_string(&stage::snapshot(ProfileState::Locked)).unwrap();
            let mut calls = BufReader::new(asked).lines();
            answer(&mut calls, &mut tells, &locked);
            if unlocked.recv().is_err() {
                return;
            }
            writeln!(tells, "{lost}").unwrap();
            answer(&mut calls, &mut tells, &open);
            calls.for_each(drop);
        });
        Some(Self { unlock })
    }

    fn unlock(&self) {
        self.unlock.send(()).unwrap();
    }
}

/// Answers the next call for everything with a snapshot that was written before.
fn answer(calls: &mut impl Iterator<Item = std::io::Result<String>>, tells: &mut impl Write, snapshot: &str) {
    for call in calls {
        // The window was ended.
        let Ok(call) = call else { return };
        let call: Value = serde_json::from_str(&call).unwrap();
        if call["method"] == "engine.snapshot" {
            let id = &call["id"];
            return writeln!(tells, r#"{{"jsonrpc":"2.0","id":{id},"result":{snapshot}}}"#).unwrap();
        }
    }
}

fn snapshot(messages: u32) -> Snapshot {
    let mut all = stage::empty();
    all.contacts.push(stage::contact("bob", Some("Bob"), true));
    let texts = [
        "Are you at the station already?",
        "Since five. The 18:40 is late again, so no hurry.",
        "مرحبا من المحطة! القطار Intercity 73 وصل الآن.",
        "Good. I have the papers with me, both copies, and the translation that you asked for last week. Shall I bring it?",
    ];
    let said = (0..messages).map(|number| {
        let direction = if number % 3 == 0 {
            Direction::Out
        } else {
            Direction::In
        };
        let text = texts[usize::try_from(number).unwrap() % texts.len()];
        stage::message(
            number,
            "bob",
            direction,
            text,
            u64::from((messages - number) / 10),
        )
    });
    all.conversations
        .push(stage::conversation("bob", stage::private(true), said.collect()));
    all
}
