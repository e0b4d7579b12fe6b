//! A policy from its text, for who has no other use for nodes and sources.

use super::Policy;
use super::lower::lower;
use crate::source::{LineIndex, SourceId};
use crate::syntax::HoleSyntax;
use crate::syntax::json::Lazy;

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct ParseError {
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Bytes from the start of the text.
    pub offset: usize,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Policy {
    /// Reads a policy document as AWS takes it: JSON in the grammar of IAM (IAM User Guide, *Grammar of
    /// the IAM JSON policy language*). Nothing is a placeholder; `${…}` is a policy variable or plain
    /// text. Whether it may name principals depends on what it is used for and is not asked.
    ///
    /// # Errors
    /// The first place that AWS would refuse, but for mistakes that leave no doubt of what is meant: a
    /// `Sid` with other characters than letters and digits, or one that stands twice.
    ///
    /// # Examples
    /// ```
    /// use karplint::Policy;
    ///
    /// let policy = Policy::parse(
    ///     r#"{
    ///         "Version": "2012-10-17",
    ///         "Statement": {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}
    ///     }"#,
    /// )?;
    /// assert_eq!(policy.statements.len(), 1);
    ///
    /// let error = Policy::parse(r#"{"Statement": {"Effect": "allow"}}"#).unwrap_err();
    /// assert_eq!((error.line, error.column), (1, 15));
    /// # Ok::<(), karplint::ParseError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refused = |offset: u32, message: String| {
            let position = LineIndex::new(text).position(text, offset);
            let (line, column) = (position.line, position.column);
            ParseError { message, offset: offset as usize, line, column }
        };
        // No text is looked up again, so any name will do.
        let node = Lazy::root(SourceId(0), text)
            .to_node(HoleSyntax::None)
            .map_err(|error| refused(error.span.start, error.message))?;
        let lowered = lower(&node);
        match lowered.problems.into_iter().find(|problem| !problem.harmless) {
            Some(problem) => Err(refused(problem.span.start, problem.message)),
            None => Ok(lowered.policy),
        }
    }
}
