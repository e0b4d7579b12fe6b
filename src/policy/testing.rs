#![expect(clippy::string_slice, reason = "test code")]
//! A small reader of JSON for unit tests: `<<name>>` in a string is a hole.

use proptest::test_runner::Config as ProptestConfig;

use super::request::{Context, Key, Status, Values};
use super::symbolic::{Class, Shape, Symbol, Symbolic};
use super::{Policy, lower::lower};
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{Entry, Node, Part, Style, Text, Value};

struct Reader<'a> {
    text: &'a str,
    at: usize,
    source: SourceId,
}

/// Reads JSON without escapes.
pub(crate) fn node(text: &str) -> Node {
    let source = SourceMap::new().add_file("test.json", text);
    Reader { text, at: 0, source }.value()
}

/// Reads a policy that AWS would accept.
pub(crate) fn policy(text: &str) -> Policy {
    let lowered = lower(&node(text));
    let refused = lowered.problems.iter().find(|problem| problem.rule != "empty-element");
    assert_eq!(refused, None);
    lowered.policy
}

/// A policy of 2012 with these statements.
pub(crate) fn statements(text: &str) -> Policy {
    policy(&format!(r#"{{"Version": "2012-10-17", "Statement": [{text}]}}"#))
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.source, start as u32, self.at as u32)
    }

    fn value(&mut self) -> Node {
        self.space();
        let start = self.at;
        let value = if self.eat("{") {
            let mut entries = Vec::new();
            while !self.eat("}") {
                let key = self.string();
                assert!(self.eat(":"), "no colon: {}", self.rest());
                entries.push(Entry { key, value: self.value() });
                self.eat(",");
            }
            Value::Map(entries)
        } else if self.eat("[") {
            let mut items = Vec::new();
            while !self.eat("]") {
                items.push(self.value());
                self.eat(",");
            }
            Value::List(items)
        } else if self.rest().starts_with('"') {
            Value::String(self.string())
        } else {
            let end = self.rest().find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
            let word = self.rest()[..end.unwrap_or(self.rest().len())].to_owned();
            assert!(!word.is_empty(), "no value: {}", self.rest());
            self.at += word.len();
            match word.as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                number => Value::Number(number.into()),
            }
        };
        Node { span: self.span(start), tag: None, value }
    }

    fn string(&mut self) -> Text {
        assert!(self.eat("\""), "no string: {}", self.rest());
        let start = self.at;
        let length = self.rest().find('"').unwrap();
        let mut parts = Vec::new();
        while self.at < start + length {
            let here = self.at;
            let left = &self.text[here..start + length];
            if let Some(hole) = left.strip_prefix("<<").and_then(|left| left.split_once(">>")) {
                let name = hole.0.into();
                self.at += hole.0.len() + 4;
                parts.push(Part::Hole(self.span(here), name));
            } else {
                let literal: Box<str> = left[..left.find("<<").unwrap_or(left.len())].into();
                self.at += literal.len();
                parts.push(Part::Literal(self.span(here), literal));
            }
        }
        let text = Text { span: self.span(start), style: Style::Json, parts };
        self.at += 1;
        text
    }
}

/// Property tests run `PROPTEST_CASES` cases, or `usual` ones if that is not set.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let shrinking = ProptestConfig {
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    ProptestConfig { cases: asked.unwrap_or(usual), ..shrinking }
}

/// Names that holes and request texts use: `<<name>>` in both.
const NAMES: [(&str, Shape); 6] = [
    ("any", Shape::ANY),
    ("pool", Shape::new(Class::Name, 1, 63)),
    ("cluster", Shape::new(Class::Word, 1, 100)),
    ("account", Shape::new(Class::Digits, 12, 12)),
    ("hex", Shape::new(Class::Hex, 8, 17)),
    ("maybe", Shape::new(Class::Word, 0, 9)),
];

pub(crate) fn symbol(name: &str) -> Symbol {
    let id = NAMES.iter().position(|(known, _)| *known == name).expect(name);
    Symbol { id: u32::try_from(id).unwrap(), shape: NAMES[id].1 }
}

/// Text with `<<name>>` for symbols.
pub(crate) fn text(text: &str) -> Symbolic {
    let mut out = Symbolic::default();
    let mut rest = text;
    while let Some((front, tail)) = rest.split_once("<<") {
        let (name, tail) = tail.split_once(">>").expect("an end");
        out.push_str(front);
        out.push_symbol(symbol(name));
        rest = tail;
    }
    out.push_str(rest);
    out
}

pub(crate) fn one(value: &str) -> Status {
    Status::Known(Values::One(text(value)))
}

pub(crate) fn many(values: &[&str]) -> Status {
    Status::Known(Values::Many(values.iter().map(|value| text(value)).collect()))
}

pub(crate) fn one_of(values: &[&str]) -> Status {
    Status::Known(Values::OneOf(values.iter().map(|value| text(value)).collect()))
}

pub(crate) fn context(entries: &[(&str, Status)]) -> Context {
    let mut context = Context::default();
    for (key, status) in entries {
        context.set(Key::new(&text(key)), status.clone());
    }
    context
}
