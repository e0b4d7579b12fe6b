//! Texts that are at hand: what was read before and has not changed since, and what stands in the place of
//! a file while somebody edits it. A program that looks at the same files again and again reads each once.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use super::{SourceId, decode};

/// Texts by the canonical path of their file.
#[derive(Debug, Default)]
pub struct Held {
    files: RwLock<HashMap<PathBuf, Entry>>,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
struct Entry {
    stamp: Stamp,
    known: Known,
}

/// Of what state of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    /// As it lay on disk then.
    Disk(u64, Option<SystemTime>),
    /// Whatever is on disk.
    Given,
}

/// The text, where it was worth keeping.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) text: Option<SourceId>,
    /// Whether it may hold a policy.
    pub(super) holds: bool,
}

impl Stamp {
    fn of(meta: &Metadata) -> Self {
        Self::Disk(meta.len(), meta.modified().ok())
    }
}

impl Held {
    /// Puts a text in the place of the file at `path`, whatever is on disk.
    pub fn give(&self, path: PathBuf, id: SourceId, text: &str) {
        let known = Known { text: Some(id), holds: decode::holds_statement(text.as_bytes()) };
        self.put(path, Entry { stamp: Stamp::Given, known });
    }

    /// Whether somebody gave a text for `path`.
    #[must_use]
    pub fn is_given(&self, path: &Path) -> bool {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.get(path).is_some_and(|entry| entry.stamp == Stamp::Given)
    }

    /// Forgets the file at `path`: it is read when it is asked for.
    pub fn forget(&self, path: &Path) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// Every text that is held.
    #[must_use]
    pub fn texts(&self) -> Vec<SourceId> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.values().filter_map(|entry| entry.known.text).collect()
    }

    /// Whether the file may hold a policy, as far as anybody knows.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.get(path).is_some_and(|entry| entry.known.holds)
    }

    /// What is known of the file, if that is still so. `meta` is `None` where it is not on disk.
    pub(super) fn find(&self, path: &Path, meta: Option<&Metadata>) -> Option<Known> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let entry = files.get(path)?;
        let current = entry.stamp == Stamp::Given || meta.map(Stamp::of) == Some(entry.stamp);
        current.then_some(entry.known)
    }

    /// The text of the file, if it is at hand and the file has not changed.
    #[must_use]
    pub fn text(&self, path: &Path) -> Option<SourceId> {
        let meta = std::fs::metadata(path).ok();
        self.find(path, meta.as_ref())?.text
    }

    /// Keeps what was read of a file; `meta` was taken before that.
    pub fn keep(&self, path: PathBuf, meta: &Metadata, text: Option<SourceId>, holds: bool) {
        self.put(path, Entry { stamp: Stamp::of(meta), known: Known { text, holds } });
    }

    fn put(&self, path: PathBuf, entry: Entry) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(path, entry);
    }
}
