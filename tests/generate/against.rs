//! `generate policy --against`: what a policy lacks and what it has beyond, by evaluation.

use std::fs;

use karplint::cli::Status;
use serde_json::{Value, json};

use crate::run::{Ran, json as parse, karplint, with};

/// The least policy of 1.14, changed.
fn changed(change: impl Fn(&mut Value)) -> Ran {
    let flags = ["--karpenter=1.14".to_owned()];
    let mut policy = parse(&karplint(&with(&["generate", "policy"], &flags)).out);
    change(&mut policy);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("karpenter.json");
    fs::write(&file, policy.to_string()).unwrap();
    let against = format!("--against={}", file.display());
    karplint(&with(&["generate", "policy"], &[flags[0].clone(), against]))
}

fn statement<'p>(policy: &'p mut Value, sid: &str) -> &'p mut Value {
    let all = policy["Statement"].as_array_mut().unwrap();
    all.iter_mut().find(|one| one["Sid"] == sid).unwrap()
}

#[test]
fn the_least_policy_has_nothing_beyond_itself() {
    let ran = changed(|_| {});
    assert_eq!(ran.status, Status::Clean, "{}", ran.out);
    assert!(ran.out.ends_with("allows what Karpenter 1.14.1 needs, and nothing beyond it\n"));
}

#[test]
fn what_it_lacks_is_told_with_the_calls_that_need_it() {
    let ran = changed(|policy| {
        statement(policy, "ReadQueue")["Action"] = json!(["sqs:GetQueueUrl", "sqs:ReceiveMessage"]);
    });
    assert_eq!(ran.status, Status::Findings);
    let lacks: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("  lacks")).collect();
    assert_eq!(lacks, ["  lacks   sqs:DeleteMessage on demo, for DeleteMessage"], "{}", ran.out);
    assert!(!ran.out.contains("beyond"), "{}", ran.out);
}

#[test]
fn what_it_has_beyond_is_told_by_what_makes_it_wider() {
    let beyond = |change: &dyn Fn(&mut Value), with: &str, what: &str| {
        let ran = changed(change);
        assert_eq!(ran.status, Status::Findings);
        let mut lines = ran.out.lines().skip_while(|line| !line.ends_with(with));
        assert!(lines.next().is_some(), "{with} is not in {}", ran.out);
        assert_eq!(lines.next().map(str::trim), Some(what), "{}", ran.out);
        assert!(!ran.out.contains("lacks"), "{}", ran.out);
    };
    beyond(
        &|policy| {
            statement(policy, "TagNodes")["Condition"]
                .as_object_mut()
                .unwrap()
                .remove("StringEquals");
        },
        "another aws:ResourceTag/kubernetes.io/cluster/demo",
        "ec2:CreateTags on instance/*",
    );
    beyond(
        &|policy| statement(policy, "PassRole")["Resource"] = json!("*"),
        "of another account",
        "iam:PassRole on role/KarpenterNodeRole-demo",
    );
    let ran = changed(|policy| statement(policy, "ReadRegion")["Action"] = json!("ec2:Describe*"));
    let more = "actions that Karpenter does not call, ec2:DescribeAccountAttributes among them";
    assert!(ran.out.contains("ec2:Describe*: 1") && ran.out.contains(more), "{}", ran.out);
    beyond(
        &|policy| {
            statement(policy, "TagNodes")["Condition"]["ForAllValues:StringEquals"] =
                json!({ "aws:TagKeys": ["Name", "karpenter.sh/nodeclaim", "somebody-elses"] });
        },
        "more aws:TagKeys",
        "ec2:CreateTags on instance/*",
    );
}

#[test]
fn what_hangs_on_something_unknown_is_nothing_beyond() {
    let ran = changed(|policy| {
        let extra = json!({"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}});
        policy["Statement"].as_array_mut().unwrap().push(extra);
    });
    assert_eq!(ran.status, Status::Clean, "{}", ran.out);
}

#[test]
fn a_file_without_a_policy_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let against = format!("--against={}", folder.path().display());
    let ran = karplint(&with(&["generate", "policy"], &[against]));
    assert_eq!(ran.status, Status::Failed);
    assert!(ran.err.contains("no policy"), "{}", ran.err);
}
