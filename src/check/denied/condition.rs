//! A condition that does not hold, a token that is misspelt, a Deny that matches.

use crate::finding::{ConditionData, Finding, Label};
use crate::policy::{Condition, Statement};
use crate::syntax::Text;

use super::super::cause::{Cause, Member};
use super::super::mismatch;
use super::super::words::{self, distinct, list};
use super::{Teller, at_fault, quoted, short_key};

impl<'a, 'n, 'r> Teller<'a, 'n, 'r, '_> {
    pub(super) fn condition(&self) -> Finding {
        let labels = self.labels(|candidate, statement, members| {
            let lines =
                candidate.fails.lines.iter().filter_map(|&line| statement.conditions.get(line));
            lines
                .map(|condition| {
                    let sent = self.sent(condition, members);
                    Label { span: at_fault(condition), message: says(condition, &sent) }
                })
                .collect()
        });
        let lines = self.failing_lines();
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        let Some(condition) = lines.first() else {
            return self.build(
                "condition-mismatch",
                format!("{} denied: a condition does not hold", self.what()),
                labels,
            );
        };
        let sent = self.sent(condition, &all);
        let key = condition.key.display();
        let mut written = None;
        let (rule, message, help) = if let Some((wanted, text)) = self.other_cluster(condition) {
            written = Some(text.clone());
            (
                "cluster-name-mismatch",
                format!(
                    "{} denied: `{key}` is for cluster `{text}`, Karpenter runs in `{wanted}`",
                    self.what()
                ),
                format!("write `{wanted}` in place of `{text}`"),
            )
        } else if key.eq_ignore_ascii_case("iam:PassedToService") {
            (
                "pass-role-service",
                format!(
                    "`iam:PassRole` denied: the role is passed to {}, which the condition leaves out",
                    list(&quoted(&sent), 3)
                ),
                format!("\"iam:PassedToService\": {}", as_json(&with_values(condition, &sent))),
            )
        } else {
            (
                "condition-mismatch",
                self.condition_message(condition, &sent),
                condition_help(condition, &sent),
            )
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(help);
        finding.data.written = written;
        finding
    }

    fn condition_message(&self, condition: &Condition, sent: &[String]) -> String {
        let key = condition.key.display();
        let what = self.what();
        let operator = condition.operator.display();
        match sent {
            [] => format!("{what} denied: `{key}` is not sent with it"),
            [one] if operator == "StringEquals" || operator == "StringLike" => {
                let shown = short_key(&key);
                match condition.values.len() {
                    0 | 1 if one.is_empty() => format!(
                        "{what} denied: Karpenter sends `{shown}` empty, the policy wants {}",
                        wants(condition)
                    ),
                    0 | 1 => format!(
                        "{what} denied: Karpenter sends `{one}` as `{shown}`, the policy wants {}",
                        wants(condition)
                    ),
                    _ => format!("{what} denied: `{shown}` lacks `{one}`"),
                }
            }
            several => format!(
                "{what} denied: `{operator}` on `{}` does not hold for {}",
                short_key(&key),
                list(&quoted(several), 3)
            ),
        }
    }

    /// The cluster that the line names in place of ours: ours and the other.
    fn other_cluster(&self, condition: &Condition) -> Option<(String, String)> {
        let ours = self.judged.settings().cluster.as_literal()?;
        mismatch::other_cluster(condition, ours).map(|other| (ours.to_owned(), other))
    }

    pub(super) fn condition_data(&self) -> Option<ConditionData> {
        if !matches!(self.group.cause, Cause::Condition { .. } | Cause::Operator(..)) {
            return None;
        }
        let condition = *self.failing_lines().first()?;
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        Some(ConditionData {
            operator: condition.operator.display(),
            key: condition.key.display(),
            expected: condition.values.iter().map(Text::display).collect(),
            sent: self.sent(condition, &all),
        })
    }

    pub(super) fn misspelt(&self) -> Finding {
        let labels = self.labels(|candidate, _, _| {
            let misspelt = candidate.fails.misspelt.iter();
            misspelt
                .map(|m| Label { span: m.span, message: format!("did you mean `{}`?", m.meant) })
                .collect()
        });
        let found =
            self.first().and_then(|member| member.nearest.as_ref()?.fails.misspelt.as_ref());
        let Some(found) = found else {
            return self.build("missing-permission", format!("{} denied", self.what()), labels);
        };
        let (rule, written, meant) = (found.rule, &found.written, &found.meant);
        let message = match rule {
            "unknown-action" => format!("`{written}` is not an action; Karpenter needs `{meant}`"),
            "unknown-operator" => format!(
                "`{written}` is not a condition operator; `{meant}` is, and {} hangs on it",
                self.what()
            ),
            _ => format!("`{written}` is not sent; Karpenter sends `{meant}` with {}", self.what()),
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(format!("write `{meant}` in place of `{written}`"));
        finding.data.written = Some(written.clone());
        finding
    }

    pub(super) fn explicit_deny(&self) -> Finding {
        let Cause::Deny(id) = &self.group.cause else { return self.missing() };
        let statement = self
            .judged
            .policy(id.layer, id.document)
            .and_then(|policy| policy.statements.get(id.statement));
        let name = statement.map(|s| words::statement_name(s, id.statement)).unwrap_or_default();
        let of = words::layer_name(id.layer);
        let message =
            format!("{} denied{}: the Deny of {name}{of} matches", self.what(), self.on());
        let span = statement.map_or_else(|| self.fallback_span(), |s| s.effect_span);
        let why = statement.map(|s| self.why_denied(s)).unwrap_or_default();
        let mut finding =
            self.build("explicit-deny", message, vec![Label { span, message: why.clone() }]);
        finding.help = Some(match statement.map(|s| s.conditions.is_empty()) {
            Some(true) => {
                format!("leave {} out of the Deny, or limit it with a condition", self.what())
            }
            _ => format!("let the condition spare {}: {why}", self.what()),
        });
        finding
    }

    /// What of a Deny's conditions the requests run into.
    fn why_denied(&self, statement: &Statement) -> String {
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        let Some(condition) = statement.conditions.first() else {
            return "this Deny has no condition".to_owned();
        };
        let sent = self.sent(condition, &all);
        let key = condition.key.display();
        match sent.as_slice() {
            [] => format!("`{key}` is not in the request"),
            some => format!("Karpenter sends `{key}` as {}", list(&quoted(some), 3)),
        }
    }
}

fn wants(condition: &Condition) -> String {
    let values: Vec<String> = condition.values.iter().map(Text::display).collect();
    list(&quoted(&values), 3)
}

fn says(condition: &Condition, sent: &[String]) -> String {
    let operator = condition.operator.display();
    if operator.starts_with("Null") {
        return "Karpenter does it the other way round".to_owned();
    }
    match sent {
        [] => "Karpenter does not send this key".to_owned(),
        [one] if one.is_empty() => "validation sends this empty".to_owned(),
        some => format!("Karpenter sends {}", list(&quoted(some), 3)),
    }
}

fn with_values(condition: &Condition, sent: &[String]) -> Vec<String> {
    distinct(condition.values.iter().map(Text::display).chain(sent.iter().cloned()))
}

fn as_json(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        _ => format!("[{}]", quoted.join(", ")),
    }
}

/// The line as it should stand.
fn condition_help(condition: &Condition, sent: &[String]) -> String {
    let key = condition.key.display();
    let operator = condition.operator.display();
    let positive = [
        "StringEquals",
        "StringLike",
        "ArnLike",
        "ArnEquals",
        "ForAllValues:StringEquals",
        "ForAllValues:StringLike",
    ];
    if sent.is_empty() {
        return format!("take `{key}` out of this statement, or use `{operator}IfExists`");
    }
    if !positive.contains(&operator.as_str()) {
        return format!("change `{operator}` on `{key}` so that {} passes", list(&quoted(sent), 3));
    }
    let values = match (operator.as_str(), sent) {
        // No list of names holds the empty string and every NodePool to come.
        ("StringLike", [one]) if one.is_empty() => vec!["*".to_owned()],
        _ if condition.is_list || operator.starts_with("ForAllValues") => {
            with_values(condition, sent)
        }
        _ => sent.to_vec(),
    };
    format!("\"{key}\": {}", as_json(&values))
}
