//! What is made up by chance: passphrases to write down, names and passwords of accounts.
//! It must never take chance from anywhere but the system, nor make do without it.
//! Standard: proquints (D. S. Wilkerson, arXiv:0901.4016) for words that can be spoken and typed.

use zeroize::Zeroizing;

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";
const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
/// Words of a passphrase: 80 bits, each guess of which costs a run of Argon2id.
const WORDS: usize = 5;
/// Letters of an account's name: 50 bits, so that it meets no other one.
const NAME: usize = 10;
/// Letters of an account's password: 130 bits.
const PASSWORD: usize = 26;

/// A passphrase of five words that mean nothing; `None` where the system gives no chance.
pub(crate) fn passphrase() -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 2 * WORDS]);
    getrandom::fill(bytes.as_mut_slice()).ok()?;
    let mut text = Zeroizing::new(String::with_capacity(6 * WORDS));
    for pair in bytes.chunks_exact(2) {
        if !text.is_empty() {
            text.push(' ');
        }
        let bits = pair.iter().fold(0, |bits, byte| bits << 8 | u16::from(*byte));
        word(bits, &mut text);
    }
    Some(text)
}

/// The five letters of 16 bits.
fn word(bits: u16, text: &mut String) {
    let mut letter = |from: &[u8], shift: u32| {
        let mask = from.len().saturating_sub(1);
        let place = usize::from(bits >> shift) & mask;
        text.extend(from.get(place).copied().map(char::from));
    };
    letter(CONSONANTS, 12);
    letter(VOWELS, 10);
    letter(CONSONANTS, 6);
    letter(VOWELS, 4);
    letter(CONSONANTS, 0);
}

/// The part of an address before the @.
pub(crate) fn name() -> Option<Zeroizing<String>> {
    letters::<NAME>()
}

/// A password that nobody has to type.
pub(crate) fn password() -> Option<Zeroizing<String>> {
    letters::<PASSWORD>()
}

fn letters<const COUNT: usize>() -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0_u8; COUNT]);
    getrandom::fill(bytes.as_mut_slice()).ok()?;
    let mut text = Zeroizing::new(String::with_capacity(COUNT));
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
    text.extend(bytes.iter().filter_map(letter));
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_proposal() {
        let mut text = String::new();
        // 127.0.0.1 is lusab-babad.
        word(0x7f00, &mut text);
        word(0x0001, &mut text);
        assert_eq!(text, "lusabbabad");
    }

    #[test]
    fn what_is_made_up_is_long_enough_and_never_the_same() {
        let (one, two) = (passphrase().unwrap(), passphrase().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.split(' ').filter(|word| word.len() == 5).count(), WORDS);
        assert!(view::Strength::of(&one, &[]) == view::Strength::Strong);
        let (name, password) = (name().unwrap(), password().unwrap());
        assert_eq!((name.len(), password.len()), (NAME, PASSWORD));
        assert_ne!(password, super::password().unwrap());
    }
}
