//! Longer words, by which a layout shows whether it has room for other languages.
//! It must never change a place for a value (`{}`, `{name}`). Standard: none; the usual pseudo-locale.

/// A sentence with every vowel doubled and accented, between brackets: about 40 % longer, and still readable. A text
/// on the screen without brackets was never translated; one without its last bracket was cut.
pub fn stretch(sentence: &str) -> String {
    let mut out = String::from("[");
    let mut in_place = false;
    for letter in sentence.chars() {
        in_place = match letter {
            '{' => true,
            '}' => false,
            _ => in_place,
        };
        match longer(letter).filter(|_| !in_place) {
            Some(two) => out.extend([two, two]),
            None => out.push(letter),
        }
    }
    out.push(']');
    out
}

/// What a vowel becomes.
fn longer(letter: char) -> Option<char> {
    let accented = match letter {
        'a' => 'á',
        'e' => 'é',
        'i' => 'í',
        'o' => 'ó',
        'u' => 'ú',
        'A' => 'Á',
        'E' => 'É',
        'I' => 'Í',
        'O' => 'Ó',
        'U' => 'Ú',
        _ => return None,
    };
    Some(accented)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_grow_and_places_for_values_stay() {
        assert_eq!(stretch("Send {name} to {}"), "[Séénd {name} tóó {}]");
        assert_eq!(stretch(""), "[]");
    }
}
