//! Several versions at once: one set of findings, each root cause once, and a verdict for each version.

use std::collections::HashMap;

use crate::finding::Finding;
use crate::karpenter::{Rules, Version};
use crate::report::Outcome;
use crate::source::{SourceMap, Span};

use super::args::CheckArgs;
use super::inputs::Loaded;
use super::judge::{Ground, judge, say};
use super::plan::Plan;

/// The rule that speaks of all versions in use.
const UNUSED: &str = "unused-permission";

/// A root cause, and the versions that it concerns.
struct Told {
    finding: Finding,
    versions: Vec<Version>,
}

/// Judges all versions of the plan.
pub(super) fn judge_all<'s>(
    args: &CheckArgs,
    plan: &mut Plan,
    rules: &Rules,
    sources: &'s SourceMap,
    loaded: &Loaded,
) -> Outcome<'s> {
    let versions = plan.versions.clone();
    let Some(first) = versions.first().filter(|_| versions.len() > 1) else {
        return judge(args, plan, rules, sources, loaded);
    };
    let ground = Ground::new(args, plan, loaded);
    let answers = ground.ask(loaded, plan, &versions, rules, sources);
    let mut all_told = All::default();
    let mut controllers = Vec::new();
    let mut outcome: Option<Outcome<'s>> = None;
    for (version, answers) in versions.iter().zip(answers) {
        plan.version = *version;
        let next = say(args, plan, (rules, sources), loaded, (&ground, answers, false));
        let all = outcome.get_or_insert_with(|| Outcome { findings: Vec::new(), ..next.clone() });
        all.suppressed = all.suppressed.max(next.suppressed);
        controllers.extend(next.controllers);
        for finding in next.findings {
            all_told.tell(finding, *version);
        }
    }
    plan.version = *first;
    let Some(mut outcome) = outcome else { return judge(args, plan, rules, sources, loaded) };
    let mut names: Vec<String> = Vec::new();
    let mut hints: Vec<String> = Vec::new();
    for verdict in &mut controllers {
        if !names.contains(&verdict.name) {
            names.push(verdict.name.clone());
        }
        verdict.hints.retain(|hint| !hints.contains(hint));
        hints.extend(verdict.hints.iter().cloned());
    }
    controllers.sort_by_cached_key(|verdict| {
        let place = names.iter().position(|name| *name == verdict.name);
        (place, verdict.karpenter)
    });
    outcome.controllers = controllers;
    // What one of the versions asks for is of use.
    let mut told = all_told.told;
    told.retain(|told| told.finding.rule != UNUSED || told.versions.len() == versions.len());
    outcome.findings = told.into_iter().map(|told| named(told, &versions)).collect();
    outcome.findings.sort_by_cached_key(|finding| {
        let span = sources.to_file(finding.primary.span);
        let file = sources.get(span.source).name().to_owned();
        (file, span.start, finding.rule, finding.message.clone())
    });
    outcome
}

/// What was told so far.
#[derive(Default)]
struct All {
    told: Vec<Told>,
    /// Places in `told`, by what findings of one cause have in common.
    by_cause: HashMap<Cause, Vec<usize>>,
}

/// Whose, what, where and as written: what findings of one cause have in common.
type Cause = (Option<String>, &'static str, Span, Option<String>);

impl All {
    /// Adds a finding of one version. The same cause is told as it is where it is worst.
    fn tell(&mut self, finding: Finding, version: Version) {
        let places = self.by_cause.entry(cause(&finding)).or_default();
        let is_same = |known: &Told| {
            known.versions.last() != Some(&version) && is_same_cause(&known.finding, &finding)
        };
        let same = |place: &&usize| self.told.get(**place).is_some_and(is_same);
        let known = places.iter().find(same).copied().and_then(|place| self.told.get_mut(place));
        let Some(known) = known else {
            places.push(self.told.len());
            self.told.push(Told { finding, versions: vec![version] });
            return;
        };
        known.versions.push(version);
        let mut other = finding;
        if other.severity > known.finding.severity {
            std::mem::swap(&mut known.finding, &mut other);
        }
        for because in other.because {
            if !known.finding.because.contains(&because) {
                known.finding.because.push(because);
            }
        }
        for denied in other.data.denied {
            if !known.finding.data.denied.contains(&denied) {
                known.finding.data.denied.push(denied);
            }
        }
    }
}

fn cause(finding: &Finding) -> Cause {
    let rule = finding.data.cause.unwrap_or(finding.rule);
    let (controller, written) = (finding.controller.clone(), finding.data.written.clone());
    (controller, rule, finding.primary.span, written)
}

/// Whether findings that have in common what those of one cause do are of one.
fn is_same_cause(one: &Finding, other: &Finding) -> bool {
    let (ours, theirs) = (&one.data.denied, &other.data.denied);
    match (ours.is_empty(), theirs.is_empty()) {
        (true, true) => says_the_same(one, other),
        _ => ours.iter().any(|our| theirs.iter().any(|their| our.action == their.action)),
    }
}

/// Whether findings say the same, but for the versions of which they say so.
fn says_the_same(one: &Finding, other: &Finding) -> bool {
    let (ours, theirs) = (unversioned(one), unversioned(other));
    ours == theirs || bytes(ours).eq(bytes(theirs))
}

/// What a finding says in front of the version and behind it.
fn unversioned(finding: &Finding) -> (&str, &str) {
    let message = finding.message.as_str();
    let version = finding.data.karpenter.as_deref();
    version.and_then(|version| message.split_once(version)).unwrap_or((message, ""))
}

fn bytes<'t>((before, after): (&'t str, &'t str)) -> impl Iterator<Item = u8> + use<'t> {
    before.bytes().chain(after.bytes())
}

/// The finding with its versions named, where these are not all.
fn named(told: Told, all: &[Version]) -> Finding {
    let Told { mut finding, versions } = told;
    // What is wrong with a document is wrong in every version.
    if finding.data.karpenter.is_none() {
        return finding;
    }
    if let (UNUSED, Some(version)) = (finding.rule, &finding.data.karpenter) {
        finding.message = finding.message.replacen(version, &ranges(&versions, all), 1);
    }
    finding.data.karpenter = versions.first().map(ToString::to_string);
    finding.data.versions = versions.iter().map(ToString::to_string).collect();
    if versions.len() < all.len() {
        finding.message = format!("{} (Karpenter {})", finding.message, ranges(&versions, all));
    }
    finding
}

/// `1.3.8 to 1.5.8 and 1.7.6`.
fn ranges(versions: &[Version], all: &[Version]) -> String {
    let place = |version: &Version| all.iter().position(|known| known == version);
    let mut runs: Vec<(Version, Version)> = Vec::new();
    for version in versions {
        match runs.last_mut() {
            Some((_, last)) if place(last).map(|at| at + 1) == place(version) => *last = *version,
            _ => runs.push((*version, *version)),
        }
    }
    let runs: Vec<String> = runs
        .iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        })
        .collect();
    crate::check::words::list(&runs, 4)
}
