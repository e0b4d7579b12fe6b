//! One frame: the line that holds a token, a line of context on either side, the label below it.
//!
//! miette draws it. It gets a window of our own, because it copies whole lines and rescans a source
//! from its start, and because a line can be 50 MB long.

use std::collections::HashMap;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use crate::finding::Label;
use crate::source::{LineIndex, SourceId, SourceMap, Span};

use super::escape::shown;
use super::reindent::{Laid, reindent};

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

/// Texts that were laid out anew are kept until they come to this, in bytes.
const KEPT: usize = 16 << 20;

/// Draws frames. What has to be laid out anew to be read is laid out once: of a minified policy with thousands of
/// mistakes, each frame shows a few lines.
pub(crate) struct Frames<'s> {
    sources: &'s SourceMap,
    handler: GraphicalReportHandler,
    laid: HashMap<SourceId, Option<Laid>>,
    kept: usize,
}

impl<'s> Frames<'s> {
    /// `colour` decides about escape sequences.
    #[must_use]
    pub(crate) fn new(sources: &'s SourceMap, colour: bool) -> Self {
        let theme =
            if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme);
        let handler = handler.with_context_lines(1).with_width(400);
        Self { sources, handler, laid: HashMap::new(), kept: 0 }
    }

    /// The frame of `label`.
    #[must_use]
    pub(crate) fn draw(&mut self, label: &Label, address: Option<&str>) -> String {
        let window = self.window(label.span, address);
        let frame = Frame { window, label: super::escape::line(&label.message) };
        let mut out = String::new();
        if self.handler.render_report(&mut out, &frame).is_err() {
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

    fn window(&mut self, span: Span, address: Option<&str>) -> Window {
        let span = with_quotes(self.sources, span);
        let on_disk = self.sources.to_file(span);
        let file = self.sources.get(on_disk.source);
        let position = file.position(on_disk.start);
        let place =
            (position.line.saturating_sub(1) as usize, position.column.saturating_sub(1) as usize);
        let heading = super::escape::line(file.name());
        // The file's own lines when they can be read; else the innermost text, indented anew.
        let inner = self.sources.get(span.source);
        let mut address = address;
        let mut window = if is_short(file.text(), on_disk) {
            address = None;
            lines_around((file.text(), file.lines()), on_disk)
        } else if is_short(inner.text(), span) {
            lines_around((inner.text(), inner.lines()), span)
        } else {
            let laid = self.laid(span.source, inner.text());
            let place = laid.and_then(|laid| Some((laid, laid.place(span)?)));
            match place {
                Some((laid, span)) if is_short(laid.text(), span) => {
                    lines_around((laid.text(), laid.lines()), span)
                }
                _ => cut((inner.text(), inner.lines()), span),
            }
        };
        window.heading = heading;
        window.address = address.map(super::escape::line);
        window.place = place;
        window
    }

    /// The text of a source, laid out anew.
    fn laid(&mut self, id: SourceId, text: &str) -> Option<&Laid> {
        if !self.laid.contains_key(&id) {
            let laid = reindent(text);
            self.kept += laid.as_ref().map_or(0, |laid| laid.text().len());
            if self.kept > KEPT {
                self.laid.clear();
                self.kept = laid.as_ref().map_or(0, |laid| laid.text().len());
            }
            self.laid.insert(id, laid);
        }
        self.laid.get(&id).and_then(Option::as_ref)
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

/// Longest line, in bytes, that is shown as it is. Lines are looked at no further: one may be of megabytes, and have
/// a frame for every hundred bytes.
const REACH: usize = LONGEST_LINE * 4;

/// Where the line starts that `at` lies in, if that is near.
fn line_start(text: &str, at: usize) -> Option<usize> {
    let from = at.saturating_sub(REACH);
    let head = text.as_bytes().get(from..at)?;
    let found = memchr::memrchr(b'\n', head).map(|found| from + found + 1);
    found.or((from == 0).then_some(0))
}

/// Where it ends, without the line break, if that is near.
fn line_end(text: &str, at: usize) -> Option<usize> {
    let to = text.len().min(at.saturating_add(REACH + 1));
    let tail = text.as_bytes().get(at..to)?;
    let found = memchr::memchr(b'\n', tail).map(|found| at + found);
    found.or((to == text.len()).then_some(to))
}

/// Where `start..end` ends, or its first line, if it goes over many: only that one is shown.
fn first_line_end(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end).and_then(|token| token.find('\n')).map_or(end, |at| start + at)
}

/// Whether the line that holds the token, or its first one, can be read as it is.
fn is_short(text: &str, span: Span) -> bool {
    let (start, end) = (span.start as usize, span.end as usize);
    let end = first_line_end(text, start, end).min(text.len());
    let (start, end) = (line_start(text, start.min(text.len())), line_end(text, end));
    start
        .zip(end)
        .and_then(|(start, end)| text.get(start..end))
        .is_some_and(|line| line.len() <= REACH && line.chars().count() <= LONGEST_LINE)
}

/// The token's line with one more on either side, made harmless. It is short.
fn lines_around((text, lines): (&str, &LineIndex), span: Span) -> Window {
    let (start, end) = (span.start as usize, span.end as usize);
    let end = first_line_end(text, start, end);
    let first = line_start(text, start).unwrap_or(start);
    let last = line_end(text, end).unwrap_or(end);
    let before = first.checked_sub(1).and_then(|end| line_start(text, end));
    let after = Some(last + 1).filter(|next| *next <= text.len());
    let after = after.and_then(|start| line_end(text, start));
    let window = Window { line: line_of(lines, before.unwrap_or(first)), ..Window::default() };
    window.filled(text, (before.unwrap_or(first), after.unwrap_or(last)), (start, end))
}

/// The number of the line that `at` lies in, from 0.
fn line_of(lines: &LineIndex, at: usize) -> usize {
    lines.line(u32::try_from(at).unwrap_or(u32::MAX)).saturating_sub(1) as usize
}

/// A piece of a line that is too long, with dots where it goes on.
fn cut((text, lines): (&str, &LineIndex), span: Span) -> Window {
    let (start, end) = (span.start as usize, span.end as usize);
    let whole_start = line_start(text, start);
    let whole_end = line_end(text, start);
    let after = |from: usize| {
        let tail = text.get(from..).unwrap_or_default();
        tail.char_indices().nth(CUT).map_or(text.len(), |(at, _)| from + at)
    };
    let most = |at: usize| whole_end.map_or(at, |end| at.min(end));
    let token_end = most(after(start).min(end));
    let to = most(after(token_end));
    let head = text.get(..start).unwrap_or_default();
    let from = head.char_indices().rev().nth(CUT).map_or(0, |(at, _)| at);
    let from = whole_start.map_or(from, |start| from.max(start));
    let mut window = Window { line: line_of(lines, from), ..Window::default() };
    if whole_start.is_none_or(|start| from > start) {
        window.text.push('\u{2026}');
    }
    let mut window = window.filled(text, (from, to), (start, token_end));
    if whole_end.is_none_or(|end| to < end) {
        window.text.push('\u{2026}');
    }
    window
}

impl Window {
    /// Appends `text[from..to]`, character by character, and keeps where the token `start..end` went.
    fn filled(
        mut self,
        text: &str,
        (from, to): (usize, usize),
        (start, end): (usize, usize),
    ) -> Self {
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
        self
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
