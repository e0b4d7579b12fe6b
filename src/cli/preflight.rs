//! `karplint preflight`: what AWS will answer to every call of a version, and how far Karpenter comes.

use std::io::{self, Write};

use crate::check::RequestAnswer;
use crate::error::Error;
use crate::finding::{Finding, Severity, Word};
use crate::karpenter::{Cause, Phase, RequestRule, Rules};
use crate::report::matrix::matrix;
use crate::report::preflight::{Call, Forecast, Validation, human, json};
use crate::report::{Outcome, Verdict, escape, place_of};
use crate::source::SourceMap;

use super::args::{CheckArgs, FailOn, FindingArgs, Plain};
use super::check::{fail, sentence};
use super::fix::Texts;
use super::judge::judge;
use super::plan::{plan, rules};
use super::silence::Silence;
use super::{Status, inputs};

/// How many sentences of what people see; the rest is counted.
const SEEN: usize = 6;

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &CheckArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let sources = SourceMap::new();
    let Some(format) = args.format.plain().filter(|_| args.output.is_empty()) else {
        let error = Error::usage("a forecast is written for people or as JSON, to standard output");
        return fail(&[error.with_help("--format human or --format json")], &sources, err);
    };
    if args.diff || args.fix {
        let error = Error::usage("a forecast changes nothing");
        return fail(&[error.with_help("`karplint check` fixes")], &sources, err);
    }
    if args.no_karpenter {
        let error =
            Error::usage("a forecast is of what Karpenter asks: --no-karpenter leaves none");
        return fail(&[error.with_help("`karplint check --no-karpenter`")], &sources, err);
    }
    let findings = FindingArgs {
        select: args.select.clone(),
        ignore: args.ignore.clone(),
        severity: args.severity.clone(),
        baseline: args.baseline.clone(),
        write_baseline: args.write_baseline.clone(),
    };
    if let Some(flag) = findings.given() {
        let error = Error::usage(format!("{flag} is about findings, and a forecast reports none"));
        return fail(&[error.with_help("what is ignored is still denied by AWS")], &sources, err);
    }
    let rules = match rules(&args.config, &sources) {
        Ok(rules) => rules,
        Err(errors) => return fail(&errors, &sources, err),
    };
    let mut plan = match plan(args, &rules, &sources) {
        Ok(plan) => plan,
        Err(error) => return fail(&[error], &sources, err),
    };
    // What is ignored in a report is still denied by AWS.
    plan.silence = Silence::default();
    let loaded = inputs::read(args, &plan.config, &mut io::stdin(), &sources, &Texts::new());
    plan.settle_version(&loaded.pins, &rules, &sources);
    for note in &plan.notes {
        writeln!(err, "{}", escape::line(note))?;
    }
    let versions = plan.versions.clone();
    let mut outcome = judge(args, &plan, &rules, &sources, &loaded);
    let mut forecasts: Vec<Forecast> = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        plan.version = *version;
        if at > 0 {
            outcome = judge(args, &plan, &rules, &sources, &loaded);
        }
        let verdicts = outcome.controllers.iter();
        forecasts.extend(verdicts.map(|verdict| forecast(verdict, &outcome, &rules, args)));
    }
    if forecasts.is_empty() && outcome.errors.is_empty() && !args.controllers.hook {
        outcome.errors.push(Error::usage("no policy of a Karpenter controller in the input"));
    }
    match format {
        Plain::Json => json(&forecasts, out)?,
        Plain::Human if versions.len() > 1 => matrix(&forecasts, out)?,
        Plain::Human => {
            for (at, forecast) in forecasts.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                human(forecast, out)?;
            }
        }
    }
    for error in &outcome.errors {
        writeln!(err, "{}", sentence(error, &sources))?;
    }
    Ok(status(&outcome, &forecasts, plan.fail_on))
}

/// 1 when a call that nodes depend on is denied for certain.
fn status(outcome: &Outcome<'_>, forecasts: &[Forecast], fail_on: FailOn) -> Status {
    let calls = || forecasts.iter().flat_map(|forecast| &forecast.calls);
    let fails = match fail_on {
        FailOn::Never => false,
        FailOn::Error => calls().any(stops_nodes),
        FailOn::Warning | FailOn::Note => calls().any(|call| call.verdict != "allowed"),
    };
    if !outcome.errors.is_empty() {
        Status::Failed
    } else if fails {
        Status::Findings
    } else {
        Status::Clean
    }
}

fn is_denied(call: &Call) -> bool {
    call.http_status == Some(403)
}

fn stops_nodes(call: &Call) -> bool {
    call.blocks && is_denied(call) && !call.assumed
}

fn forecast(
    verdict: &Verdict<'_>,
    outcome: &Outcome<'_>,
    rules: &Rules,
    args: &CheckArgs,
) -> Forecast {
    let own: Vec<&Finding> = outcome
        .findings
        .iter()
        .filter(|finding| finding.controller.as_ref() == Some(&verdict.name))
        .collect();
    let mut calls: Vec<Call> = verdict
        .requests
        .iter()
        .map(|request| call(request, verdict, outcome, &own, rules))
        .collect();
    reach(&mut calls);
    agree(&mut calls);
    let told: Vec<&&Finding> = own
        .iter()
        .filter(|finding| {
            finding.data.denied.iter().any(|denied| {
                let matters = |call: &Call| call.id == denied.request && call.verdict != "allowed";
                calls.iter().any(matters)
            })
        })
        .collect();
    let facts = |word: Word| {
        let mut texts: Vec<String> = Vec::new();
        for fact in told.iter().flat_map(|finding| &finding.facts).filter(|f| f.word == word) {
            for text in &fact.lines {
                if !texts.contains(text) {
                    texts.push(text.clone());
                }
            }
        }
        texts
    };
    Forecast {
        name: verdict.name.clone(),
        karpenter: verdict.karpenter,
        validation: validation(verdict, rules),
        seen: seen(&calls, verdict, rules),
        causes: told.iter().map(|finding| headline(finding, outcome.sources)).collect(),
        assumed: match (&verdict.assumed, told.is_empty()) {
            (Some(line), true) => vec![line.clone()],
            (line, _) => line.iter().cloned().chain(facts(Word::Assumed)).collect(),
        },
        settles: facts(Word::Settles),
        next: (!told.is_empty()).then(|| next(args, verdict)),
        sentence: last_line(verdict, &calls, !outcome.errors.is_empty()),
        calls,
    }
}

fn call(
    request: &RequestAnswer<'_>,
    verdict: &Verdict<'_>,
    outcome: &Outcome<'_>,
    own: &[&Finding],
    rules: &Rules,
) -> Call {
    let rule = request.rule;
    let blocks = rule.impact == crate::karpenter::Impact::Blocks;
    let about =
        |finding: &&&Finding| finding.data.denied.iter().any(|denied| *rule.id == *denied.request);
    let certain = own.iter().filter(about).any(|finding| finding.severity == Severity::Error);
    let mut failure = request.failure(verdict.karpenter);
    if let Some(cause) = rules.cause(rule, verdict.karpenter)
        && request.http_status() == Some(403)
        && let Some(message) = failure.as_mut().and_then(|failure| failure.message.as_mut())
    {
        let finding = own.iter().find(|finding| about(finding));
        message.push_str(": ");
        message.push_str(sentence_of(cause, finding.copied(), verdict, outcome.sources));
    }
    Call {
        id: rule.id.to_string(),
        call: rule.call.to_string(),
        dry_run: rule.dry_run,
        by_service: rule.by_service,
        phase: rule.phase,
        blocks,
        verdict: request.answer.name(),
        http_status: request.http_status(),
        failure,
        reached: true,
        agrees: None,
        assumed: blocks && request.http_status() == Some(403) && !certain,
    }
}

/// The sentence that Karpenter adds: it knows an explicit Deny of a boundary and of an SCP.
fn sentence_of<'c>(
    cause: &'c Cause,
    finding: Option<&Finding>,
    verdict: &Verdict<'_>,
    sources: &SourceMap,
) -> &'c str {
    let denies = finding.filter(|finding| {
        finding.rule == "explicit-deny" || finding.data.cause == Some("explicit-deny")
    });
    let kind = denies.and_then(|finding| {
        let span = sources.to_file(finding.primary.span);
        let file = sources.get(span.source).name().to_owned();
        let same = |d: &&crate::report::DocumentRef| d.file == file && d.address == finding.address;
        verdict.documents.iter().find(same).map(|document| document.kind)
    });
    match kind {
        Some("boundary") => &cause.permissions_boundary,
        Some("scp") => &cause.service_control_policy,
        _ => &cause.otherwise,
    }
}

/// The validation stops at its first denial, and so does a launch.
fn reach(calls: &mut [Call]) {
    for phase in [Phase::Validation, Phase::Launch] {
        let mut stopped = false;
        for call in calls.iter_mut().filter(|call| call.phase == phase) {
            call.reached = !stopped;
            stopped |= is_denied(call) && !call.assumed;
        }
    }
}

/// Sets the calls of the validation against those of a launch.
fn agree(calls: &mut [Call]) {
    let answers: Vec<(Phase, String, &'static str)> =
        calls.iter().map(|call| (call.phase, call.call.clone(), call.verdict)).collect();
    for call in calls {
        let other = match call.phase {
            Phase::Validation => Phase::Launch,
            Phase::Launch => Phase::Validation,
            _ => continue,
        };
        let twin = answers.iter().find(|(phase, name, _)| *phase == other && *name == call.call);
        call.agrees = twin.and_then(|(_, _, verdict)| {
            let known = call.verdict != "unsettled" && *verdict != "unsettled";
            known.then_some((call.verdict == "allowed") == (*verdict == "allowed"))
        });
    }
}

fn validation(verdict: &Verdict<'_>, rules: &Rules) -> Validation {
    let is = |request: &RequestAnswer<'_>| request.rule.phase == Phase::Validation;
    let in_version = |rule: &RequestRule| {
        rule.phase == Phase::Validation && rule.versions.contain(verdict.karpenter)
    };
    if verdict.requests.iter().any(is) {
        Validation::Made
    } else if rules.requests().iter().any(in_version) {
        Validation::Off
    } else {
        Validation::NotYet
    }
}

/// What people see, the validation first: while it fails, nothing else of a launch shows.
fn seen(calls: &[Call], verdict: &Verdict<'_>, rules: &Rules) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let stop = calls.iter().find(|call| call.phase == Phase::Validation && is_denied(call));
    if let Some(call) = stop
        && let Some(failure) = &call.failure
    {
        let condition = failure.condition.as_deref().unwrap_or("ValidationSucceeded=False");
        let reason = failure.reason.as_deref().map(|reason| format!(", reason {reason}"));
        texts.push(format!("EC2NodeClass not Ready: {condition}{}", reason.unwrap_or_default()));
        texts.extend(failure.message.as_ref().map(|message| format!("\"{message}\"")));
        let first = rules.requests().iter().find(|rule| {
            rule.phase == Phase::Validation && rule.versions.contain(verdict.karpenter)
        });
        let often = first.and_then(|rule| rule.cadence.as_ref());
        let often = often.map(|often| format!(" ({often})")).unwrap_or_default();
        let name = call.call.strip_prefix("ec2:").unwrap_or(&call.call);
        texts.push(format!("and in the metrics a 403 for {name}{often}"));
    }
    let others = calls.iter().filter(|call| is_denied(call) && call.phase != Phase::Validation);
    for call in others.filter(|call| stop.is_none() || call.phase != Phase::Launch) {
        let Some(failure) = &call.failure else { continue };
        let condition = [&failure.condition, &failure.reason, &failure.message];
        let condition: Vec<&str> = condition.iter().filter_map(|part| part.as_deref()).collect();
        let told = failure.symptom.clone().unwrap_or_else(|| condition.join(", "));
        let text = format!("{}: {told}", call.call);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let more = texts.len().saturating_sub(SEEN);
    texts.truncate(SEEN);
    if more > 0 {
        texts.push(format!("and {more} more: --format json has them all"));
    }
    texts
}

/// `karpenter.yaml:48:17 error[missing-permission]: ...`, at the place that a frame has.
fn headline(finding: &Finding, sources: &SourceMap) -> String {
    let place = place_of(sources, finding.primary.span);
    let because = crate::report::because(sources, finding);
    let because: Vec<String> = because.iter().map(|place| format!(", {place}")).collect();
    format!(
        "{place} {}[{}]: {}{}",
        finding.severity.name(),
        finding.rule,
        finding.message,
        because.concat()
    )
}

/// The check with the same inputs: it shows the places.
fn next(args: &CheckArgs, verdict: &Verdict<'_>) -> String {
    let mut words = vec![format!("karplint check --karpenter {}", verdict.karpenter)];
    words.extend(args.settings.manifest.iter().map(|file| format!("--manifest {file}")));
    words.extend(args.paths.iter().cloned());
    words.join(" ")
}

fn last_line(verdict: &Verdict<'_>, calls: &[Call], failed: bool) -> String {
    let count = |test: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| test(call)).count();
    let (name, version, all) = (&verdict.name, verdict.karpenter, calls.len());
    let denied = count(&is_denied);
    let unknown = count(&|call| call.http_status.is_none());
    let tail = if failed { ", as far as could be checked" } else { "" };
    let mut parts = Vec::new();
    if denied > 0 {
        parts.push(format!("{denied} of {all} calls denied"));
    }
    if unknown > 0 {
        parts.push(format!("{unknown} of {all} calls not known"));
    }
    let parts = parts.join(", ");
    if calls.iter().any(stops_nodes) {
        format!("{name} is not ready for Karpenter {version}: {parts}{tail}")
    } else if calls.iter().any(|call| call.assumed) {
        format!("{name} is ready for Karpenter {version} if an assumption is wrong: {parts}{tail}")
    } else if unknown > 0 {
        format!("{name} is ready for Karpenter {version} as far as the files tell: {parts}{tail}")
    } else if denied > 0 {
        format!("{name} lets Karpenter {version} launch nodes, with less: {parts}{tail}")
    } else {
        let dry =
            if calls.iter().any(|call| call.dry_run) { ", every dry run gets 412" } else { "" };
        format!("{name} is ready for Karpenter {version}: {all} calls allowed{dry}{tail}")
    }
}
