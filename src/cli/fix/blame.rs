//! What came of the fixes of one round: what they wrote may itself be at fault, and what is still there was not
//! fixed.

use std::collections::{BTreeMap, HashMap};

use super::Chosen;
use crate::finding::{Denied, Finding, Severity};
use crate::fix::Edit;
use crate::report::Outcome;
use crate::source::{SourceId, SourceMap};

/// The findings of which the fix wrote what is now an error: one that was not there before, or that is about
/// what the fix was for. One text may serve several, and what is right for one is wrong for another.
pub(super) fn at_fault<'o>(
    sources: &SourceMap,
    (before, after): (&Outcome<'_>, &Outcome<'_>),
    chosen: &[Chosen<'o>],
    edits: &BTreeMap<SourceId, Vec<Edit>>,
) -> Vec<&'o Finding> {
    let mut out: Vec<&'o Finding> = Vec::new();
    // A permission that is missing yet stands where it could be put.
    let errors = after.findings.iter().filter(|finding| {
        finding.severity == Severity::Error
            && finding.data.cause.unwrap_or(finding.rule) != "missing-permission"
    });
    for error in errors {
        let place = sources.to_file(error.primary.span);
        let file = sources.get(place.source);
        let own = edits.iter().find(|(id, _)| sources.get(**id).name() == file.name());
        let Some(edit) = own.and_then(|(_, edits)| written_at(edits, place.start, place.end))
        else {
            continue;
        };
        let is_new = |denied: &Denied| {
            let mut known = before.findings.iter().filter(|known| {
                known.controller == error.controller && known.severity == Severity::Error
            });
            !known.any(|known| known.data.denied.contains(denied))
        };
        for (finding, own) in chosen {
            let is_for = |denied: &Denied| {
                let same = |one: &Denied| {
                    one.action == denied.action && one.resource_type == denied.resource_type
                };
                finding.data.denied.iter().any(same)
            };
            let blamed = own.contains(edit)
                && error.data.denied.iter().any(|denied| is_new(denied) || is_for(denied));
            if blamed && !out.iter().any(|known| std::ptr::eq(*known, *finding)) {
                out.push(finding);
            }
        }
    }
    out
}

/// The edit that wrote `start..end` of the text as it is after all of them.
fn written_at(edits: &[Edit], start: u32, end: u32) -> Option<&Edit> {
    let mut shift = 0;
    edits.iter().find(|edit| {
        let length = i64::try_from(edit.text.len()).unwrap_or(i64::MAX);
        let from = i64::from(edit.span.start) + shift;
        shift += length - i64::from(edit.span.len());
        length > 0 && from <= i64::from(start) && i64::from(end) <= from + length
    })
}

/// How many of the findings are not there any more, by the file that their fix begins in.
pub(super) fn gone(
    before: &Outcome<'_>,
    after: &Outcome<'_>,
    chosen: &[Chosen<'_>],
) -> BTreeMap<SourceId, usize> {
    type Key<'f> = (&'f str, &'f str, Option<&'f str>);
    fn key(finding: &Finding) -> Key<'_> {
        (finding.rule, &finding.message, finding.controller.as_deref())
    }
    fn counts<'f>(findings: &'f [Finding]) -> HashMap<Key<'f>, usize> {
        let mut counts = HashMap::new();
        findings.iter().for_each(|finding| *counts.entry(key(finding)).or_default() += 1);
        counts
    }
    let (before, after) = (counts(&before.findings), counts(&after.findings));
    let mut files: BTreeMap<Key<'_>, Vec<SourceId>> = BTreeMap::new();
    for (finding, edits) in chosen {
        let file = edits.first().map(|edit| edit.span.source);
        files.entry(key(finding)).or_default().extend(file);
    }
    let mut out = BTreeMap::new();
    for (key, files) in files {
        let count = |counts: &HashMap<Key<'_>, usize>| counts.get(&key).copied().unwrap_or(0);
        let gone = count(&before).saturating_sub(count(&after));
        files.into_iter().take(gone).for_each(|file| *out.entry(file).or_default() += 1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn what_an_edit_wrote_is_found_behind_others() {
        let at = |start, end, text: &str| Edit {
            span: Span::new(SourceId(0), start, end),
            text: text.to_owned(),
        };
        // `abcdef` becomes `aXYZdWef`.
        let edits = [at(1, 3, "XYZ"), at(4, 4, "W"), at(5, 6, "")];
        assert_eq!(written_at(&edits, 1, 4), edits.first());
        assert_eq!(written_at(&edits, 2, 3), edits.first());
        assert_eq!(written_at(&edits, 5, 6), edits.get(1));
        assert_eq!(written_at(&edits, 4, 5), None);
        assert_eq!(written_at(&edits, 3, 6), None);
    }
}
