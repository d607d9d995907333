//! Accounts as the sealed profile holds them.
//! It must never drop what it does not change, nor read an entry halfway.

use jid::BareJid;
use model::{AccountId, AccountState, AddAccount, ChangeAccount, ChosenServer, Problem, Server, Transport};
use otr::{InstanceTag, PrivateKey};
use vault::{Profile, Protocol, SecretBytes, SecretText, TlsPolicy};
use zeroize::Zeroizing;

use super::accounts::password;
use super::network::irc_names;
use super::profile::{parse_pin, read_policy};
use super::{credentials, servers};
use crate::link::{IrcLogin, IrcWay, Network, XmppWay, mechanism_named, preset};
use crate::random::SystemRandom;

/// What is kept of a new account.
pub(super) struct NewAccount<'a> {
    pub(super) with: &'a AddAccount,
    pub(super) key: &'a PrivateKey,
    pub(super) tag: InstanceTag,
}

/// An account as the profile has it.
pub(super) struct KeptAccount {
    pub(super) shown: model::Account,
    pub(super) network: Network,
    pub(super) password: Zeroizing<String>,
    pub(super) pins: Vec<dial::tls::SpkiHash>,
    pub(super) known: Option<dial::tls::KnownServer>,
    pub(super) resolvers: Vec<dial::find::Resolver>,
    /// The server wants TLS on this port.
    pub(super) tls_at: Option<u16>,
    /// How it logs in, where there is a choice.
    pub(super) login: Option<IrcLogin>,
    /// By what it logs in, on XMPP.
    pub(super) way: Option<XmppWay>,
    pub(super) key: PrivateKey,
    pub(super) tag: InstanceTag,
}

/// Puts a new account into the profile; its number.
pub(super) fn keep_account(kept: &mut Profile, new: &NewAccount<'_>) -> u64 {
    let number = kept.next_id.max(1);
    kept.next_id = number + 1;
    kept.accounts.push(vault::Account {
        id: number,
        protocol: match new.with.protocol {
            model::Protocol::Irc => new_irc(new.with),
            model::Protocol::Xmpp => new_xmpp(new.with),
        },
        otr_key: Some(SecretBytes::new(new.key.to_bytes().to_vec())),
        instance_tag: Some(new.tag.value()),
        connect: new.with.connect,
        policy: None,
    });
    number
}

fn new_irc(with: &AddAccount) -> Protocol {
    let server = with.server.as_ref();
    let identity = dial::tls::Identity::generate();
    let certificate = identity
        .as_ref()
        .map(|own| SecretBytes::new(own.certificate().to_vec()));
    let certificate_key = identity
        .as_ref()
        .map(|own| SecretBytes::new(own.private_key().to_vec()));
    let login_key = irc::LoginKey::generate(&mut SystemRandom);
    Protocol::Irc {
        address: with.address.as_str().to_owned(),
        login: keep_login(with.login.unwrap_or_else(|| usual_login(with))),
        password: SecretText::new(with.password.expose().to_owned()),
        host: server.map(|server| server.host.clone()),
        port: server.and_then(|server| server.port),
        tls: server.map_or(TlsPolicy::Auto, |server| keep_transport(server.transport)),
        pins: with.pins.clone(),
        mechanism_seen: None,
        login_key: Some(SecretBytes::new(login_key.to_bytes().to_vec())),
        certificate,
        certificate_key,
        learnt: vault::Learnt::default(),
    }
}

/// How an account logs in where the owner did not choose.
fn usual_login(with: &AddAccount) -> model::ServicesLogin {
    use irc::presets::LoginRule;
    let network = irc_names(&with.address).and_then(|(_, network)| preset(&network));
    let closed = network.is_some_and(|network| {
        let mut addresses = network.addresses.iter();
        addresses.all(|address| address.login == LoginRule::CertificateOrKey)
    });
    match (with.password.expose().is_empty(), closed) {
        (_, true) => model::ServicesLogin::Certificate,
        (true, false) => model::ServicesLogin::None,
        (false, false) => model::ServicesLogin::Password,
    }
}

fn new_xmpp(with: &AddAccount) -> Protocol {
    let server = with.server.as_ref();
    Protocol::Xmpp {
        jid: with.address.as_str().to_owned(),
        password: SecretText::new(with.password.expose().to_owned()),
        resource: None,
        host: server.map(|server| server.host.clone()),
        port: server.and_then(|server| server.port),
        tls: server.map_or(TlsPolicy::Auto, |server| keep_transport(server.transport)),
        pins: with.pins.clone(),
        mechanism_seen: None,
        register: with.register,
        learnt: vault::Learnt::default(),
        login: credentials::new(with),
    }
}

/// The password that the server has taken.
pub(super) fn keep_password(kept: &mut Profile, account: AccountId, password: &model::Secret) {
    keep_change(
        kept,
        &ChangeAccount {
            account,
            password: Some(password.clone()),
            server: None,
            pins: None,
            login: None,
        },
    );
}

/// Another way to an account; what is absent stays.
pub(super) fn keep_change(kept: &mut Profile, change: &ChangeAccount) {
    let account = kept
        .accounts
        .iter_mut()
        .find(|account| account.id == change.account.0);
    let Some(account) = account else { return };
    match (&mut account.protocol, change.login) {
        (Protocol::Irc { login, .. }, Some(chosen)) => *login = keep_login(chosen),
        (Protocol::Xmpp { login, .. }, Some(chosen)) => credentials::keep(login, chosen),
        (_, None) => {}
    }
    let (Protocol::Irc {
        password,
        host,
        port,
        tls,
        pins,
        learnt,
        ..
    }
    | Protocol::Xmpp {
        password,
        host,
        port,
        tls,
        pins,
        learnt,
        ..
    }) = &mut account.protocol;
    if change.server.is_some() {
        // That was another server's wish.
        learnt.tls_only = None;
    }
    if let Some(word) = &change.password {
        learnt.token = None;
        *password = SecretText::new(word.expose().to_owned());
    }
    if let Some(new) = &change.pins {
        pins.clone_from(new);
    }
    match &change.server {
        Some(ChosenServer::Chosen { server }) => {
            (*host, *port) = (Some(server.host.clone()), server.port);
            *tls = keep_transport(server.transport);
        }
        Some(ChosenServer::Found) => (*host, *port, *tls) = (None, None, TlsPolicy::Auto),
        None => {}
    }
}

pub(super) fn keep_registered(kept: &mut Profile, id: AccountId) {
    let account = kept.accounts.iter_mut().find(|account| account.id == id.0);
    if let Some(Protocol::Xmpp { register, login, .. }) = account.map(|account| &mut account.protocol) {
        *register = false;
        login.invitation = None;
    }
}

pub(super) fn keep_mechanism(kept: &mut Profile, id: AccountId, mechanism: &str) {
    if let Some(account) = kept.accounts.iter_mut().find(|account| account.id == id.0) {
        let (Protocol::Irc { mechanism_seen, .. } | Protocol::Xmpp { mechanism_seen, .. }) =
            &mut account.protocol;
        *mechanism_seen = Some(mechanism.to_owned());
    }
}

/// An account as the links and conversations need it.
///
/// # Errors
/// Where something in it cannot be used: the profile was made by a program with a fault.
pub(super) fn read_account(kept: &vault::Account) -> Result<KeptAccount, Problem> {
    let key = kept.otr_key.as_ref().ok_or_else(unusable)?;
    let key = PrivateKey::from_bytes(key.expose_secret()).map_err(|_| unusable())?;
    let tag = kept
        .instance_tag
        .and_then(InstanceTag::from_u32)
        .ok_or_else(unusable)?;
    let (network, protocol, address) = read_network(&kept.protocol)?;
    let (Protocol::Irc {
        password: word,
        host,
        port,
        tls,
        pins,
        learnt,
        ..
    }
    | Protocol::Xmpp {
        password: word,
        host,
        port,
        tls,
        pins,
        learnt,
        ..
    }) = &kept.protocol;
    let server = host.as_ref().map(|host| Server {
        host: host.clone(),
        port: *port,
        transport: read_transport(*tls),
    });
    let (login, way) = match &network {
        Network::Irc(way) => (Some(way.login), None),
        Network::Xmpp { way, .. } => (None, Some(way.clone())),
    };
    Ok(KeptAccount {
        shown: model::Account {
            id: AccountId(kept.id),
            protocol,
            address: address.parse().map_err(|_| unusable())?,
            state: AccountState::Offline,
            connect: kept.connect,
            fingerprint: key.fingerprint().to_string(),
            server,
            policy: kept.policy.map_or(model::Policy::Required, read_policy),
            visibility: model::Visibility::Always,
            server_story: None,
        },
        network,
        password: password(word.expose_secret()),
        pins: pins.iter().map(|pin| parse_pin(pin)).collect::<Result<_, _>>()?,
        known: servers::known_server(learnt),
        resolvers: servers::resolvers(learnt),
        tls_at: servers::tls_at(learnt),
        login,
        way,
        key,
        tag,
    })
}

fn read_network(kept: &Protocol) -> Result<(Network, model::Protocol, &str), Problem> {
    match kept {
        Protocol::Irc { address, .. } => {
            let way = read_irc(kept).ok_or_else(unusable)?;
            Ok((Network::Irc(way), model::Protocol::Irc, address))
        }
        Protocol::Xmpp {
            jid,
            register,
            mechanism_seen,
            learnt,
            login,
            ..
        } => {
            let network = Network::Xmpp {
                way: credentials::read(login, learnt),
                jid: BareJid::new(jid).map_err(|_| unusable())?,
                register: *register,
                mechanism_seen: mechanism_seen.as_deref().and_then(xmpp::Mechanism::from_name),
            };
            Ok((network, model::Protocol::Xmpp, jid))
        }
    }
}

fn read_irc(kept: &Protocol) -> Option<IrcWay> {
    let Protocol::Irc {
        address,
        login,
        mechanism_seen,
        login_key,
        certificate,
        certificate_key,
        ..
    } = kept
    else {
        return None;
    };
    let (nick, network) = irc_names(&address.parse().ok()?)?;
    let key = login_key.as_ref().map(|key| key.expose_secret());
    let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
    let certificate = certificate.as_ref().zip(certificate_key.as_ref());
    let certificate = certificate.map(|(certificate, key)| {
        let (certificate, key) = (certificate.expose_secret(), key.expose_secret());
        dial::tls::Identity::from_der(certificate.to_vec(), key.to_vec())
    });
    Some(IrcWay {
        nick,
        network,
        login: read_login(*login),
        key: key.map(Zeroizing::new),
        certificate,
        mechanism_seen: mechanism_seen.as_deref().and_then(mechanism_named),
    })
}

/// What the services of an account's network have to be told; none where it has no such services.
pub(super) fn login_keys(kept: &vault::Account) -> Option<model::LoginKeys> {
    let way = read_irc(&kept.protocol)?;
    let certificate = way.certificate?;
    let key = way.key.and_then(|key| irc::LoginKey::from_bytes(&key))?;
    Some(model::LoginKeys {
        login: match way.login {
            IrcLogin::Bouncer => model::ServicesLogin::Bouncer,
            IrcLogin::Certificate => model::ServicesLogin::Certificate,
            IrcLogin::Key => model::ServicesLogin::Key,
            IrcLogin::NickServ => model::ServicesLogin::NickServ,
            IrcLogin::None => model::ServicesLogin::None,
            IrcLogin::Password => model::ServicesLogin::Password,
        },
        certificate_sha256: certificate.sha256(),
        certificate_sha512: certificate.sha512(),
        public_key: key.public(),
    })
}

fn unusable() -> Problem {
    Problem::new(
        "account.unusable",
        "The profile's entry for an account cannot be used.",
    )
}

fn keep_login(login: model::ServicesLogin) -> vault::IrcLogin {
    match login {
        model::ServicesLogin::Bouncer => vault::IrcLogin::Bouncer,
        model::ServicesLogin::Certificate => vault::IrcLogin::Certificate,
        model::ServicesLogin::Key => vault::IrcLogin::Key,
        model::ServicesLogin::NickServ => vault::IrcLogin::NickServ,
        model::ServicesLogin::None => vault::IrcLogin::None,
        model::ServicesLogin::Password => vault::IrcLogin::Password,
    }
}

fn read_login(kept: vault::IrcLogin) -> IrcLogin {
    match kept {
        vault::IrcLogin::Bouncer => IrcLogin::Bouncer,
        vault::IrcLogin::Certificate => IrcLogin::Certificate,
        vault::IrcLogin::Key => IrcLogin::Key,
        vault::IrcLogin::NickServ => IrcLogin::NickServ,
        vault::IrcLogin::None => IrcLogin::None,
        vault::IrcLogin::Password => IrcLogin::Password,
    }
}

fn keep_transport(transport: Transport) -> TlsPolicy {
    match transport {
        Transport::DirectTls => TlsPolicy::Direct,
        Transport::PlainOverOnion => TlsPolicy::PlainOnion,
        Transport::StartTls => TlsPolicy::StartTls,
    }
}

fn read_transport(tls: TlsPolicy) -> Transport {
    match tls {
        TlsPolicy::Auto | TlsPolicy::Direct => Transport::DirectTls,
        TlsPolicy::PlainOnion => Transport::PlainOverOnion,
        TlsPolicy::StartTls => Transport::StartTls,
    }
}
