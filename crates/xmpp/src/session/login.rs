//! From a standing transport to a resource: TLS, account, SASL, resume or bind.
//! Must never say more than a header before TLS, and never go on with a server that has not proven itself.
//! RFC 6120 4-7, RFC 7590, XEP-0077, XEP-0198 3 and 5.

use jid::FullJid;
use minidom::Element;
use xmpp_parsers::bind::BindQuery;
use xmpp_parsers::iq::Iq;
use xmpp_parsers::roster::Roster;

use super::requests::Kind;
use super::{Phase, Registration, Session, Step};
use crate::config::{Credential, Tls};
use crate::error::OfflineReason;
use crate::event::Event;
use crate::framing::Frame;
use crate::sasl::{self, Exchange, Offer};
use crate::sasl2::{self, Attempt};
use crate::sm::Management;
use crate::{ns, preauth, registration, write};

/// Most mechanism names that are looked at.
const MOST_MECHANISMS: usize = 64;

/// Where a login stands: each state is named for what it awaits.
pub(crate) enum Login {
    /// The server's stream header.
    Header(Stage),
    /// The server's stream features.
    Features(Stage),
    /// Leave to start TLS.
    Proceed,
    /// The caller's word that TLS stands.
    TlsEstablished,
    /// Whether the server takes the invitation.
    Invited(Request),
    /// The fields that the server wants for a new account.
    Form(Request),
    /// The verdict on the new account.
    Registered(Request),
    /// A challenge or the verdict of SASL.
    Sasl(Exchange),
    /// The same, by XEP-0388.
    Sasl2(Attempt),
    /// The old stream, or the news that it is gone.
    Resumed,
    /// A resource.
    Bound { id: String, management: bool },
    /// Leave to count stanzas.
    Enabled,
    /// Nothing: a step is being taken, or has failed.
    Over,
}

/// How far a stream is to be trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Nothing protects it.
    Exposed,
    /// TLS or an onion circuit protects it.
    Protected,
    /// Both sides have proven themselves.
    Authenticated,
    /// There is a resource, too.
    Bound,
}

/// A request that was sent before SASL, and what to go on with after it.
pub(crate) struct Request {
    id: String,
    offer: Offer,
    /// An earlier transport was cut off after the form was sent: the account may have been made.
    again: bool,
}

pub(crate) type Next = Result<Phase, OfflineReason>;

impl Session {
    pub(super) fn connected(&mut self, step: &mut Step<'_>) {
        if !matches!(self.phase, Phase::Down) {
            self.end(OfflineReason::ConnectionLost, step.now);
        }
        self.forget_if_expired(step.now);
        self.clock.login(step.now, &self.config.limits);
        let stage = match self.config.tls {
            Tls::Direct | Tls::PlainOverOnion => Stage::Protected,
            Tls::StartTls => Stage::Exposed,
        };
        self.awaits_features = false;
        self.phase = Phase::Login(Login::Header(stage));
        self.open_stream(self.names_itself(stage));
    }

    pub(super) fn tls_established(&mut self) {
        if self.awaits_tls() {
            self.phase = Phase::Login(Login::Header(Stage::Protected));
            self.open_stream(self.names_itself(Stage::Protected));
        }
    }

    /// Whether the header says whose stream it is. Where nothing protects it nobody learns that.
    fn names_itself(&self, stage: Stage) -> bool {
        let by_password = self.config.credential == Credential::Password;
        by_password && stage == Stage::Protected && self.registration == Registration::Unneeded
    }

    pub(super) fn awaits_tls(&self) -> bool {
        matches!(self.phase, Phase::Login(Login::TlsEstablished))
    }

    /// One step of a login; gives the phase that follows.
    pub(super) fn log_in(&mut self, login: Login, frame: Frame, step: &mut Step<'_>) -> Next {
        let (login, element) = match (login, frame) {
            (Login::Header(stage), Frame::Opened { version }) => {
                return opened(stage, version.as_deref());
            }
            // A stanza too large for us, from someone else, while the resource is being set up.
            (login @ (Login::Bound { .. } | Login::Enabled | Login::Resumed), Frame::Discarded(_)) => {
                return Ok(Phase::Login(login));
            }
            (login, Frame::Element(element)) => (login, element),
            _ => return Err(OfflineReason::UnexpectedElement),
        };
        match login {
            Login::Features(stage) => self.features(stage, &element, step),
            Login::Proceed => self.proceed(&element),
            Login::Invited(request) => self.invited(request, &element, step),
            Login::Form(request) => self.form(request, &element, step),
            Login::Registered(request) => self.registered(request, &element, step),
            Login::Sasl(exchange) => self.sasl(exchange, &element),
            Login::Sasl2(attempt) => self.sasl2(attempt, &element, step),
            Login::Resumed => self.resumed(&element, step),
            Login::Bound { id, management } => self.bound(id, management, &element, step),
            Login::Enabled => self.enabled(element, step),
            Login::Header(_) | Login::TlsEstablished | Login::Over => Err(OfflineReason::UnexpectedElement),
        }
    }

    fn features(&mut self, stage: Stage, element: &Element, step: &mut Step<'_>) -> Next {
        if !element.is("features", ns::STREAM) {
            return Err(OfflineReason::UnexpectedElement);
        }
        match stage {
            Stage::Exposed => {
                if element.get_child("starttls", ns::TLS).is_none() {
                    return Err(OfflineReason::NoTls);
                }
                let namespace = ns::TLS;
                self.write(format!("<starttls xmlns='{namespace}'/>").into_bytes());
                Ok(Phase::Login(Login::Proceed))
            }
            Stage::Protected => {
                let offer = self.offer(element);
                if self.registration == Registration::Unneeded {
                    self.start_sasl(&offer, step)
                } else {
                    self.show_invitation(offer, step)
                }
            }
            Stage::Authenticated => self.resume_or_bind(element, step),
            Stage::Bound => self.count_or_stand(element.get_child("sm", ns::SM).is_some(), step),
        }
    }

    /// RFC 6120 6.3.3, or XEP-0388 where a password is proven.
    fn offer(&self, features: &Element) -> Offer {
        let by_password = self.config.credential == Credential::Password;
        let offered = sasl2::offer(features).filter(|_| by_password);
        let bindings = bindings(features);
        if let Some((mechanisms, inline)) = offered {
            let inline = Some(inline);
            return Offer {
                mechanisms,
                bindings,
                inline,
            };
        }
        let mechanisms = features
            .get_child("mechanisms", ns::SASL)
            .into_iter()
            .flat_map(Element::children)
            .filter(|child| child.is("mechanism", ns::SASL))
            .take(MOST_MECHANISMS)
            .map(|child| child.text().trim().to_owned())
            .collect();
        Offer {
            mechanisms,
            bindings,
            inline: None,
        }
    }

    fn proceed(&mut self, element: &Element) -> Next {
        if !element.is("proceed", ns::TLS) {
            return Err(OfflineReason::NoTls);
        }
        self.out.push_back(crate::event::Output::StartTls);
        Ok(Phase::Login(Login::TlsEstablished))
    }

    fn show_invitation(&mut self, offer: Offer, step: &mut Step<'_>) -> Next {
        let Some(token) = &self.config.invitation else {
            return self.ask_for_form(offer, step);
        };
        let id = write::random_id(step.rng);
        let shown = preauth::show(&self.config, &id, token).map_err(|_| OfflineReason::InvitationRefused)?;
        self.write(shown);
        let again = false;
        Ok(Phase::Login(Login::Invited(Request { id, offer, again })))
    }

    fn invited(&mut self, request: Request, element: &Element, step: &mut Step<'_>) -> Next {
        if !request.is_answered_by(element) {
            return Err(OfflineReason::UnexpectedElement);
        }
        // Whoever was cut off after the form was sent has used it up: then the account may have been made.
        if element.attr("type") == Some("result") || self.registration == Registration::Attempted {
            return self.ask_for_form(request.offer, step);
        }
        Err(OfflineReason::InvitationRefused)
    }

    fn ask_for_form(&mut self, offer: Offer, step: &mut Step<'_>) -> Next {
        let id = write::random_id(step.rng);
        let ask = registration::ask(&self.config, &id).map_err(|_| OfflineReason::RegistrationRefused)?;
        self.write(ask);
        let again = self.registration == Registration::Attempted;
        Ok(Phase::Login(Login::Form(Request { id, offer, again })))
    }

    fn form(&mut self, request: Request, element: &Element, step: &mut Step<'_>) -> Next {
        if !request.is_answered_by(element) {
            return Err(OfflineReason::UnexpectedElement);
        }
        if element.attr("type") != Some("result") {
            return Err(registration::refusal(condition(element)));
        }
        let id = write::random_id(step.rng);
        let answer = registration::fill(&self.config, &id, element.children().next())?;
        self.write(answer);
        self.registration = Registration::Attempted;
        Ok(Phase::Login(Login::Registered(Request { id, ..request })))
    }

    fn registered(&mut self, request: Request, element: &Element, step: &mut Step<'_>) -> Next {
        if !request.is_answered_by(element) {
            return Err(OfflineReason::UnexpectedElement);
        }
        if element.attr("type") == Some("result") {
            self.registration = Registration::Unneeded;
            self.tell(Event::Registered);
            return self.start_sasl(&request.offer, step);
        }
        match registration::refusal(condition(element)) {
            // The account that stands in the way may be ours; the password tells.
            OfflineReason::NameTaken if request.again => {
                self.registration = Registration::Unneeded;
                self.start_sasl(&request.offer, step)
            }
            reason => {
                self.registration = Registration::Wanted;
                Err(reason)
            }
        }
    }

    fn start_sasl(&mut self, offer: &Offer, step: &mut Step<'_>) -> Next {
        let bindings = std::mem::take(&mut self.bindings);
        let mechanism = sasl::select(offer, self.seen, &self.config, &bindings)?;
        if mechanism.proves_password() {
            // From here on a weaker offer is refused, whether or not this login succeeds.
            self.seen = self.seen.max(Some(mechanism));
        }
        self.mechanism = mechanism;
        if let Some(inline) = &offer.inline {
            return self.authenticate(offer, inline, &bindings, step);
        }
        let nonce = write::nonce(step.rng);
        let (first, exchange) = sasl::start(mechanism, offer, &self.config, &bindings, nonce)?;
        self.write(sasl::auth(mechanism, &first));
        Ok(Phase::Login(Login::Sasl(exchange)))
    }

    fn sasl(&mut self, exchange: Exchange, element: &Element) -> Next {
        if element.is("challenge", ns::SASL) {
            let (response, next) = exchange.challenge(element, ns::SASL)?;
            self.write(response);
            return Ok(Phase::Login(Login::Sasl(next)));
        }
        if element.is("failure", ns::SASL) {
            return Err(sasl::failure(element));
        }
        if !element.is("success", ns::SASL) {
            return Err(OfflineReason::UnexpectedElement);
        }
        exchange.success(&element.text())?;
        self.open_stream(false);
        Ok(Phase::Login(Login::Header(Stage::Authenticated)))
    }

    fn resume_or_bind(&mut self, features: &Element, step: &mut Step<'_>) -> Next {
        let offered = features.get_child("sm", ns::SM).is_some();
        let resume = self
            .management
            .as_ref()
            .filter(|_| offered)
            .and_then(Management::resume);
        match resume {
            Some(resume) => {
                self.write(resume);
                Ok(Phase::Login(Login::Resumed))
            }
            None => {
                self.give_up();
                self.bind(offered, step)
            }
        }
    }

    pub(crate) fn resumed(&mut self, element: &Element, step: &mut Step<'_>) -> Next {
        let h = element.attr("h").and_then(|h| h.parse().ok());
        if element.is("failed", ns::SM) {
            // The server may still know how far it had come.
            if let Some(h) = h {
                self.acknowledge(h)?;
            }
            self.give_up();
            return self.bind(true, step);
        }
        let ours = self.management.as_ref().is_some_and(|m| m.is_resumed_by(element));
        let (true, true, Some(h)) = (element.is("resumed", ns::SM), ours, h) else {
            return Err(OfflineReason::UnexpectedElement);
        };
        self.acknowledge(h)?;
        let jid = self.jid.clone().ok_or(OfflineReason::UnexpectedElement)?;
        let again: Vec<Vec<u8>> = self
            .management
            .iter_mut()
            .flat_map(|management| {
                management.revive();
                management
                    .unacknowledged()
                    .map(<[u8]>::to_vec)
                    .collect::<Vec<_>>()
            })
            .collect();
        for stanza in again {
            self.write(stanza);
        }
        self.stand(jid, true, step);
        Ok(Phase::Online)
    }

    fn bind(&mut self, management: bool, step: &mut Step<'_>) -> Next {
        let id = write::random_id(step.rng);
        let request = write::request(Iq::from_set(id.clone(), BindQuery::new(None)))
            .map_err(|_| OfflineReason::SessionRefused)?;
        self.write(request);
        Ok(Phase::Login(Login::Bound { id, management }))
    }

    fn bound(&mut self, id: String, management: bool, element: &Element, step: &mut Step<'_>) -> Next {
        if !element.is("iq", ns::CLIENT) || element.attr("id") != Some(&id) {
            // Nothing may come before the resource; what comes all the same is not for us.
            return Ok(Phase::Login(Login::Bound { id, management }));
        }
        let jid = element
            .get_child("bind", ns::BIND)
            .and_then(|bind| bind.get_child("jid", ns::BIND))
            .and_then(|jid| FullJid::new(&jid.text()).ok())
            .filter(|jid| self.is_own(jid))
            .filter(|_| element.attr("type") == Some("result"))
            .ok_or(OfflineReason::SessionRefused)?;
        self.begin(jid);
        self.count_or_stand(management, step)
    }

    /// Has stanzas counted where the server can.
    fn count_or_stand(&mut self, management: bool, step: &mut Step<'_>) -> Next {
        if management {
            let namespace = ns::SM;
            self.write(format!("<enable xmlns='{namespace}' resume='true'/>").into_bytes());
            self.management = Some(Management::new());
            return Ok(Phase::Login(Login::Enabled));
        }
        let jid = self.jid.clone().ok_or(OfflineReason::UnexpectedElement)?;
        self.stand(jid, false, step);
        self.ask_for_roster(step)?;
        Ok(Phase::Online)
    }

    fn enabled(&mut self, element: Element, step: &mut Step<'_>) -> Next {
        if element.is("enabled", ns::SM) {
            if let Some(management) = &mut self.management {
                management.enable(&element);
            }
        } else if element.is("failed", ns::SM) {
            self.management = None;
        } else {
            // A stanza on its way before the count starts.
            self.take_stanza(Frame::Element(element), step)?;
            return Ok(Phase::Login(Login::Enabled));
        }
        let jid = self.jid.clone().ok_or(OfflineReason::UnexpectedElement)?;
        self.stand(jid, false, step);
        self.ask_for_roster(step)?;
        Ok(Phase::Online)
    }

    /// An anonymous account is called what the server calls it, at its own domain.
    fn is_own(&self, jid: &FullJid) -> bool {
        match self.config.credential {
            Credential::Anonymous => jid.domain() == self.config.jid.domain(),
            Credential::Certificate | Credential::Password => jid.to_bare() == self.config.jid,
        }
    }

    /// A new session, which knows nothing of what the former one asked.
    pub(crate) fn begin(&mut self, jid: FullJid) {
        if self.config.credential == Credential::Anonymous {
            self.config.jid = jid.to_bare();
        }
        self.jid = Some(jid);
        self.requests.clear();
    }

    /// The stream stands.
    pub(crate) fn stand(&mut self, jid: FullJid, resumed: bool, step: &mut Step<'_>) {
        let mechanism = self.mechanism;
        self.clock.online(step, &self.config.limits);
        self.tell(Event::Online {
            jid,
            resumed,
            mechanism,
        });
        self.request_acknowledgement(step.now);
    }

    pub(crate) fn ask_for_roster(&mut self, step: &mut Step<'_>) -> Result<(), OfflineReason> {
        let roster = Roster {
            ver: None,
            items: Vec::new(),
        };
        let sent = self.ask(Kind::Roster, None, step, |id| Iq::from_get(id, roster));
        sent.map_err(|_| OfflineReason::SessionRefused)
    }
}

impl Request {
    /// Before SASL there is nobody on the stream but the server, so the id is enough.
    fn is_answered_by(&self, element: &Element) -> bool {
        element.is("iq", ns::CLIENT) && element.attr("id") == Some(&self.id)
    }
}

fn opened(stage: Stage, version: Option<&str>) -> Next {
    let major = version.and_then(|version| version.split('.').next());
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(1..) => Ok(Phase::Login(Login::Features(stage))),
        _ => Err(OfflineReason::UnsupportedVersion),
    }
}

/// Its kinds of channel binding (XEP-0440 3).
fn bindings(features: &Element) -> Option<Vec<String>> {
    let bindings = features.get_child("sasl-channel-binding", ns::CHANNEL_BINDING)?;
    let kinds = bindings.children().filter_map(|child| child.attr("type"));
    Some(kinds.take(MOST_MECHANISMS).map(str::to_owned).collect())
}

/// The name of the condition in a stanza error (RFC 6120 8.3.2).
pub(crate) fn condition(stanza: &Element) -> Option<&str> {
    stanza
        .get_child("error", ns::CLIENT)?
        .children()
        .find(|child| child.has_ns(ns::STANZA_ERRORS) && child.name() != "text")
        .map(Element::name)
}
