//! `unreachable-statement`: what another statement of the document grants, or denies, all the same.

use crate::check::words::{code, statement_name};
use crate::finding::{Label, Severity};
use crate::policy::globs::{covers, strictly};
use crate::policy::{Condition, Effect, Element, Statement};
use crate::syntax::Text;

use super::{Found, Subject, help};

/// In a document of more statements than any policy can hold, pairs are too many.
const MOST: usize = 500;

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let statements = &subject.policy.statements;
    if statements.len() > MOST {
        return;
    }
    for (at, statement) in statements.iter().enumerate() {
        let wider = statements.iter().enumerate().find(|(other_at, other)| {
            *other_at != at
                && (other.effect == Effect::Deny || statement.effect == Effect::Allow)
                && within(statement, other)
                // Of two that are the same, the later one is too many.
                && (*other_at < at || other.effect != statement.effect || !within(other, statement))
        });
        if let Some((other_at, other)) = wider {
            tell((statement, at), (other, other_at), found);
        }
    }
}

fn tell(
    (statement, at): (&Statement, usize),
    (other, other_at): (&Statement, usize),
    found: &mut Found<'_>,
) {
    let name = |statement: &Statement, at| match &statement.sid {
        Some(sid) if !sid.parts.is_empty() => code(&statement_name(statement, at)),
        _ => statement_name(statement, at),
    };
    let (own, wider) = (name(statement, at), name(other, other_at));
    let (severity, message, advice) = match (statement.effect, other.effect) {
        (Effect::Allow, Effect::Deny) => (
            Severity::Warning,
            format!("{own} grants nothing: {wider} denies all of it"),
            "narrow the Deny, or remove the Allow",
        ),
        (Effect::Allow, Effect::Allow) => (
            Severity::Note,
            format!("{own} adds nothing: {wider} grants all of it"),
            "remove it, or narrow the wider one if it is not meant",
        ),
        (Effect::Deny, _) => {
            (Severity::Note, format!("{own} adds nothing: {wider} denies all of it"), "remove it")
        }
    };
    let span = statement.sid.as_ref().map_or(statement.effect_span, |sid| sid.span);
    let Some(finding) = found.add("unreachable-statement", severity, span, message) else { return };
    let place = other.sid.as_ref().map_or(other.effect_span, |sid| sid.span);
    finding.related = vec![Label { span: place, message: "the wider statement".to_owned() }];
    help(Some(finding), advice);
}

/// Whether `wide` applies wherever `narrow` does. A no may be wrong, a yes never is.
fn within(narrow: &Statement, wide: &Statement) -> bool {
    wide.principal.is_none()
        && narrow.principal.is_none()
        && wide.conditions.len() <= narrow.conditions.len()
        && element_within(&narrow.action, &wide.action, true)
        && match (&narrow.resource, &wide.resource) {
            (Some(narrow), Some(wide)) => element_within(narrow, wide, false),
            _ => false,
        }
        && wide.conditions.iter().all(|line| narrow.conditions.iter().any(|own| same(own, line)))
}

fn element_within(narrow: &Element, wide: &Element, fold: bool) -> bool {
    !narrow.negated
        && !wide.negated
        && !narrow.values.is_empty()
        && narrow
            .values
            .iter()
            .all(|value| wide.values.iter().any(|other| text_covers(other, value, fold)))
}

fn text_covers(wide: &Text, narrow: &Text, fold: bool) -> bool {
    match (wide.as_literal(), narrow.as_literal()) {
        (Some("*"), _) => true,
        // A segment's `*` stops at its colon, so only equal or plainly longer ARNs are sure.
        (Some(wide), Some(narrow)) => covers(wide, narrow, fold) && (fold || aligned(wide, narrow)),
        _ if front_differs(wide, narrow) => false,
        _ => {
            let (wide, narrow) = (strictly(wide), strictly(narrow));
            covers(&wide, &narrow, fold) && (fold || aligned(&wide, &narrow))
        }
    }
}

/// Whether two ARN patterns also cover each other part by part.
fn aligned(wide: &str, narrow: &str) -> bool {
    wide.splitn(6, ':').count() == 6
        && narrow.splitn(6, ':').count() == 6
        && wide.splitn(6, ':').zip(narrow.splitn(6, ':')).all(|(w, n)| covers(w, n, false))
}

/// A cheap no for texts with placeholders.
fn front_differs(one: &Text, other: &Text) -> bool {
    use crate::syntax::Part;
    match (one.parts.as_slice(), other.parts.as_slice()) {
        ([.., Part::Literal(_, one)], [.., Part::Literal(_, other)]) => {
            let wild = |text: &str| text.ends_with(['*', '?']);
            !wild(one) && one.as_bytes().last() != other.as_bytes().last()
        }
        _ => false,
    }
}

fn same(one: &Condition, other: &Condition) -> bool {
    let text = |one: &Text, other: &Text| {
        one.as_literal() == other.as_literal() && one.display() == other.display()
    };
    text(&one.operator, &other.operator)
        && text(&one.key, &other.key)
        && one.values.len() == other.values.len()
        && one.values.iter().zip(&other.values).all(|(one, other)| text(one, other))
}
