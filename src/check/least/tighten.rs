//! Edits that take something away from a statement.

use crate::controller::Document;
use crate::finding::{Applicability, Fix};
use crate::fix::{Edit, is_verbatim};
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
        !document.origin.generated && edits.iter().all(|edit| is_verbatim(sources, edit.span))
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

/// Takes a whole statement out of its policy.
pub(in crate::check) fn without_statement(document: &Document, gone: usize) -> Option<Vec<Edit>> {
    let policy = &document.policy;
    // A statement that AWS would refuse is not in the list, so that commas would be lost.
    if document.size.statements.len() != policy.statements.len() {
        return None;
    }
    let spans: Vec<Span> = policy.statements.iter().map(|statement| statement.span).collect();
    spans.iter().all(|span| policy.span.contains(*span)).then_some(())?;
    without(&spans, &[gone])
}

/// Writes `items` in the place of one value: a list, unless it stands in one.
pub(in crate::check) fn instead(text: &Text, in_list: bool, items: &[String]) -> Option<Edit> {
    let (open, close) = match text.style {
        Style::Json | Style::DoubleQuoted => ("\"", "\""),
        Style::SingleQuoted => ("'", "'"),
        _ => return None,
    };
    let quoted: Vec<String> = items.iter().map(|item| format!("{open}{item}{close}")).collect();
    let joined = quoted.join(", ");
    let alone = in_list || items.len() == 1;
    let text_ = if alone { joined } else { format!("[{joined}]") };
    Some(Edit { span: whole(text), text: text_ })
}
