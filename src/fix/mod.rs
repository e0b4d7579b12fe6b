//! Changes of text. This room knows texts and spans; it knows nothing of policies or rules.

pub mod list;
pub mod plain;
pub mod write;

use crate::order;
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

/// Puts edits into the order of the text. Those of one place stay in theirs.
pub fn in_order(edits: &mut Vec<Edit>) {
    order::by_key(edits, |edit| edit.span);
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

/// The place of a text without the quotes around it, if what stands there is `written` as it is.
#[must_use]
pub fn bare(sources: &SourceMap, span: Span, written: &str) -> Option<Span> {
    if sources.slice(span) == written {
        return Some(span);
    }
    let Span { source, start, end } = span;
    let end = end.checked_sub(1).filter(|end| start < *end)?;
    let inner = Span::new(source, start + 1, end);
    (sources.slice(inner) == written).then_some(inner)
}

/// The edit in the file on disk, as far as it can be carried there; else the text stays as it is.
#[must_use]
pub fn on_disk(sources: &SourceMap, edit: &Edit) -> Edit {
    carry(sources, edit)
        .unwrap_or_else(|| Edit { span: sources.to_file(edit.span), text: edit.text.clone() })
}

/// The edit in the file on disk: each text around it has its own line breaks, indentation and escapes.
/// `None` where what goes away stands there only in part, or the new text cannot be written there.
#[must_use]
pub fn carry(sources: &SourceMap, edit: &Edit) -> Option<Edit> {
    let mut edit = edit.clone();
    loop {
        let source = sources.get(edit.span.source);
        let Some(embedding) = source.embedding() else { break };
        let Span { start, end, .. } = edit.span;
        let parent = sources.get(embedding.parent.source);
        if !embedding.map.is_whole(start, end, parent.text()) {
            return None;
        }
        let part = embedding.map.part_start(start, parent.text());
        let before = part.unwrap_or(embedding.parent.start).checked_sub(1);
        let quote = before.and_then(|at| parent.text().as_bytes().get(at as usize));
        let text = match quote {
            Some(b'"') => escaped(&edit.text),
            Some(b'\'') if edit.text.contains('\n') => return None,
            Some(b'\'') => edit.text.replace('\'', "''"),
            _ if edit.text.contains('\n') => {
                let broken = line_break(source.text(), parent.text(), &embedding.map, start)?;
                edit.text.replace('\n', &broken)
            }
            _ => edit.text,
        };
        let (start, end) = embedding.map.to_parent(start, end);
        edit = Edit { span: Span::new(embedding.parent.source, start, end), text };
    }
    Some(edit)
}

/// As it stands inside a JSON string.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What a line break before `at` is in the parent: the break and the indentation that was dropped.
fn line_break(own: &str, parent: &str, map: &crate::source::SegmentMap, at: u32) -> Option<String> {
    let head = own.get(..at as usize)?;
    // An empty line may lack the indentation.
    let filled = |place: usize| {
        own.as_bytes().get(place + 1).is_some_and(|next| !matches!(next, b'\n' | b'\r'))
    };
    let place = head.rmatch_indices('\n').map(|(place, _)| place).find(|place| filled(*place))?;
    let place = u32::try_from(place).ok()?;
    let (start, _) = map.to_parent(place, place + 1);
    let (end, _) = map.to_parent(place + 1, place + 2);
    let found = parent.get(start as usize..end as usize)?;
    let blank = found.contains('\n') && found.chars().all(char::is_whitespace);
    blank.then(|| found.to_owned())
}

/// `text` with the edits made, which are in the order of the text; what overlaps one before it is left
/// out.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        let (Some(before), Some(_)) = (text.get(at..start), text.get(start..end)) else { continue };
        out.push_str(before);
        out.push_str(&edit.text);
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
