//! Actions and resources that never meet (`action-resource-mismatch`), and resources for an action that
//! has none (`resource-level-unsupported`), by AWS's own tables (*Service Authorization Reference*).

use std::borrow::Cow;

use crate::aws::{self, Action, Service};
use crate::check::words::code;
use crate::finding::Severity;
use crate::policy::globs::{loosely, meet};
use crate::policy::{Element, Statement};
use crate::syntax::Text;

use super::{Found, Subject, help, verb};

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for statement in subject.statements() {
        let Some(element) = statement.resource.as_ref() else { continue };
        if statement.action.negated || element.negated || element.values.is_empty() {
            continue;
        }
        let patterns: Vec<Cow<'_, str>> = element.values.iter().map(loosely).collect();
        // What may be anything meets everything.
        if patterns.iter().any(|pattern| is_anything(pattern)) {
            continue;
        }
        actions((subject, statement), element, &patterns, found);
        dead_resources(statement, element, &patterns, found);
    }
}

fn is_anything(pattern: &str) -> bool {
    pattern.starts_with('*') || !pattern.contains(':')
}

/// How an action stands to the resources of its statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Meets,
    /// It is authorised on `*` only.
    HasNone,
    Never,
}

fn actions(
    (subject, statement): (&Subject<'_>, &Statement),
    element: &Element,
    patterns: &[Cow<'_, str>],
    found: &mut Found<'_>,
) {
    for value in &statement.action.values {
        let Some(text) = value.as_literal() else { continue };
        let Some((prefix, name)) = text.split_once(':') else { continue };
        let Some(service) = aws::service(prefix) else { continue };
        let mut worst: Option<(Meeting, &Action)> = None;
        let mut meets = false;
        for action in matching(service, name) {
            match meeting(service, action, patterns) {
                Meeting::Meets => {
                    meets = true;
                    break;
                }
                other => {
                    // One that has resources says more.
                    if worst.is_none_or(|(before, _)| before == Meeting::HasNone) {
                        worst = Some((other, action));
                    }
                }
            }
        }
        let Some((meeting, action)) = worst.filter(|_| !meets) else { continue };
        if found.denies(statement, text) || found.speaks_of(value.span) {
            continue;
        }
        if told_at_resource(element, found) {
            continue;
        }
        match meeting {
            // Denials show that AWS looks at it all the same.
            Meeting::HasNone if subject.tags.looks_at_resource(text) => {}
            Meeting::HasNone => without_resources(statement, value, text, found),
            _ => never_meets(statement, value, (service, action), found),
        }
    }
}

/// A resource that is told to be wrong meets nothing, and that is one mistake.
fn told_at_resource(element: &Element, found: &Found<'_>) -> bool {
    element.values.iter().any(|value| found.speaks_of(value.span))
}

/// The actions of a service that a pattern matches; one for a plain name.
fn matching<'s>(service: &'s Service, name: &'s str) -> impl Iterator<Item = &'s Action> {
    let plain = (!name.contains(['*', '?'])).then(|| service.action(name)).flatten();
    let all = if name.contains(['*', '?']) { service.actions.as_slice() } else { &[] };
    let matches = move |action: &&Action| crate::policy::globs::covers(name, &action.name, true);
    plain.into_iter().chain(all.iter().filter(matches))
}

fn meeting(service: &Service, action: &Action, patterns: &[Cow<'_, str>]) -> Meeting {
    if action.rows.is_empty() {
        return Meeting::HasNone;
    }
    let meets = action.rows.iter().any(|row| {
        service.type_of(row).is_none_or(|kind| {
            kind.arn.is_empty() || patterns.iter().any(|pattern| fits(pattern, &kind.arn))
        })
    });
    if meets { Meeting::Meets } else { Meeting::Never }
}

/// Whether a pattern can match an ARN of a type. Partition, region and account are not looked at.
pub(super) fn fits(pattern: &str, arn: &str) -> bool {
    let mut own = pattern.splitn(6, ':');
    let mut listed = arn.splitn(6, ':');
    let (Some(service), Some(rest)) = (own.nth(2), own.nth(2)) else {
        // `arn:aws:ec2:*` covers what follows.
        return pattern.ends_with('*');
    };
    let (Some(known), Some(listed)) = (listed.nth(2), listed.nth(2)) else { return true };
    if service != known && !meet(service, known) {
        return false;
    }
    rest_fits(rest, listed)
}

/// The same for what follows the fifth colon.
pub(super) fn rest_fits(rest: &str, listed: &str) -> bool {
    let fixed_end = listed.find("${").unwrap_or(listed.len());
    let (fixed, variable) = listed.split_at_checked(fixed_end).unwrap_or((listed, ""));
    let front_end = rest.find(['*', '?']).unwrap_or(rest.len());
    let front = rest.get(..front_end).unwrap_or(rest);
    let length = front.len().min(fixed.len());
    if front.as_bytes().get(..length) != fixed.as_bytes().get(..length) {
        return false;
    }
    // Most types are a word and one variable.
    if front.len() >= fixed.len() && variable.ends_with('}') && variable.matches('$').count() == 1 {
        return true;
    }
    let mut glob = String::with_capacity(listed.len());
    let mut left = listed;
    while let Some((before, after)) = left.split_once("${") {
        glob.push_str(before);
        glob.push('*');
        left = after.split_once('}').map_or("", |(_, after)| after);
    }
    glob.push_str(left);
    meet(rest, &glob)
}

fn without_resources(statement: &Statement, value: &Text, text: &str, found: &mut Found<'_>) {
    let what = match text.contains(['*', '?']) {
        true => format!("no action that {} matches is", code(text)),
        false => format!("{} is not", code(text)),
    };
    let message =
        format!("{what} authorised on single resources: nothing is {} here", verb(statement));
    let finding = found.add("resource-level-unsupported", Severity::Warning, value.span, message);
    help(finding, "move it to a statement with \"Resource\": \"*\"");
}

fn never_meets(
    statement: &Statement,
    value: &Text,
    (service, action): (&Service, &Action),
    found: &mut Found<'_>,
) {
    let kinds: Vec<String> = action
        .rows
        .iter()
        .filter_map(|row| Some(code(service.type_of(row)?.name.as_ref())))
        .collect();
    let message = format!(
        "{} never meets the resources of this statement: nothing is {} here",
        code(&value.display()),
        verb(statement)
    );
    let finding = found.add("action-resource-mismatch", Severity::Warning, value.span, message);
    let kinds = crate::check::words::list(&kinds, 5);
    help(finding, format!("AWS authorises it on resources of type {kinds}"));
}

/// Resources that no action of the statement is authorised on, where all of its actions are known.
fn dead_resources(
    statement: &Statement,
    element: &Element,
    patterns: &[Cow<'_, str>],
    found: &mut Found<'_>,
) {
    let mut services: Vec<(&Service, &str)> = Vec::with_capacity(statement.action.values.len());
    for value in &statement.action.values {
        let known = value.as_literal().and_then(|text| {
            let (prefix, name) = text.split_once(':')?;
            let service = aws::service(prefix)?;
            // `ec2:*` is authorised on all that the service has, and on what is new.
            (!name.starts_with('*')).then_some((service, name))
        });
        match known {
            Some(known) => services.push(known),
            None => return,
        }
    }
    // With an action that does not exist, nobody can say what was meant.
    let exists = |(service, name): &(&Service, &str)| matching(service, name).next().is_some();
    if !services.iter().all(exists) {
        return;
    }
    for (value, pattern) in element.values.iter().zip(patterns) {
        let one = std::slice::from_ref(pattern);
        let met = services.iter().any(|(service, name)| {
            matching(service, name).any(|action| meeting(service, action, one) == Meeting::Meets)
        });
        let speaks = |value: &&Text| found.speaks_of(value.span);
        if met
            || found.speaks_of(value.span)
            || statement.action.values.iter().any(|action| speaks(&action))
        {
            continue;
        }
        let message =
            format!("no action of this statement is authorised on {}", code(&value.display()));
        let finding = found.add("action-resource-mismatch", Severity::Warning, value.span, message);
        help(finding, "remove the resource, or add the action that it was meant for");
    }
}
