//! The base64 armour of binary messages: `?OTR:` ... `.`.
//! Must never decode a body that is longer than the caller's limit.
//! Standard: OTR version 3, "Encoded messages"; RFC 4648 section 4.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Malformed;

/// What every armoured message begins with.
const OPENING: &str = "?OTR:";

/// Puts the armour on.
pub(crate) fn armour(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(OPENING.len() + bytes.len().div_ceil(3) * 4 + 1);
    text.push_str(OPENING);
    STANDARD.encode_string(bytes, &mut text);
    text.push('.');
    text
}

/// Takes the armour off; white space after the full stop is forgiven.
pub(crate) fn disarm(text: &str) -> Result<Vec<u8>, Malformed> {
    let inner = text.strip_prefix(OPENING).ok_or(Malformed)?;
    let inner = inner.trim_ascii_end().strip_suffix('.').ok_or(Malformed)?;
    STANDARD.decode(inner).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_armoured_comes_back() {
        for length in 0..70u8 {
            let bytes: Vec<u8> = (0..length).collect();
            assert_eq!(disarm(&armour(&bytes)), Ok(bytes));
        }
    }

    #[test]
    fn bad_armour_is_refused() {
        for text in [
            "?OTR:===.",
            "?OTR:AAMD",
            "?OTR:AA*D.",
            "?OTR:AAM.",
            "OTR:AAMD.",
            "?OTR:AAMD.x",
            "?OTR:AAMD..",
            "?OTR",
        ] {
            assert_eq!(disarm(text), Err(Malformed), "{text}");
        }
        assert_eq!(disarm("?OTR:."), Ok(Vec::new()));
        assert_eq!(disarm("?OTR:AAMD.\r\n"), Ok(vec![0, 3, 3]));
    }
}
