//! Holds policies against the least one, by evaluation: what they lack of it, and what they allow
//! beyond it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws;
use crate::check::words::call_name;
use crate::eval::{Compiled, Decision, Layers, Readings, decide};
use crate::karpenter::Entry;
use crate::order;
use crate::policy::lower::lower;
use crate::policy::request::{Context, Otherwise, Presence, Request, Target};
use crate::policy::symbolic::{Symbol, Symbolic};
use crate::policy::{Effect, Policy, Statement as Written};
use crate::settings::Settings;
use crate::source::SourceId;
use crate::syntax::{HoleSyntax, Text, json};

use super::Generated;
use super::probe::{self, Probe};
use super::statement::Line;
use super::write;
use crate::policy::globs::covers;

/// How policies differ from the least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Against {
    /// What Karpenter asks and they do not allow for certain.
    pub lacks: Vec<Lack>,
    /// What they allow and Karpenter does not ask.
    pub beyond: Vec<Beyond>,
}

/// Something that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lack {
    /// `ec2:CreateFleet`.
    pub action: String,
    /// `fleet/*`, or `*`.
    pub resource: String,
    /// The calls that need it.
    pub calls: BTreeSet<String>,
    /// Whether it hangs on something that nobody knows.
    pub unsettled: bool,
}

/// Something that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beyond {
    /// `ec2:TerminateInstances`, or a pattern with what it covers.
    pub action: String,
    /// `instance/*`; empty where the action as such is not asked.
    pub resources: Vec<String>,
    /// `without aws:ResourceTag/…`; empty where the action as such is not asked.
    pub with: String,
}

/// Holds `existing` against what was generated for `settings`. `policies` are those of the first layer.
#[must_use]
pub fn against(
    existing: &Layers,
    policies: &[&Policy],
    generated: &Generated<'_>,
    settings: &Settings,
) -> Against {
    let own = compile(generated);
    Against {
        lacks: lacks(existing, generated),
        beyond: {
            let mut beyond = actions(existing, policies, generated, settings);
            beyond.extend(wider(existing, &own, generated));
            beyond
        },
    }
}

/// The generated policy, ready to be asked.
fn compile(generated: &Generated<'_>) -> Layers {
    let mut texts = Vec::new();
    generated.documents.iter().for_each(|document| document.texts(&mut texts));
    let mut symbols: Vec<Symbol> = texts.into_iter().flat_map(Symbolic::symbols).collect();
    order::sort(&mut symbols);
    symbols.dedup();
    let bind = |hole: &str| {
        let found = symbols.iter().find(|symbol| symbol.id.to_string() == hole);
        found.map(|symbol| Symbolic::symbol(*symbol)).unwrap_or_default()
    };
    let compiled = generated.documents.iter().filter_map(|document| {
        let text = write::numbered(document);
        let node = json::parse(SourceId(0), &text, HoleSyntax::Template).ok()?;
        Some(Arc::new(Compiled::with_readings(&lower(&node).policy, &bind, Readings::Open)))
    });
    Layers { identity: compiled.collect(), ..Layers::default() }
}

fn lacks(existing: &Layers, generated: &Generated<'_>) -> Vec<Lack> {
    let mut out: Vec<Lack> = Vec::new();
    for need in &generated.needs {
        for entry in &need.entries {
            let decision = decide(existing, &entry.request);
            if decision == Decision::Allowed {
                continue;
            }
            let action = entry.request.action.to_string();
            let resource = short(entry, generated);
            let dry = if need.rule.dry_run { " (dry run)" } else { "" };
            let call = format!("{}{dry}", call_name(&need.rule.call));
            let unsettled = decision == Decision::Unsettled;
            let same = |known: &&mut Lack| {
                known.action == action && known.resource == resource && known.unsettled == unsettled
            };
            match out.iter_mut().find(same) {
                Some(known) => drop(known.calls.insert(call)),
                None => out.push(Lack { action, resource, calls: [call].into(), unsettled }),
            }
        }
    }
    out
}

/// `instance/*`; an id that nobody knows is `*`.
fn short(entry: &Entry<'_>, generated: &Generated<'_>) -> String {
    let Target::Arn(arn) = &entry.request.resource else { return "*".to_owned() };
    let Some(tail) = arn.arn_tail() else { return arn.display(&generated.symbols) };
    match tail.as_literal() {
        Some(known) => known.to_owned(),
        None if entry.resource_type.is_empty() => tail.display(&generated.symbols),
        None => format!("{}/*", entry.resource_type),
    }
}

/// Actions that are allowed and that Karpenter never asks.
fn actions(
    existing: &Layers,
    policies: &[&Policy],
    generated: &Generated<'_>,
    settings: &Settings,
) -> Vec<Beyond> {
    let needed: BTreeSet<&str> =
        probe::entries(&generated.needs).map(|entry| &*entry.request.action).collect();
    let mut out: Vec<Beyond> = Vec::new();
    let statements = policies.iter().flat_map(|policy| &policy.statements);
    for statement in statements.filter(|one| one.effect == Effect::Allow) {
        if statement.action.negated {
            out.push(Beyond {
                action: "NotAction: all but a few actions of all services".to_owned(),
                resources: Vec::new(),
                with: String::new(),
            });
            continue;
        }
        for pattern in statement.action.values.iter().filter_map(Text::as_literal) {
            let more: Vec<String> = matching(pattern)
                .filter(|action| !needed.contains(action.as_str()))
                .filter(|action| may(existing, action, statement, settings))
                .collect();
            let Some(first) = more.first() else { continue };
            let action = match more.len() {
                1 => first.clone(),
                many => format!(
                    "{pattern}: {many} actions that Karpenter does not call, {first} among them"
                ),
            };
            let beyond = Beyond { action, resources: Vec::new(), with: String::new() };
            if !out.contains(&beyond) {
                out.push(beyond);
            }
        }
    }
    out
}

/// The actions of all services that a pattern covers.
fn matching(pattern: &str) -> impl Iterator<Item = String> {
    let (service, name) = pattern.split_once(':').unwrap_or(("*", "*"));
    let (service, name) = (service.to_ascii_lowercase(), name.to_owned());
    aws::services().filter(move |known| covers(&service, known, true)).flat_map(move |service| {
        let name = name.clone();
        aws::actions(service)
            .filter(move |action| covers(&name, action, true))
            .map(move |action| format!("{service}:{action}"))
    })
}

/// Whether an action may be allowed on some resource of the statement, whatever it carries.
fn may(existing: &Layers, action: &str, statement: &Written, settings: &Settings) -> bool {
    let resources = statement.resource.iter().filter(|element| !element.negated);
    let written: Vec<String> = resources.flat_map(|one| &one.values).map(Text::display).collect();
    let mut targets: Vec<Target> = vec![Target::Any];
    for text in written.iter().filter(|text| *text != "*") {
        let mut arn = Symbolic::default();
        for (at, part) in text.splitn(6, ':').enumerate() {
            arn.push_str(if at > 0 { ":" } else { "" });
            match (at, part.contains(['*', '$', '?'])) {
                (1, true) => arn.push(&settings.partition),
                (3, true) => arn.push(&settings.region),
                (4, true) => arn.push(&settings.account),
                _ => arn.push_str(&part.replace('*', "x")),
            }
        }
        targets.push(Target::Arn(arn));
    }
    let context = Context::new(Otherwise::new(Presence::Unknown, Vec::new()));
    targets.into_iter().any(|resource| {
        let request = Request { action: action.into(), resource, context: context.clone() };
        !decide(existing, &request).is_denied()
    })
}

/// What is allowed of an action that Karpenter calls, and not asked so.
fn wider(existing: &Layers, own: &Layers, generated: &Generated<'_>) -> Vec<Beyond> {
    let mut out: Vec<Beyond> = Vec::new();
    let lines: Vec<&Line> = generated
        .documents
        .iter()
        .flat_map(|document| &document.statements)
        .flat_map(|statement| &statement.conditions)
        .collect();
    let mut distinct: Vec<&Line> = Vec::new();
    for line in lines {
        if !distinct.iter().any(|known| known.operator == line.operator && known.key == line.key) {
            distinct.push(line);
        }
    }
    for entry in probe::entries(&generated.needs) {
        let mut probes = probe::of_resource(entry);
        for line in &distinct {
            let name = line.key.display(&generated.symbols);
            probes.extend(probe::of_line(&entry.request, line, &name));
        }
        for Probe { request, with } in probes {
            // What hangs on something unknown is no finding.
            let more = decide(existing, &request) == Decision::Allowed
                && decide(own, &request).is_denied();
            if !more {
                continue;
            }
            let action = entry.request.action.to_string();
            let resource = short(entry, generated);
            match out.iter_mut().find(|one| one.action == action && one.with == with) {
                Some(known) if known.resources.contains(&resource) => {}
                Some(known) => known.resources.push(resource),
                None => out.push(Beyond { action, resources: vec![resource], with }),
            }
        }
    }
    out
}
