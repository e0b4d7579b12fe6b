//! `karplint check`: read, group, judge, report.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use crate::check::{Answer, Case, Checked, check, check_alone, words};
use crate::config::{self, Config, SettingsTable};
use crate::controller::{Controller, Document, DocumentKind, Grouping, group};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::karpenter::{Rules, Version};
use crate::report::{
    DocumentRef, FailureText, Human, Json, Outcome, Reporter, RequestVerdict, Verdict, escape,
};
use crate::settings::evidence::Evidence;
use crate::settings::given::Given;
use crate::settings::infer::{Assumption, Resolved, infer};
use crate::source::SourceMap;

use super::Status;
use super::args::{CheckArgs, Color, FailOn, Format};
use super::inputs::{self, Loaded};
use super::silence::Silence;

/// What the arguments and the configuration come to.
struct Plan {
    given: Given,
    version: Version,
    /// Whether nobody said which version.
    version_assumed: bool,
    fail_on: FailOn,
    silence: Silence,
    config: Config,
    notes: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &CheckArgs,
    terminal: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let started = Instant::now();
    let sources = SourceMap::new();
    let rules = match rules(args, &sources) {
        Ok(rules) => rules,
        Err(errors) => return fail(&errors, &sources, err),
    };
    let plan = match plan(args, &rules, &sources) {
        Ok(plan) => plan,
        Err(error) => return fail(&[error], &sources, err),
    };
    let loaded = inputs::read(args, &plan.config, &mut io::stdin(), &sources);
    let read = started.elapsed();
    let outcome = judge(args, &plan, &rules, &sources, loaded);
    let judged = started.elapsed();
    for note in &plan.notes {
        writeln!(err, "{}", escape::line(note))?;
    }
    let reporter: Box<dyn Reporter> = match args.format {
        Format::Human => Box::new(Human { colour: colour(args.color, terminal) }),
        Format::Json => Box::new(Json),
    };
    reporter.report(&outcome, out)?;
    for error in &outcome.errors {
        writeln!(err, "{}", sentence(error, &sources))?;
    }
    if args.verbose {
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        writeln!(
            err,
            "{} files, {} documents: read {:.1} ms, judged {:.1} ms, reported {:.1} ms",
            outcome.files,
            outcome.documents,
            ms(read),
            ms(judged.saturating_sub(read)),
            ms(started.elapsed().saturating_sub(judged))
        )?;
    }
    Ok(status(&outcome, plan.fail_on))
}

/// 2 wins over 1, whatever the format.
fn status(outcome: &Outcome<'_>, fail_on: FailOn) -> Status {
    let least = match fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Note => Some(Severity::Note),
        FailOn::Never => None,
    };
    if !outcome.errors.is_empty() {
        Status::Failed
    } else if least.is_some_and(|least| outcome.any_from(least)) {
        Status::Findings
    } else {
        Status::Clean
    }
}

/// Writes what stopped the run.
fn fail(errors: &[Error], sources: &SourceMap, err: &mut dyn Write) -> io::Result<Status> {
    for error in errors {
        writeln!(err, "{}", sentence(error, sources))?;
    }
    Ok(Status::Failed)
}

/// An error in one line, with its place and its advice.
fn sentence(error: &Error, sources: &SourceMap) -> String {
    let help = error.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let text = match (error.file.as_str(), error.positions(sources)) {
        ("", _) => format!("{}{help}", error.message),
        (file, None) => format!("could not check {file}: {}{help}", error.message),
        (file, Some((start, _))) => {
            format!(
                "could not check {file}:{}:{}: {}{help}",
                start.line, start.column, error.message
            )
        }
    };
    escape::line(&text)
}

fn colour(when: Color, terminal: bool) -> bool {
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

fn rules(
    args: &CheckArgs,
    sources: &SourceMap,
) -> Result<std::borrow::Cow<'static, Rules>, Vec<Error>> {
    match &args.rules {
        None => Ok(std::borrow::Cow::Borrowed(Rules::builtin())),
        Some(folder) => Rules::load(folder, sources).map(std::borrow::Cow::Owned),
    }
}

fn plan(args: &CheckArgs, rules: &Rules, sources: &SourceMap) -> Result<Plan, Error> {
    let config = read_config(args, sources)?;
    let table = merge(args, &config.settings)?;
    let given = Given::from_table(&table, rules)?;
    let mut notes = Vec::new();
    let wanted = args.karpenter.as_ref().or(config.karpenter.as_ref());
    let version = match wanted {
        None => rules.latest(),
        Some(text) => {
            let resolved = rules.resolve(text)?;
            notes.extend(resolved.note);
            resolved.version
        }
    };
    let fail_on = match (args.fail_on, config.fail_on.as_deref()) {
        (Some(level), _) => level,
        (None, Some("warning")) => FailOn::Warning,
        (None, Some("note")) => FailOn::Note,
        (None, Some("never")) => FailOn::Never,
        _ => FailOn::Error,
    };
    let silence = Silence::new(args, &config)?;
    Ok(Plan { given, version, version_assumed: wanted.is_none(), fail_on, silence, config, notes })
}

fn read_config(args: &CheckArgs, sources: &SourceMap) -> Result<Config, Error> {
    if args.no_config {
        return Ok(Config::default());
    }
    if let Some(path) = &args.config {
        return config::load(sources, path, &path.display().to_string());
    }
    let here = std::env::current_dir()
        .map_err(|error| Error::usage(format!("no working directory: {error}")))?;
    match config::find(&here) {
        None => Ok(Config::default()),
        Some(path) => {
            let name = relative(&path, &here);
            config::load(sources, &path, &name)
        }
    }
}

/// The path as seen from `here`.
fn relative(path: &Path, here: &Path) -> String {
    let Some(folder) = path.parent() else { return path.display().to_string() };
    let ups = here.strip_prefix(folder).map_or(0, |rest| rest.components().count());
    format!("{}{}", "../".repeat(ups), config::FILE_NAME)
}

/// Flags over the file; a repeatable flag that is given replaces the list.
fn merge(args: &CheckArgs, file: &SettingsTable) -> Result<SettingsTable, Error> {
    let one = |flag: &Option<String>, file: &Option<String>| flag.clone().or_else(|| file.clone());
    let many = |flag: &[String], file: &Option<Vec<String>>| match flag {
        [] => file.clone(),
        some => Some(some.to_vec()),
    };
    let pairs =
        |name: &str, flag: &[String], file: &Option<std::collections::BTreeMap<String, String>>| {
            if flag.is_empty() {
                return Ok(file.clone());
            }
            let split = |pair: &String| {
                let (key, value) =
                    pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
                        Error::usage(format!("`{pair}` after {name} is not of the form KEY=VALUE"))
                    })?;
                Ok((key.to_owned(), value.to_owned()))
            };
            flag.iter().map(split).collect::<Result<_, Error>>().map(Some)
        };
    Ok(SettingsTable {
        cluster_name: one(&args.cluster_name, &file.cluster_name),
        region: one(&args.region, &file.region),
        account: one(&args.account, &file.account),
        partition: one(&args.partition, &file.partition),
        node_roles: many(&args.node_role, &file.node_roles),
        interruption_queue: one(&args.interruption_queue, &file.interruption_queue),
        capacity_types: many(&args.capacity_type, &file.capacity_types),
        node_pools: many(&args.node_pool, &file.node_pools),
        node_classes: many(&args.node_class, &file.node_classes),
        node_class_tags: pairs("--node-class-tag", &args.node_class_tag, &file.node_class_tags)?,
        features: many(&args.feature, &file.features),
        upgraded_from: one(&args.upgraded_from, &file.upgraded_from),
        context: pairs("--context", &args.context, &file.context)?,
        ..file.clone()
    })
}

fn judge<'s>(
    args: &CheckArgs,
    plan: &Plan,
    rules: &Rules,
    sources: &'s SourceMap,
    loaded: Loaded,
) -> Outcome<'s> {
    let documents = &loaded.documents;
    let mut findings = Vec::new();
    let mut verdicts: Vec<Verdict> = Vec::new();
    let mut errors = loaded.errors;
    for broken in &loaded.broken {
        let mut finding =
            Finding::new("syntax", Severity::Error, broken.span, broken.message.clone());
        finding.help = broken.help.clone();
        findings.push(finding);
    }
    for (file, found) in &loaded.unreadable {
        let message = format!("{}: {}", found.address, found.reason);
        errors.push(
            Error::file(file, Some(found.span), message)
                .with_help("check the Terraform source in its place"),
        );
    }
    let mut controllers = if args.no_karpenter {
        Vec::new()
    } else {
        let how = Grouping {
            explicit: loaded.explicit,
            taken: loaded.taken,
            union: args.union,
            role: args.role.as_deref(),
        };
        group(documents, &loaded.units, &how)
    };
    if let Some(role) = &args.role
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
    for controller in &controllers {
        let (verdict, found) =
            verdict(controller, documents, plan, rules, &loaded.completed, failed);
        verdicts.push(verdict);
        findings.extend(found);
    }
    suggest_union(args, &mut verdicts, &findings, &controllers, documents, plan, rules);
    let judged: Vec<usize> = controllers.iter().flat_map(Controller::all_documents).collect();
    for (index, document) in documents.iter().enumerate() {
        let named = loaded.units.iter().any(|unit| unit.named && unit.documents.contains(&index));
        let asked = args.no_karpenter || named || document.looks_karpenter;
        if asked && !judged.contains(&index) && document.kind != DocumentKind::Resource {
            findings.extend(check_alone(document));
        }
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
    Outcome {
        sources,
        data_karpenter: rules.latest(),
        controllers: verdicts,
        findings,
        errors,
        files: loaded.files,
        documents: documents.len(),
        suppressed,
    }
}

/// Judges one controller.
fn verdict(
    controller: &Controller,
    documents: &[Document],
    plan: &Plan,
    rules: &Rules,
    completed: &[String],
    failed: bool,
) -> (Verdict, Vec<Finding>) {
    let (resolved, checked) = ask(controller, documents, plan, rules);
    let mut assumptions = resolved.assumptions.clone();
    let mut assume = |symbol: &str, value: &str, from: &str| {
        assumptions.push(Assumption {
            symbol: symbol.into(),
            value: value.into(),
            from: from.into(),
            place: None,
        });
    };
    if plan.version_assumed {
        assume(
            "karpenter",
            &plan.version.to_string(),
            "nobody said which; the newest that is known",
        );
    }
    for level in completed {
        assume(&format!("--scp {level}"), "completed by FullAWSAccess", "it holds no Allow");
    }
    if let Some(joined) = &controller.joined {
        assume("documents", &format!("{} joined", controller.identity.len()), joined);
    }
    let sentence = verdict_sentence(controller, &checked, plan.version, failed);
    let quiet = checked.findings.is_empty();
    let assumed = quiet.then(|| assumed_line(controller, &resolved, &checked, plan));
    let verdict = Verdict {
        name: controller.name.clone(),
        karpenter: plan.version,
        documents: controller
            .all_documents()
            .filter_map(|index| documents.get(index))
            .map(|document| DocumentRef {
                file: document.file.clone(),
                address: document.origin.address.clone(),
                kind: kind_name(document, controller, documents),
            })
            .collect(),
        settings: resolved.settings,
        symbols: checked.symbols,
        assumptions,
        requests: checked.requests.iter().map(request).collect(),
        assumed,
        hints: Vec::new(),
        sentence,
    };
    (verdict, checked.findings)
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

fn kind_name(document: &Document, controller: &Controller, documents: &[Document]) -> &'static str {
    let is =
        |index: &usize| documents.get(*index).is_some_and(|other| std::ptr::eq(other, document));
    if controller.boundary.as_ref().is_some_and(is) {
        "boundary"
    } else if controller.service_control.iter().flatten().any(|index| is(index)) {
        "scp"
    } else {
        "identity"
    }
}

fn request(answer: &crate::check::RequestAnswer) -> RequestVerdict {
    let failure = (answer.answer != Answer::Allowed).then(|| FailureText {
        condition: answer.failure.condition.clone(),
        reason: answer.failure.reason.clone(),
        message: answer.failure.message.clone(),
        symptom: answer.failure.symptom.clone(),
    });
    RequestVerdict {
        id: answer.id.clone(),
        call: answer.call.clone(),
        dry_run: answer.dry_run,
        verdict: answer.answer.name(),
        http_status: match (answer.answer, answer.dry_run) {
            (Answer::Allowed, true) => Some(412),
            (Answer::Allowed, false) => Some(200),
            (Answer::Unsettled, _) => None,
            (Answer::ImplicitDeny | Answer::ExplicitDeny, _) => Some(403),
        },
        failure,
    }
}

fn verdict_sentence(
    controller: &Controller,
    checked: &Checked,
    version: Version,
    failed: bool,
) -> String {
    let count =
        |severity| checked.findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let name = &controller.name;
    let tail = if failed { ", as far as could be checked" } else { "" };
    let mut counts = Vec::new();
    if errors > 0 {
        counts.push(plural(errors, "error"));
    }
    if warnings > 0 {
        counts.push(plural(warnings, "warning"));
    }
    let counts = counts.join(", ");
    if errors > 0 {
        return format!("{name} is not ready for Karpenter {version}: {counts}{tail}");
    }
    if warnings > 0 {
        let far = if checked.unsettled { " as far as the files tell" } else { "" };
        return format!("{name} is ready for Karpenter {version}{far}: {counts}{tail}");
    }
    let calls = plural(checked.requests.len(), "call");
    let dry = if checked.requests.iter().any(|request| request.dry_run) {
        ", every dry run gets 412"
    } else {
        ""
    };
    format!("{name} is ready for Karpenter {version}: {calls} allowed{dry}{tail}")
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// What a clean answer rests on, in one line.
fn assumed_line(
    controller: &Controller,
    resolved: &Resolved,
    checked: &Checked,
    plan: &Plan,
) -> String {
    let settings = &resolved.settings;
    let symbols = &checked.symbols;
    let mut parts = Vec::new();
    if plan.version_assumed {
        parts.push(format!("Karpenter {}, the newest known", plan.version));
    }
    if plan.given.cluster.is_none() {
        parts.push(format!("cluster {}", settings.cluster.display(symbols)));
    }
    if plan.given.region.is_none() {
        parts.push(format!("region {}", settings.region.display(symbols)));
    }
    if settings.spot_assumed {
        parts.push("on-demand and spot".to_owned());
    }
    let limits = match (controller.service_control.is_empty(), controller.boundary.is_none()) {
        (true, true) => "no SCP, no boundary",
        (true, false) => "no SCP",
        (false, true) => "no boundary",
        (false, false) => "",
    };
    let mut line = parts.join(", ");
    if !limits.is_empty() {
        if !line.is_empty() {
            line.push_str("; ");
        }
        line.push_str(limits);
    }
    line
}

/// Lone files that together would do are likely to bind one role.
fn suggest_union(
    args: &CheckArgs,
    verdicts: &mut [Verdict],
    findings: &[Finding],
    controllers: &[Controller],
    documents: &[Document],
    plan: &Plan,
    rules: &Rules,
) {
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
    if args.union || lone.len() < 2 || lone.len() > 16 {
        return;
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
        return;
    }
    let names: Vec<String> = lone.iter().map(|controller| controller.name.clone()).collect();
    let last = verdicts.iter_mut().rev().find(|verdict| names.contains(&verdict.name));
    if let Some(verdict) = last {
        verdict.hints.push(format!(
            "{} would do together: if they bind one role, give them with --union",
            words::list(&names, 4)
        ));
    }
}
