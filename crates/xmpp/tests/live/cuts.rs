//! Two people whose circuits break all the time. `OTTER_CUTS` says how often; 200 where it does not.

use std::time::{Duration, Instant};

use rand_core::{Rng as _, UnwrapErr};
use xmpp::{Event, Jid, Tls};

use super::client::Client;
use super::server::Server;
use super::stories::{newcomer, send};

/// One of the two, and what passed.
struct Side {
    client: Client,
    other: Jid,
    sent: u64,
    heard: Vec<u64>,
}

impl Side {
    fn new((client, _): (Client, Jid), other: Jid) -> Self {
        Self {
            client,
            other,
            sent: 0,
            heard: Vec::new(),
        }
    }

    fn say(&mut self, server: &Server) {
        let number = self.sent;
        self.sent += 1;
        send(&mut self.client, &self.other, &number.to_string(), number, server);
    }

    /// Lets things happen; whatever was lost for good would be told here.
    fn live(&mut self, server: &Server) {
        self.client.live(server);
        for event in self.client.take_seen() {
            match event {
                Event::Message { body, .. } => self.heard.push(body.parse().unwrap()),
                Event::Online { resumed, .. } => assert!(resumed, "the server forgot the session"),
                Event::Unacknowledged { tokens } => panic!("{tokens:?} were lost"),
                _ => {}
            }
        }
    }

    /// Breaks the circuit and comes back over another; sometimes that one breaks in the middle of the login, too.
    fn break_and_come_back(&mut self, chance: &mut dyn rand_core::Rng, server: &Server) {
        self.client.cut(server);
        self.client.connect(server);
        if chance.next_u32().is_multiple_of(4) {
            for _ in 0..chance.next_u32() % 4 {
                self.live(server);
            }
            self.client.cut(server);
            self.client.connect(server);
        }
        let start = Instant::now();
        while !self.client.is_online() {
            assert!(start.elapsed() < Duration::from_secs(20), "not back in time");
            self.live(server);
        }
    }
}

#[test]
fn after_hundreds_of_cuts_everything_is_there_once_and_in_order() {
    let wanted = std::env::var("OTTER_CUTS").ok();
    let cuts: u32 = wanted.map_or(200, |cuts| cuts.parse().unwrap());
    let server = Server::prosody_with_sha_256();
    let (alice, bob) = (
        newcomer("alice", Tls::Direct, &server),
        newcomer("bob", Tls::Direct, &server),
    );
    let (to_alice, to_bob) = (alice.1.clone(), bob.1.clone());
    let mut sides = [Side::new(alice, to_bob), Side::new(bob, to_alice)];
    let mut chance = UnwrapErr(getrandom::SysRng);
    for _ in 0..cuts {
        let whose = (chance.next_u32() % 2) as usize;
        for side in &mut sides {
            for _ in 0..chance.next_u32() % 3 {
                side.say(&server);
            }
        }
        // What is written from here on goes nowhere until the next circuit.
        sides[whose].client.black_hole = chance.next_u32().is_multiple_of(2);
        for _ in 0..chance.next_u32() % 3 {
            sides[whose].say(&server);
        }
        for side in &mut sides {
            side.live(&server);
        }
        sides[whose].break_and_come_back(&mut chance, &server);
    }
    let [mut alice, mut bob] = sides;
    let start = Instant::now();
    while (alice.heard.len() as u64) < bob.sent || (bob.heard.len() as u64) < alice.sent {
        assert!(start.elapsed() < Duration::from_secs(20), "something is missing");
        alice.live(&server);
        bob.live(&server);
    }
    for _ in 0..20 {
        alice.live(&server);
        bob.live(&server);
    }
    assert_eq!(alice.heard, (0..bob.sent).collect::<Vec<_>>());
    assert_eq!(bob.heard, (0..alice.sent).collect::<Vec<_>>());
}
