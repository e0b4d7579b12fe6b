//! Values that their operator cannot read (`operator-type-mismatch`), and wildcards where they are plain
//! characters (`wildcard-in-equals`; *IAM Access Analyzer policy check reference*, *Wildcard without
//! like operator*).

use crate::check::words::code;
use crate::eval::{is_address, is_date, is_number};
use crate::finding::{Label, Severity};
use crate::policy::condition::Kind;
use crate::syntax::Text;

use super::{Found, Line, Subject, help};

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for line in &subject.lines {
        let Some(operator) = line.operator else { continue };
        match operator.kind {
            Kind::StringEquals | Kind::StringEqualsIgnoreCase => wildcard(line, found),
            Kind::StringLike | Kind::Arn | Kind::Binary => {}
            kind => junk(line, kind, found),
        }
    }
}

/// What the operator wants, if the value is not that.
pub(super) fn is_junk(kind: Kind, value: &Text) -> Option<&'static str> {
    let text = value.as_literal()?;
    let is_bool = || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    let (fits, wanted) = match kind {
        Kind::Numeric(_) => (is_number(text), "a number"),
        Kind::Date(_) => (is_date(text), "a date such as `2026-01-31T00:00:00Z`"),
        Kind::Ip => (is_address(text), "an address or a range such as `10.0.0.0/8`"),
        Kind::Bool | Kind::Null => (is_bool(), "`true` or `false`"),
        _ => return None,
    };
    (!fits).then_some(wanted)
}

fn junk(line: &Line<'_>, kind: Kind, found: &mut Found<'_>) {
    let mut all =
        line.condition.values.iter().filter_map(|value| Some((value, is_junk(kind, value)?)));
    // An operator that does not fit its key is one mistake with what stands there.
    let Some((value, wanted)) = all.next().filter(|_| !found.speaks_of(line.condition.key.span))
    else {
        return;
    };
    let operator = line.condition.operator.display();
    let text = value.display();
    let message = if text.contains("${") {
        format!("{} takes no policy variables: {} is plain text", code(&operator), code(&text))
    } else {
        format!("{} is not what {} compares with", code(&text), code(&operator))
    };
    let also = all.map(|(value, _)| Label { span: value.span, message: "nor is this".to_owned() });
    let also: Vec<Label> = also.collect();
    let place = (line.condition, value.span);
    let finding = found.add_to_line("operator-type-mismatch", Severity::Warning, place, message);
    let Some(finding) = finding else { return };
    finding.related = also;
    help(Some(finding), format!("write {wanted}"));
}

/// A `*` is an ordinary character here.
fn wildcard(line: &Line<'_>, found: &mut Found<'_>) {
    let mut starred = line.condition.values.iter().filter(|value| has_star(value));
    let Some(first) = starred.next() else { return };
    // Certificates and records are called `*.example.com`.
    let key = line.condition.key.display();
    let lower = key.to_ascii_lowercase();
    if lower.contains("domain") || lower.contains("recordname") {
        return;
    }
    let operator = line.condition.operator.display();
    let message = format!(
        "under {} the `*` in {} is a plain character",
        code(&operator),
        code(&first.display())
    );
    let also: Vec<Label> =
        starred.map(|value| Label { span: value.span, message: "here too".to_owned() }).collect();
    let place = (line.condition, first.span);
    let finding = found.add_to_line("wildcard-in-equals", Severity::Warning, place, message);
    let Some(finding) = finding else { return };
    finding.related = also;
    let like = operator.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like");
    help(Some(finding), format!("write `{like}` in place of `{operator}`"));
}

fn has_star(value: &Text) -> bool {
    value.parts.iter().any(|part| match part {
        crate::syntax::Part::Literal(_, text) => {
            // `${*}` is how a policy of 2012 writes the character itself.
            memchr::memchr_iter(b'*', text.as_bytes())
                .any(|at| !text.get(..at).is_some_and(|front| front.ends_with("${")))
        }
        crate::syntax::Part::Hole(..) => false,
    })
}
