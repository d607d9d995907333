//! What can be asked of the engine: one method, one variant of [`Command`].
//! The list below is the only one: the wire format and the OpenRPC document are made from it.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::gateway::{
    FindAtGateway, FoundAtGateway, GatewayContacts, GatewayForm, GatewayPrompt, GatewayRef, Gateways,
    ListGateways, RegisterGateway,
};
use crate::kept::{CorrectMessage, KeepMessages, Kept, ReadKept};
use crate::networks::{Known, Networks};
use crate::room::{
    EnterRoom, FindRooms, FoundRooms, InviteToRoom, ModerateRoom, RoomRef, RoomShown, RoomText, SayInRoom,
};
use crate::rules::{CheckLinks, CheckText, Findings, Rules, SetVisibility, Shield, Sights};
use crate::secret::Secret;
use crate::service::{
    CommandStage, ListServices, RunCommand, SearchService, ServiceCommands, ServiceRef, Services, StepCommand,
};
use crate::settings::{
    AccountResolvers, BackupSaved, ChangeAccount, GuessingCost, Probes, RaiseCost, RenameContact, Resolvers,
    SetDestroying, SetDraft, Stored, TrustServer, WindowState, Wipe,
};
use crate::trust::{
    AnswerVerification, ExportKeys, ExportedKeys, FingerprintWords, ImportKeys, Imported, OwnKey, RenewKey,
    SetAccountPolicy, SetPolicy, StartVerification, Words,
};
use crate::ways::{SetTor, TorPaths, TorSettings, WallsCheck};
use crate::{
    Account, AccountId, Address, Contact, Conversation, Form, Gateway, LoginKeys, MessageId, ProfileState,
    Protocol, Room, Server, ServicesLogin, Tor, Wall,
};

/// What is known of one method without calling it.
#[derive(Clone, Copy)]
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Schema of its parameters.
    pub params: fn(&mut SchemaGenerator) -> schemars::Schema,
    /// Name of the type of its parameters.
    pub params_name: fn() -> String,
    /// Schema of its result.
    pub result: fn(&mut SchemaGenerator) -> schemars::Schema,
    /// Name of the type of its result.
    pub result_name: fn() -> String,
}

macro_rules! methods {
    ($($(#[doc = $doc:literal])+ $wire:literal $variant:ident($params:ty) -> $result:ty;)+) => {
        /// Everything that can be asked of the engine.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "method", content = "params")]
        pub enum Command {
            $($(#[doc = $doc])+ #[serde(rename = $wire)] $variant($params),)+
        }

        impl Command {
            /// Every method, in the order of the document.
            pub const METHODS: &'static [Method] = &[
                $(Method {
                    name: $wire,
                    summary: concat!($($doc),+),
                    params: |generator| generator.subschema_for::<$params>(),
                    params_name: || <$params as JsonSchema>::schema_name().into_owned(),
                    result: |generator| generator.subschema_for::<$result>(),
                    result_name: || <$result as JsonSchema>::schema_name().into_owned(),
                },)+
            ];
        }
    };
}

methods! {
    /// Makes a profile in the profile folder, sealed with a passphrase, and opens it.
    "profile.create" CreateProfile(CreateProfile) -> Done;
    /// Opens the profile. Takes about a second.
    "profile.unlock" Unlock(Unlock) -> Done;
    /// Puts the last good copy of a damaged profile in its place and opens it; the damaged one is kept beside it.
    "profile.restore_backup" RestoreBackup(Unlock) -> Done;
    /// Ends every connection, wipes what was open from memory and seals the profile.
    "profile.lock" Lock(Nothing) -> Done;
    /// Seals the profile with another passphrase.
    "profile.change_passphrase" ChangePassphrase(NewPassphrase) -> Done;
    /// What guessing the passphrase costs.
    "profile.cost" ShowCost(Nothing) -> GuessingCost;
    /// Makes guessing the passphrase dearer. Takes as long as two openings. A destroying passphrase is gone
    /// afterwards, and is to be set anew.
    "profile.raise_cost" RaiseCost(RaiseCost) -> GuessingCost;
    /// Writes the whole profile as one sealed file into its folder, for the owner to carry away.
    "profile.backup" BackUp(Nothing) -> BackupSaved;
    /// Puts a profile back from the file that `profile.backup` wrote, which the owner has put into the empty folder.
    "profile.restore" RestoreProfile(Unlock) -> Done;
    /// Opens that file into memory only. Changes are lost unless `profile.backup` writes the file anew.
    "profile.travel" TravelProfile(Unlock) -> Done;
    /// Sets or removes a passphrase that destroys the profile when somebody unlocks with it.
    "profile.set_destroying_passphrase" SetDestroying(SetDestroying) -> Done;
    /// What the profile holds, and how large it is.
    "profile.stored" StoredData(Nothing) -> Stored;
    /// Destroys the profile: every key, contact and message in it, with its folder's files.
    "profile.wipe" WipeProfile(Wipe) -> Done;
    /// What the window kept.
    "window.load" LoadWindow(Nothing) -> WindowState;
    /// Keeps what the window wants to find again.
    "window.save" SaveWindow(WindowState) -> Done;
    /// Everything as it is now.
    "engine.snapshot" Snapshot(Nothing) -> Snapshot;
    /// Name and version of the program and of this language.
    "engine.version" Version(Nothing) -> Version;
    /// Says goodbye to every server and ends the program.
    "engine.stop" Stop(Nothing) -> Done;
    /// The IRC networks that people use over Tor, and how to get into each, step by step.
    "account.networks" ListNetworks(Nothing) -> Networks;
    /// Adds an account, makes its OTR key and, where asked, the account on the server.
    "account.add" AddAccount(AddAccount) -> AccountAdded;
    /// Connects an account, now and at each later start.
    "account.connect" Connect(AccountRef) -> Done;
    /// Disconnects an account, now and at each later start.
    "account.disconnect" Disconnect(AccountRef) -> Done;
    /// Removes an account, its keys and its contacts from the profile. The account on the server stays.
    "account.remove" RemoveAccount(AccountRef) -> Done;
    /// Has the account's server take another password, and logs in with it from now on; answered when the server has
    /// answered. Nothing changes where it refuses (`account.change_refused`). XMPP only.
    "account.server_password" ServerPassword(ServerPassword) -> Done;
    /// Has the server forget the account and what it holds of it, and then removes it here as `account.remove` does;
    /// answered when the server has answered. Nothing changes where it refuses. XMPP only.
    "account.erase" EraseAccount(AccountRef) -> Done;
    /// Changes the password, the server or the pins that an account connects with, and connects again.
    "account.change" ChangeAccount(ChangeAccount) -> Done;
    /// Lets the password of an account itself be sent (SASL PLAIN), over TLS alone, where its server takes nothing else and
    /// never took anything better; connects again. Without it such an account stops with `only-plain`. XMPP only.
    "account.allow_plain" AllowPlain(AccountRef) -> Done;
    /// Makes a certificate, has the account's server take it (XEP-0257), and logs in by it from then on (EXTERNAL) instead
    /// of by the password; answered when the server has answered. `account.change` with the login `password` goes back.
    /// XMPP only.
    "account.use_certificate" UseCertificate(AccountRef) -> Done;
    /// What the services of an IRC network have to be told to let an account log in without a password.
    "account.login_keys" LoginKeys(AccountRef) -> LoginKeys;
    /// Accepts the key that a server showed, after the account stopped because of it (`tls.key_changed`, `tls.untrusted`,
    /// `tls.keys_differ`), and connects again. Only a key that the problem is about can be accepted.
    "account.trust_server" TrustServer(TrustServer) -> Done;
    /// Who is asked, over Tor and TLS, where an account's server is; and, where a list is given, sets it.
    "account.resolvers" AccountResolvers(AccountResolvers) -> Resolvers;
    /// Sets what may cross the network without OTR for the contacts of an account.
    "account.policy" SetAccountPolicy(SetAccountPolicy) -> Done;
    /// Who was refused an answer in this run, and what they tried.
    "probe.list" ListProbes(Nothing) -> Probes;
    /// Adds a person to the contacts, accepts what it writes, and asks to see its presence.
    "contact.add" AddContact(AddContact) -> Done;
    /// Accepts a person who asked to be a contact.
    "contact.accept" AcceptContact(ContactRef) -> Done;
    /// Refuses a person who asked to be a contact.
    "contact.refuse" RefuseContact(ContactRef) -> Done;
    /// Removes a contact and what is known of its keys.
    "contact.remove" RemoveContact(ContactRef) -> Done;
    /// Refuses everything from a person, known or not, until unblocked; it is not told.
    "contact.block" BlockContact(ContactRef) -> Done;
    /// Takes a block away.
    "contact.unblock" UnblockContact(ContactRef) -> Done;
    /// What an IRC network says of somebody, contact or not; answered when the network has answered. They may be told
    /// that somebody asked.
    "contact.whois" AskWhois(ContactRef) -> Known;
    /// Gives a contact another name.
    "contact.rename" RenameContact(RenameContact) -> Done;
    /// Sets what may cross the network without OTR for one contact.
    "contact.policy" SetPolicy(SetPolicy) -> Done;
    /// Keeps a text that was begun and not sent.
    "conversation.draft" SetDraft(SetDraft) -> Done;
    /// The conversation with a contact.
    "conversation.show" ShowConversation(ContactRef) -> Conversation;
    /// Starts a private conversation, or renews the one that stands.
    "conversation.start" StartPrivate(ContactRef) -> Started;
    /// Ends the private conversation.
    "conversation.end" EndPrivate(ContactRef) -> Done;
    /// Sends a message; it waits, visibly, until a private conversation stands.
    "message.send" SendMessage(SendMessage) -> MessageSent;
    /// Takes a waiting message back, or forgets one that was not sent.
    "message.cancel" CancelMessage(MessageRef) -> Done;
    /// Sends a message that was not sent once more.
    "message.retry" RetryMessage(MessageRef) -> Done;
    /// Accepts a new key of a contact: messages that wait for that are sent to it.
    "fingerprint.accept" AcceptFingerprint(FingerprintRef) -> Done;
    /// Records whether a key was checked to be the contact's.
    "fingerprint.verify" SetVerified(SetVerified) -> Done;
    /// Takes acceptance and verification from a key of a contact, and ends the private conversation with it.
    "fingerprint.distrust" DistrustFingerprint(FingerprintRef) -> Done;
    /// Forgets a key of a contact. The key of a private conversation that stands cannot be forgotten.
    "fingerprint.forget" ForgetFingerprint(FingerprintRef) -> Done;
    /// A fingerprint as words to read aloud.
    "fingerprint.words" FingerprintWords(FingerprintWords) -> Words;
    /// Starts the verification of a contact's key by a secret or a question.
    "verification.start" StartVerification(StartVerification) -> Done;
    /// Answers a verification that the contact started.
    "verification.answer" AnswerVerification(AnswerVerification) -> Done;
    /// Breaks a verification off, or refuses one.
    "verification.abort" AbortVerification(ContactRef) -> Done;
    /// Makes an account a new OTR key. Every contact will see a key that it does not know.
    "key.renew" RenewKey(RenewKey) -> OwnKey;
    /// Takes over key files of another program.
    "key.import" ImportKeys(ImportKeys) -> Imported;
    /// An account's key, fingerprints and instance tag in libotr's formats.
    "key.export" ExportKeys(ExportKeys) -> ExportedKeys;
    /// Gives an account fresh Tor circuits and connects it again over them.
    "tor.new_circuit" NewCircuit(AccountRef) -> Done;
    /// Which Tor is used, and how.
    "tor.settings" TorSettings(Nothing) -> TorSettings;
    /// Chooses which Tor is used, and how; every account connects again over it.
    "tor.set" SetTor(SetTor) -> Done;
    /// The circuits in use.
    "tor.paths" TorPaths(Nothing) -> TorPaths;
    /// Lets every room try what its walls must refuse.
    "walls.check" CheckWalls(Nothing) -> WallsCheck;
    /// Keeps the messages of a conversation from now on, or stops and destroys what was kept.
    "history.keep" KeepMessages(KeepMessages) -> Done;
    /// Kept messages of a conversation, from the newest backwards.
    "history.read" ReadKept(ReadKept) -> Kept;
    /// Corrects the last message to a contact. Its program has to be one of ours.
    "message.correct" CorrectMessage(CorrectMessage) -> Done;
    /// Enters a room, or makes one.
    "room.enter" EnterRoom(EnterRoom) -> Done;
    /// Leaves a room, and does not enter it by itself any more.
    "room.leave" LeaveRoom(RoomRef) -> Done;
    /// A room with its members and what was said.
    "room.show" ShowRoom(RoomRef) -> RoomShown;
    /// Says something in a room, readable for everybody in it and for its server.
    "room.say" SayInRoom(SayInRoom) -> MessageSent;
    /// Changes what a room says it is about.
    "room.topic" SetTopic(RoomText) -> Done;
    /// Keeps a text that was begun and not said.
    "room.draft" SetRoomDraft(RoomText) -> Done;
    /// Invites somebody into a room.
    "room.invite" InviteToRoom(InviteToRoom) -> Done;
    /// Puts somebody out of a room, or gives them another rank.
    "room.moderate" ModerateRoom(ModerateRoom) -> Done;
    /// Forgets a room, or an invitation into it. Nobody is told.
    "room.forget" ForgetRoom(RoomRef) -> Done;
    /// Asks an account's server which rooms it lists.
    "room.find" FindRooms(FindRooms) -> FoundRooms;
    /// Which gateways into other networks an account's server offers, and where the owner has an account. XMPP only, as
    /// are all methods on gateways and services.
    "gateway.list" ListGateways(ListGateways) -> Gateways;
    /// What a gateway wants to be told to give the owner an account.
    "gateway.form" ShowGatewayForm(GatewayRef) -> GatewayForm;
    /// Makes or changes an account at a gateway with its form, which has to be asked for first.
    "gateway.register" RegisterGateway(RegisterGateway) -> Done;
    /// Ends the account at a gateway. Its people stay contacts until they are removed.
    "gateway.unregister" UnregisterGateway(GatewayRef) -> Done;
    /// The people of a gateway: contacts, and those whom it names.
    "gateway.contacts" ListGatewayContacts(GatewayRef) -> GatewayContacts;
    /// What a gateway wants to be told to find somebody of its network.
    "gateway.prompt" ShowGatewayPrompt(GatewayRef) -> GatewayPrompt;
    /// The address here of somebody of a gateway's network: the gateway says it, or the rule of XEP-0106 where it cannot.
    "gateway.find" FindAtGateway(FindAtGateway) -> FoundAtGateway;
    /// What an account's server offers beside itself.
    "service.list" ListServices(ListServices) -> Services;
    /// What a directory of people can be searched for.
    "service.search_form" ShowSearchForm(ServiceRef) -> Form;
    /// Searches a directory of people with its form, which has to be asked for first. A table with addresses.
    "service.search" SearchService(SearchService) -> Form;
    /// The commands that a service offers the owner.
    "service.commands" ListCommands(ServiceRef) -> ServiceCommands;
    /// Starts a command of a service.
    "service.run" RunCommand(RunCommand) -> CommandStage;
    /// Brings a command on, back or to its end.
    "service.step" StepCommand(StepCommand) -> CommandStage;
    /// What the owner chose for the whole profile.
    "rules.show" ShowRules(Nothing) -> Rules;
    /// Chooses for the whole profile.
    "rules.set" SetRules(Rules) -> Done;
    /// What the send shield costs, and what it cost in this run.
    "rules.shield" ShowShield(Nothing) -> Shield;
    /// Chooses when an account says that it is there.
    "account.visibility" SetVisibility(SetVisibility) -> Done;
    /// Who can see what, from what was sent and received in this run.
    "sight.list" ListSights(Nothing) -> Sights;
    /// What would tie an account to another of the owner's, asked before it is done: before a contact is added or
    /// accepted, a room entered, an account added. Nothing is refused for it later.
    "link.check" CheckLinks(CheckLinks) -> Findings;
    /// What a text would give away, looked at on this machine only.
    "text.check" CheckText(CheckText) -> Findings;
    /// Ends every private conversation, drops every circuit, wipes what was open from memory and ends the program.
    "engine.panic" Panic(Nothing) -> Done;
}

/// No parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// It is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// A passphrase for a new profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProfile {
    /// At least one character; the longer the better.
    pub passphrase: Secret,
}

/// The passphrase of the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// As it was given when the profile was made.
    pub passphrase: Secret,
}

/// A change of passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassphrase {
    /// The passphrase so far.
    pub old: Secret,
    /// The passphrase from now on.
    pub new: Secret,
}

/// Everything as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Sequence number of the last event that is already in this snapshot.
    pub sequence: u64,
    /// The profile.
    pub profile: ProfileState,
    /// Tor.
    pub tor: Tor,
    /// The walls of the rooms that this program knows of.
    pub walls: Vec<Wall>,
    /// The accounts; empty unless the profile is open.
    pub accounts: Vec<Account>,
    /// The contacts; empty unless the profile is open.
    pub contacts: Vec<Contact>,
    /// The conversations; empty unless the profile is open.
    pub conversations: Vec<Conversation>,
    /// The rooms; empty unless the profile is open.
    #[serde(default)]
    pub rooms: Vec<Room>,
    /// The gateways at which the owner has an account; empty unless the profile is open.
    #[serde(default)]
    pub gateways: Vec<Gateway>,
}

/// Name and version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// `attentive-otter`.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Version of the language of door 1.
    pub language: u32,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAccount {
    /// Its network.
    #[serde(default)]
    pub protocol: Protocol,
    /// Its address; on XMPP a bare JID, on IRC `nick@network`, the network being a preset's name or a host.
    pub address: Address,
    /// Its password, or the one to register with. On IRC it may be empty: no account of services is used then.
    pub password: Secret,
    /// How to log in to the services of an IRC network; absent: by the password where there is one, by the certificate
    /// where the network lets in nobody else, else not at all. On XMPP `none` is an anonymous account: its address is the
    /// server alone, which makes another one up at each login; `certificate` comes by `account.use_certificate`.
    #[serde(default)]
    pub login: Option<ServicesLogin>,
    /// The server, if it shall not be found from the address.
    #[serde(default)]
    pub server: Option<Server>,
    /// Whether to make the account on the server (XEP-0077).
    #[serde(default)]
    pub register: bool,
    /// The token of an invitation to the server, where one is needed to make the account (XEP-0401, XEP-0445). XMPP only.
    #[serde(default)]
    pub invitation: Option<Secret>,
    /// SHA-256 of the public key (SubjectPublicKeyInfo) of the server's certificate in hexadecimal
    /// digits. A certificate that no authority vouches for is accepted only with its key named here;
    /// with a key named here no other key is accepted.
    #[serde(default)]
    pub pins: Vec<String>,
    /// Whether to connect now and at each later start.
    #[serde(default = "yes")]
    pub connect: bool,
}

fn yes() -> bool {
    true
}

/// A new account's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountAdded {
    /// Its number.
    pub account: AccountId,
    /// Fingerprint of its OTR key: 40 hexadecimal digits in five groups.
    pub fingerprint: String,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRef {
    /// Its number.
    pub account: AccountId,
}

/// A new contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddContact {
    /// The account that shall see the person.
    pub account: AccountId,
    /// The person's address.
    pub contact: Address,
    /// A name for the person. It stays in the profile and is not told to the server.
    #[serde(default)]
    pub name: Option<String>,
    /// The token of the link by which the person invited the owner, at most 512 bytes: their server lets the account see
    /// them without asking (XEP-0379). Without a connection it is not used. XMPP only.
    #[serde(default)]
    pub invitation: Option<Secret>,
}

/// One contact of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactRef {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
}

/// Whether anything was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// `false` where the account is not connected: it is started as soon as it is.
    pub now: bool,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// The account to send from.
    pub account: AccountId,
    /// The contact to send to.
    pub contact: Address,
    /// The text: at most [`crate::MAX_TEXT_BYTES`] bytes, no NUL.
    pub text: String,
}

/// A message that was taken over for sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    /// Its name in later events.
    pub message: MessageId,
}

/// Another password for an account on its server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerPassword {
    /// The account.
    pub account: AccountId,
    /// The new password; not empty.
    pub password: Secret,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageRef {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// The message.
    pub message: MessageId,
}

/// One key of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FingerprintRef {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// 40 hexadecimal digits; spaces do not matter.
    pub fingerprint: String,
}

/// Whether a key was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetVerified {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// 40 hexadecimal digits; spaces do not matter.
    pub fingerprint: String,
    /// Whether the owner checked that the key is the contact's.
    pub verified: bool,
}
