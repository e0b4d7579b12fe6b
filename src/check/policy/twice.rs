//! Values that stand twice in one list, and tag keys that differ only in case: told as
//! `duplicate-key`. Keys in conditions ignore case, tags do not (IAM User Guide, *Condition*).

use std::collections::HashSet;

use crate::check::words::code;
use crate::finding::{Label, Severity};
use crate::policy::Condition;
use crate::syntax::{Part, Text};

use super::{Found, Subject, help};

const RULE: &str = "duplicate-key";

/// Longer lists are not compared value by value.
const FEW: usize = 64;

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for statement in subject.statements() {
        list("action", &statement.action.values, true, found);
        if let Some(element) = &statement.resource {
            list("resource", &element.values, false, found);
        }
        for condition in &statement.conditions {
            list("value", &condition.values, false, found);
        }
        tags(&statement.conditions, found);
    }
}

fn list(name: &str, values: &[Text], fold: bool, found: &mut Found<'_>) {
    if values.len() > FEW {
        let mut known = HashSet::with_capacity(values.len());
        for value in values {
            let text = value.display();
            if !known.insert(if fold { text.to_lowercase() } else { text }) {
                again(name, value, None, found);
            }
        }
        return;
    }
    for (at, value) in values.iter().enumerate() {
        let before = values.get(..at).unwrap_or(&[]);
        if let Some(first) = before.iter().find(|other| same(other, value, fold)) {
            again(name, value, Some(first), found);
        }
    }
}

fn same(one: &Text, other: &Text, fold: bool) -> bool {
    one.parts.len() == other.parts.len()
        && one.parts.iter().zip(&other.parts).all(|pair| match pair {
            (Part::Literal(_, one), Part::Literal(_, other)) if fold => {
                one.eq_ignore_ascii_case(other)
            }
            (Part::Literal(_, one), Part::Literal(_, other))
            | (Part::Hole(_, one), Part::Hole(_, other)) => one == other,
            _ => false,
        })
}

fn again(name: &str, value: &Text, first: Option<&Text>, found: &mut Found<'_>) {
    let message = format!("the {name} {} stands twice in this list", code(&value.display()));
    let Some(finding) = found.add(RULE, Severity::Note, value.span, message) else { return };
    finding.related = first
        .map(|text| Label { span: text.span, message: "first here".to_owned() })
        .into_iter()
        .collect();
    help(Some(finding), "remove one of them");
}

/// `aws:RequestTag/Team` and `aws:RequestTag/team` are one key in a condition and two tags on a
/// resource; in `aws:TagKeys` the case counts.
fn tags(conditions: &[Condition], found: &mut Found<'_>) {
    if conditions.len() > FEW {
        return;
    }
    for (at, condition) in conditions.iter().enumerate() {
        let Some(tag) = tag_of(&condition.key) else { continue };
        let before = conditions.get(..at).unwrap_or(&[]);
        for other in before {
            let differs = |written: &str| written != tag && written.eq_ignore_ascii_case(tag);
            // In one operator block it is told as a key that stands twice.
            let in_key = (other.operator.span != condition.operator.span)
                .then(|| tag_of(&other.key))
                .flatten()
                .filter(|written| differs(written));
            if let Some(written) = in_key {
                differ(condition, (tag, written), &other.key, found);
            }
        }
        let lists = conditions.iter().filter(|other| {
            other.key.as_literal().is_some_and(|key| key.eq_ignore_ascii_case("aws:TagKeys"))
        });
        for value in lists.flat_map(|list| &list.values) {
            let text = value.as_literal().unwrap_or_default();
            if text != tag && text.eq_ignore_ascii_case(tag) {
                differ(condition, (tag, text), value, found);
            }
        }
    }
}

fn tag_of(key: &Text) -> Option<&str> {
    let (_, tag) = key.as_literal()?.split_once("Tag/")?;
    Some(tag)
}

fn differ(condition: &Condition, (tag, other): (&str, &str), place: &Text, found: &mut Found<'_>) {
    let message = format!("the tags {} and {} differ only in case", code(other), code(tag));
    let finding =
        found.add_to_line(RULE, Severity::Warning, (condition, condition.key.span), message);
    let Some(finding) = finding else { return };
    finding.related = vec![Label { span: place.span, message: "written so here".to_owned() }];
    help(Some(finding), "conditions take them for one tag, resources for two: write one of them");
}
