//! DNS messages, as far as SRV records need them: one question out, one strict reading of what comes back.
//! It must never follow a pointer forwards, take an answer to another question, or hold more than 64 records.
//! Standard: RFC 1035 4 (format), RFC 2782 (SRV), RFC 7830 and 8467 (padding).

use std::fmt;

const TYPE_CNAME: u16 = 5;
const TYPE_SRV: u16 = 33;
const TYPE_OPT: u16 = 41;
const CLASS_IN: u16 = 1;
/// Longest name in its text form (RFC 1035 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Questions are padded to a multiple of this many bytes (RFC 8467 4.1).
const BLOCK: usize = 128;
/// Option of RFC 7830.
const OPTION_PADDING: u16 = 12;
/// Pointers followed in one name. Each leads backwards, so this is for the work alone.
const MOST_POINTERS: usize = 16;
/// Most records looked at.
const MOST_RECORDS: u16 = 64;

/// What a service record says (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    /// `None`: decidedly no such service.
    pub(super) target: Option<String>,
}

/// The answer to one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Services {
    pub(super) services: Vec<Service>,
    /// How long it may be remembered, in seconds; 0 where there was no record.
    pub(super) seconds: u32,
}

/// Why a message is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It breaks the format.
    Malformed,
    /// It answers something else.
    NotOurs,
    /// The resolver could not find out: its code (RFC 1035 4.1.1).
    Refused(u8),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Malformed => f.write_str("the answer cannot be read"),
            Fault::NotOurs => f.write_str("the answer is to another question"),
            Fault::Refused(code) => write!(f, "the resolver answered with error {code}"),
        }
    }
}

/// A question for the service records of `name`, padded. `None` where it is no name of DNS.
pub(super) fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(BLOCK);
    message.extend(id.to_be_bytes());
    // A question, recursion wished for; one question, one additional record.
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    message.extend(encode_name(name)?);
    message.extend(TYPE_SRV.to_be_bytes());
    message.extend(CLASS_IN.to_be_bytes());
    message.push(0);
    message.extend(TYPE_OPT.to_be_bytes());
    // The largest answer by UDP, which is not used here, and no flags.
    message.extend([0x04, 0xd0, 0, 0, 0, 0]);
    let with_lengths = message.len() + 6;
    let padding = with_lengths.next_multiple_of(BLOCK) - with_lengths;
    for number in [padding + 4, usize::from(OPTION_PADDING), padding] {
        message.extend(u16::try_from(number).ok()?.to_be_bytes());
    }
    message.resize(message.len() + padding, 0);
    Some(message)
}

fn encode_name(name: &str) -> Option<Vec<u8>> {
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(in_names) {
        return None;
    }
    let mut bytes = Vec::with_capacity(name.len() + 2);
    for label in name.split('.') {
        let length = Some(label.len()).filter(|length| (1..=LONGEST_LABEL).contains(length))?;
        bytes.push(u8::try_from(length).ok()?);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    Some(bytes)
}

/// Letters of host names, the underscore of services, and the dot.
fn in_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Reads the answer to `question(id, name)`. A name that does not exist is an answer without records.
///
/// # Errors
/// [`Fault`].
pub(super) fn answer(message: &[u8], id: u16, name: &str) -> Result<Services, Fault> {
    let mut reader = Reader { message, at: 0 };
    let answered = reader.number()?;
    let [flags, code] = reader.number()?.to_be_bytes();
    let (questions, records) = (reader.number()?, reader.number()?);
    reader.skip(4)?;
    // An answer to an ordinary question, and whole: a stream cuts nothing off.
    if answered != id || flags & 0xfa != 0x80 || questions != 1 {
        return Err(Fault::NotOurs);
    }
    let asked = reader.name()?;
    let kind = (reader.number()?, reader.number()?);
    if !asked.eq_ignore_ascii_case(name) || kind != (TYPE_SRV, CLASS_IN) {
        return Err(Fault::NotOurs);
    }
    match code & 15 {
        0 => reader.services(records, asked),
        3 => Ok(Services::default()),
        code => Err(Fault::Refused(code)),
    }
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length).ok_or(Fault::Malformed)?;
        let taken = self.message.get(self.at..end).ok_or(Fault::Malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn skip(&mut self, length: usize) -> Result<(), Fault> {
        self.take(length).map(drop)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.take(1)?.first().copied().ok_or(Fault::Malformed)
    }

    fn number(&mut self) -> Result<u16, Fault> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// The records that belong to the name `owner`, or to what it is another name for.
    fn services(&mut self, records: u16, mut owner: String) -> Result<Services, Fault> {
        let mut found = Services::default();
        let mut shortest = u32::MAX;
        for _ in 0..records.min(MOST_RECORDS) {
            let of = self.name()?;
            let kind = (self.number()?, self.number()?);
            let seconds = (u32::from(self.number()?) << 16) | u32::from(self.number()?);
            let length = usize::from(self.number()?);
            let end = self.at.checked_add(length).ok_or(Fault::Malformed)?;
            let ours = of.eq_ignore_ascii_case(&owner);
            if ours && kind == (TYPE_CNAME, CLASS_IN) {
                owner = self.name()?;
            } else if ours && kind == (TYPE_SRV, CLASS_IN) {
                found.services.push(self.service()?);
                shortest = shortest.min(seconds);
            } else {
                self.skip(length)?;
            }
            if self.at != end {
                return Err(Fault::Malformed);
            }
        }
        if !found.services.is_empty() {
            found.seconds = shortest;
        }
        Ok(found)
    }

    fn service(&mut self) -> Result<Service, Fault> {
        Ok(Service {
            priority: self.number()?,
            weight: self.number()?,
            port: self.number()?,
            target: Some(self.name()?).filter(|target| !target.is_empty()),
        })
    }

    /// A name in lower case, without the dot at its end; empty for the root.
    fn name(&mut self) -> Result<String, Fault> {
        let mut name = String::new();
        // Where to go on behind the first pointer, and what the next one has to lie before.
        let (mut after, mut before) = (None, self.at);
        let mut pointers = 0;
        loop {
            let length = self.byte()?;
            match length {
                0 => break,
                1..=63 => {
                    let label = self.take(usize::from(length))?;
                    if !label.iter().copied().all(|byte| byte != b'.' && in_names(byte)) {
                        return Err(Fault::Malformed);
                    }
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
                    if name.len() > LONGEST_NAME {
                        return Err(Fault::Malformed);
                    }
                }
                192.. => {
                    let to = (usize::from(length & 63) << 8) | usize::from(self.byte()?);
                    pointers += 1;
                    if to >= before || pointers > MOST_POINTERS {
                        return Err(Fault::Malformed);
                    }
                    after.get_or_insert(self.at);
                    (self.at, before) = (to, to);
                }
                64..192 => return Err(Fault::Malformed),
            }
        }
        self.at = after.unwrap_or(self.at);
        Ok(name)
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
