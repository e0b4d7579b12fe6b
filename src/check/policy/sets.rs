//! One value against many, also `operator-type-mismatch`: a key with several values needs
//! `ForAllValues:` or `ForAnyValue:`, and `ForAllValues:` holds where the key is missing (IAM User
//! Guide, *Single-valued vs. multivalued context keys*).

use crate::aws::{self, Access};
use crate::check::words::code;
use crate::finding::Severity;
use crate::policy::Effect;
use crate::policy::condition::{Kind, SetOperator};

use super::{Found, Line, Subject, help};

const RULE: &str = "operator-type-mismatch";

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for line in &subject.lines {
        let (Some(operator), Some(kind)) = (line.operator, line.key_type) else { continue };
        if operator.kind == Kind::Null {
            continue;
        }
        match operator.set {
            None if kind.is_multivalued() => unqualified(line, found),
            Some(SetOperator::ForAllValues)
                if line.statement.effect == Effect::Allow && may_be_missing(subject, line) =>
            {
                trap(line, kind.is_multivalued(), found);
            }
            _ => {}
        }
    }
}

fn unqualified(line: &Line<'_>, found: &mut Found<'_>) {
    let (key, operator) = (line.condition.key.display(), line.condition.operator.display());
    let message =
        format!("{} has several values at once, and {} compares one", code(&key), code(&operator));
    let place = (line.condition, line.condition.key.span);
    let finding = found.add_to_line(RULE, Severity::Warning, place, message);
    help(finding, format!("write `ForAnyValue:{operator}` or `ForAllValues:{operator}`"));
}

/// The missing-key trap: who sends nothing passes.
fn trap(line: &Line<'_>, multivalued: bool, found: &mut Found<'_>) {
    let (key, operator) = (line.condition.key.display(), line.condition.operator.display());
    let message = format!("{} also holds for a request without {}", code(&operator), code(&key));
    // With one value, the set operator does nothing else.
    let severity = if multivalued { Severity::Note } else { Severity::Warning };
    let place = (line.condition, line.condition.key.span);
    let finding = found.add_to_line(RULE, severity, place, message);
    let plain = operator.split_once(':').map_or("", |(_, plain)| plain);
    let advice = match multivalued {
        true => format!("add \"Null\": {{\"{key}\": \"false\"}} if such requests are not meant"),
        false => format!("write `{plain}` in place of `{operator}`"),
    };
    help(finding, advice);
}

/// Whether a request that is otherwise allowed may lack the key.
fn may_be_missing(subject: &Subject<'_>, line: &Line<'_>) -> bool {
    // Every signed request has these (*AWS global condition context keys*).
    const ALWAYS: &[&str] = &[
        "aws:PrincipalArn",
        "aws:PrincipalAccount",
        "aws:PrincipalType",
        "aws:userid",
        "aws:RequestedRegion",
        "aws:SecureTransport",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:ViaAWSService",
    ];
    if ALWAYS.iter().any(|key| line.is_key(key)) {
        return false;
    }
    // What a service itself fills may well be there in every call: nobody says.
    if line.condition.key.as_literal().is_none_or(|key| !aws::is_global_key(key)) {
        return false;
    }
    let tag_keys = line.is_key("aws:TagKeys");
    if tag_keys && line.statement.action.values.iter().all(|value| is_tagging(value.as_literal())) {
        return false;
    }
    let mut others = subject.lines_of(line.statement);
    !others.any(|other| {
        let same = || match (other.condition.key.as_literal(), line.condition.key.as_literal()) {
            (Some(other), Some(own)) => other.eq_ignore_ascii_case(own),
            _ => other.condition.key.parts == line.condition.key.parts,
        };
        other.requires_key() && (same() || tag_keys && other.starts_with("aws:RequestTag/"))
    })
}

/// Whether the action does nothing but set or remove tags, so that every call names some.
fn is_tagging(action: Option<&str>) -> bool {
    let Some((_, name)) = action.and_then(|action| action.split_once(':')) else { return false };
    let by_name = ["Tag", "Untag", "CreateTags", "DeleteTags", "AddTags", "RemoveTags"];
    by_name.iter().any(|front| name.starts_with(front))
        || action.and_then(aws::authorization).is_some_and(|(_, action)| {
            action.access().iter().all(|access| *access == Access::Tagging)
        })
}
