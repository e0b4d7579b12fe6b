//! `unused-permission`: a pattern of actions that stands for more than Karpenter asks for. One that is
//! short for several actions that are asked for, and for nothing that changes anything, is a way of
//! writing (a policy may only be so long); one that stands for a single action is wide for nothing.

use std::collections::BTreeSet;

use crate::aws::{self, Access};
use crate::controller::Document;
use crate::finding::{Finding, Label, Severity, Word};
use crate::fix::{Edit, in_order};
use crate::policy::action::ActionPattern;
use crate::policy::globs::covers;
use crate::policy::symbolic::Symbolic;
use crate::policy::tri::Tri;
use crate::policy::{Effect, Statement};
use crate::syntax::Text;

use super::super::words::{code, list};
use super::{Least, MOST_TRIED, remedy, tighten};

const RULE: &str = "unused-permission";
/// Names in one sentence before the rest is counted.
const NAMES: usize = 3;

/// A pattern, and what it stands for.
struct Wide<'a> {
    /// Its place in the list.
    at: usize,
    text: &'a str,
    /// How many actions it covers.
    covers: usize,
    /// What Karpenter asks for and nothing else allows.
    needed: Vec<String>,
}

/// One note for each statement with a pattern that is too wide.
pub(super) fn findings(least: &Least<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    for (at, document, used) in least.reasonable() {
        let all = document.policy.statements.iter().zip(&used.usage.statements).enumerate();
        let mut tried = 0;
        for (number, (statement, usage)) in all {
            if tried < MOST_TRIED
                && statement.effect == Effect::Allow
                && usage.used
                && !statement.action.negated
                // What hangs on the text around the policy is never certain.
                && statement.when.is_empty()
                && statement.action.values.iter().any(is_pattern)
                && !least.is_told(statement)
            {
                tried += 1;
                out.extend(finding(least, (at, number), document, statement));
            }
        }
    }
    out
}

fn is_pattern(value: &Text) -> bool {
    value.as_literal().is_some_and(|text| text.contains(['*', '?']))
}

/// The actions of a service that a pattern covers; what is for all services covers no list.
fn covered(pattern: &str) -> Vec<String> {
    let Some((service, name)) = pattern.split_once(':') else { return Vec::new() };
    let service = service.to_ascii_lowercase();
    let names = aws::actions(&service).filter(|known| covers(name, known, true));
    names.map(|known| format!("{service}:{known}")).collect()
}

/// Whether the action changes something, as far as the Service Authorization Reference says.
fn writes(action: &str) -> bool {
    let reads = |access: &Access| matches!(access, Access::List | Access::Read);
    aws::authorization(action).is_some_and(|(_, known)| !known.access().iter().all(reads))
}

/// The pattern, if it stands for more than it is of use for.
fn wide<'a>(at: usize, value: &'a Text, served: &[&str]) -> Option<Wide<'a>> {
    let text = value.as_literal().filter(|_| is_pattern(value))?;
    let own = ActionPattern::new(&Symbolic::literal(text));
    let asked = served.iter().filter(|action| own.matches(action) == Tri::True).count();
    let all = covered(text);
    let is_served = |action: &String| served.iter().any(|one| one.eq_ignore_ascii_case(action));
    let mut rest = all.iter().filter(|action| !is_served(action)).peekable();
    rest.peek()?;
    let told = asked < 2 || rest.any(|action| writes(action));
    told.then(|| Wide { at, text, covers: all.len(), needed: Vec::new() })
}

fn finding(
    least: &Least<'_>,
    place: (usize, usize),
    document: &Document,
    statement: &Statement,
) -> Option<Finding> {
    let served = remedy::served(least, place);
    let values = statement.action.values.iter().enumerate();
    let mut wides: Vec<Wide<'_>> =
        values.filter_map(|(at, value)| wide(at, value, &served)).collect();
    if wides.is_empty() {
        return None;
    }
    // What would be missing without them is what they are needed for.
    let without = remedy::with_actions(document, place.1, &wides_to(&wides))?;
    let lost: BTreeSet<String> =
        without.lost(least, place).map(|request| request.action.to_string()).collect();
    for action in lost {
        let fits = |wide: &&mut Wide<'_>| {
            ActionPattern::new(&Symbolic::literal(wide.text)).matches(&action) == Tri::True
        };
        if let Some(wide) = wides.iter_mut().find(fits) {
            wide.needed.push(action);
        }
    }
    let change = remedy::with_actions(document, place.1, &wides_to(&wides))?;
    if !change.keeps_the_need(least, place) {
        return None;
    }
    Some(told(least, place.1, document, statement, &wides))
}

/// What stands in the place of each.
fn wides_to(wides: &[Wide<'_>]) -> Vec<(usize, Vec<String>)> {
    wides.iter().map(|wide| (wide.at, wide.needed.clone())).collect()
}

fn told(
    least: &Least<'_>,
    number: usize,
    document: &Document,
    statement: &Statement,
    wides: &[Wide<'_>],
) -> Finding {
    let version = least.settings().karpenter;
    let names: Vec<String> = wides.iter().map(|wide| code(wide.text)).collect();
    let needed: Vec<String> = wides.iter().flat_map(|wide| &wide.needed).map(|a| code(a)).collect();
    let names = list(&names, NAMES);
    let message = if needed.is_empty() {
        format!("Karpenter {version} needs nothing of {names} that is not granted without it")
    } else {
        let all: usize = wides.iter().map(|wide| wide.covers).sum();
        let some = needed.len();
        let needed = list(&needed, NAMES);
        let verb = if wides.len() > 1 { "cover" } else { "covers" };
        format!(
            "{names} {verb} {all} actions, and Karpenter {version} needs {some} of them here: {needed}"
        )
    };
    let values: Vec<&Text> =
        wides.iter().filter_map(|wide| statement.action.values.get(wide.at)).collect();
    let span = values.first().map_or(statement.action.span, |value| value.span);
    let mut finding = Finding::new(RULE, Severity::Note, span, message);
    finding.primary.message = "wider than the need".to_owned();
    let rest = values.iter().skip(1);
    finding.related = rest
        .map(|value| Label { span: value.span, message: "and so is this".to_owned() })
        .collect();
    finding.sid = statement.sid.as_ref().map(Text::display);
    finding.data.action = wides.first().map(|wide| wide.text.to_owned());
    let (title, edits) = edits(least, number, document, statement, wides);
    finding.help = Some(title.clone());
    finding.fact(Word::Fix, vec![title.clone()]);
    finding.fix = Some(tighten::fix(title, edits, document, least.case.sources));
    finding
}

fn edits(
    least: &Least<'_>,
    number: usize,
    document: &Document,
    statement: &Statement,
    wides: &[Wide<'_>],
) -> (String, Option<Vec<Edit>>) {
    let sources = least.case.sources;
    let element = &statement.action;
    let (gone, kept): (Vec<&Wide<'_>>, Vec<&Wide<'_>>) =
        wides.iter().partition(|wide| wide.needed.is_empty());
    if gone.len() == element.values.len() {
        let title = "remove this statement: the others grant what Karpenter needs".to_owned();
        return (title, tighten::without_statement((document, sources), number));
    }
    let mut words = Vec::new();
    let mut edits = Some(Vec::new());
    let mut add = |more: Option<Vec<Edit>>| match (&mut edits, more) {
        (Some(edits), Some(more)) => edits.extend(more),
        (edits, _) => *edits = None,
    };
    for wide in kept {
        let names: Vec<String> = wide.needed.iter().map(|name| format!("\"{name}\"")).collect();
        words.push(format!("write {} in place of `{}`", list(&names, usize::MAX), wide.text));
        let value = element.values.get(wide.at);
        let edit = value.and_then(|value| {
            tighten::instead(sources, (value, statement.span), element.is_list, &wide.needed)
        });
        add(edit.map(|edit| vec![edit]));
    }
    if !gone.is_empty() {
        let names: Vec<String> = gone.iter().map(|wide| code(wide.text)).collect();
        words.push(format!("take {} out of the list", list(&names, usize::MAX)));
        let places: Vec<usize> = gone.iter().map(|wide| wide.at).collect();
        add(tighten::without_values(statement, &element.values, &places));
    }
    let edits = edits.map(|mut edits| {
        in_order(&mut edits);
        edits
    });
    (list(&words, usize::MAX), edits)
}
