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
    let mut operators = HashSet::new();
    for entry in node.entries() {
        let name = entry.key.display();
        if !operators.insert(name.clone()) {
            let message = format!("the condition has the operator `{}` twice", short(&name));
            let help = "put all keys of one operator into one object".to_owned();
            problems.push(entry.key.span, "duplicate-key", message, Some(help));
        }
        block(entry, problems, &mut lines);
    }
    lines
}

/// The lines of one operator.
fn block(operator: &Entry, problems: &mut Problems, lines: &mut Vec<Condition>) {
    let name = operator.key.display();
    let node = &operator.value;
    if !matches!(node.value, Value::Map(_)) {
        let message =
            format!("`{}` must hold an object of condition keys, not {}", short(&name), kind(node));
        problems.syntax(node.span, message);
        return;
    }
    if node.entries().is_empty() {
        problems.push(
            node.span,
            "empty-element",
            format!("`{}` has no condition key", short(&name)),
            None,
        );
    }
    let mut keys = HashSet::new();
    for entry in node.entries() {
        let key = entry.key.display();
        if !keys.insert(key.to_lowercase()) {
            let message =
                format!("`{}` has the condition key `{}` twice", short(&name), short(&key));
            let help = "keys ignore case; put all values into one list".to_owned();
            problems.push(entry.key.span, "duplicate-key", message, Some(help));
        }
        let (values, is_list) = values(&key, &entry.value, problems);
        lines.push(Condition {
            operator: operator.key.clone(),
            key: entry.key.clone(),
            span: entry.value.span,
            is_list,
            values,
        });
    }
}

fn values(key: &str, node: &Node, problems: &mut Problems) -> (Vec<Text>, bool) {
    let Value::List(items) = &node.value else {
        return (value(key, node, problems).into_iter().collect(), false);
    };
    if items.is_empty() {
        let message = format!("the condition key `{}` has no value to compare with", short(key));
        problems.push(node.span, "empty-element", message, None);
    }
    (items.iter().filter_map(|item| value(key, item, problems)).collect(), true)
}

/// Numbers and booleans are the text they are written as (*Supported data types*).
fn value(key: &str, node: &Node, problems: &mut Problems) -> Option<Text> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(scalar_text(node.span, if *value { "true" } else { "false" })),
        Value::Number(text) => Some(scalar_text(node.span, text)),
        Value::Null | Value::List(_) | Value::Map(_) => {
            let message = format!(
                "a value of `{}` must be a string, number or boolean, not {}",
                short(key),
                kind(node)
            );
            problems.syntax(node.span, message);
            None
        }
    }
}
