//! A cursor over received bytes that can only move forward and never past the end.
//! Must never panic, index or allocate: every method answers `Malformed` instead.
//! Standard: OTR version 3, "Data types".

use super::Malformed;

/// Reads the data types of OTR from a slice.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Exactly `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// An array of fixed length.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// BYTE.
    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|bytes| u8::from_be_bytes(*bytes))
    }

    /// SHORT.
    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// INT.
    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// DATA: a length and so many bytes.
    pub(crate) fn data(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        self.take(length)
    }

    /// MPI: like DATA, and refused if it has leading zeros.
    pub(crate) fn mpi(&mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.data()?;
        if bytes.first() == Some(&0) {
            return Err(Malformed);
        }
        Ok(bytes)
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_larger_than_the_bytes_is_refused_before_anything_is_allocated() {
        let bytes = [0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        assert_eq!(Reader::new(&bytes).data(), Err(Malformed));
        assert_eq!(Reader::new(&bytes).mpi(), Err(Malformed));
        assert_eq!(Reader::new(&[0, 0, 0]).data(), Err(Malformed));
    }

    #[test]
    fn a_number_with_leading_zeros_is_refused() {
        assert_eq!(Reader::new(&[0, 0, 0, 2, 0, 9]).mpi(), Err(Malformed));
        assert_eq!(Reader::new(&[0, 0, 0, 1, 9]).mpi(), Ok(&[9u8][..]));
        assert_eq!(Reader::new(&[0, 0, 0, 0]).mpi(), Ok(&[][..]));
    }
}
