//! Points in time as servers tell them.
//! Must never ask this machine what time it is.
//! IRCv3 server-time; ISO 8601.

use std::fmt;

/// Milliseconds since 1970 in UTC, by the server's clock, which may be wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ServerTime(pub i64);

impl ServerTime {
    /// Reads `YYYY-MM-DDThh:mm:ss.sssZ`; the fraction may be missing or of any length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let plausible = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        // A leap second is the first of the next minute.
        if !plausible
            || hour > 23
            || minute > 59
            || second > 60
            || fraction.bytes().any(|b| !b.is_ascii_digit())
        {
            return None;
        }
        let digit = |byte: u8| i64::from(byte - b'0');
        let millis = fraction
            .bytes()
            .chain(*b"000")
            .take(3)
            .fold(0, |sum, byte| sum * 10 + digit(byte));
        let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Some(Self(seconds * 1_000 + millis))
    }

    /// A count of seconds, as in numeric 333.
    pub(crate) fn from_seconds(text: &str) -> Option<Self> {
        let seconds: u32 = text.parse().ok()?;
        Some(Self(i64::from(seconds) * 1_000))
    }
}

/// In the form of the tag `time`.
impl fmt::Display for ServerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, rest) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = date(day);
        let (hour, minute, second, milli) = (
            rest / 3_600_000,
            rest / 60_000 % 60,
            rest / 1_000 % 60,
            rest % 1_000,
        );
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (number, width) in found.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || part.bytes().any(|byte| !byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Days from 1970-01-01 in the Gregorian calendar; years begin in March here, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let civil = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(civil <= 2);
    (year, civil, day_of_year - (153 * month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_servers_are_read_and_written() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2011-10-19T16:40:51.620Z", 1_319_042_451_620),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("2000-03-01T00:00:00.000Z", 951_868_800_000),
        ] {
            assert_eq!(ServerTime::parse(text), Some(ServerTime(millis)));
            assert_eq!(ServerTime(millis).to_string(), text);
        }
        assert_eq!(ServerTime::parse("1970-01-01T00:00:01Z"), Some(ServerTime(1_000)));
        assert_eq!(
            ServerTime::parse("1970-01-01T00:00:01.5Z"),
            Some(ServerTime(1_500))
        );
        assert_eq!(
            ServerTime::parse("1970-01-01T00:00:01.123456789Z"),
            Some(ServerTime(1_123))
        );
        for text in [
            "",
            "Z",
            "2011-10-19",
            "2011-13-19T16:40:51Z",
            "2011-10-19T24:40:51Z",
            "1969-10-19T16:40:51Z",
            "2011-10-19T16:40:51",
            "2011-10-19T16:40:51.-1Z",
            "+011-10-19T16:40:51Z",
            "2011-10-19T16:40:51.é1Z",
        ] {
            assert_eq!(ServerTime::parse(text), None, "{text}");
        }
    }
}
