//! What a module names outside of itself: the folders of the modules that it calls, the files that it reads.

use std::path::Path;
use std::rc::Rc;

use super::files::Found;
use super::module::{Declared, File, Module};
use super::scope::{Instance, Scope, World, path};
use super::value::{Kind, Val};
use crate::source::{SourceId, Span};
use crate::syntax::SyntaxError;

/// How deep modules may call modules.
const MAX_MODULES: usize = 24;

/// How many modules one root may come to.
const MAX_INSTANCES: usize = 4096;

impl World<'_> {
    /// The module that a call means, if it is here.
    pub(super) fn called(&self, instance: &Rc<Instance>, call: &Declared) -> Option<Rc<Module>> {
        if instance.level >= MAX_MODULES || self.instances.borrow().len() >= MAX_INSTANCES {
            return None;
        }
        let source = call.body.get("source")?;
        let written = self.eval(source, &Scope::root(instance)).as_text()?;
        let local = written.starts_with("./") || written.starts_with("../");
        let folder = if local {
            instance.module.folder.join(&written)
        } else {
            let key = path(&instance.path, &call.name.text);
            match self.installed.get(&key) {
                Some(folder) => self.folder.join(folder),
                None => {
                    self.not_here(call, &written, "is not here: run `terraform init`", source.span);
                    return None;
                }
            }
        };
        match self.files.allowed(&folder) {
            Ok(folder) if instance.is_within(&folder) => {
                let file = self.sources.get(self.sources.to_file(source.span).source);
                let (name, file) = (&call.name.text, file.name());
                self.note(format!(
                    "module `{name}` of {file} calls itself in a circle, which Terraform refuses"
                ));
                None
            }
            Ok(folder) if folder.is_dir() => Some(self.load(&folder)),
            Err(Found::Outside) => {
                self.not_here(call, &written, "lies outside of what was given", source.span);
                None
            }
            _ => {
                self.not_here(call, &written, "is not here", source.span);
                None
            }
        }
    }

    /// What may hold the policies of Karpenter is always worth a word, anything else where nothing is found.
    fn not_here(&self, call: &Declared, written: &str, why: &str, span: Span) {
        let names = |text: &str| text.to_ascii_lowercase().contains("karpenter");
        let file = self.sources.get(self.sources.to_file(span).source).name().to_owned();
        let note = format!("passed over module `{}` of {file}: `{written}` {why}", call.name.text);
        if names(written) || names(&call.name.text) {
            self.note(note);
        } else {
            let mut out = self.out.borrow_mut();
            if !out.away.contains(&note) {
                out.away.push(note);
            }
        }
    }

    /// Says something about the run, once.
    fn note(&self, note: String) {
        let mut out = self.out.borrow_mut();
        if !out.notes.contains(&note) {
            out.notes.push(note);
        }
    }

    fn load(&self, folder: &Path) -> Rc<Module> {
        if let Some(known) = self.modules.borrow().get(folder) {
            return Rc::clone(known);
        }
        let files = self.files.listing(folder);
        let files: Vec<File> = files
            .into_iter()
            .filter_map(|path| match self.files.read(self.sources, &path) {
                Found::Text(source) => Some(File { path, source }),
                _ => None,
            })
            .collect();
        let module = Rc::new(Module::read(self.sources, folder, &files));
        self.out.borrow_mut().errors.extend(module.errors.iter().cloned());
        self.modules.borrow_mut().insert(folder.to_path_buf(), Rc::clone(&module));
        module
    }

    /// The text of a file that an expression names; told if it lies outside.
    pub(super) fn file(&self, scope: &Scope, name: &Val) -> Option<SourceId> {
        let written = name.as_text()?;
        let candidates = [self.folder.join(&written), scope.instance.module.folder.join(&written)];
        let mut outside = false;
        for path in &candidates {
            match self.files.read(self.sources, path) {
                Found::Text(source) => {
                    if let Ok(path) = self.files.allowed(path) {
                        self.files.consumed.borrow_mut().push(path);
                    }
                    return Some(source);
                }
                Found::Outside => outside = true,
                Found::Missing | Found::Unreadable => {}
            }
        }
        if outside {
            let span = match &name.kind {
                Kind::Text(text) => text.span,
                _ => name.span,
            };
            let error = SyntaxError {
                span,
                message: format!(
                    "`{written}` lies outside of the folders that were given, so it is not read"
                ),
                help: Some("give the folder that holds both, or move the file into it".to_owned()),
            };
            let mut out = self.out.borrow_mut();
            if !out.outside.contains(&error) {
                out.outside.push(error);
            }
        }
        None
    }
}
