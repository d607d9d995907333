//! How an IRC account is reached and logged in, and what a network's refusals are called over door 1.
//! It must never go in plain text to anything but an onion service, nor choose a weaker login than was used before.
//! RFC 2812; SASL (RFC 4422); the rules of networks stand in `irc::presets`.

use irc::presets::{LoginRule, NETWORKS, Network};
use irc::{Config, Login, LoginKey, Mechanism, Nick, Tls};
use model::{Problem, Rank, Server, Transport};
use zeroize::Zeroizing;

use super::super::places::parse_host;
use super::super::{Candidate, Target};

/// How an account logs in to the services of its network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum IrcLogin {
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

/// What a link needs to know of an IRC account beyond what every account has.
pub(crate) struct IrcWay {
    pub(crate) nick: Nick,
    /// The name of a network of `irc::presets`, or a host.
    pub(crate) network: String,
    pub(crate) login: IrcLogin,
    pub(crate) key: Option<Zeroizing<[u8; 32]>>,
    pub(crate) certificate: Option<dial::tls::Identity>,
    pub(crate) mechanism_seen: Option<Mechanism>,
}

impl IrcWay {
    /// What the session is told.
    pub(super) fn config(&self, password: &Zeroizing<String>, transport: Transport) -> Config {
        let mut config = Config::new(self.nick.clone());
        config.tls = match transport {
            Transport::PlainOverOnion => Tls::PlainOverOnion,
            Transport::DirectTls | Transport::StartTls => Tls::Direct,
        };
        config.mechanism_seen = self.mechanism_seen;
        let account = self.nick.as_str().to_owned();
        let key = self.key.as_ref().and_then(|key| LoginKey::from_bytes(key));
        config.login = match (self.login, key) {
            (IrcLogin::Certificate, _) => Login::Certificate { account: None },
            (IrcLogin::Key, Some(key)) => Login::Key { account, key },
            (IrcLogin::Password, _) => Login::Password {
                account,
                password: password.clone(),
                allow_plain: true,
            },
            (IrcLogin::Bouncer | IrcLogin::NickServ | IrcLogin::None | IrcLogin::Key, _) => Login::None,
        };
        config.server_password = (self.login == IrcLogin::Bouncer).then(|| password.clone());
        config
    }

    /// The certificate to show, where the account has one to show.
    pub(crate) fn identity(&self) -> Option<dial::tls::Identity> {
        // To anybody else it would be a name that links every connection of the account.
        let shown = self.login == IrcLogin::Certificate;
        self.certificate.clone().filter(|_| shown)
    }

    /// Remembers how the account logged in, so that nobody can talk it down to less.
    pub(crate) fn used(&mut self, mechanism: Option<&str>) {
        self.mechanism_seen = mechanism.and_then(mechanism_named).or(self.mechanism_seen);
    }

    /// Where the account's server is, the best first; `tls_at`: the server wanted TLS on this port.
    ///
    /// # Errors
    /// Where the owner's choice, or what the network asks for, makes it impossible.
    pub(crate) fn targets(
        &self,
        server: Option<&Server>,
        tls_at: Option<u16>,
    ) -> Result<Vec<Target>, Problem> {
        let mut targets = self.targets_without_sts(server)?;
        if let Some(port) = tls_at {
            for target in &mut targets {
                (target.candidate.port, target.candidate.transport) = (port, Transport::DirectTls);
            }
        }
        if matches!(self.login, IrcLogin::Bouncer | IrcLogin::NickServ) {
            // These passwords go as they are.
            targets.retain(|target| target.candidate.transport == Transport::DirectTls);
        }
        if targets.is_empty() {
            let text = "This way to log in shows the password to whoever carries the connection, and is used with TLS only. \
                        Choose direct TLS, or another way to log in.";
            return Err(Problem::new("account.password_needs_tls", text));
        }
        Ok(targets)
    }

    fn targets_without_sts(&self, server: Option<&Server>) -> Result<Vec<Target>, Problem> {
        if let Some(server) = server {
            return Ok(vec![self.chosen(server)?]);
        }
        let Some(network) = preset(&self.network) else {
            let host = parse_host(&self.network)?;
            let plain = host.is_onion();
            return Ok(vec![Target {
                candidate: Candidate {
                    host,
                    port: if plain { 6667 } else { 6697 },
                    transport: if plain {
                        Transport::PlainOverOnion
                    } else {
                        Transport::DirectTls
                    },
                },
                name: self.network.clone(),
            }]);
        };
        let mut targets = Vec::new();
        // With an account first where only accounts get in: others may be shut out at the open door.
        let mut addresses: Vec<_> = network.addresses.iter().collect();
        addresses.sort_by_key(|address| (self.login != IrcLogin::None) == (address.login == LoginRule::Open));
        for address in addresses {
            if !self.gets_in(address.login) {
                continue;
            }
            targets.push(Target {
                candidate: Candidate {
                    host: parse_host(address.host)?,
                    port: address.port,
                    transport: match address.certificate_name {
                        Some(_) => Transport::DirectTls,
                        None => Transport::PlainOverOnion,
                    },
                },
                name: address.certificate_name.unwrap_or(address.host).to_owned(),
            });
        }
        if targets.is_empty() {
            let text = "This network lets in over Tor only people who have an account there and log in by certificate or \
                        key. Make the account elsewhere first, and choose one of these ways to log in.";
            return Err(Problem::new("account.irc_needs_account", text));
        }
        Ok(targets)
    }

    fn gets_in(&self, rule: LoginRule) -> bool {
        match rule {
            LoginRule::Open => true,
            LoginRule::Account => !matches!(self.login, IrcLogin::NickServ | IrcLogin::None),
            LoginRule::CertificateOrKey => matches!(self.login, IrcLogin::Certificate | IrcLogin::Key),
        }
    }

    fn chosen(&self, server: &Server) -> Result<Target, Problem> {
        let host = parse_host(&server.host)?;
        if server.transport == Transport::StartTls {
            let text = "IRC has no STARTTLS that would be safe: choose direct TLS.";
            return Err(Problem::new("account.no_starttls", text));
        }
        if server.transport == Transport::PlainOverOnion && !host.is_onion() {
            let text = "A connection without TLS is possible only to an onion address.";
            return Err(Problem::new("account.plain_needs_onion", text));
        }
        let usual = if server.transport == Transport::PlainOverOnion {
            6667
        } else {
            6697
        };
        let names = preset(&self.network).map(|network| {
            let here = network.addresses.iter().find(|here| here.host == server.host);
            let mut all = network.addresses.iter();
            here.and_then(|here| here.certificate_name)
                .or_else(|| all.find_map(|address| address.certificate_name))
                .unwrap_or(network.name)
        });
        Ok(Target {
            candidate: Candidate {
                host,
                port: server.port.unwrap_or(usual),
                transport: server.transport,
            },
            name: names.unwrap_or(&self.network).to_owned(),
        })
    }
}

/// A network that people use over Tor, by its name.
pub(crate) fn preset(name: &str) -> Option<&'static Network> {
    NETWORKS
        .iter()
        .find(|network| network.name.eq_ignore_ascii_case(name))
}

/// The mechanism of this name.
pub(crate) fn mechanism_named(name: &str) -> Option<Mechanism> {
    [
        Mechanism::EcdsaNist256pChallenge,
        Mechanism::External,
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ]
    .into_iter()
    .find(|mechanism| mechanism.name() == name)
}

/// Why a connection ended, for door 1. What other networks know as well has the same name.
pub(super) fn ended(why: irc::OfflineReason) -> Problem {
    use irc::OfflineReason as Why;
    let code = match why {
        Why::Banned => "irc.banned",
        Why::ClosedByServer => "irc.closed_by_server",
        Why::LoginUnavailable => "irc.login_unavailable",
        Why::NickRefused => "irc.nick_refused",
        Why::StsUpgrade { .. } => "irc.sts_upgrade",
        Why::UnexpectedMessage => "irc.unexpected_message",
        Why::Unprotected => "irc.unprotected",
        shared => shared.code(),
    };
    Problem::new(code, why.to_string())
}

/// What the server refused, for door 1.
pub(super) fn refused(problem: irc::Problem) -> Problem {
    use irc::Problem as Why;
    let code = match problem {
        Why::Banned => "irc.room_banned",
        Why::CannotSend => "irc.cannot_send",
        Why::Full => "irc.room_full",
        Why::InviteOnly => "irc.invite_only",
        Why::NeedsAccount => "irc.needs_account",
        Why::NeedsKey => "irc.needs_key",
        Why::NoSuchNick => "irc.no_such_nick",
        Why::NotAllowed => "irc.not_allowed",
        _ => "irc.refused",
    };
    Problem::new(code, problem.to_string())
}

/// What cannot be asked, for door 1.
pub(super) fn told(error: &irc::Error) -> Problem {
    let code = match error {
        irc::Error::NotConnected => "account.not_connected",
        irc::Error::TooLong => "message.too_long",
        irc::Error::IllegalCharacter => "message.illegal_character",
        irc::Error::NotSupported | irc::Error::QueueFull | irc::Error::Unprotected => "irc.refused",
    };
    Problem::new(code, error.to_string())
}

/// What the signs of a member's ranks come to.
pub(super) fn rank(signs: &str) -> Rank {
    signs
        .chars()
        .map(|sign| match sign {
            '~' => Rank::Owner,
            '&' | '@' | '!' => Rank::Administrator,
            '%' => Rank::Moderator,
            '+' => Rank::Trusted,
            _ => Rank::Ordinary,
        })
        .max()
        .unwrap_or_default()
}

/// The modes that make somebody with these signs one of that rank, and how many of them need the nick.
pub(super) fn mode_change(has: &str, rank: Rank) -> (String, usize) {
    let wanted = match rank {
        Rank::Owner => Some('q'),
        Rank::Administrator => Some('o'),
        Rank::Moderator => Some('h'),
        Rank::Trusted => Some('v'),
        Rank::Listener | Rank::Ordinary => None,
    };
    let signs = [('~', 'q'), ('&', 'a'), ('@', 'o'), ('%', 'h'), ('+', 'v')];
    let letters = signs.iter().filter(|(sign, _)| has.contains(*sign));
    let less: String = letters
        .map(|(_, letter)| *letter)
        .filter(|letter| Some(*letter) != wanted)
        .collect();
    let more = wanted.filter(|wanted| !signs.iter().any(|(s, l)| l == wanted && has.contains(*s)));
    let mut modes = String::new();
    if !less.is_empty() {
        modes.push('-');
        modes.push_str(&less);
    }
    if let Some(more) = more {
        modes.push('+');
        modes.push(more);
    }
    let count = less.len() + usize::from(more.is_some());
    (modes, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(network: &str, login: IrcLogin) -> IrcWay {
        IrcWay {
            nick: Nick::new("alice").unwrap(),
            network: network.to_owned(),
            login,
            key: None,
            certificate: None,
            mechanism_seen: None,
        }
    }

    #[test]
    fn a_network_is_entered_only_where_its_rules_let_the_account_in() {
        let refused = |login| {
            way("libera.chat", login)
                .targets(None, None)
                .map(|_| ())
                .unwrap_err()
                .code
        };
        assert_eq!(refused(IrcLogin::None), "account.irc_needs_account");
        assert_eq!(refused(IrcLogin::Password), "account.irc_needs_account");
        let targets = way("Libera.Chat", IrcLogin::Certificate)
            .targets(None, None)
            .unwrap();
        assert_eq!(targets[0].name, "palladium.libera.chat");
        assert!(targets[0].candidate.host.is_onion());
        assert_eq!(targets[0].candidate.transport, Transport::DirectTls);
        let with = way("hackint", IrcLogin::Password).targets(None, None).unwrap();
        let without = way("hackint", IrcLogin::None).targets(None, None).unwrap();
        assert_eq!((with.len(), without.len()), (2, 1));
        assert!(with[0].candidate.host != without[0].candidate.host);
    }

    #[test]
    fn a_password_that_others_could_read_goes_by_tls_only() {
        let onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
        for login in [IrcLogin::Bouncer, IrcLogin::NickServ] {
            let refused = way(onion, login).targets(None, None).map(|_| ()).unwrap_err();
            assert_eq!(refused.code, "account.password_needs_tls");
            assert_eq!(way("irc.example", login).targets(None, None).unwrap().len(), 1);
            assert_eq!(way(onion, login).targets(None, Some(6697)).unwrap().len(), 1);
        }
    }

    #[test]
    fn another_host_has_to_show_the_name_of_the_network() {
        let server = |host: &str, transport| Server {
            host: host.to_owned(),
            port: None,
            transport,
        };
        let onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
        let own = way("irc.example", IrcLogin::None);
        let target = own
            .targets(Some(&server(onion, Transport::DirectTls)), None)
            .unwrap();
        assert_eq!(target[0].name, "irc.example");
        let refused = |host, transport| {
            let targets = own.targets(Some(&server(host, transport)), None);
            targets.map(|_| ()).unwrap_err().code
        };
        assert_eq!(
            refused("irc.example", Transport::PlainOverOnion),
            "account.plain_needs_onion"
        );
        assert_eq!(refused("irc.example", Transport::StartTls), "account.no_starttls");
    }

    #[test]
    fn a_server_that_wants_tls_is_reached_by_nothing_else() {
        let onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
        let own = way(onion, IrcLogin::None);
        let transport = |tls_at| own.targets(None, tls_at).unwrap()[0].candidate.transport;
        assert_eq!(transport(None), Transport::PlainOverOnion);
        assert_eq!(transport(Some(6697)), Transport::DirectTls);
    }

    #[test]
    fn a_rank_is_given_and_taken_by_the_modes_that_change() {
        assert_eq!(mode_change("", Rank::Administrator), ("+o".to_owned(), 1));
        assert_eq!(mode_change("@+", Rank::Trusted), ("-o".to_owned(), 1));
        assert_eq!(mode_change("@", Rank::Trusted), ("-o+v".to_owned(), 2));
        assert_eq!(mode_change("@%", Rank::Ordinary), ("-oh".to_owned(), 2));
        assert_eq!(mode_change("+", Rank::Trusted), (String::new(), 0));
        assert_eq!(
            (rank("@+"), rank(""), rank("~@")),
            (Rank::Administrator, Rank::Ordinary, Rank::Owner)
        );
    }
}
