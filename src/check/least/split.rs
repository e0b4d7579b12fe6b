//! Takes out of a statement what does harm there, and grants what Karpenter needs of it in statements of
//! its own: where actions need other conditions than those that they stand beside.

use crate::aws::authorization;
use crate::controller::Document;
use crate::eval::usage::serves;
use crate::eval::{Decision, decide_plainly};
use crate::fix::in_order;
use crate::karpenter::needs;
use crate::policy::Effect;
use crate::policy::request::Request;
use crate::syntax::Text;

use super::super::judge::Asked;
use super::super::words::{code, distinct, list};
use super::super::{Answer, Judgement, denied};
use super::harm::Harm;
use super::remedy::{Change, changed, like};
use super::{Least, tighten};

/// Names in one title before the rest is counted.
const NAMES: usize = 3;

/// The policy with the harmful actions of a statement in statements of their own; `None` if something that
/// Karpenter asks would be lost, or nothing of the kind can be written.
pub(super) fn out(
    least: &Least<'_>,
    (at, number): (usize, usize),
    document: &Document,
    harms: &[&'static Harm],
) -> Option<Change> {
    let statement = document.policy.statements.get(number)?;
    let open = statement.effect == Effect::Allow && !statement.action.negated;
    let values = &statement.action.values;
    let is_harmful = |value: &Text| {
        let mut named = harms.iter().flat_map(|harm| &harm.actions);
        value.as_literal().is_some_and(|text| {
            authorization(text).is_some() && named.any(|action| action.eq_ignore_ascii_case(text))
        })
    };
    let gone: Vec<usize> =
        (0..values.len()).filter(|at| values.get(*at).is_some_and(is_harmful)).collect();
    if !open || gone.is_empty() || !statement.when.is_empty() {
        return None;
    }
    let own = least.layers.identity.get(at)?;
    let names: Vec<String> =
        gone.iter().filter_map(|at| Some(values.get(*at)?.display())).collect();
    let is_named = |action: &str| names.iter().any(|name| name.eq_ignore_ascii_case(action));
    let moved: Vec<&Asked<'_, '_>> = least
        .asked
        .iter()
        .filter(|asked| asked.answer == Answer::Allowed)
        .filter(|asked| is_named(&asked.entry.request.action))
        .filter(|asked| serves(own, number, &asked.entry.request))
        .collect();
    if moved.is_empty() {
        return None;
    }
    // Whatever is left of the statement, the new ones are written like another where it goes as a whole.
    let mut policy = document.policy.clone();
    let sources = least.case.sources;
    let whole = gone.len() == values.len();
    let removed = match whole {
        true => {
            policy.statements.remove(number);
            tighten::without_statement((document, sources), number)
        }
        false => {
            policy.statements.get_mut(number)?.action.values.retain(|value| !is_harmful(value));
            tighten::without_values(statement, values, &gone)
        }
    };
    let judged = Judgement::new(least.case, least.symbols, &[], least.asked.iter().collect());
    let (added, mut edits) = denied::own_statements(&moved, &judged, &policy)?;
    let rest = policy.statements.get(number).filter(|_| !whole).cloned();
    let instead = like(document, rest.into_iter().chain(added).collect());
    edits.extend(removed?);
    in_order(&mut edits);
    let layers = changed(least, (at, number), &instead);
    let kept = |request: &Request| {
        decide_plainly(&layers, request) == Decision::Allowed
            || decide_plainly(least.layers, request) != Decision::Allowed
    };
    if !asked(least).iter().all(kept) {
        return None;
    }
    let names: Vec<String> = names.iter().map(|name| code(name)).collect();
    let title = format!(
        "allow {} in a statement of its own, on what Karpenter needs it for",
        list(&distinct(names.into_iter()), NAMES)
    );
    Some(Change { title, instead, edits: Some(edits), by_hand: None })
}

/// What the versions in use ask under these settings.
fn asked(least: &Least<'_>) -> Vec<Request> {
    let before = least.settings().before();
    let mut symbols = least.symbols.clone();
    let mut out: Vec<Request> =
        least.asked.iter().map(|asked| asked.entry.request.clone()).collect();
    if let Some(settings) = &before {
        let own = needs(least.case.rules, settings, &mut symbols);
        out.extend(own.into_iter().flat_map(|need| need.entries).map(|entry| entry.request));
    }
    out
}
