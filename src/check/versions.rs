//! One controller in several versions of Karpenter: what they have in common is looked at once.

use std::rc::Rc;

use crate::eval::Layers;
use crate::finding::{Finding, Word};
use crate::karpenter::{Need, Version, needs_of};
use crate::policy::symbolic::Symbols;
use crate::source::Span;
use crate::syntax::When;

use super::cause::{self, Cause, Group};
use super::judge::{self, Asked};
use super::nearest::Kin;
use super::{Case, Checked, Judgement, denied, layers, least, sid_at, size, unsettled, words};

/// Judges one controller in several versions of Karpenter: the cases differ in what they resolved to, and in
/// nothing else. What several versions ask is answered once. Results are in the order of the cases.
#[must_use]
pub fn check_versions(cases: &[Case<'_>]) -> Vec<Checked> {
    let mut out: Vec<Option<Checked>> = cases.iter().map(|_| None).collect();
    for (at, first) in cases.iter().enumerate() {
        if out.get(at).is_none_or(Option::is_some) {
            continue;
        }
        let is_alike = |(_, case): &(usize, &Case<'_>)| {
            first.rules.hold_alike(&first.resolved.settings, version_of(first), version_of(case))
                && case.resolved.is_like(first.resolved)
        };
        let alike: Vec<_> = std::iter::once((at, first))
            .chain(cases.iter().enumerate().skip(at + 1).filter(is_alike))
            .collect();
        let versions: Vec<Version> = alike.iter().map(|(_, case)| version_of(case)).collect();
        let mut symbols = first.resolved.symbols.clone();
        let needs = needs_of(first.rules, &first.resolved.settings, &versions, &mut symbols);
        let layers = layers(first);
        let blind = judge::Blind {
            policies: &first.controller.unseen,
            boundary: first.controller.unseen_boundary.as_ref(),
        };
        let asked = judge::judge(&layers, &needs, blind, &whens(first));
        let mut shared = Shared {
            symbols: &symbols,
            needs: &needs,
            asked: &asked,
            denials: Denials::default(),
            size: None,
            common: None,
            layers: &layers,
            better: better(first, &versions, &asked),
        };
        for (at, case) in alike {
            let checked = shared.told(*case);
            if let Some(place) = out.get_mut(at) {
                *place = Some(checked);
            }
        }
    }
    out.into_iter().flatten().collect()
}

fn version_of(case: &Case<'_>) -> Version {
    case.resolved.settings.karpenter
}

/// What versions have in common.
struct Shared<'a, 'n, 'r> {
    symbols: &'a Symbols,
    needs: &'n [Need<'r>],
    /// What any of them asks.
    asked: &'a [Asked<'n, 'r>],
    denials: Denials<'a, 'n, 'r>,
    /// What is too long, in any of them.
    size: Option<Vec<Finding>>,
    layers: &'a Layers,
    /// What advice has in common, once some is wanted.
    common: Option<least::Common<'a, 'n, 'r>>,
    better: Vec<Better<'a, 'n, 'r>>,
}

/// What could be better in versions that send the same: of use is what any of them asks.
struct Better<'a, 'n, 'r> {
    versions: Vec<Version>,
    /// What any of them asks.
    asked: Vec<&'a Asked<'n, 'r>>,
    /// What was found, by the places that other findings speak of, with the version it was found in.
    found: Vec<(Vec<Span>, Version, Vec<Finding>)>,
}

/// One for each sort of versions.
fn better<'a, 'n, 'r>(
    case: &Case<'_>,
    versions: &[Version],
    asked: &'a [Asked<'n, 'r>],
) -> Vec<Better<'a, 'n, 'r>> {
    let mut sorts: Vec<Vec<Version>> = Vec::new();
    for version in versions {
        let alike = |sort: &&mut Vec<Version>| {
            sort.iter().any(|known| case.rules.mean_alike(*known, *version))
        };
        match sorts.iter_mut().find(alike) {
            Some(sort) => sort.push(*version),
            None => sorts.push(vec![*version]),
        }
    }
    let sort = |versions: Vec<Version>| {
        let is_asked = |asked: &&Asked<'_, '_>| versions.iter().any(|one| asked.is_of(*one));
        let asked = asked.iter().filter(is_asked).collect();
        Better { versions, asked, found: Vec::new() }
    };
    sorts.into_iter().map(sort).collect()
}

impl Better<'_, '_, '_> {
    fn findings(
        &mut self,
        case: Case<'_>,
        symbols: &Symbols,
        common: &least::Common<'_, '_, '_>,
        told: Vec<Span>,
    ) -> Vec<Finding> {
        let version = version_of(&case);
        if let Some((_, of, found)) = self.found.iter().find(|(places, ..)| *places == told) {
            let (old, new) = (format!("Karpenter {of}"), format!("Karpenter {version}"));
            let renamed = |finding: &Finding| {
                let mut finding = finding.clone();
                finding.message = finding.message.replacen(&old, &new, 1);
                finding.data.karpenter = Some(version.to_string());
                finding
            };
            return found.iter().map(renamed).collect();
        }
        let of = (case, &*self.versions);
        let found = least::findings(of, common, &self.asked, symbols, &told);
        if self.versions.len() > 1 {
            self.found.push((told, version, found.clone()));
        }
        found
    }
}

/// What was said of denials, for other versions that are denied the same.
#[derive(Default)]
struct Denials<'a, 'n, 'r> {
    /// By what is denied.
    causes: Vec<(Vec<&'a Asked<'n, 'r>>, Rc<[Group<'a, 'n, 'r>]>)>,
    findings: Vec<Denial<'a, 'n, 'r>>,
    kin: Kin,
}

/// A finding, and all that it hangs on.
struct Denial<'a, 'n, 'r> {
    cause: Cause,
    members: Vec<&'a Asked<'n, 'r>>,
    /// The request at which the validation stops, and whether it passes.
    validation: (Option<&'r str>, bool),
    /// All that the version asks, if it hangs on that.
    all: Option<Vec<&'a Asked<'n, 'r>>>,
    finding: Finding,
}

fn is_same(one: &[&Asked<'_, '_>], other: &[&Asked<'_, '_>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| std::ptr::eq(*one, *other))
}

impl<'a, 'n, 'r> Denials<'a, 'n, 'r> {
    fn findings(&mut self, judged: &Judgement<'a, 'n, 'r>) -> Vec<Finding> {
        let denied: Vec<&'a Asked<'n, 'r>> =
            judged.asked().iter().copied().filter(|asked| asked.answer.is_denied()).collect();
        if denied.is_empty() {
            return Vec::new();
        }
        let known = self.causes.iter().find(|(known, _)| is_same(known, &denied));
        let groups = match known {
            Some((_, groups)) => Rc::clone(groups),
            None => {
                let groups: Rc<[Group<'_, '_, '_>]> =
                    cause::causes(&denied, judged, &mut self.kin).into();
                self.causes.push((denied, Rc::clone(&groups)));
                groups
            }
        };
        let validation = (judged.stopping(), judged.validation_passes());
        groups.iter().map(|group| self.finding(group, judged, validation)).collect()
    }

    fn finding(
        &mut self,
        group: &Group<'a, 'n, 'r>,
        judged: &Judgement<'a, 'n, 'r>,
        validation: (Option<&'r str>, bool),
    ) -> Finding {
        let members: Vec<&'a Asked<'n, 'r>> =
            group.members.iter().map(|member| member.asked).collect();
        let version = judged.settings().karpenter;
        let is_known = |known: &&Denial<'_, '_, '_>| {
            known.validation == validation
                && is_same(&known.members, &members)
                && known.cause == group.cause
                && known.all.as_ref().is_none_or(|all| is_same(all, judged.asked()))
        };
        if let Some(known) = self.findings.iter().find(is_known) {
            let mut finding = known.finding.clone();
            finding.data.karpenter = Some(version.to_string());
            finding.facts.retain(|fact| fact.word != Word::YouSee);
            finding.fact(Word::YouSee, words::you_see(members.into_iter(), version));
            return finding;
        }
        let (finding, looked) = judged.watch(|| denied::finding(group, judged));
        let all = looked.then(|| judged.asked().to_vec());
        let (cause, known) = (group.cause.clone(), finding.clone());
        self.findings.push(Denial { cause, members, validation, all, finding: known });
        finding
    }
}

impl<'a> Shared<'a, '_, '_> {
    /// What there is to say of one version.
    fn told(&mut self, case: Case<'a>) -> Checked {
        let version = version_of(&case);
        let symbols = self.symbols;
        let asked = self.asked.iter().filter(|asked| asked.is_of(version)).collect();
        let judged = Judgement::new(case, symbols, self.needs, asked);
        let mut findings = self.denials.findings(&judged);
        let told: Vec<Span> = findings
            .iter()
            .flat_map(|finding| std::iter::once(&finding.primary).chain(&finding.related))
            .map(|label| label.span)
            .collect();
        let mut unsettled = false;
        for open in unsettled::findings(judged.asked(), &told, &judged) {
            match open {
                unsettled::Told::Here(finding) => {
                    unsettled = true;
                    findings.push(*finding);
                }
                unsettled::Told::Already(place, assumption) => {
                    let speaks = |finding: &&mut Finding| {
                        std::iter::once(&finding.primary)
                            .chain(&finding.related)
                            .any(|l| l.span == place)
                    };
                    if let Some(finding) = findings.iter_mut().find(speaks) {
                        finding.fact(Word::Assumed, vec![assumption]);
                    }
                }
            }
        }
        let mut advice = Vec::new();
        if case.advice {
            advice.clone_from(self.size.get_or_insert_with(|| size::findings(&case)));
            let told: Vec<Span> = findings
                .iter()
                .chain(&advice)
                .flat_map(|finding| std::iter::once(&finding.primary).chain(&finding.related))
                .map(|label| label.span)
                .collect();
            let common = self.common.get_or_insert_with(|| {
                least::Common::new(self.layers, self.better.iter().map(|better| &*better.asked))
            });
            let mut better = self.better.iter_mut();
            if let Some(better) = better.find(|better| better.versions.contains(&version)) {
                advice.extend(better.findings(case, symbols, common, told));
            }
        }
        for finding in findings.iter_mut().chain(&mut advice) {
            finding.controller = Some(case.controller.name.clone());
            if finding.address.is_none() {
                finding.address = judged.address_of(finding.primary.span);
            }
            if finding.sid.is_none() {
                let own =
                    case.controller.all_documents().filter_map(|index| case.documents.get(index));
                finding.sid =
                    own.filter_map(|document| sid_at(document, finding.primary.span)).next();
            }
        }
        let requests = judged.requests();
        Checked { findings, advice, requests, symbols: symbols.clone(), unsettled }
    }
}

/// The keys of the conditions of templates on which statements hang, each once.
fn whens(case: &Case<'_>) -> Vec<String> {
    let documents = case.controller.all_documents().filter_map(|index| case.documents.get(index));
    let statements = documents.flat_map(|document| &document.policy.statements);
    let mut keys: Vec<String> = statements.flat_map(|s| &s.when).map(When::key).collect();
    keys.sort();
    keys.dedup();
    keys
}
