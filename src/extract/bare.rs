//! Policies that stand by themselves: the document, or a list of documents.

use super::{Document, Extracted, Kind, Origin, awscli};
use crate::source::{SourceId, SourceMap};
use crate::syntax::json::{Lazy, LazyMap};
use crate::syntax::{HoleSyntax, Node, SyntaxError};

/// Whether a value is a policy or a list of them.
pub(super) fn is_bare(node: &Node) -> bool {
    node.get("Statement").is_some()
        || node.items().iter().any(|item| item.get("Statement").is_some())
}

/// The policies of a JSON object or list. What is none is not read. `entries` are those of an object.
pub(super) fn from_json(
    sources: &SourceMap,
    (root, entries): (Lazy<'_>, &LazyMap<'_>),
    out: &mut Extracted,
) -> Result<(), SyntaxError> {
    let file = root.span().source;
    let items = root.items()?;
    let mut answers = false;
    for item in &items {
        let entries = item.entries()?;
        if entries.get("Statement").is_some() {
            from_node(file, item.to_node(HoleSyntax::Template)?, out);
        } else {
            answers |= awscli::is_answer_lazy(&entries);
        }
    }
    if entries.get("Statement").is_some() {
        from_node(file, root.to_node(HoleSyntax::Template)?, out);
    } else if answers || awscli::is_answer_lazy(entries) {
        awscli::from_node(sources, file, &root.to_node(HoleSyntax::None)?, out);
    }
    Ok(())
}

/// The policies of a value that has been read.
pub(super) fn from_node(file: SourceId, node: Node, out: &mut Extracted) {
    if !node.items().is_empty() {
        // Only YAML comes here with a list.
        let items = node.items().iter().filter(|item| item.get("Statement").is_some());
        out.documents.extend(items.map(|item| document(file, item.clone())));
    } else if node.get("Statement").is_some() {
        out.documents.push(document(file, node));
    }
}

fn document(file: SourceId, node: Node) -> Document {
    let origin = Origin {
        file,
        address: None,
        kind: Kind::Bare,
        name: None,
        generated: false,
        beside: None,
    };
    Document { node, origin, when: Vec::new() }
}
