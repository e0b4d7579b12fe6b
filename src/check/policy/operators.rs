//! `unknown-operator`, and `operator-type-mismatch` of operator and key (IAM User Guide, *Condition
//! operators*; the types are AWS's: *AWS global condition context keys*, *Service Authorization
//! Reference*).

use crate::aws::KeyType;
use crate::check::words::code;
use crate::finding::Severity;
use crate::policy::condition::{Kind, Operator};
use crate::source::Span;

use super::{Found, Line, Subject, help, meant};

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let mut last: Option<Span> = None;
    for line in &subject.lines {
        let Some(written) = line.condition.operator.as_literal() else { continue };
        match (line.operator, line.key_type) {
            // One operator has a line for each of its keys.
            (None, _) if last == Some(line.condition.operator.span) => {}
            (None, _) => {
                last = Some(line.condition.operator.span);
                unknown(line, written, found);
            }
            (Some(operator), Some(kind)) => mismatch(line, (written, operator), kind, found),
            (Some(_), None) => {}
        }
    }
}

/// AWS refuses the document.
fn unknown(line: &Line<'_>, written: &str, found: &mut Found<'_>) {
    let span = line.condition.operator.span;
    let message = format!("{} is not a condition operator", code(written));
    let finding = found.add("unknown-operator", Severity::Error, span, message);
    if finding.is_none() {
        return;
    }
    let near = match written.strip_suffix("IfExists") {
        Some(plain) if plain.ends_with("Null") => Some(plain.to_owned()),
        _ => Operator::suggest(written),
    };
    meant(finding, written, near.as_deref());
}

fn mismatch(
    line: &Line<'_>,
    (written, operator): (&str, Operator),
    kind: KeyType,
    found: &mut Found<'_>,
) {
    let Some((severity, instead)) = unfit(operator.kind, kind, line) else { return };
    let key = line.condition.key.display();
    let message = match severity {
        Severity::Note => {
            format!("{} compares text, but {} is {}", code(written), code(&key), name(kind))
        }
        _ => format!("{} does not fit {}, which is {}", code(written), code(&key), name(kind)),
    };
    // The key, not the operator: other keys may stand under it, and rightly.
    let place = (line.condition, line.condition.key.span);
    let finding = found.add_to_line("operator-type-mismatch", severity, place, message);
    help(finding, format!("use {instead}"));
}

/// How bad it is that this operator stands over a key of this type, and what to use; `None` if it fits,
/// or if nobody can say. Values of tags may hold anything, so any operator may be meant.
fn unfit(operator: Kind, kind: KeyType, line: &Line<'_>) -> Option<(Severity, &'static str)> {
    use KeyType as K;
    let is_text =
        matches!(operator, Kind::StringEquals | Kind::StringEqualsIgnoreCase | Kind::StringLike);
    let is_tag = line.condition.key.parts.first().is_some_and(
        |part| matches!(part, crate::syntax::Part::Literal(_, text) if text.contains("Tag/")),
    );
    let instead = match kind {
        K::String | K::ArrayOfString => "a String operator",
        K::Arn | K::ArrayOfArn => "`ArnLike`",
        K::Bool => "`Bool`",
        K::Numeric => "a Numeric operator",
        K::Date => "a Date operator",
        K::IpAddress => "`IpAddress` or `NotIpAddress`",
    };
    let severity = match (operator, kind) {
        (Kind::Null, _) => None,
        _ if is_tag => None,
        // Text compares with any value as it is sent, which works as long as it is spelt the same.
        (_, K::Bool | K::Numeric) if is_text => Some(Severity::Note),
        (_, K::Date | K::IpAddress) if is_text => Some(Severity::Warning),
        (_, K::String | K::ArrayOfString | K::Arn | K::ArrayOfArn) if is_text => None,
        (Kind::Arn, K::Arn | K::ArrayOfArn | K::String | K::ArrayOfString)
        | (Kind::Bool, K::Bool)
        // Seconds since the epoch are numbers.
        | (Kind::Numeric(_), K::Numeric | K::Date)
        | (Kind::Date(_), K::Date | K::Numeric)
        | (Kind::Ip, K::IpAddress) => None,
        // Some keys that are listed as text hold these.
        (Kind::Bool | Kind::Numeric(_) | Kind::Date(_), K::String) if values_fit(operator, line) => {
            None
        }
        _ => Some(Severity::Warning),
    };
    severity.map(|severity| (severity, instead))
}

fn values_fit(operator: Kind, line: &Line<'_>) -> bool {
    line.condition.values.iter().all(|value| super::values::is_junk(operator, value).is_none())
}

fn name(kind: KeyType) -> &'static str {
    match kind {
        KeyType::String => "text",
        KeyType::ArrayOfString => "a list of texts",
        KeyType::Arn => "an ARN",
        KeyType::ArrayOfArn => "a list of ARNs",
        KeyType::Bool => "`true` or `false`",
        KeyType::Numeric => "a number",
        KeyType::Date => "a date",
        KeyType::IpAddress => "an IP address",
    }
}
