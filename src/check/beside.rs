//! A second policy beside one that is too long, each with its part of the statements: a copy of what makes
//! the first one, under another name, attached as the first is.

mod blocks;
mod file;
mod inline;

use crate::check::least::tighten::without;
use crate::controller::Document;
use crate::extract::{Beside, Resource};
use crate::fix::list::{indent, newline, prefix, quoted, with_remarks};
use crate::fix::{Edit, apply, bare, carry, in_order};
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{Part, Text};

/// What there is to do for a second policy.
pub(super) enum Second {
    /// All of it.
    Written(Vec<Edit>),
    /// Both texts, and what to do with the second.
    Shown(Vec<Edit>, String),
    /// Nothing can be written, for a reason: the end of a sentence.
    Told(Option<String>),
}

/// Who has a policy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    /// A role, as what it may do.
    Role,
    /// A role, as its boundary.
    Boundary,
    /// Nobody, as far as the files tell.
    Nobody,
}

/// The edits that leave the first statements, up to `cut`, and put the others into a second policy.
pub(super) fn second(document: &Document, cut: usize, has: Has, sources: &SourceMap) -> Second {
    let told = |why: &str| Second::Told(Some(why.to_owned()));
    let origin = &document.origin;
    let statements: Vec<Span> = document.policy.statements.iter().map(|own| own.span).collect();
    if has == Has::Boundary {
        return told("a role has one permissions boundary");
    }
    if origin.generated {
        return told("a program wrote this file: change its source");
    }
    if document.policy.statements.iter().any(|own| !own.when.is_empty()) {
        return told("conditions decide which of its statements there are");
    }
    // A statement that AWS would refuse is in no list, so that commas would be lost.
    if document.size.statements.len() != statements.len() {
        return told("AWS would refuse one of its statements: mend that first");
    }
    let written = match origin.beside.as_deref() {
        None => {
            return match file::both(document, &statements, cut, sources) {
                Some((edits, why)) => Second::Shown(edits, why),
                None => Second::Told(None),
            };
        }
        Some(Beside::Not(why)) => return told(why),
        Some(_) if has == Has::Nobody => return told("nothing here attaches it to a role"),
        Some(Beside::Resource(own)) => resource(document, own, &statements, cut, sources),
        Some(Beside::InRole(own)) => inline::of_role(document, own, &statements, cut, sources),
        Some(Beside::Blocks(own)) => blocks::again(document, own, &statements, cut, sources),
    };
    match written {
        Some(edits) => Second::Written(edits),
        None => told("it takes more than a copy of its text"),
    }
}

/// The edits on disk that leave the first statements, and those that leave the others: by lines where the
/// statements are items of a block in `source`, else by the text alone.
fn apart(
    statements: &[Span],
    cut: usize,
    source: SourceId,
    sources: &SourceMap,
) -> Option<[Vec<Edit>; 2]> {
    let here = statements.iter().all(|span| span.source == source);
    let by_lines = here.then(|| lines(sources.get(source).text(), statements, cut)).flatten();
    match by_lines {
        Some((rest, first)) => Some([vec![rest], vec![first]]),
        None => cut_text(statements, cut, sources),
    }
}

/// The edits on disk that leave the first statements, and those that leave the others, by the text alone.
fn cut_text(statements: &[Span], cut: usize, sources: &SourceMap) -> Option<[Vec<Edit>; 2]> {
    let on_disk = |gone: Vec<usize>| -> Option<Vec<Edit>> {
        without(statements, &gone)?.iter().map(|edit| carry(sources, edit)).collect()
    };
    Some([on_disk((cut..statements.len()).collect())?, on_disk((0..cut).collect())?])
}

/// `edits` of what stands at `whole`, in a text that holds nothing else.
fn within(whole: Span, edits: Vec<Edit>) -> Option<Vec<Edit>> {
    let moved = edits.into_iter().map(|edit| {
        let Span { source, start, end } = edit.span;
        let start = start.checked_sub(whole.start)?;
        let span = Span::new(source, start, end.checked_sub(whole.start)?);
        Some(Edit { span, text: edit.text })
    });
    moved.collect()
}

/// A second resource of a template.
fn resource(
    document: &Document,
    beside: &Resource,
    statements: &[Span],
    cut: usize,
    sources: &SourceMap,
) -> Option<Vec<Edit>> {
    let file = sources.get(beside.key.span.source);
    let text = file.text();
    let whole = whole(&beside.key, beside.whole, text)?;
    let plain = (beside.names_roles || !beside.references.is_empty())
        && whole.contains(sources.to_file(document.policy.span));
    if !plain {
        return None;
    }
    let [mut edits, mut changes] = apart(statements, cut, beside.key.span.source, sources)?;
    let id = beside.key.display();
    let other =
        (2_u32..100).map(|n| format!("{id}{n}")).find(|name| !text.contains(name.as_str()))?;
    changes.push(Edit { span: bare(sources, beside.key.span, &id)?, text: other.clone() });
    if let Some(inline) = &beside.inline {
        changes.extend(inline::managed(inline, sources)?);
    } else if let Some(name) = &document.origin.name {
        let span = bare(sources, name.span, &name.display())?;
        changes
            .push(Edit { span: Span::new(span.source, span.end, span.end), text: "-2".to_owned() });
    }
    in_order(&mut changes);
    let moved = within(whole, changes)?;
    let copy = apply(text.get(whole.start as usize..whole.end as usize)?, &moved);
    let (nl, pad) = (newline(text), indent(prefix(text, whole.start)));
    let comma = if is_json(beside.whole, text) { "," } else { "" };
    let place = Span::new(whole.source, whole.end, whole.end);
    edits.push(Edit { span: place, text: format!("{comma}{nl}{pad}{copy}") });
    for reference in &beside.references {
        edits.push(again(reference, &id, &other, sources)?);
    }
    in_order(&mut edits);
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

fn is_json(whole: Span, text: &str) -> bool {
    text.get(whole.start as usize..).is_some_and(|rest| rest.starts_with('{'))
}

/// The resource with its key, to the end of its last line.
fn whole(key: &Text, value: Span, text: &str) -> Option<Span> {
    let key = quoted(text, key.span);
    if !prefix(text, key.start).trim().is_empty() {
        return None;
    }
    Some(Span::new(key.source, key.start, end(key.start, value, text)?))
}

/// Where the last line of a value ends whose key starts at `start`.
fn end(start: u32, value: Span, text: &str) -> Option<u32> {
    if is_json(value, text) {
        return Some(value.end);
    }
    // A block may reach as far as what comes next, remarks included.
    let start = start as usize;
    let lines = text.get(start..value.end as usize)?;
    let kept = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut end = start;
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
    u32::try_from(end).ok()
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
