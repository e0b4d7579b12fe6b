//! `Principal` and `NotPrincipal` (IAM User Guide, *IAM JSON policy elements: Principal*).

use super::condition::repeated;
use super::{Fields, Problems, kind, nearest, short};
use crate::policy::Principal;
use crate::syntax::{Node, Text, Value};

const TYPES: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

const RULE: &str = "invalid-principal";

/// Lowers the element, if there is one. `attached` says whether every statement has one.
pub(super) fn lower(
    statement: &Node,
    fields: &Fields<'_>,
    attached: bool,
    problems: &mut Problems,
) -> Option<Principal> {
    let (negated, (key, value)) = match (fields.get("Principal"), fields.get("NotPrincipal")) {
        (Some(found), None) => (false, found),
        (None, Some(found)) => (true, found),
        (Some(found), Some((other, _))) => {
            let message = "the statement has both `Principal` and `NotPrincipal`";
            problems.push(*other, RULE, message, Some("keep one of them".to_owned()));
            (false, found)
        }
        (None, None) => {
            if attached {
                let help = "name with `Principal` who this is about".to_owned();
                problems.push(statement.span, RULE, "the statement names no principal", Some(help));
            }
            return None;
        }
    };
    if !attached {
        let help = "remove it: the policy binds who it is attached to";
        let message = "an identity policy must not name a principal".to_owned();
        problems.harmless(*key, RULE, message, help);
    }
    let mut values = Vec::new();
    match &value.value {
        Value::String(text) => {
            if text.as_literal().is_some_and(|text| text != "*") {
                let help = "write `\"*\"`, or an object such as `{\"AWS\": \"…\"}`".to_owned();
                problems.push(
                    value.span,
                    RULE,
                    "a principal that is a plain string can only be `*`",
                    Some(help),
                );
            }
            values.push(("*".into(), text.clone()));
        }
        Value::Map(entries) => {
            if entries.is_empty() {
                problems.push(
                    value.span,
                    "empty-element",
                    "the principal is empty, so the statement has no effect",
                    None,
                );
            }
            let again = repeated(entries, false);
            for (entry, again) in entries.iter().zip(again) {
                let name = entry.key.display();
                if again {
                    let message = format!("the principal has the type `{}` twice", short(&name));
                    let help = "put all names of one type into one list".to_owned();
                    problems.push(entry.key.span, "duplicate-key", message, Some(help));
                }
                let near = TYPES.into_iter().find(|known| *known == name);
                if near.is_none() && entry.key.as_literal().is_some() {
                    let help = nearest(&name, TYPES.into_iter())
                        .map(|near| format!("did you mean `{near}`?"));
                    let message = format!("`{}` is not a type of principal", short(&name));
                    problems.push(entry.key.span, RULE, message, help);
                }
                let name = near.map_or(name.as_str(), |near| near);
                values.extend(
                    names(name, &entry.value, problems).into_iter().map(|text| (name.into(), text)),
                );
            }
        }
        _ => {
            problems.push(value.span, RULE, format!("a principal cannot be {}", kind(value)), None)
        }
    }
    Some(Principal { negated, key: *key, values })
}

/// The values of one type.
fn names(kind_of: &str, node: &Node, problems: &mut Problems) -> Vec<Text> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() {
        let message = format!("`{}` names nobody, so the statement has no effect", short(kind_of));
        problems.push(node.span, "empty-element", message, None);
    }
    let mut out = Vec::new();
    for item in items {
        let Some(text) = item.as_text() else {
            problems.push(item.span, RULE, format!("a principal cannot be {}", kind(item)), None);
            continue;
        };
        let partial = |text: &str| text != "*" && text.contains(['*', '?']);
        if kind_of == "AWS" && text.as_literal().is_some_and(partial) {
            let message = format!(
                "`{}` matches nobody: a principal takes no wildcard but a lone `*`",
                short(&text.display())
            );
            let help = "name the account and compare `aws:PrincipalArn` in a condition".to_owned();
            problems.push(item.span, RULE, message, Some(help));
        }
        out.push(text.clone());
    }
    out
}
