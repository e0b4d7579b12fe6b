//! A policy, prepared for many questions.

use std::sync::Arc;

use super::Readings;
use super::index::{ActionHash, Candidate, Index};
use super::operators::Line;
use crate::policy::action::ActionPattern;
use crate::policy::principal::Principals;
use crate::policy::request::{Request, Target};
use crate::policy::resource::{ArnPattern, ArnUse, CutArn};
use crate::policy::symbolic::{Symbol, Symbolic};
use crate::policy::tri::Tri;
use crate::policy::{Effect, Element, Policy, Statement, Version};
use crate::syntax::{Part, Text};

/// A policy whose holes are bound, whose patterns are prepared and whose actions are indexed.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Those of the policy in order, then what may be any statements. What differs in one statement shares
    /// the others.
    pub(crate) statements: Vec<Arc<Prepared>>,
    allow: Index,
    deny: Index,
}

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) effect: Effect,
    /// Asked only of policies that are attached to a resource.
    pub(crate) principal: Option<Principals>,
    pub(crate) action: Actions,
    /// `None` where the statement covers what it is attached to.
    pub(crate) resource: Option<Resources>,
    /// The lines of `Condition`, then what the statement hangs on outside of the policy.
    pub(crate) lines: Box<[Line]>,
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub(crate) struct Actions {
    negated: bool,
    pub(crate) patterns: Box<[ActionPattern]>,
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub(crate) struct Resources {
    negated: bool,
    pub(crate) patterns: Box<[ArnPattern]>,
    readings: Readings,
}

impl From<&Policy> for Compiled {
    /// Prepares a policy without placeholders.
    fn from(policy: &Policy) -> Self {
        Self::new(policy, &|expression| {
            let mut text = Symbolic::literal("${");
            text.push_str(expression);
            text.push_str("}");
            text
        })
    }
}

impl Compiled {
    /// Prepares `policy`. `bind` says what a hole's expression stands for: a value, a symbol, or a text
    /// made of both. What it gives is policy text: a `*` in it is a wildcard.
    #[must_use]
    pub fn new(policy: &Policy, bind: &dyn Fn(&str) -> Symbolic) -> Self {
        Self::with_readings(policy, bind, Readings::Settled)
    }

    /// [`Self::new`], with a say in what the documents leave open.
    #[must_use]
    pub fn with_readings(
        policy: &Policy,
        bind: &dyn Fn(&str) -> Symbolic,
        readings: Readings,
    ) -> Self {
        let binder = Binder { bind, variables: policy.version == Version::V2012, readings };
        let known = policy.statements.iter().map(|statement| binder.statement(statement));
        let unknown = policy.unknown.iter().filter_map(|text| text.holes().next());
        let unknown = unknown.map(|expression| binder.unknown(expression));
        Self::of(known.chain(unknown).map(Arc::new).collect())
    }

    /// The same policy with the statements of another one in the place of one of its own.
    #[cfg(feature = "cli")]
    pub(crate) fn with_instead(&self, number: usize, instead: Self) -> Self {
        let (before, after) =
            self.statements.split_at_checked(number).unwrap_or((&self.statements, &[]));
        let after = after.iter().skip(1).cloned();
        Self::of(before.iter().cloned().chain(instead.statements).chain(after).collect())
    }

    fn of(statements: Vec<Arc<Prepared>>) -> Self {
        let (mut allow, mut deny) = (Index::default(), Index::default());
        for (number, statement) in statements.iter().enumerate() {
            let index = match statement.effect {
                Effect::Allow => &mut allow,
                Effect::Deny => &mut deny,
            };
            index.add(number, statement.action.negated, &statement.action.patterns);
        }
        allow.finish();
        deny.finish();
        Self { statements, allow, deny }
    }

    /// How many statements the policy has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether the policy has no statement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The statements of `effect` that certainly match, in order.
    pub(crate) fn matched(&self, effect: Effect, asked: &Asked<'_>) -> Vec<usize> {
        let mut numbers: Vec<usize> = self.numbers(effect, asked).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let matches = |number: &usize| {
            let statement = self.statements.get(*number);
            statement.is_some_and(|statement| statement.matches(asked) == Tri::True)
        };
        numbers.retain(matches);
        numbers
    }

    /// The numbers of the statements of `effect` that may be about the action; one may come twice.
    pub(crate) fn numbers(&self, effect: Effect, asked: &Asked<'_>) -> impl Iterator<Item = usize> {
        self.index(effect).candidates(asked.hash).map(|candidate| match candidate {
            Candidate::Exact(place) => place.statement,
            Candidate::Loose(number) => number,
        })
    }

    /// The statements of `effect` that may be about the action; one may come twice.
    #[cfg(feature = "cli")]
    pub(crate) fn candidates(
        &self,
        effect: Effect,
        asked: &Asked<'_>,
    ) -> impl Iterator<Item = Candidate> {
        self.index(effect).candidates(asked.hash)
    }

    /// Whether some Allow statement may be about `action`.
    #[cfg(feature = "cli")]
    pub(crate) fn may_allow(&self, action: &str) -> bool {
        let numbers =
            self.allow.candidates(ActionHash::new(action)).map(|candidate| match candidate {
                Candidate::Exact(place) => place.statement,
                Candidate::Loose(number) => number,
            });
        let mut statements = numbers.filter_map(|number| self.statements.get(number));
        statements.any(|statement| statement.action.covers(action) != Tri::False)
    }

    fn index(&self, effect: Effect) -> &Index {
        match effect {
            Effect::Allow => &self.allow,
            Effect::Deny => &self.deny,
        }
    }

    /// Whether some statement of `effect` matches.
    pub(crate) fn says(&self, effect: Effect, asked: &Asked<'_>) -> Tri {
        let action = &asked.request.action;
        Tri::any(self.index(effect).candidates(asked.hash).map(|candidate| {
            let (number, pattern) = match candidate {
                Candidate::Exact(place) => (place.statement, Some(place.pattern)),
                Candidate::Loose(number) => (number, None),
            };
            let Some(statement) = self.statements.get(number) else { return Tri::False };
            let covers = match pattern.and_then(|pattern| statement.action.patterns.get(pattern)) {
                Some(pattern) => pattern.matches(action),
                None => statement.action.covers(action),
            };
            if covers == Tri::False { covers } else { covers.and(statement.applies(asked)) }
        }))
    }
}

/// A request, prepared for many statements.
#[derive(Debug, Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request,
    hash: ActionHash,
    /// `None` for no particular resource.
    arn: Option<CutArn<'a>>,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(request: &'a Request) -> Self {
        let arn = match &request.resource {
            Target::Arn(arn) => Some(CutArn::new(arn)),
            Target::Any => None,
        };
        Self { request, hash: ActionHash::new(&request.action), arn }
    }
}

impl Prepared {
    /// Whether the statement matches, its principal aside.
    pub(crate) fn matches(&self, asked: &Asked<'_>) -> Tri {
        let covers = self.action.covers(&asked.request.action);
        if covers == Tri::False { covers } else { covers.and(self.applies(asked)) }
    }

    /// Whether the statement matches, its action and its principal aside.
    fn applies(&self, asked: &Asked<'_>) -> Tri {
        let resource = self.resource.as_ref().map_or(Tri::True, |resource| resource.covers(asked));
        if resource == Tri::False {
            return resource;
        }
        resource.and(Tri::all(self.lines.iter().map(|line| line.holds(&asked.request.context))))
    }
}

impl Actions {
    /// Whether it is `NotAction`.
    #[cfg(feature = "cli")]
    pub(crate) fn is_negated(&self) -> bool {
        self.negated
    }

    /// Whether the element covers `action`. An empty list covers nothing, negated or not.
    pub(crate) fn covers(&self, action: &str) -> Tri {
        if self.patterns.is_empty() {
            return Tri::False;
        }
        let any = Tri::any(self.patterns.iter().map(|pattern| pattern.matches(action)));
        if self.negated { !any } else { any }
    }
}

impl Resources {
    /// Whether it is `NotResource`.
    #[cfg(feature = "cli")]
    pub(crate) fn is_negated(&self) -> bool {
        self.negated
    }

    /// Whether the element covers what is asked for. An empty list covers nothing, negated or not.
    pub(crate) fn covers(&self, asked: &Asked<'_>) -> Tri {
        self.covers_where(self.patterns.iter().map(|pattern| self.pattern(pattern, asked)))
    }

    /// Whether it covers what each of its patterns matches as said.
    pub(crate) fn covers_where(&self, each: impl Iterator<Item = Tri>) -> Tri {
        if self.patterns.is_empty() {
            return Tri::False;
        }
        let any = Tri::any(each);
        if self.negated { !any } else { any }
    }

    /// Whether one of the patterns matches what is asked for.
    pub(crate) fn pattern(&self, pattern: &ArnPattern, asked: &Asked<'_>) -> Tri {
        let Some(arn) = &asked.arn else { return pattern.covers_any() };
        let context = &asked.request.context;
        let plain = pattern.matches_cut(arn, context);
        let contested = plain == Tri::False
            && self.readings == Readings::Open
            && pattern.crosses_colon(arn, context);
        if contested { Tri::Unknown } else { plain }
    }
}

/// Turns policy texts into prepared ones.
struct Binder<'a> {
    bind: &'a dyn Fn(&str) -> Symbolic,
    variables: bool,
    readings: Readings,
}

impl Binder<'_> {
    fn text(&self, text: &Text) -> Symbolic {
        if let Some(known) = text.as_literal() {
            return Symbolic::literal(known);
        }
        let mut out = Symbolic::default();
        for part in &text.parts {
            match part {
                Part::Literal(_, literal) => out.push_str(literal),
                Part::Hole(_, expression) => out.push(&(self.bind)(expression)),
            }
        }
        out
    }

    fn texts(&self, texts: &[Text]) -> Vec<Symbolic> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    /// What may turn out to be any statements: like a policy that is not here, it may grant anything.
    fn unknown(&self, expression: &str) -> Prepared {
        let bound = (self.bind)(expression);
        // What the expression stands for elsewhere is no statement.
        let stranger = || Symbolic::symbol(Symbol::stranger(expression));
        let action = if bound.is_anything() { bound } else { stranger() };
        Prepared {
            effect: Effect::Allow,
            principal: None,
            action: Actions { negated: false, patterns: [ActionPattern::new(&action)].into() },
            resource: None,
            lines: Box::default(),
        }
    }

    fn statement(&self, statement: &Statement) -> Prepared {
        let actions = self.texts(&statement.action.values);
        let resource = |element: &Element| {
            let texts = self.texts(&element.values);
            let pattern = |text| ArnPattern::new(text, ArnUse::Resource, self.variables);
            Resources {
                negated: element.negated,
                patterns: texts.iter().map(pattern).collect(),
                readings: self.readings,
            }
        };
        let lines = statement.conditions.iter().map(|line| {
            let values = self.texts(&line.values);
            Line::new(
                &self.text(&line.operator),
                &self.text(&line.key),
                &values,
                self.variables,
                self.readings,
            )
        });
        // Where the condition does not hold its key is not there, or is anything else.
        let when = statement.when.iter().map(|when| {
            let name = if when.holds { "StringEquals" } else { "StringNotEquals" };
            let [name, key, holds] = [name, &when.key(), "true"].map(Symbolic::literal);
            Line::new(&name, &key, &[holds], false, self.readings)
        });
        let principal = statement.principal.as_ref().map(|principal| {
            let values = principal.values.iter();
            let values: Vec<_> =
                values.map(|(kind, text)| (kind.clone(), self.text(text))).collect();
            Principals::new(principal.negated, &values)
        });
        Prepared {
            effect: statement.effect,
            principal,
            action: Actions {
                negated: statement.action.negated,
                patterns: actions.iter().map(ActionPattern::new).collect(),
            },
            resource: statement.resource.as_ref().map(resource),
            lines: lines.chain(when).collect(),
        }
    }
}
