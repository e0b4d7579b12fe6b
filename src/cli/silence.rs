//! Which findings are reported: `--select`, `--ignore`, `--severity`; what is suppressed besides.

use std::path::Path;

use crate::config::Config;
use crate::error::Error;
use crate::extract::{Format, detect};
use crate::finding::{Finding, Severity};
use crate::order;
use crate::source::{SourceId, SourceMap};
use crate::suppress::{Looked, Suppressions, may_hold, unknown_rule, write_baseline};
use crate::syntax::{hcl, yaml};

use super::args::CheckArgs;
use super::inputs::Loaded;

/// What to leave out, and what to report at another severity.
#[derive(Debug, Default)]
pub(super) struct Silence {
    select: Vec<String>,
    ignore: Vec<String>,
    severity: Vec<(String, Severity)>,
    suppressions: Suppressions,
}

/// What is left of all findings.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) findings: Vec<Finding>,
    /// How many are silenced.
    pub(super) suppressed: usize,
    /// Lines for stderr.
    pub(super) notes: Vec<String>,
    pub(super) errors: Vec<Error>,
}

impl Silence {
    pub(super) fn new(
        args: &CheckArgs,
        config: &Config,
        sources: &SourceMap,
    ) -> Result<Self, Error> {
        for rule in args.select.iter().chain(&args.ignore) {
            known(rule)?;
        }
        let mut severity = Vec::new();
        for pair in &args.severity {
            let Some((rule, level)) = pair.split_once('=') else {
                return Err(Error::usage(format!(
                    "`{pair}` after --severity is not of the form RULE=LEVEL"
                )));
            };
            known(rule)?;
            let level = [Severity::Error, Severity::Warning, Severity::Note]
                .into_iter()
                .find(|severity| severity.name() == level)
                .ok_or_else(|| {
                    Error::usage(format!("`{level}` is not a severity; use error, warning or note"))
                })?;
            severity.push((rule.to_owned(), level));
        }
        if args.write_baseline.as_ref().is_some_and(|path| path.as_os_str() == "-") {
            let error = Error::usage("a baseline is written to a file, not to standard output");
            return Err(error.with_help("--write-baseline FILE"));
        }
        let here = std::env::current_dir().unwrap_or_else(|_| Path::new(".").to_path_buf());
        let mut suppressions = Suppressions::new(config, &here)?;
        if let Some(path) = args.baseline.as_ref().filter(|_| args.write_baseline.is_none()) {
            suppressions.baseline(path, sources)?;
        }
        Ok(Self {
            select: args.select.clone(),
            ignore: args.ignore.clone(),
            severity,
            suppressions,
        })
    }

    /// Whether findings of `rule` are reported at all.
    pub(super) fn reports(&self, rule: &str) -> bool {
        (self.select.is_empty() || self.select.iter().any(|known| known == rule))
            && !self.ignore.iter().any(|known| known == rule)
    }

    /// What is left to report. `failed`: something could not be checked.
    pub(super) fn apply(
        &self,
        findings: Vec<Finding>,
        args: &CheckArgs,
        loaded: &Loaded,
        sources: &SourceMap,
        failed: bool,
    ) -> Left {
        let mut suppressions = self.suppressions.clone();
        for file in files(loaded, &findings, sources) {
            let source = sources.get(file);
            let text = source.text();
            let comments = match detect(source.name(), text) {
                Format::Yaml if may_hold(text) => yaml::comments(file, text),
                Format::Hcl if may_hold(text) => hcl::comments::comments(file, text),
                _ => continue,
            };
            suppressions.comments(text, &comments);
        }
        let selected =
            |rule: &str| self.select.is_empty() || self.select.iter().any(|known| known == rule);
        let (mut findings, mut suppressed) = (findings, 0);
        findings.retain(|finding| selected(finding.rule));
        let before = findings.len();
        findings.retain(|finding| self.reports(finding.rule));
        findings = suppressions.apply(findings, sources);
        suppressed += before - findings.len();
        let mut left = Left::default();
        if let Some(path) = &args.write_baseline {
            if failed {
                let file = path.display();
                let word = format!("{file} is not written: something could not be checked");
                left.notes.push(word);
            } else {
                match write_baseline(path, &findings, sources) {
                    Ok(count) => {
                        let what = if count == 1 { "finding" } else { "findings" };
                        left.notes.push(format!("{}: {count} {what} written", path.display()));
                        suppressed += findings.len();
                        findings.clear();
                    }
                    Err(error) => left.errors.push(error),
                }
            }
        } else if !args.no_karpenter && !failed {
            let names: Vec<&str> = loaded.units.iter().map(|unit| unit.file.as_str()).collect();
            let reports = |rule: &str| self.reports(rule);
            let whole = !args.controllers.hook;
            let unused = suppressions.unused(Looked { files: &names, reports: &reports, whole });
            findings.extend(unused.into_iter().filter(|finding| self.reports(finding.rule)));
        }
        for finding in &mut findings {
            let level = self.severity.iter().rev().find(|(rule, _)| rule == finding.rule);
            if let Some((_, level)) = level {
                finding.severity = *level;
                finding.data.severities.fill(*level);
            }
        }
        left.findings = findings;
        left.suppressed = suppressed;
        left
    }
}

/// The files that hold policies or parts of them that something is said of, each once.
fn files(loaded: &Loaded, findings: &[Finding], sources: &SourceMap) -> Vec<SourceId> {
    let here = loaded.documents.iter().filter(|document| !document.is_filled_in);
    let mut files: Vec<SourceId> = here.map(|document| document.origin.file).collect();
    files.extend(findings.iter().map(|finding| sources.to_file(finding.primary.span).source));
    order::sort(&mut files);
    files.dedup();
    files
}

fn known(rule: &str) -> Result<(), Error> {
    match unknown_rule(rule) {
        None => Ok(()),
        Some((message, near)) => {
            let error = Error::usage(message);
            Err(match near {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error,
            })
        }
    }
}
