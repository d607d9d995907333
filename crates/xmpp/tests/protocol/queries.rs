//! Alice asks services, gateways and directories, and mallory answers for them.

use std::time::Duration;

use xmpp::{
    Answers, CommandAction, CommandStage, CommandStep, Event, FormFieldKind, Input, Query, QueryFailure,
    Reply, StanzaCondition, Suggestion,
};

use super::peer::{Peer, id};

const GATEWAY: &str = "duck.example.org";

fn ask(peer: &mut Peer, token: u64, query: Query) -> String {
    peer.take_said();
    peer.command(xmpp::Command::Query { token, query }).unwrap();
    peer.take_said()
}

fn result(peer: &mut Peer, asked: &str, from: &str, payload: &str) {
    let id = id(asked);
    peer.hear(&format!(
        "<iq type='result' from='{from}' id='{id}'>{payload}</iq>"
    ));
}

fn reply(peer: &mut Peer) -> Result<Reply, QueryFailure> {
    let mut events = peer.take_events();
    match events.pop() {
        Some(Event::Answered { reply, .. }) if events.is_empty() => reply,
        other => panic!("{other:?} after {events:?}"),
    }
}

fn gateway() -> xmpp::BareJid {
    xmpp::BareJid::new(GATEWAY).unwrap()
}

#[test]
fn the_services_of_the_own_server_are_asked_what_they_are() {
    let mut peer = Peer::online();
    let asked = ask(&mut peer, 1, Query::Services);
    assert!(
        asked.contains("to='example.org'") && asked.contains("disco#items"),
        "{asked}"
    );
    let items = "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='duck.example.org'/>\
                 <item jid='gone.example.org'/><item jid='&lt;&lt;'/></query>";
    result(&mut peer, &asked, "example.org", items);
    let said = peer.take_said();
    let asked: Vec<&str> = said
        .split("<iq ")
        .filter(|iq| iq.contains("disco#info"))
        .collect();
    assert_eq!(asked.len(), 2, "{said}");
    // Mallory answers for the gateway; it is not hers to answer.
    let info = |kind: &str| {
        format!(
            "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='gateway' type='{kind}' name='Duck'/>\
             <feature var='jabber:iq:register'/></query>"
        )
    };
    result(&mut peer, asked[0], "mallory@example.org", &info("evil"));
    result(&mut peer, asked[0], GATEWAY, &info("duck"));
    assert_eq!(peer.take_events(), []);
    let gone = id(asked[1]);
    peer.hear(&format!(
        "<iq type='error' from='gone.example.org' id='{gone}'><error type='cancel'>\
         <remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
    let Ok(Reply::Services(found)) = reply(&mut peer) else {
        panic!("no services")
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].is("gateway"), Some(("duck", Some("Duck"))));
    assert!(found[0].offers("jabber:iq:register"));
}

#[test]
fn an_account_at_a_gateway_is_made_by_its_form_and_ended() {
    let mut peer = Peer::online();
    let asked = ask(&mut peer, 1, Query::RegistrationForm(gateway()));
    let form = "<query xmlns='jabber:iq:register'><registered/><x xmlns='jabber:x:data' type='form'>\
                <field var='FORM_TYPE' type='hidden'><value>jabber:iq:register</value></field>\
                <field var='number' type='text-single'><required/></field></x></query>";
    result(&mut peer, &asked, GATEWAY, form);
    let Ok(Reply::Registration {
        form,
        registered: true,
    }) = reply(&mut peer)
    else {
        panic!("no form")
    };
    let answers = Answers::to(&form, |name| {
        (name == "number").then(|| vec!["+1 < 2".to_owned()])
    });
    let at = gateway();
    let asked = ask(&mut peer, 2, Query::Register { at, answers });
    for part in [
        "type='set'",
        "to='duck.example.org'",
        "+1 &lt; 2",
        "jabber:iq:register</value>",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    let id = id(&asked);
    peer.hear(&format!(
        "<iq type='error' from='{GATEWAY}' id='{id}'><error type='auth'>\
         <not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
    assert_eq!(
        reply(&mut peer),
        Err(QueryFailure::Refused(StanzaCondition::Refused))
    );
    let asked = ask(&mut peer, 3, Query::Unregister(gateway()));
    assert!(asked.contains("<remove"), "{asked}");
    result(&mut peer, &asked, GATEWAY, "");
    assert_eq!(reply(&mut peer), Ok(Reply::Done));
}

#[test]
fn a_gateway_says_what_it_wants_to_know_and_what_somebody_is_called() {
    let mut peer = Peer::online();
    let asked = ask(&mut peer, 1, Query::Prompt(gateway()));
    let prompt = "<query xmlns='jabber:iq:gateway'><desc>Type a number</desc><prompt>Number</prompt></query>";
    result(&mut peer, &asked, GATEWAY, prompt);
    let expected = Reply::Prompt {
        about: Some("Type a number".to_owned()),
        wanted: Some("Number".to_owned()),
    };
    assert_eq!(reply(&mut peer), Ok(expected));
    let gateway = gateway();
    let name = "a<b".to_owned();
    let asked = ask(&mut peer, 2, Query::AddressOf { gateway, name });
    assert!(asked.contains("<prompt>a&lt;b</prompt>"), "{asked}");
    result(
        &mut peer,
        &asked,
        GATEWAY,
        "<query xmlns='jabber:iq:gateway'><jid>1@duck.example.org</jid></query>",
    );
    assert_eq!(
        reply(&mut peer),
        Ok(Reply::Address("1@duck.example.org".parse().unwrap()))
    );
}

#[test]
fn a_command_goes_step_by_step() {
    let mut peer = Peer::online();
    let at: xmpp::Jid = GATEWAY.parse().unwrap();
    let asked = ask(&mut peer, 1, Query::Commands(at.clone()));
    let listed = "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'>\
                  <item jid='duck.example.org' node='hello' name='Hello'/>\
                  <item jid='mallory@example.org' node='evil'/></query>";
    result(&mut peer, &asked, GATEWAY, listed);
    let Ok(Reply::Commands(listed)) = reply(&mut peer) else {
        panic!("no commands")
    };
    assert_eq!((listed.len(), listed[0].node.as_str()), (1, "hello"));
    let step = |run: Option<&str>, action, answers| CommandStep {
        at: at.clone(),
        node: "hello".to_owned(),
        run: run.map(str::to_owned),
        action,
        answers,
    };
    let asked = ask(
        &mut peer,
        2,
        Query::Command(step(None, CommandAction::Execute, None)),
    );
    assert!(
        asked.contains("node='hello'") && asked.contains("action='execute'"),
        "{asked}"
    );
    let stage = "<command xmlns='http://jabber.org/protocol/commands' node='hello' sessionid='s' status='executing'>\
                 <actions execute='next'><next/><prev/></actions><note type='warn'>careful</note>\
                 <x xmlns='jabber:x:data' type='form'><field var='who' type='text-private'/></x></command>";
    result(&mut peer, &asked, GATEWAY, stage);
    let Ok(Reply::Command(stage)) = reply(&mut peer) else {
        panic!("no stage")
    };
    use CommandAction::{Cancel, Next, Previous};
    assert_eq!(stage.actions, [Cancel, Next, Previous]);
    let form = stage.form.unwrap();
    assert_eq!(form.fields[0].kind, FormFieldKind::TextPrivate);
    let answers = Answers::to(&form, |_| Some(vec!["bob".to_owned()]));
    let asked = ask(&mut peer, 3, Query::Command(step(Some("s"), Next, Some(answers))));
    assert!(
        asked.contains("sessionid='s'") && asked.contains("<value>bob</value>"),
        "{asked}"
    );
    let over = "<command xmlns='http://jabber.org/protocol/commands' node='hello' sessionid='s' status='completed'>\
                <note>hello bob</note></command>";
    result(&mut peer, &asked, GATEWAY, over);
    let expected = CommandStage {
        run: Some("s".to_owned()),
        notes: vec![("info".to_owned(), "hello bob".to_owned())],
        ..CommandStage::default()
    };
    assert_eq!(reply(&mut peer), Ok(Reply::Command(expected)));
}

#[test]
fn a_directory_is_searched_in_both_kinds_of_form() {
    let mut peer = Peer::online();
    let at = || xmpp::BareJid::new("people.example.org").unwrap();
    let asked = ask(&mut peer, 1, Query::SearchForm(at()));
    let plain = "<query xmlns='jabber:iq:search'><instructions>Any</instructions><nick/><email/></query>";
    result(&mut peer, &asked, "people.example.org", plain);
    let Ok(Reply::SearchForm(form)) = reply(&mut peer) else {
        panic!("no form")
    };
    assert_eq!(form.missing(&Answers::to(&form, |_| None)), None);
    let answers = Answers::to(&form, |name| (name == "nick").then(|| vec!["bob".to_owned()]));
    let asked = ask(&mut peer, 2, Query::Search { at: at(), answers });
    assert!(
        asked.contains("<nick>bob</nick>") && !asked.contains("email"),
        "{asked}"
    );
    let found = "<query xmlns='jabber:iq:search'><item jid='bob@example.net'><nick>Bob</nick></item></query>";
    result(&mut peer, &asked, "people.example.org", found);
    let Ok(Reply::Found(table)) = reply(&mut peer) else {
        panic!("no table")
    };
    assert_eq!(table.rows[0], ["bob@example.net", "", "", "Bob", ""]);
}

#[test]
fn who_never_answers_is_given_up_and_a_late_answer_is_nothing() {
    let mut peer = Peer::online();
    let asked = ask(&mut peer, 1, Query::Prompt(gateway()));
    peer.take_events();
    for _ in 0..120 {
        peer.now += Duration::from_secs(1);
        // The server is there; only the gateway is not.
        peer.hear(" ");
        peer.input(Input::Tick).unwrap();
    }
    assert_eq!(reply(&mut peer), Err(QueryFailure::Silent));
    result(&mut peer, &asked, GATEWAY, "<query xmlns='jabber:iq:gateway'/>");
    assert_eq!(peer.take_events(), []);
}

#[test]
fn what_makes_no_sense_is_told_as_such() {
    let mut peer = Peer::online();
    for payload in [
        "",
        "<query xmlns='jabber:iq:gateway'/>",
        "<query xmlns='jabber:iq:gateway'><jid>@</jid></query>",
    ] {
        let gateway = gateway();
        let name = String::new();
        let asked = ask(&mut peer, 1, Query::AddressOf { gateway, name });
        result(&mut peer, &asked, GATEWAY, payload);
        assert_eq!(reply(&mut peer), Err(QueryFailure::Unusable), "{payload}");
    }
}

#[test]
fn only_a_service_names_people_and_only_its_own() {
    let mut peer = Peer::online();
    let told = |from: &str| {
        format!(
            "<message from='{from}'><body>words</body><x xmlns='http://jabber.org/protocol/rosterx'>\
             <item action='add' jid='1@duck.example.org' name='One'/><item action='delete' jid='2@duck.example.org'/>\
             <item action='add' jid='mallory@example.net'/><item/></x></message>"
        )
    };
    for stranger in [
        "mallory@example.net",
        "mallory@duck.example.org",
        "duck.example.org/x",
    ] {
        peer.hear(&told(stranger));
        assert_eq!(peer.take_events(), [], "{stranger}");
    }
    peer.hear(&told(GATEWAY));
    let suggestion = |jid: &str, name: Option<&str>, add| Suggestion {
        jid: xmpp::BareJid::new(jid).unwrap(),
        name: name.map(str::to_owned),
        add,
    };
    let suggestions = vec![
        suggestion("1@duck.example.org", Some("One"), true),
        suggestion("2@duck.example.org", None, false),
    ];
    let gateway = gateway();
    assert_eq!(peer.take_events(), [Event::Suggested { gateway, suggestions }]);
}
