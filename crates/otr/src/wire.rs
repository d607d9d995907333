//! The byte level of OTR: numbers, lengths, message headers and the base64 armour.
//! Must never allocate by a length that was not first compared with the bytes that are there.
//! Standard: OTR version 3, "Encoded messages" and "Data types".

mod armour;
mod message;
mod reader;

pub(crate) use armour::{armour, disarm};
pub(crate) use message::{DataMessage, Envelope, Kind, Payload, SignaturePart, envelope, open, put_header};
pub(crate) use reader::Reader;

/// The bytes are not what the standard describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Appends a four-byte big-endian number.
pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends DATA: a four-byte length and the bytes. All that we send is far below 4 GiB.
pub(crate) fn put_data(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

/// Appends an MPI; leading zeros are left out, because fingerprints depend on it.
pub(crate) fn put_mpi(out: &mut Vec<u8>, number: &[u8]) {
    put_data(out, strip_zeros(number));
}

/// The bytes without leading zeros.
pub(crate) fn strip_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}
