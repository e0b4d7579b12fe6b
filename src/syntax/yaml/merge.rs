//! Merge keys: `<<: *base` stands for the entries of `base` that the map has not itself (*Merge Key
//! Language-Independent Type for YAML*). `kubectl`, `eksctl` and Terraform read it so, CloudFormation does
//! not.

use std::collections::HashSet;
use std::mem::take;

use crate::syntax::{Entry, Node, Style, Text, Value};

/// Puts the entries that merge keys bring in where these stand; each keeps its own place. Nothing is
/// copied: what an alias stands for was written out when it was read, within the budget of that.
pub fn merge_keys(node: &mut Node) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(merge_keys),
        Value::Map(entries) => {
            entries.iter_mut().for_each(|entry| merge_keys(&mut entry.value));
            if entries.iter().any(|entry| is_merge(&entry.key)) {
                *entries = merge(take(entries));
            }
        }
        _ => {}
    }
}

fn merge(entries: Vec<Entry>) -> Vec<Entry> {
    // What the map says itself counts, wherever it says it.
    let mut known: HashSet<String> = entries.iter().map(|entry| entry.key.display()).collect();
    let mut out = Vec::with_capacity(entries.len());
    for mut entry in entries {
        if !is_merge(&entry.key) {
            out.push(entry);
            continue;
        }
        match &mut entry.value.value {
            Value::Map(own) => add(take(own), &mut known, &mut out),
            Value::List(maps) if maps.iter().all(is_map) => {
                // An earlier map of the list counts before a later one.
                for map in maps {
                    if let Value::Map(own) = &mut map.value {
                        add(take(own), &mut known, &mut out);
                    }
                }
            }
            // What is no map cannot be merged; it is told as any other odd key.
            _ => out.push(entry),
        }
    }
    out
}

fn add(entries: Vec<Entry>, known: &mut HashSet<String>, out: &mut Vec<Entry>) {
    // A key that one map has twice is that map's mistake, and stays one.
    let before: Vec<bool> = entries.iter().map(|e| known.contains(&e.key.display())).collect();
    for (entry, is_known) in entries.into_iter().zip(before) {
        if !is_known {
            known.insert(entry.key.display());
            out.push(entry);
        }
    }
}

fn is_map(node: &Node) -> bool {
    matches!(node.value, Value::Map(_))
}

fn is_merge(key: &Text) -> bool {
    key.style == Style::Plain && key.as_literal() == Some("<<")
}
