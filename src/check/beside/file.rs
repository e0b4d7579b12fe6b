//! A policy that is a file of its own: what stays in it, and the text of a second file.

use crate::check::beside::apart;
use crate::controller::Document;
use crate::fix::{Edit, apply};
use crate::source::{SourceId, SourceMap, Span};

/// The edits that leave the first statements in the file, and one that is all of a second file; with what to
/// do with that. Nobody attaches it by itself.
pub(super) fn both(
    document: &Document,
    statements: &[Span],
    cut: usize,
    sources: &SourceMap,
) -> Option<(Vec<Edit>, String)> {
    let own = document.policy.span;
    let file = sources.get(own.source);
    let text = file.text();
    let around = |part: Option<&str>| part.is_some_and(|part| part.trim().is_empty());
    let is_all = document.origin.address.is_none()
        && file.embedding().is_none()
        && around(text.get(..own.start as usize))
        && around(text.get(own.end as usize..));
    if !is_all {
        return None;
    }
    let [mut edits, rest] = apart(statements, cut, own.source, sources)?;
    let (place, name) = new_file(file.name(), sources)?;
    let text = apply(text, &rest);
    edits.push(Edit { span: Span::new(place, 0, 0), text });
    let why = format!("the others into `{name}`, to be attached where this one is");
    Some((edits, why))
}

/// A file beside another one, that is not there yet: `policy-2.json`.
fn new_file(name: &str, sources: &SourceMap) -> Option<(SourceId, String)> {
    let (stem, end) = name.rsplit_once('.').filter(|(_, end)| !end.contains(['/', '\\', '>']))?;
    for number in 2..100 {
        let wanted = format!("{stem}-{number}.{end}");
        let found = sources.ids().find(|id| *sources.get(*id).name() == *wanted);
        match found {
            // It was asked for before.
            Some(id) if sources.get(id).text().is_empty() => return Some((id, wanted)),
            Some(_) => {}
            None => return Some((sources.add_file(wanted.as_str(), ""), wanted)),
        }
    }
    None
}
