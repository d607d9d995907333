//! The language of door 1: what a window, a bot or a test says to the engine, and what it hears.
//!
//! Plain data with serde; it must never do I/O, hold a key or know a protocol. One JSON-RPC 2.0
//! message a line (<https://www.jsonrpc.org/specification>): commands down, events up.
//!
//! [`Command`] lists every method, [`Event`] everything the engine tells by itself, and
//! [`openrpc::document`] is made from both, so the document cannot differ from the program.

#![forbid(unsafe_code)]

mod account;
mod command;
mod contact;
mod event;
mod form;
mod gateway;
mod ids;
mod kept;
mod message;
mod networks;
pub mod openrpc;
mod problem;
mod profile;
mod room;
pub mod rpc;
mod rules;
mod secret;
mod service;
mod settings;
mod tor;
mod trust;
mod ways;

pub use account::{Account, AccountState, LoginKeys, LoginStep, Protocol, Server, ServicesLogin, Transport};
pub use command::{
    AccountAdded, AccountRef, AddAccount, AddContact, Command, ContactRef, CreateProfile, Done,
    FingerprintRef, MessageRef, MessageSent, Method, NewPassphrase, Nothing, SendMessage, ServerPassword,
    SetVerified, Snapshot, Started, Unlock, Version,
};
pub use contact::{Contact, KnownFingerprint, Presence, Subscription};
pub use event::{Event, Notification};
pub use form::{Answers, FieldKind, Form, FormField, FormOption};
pub use gateway::{
    FindAtGateway, FoundAtGateway, Gateway, GatewayContact, GatewayContacts, GatewayForm, GatewayPrompt,
    GatewayRef, Gateways, ListGateways, RegisterGateway,
};
pub use ids::{AccountId, Address, AddressError, MessageId};
pub use kept::{CorrectMessage, KeepMessages, Kept, ReadKept};
pub use message::{Conversation, Delivery, Direction, MAX_TEXT_BYTES, Message, Privacy, Wait};
pub use networks::{Known, NetworkHelp, Networks};
pub use problem::Problem;
pub use profile::ProfileState;
pub use room::{
    EnterRoom, FindRooms, FoundRoom, FoundRooms, InviteToRoom, Member, ModerateRoom, Moderation, Rank, Room,
    RoomMessage, RoomRef, RoomRisk, RoomShown, RoomState, RoomText, SayInRoom,
};
pub use rules::{
    CheckLinks, CheckText, Finding, Findings, Rules, SetVisibility, Shield, Sight, Sights, Visibility,
};
pub use secret::Secret;
pub use service::{
    CommandAction, CommandNote, CommandStage, ListServices, RunCommand, SearchService, Service,
    ServiceCommand, ServiceCommands, ServiceRef, ServiceUse, Services, StepCommand,
};
pub use settings::{
    AccountResolvers, BackupSaved, ChangeAccount, ChosenServer, GuessingCost, MAX_WINDOW_STATE_BYTES, Probe,
    Probes, RaiseCost, RenameContact, Resolvers, SetDestroying, SetDraft, Stored, StoredItem, TrustServer,
    WindowState, Wipe,
};
pub use tor::{Tor, TorCause, TorPhase, Wall};
pub use trust::{
    AnswerVerification, ExportKeys, ExportedKeys, FingerprintWords, ImportKeys, Imported, MAX_QUESTION_BYTES,
    MAX_SHARED_SECRET_BYTES, OwnKey, Policy, RenewKey, SetAccountPolicy, SetPolicy, StartVerification,
    Verification, WordLanguage, Words,
};
pub use ways::{Attempt, SetTor, TorPath, TorPaths, TorRelay, TorSettings, WallsCheck};
