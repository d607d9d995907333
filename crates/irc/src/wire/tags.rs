//! The tags in front of a message.
//! Must never take a tag apart before somebody asks for it, nor hold more of it than was sent.
//! IRCv3 message-tags.

use std::borrow::Cow;

/// The tags of one message, as they were sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tags<'a>(&'a str);

impl<'a> Tags<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        Self(raw)
    }

    /// The value of a tag, unescaped; empty where the tag has none. Of several with the same name the last one counts.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Cow<'a, str>> {
        let value = self
            .0
            .split(';')
            .rev()
            .find_map(|tag| match tag.split_once('=') {
                Some((key, value)) => (key == name).then_some(value),
                None => (tag == name).then_some(""),
            })?;
        Some(unescape(value))
    }

    /// The same; an empty value counts as none.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<Cow<'a, str>> {
        self.value(name).filter(|value| !value.is_empty())
    }
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some(':') => text.push(';'),
            Some('s') => text.push(' '),
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    Cow::Owned(text)
}

/// Writes a value so that [`Tags::value`] gives it back.
pub(super) fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            ';' => text.push_str("\\:"),
            ' ' => text.push_str("\\s"),
            '\\' => text.push_str("\\\\"),
            '\r' => text.push_str("\\r"),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text
}
