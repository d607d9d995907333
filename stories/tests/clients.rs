//! Our messenger and a whole one that is not ours: Debian's profanity, over a private Tor network on our
//! side, a real server between them.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of the stories, where a wrong address is a fault of the test"
)]

use std::time::Duration;

use lab::{LabError, Profanity};
use model::{
    AnswerVerification, Command, Event, MessageId, Privacy, Secret, SetPolicy, StartVerification, Transport,
    Verification,
};
use stories::{Person, Place, SOON, Trouble, proof};

/// Its lines cannot be longer.
const LONGEST_LINE: usize = 1000;

/// The other client, and alice.
struct Pair {
    place: Place,
    alice: Person,
    profanity: Profanity,
}

fn told(error: LabError) -> Trouble {
    Trouble::new(error.to_string())
}

impl Pair {
    /// Both are online and see each other.
    fn arrive() -> Result<Self, Trouble> {
        let place = Place::find()?;
        let mut alice = Person::arrive(&place, "alice", place.by_name(Transport::DirectTls))?;
        let (user, password) = (place.fresh("tty"), "a-word");
        place
            .lab
            .control()
            .register(&user, password, None)
            .map_err(told)?;
        let profanity = Profanity::start(place.info(), &user, password).map_err(told)?;
        alice.otter.add_contact(alice.account, profanity.jid())?;
        let asks = "Received authorization request";
        profanity.wait_for(asks, 1, SOON).map_err(told)?;
        for order in ["allow", "request"] {
            let line = format!("/sub {order} {}", alice.jid);
            profanity.type_line(&line).map_err(told)?;
        }
        let jid = profanity.jid().to_owned();
        alice
            .otter
            .until("profanity's presence", SOON, |event| match event {
                Event::ContactChanged { contact } if contact.presence == model::Presence::Online => {
                    (contact.address.as_str() == jid).then_some(())
                }
                _ => None,
            })?;
        let mut pair = Self {
            place,
            alice,
            profanity,
        };
        pair.speak_its_version()?;
        pair.types(&format!("/msg {}", pair.alice.jid))?;
        Ok(pair)
    }

    /// It knows nothing newer than version 2: the owner has to allow that for this contact alone.
    fn speak_its_version(&mut self) -> Result<(), Trouble> {
        let order = Command::SetPolicy(SetPolicy {
            account: self.alice.account,
            contact: self.profanity.jid().parse().unwrap(),
            policy: None,
            version_2: true,
            understood: true,
        });
        self.alice.otter.ask(&order).map(drop)
    }

    fn types(&self, line: &str) -> Result<(), Trouble> {
        self.profanity.type_line(line).map_err(told)
    }

    fn shows(&self, what: &str, times: usize) -> Result<String, Trouble> {
        self.profanity.wait_for(what, times, SOON).map_err(told)
    }

    fn writes(&mut self, text: &str) -> Result<MessageId, Trouble> {
        self.alice.send(self.profanity.jid(), text)
    }

    /// Texts of all kinds, both ways, once each and encrypted.
    fn converse(&mut self) -> Result<(), Trouble> {
        let long = "twenty thousand ".repeat(1250);
        for text in ["hello", "سلام", "🦦 emoji", "?OTR: only text", long.trim_end()] {
            self.writes(text)?;
            let logged = format!("{}: {text}\n", self.alice.jid);
            self.profanity.wait_for_logged(&logged, SOON).map_err(told)?;
            assert_eq!(self.profanity.logged().matches(&logged).count(), 1);
            let answer: String = format!("re: {text}").chars().take(LONGEST_LINE).collect();
            self.types(answer.trim_end())?;
            self.alice.otter.wait_for_text(answer.trim_end(), SOON)?;
            assert_eq!(self.alice.otter.received().get(answer.trim_end()), Some(&(1, 0)));
        }
        self.writes("/me waves")?;
        let waves = format!("*{} waves", self.alice.jid);
        self.profanity.wait_for_logged(&waves, SOON).map_err(told)?;
        self.types("/me waves back")?;
        self.alice.otter.wait_for_text("/me waves back", SOON)?;
        assert_eq!(self.alice.otter.received().get("/me waves back"), Some(&(1, 0)));
        Ok(())
    }

    /// Nothing but OTR crossed the server.
    fn only_otr_crossed(&self) -> Result<(), Trouble> {
        let crossed = proof::crossed(&self.place, &self.alice.jid, self.profanity.jid())?;
        assert!(crossed.len() > 10);
        for crossed in crossed {
            assert!(crossed.body.starts_with("?OTR"), "{crossed:?}");
        }
        Ok(())
    }

    /// Waits until alice's conversation is finished, or is no longer private.
    fn sees(&mut self, wanted: &Privacy) -> Result<(), Trouble> {
        self.alice
            .otter
            .until("the end of privacy", SOON, |event| match event {
                Event::PrivacyChanged { privacy, .. } if privacy == wanted => Some(()),
                _ => None,
            })
    }

    /// How a verification went for alice.
    fn result(&mut self) -> Result<bool, Trouble> {
        self.alice.otter.until("the result", SOON, |event| match event {
            Event::VerificationChanged {
                verification: Verification::Done { same },
                ..
            } => Some(*same),
            _ => None,
        })
    }

    /// What profanity asks alice.
    fn asked(&mut self) -> Result<Option<String>, Trouble> {
        self.alice.otter.until("the request", SOON, |event| match event {
            Event::VerificationChanged {
                verification: Verification::Asked { question },
                ..
            } => Some(question.clone()),
            _ => None,
        })
    }

    fn asks(&mut self, question: Option<&str>, secret: &str) -> Result<(), Trouble> {
        let order = Command::StartVerification(StartVerification {
            account: self.alice.account,
            contact: self.profanity.jid().parse().unwrap(),
            question: question.map(str::to_owned),
            secret: Secret::new(secret.to_owned()),
        });
        self.alice.otter.ask(&order).map(drop)
    }

    fn answers(&mut self, secret: &str) -> Result<(), Trouble> {
        let order = Command::AnswerVerification(AnswerVerification {
            account: self.alice.account,
            contact: self.profanity.jid().parse().unwrap(),
            secret: Secret::new(secret.to_owned()),
        });
        self.alice.otter.ask(&order).map(drop)
    }

    /// Whether alice has profanity's key recorded as verified.
    fn verified(&mut self) -> Result<bool, Trouble> {
        let snapshot = self.alice.otter.snapshot()?;
        let contacts = snapshot
            .contacts
            .iter()
            .filter(|contact| contact.address.as_str() == self.profanity.jid());
        let mut keys = contacts.flat_map(|contact| &contact.fingerprints);
        Ok(keys.any(|key| key.verified))
    }
}

/// The digits of a fingerprint, however they are grouped.
fn digits(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_hexdigit);
    kept.map(|digit| digit.to_ascii_lowercase()).collect()
}

#[test]
fn lab_profanity_answers_when_we_start_and_we_talk() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut pair = Pair::arrive()?;
    pair.writes("the first one waits for privacy")?;
    let jid = pair.profanity.jid().to_owned();
    let theirs = pair.alice.otter.wait_private(&jid, SOON)?;
    let waited = format!("{}: the first one waits for privacy", pair.alice.jid);
    pair.profanity.wait_for_logged(&waited, SOON).map_err(told)?;
    pair.converse()?;
    pair.types("/otr theirfp")?;
    pair.types("/otr myfp")?;
    pair.shows("Your OTR fingerprint", 1)?;
    let screen = digits(
        &pair
            .profanity
            .wait_for("OTR fingerprint", 2, SOON)
            .map_err(told)?,
    );
    assert!(
        screen.contains(&digits(&pair.alice.fingerprint)),
        "it shows our key"
    );
    assert!(screen.contains(&digits(&theirs)), "we show its key");
    pair.only_otr_crossed()
}

#[test]
fn lab_profanity_starts_and_ends_and_so_do_we() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut pair = Pair::arrive()?;
    let jid = pair.profanity.jid().to_owned();
    pair.types("/otr start")?;
    pair.alice.otter.wait_private(&jid, SOON)?;
    pair.shows("OTR session started", 1)?;
    pair.converse()?;
    pair.types("/otr end")?;
    pair.sees(&Privacy::Finished)?;
    pair.writes("held back until somebody starts again")?;
    pair.alice.otter.listen(Duration::from_secs(5))?;
    assert!(!pair.profanity.logged().contains("held back"));
    pair.types("/otr start")?;
    pair.alice.otter.wait_private(&jid, SOON)?;
    let held = format!("{}: held back until", pair.alice.jid);
    pair.profanity.wait_for_logged(&held, SOON).map_err(told)?;
    let contact = model::ContactRef {
        account: pair.alice.account,
        contact: jid.parse().unwrap(),
    };
    pair.alice.otter.ask(&Command::EndPrivate(contact))?;
    pair.shows("OTR session ended.", 2)?;
    pair.only_otr_crossed()
}

#[test]
fn lab_profanity_and_we_verify_each_other_by_secret_and_by_question() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut pair = Pair::arrive()?;
    let jid = pair.profanity.jid().to_owned();
    pair.types("/otr start")?;
    pair.alice.otter.wait_private(&jid, SOON)?;
    pair.shows("OTR session started", 1)?;

    pair.asks(None, "mill lane")?;
    pair.shows("wants to authenticate", 1)?;
    pair.types("/otr secret high-street")?;
    assert!(!pair.result()?);
    pair.shows("Authentication failed", 1)?;
    assert!(!pair.verified()?);

    pair.types("/otr question \"where was it?\" at-sea")?;
    assert_eq!(pair.asked()?.as_deref(), Some("where was it?"));
    pair.answers("at-sea")?;
    assert!(pair.result()?);
    assert!(!pair.verified()?, "to answer proves nothing about who asked");

    pair.asks(Some("and who was there?"), "mallory")?;
    pair.shows("and who was there?", 1)?;
    pair.types("/otr answer mallory")?;
    assert!(pair.result()?);
    assert!(pair.verified()?);

    pair.types("/otr secret mill-lane")?;
    assert_eq!(pair.asked()?, None);
    pair.answers("mill-lane")?;
    assert!(pair.result()?);
    pair.only_otr_crossed()
}
