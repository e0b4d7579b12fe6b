//! What is to be read, and what was.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::modules::ModuleFolder;
use super::{Held, Position, SourceId};

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Files, folders and globs as given; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// Relative paths are taken from here, and names are shown relative to it.
    pub root: PathBuf,
    /// Glob patterns of what a folder or glob leaves out, relative to `exclude_from`.
    pub exclude: Vec<String>,
    /// The folder of the configuration; empty where there is none, and `root` is meant.
    pub exclude_from: PathBuf,
    /// Treat named files as if they had been found in a folder.
    pub hook: bool,
    /// The file whose place the text on standard input takes.
    pub stdin_filename: Option<PathBuf>,
    /// Texts in the place of what the files hold, by the path as people see it.
    pub texts: BTreeMap<String, String>,
    /// Texts that need not be read again. What is read is kept there.
    pub held: Option<Arc<Held>>,
    /// How many files of folders are looked at, at most; `None`: all.
    pub limit: Option<usize>,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Collected {
    /// The texts, sorted by path; each file once.
    pub files: Vec<Named>,
    /// Texts without a policy that name Karpenter, sorted by path: they may say which version runs.
    pub manifests: Vec<Named>,
    /// Folders with Terraform files, sorted by path; these files are not among `files`.
    pub modules: Vec<ModuleFolder>,
    /// The folders that were given, themselves or by a file of their module.
    pub roots: Vec<PathBuf>,
    /// What should have been read and could not be, sorted by path.
    pub errors: Vec<ReadError>,
    /// What a folder holds that cannot be looked at, sorted by path.
    pub skipped: Vec<Skipped>,
    /// One for each given path, in the order given.
    pub given: Vec<Given>,
    /// How many files were looked at.
    pub looked_at: usize,
}

/// A text that was read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The text.
    pub id: SourceId,
    /// Its name, as [`super::Source::name`] gives it.
    pub path: String,
    /// Whether it was named, itself or by a glob, and not found in a folder.
    pub named: bool,
    /// Index into [`Collected::given`] of the first path that led to it.
    pub given: usize,
}

/// A path as given, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The path as shown.
    pub path: String,
    /// What the path turned out to be.
    pub kind: GivenKind,
    /// How many files were looked at.
    pub looked_at: usize,
}

/// What a given path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenKind {
    /// One file.
    File,
    /// A folder with all that is in it.
    Folder,
    /// A glob pattern.
    Glob,
    /// Standard input.
    Stdin,
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// The file, as shown.
    pub path: String,
    /// Where in the file, if the reason has a place.
    pub position: Option<Position>,
    /// What is wrong: one sentence, lower case, no full stop.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}

/// Something in a folder that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file or folder, as shown.
    pub path: String,
    /// Why: a few words.
    pub reason: String,
}
