//! A folder that is looked at again and again while somebody works in it: what does not change is read once,
//! and what is said comes as plain data that outlives the texts. Editors use it.

mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use glob::Pattern;

use crate::config::{self, Config};
use crate::karpenter::{Rules, Version};
use crate::report::place_of;
use crate::settings::evidence::Evidence;
use crate::settings::given::Given;
use crate::settings::infer::{Resolved, infer};
use crate::settings::manifest::pins::{resolve, scan};
use crate::source::paths::{seen_from, slashed};
use crate::source::{Inputs, SourceId, SourceMap};

use super::args::{CheckArgs, ControllerArgs};
use super::inputs::{Focus, Memory, read_with};
use super::judge::judge_all;
use super::plan::{Plan, VersionFrom, plan};

pub(crate) use told::{Change, Place, Point, Told};

/// How many files are looked at for the version of Karpenter: a home folder is no repository.
const TREE: usize = 20_000;

/// What was said of some files.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// By the name of the file, relative to the folder.
    pub(crate) files: BTreeMap<String, Vec<Told>>,
    /// What stopped the reading of files, in the same way.
    pub(crate) stopped: BTreeMap<String, Vec<Told>>,
    /// Whether one of the files that somebody looks at could not be read.
    pub(crate) is_broken: bool,
    /// The files that what is said rests on; a folder of a module ends with `/`.
    pub(crate) read: BTreeSet<String>,
    /// What is wrong without having a place.
    pub(crate) errors: Vec<String>,
}

/// The version that the files of a tree pin, and where.
pub(crate) type Pinned = Option<(Version, String)>;

/// One folder, as `karplint check` sees it from there.
pub(crate) struct Session {
    folder: PathBuf,
    sources: SourceMap,
    memory: Memory,
    plan: Option<Plan>,
    pinned: Pinned,
    /// The texts of the configuration and of manifests, which stay.
    first: BTreeSet<SourceId>,
    /// The same files as they were on disk.
    stamps: Vec<(PathBuf, Option<Stamp>)>,
    /// What is wrong with the configuration.
    refused: Judged,
    state: u64,
}

type Stamp = (u64, Option<SystemTime>);

fn stamp(path: &Path) -> Option<Stamp> {
    let of = |meta: Metadata| (meta.len(), meta.modified().ok());
    std::fs::metadata(path).ok().map(of)
}

impl Session {
    /// The session of a folder, by its canonical path.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            sources: SourceMap::new(),
            memory: Memory::default(),
            plan: None,
            pinned: None,
            first: BTreeSet::new(),
            stamps: Vec::new(),
            refused: Judged::default(),
            state: 0,
        }
    }

    /// Takes the version that the tree pins, for where nobody says another.
    pub(crate) fn pin(&mut self, pinned: Pinned) {
        self.pinned = pinned;
        self.settle();
    }

    /// Puts the text of an editor in the place of a file.
    pub(crate) fn give(&mut self, path: &Path, text: &str) {
        let id = self.sources.add_file(self.name(path), text);
        self.memory.held().give(path.to_path_buf(), id, text);
    }

    /// From now on the file is what is on disk.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.memory.held().forget(path);
    }

    /// Whether the file may hold a policy, as far as it was ever read.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.memory.held().holds(path)
    }

    /// The name of a file, as findings have it.
    pub(crate) fn name(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.folder).unwrap_or(path);
        let parts = path.components().filter(|part| *part != Component::RootDir);
        let names: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
        format!("{}{}", if path.is_absolute() { "/" } else { "" }, names.join("/"))
    }

    /// The file of a name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let mut path = self.folder.clone();
        for part in Path::new(name).components() {
            match part {
                // A configuration may lie above.
                Component::ParentDir => {
                    path.pop();
                }
                other => path.push(other),
            }
        }
        path
    }

    /// Whether the configuration leaves the file out.
    pub(crate) fn excludes(&self, name: &str) -> bool {
        let Some(config) = self.plan.as_ref().map(|plan| &plan.config) else { return false };
        let name = slashed(&seen_from(&self.path(name), &self.folder.join(&config.root)));
        let mut patterns = config.exclude.iter().filter_map(|text| Pattern::new(text).ok());
        patterns.any(|pattern| pattern.matches(&name))
    }

    /// The rules, and the settings as far as the configuration says them.
    pub(crate) fn settings(&self) -> (&'static Rules, Resolved) {
        let rules = Rules::builtin();
        let (version, given) = match &self.plan {
            Some(plan) => (plan.version, &plan.given),
            None => (rules.latest(), &Given::default()),
        };
        (rules, infer(version, given, &Evidence::default(), false))
    }

    /// Another number whenever settings may be others.
    pub(crate) fn state(&self) -> u64 {
        self.state
    }

    /// Reads the configuration, if it is not as it was.
    /// Says whether all texts that were given are to be given again.
    pub(crate) fn refresh(&mut self) -> bool {
        let found = config::find(&self.folder);
        let same = |known: &(PathBuf, Option<Stamp>)| stamp(&known.0) == known.1;
        let known = self
            .stamps
            .first()
            .map(|(path, _)| path)
            .filter(|path| path.ends_with(config::FILE_NAME))
            == found.as_ref();
        let is_same = known && self.stamps.iter().all(same);
        let was_read = self.plan.is_some() || !self.refused.stopped.is_empty();
        if was_read && is_same || std::env::set_current_dir(&self.folder).is_err() {
            return false;
        }
        let sources = SourceMap::new();
        self.refused = Judged::default();
        self.stamps = found.iter().map(|path| (path.clone(), stamp(path))).collect();
        match plan(&CheckArgs::default(), Rules::builtin(), &sources) {
            Ok(plan) => {
                self.first = sources.ids().collect();
                // All that was read but for the configuration are manifests.
                let names = self.first.iter().map(|id| sources.get(*id));
                let paths = names.map(|source| self.folder.join(source.name()));
                let manifests = paths.filter(|path| !path.ends_with(config::FILE_NAME));
                self.stamps.extend(manifests.map(|path| (path.clone(), stamp(&path))));
                // Every text has a new id now.
                self.memory = Memory::default();
                self.sources = sources;
                self.plan = Some(plan);
                self.settle();
                true
            }
            // What was good before stays.
            Err(error) => {
                told::stopped(&error, &sources, &mut self.refused);
                false
            }
        }
    }

    fn settle(&mut self) {
        self.state += 1;
        let Some(plan) = &mut self.plan else { return };
        plan.settle_version(&[], Rules::builtin(), &self.sources);
        if let (VersionFrom::Nobody, Some((version, place))) = (&plan.version_from, &self.pinned) {
            plan.version = *version;
            plan.versions = vec![*version];
            plan.version_from = VersionFrom::File(place.clone());
        }
    }

    /// Judges the controllers of the files that somebody looks at, `focus`, as they stand among `paths`.
    pub(crate) fn judge(&mut self, paths: Vec<String>, focus: Vec<String>) -> Judged {
        let mut out = Judged::default();
        out.stopped.clone_from(&self.refused.stopped);
        out.errors.clone_from(&self.refused.errors);
        let Some(plan) = &mut self.plan else { return out };
        if std::env::set_current_dir(&self.folder).is_err() {
            out.errors.push(format!("{} is not there any more", self.folder.display()));
            return out;
        }
        let args = CheckArgs {
            paths,
            controllers: ControllerArgs { hook: true, ..ControllerArgs::default() },
            ..CheckArgs::default()
        };
        let (sources, rules) = (&self.sources, Rules::builtin());
        let (mut nothing, texts) = (std::io::empty(), BTreeMap::new());
        let input = (&mut nothing as &mut dyn std::io::Read, &texts);
        let mut loaded = read_with(&args, &plan.config, input, sources, Some(&self.memory));
        loaded.focus = Some(Focus::new(focus.iter().cloned()));
        out.read.extend(loaded.units.iter().map(|unit| unit.file.clone()));
        out.read.extend(loaded.documents.iter().map(|document| document.file.clone()));
        out.read.extend(focus.iter().cloned());
        let in_focus = |file: &String| focus.contains(file);
        let outcome = judge_all(&args, plan, rules, sources, &loaded);
        for finding in &outcome.findings {
            told::finding(finding, &focus, sources, &mut out.files);
        }
        for error in &outcome.errors {
            told::stopped(error, sources, &mut out);
            out.is_broken |= error.span.is_some() && in_focus(&error.file);
        }
        // Policy text inside of a file that parses: what it held before is not gone.
        let inner = loaded.broken.iter().map(|broken| sources.to_file(broken.span).source);
        out.is_broken |=
            inner.map(|file| sources.get(file)).any(|file| in_focus(&file.name().to_owned()));
        self.memory.tidy(&self.sources, &self.first);
        out
    }
}

/// The version of Karpenter that the files below a folder pin. It knows nothing of the working directory, so
/// that it can run beside everything else.
pub(crate) fn pinned(folder: &Path) -> Pinned {
    let sources = SourceMap::new();
    let here = config::find(folder).map(|path| config::load(&sources, &path, config::FILE_NAME));
    let Config { exclude, root: exclude_from, .. } = here.and_then(Result::ok).unwrap_or_default();
    let inputs = Inputs {
        paths: vec![PathBuf::from(".")],
        root: folder.to_path_buf(),
        exclude,
        exclude_from,
        limit: Some(TREE),
        ..Inputs::default()
    };
    let collected = crate::source::collect(&inputs, &mut std::io::empty(), &sources);
    let files = collected.manifests.iter().chain(&collected.files);
    let pins: Vec<_> = files.flat_map(|file| scan(&sources, file.id).pins).collect();
    let (found, _) = resolve(&pins, Rules::builtin());
    found.first().map(|newest| (newest.version, place_of(&sources, newest.span)))
}
