//! `BinaryEquals`: the base64 text of the policy against the bytes of the request.

/// Decodes base64 with the standard alphabet; padding may be left out.
pub(crate) fn decode(text: &str) -> Option<Box<[u8]>> {
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2
        || digits.len() % 4 == 1
        || (digits.len() < text.len() && !text.len().is_multiple_of(4))
    {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in digits.bytes() {
        bits = (bits << 6) | digit(byte)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.extend(u8::try_from((bits >> count) & 0xff));
            bits &= (1 << count) - 1;
        }
    }
    Some(out.into())
}

fn digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}
