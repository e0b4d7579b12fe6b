//! Intrinsic functions to text and holes (CloudFormation template reference, *Intrinsic functions*).
//! Both spellings, `!Sub x` and `{"Fn::Sub": x}`, are one thing here.

use super::super::Assumed;
use crate::source::{SourceMap, Span};
use crate::syntax::{self, Entry, HoleSyntax, Node, Part, Style, Text, Value};

/// A function call in a template.
pub(super) struct Call<'n> {
    /// `Sub`, `Ref`, `GetAtt`, ….
    pub(super) name: &'n str,
    pub(super) argument: &'n Node,
}

/// The functions whose value is one text that nobody knows from the template.
const OPAQUE: [&str; 12] = [
    "Base64",
    "Cidr",
    "FindInMap",
    "GetAZs",
    "ImportValue",
    "Length",
    "Select",
    "Split",
    "ToJsonString",
    "Transform",
    "ForEach",
    "Contains",
];

/// The call that `node` is, if it is one.
pub(super) fn call(node: &Node) -> Option<Call<'_>> {
    if let Some(tag) = &node.tag {
        let name = tag.strip_prefix('!')?;
        return known(name).then_some(Call { name, argument: node });
    }
    let [entry] = node.entries() else { return None };
    let key = match entry.key.parts.as_slice() {
        [Part::Literal(_, key)] => &**key,
        _ => return None,
    };
    let name = if key == "Ref" { key } else { key.strip_prefix("Fn::")? };
    known(name).then_some(Call { name, argument: &entry.value })
}

fn known(name: &str) -> bool {
    matches!(name, "Sub" | "Ref" | "GetAtt" | "Join" | "If") || OPAQUE.contains(&name)
}

/// Resolves what a template says as far as the template itself knows it.
pub(super) struct Resolver<'a> {
    pub(super) sources: &'a SourceMap,
    /// Conditions that were taken to hold.
    pub(super) assumed: Vec<Assumed>,
}

impl Resolver<'_> {
    /// Follows `If` to the branch that is taken: the first, unless it is `AWS::NoValue`. `None` if
    /// nothing is there.
    pub(super) fn chosen<'n>(&mut self, node: &'n Node) -> Option<&'n Node> {
        let mut node = node;
        loop {
            let Some(call) = call(node) else {
                return Some(node);
            };
            match (call.name, call.argument.items()) {
                ("If", [condition, then, otherwise]) => {
                    let condition = condition.as_text().map(Text::display).unwrap_or_default();
                    let taken = if is_no_value(then) { otherwise } else { then };
                    let holds = !is_no_value(then);
                    self.assumed.push(Assumed { condition, holds, span: node.span });
                    node = taken;
                }
                _ if is_no_value(node) => return None,
                _ => return Some(node),
            }
        }
    }

    /// The value with all calls resolved; `None` if it is `AWS::NoValue`.
    pub(super) fn node(&mut self, node: &Node) -> Option<Node> {
        if let Some(Call { name: "If", argument }) = call(node) {
            // Alternatives of one text are a text that nobody knows. Of statements, one is taken.
            if argument.items().iter().skip(1).all(|branch| self.text(branch).is_some()) {
                return self.text(node).map(|text| string(node.span, text));
            }
        }
        let node = self.chosen(node)?;
        if call(node).is_some() {
            return self.text(node).map(|text| string(node.span, text));
        }
        let value = match &node.value {
            Value::List(items) => Value::List(items.iter().filter_map(|i| self.node(i)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .filter_map(|Entry { key, value }| {
                        Some(Entry { key: key.clone(), value: self.node(value)? })
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        Some(Node { span: node.span, tag: None, value })
    }

    /// The text that a scalar or a call stands for.
    pub(super) fn text(&self, node: &Node) -> Option<Text> {
        if is_no_value(node) {
            return None;
        }
        let Some(Call { name, argument }) = call(node) else {
            return scalar(node);
        };
        let resolved = match (name, argument.items()) {
            ("Ref", _) => {
                argument.as_text().map(|text| hole(text.span, text.style, text.display()))
            }
            ("GetAtt", []) => {
                argument.as_text().map(|text| hole(text.span, text.style, text.display()))
            }
            ("GetAtt", parts) => {
                let parts: Vec<_> = parts.iter().filter_map(|part| self.text(part)).collect();
                let expression: Vec<_> = parts.iter().map(Text::display).collect();
                Some(hole(node.span, Style::Plain, expression.join(".")))
            }
            ("Sub", []) => {
                argument.as_text().map(|text| syntax::cut(self.sources, text, HoleSyntax::CfnSub))
            }
            ("Sub", [template, variables]) => template.as_text().map(|text| {
                let mut text = syntax::cut(self.sources, text, HoleSyntax::CfnSub);
                substitute(&mut text, &self.variables(variables));
                text
            }),
            ("Join", [separator, list]) => self.join(node, separator, list),
            _ => None,
        };
        // What is left is a call of which only the look is known.
        Some(resolved.unwrap_or_else(|| hole(node.span, Style::Plain, expression(name, argument))))
    }

    fn join(&self, node: &Node, separator: &Node, list: &Node) -> Option<Text> {
        let separator = separator.as_text()?;
        if call(list).is_some() || !matches!(list.value, Value::List(_)) {
            return None;
        }
        let mut parts = Vec::new();
        let mut first = true;
        for item in list.items().iter().filter(|item| !is_no_value(item)) {
            if !first {
                extend(&mut parts, separator.parts.iter().cloned(), node.span);
            }
            first = false;
            extend(&mut parts, self.text(item)?.parts, node.span);
        }
        Some(Text { span: node.span, style: Style::Plain, parts })
    }

    /// The second argument of `Sub`.
    pub(super) fn variables(&self, node: &Node) -> Vec<(String, Text)> {
        let entries = node.entries().iter();
        entries.filter_map(|e| Some((e.key.display(), self.text(&e.value)?))).collect()
    }
}

/// Puts the values of `Sub`'s own variables in the place of their holes.
pub(super) fn substitute(text: &mut Text, variables: &[(String, Text)]) {
    let mut parts = Vec::new();
    let whole = text.span;
    for part in std::mem::take(&mut text.parts) {
        let value = match &part {
            Part::Hole(span, name) => {
                variables.iter().find(|(found, _)| *found == **name).map(|(_, text)| (*span, text))
            }
            Part::Literal(..) => None,
        };
        match value {
            // It stands where the hole stood, whatever it is made of.
            Some((span, text)) => extend(
                &mut parts,
                text.parts.iter().map(|part| match part {
                    Part::Literal(_, text) => Part::Literal(span, text.clone()),
                    Part::Hole(_, text) => Part::Hole(span, text.clone()),
                }),
                whole,
            ),
            None => extend(&mut parts, [part], whole),
        }
    }
    text.parts = parts;
}

/// The same for all texts of a value.
pub(super) fn substitute_all(node: &mut Node, variables: &[(String, Text)]) {
    match &mut node.value {
        Value::String(text) => substitute(text, variables),
        Value::List(items) => items.iter_mut().for_each(|item| substitute_all(item, variables)),
        Value::Map(entries) => {
            for entry in entries {
                substitute(&mut entry.key, variables);
                substitute_all(&mut entry.value, variables);
            }
        }
        _ => {}
    }
}

/// Adds pieces of `whole` so that two literals never stand side by side.
fn extend(parts: &mut Vec<Part>, more: impl IntoIterator<Item = Part>, whole: Span) {
    for part in more {
        match (parts.last_mut(), part) {
            (Some(Part::Literal(span, before)), Part::Literal(next, text)) => {
                *before = format!("{before}{text}").into();
                let adjacent =
                    next.source == span.source && (span.start..=span.end).contains(&next.start);
                // What comes from several places stands nowhere but in the whole.
                *span = if adjacent {
                    Span::new(span.source, span.start, span.end.max(next.end))
                } else {
                    whole
                };
            }
            (_, part) => parts.push(part),
        }
    }
}

fn scalar(node: &Node) -> Option<Text> {
    let literal = match &node.value {
        Value::String(text) => return Some(text.clone()),
        Value::Number(number) => number.clone(),
        Value::Bool(value) => value.to_string().into(),
        _ => return None,
    };
    let parts = vec![Part::Literal(node.span, literal)];
    Some(Text { span: node.span, style: Style::Plain, parts })
}

fn string(span: Span, text: Text) -> Node {
    Node { span, tag: None, value: Value::String(text) }
}

fn hole(span: Span, style: Style, expression: String) -> Text {
    Text { span, style, parts: vec![Part::Hole(span, expression.into())] }
}

/// `!Ref AWS::NoValue`: as if the entry were not there.
fn is_no_value(node: &Node) -> bool {
    call(node).is_some_and(|c| c.name == "Ref" && c.argument.as_str() == Some("AWS::NoValue"))
}

/// A call in a few words: `ImportValue(cluster-name)`.
fn expression(name: &str, argument: &Node) -> String {
    format!("{name}({})", values(argument, 0))
}

/// How an argument of a call looks.
fn look(node: &Node, depth: usize) -> String {
    match call(node) {
        Some(Call { name: "Ref" | "GetAtt", argument }) => values(argument, depth),
        Some(Call { name, argument }) => format!("{name}({})", values(argument, depth)),
        None => values(node, depth),
    }
}

fn values(node: &Node, depth: usize) -> String {
    // Only a look; a few levels tell one call from another.
    if depth > 4 {
        return "…".to_owned();
    }
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.display(),
        Value::List(items) => {
            items.iter().map(|item| look(item, depth + 1)).collect::<Vec<_>>().join(", ")
        }
        Value::Map(entries) => {
            let pair = |e: &Entry| format!("{}: {}", e.key.display(), look(&e.value, depth + 1));
            entries.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
    }
}
