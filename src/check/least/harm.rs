//! `over-permissive`: what a grant allows beyond the need, found by asking for it
//! (`rules/karpenter/harm.toml`).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::eval::{Compiled, Decision, Layer, Layers, Part, Readings, matched};
use crate::finding::{Finding, Label, Severity};
use crate::order;
use crate::policy::request::{Context, Key, Otherwise, Presence, Request, Status, Target, Values};
use crate::policy::symbolic::{Builder, Symbolic};
use crate::policy::tri::Tri;
use crate::policy::{Policy, Statement};
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::Text;

use super::super::Case;
use super::super::words::{code, list, statement_name};
use super::{Least, remedy};

const RULE: &str = "over-permissive";
/// Harms in one sentence before the rest is counted.
const TOLD: usize = 3;

/// One thing that should not be allowed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Harm {
    id: String,
    severity: String,
    lets: String,
    pub(super) actions: Vec<String>,
    #[serde(default)]
    all: bool,
    resource: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default, rename = "request_tags")]
    request_tags: BTreeMap<String, String>,
    #[serde(default)]
    context: BTreeMap<String, String>,
    #[serde(default)]
    unless: Vec<String>,
    pub(super) remedy: String,
    pub(super) narrow: Option<Narrow>,
}

/// What takes the harm away and keeps the need.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub(super) enum Narrow {
    /// Name these resources.
    To { to: String },
    /// Add this condition.
    Condition { operator: String, key: String, value: String },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    harm: Vec<Harm>,
}

/// What holds of the keys that a harm does not speak of: no tags, and anything else may be.
fn otherwise() -> &'static Arc<Otherwise> {
    static MADE: OnceLock<Arc<Otherwise>> = OnceLock::new();
    MADE.get_or_init(|| {
        let absent =
            ["aws:requesttag/", "aws:resourcetag/", "ec2:resourcetag/", "iam:resourcetag/"];
        let prefixes = absent.iter().map(|prefix| ((*prefix).into(), Presence::Absent)).collect();
        let mut made = Otherwise::new(Presence::Unknown, prefixes);
        made.set("aws:TagKeys".into(), Status::Absent);
        Arc::new(made)
    })
}

fn harms() -> &'static [Harm] {
    static READ: OnceLock<Vec<Harm>> = OnceLock::new();
    const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/karpenter/harm.json"));
    // A test reads the file, so a mistake in it does not come as far as this.
    READ.get_or_init(|| serde_json::from_str::<File>(TEXT).unwrap_or_default().harm)
}

/// What identity statements allow, by document and statement.
type Allowed = BTreeMap<(usize, usize), Told>;

/// A statement of an identity document, and what it allows.
#[derive(Default)]
struct Told {
    harms: Vec<&'static Harm>,
    /// Other statements that allow the same.
    also: Vec<(usize, usize)>,
}

/// One finding for each statement that allows a harm.
pub(super) fn findings(least: &Least<'_>) -> Vec<Finding> {
    // What nobody can read may still take it away.
    if least.case.controller.unseen_boundary.is_some() {
        return Vec::new();
    }
    let told = told_of(least.layers, least.settings());
    told.iter().filter_map(|(place, told)| finding(least, *place, told)).collect()
}

fn told_of(layers: &Layers, settings: &Settings) -> Allowed {
    let mut told = Allowed::new();
    for harm in harms() {
        for place in allowed(harm, layers, settings) {
            let Some((first, others)) = place.split_first() else { continue };
            let told = told.entry(*first).or_default();
            let known = |id: &String| told.harms.iter().any(|other| other.id == *id);
            let again = told.harms.iter().any(|other| other.id == harm.id);
            if !again && !harm.unless.iter().any(known) {
                told.harms.push(harm);
                told.also.extend(others);
            }
        }
    }
    told
}

/// The statements that allow the harm, for each of its actions: none if it is not allowed for certain.
fn allowed(harm: &Harm, layers: &Layers, settings: &Settings) -> Vec<Vec<(usize, usize)>> {
    let mut out = Vec::new();
    for action in &harm.actions {
        let may = layers.identity.iter().any(|policy| policy.may_allow(action));
        let statements = may.then(|| statements(layers, &harm.request(action, settings))).flatten();
        match statements {
            Some(statements) => out.push(statements),
            None if harm.all => return Vec::new(),
            None => {}
        }
    }
    out
}

/// The identity statements that allow a request; `None` if it is not allowed for certain.
pub(super) fn statements(layers: &Layers, request: &Request) -> Option<Vec<(usize, usize)>> {
    let (decision, matches) = matched(layers, request);
    let own = matches.iter().filter(|found| found.part == Part::Layer(Layer::Identity));
    (decision == Decision::Allowed)
        .then(|| own.map(|found| (found.document, found.statement)).collect())
}

/// Whether statements allow nothing that should not be allowed.
pub(in super::super) fn harmless(
    case: &Case<'_, '_>,
    policy: &Policy,
    statements: Vec<Statement>,
) -> bool {
    let policy = Policy { statements, unknown: Vec::new(), ..policy.clone() };
    let bind = |hole: &str| case.resolved.resolve(hole);
    let alone = Arc::new(Compiled::with_readings(&policy, &bind, Readings::Open));
    let layers = Layers { identity: vec![alone], ..Layers::default() };
    !harms().iter().any(|harm| harm.is_allowed(&layers, &case.resolved.settings))
}

impl Harm {
    fn is_warning(&self) -> bool {
        self.severity == "warning"
    }

    /// Whether the layers certainly allow it.
    pub(super) fn is_allowed(&self, layers: &Layers, settings: &Settings) -> bool {
        !allowed(self, layers, settings).is_empty()
    }

    fn request(&self, action: &str, settings: &Settings) -> Request {
        let mut context = Context::new(Arc::clone(otherwise()));
        let one = |value: &str| Status::Known(Values::One(fill(value, settings)));
        for (tag, value) in &self.tags {
            for family in ["aws:ResourceTag/", "ec2:ResourceTag/"] {
                context.set(Key::new(&fill(&format!("{family}{tag}"), settings)), one(value));
            }
        }
        for (tag, value) in &self.request_tags {
            context.set(Key::new(&fill(&format!("aws:RequestTag/{tag}"), settings)), one(value));
        }
        if !self.request_tags.is_empty() {
            let keys = self.request_tags.keys().map(|tag| fill(tag, settings)).collect();
            context.set("aws:TagKeys".into(), Status::Known(Values::Many(keys)));
        }
        // Where the resource is, the call goes; IAM has a region of its own.
        if self.resource.contains("${region}") {
            context.set("aws:RequestedRegion".into(), one("${region}"));
            context.set("ec2:Region".into(), one("${region}"));
        }
        for (key, value) in &self.context {
            context.set(key.as_str().into(), one(value));
        }
        let resource = match self.resource.as_str() {
            "*" => Target::Any,
            arn => Target::Arn(fill(arn, settings)),
        };
        Request { action: action.into(), resource, context }
    }
}

/// A text of the rules with the installation's values.
pub(crate) fn fill(text: &str, settings: &Settings) -> Symbolic {
    if !text.contains('$') {
        return Symbolic::literal(text);
    }
    let mut out = Builder::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "partition" => out.push(&settings.partition),
            "region" => out.push(&settings.region),
            "account" => out.push(&settings.account),
            "cluster" => out.push(&settings.cluster),
            _ => {}
        }
        rest = tail;
    }
    out.push_str(rest);
    out.finish()
}

fn finding(least: &Least<'_>, (at, number): (usize, usize), told: &Told) -> Option<Finding> {
    let mut harms = told.harms.clone();
    order::by_key(&mut harms, |harm| !harm.is_warning());
    let first = harms.first()?;
    let mut documents = least.documents();
    let (_, document, _) = documents.find(|(place, _, _)| *place == at)?;
    let statement = document.policy.statements.get(number)?;
    let lets: Vec<String> = harms.iter().map(|harm| harm.lets.clone()).collect();
    let name = match &statement.sid {
        Some(sid) if !sid.parts.is_empty() => code(&sid.display()),
        _ => statement_name(statement, number),
    };
    let message = format!("{name} lets the controller {}", list(&lets, TOLD));
    let severity =
        if harms.iter().any(|harm| harm.is_warning()) { Severity::Warning } else { Severity::Note };
    let (span, label, action) = token(least, (at, number), first)?;
    let mut finding = Finding::new(RULE, severity, span, message);
    finding.primary.message = label;
    let mut also = told.also.clone();
    also.sort_unstable();
    also.dedup();
    finding.related = also
        .iter()
        .filter(|place| **place != (at, number))
        .filter_map(|place| {
            let (span, ..) = token(least, *place, first)?;
            Some(Label { span, message: "and so does this".to_owned() })
        })
        .collect();
    finding.sid = statement.sid.as_ref().map(Text::display);
    finding.data.action = Some(action);
    remedy::add(&mut finding, least, (at, number), document, &harms);
    Some(finding)
}

/// The token that makes the statement too wide: an action with a wildcard, else the resource. What to
/// say there, and for which action.
fn token(
    least: &Least<'_>,
    (at, number): (usize, usize),
    harm: &Harm,
) -> Option<(Span, String, String)> {
    let mut documents = least.documents();
    let (_, document, _) = documents.find(|(place, _, _)| *place == at)?;
    let statement = document.policy.statements.get(number)?;
    let prepared = least.layers.identity.get(at)?.statements.get(number)?;
    let covering = |action: &&String| prepared.action.covers(action) == Tri::True;
    let action = harm.actions.iter().find(covering)?;
    let patterns = prepared.action.patterns.iter().zip(&statement.action.values);
    let wide = patterns
        .clone()
        .find(|(pattern, _)| pattern.as_exact().is_none() && pattern.matches(action) == Tri::True);
    let named = patterns
        .clone()
        .any(|(pattern, _)| pattern.as_exact().is_some() && pattern.matches(action) == Tri::True);
    if let Some((_, value)) = wide.filter(|_| !named && !statement.action.negated) {
        return Some((value.span, format!("this covers {}", code(action)), action.clone()));
    }
    if statement.action.negated {
        let label = "this covers all but what it names".to_owned();
        return Some((statement.action.key, label, action.clone()));
    }
    let request = harm.request(action, least.settings());
    let resource = statement.resource.as_ref()?;
    let patterns = prepared.resource.iter().flat_map(|resource| &resource.patterns);
    let covers = patterns.zip(&resource.values).find(|(pattern, _)| {
        !resource.negated && pattern.covers(&request.resource, &request.context) == Tri::True
    });
    let span = covers.map_or(resource.key, |(_, value)| value.span);
    let label = format!("this covers what is not Karpenter's, for {}", code(action));
    Some((span, label, action.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_harm_is_an_action_of_aws_and_unless_names_one_before() {
        let all = harms();
        assert!(all.len() > 20, "the file does not parse");
        for (at, harm) in all.iter().enumerate() {
            assert!(["warning", "note"].contains(&harm.severity.as_str()), "{}", harm.id);
            for action in &harm.actions {
                let (service, name) = action.split_once(':').unwrap();
                assert_eq!(crate::aws::action_name(service, name), Some(name), "{action}");
            }
            for other in &harm.unless {
                assert!(all.iter().take(at).any(|before| before.id == *other), "{other}");
            }
            assert!(all.iter().filter(|other| other.id == harm.id).count() == 1, "{}", harm.id);
        }
    }
}
