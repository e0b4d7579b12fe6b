//! `unknown-condition-key`: keys that AWS does not have, in conditions and in policy variables, and
//! tags of Karpenter that are nearly right.

use std::borrow::Cow;

use crate::aws;
use crate::check::words::code;
use crate::finding::Severity;
use crate::karpenter::{Rules, TemplatePart};
use crate::policy::Version;
use crate::policy::condition::Kind;
use crate::syntax::{Part, Text};

use super::{Found, Line, Subject, help, meant};

const RULE: &str = "unknown-condition-key";

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for line in &subject.lines {
        if let Some(key) = key_text(&line.condition.key) {
            match line.key_type {
                None => unknown(line, &key, found),
                Some(_) => tag_in_key(subject.tags, line, &key, found),
            }
        }
        if line.is_key("aws:TagKeys") {
            tags_in_values(subject.tags, line, found);
        }
        let compares_text = line.operator.is_some_and(|operator| {
            matches!(
                operator.kind,
                Kind::StringEquals | Kind::StringEqualsIgnoreCase | Kind::StringLike | Kind::Arn
            )
        });
        if compares_text {
            variables(subject, &line.condition.values, found);
        }
    }
    for element in subject.statements().filter_map(|statement| statement.resource.as_ref()) {
        variables(subject, &element.values, found);
    }
}

/// The key as far as it is known: a placeholder behind the slash of a tag does no harm.
fn key_text(key: &Text) -> Option<Cow<'_, str>> {
    match key.parts.as_slice() {
        [Part::Literal(_, text)] => Some(text.as_ref().into()),
        [Part::Literal(_, front), ..] if front.contains('/') => Some(key.display().into()),
        _ => None,
    }
}

fn unknown(line: &Line<'_>, key: &str, found: &mut Found<'_>) {
    let Some((prefix, rest)) = key.split_once(':') else {
        let message = format!("{} has no service in front, and AWS refuses that", code(key));
        let place = (line.condition, line.condition.key.span);
        let finding = found.add_to_line(RULE, Severity::Error, place, message);
        let global = format!("aws:{key}");
        let near =
            if aws::key_exists(&global) { Some(aws::key_display(&global)) } else { near(&global) };
        return meant(finding, key, near.as_deref());
    };
    // Keys of identity providers are theirs: `token.actions.githubusercontent.com:sub`.
    if prefix.contains(['.', '/']) {
        return;
    }
    if aws::key_is_judged(key) {
        let near = near(key);
        let (severity, message) = match near {
            Some(_) => (Severity::Warning, format!("{} is not a condition key of AWS", code(key))),
            None => (
                Severity::Note,
                format!("{} is not in AWS's list of condition keys of {}", code(key), aws::DATE),
            ),
        };
        let place = (line.condition, line.condition.key.span);
        let finding = found.add_to_line(RULE, severity, place, message);
        if near.is_none() {
            return help(finding, "unless the key is newer than that, no request carries it");
        }
        return meant(finding, key, near.as_deref());
    }
    // Without data of the service nothing is known of its keys; but `awss:` is no service.
    if aws::service_exists(prefix) {
        return;
    }
    let services = aws::detailed_services().map(|service| service.name.text()).chain(["aws"]);
    let whole = services
        .filter(|known| strsim::osa_distance(known, &prefix.to_lowercase()) == 1)
        .map(|known| format!("{known}:{rest}"))
        .find(|known| aws::key_exists(known));
    if let Some(whole) = whole {
        let message = format!("{} is not a condition key of AWS", code(key));
        let place = (line.condition, line.condition.key.span);
        meant(found.add_to_line(RULE, Severity::Warning, place, message), key, Some(&whole));
    }
}

/// The key that was probably meant.
fn near(key: &str) -> Option<String> {
    if key.len() > 200 {
        return None;
    }
    let (prefix, _) = key.split_once(':')?;
    let (family, tag) = key.split_once('/').unwrap_or((key, ""));
    // `aws:RequestTag` of `aws:RequestTag/KEY` is right as far as it goes.
    let own = aws::service(prefix).into_iter().flat_map(aws::Service::keys);
    let lower = family.to_lowercase();
    let best = aws::global_keys()
        .chain(own.map(|known| &*known.name))
        .filter_map(|known| {
            let (fixed, variable) = known.split_once("/${").unwrap_or((known, ""));
            // A misspelling of a fixed key has no slash.
            if variable.is_empty() && !tag.is_empty() {
                return None;
            }
            (fixed.len().abs_diff(family.len()) <= 2)
                .then(|| (strsim::osa_distance(&lower, &fixed.to_lowercase()), fixed, variable))
        })
        .filter(|(distance, ..)| *distance <= 2)
        .min()?;
    Some(match best {
        (_, fixed, "") => fixed.to_owned(),
        (_, fixed, _) if tag.is_empty() => format!("{fixed}/KEY"),
        (_, fixed, _) => format!("{fixed}/{tag}"),
    })
}

/// The tag in a key, against those that Karpenter writes.
fn tag_in_key(tags: &Tags<'_>, line: &Line<'_>, key: &str, found: &mut Found<'_>) {
    let Some((family, tag)) = key.split_once("Tag/") else { return };
    let Some(near) = near_tag(tags, tag, true) else { return };
    let message = format!("{} is not a tag that Karpenter writes", code(tag));
    let place = (line.condition, line.condition.key.span);
    let finding = found.add_to_line(RULE, Severity::Warning, place, message);
    meant(finding, key, Some(&format!("{family}Tag/{near}")));
}

fn tags_in_values(tags: &Tags<'_>, line: &Line<'_>, found: &mut Found<'_>) {
    for value in &line.condition.values {
        let Some(tag) = value.as_literal().filter(|tag| !tag.contains(['*', '?'])) else {
            continue;
        };
        let Some(near) = near_tag(tags, tag, false) else { continue };
        let message = format!("{} is not a tag that Karpenter writes", code(tag));
        let place = (line.condition, value.span);
        let finding = found.add_to_line(RULE, Severity::Warning, place, message);
        meant(finding, tag, Some(&near));
    }
}

/// Tags that are shorter are near to too much.
const SHORTEST: usize = 12;

/// What Karpenter's rules know and AWS's own tables do not.
#[derive(Debug)]
pub struct Tags<'r> {
    /// The tags that Karpenter writes, up to their first placeholder; whether there is one.
    fronts: Vec<(&'r str, bool)>,
    /// Actions that AWS authorises on a type of resource although its tables list none for them.
    unlisted: Vec<(&'r str, &'r str)>,
}

impl<'r> Tags<'r> {
    /// Those of all versions.
    #[must_use]
    pub fn new(rules: &'r Rules) -> Self {
        let keys = rules.tag_sets.iter().flat_map(|set| &set.tags).map(|(key, _)| key);
        let fronts = keys.filter_map(|key| match key.parts().next() {
            Some(TemplatePart::Text(front)) if front.len() >= SHORTEST => {
                Some((front, key.parts().nth(1).is_some()))
            }
            _ => None,
        });
        let mut fronts: Vec<_> = fronts.collect();
        fronts.sort_unstable();
        fronts.dedup();
        let entries = rules.requests.iter().flat_map(|request| &request.entries);
        let is_listed = |action: &str, kind: &str| {
            aws::authorization(action).is_none_or(|(_, action)| action.row(kind).is_some())
        };
        let unlisted = entries.filter(|entry| entry.resource.is_some());
        let mut unlisted: Vec<(&str, &str)> = unlisted
            .map(|entry| (&*entry.action, &*entry.resource_type))
            .filter(|(action, kind)| !is_listed(action, kind))
            .collect();
        unlisted.sort_unstable();
        unlisted.dedup();
        Self { fronts, unlisted }
    }

    /// The types of resources that AWS looks at for an action and does not list.
    pub(super) fn unlisted(&self, service: &str, action: &str) -> impl Iterator<Item = &'r str> {
        let is_it = move |(written, _): &&(&'r str, &'r str)| {
            written.split_once(':').is_some_and(|(of, name)| {
                of.eq_ignore_ascii_case(service) && name.eq_ignore_ascii_case(action)
            })
        };
        self.unlisted.iter().filter(is_it).map(|(_, kind)| *kind)
    }
}

/// The tag of Karpenter that `tag` nearly is. Short ones, such as `Name`, are near to too much. Keys in
/// conditions ignore case (`fold`), values do not.
fn near_tag(tags: &Tags<'_>, tag: &str, fold: bool) -> Option<String> {
    if tag.len() < SHORTEST || tag.len() > 200 {
        return None;
    }
    let known = || tags.fronts.iter().copied();
    let same = |a: &str, b: &str| if fold { a.eq_ignore_ascii_case(b) } else { a == b };
    let fits = |(front, open): (&str, bool)| match open {
        true => tag.get(..front.len()).is_some_and(|start| same(start, front)),
        false => same(tag, front),
    };
    if known().any(fits) {
        return None;
    }
    known().find_map(|(front, open)| {
        let (head, rest) = match (open, tag.rfind('/')) {
            (true, Some(at)) => tag.split_at_checked(at + 1)?,
            (true, None) => return None,
            (false, _) => (tag, ""),
        };
        let near = head.len().abs_diff(front.len()) <= 2 && strsim::osa_distance(head, front) <= 2;
        near.then(|| format!("{front}{rest}"))
    })
}

/// `${aws:usrname}` stands for nothing, so what holds it matches nothing.
fn variables(subject: &Subject<'_>, values: &[Text], found: &mut Found<'_>) {
    if subject.policy.version != Version::V2012 {
        return;
    }
    for value in values {
        for name in super::variables::in_text(value) {
            if !aws::key_is_judged(name) || aws::key_exists(name) {
                continue;
            }
            let Some(near) = near(name) else { continue };
            let message = format!("the policy variable {} is no key of AWS", code(name));
            let finding = found.add(RULE, Severity::Warning, value.span, message);
            meant(finding, name, Some(&near));
        }
    }
}
