//! What the AWS CLI prints: `iam get-policy-version`, `get-role-policy`, `get-role`, `list-roles`,
//! `get-account-authorization-details`, `organizations describe-policy`, and lists of these (AWS CLI
//! Command Reference). Nothing in it is a placeholder.

use std::collections::{BTreeSet, HashMap};

use super::{Attached, Document, Extracted, Kind, Origin, Role, Unreadable, Unseen};
use crate::source::{Embedding, SourceId, SourceMap};
use crate::syntax::json::{self, LazyMap};
use crate::syntax::{self, HoleSyntax, Node, Text, Value, percent};

/// A key of an answer, and what it holds if it is one: a key that is there, or nothing more.
const ANSWERS: [(&str, &str); 8] = [
    ("PolicyVersion", "Document"),
    ("PolicyDocument", ""),
    ("Role", "AssumeRolePolicyDocument"),
    ("Roles", "AssumeRolePolicyDocument"),
    ("RoleDetailList", "RoleName"),
    ("Policies", "PolicyVersionList"),
    ("Policy", "Content"),
    ("Attributes", "Policy"),
];

/// Whether an object looks like an answer.
pub(super) fn is_answer_lazy(entries: &LazyMap<'_>) -> bool {
    ANSWERS.iter().any(|(key, inside)| {
        entries
            .get(key)
            .is_some_and(|value| inside.is_empty() || value.holds(&format!("\"{inside}\"")))
    })
}

/// Whether a value looks like an answer.
pub(super) fn is_answer(node: &Node) -> bool {
    ANSWERS.iter().any(|(key, inside)| {
        let Some(value) = node.get(key) else { return false };
        let first = value.items().first().unwrap_or(value);
        inside.is_empty() || first.get(inside).is_some()
    })
}

/// What an answer holds, or a list of them.
pub(super) fn from_node(sources: &SourceMap, file: SourceId, node: &Node, out: &mut Extracted) {
    let answers = if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() };
    let mut answer = Answers { sources, file, out, managed: HashMap::new(), roles: HashMap::new() };
    // Pages of one list speak of each other.
    let bound = answer.bound(answers);
    for node in answers {
        for policy in list(node, "Policies") {
            answer.managed_policy(policy, bound.as_ref());
        }
    }
    for node in answers {
        answer.one(node);
    }
}

struct Answers<'a> {
    sources: &'a SourceMap,
    file: SourceId,
    out: &'a mut Extracted,
    /// Index of the document of each managed policy, by ARN.
    managed: HashMap<String, usize>,
    /// Index of each role, by name.
    roles: HashMap<String, usize>,
}

impl Answers<'_> {
    fn one(&mut self, node: &Node) {
        if let Some(document) =
            node.get("PolicyVersion").and_then(|version| version.get("Document"))
        {
            self.document(document, Kind::Managed, None, None);
        }
        if let Some(document) = node.get("PolicyDocument") {
            self.policy_document(node, document);
        }
        if let Some(role) = node.get("Role") {
            self.role(role);
        }
        for role in list(node, "Roles").iter().chain(list(node, "RoleDetailList")) {
            self.role(role);
        }
        if let Some(policy) = node.get("Policy").filter(|policy| policy.get("Content").is_some()) {
            let summary = policy.get("PolicySummary");
            let field = |key| summary.and_then(|summary| summary.get(key));
            let kind = field("Type").and_then(Node::as_str);
            if kind.is_none_or(|kind| kind == "SERVICE_CONTROL_POLICY")
                && let Some(content) = policy.get("Content")
            {
                let name = field("Name").and_then(Node::as_text);
                self.document(content, Kind::ServiceControl, None, name);
            }
        }
        if let Some(policy) = node.get("Attributes").and_then(|all| all.get("Policy")) {
            self.document(policy, Kind::Resource, None, None);
        }
        let more = node.get("IsTruncated").is_some_and(is_true);
        if let Some(span) = node.get("IsTruncated").map(|node| node.span).filter(|_| more) {
            self.out.unreadable.push(Unreadable {
                address: "the list".to_owned(),
                span,
                reason: "it goes on in a page that is not here".to_owned(),
                help: Some("leave out --max-items, or put the pages into one list".to_owned()),
                left_out: true,
            });
        }
    }

    /// `get-role-policy`, `get-user-policy`, `get-group-policy`.
    fn policy_document(&mut self, node: &Node, document: &Node) {
        let name = node.get("PolicyName").and_then(Node::as_text);
        let role = node.get("RoleName").and_then(Node::as_text);
        let kind = if role.is_some() {
            Kind::Inline
        } else if node.get("UserName").is_some() {
            Kind::User
        } else if node.get("GroupName").is_some() {
            Kind::Group
        } else {
            Kind::Bare
        };
        let document = self.document(document, kind, None, name);
        if let (Some(role), Some(document)) = (role, document) {
            self.with_role(role, |role| role.documents.push(document));
        }
    }

    /// A role with what an answer tells of it.
    fn role(&mut self, node: &Node) {
        let Some(name) = node.get("RoleName").and_then(Node::as_text) else { return };
        let address = Some(name.display());
        let trust = node
            .get("AssumeRolePolicyDocument")
            .and_then(|trust| self.document(trust, Kind::Trust, address.clone(), None));
        let mut documents = Vec::new();
        for policy in list(node, "RolePolicyList") {
            let inline = policy.get("PolicyName").and_then(Node::as_text);
            if let Some(document) = policy.get("PolicyDocument") {
                documents.extend(self.document(document, Kind::Inline, address.clone(), inline));
            }
        }
        let mut unseen = Vec::new();
        for policy in list(node, "AttachedManagedPolicies") {
            match policy.get("PolicyArn").and_then(Node::as_text).map(|arn| self.attached(arn)) {
                Some(Attached::Document(document)) => documents.push(document),
                Some(Attached::Unseen(policy)) => unseen.push(policy),
                None => {}
            }
        }
        let boundary = node
            .get("PermissionsBoundary")
            .and_then(|boundary| boundary.get("PermissionsBoundaryArn"))
            .and_then(Node::as_text)
            .map(|arn| self.attached(arn));
        self.with_role(name, |role| {
            role.documents.extend(documents);
            role.unseen.extend(unseen);
            role.trust = trust.or(role.trust);
            role.boundary = boundary.or(role.boundary.take());
        });
    }

    /// Changes the role of this name, which is made if need be.
    fn with_role(&mut self, name: &Text, change: impl FnOnce(&mut Role)) {
        let address = name.display();
        let next = self.out.roles.len();
        let index = *self.roles.entry(address.clone()).or_insert(next);
        if index == next {
            let name = Some(name.clone());
            self.out.roles.push(Role { address, name, by_name: true, ..Role::default() });
        }
        if let Some(role) = self.out.roles.get_mut(index) {
            change(role);
        }
    }

    fn attached(&self, arn: &Text) -> Attached {
        let name = arn.display();
        match self.managed.get(&name) {
            Some(document) => Attached::Document(*document),
            None => Attached::Unseen(Unseen::managed(name, arn.span)),
        }
    }

    /// The ARNs of all policies that bind a role of these answers; `None` if they speak of no role.
    fn bound(&self, answers: &[Node]) -> Option<BTreeSet<String>> {
        let roles = answers.iter().flat_map(|node| list(node, "RoleDetailList"));
        let mut roles = roles.peekable();
        roles.peek()?;
        let arns = roles.flat_map(|role| {
            let attached = list(role, "AttachedManagedPolicies").iter();
            let attached = attached.filter_map(|policy| policy.get("PolicyArn"));
            let boundary = role.get("PermissionsBoundary");
            attached.chain(boundary.and_then(|boundary| boundary.get("PermissionsBoundaryArn")))
        });
        Some(arns.filter_map(Node::as_str).map(str::to_owned).collect())
    }

    /// A managed policy of an account: of its versions, the one in force.
    fn managed_policy(&mut self, node: &Node, bound: Option<&BTreeSet<String>>) {
        let (Some(arn), versions) =
            (node.get("Arn").and_then(Node::as_text), list(node, "PolicyVersionList"))
        else {
            return;
        };
        let named = node.get("DefaultVersionId").and_then(Node::as_str);
        let in_force = versions.iter().find(|version| {
            version.get("IsDefaultVersion").is_some_and(is_true)
                || (named.is_some() && version.get("VersionId").and_then(Node::as_str) == named)
        });
        let Some(version) = in_force else { return };
        let address = arn.display();
        if bound.is_some_and(|bound| !bound.contains(&address)) {
            if address.to_lowercase().contains("karpenter") {
                self.out.unreadable.push(Unreadable {
                    address,
                    span: arn.span,
                    reason: "no role in this list is bound by it".to_owned(),
                    help: None,
                    left_out: true,
                });
            }
            return;
        }
        let name = node.get("PolicyName").and_then(Node::as_text);
        if let Some(document) = version.get("Document")
            && let Some(index) = self.document(document, Kind::Managed, Some(address.clone()), name)
        {
            self.managed.insert(address, index);
        }
    }

    /// A policy document: an object, JSON in a string, or that percent-encoded.
    fn document(
        &mut self,
        node: &Node,
        kind: Kind,
        address: Option<String>,
        name: Option<&Text>,
    ) -> Option<usize> {
        let node = match &node.value {
            Value::Map(_) => node.clone(),
            Value::String(text) => match written(self.sources, text, address.as_deref()) {
                Ok(node) => node,
                Err(error) => {
                    self.out.broken.push(error);
                    return None;
                }
            },
            _ => return None,
        };
        let file = self.file;
        let origin =
            Origin { file, address, kind, name: name.cloned(), generated: true, beside: None };
        self.out.documents.push(Document { node, origin, when: Vec::new() });
        self.out.documents.len().checked_sub(1)
    }
}

/// Reads the policy that a text is.
fn written(
    sources: &SourceMap,
    text: &Text,
    address: Option<&str>,
) -> Result<Node, syntax::SyntaxError> {
    let mut child = syntax::embed(sources, text, address);
    let source = sources.get(child);
    if source.text().trim_start().starts_with('%') {
        let (decoded, map) = percent::decode(source.text(), 0);
        let end = u32::try_from(source.text().len()).unwrap_or(u32::MAX);
        let parent = crate::source::Span::new(child, 0, end);
        let embedding = Embedding { parent, map, address: address.map(Into::into) };
        child = sources.add_embedded(decoded, embedding);
    }
    json::parse(child, sources.get(child).text(), HoleSyntax::None)
}

fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).map_or(&[], Node::items)
}

fn is_true(node: &Node) -> bool {
    node.value == Value::Bool(true) || node.as_str() == Some("true")
}
