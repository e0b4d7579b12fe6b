//! Sections 2, 3, 7 and 11: statements, layers, decisions and traces.

mod attached;
mod precision;
mod soundness;

use super::testing::{ask, compiled, identity, many, matches, one, text};
use super::*;
use crate::policy::Version;
use crate::policy::request::{Status, Target};
use crate::policy::testing::{policy, statements};
use Decision::{Allowed, Denied, ExplicitDeny, ImplicitDeny, Unsettled};
use Tri::{False, True, Unknown};

const INSTANCE: &str = "arn:aws:ec2:us-west-2:111122223333:instance/i-1";
const ALLOW_ALL: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;

/// Whether a statement with this `Action` (or `NotAction`) and `Resource` matches.
fn covers(action: &str, resource: &str, asked: &str, on: &str) -> Tri {
    let elements = format!("{action}, {resource}");
    let found = matches(&elements, Version::V2012, Readings::Settled, &ask(asked, on, &[]));
    let layers = identity(&[&format!(r#"{{"Effect": "Allow", {elements}}}"#)]);
    let quick = compiled_says(&layers, &ask(asked, on, &[]));
    assert_eq!(found, quick, "the index finds what the trace finds");
    found
}

fn compiled_says(layers: &Layers, request: &Request) -> Tri {
    layers.identity[0].says(Effect::Allow, &Asked::new(request))
}

#[test]
fn action_patterns() {
    for (action, asked, expected) in [
        (r#""ec2:RunInstances""#, "ec2:RunInstances", True),
        (r#""EC2:runinstances""#, "ec2:RunInstances", True),
        (r#""ec2:Run*""#, "ec2:RunInstances", True),
        (r#""ec2:*Instances""#, "ec2:RunInstances", True),
        (r#""ec2:Run?nstances""#, "ec2:RunInstances", True),
        (r#""ec2:RUN*""#, "ec2:runinstances", True),
        (r#""*""#, "ec2:RunInstances", True),
        (r#""*:*""#, "ec2:RunInstances", True),
        (r#""e*:Run*""#, "ec2:RunInstances", True),
        (r#""ec2:RunInstance""#, "ec2:RunInstances", False),
        (r#""ec2: RunInstances""#, "ec2:RunInstances", False),
        (r#""iam:*""#, "ec2:RunInstances", False),
        (r#""ec2:${aws:username}*""#, "ec2:RunInstances", False),
        (r#""<<any>>""#, "ec2:RunInstances", Unknown),
        (r#""ec2:<<any>>""#, "ec2:RunInstances", Unknown),
        (r#""iam:<<any>>""#, "ec2:RunInstances", False),
        (r#"["iam:PassRole", "ec2:RunInstances"]"#, "ec2:RunInstances", True),
        ("[]", "ec2:RunInstances", False),
    ] {
        let found = covers(&format!(r#""Action": {action}"#), r#""Resource": "*""#, asked, "*");
        assert_eq!(found, expected, "{action}");
    }
}

#[test]
fn not_action_matches_what_no_pattern_matches() {
    for (action, expected) in [
        (r#""iam:*""#, True),
        (r#"["iam:*", "ec2:Run*"]"#, False),
        (r#""*""#, False),
        (r#""<<any>>""#, Unknown),
        ("[]", False),
    ] {
        let element = format!(r#""NotAction": {action}"#);
        assert_eq!(
            covers(&element, r#""Resource": "*""#, "ec2:RunInstances", "*"),
            expected,
            "{action}"
        );
    }
}

#[test]
fn an_action_without_resource_types_is_covered_by_a_star_only() {
    let list = "ec2:DescribeInstances";
    let arn = r#""Resource": "arn:aws:ec2:*:*:*""#;
    assert_eq!(covers(r#""Action": "ec2:*""#, arn, list, "*"), False);
    assert_eq!(covers(r#""NotAction": "iam:*""#, arn, list, "*"), False, "also via NotAction");
    assert_eq!(covers(r#""Action": "ec2:*""#, r#""Resource": "*""#, list, "*"), True);
    let not = r#""NotResource": "arn:aws:ec2:*:*:*""#;
    assert_eq!(
        covers(r#""Action": "ec2:*""#, not, list, "*"),
        True,
        "no particular resource is none of them"
    );
    assert_eq!(covers(r#""Action": "ec2:*""#, r#""NotResource": "*""#, list, "*"), False);
}

#[test]
fn not_resource_matches_what_no_pattern_matches() {
    let run = r#""Action": "*""#;
    for (resource, expected) in [
        (r#"["arn:aws:iam::*:role/*", "arn:aws:s3:::*"]"#, True),
        (r#"["arn:aws:iam::*:role/*", "arn:aws:ec2:*:*:*"]"#, False),
        ("[]", False),
        (r#""arn:aws:ec2:*:*:instance/${none}""#, True),
        (r#""arn:aws:ec2:*:*:instance/<<any>>""#, Unknown),
    ] {
        let element = format!(r#""NotResource": {resource}"#);
        assert_eq!(covers(run, &element, "ec2:RunInstances", INSTANCE), expected, "{resource}");
    }
}

#[test]
fn a_variable_without_a_value_matches_no_resource_and_excludes_none() {
    let run = r#""Action": "*""#;
    let pattern = r#""arn:aws:ec2:*:*:instance/${aws:username}*""#;
    let on =
        |element: &str| covers(run, &format!("{element}: {pattern}"), "ec2:RunInstances", INSTANCE);
    assert_eq!(on(r#""Resource""#), False);
    assert_eq!(on(r#""NotResource""#), True);
}

#[test]
fn a_wildcard_across_a_colon_is_contested() {
    let elements = r#""Action": "*", "Resource": "arn:aws:logs:us-*:log-group:*:*""#;
    let request = ask("logs:PutLogEvents", "arn:aws:logs:us-1:1:log-group:x:y", &[]);
    assert_eq!(matches(elements, Version::V2012, Readings::Settled, &request), False);
    assert_eq!(matches(elements, Version::V2012, Readings::Open, &request), Unknown);
}

#[test]
fn a_request_on_a_new_instance_needs_a_wildcard_id() {
    let new = "arn:aws:ec2:us-west-2:111122223333:instance/*";
    let action = r#""Action": "ec2:RunInstances""#;
    assert_eq!(
        covers(action, r#""Resource": "arn:aws:ec2:*:*:instance/*""#, "ec2:RunInstances", new),
        True
    );
    assert_eq!(
        covers(action, r#""Resource": "arn:aws:ec2:*:*:instance/i-1""#, "ec2:RunInstances", new),
        False
    );
}

#[test]
fn decisions_from_three_values() {
    for (deny, allow, expected) in [
        (True, True, ExplicitDeny),
        (True, False, ExplicitDeny),
        (True, Unknown, ExplicitDeny),
        (False, True, Allowed),
        (False, False, ImplicitDeny),
        (False, Unknown, Unsettled),
        (Unknown, True, Unsettled),
        (Unknown, False, Denied),
        (Unknown, Unknown, Unsettled),
    ] {
        assert_eq!(Decision::new(deny, allow), expected, "{deny:?} {allow:?}");
    }
}

fn set(document: &str) -> Vec<Arc<Compiled>> {
    vec![compiled(&statements(document))]
}

const DENY_RUN: &str = r#"{"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"}"#;
const ALLOW_IAM: &str = r#"{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}"#;

#[test]
fn every_layer_must_allow_and_a_deny_anywhere_wins() {
    let run = ask("ec2:RunInstances", INSTANCE, &[]);
    let both = format!("{ALLOW_ALL}, {DENY_RUN}");
    let case = |identity: &str, boundary: Option<&str>, levels: &[Option<&str>]| {
        let layers = Layers {
            identity: set(identity),
            boundary: boundary.map(set),
            service_control: levels.iter().map(|level| level.map_or(Vec::new(), set)).collect(),
            ..Layers::default()
        };
        let decision = decide(&layers, &run);
        assert_eq!(trace(&layers, &run).decision, decision);
        decision
    };
    assert_eq!(case(ALLOW_ALL, None, &[]), Allowed);
    assert_eq!(case(ALLOW_IAM, None, &[]), ImplicitDeny);
    assert_eq!(case(&both, None, &[]), ExplicitDeny);
    assert_eq!(case(ALLOW_ALL, Some(ALLOW_ALL), &[]), Allowed);
    assert_eq!(case(ALLOW_ALL, Some(ALLOW_IAM), &[]), ImplicitDeny);
    assert_eq!(case(ALLOW_IAM, Some(ALLOW_ALL), &[]), ImplicitDeny, "a boundary never grants");
    assert_eq!(case(ALLOW_ALL, None, &[Some(ALLOW_ALL), Some(ALLOW_ALL)]), Allowed);
    assert_eq!(case(ALLOW_ALL, None, &[Some(ALLOW_ALL), Some(ALLOW_IAM)]), ImplicitDeny);
    assert_eq!(case(ALLOW_ALL, None, &[None]), ImplicitDeny, "a level that allows nothing");
    assert_eq!(
        case(ALLOW_ALL, None, &[None, Some(&both)]),
        ExplicitDeny,
        "the explicit deny is told"
    );
    assert_eq!(case(ALLOW_IAM, Some(&both), &[]), ExplicitDeny);
}

#[test]
fn session_policies_limit_and_never_grant() {
    let run = ask("ec2:RunInstances", INSTANCE, &[]);
    let case = |identity: &str, session: &str| {
        let layers =
            Layers { identity: set(identity), session: Some(set(session)), ..Layers::default() };
        assert_eq!(trace(&layers, &run).decision, decide(&layers, &run));
        decide(&layers, &run)
    };
    assert_eq!(case(ALLOW_ALL, ALLOW_ALL), Allowed);
    assert_eq!(case(ALLOW_ALL, ALLOW_IAM), ImplicitDeny);
    assert_eq!(case(ALLOW_IAM, ALLOW_ALL), ImplicitDeny);
    assert_eq!(case(ALLOW_ALL, DENY_RUN), ExplicitDeny);
}

#[test]
fn a_deny_with_if_exists_denies_without_the_key() {
    let deny = |condition: &str| {
        let deny = format!(
            r#"{ALLOW_ALL}, {{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {{{condition}}}}}"#
        );
        decide(&identity(&[&deny]), &ask("ec2:RunInstances", INSTANCE, &[]))
    };
    assert_eq!(deny(r#""StringNotEqualsIfExists": {"k": "a"}"#), ExplicitDeny);
    assert_eq!(deny(r#""StringEqualsIfExists": {"k": "a"}"#), ExplicitDeny);
    assert_eq!(deny(r#""StringNotEquals": {"k": "a"}"#), ExplicitDeny);
    assert_eq!(deny(r#""StringEquals": {"k": "a"}"#), Allowed);
}

#[test]
fn instance_type_exists_for_the_instance_only() {
    let allow = |operator: &str| {
        identity(&[&format!(
            r#"{{"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*",
                "Condition": {{"{operator}": {{"ec2:InstanceType": "m5.*"}}}}}}"#
        )])
    };
    let instance = ask("ec2:RunInstances", INSTANCE, &[("ec2:InstanceType", one("m5.large"))]);
    let subnet = ask("ec2:RunInstances", "arn:aws:ec2:us-west-2:1:subnet/subnet-1", &[]);
    assert_eq!(decide(&allow("StringLike"), &instance), Allowed);
    assert_eq!(decide(&allow("StringLike"), &subnet), ImplicitDeny);
    assert_eq!(decide(&allow("StringLikeIfExists"), &subnet), Allowed);
}

#[test]
fn create_tags_is_asked_with_its_create_action() {
    let layers = identity(&[
        r#"{"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {"StringEquals": {"ec2:CreateAction": ["RunInstances", "CreateFleet"]}}}"#,
    ]);
    let created = ask("ec2:CreateTags", INSTANCE, &[("ec2:CreateAction", one("CreateFleet"))]);
    assert_eq!(decide(&layers, &created), Allowed);
    assert_eq!(decide(&layers, &ask("ec2:CreateTags", INSTANCE, &[])), ImplicitDeny);
}

#[test]
fn documents_of_2008_and_without_a_version_know_no_variables() {
    for version in [r#""Version": "2008-10-17", "#, ""] {
        let policy = policy(&format!(
            r#"{{{version}"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${{aws:username}}"}}}}"#
        ));
        let layers = Layers { identity: vec![compiled(&policy)], ..Layers::default() };
        let entries = [("aws:username", one("me"))];
        assert_eq!(
            decide(&layers, &ask("s3:GetObject", "arn:aws:s3:::b/me", &entries)),
            ImplicitDeny
        );
        let literal = ask("s3:GetObject", "arn:aws:s3:::b/${aws:username}", &entries);
        assert_eq!(decide(&layers, &literal), Allowed);
    }
}

#[test]
fn numbers_and_booleans_of_json_are_their_text() {
    let layers = identity(&[r#"{"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"Bool": {"b": true}, "NumericLessThan": {"n": 10}, "StringEquals": {"s": 10}}}"#]);
    let entries = [("b", one("true")), ("n", one("9")), ("s", one("10"))];
    assert_eq!(decide(&layers, &ask("a:B", "*", &entries)), Allowed);
}

#[test]
fn an_unsettled_answer_names_what_left_it_open() {
    let layers = identity(&[
        ALLOW_IAM,
        r#"{"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:<<account>>:instance/*",
            "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1", "aws:PrincipalTag/x": "<<cluster>>"},
                          "StringLike": {"aws:RequestTag/pool": "prod-*"}}}"#,
    ]);
    let request = ask(
        "ec2:RunInstances",
        INSTANCE,
        &[
            ("aws:SourceVpc", Status::Unknown),
            ("aws:PrincipalTag/x", one("demo")),
            ("aws:RequestTag/pool", one("<<pool>>")),
        ],
    );
    let trace = trace(&layers, &request);
    assert_eq!(trace.decision, Unsettled);
    let symbol = |name| Open::Symbol(super::testing::symbol(name));
    let mut expected = vec![
        Open::Key(text("aws:sourcevpc")),
        symbol("account"),
        symbol("cluster"),
        symbol("pool"),
    ];
    expected.sort();
    assert_eq!(trace.open, expected);
    assert_eq!(decide(&layers, &request), Unsettled);
}

#[test]
fn an_unknown_deny_leaves_open_what_is_allowed() {
    let deny = r#"{"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}"#;
    let unknown = [("aws:MultiFactorAuthPresent", Status::Unknown)];
    let request = ask("ec2:RunInstances", INSTANCE, &unknown);
    let both = trace(&identity(&[ALLOW_ALL, deny]), &request);
    assert_eq!(both.decision, Unsettled);
    assert_eq!(both.open, [Open::Key(text("aws:multifactorauthpresent"))]);
    let only = trace(&identity(&[deny]), &request);
    assert_eq!(only.decision, Denied);
    assert_eq!(only.open, [], "nothing would change the denial");
}

#[test]
fn a_trace_looks_at_every_element_of_every_statement() {
    let layers = Layers {
        identity: [
            compiled(&statements(ALLOW_IAM)),
            compiled(&statements(
                r#"{"Effect": "Allow", "Action": ["ec2:RunInstance", "ec2:Create*"], "Resource": ["arn:aws:ec2:*:*:volume/*", "*"],
                    "Condition": {"StringEquals": {"a": ["1", "2"], "b": "1"}, "Nul": {"c": "true"},
                                  "ForAllValues:StringEquals": {"d": ["x"]}, "StringLike": {"d": "*", "e": "x"}}}"#,
            )),
        ]
        .to_vec(),
        boundary: Some(set(ALLOW_ALL)),
        service_control: vec![Vec::new()],
        ..Layers::default()
    };
    let request = ask(
        "ec2:RunInstances",
        INSTANCE,
        &[("a", one("2")), ("d", many(&["x", "y"])), ("e", Status::Present)],
    );
    let trace = trace(&layers, &request);
    assert_eq!(trace.decision, ImplicitDeny);
    let kinds: Vec<_> =
        trace.layers.iter().map(|layer| (layer.layer, layer.allow, layer.deny)).collect();
    assert_eq!(
        kinds,
        [
            (Layer::Identity, False, False),
            (Layer::Boundary, True, False),
            (Layer::ServiceControl(0), False, False)
        ]
    );
    let found = &trace.layers[0].statements[1];
    assert_eq!((found.document, found.statement, found.effect), (1, 0, Effect::Allow));
    assert_eq!((found.action, found.resource, found.matches), (False, True, False));
    assert_eq!((&*found.actions, &*found.resources), (&[False, False][..], &[False, True][..]));
    let lines: Vec<_> =
        found.conditions.iter().map(|line| (line.holds, line.why, line.values.clone())).collect();
    assert_eq!(
        lines,
        [
            (True, Why::Compared, vec![False, True]),
            (False, Why::Absent, vec![]),
            (False, Why::NoOperator, vec![]),
            (False, Why::Compared, vec![True]),
            (False, Why::Multivalued, vec![True]),
            (Unknown, Why::Present, vec![Unknown]),
        ]
    );
    assert_eq!(found.conditions[0].status, one("2"));
}

#[test]
fn no_policies_deny_and_no_levels_limit_nothing() {
    assert_eq!(decide(&Layers::default(), &ask("a:B", "*", &[])), ImplicitDeny);
    assert!(Target::Any != Target::Arn(text("*")));
}
