//! Another password and the end of an account on its server, over door 1. Must never reach a network.
//! Door 1: `docs/rpc.md`; XEP-0077.

use xmpp::{AccountChange, StanzaCondition};

use super::*;

impl Desk {
    /// Asks the server; nothing is answered yet.
    pub(super) fn asks(&mut self, method: &str, params: Value) -> xmpp::Command {
        while self.orders.try_recv().is_ok() {}
        let id = json!(7);
        match self.messenger.carry_out(command(method, params), Some(&id)) {
            Outcome::Later => {}
            Outcome::Now(result) => panic!("answered at once: {result:?}"),
        }
        match self.orders.try_recv() {
            Ok(Order::Xmpp(command)) => command,
            other => panic!("no order: {other:?}"),
        }
    }

    pub(super) fn refused(&mut self, method: &str, params: Value) -> String {
        now(&mut self.messenger, command(method, params))
            .unwrap_err()
            .code
    }

    pub(super) fn server_says(&mut self, change: AccountChange, why: Option<StanzaCondition>) {
        self.tell(xmpp::Event::AccountChange { change, why });
    }

    fn kept_password(&self) -> String {
        let profile = self.messenger.open.as_ref().unwrap().vault.profile();
        let vault::Protocol::Xmpp { password, .. } = &profile.accounts[0].protocol else {
            panic!("no XMPP account");
        };
        password.expose_secret().to_owned()
    }
}

#[tokio::test]
async fn a_new_password_is_kept_only_after_the_server_has_taken_it() {
    let mut desk = Desk::new().await;
    let new = json!({ "account": desk.account, "password": "another" });
    let order = desk.asks("account.server_password", new.clone());
    assert!(matches!(order, xmpp::Command::ChangePassword(word) if word.expose_secret() == "another"));
    assert_eq!(
        desk.refused("account.server_password", new.clone()),
        "account.busy"
    );
    desk.server_says(AccountChange::Password, Some(StanzaCondition::Refused));
    assert_eq!(desk.kept_password(), "secret");
    desk.asks("account.server_password", new.clone());
    assert_eq!(desk.kept_password(), "secret");
    desk.server_says(AccountChange::Password, None);
    assert_eq!(desk.kept_password(), "another");
    let empty = json!({ "account": desk.account, "password": "" });
    assert_eq!(
        desk.refused("account.server_password", empty),
        "account.no_password"
    );
    // The connection breaks before the answer: nobody knows, and nothing is taken for done.
    desk.asks(
        "account.server_password",
        json!({ "account": desk.account, "password": "third" }),
    );
    desk.messenger
        .report(desk.account, Report::State(model::AccountState::Offline));
    desk.server_says(AccountChange::Password, None);
    assert_eq!(desk.kept_password(), "another");
    assert_eq!(
        desk.refused("account.server_password", new),
        "account.not_connected"
    );
}

#[tokio::test]
async fn an_account_is_forgotten_here_only_after_its_server_forgot_it() {
    let mut desk = Desk::new().await;
    let who = json!({ "account": desk.account });
    assert_eq!(
        desk.asks("account.erase", who.clone()),
        xmpp::Command::RemoveAccount
    );
    desk.server_says(AccountChange::Removal, Some(StanzaCondition::Refused));
    assert_eq!(desk.messenger.open.as_ref().unwrap().accounts.len(), 1);
    desk.asks("account.erase", who);
    desk.server_says(AccountChange::Removal, None);
    assert!(desk.messenger.open.as_ref().unwrap().accounts.is_empty());
}
