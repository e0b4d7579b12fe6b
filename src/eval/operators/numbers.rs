//! `Numeric…`: integers and decimals, compared exactly however long they are.

use std::cmp::Ordering;

/// A number as its digits: no leading zeros in front, no trailing ones behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal<T> {
    negative: bool,
    whole: T,
    fraction: T,
}

impl<'a> Decimal<&'a str> {
    /// Digits, with a sign, a point and more digits where they stand. `10abc` and `1e3` are no numbers.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !numeric(whole) || !numeric(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    pub(crate) fn into_owned(self) -> Decimal<Box<str>> {
        Decimal {
            negative: self.negative,
            whole: self.whole.into(),
            fraction: self.fraction.into(),
        }
    }
}

impl<T: AsRef<str>> Decimal<T> {
    pub(crate) fn compare<U: AsRef<str>>(&self, other: &Decimal<U>) -> Ordering {
        let size = |a: &str, b: &str| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
        let magnitude = size(self.whole.as_ref(), other.whole.as_ref())
            .then_with(|| self.fraction.as_ref().cmp(other.fraction.as_ref()));
        match (self.negative, other.negative) {
            (false, false) => magnitude,
            (true, true) => magnitude.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// Whether the character can stand in a number.
pub(crate) fn is_part(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '-' | '.')
}

/// Numbers among which there is one of every interval that the given ones divide all numbers into;
/// `None` if they have too many digits.
pub(crate) fn representatives(numbers: &[&Decimal<Box<str>>]) -> Option<Vec<String>> {
    // One digit more than any of them has: so far apart that both neighbours lie in between.
    let digits = numbers.iter().map(|number| number.fraction.len()).max().unwrap_or(0) + 1;
    let mut out = Vec::new();
    for number in numbers {
        let text = format!("{}{:0<digits$}", number.whole, number.fraction);
        let size: i128 = text.parse().ok()?;
        let value = if number.negative { -size } else { size };
        out.extend([value.checked_sub(1)?, value, value.checked_add(1)?]);
    }
    let spell = |value: i128| {
        let text = format!("{:0>width$}", value.unsigned_abs(), width = digits + 1);
        let (whole, fraction) = text.split_at_checked(text.len() - digits)?;
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        let sign = if value < 0 { "-" } else { "" };
        Some(format!("{sign}{whole}{point}{fraction}"))
    };
    out.into_iter().map(spell).collect()
}
