//! The way to Tor: which one the owner chose, kept in the profile; the circuits in use; the self-test of the rooms.
//! It must never connect an account over another way than the one chosen, nor tell a password back.
//! Standard: `docs/rpc.md`; `docs/decisions/0010-porter.md`.

use std::time::Duration;

use dial::{
    Bridge, ControlPlace, DialError, Embedded, Isolation, Password, PathEnd, Proxy, Purpose, Running,
    SettingsProblem, TorSettings,
};
use model::{AccountId, Attempt, Problem, SetTor, TorPath, TorPaths, TorRelay, WallsCheck};
use serde_json::{Value, json};

use super::profile::{Job, told};
use super::{Messenger, Open, Outcome, locked, to_value};
use crate::SelfTest;

/// Where the profile keeps which Tor was chosen.
pub(super) const TOR: &str = "tor";
/// How long the gate may take to look which programs are installed.
const LOOK: Duration = Duration::from_secs(3);

/// What the messenger knows of its surroundings.
#[derive(Default)]
pub(crate) struct Ways {
    /// The Tor for a profile that keeps no choice.
    pub(crate) usual: TorSettings,
    /// The self-test of the engine's room.
    pub(crate) self_test: Option<SelfTest>,
    /// Chosen before a profile was open: kept in the next one that is opened.
    early: Option<Choice>,
}

/// A choice of the owner.
#[derive(Clone)]
pub(crate) enum Choice {
    /// To be asked at each start.
    Ask,
    /// From now on.
    Kept(TorSettings),
    /// For this run.
    Once(TorSettings),
}

/// What the profile keeps in the place of a choice where its owner wants to be asked.
const ASK: &str = "ask";

impl Messenger {
    /// Door 1's `tor.set`, answered once the gate has taken the choice or said why not; then the one before stays.
    pub(super) fn set_tor(&self, with: &SetTor, id: Option<&Value>) -> Outcome {
        if self.busy {
            let text = "The profile is being opened already.";
            return Outcome::Now(Err(Problem::new("profile.busy", text)));
        }
        let choice = match chosen(with) {
            Ok(Choice::Ask) if self.open.is_none() => return Outcome::Now(Err(locked())),
            Ok(choice) => Box::new(choice),
            Err(problem) => return Outcome::Now(Err(problem)),
        };
        let current = self.dialer.tor_settings();
        let current = current.or_else(|| (!self.dialer.waits_for_choice()).then(|| self.ways.usual.clone()));
        let (jobs, id, dialer) = (self.jobs.0.clone(), id.cloned(), self.dialer.clone());
        tokio::spawn(async move {
            let taken = match (choice.as_ref(), &current) {
                (Choice::Ask, None) => Ok(()),
                (Choice::Ask, Some(tor)) | (Choice::Once(tor), _) => dialer.set_tor_for_now(tor).await,
                (Choice::Kept(tor), _) => dialer.set_tor(tor).await,
            };
            let taken = taken.map_err(|error| refused(&error));
            // The messenger is gone only when the program ends.
            let _ = jobs.send(Job::TorChosen { id, choice, taken }).await;
        });
        Outcome::Later
    }

    /// The gate has taken a choice: it is kept, and accounts that wait for their next attempt make it now.
    pub(super) fn tor_chosen(&mut self, choice: Choice) -> Result<Value, Problem> {
        let Some(open) = &mut self.open else {
            self.ways.early = Some(choice);
            return Ok(json!({}));
        };
        keep(open, &choice)?;
        self.let_all_come();
        Ok(json!({}))
    }

    /// A profile was opened: its choice counts from now on, before any account connects.
    pub(super) fn begin_tor(&mut self) {
        let Some(open) = &mut self.open else { return };
        if let Some(choice) = self.ways.early.take() {
            // On a full disk it counts for this run.
            let _ = keep(open, &choice);
            return;
        }
        if asks(open) {
            self.dialer.begin_asking();
            return;
        }
        let kept = open.vault.profile().settings.get(TOR);
        let tor = match kept {
            Some(kept) => serde_json::from_value(kept.clone()).ok(),
            None => Some(self.ways.usual.clone()),
        };
        self.dialer.begin_with(tor);
    }

    /// Door 1's `tor.settings`.
    pub(super) fn tor_settings(&self, id: Option<&Value>) -> Outcome {
        let tor = self.dialer.tor_settings();
        let mut shown = show(tor.as_ref().unwrap_or(&self.ways.usual));
        shown.ask = self.open.as_ref().is_some_and(asks);
        shown.waits = self.dialer.waits_for_choice();
        let dialer = self.dialer.clone();
        self.answer_elsewhere(id, async move {
            let found = tokio::time::timeout(LOOK, dialer.transports()).await;
            shown.transports = found.ok().and_then(Result::ok).unwrap_or_default();
            to_value(&shown)
        })
    }

    /// Door 1's `tor.paths`.
    pub(super) fn tor_paths(&self, id: Option<&Value>) -> Outcome {
        let Some(open) = &self.open else {
            return Outcome::Now(Err(locked()));
        };
        let owners = open.accounts.iter();
        let owners: Vec<(Isolation, AccountId)> = owners
            .map(|(id, account)| (account.isolation.clone(), *id))
            .collect();
        let dialer = self.dialer.clone();
        self.answer_elsewhere(id, async move {
            let told = dialer.paths().await.map_err(|error| refused(&error))?;
            let mut paths: Vec<TorPath> = told.into_iter().map(|path| show_path(path, &owners)).collect();
            paths.sort_by_key(|path| path.account.map_or(u64::MAX, |account| account.0));
            to_value(&TorPaths { paths })
        })
    }

    /// Door 1's `walls.check`: the engine's own room, and the gate's. The window tries its own.
    pub(super) fn check_walls(&self, id: Option<&Value>) -> Outcome {
        let (dialer, own) = (self.dialer.clone(), self.ways.self_test.clone());
        self.answer_elsewhere(id, async move {
            let mut attempts = match own {
                Some(SelfTest(test)) => tokio::task::spawn_blocking(move || test())
                    .await
                    .unwrap_or_default(),
                None => Vec::new(),
            };
            let gate = dialer.check().await.map_err(|error| refused(&error))?;
            attempts.extend(gate.into_iter().map(|attempt| Attempt {
                room: "gate".to_owned(),
                attempt: attempt.attempt,
                must_be_refused: attempt.must_be_refused,
                refused: attempt.refused,
                seen: attempt.seen,
            }));
            to_value(&WallsCheck { attempts })
        })
    }

    /// Answers once `work` is done.
    fn answer_elsewhere(
        &self,
        id: Option<&Value>,
        work: impl Future<Output = Result<Value, Problem>> + Send + 'static,
    ) -> Outcome {
        let (jobs, id) = (self.jobs.0.clone(), id.cloned());
        tokio::spawn(async move {
            let result = work.await;
            // The messenger is gone only when the program ends.
            let _ = jobs.send(Job::Answered { id, result }).await;
        });
        Outcome::Later
    }
}

/// Whether the owner wants to be asked at each start.
fn asks(open: &Open) -> bool {
    let kept = open.vault.profile().settings.get(TOR);
    kept.is_some_and(|kept| kept.get(ASK).is_some())
}

fn keep(open: &mut Open, choice: &Choice) -> Result<(), Problem> {
    let kept = match choice {
        Choice::Ask => json!({ ASK: {} }),
        Choice::Kept(tor) => to_value(tor)?,
        Choice::Once(_) => return Ok(()),
    };
    let change = |profile: &mut vault::Profile| _ = profile.settings.insert(TOR.to_owned(), kept);
    open.vault.change(change).map_err(|error| told(&error))
}

fn refused(error: &DialError) -> Problem {
    Problem::new(error.code(), error.to_string())
}

fn wrong(problem: SettingsProblem) -> Problem {
    Problem::new(problem.code(), problem.to_string())
}

/// What the owner asks for, checked as far as it can be without the gate.
fn chosen(with: &SetTor) -> Result<Choice, Problem> {
    let choice = |tor, once| {
        if once {
            Choice::Once(tor)
        } else {
            Choice::Kept(tor)
        }
    };
    match with {
        SetTor::Ask {} => Ok(Choice::Ask),
        SetTor::Embedded {
            bridges,
            proxy,
            ports,
            once,
        } => {
            let lines = bridges.iter().filter(|line| !line.trim().is_empty());
            if lines.clone().count() > Embedded::MAX_BRIDGES || ports.len() > Embedded::MAX_PORTS {
                return Err(wrong(SettingsProblem::TooMany));
            }
            if ports.contains(&0) {
                return Err(wrong(SettingsProblem::Ports));
            }
            let bridges = lines.map(|line| Bridge::parse(line));
            let bridges = bridges
                .collect::<Result<_, _>>()
                .map_err(|error| Problem::new(error.code(), error.to_string()))?;
            let proxy = proxy
                .as_ref()
                .filter(|proxy| !proxy.expose().is_empty())
                .map(|proxy| Proxy::parse(proxy.expose()).map_err(wrong));
            let embedded = Embedded {
                bridges,
                proxy: proxy.transpose()?,
                reachable_ports: ports.clone(),
            };
            Ok(choice(TorSettings::Embedded(embedded), *once))
        }
        SetTor::Running {
            control,
            password,
            once,
        } => {
            let control = control.as_deref().map(str::trim).filter(|text| !text.is_empty());
            let password = password.as_ref().filter(|word| !word.expose().is_empty());
            let password = password.map(|word| Password::new(word.expose().to_owned()).map_err(wrong));
            let running = Running {
                control: control.map(control_place).transpose()?,
                password: password.transpose()?,
            };
            Ok(choice(TorSettings::Running(running), *once))
        }
    }
}

/// `host:port`, the path of a socket, or the spelling of door 2.
fn control_place(text: &str) -> Result<ControlPlace, Problem> {
    let text = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None if text.starts_with('/') => format!("unix:{text}"),
        None => text.to_owned(),
    };
    ControlPlace::parse(&text).map_err(wrong)
}

fn show(tor: &TorSettings) -> model::TorSettings {
    match tor {
        TorSettings::Embedded(embedded) => model::TorSettings {
            bridges: embedded.bridges.iter().map(Bridge::to_string).collect(),
            proxy: embedded.proxy.as_ref().map(without_password),
            ports: embedded.reachable_ports.clone(),
            ..model::TorSettings::default()
        },
        TorSettings::Running(running) => model::TorSettings {
            running: true,
            control: running.control.as_ref().map(|place| {
                let text = place.to_string();
                text.strip_prefix("unix:").map_or(text.clone(), str::to_owned)
            }),
            password: running.password.is_some(),
            ..model::TorSettings::default()
        },
    }
}

fn without_password(proxy: &Proxy) -> String {
    let text = proxy.expose_secret();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, address))) => format!("{scheme}://{address}"),
        _ => text.to_owned(),
    }
}

fn show_path(path: dial::Path, owners: &[(Isolation, AccountId)]) -> TorPath {
    let owner = owners.iter().find(|(isolation, _)| *isolation == path.isolation);
    TorPath {
        account: owner.map(|(_, account)| *account),
        purpose: match path.purpose {
            Purpose::Certificate => "certificate",
            Purpose::Discovery => "discovery",
            Purpose::Files => "file",
            Purpose::Registration => "registration",
            Purpose::Xmpp => "chat",
        }
        .to_owned(),
        onion: path.end == PathEnd::Onion,
        relays: path
            .hops
            .into_iter()
            .map(|hop| TorRelay {
                fingerprint: hop.fingerprint,
                nickname: hop.nickname,
                bridge: hop.bridge,
            })
            .collect(),
        seconds: path.seconds,
        streams: path.streams,
    }
}
