//! Which parts of the Allow statements of a policy are of use for given requests.

use std::sync::Arc;

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
        let statement = |prepared: &Arc<Prepared>| StatementUsage {
            // A Deny grants nothing.
            full: prepared.effect == Effect::Deny,
            actions: vec![false; prepared.action.patterns.len()],
            resources: vec![false; prepared.resource.as_ref().map_or(0, |r| r.patterns.len())],
            ..StatementUsage::default()
        };
        Self { statements: policy.statements.iter().map(statement).collect() }
    }

    /// Notes what a request makes use of.
    pub(crate) fn ask(&mut self, policy: &Compiled, asked: &Asked<'_>) {
        for candidate in policy.candidates(Effect::Allow, asked) {
            let (Candidate::Exact(super::index::Place { statement: number, .. })
            | Candidate::Loose(number)) = candidate;
            if let (Some(prepared), Some(usage)) =
                (policy.statements.get(number), self.statements.get_mut(number))
            {
                usage.ask(prepared, asked);
            }
        }
    }

    /// Whether nothing is left to find out of the Allow statements.
    pub(crate) fn is_full(&self) -> bool {
        self.statements.iter().all(|statement| statement.full)
    }
}

/// Whether some Allow statement of `policy`, which is the one at `number`, may match `request`.
pub(crate) fn serves(policy: &Compiled, number: usize, request: &Request) -> bool {
    let prepared = policy.statements.get(number);
    prepared.is_some_and(|prepared| prepared.matches(&Asked::new(request)) != Tri::False)
}

impl StatementUsage {
    fn ask(&mut self, prepared: &Prepared, asked: &Asked<'_>) {
        if self.full {
            return;
        }
        let action = &asked.request.action;
        if prepared.action.covers(action) == Tri::False {
            return;
        }
        self.named = true;
        // Most requests tell nothing new of a statement that is of use.
        let negated = prepared.action.is_negated();
        let news = |flags: &[bool], matches: &dyn Fn(usize) -> bool| {
            flags.iter().enumerate().any(|(at, used)| !used && matches(at))
        };
        let acts = |at: usize| {
            negated
                || prepared.action.patterns.get(at).is_some_and(|p| p.matches(action) != Tri::False)
        };
        let resource = prepared.resource.as_ref();
        let covers = |at: usize| {
            resource.is_some_and(|own| {
                let pattern = own.patterns.get(at);
                own.is_negated() || pattern.is_some_and(|p| own.pattern(p, asked) != Tri::False)
            })
        };
        if self.used && !news(&self.actions, &acts) && !news(&self.resources, &covers) {
            return;
        }
        if resource.is_some_and(|own| own.covers(asked) == Tri::False) {
            return;
        }
        self.reached = true;
        let context = &asked.request.context;
        if prepared.lines.iter().any(|line| line.holds(context) == Tri::False) {
            return;
        }
        self.used = true;
        for (at, flag) in self.actions.iter_mut().enumerate() {
            *flag = *flag || acts(at);
        }
        for (at, flag) in self.resources.iter_mut().enumerate() {
            *flag = *flag || covers(at);
        }
        self.full = self.is_full();
    }

    /// Whether every part of the statement is of use.
    pub(crate) fn is_full(&self) -> bool {
        self.used && self.actions.iter().chain(&self.resources).all(|used| *used)
    }
}
