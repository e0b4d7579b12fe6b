//! A second policy in Terraform's language: its blocks once more, each behind the first of its kind.

use crate::check::beside::{cut_text, within};
use crate::controller::Document;
use crate::extract::{Again, Blocks};
use crate::fix::list::{List, indent, newline, prefix, with_remarks};
use crate::fix::{Edit, apply, in_order};
use crate::source::{SourceMap, Span};

/// The edits, by file and place; `None` where the text has a form that is not known.
pub(super) fn again(
    document: &Document,
    blocks: &Blocks,
    statements: &[Span],
    cut: usize,
    sources: &SourceMap,
) -> Option<Vec<Edit>> {
    let [mut edits, others] = match &blocks.statements {
        Some(all) if all == statements => {
            let file = sources.get(statements.first()?.source);
            lines(file.text(), statements, cut).or_else(|| {
                // Blocks have no commas between them.
                let braces = statements.iter().all(|own| sources.slice(*own).starts_with('{'));
                braces.then(|| cut_text(statements, cut, sources)).flatten()
            })?
        }
        Some(_) => return None,
        None => cut_text(statements, cut, sources)?,
    };
    let holds = |again: &&Again| others.iter().all(|edit| again.whole.contains(edit.span));
    let policy = sources.to_file(document.policy.span);
    blocks
        .copies
        .iter()
        .find(holds)
        .filter(|again| again.whole.contains(policy) || blocks.statements.is_some())?;
    for again in &blocks.copies {
        edits.push(copied(again, &others, sources)?);
    }
    for list in &blocks.lists {
        let source = sources.get(list.items.first()?.source);
        let items = list.items.clone();
        let own = List { text: source.text(), items, is_list: true };
        edits.extend(own.add(std::slice::from_ref(&list.item))?);
    }
    in_order(&mut edits);
    Some(edits)
}

/// One block once more, below the first.
fn copied(again: &Again, others: &[Edit], sources: &SourceMap) -> Option<Edit> {
    let Again { whole, place, .. } = *again;
    let file = sources.get(whole.source);
    let text = file.text();
    let nl = newline(text);
    let mut changes = again.edits.clone();
    changes.extend(others.iter().filter(|edit| whole.contains(edit.span)).cloned());
    in_order(&mut changes);
    let changes = within(whole, changes)?;
    let copy = apply(text.get(whole.start as usize..whole.end as usize)?, &changes);
    let lead = prefix(text, place.start);
    let rest = text.get(place.end as usize..)?.lines().next().unwrap_or_default();
    let is_alone = rest.trim().is_empty() || rest.trim_start().starts_with(['#', '/']);
    (is_alone && lead.trim().is_empty()).then_some(())?;
    let end = place.end + u32::try_from(rest.len()).ok()?;
    let broken = |text: &str| text.replace('\n', nl);
    let (before, behind) = (broken(&again.before), broken(&again.behind));
    let text = format!("{nl}{nl}{}{before}{copy}{behind}", indent(lead));
    Some(Edit { span: Span::new(place.source, end, end), text })
}

/// What leaves the first statements, and what leaves the others, where each begins a line: with the remarks
/// above them.
fn lines(text: &str, statements: &[Span], cut: usize) -> Option<[Vec<Edit>; 2]> {
    let (first, next, last) = (statements.first()?, statements.get(cut)?, statements.last()?);
    let before = statements.get(cut.checked_sub(1)?)?;
    statements.iter().all(|own| prefix(text, own.start).trim().is_empty()).then_some(())?;
    let (top, middle) = (with_remarks(text, first.start), with_remarks(text, next.start));
    let kept = text.get(..middle)?.trim_end_matches(['\r', '\n']).len();
    let rest = text.get(last.end as usize..)?.lines().next().unwrap_or_default();
    let behind = rest.trim_start();
    let remark = behind.strip_prefix(',').unwrap_or(behind).trim_start();
    (remark.is_empty() || remark.starts_with(['#', '/'])).then_some(())?;
    let gone = |start: usize, end: usize| -> Option<Edit> {
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        Some(Edit { span: Span::new(first.source, start, end), text: String::new() })
    };
    let mut keep = Vec::new();
    // The last item has a comma only where the last one had.
    let comma = before.end as usize;
    if !behind.starts_with(',') && text.get(comma..)?.starts_with(',') {
        keep.push(gone(comma, comma + 1)?);
    }
    keep.push(gone(kept, last.end as usize + rest.len())?);
    Some([keep, vec![gone(top, middle)?]])
}
