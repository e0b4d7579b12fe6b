//! Compares what a Karpenter version asks with what the policies of a controller answer.
//!
//! A check knows policies, requests and decisions; it knows nothing of output formats.

mod beside;
mod cause;
mod denied;
pub mod granted;
mod judge;
mod least;
mod mismatch;
mod nearest;
mod parts;
mod policy;
mod size;
pub mod trust;
mod unsettled;
pub mod words;

use std::sync::Arc;

use crate::controller::{Controller, Document};
use crate::embedded::Str;
use crate::eval::{Compiled, Layer, Layers, Open, Readings};
use crate::extract::Unseen;
use crate::finding::{Finding, Label, Word};
use crate::karpenter::{Failure, Impact, Need, Phase, Rules, Version, needs_of};
use crate::policy::symbolic::{Symbol, Symbolic, Symbols};
use crate::policy::{Policy, Statement};
use crate::settings::Settings;
use crate::settings::infer::Resolved;
use crate::source::{SourceMap, Span};
use crate::syntax::{Part, Text, When};

pub use judge::Answer;
use judge::Asked;
pub(crate) use least::fill;
pub use policy::{Right, Tags, Told, check_document};
pub(crate) use size::number;
pub use size::{Limit, managed_policy_limit};

/// What one controller is judged with.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The controller.
    pub controller: &'a Controller,
    /// All documents.
    pub documents: &'a [Document],
    /// Its settings.
    pub resolved: &'a Resolved,
    /// What Karpenter versions ask.
    pub rules: &'a Rules,
    /// All text.
    pub sources: &'a SourceMap,
    /// Whether to say also what could be better: size, least privilege.
    pub advice: bool,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// The findings, in no particular order.
    pub findings: Vec<Finding>,
    /// What could be better, where that was asked for.
    pub advice: Vec<Finding>,
    /// The answer to each request, in call order.
    pub requests: Vec<RequestAnswer>,
    /// Names of what is not known, those of the requests included.
    pub symbols: Symbols,
    /// Whether something hangs on what nobody can know.
    pub unsettled: bool,
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct RequestAnswer {
    /// Id of the request.
    pub id: Str,
    /// `ec2:CreateFleet`.
    pub call: Str,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// When it is made.
    pub phase: Phase,
    /// Whether nodes depend on it.
    pub blocks: bool,
    /// The answer.
    pub answer: Answer,
    /// Condition, reason, message and symptom, where it is not allowed.
    pub failure: Option<Failure>,
}

/// Judges one controller.
#[must_use]
pub fn check(case: Case<'_>) -> Checked {
    check_versions(&[case]).pop().unwrap_or_default()
}

/// Judges one controller in several versions of Karpenter: the cases differ in what they resolved to, and in
/// nothing else. What versions ask alike is put together and answered once. Results are in the order of
/// the cases.
#[must_use]
pub fn check_versions(cases: &[Case<'_>]) -> Vec<Checked> {
    let mut out: Vec<Option<Checked>> = cases.iter().map(|_| None).collect();
    for (at, first) in cases.iter().enumerate() {
        if out.get(at).is_none_or(Option::is_some) {
            continue;
        }
        let version = |case: &Case<'_>| case.resolved.settings.karpenter;
        let is_alike = |(_, case): &(usize, &Case<'_>)| {
            first.rules.are_alike(&first.resolved.settings, version(first), version(case))
                && case.resolved.is_like(first.resolved)
        };
        let alike: Vec<_> = std::iter::once((at, first))
            .chain(cases.iter().enumerate().skip(at + 1).filter(is_alike))
            .collect();
        let versions: Vec<Version> = alike.iter().map(|(_, case)| version(case)).collect();
        let mut symbols = first.resolved.symbols.clone();
        let needs = needs_of(first.rules, &first.resolved.settings, &versions, &mut symbols);
        let layers = layers(first);
        let blind = judge::Blind {
            policies: &first.controller.unseen,
            boundary: first.controller.unseen_boundary.as_ref(),
        };
        let asked = judge::judge(&layers, &needs, blind, &whens(first));
        let mut better =
            Better { versions: &versions, layers: &layers, asked: &asked, found: Vec::new() };
        for (at, case) in alike {
            let checked = if versions.len() == 1 {
                told(*case, &symbols, (&needs, &asked), &mut better)
            } else {
                let own: Vec<Asked<'_, '_>> =
                    asked.iter().filter(|one| one.is_of(version(case))).cloned().collect();
                told(*case, &symbols, (&needs, &own), &mut better)
            };
            if let Some(place) = out.get_mut(at) {
                *place = Some(checked);
            }
        }
    }
    out.into_iter().flatten().collect()
}

/// What could be better in versions that ask alike: of use is what any of them asks.
struct Better<'a, 'n, 'r> {
    versions: &'a [Version],
    layers: &'a Layers,
    /// What all of them ask.
    asked: &'a [Asked<'n, 'r>],
    /// What was found, by the places that other findings speak of, with the version it was found in.
    found: Vec<(Vec<Span>, Version, Vec<Finding>)>,
}

impl Better<'_, '_, '_> {
    fn findings(&mut self, case: Case<'_>, symbols: &Symbols, told: Vec<Span>) -> Vec<Finding> {
        let version = case.resolved.settings.karpenter;
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
        let found = least::findings((case, self.versions), self.layers, self.asked, symbols, &told);
        if self.versions.len() > 1 {
            self.found.push((told, version, found.clone()));
        }
        found
    }
}

/// What there is to say of one version.
fn told(
    case: Case<'_>,
    symbols: &Symbols,
    (needs, asked): (&[Need<'_>], &[Asked<'_, '_>]),
    better: &mut Better<'_, '_, '_>,
) -> Checked {
    let judged = Judgement { case, symbols, needs, asked };
    let groups = cause::causes(asked, &judged);
    let mut findings: Vec<Finding> =
        groups.iter().map(|group| denied::finding(group, &judged)).collect();
    let told: Vec<Span> = findings
        .iter()
        .flat_map(|finding| std::iter::once(&finding.primary).chain(&finding.related))
        .map(|label| label.span)
        .collect();
    let mut unsettled = false;
    for open in unsettled::findings(asked, &told, &judged) {
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
        advice = size::findings(&case);
        let told: Vec<Span> = findings
            .iter()
            .chain(&advice)
            .flat_map(|finding| std::iter::once(&finding.primary).chain(&finding.related))
            .map(|label| label.span)
            .collect();
        advice.extend(better.findings(case, symbols, told));
    }
    for finding in findings.iter_mut().chain(&mut advice) {
        finding.controller = Some(case.controller.name.clone());
        if finding.address.is_none() {
            finding.address = judged.address_of(finding.primary.span);
        }
        if finding.sid.is_none() {
            let own = case.controller.all_documents().filter_map(|index| case.documents.get(index));
            finding.sid = own.filter_map(|document| sid_at(document, finding.primary.span)).next();
        }
    }
    let requests = judged.requests();
    Checked { findings, advice, requests, symbols: symbols.clone(), unsettled }
}

/// What is too long in a document that binds no controller.
#[must_use]
pub fn size_alone(document: &Document, sources: &SourceMap) -> Option<Finding> {
    let mut finding = size::alone(document, sources)?;
    finding.sid = sid_at(document, finding.primary.span);
    Some(finding)
}

/// The `Sid` of the statement that a place lies in.
fn sid_at(document: &Document, place: Span) -> Option<String> {
    let mut inside = document.policy.statements.iter().filter(|own| own.span.contains(place));
    inside.next()?.sid.as_ref().map(Text::display)
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

pub(crate) fn layers(case: &Case<'_>) -> Layers {
    // What AWS's documents leave open stays open here: a guess would be a false certainty.
    let bind = |hole: &str| case.resolved.resolve(hole);
    let compile = |&index: &usize| {
        let document = case.documents.get(index)?;
        Some(Arc::new(Compiled::with_readings(&document.policy, &bind, Readings::Open)))
    };
    let all = |indices: &[usize]| indices.iter().filter_map(compile).collect::<Vec<_>>();
    Layers {
        identity: all(&case.controller.identity),
        boundary: case.controller.boundary.map(|index| all(&[index])),
        service_control: case.controller.service_control.iter().map(|level| all(level)).collect(),
        ..Layers::default()
    }
}

/// A controller with all its answers.
pub(crate) struct Judgement<'j, 'n, 'r> {
    case: Case<'j>,
    symbols: &'j Symbols,
    needs: &'n [Need<'r>],
    asked: &'j [Asked<'n, 'r>],
}

impl<'j> cause::Ground<'j> for Judgement<'j, '_, '_> {
    fn policy(&self, layer: Layer, document: usize) -> Option<&'j Policy> {
        Judgement::policy(self, layer, document)
    }

    fn is_error(&self, asked: &Asked<'_, '_>) -> bool {
        Judgement::is_error(self, asked)
    }

    fn elsewhere(
        &self,
        near: &nearest::Candidate,
        statement: &Statement,
        asked: &Asked<'_, '_>,
    ) -> Option<mismatch::Elsewhere> {
        let found = mismatch::elsewhere(near, statement, asked, self.settings(), self.symbols);
        found.map(|(elsewhere, _)| elsewhere)
    }
}

impl<'j, 'r> Judgement<'j, '_, 'r> {
    fn settings(&self) -> &'j Settings {
        &self.case.resolved.settings
    }

    fn symbols(&self) -> &'j Symbols {
        self.symbols
    }

    /// The policy of a layer.
    fn policy(&self, layer: Layer, document: usize) -> Option<&'j Policy> {
        let controller = self.case.controller;
        let index = match layer {
            Layer::Identity => controller.identity.get(document).copied(),
            Layer::Boundary => controller.boundary,
            Layer::Session => None,
            Layer::ServiceControl(level) => {
                controller.service_control.get(level)?.get(document).copied()
            }
        };
        self.case.documents.get(index?).map(|document| &document.policy)
    }

    /// The places of manifests that make Karpenter ask this.
    fn because<'a>(
        &self,
        asked: impl Iterator<Item = &'a Asked<'a, 'r>>,
        key: Option<&str>,
    ) -> Vec<Label>
    where
        'r: 'a,
    {
        let mut out: Vec<Label> = Vec::new();
        for because in asked.flat_map(|one| one.entry.because(one.need.rule, self.settings(), key))
        {
            if !out.iter().any(|known| known.span == because.span) {
                out.push(Label { span: because.span, message: because.field.to_owned() });
            }
        }
        out
    }

    /// Whether this denial stops nodes for certain.
    fn is_error(&self, asked: &Asked<'_, '_>) -> bool {
        asked.answer.is_denied()
            && asked.is_must_have()
            && asked.need.rule.impact == Impact::Blocks
            && asked.entry.assumed.is_none()
    }

    /// The `Statement` key of the document with most actions: where a finding stands when no
    /// statement comes near.
    fn fallback_span(&self, layer: Layer) -> Span {
        let controller = self.case.controller;
        let indices: Vec<usize> = match layer {
            Layer::Boundary => controller.boundary.into_iter().collect(),
            Layer::ServiceControl(level) => {
                controller.service_control.get(level).cloned().unwrap_or_default()
            }
            Layer::Identity | Layer::Session => controller.identity.clone(),
        };
        let policies =
            indices.iter().filter_map(|&index| Some(&self.case.documents.get(index)?.policy));
        let actions = |policy: &Policy| {
            policy.statements.iter().map(|s| s.action.values.len()).sum::<usize>()
        };
        policies.max_by_key(|policy| actions(policy)).map_or_else(
            || Span::new(crate::source::SourceId(0), 0, 0),
            |policy| policy.statement_key,
        )
    }

    /// Whether every must-have entry of the validation is allowed, and there is a validation.
    fn validation_passes(&self) -> bool {
        let mut validation = self
            .asked
            .iter()
            .filter(|asked| asked.need.rule.phase == Phase::Validation && asked.is_must_have())
            .peekable();
        validation.peek().is_some() && validation.all(|asked| asked.answer == Answer::Allowed)
    }

    /// The hole of the policies that stands for `symbol`, as written there.
    fn hole_for(&self, symbol: Symbol) -> Option<String> {
        let value = Symbolic::symbol(symbol);
        let mut bindings = self.case.resolved.bindings();
        bindings.find(|(_, bound)| **bound == value).map(|(hole, _)| format!("${{{hole}}}"))
    }

    /// Whether the policies have a hole of this name.
    fn is_hole(&self, name: &str) -> bool {
        self.case.resolved.bindings().any(|(hole, _)| hole == name)
    }

    /// The request at which the validation stops: its first that is denied.
    fn stopping(&self) -> Option<&'r str> {
        let mut denied = self
            .asked
            .iter()
            .filter(|asked| asked.need.rule.phase == Phase::Validation)
            .filter(|asked| asked.is_must_have() && asked.answer.is_denied());
        denied.next().map(|asked| &*asked.need.rule.id)
    }

    /// What a text of the policies stands for.
    fn bind(&self, text: &Text) -> Symbolic {
        let mut out = Symbolic::default();
        for part in &text.parts {
            match part {
                Part::Literal(_, text) => out.push_str(text),
                Part::Hole(_, expr) => out.push(&self.case.resolved.resolve(expr)),
            }
        }
        out
    }

    /// Address of the role whose policies are judged.
    fn role(&self) -> Option<String> {
        self.case.controller.role.clone()
    }

    fn unseen_policies(&self) -> impl Iterator<Item = &'j Unseen> {
        self.case.controller.unseen.iter()
    }

    fn unseen_boundary(&self) -> Option<&'j Unseen> {
        self.case.controller.unseen_boundary.as_ref()
    }

    /// The condition of a template behind something that is open.
    fn when(&self, open: &Open) -> Option<&'j When> {
        let Open::Key(key) = open else { return None };
        let key = key.as_literal().filter(|key| key.starts_with(When::KEY_PREFIX))?;
        let documents = self.case.controller.all_documents();
        let mut whens = documents
            .filter_map(|index| self.case.documents.get(index))
            .flat_map(|document| &document.policy.statements)
            .flat_map(|statement| &statement.when);
        whens.find(|when| when.key().eq_ignore_ascii_case(key))
    }

    /// What to call something that is open.
    fn open_name(&self, open: &Open) -> String {
        match open {
            Open::Key(key) => match self.when(open) {
                Some(when) => when.name.to_string(),
                None => crate::aws::key_display(&key.display(self.symbols)),
            },
            Open::Contested(point) => (*point).to_owned(),
            Open::Symbol(symbol) => format!("${{{}}}", self.symbols.name(*symbol)),
        }
    }

    /// What to give to get an answer; `None` for what only a condition key can tell.
    fn settles(&self, open: &Open) -> Option<String> {
        if let Some(when) = self.when(open) {
            let names: Vec<&str> = when.asks.iter().map(String::as_str).collect();
            let flag = when.flag;
            return Some(match names.as_slice() {
                [] if flag == "--var" => "the plan: `terraform show -json`".to_owned(),
                [] => format!("{flag} NAME=VALUE"),
                names => format!("{flag} {}=VALUE", names.join(&format!("=VALUE {flag} "))),
            });
        }
        Some(match open {
            Open::Contested(_) => "a policy that does not rest on this point".to_owned(),
            Open::Key(_) => format!("--context {}=VALUE", self.open_name(open)),
            Open::Symbol(symbol) => match self.symbols.name(*symbol) {
                "nodepool" => {
                    "node-pools = [\"...\"] in karplint.toml, or --node-pool NAME".to_owned()
                }
                "nodeclass" => {
                    "node-classes = [\"...\"] in karplint.toml, or --node-class NAME".to_owned()
                }
                "node-role" => "--node-role ARN".to_owned(),
                name @ ("cluster-name" | "region" | "account" | "partition"
                | "interruption-queue") => format!("--{name} VALUE"),
                name if self.is_hole(name) => self.setting_of(name),
                _ => return None,
            },
        })
    }

    /// The flag for a symbol that is named after a hole.
    fn setting_of(&self, name: &str) -> String {
        let settings = self.settings();
        let is = |value: &Symbolic| value.display(self.symbols) == format!("${{{name}}}");
        let flag = [
            ("cluster-name", &settings.cluster),
            ("region", &settings.region),
            ("account", &settings.account),
            ("partition", &settings.partition),
        ];
        match flag.iter().find(|(_, value)| is(value)) {
            Some((flag, _)) => format!("--{flag} VALUE"),
            None => format!("a policy without `${{{name}}}` in that place"),
        }
    }

    /// How to get around a dry run whose answer is in dispute.
    fn way_around_dispute(&self) -> String {
        let version = self.settings().karpenter;
        match self.case.rules.newest_patch(version) {
            Some(newest) if newest > version => {
                format!("move to {newest}: its validation uses a real launch template")
            }
            _ => "move to a newer version of Karpenter".to_owned(),
        }
    }

    /// The address of the resource that a span lies in.
    fn address_of(&self, span: Span) -> Option<String> {
        let documents =
            self.case.controller.all_documents().filter_map(|index| self.case.documents.get(index));
        let mut inside = documents.filter(|document| {
            document.policy.span.source == span.source && document.policy.span.contains(span)
        });
        inside.next().and_then(|document| document.origin.address.clone())
    }

    fn requests(&self) -> Vec<RequestAnswer> {
        let version = self.settings().karpenter;
        self.needs
            .iter()
            .filter(|need| need.is_made(version))
            .map(|need| {
                let entries = self.asked.iter().filter(|asked| std::ptr::eq(asked.need, need));
                let answer = entries
                    .filter(|asked| {
                        asked.is_must_have()
                            || matches!(asked.reason, Some(judge::Reason::Disputed(_)))
                    })
                    .map(|asked| asked.answer)
                    .max()
                    .unwrap_or(Answer::Allowed);
                RequestAnswer {
                    id: need.rule.id.clone(),
                    call: need.rule.call.clone(),
                    dry_run: need.rule.dry_run,
                    phase: need.rule.phase,
                    blocks: need.rule.impact == Impact::Blocks,
                    answer,
                    failure: (answer != Answer::Allowed)
                        .then(|| need.rule.failure(self.settings().karpenter)),
                }
            })
            .collect()
    }
}
