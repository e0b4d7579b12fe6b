//! Which findings are reported: `--select`, `--ignore`, `--severity` and `[[ignore]]`.

use glob::Pattern;

use crate::config::{Config, IgnoreTable};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::lints;
use crate::source::SourceMap;
use crate::words::nearest_word;

use super::args::CheckArgs;

/// What to leave out, and what to report at another severity.
#[derive(Debug, Default)]
pub(super) struct Silence {
    select: Vec<String>,
    ignore: Vec<String>,
    severity: Vec<(String, Severity)>,
    configured: Vec<(IgnoreTable, Option<Pattern>)>,
}

impl Silence {
    pub(super) fn new(args: &CheckArgs, config: &Config) -> Result<Self, Error> {
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
        let mut configured = Vec::new();
        for table in &config.ignore {
            known(&table.rule)?;
            if table.reason.trim().is_empty() {
                return Err(Error::usage(format!(
                    "[[ignore]] of `{}` gives no reason",
                    table.rule
                )));
            }
            let pattern =
                match &table.path {
                    Some(path) => Some(Pattern::new(path).map_err(|error| {
                        Error::usage(format!("[[ignore]] path `{path}`: {error}"))
                    })?),
                    None => None,
                };
            configured.push((table.clone(), pattern));
        }
        Ok(Self { select: args.select.clone(), ignore: args.ignore.clone(), severity, configured })
    }

    /// Whether findings of `rule` are reported at all.
    pub(super) fn reports(&self, rule: &str) -> bool {
        (self.select.is_empty() || self.select.iter().any(|known| known == rule))
            && !self.ignore.iter().any(|known| known == rule)
    }

    /// What is left, and how many findings an ignore silenced.
    pub(super) fn apply(
        &self,
        findings: Vec<Finding>,
        sources: &SourceMap,
    ) -> (Vec<Finding>, usize) {
        let before = findings.len();
        let mut selected: Vec<Finding> = findings
            .into_iter()
            .filter(|finding| {
                self.select.is_empty() || self.select.iter().any(|rule| rule == finding.rule)
            })
            .collect();
        let left_out = before - selected.len();
        selected.retain(|finding| !self.is_ignored(finding, sources));
        for finding in &mut selected {
            if let Some((_, level)) =
                self.severity.iter().rev().find(|(rule, _)| rule == finding.rule)
            {
                finding.severity = *level;
            }
        }
        let suppressed = before - left_out - selected.len();
        (selected, suppressed)
    }

    fn is_ignored(&self, finding: &Finding, sources: &SourceMap) -> bool {
        self.ignore.iter().any(|rule| rule == finding.rule)
            || self
                .configured
                .iter()
                .any(|(table, path)| matches(table, path.as_ref(), finding, sources))
    }
}

fn matches(
    table: &IgnoreTable,
    path: Option<&Pattern>,
    finding: &Finding,
    sources: &SourceMap,
) -> bool {
    let file = || sources.get(sources.to_file(finding.primary.span).source).name().to_owned();
    let actions = || {
        let denied = finding.data.denied.iter().map(|denied| denied.action.as_str());
        denied.chain(finding.data.action.as_deref())
    };
    table.rule == finding.rule
        && path.is_none_or(|pattern| pattern.matches(&file()))
        && table.action.as_ref().is_none_or(|action| {
            actions().all(|denied| denied.eq_ignore_ascii_case(action))
                && actions().next().is_some()
        })
        && table.address.as_ref().is_none_or(|address| finding.address.as_ref() == Some(address))
        && table
            .controller
            .as_ref()
            .is_none_or(|controller| finding.controller.as_ref() == Some(controller))
        && table.sid.as_ref().is_none_or(|sid| finding.sid.as_ref() == Some(sid))
}

fn known(rule: &str) -> Result<(), Error> {
    if lints::find(rule).is_some() {
        return Ok(());
    }
    let error = Error::usage(format!("there is no rule `{rule}`"));
    Err(match nearest_word(rule, lints::ids()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    })
}
