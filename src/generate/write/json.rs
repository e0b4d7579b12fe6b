//! JSON, with shell variables for what nobody gave.

use crate::generate::statement::{Document, DocumentKind};
use crate::policy::symbolic::{Piece, Symbolic};

use super::tree::{Entry, Tree, whole};
use super::{Name, Names};

/// How a text is written inside of quotes.
pub(super) type Fill<'f> = &'f dyn Fn(&Symbolic) -> String;

/// A document on lines of its own.
#[must_use]
pub fn document(from: &Document, names: &Names) -> String {
    let mut out = String::new();
    pretty(&whole(from), 0, &|text| shell(text, names), &mut out);
    out.push('\n');
    out
}

/// Several documents with their names: policies as `aws iam get-role-policy` prints each, roles as
/// `aws iam get-role` does, with the policies of AWS that they need.
#[must_use]
pub fn documents(from: &[Document], names: &Names) -> String {
    let entry = |key: &str, value: Tree| Entry { key: Symbolic::literal(key), value };
    let items = from.iter().map(|one| {
        let name = Tree::Text(one.name.clone());
        if !matches!(one.kind, DocumentKind::Trust | DocumentKind::Node) {
            return Tree::Map(vec![entry("PolicyName", name), entry("PolicyDocument", whole(one))]);
        }
        let mut role = vec![entry("RoleName", name), entry("AssumeRolePolicyDocument", whole(one))];
        let attached = one
            .attached
            .iter()
            .map(|arn| Tree::Map(vec![entry("PolicyArn", Tree::Text(arn.clone()))]));
        if !one.attached.is_empty() {
            role.push(entry("AttachedManagedPolicies", Tree::List(attached.collect())));
        }
        Tree::Map(vec![entry("Role", Tree::Map(role))])
    });
    let mut out = String::new();
    pretty(&Tree::List(items.collect()), 0, &|text| shell(text, names), &mut out);
    out.push('\n');
    out
}

/// A document without white space, as AWS counts it; `length` says how long unknown names are.
#[must_use]
pub fn compact(from: &Document, names: &Names, length: &dyn Fn(Name) -> usize) -> String {
    let fill = |text: &Symbolic| names.fill(text, escape, |name| "x".repeat(length(name)));
    let mut out = String::new();
    dense(&whole(from), &fill, &mut out);
    out
}

/// A document with `${N}` for each symbol, by its number: for who reads it again.
#[must_use]
pub(in crate::generate) fn numbered(from: &Document) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => escape(text),
        Piece::Symbol(symbol) => format!("${{{}}}", symbol.id),
    };
    let mut out = String::new();
    dense(&whole(from), &|text| text.pieces().iter().map(piece).collect(), &mut out);
    out
}

fn shell(text: &Symbolic, names: &Names) -> String {
    names.fill(text, escape, |name| format!("${{{}}}", name.shell()))
}

/// The inside of a JSON string.
pub(super) fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// Writes a tree on lines, at a depth of two blanks each.
pub(super) fn pretty(tree: &Tree, depth: usize, fill: Fill<'_>, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match tree {
        Tree::Text(text) => out.push_str(&format!("\"{}\"", fill(text))),
        Tree::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                pretty(item, depth + 1, fill, out);
            }
            line(out, depth);
            out.push(']');
        }
        Tree::Map(entries) => {
            out.push('{');
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                out.push_str(&format!("\"{}\": ", fill(&entry.key)));
                pretty(&entry.value, depth + 1, fill, out);
            }
            line(out, depth);
            out.push('}');
        }
    }
}

fn dense(tree: &Tree, fill: Fill<'_>, out: &mut String) {
    match tree {
        Tree::Text(text) => out.push_str(&format!("\"{}\"", fill(text))),
        Tree::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                dense(item, fill, out);
            }
            out.push(']');
        }
        Tree::Map(entries) => {
            out.push('{');
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(&format!("\"{}\":", fill(&entry.key)));
                dense(&entry.value, fill, out);
            }
            out.push('}');
        }
    }
}
