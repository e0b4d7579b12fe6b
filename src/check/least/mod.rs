//! Least privilege: what is granted and not asked for, and what a grant allows beyond the need.

mod harm;
mod remedy;
mod tighten;
mod unused;

use std::sync::Arc;

use crate::controller::Document;
use crate::eval::usage::{StatementUsage, Usage};
use crate::eval::{Compiled, Layers};
use crate::finding::Finding;
use crate::karpenter::{Condition, Flag, Need, Possible, Version, needs, possible};
use crate::policy::Statement;
use crate::policy::symbolic::Symbols;
use crate::settings::Settings;
use crate::source::Span;

use super::Case;

/// One controller, with what its statements are of use for.
struct Least<'c, 'r> {
    case: Case<'c>,
    layers: &'c Layers,
    symbols: &'c Symbols,
    /// By identity document.
    documents: Vec<Used<'r>>,
    /// Places that other findings speak of.
    told: &'c [Span],
}

/// What the statements of one document are of use for.
struct Used<'r> {
    /// Under the settings and any others that may be meant.
    usage: Usage,
    /// The actions that each statement serves.
    serves: Vec<Vec<&'r str>>,
    /// What would be of use if the settings did not say otherwise, with what switches it on.
    off: Option<(Usage, Vec<Option<String>>)>,
}

/// What can be tightened; `told` are the places that other findings speak of.
pub(super) fn findings(
    case: Case<'_>,
    layers: &Layers,
    asked: &[Need<'_>],
    symbols: &Symbols,
    told: &[Span],
) -> Vec<Finding> {
    let mut scratch = symbols.clone();
    let documents = used(&case, layers, asked, &mut scratch);
    let least = Least { case, layers, symbols: &scratch, documents, told };
    let mut out = unused::findings(&least);
    out.extend(harm::findings(&least));
    for finding in &mut out {
        finding.data.karpenter = Some(case.resolved.settings.karpenter.to_string());
    }
    out
}

/// Asks everything that may be asked.
fn used<'r>(
    case: &Case<'r>,
    layers: &Layers,
    asked: &[Need<'r>],
    symbols: &mut Symbols,
) -> Vec<Used<'r>> {
    let mut documents: Vec<Used<'r>> =
        layers.identity.iter().map(|policy| Used::new(policy)).collect();
    let mut take = |needs: &[Need<'r>]| {
        for entry in needs.iter().flat_map(|need| &need.entries) {
            for (used, policy) in documents.iter_mut().zip(&layers.identity) {
                used.ask(policy, &entry.rule.action, &entry.request);
            }
        }
    };
    take(asked);
    let settings = &case.resolved.settings;
    let before = settings.upgraded_from.filter(|from| *from != settings.karpenter);
    let before = before.map(|karpenter| Settings { karpenter, ..settings.clone() });
    if let Some(before) = &before {
        take(&needs(case.rules, before, symbols));
    }
    for settings in std::iter::once(settings).chain(&before) {
        let open: Vec<&Arc<Compiled>> = documents
            .iter()
            .zip(&layers.identity)
            .filter(|(used, _)| used.usage.statements.iter().any(|own| !own.is_full()))
            .map(|(_, policy)| policy)
            .collect();
        if open.is_empty() {
            break;
        }
        let wanted = |action: &str| open.iter().any(|policy| policy.may_allow(action));
        let others = possible(case.rules, settings, symbols, &wanted);
        let (off, on): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|other| other.missing.iter().any(|c| is_off(c, settings)));
        for (used, policy) in documents.iter_mut().zip(&layers.identity) {
            for other in &on {
                used.ask(policy, &other.entry.rule.action, &other.entry.request);
            }
            if !off.is_empty() {
                used.switched_off(policy, &off);
            }
        }
    }
    documents
}

/// Whether the settings say outright that a condition does not hold. What nobody speaks of may be
/// switched on tomorrow, and upstream's policies provide for it.
fn is_off(condition: &Condition, settings: &Settings) -> bool {
    match condition {
        Condition::Is(Flag::InterruptionQueue, true) => settings.queue.is_none(),
        Condition::Is(Flag::SpecRole, true) => settings.instance_profile.is_some(),
        Condition::CapacityType(kinds) => {
            !settings.spot_assumed && kinds.iter().all(|kind| *kind == *"spot")
        }
        _ => false,
    }
}

impl<'r> Used<'r> {
    fn new(policy: &Compiled) -> Self {
        let usage = Usage::new(policy);
        let serves = vec![Vec::new(); usage.statements.len()];
        Self { usage, serves, off: None }
    }

    fn ask(
        &mut self,
        policy: &Compiled,
        action: &'r str,
        request: &crate::policy::request::Request,
    ) {
        let serves = &mut self.serves;
        self.usage.ask(policy, request, |statement| {
            if let Some(served) = serves.get_mut(statement)
                && served.last() != Some(&action)
                && !served.contains(&action)
            {
                served.push(action);
            }
        });
    }

    fn switched_off(&mut self, policy: &Compiled, others: &[Possible<'_>]) {
        let count = self.usage.statements.len();
        let (usage, words) =
            self.off.get_or_insert_with(|| (self.usage.clone(), vec![None; count]));
        for other in others {
            usage.ask(policy, &other.entry.request, |statement| {
                if let Some(word) = words.get_mut(statement)
                    && word.is_none()
                {
                    *word = crate::karpenter::only_with(other.missing.iter().copied());
                }
            });
        }
    }
}

impl<'c, 'r> Least<'c, 'r> {
    /// The identity documents that stand in a file, with what they are of use for.
    fn documents(&self) -> impl Iterator<Item = (usize, &'c Document, &Used<'r>)> {
        let indices = self.case.controller.identity.iter();
        let all = indices.zip(&self.documents).enumerate();
        let here = all
            .filter_map(|(at, (&index, used))| Some((at, self.case.documents.get(index)?, used)));
        here.filter(|(_, document, _)| !document.is_filled_in)
    }

    /// Whether another finding speaks of a place in the statement: then one cause is told already.
    fn is_told(&self, statement: &Statement) -> bool {
        self.told.iter().any(|place| statement.span.contains(*place))
    }

    fn settings(&self) -> &'c Settings {
        &self.case.resolved.settings
    }

    fn before(&self) -> Option<Version> {
        let settings = self.settings();
        settings.upgraded_from.filter(|from| *from != settings.karpenter)
    }

    /// Subject and verb: who never asks.
    fn never_asks(&self) -> String {
        let version = self.settings().karpenter;
        match self.before() {
            None => format!("Karpenter {version} never asks for"),
            Some(before) => format!("neither Karpenter {version} nor {before} asks for"),
        }
    }
}

/// The parts that are of no use: indices into the values of `Action` and of `Resource`.
fn idle(usage: &StatementUsage) -> (Vec<usize>, Vec<usize>) {
    let idle = |flags: &[bool]| {
        let all = flags.iter().enumerate();
        all.filter(|(_, used)| !**used).map(|(at, _)| at).collect()
    };
    (idle(&usage.actions), idle(&usage.resources))
}
