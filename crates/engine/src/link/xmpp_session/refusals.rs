//! Why a room did not do what was wanted, as it is told to the owner.
//! It must never carry words of others: each reason is a code and a sentence of ours.
//! XEP-0045 7.2, 7.13, 15.6; RFC 6120 8.3.3.

use model::Problem;
use xmpp::{RoomExit, RoomRefusal, StanzaCondition};

/// Why the room was not entered.
pub(super) fn of_entry(why: RoomRefusal) -> Problem {
    let (code, text) = match why {
        RoomRefusal::Banned => ("room.banned", "You are banned from this room."),
        RoomRefusal::CreationRefused => ("room.not_made", "The server makes no room for you."),
        RoomRefusal::Full => ("room.full", "The room is full. Try again later."),
        RoomRefusal::MembersOnly => ("room.members_only", "Only its members can be in this room."),
        RoomRefusal::NickRefused => (
            "room.nick_taken",
            "This name is taken in the room, or cannot be used there. Choose another.",
        ),
        RoomRefusal::NoSuchRoom => ("room.no_such_room", "There is no such room."),
        RoomRefusal::NotARoom => (
            "room.not_a_room",
            "There is something at this address, but no room.",
        ),
        RoomRefusal::NotClosed => (
            "room.not_closed",
            "The server could not close the room to strangers, so it was not made.",
        ),
        RoomRefusal::Other => ("room.not_let_in", "The room did not let you in."),
        RoomRefusal::PasswordNeeded => (
            "room.password_needed",
            "The room has a password. Enter it and try again.",
        ),
        RoomRefusal::Unreachable => (
            "room.unreachable",
            "The room's server does not answer. Try again later.",
        ),
    };
    Problem::new(code, text)
}

/// Why the account is no longer in it; nothing: because its owner wanted so.
pub(super) fn of_exit(exit: RoomExit) -> Option<Problem> {
    let (code, text) = match exit {
        RoomExit::Requested => return None,
        RoomExit::Banned => ("room.banned", "You are banned from this room."),
        RoomExit::Destroyed => ("room.destroyed", "The room was taken down."),
        RoomExit::Kicked => (
            "room.put_out",
            "You were put out of this room. You can try to enter it again.",
        ),
        RoomExit::Lost => (
            "room.lost",
            "The connection to the room broke. You can try to enter it again.",
        ),
        RoomExit::MembersOnly => ("room.members_only", "Only its members can be in this room."),
        RoomExit::Shutdown => (
            "room.unreachable",
            "The room's server does not answer. Try again later.",
        ),
    };
    Some(Problem::new(code, text))
}

/// Why something that was asked of a room did not come about.
pub(super) fn of_action(condition: StanzaCondition) -> Problem {
    let (code, text) = match condition {
        StanzaCondition::Refused => ("room.not_allowed", "You are not allowed to do that in this room."),
        StanzaCondition::NotFound => ("room.nobody", "There is nobody of this name in the room."),
        StanzaCondition::Overloaded | StanzaCondition::ServerUnreachable | StanzaCondition::Unavailable => (
            "room.unreachable",
            "The room's server does not answer. Try again later.",
        ),
        StanzaCondition::Other => ("room.not_done", "The room did not do that."),
    };
    Problem::new(code, text)
}

/// Why an order did not even go out.
pub(super) fn of_error(error: xmpp::Error) -> Problem {
    let code = match error {
        xmpp::Error::IllegalCharacter => "message.illegal_character",
        xmpp::Error::NotConnected => "account.not_connected",
        xmpp::Error::QueueFull => "account.busy",
        xmpp::Error::TooLong => "message.too_long",
    };
    Problem::new(code, error.to_string())
}

/// Somebody in the room wrote to the owner alone, which is not taken.
pub(super) fn whispered() -> Problem {
    Problem::new(
        "room.whispered",
        "Somebody in this room wrote to you alone, through the room. It was not taken, because the room's server can read such messages.",
    )
}
