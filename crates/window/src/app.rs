//! The window's middle: what the engine said on one side, the pages on the other.
//! It must never wait, and never keep a secret longer than the line that carries it.
//! Standard: `docs/rpc.md`; events are hints, the mirror ([`view::Mirror`]) is what is shown.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{Attempt, Command, Done, Nothing, Problem, ProfileState, RoomText, Started, Wall, WindowState};
use serde::de::DeserializeOwned;
use slint::{CloseRequestResponse, ComponentHandle, SharedString, Timer, TimerMode};
use view::{Answer, CallId, Change, Line, Mirror, Peer, State, Words, Zone};

use crate::channel::{self, Unheard};
use crate::notices::Notices;
use crate::pages::{self, Page};
use crate::tray::Tray;
use crate::{End, Error, Look, Options, SelfTest, fonts, markup, screen};

/// How long the engine has to say goodbye once the window is closed.
const GOODBYE: Duration = Duration::from_secs(3);

/// What is done with an answer.
type Then = Box<dyn FnOnce(&Rc<App>, Answer)>;

/// The window, its mirror of the engine, and the way there.
pub struct App {
    ui: markup::App,
    me: Weak<App>,
    mirror: RefCell<Mirror>,
    look: RefCell<Look>,
    zone: Zone,
    walls: Vec<Wall>,
    self_test: Option<SelfTest>,
    notices: RefCell<Notices>,
    tray: RefCell<Tray>,
    first_new: RefCell<Option<u64>>,
    out: Box<dyn Fn(Line) -> bool>,
    unheard: RefCell<Option<Unheard>>,
    waiting: RefCell<BTreeMap<CallId, Then>>,
    pages: Vec<Rc<dyn Page>>,
    goodbye: Timer,
    leaving: Cell<bool>,
    gone: Cell<bool>,
    end: Cell<End>,
}

impl App {
    /// The window, not yet shown, with what takes its lines: `false` where a line was not taken.
    ///
    /// # Errors
    /// [`Error::NoScreen`] where there is nothing to draw on.
    pub fn new(out: Box<dyn Fn(Line) -> bool>, options: &Options) -> Result<Rc<Self>, Error> {
        fonts::register();
        let ui = markup::App::new()?;
        let look = Look {
            language: options.language.clone().unwrap_or_default(),
            ..Look::default()
        };
        let (mut mirror, first) = Mirror::start();
        mirror.state_mut().look(true);
        let app = Rc::new_cyclic(|me| Self {
            ui,
            me: me.clone(),
            mirror: RefCell::new(mirror),
            look: RefCell::new(look.checked()),
            zone: Zone::east(options.minutes_east),
            walls: options.walls.clone(),
            self_test: options.self_test.clone(),
            notices: RefCell::new(Notices::none()),
            tray: RefCell::new(Tray::none()),
            first_new: RefCell::default(),
            out,
            unheard: RefCell::default(),
            waiting: RefCell::default(),
            pages: pages::all(),
            goodbye: Timer::default(),
            leaving: Cell::new(false),
            gone: Cell::new(false),
            end: Cell::new(End::Closed),
        });
        app.look.borrow().apply(&app.ui);
        app.attach();
        first.map(|line| (app.out)(line));
        Ok(app)
    }

    /// Shows it.
    ///
    /// # Errors
    /// [`Error::NoScreen`].
    pub fn show(&self) -> Result<(), Error> {
        Ok(self.ui.show()?)
    }

    /// Takes lines of the engine and shows what they changed, in one go.
    pub fn hear(self: &Rc<Self>, lines: &[String]) {
        let mut changes = Vec::new();
        for line in lines {
            let heard = self.mirror.borrow_mut().hear(line, now());
            // A line that is not understood is skipped; the mirror notices the hole and asks for everything.
            let Ok(outcome) = heard else { continue };
            outcome.send.map(|line| (self.out)(line));
            changes.extend(outcome.changes);
            if let Some(answer) = outcome.answer {
                let then = self.waiting.borrow_mut().remove(&answer.call);
                if let Some(then) = then {
                    then(self, answer);
                }
            }
        }
        self.refresh(&changes);
    }

    /// Asks the engine for something; `then` hears the answer.
    pub(crate) fn send<T: DeserializeOwned + 'static>(
        self: &Rc<Self>,
        command: &Command,
        then: impl FnOnce(&Rc<Self>, Result<T, Problem>) + 'static,
    ) {
        let called = self.mirror.borrow_mut().call(command);
        let (call, line) = match called {
            Ok(called) => called,
            Err(error) => return then(self, Err(error.problem())),
        };
        if !(self.out)(line) {
            return then(self, Err(view::CallError::TooMany.problem()));
        }
        let then: Then = Box::new(move |app, answer| then(app, answer.read()));
        self.waiting.borrow_mut().insert(call, then);
    }

    /// Asks the engine to do something; a refusal is shown in words.
    pub(crate) fn order(self: &Rc<Self>, command: &Command) {
        self.send::<Done>(command, |app, done| {
            if let Err(problem) = done {
                app.show_problem(&problem);
            }
        });
    }

    /// Tells of something that could not be done, until the person has read it.
    pub(crate) fn show_problem(&self, problem: &Problem) {
        self.ui.global::<markup::Nav<'_>>().set_problem(self.say(problem));
    }

    /// A problem in the language of the window.
    pub(crate) fn say(&self, problem: &Problem) -> SharedString {
        self.words().problem(problem).into()
    }

    /// The words of the language of the window.
    pub(crate) fn words(&self) -> Words {
        Words::new(self.look.borrow().language()).in_zone(self.zone)
    }

    /// What the engine told.
    pub(crate) fn state<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(self.mirror.borrow().state())
    }

    /// The mirror, to say what is open and to keep drafts.
    pub(crate) fn mirror<R>(&self, change: impl FnOnce(&mut Mirror) -> R) -> R {
        change(&mut self.mirror.borrow_mut())
    }

    /// The markup, for the pages and for tests.
    #[doc(hidden)]
    pub fn ui(&self) -> &markup::App {
        &self.ui
    }

    /// How the window looks.
    pub fn look(&self) -> Look {
        self.look.borrow().clone()
    }

    /// What the walls of the window's own room refuse now; nothing where it has no self-test.
    pub(crate) fn try_walls(&self) -> Vec<Attempt> {
        self.self_test
            .as_ref()
            .map(|SelfTest(test)| test())
            .unwrap_or_default()
    }

    /// The walls of the window's own room.
    pub fn walls(&self) -> &[Wall] {
        &self.walls
    }

    /// Changes how the window looks, at once and for the next time.
    pub fn change_look(self: &Rc<Self>, change: impl FnOnce(&mut Look)) {
        change(&mut self.look.borrow_mut());
        self.look.borrow().apply(&self.ui);
        if self.state(State::profile) == Some(ProfileState::Open) {
            let state = self.look.borrow().write();
            self.order(&Command::SaveWindow(WindowState { state }));
        }
        self.refresh(&[Change::Everything]);
    }

    /// Shows what changed.
    pub(crate) fn refresh(self: &Rc<Self>, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        if changes
            .iter()
            .any(|it| matches!(it, Change::Everything | Change::Profile))
        {
            self.choose_page();
        }
        for page in &self.pages {
            page.refresh(self, changes);
        }
        screen::mark(self, changes);
    }

    /// Opens a conversation, or none.
    pub(crate) fn open(self: &Rc<Self>, peer: Option<Peer>) {
        self.keep_drafts();
        if let Some(peer) = &peer {
            self.first_new.replace(self.first_unread(peer));
        }
        let mut changes = self.mirror(|mirror| mirror.state_mut().open(peer));
        changes.push(Change::List);
        self.refresh(&changes);
    }

    /// Number of the entry above which "new messages" stands in the conversation that was opened last.
    pub(crate) fn first_new(&self) -> Option<u64> {
        *self.first_new.borrow()
    }

    fn first_unread(&self, peer: &Peer) -> Option<u64> {
        self.state(|state| {
            let log = match state.room(peer) {
                Some(room) => &room.log,
                None => &state.talk(peer)?.log,
            };
            Some(log.entry(log.first_unread()?)?.number)
        })
    }

    /// Starts a private conversation, or renews it.
    pub(crate) fn start_private(self: &Rc<Self>, peer: &Peer) {
        self.send::<Started>(&Command::StartPrivate(peer.reference()), |app, started| {
            if let Err(problem) = started {
                app.show_problem(&problem);
            }
        });
    }

    /// Asks the engine to keep what was begun and not sent.
    pub(crate) fn keep_drafts(self: &Rc<Self>) {
        let due = self.mirror(|mirror| mirror.drafts_mut().due(now(), true));
        for draft in due {
            let peer = Peer::new(draft.account, draft.contact.clone());
            let of_room = self.state(|state| state.room(&peer).is_some());
            self.order(&if of_room {
                Command::SetRoomDraft(RoomText {
                    account: draft.account,
                    room: draft.contact,
                    text: draft.text,
                })
            } else {
                Command::SetDraft(draft)
            });
        }
    }

    /// Puts a text where the next paste finds it.
    pub(crate) fn copy(&self, text: &str) {
        self.ui.invoke_copy(text.into());
    }

    /// A callback for the conversation that is open.
    pub(crate) fn on_open(
        self: &Rc<Self>,
        act: impl Fn(&Rc<Self>, Peer) + 'static,
    ) -> impl FnMut() + 'static {
        let app = Rc::downgrade(self);
        move || {
            let Some(app) = app.upgrade() else { return };
            if let Some(peer) = app.state(|state| state.opened().cloned()) {
                act(&app, peer);
            }
        }
    }

    /// How the system is told that something came.
    pub(crate) fn notify_by(&self, notices: Notices) {
        self.notices.replace(notices);
    }

    /// The way to the system's notifications.
    pub(crate) fn notices(&self) -> Ref<'_, Notices> {
        self.notices.borrow()
    }

    /// How the program goes on without a window.
    pub(crate) fn stay_by(&self, tray: Tray) {
        self.tray.replace(tray);
    }

    /// The way to the icon beside the clock.
    pub(crate) fn tray(&self) -> Ref<'_, Tray> {
        self.tray.borrow()
    }

    /// Where the engine's lines come from.
    pub(crate) fn listen(&self, unheard: Unheard) {
        self.unheard.replace(Some(unheard));
    }

    /// Hears what waits; `true` where more does.
    pub(crate) fn hear_waiting(self: &Rc<Self>) -> bool {
        let Some(batch) = self.unheard.borrow().as_ref().map(channel::take) else {
            return false;
        };
        self.hear(&batch.lines);
        if batch.ended {
            self.engine_ended();
        }
        batch.more
    }

    fn engine_ended(&self) {
        if self.leaving.get() {
            return self.quit(End::Closed);
        }
        self.gone.set(true);
        let nav = self.ui.global::<markup::Nav<'_>>();
        nav.set_dialog(markup::Dialog::None);
        nav.set_page(markup::Page::Gone);
    }

    /// How the window's life ended.
    pub(crate) fn end(&self) -> End {
        self.end.get()
    }

    /// Ends at once: the engine has gone already.
    pub(crate) fn quit(&self, end: End) {
        self.end.set(end);
        // A loop that is not running needs no end.
        let _ = slint::quit_event_loop();
    }

    fn attach(self: &Rc<Self>) {
        let me = self.me.clone();
        self.ui.window().on_close_requested(move || {
            if let Some(app) = me.upgrade() {
                screen::closed(&app);
            }
            CloseRequestResponse::HideWindow
        });
        screen::watch(self);
        for page in &self.pages {
            page.clone().attach(self);
        }
    }

    /// Asks the engine to stop, and ends when it has, or after [`GOODBYE`].
    pub(crate) fn leave(self: &Rc<Self>) {
        if self.gone.get() {
            return self.quit(End::Closed);
        }
        self.keep_drafts();
        self.leaving.set(true);
        self.send::<Done>(&Command::Stop(Nothing {}), |_, _| ());
        self.goodbye.start(TimerMode::SingleShot, GOODBYE, || {
            let _ = slint::quit_event_loop();
        });
    }

    /// Ends everything at once: the window is gone before the engine has wiped what it holds.
    pub(crate) fn panic(self: &Rc<Self>) {
        self.leaving.set(true);
        // What cannot be hidden is ended with the program.
        let _ = self.ui.hide();
        self.send::<Done>(&Command::Panic(Nothing {}), |_, _| ());
        self.goodbye.start(TimerMode::SingleShot, GOODBYE, || {
            let _ = slint::quit_event_loop();
        });
    }

    /// The page that the state of the profile asks for. An open profile leaves the person where it is.
    fn choose_page(self: &Rc<Self>) {
        let nav = self.ui.global::<markup::Nav<'_>>();
        let before = nav.get_page();
        let closed = matches!(before, markup::Page::Starting | markup::Page::Unlock);
        let page = match self.state(State::profile) {
            None => markup::Page::Starting,
            Some(ProfileState::Absent) => markup::Page::FirstRun,
            Some(ProfileState::Locked) => markup::Page::Unlock,
            Some(ProfileState::Open) if closed => markup::Page::Main,
            Some(ProfileState::Open) => before,
        };
        if page == before {
            return;
        }
        nav.set_page(page);
        nav.set_dialog(markup::Dialog::None);
        if page == markup::Page::Main {
            self.load_look();
        }
    }

    /// The look that the profile keeps.
    fn load_look(self: &Rc<Self>) {
        self.send::<WindowState>(&Command::LoadWindow(Nothing {}), |app, kept| {
            let Some(look) = kept.ok().and_then(|kept| Look::read(&kept.state)) else {
                return;
            };
            app.look.replace(look);
            app.look.borrow().apply(&app.ui);
            screen::resize(app);
            app.refresh(&[Change::Everything]);
        });
    }
}

/// Milliseconds since 1970-01-01 UTC by this machine's clock.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
