//! What is left of an earlier reading, for who looks at the same files again and again; and which files
//! somebody wants to hear of.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::FileRead;
use crate::controller::{Controller, Document};
use crate::source::{Held, Named, SourceId, SourceMap, is_module_file};

/// Texts that were read, and what was found in them.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    held: Arc<Held>,
    /// By the text, and whether its file was named: that changes what is looked for.
    files: Mutex<HashMap<(SourceId, bool), Arc<FileRead>>>,
}

impl Memory {
    /// The texts.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held)
    }

    pub(super) fn known(&self, file: &Named) -> Option<FileRead> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(&(file.id, file.named)).map(|known| FileRead::clone(known))
    }

    pub(super) fn learn(&self, file: &Named, read: FileRead) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert((file.id, file.named), Arc::new(read));
    }

    /// Drops all texts but those that are held, those that were found in them, and the `first` ones of the map.
    pub(crate) fn tidy(&self, sources: &SourceMap, first: &BTreeSet<SourceId>) {
        let held: BTreeSet<SourceId> = self.held.texts().into_iter().collect();
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|(id, _), _| held.contains(id));
        let read: BTreeSet<SourceId> = files.keys().map(|(id, _)| *id).collect();
        // The parts of a file that is read anew each time were made anew as well.
        sources.retain(|file, is_part| {
            first.contains(&file)
                || if is_part { read.contains(&file) } else { held.contains(&file) }
        });
    }
}

/// The names of the files that somebody looks at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Focus(BTreeSet<String>);

impl Focus {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether a document stands in one of the files, or in a module with one.
    pub(crate) fn on(&self, document: &Document) -> bool {
        let of_module = |name: &str| {
            let name = Path::new(name).file_name().and_then(|name| name.to_str());
            name.is_some_and(is_module_file)
        };
        self.0.contains(&document.file)
            || of_module(&document.file) && self.0.iter().any(|name| of_module(name))
    }

    /// Whether any document of a controller is looked at.
    pub(crate) fn on_any(&self, controller: &Controller, documents: &[Document]) -> bool {
        controller.all_documents().filter_map(|index| documents.get(index)).any(|one| self.on(one))
    }
}
