//! What the sealed file holds: accounts, keys, known people, messages that wait.
//! It must never show a name, address or secret in `Debug`, nor drop a field that it does not know.
//! Standards: RFC 7622 (JID), RFC 7469 2.4 (pins: SHA-256 of the SPKI), OTRv3 (fingerprint, instance tag).

use crate::{SecretBytes, SecretText};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroize;

pub(crate) mod migrate;

/// The newest layout that this version reads. It writes no other.
pub const SCHEMA: u32 = 3;

/// All that is kept of a person's messenger between two starts.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The layout: [`SCHEMA`].
    pub schema: u32,
    /// The person's own accounts.
    pub accounts: Vec<Account>,
    /// People, account by account.
    pub contacts: Vec<Contact>,
    /// Messages that are not known to have arrived.
    pub outbox: Vec<Queued>,
    /// Conversations whose messages are kept.
    pub history: Vec<KeptHistory>,
    /// The key of the log that they are kept in; made when it is first needed.
    pub history_key: Option<SecretBytes>,
    /// The id that the next account or kept conversation gets; ids are never used twice.
    pub next_id: u64,
    /// Choices by name, as the engine defines them.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Rooms that the person was in or is to enter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<Room>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            accounts: Vec::new(),
            contacts: Vec::new(),
            outbox: Vec::new(),
            history: Vec::new(),
            history_key: None,
            next_id: 1,
            settings: BTreeMap::new(),
            rooms: Vec::new(),
        }
    }
}

/// One account of the person's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The account's id within this profile.
    pub id: u64,
    /// How it is reached.
    pub protocol: Protocol,
    /// The account's own OTR key, in the form that the `otr` crate exports. Made at first need.
    pub otr_key: Option<SecretBytes>,
    /// OTRv3 instance tag, at least `0x100`.
    pub instance_tag: Option<u32>,
    /// Whether to connect at start.
    pub connect: bool,
    /// What its contacts' messages may cross the network as, where a contact has no policy of its own;
    /// absent: encrypted only.
    #[serde(default)]
    pub policy: Option<Policy>,
}

/// What may cross the network without OTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Messages, until a private conversation stands.
    Opportunistic,
    /// Nothing.
    Required,
    /// Everything.
    Unencrypted,
}

/// What an account speaks, with what that needs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Protocol {
    /// IRC, RFC 2812.
    Irc {
        /// The nick that is wanted, and the network: `nick@network`.
        address: String,
        /// How to log in to the network's services.
        login: IrcLogin,
        /// The password of the services' account; empty: none.
        password: SecretText,
        /// The host to connect to, if not the network's own; may be an onion address.
        host: Option<String>,
        /// The port to connect to, if not the standard one.
        port: Option<u16>,
        /// How TLS is used.
        tls: TlsPolicy,
        /// Public keys that the server may show: SHA-256 of the SPKI, hex.
        pins: Vec<String>,
        /// The best login mechanism that the account has used; a worse one is refused afterwards.
        mechanism_seen: Option<String>,
        /// The key that signs challenges: 32 bytes.
        login_key: Option<SecretBytes>,
        /// The certificate by which services know the account, in DER.
        certificate: Option<SecretBytes>,
        /// The certificate's private key, PKCS#8 in DER.
        certificate_key: Option<SecretBytes>,
        /// What earlier logins left behind.
        #[serde(default)]
        learnt: Learnt,
    },
    /// XMPP, RFC 6120.
    Xmpp {
        /// The bare address, `name@host`.
        jid: String,
        /// The account's password.
        password: SecretText,
        /// The resource asked for; `None` lets the server choose.
        resource: Option<String>,
        /// The host to connect to, if not the one in `jid`; may be an onion address.
        host: Option<String>,
        /// The port to connect to, if not the standard one.
        port: Option<u16>,
        /// How TLS is used.
        tls: TlsPolicy,
        /// Public keys that the server may show: SHA-256 of the SPKI, hex.
        pins: Vec<String>,
        /// The best login mechanism that the server has offered; a worse one is refused afterwards.
        mechanism_seen: Option<String>,
        /// Whether the account is still to be made on the server (XEP-0077).
        register: bool,
        /// What earlier logins left behind.
        #[serde(default)]
        learnt: Learnt,
        /// By what it logs in.
        #[serde(default)]
        login: XmppLogin,
    },
}

/// By what an XMPP account logs in.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XmppLogin {
    /// By what.
    pub by: Credential,
    /// Whether the password itself may be sent where the server takes nothing else (SASL PLAIN).
    pub plain: bool,
    /// The token of the invitation by which the account is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<SecretText>,
    /// The certificate by which the server knows the account, in DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SecretBytes>,
    /// The certificate's private key, PKCS#8 in DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_key: Option<SecretBytes>,
}

/// By what an XMPP account shows that it is itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// By nothing: the server makes an address up at each login (ANONYMOUS).
    Anonymous,
    /// By its certificate (EXTERNAL).
    Certificate,
    /// By its password.
    #[default]
    Password,
}

/// How an account logs in to the services of an IRC network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IrcLogin {
    /// By the password of a bouncer or closed server (PASS).
    Bouncer,
    /// By its certificate (EXTERNAL).
    Certificate,
    /// By its key (ECDSA-NIST256P-CHALLENGE).
    Key,
    /// By its password, told to NickServ once it is in.
    NickServ,
    /// Not at all.
    None,
    /// By its password.
    Password,
}

/// What logins of an account left behind for the next one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learnt {
    /// The server's key at the last login: SHA-256 of the SPKI, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_key: Option<String>,
    /// Who issued its certificate: SHA-256 of the organisation's name, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_issuer: Option<String>,
    /// Who is asked where the server is; absent: the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolvers: Option<Vec<String>>,
    /// The server's wish to be reached by TLS only (IRCv3 sts); absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_only: Option<TlsOnly>,
    /// A token that the server gave out in the place of the password (XEP-0484).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<FastToken>,
}

/// A token that stands for the password (XEP-0484).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastToken {
    /// By what name the server knows this program among those of the account: random.
    pub agent: SecretText,
    /// Whether it is tied to `tls-exporter`; else to `tls-server-end-point`.
    pub exporter: bool,
    /// The token.
    pub secret: SecretText,
}

/// A server's wish to be reached by TLS only.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsOnly {
    /// The port.
    pub port: u16,
    /// Until when, in seconds since 1970.
    pub until: u64,
}

/// How TLS is used on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsPolicy {
    /// Direct TLS if it works, else STARTTLS; never without.
    Auto,
    /// TLS from the first byte, XEP-0368.
    Direct,
    /// No TLS, which only an onion address allows: Tor encrypts and names the server.
    PlainOnion,
    /// STARTTLS, RFC 6120 5; never without.
    StartTls,
}

/// One person, as one account knows them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// [`Account::id`].
    pub account: u64,
    /// The contact's bare address.
    pub address: String,
    /// The name that the person gave to the contact.
    pub name: Option<String>,
    /// Whether the person wants to hear from this contact; a stranger gets no answer of any kind.
    pub accepted: bool,
    /// OTR keys seen from this contact.
    pub fingerprints: Vec<KnownFingerprint>,
    /// The policy for this contact; absent: the account's.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Whether OTR version 2 is spoken with this contact.
    #[serde(default)]
    pub version_2: bool,
    /// Whether everything from this contact is refused.
    #[serde(default)]
    pub blocked: bool,
    /// What was begun and not sent.
    #[serde(default)]
    pub draft: Option<SecretText>,
}

/// A room, as one account knows it. Nothing that was said in it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// [`Account::id`].
    pub account: u64,
    /// The room's address.
    pub address: String,
    /// What the account is called in it.
    pub nick: String,
    /// The room's password.
    pub password: Option<SecretText>,
    /// Whether it is entered whenever the account connects.
    pub enter: bool,
    /// What was begun and not said.
    pub draft: Option<SecretText>,
}

/// An OTR key that a contact has used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownFingerprint {
    /// SHA-1 of the public key as OTR defines it: 40 hex digits.
    pub fingerprint: String,
    /// Whether messages go to this key: the first one seen, or one that the owner accepted.
    pub accepted: bool,
    /// Whether the person has compared it with the contact.
    pub verified: bool,
    /// The day it was first seen, counted from 1970-01-01, UTC. No finer, so as to keep no record of talks.
    pub first_seen_day: u32,
}

/// A message that is not known to have arrived.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queued {
    /// The message's id, as the window knows it.
    pub id: String,
    /// [`Account::id`].
    pub account: u64,
    /// The contact's bare address.
    pub address: String,
    /// The words.
    pub text: SecretText,
    /// The OTR key that it was written for; it goes to no other but [`Self::also_for`].
    pub fingerprint: Option<String>,
    /// Further OTR keys that it may go to.
    #[serde(default)]
    pub also_for: Vec<String>,
    /// Whether it was written to go out unencrypted.
    #[serde(default)]
    pub unencrypted: bool,
    /// How far it has come.
    pub state: QueuedState,
    /// When it was written: seconds since 1970-01-01, UTC.
    pub queued_at: u64,
    /// Epoch of the run of the contact's program that it was sent to: 16 hexadecimal digits
    /// (`docs/decisions/0003-receipts.md`).
    pub epoch: Option<String>,
}

/// A conversation whose messages are kept. Without its key they cannot be read again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptHistory {
    /// The conversation's number in the log.
    pub id: u64,
    /// [`Account::id`].
    pub account: u64,
    /// The contact's bare address.
    pub address: String,
    /// 32 bytes.
    pub key: SecretBytes,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueuedState {
    /// It will not be sent without the person: the key changed, or the server refused it.
    Failed,
    /// It was given to the server, which has not said that it has it.
    Sent,
    /// It waits for Tor, the server or an encrypted session.
    Waiting,
}

/// `Debug` that shows how much there is and nothing of what it is.
macro_rules! redacted {
    ($($kind:ident => $($field:ident),*;)*) => {
        $(impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($kind))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        })*
    };
}

redacted! {
    Account => id, connect;
    Contact => account, accepted, fingerprints;
    KeptHistory => id, account;
    KnownFingerprint => verified;
    Profile => schema, accounts, contacts, outbox;
    Queued => account, state;
    Room => account, enter;
}

/// Wipes the named fields on drop; fields of other kinds of secret wipe themselves.
macro_rules! wiped {
    ($($kind:ident => $($field:ident),*;)*) => {
        $(impl Drop for $kind {
            fn drop(&mut self) {
                $(self.$field.zeroize();)*
            }
        })*
    };
}

wiped! {
    Contact => address, name;
    KeptHistory => address;
    KnownFingerprint => fingerprint;
    Queued => id, address, fingerprint, also_for, epoch;
    Room => address, nick;
}

impl Drop for Profile {
    fn drop(&mut self) {
        for (mut name, value) in std::mem::take(&mut self.settings) {
            name.zeroize();
            wipe(value);
        }
    }
}

impl Drop for Protocol {
    fn drop(&mut self) {
        let (Protocol::Irc { address, host, .. }
        | Protocol::Xmpp {
            jid: address, host, ..
        }) = self;
        address.zeroize();
        host.zeroize();
    }
}

fn wipe(value: serde_json::Value) {
    match value {
        serde_json::Value::String(mut text) => text.zeroize(),
        serde_json::Value::Array(values) => values.into_iter().for_each(wipe),
        serde_json::Value::Object(fields) => {
            for (mut name, value) in fields {
                name.zeroize();
                wipe(value);
            }
        }
        _ => {}
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protocol::Irc { .. } => f.write_str("Irc { .. }"),
            Protocol::Xmpp { .. } => f.write_str("Xmpp { .. }"),
        }
    }
}
