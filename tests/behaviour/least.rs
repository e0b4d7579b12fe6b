//! Least privilege: what is told, what is not, and whether the changes that are offered do any good.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{check, check_policy, fixture, folder, policy, rules, statement};
use serde_json::{Value, json};

const GOOD: &str = "json/ok/karpenter-1.14.json";

fn findings<'r>(report: &'r Value, rule: &str) -> Vec<&'r Value> {
    report["findings"].as_array().unwrap().iter().filter(|f| f["rule"] == rule).collect()
}

/// The file with the edits of a finding.
fn fixed(path: &Path, finding: &Value) -> String {
    let mut text = fs::read_to_string(path).unwrap();
    let mut edits: Vec<&Value> = finding["fix"]["edits"].as_array().unwrap().iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit["start"].as_u64().unwrap()));
    for edit in edits {
        assert_eq!(edit["file"], finding["file"]);
        let at = |end: &str| edit[end].as_u64().unwrap() as usize;
        text.replace_range(at("start")..at("end"), edit["text"].as_str().unwrap());
    }
    text
}

fn cases(group: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(fixture(group))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "out"))
        .collect();
    all.sort();
    all
}

#[test]
fn a_change_that_is_offered_takes_its_finding_away_and_nothing_that_karpenter_needs() {
    let mut applied = 0;
    for path in cases("least/err") {
        let report = check(&["--karpenter=1.14"], std::slice::from_ref(&path));
        let offered: Vec<&Value> = report["findings"].as_array().unwrap().iter().collect();
        let can = |f: &&&Value| f["fix"]["applicability"] == "unsafe";
        assert_eq!(report["summary"]["fixable"], offered.iter().filter(can).count());
        for finding in offered.iter().filter(can) {
            let text = fixed(&path, finding);
            let after = check_policy(&["--karpenter=1.14"], &serde_json::from_str(&text).unwrap());
            let errors = after["summary"]["errors"].as_u64().unwrap();
            let warnings = after["summary"]["warnings"].as_u64().unwrap();
            assert_eq!(errors, 0, "{}: {text}", path.display());
            assert!(warnings <= report["summary"]["warnings"].as_u64().unwrap());
            let same = findings(&after, finding["rule"].as_str().unwrap());
            let still = same.iter().any(|f| f["message"] == finding["message"]);
            assert!(!still, "{}: {text}", path.display());
            applied += 1;
        }
    }
    assert!(applied >= 6, "{applied}");
}

#[test]
fn a_known_node_role_takes_the_place_of_any_role() {
    let path = fixture("least/err/passes-any-role-1.14.json");
    let role = "arn:aws:iam::111122223333:role/mine";
    let flag = format!("--node-role={role}");
    let report = check(&["--karpenter=1.14", &flag], std::slice::from_ref(&path));
    let wide = findings(&report, "over-permissive");
    let text: Value = serde_json::from_str(&fixed(&path, wide[0])).unwrap();
    let pass = text["Statement"].as_array().unwrap().iter().find(|s| s["Sid"] == "PassNodeRole");
    assert_eq!(pass.unwrap()["Resource"], role);
}

#[test]
fn in_a_template_the_text_below_sub_is_changed_where_it_stands() {
    let text = fs::read_to_string(fixture("cloudformation/ok/sub-1.4.yaml")).unwrap();
    let wide = text.replace(
        "\"ec2:DescribeSubnets\"",
        "\"ec2:DescribeSubnets\",\n                \"ec2:DescribeVpcs\"",
    );
    assert_ne!(wide, text);
    let files = folder(&[("t.yaml", &wide)]);
    let path = files.path().join("t.yaml");
    let report = check(&["--karpenter=1.4"], std::slice::from_ref(&path));
    let unused = findings(&report, "unused-permission");
    assert_eq!(unused.len(), 1);
    assert_eq!(unused[0]["data"]["action"], "ec2:DescribeVpcs");
    assert_eq!(fixed(&path, unused[0]), text);
}

#[test]
fn in_a_generated_file_the_change_is_only_shown() {
    let path = fixture("same/good/plan.json");
    let text = fs::read_to_string(&path).unwrap();
    let wide = text.replace("ec2:DescribeSubnets", "ec2:DescribeVpcs");
    let files = folder(&[("plan.json", &wide)]);
    let report = check(&["--karpenter=1.4"], &[files.path().join("plan.json")]);
    let unused = findings(&report, "unused-permission");
    assert!(unused.iter().all(|f| f["fix"]["applicability"] == "display"), "{unused:?}");
    assert!(unused.iter().all(|f| f["fix"]["edits"] == json!([])));
    assert_eq!(report["summary"]["fixable"], 0);
}

#[test]
fn what_only_a_feature_asks_for_is_no_finding_unless_the_settings_exclude_it() {
    let good = policy(GOOD);
    let report = check_policy(&["--karpenter=1.14", "--interruption-queue="], &good);
    let unused = findings(&report, "unused-permission");
    assert_eq!(unused.len(), 1, "{unused:?}");
    assert_eq!(unused[0]["severity"], "note");
    assert!(unused[0]["message"].as_str().unwrap().contains("`sqs:DeleteMessage`"));
    let report = check_policy(&["--karpenter=1.14", "--capacity-type=on-demand"], &good);
    let unused = findings(&report, "unused-permission");
    assert!(!unused.is_empty());
    assert!(unused.iter().all(|f| f["message"].as_str().unwrap().contains("spot")), "{unused:?}");
}

#[test]
fn what_the_version_before_asks_for_is_in_use() {
    let mut old = policy("json/ok/karpenter-0.37.json");
    let action = &mut statement(&mut old, "Discover")["Action"];
    action.as_array_mut().unwrap().push(json!("ec2:DescribeAvailabilityZones"));
    let unused = |flags: &[&str]| {
        let report = check_policy(flags, &old);
        findings(&report, "unused-permission")
            .iter()
            .any(|f| f["message"].as_str().unwrap().contains("`ec2:DescribeAvailabilityZones`"))
    };
    assert!(unused(&["--karpenter=0.37"]));
    assert!(!unused(&["--karpenter=0.37", "--upgraded-from=0.33.0"]));
}

#[test]
fn what_something_else_takes_away_is_no_harm() {
    let path = fixture("least/err/terminates-any-instance-1.14.json");
    let told = |flags: &[&str]| {
        rules(&check(flags, std::slice::from_ref(&path)))
            .contains(&"warning over-permissive".to_owned())
    };
    assert!(told(&["--karpenter=1.14"]));
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:TerminateInstances", "Resource": "*",
         "Condition": {"StringNotEquals": {"aws:ResourceTag/eks:eks-cluster-name": "demo"}}}]}"#;
    let files = folder(&[("limit.json", text)]);
    let limit = files.path().join("limit.json").display().to_string();
    assert!(!told(&["--karpenter=1.14", &format!("--boundary={limit}")]));
    assert!(!told(&["--karpenter=1.14", &format!("--scp={limit}")]));
    assert!(!told(&["--karpenter=1.14", "--ignore=over-permissive"]));
}

#[test]
fn a_place_that_another_finding_speaks_of_is_told_once() {
    let mut wrong = policy(GOOD);
    statement(&mut wrong, "ReadPrices")["Action"] = json!("pricing:GetProduct");
    let report = check_policy(&["--karpenter=1.14"], &wrong);
    assert_eq!(rules(&report).len(), 1, "{:?}", rules(&report));
    assert!(findings(&report, "unused-permission").is_empty());
}
