//! Who is told that an account is there: as the owner chose, and nobody twice.
//! Must never see a presence that says more than "here" or "gone". RFC 6121 4.

use super::*;

impl Desk {
    fn visible(&mut self, visibility: Value) -> Result<Value, Problem> {
        let asked = json!({ "account": self.account, "visibility": visibility });
        now(&mut self.messenger, command("account.visibility", asked))
    }

    fn presences(&mut self) -> Vec<String> {
        let name = |command: xmpp::Command| match command {
            xmpp::Command::SetAvailable => Some("here".to_owned()),
            xmpp::Command::SetUnavailable => Some("gone".to_owned()),
            xmpp::Command::ShowTo(who) => Some(format!("here to {who}")),
            xmpp::Command::HideFrom(who) => Some(format!("gone to {who}")),
            _ => None,
        };
        self.ordered().into_iter().filter_map(name).collect()
    }
}

#[tokio::test]
async fn an_account_is_shown_to_whom_its_owner_chose_and_to_nobody_else() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("contact.add", "carol@example.net", json!({})).unwrap();
    desk.tell(xmpp::Event::Roster(Vec::new()));
    assert_eq!(desk.presences(), ["here"]);
    let only = |who: &[&str]| json!({ "is": "only", "contacts": who });
    desk.visible(only(&[BOB, "mallory@example.com"])).unwrap();
    assert_eq!(desk.presences(), ["gone", &format!("here to {BOB}")]);
    desk.visible(only(&["carol@example.net"])).unwrap();
    assert_eq!(
        desk.presences(),
        [&format!("gone to {BOB}"), "here to carol@example.net"]
    );
    desk.visible(json!({ "is": "never" })).unwrap();
    assert_eq!(desk.presences(), ["gone to carol@example.net"]);
    desk.tell(xmpp::Event::Roster(Vec::new()));
    assert_eq!(desk.presences(), Vec::<String>::new());
    desk.visible(json!({ "is": "always" })).unwrap();
    assert_eq!(desk.presences(), ["here"]);
    desk.messenger.tick();
    assert_eq!(desk.presences(), Vec::<String>::new());
    let many: Vec<String> = (0..65).map(|n| format!("c{n}@example.net")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(code(desk.visible(only(&many))), "account.visible_to_too_many");
}

#[tokio::test]
async fn a_choice_outlives_the_lock_and_goes_with_the_account() {
    let mut desk = Desk::new().await;
    let timetable = json!({ "is": "timetable", "from": 540, "to": 1020 });
    desk.visible(timetable.clone()).unwrap();
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
    let unlock = command("profile.unlock", json!({ "passphrase": "otter" }));
    later(&mut desk.messenger, unlock).await;
    let account = desk.messenger.snapshot().unwrap().accounts[0].clone();
    assert_eq!(serde_json::to_value(account.visibility).unwrap(), timetable);
    let gone = json!({ "account": desk.account });
    now(&mut desk.messenger, command("account.remove", gone)).unwrap();
    let open = desk.messenger.open.as_ref().unwrap();
    assert!(open.vault.profile().settings.is_empty());
}
