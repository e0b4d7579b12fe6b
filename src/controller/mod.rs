//! Controllers: the documents that bind one principal. A verdict for one file would be wrong, since
//! a Karpenter role usually has several policies, limited by a boundary and service control
//! policies. This room groups; it asks nothing.

mod document;
mod group;

use crate::extract::Unseen;

pub(crate) use document::mentions;
pub use document::{Document, DocumentKind, load};
pub use group::{Explicit, Grouping, Unit, group, is_node_role};

/// The documents that bind one principal. Numbers index the list of all documents.
#[derive(Debug, Clone, Default)]
pub struct Controller {
    /// What to call it: the name given, the role's address, or the file.
    pub name: String,
    /// Identity documents, united.
    pub identity: Vec<usize>,
    /// The permissions boundary, if there is one whose text is here.
    pub boundary: Option<usize>,
    /// Levels of service control policies, the root first.
    pub service_control: Vec<Vec<usize>>,
    /// Attached policies whose text is not here.
    pub unseen: Vec<Unseen>,
    /// A boundary whose text is not here.
    pub unseen_boundary: Option<Unseen>,
    /// Address of the role, if the input describes it.
    pub role: Option<String>,
    /// The trust policy of the role, if it is here.
    pub trust: Option<usize>,
    /// `namespace/name` of the service account, if the configuration says so.
    pub service_account: Option<String>,
    /// Whether the input makes an interruption queue.
    pub makes_queue: bool,
    /// Why these documents were joined, for people.
    pub joined: Option<String>,
}

impl Controller {
    /// Every document: identity, boundary, service control policies.
    pub fn all_documents(&self) -> impl Iterator<Item = usize> + '_ {
        let limits = self.boundary.iter().chain(self.service_control.iter().flatten());
        self.identity.iter().chain(limits).copied()
    }
}
