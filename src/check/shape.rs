//! Findings about the document itself: what AWS would refuse.

use crate::controller::Document;
use crate::finding::{Finding, Severity};
use crate::source::Span;

/// One finding for each problem, but for those at a place that `told` speaks of already.
#[must_use]
pub(super) fn findings(document: &Document, told: &[Span]) -> Vec<Finding> {
    document
        .problems
        .iter()
        .filter(|problem| !told.contains(&problem.span))
        .map(|problem| {
            let mut finding =
                Finding::new(problem.rule, Severity::Error, problem.span, problem.message.clone());
            finding.help = problem.help.clone();
            finding.address = document.origin.address.clone();
            if let Some(help) = &finding.help {
                let help = help.clone();
                finding.fact(crate::finding::Word::Fix, vec![help]);
            }
            finding
        })
        .collect()
}
