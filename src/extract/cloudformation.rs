//! Policies of CloudFormation templates, in YAML and JSON, and what they are attached to.

mod attach;
mod beside;
mod branches;
mod facts;
mod joined;
mod names;
mod policy;
mod resolve;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use attach::{Attachment, Managed};
use branches::Guarded;
use facts::{Facts, Sections, Verdict};
use names::Names;
use policy::may_be_policy;
use resolve::{Led, Resolver, call};

use super::{Attached, Extracted, Kind, Nested, Role, Unreadable, Unseen, is_queue_of_karpenter};
use crate::source::{SourceId, SourceMap};
use crate::syntax::json::LazyMap;
use crate::syntax::{self, Entry, HoleSyntax, Node, SyntaxError, Text, Value, When};

/// The keys under which resources keep a policy of their own.
const RESOURCE_POLICIES: [&str; 4] =
    ["PolicyDocument", "KeyPolicy", "ResourcePolicy", "RepositoryPolicyText"];

/// Whether the CDK wrote the text: it puts the paths of its constructs into templates, and resources of
/// its own.
pub(crate) fn is_of_cdk(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    ["\"aws:cdk:path\"", "\"AWS::CDK::Metadata\"", KEPT_JSON].into_iter().any(has)
}

/// Sections of which a template has one, and a part of one that another tool puts together has none.
const WHOLE: [&str; 2] = ["AWSTemplateFormatVersion", "Parameters"];

/// The resource in which the CDK keeps JSON whose keys are known only when the stack is made.
const KEPT_JSON: &str = "Custom::AWSCDKCfnJson";

/// A file with the values of parameters that somebody gave.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) sources: &'a SourceMap,
    pub(super) file: SourceId,
    pub(super) parameters: &'a [(String, Text)],
}

/// What a JSON template holds; false if the object is none. Of its resources, only those are read
/// that may hold a policy or make a role or queue.
pub(super) fn from_json(
    input: Input<'_>,
    entries: &LazyMap<'_>,
    out: &mut Extracted,
) -> Result<bool, SyntaxError> {
    let Some(resources) = entries.get("Resources").filter(|r| r.is_map() && r.holds("\"Type\""))
    else {
        return Ok(false);
    };
    let (mut read, mut ids) = (Vec::new(), Vec::new());
    for (key, value) in resources.entries()?.pairs() {
        if let Value::String(id) = key.to_node(HoleSyntax::None)?.value {
            ids.push(id.display());
        }
        let wanted = [
            "Statement",
            "AWS::IAM::",
            "AWS::SQS::Queue",
            "AWS::Organizations::",
            "AWS::CloudFormation::Stack",
            KEPT_JSON,
        ];
        if wanted.iter().any(|word| value.holds(word)) {
            let key = key.to_node(HoleSyntax::None)?;
            if let Value::String(key) = key.value {
                read.push(Entry { key, value: value.to_node(HoleSyntax::None)? });
            }
        }
    }
    let section = |name| entries.get(name).map(|s| s.to_node(HoleSyntax::None)).transpose();
    let sections = Sections {
        parameters: section("Parameters")?,
        mappings: section("Mappings")?,
        conditions: section("Conditions")?,
    };
    let outputs = section("Outputs")?;
    let is_whole = WHOLE.iter().any(|key| entries.get(key).is_some());
    Template::new(input, sections, (ids, is_whole), out).read(&read, outputs.as_ref());
    Ok(true)
}

/// What a template that has been read holds; false if the value is none.
pub(super) fn from_node(input: Input<'_>, node: &Node, out: &mut Extracted) -> bool {
    let Some(resources) = node.get("Resources").map(Node::entries) else {
        return false;
    };
    if !resources.iter().any(|entry| entry.value.get("Type").is_some()) {
        return false;
    }
    let section = |name| node.get(name).cloned();
    let sections = Sections {
        parameters: section("Parameters"),
        mappings: section("Mappings"),
        conditions: section("Conditions"),
    };
    let ids = resources.iter().map(|entry| entry.key.display()).collect();
    let is_whole = WHOLE.iter().any(|key| node.get(key).is_some());
    Template::new(input, sections, (ids, is_whole), out).read(resources, node.get("Outputs"));
    true
}

struct Template<'a> {
    /// Whether the CDK wrote the template.
    generated: bool,
    file: SourceId,
    resolver: Resolver<'a>,
    names: Names,
    out: &'a mut Extracted,
    managed: Vec<Managed>,
    attachments: Vec<Guarded<Attachment>>,
    /// What the resource that is being read hangs on.
    around: Vec<When>,
    /// What each role hangs on.
    roles: Vec<Vec<When>>,
}

impl<'a> Template<'a> {
    fn new(
        input: Input<'a>,
        sections: Sections,
        (ids, is_whole): (Vec<String>, bool),
        out: &'a mut Extracted,
    ) -> Self {
        let names = Names::new(sections.parameters.as_ref(), ids, input.parameters, is_whole);
        let resolver = Resolver {
            sources: input.sources,
            facts: Facts::new(sections, input.parameters),
            assigned: RefCell::default(),
            assumed: RefCell::default(),
        };
        Self {
            generated: is_of_cdk(input.sources.get(input.file).text()),
            file: input.file,
            resolver,
            names,
            out,
            managed: Vec::new(),
            attachments: Vec::new(),
            around: Vec::new(),
            roles: Vec::new(),
        }
    }

    fn read(mut self, resources: &[Entry], outputs: Option<&Node>) {
        for Entry { key, value } in resources {
            if value.get("Type").and_then(Node::as_str) == Some(KEPT_JSON)
                && let Some(value) = value.get("Properties").and_then(|p| p.get("Value"))
            {
                self.resolver.facts.json.insert(key.display(), value.clone());
            }
        }
        let mut queues = Vec::new();
        let before = self.out.documents.len();
        for entry in resources {
            self.resource(entry, &mut queues);
        }
        self.undeclared(before);
        self.attach();
        self.outputs(outputs);
        for (name, value, span) in self.resolver.facts.defaults() {
            self.resolver.assume(&name, &value, "the default of the template's parameter", span);
        }
        self.out.assumed.append(&mut self.resolver.assumed.borrow_mut());
        let policies_of_karpenter = !self.out.documents.is_empty()
            && self.resolver.sources.get(self.file).text().to_lowercase().contains("karpenter");
        self.out.makes_queue |=
            queues.iter().any(|queue| policies_of_karpenter || is_queue_of_karpenter(queue));
    }

    fn resource(&mut self, Entry { key, value: resource }: &Entry, queues: &mut Vec<String>) {
        let id = &key.display();
        if id.starts_with("Fn::ForEach::") {
            let reason = "what `Fn::ForEach` makes is known only to CloudFormation".to_owned();
            let help = Some(
                "check the template as `aws cloudformation get-template \
                --template-stage Processed` gives it"
                    .to_owned(),
            );
            let address = id.clone();
            let span = key.span;
            self.out.unreadable.push(Unreadable { address, span, reason, help, left_out: false });
            return;
        }
        let Some(kind) = resource.get("Type").and_then(Node::as_str) else {
            return;
        };
        self.around.clear();
        if let Some(condition) = resource.get("Condition").and_then(Node::as_text) {
            let (name, span) = (condition.display(), condition.span);
            match self.resolver.condition(&name) {
                Verdict::Known(true) => {}
                Verdict::Known(false) => {
                    if kind.starts_with("AWS::IAM::") {
                        self.out.unreadable.push(Unreadable {
                            address: id.clone(),
                            span,
                            reason: format!(
                                "it is not made, because its condition `{name}` is false"
                            ),
                            help: Some(
                                "give --parameter NAME=VALUE to have it otherwise".to_owned(),
                            ),
                            left_out: true,
                        });
                    }
                    return;
                }
                Verdict::Open(name, holds) => {
                    self.around.push(self.resolver.when(&name, holds, span));
                }
            }
        }
        let Some(properties) = resource.get("Properties") else {
            if kind == "AWS::SQS::Queue" {
                queues.push(id.to_owned());
            }
            return;
        };
        match kind {
            "AWS::IAM::ManagedPolicy" => self.managed_policy((key, resource), properties),
            "AWS::IAM::Policy" => self.inline_policy((key, resource), properties),
            "AWS::IAM::RolePolicy" => self.role_policy((key, resource), properties),
            "AWS::IAM::UserPolicy" | "AWS::IAM::GroupPolicy" => {
                let name = self.text(properties, "PolicyName");
                let of = if kind == "AWS::IAM::UserPolicy" { Kind::User } else { Kind::Group };
                self.policy(id, properties, "PolicyDocument", of, name);
            }
            "AWS::IAM::Role" => self.role((key, resource), properties),
            "AWS::IAM::User" => {
                self.inline((key, resource), properties, Kind::User);
            }
            "AWS::IAM::Group" => {
                self.inline((key, resource), properties, Kind::Group);
            }
            "AWS::Serverless::Function" | "AWS::Serverless::StateMachine" => {
                self.serverless(id, properties);
            }
            "AWS::Organizations::Policy" => self.organization_policy(id, properties),
            "AWS::CloudFormation::Stack" | "AWS::Serverless::Application" => {
                self.nested(id, properties);
            }
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

    fn managed_policy(&mut self, (key, resource): (&Text, &Node), properties: &Node) {
        let id = &key.display();
        let name = self.text(properties, "ManagedPolicyName");
        let kind = self.kind(properties, Kind::Managed);
        let document = self.policy(id, properties, "PolicyDocument", kind, name.clone());
        let around = self.around.clone();
        self.beside_resource(document, (key, resource), None);
        self.managed.push(Managed { id: id.to_owned(), name, document, around });
        let unseen = Unseen::managed(id.to_owned(), key.span);
        self.attach_to_roles(properties, document, unseen);
    }

    fn inline_policy(&mut self, (key, resource): (&Text, &Node), properties: &Node) {
        let id = &key.display();
        let name = self.text(properties, "PolicyName");
        let kind = match self.kind(properties, Kind::Inline) {
            Kind::OtherPrincipal if properties.get("Users").is_some() => Kind::User,
            Kind::OtherPrincipal => Kind::Group,
            kind => kind,
        };
        let document = self.policy(id, properties, "PolicyDocument", kind, name);
        if kind == Kind::Inline {
            self.beside_resource(document, (key, resource), beside::inline(resource));
        }
        let unseen = Unseen::inline(id.to_owned(), key.span);
        self.attach_to_roles(properties, document, unseen);
    }

    fn role_policy(&mut self, (key, resource): (&Text, &Node), properties: &Node) {
        let id = &key.display();
        let name = self.text(properties, "PolicyName");
        let document = self.policy(id, properties, "PolicyDocument", Kind::Inline, name);
        self.beside_resource(document, (key, resource), beside::inline(resource));
        if let Some(role) = self.text(properties, "RoleName") {
            let unseen = || Attached::Unseen(Unseen::inline(id.to_owned(), key.span));
            let policy = document.map_or_else(unseen, Attached::Document);
            self.link(self.around.clone(), Attachment::ToRole { role, policy });
        }
    }

    /// A policy that is given only to users or groups binds no controller.
    fn kind(&self, properties: &Node, otherwise: Kind) -> Kind {
        let has = |key| properties.get(key).is_some();
        let others = has("Users") || has("Groups");
        if others && !has("Roles") { Kind::OtherPrincipal } else { otherwise }
    }

    /// Binds a policy to the roles that it lists: its document, or `unseen` if that cannot be read.
    fn attach_to_roles(&mut self, properties: &Node, document: Option<usize>, unseen: Unseen) {
        let Some(roles) = properties.get("Roles") else { return };
        let policy = document.map_or(Attached::Unseen(unseen), Attached::Document);
        for (mut when, role) in self.texts(roles) {
            when.extend(self.around.iter().cloned());
            self.link(when, Attachment::ToRole { role, policy: policy.clone() });
        }
    }

    fn link(&mut self, when: Vec<When>, attachment: Attachment) {
        self.attachments.push((when, attachment));
    }

    fn role(&mut self, (key, resource): (&Text, &Node), properties: &Node) {
        let id = &key.display();
        let name = self.text(properties, "RoleName");
        let trust = self.policy(id, properties, "AssumeRolePolicyDocument", Kind::Trust, None);
        let inline = self.inline((key, resource), properties, Kind::Inline);
        let role = self.new_role(id, name, trust, inline);
        if let Some(policies) = properties.get("ManagedPolicyArns") {
            for (when, policy) in self.texts(policies) {
                self.link(when, Attachment::Policy { role, policy });
            }
        }
        if let Some(policy) = properties.get("PermissionsBoundary") {
            for (when, policy) in self.texts(policy) {
                if policy.as_literal() != Some("") {
                    self.link(when, Attachment::Boundary { role, policy });
                }
            }
        }
    }

    fn new_role(
        &mut self,
        id: &str,
        name: Option<Text>,
        trust: Option<usize>,
        policies: Vec<Guarded<Attached>>,
    ) -> usize {
        let role = self.out.roles.len();
        let address = id.to_owned();
        self.out.roles.push(Role { address, name, trust, ..Role::default() });
        self.roles.resize(role, Vec::new());
        self.roles.push(self.around.clone());
        for (when, policy) in policies {
            self.link(when, Attachment::Inline { role, policy });
        }
        role
    }

    /// The policies that stand in a role, user or group.
    fn inline(
        &mut self,
        (key, resource): (&Text, &Node),
        properties: &Node,
        kind: Kind,
    ) -> Vec<Guarded<Attached>> {
        let id = &key.display();
        let Some(policies) = properties.get("Policies") else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for (when, policy) in self.items(policies) {
            let name = self.text(policy, "PolicyName");
            let called = Unseen::inside(id, name.as_ref());
            let document = match call(policy) {
                Some(call) => self.made_outside(id, &call, policy.span),
                None => self.policy(id, policy, "PolicyDocument", kind, name),
            };
            if let Some(document) = document.filter(|_| kind == Kind::Inline) {
                self.beside_role(document, (key, resource), policy);
            }
            let is_none = |node: &Node| matches!(self.resolver.led(node), Led::Nowhere);
            let is_written = call(policy).is_some()
                || policy.get("PolicyDocument").is_some_and(|node| !is_none(node));
            match document {
                Some(document) => out.push((when, Attached::Document(document))),
                None if is_written => {
                    let unseen = Unseen::inline(called, policy.span);
                    out.push((when, Attached::Unseen(unseen)));
                }
                None => {}
            }
        }
        out
    }

    /// The role that SAM makes for a function: statements stand right in its list of policies
    /// (AWS SAM, *AWS::Serverless::Function*, `Policies`). Its policy templates are none of Karpenter's.
    fn serverless(&mut self, id: &str, properties: &Node) {
        let Some(policies) = properties.get("Policies") else {
            return;
        };
        let (mut inline, mut named) = (Vec::new(), Vec::new());
        for (when, policy) in self.items(policies) {
            if policy.get("Statement").is_some() {
                let document = self.document(id, policy, Kind::Inline, None);
                inline.extend(document.map(|document| (when, Attached::Document(document))));
            } else if let Some(name) = self
                .resolver
                .text(policy)
                .filter(|_| call(policy).is_some() || policy.as_text().is_some())
            {
                named.push((when, name));
            }
        }
        let role = self.new_role(id, None, None, inline);
        for (when, policy) in named {
            self.link(when, Attachment::Policy { role, policy });
        }
    }

    /// A stack within the stack whose template lies beside this one.
    fn nested(&mut self, id: &str, properties: &Node) {
        let place = properties.get("TemplateURL").or(properties.get("Location"));
        let Some(url) = place.and_then(|place| self.resolver.text(place)) else { return };
        let Some(path) = url.as_literal().filter(|url| !url.contains("://")) else { return };
        let parameters = properties.get("Parameters").map_or(&[][..], Node::entries);
        let parameters = parameters.iter().filter_map(|Entry { key, value }| {
            let text = match self.resolver.list(value) {
                Some(items) => {
                    let items: Vec<_> = items.iter().map(Text::display).collect();
                    let literal = syntax::Part::Literal(value.span, items.join(",").into());
                    Text { span: value.span, style: syntax::Style::Plain, parts: vec![literal] }
                }
                None => self.resolver.text(value)?,
            };
            Some((key.display(), text))
        });
        let nested = Nested {
            id: id.to_owned(),
            path: path.strip_prefix("file://").unwrap_or(path).to_owned(),
            span: url.span,
            parameters: parameters.collect(),
        };
        self.out.nested.push(nested);
    }

    /// The managed policies that a template hands to the one around it.
    fn outputs(&mut self, outputs: Option<&Node>) {
        for Entry { key, value } in outputs.map_or(&[][..], Node::entries) {
            let Some(value) = value.get("Value").and_then(|value| self.resolver.text(value)) else {
                continue;
            };
            if let Some(document) = self.find_policy(&value).and_then(|managed| managed.document) {
                self.out.outputs.push((key.display(), document));
            }
        }
    }

    fn organization_policy(&mut self, id: &str, properties: &Node) {
        if properties.get("Type").and_then(Node::as_str) == Some("SERVICE_CONTROL_POLICY") {
            let name = self.text(properties, "Name");
            self.policy(id, properties, "Content", Kind::ServiceControl, name);
        }
    }

    /// The text under `key`.
    fn text(&self, properties: &Node, key: &str) -> Option<Text> {
        self.resolver.text(properties.get(key)?)
    }

    /// The items of a list that are there, with what they hang on; a value that is no list is its only
    /// item.
    fn items<'n>(&self, list: &'n Node) -> Vec<Guarded<&'n Node>> {
        let (mut ways, mut out) = (Vec::new(), Vec::new());
        self.resolver.branches(list, &mut Vec::new(), &mut ways);
        for (mut when, node) in ways {
            if matches!(node.value, Value::List(_)) && call(node).is_none() {
                for item in node.items() {
                    self.resolver.branches(item, &mut when, &mut out);
                }
            } else {
                out.push((when, node));
            }
        }
        out
    }

    fn texts(&self, list: &Node) -> Vec<Guarded<Text>> {
        let mut out = Vec::new();
        for (when, item) in self.items(list) {
            match self.resolver.list(item).filter(|_| call(item).is_some()) {
                Some(texts) => out.extend(texts.into_iter().map(|text| (when.clone(), text))),
                None => out.extend(self.resolver.text(item).map(|text| (when, text))),
            }
        }
        out
    }
}
