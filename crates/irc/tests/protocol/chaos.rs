//! Whatever comes in, in whatever order: no panic, no endless loop, nothing said that is not IRC, no token lost or told
//! twice.

use irc::{Command, Event, Input, Login};
use proptest::prelude::*;

use super::peer::{MODERN, Peer, room};

const PIECES: &[&str] = &[
    ":irc CAP * LS :sasl=SCRAM-SHA-256 batch labeled-response message-tags echo-message sts=port=1,duration=1",
    ":irc CAP * ACK :batch message-tags labeled-response echo-message",
    ":irc CAP * NAK :sasl",
    ":irc CAP * NEW :sasl batch",
    ":irc CAP * DEL :labeled-response batch",
    "AUTHENTICATE +",
    "AUTHENTICATE cj14LHM9QUFBQSxpPTQwOTY=",
    ":irc 903 alice :ok",
    ":irc 904 alice :no",
    ":irc 908 alice PLAIN :x",
    ":irc 001 alice :Welcome alice!u@h",
    ":irc 001 bob :Welcome",
    ":irc 005 alice PREFIX=(ov)@+ CASEMAPPING=ascii MONITOR WHOX :x",
    ":irc 005 alice -PREFIX CASEMAPPING=rfc1459 CHANTYPES= STATUSMSG=# NICKLEN=1 :x",
    ":irc 376 alice :End",
    ":irc 433 * alice :x",
    ":alice!u@h JOIN #r",
    ":alice!u@h JOIN #r acc :x",
    ":bob!u@h JOIN #r",
    ":bob!u@h NICK alice",
    ":alice!u@h NICK bob",
    ":alice!u@h NICK A[",
    ":bob!u@h NICK a{",
    ":irc 353 alice = #r :@alice +bob a{ A[ ~x!y@z",
    ":irc 366 alice #r :End",
    ":bob!u@h QUIT :a.b c.d",
    ":alice!u@h QUIT :x",
    ":bob!u@h PART #r",
    ":bob!u@h KICK #r alice",
    ":irc MODE #r +ov-o+lkb bob alice bob 1 2",
    ":irc MODE #r",
    ":irc BATCH +a labeled-response",
    "@label=1 :irc BATCH +a labeled-response",
    "@batch=a :irc BATCH +b chathistory #r",
    ":irc BATCH -a",
    "@label=1 ACK",
    "@label=2 :irc 401 alice bob :x",
    "@label=18446744073709551615 ACK",
    "@batch=a;time=2020-01-01T00:00:00Z :bob!u@h PRIVMSG alice :?OTR:AAAA",
    ":bob!u@h PRIVMSG alice :?OTR:AAAA",
    ":bob!u@h PRIVMSG alice :AAAA.",
    ":bob!u@h PRIVMSG #r :\u{1}ACTION x",
    ":bob!u@h PRIVMSG alice :\u{1}",
    ":irc 303 alice :bob",
    ":irc 730 alice :bob!u@h",
    ":irc 731 alice :alice",
    ":irc 302 alice :alice=+u@h",
    ":irc 396 alice",
    ":irc 354 alice 7 u h bob G acc",
    ":irc 401 alice bob :x",
    ":irc 477 alice #r :x",
    ":irc PONG irc :0000000000000003",
    ":irc PONG irc :0000000000000007",
    "PING x",
    "FAIL",
    "ERROR :x",
    "\u{fffd}",
    ": :",
    "@",
];

#[derive(Clone, Debug)]
enum Act {
    Bytes(Vec<u8>),
    Close,
    Connect,
    GoOffline,
    Hear(usize),
    LogIn,
    Send,
    Sleep,
    Whatever(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..PIECES.len()).prop_map(Act::Hear),
        1 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(Act::Bytes),
        1 => Just(Act::Connect),
        1 => Just(Act::Close),
        2 => Just(Act::Sleep),
        3 => Just(Act::Send),
        1 => Just(Act::GoOffline),
        2 => Just(Act::LogIn),
        2 => any::<u8>().prop_map(Act::Whatever),
    ]
}

fn whatever(number: u8) -> Command {
    let nick = super::peer::nick("bob");
    match number % 8 {
        0 => Command::Watch(nick),
        1 => Command::Unwatch(nick),
        2 => Command::Whois(nick),
        3 => Command::ListRooms {
            search: String::new(),
        },
        4 => Command::ListBans(room("#r")),
        5 => Command::ChangeNick(nick),
        6 => Command::Ping,
        _ => Command::Leave(room("#r")),
    }
}

fn apply(peer: &mut Peer, act: &Act, sent: &mut Vec<u64>) {
    match act {
        Act::Bytes(bytes) => peer.input(Input::Bytes(bytes)).unwrap(),
        Act::Close => peer.input(Input::Closed).unwrap(),
        Act::Connect => peer.connect(),
        Act::GoOffline => peer.command(Command::GoOffline).unwrap(),
        Act::Hear(piece) => peer.hear(PIECES[*piece]),
        Act::LogIn => {
            peer.input(Input::Closed).unwrap();
            peer.connect();
            peer.agree(MODERN);
            peer.greet("");
        }
        Act::Send => {
            let token = sent.len() as u64;
            if peer
                .send(if token.is_multiple_of(2) { "bob" } else { "#r" }, "hello", token)
                .is_ok()
            {
                sent.push(token);
            }
        }
        Act::Sleep if peer.wake.is_some() => peer.sleep(),
        Act::Sleep => {}
        Act::Whatever(number) => {
            let _ = peer.command(whatever(*number));
        }
    }
}

/// Lines are whole, short, and of commands that a client may use.
fn check_said(said: &str) {
    const COMMANDS: &[&str] = &[
        "AUTHENTICATE",
        "CAP",
        "ISON",
        "JOIN",
        "LIST",
        "MODE",
        "MONITOR",
        "NICK",
        "PART",
        "PING",
        "PONG",
        "PRIVMSG",
        "QUIT",
        "USER",
        "USERHOST",
        "WHO",
        "WHOIS",
    ];
    for line in said.lines() {
        let body = line
            .strip_prefix('@')
            .map_or(line, |rest| rest.split_once(' ').unwrap().1);
        let command = body.split(' ').next().unwrap();
        assert!(COMMANDS.contains(&command) && body.len() <= 510, "{line}");
        assert!(
            !body.contains('\u{1}') && (command != "QUIT" || body == "QUIT"),
            "{line}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_token_comes_back_exactly_once(acts in proptest::collection::vec(act(), 1..60), login in any::<bool>()) {
        let mut peer = Peer::new(|config| if login {
            config.login_required = false;
            config.login = Login::Password {
                account: "alice".into(), password: String::from("pencil").into(), allow_plain: true,
            };
        });
        let mut sent = Vec::new();
        for act in &acts {
            apply(&mut peer, act, &mut sent);
            check_said(&peer.take_said());
        }
        peer.input(Input::Closed).unwrap();
        let mut told = Vec::new();
        for event in &peer.events {
            match event {
                Event::Acknowledged { token } | Event::MessageRefused { token, .. } => told.push(*token),
                Event::Unacknowledged { tokens } => told.extend(tokens),
                _ => {}
            }
        }
        told.sort_unstable();
        prop_assert_eq!(told, sent);
        let online = peer.events.iter().filter(|e| matches!(e, Event::Online { .. })).count();
        let offline = peer.events.iter().filter(|e| matches!(e, Event::Offline { .. })).count();
        prop_assert!(online <= offline);
    }
}
