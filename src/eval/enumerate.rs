//! Every case of what unknown keys may hold, where there are few enough.
//!
//! Three values look at each line alone, so `k` equal to `a` in one statement and not equal to it in
//! another leaves both unknown. Here the values of each unknown key are divided into the classes that
//! the policies can tell apart, and each combination of classes is decided in two values. The answer is
//! either that of all combinations, or that of three values; the two are never mixed.

mod values;

use super::compile::{Asked, Prepared};
use super::trace::kleene_trace;
use super::{Compiled, Decision, Layer, Layers, Open, StatementTrace, Trace, Tri, kleene};
use crate::order;
use crate::policy::Effect;
use crate::policy::request::{Key, Request, Status};
use std::sync::Arc;

/// What unknown keys were taken to be: [`Status::Known`] or [`Status::Absent`].
pub type Assignment = Vec<(Key, Status)>;

/// More combinations than this are not tried.
const ASSIGNMENTS: usize = 4096;

/// The decisions that unknown keys leave possible, sorted, each with values that lead to it. They are
/// two-valued, and what they say is exact: no other is possible. `None` where this cannot be told,
/// because something else is unknown or there are too many combinations.
#[must_use]
pub fn possible(layers: &Layers, request: &Request) -> Option<Vec<(Decision, Assignment)>> {
    of_trace(layers, request, &kleene_trace(layers, request))
}

/// [`possible`], of a request that has been traced.
pub(super) fn of_trace(
    layers: &Layers,
    request: &Request,
    trace: &Trace,
) -> Option<Vec<(Decision, Assignment)>> {
    if !request.context.is_plain() {
        return None;
    }
    let (open, statements) = undecided(layers, trace)?;
    let mut keys = Vec::new();
    for open in open {
        match open {
            Open::Key(key) if key.as_literal().is_some() => keys.push(Key::new(&key)),
            // Not a key: no combination of keys would settle it.
            Open::Key(_) | Open::Symbol(_) | Open::Contested(_) => return None,
        }
    }
    order::by(&mut keys, |a, b| a.text().cmp(b.text()));
    keys.dedup();
    if keys.is_empty() {
        return Some(vec![(trace.decision, Vec::new())]).filter(|_| is_certain(trace.decision));
    }
    let mut choices = Vec::with_capacity(keys.len());
    let mut combinations = 1_usize;
    for key in keys {
        let statuses = values::choices(&key, &statements, &request.context, ASSIGNMENTS)?;
        combinations = combinations.checked_mul(statuses.len())?;
        if combinations > ASSIGNMENTS {
            return None;
        }
        choices.push((key, statuses));
    }
    let mut found: Vec<(Decision, Assignment)> = Vec::new();
    let mut asked = request.clone();
    for combination in 0..combinations {
        let mut rest = combination;
        let mut chosen = Vec::with_capacity(choices.len());
        for (key, statuses) in &choices {
            let status = statuses.get(rest % statuses.len())?;
            rest /= statuses.len();
            chosen.push((key, status));
            asked.context.set(key.clone(), status.clone());
        }
        let decision = kleene(layers, &Asked::new(&asked));
        if !is_certain(decision) {
            return None;
        }
        if !found.iter().any(|(known, _)| *known == decision) {
            let assignment = chosen.into_iter().map(|(key, status)| (key.clone(), status.clone()));
            found.push((decision, assignment.collect()));
        }
    }
    order::by_key(&mut found, |(decision, _)| *decision);
    Some(found)
}

/// One of two-valued logic.
fn is_certain(decision: Decision) -> bool {
    matches!(decision, Decision::Allowed | Decision::ImplicitDeny | Decision::ExplicitDeny)
}

/// What is open in the statements that could still change the decision, and these statements.
fn undecided<'l>(layers: &'l Layers, trace: &Trace) -> Option<(Vec<Open>, Vec<&'l Prepared>)> {
    let mut found: Vec<(&StatementTrace, Option<&'l Prepared>)> = Vec::new();
    for layer in &trace.layers {
        let policies: &[Arc<Compiled>] = match layer.layer {
            Layer::Identity => &layers.identity,
            Layer::Boundary => layers.boundary.as_deref().unwrap_or(&[]),
            Layer::Session => layers.session.as_deref().unwrap_or(&[]),
            Layer::ServiceControl(level) => layers.service_control.get(level)?,
        };
        for statement in &layer.statements {
            let said = match statement.effect {
                Effect::Allow => layer.allow,
                Effect::Deny => layer.deny,
            };
            if said == Tri::Unknown && statement.matches == Tri::Unknown {
                let policy = policies.get(statement.document);
                let prepared = policy.and_then(|own| own.statements.get(statement.statement));
                found.push((statement, prepared.map(Arc::as_ref)));
            }
        }
    }
    if let (Some(attached), Some(own)) = (&trace.attached, &layers.attached) {
        if attached.same_account == Tri::Unknown {
            return None;
        }
        for statement in attached.statements.iter().filter(|one| one.matches == Tri::Unknown) {
            let policy = own.policy.as_ref();
            let prepared = policy.and_then(|own| own.statements.get(statement.statement));
            found.push((statement, prepared.map(Arc::as_ref)));
        }
    }
    let open = found.iter().flat_map(|(traced, _)| traced.open.iter().cloned()).collect();
    let statements = found.into_iter().map(|(_, prepared)| prepared).collect::<Option<_>>()?;
    Some((open, statements))
}
