//! Every key that is known, the owner's own and those of contacts.
//! It must never decide about another key than the one that was pressed.
//! Standard: `docs/rpc.md`, `KnownFingerprint`, `fingerprint.distrust`, `fingerprint.forget`.

use std::cell::RefCell;
use std::rc::Rc;

use model::{Command, FingerprintRef};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, KeyRow, KeyState};

use crate::App;
use crate::markup;
use crate::pages::{Page, with};

/// Keys on the page at once; the others are found by searching.
const MAX_SHOWN: usize = 100;

/// The keys as they stand on the page.
#[derive(Default)]
pub(crate) struct Fingerprints {
    shown: RefCell<Vec<KeyRow>>,
}

impl Page for Fingerprints {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Fingerprints<'_>>();
        global.on_copy(with(app, |app, text: SharedString| app.copy(&text)));
        let page = self.clone();
        global.on_searched(with(app, move |app, _: SharedString| page.fill(app)));
        let page = self.clone();
        let weak = Rc::downgrade(app);
        global.on_opened(move || {
            if let Some(app) = weak.upgrade() {
                let global = app.ui().global::<markup::Fingerprints<'_>>();
                global.set_search(SharedString::default());
                page.fill(&app);
            }
        });
        global.on_choose(self.on_row(app, |app, row| app.open(Some(row.peer))));
        global.on_distrust(self.on_row(app, |app, row| {
            app.order(&Command::DistrustFingerprint(reference(row)));
        }));
        global.on_forget(self.on_row(app, |app, row| {
            app.order(&Command::ForgetFingerprint(reference(row)));
        }));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let concerns = |it: &Change| {
            matches!(
                it,
                Change::Account(_) | Change::Everything | Change::Header(_) | Change::Profile
            )
        };
        let page = app.ui().global::<markup::Nav<'_>>().get_page();
        if page == markup::Page::Fingerprints && changes.iter().any(concerns) {
            self.fill(app);
        } else if changes.contains(&Change::Profile) {
            self.shown.take();
            let global = app.ui().global::<markup::Fingerprints<'_>>();
            global.set_keys(ModelRc::default());
            global.set_own(ModelRc::default());
            global.set_search(SharedString::default());
        }
    }
}

impl Fingerprints {
    fn fill(&self, app: &Rc<App>) {
        let words = app.words();
        let global = app.ui().global::<markup::Fingerprints<'_>>();
        let own: Vec<_> = app.state(|state| {
            let line = |it: &model::Account| markup::OwnKeyLine {
                address: view::text::isolated(&view::text::address(it.address.as_str())).into(),
                key: view::fingerprint(&it.fingerprint).into(),
            };
            state.accounts().map(line).collect()
        });
        global.set_own(ModelRc::new(VecModel::from(own)));
        let wanted = global.get_search().to_lowercase();
        let mut found = app.state(|state| view::keys(state, &words, None));
        found.retain(|row| matches(row, wanted.trim()));
        let more = found.len().saturating_sub(MAX_SHOWN);
        found.truncate(MAX_SHOWN);
        let lines: Vec<_> = found.iter().map(line).collect();
        self.shown.replace(found);
        global.set_keys(ModelRc::new(VecModel::from(lines)));
        global.set_more(i32::try_from(more).unwrap_or(i32::MAX));
    }

    /// A callback for one key: it is heard only where the key still stands where it was pressed.
    fn on_row(
        self: &Rc<Self>,
        app: &Rc<App>,
        act: impl Fn(&Rc<App>, KeyRow) + 'static,
    ) -> impl FnMut(i32, SharedString) + 'static {
        let page = self.clone();
        let app = Rc::downgrade(app);
        move |index, key| {
            let chosen = usize::try_from(index).ok();
            let row = chosen.and_then(|at| page.shown.borrow().get(at).cloned());
            let row = row.filter(|row| row.fingerprint == key.as_str());
            if let (Some(app), Some(row)) = (app.upgrade(), row) {
                act(&app, row);
            }
        }
    }
}

/// Whether a key is searched for: by name, address or digits, with or without spaces.
fn matches(row: &KeyRow, wanted: &str) -> bool {
    let digits = row.fingerprint.to_lowercase();
    row.name.text.to_lowercase().contains(wanted)
        || row.address.to_lowercase().contains(wanted)
        || digits.contains(wanted)
        || digits.replace(' ', "").contains(wanted)
}

fn line(row: &KeyRow) -> markup::KeyLine {
    markup::KeyLine {
        name: row.name.text.as_str().into(),
        address: view::text::isolated(&row.address).into(),
        key: row.fingerprint.as_str().into(),
        decided: row.state_words.as_str().into(),
        accepted: row.state != KeyState::NotAccepted,
        verified: row.state == KeyState::Verified,
        in_use: row.in_use,
    }
}

fn reference(row: KeyRow) -> FingerprintRef {
    FingerprintRef {
        account: row.peer.account,
        contact: row.peer.contact,
        fingerprint: row.fingerprint,
    }
}
