//! `unknown-service` and `unknown-action`: IAM saves what does not exist without a word, and it grants
//! and denies nothing (*IAM Access Analyzer policy check reference*, *Invalid service in action*,
//! *Invalid action*).

use crate::aws;
use crate::check::words::code;
use crate::finding::Severity;
use crate::syntax::{Part, Text};

use super::{Found, Subject, help, meant};

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for statement in subject.statements() {
        for value in &statement.action.values {
            match value.parts.as_slice() {
                [Part::Literal(_, text)] => whole(value, text, found),
                // `ec2:${Verb}*`: the service is there to see.
                [Part::Literal(_, front), ..] => {
                    if let Some((service, _)) = front.split_once(':') {
                        known_service(value, service, "", found);
                    }
                }
                _ => {}
            }
        }
    }
}

fn whole(value: &Text, text: &str, found: &mut Found<'_>) {
    if text == "*" {
        return;
    }
    let Some((service, name)) = text.split_once(':') else {
        if !text.contains('*') || !text.bytes().all(|byte| matches!(byte, b'*' | b'?')) {
            without_service(value, text, found);
        }
        return;
    };
    if !known_service(value, service, name, found) || has_wildcard(service) {
        return;
    }
    if has_wildcard(name) {
        if !name.bytes().all(|byte| byte == b'*') && !aws::any_action_matches(service, name) {
            nothing_matches(value, (text, service, name), found);
        }
    } else if !aws::action_exists(service, name) {
        unknown(value, (text, service, name), found);
    }
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// AWS refuses what has no service in front.
fn without_service(value: &Text, text: &str, found: &mut Found<'_>) {
    let message = format!("{} has no service in front, and AWS refuses that", code(text));
    let finding = found.add("unknown-action", Severity::Error, value.span, message);
    if finding.is_none() || text.is_empty() {
        return;
    }
    let mut owners = aws::services().filter(|service| aws::action_exists(service, text));
    let owner = match (owners.next(), owners.next()) {
        (Some(only), None) => Some(only),
        (Some(_), Some(_)) if aws::action_exists("ec2", text) => Some("ec2"),
        _ => None,
    };
    let name =
        owner.and_then(|service| Some(format!("{service}:{}", aws::action_name(service, text)?)));
    meant(finding, text, name.as_deref());
}

/// Whether the service exists; says so if not.
fn known_service(value: &Text, service: &str, name: &str, found: &mut Found<'_>) -> bool {
    if aws::service_exists(service) {
        return true;
    }
    if has_wildcard(service) {
        let lower = service.to_lowercase();
        if aws::services().any(|known| crate::policy::globs::covers(&lower, known, true)) {
            return true;
        }
    }
    let near = aws::nearest_service(service.trim());
    let (severity, message) = match near {
        Some(_) => (Severity::Warning, format!("{} is not a service prefix of IAM", code(service))),
        None => (
            Severity::Note,
            format!("{} is no service prefix in AWS's list of {}", code(service), aws::DATE),
        ),
    };
    let finding = found.add("unknown-service", severity, value.span, message);
    if near.is_none() {
        help(finding, "unless the service is newer than that, this grants and denies nothing");
        return false;
    }
    let near = near.map(|near| match name {
        "" => format!("{near}:"),
        name => format!("{near}:{}", aws::action_name(near, name).unwrap_or(name)),
    });
    meant(finding, service, near.as_deref());
    false
}

fn unknown(value: &Text, (text, service, name): (&str, &str, &str), found: &mut Found<'_>) {
    let near = aws::nearest_action(service, name.trim()).filter(|near| !is_newer(name, near));
    let Some(near) = near else {
        let message = format!("{} is not in AWS's list of actions of {}", code(text), aws::DATE);
        let finding = found.add("unknown-action", Severity::Note, value.span, message);
        let advice = "unless the action is newer than that, it grants and denies nothing";
        help(finding, advice);
        return;
    };
    let message = format!("{} is not an action: it grants and denies nothing", code(text));
    let finding = found.add("unknown-action", Severity::Warning, value.span, message);
    let service = aws::services().find(|known| known.eq_ignore_ascii_case(service));
    meant(finding, text, Some(&format!("{}:{near}", service.unwrap_or_default())));
}

/// A number or `V2` behind a name that exists is how AWS calls what comes next.
fn is_newer(name: &str, near: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.len() < name.len() && stem.trim_end_matches(['V', 'v']).eq_ignore_ascii_case(near)
}

fn nothing_matches(value: &Text, (text, service, name): (&str, &str, &str), found: &mut Found<'_>) {
    let near = near_front(service, name);
    let (severity, message) = match &near {
        Some(_) => (Severity::Warning, format!("no action of AWS matches {}", code(text))),
        None => (
            Severity::Note,
            format!("no action in AWS's list of {} matches {}", aws::DATE, code(text)),
        ),
    };
    let finding = found.add("unknown-action", severity, value.span, message);
    match near {
        Some(near) => meant(finding, text, Some(&format!("{service}:{near}"))),
        None => help(finding, "until there is one, it grants and denies nothing"),
    }
}

/// For `Descirbe*`, a front of that length that some action has.
fn near_front(service: &str, name: &str) -> Option<String> {
    let at = name.find(['*', '?'])?;
    let (front, tail) = name.split_at_checked(at)?;
    // Fronts of a few letters are near to everything.
    if front.len() < 4 || front.len() > 100 {
        return None;
    }
    let lower = front.to_lowercase();
    let fronts = aws::actions(service).flat_map(|action| {
        let lengths = [front.len(), front.len() + 1, front.len() - 1];
        lengths.into_iter().filter_map(move |length| action.get(..length))
    });
    let near = fronts
        .map(|known| (strsim::osa_distance(&lower, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= if front.len() < 8 { 1 } else { 2 })
        .min()?;
    let whole = format!("{}{tail}", near.1);
    aws::any_action_matches(service, &whole).then_some(whole)
}
