//! Policies of CloudFormation templates, in YAML and JSON, and what they are attached to.

mod attach;
mod resolve;
#[cfg(test)]
mod tests;

use attach::{Attachment, Managed};
use resolve::{Call, Resolver, call, substitute_all};

use super::{Document, Extracted, Kind, Origin, Role, Unreadable, is_queue_of_karpenter};
use crate::source::{SourceId, SourceMap};
use crate::syntax::json::LazyMap;
use crate::syntax::{self, HoleSyntax, Node, SyntaxError, Text, Value, json};

/// The keys under which resources keep a policy of their own.
const RESOURCE_POLICIES: [&str; 4] =
    ["PolicyDocument", "KeyPolicy", "ResourcePolicy", "RepositoryPolicyText"];

/// What a JSON template holds; false if the object is none. Of its resources, only those are read
/// that may hold a policy or make a role or queue.
pub(super) fn from_json(
    sources: &SourceMap,
    file: SourceId,
    entries: &LazyMap<'_>,
    out: &mut Extracted,
) -> Result<bool, SyntaxError> {
    let Some(resources) = entries.get("Resources").filter(|r| r.is_map() && r.holds("\"Type\""))
    else {
        return Ok(false);
    };
    let mut read = Vec::new();
    for (key, value) in resources.entries()?.pairs() {
        let wanted = ["Statement", "AWS::IAM::", "AWS::SQS::Queue", "AWS::Organizations::"];
        if wanted.iter().any(|word| value.holds(word)) {
            let id = key.as_str().unwrap_or_default().into_owned();
            read.push((id, value.to_node(HoleSyntax::None)?));
        }
    }
    Template::new(sources, file, out).read(read.iter().map(|(id, node)| (id.as_str(), node)));
    Ok(true)
}

/// What a template that has been read holds; false if the value is none.
pub(super) fn from_node(
    sources: &SourceMap,
    file: SourceId,
    node: &Node,
    out: &mut Extracted,
) -> bool {
    let Some(resources) = node.get("Resources").map(Node::entries) else {
        return false;
    };
    if !resources.iter().any(|entry| entry.value.get("Type").is_some()) {
        return false;
    }
    let resources: Vec<_> = resources.iter().map(|e| (e.key.display(), &e.value)).collect();
    Template::new(sources, file, out).read(resources.iter().map(|(id, node)| (id.as_str(), *node)));
    true
}

struct Template<'a> {
    file: SourceId,
    resolver: Resolver<'a>,
    out: &'a mut Extracted,
    managed: Vec<Managed>,
    attachments: Vec<Attachment>,
}

impl<'a> Template<'a> {
    fn new(sources: &'a SourceMap, file: SourceId, out: &'a mut Extracted) -> Self {
        let resolver = Resolver { sources, assumed: Vec::new() };
        Self { file, resolver, out, managed: Vec::new(), attachments: Vec::new() }
    }

    fn read<'n>(mut self, resources: impl Iterator<Item = (&'n str, &'n Node)>) {
        let mut queues = Vec::new();
        for (id, resource) in resources {
            let Some(kind) = resource.get("Type").and_then(Node::as_str) else {
                continue;
            };
            let Some(properties) = resource.get("Properties") else {
                if kind == "AWS::SQS::Queue" {
                    queues.push(id.to_owned());
                }
                continue;
            };
            match kind {
                "AWS::IAM::ManagedPolicy" => self.managed_policy(id, properties),
                "AWS::IAM::Policy" => self.inline_policy(id, properties),
                "AWS::IAM::RolePolicy" => self.role_policy(id, properties),
                "AWS::IAM::UserPolicy" | "AWS::IAM::GroupPolicy" => {
                    let name = self.text(properties, "PolicyName");
                    let of = if kind == "AWS::IAM::UserPolicy" { Kind::User } else { Kind::Group };
                    self.policy(id, properties, "PolicyDocument", of, name);
                }
                "AWS::IAM::Role" => self.role(id, properties),
                "AWS::IAM::User" => {
                    self.inline(id, properties, Kind::User);
                }
                "AWS::IAM::Group" => {
                    self.inline(id, properties, Kind::Group);
                }
                "AWS::Organizations::Policy" => self.organization_policy(id, properties),
                "AWS::SQS::Queue" => {
                    let name = self.text(properties, "QueueName").map(|name| name.display());
                    queues.push(format!("{id} {}", name.unwrap_or_default()));
                }
                _ => {
                    for key in RESOURCE_POLICIES {
                        if properties.get(key).is_some_and(may_be_policy) {
                            self.policy(id, properties, key, Kind::Resource, None);
                        }
                    }
                }
            }
        }
        self.attach();
        self.out.assumed.append(&mut self.resolver.assumed);
        let policies_of_karpenter = !self.out.documents.is_empty()
            && self.resolver.sources.get(self.file).text().to_lowercase().contains("karpenter");
        self.out.makes_queue |=
            queues.iter().any(|queue| policies_of_karpenter || is_queue_of_karpenter(queue));
    }

    fn managed_policy(&mut self, id: &str, properties: &Node) {
        let name = self.text(properties, "ManagedPolicyName");
        let kind = self.kind(properties, Kind::Managed);
        let document = self.policy(id, properties, "PolicyDocument", kind, name.clone());
        self.managed.push(Managed { id: id.to_owned(), name, document });
        self.attach_to_roles(properties, document);
    }

    fn inline_policy(&mut self, id: &str, properties: &Node) {
        let name = self.text(properties, "PolicyName");
        let kind = match self.kind(properties, Kind::Inline) {
            Kind::OtherPrincipal if properties.get("Users").is_some() => Kind::User,
            Kind::OtherPrincipal => Kind::Group,
            kind => kind,
        };
        let document = self.policy(id, properties, "PolicyDocument", kind, name);
        self.attach_to_roles(properties, document);
    }

    fn role_policy(&mut self, id: &str, properties: &Node) {
        let name = self.text(properties, "PolicyName");
        let document = self.policy(id, properties, "PolicyDocument", Kind::Inline, name);
        if let (Some(role), Some(document)) = (self.text(properties, "RoleName"), document) {
            self.attachments.push(Attachment::ToRole { role, document });
        }
    }

    /// A policy that is given only to users or groups binds no controller.
    fn kind(&self, properties: &Node, otherwise: Kind) -> Kind {
        let has = |key| properties.get(key).is_some();
        let others = has("Users") || has("Groups");
        if others && !has("Roles") { Kind::OtherPrincipal } else { otherwise }
    }

    fn attach_to_roles(&mut self, properties: &Node, document: Option<usize>) {
        let (Some(roles), Some(document)) = (properties.get("Roles"), document) else {
            return;
        };
        for role in self.texts(roles) {
            self.attachments.push(Attachment::ToRole { role, document });
        }
    }

    fn role(&mut self, id: &str, properties: &Node) {
        let name = self.text(properties, "RoleName");
        let trust = self.policy(id, properties, "AssumeRolePolicyDocument", Kind::Trust, None);
        let documents = self.inline(id, properties, Kind::Inline);
        let role = self.out.roles.len();
        self.out.roles.push(Role {
            address: id.to_owned(),
            name,
            documents,
            trust,
            ..Role::default()
        });
        if let Some(policies) = properties.get("ManagedPolicyArns") {
            for policy in self.texts(policies) {
                self.attachments.push(Attachment::Policy { role, policy });
            }
        }
        if let Some(policy) = self.text(properties, "PermissionsBoundary") {
            self.attachments.push(Attachment::Boundary { role, policy });
        }
    }

    /// The policies that stand in a role, user or group.
    fn inline(&mut self, id: &str, properties: &Node, kind: Kind) -> Vec<usize> {
        let Some(policies) = properties.get("Policies") else {
            return Vec::new();
        };
        let mut documents = Vec::new();
        for policy in self.items(policies) {
            let name = self.text(policy, "PolicyName");
            documents.extend(self.policy(id, policy, "PolicyDocument", kind, name));
        }
        documents
    }

    fn organization_policy(&mut self, id: &str, properties: &Node) {
        if properties.get("Type").and_then(Node::as_str) == Some("SERVICE_CONTROL_POLICY") {
            let name = self.text(properties, "Name");
            self.policy(id, properties, "Content", Kind::ServiceControl, name);
        }
    }

    /// Reads the policy under `key`; gives its index.
    fn policy(
        &mut self,
        id: &str,
        properties: &Node,
        key: &str,
        kind: Kind,
        name: Option<Text>,
    ) -> Option<usize> {
        let written = self.resolver.chosen(properties.get(key)?)?;
        let node = match (call(written), &written.value) {
            (Some(Call { name: "Sub", argument }), _) => self.sub(id, argument)?,
            (Some(other), _) => {
                let reason =
                    format!("its policy is made by `{}`, outside of the template", other.name);
                let address = id.to_owned();
                self.out.unreadable.push(Unreadable {
                    address,
                    span: written.span,
                    reason,
                    help: None,
                });
                return None;
            }
            (None, Value::String(text)) => self.embedded(id, text, HoleSyntax::None)?,
            (None, Value::Map(_)) => self.resolver.node(written)?,
            (None, _) => return None,
        };
        let address = Some(id.to_owned());
        let origin = Origin { file: self.file, address, kind, name, generated: false };
        self.out.documents.push(Document { node, origin });
        self.out.documents.len().checked_sub(1)
    }

    /// JSON text under `Sub`.
    fn sub(&mut self, id: &str, argument: &Node) -> Option<Node> {
        let (text, variables) = match argument.items() {
            [text, variables] => (text, self.resolver.variables(variables)),
            _ => (argument, Vec::new()),
        };
        let mut node = self.embedded(id, text.as_text()?, HoleSyntax::CfnSub)?;
        substitute_all(&mut node, &variables);
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

    /// The text under `key`.
    fn text(&mut self, properties: &Node, key: &str) -> Option<Text> {
        self.resolver.text(properties.get(key)?)
    }

    /// The items of a list that are there; a value that is no list is its only item.
    fn items<'n>(&mut self, list: &'n Node) -> Vec<&'n Node> {
        match self.resolver.chosen(list) {
            None => Vec::new(),
            Some(node) if matches!(node.value, Value::List(_)) && call(node).is_none() => {
                node.items().iter().filter_map(|item| self.resolver.chosen(item)).collect()
            }
            Some(node) => vec![node],
        }
    }

    fn texts(&mut self, list: &Node) -> Vec<Text> {
        let items = self.items(list);
        items.into_iter().filter_map(|item| self.resolver.text(item)).collect()
    }
}

/// Whether the value under a key that many resources use for other things is a policy.
fn may_be_policy(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => text.display().contains("Statement"),
        Value::Map(_) | Value::List(_) => {
            call(node).is_some_and(|call| call.name == "Sub") || node.get("Statement").is_some()
        }
        _ => false,
    }
}
