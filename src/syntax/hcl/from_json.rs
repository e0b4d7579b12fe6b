//! The JSON form of the language (Terraform: *JSON Configuration Syntax*) to the same tree. Blocks are
//! told from values by their names, since only who knows the resource could tell them otherwise.

use std::rc::Rc;

use super::{Attribute, Block, Body, Expr, ExprKind, Key, Name, Piece, Template};
use crate::source::SourceMap;
use crate::syntax::{self, Entry, Node, Part, SyntaxError, Text, Value};

/// Blocks of a file, and how many labels each has.
const TOP: &[(&str, usize)] = &[
    ("resource", 2),
    ("data", 2),
    ("module", 1),
    ("variable", 1),
    ("output", 1),
    ("provider", 1),
    ("locals", 0),
    ("terraform", 0),
];

/// Blocks inside of the resources that hold policies.
const INNER: &[(&str, usize)] = &[
    ("statement", 0),
    ("condition", 0),
    ("principals", 0),
    ("not_principals", 0),
    ("inline_policy", 0),
    ("dynamic", 1),
    ("content", 0),
];

pub(super) fn file(sources: &SourceMap, node: &Node) -> Result<Body, SyntaxError> {
    let reader = Reader { sources };
    let mut body = Body { span: node.span, attributes: Vec::new(), blocks: Vec::new() };
    // A file may be a list of objects that count as one.
    let parts = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for part in parts {
        let read = reader.body(part, TOP, None)?;
        body.attributes.extend(read.attributes);
        body.blocks.extend(read.blocks);
    }
    Ok(body)
}

struct Reader<'a> {
    sources: &'a SourceMap,
}

impl Reader<'_> {
    fn body(
        &self,
        node: &Node,
        blocks: &[(&str, usize)],
        kind: Option<&str>,
    ) -> Result<Body, SyntaxError> {
        let mut body = Body { span: node.span, attributes: Vec::new(), blocks: Vec::new() };
        for entry in node.entries() {
            let name = name(&entry.key);
            if &*name.text == "//" {
                continue;
            }
            let known = blocks.iter().find(|(block, _)| *block == &*name.text);
            match known {
                Some((_, labels)) if !matches!(entry.value.value, Value::String(_)) => {
                    self.blocks(&name, *labels, &mut Vec::new(), entry, &mut body.blocks)?;
                }
                _ => {
                    let value = match (kind, &*name.text) {
                        // These hold the text of expressions, and text that is not filled in.
                        (Some("variable"), "type") => self.type_of(&entry.value)?,
                        (Some("variable"), _) => self.plain(&entry.value),
                        _ => self.expr(&entry.value)?,
                    };
                    body.attributes.retain(|known| known.name.text != name.text);
                    body.attributes.push(Attribute { name, value: Rc::new(value) });
                }
            }
        }
        Ok(body)
    }

    /// What stands under the name of a block: bodies below `labels` levels of names, lists at any level.
    fn blocks(
        &self,
        kind: &Name,
        labels: usize,
        found: &mut Vec<Name>,
        entry: &Entry,
        out: &mut Vec<Block>,
    ) -> Result<(), SyntaxError> {
        let items = match &entry.value.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        for item in items.iter().filter(|item| matches!(item.value, Value::Map(_))) {
            if found.len() < labels {
                for entry in item.entries() {
                    found.push(name(&entry.key));
                    self.blocks(kind, labels, found, entry, out)?;
                    found.pop();
                }
                continue;
            }
            let body = self.body(item, INNER, Some(&kind.text))?;
            let (kind, labels) = (kind.clone(), found.clone());
            out.push(Block { span: item.span, kind, labels, body: Rc::new(body) });
        }
        Ok(())
    }

    fn expr(&self, node: &Node) -> Result<Expr, SyntaxError> {
        let kind = match &node.value {
            Value::String(text) => self.template(text)?,
            Value::List(items) => {
                ExprKind::List(items.iter().map(|item| self.expr(item)).collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let mut out = Vec::with_capacity(entries.len());
                for entry in entries {
                    let key = Expr { span: entry.key.span, kind: self.template(&entry.key)? };
                    out.push((Key::Expr(key), self.expr(&entry.value)?));
                }
                ExprKind::Object(out)
            }
            _ => return Ok(self.plain(node)),
        };
        Ok(Expr { span: node.span, kind })
    }

    /// A value in which nothing is filled in.
    fn plain(&self, node: &Node) -> Expr {
        let kind = match &node.value {
            Value::Null => ExprKind::Null,
            Value::Bool(value) => ExprKind::Bool(*value),
            Value::Number(number) => ExprKind::Number(number.clone()),
            Value::String(text) => literal(text),
            Value::List(items) => ExprKind::List(items.iter().map(|i| self.plain(i)).collect()),
            Value::Map(entries) => ExprKind::Object(
                entries
                    .iter()
                    .map(|entry| (Key::Name(name(&entry.key)), self.plain(&entry.value)))
                    .collect(),
            ),
        };
        Expr { span: node.span, kind }
    }

    fn template(&self, text: &Text) -> Result<ExprKind, SyntaxError> {
        let known = text.as_literal().unwrap_or_default();
        if !known.contains("${") && !known.contains("%{") {
            return Ok(literal(text));
        }
        let child = syntax::embed(self.sources, text, None);
        let source = self.sources.get(child);
        Ok(ExprKind::Template(super::parse_template(child, source.text())?))
    }

    fn type_of(&self, node: &Node) -> Result<Expr, SyntaxError> {
        match &node.value {
            Value::String(text) => {
                let child = syntax::embed(self.sources, text, None);
                let source = self.sources.get(child);
                super::parse_expression(child, source.text())
            }
            _ => Ok(self.plain(node)),
        }
    }
}

fn name(text: &Text) -> Name {
    Name { span: text.span, text: text.display().into() }
}

fn literal(text: &Text) -> ExprKind {
    let pieces = text.parts.iter().map(|part| match part {
        Part::Literal(span, text) | Part::Hole(span, text) => Piece::Literal(*span, text.clone()),
    });
    ExprKind::Template(Template { span: text.span, pieces: pieces.collect() })
}
