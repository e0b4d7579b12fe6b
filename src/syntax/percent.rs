//! Percent-encoded text, as the IAM API gives policy documents (IAM API Reference, *PolicyVersion*:
//! "URL-encoded compliant with RFC 3986").

use crate::source::SegmentMap;

/// Decodes `text`, which starts at byte `start` of its source. What is no escape, or does not decode to
/// UTF-8, is kept as it is.
#[must_use]
pub fn decode(text: &str, start: u32) -> (String, SegmentMap) {
    let mut out = String::with_capacity(text.len());
    let mut map = SegmentMap::starting_at(start);
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest.as_bytes()) {
        let (before, escapes) = rest.split_at(at);
        keep(before, &mut out, &mut map);
        rest = match character(escapes) {
            Some((c, length)) => {
                out.push(c);
                map.decode(narrow(c.len_utf8()), narrow(length));
                escapes.get(length..).unwrap_or_default()
            }
            None => {
                keep("%", &mut out, &mut map);
                escapes.get(1..).unwrap_or_default()
            }
        };
    }
    keep(rest, &mut out, &mut map);
    (out, map)
}

fn keep(text: &str, out: &mut String, map: &mut SegmentMap) {
    out.push_str(text);
    map.copy(narrow(text.len()));
}

/// The character that the escapes at the start of `text` stand for, and how many bytes they take.
fn character(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::with_capacity(4);
    for at in 0..4 {
        bytes.push(byte(text.get(at * 3..)?)?);
        if let Ok(decoded) = std::str::from_utf8(&bytes) {
            return Some((decoded.chars().next()?, (at + 1) * 3));
        }
    }
    None
}

fn byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix('%')?.get(..2)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_known_by_their_place() {
        let (text, map) = decode("a%7B%22%C3%A9%22+b%7d", 10);
        assert_eq!(text, "a{\"é\"+b}");
        assert_eq!(map.to_parent(1, 2), (11, 14));
        assert_eq!(map.to_parent(3, 5), (17, 23));
        assert_eq!(map.to_parent(6, 8), (26, 28));
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["100%", "%", "%2", "%zz", "%C3", "%C3%zz", "%FF%FE%FD%FC", "%é", ""] {
            assert_eq!(decode(text, 0).0, text);
        }
    }
}
