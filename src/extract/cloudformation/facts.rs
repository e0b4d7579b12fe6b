//! What a template knows of itself: values of parameters, mappings, conditions, and the JSON that the
//! CDK keeps in a custom resource (AWS CloudFormation User Guide, *Template anatomy*).

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::resolve::{Call, Resolver, call, intrinsic, moved};
use crate::source::Span;
use crate::syntax::{Entry, Node, Part, Text, When};

/// Conditions and mappings that lead to themselves end here; people write two or three levels.
const MAX_DEPTH: usize = 16;

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// One text; it may hold what the template around this one does not know.
    Text(Text),
    /// A list of texts.
    List(Vec<Text>),
}

/// A parameter whose value is known.
#[derive(Debug)]
pub(super) struct Parameter {
    name: String,
    value: Value,
    /// Whether nobody gave it, so that it is only the default.
    default: bool,
}

/// Sections of a template, as read.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) parameters: Option<Node>,
    pub(super) mappings: Option<Node>,
    pub(super) conditions: Option<Node>,
}

/// What a template knows of itself.
#[derive(Debug, Default)]
pub(super) struct Facts {
    parameters: Vec<Parameter>,
    mappings: Option<Node>,
    conditions: Option<Node>,
    /// The JSON of `Custom::AWSCDKCfnJson` resources, by logical id.
    pub(super) json: BTreeMap<String, Node>,
    /// Parameters whose defaults were used, with the place of the first use.
    used: RefCell<BTreeMap<String, Span>>,
}

/// How a condition turns out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Known(bool),
    /// It is what the condition of this name is, or the opposite.
    Open(String, bool),
}

/// A condition within a condition.
enum Inner {
    Known(bool),
    Named(String, bool),
    Unknown,
}

impl Facts {
    /// `given` are the values that somebody gave; a default is the value of any other parameter. That
    /// of a parameter that CloudFormation looks up in SSM is a name, not the value.
    pub(super) fn new(sections: Sections, given: &[(String, Text)]) -> Self {
        let mut parameters: Vec<Parameter> = given
            .iter()
            .filter(|(name, _)| name.starts_with("AWS::"))
            .map(|(name, text)| Parameter {
                name: name.clone(),
                value: Value::Text(text.clone()),
                default: false,
            })
            .collect();
        for Entry { key, value } in sections.parameters.iter().flat_map(Node::entries) {
            let name = key.display();
            let kind = value.get("Type").and_then(Node::as_str).unwrap_or("String");
            let given = given.iter().find(|(known, _)| *known == name).map(|(_, text)| text);
            let looked_up = kind.starts_with("AWS::SSM::Parameter::");
            let default =
                value.get("Default").filter(|_| !looked_up).and_then(super::resolve::scalar);
            let Some(text) = given.cloned().or(default) else { continue };
            let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
            let value =
                if is_list { Value::List(split(&text, ",", true)) } else { Value::Text(text) };
            parameters.push(Parameter { name, value, default: given.is_none() });
        }
        Self {
            parameters,
            mappings: sections.mappings,
            conditions: sections.conditions,
            ..Self::default()
        }
    }

    /// The value of a parameter, as it stands at `place`.
    pub(super) fn parameter(&self, name: &str, place: Span) -> Option<Value> {
        let found = self.parameters.iter().find(|parameter| parameter.name == name)?;
        if found.default {
            self.used.borrow_mut().entry(name.to_owned()).or_insert(place);
        }
        Some(match &found.value {
            Value::Text(text) => Value::Text(moved(text.clone(), place)),
            Value::List(items) => {
                Value::List(items.iter().map(|text| moved(text.clone(), place)).collect())
            }
        })
    }

    /// The value of a parameter that is one text.
    pub(super) fn text(&self, name: &str, place: Span) -> Option<Text> {
        match self.parameter(name, place)? {
            Value::Text(text) => Some(text),
            Value::List(_) => None,
        }
    }

    /// The parameters whose defaults were used: name, value and place.
    pub(super) fn defaults(&self) -> Vec<(String, String, Span)> {
        let used = self.used.borrow();
        let value = |name: &String| {
            let found = self.parameters.iter().find(|parameter| parameter.name == *name);
            match found.map(|parameter| &parameter.value) {
                Some(Value::Text(text)) => text.display(),
                Some(Value::List(items)) => {
                    items.iter().map(Text::display).collect::<Vec<_>>().join(",")
                }
                None => String::new(),
            }
        };
        used.iter().map(|(name, span)| (name.clone(), value(name), *span)).collect()
    }

    /// What `FindInMap` gives.
    pub(super) fn find_in_map(&self, map: &str, top: &str, second: &str) -> Option<&Node> {
        self.mappings.as_ref()?.get(map)?.get(top)?.get(second)
    }
}

impl Resolver<'_> {
    /// How the condition of this name turns out.
    pub(super) fn condition(&self, name: &str) -> Verdict {
        let found = match self.named(name, 0) {
            Inner::Known(holds) => return Verdict::Known(holds),
            Inner::Named(name, holds) => (name, holds),
            Inner::Unknown => (name.to_owned(), true),
        };
        let assigned = self.assigned.borrow();
        match assigned.iter().find(|(known, _)| *known == found.0) {
            Some((_, value)) => Verdict::Known(*value == found.1),
            None => Verdict::Open(found.0, found.1),
        }
    }

    /// That something hangs on the condition of this name.
    pub(super) fn when(&self, name: &str, holds: bool, span: Span) -> When {
        let mut asks = Vec::new();
        let conditions = self.facts.conditions.as_ref();
        if let Some(condition) = conditions.and_then(|all| all.get(name)) {
            self.asked_for(condition, 0, &mut asks);
        }
        When { name: name.into(), holds, span, asks, flag: "--parameter" }
    }

    /// The parameters that a condition compares, each once.
    fn asked_for(&self, node: &Node, depth: usize, out: &mut Vec<String>) {
        if depth > MAX_DEPTH {
            return;
        }
        if let Some(Call { name, argument }) = intrinsic(node)
            && let Some(text) = argument.as_str()
        {
            if name == "Ref" && !out.iter().any(|known| known == text) {
                out.push(text.to_owned());
            } else if name == "Condition"
                && let Some(other) = self.facts.conditions.as_ref().and_then(|all| all.get(text))
            {
                self.asked_for(other, depth + 1, out);
            }
        }
        node.items().iter().for_each(|item| self.asked_for(item, depth + 1, out));
        node.entries().iter().for_each(|e| self.asked_for(&e.value, depth + 1, out));
    }

    fn named(&self, name: &str, depth: usize) -> Inner {
        let conditions = self.facts.conditions.as_ref();
        let Some(node) = conditions.and_then(|all| all.get(name)).filter(|_| depth < MAX_DEPTH)
        else {
            return Inner::Named(name.to_owned(), true);
        };
        match self.decide(node, depth + 1) {
            Inner::Unknown => Inner::Named(name.to_owned(), true),
            other => other,
        }
    }

    fn decide(&self, node: &Node, depth: usize) -> Inner {
        let Some(Call { name, argument }) = intrinsic(node).filter(|_| depth < MAX_DEPTH) else {
            return Inner::Unknown;
        };
        match (name, argument.items()) {
            ("Condition", _) => {
                argument.as_str().map_or(Inner::Unknown, |name| self.named(name, depth))
            }
            ("Equals", [one, other]) => match (self.text(one), self.text(other)) {
                (Some(one), Some(other)) => match (one.as_literal(), other.as_literal()) {
                    (Some(one), Some(other)) => Inner::Known(one == other),
                    _ if one.display() == other.display() => Inner::Known(true),
                    _ => Inner::Unknown,
                },
                _ => Inner::Unknown,
            },
            ("Not", [inner]) => match self.decide(inner, depth + 1) {
                Inner::Known(holds) => Inner::Known(!holds),
                Inner::Named(name, holds) => Inner::Named(name, !holds),
                Inner::Unknown => Inner::Unknown,
            },
            // One that is decided the other way changes nothing; one that is decided this way is enough.
            ("And", all) => self.fold(all, false, depth),
            ("Or", all) => self.fold(all, true, depth),
            _ => Inner::Unknown,
        }
    }

    /// `And` and `Or`; `enough` is the value of which one suffices.
    fn fold(&self, all: &[Node], enough: bool, depth: usize) -> Inner {
        let mut open = Vec::new();
        for inner in all {
            match self.decide(inner, depth + 1) {
                Inner::Known(value) if value == enough => return Inner::Known(enough),
                Inner::Known(_) => {}
                other => open.push(other),
            }
        }
        match open.len() {
            0 => Inner::Known(!enough),
            1 => open.pop().unwrap_or(Inner::Unknown),
            _ => Inner::Unknown,
        }
    }

    /// The value of a custom resource in which the CDK keeps JSON whose keys are tokens.
    pub(super) fn kept_json(&self, argument: &Node) -> Option<Node> {
        let id = match argument.items() {
            [id, value] if value.as_str() == Some("Value") => id.as_str()?,
            _ => argument.as_str()?.strip_suffix(".Value")?,
        };
        let value = self.facts.json.get(id)?;
        match call(value) {
            None if value.as_text().is_none() => self.node(value),
            _ => self.joined(id, value)?.ok(),
        }
    }
}

/// A text cut at each `separator` in what is known of it.
pub(super) fn split(text: &Text, separator: &str, trim: bool) -> Vec<Text> {
    let empty = || Text { span: text.span, style: text.style, parts: Vec::new() };
    let mut out = vec![empty()];
    for part in &text.parts {
        let Part::Literal(span, literal) = part else {
            out.last_mut().into_iter().for_each(|last| last.parts.push(part.clone()));
            continue;
        };
        let pieces: Vec<&str> =
            if separator.is_empty() { vec![literal] } else { literal.split(separator).collect() };
        for (number, piece) in pieces.into_iter().enumerate() {
            if number > 0 {
                out.push(empty());
            }
            let piece = if trim { piece.trim() } else { piece };
            if let Some(last) = out.last_mut().filter(|_| !piece.is_empty()) {
                last.parts.push(Part::Literal(*span, piece.into()));
            }
        }
    }
    out
}
