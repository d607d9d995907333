//! What alice is told of her server over the days: an onion service of its own, and that it went away.
//! Must never reach a network. `messenger::server_story`.

use dial::find::{Place, Security};
use model::AccountState;

use super::*;

const ONION: &str = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
const KEPT: &str = "server_story.1";

impl Desk {
    fn story(&self) -> Option<Problem> {
        let accounts = self.messenger.snapshot().unwrap().accounts;
        accounts[0].server_story.clone()
    }

    fn story_code(&self) -> Option<String> {
        self.story().map(|story| story.code)
    }

    fn in_vain(&mut self, code: &str) {
        let problem = Problem::new(code, "");
        let state = AccountState::WaitingToReconnect { problem, seconds: 1 };
        self.messenger.report(self.account, Report::State(state));
    }

    /// How often an account was told of with a story since the last time.
    fn told(&mut self) -> usize {
        let lines = std::iter::from_fn(|| self.messenger.queue.next_line());
        lines.filter(|line| line.contains("\"server_story\"")).count()
    }

    fn kept(&mut self) -> Option<Value> {
        let open = self.messenger.open.as_ref().unwrap();
        open.vault.profile().settings.get(KEPT).cloned()
    }

    async fn start_again(&mut self) {
        now(&mut self.messenger, Command::Lock(Nothing {})).unwrap();
        let unlock = command("profile.unlock", json!({ "passphrase": "otter" }));
        later(&mut self.messenger, unlock).await;
        self.take_orders();
    }
}

#[tokio::test]
async fn a_server_that_went_away_is_told_once_after_three_days_with_what_to_try() {
    for (code, told) in [
        ("tor.host_not_found", "server.gone"),
        ("tor.connection_refused", "server.refuses"),
        ("tor.timed_out", "server.silent"),
    ] {
        let mut desk = Desk::new().await;
        for _ in 0..50 {
            desk.in_vain(code);
        }
        assert_eq!(desk.story(), None);
        // Two more days pass.
        let mut kept = desk.kept().unwrap();
        let today = kept["away"]["last"].as_u64().unwrap();
        kept["away"] = json!({ "code": code, "since": today - 2, "last": today - 1, "days": 2 });
        let vault = &mut desk.messenger.open.as_mut().unwrap().vault;
        vault
            .change(|profile| _ = profile.settings.insert(KEPT.to_owned(), kept))
            .unwrap();
        desk.told();
        for _ in 0..50 {
            desk.in_vain(code);
        }
        assert_eq!(desk.story_code().as_deref(), Some(told));
        assert_eq!(desk.story().unwrap().about, [(today - 2).to_string()]);
        let changes = desk.told();
        desk.start_again().await;
        assert_eq!(desk.story_code().as_deref(), Some(told));
        desk.told();
        desk.in_vain(code);
        assert_eq!(desk.kept().unwrap()["away"]["days"], 3, "{changes}");
        // It is back.
        desk.come_online();
        assert_eq!(desk.story(), None);
    }
}

#[tokio::test]
async fn an_onion_service_that_proved_to_be_the_server_is_told_remembered_and_goes_with_the_account() {
    let mut desk = Desk::new().await;
    let place = Place {
        host: dial::Host::parse(ONION).unwrap(),
        port: 5222,
        security: Security::StartTls,
    };
    desk.messenger.report(desk.account, Report::Onion(place.clone()));
    let story = desk.story().unwrap();
    assert_eq!(
        (story.code.as_str(), &story.about[..]),
        ("server.onion", &[format!("{ONION}:5222")][..])
    );
    assert_eq!(desk.told(), 1);
    desk.messenger.report(desk.account, Report::Onion(place.clone()));
    assert_eq!(desk.told(), 0);
    desk.start_again().await;
    assert_eq!(desk.story_code().as_deref(), Some("server.onion"));
    let profile = desk.messenger.open.as_ref().unwrap().vault.profile();
    assert_eq!(
        crate::messenger::server_story::onion(profile, desk.account),
        Some(place)
    );
    let gone = json!({ "account": desk.account });
    now(&mut desk.messenger, command("account.remove", gone)).unwrap();
    assert_eq!(desk.kept(), None);
}
