//! How much work a request is, so that one line of hostile text does not keep the others waiting: results times what
//! has to be compared for each. Counted in comparisons, where a wildcard inside of a text costs one a character.

use crate::policy::Policy;
use crate::syntax::Text;

use super::request::SimulationRequest;

/// More comparisons are not made for one request: that is some seconds. A hundred thousand results of the largest
/// policies that AWS takes stay far below.
const MOST: u64 = 1 << 29;

/// What one policy holds that has to be compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effort {
    /// Statements, and texts in them.
    texts: u64,
    /// What is compared with each character of the action.
    actions: u64,
    /// What is compared with each character of the resource.
    resources: u64,
    /// What is compared with each character of the context.
    values: u64,
}

impl Effort {
    pub(super) fn of(policy: &Policy) -> Self {
        let mut out = Self::default();
        for statement in &policy.statements {
            out.texts += 1;
            add(&statement.action.values, &mut out.texts, &mut out.actions);
            if let Some(element) = &statement.resource {
                add(&element.values, &mut out.texts, &mut out.resources);
            }
            for line in &statement.conditions {
                out.texts += 1;
                add(&line.values, &mut out.texts, &mut out.values);
            }
        }
        out
    }

    fn and(self, other: Self) -> Self {
        Self {
            texts: self.texts + other.texts,
            actions: self.actions + other.actions,
            resources: self.resources + other.resources,
            values: self.values + other.values,
        }
    }
}

fn add(values: &[Text], texts: &mut u64, each: &mut u64) {
    *texts += values.len() as u64;
    for value in values {
        let written = value.as_literal().unwrap_or_default();
        if written.contains("${") {
            // With a variable, each character is compared with each.
            *each += written.len() as u64;
        } else if written.trim_end_matches('*').contains(['*', '?']) {
            *each += 1;
        }
    }
}

/// Whether a request with so many characters of context takes more than is done for one.
pub(super) fn is_too_much(request: &SimulationRequest, context: usize) -> bool {
    let documents = request.identity.iter().chain(&request.boundary).chain(&request.session);
    let documents = documents.chain(request.service_control.iter().flatten());
    let documents = documents.chain(&request.resource_policy);
    let all = documents.fold(Effort::default(), |all, document| all.and(document.effort));
    let length = |texts: &[Box<str>]| texts.iter().map(|text| text.len() as u64).sum::<u64>();
    let (actions, resources) = (request.actions.len() as u64, request.resources.len() as u64);
    let results = actions.saturating_mul(resources);
    let parts = [
        results.saturating_mul(all.texts),
        resources.saturating_mul(all.actions).saturating_mul(length(&request.actions)),
        actions.saturating_mul(all.resources).saturating_mul(length(&request.resources)),
        results.saturating_mul(all.values).saturating_mul(context as u64),
    ];
    parts.into_iter().fold(0, u64::saturating_add) > MOST
}
