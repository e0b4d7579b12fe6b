//! Edits that take something away from a statement.

use crate::controller::Document;
use crate::finding::{Applicability, Fix};
use crate::fix::{Edit, carry, list};
use crate::policy::Statement;
use crate::source::{SourceMap, Span};
use crate::syntax::{Style, Text};

/// A fix with these edits; one that can only be shown where the text cannot be changed so.
pub(in crate::check) fn fix(
    title: String,
    edits: Option<Vec<Edit>>,
    document: &Document,
    sources: &SourceMap,
) -> Fix {
    let edits = edits.filter(|edits| {
        !document.origin.generated && edits.iter().all(|edit| carry(sources, edit).is_some())
    });
    match edits {
        Some(edits) => Fix { title, applicability: Applicability::Unsafe, edits },
        None => Fix { title, applicability: Applicability::Display, edits: Vec::new() },
    }
}

/// A text with its quotes.
pub(in crate::check) fn whole(text: &Text) -> Span {
    let quote =
        u32::from(matches!(text.style, Style::Json | Style::SingleQuoted | Style::DoubleQuoted));
    Span::new(text.span.source, text.span.start.saturating_sub(quote), text.span.end + quote)
}

/// Takes the items at `gone` out of a list; `None` if none would be left.
pub(in crate::check) fn without(items: &[Span], gone: &[usize]) -> Option<Vec<Edit>> {
    if gone.len() >= items.len() {
        return None;
    }
    let mut edits = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if !gone.contains(&at) {
            at += 1;
            continue;
        }
        let first = *items.get(at)?;
        let before = at.checked_sub(1).and_then(|before| items.get(before));
        while gone.contains(&at) {
            at += 1;
        }
        // Up to the next item, or from the end of the last one that stays: commas go along.
        let span = match (items.get(at), before) {
            (Some(next), _) => Span::new(first.source, first.start, next.start),
            (None, Some(before)) => Span::new(first.source, before.end, items.last()?.end),
            (None, None) => return None,
        };
        edits.push(Edit { span, text: String::new() });
    }
    Some(edits)
}

/// Takes values out of a list of the statement. What an alias brings in stands elsewhere.
pub(in crate::check) fn without_values(
    statement: &Statement,
    values: &[Text],
    gone: &[usize],
) -> Option<Vec<Edit>> {
    let spans: Vec<Span> = values.iter().map(whole).collect();
    spans.iter().all(|span| statement.span.contains(*span)).then_some(())?;
    without(&spans, gone)
}

/// Takes one value out of a list all of which stands in its statement: [`without_values`] for less, where there are
/// many.
pub(in crate::check) fn without_value(values: &[Text], gone: usize) -> Option<Vec<Edit>> {
    let from = gone.saturating_sub(1);
    let near: Vec<Span> = values.get(from..)?.iter().take(3).map(whole).collect();
    without(&near, &[gone - from])
}

/// Takes a whole statement out of its policy, with the remarks above it.
pub(in crate::check) fn without_statement(
    (document, sources): (&Document, &SourceMap),
    gone: usize,
) -> Option<Vec<Edit>> {
    let policy = &document.policy;
    // A statement that AWS would refuse is not in the list, so that commas would be lost.
    if document.size.statements.len() != policy.statements.len() || policy.statements.len() < 2 {
        return None;
    }
    let spans: Vec<Span> = policy.statements.iter().map(|statement| statement.span).collect();
    spans.iter().all(|span| policy.span.contains(*span)).then_some(())?;
    let lines = || lines_of(sources, *spans.get(gone)?, gone + 1 == spans.len());
    lines().map(|edit| vec![edit]).or_else(|| without(&spans, &[gone]))
}

/// The lines of a statement that stands on lines of its own, where no comma in front of it has to go.
fn lines_of(sources: &SourceMap, own: Span, last: bool) -> Option<Edit> {
    let source = sources.get(own.source);
    let text = source.text();
    let mut start = own.start as usize;
    let lead = list::prefix(text, own.start);
    let yaml = lead.trim() == "-";
    if !yaml && !lead.trim().is_empty() {
        return None;
    }
    start -= lead.len();
    // A block of YAML may reach as far as what comes next, remarks included.
    let whole = text.get(own.start as usize..own.end as usize)?;
    let is_rest = |line: &str| line.trim().is_empty() || yaml && line.trim_start().starts_with('#');
    let mut end = own.end as usize;
    for line in whole.split_inclusive('\n').rev() {
        if !is_rest(line) {
            end -= line.len() - line.trim_end().len();
            break;
        }
        end -= line.len();
    }
    let tail = text.get(end..)?;
    let line = tail.split_inclusive('\n').next().unwrap_or_default();
    let block = whole.starts_with("statement");
    match line.trim() {
        "," => {}
        "" if yaml || block => {}
        _ => return None,
    }
    if last && line.trim() != "," && !yaml && !block {
        return None;
    }
    end += line.len();
    if block {
        let blank = text.get(end..)?.split_inclusive('\n').next().unwrap_or_default();
        end += if blank.trim().is_empty() { blank.len() } else { 0 };
    }
    for line in text.get(..start)?.split_inclusive('\n').rev() {
        if !line.trim_start().starts_with(['#']) && !line.trim_start().starts_with("//") {
            break;
        }
        start -= line.len();
    }
    let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
    Some(Edit { span: Span::new(own.source, start, end), text: String::new() })
}

/// Writes `items` in the place of one value of a statement, with its quotes: a list, unless it stands in
/// one.
pub(in crate::check) fn instead(
    sources: &SourceMap,
    (value, within): (&Text, Span),
    in_list: bool,
    items: &[String],
) -> Option<Edit> {
    within.contains(value.span).then_some(())?;
    let source = sources.get(value.span.source);
    let text = source.text();
    let span = list::quoted(text, value.span);
    let old = text.get(span.start as usize..span.end as usize)?;
    let bare = value.as_literal()?;
    let (open, close) = old.split_once(bare)?;
    if open != close || !["", "\"", "'"].contains(&open) {
        return None;
    }
    let written: Vec<String> = items.iter().map(|item| format!("{open}{item}{close}")).collect();
    let line = list::prefix(text, span.start);
    let text = if written.len() == 1 {
        written.concat()
    } else if !in_list {
        format!("[{}]", written.join(", "))
    } else if line.trim() == "-" {
        written.join(&format!("{}{line}", list::newline(text)))
    } else if line.trim().is_empty() {
        written.join(&format!(",{}{line}", list::newline(text)))
    } else if line.trim_end().ends_with(['[', ',']) {
        written.join(", ")
    } else {
        return None;
    };
    Some(Edit { span, text })
}
