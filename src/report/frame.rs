//! One frame: the line that holds a token, a line of context on either side, the label below it.
//!
//! miette draws it. It gets a window of our own, because it copies whole lines and rescans a source
//! from its start, and because a line can be 50 MB long.

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use crate::finding::Label;
use crate::source::{SourceMap, Span};

use super::escape::shown;
use super::reindent::reindent;

/// Longest line, in characters, that is shown as it is.
const LONGEST_LINE: usize = 160;
/// How much of a longer line is shown on either side of the token.
const CUT: usize = 60;

/// Lines around a token, ready to draw.
#[derive(Debug, Default)]
struct Window {
    /// Name of the file.
    heading: String,
    /// Address of the resource, where the file's own lines are not shown.
    address: Option<String>,
    /// Where the token stands on disk: 0-based line and column.
    place: (usize, usize),
    text: String,
    /// 0-based number of the first line.
    line: usize,
    /// The token in `text`, in bytes.
    start: usize,
    len: usize,
}

/// Draws the frame of `label`. `colour` decides about escape sequences.
#[must_use]
pub(crate) fn draw(
    sources: &SourceMap,
    label: &Label,
    address: Option<&str>,
    colour: bool,
) -> String {
    let window = window(sources, label.span, address);
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_context_lines(1).with_width(400);
    let frame = Frame { window, label: super::escape::line(&label.message) };
    let mut out = String::new();
    if handler.render_report(&mut out, &frame).is_err() {
        out.clear();
    }
    // The headline is ours; miette's own stands in front of the first corner.
    let corner = out.find('\u{256d}').unwrap_or(0);
    let corner = out.get(..corner).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
    let drawn = out.get(corner..).unwrap_or_default().trim_end();
    match (&frame.window.address, drawn.split_once('\n')) {
        (Some(address), Some((top, rest))) => format!("{top} {address}\n{rest}"),
        _ => drawn.to_owned(),
    }
}

/// `file:line:column` of a span, on disk.
#[must_use]
pub(crate) fn place(sources: &SourceMap, span: Span) -> String {
    let span = sources.to_file(span);
    let source = sources.get(span.source);
    let position = source.position(span.start);
    format!("{}:{}:{}", super::escape::line(source.name()), position.line, position.column)
}

fn window(sources: &SourceMap, span: Span, address: Option<&str>) -> Window {
    let span = with_quotes(sources, span);
    let on_disk = sources.to_file(span);
    let file = sources.get(on_disk.source);
    let position = file.position(on_disk.start);
    let place =
        (position.line.saturating_sub(1) as usize, position.column.saturating_sub(1) as usize);
    let heading = super::escape::line(file.name());
    // The file's own lines when they can be read; else the innermost text, indented anew.
    let short = |text: &str, span: Span| {
        // Of a span over many lines only the first is shown.
        let (start, end) = (span.start as usize, span.end as usize);
        let (start, end) = line_bounds(text, start, first_line_end(text, start, end));
        text.get(start..end).is_some_and(|line| {
            line.len() <= LONGEST_LINE * 4 && line.chars().count() <= LONGEST_LINE
        })
    };
    let inner = sources.get(span.source);
    let mut address = address;
    let mut window = if short(file.text(), on_disk) {
        address = None;
        lines_around(file.text(), on_disk)
    } else if short(inner.text(), span) {
        lines_around(inner.text(), span)
    } else {
        match reindent(inner.text(), span) {
            Some((text, span)) if short(&text, span) => lines_around(&text, span),
            _ => cut(inner.text(), span),
        }
    };
    window.heading = heading;
    window.address = address.map(super::escape::line);
    window.place = place;
    window
}

/// A quoted token is shown with its quotes.
pub(crate) fn with_quotes(sources: &SourceMap, span: Span) -> Span {
    let source = sources.get(span.source);
    let bytes = source.text().as_bytes();
    let before = (span.start as usize).checked_sub(1).and_then(|at| bytes.get(at));
    match (before, bytes.get(span.end as usize)) {
        (Some(open @ (b'"' | b'\'')), Some(close)) if open == close => {
            Span::new(span.source, span.start - 1, span.end + 1)
        }
        _ => span,
    }
}

/// The bounds of the line or lines that hold `start..end`, without the line break.
fn line_bounds(text: &str, start: usize, end: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let head = bytes.get(..start.min(bytes.len())).unwrap_or_default();
    let tail_from = end.max(start).min(bytes.len());
    let tail = bytes.get(tail_from..).unwrap_or_default();
    let from = memchr::memrchr(b'\n', head).map_or(0, |at| at + 1);
    let to = memchr::memchr(b'\n', tail).map_or(bytes.len(), |at| tail_from + at);
    (from, to)
}

/// Where `start..end` ends, or its first line, if it goes over many.
fn first_line_end(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end).and_then(|token| token.find('\n')).map_or(end, |at| start + at)
}

/// The token's line with one more on either side, made harmless.
fn lines_around(text: &str, span: Span) -> Window {
    let (start, end) = (span.start as usize, span.end as usize);
    let end = first_line_end(text, start, end);
    let (line_start, line_end) = line_bounds(text, start, end);
    let before =
        if line_start == 0 { 0 } else { line_bounds(text, line_start - 1, line_start - 1).0 };
    let after = if line_end >= text.len() {
        line_end
    } else {
        line_bounds(text, line_end + 1, line_end + 1).1
    };
    let readable = |from: usize, to: usize| {
        text.get(from..to).is_some_and(|line| line.len() <= LONGEST_LINE * 4)
    };
    let from = if readable(before, line_start) { before } else { line_start };
    let to = if readable(line_end, after) { after } else { line_end };
    let line = memchr::memchr_iter(b'\n', text.as_bytes().get(..from).unwrap_or_default()).count();
    let mut window = Window { line, ..Window::default() };
    window.fill(text, from, to, start, end);
    window
}

/// A piece of a line that is too long, with dots where it goes on.
fn cut(text: &str, span: Span) -> Window {
    let (start, end) = (span.start as usize, span.end as usize);
    let (line_start, line_end) = line_bounds(text, start, start);
    let token_end = text.get(start..end).map_or(start, |token| {
        start + token.char_indices().nth(CUT).map_or(token.len(), |(at, _)| at)
    });
    let token_end = token_end.min(line_end);
    let from = text.get(line_start..start).map_or(start, |head| {
        head.char_indices().rev().nth(CUT).map_or(line_start, |(at, _)| line_start + at)
    });
    let to = text.get(token_end..line_end).map_or(token_end, |tail| {
        tail.char_indices().nth(CUT).map_or(line_end, |(at, _)| token_end + at)
    });
    let line = memchr::memchr_iter(b'\n', text.as_bytes().get(..from).unwrap_or_default()).count();
    let mut window = Window { line, ..Window::default() };
    if from > line_start {
        window.text.push('\u{2026}');
    }
    window.fill(text, from, to, start, token_end);
    if to < line_end {
        window.text.push('\u{2026}');
    }
    window
}

impl Window {
    /// Appends `text[from..to]`, character by character, and keeps where the token went.
    fn fill(&mut self, text: &str, from: usize, to: usize, start: usize, end: usize) {
        let mut token_end = None;
        for (at, c) in text.get(from..to).unwrap_or_default().char_indices() {
            let at = from + at;
            if at == start {
                self.start = self.text.len();
            }
            if at == end {
                token_end = Some(self.text.len());
            }
            match c {
                '\r' => {}
                '[' if self.text.ends_with("##") => self.text.push('\u{ff3b}'),
                other => self.text.push(shown(other)),
            }
        }
        if start >= to {
            self.start = self.text.len();
        }
        self.len = token_end.unwrap_or(self.text.len()).saturating_sub(self.start);
    }
}

struct Frame {
    window: Window,
    label: String,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("frame")
    }
}

impl std::fmt::Display for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("frame")
    }
}

impl std::error::Error for Frame {}

impl Diagnostic for Frame {
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new(label, self.window.start, self.window.len))))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.window)
    }
}

impl SourceCode for Window {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.as_str().read_span(span, before, after)?;
        // Without context, miette asks where the token stands, for the heading: on disk.
        let (line, column) = match (before, after) {
            (0, 0) => self.place,
            _ => (inner.line() + self.line, inner.column()),
        };
        let name = self.heading.clone();
        Ok(Box::new(MietteSpanContents::new_named(
            name,
            inner.data(),
            *inner.span(),
            line,
            column,
            inner.line_count(),
        )))
    }
}
