//! Keys that exist, but that no call of the statement's actions carries: the statement never applies
//! (*Service Authorization Reference*, *Condition keys*). Told as `unknown-condition-key`.

use crate::aws::{self, Action, Service};
use crate::check::words::code;
use crate::finding::Severity;
use crate::policy::{Effect, Statement};
use crate::syntax::Text;

use super::right::About;
use super::{Found, Line, Subject, help};

const RULE: &str = "unknown-condition-key";

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for line in &subject.lines {
        if line.statement.action.negated || !line.requires_key() {
            continue;
        }
        let Some(key) = line.condition.key.as_literal().or_else(|| line.tag_family()) else {
            continue;
        };
        let about = || [About::Element(&line.statement.action), About::Text(&line.condition.key)];
        if line.key_type.is_some() && is_particular(key) && !subject.asking.is_right(b'c', &about())
        {
            check_line(line, key, found);
        }
    }
}

/// Whether the key is not one that any request may have.
fn is_particular(key: &str) -> bool {
    const TAGS: [&str; 3] = ["aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys"];
    let of_a_call =
        |tag: &&str| key.get(..tag.len()).is_some_and(|front| front.eq_ignore_ascii_case(tag));
    TAGS.iter().any(of_a_call) || !aws::is_global_key(key)
}

/// Whether an action carries a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carries {
    Yes,
    No,
    /// Nobody can say.
    Unknown,
}

fn check_line(line: &Line<'_>, key: &str, found: &mut Found<'_>) {
    let answers = || {
        let values = line.statement.action.values.iter();
        values.map(|value| (value, by_value(value, key)))
    };
    let (mut all, mut none) = (true, true);
    for (_, answer) in answers() {
        all &= answer == Carries::No;
        none &= answer != Carries::No;
    }
    if none {
        return;
    }
    if all {
        let place = (line.condition, line.condition.key.span);
        let message = match line.statement.effect {
            Effect::Allow => format!(
                "no call of these actions carries {}: nothing is granted here",
                code(&line.condition.key.display())
            ),
            Effect::Deny => format!(
                "no call of these actions carries {}: the Deny never applies",
                code(&line.condition.key.display())
            ),
        };
        if denies_any(line.statement, found) {
            return;
        }
        let finding = found.add_to_line(RULE, Severity::Warning, place, message);
        let advice = match aws::only_carrier(key) {
            Some(action) => {
                format!("add {}, which alone carries it, or take the key out", code(&action))
            }
            None => "take the key out, or the actions that it was meant for in".to_owned(),
        };
        help(finding, &advice);
        return;
    }
    for (value, answer) in answers() {
        let Some(action) = value.as_literal().filter(|_| answer == Carries::No) else { continue };
        if found.denies(line.statement, action) {
            continue;
        }
        let message = format!(
            "no call of {} carries {}, which this statement asks for: it is not {} here",
            code(action),
            code(&line.condition.key.display()),
            super::verb(line.statement)
        );
        let finding = found.add(RULE, Severity::Warning, value.span, message);
        help(finding, "move the action to a statement of its own");
    }
}

fn denies_any(statement: &Statement, found: &Found<'_>) -> bool {
    let literals = statement.action.values.iter().filter_map(Text::as_literal);
    literals.into_iter().any(|action| found.denies(statement, action))
}

fn by_value(value: &Text, key: &str) -> Carries {
    let Some((prefix, name)) = value.as_literal().and_then(|text| text.split_once(':')) else {
        return Carries::Unknown;
    };
    let Some(service) = aws::service(prefix) else { return Carries::Unknown };
    let place = service.key_place(key);
    let mut matching = if name.contains(['*', '?']) {
        let all = service.actions().iter();
        let mut some = false;
        for action in all.filter(|action| crate::policy::globs::covers(name, &action.name, true)) {
            some = true;
            if by_action(service, action, place, key) != Carries::No {
                return Carries::Yes;
            }
        }
        return if some { Carries::No } else { Carries::Unknown };
    } else {
        service.action(name).into_iter()
    };
    matching.next().map_or(Carries::Unknown, |action| by_action(service, action, place, key))
}

fn by_action(service: &Service, action: &Action, place: Option<u16>, key: &str) -> Carries {
    if place.is_some_and(|place| service.carries(action, place)) {
        return Carries::Yes;
    }
    // The tables leave out tags of resources here and there; without a resource there are none.
    if key.to_ascii_lowercase().contains("resourcetag/") && !action.rows().is_empty() {
        return Carries::Unknown;
    }
    Carries::No
}
