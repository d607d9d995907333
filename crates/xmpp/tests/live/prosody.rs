//! A Prosody of our own: a free port, a folder that goes away, a process that dies with the test.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;

pub(super) const DOMAIN: &str = "example.test";

pub(super) struct Prosody {
    folder: tempfile::TempDir,
    process: Child,
    pub(super) starttls_port: u16,
    pub(super) direct_port: u16,
    certificate: CertificateDer<'static>,
}

impl Prosody {
    pub(super) fn start() -> Self {
        Self::start_with("SHA-1")
    }

    /// `hash` is `SHA-1` or `SHA-256`: the one SCRAM mechanism that is offered.
    pub(super) fn start_with(hash: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec![DOMAIN.to_owned()]).unwrap();
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let [starttls_port, direct_port] = free_ports();
        let settings = settings(folder.path(), starttls_port, direct_port, hash);
        fs::write(folder.path().join("prosody.cfg.lua"), settings).unwrap();
        let process = run(folder.path(), [starttls_port, direct_port]);
        Self {
            folder,
            process,
            starttls_port,
            direct_port,
            certificate: made.cert.der().clone(),
        }
    }

    /// Kills it: no goodbye, no memory of any stream.
    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again with the same accounts on the same ports.
    pub(super) fn start_again(&mut self) {
        self.process = run(self.folder.path(), [self.starttls_port, self.direct_port]);
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("prosody.log")).unwrap_or_default()
    }

    pub(super) fn tls(&self) -> Arc<ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"xmpp-client".to_vec()];
        Arc::new(config)
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("{}", self.log());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a loopback server of the test's own")]
fn run(folder: &Path, ports: [u16; 2]) -> Child {
    let log = fs::File::create(folder.join("console.log")).unwrap();
    let mut process = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "prosody", "-F", "--config"])
        .arg(folder.join("prosody.cfg.lua"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("`setpriv` is missing: apt-get install util-linux");
    let start = Instant::now();
    let closed = |port| std::net::TcpStream::connect(("127.0.0.1", port)).is_err();
    while ports.into_iter().any(closed) {
        let console = || fs::read_to_string(folder.join("console.log")).unwrap_or_default();
        let ended = process.try_wait().unwrap();
        assert!(
            ended.is_none() && start.elapsed() < Duration::from_secs(30),
            "Prosody did not start; is it there? apt-get install --no-install-recommends prosody lua-sec\n{}",
            console()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    process
}

#[expect(clippy::disallowed_methods, reason = "finds free loopback ports")]
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn settings(folder: &Path, starttls: u16, direct: u16, hash: &str) -> String {
    let folder = folder.display();
    format!(
        r#"
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}"
log = {{ debug = "{folder}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {starttls} }}
c2s_direct_tls_ports = {{ {direct} }}
modules_enabled = {{ "disco", "offline", "ping", "register_ibr", "roster", "saslauth", "smacks", "tls" }}
modules_disabled = {{ "s2s" }}
allow_registration = true
authentication = "internal_hashed"
password_hash = "{hash}"
c2s_require_encryption = true
smacks_hibernation_time = 300
ssl = {{ certificate = "{folder}/cert.pem", key = "{folder}/key.pem" }}
c2s_direct_tls_ssl = {{ certificate = "{folder}/cert.pem", key = "{folder}/key.pem" }}
VirtualHost "{DOMAIN}"
"#
    )
}
