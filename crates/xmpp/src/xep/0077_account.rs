//! XEP-0077 In-Band Registration: another password for an account that exists, and its end.
//! Must never take a change for made before the server has said so.
//! XEP-0077 3.2 (removal) and 3.3 (password).

use xmpp_parsers::ibr::LegacyQuery;
use xmpp_parsers::iq::{Iq, IqHeader, IqPayload};
use xso::AsXml;
use zeroize::Zeroizing;

use crate::error::{Error, StanzaCondition};
use crate::event::{AccountChange, Event, Password};
use crate::session::{Answer, Kind, Session, Step};
use crate::{ns, write};

#[derive(AsXml)]
#[xml(namespace = ns::REGISTER, name = "query")]
struct Removal {
    #[xml(child)]
    remove: Remove,
}

#[derive(AsXml)]
#[xml(namespace = ns::REGISTER, name = "remove")]
struct Remove;

impl Session {
    /// Asks the server for another password. The present one stays until it says yes.
    pub(crate) fn change_password(&mut self, password: Password, step: &mut Step<'_>) -> Result<(), Error> {
        let to = write::domain(&self.config.jid);
        let user = self.config.jid.node().map(|node| node.as_str().to_owned());
        let query = LegacyQuery {
            username: user,
            password: Some(password.expose_secret().to_owned()),
            ..LegacyQuery::default()
        };
        let kind = Kind::Account(AccountChange::Password, Some(password));
        self.ask(kind, Some(to.clone()), step, |id| {
            Iq::from_set(id, query).with_to(to)
        })
    }

    /// Asks the server to forget the account and everything that it holds of it.
    pub(crate) fn remove_account(&mut self, step: &mut Step<'_>) -> Result<(), Error> {
        let payload = xso::transform(&Removal { remove: Remove }).map_err(|_| Error::TooLong)?;
        // Servers take this only without an address: it is the account itself that is spoken to.
        let header = |id| IqHeader {
            from: None,
            to: None,
            id,
        };
        let kind = Kind::Account(AccountChange::Removal, None);
        self.ask(kind, None, step, |id| {
            header(id).assemble(IqPayload::Set(payload))
        })
    }

    pub(crate) fn account_answered(
        &mut self,
        change: AccountChange,
        password: Option<Password>,
        answer: &Answer<'_>,
    ) {
        if let Some(condition) = answer.condition() {
            let why = Some(StanzaCondition::from_name(condition));
            self.tell(Event::AccountChange { change, why });
            return;
        }
        if let Some(password) = password {
            self.config.password = Zeroizing::new(password.expose_secret().to_owned());
        }
        self.tell(Event::AccountChange { change, why: None });
    }
}
