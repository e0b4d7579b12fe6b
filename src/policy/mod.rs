//! An IAM policy document as typed, spanned data, and what can be asked of it. This room knows the
//! grammar of IAM (IAM User Guide, *Grammar of the IAM JSON policy language*) and nothing of
//! Karpenter, files or reports.

pub mod action;
pub(crate) mod classes;
pub mod condition;
pub mod globs;
pub mod lower;
mod matching;
mod parse;
pub mod pattern;
pub mod principal;
pub mod request;
pub mod resource;
pub mod size;
pub mod symbolic;
#[cfg(test)]
pub(crate) mod testing;
pub mod tri;

pub use parse::ParseError;

use crate::source::Span;
use crate::syntax::{Text, When};

/// One policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The whole object.
    pub span: Span,
    /// The `Statement` key: where a finding stands when no statement comes near.
    pub statement_key: Span,
    /// The language version in force.
    pub version: Version,
    /// The value of `Version`, if there is one.
    pub version_span: Option<Span>,
    /// `Id`.
    pub id: Option<Text>,
    /// The statements, in order. A statement that AWS would refuse is left out and is a problem.
    pub statements: Vec<Statement>,
    /// Items of `Statement` that are not known before deployment: each may be any statements.
    pub unknown: Vec<Text>,
}

/// The policy language version (IAM User Guide, *IAM JSON policy elements: Version*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`, or absent: `${…}` is literal text.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// `Effect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The whole object.
    pub span: Span,
    /// `Sid`.
    pub sid: Option<Text>,
    /// `Effect`.
    pub effect: Effect,
    /// The value of `Effect`.
    pub effect_span: Span,
    /// `Action` or `NotAction`.
    pub action: Element,
    /// `Resource` or `NotResource`; `None` where the statement covers what it is attached to.
    pub resource: Option<Element>,
    /// `Principal` or `NotPrincipal`.
    pub principal: Option<Principal>,
    /// The lines of `Condition`, in order: one for each operator and key.
    pub conditions: Vec<Condition>,
    /// The value of `Condition`, if there is one.
    pub condition_span: Option<Span>,
    /// What the statement hangs on in the text around the policy: all must hold for it to be there.
    pub when: Vec<When>,
}

impl Statement {
    /// Whether nobody knows if it allows or denies: then it stands in its policy as both, and hangs on which.
    #[must_use]
    pub fn has_open_effect(&self) -> bool {
        self.when.iter().any(|when| when.span == self.effect_span)
    }

    /// Whether the statement has this effect, and no other.
    #[must_use]
    pub fn is_surely(&self, effect: Effect) -> bool {
        self.effect == effect && !self.has_open_effect()
    }

    /// Every text that decides what the statement is about, principals aside.
    #[cfg(feature = "cli")]
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Text> {
        let resources = self.resource.iter().flat_map(|element| &element.values);
        let lines = self
            .conditions
            .iter()
            .flat_map(|line| [&line.operator, &line.key].into_iter().chain(&line.values));
        self.action.values.iter().chain(resources).chain(lines)
    }
}

/// A list element of a statement: `Action`, `NotAction`, `Resource`, `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Whether it is the `Not…` form.
    pub negated: bool,
    /// The key, without its quotes.
    pub key: Span,
    /// The whole value.
    pub span: Span,
    /// Whether the value is written as a list.
    pub is_list: bool,
    /// The values, in order.
    pub values: Vec<Text>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// The key, without its quotes.
    pub key: Span,
    /// Pairs of type (`AWS`, `Service`, `Federated`, `CanonicalUser`, or `*`) and value.
    pub values: Vec<(Box<str>, Text)>,
}

/// One line of a `Condition` block.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The operator, as written: `ForAllValues:StringEqualsIfExists`.
    pub operator: Text,
    /// The condition key, as written.
    pub key: Text,
    /// The whole value.
    pub span: Span,
    /// Whether the value is written as a list.
    pub is_list: bool,
    /// The values, in order; numbers and booleans as their text.
    pub values: Vec<Text>,
}
