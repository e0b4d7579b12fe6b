//! Which statement came nearest to granting what is denied, and what in it failed.

use std::cell::OnceCell;

use crate::aws;
use crate::eval::{Layer, LayerTrace, LineTrace, StatementTrace, Trace, Tri, Why};
use crate::karpenter::Entry;
use crate::policy::condition::Operator;
use crate::policy::request::Status;
use crate::policy::{Condition, Effect, Policy, Statement};
use crate::source::Span;
use crate::syntax::Text;

/// A statement that could have granted the entry.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Which policies it stands in.
    pub layer: Layer,
    /// Document of that layer.
    pub document: usize,
    /// Statement of the document.
    pub statement: usize,
    /// What failed.
    pub fails: Fails,
    /// Whether a resource other than `*` covers what is asked for.
    pub specific: bool,
    score: i32,
}

/// What in a statement failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fails {
    /// No action matches.
    pub action: bool,
    /// No resource matches.
    pub resource: bool,
    /// These condition lines do not hold.
    pub lines: Vec<usize>,
    /// Whether something else in it is unknown.
    pub unknown: bool,
    /// No action matches, but a condition holds that AWS has for the one that is asked for, and for no other: it is
    /// what the statement is there for.
    pub meant: bool,
    /// The failure is a misspelling.
    pub misspelt: Option<Misspelt>,
}

/// A token that is not what it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Misspelt {
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
    pub(super) fn is_one_thing(&self, statement: &Statement) -> bool {
        let mut operators: Vec<String> = self
            .lines
            .iter()
            .filter_map(|&line| statement.conditions.get(line))
            .map(|condition| condition.operator.display())
            .collect();
        operators.dedup();
        let kinds = usize::from(self.action) + usize::from(self.resource) + operators.len();
        kinds == 1 && (self.meant || !(self.unknown && (self.resource || self.action)))
    }
}

/// The condition keys that an entry sends.
struct Keys<'e, 'r> {
    entry: &'e Entry<'r>,
    sent: OnceCell<Vec<String>>,
}

impl Keys<'_, '_> {
    /// As the rules write them.
    fn sent(&self) -> &[String] {
        self.sent.get_or_init(|| self.entry.sent_keys().collect())
    }
}

/// All Allow statements of the layer that failed, the nearest first. `policies` are the documents
/// of each layer.
pub(super) fn candidates<'p>(
    trace: &Trace,
    entry: &Entry<'_>,
    policy: impl Fn(Layer, usize) -> Option<&'p Policy>,
) -> Vec<Candidate> {
    let Some(failing) = failing_layer(trace) else { return Vec::new() };
    let layer = failing.layer;
    let keys = Keys { entry, sent: OnceCell::new() };
    let mut found: Vec<Candidate> = failing
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow)
        .filter_map(|traced| {
            let statement = policy(layer, traced.document)?.statements.get(traced.statement)?;
            Some(candidate(layer, traced, statement, &keys))
        })
        .collect();
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found
}

/// The first layer that does not allow.
#[must_use]
pub(super) fn failing_layer(trace: &Trace) -> Option<&LayerTrace> {
    trace.layers.iter().find(|layer| layer.allow == Tri::False).or(trace.layers.first())
}

fn candidate(
    layer: Layer,
    traced: &StatementTrace,
    statement: &Statement,
    keys: &Keys<'_, '_>,
) -> Candidate {
    let mut fails = Fails {
        action: traced.action == Tri::False,
        resource: traced.resource == Tri::False,
        ..Fails::default()
    };
    fails.unknown = traced.action == Tri::Unknown
        || traced.resource == Tri::Unknown
        || traced.conditions.iter().any(|condition| condition.holds == Tri::Unknown);
    let needed = &*keys.entry.request.action;
    let mut score = 0;
    if fails.action {
        fails.misspelt = misspelt_action(statement, needed);
        score += if fails.misspelt.is_some() { 3 } else { -6 + kinship(statement, needed) };
    } else {
        score += 2;
    }
    let specific = is_specific(statement, traced);
    score += match traced.resource {
        Tri::False => -3,
        Tri::Unknown => 1,
        Tri::True if specific => 3,
        Tri::True => 1,
    };
    let mut failed: Option<&Text> = None;
    for (line, (traced, condition)) in
        traced.conditions.iter().zip(&statement.conditions).enumerate()
    {
        match traced.holds {
            // A line that holds for want of the key says nothing.
            Tri::True if traced.why == Why::Absent => {}
            Tri::True => {
                score += 3;
                let key = || condition.key.as_literal().and_then(aws::only_carrier);
                fails.meant |= fails.action && key().is_some_and(|own| own == needed);
            }
            Tri::Unknown => {}
            Tri::False => {
                fails.lines.push(line);
                if let Some(found) = misspelt_condition(statement, condition, traced, keys) {
                    fails.misspelt.get_or_insert(found);
                } else if !is_sent(traced) {
                    // A key that Karpenter never sends here: this statement is about something else.
                    score -= 4;
                    continue;
                }
                // All lines of one operator fail together when the operator is wrong.
                if failed.is_none_or(|before| before.span != condition.operator.span) {
                    score -= 1;
                    failed = Some(&condition.operator);
                }
            }
        }
    }
    Candidate {
        layer,
        document: traced.document,
        statement: traced.statement,
        fails,
        specific,
        score,
    }
}

impl Candidate {
    /// How near it came: more is nearer. Of no meaning beside other candidates of the same entry.
    #[must_use]
    pub(super) fn score(&self) -> i32 {
        self.score
    }
}

/// Whether a value other than `*` matches.
fn is_specific(statement: &Statement, traced: &StatementTrace) -> bool {
    statement.resource.as_ref().is_some_and(|element| {
        let values = element.values.iter().zip(&traced.resources);
        !element.negated
            && values
                .into_iter()
                .any(|(text, tri)| *tri == Tri::True && text.as_literal() != Some("*"))
    })
}

/// How much the actions of a statement are of the kind of `needed`: the same service, the same
/// access level, the same sort of verb. A place for an action is among its like.
fn kinship(statement: &Statement, needed: &str) -> i32 {
    let access = aws::authorization(needed).map(|(_, action)| &action.access);
    let of_one = |written: &str| {
        let same_service = service_of(written).eq_ignore_ascii_case(service_of(needed));
        let same_access = access.is_some()
            && aws::authorization(written).map(|(_, action)| &action.access) == access;
        let same_verb = verb(written) == verb(needed);
        i32::from(same_access) + i32::from(same_verb) - if same_service { 0 } else { 1 }
    };
    let mut nearest = None;
    for one in statement.action.values.iter().filter_map(Text::as_literal).map(of_one) {
        nearest = nearest.max(Some(one));
        // Nothing is more alike than this.
        if one == 2 {
            break;
        }
    }
    nearest.unwrap_or(-1)
}

pub(super) fn service_of(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

/// What sort of thing an action does, by its first word.
fn verb(action: &str) -> u8 {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if starts(&["CreateTags"]) {
        0
    } else if starts(&["Create", "Run", "Add", "Put"]) {
        1
    } else if starts(&["Delete", "Terminate", "Remove"]) {
        2
    } else if starts(&["Describe", "Get", "List", "Receive"]) {
        3
    } else {
        0
    }
}

/// Whether a statement grants something else on the same type of resource.
pub(super) fn has_sibling(statement: &Statement, entry: &Entry<'_>) -> bool {
    statement.action.values.iter().filter_map(Text::as_literal).any(|written| {
        aws::authorization(written)
            .is_some_and(|(service, action)| service.row(action, entry.resource_type).is_some())
    })
}

/// Whether the request carries the key of this line.
fn is_sent(traced: &LineTrace) -> bool {
    matches!(traced.status, Status::Known(_) | Status::Present)
}

/// A value of `Action` that is no action of AWS and nearly the needed one.
fn misspelt_action(statement: &Statement, needed: &str) -> Option<Misspelt> {
    if statement.action.negated {
        return None;
    }
    statement.action.values.iter().find_map(|value| {
        let written = value.as_literal()?;
        if written.contains(['*', '?']) || !near(written, needed) && !is_of_another(written, needed)
        {
            return None;
        }
        let exists = written
            .split_once(':')
            .is_some_and(|(service, name)| aws::action_exists(service, name));
        (!exists).then(|| Misspelt {
            rule: "unknown-action",
            span: value.span,
            written: written.to_owned(),
            meant: needed.to_owned(),
        })
    })
}

/// Whether it is the action under the name of another service.
fn is_of_another(written: &str, needed: &str) -> bool {
    let name = |action: &str| action.find(':').map(|at| at + 1);
    name(written).zip(name(needed)).is_some_and(|(own, other)| {
        let (own, other) = (written.get(own..), needed.get(other..));
        own == other && written != needed
    })
}

fn near(written: &str, needed: &str) -> bool {
    // Texts of other lengths are no misspelling; and a text of megabytes is not worth comparing.
    if written.len().abs_diff(needed.len()) > 4 || !has_its_letters(written, needed) {
        return false;
    }
    let (written, needed) = (written.to_lowercase(), needed.to_lowercase());
    written != needed && strsim::osa_distance(&written, &needed) <= 2
}

/// Whether two texts are made of nearly the same letters: two slips of the pen change four counts at most.
/// It spares almost every comparison of almost every word.
fn has_its_letters(written: &str, needed: &str) -> bool {
    if !written.is_ascii() || !needed.is_ascii() {
        return true;
    }
    let mut counts = [0_i16; 32];
    let mut count = |text: &str, by: i16| {
        for byte in text.bytes() {
            // Either case of a letter has the same place.
            if let Some(count) = counts.get_mut(usize::from(byte & 31)) {
                *count += by;
            }
        }
    };
    count(written, 1);
    count(needed, -1);
    counts.iter().map(|count| count.unsigned_abs()).sum::<u16>() <= 4
}

/// An operator that AWS does not know, or a key that is nearly one that Karpenter sends.
fn misspelt_condition(
    statement: &Statement,
    condition: &Condition,
    traced: &LineTrace,
    keys: &Keys<'_, '_>,
) -> Option<Misspelt> {
    let operator = condition.operator.as_literal()?;
    if traced.why == Why::NoOperator
        && let Some(meant) = Operator::suggest(operator)
    {
        return Some(Misspelt {
            rule: "unknown-operator",
            span: condition.operator.span,
            written: operator.to_owned(),
            meant,
        });
    }
    let written = condition.key.display();
    let used = |key: &str| {
        statement.conditions.iter().any(|other| other.key.display().eq_ignore_ascii_case(key))
    };
    if is_sent(traced) || aws::key_exists(&written) && !written.contains("Tag/") {
        return None;
    }
    if let Some((family, tag)) = written.split_once('/')
        && let Some(meant) = ["aws:RequestTag", "aws:ResourceTag", "ec2:ResourceTag"]
            .into_iter()
            .find(|known| near(family, known))
        && !aws::key_exists(&written)
    {
        return Some(Misspelt {
            rule: "unknown-condition-key",
            span: condition.key.span,
            meant: format!("{meant}/{tag}"),
            written,
        });
    }
    let is_meant = |key: &str| near(&written, key) && !used(key);
    let meant = keys.sent().iter().find(|key| is_meant(key)).cloned().or_else(|| {
        // Keys with the cluster in their name are known only from the request itself. Their case is of the
        // request, which is of no matter until one is told.
        let mut filled = keys.entry.request.context.known();
        let found = filled.find_map(|key| key.text().as_literal().filter(|key| is_meant(key)))?;
        Some(aws::key_display(found))
    })?;
    Some(Misspelt { rule: "unknown-condition-key", span: condition.key.span, meant, written })
}
