//! Policies of Terraform plans and states, as `terraform show -json` prints them, and of raw state
//! files (Terraform: *JSON Output Format*).
//!
//! These are generated, often one line of many megabytes, so they are skimmed: a resource that is no
//! IAM resource, queue or policy is never read. Documents come from `planned_values` alone;
//! `resource_changes` repeats them and is asked only for what is not known yet.

mod attach;
mod config;
mod elsewhere;
mod resources;
#[cfg(test)]
mod tests;

use attach::Attachments;
use config::Config;
use resources::Resource;

use super::{Document, Extracted, Kind, Origin, Role, Unreadable, Unseen, is_queue_of_karpenter};
use crate::source::{SourceId, SourceMap};
use crate::syntax::json::{self, Lazy, LazyMap};
use crate::syntax::{HoleSyntax, Node, SyntaxError, Text};

/// What a plan or state holds; false if the object is neither.
pub(super) fn from_json(
    sources: &SourceMap,
    file: SourceId,
    entries: &LazyMap<'_>,
    out: &mut Extracted,
) -> Result<bool, SyntaxError> {
    let Some(resources) = resources::read(entries)? else {
        return Ok(false);
    };
    let config = Config::new(entries.get("configuration"))?;
    let attachments = Attachments::new(config);
    let mut plan = Plan { sources, file, out, attachments, inline: inline_policies(&resources) };
    for resource in &resources {
        plan.resource(resource)?;
    }
    plan.elsewhere(entries, &resources)?;
    plan.unknown(entries)?;
    plan.queues(&resources);
    plan.attachments.follow(plan.out)?;
    Ok(true)
}

struct Plan<'a, 'o> {
    sources: &'o SourceMap,
    file: SourceId,
    out: &'o mut Extracted,
    attachments: Attachments<'a>,
    /// Role and name of each inline policy that is a resource of its own.
    inline: Vec<(String, String)>,
}

impl<'a> Plan<'a, '_> {
    fn resource(&mut self, resource: &Resource<'a>) -> Result<(), SyntaxError> {
        match resource.kind.as_str() {
            "aws_iam_policy" => {
                let name = resource.text("name");
                let document = self.policy(resource, resource.get("policy"), Kind::Managed, name);
                self.attachments.policy(resource, document);
            }
            "aws_iam_role_policy" => {
                let name = resource.text("name");
                let document = self.policy(resource, resource.get("policy"), Kind::Inline, name);
                self.attachments.inline(resource, document);
            }
            "aws_iam_role" => self.role(resource)?,
            "aws_iam_role_policy_attachment" => self.attachments.managed(resource),
            "aws_iam_policy_attachment" => self.attachments.everywhere(resource)?,
            "aws_iam_role_policy_attachments_exclusive" => {
                self.attachments.exclusive(resource)?;
            }
            "terraform_data" => {}
            "aws_iam_user_policy" | "aws_iam_group_policy" => {
                let name = resource.text("name");
                let user = resource.kind.as_str() == "aws_iam_user_policy";
                let of = if user { Kind::User } else { Kind::Group };
                self.policy(resource, resource.get("policy"), of, name);
            }
            "aws_organizations_policy" => {
                let kind = resource.get("type").and_then(|kind| kind.as_str());
                if kind.is_none_or(|kind| kind == "SERVICE_CONTROL_POLICY") {
                    let name = resource.text("name");
                    self.policy(resource, resource.get("content"), Kind::ServiceControl, name);
                }
            }
            _ => {
                // The policies of queues, keys, buckets, endpoints: all keep it under this name.
                let policy = resource.get("policy").filter(|policy| policy.holds("Statement"));
                self.policy(resource, policy, Kind::Resource, None);
            }
        }
        Ok(())
    }

    fn role(&mut self, resource: &Resource<'a>) -> Result<(), SyntaxError> {
        let trust = self.policy(resource, resource.get("assume_role_policy"), Kind::Trust, None);
        let (mut documents, mut unseen) = (Vec::new(), Vec::new());
        if let Some(inline) = resource.get("inline_policy") {
            for item in inline.items()? {
                let policy = item.entries()?;
                let name = policy.get("name").and_then(text);
                // A state lists under the role what is a resource of its own as well.
                let pair = (shown(resource.text("name")), shown(name.clone()));
                if self.inline.contains(&pair) {
                    continue;
                }
                let called = Unseen::inside(&resource.address, name.as_ref());
                let text = policy.get("policy");
                // What is not there is known only after apply; of a block without a policy it is null.
                let is_none = text.is_some_and(|text| matches!(text.raw(), "null" | "\"\""));
                match self.policy(resource, text, Kind::Inline, name) {
                    Some(document) => documents.push(document),
                    None if is_none => {}
                    None => unseen.push(Unseen::inline(called, item.span())),
                }
            }
        }
        let index = self.out.roles.len();
        self.out.roles.push(Role {
            address: resource.address.clone(),
            name: resource.text("name"),
            documents,
            trust,
            unseen,
            ..Role::default()
        });
        self.attachments.role(resource, index)
    }

    /// Reads a policy that stands in a string; gives its index.
    fn policy(
        &mut self,
        resource: &Resource<'_>,
        policy: Option<Lazy<'_>>,
        kind: Kind,
        name: Option<Text>,
    ) -> Option<usize> {
        let policy = policy.filter(|policy| policy.is_string() && policy.raw() != "\"\"")?;
        self.text_at(&resource.address, policy, kind, name)
    }

    /// Reads a policy that is the text of a string; gives its index.
    fn text_at(
        &mut self,
        address: &str,
        policy: Lazy<'_>,
        kind: Kind,
        name: Option<Text>,
    ) -> Option<usize> {
        let read =
            json::embed_string(self.sources, policy.span(), Some(address)).and_then(|child| {
                let source = self.sources.get(child);
                // What is left of `${…}` in a plan is for IAM to fill in.
                json::parse(child, source.text(), HoleSyntax::None)
            });
        match read {
            Ok(node) => self.push(address, node, kind, name),
            Err(error) => {
                self.out.broken.push(error);
                None
            }
        }
    }

    fn push(&mut self, address: &str, node: Node, kind: Kind, name: Option<Text>) -> Option<usize> {
        let address = Some(address.to_owned());
        let origin = Origin { file: self.file, address, kind, name, generated: true, beside: None };
        self.out.documents.push(Document { node, origin, when: Vec::new() });
        self.out.documents.len().checked_sub(1)
    }

    /// Tells the policies that nobody knows before the plan is applied.
    fn unknown(&mut self, entries: &LazyMap<'_>) -> Result<(), SyntaxError> {
        let Some(changes) = entries.get("resource_changes") else {
            return Ok(());
        };
        let kinds = ["\"aws_iam_policy\"", "\"aws_iam_role_policy\"", "\"aws_iam_role\""];
        for change in changes.items_that(|change| kinds.iter().any(|kind| change.holds(kind)))? {
            let entries = change.entries()?;
            let Some(address) = entries.get("address") else {
                continue;
            };
            let Some(what) = entries.get("change") else {
                continue;
            };
            let Some(unknown) = what.entries()?.get("after_unknown") else {
                continue;
            };
            let unknown = unknown.entries()?;
            let mut place = unknown.get("policy").filter(|policy| policy.raw() == "true");
            // A role that has no inline policy at all says `true` here, since AWS may give it one.
            if let Some(inline) = unknown.get("inline_policy") {
                for policy in inline.items()? {
                    let policy = policy.entries()?.get("policy");
                    place = place.or(policy.filter(|policy| policy.raw() == "true"));
                }
            }
            let (Some(place), Some(address)) = (place, address.as_str()) else {
                continue;
            };
            let read = |document: &Document| document.origin.address.as_deref() == Some(&*address);
            if entries.get("mode").is_some_and(|mode| mode.is_text("data"))
                || self.out.documents.iter().any(|d| read(d) && d.origin.kind == Kind::Managed)
            {
                continue;
            }
            self.out.unreadable.push(Unreadable {
                address: address.to_string(),
                span: place.span(),
                reason: "its policy is known only after apply".to_owned(),
                help: Some(format!("look at the HCL of `{address}`, or plan again after applying")),
                left_out: false,
            });
        }
        Ok(())
    }

    fn queues(&mut self, resources: &[Resource<'_>]) {
        let modules: Vec<_> = resources
            .iter()
            .filter(|r| r.kind.starts_with("aws_iam_") && r.whole.holds("karpenter"))
            .map(|r| r.module.as_str())
            .collect();
        self.out.makes_queue |=
            resources.iter().filter(|resource| resource.kind == "aws_sqs_queue").any(|queue| {
                let name = queue.text("name").map(|name| name.display()).unwrap_or_default();
                is_queue_of_karpenter(&name)
                    || is_queue_of_karpenter(&queue.address)
                    || modules.contains(&queue.module.as_str())
            });
    }
}

fn inline_policies(resources: &[Resource<'_>]) -> Vec<(String, String)> {
    let inline = resources.iter().filter(|resource| resource.kind == "aws_iam_role_policy");
    inline.map(|policy| (shown(policy.text("role")), shown(policy.text("name")))).collect()
}

fn shown(text: Option<Text>) -> String {
    text.map(|text| text.display()).unwrap_or_default()
}

/// The text of a JSON string.
fn text(value: Lazy<'_>) -> Option<Text> {
    value.to_node(HoleSyntax::None).ok()?.as_text().cloned()
}
