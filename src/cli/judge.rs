//! Groups what was read, judges every controller, and keeps what is to be reported.

use std::collections::{HashMap, HashSet};

use crate::check::granted::{Wanted, granted};
use crate::check::{
    Case, Checked, Right, Tags, Told, check_document, check_versions, size_alone, words,
};
use crate::controller::{Controller, Document, DocumentKind, Grouping, group, mentions};
use crate::error::Error;
use crate::extract::is_of_cdk;
use crate::finding::{Finding, Severity, Word};
use crate::karpenter::{Rules, Version};
use crate::order;
use crate::report::{Outcome, Verdict};
use crate::settings::evidence::Evidence;
use crate::settings::infer::{Resolved, infer, infer_all};
use crate::source::{SourceMap, Span};

use super::args::CheckArgs;
use super::inputs::Loaded;
use super::parallel;
use super::plan::Plan;
use super::several::{All, name_versions};
use super::trust;
use super::verdict::{About, Surroundings, verdict};

/// The rules that say what could be better. They are not asked where nobody would hear of it.
const ADVICE: [&str; 3] = ["over-permissive", "policy-size", "unused-permission"];

/// What came out for one controller.
struct Answers<'r> {
    /// Its settings and the answers in each version, without findings.
    by_version: Vec<(Resolved, Checked<'r>)>,
    /// What is wrong in any version.
    findings: Vec<Finding>,
    /// What could be better.
    advice: Vec<Finding>,
}

/// Whether what could be better is of interest.
fn has_advice(plan: &Plan) -> bool {
    ADVICE.iter().any(|rule| plan.silence.reports(rule))
}

/// Judges all that was read in the version of the plan.
pub(super) fn judge<'s>(
    args: &CheckArgs,
    plan: &Plan,
    rules: &'s Rules,
    sources: &'s SourceMap,
    loaded: &Loaded,
) -> Outcome<'s> {
    judge_in(&[plan.version], (args, plan), rules, sources, loaded)
}

/// Judges all that was read in all versions of the plan: one set of findings, each root cause once, and a
/// verdict for each version.
pub(super) fn judge_all<'s>(
    args: &CheckArgs,
    plan: &Plan,
    rules: &'s Rules,
    sources: &'s SourceMap,
    loaded: &Loaded,
) -> Outcome<'s> {
    judge_in(&plan.versions, (args, plan), rules, sources, loaded)
}

fn judge_in<'s>(
    versions: &[Version],
    (args, plan): (&CheckArgs, &Plan),
    rules: &'s Rules,
    sources: &'s SourceMap,
    loaded: &Loaded,
) -> Outcome<'s> {
    let controllers = &controllers(args, plan, loaded);
    let documents = &loaded.documents;
    let advice = has_advice(plan);
    let mut answers = parallel::map(controllers, "judging", |controller| {
        ask(controller, loaded, (plan, versions), rules, (sources, advice))
    });
    let mut findings = Vec::new();
    let mut errors = plan.errors.clone();
    errors.extend_from_slice(&loaded.errors);
    for broken in &loaded.broken {
        let mut finding =
            Finding::new("syntax", Severity::Error, broken.span, broken.message.clone());
        finding.help = broken.help.clone();
        finding.fact(Word::Fix, broken.help.iter().cloned().collect());
        findings.push(finding);
    }
    for outside in &loaded.outside {
        let message = outside.message.clone();
        let mut finding = Finding::new("unsettled", Severity::Warning, outside.span, message);
        finding.help = outside.help.clone();
        findings.push(finding);
    }
    let mut notes = loaded.notes.clone();
    for (file, found) in &loaded.unreadable {
        let message = format!("{}: {}", found.address, found.reason);
        let help = found.help.clone().unwrap_or_else(|| "check the Terraform source".to_owned());
        // It matters if it could be the controller's; what is attached to a role is told there.
        let alone = loaded.units.iter().any(|unit| unit.file == *file && unit.documents.is_empty());
        if alone || (mentions(&found.address) && !found.left_out) {
            errors.push(Error::at(sources, found.span, message).with_help(help));
        } else {
            notes.push(format!("passed over {file} {message}"));
        }
    }
    if let Some(role) = &args.controllers.role
        && controllers.is_empty()
    {
        errors.push(Error::usage(format!("no role `{role}` with a policy in the input")));
    }
    let failed = !errors.is_empty();
    for answers in &mut answers {
        findings.append(&mut answers.findings);
    }
    let union =
        suggest_union(args, &findings, controllers, (loaded, sources), (plan, versions), rules);
    let mut trusted = Vec::new();
    if !args.no_karpenter && !loaded.blind {
        let settled = |at: usize| {
            let resolved = answers.iter().filter_map(move |answers| answers.by_version.get(at));
            controllers.iter().zip(resolved.map(|(resolved, _)| resolved)).collect()
        };
        let around = trust::Surroundings { documents, units: &loaded.units, plan, rules };
        let mut by_version = Vec::new();
        for (at, version) in versions.iter().enumerate() {
            let judged: Vec<(&Controller, &Resolved)> = settled(at);
            let (found, lines) = trust::judge(&judged, around, *version);
            by_version.push(found);
            if at == 0 {
                trusted = lines;
            }
        }
        findings.extend(put_together(by_version, versions));
    }
    // What is told of roles and controllers says more than what is told of a document alone.
    let mut findings =
        about_documents((args, loaded), controllers, (rules, sources, advice), findings);
    // What is wrong is told before what could be better.
    let mut told: Vec<Span> =
        findings.iter().flat_map(Finding::labels).map(|label| label.span).collect();
    // They stand by document already, so that this is less work than a table.
    told.sort_unstable();
    let better = answers.iter_mut().flat_map(|answers| answers.advice.drain(..));
    findings.extend(better.filter(|one| told.binary_search(&one.primary.span).is_err()));
    let generated: Vec<&Document> =
        documents.iter().filter(|document| document.origin.generated).collect();
    for finding in &mut findings {
        name_source(finding, &generated, sources);
    }
    let left = plan.silence.apply(findings, args, loaded, sources, failed);
    let (mut findings, suppressed) = (left.findings, left.suppressed);
    notes.extend(left.notes);
    errors.extend(left.errors);
    if args.verbose {
        let bound: Vec<usize> = controllers.iter().flat_map(Controller::all_documents).collect();
        notes.extend(left_out(documents, &bound));
    }
    for finding in &mut findings {
        name_versions(finding, versions);
    }
    order::by_key(&mut findings, |finding| {
        let span = sources.to_file(finding.primary.span);
        (
            sources.get(span.source).name().to_owned(),
            span.start,
            finding.rule,
            finding.message.clone(),
        )
    });
    let around = Surroundings {
        version_from: &plan.version_from,
        completed: &loaded.completed,
        assumed: &loaded.assumed,
        failed,
    };
    let about = About::new(&findings);
    let judged: Vec<(&Controller, Answers<'_>)> = controllers.iter().zip(answers).collect();
    let said = parallel::take(judged, |(controller, answers)| {
        let own = about.of(controller, documents, around);
        let say = |answers| verdict(controller, answers, &own, around);
        answers.by_version.into_iter().map(say).collect::<Vec<Verdict<'_>>>()
    });
    let mut verdicts: Vec<Verdict<'_>> = said.into_iter().flatten().collect();
    // Controllers of one name stand together: what is found of them is told by their name.
    let mut places: HashMap<String, usize> = HashMap::new();
    for verdict in &verdicts {
        let next = places.len();
        places.entry(verdict.name.clone()).or_insert(next);
    }
    order::by_key(&mut verdicts, |verdict| (places.get(&verdict.name).copied(), verdict.karpenter));
    let last = verdicts.len().checked_sub(versions.len());
    if let Some(last) = last.and_then(|last| verdicts.get_mut(last)) {
        last.hints.extend(union);
        let read = plan.given.manifests.objects > 0;
        if let Some((path, kind)) = loaded.manifest.as_ref().filter(|_| !read) {
            last.hints.push(format!("--manifest {path} takes the settings of its {kind}"));
        }
    }
    Outcome {
        sources,
        data_karpenter: rules.latest(),
        controllers: verdicts,
        findings,
        errors,
        notes,
        remarks: trusted,
        files: loaded.files,
        documents: documents.iter().filter(|document| !document.is_filled_in).count(),
        suppressed,
    }
}

/// Says where to change what stands in a file that a program wrote.
fn name_source(finding: &mut Finding, generated: &[&Document], sources: &SourceMap) {
    let Some(fix) = &mut finding.fix else { return };
    let place = finding.primary.span;
    let is_here = |document: &&&Document| document.policy.span.contains(place);
    let Some(document) = generated.iter().find(is_here) else { return };
    let address = document.origin.address.as_deref();
    let of = address.map(|address| format!(" of {}", words::code(address))).unwrap_or_default();
    let place = if address.is_some_and(|address| address.contains("aws_")) {
        format!("in the Terraform source{of}: Terraform writes this file")
    } else if is_of_cdk(sources.get(document.origin.file).text()) {
        format!("in the code{of}: the CDK writes this template")
    } else {
        "where the policy is made: this file is what AWS answered".to_owned()
    };
    fix.title = format!("{}, {place}", fix.title);
    finding.facts.iter_mut().filter(|fact| fact.word == Word::Fix).for_each(|fact| {
        fact.lines.push(place.clone());
    });
}

/// What binds no controller that is judged, one line each.
fn left_out(documents: &[Document], bound: &[usize]) -> Vec<String> {
    let rest = documents.iter().enumerate().filter(|(index, _)| !bound.contains(index));
    rest.filter(|(_, document)| !document.is_filled_in)
        .map(|(_, document)| {
            let why = match document.kind {
                DocumentKind::Trust => "it says who may assume a role",
                DocumentKind::Resource => "it belongs to a resource",
                DocumentKind::ServiceControl => "it was not given with --scp",
                DocumentKind::OtherPrincipal => "it binds a user or a group",
                DocumentKind::Identity if document.looks_karpenter => {
                    "it binds a role that is not judged"
                }
                DocumentKind::Identity => "it does not look like Karpenter's",
            };
            let address = document.origin.address.as_deref().unwrap_or_default();
            format!("left out {} {address}: {why}", document.file).replace(" :", ":")
        })
        .collect()
}

/// Adds what is wrong with the documents themselves, each told once however many it binds.
fn about_documents(
    (args, loaded): (&CheckArgs, &Loaded),
    controllers: &[Controller],
    (rules, sources, advice): (&Rules, &SourceMap, bool),
    findings: Vec<Finding>,
) -> Vec<Finding> {
    let mut named = HashSet::new();
    for unit in loaded.units.iter().filter(|unit| unit.named) {
        named.extend(unit.documents.clone());
    }
    // Whom a document binds: of several, the verdicts find it by its place.
    let mut owners: HashMap<usize, Option<&str>> = HashMap::new();
    for controller in controllers {
        for index in controller.all_documents() {
            let owner = owners.entry(index).or_insert(Some(&controller.name));
            *owner = owner.filter(|name| *name == controller.name);
        }
    }
    let asked: Vec<(usize, &Document)> = loaded
        .documents
        .iter()
        .enumerate()
        .filter(|(index, document)| {
            let is_asked = args.no_karpenter
                || document.looks_karpenter
                || named.contains(index)
                || owners.contains_key(index);
            let wanted = loaded.focus.as_ref().is_none_or(|focus| focus.on(document));
            is_asked && (wanted || owners.contains_key(index)) && !document.is_filled_in
        })
        .collect();
    let (mut told, tags, right) = (Told::new(findings), Tags::new(rules), Right::default());
    let found = parallel::map(&asked, "looking at", |(_, document)| {
        check_document((document, sources), (&tags, &right), &told)
    });
    for ((index, document), new) in asked.iter().zip(found) {
        told.add(document, owners.get(index).copied().flatten(), new);
    }
    // What binds a controller is measured with the names of its installation.
    let alone = asked.iter().filter(|(index, document)| {
        advice && !owners.contains_key(index) && document.kind != DocumentKind::Resource
    });
    let sizes = alone.filter_map(|(_, document)| size_alone(document, sources));
    told.into_findings().chain(sizes).collect()
}

/// The controllers of the input, with the limits that the arguments put to each.
pub(super) fn controllers(args: &CheckArgs, plan: &Plan, loaded: &Loaded) -> Vec<Controller> {
    if args.no_karpenter || loaded.blind || !plan.errors.is_empty() {
        return Vec::new();
    }
    let how = Grouping {
        explicit: loaded.explicit.clone(),
        taken: loaded.taken.clone(),
        union: args.controllers.union,
        role: args.controllers.role.as_deref(),
    };
    let mut controllers = group(&loaded.documents, &loaded.units, &how);
    if let Some(focus) = &loaded.focus {
        controllers.retain(|controller| focus.on_any(controller, &loaded.documents));
    }
    for controller in &mut controllers {
        if let Some(boundary) = loaded.boundary {
            controller.boundary = Some(boundary);
            controller.unseen_boundary = None;
        }
        controller.service_control.extend(loaded.service_control.iter().cloned());
    }
    controllers
}

/// Where the only controller of the input grants each of `wanted`; nothing where there are several, since
/// each has a place of its own.
pub(super) fn places(
    args: &CheckArgs,
    plan: &Plan,
    rules: &Rules,
    loaded: &Loaded,
    wanted: &[Wanted<'_>],
    sources: &SourceMap,
) -> Vec<Option<Span>> {
    let controllers = controllers(args, plan, loaded);
    let [controller] = controllers.as_slice() else { return vec![None; wanted.len()] };
    let documents = &loaded.documents;
    let resolved = settle(controller, documents, plan);
    let case = Case { controller, documents, resolved: &resolved, rules, sources, advice: false };
    granted(case, wanted)
}

/// Judges a controller in each of `versions`.
fn ask<'r>(
    controller: &Controller,
    loaded: &Loaded,
    (plan, versions): (&Plan, &[Version]),
    rules: &'r Rules,
    (sources, advice): (&SourceMap, bool),
) -> Answers<'r> {
    let documents = &loaded.documents;
    let evidence = evidence(controller, documents);
    let resolved = infer_all(versions, &plan.given, &evidence, controller.makes_queue);
    let case = |resolved| Case { controller, documents, resolved, rules, sources, advice };
    let cases: Vec<Case<'_, '_>> = resolved.iter().map(case).collect();
    let mut checked = check_versions(&cases);
    let wrong = checked.iter_mut().map(|checked| std::mem::take(&mut checked.findings));
    let findings = put_together(wrong.collect(), versions);
    let better = checked.iter_mut().map(|checked| std::mem::take(&mut checked.advice));
    let advice = put_together(better.collect(), versions);
    Answers { by_version: resolved.into_iter().zip(checked).collect(), findings, advice }
}

/// The findings of each version as one set.
fn put_together(mut by_version: Vec<Vec<Finding>>, versions: &[Version]) -> Vec<Finding> {
    if by_version.len() < 2 {
        return by_version.pop().unwrap_or_default();
    }
    let mut all = All::default();
    for (version, findings) in versions.iter().zip(by_version) {
        findings.into_iter().for_each(|finding| all.tell(finding, *version));
    }
    all.into_findings(versions).collect()
}

/// What the policies of a controller say of its settings.
fn evidence(controller: &Controller, documents: &[Document]) -> Evidence {
    let mut evidence = Evidence::default();
    let own = controller.identity.iter().chain(&controller.boundary);
    for document in own.filter_map(|&index| documents.get(index)) {
        evidence.read(&document.policy);
    }
    // Service control policies are written for many accounts.
    let others = controller.service_control.iter().flatten();
    for document in others.filter_map(|&index| documents.get(index)) {
        evidence.read_foreign(&document.policy);
    }
    evidence
}

/// The settings of a controller.
pub(super) fn settle(controller: &Controller, documents: &[Document], plan: &Plan) -> Resolved {
    let evidence = evidence(controller, documents);
    infer(plan.version, &plan.given, &evidence, controller.makes_queue)
}

/// Lone files that together would do are likely to bind one role.
fn suggest_union(
    args: &CheckArgs,
    findings: &[Finding],
    controllers: &[Controller],
    (loaded, sources): (&Loaded, &SourceMap),
    (plan, versions): (&Plan, &[Version]),
    rules: &Rules,
) -> Option<String> {
    let failing = |name: &str| {
        findings
            .iter()
            .any(|f| f.severity == Severity::Error && f.controller.as_deref() == Some(name))
    };
    let lone: Vec<&Controller> = controllers
        .iter()
        .filter(|controller| {
            controller.joined.is_none()
                && controller.identity.len() == 1
                && failing(&controller.name)
        })
        .collect();
    if loaded.focus.is_some() || args.controllers.union || lone.len() < 2 || lone.len() > 16 {
        return None;
    }
    let together = Controller {
        name: "union".to_owned(),
        identity: lone.iter().flat_map(|controller| controller.identity.clone()).collect(),
        boundary: lone.first().and_then(|controller| controller.boundary),
        service_control: lone
            .first()
            .map(|controller| controller.service_control.clone())
            .unwrap_or_default(),
        ..Controller::default()
    };
    let answers = ask(&together, loaded, (plan, versions), rules, (sources, false));
    if answers.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return None;
    }
    let names: Vec<String> = lone.iter().map(|controller| controller.name.clone()).collect();
    let together = words::list(&names, 4);
    Some(format!("{together} would do together: if they bind one role, give them with --union"))
}
