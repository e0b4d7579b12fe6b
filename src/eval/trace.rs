//! Every element of every statement, and why: what the report names, and what the search for the
//! statement that came nearest goes by. Nothing is cut short here.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attached::{Attached, Own};
use super::compile::{Asked, Compiled, Prepared};
use super::operators::{Line, Named, any_value};
use super::{Assignment, Decision, Layers, Tri, enumerate};
use crate::order;
use crate::policy::Effect;
use crate::policy::pattern::Variable;
use crate::policy::principal::{Naming, Principals};
use crate::policy::request::{Context, Key, Request, Seen, Status, Target, Values};
use crate::policy::symbolic::{Symbol, Symbolic};

/// Which set of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Identity policies.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// Service control policies of one level, counted from the root.
    ServiceControl(usize),
    /// Session policies.
    Session,
}

/// All that was found on the way to a decision.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The decision, the same as [`super::decide`] gives.
    pub decision: Decision,
    /// Every layer, in the order identity, boundary, service control, session.
    pub layers: Vec<LayerTrace>,
    /// What the policy of the resource says, if one was asked.
    pub attached: Option<AttachedTrace>,
    /// What left an unsettled decision open; empty for any other. Sorted, each once.
    pub open: Vec<Open>,
    /// Of an unsettled decision that hangs on keys alone: each decision that is possible, with values of
    /// these keys that lead to it. Empty where that is not known.
    pub witnesses: Vec<(Decision, Assignment)>,
}

/// What one layer says.
#[derive(Debug, Clone)]
pub struct LayerTrace {
    /// Which one.
    pub layer: Layer,
    /// Whether some statement allows.
    pub allow: Tri,
    /// Whether some statement denies.
    pub deny: Tri,
    /// Every statement of every document, in order.
    pub statements: Vec<StatementTrace>,
}

/// What the policy of the resource says.
#[derive(Debug, Clone)]
pub struct AttachedTrace {
    /// Whether caller and resource belong to one account.
    pub same_account: Tri,
    /// Whether some statement denies.
    pub deny: Tri,
    /// How statements that allow name the caller.
    pub allow: Naming,
    /// Every statement, in order.
    pub statements: Vec<StatementTrace>,
}

/// What one statement says.
#[derive(Debug, Clone)]
pub struct StatementTrace {
    /// The document, as an index into its layer.
    pub document: usize,
    /// The statement, as an index into [`crate::policy::Policy::statements`].
    pub statement: usize,
    /// Its effect.
    pub effect: Effect,
    /// Whether it matches: all below.
    pub matches: Tri,
    /// Whether `Principal` or `NotPrincipal` is about the caller; true where nobody asks.
    pub principal: Tri,
    /// Whether `Action` or `NotAction` covers the action.
    pub action: Tri,
    /// For each value of that element, whether the pattern matches.
    pub actions: Vec<Tri>,
    /// Whether `Resource` or `NotResource` covers the resource; true without such an element.
    pub resource: Tri,
    /// For each value of that element, whether the pattern matches.
    pub resources: Vec<Tri>,
    /// Every line of `Condition`, in order; behind them those of [`crate::policy::Statement::when`].
    pub conditions: Vec<LineTrace>,
    /// What leaves `matches` unknown; empty where it is known. Sorted, each once.
    pub open: Vec<Open>,
}

/// What one line of a `Condition` says.
#[derive(Debug, Clone)]
pub struct LineTrace {
    /// Whether it holds.
    pub holds: Tri,
    /// What decided it.
    pub why: Why,
    /// The key, with holes bound.
    pub key: Key,
    /// What is known of the key: what was compared.
    pub status: Status,
    /// For each policy value, whether it matches the value of the request, negation aside. Of a key with
    /// several values: whether it matches one of them. Empty if nothing was compared.
    pub values: Vec<Tri>,
    /// What leaves `holds` unknown; empty where it is known. Sorted, each once.
    pub open: Vec<Open>,
}

/// What decided a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The comparison of known values.
    Compared,
    /// The key is not in the request.
    Absent,
    /// The key is in the request with a value that nobody knows.
    Present,
    /// Nobody knows whether the key is in the request.
    Unknown,
    /// The key has several values, and the operator is for one.
    Multivalued,
    /// The line has no value to compare with.
    NoValue,
    /// No operator has this name.
    NoOperator,
    /// The operator's name holds a placeholder.
    OpenOperator,
    /// AWS's documents contradict each other on this case.
    Contested,
}

/// Something whose value would settle an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Open {
    /// A condition key, in lower case.
    Key(Symbolic),
    /// A placeholder or an unknown setting.
    Symbol(Symbol),
    /// A point on which AWS's documents contradict each other, in a few words.
    Contested(&'static str),
}

/// Looks at everything, unknown keys in every combination included where there are few enough.
#[must_use]
pub fn trace(layers: &Layers, request: &Request) -> Trace {
    let mut trace = kleene_trace(layers, request);
    if trace.decision == Decision::Unsettled
        && let Some(found) = enumerate::of_trace(layers, request, &trace)
    {
        match found.as_slice() {
            [(decision, _)] => {
                trace.decision = *decision;
                trace.open.clear();
            }
            found if found.iter().all(|(decision, _)| decision.is_denied()) => {
                trace.decision = Decision::Denied;
                trace.open.clear();
            }
            _ => trace.witnesses = found,
        }
    }
    trace
}

/// Looks at everything, each line on its own.
pub(super) fn kleene_trace(layers: &Layers, request: &Request) -> Trace {
    let asked = &Asked::new(request);
    let policies = layers.of_caller();
    let traced: Vec<_> = policies.map(|(at, policies)| layer(at, policies, asked)).collect();
    let attached = layers.attached.as_ref().map(|attached| side(layers, attached, asked));
    let decision = combined(layers, request, &traced, attached.as_ref());
    let mut open = BTreeSet::new();
    if decision == Decision::Unsettled {
        for layer in &traced {
            let matters = |statement: &&StatementTrace| match statement.effect {
                Effect::Allow => layer.allow == Tri::Unknown,
                Effect::Deny => layer.deny == Tri::Unknown,
            };
            let statements = layer.statements.iter().filter(matters);
            open.extend(statements.flat_map(|statement| statement.open.iter().cloned()));
        }
        if let Some(attached) = &attached {
            let statements = attached.statements.iter();
            open.extend(statements.flat_map(|statement| statement.open.iter().cloned()));
            if attached.same_account == Tri::Unknown
                && let Target::Arn(arn) = &request.resource
            {
                open.extend(arn.symbols().map(Open::Symbol));
            }
        }
    }
    Trace {
        decision,
        layers: traced,
        attached,
        open: open.into_iter().collect(),
        witnesses: Vec::new(),
    }
}

/// The decision, from what each layer says.
fn combined(
    layers: &Layers,
    request: &Request,
    traced: &[LayerTrace],
    attached: Option<&AttachedTrace>,
) -> Decision {
    let deny = Tri::any(traced.iter().map(|layer| layer.deny));
    let (Some(side), Some(found)) = (&layers.attached, attached) else {
        return Decision::new(deny, Tri::all(traced.iter().map(|layer| layer.allow)));
    };
    let of = |which: fn(Layer) -> bool| {
        Tri::all(traced.iter().filter(|layer| which(layer.layer)).map(|layer| layer.allow))
    };
    let own = Own {
        identity: of(|layer| layer == Layer::Identity),
        limits: of(|layer| matches!(layer, Layer::Boundary | Layer::Session)),
    };
    let control = of(|layer| matches!(layer, Layer::ServiceControl(_)));
    let allow = control.and(side.allows(request, own, found.allow));
    Decision::new(deny.or(found.deny), allow)
}

/// The policy of the resource.
fn side(layers: &Layers, attached: &Attached, asked: &Asked<'_>) -> AttachedTrace {
    let bounded = layers.boundary.is_some();
    let prepared = attached.policy.iter().flat_map(|policy| policy.statements.iter().enumerate());
    let statements = prepared.map(|(number, prepared)| {
        let mut found = statement(0, number, prepared, asked);
        found.principal = attached.names(prepared, bounded).1;
        let rest = found.matches;
        found.matches = rest.and(found.principal);
        if found.matches != Tri::Unknown {
            found.open.clear();
        } else if found.principal == Tri::Unknown {
            let symbols = prepared.principal.iter().flat_map(Principals::symbols);
            found.open.extend(symbols.map(Open::Symbol));
            order::sort(&mut found.open);
            found.open.dedup();
        }
        found
    });
    let granted = attached.says(asked, bounded);
    AttachedTrace {
        same_account: attached.same_account(asked.request),
        deny: granted.deny,
        allow: granted.allow,
        statements: statements.collect(),
    }
}

fn layer(layer: Layer, policies: &[Arc<Compiled>], asked: &Asked<'_>) -> LayerTrace {
    let count = policies.iter().map(|policy| policy.statements.len()).sum();
    let mut statements = Vec::with_capacity(count);
    for (document, policy) in policies.iter().enumerate() {
        let numbered = policy.statements.iter().enumerate();
        statements.extend(
            numbered.map(|(number, prepared)| statement(document, number, prepared, asked)),
        );
    }
    let some = |effect| {
        let of_effect =
            statements.iter().filter(|statement: &&StatementTrace| statement.effect == effect);
        Tri::any(of_effect.map(|statement| statement.matches))
    };
    let (allow, deny) = (some(Effect::Allow), some(Effect::Deny));
    LayerTrace { layer, allow, deny, statements }
}

fn statement(
    document: usize,
    number: usize,
    prepared: &Prepared,
    asked: &Asked<'_>,
) -> StatementTrace {
    let request = asked.request;
    let context = &request.context;
    let actions: Vec<Tri> =
        prepared.action.patterns.iter().map(|pattern| pattern.matches(&request.action)).collect();
    let action = prepared.action.covers(&request.action);
    let (resource, resources) = match &prepared.resource {
        Some(element) => {
            let each = element.patterns.iter().map(|pattern| element.pattern(pattern, asked));
            (element.covers(asked), each.collect())
        }
        None => (Tri::True, Vec::new()),
    };
    let conditions: Vec<LineTrace> = prepared.lines.iter().map(|own| line(own, context)).collect();
    let held = conditions.iter().map(|line| line.holds);
    let matches = Tri::all([action, resource].into_iter().chain(held));
    let mut open = BTreeSet::new();
    if matches == Tri::Unknown {
        if action == Tri::Unknown {
            let unknown = prepared
                .action
                .patterns
                .iter()
                .zip(&actions)
                .filter(|(_, tri)| **tri == Tri::Unknown);
            open.extend(
                unknown.flat_map(|(pattern, _)| pattern.open(&request.action)).map(Open::Symbol),
            );
        }
        if resource == Tri::Unknown {
            open_resources(prepared, request, &resources, &mut open);
        }
        open.extend(conditions.iter().flat_map(|line| line.open.iter().cloned()));
    }
    StatementTrace {
        document,
        statement: number,
        effect: prepared.effect,
        matches,
        principal: Tri::True,
        action,
        actions,
        resource,
        resources,
        conditions,
        open: open.into_iter().collect(),
    }
}

fn open_resources(prepared: &Prepared, request: &Request, each: &[Tri], open: &mut BTreeSet<Open>) {
    let Some(element) = &prepared.resource else { return };
    for (pattern, _) in element.patterns.iter().zip(each).filter(|(_, tri)| **tri == Tri::Unknown) {
        match &request.resource {
            Target::Arn(arn)
                if pattern.covers(&request.resource, &request.context) == Tri::False =>
            {
                open.insert(Open::Contested("whether a wildcard reaches past a colon"));
                open.extend(pattern.open(arn).into_iter().map(Open::Symbol));
            }
            Target::Arn(arn) => open.extend(pattern.open(arn).into_iter().map(Open::Symbol)),
            Target::Any => {
                open.extend(pattern.open(&Symbolic::default()).into_iter().map(Open::Symbol))
            }
        }
        open.extend(open_variables(pattern.variables(), &request.context));
    }
}

/// What is open about the values of variables.
fn open_variables(variables: &[Variable], context: &Context) -> Vec<Open> {
    let mut out = Vec::new();
    for variable in variables {
        match context.seen(&variable.key) {
            Seen::Known(Values::One(value)) => out.extend(value.symbols().map(Open::Symbol)),
            Seen::Present | Seen::Unknown | Seen::Known(Values::OneOf(_)) => {
                out.push(Open::Key(variable.key.text().clone()));
            }
            Seen::Absent | Seen::Known(Values::Many(_)) => {}
        }
    }
    out
}

fn line(own: &Line, context: &Context) -> LineTrace {
    let seen = context.seen(&own.key);
    let holds = own.holds_where(seen, context);
    let why = why(own, seen, holds);
    let any = any_value();
    let sent = match seen {
        Seen::Known(Values::One(value)) => std::slice::from_ref(value),
        Seen::Known(Values::OneOf(values)) if values.is_empty() => std::slice::from_ref(&any),
        Seen::Known(Values::OneOf(values) | Values::Many(values)) => values,
        Seen::Present | Seen::Unknown => std::slice::from_ref(&any),
        Seen::Absent => &[],
    };
    let values: Vec<Tri> = if sent.is_empty() || matches!(why, Why::NoOperator | Why::OpenOperator)
    {
        Vec::new()
    } else {
        let of = |test: &super::operators::Test| {
            let each = sent.iter().map(|value| test.matches(value, context));
            match seen {
                Seen::Known(Values::OneOf(_)) => Tri::agreed(each),
                _ => Tri::any(each),
            }
        };
        own.tests.iter().map(of).collect()
    };
    let mut open = BTreeSet::new();
    if holds == Tri::Unknown {
        if matches!(seen, Seen::Present | Seen::Unknown | Seen::Known(Values::OneOf(_))) {
            open.insert(Open::Key(own.key.text().clone()));
        }
        if context.listed(&own.key).is_none() {
            open.extend(own.key.text().symbols().map(Open::Symbol));
        }
        open.extend(own.contested(seen).map(Open::Contested));
        for (test, _) in own.tests.iter().zip(&values).filter(|(_, tri)| **tri == Tri::Unknown) {
            let symbols = sent
                .iter()
                .flat_map(|value| test.open(value))
                .filter(|symbol| symbol.id != u32::MAX);
            open.extend(symbols.map(Open::Symbol));
            open.extend(open_variables(test.variables(), context));
        }
    }
    if holds == Tri::Unknown && open.is_empty() {
        // Nothing to compare, but a value may be empty, and the set of values so null; or the name of
        // the operator is open.
        let compared = own.tests.iter().flat_map(|test| test.open(&Symbolic::default()));
        let symbols = sent.iter().flat_map(Symbolic::symbols).chain(own.name.symbols());
        open.extend(symbols.chain(compared).map(Open::Symbol));
    }
    LineTrace {
        holds,
        why,
        key: own.key.clone(),
        status: status(seen),
        values,
        open: open.into_iter().collect(),
    }
}

pub(super) fn why(own: &Line, seen: Seen<'_>, holds: Tri) -> Why {
    let operator = match own.operator {
        Named::Operator(operator) => operator,
        Named::Nothing => return Why::NoOperator,
        Named::Open => return Why::OpenOperator,
    };
    match seen {
        Seen::Absent | Seen::Known(_) if holds == Tri::Unknown && own.contested(seen).is_some() => {
            Why::Contested
        }
        Seen::Absent => Why::Absent,
        _ if own.tests.is_empty() => Why::NoValue,
        Seen::Present => Why::Present,
        Seen::Unknown => Why::Unknown,
        Seen::Known(Values::Many(_)) if operator.set.is_none() => Why::Multivalued,
        Seen::Known(_) => Why::Compared,
    }
}

fn status(seen: Seen<'_>) -> Status {
    match seen {
        Seen::Known(values) => Status::Known(values.clone()),
        Seen::Absent => Status::Absent,
        Seen::Present => Status::Present,
        Seen::Unknown => Status::Unknown,
    }
}
