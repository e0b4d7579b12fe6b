//! Policies of Kubernetes-style YAML: Crossplane and ACK resources with what they are attached to,
//! eksctl's `ClusterConfig`, and policy text or maps in any other field.

mod attach;
mod eksctl;
#[cfg(test)]
mod tests;

use attach::{End, Link, Policy, Subject};

use super::{Document, Extracted, Kind, Origin, Role, Unseen};
use crate::source::{SourceId, SourceMap};
use crate::syntax::{self, Entry, HoleSyntax, Node, Text, Value, json};

/// Lists in lists in lists: what goes deeper is no manifest.
const MAX_DEPTH: usize = 32;

/// The API groups of Crossplane's AWS providers.
const CROSSPLANE: [&str; 3] =
    ["iam.aws.upbound.io", "iam.aws.m.upbound.io", "iam.aws.crossplane.io"];

/// The API group of AWS Controllers for Kubernetes.
const ACK: &str = "iam.services.k8s.aws";

/// What the documents of one file hold.
pub(super) struct Manifests<'a> {
    sources: &'a SourceMap,
    file: SourceId,
    out: &'a mut Extracted,
    policies: Vec<Policy>,
    subjects: Vec<Subject>,
    links: Vec<Link>,
}

impl<'a> Manifests<'a> {
    pub(super) fn new(sources: &'a SourceMap, file: SourceId, out: &'a mut Extracted) -> Self {
        let (policies, subjects, links) = Default::default();
        Self { sources, file, out, policies, subjects, links }
    }

    /// Reads one document of the file.
    pub(super) fn read(&mut self, node: &Node) {
        self.object(node, 0);
    }

    fn object(&mut self, node: &Node, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let word = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
        let (version, kind) = (word("apiVersion"), word("kind"));
        let group = version.split('/').next().unwrap_or_default();
        let spec = node.get("spec");
        match (kind, spec) {
            ("List", _) => {
                let items = node.get("items").map_or(&[][..], Node::items);
                items.iter().for_each(|item| self.object(item, depth + 1));
            }
            (_, Some(spec)) if CROSSPLANE.contains(&group) => {
                let object = Object::new(node);
                // What is late-initialised stands beside what is enforced.
                let both = [spec.get("forProvider"), spec.get("initProvider")];
                for provider in both.into_iter().flatten() {
                    self.crossplane(kind, &object, provider);
                }
            }
            (_, Some(spec)) if group == ACK => self.ack(kind, &Object::new(node), spec),
            ("ClusterConfig", _) if group == "eksctl.io" => self.eksctl(node),
            // What is composed stands under `base`, wherever the function wants it.
            ("Composition", Some(spec)) => self.bases(spec, depth + 1),
            _ => {
                let address = match (kind, Object::new(node).name) {
                    ("", _) => None,
                    (kind, Some(name)) => Some(format!("{kind}/{}", name.display())),
                    (kind, None) => Some(kind.to_owned()),
                };
                self.anywhere(node, address.as_deref(), depth);
            }
        }
    }

    fn bases(&mut self, node: &Node, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for Entry { key, value } in node.entries() {
            match key.as_literal() {
                Some("base") => self.object(value, depth + 1),
                _ => self.bases(value, depth + 1),
            }
        }
        node.items().iter().for_each(|item| self.bases(item, depth + 1));
    }

    fn crossplane(&mut self, kind: &str, object: &Object, provider: &Node) {
        let get = |keys: &[&str]| keys.iter().find_map(|key| provider.get(key));
        match kind {
            "Policy" => {
                let Some(policy) = get(&["policy", "document"]) else { return };
                let name = get(&["name"]).and_then(Node::as_text).or(object.external.as_ref());
                let name = name.or(object.name.as_ref()).cloned();
                let document = self.policy(policy, Kind::Managed, object, kind, name);
                self.policies.push(Policy::new(object, document));
            }
            "RolePolicy" => {
                let Some(policy) = get(&["policy", "document"]) else { return };
                let name = object.name.clone();
                let document = self.policy(policy, Kind::Inline, object, kind, name);
                let role = End::new(
                    provider,
                    &["role", "roleName"],
                    &["roleRef", "roleNameRef"],
                    &["roleSelector", "roleNameSelector"],
                );
                if let (Some(document), Some(role)) = (document, role) {
                    self.links.push(Link { role, policy: Err(document) });
                }
            }
            "Role" => {
                let trust = get(&["assumeRolePolicy", "assumeRolePolicyDocument"])
                    .and_then(|trust| self.policy(trust, Kind::Trust, object, kind, None));
                let mut documents = Vec::new();
                for inline in get(&["inlinePolicy"]).map_or(&[][..], Node::items) {
                    let name = inline.get("name").and_then(Node::as_text).cloned();
                    if let Some(policy) = inline.get("policy") {
                        documents.extend(self.policy(policy, Kind::Inline, object, kind, name));
                    }
                }
                let boundary = get(&["permissionsBoundary"]);
                let index = self.role(object, kind, trust, documents);
                self.attached(index, get(&["managedPolicyArns"]), boundary);
            }
            "RolePolicyAttachment" => {
                let role = End::new(
                    provider,
                    &["role", "roleName"],
                    &["roleRef", "roleNameRef"],
                    &["roleSelector", "roleNameSelector"],
                );
                let policy =
                    End::new(provider, &["policyArn"], &["policyArnRef"], &["policyArnSelector"]);
                if let (Some(role), Some(policy)) = (role, policy) {
                    self.links.push(Link { role, policy: Ok(policy) });
                }
            }
            _ => {
                let address = object.address(kind);
                self.anywhere(provider, Some(&address), 0);
            }
        }
    }

    /// AWS Controllers for Kubernetes (ACK API reference, *iam*).
    fn ack(&mut self, kind: &str, object: &Object, spec: &Node) {
        let name = spec.get("name").and_then(Node::as_text).or(object.name.as_ref()).cloned();
        match kind {
            "Policy" => {
                let Some(policy) = spec.get("policyDocument") else { return };
                let document = self.policy(policy, Kind::Managed, object, kind, name);
                self.policies.push(Policy::new(object, document));
            }
            "Role" => {
                let trust = spec
                    .get("assumeRolePolicyDocument")
                    .and_then(|trust| self.policy(trust, Kind::Trust, object, kind, None));
                let mut documents = Vec::new();
                for Entry { key, value } in
                    spec.get("inlinePolicies").map_or(&[][..], Node::entries)
                {
                    let name = Some(key.clone());
                    documents.extend(self.policy(value, Kind::Inline, object, kind, name));
                }
                let index = self.role(object, kind, trust, documents);
                let references = spec.get("policyRefs").map_or(&[][..], Node::items).iter();
                let boundary = spec.get("permissionsBoundaryRef");
                for (reference, is_boundary) in
                    references.map(|r| (r, false)).chain(boundary.map(|b| (b, true)))
                {
                    let named = reference.get("from").and_then(|from| from.get("name"));
                    if let Some(text) = named.and_then(Node::as_text).cloned() {
                        let (role, policy) = (End::Index(index), End::Named(text));
                        self.link(role, policy, is_boundary);
                    }
                }
                self.attached(index, spec.get("policies"), spec.get("permissionsBoundary"));
            }
            _ => self.anywhere(spec, Some(&object.address(kind)), 0),
        }
    }

    /// A role of its own; gives its index.
    fn role(
        &mut self,
        object: &Object,
        kind: &str,
        trust: Option<usize>,
        documents: Vec<usize>,
    ) -> usize {
        let index = self.out.roles.len();
        let name = object.external.clone().or(object.name.clone());
        let address = object.address(kind);
        self.out.roles.push(Role { address, name, trust, documents, ..Role::default() });
        self.subjects.push(Subject::new(object, index));
        index
    }

    /// Policies that are attached to a role by their ARNs.
    fn attached(&mut self, role: usize, arns: Option<&Node>, boundary: Option<&Node>) {
        for arn in arns.map_or(&[][..], Node::items) {
            if let Some(arn) = arn.as_text() {
                self.link(End::Index(role), End::Value(arn.clone()), false);
            }
        }
        if let Some(arn) = boundary.and_then(Node::as_text) {
            self.link(End::Index(role), End::Value(arn.clone()), true);
        }
    }

    fn link(&mut self, role: End, policy: End, is_boundary: bool) {
        let role = if is_boundary { End::Limited(Box::new(role)) } else { role };
        self.links.push(Link { role, policy: Ok(policy) });
    }

    /// Policies in a document of which nothing is known.
    fn anywhere(&mut self, node: &Node, address: Option<&str>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let is_policy = match &node.value {
            Value::Map(_) => node.get("Statement").is_some_and(|statement| {
                let first = statement.items().first().unwrap_or(statement);
                first.get("Effect").is_some()
            }),
            Value::String(text) => holds_policy(text),
            _ => false,
        };
        if is_policy {
            self.document(node, Kind::Bare, address.map(str::to_owned), None);
            return;
        }
        node.items().iter().for_each(|item| self.anywhere(item, address, depth + 1));
        node.entries().iter().for_each(|e| self.anywhere(&e.value, address, depth + 1));
    }

    fn policy(
        &mut self,
        node: &Node,
        kind: Kind,
        object: &Object,
        of: &str,
        name: Option<Text>,
    ) -> Option<usize> {
        self.document(node, kind, Some(object.address(of)), name)
    }

    /// Reads a policy that is a map, or JSON in a text; gives its index.
    fn document(
        &mut self,
        node: &Node,
        kind: Kind,
        address: Option<String>,
        name: Option<Text>,
    ) -> Option<usize> {
        let node = match &node.value {
            Value::Map(_) => cut(self.sources, node),
            Value::String(text) => {
                let child = syntax::embed(self.sources, text, address.as_deref());
                let source = self.sources.get(child);
                match json::parse(child, source.text(), HoleSyntax::Template) {
                    Ok(node) => node,
                    Err(error) => {
                        self.out.broken.push(error);
                        return None;
                    }
                }
            }
            _ => return None,
        };
        let origin =
            Origin { file: self.file, address, kind, name, generated: false, beside: None };
        self.out.documents.push(Document { node, origin, when: Vec::new() });
        self.out.documents.len().checked_sub(1)
    }
}

/// Whether a text is JSON that looks like a policy.
fn holds_policy(text: &Text) -> bool {
    text.as_literal().is_some_and(|text| {
        text.trim_start().starts_with('{')
            && text.contains("\"Statement\"")
            && text.contains("\"Effect\"")
    })
}

/// The value with its placeholders cut out: it was read before it was known to have any.
fn cut(sources: &SourceMap, node: &Node) -> Node {
    let text = |text: &Text| match text.as_literal() {
        Some(plain) if plain.contains("${") || plain.contains("{{") => {
            syntax::cut(sources, text, HoleSyntax::Template)
        }
        _ => text.clone(),
    };
    let value = match &node.value {
        Value::String(own) => Value::String(text(own)),
        Value::List(items) => Value::List(items.iter().map(|item| cut(sources, item)).collect()),
        Value::Map(entries) => {
            let entry =
                |Entry { key, value }: &Entry| Entry { key: text(key), value: cut(sources, value) };
            Value::Map(entries.iter().map(entry).collect())
        }
        other => other.clone(),
    };
    Node { span: node.span, tag: None, value }
}

/// What tells one object from others.
struct Object {
    name: Option<Text>,
    /// What Crossplane calls the thing in AWS, if that is another name.
    external: Option<Text>,
    labels: Vec<(String, String)>,
}

impl Object {
    fn new(node: &Node) -> Self {
        let metadata = node.get("metadata");
        let get = |key| metadata.and_then(|metadata| metadata.get(key));
        let external = get("annotations").and_then(|all| all.get("crossplane.io/external-name"));
        let labels = get("labels").map_or(&[][..], Node::entries).iter();
        let labels = labels.filter_map(|e| Some((e.key.display(), e.value.as_text()?.display())));
        Self {
            name: get("name").and_then(Node::as_text).cloned(),
            external: external.and_then(Node::as_text).cloned(),
            labels: labels.collect(),
        }
    }

    /// `Policy/karpenter`.
    fn address(&self, kind: &str) -> String {
        match &self.name {
            Some(name) => format!("{kind}/{}", name.display()),
            None => kind.to_owned(),
        }
    }
}

/// A policy that stands nowhere here, attached to a role.
fn unseen(text: &Text) -> Unseen {
    Unseen::managed(text.display(), text.span)
}
