//! Services of a server: what they are, what they let others do, directories of people.
//! Nobody is asked anything unless the owner wants it. XEP-0030, XEP-0050, XEP-0055.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::form::Answers;
use crate::{AccountId, Address, Form};

/// Asks what a server offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListServices {
    /// The account.
    pub account: AccountId,
    /// One that the server does not name: only this is asked what it is.
    #[serde(default)]
    pub at: Option<Address>,
}

/// What a server offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Services {
    /// At most 50.
    pub services: Vec<Service>,
}

/// A service. All words are those of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// Its address.
    pub address: Address,
    /// Its name.
    pub name: Option<String>,
    /// What it is: `category/type` in the registrar's words, such as `gateway/irc`.
    pub kinds: Vec<String>,
    /// What it lets others do.
    pub can: Vec<ServiceUse>,
}

/// What a service lets others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceUse {
    /// Commands (`service.commands`).
    Commands,
    /// To have an account there (`gateway.form`).
    Register,
    /// Rooms (`room.enter`).
    Rooms,
    /// To search for people (`service.search_form`).
    Search,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceRef {
    /// The account.
    pub account: AccountId,
    /// The service's address.
    pub service: Address,
}

/// Searches a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchService {
    /// The account.
    pub account: AccountId,
    /// The directory's address.
    pub service: Address,
    /// What was filled in. The directory's operator learns it.
    pub answers: Answers,
}

/// The commands that a service offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceCommands {
    /// At most 200.
    pub commands: Vec<ServiceCommand>,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceCommand {
    /// Its name for `service.run`.
    pub command: String,
    /// What it is called: the words of others.
    pub name: Option<String>,
}

/// Starts a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCommand {
    /// The account.
    pub account: AccountId,
    /// The service's address.
    pub service: Address,
    /// Which.
    pub command: String,
}

/// Brings a command on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepCommand {
    /// The account.
    pub account: AccountId,
    /// The run that `service.run` began.
    pub run: u64,
    /// What to do: one of those that the last step named.
    pub action: CommandAction,
    /// What was filled in.
    #[serde(default)]
    pub answers: Answers,
}

/// What can be done with a command (XEP-0050 section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandStage {
    /// The run of it, where it goes on; at most 32 of a profile are remembered, the oldest are forgotten first.
    pub run: Option<u64>,
    /// What can be done next; empty: it is over.
    pub actions: Vec<CommandAction>,
    /// Whether it was broken off.
    pub cancelled: bool,
    /// What is to be filled in, or came out.
    pub form: Option<Form>,
    /// What its maker says: the words of others.
    pub notes: Vec<CommandNote>,
}

/// What the maker of a command says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandNote {
    /// Whether it went wrong.
    pub error: bool,
    /// The words of others.
    pub text: String,
}
