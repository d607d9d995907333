//! Policies and keys over door 1: what is refused without the owner's word, and what is kept.
//! Must never find a readable text among what is sent to a contact whose policy forbids it.

use model::Policy;

use super::*;

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
