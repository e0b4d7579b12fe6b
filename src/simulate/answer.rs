//! The answer to a request: one result for each action on each resource.

use std::collections::HashSet;
use std::sync::Arc;

use super::document::{Document, Place};
use super::request::SimulationRequest;
use crate::eval::{
    Assignment, Attached, Caller, Compiled, Decision, Layer, Layers, Part, conceivable, matched,
    possible,
};
use crate::policy::request::{Context, Key, Request, Status, Target, Values};
use crate::policy::symbolic::Symbolic;

/// What the policies say of a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Actions outermost, in the order of the request.
    pub evaluations: Vec<Evaluation>,
    /// Condition keys and variables of the policies that the request does not give, sorted.
    pub missing: Arc<[Box<str>]>,
}

/// What they say of one action on one resource.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The action, as asked.
    pub action: Box<str>,
    /// The resource, as asked.
    pub resource: Box<str>,
    /// The decision.
    pub decision: Decision,
    /// The statements that made it: those that deny, or those that allow; none of an implicit denial.
    pub statements: Vec<Statement>,
    /// The decisions that unknown keys leave possible, each with values that lead to it where these
    /// could be found; empty if the decision is certain.
    pub possible: Vec<(Decision, Option<Assignment>)>,
}

/// A statement that took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The policy: `PolicyInputList.1`, `ServiceControlPolicies.2.1`.
    pub policy: String,
    /// Whether it is the policy of the resource.
    pub of_resource: bool,
    /// Its first character.
    pub start: Place,
    /// The one behind its last.
    pub end: Place,
}

/// Answers a request in which `unknown` keys may have any value, or none.
pub(super) fn answer(mut request: SimulationRequest, unknown: &[Key]) -> Answer {
    let layers = layers(&request);
    let mut context = std::mem::take(&mut request.context);
    if let Some(caller) = &request.caller {
        derive(caller, unknown, &mut context);
    }
    let missing = missing(&request, &context);
    for key in unknown {
        if context.listed(key).is_none() {
            context.set(key.clone(), Status::Unknown);
        }
    }
    let mut asked = Request { action: "".into(), resource: Target::Any, context };
    let mut evaluations = Vec::with_capacity(request.actions.len() * request.resources.len());
    for action in &request.actions {
        asked.action.clone_from(action);
        let typed = has_resource_types(action);
        for resource in &request.resources {
            asked.resource = match &**resource {
                "*" => Target::Any,
                _ if !typed => Target::Any,
                arn => Target::Arn(Symbolic::literal(arn)),
            };
            let (mut decision, found) = matched(&layers, &asked);
            let mut left = Vec::new();
            if matches!(decision, Decision::Unsettled | Decision::Denied) {
                (decision, left) = look_closer(&layers, &asked, decision);
            }
            let statements = found.iter().filter_map(|found| {
                statement(&request, found.part, found.document, found.statement)
            });
            evaluations.push(Evaluation {
                action: action.clone(),
                resource: resource.clone(),
                decision,
                statements: statements.collect(),
                possible: left,
            });
        }
    }
    Answer { evaluations, missing }
}

/// What unknown keys leave possible; a decision alone if that is certain.
fn look_closer(
    layers: &Layers,
    asked: &Request,
    kleene: Decision,
) -> (Decision, Vec<(Decision, Option<Assignment>)>) {
    match possible(layers, asked) {
        Some(found) => match found.as_slice() {
            [(decision, _)] => (*decision, Vec::new()),
            _ => {
                let denied = found.iter().all(|(decision, _)| decision.is_denied());
                let whole = if denied { Decision::Denied } else { Decision::Unsettled };
                (whole, found.into_iter().map(|(one, how)| (one, Some(how))).collect())
            }
        },
        None => {
            let open = conceivable(layers, asked).into_iter();
            (kleene, open.map(|one| (one, None)).collect())
        }
    }
}

fn layers(request: &SimulationRequest) -> Layers {
    let compiled = |documents: &[Arc<Document>]| -> Vec<Arc<Compiled>> {
        documents.iter().map(|document| Arc::clone(&document.compiled)).collect()
    };
    // An empty list is no limit, but for a level of service control policies.
    let limit = |documents: &[Arc<Document>]| (!documents.is_empty()).then(|| compiled(documents));
    let linked = request.caller.as_ref().is_some_and(Caller::is_service_linked);
    let levels = if linked { &[] } else { request.service_control.as_slice() };
    let attached = request.caller.as_ref().map(|caller| Attached {
        policy: request.resource_policy.as_ref().map(|policy| Arc::clone(&policy.compiled)),
        caller: Some(caller.clone()),
        owner: request.owner.clone(),
    });
    Layers {
        identity: compiled(&request.identity),
        boundary: limit(&request.boundary),
        service_control: levels.iter().map(|level| compiled(level)).collect(),
        session: limit(&request.session),
        attached,
    }
}

/// Keys that follow from who asks, where the request does not give them (*AWS global condition context
/// keys*) and nobody calls them unknown: the path of a role is not in the ARN of its session.
fn derive(caller: &Caller, unknown: &[Key], context: &mut Context) {
    let mut add = |name: &str, value: &str| {
        let key = Key::from(name);
        if context.listed(&key).is_none() && !unknown.contains(&key) {
            context.set(key, Status::Known(Values::One(Symbolic::literal(value))));
        }
    };
    add("aws:PrincipalArn", &caller.principal_arn());
    add("aws:PrincipalAccount", caller.account());
    if let Some(name) = caller.user() {
        add("aws:username", name);
    }
}

/// Whether the action can be asked about resources; one that cannot is asked about `*`, whatever ARN
/// the request names (*Service Authorization Reference*). Of services without data nothing is known.
fn has_resource_types(action: &str) -> bool {
    crate::aws::authorization(action).is_none_or(|(_, action)| !action.rows().is_empty())
}

fn missing(request: &SimulationRequest, context: &Context) -> Arc<[Box<str>]> {
    let documents = request.identity.iter().chain(&request.boundary).chain(&request.session);
    let documents = documents.chain(request.service_control.iter().flatten());
    let documents = documents.chain(&request.resource_policy);
    let keys = documents.flat_map(|document| &document.keys);
    let mut seen = HashSet::new();
    let mut found: Vec<&str> = Vec::new();
    for (key, name) in keys.filter(|(key, _)| context.listed(key).is_none()) {
        // Of a key in several spellings the first one counts.
        if seen.insert(key.text().as_literal()) {
            found.push(name);
        }
    }
    found.sort_unstable();
    found.into_iter().map(Box::from).collect()
}

fn statement(
    request: &SimulationRequest,
    part: Part,
    document: usize,
    statement: usize,
) -> Option<Statement> {
    let number = document + 1;
    let (found, policy) = match part {
        Part::Layer(Layer::Identity) => {
            (request.identity.get(document)?, format!("PolicyInputList.{number}"))
        }
        Part::Layer(Layer::Boundary) => (
            request.boundary.get(document)?,
            format!("PermissionsBoundaryPolicyInputList.{number}"),
        ),
        Part::Layer(Layer::Session) => {
            (request.session.get(document)?, format!("SessionPolicies.{number}"))
        }
        Part::Layer(Layer::ServiceControl(level)) => (
            request.service_control.get(level)?.get(document)?,
            format!("ServiceControlPolicies.{}.{number}", level + 1),
        ),
        Part::Attached => (request.resource_policy.as_ref()?, "ResourcePolicy".to_owned()),
    };
    let (start, end) = *found.places.get(statement)?;
    Some(Statement { policy, of_resource: part == Part::Attached, start, end })
}
