//! Servers of our own: free ports, a folder that goes away, processes that die with the test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub(super) const NAME: &str = "irc.test";
/// Who has no rights on any system.
const NOBODY: u32 = 65_534;

pub(super) struct Server {
    folder: tempfile::TempDir,
    processes: Vec<Child>,
    /// Where IRC is spoken without TLS.
    pub(super) plain_port: u16,
    /// Where it is spoken with TLS.
    pub(super) tls_port: u16,
    certificate: CertificateDer<'static>,
}

impl Server {
    /// A modern server with services: accounts by password, certificate and key.
    pub(super) fn inspircd() -> Self {
        let mut server = Self::prepare();
        let [services, _] = free_ports();
        let settings = inspircd_settings(&server, services);
        server.run("inspircd", &["--nofork", "--config=FOLDER/conf"], &settings);
        server.await_port(server.plain_port);
        let settings = atheme_settings(services);
        server.run(
            "atheme-services",
            &["-n", "-c", "FOLDER/conf", "-D", "FOLDER", "-p", "FOLDER/pid"],
            &settings,
        );
        server
    }

    /// A server of RFC 1459.
    pub(super) fn ngircd() -> Self {
        let mut server = Self::prepare();
        let settings = ngircd_settings(&server);
        server.run("ngircd", &["--nodaemon", "--config", "FOLDER/conf"], &settings);
        server.await_port(server.plain_port);
        server
    }

    /// A bouncer for alice on another server.
    pub(super) fn znc(behind: &Self) -> Self {
        let mut server = Self::prepare();
        let settings = znc_settings(&server, behind.plain_port);
        fs::create_dir_all(server.folder.path().join("1/configs")).unwrap();
        fs::write(server.folder.path().join("1/configs/znc.conf"), &settings).unwrap();
        server.run("znc", &["--foreground", "--datadir", "FOLDER"], &settings);
        server.await_port(server.tls_port);
        server
    }

    fn prepare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(vec![NAME.to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        fs::write(folder.path().join("cert.pem"), made.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        fs::write(folder.path().join("both.pem"), key.serialize_pem() + &made.pem()).unwrap();
        let [plain_port, tls_port] = free_ports();
        Self {
            folder,
            processes: Vec::new(),
            plain_port,
            tls_port,
            certificate: made.der().clone(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "loopback servers of the test's own")]
    fn run(&mut self, program: &str, arguments: &[&str], settings: &str) {
        let number = self.processes.len() + 1;
        let folder = self.folder.path().join(number.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("conf"), settings).unwrap();
        let console = fs::File::create(folder.join("console")).unwrap();
        let arguments = arguments
            .iter()
            .map(|argument| argument.replace("FOLDER", &folder.to_string_lossy()));
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(as_nobody(self.folder.path()))
            .arg(program)
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .expect("`setpriv` is missing: apt-get install util-linux");
        self.processes.push(process);
    }

    #[expect(clippy::disallowed_methods, reason = "a loopback server of the test's own")]
    fn await_port(&mut self, port: u16) {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = self
                .processes
                .iter_mut()
                .any(|process| process.try_wait().unwrap().is_some());
            assert!(
                !ended && start.elapsed() < Duration::from_secs(30),
                "The server did not start; is it there? \
                 apt-get install --no-install-recommends inspircd atheme-services ngircd znc\n{}",
                self.console()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn console(&self) -> String {
        let consoles = (1..=self.processes.len()).map(|number| self.folder.path().join(number.to_string()));
        consoles
            .filter_map(|folder| fs::read_to_string(folder.join("console")).ok())
            .collect()
    }

    /// Kills it without a goodbye.
    pub(super) fn kill(&mut self) {
        for process in &mut self.processes {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// How to reach it by TLS, with a certificate of ours or without.
    pub(super) fn tls(&self, ours: Option<&Certificate>) -> Arc<ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match ours {
            Some(ours) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(ours.key.clone()));
                builder
                    .with_client_auth_cert(vec![ours.certificate.clone()], key)
                    .unwrap()
            }
            None => builder.with_no_client_auth(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            println!("{}", self.console());
        }
    }
}

/// What makes `setpriv` give up root, where we are root: some servers run as root only after a long pause.
fn as_nobody(folder: &Path) -> &'static [&'static str] {
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).is_err() {
            return &[];
        }
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    &["--reuid", "65534", "--regid", "65534", "--clear-groups"]
}

/// A client's certificate.
pub(super) struct Certificate {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificate {
    pub(super) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(vec!["user".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        Self {
            certificate: made.der().clone(),
            key: key.serialize_der(),
        }
    }

    /// SHA-256 in hexadecimal.
    pub(super) fn fingerprint(&self) -> String {
        use sha2::Digest as _;
        sha2::Sha256::digest(&self.certificate)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "finds free loopback ports")]
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn inspircd_settings(server: &Server, services: u16) -> String {
    let folder: &Path = server.folder.path();
    let (folder, plain, tls) = (folder.display(), server.plain_port, server.tls_port);
    let modules = [
        "ssl_gnutls",
        "sslinfo",
        "spanningtree",
        "services_account",
        "cap",
        "sasl",
        "hidechans",
        "servprotect",
        "ircv3",
        "ircv3_accounttag",
        "ircv3_batch",
        "ircv3_capnotify",
        "ircv3_chghost",
        "ircv3_ctctags",
        "ircv3_echomessage",
        "ircv3_invitenotify",
        "ircv3_labeledresponse",
        "ircv3_msgid",
        "ircv3_servertime",
        "monitor",
        "namesx",
        "uhnames",
        "setname",
        "botmode",
    ];
    let modules: String = modules
        .iter()
        .map(|name| format!("<module name=\"{name}\">\n"))
        .collect();
    format!(
        r#"
<server name="irc.test" description="Test" network="Test" id="001">
<admin name="a" nick="a" email="a@irc.test">
<bind address="127.0.0.1" port="{plain}" type="clients">
<bind address="127.0.0.1" port="{tls}" type="clients" ssl="local">
<bind address="127.0.0.1" port="{services}" type="servers">
{modules}
<sslprofile name="local" provider="gnutls" certfile="{folder}/cert.pem" keyfile="{folder}/key.pem" hash="sha256"
    requestclientcert="yes" priority="NORMAL">
<sasl target="services.test">
<uline server="services.test" silent="yes">
<link name="services.test" ipaddr="127.0.0.1" port="{services}" allowmask="127.0.0.1" sendpass="linkpass"
    recvpass="linkpass">
<connect name="main" allow="*" limit="500" localmax="500" globalmax="500" softsendq="1M" hardsendq="4M" recvq="64K"
    threshold="1000" commandrate="1000000" useident="no" resolvehostnames="no">
<path configdir="{folder}" datadir="{folder}" logdir="{folder}" runtimedir="{folder}"
    moduledir="/usr/lib/inspircd/modules">
<pid file="{folder}/inspircd.pid">
<dns server="127.0.0.1" timeout="1">
<options prefixquit="Quit: ">
"#
    )
}

fn atheme_settings(services: u16) -> String {
    let modules = [
        "protocol/inspircd",
        "backend/opensex",
        "crypto/pbkdf2v2",
        "nickserv/main",
        "nickserv/register",
        "nickserv/identify",
        "nickserv/cert",
        "nickserv/set_core",
        "nickserv/set_pubkey",
        "saslserv/main",
        "saslserv/plain",
        "saslserv/external",
        "saslserv/ecdsa-nist256p-challenge",
    ];
    let modules: String = modules
        .iter()
        .map(|name| format!("loadmodule \"modules/{name}\";\n"))
        .collect();
    format!(
        r#"{modules}
serverinfo {{ name = "services.test"; desc = "Services"; numeric = "00A"; recontime = 1; netname = "Test";
    adminname = "a"; adminemail = "a@irc.test"; registeremail = "a@irc.test"; mta = "/bin/true"; loglevel = {{ all; }};
    maxlogins = 20; maxusers = 5000; maxnicks = 200; maxchans = 5; auth = none; casemapping = rfc1459; }};
uplink "irc.test" {{ host = "127.0.0.1"; send_password = "linkpass"; receive_password = "linkpass"; port = {services}; }};
nickserv {{ nick = "NickServ"; user = "NickServ"; host = "services.test"; real = "Nicks"; }};
saslserv {{ nick = "SaslServ"; user = "SaslServ"; host = "services.test"; real = "SASL"; }};
general {{ flood_msgs = 0; clone_time = 0; commit_interval = 5; default_clone_allowed = 500; default_clone_warn = 600; }};
"#
    )
}

fn ngircd_settings(server: &Server) -> String {
    let port = server.plain_port;
    format!(
        "[Global]\nName = irc.test\nInfo = Test\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = Be kind.\n\
         [Limits]\nMaxConnectionsIP = 0\nMaxNickLength = 9\n[Options]\nDNS = no\nIdent = no\nPAM = no\n"
    )
}

fn znc_settings(server: &Server, behind: u16) -> String {
    let (folder, port) = (server.folder.path().display(), server.tls_port);
    format!(
        "Version = 1.8.2\nSSLCertFile = {folder}/both.pem\nSSLDHParamFile = {folder}/both.pem\nProtectWebSessions = true\n\
         <Listener l>\nPort = {port}\nIPv4 = true\nIPv6 = false\nSSL = true\nHost = 127.0.0.1\nAllowWeb = false\n\
         </Listener>\n<User alice>\nAdmin = false\nNick = alice\nAltNick = alice_\nIdent = user\nRealName = user\n\
         <Pass password>\nMethod = plain\nHash = secret\n</Pass>\n\
         <Network net>\nServer = 127.0.0.1 {behind}\nNick = alice\n<Chan #r>\n</Chan>\n</Network>\n</User>\n"
    )
}
