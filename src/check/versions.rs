//! One controller in several versions of Karpenter: what they have in common is looked at once.

use std::rc::Rc;
use std::sync::Arc;

use crate::eval::Layers;
use crate::finding::{Finding, Word};
use crate::karpenter::{Need, Version, needs_of};
use crate::policy::symbolic::Symbols;
use crate::source::Span;
use crate::syntax::When;

use super::cause::{self, Cause, Group};
use super::judge::{self, Asked};
use super::nearest::Kin;
use super::{
    Case, Checked, Judgement, RequestAnswer, denied, layers, least, sid_at, size, unsettled, words,
};

/// Judges one controller in several versions of Karpenter: the cases differ in what they resolved to, and in
/// nothing else. What several versions ask is answered once. Results are in the order of the cases.
#[must_use]
pub fn check_versions<'r>(cases: &[Case<'_, 'r>]) -> Vec<Checked<'r>> {
    let mut out: Vec<Option<Checked<'r>>> = cases.iter().map(|_| None).collect();
    for (at, first) in cases.iter().enumerate() {
        if out.get(at).is_none_or(Option::is_some) {
            continue;
        }
        let is_alike = |(_, case): &(usize, &Case<'_, '_>)| {
            first.rules.hold_alike(&first.resolved.settings, version_of(first), version_of(case))
                && case.resolved.is_like(first.resolved)
        };
        let alike: Vec<_> = std::iter::once((at, first))
            .chain(cases.iter().enumerate().skip(at + 1).filter(is_alike))
            .collect();
        let versions: Vec<Version> = alike.iter().map(|(_, case)| version_of(case)).collect();
        let mut symbols = Symbols::clone(&first.resolved.symbols);
        let needs = needs_of(first.rules, &first.resolved.settings, &versions, &mut symbols);
        let symbols = Arc::new(symbols);
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
            answers: None,
        };
        let mut checked: Vec<Checked<'r>> =
            alike.iter().map(|(_, case)| shared.told(**case)).collect();
        if first.advice {
            let told = checked.iter().flat_map(|checked| places(&checked.findings)).collect();
            let advice = shared.advice((*first, &versions), &layers, told);
            spread(advice, &versions, &mut checked);
        }
        for ((at, case), mut checked) in alike.into_iter().zip(checked) {
            for finding in checked.findings.iter_mut().chain(&mut checked.advice) {
                complete(finding, case);
            }
            if let Some(place) = out.get_mut(at) {
                *place = Some(checked);
            }
        }
    }
    out.into_iter().flatten().collect()
}

fn version_of(case: &Case<'_, '_>) -> Version {
    case.resolved.settings.karpenter
}

/// What versions have in common.
struct Shared<'a, 'n, 'r> {
    symbols: &'a Arc<Symbols>,
    needs: &'n [Need<'r>],
    /// What any of them asks.
    asked: &'a [Asked<'n, 'r>],
    denials: Denials<'a, 'n, 'r>,
    /// What the last version got.
    answers: Option<Arc<[RequestAnswer<'r>]>>,
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

impl<'a, 'r> Shared<'a, '_, 'r> {
    /// What there is to say of one version.
    fn told(&mut self, case: Case<'a, 'r>) -> Checked<'r> {
        let version = version_of(&case);
        let symbols = self.symbols;
        let asked = judge::of(self.asked, version);
        let judged = Judgement::new(case, symbols, self.needs, asked);
        let mut findings = self.denials.findings(&judged);
        let told: Vec<Span> = places(&findings).collect();
        let mut unsettled = false;
        for open in unsettled::findings(judged.asked(), &told, &judged) {
            match open {
                unsettled::Told::Here(finding) => {
                    unsettled = true;
                    findings.push(*finding);
                }
                unsettled::Told::Already(place, assumption) => {
                    let speaks =
                        |finding: &&mut Finding| finding.labels().any(|label| label.span == place);
                    if let Some(finding) = findings.iter_mut().find(speaks) {
                        finding.fact(Word::Assumed, vec![assumption]);
                    }
                }
            }
        }
        let requests = self.answers(judged.requests());
        let (advice, symbols) = (Vec::new(), Arc::clone(symbols));
        Checked { findings, advice, requests, symbols, unsettled }
    }

    /// The answers of a version, which it may have in common with the one before.
    fn answers(&mut self, answers: Vec<RequestAnswer<'r>>) -> Arc<[RequestAnswer<'r>]> {
        let is_same = |one: &RequestAnswer<'_>, other: &RequestAnswer<'_>| {
            std::ptr::eq(one.rule, other.rule) && one.answer == other.answer
        };
        let are_same = |last: &&Arc<[RequestAnswer<'_>]>| {
            last.len() == answers.len()
                && last.iter().zip(&answers).all(|(one, other)| is_same(one, other))
        };
        if let Some(last) = self.answers.as_ref().filter(are_same) {
            return Arc::clone(last);
        }
        Arc::clone(self.answers.insert(answers.into()))
    }

    /// What could be better in the policies and serves all versions still; `told` are the places that
    /// findings of any of them speak of.
    fn advice(
        &self,
        (case, versions): (Case<'_, '_>, &[Version]),
        layers: &Layers,
        mut told: Vec<Span>,
    ) -> Vec<Finding> {
        let mut advice = size::findings(&case);
        told.extend(places(&advice));
        told.sort_unstable();
        told.dedup();
        let better = least::findings((case, versions), layers, self.asked, self.symbols, &told);
        advice.extend(better);
        advice
    }
}

/// The places that findings speak of.
fn places(findings: &[Finding]) -> impl Iterator<Item = Span> {
    findings.iter().flat_map(Finding::labels).map(|label| label.span)
}

/// Tells the advice of the first version in the others as well.
fn spread(advice: Vec<Finding>, versions: &[Version], checked: &mut [Checked<'_>]) {
    let Some((first, checked)) = checked.split_first_mut() else { return };
    let mut versions = versions.iter();
    let old = versions.next().map(ToString::to_string).unwrap_or_default();
    for (version, checked) in versions.zip(checked) {
        let new = version.to_string();
        let renamed = |finding: &Finding| {
            let mut finding = finding.clone();
            if finding.data.karpenter.is_some() {
                let (then, now) = (format!("Karpenter {old}"), format!("Karpenter {new}"));
                finding.message = finding.message.replacen(&then, &now, 1);
                finding.data.karpenter = Some(new.clone());
            }
            finding
        };
        checked.advice = advice.iter().map(renamed).collect();
    }
    first.advice = advice;
}

/// Says whose finding it is, and in which statement of which resource it stands.
fn complete(finding: &mut Finding, case: &Case<'_, '_>) {
    let own = || case.controller.all_documents().filter_map(|index| case.documents.get(index));
    let place = finding.primary.span;
    finding.controller = Some(case.controller.name.clone());
    if finding.address.is_none() {
        let mut inside = own().filter(|document| document.policy.span.contains(place));
        finding.address = inside.next().and_then(|document| document.origin.address.clone());
    }
    if finding.sid.is_none() {
        finding.sid = own().filter_map(|document| sid_at(document, place)).next();
    }
}

/// The keys of the conditions of templates on which statements hang, each once.
fn whens(case: &Case<'_, '_>) -> Vec<String> {
    let documents = case.controller.all_documents().filter_map(|index| case.documents.get(index));
    let statements = documents.flat_map(|document| &document.policy.statements);
    let mut keys: Vec<String> = statements.flat_map(|s| &s.when).map(When::key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
