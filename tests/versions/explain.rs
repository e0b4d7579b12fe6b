//! Every word that the data knows is explained, and events lead to the statement at fault.

use std::collections::BTreeSet;

use karplint::cli::Status;
use karplint::karpenter::Rules;
use karplint::lints;

use crate::run::{Ran, fixture, karplint};

fn explain(word: &str) -> Ran {
    karplint(&["explain", "--no-config", word])
}

#[test]
fn every_rule_action_call_request_and_reason_is_known() {
    let rules = Rules::builtin();
    let mut words: BTreeSet<String> = lints::ids().map(str::to_owned).collect();
    for rule in rules.requests() {
        words.insert(rule.id.to_string());
        words.insert(rule.call.to_string());
        words.extend(rule.entries.iter().map(|entry| entry.action.to_string()));
        words.extend(
            rule.failures.iter().filter_map(|f| f.reason.as_ref().map(ToString::to_string)),
        );
    }
    assert!(words.len() > 100, "{}", words.len());
    for word in words {
        let ran = explain(&word);
        assert_eq!((ran.status, ran.err.as_str()), (Status::Clean, ""), "{word}");
        assert!(ran.out.lines().count() > 2, "{word}: {}", ran.out);
        for line in ran.out.lines() {
            // A URL is not broken.
            let words = line.split_whitespace().count();
            assert!(line.chars().count() <= 100 || words < 3, "{line}");
        }
    }
}

#[test]
fn the_reasons_of_the_validation_are_known() {
    for reason in [
        "CreateFleetAuthCheckFailed",
        "CreateLaunchTemplateAuthCheckFailed",
        "RunInstancesAuthCheckFailed",
        "ClusterCIDRResolutionFailed",
        "TagValidationFailed",
        "DependenciesNotReady",
        "UserDataSizeLimitExceeded",
        "AwaitingReconciliation",
        "DryRunDisabled",
        "SpotSLRCreationFailed",
    ] {
        assert_eq!(explain(reason).status, Status::Clean, "{reason}");
    }
}

#[test]
fn _412_says_that_it_is_good_and_how_to_alert() {
    let out = explain("412").out;
    assert!(out.contains("is the good answer"));
    assert!(out.contains("aws_sdk_go_request_attempt_duration_seconds_count{code=\"403\"}"));
    assert!(out.contains("code!=\"412\""));
    assert!(out.contains("1.3.0-1.3.4, 1.4.0, 1.5.0-1.5.4") && out.contains("every 10 minutes"));
}

#[test]
fn a_word_that_nobody_knows_is_an_error_with_a_suggestion() {
    let ran = explain("CreateFleets");
    assert_eq!((ran.status, ran.out.as_str()), (Status::Failed, ""));
    assert!(ran.err.contains("did you mean `CreateFleet`?"), "{}", ran.err);
}

fn event(text: &str, more: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("event.txt");
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let mut args = vec!["explain", "--no-config", "--event", &path];
    args.extend(more);
    karplint(&args)
}

#[test]
fn a_condition_leads_to_the_statement_at_fault() {
    let policy = fixture("json/err/create-fleet-missing.json");
    for text in [
        "Controller isn't authorized to call ec2:CreateFleet",
        "reason: CreateFleetAuthCheckFailed",
        "operation error EC2: CreateFleet, https response error StatusCode: 403, api error UnauthorizedOperation",
        r#"{"eventSource":"ec2.amazonaws.com","eventName":"CreateFleet","errorCode":"Client.UnauthorizedOperation"}"#,
    ] {
        let ran = event(text, &["--karpenter=1.4", &policy]);
        assert_eq!(ran.status, Status::Clean, "{}", ran.err);
        assert!(ran.out.contains("error[missing-permission]"), "{text}: {}", ran.out);
        assert!(ran.out.contains("create-fleet-missing.json:8:9"), "{text}: {}", ran.out);
    }
    let good = fixture("json/ok/karpenter-1.4.json");
    let ran = event(
        "not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-west-2:111122223333:volume/*",
        &["--karpenter=1.4", &good],
    );
    assert!(ran.out.contains("these policies allow `ec2:RunInstances` on"), "{}", ran.out);
}

#[test]
fn an_encoded_message_comes_with_the_command_that_decodes_it() {
    let ran = event(
        "UnauthorizedOperation: not authorized to perform: ec2:RunInstances. Encoded authorization failure message: AbC_1-2 status code: 403",
        &[],
    );
    assert!(ran.out.contains("decode-authorization-message"), "{}", ran.out);
    assert!(ran.out.contains("--encoded-message AbC_1-2"), "{}", ran.out);
    // What is pasted into a shell has no other characters than such a message has.
    let ran = event(
        "not authorized to perform: ec2:RunInstances. Encoded authorization failure message: $(id)",
        &[],
    );
    assert!(!ran.out.contains("$(id)"), "{}", ran.out);
}

#[test]
fn an_event_without_a_denial_is_an_error() {
    let ran = event("all is well", &[]);
    assert_eq!(ran.status, Status::Failed);
    assert!(ran.err.contains("names no denial"), "{}", ran.err);
}
