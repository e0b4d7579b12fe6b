//! A second policy beside one that is too long: a copy of its resource under another name, attached as the
//! first is, and each with its part of the statements.

use crate::check::least::tighten::without;
use crate::controller::Document;
use crate::extract::Beside;
use crate::fix::list::{indent, newline, prefix, quoted, with_remarks};
use crate::fix::{Edit, apply, carry};
use crate::source::{SourceMap, Span};
use crate::syntax::{Part, Text};

/// The edits that leave the first statements, up to `cut`, and put the others into a second resource;
/// `None` where it takes more than a copy of the text.
pub(super) fn second(document: &Document, cut: usize, sources: &SourceMap) -> Option<Vec<Edit>> {
    let beside = document.origin.beside.as_ref()?;
    let statements: Vec<Span> = document.policy.statements.iter().map(|own| own.span).collect();
    let file = sources.get(beside.key.span.source);
    let text = file.text();
    let in_file = statements.iter().all(|span| span.source == beside.key.span.source);
    let whole = whole(beside, text)?;
    // A statement that AWS would refuse is in no list, so that commas would be lost.
    let plain = (beside.names_roles || !beside.references.is_empty())
        && document.size.statements.len() == statements.len()
        && !document.origin.generated
        && document.policy.statements.iter().all(|own| own.when.is_empty())
        && whole.contains(sources.to_file(document.policy.span));
    if !plain {
        return None;
    }
    let (mut edits, mut changes) = match in_file.then(|| lines(text, &statements, cut)).flatten() {
        Some((rest, first)) => (vec![rest], vec![first]),
        None => {
            let on_disk = |gone: Vec<usize>| -> Option<Vec<Edit>> {
                without(&statements, &gone)?.iter().map(|edit| carry(sources, edit)).collect()
            };
            (on_disk((cut..statements.len()).collect())?, on_disk((0..cut).collect())?)
        }
    };
    let id = beside.key.display();
    let other =
        (2_u32..100).map(|n| format!("{id}{n}")).find(|name| !text.contains(name.as_str()))?;
    changes.push(Edit { span: bare(&beside.key, sources)?, text: other.clone() });
    if let Some(name) = &document.origin.name {
        let span = bare(name, sources)?;
        changes
            .push(Edit { span: Span::new(span.source, span.end, span.end), text: "-2".to_owned() });
    }
    changes.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let moved: Vec<Edit> = changes
        .into_iter()
        .map(|edit| {
            let Span { source, start, end } = edit.span;
            let start = start.checked_sub(whole.start)?;
            let span = Span::new(source, start, end.checked_sub(whole.start)?);
            Some(Edit { span, text: edit.text })
        })
        .collect::<Option<_>>()?;
    let copy = apply(text.get(whole.start as usize..whole.end as usize)?, &moved);
    let (nl, pad) = (newline(text), indent(prefix(text, whole.start)));
    let comma = if is_json(beside, text) { "," } else { "" };
    let place = Span::new(whole.source, whole.end, whole.end);
    edits.push(Edit { span: place, text: format!("{comma}{nl}{pad}{copy}") });
    for reference in &beside.references {
        edits.push(again(reference, &id, &other, sources)?);
    }
    edits.sort_by_key(|edit| (edit.span.source, edit.span.start, edit.span.end));
    Some(edits)
}

/// Takes away the statements from `cut` on, and those before it, where they are items of a block of YAML:
/// with the remarks above them.
fn lines(text: &str, statements: &[Span], cut: usize) -> Option<(Edit, Edit)> {
    let (first, next, last) = (statements.first()?, statements.get(cut)?, statements.last()?);
    let is_item = |span: &Span| prefix(text, span.start).trim() == "-";
    let here = |span: &Span| span.source == first.source && is_item(span);
    statements.iter().all(here).then_some(())?;
    let (top, middle) = (with_remarks(text, first.start), with_remarks(text, next.start));
    let before = text.get(..middle)?.trim_end_matches(['\r', '\n']).len();
    let mut end = last.end as usize;
    for line in text.get(last.start as usize..end)?.split_inclusive('\n').rev() {
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            end -= line.len() - line.trim_end().len();
            break;
        }
        end -= line.len();
    }
    // A remark behind the last value goes along.
    end += text.get(end..)?.lines().next().unwrap_or_default().len();
    let gone = |start: usize, end: usize| -> Option<Edit> {
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        Some(Edit { span: Span::new(first.source, start, end), text: String::new() })
    };
    Some((gone(before, end)?, gone(top, middle)?))
}

fn is_json(beside: &Beside, text: &str) -> bool {
    let start = beside.whole.start as usize;
    text.get(start..).is_some_and(|rest| rest.starts_with('{'))
}

/// The resource with its key, to the end of its last line.
fn whole(beside: &Beside, text: &str) -> Option<Span> {
    let key = quoted(text, beside.key.span);
    if !prefix(text, key.start).trim().is_empty() {
        return None;
    }
    if is_json(beside, text) {
        return Some(Span::new(key.source, key.start, beside.whole.end));
    }
    // A block may reach as far as what comes next, remarks included.
    let lines = text.get(key.start as usize..beside.whole.end as usize)?;
    let kept = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut end = key.start as usize;
    let mut last = end;
    for line in lines.split_inclusive('\n') {
        end += line.len();
        last = if kept(&line) { end } else { last };
    }
    let rest = text.get(last..)?.lines().next().unwrap_or_default();
    let read = text.get(..last)?;
    let end = match read.ends_with('\n') {
        true => read.trim_end_matches(['\r', '\n']).len(),
        false => last + rest.len(),
    };
    Some(Span::new(key.source, key.start, u32::try_from(end).ok()?))
}

/// A text without its quotes, if it stands there as it is.
fn bare(text: &Text, sources: &SourceMap) -> Option<Span> {
    let Span { source, start, end } = text.span;
    let shown = text.display();
    if sources.slice(text.span) == shown {
        return Some(text.span);
    }
    let inner = Span::new(source, start + 1, end.checked_sub(1)?);
    (start < end && sources.slice(inner) == shown).then_some(inner)
}

/// The line of a list that names the first, once more for the second.
fn again(reference: &Text, id: &str, other: &str, sources: &SourceMap) -> Option<Edit> {
    let hole = |part: &Part| matches!(part, Part::Hole(_, name) if **name == *id);
    reference.parts.iter().any(hole).then_some(())?;
    let file = sources.get(reference.span.source);
    let text = file.text();
    file.embedding().is_none().then_some(())?;
    let lead = prefix(text, reference.span.start);
    let rest = text.get(reference.span.start as usize..)?.lines().next()?;
    let line = format!("{lead}{rest}");
    let code = line.split(" #").next().unwrap_or_default();
    (code.trim() == format!("- !Ref {id}")).then_some(())?;
    let end = reference.span.start + u32::try_from(rest.trim_end().len()).ok()?;
    let copy = format!("{}{}- !Ref {other}", newline(text), indent(lead));
    Some(Edit { span: Span::new(reference.span.source, end, end), text: copy })
}
