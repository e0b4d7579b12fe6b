//! Root causes: many denied authorisations, one thing to change.

use std::collections::BTreeMap;

use crate::eval::traced::Traced;
use crate::eval::{Layer, Tri};
use crate::order;
use crate::policy::request::{Status, Target};
use crate::policy::{Effect, Policy, Statement};

use super::judge::{Answer, Asked};
use super::mismatch::Elsewhere;
use super::nearest::{Candidate, Kin, Misspelt, candidates, has_sibling, service_of};
use super::policy::wrong_word;

/// A statement of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StatementId {
    /// Which policies it stands in.
    pub layer: Layer,
    /// Document of that layer.
    pub document: usize,
    /// Statement of the document.
    pub statement: usize,
}

/// What has to change. The order is that in which findings of one place are told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// A Deny matches.
    Deny(StatementId),
    /// A token is misspelt.
    Misspelt {
        /// The rule.
        rule: &'static str,
        /// As written.
        written: String,
    },
    /// The statements are for another partition, region, account or cluster.
    Elsewhere(Elsewhere),
    /// A condition line does not hold: operator, key and values, the same in every statement.
    Condition {
        /// As written.
        operator: String,
        /// As written.
        key: String,
        /// As written.
        values: Vec<String>,
    },
    /// Several lines under one operator do not hold.
    Operator(StatementId, String),
    /// The resources of a statement leave something out.
    Resource(StatementId),
    /// Statements fit but for the action.
    Action(String),
    /// Nothing comes near.
    Nothing {
        /// Whether it is certain and must be had: told apart from what Karpenter can do without.
        error: bool,
    },
}

/// One denied entry with the statement that came nearest.
#[derive(Debug)]
pub(super) struct Member<'a, 'n, 'r> {
    /// Its place in call order.
    pub at: usize,
    /// The entry.
    pub asked: &'a Asked<'n, 'r>,
    /// The statement at fault, or the one to change.
    pub nearest: Option<&'a Candidate>,
    /// Others that came as near.
    pub rivals: &'a [Candidate],
}

/// A root cause with all that it denies, in call order.
#[derive(Debug)]
pub(super) struct Group<'a, 'n, 'r> {
    /// What has to change.
    pub cause: Cause,
    /// What it denies.
    pub members: Vec<Member<'a, 'n, 'r>>,
}

/// What the grouping asks of the controller.
pub(super) trait Ground<'p> {
    /// The policy of a layer.
    fn policy(&self, layer: Layer, document: usize) -> Option<&'p Policy>;
    /// Whether this denial stops nodes for certain.
    fn is_error(&self, asked: &Asked<'_, '_>) -> bool;
    /// Where the statement is meant for, if that is all that is wrong with it; what to tell comes first.
    fn elsewhere(
        &self,
        near: &Candidate,
        statement: &Statement,
        asked: &Asked<'_, '_>,
    ) -> Vec<Elsewhere>;
}

/// Groups denied entries by their root cause, in the order of the first denial.
#[must_use]
pub(super) fn causes<'a, 'n, 'r>(
    denied: &[&'a Asked<'n, 'r>],
    ground: &dyn Ground<'_>,
    kin: &mut Kin,
) -> Vec<Group<'a, 'n, 'r>> {
    let mut groups: Vec<Group<'a, 'n, 'r>> = Vec::new();
    let mut places: BTreeMap<Cause, usize> = BTreeMap::new();
    for (at, asked) in denied.iter().copied().enumerate() {
        let (cause, member) = classify(at, asked, ground, kin);
        let place = *places.entry(cause.clone()).or_insert_with(|| {
            groups.push(Group { cause, members: Vec::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.members.push(member);
        }
    }
    merge_missing(merge_elsewhere(groups, ground), ground)
}

/// A policy for another partition is for another region too: what only the region keeps from matching has the same
/// root cause as what both keep.
fn merge_elsewhere<'a, 'n, 'r>(
    groups: Vec<Group<'a, 'n, 'r>>,
    ground: &dyn Ground<'_>,
) -> Vec<Group<'a, 'n, 'r>> {
    let is_elsewhere = |group: &&Group<'_, '_, '_>| matches!(group.cause, Cause::Elsewhere(_));
    if groups.iter().filter(is_elsewhere).count() < 2 {
        return groups;
    }
    // All that each group differs in, with what it is told as.
    let differing: Vec<(Cause, Vec<Elsewhere>)> = groups
        .iter()
        .filter(is_elsewhere)
        .map(|group| {
            let places = group.members.iter().flat_map(|member| {
                let near = member.nearest;
                let found = near.and_then(|near| Some((near, statement(near, ground)?)));
                found.map(|(near, statement)| ground.elsewhere(near, statement, member.asked))
            });
            (group.cause.clone(), places.flatten().collect())
        })
        .collect();
    let above = |cause: &Cause| {
        let Cause::Elsewhere(own) = cause else { return None };
        let mut wholes = differing.iter().filter(|(whole, _)| whole != cause);
        wholes.find(|(_, places)| places.contains(own)).map(|(whole, _)| whole)
    };
    let mut out: Vec<Group<'_, '_, '_>> = Vec::new();
    let mut parts: Vec<(Cause, Group<'_, '_, '_>)> = Vec::new();
    for group in groups {
        // What is told of a group stands before all else that it differs in, so that this comes to an end.
        match std::iter::successors(above(&group.cause), |whole| above(whole)).last() {
            Some(whole) => parts.push((whole.clone(), group)),
            None => out.push(group),
        }
    }
    for (whole, part) in parts {
        if let Some(group) = out.iter_mut().find(|group| group.cause == whole) {
            group.members.extend(part.members);
            order::by_key(&mut group.members, |member| member.at);
        }
    }
    order::by_key(&mut out, |group| group.members.first().map(|member| member.at));
    out
}

fn classify<'a, 'n, 'r>(
    at: usize,
    asked: &'a Asked<'n, 'r>,
    ground: &dyn Ground<'_>,
    kin: &mut Kin,
) -> (Cause, Member<'a, 'n, 'r>) {
    let Near { cause, nearest, rivals } = asked.near.get_or_init(|| near(asked, ground, kin));
    (cause.clone(), Member { at, asked, nearest: nearest.as_ref(), rivals })
}

/// What has to change for one entry.
#[derive(Debug)]
pub(crate) struct Near {
    cause: Cause,
    nearest: Option<Candidate>,
    rivals: Vec<Candidate>,
}

fn near(asked: &Asked<'_, '_>, ground: &dyn Ground<'_>, kin: &mut Kin) -> Near {
    let nothing = Cause::Nothing { error: ground.is_error(asked) };
    let alone = |cause| Near { cause, nearest: None, rivals: Vec::new() };
    let Some(trace) = &asked.trace else { return alone(nothing) };
    if asked.answer == Answer::ExplicitDeny
        && let Some(id) = denying(trace)
    {
        return alone(Cause::Deny(id));
    }
    let found =
        candidates(trace, asked.entry, kin, |layer, document| ground.policy(layer, document));
    let near = |candidate: &Candidate| {
        statement(candidate, ground).is_some_and(|statement| {
            candidate.fails.misspelt.is_some()
                || is_near(candidate, statement, asked)
                || !ground.elsewhere(candidate, statement, asked).is_empty()
        })
    };
    let Some(place) = found.iter().position(near) else {
        let nearest = found.into_iter().next();
        return Near { cause: nothing, nearest, rivals: Vec::new() };
    };
    let (before, after) = found.split_at_checked(place).unwrap_or_default();
    let Some((nearest, after)) = after.split_first() else { return alone(nothing) };
    let others = before.iter().chain(after);
    let rivals = others
        .filter(|other| other.score() >= nearest.score() && near(other))
        .take(2)
        .cloned()
        .collect();
    let cause = statement(nearest, ground)
        .map_or(nothing, |statement| cause_of(nearest, statement, asked, ground));
    Near { cause, nearest: Some(nearest.clone()), rivals }
}

impl Candidate {
    /// Which statement it is.
    pub(super) fn id(&self) -> StatementId {
        StatementId { layer: self.layer, document: self.document, statement: self.statement }
    }
}

/// The first Deny that matches.
fn denying(trace: &Traced) -> Option<StatementId> {
    trace.layers.iter().find_map(|layer| {
        let found =
            layer.statements().find(|s| s.effect == Effect::Deny && s.matches == Tri::True)?;
        Some(StatementId {
            layer: layer.layer,
            document: found.document,
            statement: found.statement,
        })
    })
}

fn statement<'p>(candidate: &Candidate, ground: &dyn Ground<'p>) -> Option<&'p Statement> {
    ground.policy(candidate.layer, candidate.document)?.statements.get(candidate.statement)
}

/// One change would do, and it would not widen the statement beyond what it is about: what Karpenter
/// tags does not belong into a statement without conditions.
fn is_near(candidate: &Candidate, statement: &Statement, asked: &Asked<'_, '_>) -> bool {
    let fails = &candidate.fails;
    if !fails.is_one_thing(statement) {
        return false;
    }
    if !fails.action {
        return !tags_a_creation(asked) || speaks_of_creation(statement);
    }
    let belongs = match asked.entry.request.resource {
        Target::Any => shares_service(statement, &asked.entry.request.action),
        Target::Arn(_) => candidate.specific || fails.meant || has_sibling(statement, asked.entry),
    };
    let belongs = belongs && (!tags_a_creation(asked) || is_for_creation(statement));
    belongs && (!asked.entry.is_tagged() || !statement.conditions.is_empty())
}

/// Tagging what a call creates is another thing than tagging later: a statement for the one is no
/// place for the other.
fn tags_a_creation(asked: &Asked<'_, '_>) -> bool {
    matches!(asked.entry.request.context.listed(&"ec2:createaction".into()), Some(Status::Known(_)))
}

/// Whether a statement limits what it allows to the creation of things.
fn is_for_creation(statement: &Statement) -> bool {
    has_key(statement, "ec2:CreateAction")
}

fn speaks_of_creation(statement: &Statement) -> bool {
    is_for_creation(statement) || !has_key(statement, "aws:TagKeys")
}

fn has_key(statement: &Statement, key: &str) -> bool {
    statement.conditions.iter().any(|condition| condition.key.display().eq_ignore_ascii_case(key))
}

fn shares_service(statement: &Statement, action: &str) -> bool {
    let mut written = statement.action.values.iter().filter_map(|value| value.as_literal());
    written.any(|other| service_of(other).eq_ignore_ascii_case(service_of(action)))
}

fn cause_of(
    nearest: &Candidate,
    statement: &Statement,
    asked: &Asked<'_, '_>,
    ground: &dyn Ground<'_>,
) -> Cause {
    if let Some(elsewhere) = ground.elsewhere(nearest, statement, asked).into_iter().next() {
        return Cause::Elsewhere(elsewhere);
    }
    let id = nearest.id();
    let fails = &nearest.fails;
    if let Some(Misspelt { rule, written, .. }) = &fails.misspelt {
        return Cause::Misspelt { rule, written: wrong_word(written).to_lowercase() };
    }
    let mut lines = fails.lines.iter().filter_map(|&line| statement.conditions.get(line));
    match (lines.next(), lines.next()) {
        (Some(line), None) => Cause::Condition {
            operator: line.operator.display(),
            key: line.key.display().to_lowercase(),
            values: line.values.iter().map(crate::syntax::Text::display).collect(),
        },
        (Some(line), Some(_)) => Cause::Operator(id, line.operator.display()),
        _ if fails.resource => Cause::Resource(id),
        _ => Cause::Action(asked.entry.request.action.to_string()),
    }
}

/// Actions that no statement grants come from one missing statement more often than from several:
/// they are told together when nothing comes near one of them, when they miss the same statement,
/// and when there are more than two.
fn merge_missing<'a, 'n, 'r>(
    groups: Vec<Group<'a, 'n, 'r>>,
    ground: &dyn Ground<'_>,
) -> Vec<Group<'a, 'n, 'r>> {
    let (missing, mut out): (Vec<_>, Vec<_>) = groups
        .into_iter()
        .enumerate()
        .partition(|(_, group)| matches!(group.cause, Cause::Action(_) | Cause::Nothing { .. }));
    let (errors, others): (Vec<_>, Vec<_>) = missing
        .into_iter()
        .partition(|(_, group)| group.members.iter().any(|member| ground.is_error(member.asked)));
    let mut missing: Vec<(usize, Group<'a, 'n, 'r>)> = Vec::new();
    for mut same in [errors, others] {
        let mut places: Vec<Vec<StatementId>> =
            same.iter().map(|(_, group)| homes(group)).collect();
        order::sort(&mut places);
        places.dedup();
        let nothing = same.iter().any(|(_, group)| matches!(group.cause, Cause::Nothing { .. }));
        let together = nothing || places.len() > 2;
        let mut merged: Vec<(usize, Group<'a, 'n, 'r>)> = Vec::new();
        for (at, group) in same.drain(..) {
            // What Karpenter could do without stands with the same action's errors.
            if let Some((_, graver)) = missing.iter_mut().find(|(_, graver)| graver.covers(&group))
            {
                graver.members.extend(group.members);
                continue;
            }
            let home =
                merged.iter_mut().find(|(_, other)| together || homes(other) == homes(&group));
            match home {
                Some((_, other)) => other.members.extend(group.members),
                None => merged.push((at, group)),
            }
        }
        missing.extend(merged);
    }
    out.extend(missing);
    order::by_key(&mut out, |(at, _)| *at);
    out.into_iter()
        .map(|(_, mut group)| {
            order::by_key(&mut group.members, |member| member.at);
            group
        })
        .collect()
}

impl Group<'_, '_, '_> {
    fn covers(&self, other: &Self) -> bool {
        let has = |action: &str| {
            self.members.iter().any(|member| &*member.asked.entry.request.action == action)
        };
        other.members.iter().all(|member| has(&member.asked.entry.request.action))
    }
}

fn homes(group: &Group<'_, '_, '_>) -> Vec<StatementId> {
    let mut homes: Vec<StatementId> =
        group.members.iter().filter_map(|member| member.nearest).map(Candidate::id).collect();
    order::sort(&mut homes);
    homes.dedup();
    homes
}
