//! What breaks in mid-conversation: a room, the server, a circuit. Afterwards every message is there
//! exactly once, or told as not sent.

use std::time::Duration;

use model::{AccountState, Delivery, Event, MessageId, Transport};
use stories::{Person, Place, SOON, Trouble};

/// Messages of one person to the other, with their names.
struct Stream {
    sent: Vec<(MessageId, String)>,
    prefix: &'static str,
}

impl Stream {
    fn new(prefix: &'static str) -> Self {
        Self {
            sent: Vec::new(),
            prefix,
        }
    }

    fn write(&mut self, from: &mut Person, to: &str, many: usize) -> Result<(), Trouble> {
        for _ in 0..many {
            let text = format!("{} {}", self.prefix, self.sent.len());
            self.sent.push((from.send(to, &text)?, text));
        }
        Ok(())
    }

    /// Every message is there exactly once, or told as not sent and there at most once.
    fn check(&self, from: &mut Person, to: &mut Person, before: &[String]) -> Result<usize, Trouble> {
        let mut fates = Vec::new();
        for (id, text) in &self.sent {
            fates.push((text, from.otter.wait_for_fate(id, SOON)?));
        }
        // What came, and what would come twice, is told by now.
        to.otter.listen(Duration::from_secs(3))?;
        let mut not_sent = 0;
        for (text, fate) in fates {
            let count = to.otter.received().get(text).copied().unwrap_or_default();
            let seen = count.0 + before.iter().filter(|seen| *seen == text).count();
            assert_eq!(count.1, 0, "{text:?} came unencrypted");
            match fate {
                Delivery::Received => assert_eq!(seen, 1, "{text:?} is {fate:?}"),
                Delivery::NotSent { .. } => {
                    not_sent += 1;
                    assert!(seen <= 1, "{text:?} is {fate:?} and came {seen} times");
                }
                other => return Err(Trouble::new(format!("{text:?} is {other:?}"))),
            }
        }
        Ok(not_sent)
    }
}

fn two(place: &Place) -> Result<(Person, Person), Trouble> {
    let mut alice = Person::arrive(place, "alice", place.by_name(Transport::DirectTls))?;
    let mut bob = Person::arrive(place, "bob", place.by_onion(Transport::StartTls))?;
    alice.acquaint(&mut bob)?;
    alice.send(&bob.jid, "we begin")?;
    bob.otter.wait_for_text("we begin", SOON)?;
    bob.send(&alice.jid, "so we do")?;
    alice.otter.wait_for_text("so we do", SOON)?;
    Ok((alice, bob))
}

fn is_back(person: &mut Person) -> Result<(), Trouble> {
    let account = person.account;
    person.otter.wait_online(account, SOON)
}

#[test]
fn lab_a_killed_gate_is_restarted_and_no_message_is_lost_or_doubled() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let (mut alice, mut bob) = two(&place)?;
    let (mut to_bob, mut to_alice) = (Stream::new("to bob"), Stream::new("to alice"));
    to_bob.write(&mut alice, &bob.jid, 3)?;
    to_alice.write(&mut bob, &alice.jid, 3)?;
    let first_gate = alice.otter.room("gate").unwrap();
    alice.otter.kill_room("gate")?;
    to_bob.write(&mut alice, &bob.jid, 3)?;
    to_alice.write(&mut bob, &alice.jid, 3)?;
    alice
        .otter
        .until("Tor is restarting", SOON, |event| match event {
            Event::AccountChanged { account } => {
                matches!(account.state, AccountState::TorIsRestarting).then_some(())
            }
            _ => None,
        })?;
    is_back(&mut alice)?;
    assert_ne!(alice.otter.room("gate"), Some(first_gate));
    to_bob.write(&mut alice, &bob.jid, 3)?;
    assert_eq!(
        to_bob.check(&mut alice, &mut bob, &[])?,
        0,
        "nothing needs to be given up"
    );
    assert_eq!(
        to_alice.check(&mut bob, &mut alice, &[])?,
        0,
        "nothing needs to be given up"
    );
    Ok(())
}

#[test]
fn lab_a_killed_engine_comes_back_and_every_message_is_there_once_or_told_as_not_sent() -> Result<(), Trouble>
{
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let (mut alice, mut bob) = two(&place)?;
    let (mut to_bob, mut to_alice) = (Stream::new("to bob"), Stream::new("to alice"));
    to_alice.write(&mut bob, &alice.jid, 3)?;
    to_bob.write(&mut alice, &bob.jid, 3)?;
    alice.otter.kill_room("engine")?;
    // Everything that alice's program told before it died.
    let _ = alice.otter.listen(Duration::from_secs(2));
    let before: Vec<String> = alice
        .otter
        .incoming()
        .map(|message| message.text.clone())
        .collect();
    to_alice.write(&mut bob, &alice.jid, 3)?;
    alice.come_back(&place)?;
    to_bob.write(&mut alice, &bob.jid, 3)?;
    // Until bob's program knows that alice's is another run, what it sends may be lost, and is told so.
    bob.otter.listen(Duration::from_secs(5))?;
    to_alice.write(&mut bob, &alice.jid, 3)?;
    to_bob.check(&mut alice, &mut bob, &[])?;
    let given_up = to_alice.check(&mut bob, &mut alice, &before)?;
    assert!(
        given_up <= 6,
        "what was written after the return arrives: {given_up}"
    );
    Ok(())
}

#[test]
fn lab_the_server_is_killed_and_started_again() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.alone().unwrap();
    let (mut alice, mut bob) = two(&place)?;
    let (mut to_bob, mut to_alice) = (Stream::new("to bob"), Stream::new("to alice"));
    to_bob.write(&mut alice, &bob.jid, 3)?;
    to_alice.write(&mut bob, &alice.jid, 3)?;
    let told = |error: lab::LabError| Trouble::new(error.to_string());
    place.lab.control().kill_xmpp().map_err(told)?;
    to_bob.write(&mut alice, &bob.jid, 3)?;
    to_alice.write(&mut bob, &alice.jid, 3)?;
    std::thread::sleep(Duration::from_secs(2));
    place.lab.control().start_xmpp().map_err(told)?;
    to_bob.write(&mut alice, &bob.jid, 3)?;
    to_alice.write(&mut bob, &alice.jid, 3)?;
    assert_eq!(
        to_bob.check(&mut alice, &mut bob, &[])?,
        0,
        "both programs lived: nothing needs to be given up"
    );
    assert_eq!(
        to_alice.check(&mut bob, &mut alice, &[])?,
        0,
        "both programs lived: nothing needs to be given up"
    );
    Ok(())
}

#[test]
fn lab_the_circuits_are_cut_in_mid_conversation() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.alone().unwrap();
    let (mut alice, mut bob) = two(&place)?;
    let (mut to_bob, mut to_alice) = (Stream::new("to bob"), Stream::new("to alice"));
    for _ in 0..2 {
        to_bob.write(&mut alice, &bob.jid, 3)?;
        to_alice.write(&mut bob, &alice.jid, 3)?;
        place
            .lab
            .control()
            .cut_circuits()
            .map_err(|error| Trouble::new(error.to_string()))?;
        to_bob.write(&mut alice, &bob.jid, 3)?;
        to_alice.write(&mut bob, &alice.jid, 3)?;
        is_back(&mut alice)?;
        is_back(&mut bob)?;
    }
    assert_eq!(
        to_bob.check(&mut alice, &mut bob, &[])?,
        0,
        "nothing needs to be given up"
    );
    assert_eq!(
        to_alice.check(&mut bob, &mut alice, &[])?,
        0,
        "nothing needs to be given up"
    );
    Ok(())
}

#[test]
fn lab_a_stalled_tor_is_told_with_a_cause() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.alone().unwrap();
    let told = |error: lab::LabError| Trouble::new(error.to_string());
    place.lab.control().stop_tor().map_err(told)?;
    let home = stories::Home::new(&place, "alice")?;
    let mut otter = stories::Otter::start(&place, "alice", home.path())?;
    let stalled = otter.until("a stall", Duration::from_secs(60), |event| match event {
        Event::TorChanged { tor } if tor.phase == model::TorPhase::Stalled => Some(tor.clone()),
        _ => None,
    });
    place.lab.control().cont_tor().map_err(told)?;
    let stalled = stalled?;
    assert!(stalled.cause.is_some() && stalled.advice.is_some(), "{stalled:?}");
    otter.wait_for_tor(Duration::from_secs(120))
}
