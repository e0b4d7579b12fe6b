//! What was found once for each case becomes one again: documents and roles by their addresses,
//! statements by what they say, each with the cases in which it is there.

use std::collections::HashMap;
use std::hash::Hash;

use super::presence::{Case, Presence};
use crate::extract::{Document, Extracted, Role};
use crate::source::{SourceMap, Span};
use crate::syntax::{Node, Part, Text, Value};

/// In which case each document and each role was found; those behind the end, in all.
#[derive(Default)]
pub(super) struct Cases {
    pub(super) documents: Vec<Case>,
    pub(super) roles: Vec<Case>,
}

/// When documents and roles are there; those behind the end, always.
#[derive(Default)]
pub(super) struct Guards {
    pub(super) documents: Vec<Guard>,
    pub(super) roles: Vec<Presence>,
}

/// When a document is there, and each of its statements.
pub(super) struct Guard {
    pub(super) there: Presence,
    pub(super) statements: Vec<Presence>,
}

/// Where what was found before has gone: the new index of each.
pub(super) struct Moved {
    pub(super) documents: Vec<usize>,
    pub(super) roles: Vec<usize>,
}

/// Makes one of what was found in several cases; `None` if all of it was found in all.
pub(super) fn merge(
    sources: &SourceMap,
    out: &mut Extracted,
    cases: &Cases,
) -> Option<(Guards, Moved)> {
    if cases.documents.iter().chain(&cases.roles).all(Vec::is_empty) {
        return None;
    }
    let mut guards = Guards::default();
    let documents = std::mem::take(&mut out.documents);
    let key = |document: &Document| {
        let origin = &document.origin;
        let name = origin.name.as_ref().map(Text::display);
        (origin.address.clone(), origin.kind as u8, name)
    };
    let moved = same(&documents, &cases.documents, key);
    for (at, document) in documents.into_iter().enumerate() {
        let there = Presence::of(cases.documents.get(at).map_or(&[], Vec::as_slice));
        let into = moved.get(at).and_then(|to| out.documents.get_mut(*to));
        match (into, moved.get(at).and_then(|to| guards.documents.get_mut(*to))) {
            (Some(into), Some(guard)) => add(sources, into, guard, &document, &there),
            _ => {
                let statements = vec![there.clone(); statements(&document.node).len()];
                guards.documents.push(Guard { there, statements });
                out.documents.push(document);
            }
        }
    }
    let roles = std::mem::take(&mut out.roles);
    let moved_roles = same(&roles, &cases.roles, |role: &Role| role.address.clone());
    for (at, mut role) in roles.into_iter().enumerate() {
        let there = Presence::of(cases.roles.get(at).map_or(&[], Vec::as_slice));
        let to = |index: &usize| moved.get(*index).copied().unwrap_or(*index);
        role.documents = role.documents.iter().map(to).collect();
        role.trust = role.trust.as_ref().map(to);
        let Some(index) = moved_roles.get(at) else { continue };
        match (out.roles.get_mut(*index), guards.roles.get_mut(*index)) {
            (Some(known), Some(presence)) => {
                *presence = presence.or(&there);
                for document in role.documents {
                    if !known.documents.contains(&document) {
                        known.documents.push(document);
                    }
                }
                known.trust = known.trust.or(role.trust);
            }
            _ => {
                guards.roles.push(there);
                out.roles.push(role);
            }
        }
    }
    Some((guards, Moved { documents: moved, roles: moved_roles }))
}

/// The new index of each: what has one key in different cases is one thing. In one case there may be
/// several of a key, each of which is a thing of its own.
fn same<T, K: Eq + Hash + Clone>(all: &[T], cases: &[Case], key: impl Fn(&T) -> K) -> Vec<usize> {
    let mut known: HashMap<(K, usize), usize> = HashMap::new();
    let mut seen: HashMap<(K, Case), usize> = HashMap::new();
    let mut out = Vec::with_capacity(all.len());
    for (at, one) in all.iter().enumerate() {
        let key = key(one);
        let case = cases.get(at).cloned().unwrap_or_default();
        let before = seen.entry((key.clone(), case)).or_default();
        let number = *before;
        *before += 1;
        let next = known.len();
        out.push(*known.entry((key, number)).or_insert(next));
    }
    out
}

/// The items of `Statement`.
pub(super) fn statements(policy: &Node) -> &[Node] {
    match policy.get("Statement") {
        Some(Node { value: Value::List(items), .. }) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// Puts other statements in the place of those that a policy has.
pub(super) fn set_statements(policy: &mut Node, mut items: Vec<Node>) {
    let Value::Map(entries) = &mut policy.value else { return };
    let found = entries.iter_mut().find(|entry| entry.key.as_literal() == Some("Statement"));
    let Some(entry) = found else { return };
    let is_list = matches!(entry.value.value, Value::List(_));
    match (is_list, items.len()) {
        (false, 1) => entry.value = items.remove(0),
        _ => entry.value.value = Value::List(items),
    }
}

/// Adds what a document holds in one more case.
fn add(
    sources: &SourceMap,
    into: &mut Document,
    guard: &mut Guard,
    document: &Document,
    there: &Presence,
) {
    guard.there = guard.there.or(there);
    let mut all = statements(&into.node).to_vec();
    let places: Vec<Span> = all.iter().map(|node| sources.to_file(node.span)).collect();
    let mut taken = vec![false; all.len()];
    let mut more = false;
    for statement in statements(&document.node) {
        let place = sources.to_file(statement.span);
        let mut known = places.iter().zip(&all).zip(&taken);
        let found = known.position(|((known, node), taken)| {
            !taken && *known == place && says_the_same(node, statement)
        });
        match found.and_then(|at| Some((taken.get_mut(at)?, guard.statements.get_mut(at)?))) {
            Some((taken, presence)) => {
                *taken = true;
                *presence = presence.or(there);
            }
            None => {
                all.push(statement.clone());
                guard.statements.push(there.clone());
                more = true;
            }
        }
    }
    if more && into.node.get("Statement").is_none() {
        into.node = document.node.clone();
    } else if more {
        set_statements(&mut into.node, all);
    }
}

/// Whether two values are the same but for the places of their words.
fn says_the_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::String(one), Value::String(other)) => same_text(one, other),
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| says_the_same(a, b))
        }
        (Value::Map(one), Value::Map(other)) => {
            let same = |(a, b): (&crate::syntax::Entry, &crate::syntax::Entry)| {
                same_text(&a.key, &b.key) && says_the_same(&a.value, &b.value)
            };
            one.len() == other.len() && one.iter().zip(other).all(same)
        }
        (one, other) => one == other,
    }
}

fn same_text(one: &Text, other: &Text) -> bool {
    let same = |(one, other): (&Part, &Part)| match (one, other) {
        (Part::Literal(_, one), Part::Literal(_, other))
        | (Part::Hole(_, one), Part::Hole(_, other)) => one == other,
        _ => false,
    };
    one.parts.len() == other.parts.len() && one.parts.iter().zip(&other.parts).all(same)
}
