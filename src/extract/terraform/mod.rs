//! Policies of Terraform and OpenTofu source. The files of a folder are a module; a root module is
//! evaluated with the modules it calls, as far as files alone tell what its values will be.
//!
//! Values are worked out when something asks for them, and keep the places of their tokens. What cannot
//! be known is a hole with its expression as its name.

mod attach;
mod beside;
mod bonds;
mod calls;
mod choose;
mod collect;
mod document;
mod eval;
mod files;
mod functions;
mod given;
mod merge;
mod module;
mod presence;
mod resource;
mod scope;
mod template;
#[cfg(test)]
mod tests;
mod uses;
mod value;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use collect::Collector;
use files::{Files, Found};
use module::{File, Module};
use scope::{Told, World};

use super::Extracted;
use crate::source::{Held, ModuleFolder, SourceId, SourceMap};
use crate::syntax::hcl::{self, Expr};
use crate::syntax::{HoleSyntax, SyntaxError, json};

/// How many nodes one policy may come to.
const NODES: usize = 200_000;

/// Words without which no file of a module has anything to do with policies.
const WORDS: [&str; 2] = ["aws_iam_", "Statement"];

/// The modules of a run.
#[derive(Debug, Default)]
pub struct Terraform {
    files: Files,
    given: Vec<(String, String)>,
}

/// What one root module holds.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// The policies and roles.
    pub extracted: Extracted,
    /// Files that do not parse, by name.
    pub errors: Vec<(String, SyntaxError)>,
    /// What was passed over, in words.
    pub notes: Vec<String>,
    /// Files that it names and nobody gave.
    pub outside: Vec<SyntaxError>,
    /// Modules that it calls and that are not here, with the reason: worth a word where nothing is found.
    pub away: Vec<String>,
    /// Canonical folders of the modules that were evaluated with it.
    pub children: HashSet<PathBuf>,
}

impl Terraform {
    /// Modules below `folders`, outside of which nothing is read. Names are shown relative to `base`;
    /// `given` are the values of `--var`.
    #[must_use]
    pub fn new(folders: &[PathBuf], base: &Path, given: &[(String, String)]) -> Self {
        Self { files: Files::new(folders, base), given: given.to_vec() }
    }

    /// Takes `texts` for what is on disk, by the names of the files as they are shown.
    pub fn replace(&mut self, texts: &BTreeMap<String, String>) {
        self.files.texts.clone_from(texts);
    }

    /// Takes texts from `held` where these are what is on disk, or stand in its place.
    pub fn hold(&mut self, held: Option<Arc<Held>>) {
        self.files.held = held;
    }

    /// Evaluates the root modules among `folders`: those that hold policies, or call modules that do,
    /// and that no other of them calls. The index is that of the folder.
    #[must_use]
    pub fn evaluate(
        &self,
        sources: &SourceMap,
        folders: &[ModuleFolder],
    ) -> Vec<(usize, Evaluated)> {
        let modules: RefCell<HashMap<PathBuf, Rc<Module>>> = RefCell::default();
        let paths: Vec<PathBuf> = folders
            .iter()
            .map(|folder| {
                std::fs::canonicalize(&folder.path).unwrap_or_else(|_| folder.path.clone())
            })
            .collect();
        for folder in folders {
            for file in &folder.files {
                self.files.put(&file.path, file.source);
            }
        }
        let skim = Skim::new(sources, folders, &paths);
        let wanted = skim.wanted();
        let mut out = Vec::new();
        let mut read = HashMap::new();
        for (at, folder) in folders.iter().enumerate() {
            if !wanted.contains(&at) {
                continue;
            }
            let files: Vec<File> = folder
                .files
                .iter()
                .map(|file| File { path: file.path.clone(), source: file.source })
                .collect();
            let Some(path) = paths.get(at) else { continue };
            let module = Rc::new(Module::read(sources, path, &files));
            modules.borrow_mut().insert(path.clone(), Rc::clone(&module));
            read.insert(at, module);
        }
        // What a module calls that does not parse is judged by itself.
        let parses = |at: &usize| read.get(at).is_some_and(|module| module.errors.is_empty());
        let parsed: HashSet<usize> = wanted.iter().copied().filter(parses).collect();
        let called = skim.called(&parsed);
        for (at, folder) in folders.iter().enumerate() {
            let Some(module) = read.get(&at) else { continue };
            let mut evaluated = Evaluated::default();
            evaluated.errors.extend(module.errors.iter().cloned());
            if folder.named || !called.contains(&at) {
                self.root(sources, &modules, Rc::clone(module), &mut evaluated);
            }
            out.push((at, evaluated));
        }
        out
    }

    /// Whether a module read this file with `file` or `templatefile`, so that it is judged with it.
    #[must_use]
    pub fn consumed(&self, path: &Path) -> bool {
        let consumed = self.files.consumed.borrow();
        !consumed.is_empty()
            && std::fs::canonicalize(path).is_ok_and(|path| consumed.contains(&path))
    }

    fn root(
        &self,
        sources: &SourceMap,
        modules: &RefCell<HashMap<PathBuf, Rc<Module>>>,
        module: Rc<Module>,
        evaluated: &mut Evaluated,
    ) {
        let folder = module.folder.clone();
        let world = World {
            sources,
            files: &self.files,
            modules,
            given: self.given(sources, &module),
            installed: self.installed(sources, &folder),
            folder,
            instances: RefCell::default(),
            out: RefCell::new(Told::default()),
            choices: choose::Choices::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            used: RefCell::new(HashSet::new()),
        };
        let root = world.root(module);
        let mut collector = Collector {
            world: &world,
            out: &mut evaluated.extracted,
            attachments: attach::Attachments::default(),
            cases: merge::Cases::default(),
        };
        collector.run(&root);
        let told = world.out.take();
        evaluated.extracted.assumed.extend(told.assumed);
        for error in told.broken {
            world.add_error(&mut evaluated.extracted.broken, error);
        }
        evaluated.outside = told.outside;
        evaluated.away = told.away;
        let instances = world.instances.borrow();
        let children = instances.iter().skip(1).map(|child| child.module.folder.clone());
        evaluated.children = children.collect();
        evaluated.notes = told.notes;
        for error in told.errors {
            if !evaluated.errors.contains(&error) {
                evaluated.errors.push(error);
            }
        }
    }

    /// The values of `--var`: text for variables that hold text, else an expression.
    fn given(&self, sources: &SourceMap, module: &Module) -> HashMap<String, Rc<Expr>> {
        let mut out = HashMap::new();
        for (name, value) in &self.given {
            let Some(body) = module.variables.get(name.as_str()) else { continue };
            let source = sources.add_file("--var", value.as_str());
            let is_text = match body.get("type").map(|kind| &kind.kind) {
                Some(hcl::ExprKind::Variable(kind)) => matches!(&**kind, "string"),
                Some(_) => false,
                None => !value.starts_with(['[', '{', '"']),
            };
            let read = if is_text { None } else { hcl::parse_expression(source, value).ok() };
            let expr = read.unwrap_or_else(|| text_expr(source, value));
            out.insert(name.clone(), Rc::new(expr));
        }
        out
    }

    /// Where `terraform init` put the modules of a root.
    fn installed(&self, sources: &SourceMap, folder: &Path) -> HashMap<String, PathBuf> {
        let list = folder.join(".terraform/modules/modules.json");
        let Found::Text(source) = self.files.read(sources, &list) else { return HashMap::new() };
        let text = sources.get(source);
        let Ok(node) = json::parse(source, text.text(), HoleSyntax::None) else {
            return HashMap::new();
        };
        let modules = node.get("Modules").map(|modules| modules.items()).unwrap_or_default();
        let pair = |module: &crate::syntax::Node| {
            let key = module.get("Key")?.as_str()?.to_owned();
            Some((key, PathBuf::from(module.get("Dir")?.as_str()?)))
        };
        modules.iter().filter_map(pair).collect()
    }
}

fn text_expr(source: SourceId, text: &str) -> Expr {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let span = crate::source::Span::new(source, 0, length);
    let pieces = vec![hcl::Piece::Literal(span, text.into())];
    Expr { span, kind: hcl::ExprKind::Template(hcl::Template { span, pieces }) }
}

/// What the texts of the folders tell before anything is parsed.
struct Skim {
    /// Whether a folder's files hold a word of policies, or name a folder that is not here.
    holds: Vec<bool>,
    /// The folders whose paths stand in a folder's files.
    calls: Vec<Vec<usize>>,
    named: Vec<bool>,
}

impl Skim {
    fn new(sources: &SourceMap, folders: &[ModuleFolder], paths: &[PathBuf]) -> Self {
        let index: HashMap<&Path, usize> =
            paths.iter().enumerate().map(|(at, path)| (path.as_path(), at)).collect();
        let mut holds = Vec::with_capacity(folders.len());
        let mut calls = Vec::with_capacity(folders.len());
        for (folder, path) in folders.iter().zip(paths) {
            let mut held = false;
            let mut called = Vec::new();
            for file in &folder.files {
                let source = sources.get(file.source);
                let text = source.text();
                held |= WORDS
                    .iter()
                    .any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some());
                for written in local_sources(text) {
                    let target = normal(&path.join(written));
                    let known = index.get(target.as_path()).copied();
                    // What is not among the folders may hold anything, which is worth a word.
                    held |= known.is_none();
                    called.extend(known);
                }
            }
            holds.push(held);
            calls.push(called);
        }
        let named = folders.iter().map(|folder| folder.named).collect();
        Self { holds, calls, named }
    }

    /// Folders that are worth parsing: they hold policies or lead to such.
    fn wanted(&self) -> HashSet<usize> {
        let mut wanted: HashSet<usize> = (0..self.holds.len())
            .filter(|at| self.holds.get(*at) == Some(&true) || self.named.get(*at) == Some(&true))
            .collect();
        // Callers of what is wanted, until nothing is added.
        loop {
            let before = wanted.len();
            for (at, called) in self.calls.iter().enumerate() {
                if called.iter().any(|target| wanted.contains(target)) {
                    wanted.insert(at);
                }
            }
            if wanted.len() == before {
                return wanted;
            }
        }
    }

    /// Folders that are judged with another wanted folder, which calls them. Of folders that call each other
    /// in a circle, and nobody else calls, the first is left to be judged by itself.
    fn called(&self, wanted: &HashSet<usize>) -> HashSet<usize> {
        let calls = |at: usize| {
            let own = self.calls.get(at).filter(|_| wanted.contains(&at));
            own.into_iter().flatten().copied().filter(move |to| *to != at)
        };
        let mut called: HashSet<usize> = (0..self.calls.len()).flat_map(calls).collect();
        let mut reached = HashSet::new();
        let free = (0..self.calls.len()).filter(|at| !called.contains(at));
        let mut next: Vec<usize> = free.collect();
        let mut rest = 0..self.calls.len();
        loop {
            while let Some(at) = next.pop() {
                if reached.insert(at) {
                    next.extend(calls(at));
                }
            }
            let Some(first) = rest.find(|at| wanted.contains(at) && !reached.contains(at)) else {
                return called;
            };
            called.remove(&first);
            next.push(first);
        }
    }
}

/// Paths of local modules in a text: `"./x"` and `"../x"` behind `source`.
fn local_sources(text: &str) -> impl Iterator<Item = &str> {
    memchr::memmem::find_iter(text.as_bytes(), b"source").filter_map(move |at| {
        let rest = text.get(at + "source".len()..)?;
        let rest = rest.strip_prefix('"').unwrap_or(rest).trim_start_matches([' ', '\t']);
        let rest = rest.strip_prefix(['=', ':'])?.trim_start_matches([' ', '\t']);
        let written = rest.strip_prefix('"')?;
        let end = memchr::memchr2(b'"', b'\n', written.as_bytes())?;
        written.get(..end).filter(|path| path.starts_with("./") || path.starts_with("../"))
    })
}

/// A path without `.` and `..`, by its words alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// What one file holds that stands alone: nothing beside it is read.
///
/// # Errors
/// Where it does not parse.
pub(super) fn from_file(
    sources: &SourceMap,
    file: SourceId,
    out: &mut Extracted,
) -> Result<(), SyntaxError> {
    let name = sources.get(file).name().to_owned();
    let path = PathBuf::from(if name.ends_with(".json") { "main.tf.json" } else { "main.tf" });
    let module = Module::read(sources, Path::new(""), &[File { path, source: file }]);
    if let Some((_, error)) = module.errors.first() {
        return Err(error.clone());
    }
    let terraform = Terraform::default();
    let mut evaluated = Evaluated::default();
    terraform.root(sources, &RefCell::default(), Rc::new(module), &mut evaluated);
    *out = evaluated.extracted;
    Ok(())
}
