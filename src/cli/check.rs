//! `karplint check`: read, group, judge, report.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use crate::check::words;
use crate::error::Error;
use crate::finding::Severity;
use crate::report::{Outcome, escape};
use crate::source::{SourceId, SourceMap};

use super::args::{CheckArgs, Color, FailOn, Format};
use super::fix::{self, Ground, Texts};
use super::inputs::Loaded;
use super::judge::judge_all;
use super::output::{Output, reporter};
use super::plan::{plan, rules};
use super::{Status, inputs};

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
    let outputs: Result<Vec<Output>, Error> =
        args.output.iter().map(|text| Output::parse(text)).collect();
    let outputs = match outputs {
        Ok(outputs) => outputs,
        Err(error) => return fail(&[error], &sources, err),
    };
    let rules = match rules(&args.config, &sources) {
        Ok(rules) => rules,
        Err(errors) => return fail(&errors, &sources, err),
    };
    let mut plan = match plan(args, &rules, &sources) {
        Ok(plan) => plan,
        Err(error) => return fail(&[error], &sources, err),
    };
    let fixes = args.diff || args.fix;
    if args.fix && fix::reads_stdin(args) {
        let error = Error::usage("what comes from standard input cannot be fixed in its place")
            .with_help("`--diff` shows the patch");
        return fail(&[error], &sources, err);
    }
    let piped = if fixes { fix::stdin(args)? } else { Vec::new() };
    let (mut given, mut terminal_in) = (piped.as_slice(), io::stdin());
    let stdin: &mut dyn io::Read = if fixes { &mut given } else { &mut terminal_in };
    let loaded = inputs::read(args, &plan.config, stdin, &sources, &Texts::new());
    if !outputs.is_empty() {
        let read = read_from(args, &loaded, &sources);
        if let Some(error) = outputs.iter().find_map(|output| output.is_over(&read)) {
            return fail(&[error], &sources, err);
        }
    }
    let read = started.elapsed();
    plan.settle_version(&loaded.pins, &rules, &sources);
    let outcome = judge_all(args, &plan, &rules, &sources, &loaded);
    let judged = started.elapsed();
    for note in plan.notes.iter().chain(&outcome.notes) {
        writeln!(err, "{}", escape::line(note))?;
    }
    let (mut refused, mut told, mut patch) = (Vec::new(), None, Vec::new());
    // A patch changes nothing: what there is to say is said of the files as they are.
    let mut left = None;
    if fixes {
        let unsafe_too = args.diff || args.unsafe_fixes;
        let ground = Ground { args, rules: &rules, sources: &sources, stdin: &piped, unsafe_too };
        let mut fixed = fix::rounds(ground, &plan, outcome.clone(), &|_| true);
        if args.diff {
            fix::show_new_files(&mut fixed, &sources);
            refused = fix::diff(&fixed.files, terminal, (&mut patch, err))?;
        } else {
            let written = fix::write(&fixed.files);
            left = Some(match written.refused.is_empty() {
                true => fixed.outcome,
                false => written.judge(ground, &mut plan),
            });
            told = written.told();
            refused = written.refused;
        }
    }
    let outcome = left.unwrap_or(outcome);
    // Files come first: that nobody reads the rest is no reason to leave them out.
    let unwritten: Vec<Error> =
        outputs.iter().filter_map(|output| output.write(&outcome).err()).collect();
    if args.diff {
        out.write_all(&patch)?;
    } else {
        reporter(args.format, colour(args.color, terminal)).report(&outcome, out)?;
    }
    if let Some(told) = told {
        let to: &mut dyn Write = if args.format == Format::Human { out } else { err };
        writeln!(to, "{told}")?;
    }
    for error in outcome.errors.iter().chain(&unwritten).chain(&refused) {
        writeln!(err, "{}", sentence(error, &sources))?;
    }
    if args.verbose {
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        writeln!(
            err,
            "{}, {}: read {:.1} ms, judged {:.1} ms, reported {:.1} ms",
            words::count(outcome.files, "file"),
            words::count(outcome.documents, "document"),
            ms(read),
            ms(judged.saturating_sub(read)),
            ms(started.elapsed().saturating_sub(judged))
        )?;
    }
    let status = if unwritten.is_empty() && refused.is_empty() {
        status(&outcome, plan.fail_on)
    } else {
        Status::Failed
    };
    // The process ends here: to free thousands of documents one by one takes some hundredths of the run.
    std::mem::forget((outcome, loaded));
    Ok(status)
}

/// The files that reports must not be written over: those that are named, and those that hold policies. A report that
/// an earlier run left in a folder is read as well, and is none.
fn read_from(args: &CheckArgs, loaded: &Loaded, sources: &SourceMap) -> BTreeSet<PathBuf> {
    let given = args.paths.iter().map(PathBuf::from).filter(|path| path.is_file());
    let held: BTreeSet<SourceId> =
        loaded.documents.iter().map(|document| document.origin.file).collect();
    let held = held.into_iter().map(|id| PathBuf::from(sources.get(id).name()));
    given.chain(held).filter_map(|path| path.canonicalize().ok()).collect()
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
pub(super) fn fail(
    errors: &[Error],
    sources: &SourceMap,
    err: &mut dyn Write,
) -> io::Result<Status> {
    for error in errors {
        writeln!(err, "{}", sentence(error, sources))?;
    }
    Ok(Status::Failed)
}

/// An error in one line, with its place and its advice.
pub(super) fn sentence(error: &Error, sources: &SourceMap) -> String {
    let help = error.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let text = match (error.file.as_str(), error.positions(sources)) {
        // What names its file itself.
        (file, None) if error.message.contains(file) => format!("{}{help}", error.message),
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

pub(super) fn colour(when: Color, terminal: bool) -> bool {
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}
