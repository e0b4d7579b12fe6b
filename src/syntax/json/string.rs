//! The spanned string decoder: what `serde_json` decodes, and where each piece came from.

use std::borrow::Cow;

use crate::source::SegmentMap;

/// Why a string does not decode; bytes from the start of the raw string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StringError {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: &'static str,
}

/// Decodes `raw`, a string with its quotes, whose first quote stands at `offset`. The map leads
/// back into the text around `raw`; it starts after the quote.
pub(super) fn decode(raw: &str, offset: u32) -> Result<(Cow<'_, str>, SegmentMap), StringError> {
    let inner = raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or(StringError { start: 0, end: raw.len(), message: "expected a string" })?;
    let mut map = SegmentMap::starting_at(offset + 1);
    let bytes = inner.as_bytes();
    let Some(first) = memchr::memchr(b'\\', bytes) else {
        refuse_control(bytes, 0)?;
        map.copy(narrow(inner.len()));
        return Ok((Cow::Borrowed(inner), map));
    };
    let mut out = String::with_capacity(inner.len());
    let mut at = 0;
    let mut next = Some(first);
    while let Some(escape) = next {
        refuse_control(bytes.get(at..escape).unwrap_or(&[]), at)?;
        let plain = inner.get(at..escape).unwrap_or("");
        out.push_str(plain);
        map.copy(narrow(plain.len()));
        let (c, length) = unescape(bytes.get(escape..).unwrap_or(&[])).map_err(|message| {
            // The error covers the escape as far as it can be told apart from what follows.
            let length = if bytes.get(escape + 1) == Some(&b'u') { 6 } else { 2 };
            let mut end = (escape + length).min(inner.len());
            while !inner.is_char_boundary(end) {
                end += 1;
            }
            StringError { start: escape + 1, end: end + 1, message }
        })?;
        out.push(c);
        map.decode(narrow(c.len_utf8()), narrow(length));
        at = escape + length;
        let rest = bytes.get(at..).unwrap_or(&[]);
        next = memchr::memchr(b'\\', rest).map(|found| at + found);
    }
    let tail = inner.get(at..).unwrap_or("");
    refuse_control(tail.as_bytes(), at)?;
    out.push_str(tail);
    map.copy(narrow(tail.len()));
    Ok((Cow::Owned(out), map))
}

/// RFC 8259, section 7: characters below U+0020 and the quote stand only as escapes.
fn refuse_control(bytes: &[u8], at: usize) -> Result<(), StringError> {
    match bytes.iter().position(|byte| *byte < 0x20 || *byte == b'"') {
        None => Ok(()),
        Some(found) => Err(StringError {
            start: at + found + 1,
            end: at + found + 2,
            message: control_message(bytes.get(found).copied().unwrap_or(0)),
        }),
    }
}

/// What to say of a character that must be escaped.
pub(super) fn control_message(byte: u8) -> &'static str {
    match byte {
        b'\t' => "a tab inside a string is written `\\t`",
        b'\n' | b'\r' => "this string is not closed before the end of the line",
        b'"' => "a quote inside a string is written `\\\"`",
        _ => "a control character inside a string is written `\\u00..`",
    }
}

/// The character that an escape stands for, and how many bytes it takes.
pub(super) fn unescape(bytes: &[u8]) -> Result<(char, usize), &'static str> {
    let c = match bytes.get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_hex(bytes),
        _ => {
            return Err("unknown escape; JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX");
        }
    };
    Ok((c, 2))
}

/// `\uXXXX`, or two of them that form a surrogate pair.
fn unescape_hex(bytes: &[u8]) -> Result<(char, usize), &'static str> {
    const LONE: &str = "half of a surrogate pair stands alone in this escape";
    let first = hex(bytes.get(2..6)).ok_or("`\\u` takes four hexadecimal digits")?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first).map(|c| (c, 6)).ok_or(LONE);
    }
    if bytes.get(6..8) != Some(b"\\u") {
        return Err(LONE);
    }
    let second = hex(bytes.get(8..12)).ok_or("`\\u` takes four hexadecimal digits")?;
    if !(0xDC00..0xE000).contains(&second) {
        return Err(LONE);
    }
    let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    char::from_u32(code).map(|c| (c, 12)).ok_or(LONE)
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    digits?.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
