//! Two patterns against each other: can both match one text, does one match all that the other does?
//!
//! Works on bytes: in names of actions and in ARNs, what is not ASCII is rare, and then a `?` only
//! makes the answer more careful.

use crate::syntax::{Part, Text};

/// What a hole becomes where two patterns are compared for equal holes; no policy text holds it.
const HOLE: u8 = 0;

/// The text as a pattern in which holes and policy variables are `*`: anything. Borrowed where there
/// are none.
#[must_use]
pub fn loosely(text: &Text) -> std::borrow::Cow<'_, str> {
    if let Some(literal) = text.as_literal()
        && !literal.contains("${")
    {
        return literal.into();
    }
    let mut out = String::new();
    for part in &text.parts {
        match part {
            Part::Hole(..) => out.push('*'),
            Part::Literal(_, literal) => {
                let mut rest = &**literal;
                while let Some((front, variable)) = rest.split_once("${") {
                    out.push_str(front);
                    out.push('*');
                    rest = variable.split_once('}').map_or("", |(_, after)| after);
                }
                out.push_str(rest);
            }
        }
    }
    out.into()
}

/// The text as a pattern in which a hole is itself and nothing else.
#[must_use]
pub fn strictly(text: &Text) -> std::borrow::Cow<'_, str> {
    if let Some(literal) = text.as_literal() {
        return literal.into();
    }
    let mut out = String::new();
    for part in &text.parts {
        match part {
            Part::Hole(_, expression) => {
                out.push(char::from(HOLE));
                // A wildcard in an expression is none of the pattern.
                out.extend(expression.chars().filter(|c| !matches!(c, '*' | '?')));
                out.push(char::from(HOLE));
            }
            Part::Literal(_, literal) => out.push_str(literal),
        }
    }
    out.into()
}

/// Whether `pattern` matches every text that `narrow` matches. A no may be wrong, a yes never is.
#[must_use]
pub fn covers(pattern: &str, narrow: &str, fold: bool) -> bool {
    let (pattern, narrow) = (pattern.as_bytes(), narrow.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), narrow.get(n)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                last = Some((p + 1, n));
                p += 1;
                continue;
            }
            // Only `*` takes in what may be of any length.
            (Some(b'?'), Some(byte)) => *byte != b'*' && *byte != HOLE,
            (Some(own), Some(byte)) => own == byte || (fold && own.eq_ignore_ascii_case(byte)),
            _ => false,
        };
        match (step, last) {
            (true, _) => (p, n) = (p + 1, n + 1),
            (false, Some((star, taken))) if taken < narrow.len() => {
                last = Some((star, taken + 1));
                (p, n) = (star, taken + 1);
            }
            (false, _) => return false,
        }
    }
}

/// Longest pattern whose overlap is worked out; what is longer is taken to overlap.
const LONGEST: usize = 512;

/// Whether some text matches both patterns. A yes may be wrong, a no never is.
#[must_use]
pub fn meet(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let same = |x: u8, y: u8| x == y || x == b'?' || y == b'?';
    while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b)
        && *x != b'*'
        && *y != b'*'
    {
        if !same(*x, *y) {
            return false;
        }
        (a, b) = (a_rest, b_rest);
    }
    while let ([a_rest @ .., x], [b_rest @ .., y]) = (a, b)
        && *x != b'*'
        && *y != b'*'
    {
        if !same(*x, *y) {
            return false;
        }
        (a, b) = (a_rest, b_rest);
    }
    let stars = |text: &[u8]| text.iter().all(|byte| *byte == b'*');
    if a.is_empty() || b.is_empty() {
        return stars(a) && stars(b);
    }
    if stars(a) || stars(b) || a.len() > LONGEST || b.len() > LONGEST {
        return true;
    }
    // Row by row: at which places of `b` can one stand with `a` read so far?
    let mut row = vec![false; b.len() + 1];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    for x in a.iter().copied().map(Some).chain([None]) {
        let mut next = vec![false; b.len() + 1];
        let mut here = false;
        for (at, reached) in row.iter().enumerate() {
            here |= reached;
            let y = b.get(at).copied();
            let mut ahead = false;
            if here {
                let set = |row: &mut Vec<bool>, at: usize| {
                    if let Some(cell) = row.get_mut(at) {
                        *cell = true;
                    }
                };
                match (x, y) {
                    (None, None) => return true,
                    (Some(b'*'), _) => {
                        set(&mut next, at);
                        ahead = y.is_some();
                    }
                    (Some(_), Some(b'*')) => {
                        set(&mut next, at);
                        ahead = true;
                    }
                    (None, Some(b'*')) => ahead = true,
                    (Some(x), Some(y)) if same(x, y) => set(&mut next, at + 1),
                    _ => {}
                }
            }
            here = ahead;
        }
        row = next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_must_match_whatever_the_other_means() {
        for (wide, narrow, expected) in [
            ("*", "anything*", true),
            ("ec2:*", "ec2:Describe*", true),
            ("ec2:D*s", "ec2:Describe*", false),
            ("ec2:D*s", "ec2:Describe*s", true),
            ("a?c", "abc", true),
            ("a?c", "a*c", false),
            ("a*", "a", true),
            ("abc", "abc", true),
            ("EC2:runinstances", "ec2:RunInstances", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
        ] {
            assert_eq!(covers(wide, narrow, true), expected, "{wide} over {narrow}");
        }
        assert!(!covers("A", "a", false));
    }

    #[test]
    fn patterns_meet_when_one_text_fits_both() {
        for (a, b, expected) in [
            ("instance/*", "instance/*", true),
            ("instance/i-1", "instance/*", true),
            ("*", "x", true),
            ("*/*", "instance/*", true),
            ("inst*ce/*", "instance/*", true),
            ("inst*x/*", "instance/*", true),
            ("vol*", "instance/*", false),
            ("a*b", "b*a", false),
            ("a*b", "*ab", true),
            ("a?", "ab", true),
            ("a", "", false),
            ("*", "", true),
            ("a*c*e", "*b*d*", true),
            ("x*c", "x*d", false),
            ("a*a", "a", false),
            ("*key/*x", "alias/*", true),
        ] {
            assert_eq!(meet(a, b), expected, "{a} and {b}");
            assert_eq!(meet(b, a), expected, "{b} and {a}");
        }
    }
}
