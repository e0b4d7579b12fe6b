//! The decision, and the statements that made it.

use std::sync::Arc;

use super::compile::Asked;
use super::{Compiled, Decision, Layer, Layers, Tri, kleene};
use crate::policy::Effect;
use crate::policy::request::Request;

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// In a policy of the caller's side.
    Layer(Layer),
    /// In the policy of the resource.
    Attached,
}

/// A statement that certainly matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Match {
    /// Where.
    pub part: Part,
    /// The document, as an index into its layer.
    pub document: usize,
    /// The statement, as an index into [`crate::policy::Policy::statements`].
    pub statement: usize,
}

/// What the layers say of `request`, without a second look at unknown keys, and why: all statements
/// that deny an explicit denial, all that allow what is allowed, none of any other decision. In the
/// order identity, boundary, resource, session, service control.
#[must_use]
pub fn matched(layers: &Layers, request: &Request) -> (Decision, Vec<Match>) {
    let asked = Asked::new(request);
    let decision = kleene(layers, &asked);
    let effect = match decision {
        Decision::Allowed => Effect::Allow,
        Decision::ExplicitDeny => Effect::Deny,
        Decision::ImplicitDeny | Decision::Denied | Decision::Unsettled => {
            return (decision, Vec::new());
        }
    };
    let mut out = Vec::new();
    add(&mut out, Layer::Identity, &layers.identity, effect, &asked);
    if let Some(policies) = &layers.boundary {
        add(&mut out, Layer::Boundary, policies, effect, &asked);
    }
    if let Some(attached) = &layers.attached {
        let statements = attached.policy.iter().flat_map(|policy| policy.statements.iter());
        let bounded = layers.boundary.is_some();
        for (statement, prepared) in statements.enumerate() {
            if prepared.effect == effect
                && attached.names(prepared, bounded).1 == Tri::True
                && prepared.matches(&asked) == Tri::True
            {
                out.push(Match { part: Part::Attached, document: 0, statement });
            }
        }
    }
    if let Some(policies) = &layers.session {
        add(&mut out, Layer::Session, policies, effect, &asked);
    }
    for (level, policies) in layers.service_control.iter().enumerate() {
        add(&mut out, Layer::ServiceControl(level), policies, effect, &asked);
    }
    (decision, out)
}

fn add(
    out: &mut Vec<Match>,
    layer: Layer,
    policies: &[Arc<Compiled>],
    effect: Effect,
    asked: &Asked<'_>,
) {
    for (document, policy) in policies.iter().enumerate() {
        let found = policy.matched(effect, asked).into_iter();
        let part = Part::Layer(layer);
        out.extend(found.map(|statement| Match { part, document, statement }));
    }
}
