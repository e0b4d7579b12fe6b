//! `Condition`: an object of operators, each an object of keys (IAM User Guide, *IAM JSON policy
//! elements: Condition*). Whether an operator or a key exists is not asked here.

use std::collections::HashSet;

use super::{Problems, kind, scalar_text, short};
use crate::policy::Condition;
use crate::syntax::{Entry, Node, Text, Value};

/// Lowers the block to its lines.
pub(super) fn lower(node: &Node, problems: &mut Problems) -> Vec<Condition> {
    let mut lines = Vec::new();
    if !matches!(node.value, Value::Map(_)) {
        problems.syntax(node.span, format!("`Condition` must be an object, not {}", kind(node)));
        return lines;
    }
    let again = repeated(node.entries(), false);
    for (entry, again) in node.entries().iter().zip(again) {
        if again {
            let name = entry.key.display();
            let message = format!("the condition has the operator `{}` twice", short(&name));
            let help = "put all keys of one operator into one object".to_owned();
            problems.push(entry.key.span, "duplicate-key", message, Some(help));
        }
        block(entry, problems, &mut lines);
    }
    lines
}

/// For each entry, whether one in front of it has the same key.
pub(super) fn repeated(entries: &[Entry], fold: bool) -> Vec<bool> {
    // Few keys are compared with each other; many would take too long.
    if entries.len() <= 8 {
        let same = |a: &Text, b: &Text| match (a.as_literal(), b.as_literal()) {
            (Some(a), Some(b)) if a.is_ascii() && fold => a.eq_ignore_ascii_case(b),
            (Some(a), Some(b)) if !fold => a == b,
            _ if fold => a.display().to_lowercase() == b.display().to_lowercase(),
            _ => a.display() == b.display(),
        };
        let before = |place: usize| entries.get(..place).unwrap_or(&[]);
        let each = entries.iter().enumerate();
        return each
            .map(|(place, entry)| before(place).iter().any(|one| same(&one.key, &entry.key)))
            .collect();
    }
    let mut known = HashSet::new();
    let name = |entry: &Entry| {
        let name = entry.key.display();
        if fold { name.to_lowercase() } else { name }
    };
    entries.iter().map(|entry| !known.insert(name(entry))).collect()
}

/// The lines of one operator.
fn block(operator: &Entry, problems: &mut Problems, lines: &mut Vec<Condition>) {
    let name = || operator.key.display();
    let node = &operator.value;
    if !matches!(node.value, Value::Map(_)) {
        let message = format!(
            "`{}` must hold an object of condition keys, not {}",
            short(&name()),
            kind(node)
        );
        problems.syntax(node.span, message);
        return;
    }
    if node.entries().is_empty() {
        let message = format!("`{}` has no condition key", short(&name()));
        problems.saved_though_empty(node.span, message);
    }
    let again = repeated(node.entries(), true);
    for (entry, again) in node.entries().iter().zip(again) {
        if again {
            let key = entry.key.display();
            let message =
                format!("`{}` has the condition key `{}` twice", short(&name()), short(&key));
            let help = "keys ignore case; put all values into one list".to_owned();
            problems.push(entry.key.span, "duplicate-key", message, Some(help));
        }
        let (values, is_list) = values(&entry.key, &entry.value, problems);
        lines.push(Condition {
            operator: operator.key.clone(),
            key: entry.key.clone(),
            span: entry.value.span,
            is_list,
            values,
        });
    }
}

fn values(key: &Text, node: &Node, problems: &mut Problems) -> (Vec<Text>, bool) {
    let Value::List(items) = &node.value else {
        return (value(key, node, problems).into_iter().collect(), false);
    };
    if items.is_empty() {
        let message =
            format!("the condition key `{}` has no value to compare with", short(&key.display()));
        problems.saved_though_empty(node.span, message);
    }
    (items.iter().filter_map(|item| value(key, item, problems)).collect(), true)
}

/// Numbers and booleans are the text they are written as (*Supported data types*).
fn value(key: &Text, node: &Node, problems: &mut Problems) -> Option<Text> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(scalar_text(node.span, if *value { "true" } else { "false" })),
        Value::Number(text) => Some(scalar_text(node.span, text)),
        Value::Null | Value::List(_) | Value::Map(_) => {
            let message = format!(
                "a value of `{}` must be a string, number or boolean, not {}",
                short(&key.display()),
                kind(node)
            );
            problems.syntax(node.span, message);
            None
        }
    }
}
