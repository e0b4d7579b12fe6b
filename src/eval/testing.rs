//! Short spellings for unit tests.

use std::sync::Arc;

use super::{Compiled, Layers, Readings, Tri, trace};
use crate::policy::request::{Request, Status, Target};
use crate::policy::symbolic::Symbolic;
use crate::policy::testing::statements;
pub(crate) use crate::policy::testing::{cases, context, many, one, one_of, symbol, text};
use crate::policy::{Policy, Version};

/// A request; the resource `*` is no particular resource.
pub(crate) fn ask(action: &str, resource: &str, entries: &[(&str, Status)]) -> Request {
    let resource = if resource == "*" { Target::Any } else { Target::Arn(text(resource)) };
    Request { action: action.into(), resource, context: context(entries) }
}

pub(crate) fn bind(expression: &str) -> Symbolic {
    Symbolic::symbol(symbol(expression))
}

pub(crate) fn compiled(policy: &Policy) -> Arc<Compiled> {
    Arc::new(Compiled::new(policy, &bind))
}

/// Layers of identity policies alone, one for each list of statements.
pub(crate) fn identity(policies: &[&str]) -> Layers {
    let identity = policies.iter().map(|policy| compiled(&statements(policy))).collect();
    Layers { identity, ..Layers::default() }
}

/// Whether a statement with these elements beside its effect matches.
pub(crate) fn matches(
    elements: &str,
    version: Version,
    readings: Readings,
    request: &Request,
) -> Tri {
    let mut policy = statements(&format!(r#"{{"Effect": "Allow", {elements}}}"#));
    policy.version = version;
    let compiled = Arc::new(Compiled::with_readings(&policy, &bind, readings));
    let layers = Layers { identity: vec![compiled], ..Layers::default() };
    trace(&layers, request).layers[0].allow
}

/// Whether a condition holds in 2012.
pub(crate) fn holds(condition: &str, entries: &[(&str, Status)]) -> Tri {
    let elements = format!(r#""Action": "*", "Resource": "*", "Condition": {{{condition}}}"#);
    matches(&elements, Version::V2012, Readings::Settled, &ask("s:A", "*", entries))
}
