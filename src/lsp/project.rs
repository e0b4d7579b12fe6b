//! The folders of a session that somebody works in. What binds one controller mostly lies in one folder, and
//! each of these is judged by itself: with all its files, and all that the configuration joins with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::text::{Buffer, Changed};
use crate::cli::session::{Pinned, Place, Session, Told};
use crate::config;
use crate::source::is_module_file;

/// How many files of a folder are looked at.
const FILES: usize = 2_000;

/// Larger files are no policies that somebody types; they are read only when they are open.
const LARGEST: u64 = 16 << 20;

/// Folders that hold nothing of one's own.
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", ".terraform"];

/// A session with the folders that are looked at.
pub(super) struct Project {
    pub(super) session: Session,
    folder: PathBuf,
    scopes: BTreeMap<PathBuf, Scope>,
}

/// One folder with an open document.
#[derive(Debug, Default)]
pub(super) struct Scope {
    is_dirty: bool,
    /// Whether the files on disk have to be looked at.
    is_stale: bool,
    /// The names of files that may hold policies.
    files: Vec<String>,
    /// What was said when all could be read, by the name of the file.
    pub(super) good: BTreeMap<String, Vec<Told>>,
    /// What cannot be read now.
    pub(super) stopped: BTreeMap<String, Vec<Told>>,
    /// Whether `good` is of an earlier text.
    pub(super) is_broken: bool,
    /// What it rests on.
    read: BTreeSet<String>,
}

/// The folder that the files of a project are named from: that of the nearest configuration, else that of the
/// workspace, else that of the file.
pub(super) fn project_of(path: &Path, folders: &[PathBuf]) -> PathBuf {
    let beside = path.parent().unwrap_or(path);
    let configured = config::find(beside);
    let configured = configured.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let around = folders.iter().filter(|folder| path.starts_with(folder));
    let nearest = around.max_by_key(|folder| folder.components().count());
    configured.unwrap_or_else(|| nearest.map_or(beside, |folder| folder).to_path_buf())
}

fn is_module_path(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(is_module_file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

impl Project {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { session: Session::new(folder.clone()), folder, scopes: BTreeMap::new() }
    }

    /// Somebody looks at a file.
    pub(super) fn open(&mut self, path: &Path) {
        let scope = self.scopes.entry(folder_of(path).to_path_buf()).or_default();
        (scope.is_dirty, scope.is_stale) = (true, true);
        self.changed(path, false);
    }

    /// Nobody looks at a file any more; gives the files of which something else is to be said now.
    pub(super) fn close(&mut self, path: &Path, is_last: bool) -> Vec<PathBuf> {
        self.session.forget(path);
        self.changed(path, true);
        if !is_last {
            return Vec::new();
        }
        let scope = self.scopes.remove(folder_of(path)).unwrap_or_default();
        let names: BTreeSet<&String> = scope.good.keys().chain(scope.stopped.keys()).collect();
        names.into_iter().map(|name| self.session.path(name)).collect()
    }

    /// Takes the version that the tree pins.
    pub(super) fn pinned(&mut self, pinned: Pinned) {
        if pinned.is_some() {
            self.scopes.values_mut().for_each(|scope| scope.is_dirty = true);
        }
        self.session.pin(pinned);
    }

    /// A file is not as it was, in the editor or `on_disk`.
    pub(super) fn changed(&mut self, path: &Path, on_disk: bool) {
        let name = self.session.name(path);
        let module = self.session.name(folder_of(path)) + "/";
        for (folder, scope) in &mut self.scopes {
            if folder == folder_of(path)
                || scope.read.contains(&name)
                || scope.read.contains(&module) && is_module_path(path)
            {
                scope.is_dirty = true;
                scope.is_stale |= on_disk;
            }
        }
    }

    /// Moves all that was said of a file along with a change of its text.
    pub(super) fn shift(&mut self, path: &Path, changed: Changed) {
        let name = self.session.name(path);
        let carry = |place: &mut Place| {
            if place.file == name {
                let (start, end) = place.bytes;
                place.bytes = (changed.carry(start), changed.carry(end));
            }
        };
        for scope in self.scopes.values_mut() {
            for told in scope.good.values_mut().chain(scope.stopped.values_mut()).flatten() {
                carry(&mut told.place);
                told.related.iter_mut().for_each(|(place, _)| carry(place));
            }
        }
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.scopes.values().any(|scope| scope.is_dirty)
    }

    /// What is said of a file in any of the folders, each thing once.
    pub(super) fn told(&self, path: &Path) -> Vec<&Told> {
        let name = self.session.name(path);
        let mut out: Vec<&Told> = Vec::new();
        for scope in self.scopes.values() {
            let both = scope.good.get(&name).into_iter().chain(scope.stopped.get(&name));
            for told in both.flatten() {
                if !out.contains(&told) {
                    out.push(told);
                }
            }
        }
        out
    }

    /// The folder that an open file is judged in, if what is said there is said of the text as it is.
    pub(super) fn scope(&self, path: &Path) -> Option<&Scope> {
        self.scopes.get(folder_of(path)).filter(|scope| !scope.is_broken && !scope.is_dirty)
    }

    /// Judges the folder of a file, if it is out of date.
    pub(super) fn judge_of(
        &mut self,
        path: &Path,
        buffers: &mut BTreeMap<String, Buffer>,
    ) -> Option<(Vec<PathBuf>, Vec<String>)> {
        let folder = folder_of(path).to_path_buf();
        let is_dirty = self.scopes.get(&folder).is_some_and(|scope| scope.is_dirty);
        is_dirty.then(|| self.judge(&folder, buffers))
    }

    /// Judges one folder that is out of date.
    pub(super) fn judge_next(
        &mut self,
        buffers: &mut BTreeMap<String, Buffer>,
    ) -> Option<(Vec<PathBuf>, Vec<String>)> {
        let mut scopes = self.scopes.iter();
        let folder = scopes.find(|(_, scope)| scope.is_dirty).map(|(folder, _)| folder.clone())?;
        Some(self.judge(&folder, buffers))
    }

    /// Judges one folder; gives the files of which something is or was said, and what has no place.
    fn judge(
        &mut self,
        folder: &Path,
        buffers: &mut BTreeMap<String, Buffer>,
    ) -> (Vec<PathBuf>, Vec<String>) {
        let Some(mut scope) = self.scopes.remove(folder) else { return Default::default() };
        scope.is_dirty = false;
        // The configuration is looked at when somebody comes, saves or says that files changed.
        if std::mem::take(&mut scope.is_stale) {
            if self.session.refresh() {
                buffers.values_mut().for_each(|buffer| buffer.is_given &= !self.has(buffer));
            }
            scope.files = self.listed(folder);
        }
        let own: Vec<&mut Buffer> = buffers.values_mut().filter(|one| self.has(one)).collect();
        let mut open: Vec<PathBuf> = Vec::new();
        for buffer in own {
            let Some(path) = &buffer.path else { continue };
            if !buffer.is_given {
                self.session.give(path, &buffer.text);
                buffer.is_given = true;
            }
            if folder_of(path) == folder {
                open.push(path.clone());
            }
        }
        let mut focus: Vec<String> = open.iter().map(|path| self.session.name(path)).collect();
        focus.retain(|name| !self.session.excludes(name) && !is_skipped(name));
        let mut names: BTreeSet<String> = scope.files.iter().cloned().collect();
        names.extend(focus.iter().cloned());
        // Any file of a module stands for all of them.
        let is_module = |name: &&String| is_module_path(Path::new(name));
        let first = open.iter().map(|path| self.session.name(path)).find(|name| is_module(&name));
        let first = first.or_else(|| names.iter().find(is_module).cloned());
        names.retain(|name| !is_module(&name) || Some(name) == first.as_ref());
        let before: BTreeSet<String> =
            scope.good.keys().chain(scope.stopped.keys()).cloned().collect();
        let mut errors = Vec::new();
        if focus.is_empty() {
            scope = Scope::default();
        } else {
            let judged = self.session.judge(names.into_iter().collect(), focus.clone());
            scope.files.retain(|name| {
                let path = self.session.path(name);
                is_module_path(&path) || self.session.holds(&path)
            });
            scope.is_broken = judged.is_broken;
            if !judged.is_broken {
                scope.good = judged.files;
            }
            scope.stopped = judged.stopped;
            scope.read = judged.read;
            errors = judged.errors;
        }
        let all = before.into_iter().chain(scope.good.keys().chain(scope.stopped.keys()).cloned());
        let all: BTreeSet<String> = all.chain(focus).collect();
        self.scopes.insert(folder.to_path_buf(), scope);
        (all.iter().map(|name| self.session.path(name)).collect(), errors)
    }

    fn has(&self, buffer: &Buffer) -> bool {
        buffer.path.as_ref().is_some_and(|path| path.starts_with(&self.folder))
    }

    /// The names of the files of a folder that may hold policies.
    fn listed(&self, folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(FILES);
        let small = |entry: &std::fs::DirEntry| {
            entry.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST)
        };
        let mut names: Vec<String> =
            entries.filter(small).map(|entry| self.session.name(&entry.path())).collect();
        names.retain(|name| !self.session.excludes(name));
        names.sort_unstable();
        names
    }
}

/// Whether a file lies in a folder that holds nothing of one's own.
fn is_skipped(name: &str) -> bool {
    name.split('/').any(|part| SKIPPED.contains(&part))
}
