//! What the owner sets: another way to an account, names, blocks, drafts, and what the window keeps.
//! It must never tell a contact that it was blocked, nor keep more than its bounds. XEP-0191.

use model::{
    AccountId, Address, ChangeAccount, ChosenServer, Command, MAX_TEXT_BYTES, MAX_WINDOW_STATE_BYTES,
    Problem, RenameContact, SetDraft, WindowState,
};
use serde_json::{Value, json};

use super::people::{Person, no_such_account};
use super::{Messenger, kept_accounts, locked, profile, to_value};
use crate::link::Wish;
use crate::text;

/// The longest name of a contact in characters.
const MAX_NAME: usize = 200;
/// Where the profile keeps what the window wants kept.
pub(super) const WINDOW: &str = "window";

impl Messenger {
    /// Carries out what the owner sets.
    pub(super) fn settings_command(&mut self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::CheckText(with) => return to_value(&self.check_text(&with)?),
            Command::AllowPlain(with) => self.allow_plain(with.account),
            Command::CheckLinks(with) => return to_value(&self.check_links(&with)?),
            Command::BlockContact(with) => self.block(with.account, &with.contact),
            Command::ChangeAccount(with) => self.change_account(&with),
            Command::TrustServer(with) => self.trust_server(&with),
            Command::SetVisibility(with) => self.set_visibility(&with),
            Command::ListSights(_) => return to_value(&self.list_sights()?),
            Command::ListProbes(_) => return to_value(&self.list_probes()?),
            Command::LoginKeys(with) => return to_value(&self.login_keys(with.account)?),
            Command::LoadWindow(_) => return to_value(&self.load_window()?),
            Command::RenameContact(with) => self.rename(&with),
            Command::SaveWindow(with) => self.save_window(&with),
            Command::SetDraft(with) => self.set_draft(&with),
            Command::UnblockContact(with) => self.unblock(with.account, &with.contact),
            other => return self.history_command(other),
        }
        .map(|()| json!({}))
    }

    /// What the services of an account's network have to be told.
    fn login_keys(&self, id: AccountId) -> Result<model::LoginKeys, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let mut accounts = open.vault.profile().accounts.iter();
        let kept = accounts
            .find(|kept| kept.id == id.0)
            .ok_or_else(no_such_account)?;
        kept_accounts::login_keys(kept).ok_or_else(|| {
            Problem::new(
                "account.no_login_keys",
                "Only accounts of IRC networks log in by a certificate or a key.",
            )
        })
    }

    fn change_account(&mut self, with: &ChangeAccount) -> Result<(), Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let account = open.accounts.get(&with.account).ok_or_else(no_such_account)?;
        if account.shown.protocol == model::Protocol::Xmpp {
            super::credentials::check(with.login, true)?;
        }
        let needed = account.shown.protocol == model::Protocol::Xmpp
            || with.login.is_some_and(super::accounts::by_password);
        let empty = with
            .password
            .as_ref()
            .is_some_and(|word| word.expose().is_empty());
        if needed && empty {
            return Err(Problem::new(
                "account.no_password",
                "The account needs a password.",
            ));
        }
        for pin in with.pins.iter().flatten() {
            profile::parse_pin(pin)?;
        }
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get_mut(&with.account).ok_or_else(no_such_account)?;
        open.vault
            .change(|kept| kept_accounts::keep_change(kept, with))
            .map_err(|error| profile::told(&error))?;
        match &with.server {
            Some(ChosenServer::Chosen { server }) => account.shown.server = Some(server.clone()),
            Some(ChosenServer::Found) => account.shown.server = None,
            None => {}
        }
        super::servers::turn(account, open.vault.profile(), with.account)?;
        self.queue.tell(model::Event::AccountChanged {
            account: account.shown.clone(),
        });
        Ok(())
    }

    fn rename(&mut self, with: &RenameContact) -> Result<(), Problem> {
        let name = with.name.as_ref().map(|name| text::plain(name).trim().to_owned());
        let name = name.filter(|name| !name.is_empty());
        if name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
            let text = format!("A name has at most {MAX_NAME} characters.");
            return Err(Problem::new("contact.name_too_long", text));
        }
        self.alter(with.account, &with.contact, |person| person.name = name)
    }

    fn set_draft(&mut self, with: &SetDraft) -> Result<(), Problem> {
        if with.text.len() > MAX_TEXT_BYTES {
            let text = format!("The text is longer than {MAX_TEXT_BYTES} bytes.");
            return Err(Problem::new("message.too_long", text));
        }
        if self.known(with.account, &with.contact)?.draft == with.text {
            return Ok(());
        }
        let text = with.text.clone();
        self.change_person(with.account, &with.contact, |person| person.draft = text)
    }

    /// Refuses everything from a person. It is not told: a private conversation is dropped without a word.
    fn block(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        let person = self.person(account, contact)?;
        if person.blocked {
            return Ok(());
        }
        let why = Problem::new(
            "contact.blocked",
            "You blocked this contact: nothing is sent to it.",
        );
        // Whoever was not accepted has nothing to cut.
        let _ = self.converse(account, contact, |conversation, context| {
            conversation.cut(&why, context);
        });
        self.alter(account, contact, |person| {
            person.blocked = true;
            person.asks = false;
            person.first_words = None;
        })?;
        self.wish(account, contact, Wish::Block);
        Ok(())
    }

    fn unblock(&mut self, account: AccountId, contact: &Address) -> Result<(), Problem> {
        let person = self.known(account, contact)?;
        let accepted = person.accepted;
        if !person.blocked {
            return Ok(());
        }
        let open = self.open.as_ref().ok_or_else(locked)?;
        if !open.accounts.get(&account).is_some_and(|account| account.online) {
            return Err(Problem::new(
                "account.offline",
                "The server refuses this contact, too, and has to be told: connect the account first.",
            ));
        }
        self.wish(account, contact, Wish::Unblock);
        self.alter(account, contact, |person| person.blocked = false)?;
        if !accepted {
            return self.forget(account, contact);
        }
        self.welcome(account, contact);
        Ok(())
    }

    /// Tells the server again whom the owner blocked: that may have been without a connection.
    pub(super) fn tell_blocks(&self, id: AccountId) {
        let Some(open) = &self.open else { return };
        let blocked = |person: &&Person| person.account == id && person.blocked;
        for person in open.people.values().filter(blocked) {
            self.wish(id, &person.address, Wish::Block);
        }
    }

    fn load_window(&self) -> Result<WindowState, Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let kept = open.vault.profile().settings.get(WINDOW);
        let state = kept.and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(WindowState { state })
    }

    fn save_window(&mut self, with: &WindowState) -> Result<(), Problem> {
        if with.state.len() > MAX_WINDOW_STATE_BYTES {
            let text = format!("A window keeps at most {MAX_WINDOW_STATE_BYTES} bytes.");
            return Err(Problem::new("window.too_large", text));
        }
        let open = self.open.as_mut().ok_or_else(locked)?;
        let state = Value::String(with.state.clone());
        open.vault
            .change(|kept| _ = kept.settings.insert(WINDOW.to_owned(), state))
            .map_err(|error| profile::told(&error))
    }

    /// Changes a person, keeps it and tells of it.
    fn alter(
        &mut self,
        account: AccountId,
        contact: &Address,
        change: impl FnOnce(&mut Person),
    ) -> Result<(), Problem> {
        self.change_person(account, contact, change)?;
        self.tell_contact(account, contact);
        Ok(())
    }

    fn change_person(
        &mut self,
        account: AccountId,
        contact: &Address,
        change: impl FnOnce(&mut Person),
    ) -> Result<(), Problem> {
        change(self.known(account, contact)?);
        self.keep_new_person(account, contact)
    }
}
