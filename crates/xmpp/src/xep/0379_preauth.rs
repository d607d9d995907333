//! XEP-0379 Pre-Authenticated Roster Subscription, and XEP-0445 the same for a new account: a token that somebody gave
//! to the person, shown to whom it is for.
//! Must never show a token to anybody but the one whom it is for.
//! XEP-0379 4.2, XEP-0445 4, XEP-0401 (where tokens come from).

use jid::{BareJid, Jid};
use xmpp_parsers::iq::{IqHeader, IqPayload};
use xso::AsXml;

use crate::config::Config;
use crate::error::Error;
use crate::{ns, write};

/// Longest token that is shown, in bytes.
const LONGEST: usize = 512;

#[derive(AsXml)]
#[xml(namespace = ns::PARS, name = "preauth")]
struct Preauth {
    #[xml(attribute)]
    token: String,
}

#[derive(AsXml)]
#[xml(namespace = ns::CLIENT, name = "presence")]
struct Presence {
    #[xml(attribute(name = "type"))]
    kind: String,
    #[xml(attribute)]
    to: Jid,
    #[xml(child)]
    preauth: Preauth,
}

fn preauth(token: &str) -> Result<Preauth, Error> {
    if token.len() > LONGEST {
        return Err(Error::TooLong);
    }
    Ok(Preauth {
        token: token.to_owned(),
    })
}

/// The request for somebody's presence, which their server grants by itself where the token is one of theirs.
pub(crate) fn subscribe(to: BareJid, token: &str) -> Result<Vec<u8>, Error> {
    write::encode(&Presence {
        kind: "subscribe".to_owned(),
        to: Jid::from(to),
        preauth: preauth(token)?,
    })
}

/// What a server is shown before it is asked for an account.
pub(crate) fn show(config: &Config, id: &str, token: &str) -> Result<Vec<u8>, Error> {
    let payload = xso::transform(&preauth(token)?).map_err(|_| Error::IllegalCharacter)?;
    let header = IqHeader {
        from: None,
        to: Some(write::domain(&config.jid)),
        id: id.to_owned(),
    };
    write::request(header.assemble(IqPayload::Set(payload)))
}
