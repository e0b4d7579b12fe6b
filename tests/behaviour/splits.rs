//! Statements that mix what needs different conditions, and policies that are too long: what belongs apart
//! is written apart, in the form of the file.

use std::fs;

use serde_json::{Value, json};

use crate::common::{fixture, folder, program};

fn policy(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

/// The statement `first` with the actions and resources of `second`, which goes.
fn mixed(first: &str, second: &str) -> Value {
    let mut policy = policy("same/good/policy.json");
    let all = policy["Statement"].as_array_mut().unwrap();
    let place = |all: &[Value], sid: &str| all.iter().position(|one| one["Sid"] == sid).unwrap();
    let gone = all.remove(place(all, second));
    let own = place(all, first);
    for element in ["Action", "Resource"] {
        let list = |value: &Value| match value {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        let mut items = list(&all[own][element]);
        items.extend(list(&gone[element]));
        all[own][element] = Value::Array(items);
    }
    policy
}

/// A policy in the forms that programs can write: JSON, a map in a template, JSON in a heredoc.
fn forms(policy: &Value) -> [(&'static str, String); 3] {
    let text = serde_json::to_string_pretty(policy).unwrap();
    let template = json!({"Resources": {"KarpenterPolicy": {
        "Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}}});
    [
        ("policy.json", format!("{text}\n")),
        ("map.template.json", serde_json::to_string_pretty(&template).unwrap()),
        (
            "main.tf",
            format!(
                "resource \"aws_iam_policy\" \"karpenter\" {{\n  policy = <<EOT\n{text}\nEOT\n}}\n"
            ),
        ),
    ]
}

fn fixed(name: &str, text: &str, version: &str) -> (i32, String, String) {
    let files = folder(&[(name, text)]);
    let version = format!("--karpenter={version}");
    let path = if name.ends_with(".tf") { "." } else { name };
    let flags = ["check", &version, "--fail-on=warning", "--fix", "--unsafe-fixes", path];
    let (code, out, err) = program(files.path(), &flags);
    let after = fs::read_to_string(files.path().join(name)).unwrap();
    program(files.path(), &flags);
    assert_eq!(fs::read_to_string(files.path().join(name)).unwrap(), after, "fixed twice");
    (code, after, out + &err)
}

/// Whether one statement terminates instances, a new one, and under the tag of the cluster.
fn is_limited(text: &str) -> bool {
    let mut new = text.split("\"Sid\": \"Allow").skip(1);
    let own = new.find(|one| one.contains("ec2:TerminateInstances")).unwrap_or_default();
    text.matches("ec2:TerminateInstances").count() == 1
        && own.contains("aws:ResourceTag/kubernetes.io/cluster/demo")
}

#[test]
fn what_does_not_carry_the_tags_of_its_statement_gets_one_of_its_own() {
    // Instances are terminated without request tags: another key would take the launch away.
    let policy = mixed("LaunchTaggedResources", "RemoveOwnResources");
    for (name, text) in forms(&policy) {
        let (code, after, said) = fixed(name, &text, "1.4");
        assert_eq!(code, 0, "{name}: {said}");
        assert!(is_limited(&after), "{name}: {after}");
        assert_eq!(after.matches("ec2:CreateFleet").count(), 3, "{name}: {after}");
    }
}

#[test]
fn what_does_harm_for_want_of_tags_leaves_the_statement_that_cannot_ask_for_them() {
    // A condition on tags would deny what has none: images and subnets.
    let policy = mixed("LaunchWithSharedResources", "RemoveOwnResources");
    for (name, text) in forms(&policy) {
        let (code, after, said) = fixed(name, &text, "1.4");
        assert_eq!(code, 0, "{name}: {said}");
        assert!(is_limited(&after), "{name}: {after}");
    }
}

#[test]
fn a_managed_policy_that_is_too_long_gets_a_second_one_beside_it() {
    let long = policy("size/err/needs-a-split-1.14.json");
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"Service": "pods.eks.amazonaws.com"}}]});
    let template = json!({"Resources": {
        "KarpenterRole": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "KarpenterPolicy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
            "ManagedPolicyName": "Karpenter", "Roles": [{"Ref": "KarpenterRole"}], "PolicyDocument": long}}}});
    let text = serde_json::to_string_pretty(&template).unwrap();
    let (code, after, said) = fixed("map.template.json", &text, "1.14");
    assert_eq!(code, 0, "{said}");
    let after: Value = serde_json::from_str(&after).unwrap();
    let (first, second) =
        (&after["Resources"]["KarpenterPolicy"], &after["Resources"]["KarpenterPolicy2"]);
    assert_eq!(second["Properties"]["ManagedPolicyName"], "Karpenter-2");
    assert_eq!(second["Properties"]["Roles"], first["Properties"]["Roles"]);
    let statements =
        |of: &Value| of["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
    let all = [statements(first), statements(second)].concat();
    assert_eq!(Value::Array(all), long["Statement"]);
}

#[test]
fn the_role_that_names_the_first_policy_names_the_second() {
    let text = fs::read_to_string(fixture("size/split/named-by-the-role-1.14.yaml")).unwrap();
    for text in [text.clone(), text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
        let (code, after, said) = fixed("template.yaml", &text, "1.14");
        assert_eq!(code, 0, "{said}");
        let line = |text: &str| after.lines().any(|line| line.trim() == text);
        assert!(line("- !Ref KarpenterControllerPolicy # all of it"), "{after}");
        assert!(line("- !Ref KarpenterControllerPolicy2"), "{after}");
        assert!(line("ManagedPolicyName: KarpenterController-2 # short"), "{after}");
        // Every remark that stood over a statement stands over one still.
        for at in 0..18 {
            assert!(line(&format!("# remark {at}")), "remark {at}: {after}");
        }
        let ends = |text: &str| (text.matches('\n').count(), text.matches("\r\n").count());
        let (lines, windows) = ends(&after);
        assert!(windows == 0 || windows == lines, "{windows} of {lines}");
        assert_eq!(after.ends_with('\n'), text.ends_with('\n'));
    }
}

#[test]
fn a_policy_that_no_role_of_the_template_has_is_not_copied() {
    let text = fs::read_to_string(fixture("size/split/named-by-the-role-1.14.yaml")).unwrap();
    let at = text.find("  # Who runs the controller.").unwrap();
    let (_, after, said) = fixed("template.yaml", &text[..at], "1.14");
    assert_eq!(after, text[..at]);
    assert!(said.contains("split it into 2 policies: "), "{said}");
}

#[test]
fn nobody_attaches_a_second_file_by_itself() {
    let text = fs::read_to_string(fixture("size/err/needs-a-split-1.14.json")).unwrap();
    let (_, after, said) = fixed("policy.json", &text, "1.14");
    assert_eq!(after, text);
    assert!(said.contains("split it into 2 policies: "), "{said}");
}

#[test]
fn the_second_of_two_statements_of_one_name_gets_another() {
    let text = fs::read_to_string(fixture("same/good/policy.json")).unwrap();
    let twice = text.replacen("\"ReadPrices\"", "\"Discover\"", 1);
    let (code, after, said) = fixed("policy.json", &twice, "1.4");
    assert_eq!(code, 0, "{said}");
    assert_eq!(after, text.replacen("\"ReadPrices\"", "\"Discover2\"", 1));
}

#[test]
fn a_statement_of_an_empty_list_goes() {
    let text = fs::read_to_string(fixture("same/good/policy.json")).unwrap();
    let statement = "    {\n      \"Sid\": \"Nothing\",\n      \"Effect\": \"Allow\",\n      \"Action\": [],\n      \"Resource\": \"*\"\n    },\n";
    let empty = text.replacen("\"Statement\": [\n", &format!("\"Statement\": [\n{statement}"), 1);
    assert_ne!(empty, text);
    let (code, after, said) = fixed("policy.json", &empty, "1.4");
    assert_eq!(code, 0, "{said}");
    assert_eq!(after, text);
}
