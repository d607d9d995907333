//! Texts of others, made into plain text before anything else sees them.
//! It must never change what a text says: letters, marks and spaces stay as they came; what is invisible
//! or turns the direction of writing is made visible by whoever shows it. Control characters: Unicode
//! general category Cc.

/// The text without NUL and other control characters; line ends are `\n`, tabs stay.
pub(crate) fn plain(text: &str) -> String {
    // Some programs put IRC's sign of an action into what they encrypt.
    let action = irc::read_action(text).filter(|_| text.starts_with('\u{1}'));
    let action = action.map(irc::write_action);
    let text = action.as_deref().unwrap_or(text);
    let kept = |c: &char| matches!(c, '\n' | '\t') || !c.is_control();
    text.replace("\r\n", "\n").chars().filter(kept).collect()
}

/// The first characters of a plain text; an ellipsis stands for the rest.
pub(crate) fn beginning(text: &str, most: usize) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(most).collect();
    if chars.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_dropped_and_lines_and_letters_stay() {
        assert_eq!(plain("a\0b\u{1b}[2Jc\u{7f}\u{9b}d"), "ab[2Jcd");
        assert_eq!(plain("one\r\ntwo\n\tthree\rfour"), "one\ntwo\n\tthreefour");
        assert_eq!(plain("\u{1}ACTION waves\u{1}"), "/me waves");
        let visible_elsewhere = "سلام \u{202e}gnp\u{200b}";
        assert_eq!(plain(visible_elsewhere), visible_elsewhere);
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(beginning("ééé", 3), "ééé");
        assert_eq!(beginning("éééé", 3), "éé…");
    }
}
