//! By what an account logs in, over door 1: a certificate, nothing, a password as it is; and tokens. Must never reach a
//! network. Door 1: `docs/rpc.md`; XEP-0178, XEP-0257, XEP-0484.

use vault::Credential;
use xmpp::{AccountChange, StanzaCondition};
use zeroize::Zeroizing;

use super::*;
use crate::link::XmppWay;

impl Desk {
    fn kept_login(&self) -> (vault::XmppLogin, vault::Learnt) {
        let profile = self.messenger.open.as_ref().unwrap().vault.profile();
        let vault::Protocol::Xmpp { login, learnt, .. } = &profile.accounts[0].protocol else {
            panic!("no XMPP account");
        };
        (login.clone(), learnt.clone())
    }

    /// How the link logs in from now on.
    fn turned(&mut self) -> XmppWay {
        std::iter::from_fn(|| self.orders.try_recv().ok())
            .find_map(|order| match order {
                Order::Change(change) => change.way,
                _ => None,
            })
            .unwrap()
    }
}

#[tokio::test]
async fn a_certificate_is_used_only_after_the_server_has_taken_it_and_the_password_again_when_its_owner_wants()
 {
    let mut desk = Desk::new().await;
    let who = json!({ "account": desk.account });
    let offered = desk.asks("account.use_certificate", who.clone());
    assert!(matches!(offered, xmpp::Command::OfferCertificate { ref name, .. } if name.len() == 8));
    desk.server_says(AccountChange::Certificate, Some(StanzaCondition::Unavailable));
    assert!(desk.kept_login().0.certificate.is_none());
    let xmpp::Command::OfferCertificate { certificate, .. } =
        desk.asks("account.use_certificate", who.clone())
    else {
        panic!("nothing offered");
    };
    assert!(desk.kept_login().0.certificate.is_none());
    desk.server_says(AccountChange::Certificate, None);
    let kept = desk.kept_login().0;
    assert!(kept.by == Credential::Certificate);
    assert_eq!(kept.certificate.unwrap().expose_secret(), certificate);
    let way = desk.turned();
    assert_eq!(way.identity().unwrap().certificate(), certificate);
    let back = json!({ "account": desk.account, "login": "password" });
    now(&mut desk.messenger, command("account.change", back)).unwrap();
    assert!(desk.turned().identity().is_none());
    let again = json!({ "account": desk.account, "login": "certificate" });
    now(&mut desk.messenger, command("account.change", again)).unwrap();
    assert!(desk.turned().identity().is_some());
    let key = json!({ "account": desk.account, "login": "key" });
    assert_eq!(desk.refused("account.change", key), "account.no_such_login");
}

#[tokio::test]
async fn a_password_goes_as_it_is_only_after_its_owner_said_so() {
    let mut desk = Desk::new().await;
    let kept = desk.messenger.open.as_ref().unwrap().vault.profile().accounts[0].clone();
    let read = kept_accounts::read_account(&kept).unwrap();
    assert!(!read.way.unwrap().allow_plain);
    let who = json!({ "account": desk.account });
    now(&mut desk.messenger, command("account.allow_plain", who)).unwrap();
    assert!(desk.kept_login().0.plain);
    assert!(desk.turned().allow_plain);
}

#[tokio::test]
async fn a_token_is_kept_sealed_and_forgotten_when_the_server_or_the_password_says_so() {
    let mut desk = Desk::new().await;
    let token = xmpp::FastToken {
        agent: "d4565fa7-4d72-4749-b3d3-740edbf87770".to_owned(),
        exporter: true,
        secret: Zeroizing::new("secret-token".to_owned()),
    };
    desk.tell(xmpp::Event::Token(Some(token.clone())));
    let kept = desk.messenger.open.as_ref().unwrap().vault.profile().accounts[0].clone();
    let read = kept_accounts::read_account(&kept).unwrap();
    assert!(read.way.unwrap().token == Some(token.clone()));
    desk.tell(xmpp::Event::Token(None));
    assert!(desk.kept_login().1.token.is_none());
    desk.tell(xmpp::Event::Token(Some(token)));
    let other = json!({ "account": desk.account, "password": "another" });
    now(&mut desk.messenger, command("account.change", other)).unwrap();
    assert!(desk.kept_login().1.token.is_none());
    assert!(desk.turned().token.is_none());
}

#[tokio::test]
async fn an_anonymous_account_has_a_server_and_the_address_that_it_is_given() {
    let guest = |address| json!({ "address": address, "password": "", "login": "none", "connect": false });
    let mut desk = Desk::with(guest("example.org")).await;
    assert!(desk.kept_login().0.by == Credential::Anonymous);
    desk.come_online();
    let shown = &desk.messenger.open.as_ref().unwrap().accounts[&desk.account].shown;
    assert_eq!(shown.address.as_str(), "alice@example.org");
    assert_eq!(
        desk.refused("account.add", guest("bob@example.net")),
        "account.anonymous_address"
    );
    let certificate = json!({ "address": BOB, "password": "x", "login": "certificate" });
    assert_eq!(desk.refused("account.add", certificate), "account.no_such_login");
}

#[tokio::test]
async fn an_invitation_goes_with_the_request_and_into_the_new_account() {
    let mut desk = Desk::new().await;
    desk.ordered();
    desk.about("contact.add", BOB, json!({ "invitation": "t1" }))
        .unwrap();
    let ordered = desk.ordered();
    assert!(
        ordered.iter().any(|command| matches!(
            command,
            xmpp::Command::SubscribeWith { token, .. } if token.expose_secret() == "t1"
        )),
        "{ordered:?}"
    );
    assert!(
        !ordered
            .iter()
            .any(|command| matches!(command, xmpp::Command::Subscribe(_)))
    );
    let invited = json!({
        "address": "carol@example.org", "password": "x", "register": true, "invitation": "t2", "connect": false,
    });
    let mut desk = Desk::with(invited).await;
    assert_eq!(desk.kept_login().0.invitation.unwrap().expose_secret(), "t2");
    desk.tell(xmpp::Event::Registered);
    assert!(desk.kept_login().0.invitation.is_none());
}
