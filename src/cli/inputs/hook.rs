//! Which of the files beside those that a hook names are of concern.

use std::collections::BTreeSet;
use std::path::Path;

use super::FileRead;
use crate::error::Error;
use crate::source::{Collected, GivenKind, Named};

/// The files that were found beside one that a hook names, where none that is named there is of Karpenter's: what
/// changed is no part of theirs.
pub(super) fn beside_others<'c>(
    collected: &'c Collected,
    files: &[&'c Named],
    read: &[Result<FileRead, Error>],
) -> BTreeSet<&'c str> {
    let given: BTreeSet<&str> = collected.given.iter().map(|given| given.path.as_str()).collect();
    let by_name = |file: &Named| {
        let kind = collected.given.get(file.given).map(|given| given.kind);
        kind != Some(GivenKind::File) || given.contains(file.path.as_str())
    };
    let folder = |file: &'c Named| Path::new(file.path.as_str()).parent();
    let concerns = |read: &Result<FileRead, Error>| {
        let documents = read.iter().flat_map(|(documents, _)| documents);
        documents.into_iter().any(|document| document.looks_karpenter)
    };
    let both = files.iter().zip(read);
    let changed = both.filter(|(file, read)| by_name(file) && concerns(read));
    let changed: BTreeSet<Option<&Path>> = changed.map(|(file, _)| folder(file)).collect();
    let apart = files.iter().filter(|file| !by_name(file) && !changed.contains(&folder(file)));
    apart.map(|file| file.path.as_str()).collect()
}
