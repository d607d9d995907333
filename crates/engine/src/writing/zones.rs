//! Words that tell in which part of the world a clock stands.
//! It must never look at this machine's own clock or zone: a warning would tell them.
//! Names: the tz database (areas, abbreviations); ISO 8601 (offsets).

use super::{Found, pieces};

/// First parts of names of zones.
const AREAS: [&str; 12] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
    "US",
];
/// Abbreviations that mean nothing else where they stand in capitals.
const PLAIN: [&str; 36] = [
    "ACDT", "ACST", "ADT", "AEDT", "AEST", "AKDT", "AKST", "AWST", "BRT", "CDT", "CEST", "CET", "EDT",
    "EEST", "EET", "GMT", "HKT", "HST", "IDT", "IRDT", "IRST", "JST", "KST", "MDT", "MSK", "NZDT", "NZST",
    "PDT", "PKT", "PST", "SAMT", "SAST", "SGT", "TRT", "WIB", "YEKT",
];
/// Abbreviations that mean other things, too: they count after a time of day.
const AFTER_TIME: [&str; 16] = [
    "ART", "AST", "BST", "CAT", "CLT", "COT", "CST", "EAT", "EST", "ICT", "IST", "MST", "WAT", "WEST", "WET",
    "UZT",
];
/// How people name their own clock, in the languages of the window.
const WORDS: [&str; 27] = [
    "local time",
    "my time zone",
    "my timezone",
    "time zone",
    "timezone",
    "heure locale",
    "fuseau horaire",
    "hora local",
    "huso horario",
    "zona horaria",
    "ortszeit",
    "zeitzone",
    "местное время",
    "местному времени",
    "часовой пояс",
    "московскому времени",
    "по москве",
    "التوقيت المحلي",
    "بالتوقيت",
    "بتوقيت",
    "منطقة زمنية",
    "وقت محلی",
    "به وقت",
    "منطقه زمانی",
    "منطقهٔ زمانی",
    "heure de paris",
    "mitteleuropäischer zeit",
];

/// Finds names of zones, offsets, and what is said of the own clock.
pub(super) fn look(text: &str, found: &mut Found) {
    look_for_words(text, found);
    let mut after_time = false;
    for (at, piece) in pieces(text) {
        let word = piece.trim_end_matches(['.', '!', '?', ':']);
        if is_zone(word, after_time) || is_offset(word) || time_with_zone(word) {
            found.add(at, "time_zone", word);
        }
        after_time = is_time(word);
    }
}

/// The text is put in lower case once; the byte is that of the lower-case text, near enough for an order.
fn look_for_words(text: &str, found: &mut Found) {
    let lower = text.to_lowercase();
    for word in WORDS {
        if let Some(at) = lower.find(word) {
            found.add(at, "time_zone", word);
        }
    }
}

fn is_zone(word: &str, after_time: bool) -> bool {
    if PLAIN.contains(&word) || (after_time && (AFTER_TIME.contains(&word) || word == "UTC")) {
        return true;
    }
    let Some((area, place)) = word.split_once('/') else {
        return false;
    };
    AREAS.contains(&area) && place.chars().next().is_some_and(char::is_uppercase)
}

/// `UTC+3`, `GMT-05:30`, and times with an offset: `14:05+03:00`.
fn is_offset(word: &str) -> bool {
    let Some((before, after)) = word.split_once(['+', '-', '−', '±']).map(|(before, _)| {
        let rest = word.get(before.len()..).unwrap_or_default();
        (before, rest.trim_start_matches(['+', '-', '−', '±']))
    }) else {
        return false;
    };
    let digits =
        !after.is_empty() && after.len() <= 5 && after.chars().all(|c| c.is_ascii_digit() || c == ':');
    let named = matches!(before, "UTC" | "GMT" | "utc" | "gmt" | "Utc" | "Gmt");
    let iso = word.rsplit_once('T').is_some_and(|(_, time)| {
        let clock = time.split_once(['+', '-']);
        clock.is_some_and(|(clock, zone)| is_time(clock) && zone.len() >= 4)
    });
    (digits && (named || (is_time(before) && after.len() >= 4))) || iso
}

/// A time with its zone in one piece: `14:05CET`, `9amEST`.
fn time_with_zone(word: &str) -> bool {
    let letters = word.len() - word.trim_end_matches(|c: char| c.is_ascii_uppercase()).len();
    let (time, zone) = word.split_at(word.len() - letters);
    letters >= 3 && is_time(time) && is_zone(zone, true)
}

/// `14:05`, `14:05:09`, `2pm`, `am`, `p.m`.
fn is_time(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let rest = ["a.m", "p.m", "am", "pm", "uhr"]
        .iter()
        .find_map(|half| lower.strip_suffix(half));
    let digits = rest.unwrap_or(&lower);
    let clock = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | 'h'))
    };
    let begins = digits.chars().next().is_some_and(|c| c.is_ascii_digit());
    (rest.is_some() && digits.is_empty())
        || (rest.is_some() && begins && clock(digits))
        || (begins && digits.len() >= 4 && digits.contains([':', 'h']) && clock(digits))
}
