//! How many characters a policy has as AWS counts them: those of its JSON without the white space
//! outside of strings (IAM User Guide, *IAM and AWS STS quotas*).
//!
//! A policy that is written as JSON text is counted as it is written, escapes included; one that is
//! made of maps (CloudFormation, HCL) as the JSON that its producer makes of them.

use crate::source::Span;
use crate::syntax::{Node, Part, Style, Text, Value, When};

/// The size of a policy and of each of its statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Size {
    /// The whole document.
    pub whole: Length,
    /// Each statement, with its place.
    pub statements: Vec<(Span, Length)>,
    /// Whether the policy is written as JSON text.
    pub is_text: bool,
}

/// A number of characters, part of which is not known before deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Length {
    /// Characters that are written.
    pub known: u32,
    /// Expressions of holes, with how often each stands there.
    pub holes: Vec<(Box<str>, u32)>,
}

impl Length {
    fn add(&mut self, characters: usize) {
        self.known = self.known.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
    }

    fn hole(&mut self, expression: &str, times: u32) {
        match self.holes.iter_mut().find(|(known, _)| **known == *expression) {
            Some((_, count)) => *count += times,
            None => self.holes.push((expression.into(), times)),
        }
    }

    /// Adds what another part has.
    pub fn join(&mut self, other: &Self) {
        self.known = self.known.saturating_add(other.known);
        for (expression, times) in &other.holes {
            self.hole(expression, *times);
        }
    }

    /// How many characters it is where a hole has as many as `length` says.
    #[must_use]
    pub fn with(&self, mut length: impl FnMut(&str) -> u64) -> u64 {
        let holes =
            self.holes.iter().map(|(expr, times)| length(expr).saturating_mul(u64::from(*times)));
        holes.fold(u64::from(self.known), u64::saturating_add)
    }

    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Null => self.add(4),
            Value::Bool(true) => self.add(4),
            Value::Bool(false) => self.add(5),
            Value::Number(text) => self.add(text.len()),
            Value::String(text) => self.text(text),
            Value::List(items) => {
                self.add(2 + items.len().saturating_sub(1));
                items.iter().for_each(|item| self.node(item));
            }
            Value::Map(entries) => {
                // Braces, commas and colons.
                self.add(2 + entries.len().saturating_sub(1) + entries.len());
                for entry in entries {
                    self.text(&entry.key);
                    self.node(&entry.value);
                }
            }
        }
    }

    /// A string with its quotes.
    fn text(&mut self, text: &Text) {
        self.add(2);
        for part in &text.parts {
            match part {
                Part::Hole(_, expression) => self.hole(expression, 1),
                Part::Literal(span, known) if text.style == Style::Json => {
                    // What is longer on disk is escaped there, and AWS counts what is written.
                    let escapes = (span.len() as usize).saturating_sub(known.len());
                    self.add(known.chars().count() + escapes);
                }
                Part::Literal(_, known) => self.add(known.chars().map(escaped).sum()),
            }
        }
    }
}

/// How many characters JSON needs for `c`.
fn escaped(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        c if c.is_ascii_control() => 6,
        _ => 1,
    }
}

/// Counts the policy that `node` holds.
#[must_use]
pub fn size(node: &Node) -> Size {
    size_under(node, &[])
}

/// [`size`], where statements hang on conditions of the text around the policy: of those that are never
/// there together, the ones that are there if all conditions hold.
#[must_use]
pub fn size_under(node: &Node, when: &[Vec<When>]) -> Size {
    let mut out = Size::default();
    let entries = node.entries();
    out.whole.add(2 + entries.len().saturating_sub(1) + entries.len());
    out.is_text = entries.iter().all(|entry| entry.key.style == Style::Json);
    for entry in entries {
        out.whole.text(&entry.key);
        match (&entry.value.value, entry.key.as_literal()) {
            (Value::List(items), Some("Statement")) => {
                out.whole.add(2 + items.len().saturating_sub(1));
                for (at, item) in items.iter().enumerate() {
                    if when.get(at).is_some_and(|when| when.iter().any(|one| !one.holds)) {
                        continue;
                    }
                    let mut own = Length::default();
                    own.node(item);
                    out.whole.join(&own);
                    out.statements.push((item.span, own));
                }
            }
            _ => out.whole.node(&entry.value),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;
    use crate::syntax::{HoleSyntax, json};

    fn of(text: &str, holes: HoleSyntax) -> Size {
        let source = SourceMap::new().add_file("p.json", text);
        size(&json::parse(source, text, holes).unwrap())
    }

    #[test]
    fn white_space_counts_inside_strings_only() {
        let spaced = r#"{ "Version": "2012-10-17",
            "Statement": [ { "Effect": "Allow", "Action": ["s3:Get*", "s3:Put*"], "Resource": "*",
                "Condition": { "StringEquals": { "aws:RequestTag/a b": [ "x y", 1, true, null ] } } } ] }"#;
        let dense = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:Put*"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/a b":["x y",1,true,null]}}}]}"#;
        let counted = of(spaced, HoleSyntax::None);
        assert_eq!(counted.whole.known as usize, dense.len());
        assert_eq!(
            counted,
            Size { statements: counted.statements.clone(), ..of(dense, HoleSyntax::None) }
        );
        assert!(counted.is_text);
    }

    #[test]
    fn what_is_escaped_counts_as_it_is_written() {
        for text in [r#"{"Id":"a\u0062c"}"#, r#"{"Id":"\"\\\/"}"#, "{\"Id\":\"\u{e9}\u{ff}\"}"] {
            assert_eq!(
                of(text, HoleSyntax::None).whole.known as usize,
                text.chars().count(),
                "{text}"
            );
        }
    }

    #[test]
    fn holes_count_once_for_each_place() {
        let text = r#"{"Statement":[{"Resource":"a${C}b${C}"},{"Sid":"${D}"}]}"#;
        let size = of(text, HoleSyntax::Template);
        assert_eq!(size.whole.holes, [("C".into(), 2), ("D".into(), 1)]);
        let length = |expression: &str| if expression == "C" { 10 } else { 0 };
        assert_eq!(size.whole.with(length), text.len() as u64 - 12 + 20);
        assert_eq!(size.statements.len(), 2);
    }
}
