//! The language of questions: what the engine may have somebody asked, and what comes back.
//! Must never ask anybody whom the person did not choose, except the account's own server.
//! XEP-0030, XEP-0050, XEP-0055, XEP-0077, XEP-0100, XEP-0144.

use jid::{BareJid, Jid};

use crate::error::StanzaCondition;
use crate::forms::{Answers, Form};

/// A question. Its answer is [`crate::Event::Answered`], within two minutes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Query {
    /// What the gateway calls somebody of its network (XEP-0100 6.3).
    AddressOf {
        /// The gateway.
        gateway: BareJid,
        /// What the network calls them.
        name: String,
    },
    /// A step of a command (XEP-0050).
    Command(CommandStep),
    /// The commands that somebody offers (XEP-0050 2.2).
    Commands(Jid),
    /// What somebody is (XEP-0030 3).
    Info(Jid),
    /// What the gateway wants to be told to find somebody of its network (XEP-0100 6.3).
    Prompt(BareJid),
    /// An account at a service that is not our server (XEP-0077 3.1).
    Register {
        /// The service.
        at: BareJid,
        /// Its form, filled in.
        answers: Answers,
    },
    /// What has to be said to register with a service (XEP-0077 3.1).
    RegistrationForm(BareJid),
    /// A search in a directory of people (XEP-0055 2.1).
    Search {
        /// The directory.
        at: BareJid,
        /// Its form, filled in.
        answers: Answers,
    },
    /// What can be searched for (XEP-0055 2.1).
    SearchForm(BareJid),
    /// What the account's server offers beside itself, and what each of these is (XEP-0030 4).
    Services,
    /// The end of an account at a service (XEP-0077 3.2).
    Unregister(BareJid),
}

/// A step of a command (XEP-0050 2.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandStep {
    /// Who offers it.
    pub at: Jid,
    /// Which.
    pub node: String,
    /// The run of it that this belongs to; none: a new one.
    pub run: Option<String>,
    /// What to do.
    pub action: CommandAction,
    /// The form of the last step, filled in.
    pub answers: Option<Answers>,
}

/// What can be done with a command (XEP-0050 2.4).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CommandAction {
    /// Break it off.
    Cancel,
    /// Bring it to its end.
    Complete,
    /// Go on in the way that its maker thinks best.
    Execute,
    /// To the next step.
    Next,
    /// To the step before.
    Previous,
}

/// How far a command came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CommandStage {
    /// The run of it.
    pub run: Option<String>,
    /// It goes on: something is to be filled in or confirmed.
    pub goes_on: bool,
    /// It was broken off.
    pub cancelled: bool,
    /// What can be done next, where it goes on.
    pub actions: Vec<CommandAction>,
    /// What is to be filled in, or came out.
    pub form: Option<Form>,
    /// What its maker says: kind (`error`, `info`, `warn`) and words of others; at most 20.
    pub notes: Vec<(String, String)>,
}

/// One thing that somebody offers (XEP-0030 4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Where.
    pub at: Jid,
    /// Which there.
    pub node: String,
    /// Its name: the words of others.
    pub name: Option<String>,
}

/// What somebody is (XEP-0030 3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// Who.
    pub at: Jid,
    /// What, at most 20: category, type, name; the words of others.
    pub identities: Vec<(String, String, Option<String>)>,
    /// What it can do: at most 300 names.
    pub features: Vec<String>,
}

impl Service {
    /// Whether it can do this.
    #[must_use]
    pub fn offers(&self, feature: &str) -> bool {
        self.features.iter().any(|one| one == feature)
    }

    /// The first identity of a category: its type and name.
    #[must_use]
    pub fn is(&self, category: &str) -> Option<(&str, Option<&str>)> {
        let mut identities = self.identities.iter();
        let found = identities.find(|(one, ..)| one == category);
        found.map(|(_, kind, name)| (kind.as_str(), name.as_deref()))
    }
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// To [`Query::AddressOf`].
    Address(Jid),
    /// To [`Query::Command`].
    Command(CommandStage),
    /// To [`Query::Commands`]: at most 200.
    Commands(Vec<Listed>),
    /// To [`Query::Register`] and [`Query::Unregister`].
    Done,
    /// To [`Query::Search`]: a table, addresses in the column `jid`.
    Found(Form),
    /// To [`Query::Info`].
    Info(Service),
    /// To [`Query::Prompt`]: what it explains, and what it wants; the words of others.
    Prompt {
        /// What it explains.
        about: Option<String>,
        /// What it wants to be told.
        wanted: Option<String>,
    },
    /// To [`Query::RegistrationForm`].
    Registration {
        /// What to fill in.
        form: Form,
        /// We have an account there.
        registered: bool,
    },
    /// To [`Query::SearchForm`].
    SearchForm(Form),
    /// To [`Query::Services`]: at most 50.
    Services(Vec<Service>),
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum QueryFailure {
    /// Whoever was asked, or a server on the way, refused.
    Refused(StanzaCondition),
    /// Nothing came, or the stream ended before it did.
    Silent,
    /// What came cannot be used.
    Unusable,
}

/// What a gateway says about our list of contacts (XEP-0144).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Suggestion {
    /// Who.
    pub jid: BareJid,
    /// What to call them: the words of others.
    pub name: Option<String>,
    /// They should be on it; otherwise no longer.
    pub add: bool,
}
