//! The same policy in every form gives the same findings, once each, and every span slices to the
//! text it speaks of.

use std::fs;

use crate::common::{check, fixture, rules};
use serde_json::Value;

const FORMS: &[&str] = &[
    "policy.json",
    "karpenter.kube-system.policy",
    "sub.yaml",
    "map.yaml",
    "conditions.yaml",
    "map.template.json",
    "sub.template.json",
    "join.template.json",
    "cdk.template.json",
    "plan.json",
    "changes.json",
    "outputs.json",
    "state.json",
    "terraform.tfstate",
    "old.tfstate",
    "get-policy-version.json",
    "get-policy-version-encoded.json",
    "get-role-policy.json",
    "account.json",
    "crossplane.yaml",
    "ack.yaml",
    "eksctl.yaml",
    "configmap.yaml",
    "policy.json.tpl",
    "envsubst.json",
    // A module is a folder, so each of these has one of its own.
    "jsonencode/main.tf",
    "heredoc/main.tf",
    "document/main.tf",
    "json/main.tf.json",
    "template/main.tf",
];

#[test]
fn no_form_is_forgotten() {
    for kind in ["same/good", "same/broken"] {
        for entry in fs::read_dir(fixture(kind)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let known = FORMS.iter().any(|form| form.split('/').next() == Some(&*name));
            assert!(known, "{kind}/{name}");
        }
    }
}

/// What a finding says, without where it stands.
fn said(report: &Value) -> Vec<Value> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|f| {
            let related: Vec<&Value> =
                f["related"].as_array().unwrap().iter().map(|r| &r["message"]).collect();
            serde_json::json!([
                f["rule"],
                f["severity"],
                f["message"],
                f["help"],
                f["data"],
                related
            ])
        })
        .collect()
}

/// The text under a span of the file on disk.
fn slice(place: &Value) -> String {
    let text = fs::read_to_string(place["file"].as_str().unwrap()).unwrap();
    let at = |end: &str| place["span"][end]["offset"].as_u64().unwrap() as usize;
    text[at("start")..at("end")].to_owned()
}

#[test]
fn a_good_policy_is_good_in_every_form() {
    for form in FORMS {
        let report = check(&["--karpenter=1.4"], &[fixture("same/good").join(form)]);
        assert_eq!(rules(&report), Vec::<String>::new(), "{form}");
        assert_eq!(report["controllers"].as_array().unwrap().len(), 1, "{form}");
    }
}

#[test]
fn a_broken_policy_is_broken_the_same_way_in_every_form() {
    let first = check(&["--karpenter=1.4"], &[fixture("same/broken/policy.json")]);
    assert_eq!(rules(&first), ["error missing-permission"]);
    for form in FORMS {
        let report = check(&["--karpenter=1.4"], &[fixture("same/broken").join(form)]);
        assert_eq!(said(&report), said(&first), "{form}");
        let requests = |report: &Value| report["controllers"][0]["requests"].clone();
        assert_eq!(requests(&report), requests(&first), "{form}");
        for finding in report["findings"].as_array().unwrap() {
            assert_eq!(slice(finding), "ec2:RunInstances", "{form}");
            for related in finding["related"].as_array().unwrap() {
                assert_eq!(slice(related), "ec2:RunInstances", "{form}");
            }
        }
    }
}

#[test]
fn lines_and_columns_are_those_of_the_file_on_disk() {
    for form in FORMS {
        let report = check(&["--karpenter=1.4"], &[fixture("same/broken").join(form)]);
        let text = fs::read_to_string(report["findings"][0]["file"].as_str().unwrap()).unwrap();
        let start = &report["findings"][0]["span"]["start"];
        let (line, column) =
            (start["line"].as_u64().unwrap() as usize, start["column"].as_u64().unwrap() as usize);
        let before = &text[..start["offset"].as_u64().unwrap() as usize];
        assert_eq!(line, before.matches('\n').count() + 1, "{form}");
        assert_eq!(column, before.rsplit('\n').next().unwrap().chars().count() + 1, "{form}");
    }
}

#[test]
fn a_plan_names_the_address_and_never_prints_its_long_line() {
    let report = check(&["--karpenter=1.4"], &[fixture("same/broken/plan.json")]);
    assert_eq!(report["findings"][0]["address"], "aws_iam_policy.karpenter");
}
