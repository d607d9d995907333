//! How accounts and Tor are doing, in words.
//! It must never show a server's own words: what is told comes from codes.
//! Standard: `docs/rpc.md`, `AccountState` and `Tor`.

use model::{Account, AccountState, LoginStep, Problem, Tor, TorPhase, Visibility};

use crate::{Words, text};

/// One account, as the list of accounts shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its address, sanitised.
    pub address: String,
    /// Whether it is connected.
    pub online: bool,
    /// Whether the owner has to do something.
    pub needs_attention: bool,
    /// Whether it is on its way: a moving sign may be shown.
    pub busy: bool,
    /// How it is doing, in a few words.
    pub state: String,
    /// What went wrong and what can be done; empty: nothing did.
    pub why: String,
    /// What became of its server; empty: nothing to tell.
    pub story: String,
}

/// How an account is doing.
pub fn account_row(account: &Account, words: &Words) -> AccountRow {
    let (state, why) = state_words(&account.state, words);
    AccountRow {
        address: text::address(account.address.as_str()),
        online: account.state == AccountState::Online,
        needs_attention: matches!(account.state, AccountState::Failed { .. }),
        busy: !matches!(
            account.state,
            AccountState::Failed { .. } | AccountState::Offline | AccountState::Online
        ),
        state,
        why,
        story: account
            .server_story
            .as_ref()
            .map(|it| story(it, words))
            .unwrap_or_default(),
    }
}

/// What became of a server. Its onion service is named; since when it is gone is told as a day.
fn story(story: &Problem, words: &Words) -> String {
    let since = story.about.first().and_then(|day| day.parse::<u64>().ok());
    let Some(day) = since.filter(|_| story.code != "server.onion") else {
        return words.problem(story);
    };
    // A day of the calendar is no moment: it is told in no zone.
    let day = Words::new(words.language()).day(day.saturating_mul(86_400_000), 0);
    format!("{} ({day})", words.say(&story.code))
}

/// A state and its reason in words.
pub(crate) fn state_words(state: &AccountState, words: &Words) -> (String, String) {
    match state {
        AccountState::Connecting { step } => (words.say(step_key(*step)), String::new()),
        AccountState::Failed { problem } => (words.say("account_state.failed"), words.problem(problem)),
        AccountState::Offline => (words.say("account_state.offline"), String::new()),
        AccountState::Online => (words.say("account_state.online"), String::new()),
        AccountState::TorIsRestarting => (words.say("account_state.tor_is_restarting"), String::new()),
        AccountState::WaitingForTor => (words.say("account_state.waiting_for_tor"), String::new()),
        AccountState::WaitingToReconnect { problem, seconds } => {
            let time = words.duration(u64::from(*seconds));
            let state = words.fill("account_state.again", &[("time", &time)]);
            (state, words.problem(problem))
        }
    }
}

fn step_key(step: LoginStep) -> &'static str {
    match step {
        LoginStep::Login => "account_state.login",
        LoginStep::Reach => "account_state.reach",
        LoginStep::Secure => "account_state.secure",
    }
}

/// When an account says that it is there, in a sentence; empty: always.
pub fn visibility_words(visibility: &Visibility, words: &Words) -> String {
    // A time of day is no moment: it is told in no zone.
    let plain = Words::new(words.language());
    let clock = |minutes: u16| plain.time(u64::from(minutes) * 60_000);
    match visibility {
        Visibility::Always => String::new(),
        Visibility::Never => words.say("visibility.never"),
        Visibility::Only { contacts } => words.count(
            "visibility.only",
            u64::try_from(contacts.len()).unwrap_or_default(),
        ),
        Visibility::Timetable { from, to } => words.fill(
            "visibility.timetable",
            &[("from", &clock(*from)), ("to", &clock(*to))],
        ),
    }
}

/// How Tor is doing, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TorRow {
    /// Whether traffic is possible.
    pub ready: bool,
    /// Whether the person should do something.
    pub stalled: bool,
    /// How far the start is, 0 to 100.
    pub percent: u8,
    /// The same as the language writes it.
    pub percent_words: String,
    /// What Tor is doing.
    pub doing: String,
    /// As short as a corner of the window allows.
    pub short: String,
    /// Why it does not get on and what can be tried; empty: nothing is known to be in the way.
    pub why: String,
}

/// How Tor is doing.
pub fn tor_row(tor: &Tor, words: &Words) -> TorRow {
    let percent = tor.percent.min(100);
    let doing = match (tor.phase, percent) {
        (TorPhase::Bootstrapping, 0) => "tor_phase.looking",
        (TorPhase::Bootstrapping, 40..) => "tor_phase.fetching",
        (TorPhase::Bootstrapping, _) => "tor_phase.bootstrapping",
        (TorPhase::Ready, _) => "tor_phase.ready",
        (TorPhase::Restarting, _) => "tor_phase.restarting",
        (TorPhase::Stalled, _) => "tor_phase.stalled",
        (TorPhase::Starting, _) => "tor_phase.starting",
    };
    let percent_words = words.percent(percent);
    let short = match tor.phase {
        TorPhase::Bootstrapping => words.fill("tor_short.connecting", &[("percent", &percent_words)]),
        TorPhase::Ready => words.say("tor_short.ready"),
        TorPhase::Restarting | TorPhase::Starting => words.say("tor_short.starting"),
        TorPhase::Stalled => words.say("tor_short.stalled"),
    };
    TorRow {
        ready: tor.phase == TorPhase::Ready,
        stalled: tor.phase == TorPhase::Stalled,
        percent,
        percent_words,
        short,
        doing: words.say(doing),
        why: why(tor, words),
    }
}

/// What is in the way and what can be tried: by the cause's name on the wire, which is its code, else in the gate's
/// English.
fn why(tor: &Tor, words: &Words) -> String {
    let Some(cause) = &tor.cause else {
        return String::new();
    };
    let name = serde_json::to_value(cause).unwrap_or_default();
    let name = name.as_str().unwrap_or_default();
    words.say_or(&format!("tor.{name}"), tor.advice.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::snapshot;
    use model::{Problem, TorCause};

    fn words() -> Words {
        Words::default()
    }

    #[test]
    fn an_account_says_how_it_is_doing_and_why_not_better() {
        let mut account = snapshot(1, vec![]).accounts.remove(0);
        assert_eq!(account_row(&account, &words()).state, "Connected");
        account.state = AccountState::WaitingToReconnect {
            problem: Problem::new("tor.host_not_found", "…"),
            seconds: 90,
        };
        let row = account_row(&account, &words());
        assert_eq!(row.state, "Connecting again in \u{2068}1 minute\u{2069}");
        assert!(row.busy && !row.needs_attention && row.why.contains("spelling"));
        account.state = AccountState::Failed {
            problem: Problem::new("wrong-password", "…"),
        };
        let row = account_row(&account, &words());
        assert!(row.needs_attention && !row.busy && row.why.contains("password"));
    }

    #[test]
    fn an_account_says_to_whom_it_is_there_and_when() {
        assert!(visibility_words(&Visibility::Always, &words()).is_empty());
        assert!(!visibility_words(&Visibility::Never, &words()).is_empty());
        let only = Visibility::Only { contacts: Vec::new() };
        assert!(visibility_words(&only, &words()).contains('0'));
        let told = visibility_words(&Visibility::Timetable { from: 570, to: 1_080 }, &words());
        assert!(told.contains("09:30") && told.contains("18:00"), "{told}");
    }

    #[test]
    fn tor_says_what_it_does_and_what_can_be_tried() {
        let mut tor = snapshot(1, vec![]).tor;
        assert!(tor_row(&tor, &words()).ready);
        tor.phase = TorPhase::Stalled;
        tor.cause = Some(TorCause::ClockWrong);
        tor.percent = 200;
        let row = tor_row(&tor, &words());
        assert_eq!((row.percent, row.stalled), (100, true));
        assert!(row.why.contains("clock"));
    }
}
