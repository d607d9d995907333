//! Messages that belong together.
//! Must never hold the messages themselves, nor follow nesting without end.
//! IRCv3 batch, labeled-response, chathistory; znc.in/playback.

use std::collections::BTreeMap;

/// How deep batches may stand in each other.
const DEEPEST: usize = 4;
/// Longest reference or label that is kept, in bytes.
const LONGEST_REFERENCE: usize = 64;

/// What a batch is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Old messages of a room or person.
    History(String),
    /// The answer to one command.
    Labelled,
    /// Servers lost each other, or found each other again.
    Netsplit,
    Other,
}

#[derive(Debug)]
struct Batch {
    kind: Kind,
    parent: Option<String>,
    label: Option<String>,
    messages: usize,
}

/// The batches that are open.
#[derive(Debug)]
pub(crate) struct Batches {
    open: BTreeMap<String, Batch>,
    most: usize,
}

/// What is known of a message by the batches that it stands in.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Context {
    pub(crate) history: bool,
    pub(crate) label: Option<String>,
    pub(crate) netsplit: bool,
}

impl Batches {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            open: BTreeMap::new(),
            most,
        }
    }

    /// `BATCH +reference type parameters`. One that is open already, too deep or too many is not begun.
    pub(crate) fn begin(&mut self, reference: &str, kind: Kind, parent: Option<&str>, label: Option<&str>) {
        let long =
            reference.len() > LONGEST_REFERENCE || label.is_some_and(|label| label.len() > LONGEST_REFERENCE);
        let full = self.open.len() >= self.most || self.open.contains_key(reference);
        let deep = parent.is_some_and(|parent| self.depth(parent) >= DEEPEST);
        if long || full || deep {
            return;
        }
        let batch = Batch {
            kind,
            parent: parent.map(str::to_owned),
            label: label.map(str::to_owned),
            messages: 0,
        };
        self.open.insert(reference.to_owned(), batch);
    }

    /// `BATCH -reference`: what it was, its label, and how many messages came in it.
    pub(crate) fn end(&mut self, reference: &str) -> Option<(Kind, Option<String>, usize)> {
        let batch = self.open.remove(reference)?;
        Some((batch.kind, batch.label, batch.messages))
    }

    /// Counts a message in a batch, and tells what it belongs to. A batch that was never begun is taken for history:
    /// what comes in it is at least not known to be live.
    pub(crate) fn place(&mut self, reference: &str) -> Context {
        if let Some(batch) = self.open.get_mut(reference) {
            batch.messages = batch.messages.saturating_add(1);
        }
        let mut context = Context {
            history: !self.open.contains_key(reference),
            ..Context::default()
        };
        let mut next = Some(reference);
        for _ in 0..=DEEPEST {
            let Some(batch) = next.and_then(|reference| self.open.get(reference)) else {
                break;
            };
            context.history |= matches!(batch.kind, Kind::History(_));
            context.netsplit |= batch.kind == Kind::Netsplit;
            context.label = context.label.or_else(|| batch.label.clone());
            next = batch.parent.as_deref();
        }
        context
    }

    fn depth(&self, reference: &str) -> usize {
        let mut next = Some(reference);
        let mut depth = 0;
        while let Some(batch) = next.and_then(|reference| self.open.get(reference)) {
            depth += 1;
            next = batch.parent.as_deref().filter(|_| depth <= DEEPEST);
        }
        depth
    }
}

impl Kind {
    pub(crate) fn new(name: &str, parameter: &str) -> Self {
        match name {
            "chathistory" | "draft/chathistory" | "znc.in/playback" | "playback" => {
                Self::History(parameter.to_owned())
            }
            "labeled-response" | "draft/labeled-response" => Self::Labelled,
            "netjoin" | "netsplit" => Self::Netsplit,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_nested_batches_has_the_traits_of_all() {
        let mut batches = Batches::new(16);
        batches.begin("a", Kind::Labelled, None, Some("7"));
        batches.begin("b", Kind::new("chathistory", "#r"), Some("a"), None);
        let context = batches.place("b");
        assert!(context.history && !context.netsplit);
        assert_eq!(context.label.as_deref(), Some("7"));
        assert!(!batches.place("a").history);
        assert_eq!(batches.end("b"), Some((Kind::History("#r".to_owned()), None, 1)));
        assert_eq!(batches.end("b"), None);
    }

    #[test]
    fn what_comes_in_an_unknown_batch_is_not_live() {
        assert!(Batches::new(16).place("x").history);
    }

    #[test]
    fn nesting_and_number_have_an_end() {
        let mut batches = Batches::new(16);
        for depth in 0..100 {
            let parent = (depth > 0).then(|| (depth - 1).to_string());
            batches.begin(&depth.to_string(), Kind::Other, parent.as_deref(), None);
        }
        assert_eq!(
            batches.open.len(),
            16,
            "those behind the fourth have no open parent and stand alone"
        );
        let mut batches = Batches::new(16);
        for number in 0..1_000 {
            batches.begin(&number.to_string(), Kind::Other, None, None);
        }
        assert_eq!(batches.open.len(), 16);
        // Batches that stand in each other in a ring are followed no further than any others.
        let mut batches = Batches::new(16);
        batches.begin("a", Kind::Other, Some("b"), None);
        batches.begin("b", Kind::Other, Some("a"), None);
        assert!(!batches.place("a").history);
        batches.begin("c", Kind::Other, Some("b"), None);
        batches.begin(&"x".repeat(100), Kind::Other, None, None);
        assert!(batches.open.len() <= 3);
    }
}
