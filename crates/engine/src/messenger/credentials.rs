//! By what an XMPP account logs in: its password, a certificate that its server knows, or nothing at all.
//! It must never send a password as it is before its owner allowed that, nor use a certificate that no server has taken.
//! Door 1: `account.add`, `account.change`, `account.allow_plain`, `account.use_certificate`; XEP-0178, XEP-0257, XEP-0484.

use model::{AccountId, AddAccount, Problem, Protocol, ServicesLogin};
use serde_json::Value;
use vault::{Credential, Learnt, SecretBytes, SecretText, XmppLogin};
use xmpp::FastToken;
use zeroize::Zeroizing;

use super::on_server::Asked;
use super::people::no_such_account;
use super::{Messenger, Outcome, locked, profile};
use crate::link::XmppWay;

/// How a new account logs in.
pub(super) fn new(with: &AddAccount) -> XmppLogin {
    let invitation = with.invitation.as_ref();
    let mut login = XmppLogin {
        invitation: invitation.map(|token| SecretText::new(token.expose().to_owned())),
        ..XmppLogin::default()
    };
    if with.login == Some(ServicesLogin::None) {
        login.by = Credential::Anonymous;
    }
    login
}

/// Another way to log in; a certificate only where the server has taken one.
pub(super) fn keep(login: &mut XmppLogin, chosen: ServicesLogin) {
    match chosen {
        ServicesLogin::Certificate if login.certificate.is_some() => login.by = Credential::Certificate,
        ServicesLogin::Password => login.by = Credential::Password,
        // The others are of IRC.
        ServicesLogin::Bouncer
        | ServicesLogin::Certificate
        | ServicesLogin::Key
        | ServicesLogin::NickServ
        | ServicesLogin::None => {}
    }
}

/// What a link needs of it.
pub(super) fn read(login: &XmppLogin, learnt: &Learnt) -> XmppWay {
    let pair = login.certificate.as_ref().zip(login.certificate_key.as_ref());
    XmppWay {
        credential: match login.by {
            Credential::Anonymous => xmpp::Credential::Anonymous,
            Credential::Certificate => xmpp::Credential::Certificate,
            Credential::Password => xmpp::Credential::Password,
        },
        allow_plain: login.plain,
        certificate: pair.map(|(certificate, key)| {
            let (certificate, key) = (certificate.expose_secret(), key.expose_secret());
            dial::tls::Identity::from_der(certificate.to_vec(), key.to_vec())
        }),
        invitation: login
            .invitation
            .as_ref()
            .map(|token| Zeroizing::new(token.expose_secret().to_owned())),
        token: learnt.token.as_ref().map(|token| FastToken {
            agent: token.agent.expose_secret().to_owned(),
            exporter: token.exporter,
            secret: Zeroizing::new(token.secret.expose_secret().to_owned()),
        }),
    }
}

/// Checks that a chosen way to log in is one that there is on XMPP. `existing`: the account has its certificate.
pub(super) fn check(login: Option<ServicesLogin>, existing: bool) -> Result<(), Problem> {
    match login {
        Some(ServicesLogin::Bouncer | ServicesLogin::Key | ServicesLogin::NickServ) => Err(no_such_login()),
        Some(ServicesLogin::Certificate) if !existing => Err(no_such_login()),
        Some(ServicesLogin::None) if existing => Err(no_such_login()),
        _ => Ok(()),
    }
}

fn no_such_login() -> Problem {
    Problem::new(
        "account.no_such_login",
        "An XMPP account logs in by its password, by a certificate that its server has taken, or anonymously from the beginning.",
    )
}

impl Messenger {
    /// Lets the password itself be sent over TLS, where the server takes nothing else and never took anything else.
    pub(super) fn allow_plain(&mut self, id: AccountId) -> Result<(), Problem> {
        self.change_login(id, |login| login.plain = true)?;
        self.turn_account(id)
    }

    /// Has the server take a certificate, and logs in by it from then on; answered when the server has answered.
    pub(super) fn use_certificate(&mut self, id: AccountId, request: Option<&Value>) -> Outcome {
        let account = self.open.as_ref().and_then(|open| open.accounts.get(&id));
        let address = account.map(|account| account.shown.address.as_str());
        let identity = dial::tls::Identity::generate_for(address.unwrap_or_default());
        let Some(identity) = identity else {
            let text = "The certificate could not be made.";
            return Outcome::Now(Err(Problem::new("account.no_certificate", text)));
        };
        let name: String = identity.sha256().chars().take(8).collect();
        let command = xmpp::Command::OfferCertificate {
            name,
            certificate: identity.certificate().to_vec(),
        };
        self.ask_server(id, command, Asked::certificate(identity, request))
    }

    /// The server knows the certificate: the next login is by it.
    pub(super) fn keep_certificate(
        &mut self,
        id: AccountId,
        own: &dial::tls::Identity,
    ) -> Result<(), Problem> {
        self.change_login(id, |login| {
            login.by = Credential::Certificate;
            login.certificate = Some(SecretBytes::new(own.certificate().to_vec()));
            login.certificate_key = Some(SecretBytes::new(own.private_key().to_vec()));
        })?;
        self.turn_account(id)
    }

    /// The server gave out another token, or takes the old one no longer. Not kept: the next login is by the password.
    pub(super) fn keep_token(&mut self, id: AccountId, token: Option<&FastToken>) {
        let Some(open) = &mut self.open else { return };
        let kept = token.map(|token| vault::FastToken {
            agent: SecretText::new(token.agent.clone()),
            exporter: token.exporter,
            secret: SecretText::new(token.secret.to_string()),
        });
        let _ = open.vault.change(|profile| {
            let account = profile.accounts.iter_mut().find(|account| account.id == id.0);
            if let Some(vault::Protocol::Xmpp { learnt, .. }) = account.map(|account| &mut account.protocol) {
                learnt.token = kept;
            }
        });
    }

    /// What an anonymous account is called until its session ends.
    pub(super) fn on_own_address(&mut self, id: AccountId, jid: &xmpp::FullJid) {
        let Some(open) = &mut self.open else { return };
        let mut kept = open.vault.profile().accounts.iter();
        let anonymous = kept.any(|kept| {
            kept.id == id.0
                && matches!(&kept.protocol, vault::Protocol::Xmpp { login, .. } if login.by == Credential::Anonymous)
        });
        let account = open.accounts.get_mut(&id).filter(|_| anonymous);
        if let (Some(account), Ok(address)) = (account, jid.to_bare().as_str().parse()) {
            // The news goes out with the state that follows.
            account.shown.address = address;
        }
    }

    fn change_login(&mut self, id: AccountId, change: impl FnOnce(&mut XmppLogin)) -> Result<(), Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get(&id).ok_or_else(no_such_account)?;
        if account.shown.protocol != Protocol::Xmpp {
            return Err(super::on_server::not_on_this_network());
        }
        let kept = open.vault.change(|profile| {
            let account = profile.accounts.iter_mut().find(|account| account.id == id.0);
            if let Some(vault::Protocol::Xmpp { login, .. }) = account.map(|account| &mut account.protocol) {
                change(login);
            }
        });
        kept.map_err(|error| profile::told(&error))
    }

    fn turn_account(&mut self, id: AccountId) -> Result<(), Problem> {
        let open = self.open.as_ref().ok_or_else(locked)?;
        let account = open.accounts.get(&id).ok_or_else(no_such_account)?;
        super::servers::turn(account, open.vault.profile(), id)
    }
}
