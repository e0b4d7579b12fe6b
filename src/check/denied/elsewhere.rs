//! Statements that are right but for the partition, region, account or cluster they are meant for.

use crate::finding::{Finding, Label};

use super::super::cause::Cause;
use super::super::mismatch::{self, Place};
use super::Teller;

impl Teller<'_, '_, '_, '_> {
    pub(super) fn elsewhere(&self) -> Finding {
        let Cause::Elsewhere(found) = &self.group.cause else { return self.missing() };
        let (written, wanted) = (&found.written, &found.wanted);
        let (settings, symbols) = (self.judged.settings(), self.judged.symbols());
        let labels = self.labels(|candidate, statement, members| {
            let spans = members.iter().filter_map(|member| {
                mismatch::elsewhere(candidate, statement, member.asked, settings, symbols)
            });
            let message = match found.what {
                Place::Partition => format!("the cluster is in `{wanted}`"),
                what => format!("the {} is `{wanted}`", what.name()),
            };
            let label = |span| Label { span, message: message.clone() };
            spans.flat_map(|(_, spans)| spans).map(label).collect()
        });
        let first = self.group.members.first();
        let by_condition =
            first.and_then(|member| member.nearest).is_some_and(|near| !near.fails.resource);
        let rule = match found.what {
            Place::Partition => "partition-mismatch",
            Place::Cluster => "cluster-name-mismatch",
            _ if by_condition => "condition-mismatch",
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
        finding.help = Some(match found.what {
            Place::Partition => {
                format!("write `arn:{wanted}:` in place of `arn:{written}:`{places}")
            }
            _ => format!("write `{wanted}` in place of `{written}`{places}"),
        });
        finding.data.written = Some(written.clone());
        finding.data.condition = None;
        finding
    }
}
