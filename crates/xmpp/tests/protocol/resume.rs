//! Circuits break; messages are neither lost nor said twice, and Alice is told which is which.

use std::time::Duration;

use xmpp::{Command, Error, Event, Input, OfflineReason};

use super::peer::{Peer, id};

const SM: &str = "urn:xmpp:sm:3";
const FEATURES: &str = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>";

/// Alice has sent 1, 2, 3; the server counted the first; the circuit broke.
fn cut() -> Peer {
    let mut peer = Peer::online();
    peer.hear(&format!("<a xmlns='{SM}' h='1'/>"));
    for token in 1..=3 {
        peer.send(token).unwrap();
    }
    peer.hear(&format!("<a xmlns='{SM}' h='2'/>"));
    assert_eq!(peer.acknowledged(), [1]);
    peer.hear("<message from='bob@example.net'><body>one</body></message>");
    peer.input(Input::Closed).unwrap();
    assert_eq!(peer.offline(), Some(OfflineReason::ConnectionLost));
    assert!(peer.unacknowledged().is_empty());
    assert_eq!(peer.send(4), Err(Error::NotConnected));
    peer.take_events();
    peer.take_said();
    peer
}

/// On a new circuit up to the point where the old stream is asked for.
fn back(peer: &mut Peer) -> String {
    peer.input(Input::Connected).unwrap();
    peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
    peer.take_said();
    peer.features(FEATURES);
    peer.take_said()
}

#[test]
fn a_resumed_stream_sends_again_what_the_server_missed_and_nothing_else() {
    for (h, acknowledged, again) in [
        (2, vec![], vec![2, 3]),
        (3, vec![2], vec![3]),
        (4, vec![2, 3], vec![]),
    ] {
        let mut peer = cut();
        // The roster push was not; one message was handled.
        assert_eq!(
            back(&mut peer),
            format!("<resume xmlns='{SM}' previd='r1' h='2'/>")
        );
        peer.hear(&format!("<resumed xmlns='{SM}' previd='r1' h='{h}'/>"));
        assert!(
            peer.events
                .iter()
                .any(|e| matches!(e, Event::Online { resumed: true, .. }))
        );
        assert_eq!(peer.acknowledged(), acknowledged);
        assert!(peer.unacknowledged().is_empty());
        let said = peer.take_said();
        let sent: Vec<u64> = (1..=4).filter(|n| said.contains(&format!("text {n}<"))).collect();
        assert_eq!(sent, again);
        assert_eq!(said.contains("<r xmlns"), !again.is_empty());
        assert!(!said.contains("roster"));
        peer.hear(&format!("<a xmlns='{SM}' h='4'/>"));
        assert_eq!(peer.acknowledged(), [2, 3]);
        peer.send(4).unwrap();
        peer.hear(&format!("<a xmlns='{SM}' h='5'/>"));
        assert_eq!(peer.acknowledged(), [2, 3, 4]);
    }
}

#[test]
fn a_failed_resume_tells_what_was_not_acknowledged_in_order_and_binds_anew() {
    for (failed, acknowledged, lost) in [
        (
            "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
            vec![],
            vec![2, 3],
        ),
        ("<failed xmlns='urn:xmpp:sm:3' h='3'/>", vec![2], vec![3]),
        ("<failed xmlns='urn:xmpp:sm:3' h='4'/>", vec![2, 3], vec![]),
    ] {
        let mut peer = cut();
        back(&mut peer);
        peer.hear(failed);
        assert_eq!(peer.acknowledged(), acknowledged);
        assert_eq!(peer.unacknowledged(), lost);
        peer.give_resource();
        peer.hear(&format!("<enabled xmlns='{SM}' id='r2' resume='1'/>"));
        assert!(
            peer.events
                .iter()
                .any(|e| matches!(e, Event::Online { resumed: false, .. }))
        );
        assert!(!peer.take_said().contains("text"));
    }
}

#[test]
fn a_stream_that_was_resumed_can_be_resumed_again() {
    let mut peer = cut();
    for _ in 0..3 {
        back(&mut peer);
        peer.hear(&format!("<resumed xmlns='{SM}' previd='r1' h='2'/>"));
        assert_eq!(peer.take_said().matches("text").count(), 2);
        peer.input(Input::Closed).unwrap();
    }
    back(&mut peer);
    peer.hear(&format!("<resumed xmlns='{SM}' previd='r1' h='4'/>"));
    assert_eq!(peer.acknowledged(), [2, 3]);
}

#[test]
fn a_resume_of_another_stream_is_refused() {
    for answer in [
        "<resumed xmlns='N' previd='other' h='2'/>",
        "<resumed xmlns='N' previd='r1'/>",
        "<enabled xmlns='N'/>",
    ] {
        let mut peer = cut();
        back(&mut peer);
        peer.hear(&answer.replace('N', SM));
        assert_eq!(peer.offline(), Some(OfflineReason::UnexpectedElement), "{answer}");
        assert!(peer.acknowledged().is_empty());
        // The next circuit may do better.
        peer.input(Input::Closed).unwrap();
        assert!(back(&mut peer).contains("<resume "));
    }
}

#[test]
fn a_server_that_counts_too_much_is_left() {
    for h in ["5", "4294967295", "1"] {
        let mut peer = cut();
        back(&mut peer);
        peer.hear(&format!("<resumed xmlns='{SM}' previd='r1' h='{h}'/>"));
        assert_eq!(peer.offline(), Some(OfflineReason::WrongAcknowledgement));
        assert_eq!(peer.unacknowledged(), [2, 3]);
        assert!(peer.take_said().contains("handled-count-too-high"));
    }
    let mut peer = Peer::online();
    peer.send(1).unwrap();
    peer.hear(&format!("<a xmlns='{SM}' h='3'/>"));
    assert_eq!(peer.offline(), Some(OfflineReason::WrongAcknowledgement));
    assert_eq!(peer.unacknowledged(), [1]);
    for h in ["", "-1", "x", "4294967296"] {
        let mut peer = Peer::online();
        peer.hear(&format!("<a xmlns='{SM}' h='{h}'/>"));
        assert_eq!(peer.offline(), Some(OfflineReason::UnexpectedElement), "{h}");
    }
}

#[test]
fn the_server_is_asked_once_at_a_time() {
    let mut peer = Peer::online();
    peer.hear(&format!("<a xmlns='{SM}' h='1'/>"));
    for token in 1..=3 {
        peer.send(token).unwrap();
    }
    let requests = |said: &str| said.matches("<r xmlns").count();
    assert_eq!(requests(&peer.take_said()), 1);
    peer.hear(&format!("<a xmlns='{SM}' h='2'/>"));
    assert_eq!(requests(&peer.take_said()), 1);
    // No progress, no further question: a server could keep us busy for ever.
    peer.hear(&format!("<a xmlns='{SM}' h='2'/>"));
    let mut said = peer.take_said();
    assert_eq!(requests(&said), 0);
    while said.is_empty() {
        peer.sleep();
        said = peer.take_said();
    }
    assert_eq!(requests(&said), 1);
    peer.hear(&format!("<a xmlns='{SM}' h='4'/>"));
    assert_eq!(requests(&peer.take_said()), 0);
    assert_eq!(peer.acknowledged(), [1, 2, 3]);
}

#[test]
fn a_stream_that_stays_silent_is_tested_and_given_up() {
    let mut peer = Peer::online();
    peer.hear(&format!("<a xmlns='{SM}' h='1'/>"));
    peer.take_said();
    let heard = peer.now;
    while peer.take_said().is_empty() {
        peer.sleep();
    }
    let quiet = peer.now - heard;
    assert!((60..=120).contains(&quiet.as_secs()), "{quiet:?}");
    while peer.offline().is_none() {
        peer.sleep();
    }
    assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
    assert_eq!(peer.now - heard, quiet + Duration::from_secs(60));
    assert_eq!(peer.closed, 1);
    // The transport is gone, the stream is not.
    peer.input(Input::Closed).unwrap();
    assert!(back(&mut peer).contains("<resume "));
}

#[test]
fn a_stream_that_the_server_has_forgotten_is_not_asked_for() {
    let mut peer = cut();
    let start = peer.now;
    peer.sleep();
    while peer.unacknowledged().is_empty() {
        peer.sleep();
    }
    assert_eq!(peer.now - start, Duration::from_secs(600));
    assert_eq!(peer.unacknowledged(), [2, 3]);
    assert!(back(&mut peer).contains("<bind "));
    let mut peer = cut();
    peer.now += Duration::from_secs(601);
    assert!(back(&mut peer).contains("<bind "));
    assert_eq!(peer.unacknowledged(), [2, 3]);
}

#[test]
fn what_came_in_and_broke_the_stream_is_not_asked_for_again() {
    let mut peer = Peer::online();
    peer.send(1).unwrap();
    peer.hear("<message><body>&nothing;</body></message>");
    assert_eq!(peer.offline(), Some(OfflineReason::MalformedXml));
    assert_eq!(peer.unacknowledged(), [1]);
    peer.input(Input::Closed).unwrap();
    assert!(back(&mut peer).contains("<bind "));
}

#[test]
fn a_final_refusal_gives_up_what_waits() {
    let mut peer = cut();
    peer.input(Input::Connected).unwrap();
    peer.offer("<mechanism>PLAIN</mechanism>");
    assert_eq!(peer.offline(), Some(OfflineReason::MechanismDowngrade));
    assert_eq!(peer.unacknowledged(), [2, 3]);
}

#[test]
fn a_goodbye_waits_for_the_last_count() {
    let mut peer = Peer::online();
    peer.send(1).unwrap();
    peer.send(2).unwrap();
    peer.take_said();
    peer.command(Command::GoOffline).unwrap();
    let said = peer.take_said();
    assert!(
        said.ends_with("</stream:stream>") && said.contains("type='unavailable'"),
        "{said}"
    );
    assert_eq!(peer.send(3), Err(Error::NotConnected));
    peer.hear(&format!("<a xmlns='{SM}' h='2'/></stream:stream>"));
    assert_eq!(
        peer.take_events(),
        [
            Event::Acknowledged { token: 1 },
            Event::Unacknowledged { tokens: vec![2] },
            Event::Offline {
                why: OfflineReason::Requested,
                retry: false
            },
        ]
    );
    assert_eq!(peer.closed, 1);
    assert!(!peer.take_said().contains("</stream:stream>"));
}

#[test]
fn a_goodbye_that_nobody_answers_ends_too() {
    let mut peer = Peer::online();
    peer.command(Command::GoOffline).unwrap();
    peer.sleep();
    assert_eq!(peer.offline(), Some(OfflineReason::Requested));
    assert_eq!(peer.closed, 1);
}

#[test]
fn a_full_queue_is_said_so() {
    let mut peer = Peer::new(|config| config.limits.unacknowledged = 3);
    peer.log_in();
    peer.send(1).unwrap();
    peer.send(2).unwrap();
    assert_eq!(peer.send(3), Err(Error::QueueFull));
    peer.hear(&format!("<a xmlns='{SM}' h='3'/>"));
    assert_eq!(peer.send(3), Ok(()));
    assert_eq!(peer.acknowledged(), [1, 2]);
}

/// Alice is online with a server that does not know XEP-0198.
fn without_management() -> Peer {
    let mut peer = Peer::new(|_| ());
    peer.input(Input::Connected).unwrap();
    peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
    peer.bind("");
    peer.give_roster("");
    peer.take_events();
    peer.take_said();
    peer
}

#[test]
fn without_stream_management_the_order_of_the_stream_tells() {
    let mut peer = without_management();
    peer.send(1).unwrap();
    let said = peer.take_said();
    let ping = said.split("<iq").last().unwrap();
    assert!(ping.contains("urn:xmpp:ping"), "{ping}");
    peer.send(2).unwrap();
    assert!(!peer.take_said().contains("urn:xmpp:ping"));
    peer.hear(&format!(
        "<iq type='result' from='example.org' id='{}'/>",
        id(ping)
    ));
    assert_eq!(peer.acknowledged(), [1]);
    let ping = peer.take_said();
    peer.hear(&format!(
        "<iq type='error' from='example.org' id='{}'/>",
        id(&ping)
    ));
    assert_eq!(peer.acknowledged(), [1, 2]);
    peer.send(3).unwrap();
    peer.input(Input::Closed).unwrap();
    assert_eq!(peer.unacknowledged(), [3]);
}

#[test]
fn a_server_that_enables_nothing_is_taken_as_it_is() {
    let mut peer = Peer::new(|_| ());
    peer.input(Input::Connected).unwrap();
    peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
    peer.bind("<sm xmlns='urn:xmpp:sm:3'/>");
    peer.hear("<failed xmlns='urn:xmpp:sm:3'/>");
    assert!(peer.events.iter().any(|e| matches!(e, Event::Online { .. })));
    peer.send(1).unwrap();
    peer.input(Input::Closed).unwrap();
    assert_eq!(peer.unacknowledged(), [1]);
}

#[test]
fn a_stream_that_expires_during_a_login_does_not_keep_us_awake() {
    let mut peer = cut();
    peer.now += Duration::from_secs(590);
    peer.input(Input::Connected).unwrap();
    let start = peer.now;
    let mut naps = 0;
    while peer.offline().is_none() {
        peer.sleep();
        naps += 1;
    }
    assert!(naps < 5, "woken {naps} times");
    assert_eq!(peer.now - start, Duration::from_secs(120));
    assert_eq!(peer.offline(), Some(OfflineReason::Timeout));
}
