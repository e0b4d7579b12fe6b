//! Dry run against real call: what the validation of an EC2NodeClass asks is not what a launch asks.

use crate::common::{check, check_policy, fixture, policy, rules, statement};
use serde_json::{Value, json};

/// A policy that lets only NodePools named `prod-*` be tagged.
fn only_prod(name: &str) -> Value {
    let mut policy = policy(name);
    for sid in ["LaunchTaggedResources", "TagWhatIsCreated"] {
        statement(&mut policy, sid)["Condition"]["StringLike"]["aws:RequestTag/karpenter.sh/nodepool"] =
            json!("prod-*");
    }
    policy
}

#[test]
fn a_nodepool_pattern_denies_the_dry_runs_from_1_3_0_on() {
    for version in ["1.3.0", "1.3.5", "1.4.0", "1.4.4", "1.6.3", "1.9", "1.14.1"] {
        let name = if version.starts_with("1.3")
            || version.starts_with("1.4")
            || version.starts_with("1.6")
        {
            "json/ok/karpenter-1.4.json"
        } else {
            "json/ok/karpenter-1.14.json"
        };
        for pools in [&["--node-pool=prod-a"][..], &[]] {
            let version_flag = version_flag(version);
            let flags: Vec<&str> =
                std::iter::once(version_flag.as_str()).chain(pools.iter().copied()).collect();
            let report = check_policy(&flags, &only_prod(name));
            let errors: Vec<String> =
                rules(&report).into_iter().filter(|r| r.starts_with("error")).collect();
            assert_eq!(errors, ["error dry-run-denied"], "{version} {pools:?}");
            let finding = report["findings"]
                .as_array()
                .unwrap()
                .iter()
                .find(|f| f["severity"] == "error")
                .unwrap();
            assert_eq!(finding["data"]["cause"], "condition-mismatch", "{version}");
            assert_eq!(finding["data"]["condition"]["sent"], json!([""]), "{version}");
            assert_eq!(
                finding["related"].as_array().unwrap().len(),
                1,
                "{version}: both statements"
            );
        }
    }
}

fn version_flag(version: &str) -> String {
    format!("--karpenter={version}")
}

#[test]
fn before_1_3_0_it_hangs_on_the_names_of_the_nodepools() {
    for version in ["1.0", "1.2"] {
        let policy = only_prod("json/ok/karpenter-1.0.json");
        let report = check_policy(&[&version_flag(version), "--node-pool=prod-a"], &policy);
        assert_eq!(rules(&report), Vec::<String>::new(), "{version}");
        let report = check_policy(&[&version_flag(version)], &policy);
        assert_eq!(rules(&report), ["warning unsettled"], "{version}");
        let report = check_policy(&[&version_flag(version), "--node-pool=dev"], &policy);
        assert_eq!(rules(&report), ["error condition-mismatch"], "{version}");
    }
}

#[test]
fn spot_is_never_tested_by_a_dry_run() {
    let mut policy = policy("json/ok/karpenter-1.4.json");
    for sid in ["LaunchTaggedResources", "TagWhatIsCreated"] {
        let resources = statement(&mut policy, sid)["Resource"].as_array_mut().unwrap();
        resources.retain(|arn| !arn.as_str().unwrap().contains("spot-instances-request"));
    }
    let report = check_policy(&["--karpenter=1.4", "--capacity-type=spot"], &policy);
    for finding in report["findings"].as_array().unwrap() {
        assert_eq!(
            (&finding["rule"], &finding["severity"]),
            (&json!("dry-run-blind"), &json!("error"))
        );
    }
    assert!(!report["findings"].as_array().unwrap().is_empty());
    // Nobody said spot: assumed, so a warning, and the setting is named.
    let report = check_policy(&["--karpenter=1.4"], &policy);
    assert!(
        rules(&report).iter().all(|rule| rule == "warning dry-run-blind"),
        "{:?}",
        rules(&report)
    );
    let report = check_policy(&["--karpenter=1.4", "--capacity-type=on-demand"], &policy);
    assert_eq!(rules(&report), Vec::<String>::new());
}

#[test]
fn imdsv2_only_denies_the_dry_run_from_generation_b_on() {
    let deny = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Imdsv2Only", "Effect": "Deny", "Action": "ec2:RunInstances",
            "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}}
        }]
    });
    let folder = tempfile::tempdir().unwrap();
    let scp = folder.path().join("scp.json");
    std::fs::write(&scp, deny.to_string()).unwrap();
    let scp = format!("--scp={}", scp.display());
    let cases = [
        ("1.3.4", false),
        ("1.3.5", true),
        ("1.4.0", false),
        ("1.4.1", true),
        ("1.5.4", false),
        ("1.5.5", true),
        ("1.6.3", false),
        ("1.6.4", true),
        ("1.14.1", true),
    ];
    for (version, denied) in cases {
        let path = if version == "1.14.1" {
            "json/ok/karpenter-1.14.json"
        } else {
            "json/ok/karpenter-1.4.json"
        };
        let report = check(&[&version_flag(version), &scp], &[fixture(path)]);
        let errors: Vec<&Value> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| f["severity"] == "error")
            .collect();
        assert_eq!(!errors.is_empty(), denied, "{version}: {:?}", rules(&report));
        if let [finding] = errors.as_slice() {
            assert_eq!(
                (finding["rule"].as_str(), finding["data"]["cause"].as_str()),
                (Some("dry-run-denied"), Some("explicit-deny"))
            );
            assert!(finding["file"].as_str().unwrap().ends_with("scp.json"));
        }
    }
}

#[test]
fn a_misspelt_action_is_the_cause_and_nothing_stands_beside_it() {
    let mut policy = policy("json/ok/karpenter-1.4.json");
    for statement in policy["Statement"].as_array_mut().unwrap() {
        for action in statement["Action"].as_array_mut().into_iter().flatten() {
            if action == "ec2:CreateFleet" {
                *action = json!("ec2:CreateFleets");
            }
        }
    }
    let report = check_policy(&["--karpenter=1.4"], &policy);
    assert_eq!(rules(&report), ["error unknown-action"]);
    let finding = &report["findings"][0];
    assert_eq!(finding["data"]["action"], "ec2:CreateFleet");
    assert_eq!(finding["data"]["written"], "ec2:CreateFleets");
    assert_eq!(
        finding["message"],
        "`ec2:CreateFleets` is not an action; Karpenter needs `ec2:CreateFleet`"
    );
    assert_eq!(finding["related"].as_array().unwrap().len(), 2);
}
