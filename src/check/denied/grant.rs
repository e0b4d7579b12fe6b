//! New statements: for each denied action exactly the resources that are asked for, under the tags and
//! keys that the request carries.

use std::collections::BTreeMap;

use crate::karpenter::Entry;
use crate::policy::request::{Key, Status, Target, Values};
use crate::policy::symbolic::{Piece, Symbolic};
use crate::policy::{Condition, Element, Statement};

use crate::syntax::{Part, Style, Text};

use super::super::Judgement;
use super::super::judge::Asked;
use super::super::words;

/// Keys that say what a grant is for. Others (an instance type, a tenancy) are of one request alone.
const PURPOSE: [&str; 5] = [
    "ec2:CreateAction",
    "iam:PassedToService",
    "iam:AWSServiceName",
    "kms:ViaService",
    "kms:GrantIsForAWSResource",
];

/// Where a call goes.
pub(super) const REGION: &str = "aws:RequestedRegion";

/// A condition line.
pub(super) type Line = (&'static str, String, Vec<String>);

/// A statement to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// `Sid`: letters and digits.
    pub(super) sid: String,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) conditions: Vec<Line>,
}

/// What a key must be; `None` is anything, as long as it is there.
type Wanted = Option<Vec<String>>;

/// Keys with what they must be.
pub(in crate::check) type Limits = BTreeMap<String, Wanted>;

impl Grant {
    /// As a statement, to be asked what it allows; spans and style are those of `like`.
    pub(super) fn statement(&self, like: &Statement) -> Statement {
        let texts = |values: &[String]| values.iter().map(|value| text(value, like)).collect();
        let element = |values: &[String]| Element {
            negated: false,
            is_list: true,
            values: texts(values),
            ..like.action.clone()
        };
        let line = |(operator, key, values): &Line| Condition {
            operator: text(operator, like),
            key: text(key, like),
            span: like.span,
            is_list: true,
            values: texts(values),
        };
        Statement {
            sid: None,
            action: element(&self.actions),
            resource: Some(element(&self.resources)),
            conditions: self.conditions.iter().map(line).collect(),
            when: Vec::new(),
            ..like.clone()
        }
    }
}

/// The statement with this action alone.
pub(super) fn with_action(statement: &Statement, action: &str) -> Statement {
    let mut alone = statement.clone();
    alone.action.values = vec![text(action, statement)];
    alone
}

/// A text with its holes; the span is that of `like`.
pub(super) fn text(value: &str, like: &Statement) -> Text {
    let span = like.span;
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (hole, tail) = after.split_once('}').unwrap_or((after, ""));
        if !before.is_empty() {
            parts.push(Part::Literal(span, before.into()));
        }
        parts.push(Part::Hole(span, hole.into()));
        rest = tail;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(span, rest.into()));
    }
    Text { span, style: Style::Json, parts }
}

/// The statements that grant what was asked and no more; `None` if a value that a condition
/// needs cannot be written.
pub(super) fn grants(
    all: &[&Asked<'_, '_>],
    judged: &Judgement<'_, '_, '_>,
    sids: &[String],
) -> Option<Vec<Grant>> {
    // By action and the keys that limit it.
    type Part = (Vec<String>, BTreeMap<String, Wanted>);
    let mut parts: BTreeMap<(String, Vec<String>, bool), Part> = BTreeMap::new();
    for asked in all {
        let entry = asked.entry;
        let lines = wanted(asked, judged)?;
        let resource = resource(asked, judged);
        let keys = lines.keys().cloned().collect();
        let place = (entry.request.action.to_string(), keys, resource == "*");
        let (resources, known) = parts.entry(place).or_default();
        if !resources.contains(&resource) {
            resources.push(resource);
        }
        for (key, values) in lines.clone() {
            match (known.get_mut(&key), values) {
                (Some(Some(old)), Some(new)) => {
                    old.extend(new);
                    old.sort_unstable();
                    old.dedup();
                }
                (Some(old), None) => *old = None,
                (Some(None), Some(_)) => {}
                (None, values) => drop(known.insert(key, values)),
            }
        }
    }
    let mut out: Vec<Grant> = Vec::new();
    for ((action, _, _), (mut resources, lines)) in parts {
        resources.sort_unstable();
        let conditions: Vec<Line> = lines.into_iter().map(line).collect();
        let service = |action: &str| action.split(':').next().map(str::to_owned);
        // Under the same tags, what an action does to a resource of another type is nothing; and apart
        // they would take room that a policy has not got.
        let tagged = lines_limit(&conditions) && !resources.iter().any(|resource| resource == "*");
        let same = out.iter_mut().find(|grant| {
            (grant.resources == resources || tagged)
                && grant.conditions == conditions
                && grant.actions.first().and_then(|first| service(first)) == service(&action)
        });
        match same {
            Some(grant) => {
                grant.resources.append(&mut resources);
                grant.resources.sort_unstable();
                grant.resources.dedup();
                if !grant.actions.contains(&action) {
                    grant.actions.push(action);
                }
            }
            None => {
                let grant =
                    Grant { sid: String::new(), actions: vec![action], resources, conditions };
                out.push(grant);
            }
        }
    }
    let mut sids = sids.to_vec();
    for grant in &mut out {
        grant.sid = sid(grant, &sids);
        sids.push(grant.sid.clone());
    }
    Some(out)
}

/// Whether AWS authorises the action on `*` alone (*Service Authorization Reference*).
pub(super) fn has_no_resource(action: &str) -> bool {
    crate::aws::authorization(action).is_some_and(|(_, action)| action.rows().is_empty())
}

/// Whether an entry is authorised on `*` alone. The rules know of actions for which AWS looks at a resource
/// and lists none.
pub(super) fn is_without_resource(entry: &Entry<'_>) -> bool {
    matches!(entry.request.resource, Target::Any)
}

/// What to write as the resource of an entry.
pub(super) fn resource(asked: &Asked<'_, '_>, judged: &Judgement<'_, '_, '_>) -> String {
    words::pattern_for(asked, |symbol| judged.hole_for(symbol))
}

/// Whether lines ask for tags.
fn lines_limit(lines: &[Line]) -> bool {
    lines.iter().any(|(_, key, _)| key.contains("Tag/"))
}

/// A name that no other statement has.
fn sid(grant: &Grant, known: &[String]) -> String {
    let first = grant.actions.first().map_or("", |action| words::call_name(action));
    let more = if grant.actions.len() > 1 { "AndMore" } else { "" };
    let name = format!("Allow{first}{more}");
    let taken = |name: &String| known.contains(name);
    if !taken(&name) {
        return name;
    }
    (2_u32..).map(|number| format!("{name}{number}")).find(|name| !taken(name)).unwrap_or(name)
}

fn line((key, values): (String, Wanted)) -> Line {
    let operator = match (&values, key.as_str()) {
        (None, _) => "StringLike",
        (_, "aws:TagKeys") => "ForAllValues:StringEquals",
        (_, "kms:GrantIsForAWSResource") => "Bool",
        _ => "StringEquals",
    };
    (operator, key, values.unwrap_or_else(|| vec!["*".to_owned()]))
}

/// The keys that limit an entry to this cluster; `None` if a value cannot be written.
pub(super) fn wanted<'a>(
    asked: &'a Asked<'_, '_>,
    judged: &Judgement<'_, '_, '_>,
) -> Option<&'a Limits> {
    asked.wanted.get_or_init(|| limits(asked.entry, judged)).as_ref()
}

fn limits(entry: &Entry<'_>, judged: &Judgement<'_, '_, '_>) -> Option<Limits> {
    let mut out = BTreeMap::new();
    let sent: Vec<String> = entry.sent_keys().collect();
    let sets = [
        ("aws:RequestTag/", entry.rule.request_tags.is_some()),
        ("aws:ResourceTag/", entry.rule.resource_tags.is_some()),
    ];
    for (family, _) in sets.into_iter().filter(|(_, there)| *there) {
        // Resources of an earlier version may lack the younger tags.
        let lasting =
            |key: &&String| family == "aws:RequestTag/" || !key.ends_with("eks:eks-cluster-name");
        for key in sent.iter().filter(|key| key.starts_with(family)).filter(lasting) {
            let Some(Status::Known(Values::One(value))) =
                entry.request.context.listed(&Key::from(key.as_str()))
            else {
                continue;
            };
            match write(value, judged) {
                Some(text) if !text.is_empty() => out.insert(key.clone(), Some(vec![text])),
                // A name that is not known, or sent empty.
                _ if key.ends_with("nodepool") || key.ends_with("nodeclass") => {
                    out.insert(key.clone(), None)
                }
                _ => None,
            };
        }
        let mut own = Symbolic::literal(&format!("{family}kubernetes.io/cluster/"));
        own.push(&judged.settings().cluster);
        if let Some(Status::Known(Values::One(value))) =
            entry.request.context.listed(&Key::new(&own))
        {
            out.insert(write(&own, judged)?, Some(vec![write(value, judged)?]));
        }
    }
    let created = entry.rule.context.iter().any(|(key, _)| &**key == "ec2:CreateAction");
    if &*entry.request.action == "ec2:CreateTags"
        && !created
        && let Some(Status::Known(Values::Many(keys))) =
            entry.request.context.listed(&Key::from("aws:TagKeys"))
    {
        let mut keys: Vec<String> =
            keys.iter().map(|key| write(key, judged)).collect::<Option<_>>()?;
        keys.sort_unstable();
        out.insert("aws:TagKeys".to_owned(), Some(keys));
    }
    // A call without a resource is limited by nothing but where it goes.
    let region = Key::from(REGION);
    if matches!(entry.request.resource, Target::Any)
        && let Some(Status::Known(Values::One(value))) = entry.request.context.listed(&region)
        && let Some(region) = write(value, judged)
    {
        out.insert(REGION.to_owned(), Some(vec![region]));
    }
    for key in PURPOSE {
        let values = match entry.request.context.listed(&Key::from(key)) {
            Some(Status::Known(Values::One(value))) => vec![write(value, judged)],
            Some(Status::Known(Values::OneOf(values))) => {
                values.iter().map(|value| write(value, judged)).collect()
            }
            _ => continue,
        };
        if let Some(values) = values.into_iter().collect::<Option<Vec<String>>>() {
            out.insert(key.to_owned(), Some(values));
        }
    }
    Some(out)
}

/// As the policies write it.
fn write(text: &Symbolic, judged: &Judgement<'_, '_, '_>) -> Option<String> {
    let pieces = text.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => Some(text.to_string()),
        Piece::Symbol(symbol) => judged.hole_for(*symbol),
    });
    pieces.collect()
}
