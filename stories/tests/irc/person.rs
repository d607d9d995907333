//! Somebody with our program and an account in an IRC network; and somebody who types IRC by hand.
//! The second must never answer but a server's question whether it is there.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use model::{
    AccountId, AccountRef, AddAccount, Address, Command, EnterRoom, Event, LoginKeys, Protocol, RoomState,
    SayInRoom, Secret, ServicesLogin,
};
use stories::{Home, Otter, PASSPHRASE, Place, SOON, Trouble};

use super::servers::IrcServer;

pub(crate) struct Person {
    pub(crate) otter: Otter,
    pub(crate) account: AccountId,
    #[expect(dead_code, reason = "held for the folder, which goes with it")]
    home: Home,
}

impl Person {
    /// From nothing to online, over Tor. An empty password: no account of the services.
    pub(crate) fn arrive(
        place: &Place,
        (nick, password): (&str, &str),
        server: &IrcServer,
        under: &[&str],
    ) -> Result<Self, Trouble> {
        let mut person = Self::prepare(place, (nick, password, None), server, under)?;
        person.come()?;
        Ok(person)
    }

    /// With an account that is not connected yet.
    pub(crate) fn prepare(
        place: &Place,
        (nick, password, login): (&str, &str, Option<ServicesLogin>),
        server: &IrcServer,
        under: &[&str],
    ) -> Result<Self, Trouble> {
        let home = Home::new(place, nick)?;
        let mut otter = Otter::start_under(place, nick, home.path(), under)?;
        otter.create_profile(PASSPHRASE)?;
        let added = otter.add(AddAccount {
            protocol: Protocol::Irc,
            address: address(&format!("{nick}@{}", place.info().domain)),
            password: Secret::new(password.to_owned()),
            login,
            server: Some(server.through_tor(place)),
            register: false,
            invitation: None,
            pins: vec![place.info().spki_sha256.clone()],
            connect: false,
        })?;
        let account = added.account;
        Ok(Self { otter, account, home })
    }

    /// Connects.
    pub(crate) fn come(&mut self) -> Result<(), Trouble> {
        let account = self.account;
        self.otter.ask(&Command::Connect(AccountRef { account }))?;
        self.otter.wait_online(account, SOON)
    }

    /// What the services have to be told.
    pub(crate) fn login_keys(&mut self) -> Result<LoginKeys, Trouble> {
        let account = self.account;
        let keys = self.otter.ask(&Command::LoginKeys(AccountRef { account }))?;
        Ok(serde_json::from_value(keys).unwrap())
    }

    pub(crate) fn enter(&mut self, room: &str) -> Result<(), Trouble> {
        self.otter.ask(&Command::EnterRoom(EnterRoom {
            account: self.account,
            room: address(room),
            nick: None,
            password: None,
            create: false,
            enter: false,
        }))?;
        self.otter.until("being in the room", SOON, |event| match event {
            Event::RoomChanged { room } if room.state == RoomState::Inside => Some(()),
            _ => None,
        })
    }

    pub(crate) fn say(&mut self, room: &str, text: &str) -> Result<(), Trouble> {
        let (account, room, text) = (self.account, address(room), text.to_owned());
        let said = self
            .otter
            .ask(&Command::SayInRoom(SayInRoom { account, room, text }));
        said.map(drop)
    }

    /// Waits until somebody else's words are heard in a room; gives the nick.
    pub(crate) fn hears(&mut self, text: &str) -> Result<String, Trouble> {
        self.otter.until("words in a room", SOON, |event| match event {
            Event::RoomSaid { message } if message.text == text && !message.own => message.nick.clone(),
            _ => None,
        })
    }
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// Somebody who types IRC by hand.
pub(crate) struct Raw {
    socket: TcpStream,
    /// Everything that was heard.
    pub(crate) heard: String,
}

impl Raw {
    pub(crate) fn online(nick: &str, server: &IrcServer) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", server.plain)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let heard = String::new();
        let mut raw = Self { socket, heard };
        raw.say(&format!("NICK {nick}\r\nUSER x 0 * x"));
        raw.wait_for(" 001 ");
        raw
    }

    pub(crate) fn say(&mut self, line: &str) {
        self.socket.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    pub(crate) fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        let mut buffer = [0; 4096];
        while Instant::now() < until {
            let Ok(length) = self.socket.read(&mut buffer) else {
                continue;
            };
            let heard = String::from_utf8_lossy(&buffer[..length]).into_owned();
            for question in heard.lines().filter(|line| line.starts_with("PING")) {
                self.say(&question.replacen("PING", "PONG", 1));
            }
            self.heard.push_str(&heard);
        }
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.heard.contains(text) {
            assert!(
                Instant::now() < until,
                "waited for {text:?}, heard {}",
                self.heard
            );
            self.listen(Duration::from_millis(50));
        }
    }

    /// Makes an account of the services, which may need a moment to come.
    pub(crate) fn register(&mut self, password: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.heard.contains("is now registered") {
            assert!(
                Instant::now() < until,
                "the services did not come: {}",
                self.heard
            );
            self.say(&format!("PRIVMSG NickServ :REGISTER {password} x@irc.test"));
            self.listen(Duration::from_millis(500));
        }
    }
}
