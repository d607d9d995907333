//! Where a story happens: the lab, the program, and a folder that goes when the story ends.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use lab::{Lab, LabInfo};
use model::{Server, Transport};

use crate::Trouble;

/// The lab, and the program that is tried in it.
pub struct Place {
    /// The lab.
    pub lab: Lab,
    /// `otter-lab`.
    pub program: PathBuf,
}

impl Place {
    /// Finds the lab around this process, and the program: `OTTER_PROGRAM`, or beside this one.
    ///
    /// # Errors
    /// Outside a lab, or where the program was not built.
    pub fn find() -> Result<Self, Trouble> {
        let lab = Lab::find().map_err(|error| Trouble::new(error.to_string()))?;
        let named = std::env::var_os("OTTER_PROGRAM").map(PathBuf::from);
        let program = named
            .or_else(beside)
            .filter(|program| program.exists())
            .ok_or_else(|| {
                Trouble::new(
                    "There is no otter-lab: cargo build --release -p otter --features private-network",
                )
            })?;
        Ok(Self { lab, program })
    }

    /// What is where in the lab.
    pub fn info(&self) -> &LabInfo {
        self.lab.info()
    }

    /// The server by the name that only the private exits resolve.
    pub fn by_name(&self, transport: Transport) -> Server {
        let ports = &self.info().ports;
        let port = if transport == Transport::DirectTls {
            ports.xmpp_tls
        } else {
            ports.xmpp
        };
        Server {
            host: self.info().domain.clone(),
            port: Some(port),
            transport,
        }
    }

    /// The same server behind its onion service.
    pub fn by_onion(&self, transport: Transport) -> Server {
        let info = self.info();
        let port = match transport {
            Transport::DirectTls => info.ports.xmpp_tls,
            Transport::PlainOverOnion => info.onion_plain_port,
            Transport::StartTls => info.ports.xmpp,
        };
        Server {
            host: info.onion.clone(),
            port: Some(port),
            transport,
        }
    }

    /// A name that nobody else in this lab has.
    pub fn fresh(&self, name: &str) -> String {
        static LAST: AtomicU32 = AtomicU32::new(0);
        format!(
            "{name}-{}-{}",
            std::process::id(),
            LAST.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// A folder for one person's profile, removed at the end.
pub struct Home(PathBuf);

impl Home {
    /// Makes it in the lab's folder.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(place: &Place, name: &str) -> Result<Self, Trouble> {
        use std::os::unix::fs::DirBuilderExt;
        let path = place.info().dir.join("homes").join(place.fresh(name));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| Trouble::new(format!("No folder for {name}: {error}")))?;
        Ok(Self(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The lab's folder is swept anyway.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn beside() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("otter-lab"))
        .find(|program| program.exists())
}
