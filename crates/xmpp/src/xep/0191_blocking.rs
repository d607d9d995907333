//! XEP-0191: refusing everything from someone, on the server.
//! Must never ask a server to empty the list: an `<unblock/>` without an item would.
//! XEP-0191 3.3, 3.4. A server that cannot do it refuses the request, and nothing is lost but its help.

use jid::{BareJid, Jid};
use xmpp_parsers::blocking::{Block, Unblock};
use xmpp_parsers::iq::Iq;

use crate::error::Error;
use crate::session::{Kind, Session, Step};

/// Most addresses in one request.
const MOST: usize = 200;

impl Session {
    /// Refuses everything from these from now on.
    pub(crate) fn block(&mut self, jids: Vec<BareJid>, step: &mut Step<'_>) -> Result<(), Error> {
        self.blocked.extend(jids.iter().cloned());
        for some in jids.chunks(MOST) {
            let items = some.iter().cloned().map(Jid::from).collect();
            self.ask(Kind::Blocking, None, step, |id| Iq::from_set(id, Block { items }))?;
        }
        Ok(())
    }

    /// Takes a block away.
    pub(crate) fn unblock(&mut self, jid: BareJid, step: &mut Step<'_>) -> Result<(), Error> {
        self.blocked.remove(&jid);
        let items = vec![Jid::from(jid)];
        self.ask(Kind::Blocking, None, step, |id| {
            Iq::from_set(id, Unblock { items })
        })
    }
}
