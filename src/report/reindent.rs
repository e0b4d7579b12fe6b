//! Minified JSON, laid out again so that a person can read it. Tokens stay as they are, so a span
//! of a token has exactly one place in the new text.

use crate::source::Span;

/// Texts longer than this, in bytes, are not laid out anew: the frame is cut instead.
const LARGEST: usize = 1 << 20;

/// `text` with one item a line, and `span` in it. `None` if `text` is too large or not JSON-like.
#[must_use]
pub(crate) fn reindent(text: &str, span: Span) -> Option<(String, Span)> {
    if text.len() > LARGEST || !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let (start, end) = (span.start as usize, span.end as usize);
    let mut out = String::with_capacity(text.len() * 2);
    let (mut new_start, mut new_end) = (None, None);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let break_line = |out: &mut String, depth: usize| {
        while out.ends_with(' ') {
            out.pop();
        }
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    for (at, c) in text.char_indices() {
        if !in_string && c.is_whitespace() {
            continue;
        }
        if !in_string && matches!(c, '}' | ']') {
            depth = depth.saturating_sub(1);
            if !out.ends_with(['{', '[']) {
                break_line(&mut out, depth);
            }
        }
        if at >= start && new_start.is_none() {
            new_start = Some(out.len());
        }
        if at >= end && new_end.is_none() {
            new_end = Some(out.trim_end().len());
        }
        out.push(c);
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' | '[' => {
                depth += 1;
                let rest = text.get(at + 1..)?.trim_start();
                if !rest.starts_with(['}', ']']) {
                    break_line(&mut out, depth);
                }
            }
            ',' => break_line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    }
    let place = |at: usize| u32::try_from(at).ok();
    let new_start = place(new_start?)?;
    let new_end = place(new_end.unwrap_or(out.len()))?;
    Some((out, Span::new(span.source, new_start, new_end)))
}
