//! IRC servers of a story's own, in the lab: reached by its name through the private exits, by TLS, with the lab's
//! certificate; and on loopback by peers that are not ours. Must never outlive the story.
//! InspIRCd 3 with Atheme 7 (IRCv3, SASL), ngIRCd 26 (RFC 1459).

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use model::{Server, Transport};
use stories::Place;

/// Who has no rights on any system.
const NOBODY: u32 = 65_534;

pub(crate) struct IrcServer {
    pub(crate) folder: PathBuf,
    processes: Vec<Child>,
    /// Where IRC is spoken without TLS, on loopback.
    pub(crate) plain: u16,
    tls: u16,
}

impl IrcServer {
    /// A server of RFC 1459.
    pub(crate) fn ngircd(place: &Place) -> Self {
        let mut server = Self::prepare(place);
        let (folder, plain, tls) = (server.folder.display(), server.plain, server.tls);
        let settings = format!(
            "[Global]\nName = irc.test\nInfo = Test\nListen = 127.0.0.1\nPorts = {plain}\nMotdPhrase = Be kind.\n\
             [Limits]\nMaxConnectionsIP = 0\nMaxNickLength = 9\n[Options]\nDNS = no\nIdent = no\nPAM = no\n\
             [SSL]\nCertFile = {folder}/certificate.pem\nKeyFile = {folder}/key.pem\nPorts = {tls}\n"
        );
        server.run("ngircd", &["--nodaemon", "--config", "FOLDER/conf"], &settings);
        server.wait();
        server
    }

    /// A modern server with services. What its users send is written down.
    pub(crate) fn inspircd(place: &Place) -> Self {
        Self::inspircd_that_hashes(place, "sha256")
    }

    /// The same, with another hash over certificates.
    pub(crate) fn inspircd_that_hashes(place: &Place, hash: &str) -> Self {
        let mut server = Self::prepare(place);
        let services = free_port();
        let settings = inspircd_settings(&server, services, hash);
        server.run("inspircd", &["--nofork", "--config=FOLDER/conf"], &settings);
        server.wait();
        let arguments = ["-n", "-c", "FOLDER/conf", "-D", "FOLDER", "-p", "FOLDER/pid"];
        server.run("atheme-services", &arguments, &atheme_settings(services));
        server
    }

    /// A bouncer for alice on another server; its password is `alice/net:secret`.
    pub(crate) fn znc(place: &Place, behind: &Self) -> Self {
        let mut server = Self::prepare(place);
        server.plain = server.tls;
        let settings = znc_settings(&server, behind.plain);
        let configs = server.folder.join("1/configs");
        fs::create_dir_all(&configs).unwrap();
        fs::write(configs.join("znc.conf"), &settings).unwrap();
        let read = |file: &str| fs::read_to_string(server.folder.join(file)).unwrap();
        let both = read("key.pem") + &read("certificate.pem");
        fs::write(server.folder.join("both.pem"), both).unwrap();
        server.run("znc", &["--foreground", "--datadir", "FOLDER"], &settings);
        server.wait();
        server
    }

    /// How people in a story reach it.
    pub(crate) fn through_tor(&self, place: &Place) -> Server {
        Server {
            host: place.info().domain.clone(),
            port: Some(self.tls),
            transport: Transport::DirectTls,
        }
    }

    /// Every line that the modern server had from somebody, in order.
    pub(crate) fn lines_of(&self, nick: &str) -> Vec<String> {
        let log = fs::read(self.folder.join("raw.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let inward = log.lines().filter_map(|line| {
            let (_, after) = line.split_once("USERINPUT: ")?;
            let (user, said) = after.split_once(" I ")?;
            Some((user.trim().to_owned(), said.trim_end().to_owned()))
        });
        let inward: Vec<_> = inward.collect();
        let named = format!("NICK {nick}");
        let who = inward
            .iter()
            .rev()
            .find(|(_, said)| *said == named)
            .map(|(user, _)| user.clone());
        let of = |(user, said): (String, String)| (Some(&user) == who.as_ref()).then_some(said);
        inward.into_iter().filter_map(of).collect()
    }

    /// When the modern server had each line from somebody, and when it asked whether they are there, in seconds of its
    /// clock and in order.
    pub(crate) fn times_of(&self, nick: &str) -> Vec<(u64, String)> {
        let log = fs::read(self.folder.join("raw.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<_> = log.lines().filter_map(logged).collect();
        let named = format!("I NICK {nick}");
        let who = lines.iter().rev().find(|(_, _, said)| *said == named);
        let who = who.map(|(_, user, _)| user.clone());
        let of = |(at, user, said): (u64, String, String)| {
            let ours = said.starts_with("I ") || said.contains(" PING ") || said.starts_with("O PING");
            (Some(user) == who && ours).then_some((at, said))
        };
        lines.into_iter().filter_map(of).collect()
    }

    fn prepare(place: &Place) -> Self {
        let folder = std::env::temp_dir().join(place.fresh("irc-server"));
        fs::create_dir_all(&folder).unwrap();
        for file in ["certificate.pem", "key.pem"] {
            fs::copy(place.info().dir.join("prosody").join(file), folder.join(file)).unwrap();
        }
        Self {
            folder,
            processes: Vec::new(),
            plain: free_port(),
            tls: free_port(),
        }
    }

    fn run(&mut self, program: &str, arguments: &[&str], settings: &str) {
        let folder = self.folder.join((self.processes.len() + 1).to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("conf"), settings).unwrap();
        let console = fs::File::create(folder.join("console")).unwrap();
        let arguments = arguments
            .iter()
            .map(|argument| argument.replace("FOLDER", &folder.to_string_lossy()));
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(as_nobody(&self.folder))
            .arg(program)
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .unwrap();
        self.processes.push(process);
    }

    fn wait(&mut self) {
        let start = Instant::now();
        while [self.plain, self.tls]
            .iter()
            .any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err())
        {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the IRC server did not start: {}",
                self.console()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn console(&self) -> String {
        let consoles = (1..=self.processes.len()).map(|number| self.folder.join(number.to_string()));
        let texts = consoles.filter_map(|folder| fs::read(folder.join("console")).ok());
        texts
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .collect()
    }
}

impl Drop for IrcServer {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Time, user, and direction with line, of a line of the server's log.
fn logged(line: &str) -> Option<(u64, String, String)> {
    let (before, after) = line
        .split_once("USERINPUT: ")
        .or_else(|| line.split_once("USEROUTPUT: "))?;
    let clock = before
        .split(' ')
        .find(|word| word.len() == 8 && word.contains(':'))?;
    let mut parts = clock.split(':').filter_map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (user, said) = after.split_once(' ')?;
    Some((
        hours * 3_600 + minutes * 60 + seconds,
        user.to_owned(),
        said.trim_end().to_owned(),
    ))
}

/// What makes `setpriv` give up root, where we are root: services do not run as root.
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

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn inspircd_settings(server: &IrcServer, services: u16, hash: &str) -> String {
    let (folder, plain, tls) = (server.folder.display(), server.plain, server.tls);
    let modules = "ssl_gnutls sslinfo spanningtree services_account cap sasl ircv3 ircv3_accounttag ircv3_batch \
                   ircv3_capnotify ircv3_ctctags ircv3_echomessage ircv3_invitenotify ircv3_labeledresponse ircv3_msgid \
                   ircv3_servertime monitor namesx uhnames setname";
    let modules: String = modules
        .split_whitespace()
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
<sslprofile name="local" provider="gnutls" certfile="{folder}/certificate.pem" keyfile="{folder}/key.pem" hash="{hash}"
    requestclientcert="yes" priority="NORMAL">
<sasl target="services.test">
<uline server="services.test" silent="yes">
<link name="services.test" ipaddr="127.0.0.1" port="{services}" allowmask="127.0.0.1" sendpass="linkpass"
    recvpass="linkpass">
<connect name="main" allow="*" limit="500" localmax="500" globalmax="500" softsendq="1M" hardsendq="4M" recvq="64K"
    threshold="1000" commandrate="1000000" useident="no" resolvehostnames="no" pingfreq="15">
<path configdir="{folder}" datadir="{folder}" logdir="{folder}" runtimedir="{folder}"
    moduledir="/usr/lib/inspircd/modules">
<pid file="{folder}/inspircd.pid">
<dns server="127.0.0.1" timeout="1">
<options prefixquit="Quit: ">
<log method="file" type="USERINPUT USEROUTPUT" level="rawio" target="{folder}/raw.log" flush="1">
"#
    )
}

fn atheme_settings(services: u16) -> String {
    let modules = "protocol/inspircd backend/opensex crypto/pbkdf2v2 nickserv/main nickserv/register nickserv/identify \
                   nickserv/cert nickserv/set_core nickserv/set_pubkey saslserv/main saslserv/plain saslserv/external \
                   saslserv/ecdsa-nist256p-challenge";
    let modules: String = modules
        .split_whitespace()
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

fn znc_settings(server: &IrcServer, behind: u16) -> String {
    let (folder, port) = (server.folder.display(), server.tls);
    format!(
        "Version = 1.8.2\nSSLCertFile = {folder}/both.pem\nSSLDHParamFile = {folder}/both.pem\nProtectWebSessions = true\n\
         <Listener l>\nPort = {port}\nIPv4 = true\nIPv6 = false\nSSL = true\nAllowWeb = false\n\
         </Listener>\n<User alice>\nAdmin = false\nNick = alice\nAltNick = alice_\nIdent = user\nRealName = user\n\
         <Pass password>\nMethod = plain\nHash = secret\n</Pass>\n\
         <Network net>\nServer = 127.0.0.1 {behind}\nNick = alice\n<Chan #r>\n</Chan>\n</Network>\n</User>\n"
    )
}
