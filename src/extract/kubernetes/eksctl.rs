//! Policies of eksctl's `ClusterConfig` (eksctl documentation, *IAM Roles for Service Accounts*, *EKS Pod
//! Identity Associations*): each service account has a role of its own.

use super::{Manifests, unseen};
use crate::extract::{Attached, Kind, Role, Unseen};
use crate::syntax::{Node, Text, Value};

impl Manifests<'_> {
    pub(super) fn eksctl(&mut self, config: &Node) {
        let iam = config.get("iam");
        let list = |node: Option<&Node>, key: &str| -> Vec<Node> {
            node.and_then(|node| node.get(key)).map_or(&[][..], Node::items).to_vec()
        };
        for account in list(iam, "serviceAccounts") {
            let metadata = account.get("metadata");
            let word = |key| metadata.and_then(|m| m.get(key)).and_then(Node::as_text);
            let address = address(word("namespace"), word("name"));
            self.account(&account, "attachPolicy", "attachPolicyARNs", address);
        }
        let addons = config.get("addons").map_or(&[][..], Node::items);
        let associations = list(iam, "podIdentityAssociations");
        let of_addons =
            addons.iter().flat_map(|addon| list(Some(addon), "podIdentityAssociations"));
        for association in associations.into_iter().chain(of_addons) {
            let word = |key| association.get(key).and_then(Node::as_text);
            let address = address(word("namespace"), word("serviceAccountName"));
            self.account(&association, "permissionPolicy", "permissionPolicyARNs", address);
        }
        for addon in addons {
            let address = address(None, addon.get("name").and_then(Node::as_text));
            self.account(addon, "attachPolicy", "attachPolicyARNs", address);
        }
    }

    /// The role of one service account, where the file says anything of its policies.
    fn account(&mut self, node: &Node, policy: &str, arns: &str, address: String) {
        let mut role =
            Role { name: node.get("roleName").and_then(Node::as_text).cloned(), ..Role::default() };
        if let Some(policy) = node.get(policy) {
            let address = Some(address.clone());
            role.documents.extend(self.document(policy, Kind::Inline, address, None));
        }
        let arns = node.get(arns).map_or(&[][..], Node::items).iter();
        role.unseen.extend(arns.filter_map(Node::as_text).map(unseen));
        // Policies that eksctl itself writes: `autoScaler`, `ebsCSIController`, …
        let known = node.get("wellKnownPolicies").map_or(&[][..], Node::entries).iter();
        let known = known.filter(|entry| {
            entry.value.as_str() == Some("true") || entry.value.value == Value::Bool(true)
        });
        role.unseen.extend(known.map(|entry| {
            let name = format!("wellKnownPolicies.{}", entry.key.display());
            Unseen::managed(name, entry.key.span)
        }));
        let boundary =
            ["permissionsBoundary", "permissionsBoundaryARN"].iter().find_map(|key| node.get(key));
        role.boundary = boundary.and_then(Node::as_text).map(|arn| Attached::Unseen(unseen(arn)));
        if !role.documents.is_empty() || !role.unseen.is_empty() {
            self.out.roles.push(Role { address, ..role });
        }
    }
}

/// `kube-system/karpenter`.
fn address(namespace: Option<&Text>, name: Option<&Text>) -> String {
    let words = [namespace, name].into_iter().flatten().map(Text::display);
    words.collect::<Vec<_>>().join("/")
}
