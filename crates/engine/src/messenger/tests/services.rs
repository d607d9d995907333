//! Gateways, forms, commands and searches over door 1, with a service that the test plays. Must never reach a network.
//! Door 1: `docs/rpc.md`; XEP-0050, XEP-0055, XEP-0077, XEP-0100, XEP-0144.

use xmpp::{
    CommandStage, Form, FormField, FormFieldKind, Listed, Query, QueryFailure, Reply, Service,
    StanzaCondition, Suggestion,
};

use super::*;

const GATEWAY: &str = "duck.example.org";
const PERSON: &str = "111@duck.example.org";

fn field(name: &str, kind: FormFieldKind) -> FormField {
    FormField {
        name: name.to_owned(),
        label: Some(format!("the {name}\u{7}")),
        description: None,
        kind,
        required: kind != FormFieldKind::Hidden,
        values: vec!["before".to_owned()],
        options: Vec::new(),
    }
}

fn form() -> Form {
    Form {
        fields: vec![
            field("ticket", FormFieldKind::Hidden),
            field("username", FormFieldKind::TextSingle),
        ],
        ..Form::default()
    }
}

fn service(at: &str, category: &str, kind: &str) -> Service {
    Service {
        at: at.parse().unwrap(),
        identities: vec![(category.to_owned(), kind.to_owned(), Some("A name".to_owned()))],
        features: vec!["jabber:iq:register".to_owned()],
    }
}

impl Desk {
    /// Asks a service; what the link gets.
    fn poses(&mut self, method: &str, mut params: Value) -> (u64, Query) {
        while self.orders.try_recv().is_ok() {}
        params["account"] = json!(self.account);
        match self.messenger.carry_out(command(method, params), Some(&json!(7))) {
            Outcome::Later => {}
            Outcome::Now(result) => panic!("answered at once: {result:?}"),
        }
        match self.orders.try_recv() {
            Ok(Order::Xmpp(xmpp::Command::Query { token, query })) => (token, query),
            other => panic!("no question: {other:?}"),
        }
    }

    /// What door 1 answers when the service answers this.
    fn answer_to(&mut self, method: &str, params: Value, reply: Result<Reply, QueryFailure>) -> Value {
        let (token, _) = self.poses(method, params);
        self.lines();
        self.tell(xmpp::Event::Answered { token, reply });
        let lines = self.lines();
        let answers = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        answers.into_iter().find(|line| line["id"] == 7).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        std::iter::from_fn(|| self.messenger.queue.next_line()).collect()
    }

    fn refuses(&mut self, method: &str, mut params: Value) -> String {
        params["account"] = json!(self.account);
        now(&mut self.messenger, command(method, params))
            .unwrap_err()
            .code
    }

    fn register(&mut self) {
        let gateway = json!({ "gateway": GATEWAY });
        let reply = Reply::Registration {
            form: form(),
            registered: false,
        };
        self.answer_to("gateway.form", gateway, Ok(reply));
        let filled = json!({ "gateway": GATEWAY, "answers": { "username": ["otter"] } });
        let answer = self.answer_to("gateway.register", filled, Ok(Reply::Done));
        assert_eq!(answer["result"], json!({}));
    }

    fn gateways(&self) -> Vec<model::Gateway> {
        self.messenger.snapshot().unwrap().gateways
    }
}

#[tokio::test]
async fn alice_registers_at_a_gateway_and_its_people_bear_the_label() {
    let mut desk = Desk::new().await;
    let found = vec![
        service(GATEWAY, "gateway", "duck"),
        service("irc.example.org", "conference", "irc"),
        service("rooms.example.org", "conference", "text"),
    ];
    let listed = desk.answer_to("gateway.list", json!({}), Ok(Reply::Services(found)));
    let networks: Vec<&str> = listed["result"]["gateways"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gateway| gateway["network"].as_str().unwrap())
        .collect();
    assert_eq!(networks, ["duck", "irc"]);
    assert_eq!(
        listed["result"]["gateways"][0]["label"]["code"],
        "gateway.operator_reads"
    );
    desk.register();
    let orders: Vec<Order> = std::iter::from_fn(|| desk.orders.try_recv().ok()).collect();
    let subscribed = |order: &Order| matches!(order, Order::Xmpp(xmpp::Command::Subscribe(jid)) if jid.as_str() == GATEWAY);
    assert!(orders.iter().any(subscribed), "{orders:?}");
    // It asks back, as it has to, and is no person because of it.
    desk.tell(xmpp::Event::SubscriptionRequest(BareJid::new(GATEWAY).unwrap()));
    assert!(matches!(
        desk.orders.try_recv(),
        Ok(Order::Xmpp(xmpp::Command::Approve(_)))
    ));
    desk.tell(xmpp::Event::Presence {
        from: GATEWAY.parse().unwrap(),
        available: true,
    });
    assert_eq!(desk.gateways()[0].state, model::AccountState::Online);
    desk.messenger
        .on_message(desk.account, &GATEWAY.parse().unwrap(), None, ("?OTRv3?", false));
    assert_eq!(desk.gateways()[0].said.as_deref(), Some("?OTRv3?"));
    assert!(desk.messenger.snapshot().unwrap().contacts.is_empty());
    let person = json!({ "account": desk.account, "contact": PERSON });
    now(&mut desk.messenger, command("contact.add", person)).unwrap();
    let contact = desk.messenger.snapshot().unwrap().contacts.pop().unwrap();
    assert_eq!(contact.gateway.unwrap().as_str(), GATEWAY);
    // The link is gone, and nobody knows how the gateway is.
    desk.messenger
        .report(desk.account, Report::State(model::AccountState::Offline));
    assert_eq!(desk.gateways()[0].state, model::AccountState::Offline);
}

#[tokio::test]
async fn what_a_gateway_hides_in_its_form_goes_back_and_never_up() {
    let mut desk = Desk::new().await;
    let gateway = json!({ "gateway": GATEWAY });
    let reply = Reply::Registration {
        form: form(),
        registered: false,
    };
    let early = json!({ "gateway": GATEWAY, "answers": {} });
    assert_eq!(desk.refuses("gateway.register", early), "service.no_form");
    let shown = desk.answer_to("gateway.form", gateway, Ok(reply));
    let fields = shown["result"]["form"]["fields"].as_array().unwrap();
    assert_eq!(
        (fields.len(), fields[0]["label"].as_str()),
        (1, Some("the username"))
    );
    let empty = json!({ "gateway": GATEWAY, "answers": { "username": [""] } });
    assert_eq!(desk.refuses("gateway.register", empty), "service.field_needed");
    let filled =
        json!({ "gateway": GATEWAY, "answers": { "username": ["otter"], "ticket": ["mine"], "odd": ["x"] } });
    let (_, query) = desk.poses("gateway.register", filled);
    let Query::Register { answers, .. } = query else {
        panic!("{query:?}")
    };
    let sent = [("ticket", "before"), ("username", "otter")];
    assert!(
        answers
            .values
            .iter()
            .map(|(name, values)| (name.as_str(), values[0].as_str()))
            .eq(sent)
    );
}

#[tokio::test]
async fn the_own_server_is_no_gateway_and_is_asked_nothing_as_if_it_were_one() {
    let mut desk = Desk::new().await;
    for method in ["gateway.form", "gateway.unregister", "gateway.prompt"] {
        for at in ["example.org", "bob@example.net"] {
            assert_eq!(
                desk.refuses(method, json!({ "gateway": at })),
                "gateway.none",
                "{method}"
            );
        }
    }
}

#[tokio::test]
async fn a_gateway_is_known_again_after_a_start_and_forgotten_when_it_ends() {
    let mut desk = Desk::new().await;
    desk.register();
    now(&mut desk.messenger, command("profile.lock", json!({}))).unwrap();
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
    desk.take_orders();
    desk.come_online();
    let known: Vec<bool> = desk.gateways().iter().map(|gateway| gateway.registered).collect();
    assert_eq!(known, [true]);
    let gateway = json!({ "gateway": GATEWAY });
    let answer = desk.answer_to("gateway.unregister", gateway, Ok(Reply::Done));
    assert_eq!(answer["result"], json!({}));
    assert!(desk.gateways().is_empty());
}

#[tokio::test]
async fn a_gateway_names_its_people_and_changes_nothing() {
    let mut desk = Desk::new().await;
    let suggestion = |jid: &str, add| Suggestion {
        jid: BareJid::new(jid).unwrap(),
        name: Some("Duck".to_owned()),
        add,
    };
    let named = || vec![suggestion(PERSON, true), suggestion("222@duck.example.org", true)];
    let told = |suggestions| xmpp::Event::Suggested {
        gateway: BareJid::new(GATEWAY).unwrap(),
        suggestions,
    };
    // A stranger's list is nothing.
    desk.tell(told(named()));
    let params = json!({ "account": desk.account, "gateway": GATEWAY });
    let unknown = now(&mut desk.messenger, command("gateway.contacts", params.clone()));
    assert_eq!(unknown.unwrap_err().code, "gateway.unknown");
    desk.register();
    desk.tell(told(named()));
    desk.tell(told(vec![suggestion("222@duck.example.org", false)]));
    let add = json!({ "account": desk.account, "contact": "333@duck.example.org" });
    now(&mut desk.messenger, command("contact.add", add)).unwrap();
    let listed = now(&mut desk.messenger, command("gateway.contacts", params)).unwrap();
    let contacts: Vec<(&str, bool)> = listed["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| {
            (
                contact["contact"].as_str().unwrap(),
                contact["added"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(contacts, [(PERSON, false), ("333@duck.example.org", true)]);
}

#[tokio::test]
async fn a_name_of_another_network_becomes_an_address_of_the_gateway_and_of_nobody_else() {
    let mut desk = Desk::new().await;
    let find = || json!({ "gateway": GATEWAY, "name": "a b@c" });
    let said = |jid: &str| Ok(Reply::Address(jid.parse().unwrap()));
    let found = desk.answer_to("gateway.find", find(), said(PERSON));
    assert_eq!(found["result"]["contact"], PERSON);
    for odd in ["mallory@example.net", "duck.example.org"] {
        let found = desk.answer_to("gateway.find", find(), said(odd));
        assert_eq!(found["error"]["data"]["code"], "service.unusable", "{odd}");
    }
    let refused = Err(QueryFailure::Refused(StanzaCondition::Unavailable));
    let found = desk.answer_to("gateway.find", find(), refused);
    assert_eq!(found["result"]["contact"], "a\\20b\\40c@duck.example.org");
}

#[tokio::test]
async fn a_command_goes_on_only_by_steps_that_its_maker_offers() {
    let mut desk = Desk::new().await;
    let listed = Listed {
        at: GATEWAY.parse().unwrap(),
        node: "hello".to_owned(),
        name: None,
    };
    let commands = desk.answer_to(
        "service.commands",
        json!({ "service": GATEWAY }),
        Ok(Reply::Commands(vec![listed])),
    );
    assert_eq!(commands["result"]["commands"][0]["command"], "hello");
    let stage = CommandStage {
        run: Some("s1".to_owned()),
        goes_on: true,
        actions: vec![xmpp::CommandAction::Cancel, xmpp::CommandAction::Complete],
        form: Some(form()),
        ..CommandStage::default()
    };
    let run = json!({ "service": GATEWAY, "command": "hello" });
    let begun = desk.answer_to("service.run", run, Ok(Reply::Command(stage)));
    let number = begun["result"]["run"].as_u64().unwrap();
    let step = |action: &str| json!({ "run": number, "action": action, "answers": { "username": ["x"] } });
    assert_eq!(desk.refuses("service.step", step("next")), "service.no_step");
    let (token, query) = desk.poses("service.step", step("complete"));
    let Query::Command(sent) = query else {
        panic!("{query:?}")
    };
    assert_eq!(
        (sent.run.as_deref(), sent.answers.unwrap().values.len()),
        (Some("s1"), 2)
    );
    let over = CommandStage {
        notes: vec![("info".to_owned(), "Done\u{0}".to_owned())],
        ..CommandStage::default()
    };
    desk.tell(xmpp::Event::Answered {
        token,
        reply: Ok(Reply::Command(over)),
    });
    assert_eq!(desk.refuses("service.step", step("complete")), "service.no_run");
}

#[tokio::test]
async fn a_question_whose_answer_is_lost_is_told_so_once() {
    let mut desk = Desk::new().await;
    let (token, _) = desk.poses("service.list", json!({}));
    desk.lines();
    desk.messenger
        .report(desk.account, Report::State(model::AccountState::Offline));
    let lines = desk.lines().join("\n");
    assert!(lines.contains("service.silent"), "{lines}");
    desk.tell(xmpp::Event::Answered {
        token,
        reply: Ok(Reply::Services(Vec::new())),
    });
    let lines = desk.lines().join("\n");
    assert!(!lines.contains("\"id\":7"), "{lines}");
    assert_eq!(desk.refuses("service.list", json!({})), "account.not_connected");
}
