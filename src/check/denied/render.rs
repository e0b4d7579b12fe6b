//! A new statement in the style of those beside it.

use crate::fix::Edit;
use crate::fix::list::{List, blank, indent, newline, prefix, quoted, step, with_remarks};
use crate::policy::{Policy, Statement};
use crate::source::{SourceMap, Span};
use crate::syntax::{Style, Text};

use super::grant::{Grant, Line};

/// How the statements of a document are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `{ "Sid": … }`.
    Json,
    /// `{ Sid = … }`.
    Object,
    /// `statement { sid = … }`.
    Block,
    /// The same in JSON: `{ "sid": … }`.
    JsonBlock,
    /// `- Sid: …`.
    Yaml,
}

/// How values with `${…}` are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holes {
    /// As they are.
    Plain,
    /// `!Sub`.
    Tag,
    /// `{"Fn::Sub": …}`.
    Function,
}

struct Writer<'a> {
    form: Form,
    holes: Holes,
    base: &'a str,
    step: &'a str,
    nl: &'a str,
    /// What stands behind a comma or a colon.
    blank: &'a str,
    lines: bool,
}

/// The edits that add statements to a document, beside the last one that can be written like.
pub(super) fn add(sources: &SourceMap, policy: &Policy, grants: &[Grant]) -> Option<Vec<Edit>> {
    let last = policy.statements.last()?;
    let source = sources.get(last.span.source);
    let text = source.text();
    let own: Vec<&Statement> =
        policy.statements.iter().filter(|s| s.span.source == last.span.source).collect();
    let form = form(text, last)?;
    let line = prefix(text, last.span.start);
    let whole = text.get(last.span.start as usize..last.span.end as usize)?;
    let first = whole.lines().next().unwrap_or_default().trim_end();
    let lines = matches!(form, Form::Yaml | Form::Block) || first == "{";
    let base = match form {
        Form::Yaml => " ".repeat(line.chars().count()),
        _ => indent(line).to_owned(),
    };
    let step = step(text, last.action.key.start.max(last.span.start));
    let step = if form == Form::Yaml { "  ".to_owned() } else { step };
    let embedded = source.embedding().is_some();
    let holes = match form {
        _ if embedded => Holes::Plain,
        Form::Yaml => Holes::Tag,
        Form::Json if text.contains("\"Fn::Sub\"") => Holes::Function,
        Form::Json if text.contains("!Sub") => Holes::Tag,
        _ => Holes::Plain,
    };
    let writer = Writer {
        form,
        holes,
        base: &base,
        step: &step,
        nl: newline(text),
        blank: blank(text),
        lines,
    };
    let written: Vec<String> =
        grants.iter().map(|grant| writer.statement(grant)).collect::<Option<_>>()?;
    let above = remarks(text, last.span.start);
    if form == Form::Block {
        let alone = line.trim().is_empty();
        let nl = newline(text);
        let (start, text) = match above {
            Some(above) => {
                let one = |one: &String| format!("{base}{one}{nl}{nl}");
                (above, written.iter().map(one).collect())
            }
            None => {
                let one = |one: &String| format!("{one}{nl}{nl}{base}");
                (last.span.start, written.iter().map(one).collect())
            }
        };
        let place = Span::new(last.span.source, start, start);
        return alone.then(|| vec![Edit { span: place, text }]);
    }
    if let (Form::Yaml, Some(above)) = (form, above) {
        let nl = newline(text);
        let text = written.iter().map(|one| format!("{line}{one}{nl}")).collect();
        return Some(vec![Edit { span: Span::new(last.span.source, above, above), text }]);
    }
    let items = own.iter().map(|statement| statement.span).collect();
    let list = List { text, items, is_list: true };
    written
        .iter()
        .map(|one| match form {
            Form::Yaml => list.before_last(one),
            _ => list.append(one),
        })
        .collect()
}

/// Where the remarks above a statement start, if there are some.
fn remarks(text: &str, start: u32) -> Option<u32> {
    let own = (start as usize).checked_sub(prefix(text, start).len())?;
    let above = with_remarks(text, start);
    (above < own).then(|| u32::try_from(above).ok()).flatten()
}

/// Whether a statement is a block of `aws_iam_policy_document` in Terraform's JSON, where the elements have
/// the names of its arguments.
pub(in crate::check) fn is_json_block(text: &str, statement: &Statement) -> bool {
    let key = quoted(text, statement.action.key);
    let name = text.get(key.start as usize..key.end as usize);
    matches!(name, Some("\"actions\"" | "\"not_actions\""))
}

fn form(text: &str, statement: &Statement) -> Option<Form> {
    let at = text.get(statement.span.start as usize..)?;
    let style = statement.action.values.first().map(|value: &Text| value.style)?;
    if at.starts_with('{') && is_json_block(text, statement) {
        return Some(Form::JsonBlock);
    }
    match style {
        Style::Hcl if at.starts_with("statement") => Some(Form::Block),
        Style::Hcl if at.starts_with('{') => Some(Form::Object),
        Style::Hcl => None,
        _ if at.starts_with('{') => Some(Form::Json),
        Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => {
            prefix(text, statement.span.start).trim().eq("-").then_some(Form::Yaml)
        }
        _ => None,
    }
}

impl Writer<'_> {
    fn statement(&self, grant: &Grant) -> Option<String> {
        match self.form {
            Form::Json | Form::Object => self.object(grant),
            Form::Yaml => self.yaml(grant),
            Form::Block => Some(self.block(grant)),
            Form::JsonBlock => Some(self.json_block(grant)),
        }
    }

    fn value(&self, text: &str) -> String {
        let quoted = format!("\"{text}\"");
        match self.holes {
            Holes::Tag if text.contains("${") => format!("!Sub {quoted}"),
            Holes::Function if text.contains("${") => format!("{{\"Fn::Sub\": {quoted}}}"),
            _ => quoted,
        }
    }

    /// A key of a condition; in templates it can hold no name that only the deployment knows.
    fn key(&self, text: &str) -> Option<String> {
        (self.holes == Holes::Plain || !text.contains("${")).then(|| format!("\"{text}\""))
    }

    fn name(&self, text: &str) -> String {
        match self.form {
            Form::Object => format!("{text} = "),
            _ => format!("\"{text}\":{}", self.blank),
        }
    }

    /// Items between brackets, on lines of their own or on one.
    fn between(&self, (open, close): (&str, &str), items: &[String], depth: usize) -> String {
        if !self.lines {
            let comma = format!(",{}", self.blank);
            return format!("{open}{}{close}", items.join(&comma));
        }
        let comma = if self.form == Form::Object && open == "{" { "" } else { "," };
        let inner = format!("{}{}{}", self.nl, self.base, self.step.repeat(depth + 1));
        let items = items.join(&format!("{comma}{inner}"));
        format!("{open}{inner}{items}{}{}{}{close}", self.nl, self.base, self.step.repeat(depth))
    }

    fn values(&self, values: &[String], depth: usize) -> String {
        let items: Vec<String> = values.iter().map(|value| self.value(value)).collect();
        match items.as_slice() {
            [one] => one.clone(),
            _ => self.between(("[", "]"), &items, depth),
        }
    }

    fn object(&self, grant: &Grant) -> Option<String> {
        let entry = |name: &str, value: String| format!("{}{value}", self.name(name));
        let mut items = vec![
            entry("Sid", self.value(&grant.sid)),
            entry("Effect", self.value("Allow")),
            entry("Action", self.values(&grant.actions, 1)),
            entry("Resource", self.values(&grant.resources, 1)),
        ];
        let operators = by_operator(grant);
        if !operators.is_empty() {
            let mut blocks = Vec::new();
            let colon = match self.form {
                Form::Object => " = ".to_owned(),
                _ => format!(":{}", self.blank),
            };
            for (operator, lines) in operators {
                let lines: Vec<String> = lines
                    .iter()
                    .map(|(key, values)| {
                        Some(format!("{}{colon}{}", self.key(key)?, self.values(values, 3)))
                    })
                    .collect::<Option<_>>()?;
                let inner = self.between(("{", "}"), &lines, 2);
                blocks.push(format!("\"{operator}\"{colon}{inner}"));
            }
            items.push(entry("Condition", self.between(("{", "}"), &blocks, 1)));
        }
        Some(self.between(("{", "}"), &items, 0))
    }

    fn json_block(&self, grant: &Grant) -> String {
        let list = |values: &[String], depth: usize| {
            let items: Vec<String> = values.iter().map(|value| self.value(value)).collect();
            self.between(("[", "]"), &items, depth)
        };
        let mut items = vec![
            format!("\"sid\": {}", self.value(&grant.sid)),
            format!("\"actions\": {}", list(&grant.actions, 1)),
            format!("\"resources\": {}", list(&grant.resources, 1)),
        ];
        let condition = |(test, key, values): &Line| {
            let items = [
                format!("\"test\": \"{test}\""),
                format!("\"variable\": {}", self.value(key)),
                format!("\"values\": {}", list(values, 3)),
            ];
            self.between(("{", "}"), &items, 2)
        };
        let conditions: Vec<String> = grant.conditions.iter().map(condition).collect();
        if !conditions.is_empty() {
            let conditions = self.between(("[", "]"), &conditions, 1);
            items.push(format!("\"condition\": {conditions}"));
        }
        self.between(("{", "}"), &items, 0)
    }

    fn yaml(&self, grant: &Grant) -> Option<String> {
        let pad = |depth: usize| format!("{}{}{}", self.nl, self.base, self.step.repeat(depth));
        let values = |values: &[String], depth: usize| match values {
            [one] => format!(" {}", self.value(one)),
            _ => values.iter().map(|v| format!("{}- {}", pad(depth), self.value(v))).collect(),
        };
        let mut out = format!("Sid: {}{}Effect: Allow", grant.sid, pad(0));
        out.push_str(&format!("{}Action:{}", pad(0), values(&grant.actions, 1)));
        out.push_str(&format!("{}Resource:{}", pad(0), values(&grant.resources, 1)));
        let operators = by_operator(grant);
        if !operators.is_empty() {
            out.push_str(&format!("{}Condition:", pad(0)));
        }
        for (operator, lines) in operators {
            out.push_str(&format!("{}{operator}:", pad(1)));
            for (key, wanted) in lines {
                out.push_str(&format!("{}{}:{}", pad(2), self.key(key)?, values(wanted, 3)));
            }
        }
        Some(out)
    }

    fn block(&self, grant: &Grant) -> String {
        let pad = |depth: usize| format!("{}{}{}", self.nl, self.base, self.step.repeat(depth));
        let list = |items: &[String]| {
            let items: Vec<String> = items.iter().map(|item| self.value(item)).collect();
            format!("[{}]", items.join(", "))
        };
        let mut out = format!("statement {{{}sid       = \"{}\"", pad(1), grant.sid);
        out.push_str(&format!("{}actions   = {}", pad(1), list(&grant.actions)));
        out.push_str(&format!("{}resources = {}", pad(1), list(&grant.resources)));
        for (test, key, values) in &grant.conditions {
            out.push_str(&format!("{}{}condition {{", self.nl, pad(1)));
            out.push_str(&format!("{}test     = \"{test}\"", pad(2)));
            out.push_str(&format!("{}variable = \"{key}\"", pad(2)));
            out.push_str(&format!("{}values   = {}{}}}", pad(2), list(values), pad(1)));
        }
        out.push_str(&format!("{}}}", pad(0)));
        out
    }
}

type Lines<'g> = Vec<(&'g String, &'g Vec<String>)>;

/// The condition lines under their operators.
fn by_operator(grant: &Grant) -> Vec<(&'static str, Lines<'_>)> {
    let mut out: Vec<(&'static str, Lines<'_>)> = Vec::new();
    for (operator, key, values) in &grant.conditions {
        match out.iter_mut().find(|(known, _)| known == operator) {
            Some((_, lines)) => lines.push((key, values)),
            None => out.push((operator, vec![(key, values)])),
        }
    }
    out
}
