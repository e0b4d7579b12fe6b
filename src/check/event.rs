//! Puts the question of an event to the policies of one controller: one action on one resource, as somebody
//! met it, whether Karpenter asks it or not.

use std::borrow::Cow;

use crate::eval::{Decision, Layers, Open, Tri, trace};
use crate::extract::Unseen;
use crate::karpenter::needs;
use crate::policy::Effect;
use crate::policy::request::{Context, Otherwise, Presence, Request, Target};
use crate::policy::symbolic::{Shape, Symbolic, Symbols};
use crate::source::Span;

use super::judge::Answer;
use super::judgement::policy_of;
use super::words::{code, distinct};
use super::{Case, layers};

/// What an event says of the call.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `ec2:CreateFleet`.
    pub action: &'a str,
    /// The ARN, where the event names one.
    pub resource: Option<&'a str>,
    /// The type in it: `launch-template`.
    pub kind: Option<&'a str>,
}

/// What the policies say of it.
#[derive(Debug, Clone)]
pub struct Said {
    /// The answer.
    pub answer: Answer,
    /// Whether Karpenter asks it; its tags and keys are known then, and none are of anything else.
    pub is_known: bool,
    /// The statement that decides.
    pub place: Option<Span>,
    /// What an unsettled answer hangs on, in backticks.
    pub open: Vec<String>,
}

/// Asks the policies of one controller.
#[must_use]
pub fn ask(case: Case<'_, '_>, question: Question<'_>) -> Said {
    let mut symbols = Symbols::clone(&case.resolved.symbols);
    let needs = needs(case.rules, &case.resolved.settings, &mut symbols);
    let on = |request: &Request| match question.resource {
        Some("*") => Cow::Owned(Request { resource: Target::Any, ..request.clone() }),
        Some(arn) => {
            let resource = Target::Arn(Symbolic::literal(arn));
            Cow::Owned(Request { resource, ..request.clone() })
        }
        None => Cow::Owned(request.clone()),
    };
    let mut requests: Vec<Cow<'_, Request>> = needs
        .iter()
        .flat_map(|need| &need.entries)
        .filter(|entry| {
            entry.rule.action.eq_ignore_ascii_case(question.action)
                && question.kind.is_none_or(|kind| entry.resource_type == kind)
        })
        .map(|entry| on(&entry.request))
        .collect();
    let is_known = !requests.is_empty();
    if !is_known {
        requests.push(Cow::Owned(anything(question, &mut symbols)));
    }
    let layers = layers(&case);
    let answers = requests.iter().map(|request| answer(&case, &layers, request, &symbols));
    // What was met is the worst of them; of several the first.
    let worst = answers.reduce(|worst, said| if said.answer > worst.answer { said } else { worst });
    let allowed = || Said { answer: Answer::Allowed, is_known, place: None, open: Vec::new() };
    Said { is_known, ..worst.unwrap_or_else(allowed) }
}

/// An action of which nobody knows what comes with it.
fn anything(question: Question<'_>, symbols: &mut Symbols) -> Request {
    let resource = match question.resource {
        Some("*") => Target::Any,
        Some(arn) => Target::Arn(Symbolic::literal(arn)),
        None => Target::Arn(Symbolic::symbol(symbols.fresh("resource", Shape::ANY))),
    };
    let context = Context::new(Otherwise::new(Presence::Unknown, Vec::new()));
    Request { action: question.action.into(), resource, context }
}

fn answer(case: &Case<'_, '_>, layers: &Layers, request: &Request, symbols: &Symbols) -> Said {
    let traced = trace(layers, request);
    let controller = case.controller;
    let names = |unseen: &[Unseen]| unseen.iter().map(|one| code(&one.name)).collect::<Vec<_>>();
    let (settled, open) = match traced.decision {
        Decision::ExplicitDeny => (Answer::ExplicitDeny, Vec::new()),
        Decision::Allowed => (Answer::Allowed, names(controller.unseen_boundary.as_slice())),
        Decision::ImplicitDeny | Decision::Denied => {
            (Answer::ImplicitDeny, names(&controller.unseen))
        }
        Decision::Unsettled => {
            let name = |open: &Open| match open {
                Open::Key(key) => code(&crate::aws::key_display(&key.display(symbols))),
                Open::Symbol(symbol) => code(&format!("${{{}}}", symbols.name(*symbol))),
                Open::Contested(point) => (*point).to_owned(),
            };
            (Answer::Unsettled, distinct(traced.open.iter().map(name)))
        }
    };
    let answer = if open.is_empty() { settled } else { Answer::Unsettled };
    let decides = match answer {
        Answer::Allowed => Some(Effect::Allow),
        Answer::ExplicitDeny => Some(Effect::Deny),
        Answer::ImplicitDeny | Answer::Unsettled => None,
    };
    let statements = traced
        .layers
        .iter()
        .flat_map(|layer| layer.statements.iter().map(|statement| (layer.layer, statement)));
    let mut found = statements.filter(|(_, statement)| {
        Some(statement.effect) == decides && statement.matches == Tri::True
    });
    let place = found.next().and_then(|(layer, found)| {
        let policy = policy_of(case, layer, found.document)?;
        Some(policy.statements.get(found.statement)?.action.span)
    });
    Said { answer, is_known: false, place, open }
}
