//! Comments, of whatever format: readers that keep them give these.

use crate::source::Span;

/// One comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// All of it, with the sign that starts it.
    pub span: Span,
    /// The text without the sign that starts (and ends) it.
    pub text: Box<str>,
}
