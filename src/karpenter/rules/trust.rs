//! Who assumes the roles of the controller and of the nodes, as `trust.toml` says.

use serde::{Deserialize, Serialize};

use super::files::{RuleError, Table, Value};
use super::text::Str;
use super::version::{Version, Versions};

/// What trust policies have to let in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct TrustRules {
    /// A pod with a token of its service account.
    pub web_identity: WebIdentity,
    /// A pod with an association of EKS Pod Identity.
    pub pod_identity: PodIdentity,
    /// The service accounts that the documentation proposes.
    pub service_accounts: Vec<ServiceAccount>,
    /// What nodes do to take their role.
    pub node: NodeTrust,
    /// What the role of nodes needs.
    pub node_policies: Vec<NodePolicy>,
}

/// IAM roles for service accounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct WebIdentity {
    /// `sts:AssumeRoleWithWebIdentity`.
    pub action: Str,
    /// What stands in front of the issuer in the provider's ARN.
    pub provider: Str,
    /// What the subject of a service account begins with.
    pub subject: Str,
    /// The audience of the token.
    pub audiences: Vec<Named>,
}

/// EKS Pod Identity.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct PodIdentity {
    /// The service that assumes the role.
    pub service: Str,
    /// What it calls: all of them have to be allowed.
    pub actions: Vec<Str>,
    /// The session tag that holds the cluster's name.
    pub cluster: Str,
    /// The session tag that holds the namespace.
    pub namespace: Str,
    /// The session tag that holds the service account.
    pub service_account: Str,
    /// Session tags whose values nobody knows.
    pub other_tags: Vec<Str>,
}

/// A Kubernetes service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: Str,
    /// Its name.
    pub name: Str,
    /// Releases whose documentation proposes it.
    pub versions: Versions,
}

/// How nodes take their role.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct NodeTrust {
    /// `sts:AssumeRole`.
    pub action: Str,
    /// The names by which EC2 calls itself: one has to be trusted.
    pub services: Vec<Named>,
}

/// A name that holds in some partitions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Named {
    /// The name.
    pub name: Str,
    /// Where it holds; everywhere, if empty.
    pub partitions: Vec<Str>,
}

/// A policy that the role of nodes needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct NodePolicy {
    /// Names of AWS's policies: one of them will do.
    pub any_of: Vec<Str>,
    /// What it costs to be without.
    pub cost: NodeCost,
    /// What happens without.
    pub without: Str,
}

/// What it costs to be without a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeCost {
    /// Nodes do not join.
    Error,
    /// Nodes rarely get ready.
    Warning,
    /// One may do without, or has it from elsewhere.
    Note,
}

impl Named {
    /// Whether it holds in `partition`; one that nobody knows may be any.
    #[must_use]
    pub fn holds_in(&self, partition: Option<&str>) -> bool {
        self.partitions.is_empty()
            || partition.is_none_or(|name| self.partitions.iter().any(|known| *known == *name))
    }
}

impl TrustRules {
    /// The service accounts, those that the documentation of `version` proposes first.
    pub fn proposed(&self, version: Version) -> impl Iterator<Item = &ServiceAccount> {
        let of = move |wanted| {
            let fits = move |one: &&ServiceAccount| one.versions.contain(version) == wanted;
            self.service_accounts.iter().filter(fits)
        };
        of(true).chain(of(false))
    }

    /// Reads `trust.toml`.
    pub(super) fn load(file: &Table<'_>) -> Result<Self, RuleError> {
        file.only(&["web_identity", "pod_identity", "service_account", "node", "node_policy"])?;
        let web = file.need("web_identity")?;
        let web = web.fields(&["action", "provider", "subject", "audiences"])?;
        let pod = file.need("pod_identity")?;
        let pod = pod.fields(&[
            "service",
            "actions",
            "cluster",
            "namespace",
            "service_account",
            "other_tags",
        ])?;
        let node = file.need("node")?.fields(&["action", "services"])?;
        let accounts = file.need("service_account")?.list()?;
        let policies = file.need("node_policy")?.list()?;
        Ok(Self {
            web_identity: WebIdentity {
                action: text(&web, "action")?,
                provider: text(&web, "provider")?,
                subject: text(&web, "subject")?,
                audiences: named(web.need("audiences")?)?,
            },
            pod_identity: PodIdentity {
                service: text(&pod, "service")?,
                actions: texts(pod.need("actions")?)?,
                cluster: text(&pod, "cluster")?,
                namespace: text(&pod, "namespace")?,
                service_account: text(&pod, "service_account")?,
                other_tags: texts(pod.need("other_tags")?)?,
            },
            service_accounts: accounts.iter().map(account).collect::<Result<_, _>>()?,
            node: NodeTrust {
                action: text(&node, "action")?,
                services: named(node.need("services")?)?,
            },
            node_policies: policies.iter().map(policy).collect::<Result<_, _>>()?,
        })
    }
}

fn text(table: &Table<'_>, name: &str) -> Result<Str, RuleError> {
    Ok(table.need(name)?.text()?.into())
}

fn texts(value: &Value<'_>) -> Result<Vec<Str>, RuleError> {
    let list: Vec<Str> = value.texts()?.into_iter().map(Str::from).collect();
    if list.is_empty() { Err(value.error("expected at least one name")) } else { Ok(list) }
}

fn named(value: &Value<'_>) -> Result<Vec<Named>, RuleError> {
    let items = value.list()?;
    if items.is_empty() {
        return Err(value.error("expected at least one name"));
    }
    let one = |item: &Value<'_>| {
        let table = item.fields(&["name", "partitions"])?;
        let partitions = table.texts("partitions")?.into_iter().map(Str::from).collect();
        Ok(Named { name: text(&table, "name")?, partitions })
    };
    items.iter().map(one).collect()
}

fn account(item: &Value<'_>) -> Result<ServiceAccount, RuleError> {
    let table = item.fields(&["namespace", "name", "versions"])?;
    Ok(ServiceAccount {
        namespace: text(&table, "namespace")?,
        name: text(&table, "name")?,
        versions: table.versions("versions")?,
    })
}

fn policy(item: &Value<'_>) -> Result<NodePolicy, RuleError> {
    let table = item.fields(&["any_of", "severity", "without"])?;
    let severity = table.need("severity")?;
    let cost = match severity.text()? {
        "error" => NodeCost::Error,
        "warning" => NodeCost::Warning,
        "note" => NodeCost::Note,
        _ => return Err(severity.error("expected `error`, `warning` or `note`")),
    };
    Ok(NodePolicy {
        any_of: texts(table.need("any_of")?)?,
        cost,
        without: text(&table, "without")?,
    })
}
