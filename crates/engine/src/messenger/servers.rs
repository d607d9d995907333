//! What an account keeps of its server, and what the owner decides about it: a key to accept, who is asked for it.
//! It must never accept a key that was not shown to the owner. `docs/rpc.md`; docs/decisions/0011-names.md.

use dial::find::Resolver;
use dial::tls::{IssuerHash, KnownServer, SpkiHash};
use model::{AccountId, AccountResolvers, AccountState, Problem, Resolvers, TrustServer};
use vault::{Learnt, Profile, Protocol, TlsOnly};

use super::accounts::{Account, busy};
use super::effects::unix_milliseconds;
use super::people::no_such_account;
use super::{Messenger, kept_accounts, locked, profile};
use crate::link::{Change, Order};

/// Most name servers that an account asks.
const MOST_RESOLVERS: usize = 8;

impl Messenger {
    /// Remembers who the server is, after a login. A full disk does not stop a login.
    pub(super) fn keep_server(&mut self, id: AccountId, server: KnownServer) {
        if let Some(open) = &mut self.open {
            let _ = open.vault.change(|kept| keep_server(kept, id, server));
        }
    }

    /// Remembers that the server wants TLS only, and for how long. A full disk does not stop a login.
    pub(super) fn keep_tls_only(&mut self, id: AccountId, port: u16, seconds: u64) {
        let until = (unix_milliseconds() / 1000).saturating_add(seconds);
        let wish = (seconds > 0).then_some(TlsOnly { port, until });
        if let Some(open) = &mut self.open {
            let _ = open.vault.change(|kept| {
                if let Some(learnt) = learnt(kept, id) {
                    learnt.tls_only = wish;
                }
            });
        }
    }

    /// Accepts the key at which the account stopped, and connects again.
    pub(super) fn trust_server(&mut self, with: &TrustServer) -> Result<(), Problem> {
        let key = profile::parse_pin(&with.key)?;
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get_mut(&with.account);
        let account = account.ok_or_else(no_such_account)?;
        let shown = match &account.shown.state {
            AccountState::Failed { problem } if CODES.contains(&problem.code.as_str()) => &problem.about[..],
            _ => &[],
        };
        if !shown.contains(&key.to_string()) {
            let text = "The account did not stop because of this key.";
            return Err(Problem::new("account.no_such_key", text));
        }
        open.vault
            .change(|kept| keep_trusted(kept, with.account, key))
            .map_err(|error| profile::told(&error))?;
        turn(account, open.vault.profile(), with.account)
    }

    /// Who is asked where an account's server is; with a list, from now on.
    pub(super) fn resolvers(&mut self, with: &AccountResolvers) -> Result<Resolvers, Problem> {
        let open = self.open.as_mut().ok_or_else(locked)?;
        let account = open.accounts.get(&with.account).ok_or_else(no_such_account)?;
        if account.shown.protocol == model::Protocol::Irc {
            let text = "Only servers of XMPP are looked for by name servers.";
            return Err(Problem::new("account.no_resolvers", text));
        }
        if let Some(chosen) = &with.resolvers {
            let parsed: Result<Vec<Resolver>, _> = chosen.iter().map(|text| Resolver::parse(text)).collect();
            let parsed = parsed.ok().filter(|parsed| parsed.len() <= MOST_RESOLVERS);
            let parsed = parsed.ok_or_else(|| {
                let text = format!("At most {MOST_RESOLVERS} name servers, each as name or name@address.");
                Problem::new("account.bad_resolvers", text)
            })?;
            open.vault
                .change(|kept| keep_resolvers(kept, with.account, &parsed))
                .map_err(|error| profile::told(&error))?;
            turn(account, open.vault.profile(), with.account)?;
        }
        let mut kept = open.vault.profile().accounts.iter();
        let kept = kept.find(|kept| kept.id == with.account.0);
        let kept = kept_accounts::read_account(kept.ok_or_else(no_such_account)?)?;
        Ok(Resolvers {
            resolvers: kept.resolvers.iter().map(ToString::to_string).collect(),
        })
    }
}

/// The problems that end with a key to accept.
const CODES: [&str; 3] = ["tls.key_changed", "tls.keys_differ", "tls.untrusted"];

/// Sends an account the way that the profile has for it now.
///
/// # Errors
/// Where its entry cannot be used, or it has too much to do.
pub(super) fn turn(account: &Account, profile: &Profile, id: AccountId) -> Result<(), Problem> {
    let kept = profile.accounts.iter().find(|kept| kept.id == id.0);
    let kept = kept_accounts::read_account(kept.ok_or_else(no_such_account)?)?;
    let change = Change {
        password: kept.password,
        server: kept.shown.server,
        pins: kept.pins,
        known: kept.known,
        resolvers: kept.resolvers,
        tls_at: kept.tls_at,
        login: kept.login,
        way: kept.way,
    };
    let orders = &account.orders;
    orders
        .try_send(Order::Change(Box::new(change)))
        .map_err(|_| busy())?;
    if account.shown.connect {
        orders.try_send(Order::Connect).map_err(|_| busy())?;
    }
    Ok(())
}

fn learnt(kept: &mut Profile, id: AccountId) -> Option<&mut Learnt> {
    let account = kept.accounts.iter_mut().find(|account| account.id == id.0)?;
    let (Protocol::Irc { learnt, .. } | Protocol::Xmpp { learnt, .. }) = &mut account.protocol;
    Some(learnt)
}

/// The server as it was at the last login.
fn keep_server(kept: &mut Profile, id: AccountId, server: KnownServer) {
    if let Some(learnt) = learnt(kept, id) {
        learnt.server_key = Some(server.key.to_string());
        learnt.server_issuer = server.issuer.map(|issuer| issuer.to_string());
    }
}

/// A key that the owner accepted by hand; it takes the place of pins too, which would forbid it.
fn keep_trusted(kept: &mut Profile, id: AccountId, key: SpkiHash) {
    keep_server(kept, id, KnownServer { key, issuer: None });
    if let Some(account) = kept.accounts.iter_mut().find(|account| account.id == id.0) {
        let (Protocol::Irc { pins, .. } | Protocol::Xmpp { pins, .. }) = &mut account.protocol;
        if !pins.is_empty() {
            *pins = vec![key.to_string()];
        }
    }
}

fn keep_resolvers(kept: &mut Profile, id: AccountId, resolvers: &[Resolver]) {
    if let Some(learnt) = learnt(kept, id) {
        learnt.resolvers = Some(resolvers.iter().map(ToString::to_string).collect());
    }
}

/// The server as it was at the last login.
pub(super) fn known_server(learnt: &Learnt) -> Option<KnownServer> {
    let key = SpkiHash::from_hex(learnt.server_key.as_deref()?).ok()?;
    let issuer = learnt.server_issuer.as_deref();
    let issuer = issuer.and_then(|issuer| IssuerHash::from_hex(issuer).ok());
    Some(KnownServer { key, issuer })
}

/// The port on which the server wants TLS, while that counts.
pub(super) fn tls_at(learnt: &Learnt) -> Option<u16> {
    let wish = learnt
        .tls_only
        .filter(|wish| (unix_milliseconds() / 1000) < wish.until);
    wish.map(|wish| wish.port)
}

/// Who is asked for the server: those that the owner chose, or the usual ones.
pub(super) fn resolvers(learnt: &Learnt) -> Vec<Resolver> {
    match &learnt.resolvers {
        Some(chosen) => chosen
            .iter()
            .filter_map(|text| Resolver::parse(text).ok())
            .collect(),
        None => Resolver::usual(),
    }
}
