//! What Karpenter asks of AWS: the requests of a version, under the settings of an installation.
//!
//! The rules themselves are data (`rules/karpenter/*.toml`, [`rules`]); this room puts values into
//! them. It knows nothing of policies' text or of reports.

mod context;
mod needs;
mod releases;
pub mod rules;
mod sent;
mod upgrade;
mod values;

use std::path::Path;
use std::sync::OnceLock;

use crate::error::Error;
use crate::source::{SourceMap, Span};

pub use needs::{Entry, Need, Other, needs, needs_of, others, possible};
pub use releases::Release;
pub use rules::limits::{Limits, Purpose, TagLimits};
pub use rules::template::{Part as TemplatePart, Placeholder, Template};
pub use rules::version::{NotAVersion, Version, Versions};
pub use rules::when::{Condition, Flag};
pub use rules::{
    Basis, Cause, EntryRule, FailureRule, GlobalKey, GlobalStatus, Impact, KeySet, Minor, Phase,
    RequestRule, Rules, TagSet,
};
pub use sent::{Sent, only_with, switched_off};
pub use upgrade::{Change, Upgrade, upgrade};

/// What people see when a request is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// Kubernetes condition: `ValidationSucceeded=False`.
    pub condition: Option<String>,
    /// Its reason.
    pub reason: Option<String>,
    /// Its message; [`Rules::cause`] tells what may follow it.
    pub message: Option<String>,
    /// What logs and behaviour show.
    pub symptom: Option<String>,
}

impl Rules {
    /// The rules in the binary.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static RULES: OnceLock<Rules> = OnceLock::new();
        static BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.bin"));
        // The build script wrote these bytes with the same type, and a test reads them.
        RULES.get_or_init(|| postcard::from_bytes(BYTES).unwrap_or_default())
    }

    /// The rules of a folder, in the form of `rules/karpenter`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn load(folder: &Path, sources: &SourceMap) -> Result<Self, Vec<Error>> {
        let files = rules::files::read_folder(folder)
            .map_err(|error| vec![Error::file(error.path, None, error.message)])?;
        let mut rules = rules::load::load(&files, &crate::aws::service).map_err(|error| {
            let file = files.iter().find(|file| file.path == error.path);
            let span = file.map(|file| {
                let source = sources.add_file(file.path.as_str(), file.text.as_str());
                let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                Span::new(source, offset(error.span.start), offset(error.span.end))
            });
            let told = Error::file(error.path, span, error.message);
            vec![error.help.into_iter().fold(told, Error::with_help)]
        })?;
        if !files.iter().any(|file| file.stem == "limits") {
            rules.limits = Self::builtin().limits.clone();
        }
        Ok(rules)
    }

    /// All requests of all versions, in the order in which Karpenter makes them.
    #[must_use]
    pub fn requests(&self) -> &[RequestRule] {
        &self.requests
    }

    /// The request called `id`.
    #[must_use]
    pub fn request(&self, id: &str) -> Option<&RequestRule> {
        self.requests.iter().find(|request| request.id == *id)
    }

    /// The sentences that may follow the message of a failed check of the validation in `version`.
    #[must_use]
    pub fn cause(&self, rule: &RequestRule, version: Version) -> Option<&Cause> {
        (rule.phase == Phase::Validation && self.cause.versions.contain(version))
            .then_some(&self.cause)
    }

    /// The set of tags at `place` of an entry.
    #[must_use]
    pub fn tag_set(&self, place: Option<u16>) -> Option<&TagSet> {
        place.and_then(|place| self.tag_sets.get(usize::from(place)))
    }

    /// A text of the rules, with `${name}`.
    #[must_use]
    pub fn display(&self, template: &Template) -> String {
        template.display(&self.placeholders)
    }
}

impl RequestRule {
    /// What people see in `version` when the request is denied.
    #[must_use]
    pub fn failure(&self, version: Version) -> Failure {
        let Some(found) = self.failures.iter().find(|failure| failure.versions.contain(version))
        else {
            return Failure::default();
        };
        let text = |text: &Option<rules::text::Str>| text.as_ref().map(ToString::to_string);
        Failure {
            condition: text(&found.condition),
            reason: text(&found.reason),
            message: text(&found.message),
            symptom: text(&found.symptom),
        }
    }
}

#[cfg(test)]
mod tests;
