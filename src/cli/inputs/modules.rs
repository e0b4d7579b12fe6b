//! Terraform modules to documents and units: one unit a root module.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use super::{Holding, Reader, too_large};
use crate::controller::load;
use crate::error::Error;
use crate::extract::Extracted;
use crate::extract::terraform::Terraform;
use crate::source::{Collected, ModuleFolder, Span};

/// Words that make a file that does not parse worth an error, where nobody named it.
const WORDS: [&str; 2] = ["Statement", "aws_iam_policy_document"];

impl Reader<'_> {
    /// Evaluates the modules among what was read.
    pub(super) fn modules<'c>(
        &mut self,
        collected: &'c Collected,
        holding: &mut Holding<'c>,
    ) -> Terraform {
        let base = std::env::current_dir().unwrap_or_default();
        let mut roots = collected.roots.clone();
        // Whoever works in a folder has given all of it.
        roots.extend(self.memory.map(|_| base.clone()));
        let mut terraform = Terraform::new(&roots, &base, &self.variables);
        terraform.replace(self.texts);
        terraform.hold(self.memory.map(super::Memory::held));
        self.out.files += collected.modules.iter().map(|module| module.files.len()).sum::<usize>();
        let mut children: HashSet<PathBuf> = HashSet::new();
        for (at, evaluated) in terraform.evaluate(self.sources, &collected.modules) {
            let Some(folder) = collected.modules.get(at) else { continue };
            let mut holds = false;
            for (_, error) in evaluated.errors {
                let text = self.sources.get(error.span.source);
                let worth = WORDS.iter().any(|word| text.text().contains(word));
                if folder.named || worth {
                    // What stops a module may stand in the file of one that it calls.
                    let mut stopped = Error::at(self.sources, error.span, error.message);
                    stopped.help = error.help;
                    if !self.out.errors.contains(&stopped) {
                        self.out.errors.push(stopped);
                    }
                    holds = true;
                }
            }
            for note in evaluated.notes {
                if !self.out.notes.contains(&note) {
                    self.out.notes.push(note);
                }
            }
            for outside in evaluated.outside {
                if !self.out.outside.contains(&outside) {
                    self.out.outside.push(outside);
                }
            }
            let extracted = evaluated.extracted;
            holds |= !extracted.documents.is_empty()
                || !extracted.unreadable.is_empty()
                || !extracted.broken.is_empty();
            let name = self.name_of(&extracted, folder);
            if let Some(error) = too_large(&extracted, self.sources) {
                self.out.errors.push(error);
                continue;
            }
            if holds {
                holding.mark(folder.given, &folder.shown);
                children.extend(evaluated.children);
            } else {
                let away = evaluated.away.into_iter();
                away.for_each(|reason| holding.miss(folder.given, reason));
            }
            let documents = load(self.sources, &extracted);
            let range = self.keep(extracted, documents, &name, folder.named);
            for file in &folder.files {
                self.unplaced.push((file.path.clone(), range.clone()));
            }
        }
        // What is judged as a part of another module was not looked at in vain.
        for folder in &collected.modules {
            if children.is_empty() || !holding.lacks(folder.given) || !self.speaks(folder) {
                continue;
            }
            if std::fs::canonicalize(&folder.path).is_ok_and(|path| children.contains(&path)) {
                holding.mark(folder.given, &folder.shown);
            }
        }
        terraform
    }

    /// Whether a folder's files have to do with policies.
    fn speaks(&self, folder: &ModuleFolder) -> bool {
        folder.files.iter().any(|file| {
            let source = self.sources.get(file.source);
            ["Statement", "aws_iam_"].iter().any(|word| source.text().contains(word))
        })
    }

    /// What to call a module: its only file with a policy, else the folder.
    fn name_of(&self, extracted: &Extracted, folder: &ModuleFolder) -> String {
        let document = |span: Span| self.sources.to_file(span).source;
        let mut files: BTreeSet<_> =
            extracted.documents.iter().map(|found| found.origin.file).collect();
        files.extend(extracted.unreadable.iter().map(|found| document(found.span)));
        let own = |file: &&crate::source::ModuleFile| files.contains(&file.source);
        match folder.files.iter().find(own) {
            Some(file) if files.len() == 1 => self.sources.get(file.source).name().to_owned(),
            _ => format!("{}/", folder.shown.trim_end_matches('/')),
        }
    }
}
