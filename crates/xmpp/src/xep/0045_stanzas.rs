//! XEP-0045 on the wire: what is said to rooms, and what theirs says.
//! Must never ask for history, and never take a name or an address that was not checked.
//! XEP-0045 7 (occupants), 8 and 9 (moderators, administrators), 10 (owners); XEP-0421.

use jid::{BareJid, FullJid, Jid};
use minidom::Element;
use xmpp_parsers::iq::{Iq, IqHeader, IqPayload};
use xmpp_parsers::muc::Muc;
use xmpp_parsers::muc::muc::History;
use xso::AsXml;

use crate::error::Error;
use crate::event::Password;
use crate::room::{Affiliation, Occupant, Role, RoomInfo, RoomModeration, RoomRefusal};
use crate::{ns, write};

/// Longest name of a room that is kept, in bytes; a longer one is left out.
const LONGEST_NAME: usize = 1_023;
/// Longest topic that is kept, in bytes; what is longer is cut.
const LONGEST_TOPIC: usize = 16 * 1024;
/// Most status codes that are looked at.
const MOST_CODES: usize = 16;

#[derive(AsXml)]
#[xml(namespace = ns::CLIENT, name = "presence")]
struct Presence {
    #[xml(attribute(name = "type", default))]
    kind: Option<String>,
    #[xml(attribute)]
    to: Jid,
    #[xml(child(default))]
    muc: Option<Muc>,
}

/// XEP-0045 7.2: enters, without history.
pub(crate) fn enter(at: &FullJid, password: Option<&Password>) -> Result<Vec<u8>, Error> {
    let mut muc = Muc::new().with_history(History::new().with_maxstanzas(0));
    muc.password = password.map(|password| password.expose_secret().to_owned());
    write::encode(&Presence {
        kind: None,
        to: Jid::from(at.clone()),
        muc: Some(muc),
    })
}

/// XEP-0045 7.6: takes another name.
pub(crate) fn rename(at: &FullJid) -> Result<Vec<u8>, Error> {
    write::encode(&Presence {
        kind: None,
        to: Jid::from(at.clone()),
        muc: None,
    })
}

/// XEP-0045 7.14.
pub(crate) fn leave(at: &FullJid) -> Result<Vec<u8>, Error> {
    write::encode(&Presence {
        kind: Some("unavailable".to_owned()),
        to: Jid::from(at.clone()),
        muc: None,
    })
}

#[derive(AsXml)]
#[xml(namespace = ns::CLIENT, name = "message")]
struct Message {
    #[xml(attribute)]
    to: Jid,
    #[xml(attribute)]
    id: String,
    #[xml(attribute(name = "type", default))]
    kind: Option<String>,
    #[xml(extract(default, fields(text(type_ = String))))]
    body: Option<String>,
    #[xml(extract(default, fields(text(type_ = String))))]
    subject: Option<String>,
    #[xml(child(default))]
    direct: Option<Direct>,
    #[xml(child(default))]
    mediated: Option<Mediated>,
}

impl Message {
    fn new(to: &BareJid, id: &str) -> Self {
        Self {
            to: Jid::from(to.clone()),
            id: id.to_owned(),
            kind: None,
            body: None,
            subject: None,
            direct: None,
            mediated: None,
        }
    }

    fn to_room(room: &BareJid, id: &str) -> Self {
        Self {
            kind: Some("groupchat".to_owned()),
            ..Self::new(room, id)
        }
    }
}

/// XEP-0249 2.
#[derive(AsXml)]
#[xml(namespace = ns::CONFERENCE, name = "x")]
struct Direct {
    #[xml(attribute)]
    jid: Jid,
    #[xml(attribute(default))]
    password: Option<String>,
}

/// XEP-0045 7.8.2.
#[derive(AsXml)]
#[xml(namespace = ns::MUC_USER, name = "x")]
struct Mediated {
    #[xml(child)]
    invite: Invite,
}

#[derive(AsXml)]
#[xml(namespace = ns::MUC_USER, name = "invite")]
struct Invite {
    #[xml(attribute)]
    to: Jid,
}

/// XEP-0045 7.4.
pub(crate) fn say(room: &BareJid, id: &str, body: String) -> Result<Vec<u8>, Error> {
    write::encode(&Message {
        body: Some(body),
        ..Message::to_room(room, id)
    })
}

/// XEP-0045 8.1.
pub(crate) fn set_topic(room: &BareJid, id: &str, topic: String) -> Result<Vec<u8>, Error> {
    write::encode(&Message {
        subject: Some(topic),
        ..Message::to_room(room, id)
    })
}

/// XEP-0249: a message to whoever is invited, from us.
pub(crate) fn invite_directly(
    whom: &BareJid,
    id: &str,
    room: &BareJid,
    password: Option<&Password>,
) -> Result<Vec<u8>, Error> {
    write::encode(&Message {
        direct: Some(Direct {
            jid: Jid::from(room.clone()),
            password: password.map(|password| password.expose_secret().to_owned()),
        }),
        ..Message::new(whom, id)
    })
}

/// XEP-0045 7.8.2: the room is asked to invite, and puts whoever is invited on its list if it has one.
pub(crate) fn invite_through(room: &BareJid, id: &str, whom: &BareJid) -> Result<Vec<u8>, Error> {
    let to = Jid::from(whom.clone());
    write::encode(&Message {
        mediated: Some(Mediated {
            invite: Invite { to },
        }),
        ..Message::new(room, id)
    })
}

#[derive(AsXml)]
#[xml(namespace = ns::MUC_ADMIN, name = "query")]
struct Admin {
    #[xml(child)]
    item: Item,
}

#[derive(AsXml)]
#[xml(namespace = ns::MUC_ADMIN, name = "item")]
struct Item {
    #[xml(attribute(default))]
    affiliation: Option<String>,
    #[xml(attribute(default))]
    jid: Option<Jid>,
    #[xml(attribute(default))]
    nick: Option<String>,
    #[xml(attribute(default))]
    role: Option<String>,
}

/// XEP-0045 8 and 9: another rank for somebody. `None`: the room does not show their address, and needs it.
pub(crate) fn moderate(nick: &str, jid: Option<&BareJid>, action: RoomModeration) -> Option<Element> {
    let item = match action {
        RoomModeration::Affiliation(affiliation) => return affiliate(jid?, affiliation),
        RoomModeration::Role(role) => Item {
            affiliation: None,
            jid: None,
            nick: Some(nick.to_owned()),
            role: Some(role.name().to_owned()),
        },
    };
    xso::transform(&Admin { item }).ok()
}

/// XEP-0045 9: a lasting rank for an address.
pub(crate) fn affiliate(jid: &BareJid, affiliation: Affiliation) -> Option<Element> {
    let item = Item {
        affiliation: Some(affiliation.name().to_owned()),
        jid: Some(Jid::from(jid.clone())),
        nick: None,
        role: None,
    };
    xso::transform(&Admin { item }).ok()
}

/// A request that changes something.
pub(crate) fn set(id: String, to: &BareJid, payload: Element) -> Iq {
    header(id, to).assemble(IqPayload::Set(payload))
}

/// A request that asks for something.
pub(crate) fn get(id: String, to: &BareJid, payload: Element) -> Iq {
    header(id, to).assemble(IqPayload::Get(payload))
}

fn header(id: String, to: &BareJid) -> IqHeader {
    IqHeader {
        from: None,
        to: Some(Jid::from(to.clone())),
        id,
    }
}

/// What a room says beside a stanza (XEP-0045 15.6).
pub(crate) struct User {
    pub(crate) affiliation: Affiliation,
    pub(crate) role: Role,
    jid: Option<BareJid>,
    /// The new name, with code 303.
    pub(crate) nick: Option<String>,
    pub(crate) destroyed: bool,
    codes: Vec<u16>,
}

impl User {
    pub(crate) fn read(stanza: &Element) -> Self {
        let user = stanza.get_child("x", ns::MUC_USER);
        let item = user.and_then(|user| user.get_child("item", ns::MUC_USER));
        let attribute = |name: &'static str| item.and_then(|item| item.attr(name));
        let jid = attribute("jid").and_then(|jid| Jid::new(jid).ok());
        Self {
            affiliation: Affiliation::from_name(attribute("affiliation")),
            role: Role::from_name(attribute("role")),
            jid: jid.map(|jid| jid.to_bare()),
            nick: attribute("nick").map(str::to_owned),
            destroyed: user.is_some_and(|user| user.has_child("destroy", ns::MUC_USER)),
            codes: user.map(codes).unwrap_or_default(),
        }
    }

    pub(crate) fn says(&self, code: u16) -> bool {
        self.codes.contains(&code)
    }

    pub(crate) fn occupant(&self, nick: &str) -> Occupant {
        Occupant {
            nick: nick.to_owned(),
            jid: self.jid.clone(),
            affiliation: self.affiliation,
            role: self.role,
        }
    }
}

fn codes(user: &Element) -> Vec<u16> {
    let statuses = user.children().filter(|child| child.is("status", ns::MUC_USER));
    statuses
        .filter_map(|status| status.attr("code")?.parse().ok())
        .take(MOST_CODES)
        .collect()
}

/// Whose name in the room stays the same when they are called otherwise (XEP-0421).
pub(crate) fn occupant_id(stanza: &Element) -> Option<&str> {
    stanza.get_child("occupant-id", ns::OCCUPANT_ID)?.attr("id")
}

/// What a room says of itself; `None`: it is no room.
pub(crate) fn info(answer: &Element) -> Option<RoomInfo> {
    let query = answer.get_child("query", ns::DISCO_INFO)?;
    let mut identities = query
        .children()
        .filter(|child| child.is("identity", ns::DISCO_INFO));
    let identity = identities.find(|identity| identity.attr("category") == Some("conference"))?;
    let has = |name: &str| {
        let mut features = query
            .children()
            .filter(|child| child.is("feature", ns::DISCO_INFO));
        features.any(|feature| feature.attr("var") == Some(name))
    };
    if !has(ns::MUC) {
        return None;
    }
    let name = identity.attr("name").filter(|name| !name.is_empty());
    let members_only = has("muc_membersonly");
    Some(RoomInfo {
        name: name.filter(|name| name.len() <= LONGEST_NAME).map(str::to_owned),
        logged: has(ns::MAM) || tells_where_logs_are(query),
        addresses_shown: has("muc_nonanonymous"),
        open: !members_only && !has("muc_hidden") && !has("muc_passwordprotected"),
        members_only,
    })
}

fn tells_where_logs_are(query: &Element) -> bool {
    let fields = query
        .children()
        .filter(|child| child.is("x", ns::DATA_FORMS))
        .flat_map(Element::children);
    let mut logs = fields.filter(|field| field.attr("var") == Some("muc#roominfo_logs"));
    logs.any(|field| {
        field
            .get_child("value", ns::DATA_FORMS)
            .is_some_and(|value| !value.text().is_empty())
    })
}

/// The new topic; `None`: this message changes none (XEP-0045 7.2.15: a subject without a body does).
pub(crate) fn topic(message: &Element) -> Option<String> {
    let subject = message.get_child("subject", ns::CLIENT)?;
    if message.has_child("body", ns::CLIENT) || message.has_child("thread", ns::CLIENT) {
        return None;
    }
    let mut text = subject.text();
    let end = (0..=LONGEST_TOPIC.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or_default());
    Some(text)
}

/// XEP-0045 7.2.5-7.2.11 and 10.1: why a room lets nobody of this name in.
pub(crate) fn refusal(condition: &str) -> RoomRefusal {
    match condition {
        "forbidden" => RoomRefusal::Banned,
        "item-not-found" | "gone" => RoomRefusal::NoSuchRoom,
        "conflict" | "jid-malformed" | "not-acceptable" => RoomRefusal::NickRefused,
        "not-allowed" => RoomRefusal::CreationRefused,
        "not-authorized" => RoomRefusal::PasswordNeeded,
        "registration-required" => RoomRefusal::MembersOnly,
        "remote-server-not-found" | "remote-server-timeout" => RoomRefusal::Unreachable,
        "resource-constraint" | "service-unavailable" => RoomRefusal::Full,
        _ => RoomRefusal::Other,
    }
}
