//! Whatever the unknowns turn out to be, the answer in two values is one that the answer in three
//! values left possible.

use proptest::prelude::*;

use super::*;
use crate::eval::testing::{cases, text};
#[cfg(feature = "cli")]
use crate::eval::traced::Traced;
use crate::policy::request::{Context, Key, Values};
use crate::policy::symbolic::Symbolic;

/// What fills the symbols.
#[derive(Debug, Clone)]
struct Filling {
    pool: String,
    maybe: String,
    any: String,
    account: String,
    /// Values of keys that nobody knows; `None` for a missing key.
    keys: Vec<Option<String>>,
    list: Option<Vec<String>>,
    choice: usize,
}

impl Filling {
    fn fill(&self, text: &str) -> String {
        text.replace("<<pool>>", &self.pool)
            .replace("<<maybe>>", &self.maybe)
            .replace("<<any>>", &self.any)
            .replace("<<account>>", &self.account)
    }
}

fn filling() -> impl Strategy<Value = Filling> {
    (
        "[ab-]{1,2}",
        "[abA]{0,2}",
        "[ab*?:]{0,3}",
        "[1]{12}",
        prop::collection::vec(prop::option::of(atom_value()), 4),
        prop::option::of(prop::collection::vec(atom_value(), 0..3)),
        0..3_usize,
    )
        .prop_map(|(pool, maybe, any, account, keys, list, choice)| Filling {
            pool,
            maybe,
            any,
            account,
            keys,
            list,
            choice,
        })
}

fn atom_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("ab".to_owned()),
        Just("b".to_owned()),
        Just("1".to_owned()),
        Just("true".to_owned()),
        Just("2024".to_owned()),
        Just("10.0.0.1".to_owned()),
        Just("arn:a:b:::a".to_owned()),
        Just(String::new()),
        "[abA*1]{0,2}",
    ]
}

/// Text of a policy or a request.
fn atom() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => atom_value(),
        1 => Just("<<pool>>".to_owned()),
        1 => Just("<<maybe>>".to_owned()),
        1 => Just("<<any>>".to_owned()),
        1 => Just("a<<maybe>>".to_owned()),
        1 => Just("arn:a:b::<<account>>:<<pool>>".to_owned()),
    ]
}

fn policy_value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => atom(),
        1 => Just("a*".to_owned()),
        1 => Just("*".to_owned()),
        1 => Just("${k0}".to_owned()),
        1 => Just("${k1, 'a'}".to_owned()),
        1 => Just("x${k2}".to_owned()),
        1 => Just("${tags}".to_owned()),
    ]
}

#[derive(Debug, Clone)]
enum Seen {
    Known(String),
    OneOf(Vec<String>),
    Absent,
    Present,
    Unknown,
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        2 => atom().prop_map(Seen::Known),
        1 => prop::collection::vec(atom(), 1..3).prop_map(Seen::OneOf),
        1 => Just(Seen::Absent),
        2 => Just(Seen::Present),
        3 => Just(Seen::Unknown),
    ]
}

const OPERATORS: [&str; 18] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThanEquals",
    "DateGreaterThan",
    "DateNotEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnLike",
    "ArnNotEquals",
    "Null",
];

fn condition() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        4 => "k[0-3]",
        1 => Just("t/<<pool>>".to_owned()),
        1 => Just("t/a".to_owned()),
    ];
    let name = (0..OPERATORS.len(), any::<bool>());
    let plain = (name.clone(), key).prop_map(|((operator, exists), key)| {
        let operator = OPERATORS[operator];
        let suffix = if exists && operator != "Null" { "IfExists" } else { "" };
        (format!("{operator}{suffix}"), key)
    });
    let set = (name, any::<bool>(), prop_oneof![Just("aws:TagKeys"), Just("k0")]).prop_map(
        |((operator, exists), all, key)| {
            let operator = OPERATORS[operator];
            let suffix = if exists && operator != "Null" { "IfExists" } else { "" };
            let set = if all { "ForAllValues" } else { "ForAnyValue" };
            (format!("{set}:{operator}{suffix}"), key.to_owned())
        },
    );
    (prop_oneof![plain, set], prop::collection::vec(policy_value(), 0..3))
        .prop_map(|((operator, key), values)| format!(r#""{operator}": {{"{key}": {values:?}}}"#))
}

fn statement() -> impl Strategy<Value = String> {
    let action = prop_oneof![
        Just("a:B".to_owned()),
        Just("*".to_owned()),
        Just("a:*".to_owned()),
        Just("<<any>>".to_owned()),
        Just("a:<<maybe>>".to_owned()),
        Just("b:C".to_owned())
    ];
    let resource = prop_oneof![
        Just("*".to_owned()),
        Just("arn:a:b:*:*:*".to_owned()),
        Just("arn:a:b::111111111111:<<pool>>".to_owned()),
        Just("arn:a:*:a".to_owned()),
        Just("<<any>>".to_owned()),
        Just("arn:<<any>>/${k0}".to_owned()),
        Just("arn:a:b:::${k1}*".to_owned()),
    ];
    let name = |positive: bool, name: &str| format!("{}{name}", if positive { "" } else { "Not" });
    (
        prop::bool::weighted(0.7),
        (prop::bool::weighted(0.8), action),
        (prop::bool::weighted(0.8), resource),
        prop::collection::vec(condition(), 0..3),
    )
        .prop_map(move |(allow, (positive, action), (covers, resource), conditions)| {
            let effect = if allow { "Allow" } else { "Deny" };
            let (action_name, resource_name) = (name(positive, "Action"), name(covers, "Resource"));
            // One block for each operator: two with the same name are refused, so keep the first.
            let mut names = std::collections::BTreeSet::new();
            let operator = |line: &String| line.split_once(": {").map(|(name, _)| name.to_owned());
            let lines: Vec<_> = conditions.into_iter().filter(|line| names.insert(operator(line))).collect();
            format!(
                r#"{{"Effect": "{effect}", "{action_name}": "{action}", "{resource_name}": "{resource}", "Condition": {{{}}}}}"#,
                lines.join(", ")
            )
        })
}

#[derive(Debug, Clone)]
struct Case {
    documents: Vec<Vec<String>>,
    keys: Vec<Seen>,
    list: Option<Option<Vec<String>>>,
    resource: Option<String>,
}

fn case() -> impl Strategy<Value = Case> {
    // Half of the documents allow everything, so that there are also requests that are allowed.
    let statements = prop::collection::vec(statement(), 1..4);
    let document = (statements, any::<bool>()).prop_map(|(mut statements, open)| {
        statements.extend(open.then(|| ALLOW_ALL.to_owned()));
        statements
    });
    let resource = prop_oneof![
        Just("arn:a:b:::a".to_owned()),
        Just("arn:a:b::<<account>>:<<pool>>".to_owned()),
        Just("arn:a:b::111111111111:a".to_owned()),
        Just("arn:<<pool>>:b:a:1:<<any>>".to_owned()),
    ];
    (
        prop::collection::vec(document, 1..4),
        prop::collection::vec(seen(), 4),
        prop::option::of(prop::option::of(prop::collection::vec(atom(), 0..3))),
        prop::option::of(resource),
    )
        .prop_map(|(documents, keys, list, resource)| Case { documents, keys, list, resource })
}

/// The layers of a case: identity, boundary, one level; with symbols, or with what fills them.
fn layers(case: &Case, filling: Option<&Filling>) -> Layers {
    let document = |statements: &Vec<String>| {
        let policy = super::statements(&statements.join(", "));
        let bind = |name: &str| {
            let hole = format!("<<{name}>>");
            text(&filling.map_or(hole.clone(), |filling| filling.fill(&hole)))
        };
        Arc::new(Compiled::new(&policy, &bind))
    };
    let mut documents = case.documents.iter().map(document);
    Layers {
        identity: documents.next().into_iter().collect(),
        boundary: documents.next().map(|document| vec![document]),
        service_control: documents.map(|document| vec![document]).collect(),
        ..Layers::default()
    }
}

fn request(case: &Case, filling: Option<&Filling>) -> Request {
    let fill = |value: &str| text(&filling.map_or(value.to_owned(), |filling| filling.fill(value)));
    let mut context = Context::default();
    for (index, seen) in case.keys.iter().enumerate() {
        let one = |value: Symbolic| Status::Known(Values::One(value));
        let status = match (seen, filling) {
            (Seen::Known(value), _) => one(fill(value)),
            (Seen::OneOf(values), None) => {
                Status::Known(Values::OneOf(values.iter().map(|value| fill(value)).collect()))
            }
            (Seen::OneOf(values), Some(filling)) => {
                one(fill(&values[filling.choice % values.len()]))
            }
            (Seen::Absent, _) => Status::Absent,
            (Seen::Present, None) => Status::Present,
            (Seen::Unknown, None) => Status::Unknown,
            // What is present is not null.
            (Seen::Present, Some(filling)) => {
                let value = filling.keys[index].as_deref().filter(|value| !value.is_empty());
                one(text(value.unwrap_or("b")))
            }
            (Seen::Unknown, Some(filling)) => {
                filling.keys[index].as_ref().map_or(Status::Absent, |value| one(text(value)))
            }
        };
        context.set(Key::new(&text(&format!("k{index}"))), status);
    }
    context.set(Key::from("t/a"), Status::Known(Values::One("a".into())));
    context.set(Key::from("t/b"), Status::Absent);
    let list = |values: &[String]| {
        Status::Known(Values::Many(values.iter().map(|value| fill(value)).collect()))
    };
    let status = match (&case.list, filling) {
        (Some(Some(values)), _) => list(values),
        (Some(None), _) => Status::Absent,
        (None, None) => Status::Unknown,
        (None, Some(filling)) => {
            filling.list.as_ref().map_or(Status::Absent, |values| list(values))
        }
    };
    context.set(Key::from("aws:TagKeys"), status);
    let resource = case.resource.as_ref().map_or(Target::Any, |arn| Target::Arn(fill(arn)));
    Request { action: "a:B".into(), resource, context }
}

fn is_among(decision: Decision, filled: Decision) -> bool {
    match decision {
        Unsettled => true,
        Denied => filled.is_denied(),
        certain => certain == filled,
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn no_filling_contradicts_the_decision(case in case(), fillings in prop::collection::vec(filling(), 8)) {
        let (open, asked) = (layers(&case, None), request(&case, None));
        let decision = decide(&open, &asked);
        let traced = trace(&open, &asked);
        prop_assert_eq!(traced.decision, decision);
        prop_assert_eq!(traced.open.is_empty(), decision != Unsettled, "{:?}", traced.open);
        for filling in &fillings {
            let filled = decide(&layers(&case, Some(filling)), &request(&case, Some(filling)));
            prop_assert!(matches!(filled, Allowed | ImplicitDeny | ExplicitDeny), "known, but {filled:?}");
            prop_assert!(is_among(decision, filled), "{decision:?}, but {filled:?} with {filling:?}");
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn what_is_kept_of_a_trace_is_what_the_trace_says(case in case()) {
        let (layers, asked) = (layers(&case, None), request(&case, None));
        let whole = trace(&layers, &asked);
        let kept = Traced::new(&layers, &asked, whole.decision != Unsettled);
        prop_assert_eq!(&kept.open, &whole.open);
        prop_assert_eq!(kept.layers.len(), whole.layers.len());
        for (kept, whole) in kept.layers.iter().zip(&whole.layers) {
            prop_assert_eq!((kept.layer, kept.allow), (whole.layer, whole.allow));
            prop_assert_eq!(kept.statements().count(), whole.statements.len());
            for (kept, whole) in kept.statements().zip(&whole.statements) {
                prop_assert_eq!(
                    (kept.document, kept.statement, kept.effect, kept.matches),
                    (whole.document, whole.statement, whole.effect, whole.matches)
                );
                prop_assert_eq!((kept.action, kept.resource), (whole.action, whole.resource));
                prop_assert_eq!(kept.resources, &*whole.resources);
                let lines = kept.conditions.iter().map(|line| (line.holds, line.why, line.is_sent));
                let sent = |status: &Status| matches!(status, Status::Known(_) | Status::Present);
                let all = whole.conditions.iter().map(|line| (line.holds, line.why, sent(&line.status)));
                prop_assert_eq!(lines.collect::<Vec<_>>(), all.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn no_text_panics(
        action in ".{0,12}", resource in "(arn)?[:*?${}a',é ]{0,20}", operator in "(ForAllValues:)?.{0,20}",
        key in ".{0,9}", value in "[-+:.TZ0-9a-f/=*?${}', é]{0,24}", sent in "[-+:.TZ0-9a-f/=é]{0,24}",
    ) {
        use crate::policy::pattern::{Pattern, Syntax, Variables};
        let symbolic = Symbolic::literal(&resource);
        let context = Context::default();
        for usage in [crate::policy::resource::ArnUse::Resource, crate::policy::resource::ArnUse::Operator] {
            let own = crate::policy::resource::ArnPattern::new(&symbolic, usage, true);
            let _ = own.matches(&Symbolic::literal(&sent), &context);
        }
        let own = crate::policy::action::ActionPattern::new(&Symbolic::literal(&action));
        let _ = own.matches(&sent);
        let syntax = Syntax { wildcards: true, variables: Variables::Anywhere, fold: true };
        let _ = Pattern::new(&Symbolic::literal(&value), syntax).matches_str(&sent, &context);
        let mut context = Context::default();
        context.set(Key::from(key.as_str()), Status::Known(Values::One(Symbolic::literal(&sent))));
        let names = ["NumericEquals", "DateLessThan", "IpAddress", "BinaryEquals", "ArnLike", "Bool", "Null", &operator];
        for name in names {
            let values = [Symbolic::literal(&value)];
            let line = crate::eval::operators::Line::new(
                &name.into(), &key.as_str().into(), &values, true, Readings::Open,
            );
            let _ = line.holds(&context);
        }
    }
}
