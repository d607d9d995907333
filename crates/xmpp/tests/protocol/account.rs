//! Alice changes her account on the server.

use xmpp::{AccountChange, Command, Event, Input, OfflineReason, Password, StanzaCondition};

use super::peer::{Peer, Scram, challenge, id, payload};

fn password(word: &str) -> Command {
    Command::ChangePassword(Password::new(word.to_owned()))
}

fn changed(why: Option<StanzaCondition>) -> Event {
    Event::AccountChange {
        change: AccountChange::Password,
        why,
    }
}

fn answer(peer: &mut Peer, asked: &str, kind: &str, more: &str) {
    let id = id(asked);
    peer.hear(&format!(
        "<iq type='{kind}' from='example.org' id='{id}'>{more}</iq>"
    ));
}

#[test]
fn another_password_is_used_once_the_server_has_taken_it() {
    let mut peer = Peer::online();
    peer.command(password("s<sam")).unwrap();
    let asked = peer.take_said();
    for part in [
        "type='set'",
        "to='example.org'",
        "<username>alice</username>",
        "<password>s&lt;sam</password>",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    // Mallory has nothing to say here.
    let spoofed = format!(
        "<iq type='result' from='mallory@example.org' id='{}'/>",
        id(&asked)
    );
    peer.hear(&spoofed);
    assert_eq!(peer.take_events(), []);
    answer(&mut peer, &asked, "result", "");
    assert_eq!(peer.take_events(), [changed(None)]);
    // The next login is with the new one: the server of these tests knows only the old.
    peer.input(Input::Closed).unwrap();
    peer.input(Input::Connected).unwrap();
    let auth = peer.offer("<mechanism>SCRAM-SHA-256</mechanism>");
    let scram = Scram::new(&auth, 4_096);
    peer.hear(&challenge(&scram.first));
    let response = payload(&peer.take_said());
    let wrong = std::panic::catch_unwind(|| scram.verify(&response)).is_err();
    assert!(wrong, "the old password was used");
}

#[test]
fn a_refused_password_changes_nothing() {
    let mut peer = Peer::online();
    peer.command(password("x")).unwrap();
    let asked = peer.take_said();
    let refusal = "<error type='modify'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    answer(&mut peer, &asked, "error", refusal);
    assert_eq!(peer.take_events(), [changed(Some(StanzaCondition::Refused))]);
    peer.input(Input::Closed).unwrap();
    peer.input(Input::Connected).unwrap();
    peer.authenticate("<mechanism>SCRAM-SHA-256</mechanism>");
    assert_eq!(peer.offline(), Some(OfflineReason::ConnectionLost));
}

#[test]
fn the_server_is_asked_to_forget_the_account_and_says_that_it_did() {
    let mut peer = Peer::online();
    peer.command(Command::RemoveAccount).unwrap();
    let asked = peer.take_said();
    assert!(
        asked.contains("<query xmlns='jabber:iq:register'><remove") && !asked.contains("to='"),
        "{asked}"
    );
    peer.hear(&format!("<iq type='result' id='{}'/>", id(&asked)));
    let change = AccountChange::Removal;
    assert_eq!(peer.take_events(), [Event::AccountChange { change, why: None }]);
}

#[test]
fn an_invitation_is_shown_before_the_account_is_asked_for() {
    let invited = || {
        let mut peer = Peer::new(|config| {
            config.register = true;
            config.invitation = Some("a'<token".to_owned().into());
        });
        peer.input(Input::Connected).unwrap();
        let shown = peer.offer("<mechanism>SCRAM-SHA-256</mechanism>");
        assert!(
            shown.contains("<preauth xmlns='urn:xmpp:pars:0' token='a&#39;&lt;token'"),
            "{shown}"
        );
        assert!(!shown.contains("jabber:iq:register"), "{shown}");
        (peer, shown)
    };
    let (mut peer, shown) = invited();
    answer(&mut peer, &shown, "result", "");
    assert!(peer.take_said().contains("jabber:iq:register"));
    let (mut peer, shown) = invited();
    answer(
        &mut peer,
        &shown,
        "error",
        "<error type='cancel'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    );
    assert_eq!(peer.offline(), Some(OfflineReason::InvitationRefused));
    assert!(!peer.take_said().contains("jabber:iq:register"));
}

#[test]
fn a_token_goes_with_the_request_to_the_one_who_gave_it() {
    let mut peer = Peer::online();
    let (jid, token) = ("bob@example.net".parse().unwrap(), Password::new("t1".to_owned()));
    peer.command(Command::SubscribeWith { jid, token }).unwrap();
    let said = peer.take_said();
    assert!(
        said.contains("<presence xmlns='jabber:client' type='subscribe' to='bob@example.net'>"),
        "{said}"
    );
    assert!(
        said.contains("<preauth xmlns='urn:xmpp:pars:0' token='t1'>"),
        "{said}"
    );
}
