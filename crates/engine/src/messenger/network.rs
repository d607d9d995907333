//! What is wanted of a network, in the words of the account's protocol; and names on each network.
//! It must never know more of a network than how it is spoken to. RFC 6121; RFC 2812.

use jid::{BareJid, Jid};
use model::{AccountId, Address, Problem, Protocol, Secret};

use super::Messenger;
use crate::link::{Order, Wish, preset};

impl Messenger {
    /// Has something done about a person; without a connection it is of no use and goes nowhere.
    pub(super) fn wish(&self, account: AccountId, who: &Address, wish: Wish) {
        let Some(owner) = self.open.as_ref().and_then(|open| open.accounts.get(&account)) else {
            return;
        };
        let orders = match owner.shown.protocol {
            Protocol::Irc => vec![Order::Person {
                who: who.clone(),
                wish,
            }],
            Protocol::Xmpp => xmpp_orders(who, wish),
        };
        for order in orders {
            if let (true, Order::Xmpp(command)) = (owner.online, &order) {
                self.seen_order(account, command);
            }
            let _ = owner.orders.try_send(order);
        }
    }
}

impl Messenger {
    /// Asks to see somebody with the token that they gave away.
    pub(super) fn befriend_invited(&self, account: AccountId, who: &Address, token: &Secret) {
        let owner = self.open.as_ref().and_then(|open| open.accounts.get(&account));
        let Some(owner) = owner.filter(|owner| owner.shown.protocol == Protocol::Xmpp) else {
            self.wish(account, who, Wish::Befriend);
            return;
        };
        for order in xmpp_orders(who, Wish::Befriend) {
            let order = match order {
                Order::Xmpp(xmpp::Command::Subscribe(jid)) => Order::Xmpp(xmpp::Command::SubscribeWith {
                    jid,
                    token: xmpp::Password::new(token.expose().to_owned()),
                }),
                order => order,
            };
            if let (true, Order::Xmpp(command)) = (owner.online, &order) {
                self.seen_order(account, command);
            }
            let _ = owner.orders.try_send(order);
        }
    }
}

fn xmpp_orders(who: &Address, wish: Wish) -> Vec<Order> {
    let Ok(jid) = BareJid::new(who.as_str()) else {
        return Vec::new();
    };
    let befriend = |jid: BareJid| {
        let name = None;
        let listed = xmpp::Command::AddContact {
            jid: jid.clone(),
            name,
        };
        vec![listed, xmpp::Command::Subscribe(jid)]
    };
    let commands = match wish {
        // Asked of IRC networks only.
        Wish::Ask => Vec::new(),
        Wish::Approve => vec![xmpp::Command::Approve(jid)],
        Wish::Befriend => befriend(jid),
        Wish::Block => vec![xmpp::Command::Block(vec![jid])],
        Wish::Drop => vec![xmpp::Command::RemoveContact(jid)],
        Wish::Refuse => vec![xmpp::Command::Refuse(jid)],
        Wish::Unblock => vec![xmpp::Command::Unblock(jid)],
    };
    commands.into_iter().map(Order::Xmpp).collect()
}

/// One message to a person, or to a program of theirs.
pub(super) fn message(
    protocol: Protocol,
    who: &Address,
    program: Option<&str>,
    (body, token, otr): (String, u64, bool),
) -> Option<Order> {
    Some(match protocol {
        Protocol::Irc => Order::Say {
            to: who.clone(),
            body,
            token,
            otr,
        },
        Protocol::Xmpp => {
            let bare = BareJid::new(who.as_str()).ok()?;
            let full = program.and_then(|program| bare.with_resource_str(program).ok());
            let to = full.map_or_else(|| Jid::from(bare), Jid::from);
            Order::Xmpp(xmpp::Command::Send { to, body, token, otr })
        }
    })
}

/// Checks the address of a new account.
///
/// # Errors
/// Where the network has no such addresses.
pub(super) fn check_own_address(protocol: Protocol, address: &Address) -> Result<(), Problem> {
    match protocol {
        Protocol::Irc => irc_names(address).map(|_| ()).ok_or_else(|| {
            Problem::new(
                "account.bad_irc_address",
                "An IRC account's address looks like nick@network: a nick without @ and spaces, and the name of a known \
                 network or a server's host name.",
            )
        }),
        Protocol::Xmpp => {
            let jid = BareJid::new(address.as_str()).ok();
            jid.filter(|jid| jid.node().is_some()).map(|_| ()).ok_or_else(|| {
                Problem::new(
                    "account.bad_address",
                    "An account's address looks like name@server.",
                )
            })
        }
    }
}

/// The server of an address; none where there is only a nick.
pub(super) fn server_of(address: &Address) -> &str {
    address.as_str().rsplit_once('@').map_or("", |(_, server)| server)
}

/// Nick and network of an IRC account.
pub(super) fn irc_names(address: &Address) -> Option<(irc::Nick, String)> {
    let (nick, network) = address.as_str().split_once('@')?;
    let known = preset(network).is_some() || dial::Host::parse(network).is_ok();
    let nick = irc::Nick::new(nick).filter(|nick| !irc::is_service(nick))?;
    known.then(|| (nick, network.to_owned()))
}

/// Checks the address of a room.
///
/// # Errors
/// Where the network has no such rooms.
pub(super) fn check_room(protocol: Protocol, room: &Address) -> Result<(), Problem> {
    let good = match protocol {
        Protocol::Irc => irc::Room::new(room.as_str()).is_some(),
        Protocol::Xmpp => BareJid::new(room.as_str()).is_ok_and(|jid| jid.node().is_some()),
    };
    if good {
        return Ok(());
    }
    Err(match protocol {
        Protocol::Irc => Problem::new(
            "room.bad_name",
            "This is no name that can be used on this network: a room's name begins with #.",
        ),
        Protocol::Xmpp => Problem::new(
            "room.bad_address",
            "This is no address of a room: it looks like room@server.",
        ),
    })
}

/// A contact's address as it is known on the network: on IRC the nick alone.
///
/// # Errors
/// Where the network has no such addresses, or it is the account's own.
pub(super) fn contact_address(
    protocol: Protocol,
    own: &Address,
    contact: &Address,
) -> Result<Address, Problem> {
    let bad = || {
        Problem::new(
            "contact.bad_address",
            "This is no address of this network: it looks like name@server.",
        )
    };
    let (address, own) = match protocol {
        Protocol::Irc => {
            let (own_nick, network) = own.as_str().split_once('@').ok_or_else(bad)?;
            let here = contact.as_str().strip_suffix(network);
            let nick = here.and_then(|nick| nick.strip_suffix('@'));
            let nick = irc::Nick::new(nick.unwrap_or(contact.as_str())).ok_or_else(|| {
                Problem::new(
                    "contact.bad_nick",
                    "This is no nick that anybody can have on this network.",
                )
            })?;
            if irc::is_service(&nick) {
                return Err(Problem::new(
                    "contact.is_service",
                    "This is a service of the network and no person: nothing that is written to it could be private.",
                ));
            }
            (nick.as_str().parse().map_err(|_| bad())?, own_nick)
        }
        Protocol::Xmpp => {
            BareJid::new(contact.as_str()).map_err(|_| bad())?;
            (contact.clone(), own.as_str())
        }
    };
    if address.as_str() == own {
        return Err(Problem::new(
            "contact.is_yourself",
            "This is the account's own address.",
        ));
    }
    Ok(address)
}
