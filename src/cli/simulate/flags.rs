//! AWS's own flags, put together into a request (AWS CLI Command Reference, *simulate-custom-policy*).

use std::path::Path;

use serde_json::{Value, json};

use super::{LONGEST_FILE, SimulateArgs, shorthand};
use crate::source::{read_text, reason};

/// The request that the flags make, as JSON. Policies are texts in it, as AWS takes them.
pub(super) fn request(args: &SimulateArgs) -> Result<String, String> {
    let texts = |values: &[String]| values.iter().map(|value| loaded(value)).collect();
    let policies: Vec<String> = documents(texts(&args.policy_input_list))?;
    let boundaries: Vec<String> = documents(texts(&args.permissions_boundary_policy_input_list))?;
    let mut request = json!({
        "PolicyInputList": policies,
        "PermissionsBoundaryPolicyInputList": boundaries,
        "ActionNames": names(&args.action_names)?,
        "ResourceArns": names(&args.resource_arns)?,
        "ContextEntries": context(&args.context_entries)?,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(fields)) = (value, request.as_object_mut()) {
            fields.insert(name.to_owned(), value);
        }
    };
    let policy = args.resource_policy.as_deref().map(loaded).transpose()?;
    add("ResourcePolicy", policy.map(Value::String));
    add("ResourceOwner", args.resource_owner.clone().map(Value::String));
    add("CallerArn", args.caller_arn.clone().map(Value::String));
    Ok(request.to_string())
}

/// The value, or the text of the file that it names.
fn loaded(value: &str) -> Result<String, String> {
    match value.strip_prefix("file://") {
        None => Ok(value.to_owned()),
        Some(path) => read_text(Path::new(path), LONGEST_FILE).map_err(|error| {
            format!("could not read `{}`: {}", path.escape_debug(), reason(&error))
        }),
    }
}

/// Policies: each a document, or a list of documents as texts.
fn documents(texts: Result<Vec<String>, String>) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for text in texts? {
        match serde_json::from_str::<Vec<String>>(&text) {
            Ok(list) => out.extend(list),
            Err(_) => out.push(text),
        }
    }
    Ok(out)
}

/// Names: each one alone, or a list of them as JSON.
fn names(values: &[String]) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for value in values {
        let value = loaded(value)?;
        match serde_json::from_str::<Vec<String>>(&value) {
            Ok(list) => out.extend(list),
            Err(_) => out.push(value),
        }
    }
    Ok(out)
}

fn context(values: &[String]) -> Result<Vec<Value>, String> {
    let mut out = Vec::new();
    for value in values {
        let value = loaded(value)?;
        match serde_json::from_str::<Value>(&value) {
            Ok(Value::Array(list)) => out.extend(list),
            Ok(entry @ Value::Object(_)) => out.push(entry),
            _ => out.push(shorthand::entry(&value)?),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_entries_in_shorthand_and_in_json() {
        let given = [
            "ContextKeyName='aws:TagKeys',ContextKeyValues=a,'b',ContextKeyType=stringList",
            r#"[{"ContextKeyName": "k", "ContextKeyValues": ["v"], "ContextKeyType": "string"}]"#,
        ];
        let entries = context(&given.map(str::to_owned)).unwrap();
        let expected = json!([
            {"ContextKeyName": "aws:TagKeys", "ContextKeyValues": ["a", "b"], "ContextKeyType": "stringList"},
            {"ContextKeyName": "k", "ContextKeyValues": ["v"], "ContextKeyType": "string"},
        ]);
        assert_eq!(Value::Array(entries), expected);
        assert!(context(&["nonsense".to_owned()]).is_err());
    }
}
