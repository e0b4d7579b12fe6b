//! How to tighten a statement. A change is offered only where evaluation shows that all that Karpenter
//! may ask is still allowed, and that something harmful is not.

use std::sync::Arc;

use crate::controller::Document;
use crate::eval::usage::serves;
use crate::eval::{Asked, Compiled, Decision, Layers, Readings, kleene};
use crate::finding::{Finding, Word};
use crate::fix::{Edit, in_order};
use crate::karpenter::{needs_of, possible};
use crate::policy::action::ActionPattern;
use crate::policy::request::Request;
use crate::policy::symbolic::{Piece, Symbolic, Symbols};
use crate::policy::tri::Tri;
use crate::policy::{Condition, Policy, Statement};
use crate::settings::Settings;
use crate::source::{SourceMap, Span};
use crate::syntax::{Part, Style, Text};

use super::super::words::{code, list};
use super::harm::{Harm, Narrow, fill};
use super::{Least, in_use, insert, split, tighten};

/// Remedies that are told to people.
const TOLD: usize = 2;
/// Values of a condition that are told to people.
const VALUES: usize = 4;

/// A tightened statement, and the edits that make it.
pub(super) struct Change {
    pub(super) title: String,
    /// What stands in its place.
    pub(super) instead: Policy,
    pub(super) edits: Option<Vec<Edit>>,
    /// Why a person has to write it, where the text around it is the reason.
    pub(super) by_hand: Option<String>,
}

/// A condition that takes something away.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) operator: String,
    pub(super) key: Symbolic,
    pub(super) values: Vec<Symbolic>,
}

impl Change {
    /// Whether all that may be asked and is allowed now, or may be, is so then.
    pub(super) fn keeps_the_need(&self, least: &Least<'_>, place: (usize, usize)) -> bool {
        self.lost(least, place).next().is_none()
    }

    /// What may be asked and would be allowed less than now. Only what the statement may match can
    /// change with it.
    pub(super) fn lost<'l>(
        &self,
        least: &'l Least<'_>,
        (at, number): (usize, usize),
    ) -> impl Iterator<Item = &'l Request> {
        let layers = changed(least, (at, number), &self.instead);
        let own = least.layers.identity.get(at);
        let touched = move |request: &&Request| own.is_some_and(|own| serves(own, number, request));
        least.requests().iter().filter(touched).filter(move |request| {
            let asked = Asked::new(request);
            let granted = |layers: &Layers| match kleene(layers, &asked) {
                Decision::Allowed => 2,
                Decision::Unsettled => 1,
                Decision::ImplicitDeny | Decision::ExplicitDeny | Decision::Denied => 0,
            };
            granted(&layers) < granted(least.layers)
        })
    }
}

/// Adds the smallest change that helps, or else says what to do.
pub(super) fn add(
    finding: &mut Finding,
    least: &Least<'_>,
    (at, number): (usize, usize),
    document: &Document,
    harms: &[&'static Harm],
) {
    let settings = least.settings();
    let served = served(least, (at, number));
    let sources = least.case.sources;
    let mut changes = Vec::new();
    changes.extend(none_of_it((document, sources), number));
    changes.extend(fewer_actions((document, sources), number, &served));
    for harm in harms {
        changes.extend(harm.narrow.as_ref().and_then(|narrow| {
            narrowed((document, sources), number, narrow, settings, least.symbols)
        }));
    }
    let mut best: Option<(usize, Change)> = None;
    for change in changes {
        let layers = changed(least, (at, number), &change.instead);
        let gone = harms.iter().filter(|harm| !harm.is_allowed(&layers, settings)).count();
        let better = gone > best.as_ref().map_or(0, |(best, _)| *best);
        if better && change.keeps_the_need(least, (at, number)) {
            best = Some((gone, change));
        }
    }
    let most = best.as_ref().map_or(0, |(gone, _)| *gone);
    if most < harms.len()
        && let Some(change) = split::out(least, (at, number), document, harms)
    {
        let layers = changed(least, (at, number), &change.instead);
        let gone = harms.iter().filter(|harm| !harm.is_allowed(&layers, settings)).count();
        if gone > most {
            best = Some((gone, change));
        }
    }
    let mut lines: Vec<String> = Vec::new();
    let (title, edits) = match best {
        Some((gone, change)) => {
            lines.push(change.title.clone());
            if gone < harms.len() {
                lines.push(
                    "that takes a part of it away; the rest needs statements of its own".to_owned(),
                );
            }
            lines.extend(change.by_hand);
            (change.title, change.edits)
        }
        None => {
            for harm in harms {
                if !lines.contains(&harm.remedy) {
                    lines.push(harm.remedy.clone());
                }
            }
            (list(&lines, TOLD), None)
        }
    };
    if lines.len() > TOLD {
        lines = vec![title.clone()];
    }
    finding.help = Some(title.clone());
    finding.fact(Word::Fix, lines);
    finding.fix = Some(tighten::fix(title, edits, document, least.case.sources));
}

/// The actions for which the statement may be of use.
pub(super) fn served<'l>(least: &'l Least<'_>, (at, number): (usize, usize)) -> Vec<&'l str> {
    let own = least.layers.identity.get(at);
    let serves = |request: &&Request| own.is_some_and(|own| serves(own, number, request));
    let mut served: Vec<&str> =
        least.requests().iter().filter(serves).map(|request| &*request.action).collect();
    served.sort_unstable();
    served.dedup();
    served
}

/// All that may be asked, under any settings.
pub(super) fn requests(least: &Least<'_>) -> Vec<Request> {
    let rules = least.case.rules;
    let settings = least.settings();
    let before = settings.before();
    let mut symbols = least.symbols.clone();
    let mut out = Vec::new();
    for (settings, versions) in in_use((settings, least.versions), before.as_ref()) {
        let own = needs_of(rules, settings, versions, &mut symbols);
        out.extend(own.into_iter().flat_map(|need| need.entries).map(|entry| entry.request));
        out.extend(possible(rules, settings, versions, &mut symbols));
    }
    out
}

/// The layers with other statements in the place of one.
pub(super) fn changed(least: &Least<'_>, (at, number): (usize, usize), instead: &Policy) -> Layers {
    let bind = |hole: &str| least.case.resolved.resolve(hole);
    let mut layers = least.layers.clone();
    if let Some(own) = layers.identity.get_mut(at) {
        let instead = Compiled::with_readings(instead, &bind, Readings::Open);
        *own = Arc::new(own.with_instead(number, instead));
    }
    layers
}

/// Statements that are read like those of a document.
pub(super) fn like(document: &Document, statements: Vec<Statement>) -> Policy {
    Policy { statements, unknown: Vec::new(), id: None, ..document.policy }
}

fn literal(span: Span, text: &str) -> Text {
    Text { span, style: Style::Json, parts: vec![Part::Literal(span, text.into())] }
}

/// Without the statement: others may grant all that is needed.
fn none_of_it((document, sources): (&Document, &SourceMap), number: usize) -> Option<Change> {
    document.policy.statements.get(number)?;
    let title = "remove this statement: the others grant what Karpenter needs".to_owned();
    let edits = tighten::without_statement((document, sources), number);
    let instead = like(document, Vec::new());
    Some(Change { title, instead, edits, by_hand: None })
}

/// Only the actions that the version needs: others go, a pattern becomes those that it covers.
fn fewer_actions(
    (document, sources): (&Document, &SourceMap),
    number: usize,
    served: &[&str],
) -> Option<Change> {
    let mut statement = document.policy.statements.get(number)?.clone();
    if statement.action.negated {
        return None;
    }
    let old = std::mem::take(&mut statement.action.values);
    let named: Vec<Option<String>> =
        old.iter().map(|value| value.as_literal().map(str::to_owned)).collect();
    let is_exact = |at: usize| {
        named.get(at).is_some_and(|n| n.as_ref().is_some_and(|n| !n.contains(['*', '?'])))
    };
    let mut gone = Vec::new();
    let mut edits = Some(Vec::new());
    let mut wide = Vec::new();
    for (at, value) in old.iter().enumerate() {
        let Some(text) = value.as_literal() else {
            statement.action.values.push(value.clone());
            continue;
        };
        let pattern = ActionPattern::new(&Symbolic::literal(text));
        let needed: Vec<&str> =
            served.iter().copied().filter(|action| pattern.matches(action) == Tri::True).collect();
        if needed.is_empty() {
            gone.push(at);
        } else if is_exact(at) {
            statement.action.values.push(value.clone());
        } else {
            let mut names: Vec<String> = needed.iter().map(|action| (*action).to_owned()).collect();
            names.sort_unstable();
            statement.action.values.extend(names.iter().map(|name| literal(value.span, name)));
            let edit = tighten::instead(
                sources,
                (value, statement.span),
                statement.action.is_list,
                &names,
            );
            edits = edits.zip(edit).map(|(mut edits, edit): (Vec<Edit>, Edit)| {
                edits.push(edit);
                edits
            });
            wide.push(code(text));
        }
    }
    if gone.is_empty() && wide.is_empty() {
        return None;
    }
    let mut words = Vec::new();
    if !wide.is_empty() {
        let wide = list(&wide, VALUES);
        words.push(format!("write the actions that Karpenter needs in place of {wide}"));
    }
    if statement.action.values.is_empty() {
        return None;
    }
    if !gone.is_empty() {
        let removed = tighten::without_values(&statement, &old, &gone);
        edits = edits.zip(removed).map(|(mut edits, removed)| {
            edits.extend(removed);
            in_order(&mut edits);
            edits
        });
        words.push("remove the actions that Karpenter does not need".to_owned());
    }
    let instead = like(document, vec![statement]);
    Some(Change { title: words.join(", and "), instead, edits, by_hand: None })
}

fn narrowed(
    (document, sources): (&Document, &SourceMap),
    number: usize,
    narrow: &Narrow,
    settings: &Settings,
    symbols: &Symbols,
) -> Option<Change> {
    match narrow {
        Narrow::To { to } if to == "node-roles" => {
            to_roles((document, sources), number, settings, symbols)
        }
        Narrow::To { .. } => None,
        Narrow::Condition { operator, key, value } => {
            let limit = Limit {
                operator: operator.clone(),
                key: fill(key, settings),
                values: vec![fill(value, settings)],
            };
            with_conditions((document, sources), number, &[limit], symbols)
        }
    }
}

/// The roles of nodes in the place of a wider resource.
fn to_roles(
    (document, sources): (&Document, &SourceMap),
    number: usize,
    settings: &Settings,
    symbols: &Symbols,
) -> Option<Change> {
    let mut statement = document.policy.statements.get(number)?.clone();
    let span = statement.span;
    let resource = statement.resource.as_mut().filter(|resource| !resource.negated)?;
    let roles: Vec<String> = settings.node_roles.iter().map(|role| role.display(symbols)).collect();
    let [old] = resource.values.as_slice() else { return None };
    let old = old.clone();
    let known = settings.node_roles.iter().all(|role| role.as_literal().is_some());
    let edit = tighten::instead(sources, (&old, span), resource.is_list, &roles).filter(|_| known);
    if !known {
        return None;
    }
    resource.values = roles.iter().map(|role| literal(old.span, role)).collect();
    let names: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    let title = format!("name the role of your nodes: {}", list(&names, TOLD));
    let (instead, edits) = (like(document, vec![statement]), edit.map(|edit| vec![edit]));
    Some(Change { title, instead, edits, by_hand: None })
}

/// More conditions.
pub(super) fn with_conditions(
    (document, sources): (&Document, &SourceMap),
    number: usize,
    limits: &[Limit],
    symbols: &Symbols,
) -> Option<Change> {
    let own = document.policy.statements.get(number)?;
    let mut statement = own.clone();
    let span = statement.effect_span;
    let part = |text: &Symbolic| -> Text {
        let parts = text.pieces().iter().map(|piece| match piece {
            Piece::Literal(text) => Part::Literal(span, text.clone()),
            Piece::Symbol(symbol) => Part::Hole(span, symbols.name(*symbol).into()),
        });
        Text { span, style: Style::Json, parts: parts.collect() }
    };
    let mut lines = Vec::new();
    let mut words = Vec::new();
    for Limit { operator, key, values } in limits {
        statement.conditions.push(Condition {
            operator: literal(span, operator),
            key: part(key),
            span,
            is_list: values.len() > 1,
            values: values.iter().map(part).collect(),
        });
        // A cluster that only a placeholder names is written as the policy writes it.
        let key = key.display(symbols);
        let values: Vec<String> = values.iter().map(|value| value.display(symbols)).collect();
        let shown: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        words.push(format!("{operator} `{key}`: {}", list(&shown, VALUES)));
        lines.push(insert::Line { operator: operator.clone(), key, values });
    }
    let edits = insert::conditions(sources, (document, own), &lines);
    let what = if words.len() > 1 { "conditions" } else { "condition" };
    let title = format!("add the {what} {}", list(&words, usize::MAX));
    let by_hand = insert::by_hand(sources, (document, own), &lines);
    let instead = like(document, vec![statement]);
    Some(Change { title, instead, edits, by_hand })
}

/// Other actions in the place of some values of `Action`; without the statement, if none is left.
pub(super) fn with_actions(
    document: &Document,
    number: usize,
    places: &[(usize, Vec<String>)],
) -> Option<Change> {
    let mut statement = document.policy.statements.get(number)?.clone();
    let old = std::mem::take(&mut statement.action.values);
    for (at, value) in old.into_iter().enumerate() {
        match places.iter().find(|(place, _)| *place == at) {
            Some((_, names)) => {
                let span = value.span;
                statement.action.values.extend(names.iter().map(|name| literal(span, name)));
            }
            None => statement.action.values.push(value),
        }
    }
    let is_gone = statement.action.values.is_empty();
    let instead = like(document, if is_gone { Vec::new() } else { vec![statement] });
    Some(Change { title: String::new(), instead, edits: None, by_hand: None })
}
