//! `karplint upgrade`: what one version asks for and another did not, and what the policies say of it.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::check::granted::Wanted;
use crate::error::Error;
use crate::finding::Finding;
use crate::karpenter::{Change, EntryRule, Impact, Rules, Upgrade, Version, upgrade};
use crate::policy::Effect;
use crate::report::upgrade::{Difference, Entry, Here, human, json};
use crate::report::{Outcome, escape};
use crate::settings::evidence::Evidence;
use crate::settings::infer::infer;
use crate::source::{SourceMap, Span};
use crate::syntax::Text;

use super::args::{
    CheckArgs, Color, ConfigArgs, ControllerArgs, FailOn, FindingArgs, Plain, SettingsArgs,
};
use super::check::{fail, sentence};
use super::fix::{self, Ground, Texts};
use super::inputs::Loaded;
use super::judge::{judge, judge_all, places};
use super::output::Output;
use super::plan::{Plan, plan, rules};
use super::silence::Silence;
use super::{Status, inputs};

/// Compare two versions: what the newer one needs, and what these policies lack
#[derive(Debug, Clone, ClapArgs)]
pub struct UpgradeArgs {
    /// Files, folders or globs; `-` reads standard input; without any, only the versions are compared
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// The version that runs: 1.6 (its newest patch), 1.6.8, v1.6.8
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub from: String,
    /// The version to go to: 1.12 (its newest patch), 1.12.2, v1.12.2, latest
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub to: String,
    /// The installation.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What binds one controller.
    #[command(flatten)]
    pub controllers: ControllerArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub format: Plain,
    /// Write the table to a file as well: json=out.json (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Output")]
    pub output: Vec<String>,
    /// When to use colour: the table has none
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", help_heading = "Output")]
    pub color: Color,
    /// Exit 1 when something is missing; from warning on also when it is not known [default: error]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Output")]
    pub fail_on: Option<FailOn>,
    /// Print a patch that adds what the newer version lacks, and change nothing
    #[arg(long, help_heading = "Fixes", requires = "paths", conflicts_with_all = ["format", "fix"])]
    pub diff: bool,
    /// Add what the newer version lacks, where that is safe
    #[arg(long, help_heading = "Fixes", requires = "paths", conflicts_with = "format")]
    pub fix: bool,
    /// Add also what somebody should look at: new statements, changed resources and conditions
    #[arg(long, help_heading = "Fixes", requires = "fix")]
    pub unsafe_fixes: bool,
    /// Work on so many cores, at most on all there are [default: all]
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub jobs: Option<NonZeroUsize>,
    /// Say how many files were read
    #[arg(long, short, help_heading = "Output")]
    pub verbose: bool,
    /// What is of findings alone.
    #[command(flatten)]
    pub findings: FindingArgs,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where the text on standard input belongs
    #[arg(long, value_name = "PATH", help_heading = "Configuration", requires = "paths")]
    pub stdin_filename: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &UpgradeArgs,
    terminal: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let sources = SourceMap::new();
    if let Some(flag) = args.findings.given() {
        let error = Error::usage(format!("{flag} is about findings, and `upgrade` reports none"));
        return fail(&[error.with_help("`karplint check --karpenter VERSION`")], &sources, err);
    }
    let outputs = args.output.iter().map(|text| Output::parse(text));
    let outputs = match outputs.collect::<Result<Vec<Output>, Error>>() {
        Ok(outputs) => outputs,
        Err(error) => return fail(&[error], &sources, err),
    };
    if outputs.iter().any(|output| output.format().plain().is_none()) {
        let error = Error::usage("an upgrade is written for people or as JSON");
        return fail(&[error.with_help("--output json=FILE")], &sources, err);
    }
    if args.fix && args.paths.iter().any(|path| path == "-") | args.stdin_filename.is_some() {
        let error = Error::usage("what comes from standard input cannot be fixed in its place");
        return fail(&[error.with_help("`--diff` shows the patch")], &sources, err);
    }
    let rules = match rules(&args.config, &sources) {
        Ok(rules) => rules,
        Err(errors) => return fail(&errors, &sources, err),
    };
    let as_check = CheckArgs {
        paths: args.paths.clone(),
        karpenter: Some(args.to.clone()),
        settings: args.settings.clone(),
        controllers: args.controllers.clone(),
        config: args.config.clone(),
        fail_on: args.fail_on,
        stdin_filename: args.stdin_filename.clone(),
        ..CheckArgs::default()
    };
    let planned = plan(&as_check, &rules, &sources)
        .and_then(|plan| Ok((plan.single()?, rules.resolve(&args.from)?)));
    let (mut plan, from) = match planned {
        Ok(planned) => planned,
        Err(error) => return fail(&[error], &sources, err),
    };
    if !plan.errors.is_empty() {
        return fail(&plan.errors, &sources, err);
    }
    plan.silence = Silence::default();
    for note in plan.notes.iter().chain(&from.note) {
        writeln!(err, "{}", escape::line(note))?;
    }
    let (from, to) = (from.version, plan.version);
    // What runs today is still there after the upgrade.
    plan.given.upgraded_from.get_or_insert(from);
    if args.paths.is_empty() {
        let settings = infer(to, &plan.given, &Evidence::default(), false).settings;
        let difference = difference(&upgrade(&rules, &settings, from, to), from, to);
        print(args.format, &difference, out)?;
        return match write(&outputs, &difference) {
            errors if errors.is_empty() => Ok(Status::Clean),
            errors => fail(&errors, &sources, err),
        };
    }
    let piped = fix::stdin(&as_check)?;
    let texts = Texts::new();
    let loaded = inputs::read(&as_check, &plan.config, &mut piped.as_slice(), &sources, &texts);
    let after = judge(&as_check, &plan, &rules, &sources, &loaded);
    plan.version = from;
    let before = judge(&as_check, &plan, &rules, &sources, &loaded);
    let mut difference = held(&before, &after, (from, to), &rules, &plan, &loaded, args);
    let judged = !after.controllers.is_empty();
    if args.format == Plain::Human {
        plan.version = to;
        let find =
            |wanted: &[Wanted<'_>]| places(&as_check, &plan, &rules, &loaded, wanted, &sources);
        place(&mut difference, &sources, &find);
    }
    let mut errors = after.errors;
    if args.diff || args.fix {
        // The policies have to serve both versions while nodes of both are there.
        plan.version = to;
        plan.versions = vec![to, from];
        let union = judge_all(&as_check, &plan, &rules, &sources, &loaded);
        let ground = Ground {
            args: &as_check,
            rules: &rules,
            sources: &sources,
            stdin: &piped,
            unsafe_too: args.diff || args.unsafe_fixes,
        };
        let newer = to.to_string();
        let lacks = |finding: &Finding| {
            !finding.data.denied.is_empty() && finding.data.versions.contains(&newer)
        };
        let fixed = fix::rounds(ground, &plan, union, &lacks);
        if args.diff {
            errors.extend(fix::diff(&fixed.files, terminal, (out, err))?);
        } else {
            let written = fix::write(&fixed.files);
            if let Some(told) = written.told() {
                writeln!(out, "{told}")?;
            }
            errors.extend(written.refused);
            // What is left is what the files lack as they are now.
            difference.missing = missing(&fixed.outcome.findings, &rules, &difference);
        }
    } else if judged || args.format == Plain::Json {
        print(args.format, &difference, out)?;
    }
    errors.extend(write(&outputs, &difference));
    if !judged && errors.is_empty() && !args.controllers.hook {
        errors.push(Error::usage("no policy of a Karpenter controller in the input"));
    }
    for error in &errors {
        writeln!(err, "{}", sentence(error, &sources))?;
    }
    if args.verbose {
        let count = crate::check::words::count;
        let (files, documents) = (count(after.files, "file"), count(after.documents, "document"));
        writeln!(err, "{files}, {documents}")?;
    }
    let open = || {
        let mut all = difference.added.iter().chain(&difference.changed);
        all.any(|entry| entry.here == Here::Unknown)
    };
    let fails = match plan.fail_on {
        FailOn::Never => false,
        FailOn::Error => !difference.missing.is_empty(),
        FailOn::Warning | FailOn::Note => !difference.missing.is_empty() || open(),
    };
    Ok(match (errors.is_empty(), fails) {
        (false, _) => Status::Failed,
        (true, true) => Status::Findings,
        (true, false) => Status::Clean,
    })
}

/// What could not be written.
fn write(outputs: &[Output], difference: &Difference) -> Vec<Error> {
    let one = |output: &Output| {
        let format = output.format().plain().unwrap_or_default();
        output.put(&mut |out| print(format, difference, out)).err()
    };
    outputs.iter().filter_map(one).collect()
}

fn print(format: Plain, difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Plain::Human => human(difference, out),
        Plain::Json => json(difference, out),
    }
}

/// The versions alone.
fn difference(upgrade: &Upgrade<'_>, from: Version, to: Version) -> Difference {
    let entries = |changed: bool| {
        let mut out: Vec<Entry> = Vec::new();
        for change in upgrade.changes.iter().filter(|change| change.changed == changed) {
            let entry = entry(change);
            if !out.contains(&entry) {
                out.push(entry);
            }
        }
        out
    };
    Difference {
        from,
        to,
        with: Vec::new(),
        added: entries(false),
        changed: entries(true),
        removed: upgrade
            .removed
            .iter()
            .map(|(rule, entry)| Entry {
                reason: format!("{to} does not ask for it"),
                ..plain(&entry.action, &entry.resource_type, &rule.id)
            })
            .collect(),
        missing: Vec::new(),
        unused: Vec::new(),
        rollout: None,
        next: None,
        sentences: Vec::new(),
    }
}

fn plain(action: &str, resource_type: &str, request: &str) -> Entry {
    Entry {
        action: action.to_owned(),
        resource_type: resource_type.to_owned(),
        request: request.to_owned(),
        reason: String::new(),
        since: None,
        only_with: None,
        needs: None,
        here: Here::Unasked,
        place: None,
    }
}

fn entry(change: &Change<'_>) -> Entry {
    Entry {
        reason: change.reason.clone(),
        since: Some(change.since),
        only_with: change.only_with.clone(),
        needs: change.needs.map(str::to_owned),
        ..plain(&change.entry.action, &change.entry.resource_type, &change.rule.id)
    }
}

/// The versions, held against policies.
fn held(
    before: &Outcome<'_>,
    after: &Outcome<'_>,
    (from, to): (Version, Version),
    rules: &Rules,
    plan: &Plan,
    loaded: &Loaded,
    args: &UpgradeArgs,
) -> Difference {
    let Some(verdict) = after.controllers.first() else {
        // What was not judged neither grants anything nor lacks it.
        let settings = infer(to, &plan.given, &Evidence::default(), false).settings;
        return difference(&upgrade(rules, &settings, from, to), from, to);
    };
    let upgrade = upgrade(rules, &verdict.settings, from, to);
    let mut difference = difference(&upgrade, from, to);
    difference.with = after.controllers.iter().map(|one| one.name.clone()).collect();
    for entry in difference.added.iter_mut().chain(&mut difference.changed) {
        if entry.only_with.is_none() {
            entry.here = here(&after.findings, entry);
        }
    }
    difference.missing = missing(&after.findings, rules, &difference);
    difference.unused = difference
        .removed
        .iter()
        .filter(|entry| names_action(loaded, &entry.action))
        .cloned()
        .collect();
    let lacks = |outcome: &Outcome<'_>| !missing(&outcome.findings, rules, &difference).is_empty();
    difference.rollout = Some(match (lacks(before), difference.missing.is_empty()) {
        (false, true) => format!("one policy serves both: {from} and {to} work with it as it is"),
        (false, false) => {
            format!("one policy serves both: {from} works with it as it is, and with additions")
        }
        (true, true) => {
            format!("these policies do not serve {from}: roll out policy and {to} together")
        }
        (true, false) => format!("these policies lack something for {from} too"),
    });
    if !difference.missing.is_empty() {
        let mut words =
            vec![format!("karplint upgrade --from {} --to {} --diff", args.from, args.to)];
        words.extend(args.settings.manifest.iter().map(|file| format!("--manifest {file}")));
        words.extend(args.paths.iter().cloned());
        difference.next = Some(words.join(" "));
    }
    difference.sentences = sentences(after, rules, &difference, to);
    difference
}

/// Whether an entry of a request is one that the call fails without.
fn is_must_have(rules: &Rules, request: &str, action: &str, resource_type: &str) -> bool {
    let Some(rule) = rules.request(request) else { return false };
    let same =
        |entry: &&EntryRule| *entry.action == *action && *entry.resource_type == *resource_type;
    rule.entries
        .iter()
        .filter(same)
        .any(|entry| !entry.optional || !entry.must_have_when.is_empty())
}

fn here(findings: &[Finding], entry: &Entry) -> Here {
    let about = |finding: &&Finding| {
        finding.data.denied.iter().any(|denied| {
            denied.action == entry.action
                && denied.resource_type == entry.resource_type
                && denied.request == entry.request
        })
    };
    let found = findings.iter().filter(about).map(|finding| match finding.data.verdict {
        Some("unsettled") => Here::Unknown,
        _ => Here::Missing,
    });
    found.max().unwrap_or(Here::Granted)
}

/// Says of what is granted where: by line, if all of it stands in one file.
fn place(
    difference: &mut Difference,
    sources: &SourceMap,
    find: &dyn Fn(&[Wanted<'_>]) -> Vec<Option<Span>>,
) {
    let granted = |entry: &&mut Entry| entry.here == Here::Granted && entry.only_with.is_none();
    let mut entries: Vec<&mut Entry> =
        difference.added.iter_mut().chain(&mut difference.changed).filter(granted).collect();
    let wanted: Vec<Wanted<'_>> = entries
        .iter()
        .map(|entry| Wanted {
            request: &entry.request,
            action: &entry.action,
            resource_type: &entry.resource_type,
        })
        .collect();
    let spans: Vec<Option<Span>> =
        find(&wanted).into_iter().map(|span| span.map(|span| sources.to_file(span))).collect();
    let mut files: Vec<_> = spans.iter().flatten().map(|span| span.source).collect();
    files.dedup();
    for (entry, span) in entries.iter_mut().zip(spans) {
        let Some(span) = span.filter(|_| files.len() == 1) else { continue };
        entry.place = Some(format!("line {}", sources.get(span.source).position(span.start).line));
    }
}

/// Everything that is denied for certain and that a call fails without.
fn missing(findings: &[Finding], rules: &Rules, difference: &Difference) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    let denied = findings
        .iter()
        .filter(|finding| finding.data.verdict != Some("unsettled"))
        .flat_map(|finding| &finding.data.denied);
    for denied in denied {
        if !is_must_have(rules, &denied.request, &denied.action, &denied.resource_type) {
            continue;
        }
        let mut entry = plain(&denied.action, &denied.resource_type, &denied.request);
        let known = difference.added.iter().chain(&difference.changed).find(|known| {
            (&known.action, &known.resource_type, &known.request)
                == (&entry.action, &entry.resource_type, &entry.request)
        });
        match known {
            Some(known) => entry = known.clone(),
            None => {
                let purpose = rules.request(&denied.request).map(|rule| rule.purpose.to_string());
                entry.reason = purpose.unwrap_or_default();
            }
        }
        entry.here = Here::Missing;
        if !out.contains(&entry) {
            out.push(entry);
        }
    }
    out
}

/// Whether a statement that allows names this very action.
fn names_action(loaded: &Loaded, action: &str) -> bool {
    let statements = loaded.documents.iter().flat_map(|document| &document.policy.statements);
    statements
        .filter(|statement| statement.effect == Effect::Allow && !statement.action.negated)
        .flat_map(|statement| &statement.action.values)
        .filter_map(Text::as_literal)
        .any(|written| written.eq_ignore_ascii_case(action))
}

/// One line for each controller.
fn sentences(
    after: &Outcome<'_>,
    rules: &Rules,
    difference: &Difference,
    to: Version,
) -> Vec<String> {
    let far = if after.errors.is_empty() { "" } else { ", as far as could be checked" };
    let line = |name: &String| {
        let own: Vec<Finding> = after
            .findings
            .iter()
            .filter(|finding| finding.controller.as_ref() == Some(name))
            .cloned()
            .collect();
        let missing = missing(&own, rules, difference);
        let mut actions: Vec<&str> = missing.iter().map(|entry| entry.action.as_str()).collect();
        actions.sort_unstable();
        actions.dedup();
        let blocks = missing.iter().any(|entry| {
            rules.request(&entry.request).is_some_and(|rule| rule.impact == Impact::Blocks)
        });
        match actions.len() {
            0 => format!("{name} has what Karpenter {to} needs{far}"),
            count => {
                let plural = if count == 1 { "" } else { "s" };
                let tail = if blocks { "" } else { "; nodes launch without" };
                let them = match (blocks, count) {
                    (true, _) => "",
                    (false, 1) => " it",
                    (false, _) => " them",
                };
                format!(
                    "{name} lacks {count} permission{plural} of Karpenter {to}{tail}{them}{far}"
                )
            }
        }
    };
    after.controllers.iter().map(|verdict| line(&verdict.name)).collect()
}
