//! Requests as people write them: the contested cases of the documents, positions, and what is refused.

mod unknown;

use serde_json::{Value, json};

use super::*;
use crate::eval::Decision;

const ALL: &str = "arn:aws:iam::123456789012:role/karpenter";

fn request(policy: &Value, entries: &Value, changes: &Value) -> Value {
    let mut request = json!({
        "PolicyInputList": [policy],
        "ActionNames": ["ec2:CreateTags"],
        "ResourceArns": ["arn:aws:ec2:us-west-2:123456789012:instance/i-1"],
        "CallerArn": ALL,
        "ContextEntries": entries,
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    request
}

fn answers(request: &Value) -> Answer {
    Simulator::new(&[])
        .answer(&request.to_string())
        .unwrap_or_else(|error| panic!("{error:?}: {request}"))
}

fn decision(request: &Value) -> Decision {
    answers(request).evaluations[0].decision
}

/// Whether the statement matches, by the decision of an Allow and of a Deny of the same shape.
fn holds(version: &str, elements: &Value, entries: &Value, changes: &Value) -> bool {
    let mut found = Vec::new();
    for effect in ["Allow", "Deny"] {
        let mut statement = json!({"Effect": effect, "Action": "*", "Resource": "*"});
        for (name, value) in elements.as_object().into_iter().flatten() {
            statement[name] = value.clone();
        }
        for negative in ["NotAction", "NotResource"] {
            if statement.get(negative).is_some() {
                statement.as_object_mut().unwrap().remove(negative.trim_start_matches("Not"));
            }
        }
        let mut statements = vec![statement];
        if effect == "Deny" {
            statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        }
        let policy = json!({"Version": version, "Statement": statements});
        found.push(decision(&request(&policy, entries, changes)));
    }
    match found.as_slice() {
        [Decision::Allowed, Decision::ExplicitDeny] => true,
        [Decision::ImplicitDeny, Decision::Allowed] => false,
        other => panic!("{other:?}"),
    }
}

fn entry(key: &str, kind: &str, values: &[&str]) -> Value {
    json!({"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": values})
}

/// Whether a condition line holds in 2012 with these entries.
fn line(operator: &str, key: &str, value: Value, entries: &[Value]) -> bool {
    let condition = json!({"Condition": {operator: {key: value}}});
    holds("2012-10-17", &condition, &json!(entries), &json!({}))
}

const TEAM: &str = "aws:PrincipalTag/team";

fn team(value: &str) -> Value {
    entry(TEAM, "string", &[value])
}

fn resource(pattern: &str) -> bool {
    holds("2012-10-17", &json!({"Resource": pattern}), &json!([]), &json!({}))
}

#[test]
fn contested_wildcards_in_resource_types_are_wildcards() {
    assert!(resource("arn:aws:ec2:us-west-2:123456789012:*/*"), "wildcard-resource-type");
    assert!(resource("arn:aws:ec2:us-west-2:123456789012:inst*/*"), "wildcard-in-resource-type");
}

#[test]
fn contested_variables_are_literal_in_2008() {
    let condition = json!({"Condition": {"StringEquals": {TEAM: "${aws:PrincipalTag/team}"}}});
    let with = |version, value: &str| holds(version, &condition, &json!([team(value)]), &json!({}));
    assert!(!with("2008-10-17", "blue"), "version-2008-variable");
    assert!(with("2008-10-17", "${aws:PrincipalTag/team}"), "version-2008-literal-dollar");
    assert!(with("2012-10-17", "blue"));
}

#[test]
fn contested_variables_without_a_value() {
    let nothing = json!("${aws:PrincipalTag/nothere}");
    assert!(line("StringNotEquals", TEAM, nothing, &[team("blue")]), "unresolved-variable-negated");
    for arn in ["arn:aws:ec2:us-west-2:123456789012:instance/i-1", "*"] {
        let elements = json!({"NotResource": "arn:aws:s3:::x/${aws:PrincipalTag/nothere}"});
        let changes = json!({"ResourceArns": [arn]});
        assert!(
            holds("2012-10-17", &elements, &json!([]), &changes),
            "unresolved-variable-in-notresource"
        );
    }
}

#[test]
fn contested_a_variable_is_none_in_bool() {
    let entries = [
        entry("aws:PrincipalTag/flag", "string", &["true"]),
        entry("aws:SecureTransport", "boolean", &["true"]),
    ];
    let value = json!("${aws:PrincipalTag/flag}");
    assert!(!line("Bool", "aws:SecureTransport", value, &entries), "variable-in-bool");
}

#[test]
fn contested_a_variable_may_hold_the_whole_arn() {
    let entries = [entry("aws:PrincipalArn", "string", &[ALL])];
    assert!(line("ArnEquals", "aws:PrincipalArn", json!("${aws:PrincipalArn}"), &entries));
}

#[test]
fn contested_addresses() {
    let ip = |value: &str| [entry("aws:SourceIp", "ip", &[value])];
    assert!(
        line("IpAddress", "aws:SourceIp", json!("0.0.0.0/0"), &ip("203.0.113.7")),
        "cidr-slash-zero"
    );
    assert!(
        line("IpAddress", "aws:SourceIp", json!("2001:DB8:0:0:0:0:0:1"), &ip("2001:db8::1")),
        "ipv6-spelling"
    );
    assert!(line("NotIpAddress", "aws:SourceIp", json!("203.0.113.7"), &ip("2001:db8::1")));
}

#[test]
fn contested_dates_are_instants() {
    let now = |value: &str| [entry("aws:CurrentTime", "date", &[value])];
    let after = json!("2024-01-01T00:00:00Z");
    assert!(line("DateGreaterThan", "aws:CurrentTime", after.clone(), &now("1740830400")));
    assert!(!line("DateGreaterThan", "aws:CurrentTime", after, &now("1600000000")));
}

#[test]
fn contested_numbers() {
    let ten = [entry("s3:max-keys", "numeric", &["10"])];
    assert!(!line("NumericEquals", "s3:max-keys", json!("10abc"), &ten), "numeric-junk");
    assert!(line("NumericNotEquals", "s3:max-keys", json!("abc"), &ten), "numeric-not-equals-junk");
    let thousand = [entry("s3:max-keys", "numeric", &["1000"])];
    assert!(!line("NumericEquals", "s3:max-keys", json!("1e3"), &thousand), "numeric-exponent");
}

#[test]
fn contested_empty_is_null() {
    let list = |values: &[&str]| [entry("aws:TagKeys", "stringList", values)];
    assert!(line("Null", "aws:TagKeys", json!("true"), &list(&[])), "empty-set-null-true");
    assert!(!line("Null", TEAM, json!("false"), &[team("")]), "empty-string-null-false");
    let all = "ForAllValues:StringEquals";
    assert!(line(all, "aws:TagKeys", json!(["a"]), &list(&[""])), "empty-string-forall");
    assert!(line(all, "aws:TagKeys", json!(["a"]), &list(&[])), "empty-set-forall");
    assert!(!line("ForAnyValue:StringNotEquals", "aws:TagKeys", json!(["a"]), &list(&[])));
}

#[test]
fn contested_an_empty_value_is_a_value() {
    assert!(
        line("StringEquals", TEAM, json!("${aws:PrincipalTag/team}"), &[team("")]),
        "empty-string-variable"
    );
    let default = json!("${aws:PrincipalTag/team, 'x'}");
    assert!(line("StringEquals", TEAM, default, &[team("")]), "default-with-empty-value");
}

#[test]
fn contested_for_any_value_if_exists_holds_without_the_key() {
    assert!(line("ForAnyValue:StringEqualsIfExists", "aws:TagKeys", json!(["a"]), &[]));
}

#[test]
fn contested_a_session_that_is_named_needs_no_session_policy() {
    let me = "arn:aws:sts::123456789012:assumed-role/karpenter/session1";
    let purge =
        json!({"Statement": {"Effect": "Allow", "Action": "sqs:PurgeQueue", "Resource": "*"}});
    let named = |principal: &str| {
        json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principal},
                             "Action": "sqs:ReceiveMessage", "Resource": "*"}})
    };
    let ask = |principal: &str| {
        let changes = json!({
            "CallerArn": me, "ActionNames": ["sqs:ReceiveMessage"], "SessionPolicies": [purge],
            "ResourceArns": ["arn:aws:sqs:us-west-2:123456789012:demo"], "ResourcePolicy": named(principal),
        });
        decision(&request(&purge, &json!([]), &changes))
    };
    assert_eq!(ask(me), Decision::Allowed, "effect-of-two-session-and-resource-policy");
    assert_eq!(ask(ALL), Decision::ImplicitDeny);
}

#[test]
fn contested_actions_are_one_pattern() {
    let action =
        |pattern: &str| holds("2012-10-17", &json!({"Action": pattern}), &json!([]), &json!({}));
    assert!(action("*:*"), "action-star-colon-star");
    assert!(action("*:CreateTags"), "wildcard-in-service-of-action");
}

#[test]
fn contested_arn_operators() {
    let role = "arn:aws:iam::123456789012:role/x";
    assert!(line("ArnLike", TEAM, json!("*"), &[team(role)]), "arn-equals-star");
    assert!(line("ArnNotEquals", TEAM, json!(role), &[team("blue")]), "arn-operator-on-non-arn");
}

#[test]
fn contested_case_of_arns_and_operators() {
    assert!(!resource("arn:AWS:EC2:us-west-2:123456789012:instance/*"), "arn-prefix-case");
    assert!(!resource("arn:aws:ec2:US-WEST-2:123456789012:instance/*"), "region-case");
    assert!(!line("stringequals", TEAM, json!("blue"), &[team("blue")]), "operator-name-case");
}

#[test]
fn contested_a_star_in_the_arn_of_a_request_is_a_character() {
    let asked =
        json!({"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::demo-bucket/a*b"]});
    let covers =
        |pattern: &str| holds("2012-10-17", &json!({"Resource": pattern}), &json!([]), &asked);
    assert!(covers("arn:aws:s3:::demo-bucket/a?b"));
    assert!(!covers("arn:aws:s3:::demo-bucket/axb"), "it is no pattern");
}

#[test]
fn contested_several_values_need_a_set_operator() {
    let keys = [entry("aws:TagKeys", "stringList", &["a", "b"])];
    assert!(!line("StringEquals", "aws:TagKeys", json!(["a", "b"]), &keys));
    assert!(!line("StringNotEquals", "aws:TagKeys", json!("z"), &keys));
}

#[test]
fn contested_the_rest_as_everyone_reads_it() {
    assert!(!resource("arn:aws:ec2:*:instance/i-1"), "wildcard-across-colons");
    assert!(resource("arn:aws:ec2:*"), "wildcard-trailing-segment");
    assert!(resource("arn:aws:ec2:us-*"), "of a short ARN the last one covers the rest");
    for short in ["arn:aws:ec2:*/*", "arn:aws:ec2:*i-1*", "arn:*instance*", "arn:aws:ec2?us*"] {
        assert!(!resource(short), "and no other reaches past a colon: {short}");
    }
    assert!(resource("arn:aws:*:us-west-2:123456789012:instance/*"), "wildcard-service-segment");
    let owner = [entry("aws:ResourceTag/Team", "string", &["blue"])];
    assert!(line("StringEquals", "aws:ResourceTag/tEAM", json!("blue"), &owner), "tag-key-case");
    assert!(
        !line("StringEquals", "aws:ResourceTag/team", json!("Blue"), &owner),
        "values keep their case"
    );
    let secure = [entry("aws:SecureTransport", "boolean", &["true"])];
    assert!(line("Bool", "aws:SecureTransport", json!("TRUE"), &secure), "bool-any-case");
    let glob = [team("blue"), entry("aws:PrincipalTag/glob", "string", &["*"])];
    assert!(
        !line("StringLike", TEAM, json!("${aws:PrincipalTag/glob}"), &glob),
        "star-in-variable-value"
    );
    assert!(!line("StringEquals", TEAM, json!([]), &[team("blue")]), "empty-value-list");
}

/// Item 11.6: a launch is allowed only if each resource is, and tags are asked for on their own.
#[test]
fn run_instances_is_allowed_only_on_all_its_resources() {
    let arn = |kind: &str| format!("arn:aws:ec2:us-west-2:123456789012:{kind}/x-1");
    let kinds = ["instance", "volume", "subnet"];
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": ["arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*"],
         "Condition": {"StringEquals": {"aws:RequestTag/team": "blue"}}},
        {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:*:subnet/*"},
        {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
         "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}}},
    ]});
    let decisions = |actions: &Value, entries: &Value| -> Vec<Decision> {
        let changes = json!({"ActionNames": actions, "ResourceArns": kinds.map(arn)});
        let found = answers(&request(&policy, entries, &changes)).evaluations;
        found.iter().map(|one| one.decision).collect()
    };
    use Decision::{Allowed, ImplicitDeny};
    let run = json!(["ec2:RunInstances"]);
    let tag = entry("aws:RequestTag/team", "string", &["blue"]);
    assert_eq!(decisions(&run, &json!([tag])), [Allowed, Allowed, Allowed]);
    assert_eq!(decisions(&run, &json!([])), [ImplicitDeny, ImplicitDeny, Allowed]);
    let both = json!(["ec2:RunInstances", "ec2:CreateTags"]);
    let found = decisions(&both, &json!([tag]));
    assert_eq!(found, [Allowed, Allowed, Allowed, ImplicitDeny, ImplicitDeny, ImplicitDeny]);
    let creating = entry("ec2:CreateAction", "string", &["RunInstances"]);
    assert_eq!(decisions(&json!(["ec2:CreateTags"]), &json!([creating])), [Allowed; 3]);
}

/// Item 11.7.
#[test]
fn an_action_without_resource_types_is_asked_on_a_star() {
    let changes = json!({"ActionNames": ["ec2:DescribeInstances"]});
    for (resource, expected) in
        [("arn:aws:ec2:*:*:*", Decision::ImplicitDeny), ("*", Decision::Allowed)]
    {
        let policy =
            json!({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": resource}});
        assert_eq!(decision(&request(&policy, &json!([]), &changes)), expected);
    }
}

/// Item 11.14, and that a service-linked role is not bound.
#[test]
fn levels_of_service_control_policies() {
    let all = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let ask = |levels: Value| {
        decision(&request(&all, &json!([]), &json!({"ServiceControlPolicies": levels})))
    };
    assert_eq!(ask(json!([])), Decision::Allowed);
    assert_eq!(ask(json!([[]])), Decision::ImplicitDeny);
    assert_eq!(ask(json!([[all], [all]])), Decision::Allowed);
    assert_eq!(ask(json!([[all], []])), Decision::ImplicitDeny);
    let linked = "arn:aws:iam::123456789012:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot";
    let changes = json!({"ServiceControlPolicies": [[]], "CallerArn": linked});
    assert_eq!(decision(&request(&all, &json!([]), &changes)), Decision::Allowed);
}

#[test]
fn keys_that_follow_from_the_caller_need_not_be_given() {
    let user = "arn:aws:iam::123456789012:user/team/alice";
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:username": "alice", "aws:PrincipalAccount": "123456789012"},
                      "ArnEquals": {"aws:PrincipalArn": user}}}});
    let asked = |changes: Value| answers(&request(&policy, &json!([]), &changes));
    let answer = asked(json!({"CallerArn": user}));
    assert_eq!(answer.evaluations[0].decision, Decision::Allowed);
    assert!(answer.missing.is_empty());
    let answer = asked(json!({}));
    assert_eq!(answer.evaluations[0].decision, Decision::ImplicitDeny);
    assert_eq!(&*answer.missing, [Box::from("aws:username")]);
}

#[test]
fn missing_keys_are_those_of_all_policies_sorted_and_once() {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "x:Y", "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/Team, 'none'}",
         "Condition": {"StringEquals": {"b:Z": "${a:Y}${*}", "aws:SourceVpc": "1"}, "Bool": {"b:z": "${c:X}"}}},
    ]});
    let boundary = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                                        "Condition": {"StringEquals": {"k": "${literal:In2008}"}}}});
    let changes = json!({"PermissionsBoundaryPolicyInputList": [boundary]});
    let entries = json!([entry("AWS:sourceVpc", "string", &["1"])]);
    let missing = answers(&request(&policy, &entries, &changes)).missing;
    assert_eq!(&*missing, ["a:Y", "aws:PrincipalTag/Team", "b:z", "k"].map(Box::from));
}

#[test]
fn a_missing_variable_keeps_its_name_in_every_script() {
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"x:x": "${aws:PrincipalTag/Équipe}-${aws:PrincipalTag/İ}"}}}});
    let missing = answers(&request(&policy, &json!([]), &json!({}))).missing;
    let expected = ["aws:PrincipalTag/Équipe", "aws:PrincipalTag/İ", "x:x"];
    assert_eq!(&*missing, expected.map(Box::from));
}

#[test]
fn however_many_wildcards_known_text_has_a_known_answer() {
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
        "Resource": format!("arn:aws:s3:::b/${{aws:username}}{}", "*a".repeat(2_060))}});
    for (count, expected) in [(1_020, Decision::ImplicitDeny), (2_060, Decision::Allowed)] {
        let changes = json!({
            "ActionNames": ["s3:GetObject"],
            "ResourceArns": [format!("arn:aws:s3:::b/q{}", "a".repeat(count))],
        });
        let entries = json!([entry("aws:username", "string", &["q"])]);
        assert_eq!(decision(&request(&policy, &entries, &changes)), expected, "{count}");
    }
}

#[test]
fn statements_are_placed_in_the_text_that_was_given() {
    let text = "{\n \"Statement\": [\n  {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"},\n  {\"Effect\": \"Deny\",\n   \"Action\": \"x:Y\", \"Resource\": \"*\"}\n ]\n}";
    let quoted = json!(text).to_string();
    for (given, policy) in [("object", text), ("text", &quoted)] {
        let line = format!(r#"{{"ActionNames": ["a:B", "x:Y"], "PolicyInputList": [{policy}]}}"#);
        let answer = Simulator::new(&[]).answer(&line).unwrap();
        let places: Vec<_> = answer.evaluations.iter().flat_map(|one| &one.statements).collect();
        let place = |line, column| Place { line, column };
        assert_eq!((places[0].start, places[0].end), (place(3, 3), place(3, 54)), "{given}");
        assert_eq!((places[1].start, places[1].end), (place(4, 3), place(5, 37)), "{given}");
        assert_eq!(places[1].policy, "PolicyInputList.1");
    }
}

fn refused(text: &str) -> (String, usize) {
    let error = Simulator::new(&[]).answer(text).unwrap_err();
    (error.message, error.offset)
}

#[test]
fn what_is_no_request_is_refused_with_its_place() {
    let all = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    for (text, message, at) in [
        ("", "the text is empty", ""),
        ("[]", "must be an object", "[]"),
        (r#"{"ActionNames": ["a:B"], }"#, "comma", ", }"),
        (r#"{"ActionNames": ["a:B"] "CallerArn": 1}"#, "", "\"CallerArn"),
        (r#"{}"#, "`ActionNames`", "{"),
        (r#"{"ActionNames": []}"#, "names no action", "[]"),
        (r#"{"ActionNames": ["ec2:*"]}"#, "in full", "\"ec2:*"),
        (r#"{"ActionNames": ["RunInstances"]}"#, "in full", "\"Run"),
        (r#"{"ActionNames": "a:B"}"#, "must be a list", "\"a:B"),
        (
            r#"{"ActionNames": ["a:B"], "ActionNames": ["a:B"]}"#,
            "twice",
            "\"ActionNames\": [\"a:B\"]}",
        ),
        (
            r#"{"ActionNames": ["a:B"], "ResourceArn": ["*"]}"#,
            "did you mean `ResourceArns`",
            "\"ResourceArn\"",
        ),
        (
            r#"{"ActionNames": ["a:B"], "ResourceArns": ["bucket"]}"#,
            "an ARN of six parts",
            "\"bucket",
        ),
        (r#"{"ActionNames": ["a:B"], "CallerArn": "alice"}"#, "`CallerArn`", "\"alice"),
        (
            r#"{"ActionNames": ["a:B"], "CallerArn": "arn:aws:iam::123456789012:group/x"}"#,
            "a user, role or session",
            "\"arn:aws:iam::123456789012:group",
        ),
        (
            r#"{"ActionNames": ["a:B"], "CallerArn": "arn:aws:iam::123456789012:user/"}"#,
            "a user, role or session",
            "\"arn:aws:iam::123456789012:user/",
        ),
        (r#"{"ActionNames": ["a:B"], "ResourceOwner": "1"}"#, "twelve digits", "\"1\""),
        (r#"{"ActionNames": ["a:B"], "PolicyInputList": [1]}"#, "PolicyInputList.1 must be", "1]"),
        (
            r#"{"ActionNames": ["a:B"], "PolicyInputList": [{"Statement": {}}]}"#,
            "PolicyInputList.1: ",
            "{}}",
        ),
        (r#"{"ActionNames": ["a:B"], "PolicyInputList": ["{\\"Statement\\": 1}"]}"#, "", "1}"),
        (r#"{"ActionNames": ["a:B"], "ContextEntries": [{}]}"#, "`ContextKeyName`", "{}]"),
        (
            r#"{"ActionNames": ["a:B"], "ContextEntries": [{"ContextKeyName": "k", "ContextKeyType": "text", "ContextKeyValues": []}]}"#,
            "not a type",
            "\"text",
        ),
        (r#"{"ActionNames": ["a:B"], "ContextEntries": [{"Key": "k"}]}"#, "`Key`", "Key"),
    ] {
        let text = text.replace("\\\\", "\\");
        let (found, offset) = refused(&text);
        assert!(found.contains(message), "{text}: {found}");
        let rest = text.get(offset..).unwrap();
        assert!(rest.starts_with(at), "{text}: {found} at {rest}");
    }
    let twice = format!(
        r#"{{"ActionNames": ["a:B"], "PolicyInputList": [{all}], "ContextEntries": [{0}, {1}]}}"#,
        entry("k", "string", &["a"]),
        entry("K", "string", &["b"])
    );
    assert!(refused(&twice).0.contains("stands twice"));
}

#[test]
fn principals_belong_to_policies_of_resources() {
    let with =
        r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}"#;
    let without = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let caller = format!(r#""CallerArn": "{ALL}", "ActionNames": ["a:B"]"#);
    let (message, _) = refused(&format!(r#"{{{caller}, "PolicyInputList": [{with}]}}"#));
    assert!(message.contains("must not name a principal"), "{message}");
    let (message, _) = refused(&format!(r#"{{{caller}, "ResourcePolicy": {without}}}"#));
    assert!(message.contains("must name a principal"), "{message}");
    let (message, _) = refused(&format!(r#"{{"ActionNames": ["a:B"], "ResourcePolicy": {with}}}"#));
    assert!(message.contains("needs a `CallerArn`"), "{message}");
    let mut simulator = Simulator::new(&[]);
    assert!(simulator.answer(&format!(r#"{{{caller}, "ResourcePolicy": {with}}}"#)).is_ok());
    let twice = with.replace(r#""*", "Act"#, r#"{"AWS": "123456789012", "AWS": "*"}, "Act"#);
    let (message, _) = refused(&format!(r#"{{{caller}, "ResourcePolicy": {twice}}}"#));
    assert!(message.contains("has the type `AWS` twice"), "{message}");
    let id = without.replace(r#"{"Statement"#, r#"{"Id": "x", "Statement"#);
    assert!(simulator.answer(&format!(r#"{{{caller}, "PolicyInputList": [{id}]}}"#)).is_ok());
}

#[test]
fn values_may_be_numbers_and_booleans() {
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"NumericEquals": {"n": 10}, "Bool": {"b": true}}}});
    let entries = json!([
        {"ContextKeyName": "n", "ContextKeyType": "numeric", "ContextKeyValues": [10]},
        {"ContextKeyName": "b", "ContextKeyValues": [true]},
    ]);
    assert_eq!(decision(&request(&policy, &entries, &json!({}))), Decision::Allowed);
}

#[test]
fn unknown_keys_leave_open_what_hangs_on_them() {
    let policy = json!({"Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}},
    ]});
    let asked = request(&policy, &json!([]), &json!({})).to_string();
    let mut simulator = Simulator::new(&["aws:SourceVpc".to_owned()]);
    let answer = simulator.answer(&asked).unwrap();
    assert_eq!(answer.evaluations[0].decision, Decision::Unsettled);
    let possible: Vec<_> = answer.evaluations[0].possible.iter().map(|(one, _)| *one).collect();
    assert_eq!(possible, [Decision::Allowed, Decision::ExplicitDeny]);
    let mut line = String::new();
    write_answer(&answer, &mut line);
    let written: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(written["EvaluationResults"][0]["EvalDecision"], "unsettled");
    assert_eq!(written["EvaluationResults"][0]["MissingContextValues"], json!(["aws:SourceVpc"]));
    let given =
        request(&policy, &json!([entry("aws:sourcevpc", "string", &["vpc-1"])]), &json!({}));
    let answer = simulator.answer(&given.to_string()).unwrap();
    assert_eq!(answer.evaluations[0].decision, Decision::Allowed, "what is given is known");
}

#[test]
fn nothing_reaches_a_terminal_alive() {
    let mut line = String::new();
    write_error("a\u{1b}[31m\u{9b}2J\u{202e}\"\\\n\u{1f600}", 1, 2, &mut line);
    assert!(line.chars().all(|c| !c.is_control() && !is_invisible(c)), "{line:?}");
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["error"]["message"], "a\u{1b}[31m\u{9b}2J\u{202e}\"\\\n\u{1f600}");
    assert_eq!((&read["error"]["line"], &read["error"]["column"]), (&json!(1), &json!(2)));
}

#[test]
fn a_document_that_comes_again_is_the_same() {
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "a:*", "Resource": "*"}});
    let asked = request(&policy, &json!([]), &json!({"ActionNames": ["a:B", "b:C"]})).to_string();
    let mut simulator = Simulator::new(&[]);
    let mut lines = (0..4).map(|_| {
        let mut line = String::new();
        write_answer(&simulator.answer(&asked).unwrap(), &mut line);
        line
    });
    let first = lines.next().unwrap();
    assert!(lines.all(|line| line == first));
}
