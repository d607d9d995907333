//! Keys of the private relays: slow to make (RSA-3072), so made once and kept under the build folder.
//! Never for anything but the lab, and never in the repository: certificates end after 12 months.
//! tor-gencert(1), tor(1) `--list-fingerprint`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::LabError;
use crate::children::{private_folder, write_file};
use crate::packages::find;

/// Certificates live for 12 months; older ones than this are made again.
const OLDEST: Duration = Duration::from_secs(60 * 60 * 24 * 30 * 11);

/// The cache's own version: other numbers of relays or sorts of keys need another.
const VERSION: &str = "lab-keys-1";

/// Written last: without it a set is not whole.
const WHOLE: &str = "whole";

/// A relay's public names, read from the files that Tor wrote.
#[derive(Clone, Debug)]
pub(crate) struct RelayNames {
    /// Hexadecimal SHA-1 of the RSA identity key.
    pub(crate) rsa: String,
    /// Base64 of the Ed25519 identity key.
    pub(crate) ed25519: String,
    /// Hexadecimal SHA-1 of the authority identity key.
    pub(crate) authority: String,
}

/// Folders that hold one set of keys for each relay.
#[derive(Debug)]
pub(crate) struct KeyStore {
    dir: PathBuf,
}

impl KeyStore {
    /// Opens the set for `names`, and makes it when it is missing or too old.
    ///
    /// # Errors
    /// [`LabError`] when Tor's tools fail or the build folder cannot be written.
    pub(crate) fn open(names: &[String]) -> Result<Self, LabError> {
        let cache = cache_folder()?;
        private_folder(&cache)?;
        let lock = cache.join("lock");
        let lock = File::create(&lock).map_err(LabError::io(format!("open {}", lock.display())))?;
        lock.lock().map_err(LabError::io("wait for the key cache"))?;
        let store = Self {
            dir: cache.join(VERSION),
        };
        if !store.is_fresh() {
            store.make(names)?;
        }
        Ok(store)
    }

    /// Copies a relay's keys into its data folder and tells their names.
    ///
    /// # Errors
    /// [`LabError`] when a file is missing or is not what Tor writes.
    pub(crate) fn hand_out(&self, name: &str, data: &Path) -> Result<RelayNames, LabError> {
        let from = self.dir.join(name);
        copy_folder(&from, data)?;
        read_names(&from)
    }

    fn is_fresh(&self) -> bool {
        let made = fs::metadata(self.dir.join(WHOLE)).and_then(|file| file.modified());
        made.is_ok_and(|made| {
            SystemTime::now()
                .duration_since(made)
                .is_ok_and(|age| age < OLDEST)
        })
    }

    fn make(&self, names: &[String]) -> Result<(), LabError> {
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).map_err(LabError::io("remove old keys"))?;
        }
        // All at once: the longest of them decides.
        let mut makers = Vec::new();
        for name in names {
            let dir = self.dir.join(name);
            private_folder(&dir.join("keys"))?;
            makers.push(("tor-gencert", make_authority_keys(&dir)?));
            makers.push(("tor --list-fingerprint", make_relay_keys(name, &dir)?));
        }
        for (maker, child) in makers {
            let done = child
                .wait_with_output()
                .map_err(LabError::io(format!("run {maker}")))?;
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stdout).into_owned()
                    + &String::from_utf8_lossy(&done.stderr);
                return Err(LabError::program(maker, said.trim().to_owned()));
            }
        }
        write_file(&self.dir.join(WHOLE), "")
    }
}

/// `lab-keys` in the folder of the build that this program came from.
fn cache_folder() -> Result<PathBuf, LabError> {
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        let target = std::path::absolute(target).map_err(LabError::io("find CARGO_TARGET_DIR"))?;
        return Ok(target.join("lab-keys"));
    }
    let own = std::env::current_exe().map_err(LabError::io("find the lab's own program"))?;
    let build = own
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("/var/tmp"));
    Ok(build.join("lab-keys"))
}

fn tool(name: &'static str) -> Result<Command, LabError> {
    let path = find(name).ok_or(LabError::MissingPackages(vec!["tor"]))?;
    let mut command = Command::new(path);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    Ok(command)
}

fn make_authority_keys(dir: &Path) -> Result<Child, LabError> {
    let keys = dir.join("keys");
    let mut command = tool("tor-gencert")?;
    command.args(["--create-identity-key", "--passphrase-fd", "0", "-m", "12"]);
    command.arg("-i").arg(keys.join("authority_identity_key"));
    command.arg("-s").arg(keys.join("authority_signing_key"));
    command.arg("-c").arg(keys.join("authority_certificate"));
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .map_err(LabError::io("start tor-gencert"))?;
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(b"only for the lab\n")
            .map_err(LabError::io("speak to tor-gencert"))?;
    }
    Ok(child)
}

fn make_relay_keys(name: &str, dir: &Path) -> Result<Child, LabError> {
    let (id, other) = ("A".repeat(40), "B".repeat(40));
    let text = format!(
        "TestingTorNetwork 1\nDataDirectory {dir}\nNickname {name}\nAddress 127.0.0.1\nORPort 127.0.0.1:1\nSocksPort 0\n\
         AssumeReachable 1\nDirAuthority other orport=1 no-v2 v3ident={id} 127.0.0.1:2 {other}\n",
        dir = dir.display()
    );
    let file = dir.join("torrc");
    write_file(&file, &text)?;
    let mut command = tool("tor")?;
    command.args(["--quiet", "--list-fingerprint", "-f"]).arg(&file);
    command.spawn().map_err(LabError::io("start tor"))
}

fn read_names(dir: &Path) -> Result<RelayNames, LabError> {
    let second_word = |file: &str| {
        let text =
            fs::read_to_string(dir.join(file)).map_err(LabError::io(format!("read a relay's {file}")))?;
        let word = text.split_whitespace().nth(1).map(str::to_owned);
        word.ok_or_else(|| LabError::program("tor", format!("its file {file} is not as expected")))
    };
    let certificate = fs::read_to_string(dir.join("keys/authority_certificate"));
    let certificate = certificate.map_err(LabError::io("read an authority's certificate"))?;
    let authority = certificate
        .lines()
        .find_map(|line| line.strip_prefix("fingerprint "));
    let authority =
        authority.ok_or_else(|| LabError::program("tor-gencert", "its certificate has no fingerprint"))?;
    Ok(RelayNames {
        rsa: second_word("fingerprint")?,
        ed25519: second_word("fingerprint-ed25519")?,
        authority: authority.trim().to_owned(),
    })
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), LabError> {
    private_folder(to)?;
    let doing = || format!("copy keys from {}", from.display());
    for entry in fs::read_dir(from).map_err(LabError::io(doing()))? {
        let entry = entry.map_err(LabError::io(doing()))?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().map_err(LabError::io(doing()))?;
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target).map_err(LabError::io(doing()))?;
        }
    }
    Ok(())
}
