//! A missing permission, and a grant that leaves a resource out.

use crate::eval::{Layer, Trace, Tri};
use crate::finding::{Finding, Label};
use crate::karpenter::Phase;
use crate::policy::Effect;

use super::super::cause::Cause;
use super::super::mismatch;
use super::super::nearest::failing_layer;
use super::super::words::{self, code, distinct, list};
use super::Teller;

impl Teller<'_, '_, '_, '_> {
    pub(super) fn missing(&self) -> Finding {
        let granted = |action: &str| {
            self.group
                .members
                .iter()
                .filter(|member| &*member.asked.entry.request.action == action)
                .any(|member| member.asked.trace.as_ref().is_some_and(grants_action))
        };
        let actions = self.actions();
        let nowhere: Vec<String> =
            actions.iter().filter(|action| !granted(action)).map(|action| code(action)).collect();
        let trace = self.group.members.iter().find_map(|member| member.asked.trace.as_ref());
        let layer = trace.and_then(failing_layer).map(|layer| layer.layer);
        let of = layer.map_or("", |layer| match layer {
            Layer::Identity => "",
            Layer::Boundary => " of the permissions boundary",
            _ => " of the service control policies",
        });
        let message = if nowhere.is_empty() {
            format!("no statement{of} grants {}{}", self.what(), self.on())
        } else if nowhere.len() == actions.len() {
            let purpose = match actions.as_slice() {
                [_] => self.purpose(),
                _ => String::new(),
            };
            format!("no statement{of} grants {}{purpose}", list(&nowhere, 3))
        } else {
            format!(
                "no statement{of} grants {}, nor all that {} needs",
                list(&nowhere, 3),
                self.partly(&nowhere)
            )
        };
        let mut labels = if matches!(self.group.cause, Cause::Nothing { .. }) {
            Vec::new()
        } else {
            self.labels(|_, statement, members| {
                let actions: Vec<String> =
                    distinct(members.iter().map(|m| m.asked.entry.request.action.to_string()))
                        .iter()
                        .map(|a| code(a))
                        .collect();
                let resources = distinct(
                    members.iter().map(|m| words::short_resource(m.asked, self.judged.symbols())),
                );
                let target = if resources == ["*"] {
                    String::new()
                } else {
                    format!(", for {}", list(&resources, 3))
                };
                let span = statement
                    .action
                    .values
                    .last()
                    .map_or(statement.action.span, |value| value.span);
                vec![Label { span, message: format!("add {} here{target}", list(&actions, 3)) }]
            })
        };
        let places = labels.len();
        let help = if labels.is_empty() {
            labels.push(Label { span: self.fallback_span(), message: self.new_statement() });
            format!("add a statement that allows {}{}{}", self.what(), self.on(), self.with_tags())
        } else {
            let place = match places {
                1 => "this list".to_owned(),
                2 => "these two lists".to_owned(),
                3 => "these three lists".to_owned(),
                more => format!("these {more} lists"),
            };
            let quoted: Vec<String> =
                actions.iter().map(|action| format!("\"{action}\"")).collect();
            format!("add {} to {place}", list(&quoted, 6))
        };
        let mut finding = self.build("missing-permission", message, labels);
        finding.help = Some(help);
        finding
    }

    fn partly(&self, nowhere: &[String]) -> String {
        let rest: Vec<String> = self
            .actions()
            .iter()
            .map(|action| code(action))
            .filter(|action| !nowhere.contains(action))
            .collect();
        list(&rest, 3)
    }

    /// What the action is for, in half a sentence.
    fn purpose(&self) -> String {
        let phases: Vec<Phase> =
            self.group.members.iter().map(|member| member.asked.need.rule.phase).collect();
        let calls: Vec<&str> =
            self.group.members.iter().map(|member| &*member.asked.need.rule.call).collect();
        let action = self.actions().first().cloned().unwrap_or_default();
        if phases.contains(&Phase::Launch) {
            return if calls.contains(&action.as_str()) {
                ", which every launch calls".to_owned()
            } else {
                format!(
                    ", which every launch needs inside {}",
                    words::call_name(calls.first().unwrap_or(&""))
                )
            };
        }
        String::new()
    }

    fn new_statement(&self) -> String {
        format!("no statement comes near; add one for {}", self.what())
    }

    fn with_tags(&self) -> String {
        let tagged = self.group.members.iter().any(|member| member.asked.entry.is_tagged());
        if tagged { ", limited to the cluster's tags".to_owned() } else { String::new() }
    }

    pub(super) fn resource(&self) -> Finding {
        let symbols = self.judged.symbols();
        let labels = self.labels(|_, statement, members| {
            let Some(element) = &statement.resource else { return Vec::new() };
            let needed = distinct(members.iter().map(|m| words::short_resource(m.asked, symbols)));
            let whole = distinct(members.iter().map(|m| words::resource(m.asked, symbols)));
            let near = mismatch::nearest_resource(&element.values, &whole);
            let span = near.map_or(element.span, |text| text.span);
            vec![Label { span, message: format!("leaves out {}", list(&needed, 3)) }]
        });
        let kind = self.statement_of_first().and_then(|(statement, _)| {
            let element = statement.resource.as_ref()?;
            let whole =
                distinct(self.group.members.iter().map(|m| words::resource(m.asked, symbols)));
            mismatch::kind(element, &whole, self.judged.settings(), symbols)
        });
        let name = self
            .statement_of_first()
            .map(|(s, index)| words::statement_name(s, index))
            .unwrap_or_default();
        let (rule, message, help, written) = match kind {
            Some(mismatch::Kind::Partition { written, wanted }) => (
                "partition-mismatch",
                format!(
                    "{} denied: the ARN is of partition `{written}`, the cluster is in `{wanted}`",
                    self.what()
                ),
                format!("write `arn:{wanted}:` in place of `arn:{written}:`"),
                Some(written),
            ),
            Some(mismatch::Kind::Cluster { written, wanted }) => (
                "cluster-name-mismatch",
                format!(
                    "{} denied: {name} is for cluster `{written}`, Karpenter runs in `{wanted}`",
                    self.what()
                ),
                format!("write `{wanted}` in place of `{written}`"),
                Some(written),
            ),
            None => {
                let keep = |symbol| self.judged.hole_for(symbol);
                let patterns = distinct(
                    self.group
                        .members
                        .iter()
                        .map(|member| format!("\"{}\"", words::pattern_for(member.asked, keep))),
                );
                (
                    "resource-mismatch",
                    format!("{} denied{}: no resource of {name} matches", self.what(), self.on()),
                    format!("add {} to the resources", list(&patterns, 4)),
                    None,
                )
            }
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(help);
        finding.data.written = written;
        finding
    }
}

/// Whether some Allow of the layer that fails names the action at all.
fn grants_action(trace: &Trace) -> bool {
    failing_layer(trace).is_some_and(|layer| {
        layer.statements.iter().any(|s| s.effect == Effect::Allow && s.action != Tri::False)
    })
}
