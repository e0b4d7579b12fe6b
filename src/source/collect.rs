//! Paths, folders, globs and standard input to texts.
//!
//! A file is found by what it holds, not by its name: in a folder, whatever holds `Statement` is
//! read in. What cannot be read is data as well, so that one bad file never hides the others.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use walkdir::WalkDir;

use crate::order;

use super::collected::{Collected, Given, GivenKind, Inputs, Named, ReadError, Skipped};
use super::decode::{self, Bytes, Holds};
use super::modules::{ModuleFile, ModuleFolder, is_module_path};
use super::paths::{seen_from, slashed};
use super::{Position, SourceId, SourceMap};

/// Folders that never hold policies of one's own, and often hold very many files.
const SKIPPED_FOLDERS: [&str; 4] = [".git", "target", "node_modules", ".terraform"];

/// What standard input is called if nobody names it.
const STDIN: &str = "<stdin>";

/// What stands in the names of files that are written beside others and then take their place, behind a
/// dot at the start. What a killed run left of them is no policy.
pub const TEMPORARY: &str = ".karplint-";

/// Whether the file is one that was being written.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with('.') && name.contains(TEMPORARY))
}

/// Reads all of `inputs` into `sources`. `stdin` is read only if a path is `-`.
pub fn collect(inputs: &Inputs, stdin: &mut dyn Read, sources: &SourceMap) -> Collected {
    let mut collector = Collector {
        inputs,
        exclude: Vec::new(),
        seen: HashMap::new(),
        around: HashSet::new(),
        loaded: Vec::new(),
        manifests: Vec::new(),
        out: Collected::default(),
    };
    collector.compile_excludes();
    // Standard input goes first: its text takes the place of the file it is named after.
    let is_stdin = |(_, path): &(usize, &PathBuf)| path.as_os_str() == "-";
    let (piped, named): (Vec<_>, Vec<_>) = inputs.paths.iter().enumerate().partition(is_stdin);
    collector.out.given = inputs.paths.iter().map(|path| collector.given(path)).collect();
    for (index, _) in piped {
        collector.stdin(index, stdin);
    }
    for (index, path) in named {
        collector.path(index, path);
    }
    collector.finish(sources)
}

struct Collector<'a> {
    inputs: &'a Inputs,
    exclude: Vec<Pattern>,
    /// Canonical path of each file that was dealt with, and its index in `loaded`, if it is there.
    seen: HashMap<PathBuf, Option<usize>>,
    /// Folders of which all files were looked at for the sake of one.
    around: HashSet<PathBuf>,
    loaded: Vec<Loaded>,
    manifests: Vec<(String, Box<str>, usize)>,
    out: Collected,
}

/// A text on its way into the map.
struct Loaded {
    path: String,
    text: Content,
    named: bool,
    given: usize,
    /// Where it lies, if it is a file of a module.
    module: Option<PathBuf>,
}

/// A text that is new, or one that the map has already.
enum Content {
    Fresh(Box<str>, Option<Box<(PathBuf, fs::Metadata)>>),
    Held(SourceId),
}

impl Collector<'_> {
    fn given(&self, path: &Path) -> Given {
        let path = if path.as_os_str() == "-" { STDIN.to_owned() } else { self.shown(path) };
        Given { path, kind: GivenKind::File, looked_at: 0 }
    }

    fn compile_excludes(&mut self) {
        for pattern in &self.inputs.exclude {
            match Pattern::new(pattern) {
                Ok(pattern) => self.exclude.push(pattern),
                Err(error) => {
                    let message = format!("`exclude` is not a glob pattern: {}", error.msg);
                    self.fail(pattern.clone(), None, message, None);
                }
            }
        }
    }

    fn stdin(&mut self, given: usize, stdin: &mut dyn Read) {
        self.set_kind(given, GivenKind::Stdin);
        self.count(given);
        let name = match &self.inputs.stdin_filename {
            Some(path) => self.shown(path),
            None => STDIN.to_owned(),
        };
        // Where the file is named as well, what is on disk is older than the text given here.
        let place = self.inputs.stdin_filename.as_deref().unwrap_or(Path::new(STDIN));
        let key = self.key(&self.inputs.root.join(place));
        if self.seen.contains_key(&key) {
            return;
        }
        let mut bytes = Vec::new();
        let limit = u64::from(decode::MAX_BYTES) + 1;
        let loaded = match stdin.take(limit).read_to_end(&mut bytes) {
            Ok(_) => self.text(name, bytes, true, given),
            Err(error) => {
                self.fail(name, None, cannot_read(&error), None);
                None
            }
        };
        self.seen.insert(key, loaded);
        if is_module_path(place) {
            self.module_of(given, &self.inputs.root.join(place), loaded);
        }
    }

    /// Takes in the rest of the module that a named file belongs to.
    fn module_of(&mut self, given: usize, path: &Path, loaded: Option<usize>) {
        if let Some(loaded) = loaded.and_then(|index| self.loaded.get_mut(index)) {
            loaded.module = Some(path.to_path_buf());
        }
        let Some(folder) = path.parent() else { return };
        self.out.roots.push(folder.to_path_buf());
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| is_module_path(file) && !is_link(file) && !self.is_excluded(file));
        order::sort(&mut files);
        for file in files {
            self.file(given, &file, false, true);
        }
    }

    fn path(&mut self, given: usize, path: &Path) {
        let full = self.inputs.root.join(path);
        if self.inputs.hook && self.is_excluded(&full) {
            return;
        }
        if self.inputs.held.as_ref().is_some_and(|held| held.is_given(&self.key(&full))) {
            self.file(given, &full, !self.inputs.hook, false);
            if is_module_path(&full) {
                self.module_of(given, &full, None);
            }
            return;
        }
        match fs::metadata(&full) {
            Ok(meta) if meta.is_dir() => {
                self.set_kind(given, GivenKind::Folder);
                self.out.roots.push(full.clone());
                self.folder(given, &full);
            }
            Ok(_) => {
                self.file(given, &full, !self.inputs.hook, false);
                if is_module_path(&full) {
                    self.module_of(given, &full, None);
                }
                self.beside(given, &full);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(&full) => {
                match path.to_str().filter(|text| text.contains(['*', '?', '['])) {
                    Some(pattern) => {
                        self.set_kind(given, GivenKind::Glob);
                        self.glob(given, pattern);
                    }
                    None => {
                        let help = "paths are taken from the working directory";
                        let message = "there is no such file or folder".to_owned();
                        self.fail(self.shown(path), None, message, Some(help));
                    }
                }
            }
            Err(error) => self.unreadable(self.shown(path), &full, &error, true),
        }
    }

    fn glob(&mut self, given: usize, pattern: &str) {
        let root = Pattern::escape(&self.inputs.root.to_string_lossy());
        let absolute = Path::new(pattern).is_absolute() || root.is_empty();
        let full = if absolute { pattern.to_owned() } else { format!("{root}/{pattern}") };
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            // As a shell does it; `.github/*` still says so itself.
            require_literal_leading_dot: true,
        };
        let found = match glob::glob_with(&full, options) {
            Ok(found) => found,
            Err(error) => {
                let message = format!("this is not a glob pattern: {}", error.msg);
                return self.fail(pattern.to_owned(), None, message, None);
            }
        };
        let mut any = false;
        for entry in found {
            let path = match entry {
                Ok(path) => path,
                Err(error) => {
                    let path = self.shown(error.path());
                    self.skip(path, cannot_read(error.error()));
                    continue;
                }
            };
            any = true;
            let below = path.strip_prefix(&self.inputs.root).unwrap_or(&path);
            let said = |name| Path::new(pattern).iter().any(|part| part == name);
            if below.iter().any(|name| is_skipped_folder(name) && !said(name))
                || self.is_excluded(&path)
            {
                continue;
            }
            if path.is_dir() {
                // `**` gives every folder beside what is in it; only `iam/*` means a folder's files.
                if !pattern.contains("**") {
                    self.out.roots.push(path.clone());
                    self.folder(given, &path);
                }
            } else {
                self.file(given, &path, !self.inputs.hook, true);
                if is_module_path(&path) {
                    self.module_of(given, &path, None);
                }
                self.beside(given, &path);
            }
        }
        if !any {
            let message = "no file matches this glob pattern".to_owned();
            self.fail(pattern.to_owned(), None, message, None);
        }
    }

    fn folder(&mut self, given: usize, folder: &Path) {
        // Links are not followed: what they lead to is read where it stands, if it is in here, and
        // nothing outside of the given paths is read.
        let walk = WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| {
            entry.depth() == 0
                || !entry.file_type().is_dir()
                || !is_skipped_folder(entry.file_name())
        });
        // The walk meets no links, so that only the folder itself has to be looked up.
        let canonical = self.key(folder);
        let below = |path: &Path| canonical.join(path);
        for entry in walk {
            if self.inputs.limit.is_some_and(|limit| self.out.looked_at >= limit) {
                break;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().map_or_else(String::new, |path| self.shown(path));
                    let reason = error.io_error().map_or("a loop of links".into(), cannot_read);
                    self.skip(path, reason);
                    continue;
                }
            };
            let path = entry.path();
            let kind = entry.file_type();
            if kind.is_dir() || self.is_excluded(path) || is_temporary(path) {
                continue;
            }
            if kind.is_symlink() {
                self.link(path, folder);
            } else if kind.is_file() {
                let key = path.strip_prefix(folder).map_or_else(|_| self.key(path), below);
                self.file_of(given, (path, key), false, true);
            } else {
                self.skip(self.shown(path), "neither a file nor a folder".to_owned());
            }
        }
    }

    /// A link inside a folder is passed over, with a word unless what it leads to is read anyway.
    fn link(&mut self, path: &Path, folder: &Path) {
        let reason = match (fs::canonicalize(path), fs::canonicalize(folder)) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
                "a broken link".to_owned()
            }
            (Err(error), _) => link_reason(&error),
            (Ok(target), Ok(folder)) if target.starts_with(&folder) => return,
            _ => "a link that leads out of the folder".to_owned(),
        };
        self.skip(self.shown(path), reason);
    }

    /// A file that exists. One that is `searched` is read in only if it holds a policy; one that is
    /// not `named` may be passed over with a word where a named one is an error.
    fn file(&mut self, given: usize, path: &Path, named: bool, searched: bool) {
        let key = self.key(path);
        self.file_of(given, (path, key), named, searched);
    }

    /// The same, of a file whose key is known.
    fn file_of(
        &mut self,
        given: usize,
        (path, key): (&Path, PathBuf),
        named: bool,
        searched: bool,
    ) {
        if let Some(earlier) = self.seen.get(&key) {
            // A name says more than a find, whichever comes first.
            if let Some(loaded) = earlier.and_then(|index| self.loaded.get_mut(index)) {
                loaded.named |= named;
                return;
            }
            if searched {
                return;
            }
        }
        self.seen.insert(key.clone(), None);
        let shown = self.shown(path);
        let searched = searched || !named;
        let meta = fs::metadata(path);
        let module = is_module_path(path);
        let held = self.inputs.held.as_ref().filter(|_| !self.inputs.texts.contains_key(&shown));
        if let Some(known) = held.and_then(|held| held.find(&key, meta.as_ref().ok())) {
            let wanted = !searched || module || known.holds;
            if let (true, Some(id)) = (wanted, known.text) {
                self.count(given);
                let module = module.then(|| path.to_path_buf());
                let text = Content::Held(id);
                self.loaded.push(Loaded { path: shown, text, named, given, module });
                self.seen.insert(key, self.loaded.len().checked_sub(1));
                return;
            }
            if !wanted {
                self.count(given);
                return;
            }
        }
        match &meta {
            Err(error) => return self.unreadable(shown, path, error, named),
            // Opening a pipe would wait for a writer, and a device may have no end.
            Ok(meta) if !meta.is_file() => {
                let reason = "neither a file nor a folder".to_owned();
                return self.refuse(shown, reason, named && !searched);
            }
            Ok(meta) if meta.len() > u64::from(decode::MAX_BYTES) => {
                let reason = "the file is larger than 4 GiB".to_owned();
                return self.refuse(shown, reason, named && !searched);
            }
            Ok(_) => {}
        }
        self.count(given);
        // What a module holds is known only when all of it has been read.
        let length = meta.as_ref().map_or(0, fs::Metadata::len);
        match decode::read(path, length, searched && !module, is_manifest(path)) {
            Err(error) => self.unreadable(shown, path, &error, named),
            Ok(None) => {
                if let (Some(held), Ok(meta)) = (&self.inputs.held, &meta) {
                    held.keep(key, meta, None, false);
                }
            }
            Ok(Some((bytes, Holds::Manifest))) => {
                // What is not text is no manifest, and nobody named it as one.
                if let Bytes::Text(text) = decode::text(bytes) {
                    self.manifests.push((shown, text, given));
                }
            }
            Ok(Some((bytes, Holds::Policy))) => {
                let loaded = self.text(shown, bytes, named, given);
                if let Some(loaded) = loaded.and_then(|index| self.loaded.get_mut(index)) {
                    loaded.module = module.then(|| path.to_path_buf());
                    if let (Some(_), Content::Fresh(_, place)) = (held, &mut loaded.text) {
                        *place = meta.ok().map(|meta| Box::new((key.clone(), meta)));
                    }
                }
                self.seen.insert(key, loaded);
            }
        }
    }

    /// Takes in the bytes of a file; gives its index in `loaded`.
    fn text(&mut self, path: String, bytes: Vec<u8>, named: bool, given: usize) -> Option<usize> {
        let bytes = self.inputs.texts.get(&path).map_or(bytes, |text| text.clone().into_bytes());
        match decode::text(bytes) {
            Bytes::Text(text) => {
                let text = Content::Fresh(text, None);
                self.loaded.push(Loaded { path, text, named, given, module: None });
                self.loaded.len().checked_sub(1)
            }
            Bytes::Bad { position, message, help } => {
                self.fail(path, position, message, help);
                None
            }
        }
    }

    fn unreadable(&mut self, shown: String, path: &Path, error: &io::Error, named: bool) {
        let reason = if !is_link(path) {
            cannot_read(error)
        } else if error.kind() == io::ErrorKind::NotFound {
            "a broken link: what it leads to does not exist".to_owned()
        } else {
            link_reason(error)
        };
        self.refuse(shown, reason, named);
    }

    fn refuse(&mut self, shown: String, reason: String, named: bool) {
        if named {
            self.fail(shown, None, reason, None);
        } else {
            self.skip(shown, reason);
        }
    }

    fn fail(
        &mut self,
        path: String,
        position: Option<Position>,
        message: String,
        help: Option<&str>,
    ) {
        self.out.errors.push(ReadError { path, position, message, help: help.map(Into::into) });
    }

    fn skip(&mut self, path: String, reason: String) {
        self.out.skipped.push(Skipped { path, reason });
    }

    fn count(&mut self, given: usize) {
        self.out.looked_at += 1;
        if let Some(given) = self.out.given.get_mut(given) {
            given.looked_at += 1;
        }
    }

    fn set_kind(&mut self, given: usize, kind: GivenKind) {
        if let Some(given) = self.out.given.get_mut(given) {
            given.kind = kind;
        }
    }

    fn is_excluded(&self, path: &Path) -> bool {
        if self.exclude.is_empty() {
            return false;
        }
        // Whoever names `..` or a folder by its whole path means the same files.
        let root = &self.inputs.root;
        let from = root.join(&self.inputs.exclude_from);
        let name = slashed(&seen_from(&root.join(path), &from));
        self.exclude.iter().any(|pattern| pattern.matches(&name))
    }

    /// The same file has the same key, however it is named.
    fn key(&self, path: &Path) -> PathBuf {
        fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
    }

    /// The path as people see it: relative to the root where it lies below, with `/`.
    fn shown(&self, path: &Path) -> String {
        let full = self.inputs.root.join(path);
        slashed(full.strip_prefix(&self.inputs.root).unwrap_or(&full))
    }

    /// Sorts, then numbers the texts, so that ids do not depend on the order of finding.
    fn finish(mut self, sources: &SourceMap) -> Collected {
        order::by(&mut self.loaded, |a, b| a.path.cmp(&b.path));
        let mut modules: BTreeMap<PathBuf, ModuleFolder> = BTreeMap::new();
        for Loaded { path, text, named, given, module } in std::mem::take(&mut self.loaded) {
            let id = match text {
                Content::Held(id) => id,
                Content::Fresh(text, place) => {
                    let holds = place.is_some() && decode::holds_statement(text.as_bytes());
                    let id = sources.add_file(path.as_str(), text);
                    if let (Some(held), Some(place)) = (&self.inputs.held, place) {
                        let (key, meta) = *place;
                        held.keep(key, &meta, Some(id), holds);
                    }
                    id
                }
            };
            let Some(file) = module else {
                self.out.files.push(Named { id, path, named, given });
                continue;
            };
            let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
            let shown = self.shown(&folder);
            let found = modules.entry(folder.clone()).or_insert(ModuleFolder {
                path: folder,
                shown,
                files: Vec::new(),
                named,
                given,
            });
            found.named |= named;
            found.given = found.given.min(given);
            found.files.push(ModuleFile { path: file, source: id });
        }
        order::sort(&mut self.manifests);
        for (path, text, given) in self.manifests {
            let id = sources.add_file(path.as_str(), text);
            self.out.manifests.push(Named { id, path, named: false, given });
        }
        self.out.modules = modules.into_values().collect();
        order::by(&mut self.out.errors, |a, b| a.path.cmp(&b.path));
        order::by(&mut self.out.skipped, |a, b| a.path.cmp(&b.path));
        self.out
    }
}

fn is_skipped_folder(name: &OsStr) -> bool {
    SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped)
}

/// Whether a file is in the form of what installs things in a cluster: YAML, JSON, a chart's lock.
fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ["yaml", "yml", "json", "lock"].contains(&extension)
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink())
}

fn link_reason(error: &io::Error) -> String {
    // `ErrorKind::FilesystemLoop` is not stable; all other errors have a kind of their own.
    if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) {
        cannot_read(error)
    } else {
        "a link that leads nowhere: links form a loop".to_owned()
    }
}

fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        _ => format!("cannot be read: {}", super::reason(error)),
    }
}

mod hook;
#[cfg(test)]
mod tests;
