//! Lines that wait for their turn.
//! Must never send faster than a server allows, nor let a user's clock or typing show in the pace of a long text.
//! RFC 1459 8.10 and RFC 2813 5.8 (a penalty for each line).

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::Flood;

/// A queue behind a token bucket.
#[derive(Debug)]
pub(crate) struct Queue {
    flood: Flood,
    lines: VecDeque<Vec<u8>>,
    most: usize,
    /// When the bucket is full again.
    full_at: Duration,
}

impl Queue {
    pub(crate) fn new(flood: Flood, most: usize) -> Self {
        Self {
            flood,
            lines: VecDeque::new(),
            most,
            full_at: Duration::ZERO,
        }
    }

    /// Whether so many more lines can wait.
    pub(crate) fn has_room(&self, lines: usize) -> bool {
        self.lines.len().saturating_add(lines) <= self.most
    }

    pub(crate) fn push(&mut self, line: Vec<u8>) {
        self.lines.push_back(line);
    }

    /// The next line, if its turn has come.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.lines.is_empty() || now < self.turn() {
            return None;
        }
        self.full_at = self.full_at.max(now).saturating_add(self.flood.every);
        self.lines.pop_front()
    }

    /// The few lines that may still go, whether or not it is their turn, when the connection is about to end.
    pub(crate) fn last_words(&mut self) -> Vec<Vec<u8>> {
        let few = usize::try_from(self.flood.burst)
            .unwrap_or(usize::MAX)
            .min(self.lines.len());
        self.lines.drain(..few).collect()
    }

    /// When the next line may go; `None`: none waits.
    pub(crate) fn due(&self) -> Option<Duration> {
        (!self.lines.is_empty()).then(|| self.turn())
    }

    fn turn(&self) -> Duration {
        let spare = self
            .flood
            .every
            .saturating_mul(self.flood.burst.saturating_sub(1));
        self.full_at.saturating_sub(spare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_one_by_one() {
        let mut queue = Queue::new(Flood::default(), 100);
        for number in 0..8 {
            queue.push(vec![number]);
        }
        let mut now = Duration::from_secs(100);
        let mut burst = 0;
        while queue.pop(now).is_some() {
            burst += 1;
        }
        assert_eq!(burst, 5);
        for _ in 0..3 {
            let due = queue.due().unwrap();
            assert_eq!(due, now + Duration::from_secs(2));
            assert_eq!(queue.pop(due - Duration::from_millis(1)), None);
            now = due;
            assert!(queue.pop(now).is_some());
        }
        assert_eq!(queue.due(), None);
        // After a rest the whole burst is there again, and not more.
        now += Duration::from_secs(1_000);
        (0..8).for_each(|number| queue.push(vec![number]));
        assert_eq!((0..8).filter(|_| queue.pop(now).is_some()).count(), 5);
    }
}
