//! From arguments and configuration to documents, units and controllers.

mod configured;
mod hook;
mod memory;
mod nested;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::controller::{Document, DocumentKind, Explicit, Unit, load};
use crate::error::Error;
use crate::extract::{
    Assumed, Document as Found, Extracted, Kind, Origin, Supplied, Unreadable, extract,
};
use crate::settings::manifest::Pin;
use crate::settings::manifest::pins::{chart_pin, scan};
use crate::source::{Collected, GivenKind, Inputs, Named, SourceMap};
use crate::syntax::{HoleSyntax, json};

pub(crate) use memory::{Focus, Memory};

use super::args::CheckArgs;
use super::parallel;

mod holding;
mod modules;

use holding::Holding;

/// Policies with more bytes are not looked at: AWS would take none a tenth of this size, and a pattern
/// of megabytes is no pattern.
const LARGEST_POLICY: u32 = 1 << 20;

/// What AWS attaches at every level of an organisation that limits nothing.
const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// All documents.
    pub(super) documents: Vec<Document>,
    /// The files they come from.
    pub(super) units: Vec<Unit>,
    /// Controllers of the configuration.
    pub(super) explicit: Vec<Explicit>,
    /// Documents given with `--boundary` and `--scp`.
    pub(super) taken: Vec<usize>,
    /// The boundary of every controller.
    pub(super) boundary: Option<usize>,
    /// The levels of service control policies of every controller.
    pub(super) service_control: Vec<Vec<usize>>,
    /// Whether a boundary or a service control policy that was given cannot be read: then nothing can
    /// be judged.
    pub(super) blind: bool,
    /// Levels that FullAWSAccess completed, for people.
    pub(super) completed: Vec<String>,
    /// Policies that cannot be read before apply.
    pub(super) unreadable: Vec<(String, Unreadable)>,
    /// Broken policy text inside files that parse.
    pub(super) broken: Vec<crate::syntax::SyntaxError>,
    /// CloudFormation conditions that were taken for granted, with the documents that were read with them.
    pub(super) assumed: Vec<(Range<usize>, Assumed)>,
    /// Files that Terraform modules name and nobody gave.
    pub(super) outside: Vec<crate::syntax::SyntaxError>,
    /// What could not be checked.
    pub(super) errors: Vec<Error>,
    /// Lines for stderr that are no errors.
    pub(super) notes: Vec<String>,
    /// How many files were read.
    pub(super) files: usize,
    /// Versions of Karpenter that the files pin.
    pub(super) pins: Vec<Pin>,
    /// The first file that `--manifest` would read, and what is in it.
    pub(super) manifest: Option<(String, &'static str)>,
    /// All of these files.
    pub(super) manifests: Vec<String>,
    /// The files whose controllers are judged; `None`: all.
    pub(crate) focus: Option<Focus>,
}

/// Reads all that the arguments and the configuration name; `texts` take the place of what is on disk.
pub(super) fn read(
    args: &CheckArgs,
    config: &Config,
    stdin: &mut dyn Read,
    sources: &SourceMap,
    texts: &BTreeMap<String, String>,
) -> Loaded {
    read_with(args, config, (stdin, texts), sources, None)
}

/// The same, with what an earlier reading left in `memory`.
pub(super) fn read_with(
    args: &CheckArgs,
    config: &Config,
    (stdin, texts): (&mut dyn Read, &BTreeMap<String, String>),
    sources: &SourceMap,
    memory: Option<&Memory>,
) -> Loaded {
    let mut reader = Reader {
        sources,
        memory,
        out: Loaded::default(),
        by_path: BTreeMap::new(),
        unplaced: Vec::new(),
        supplied: Supplied::default(),
        nested: BTreeSet::new(),
        variables: Vec::new(),
        texts,
        stdin: None,
    };
    let pairs = |all: &[String]| -> Vec<(String, String)> {
        let pairs = all.iter().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    for (key, value) in pairs(&args.controllers.parameter) {
        reader.supplied.parameter(&key, &value);
    }
    reader.variables = pairs(&args.controllers.var);
    let root = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let mut paths: Vec<PathBuf> = args.paths.iter().map(PathBuf::from).collect();
    if paths.is_empty() {
        paths.push(PathBuf::from("."));
    }
    // Text for the place of a file is meant to be read, whether `-` says so or not.
    if args.stdin_filename.is_some() && !paths.iter().any(|path| path.as_os_str() == "-") {
        if args.paths.is_empty() {
            paths.clear();
        }
        paths.push(PathBuf::from("-"));
    }
    let inputs = Inputs {
        paths,
        root: root.clone(),
        exclude: config.exclude.clone(),
        exclude_from: config.root.clone(),
        hook: args.controllers.hook,
        stdin_filename: args.stdin_filename.clone(),
        texts: texts.clone(),
        held: memory.map(Memory::held),
        ..Inputs::default()
    };
    let collected = crate::source::collect(&inputs, stdin, sources);
    // Where the paths name it, it is read up.
    if !inputs.paths.iter().any(|path| path.as_os_str() == "-") {
        reader.stdin = Some(stdin);
    }
    reader.take(&collected, args.controllers.hook);
    for table in config.controller.iter().enumerate() {
        reader.controller(table, config, &root, args.controllers.hook);
    }
    if let Some(path) = &args.controllers.boundary {
        reader.out.boundary =
            reader.given(path, &root, DocumentKind::Identity, "--boundary").first().copied();
        reader.out.blind |= reader.out.boundary.is_none();
    }
    for path in &args.controllers.scp {
        let level = reader.given(path, &root, DocumentKind::ServiceControl, "--scp");
        reader.out.blind |= level.is_empty();
        let level = reader.complete(level, &path.display().to_string());
        reader.out.service_control.push(level);
    }
    reader.known_policies();
    reader.out
}

/// The documents of a file, and what else it says.
type FileRead = (Vec<Document>, Extracted);

/// Reads the policies of one file, with the parts that it names below `root`.
fn read_file(
    sources: &SourceMap,
    file: &Named,
    root: &Path,
    (supplied, texts): (&Supplied, &BTreeMap<String, String>),
    memory: Option<&Memory>,
) -> Result<FileRead, Error> {
    if let Some(known) = memory.and_then(|memory| memory.known(file)) {
        return Ok(known);
    }
    let mut extracted = extract(sources, file.id, file.named, supplied).map_err(|error| {
        let mut stopped = Error::file(&file.path, Some(error.span), error.message);
        stopped.help = error.help;
        stopped
    })?;
    let alone = extracted.nested.is_empty();
    if !alone {
        // Whoever works in a folder has given all of it.
        let root = if memory.is_some() { Path::new(".") } else { root };
        let held = memory.map(Memory::held);
        nested::read(&mut extracted, &file.path, root, sources, (supplied, held, texts));
    }
    if let Some(error) = too_large(&extracted, sources) {
        return Err(error);
    }
    let documents = load(sources, &extracted);
    // The trees have served: what is kept of thousands of files is worth its memory.
    extracted.documents = Vec::new();
    if let Some(memory) = memory.filter(|_| alone) {
        memory.learn(file, (documents.clone(), extracted.clone()));
    }
    Ok((documents, extracted))
}

struct Reader<'s> {
    sources: &'s SourceMap,
    memory: Option<&'s Memory>,
    out: Loaded,
    /// Canonical path to the documents of the file.
    by_path: BTreeMap<PathBuf, Range<usize>>,
    /// The same of files whose canonical path nobody asked for.
    unplaced: Vec<(PathBuf, Range<usize>)>,
    /// Values of parameters and the like.
    supplied: Supplied,
    /// Canonical paths of templates that are parts of others.
    nested: BTreeSet<PathBuf>,
    /// Names and values of `--var`.
    variables: Vec<(String, String)>,
    /// Texts in the place of what the files hold.
    texts: &'s BTreeMap<String, String>,
    /// Standard input, until somebody reads it.
    stdin: Option<&'s mut dyn Read>,
}

impl Reader<'_> {
    fn take(&mut self, collected: &Collected, hook: bool) {
        self.out.errors.extend(collected.errors.iter().map(Error::from));
        // Who keeps a memory knows the version from a look at the whole tree.
        let pinning = collected.manifests.iter().chain(&collected.files);
        let pinning: Vec<&Named> = pinning.filter(|_| self.memory.is_none()).collect();
        let sources = self.sources;
        let scanned = parallel::map(&pinning, "looking at", |file| scan(sources, file.id));
        for (file, scanned) in pinning.into_iter().zip(scanned) {
            self.out.pins.extend(scanned.pins);
            let Some(kind) = scanned.kind else { continue };
            self.out.manifests.push(file.path.clone());
            self.out.manifest.get_or_insert_with(|| (file.path.clone(), kind));
        }
        for skipped in &collected.skipped {
            self.out.notes.push(format!("passed over {}: {}", skipped.path, skipped.reason));
        }
        self.nested.append(&mut nested::parts(collected, self.sources, &self.supplied));
        let mut holding = Holding::new(collected.given.len());
        let terraform = self.modules(collected, &mut holding);
        // What a module reads is judged with it.
        let apart = |file: &&Named| file.named || !terraform.consumed(Path::new(&file.path));
        let files: Vec<&Named> = collected.files.iter().filter(apart).collect();
        let (sources, supplied, memory) = (self.sources, (&self.supplied, self.texts), self.memory);
        let extracted = parallel::map(&files, "reading", |file| {
            read_file(sources, file, &nested::root_of(file, collected), supplied, memory)
        });
        let apart =
            if hook { hook::beside_others(collected, &files, &extracted) } else { BTreeSet::new() };
        for (file, read) in files.into_iter().zip(extracted) {
            if apart.contains(file.path.as_str()) {
                continue;
            }
            let had_error = self.out.errors.len();
            // What another template is made of is read there.
            if !self.nested.is_empty()
                && std::fs::canonicalize(&file.path).is_ok_and(|path| self.nested.contains(&path))
            {
                self.out.files += 1;
                holding.mark(file.given, &file.path);
                continue;
            }
            let range = self.file(file, read);
            let unreadable = self.out.unreadable.iter().any(|(path, _)| *path == file.path);
            if !range.is_empty()
                || unreadable
                || self.out.errors.len() > had_error
                || !self.out.broken.is_empty()
            {
                holding.mark(file.given, &file.path);
            }
        }
        if hook {
            return;
        }
        for (at, given) in collected.given.iter().enumerate() {
            let failed = self.out.errors.iter().any(|error| error.file == given.path);
            if failed || holding.holds(at, given) {
                continue;
            }
            let what = match given.kind {
                GivenKind::Folder | GivenKind::Glob => {
                    let files = if given.looked_at == 1 {
                        "1 file"
                    } else {
                        &format!("{} files", given.looked_at)
                    };
                    format!(
                        "no policy found in {}: {files} looked at, none holds an IAM statement",
                        given.path
                    )
                }
                GivenKind::File | GivenKind::Stdin => {
                    format!("no policy found in {}: it holds no IAM statement", given.path)
                }
            };
            let mut error = Error::file(&given.path, None, what);
            // A manifest is easily given as if it were a policy.
            if let Some((path, kind)) = self.out.manifest.as_ref().filter(|(p, _)| *p == given.path)
            {
                error.help = Some(format!("for the settings in its {kind}: --manifest {path}"));
            } else {
                error.help = holding.away(at);
            }
            self.out.errors.push(error);
        }
    }

    /// Takes what one file holds.
    fn file(&mut self, file: &Named, read: Result<FileRead, Error>) -> Range<usize> {
        let start = self.out.documents.len();
        self.out.files += 1;
        let (documents, extracted) = match read {
            Ok(read) => read,
            Err(error) => {
                self.out.errors.push(error);
                return start..start;
            }
        };
        let range = self.keep(extracted, documents, &file.path, file.named);
        self.unplaced.push((PathBuf::from(&file.path), range.clone()));
        range
    }

    /// Takes in what a file or module holds.
    fn keep(
        &mut self,
        found: Extracted,
        documents: Vec<Document>,
        file: &str,
        named: bool,
    ) -> Range<usize> {
        let start = self.out.documents.len();
        self.out.documents.extend(documents);
        let documents = start..self.out.documents.len();
        let Extracted { roles, makes_queue, unreadable, broken, assumed, charts, .. } = found;
        let pins = charts.iter().filter_map(|chart| {
            let (name, version) = (chart.name.as_literal()?, chart.version.as_ref()?.as_literal()?);
            chart_pin(name, version, chart.span)
        });
        self.out.pins.extend(pins);
        let assumed = assumed.into_iter().map(|taken| (documents.clone(), taken));
        self.out.assumed.extend(assumed);
        self.out.unreadable.extend(unreadable.into_iter().map(|found| (file.to_owned(), found)));
        self.out.broken.extend(broken);
        let file = file.to_owned();
        self.out.units.push(Unit { file, named, documents: documents.clone(), roles, makes_queue });
        documents
    }

    /// The documents of a file that was read, by its canonical path.
    fn place(&mut self, path: &Path) -> Option<Range<usize>> {
        for (path, range) in self.unplaced.drain(..) {
            if let Ok(path) = std::fs::canonicalize(path) {
                self.by_path.insert(path, range);
            }
        }
        self.by_path.get(path).cloned()
    }

    /// Reads one more file as if it had been named.
    fn more(&mut self, file: &Path, root: &Path, hook: bool) -> Range<usize> {
        let inputs = Inputs {
            paths: vec![file.to_path_buf()],
            root: root.to_path_buf(),
            hook,
            texts: self.texts.clone(),
            held: self.memory.map(Memory::held),
            ..Inputs::default()
        };
        let mut nothing = std::io::empty();
        let stdin: &mut dyn Read = match self.stdin.take_if(|_| file.as_os_str() == "-") {
            Some(stdin) => stdin,
            None if file.as_os_str() == "-" => {
                let error = Error::usage("standard input is read once, and several ask for it");
                self.out.errors.push(error.with_help("name a file for all but one"));
                &mut nothing
            }
            None => &mut nothing,
        };
        let collected = crate::source::collect(&inputs, stdin, self.sources);
        let start = self.out.documents.len();
        self.take(&collected, hook);
        start..self.out.documents.len()
    }

    /// Reads a file that was given for a purpose.
    fn given(&mut self, path: &Path, root: &Path, kind: DocumentKind, flag: &str) -> Vec<usize> {
        let known = std::fs::canonicalize(path).ok().and_then(|path| self.place(&path));
        let range = known.unwrap_or_else(|| self.more(path, root, false));
        if range.is_empty() && self.out.errors.is_empty() {
            self.out
                .errors
                .push(Error::usage(format!("{flag} {} holds no policy", path.display())));
        }
        for index in range.clone() {
            if let Some(document) = self.out.documents.get_mut(index) {
                document.kind = kind;
            }
            self.out.taken.push(index);
        }
        range.collect()
    }

    /// A level without any Allow is completed by FullAWSAccess, as AWS attaches it by default.
    fn complete(&mut self, mut level: Vec<usize>, name: &str) -> Vec<usize> {
        let allows =
            level.iter().filter_map(|&index| self.out.documents.get(index)).any(|document| {
                document
                    .policy
                    .statements
                    .iter()
                    .any(|statement| statement.effect == crate::policy::Effect::Allow)
            });
        if !level.is_empty() && !allows {
            level.extend(self.full_access("FullAWSAccess", DocumentKind::ServiceControl));
            self.out.completed.push(name.to_owned());
        }
        level
    }

    fn full_access(&mut self, name: &str, kind: DocumentKind) -> Option<usize> {
        let source = self.sources.add_file(name, FULL_ACCESS);
        let node = json::parse(source, FULL_ACCESS, HoleSyntax::None).ok()?;
        let origin = Origin {
            file: source,
            address: None,
            kind: Kind::Managed,
            name: None,
            generated: true,
            beside: None,
        };
        let found = Extracted {
            documents: vec![Found { node, origin, when: Vec::new() }],
            ..Extracted::default()
        };
        let mut document = load(self.sources, &found).pop()?;
        document.kind = kind;
        document.is_filled_in = true;
        self.out.documents.push(document);
        let index = self.out.documents.len() - 1;
        self.out.taken.push(index);
        Some(index)
    }

    /// AdministratorAccess is an AWS policy whose text everybody knows.
    fn known_policies(&mut self) {
        for unit in 0..self.out.units.len() {
            let Some(roles) = self.out.units.get(unit).map(|unit| unit.roles.clone()) else {
                continue;
            };
            let start = self.out.units.get(unit).map_or(0, |unit| unit.documents.start);
            let mut changed = roles;
            for role in &mut changed {
                let before = role.unseen.len();
                role.unseen.retain(|unseen| !unseen.name.ends_with(":policy/AdministratorAccess"));
                if role.unseen.len() < before
                    && let Some(index) =
                        self.full_access("AdministratorAccess", DocumentKind::Identity)
                {
                    // Not one of the unit's own documents, but counted from its start like them.
                    role.documents.push(index - start);
                    self.out.taken.retain(|&taken| taken != index);
                }
            }
            if let Some(unit) = self.out.units.get_mut(unit) {
                unit.roles = changed;
            }
        }
    }
}

/// Says so if a policy is larger than any that AWS takes.
fn too_large(extracted: &Extracted, sources: &SourceMap) -> Option<Error> {
    let mut spans = extracted.documents.iter().map(|found| found.node.span);
    let span = spans.find(|span| span.len() > LARGEST_POLICY)?;
    let size = span.len();
    let message =
        format!("this policy has {size} bytes: AWS takes 6,144 characters in a managed policy");
    Some(Error::at(sources, span, message))
}
