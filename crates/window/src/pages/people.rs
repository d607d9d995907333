//! The list of people, and below it how Tor and the accounts do.
//! It must never show a name or a line that `view` did not make fit to be shown.
//! Standard: `docs/rpc.md`, `contact.accept` and `contact.refuse`; the rules of the list stand at [`view::Query`].

use std::cell::RefCell;
use std::rc::Rc;

use model::Command;
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Filter, ListKind, ListRow, Peer, Query, RoomRow, State, Words};

use crate::app::now;
use crate::markup::{self, Condition, Health, Person, PersonKind};
use crate::pages::{Page, enter_room, trust, with};
use crate::{App, Look};

/// Heights of the rows in units of the grid: `ui/pages/people.slint`.
const HEADING: f32 = 4.0;
const REQUEST: f32 = 12.5;
const PERSON: f32 = 7.0;

/// What the list shows now.
#[derive(Default)]
pub(crate) struct People {
    search: RefCell<String>,
    /// Whom each row leads to; a heading leads nowhere.
    peers: RefCell<Vec<Option<Peer>>>,
}

impl Page for People {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::People<'_>>();
        let page = self.clone();
        global.on_searched(with(app, move |app, text: SharedString| {
            page.search.replace(text.into());
            page.fill(app);
        }));
        let page = self.clone();
        global.on_choose(with(app, move |app, index| {
            // A heading leads to the row below it.
            if let Some(peer) = page.peer(index).or_else(|| page.peer(index.saturating_add(1))) {
                choose(app, peer);
            }
        }));
        let page = self.clone();
        global.on_step(with(app, move |app, by| page.step(app, by)));
        let page = self.clone();
        global.on_accept(with(app, move |app, index| {
            if let Some(peer) = page.peer(index) {
                if app.state(|state| state.room(&peer).is_some()) {
                    enter_room::open_with(app, &peer);
                } else {
                    app.order(&Command::AcceptContact(peer.reference()));
                }
            }
        }));
        global.on_refuse(with(app, move |app, index| {
            if let Some(peer) = self.peer(index) {
                let of_room = app.state(|state| state.room(&peer).is_some());
                app.order(&if of_room {
                    Command::ForgetRoom(peer.room())
                } else {
                    Command::RefuseContact(peer.reference())
                });
            }
        }));
        global.on_show_only_online(with(app, |app, only| {
            app.change_look(|look| look.only_online = only);
        }));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let of_list = |it: &Change| {
            matches!(
                it,
                Change::List | Change::Everything | Change::Header(_) | Change::Room(_)
            )
        };
        if changes.iter().any(of_list) {
            self.fill(app);
        }
        let of_health = |it: &Change| matches!(it, Change::Tor | Change::Account(_) | Change::Everything);
        if changes.iter().any(of_health) {
            let rows = app.state(|state| conditions(state, &app.words()));
            let global = app.ui().global::<markup::People<'_>>();
            global.set_conditions(ModelRc::new(VecModel::from(rows)));
        }
    }
}

impl People {
    fn peer(&self, index: i32) -> Option<Peer> {
        let index = usize::try_from(index).ok()?;
        self.peers.borrow().get(index).cloned().flatten()
    }

    /// The conversation so many places below the one that is open.
    fn step(&self, app: &Rc<App>, by: i32) {
        let peers: Vec<Peer> = self.peers.borrow().iter().flatten().cloned().collect();
        let opened = app.state(|state| state.in_view().cloned());
        let place = peers.iter().position(|peer| Some(peer) == opened.as_ref());
        let next = match place {
            Some(place) => place.saturating_add_signed(isize::try_from(by).unwrap_or_default()),
            None => 0,
        };
        if let Some(peer) = peers.get(next) {
            choose(app, peer.clone());
        }
    }

    fn fill(&self, app: &Rc<App>) {
        let query = self.query(&app.look());
        let words = app.words();
        let rows = app.mirror(|mirror| view::list(mirror.state(), mirror.drafts(), words, &query, now()));
        let rooms = app.mirror(|mirror| view::rooms(mirror.state(), mirror.drafts(), &words, &query.search));
        let opened = app.state(|state| state.in_view().cloned());
        let mut shown = Shown::default();
        let requests = rows.iter().filter(|row| row.kind == ListKind::Request).count();
        if requests > 0 {
            shown.heading(PersonKind::Requests);
        }
        for (place, row) in rows.into_iter().enumerate() {
            if place == requests && requests > 0 {
                shown.heading(PersonKind::People);
            }
            shown.row(row, opened.as_ref());
        }
        if !rooms.is_empty() {
            shown.heading(PersonKind::Rooms);
        }
        for row in rooms {
            shown.room(row, opened.as_ref());
        }
        let global = app.ui().global::<markup::People<'_>>();
        global.set_only_online(query.filter == Filter::Online);
        global.set_nobody(app.state(|state| state.contacts().len() + state.rooms().len() == 0));
        global.set_no_account(app.state(|state| state.accounts().len() == 0));
        global.set_rows(ModelRc::new(VecModel::from(shown.rows)));
        self.peers.replace(shown.peers);
    }

    fn query(&self, look: &Look) -> Query {
        Query {
            search: self.search.borrow().clone(),
            filter: if look.only_online {
                Filter::Online
            } else {
                Filter::All
            },
            previews: true,
            ..Query::default()
        }
    }
}

/// Rows as they are put together.
#[derive(Default)]
struct Shown {
    rows: Vec<Person>,
    peers: Vec<Option<Peer>>,
    top: f32,
}

impl Shown {
    fn heading(&mut self, kind: PersonKind) {
        let heading = Person {
            kind,
            ..Person::default()
        };
        self.push(heading, HEADING, None);
    }

    fn row(&mut self, row: ListRow, opened: Option<&Peer>) {
        let request = row.kind == ListKind::Request;
        let person = Person {
            kind: if request {
                PersonKind::Request
            } else {
                PersonKind::Person
            },
            initial: initial(&row.name.text),
            name: row.name.text.into(),
            address: row.address.into(),
            preview: row.preview.into(),
            preview_rtl: row.preview_rtl,
            online: row.online,
            trust: trust::shown(row.trust),
            badge: row.badge.into(),
            spoken: row.spoken.into(),
            chosen: opened == Some(&row.peer),
            draft: row.is_draft,
            ..Person::default()
        };
        self.push(person, if request { REQUEST } else { PERSON }, Some(row.peer));
    }

    fn room(&mut self, row: RoomRow, opened: Option<&Peer>) {
        let (kind, tall) = if row.invited {
            (PersonKind::Invitation, REQUEST)
        } else {
            (PersonKind::Room, PERSON)
        };
        let person = Person {
            kind,
            initial: initial(&row.name.text),
            name: row.name.text.into(),
            address: row.address.into(),
            preview: row.preview.into(),
            preview_rtl: row.preview_rtl,
            online: row.inside,
            badge: row.badge.into(),
            spoken: row.spoken.into(),
            chosen: opened == Some(&row.peer),
            draft: row.is_draft,
            ..Person::default()
        };
        self.push(person, tall, Some(row.peer));
    }

    fn push(&mut self, mut person: Person, tall: f32, peer: Option<Peer>) {
        person.top = self.top;
        person.tall = tall;
        self.top += tall;
        self.rows.push(person);
        self.peers.push(peer);
    }
}

/// Opens a conversation or a room. An invitation is answered by its buttons.
fn choose(app: &Rc<App>, peer: Peer) {
    match app.state(|state| state.room(&peer).map(|it| it.room.invited_by.is_some())) {
        Some(true) => (),
        Some(false) => app.open_room(peer),
        None => app.open(Some(peer)),
    }
}

/// The letter in the circle beside a name.
fn initial(name: &str) -> SharedString {
    let letter = name.chars().find(|it| it.is_alphanumeric()).unwrap_or('·');
    letter.to_uppercase().collect::<String>().into()
}

fn conditions(state: &State, words: &Words) -> Vec<Condition> {
    let mut rows = Vec::new();
    if let Some(tor) = state.tor() {
        let row = view::tor_row(tor, words);
        let progress = if row.ready {
            0.0
        } else {
            f32::from(row.percent.min(100)) / 100.0
        };
        rows.push(Condition {
            name: SharedString::default(),
            words: row.doing.into(),
            health: health(row.ready, row.stalled),
            progress,
        });
    }
    for account in state.accounts() {
        let row = view::account_row(account, words);
        rows.push(Condition {
            health: health(row.online, !row.online && !row.busy),
            name: row.address.into(),
            words: row.state.into(),
            progress: 0.0,
        });
    }
    rows
}

fn health(good: bool, bad: bool) -> Health {
    match (good, bad) {
        (true, _) => Health::Good,
        (false, true) => Health::Bad,
        (false, false) => Health::Working,
    }
}
