//! Days and times of day as a person of the language says them; in Persian by the Solar Hijri calendar.
//! It must never ask the system for the zone: the window knows it and passes it in.
//! Standard: proleptic Gregorian calendar; Solar Hijri with the 33-year cycle, right for the years 1178 to 1634.

use super::Words;
use crate::language::Language;

const MINUTE: u64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;
/// 9999-12-31: no day beyond it is told.
const LAST_DAY: i64 = 2_932_896;

const WEEKDAYS: [&str; 7] = [
    "day.thursday",
    "day.friday",
    "day.saturday",
    "day.sunday",
    "day.monday",
    "day.tuesday",
    "day.wednesday",
];
const MONTHS: [&str; 12] = [
    "month.1", "month.2", "month.3", "month.4", "month.5", "month.6", "month.7", "month.8", "month.9",
    "month.10", "month.11", "month.12",
];
const SOLAR_MONTHS: [&str; 12] = [
    "فروردین",
    "اردیبهشت",
    "خرداد",
    "تیر",
    "مرداد",
    "شهریور",
    "مهر",
    "آبان",
    "آذر",
    "دی",
    "بهمن",
    "اسفند",
];

/// How far local time is from UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    minutes: i16,
}

impl Zone {
    /// So many minutes east of UTC; at most a day to either side.
    pub fn east(minutes: i16) -> Self {
        Self {
            minutes: minutes.clamp(-1_440, 1_440),
        }
    }

    /// Local minutes since 1970-01-01 00:00 local time.
    fn minutes(self, at: u64) -> i64 {
        let minutes = i64::try_from(at / MINUTE).unwrap_or(i64::MAX);
        minutes.saturating_add(i64::from(self.minutes))
    }

    /// Local days since 1970-01-01.
    pub(crate) fn day(self, at: u64) -> i64 {
        self.minutes(at).div_euclid(DAY_MINUTES).min(LAST_DAY)
    }
}

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    year: i64,
    /// 1 to 12.
    month: i64,
    /// 1 to 31.
    day: i64,
}

impl Words {
    /// The local day of a moment (milliseconds since 1970 UTC): equal numbers are the same day.
    pub fn day_number(&self, at: u64) -> i64 {
        self.zone.day(at)
    }

    /// The time of day, in 24 hours: `14:05`.
    pub fn time(&self, at: u64) -> String {
        let minutes = self.zone.minutes(at).rem_euclid(DAY_MINUTES);
        self.digits(&format!("{:02}:{:02}", minutes / 60, minutes % 60))
    }

    /// The day of a moment, seen from `now`: today, yesterday, the weekday within a week, else the date. Both in
    /// milliseconds since 1970 UTC.
    pub fn day(&self, at: u64, now: u64) -> String {
        let (day, today) = (self.zone.day(at), self.zone.day(now));
        match today.saturating_sub(day) {
            0 => self.say("day.today"),
            1 => self.say("day.yesterday"),
            2..=6 => self.weekday(day),
            _ => self.date(day, today),
        }
    }

    /// As short as a row of the list allows: the time today, else the day.
    pub fn short(&self, at: u64, now: u64) -> String {
        if self.zone.day(at) == self.zone.day(now) {
            self.time(at)
        } else {
            self.day(at, now)
        }
    }

    /// Day and time, for what is told in full.
    pub fn moment(&self, at: u64, now: u64) -> String {
        let values = [("day", self.day(at, now)), ("time", self.time(at))];
        super::filled(&self.say("date.moment"), &values)
    }

    fn weekday(&self, day: i64) -> String {
        let index = usize::try_from(day.rem_euclid(7)).unwrap_or_default();
        self.say(WEEKDAYS.get(index).copied().unwrap_or_default())
    }

    fn date(&self, day: i64, today: i64) -> String {
        let (date, this) = (self.calendar(day), self.calendar(today));
        let values = [
            ("day", self.digits(&date.day.to_string())),
            ("month", self.month(date.month)),
            ("year", self.digits(&date.year.to_string())),
        ];
        let key = if date.year == this.year {
            "date.day_month"
        } else {
            "date.full"
        };
        super::filled(&self.say(key), &values)
    }

    fn calendar(&self, day: i64) -> Date {
        if self.language == Language::Persian {
            solar(day)
        } else {
            gregorian(day)
        }
    }

    fn month(&self, month: i64) -> String {
        let index = usize::try_from(month.saturating_sub(1)).unwrap_or_default();
        if self.language == Language::Persian {
            SOLAR_MONTHS.get(index).copied().unwrap_or_default().to_owned()
        } else {
            self.say(MONTHS.get(index).copied().unwrap_or_default())
        }
    }
}

/// The Gregorian date of a day since 1970-01-01, counted in eras of 400 years that begin on 1 March.
fn gregorian(day: i64) -> Date {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    Date {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: of_year - (153 * shifted + 2) / 5 + 1,
    }
}

/// The Solar Hijri date of a day since 1970-01-01.
fn solar(day: i64) -> Date {
    /// 1 Farvardin 1375 was 1996-03-20, day 9,575; a cycle of 33 years has 12,053 days.
    const FIRST: (i64, i64) = (1_375, 9_575);
    const CYCLE: (i64, i64) = (33, 12_053);
    let since = day - FIRST.1;
    let mut year = FIRST.0 + since.div_euclid(CYCLE.1) * CYCLE.0;
    let mut left = since.rem_euclid(CYCLE.1);
    loop {
        let length = if is_solar_leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    // Six months of 31 days, then months of 30.
    let (month, day) = if left < 186 {
        (left / 31, left % 31)
    } else {
        (6 + (left - 186) / 30, (left - 186) % 30)
    };
    Date {
        year,
        month: month + 1,
        day: day + 1,
    }
}

fn is_solar_leap(year: i64) -> bool {
    (25 * year + 11).rem_euclid(33) < 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOON;

    const DAY: u64 = 24 * 60 * MINUTE;

    fn date(year: i64, month: i64, day: i64) -> Date {
        Date { year, month, day }
    }

    #[test]
    fn dates_of_both_calendars_are_right() {
        // Gregorian day numbers by `date -d`; Solar Hijri by the published dates of Nowruz.
        assert_eq!(gregorian(0), date(1970, 1, 1));
        assert_eq!(gregorian(19_782), date(2024, 2, 29));
        assert_eq!(gregorian(20_778), date(2026, 11, 21));
        assert_eq!(solar(0), date(1348, 10, 11));
        for (day, year) in [
            (9_575, 1375),
            (18_341, 1399),
            (19_437, 1402),
            (19_802, 1403),
            (20_168, 1404),
        ] {
            assert_eq!(solar(day), date(year, 1, 1));
            assert_eq!(solar(day - 1).month, 12);
        }
        assert_eq!(solar(20_778), date(1405, 8, 30));
    }

    #[test]
    fn near_days_have_names_and_far_ones_dates() {
        let english = Words::new(Language::English);
        assert_eq!(english.time(NOON), "13:37");
        assert_eq!(english.day(NOON, NOON), "Today");
        assert_eq!(english.day(NOON - DAY, NOON), "Yesterday");
        assert_eq!(english.day(NOON - 3 * DAY, NOON), "Wednesday");
        assert_eq!(english.day(NOON - 10 * DAY, NOON), "11 November");
        assert_eq!(english.day(NOON - 400 * DAY, NOON), "17 October 2025");
        assert_eq!(english.day(NOON + DAY, NOON), "22 November");
        assert_eq!(english.short(NOON, NOON + MINUTE), "13:37");
        assert_eq!(english.moment(NOON, NOON), "Today, 13:37");
    }

    #[test]
    fn persian_dates_are_in_its_own_calendar_and_digits() {
        let persian = Words::new(Language::Persian).in_zone(Zone::east(210));
        assert_eq!(persian.time(NOON), "۱۷:۰۷");
        assert!(persian.day(NOON - 30 * DAY, NOON).contains("۳۰ مهر"));
    }

    #[test]
    fn the_zone_decides_where_a_day_ends() {
        let east = Words::new(Language::English).in_zone(Zone::east(12 * 60));
        assert_eq!(east.day_number(NOON), 20_779);
        assert_eq!(east.time(NOON), "01:37");
        let west = Words::new(Language::English).in_zone(Zone::east(-840));
        assert_eq!(
            (west.day_number(NOON), west.time(NOON).as_str()),
            (20_777, "23:37")
        );
    }

    #[test]
    fn the_end_of_time_is_no_end_of_the_program() {
        for language in Language::ALL {
            let words = Words::new(language).in_zone(Zone::east(i16::MAX));
            for at in [0, u64::MAX, NOON] {
                assert!(!words.day(at, NOON).is_empty() && !words.moment(at, u64::MAX).is_empty());
            }
        }
    }
}
