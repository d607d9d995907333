//! What the engine asks for.
//! Must never say anything that was not asked for.
//! RFC 6121 2 (roster), 3 (subscriptions), 4 (presence), 5 (messages).

use jid::{BareJid, Jid};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::roster::{Ask, Item, Roster, Subscription};

use super::requests::Kind;
use super::{Phase, Sent, Session, Step};
use crate::error::{Error, OfflineReason};
use crate::event::Command;
use crate::{preauth, write};

/// So many messages lately sent can be told apart when one comes back.
const REMEMBERED: usize = 512;

impl Session {
    pub(super) fn command(&mut self, command: Command, step: &mut Step<'_>) -> Result<(), Error> {
        if command == Command::GoOffline {
            self.go_offline(step);
            return Ok(());
        }
        if !matches!(self.phase, Phase::Online) {
            return Err(Error::NotConnected);
        }
        match command {
            Command::AddContact { jid, name } => self.change_roster(jid, name, Subscription::None, step),
            Command::Approve(jid) => self.send_presence(Some("subscribed"), Some(jid), step),
            Command::Block(jids) => self.block(jids, step),
            Command::ChangePassword(password) => self.change_password(password, step),
            Command::FindRooms => self.find_rooms(step),
            Command::GoOffline => Ok(()),
            Command::OfferCertificate { name, certificate } => {
                self.offer_certificate(name, &certificate, step)
            }
            Command::Ping => {
                self.test_stream(step);
                Ok(())
            }
            Command::Query { token, query } => self.query(token, query, step),
            Command::Refuse(jid) => self.send_presence(Some("unsubscribed"), Some(jid), step),
            Command::RemoveAccount => self.remove_account(step),
            Command::RemoveContact(jid) => self.change_roster(jid, None, Subscription::Remove, step),
            Command::Room { room, order } => self.room(room, order, step),
            Command::Send { to, body, token, otr } => self.send_message(to, body, token, otr, step),
            Command::HideFrom(jid) => self.send_presence(Some("unavailable"), Some(jid), step),
            Command::SetUnavailable => self.send_presence(Some("unavailable"), None, step),
            Command::ShowTo(jid) => self.send_presence(None, Some(jid), step),
            Command::SetAvailable => self.send_presence(None, None, step),
            Command::Subscribe(jid) => self.send_presence(Some("subscribe"), Some(jid), step),
            Command::SubscribeWith { jid, token } => {
                self.send_stanza(preauth::subscribe(jid, token.expose_secret())?, None, step)
            }
            Command::Unblock(jid) => self.unblock(jid, step),
        }
    }

    fn go_offline(&mut self, step: &mut Step<'_>) {
        match self.phase {
            Phase::Online => self.say_goodbye(step),
            Phase::Login(_) => self.end(OfflineReason::Requested, step.now),
            Phase::Down => self.give_up(),
            Phase::Closing => {}
        }
    }

    fn send_presence(
        &mut self,
        kind: Option<&str>,
        to: Option<BareJid>,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        self.send_stanza(write::presence(kind, to)?, None, step)
    }

    fn change_roster(
        &mut self,
        jid: BareJid,
        name: Option<String>,
        subscription: Subscription,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let item = Item {
            jid,
            name,
            subscription,
            ask: Ask::None,
            groups: Vec::new(),
            approved: None,
        };
        let roster = Roster {
            ver: None,
            items: vec![item],
        };
        self.ask(Kind::RosterChange, None, step, |id| Iq::from_set(id, roster))
    }

    fn send_message(
        &mut self,
        to: Jid,
        body: String,
        token: u64,
        otr: bool,
        step: &mut Step<'_>,
    ) -> Result<(), Error> {
        let id = write::random_id(step.rng);
        let bare = to.to_bare();
        let bytes = write::message(to, &id, body, otr)?;
        self.send_stanza(bytes, Some(token), step)?;
        self.remember_sent(id, bare, token);
        Ok(())
    }

    pub(crate) fn remember_sent(&mut self, id: String, to: BareJid, token: u64) {
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { id, to, token });
    }
}
