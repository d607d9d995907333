//! Other ways in than a password over classic SASL, on real servers: in one step, anonymously, by a certificate, and with
//! a password that nothing proves.

use rustls::pki_types::PrivateKeyDer;
use xmpp::{AccountChange, BareJid, Command, Credential, Event, FastToken, Mechanism, OfflineReason, Tls};

use super::client::Client;
use super::server::{DOMAIN, Server};
use super::stories::{newcomer, offline, online, send};

/// Debian's Prosody with the modules of its community.
fn with_modules(settings: String, more: &str) -> String {
    settings.replace(
        "\"disco\"",
        &format!("\"facts_of_tls\", \"sasl2\", \"sasl2_bind2\"{more}, \"disco\""),
    )
}

#[test]
fn alice_logs_in_and_is_bound_in_one_step_and_resumes_on_prosody() {
    let server = Server::prosody_changed(|settings| with_modules(settings, ""));
    let (mut alice, first) = newcomer("alice", Tls::Direct, &server);
    let (mut bob, bob_jid) = newcomer("bob", Tls::StartTls, &server);
    alice.cut(&server);
    assert_eq!(offline(&mut alice, &server), OfflineReason::ConnectionLost);
    alice.heard();
    let (jid, resumed, mechanism) = online(&mut alice, &server);
    assert_eq!(
        (jid, resumed, mechanism),
        (first.clone(), true, Mechanism::ScramSha256)
    );
    let heard = alice.heard();
    assert!(
        heard.contains("urn:xmpp:sasl:2") && heard.contains("<resumed"),
        "{heard}"
    );
    send(&mut alice, &bob_jid, "after the cut", 1, &server);
    let hears = |client: &mut Client, text: &str| {
        client.wait(&server, text, |event| match event {
            Event::Message { body, .. } if body == text => Some(()),
            _ => None,
        });
    };
    hears(&mut bob, "after the cut");
    send(&mut bob, &first, "and back", 1, &server);
    hears(&mut alice, "and back");
    // A new session is bound and counted at once, too.
    let mut again = Client::new("alice", "correct h\u{f6}rse", |config| config.tls = Tls::Direct);
    let (_, resumed, _) = online(&mut again, &server);
    assert!(!resumed);
    let heard = again.heard();
    assert!(heard.contains("<bound") && heard.contains("<enabled"), "{heard}");

    let mut mallory = Client::new("alice", "wrong", |config| config.tls = Tls::Direct);
    mallory.connect(&server);
    assert_eq!(offline(&mut mallory, &server), OfflineReason::WrongPassword);
}

#[test]
fn a_token_of_prosody_tied_to_the_connection_stands_for_the_password() {
    let server = Server::prosody_changed(|settings| {
        // The older module for logins would take the ties away again.
        with_modules(settings, ", \"sasl2_fast\"").replace("\"saslauth\", ", "")
    });
    // Made with the password alone, so that the first login of a session gets the token.
    let (mut first, _) = newcomer("alice", Tls::Direct, &server);
    first.cut(&server);
    offline(&mut first, &server);
    online(&mut first, &server);
    let token = first.wait(&server, "a token", |event| match event {
        Event::Token(Some(token)) => Some(token.clone()),
        _ => None,
    });
    assert!(token.exporter);
    let by = |token: FastToken| {
        Client::new("alice", "not known any more", |config| {
            config.tls = Tls::Direct;
            config.mechanism_seen = Some(Mechanism::ScramSha256);
            config.token = Some(token);
        })
    };
    online(&mut by(token.clone()), &server);
    // A token that is none is forgotten, and the password has to do.
    let mut wrong = by(FastToken {
        secret: "secret-token:none".to_owned().into(),
        ..token
    });
    wrong.connect(&server);
    assert_eq!(offline(&mut wrong, &server), OfflineReason::TemporaryFailure);
    assert!(wrong.take_seen().contains(&Event::Token(None)));
    wrong.connect(&server);
    assert_eq!(offline(&mut wrong, &server), OfflineReason::WrongPassword);
}

fn anonymous(server: &Server) {
    let guest = || {
        Client::new("nobody", "", |config| {
            config.credential = Credential::Anonymous;
            config.jid = BareJid::new(DOMAIN).unwrap();
            config.tls = Tls::Direct;
        })
    };
    let (mut one, mut other) = (guest(), guest());
    let (jid, _, mechanism) = online(&mut one, server);
    let (to, ..) = online(&mut other, server);
    assert_eq!(mechanism, Mechanism::Anonymous);
    assert!(jid.to_bare() != to.to_bare() && jid.domain().as_str() == DOMAIN);
    for guest in [&mut one, &mut other] {
        guest.command(Command::SetAvailable, server).unwrap();
    }
    send(&mut one, &to, "from nobody", 1, server);
    other.wait(server, "the message", |event| match event {
        Event::Message { body, .. } if body == "from nobody" => Some(()),
        _ => None,
    });
    let mut alice = Client::new("alice", "correct h\u{f6}rse", |config| config.tls = Tls::Direct);
    alice.connect(server);
    // ejabberd offers PLAIN beside.
    let why = offline(&mut alice, server);
    assert!(
        matches!(why, OfflineReason::NoMechanism | OfflineReason::OnlyPlain),
        "{why:?}"
    );
}

#[test]
fn nobody_in_particular_talks_on_prosody() {
    anonymous(&Server::prosody_changed(|settings| {
        settings.replace("internal_hashed", "anonymous")
    }));
}

#[test]
fn nobody_in_particular_talks_on_ejabberd() {
    anonymous(&Server::ejabberd_changed(|settings| {
        settings.replace(
            "auth_method: internal",
            "auth_method: anonymous\nanonymous_protocol: sasl_anon",
        )
    }));
}

/// How a certificate is read by the module: its own way trips over the numbers of Lua 5.4.
const PEM: &str = r#""-----BEGIN CERTIFICATE-----\n"..x509cert:gsub(("."):rep(64), "%0\n").."\n-----END CERTIFICATE-----\n""#;

#[test]
fn a_certificate_that_prosody_has_taken_lets_alice_in_without_a_password() {
    let server = Server::prosody_changed(|settings| {
        let verify = "verify = { \"peer\", \"client_once\" }, verifyext = { \"lsec_continue\", \"lsec_ignore_purpose\" }, ";
        // The module is older than the Prosody beside it: what it calls a user is called anybody now.
        let module = "/usr/lib/prosody/modules/mod_client_certs/mod_client_certs.lua";
        let module = std::fs::read_to_string(module).expect("apt-get install prosody-modules");
        let folder = settings
            .split("plugin_paths = { \"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        std::fs::write(
            format!("{folder}/mod_own_certs.lua"),
            module
                .replace("adhoc_handler, \"user\"", "adhoc_handler, \"any\"")
                .replace("util_x509.der2pem(base64.decode(x509cert))", PEM),
        )
        .unwrap();
        settings
            .replace("\"disco\"", "\"own_certs\", \"disco\"")
            .replace("ssl = {", &format!("ssl = {{ {verify}"))
    });
    let (mut alice, _) = newcomer("alice", Tls::Direct, &server);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::default();
    let named = rcgen::OtherNameValue::Utf8String(format!("alice@{DOMAIN}"));
    let address = vec![1, 3, 6, 1, 5, 5, 7, 8, 5];
    wanted.subject_alt_names = vec![rcgen::SanType::OtherName((address, named))];
    wanted.not_after = rcgen::date_time_ymd(2100, 1, 1);
    let certificate = wanted.self_signed(&key).unwrap().der().clone();
    let identity = (certificate, PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    let by_certificate = || {
        let mut alice = Client::new("alice", "", |config| {
            config.credential = Credential::Certificate;
            config.tls = Tls::Direct;
        });
        alice.identity = Some((identity.0.clone(), identity.1.clone_key()));
        alice
    };
    let mut early = by_certificate();
    early.connect(&server);
    assert_eq!(offline(&mut early, &server), OfflineReason::WrongPassword);
    let offer = Command::OfferCertificate {
        name: "one".to_owned(),
        certificate: identity.0.to_vec(),
    };
    alice.command(offer, &server).unwrap();
    alice.wait(&server, "the certificate", |event| match event {
        Event::AccountChange {
            change: AccountChange::Certificate,
            why: None,
        } => Some(()),
        _ => None,
    });
    let (_, _, mechanism) = online(&mut by_certificate(), &server);
    assert_eq!(mechanism, Mechanism::External);
}

#[test]
fn a_server_with_nothing_but_plain_gets_the_password_only_with_leave() {
    let server = Server::prosody_changed(|settings| {
        settings.replace(
            "allow_registration",
            "disable_sasl_mechanisms = { \"SCRAM-SHA-1\", \"SCRAM-SHA-256\", \"DIGEST-MD5\" }\nallow_registration",
        )
    });
    let mut alice = Client::new("alice", "correct h\u{f6}rse", |config| {
        config.register = true;
        config.tls = Tls::Direct;
    });
    alice.connect(&server);
    assert_eq!(offline(&mut alice, &server), OfflineReason::OnlyPlain);
    let mut alice = Client::new("alice", "correct h\u{f6}rse", |config| {
        config.allow_plain = true;
        config.tls = Tls::Direct;
    });
    let (_, _, mechanism) = online(&mut alice, &server);
    assert_eq!(mechanism, Mechanism::Plain);
}
