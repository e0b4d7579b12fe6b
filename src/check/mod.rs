//! Compares what a Karpenter version asks with what the policies of a controller answer.
//!
//! A check knows policies, requests and decisions; it knows nothing of output formats.

mod beside;
mod broken_arn;
mod cause;
mod denied;
pub mod event;
pub mod granted;
mod judge;
mod judgement;
mod least;
mod mismatch;
mod nearest;
mod parts;
mod policy;
mod size;
pub mod trust;
mod unsettled;
mod versions;
pub mod words;

use std::sync::Arc;

use crate::controller::{Controller, Document};
use crate::eval::{Compiled, Layers, Readings};
use crate::finding::Finding;
use crate::karpenter::rules::RequestRule;
use crate::karpenter::{Failure, Rules, Version};
use crate::policy::symbolic::Symbols;
use crate::settings::infer::Resolved;
use crate::source::{SourceMap, Span};
use crate::syntax::Text;

pub use judge::Answer;
pub(crate) use judgement::Judgement;
pub(crate) use least::fill;
pub use policy::{Right, Tags, Told, check_document};
pub(crate) use size::number;
pub use size::{Limit, managed_policy_limit};
pub use versions::check_versions;

/// What one controller is judged with.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a, 'r> {
    /// The controller.
    pub controller: &'a Controller,
    /// All documents.
    pub documents: &'a [Document],
    /// Its settings.
    pub resolved: &'a Resolved,
    /// What Karpenter versions ask.
    pub rules: &'r Rules,
    /// All text.
    pub sources: &'a SourceMap,
    /// Whether to say also what could be better: size, least privilege.
    pub advice: bool,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Checked<'r> {
    /// The findings, in no particular order.
    pub findings: Vec<Finding>,
    /// What could be better, where that was asked for.
    pub advice: Vec<Finding>,
    /// The answer to each request, in call order.
    pub requests: Arc<[RequestAnswer<'r>]>,
    /// Names of what is not known, those of the requests included.
    pub symbols: Arc<Symbols>,
    /// Whether something hangs on what nobody can know.
    pub unsettled: bool,
}

/// The answer to one request.
#[derive(Debug, Clone, Copy)]
pub struct RequestAnswer<'r> {
    /// The request.
    pub rule: &'r RequestRule,
    /// The answer.
    pub answer: Answer,
}

impl RequestAnswer<'_> {
    /// 412, 200, 403, or nothing when unsettled.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        match (self.answer, self.rule.dry_run) {
            (Answer::Allowed, true) => Some(412),
            (Answer::Allowed, false) => Some(200),
            (Answer::Unsettled, _) => None,
            (Answer::ImplicitDeny | Answer::ExplicitDeny, _) => Some(403),
        }
    }

    /// Condition, reason, message and symptom in a version, where it is not allowed.
    #[must_use]
    pub fn failure(&self, version: Version) -> Option<Failure> {
        (self.answer != Answer::Allowed).then(|| self.rule.failure(version))
    }
}

/// Judges one controller.
#[must_use]
pub fn check<'r>(case: Case<'_, 'r>) -> Checked<'r> {
    check_versions(&[case]).pop().unwrap_or_default()
}

/// What is too long in a document that binds no controller.
#[must_use]
pub fn size_alone(document: &Document, sources: &SourceMap) -> Option<Finding> {
    let mut finding = size::alone(document, sources)?;
    finding.sid = sid_at(document, finding.primary.span);
    Some(finding)
}

/// The `Sid` of the statement that a place lies in.
fn sid_at(document: &Document, place: Span) -> Option<String> {
    let mut inside = document.policy.statements.iter().filter(|own| own.span.contains(place));
    inside.next()?.sid.as_ref().map(Text::display)
}

pub(crate) fn layers(case: &Case<'_, '_>) -> Layers {
    // What AWS's documents leave open stays open here: a guess would be a false certainty.
    let bind = |hole: &str| case.resolved.resolve(hole);
    let compile = |&index: &usize| {
        let document = case.documents.get(index)?;
        Some(Arc::new(Compiled::with_readings(&document.policy, &bind, Readings::Open)))
    };
    let all = |indices: &[usize]| indices.iter().filter_map(compile).collect::<Vec<_>>();
    Layers {
        identity: all(&case.controller.identity),
        boundary: case.controller.boundary.map(|index| all(&[index])),
        service_control: case.controller.service_control.iter().map(|level| all(level)).collect(),
        ..Layers::default()
    }
}
