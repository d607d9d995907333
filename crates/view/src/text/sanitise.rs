//! One pass over a text of somebody else: what cannot be seen is written out, what piles up is bounded.
//! It must never take longer than the text is long, and never show more than it says.
//! Standard: UAX #9 (controls), UAX #44 (categories), UTS #51 (emoji sequences).

use unicode_properties::{GeneralCategory as Category, UnicodeEmoji, UnicodeGeneralCategory};

/// Characters of a message that are shown at first.
pub const MAX_SHOWN_CHARS: usize = 4_000;
/// Characters of a message that are shown when the person wants all of it.
pub const MAX_ALL_CHARS: usize = 120_000;
/// Lines of a message that are shown at first.
pub const MAX_LINES: usize = 40;
/// Lines of a message that are shown when the person wants all of it.
const MAX_ALL_LINES: usize = 2_000;
/// Combining marks on one character.
pub const MAX_MARKS: usize = 8;

const ZWNJ: char = '\u{200C}';
const ZWJ: char = '\u{200D}';
const DOTTED_CIRCLE: char = '\u{25CC}';
const BLACK_FLAG: char = '\u{1F3F4}';
/// Tags after a black flag: a code of at most six letters, and the end.
const MAX_TAGS: u8 = 7;

/// A text that can be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The text: `\n` ends lines, no other control is in it.
    pub text: String,
    /// Whether there is more: offer to show all.
    pub cut: bool,
    /// Whether something is shown otherwise than it was sent.
    pub altered: bool,
    /// Whether it runs from right to left.
    pub rtl: bool,
}

/// A message's text. `all`: the person asked to see all of it (still bounded: [`MAX_ALL_CHARS`]).
pub fn message(original: &str, all: bool) -> Shown {
    let (characters, lines) = if all {
        (MAX_ALL_CHARS, MAX_ALL_LINES)
    } else {
        (MAX_SHOWN_CHARS, MAX_LINES)
    };
    let mut pass = Pass::new(characters, lines);
    pass.run(original);
    pass.finish()
}

/// A text on one line, of at most so many characters: previews, questions, names of things. Runs of white space
/// become one space. An ellipsis at the end says that it was cut.
pub fn line(original: &str, characters: usize) -> Shown {
    let mut pass = Pass::new(characters, 1);
    pass.one_line = true;
    pass.run(original);
    let mut shown = pass.finish();
    shown.text.truncate(shown.text.trim_end().len());
    if shown.cut {
        shown.text.push('…');
    }
    shown
}

/// What a person pastes into a field: without NUL and other controls, without what turns text around or hides.
/// Line ends and tabs stay, and so do joiners, which many languages need.
pub fn pasted(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let stays = |c: &char| matches!(*c, '\n' | '\t' | ZWNJ | ZWJ) || !is_unseen(*c);
    text.chars().filter(stays).collect()
}

/// The state of one pass.
struct Pass {
    out: String,
    left: usize,
    lines_left: usize,
    one_line: bool,
    cut: bool,
    altered: bool,
    /// What was last put out, unless it was the start of the text.
    last: Option<char>,
    marks: usize,
    tags_left: u8,
    /// The unseen character that is being counted, and how many there are.
    unseen: Option<(char, u32)>,
}

impl Pass {
    fn new(left: usize, lines_left: usize) -> Self {
        Self {
            out: String::new(),
            left,
            lines_left,
            one_line: false,
            cut: false,
            altered: false,
            last: None,
            marks: 0,
            tags_left: 0,
            unseen: None,
        }
    }

    fn run(&mut self, text: &str) {
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            if self.left == 0 || self.lines_left == 0 {
                self.cut = true;
                break;
            }
            let next = characters.peek().copied();
            if character == '\r' && next == Some('\n') {
                continue;
            }
            self.take(character, next);
        }
        self.tell_unseen();
    }

    fn finish(self) -> Shown {
        Shown {
            rtl: super::is_rtl(&self.out),
            text: self.out,
            cut: self.cut,
            altered: self.altered,
        }
    }

    fn take(&mut self, character: char, next: Option<char>) {
        match character {
            '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => self.line_end(),
            ' '..='~' if !self.one_line || character != ' ' => self.plain(character),
            '\t' => self.space(),
            ' ' if self.one_line => self.space(),
            ZWNJ | ZWJ if self.may_join(character, next) => self.put(character),
            '\u{FE0E}' | '\u{FE0F}' => self.variation(character),
            // Marks of direction carry no content; without their neighbours they would only be noise.
            '\u{200E}' | '\u{200F}' | '\u{61C}' | '\u{AD}' => self.altered = true,
            '\u{E0020}'..='\u{E007F}' if self.tags_left > 0 => {
                self.tags_left = self.tags_left.saturating_sub(1);
                self.put(character);
            }
            _ if is_unseen(character) => self.count_unseen(character),
            _ if is_mark(character) => self.mark(character),
            _ => self.plain(character),
        }
    }

    fn plain(&mut self, character: char) {
        self.marks = 0;
        self.tags_left = if character == BLACK_FLAG { MAX_TAGS } else { 0 };
        self.put(character);
    }

    fn line_end(&mut self) {
        if self.one_line {
            return self.space();
        }
        self.tell_unseen();
        self.lines_left = self.lines_left.saturating_sub(1);
        if self.lines_left > 0 {
            self.put('\n');
            self.last = None;
        }
    }

    fn space(&mut self) {
        if !self.one_line {
            self.put(' ');
            return self.put(' ');
        }
        if self.last.is_some_and(|last| last != ' ') {
            self.put(' ');
        }
    }

    /// A joiner is needed between letters of joining scripts and inside emoji, and nowhere else.
    fn may_join(&self, joiner: char, next: Option<char>) -> bool {
        if self.unseen.is_some() {
            return false;
        }
        let (Some(last), Some(next)) = (self.last, next) else {
            return false;
        };
        let emoji = joiner == ZWJ
            && (is_emoji(last) || last == '\u{FE0F}' || matches!(last, '\u{E007F}'))
            && is_emoji(next);
        emoji || (joins(last) && joins(next) && !is_mark(next))
    }

    fn variation(&mut self, selector: char) {
        let fits = self.last.is_some_and(|last| last.is_emoji_char());
        if fits {
            self.put(selector);
        } else {
            self.altered = true;
        }
    }

    fn mark(&mut self, mark: char) {
        if self.marks >= MAX_MARKS {
            self.altered = true;
            return;
        }
        if self.last.is_none_or(|last| last == ' ') {
            self.put(DOTTED_CIRCLE);
        }
        self.marks += 1;
        self.put(mark);
    }

    fn count_unseen(&mut self, character: char) {
        self.altered = true;
        match &mut self.unseen {
            Some((same, count)) if *same == character => *count = count.saturating_add(1),
            _ => {
                self.tell_unseen();
                self.unseen = Some((character, 1));
            }
        }
    }

    /// Writes out what cannot be seen: `[U+202E]`, or `[U+202E ×3]` for three of them.
    fn tell_unseen(&mut self) {
        let Some((character, count)) = self.unseen.take() else {
            return;
        };
        let code = u32::from(character);
        let told = if count == 1 {
            format!("[U+{code:04X}]")
        } else {
            format!("[U+{code:04X} ×{count}]")
        };
        for character in told.chars() {
            self.put(character);
        }
        self.marks = 0;
    }

    fn put(&mut self, character: char) {
        if self.unseen.is_some() {
            self.tell_unseen();
        }
        self.left = self.left.saturating_sub(1);
        self.out.push(character);
        self.last = Some(character);
    }
}

fn is_mark(character: char) -> bool {
    matches!(
        character.general_category(),
        Category::EnclosingMark | Category::NonspacingMark | Category::SpacingMark
    )
}

/// Whether a character shows nothing, or nothing that the same fonts show everywhere: controls, formats, private use,
/// what is not assigned, and letters that are blank.
fn is_unseen(character: char) -> bool {
    match character {
        // Signs that enclose digits: formats by category, and visible.
        '\u{600}'..='\u{605}'
        | '\u{6DD}'
        | '\u{70F}'
        | '\u{890}'
        | '\u{891}'
        | '\u{8E2}'
        | '\u{110BD}'
        | '\u{110CD}' => false,
        // Blank by design, though letters, marks or symbols by category.
        '\u{34F}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0D}'
        | '\u{FFA0}'
        | '\u{FFFC}'
        | '\u{1D159}'
        | '\u{E0100}'..='\u{E01EF}' => true,
        _ => matches!(
            character.general_category(),
            Category::Control
                | Category::Format
                | Category::PrivateUse
                | Category::Surrogate
                | Category::Unassigned
        ),
    }
}

fn is_emoji(character: char) -> bool {
    !character.is_ascii() && character.is_emoji_char()
}

/// Letters and signs of scripts in which joiners change the shape of words: from Hebrew to Myanmar, Mongolian,
/// the Indic blocks further up, and Arabic's presentation forms.
fn joins(character: char) -> bool {
    !is_unseen(character)
        && matches!(
            character,
            '\u{590}'..='\u{109F}'
                | '\u{1700}'..='\u{1AFF}'
                | '\u{A800}'..='\u{ABFF}'
                | '\u{FB50}'..='\u{FDFF}'
                | '\u{FE70}'..='\u{FEFE}'
                | '\u{10A00}'..='\u{11FFF}'
        )
}

#[cfg(test)]
#[path = "sanitise_tests.rs"]
mod tests;
