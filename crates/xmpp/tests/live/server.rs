//! A Prosody or an ejabberd of our own: free ports, a folder that goes away, a process that dies with the test.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(super) const DOMAIN: &str = "example.test";
/// Where the rooms are.
pub(super) const ROOMS: &str = "rooms.example.test";
/// A gateway, where a test starts one.
pub(super) const GATEWAY: &str = "gateway.example.test";
/// What the gateway says to be let in.
pub(super) const GATEWAY_SECRET: &str = "quack";

pub(super) struct Server {
    kind: Kind,
    folder: tempfile::TempDir,
    process: Child,
    pub(super) starttls_port: u16,
    pub(super) direct_port: u16,
    /// Where gateways come in.
    pub(super) component_port: u16,
    certificate: CertificateDer<'static>,
}

/// The modules for SASL2 are made for the Prosody after Debian's: it asks its connections two
/// things more, and tells who opened the stream.
const FACTS_OF_TLS: &str = r#"
local stanzas = require "util.stanza".stanza_mt.__index;
function stanzas:get_child_attr(name, xmlns, attribute)
    local child = self:get_child(name, xmlns);
    return child and child.attr[attribute];
end
local times = require "util.datetime";
local datetime = times.datetime;
times.datetime = function (time) return datetime(time and math.floor(time)); end
module:hook("stream-features", function (event)
    event.stream = { from = "alice@example.test" };
    local methods = getmetatable(event.origin.conn).__index;
    if methods.ssl_info then return; end
    function methods:ssl_info()
        local socket = self:socket();
        return socket.info and socket:info();
    end
    function methods:ssl_exportkeyingmaterial(label, length, context)
        local socket = self:socket();
        return socket.exportkeyingmaterial and socket:exportkeyingmaterial(label, length, context);
    end
end, 1000);
"#;

/// A certificate of a client, and its key.
pub(super) type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// Whose server it is.
#[derive(Clone, Copy)]
enum Kind {
    Ejabberd,
    Prosody,
}

impl Server {
    /// A Prosody that offers SCRAM-SHA-1, as Debian's does by default.
    pub(super) fn prosody() -> Self {
        Self::start(Kind::Prosody, "SHA-1")
    }

    /// A Prosody that offers SCRAM-SHA-256.
    pub(super) fn prosody_with_sha_256() -> Self {
        Self::start(Kind::Prosody, "SHA-256")
    }

    /// An ejabberd that offers SCRAM-SHA-256.
    pub(super) fn ejabberd() -> Self {
        Self::start(Kind::Ejabberd, "sha256")
    }

    /// A Prosody with settings of its own in the place of some of the usual ones.
    pub(super) fn prosody_changed(change: impl FnOnce(String) -> String) -> Self {
        Self::start_changed(Kind::Prosody, "SHA-256", change)
    }

    /// An ejabberd with settings of its own in the place of some of the usual ones.
    pub(super) fn ejabberd_changed(change: impl FnOnce(String) -> String) -> Self {
        Self::start_changed(Kind::Ejabberd, "sha256", change)
    }

    fn start(kind: Kind, hash: &str) -> Self {
        Self::start_changed(kind, hash, |settings| settings)
    }

    fn start_changed(kind: Kind, hash: &str, change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut wanted = rcgen::CertificateParams::new(vec![DOMAIN.to_owned()]).unwrap();
        // The default is the year 4096, for which ejabberd has no timer.
        wanted.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let made = wanted.self_signed(&key).unwrap();
        let (certificate, key) = (made.pem(), key.serialize_pem());
        fs::write(folder.path().join("cert.pem"), &certificate).unwrap();
        fs::write(folder.path().join("key.pem"), &key).unwrap();
        fs::write(folder.path().join("both.pem"), certificate + &key).unwrap();
        fs::write(folder.path().join("mod_facts_of_tls.lua"), FACTS_OF_TLS).unwrap();
        let ports = free_ports();
        let (name, settings) = match kind {
            Kind::Ejabberd => ("ejabberd.yml", ejabberd_settings(folder.path(), ports, hash)),
            Kind::Prosody => ("prosody.cfg.lua", prosody_settings(folder.path(), ports, hash)),
        };
        fs::write(folder.path().join(name), change(settings)).unwrap();
        let process = run(kind, folder.path(), ports);
        let [starttls_port, direct_port, component_port] = ports;
        Self {
            kind,
            folder,
            process,
            starttls_port,
            direct_port,
            component_port,
            certificate: made.der().clone(),
        }
    }

    /// Kills it: no goodbye, no memory of any stream.
    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again with the same accounts on the same ports.
    pub(super) fn start_again(&mut self) {
        self.process = run(
            self.kind,
            self.folder.path(),
            [self.starttls_port, self.direct_port, self.component_port],
        );
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(super) fn tls(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            Some((certificate, key)) => config
                .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
                .unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"xmpp-client".to_vec()];
        Arc::new(config)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("{}", self.log());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a loopback server of the test's own")]
fn run(kind: Kind, folder: &Path, ports: [u16; 3]) -> Child {
    let console = fs::File::create(folder.join("console.log")).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    match kind {
        Kind::Ejabberd => ejabberd(&mut command, folder),
        Kind::Prosody => {
            command.args(["prosody", "-F", "--config"]);
            command.arg(folder.join("prosody.cfg.lua"));
        }
    }
    let mut process = command
        .stdin(Stdio::null())
        .stdout(console.try_clone().unwrap())
        .stderr(console)
        .spawn()
        .expect("`setpriv` is missing: apt-get install util-linux");
    let start = Instant::now();
    let closed = |port| std::net::TcpStream::connect(("127.0.0.1", port)).is_err();
    while ports.into_iter().any(closed) {
        let console = || fs::read_to_string(folder.join("console.log")).unwrap_or_default();
        let ended = process.try_wait().unwrap();
        assert!(
            ended.is_none() && start.elapsed() < Duration::from_secs(90),
            "The server did not start; is it there? \
             apt-get install --no-install-recommends prosody lua-sec ejabberd\n{}",
            console()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    process
}

/// Erlang without a node name: no port mapper, nothing that listens beyond loopback.
fn ejabberd(command: &mut Command, folder: &Path) {
    let quoted = |name: &str| format!("\"{}\"", folder.join(name).display());
    command
        .env("HOME", folder)
        .env("ERL_LIBS", "/usr/lib/x86_64-linux-gnu:/usr/lib/aarch64-linux-gnu")
        .args(["erl", "-noinput", "-mnesia", "dir", &quoted("mnesia")])
        .args(["-ejabberd", "config", &quoted("ejabberd.yml")])
        .args(["-ejabberd", "log_path", &quoted("log"), "-s", "ejabberd"]);
}

#[expect(clippy::disallowed_methods, reason = "finds free loopback ports")]
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn prosody_settings(folder: &Path, ports: [u16; 3], hash: &str) -> String {
    let folder = folder.display();
    let [starttls, direct, components] = ports;
    format!(
        r#"
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}"
log = {{ debug = "{folder}/log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {starttls} }}
c2s_direct_tls_ports = {{ {direct} }}
component_ports = {{ {components} }}
plugin_paths = {{ "{folder}" }}
modules_enabled = {{ "disco", "offline", "ping", "register", "roster", "saslauth", "smacks", "tls" }}
modules_disabled = {{ "s2s" }}
allow_registration = true
authentication = "internal_hashed"
password_hash = "{hash}"
c2s_require_encryption = true
smacks_hibernation_time = 300
ssl = {{ certificate = "{folder}/cert.pem", key = "{folder}/key.pem" }}
c2s_direct_tls_ssl = {{ certificate = "{folder}/cert.pem", key = "{folder}/key.pem" }}
VirtualHost "{DOMAIN}"
Component "{ROOMS}" "muc"
Component "{GATEWAY}"
component_secret = "{GATEWAY_SECRET}"
"#
    )
}

fn ejabberd_settings(folder: &Path, ports: [u16; 3], hash: &str) -> String {
    let folder = folder.display();
    let [starttls, direct, components] = ports;
    format!(
        r#"
hosts: ["{DOMAIN}"]
loglevel: debug
certfiles: ["{folder}/both.pem"]
auth_method: internal
auth_password_format: scram
auth_scram_hash: {hash}
registration_timeout: infinity
listen:
  - {{ port: {starttls}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, starttls_required: true, access: everyone }}
  - {{ port: {direct}, ip: "127.0.0.1", module: ejabberd_c2s, tls: true, access: everyone }}
  - {{ port: {components}, ip: "127.0.0.1", module: ejabberd_service, hosts: {{ "{GATEWAY}": {{ password: "{GATEWAY_SECRET}" }} }} }}
access_rules:
  everyone: {{ allow: all }}
modules:
  mod_disco: {{}}
  mod_muc: {{ host: "{ROOMS}" }}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_register: {{ access: everyone, ip_access: all }}
  mod_roster: {{}}
  mod_stream_mgmt: {{ resume_timeout: 300 }}
"#
    )
}
