//! Sections 5, 6 and 8: conditions, variables, three values.

use super::*;
use crate::eval::testing::{ask, holds, many, matches, one, one_of};
use crate::policy::Version;
use crate::policy::request::Status;
use Status::{Absent, Present};
use Tri::{False, True, Unknown as Open};

const UNKNOWN: Status = Status::Unknown;

/// One key `k`, with `value` as JSON.
fn line(operator: &str, value: &str, status: Status) -> Tri {
    holds(&format!(r#""{operator}": {{"k": {value}}}"#), &[("k", status)])
}

fn table(rows: &[(&str, &str, Status, Tri)]) {
    for (operator, value, status, expected) in rows {
        let found = line(operator, value, status.clone());
        assert_eq!(found, *expected, "{operator} {value} {status:?}");
    }
}

#[test]
fn all_operators_and_all_keys_must_hold() {
    let entries = [("a", one("1")), ("b", one("2"))];
    let both = |a: &str, b: &str| {
        holds(&format!(r#""StringEquals": {{"a": "{a}"}}, "StringLike": {{"b": "{b}"}}"#), &entries)
    };
    assert_eq!(both("1", "2"), True);
    assert_eq!(both("1", "3"), False);
    assert_eq!(both("3", "2"), False);
    assert_eq!(holds(r#""StringEquals": {"a": "1", "b": "3"}"#, &entries), False);
    assert_eq!(holds("", &entries), True, "an empty condition");
}

#[test]
fn values_are_or_for_positive_and_nor_for_negated_operators() {
    table(&[
        ("StringEquals", r#"["a", "b"]"#, one("b"), True),
        ("StringEquals", r#"["a", "b"]"#, one("c"), False),
        ("StringNotEquals", r#"["a", "b"]"#, one("b"), False),
        ("StringNotEquals", r#"["a", "b"]"#, one("c"), True),
        ("NumericNotEquals", "[1, 2]", one("2"), False),
        ("NotIpAddress", r#"["10.0.0.0/8", "11.0.0.0/8"]"#, one("11.1.1.1"), False),
    ]);
}

#[test]
fn key_names_ignore_case_and_tag_keys_too() {
    let condition = r#""StringEquals": {"AWS:RequestTag/Team": "a"}"#;
    assert_eq!(holds(condition, &[("aws:requesttag/TEAM", one("a"))]), True);
    assert_eq!(holds(condition, &[("aws:RequestTag/Team", one("A"))]), False, "values do not");
    let keys = r#""ForAllValues:StringEquals": {"aws:TagKeys": "Team"}"#;
    assert_eq!(holds(keys, &[("aws:TagKeys", many(&["team"]))]), False, "members do not");
}

#[test]
fn string_operators() {
    table(&[
        ("StringEquals", r#""a""#, one("a"), True),
        ("StringEquals", r#""a""#, one("A"), False),
        ("StringEquals", r#""a*""#, one("ab"), False),
        ("StringEquals", r#""a*""#, one("a*"), True),
        ("StringNotEquals", r#""a""#, one("b"), True),
        ("StringEqualsIgnoreCase", r#""aB""#, one("Ab"), True),
        ("StringNotEqualsIgnoreCase", r#""aB""#, one("Ab"), False),
        ("StringLike", r#""a*?""#, one("abc"), True),
        ("StringLike", r#""A*""#, one("abc"), False),
        ("StringNotLike", r#""a*""#, one("abc"), False),
        ("StringNotLike", r#""a*""#, one("b"), True),
    ]);
}

#[test]
fn numeric_operators() {
    table(&[
        ("NumericEquals", "10", one("10"), True),
        ("NumericEquals", "10", one("10.0"), True),
        ("NumericEquals", r#""-0""#, one("0"), True),
        ("NumericEquals", "10", one("010"), True),
        ("NumericNotEquals", "10", one("11"), True),
        ("NumericLessThan", "10", one("9.99"), True),
        ("NumericLessThan", "10", one("10"), False),
        ("NumericLessThanEquals", "10", one("10"), True),
        ("NumericGreaterThan", "10", one("9"), False),
        ("NumericGreaterThan", "-10", one("-9"), True),
        ("NumericGreaterThanEquals", "10", one("10.5"), True),
        (
            "NumericEquals",
            "100000000000000000000000000001",
            one("100000000000000000000000000000"),
            False,
        ),
        ("NumericLessThan", "0.25", one("0.3"), False),
    ]);
}

#[test]
fn date_operators() {
    table(&[
        ("DateEquals", r#""2024""#, one("2024-01-01T00:00:00Z"), True),
        ("DateEquals", r#""2024-02""#, one("2024-02-01"), True),
        ("DateEquals", r#""2024-01-01T01:00:00+01:00""#, one("2024-01-01T00:00Z"), True),
        ("DateEquals", r#""1740830400""#, one("2025-03-01T12:00:00Z"), True),
        ("DateLessThan", r#""2025-03-01T12:00:00Z""#, one("1740830399"), True),
        ("DateLessThanEquals", r#""2025-03-01T12:00:00Z""#, one("1740830400"), True),
        ("DateGreaterThan", r#""2024-12-31T23:59:59Z""#, one("2024-12-31T23:59:59.5Z"), True),
        ("DateGreaterThanEquals", r#""2025""#, one("2024-12-31T23:59:59.999Z"), False),
        ("DateNotEquals", r#""2024""#, one("2025"), True),
        ("DateEquals", r#""0000-03-01""#, one("-62162035200"), True),
        ("DateEquals", r#""1969-12-31T23:59:59Z""#, one("-1"), True),
        ("DateEquals", r#""2024-02-30""#, one("2024-02-30"), False),
        ("DateEquals", r#""2023-02-29""#, one("2023-02-29"), False),
        ("DateEquals", r#""2024-01-01T00:00:00""#, one("2024-01-01T00:00:00"), False),
    ]);
}

#[test]
fn bool_ignores_case() {
    table(&[
        ("Bool", "true", one("true"), True),
        ("Bool", r#""True""#, one("true"), True),
        ("Bool", "false", one("true"), False),
        ("Bool", r#""yes""#, one("yes"), False),
    ]);
}

#[test]
fn binary_equals_decodes_the_policy() {
    table(&[
        ("BinaryEquals", r#""aGk=""#, one("hi"), True),
        ("BinaryEquals", r#""aGk""#, one("hi"), True),
        ("BinaryEquals", r#""aGk=""#, one("ho"), False),
        ("BinaryEquals", r#""a=k=""#, one("a=k="), False),
        ("BinaryEquals", r#""!""#, one("!"), False),
    ]);
}

#[test]
fn ip_address() {
    table(&[
        ("IpAddress", r#""203.0.113.0/24""#, one("203.0.113.9"), True),
        ("IpAddress", r#""203.0.113.0/24""#, one("203.0.114.9"), False),
        ("IpAddress", r#""203.0.113.9""#, one("203.0.113.9"), True),
        ("IpAddress", r#""203.0.113.9""#, one("203.0.113.8"), False),
        ("IpAddress", r#""0.0.0.0/0""#, one("203.0.113.9"), True),
        ("IpAddress", r#""0.0.0.0/0""#, one("::1"), False),
        ("IpAddress", r#"["10.0.0.0/8", "2001:db8::/32"]"#, one("2001:0DB8:0::1"), True),
        ("IpAddress", r#""::/0""#, one("2001:db8::1"), True),
        ("IpAddress", r#""2001:db8::1""#, one("2001:db8:0:0::1"), True),
        ("NotIpAddress", r#""10.0.0.0/8""#, one("2001:db8::1"), True),
        ("IpAddress", r#""10.0.0.0/33""#, one("10.0.0.0"), False),
    ]);
}

#[test]
fn arn_operators_compare_six_segments() {
    let role = || one("arn:aws:iam::1:role/a/b");
    for (positive, negated) in [("ArnEquals", "ArnNotEquals"), ("ArnLike", "ArnNotLike")] {
        for (value, expected) in [
            ("arn:aws:iam::1:role/*", true),
            ("arn:*:iam::?:role/a/b", true),
            ("arn:aws:iam::*", false),
            ("arn:aws:iam:*:role/a/b", false),
            ("*", true),
        ] {
            let value = format!("{value:?}");
            assert_eq!(line(positive, &value, role()), expected.into(), "{value}");
            assert_eq!(line(negated, &value, role()), (!expected).into(), "{value}");
        }
    }
    table(&[
        ("ArnNotLike", r#""arn:aws:iam::1:role/*""#, one("junk"), True),
        ("StringEquals", r#""arn:aws:iam::1:role/*""#, role(), False),
        ("StringLike", r#""arn:aws:iam:*:role/*""#, role(), True),
    ]);
}

#[test]
fn null() {
    table(&[
        ("Null", "true", Absent, True),
        ("Null", "true", one("x"), False),
        ("Null", "false", Absent, False),
        ("Null", r#""false""#, one("x"), True),
        ("Null", r#"["true", "false"]"#, one("x"), True),
        ("Null", r#""x""#, one("x"), False),
        ("Null", "true", many(&[]), True),
        ("Null", "true", many(&["", ""]), True),
        ("Null", "false", one(""), False),
        ("Null", "false", many(&["a", ""]), True),
    ]);
}

#[test]
fn missing_keys() {
    table(&[
        ("StringEquals", r#""a""#, Absent, False),
        ("NumericLessThan", "1", Absent, False),
        ("Bool", "false", Absent, False),
        ("StringNotEquals", r#""a""#, Absent, True),
        ("NumericNotEquals", "1", Absent, True),
        ("DateNotEquals", r#""2024""#, Absent, True),
        ("ArnNotLike", r#""*""#, Absent, True),
        ("NotIpAddress", r#""10.0.0.0/8""#, Absent, True),
        ("StringEqualsIfExists", r#""a""#, Absent, True),
        ("StringNotEqualsIfExists", r#""a""#, Absent, True),
        ("BoolIfExists", "true", Absent, True),
        ("BoolIfExists", "true", one("false"), False),
        ("ForAllValues:StringEquals", r#""a""#, Absent, True),
        ("ForAllValues:StringNotEquals", r#""a""#, Absent, True),
        ("ForAllValues:StringEqualsIfExists", r#""a""#, Absent, True),
        ("ForAnyValue:StringEquals", r#""a""#, Absent, False),
        ("ForAnyValue:StringNotEquals", r#""a""#, Absent, False),
        ("ForAnyValue:StringEqualsIfExists", r#""a""#, Absent, True),
    ]);
}

#[test]
fn for_any_value_if_exists_without_the_key_is_contested() {
    let elements = r#""Action": "*", "Resource": "*",
        "Condition": {"ForAnyValue:StringEqualsIfExists": {"k": "a"}}"#;
    let found = |readings, entries: &[_]| {
        matches(elements, Version::V2012, readings, &ask("s:A", "*", entries))
    };
    assert_eq!(found(Readings::Settled, &[]), True);
    assert_eq!(found(Readings::Open, &[]), Open);
    assert_eq!(found(Readings::Open, &[("k", many(&["a"]))]), True);
}

/// What the documents and reports of what AWS does are at odds on is open, and nothing else is.
#[test]
fn empty_values_and_sets_without_a_set_operator_are_contested() {
    let found = |operator: &str, values: &str, sent: Status| {
        let elements = format!(
            r#""Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"k": {values}}}}}"#
        );
        let asked = ask("s:A", "*", &[("k", sent)]);
        let of = |readings| matches(&elements, Version::V2012, readings, &asked);
        (of(Readings::Settled), of(Readings::Open))
    };
    assert_eq!(found("Null", "true", one("")), (True, Open));
    assert_eq!(found("Null", "false", one("")), (False, Open));
    assert_eq!(found("Null", "false", one("a")), (True, True));
    assert_eq!(found("Null", "true", many(&[])), (True, True));
    assert_eq!(found("Null", "true", many(&["", "a"])), (False, False));
    assert_eq!(found("ForAllValues:StringEquals", r#""a""#, one("")), (True, Open));
    assert_eq!(found("ForAllValues:StringLike", r#""*""#, one("")), (True, True));
    assert_eq!(found("ForAllValues:StringEquals", r#""a""#, many(&[])), (True, True));
    assert_eq!(found("ForAnyValue:StringLike", r#""*""#, one("")), (False, Open));
    assert_eq!(found("StringEquals", r#""a""#, many(&["a", "b"])), (False, Open));
    assert_eq!(found("StringEquals", r#""c""#, many(&["a", "b"])), (False, False));
}

#[test]
fn set_operators() {
    let ab = || many(&["a", "b"]);
    table(&[
        ("ForAllValues:StringEquals", r#"["a", "b", "c"]"#, ab(), True),
        ("ForAllValues:StringEquals", r#"["a", "c"]"#, ab(), False),
        ("ForAllValues:StringNotEquals", r#"["c", "d"]"#, ab(), True),
        ("ForAllValues:StringNotEquals", r#"["a", "d"]"#, ab(), False),
        ("ForAnyValue:StringEquals", r#"["b", "c"]"#, ab(), True),
        ("ForAnyValue:StringEquals", r#"["c"]"#, ab(), False),
        ("ForAnyValue:StringNotEquals", r#""a""#, ab(), True),
        ("ForAnyValue:StringNotEquals", r#"["a", "b"]"#, ab(), False),
        ("ForAllValues:StringLike", r#""?""#, ab(), True),
    ]);
}

#[test]
fn empty_sets() {
    for empty in [many(&[]), many(&[""]), many(&["", ""])] {
        table(&[
            ("ForAllValues:StringEquals", r#""a""#, empty.clone(), True),
            ("ForAllValues:StringNotEquals", r#""""#, empty.clone(), True),
            ("ForAnyValue:StringEquals", r#""""#, empty.clone(), False),
            ("ForAnyValue:StringNotEquals", r#""a""#, empty, False),
        ]);
    }
    table(&[("ForAllValues:StringEquals", r#""a""#, many(&["a", ""]), False)]);
}

#[test]
fn a_single_value_under_a_set_operator_is_a_list_of_one() {
    table(&[
        ("ForAllValues:StringEquals", r#""a""#, one("a"), True),
        ("ForAnyValue:StringEquals", r#""a""#, one("b"), False),
    ]);
}

#[test]
fn several_values_without_a_set_operator_match_nothing() {
    for values in [&["a"][..], &["a", "b"], &[]] {
        table(&[
            ("StringEquals", r#""a""#, many(values), False),
            ("StringNotEquals", r#""c""#, many(values), False),
            ("StringEqualsIfExists", r#""a""#, many(values), False),
        ]);
    }
    let plain = r#""StringLike": {"aws:TagKeys": "*"}"#;
    for (status, expected) in
        [(Present, Open), (UNKNOWN, Open), (many(&["a"]), False), (one("a"), True)]
    {
        let entries = [("aws:TagKeys", status)];
        assert_eq!(holds(plain, &entries), expected, "AWS documents several, one may come alone");
    }
    let nothing = r#""StringEquals": {"aws:TagKeys": []}"#;
    assert_eq!(holds(nothing, &[("aws:TagKeys", UNKNOWN)]), False, "whichever it is");
}

#[test]
fn empty_value_lists() {
    table(&[
        ("StringEquals", "[]", one("a"), False),
        ("StringNotEquals", "[]", one("a"), True),
        ("StringEqualsIfExists", "[]", one("a"), False),
        ("StringNotEqualsIfExists", "[]", one("a"), False),
        ("StringEqualsIfExists", "[]", Absent, True),
        ("ForAllValues:StringEquals", "[]", many(&["a"]), False),
        ("ForAllValues:StringNotEquals", "[]", many(&["a"]), False),
        ("ForAllValues:StringEquals", "[]", Absent, True),
        ("ForAnyValue:StringEquals", "[]", many(&["a"]), False),
        ("ForAnyValue:StringNotEquals", "[]", many(&["a"]), False),
        ("ForAnyValue:StringEqualsIfExists", "[]", Absent, False),
    ]);
}

#[test]
fn type_mismatches_match_nothing() {
    table(&[
        ("NumericEquals", "10", one("10abc"), False),
        ("NumericEquals", r#""10abc""#, one("10"), False),
        ("NumericEquals", r#""1e3""#, one("1000"), False),
        ("NumericNotEquals", r#""abc""#, one("10"), True),
        ("NumericNotEquals", "10", one("abc"), True),
        ("NumericGreaterThan", "10", one("abc"), False),
        ("NumericEquals", r#""""#, one(""), False),
        ("NumericEquals", r#"".""#, one("."), False),
        ("DateNotEquals", r#""tomorrow""#, one("2024"), True),
        ("IpAddress", r#""junk""#, one("junk"), False),
        ("NotIpAddress", r#""junk""#, one("10.0.0.1"), True),
        ("NotIpAddress", r#""10.0.0.0/8""#, one("junk"), True),
        ("ArnEquals", r#""junk""#, one("junk"), False),
        ("Bool", "true", one("1"), False),
    ]);
}

#[test]
fn unknown_operators_never_match() {
    for operator in
        ["stringEquals", "StringEqual", "NullIfExists", "ForSomeValues:Bool", "", "IfExists"]
    {
        for status in [one("true"), Absent, Present, UNKNOWN] {
            assert_eq!(line(operator, r#""true""#, status), False, "{operator}");
        }
    }
    assert_eq!(line("String<<any>>", r#""a""#, one("a")), Open);
    assert_eq!(Operator::suggest("stringEquals").as_deref(), Some("StringEquals"));
    assert_eq!(Operator::suggest("StringEqual").as_deref(), Some("StringEquals"));
    assert_eq!(
        Operator::suggest("ForAnyValues:StringEqualsIfExist").as_deref(),
        Some("ForAnyValue:StringEqualsIfExists")
    );
    assert_eq!(Operator::suggest("Matches"), None);
}

#[test]
fn variables_in_condition_values() {
    let found = |operator: &str, value: &str, version| {
        let elements = format!(
            r#""Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"k": "{value}"}}}}"#
        );
        let entries = [
            ("k", one("x")),
            ("me", one("x")),
            ("star", one("*")),
            ("list", many(&["x"])),
            ("b", one("true")),
        ];
        matches(&elements, version, Readings::Settled, &ask("s:A", "*", &entries))
    };
    use Version::{V2008, V2012};
    for (operator, value, version, expected) in [
        ("StringEquals", "${me}", V2012, True),
        ("StringEquals", "${ME}", V2012, True),
        ("StringEquals", "${me}", V2008, False),
        ("StringLike", "${star}", V2012, False),
        ("StringEquals", "${list}", V2012, False),
        ("StringEquals", "${none, 'x'}", V2012, True),
        ("StringEquals", "${me, 'y'}", V2012, True),
        // Without a value: equal to nothing.
        ("StringEquals", "${none}", V2012, False),
        ("StringNotEquals", "${none}", V2012, True),
        ("StringNotLike", "${none}", V2012, True),
        ("StringLike", "${*}", V2012, False),
        ("StringLike", "${*}", V2008, False),
        // No variables here.
        ("Bool", "${b}", V2012, False),
        ("NumericEquals", "${me}", V2012, False),
    ] {
        assert_eq!(found(operator, value, version), expected, "{operator} {value} {version:?}");
    }
}

#[test]
fn documents_of_2008_take_variables_as_text() {
    let elements = r#""Action": "*", "Resource": "*", "Condition": {"StringLike": {"k": "${*}"}}"#;
    let found = |value: &str| {
        let request = ask("s:A", "*", &[("k", one(value))]);
        matches(elements, Version::V2008, Readings::Settled, &request)
    };
    assert_eq!(found("${*}"), True);
    assert_eq!(found("${anything}"), True, "the star is a wildcard like any other");
    assert_eq!(found("*"), False);
}

#[test]
fn three_values_of_a_present_key() {
    table(&[
        ("StringEquals", r#""a""#, Present, Open),
        ("StringNotEquals", r#""a""#, Present, Open),
        ("StringEquals", "[]", Present, False),
        ("StringNotEquals", "[]", Present, True),
        ("NumericEquals", r#""junk""#, Present, False),
        ("NumericNotEquals", r#""junk""#, Present, True),
        ("StringEquals", r#""${none}""#, Present, False),
        ("StringNotEquals", r#""${none}""#, Present, True),
        ("StringEqualsIfExists", r#""a""#, Present, Open),
        ("Null", "true", Present, False),
        ("Null", "false", Present, True),
        ("ForAllValues:StringEquals", r#""a""#, Present, Open),
        ("ForAllValues:StringLike", r#""*""#, Present, True),
        ("ForAnyValue:StringEquals", r#""a""#, Present, Open),
        ("ForAnyValue:NumericEquals", r#""junk""#, Present, False),
        ("StringLike", r#""*""#, Present, True),
        ("StringLikeIfExists", r#""*""#, Present, True),
        ("ArnLike", r#""*""#, Present, Open),
        ("Bool", r#"["true", "false"]"#, Present, Open),
    ]);
}

#[test]
fn three_values_of_an_unknown_key() {
    table(&[
        ("StringEquals", r#""a""#, UNKNOWN, Open),
        ("StringNotEquals", r#""a""#, UNKNOWN, Open),
        ("StringEquals", "[]", UNKNOWN, False),
        ("StringNotEquals", "[]", UNKNOWN, True),
        ("NumericEquals", r#""junk""#, UNKNOWN, False),
        ("StringNotEquals", r#""${none}""#, UNKNOWN, True),
        ("StringEqualsIfExists", r#""a""#, UNKNOWN, Open),
        ("StringNotEqualsIfExists", r#""${none}""#, UNKNOWN, True),
        ("Null", "true", UNKNOWN, Open),
        ("Null", "false", UNKNOWN, Open),
        ("ForAllValues:StringEquals", r#""a""#, UNKNOWN, Open),
        ("ForAnyValue:StringEquals", r#""a""#, UNKNOWN, Open),
        ("ForAnyValue:NumericEquals", r#""junk""#, UNKNOWN, False),
        ("StringLike", r#""*""#, UNKNOWN, Open),
        ("StringLikeIfExists", r#""*""#, UNKNOWN, True),
        ("ForAllValues:StringLike", r#""*""#, UNKNOWN, True),
    ]);
}

#[test]
fn three_values_of_partly_known_text() {
    table(&[
        ("StringEquals", r#""demo""#, one("demo-<<pool>>"), False),
        ("StringLike", r#""demo-*""#, one("demo-<<pool>>"), True),
        ("StringLike", r#""demo-p*""#, one("demo-<<pool>>"), Open),
        ("StringNotLike", r#""demo-*""#, one("demo-<<pool>>"), False),
        ("StringEquals", r#""*""#, one("<<pool>>"), False),
        ("StringEquals", r#""<<pool>>""#, one("<<pool>>"), True),
        ("StringEquals", r#""<<cluster>>""#, one("demo"), Open),
        ("StringNotEquals", r#""demo-<<cluster>>""#, one("x"), True),
        (
            "ForAllValues:StringLike",
            r#"["a", "kubernetes.io/*"]"#,
            many(&["a", "kubernetes.io/<<cluster>>"]),
            True,
        ),
        ("ForAnyValue:StringEquals", r#"["b"]"#, many(&["a", "<<pool>>"]), Open),
        ("ForAllValues:StringEquals", r#""a""#, many(&["<<maybe>>"]), Open),
        ("ForAnyValue:StringEquals", r#""-""#, many(&["<<maybe>>"]), Open),
        ("Null", "false", one("<<pool>>"), True),
        ("Null", "false", one("<<maybe>>"), Open),
        ("NumericLessThan", "5", one("<<account>>"), Open),
        ("NumericLessThan", "5", one("x<<account>>"), False),
        ("IpAddress", r#""10.0.0.0/8""#, one("i-<<hex>>"), False),
        ("Bool", r#""<<cluster>>""#, one("true"), Open),
        ("Bool", r#""<<cluster>>""#, one("maybe"), False),
    ]);
}

#[test]
fn one_of_several_values() {
    table(&[
        ("StringEquals", r#"["a", "b"]"#, one_of(&["a", "b"]), True),
        ("StringEquals", r#""a""#, one_of(&["a", "b"]), Open),
        ("StringEquals", r#""c""#, one_of(&["a", "b"]), False),
        ("StringNotEquals", r#""c""#, one_of(&["a", "b"]), True),
        ("ForAllValues:StringEquals", r#""c""#, one_of(&["a", "b"]), False),
        ("StringEquals", r#""a""#, one_of(&[]), Open),
        ("Null", "true", one_of(&["a", "b"]), False),
    ]);
}

#[test]
fn keys_with_placeholders() {
    let condition =
        r#""StringEquals": {"aws:RequestTag/kubernetes.io/cluster/<<cluster>>": "owned"}"#;
    let tag = |key: &'static str, status| (key, status);
    for (entries, expected) in [
        (vec![tag("aws:RequestTag/kubernetes.io/cluster/<<cluster>>", one("owned"))], True),
        (vec![tag("aws:RequestTag/kubernetes.io/cluster/demo", one("owned"))], Open),
        (vec![tag("aws:RequestTag/kubernetes.io/cluster/demo", Absent)], False),
        (vec![tag("aws:RequestTag/other", one("owned"))], False),
    ] {
        assert_eq!(holds(condition, &entries), expected, "{entries:?}");
    }
    // The other way round: the policy names a value, the request a symbol.
    let condition = r#""StringEquals": {"aws:RequestTag/kubernetes.io/cluster/demo": "owned"}"#;
    let sent = [tag("aws:RequestTag/kubernetes.io/cluster/<<cluster>>", one("owned"))];
    assert_eq!(holds(condition, &sent), Open);
    let null = r#""Null": {"aws:RequestTag/kubernetes.io/cluster/demo": "false"}"#;
    assert_eq!(holds(null, &sent), Open);
}
