//! Sizes, counted as AWS counts, in every form.

use std::fs;

use crate::common::{check, fixture, folder, policy};
use serde_json::{Value, json};

fn sizes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|f| f["rule"] == "policy-size")
        .map(|f| format!("{} {}", f["severity"].as_str().unwrap(), f["message"].as_str().unwrap()))
        .collect()
}

fn one(name: &str, text: &str, flags: &[&str]) -> Vec<String> {
    let files = folder(&[(name, text)]);
    let mut flags = flags.to_vec();
    flags.push("--karpenter=1.14");
    sizes(&check(&flags, &[files.path().join(name)]))
}

/// A policy of so many characters without white space.
fn long(characters: usize) -> Value {
    let mut policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Karpenter", "Effect": "Deny", "Action": "s3:GetObject", "Resource": []}]});
    let start = policy.to_string().len();
    let mut rest = characters - start;
    let list = policy["Statement"][0]["Resource"].as_array_mut().unwrap();
    while rest > 0 {
        // Quotes, and a comma behind all but the first.
        let around = if list.is_empty() { 2 } else { 3 };
        let length = if rest > 150 { 100 } else { rest } - around;
        list.push(json!(format!("arn:aws:s3:::{}", "x".repeat(length - 13))));
        rest -= length + around;
    }
    assert_eq!(policy.to_string().len(), characters);
    policy
}

#[test]
fn white_space_counts_nowhere_but_in_service_control_policies() {
    let pretty = serde_json::to_string_pretty(&long(6144)).unwrap();
    let told = one("p.json", &pretty, &["--no-karpenter"]);
    assert_eq!(told, ["note this managed policy has 6,144 of the 6,144 characters that AWS takes"]);
    let told =
        one("p.json", &serde_json::to_string_pretty(&long(6145)).unwrap(), &["--no-karpenter"]);
    assert_eq!(told, ["error this managed policy has 6,145 characters, but AWS takes 6,144"]);

    let scp = |text: &str| {
        let good = fs::read_to_string(fixture("json/ok/karpenter-1.14.json")).unwrap();
        let files = folder(&[("p.json", &good), ("scp.json", text)]);
        let flag = format!("--scp={}", files.path().join("scp.json").display());
        sizes(&check(&["--karpenter=1.14", &flag], &[files.path().join("p.json")]))
    };
    let dense = long(9000).to_string();
    assert_eq!(scp(&dense), Vec::<String>::new());
    let spaced = dense.replacen('{', &format!("{{{}", " ".repeat(1241)), 1);
    assert_eq!(
        scp(&spaced),
        ["error this service control policy has 10,241 characters, but AWS takes 10,240"]
    );
}

#[test]
fn a_map_is_counted_as_the_json_that_is_made_of_it() {
    let document = long(6145);
    let template = |kind: &str, more: Value| {
        let mut properties = json!({"PolicyDocument": document});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {"Karpenter": {"Type": kind, "Properties": properties}}})
    };
    let managed = template("AWS::IAM::ManagedPolicy", json!({}));
    for text in [managed.to_string(), serde_json::to_string_pretty(&managed).unwrap()] {
        let told = one("t.template.json", &text, &["--no-karpenter"]);
        assert_eq!(told, ["error this managed policy has 6,145 characters, but AWS takes 6,144"]);
    }
    let yaml = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Karpenter:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n";
    let lines: String = serde_json::to_string_pretty(&document)
        .unwrap()
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect();
    let told = one("t.yaml", &format!("{yaml}{lines}"), &["--no-karpenter"]);
    assert_eq!(told, ["error this managed policy has 6,145 characters, but AWS takes 6,144"]);
    // The same text in other kinds of policy has other quotas.
    let told = |kind: &str, more: Value| {
        one("t.json", &template(kind, more).to_string(), &["--no-karpenter"])
    };
    assert_eq!(told("AWS::IAM::RolePolicy", json!({"RoleName": "r"})), Vec::<String>::new());
    assert_eq!(
        told("AWS::IAM::UserPolicy", json!({"UserName": "u"})),
        ["error this inline policy of a user has 6,145 characters, but AWS takes 2,048"]
    );
    assert_eq!(
        told("AWS::IAM::GroupPolicy", json!({"GroupName": "g"})),
        ["error this inline policy of a group has 6,145 characters, but AWS takes 5,120"]
    );
}

#[test]
fn inline_policies_of_a_role_count_together() {
    let role = |sizes: &[usize]| {
        let good = policy("json/ok/karpenter-1.14.json");
        let mut all = vec![json!({"PolicyName": "karpenter", "PolicyDocument": good})];
        all.extend(
            sizes.iter().map(|size| json!({"PolicyName": "more", "PolicyDocument": long(*size)})),
        );
        json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Karpenter": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}, "Policies": all}}}})
    };
    let own = policy("json/ok/karpenter-1.14.json").to_string().len();
    let told = |sizes: &[usize]| one("t.json", &role(sizes).to_string(), &[]);
    assert_eq!(told(&[2000, 2000]), Vec::<String>::new());
    let second = 10_241 - own - 2000;
    assert_eq!(
        told(&[2000, second]),
        [
            "error the inline policies of this role together have 10,241 characters, but AWS takes 10,240"
        ]
    );
}

#[test]
fn more_than_ten_managed_policies_need_a_higher_quota() {
    let role = |count: usize| {
        let arns: Vec<String> =
            (0..count).map(|n| format!("arn:aws:iam::111122223333:policy/p{n}")).collect();
        json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Karpenter": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "ManagedPolicyArns": arns,
                "Policies": [{"PolicyName": "k", "PolicyDocument": policy("json/ok/karpenter-1.14.json")}]}}}})
    };
    let told = |count| one("t.json", &role(count).to_string(), &[]);
    assert_eq!(told(10), Vec::<String>::new());
    assert_eq!(
        told(11),
        [
            "warning this role has 11 managed policies, but AWS takes 10 unless the quota was raised (to 25 at most)"
        ]
    );
    assert_eq!(told(26).len(), 1);
    assert!(told(26)[0].starts_with("error "));
}

#[test]
fn a_given_cluster_name_is_counted_as_it_is() {
    let path = fixture("size/err/fits-short-cluster-names-only-1.4.yaml");
    let told = |flags: &[&str]| sizes(&check(flags, std::slice::from_ref(&path)));
    let open = told(&["--karpenter=1.4"]);
    let fits: usize = open[0].split(' ').find_map(|word| word.parse().ok()).unwrap();
    let common =
        ["--karpenter=1.4", "--region=ap-southeast-1", "--account=111122223333", "--partition=aws"];
    let with = |length: usize| {
        let flag = format!("--cluster-name={}", "c".repeat(length));
        let mut flags = common.to_vec();
        flags.push(&flag);
        told(&flags)
    };
    assert!(with(fits).iter().all(|told| told.starts_with("note ")), "{:?}", with(fits));
    // The names of the node role and of the queue are still not known, so it is no error.
    assert!(with(fits + 1)[0].starts_with("warning "), "{:?}", with(fits + 1));
    assert!(with(99)[0].starts_with("error "), "{:?}", with(99));
}

#[test]
fn a_fix_that_makes_a_policy_too_long_says_so() {
    let mut policy = policy("json/ok/karpenter-1.14.json");
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Sid"] != "RemoveOwnResources");
    let title = |policy: &Value| {
        let files = folder(&[("policy.json", &policy.to_string())]);
        let report = check(&["--karpenter=1.14"], &[files.path().join("policy.json")]);
        let findings = report["findings"].as_array().unwrap();
        let missing = findings.iter().find(|f| f["rule"] == "missing-permission").unwrap();
        missing["fix"]["title"].as_str().unwrap().to_owned()
    };
    let longer = "longer than the 6,144 characters that AWS takes";
    let short = policy.to_string().len();
    assert!(!title(&policy).contains(longer), "{}", title(&policy));
    let mut pad = json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"});
    let room = 6_144 - short - pad.to_string().len() - 1;
    pad["Resource"] = json!(format!("arn:aws:s3:::{}", "x".repeat(room)));
    policy["Statement"].as_array_mut().unwrap().insert(0, pad);
    assert_eq!(policy.to_string().len(), 6_144);
    assert!(title(&policy).contains(longer), "{}", title(&policy));
}
