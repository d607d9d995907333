//! Nicks that say nothing, and nicks for when the wanted one is taken.
//! Must never make a nick of anything that this machine or its user is called.
//! RFC 1459 1.2, 4.1.2.

use rand_core::CryptoRng;

use crate::name::Nick;

/// A nick of four syllables drawn at random, such as `tomikela`: nothing in it is anybody's.
#[must_use]
pub fn suggest(rng: &mut dyn CryptoRng) -> Nick {
    const FIRST: &[u8; 16] = b"bdfghjklmnprstvz";
    const SECOND: &[u8; 4] = b"aeio";
    let mut name = String::with_capacity(8);
    for _ in 0..4 {
        let drawn = rng.next_u32();
        for (letters, index) in [
            (FIRST.as_slice(), drawn & 15),
            (SECOND.as_slice(), (drawn >> 4) & 3),
        ] {
            let letter = usize::try_from(index).ok().and_then(|index| letters.get(index));
            name.push(char::from(letter.copied().unwrap_or(b'a')));
        }
    }
    Nick::of_letters(name)
}

/// Another nick like the wanted one: cut to leave room for three digits drawn at random.
pub(crate) fn another(wanted: &Nick, longest: usize, rng: &mut dyn CryptoRng) -> Nick {
    let room = longest.saturating_sub(3).max(1);
    let name = wanted.as_str();
    let end = (0..=room.min(name.len()))
        .rev()
        .find(|end| name.is_char_boundary(*end));
    let front = end.and_then(|end| name.get(..end)).unwrap_or_default();
    let digits = rng.next_u32() % 1_000;
    Nick::new(&format!("{front}{digits:03}")).unwrap_or_else(|| wanted.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_nick_is_eight_letters_and_seldom_the_same() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let nicks: std::collections::BTreeSet<Nick> = (0..100).map(|_| suggest(&mut rng)).collect();
        assert!(nicks.len() > 90);
        assert!(
            nicks
                .iter()
                .all(|nick| nick.as_str().len() == 8 && nick.as_str().is_ascii())
        );
    }

    #[test]
    fn another_nick_fits_the_network() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        for (wanted, longest) in [("alice", 9), ("verylongnick", 9), ("żółwżółw", 9), ("a", 1)] {
            let wanted = Nick::new(wanted).unwrap();
            let nick = another(&wanted, longest, &mut rng);
            assert_ne!(nick, wanted);
            assert!(nick.as_str().len() <= longest.max(5), "{nick}");
        }
    }
}
