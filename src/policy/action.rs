//! Action patterns (IAM User Guide, *IAM JSON policy elements: Action*): case is ignored, `*` and `?`
//! stand anywhere, and one pattern covers the whole `service:name`, so that `*` in the service and
//! `*:*` match as they read.

use super::pattern::{Pattern, Syntax, Variables};
use super::request::Context;
use super::symbolic::{Symbol, Symbolic};
use super::tri::Tri;

/// A prepared value of `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub struct ActionPattern(Pattern);

impl ActionPattern {
    /// Reads `text`. Variables are not allowed here.
    #[must_use]
    pub fn new(text: &Symbolic) -> Self {
        Self(Pattern::new(
            text,
            Syntax { wildcards: true, variables: Variables::Literal, fold: true },
        ))
    }

    /// Whether the pattern matches `service:Name`.
    #[must_use]
    pub fn matches(&self, action: &str) -> Tri {
        match self.0.as_exact() {
            Some(own) => own.eq_ignore_ascii_case(action).into(),
            None => self.0.matches_str(action, &Context::default()),
        }
    }

    /// The one action that the pattern matches.
    #[must_use]
    pub fn as_exact(&self) -> Option<&str> {
        self.0.as_exact()
    }

    /// The service, with its colon, if the pattern names it without wildcards or holes.
    pub(crate) fn service(&self) -> Option<String> {
        self.0
            .front()
            .split_inclusive(':')
            .next()
            .filter(|service| service.ends_with(':') && service.is_ascii())
            .map(str::to_owned)
    }

    /// Whether the pattern is nothing but `*`.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_all()
    }

    pub(crate) fn open(&self, action: &str) -> Vec<Symbol> {
        self.0.open(&action.into())
    }
}
