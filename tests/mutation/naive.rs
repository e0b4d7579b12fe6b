//! A naive evaluation, for these fixtures only: strings and globs, no cleverness. It shares nothing
//! with the evaluator of the crate but the list of what is asked.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use karplint::karpenter::{Rules, needs};
use karplint::policy::request::{Status, Target, Values};
use karplint::policy::symbolic::{Piece, Symbolic, Symbols};
use karplint::settings::CapacityType;
use karplint::settings::evidence::Evidence;
use karplint::settings::given::Given;
use karplint::settings::infer::{Resolved, infer};
use serde_json::Value;

/// One check that must succeed.
struct Ask {
    action: String,
    resource: String,
    /// Lower-case key: the possible values of a key with one, or all values of a key with many.
    context: HashMap<String, (Vec<String>, bool)>,
    /// Prefixes of keys of which nobody knows whether they are there.
    unknown: Vec<String>,
}

/// The installation of the tests, with a version.
pub(crate) fn installation(rules: &Rules, version: &str) -> Resolved {
    let given = Given {
        cluster: Some("demo".into()),
        region: Some("us-west-2".into()),
        account: Some("111122223333".into()),
        partition: Some("aws".into()),
        node_roles: Some(vec!["arn:aws:iam::111122223333:role/KarpenterNodeRole-demo".into()]),
        queue: Some("demo".into()),
        capacity_types: Some(vec![CapacityType::OnDemand, CapacityType::Spot]),
        node_pools: Some(vec!["general".into()]),
        node_classes: Some(vec!["default".into()]),
        ..Given::default()
    };
    let version = rules.resolve(version).unwrap().version;
    infer(version, &given, &Evidence::default(), false)
}

/// What a version must have, in the installation of the tests.
pub(crate) struct Needs {
    asks: Vec<Ask>,
}

impl Needs {
    pub(crate) fn of(version: &str) -> Self {
        let rules = Rules::builtin();
        let resolved = installation(rules, version);
        let mut symbols = resolved.symbols.clone();
        let needs = needs(rules, &resolved.settings, Arc::make_mut(&mut symbols));
        let mut asks = Vec::new();
        for need in needs.iter().filter(|need| need.rule.impact.name() == "blocks") {
            for entry in need.entries.iter().filter(|entry| !entry.optional) {
                let mut context = HashMap::new();
                let mut unknown = Vec::new();
                for (key, status) in entry.request.context.iter() {
                    let key = fill(key.text(), &symbols).to_lowercase();
                    match status {
                        Status::Known(Values::One(one)) => {
                            drop(context.insert(key, (vec![fill(one, &symbols)], false)))
                        }
                        Status::Known(Values::OneOf(some)) => {
                            context.insert(
                                key,
                                (some.iter().map(|v| fill(v, &symbols)).collect(), false),
                            );
                        }
                        Status::Known(Values::Many(all)) => {
                            context.insert(
                                key,
                                (all.iter().map(|v| fill(v, &symbols)).collect(), true),
                            );
                        }
                        Status::Present | Status::Unknown => unknown.push(key),
                        Status::Absent => {}
                    }
                }
                asks.push(Ask {
                    action: entry.request.action.to_string(),
                    resource: match &entry.request.resource {
                        Target::Any => "*".to_owned(),
                        Target::Arn(arn) => fill(arn, &symbols),
                    },
                    context,
                    unknown,
                });
            }
        }
        Self { asks }
    }

    /// Actions that no filling of what is unknown could get allowed.
    pub(crate) fn denied(&self, policies: &[Value]) -> BTreeSet<String> {
        let statements: Vec<&Value> =
            policies.iter().flat_map(|p| p["Statement"].as_array().unwrap()).collect();
        let denied = self.asks.iter().filter(|ask| {
            let effect = |wanted: &str, luck: bool| {
                statements.iter().any(|s| s["Effect"] == wanted && matches(s, ask, luck))
            };
            effect("Deny", false) || !effect("Allow", true)
        });
        denied.map(|ask| ask.action.clone()).collect()
    }
}

/// A likely value for everything that is not known.
fn fill(text: &Symbolic, symbols: &Symbols) -> String {
    let mut out = String::new();
    for piece in text.pieces() {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Symbol(symbol) => out.push_str(match symbols.name(*symbol) {
                "hash" => "12345678901234567890",
                "nodeclass_uid" => "0a1b2c3d-1111-2222-3333-444455556666",
                _ => "0123456789abcdef0",
            }),
        }
    }
    out
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one],
        _ => Vec::new(),
    }
}

/// `luck`: whether what nobody knows turns out as the statement wants.
fn matches(statement: &Value, ask: &Ask, luck: bool) -> bool {
    let action = list(&statement["Action"])
        .iter()
        .any(|p| glob(&p.to_lowercase(), &ask.action.to_lowercase()));
    let resource = list(&statement["Resource"]).iter().any(|p| covers(p, &ask.resource));
    let condition = statement["Condition"].as_object().is_none_or(|block| {
        block.iter().all(|(operator, lines)| {
            lines
                .as_object()
                .unwrap()
                .iter()
                .all(|(key, values)| holds(operator, key, &list(values), ask, luck))
        })
    });
    action && resource && condition
}

fn covers(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, arn): (Vec<&str>, Vec<&str>) =
        (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern.len() == arn.len() && pattern.iter().zip(&arn).all(|(p, a)| glob(p, a))
}

fn holds(operator: &str, key: &str, values: &[&str], ask: &Ask, luck: bool) -> bool {
    let key = key.to_lowercase();
    let (all, operator) = match operator.strip_prefix("ForAllValues:") {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let (if_exists, operator) = match operator.strip_suffix("IfExists") {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let (negated, like) = match operator {
        "StringEquals" => (false, false),
        "StringLike" => (false, true),
        "StringNotEquals" => (true, false),
        "StringNotLike" => (true, true),
        _ => return false,
    };
    let same = |have: &str| {
        values.iter().any(|want| if like { glob(want, have) } else { *want == have }) != negated
    };
    match ask.context.get(&key) {
        Some((have, true)) if all => have.iter().all(|one| same(one)),
        Some((_, true)) => false,
        Some((have, false)) if luck => have.iter().any(|one| same(one)),
        Some((have, false)) => have.iter().all(|one| same(one)),
        None if nobody_knows(&key, ask) => luck,
        None => all || if_exists || negated,
    }
}

/// Tags that users put on what Karpenter made, tags of what it did not make, and keys of the account.
fn nobody_knows(key: &str, ask: &Ask) -> bool {
    let created = ask.resource.ends_with("/*");
    let tag = (key.starts_with("aws:resourcetag/") || key.starts_with("ec2:resourcetag/"))
        && ask.resource != "*"
        && !created;
    tag || ask.unknown.iter().any(|known| known == key)
}

/// `*` and `?`.
fn glob(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .any(|at| glob(rest, &text[at..])),
        '?' => text.chars().next().is_some_and(|c| glob(rest, &text[c.len_utf8()..])),
        _ => text.strip_prefix(first).is_some_and(|text| glob(rest, text)),
    }
}
