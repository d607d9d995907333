//! Characters that nobody sees, and those that turn the direction of writing.
//! It must never take for suspicious what a script or an emoji needs to be written at all.
//! UAX #9 2.1-2.3; UTS #39 3.1.1 (joiners where they join); UTS #51 (emoji sequences).

use super::Found;

/// Finds invisible and bidirectional controls; the part is the character's number, `U+200B`.
pub(super) fn look(text: &str, found: &mut Found) {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\t'))
    {
        return;
    }
    let mut before = None;
    let mut in_flag = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let after = characters.peek().map(|(_, c)| *c);
        in_flag = c == '\u{1F3F4}' || (in_flag && is_tag(c));
        let kind = if is_bidirectional(c) {
            Some("bidirectional")
        } else if is_invisible(c) && !in_flag && !belongs(c, before, after) {
            Some("invisible")
        } else {
            None
        };
        if let Some(kind) = kind {
            found.add(at, kind, &format!("U+{:04X}", u32::from(c)));
        }
        before = Some(c);
    }
}

fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_invisible(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    control
        || is_tag(c)
        || matches!(
            c,
            '\u{AD}'
                | '\u{34F}'
                | '\u{115F}'
                | '\u{1160}'
                | '\u{17B4}'
                | '\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200D}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{2060}'..='\u{2065}'
                | '\u{206A}'..='\u{206F}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0100}'..='\u{E01EF}'
        )
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0000}'..='\u{E007F}')
}

/// Whether a character that is seen nowhere else is needed here: a joiner between letters that join, or
/// what makes an emoji of a sign.
fn belongs(c: char, before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), after) = (before, after) else {
        return false;
    };
    match c {
        '\u{200C}' => is_joining(before) && after.is_some_and(is_joining),
        '\u{200D}' => {
            after.is_some_and(|after| is_joining(after) && is_joining(before))
                || after.is_some_and(|after| is_pictograph(after) && is_pictograph(before))
        }
        '\u{FE0E}' | '\u{FE0F}' => is_pictograph(before) || matches!(before, '0'..='9' | '#' | '*'),
        _ => false,
    }
}

/// Letters of scripts in which a joiner changes what is read: Arabic, Syriac, and those of India.
fn is_joining(c: char) -> bool {
    matches!(
        c,
        '\u{620}'..='\u{6FF}' | '\u{710}'..='\u{77F}' | '\u{8A0}'..='\u{8FF}' | '\u{900}'..='\u{DFF}'
            | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
    )
}

fn is_pictograph(c: char) -> bool {
    matches!(
        c,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{2BFF}'
            | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{FE0F}' | '\u{1F000}'..='\u{1FAFF}'
    )
}
