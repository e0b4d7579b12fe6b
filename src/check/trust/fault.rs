//! What keeps somebody from taking a role, and the finding that says so.

use crate::finding::{ConditionData, Finding, Severity, Word};
use crate::policy::request::Status;
use crate::policy::request::Values;
use crate::policy::{Condition, Effect, Element, Statement};
use crate::source::Span;
use crate::syntax::Text;
use crate::words::nearest_word;

use super::super::words::{code, cut};
use super::asked::{Answer, Trust};
use crate::eval::{LineTrace, StatementTrace, Tri};

const RULE: &str = "trust-policy";

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) span: Span,
    /// One sentence that stands alone.
    pub(super) message: String,
    /// What belongs there.
    pub(super) label: String,
    /// The sts action that fails; nothing where none does.
    pub(super) action: Option<String>,
    pub(super) written: Option<String>,
    pub(super) condition: Option<ConditionData>,
    pub(super) cost: Cost,
    /// The setting that confirms or removes the finding.
    pub(super) settles: Option<String>,
    pub(super) fix: Option<String>,
}

/// What a fault costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// Nobody gets the role by this way.
    Denies,
    /// The same, if an assumption holds.
    MayDeny,
    /// Nothing is denied, but it is not as it should be.
    Harmless,
    /// Something may be missing that can come from elsewhere.
    Advice,
}

impl Fault {
    pub(super) fn new(span: Span, message: String, label: String) -> Self {
        Self {
            span,
            message,
            label,
            action: None,
            written: None,
            condition: None,
            cost: Cost::Denies,
            settles: None,
            fix: None,
        }
    }

    pub(super) fn denying(mut self, action: &str) -> Self {
        self.action = Some(action.to_owned());
        self
    }

    /// The finding; `works` says that the role can be taken all the same.
    pub(super) fn finding(self, trust: &Trust<'_>, works: bool) -> Finding {
        let severity = match self.cost {
            Cost::Advice => Severity::Note,
            Cost::Denies if !works => Severity::Error,
            _ => Severity::Warning,
        };
        let mut finding = Finding::new(RULE, severity, self.span, self.message);
        finding.primary.message = self.label;
        finding.address = trust.document.origin.address.clone();
        let statements = &trust.policy().statements;
        let own = statements.iter().find(|statement| statement.span.contains(self.span));
        finding.sid = own.and_then(|statement| statement.sid.as_ref()).map(Text::display);
        finding.data.karpenter = Some(trust.settings().karpenter.to_string());
        finding.data.written = self.written;
        finding.data.condition = self.condition;
        if self.action.is_some() && matches!(self.cost, Cost::Denies) && !works {
            finding.data.verdict = Some("implicit-deny");
        }
        finding.data.action = self.action;
        finding.help = self.fix.clone();
        finding.fact(Word::Settles, self.settles.into_iter().collect());
        finding.fact(Word::Fix, self.fix.into_iter().collect());
        finding
    }
}

/// The statements that allow and come nearest: with the fewest parts that fail.
pub(super) fn nearest(answer: &Answer) -> Vec<&StatementTrace> {
    let failing = |traced: &StatementTrace| {
        let lines = traced.conditions.iter().filter(|line| line.holds == Tri::False).count();
        lines + usize::from(traced.action == Tri::False)
    };
    let about = |traced: &&StatementTrace| {
        traced.effect == Effect::Allow
            && traced.principal != Tri::False
            && traced.matches == Tri::False
    };
    let all: Vec<&StatementTrace> = answer.statements.iter().filter(about).collect();
    let least = all.iter().map(|traced| failing(traced)).min();
    all.into_iter().filter(|traced| Some(failing(traced)) == least).collect()
}

/// The statements that deny it for certain.
pub(super) fn denying<'t>(trust: &Trust<'t>, answer: &Answer, action: &str) -> Vec<Fault> {
    let denies =
        |traced: &&StatementTrace| traced.effect == Effect::Deny && traced.matches == Tri::True;
    let statements = answer.statements.iter().filter(denies);
    let statements =
        statements.filter_map(|traced| trust.policy().statements.get(traced.statement));
    statements
        .map(|statement| {
            let message = format!("this statement denies `{action}`, with which the role is taken");
            let label = "a Deny outranks every Allow".to_owned();
            Fault::new(statement.effect_span, message, label).denying(action)
        })
        .collect()
}

/// A statement that does not name `wanted`; `who` is trusted by it.
pub(super) fn action(statement: &Statement, wanted: &str, who: &str) -> Fault {
    let element = &statement.action;
    let near = element.values.iter().find_map(|value| {
        let text = value.as_literal()?;
        nearest_word(text, std::iter::once(wanted)).map(|_| (value, text))
    });
    if let Some((value, text)) = near.filter(|_| !element.negated) {
        let message =
            format!("{} is not an action; {who} takes the role with `{wanted}`", code(text));
        let mut fault = Fault::new(value.span, message, format!("write `{wanted}`"));
        fault.written = Some(text.to_owned());
        return fault.denying(wanted);
    }
    let written: Vec<String> = element.values.iter().map(|value| code(&value.display())).collect();
    let written = super::super::words::list(&written, 3);
    let message = match (element.negated, written.is_empty()) {
        (true, _) => format!("`NotAction` leaves out `{wanted}`, with which {who} takes the role"),
        (false, true) => format!("no action is allowed; {who} takes the role with `{wanted}`"),
        (false, false) => {
            format!("{who} takes the role with `{wanted}`, but this statement allows {written}")
        }
    };
    Fault::new(element_span(element), message, format!("`{wanted}` belongs here")).denying(wanted)
}

/// The only value, or the whole element.
pub(super) fn element_span(element: &Element) -> Span {
    match element.values.as_slice() {
        [one] => one.span,
        _ => element.span,
    }
}

/// The only value of a condition, or all of them.
pub(super) fn value_span(condition: &Condition) -> Span {
    match condition.values.as_slice() {
        [one] => one.span,
        _ => condition.span,
    }
}

/// A line that does not hold. `what` says what the value is: `the audience of the token`.
pub(super) fn condition(
    trust: &Trust<'_>,
    condition: &Condition,
    line: &LineTrace,
    what: &str,
) -> Fault {
    let key = cut(&condition.key.display());
    let sent = sent(trust, line);
    let values: Vec<String> = condition.values.iter().map(Text::display).collect();
    let shown: Vec<String> = values.iter().map(|value| code(value)).collect();
    let shown = super::super::words::list(&shown, 3);
    let operator = condition.operator.display();
    let starred = values.iter().any(|value| value.contains(['*', '?']));
    let mut fault = match sent.as_slice() {
        [] => Fault::new(
            condition.key.span,
            format!("`{key}` is never sent, so this condition does not hold"),
            "no such key comes with the call".to_owned(),
        ),
        [_] if operator == "StringEquals" && starred => Fault::new(
            condition.operator.span,
            format!("`StringEquals` takes the wildcard in {shown} literally: {what} never has one"),
            "`StringLike` compares patterns".to_owned(),
        ),
        [one] if operator.contains("Not") => Fault::new(
            value_span(condition),
            format!("{what} is `{one}`, which `{operator}` keeps out"),
            format!("`{one}` has to pass"),
        ),
        [one] => Fault::new(
            value_span(condition),
            format!("{what} is `{one}`, but the condition wants {shown}"),
            format!("`{one}` belongs here"),
        ),
        several => Fault::new(
            value_span(condition),
            format!("`{operator}` on `{key}` does not hold for {what}"),
            format!("{} are sent", super::super::words::list(several, 3)),
        ),
    };
    fault.condition =
        Some(ConditionData { operator, key: condition.key.display(), expected: values, sent });
    fault
}

/// What is sent as the key of a line.
fn sent(trust: &Trust<'_>, line: &LineTrace) -> Vec<String> {
    match &line.status {
        Status::Known(Values::One(value)) => vec![value.display(&trust.symbols)],
        Status::Known(Values::OneOf(values) | Values::Many(values)) => {
            values.iter().map(|value| value.display(&trust.symbols)).collect()
        }
        Status::Absent | Status::Present | Status::Unknown => Vec::new(),
    }
}
