//! Values as far as they are known, each with the place of the token it comes from.

use std::rc::Rc;

use super::scope::{Instance, Resource};
use crate::source::Span;
use crate::syntax::{Entry, Node, Part, Style, Text, Value};

/// No text of a policy comes near; a local that doubles itself does.
pub(super) const LONGEST_TEXT: usize = 1 << 20;

/// The longest list that is made.
pub(super) const LONGEST_LIST: usize = 1 << 14;

/// A value.
#[derive(Clone)]
pub(super) struct Val {
    /// Where it comes from; a string with its quotes.
    pub(super) span: Span,
    pub(super) kind: Kind,
    /// Address of the resource whose name, id or ARN this is.
    pub(super) target: Option<Rc<str>>,
}

#[derive(Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    Text(Rc<Str>),
    List(Rc<Vec<Val>>),
    Map(Rc<Vec<(Key, Val)>>),
    /// Text that is the JSON of a value: `jsonencode(…)`, the `json` of a policy document.
    Json(Rc<Val>),
    Resource(Rc<Resource>),
    Module(Rc<Instance>),
    /// Not known, with the expression that would make it.
    Unknown(Rc<str>),
    /// Certainly an error, with its expression: `try` goes on to the next. Elsewhere it is not known.
    Failed(Rc<str>),
}

/// The key of a map.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) span: Span,
    pub(super) bits: Vec<Bit>,
}

/// A text in bits.
pub(super) struct Str {
    /// Without its quotes.
    pub(super) span: Span,
    pub(super) bits: Vec<Bit>,
}

/// A bit of a text.
#[derive(Clone)]
pub(super) enum Bit {
    Text(Span, Rc<str>),
    Hole(Span, Rc<str>),
    /// The JSON of a value.
    Json(Span, Val),
}

impl Val {
    pub(super) fn new(span: Span, kind: Kind) -> Self {
        Self { span, kind, target: None }
    }

    pub(super) fn text(span: Span, text: impl Into<Rc<str>>) -> Self {
        let text = text.into();
        let bits = if text.is_empty() { Vec::new() } else { vec![Bit::Text(span, text)] };
        Self::new(span, Kind::Text(Rc::new(Str { span, bits })))
    }

    pub(super) fn list(span: Span, items: Vec<Val>) -> Self {
        if items.len() > LONGEST_LIST {
            return Self::new(span, Kind::Unknown("a very long list".into()));
        }
        Self::new(span, Kind::List(Rc::new(items)))
    }

    pub(super) fn map(span: Span, entries: Vec<(Key, Val)>) -> Self {
        if entries.len() > LONGEST_LIST {
            return Self::new(span, Kind::Unknown("a very long map".into()));
        }
        Self::new(span, Kind::Map(Rc::new(entries)))
    }

    /// The known text; numbers and booleans count as text, as everywhere in the language.
    pub(super) fn as_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) => text.known(),
            Kind::Number(number) => Some(number_text(*number)),
            Kind::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match &self.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Text(text) => match text.known().as_deref() {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        match &self.kind {
            Kind::Number(number) => Some(*number),
            Kind::Text(text) => text.known()?.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The expression, where the value is not known at all.
    pub(super) fn hole(&self) -> Option<&Rc<str>> {
        match &self.kind {
            Kind::Unknown(expr) | Kind::Failed(expr) => Some(expr),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Val> {
        match &self.kind {
            Kind::Map(entries) => {
                entries.iter().find(|(found, _)| found.is(key)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The items of a list, the values of a map.
    pub(super) fn items(&self) -> Option<Vec<Val>> {
        match &self.kind {
            Kind::List(items) => Some(items.to_vec()),
            Kind::Map(entries) => Some(entries.iter().map(|(_, value)| value.clone()).collect()),
            _ => None,
        }
    }

    /// The bits that this value adds to a text; `None` for what has no text.
    pub(super) fn bits(&self) -> Option<Vec<Bit>> {
        match &self.kind {
            Kind::Text(text) => Some(text.bits.clone()),
            Kind::Bool(_) | Kind::Number(_) => {
                Some(vec![Bit::Text(self.span, self.as_text()?.into())])
            }
            Kind::Json(value) => Some(vec![Bit::Json(self.span, (**value).clone())]),
            Kind::Unknown(expr) | Kind::Failed(expr) => {
                Some(vec![Bit::Hole(self.span, Rc::clone(expr))])
            }
            Kind::Resource(resource) => Some(vec![Bit::Hole(self.span, resource.address.clone())]),
            Kind::Module(module) => {
                Some(vec![Bit::Hole(self.span, module.address.as_str().into())])
            }
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The text with its holes, for names.
    pub(super) fn to_text(&self) -> Option<Text> {
        let bits = self.bits()?;
        let span = match &self.kind {
            Kind::Text(text) => text.span,
            _ => self.span,
        };
        Some(to_text(span, &bits))
    }

    /// A node of it. `budget` bounds what shared values come to when they are written out.
    pub(super) fn to_node(&self, budget: &mut usize) -> Node {
        let node = |value| Node { span: self.span, tag: None, value };
        if *budget == 0 {
            return node(Value::Null);
        }
        *budget -= 1;
        match &self.kind {
            Kind::Null => node(Value::Null),
            Kind::Bool(value) => node(Value::Bool(*value)),
            Kind::Number(number) => node(Value::Number(number_text(*number).into())),
            Kind::List(items) => {
                node(Value::List(items.iter().map(|item| item.to_node(budget)).collect()))
            }
            Kind::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| Entry {
                    key: to_text(key.span, &key.bits),
                    value: value.to_node(budget),
                });
                node(Value::Map(entries.collect()))
            }
            _ => match self.to_text() {
                Some(text) => node(Value::String(text)),
                None => node(Value::Null),
            },
        }
    }

    /// The value that a node is: JSON and YAML that was read.
    pub(super) fn from_node(node: &Node) -> Self {
        let kind = match &node.value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(*value),
            Value::Number(number) => match number.parse() {
                Ok(number) => Kind::Number(number),
                Err(_) => return Self::text(node.span, &**number),
            },
            Value::String(text) => {
                Kind::Text(Rc::new(Str { span: text.span, bits: from_parts(&text.parts) }))
            }
            Value::List(items) => Kind::List(Rc::new(items.iter().map(Self::from_node).collect())),
            Value::Map(entries) => Kind::Map(Rc::new(
                entries
                    .iter()
                    .map(|entry| {
                        let bits = from_parts(&entry.key.parts);
                        (Key { span: entry.key.span, bits }, Self::from_node(&entry.value))
                    })
                    .collect(),
            )),
        };
        Self::new(node.span, kind)
    }
}

fn from_parts(parts: &[Part]) -> Vec<Bit> {
    let bit = |part: &Part| match part {
        Part::Literal(span, text) => Bit::Text(*span, (&**text).into()),
        Part::Hole(span, text) => Bit::Hole(*span, (&**text).into()),
    };
    parts.iter().map(bit).collect()
}

impl Key {
    pub(super) fn new(span: Span, text: &str) -> Self {
        Self { span, bits: vec![Bit::Text(span, text.into())] }
    }

    pub(super) fn is(&self, key: &str) -> bool {
        match self.bits.as_slice() {
            [Bit::Text(_, text)] => &**text == key,
            bits => known(bits).is_some_and(|text| text == key),
        }
    }

    pub(super) fn known(&self) -> Option<String> {
        known(&self.bits)
    }

    pub(super) fn to_val(&self) -> Val {
        let text = Str { span: self.span, bits: self.bits.clone() };
        Val::new(self.span, Kind::Text(Rc::new(text)))
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        display(&self.bits) == display(&other.bits)
    }
}

impl Str {
    pub(super) fn known(&self) -> Option<String> {
        known(&self.bits)
    }
}

fn known(bits: &[Bit]) -> Option<String> {
    let mut out = String::new();
    for bit in bits {
        match bit {
            Bit::Text(_, text) => out.push_str(text),
            Bit::Hole(..) | Bit::Json(..) => return None,
        }
    }
    Some(out)
}

/// The text for people and for comparing: holes as `${expression}`.
pub(super) fn display(bits: &[Bit]) -> String {
    to_text(span_of(bits), bits).display()
}

fn span_of(bits: &[Bit]) -> Span {
    match bits.first() {
        Some(Bit::Text(span, _) | Bit::Hole(span, _) | Bit::Json(span, _)) => *span,
        None => Span::new(crate::source::SourceId(u32::MAX), 0, 0),
    }
}

/// Bits to a text: neighbours joined, so that two literals never stand side by side.
pub(super) fn to_text(whole: Span, bits: &[Bit]) -> Text {
    let mut parts: Vec<Part> = Vec::with_capacity(bits.len());
    for bit in bits {
        let (span, text) = match bit {
            Bit::Text(span, text) => (*span, text),
            Bit::Hole(span, expr) => {
                parts.push(Part::Hole(*span, (&**expr).into()));
                continue;
            }
            Bit::Json(span, _) => {
                parts.push(Part::Hole(*span, "jsonencode(...)".into()));
                continue;
            }
        };
        match parts.last_mut() {
            Some(Part::Literal(before, joined)) => {
                *joined = format!("{joined}{text}").into();
                let adjacent = before.source == span.source && span.start >= before.end;
                *before = match adjacent {
                    true => Span::new(before.source, before.start, span.end),
                    false => whole,
                };
            }
            _ if text.is_empty() => {}
            _ => parts.push(Part::Literal(span, (&**text).into())),
        }
    }
    Text { span: whole, style: Style::Hcl, parts }
}

/// A number as the language prints it.
pub(super) fn number_text(number: f64) -> String {
    // Whole numbers have no point.
    format!("{number}")
}
