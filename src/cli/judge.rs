//! Groups what was read, judges every controller, and keeps what is to be reported.

use crate::check::{Case, Checked, check, check_alone, words};
use crate::controller::{Controller, Document, DocumentKind, Grouping, group, mentions};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::karpenter::Rules;
use crate::report::{Outcome, Verdict};
use crate::settings::evidence::Evidence;
use crate::settings::infer::{Resolved, infer};
use crate::source::SourceMap;

use super::args::CheckArgs;
use super::inputs::Loaded;
use super::parallel;
use super::plan::Plan;
use super::verdict::{Judged, Surroundings, verdict};

/// Judges all that was read.
pub(super) fn judge<'s>(
    args: &CheckArgs,
    plan: &Plan,
    rules: &Rules,
    sources: &'s SourceMap,
    loaded: &Loaded,
) -> Outcome<'s> {
    let documents = &loaded.documents;
    let mut findings = Vec::new();
    let mut errors = plan.errors.clone();
    errors.extend_from_slice(&loaded.errors);
    for broken in &loaded.broken {
        let mut finding =
            Finding::new("syntax", Severity::Error, broken.span, broken.message.clone());
        finding.help = broken.help.clone();
        findings.push(finding);
    }
    let mut notes = loaded.notes.clone();
    for (file, found) in &loaded.unreadable {
        let message = format!("{}: {}", found.address, found.reason);
        let help = found.help.clone().unwrap_or_else(|| "check the Terraform source".to_owned());
        // It matters if it could be the controller's; what is attached to a role is told there.
        let alone = loaded.units.iter().any(|unit| unit.file == *file && unit.documents.is_empty());
        if alone || (mentions(&found.address) && !found.left_out) {
            errors.push(Error::file(file, Some(found.span), message).with_help(help));
        } else {
            notes.push(format!("passed over {file} {message}"));
        }
    }
    let mut controllers = if args.no_karpenter || loaded.blind || !plan.errors.is_empty() {
        Vec::new()
    } else {
        let how = Grouping {
            explicit: loaded.explicit.clone(),
            taken: loaded.taken.clone(),
            union: args.controllers.union,
            role: args.controllers.role.as_deref(),
        };
        group(documents, &loaded.units, &how)
    };
    if let Some(role) = &args.controllers.role
        && controllers.is_empty()
    {
        errors.push(Error::usage(format!("no role `{role}` with a policy in the input")));
    }
    for controller in &mut controllers {
        if let Some(boundary) = loaded.boundary {
            controller.boundary = Some(boundary);
            controller.unseen_boundary = None;
        }
        controller.service_control.extend(loaded.service_control.iter().cloned());
    }
    let failed = !errors.is_empty();
    let mut judged: Vec<Judged<'_>> = Vec::new();
    let answers = parallel::map(&controllers, |controller| ask(controller, documents, plan, rules));
    for (controller, (resolved, mut checked)) in controllers.iter().zip(answers) {
        findings.append(&mut checked.findings);
        judged.push(Judged { controller, resolved, checked });
    }
    let union = suggest_union(args, &findings, &controllers, documents, plan, rules);
    let bound: Vec<usize> = controllers.iter().flat_map(Controller::all_documents).collect();
    for (index, document) in documents.iter().enumerate() {
        let named = loaded.units.iter().any(|unit| unit.named && unit.documents.contains(&index));
        let asked = args.no_karpenter || named || document.looks_karpenter;
        if asked && !bound.contains(&index) && document.kind != DocumentKind::Resource {
            findings.extend(check_alone(document));
        }
    }
    if args.verbose {
        notes.extend(left_out(documents, &bound));
    }
    let (mut findings, suppressed) = plan.silence.apply(findings, sources);
    findings.sort_by_cached_key(|finding| {
        let span = sources.to_file(finding.primary.span);
        (
            sources.get(span.source).name().to_owned(),
            span.start,
            finding.rule,
            finding.message.clone(),
        )
    });
    let around = Surroundings {
        documents,
        plan,
        completed: &loaded.completed,
        assumed: &loaded.assumed,
        failed,
    };
    let mut verdicts: Vec<Verdict> =
        judged.into_iter().map(|one| verdict(one, &findings, around)).collect();
    if let Some(last) = verdicts.last_mut() {
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
        files: loaded.files,
        documents: documents.iter().filter(|document| !document.is_filled_in).count(),
        suppressed,
    }
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

fn ask(
    controller: &Controller,
    documents: &[Document],
    plan: &Plan,
    rules: &Rules,
) -> (Resolved, Checked) {
    let mut evidence = Evidence::default();
    let own = controller.identity.iter().chain(&controller.boundary);
    for document in own.filter_map(|&index| documents.get(index)) {
        evidence.read(&document.policy);
    }
    let resolved = infer(plan.version, &plan.given, &evidence, controller.makes_queue);
    let checked = check(Case { controller, documents, resolved: &resolved, rules });
    (resolved, checked)
}

/// Lone files that together would do are likely to bind one role.
fn suggest_union(
    args: &CheckArgs,
    findings: &[Finding],
    controllers: &[Controller],
    documents: &[Document],
    plan: &Plan,
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
    if args.controllers.union || lone.len() < 2 || lone.len() > 16 {
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
    let (_, checked) = ask(&together, documents, plan, rules);
    if checked.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return None;
    }
    let names: Vec<String> = lone.iter().map(|controller| controller.name.clone()).collect();
    let together = words::list(&names, 4);
    Some(format!("{together} would do together: if they bind one role, give them with --union"))
}
