//! A real gateway behind a real server: biboumi, which leads into IRC.
//! Must never connect to anything beyond loopback. XEP-0030, XEP-0050, XEP-0100.

use std::fs;
use std::process::{Child, Command as Program, Stdio};
use std::time::{Duration, Instant};

use xmpp::{
    Answers, Command, CommandAction, CommandStage, CommandStep, Event, Jid, Query, QueryFailure, Reply, Tls,
};

use super::client::Client;
use super::server::{GATEWAY, GATEWAY_SECRET, Server};
use super::stories::newcomer;

/// A gateway that dies with the test.
struct Biboumi {
    process: Child,
    _folder: tempfile::TempDir,
}

impl Biboumi {
    #[expect(clippy::disallowed_methods, reason = "starts a gateway of the test's own")]
    fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("biboumi.cfg");
        let port = server.component_port;
        let text = format!(
            "hostname={GATEWAY}\npassword={GATEWAY_SECRET}\nport={port}\nxmpp_server_ip=127.0.0.1\nlog_level=0\n\
             db_name={}\nlog_file={}\nfixed_irc_server=127.0.0.1\n",
            folder.path().join("biboumi.sqlite").display(),
            folder.path().join("log").display(),
        );
        fs::write(&settings, text).unwrap();
        let process = Program::new("setpriv")
            .args(["--pdeathsig", "KILL", "biboumi"])
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`biboumi` is missing: apt-get install biboumi");
        Self {
            process,
            _folder: folder,
        }
    }
}

impl Drop for Biboumi {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ask(alice: &mut Client, query: Query, server: &Server) -> Result<Reply, QueryFailure> {
    let token = 1;
    alice.command(Command::Query { token, query }, server).unwrap();
    alice.wait(server, "an answer", |event| match event {
        Event::Answered { reply, .. } => Some(reply.clone()),
        _ => None,
    })
}

fn step(alice: &mut Client, run: Option<String>, answers: Option<Answers>, server: &Server) -> CommandStage {
    let step = CommandStep {
        at: GATEWAY.parse().unwrap(),
        node: "hello".to_owned(),
        run,
        action: if answers.is_some() {
            CommandAction::Complete
        } else {
            CommandAction::Execute
        },
        answers,
    };
    match ask(alice, Query::Command(step), server) {
        Ok(Reply::Command(stage)) => stage,
        other => panic!("no stage: {other:?}"),
    }
}

/// Alice finds the gateway that her server names, and goes through one of its commands.
fn find_and_command(server: &Server) {
    let _gateway = Biboumi::start(server);
    let (mut alice, _) = newcomer("alice", Tls::Direct, server);
    let at: Jid = GATEWAY.parse().unwrap();
    let start = Instant::now();
    // It takes a moment to come in.
    while ask(&mut alice, Query::Info(at.clone()), server).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the gateway does not come"
        );
    }
    let Ok(Reply::Services(services)) = ask(&mut alice, Query::Services, server) else {
        panic!("no services")
    };
    let gateway = services
        .iter()
        .find(|service| service.at == at)
        .expect("the gateway is named");
    assert_eq!(gateway.is("conference").map(|(kind, _)| kind), Some("irc"));
    let Ok(Reply::Commands(commands)) = ask(&mut alice, Query::Commands(at), server) else {
        panic!("no commands")
    };
    assert!(
        commands.iter().any(|command| command.node == "hello"),
        "{commands:?}"
    );
    let first = step(&mut alice, None, None, server);
    let form = first.form.expect("it asks for a name");
    assert!(first.goes_on && !form.fields.is_empty(), "{form:?}");
    let answers = Answers::to(&form, |_| Some(vec!["otter".to_owned()]));
    let last = step(&mut alice, first.run, Some(answers), server);
    assert!(
        !last.goes_on && last.notes.iter().any(|(_, note)| note.contains("otter")),
        "{last:?}"
    );
}

#[test]
fn a_gateway_into_irc_is_found_and_commanded_on_prosody() {
    find_and_command(&Server::prosody());
}

#[test]
fn a_gateway_into_irc_is_found_and_commanded_on_ejabberd() {
    find_and_command(&Server::ejabberd());
}
