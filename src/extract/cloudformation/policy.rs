//! The policy documents of a template: maps, text, and what calls make of either.

use super::Template;
use super::resolve::{Call, call};
use crate::extract::{Document, Kind, Origin, Unreadable};
use crate::source::Span;
use crate::syntax::{self, HoleSyntax, Node, Text, Value, json};

impl Template<'_> {
    /// Reads the policy under `key`; gives its index.
    pub(super) fn policy(
        &mut self,
        id: &str,
        properties: &Node,
        key: &str,
        kind: Kind,
        name: Option<Text>,
    ) -> Option<usize> {
        self.document(id, properties.get(key)?, kind, name)
    }

    /// Reads a policy; gives its index.
    pub(super) fn document(
        &mut self,
        id: &str,
        written: &Node,
        kind: Kind,
        name: Option<Text>,
    ) -> Option<usize> {
        // A text has no branches that could be told apart.
        let mut ways = Vec::new();
        self.resolver.branches(written, &mut Vec::new(), &mut ways);
        let is_map = |node: &Node| call(node).is_none() && matches!(node.value, Value::Map(_));
        let (node, when) = if ways.iter().all(|(_, node)| is_map(node)) {
            let (mut node, when) = self.resolver.document(written)?;
            self.as_if_under_sub(&mut node, false);
            (node, when)
        } else {
            (self.written(id, self.resolver.chosen(written)?)?, Vec::new())
        };
        let address = Some(id.to_owned());
        let origin = Origin {
            file: self.file,
            address,
            kind,
            name,
            generated: self.generated,
            beside: None,
        };
        self.out.documents.push(Document { node, origin, when });
        self.out.documents.len().checked_sub(1)
    }

    /// A policy that is written as text, or made by a call.
    fn written(&mut self, id: &str, written: &Node) -> Option<Node> {
        match (call(written), &written.value) {
            (Some(Call { name: "Sub", argument }), _) => self.sub(id, argument),
            (Some(Call { name: "ToJsonString", argument }), _) => self.resolver.node(argument),
            (Some(Call { name: "Join", .. }), _) => {
                let read = self.resolver.joined(id, written)?;
                read.map_err(|error| self.out.broken.push(error)).ok()
            }
            (Some(call), _) => {
                if call.name == "GetAtt"
                    && let Some(kept) = self.resolver.kept_json(call.argument)
                {
                    return Some(kept);
                }
                self.made_outside(id, &call, written.span);
                None
            }
            (None, Value::String(text)) if self.is_meant_for_sub(text) => {
                let mut node = self.embedded(id, text, HoleSyntax::CfnSub)?;
                self.as_if_under_sub(&mut node, true);
                Some(node)
            }
            (None, Value::String(text)) => self.embedded(id, text, HoleSyntax::None),
            (None, Value::Map(_)) => self.resolver.node(written),
            (None, _) => None,
        }
    }

    /// Tells a policy that a call makes; there is no document of it.
    pub(super) fn made_outside(&mut self, id: &str, call: &Call<'_>, span: Span) -> Option<usize> {
        let reason = format!("its policy is made by `{}`, outside of the template", call.name);
        let address = id.to_owned();
        let found = Unreadable { address, span, reason, help: None, left_out: false };
        self.out.unreadable.push(found);
        None
    }

    /// JSON text under `Sub`.
    fn sub(&mut self, id: &str, argument: &Node) -> Option<Node> {
        let (text, variables) = match argument.items() {
            [text, variables] => (text, self.resolver.variables(variables)),
            _ => (argument, Vec::new()),
        };
        let mut node = self.embedded(id, text.as_text()?, HoleSyntax::CfnSub)?;
        self.resolver.substitute_all(&mut node, &variables);
        Some(node)
    }

    /// A policy that is written as JSON inside of a string.
    fn embedded(&mut self, id: &str, text: &Text, holes: HoleSyntax) -> Option<Node> {
        let child = syntax::embed(self.resolver.sources, text, Some(id));
        let source = self.resolver.sources.get(child);
        match json::parse(child, source.text(), holes) {
            Ok(node) => Some(node),
            Err(error) => {
                self.out.broken.push(error);
                None
            }
        }
    }
}

/// Whether the value under a key that many resources use for other things is a policy.
pub(super) fn may_be_policy(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => text.display().contains("Statement"),
        Value::Map(_) | Value::List(_) => {
            call(node).is_some_and(|call| matches!(call.name, "Sub" | "Join"))
                || node.get("Statement").is_some()
        }
        _ => false,
    }
}
