//! Least privilege: what is granted and not asked for, and what a grant allows beyond the need.

mod harm;
mod insert;
mod loose;
mod pattern;
mod remedy;
mod split;
pub(super) mod tighten;
mod unused;

use std::cell::OnceCell;
use std::sync::Arc;

use crate::controller::Document;
use crate::eval::usage::{StatementUsage, Usage};
use crate::eval::{Asked, Compiled, Layers};
use crate::finding::Finding;
use crate::karpenter::{Condition, Flag, Other, Version, needs, others};
use crate::policy::Statement;
use crate::policy::request::{Context, Otherwise, Presence, Request};
use crate::policy::symbolic::Symbols;
use crate::settings::Settings;
use crate::source::Span;

use super::{Case, judge};

pub(crate) use harm::fill;
pub(super) use harm::harmless;
pub(super) use insert::is_text;
pub(super) use loose::asks_enough;

/// No policy that AWS takes has more statements: a role's 10,240 characters hold 222 of the shortest.
const MOST_STATEMENTS: usize = 250;
/// Statements of a document on which changes are tried at a time: each is tried on all that may be
/// asked. What is left is told when these are settled.
const MOST_TRIED: usize = 16;

/// One controller, with what its statements are of use for.
struct Least<'c> {
    case: Case<'c, 'c>,
    /// The versions in use; that of the case is one of them.
    versions: &'c [Version],
    layers: &'c Layers,
    symbols: &'c Symbols,
    /// By identity document.
    documents: Vec<Used>,
    /// Places that other findings speak of.
    told: &'c [Span],
    /// All that may be asked, once somebody wants to know.
    requests: OnceCell<Vec<Request>>,
    /// What Karpenter asks, with the answers.
    asked: &'c [judge::Asked<'c, 'c>],
}

/// What the statements of one document are of use for.
struct Used {
    /// Under the settings and any others that may be meant.
    usage: Usage,
    /// What would be of use if the settings did not say otherwise, with what switches it on.
    off: Option<(Usage, Option<String>)>,
}

/// What can be tightened and serves all `versions` still; `asked` is what any of them asks, `told` are the
/// places that other findings speak of.
pub(super) fn findings(
    (case, versions): (Case<'_, '_>, &[Version]),
    layers: &Layers,
    asked: &[judge::Asked<'_, '_>],
    symbols: &Symbols,
    told: &[Span],
) -> Vec<Finding> {
    let mut scratch = symbols.clone();
    let documents = used((&case, versions), layers, asked, &mut scratch);
    let requests = OnceCell::new();
    let mut least =
        Least { case, versions, layers, symbols: &scratch, documents, told, asked, requests };
    let mut out = harm::findings(&least);
    // Who narrows a statement that does harm sees what else is in it: one finding for each.
    let told: Vec<Span> =
        told.iter().copied().chain(out.iter().map(|finding| finding.primary.span)).collect();
    least.told = &told;
    let unused = unused::findings(&least);
    out.extend(loose::findings(&least));
    let told: Vec<Span> =
        told.iter().copied().chain(unused.iter().map(|finding| finding.primary.span)).collect();
    least.told = &told;
    out.extend(pattern::findings(&least));
    out.extend(unused);
    for finding in &mut out {
        finding.data.karpenter = Some(case.resolved.settings.karpenter.to_string());
    }
    out
}

/// Asks everything that may be asked.
fn used(
    (case, versions): (&Case<'_, '_>, &[Version]),
    layers: &Layers,
    asked: &[judge::Asked<'_, '_>],
    symbols: &mut Symbols,
) -> Vec<Used> {
    let nothing = |policy: &Arc<Compiled>| Used { usage: Usage::new(policy), off: None };
    let mut documents: Vec<Used> = layers.identity.iter().map(nothing).collect();
    let mut take = |request: &Asked<'_>| {
        for (used, policy) in documents.iter_mut().zip(&layers.identity) {
            used.usage.ask(policy, request);
        }
    };
    asked.iter().for_each(|asked| take(&asked.request));
    let settings = &case.resolved.settings;
    let before = settings.before();
    if let Some(before) = &before {
        let needs = needs(case.rules, before, symbols);
        let entries = needs.iter().flat_map(|need| &need.entries);
        entries.for_each(|entry| take(&Asked::new(&entry.request)));
    }
    // What nobody knows of a request may be what a statement wants.
    let unknown = Arc::new(Otherwise::new(Presence::Unknown, Vec::new()));
    for (settings, versions) in in_use((settings, versions), before.as_ref()) {
        let pairs = documents.iter().zip(&layers.identity);
        let open: Vec<&Arc<Compiled>> =
            pairs.filter(|(used, _)| !used.usage.is_full()).map(|(_, policy)| policy).collect();
        if open.is_empty() {
            break;
        }
        let wanted = |action: &str| open.iter().any(|policy| policy.may_allow(action));
        let all = others(case.rules, settings, versions, symbols, &wanted);
        let request = |other: &Other<'_>| Request {
            action: (*other.rule.action).into(),
            resource: other.resource.clone(),
            context: Context::new(Arc::clone(&unknown)),
        };
        let is_off = |other: &&Other<'_>| other.missing.iter().any(|c| is_off(c, settings));
        for other in all.iter().filter(|other| !is_off(other)) {
            let request = request(other);
            let request = Asked::new(&request);
            for (used, policy) in documents.iter_mut().zip(&layers.identity) {
                used.usage.ask(policy, &request);
            }
        }
        for other in all.iter().filter(is_off) {
            let request = request(other);
            let request = Asked::new(&request);
            for (used, policy) in documents.iter_mut().zip(&layers.identity) {
                let (usage, words) = used.off.get_or_insert_with(|| (used.usage.clone(), None));
                usage.ask(policy, &request);
                if words.is_none() {
                    *words = crate::karpenter::only_with(other.missing.iter().copied());
                }
            }
        }
    }
    documents
}

/// The settings and versions in use: those at hand, and those before an upgrade.
fn in_use<'s>(
    now: (&'s Settings, &'s [Version]),
    before: Option<&'s Settings>,
) -> impl Iterator<Item = (&'s Settings, &'s [Version])> {
    let older = |before: &'s Settings| (before, std::slice::from_ref(&before.karpenter));
    std::iter::once(now).chain(before.map(older))
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

impl<'c> Least<'c> {
    /// The identity documents that stand in a file, with what they are of use for.
    fn documents(&self) -> impl Iterator<Item = (usize, &'c Document, &Used)> {
        let indices = self.case.controller.identity.iter();
        let all = indices.zip(&self.documents).enumerate();
        let here = all
            .filter_map(|(at, (&index, used))| Some((at, self.case.documents.get(index)?, used)));
        here.filter(|(_, document, _)| !document.is_filled_in)
    }

    /// All that may be asked, under any settings.
    fn requests(&self) -> &[Request] {
        self.requests.get_or_init(|| remedy::requests(self))
    }

    /// [`Self::documents`], but for those that AWS would never take.
    fn reasonable(&self) -> impl Iterator<Item = (usize, &'c Document, &Used)> {
        self.documents()
            .filter(|(_, document, _)| document.policy.statements.len() <= MOST_STATEMENTS)
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
