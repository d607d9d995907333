//! A link between orders and a server of a few scripted lines, both in memory; and what it says of Tor.
//! Must never reach a network. RFC 6120; `docs/rpc.md` (states of an account).

use model::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::random::SystemRandom;

mod apart;

const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='x' from='example.org'>";

type Ends = (Link, mpsc::Sender<Order>, mpsc::Receiver<(AccountId, Report)>);

fn link(server: Option<Server>, siblings: usize) -> Ends {
    let (orders, inbox) = mpsc::channel(16);
    let (reports, told) = mpsc::channel(256);
    let setup = Setup {
        id: AccountId(1),
        network: Network::Xmpp {
            jid: BareJid::new("alice@example.org").unwrap(),
            register: false,
            mechanism_seen: None,
            way: XmppWay::default(),
        },
        password: Zeroizing::new("secret".to_owned()),
        server,
        pins: Vec::new(),
        known: None,
        isolation: Isolation::from_bytes([7; 16]),
        dialer: Dialer::new(),
        resolvers: Vec::new(),
        tls_at: None,
        onion: None,
        siblings: siblings_of(siblings),
        chance: Box::new(SystemRandom),
    };
    (Link::new(setup, inbox, reports), orders, told)
}

fn siblings_of(accounts: usize) -> Siblings {
    let siblings = Siblings::default();
    siblings.set(accounts);
    siblings
}

fn server(host: &str, transport: Transport) -> Option<Server> {
    Some(Server {
        host: host.to_owned(),
        port: None,
        transport,
    })
}

fn onion() -> Option<Server> {
    // The example address of the onion service specification.
    let host = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
    server(host, Transport::PlainOverOnion)
}

/// Plays a server: after each thing said by the client says one of the lines, then closes.
async fn play(mut stream: DuplexStream, lines: &[String]) -> String {
    let mut heard = String::new();
    let mut buffer = [0; 4096];
    for line in lines {
        let length = stream.read(&mut buffer).await.unwrap();
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        stream.write_all(line.as_bytes()).await.unwrap();
    }
    heard
}

/// Runs a link against a scripted server.
async fn against(link: &mut Link, lines: &[String]) -> (End, String) {
    let (ours, theirs) = duplex(64 * 1024);
    tokio::join!(link.pump(Box::new(ours)), play(theirs, lines))
}

fn features(inside: &str) -> String {
    format!("{OPEN}<stream:features>{inside}</stream:features>")
}

#[test]
fn the_time_between_attempts_grows_to_minutes_and_no_further() {
    let (mut link, _orders, _told) = link(None, 1);
    for failures in [0, 1, 5, 8, 9, 1000, u32::MAX] {
        link.failures = failures;
        let base = 1000 << failures.min(8);
        for _ in 0..200 {
            let wait = link.backoff().as_millis();
            assert!((base..2 * base).contains(&wait), "{failures}: {wait}");
        }
    }
}

#[test]
fn several_accounts_do_not_come_back_in_the_same_moment() {
    let (mut link, _orders, _told) = link(None, 2);
    let waits: Vec<Duration> = (0..200).map(|_| link.backoff()).collect();
    assert!(waits.iter().all(|wait| *wait < Duration::from_secs(122)));
    assert!(waits.iter().any(|wait| *wait > Duration::from_secs(20)));
}

#[tokio::test]
async fn a_server_that_hangs_up_is_tried_again() {
    let (mut link, _orders, _told) = link(onion(), 1);
    let (end, _) = against(&mut link, &[OPEN.to_owned()]).await;
    assert!(matches!(end, End::Lost(_)));
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again() {
    let (mut link, _orders, _told) = link(onion(), 1);
    let sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
    let offer = format!("<mechanisms {sasl}><mechanism>SCRAM-SHA-256</mechanism></mechanisms>");
    let refusal = format!("<failure {sasl}><not-authorized/></failure>");
    let (end, heard) = against(&mut link, &[features(&offer), refusal]).await;
    let End::Refused(problem) = end else {
        panic!("it is tried again");
    };
    assert_eq!(problem.code, xmpp::OfflineReason::WrongPassword.code());
    assert!(heard.contains("SCRAM-SHA-256") && !heard.contains("secret"));
}

#[tokio::test]
async fn without_tls_nothing_is_said_beyond_the_opening() {
    let (mut link, _orders, _told) = link(server("example.org", Transport::StartTls), 1);
    let offer =
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>";
    let (_, heard) = against(&mut link, &[features(offer)]).await;
    assert!(!heard.contains("<auth"), "{heard}");
    assert!(!heard.contains("alice"), "{heard}");
}

#[tokio::test]
async fn what_is_no_tls_after_starttls_ends_the_stream() {
    let (mut link, _orders, _told) = link(server("example.org", Transport::StartTls), 1);
    let tls = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'";
    let lines = [
        features(&format!("<starttls {tls}><required/></starttls>")),
        format!("<proceed {tls}/>"),
        "HTTP/1.0 400 no\r\n\r\n".to_owned(),
    ];
    let (end, heard) = against(&mut link, &lines).await;
    assert!(matches!(end, End::Lost(_)));
    assert!(!heard.contains("<auth"), "{heard}");
}

#[tokio::test]
async fn plain_is_refused_for_what_is_no_onion_service() {
    let (mut link, _orders, _told) = link(server("example.org", Transport::PlainOverOnion), 1);
    let Err(End::Refused(problem)) = link.reach().await else {
        panic!("it was tried");
    };
    assert_eq!(problem.code, "account.plain_needs_onion");
}

#[tokio::test]
async fn messages_wait_while_there_is_no_stream_and_more_than_enough_are_reported_lost() {
    let (mut link, _orders, mut told) = link(None, 1);
    for token in 0..600 {
        let to = "bob@example.net".parse().unwrap();
        let body = "?OTRv3?".to_owned();
        let otr = true;
        link.queue(Order::Xmpp(xmpp::Command::Send { to, body, token, otr }))
            .await;
    }
    assert_eq!(link.pending.len(), 512);
    let mut lost = Vec::new();
    while let Ok((_, Report::Lost(tokens))) = told.try_recv() {
        lost.extend(tokens);
    }
    assert_eq!(lost, (512..600).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_message_that_comes_while_the_server_is_reached_waits_and_the_order_stays() {
    let (mut link, orders, _told) = link(None, 1);
    let message = |token| {
        let (to, body, otr) = ("bob@example.net".parse().unwrap(), "?OTRv3?".to_owned(), true);
        Order::Xmpp(xmpp::Command::Send { to, body, token, otr })
    };
    orders.send(message(1)).await.unwrap();
    orders.send(message(2)).await.unwrap();
    let waited = link
        .meanwhile(tokio::time::sleep(Duration::from_millis(50)))
        .await;
    assert!(waited.is_ok());
    // Without a standing session nothing is handed over, and what comes next stands behind.
    link.catch_up();
    assert!(link.obey(Some(message(3))).await.is_none());
    let waiting: Vec<u64> = link.pending.iter().map(|(_, token)| *token).collect();
    assert_eq!(waiting, [1, 2, 3]);
}

#[tokio::test]
async fn messages_that_wait_when_the_owner_disconnects_are_given_back() {
    let (mut link, _orders, mut told) = link(None, 1);
    let (to, body, otr) = ("bob@example.net".parse().unwrap(), "?OTRv3?".to_owned(), true);
    link.queue(Order::Xmpp(xmpp::Command::Send {
        to,
        body,
        token: 7,
        otr,
    }))
    .await;
    assert!(link.obey(Some(Order::Disconnect)).await.is_none());
    assert!(matches!(told.try_recv(), Ok((_, Report::Lost(tokens))) if tokens == [7]));
}

fn better() -> Box<Change> {
    Box::new(Change {
        password: Zeroizing::new("better".to_owned()),
        server: onion(),
        pins: Vec::new(),
        known: None,
        resolvers: Vec::new(),
        tls_at: None,
        login: None,
        way: None,
    })
}

#[tokio::test]
async fn another_way_begins_with_the_next_connection_and_what_waited_is_given_back() {
    let (mut link, _orders, mut told) = link(None, 1);
    let (to, body, otr) = ("bob@example.net".parse().unwrap(), "?OTRv3?".to_owned(), true);
    let token = 7;
    link.queue(Order::Xmpp(xmpp::Command::Send { to, body, token, otr }))
        .await;
    assert!(link.obey(Some(Order::Change(better()))).await.is_none());
    assert!(matches!(told.try_recv(), Ok((_, Report::Lost(tokens))) if tokens == [7]));
    link.failures = 5;
    link.change_way().await;
    assert_eq!(*link.setup.password, "better");
    assert_eq!(link.transport, Transport::PlainOverOnion);
    assert_eq!((link.failures, link.change.is_none()), (0, true));
}

#[tokio::test]
async fn another_way_is_taken_while_the_former_one_is_tried() {
    let (mut link, orders, _told) = link(None, 1);
    orders.send(Order::Change(better())).await.unwrap();
    let end = link.meanwhile(std::future::pending::<()>()).await;
    assert!(matches!(end, Err(End::Disconnected)) && link.change.is_some());
    let (link, orders, mut told) = self::link(None, 1);
    tokio::spawn(link.run());
    orders.send(Order::Connect).await.unwrap();
    assert_eq!(next_state(&mut told).await, AccountState::WaitingForTor);
    orders.send(Order::Change(better())).await.unwrap();
    assert_eq!(next_state(&mut told).await, AccountState::WaitingForTor);
}

async fn next_state(told: &mut mpsc::Receiver<(AccountId, Report)>) -> AccountState {
    loop {
        if let (_, Report::State(state)) = told.recv().await.unwrap() {
            return state;
        }
    }
}

#[tokio::test]
async fn without_tor_an_account_waits_says_why_and_can_be_disconnected() {
    let (link, orders, mut told) = link(None, 1);
    let dialer = link.setup.dialer.clone();
    tokio::spawn(link.run());
    orders.send(Order::Connect).await.unwrap();
    assert_eq!(next_state(&mut told).await, AccountState::WaitingForTor);
    let (ours, gate) = duplex(1024);
    dialer.attach(ours);
    drop(gate);
    while next_state(&mut told).await != AccountState::TorIsRestarting {}
    orders.send(Order::Disconnect).await.unwrap();
    while next_state(&mut told).await != AccountState::Offline {}
    drop(orders);
    while told.recv().await.is_some() {}
}

fn known() -> KnownServer {
    let key = dial::tls::SpkiHash::from_bytes([7; 32]);
    KnownServer { key, issuer: None }
}

#[tokio::test]
async fn a_server_that_always_encrypted_and_no_longer_offers_to_is_not_tried_again() {
    let offer = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>";
    for (memory, code) in [(None, "no-tls"), (Some(known()), "tls.stripped")] {
        let (mut link, _orders, _told) = link(server("example.org", Transport::StartTls), 1);
        link.setup.known = memory;
        let (end, heard) = against(&mut link, &[features(offer)]).await;
        let (End::Refused(problem) | End::Lost(problem)) = end else {
            panic!("it went on");
        };
        assert_eq!(problem.code, code);
        assert!(!heard.contains("<auth"), "{heard}");
    }
}

#[test]
fn a_changed_key_is_told_with_the_old_one_and_the_new_one() {
    let [old, new] = [1, 2].map(|byte| dial::tls::SpkiHash::from_bytes([byte; 32]));
    let error = dial::tls::TlsError::KeyChanged {
        expected: vec![old],
        seen: new,
        untrusted: None,
    };
    let End::Refused(problem) = trust::refused(&error) else {
        panic!("it is tried again");
    };
    assert_eq!(problem.about, [old.to_string(), new.to_string()]);
    assert!(matches!(
        trust::refused(&dial::tls::TlsError::TimedOut),
        End::Lost(_)
    ));
}

fn online() -> Report {
    Report::Xmpp(xmpp::Event::Online {
        jid: "alice@example.org/1".parse().unwrap(),
        resumed: false,
        mechanism: xmpp::Mechanism::ScramSha256,
    })
}

#[tokio::test]
async fn an_onion_service_that_proved_to_be_the_server_is_the_first_place_from_now_on() {
    use dial::find::{Security, Source};
    let (mut link, _orders, mut told) = link(None, 1);
    let place = |host: &str| Place {
        host: Host::parse(host).unwrap(),
        port: 5223,
        security: Security::DirectTls,
    };
    let (onion, clear) = (place(&onion().unwrap().host), place("chat.example.org"));
    // Without TLS nothing is proven.
    link.place = Some(onion.clone());
    link.stands(false, online()).await;
    assert_eq!(link.setup.onion, None);
    link.server = Some(known());
    link.stands(false, online()).await;
    link.stands(false, online()).await;
    let mut onions = Vec::new();
    while let Ok((_, report)) = told.try_recv() {
        onions.extend(matches!(&report, Report::Onion(found) if *found == onion).then_some(()));
    }
    assert_eq!(onions.len(), 1);
    // It was silent once, and another place answered.
    link.place = Some(clear);
    link.stands(false, online()).await;
    let first = link.finder.as_mut().unwrap().places(Source::Worked).await;
    assert_eq!(first, std::slice::from_ref(&onion));
    // And in the next run.
    let (mut next, _orders, _told) = self::link(None, 1);
    next.setup.onion = read_place(&write_place(&onion));
    next.finder = places::finder(&next.setup);
    let first = next.finder.as_mut().unwrap().places(Source::Worked).await;
    assert_eq!(first, [onion]);
    for text in [
        "",
        "tls",
        "tls x.onion 5223",
        "plain a.example 1",
        "tls a.example 0",
        "tls a.example 1 2",
    ] {
        assert_eq!(read_place(text), None, "{text}");
    }
}
