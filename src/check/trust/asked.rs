//! One trust policy, and what it answers to who wants to take its role.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::controller::Document;
use crate::eval::{Compiled, Decision, Layers, Readings, StatementTrace, Tri, trace};
use crate::policy::request::{Context, Request, Target};
use crate::policy::symbolic::{Class, Shape, Symbolic, Symbols};
use crate::policy::{Effect, Policy, Statement};
use crate::settings::Settings;
use crate::settings::infer::Resolved;
use crate::syntax::{Part, Text};

/// Kubernetes namespaces: RFC 1123 labels.
const NAMESPACE: Shape = Shape::new(Class::Name, 1, 63);
/// Kubernetes service accounts: RFC 1123 subdomains.
const NAME: Shape = Shape::new(Class::Name, 1, 253);

/// A trust policy, prepared.
pub(super) struct Trust<'a> {
    pub(super) document: &'a Document,
    pub(super) resolved: &'a Resolved,
    pub(super) symbols: Symbols,
    holes: BTreeMap<String, Symbolic>,
    layers: Layers,
}

/// Who wants to take the role: a type of principal, and its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker<'a> {
    pub(super) kind: &'a str,
    pub(super) name: &'a Symbolic,
}

/// A service account, parts of which may not be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) namespace: Symbolic,
    pub(super) name: Symbolic,
}

/// What the policy answers.
pub(super) struct Answer {
    pub(super) decision: Decision,
    /// Every statement, `principal` included.
    pub(super) statements: Vec<StatementTrace>,
}

impl<'a> Trust<'a> {
    pub(super) fn new(document: &'a Document, resolved: &'a Resolved) -> Self {
        let mut symbols = Symbols::clone(&resolved.symbols);
        let mut holes = BTreeMap::new();
        for expr in holes_of(&document.policy) {
            let known = resolved.bindings().find(|(hole, _)| *hole == expr);
            let value = match known {
                Some((_, value)) => value.clone(),
                // Only what the identity policies name is bound; here it may be anything.
                None => Symbolic::symbol(symbols.intern(&expr, Shape::ANY)),
            };
            holes.insert(expr, value);
        }
        let bind = |expr: &str| holes.get(expr).cloned().unwrap_or_default();
        let compiled = Compiled::with_readings(&document.policy, &bind, Readings::Open);
        let layers = Layers { identity: vec![Arc::new(compiled)], ..Layers::default() };
        Self { document, resolved, symbols, holes, layers }
    }

    pub(super) fn policy(&self) -> &'a Policy {
        &self.document.policy
    }

    pub(super) fn settings(&self) -> &'a Settings {
        &self.resolved.settings
    }

    /// The partition, if it is known.
    pub(super) fn partition(&self) -> Option<&'a str> {
        self.settings().partition.as_literal()
    }

    /// A service account of which nothing is known.
    pub(super) fn any_account(&mut self) -> Account {
        Account {
            namespace: Symbolic::symbol(self.symbols.fresh("namespace", NAMESPACE)),
            name: Symbolic::symbol(self.symbols.fresh("service-account", NAME)),
        }
    }

    /// What a text of the policy stands for.
    pub(super) fn bind(&self, text: &Text) -> Symbolic {
        let mut out = Symbolic::default();
        for part in &text.parts {
            match part {
                Part::Literal(_, text) => out.push_str(text),
                Part::Hole(_, expr) => {
                    if let Some(value) = self.holes.get(&**expr) {
                        out.push(value);
                    }
                }
            }
        }
        out
    }

    /// The values of one type of principal in statements that allow: statement, text, what it stands for.
    pub(super) fn principals(&self, kind: &str) -> Vec<(usize, &'a Text, Symbolic)> {
        let mut out = Vec::new();
        for (at, statement) in self.policy().statements.iter().enumerate() {
            let principal = statement.principal.as_ref().filter(|principal| !principal.negated);
            if statement.effect == Effect::Deny {
                continue;
            }
            for (_, text) in
                principal.iter().flat_map(|p| &p.values).filter(|(own, _)| **own == *kind)
            {
                out.push((at, text, self.bind(text)));
            }
        }
        out
    }

    /// Asks whether `taker` may call `action`.
    pub(super) fn ask(&self, action: &str, taker: Taker<'_>, context: Context) -> Answer {
        let request = Request { action: action.into(), resource: Target::Any, context };
        let traced = trace(&self.layers, &request);
        let mut statements: Vec<StatementTrace> =
            traced.layers.into_iter().flat_map(|layer| layer.statements).collect();
        for traced in &mut statements {
            let statement = self.policy().statements.get(traced.statement);
            // One that is not known may be about anybody.
            traced.principal =
                statement.map_or(Tri::Unknown, |statement| self.is_about(statement, taker));
            traced.matches = traced.matches.and(traced.principal);
        }
        let some = |effect| {
            let of_effect = statements.iter().filter(|traced| traced.effect == effect);
            Tri::any(of_effect.map(|traced| traced.matches))
        };
        let decision = Decision::new(some(Effect::Deny), some(Effect::Allow));
        Answer { decision, statements }
    }

    /// Whether the principal of a statement is about `taker`.
    fn is_about(&self, statement: &Statement, taker: Taker<'_>) -> Tri {
        let Some(principal) = &statement.principal else { return Tri::False };
        let named = Tri::any(principal.values.iter().map(|(kind, text)| {
            let value = self.bind(text);
            match (&**kind, value.as_literal()) {
                ("*" | "AWS", Some("*")) => Tri::True,
                // The whole element is a text that is not known before deployment.
                ("*", None) => Tri::Unknown,
                (kind, _) if kind == taker.kind => value.same(taker.name, false),
                _ => Tri::False,
            }
        }));
        if principal.negated { !named } else { named }
    }
}

/// The expressions of all holes.
fn holes_of(policy: &Policy) -> Vec<String> {
    let mut out = Vec::new();
    let mut read = |text: &Text| {
        out.extend(text.holes().map(str::to_owned));
    };
    policy.unknown.iter().for_each(&mut read);
    for statement in &policy.statements {
        statement.texts().for_each(&mut read);
        let principals = statement.principal.iter().flat_map(|principal| &principal.values);
        principals.for_each(|(_, text)| read(text));
    }
    out
}

impl Account {
    /// One that is known.
    pub(super) fn known(namespace: &str, name: &str) -> Self {
        Self { namespace: Symbolic::literal(namespace), name: Symbolic::literal(name) }
    }

    /// The subject of its tokens.
    pub(super) fn subject(&self, prefix: &str) -> Symbolic {
        let mut out = Symbolic::literal(prefix);
        out.push(&self.namespace);
        out.push_str(":");
        out.push(&self.name);
        out
    }

    /// `kube-system/karpenter`.
    pub(super) fn display(&self, symbols: &Symbols) -> String {
        format!("{}/{}", self.namespace.display(symbols), self.name.display(symbols))
    }
}
