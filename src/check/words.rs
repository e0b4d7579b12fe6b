//! Sentences and tables for findings.

use crate::eval::Layer;
use crate::karpenter::{Impact, Phase, Version};
use crate::policy::Statement;
use crate::policy::request::Target;
use crate::policy::symbolic::{Piece, Symbol, Symbols};

use super::judge::Asked;

/// `1 file`, `2 files`.
#[must_use]
pub fn count(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// Rows of one fact before the rest is counted.
const ROWS: usize = 6;

/// `a`, `b` and `c`; of more than `most`, the first and how many more there are.
#[must_use]
pub fn list(items: &[String], most: usize) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] if items.len() <= most => format!("{} and {last}", head.join(", ")),
        _ => {
            let shown = most.saturating_sub(1).max(1);
            let head: Vec<&str> = items.iter().take(shown).map(String::as_str).collect();
            format!("{} and {} more", head.join(", "), items.len() - shown)
        }
    }
}

/// In backticks, and no longer than one can read.
#[must_use]
pub fn code(text: &str) -> String {
    format!("`{}`", cut(text))
}

/// The first hundred characters of a text that has more.
#[must_use]
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}\u{2026}", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Without doubles, in the order of the first.
#[must_use]
pub fn distinct(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for item in items {
        if !out.contains(&item) {
            out.push(item);
        }
    }
    out
}

/// What to call a statement: its Sid, or its place.
#[must_use]
pub fn statement_name(statement: &Statement, index: usize) -> String {
    match &statement.sid {
        Some(sid) if !sid.parts.is_empty() => cut(&sid.display()),
        _ => format!("statement {}", index + 1),
    }
}

/// Where a statement stands, but for the identity policies: ` in the permissions boundary`.
#[must_use]
pub(super) fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Boundary => " in the permissions boundary",
        Layer::ServiceControl(_) => " in a service control policy",
        Layer::Session => " in a session policy",
        Layer::Identity => "",
    }
}

/// A resource as people write it: `launch-template/*`, an unknown id as `*`.
#[must_use]
pub(super) fn short_resource(asked: &Asked<'_, '_>, symbols: &Symbols) -> String {
    let Target::Arn(arn) = &asked.entry.request.resource else { return "*".to_owned() };
    let Some(tail) = arn.arn_tail() else { return arn.display(symbols) };
    match tail.as_literal() {
        Some(known) => known.to_owned(),
        // An id says nothing: the type does.
        None => match tail.pieces().first() {
            Some(Piece::Literal(head)) => match head.split_once('/') {
                Some((kind, _)) => format!("{kind}/*"),
                None => format!("{head}*"),
            },
            _ => tail.display(symbols),
        },
    }
}

/// A resource pattern that covers what is asked, to paste: an unknown id is `*`, and so is what the
/// policies themselves do not name.
#[must_use]
pub(super) fn pattern_for(
    asked: &Asked<'_, '_>,
    keep: impl Fn(Symbol) -> Option<String>,
) -> String {
    let Target::Arn(arn) = &asked.entry.request.resource else { return "*".to_owned() };
    let mut out = String::new();
    let mut colons = 0;
    for piece in arn.pieces() {
        match piece {
            Piece::Literal(text) => {
                colons += text.matches(':').count();
                out.push_str(text);
            }
            Piece::Symbol(symbol) => match keep(*symbol) {
                Some(hole) => out.push_str(&hole),
                // What stands in front of an unknown id (`ami-`) belongs to it.
                None if colons >= 5 => {
                    let kind = out.rfind(['/', ':']).map_or(0, |at| at + 1);
                    out.truncate(kind);
                    out.push('*');
                    return out;
                }
                None => out.push('*'),
            },
        }
    }
    out
}

/// The whole ARN, or `*`.
#[must_use]
pub(super) fn resource(asked: &Asked<'_, '_>, symbols: &Symbols) -> String {
    match &asked.entry.request.resource {
        Target::Any => "*".to_owned(),
        Target::Arn(arn) => arn.display(symbols),
    }
}

/// `CreateFleet` of `ec2:CreateFleet`.
#[must_use]
pub fn call_name(call: &str) -> &str {
    call.split_once(':').map_or(call, |(_, name)| name)
}

/// The error code that a service answers a denied call with.
fn denied_code(call: &str) -> &'static str {
    if call.starts_with("ec2:") { "UnauthorizedOperation" } else { "AccessDenied" }
}

/// When the call is made.
fn occasion(phase: Phase) -> &'static str {
    match phase {
        Phase::Startup => "when the controller starts",
        Phase::Steady => "while it runs",
        Phase::Validation => "validation of every EC2NodeClass stops here",
        Phase::Launch => "every launch",
        Phase::Terminate => "removal of a node",
        Phase::NodeclassDelete => "removal of an EC2NodeClass",
    }
}

/// One row for each request that fails: call, dry run or real, status, when. The validation stops at
/// its first denial, so that what follows it is not even sent. What AWS asks for in some accounts only
/// is said to be so.
#[must_use]
pub(super) fn breaks<'a, 'n: 'a, 'r: 'n>(
    asked: impl Iterator<Item = &'a Asked<'n, 'r>>,
    stopping: Option<&str>,
) -> Vec<String> {
    let all: Vec<&Asked<'_, '_>> = asked.collect();
    let fails =
        |id: &str| all.iter().any(|asked| asked.is_must_have() && *asked.need.rule.id == *id);
    let mut rows: Vec<(String, &'static str, String, &'static str)> = Vec::new();
    for asked in &all {
        let rule = asked.need.rule;
        // What the call does not fail of, and what AWS may never ask beside what it does.
        if asked.entry.rule.symptom.is_some() || !asked.is_must_have() && fails(&rule.id) {
            continue;
        }
        let sent = if rule.dry_run { "dry run" } else { "real" };
        let unsent =
            rule.phase == Phase::Validation && stopping.is_some_and(|first| rule.id != *first);
        let (status, when) = match unsent {
            true => ("403 if it were sent".to_owned(), ""),
            false => {
                let spot = asked.entry.resource_type == "spot-instances-request";
                let when = if spot { "every launch on spot" } else { occasion(rule.phase) };
                let (when, asks) = match asked.is_must_have() {
                    true => (when, ""),
                    false => (when.trim_end_matches(" stops here"), " if AWS asks for it"),
                };
                (format!("403 {}{asks}", denied_code(&rule.call)), when)
            }
        };
        let row = (call_name(&rule.call).to_owned(), sent, status, when);
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let width = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
    let status_width = rows.iter().map(|row| row.2.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = rows
        .iter()
        .take(ROWS)
        .map(|(call, sent, status, when)| {
            format!("{call:width$}  {sent:7}  {status:status_width$}  {when}").trim_end().to_owned()
        })
        .collect();
    if rows.len() > ROWS {
        lines.push(match rows.len() - ROWS {
            1 => "and 1 more call".to_owned(),
            more => format!("and {more} more calls"),
        });
    }
    lines
}

/// The words of Kubernetes or of the log, one for each distinct failure, the first ones.
#[must_use]
pub(super) fn you_see<'a, 'n: 'a, 'r: 'n>(
    asked: impl Iterator<Item = &'a Asked<'n, 'r>>,
    version: Version,
) -> Vec<String> {
    let mut conditions: Vec<String> = Vec::new();
    let mut symptoms: Vec<String> = Vec::new();
    let (by_symptom, asked): (Vec<&Asked<'n, 'r>>, Vec<_>) =
        asked.partition(|asked| asked.entry.rule.symptom.is_some());
    for symptom in by_symptom.iter().filter_map(|asked| asked.entry.rule.symptom.as_ref()) {
        if !symptoms.iter().any(|known| **known == **symptom) {
            symptoms.push(symptom.to_string());
        }
    }
    let failing: Vec<&Asked<'n, 'r>> =
        asked.into_iter().filter(|asked| asked.is_must_have()).collect();
    // A controller that does not start sets no condition.
    let never_starts = |asked: &&Asked<'n, 'r>| {
        asked.need.rule.phase == Phase::Startup && asked.need.rule.impact == Impact::Blocks
    };
    let first = failing.iter().position(never_starts);
    let seen = first.and_then(|at| failing.get(at..=at)).unwrap_or(&failing);
    for asked in seen {
        let failure = asked.need.rule.failure(version);
        if let (Some(condition), Some(reason)) = (&failure.condition, &failure.reason) {
            let first = format!("{condition}, reason {reason}");
            if !conditions.contains(&first) {
                conditions.push(first);
                conditions.extend(failure.message.iter().map(|message| format!("\"{message}\"")));
            }
        } else if let Some(symptom) = failure.symptom.as_ref().or(failure.condition.as_ref())
            && !symptoms.contains(symptom)
        {
            symptoms.push(symptom.clone());
        }
    }
    // The validation stops at its first denial, and while it fails nothing is launched: its words are
    // those that one sees.
    let first = conditions.iter().position(|line| line.starts_with("ValidationSucceeded"));
    if let Some(first) = first {
        conditions.drain(..first);
        let message = conditions.get(1).is_some_and(|line| line.starts_with('"'));
        conditions.truncate(if message { 2 } else { 1 });
    }
    // A condition says more than a log line; both at once only when there is nothing better.
    let mut lines = if conditions.is_empty() { symptoms } else { conditions };
    if lines.len() > 4 {
        let more = lines.len() - 4;
        lines.truncate(4);
        lines.push(if more == 1 {
            "and 1 more line".to_owned()
        } else {
            format!("and {more} more lines")
        });
    }
    lines
}

/// Why a key is for a person to write: in a map of a template it is taken as it stands.
pub(super) fn no_key(key: &str) -> String {
    format!(
        "by hand: a key of a map cannot hold {}; as text under `!Sub` the policy can",
        code(key)
    )
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn lists_read_like_a_sentence_and_do_not_run_on() {
        let items = |n: usize| (1..=n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(list(&items(1), 3), "1");
        assert_eq!(list(&items(3), 3), "1, 2 and 3");
        assert_eq!(list(&items(5), 3), "1, 2 and 3 more");
    }
}
