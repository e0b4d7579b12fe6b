//! Changes of text. This room knows texts and spans; it knows nothing of policies or rules.

pub mod write;

use crate::source::{SourceMap, Span};

/// Puts a text in the place of a span. The span may lie in any source; [`on_disk`] carries it to the
/// file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes away; empty where something is put in.
    pub span: Span,
    /// What comes in its place, as it is to stand in the source of the span.
    pub text: String,
}

/// Whether what stands under `span` can be changed in the file as it is in its own source: nothing of
/// it is escaped on the way up.
#[must_use]
pub fn is_verbatim(sources: &SourceMap, span: Span) -> bool {
    let mut span = span;
    loop {
        let source = sources.get(span.source);
        let Some(embedding) = source.embedding() else { return true };
        if !embedding.map.is_verbatim(span.start, span.end) {
            return false;
        }
        let (start, end) = embedding.map.to_parent(span.start, span.end);
        span = Span::new(embedding.parent.source, start, end);
    }
}

/// The edit in the file on disk.
#[must_use]
pub fn on_disk(sources: &SourceMap, edit: &Edit) -> Edit {
    Edit { span: sources.to_file(edit.span), text: edit.text.clone() }
}
