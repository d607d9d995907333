//! The way to Tor over door 1, in the whole program behind its walls: chosen, kept, shown; and the walls tried at work.

use model::{Command, Nothing, SetTor, TorPath, TorPaths, TorSettings, Transport, WallsCheck};
use stories::{Otter, PASSPHRASE, Person, Place, SOON, Trouble};

fn read<T>(told: Result<T, serde_json::Error>) -> Result<T, Trouble> {
    told.map_err(|error| Trouble::new(error.to_string()))
}

fn settings(person: &mut Person) -> Result<TorSettings, Trouble> {
    let answer = person.otter.ask(&Command::TorSettings(Nothing {}))?;
    read(serde_json::from_value(answer))
}

fn circuits(person: &mut Person) -> Result<Vec<TorPath>, Trouble> {
    let answer = person.otter.ask(&Command::TorPaths(Nothing {}))?;
    read(serde_json::from_value::<TorPaths>(answer)).map(|told| told.paths)
}

fn embedded(bridges: &[&str], ports: Vec<u16>) -> Command {
    Command::SetTor(SetTor::Embedded {
        bridges: bridges.iter().map(|line| (*line).to_owned()).collect(),
        proxy: None,
        ports,
        once: false,
    })
}

#[test]
fn lab_the_way_to_tor_is_chosen_shown_and_kept_and_accounts_go_over_it() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let shown = settings(&mut alice)?;
    assert!(!shown.running && shown.bridges.is_empty(), "{shown:?}");
    assert!(shown.transports.contains(&"obfs4".to_owned()), "{shown:?}");
    let ports: Vec<u16> = place.info().relays.iter().map(|relay| relay.port()).collect();
    alice.otter.ask(&embedded(&[], ports.clone()))?;
    alice.otter.wait_online(alice.account, SOON)?;
    let paths = circuits(&mut alice)?;
    let own = paths.iter().find(|path| path.account == Some(alice.account));
    let own = own.ok_or_else(|| Trouble::new(format!("alice goes over no path: {paths:?}")))?;
    assert!(
        own.purpose == "chat" && own.relays.len() >= 3 && !own.onion,
        "{own:?}"
    );
    alice.otter.kill_room("engine")?;
    alice.come_back(&place)?;
    assert_eq!(settings(&mut alice)?.ports, ports);
    Ok(())
}

#[test]
fn lab_who_wants_to_be_asked_for_the_way_to_tor_is_asked_and_nothing_goes_out_before() -> Result<(), Trouble>
{
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    alice.otter.ask(&Command::SetTor(SetTor::Ask {}))?;
    // What is in use stays.
    assert!(!circuits(&mut alice)?.is_empty());
    let told = settings(&mut alice)?;
    assert!(told.ask && !told.waits, "{told:?}");
    alice.otter.kill_room("engine")?;
    alice.otter = Otter::start(&place, "alice", alice.home.path())?;
    alice.otter.unlock(PASSPHRASE)?;
    let told = settings(&mut alice)?;
    assert!(told.ask && told.waits, "{told:?}");
    assert_eq!(circuits(&mut alice)?, []);
    alice.otter.ask(&Command::SetTor(SetTor::Embedded {
        bridges: Vec::new(),
        proxy: None,
        ports: Vec::new(),
        once: true,
    }))?;
    alice.otter.wait_online(alice.account, SOON)?;
    let told = settings(&mut alice)?;
    assert!(told.ask && !told.waits, "{told:?}");
    Ok(())
}

#[test]
fn lab_a_transport_is_started_behind_the_walls_of_the_whole_program() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    // Nobody is there: the gate takes the choice once the program has said that it is ready.
    let bridge = "obfs4 127.0.0.1:9 0123456789ABCDEF0123456789ABCDEF01234567 \
                  cert=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA iat-mode=0";
    let others = ["snowflake", "meek_lite"].map(|name| {
        format!("{name} 192.0.2.3:80 0123456789ABCDEF0123456789ABCDEF01234567 url=http://127.0.0.1:9/ ice=stun:127.0.0.1:9")
    });
    for line in [bridge, &others[0], &others[1]] {
        alice.otter.ask(&embedded(&[line], Vec::new()))?;
        let shown = settings(&mut alice)?;
        assert_eq!(shown.bridges.len(), 1, "{line}: {shown:?}");
    }
    let refused = alice.otter.ask(&embedded(
        &["webtunnel 192.0.2.1:9 0123456789ABCDEF0123456789ABCDEF01234567 url=https://example.org/"],
        Vec::new(),
    ));
    assert!(
        refused.is_err_and(|problem| problem.to_string().contains("tor.settings.transport_missing")),
        "no program for webtunnel is installed here"
    );
    alice.otter.ask(&embedded(&[], Vec::new()))?;
    alice.otter.wait_online(alice.account, SOON)
}

#[test]
fn lab_engine_and_gate_try_their_walls_at_work_and_every_one_holds() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
    let answer = alice.otter.ask(&Command::CheckWalls(Nothing {}))?;
    let tried: WallsCheck = read(serde_json::from_value(answer))?;
    for room in ["engine", "gate"] {
        let own = tried.attempts.iter().filter(|attempt| attempt.room == room);
        assert!(own.count() > 15, "{room}: {tried:?}");
    }
    for attempt in tried.attempts.iter().filter(|attempt| attempt.must_be_refused) {
        assert!(attempt.refused, "{attempt:?}");
    }
    // Nobody was harmed.
    alice.otter.wait_for_tor(SOON)?;
    let bob = Person::arrive(&place, "bob", place.by_name(Transport::DirectTls))?;
    alice.otter.add_contact(alice.account, &bob.jid)
}
