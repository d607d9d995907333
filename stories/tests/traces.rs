//! What a conversation leaves in files: every write of every room while it goes on, and all files afterwards.

use std::path::{Path, PathBuf};

use model::{Command, ContactRef, ExportKeys, KeepMessages, Transport};
use stories::{PASSPHRASE, Person, Place, SOON, Trouble};

const QUESTION: &str = "where does the white rabbit live";
const ANSWER: &str = "beyond the third hedge on the left";

#[test]
fn lab_no_file_that_the_program_writes_shows_a_passphrase_key_contact_or_text() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let trace = place.info().dir.join(format!("writes-{}", place.fresh("t")));
    let file = trace.to_string_lossy().into_owned();
    let calls = "trace=openat,open,creat,write,writev,pwrite64,pwritev,pwritev2,rename,renameat,renameat2,link,linkat";
    let under = [
        "strace", "-f", "-y", "-qq", "-s", "1000000", "-e", calls, "-o", &file,
    ];
    let mut alice = Person::arrive_under(&place, "alice", place.by_name(Transport::DirectTls), &under)?;
    let mut bob = Person::arrive(&place, "bob", place.by_onion(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    let about = alice.contact(&bob)?;
    keep(&mut alice, about)?;
    alice.send(&bob.jid, QUESTION)?;
    bob.otter.wait_for_text(QUESTION, SOON)?;
    bob.send(&alice.jid, ANSWER)?;
    alice.otter.wait_for_text(ANSWER, SOON)?;
    let fingerprints = [&alice.fingerprint, &bob.fingerprint].map(|print| print.to_lowercase());
    let ungrouped = fingerprints.each_ref().map(|print| print.replace(' ', ""));
    let export = Command::ExportKeys(ExportKeys {
        account: alice.account,
        understood: true,
    });
    let key = private_number(&alice.otter.ask(&export)?.to_string());
    let secrets = [
        PASSPHRASE,
        "a word",
        &alice.jid,
        &bob.jid,
        QUESTION,
        ANSWER,
        &fingerprints[0],
        &fingerprints[1],
        &ungrouped[0],
        &ungrouped[1],
        &key,
    ];
    alice.otter.stop()?;
    let home = alice.home.path();
    let text = std::fs::read_to_string(&trace).unwrap();
    let written = judge(&text, home, &secrets)?;
    assert!(written > 50, "the trace shows {written} writes to files only");
    let bytes = bytes_of(&key);
    let turned: Vec<u8> = bytes.iter().rev().copied().collect();
    let searched = search(home, &secrets, &[&bytes, &turned])?;
    assert!(searched >= 5, "{searched} files were searched");
    std::fs::remove_file(trace).unwrap();
    Ok(())
}

fn keep(person: &mut Person, about: ContactRef) -> Result<(), Trouble> {
    let command = Command::KeepMessages(KeepMessages {
        account: about.account,
        contact: about.contact,
        keep: true,
    });
    person.otter.ask(&command).map(drop)
}

#[test]
fn a_trace_with_a_secret_in_a_file_or_a_file_elsewhere_does_not_pass() {
    let home = Path::new("/home/alice/otter");
    let secrets = ["rabbit"];
    let good = "7 openat(AT_FDCWD</>, \"/home/alice/otter/vault\", O_WRONLY|O_CREAT, 0600) = 5</home/alice/otter/vault>\n\
                7 write(5</home/alice/otter/vault>, \"\\1\\2\", 2) = 2\n\
                7 write(1<pipe:[1]>, \"rabbit\", 6) = 6\n\
                7 openat(AT_FDCWD</>, \"/etc/passwd\", O_RDONLY) = 5</etc/passwd>\n";
    assert_eq!(judge(good, home, &secrets), Ok(1));
    for bad in [
        "7 write(5</home/alice/otter/vault>, \"the rabbit\", 10) = 10\n",
        "7 pwrite64(5</home/alice/otter/tor/x>, \"the RABBIT\", 10, 0) = 10\n",
        "7 openat(AT_FDCWD</>, \"/tmp/x\", O_RDWR|O_CREAT, 0600) = 5</tmp/x>\n",
        "7 rename(\"/home/alice/otter/new\", \"/home/alice/otter/rabbit\") = 0\n",
    ] {
        assert!(judge(&format!("{good}{bad}"), home, &secrets).is_err(), "{bad}");
    }
}

/// Reads a trace: how many writes to files it shows.
///
/// # Errors
/// The first line with a secret in it, or with a file elsewhere than at home.
fn judge(trace: &str, home: &Path, secrets: &[&str]) -> Result<usize, Trouble> {
    let mut written = 0;
    for line in trace.lines().filter(|line| !line.contains(" = -1 E")) {
        let wrong = |why: &str| {
            let short: String = line.chars().take(300).collect();
            Err(Trouble::new(format!("{why}: {short}")))
        };
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if call.starts_with("open") || call.starts_with("creat") {
            if ["O_WRONLY", "O_RDWR", "O_CREAT"]
                .iter()
                .any(|way| line.contains(way))
                && !is_fine(line, home)
            {
                return wrong("A file was opened for writing elsewhere");
            }
        } else if call.contains("write") {
            // What goes through pipes and sockets is no file.
            let to_file = call
                .split_once('<')
                .is_some_and(|(_, file)| file.starts_with('/'));
            if !to_file || call.contains("</dev/") || call.contains("</proc/") || call.contains("</memfd:") {
                continue;
            }
            written += 1;
        }
        let low = line.to_lowercase();
        if secrets.iter().any(|secret| low.contains(&secret.to_lowercase())) {
            return wrong("A secret is in the trace");
        }
    }
    Ok(written)
}

/// Whether the file that this line opens is at home, or none. The call may be told in two lines, of which the
/// first has the folder and the name.
fn is_fine(line: &str, home: &Path) -> bool {
    let mut quoted = line.split('"');
    let before = quoted.next().unwrap_or_default();
    let name = quoted.next().unwrap_or_default();
    let folder = before
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or("/", |(folder, _)| folder);
    let path = Path::new(folder).join(name);
    path.starts_with("/dev") || path.starts_with("/proc") || path.starts_with(home)
}

/// The private number of an exported DSA key, in hexadecimal digits without leading zeroes.
fn private_number(exported: &str) -> String {
    let number = exported.split("(x #").nth(1);
    let number = number.and_then(|rest| rest.split('#').next()).unwrap();
    number.trim_start_matches("00").to_lowercase()
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2);
    let pairs = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    pairs.collect()
}

/// Looks through every file at home for the secrets, as text and as bytes; how many there were.
///
/// # Errors
/// The first file with one in it, or in its name.
fn search(home: &Path, secrets: &[&str], keys: &[&[u8]]) -> Result<usize, Trouble> {
    let mut folders: Vec<PathBuf> = vec![home.to_owned()];
    let mut searched = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).map_err(|error| Trouble::new(format!("{error}")))? {
            let path = entry.map_err(|error| Trouble::new(format!("{error}")))?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Sockets and the like cannot be read, and hold nothing.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            searched += 1;
            if keys
                .iter()
                .any(|key| key.len() >= 16 && bytes.windows(key.len()).any(|window| window == *key))
            {
                return Err(Trouble::new(format!("a key is in {}", path.display())));
            }
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            let name = path
                .strip_prefix(home)
                .unwrap_or(&path)
                .to_string_lossy()
                .to_lowercase();
            if let Some(secret) = secrets
                .iter()
                .map(|secret| secret.to_lowercase())
                .find(|secret| text.contains(secret.as_str()) || name.contains(secret.as_str()))
            {
                return Err(Trouble::new(format!("{secret:?} is in {}", path.display())));
            }
        }
    }
    Ok(searched)
}
