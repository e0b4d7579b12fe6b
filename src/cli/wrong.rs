//! What is wrong with documents, looked for once for all versions.

use std::sync::{Mutex, PoisonError};

use crate::check::Told;
use crate::controller::Document;
use crate::finding::Finding;
use crate::source::Span;

/// What was found in a document, in any version, by what is told of it elsewhere. First comes what is wrong
/// where nothing is.
#[derive(Default)]
pub(super) struct Wrong(Mutex<Vec<(TellKey, Vec<Finding>)>>);

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
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_empty() {
            found.push((TellKey::new(), look(&Told::default())));
        }
        // Where nothing is wrong, nothing is in any version: what is told elsewhere only takes away.
        if found.first().is_some_and(|(_, found)| found.is_empty()) {
            return Vec::new();
        }
        let key = told.key(document);
        if let Some((_, known)) = found.iter().find(|(known, _)| *known == key) {
            return known.clone();
        }
        let new = look(told);
        found.push((key, new.clone()));
        new
    }
}
