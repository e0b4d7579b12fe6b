//! Prints what was found. A reporter evaluates nothing and writes to the writer it is given.

mod concise;
pub mod escape;
pub mod explain;
mod frame;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod layout;
mod markdown;
pub mod matrix;
mod place;
pub mod preflight;
mod rdjson;
mod reindent;
pub mod requires;
mod sarif;
pub mod upgrade;

use std::io::{self, Write};
use std::sync::Arc;

use crate::check::RequestAnswer;
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::karpenter::Version;
use crate::policy::symbolic::Symbols;
use crate::settings::Settings;
use crate::settings::infer::Assumption;
use crate::source::{SourceMap, Span};

pub use concise::Concise;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use human::{Human, because};
pub use json::Json;
#[cfg(test)]
pub(crate) use json::json_schema;
pub use junit::JUnit;
pub use markdown::Markdown;
pub use rdjson::Rdjson;
pub use sarif::Sarif;

/// Everything that one run found out.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// All text.
    pub sources: &'a SourceMap,
    /// The newest Karpenter version that the rule data knows.
    pub data_karpenter: Version,
    /// What was judged.
    pub controllers: Vec<Verdict<'a>>,
    /// Sorted by path, offset and rule.
    pub findings: Vec<Finding>,
    /// What could not be checked.
    pub errors: Vec<Error>,
    /// Lines for stderr that are no errors.
    pub notes: Vec<String>,
    /// What else is to be said of what was looked at: last lines of the report for people.
    pub remarks: Vec<String>,
    /// How many files were read.
    pub files: usize,
    /// How many policy documents they held.
    pub documents: usize,
    /// How many findings an ignore silenced.
    pub suppressed: usize,
}

/// What is to be said of one controller.
#[derive(Debug, Clone)]
pub struct Verdict<'a> {
    /// What to call it.
    pub name: String,
    /// The version it was judged for.
    pub karpenter: Version,
    /// Its documents.
    pub documents: Arc<[DocumentRef]>,
    /// The settings.
    pub settings: Settings,
    /// Names of what is not known in them.
    pub symbols: Arc<Symbols>,
    /// What was taken for granted.
    pub assumptions: Assumptions,
    /// What each request gets.
    pub requests: Arc<[RequestAnswer<'a>]>,
    /// Which documents were judged as one and why, where there are several.
    pub joined: Option<String>,
    /// The assumptions in one line, where no finding says them.
    pub assumed: Option<String>,
    /// What would help to know more.
    pub hints: Vec<String>,
    /// The last line.
    pub sentence: String,
}

impl Verdict<'_> {
    fn quiet(&self) -> bool {
        self.assumed.is_some()
    }
}

/// What was taken for granted for one controller.
#[derive(Debug, Clone)]
pub struct Assumptions {
    /// For its settings.
    pub settings: Arc<[Assumption]>,
    /// The version, where nobody gave it.
    pub version: Option<Assumption>,
    /// Whatever else.
    pub besides: Arc<[Assumption]>,
}

impl Assumptions {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Assumption> {
        self.settings.iter().chain(&self.version).chain(&*self.besides)
    }
}

/// A document of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRef {
    /// Path of the file.
    pub file: String,
    /// Address of the resource.
    pub address: Option<String>,
    /// `identity`, `boundary`, `scp`.
    pub kind: &'static str,
}

/// `file:line:column` of a token, where a frame shows it: with its quotes.
#[must_use]
pub fn place_of(sources: &SourceMap, span: Span) -> String {
    frame::place(sources, frame::with_quotes(sources, span))
}

/// One output format.
pub trait Reporter {
    /// Writes the report.
    ///
    /// # Errors
    /// Whatever the writer returns.
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()>;
}

impl Outcome<'_> {
    /// How many findings are of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

impl Outcome<'_> {
    /// How many controllers there are, whatever the number of versions.
    #[must_use]
    pub fn distinct_controllers(&self) -> usize {
        let first = |(at, verdict): &(usize, &Verdict<'_>)| {
            at.checked_sub(1)
                .and_then(|before| self.controllers.get(before))
                .is_none_or(|before| before.name != verdict.name)
        };
        self.controllers.iter().enumerate().filter(first).count()
    }

    /// How many findings have a fix that can be applied.
    #[must_use]
    pub fn fixable(&self) -> usize {
        let fixes = self.findings.iter().filter_map(|finding| finding.fix.as_ref());
        fixes.filter(|fix| fix.can_be_applied()).count()
    }

    /// Whether a finding is at or above `least`.
    #[must_use]
    pub fn any_from(&self, least: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= least)
    }
}
