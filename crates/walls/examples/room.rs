//! A room by itself: locks this process as `room engine|gate|porter|transport|window FOLDER [READABLE...]` says, runs the self-test
//! and prints what it found as one JSON object. With `work` as the first word it does a room's daily work instead,
//! with a channel on descriptor 3. The tests in `tests/rooms.rs` start it.
#![expect(
    clippy::print_stdout,
    reason = "an example that reports on its standard output"
)]

use std::error::Error;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use walls::{Room, channel};

/// As in the program.
#[global_allocator]
static MEMORY: walls::Wiping = walls::Wiping;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    walls::close_inherited(&[3]);
    let mut words = std::env::args().skip(1).peekable();
    let work = words.next_if(|word| word == "work").is_some();
    let room = words.next().unwrap_or_default();
    let folder = PathBuf::from(words.next().unwrap_or_default());
    let read: Vec<PathBuf> = words.map(PathBuf::from).collect();
    let room = match room.as_str() {
        "engine" => Room::Engine { profile: &folder },
        "gate" => Room::Gate {
            state: &folder,
            read: &read,
        },
        "porter" => Room::Porter {
            state: &folder,
            programs: &read,
        },
        "transport" => Room::Transport {
            program: read.first().ok_or("a transport needs its program")?,
            state: &folder,
            datagrams: false,
        },
        "window" => Room::Window,
        _ => return Err("room engine|gate|porter|transport|window FOLDER [READABLE...]".into()),
    };
    if work {
        let door = channel::inherited(3)?;
        walls::lock(&room)?;
        carry_out(&folder, &read, door)?;
        println!("\"done\"");
        return Ok(());
    }
    let inherited = open_numbers()?;
    let mut report = walls::lock(&room)?;
    if matches!(room, Room::Engine { .. } | Room::Gate { .. } | Room::Window) {
        walls::settle(&room, &mut report)?;
    }
    let attempts = walls::check::run(&room, &report, &[]);
    let network = std::fs::read_link("/proc/self/ns/net")?;
    println!(
        "{}",
        serde_json::json!({ "report": report, "attempts": attempts, "network": network, "open": inherited })
    );
    Ok(())
}

/// The descriptors that this process was left with, without the one that it needs to look.
fn open_numbers() -> Outcome<Vec<i32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        numbers.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok()),
        );
    }
    numbers.retain(|number| std::fs::read_link(format!("/proc/self/fd/{number}")).is_ok());
    Ok(numbers)
}

fn carry_out(folder: &Path, read: &[PathBuf], door: OwnedFd) -> Outcome<()> {
    keep_files(folder)?;
    for path in read {
        std::fs::read(path)?;
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(talk())?;
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    threads.block_on(async {
        let task = tokio::spawn(async { talk().await.map_err(|error| error.to_string()) });
        Outcome::Ok(task.await??)
    })?;
    take_channel(&door)
}

/// A file is written, synced, linked, renamed and locked, as the vault does it.
fn keep_files(folder: &Path) -> Outcome<()> {
    let lock = std::fs::File::create(folder.join("lock"))?;
    lock.try_lock()?;
    let mut file = std::fs::File::create_new(folder.join("new"))?;
    file.write_all(b"kept")?;
    file.sync_all()?;
    std::fs::hard_link(folder.join("new"), folder.join("second"))?;
    std::fs::rename(folder.join("second"), folder.join("backup"))?;
    std::fs::rename(folder.join("new"), folder.join("kept"))?;
    std::fs::File::open(folder)?.sync_all()?;
    let inner = folder.join("inner");
    std::fs::create_dir(&inner)?;
    std::fs::rename(folder.join("kept"), inner.join("kept"))?;
    Ok(())
}

/// What the engine does all day: a stream over a socket pair, a timer, a blocking task.
async fn talk() -> Outcome<()> {
    let (one, other) = channel::pair()?;
    let (one, other) = (UnixStream::from(one), UnixStream::from(other));
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    let (mut one, mut other) = (
        tokio::net::UnixStream::from_std(one)?,
        tokio::net::UnixStream::from_std(other)?,
    );
    one.write_all(b"hello").await?;
    let mut heard = [0; 5];
    tokio::time::timeout(Duration::from_secs(5), other.read_exact(&mut heard)).await??;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let sum = tokio::task::spawn_blocking(|| 1 + 1).await?;
    if &heard == b"hello" && sum == 2 {
        Ok(())
    } else {
        Err("the words changed on the way".into())
    }
}

/// The parent sends a new channel over the door; "hello" goes out on it and the answer has to be "again".
fn take_channel(door: &OwnedFd) -> Outcome<()> {
    let (line, fd) = channel::receive_fd(door.as_fd())?;
    if line != b"gate\n" {
        return Err("another line was expected".into());
    }
    let mut stream = UnixStream::from(fd.ok_or("no descriptor came")?);
    stream.write_all(b"hello")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer == "again" {
        Ok(())
    } else {
        Err("another answer was expected".into())
    }
}
