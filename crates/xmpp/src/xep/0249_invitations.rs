//! XEP-0249 Direct Invitations, and those that a room passes on (XEP-0045 7.8).
//! Must never enter a room because of one, and never believe a room about who invites.
//! XEP-0249 2, XEP-0045 7.8.2.

use jid::{BareJid, Jid};
use minidom::Element;

use crate::event::Password;
use crate::ns;
use crate::room::Invitation;

/// Longest password taken, in bytes.
const LONGEST_PASSWORD: usize = 1_024;

/// The invitation in a message from `from`, if there is one.
pub(crate) fn read(message: &Element, from: &Jid) -> Option<Invitation> {
    direct(message, from).or_else(|| mediated(message, from))
}

fn direct(message: &Element, from: &Jid) -> Option<Invitation> {
    let x = message.get_child("x", ns::CONFERENCE)?;
    Some(Invitation {
        room: BareJid::new(x.attr("jid")?).ok()?,
        by: from.clone(),
        direct: true,
        password: x.attr("password").and_then(password),
    })
}

fn mediated(message: &Element, from: &Jid) -> Option<Invitation> {
    let x = message.get_child("x", ns::MUC_USER)?;
    let invite = x.get_child("invite", ns::MUC_USER)?;
    if !from.is_bare() {
        return None;
    }
    let secret = x.get_child("password", ns::MUC_USER).map(Element::text);
    Some(Invitation {
        room: from.to_bare(),
        by: Jid::new(invite.attr("from")?).ok()?,
        direct: false,
        password: secret.as_deref().and_then(password),
    })
}

fn password(text: &str) -> Option<Password> {
    let fits = !text.is_empty() && text.len() <= LONGEST_PASSWORD;
    fits.then(|| Password::new(text.to_owned()))
}
