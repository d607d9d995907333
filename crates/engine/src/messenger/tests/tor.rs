//! The choice of Tor without a gate: what is refused at once, what is kept, and that no password comes up again.
//! Must never be able to reach a network. Door 1: `docs/rpc.md`.

use dial::{ControlPlace, Embedded, Password, Running, TorSettings};

use super::*;
use crate::messenger::tor::Choice;

const BRIDGE: &str = "obfs4 192.0.2.1:9 0123456789ABCDEF0123456789ABCDEF01234567 cert=a";

fn running() -> TorSettings {
    TorSettings::Running(Running {
        control: Some(ControlPlace::parse("unix:/run/tor/control").unwrap()),
        password: Some(Password::new("geheim".to_owned()).unwrap()),
    })
}

#[tokio::test]
async fn a_way_to_tor_that_cannot_be_is_refused_before_the_gate_is_asked() {
    let mut desk = Desk::new().await;
    let embedded = |field: &str, value: Value| json!({ "use": "embedded", field: value });
    for (params, code) in [
        (
            embedded("bridges", json!([BRIDGE, "obfs4 example.org:9"])),
            "bridge.address",
        ),
        (
            embedded("bridges", json!(vec![BRIDGE; 17])),
            "tor.settings.too_many",
        ),
        (
            embedded("proxy", json!("socks5://proxy.example.org:1080")),
            "tor.settings.proxy",
        ),
        (embedded("ports", json!([0])), "tor.settings.ports"),
        (
            json!({ "use": "running", "control": "9051" }),
            "tor.settings.control",
        ),
        (
            json!({ "use": "running", "password": "a\r\nQUIT" }),
            "tor.settings.password",
        ),
    ] {
        let refused = now(&mut desk.messenger, command("tor.set", params.clone())).unwrap_err();
        assert_eq!(refused.code, code, "{params}");
    }
}

#[tokio::test]
async fn the_choice_of_tor_is_kept_and_counts_before_any_account_connects() {
    let mut desk = Desk::new().await;
    desk.messenger.tor_chosen(Choice::Kept(running())).unwrap();
    desk.messenger.lock().unwrap();
    desk.messenger.dialer = Dialer::new();
    assert_eq!(desk.messenger.dialer.tor_settings(), None);
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
    assert_eq!(desk.messenger.dialer.tor_settings(), Some(running()));
}

#[tokio::test]
async fn a_choice_made_before_the_profile_is_open_is_kept_in_it() {
    let mut desk = Desk::new().await;
    desk.messenger.lock().unwrap();
    desk.messenger.tor_chosen(Choice::Kept(running())).unwrap();
    later(
        &mut desk.messenger,
        command("profile.unlock", json!({ "passphrase": "otter" })),
    )
    .await;
    let stored = now(&mut desk.messenger, command("profile.stored", json!({}))).unwrap();
    let kept = stored["items"].as_array().unwrap().iter();
    let kept = kept.clone().find(|item| item["what"] == "tor").unwrap();
    assert_eq!(kept["count"], 1);
}

#[tokio::test]
async fn a_kept_choice_that_cannot_be_read_lets_nothing_out() {
    let mut desk = Desk::new().await;
    let open = desk.messenger.open.as_mut().unwrap();
    let strange = json!({ "direct": {} });
    open.vault
        .change(|kept| _ = kept.settings.insert("tor".to_owned(), strange))
        .unwrap();
    desk.messenger.begin_tor();
    let host = dial::Host::parse("xmpp.example.org").unwrap();
    let account = dial::Isolation::from_bytes([1; 16]);
    let dialer = desk.messenger.dialer.clone();
    let refused = dialer.connect(&account, dial::Purpose::Xmpp, &host, 5222).await;
    assert_eq!(refused.unwrap_err().code(), "tor.settings.unreadable");
}

/// `tor.settings`, as it is answered without a gate.
async fn shown(desk: &mut Desk) -> Value {
    assert!(matches!(
        desk.messenger.carry_out(command("tor.settings", json!({})), None),
        Outcome::Later
    ));
    match desk.messenger.jobs.1.recv().await {
        Some(Job::Answered { result, .. }) => result.unwrap(),
        _ => panic!("no answer"),
    }
}

#[tokio::test]
async fn who_wants_to_be_asked_is_asked_at_each_start_and_nothing_is_connected_before() {
    let mut desk = Desk::new().await;
    desk.messenger.tor_chosen(Choice::Ask).unwrap();
    let told = shown(&mut desk).await;
    // What is in use stays.
    assert_eq!((&told["ask"], &told["waits"]), (&json!(true), &json!(false)));
    for _start in 0..2 {
        desk.messenger.lock().unwrap();
        desk.messenger.dialer = Dialer::new();
        later(
            &mut desk.messenger,
            command("profile.unlock", json!({ "passphrase": "otter" })),
        )
        .await;
        // There is no gate, which is waited for.
        tokio::time::pause();
        let told = shown(&mut desk).await;
        assert_eq!((&told["ask"], &told["waits"]), (&json!(true), &json!(true)));
        let host = dial::Host::parse("xmpp.example.org").unwrap();
        let account = dial::Isolation::from_bytes([1; 16]);
        let dialer = desk.messenger.dialer.clone();
        let refused = dialer.connect(&account, dial::Purpose::Xmpp, &host, 5222).await;
        assert_eq!(refused.unwrap_err().code(), "tor.settings.not_chosen");
        // For this run.
        desk.messenger.tor_chosen(Choice::Once(running())).unwrap();
        assert_eq!(shown(&mut desk).await["ask"], true);
        tokio::time::resume();
    }
    desk.messenger.tor_chosen(Choice::Kept(running())).unwrap();
    assert_eq!(shown(&mut desk).await["ask"], false);
}

#[tokio::test]
async fn the_settings_are_shown_without_a_password() {
    let mut desk = Desk::new().await;
    let proxy = dial::Proxy::parse("socks5://al:geheim@192.0.2.2:1080").unwrap();
    let embedded = TorSettings::Embedded(Embedded {
        bridges: vec![dial::Bridge::parse(BRIDGE).unwrap()],
        proxy: Some(proxy),
        reachable_ports: vec![443],
    });
    for (tor, expected) in [
        (
            embedded,
            json!({ "running": false, "bridges": [BRIDGE], "proxy": "socks5://192.0.2.2:1080", "ports": [443] }),
        ),
        (
            running(),
            json!({ "running": true, "control": "/run/tor/control", "password": true }),
        ),
    ] {
        desk.messenger.dialer.begin_with(Some(tor));
        assert!(matches!(
            desk.messenger.carry_out(command("tor.settings", json!({})), None),
            Outcome::Later
        ));
        let Some(Job::Answered { result, .. }) = desk.messenger.jobs.1.recv().await else {
            panic!("no answer");
        };
        let shown = result.unwrap();
        assert!(!shown.to_string().contains("geheim"), "{shown}");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(shown[name], *value, "{name}");
        }
    }
}
