//! Short spellings for unit tests.

use std::sync::Arc;

use proptest::test_runner::Config as ProptestConfig;

use super::{Compiled, Layers, Readings, Tri, trace};
use crate::policy::request::{Context, Key, Request, Status, Target, Values};
use crate::policy::symbolic::{Class, Shape, Symbol, Symbolic};
use crate::policy::testing::statements;
use crate::policy::{Policy, Version};

/// Property tests run `PROPTEST_CASES` cases, or `usual` ones if that is not set.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let shrinking = ProptestConfig {
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    ProptestConfig { cases: asked.unwrap_or(usual), ..shrinking }
}

/// Names that holes and request texts use: `<<name>>` in both.
const NAMES: [(&str, Shape); 6] = [
    ("any", Shape::ANY),
    ("pool", Shape::new(Class::Name, 1, 63)),
    ("cluster", Shape::new(Class::Word, 1, 100)),
    ("account", Shape::new(Class::Digits, 12, 12)),
    ("hex", Shape::new(Class::Hex, 8, 17)),
    ("maybe", Shape::new(Class::Word, 0, 9)),
];

pub(crate) fn symbol(name: &str) -> Symbol {
    let id = NAMES.iter().position(|(known, _)| *known == name).expect(name);
    Symbol { id: u32::try_from(id).unwrap(), shape: NAMES[id].1 }
}

/// Text with `<<name>>` for symbols.
pub(crate) fn text(text: &str) -> Symbolic {
    let mut out = Symbolic::default();
    let mut rest = text;
    while let Some((front, tail)) = rest.split_once("<<") {
        let (name, tail) = tail.split_once(">>").expect("an end");
        out.push_str(front);
        out.push_symbol(symbol(name));
        rest = tail;
    }
    out.push_str(rest);
    out
}

pub(crate) fn one(value: &str) -> Status {
    Status::Known(Values::One(text(value)))
}

pub(crate) fn many(values: &[&str]) -> Status {
    Status::Known(Values::Many(values.iter().map(|value| text(value)).collect()))
}

pub(crate) fn one_of(values: &[&str]) -> Status {
    Status::Known(Values::OneOf(values.iter().map(|value| text(value)).collect()))
}

pub(crate) fn context(entries: &[(&str, Status)]) -> Context {
    let mut context = Context::default();
    for (key, status) in entries {
        context.set(Key::new(&text(key)), status.clone());
    }
    context
}

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
