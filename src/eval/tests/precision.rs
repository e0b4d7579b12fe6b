//! Section 8: where unknown keys fall into few classes, the answer is exact: no assignment contradicts
//! it, and each decision that it leaves possible has an assignment that leads to it.

use proptest::prelude::*;

use super::*;
use crate::eval::testing::cases;
use crate::eval::{Assignment, possible};
use crate::policy::request::{Context, Key, Values};
use crate::policy::symbolic::Symbolic;

fn unknown(keys: &[&str]) -> Request {
    let entries: Vec<_> = keys.iter().map(|key| (*key, Status::Unknown)).collect();
    ask("a:B", "*", &entries)
}

fn allow(condition: &str) -> String {
    format!(
        r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{{condition}}}}}"#
    )
}

fn deny(condition: &str) -> String {
    allow(condition).replace("Allow", "Deny")
}

#[test]
fn the_same_key_asked_twice_is_one_key() {
    let both = [allow(r#""StringEquals": {"k": "a"}"#), allow(r#""StringNotEquals": {"k": "a"}"#)];
    let layers = identity(&[&both.join(", ")]);
    assert_eq!(decide(&layers, &unknown(&["k"])), Allowed);
    let traced = trace(&layers, &unknown(&["k"]));
    assert_eq!((traced.decision, traced.open.len()), (Allowed, 0));
}

#[test]
fn an_allow_and_a_deny_that_exclude_each_other_deny() {
    let both = [
        allow(r#""StringLike": {"k": "a*"}"#),
        deny(r#""StringLikeIfExists": {"k": ["a*", "b"]}"#),
    ];
    let layers = identity(&[&both.join(", ")]);
    assert_eq!(decide(&layers, &unknown(&["k"])), Denied, "explicitly or not");
    let both = [allow(r#""StringLike": {"k": "ab*"}"#), deny(r#""StringLike": {"k": "a*"}"#)];
    let layers = identity(&[&both.join(", ")]);
    assert_eq!(decide(&layers, &unknown(&["k"])), Denied);
}

#[test]
fn what_stays_open_has_one_witness_for_each_decision() {
    let layers = identity(&[&allow(r#""StringEquals": {"k": ["a", "b"]}"#)]);
    let traced = trace(&layers, &unknown(&["k"]));
    assert_eq!(traced.decision, Unsettled);
    let found: Vec<_> = traced.witnesses.iter().map(|(decision, _)| *decision).collect();
    assert_eq!(found, [Allowed, ImplicitDeny]);
    let (_, how) = &traced.witnesses[0];
    assert_eq!(how, &[(Key::from("k"), one("a"))]);
}

#[test]
fn too_many_combinations_are_left_to_three_values() {
    let lines: Vec<_> = (0..13).map(|k| format!(r#""k{k}": "a""#)).collect();
    let keys: Vec<_> = (0..13).map(|k| format!("k{k}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let equal = format!(r#""StringEquals": {{{}}}"#, lines.join(", "));
    let layers = identity(&[&format!("{ALLOW_ALL}, {}", allow(&equal))]);
    assert_eq!(decide(&layers, &unknown(&keys)), Allowed, "three values suffice");
    let layers = identity(&[&allow(&equal)]);
    let traced = trace(&layers, &unknown(&keys));
    assert_eq!((traced.decision, traced.witnesses.len()), (Unsettled, 0), "over the limit");
    assert_eq!(possible(&layers, &unknown(&keys)), None);
}

#[test]
fn numbers_dates_and_addresses_fall_into_intervals() {
    for (below, from) in [
        (
            r#""NumericLessThan": {"k": "10"}"#,
            r#""NumericGreaterThanEqualsIfExists": {"k": "10.0"}"#,
        ),
        (
            r#""DateLessThan": {"k": "2024-01-01T00:00:00Z"}"#,
            r#""DateGreaterThanEqualsIfExists": {"k": "1704067200"}"#,
        ),
        (r#""IpAddress": {"k": "10.0.0.0/8"}"#, r#""NotIpAddress": {"k": "10.0.0.0/8"}"#),
        (r#""Bool": {"k": "true"}"#, r#""BoolIfExists": {"k": "false"}"#),
    ] {
        let layers = identity(&[&format!("{}, {}", allow(below), allow(from))]);
        let found = possible(&layers, &unknown(&["k"])).unwrap();
        let decisions: Vec<_> = found.iter().map(|(decision, _)| *decision).collect();
        // Junk is neither below nor above; an address that is none is not in the range.
        let expected =
            if below.contains("Ip") { vec![Allowed] } else { vec![Allowed, ImplicitDeny] };
        assert_eq!(decisions, expected, "{below}");
    }
    let between = r#""NumericGreaterThan": {"k": "1"}, "NumericLessThan": {"k": "1.01"}"#;
    let layers = identity(&[&allow(between)]);
    let (_, how) = &possible(&layers, &unknown(&["k"])).unwrap()[0];
    assert_eq!(how, &[(Key::from("k"), one("1.001"))]);
}

#[test]
fn a_list_may_hold_any_of_the_classes() {
    let layers = identity(&[&format!(
        "{}, {}",
        allow(r#""ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}"#),
        allow(r#""ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a", "b"]}"#)
    )]);
    // Every list holds only `a` and `b`, or something else.
    assert_eq!(decide(&layers, &unknown(&["aws:TagKeys"])), Allowed);
}

#[test]
fn a_key_with_several_values_may_come_with_one() {
    let layers = identity(&[&allow(r#""StringEquals": {"aws:TagKeys": "a"}"#)]);
    let found = possible(&layers, &unknown(&["aws:TagKeys"])).unwrap();
    let decisions: Vec<_> = found.iter().map(|(decision, _)| *decision).collect();
    assert_eq!(decisions, [Allowed, ImplicitDeny]);
    assert_eq!(found[0].1, [(Key::from("aws:TagKeys"), one("a"))]);
    let many: Vec<_> = (0..40).map(|at| format!("v{at}")).collect();
    let layers = identity(&[&allow(&format!(r#""StringEquals": {{"aws:TagKeys": {many:?}}}"#))]);
    assert!(possible(&layers, &unknown(&["aws:TagKeys"])).is_some(), "no list is looked into");
}

#[test]
fn nothing_is_mixed_with_placeholders() {
    let both = [
        allow(r#""StringEquals": {"k": "<<cluster>>"}"#),
        allow(r#""StringNotEquals": {"k": "a"}"#),
    ];
    let layers = identity(&[&both.join(", ")]);
    assert_eq!(possible(&layers, &unknown(&["k"])), None);
    assert_eq!(decide(&layers, &unknown(&["k"])), Unsettled);
}

/// The family of operators that compares a key, and values on and beside the edges of their classes.
const KEYS: [(&str, &[&str], &[&str]); 5] = [
    (
        "k0",
        &[
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
        ],
        &["", "a", "b", "ab", "A", "abc", "ba", "*", "a*", "c"],
    ),
    (
        "k1",
        &["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"],
        &["", "1", "2", "1.5", "-1", "x", "10", "0.99", "2.01"],
    ),
    (
        "k2",
        &["IpAddress", "NotIpAddress"],
        &["", "10.0.0.1", "10.1.0.1", "11.0.0.0", "::1", "2001:db8::", "x"],
    ),
    (
        "k3",
        &["ArnLike", "ArnNotEquals", "StringLike", "Null"],
        &["", "arn:a:b:::c", "arn:a:b:c::c", "arn:a:b:::c:d", "x", "arn:a", "true", "false"],
    ),
    (
        "k4",
        &["DateLessThan", "DateGreaterThan", "DateEquals", "DateNotEquals"],
        &["", "2024", "2024-01-01T00:00:01Z", "2023-06-01", "1704067200", "0", "x"],
    ),
];

const LIST: (&str, &[&str]) = ("aws:TagKeys", &["", "a", "b", "A", "ab"]);

fn policy_values(key: usize) -> impl Strategy<Value = Vec<String>> {
    let known: &[&str] = match key {
        0 => &["a", "b", "a*", "*b", "?", "A", "*", "ab", "${k9, 'a'}"],
        1 => &["1", "2", "1.5", "x", "-1"],
        2 => &["10.0.0.0/8", "10.0.0.1", "10.0.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32"],
        3 => &["arn:a:b:::c", "arn:a:*:::*", "arn:*:b::*:c", "*", "arn:a"],
        _ => &["2024", "2024-01-01T00:00:00Z", "2023-06-01", "0", "x"],
    };
    prop::collection::vec(prop::sample::select(known).prop_map(str::to_owned), 1..3)
}

fn condition() -> impl Strategy<Value = String> {
    let plain = (0..KEYS.len(), any::<prop::sample::Index>(), any::<bool>()).prop_flat_map(
        |(key, operator, exists)| {
            let (name, operators, _) = KEYS[key];
            let operator = *operator.get(operators);
            let suffix = if exists && operator != "Null" { "IfExists" } else { "" };
            let values = if operator == "Null" {
                prop::sample::select(vec!["true", "false"])
                    .prop_map(|value| vec![value.to_owned()])
                    .boxed()
            } else {
                policy_values(key).boxed()
            };
            values.prop_map(move |values| {
                format!(r#""{operator}{suffix}": {{"{name}": {values:?}}}"#)
            })
        },
    );
    let set = (0..5_usize, any::<bool>(), any::<bool>(), policy_values(0)).prop_map(
        |(operator, all, exists, values)| {
            let set = if all { "ForAllValues" } else { "ForAnyValue" };
            let suffix = if exists { "IfExists" } else { "" };
            let operator = KEYS[0].1[operator];
            format!(r#""{set}:{operator}{suffix}": {{"{}": {values:?}}}"#, LIST.0)
        },
    );
    let no_set = (0..5_usize, policy_values(0)).prop_map(|(operator, values)| {
        format!(r#""{}": {{"{}": {values:?}}}"#, KEYS[0].1[operator], LIST.0)
    });
    prop_oneof![8 => plain, 2 => set, 1 => no_set]
}

fn statement() -> impl Strategy<Value = String> {
    (prop::bool::weighted(0.6), prop::collection::vec(condition(), 1..3)).prop_map(
        |(allows, lines)| {
            let mut names = std::collections::BTreeSet::new();
            let name = |line: &String| line.split_once(": {").map(|(name, _)| name.to_owned());
            let lines: Vec<_> = lines.into_iter().filter(|line| names.insert(name(line))).collect();
            let lines = lines.join(", ");
            if allows { allow(&lines) } else { deny(&lines) }
        },
    )
}

/// What each key is: unknown, present, or one of its values.
fn known(index: usize) -> impl Strategy<Value = Option<Status>> {
    let value = prop::sample::select(KEYS[index].2).prop_map(|value| Some(Some(value)));
    prop_oneof![3 => Just(None), 1 => Just(Some(None)), 4 => value].prop_map(
        |status| match status {
            None => Some(Status::Unknown),
            Some(None) => Some(Status::Present),
            Some(Some(value)) => Some(Status::Known(Values::One(Symbolic::literal(value)))),
        },
    )
}

fn filled(request: &Request, picks: &[prop::sample::Index], list: &Option<Vec<String>>) -> Request {
    let mut out = request.clone();
    for ((name, _, values), pick) in KEYS.iter().zip(picks) {
        let key = Key::from(*name);
        let one = |value: &str| Status::Known(Values::One(Symbolic::literal(value)));
        match request.context.listed(&key) {
            Some(Status::Unknown) => {
                let place = pick.index(values.len() + 1);
                out.context.set(key, values.get(place).map_or(Status::Absent, |value| one(value)));
            }
            // What is present is not null, and the empty value stands first.
            Some(Status::Present) => {
                out.context.set(key, one(values[1 + pick.index(values.len() - 1)]))
            }
            _ => {}
        }
    }
    let key = Key::from(LIST.0);
    if request.context.listed(&key) == Some(&Status::Unknown) {
        let values =
            list.as_ref().map(|values| values.iter().map(|v| Symbolic::literal(v)).collect());
        let status = values.map_or(Status::Absent, |values: Vec<_>| match values.as_slice() {
            [only] => Status::Known(Values::One(only.clone())),
            _ => Status::Known(Values::Many(values)),
        });
        out.context.set(key, status);
    }
    out
}

fn assigned(request: &Request, assignment: &Assignment) -> Request {
    let mut out = request.clone();
    for (key, status) in assignment {
        out.context.set(key.clone(), status.clone());
    }
    out
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn possible_decisions_are_all_there_are_and_none_too_many(
        documents in prop::collection::vec(prop::collection::vec(statement(), 1..3), 1..3),
        keys in (known(0), known(1), known(2), known(3), known(4)),
        list in any::<bool>(),
        fillings in prop::collection::vec(
            (
                prop::collection::vec(any::<prop::sample::Index>(), 5),
                prop::option::of(prop::collection::vec(prop::sample::select(LIST.1).prop_map(str::to_owned), 0..4)),
            ),
            16,
        ),
    ) {
        let document = |text: &Vec<String>| compiled(&statements(&text.join(", ")));
        let mut documents = documents.iter().map(document);
        let layers = Layers {
            identity: documents.next().into_iter().collect(),
            boundary: documents.next().map(|document| vec![document]),
            ..Layers::default()
        };
        let mut context = Context::default();
        for ((name, ..), status) in KEYS.iter().zip([keys.0, keys.1, keys.2, keys.3, keys.4]) {
            context.set(Key::from(*name), status.unwrap());
        }
        if list {
            context.set(Key::from(LIST.0), Status::Unknown);
        }
        let request = Request { action: "a:B".into(), resource: Target::Any, context };
        let decision = decide(&layers, &request);
        let found = possible(&layers, &request);
        if let Some(found) = &found {
            for (decision, assignment) in found {
                let request = assigned(&request, assignment);
                prop_assert_eq!(&decide(&layers, &request), decision, "with {:?}", assignment);
            }
            match found.as_slice() {
                [(only, _)] => prop_assert!(*only == decision || decision == Denied),
                some => {
                    let denied = some.iter().all(|(one, _)| one.is_denied());
                    prop_assert_eq!(decision, if denied { Denied } else { Unsettled });
                }
            }
        }
        for (picks, list) in &fillings {
            let filled = filled(&request, picks, list);
            let real = decide(&layers, &filled);
            match (&found, decision) {
                (Some(found), _) => prop_assert!(found.iter().any(|(one, _)| *one == real), "{:?} not in {:?}", real, found),
                (None, Unsettled) => {}
                (None, Denied) => prop_assert!(real.is_denied()),
                (None, certain) => prop_assert_eq!(certain, real),
            }
        }
    }
}
