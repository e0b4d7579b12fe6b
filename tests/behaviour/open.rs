//! What nobody knows before deployment stays open, wherever in a controller's policies it stands.

use serde_json::{Value, json};

use crate::common::{check, folder, rules};

/// The report on an identity policy that allows everything, under a flag that names another file.
fn under(flag: &str, limit: &Value, more: &[&str]) -> Value {
    let all = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let files = folder(&[("all.json", &all.to_string()), ("limit.json", &limit.to_string())]);
    let flag = format!("{flag}={}", files.path().join("limit.json").display());
    let mut flags = vec!["--karpenter=1.4", "--ignore=over-permissive", &flag];
    flags.extend(more);
    check(&flags, &[files.path().join("all.json")])
}

fn allowing_all(deny: Value) -> Value {
    let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    json!({ "Version": "2012-10-17", "Statement": [all, deny] })
}

#[test]
fn a_region_of_a_service_control_policy_stays_open() {
    let limit = |region: &str| {
        allowing_all(json!({
            "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": { "StringNotEquals": { "aws:RequestedRegion": region } }
        }))
    };
    for hole in ["${REGION}", "${region}"] {
        for given in [&["--region=us-west-2"][..], &[]] {
            let report = under("--scp", &limit(hole), given);
            let rules = rules(&report);
            assert!(!rules.is_empty(), "{hole}");
            assert!(rules.iter().all(|rule| rule == "warning unsettled"), "{hole}: {rules:?}");
            let message = report["findings"][0]["message"].as_str().unwrap();
            assert!(message.contains(hole), "{message}");
        }
    }
}

#[test]
fn a_hole_limits_in_a_service_control_policy_as_in_a_boundary() {
    let limits = [
        json!({ "Effect": "Deny", "Action": "ec2:*", "Resource": "arn:aws:ec2:*:*:subnet/${FORBIDDEN}" }),
        json!({
            "Effect": "Deny", "Action": "ec2:*", "Resource": "*",
            "Condition": { "StringEquals": { "aws:RequestTag/${KEY}": "${VALUE}" } }
        }),
        json!({ "Effect": "Deny", "Action": "ec2:${VERB}Fleet", "Resource": "*" }),
    ];
    for limit in limits {
        let limit = allowing_all(limit);
        for flag in ["--scp", "--boundary"] {
            let rules = rules(&under(flag, &limit, &[]));
            assert!(!rules.is_empty(), "{flag} {limit}");
            assert!(rules.iter().all(|rule| rule == "warning unsettled"), "{flag}: {rules:?}");
        }
    }
}

#[test]
fn a_statement_that_nobody_knows_grants_only_in_its_layer() {
    let limit = |action: &str| json!({ "Statement": ["${MORE}", { "Effect": "Allow", "Action": action, "Resource": "*" }] });
    for flag in ["--scp", "--boundary"] {
        let rules = rules(&under(flag, &limit("ec2:*"), &[]));
        assert_eq!(rules, ["warning unsettled"], "{flag}");
    }
    // What the identity policy lacks, no limit grants.
    let small = json!({ "Statement": { "Effect": "Allow", "Action": "ec2:*", "Resource": "*" } });
    let files =
        folder(&[("small.json", &small.to_string()), ("limit.json", &limit("*").to_string())]);
    let flag = format!("--scp={}", files.path().join("limit.json").display());
    let report = check(&["--karpenter=1.4", &flag], &[files.path().join("small.json")]);
    assert!(rules(&report).contains(&"error missing-permission".to_owned()), "{report}");
}

#[test]
fn a_hole_that_is_read_as_a_role_or_a_queue_is_told() {
    let most = json!({
        "Effect": "Allow", "Resource": "*",
        "Action": ["ec2:*", "eks:*", "iam:Get*", "iam:*InstanceProfile*", "pricing:*", "ssm:*"]
    });
    let pass = json!({ "Effect": "Allow", "Action": "iam:PassRole", "Resource": "${ROLE_ARN}" });
    let queue = json!({ "Effect": "Allow", "Action": ["sqs:*"], "Resource": "${QUEUE_ARN}" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [most, pass, queue] });
    let files = folder(&[("policy.json", &policy.to_string())]);
    let told = |flags: &[&str]| {
        let mut all = vec!["--karpenter=1.4"];
        all.extend(flags);
        let report = check(&all, &[files.path().join("policy.json")]);
        assert!(!rules(&report).iter().any(|rule| rule.starts_with("error")), "{report}");
        let told = report["controllers"][0]["assumptions"].as_array().unwrap().iter();
        let pair = |one: &Value| format!("{}={}", one["symbol"], one["value"]).replace('"', "");
        told.map(pair).collect::<Vec<_>>()
    };
    let nobody = told(&[]);
    assert!(nobody.contains(&"node-roles=${ROLE_ARN}".to_owned()), "{nobody:?}");
    assert!(nobody.contains(&"interruption-queue=${QUEUE_ARN}".to_owned()), "{nobody:?}");
    let role = "arn:aws:iam::111122223333:role/node";
    let queue = "arn:aws:sqs:us-west-2:111122223333:demo";
    let given = told(&["--node-role", role, "--interruption-queue", queue]);
    assert!(given.contains(&format!("ROLE_ARN={role}")), "{given:?}");
    assert!(given.contains(&format!("QUEUE_ARN={queue}")), "{given:?}");
}

#[test]
fn an_inline_policy_that_cannot_be_read_is_none_of_the_managed_ones() {
    let role = |inline: &str| {
        let arns: String = (0..10).map(|n| format!("\"arn:aws:iam::aws:policy/P{n}\",")).collect();
        format!(
            "resource \"aws_iam_role\" \"controller\" {{\n  name = \"controller\"\n  \
             managed_policy_arns = [{arns}]\n  inline_policy {{\n    name = \"known\"\n    policy = \
             jsonencode({{ Statement = [{{ Effect = \"Allow\", Action = \"ec2:*\", Resource = \"*\" }}] \
             }})\n  }}\n{inline}}}\n"
        )
    };
    let inline = "  inline_policy {\n    name = \"more\"\n    policy = var.more\n  }\n";
    for inline in ["", inline] {
        let files = folder(&[("main.tf", &role(inline))]);
        let report = check(&["--karpenter=1.4"], &[files.path().join("main.tf")]);
        assert!(!report.to_string().contains("managed policies"), "{report}");
        assert_eq!(report.to_string().contains("aws_iam_role.controller more"), !inline.is_empty());
    }
}

#[test]
fn an_effect_that_nobody_knows_may_grant_and_may_deny() {
    let open = |action: &str| json!({ "Effect": "${EFFECT}", "Action": action, "Resource": "*" });
    let alone = json!({ "Version": "2012-10-17", "Statement": [open("*")] });
    let beside = allowing_all(open("ec2:RunInstances"));
    for policy in [&alone, &beside] {
        let files = folder(&[("karpenter.json", &policy.to_string())]);
        let flags = ["--karpenter=1.4", "--ignore=over-permissive"];
        let report = check(&flags, &[files.path().join("karpenter.json")]);
        let rules = rules(&report);
        assert!(!rules.is_empty(), "{policy}");
        assert!(rules.iter().all(|rule| rule == "warning unsettled"), "{policy}: {rules:?}");
        let message = report["findings"][0]["message"].as_str().unwrap();
        assert!(message.contains("`${EFFECT} is Allow`"), "{message}");
        for flag in ["--scp", "--boundary"] {
            let rules = crate::common::rules(&under(flag, policy, &[]));
            assert!(!rules.is_empty(), "{flag} {policy}");
            assert!(rules.iter().all(|rule| rule == "warning unsettled"), "{flag}: {rules:?}");
        }
    }
    // Both at once it is not: what it grants as Allow, it does not deny as Deny.
    let files = folder(&[("karpenter.json", &beside.to_string())]);
    let report =
        check(&["--karpenter=1.4", "--fail-on=never"], &[files.path().join("karpenter.json")]);
    let open: Vec<&Value> = report["controllers"][0]["requests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|request| request["verdict"] != "allowed")
        .collect();
    assert!(!open.is_empty());
    assert!(open.iter().all(|request| request["verdict"] == "unsettled"), "{open:?}");
}
