//! What a hook names is what changed, and not all that there is to know.

use std::fs;
use std::path::{Path, PathBuf};

use crate::order;

use super::super::modules::is_module_path;
use super::{Collector, is_temporary};

impl Collector<'_> {
    /// A hook names what changed, and a policy may be one part of several: the files beside it are found as
    /// in a folder.
    pub(super) fn beside(&mut self, given: usize, path: &Path) {
        let holds_policy = matches!(self.seen.get(&self.key(path)), Some(Some(_)));
        if !self.inputs.hook || !holds_policy || is_module_path(path) {
            return;
        }
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).to_path_buf();
        if self.around.contains(&folder) {
            return;
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        self.around.insert(folder);
        let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
        let mut files: Vec<PathBuf> = entries.filter(is_file).map(|entry| entry.path()).collect();
        let apart = |file: &PathBuf| is_module_path(file) || is_temporary(file);
        files.retain(|file| !apart(file) && !self.is_excluded(file));
        order::sort(&mut files);
        for file in files {
            self.file(given, &file, false, true);
        }
    }
}
