//! Which parts of the Allow statements of a policy are of use for given requests.

use super::Compiled;
use super::compile::{Asked, Prepared};
use super::index::Candidate;
use crate::policy::Effect;
use crate::policy::request::Request;
use crate::policy::tri::Tri;

/// What requests have made use of, statement by statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    pub(crate) statements: Vec<StatementUsage>,
}

/// One statement. What may match counts as of use: nobody shall be told to remove it.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatementUsage {
    /// By value of `Action`: some request needs it. All of them count together under `NotAction`.
    pub(crate) actions: Vec<bool>,
    /// By value of `Resource`.
    pub(crate) resources: Vec<bool>,
    /// Whether some request is for an action of the statement.
    pub(crate) named: bool,
    /// Whether one of these is for a resource of it.
    pub(crate) reached: bool,
    /// Whether one of these meets its conditions.
    pub(crate) used: bool,
    /// Whether nothing is left to find out.
    full: bool,
}

impl Usage {
    /// Nothing is of use yet.
    pub(crate) fn new(policy: &Compiled) -> Self {
        let statement = |prepared: &Prepared| StatementUsage {
            actions: vec![false; prepared.action.patterns.len()],
            resources: vec![false; prepared.resource.as_ref().map_or(0, |r| r.patterns.len())],
            ..StatementUsage::default()
        };
        Self { statements: policy.statements.iter().map(statement).collect() }
    }

    /// Notes what `request` makes use of; `seen` is called with each Allow statement that may match it.
    pub(crate) fn ask(
        &mut self,
        policy: &Compiled,
        request: &Request,
        mut seen: impl FnMut(usize),
    ) {
        let asked = Asked::new(request);
        for candidate in policy.candidates(Effect::Allow, &asked) {
            let (Candidate::Exact(super::index::Place { statement: number, .. })
            | Candidate::Loose(number)) = candidate;
            let (Some(prepared), Some(usage)) =
                (policy.statements.get(number), self.statements.get_mut(number))
            else {
                continue;
            };
            if usage.ask(prepared, &asked) {
                seen(number);
            }
        }
    }
}

impl StatementUsage {
    fn ask(&mut self, prepared: &Prepared, asked: &Asked<'_>) -> bool {
        let action = &asked.request.action;
        if prepared.action.covers(action) == Tri::False {
            return false;
        }
        self.named = true;
        if prepared.resource.as_ref().is_some_and(|r| r.covers(asked) == Tri::False) {
            return false;
        }
        self.reached = true;
        let context = &asked.request.context;
        if prepared.lines.iter().any(|line| line.holds(context) == Tri::False) {
            return false;
        }
        self.used = true;
        if self.full {
            return true;
        }
        let negated = prepared.action.is_negated();
        for (flag, pattern) in self.actions.iter_mut().zip(&prepared.action.patterns) {
            *flag |= negated || pattern.matches(action) != Tri::False;
        }
        if let Some(resource) = &prepared.resource {
            for (flag, pattern) in self.resources.iter_mut().zip(&resource.patterns) {
                *flag |= resource.is_negated() || resource.pattern(pattern, asked) != Tri::False;
            }
        }
        self.full = self.is_full();
        true
    }

    /// Whether every part of the statement is of use.
    pub(crate) fn is_full(&self) -> bool {
        self.used && self.actions.iter().chain(&self.resources).all(|used| *used)
    }
}
