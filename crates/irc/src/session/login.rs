//! From a standing transport to the end of the greeting: capabilities, account, nick.
//! Must never say who we are beyond a nick and two fixed words, nor go on with a server that has not proven itself.
//! RFC 1459 4.1, IRCv3 capability negotiation 302, sasl-3.2.

use zeroize::Zeroizing;

use super::{Connection, Phase, Session, Step};
use crate::caps::Cap;
use crate::config::{Login as Credentials, Mechanism, Tls};
use crate::error::OfflineReason;
use crate::event::{Event, LoginStep, Output};
use crate::name::Nick;
use crate::nick;
use crate::sasl::{self, Exchange};
use crate::sts::{self, StsPolicy};
use crate::time::ServerTime;
use crate::wire::{self, Message, Source};

/// What everybody's user name is.
const USER: &str = "user";
/// What everybody calls themselves.
const REAL_NAME: &str = "user";
/// Nicks that are tried before we give up.
const MOST_TRIES: u32 = 8;

/// Where a login stands: each state is named for what it awaits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Login {
    /// What the server can do. One without capabilities lets us in at once.
    Offer,
    /// What of it is switched on.
    Agreement,
    /// The end of the login to the account.
    Account,
    /// To be let in under a nick.
    Welcome,
    /// The end of the greeting.
    Greeting,
}

type Done = Result<(), OfflineReason>;

impl Session {
    pub(super) fn connected(&mut self, step: &mut Step<'_>) {
        if self.phase != Phase::Down {
            return;
        }
        self.connection = Connection::new(&self.config);
        self.clock.login(step.now, &self.config.limits);
        self.phase = Phase::Login(Login::Offer);
        if self.config.tls != Tls::Direct && self.config.server_password.is_some() {
            return self.end(OfflineReason::Unprotected);
        }
        self.tell(Event::Step(LoginStep::Negotiating));
        self.write("CAP", &["LS", "302"]);
        let password = self.config.server_password.clone();
        if let Some(password) = password {
            self.write("PASS", &[&password]);
        }
        let nick = self.config.nick.clone();
        self.write("NICK", &[nick.as_str()]);
        self.write("USER", &[USER, "0", "*", REAL_NAME]);
    }

    fn wants_login(&self) -> bool {
        !matches!(self.config.login, Credentials::None)
    }

    /// CAP.
    pub(super) fn capabilities(&mut self, message: &Message<'_>, step: &mut Step<'_>) -> Done {
        let list = message.last();
        match message.parameter(1) {
            "LS" => {
                self.connection.caps.offer(list);
                let more = message.parameter(2) == "*" && message.parameters.len() > 3;
                if !more && self.phase == Phase::Login(Login::Offer) {
                    return self.offered(step);
                }
                Ok(())
            }
            "NEW" => {
                self.connection.caps.offer(list);
                self.heed_sts()?;
                self.request();
                Ok(())
            }
            "DEL" => {
                self.connection.caps.withdraw(list);
                Ok(())
            }
            "ACK" if self.connection.caps.acknowledge(list) => self.agreed(step),
            "NAK" => match self.connection.caps.refuse(list) {
                Some(requests) => {
                    self.send_requests(requests);
                    self.agreed(step)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn offered(&mut self, step: &mut Step<'_>) -> Done {
        self.heed_sts()?;
        self.phase = Phase::Login(Login::Agreement);
        self.request();
        self.agreed(step)
    }

    fn heed_sts(&mut self) -> Done {
        let value = self.connection.caps.value("sts");
        let policy = value.and_then(|value| sts::read(value, self.config.tls));
        if let Some(policy) = policy {
            self.tell(Event::Sts(policy));
        }
        match policy {
            Some(StsPolicy::Upgrade { port }) => Err(OfflineReason::StsUpgrade { port }),
            _ => Ok(()),
        }
    }

    fn request(&mut self) {
        let sasl = self.wants_login() && self.connection.me.account.is_none();
        let requests = self.connection.caps.request(sasl);
        self.send_requests(requests);
    }

    fn send_requests(&mut self, requests: Vec<String>) {
        for names in requests {
            if let Ok(line) = wire::write(&[], "CAP", &["REQ", &format!("{names} ")]) {
                self.out.push_back(Output::Send(line));
            }
        }
    }

    /// Goes on once every request is answered.
    fn agreed(&mut self, step: &mut Step<'_>) -> Done {
        if !self.connection.caps.is_settled() {
            return Ok(());
        }
        let open = self.connection.sasl.is_none() && self.connection.me.account.is_none();
        let sasl = self.wants_login() && self.connection.caps.has(Cap::Sasl) && open;
        match self.phase {
            Phase::Login(Login::Agreement) if sasl => self.start_sasl(step),
            Phase::Login(Login::Agreement) if self.wants_login() => {
                self.account_failed(OfflineReason::LoginUnavailable)
            }
            Phase::Login(Login::Agreement) => {
                self.enter();
                Ok(())
            }
            Phase::Online if sasl => self.start_sasl(step),
            _ => Ok(()),
        }
    }

    fn start_sasl(&mut self, step: &mut Step<'_>) -> Done {
        let offered = self.connection.caps.value("sasl").unwrap_or_default();
        let mechanism = match sasl::select(offered, self.seen, &self.config) {
            Ok(mechanism) => mechanism,
            Err(reason) => return self.account_failed(reason),
        };
        if !offered.is_empty() {
            // From here on a weaker offer is refused, whether or not this login succeeds.
            self.remember(mechanism);
        }
        let nonce = format!("{:016x}{:016x}", step.rng.next_u64(), step.rng.next_u64());
        self.connection.sasl = Some(sasl::start(mechanism, &self.config, nonce)?);
        self.connection.mechanism = Some(mechanism);
        self.write("AUTHENTICATE", &[mechanism.name()]);
        if self.phase == Phase::Login(Login::Agreement) {
            self.phase = Phase::Login(Login::Account);
            self.tell(Event::Step(LoginStep::Authenticating));
        }
        Ok(())
    }

    fn remember(&mut self, mechanism: Mechanism) {
        if mechanism <= Mechanism::ScramSha512 {
            self.seen = self.seen.max(Some(mechanism));
        }
    }

    /// AUTHENTICATE.
    pub(super) fn authenticate(&mut self, message: &Message<'_>) -> Done {
        let Some(exchange) = self.connection.sasl.take() else {
            return Ok(());
        };
        let chunks = &mut self.connection.chunks;
        let whole = chunks
            .push(message.parameter(0))
            .map_err(|_| OfflineReason::UnexpectedMessage);
        let answer = match whole {
            Ok(None) => {
                self.connection.sasl = Some(exchange);
                return Ok(());
            }
            Ok(Some(whole)) => exchange.answer(&whole, &self.config),
            Err(reason) => Err(reason),
        };
        match answer {
            Ok((said, next)) => {
                self.connection.sasl = Some(next);
                for piece in sasl::split(&said) {
                    self.write("AUTHENTICATE", &[&piece]);
                }
                Ok(())
            }
            Err(reason) => {
                self.write("AUTHENTICATE", &["*"]);
                Err(reason)
            }
        }
    }

    /// 903: we are logged in, if the server has proven itself.
    fn account_stands(&mut self) -> Done {
        let Some(exchange) = self.connection.sasl.take() else {
            return Ok(());
        };
        exchange.success()?;
        if let Some(mechanism) = self.connection.mechanism {
            self.remember(mechanism);
        }
        if self.connection.me.account.is_none() {
            // Not every server says 900.
            self.logged_in(self.config.login.account().map(str::to_owned));
        }
        if self.phase == Phase::Login(Login::Account) {
            self.enter();
        }
        Ok(())
    }

    /// 902, 904, 905, 906, 907.
    fn account_refused(&mut self, numeric: &str, step: &mut Step<'_>) -> Done {
        let Some(exchange) = self.connection.sasl.take() else {
            return Ok(());
        };
        let untouched = exchange.is_untouched();
        let listed = std::mem::take(&mut self.connection.asked.mechanisms);
        if untouched && !listed.is_empty() {
            // The server did not say before what it knows; now it has.
            self.connection.caps.offer(&format!("sasl={listed}"));
            let before = self.connection.mechanism;
            let again = sasl::select(&listed, self.seen, &self.config);
            if again.is_ok_and(|mechanism| Some(mechanism) != before) {
                self.phase = match self.phase {
                    Phase::Login(_) => Phase::Login(Login::Agreement),
                    phase => phase,
                };
                return self.start_sasl(step);
            }
        }
        self.connection.mechanism = None;
        self.account_failed(match numeric {
            "906" | "907" => OfflineReason::LoginUnavailable,
            _ if untouched => OfflineReason::NoMechanism,
            _ => OfflineReason::WrongPassword,
        })
    }

    fn account_failed(&mut self, reason: OfflineReason) -> Done {
        if self.config.login_required {
            return Err(reason);
        }
        self.tell(Event::LoginRefused(reason));
        if matches!(self.phase, Phase::Login(Login::Agreement | Login::Account)) {
            self.enter();
        }
        Ok(())
    }

    fn enter(&mut self) {
        self.phase = Phase::Login(Login::Welcome);
        self.tell(Event::Step(LoginStep::Entering));
        self.write("CAP", &["END"]);
    }

    /// The numerics of a login. `None`: it is none of them.
    pub(super) fn login_numeric(&mut self, message: &Message<'_>, step: &mut Step<'_>) -> Option<Done> {
        Some(match message.command {
            "001" if matches!(self.phase, Phase::Login(_)) => self.welcomed(message),
            "376" | "422" if self.phase == Phase::Login(Login::Greeting) => {
                self.settle(step);
                Ok(())
            }
            "431" | "432" | "433" | "436" | "437" if self.in_front_of_the_door() => {
                self.try_another_nick(step)
            }
            "464" if self.in_front_of_the_door() => Err(OfflineReason::WrongPassword),
            "465" | "466" => Err(OfflineReason::Banned),
            "900" => {
                let account = message.parameter(2);
                self.logged_in(Some(account.to_owned()).filter(|account| !account.is_empty()));
                Ok(())
            }
            "901" => {
                self.logged_in(None);
                Ok(())
            }
            "902" | "904" | "905" | "906" | "907" => self.account_refused(message.command, step),
            "903" => self.account_stands(),
            "908" => {
                message
                    .parameter(1)
                    .clone_into(&mut self.connection.asked.mechanisms);
                Ok(())
            }
            _ => return None,
        })
    }

    fn in_front_of_the_door(&self) -> bool {
        matches!(self.phase, Phase::Login(login) if login != Login::Greeting)
    }

    fn logged_in(&mut self, account: Option<String>) {
        self.connection.me.account.clone_from(&account);
        self.tell(Event::Account(account));
    }

    fn try_another_nick(&mut self, step: &mut Step<'_>) -> Done {
        self.connection.tries += 1;
        if self.connection.tries > MOST_TRIES {
            return Err(OfflineReason::NickRefused);
        }
        let longest = self.connection.isupport.nick_length;
        let nick = nick::another(&self.config.nick, longest, step.rng);
        self.write("NICK", &[nick.as_str()]);
        self.connection.me.nick = nick;
        Ok(())
    }

    /// 001.
    fn welcomed(&mut self, message: &Message<'_>) -> Done {
        let unproven = self.connection.sasl.as_ref().map(Exchange::success);
        if let Some(Err(reason)) = unproven {
            return Err(reason);
        }
        let logged_in = self.phase == Phase::Login(Login::Welcome);
        if self.wants_login() && !logged_in {
            // Let in without having been asked who we are.
            self.account_failed(OfflineReason::LoginUnavailable)?;
        }
        if let Some(nick) = Nick::new(message.parameter(0)) {
            self.connection.me.nick = nick;
        }
        let address = message.last().rsplit(' ').next().map(Source::parse);
        if let Some(Source {
            user: Some(user),
            host: Some(host),
            ..
        }) = address
        {
            self.learn_address(user, host);
        }
        self.connection.began = message
            .tags
            .filled("time")
            .and_then(|time| ServerTime::parse(&time));
        self.phase = Phase::Login(Login::Greeting);
        Ok(())
    }

    /// The greeting has ended.
    pub(super) fn settle(&mut self, step: &mut Step<'_>) {
        self.phase = Phase::Online;
        self.clock.online(step, &self.config.limits);
        let me = &self.connection.me;
        let online = Event::Online {
            nick: me.nick.clone(),
            network: self.connection.isupport.network.clone(),
            account: me.account.clone(),
            mechanism: self.connection.mechanism,
        };
        let nick = me.nick.clone();
        let known = me.host.is_some();
        self.tell_greeting();
        self.tell(online);
        // Not to be found by people who search the network.
        self.enqueue("MODE", &[nick.as_str(), "+i"]);
        if !known {
            self.enqueue("USERHOST", &[nick.as_str()]);
        }
        self.begin_regaining(step);
    }

    pub(super) fn learn_address(&mut self, user: &str, host: &str) {
        self.connection.me.user = Some(user.to_owned());
        self.connection.me.host = Some(host.to_owned());
    }

    /// NickServ, where there is no other way.
    pub(super) fn identify(&mut self, password: &Zeroizing<String>) -> Result<(), crate::Error> {
        if self.config.tls != Tls::Direct {
            return Err(crate::Error::Unprotected);
        }
        let words = Zeroizing::new(format!("IDENTIFY {}", **password));
        self.enqueue_or("PRIVMSG", &["NickServ", &words])
    }
}
