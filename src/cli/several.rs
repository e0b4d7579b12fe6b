//! Findings of several versions put together: each root cause once, with the versions that it concerns.

use std::collections::HashMap;

use crate::finding::{Finding, Severity};
use crate::karpenter::Version;
use crate::source::Span;

/// The rule that speaks of all versions in use.
const UNUSED: &str = "unused-permission";

/// A root cause, and the versions that it concerns with how bad it is there.
struct Told {
    finding: Finding,
    versions: Vec<(Version, Severity)>,
}

/// What was told so far.
#[derive(Default)]
pub(super) struct All {
    told: Vec<Told>,
    /// Places in `told`, by what findings of one cause have in common.
    by_cause: HashMap<Cause, Vec<usize>>,
}

/// Whose, what, where and as written: what findings of one cause have in common.
type Cause = (Option<String>, &'static str, Span, Option<String>);

impl All {
    /// Adds a finding of one version. The same cause is told as it is where it is worst.
    pub(super) fn tell(&mut self, finding: Finding, version: Version) {
        let places = self.by_cause.entry(cause(&finding)).or_default();
        let is_told =
            |known: &Told| known.versions.last().is_some_and(|(last, _)| *last == version);
        let is_same = |known: &Told| !is_told(known) && is_same_cause(&known.finding, &finding);
        let same = |place: &&usize| self.told.get(**place).is_some_and(is_same);
        let known = places.iter().find(same).copied().and_then(|place| self.told.get_mut(place));
        let Some(known) = known else {
            places.push(self.told.len());
            let versions = vec![(version, finding.severity)];
            self.told.push(Told { finding, versions });
            return;
        };
        known.versions.push((version, finding.severity));
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

    /// All findings, with their versions. What one of `versions` asks for is of use.
    pub(super) fn into_findings(self, versions: &[Version]) -> impl Iterator<Item = Finding> {
        let count = versions.len();
        let kept = move |told: &Told| told.finding.rule != UNUSED || told.versions.len() == count;
        self.told.into_iter().filter(kept).map(|Told { mut finding, versions }| {
            // What is wrong with a document is wrong in every version.
            if finding.data.karpenter.is_some() {
                finding.data.versions = versions.iter().map(|(own, _)| own.to_string()).collect();
                finding.data.severities = versions.into_iter().map(|(_, own)| own).collect();
            }
            finding
        })
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

/// Names the versions of a finding in its message, where these are not all.
pub(super) fn name_versions(finding: &mut Finding, all: &[Version]) {
    let own = &finding.data.versions;
    let (Some(first), Some(version)) = (own.first(), &finding.data.karpenter) else { return };
    if finding.rule == UNUSED {
        finding.message = finding.message.replacen(version, &ranges(own, all), 1);
    }
    if own.len() < all.len() {
        finding.message = format!("{} (Karpenter {})", finding.message, ranges(own, all));
    }
    finding.data.karpenter = Some(first.clone());
}

/// `1.3.8 to 1.5.8 and 1.7.6`.
fn ranges(versions: &[String], all: &[Version]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    let place = |version: &str| all.iter().position(|known| known == version);
    let mut runs: Vec<(&str, &str)> = Vec::new();
    for version in versions {
        match runs.last_mut() {
            Some((_, last)) if place(last).map(|at| at + 1) == place(version) => *last = version,
            _ => runs.push((version, version)),
        }
    }
    let runs: Vec<String> = runs
        .iter()
        .map(|(first, last)| match first == last {
            true => (*first).to_owned(),
            false => format!("{first} to {last}"),
        })
        .collect();
    crate::check::words::list(&runs, 4)
}
