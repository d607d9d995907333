//! The five binary messages of OTR versions 2 and 3 as types.
//! Must never let a message through that has a byte too few or too many.
//! Standard: OTR version 3, "D-H Commit Message" to "Data Message".

use super::{Malformed, Reader, put_u32};
use crate::group::Element;
use crate::version::{Route, Version};

/// Message types, with the number that the standard gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DhCommit = 0x02,
    Data = 0x03,
    DhKey = 0x0a,
    RevealSignature = 0x11,
    Signature = 0x12,
}

/// An opened message: who sent it, to whom, and what is in it.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) route: Route,
    pub(crate) payload: Payload<'a>,
}

/// The contents of a message.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    Data(DataMessage<'a>),
    DhCommit {
        encrypted_gx: &'a [u8],
        hashed_gx: &'a [u8; 32],
    },
    DhKey {
        gy: Element,
    },
    RevealSignature {
        key: &'a [u8; 16],
        signature: SignaturePart<'a>,
    },
    Signature(SignaturePart<'a>),
}

/// The encrypted signature and its MAC, common to Reveal Signature and Signature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignaturePart<'a> {
    /// The encrypted signature with its four-byte length: what the MAC covers.
    pub(crate) covered: &'a [u8],
    /// The encrypted signature alone.
    pub(crate) encrypted: &'a [u8],
    /// The first 160 bits of the HMAC.
    pub(crate) mac: &'a [u8; 20],
}

/// A data message.
#[derive(Debug)]
pub(crate) struct DataMessage<'a> {
    pub(crate) flags: u8,
    pub(crate) sender_key: u32,
    pub(crate) recipient_key: u32,
    pub(crate) next_key: Element,
    pub(crate) counter: u64,
    pub(crate) ciphertext: &'a [u8],
    /// Everything that the MAC covers.
    pub(crate) covered: &'a [u8],
    pub(crate) mac: &'a [u8; 20],
}

/// Writes a header with `payload` after it.
pub(crate) fn envelope(kind: Kind, route: Route, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(11 + payload.len());
    put_header(&mut out, kind, route);
    out.extend_from_slice(payload);
    out
}

/// Appends a header.
pub(crate) fn put_header(out: &mut Vec<u8>, kind: Kind, route: Route) {
    out.extend_from_slice(&route.version().number().to_be_bytes());
    out.push(kind as u8);
    if let Route::Three { sender, receiver } = route {
        put_u32(out, sender);
        put_u32(out, receiver);
    }
}

/// Reads a whole message of the `oldest` version or a newer one.
pub(crate) fn open(bytes: &[u8], oldest: Version) -> Result<Envelope<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let version = Version::from_number(reader.u16()?)
        .filter(|version| *version >= oldest)
        .ok_or(Malformed)?;
    let kind = reader.u8()?;
    let route = match version {
        Version::Two => Route::Two,
        Version::Three => Route::Three {
            sender: reader.u32()?,
            receiver: reader.u32()?,
        },
    };
    let payload = match kind {
        0x02 => dh_commit(&mut reader)?,
        0x03 => Payload::Data(data(bytes, &mut reader)?),
        0x0a => Payload::DhKey {
            gy: element(&mut reader)?,
        },
        0x11 => reveal_signature(&mut reader)?,
        0x12 => Payload::Signature(signature(&mut reader)?),
        _ => return Err(Malformed),
    };
    reader.end()?;
    Ok(Envelope { route, payload })
}

fn element(reader: &mut Reader<'_>) -> Result<Element, Malformed> {
    Element::from_bytes(reader.mpi()?).ok_or(Malformed)
}

fn dh_commit<'a>(reader: &mut Reader<'a>) -> Result<Payload<'a>, Malformed> {
    let encrypted_gx = reader.data()?;
    let hashed_gx = reader.data()?.try_into().map_err(|_| Malformed)?;
    // An MPI of the group has at most 196 bytes; a longer one would only fill memory.
    if encrypted_gx.len() > 196 {
        return Err(Malformed);
    }
    Ok(Payload::DhCommit {
        encrypted_gx,
        hashed_gx,
    })
}

fn reveal_signature<'a>(reader: &mut Reader<'a>) -> Result<Payload<'a>, Malformed> {
    let key = reader.data()?.try_into().map_err(|_| Malformed)?;
    Ok(Payload::RevealSignature {
        key,
        signature: signature(reader)?,
    })
}

fn signature<'a>(reader: &mut Reader<'a>) -> Result<SignaturePart<'a>, Malformed> {
    let start = reader.rest();
    let encrypted = reader.data()?;
    let covered = start.get(..encrypted.len() + 4).ok_or(Malformed)?;
    Ok(SignaturePart {
        covered,
        encrypted,
        mac: reader.array()?,
    })
}

fn data<'a>(bytes: &'a [u8], reader: &mut Reader<'a>) -> Result<DataMessage<'a>, Malformed> {
    let flags = reader.u8()?;
    let (sender_key, recipient_key) = (reader.u32()?, reader.u32()?);
    let next_key = element(reader)?;
    let counter = u64::from_be_bytes(*reader.array()?);
    let ciphertext = reader.data()?;
    let length = bytes.len().saturating_sub(reader.rest().len());
    let covered = bytes.get(..length).ok_or(Malformed)?;
    let mac = reader.array()?;
    // Old MAC keys of the sender: they prove that he gave up what they could have proved.
    if reader.data()?.len() % 20 != 0 {
        return Err(Malformed);
    }
    Ok(DataMessage {
        flags,
        sender_key,
        recipient_key,
        next_key,
        counter,
        ciphertext,
        covered,
        mac,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dh_key(gy: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        super::super::put_mpi(&mut payload, gy);
        let route = Route::Three {
            sender: 0x100,
            receiver: 0x200,
        };
        envelope(Kind::DhKey, route, &payload)
    }

    #[test]
    fn a_message_with_a_byte_too_many_or_too_few_is_refused() {
        let whole = dh_key(&[7; 192]);
        assert!(open(&whole, Version::Three).is_ok());
        for length in 0..whole.len() {
            assert!(open(&whole[..length], Version::Three).is_err());
        }
        let mut long = whole.clone();
        long.push(0);
        assert!(open(&long, Version::Three).is_err());
    }

    #[test]
    fn a_commit_with_more_than_one_number_or_another_hash_is_refused() {
        for (number, hash, good) in [
            (196, 32, true),
            (197, 32, false),
            (196, 31, false),
            (196, 33, false),
        ] {
            let mut payload = Vec::new();
            super::super::put_data(&mut payload, &vec![7; number]);
            super::super::put_data(&mut payload, &vec![7; hash]);
            let bytes = envelope(Kind::DhCommit, Route::Two, &payload);
            assert_eq!(open(&bytes, Version::Two).is_ok(), good, "{number} {hash}");
        }
    }

    #[test]
    fn other_versions_and_types_are_refused() {
        let mut other = dh_key(&[7; 192]);
        for version in [0u8, 1, 2, 4, 255] {
            other[1] = version;
            assert!(open(&other, Version::Three).is_err());
        }
        let mut unknown = dh_key(&[7; 192]);
        unknown[2] = 0x55;
        assert!(open(&unknown, Version::Three).is_err());
    }

    #[test]
    fn version_two_has_no_tags_and_is_read_only_where_it_was_asked_for() {
        let mut payload = Vec::new();
        super::super::put_mpi(&mut payload, &[7; 192]);
        let bytes = envelope(Kind::DhKey, Route::Two, &payload);
        assert_eq!(bytes[..3], [0, 2, 0x0a]);
        assert_eq!(bytes.len(), 3 + payload.len());
        assert!(open(&bytes, Version::Three).is_err());
        assert_eq!(open(&bytes, Version::Two).unwrap().route, Route::Two);
        let newer = dh_key(&[7; 192]);
        assert_eq!(
            open(&newer, Version::Two).unwrap().route.version(),
            Version::Three
        );
    }

    #[test]
    fn public_values_zero_one_and_too_large_are_refused_when_read() {
        for gy in [&[][..], &[1], &[0xff; 192], &[0xff; 193]] {
            assert!(open(&dh_key(gy), Version::Three).is_err());
        }
    }
}
