//! A walk past every screen, for pictures and for tests that look at all of them.
//! It must never be part of the program. Standard: the list of screens.

use model::{ProfileState, TorCause, TorPhase, Verification};
use serde_json::json;
use slint::platform::Key;
use slint::{ComponentHandle, ModelRc, VecModel};
use window::Look;
use window::markup::{self, AccountTask, Accounts, Dialog, Nav, Page, ServerKeyKind, ServerKeyLine};

use super::{self as stage, Stage};

/// Shows every screen in a look, and calls `seen` at each with its name.
pub(crate) fn every_screen(stage: &mut Stage, look: &Look, seen: &dyn Fn(&Stage, &str)) {
    stage.app.change_look(|it| *it = look.clone());
    wizard(stage, seen);
    closed(stage, seen);
    open(stage, look, seen);
    owner(stage, seen);
    beside(stage, seen);
    rooms(stage, seen);
}

/// Everything before the profile is open.
fn closed(stage: &mut Stage, seen: &dyn Fn(&Stage, &str)) {
    stage.fresh(&stage::snapshot(ProfileState::Locked));
    seen(stage, "unlock");
    stage.screen.write("wrong");
    stage.screen.key(Key::Return);
    stage.refuse("profile.unlock", "profile.wrong_passphrase");
    seen(stage, "unlock-refused");
}

/// The first start.
fn wizard(stage: &mut Stage, seen: &dyn Fn(&Stage, &str)) {
    stage.fresh(&stage::snapshot(ProfileState::Absent));
    seen(stage, "first-language");
    stage.screen.key(Key::Return);
    stage.screen.settle();
    stage.screen.write("otter2");
    seen(stage, "first-passphrase");
    stage.screen.key(Key::Return);
    stage.screen.write("otter2");
    let mut all = stage::snapshot(ProfileState::Open);
    (all.tor.phase, all.tor.percent) = (TorPhase::Stalled, 45);
    all.tor.cause = Some(TorCause::Blocked);
    stage.fresh(&all);
    seen(stage, "first-tor");
    stage.screen.key(Key::Return);
    seen(stage, "first-account");
    stage.screen.write("wren");
    stage.screen.key(Key::Return);
    stage.answer(
        "account.add",
        &serde_json::json!({ "account": 1, "fingerprint": stage::FINGERPRINT }),
    );
    stage.fresh(&stage::empty());
    seen(stage, "first-account-made");
    stage.screen.key(Key::Return);
    seen(stage, "first-contact");
    stage.fresh(&stage::snapshot(ProfileState::Absent));
    stage.screen.settle();
}

/// The main view.
fn open(stage: &mut Stage, look: &Look, seen: &dyn Fn(&Stage, &str)) {
    stage.fresh(&stage::empty());
    stage.keep(look);
    seen(stage, "main-empty");
    stage.fresh(&stage::evening());
    seen(stage, "main");
    stage.open("bob");
    seen(stage, "talk-verified");
    stage.open("sara");
    seen(stage, "talk-private");
    stage.open("dariush");
    seen(stage, "talk-finished");
    stage.open("eve");
    seen(stage, "talk-new");
    stage.screen.key(Key::F1);
    seen(stage, "shortcuts");
    stage.screen.key(Key::Escape);
    stage.screen.chord(&[Key::Control], "n");
    seen(stage, "add-contact");
    stage.screen.key(Key::Escape);
}

/// The owner's accounts, one contact, and those who ask.
fn owner(stage: &mut Stage, seen: &dyn Fn(&Stage, &str)) {
    let go = |stage: &Stage, page| stage.app.ui().global::<Nav<'_>>().invoke_go(page);
    let open = |stage: &Stage, dialog| stage.app.ui().global::<Nav<'_>>().invoke_open(dialog);
    stage.open("bob");
    open(stage, Dialog::Contact);
    seen(stage, "contact");
    open(stage, Dialog::Search);
    stage.screen.write("papers");
    stage.screen.key(Key::Return);
    seen(stage, "search");
    open(stage, Dialog::Requests);
    seen(stage, "requests");
    stage.screen.key(Key::Escape);
    go(stage, Page::Accounts);
    seen(stage, "accounts");
    for (task, name) in [
        (AccountTask::Add, "account-add"),
        (AccountTask::Way, "account-way"),
        (AccountTask::Policy, "account-policy"),
        (AccountTask::Visibility, "account-visibility"),
        (AccountTask::Key, "account-key"),
        (AccountTask::Remove, "account-remove"),
        (AccountTask::ServerKeys, "account-server-keys"),
        (AccountTask::Resolvers, "account-resolvers"),
        (AccountTask::Share, "account-share"),
    ] {
        server(stage);
        stage.app.ui().global::<Accounts<'_>>().invoke_open(0, task);
        seen(stage, name);
        stage.screen.key(Key::Escape);
    }
    go(stage, Page::Main);
}

/// What the sheets about the server and about the own address show.
fn server(stage: &Stage) {
    stage.app.ui().global::<markup::Share<'_>>().invoke_begin(0);
    let global = stage.app.ui().global::<markup::AccountServer<'_>>();
    global.invoke_begin_resolvers(0);
    let told = json!({ "resolvers": ["dns.quad9.net@9.9.9.9:853", "one.one.one.one@1.1.1.1:853"] });
    stage.answer("account.resolvers", &told);
    global.set_why("The server has another key than before, and nothing was sent to it.".into());
    let keys = [
        (ServerKeyKind::Before, "A1B2C3D4"),
        (ServerKeyKind::Now, "0F1E2D3C"),
    ];
    let keys = keys.map(|(kind, digits)| ServerKeyLine {
        kind,
        key: [digits; 8].join(" ").into(),
    });
    global.set_keys(ModelRc::new(VecModel::from_iter(keys)));
}

/// What stands beside the conversations: keys, Tor, security, preferences.
fn beside(stage: &mut Stage, seen: &dyn Fn(&Stage, &str)) {
    stage.fresh(&stage::evening());
    stage.open("sara");
    let global = stage.app.ui().global::<markup::Verify<'_>>();
    global.invoke_open();
    for (way, name) in ["verify-question", "verify-secret", "verify-compare"]
        .iter()
        .enumerate()
    {
        global.set_way(i32::try_from(way).unwrap());
        seen(stage, name);
    }
    stage.verifies("sara", Verification::Done { same: false });
    seen(stage, "verify-different");
    stage.screen.key(Key::Escape);
    let question = Some("Where did we meet?".to_owned());
    stage.verifies("sara", Verification::Asked { question });
    seen(stage, "verify-strip");
    stage.app.ui().global::<markup::Verify<'_>>().invoke_look();
    seen(stage, "verify-asked");
    stage.screen.key(Key::Escape);
    stage.verifies("sara", Verification::None);
    stage.change_key("sara", "سارة الحسن");
    seen(stage, "key-changed");
    for (page, name) in [
        (Page::Tor, "tor"),
        (Page::Security, "security"),
        (Page::Preferences, "preferences"),
    ] {
        let nav = stage.app.ui().global::<Nav<'_>>();
        nav.invoke_go(page);
        stage.answer("profile.stored", &json!({
            "items": [{ "what": "keys", "count": 1, "bytes": 500 }, { "what": "contacts", "count": 6, "bytes": 2_300 }],
            "on_disk": 65_536,
        }));
        stage.answer("probe.list", &json!({ "probes": [{
            "account": 1, "from": "mallory@example.net", "kind": "otr_query", "count": 3, "last_at": stage::now(),
        }] }));
        answer_guards(stage);
        seen(stage, name);
        stage.app.ui().global::<Nav<'_>>().invoke_go(Page::Main);
    }
    gateways(stage, seen);
    stage.fresh(&stage::evening());
}

/// Other networks, and a form of one.
fn gateways(stage: &mut Stage, seen: &dyn Fn(&Stage, &str)) {
    stage.app.ui().global::<Nav<'_>>().invoke_go(Page::Gateways);
    // The page begins empty once it is shown.
    stage.screen.settle();
    let global = stage.app.ui().global::<markup::Gateways<'_>>();
    global.invoke_ask(0, "".into());
    stage.answer("gateway.list", &json!({ "gateways": [{
        "account": 1, "address": "irc.otter.example", "name": "Old chats", "network": "irc", "registered": true,
        "state": { "is": "online" }, "said": "Connected as wren",
        "label": { "code": "gateway.operator_reads", "text": "" },
    }] }));
    global.invoke_show_people(0);
    stage.answer(
        "gateway.contacts",
        &json!({ "contacts": [
        { "contact": "heron%irc.example.org@irc.otter.example", "name": "heron", "added": false },
    ] }),
    );
    seen(stage, "gateways");
    let field = |name: &str, label: &str, kind: &str| {
        json!({ "name": name, "label": label, "description": null, "kind": kind, "required": true, "values": [],
            "options": [{ "label": "TLS", "value": "1" }, { "label": "None", "value": "0" }] })
    };
    global.invoke_register(0);
    stage.answer(
        "gateway.form",
        &json!({ "registered": true, "form": {
        "title": "Your account at irc.example.org", "instructions": "Say what you are called there.",
        "fields": [field("nick", "Nickname", "text_single"), field("pass", "Password", "text_private"),
            field("tls", "Protection", "list_single"), field("stay", "Stay connected", "boolean")],
        "columns": [], "rows": [],
    } }),
    );
    seen(stage, "gateway-form");
    stage.app.ui().global::<Nav<'_>>().invoke_go(Page::Main);
}

/// What the engine says of Tor, of the walls and of those who look.
fn answer_guards(stage: &Stage) {
    stage.answer(
        "tor.settings",
        &json!({ "running": false, "bridges": ["obfs4 192.0.2.7:443 cert=x iat-mode=0"], "transports": ["obfs4"] }),
    );
    stage.answer("rules.show", &json!({ "lock_after_minutes": 15 }));
    stage.answer("walls.check", &json!({ "attempts": [
        { "room": "engine", "attempt": "tcp connect", "must_be_refused": true, "refused": true, "seen": "EPERM" },
        { "room": "window", "attempt": "udp send", "must_be_refused": true, "refused": true, "seen": "EPERM" },
    ] }));
    stage.answer("sight.list", &json!({ "sights": [
        { "account": 1, "observer": "own_server", "whom": "otter.example", "what": "contact_list", "count": 1 },
        { "account": 1, "observer": "own_server", "whom": "otter.example", "what": "message_times", "count": 41 },
    ] }));
}

/// Rooms: one that is open, its sheet, and entering one.
fn rooms(stage: &mut Stage, seen: &dyn Fn(&Stage, &str)) {
    stage.fresh(&stage::rooms());
    stage.open("Otters");
    stage.answer("room.show", &serde_json::to_value(stage::otters()).unwrap());
    stage.screen.settle();
    seen(stage, "room");
    let open = |stage: &Stage, dialog| stage.app.ui().global::<Nav<'_>>().invoke_open(dialog);
    stage.app.ui().global::<markup::Room<'_>>().set_tab(1);
    open(stage, Dialog::Room);
    seen(stage, "room-members");
    stage.screen.key(Key::Escape);
    open(stage, Dialog::EnterRoom);
    seen(stage, "room-enter");
    stage.screen.key(Key::Escape);
    stage.fresh(&stage::evening());
}
