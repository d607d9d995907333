//! What became of an account's server over the days: an onion service that it proved to be its own, or that it went away.
//! It must never take a fault of this machine, or of Tor, for the server's; nor tell anybody but the owner.
//! hardening.md C11, E20; docs/decisions/0011-names.md.

use dial::find::Place;
use model::{AccountId, AccountState, Event, Problem};
use serde::{Deserialize, Serialize};
use vault::Profile;

use super::Messenger;
use super::effects::unix_milliseconds;
use crate::link::{read_place, write_place};

/// Days on which the server was tried in vain, in a row, before the owner is told.
const DAYS: u32 = 3;
const DAY: u64 = 86_400_000;

/// What the profile holds of a server's story.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// The onion service, as the link writes places.
    onion: Option<String>,
    away: Option<Away>,
}

/// A server that cannot be reached. Days since 1970-01-01, UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Away {
    code: String,
    since: u32,
    last: u32,
    /// Days on which it was tried.
    days: u32,
}

impl Kept {
    fn onion(&self) -> Option<Place> {
        let place = self.onion.as_deref().and_then(read_place);
        place.filter(|place| place.host.is_onion())
    }
}

impl Messenger {
    /// An onion service proved to be the account's server.
    pub(super) fn server_proved_onion(&mut self, id: AccountId, place: &Place) {
        let onion = Some(write_place(place));
        self.change_story(id, |kept| kept.onion = onion);
    }

    /// The account's state may say that its server is there, or that it is not.
    pub(super) fn follow_server(&mut self, id: AccountId, state: &AccountState) {
        match state {
            AccountState::Online => self.change_story(id, |kept| kept.away = None),
            AccountState::WaitingToReconnect { problem, .. } => {
                if let Some(code) = absent(problem) {
                    self.change_story(id, |kept| away(kept, code, today()));
                }
            }
            _ => {}
        }
    }

    /// An account is gone, and what was kept of its server with it.
    pub(super) fn forget_server_story(&mut self, id: AccountId) {
        let Some(open) = &mut self.open else { return };
        if open.vault.profile().settings.contains_key(&name(id)) {
            // The account is erased already; what stays otherwise is only where its server was.
            let _ = open.vault.change(|kept| _ = kept.settings.remove(&name(id)));
        }
    }

    /// Changes what is kept of a server, and tells the owner where that changes the story. A full disk stops nothing.
    fn change_story(&mut self, id: AccountId, change: impl FnOnce(&mut Kept)) {
        let Some(open) = &mut self.open else { return };
        let before = read(open.vault.profile(), id);
        let mut kept = before.clone();
        change(&mut kept);
        let Some(account) = open.accounts.get_mut(&id).filter(|_| kept != before) else {
            return;
        };
        if let Ok(value) = serde_json::to_value(&kept) {
            let _ = open
                .vault
                .change(|profile| _ = profile.settings.insert(name(id), value));
        }
        let story = story(&kept);
        if account.shown.server_story != story {
            account.shown.server_story = story;
            self.queue.tell(Event::AccountChanged {
                account: account.shown.clone(),
            });
        }
    }
}

/// The onion service that an account's server proved to be its own.
pub(super) fn onion(profile: &Profile, id: AccountId) -> Option<Place> {
    read(profile, id).onion()
}

/// What an earlier run told of an account's server.
pub(super) fn told(profile: &Profile, id: AccountId) -> Option<Problem> {
    story(&read(profile, id))
}

fn read(profile: &Profile, id: AccountId) -> Kept {
    let kept = profile.settings.get(&name(id)).cloned();
    kept.and_then(|kept| serde_json::from_value(kept).ok())
        .unwrap_or_default()
}

/// One more attempt in vain. A clock that was set back adds no day.
fn away(kept: &mut Kept, code: &'static str, today: u32) {
    let away = kept.away.get_or_insert_with(|| Away {
        since: today,
        ..Away::default()
    });
    if today > away.last {
        (away.last, away.days) = (today, away.days.saturating_add(1));
        code.clone_into(&mut away.code);
    }
}

/// What the owner is told.
fn story(kept: &Kept) -> Option<Problem> {
    if let Some(away) = kept.away.as_ref().filter(|away| away.days >= DAYS) {
        let (code, text) = match away.code.as_str() {
            "server.gone" => (
                "server.gone",
                "For days nobody has known where this account's server is: its name leads nowhere. It may have closed. Ask your contacts another way, or make an account on another server and tell them.",
            ),
            "server.refuses" => (
                "server.refuses",
                "For days this account's server has refused every connection. It may be broken, moved, or shut to Tor. Try another circuit, look whether it has an onion service, or make an account on another server.",
            ),
            _ => (
                "server.silent",
                "For days this account's server has not answered. It may be gone, or something between may hide it. Try another circuit or other bridges, or make an account on another server.",
            ),
        };
        return Some(Problem::new(code, text).with(vec![away.since.to_string()]));
    }
    let onion = kept.onion()?;
    let text = "This account's server has an onion service of its own. It proved by its certificate that it is the server, and is used first from now on.";
    Some(Problem::new("server.onion", text).with(vec![onion.to_string()]))
}

/// How a server is away, where an attempt says that it is: by each place that was tried. Nothing where the fault lies
/// nearer, or a server answered.
fn absent(problem: &Problem) -> Option<&'static str> {
    let of_places = problem.about.iter().filter_map(|tried| tried.rsplit_once(' '));
    let mut codes: Vec<&str> = of_places.map(|(_, code)| code).collect();
    if problem.code != "account.no_server" {
        codes = vec![problem.code.as_str()];
    }
    codes.retain(|code| code.contains('.'));
    let (mut refuses, mut silent) = (false, false);
    for code in codes {
        match code {
            "tor.host_not_found" => {}
            "tor.connection_refused" => refuses = true,
            "tor.exit_refused" | "tor.onion_not_found" | "tor.timed_out" => silent = true,
            _ => return None,
        }
    }
    Some(match (refuses, silent) {
        (true, _) => "server.refuses",
        (false, true) => "server.silent",
        (false, false) => "server.gone",
    })
}

fn today() -> u32 {
    u32::try_from(unix_milliseconds() / DAY).unwrap_or(u32::MAX)
}

/// Where the profile keeps it.
fn name(id: AccountId) -> String {
    format!("server_story.{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(codes: &[&str]) -> Problem {
        let about = codes.iter().map(|code| format!("chat.example.org:5223 {code}"));
        Problem::new("account.no_server", "").with(about.collect())
    }

    #[test]
    fn a_server_is_away_only_where_every_attempt_says_so() {
        let none = tried(&["tor.host_not_found", "tor.host_not_found", "nothing"]);
        assert_eq!(absent(&none), Some("server.gone"));
        assert_eq!(absent(&tried(&[])), Some("server.gone"));
        let refused = tried(&["tor.host_not_found", "tor.connection_refused"]);
        assert_eq!(absent(&refused), Some("server.refuses"));
        assert_eq!(
            absent(&tried(&["tor.timed_out", "failed"])),
            Some("server.silent")
        );
        let alone = |code: &str| absent(&Problem::new(code, ""));
        assert_eq!(alone("tor.connection_refused"), Some("server.refuses"));
        assert_eq!(alone("tor.onion_not_found"), Some("server.silent"));
        // Tor, this machine, or a server that is there and says something else.
        for nearer in [
            "tor.not_ready",
            "gate.absent",
            "tls.closed",
            "account.connection_lost",
        ] {
            assert_eq!(alone(nearer), None, "{nearer}");
            assert_eq!(absent(&tried(&["tor.timed_out", nearer])), None, "{nearer}");
        }
    }

    #[test]
    fn three_days_in_vain_are_told_and_not_three_attempts() {
        let mut kept = Kept::default();
        for day in [100, 100, 100, 101, 99] {
            away(&mut kept, "server.refuses", day);
            assert_eq!(story(&kept), None, "{day}");
        }
        away(&mut kept, "server.gone", 110);
        let told = story(&kept).unwrap();
        assert_eq!(
            (told.code.as_str(), told.about),
            ("server.gone", vec!["100".to_owned()])
        );
        let (onion, unusable) = (Some("tls x 1".to_owned()), None);
        assert_eq!(
            story(&Kept {
                onion,
                away: unusable
            }),
            None
        );
    }
}
