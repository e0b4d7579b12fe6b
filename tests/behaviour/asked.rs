//! What is said of what was never judged, of events, and of words: nothing that the files do not say.

use std::fs;

use crate::common::{fixture, folder, program};

/// What `explain --event` says of a line, beside a policy.
fn told(event: &str, policy: &str) -> (i32, String) {
    let text = fs::read_to_string(fixture(&format!("json/{policy}"))).unwrap();
    let files = folder(&[("event.txt", event), ("p.json", &text)]);
    let args = ["explain", "--karpenter=1.14", "--event", "event.txt", "p.json"];
    let (code, out, err) = program(files.path(), &args);
    (code, format!("{}{err}", out.split_whitespace().collect::<Vec<_>>().join(" ")))
}

const GOOD: &str = "ok/karpenter-1.14.json";
const BAD: &str = "err/create-fleet-missing.json";

fn denied(action: &str, resource: &str) -> String {
    format!(
        "User: arn:aws:sts::111122223333:assumed-role/ctl/x is not authorized to perform: {action} on \
         resource: {resource} because no identity-based policy allows the {action} action"
    )
}

#[test]
fn upgrade_says_nothing_of_policies_that_were_not_read() {
    let files = folder(&[("e/a.json", "{\"a\":1}"), ("b/b.json", "{\"Statement\": [")]);
    let upgrade = ["upgrade", "--from=1.6", "--to=1.12"];
    for rest in [&["e"][..], &["gone"], &["b"], &["--role=nobody", "e"]] {
        let (code, out, err) = program(files.path(), &[&upgrade, rest].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{rest:?}: {err}");
        assert!(!err.is_empty());
    }
    let (code, out, err) = program(files.path(), &[&upgrade[..], &["--hook", "e"]].concat());
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let json = [&upgrade[..], &["--format=json", "--hook", "e"]].concat();
    let (_, out, _) = program(files.path(), &json);
    assert!(out.contains("\"controllers\": []"), "{out}");
}

#[test]
fn upgrade_says_that_not_all_could_be_checked() {
    let good = fs::read_to_string(fixture("json/ok/karpenter-1.14.json")).unwrap();
    let files = folder(&[("p.json", &good), ("b.json", "{\"Statement\": [")]);
    let (code, out, _) = program(files.path(), &["upgrade", "--from=1.6", "--to=1.12", "."]);
    assert!(code == 2 && out.trim_end().ends_with(", as far as could be checked"), "{out}");
}

#[test]
fn an_event_that_karpenter_never_causes_is_not_called_allowed() {
    for (action, resource) in [
        ("s3:GetObject", "arn:aws:s3:::x"),
        ("ec2:DeleteVolume", "arn:aws:ec2:us-west-2:111122223333:volume/vol-1"),
        ("eks:DescribeCluster", "arn:aws:eks:us-west-2:111122223333:cluster/other"),
        ("ec2:RunInstances", "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1"),
        ("ec2:RunInstances", "arn:aws:ec2:us-west-2:111122223333:key-pair/foo"),
    ] {
        let (code, out) = told(&denied(action, resource), GOOD);
        let said = format!("no statement grants `{action}` on `{resource}`");
        assert!(code == 0 && out.contains(&said), "{out}");
        assert!(!out.contains("policies allow"), "{out}");
    }
}

#[test]
fn an_event_that_the_policies_allow_is_told_with_the_statement() {
    let event = denied("eks:DescribeCluster", "arn:aws:eks:us-west-2:111122223333:cluster/demo");
    let (code, out) = told(&event, GOOD);
    assert!(code == 0 && out.contains("these policies allow `eks:DescribeCluster`"), "{out}");
    assert!(out.contains("cause p.json:"), "{out}");
}

#[test]
fn an_event_that_findings_explain_names_their_place() {
    let event = denied("ec2:CreateFleet", "arn:aws:ec2:us-west-2:111122223333:fleet/*");
    let (_, out) = told(&event, BAD);
    assert!(out.contains("error[missing-permission]"), "{out}");
}

#[test]
fn an_event_without_a_call_is_held_against_nothing() {
    let (code, out) = told("NodeClassNotReady: NodeClass is not ready", BAD);
    assert!(code == 0 && out.contains("the event names no call"), "{out}");
    assert!(!out.contains("policies allow"), "{out}");
}

#[test]
fn the_good_answer_to_a_dry_run_asks_nobody_to_look_on() {
    let event =
        "operation error EC2: CreateFleet, api error DryRunOperation: Request would have succeeded";
    let (code, out) = told(event, GOOD);
    assert!(code == 0 && out.contains("this is the good answer"), "{out}");
    assert!(!out.contains("not here"), "{out}");
}

#[test]
fn denials_of_sts_and_sqs_and_every_record_are_told() {
    let (code, out) =
        told("AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity", GOOD);
    assert!(code == 0 && out.contains("the trust policy of the role decides this"), "{out}");
    let event =
        "AccessDenied: Access to the resource https://sqs.us-west-2.amazonaws.com/ is denied.";
    let (code, out) = told(event, GOOD);
    assert!(code == 0 && out.contains("a call of sqs was denied"), "{out}");
    let record = |name: &str| {
        format!(
            "{{\"eventSource\": \"ec2.amazonaws.com\", \"eventName\": \"{name}\", \
             \"errorCode\": \"Client.UnauthorizedOperation\"}}"
        )
    };
    let records =
        format!("{{\"Records\": [{}, {}]}}", record("CreateFleet"), record("DeleteVolume"));
    let (_, out) = told(&records, GOOD);
    assert!(out.contains("ec2:CreateFleet was denied"), "{out}");
    assert!(out.contains("ec2:DeleteVolume was denied"), "{out}");
}

#[test]
fn conditions_keys_and_foreign_actions_are_explained() {
    let here = std::path::Path::new(".");
    for (word, said) in [
        ("InstanceProfileReady", "is a condition that Karpenter sets"),
        ("iam:PassedToService", "iam:PassedToService is a condition key"),
        ("s3:GetObject", "no version of Karpenter asks for"),
    ] {
        let (code, out, err) = program(here, &["explain", word]);
        assert!(code == 0 && out.contains(said), "{word}: {out}{err}");
    }
}

#[test]
fn flags_that_mean_nothing_say_so() {
    let path = fixture("json/err/create-fleet-missing.json").display().to_string();
    let here = std::path::Path::new(".");
    let upgrade = |rest: &[&str]| {
        program(here, &[&["upgrade", "--from=1.6", "--to=1.14", path.as_str()][..], rest].concat())
    };
    let (code, _, err) = upgrade(&["--select=unsettled"]);
    assert!(code == 2 && err.contains("--select is about findings"), "{err}");
    assert_eq!(upgrade(&[]).0, 1);
    let (code, out, err) = upgrade(&["--fail-on=never", "--color=never", "--verbose"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("1 file, 1 document"), "{err}");
    let (code, _, err) = program(here, &["preflight", "--ignore=unsettled", &path]);
    assert!(code == 2 && err.contains("--ignore is about findings"), "{err}");
    let (code, _, err) = program(here, &["preflight", "--no-karpenter", &path]);
    assert!(code == 2 && err.contains("--no-karpenter leaves none"), "{err}");
}

#[test]
fn upgrade_writes_what_its_patch_shows() {
    let text = fs::read_to_string(fixture("json/err/create-fleet-missing.json")).unwrap();
    let files = folder(&[("p.json", &text)]);
    let args = ["upgrade", "--from=1.6", "--to=1.14", "--fix", "--unsafe-fixes", "p.json"];
    let (code, out, err) = program(files.path(), &args);
    assert!(code == 0 && out.contains("in 1 file"), "{out}{err}");
    let after = fs::read_to_string(files.path().join("p.json")).unwrap();
    assert!(after.contains("ec2:CreateFleet"), "{after}");
    let table = ["upgrade", "--from=1.6", "--to=1.14", "--output=json=out.json", "p.json"];
    assert_eq!(program(files.path(), &table).0, 0);
    assert!(fs::read_to_string(files.path().join("out.json")).unwrap().contains("\"missing\": []"));
}
