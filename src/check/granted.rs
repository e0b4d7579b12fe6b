//! Where the policies grant something: for who asks not what is missing, but what is there already.

use crate::eval::{Tri, trace};
use crate::karpenter::needs;
use crate::policy::Effect;
use crate::policy::symbolic::Symbols;
use crate::source::Span;

use super::{Case, layers};

/// An authorisation, by its request, action and resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Id of the request.
    pub request: &'a str,
    /// `ec2:CreateFleet`.
    pub action: &'a str,
    /// `instance`; empty for `*`.
    pub resource_type: &'a str,
}

/// For each of `wanted`, the action in the first identity statement that grants it.
#[must_use]
pub fn granted(case: Case<'_, '_>, wanted: &[Wanted<'_>]) -> Vec<Option<Span>> {
    let mut symbols = Symbols::clone(&case.resolved.symbols);
    let needs = needs(case.rules, &case.resolved.settings, &mut symbols);
    let layers = layers(&case);
    let place = |wanted: &Wanted<'_>| {
        let need = needs.iter().find(|need| *need.rule.id == *wanted.request)?;
        let entry = need.entries.iter().find(|entry| {
            *entry.rule.action == *wanted.action && entry.resource_type == wanted.resource_type
        })?;
        let traced = trace(&layers, &entry.request);
        let grants = traced.layers.first()?.statements.iter().find(|statement| {
            statement.effect == Effect::Allow && statement.matches == Tri::True
        })?;
        let index = case.controller.identity.get(grants.document)?;
        let policy = &case.documents.get(*index)?.policy;
        let action = &policy.statements.get(grants.statement)?.action;
        let named = grants.actions.iter().position(|holds| *holds == Tri::True);
        let value = named.filter(|_| !action.negated).and_then(|at| action.values.get(at));
        Some(value.map_or(action.span, |value| value.span))
    };
    wanted.iter().map(place).collect()
}
