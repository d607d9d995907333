//! The SOCKS port of a Tor that somebody else runs, taken on trust, for networks of tests.
//! It must never be part of a program that people get.
//! Standard: see `socks`.

use std::net::SocketAddr;

use door::{Cause, Connect, GateStatus, Phase, Refusal};

use crate::circuits::Family;
use crate::hands::tcp;
use crate::outward::Carried;
use crate::report::Reporter;
use crate::socks;

/// A SOCKS port, and whether it was there when it was last needed.
pub(crate) struct SocksPort {
    address: SocketAddr,
    reporter: Reporter,
    /// Keeps gates apart that use the same Tor.
    password: String,
}

impl SocksPort {
    pub(crate) fn new(address: SocketAddr, reporter: Reporter) -> SocksPort {
        reporter.tell(there());
        SocksPort {
            address,
            reporter,
            password: format!("gate {}", std::process::id()),
        }
    }

    /// Opens a stream.
    pub(crate) async fn connect(
        &self,
        connect: &Connect,
        family: Family,
    ) -> Result<Box<dyn Carried>, Refusal> {
        let stream = tcp(self.address).await;
        self.reporter
            .tell(if stream.is_ok() { there() } else { absent() });
        let mut stream = stream.map_err(|_| Refusal::TorNotReady(Some(Cause::CannotReachTor)))?;
        socks::negotiate(&mut stream, &family.number.to_string(), &self.password, connect).await?;
        Ok(Box::new(stream))
    }
}

fn there() -> GateStatus {
    GateStatus {
        phase: Phase::Ready,
        percent: 100,
        doing: "Tor runs elsewhere.".to_owned(),
        ..GateStatus::starting()
    }
}

fn absent() -> GateStatus {
    let cause = Cause::CannotReachTor;
    GateStatus {
        phase: Phase::Stalled,
        doing: "The Tor that runs elsewhere does not answer.".to_owned(),
        advice: Some(cause.advice().to_owned()),
        cause: Some(cause),
        ..GateStatus::starting()
    }
}
