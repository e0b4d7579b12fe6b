//! Policies that stand by themselves: the document, a list of documents, or what the AWS CLI wraps
//! around one.

use super::{Document, Extracted, Kind, Origin, Role};
use crate::source::SourceId;
use crate::syntax::json::Lazy;
use crate::syntax::{HoleSyntax, Node, SyntaxError, Text};

/// What the AWS CLI puts a policy under.
const WRAPPERS: [&str; 2] = ["PolicyVersion", "PolicyDocument"];

/// Whether a value is a policy or wraps one.
pub(super) fn is_bare(node: &Node) -> bool {
    node.get("Statement").is_some()
        || WRAPPERS.iter().any(|key| node.get(key).is_some())
        || node.items().iter().any(|item| item.get("Statement").is_some())
}

/// The policies of a JSON object or list. What is none is not read.
pub(super) fn from_json(root: Lazy<'_>, out: &mut Extracted) -> Result<(), SyntaxError> {
    let file = root.span().source;
    for item in root.items()? {
        if item.is_map() && item.entries()?.get("Statement").is_some() {
            from_node(file, item.to_node(HoleSyntax::Template)?, out);
        }
    }
    let entries = root.entries()?;
    if entries.get("Statement").is_some() {
        from_node(file, root.to_node(HoleSyntax::Template)?, out);
    } else if WRAPPERS.iter().any(|key| entries.get(key).is_some()) {
        // What AWS gave back has no placeholders left.
        from_node(file, root.to_node(HoleSyntax::None)?, out);
    }
    Ok(())
}

/// The policies of a value that has been read.
pub(super) fn from_node(file: SourceId, node: Node, out: &mut Extracted) {
    if !node.items().is_empty() {
        // Only YAML comes here with a list.
        let items = node.items().iter().filter(|item| item.get("Statement").is_some());
        out.documents.extend(items.map(|item| document(file, item.clone(), Kind::Bare, None)));
    } else if node.get("Statement").is_some() {
        out.documents.push(document(file, node, Kind::Bare, None));
    } else if let Some(policy) = node.get("PolicyVersion").and_then(|v| v.get("Document")) {
        out.documents.push(document(file, policy.clone(), Kind::Managed, None));
    } else if let Some(policy) = node.get("PolicyDocument") {
        let name = node.get("PolicyName").and_then(Node::as_text);
        let kind = if node.get("RoleName").is_some() {
            Kind::Inline
        } else if node.get("UserName").is_some() || node.get("GroupName").is_some() {
            Kind::OtherPrincipal
        } else {
            Kind::Bare
        };
        if let Some(role) = node.get("RoleName").and_then(Node::as_text) {
            let role = Role {
                address: role.display(),
                name: Some(role.clone()),
                documents: vec![out.documents.len()],
                ..Role::default()
            };
            out.roles.push(role);
        }
        out.documents.push(document(file, policy.clone(), kind, name));
    }
}

fn document(file: SourceId, node: Node, kind: Kind, name: Option<&Text>) -> Document {
    let origin = Origin { file, address: None, kind, name: name.cloned(), generated: false };
    Document { node, origin, when: Vec::new() }
}
