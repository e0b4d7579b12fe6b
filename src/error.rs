//! What stopped a file or the whole run. Never a finding: a finding is an answer, an error is the
//! lack of one, and they lead to different exit codes.

use crate::source::{Position, SourceMap, Span};

/// Something could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The file, relative to the working directory; empty for errors of usage.
    pub file: String,
    /// Where in the file.
    pub span: Option<Span>,
    /// Where in a file whose text is not kept, because it is not text.
    pub position: Option<Position>,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

#[cfg(feature = "cli")]
impl From<&crate::source::ReadError> for Error {
    fn from(error: &crate::source::ReadError) -> Self {
        Self {
            file: error.path.clone(),
            span: None,
            position: error.position,
            message: error.message.clone(),
            help: error.help.clone(),
        }
    }
}

impl Error {
    /// An error of usage: no file is at fault.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            span: None,
            position: None,
            message: message.into(),
            help: None,
        }
    }

    /// An error of one file.
    #[must_use]
    pub fn file(file: impl Into<String>, span: Option<Span>, message: impl Into<String>) -> Self {
        Self { file: file.into(), span, position: None, message: message.into(), help: None }
    }

    /// An error at a place: the file is the one that it lies in.
    #[must_use]
    pub fn at(sources: &SourceMap, span: Span, message: impl Into<String>) -> Self {
        let file = sources.get(sources.to_file(span).source).name().to_owned();
        Self::file(file, Some(span), message)
    }

    /// First and last position, if the error has a place.
    #[must_use]
    pub fn positions(&self, sources: &SourceMap) -> Option<(Position, Position)> {
        if let Some(position) = self.position {
            return Some((position, position));
        }
        let span = sources.to_file(self.span?);
        let source = sources.get(span.source);
        Some((source.position(span.start), source.position(span.end)))
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
