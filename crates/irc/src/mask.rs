//! Patterns of people who are not to be heard.
//! Must never take longer than the product of two short lengths, whatever the pattern.
//! RFC 2812 2.5.

/// `nick!user@host` with `*` for any letters and `?` for one.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mask(String);

/// Longest mask, in bytes.
const LONGEST: usize = 200;

impl Mask {
    /// A mask; a bare nick stands for that nick with any user and host. `None`: empty, too long, or with characters
    /// that no source has.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let legal =
            !text.is_empty() && text.len() <= LONGEST && !text.contains(|c: char| c.is_control() || c == ' ');
        let whole = if text.contains(['!', '@']) {
            text.to_owned()
        } else {
            format!("{text}!*@*")
        };
        legal.then_some(Self(whole))
    }

    /// The mask as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a source fits, once both are folded by `fold`.
    pub(crate) fn fits(&self, source: &str, fold: impl Fn(&str) -> String) -> bool {
        glob(fold(&self.0).as_bytes(), fold(source).as_bytes())
    }
}

/// Without recursion: after a mismatch it goes back to the last star only.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(other) if other == byte => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(mask: &str, source: &str) -> bool {
        Mask::new(mask).unwrap().fits(source, str::to_ascii_lowercase)
    }

    #[test]
    fn masks_fit_whom_they_mean() {
        assert!(fits("Mallory", "mallory!u@h") && !fits("mallory", "mallory2!u@h"));
        assert!(fits("*!*@*.evil.example", "a!b@c.EVIL.example") && !fits("*!*@evil", "a!b@good"));
        assert!(fits("m?l*!*@*", "mallory!u@h") && fits("*", "a!b@c") && !fits("?", "ab!u@h"));
        assert!(
            Mask::new("").is_none() && Mask::new("a b").is_none() && Mask::new(&"a".repeat(300)).is_none()
        );
    }

    #[test]
    fn a_hostile_pattern_is_quick() {
        let mask = format!("{}b", "*a".repeat(90));
        assert!(!fits(&mask, &"a".repeat(500)));
    }
}
