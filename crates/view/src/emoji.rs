//! The emoji of the picker, in groups, with names to search by.
//! It must never show one that the bundled fonts may not have: only those of Unicode 13 and before.
//! Standard: UTS #51; names of the CLDR, in English.

use emojis::Group;

/// Emoji that a search finds at most.
pub const MAX_FOUND: usize = 60;
/// Characters of a search that are looked at.
const MAX_SEARCH_CHARS: usize = 40;
/// Version of the emoji standard of the newest emoji shown.
const NEWEST: u32 = 13;

/// One emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// The emoji itself.
    pub text: &'static str,
    /// Its English name, for the tooltip and for screen readers.
    pub name: &'static str,
}

/// The groups of the picker: key of the catalogue and emoji, in the standard's order.
pub fn groups() -> impl Iterator<Item = (&'static str, Vec<Emoji>)> {
    Group::iter().map(|group| {
        let emoji = group.emojis().filter(|it| is_shown(it)).map(shown).collect();
        (key(group), emoji)
    })
}

/// The emoji whose English name or short name holds every word of the search: at most [`MAX_FOUND`].
pub fn find(search: &str) -> Vec<Emoji> {
    let search: String = search
        .chars()
        .take(MAX_SEARCH_CHARS)
        .flat_map(char::to_lowercase)
        .collect();
    let wanted: Vec<&str> = search.split_whitespace().collect();
    let fits = |it: &emojis::Emoji| {
        wanted
            .iter()
            .all(|word| it.name().contains(word) || it.shortcodes().any(|code| code.contains(word)))
    };
    emojis::iter()
        .filter(|it| is_shown(it) && fits(it))
        .take(MAX_FOUND)
        .map(shown)
        .collect()
}

fn is_shown(emoji: &emojis::Emoji) -> bool {
    emoji.emoji_version().major() <= NEWEST
}

fn shown(emoji: &'static emojis::Emoji) -> Emoji {
    Emoji {
        text: emoji.as_str(),
        name: emoji.name(),
    }
}

fn key(group: Group) -> &'static str {
    match group {
        Group::SmileysAndEmotion => "emoji.smileys",
        Group::PeopleAndBody => "emoji.people",
        Group::AnimalsAndNature => "emoji.nature",
        Group::FoodAndDrink => "emoji.food",
        Group::TravelAndPlaces => "emoji.travel",
        Group::Activities => "emoji.activities",
        Group::Objects => "emoji.objects",
        Group::Symbols => "emoji.symbols",
        Group::Flags => "emoji.flags",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_otter_is_found() {
        assert!(find("OTTER").iter().any(|it| it.text == "🦦"));
        assert!(find("face tears").iter().any(|it| it.text == "😂"));
        assert!(find("no such emoji").is_empty());
        assert_eq!(find("").len(), MAX_FOUND);
        assert!(find(&"x".repeat(1_000_000)).is_empty());
    }

    #[test]
    fn every_group_has_a_title_and_every_emoji_is_shown_as_it_is() {
        for (key, emoji) in groups() {
            assert!(crate::Words::default().knows(key), "{key}");
            assert!(!emoji.is_empty());
            for it in emoji {
                assert_eq!(crate::text::message(it.text, false).text, it.text, "{}", it.name);
            }
        }
    }
}
