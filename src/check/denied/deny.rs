//! A Deny that matches. It is never turned into an Allow: the advice narrows it.

use crate::finding::{Finding, Label};
use crate::karpenter::Phase;
use crate::policy::{Condition, Statement};
use crate::syntax::Text;

use super::super::cause::{Cause, Member};
use super::super::words::{self, distinct, list};
use super::{Teller, at_fault, quoted};

impl<'a, 'n, 'r> Teller<'a, 'n, 'r, '_> {
    pub(super) fn explicit_deny(&self) -> Finding {
        let Cause::Deny(id) = &self.group.cause else { return self.missing() };
        let policy = self.judged.policy(id.layer, id.document);
        let statement = policy.and_then(|policy| policy.statements.get(id.statement));
        let name = statement.map(|s| words::statement_name(s, id.statement)).unwrap_or_default();
        let of = words::layer_name(id.layer);
        let message =
            format!("{} denied{}: the Deny of {name}{of} matches", self.what(), self.on());
        let Some(statement) = statement else {
            return self.build("explicit-deny", message, Vec::new());
        };
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        let (label, help) = match statement.conditions.first() {
            None => {
                let message = "this Deny has no condition".to_owned();
                let help =
                    format!("leave {} out of the Deny, or limit it with a condition", self.what());
                (Label { span: statement.effect_span, message }, help)
            }
            Some(condition) => {
                let sent = self.sent(condition, &all);
                let key = condition.key.display();
                let message = match sent.as_slice() {
                    [] => format!("`{key}` is not in the request"),
                    some => format!("Karpenter sends {}", list(&quoted(some), 3)),
                };
                let help = self.narrow(condition, &sent, statement);
                (Label { span: at_fault(condition, &sent), message }, help)
            }
        };
        let effect = Label { span: statement.effect_span, message: "this Deny".to_owned() };
        let mut labels = vec![label];
        if labels.iter().all(|label| label.span != effect.span) {
            labels.push(effect);
        }
        let primary = labels.first().cloned();
        let mut finding = self.build("explicit-deny", message, labels);
        // The token that must change comes first, wherever it stands.
        if let Some(primary) = primary {
            let effect = statement.effect_span;
            finding.related.retain(|label| label.span != primary.span && label.span != effect);
            if primary.span != effect {
                let message = "this Deny".to_owned();
                finding.related.insert(0, Label { span: effect, message });
            }
            finding.primary = primary;
        }
        finding.help = Some(help);
        finding
    }

    /// How the Deny can spare what Karpenter does.
    fn narrow(&self, condition: &Condition, sent: &[String], statement: &Statement) -> String {
        let key = condition.key.display();
        let operator = condition.operator.display();
        let guard = format!(
            "spare requests without the key: add \"Null\": {{\"{key}\": \"false\"}} to this Deny"
        );
        if sent.is_empty() {
            if let Some((family, tag)) = key.split_once("Tag/")
                && family.eq_ignore_ascii_case("aws:Request")
            {
                return format!(
                    "give the EC2NodeClass the tag `{tag}` in spec.tags (--node-class-tag {tag}=VALUE tells karplint)"
                );
            }
            let validation =
                |member: &Member<'_, '_, '_>| member.asked.need.rule.phase == Phase::Validation;
            return if self.group.members.iter().all(validation) {
                format!("{guard}; or switch the dry runs off with disable-dry-run, from 1.6.2 on")
            } else {
                guard
            };
        }
        if operator.contains("Not") && statement.conditions.len() == 1 {
            let values = condition.values.iter().map(Text::display).chain(sent.iter().cloned());
            let values: Vec<String> =
                distinct(values).iter().map(|value| format!("\"{value}\"")).collect();
            return format!("spare what Karpenter sends: \"{key}\": [{}]", values.join(", "));
        }
        format!("narrow this Deny so that it spares {}", list(&quoted(sent), 3))
    }
}
