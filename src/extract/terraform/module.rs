//! The files of one folder to one module: override files, the two languages, values given in files.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::uses::Uses;
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::SyntaxError;
use crate::syntax::hcl::{self, Block, Body, Expr, Name};

/// A module as written.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The folder.
    pub(super) folder: PathBuf,
    pub(super) variables: BTreeMap<Box<str>, Rc<Body>>,
    pub(super) locals: HashMap<Box<str>, Rc<Expr>>,
    /// Resources and data sources, in the order of files and of the text.
    pub(super) resources: Vec<Declared>,
    /// Where each stands in `resources`: `aws_iam_role.x`, `data.aws_region.x`.
    pub(super) by_name: HashMap<String, usize>,
    pub(super) calls: Vec<Declared>,
    pub(super) outputs: HashMap<Box<str>, Rc<Expr>>,
    /// What `terraform.tfvars` and its like give, if this is the root.
    pub(super) given: HashMap<Box<str>, Rc<Expr>>,
    /// Files that do not parse.
    pub(super) errors: Vec<(String, SyntaxError)>,
    /// Where it names its policies, once somebody asked.
    pub(super) uses: OnceCell<Uses>,
}

/// A resource, data source or module call.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) data: bool,
    /// `aws_iam_role`; empty for a module call.
    pub(super) kind: Box<str>,
    pub(super) name: Name,
    pub(super) body: Rc<Body>,
    pub(super) span: Span,
}

impl Declared {
    /// `aws_iam_role.x`, `data.aws_region.x`, `module.x`.
    pub(super) fn key(&self) -> String {
        match (self.data, &*self.kind) {
            (_, "") => format!("module.{}", self.name.text),
            (true, kind) => format!("data.{kind}.{}", self.name.text),
            (false, kind) => format!("{kind}.{}", self.name.text),
        }
    }
}

/// One file of a module.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) source: SourceId,
}

impl Module {
    /// Reads all files of one folder; `files` is sorted by name.
    pub(super) fn read(sources: &SourceMap, folder: &Path, files: &[File]) -> Self {
        let mut module = Self { folder: folder.to_path_buf(), ..Self::default() };
        let names: Vec<&str> = files.iter().map(|file| name_of(&file.path)).collect();
        // OpenTofu reads `x.tofu` in place of `x.tf`.
        let shadowed = |name: &str| {
            let other = name
                .strip_suffix(".tf.json")
                .map(|stem| format!("{stem}.tofu.json"))
                .or_else(|| name.strip_suffix(".tf").map(|stem| format!("{stem}.tofu")));
            other.is_some_and(|other| names.contains(&other.as_str()))
        };
        let mut overrides = Vec::new();
        for file in files {
            let name = name_of(&file.path);
            if shadowed(name) {
                continue;
            }
            let source = sources.get(file.source);
            let body = if name.ends_with(".json") {
                hcl::parse_json(sources, file.source, source.text())
            } else {
                hcl::parse(file.source, source.text())
            };
            match body {
                Err(error) => module.errors.push((source.name().to_owned(), error)),
                Ok(body) if is_values(name) => module.give(name, &body),
                Ok(body) if is_override(name) => overrides.push(body),
                Ok(body) => module.add(&body, false),
            }
        }
        for body in overrides {
            module.add(&body, true);
        }
        module
    }

    /// Values of a `.tfvars` file. Later files win, `terraform.tfvars` comes first.
    fn give(&mut self, name: &str, body: &Body) {
        let first = name.starts_with("terraform.tfvars");
        for attribute in &body.attributes {
            let known = self.given.contains_key(&attribute.name.text);
            if !(first && known) {
                self.given.insert(attribute.name.text.clone(), Rc::clone(&attribute.value));
            }
        }
    }

    fn add(&mut self, body: &Body, over: bool) {
        for block in &body.blocks {
            match (&*block.kind.text, block.labels.as_slice()) {
                ("locals", []) => {
                    for local in &block.body.attributes {
                        self.locals.insert(local.name.text.clone(), Rc::clone(&local.value));
                    }
                }
                ("variable", [name]) => {
                    let body = match self.variables.get(&name.text) {
                        Some(known) if over => Rc::new(merged(known, &block.body)),
                        _ => Rc::clone(&block.body),
                    };
                    self.variables.insert(name.text.clone(), body);
                }
                ("output", [name]) => {
                    if let Some(value) = block.body.get("value") {
                        self.outputs.insert(name.text.clone(), Rc::clone(value));
                    }
                }
                ("resource", [kind, name]) => self.declare(block, false, &kind.text, name, over),
                ("data", [kind, name]) => self.declare(block, true, &kind.text, name, over),
                ("module", [name]) => self.declare(block, false, "", name, over),
                _ => {}
            }
        }
    }

    fn declare(&mut self, block: &Block, data: bool, kind: &str, name: &Name, over: bool) {
        let declared = Declared {
            data,
            kind: kind.into(),
            name: name.clone(),
            body: Rc::clone(&block.body),
            span: block.span,
        };
        let key = declared.key();
        let list = if kind.is_empty() { &mut self.calls } else { &mut self.resources };
        if let Some(known) = self.by_name.get(&key).and_then(|at| list.get_mut(*at)) {
            if over {
                known.body = Rc::new(merged(&known.body, &block.body));
            }
            return;
        }
        self.by_name.insert(key, list.len());
        list.push(declared);
    }
}

/// What an override file makes of a block: its attributes win, and its nested blocks replace all of
/// their kind (Terraform: *Override Files*).
fn merged(known: &Body, over: &Body) -> Body {
    let mut out = known.clone();
    out.attributes.retain(|attribute| over.get(&attribute.name.text).is_none());
    out.attributes.extend(over.attributes.iter().cloned());
    let kind = |block: &Block| match &*block.kind.text {
        "dynamic" => block.labels.first().map(|label| label.text.clone()),
        _ => Some(block.kind.text.clone()),
    };
    out.blocks.retain(|block| !over.blocks.iter().any(|other| kind(other) == kind(block)));
    out.blocks.extend(over.blocks.iter().cloned());
    out
}

pub(super) fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

fn is_values(name: &str) -> bool {
    name.ends_with(".tfvars") || name.ends_with(".tfvars.json")
}

fn is_override(name: &str) -> bool {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    let stem = stem.strip_suffix(".tf").or(stem.strip_suffix(".tofu")).unwrap_or(stem);
    stem == "override" || stem.ends_with("_override")
}
