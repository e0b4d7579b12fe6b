//! Lists of actions, resources and values that take more, and how an item is written there.

use crate::fix::list::{List, quoted};
use crate::fix::{Edit, plain};
use crate::order;
use crate::policy::Element;
use crate::source::{SourceMap, Span};
use crate::syntax::{Style, Text};

/// A list, or a value that becomes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<'t> {
    values: &'t [Text],
    is_list: bool,
    /// The whole list, where that is known: one without items has no other place.
    whole: Option<Span>,
}

impl<'t> Slot<'t> {
    pub(super) fn of(element: &'t Element) -> Self {
        Self { values: &element.values, is_list: element.is_list, whole: Some(element.span) }
    }

    /// The values of a condition.
    pub(super) fn under(values: &'t [Text], is_list: bool) -> Self {
        Self { values, is_list, whole: None }
    }

    /// What tells it from other lists.
    pub(super) fn place(&self) -> Option<Span> {
        self.values.first().map(|value| value.span).or(self.whole)
    }

    /// The edits that add `items`; `None` if the text is not of a form that is known.
    pub(super) fn take(&self, sources: &SourceMap, items: &[String]) -> Option<Vec<Edit>> {
        match (self.values, self.whole) {
            ([], Some(whole)) => Some(vec![first_items(sources, whole, items)?]),
            _ => into(sources, (self.values, self.is_list), items),
        }
    }
}

/// Fills a list that is written without items. Names of actions need no more than quotes.
fn first_items(sources: &SourceMap, whole: Span, items: &[String]) -> Option<Edit> {
    let inside = sources.slice(whole);
    inside.strip_prefix('[')?.strip_suffix(']')?.trim().is_empty().then_some(())?;
    let plain = |item: &String| !item.contains(['"', '\\', '$']);
    let items: Vec<String> = items
        .iter()
        .map(|item| plain(item).then(|| format!("\"{item}\"")))
        .collect::<Option<_>>()?;
    Some(Edit { span: whole, text: format!("[{}]", items.join(", ")) })
}

/// The span without quotes, if it has some.
pub(super) fn inner(sources: &SourceMap, span: Span) -> Span {
    let text = sources.slice(span);
    let quotes = text.len() > 1
        && ['"', '\''].iter().any(|quote| text.starts_with(*quote) && text.ends_with(*quote));
    if quotes { Span::new(span.source, span.start + 1, span.end - 1) } else { span }
}

/// Adds values to a list of texts, written like them.
fn into(
    sources: &SourceMap,
    (values, is_list): (&[Text], bool),
    items: &[String],
) -> Option<Vec<Edit>> {
    let first = values.first()?;
    let source = sources.get(first.span.source);
    let text = source.text();
    if values.iter().any(|value| value.span.source != first.span.source) {
        return None;
    }
    // What an expression makes stands in no list here.
    let stands = |value: &Text| {
        let span = inner(sources, value.span);
        value.as_literal().is_none_or(|literal| sources.slice(span) == literal)
    };
    if !values.iter().all(stands) {
        return None;
    }
    let spans: Vec<Span> = values.iter().map(|value| quoted(text, value.span)).collect();
    let like = sources.slice(*spans.first()?);
    let embedded = source.embedding().is_some();
    let mut written: Vec<String> =
        items.iter().map(|item| write(item, &like, text, (first.style, embedded))).collect();
    if spans.iter().map(|span| sources.slice(*span).to_lowercase()).is_sorted() {
        order::by_key(&mut written, |item| item.to_lowercase());
    }
    List { text, items: spans, is_list }.add(&written)
}

/// An item with the quotes of another, and the function that fills in its placeholders.
fn write(item: &str, like: &str, text: &str, (style, embedded): (Style, bool)) -> String {
    let written = match like.chars().next() {
        Some(quote @ ('"' | '\'')) => format!("{quote}{item}{quote}"),
        _ if style == Style::Hcl => format!("\"{item}\""),
        _ => plain::scalar(item),
    };
    if !item.contains("${") || embedded || style == Style::Hcl {
        return written;
    }
    match style {
        Style::Json if text.contains("\"Fn::Sub\"") => format!("{{\"Fn::Sub\": {written}}}"),
        Style::Json if !text.contains("!Sub") => written,
        _ => format!("!Sub {written}"),
    }
}
