//! Bytes in, whole guarded elements out.
//! Must never build an element that breaks a limit, and never lets a stranger's stanza end the stream.
//! RFC 6120 4 (streams), 11 (restricted XML); the restrictions are enforced by `rxml`.

mod namespaces;

use minidom::Element;
use rxml::error::EndOrError;
use rxml::{AttrMap, Namespace, Options, Parse, RawEvent, RawParser, RawQName, WithOptions};

use crate::config::Limits;
use crate::error::OfflineReason;
use crate::ns;
use namespaces::Namespaces;

/// One piece of a stream.
#[derive(Debug)]
pub(crate) enum Frame {
    /// The stream header.
    Opened {
        /// The `version` attribute.
        version: Option<String>,
    },
    /// A whole element within all limits.
    Element(Element),
    /// The head of an element that broke a limit and was skipped to its end.
    Discarded(Element),
    /// The stream's closing tag.
    Ended,
}

/// Cuts a stream into frames. One for each stream: after STARTTLS and SASL a new one is made.
pub(crate) struct Framer {
    parser: RawParser,
    namespaces: Namespaces,
    limits: Limits,
    /// Bytes taken in since the last event, to bound what the parser holds.
    pending: usize,
    /// Open elements, the stream included.
    depth: usize,
    /// The first byte that counts was seen, and was the beginning of a tag.
    begun: bool,
    tag: Option<Tag>,
    stanza: Stanza,
}

/// A start tag of which not all attributes are known yet.
struct Tag {
    name: RawQName,
    attributes: Vec<(RawQName, String)>,
    /// It holds more attributes than allowed; the surplus is gone.
    overfull: bool,
}

/// What is known of the stanza that is coming in.
#[derive(Default)]
struct Stanza {
    bytes: usize,
    elements: usize,
    /// Open elements, outermost first, each with its number of children.
    open: Vec<(Element, usize)>,
    /// The head of a stanza that is being skipped.
    skipped: Option<Element>,
}

impl Framer {
    pub(crate) fn new(limits: Limits) -> Self {
        let options = Options {
            // One attribute value may be longer than a stanza; it must reach the guards instead of ending the stream.
            max_token_length: limits.stanza_bytes.saturating_mul(4),
            ..Options::default()
        };
        Self {
            parser: <RawParser as WithOptions>::with_options(options),
            namespaces: Namespaces::default(),
            limits,
            pending: 0,
            depth: 0,
            begun: false,
            tag: None,
            stanza: Stanza::default(),
        }
    }

    /// Takes bytes from the front of `bytes` up to the end of the next frame. `None`: all taken, no frame complete.
    /// An error means that the stream is beyond repair.
    pub(crate) fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, OfflineReason> {
        self.begin(bytes)?;
        loop {
            let before = bytes.len();
            let parsed = self.parser.parse(bytes, false);
            let taken = before.saturating_sub(bytes.len());
            match parsed {
                Ok(Some(event)) => {
                    self.pending = 0;
                    if let Some(frame) = self.take_event(event)? {
                        return Ok(Some(frame));
                    }
                }
                Ok(None) => return Ok(None),
                Err(EndOrError::NeedMoreData) => {
                    self.pending = self.pending.saturating_add(taken);
                    if self.pending > self.limits.skipped_bytes {
                        return Err(OfflineReason::TooLarge);
                    }
                    return Ok(None);
                }
                Err(EndOrError::Error(_)) => return Err(OfflineReason::MalformedXml),
            }
        }
    }

    /// Knows at the first byte whether the other side speaks XML at all, instead of waiting for a tag that never comes.
    fn begin(&mut self, bytes: &[u8]) -> Result<(), OfflineReason> {
        if self.begun {
            return Ok(());
        }
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Ok(()),
            Some(b'<') => {
                self.begun = true;
                Ok(())
            }
            Some(_) => Err(OfflineReason::MalformedXml),
        }
    }

    fn take_event(&mut self, event: RawEvent) -> Result<Option<Frame>, OfflineReason> {
        if self.depth > 0 {
            self.count_bytes(event.metrics().len())?;
        }
        match event {
            RawEvent::XmlDeclaration(..) => Ok(None),
            RawEvent::ElementHeadOpen(_, name) => {
                self.open_tag(name);
                Ok(None)
            }
            RawEvent::Attribute(_, name, value) => {
                self.take_attribute(name, value);
                Ok(None)
            }
            RawEvent::ElementHeadClose(_) => self.close_tag(),
            RawEvent::Text(_, text) => self.take_text(text),
            RawEvent::ElementFoot(_) => Ok(self.end_element()),
        }
    }

    /// Counts towards the stanza, and begins to skip one that has grown too long.
    fn count_bytes(&mut self, bytes: usize) -> Result<(), OfflineReason> {
        let stanza = &mut self.stanza;
        stanza.bytes = stanza.bytes.saturating_add(bytes);
        if stanza.bytes > self.limits.skipped_bytes {
            return Err(OfflineReason::TooLarge);
        }
        if stanza.bytes > self.limits.stanza_bytes {
            stanza.skip();
        }
        Ok(())
    }

    fn open_tag(&mut self, name: RawQName) {
        if self.depth == 1 {
            self.stanza.bytes = 0;
        }
        if self.stanza.skipped.is_none() {
            self.tag = Some(Tag {
                name,
                attributes: Vec::new(),
                overfull: false,
            });
        }
    }

    fn take_attribute(&mut self, name: RawQName, value: String) {
        let limit = self.limits.attributes;
        let bytes = self.limits.stanza_bytes;
        if let Some(tag) = &mut self.tag {
            if tag.attributes.len() < limit && value.len() <= bytes {
                tag.attributes.push((name, value));
            } else {
                tag.overfull = true;
            }
        }
    }

    fn close_tag(&mut self) -> Result<Option<Frame>, OfflineReason> {
        let level = self.depth;
        self.depth = self.depth.saturating_add(1);
        let Some(tag) = self.tag.take() else {
            return Ok(None);
        };
        let overfull = tag.overfull;
        if level > self.limits.depth {
            self.stanza.skip();
            return Ok(None);
        }
        let element = match self.namespaces.open(tag.name, tag.attributes) {
            Ok(element) => element,
            // What lies beyond the limit may have held the declaration of a prefix.
            Err(_) if overfull && level > 1 => {
                self.stanza.skip();
                return Ok(None);
            }
            Err(reason) => return Err(reason),
        };
        if level == 0 {
            return open_stream(&element).map(Some);
        }
        self.push(element, overfull);
        Ok(None)
    }

    /// Takes in the start of an element within a stanza, or begins to skip the stanza.
    fn push(&mut self, element: Element, overfull: bool) {
        let stanza = &mut self.stanza;
        if stanza.open.is_empty() {
            stanza.elements = 0;
        }
        stanza.elements = stanza.elements.saturating_add(1);
        let mut over = overfull || stanza.elements > self.limits.elements;
        if let Some((_, children)) = stanza.open.last_mut() {
            *children = children.saturating_add(1);
            over |= *children > self.limits.children;
        }
        stanza.open.push((element, 0));
        if over || stanza.bytes > self.limits.stanza_bytes {
            stanza.skip();
        }
    }

    fn take_text(&mut self, text: String) -> Result<Option<Frame>, OfflineReason> {
        match self.stanza.open.last_mut() {
            Some((element, _)) => element.append_text(text),
            None if self.stanza.skipped.is_some() => {}
            None => {
                // Between stanzas: whitespace keeps the connection alive, and counts towards nothing.
                self.stanza.bytes = 0;
                if !text.chars().all(|c| c.is_ascii_whitespace()) {
                    return Err(OfflineReason::MalformedXml);
                }
            }
        }
        Ok(None)
    }

    fn end_element(&mut self) -> Option<Frame> {
        self.depth = self.depth.saturating_sub(1);
        self.namespaces.close_to(self.depth);
        if self.depth == 0 {
            return Some(Frame::Ended);
        }
        if let Some(head) = self.stanza.skipped.take() {
            if self.depth == 1 {
                self.stanza = Stanza::default();
                return Some(Frame::Discarded(head));
            }
            self.stanza.skipped = Some(head);
            return None;
        }
        let (element, _) = self.stanza.open.pop()?;
        match self.stanza.open.last_mut() {
            Some((parent, _)) => {
                parent.append_child(element);
                None
            }
            None => {
                self.stanza.bytes = 0;
                Some(Frame::Element(element))
            }
        }
    }
}

impl Stanza {
    /// Lets go of everything but the head.
    fn skip(&mut self) {
        if self.skipped.is_some() || self.open.is_empty() {
            return;
        }
        let mut open = std::mem::take(&mut self.open);
        open.truncate(1);
        self.skipped = open.pop().map(|(mut head, _)| {
            head.take_nodes();
            head
        });
    }
}

/// Checks that the outermost element is a stream of ours (RFC 6120 4.8.1).
fn open_stream(element: &Element) -> Result<Frame, OfflineReason> {
    if !element.is("stream", ns::STREAM) {
        return Err(OfflineReason::MalformedXml);
    }
    Ok(Frame::Opened {
        version: element.attr("version").map(str::to_owned),
    })
}

/// An empty map with one attribute after another put in; a second one of the same name is an error.
fn insert_once(
    map: &mut AttrMap,
    namespace: Namespace<'static>,
    name: rxml::NcName,
    value: String,
) -> Result<(), OfflineReason> {
    match map.insert(namespace, name, value) {
        None => Ok(()),
        Some(_) => Err(OfflineReason::MalformedXml),
    }
}

#[cfg(test)]
mod tests;
