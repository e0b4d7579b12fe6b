//! More conditions in a statement, written as the statement is.

use crate::controller::Document;
use crate::fix::Edit;
use crate::fix::list::{indent, newline, prefix, quoted, step};
use crate::policy::Statement;
use crate::source::{SourceMap, Span};
use crate::syntax::{Style, Text};

use super::super::denied::is_json_block;
use super::super::words::no_key;

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

/// A condition to add.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

impl Line {
    /// One value, or a list of them.
    fn value(&self) -> String {
        let all: Vec<String> = self.values.iter().map(|value| format!("\"{value}\"")).collect();
        if let [one] = all.as_slice() { one.clone() } else { format!("[{}]", all.join(", ")) }
    }

    fn has_hole(&self) -> bool {
        std::iter::once(&self.key).chain(&self.values).any(|text| text.contains("${"))
    }
}

/// Why a person has to write conditions: maps of a template hold no name that only the deployment knows in a
/// key, and here none in a value.
pub(super) fn by_hand(
    sources: &SourceMap,
    (document, statement): (&Document, &Statement),
    lines: &[Line],
) -> Option<String> {
    if is_text(sources, statement) || document.origin.address.is_none() || document.origin.generated
    {
        return None;
    }
    lines.iter().map(|line| &line.key).find(|key| key.contains("${")).map(|key| no_key(key))
}

/// Whether names with `${…}` can stand in it: it is a text, or Terraform's language.
pub(in crate::check) fn is_text(sources: &SourceMap, statement: &Statement) -> bool {
    let first = statement.action.values.first();
    first.is_some_and(|first| first.style == Style::Hcl)
        || sources.get(statement.span.source).embedding().is_some()
}

/// The edits that add conditions, in front of what stands there; `None` where they cannot be written.
pub(super) fn conditions(
    sources: &SourceMap,
    (document, statement): (&Document, &Statement),
    lines: &[Line],
) -> Option<Vec<Edit>> {
    let source = sources.get(statement.span.source);
    let text = source.text();
    let at = text.get(statement.span.start as usize..)?;
    let first = statement.action.values.first()?;
    if first.style == Style::Hcl && at.starts_with("statement") {
        return block(text, statement, lines).map(|edit| vec![edit]);
    }
    if is_json_block(text, statement) {
        return json_block(text, statement, lines).map(|edit| vec![edit]);
    }
    let form = match first.style {
        Style::Hcl => Form::Object,
        _ if at.starts_with('{') => Form::Json,
        _ => Form::Yaml,
    };
    // In a map of a template neither key nor value can hold a name without a function.
    if !is_text(sources, statement) && lines.iter().any(Line::has_hole) {
        return None;
    }
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for line in lines {
        let entry = form.entry(&line.key, &line.value());
        match groups.iter_mut().find(|(operator, _)| *operator == line.operator) {
            Some((_, entries)) => entries.push(entry),
            None => groups.push((&line.operator, vec![entry])),
        }
    }
    let known = &statement.conditions;
    let mut edits = Vec::new();
    let mut apart = Vec::new();
    for (operator, entries) in groups {
        if let Some(empty) = empty(document, statement, operator) {
            let braces = text.get(empty.start as usize..empty.end as usize)?;
            let inside = braces.strip_prefix('{')?.strip_suffix('}')?;
            inside.trim().is_empty().then_some(())?;
            edits.push(Edit { span: empty, text: form.filled(text, empty, &entries) });
            continue;
        }
        match known.iter().find(|line| line.operator.as_literal() == Some(operator)) {
            Some(same) => {
                let place = key_of(text, &same.key);
                edits.push(form.put(text, statement, place, &entries)?);
            }
            None => apart.push((operator, entries)),
        }
    }
    if apart.is_empty() {
        return Some(edits);
    }
    let nested = |place, depth| -> Vec<String> {
        let one = |(operator, entries): &(&str, Vec<String>)| {
            form.nested(text, place, operator, entries, depth)
        };
        apart.iter().map(one).collect()
    };
    let (place, entries) = match (known.first(), statement.condition_span) {
        (Some(other), _) => {
            let place = key_of(text, &other.operator);
            (place, nested(place, 0))
        }
        (None, Some(own)) => {
            let braces = text.get(own.start as usize..own.end as usize)?;
            let inside = braces.strip_prefix('{')?.strip_suffix('}')?;
            inside.trim().is_empty().then_some(())?;
            let beside = quoted(text, statement.resource.as_ref()?.key);
            let on_lines = form != Form::Yaml && prefix(text, beside.start).trim().is_empty();
            let nested = if on_lines { nested(beside, 1) } else { nested(own, 0) };
            let text = match on_lines {
                true => form.filled(text, beside, &nested),
                false => format!("{{{}}}", nested.join(", ")),
            };
            edits.push(Edit { span: own, text });
            return Some(edits);
        }
        (None, None) => {
            let place = quoted(text, statement.resource.as_ref()?.key);
            (place, vec![form.nested(text, place, "Condition", &nested(place, 1), 0)])
        }
    };
    edits.push(form.put(text, statement, place, &entries)?);
    Some(edits)
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
    /// Entries in front of the one at `place`.
    fn put(
        self,
        text: &str,
        statement: &Statement,
        place: Span,
        entries: &[String],
    ) -> Option<Edit> {
        statement.span.contains(place).then_some(())?;
        let lead = prefix(text, place.start);
        let own_line = lead.trim().is_empty();
        let between = match self {
            Self::Json => ",",
            Self::Object if !own_line => ",",
            Self::Object | Self::Yaml => "",
        };
        // The first key of an item of a block has the dash in front.
        let behind = match (own_line, lead.trim()) {
            (true, _) => format!("{between}{}{lead}", newline(text)),
            (false, "-") if self == Self::Yaml => {
                format!("{}{}", newline(text), " ".repeat(lead.chars().count()))
            }
            (false, _) if self == Self::Yaml && !lead.trim_end().ends_with(['{', ',']) => {
                return None;
            }
            (false, _) if self == Self::Yaml => ", ".to_owned(),
            (false, _) => format!("{between} "),
        };
        let span = Span::new(place.source, place.start, place.start);
        let text = entries.iter().map(|entry| format!("{entry}{behind}")).collect();
        Some(Edit { span, text })
    }

    /// What stands between two entries of a map: on lines, with what a line starts with.
    fn between(self, line: Option<&str>) -> String {
        match (self, line) {
            (Self::Json, Some(line)) => format!(",{line}"),
            (Self::Object | Self::Yaml, Some(line)) => line.to_owned(),
            (_, None) => ", ".to_owned(),
        }
    }

    fn entry(self, key: &str, value: &str) -> String {
        match self {
            Self::Json => format!("\"{key}\": {value}"),
            Self::Object => format!("\"{key}\" = {value}"),
            Self::Yaml => format!("\"{key}\": {value}"),
        }
    }

    /// A map with these entries, on lines where its own key has a line.
    fn filled(self, text: &str, place: Span, entries: &[String]) -> String {
        let lead = prefix(text, place.start);
        if self == Self::Yaml || lead.contains(['{', '[']) {
            return format!("{{{}}}", entries.join(&self.between(None)));
        }
        let (nl, base, step) = (newline(text), indent(lead), step(text, place.start));
        let line = format!("{nl}{base}{step}");
        format!("{{{line}{}{nl}{base}}}", entries.join(&self.between(Some(&line))))
    }

    /// Entries inside a map of their own, on lines if its place is.
    fn nested(
        self,
        text: &str,
        place: Span,
        name: &str,
        entries: &[String],
        depth: usize,
    ) -> String {
        let lead = prefix(text, place.start);
        let on_lines = lead.trim().is_empty() || self == Self::Yaml && lead.trim() == "-";
        let name = match (self, name) {
            (Self::Object, "Condition") | (Self::Yaml, _) => name.to_owned(),
            _ => format!("\"{name}\""),
        };
        let sign = if self == Self::Object { " =" } else { ":" };
        if !on_lines {
            return format!("{name}{sign} {{{}}}", entries.join(&self.between(None)));
        }
        let nl = newline(text);
        let width = lead.chars().count();
        let base = match lead.trim().is_empty() {
            true => indent(lead).to_owned(),
            false => " ".repeat(width),
        };
        let step = if self == Self::Yaml { "  ".to_owned() } else { step(text, place.start) };
        let base = format!("{base}{}", step.repeat(depth));
        let line = format!("{nl}{base}{step}");
        let inner = entries.join(&self.between(Some(&line)));
        match self {
            Self::Yaml => format!("{name}:{line}{inner}"),
            _ => format!("{name}{sign} {{{line}{inner}{nl}{base}}}"),
        }
    }
}

/// Blocks of their own behind what the statement holds.
fn block(text: &str, statement: &Statement, lines: &[Line]) -> Option<Edit> {
    let Span { source, start, end } = statement.span;
    let close = end.checked_sub(1)?;
    (text.get(close as usize..end as usize)? == "}").then_some(())?;
    let lead = prefix(text, close);
    lead.trim().is_empty().then_some(())?;
    let base = prefix(text, start);
    let (nl, pad) = (newline(text), format!("{base}  "));
    let one = |line: &Line| {
        let Line { operator, key, values } = line;
        let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
        let values = values.join(", ");
        format!(
            "{nl}{pad}condition {{{nl}{pad}  test     = \"{operator}\"{nl}{pad}  variable = \"{key}\"{nl}{pad}  values   = [{values}]{nl}{pad}}}{nl}"
        )
    };
    let at = close - u32::try_from(lead.len()).ok()?;
    Some(Edit { span: Span::new(source, at, at), text: lines.iter().map(one).collect() })
}

/// Objects of their own before those of the list, or a list of them in front of the resources.
fn json_block(text: &str, statement: &Statement, lines: &[Line]) -> Option<Edit> {
    let end = statement.span.end as usize;
    // The list of conditions, if there is one: a single object has no place for a second one.
    let start = match statement.condition_span {
        Some(word) => {
            let from = quoted(text, word).end as usize;
            let list = text.get(from..end)?.trim_start().strip_prefix(':')?.trim_start();
            let item = list.strip_prefix('[')?.trim_start();
            item.starts_with('{').then(|| end - item.len())?
        }
        None => quoted(text, statement.resource.as_ref()?.key).start as usize,
    };
    let start = u32::try_from(start).ok()?;
    let lead = prefix(text, start);
    let on_lines = lead.trim().is_empty();
    let deeper = u32::from(statement.condition_span.is_none());
    let (nl, step) = (newline(text), step(text, start));
    let pad = |depth: u32| format!("{nl}{lead}{}", step.repeat(depth as usize));
    let around = |(open, close): (char, char), items: &[String], depth: u32| match on_lines {
        true => {
            let inner = pad(depth + 1);
            let items = items.join(&format!(",{inner}"));
            format!("{open}{inner}{items}{}{close}", pad(depth))
        }
        false => format!("{open}{}{close}", items.join(", ")),
    };
    let one = |line: &Line| {
        let values: Vec<String> = line.values.iter().map(|value| format!("\"{value}\"")).collect();
        let items = [
            format!("\"test\": \"{}\"", line.operator),
            format!("\"variable\": \"{}\"", line.key),
            format!("\"values\": {}", around(('[', ']'), &values, deeper + 1)),
        ];
        around(('{', '}'), &items, deeper)
    };
    let mut items: Vec<String> = lines.iter().map(one).collect();
    if deeper > 0 {
        items = vec![format!("\"condition\": {}", around(('[', ']'), &items, 0))];
    }
    let behind = if on_lines { format!(",{nl}{lead}") } else { ", ".to_owned() };
    let text = items.iter().map(|item| format!("{item}{behind}")).collect();
    Some(Edit { span: Span::new(statement.span.source, start, start), text })
}
