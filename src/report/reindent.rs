//! Minified JSON, laid out again so that a person can read it. Tokens stay as they are, so a span
//! of a token has exactly one place in the new text.

use crate::source::{LineIndex, Span};

/// Texts longer than this, in bytes, are not laid out anew: the frame is cut instead.
const LARGEST: usize = 1 << 20;

/// A text with one item a line. It is made once for all that is shown of it.
#[derive(Debug)]
pub(crate) struct Laid {
    text: String,
    lines: LineIndex,
    /// What stands in both texts as it is, in order.
    runs: Vec<Run>,
}

/// Bytes that are the same in both texts.
#[derive(Debug, Clone, Copy)]
struct Run {
    old: usize,
    new: usize,
    len: usize,
}

impl Laid {
    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Its lines.
    pub(crate) fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// Where what stands at `span` stands here.
    pub(crate) fn place(&self, span: Span) -> Option<Span> {
        let (start, end) = (span.start as usize, span.end as usize);
        let first = self.runs.partition_point(|run| run.old + run.len <= start);
        let first = self.runs.get(first)?;
        let new_start = first.new + start.saturating_sub(first.old);
        let last = self.runs.partition_point(|run| run.old < end).checked_sub(1)?;
        let last = self.runs.get(last)?;
        let new_end = last.new + (end - last.old).min(last.len);
        let place = |at: usize| u32::try_from(at).ok();
        Some(Span::new(span.source, place(new_start)?, place(new_end)?))
    }

    fn push(&mut self, at: usize, c: char) {
        let new = self.text.len();
        self.text.push(c);
        match self.runs.last_mut() {
            Some(run) if run.old + run.len == at && run.new + run.len == new => {
                run.len += c.len_utf8();
            }
            _ => self.runs.push(Run { old: at, new, len: c.len_utf8() }),
        }
    }
}

/// `text` with one item a line. `None` if it is too large or not JSON-like.
#[must_use]
pub(crate) fn reindent(text: &str) -> Option<Laid> {
    if text.len() > LARGEST || !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let lines = LineIndex::new("");
    let mut laid = Laid { text: String::with_capacity(text.len() * 2), lines, runs: Vec::new() };
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
            if !laid.text.ends_with(['{', '[']) {
                break_line(&mut laid.text, depth);
            }
        }
        laid.push(at, c);
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
                    break_line(&mut laid.text, depth);
                }
            }
            ',' => break_line(&mut laid.text, depth),
            ':' => laid.text.push(' '),
            _ => {}
        }
    }
    laid.lines = LineIndex::new(&laid.text);
    Some(laid)
}
