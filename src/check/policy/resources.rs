//! Actions and resources that never meet (`action-resource-mismatch`), and resources for an action that
//! has none (`resource-level-unsupported`), by AWS's own tables (*Service Authorization Reference*).

use std::borrow::Cow;

use crate::aws::{self, Action, ResourceType, Service};
use crate::check::words::code;
use crate::finding::Severity;
use crate::policy::globs::{loosely, meet};
use crate::policy::{Element, Statement};
use crate::syntax::Text;

use super::right::About;
use super::{Found, Subject, help, verb};

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for statement in subject.statements() {
        let Some(element) = statement.resource.as_ref() else { continue };
        // A list without actions has no resource that is too many: what it lacks is the action.
        let is_empty = element.values.is_empty() || statement.action.values.is_empty();
        if statement.action.negated || element.negated || is_empty {
            continue;
        }
        let about = [About::Element(&statement.action), About::Element(element)];
        if subject.asking.is_right(b'r', &about) {
            continue;
        }
        let texts: Vec<Cow<'_, str>> = element.values.iter().map(loosely).collect();
        // What may be anything meets everything.
        if texts.iter().any(|text| is_anything(text)) {
            continue;
        }
        let patterns: Vec<Cut<'_>> = texts.iter().map(|text| Cut::new(text)).collect();
        actions((subject, statement), element, &patterns, found);
        dead_resources((subject, statement), element, &patterns, found);
    }
}

fn is_anything(pattern: &str) -> bool {
    pattern.starts_with('*') || !pattern.contains(':')
}

/// A resource, cut once for many types.
enum Cut<'p> {
    /// The service, and what follows the fifth colon.
    Whole(&'p str, Rest<'p>),
    /// Too few colons: `arn:aws:ec2:*` covers what follows, others cover nothing.
    Short(bool),
}

impl<'p> Cut<'p> {
    fn new(pattern: &'p str) -> Self {
        let mut parts = pattern.splitn(6, ':');
        match (parts.nth(2), parts.nth(2)) {
            (Some(service), Some(rest)) => Self::Whole(service, Rest::new(rest)),
            _ => Self::Short(pattern.ends_with('*')),
        }
    }

    /// Whether it can match an ARN of a type. Partition, region and account are not looked at.
    fn fits(&self, kind: &ResourceType) -> bool {
        let (service, rest) = match self {
            Self::Whole(service, rest) => (*service, rest),
            Self::Short(open) => return *open,
        };
        let Some(known) = kind.service() else { return true };
        (service == known || meet(service, known)) && rest.fits(kind)
    }
}

/// What follows the fifth colon of a resource.
pub(super) struct Rest<'p> {
    text: &'p str,
    /// The text in front of its first wildcard.
    front: &'p str,
}

impl<'p> Rest<'p> {
    pub(super) fn new(text: &'p str) -> Self {
        let end = text.find(['*', '?']).unwrap_or(text.len());
        Self { text, front: text.get(..end).unwrap_or(text) }
    }

    /// Whether it can match the resource in an ARN of a type.
    pub(super) fn fits(&self, kind: &ResourceType) -> bool {
        let (front, fixed) = (self.front, kind.fixed());
        let length = front.len().min(fixed.len());
        if front.as_bytes().get(..length) != fixed.as_bytes().get(..length) {
            return false;
        }
        // Most types are a word and one variable.
        if self.text == "*" || front.len() >= fixed.len() && kind.is_simple() {
            return true;
        }
        let mut left = kind.resource().unwrap_or_default();
        let mut glob = String::with_capacity(left.len());
        while let Some((before, after)) = left.split_once("${") {
            glob.push_str(before);
            glob.push('*');
            left = after.split_once('}').map_or("", |(_, after)| after);
        }
        glob.push_str(left);
        meet(self.text, &glob)
    }
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
    patterns: &[Cut<'_>],
    found: &mut Found<'_>,
) {
    for value in &statement.action.values {
        let Some(text) = value.as_literal() else { continue };
        let Some((prefix, name)) = text.split_once(':') else { continue };
        let Some(service) = aws::service(prefix) else { continue };
        let mut worst: Option<(Meeting, &Action)> = None;
        let mut meets = false;
        for action in matching(service, name) {
            match meeting((subject, service), action, patterns) {
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
            Meeting::HasNone if subject.tags.unlisted(prefix, name).next().is_some() => {}
            Meeting::HasNone => without_resources(statement, value, text, found),
            _ => never_meets(statement, value, action, found),
        }
    }
}

/// A resource that is told to be wrong meets nothing, and that is one mistake.
fn told_at_resource(element: &Element, found: &mut Found<'_>) -> bool {
    element.values.iter().any(|value| found.speaks_of(value.span))
}

/// The actions of a service that a pattern matches; one for a plain name.
fn matching<'s>(service: &'s Service, name: &'s str) -> impl Iterator<Item = &'s Action> {
    let plain = (!name.contains(['*', '?'])).then(|| service.action(name)).flatten();
    let all = if name.contains(['*', '?']) { service.actions() } else { &[] };
    let matches = move |action: &&Action| crate::policy::globs::covers(name, &action.name, true);
    plain.into_iter().chain(all.iter().filter(matches))
}

fn meeting(
    (subject, service): (&Subject<'_>, &Service),
    action: &Action,
    patterns: &[Cut<'_>],
) -> Meeting {
    let fits = |kind: &ResourceType| patterns.iter().any(|pattern| pattern.fits(kind));
    let mut unlisted = subject.tags.unlisted(&service.name, &action.name);
    if unlisted.any(|kind| service.resource_type(kind).is_none_or(fits)) {
        return Meeting::Meets;
    }
    if action.rows().is_empty() {
        return Meeting::HasNone;
    }
    let meets = action
        .rows()
        .iter()
        .any(|row| row.resource_type().is_none_or(|kind| kind.arn.is_empty() || fits(kind)));
    if meets { Meeting::Meets } else { Meeting::Never }
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

fn never_meets(statement: &Statement, value: &Text, action: &Action, found: &mut Found<'_>) {
    let kinds: Vec<String> = action
        .rows()
        .iter()
        .filter_map(|row| Some(code(row.resource_type()?.name.text())))
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
    (subject, statement): (&Subject<'_>, &Statement),
    element: &Element,
    patterns: &[Cut<'_>],
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
            let of = (subject, *service);
            matching(service, name).any(|action| meeting(of, action, one) == Meeting::Meets)
        });
        if met
            || found.speaks_of(value.span)
            || statement.action.values.iter().any(|action| found.speaks_of(action.span))
        {
            continue;
        }
        let message =
            format!("no action of this statement is authorised on {}", code(&value.display()));
        let finding = found.add("action-resource-mismatch", Severity::Warning, value.span, message);
        help(finding, "remove the resource, or add the action that it was meant for");
    }
}
