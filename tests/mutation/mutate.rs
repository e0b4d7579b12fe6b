//! One change at a time to a policy.

use serde_json::{Value, json};

/// A policy with one thing altered.
pub(crate) struct Mutation {
    /// What was done, for messages.
    pub(crate) what: String,
    /// The altered policy.
    pub(crate) policy: Value,
    /// The statement that was altered, if it still stands.
    pub(crate) statement: Option<usize>,
}

/// Every mutation of `policy`.
pub(crate) fn all(policy: &Value) -> Vec<Mutation> {
    let mut out = Vec::new();
    let statements = policy["Statement"].as_array().unwrap();
    for (index, statement) in statements.iter().enumerate() {
        let name = statement["Sid"].as_str().unwrap().to_owned();
        let mut push = |what: String, changed: Value| {
            let mut altered = policy.clone();
            altered["Statement"][index] = changed;
            out.push(Mutation {
                what: format!("{name}: {what}"),
                policy: altered,
                statement: Some(index),
            });
        };
        for element in ["Action", "Resource"] {
            lists(statement, element, &mut push);
        }
        actions(statement, &mut push);
        resources(statement, &mut push);
        conditions(statement, &mut push);
        let mut denies = statement.clone();
        denies["Effect"] = json!("Deny");
        push("Effect is Deny".to_owned(), denies);
        let mut without = policy.clone();
        without["Statement"].as_array_mut().unwrap().remove(index);
        if !without["Statement"].as_array().unwrap().is_empty() {
            out.push(Mutation {
                what: format!("{name} removed"),
                policy: without,
                statement: None,
            });
        }
        for action in values(&statement["Action"]) {
            let mut added = policy.clone();
            let list = added["Statement"].as_array_mut().unwrap();
            list.push(json!({"Effect": "Deny", "Action": action, "Resource": "*"}));
            let place = list.len() - 1;
            out.push(Mutation {
                what: format!("Deny of {action} added"),
                policy: added,
                statement: Some(place),
            });
        }
    }
    out
}

/// Two statements made one, in every way: what the second grants stands under the conditions of the first.
pub(crate) fn mixed(policy: &Value) -> Vec<Mutation> {
    let mut out = Vec::new();
    let statements = policy["Statement"].as_array().unwrap();
    for (first, own) in statements.iter().enumerate() {
        for (second, other) in statements.iter().enumerate().filter(|(at, _)| *at != first) {
            let mut mixed = own.clone();
            for element in ["Action", "Resource"] {
                let mut all = values(&own[element]);
                all.extend(values(&other[element]));
                all.sort();
                all.dedup();
                mixed[element] =
                    if all.contains(&"*".to_owned()) { json!("*") } else { json!(all) };
            }
            let mut altered = policy.clone();
            altered["Statement"][first] = mixed;
            altered["Statement"].as_array_mut().unwrap().remove(second);
            out.push(Mutation {
                what: format!("{} takes in {}", own["Sid"], other["Sid"]),
                policy: altered,
                statement: None,
            });
        }
    }
    out
}

fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

/// Removes each item of a list of more than one.
fn lists(statement: &Value, element: &str, push: &mut impl FnMut(String, Value)) {
    let all = values(&statement[element]);
    if all.len() < 2 {
        return;
    }
    for (at, one) in all.iter().enumerate() {
        let mut changed = statement.clone();
        changed[element].as_array_mut().unwrap().remove(at);
        push(format!("{element} without {one}"), changed);
    }
}

fn replaced(statement: &Value, element: &str, at: usize, text: String) -> Value {
    let mut changed = statement.clone();
    match &mut changed[element] {
        Value::Array(items) => items[at] = Value::String(text),
        one => *one = Value::String(text),
    }
    changed
}

fn actions(statement: &Value, push: &mut impl FnMut(String, Value)) {
    for (at, action) in values(&statement["Action"]).into_iter().enumerate() {
        let (service, name) = action.split_once(':').unwrap();
        for written in [
            format!("{action}s"),
            format!("{service}:X{name}"),
            format!("{service}:Get*"),
            format!("s3:{name}"),
        ] {
            push(format!("{action} is {written}"), replaced(statement, "Action", at, written));
        }
    }
}

fn resources(statement: &Value, push: &mut impl FnMut(String, Value)) {
    for (at, arn) in values(&statement["Resource"]).into_iter().enumerate() {
        let mut ways = vec!["arn:aws:s3:::bucket".to_owned()];
        if arn != "*" {
            ways.push(arn.replacen("arn:aws:", "arn:aws-cn:", 1));
            ways.push(arn.replace("us-west-2", "eu-west-1"));
            // Nobody knows which public parameters are read: `none-*` might be one.
            if !arn.contains(":parameter/") {
                ways.push(arn.replace("/*", "/none-*"));
            }
            ways.push(arn.replace("demo", "other"));
            ways.push(arn.replace("111122223333", "999988887777"));
        }
        ways.retain(|way| *way != arn);
        for way in ways {
            push(format!("{arn} is {way}"), replaced(statement, "Resource", at, way));
        }
    }
}

fn conditions(statement: &Value, push: &mut impl FnMut(String, Value)) {
    let Some(block) = statement["Condition"].as_object() else { return };
    for (operator, lines) in block {
        let rename = |to: &str| {
            let mut changed = statement.clone();
            let block = changed["Condition"].as_object_mut().unwrap();
            let lines = block.remove(operator).unwrap();
            block.insert(to.to_owned(), lines);
            changed
        };
        let mut without = statement.clone();
        without["Condition"].as_object_mut().unwrap().remove(operator);
        push(format!("without {operator}"), without);
        push(format!("{operator} misspelt"), rename(&format!("{operator}s")));
        let opposite = operator
            .replace("StringEquals", "StringNotEquals")
            .replace("StringLike", "StringNotLike");
        push(format!("{operator} is {opposite}"), rename(&opposite));
        for (key, value) in lines.as_object().unwrap() {
            let mut set = |what: String, edit: &dyn Fn(&mut serde_json::Map<String, Value>)| {
                let mut changed = statement.clone();
                edit(changed["Condition"][operator].as_object_mut().unwrap());
                push(what, changed);
            };
            set(format!("without {key}"), &|lines| drop(lines.remove(key)));
            for to in
                [format!("{key}x"), key.replace("aws:", "aws:X"), key.replace("Tag/", "Tag/other-")]
            {
                if to != *key {
                    set(format!("{key} is {to}"), &|lines| {
                        let value = lines.remove(key).unwrap();
                        lines.insert(to.clone(), value);
                    });
                }
            }
            for (at, text) in values(value).into_iter().enumerate() {
                for to in [format!("{text}-x"), "prod-*".to_owned(), String::new()] {
                    set(format!("{key} {text} is {to:?}"), &|lines| match lines.get_mut(key) {
                        Some(Value::Array(items)) => items[at] = Value::String(to.clone()),
                        Some(one) => *one = Value::String(to.clone()),
                        None => {}
                    });
                }
                if value.as_array().is_some_and(|items| items.len() > 1) {
                    set(format!("{key} without {text}"), &|lines| {
                        drop(lines.get_mut(key).unwrap().as_array_mut().unwrap().remove(at));
                    });
                }
            }
        }
    }
}

/// The bytes of a statement in the text that serde_json printed: braces are counted by its indent.
pub(crate) fn statement_range(text: &str, index: usize) -> Option<(usize, usize)> {
    let mut found = 0;
    let mut at = 0;
    let mut start = None;
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        inside |= line.trim_start().starts_with("\"Statement\"");
        if inside && line.starts_with("    {") {
            start = Some(at + 4);
        }
        if inside && line.starts_with("    }") {
            if found == index {
                return Some((start?, at + 5));
            }
            found += 1;
        }
        at += line.len();
    }
    None
}
