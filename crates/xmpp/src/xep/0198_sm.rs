//! XEP-0198 Stream Management: what was sent and not yet counted by the server, and how much of theirs we counted.
//! Must never forget a stanza that the server has not counted, nor keep more than the limits allow.
//! XEP-0198 1.6; the counters wrap at 2^32.

use std::collections::VecDeque;
use std::time::Duration;

use minidom::Element;

use crate::config::Limits;
use crate::ns;
use crate::write::escape;

/// Longest resumption id taken, in bytes.
const LONGEST_ID: usize = 4_096;

/// The server acknowledged more than was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooHigh {
    /// What the server claims.
    pub(crate) claimed: u32,
    /// What was sent.
    pub(crate) sent: u32,
}

/// One stream's management; outlives the transport, so that the stream can be resumed on another one.
pub(crate) struct Management {
    /// Under what id the stream can be resumed, if at all.
    resumption: Option<String>,
    /// How long the server keeps the stream after the transport is gone.
    max: Option<Duration>,
    /// When the transport went away.
    suspended: Option<Duration>,
    /// The server said `<enabled/>`: its stanzas count.
    enabled: bool,
    /// Stanzas of the server's that we have handled.
    handled: u32,
    /// Stanzas of ours that the server has handled.
    counted: u32,
    queue: VecDeque<Queued>,
    queue_bytes: usize,
}

struct Queued {
    token: Option<u64>,
    bytes: Vec<u8>,
}

impl Management {
    /// To be made when `<enable/>` is sent: from there on our stanzas count.
    pub(crate) fn new() -> Self {
        Self {
            resumption: None,
            max: None,
            suspended: None,
            enabled: false,
            handled: 0,
            counted: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
        }
    }

    /// `<enabled/>`: from here on the server's stanzas count. A location to resume at is not heeded: it could lead
    /// anywhere.
    pub(crate) fn enable(&mut self, element: &Element) {
        let resume = matches!(element.attr("resume"), Some("1" | "true"));
        let id = element.attr("id").filter(|id| id.len() <= LONGEST_ID);
        self.resumption = id.filter(|_| resume).map(str::to_owned);
        let max = element.attr("max").and_then(|max| max.parse().ok());
        self.max = max.map(Duration::from_secs);
        self.enabled = true;
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub(crate) fn is_resumable(&self) -> bool {
        self.resumption.is_some()
    }

    /// The `<resume/>` element for this stream.
    pub(crate) fn resume(&self) -> Option<Vec<u8>> {
        let previd = escape(self.resumption.as_deref()?);
        let (namespace, handled) = (ns::SM, self.handled);
        Some(format!("<resume xmlns='{namespace}' previd='{previd}' h='{handled}'/>").into_bytes())
    }

    /// Whether `<resumed/>` speaks of this stream.
    pub(crate) fn is_resumed_by(&self, element: &Element) -> bool {
        self.resumption.is_some() && element.attr("previd") == self.resumption.as_deref()
    }

    pub(crate) fn suspend(&mut self, now: Duration) {
        self.suspended = Some(now);
    }

    pub(crate) fn revive(&mut self) {
        self.suspended = None;
    }

    /// When the server will have forgotten the stream, if it said so and the transport is gone.
    pub(crate) fn forgotten_at(&self) -> Option<Duration> {
        self.suspended?.checked_add(self.max?)
    }

    /// One stanza of the server's was handled, or discarded for good.
    pub(crate) fn count(&mut self) {
        if self.enabled {
            self.handled = self.handled.wrapping_add(1);
        }
    }

    /// Whether one more stanza may wait.
    pub(crate) fn has_room(&self, bytes: usize, limits: &Limits) -> bool {
        self.queue.len() < limits.unacknowledged
            && self.queue_bytes.saturating_add(bytes) <= limits.unacknowledged_bytes
    }

    /// Keeps a stanza that is being sent.
    pub(crate) fn push(&mut self, token: Option<u64>, bytes: Vec<u8>) {
        self.queue_bytes = self.queue_bytes.saturating_add(bytes.len());
        self.queue.push_back(Queued { token, bytes });
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The `<a/>` element.
    pub(crate) fn answer(&self) -> Vec<u8> {
        let (namespace, handled) = (ns::SM, self.handled);
        format!("<a xmlns='{namespace}' h='{handled}'/>").into_bytes()
    }

    /// The server has handled `h` stanzas of this stream; gives the tokens that this newly covers, in order.
    pub(crate) fn acknowledge(&mut self, h: u32) -> Result<Vec<u64>, TooHigh> {
        let newly = h.wrapping_sub(self.counted) as usize;
        if newly > self.queue.len() {
            return Err(TooHigh {
                claimed: h,
                sent: self.counted.wrapping_add(self.queue.len() as u32),
            });
        }
        self.counted = h;
        let covered = self.queue.drain(..newly);
        let mut tokens = Vec::new();
        for queued in covered {
            self.queue_bytes = self.queue_bytes.saturating_sub(queued.bytes.len());
            tokens.extend(queued.token);
        }
        Ok(tokens)
    }

    /// What has to be sent again after a resume, in order.
    pub(crate) fn unacknowledged(&self) -> impl Iterator<Item = &[u8]> {
        self.queue.iter().map(|queued| queued.bytes.as_slice())
    }

    /// The tokens that were never acknowledged, in order.
    pub(crate) fn into_tokens(self) -> Vec<u64> {
        self.queue.into_iter().filter_map(|queued| queued.token).collect()
    }
}

/// RFC 6120 4.9 with XEP-0198 7: what is said to a server that acknowledged too much.
pub(crate) fn too_high(fault: TooHigh) -> Vec<u8> {
    let TooHigh { claimed, sent } = fault;
    let (errors, namespace) = (ns::STREAM_ERRORS, ns::SM);
    format!(
        "<stream:error><undefined-condition xmlns='{errors}'/>\
         <handled-count-too-high xmlns='{namespace}' h='{claimed}' send-count='{sent}'/></stream:error>"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Management {
        let mut management = Management::new();
        for token in 1..=3 {
            management.push(Some(token), vec![0; 10]);
        }
        management
    }

    #[test]
    fn acknowledgements_cover_in_order_and_once() {
        let mut management = three();
        assert_eq!(management.acknowledge(0), Ok(vec![]));
        assert_eq!(management.acknowledge(2), Ok(vec![1, 2]));
        assert_eq!(management.acknowledge(2), Ok(vec![]));
        assert_eq!(management.acknowledge(3), Ok(vec![3]));
        assert_eq!(management.queue_bytes, 0);
    }

    #[test]
    fn acknowledgements_beyond_what_was_sent_are_refused() {
        let too_high = |claimed| Err(TooHigh { claimed, sent: 3 });
        assert_eq!(three().acknowledge(4), too_high(4));
        assert_eq!(three().acknowledge(u32::MAX), too_high(u32::MAX));
        let mut management = three();
        assert_eq!(management.acknowledge(2), Ok(vec![1, 2]));
        assert_eq!(management.acknowledge(1), too_high(1));
    }

    #[test]
    fn counters_wrap() {
        let mut management = three();
        management.counted = u32::MAX - 1;
        assert_eq!(management.acknowledge(0), Ok(vec![1, 2]));
        assert_eq!(management.acknowledge(1), Ok(vec![3]));
        management.enabled = true;
        management.handled = u32::MAX;
        management.count();
        assert_eq!(management.handled, 0);
    }

    #[test]
    fn the_queue_is_bounded() {
        let limits = Limits {
            unacknowledged: 4,
            unacknowledged_bytes: 50,
            ..Limits::default()
        };
        let mut management = three();
        assert!(management.has_room(20, &limits));
        assert!(!management.has_room(21, &limits));
        management.push(None, vec![]);
        assert!(!management.has_room(1, &limits));
        assert_eq!(management.into_tokens(), vec![1, 2, 3]);
    }

    #[test]
    fn an_odd_resumption_id_is_escaped() {
        let mut management = Management::new();
        let enabled: Element = "<enabled xmlns='urn:xmpp:sm:3' id=\"a'&lt;&amp;&quot;&#10;\" resume='1'/>"
            .parse()
            .unwrap();
        management.enable(&enabled);
        let resume = String::from_utf8(management.resume().unwrap()).unwrap();
        assert!(
            resume.contains("previd='a&apos;&lt;&amp;&quot;&#10;'"),
            "{resume}"
        );
        assert!(resume.parse::<Element>().is_ok());
    }
}
