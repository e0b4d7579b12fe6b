//! A document as a tree: what JSON, YAML and the objects of HCL have in common.

use crate::generate::statement::{Document, Line, Statement};
use crate::policy::Effect;
use crate::policy::symbolic::Symbolic;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Text(Symbolic),
    List(Vec<Tree>),
    Map(Vec<Entry>),
}

/// An entry of a map, or an item of a list with what is said of it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Symbolic,
    pub(super) value: Tree,
}

impl Tree {
    fn text(text: &str) -> Self {
        Self::Text(Symbolic::literal(text))
    }

    /// One text stands alone, several in a list.
    fn texts(texts: &[Symbolic]) -> Self {
        match texts {
            [one] => Self::Text(one.clone()),
            _ => Self::List(texts.iter().cloned().map(Self::Text).collect()),
        }
    }
}

/// An entry whose key is known.
fn entry(key: &str, value: Tree) -> Entry {
    Entry { key: Symbolic::literal(key), value }
}

/// The language version that every document is written in.
pub(super) const VERSION: &str = "2012-10-17";

/// Everything of a document but its statements.
pub(super) fn document(statements: Vec<Tree>) -> Tree {
    Tree::Map(vec![
        entry("Version", Tree::text(VERSION)),
        entry("Statement", Tree::List(statements)),
    ])
}

/// A document as a tree.
pub(super) fn whole(from: &Document) -> Tree {
    document(from.statements.iter().map(statement).collect())
}

/// A statement.
pub(super) fn statement(from: &Statement) -> Tree {
    let effect = match from.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    let mut entries =
        vec![entry("Sid", Tree::text(&from.sid)), entry("Effect", Tree::text(effect))];
    if let Some((kind, names)) = &from.principal {
        let value = match *kind {
            "*" => Tree::text("*"),
            kind => Tree::Map(vec![entry(kind, Tree::texts(names))]),
        };
        entries.push(entry("Principal", value));
    }
    let actions: Vec<Symbolic> =
        from.actions.iter().map(|action| Symbolic::literal(action)).collect();
    entries.push(entry("Action", Tree::texts(&actions)));
    if !from.resources.is_empty() {
        entries.push(entry("Resource", Tree::texts(&from.resources)));
    }
    if !from.conditions.is_empty() {
        entries.push(entry("Condition", conditions(&from.conditions)));
    }
    Tree::Map(entries)
}

/// The lines under their operators.
fn conditions(lines: &[Line]) -> Tree {
    let blocks = lines.chunk_by(|a, b| a.operator == b.operator).map(|lines| {
        let keys = lines
            .iter()
            .map(|line| Entry { key: line.key.clone(), value: Tree::texts(&line.values) });
        entry(lines.first().map_or("", |line| line.operator), Tree::Map(keys.collect()))
    });
    Tree::Map(blocks.collect())
}
