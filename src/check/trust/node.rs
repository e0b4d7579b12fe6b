//! The role of nodes: EC2 hands it to instances, and it needs some policies of AWS (EKS User Guide,
//! *Amazon EKS node IAM role*).

use crate::eval::{Decision, Tri};
use crate::extract::Unseen;
use crate::karpenter::rules::trust::{NodeCost, NodePolicy};
use crate::policy::request::{Context, Otherwise, Presence};
use crate::policy::symbolic::Symbolic;

use super::super::words::code;
use super::asked::{Answer, Taker, Trust};
use super::fault::{self, Cost, Fault};
use super::pod::SERVICE;
use super::{TrustCase, TrustChecked, findings, shape};

/// What is attached to a role of nodes.
#[derive(Debug, Clone, Copy)]
pub struct NodeRole<'a> {
    /// Attached policies whose text is not here, those of AWS among them.
    pub attached: &'a [Unseen],
    /// Whether policies with a text of their own are attached too: they may grant what AWS's do.
    pub has_own: bool,
    /// Whether Karpenter passes the role: then it is told what it may lack as well.
    pub passed: bool,
}

/// What the name of an administrator's policy ends in.
const ADMINISTRATOR: &str = ":policy/AdministratorAccess";

/// Whether instances can take the role, and whether they can join the cluster with it. `role` is nothing
/// for a trust policy that stands alone.
#[must_use]
pub fn nodes(case: TrustCase<'_>, role: Option<NodeRole<'_>>) -> TrustChecked {
    let trust = Trust::new(case.document, case.resolved);
    let rules = &case.rules.trust.node;
    let known = rules.services.iter().filter(|known| known.holds_in(trust.partition()));
    let services: Vec<&str> = known.map(|known| &*known.name).collect();
    let mut first: Option<Answer> = None;
    let mut open = Tri::False;
    for service in &services {
        let name = Symbolic::literal(service);
        let context = Context::new(Otherwise::new(Presence::Unknown, Vec::new()));
        let answer = trust.ask(&rules.action, Taker { kind: SERVICE, name: &name }, context);
        open = open.or(match answer.decision {
            Decision::Allowed => Tri::True,
            decision if decision.is_denied() => Tri::False,
            _ => Tri::Unknown,
        });
        first.get_or_insert(answer);
    }
    let mut faults = shape(&trust);
    if let (Tri::False, Some(answer)) = (open, &first) {
        faults.extend(closed(&trust, &rules.action, &services, answer));
    }
    if let Some(role) = role {
        faults.extend(policies(&case.rules.trust.node_policies, &role));
    }
    TrustChecked {
        findings: findings(&trust, faults, false),
        by: (open != Tri::False).then(|| "EC2 instances".to_owned()),
        unsettled: open == Tri::Unknown,
    }
}

/// Why EC2 does not get the role.
fn closed(trust: &Trust<'_>, action: &str, services: &[&str], answer: &Answer) -> Vec<Fault> {
    let mut out = fault::denying(trust, answer, action);
    if !out.is_empty() {
        return out;
    }
    for traced in fault::nearest(answer) {
        let Some(statement) = trust.policy().statements.get(traced.statement) else { continue };
        if traced.action == Tri::False {
            out.push(fault::action(statement, action, "EC2"));
        }
        for (condition, line) in statement.conditions.iter().zip(&traced.conditions) {
            if line.holds == Tri::False {
                out.push(fault::condition(trust, condition, line, "the value").denying(action));
            }
        }
    }
    if !out.is_empty() {
        return out;
    }
    let ec2 = services.first().copied().unwrap_or_default();
    let named = ["Service", "Federated", "AWS", "*"]
        .into_iter()
        .find_map(|kind| trust.principals(kind).into_iter().next());
    let fault = match named {
        Some((_, text, name)) => {
            let written = name.display(&trust.symbols);
            let message = format!(
                "the role of nodes trusts {}; instances take it as `{ec2}`, so no node joins",
                code(&written)
            );
            let mut fault = Fault::new(text.span, message, format!("`{ec2}` belongs here"));
            fault.written = Some(written);
            fault
        }
        None => Fault::new(
            trust.policy().statement_key,
            format!("nothing lets `{ec2}` take the role of nodes, so no node joins"),
            format!("trust `{ec2}` with `{action}`"),
        ),
    };
    vec![fault.denying(action)]
}

/// Policies of AWS that are not attached. Where none is, they are attached elsewhere.
fn policies(rules: &[NodePolicy], role: &NodeRole<'_>) -> Vec<Fault> {
    let name = |unseen: &'_ Unseen| unseen.name.rsplit('/').next().unwrap_or("").to_owned();
    let of_aws = |unseen: &&Unseen| unseen.name.contains(":iam::aws:policy/");
    let shown: Vec<String> = role.attached.iter().filter(of_aws).map(name).collect();
    let known =
        |rule: &NodePolicy| rule.any_of.iter().any(|one| shown.iter().any(|s| **one == **s));
    let all_shown = role.attached.iter().all(|unseen| of_aws(&unseen));
    let administrator = role.attached.iter().any(|unseen| unseen.name.ends_with(ADMINISTRATOR));
    let Some(first) = role.attached.iter().find(of_aws) else { return Vec::new() };
    if administrator || !all_shown || !rules.iter().any(known) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for rule in rules.iter().filter(|rule| !known(rule)) {
        if role.has_own || (rule.cost == NodeCost::Note && !role.passed) {
            continue;
        }
        let Some(wanted) = rule.any_of.first() else { continue };
        let message = format!("the role of nodes has no {}: {}", code(wanted), &*rule.without);
        let mut fault = Fault::new(first.span, message, format!("add `{}` beside this", &**wanted));
        fault.cost = match rule.cost {
            NodeCost::Error => Cost::Denies,
            NodeCost::Warning => Cost::Harmless,
            NodeCost::Note => Cost::Advice,
        };
        fault.action = Some("sts:AssumeRole".to_owned());
        out.push(fault);
    }
    out
}
