//! How a policy of a template would get a second one beside it.

use super::Template;
use crate::extract::{Beside, InRole, Inline, Resource};
use crate::syntax::{Entry, Node, Text, Value};

impl Template<'_> {
    /// A managed policy, or an inline one with a resource of its own.
    pub(super) fn beside_resource(
        &mut self,
        document: Option<usize>,
        (key, resource): (&Text, &Node),
        inline: Option<Inline>,
    ) {
        let names_roles = resource.get("Properties").is_some_and(|properties| {
            properties.get("Roles").or_else(|| properties.get("RoleName")).is_some()
        });
        let references = Vec::new();
        let own =
            Resource { key: key.clone(), whole: resource.span, names_roles, references, inline };
        self.set_beside(document, Beside::Resource(own));
    }

    /// A policy in the list of a role.
    pub(super) fn beside_role(
        &mut self,
        document: usize,
        (key, role): (&Text, &Node),
        policy: &Node,
    ) {
        let wanted = |entry: &&Entry| entry.key.as_literal() == Some("PolicyDocument");
        let Some(entry) = entries(policy).iter().find(wanted) else { return };
        let own = InRole {
            key: key.clone(),
            whole: role.span,
            document: entry.key.clone(),
            value: entry.value.span,
        };
        self.set_beside(Some(document), Beside::InRole(own));
    }

    fn set_beside(&mut self, document: Option<usize>, beside: Beside) {
        let Some(found) = document.and_then(|at| self.out.documents.get_mut(at)) else { return };
        let beside = match self.around.is_empty() {
            true => beside,
            false => Beside::Not("a condition decides whether it is made".to_owned()),
        };
        found.origin.beside = Some(Box::new(beside));
    }
}

/// What of an inline policy a managed one has otherwise.
pub(super) fn inline(resource: &Node) -> Option<Inline> {
    let kind = resource.get("Type")?.as_text()?.clone();
    let properties = entries(resource.get("Properties")?);
    let is = |entry: &Entry, name: &str| entry.key.as_literal() == Some(name);
    let spans = properties.iter().map(|Entry { key, value }| (key.span, value.span));
    let role = properties.iter().find(|entry| is(entry, "RoleName"));
    Some(Inline {
        kind,
        properties: spans.collect(),
        name: properties.iter().position(|entry| is(entry, "PolicyName")),
        role: role.map(|entry| (entry.key.clone(), entry.value.span)),
    })
}

fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}
