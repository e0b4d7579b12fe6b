//! Statements that are right but for the partition, region, account or cluster they are meant for.

use crate::finding::{Finding, Label};
use crate::order;
use crate::source::Span;

use super::super::cause::Cause;
use super::super::mismatch::{self, Elsewhere, Place};
use super::super::words::list;
use super::Teller;

impl Teller<'_, '_, '_, '_> {
    pub(super) fn elsewhere(&self) -> Finding {
        let Cause::Elsewhere(found) = &self.group.cause else { return self.missing() };
        let (written, wanted) = (&found.written, &found.wanted);
        let (settings, symbols) = (self.judged.settings(), self.judged.symbols());
        let labels = self.labels(|candidate, statement, members| {
            let differing = members.iter().filter_map(|member| {
                mismatch::elsewhere(candidate, statement, member.asked, settings, symbols)
            });
            // Of several differences in one token the first is told.
            let label = |(found, span): (Elsewhere, Span)| Label { span, message: says(&found) };
            differing.flatten().map(label).collect()
        });
        let rule = match found.what {
            Place::Partition => "partition-mismatch",
            Place::Cluster => "cluster-name-mismatch",
            _ if self.by_condition() => "condition-mismatch",
            _ => "resource-mismatch",
        };
        let what = self.what();
        let message = match found.what {
            Place::Cluster => format!(
                "{what} denied: the policy is for cluster `{written}`, Karpenter runs in `{wanted}`"
            ),
            place => format!(
                "{what} denied: the policy is for {} `{written}`, the cluster is in `{wanted}`",
                place.name()
            ),
        };
        let places = match labels.len() {
            0 | 1 => String::new(),
            2 => ", in both places".to_owned(),
            several => format!(", in all {several} places"),
        };
        let mut finding = self.build(rule, message, labels);
        let mut changes: Vec<Elsewhere> = self
            .group
            .members
            .iter()
            .filter_map(|member| {
                let near = member.nearest?;
                let statement = self.statement(near)?;
                mismatch::elsewhere(near, statement, member.asked, settings, symbols)
            })
            .flatten()
            .map(|(found, _)| found)
            .collect();
        order::sort(&mut changes);
        changes.dedup();
        let changes: Vec<String> = changes
            .iter()
            .map(|Elsewhere { what, written, wanted }| match what {
                Place::Partition => format!("`arn:{wanted}:` in place of `arn:{written}:`"),
                _ => format!("`{wanted}` in place of `{written}`"),
            })
            .collect();
        finding.help = Some(format!("write {}{places}", list(&changes, 4)));
        finding.data.written = Some(written.clone());
        finding
    }

    /// Whether it is a condition that names another place.
    pub(super) fn by_condition(&self) -> bool {
        let first = self.group.members.first();
        first.and_then(|member| member.nearest).is_some_and(|near| !near.fails.resource)
    }
}

/// What belongs there.
fn says(found: &Elsewhere) -> String {
    match found.what {
        Place::Partition => format!("the cluster is in `{}`", found.wanted),
        what => format!("the {} is `{}`", what.name(), found.wanted),
    }
}
