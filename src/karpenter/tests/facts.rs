//! The rules against the facts that they were written from.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::*;

/// The rules say the same as `requests.json`, if that lies beside the project.
#[test]
fn the_rules_say_what_the_facts_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/karpenter/requests.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: there is no {path}");
        return;
    };
    let facts: Value = serde_json::from_str(&text).unwrap();
    let rules = Rules::builtin();
    let mut differences = String::new();
    let facts = facts["requests"].as_array().unwrap();
    assert_eq!(facts.len(), rules.requests().len());
    for fact in facts {
        let id = fact["id"].as_str().unwrap();
        let Some(rule) = rules.request(id) else {
            writeln!(differences, "{id} is missing").unwrap();
            continue;
        };
        let ours = json!({
            "call": &*rule.call, "impact": rule.impact.name(), "phase": rule.phase.name(), "dry_run": rule.dry_run,
            "versions": ranges(&rule.versions), "when": conditions(&rule.when),
        });
        for (field, value) in ours.as_object().unwrap() {
            if *value != fact[field] {
                writeln!(differences, "{id}: {field} is {value}, not {}", fact[field]).unwrap();
            }
        }
        let mut theirs: Vec<String> =
            fact["authorises"].as_array().unwrap().iter().map(their_entry).collect();
        let mut ours: Vec<String> =
            rule.entries.iter().map(|entry| our_entry(rules, entry)).collect();
        theirs.sort();
        ours.sort();
        for missing in theirs.iter().filter(|entry| !ours.contains(entry)) {
            writeln!(differences, "{id}: - {missing}").unwrap();
        }
        for extra in ours.iter().filter(|entry| !theirs.contains(entry)) {
            writeln!(differences, "{id}: + {extra}").unwrap();
        }
        assert_eq!(theirs.len(), ours.len(), "{id}\n{differences}");
    }
    assert_eq!(differences, "");
}

fn ranges(versions: &Versions) -> Value {
    let text = |version: &Version| Value::from(version.to_string());
    let pair = |(from, to): &(Version, Option<Version>)| json!([text(from), to.as_ref().map(text)]);
    versions.0.iter().map(pair).collect()
}

fn conditions(when: &[Condition]) -> Value {
    let mut map = serde_json::Map::new();
    for condition in when {
        let list = |list: &[super::super::rules::text::Str]| {
            list.iter().map(|text| Value::from(&**text)).collect::<Value>()
        };
        let (name, value) = match condition {
            // Ours: without it the entry is not asked at all.
            Condition::Is(Flag::SpotSlrAbsent, _) => continue,
            // The facts say this in words, below *Partitions*.
            Condition::Is(Flag::PriceList, _) => continue,
            Condition::Is(flag, value) => (flag.name(), Value::from(*value)),
            Condition::CapacityType(kinds) => ("capacity_type", list(kinds)),
            Condition::AmiFamily(families) => ("ami_family", list(families)),
            Condition::NodesFromBefore(version) => {
                ("has_nodes_from_before", Value::from(version.to_string()))
            }
            Condition::NodeClassesFromBefore(version) => {
                ("has_nodeclasses_from_before", Value::from(version.to_string()))
            }
        };
        map.insert(name.to_owned(), value);
    }
    Value::Object(map)
}

fn their_entry(entry: &Value) -> String {
    let field = |name: &str, default: Value| entry.get(name).cloned().unwrap_or(default);
    let mut context = entry["context"].clone();
    if let Some(keys) = context.get_mut("aws:TagKeys").and_then(Value::as_array_mut) {
        keys.sort_by_key(ToString::to_string);
    }
    json!({
        "action": entry["action"], "resource": entry["resource"], "context": context, "optional": entry["optional"],
        "basis": entry["basis"], "spec_tags": field("spec_tags", json!("")), "when": field("when", json!({})),
        "versions": field("versions", json!([])),
    })
    .to_string()
}

fn our_entry(rules: &Rules, entry: &EntryRule) -> String {
    let resource =
        entry.resource.as_ref().map_or("*".to_owned(), |template| rules.display(template));
    // In our data these three stand for whole ARNs.
    let resource = match resource.as_str() {
        "${queue}" => "arn:${partition}:sqs:${region}:${account}:${queue}",
        "${node_role}" => "arn:${partition}:iam::${account}:role/${node_role}",
        "${ssm_parameter}" => {
            "arn:${partition}:ssm:${region}:${account}:parameter/${ssm_parameter}"
        }
        other => other,
    };
    let mut context = serde_json::Map::new();
    for (place, family) in
        [(entry.request_tags, "aws:RequestTag/"), (entry.resource_tags, "aws:ResourceTag/")]
    {
        for (key, value) in rules.tag_set(place).into_iter().flat_map(|set| &set.tags) {
            context.insert(
                format!("{family}{}", rules.display(key)),
                Value::from(rules.display(value)),
            );
        }
    }
    if let Some(set) = rules.tag_set(entry.request_tags) {
        let mut keys: Vec<Value> =
            set.tags.iter().map(|(key, _)| Value::from(rules.display(key))).collect();
        keys.sort_by_key(ToString::to_string);
        context.insert("aws:TagKeys".to_owned(), Value::from(keys));
    }
    for (key, values) in &entry.context {
        let values: Vec<Value> =
            values.iter().map(|value| Value::from(rules.display(value))).collect();
        let value = if values.len() == 1 { values[0].clone() } else { Value::from(values) };
        context.insert(key.to_string(), value);
    }
    let joins = |place| rules.tag_set(place).is_some_and(|set| set.spec_tags);
    let spec_tags = match (joins(entry.request_tags), joins(entry.resource_tags)) {
        (true, _) => "request",
        (false, true) => "resource",
        (false, false) => "",
    };
    json!({
        "action": &*entry.action, "resource": resource, "context": context, "optional": entry.optional,
        "basis": entry.basis.name(), "spec_tags": spec_tags, "when": conditions(&entry.when),
        "versions": ranges(&entry.versions),
    })
    .to_string()
}
