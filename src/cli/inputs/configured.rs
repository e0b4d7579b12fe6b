//! The controllers of the configuration, with the files that it names for each.

use std::path::{Path, PathBuf};

use super::Reader;
use crate::cli::manifests::BESIDE;
use crate::config::{Config, ControllerTable, Step};
use crate::controller::{DocumentKind, Explicit};
use crate::error::Error;
use crate::order;
use crate::source::paths::seen_from;

impl Reader<'_> {
    /// A controller of the configuration counts when one of its files was read; then all are.
    pub(super) fn controller(
        &mut self,
        (at, table): (usize, &ControllerTable),
        config: &Config,
        root: &Path,
        hook: bool,
    ) {
        let own = |key| [Step::Key("controller"), Step::Item(at), Step::Key(key)];
        let files: Vec<PathBuf> =
            table.policies.iter().flat_map(|pattern| expand(&config.root, pattern)).collect();
        if files.is_empty() {
            let name = &table.name;
            let patterns = table.policies.join("`, `");
            let (why, help) = match table.policies.as_slice() {
                [] => (String::new(), "policies = [\"iam/*.json\"]"),
                _ => (format!(": nothing matches `{patterns}`"), BESIDE),
            };
            let error = Error::usage(format!("controller `{name}` lists no file{why}"));
            let error = config.blame(self.sources, error.with_help(help), &own("policies"));
            self.out.errors.push(error);
            return;
        }
        if !files.iter().any(|file| self.place(file).is_some()) {
            return;
        }
        let mut explicit = Explicit { name: table.name.clone(), ..Explicit::default() };
        for file in &files {
            let range = match self.place(file) {
                Some(range) => range,
                None => self.more(&seen_from(file, root), root, hook),
            };
            let documents = range.filter(|&index| {
                self.out
                    .documents
                    .get(index)
                    .is_some_and(|document| document.kind == DocumentKind::Identity)
            });
            explicit.identity.extend(documents);
        }
        let beside = |name: &String| seen_from(&config.root.join(name), root);
        // What is not there is told where it is named: paths are taken from the folder of that file.
        let is_here = |reader: &mut Self, name: &String, steps: &[Step<'_>]| {
            let there = beside(name).is_file();
            if !there {
                let error =
                    Error::usage(format!("`{name}` of controller `{}` is not a file", table.name));
                let error = error.with_help("paths are taken from the folder of the configuration");
                reader.out.errors.push(config.blame(reader.sources, error, steps));
            }
            there
        };
        if let Some(boundary) = &table.boundary
            && is_here(self, boundary, &own("boundary"))
        {
            explicit.boundary = self
                .given(&beside(boundary), root, DocumentKind::Identity, "boundary")
                .first()
                .copied();
        }
        if let Some(trust) = &table.trust_policy
            && is_here(self, trust, &own("trust-policy"))
        {
            explicit.trust = self
                .given(&beside(trust), root, DocumentKind::Trust, "trust-policy")
                .first()
                .copied();
        }
        explicit.service_account.clone_from(&table.service_account);
        for (number, level) in table.scps.iter().enumerate() {
            let mut documents = Vec::new();
            for (place, file) in level.iter().enumerate() {
                let [first, second, third] = own("scps");
                if is_here(
                    self,
                    file,
                    &[first, second, third, Step::Item(number), Step::Item(place)],
                ) {
                    let kind = DocumentKind::ServiceControl;
                    documents.extend(self.given(&beside(file), root, kind, "scps"));
                }
            }
            let documents = self.complete(documents, &format!("level {}", number + 1));
            if !documents.is_empty() {
                explicit.service_control.push(documents);
            }
        }
        self.out.explicit.push(explicit);
    }
}

/// The files that a pattern of the configuration names, by canonical path.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let pattern = root.join(pattern);
    let Some(pattern) = pattern.to_str() else { return Vec::new() };
    let Ok(paths) = glob::glob(pattern) else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        paths.flatten().filter_map(|path| std::fs::canonicalize(path).ok()).collect();
    order::sort(&mut files);
    files
}
