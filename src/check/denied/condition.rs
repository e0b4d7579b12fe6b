//! A condition that does not hold, a token that is misspelt, a Deny that matches.

use crate::aws;
use crate::finding::{ConditionData, Finding, Label};
use crate::policy::Condition;
use crate::policy::condition::{Kind, Operator};
use crate::policy::request::{Key, Status, Values};
use crate::syntax::{Style, Text};

use super::super::cause::{Cause, Member};
use super::super::words::{distinct, list};
use super::{Teller, at_fault, quoted, short_key};

/// Of resources for which AWS does not fill a key.
const OTHER_TYPES: &str = "only resources of other types have";

impl<'a, 'n, 'r> Teller<'a, 'n, 'r, '_> {
    pub(super) fn condition(&self) -> Finding {
        let labels = self.labels(|candidate, statement, members| {
            let lines =
                candidate.fails.lines.iter().filter_map(|&line| statement.conditions.get(line));
            lines
                .map(|condition| {
                    let sent = self.sent(condition, members);
                    let message = match sent.as_slice() {
                        [] if self.is_for_other_types(condition) => {
                            format!("{OTHER_TYPES} it")
                        }
                        _ => says(condition, &sent),
                    };
                    Label { span: at_fault(condition, &sent), message }
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
        let (rule, message, help) = if key.eq_ignore_ascii_case("iam:PassedToService")
            && !sent.is_empty()
        {
            (
                "pass-role-service",
                format!(
                    "`iam:PassRole` denied: the role is passed to {}, which the condition leaves out",
                    list(&quoted(&sent), 3)
                ),
                self.line("iam:PassedToService", condition, &with_values(condition, &sent)),
            )
        } else {
            (
                "condition-mismatch",
                self.condition_message(condition, &sent),
                self.condition_help(condition, &sent),
            )
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(help);
        finding
    }

    fn condition_message(&self, condition: &Condition, sent: &[String]) -> String {
        let key = condition.key.display();
        let what = self.what();
        let operator = condition.operator.display();
        match sent {
            [] if is_null(condition) => format!(
                "{what} denied: `Null` asks that `{key}` be there, and no such call carries it"
            ),
            some if is_null(condition) => format!(
                "{what} denied: `Null` asks that `{key}` be absent, and Karpenter sends {}",
                list(&quoted(some), 3)
            ),
            [] if self.is_for_other_types(condition) => {
                format!("{what} denied{}: {OTHER_TYPES} `{key}`", self.on())
            }
            [] => format!("{what} denied: no such call carries `{key}`"),
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

    /// Whether AWS fills the key for one of these actions on resources of other types than those that are
    /// asked for here.
    fn is_for_other_types(&self, condition: &Condition) -> bool {
        let key = &condition.key.display();
        !key.contains("Tag/")
            && !condition.operator.display().ends_with("Null")
            && self.actions().iter().any(|action| {
                aws::authorization(action).is_some_and(|(service, action)| {
                    service.key_place(key).is_some_and(|place| service.carries(action, place))
                })
            })
    }

    /// The line as it should stand; never with less than it has.
    fn condition_help(&self, condition: &Condition, sent: &[String]) -> String {
        let key = condition.key.display();
        let operator = condition.operator.display();
        if is_null(condition) {
            let present = !sent.is_empty();
            return format!("take the `Null` line out, or write \"{key}\": \"{}\"", !present);
        }
        if sent.is_empty() {
            let turned = self.failing_lines().into_iter().filter_map(|line| {
                let sibling = self.sibling(&line.key)?;
                Some(format!("`{sibling}` in place of `{}`", line.key.display()))
            });
            return match self.sibling(&condition.key) {
                Some(_) => {
                    let turned = list(&distinct(turned), 3);
                    format!("write {turned}: that is what this call carries")
                }
                None if self.is_for_other_types(condition) => {
                    format!("allow these resources in a statement without `{key}`")
                }
                None => format!("take `{key}` out of this statement: this call never carries it"),
            };
        }
        let positive = [
            "StringEquals",
            "StringLike",
            "ArnLike",
            "ArnEquals",
            "ForAllValues:StringEquals",
            "ForAllValues:StringLike",
        ];
        if !positive.contains(&operator.as_str()) {
            return format!(
                "change `{operator}` on `{key}` so that {} passes",
                list(&quoted(sent), 3)
            );
        }
        // A list of values that stands under an operator for one value allows nothing.
        if sent.len() > 1 && self.is_of_several(condition) {
            return format!(
                "\"ForAllValues:{operator}\": {{\"{key}\": {}}} in place of `{operator}`",
                as_json(&with_values(condition, sent))
            );
        }
        // No list of names holds the empty string and every name to come.
        if sent
            .iter()
            .any(|value| value.is_empty() || value.contains("${") && !self.is_written(value))
        {
            return match operator.as_str() {
                "StringLike" => self.line(&key, condition, &["*".to_owned()]),
                _ if self.is_block(condition) => {
                    format!("test = \"StringLike\" in place of `{operator}`, and values = [\"*\"]")
                }
                _ => format!("\"StringLike\": {{\"{key}\": \"*\"}} in place of `{operator}`"),
            };
        }
        self.line(&key, condition, &with_values(condition, sent))
    }

    /// A line as it is to be, in the language of its file.
    fn line(&self, key: &str, condition: &Condition, values: &[String]) -> String {
        if self.is_block(condition) {
            let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            return format!("values = [{}]", quoted.join(", "));
        }
        let is = if condition.key.style == Style::Hcl { " =" } else { ":" };
        format!("\"{key}\"{is} {}", as_json(values))
    }

    /// Whether the line is a `condition` block of Terraform's language.
    fn is_block(&self, condition: &Condition) -> bool {
        let source = self.judged.case.sources.get(condition.span.source);
        let own = self.statement_of_first().map(|(statement, _)| statement.span);
        let whole = own
            .filter(|own| own.source == condition.span.source)
            .and_then(|own| source.text().get(own.start as usize..));
        condition.operator.style == Style::Hcl
            && whole.is_some_and(|text| text.starts_with("statement"))
    }

    /// Whether a value with `${…}` is written so in the policies, and not a name of ours.
    pub(super) fn is_written(&self, value: &str) -> bool {
        value.split("${").skip(1).all(|rest| {
            let name = rest.split('}').next().unwrap_or_default();
            self.judged.is_hole(name)
        })
    }

    /// Whether the call carries several values at once, and the operator is for one.
    pub(super) fn is_of_several(&self, condition: &Condition) -> bool {
        let key = Key::new(&self.judged.bind(&condition.key));
        let operator = condition.operator.as_literal().and_then(Operator::parse);
        operator.is_some_and(|operator| operator.set.is_none())
            && self.group.members.iter().any(|member| {
                let listed = member.asked.entry.request.context.listed(&key);
                matches!(listed, Some(Status::Known(Values::Many(_))))
            })
    }

    /// The tag of the request for that of the resource, or the other way round, if that one is sent.
    pub(super) fn sibling(&self, key: &Text) -> Option<String> {
        let member = self.group.members.first()?;
        let other = Key::new(&self.judged.bind(key)).of_other_family()?;
        let listed = member.asked.entry.request.context.listed(&other);
        matches!(listed, Some(Status::Known(_))).then_some(())?;
        let written = key.display();
        let (family, tag) = written.split_once('/')?;
        let is_of_request = family.eq_ignore_ascii_case("aws:RequestTag");
        Some(format!("aws:{}Tag/{tag}", if is_of_request { "Resource" } else { "Request" }))
    }

    pub(super) fn condition_data(&self) -> Option<ConditionData> {
        match self.group.cause {
            Cause::Condition { .. } | Cause::Operator(..) => {}
            Cause::Elsewhere(_) if self.by_condition() => {}
            _ => return None,
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
        let found = self.first().and_then(|member| member.nearest?.fails.misspelt.as_ref());
        let Some(found) = found else {
            return self.build("missing-permission", format!("{} denied", self.what()), labels);
        };
        let (rule, written, meant) = (found.rule, &found.written, &found.meant);
        let message = match rule {
            "unknown-action" => format!("`{written}` is not an action; Karpenter needs `{meant}`"),
            "unknown-operator" => format!(
                "`{written}` is not a condition operator; `{meant}` is, and it decides on {}",
                self.what()
            ),
            "invalid-arn" => {
                format!("{} denied: `{written}` matches nothing, `{meant}` does", self.what())
            }
            _ => format!("`{written}` is not sent; Karpenter sends `{meant}` with {}", self.what()),
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(format!("write `{meant}` in place of `{written}`"));
        finding.data.written = Some(written.clone());
        finding
    }
}

fn wants(condition: &Condition) -> String {
    let values: Vec<String> = condition.values.iter().map(Text::display).collect();
    list(&quoted(&values), 3)
}

/// Whether the line asks for no value, but whether the key is there.
pub(super) fn is_null(condition: &Condition) -> bool {
    let operator = condition.operator.as_literal().and_then(Operator::parse);
    operator.is_some_and(|operator| operator.kind == Kind::Null)
}

fn says(condition: &Condition, sent: &[String]) -> String {
    match sent {
        [] if is_null(condition) => "this call does not carry the key".to_owned(),
        _ if is_null(condition) => "this call carries the key".to_owned(),
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
