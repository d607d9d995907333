//! Trust: what is asked and told about keys, verification and policies.
//! A secret that two people share goes down only; nothing here ever carries it up. OTR version 3, SMP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::{AccountId, Address};

/// The longest question of a verification in bytes of UTF-8.
pub const MAX_QUESTION_BYTES: usize = 1_000;
/// The longest shared secret of a verification in bytes of UTF-8.
pub const MAX_SHARED_SECRET_BYTES: usize = 1_000;

/// What may cross the network without OTR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Messages go out unencrypted until a private conversation stands, and start one.
    Opportunistic,
    /// Nothing goes out without a private conversation.
    #[default]
    Required,
    /// Messages go out unencrypted; only for one contact, never for an account.
    Unencrypted,
}

/// How far the verification of a contact's key is (the Socialist Millionaires' Protocol of OTR).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verification {
    /// The contact asks: answer with the shared secret, or refuse.
    Asked {
        /// Its question, where it put one: the contact's words, plain text.
        question: Option<String>,
    },
    /// It ended without a result: refused, broken off, or the private conversation ended.
    Broken,
    /// Both secrets were the same, or were not.
    Done {
        /// Whether they were the same: then the key is recorded as verified, but not where the contact put a
        /// question: a right answer proves only who gives it. A difference takes no verification away.
        same: bool,
    },
    /// None is under way.
    #[default]
    None,
    /// The owner did their part; the contact has not answered yet.
    Waiting,
}

/// A policy for one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPolicy {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// The policy; absent: the account's.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Whether OTR version 2 is spoken with this contact where it cannot speak version 3.
    #[serde(default)]
    pub version_2: bool,
    /// Has to be `true` for [`Policy::Unencrypted`] and for version 2: the owner was told that the
    /// servers, and whoever watches them, can read everything, and said yes.
    #[serde(default)]
    pub understood: bool,
}

/// A policy for all contacts of one account that have none of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAccountPolicy {
    /// The account.
    pub account: AccountId,
    /// [`Policy::Required`] or [`Policy::Opportunistic`].
    pub policy: Policy,
}

/// Starts a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartVerification {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// A question whose answer only the contact knows; it crosses the network under OTR.
    #[serde(default)]
    pub question: Option<String>,
    /// The answer, or the secret that both share: at most [`MAX_SHARED_SECRET_BYTES`].
    pub secret: Secret,
}

/// Answers a verification that the contact started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerVerification {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: Address,
    /// The answer, or the secret that both share.
    pub secret: Secret,
}

/// Asks for something that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewKey {
    /// The account.
    pub account: AccountId,
    /// Has to be `true`: the owner was told that every contact will see an unknown key.
    #[serde(default)]
    pub understood: bool,
}

/// An account's own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnKey {
    /// Its fingerprint: 40 hexadecimal digits in five groups.
    pub fingerprint: String,
}

/// The files of another program, as texts. What is absent is not imported; a fault in one file
/// imports nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportKeys {
    /// The account that takes the key.
    pub account: AccountId,
    /// libotr's `otr.private_key`, or CoyIM's accounts file.
    #[serde(default)]
    pub private_key: Option<Secret>,
    /// libotr's `otr.fingerprints`.
    #[serde(default)]
    pub fingerprints: Option<String>,
    /// libotr's `otr.instance_tags`.
    #[serde(default)]
    pub instance_tags: Option<String>,
    /// Name of the account in the files, where it is not its address.
    #[serde(default)]
    pub name: Option<String>,
    /// Has to be `true` where a key is imported: it takes the place of the account's key.
    #[serde(default)]
    pub understood: bool,
}

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// Fingerprint of the account's key from now on.
    pub fingerprint: String,
    /// Contacts whose fingerprints were taken over.
    pub contacts: u32,
    /// Lines that belong to other accounts and were left out.
    pub left_out: u32,
}

/// An account's key and what is known of its contacts, in libotr's formats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedKeys {
    /// `otr.private_key`: whoever has it can pretend to be the owner.
    pub private_key: Secret,
    /// `otr.fingerprints`.
    pub fingerprints: String,
    /// `otr.instance_tags`.
    pub instance_tags: String,
}

/// Asks for an account's key and fingerprints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportKeys {
    /// The account.
    pub account: AccountId,
    /// Has to be `true`: the owner was told that whoever has the file can pretend to be them.
    #[serde(default)]
    pub understood: bool,
}

/// A language with a list of words to read fingerprints aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WordLanguage {
    /// Arabic.
    Ar,
    /// English.
    En,
    /// Farsi.
    Fa,
}

/// Asks for a fingerprint in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FingerprintWords {
    /// 40 hexadecimal digits; spaces do not matter.
    pub fingerprint: String,
    /// The language.
    pub language: WordLanguage,
}

/// A fingerprint in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Words {
    /// The words in their order.
    pub words: Vec<String>,
}
