//! What is wrong with documents, looked for once for all versions.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::check::Told;
use crate::controller::Document;
use crate::finding::Finding;
use crate::source::Span;

/// What was found in a document, in any version.
#[derive(Default)]
pub(super) struct Wrong {
    /// Whether nothing is, with nothing told of it elsewhere.
    nothing: OnceLock<bool>,
    /// By what is told of it elsewhere.
    found: Mutex<Vec<(TellKey, Vec<Finding>)>>,
}

/// What findings about a document are, as far as others hang on it.
type TellKey = Vec<(&'static str, Vec<Span>, Vec<String>)>;

impl Wrong {
    /// What `look` finds, or found in another version.
    pub(super) fn look(
        &self,
        document: &Document,
        told: &Told,
        look: &dyn Fn(&Told) -> Vec<Finding>,
    ) -> Vec<Finding> {
        // Where nothing is wrong, nothing is in any version: what is told elsewhere only takes away.
        if *self.nothing.get_or_init(|| look(&Told::default()).is_empty()) {
            return Vec::new();
        }
        let key = told.key(document);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = found.iter().find(|(known, _)| *known == key) {
            return known.clone();
        }
        let new = look(told);
        found.push((key, new.clone()));
        new
    }
}
