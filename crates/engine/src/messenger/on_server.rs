//! What an account's server is asked to do with the account itself: another password, or its end.
//! It must never keep a password that the server has not taken, nor forget an account that still stands there.
//! Door 1: `account.server_password`, `account.erase`, `account.use_certificate`; XEP-0077 3.2 and 3.3, XEP-0257.

use model::{AccountId, Problem, Protocol, Secret, ServerPassword};
use serde_json::{Value, json};
use xmpp::{AccountChange, Password, StanzaCondition};

use super::accounts::busy;
use super::people::no_such_account;
use super::{Messenger, Outcome, kept_accounts, locked, profile};
use crate::link::Order;

/// A change that the server was asked for and has not answered yet; one an account.
pub(super) struct Asked {
    change: Change,
    /// The number of the request on door 1.
    request: Option<Value>,
}

enum Change {
    Certificate(dial::tls::Identity),
    Password(Secret),
    Removal,
}

impl Change {
    fn kind(&self) -> AccountChange {
        match self {
            Self::Certificate(_) => AccountChange::Certificate,
            Self::Password(_) => AccountChange::Password,
            Self::Removal => AccountChange::Removal,
        }
    }
}

impl Asked {
    pub(super) fn certificate(identity: dial::tls::Identity, request: Option<&Value>) -> Self {
        Self {
            change: Change::Certificate(identity),
            request: request.cloned(),
        }
    }
}

impl Messenger {
    /// Answered when the server has answered.
    pub(super) fn change_server_password(&mut self, with: ServerPassword, id: Option<&Value>) -> Outcome {
        if with.password.expose().is_empty() {
            let text = "The account needs a password.";
            return Outcome::Now(Err(Problem::new("account.no_password", text)));
        }
        let command = xmpp::Command::ChangePassword(Password::new(with.password.expose().to_owned()));
        let asked = Asked {
            change: Change::Password(with.password),
            request: id.cloned(),
        };
        self.ask_server(with.account, command, asked)
    }

    /// Answered when the server has answered.
    pub(super) fn erase_account(&mut self, account: AccountId, id: Option<&Value>) -> Outcome {
        let asked = Asked {
            change: Change::Removal,
            request: id.cloned(),
        };
        self.ask_server(account, xmpp::Command::RemoveAccount, asked)
    }

    pub(super) fn ask_server(&mut self, account: AccountId, command: xmpp::Command, asked: Asked) -> Outcome {
        match self.begin_asking(account, command, asked) {
            Ok(()) => Outcome::Later,
            Err(problem) => Outcome::Now(Err(problem)),
        }
    }

    fn begin_asking(
        &mut self,
        account: AccountId,
        command: xmpp::Command,
        asked: Asked,
    ) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let owner = open.accounts.get(&account).ok_or_else(no_such_account)?;
        if owner.shown.protocol != Protocol::Xmpp {
            return Err(not_on_this_network());
        }
        if !owner.online {
            let text = "The account is not connected: connect it first.";
            return Err(Problem::new("account.not_connected", text));
        }
        if open.asked.contains_key(&account) {
            return Err(busy());
        }
        owner.orders.try_send(Order::Xmpp(command)).map_err(|_| busy())?;
        open.asked.insert(account, asked);
        Ok(())
    }

    /// The server has answered.
    pub(super) fn on_account_change(
        &mut self,
        account: AccountId,
        change: AccountChange,
        why: Option<StanzaCondition>,
    ) {
        let Some(open) = &mut self.open else { return };
        let Some(asked) = open.asked.remove(&account) else {
            return;
        };
        let done = match (why, asked.change) {
            (Some(_), _) => Err(Problem::new(
                "account.change_refused",
                "The server refused: everything is as it was.",
            )),
            (None, asked) if asked.kind() != change => Err(unknown()),
            (None, Change::Certificate(identity)) => self.keep_certificate(account, &identity),
            (None, Change::Password(password)) => open
                .vault
                .change(|kept| kept_accounts::keep_password(kept, account, &password))
                .map_err(|error| profile::told(&error)),
            (None, Change::Removal) => self.remove_account(account),
        };
        self.answer(asked.request.as_ref(), done.map(|()| json!({})));
    }

    /// The connection is gone, and with it the answer.
    pub(super) fn server_is_silent(&mut self, account: AccountId) {
        let asked = self.open.as_mut().and_then(|open| open.asked.remove(&account));
        if let Some(asked) = asked {
            self.answer(asked.request.as_ref(), Err(unknown()));
        }
    }
}

pub(super) fn not_on_this_network() -> Problem {
    Problem::new(
        "account.not_on_this_network",
        "This cannot be done from here on this network.",
    )
}

fn unknown() -> Problem {
    Problem::new(
        "account.change_unknown",
        "The connection broke before the server answered: nobody knows whether it did that. Where the login fails now, it did.",
    )
}
