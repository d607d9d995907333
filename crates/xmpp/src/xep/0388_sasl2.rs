//! XEP-0388 Extensible SASL Profile with XEP-0386 Bind 2: login, resume or resource, and counting in one round.
//! Must never choose a weaker mechanism than without it, nor name the program to the server.
//! XEP-0388, XEP-0386, XEP-0484 (tokens), XEP-0198 (inline resume and enable).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jid::FullJid;
use minidom::Element;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::config::FastToken;
use crate::error::OfflineReason;
use crate::event::{Bindings, Event};
use crate::sasl::{self, Exchange, Offer};
use crate::session::{Login, Next, Phase, Session, Stage, Step};
use crate::sm::Management;
use crate::{fast, ns};

/// Most names that are looked at in one list.
const MOST: usize = 64;

/// What can be had in the same step as the login.
#[derive(Clone, Default)]
pub(crate) struct Inline {
    /// A resource (XEP-0386).
    bind: bool,
    /// Counting, with the resource.
    enable: bool,
    /// The former stream (XEP-0198).
    resume: bool,
    /// Kinds of tokens (XEP-0484).
    tokens: Vec<String>,
}

/// A login by XEP-0388 that is under way.
pub(crate) struct Attempt {
    exchange: Exchange,
    /// It is made with a token.
    by_token: bool,
    /// The name and the kind of the token that was asked for.
    asked: Option<(String, bool)>,
}

/// What a server offers by XEP-0388; `None`: it does not speak it.
pub(crate) fn offer(features: &Element) -> Option<(Vec<String>, Inline)> {
    let offered = features.get_child("authentication", ns::SASL2)?;
    let names = |parent: &Element, namespace: &str| -> Vec<String> {
        let children = parent.children();
        let named = children.filter(|child| child.is("mechanism", namespace));
        named
            .take(MOST)
            .map(|child| child.text().trim().to_owned())
            .collect()
    };
    let inline = offered.get_child("inline", ns::SASL2);
    let child = |name: &str, namespace: &str| inline?.get_child(name, namespace);
    let bind = child("bind", ns::BIND2);
    let within = bind.and_then(|bind| bind.get_child("inline", ns::BIND2));
    let mut features = within.into_iter().flat_map(Element::children);
    let inline = Inline {
        bind: bind.is_some(),
        enable: features.any(|feature| feature.attr("var") == Some(ns::SM)),
        resume: child("sm", ns::SM).is_some(),
        tokens: child("fast", ns::FAST)
            .map(|fast| names(fast, ns::FAST))
            .unwrap_or_default(),
    };
    Some((names(offered, ns::SASL2), inline))
}

impl Session {
    /// Logs in by a token where there is one that this connection can be tied to, else by the mechanism that was chosen.
    pub(crate) fn authenticate(
        &mut self,
        offer: &Offer,
        inline: &Inline,
        bindings: &Bindings,
        step: &mut Step<'_>,
    ) -> Next {
        let user = self
            .config
            .jid
            .node()
            .map(|node| node.as_str())
            .unwrap_or_default();
        let token = self.config.token.as_ref();
        if let Some(token) = token
            && let Some((message, awaiting)) = fast::start(token, user, &inline.tokens, bindings)
        {
            let more = format!("<user-agent id='{}'/><fast xmlns='{}'/>", token.agent, ns::FAST);
            let asked = Some((token.agent.clone(), token.exporter));
            let attempt = Attempt {
                exchange: Exchange::Responder(awaiting),
                by_token: true,
                asked,
            };
            self.send_authenticate(fast::name(token.exporter), &message, &more, inline);
            return Ok(Phase::Login(Login::Sasl2(attempt)));
        }
        let nonce = crate::write::nonce(step.rng);
        let mechanism = self.mechanism;
        let (message, exchange) = sasl::start(mechanism, offer, &self.config, bindings, nonce)?;
        let asked = fast::kind(&inline.tokens, bindings).map(|exporter| {
            let agent = token.map_or_else(|| agent(step.rng), |token| token.agent.clone());
            (agent, exporter)
        });
        let more = asked.as_ref().map(|(agent, exporter)| {
            let (namespace, name) = (ns::FAST, fast::name(*exporter));
            format!("<user-agent id='{agent}'/><request-token xmlns='{namespace}' mechanism='{name}'/>")
        });
        let more = more.unwrap_or_default();
        self.send_authenticate(mechanism.name(), message.as_bytes(), &more, inline);
        Ok(Phase::Login(Login::Sasl2(Attempt {
            exchange,
            by_token: false,
            asked,
        })))
    }

    fn send_authenticate(&mut self, mechanism: &str, message: &[u8], more: &str, inline: &Inline) {
        let resume = self.management.as_ref().filter(|_| inline.resume);
        let resume = resume.and_then(Management::resume).unwrap_or_default();
        let enable = if inline.enable {
            format!("<enable xmlns='{}' resume='true'/>", ns::SM)
        } else {
            String::new()
        };
        // A former stream that cannot be had at once is asked for afterwards, which a resource would forbid.
        let former = self.management.as_ref().is_some_and(Management::is_resumable);
        let bind = if inline.bind && (inline.resume || !former) {
            format!("<bind xmlns='{}'>{enable}</bind>", ns::BIND2)
        } else {
            String::new()
        };
        let encoded = Zeroizing::new(STANDARD.encode(message));
        let first = format!(
            "<authenticate xmlns='{}' mechanism='{mechanism}'><initial-response>{}</initial-response>{more}",
            ns::SASL2,
            *encoded
        );
        let parts = [first.as_bytes(), &resume, bind.as_bytes(), b"</authenticate>"];
        self.write(parts.concat());
    }

    pub(crate) fn sasl2(&mut self, attempt: Attempt, element: &Element, step: &mut Step<'_>) -> Next {
        match element.name() {
            _ if !element.has_ns(ns::SASL2) => Err(OfflineReason::UnexpectedElement),
            "challenge" => {
                let (response, exchange) = attempt.exchange.challenge(element, ns::SASL2)?;
                self.write(response);
                Ok(Phase::Login(Login::Sasl2(Attempt { exchange, ..attempt })))
            }
            // The next login goes by the password again.
            "failure" if attempt.by_token => {
                self.config.token = None;
                self.tell(Event::Token(None));
                Err(OfflineReason::TemporaryFailure)
            }
            "failure" => Err(sasl::failure(element)),
            // It wants more than a password: a second factor, a new password.
            "continue" => Err(OfflineReason::NoMechanism),
            "success" => self.authenticated(attempt, element, step),
            _ => Err(OfflineReason::UnexpectedElement),
        }
    }

    fn authenticated(&mut self, attempt: Attempt, success: &Element, step: &mut Step<'_>) -> Next {
        let proof = success.get_child("additional-data", ns::SASL2);
        let proof = proof.map(Element::text).unwrap_or_default();
        attempt.exchange.success(&proof)?;
        if let (Some((agent, exporter)), Some(secret)) = (attempt.asked, fast::given(success)) {
            let token = FastToken {
                agent,
                exporter,
                secret,
            };
            self.config.token = Some(token.clone());
            self.tell(Event::Token(Some(token)));
        }
        if let Some(resumed) = success.get_child("resumed", ns::SM) {
            self.awaits_features = true;
            return self.resumed(resumed, step);
        }
        if let Some(failed) = success.get_child("failed", ns::SM) {
            // The server may still know how far it had come.
            if let Some(h) = failed.attr("h").and_then(|h| h.parse().ok()) {
                self.acknowledge(h)?;
            }
            self.give_up();
        }
        match success.get_child("bound", ns::BIND2) {
            Some(bound) => self.bound_at_once(bound, success, step),
            None => Ok(Phase::Login(Login::Features(Stage::Authenticated))),
        }
    }

    /// The resource came with the login.
    fn bound_at_once(&mut self, bound: &Element, success: &Element, step: &mut Step<'_>) -> Next {
        let name = success.get_child("authorization-identifier", ns::SASL2);
        let jid = name
            .and_then(|name| FullJid::new(name.text().trim()).ok())
            .filter(|jid| jid.to_bare() == self.config.jid)
            .ok_or(OfflineReason::SessionRefused)?;
        self.give_up();
        self.begin(jid.clone());
        let Some(enabled) = bound.get_child("enabled", ns::SM) else {
            return Ok(Phase::Login(Login::Features(Stage::Bound)));
        };
        let mut management = Management::new();
        management.enable(enabled);
        self.management = Some(management);
        self.awaits_features = true;
        self.stand(jid, false, step);
        self.ask_for_roster(step)?;
        Ok(Phase::Online)
    }
}

/// A UUID of version 4 (RFC 9562 5.4), from nothing but chance.
fn agent(rng: &mut dyn CryptoRng) -> String {
    let (high, low) = (rng.next_u64(), rng.next_u64());
    let (first, second, third) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
    let (fourth, fifth) = ((low >> 48) & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
    format!("{first:08x}-{second:04x}-4{third:03x}-{fourth:04x}-{fifth:012x}")
}
