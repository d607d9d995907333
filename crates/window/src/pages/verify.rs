//! Verification of a contact's key: by a question, a shared secret, or by comparing; and what a contact asks.
//! It must never take the focus by itself, keep a secret that was typed, or call a key verified that the engine does not.
//! Standard: `docs/rpc.md`, `verification.*`, `fingerprint.verify`, `fingerprint.words`.

use std::cell::RefCell;
use std::rc::Rc;

use model::{
    AnswerVerification, Command, Done, FingerprintRef, FingerprintWords, Privacy, ProfileState, Secret,
    SetVerified, StartVerification, Verification, WordLanguage,
};
use slint::{ComponentHandle, SharedString};
use view::{Change, Header, Peer, State, Trust};

use crate::App;
use crate::markup::{self, VerifyStage};
use crate::pages::{Page, trust, with};

/// Words of a fingerprint in one line.
const WORDS_IN_A_LINE: usize = 5;

/// Whose key is looked at, and who asks.
#[derive(Default)]
pub(crate) struct Verify {
    peer: RefCell<Option<Peer>>,
    // An end that was told before the page was opened: it is not told again.
    told: RefCell<Verification>,
    asking: RefCell<Option<Peer>>,
}

impl Page for Verify {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Verify<'_>>();
        let page = self.clone();
        global.on_open(app.on_open(move |app, peer| page.show(app, peer)));
        let page = self.clone();
        global.on_look(nothing(app, move |app| {
            let asking = page.asking.borrow().clone();
            if let Some(peer) = asking {
                app.open(Some(peer.clone()));
                page.show(app, peer);
            }
        }));
        global.on_copy(with(app, |app, text: SharedString| app.copy(&text)));
        self.attach_questions(app);
        self.attach_keys(app);
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let peer = self.peer.borrow().clone();
        let concerns = |it: &Change| match it {
            Change::Everything | Change::Profile => true,
            Change::Header(of) => Some(of) == peer.as_ref(),
            Change::Account(account) => peer.as_ref().is_some_and(|peer| peer.account == *account),
            _ => false,
        };
        let strip = |it: &Change| matches!(it, Change::Everything | Change::Profile | Change::Header(_));
        if changes.iter().any(strip) {
            self.strip(app);
        }
        if changes.iter().any(concerns) {
            self.fill(app);
        }
    }
}

/// A callback without parameters.
fn nothing(app: &Rc<App>, act: impl Fn(&Rc<App>) + 'static) -> impl FnMut() + 'static {
    let app = Rc::downgrade(app);
    move || {
        if let Some(app) = app.upgrade() {
            act(&app);
        }
    }
}

impl Verify {
    /// Opens the page for one contact.
    fn show(&self, app: &Rc<App>, peer: Peer) {
        let now = verification(app, &peer);
        self.told
            .replace(if ended(&now) { now } else { Verification::None });
        self.peer.replace(Some(peer));
        let global = app.ui().global::<markup::Verify<'_>>();
        global.set_problem(SharedString::default());
        global.set_busy(false);
        global.set_way(0);
        global.set_their_key(SharedString::default());
        self.fill(app);
        let nav = app.ui().global::<markup::Nav<'_>>();
        nav.set_dialog(markup::Dialog::None);
        nav.set_page(markup::Page::Verify);
    }

    /// Who asks just now. It is told above the page, and waits there until it is pressed.
    fn strip(&self, app: &Rc<App>) {
        let asking = app.state(|state| {
            let asks =
                |(_, talk): &(&Peer, &view::Talk)| matches!(talk.verification, Verification::Asked { .. });
            state.talks().find(asks).map(|(peer, _)| peer.clone())
        });
        let words = app.words();
        let header = asking
            .as_ref()
            .and_then(|peer| app.state(|state| view::header(state, &words, peer)));
        let global = app.ui().global::<markup::Verify<'_>>();
        let (said, address) = header
            .map(|it| (it.verification_words, it.address))
            .unwrap_or_default();
        global.set_asking(said.into());
        global.set_asking_address(view::text::isolated(&address).into());
        self.asking.replace(asking);
    }

    fn fill(&self, app: &Rc<App>) {
        let Some(peer) = self.peer.borrow().clone() else {
            return;
        };
        let words = app.words();
        let open = app.state(State::profile) == Some(ProfileState::Open);
        let header = app
            .state(|state| view::header(state, &words, &peer))
            .filter(|_| open);
        let Some(header) = header else {
            return self.leave(app);
        };
        if *self.told.borrow() != header.verification {
            self.told.replace(Verification::None);
        }
        let key = header.new_key.clone().or_else(|| header.fingerprint.clone());
        self.keys(app, &peer, key.as_deref());
        let global = app.ui().global::<markup::Verify<'_>>();
        global.set_stage(self.stage(&header, key.is_some()));
        global.set_trust(trust::shown(header.trust));
        global.set_trust_words(header.trust_words.into());
        global.set_told(header.verification_words.into());
        global.set_question(header.question.unwrap_or_default().into());
        global.set_account(view::text::isolated(&header.account).into());
        global.set_address(view::text::isolated(&header.address).into());
        global.set_name(view::text::isolated(&header.name.text).into());
    }

    fn stage(&self, header: &Header, has_key: bool) -> VerifyStage {
        let told = *self.told.borrow() == header.verification;
        match &header.verification {
            Verification::Asked { question: Some(_) } => VerifyStage::AskedQuestion,
            Verification::Asked { question: None } => VerifyStage::AskedSecret,
            Verification::Waiting => VerifyStage::Waiting,
            Verification::Broken if !told => VerifyStage::Broken,
            Verification::Done { same: false } if !told => VerifyStage::Different,
            Verification::Done { .. } if !told && header.trust == Trust::Verified => VerifyStage::Same,
            Verification::Done { .. } if !told => VerifyStage::Right,
            _ if has_key => VerifyStage::Ways,
            _ => VerifyStage::NoKey,
        }
    }

    /// The two keys, and whether the engine calls the contact's verified.
    fn keys(&self, app: &Rc<App>, peer: &Peer, key: Option<&str>) {
        let global = app.ui().global::<markup::Verify<'_>>();
        let theirs = view::fingerprint(key.unwrap_or_default());
        let (own, verified, stands) = app.state(|state| {
            let own = state.account(peer.account).map(|it| view::fingerprint(&it.fingerprint));
            let known = state.contact(peer).and_then(|contact| {
                let mut keys = contact.fingerprints.iter();
                keys.find(|it| view::fingerprint(&it.fingerprint) == theirs)
            });
            let stands = state.talk(peer).is_some_and(|talk| {
                matches!(&talk.privacy, Privacy::Private { fingerprint, .. } if view::fingerprint(fingerprint) == theirs)
            });
            (own.unwrap_or_default(), known.is_some_and(|it| it.verified && it.accepted), stands)
        });
        if global.get_their_key() != theirs || global.get_own_key() != own {
            global.set_spelling(0);
            global.set_own_words(SharedString::default());
            global.set_their_words(SharedString::default());
        }
        global.set_own_key(own.into());
        global.set_their_key(theirs.into());
        global.set_verified(verified);
        global.set_can_ask(stands);
    }

    /// The contact is gone, or the profile was sealed.
    fn leave(&self, app: &Rc<App>) {
        self.peer.replace(None);
        let nav = app.ui().global::<markup::Nav<'_>>();
        if nav.get_page() == markup::Page::Verify {
            nav.set_page(markup::Page::Main);
        }
    }

    fn attach_questions(self: &Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Verify<'_>>();
        let page = self.clone();
        let weak = Rc::downgrade(app);
        global.on_ask(move |question, secret| {
            let (Some(app), Some(peer)) = (weak.upgrade(), page.peer.borrow().clone()) else {
                return;
            };
            order(
                &app,
                &Command::StartVerification(StartVerification {
                    account: peer.account,
                    contact: peer.contact,
                    question: Some(question.to_string()).filter(|it| !it.is_empty()),
                    secret: Secret::new(secret.to_string()),
                }),
            );
        });
        self.on_peer(
            app,
            |it, act| it.on_answer(act),
            |app, peer, secret: SharedString| {
                order(
                    app,
                    &Command::AnswerVerification(AnswerVerification {
                        account: peer.account,
                        contact: peer.contact,
                        secret: Secret::new(secret.to_string()),
                    }),
                );
            },
        );
        let page = self.clone();
        global.on_abort(nothing(app, move |app| {
            if let Some(peer) = page.peer.borrow().as_ref() {
                order(app, &Command::AbortVerification(peer.reference()));
            }
        }));
        let page = self.clone();
        global.on_start_private(nothing(app, move |app| {
            if let Some(peer) = page.peer.borrow().as_ref() {
                app.start_private(peer);
            }
        }));
        let page = self.clone();
        global.on_again(nothing(app, move |app| {
            if let Some(peer) = page.peer.borrow().clone() {
                page.told.replace(verification(app, &peer));
                page.fill(app);
            }
        }));
    }

    fn attach_keys(self: &Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Verify<'_>>();
        let page = self.clone();
        let weak = Rc::downgrade(app);
        global.on_compared(move |key, same| {
            let (Some(app), Some(peer)) = (weak.upgrade(), page.peer.borrow().clone()) else {
                return;
            };
            order(
                &app,
                &Command::SetVerified(SetVerified {
                    account: peer.account,
                    contact: peer.contact,
                    fingerprint: key.to_string(),
                    verified: same,
                }),
            );
        });
        self.on_peer(
            app,
            |it, act| it.on_distrust(act),
            |app, peer, key: SharedString| {
                order(
                    app,
                    &Command::DistrustFingerprint(FingerprintRef {
                        account: peer.account,
                        contact: peer.contact,
                        fingerprint: key.to_string(),
                    }),
                );
            },
        );
        global.on_spell(with(app, |app, language: i32| spell(app, language)));
    }

    /// A callback with one parameter, for the contact of the page.
    fn on_peer(
        self: &Rc<Self>,
        app: &Rc<App>,
        set: impl FnOnce(&markup::Verify<'_>, Box<dyn FnMut(SharedString)>),
        act: impl Fn(&Rc<App>, Peer, SharedString) + 'static,
    ) {
        let page = self.clone();
        let called = with(app, move |app, argument| {
            let peer = page.peer.borrow().clone();
            if let Some(peer) = peer {
                act(app, peer, argument);
            }
        });
        set(&app.ui().global::<markup::Verify<'_>>(), Box::new(called));
    }
}

fn verification(app: &Rc<App>, peer: &Peer) -> Verification {
    app.state(|state| state.talk(peer).map(|talk| talk.verification.clone()))
        .unwrap_or_default()
}

fn ended(verification: &Verification) -> bool {
    matches!(verification, Verification::Broken | Verification::Done { .. })
}

/// Asks the engine for one thing at a time; a refusal is told on the page.
fn order(app: &Rc<App>, command: &Command) {
    let global = app.ui().global::<markup::Verify<'_>>();
    global.set_busy(true);
    global.set_problem(SharedString::default());
    app.send::<Done>(command, |app, done| {
        let global = app.ui().global::<markup::Verify<'_>>();
        global.set_busy(false);
        if let Err(problem) = done {
            global.set_problem(app.say(&problem));
        }
    });
}

/// Shows both keys as words of a language, or as digits.
fn spell(app: &Rc<App>, chosen: i32) {
    let global = app.ui().global::<markup::Verify<'_>>();
    global.set_own_words(SharedString::default());
    global.set_their_words(SharedString::default());
    let language = match chosen {
        1 => WordLanguage::En,
        2 => WordLanguage::Ar,
        3 => WordLanguage::Fa,
        _ => return,
    };
    for own in [true, false] {
        let key = if own {
            global.get_own_key()
        } else {
            global.get_their_key()
        };
        let command = Command::FingerprintWords(FingerprintWords {
            fingerprint: key.to_string(),
            language,
        });
        app.send::<model::Words>(&command, move |app, words| {
            let global = app.ui().global::<markup::Verify<'_>>();
            let current = if own {
                global.get_own_key()
            } else {
                global.get_their_key()
            };
            // An answer that is late: another key or another way of writing is shown by now.
            if current != key || global.get_spelling() != chosen {
                return;
            }
            match words {
                Ok(words) if own => global.set_own_words(lines(&words.words)),
                Ok(words) => global.set_their_words(lines(&words.words)),
                Err(problem) => {
                    global.set_spelling(0);
                    global.set_problem(app.say(&problem));
                }
            }
        });
    }
}

fn lines(words: &[String]) -> SharedString {
    let lines: Vec<String> = words
        .chunks(WORDS_IN_A_LINE)
        .map(|line| line.join("  "))
        .collect();
    lines.join("\n").into()
}
