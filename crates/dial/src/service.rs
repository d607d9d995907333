//! An onion service of our own, as the engine sees it: its address, and one stream for each visitor.
//! It must never hold the service's key, nor take a visit that nobody asked for.
//! Standard: design.md section 1 ("host an onion service"); [`door::Served`].

use std::fmt;

use door::{Host, LineError, Served};

use crate::{DialError, Dialer, Stream};

/// A service that stands for as long as this value lives.
pub struct Service {
    address: Host,
    dialer: Dialer,
    lines: Stream,
}

impl Service {
    /// Reads the address, which the gate says first.
    pub(crate) async fn announced(dialer: Dialer, mut lines: Stream) -> Result<Service, DialError> {
        match Served::decode(&lines.read_line().await?)? {
            Served::Address(address) => Ok(Service {
                address,
                dialer,
                lines,
            }),
            Served::Visit(_) => Err(DialError::Garbled(LineError::Malformed)),
        }
    }

    /// Where visitors find it.
    pub fn address(&self) -> &Host {
        &self.address
    }

    /// Waits for the next visitor and lets them in; who is gone by then is passed over. Must not be dropped half-way where a
    /// visitor may not be lost: then they are told that nobody takes them.
    ///
    /// # Errors
    /// [`DialError`], once the service has ended.
    pub async fn visitor(&mut self) -> Result<Stream, DialError> {
        loop {
            let Served::Visit(visit) = Served::decode(&self.lines.read_line().await?)? else {
                return Err(DialError::Garbled(LineError::Malformed));
            };
            match self.dialer.accept(visit).await {
                Err(DialError::Refused(_)) => {}
                taken => return taken,
            }
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service(..)")
    }
}
