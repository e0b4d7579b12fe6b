//! Where a finding stands, as formats for programs want it.

use crate::finding::{Finding, Label};
use crate::source::{Position, SourceMap, Span};

/// A range of a file on disk.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Path relative to the working directory.
    pub(super) file: String,
    pub(super) start: Position,
    /// One past the last character.
    pub(super) end: Position,
    /// Columns of start and end in bytes, from 1.
    pub(super) byte_columns: (u32, u32),
}

impl Place {
    pub(super) fn of(sources: &SourceMap, span: Span) -> Self {
        let span = sources.to_file(span);
        let source = sources.get(span.source);
        let (start, end) = (source.position(span.start), source.position(span.end));
        let column = |at: Position| {
            let (line, _) = source.lines().range(source.text(), at.line);
            at.offset.saturating_sub(line) + 1
        };
        Self {
            file: source.name().to_owned(),
            start,
            end,
            byte_columns: (column(start), column(end)),
        }
    }
}

/// What a finding says, in lines: the sentence, the label, then the facts, each with its word.
pub(super) fn lines(finding: &Finding) -> Vec<String> {
    let mut out = vec![finding.message.clone()];
    let Label { message, .. } = &finding.primary;
    if !message.is_empty() {
        out.push(message.clone());
    }
    for fact in &finding.facts {
        for (at, text) in fact.lines.iter().enumerate() {
            out.push(if at == 0 { format!("{}: {text}", fact.word.name()) } else { text.clone() });
        }
    }
    out
}
