//! A missing permission, and a grant that leaves a resource out.

use crate::eval::traced::Traced;
use crate::eval::{Layer, Tri};
use crate::finding::{Finding, Label, Word};
use crate::karpenter::Phase;
use crate::order;
use crate::policy::Effect;

use super::super::cause::Cause;
use super::super::mismatch;
use super::super::nearest::failing_layer;
use super::super::words::{self, code, distinct, list};
use super::{Teller, grant};

/// How many new statements are shown to people.
const PROPOSED: usize = 8;

/// One statement to add: whether request and resource tags limit it and its service, its actions,
/// its resources.
type Grant = ((bool, bool, String), Vec<String>, Vec<String>);

/// How a statement names its actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    /// One, without brackets.
    Single,
    Several,
    /// Those that it does not grant.
    Negated,
}

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
                let actions = list(&actions, 3);
                // AWS authorises some actions on nothing, and a list of ARNs does not grant them.
                let apart = statement.resource.as_ref().is_some_and(|own| {
                    own.values.iter().all(|value| value.as_literal() != Some("*"))
                }) && members.iter().all(|m| grant::is_without_resource(m.asked.entry));
                let message = match (statement.action.negated, apart) {
                    (true, _) => format!("`NotAction` leaves out {actions}"),
                    (_, true) => format!("{actions} is granted on `*` alone, not on these"),
                    (_, false) => format!("add {actions} here{target}"),
                };
                vec![Label { span, message }]
            })
        };
        let places = labels.len();
        let lists = self.lists();
        let help = if lists.contains(&List::Negated) {
            None
        } else if labels.is_empty() {
            labels.push(Label { span: self.fallback_span(), message: self.new_statement() });
            None
        } else {
            let things = if lists.contains(&List::Single) { "places" } else { "lists" };
            let place = match places {
                1 if lists == [List::Single] => "this action, in a list".to_owned(),
                1 => "this list".to_owned(),
                2 => format!("these two {things}"),
                3 => format!("these three {things}"),
                more => format!("these {more} {things}"),
            };
            let quoted: Vec<String> =
                actions.iter().map(|action| format!("\"{action}\"")).collect();
            Some(format!("add {} to {place}", list(&quoted, 6)))
        };
        let mut finding = self.build("missing-permission", message, labels);
        match help {
            Some(help) => finding.help = Some(help),
            None => self.propose(&mut finding),
        }
        finding
    }

    /// How the statements that come nearest name their actions.
    fn lists(&self) -> Vec<List> {
        let near = self.group.members.iter().filter_map(|member| self.statement(member.nearest?));
        let mut kinds: Vec<List> = near
            .map(|statement| match (statement.action.negated, statement.action.is_list) {
                (true, _) => List::Negated,
                (false, true) => List::Several,
                (false, false) => List::Single,
            })
            .collect();
        order::sort(&mut kinds);
        kinds.dedup();
        kinds
    }

    /// Makes the words follow the change where it is another one than what is next at hand. What was
    /// proposed says it all already.
    pub(super) fn say_what_is_done(&self, finding: &mut Finding, proposed: bool) {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.can_be_applied()) else { return };
        let near = matches!(self.group.cause, Cause::Action(_));
        if !near && proposed || finding.help.as_ref() == Some(&fix.title) {
            return;
        }
        let title = fix.title.clone();
        for fact in finding.facts.iter_mut().filter(|fact| fact.word == Word::Fix) {
            fact.lines = vec![title.clone()];
        }
        finding.help = Some(title);
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
        if !self.group.members.iter().any(|member| member.asked.is_must_have()) {
            return String::new();
        }
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

    pub(super) fn resource(&self) -> Finding {
        let symbols = self.judged.symbols();
        let labels = self.labels(|_, statement, members| {
            let Some(element) = &statement.resource else { return Vec::new() };
            let needed = distinct(members.iter().map(|m| words::short_resource(m.asked, symbols)));
            let whole = distinct(members.iter().map(|m| words::resource(m.asked, symbols)));
            let near = mismatch::nearest_resource(&element.values, &whole);
            let span = near.map_or(element.span, |text| text.span);
            let written = near.map(|text| text.display()).unwrap_or_default();
            // The short form says nothing where the type is the same.
            let alike = needed.iter().any(|short| written.ends_with(short.as_str()));
            let shown = if alike {
                let keep = |symbol| self.judged.hole_for(symbol);
                distinct(members.iter().map(|m| words::pattern_for(m.asked, keep)))
            } else {
                needed
            };
            vec![Label { span, message: format!("leaves out {}", list(&shown, 3)) }]
        });
        let name = self
            .statement_of_first()
            .map(|(s, index)| words::statement_name(s, index))
            .unwrap_or_default();
        let keep = |symbol| self.judged.hole_for(symbol);
        let patterns = distinct(
            self.group.members.iter().map(|m| format!("\"{}\"", words::pattern_for(m.asked, keep))),
        );
        let unlimited = self.statement_of_first().is_some_and(|(s, _)| s.conditions.is_empty());
        let tagged = self.group.members.iter().any(|member| member.asked.entry.is_tagged());
        let help = if tagged && unlimited {
            // What Karpenter tags does not belong into a statement that asks for no tags.
            None
        } else if patterns == ["\"*\""] {
            Some(format!("write \"*\" as the resource: AWS asks for {} without one", self.what()))
        } else {
            Some(format!("add {} to the resources", list(&patterns, 4)))
        };
        let message = format!("{} denied{}: no resource of {name} matches", self.what(), self.on());
        let mut finding = self.build("resource-mismatch", message, labels);
        match help {
            Some(help) => finding.help = Some(help),
            None => self.propose(&mut finding),
        }
        finding
    }

    /// Proposes new statements: all of them in the help, the first ones to people.
    fn propose(&self, finding: &mut Finding) {
        let mut lines = self.sketch();
        finding.help = Some(lines.join("; "));
        if lines.len() > PROPOSED {
            let more = lines.len() - PROPOSED;
            lines.truncate(PROPOSED);
            lines.push(format!("and {more} more like these; --format json has them all"));
        }
        finding.fact(Word::Fix, lines);
    }

    /// New statements that would do, a line each: actions, resources, whether tags limit them.
    fn sketch(&self) -> Vec<String> {
        let keep = |symbol| self.judged.hole_for(symbol);
        let mut lines: Vec<Grant> = Vec::new();
        for member in &self.group.members {
            let entry = member.asked.entry;
            let action = entry.request.action.to_string();
            let service = action.split(':').next().unwrap_or_default().to_owned();
            let resource = words::pattern_for(member.asked, keep);
            let key =
                (entry.rule.request_tags.is_some(), entry.rule.resource_tags.is_some(), service);
            // What has no resource type does not go with what has one.
            let alone = resource == "*";
            let same = lines.iter_mut().find(|(known, _, resources)| {
                *known == key && resources.iter().any(|r| r == "*") == alone
            });
            let (_, actions, resources) = match same {
                Some(line) => line,
                None => {
                    lines.push((key, Vec::new(), Vec::new()));
                    let Some(line) = lines.last_mut() else { continue };
                    line
                }
            };
            for (list, item) in [(actions, action), (resources, resource)] {
                if !list.contains(&item) {
                    list.push(item);
                }
            }
        }
        let quote = |items: &[String]| {
            items.iter().map(|i| format!("\"{i}\"")).collect::<Vec<_>>().join(", ")
        };
        lines
            .iter()
            .map(|((request, resource, _), actions, resources)| {
                let tags = match (request, resource) {
                    (true, _) => ", limited by aws:RequestTag to the cluster's tags",
                    (false, true) => ", limited by aws:ResourceTag to the cluster's tags",
                    (false, false) => "",
                };
                format!("allow {} on {}{tags}", quote(actions), quote(resources))
            })
            .collect()
    }
}

/// Whether some Allow of the layer that fails names the action at all.
fn grants_action(trace: &Traced) -> bool {
    failing_layer(trace).is_some_and(|layer| {
        layer.statements().any(|s| s.effect == Effect::Allow && s.action != Tri::False)
    })
}
