//! Goes through the resources of a module tree and takes out what has to do with policies.

use std::rc::Rc;

use super::NODES;
use super::attach::Attachments;
use super::beside::beside;
use super::document::Inner;
use super::given::is_policy;
use super::merge::{Cases, Guards, merge, statements};
use super::module::Declared;
use super::presence::Case;
use super::scope::{Instance, Resource, Scope, World};
use super::value::{Kind, Val};
use crate::extract::{
    Chart, Document, Extracted, Kind as Place, Origin, Role, Unreadable, Unseen,
    is_queue_of_karpenter,
};
use crate::source::Span;
use crate::syntax::Text;
use crate::words::cut;

/// One tree of modules, and what was found in it.
pub(super) struct Collector<'c, 'w> {
    pub(super) world: &'c World<'w>,
    pub(super) out: &'c mut Extracted,
    pub(super) attachments: Attachments,
    pub(super) cases: Cases,
}

impl Collector<'_, '_> {
    /// All of a root module.
    pub(super) fn run(&mut self, root: &Rc<Instance>) {
        self.instance(root);
        self.unused(root);
        let guards = match merge(self.world.sources, self.out, &self.cases) {
            Some((guards, moved)) => {
                self.attachments.follow_moves(&moved);
                guards
            }
            None => Guards::default(),
        };
        self.attachments.follow(self.out, self.world, guards);
    }

    /// Does something once for each way in which the conditions that it meets can turn out, and keeps
    /// in which case each thing was found.
    fn in_each_case(&mut self, mut act: impl FnMut(&mut Self)) {
        let world = self.world;
        world.cases(|taken| {
            let (documents, roles) = (self.out.documents.len(), self.out.roles.len());
            let links = self.attachments.links();
            act(self);
            let case = taken();
            if case.is_empty() {
                return;
            }
            let mark = |cases: &mut Vec<Case>, start: usize, end: usize| {
                cases.resize(end, Case::new());
                cases.iter_mut().skip(start).for_each(|own| own.extend(&case));
            };
            mark(&mut self.cases.documents, documents, self.out.documents.len());
            mark(&mut self.cases.roles, roles, self.out.roles.len());
            self.attachments.mark(links, &case);
        });
    }

    fn instance(&mut self, instance: &Rc<Instance>) {
        let scope = Scope::root(instance);
        for declared in instance.module.resources.iter().filter(|declared| !declared.data) {
            if !is_wanted(declared) {
                continue;
            }
            let key = declared.key();
            self.in_each_case(|own| {
                if let Some(value) = own.world.resource(&scope, &key, declared.name.span) {
                    own.each(&value, 0, &mut |own, resource| own.resource(resource));
                }
            });
        }
        for call in &instance.module.calls {
            let name = &call.name;
            self.in_each_case(|own| match own.world.module(&scope, &name.text, name.span) {
                Some(value) if value.hole().is_none() => own.children(&value, 0),
                // Its code is not here, but a policy that it is given stands here.
                _ => own.given_to(call, &scope),
            });
        }
    }

    /// The instances of a module call.
    fn children(&mut self, value: &Val, depth: usize) {
        match &value.kind {
            Kind::Module(instance) => self.instance(instance),
            Kind::List(_) | Kind::Map(_) if depth == 0 => {
                for item in value.items().unwrap_or_default() {
                    self.children(&item, 1);
                }
            }
            _ => {}
        }
    }

    /// The instances of a resource.
    fn each(&mut self, value: &Val, depth: usize, act: &mut dyn FnMut(&mut Self, &Rc<Resource>)) {
        match &value.kind {
            Kind::Resource(resource) => act(self, resource),
            Kind::List(_) | Kind::Map(_) if depth == 0 => {
                for item in value.items().unwrap_or_default() {
                    self.each(&item, 1, act);
                }
            }
            _ => {}
        }
    }

    fn resource(&mut self, resource: &Rc<Resource>) {
        let argument = |own: &Self, name: &str| {
            own.world.argument(&resource.declared.body, name, &resource.scope())
        };
        let name = argument(self, "name").and_then(|name| name.to_text());
        match &*resource.declared.kind {
            "aws_iam_policy" => {
                let policy = argument(self, "policy");
                let document = self.policy(resource, policy, Place::Managed, name);
                self.attachments.policy(resource, document);
            }
            "aws_iam_role_policy" => {
                let policy = argument(self, "policy");
                let document = self.policy(resource, policy, Place::Inline, name);
                if let Some(role) = argument(self, "role") {
                    self.attachments.inline(resource, role, document);
                }
            }
            "aws_iam_role" => self.role(resource, name),
            "aws_iam_role_policy_attachment" => {
                if let (Some(role), Some(policy)) =
                    (argument(self, "role"), argument(self, "policy_arn"))
                {
                    self.attachments.managed(resource, role, policy);
                }
            }
            "aws_iam_policy_attachment" => {
                let (roles, policy) = (argument(self, "roles"), argument(self, "policy_arn"));
                if let (Some(roles), Some(policy)) = (roles, policy) {
                    for role in roles.items().unwrap_or_else(|| vec![roles.clone()]) {
                        self.attachments.managed(resource, role, policy.clone());
                    }
                }
            }
            "aws_iam_role_policy_attachments_exclusive" => {
                let (role, policies) = (argument(self, "role_name"), argument(self, "policy_arns"));
                if let (Some(role), Some(policies)) = (role, policies) {
                    if let (Some(listed), []) = (policies.items(), &*self.world.taken()) {
                        self.attachments.only(resource, role.clone(), listed, false);
                    }
                    for policy in policies.items().unwrap_or_else(|| vec![policies.clone()]) {
                        self.attachments.managed(resource, role.clone(), policy);
                    }
                }
            }
            "aws_iam_role_policies_exclusive" => {
                let (role, names) = (argument(self, "role_name"), argument(self, "policy_names"));
                let listed = names.and_then(|names| names.items());
                if let (Some(role), Some(listed), []) = (role, listed, &*self.world.taken()) {
                    self.attachments.only(resource, role, listed, true);
                }
            }
            "aws_iam_user_policy" | "aws_iam_group_policy" => {
                let policy = argument(self, "policy");
                let user = *resource.declared.kind == *"aws_iam_user_policy";
                self.policy(resource, policy, if user { Place::User } else { Place::Group }, name);
            }
            "aws_organizations_policy" => {
                let kind = argument(self, "type").and_then(|kind| kind.as_text());
                if kind.is_none_or(|kind| kind == "SERVICE_CONTROL_POLICY") {
                    let policy = argument(self, "content");
                    self.policy(resource, policy, Place::ServiceControl, name);
                }
            }
            "helm_release" => self.chart(resource),
            kind => {
                if kind == "aws_sqs_queue" {
                    let shown = name.map(|name| name.display()).unwrap_or_default();
                    self.out.makes_queue |=
                        is_queue_of_karpenter(&shown) || is_queue_of_karpenter(&resource.address);
                }
                // The policies of queues, keys, buckets, endpoints: all keep it under this name.
                let policy = argument(self, "policy").filter(is_policy);
                self.policy(resource, policy, Place::Resource, None);
            }
        }
    }

    fn role(&mut self, resource: &Rc<Resource>, name: Option<Text>) {
        let body = &resource.declared.body;
        let scope = resource.scope();
        let argument = |own: &Self, name: &str| own.world.argument(body, name, &scope);
        let trust = argument(self, "assume_role_policy");
        let trust = self.policy(resource, trust, Place::Trust, None);
        let (mut documents, mut unseen) = (Vec::new(), Vec::new());
        for Inner { keyword, body: block, scope: inner, .. } in
            self.world.blocks(body, "inline_policy", &scope)
        {
            let name = self.world.argument(&block, "name", &inner).and_then(|name| name.to_text());
            let called = Unseen::inside(&resource.address, name.as_ref());
            let policy = self.world.argument(&block, "policy", &inner);
            let is_none = policy.as_ref().is_none_or(
                |policy| matches!(&policy.kind, Kind::Text(text) if text.bits.is_empty()),
            );
            match self.policy(resource, policy, Place::Inline, name) {
                Some(document) => documents.push(document),
                None if is_none => {}
                None => unseen.push(Unseen::inline(called, keyword)),
            }
        }
        let index = self.out.roles.len();
        let address = resource.address.to_string();
        self.out.roles.push(Role { address, name, documents, trust, ..Role::default() });
        self.attachments.role(resource, index);
        for policy in unseen {
            self.attachments.unreadable(resource, index, policy);
        }
        if let Some(policies) = argument(self, "managed_policy_arns") {
            for policy in policies.items().unwrap_or_else(|| vec![policies.clone()]) {
                self.attachments.of_role(resource, index, policy);
            }
        }
        if let Some(boundary) = argument(self, "permissions_boundary") {
            self.attachments.boundary(resource, index, boundary);
        }
    }

    fn chart(&mut self, resource: &Rc<Resource>) {
        let argument =
            |name: &str| self.world.argument(&resource.declared.body, name, &resource.scope());
        let Some(chart) = argument("chart") else { return };
        let Some(name) = chart.to_text() else { return };
        // `oci://public.ecr.aws/karpenter/karpenter` names it as well.
        if !name.display().rsplit('/').next().is_some_and(|last| last.starts_with("karpenter")) {
            return;
        }
        let version = argument("version").and_then(|version| version.to_text());
        let span = version.as_ref().map_or(name.span, |version| version.span);
        let chart = Chart { name, version, span };
        if !self.out.charts.contains(&chart) {
            self.out.charts.push(chart);
        }
    }

    /// Policy documents that no resource refers to. Those that an output hands on are somebody's; the
    /// rest only if there is nothing else, or a leftover would seem to grant something.
    fn unused(&mut self, root: &Rc<Instance>) {
        let mut found: Vec<Rc<Resource>> = Vec::new();
        let is_identity = |document: &Document| match document.origin.kind {
            Place::Managed | Place::Inline => true,
            // What a module is given that is not here.
            Place::Bare => {
                statements(&document.node).iter().any(|one| one.get("Principal").is_none())
            }
            _ => false,
        };
        let others = self.out.documents.iter().any(is_identity);
        let instances = self.world.instances.borrow().clone();
        for instance in &instances {
            let scope = Scope::root(instance);
            for declared in instance.module.resources.iter().filter(|declared| declared.data) {
                if &*declared.kind != "aws_iam_policy_document" {
                    continue;
                }
                let key = declared.key();
                self.in_each_case(|own| {
                    let value = own.world.resource(&scope, &key, declared.name.span);
                    let Some(value) = value else { return };
                    own.each(&value, 0, &mut |own, resource| {
                        let known = found.iter().any(|known| known.address == resource.address);
                        if !own.world.used.borrow().contains(&resource.address) {
                            own.world.document(resource);
                            if !known {
                                found.push(Rc::clone(resource));
                            }
                        }
                    });
                });
            }
        }
        // What another document takes in is used as well, and that is known only now.
        found.retain(|resource| !self.world.used.borrow().contains(&resource.address));
        self.world.quietly(|| {
            for name in root.module.outputs.keys() {
                self.world.output(root, name, Span::new(crate::source::SourceId(0), 0, 0));
            }
        });
        for resource in found {
            if self.world.used.borrow().contains(&resource.address) || !others {
                let (scope, declared) = (Scope::root(&resource.instance), &resource.declared);
                let place = declared.name.span;
                self.in_each_case(|own| {
                    // Whether it is there may hang on a condition as well.
                    let value = own.world.resource(&scope, &declared.key(), place);
                    let Some(value) = value else { return };
                    own.each(&value, 0, &mut |own, found| {
                        if found.address == resource.address {
                            let policy = own.world.document(found);
                            let json = Val::new(place, Kind::Json(Rc::new(policy)));
                            own.read(&json, &found.address, place, Place::Bare, None);
                        }
                    });
                });
            } else if resource.address.to_ascii_lowercase().contains("karpenter") {
                let note = format!("passed over {}: nothing refers to it", resource.address);
                self.world.out.borrow_mut().notes.push(note);
            }
        }
    }

    fn policy(
        &mut self,
        resource: &Resource,
        value: Option<Val>,
        kind: Place,
        name: Option<Text>,
    ) -> Option<usize> {
        let place = resource.declared.name.span;
        let index = self.read(&value?, &resource.address, place, kind, name)?;
        let own = matches!(kind, Place::Managed | Place::Inline);
        if let Some(found) = self.out.documents.get_mut(index).filter(|_| own) {
            let named = found.origin.name.is_some();
            found.origin.beside = beside(self.world.sources, resource, found.node.span, named);
        }
        Some(index)
    }

    /// Takes in a policy; gives its index.
    pub(super) fn read(
        &mut self,
        value: &Val,
        address: &str,
        place: Span,
        kind: Place,
        name: Option<Text>,
    ) -> Option<usize> {
        let node = match &value.kind {
            Kind::Json(policy) => policy.to_node(&mut NODES.clone()),
            Kind::Map(_) => value.to_node(&mut NODES.clone()),
            Kind::Text(text) if text.bits.is_empty() => return None,
            Kind::Text(text) => match self.world.read_text(text, Some(address)) {
                Ok(node) => node,
                // With all of it known, it is the text that is wrong.
                Err(error) if text.known().is_some() => {
                    self.world.add_error(&mut self.out.broken, error);
                    return None;
                }
                Err(_) => {
                    self.unreadable(
                        address,
                        place,
                        "its policy is put together from unknown parts",
                    );
                    return None;
                }
            },
            _ => {
                let expr = value
                    .hole()
                    .map_or_else(|| self.world.shown(value.span), |expr| expr.to_string());
                let expr = cut(&expr);
                let reason = format!("its policy is `{expr}`, which is not known from these files");
                self.unreadable(address, place, &reason);
                return None;
            }
        };
        let file = self.world.sources.to_file(node.span).source;
        let address = Some(address.to_owned());
        let origin = Origin { file, address, kind, name, generated: false, beside: None };
        self.out.documents.push(Document { node, origin, when: Vec::new() });
        self.out.documents.len().checked_sub(1)
    }

    pub(super) fn unreadable(&mut self, address: &str, span: Span, reason: &str) {
        let found = Unreadable {
            address: address.to_owned(),
            span,
            reason: reason.to_owned(),
            help: Some("check the plan: `terraform show -json`".to_owned()),
            left_out: false,
        };
        if !self.out.unreadable.contains(&found) {
            self.out.unreadable.push(found);
        }
    }
}

/// Whether a resource can have to do with policies.
fn is_wanted(declared: &Declared) -> bool {
    declared.kind.starts_with("aws_iam_")
        || matches!(&*declared.kind, "aws_sqs_queue" | "aws_organizations_policy" | "helm_release")
        || declared.body.get("policy").is_some()
}
