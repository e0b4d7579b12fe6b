//! A condition more in a statement, written as the statement is.

use crate::controller::Document;
use crate::fix::Edit;
use crate::fix::list::{indent, newline, prefix, quoted, step};
use crate::policy::Statement;
use crate::source::{SourceMap, Span};
use crate::syntax::{Style, Text};

/// How entries are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `"key": value,`.
    Json,
    /// `key = value`.
    Object,
    /// `key: value`, on lines.
    Yaml,
}

/// The edit that adds a condition, in front of what stands there; `None` where it cannot be written.
pub(super) fn condition(
    sources: &SourceMap,
    (document, statement): (&Document, &Statement),
    (operator, key, value): (&str, &str, &str),
) -> Option<Vec<Edit>> {
    let source = sources.get(statement.span.source);
    let text = source.text();
    let at = text.get(statement.span.start as usize..)?;
    let first = statement.action.values.first()?;
    if first.style == Style::Hcl && at.starts_with("statement") {
        return block(text, statement, (operator, key, value)).map(|edit| vec![edit]);
    }
    let form = match first.style {
        Style::Hcl => Form::Object,
        _ if at.starts_with('{') => Form::Json,
        _ => Form::Yaml,
    };
    // In a map of a template neither key nor value can hold a name without a function.
    let plain = source.embedding().is_some() || form == Form::Object;
    if !plain && [key, value].iter().any(|text| text.contains("${")) {
        return None;
    }
    let line = form.entry(key, &format!("\"{value}\""));
    let lines = &statement.conditions;
    if let Some(empty) = empty(document, statement, operator) {
        let braces = text.get(empty.start as usize..empty.end as usize)?;
        let inside = braces.strip_prefix('{')?.strip_suffix('}')?;
        return inside
            .trim()
            .is_empty()
            .then(|| vec![Edit { span: empty, text: form.filled(text, empty, &line) }]);
    }
    let same = lines.iter().find(|line| line.operator.as_literal() == Some(operator));
    let (place, entry) = match (same, lines.first()) {
        (Some(known), _) => (key_of(text, &known.key), line),
        (None, Some(other)) => {
            let place = key_of(text, &other.operator);
            (place, form.nested(text, place, operator, &line, 0))
        }
        (None, None) if statement.condition_span.is_some() => return None,
        (None, None) => {
            let place = quoted(text, statement.resource.as_ref()?.key);
            let inner = form.nested(text, place, operator, &line, 1);
            (place, form.nested(text, place, "Condition", &inner, 0))
        }
    };
    statement.span.contains(place).then_some(())?;
    let lead = prefix(text, place.start);
    let own_line = lead.trim().is_empty();
    let between = match form {
        Form::Json => ",",
        Form::Object if !own_line => ",",
        Form::Object | Form::Yaml => "",
    };
    // The first key of an item of a block has the dash in front.
    let text = match (own_line, lead.trim()) {
        (true, _) => format!("{entry}{between}{}{lead}", newline(text)),
        (false, "-") if form == Form::Yaml => {
            let pad = " ".repeat(lead.chars().count());
            format!("{entry}{}{pad}", newline(text))
        }
        (false, _) if form == Form::Yaml && !lead.trim_end().ends_with(['{', ',']) => return None,
        (false, _) if form == Form::Yaml => format!("{entry}, "),
        (false, _) => format!("{entry}{between} "),
    };
    let span = Span::new(place.source, place.start, place.start);
    Some(vec![Edit { span, text }])
}

/// The map of an operator that stands there without a key: a second one of that name would be one too
/// many.
fn empty(document: &Document, statement: &Statement, operator: &str) -> Option<Span> {
    let whole = statement.condition_span?;
    let message = format!("`{operator}` has no condition key");
    let mut problems = document.problems.iter().filter(|problem| whole.contains(problem.span));
    Some(problems.find(|problem| problem.message == message)?.span)
}

/// A key with its quotes.
fn key_of(text: &str, key: &Text) -> Span {
    quoted(text, key.span)
}

impl Form {
    fn entry(self, key: &str, value: &str) -> String {
        match self {
            Self::Json => format!("\"{key}\": {value}"),
            Self::Object => format!("\"{key}\" = {value}"),
            Self::Yaml => format!("\"{key}\": {value}"),
        }
    }

    /// A map with one entry, on lines where its own key has a line.
    fn filled(self, text: &str, place: Span, inner: &str) -> String {
        let lead = prefix(text, place.start);
        if self == Self::Yaml || lead.contains(['{', '[']) {
            return format!("{{{inner}}}");
        }
        let (nl, base, step) = (newline(text), indent(lead), step(text, place.start));
        format!("{{{nl}{base}{step}{inner}{nl}{base}}}")
    }

    /// An entry inside a map of its own, on lines if its place is.
    fn nested(self, text: &str, place: Span, name: &str, inner: &str, depth: usize) -> String {
        let lead = prefix(text, place.start);
        let on_lines = lead.trim().is_empty() || self == Self::Yaml && lead.trim() == "-";
        let name = match (self, name) {
            (Self::Object, "Condition") | (Self::Yaml, _) => name.to_owned(),
            _ => format!("\"{name}\""),
        };
        let sign = if self == Self::Object { " =" } else { ":" };
        if !on_lines {
            return format!("{name}{sign} {{{inner}}}");
        }
        let nl = newline(text);
        let width = lead.chars().count();
        let base = match lead.trim().is_empty() {
            true => indent(lead).to_owned(),
            false => " ".repeat(width),
        };
        let step = if self == Self::Yaml { "  ".to_owned() } else { step(text, place.start) };
        let base = format!("{base}{}", step.repeat(depth));
        match self {
            Self::Yaml => format!("{name}:{nl}{base}{step}{inner}"),
            _ => format!("{name}{sign} {{{nl}{base}{step}{inner}{nl}{base}}}"),
        }
    }
}

/// A block of its own behind what the statement holds.
fn block(
    text: &str,
    statement: &Statement,
    (operator, key, value): (&str, &str, &str),
) -> Option<Edit> {
    let Span { source, start, end } = statement.span;
    let close = end.checked_sub(1)?;
    (text.get(close as usize..end as usize)? == "}").then_some(())?;
    let lead = prefix(text, close);
    lead.trim().is_empty().then_some(())?;
    let base = prefix(text, start);
    let (nl, pad) = (newline(text), format!("{base}  "));
    let text = format!(
        "{nl}{pad}condition {{{nl}{pad}  test     = \"{operator}\"{nl}{pad}  variable = \"{key}\"{nl}{pad}  values   = [\"{value}\"]{nl}{pad}}}{nl}"
    );
    let at = close - u32::try_from(lead.len()).ok()?;
    Some(Edit { span: Span::new(source, at, at), text })
}
