//! Findings that nobody wants to hear of again: `[[ignore]]` of the configuration, comments in the
//! text, a baseline. Each has a reason or was there before; one that silences nothing is told.

mod baseline;
mod comment;

use std::collections::HashMap;
use std::path::Path;

use glob::Pattern;

use crate::config::{Config, IgnoreTable};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::lints;
use crate::source::{SourceMap, Span, read_text, reason};
use crate::syntax::comment::Comment;
use crate::words::nearest_word;

pub use baseline::Fingerprints;
pub use comment::may_hold;

/// The rule of what this room says itself.
const RULE: &str = "unused-suppression";

/// Longest baseline that is read, in bytes: some hundred thousand findings.
const LARGEST: u64 = 64 << 20;

/// What silences findings, and what has done so.
#[derive(Debug, Default, Clone)]
pub struct Suppressions {
    configured: Vec<Configured>,
    inline: Vec<(comment::Inline, bool)>,
    known: Vec<(baseline::Known, bool)>,
    /// Those of `known` that silence nothing yet, by what they silence; the first one last.
    free: HashMap<baseline::Fingerprint, Vec<usize>>,
    mistakes: Vec<Finding>,
    /// The working directory, as seen from the folder of the configuration.
    here: String,
}

#[derive(Debug, Clone)]
struct Configured {
    table: IgnoreTable,
    /// Of a path as seen from the folder of the configuration.
    path: Option<Pattern>,
    span: Span,
    used: bool,
}

/// What a run has looked at, so that what it did not look at is not called unused.
#[derive(Clone, Copy)]
pub struct Looked<'a> {
    /// Names of the files that were read.
    pub files: &'a [&'a str],
    /// Whether findings of a rule are reported at all.
    pub reports: &'a dyn Fn(&str) -> bool,
    /// Whether everything was looked at that anybody would name, and not only what changed.
    pub whole: bool,
}

impl Suppressions {
    /// Those of the configuration; `here` is the working directory.
    ///
    /// # Errors
    /// A rule that nobody knows, a missing reason, a path that is no pattern.
    pub fn new(config: &Config, here: &Path) -> Result<Self, Error> {
        let Some((source, name)) = &config.source else { return Ok(Self::default()) };
        let mut out = Self { here: seen_from(&config.root, here), ..Self::default() };
        for table in &config.ignore {
            let place = |range: std::ops::Range<usize>| {
                let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                Span::new(*source, clip(range.start), clip(range.end))
            };
            let span = place(table.rule.span());
            let rule = table.rule.get_ref();
            let fail = |message: String| Error::file(name, Some(span), message);
            if let Some((message, near)) = unknown_rule(rule) {
                let error = fail(message);
                return Err(match near {
                    Some(near) => error.with_help(format!("did you mean `{near}`?")),
                    None => error,
                });
            }
            if table.reason.trim().is_empty() {
                return Err(fail(format!("[[ignore]] of `{rule}` gives no reason")));
            }
            let path = match &table.path {
                Some(path) => Some(
                    Pattern::new(path)
                        .map_err(|error| fail(format!("[[ignore]] path `{path}`: {error}")))?,
                ),
                None => None,
            };
            out.configured.push(Configured { table: table.clone(), path, span, used: false });
        }
        Ok(out)
    }

    /// Adds the comments of one file.
    pub fn comments(&mut self, text: &str, comments: &[Comment]) {
        let read = comment::read(text, comments, &mut self.mistakes);
        self.inline.extend(read.into_iter().map(|inline| (inline, false)));
    }

    /// Adds the findings that a baseline knows.
    ///
    /// # Errors
    /// When the file cannot be read, or is no baseline.
    pub fn baseline(&mut self, path: &Path, sources: &SourceMap) -> Result<(), Error> {
        let name = path.display().to_string().replace('\\', "/");
        let text = read_text(path, LARGEST).map_err(|error| {
            Error::file(&name, None, format!("cannot read the baseline: {}", reason(&error)))
        })?;
        let source = sources.add_file(name.as_str(), text.as_str());
        let known = baseline::read(source, &text)
            .map_err(|error| Error::file(&name, Some(error.span), error.message))?;
        self.known = known.into_iter().map(|known| (known, false)).collect();
        self.free.clear();
        for (at, (known, _)) in self.known.iter().enumerate().rev() {
            self.free.entry(known.print.clone()).or_default().push(at);
        }
        Ok(())
    }

    /// What is left of `findings`.
    pub fn apply(&mut self, findings: Vec<Finding>, sources: &SourceMap) -> Vec<Finding> {
        findings.into_iter().filter(|finding| !self.silences(finding, sources)).collect()
    }

    /// Every one that could silence the finding has its use, whichever comes first.
    fn silences(&mut self, finding: &Finding, sources: &SourceMap) -> bool {
        let mut silent = false;
        for configured in &mut self.configured {
            if configured.matches(finding, &self.here, sources) {
                configured.used = true;
                silent = true;
            }
        }
        for (inline, used) in &mut self.inline {
            if inline.matches(finding, sources) {
                *used = true;
                silent = true;
            }
        }
        if silent || self.known.is_empty() {
            return silent;
        }
        let print = baseline::Fingerprint::of(finding, sources);
        // Twice the same needs two entries: the second one is new.
        let entry = self.free.get_mut(&print).and_then(Vec::pop);
        let entry = entry.and_then(|at| self.known.get_mut(at));
        entry.map(|(_, used)| *used = true).is_some()
    }

    /// Comments that cannot be followed, and a note on everything that silenced nothing.
    #[must_use]
    pub fn unused(&mut self, looked: Looked<'_>) -> Vec<Finding> {
        let mut out = std::mem::take(&mut self.mistakes);
        let note = |span: Span, message: String, help: &str| {
            let mut finding = Finding::new(RULE, Severity::Note, span, message);
            finding.primary.message = "this silences nothing".to_owned();
            finding.help = Some(help.to_owned());
            finding
        };
        for own in self.configured.iter().filter(|own| !own.used) {
            let rule = own.table.rule.get_ref();
            let seen = match &own.path {
                Some(path) => {
                    looked.files.iter().any(|file| path.matches(&from_root(&self.here, file)))
                }
                None => looked.whole,
            };
            if seen && (looked.reports)(rule) {
                let message = format!("this [[ignore]] of `{rule}` matches no finding");
                out.push(note(own.span, message, "remove it, or correct what narrows it"));
            }
        }
        for (own, _) in self.inline.iter().filter(|(_, used)| !used) {
            if own.rules().iter().any(|rule| (looked.reports)(rule)) {
                let rules = own.rules().join("`, `");
                let message = format!("no finding of `{rules}` stands where this comment speaks");
                out.push(note(own.span, message, "remove it, or put it above what it is about"));
            }
        }
        for (own, _) in self.known.iter().filter(|(_, used)| !used) {
            let seen = looked.files.iter().any(|file| *file == own.print.file);
            if seen && (looked.reports)(&own.print.rule) {
                let message = format!(
                    "the baseline knows a finding of `{}` in {} that is gone",
                    own.print.rule, own.print.file
                );
                out.push(note(own.span, message, "write the baseline again with --write-baseline"));
            }
        }
        out
    }
}

/// Writes a baseline of `findings`; says how many they are.
///
/// # Errors
/// When the file cannot be written.
pub fn write_baseline(
    path: &Path,
    findings: &[Finding],
    sources: &SourceMap,
) -> Result<usize, Error> {
    let own = findings.iter().filter(|finding| finding.rule != RULE);
    let mut prints: Vec<_> =
        own.map(|finding| baseline::Fingerprint::of(finding, sources)).collect();
    baseline::write(path, &mut prints).map_err(|error| {
        let name = path.display().to_string();
        Error::file(name, None, format!("cannot write the baseline: {}", reason(&error)))
    })?;
    Ok(prints.len())
}

/// What to say of a rule that nobody knows, and the one that was probably meant.
#[must_use]
pub fn unknown_rule(rule: &str) -> Option<(String, Option<&'static str>)> {
    if lints::is_known(rule) {
        return None;
    }
    Some((format!("there is no rule `{rule}`"), nearest_word(rule, lints::ids())))
}

impl Configured {
    fn matches(&self, finding: &Finding, here: &str, sources: &SourceMap) -> bool {
        let table = &self.table;
        let file = || {
            let source = sources.get(sources.to_file(finding.primary.span).source);
            from_root(here, source.name())
        };
        let actions = || {
            let denied = finding.data.denied.iter().map(|denied| denied.action.as_str());
            denied.chain(finding.data.action.as_deref())
        };
        let is = |wanted: &Option<String>, own: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| own.as_ref() == Some(wanted))
        };
        table.rule.get_ref() == finding.rule
            && self.path.as_ref().is_none_or(|pattern| pattern.matches(&file()))
            && table.action.as_ref().is_none_or(|action| {
                actions().all(|own| own.eq_ignore_ascii_case(action)) && actions().next().is_some()
            })
            && is(&table.address, &finding.address)
            && is(&table.controller, &finding.controller)
            && is(&table.sid, &finding.sid)
    }
}

/// `here` as seen from `root`, with a slash at its end; empty where it does not lie below.
fn seen_from(root: &Path, here: &Path) -> String {
    let (Ok(root), Ok(here)) = (root.canonicalize(), here.canonicalize()) else {
        return String::new();
    };
    let below = here.strip_prefix(root).unwrap_or(Path::new(""));
    below.components().map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect()
}

/// The path of a file as seen from the folder of the configuration.
fn from_root(here: &str, file: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    if file.starts_with('/') {
        return file.to_owned();
    }
    for part in here.split('/').chain(file.split('/')).filter(|part| !part.is_empty()) {
        if part == ".." && parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else if part != "." {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_configuration() {
        assert_eq!(from_root("", "iam/p.json"), "iam/p.json");
        assert_eq!(from_root("sub/", "p.json"), "sub/p.json");
        assert_eq!(from_root("sub/deep/", "../../iam/p.json"), "iam/p.json");
        assert_eq!(from_root("", "../p.json"), "../p.json");
        assert_eq!(from_root("sub/", "/tmp/p.json"), "/tmp/p.json");
    }
}
