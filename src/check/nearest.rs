//! Which statement came nearest to granting what is denied, and what in it failed.

use crate::aws;
use crate::eval::{Layer, StatementTrace, Trace, Tri, operators};
use crate::karpenter::Entry;
use crate::policy::request::{Key, Status};
use crate::policy::{Condition, Effect, Policy, Statement};
use crate::source::Span;
use crate::syntax::Text;

/// A statement that could have granted the entry.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which policies it stands in.
    pub layer: Layer,
    /// Document of that layer.
    pub document: usize,
    /// Statement of the document.
    pub statement: usize,
    /// What failed.
    pub fails: Fails,
    score: i32,
}

/// What in a statement failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fails {
    /// No action matches.
    pub action: bool,
    /// No resource matches.
    pub resource: bool,
    /// These condition lines do not hold.
    pub lines: Vec<usize>,
    /// Whether something else in it is unknown.
    pub unknown: bool,
    /// The failure is a misspelling.
    pub misspelt: Option<Misspelt>,
}

/// A token that is not what it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Misspelt {
    /// `unknown-action`, `unknown-condition-key`, `unknown-operator`.
    pub rule: &'static str,
    /// The token.
    pub span: Span,
    /// As written.
    pub written: String,
    /// As meant.
    pub meant: String,
}

impl Fails {
    /// Whether one change to the statement would do: one element, or lines under one operator.
    #[must_use]
    pub fn is_one_thing(&self, statement: &Statement) -> bool {
        let mut operators: Vec<String> = self
            .lines
            .iter()
            .filter_map(|&line| statement.conditions.get(line))
            .map(|condition| condition.operator.display())
            .collect();
        operators.dedup();
        let kinds = usize::from(self.action) + usize::from(self.resource) + operators.len();
        kinds == 1 && !(self.unknown && (self.resource || self.action))
    }
}

/// All Allow statements of the layer that failed, the nearest first. `policies` are the documents
/// of each layer.
pub fn candidates<'p>(
    trace: &Trace,
    entry: &Entry<'_>,
    policy: impl Fn(Layer, usize) -> Option<&'p Policy>,
) -> Vec<Candidate> {
    let layer = trace.failing_layer();
    let mut found: Vec<Candidate> = trace
        .statements
        .iter()
        .filter(|statement| statement.layer == layer && statement.effect == Effect::Allow)
        .filter_map(|traced| {
            let statement = policy(traced.layer, traced.document)?.statements.get(traced.statement)?;
            Some(candidate(traced, statement, entry))
        })
        .collect();
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found
}

fn candidate(traced: &StatementTrace, statement: &Statement, entry: &Entry<'_>) -> Candidate {
    let mut fails = Fails { action: traced.action == Tri::False, resource: traced.resource == Tri::False, ..Fails::default() };
    fails.unknown = traced.action == Tri::Unknown
        || traced.resource == Tri::Unknown
        || traced.conditions.iter().any(|condition| condition.result == Tri::Unknown);
    let mut score = 0;
    if fails.action {
        fails.misspelt = misspelt_action(statement, &entry.request.action);
        score += match &fails.misspelt {
            Some(_) => 3,
            None if same_service(statement, &entry.request.action) => -2,
            None => -6,
        };
    } else {
        score += 2;
    }
    score += match traced.resource {
        Tri::False => -3,
        Tri::Unknown => 1,
        Tri::True if is_everything(statement) => 1,
        Tri::True => 3,
    };
    for (line, (traced, condition)) in traced.conditions.iter().zip(&statement.conditions).enumerate() {
        match traced.result {
            Tri::True => score += 2,
            Tri::Unknown => {}
            Tri::False => {
                fails.lines.push(line);
                if let Some(found) = misspelt_condition(statement, condition, entry) {
                    fails.misspelt.get_or_insert(found);
                    score -= 1;
                } else if is_sent(condition, entry) {
                    score -= 1;
                } else {
                    // A key that Karpenter never sends here: this statement is about something else.
                    score -= 4;
                }
            }
        }
    }
    Candidate { layer: traced.layer, document: traced.document, statement: traced.statement, fails, score }
}

impl Candidate {
    /// How near it came: more is nearer. Of no meaning beside other candidates of the same entry.
    #[must_use]
    pub fn score(&self) -> i32 {
        self.score
    }
}

fn is_everything(statement: &Statement) -> bool {
    statement.resource.as_ref().is_none_or(|element| {
        element.negated || element.values.iter().any(|value| value.as_literal() == Some("*"))
    })
}

fn same_service(statement: &Statement, action: &str) -> bool {
    let service = action.split(':').next().unwrap_or_default();
    statement.action.values.iter().filter_map(Text::as_literal).any(|written| {
        written.split(':').next().is_some_and(|head| head.eq_ignore_ascii_case(service))
    })
}

/// Whether the request lists the key of this line with a value.
fn is_sent(condition: &Condition, entry: &Entry<'_>) -> bool {
    let Some(key) = condition.key.as_literal() else { return true };
    matches!(entry.request.context.listed(&Key::from(key)), Some(Status::Known(_)))
}

/// A value of `Action` that is no action of AWS and nearly the needed one.
fn misspelt_action(statement: &Statement, needed: &str) -> Option<Misspelt> {
    if statement.action.negated {
        return None;
    }
    statement.action.values.iter().find_map(|value| {
        let written = value.as_literal()?;
        if written.contains(['*', '?']) || !near(written, needed) {
            return None;
        }
        let exists = written.split_once(':').is_some_and(|(service, name)| aws::action_exists(service, name));
        (!exists).then(|| Misspelt {
            rule: "unknown-action",
            span: value.span,
            written: written.to_owned(),
            meant: needed.to_owned(),
        })
    })
}

fn near(written: &str, needed: &str) -> bool {
    let (written, needed) = (written.to_lowercase(), needed.to_lowercase());
    written != needed && strsim::osa_distance(&written, &needed) <= 2
}

/// An operator that AWS does not know, or a key that is nearly one that Karpenter sends.
fn misspelt_condition(statement: &Statement, condition: &Condition, entry: &Entry<'_>) -> Option<Misspelt> {
    let operator = condition.operator.as_literal()?;
    if let Some(meant) = operators::suggestion(operator) {
        return Some(Misspelt {
            rule: "unknown-operator",
            span: condition.operator.span,
            written: operator.to_owned(),
            meant,
        });
    }
    let written = condition.key.display();
    let used = |key: &str| statement.conditions.iter().any(|other| other.key.display().eq_ignore_ascii_case(key));
    if is_sent(condition, entry) || aws::key_exists(&written) && !written.contains("Tag/") {
        return None;
    }
    entry.sent_keys().find(|key| near(&written, key) && !used(key)).map(|meant| Misspelt {
        rule: "unknown-condition-key",
        span: condition.key.span,
        written: written.clone(),
        meant,
    })
}
