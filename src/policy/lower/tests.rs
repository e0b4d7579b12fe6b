//! Section 1: document grammar.

use super::{Place, lower, lower_in};
use crate::policy::testing::{node, policy};
use crate::policy::{Effect, Version};

/// The problems of a document as `rule@token`.
fn problems(text: &str) -> Vec<String> {
    let lowered = lower(&node(text));
    #[expect(clippy::string_slice, reason = "spans of this text")]
    let token = |start: u32, end: u32| &text[start as usize..end as usize];
    let problems = lowered.problems.iter();
    problems.map(|p| format!("{}@{}", p.rule, token(p.span.start, p.span.end))).collect()
}

fn with_statement(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn in_statement(statement: &str) -> Vec<String> {
    problems(&with_statement(statement))
}

const OK: &str = r#""Effect":"Allow","Action":"a:B","Resource":"*""#;

#[test]
fn blocks_stand_in_any_order_and_version_and_id_are_optional() {
    let found = policy(
        r#"{"Statement":{"Resource":"*","Action":["a:B","a:C"],"Effect":"Deny","Principal":"*"},"Id":"x"}"#,
    );
    assert_eq!(found.version, Version::V2008);
    assert_eq!(found.statements.len(), 1);
    assert_eq!(found.statements[0].effect, Effect::Deny);
    assert_eq!(found.statements[0].action.values.len(), 2);
    assert!(found.statements[0].action.is_list);
}

#[test]
fn an_id_is_for_policies_that_name_principals() {
    let text = format!(r#"{{"Id":"x","Statement":{{{OK}}}}}"#);
    let found = |place| {
        let problems = lower_in(&node(&text), place, &[]).problems.into_iter();
        problems.filter(|problem| problem.message.contains("`Id`")).collect::<Vec<_>>()
    };
    for place in [Place::Unknown, Place::Identity] {
        let [told] = &found(place)[..] else { panic!("{place:?}") };
        assert!(told.harmless && !told.refused, "no page says that AWS refuses it");
    }
    assert_eq!(found(Place::Resource), []);
    assert_eq!(found(Place::Trust), []);
}

#[test]
fn version_is_one_of_two() {
    for (version, expected) in [
        (r#""2012-10-17""#, vec![]),
        (r#""2008-10-17""#, vec![]),
        (r#""<<Version>>""#, vec![]),
        (r#""2012-10-18""#, vec![r#"invalid-version@"2012-10-18""#]),
        ("2012", vec!["invalid-version@2012"]),
        ("null", vec!["invalid-version@null"]),
    ] {
        let text = format!(r#"{{"Version":{version},"Statement":{{{OK}}}}}"#);
        assert_eq!(problems(&text), expected, "{version}");
    }
}

#[test]
fn statement_is_an_object_or_a_list_of_them() {
    assert_eq!(problems(&format!(r#"{{"Statement":[{{{OK}}},{{{OK}}}]}}"#)), Vec::<String>::new());
    assert_eq!(problems(r#"{"Statement":[]}"#), ["empty-element@[]"]);
    assert_eq!(problems(r#"{"Statement":["x"]}"#), [r#"syntax@"x""#]);
    assert_eq!(problems(r#"{"Statement":null}"#), ["syntax@null"]);
    assert_eq!(problems(r#"{"Statement":["<<If>>"]}"#), [r#"unsettled@"<<If>>""#]);
    // It says nothing of who the policy is attached to.
    let attached = format!(r#"{{"Statement":["<<If>>",{{"Principal":"*",{OK}}}]}}"#);
    assert_eq!(problems(&attached), [r#"unsettled@"<<If>>""#]);
    assert_eq!(problems("{}"), ["syntax@{}"]);
    assert_eq!(problems("[]"), ["syntax@[]"]);
}

#[test]
fn sid_is_letters_and_digits_and_unique() {
    assert_eq!(
        in_statement(&format!(r#"{{"Sid":"",{OK}}},{{"Sid":"",{OK}}}"#)),
        Vec::<String>::new()
    );
    assert_eq!(in_statement(&format!(r#"{{"Sid":"a-b",{OK}}}"#)), ["syntax@a-b"]);
    assert_eq!(
        in_statement(&format!(r#"{{"Sid":"A",{OK}}},{{"Sid":"A",{OK}}}"#)),
        ["duplicate-sid@A"]
    );
    assert_eq!(in_statement(&format!(r#"{{"Sid":3,{OK}}}"#)), ["syntax@3"]);
    // Services that keep policies of their own allow more.
    let attached = format!(r#"{{"Sid":"a b","Principal":"*",{OK}}}"#);
    assert_eq!(in_statement(&attached), Vec::<String>::new());
}

#[test]
fn effect_is_required_and_exact() {
    let rest = r#""Action":"a:B","Resource":"*""#;
    assert_eq!(in_statement(&format!(r#"{{{rest}}}"#)), [format!("syntax@{{{rest}}}")]);
    assert_eq!(in_statement(&format!(r#"{{"Effect":"allow",{rest}}}"#)), ["syntax@allow"]);
    assert_eq!(in_statement(&format!(r#"{{"Effect":"Never",{rest}}}"#)), ["syntax@Never"]);
    assert_eq!(in_statement(&format!(r#"{{"Effect":["Allow"],{rest}}}"#)), [r#"syntax@["Allow"]"#]);
    assert_eq!(in_statement(&format!(r#"{{"Effect":"<<E>>",{rest}}}"#)), ["unsettled@<<E>>"]);
    let lowered = lower(&node(&with_statement(&format!(r#"{{"Effect":"deny",{rest}}}"#))));
    assert_eq!(lowered.policy.statements[0].effect, Effect::Deny, "what was meant is kept");
    assert_eq!(lowered.problems[0].help.as_deref(), Some("write `Deny`"));
}

#[test]
fn exactly_one_of_action_and_not_action_resource_and_not_resource() {
    let both = r#"{"Effect":"Allow","Action":"a:B","NotAction":"a:C","Resource":"*"}"#;
    assert_eq!(in_statement(both), ["syntax@NotAction"]);
    let both = r#"{"Effect":"Allow","Action":"a:B","NotResource":"x","Resource":"*"}"#;
    assert_eq!(in_statement(both), ["syntax@NotResource"]);
    let none = r#"{"Effect":"Allow","Resource":"*"}"#;
    assert_eq!(in_statement(none), [format!("syntax@{none}")]);
    let none = r#"{"Effect":"Allow","Action":"a:B"}"#;
    assert_eq!(in_statement(none), [format!("syntax@{none}")]);
    let trust = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"1"}}"#;
    assert_eq!(in_statement(trust), Vec::<String>::new(), "attached to what it covers");
}

#[test]
fn a_principal_has_no_place_in_an_identity_policy() {
    let mixed = format!(r#"{{"Principal":"*",{OK}}},{{{OK}}}"#);
    assert_eq!(in_statement(&mixed), ["invalid-principal@Principal"]);
}

#[test]
fn principals_are_a_star_or_lists_by_type() {
    for (principal, expected) in [
        (r#""*""#, vec![]),
        (r#"{"AWS":["123456789012","*"],"Service":"ec2.amazonaws.com"}"#, vec![]),
        (r#""me""#, vec![r#"invalid-principal@"me""#]),
        (r#"{"Aws":"1"}"#, vec!["invalid-principal@Aws"]),
        (
            r#"{"AWS":"arn:aws:iam::1:role/a*"}"#,
            vec![r#"invalid-principal@"arn:aws:iam::1:role/a*""#],
        ),
        (r#"{"AWS":[]}"#, vec!["empty-element@[]"]),
        (r#"{"AWS":1}"#, vec!["invalid-principal@1"]),
        ("{}", vec!["empty-element@{}"]),
        ("7", vec!["invalid-principal@7"]),
    ] {
        let statement = format!(r#"{{"Principal":{principal},{OK}}}"#);
        assert_eq!(in_statement(&statement), expected, "{principal}");
    }
    let both = format!(r#"{{"Principal":"*","NotPrincipal":"*",{OK}}}"#);
    assert_eq!(in_statement(&both), ["invalid-principal@NotPrincipal"]);
}

#[test]
fn lists_may_be_empty_without_effect() {
    for element in ["Action", "Resource"] {
        let other = if element == "Action" { "Resource" } else { "Action" };
        let text = format!(r#"{{"Effect":"Allow","{element}":[],"{other}":"*"}}"#);
        assert_eq!(in_statement(&text), ["empty-element@[]"]);
    }
    let text = format!(r#"{{{OK},"Condition":{{"StringEquals":{{"k":[]}}}}}}"#);
    assert_eq!(in_statement(&text), ["empty-element@[]"]);
}

#[test]
fn condition_values_are_strings_numbers_and_booleans() {
    let text = format!(
        r#"{{{OK},"Condition":{{"Bool":{{"k":true}},"NumericEquals":{{"n":[1.50,"2"]}}}}}}"#
    );
    let found = policy(&with_statement(&text));
    let lines = &found.statements[0].conditions;
    assert_eq!(lines[0].values[0].as_literal(), Some("true"));
    assert_eq!(lines[1].values[0].as_literal(), Some("1.50"));
    assert!(lines[1].is_list && !lines[0].is_list);
    for (value, expected) in [
        ("null", "syntax@null"),
        (r#"["a",null]"#, "syntax@null"),
        (r#"["a",["b"]]"#, r#"syntax@["b"]"#),
        (r#"{"a":"b"}"#, r#"syntax@{"a":"b"}"#),
    ] {
        let text = format!(r#"{{{OK},"Condition":{{"StringEquals":{{"k":{value}}}}}}}"#);
        assert_eq!(in_statement(&text), [expected]);
    }
}

#[test]
fn nulls_and_nested_lists_are_invalid() {
    for value in ["null", "[null]", r#"[["a:B"]]"#, "3", "{}"] {
        let text = format!(r#"{{"Effect":"Allow","Action":{value},"Resource":"*"}}"#);
        assert_eq!(in_statement(&text).len(), 1, "{value}");
    }
    assert_eq!(in_statement(&format!(r#"{{{OK},"Condition":null}}"#)), ["syntax@null"]);
    assert_eq!(in_statement(&format!(r#"{{{OK},"Condition":{{"Bool":"x"}}}}"#)), [r#"syntax@"x""#]);
    assert_eq!(in_statement(&format!(r#"{{{OK},"Condition":{{}}}}"#)), Vec::<String>::new());
}

#[test]
fn no_key_twice() {
    let text = r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}"#;
    assert!(problems(text).contains(&"duplicate-key@Version".to_owned()));
    assert_eq!(in_statement(&format!(r#"{{{OK},"Effect":"Deny"}}"#)), ["duplicate-key@Effect"]);
    let text = format!(
        r#"{{{OK},"Condition":{{"Bool":{{"a:K":"true","a:k":"true"}},"Bool":{{"b":"true"}}}}}}"#
    );
    assert_eq!(in_statement(&text), ["duplicate-key@a:k", "duplicate-key@Bool"]);
}

#[test]
fn element_names_are_exact_and_unknown_ones_invalid() {
    let lowered = lower(&node(r#"{"Version":"2012-10-17","statement":[]}"#));
    assert_eq!(
        lowered.problems[0].help.as_deref(),
        Some("element names are case-sensitive: write `Statement`")
    );
    assert_eq!(
        in_statement(r#"{"Effect":"Allow","Acton":"a:B","Resource":"*"}"#),
        ["syntax@Acton"]
    );
    assert_eq!(in_statement(&format!(r#"{{{OK},"Comment":"x"}}"#)), ["syntax@Comment"]);
    let lowered =
        lower(&node(&with_statement(r#"{"Effect":"Allow","Acton":"a:B","Resource":"*"}"#)));
    assert_eq!(lowered.problems[0].help.as_deref(), Some("did you mean `Action`?"));
    assert_eq!(lowered.policy.statements.len(), 1, "one mistake is told once");
}

#[test]
fn characters_beyond_latin_1_are_refused() {
    assert_eq!(in_statement(&format!(r#"{{"Sid":"é",{OK}}}"#)), ["syntax@é"], "not for a Sid");
    let text =
        r#"{"Effect":"Allow","Action":"a:B","Resource":["arn:aws:s3:::é","arn:aws:s3:::→"]}"#;
    assert_eq!(in_statement(text), ["syntax@arn:aws:s3:::→"]);
}

#[test]
fn problems_come_in_the_order_of_the_text() {
    let text = with_statement(r#"{"Effect":"allow","Action":[],"Resourc":"*"}"#);
    assert_eq!(problems(&text), ["syntax@allow", "empty-element@[]", "syntax@Resourc"]);
}
