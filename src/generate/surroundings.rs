//! What stands around the controller's policy: who takes its role, the role of nodes, and the queue's
//! policy. What these need is in `rules/karpenter/trust.toml` and `generate.toml`.

use std::collections::BTreeSet;

use crate::check::fill;
use crate::karpenter::Rules;
use crate::policy::Effect;
use crate::policy::symbolic::Symbolic;
use crate::settings::Settings;

use super::data::data;
use super::statement::{Document, DocumentKind, Line, Statement, named};

/// How the controller's pod takes its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// IAM roles for service accounts: the cluster's OIDC provider.
    Irsa,
    /// EKS Pod Identity.
    PodIdentity,
}

fn allow(sid: &str, remark: &str) -> Statement {
    Statement {
        sid: sid.to_owned(),
        effect: Effect::Allow,
        principal: None,
        actions: Vec::new(),
        resources: Vec::new(),
        conditions: Vec::new(),
        calls: BTreeSet::new(),
        remark: Some(remark.to_owned()),
    }
}

fn equal(key: Symbolic, values: Vec<Symbolic>) -> Line {
    Line { operator: "StringEquals", key, values }
}

/// Who may take the controller's role. `issuer` is that of the cluster's tokens, without `https://`;
/// `service_account` is namespace and name, by default those that the documentation proposes.
#[must_use]
pub fn trust_policy(
    rules: &Rules,
    settings: &Settings,
    trust: Trust,
    issuer: &Symbolic,
    service_account: Option<(&str, &str)>,
) -> Document {
    let proposed = rules.trust.proposed(settings.karpenter).next();
    let (namespace, name) = service_account
        .or_else(|| proposed.map(|known| (&*known.namespace, &*known.name)))
        .unwrap_or_default();
    let remark = format!("the service account {namespace}/{name} of this cluster");
    let partition = settings.partition.as_literal();
    let statement = match trust {
        Trust::Irsa => {
            let web = &rules.trust.web_identity;
            let mut provider = fill("arn:${partition}:iam::${account}", settings);
            provider.push_str(&web.provider);
            provider.push(issuer);
            let key = |claim: &str| {
                let mut key = issuer.clone();
                key.push_str(claim);
                key
            };
            let audiences =
                web.audiences.iter().filter(|one| one.holds_in(Some(partition.unwrap_or("aws"))));
            let subject = format!("{}{namespace}:{name}", &*web.subject);
            Statement {
                principal: Some(("Federated", vec![provider])),
                actions: vec![web.action.to_string()],
                conditions: vec![
                    equal(key(":aud"), audiences.map(|one| Symbolic::literal(&one.name)).collect()),
                    equal(key(":sub"), vec![Symbolic::literal(&subject)]),
                ],
                ..allow("AssumeByServiceAccount", &remark)
            }
        }
        Trust::PodIdentity => {
            let pod = &rules.trust.pod_identity;
            let tag = |tag: &str, value: Symbolic| {
                equal(Symbolic::literal(&format!("aws:RequestTag/{tag}")), vec![value])
            };
            Statement {
                principal: Some(("Service", vec![Symbolic::literal(&pod.service)])),
                actions: pod.actions.iter().map(ToString::to_string).collect(),
                conditions: vec![
                    tag(&pod.cluster, settings.cluster.clone()),
                    tag(&pod.namespace, Symbolic::literal(namespace)),
                    tag(&pod.service_account, Symbolic::literal(name)),
                ],
                ..allow("AssumeByPod", &remark)
            }
        }
    };
    Document {
        kind: DocumentKind::Trust,
        stem: data().names.controller.clone(),
        name: named(&data().names.controller, settings),
        statements: vec![statement],
        attached: Vec::new(),
    }
}

/// The name of the role of nodes in upstream's template.
#[must_use]
pub fn node_role_name(settings: &Settings) -> Symbolic {
    named(&data().names.node, settings)
}

/// Who may take the role of nodes, and which of AWS's policies it needs.
#[must_use]
pub fn node_role(rules: &Rules, settings: &Settings) -> Document {
    let node = &rules.trust.node;
    let services = node.services.iter().take(1).map(|one| Symbolic::literal(&one.name));
    let statement = Statement {
        principal: Some(("Service", services.collect())),
        actions: vec![node.action.to_string()],
        ..allow("AssumeByInstance", "the instances that Karpenter launches")
    };
    let arn = |name: &str| fill(&format!("arn:${{partition}}:iam::aws:policy/{name}"), settings);
    let attached = rules.trust.node_policies.iter();
    Document {
        kind: DocumentKind::Node,
        stem: data().names.node.clone(),
        name: node_role_name(settings),
        statements: vec![statement],
        attached: attached.filter_map(|row| row.any_of.first().map(|name| arn(name))).collect(),
    }
}

/// The policy of the interruption queue; `None` where there is no queue.
#[must_use]
pub fn queue_policy(settings: &Settings) -> Option<Document> {
    let queue = settings.queue.clone()?;
    let own = &data().queue;
    let deliver = Statement {
        principal: Some(("Service", vec![Symbolic::literal(&own.service)])),
        actions: vec![own.action.clone()],
        resources: vec![queue.clone()],
        conditions: vec![Line {
            operator: "ArnLike",
            key: "aws:SourceArn".into(),
            values: vec![fill(&own.source, settings)],
        }],
        ..allow("DeliverEvents", "EventBridge delivers what its rules let through")
    };
    let plain = Statement {
        effect: Effect::Deny,
        principal: Some(("*", vec!["*".into()])),
        actions: vec!["sqs:*".to_owned()],
        resources: vec![queue.clone()],
        conditions: vec![Line {
            operator: "Bool",
            key: "aws:SecureTransport".into(),
            values: vec!["false".into()],
        }],
        ..allow("DenyHTTP", "nobody reads or writes without TLS")
    };
    Some(Document {
        kind: DocumentKind::Queue,
        stem: String::new(),
        name: queue,
        statements: vec![deliver, plain],
        attached: Vec::new(),
    })
}
