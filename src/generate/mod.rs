//! Makes the least policy for an installation: of every authorisation question that its Karpenter puts
//! to AWS a grant, as narrow as the question, and of the grants as few statements as say no more.
//!
//! This room knows what Karpenter asks, and how policies are written; it knows nothing of arguments.

mod against;
mod atoms;
mod data;
mod group;
pub mod probe;
mod statement;
mod surroundings;
pub mod write;

pub use against::{Against, Beyond, Lack, against};
pub use statement::{Document, DocumentKind, Line, Statement};
pub use surroundings::{Trust, node_role, node_role_name, queue_policy, trust_policy};

use crate::karpenter::{Need, Rules, needs};
use crate::policy::symbolic::Symbols;
use crate::settings::Settings;

/// What came out of [`generate`].
#[derive(Debug, Clone)]
pub struct Generated<'r> {
    /// The policies, in the order in which they are written.
    pub documents: Vec<Document>,
    /// What Karpenter asks.
    pub needs: Vec<Need<'r>>,
    /// Names of what is not known, those of the requests included.
    pub symbols: Symbols,
}

/// The least policy for `settings`: one document, or the policies of upstream's template with `split`.
#[must_use]
pub fn generate<'r>(
    rules: &'r Rules,
    settings: &Settings,
    symbols: &Symbols,
    split: bool,
) -> Generated<'r> {
    let mut symbols = symbols.clone();
    let needs = needs(rules, settings, &mut symbols);
    let atoms = atoms::atoms(rules, settings, &needs);
    let how = group::How { split, dense: data::data().is_dense(settings.karpenter) };
    let statements = group::group(atoms, how);
    let documents = statement::documents(statements, settings, split);
    Generated { documents, needs, symbols }
}
