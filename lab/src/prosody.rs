//! Prosody, behind the private exits and behind the onion service, with a wiretap.
//! Never archives a message: what the tests may find on the server is what an operator would find.
//! RFC 6120, RFC 6121; Prosody 0.12's configuration; XEP-0077, XEP-0198, XEP-0280, XEP-0368.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::LabError;
use crate::children::{Daemon, output_of, private_folder, wait_until, write_file};
use crate::info::{DOMAIN, LabInfo};
use crate::packages::find;

/// How long the server may take to answer on its ports.
const PATIENCE: Duration = Duration::from_secs(30);

const WIRETAP: &str = include_str!("../prosody/mod_wiretap.lua");

/// The server.
#[derive(Debug)]
pub(crate) struct Prosody {
    daemon: Daemon,
    configuration: PathBuf,
    ports: [u16; 3],
}

impl Prosody {
    /// Writes the configuration. Starts nothing.
    pub(crate) fn lay_out(info: &LabInfo) -> Result<Self, LabError> {
        let dir = info.dir.join("prosody");
        let modules = info.dir.join("prosody-modules");
        private_folder(&dir.join("data"))?;
        private_folder(&dir.join("certs"))?;
        private_folder(&modules)?;
        write_file(&modules.join("mod_wiretap.lua"), WIRETAP)?;
        write_file(&info.wiretap, "")?;
        let configuration = dir.join("prosody.cfg.lua");
        write_file(&configuration, &configuration_text(info, &dir, &modules))?;
        let program = program("prosody")?;
        let arguments = ["-F".as_ref(), "--config".as_ref(), configuration.as_os_str()];
        let daemon = Daemon::new(
            "prosody",
            &program.to_string_lossy(),
            arguments,
            dir.join("out.log"),
        );
        let ports = [info.ports.xmpp, info.ports.xmpp_tls, info.ports.xmpp_plain];
        Ok(Self {
            daemon,
            configuration,
            ports,
        })
    }

    /// Starts the server, unless it runs; accounts and stored messages are kept from before.
    pub(crate) fn start(&mut self) -> Result<(), LabError> {
        self.daemon.start()
    }

    /// Waits until every port answers.
    pub(crate) fn wait(&mut self) -> Result<(), LabError> {
        let (daemon, ports) = (&mut self.daemon, self.ports);
        wait_until("the XMPP server", PATIENCE, || {
            daemon.must_run()?;
            Ok(ports
                .iter()
                .all(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok()))
        })
    }

    /// Kills the server without a word to its clients.
    pub(crate) fn kill(&mut self) -> Result<(), LabError> {
        self.daemon.kill()
    }

    /// Makes an account.
    pub(crate) fn register(&self, user: &str, password: &str, host: &str) -> Result<(), LabError> {
        let mut command = Command::new(program("prosodyctl")?);
        command
            .arg("--config")
            .arg(&self.configuration)
            .args(["register", user, host, password]);
        output_of(&mut command).map(drop)
    }

    pub(crate) fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

fn program(name: &str) -> Result<PathBuf, LabError> {
    find(name).ok_or(LabError::MissingPackages(vec!["prosody"]))
}

fn configuration_text(info: &LabInfo, dir: &Path, modules: &Path) -> String {
    let (dir, modules, wiretap) = (dir.display(), modules.display(), info.wiretap.display());
    let ports = &info.ports;
    format!(
        r#"run_as_root = true
daemonize = false
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
plugin_paths = {{ "{modules}" }}
wiretap_file = "{wiretap}"
log = {{ info = "{dir}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {start_tls}, {plain} }}
c2s_direct_tls_ports = {{ {direct_tls} }}
s2s_ports = {{ }}
modules_disabled = {{ "s2s" }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "register", "smacks", "carbons", "wiretap" }}
storage = "internal"
certificates = "{dir}/certs"
authentication = "internal_hashed"
allow_registration = true
c2s_require_encryption = true
c2s_stanza_size_limit = 1048576
smacks_hibernation_time = 300
ssl = {{ key = "{dir}/key.pem", certificate = "{dir}/certificate.pem" }}
c2s_direct_tls_ssl = {{ key = "{dir}/key.pem", certificate = "{dir}/certificate.pem" }}

VirtualHost "{domain}"
	password_hash = "SHA-256"

-- Reached through Tor only, which encrypts up to this machine: TLS is offered, and may be left out.
VirtualHost "{onion}"
	password_hash = "SHA-1"
	c2s_require_encryption = false

Component "rooms.{domain}" "muc"
"#,
        start_tls = ports.xmpp,
        plain = ports.xmpp_plain,
        direct_tls = ports.xmpp_tls,
        domain = info.domain,
        onion = info.onion,
    )
}

/// Makes the server's key and self-signed certificate for its domain and its onion service, and gives the SHA-256 of
/// its SubjectPublicKeyInfo in hexadecimal. It is no authority's: a client must pin it, or come by the onion service.
pub(crate) fn make_certificate(dir: &Path, onion: &str) -> Result<String, LabError> {
    let dir = dir.join("prosody");
    private_folder(&dir)?;
    let (settings, key, certificate, public) = (
        dir.join("openssl.cnf"),
        dir.join("key.pem"),
        dir.join("certificate.pem"),
        dir.join("public.der"),
    );
    write_file(
        &settings,
        &format!(
            "[req]\ndistinguished_name = name\nx509_extensions = leaf\nprompt = no\n[name]\nCN = {DOMAIN}\n[leaf]\n\
             basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\n\
             extendedKeyUsage = serverAuth\nsubjectAltName = DNS:{DOMAIN},DNS:{onion}\n"
        ),
    )?;
    let openssl = || {
        find("openssl")
            .map(Command::new)
            .ok_or(LabError::MissingPackages(vec!["openssl"]))
    };
    let mut command = openssl()?;
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "365",
    ]);
    command
        .arg("-config")
        .arg(&settings)
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    output_of(&mut command)?;
    let mut command = openssl()?;
    command
        .args(["pkey", "-pubout", "-outform", "DER", "-in"])
        .arg(&key)
        .arg("-out")
        .arg(&public);
    output_of(&mut command)?;
    let digest = output_of(openssl()?.args(["dgst", "-sha256", "-r"]).arg(&public))?;
    let digest = String::from_utf8_lossy(&digest);
    let digest = digest
        .split_whitespace()
        .next()
        .filter(|digest| digest.len() == 64)
        .map(str::to_owned);
    fs::remove_file(&public).map_err(LabError::io("remove a file"))?;
    digest.ok_or_else(|| LabError::program("openssl", "it gave no digest"))
}
