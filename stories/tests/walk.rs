//! From the first start to a verified conversation, as a person goes it: a mouse, a keyboard, the whole program on a
//! screen, a real engine, a real server behind an onion service.
//! With `OTTER_WALK=DIR` every step leaves a picture and the seconds that it took there (`scripts/walk`).

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test: reads catalogues, takes pictures, and ends where a control is missing"
)]

#[path = "support/desktop.rs"]
mod desktop;
#[path = "support/screen.rs"]
mod screen;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::{Duration, Instant};

use desktop::{Control, Desktop};
use model::{AnswerVerification, Command, Event, Secret, Transport, Verification};
use screen::Screen;
use stories::windows::Windowed;
use stories::{Home, PASSPHRASE, Person, Place, SOON, Trouble};

/// The height of the window, in pixels: what is below has to be scrolled to.
const HEIGHT: i64 = 700;

/// A person before a screen, who reads one language.
struct Walker<'a> {
    screen: &'a Screen,
    desktop: &'a Desktop,
    language: &'a str,
    /// Where pictures go, where they are wanted.
    album: Option<PathBuf>,
    begun: Instant,
    /// The seconds of every step, and how long of it the person only waited.
    steps: Vec<(String, f32)>,
    waited: Duration,
}

impl Walker<'_> {
    /// A sentence of the window in the person's language.
    fn words(&self, english: &str) -> String {
        if self.language == "en" {
            return english.to_owned();
        }
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        let catalogues = [
            format!("window/lang/{}/LC_MESSAGES/window.po", self.language),
            format!("view/lang/{}.po", self.language),
        ];
        let wanted = format!("msgid \"{english}\"");
        for catalogue in catalogues {
            let text = std::fs::read_to_string(crates.join(catalogue)).unwrap();
            let mut lines = text.lines().skip_while(|line| *line != wanted).skip(1);
            if let Some(said) = lines.next() {
                let said = said.strip_prefix("msgstr \"").unwrap();
                return said.strip_suffix('"').unwrap().to_owned();
            }
        }
        panic!("{english:?} is not in the catalogues of {}", self.language);
    }

    /// Waits for something with this name, or with a name that begins with it.
    fn finds(&mut self, name: &str, roles: &[&str]) -> Control {
        let asked = Instant::now();
        loop {
            let tree = self.desktop.tree();
            let fits = |it: &&Control| roles.is_empty() || roles.contains(&it.role.as_str());
            let mut named = tree.iter().filter(fits).filter(|it| it.name.contains(name));
            let exact = tree.iter().filter(fits).find(|it| it.name == name);
            if let Some(found) = exact.or_else(|| named.next()) {
                self.waited += asked.elapsed();
                return found.clone();
            }
            assert!(asked.elapsed() < SOON, "no {name:?} {roles:?} in {tree:#?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits for words anywhere.
    fn reads(&mut self, english: &str) {
        let words = self.words(english);
        self.finds(&words, &[]);
    }

    /// Presses something by its name in English.
    fn presses(&mut self, english: &str) -> Result<(), Trouble> {
        let words = self.words(english);
        self.presses_named(&words, &["push button", "radio button", "check box", "combo box"])
    }

    /// Presses a field to write in it.
    fn enters(&mut self, english: &str, text: &str) -> Result<(), Trouble> {
        let words = self.words(english);
        self.presses_named(&words, &["entry", "password text", "text"])?;
        self.types(text)
    }

    fn presses_named(&mut self, name: &str, roles: &[&str]) -> Result<(), Trouble> {
        for _ in 0..20 {
            let [left, top, width, height] = self.finds(name, roles).at;
            let (x, y) = (left + width / 2, top + height / 2);
            if y < HEIGHT - 20 {
                self.screen
                    .does(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"])?;
                std::thread::sleep(Duration::from_millis(400));
                return Ok(());
            }
            self.screen.does(&["mousemove", "500", "400", "click", "5"])?;
            std::thread::sleep(Duration::from_millis(300));
        }
        Err(Trouble::new(format!("{name:?} cannot be scrolled to")))
    }

    fn types(&self, text: &str) -> Result<(), Trouble> {
        self.screen.does(&["type", "--delay", "40", text]).map(drop)
    }

    fn key(&self, name: &str) -> Result<(), Trouble> {
        self.screen.does(&["key", name]).map(drop)
    }

    /// The end of a step: how long it took, and what it looks like.
    fn step(&mut self, name: &str) {
        let seconds = self.begun.elapsed().as_secs_f32();
        self.steps.push((name.to_owned(), seconds));
        let Some(album) = &self.album else { return };
        std::fs::create_dir_all(album).unwrap();
        let file = album.join(format!("{:02}-{name}.png", self.steps.len()));
        let taken = Program::new("import")
            .args(["-window", "root", "-crop", "1000x700+0+0", "-colors", "64"])
            .arg(file)
            .env("DISPLAY", &self.screen.display)
            .status();
        assert!(taken.unwrap().success(), "no picture was taken");
        let mut told = String::new();
        for (name, seconds) in &self.steps {
            let _infallible = writeln!(told, "{seconds:5.0} s  {name}");
        }
        let waited = self.waited.as_secs_f32();
        let _infallible = writeln!(told, "of these {waited:.0} s waiting for the program");
        std::fs::write(album.join("steps.txt"), told).unwrap();
    }
}

/// From the first screen to the account.
fn first_run(alice: &mut Walker<'_>, place: &Place, name: &str) -> Result<(), Trouble> {
    alice.finds("Welcome", &[]);
    if alice.language == "ar" {
        alice.presses_named("العربية", &["radio button"])?;
        alice.reads("Welcome");
    }
    alice.step("language");
    alice.presses("Next")?;
    alice.enters("Passphrase", PASSPHRASE)?;
    alice.enters("The same once more", PASSPHRASE)?;
    alice.step("passphrase");
    alice.key("Return")?;
    alice.reads("Connecting to Tor");
    // Until Tor is ready the same button says "Not now".
    alice.reads("Next");
    alice.step("tor");
    alice.presses("Next")?;
    let servers = alice.words("Server");
    alice.presses_named(&servers, &["combo box"])?;
    // The last of the list: a server that is not listed.
    for _ in 0..30 {
        alice.key("Down")?;
    }
    alice.key("Return")?;
    alice.enters("Domain of the server", &place.info().onion)?;
    alice.enters("Name", name)?;
    alice.step("account");
    alice.presses("Make the account")?;
    alice.reads("Connected");
    alice.step("connected");
    alice.presses("Next")
}

/// From the first contact to the word "verified".
fn first_talk(alice: &mut Walker<'_>, bob: &mut Person, jid: &str) -> Result<(), Trouble> {
    alice.enters("Address or link", &bob.jid)?;
    alice.step("contact");
    alice.presses("Add and finish")?;
    bob.otter.accept_contact(bob.account, jid, SOON)?;
    alice.presses_named(&bob.jid, &["list item"])?;
    let field = alice.words("Message to {}");
    let field = field.split("{}").max_by_key(|part| part.len()).unwrap();
    alice.presses_named(field, &["entry", "text"])?;
    alice.types("Hello from the first minute")?;
    alice.key("Return")?;
    bob.otter.wait_for_text("Hello from the first minute", SOON)?;
    assert_eq!(
        bob.otter.received().get("Hello from the first minute"),
        Some(&(1, 0))
    );
    alice.reads("Private, not verified");
    alice.step("private");
    alice.presses("Private, not verified")?;
    alice.presses("Verify the key")?;
    alice.enters("Question", "Where did we meet?")?;
    alice.enters("The answer", "under the clock")?;
    alice.step("question");
    alice.presses("Ask")?;
    bob.otter.until("the question", SOON, |event| match event {
        Event::VerificationChanged {
            verification: Verification::Asked { question },
            ..
        } => question.clone(),
        _ => None,
    })?;
    bob.otter.ask(&Command::AnswerVerification(AnswerVerification {
        account: bob.account,
        contact: jid.parse().unwrap(),
        secret: Secret::new("under the clock".to_owned()),
    }))?;
    alice.presses("Back")?;
    alice.reads("Private, verified");
    alice.step("verified");
    Ok(())
}

fn walks(language: &str) -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let mut bob = Person::arrive(&place, "bob", place.by_name(Transport::DirectTls))?;
    let home = Home::new(&place, "walker")?;
    let screen = Screen::start()?;
    let desktop = Desktop::start(&place, &screen);
    let _window = Windowed::start_on(&place, home.path(), &desktop.variables())?;
    screen.window()?;
    let album = std::env::var_os("OTTER_WALK").map(|folder| PathBuf::from(folder).join(language));
    let mut alice = Walker {
        screen: &screen,
        desktop: &desktop,
        language,
        album,
        begun: Instant::now(),
        steps: Vec::new(),
        waited: Duration::ZERO,
    };
    let name = place.fresh("wren");
    let jid = format!("{name}@{}", place.info().onion);
    first_run(&mut alice, &place, &name)?;
    first_talk(&mut alice, &mut bob, &jid)
}

#[test]
fn lab_a_person_walks_from_the_first_start_to_a_verified_conversation() -> Result<(), Trouble> {
    walks("en")
}

#[test]
fn lab_the_same_walk_in_arabic() -> Result<(), Trouble> {
    walks("ar")
}
