//! Reading files that a module names, and nothing that lies outside of what the user gave.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::order;
use crate::source::paths::{seen_from, slashed};
use crate::source::{Held, SourceId, SourceMap};

/// A larger file is no policy and no template of one.
const LARGEST_FILE: u64 = 16 << 20;

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Text(SourceId),
    /// It lies outside of what was given, itself or what a link leads to.
    Outside,
    Missing,
    /// A folder, a device, too large, not UTF-8, no permission.
    Unreadable,
}

/// The folders that may be read, and what has been read of them.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Canonical; none means that nothing may be read.
    roots: Vec<PathBuf>,
    /// Names are shown relative to this.
    base: PathBuf,
    known: RefCell<HashMap<PathBuf, Found>>,
    /// Texts in the place of what is on disk, by the name that is shown.
    pub(super) texts: BTreeMap<String, String>,
    /// Texts that need not be read.
    pub(super) held: Option<Arc<Held>>,
    /// Canonical paths of what modules read with `file` and its like.
    pub(super) consumed: RefCell<Vec<PathBuf>>,
}

impl Files {
    pub(super) fn new(roots: &[PathBuf], base: &Path) -> Self {
        let roots = roots.iter().filter_map(|root| fs::canonicalize(root).ok()).collect();
        Self { roots, base: base.to_path_buf(), ..Self::default() }
    }

    /// The canonical path, if it may be read.
    pub(super) fn allowed(&self, path: &Path) -> Result<PathBuf, Found> {
        if self.roots.is_empty() {
            return Err(Found::Missing);
        }
        match fs::canonicalize(path) {
            Ok(path) if self.roots.iter().any(|root| path.starts_with(root)) => Ok(path),
            Ok(_) => Err(Found::Outside),
            // Whether something is there is nobody's business outside.
            Err(_) if !self.may_lie_within(path) => Err(Found::Outside),
            Err(_) => Err(Found::Missing),
        }
    }

    /// Whether a path that does not exist would lie within, by its words alone.
    fn may_lie_within(&self, path: &Path) -> bool {
        let mut plain = PathBuf::new();
        for component in path.components() {
            match component {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                other => plain.push(other),
            }
        }
        let above = plain.ancestors().find_map(|above| fs::canonicalize(above).ok());
        above.is_some_and(|above| self.roots.iter().any(|root| above.starts_with(root)))
    }

    /// Reads a file once.
    pub(super) fn read(&self, sources: &SourceMap, path: &Path) -> Found {
        let path = match self.allowed(path) {
            Ok(path) => path,
            Err(found) => return found,
        };
        if let Some(found) = self.known.borrow().get(&path) {
            return found.clone();
        }
        let found = self.load(sources, &path);
        self.known.borrow_mut().insert(path, found.clone());
        found
    }

    fn load(&self, sources: &SourceMap, path: &Path) -> Found {
        if !self.texts.is_empty()
            && let Some((name, text)) = self.texts.get_key_value(&self.shown(path))
        {
            return Found::Text(sources.add_file(name.clone(), text.clone()));
        }
        if let Some(id) = self.held.as_ref().and_then(|held| held.text(path)) {
            return Found::Text(id);
        }
        let meta = match fs::metadata(path) {
            Ok(meta) if meta.is_file() && meta.len() <= LARGEST_FILE => meta,
            _ => return Found::Unreadable,
        };
        let Ok(text) = fs::read_to_string(path) else { return Found::Unreadable };
        let holds = text.contains("Statement");
        let id = sources.add_file(self.shown(path), text);
        if let Some(held) = &self.held {
            held.keep(path.to_path_buf(), &meta, Some(id), holds);
        }
        Found::Text(id)
    }

    /// What stands in the place of a file on disk.
    pub(super) fn put(&self, path: &Path, text: SourceId) {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        self.known.borrow_mut().insert(path, Found::Text(text));
    }

    /// The path relative to the working directory, with `/`.
    pub(super) fn shown(&self, path: &Path) -> String {
        let base = fs::canonicalize(&self.base).unwrap_or_else(|_| self.base.clone());
        slashed(&seen_from(path, &base))
    }

    /// The Terraform files of a folder, in the order of their names.
    pub(super) fn listing(&self, folder: &Path) -> Vec<PathBuf> {
        let Ok(folder) = self.allowed(folder) else { return Vec::new() };
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                name.is_some_and(crate::source::is_module_file) && path.is_file()
            })
            .collect();
        order::sort(&mut files);
        files
    }
}
