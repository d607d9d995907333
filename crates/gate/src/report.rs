//! Where the state of Tor is told: only the way that is in use may speak.
//! It must never let a way that was given up speak over its successor.
//! Standard: design.md section 1 ("bootstrap status").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use door::{Backend, GateStatus};
use tokio::sync::watch;

/// Where all ways tell their state.
pub(crate) struct Reports {
    status: watch::Sender<GateStatus>,
    current: Arc<AtomicU64>,
}

/// What one way tells its state through.
#[derive(Clone)]
pub(crate) struct Reporter {
    status: watch::Sender<GateStatus>,
    current: Arc<AtomicU64>,
    number: u64,
    backend: Backend,
    bridges: u8,
}

impl Reports {
    pub(crate) fn new() -> Reports {
        let (status, _) = watch::channel(GateStatus::starting());
        Reports {
            status,
            current: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The state now and at each change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<GateStatus> {
        self.status.subscribe()
    }

    /// For a new way: from now on nobody else is heard.
    pub(crate) fn reporter(&self, backend: Backend, bridges: usize) -> Reporter {
        Reporter {
            status: self.status.clone(),
            current: Arc::clone(&self.current),
            number: self.current.fetch_add(1, Ordering::SeqCst) + 1,
            backend,
            bridges: u8::try_from(bridges).unwrap_or(u8::MAX),
        }
    }
}

impl Reporter {
    /// Tells a state, unless another way was taken meanwhile.
    pub(crate) fn tell(&self, status: GateStatus) {
        let status = GateStatus {
            backend: self.backend,
            bridges: self.bridges,
            ..status
        };
        self.status.send_if_modified(|last| {
            let changed = self.current.load(Ordering::SeqCst) == self.number && *last != status;
            if changed {
                *last = status;
            }
            changed
        });
    }

    /// The state as last told, by whomever.
    pub(crate) fn last(&self) -> GateStatus {
        self.status.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_that_was_given_up_is_not_heard() {
        let reports = Reports::new();
        let heard = reports.subscribe();
        let first = reports.reporter(Backend::Embedded, 2);
        first.tell(GateStatus::starting());
        assert_eq!(heard.borrow().bridges, 2);
        let second = reports.reporter(Backend::Running, 0);
        second.tell(GateStatus::starting());
        first.tell(GateStatus::starting());
        assert_eq!(
            (heard.borrow().backend, heard.borrow().bridges),
            (Backend::Running, 0)
        );
    }
}
