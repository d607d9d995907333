//! People who are waited for, and our own nick where somebody else has it.
//! Must never ask at a beat by which we could be known.
//! IRCv3 MONITOR and extended-monitor; RFC 1459 5.8 (ISON) where there is no MONITOR.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::life::between;
use super::{Incoming, Session, Step};
use crate::error::Error;
use crate::event::Event;
use crate::name::{Key, Nick};
use crate::wire::Source;

/// Shortest time between two questions; the longest is twice that, drawn anew each time.
const LEAST: Duration = Duration::from_secs(60);
/// Bytes of nicks in one question, so that it is one line and so is the answer.
const LONGEST_QUESTION: usize = 300;

/// Who is waited for.
#[derive(Debug, Default)]
pub(super) struct Watched {
    people: BTreeMap<Key, Known>,
    /// Our wanted nick, while somebody else has it.
    wanted: Option<(Key, Nick)>,
    /// Questions without an answer yet, in their order.
    asked: VecDeque<Vec<Key>>,
    due: Option<Duration>,
}

#[derive(Debug)]
struct Known {
    nick: Nick,
    online: Option<bool>,
}

impl Watched {
    /// When to ask next, where the server does not tell by itself.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }
}

impl Session {
    pub(super) fn watch(&mut self, nick: Nick, step: &mut Step<'_>) -> Result<(), Error> {
        let key = self.key(nick.as_str());
        let most = self
            .config
            .limits
            .watched
            .min(self.connection.isupport.monitor.unwrap_or(usize::MAX));
        let known = self.connection.watched.people.contains_key(&key);
        if !known && self.connection.watched.people.len() >= most {
            return Err(Error::QueueFull);
        }
        if self.connection.isupport.monitor.is_some() {
            self.enqueue_or("MONITOR", &["+", nick.as_str()])?;
        } else {
            // Those who are watched at once are asked for at once.
            self.connection.watched.due = Some(step.now);
        }
        self.connection
            .watched
            .people
            .insert(key, Known { nick, online: None });
        Ok(())
    }

    pub(super) fn unwatch(&mut self, nick: &Nick) -> Result<(), Error> {
        let key = self.key(nick.as_str());
        if self.connection.watched.people.remove(&key).is_some() && self.connection.isupport.monitor.is_some()
        {
            self.enqueue_or("MONITOR", &["-", nick.as_str()])?;
        }
        Ok(())
    }

    /// 730 and 731.
    pub(super) fn monitored(&mut self, incoming: &Incoming<'_>) {
        let online = incoming.message.command == "730";
        for name in incoming.last().split(',') {
            let key = self.key(Source::parse(name).name);
            self.present(&key, online);
        }
    }

    fn present(&mut self, key: &Key, online: bool) {
        if let Some(known) = self.connection.watched.people.get_mut(key)
            && known.online.replace(online) != Some(online)
        {
            let nick = known.nick.clone();
            self.tell(Event::Presence { nick, online });
        }
        if !online {
            self.holder_gone(key);
        }
    }

    /// Asks for everybody by ISON.
    pub(super) fn poll_watched(&mut self, step: &mut Step<'_>) {
        let monitor = self.connection.isupport.monitor.is_some();
        let watched = &mut self.connection.watched;
        watched.due = None;
        if !watched.asked.is_empty() {
            // The last answer has not come: no more questions before it.
            watched.due = Some(step.now.saturating_add(between(LEAST, step)));
            return;
        }
        let wanted = watched
            .wanted
            .iter()
            .map(|(key, nick)| (key.clone(), nick.clone()));
        let people = watched
            .people
            .iter()
            .filter(|_| !monitor)
            .map(|(key, known)| (key.clone(), known.nick.clone()));
        let mut questions: Vec<(Vec<Key>, String)> = Vec::new();
        for (key, nick) in wanted.chain(people) {
            match questions.last_mut() {
                Some((keys, names)) if names.len() + nick.as_str().len() < LONGEST_QUESTION => {
                    keys.push(key);
                    names.push(' ');
                    names.push_str(nick.as_str());
                }
                _ => questions.push((vec![key], nick.as_str().to_owned())),
            }
        }
        if questions.is_empty() {
            return;
        }
        for (keys, names) in questions {
            let parameters: Vec<&str> = names.split(' ').collect();
            if self.enqueue_or("ISON", &parameters).is_ok() {
                self.connection.watched.asked.push_back(keys);
            }
        }
        self.connection.watched.due = Some(step.now.saturating_add(between(LEAST, step)));
    }

    /// 303.
    pub(super) fn ison_answered(&mut self, incoming: &Incoming<'_>) {
        let there: Vec<Key> = incoming.last().split(' ').map(|name| self.key(name)).collect();
        for key in self.connection.watched.asked.pop_front().unwrap_or_default() {
            let online = there.contains(&key);
            self.present(&key, online);
        }
    }

    /// Waits for the wanted nick if we have another.
    pub(super) fn begin_regaining(&mut self, step: &mut Step<'_>) {
        let wanted = self.config.nick.clone();
        let key = self.key(wanted.as_str());
        let regain = self.config.regain && !self.is_me(key.as_str());
        let before = self.connection.watched.wanted.take().is_some();
        if regain {
            self.connection.watched.wanted = Some((key, wanted));
            if !before {
                let due = step.now.saturating_add(between(LEAST, step));
                let watched = &mut self.connection.watched;
                watched.due = Some(watched.due.map_or(due, |old| old.min(due)));
            }
        }
    }

    /// The services took our nick away: taking it back would only have them do it again.
    pub(super) fn stop_regaining(&mut self) {
        self.connection.watched.wanted = None;
    }

    pub(super) fn is_regaining(&self, key: &Key) -> bool {
        self.connection
            .watched
            .wanted
            .as_ref()
            .is_some_and(|(wanted, _)| wanted == key)
    }

    /// Whoever had this nick has it no more.
    pub(super) fn holder_gone(&mut self, key: &Key) {
        if self.is_regaining(key) {
            let nick = self.config.nick.clone();
            self.enqueue("NICK", &[nick.as_str()]);
        }
    }

    /// Somebody with this nick is there, whatever was known.
    pub(super) fn holder_came(&mut self, key: &Key) {
        if self.connection.watched.people.contains_key(key) {
            self.present(key, true);
        }
    }
}
