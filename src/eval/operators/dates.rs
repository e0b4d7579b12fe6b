//! `Date…`: the W3C profile of ISO 8601, from a year alone to a fraction of a second with its zone,
//! or seconds since the epoch. What is compared are instants.

/// An instant: attoseconds since 1970. Digits beyond are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(i128);

const SECOND: i128 = 1_000_000_000_000_000_000;

/// Most digits of a number of seconds; the years of ISO 8601 need twelve.
const EPOCH_DIGITS: usize = 18;

impl Instant {
    /// Reads a date. Four digits are a year, any other number is seconds since the epoch.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut input = Input(text.as_bytes());
        let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_year && let Some(seconds) = epoch(text) {
            return Some(Self(i128::from(seconds) * SECOND));
        }
        let year = input.number(4)?;
        let (mut month, mut day) = (1, 1);
        let mut seconds = 0;
        let mut fraction = 0;
        if input.eat(b'-') {
            month = input.number(2)?;
            if input.eat(b'-') {
                day = input.number(2)?;
                if input.eat(b'T') {
                    (seconds, fraction) = input.time()?;
                }
            }
        }
        let known = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        (known && input.0.is_empty()).then(|| {
            Self(
                (i128::from(days(year, month, day)) * 86_400 + i128::from(seconds)) * SECOND
                    + fraction,
            )
        })
    }
}

fn epoch(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty()
        && digits.len() <= EPOCH_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn eat(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        let digit = first.is_ascii_digit().then(|| i64::from(first - b'0'))?;
        self.0 = rest;
        Some(digit)
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// `hh:mm[:ss[.f…]]` and the zone: seconds of the day in UTC, and attoseconds.
    fn time(&mut self) -> Option<(i64, i128)> {
        let hour = self.number(2).filter(|hour| *hour < 24)?;
        let minute = self.eat(b':').then(|| self.number(2))?.filter(|minute| *minute < 60)?;
        let (mut second, mut fraction) = (0, 0);
        if self.eat(b':') {
            second = self.number(2).filter(|second| *second < 60)?;
            if self.eat(b'.') {
                let mut unit = SECOND / 10;
                fraction = i128::from(self.digit()?) * unit;
                while let Some(digit) = self.digit() {
                    unit /= 10;
                    fraction += i128::from(digit) * unit;
                }
            }
        }
        let offset = self.zone()?;
        Some((hour * 3600 + minute * 60 + second - offset, fraction))
    }

    /// `Z`, `+hh:mm` or `-hh:mm`, in seconds.
    fn zone(&mut self) -> Option<i64> {
        if self.eat(b'Z') {
            return Some(0);
        }
        let sign = if self.eat(b'+') { 1 } else { self.eat(b'-').then_some(-1)? };
        let hours = self.number(2).filter(|hours| *hours < 24)?;
        let minutes = self.eat(b':').then(|| self.number(2))?.filter(|minutes| *minutes < 60)?;
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Leap days up to the end of the year before.
    let leaps = |year: i64| (year / 4) - (year / 100) + (year / 400);
    // The year 0 is a leap year that `leaps` does not count.
    let before = |year: i64| if year == 0 { -366 } else { (year - 1) * 365 + leaps(year - 1) };
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    before(year) - before(1970) + months + day - 1
}

/// Whether the character can stand in a date.
pub(crate) fn is_part(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '-' | '+' | ':' | '.' | 'T' | 'Z')
}

/// Dates among which there is one of every stretch of time that the given ones divide all time into;
/// `None` if they are too close or too far off to be written between.
pub(crate) fn representatives(instants: &[Instant]) -> Option<Vec<String>> {
    let mut sorted: Vec<i128> = instants.iter().map(|instant| instant.0).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let gaps = sorted.windows(2).map(|pair| match pair {
        [a, b] => b - a,
        _ => SECOND,
    });
    // Half of the least gap lies between any two.
    let step = gaps.map(|gap| gap / 2).min().unwrap_or(SECOND).min(SECOND);
    if step == 0 {
        return None;
    }
    let each = sorted.iter().flat_map(|at| [at - step, *at, at + step]);
    each.map(spell).collect()
}

/// An instant of the years that four digits can hold.
fn spell(instant: i128) -> Option<String> {
    let (seconds, fraction) = (instant.div_euclid(SECOND), instant.rem_euclid(SECOND));
    let seconds = i64::try_from(seconds).ok()?;
    let (day, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Every 400 years have the same number of days, so that a year is next to what average years say.
    let guess = 1970 + (day.saturating_mul(400)).div_euclid(146_097);
    let year = (guess - 2..=guess + 2).rev().find(|year| days(*year, 1, 1) <= day)?;
    if !(0..=9999).contains(&year) {
        return None;
    }
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= day)?;
    let date = day - days(year, month, 1) + 1;
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let fraction = format!("{fraction:018}");
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!(
        "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_characters_are_a_year_only_if_all_are_digits() {
        for seconds in [-1_i128, -12, -123, -1234, 123, 12345] {
            assert_eq!(Instant::parse(&seconds.to_string()), Some(Instant(seconds * SECOND)));
        }
        assert_eq!(Instant::parse("1970"), Some(Instant(0)));
        for junk in ["-", "12-3", "+123", "1.23", "12a4"] {
            assert_eq!(Instant::parse(junk), None, "{junk}");
        }
    }

    #[test]
    fn the_first_and_the_last_day_of_every_year_are_spelt_as_they_are_read() {
        for year in 0..=9999 {
            for day in ["01-01", "02-28", "03-01", "12-31"] {
                let instant = Instant::parse(&format!("{year:04}-{day}T23:59:59.5Z")).unwrap();
                let spelt = spell(instant.0).unwrap();
                assert_eq!(Instant::parse(&spelt), Some(instant), "{spelt}");
            }
        }
        assert_eq!(spell(Instant::parse("0000-01-01").unwrap().0 - 1), None);
    }
}
