//! `unreachable-statement`: what another statement of the document grants, or denies, all the same.

use crate::check::words::{code, list, statement_name};
use crate::finding::{Label, Severity};
use crate::policy::globs::{covers, strictly};
use crate::policy::{Condition, Effect, Element, Statement};
use crate::syntax::{Text, When};

use super::{Found, Subject, help};

/// In a document of more statements than any policy can hold, pairs are too many.
const MOST: usize = 500;

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let statements = &subject.policy.statements;
    if statements.len() > MOST {
        return;
    }
    // One wide statement is one cause, however many it makes pointless.
    let mut causes: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let wider = statements.iter().enumerate().position(|(other_at, other)| {
            other_at != at
                && !statement.has_open_effect()
                && (other.effect == Effect::Deny || statement.effect == Effect::Allow)
                && within(statement, other)
                // Of two that are the same, the later one is too many.
                && (other_at < at || other.effect != statement.effect || !within(other, statement))
        });
        let Some(wider) = wider else { continue };
        let same = |(known, all): &&mut (usize, Vec<usize>)| {
            let effect = |at: &usize| statements.get(*at).map(|statement| statement.effect);
            *known == wider && all.first().and_then(effect) == Some(statement.effect)
        };
        match causes.iter_mut().find(same) {
            Some((_, all)) => all.push(at),
            None => causes.push((wider, vec![at])),
        }
    }
    for (wider, pointless) in causes {
        tell(statements, wider, &pointless, found);
    }
}

fn tell(statements: &[Statement], wider: usize, pointless: &[usize], found: &mut Found<'_>) {
    let Some(wide) = statements.get(wider) else { return };
    let own: Vec<(usize, &Statement)> =
        pointless.iter().filter_map(|at| Some((*at, statements.get(*at)?))).collect();
    let Some((_, first)) = own.first() else { return };
    let name = |statement: &Statement, at| match &statement.sid {
        Some(sid) if !sid.parts.is_empty() => code(&statement_name(statement, at)),
        _ => statement_name(statement, at),
    };
    let names: Vec<String> = own.iter().map(|(at, statement)| name(statement, *at)).collect();
    let (names, wide_name) = (list(&names, 3), name(wide, wider));
    let one = own.len() == 1;
    let (grant, add) = if one { ("grants", "adds") } else { ("grant", "add") };
    let (severity, message, advice) = match (first.effect, wide.effect) {
        (Effect::Allow, Effect::Deny) => (
            Severity::Warning,
            format!("{names} {grant} nothing: {wide_name} denies all of it"),
            "narrow the Deny, or remove the Allow",
        ),
        (Effect::Allow, Effect::Allow) => (
            Severity::Note,
            format!("{names} {add} nothing: {wide_name} grants all of it"),
            "remove what is pointless, or narrow the wider statement if it is not meant",
        ),
        (Effect::Deny, _) => (
            Severity::Note,
            format!("{names} {add} nothing: {wide_name} denies all of it"),
            "remove what is pointless",
        ),
    };
    let place = |statement: &Statement| match &statement.sid {
        Some(sid) => sid.span,
        None => statement.effect_span,
    };
    let finding = found.add("unreachable-statement", severity, place(first), message);
    let Some(finding) = finding else { return };
    let label =
        |statement, message: &str| Label { span: place(statement), message: message.to_owned() };
    let others = own.iter().skip(1).map(|(_, statement)| label(statement, "and this"));
    finding.related = others.chain([label(wide, "the wider statement")]).collect();
    help(Some(finding), advice);
}

/// Whether `wide` applies wherever `narrow` does. A no may be wrong, a yes never is.
fn within(narrow: &Statement, wide: &Statement) -> bool {
    // Where the text around the policy decides, the wide one must be there whenever the other is.
    (wide.when.is_empty() || wide.when == narrow.when)
        && wide.principal.is_none()
        && narrow.principal.is_none()
        && wide.conditions.len() <= narrow.conditions.len()
        && element_within(&narrow.action, &wide.action, true)
        && match (&narrow.resource, &wide.resource) {
            (Some(narrow), Some(wide)) => element_within(narrow, wide, false),
            _ => false,
        }
        // It has to be there wherever the other is.
        && wide.when.iter().all(|on| narrow.when.iter().any(|own| same_case(own, on)))
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

/// Whether two hang on one condition of a template turning out the same way.
fn same_case(one: &When, other: &When) -> bool {
    one.name == other.name && one.holds == other.holds && one.span.source == other.span.source
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
