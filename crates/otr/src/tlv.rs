//! The records that may follow a message's text inside the encryption.
//! Must never trust a record's length: a record cut short ends the list.
//! Standard: OTR version 3, "Data Message" (TLV record types 0 to 8).

use zeroize::Zeroizing;

use crate::config::Padding;
use crate::error::Error;
use crate::wire::Reader;

/// Longest value of one record in bytes.
pub const LONGEST_TLV: usize = 65_535;

/// Types that this crate handles itself.
pub(crate) const PADDING: u16 = 0;
pub(crate) const DISCONNECTED: u16 = 1;
pub(crate) const EXTRA_KEY: u16 = 8;

/// One record: a type and up to 65,535 bytes.
///
/// Types 0 to 8 are the standard's own; an application uses others (OTRDATA: 0x0100 and 0x0101).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// The record's type.
    pub kind: u16,
    /// The record's bytes.
    pub value: Vec<u8>,
}

impl Tlv {
    /// Whether the standard keeps this type for the protocol itself.
    pub(crate) fn is_reserved(&self) -> bool {
        self.kind <= EXTRA_KEY
    }
}

/// A decrypted message, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) text: String,
    pub(crate) tlvs: Vec<Tlv>,
}

/// Puts text, records and padding together.
pub(crate) fn join(text: &str, tlvs: &[Tlv], padding: Padding) -> Result<Zeroizing<Vec<u8>>, Error> {
    let records: usize = tlvs.iter().map(|tlv| tlv.value.len().saturating_add(4)).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + records + 5 + padding.block()));
    out.extend_from_slice(text.as_bytes());
    if tlvs.is_empty() && padding == Padding::Off {
        return Ok(out);
    }
    out.push(0);
    for tlv in tlvs {
        put_record(&mut out, tlv.kind, &tlv.value)?;
    }
    if let Padding::Blocks(block) = padding {
        let block = usize::from(block.get());
        let missing = (block - (out.len() + 4) % block) % block;
        put_record(&mut out, PADDING, &vec![0; missing])?;
    }
    Ok(out)
}

fn put_record(out: &mut Vec<u8>, kind: u16, value: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(value.len()).map_err(|_| Error::MessageTooLarge)?;
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}

/// Takes a decrypted message apart; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn split(plain: &[u8]) -> Contents {
    let mut parts = plain.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let mut reader = Reader::new(parts.next().unwrap_or_default());
    let mut tlvs = Vec::new();
    while let Some(tlv) = record(&mut reader) {
        if tlv.kind != PADDING {
            tlvs.push(tlv);
        }
    }
    Contents { text, tlvs }
}

fn record(reader: &mut Reader<'_>) -> Option<Tlv> {
    let kind = reader.u16().ok()?;
    let length = reader.u16().ok()?;
    let value = reader.take(usize::from(length)).ok()?;
    Some(Tlv {
        kind,
        value: value.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    fn tlv(kind: u16, value: &[u8]) -> Tlv {
        Tlv {
            kind,
            value: value.to_vec(),
        }
    }

    #[test]
    fn text_and_records_come_back_without_the_padding() {
        let tlvs = [tlv(0x100, b"hello"), tlv(9, b"")];
        for padding in [Padding::Off, Padding::Blocks(NonZeroU16::MIN), Padding::default()] {
            let plain = join("سلام 🦦", &tlvs, padding).unwrap();
            assert_eq!(
                split(&plain),
                Contents {
                    text: "سلام 🦦".to_owned(),
                    tlvs: tlvs.to_vec()
                }
            );
        }
    }

    #[test]
    fn padded_messages_of_similar_length_are_equally_long() {
        let padding = Padding::Blocks(NonZeroU16::new(256).unwrap());
        for length in 0..1000 {
            let plain = join(&"x".repeat(length), &[], padding).unwrap();
            assert_eq!(plain.len() % 256, 0);
        }
    }

    #[test]
    fn truncated_records_are_ignored_and_the_earlier_ones_kept() {
        let plain = join("t", &[tlv(0x100, b"abc"), tlv(0x101, b"defgh")], Padding::Off).unwrap();
        for cut in 0..plain.len() {
            let contents = split(&plain[..cut]);
            assert!(contents.tlvs.len() < 2);
        }
        assert_eq!(split(b"t\0\0\x01\xff\xff1").tlvs, []);
    }

    #[test]
    fn a_record_that_is_too_long_is_an_error_and_not_a_wrong_length() {
        assert!(join("", &[tlv(0x100, &[1; LONGEST_TLV])], Padding::Off).is_ok());
        assert_eq!(
            join("", &[tlv(0x100, &[1; LONGEST_TLV + 1])], Padding::Off),
            Err(Error::MessageTooLarge)
        );
    }

    #[test]
    fn invalid_utf8_is_made_visible() {
        assert_eq!(split(b"a\xffb").text, "a\u{fffd}b");
        assert_eq!(split(b"").text, "");
    }
}
