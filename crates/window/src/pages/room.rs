//! The room that is open: what stands above it, who is in it, what can be done.
//! It must never call a room private, nor show a nick that `view` did not make fit to be shown.
//! Standard: `docs/rpc.md`, `room.*`.

use std::rc::Rc;

use model::{Command, Done, EnterRoom, InviteToRoom, ModerateRoom, Moderation, Rank, RoomText};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::{Change, Peer};

use crate::pages::{Page, with};
use crate::{App, markup};

/// The page has nothing of its own to remember.
pub(crate) struct Room;

impl Page for Room {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Room<'_>>();
        global.on_opened(on_room(app, |app, peer| {
            members(app, &peer);
            app.renew_room(&peer);
        }));
        global.on_close(on_room(app, |app, _| app.open(None)));
        global.on_enter(on_room(app, |app, peer| enter_again(app, &peer)));
        global.on_leave(on_room(app, |app, peer| {
            ask(app, &Command::LeaveRoom(peer.room()), |_| ());
        }));
        global.on_forget(on_room(app, |app, peer| {
            app.order(&Command::ForgetRoom(peer.room()));
        }));
        global.on_set_topic(with(app, |app, text: SharedString| set_topic(app, &text)));
        global.on_invite(with(app, |app, address: SharedString| invite(app, &address)));
        global.on_kick(with(app, |app, index| moderate(app, index, Moderation::Kick)));
        global.on_ban(with(app, |app, index| moderate(app, index, Moderation::Ban)));
        let weak = Rc::downgrade(app);
        global.on_give_rank(move |index, rank| {
            if let Some(app) = weak.upgrade() {
                moderate(&app, index, Moderation::Rank { rank: rank_of(rank) });
            }
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let Some(peer) = opened(app) else { return };
        let concerns = |it: &Change| match it {
            Change::Everything | Change::List => true,
            Change::Room(of) | Change::Members(of) => *of == peer,
            Change::Account(account) => *account == peer.account,
            _ => false,
        };
        if changes.iter().any(concerns) {
            header(app, &peer);
        }
        let anew = |it: &Change| match it {
            Change::Everything => true,
            Change::Members(of) => *of == peer,
            _ => false,
        };
        if changes.iter().any(anew) {
            app.renew_room(&peer);
        }
        let of_members = |it: &Change| matches!(it, Change::Room(of) if *of == peer);
        let nav = app.ui().global::<markup::Nav<'_>>();
        if nav.get_dialog() == markup::Dialog::Room && changes.iter().any(of_members) {
            members(app, &peer);
        }
    }
}

fn opened(app: &App) -> Option<Peer> {
    app.state(|state| state.opened_room().cloned())
}

/// A callback for the room that is open.
fn on_room(app: &Rc<App>, act: impl Fn(&Rc<App>, Peer) + 'static) -> impl FnMut() + 'static {
    let weak = Rc::downgrade(app);
    move || {
        let Some(app) = weak.upgrade() else { return };
        if let Some(peer) = opened(&app) {
            act(&app, peer);
        }
    }
}

fn header(app: &Rc<App>, peer: &Peer) {
    let words = app.words();
    let Some(header) = app.state(|state| view::room_header(state, &words, peer)) else {
        return;
    };
    let isolated = |text: &str| SharedString::from(view::text::isolated(text));
    let talk = app.ui().global::<markup::Talk<'_>>();
    talk.set_inside(header.inside);
    talk.set_name(header.name.as_str().into());
    let global = app.ui().global::<markup::Room<'_>>();
    global.set_name(header.name.into());
    global.set_address(isolated(&header.address));
    global.set_account(isolated(&header.account));
    global.set_nick(isolated(&header.nick));
    global.set_topic(if header.topic.is_empty() {
        SharedString::default()
    } else {
        isolated(&header.topic)
    });
    global.set_state(header.state.into());
    global.set_why(header.why.into());
    global.set_people(header.members.into());
    global.set_warning(header.warning.into());
    let risks: Vec<SharedString> = header.risks.into_iter().map(SharedString::from).collect();
    global.set_risks(ModelRc::new(VecModel::from(risks)));
    global.set_rank(header.rank.into());
    global.set_inside(header.inside);
    global.set_entering(header.entering);
    global.set_may_change(header.may_change);
}

fn members(app: &Rc<App>, peer: &Peer) {
    let words = app.words();
    let lines: Vec<markup::MemberLine> = app.state(|state| {
        let Some(talk) = state.room(peer) else {
            return Vec::new();
        };
        let row = |member| view::member_row(member, talk.room.rank, &words);
        talk.members.iter().map(row).map(member_line).collect()
    });
    let global = app.ui().global::<markup::Room<'_>>();
    global.set_members(ModelRc::new(VecModel::from(lines)));
}

fn member_line(row: view::MemberRow) -> markup::MemberLine {
    let address = match row.address.as_str() {
        "" => SharedString::default(),
        address => view::text::isolated(address).into(),
    };
    markup::MemberLine {
        nick: view::text::isolated(&row.nick).into(),
        address,
        rank: row.rank.into(),
        own: row.own,
        may_kick: row.may_kick,
        may_rank: row.may_rank,
        spoken: row.spoken.into(),
    }
}

fn enter_again(app: &Rc<App>, peer: &Peer) {
    let Some((nick, stay)) = app.state(|state| {
        let room = &state.room(peer)?.room;
        Some((room.nick.clone(), room.enter))
    }) else {
        return;
    };
    app.order(&Command::EnterRoom(EnterRoom {
        account: peer.account,
        room: peer.contact.clone(),
        nick: Some(nick).filter(|it| !it.is_empty()),
        password: None,
        create: false,
        enter: stay,
    }));
}

fn set_topic(app: &Rc<App>, text: &str) {
    let Some(peer) = opened(app) else { return };
    let topic = RoomText {
        account: peer.account,
        room: peer.contact,
        text: view::text::pasted(text).trim().to_owned(),
    };
    ask(app, &Command::SetTopic(topic), |_| ());
}

fn invite(app: &Rc<App>, address: &str) {
    let Some(peer) = opened(app) else { return };
    let Ok(contact) = address.trim().parse() else {
        let problem = super::bad_address();
        return app
            .ui()
            .global::<markup::Room<'_>>()
            .set_problem(app.say(&problem));
    };
    let invitation = InviteToRoom {
        account: peer.account,
        room: peer.contact,
        contact,
    };
    ask(app, &Command::InviteToRoom(invitation), |app| {
        let said = app.words().say("room.invited_them");
        app.ui().global::<markup::Room<'_>>().set_done(said.into());
    });
}

/// Does something with a member. The sheet asked for the person's yes before.
fn moderate(app: &Rc<App>, index: i32, action: Moderation) {
    let Some(peer) = opened(app) else { return };
    let Ok(index) = usize::try_from(index) else { return };
    let nick = app.state(|state| Some(state.room(&peer)?.members.get(index)?.nick.clone()));
    let Some(nick) = nick else { return };
    let order = ModerateRoom {
        account: peer.account,
        room: peer.contact,
        nick,
        action,
    };
    ask(app, &Command::ModerateRoom(order), |_| ());
}

fn rank_of(index: i32) -> Rank {
    match index {
        0 => Rank::Listener,
        2 => Rank::Trusted,
        3 => Rank::Moderator,
        4 => Rank::Administrator,
        5 => Rank::Owner,
        _ => Rank::Ordinary,
    }
}

fn ask(app: &Rc<App>, command: &Command, then: fn(&Rc<App>)) {
    let global = app.ui().global::<markup::Room<'_>>();
    global.set_busy(true);
    global.set_problem(SharedString::default());
    global.set_done(SharedString::default());
    app.send::<Done>(command, move |app, done| {
        let global = app.ui().global::<markup::Room<'_>>();
        global.set_busy(false);
        match done {
            Ok(_) => then(app),
            Err(problem) => {
                global.set_problem(app.say(&problem));
                let nav = app.ui().global::<markup::Nav<'_>>();
                if nav.get_dialog() != markup::Dialog::Room {
                    app.show_problem(&problem);
                }
            }
        }
    });
}
