//! Messages of SASL in pieces of 400 bytes.
//! Must never join more than a login of this world needs.
//! IRCv3 sasl-3.1, "The AUTHENTICATE command".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Characters of Base64 in one piece; a shorter piece is the last.
const PIECE: usize = 400;
/// Characters of Base64 of one message of the server.
const LONGEST: usize = 16 * 1024;

/// The parameters of the AUTHENTICATE lines that carry a message.
pub(crate) fn split(message: &[u8]) -> Vec<Zeroizing<String>> {
    let encoded = Zeroizing::new(STANDARD.encode(message));
    let mut rest = encoded.as_str();
    let mut pieces = Vec::new();
    while let Some((piece, after)) = rest.split_at_checked(PIECE) {
        pieces.push(Zeroizing::new(piece.to_owned()));
        rest = after;
    }
    let last = if rest.is_empty() { "+" } else { rest };
    pieces.push(Zeroizing::new(last.to_owned()));
    pieces
}

/// Pieces of a message of the server that is not whole yet.
#[derive(Debug, Default)]
pub(crate) struct Chunks(String);

/// The pieces are no Base64, or too many.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

impl Chunks {
    /// Takes a piece; gives the message once it is whole.
    pub(crate) fn push(&mut self, piece: &str) -> Result<Option<Vec<u8>>, Malformed> {
        if piece.len() > PIECE || self.0.len() + piece.len() > LONGEST {
            return Err(Malformed);
        }
        if piece != "+" {
            self.0.push_str(piece);
        }
        if piece.len() == PIECE {
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.0);
        STANDARD.decode(whole).map(Some).map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_exactly_and_over_400_bytes_arrive() {
        for (length, pieces) in [
            (0, 1),
            (1, 1),
            (297, 1),
            (298, 2),
            (300, 2),
            (301, 2),
            (600, 3),
            (900, 4),
        ] {
            let message = vec![7; length];
            let split = split(&message);
            assert_eq!(split.len(), pieces, "{length} bytes");
            assert!(split.iter().all(|piece| !piece.is_empty() && piece.len() <= 400));
            let mut chunks = Chunks::default();
            let (last, first) = split.split_last().unwrap();
            for piece in first.iter().map(|piece| piece.as_str()) {
                assert_eq!(piece.len(), 400);
                assert_eq!(chunks.push(piece), Ok(None));
            }
            assert_eq!(chunks.push(last), Ok(Some(message)));
        }
    }

    #[test]
    fn endless_and_broken_messages_are_refused() {
        let mut chunks = Chunks::default();
        let piece = "A".repeat(400);
        let taken = (0..1_000).take_while(|_| chunks.push(&piece).is_ok()).count();
        assert_eq!(taken, LONGEST / PIECE);
        for piece in ["*", "A", "====", &"A".repeat(401)] {
            assert_eq!(Chunks::default().push(piece), Err(Malformed), "{piece}");
        }
    }
}
