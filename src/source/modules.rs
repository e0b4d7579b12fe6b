//! Files that mean something only together: those of a Terraform module, which is a folder.

use std::path::{Path, PathBuf};

use super::SourceId;

/// A folder with Terraform or OpenTofu files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFolder {
    /// The folder.
    pub path: PathBuf,
    /// The folder as shown.
    pub shown: String,
    /// Its files, in the order of their names.
    pub files: Vec<ModuleFile>,
    /// Whether one of its files was named, so that it is a root.
    pub named: bool,
    /// Index into [`super::Collected::given`] of the first path that led to it.
    pub given: usize,
}

/// One file of a [`ModuleFolder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFile {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub source: SourceId,
}

/// Whether a file of this name belongs to the module of its folder: source, and values that are read
/// without being asked for (Terraform: *Files and Configuration Structure*, *Input Variables*).
#[must_use]
pub fn is_module_file(name: &str) -> bool {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    if let Some(values) = stem.strip_suffix(".tfvars") {
        return values == "terraform" || values.ends_with(".auto");
    }
    // Editors keep their copies under such names.
    (stem.ends_with(".tf") || stem.ends_with(".tofu"))
        && !name.starts_with(['.', '#'])
        && !name.ends_with('~')
}

/// Whether the file at `path` belongs to a module.
pub(super) fn is_module_path(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(is_module_file)
}
