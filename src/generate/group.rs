//! Of many grants few statements, none of which says more than its grants: every action of a statement
//! is asked on every one of its resources under its conditions, or is nothing there at all.

use std::collections::BTreeMap;

use crate::aws;
use crate::order;
use crate::policy::Effect;
use crate::policy::symbolic::{Piece, Symbolic};

use super::atoms::{Atom, Family, family};
use super::data::data;
use super::statement::{Line, Statement};

/// Keys of which one statement may allow several values, each for grants of its own.
const LISTS: [&str; 2] = ["ec2:CreateAction", "iam:PassedToService"];

/// Statements in the making.
#[derive(Debug, Clone)]
struct Group {
    atoms: Vec<Atom>,
    actions: Vec<String>,
    /// `None` is `*`.
    resources: Vec<Option<Symbolic>>,
    lines: Vec<Line>,
    /// Where the first of its questions stands.
    first: usize,
}

/// What may stand in one statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Each policy of several has its own statements.
    pub(super) split: bool,
    /// What has no condition may stand together whatever the service.
    pub(super) dense: bool,
}

/// The statements, by the first of their questions; they have no names yet.
pub(super) fn group(atoms: Vec<Atom>, how: How) -> Vec<Statement> {
    let mut groups = first(atoms);
    while let Some((one, other, merged)) = best(&groups, how) {
        groups.remove(other);
        if let Some(place) = groups.get_mut(one) {
            *place = merged;
        }
    }
    order::by_key(&mut groups, |group| group.first);
    groups.into_iter().map(Group::statement).collect()
}

/// One group for each action under the same conditions.
fn first(atoms: Vec<Atom>) -> Vec<Group> {
    let mut by: BTreeMap<(String, Vec<Line>, Option<Symbolic>), Group> = BTreeMap::new();
    for (at, atom) in atoms.into_iter().enumerate() {
        let key = (atom.action.clone(), atom.lines.clone(), atom.resource.clone());
        match by.get_mut(&key) {
            Some(group) => group.atoms.push(atom),
            None => {
                let group = Group {
                    actions: vec![atom.action.clone()],
                    resources: vec![atom.resource.clone()],
                    lines: atom.lines.clone(),
                    atoms: vec![atom],
                    first: at,
                };
                by.insert(key, group);
            }
        }
    }
    by.into_values().collect()
}

/// The two groups of which one saves most.
fn best(groups: &[Group], how: How) -> Option<(usize, usize, Group)> {
    let mut best: Option<(usize, usize, usize, Group)> = None;
    for (at, one) in groups.iter().enumerate() {
        for (other_at, other) in groups.iter().enumerate().skip(at + 1) {
            let Some(merged) = merge(one, other, how) else { continue };
            let saved = (one.length() + other.length()).saturating_sub(merged.length());
            if saved > best.as_ref().map_or(0, |(known, ..)| *known) {
                best = Some((saved, at, other_at, merged));
            }
        }
    }
    best.map(|(_, one, other, merged)| (one, other, merged))
}

/// One group for two, if it says no more than they do.
fn merge(one: &Group, other: &Group, how: How) -> Option<Group> {
    let policy = |group: &Group| data().policy_of(group.actions.first().map_or("", |a| a)).0;
    let service = |group: &Group| {
        let first = group.actions.first().map_or("", |action| action.as_str());
        first.split(':').next().unwrap_or_default().to_owned()
    };
    let dense = how.dense && !how.split && one.lines.is_empty() && other.lines.is_empty();
    if !dense && (policy(one) != policy(other) || service(one) != service(other)) {
        return None;
    }
    let lines = join(&one.lines, &other.lines)?;
    let mut merged = Group {
        atoms: one.atoms.iter().chain(&other.atoms).cloned().collect(),
        actions: one.actions.iter().chain(&other.actions).cloned().collect(),
        resources: one.resources.iter().chain(&other.resources).cloned().collect(),
        lines,
        first: one.first.min(other.first),
    };
    order::sort(&mut merged.actions);
    merged.actions.dedup();
    order::sort(&mut merged.resources);
    merged.resources.dedup();
    if merged.resources.len() > 1 && merged.resources.contains(&None) {
        return None;
    }
    merged.says_no_more().then_some(merged)
}

/// The lines of both: the same keys with the same values, but for one list.
fn join(one: &[Line], other: &[Line]) -> Option<Vec<Line>> {
    if one.len() != other.len() {
        return None;
    }
    let mut out = Vec::new();
    for (a, b) in one.iter().zip(other) {
        if a.operator != b.operator || a.key != b.key {
            return None;
        }
        let mut line = a.clone();
        if a.values != b.values {
            a.key.as_literal().filter(|key| LISTS.contains(key))?;
            line.values.extend(b.values.iter().cloned());
            order::sort(&mut line.values);
            line.values.dedup();
        }
        out.push(line);
    }
    Some(out)
}

impl Group {
    /// Whether every action is asked on every resource with every value of a list, or is nothing there.
    fn says_no_more(&self) -> bool {
        let lists: Vec<Vec<Line>> = self.single();
        self.actions.iter().all(|action| {
            self.resources.iter().all(|resource| {
                lists.iter().all(|lines| {
                    self.asks(action, resource.as_ref(), lines)
                        || is_nothing(action, resource.as_ref(), lines)
                })
            })
        })
    }

    fn asks(&self, action: &str, resource: Option<&Symbolic>, lines: &[Line]) -> bool {
        self.atoms.iter().any(|atom| {
            atom.action == action && atom.resource.as_ref() == resource && atom.lines == lines
        })
    }

    /// The lines with each value of their list alone.
    fn single(&self) -> Vec<Vec<Line>> {
        let list = self.lines.iter().position(|line| {
            line.values.len() > 1 && line.key.as_literal().is_some_and(|key| LISTS.contains(&key))
        });
        let Some(place) = list else { return vec![self.lines.clone()] };
        let values = self.lines.get(place).map(|line| line.values.clone()).unwrap_or_default();
        values
            .into_iter()
            .map(|value| {
                let mut lines = self.lines.clone();
                if let Some(line) = lines.get_mut(place) {
                    line.values = vec![value];
                }
                lines
            })
            .collect()
    }

    /// About how many characters the statement has.
    fn length(&self) -> usize {
        let texts = |texts: &[Symbolic]| texts.iter().map(length).sum::<usize>();
        let lines: usize =
            self.lines.iter().map(|line| length(&line.key) + texts(&line.values) + 6).sum();
        let resources: usize = self.resources.iter().flatten().map(length).sum();
        let actions: usize = self.actions.iter().map(|action| action.len() + 3).sum();
        lines + resources + actions + 90
    }

    fn statement(self) -> Statement {
        let resources = self.resources.into_iter();
        Statement {
            sid: String::new(),
            effect: Effect::Allow,
            principal: None,
            actions: self.actions,
            resources: resources.map(|one| one.unwrap_or_else(|| "*".into())).collect(),
            conditions: self.lines,
            calls: self.atoms.into_iter().map(|atom| atom.call).collect(),
            remark: None,
        }
    }
}

fn length(text: &Symbolic) -> usize {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => text.len(),
        Piece::Symbol(_) => 14,
    };
    text.pieces().iter().map(piece).sum::<usize>() + 3
}

/// Whether AWS never asks for the action on such a resource, or never with what the lines ask for: then
/// to grant it is to grant nothing (Service Authorization Reference).
fn is_nothing(action: &str, resource: Option<&Symbolic>, lines: &[Line]) -> bool {
    let Some(resource) = resource else { return false };
    let keys = |action: &str| keys(action, resource);
    let is_listed = |keys: &[&str], front: &str| keys.iter().any(|key| key.starts_with(front));
    let own = match keys(action) {
        Keys::Unknown => return false,
        Keys::NeverAsked => return true,
        Keys::Listed(keys) => keys,
    };
    lines.iter().any(|line| match family(&line.key) {
        Some(Family::Request) => !is_listed(&own, "aws:RequestTag/"),
        Some(Family::Resource) => !is_listed(&own, "aws:ResourceTag/"),
        // What a call does not create it does not tag.
        None if line.key.as_literal() == Some("ec2:CreateAction") => {
            line.values.iter().all(|value| {
                match keys(&format!("ec2:{}", value.as_literal().unwrap_or_default())) {
                    Keys::Unknown => false,
                    Keys::NeverAsked => true,
                    Keys::Listed(keys) => !is_listed(&keys, "aws:RequestTag/"),
                }
            })
        }
        None => false,
    })
}

/// What AWS lists of an action on a resource.
enum Keys {
    /// It lists no resources for the action, so that it may look at any.
    Unknown,
    /// The action is not asked on resources of this type.
    NeverAsked,
    /// The keys that it fills.
    Listed(Vec<&'static str>),
}

fn keys(action: &str, resource: &Symbolic) -> Keys {
    let Some((service, action)) = aws::authorization(action) else { return Keys::Unknown };
    let Some((of, kind)) = aws::resource_type_of(&plain(resource)) else { return Keys::Unknown };
    if action.rows().is_empty() {
        return Keys::Unknown;
    }
    if of.name != service.name || action.row(&kind.name).is_none() {
        return Keys::NeverAsked;
    }
    Keys::Listed(service.keys_for(action, &kind.name).iter().map(|key| key.name.text()).collect())
}

/// The text with a word in the place of each symbol.
fn plain(text: &Symbolic) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => text.to_string(),
        Piece::Symbol(_) => "x".to_owned(),
    };
    text.pieces().iter().map(piece).collect()
}
