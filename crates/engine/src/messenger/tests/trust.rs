//! Policies and keys over door 1: what is refused without the owner's word, and what is kept.
//! Must never find a readable text among what is sent to a contact whose policy forbids it.

use model::Policy;

use super::*;
use crate::conversation::Effect;

fn policy(desk: &mut Desk, policy: Option<&str>, understood: bool) -> Result<Value, Problem> {
    desk.about(
        "contact.policy",
        BOB,
        json!({ "policy": policy, "understood": understood }),
    )
}

/// Readable bodies that the link was ordered to send.
fn readable(desk: &mut Desk) -> Vec<String> {
    let body = |command| match command {
        xmpp::Command::Send { body, otr: false, .. } => Some(body),
        _ => None,
    };
    desk.ordered().into_iter().filter_map(body).collect()
}

async fn reopen(desk: &mut Desk) {
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
}

#[tokio::test]
async fn sending_unencrypted_needs_the_owners_word_for_one_contact() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("contact.add", "carol@example.org", json!({})).unwrap();
    assert_eq!(
        code(policy(&mut desk, Some("unencrypted"), false)),
        "policy.not_understood"
    );
    let account = json!({ "account": desk.account, "policy": "unencrypted" });
    let refused = now(&mut desk.messenger, command("account.policy", account));
    assert_eq!(code(refused), "policy.not_for_accounts");
    policy(&mut desk, Some("unencrypted"), true).unwrap();
    desk.ordered();
    desk.about("message.send", BOB, json!({ "text": "open" }))
        .unwrap();
    desk.about("message.send", "carol@example.org", json!({ "text": "closed" }))
        .unwrap();
    assert_eq!(readable(&mut desk), ["open"]);
    assert!(!desk.messages(BOB)[0].encrypted);
    assert!(desk.messages("carol@example.org")[0].encrypted);
    policy(&mut desk, None, false).unwrap();
    desk.about("message.send", BOB, json!({ "text": "closed again" }))
        .unwrap();
    assert_eq!(readable(&mut desk), Vec::<String>::new());
}

/// Whether bob, whose program knows nothing newer than version 2, comes to a private conversation.
fn old_bob_is_answered(desk: &mut Desk) -> bool {
    let key = std::sync::Arc::new(otr::PrivateKey::generate(&mut SystemRandom));
    let config = otr::Config {
        oldest: otr::Version::Two,
        ..otr::Config::default()
    };
    let tag = otr::InstanceTag::random(&mut SystemRandom);
    let mut bob = otr::Conversation::new(key, tag, config);
    let from = format!("{BOB}/old");
    desk.appears(&from);
    desk.ordered();
    desk.hears(&from, "?OTRv2?");
    desk.answer(&from, &mut bob);
    bob.version() == Some(otr::Version::Two)
}

#[tokio::test]
async fn version_two_is_spoken_only_after_the_owners_word_for_one_contact_and_that_is_kept() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    assert!(!old_bob_is_answered(&mut desk));
    let allowed = |understood: bool| json!({ "policy": null, "version_2": true, "understood": understood });
    let refused = desk.about("contact.policy", BOB, allowed(false));
    assert_eq!(code(refused), "policy.not_understood");
    assert!(!old_bob_is_answered(&mut desk));
    desk.about("contact.policy", BOB, allowed(true)).unwrap();
    assert!(old_bob_is_answered(&mut desk));
    reopen(&mut desk).await;
    desk.stand_in_for_the_link();
    assert!(desk.contacts()[0].version_2);
    assert!(old_bob_is_answered(&mut desk));
    desk.about("contact.policy", BOB, json!({ "policy": null }))
        .unwrap();
    assert!(!old_bob_is_answered(&mut desk));
}

/// Type, versions and instance tags of the message with which a query of bob's is answered.
fn head_of_commit(desk: &mut Desk) -> String {
    let from = format!("{BOB}/new");
    desk.appears(&from);
    desk.ordered();
    desk.hears(&from, "?OTRv3?");
    let commit = desk.sent().remove(0);
    commit.chars().take("?OTR:".len() + 12).collect()
}

#[tokio::test]
async fn an_account_has_the_same_instance_tag_after_a_restart() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    let before = head_of_commit(&mut desk);
    assert!(before.starts_with("?OTR:AAMC"));
    reopen(&mut desk).await;
    desk.stand_in_for_the_link();
    assert_eq!(head_of_commit(&mut desk), before);
}

#[tokio::test]
async fn where_the_policy_requires_it_nothing_but_otr_gets_past_the_last_door() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.ordered();
    let (account, bob) = (desk.account, BOB.parse().unwrap());
    let hand_over = |desk: &mut Desk, body: &str, readable: bool| {
        let (body, token, to_everyone) = (body.to_owned(), 7, true);
        let effect = match readable {
            true => Effect::TransmitReadable { body, token },
            false => Effect::Transmit {
                body,
                token,
                to_everyone,
            },
        };
        let done = desk
            .messenger
            .converse(account, &bob, |_, x| x.effects.push(effect));
        done.unwrap();
        desk.ordered().len()
    };
    for body in ["hello", "/me waves", " ?OTRv3?", "", "<x/>"] {
        assert_eq!(hand_over(&mut desk, body, false), 0, "{body:?}");
        assert_eq!(hand_over(&mut desk, body, true), 0, "{body:?}");
    }
    assert_eq!(hand_over(&mut desk, "?OTRv3?", false), 1);
}

#[tokio::test]
async fn policies_are_kept_in_the_profile() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    desk.about("contact.add", "carol@example.org", json!({})).unwrap();
    policy(&mut desk, Some("unencrypted"), true).unwrap();
    let account = json!({ "account": desk.account, "policy": "opportunistic" });
    now(&mut desk.messenger, command("account.policy", account)).unwrap();
    reopen(&mut desk).await;
    let contacts = desk.contacts();
    assert_eq!(contacts[0].policy, Some(Policy::Unencrypted));
    assert_eq!(contacts[1].policy, None);
    let snapshot = desk.messenger.snapshot().unwrap();
    assert_eq!(snapshot.accounts[0].policy, Policy::Opportunistic);
    desk.about("message.send", BOB, json!({ "text": "waits readable" }))
        .unwrap();
    reopen(&mut desk).await;
    assert!(!desk.messages(BOB)[0].encrypted);
}

#[tokio::test]
async fn an_opportunistic_account_sends_its_first_message_with_a_tag() {
    let mut desk = Desk::new().await;
    desk.about("contact.add", BOB, json!({})).unwrap();
    let account = json!({ "account": desk.account, "policy": "opportunistic" });
    now(&mut desk.messenger, command("account.policy", account)).unwrap();
    desk.ordered();
    desk.about("message.send", BOB, json!({ "text": "hello" }))
        .unwrap();
    let sent = readable(&mut desk);
    assert!(sent.len() == 1 && sent[0].starts_with("hello \t"), "{sent:?}");
    policy(&mut desk, Some("required"), false).unwrap();
    desk.about("message.send", BOB, json!({ "text": "closed" }))
        .unwrap();
    assert_eq!(readable(&mut desk), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_own_key_needs_the_owners_word_and_ends_what_stands() {
    let (mut desk, mut bob) = with_bob().await;
    let before = desk.messenger.snapshot().unwrap().accounts[0].fingerprint.clone();
    let renew = |understood: bool| command("key.renew", json!({ "account": 1, "understood": understood }));
    assert_eq!(code(now(&mut desk.messenger, renew(false))), "key.not_understood");
    later(&mut desk.messenger, renew(true)).await;
    let after = desk.messenger.snapshot().unwrap().accounts[0].fingerprint.clone();
    assert_ne!(before, after);
    let farewell = desk.sent();
    assert!(farewell.len() == 1 && farewell[0].starts_with("?OTR:AAMD"));
    bob.handle(
        Input::Receive(&farewell[0]),
        Duration::from_secs(2),
        &mut SystemRandom,
    )
    .unwrap();
    assert_eq!(bob.state(), otr::State::Finished);
    reopen(&mut desk).await;
    let kept = desk.messenger.snapshot().unwrap().accounts[0].fingerprint.clone();
    assert_eq!(kept, after);
}

#[tokio::test]
async fn a_contact_that_is_removed_during_a_verification_ends_it() {
    let (mut desk, mut bob) = with_bob().await;
    desk.about("verification.start", BOB, json!({ "secret": "x" }))
        .unwrap();
    let mut give = |input: Input<'_>| {
        let now = Duration::from_secs(2);
        bob.handle(input, now, &mut SystemRandom).unwrap();
    };
    desk.sent().iter().for_each(|body| give(Input::Receive(body)));
    give(Input::VerifyAnswer { secret: b"x" });
    desk.about("contact.remove", BOB, json!({})).unwrap();
    desk.ordered();
    let from = format!("{BOB}/a");
    let mut answers = 0;
    while let Some(output) = bob.poll() {
        if let Output::Send { body, .. } = output {
            desk.hears(&from, &body);
            answers += 1;
        }
    }
    assert!(answers > 0);
    assert_eq!(desk.ordered(), []);
    assert!(!desk.contacts().iter().any(|contact| contact.accepted));
    assert_eq!(
        code(desk.about("verification.abort", BOB, json!({}))),
        "contact.unknown"
    );
}

#[tokio::test]
async fn trust_is_refused_for_a_locked_profile_and_for_strangers() {
    let mut desk = Desk::new().await;
    desk.hears("mallory@example.com/a", "hello");
    let secret = json!({ "secret": "x" });
    for (method, more) in [
        ("verification.start", secret.clone()),
        ("verification.answer", secret),
        ("verification.abort", json!({})),
        ("contact.policy", json!({})),
        ("fingerprint.distrust", json!({ "fingerprint": "0" })),
        ("fingerprint.forget", json!({ "fingerprint": "0" })),
    ] {
        let refused = desk.about(method, "mallory@example.com", more);
        assert_eq!(code(refused), "contact.unknown", "{method}");
    }
    now(&mut desk.messenger, Command::Lock(Nothing {})).unwrap();
    for method in [
        "verification.abort",
        "contact.policy",
        "contact.block",
        "contact.rename",
    ] {
        assert_eq!(code(desk.about(method, BOB, json!({}))), "profile.locked");
    }
}
