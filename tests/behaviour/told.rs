//! A mistake is told where it stands, once, in the words of its file, and its fix does what it says.

use std::fs;

use crate::common::{check, fixture, folder, program, rules};

/// What `check --diff` or another act prints for one file.
fn said(file: &str, text: &str, flags: &[&str]) -> String {
    let folder = folder(&[(file, text)]);
    let mut args = vec!["check", "--no-config"];
    args.extend(flags);
    args.push(file);
    let (_, out, err) = program(folder.path(), &args);
    out + &err
}

/// The file after all fixes, and what is left to say of it.
fn fixed(file: &str, flags: &[&str]) -> (String, Vec<String>) {
    let name = file.rsplit('/').next().unwrap();
    let folder = folder(&[(name, &fs::read_to_string(fixture(file)).unwrap())]);
    let mut args = vec!["check", "--no-config", "--fix", "--unsafe-fixes"];
    args.extend(flags);
    args.push(name);
    program(folder.path(), &args);
    let path = folder.path().join(name);
    (fs::read_to_string(&path).unwrap(), rules(&check(flags, &[path])))
}

fn text(file: &str) -> String {
    fs::read_to_string(fixture(file)).unwrap()
}

const LATEST: &str = "--karpenter=1.14";

#[test]
fn an_action_goes_into_the_empty_list_that_lacks_it() {
    let (after, left) = fixed("json/err/no-action-in-the-list-1.14.json", &[LATEST]);
    let expected = text("json/ok/karpenter-1.14.json")
        .replace("\"Action\": \"iam:PassRole\"", "\"Action\": [\"iam:PassRole\"]");
    assert_eq!(after, expected);
    assert_eq!(left, [""; 0]);
}

#[test]
fn an_action_for_which_aws_lists_no_resource_goes_where_the_rules_know_one() {
    let listed = "\"iam:ListInstanceProfiles\"";
    let good = text("json/ok/karpenter-1.14.json");
    let bad = good.replace(listed, "\"iam:ListRoles\"");
    let said = said("policy.json", &bad, &[LATEST, "--diff"]);
    assert!(said.contains("iam:ListInstanceProfiles"), "{said}");
    assert!(!said.contains("granted on `*` alone"), "{said}");
}

#[test]
fn an_arn_that_is_broken_is_mended_where_it_stands() {
    let good = text("json/ok/karpenter-1.14.json");
    for case in ["image-with-an-account", "cluster-without-an-account"] {
        let (after, left) = fixed(&format!("json/err/{case}-1.14.json"), &[LATEST]);
        assert_eq!(after, good, "{case}");
        assert_eq!(left, [""; 0], "{case}");
    }
}

#[test]
fn nothing_is_added_to_what_is_not_granted() {
    let case = "json/err/not-action-of-what-is-needed-1.14.json";
    let said = said("policy.json", &text(case), &[LATEST]);
    assert!(said.contains("`NotAction` leaves out `iam:PassRole`"), "{said}");
    assert!(!said.contains("to this list"), "{said}");
    let (after, _) = fixed(case, &[LATEST]);
    assert!(after.contains("\"NotAction\": \"iam:PassRole\""), "{after}");
}

#[test]
fn what_stands_under_a_key_that_stands_twice_is_kept() {
    let case = "json/err/action-twice-in-a-statement-1.14.json";
    let (after, left) = fixed(case, &[LATEST]);
    assert_eq!(after, text(case));
    // That `iam:GetRole` does not carry the condition of its statement is another mistake.
    assert_eq!(left, ["error duplicate-key", "warning unknown-condition-key"]);
}

#[test]
fn a_single_action_is_called_no_list() {
    let good = text("json/ok/karpenter-1.4.json");
    let said = said("policy.json", &good, &["--karpenter=1.14"]);
    assert!(said.contains("add \"iam:ListInstanceProfiles\" to this action, in a list"), "{said}");
}

#[test]
fn frames_show_lines_of_the_file_and_the_value_that_is_meant() {
    let case = "cloudformation/err/image-in-another-region-1.4.yaml";
    let said = said("karpenter.yaml", &text(case), &["--karpenter=1.4"]);
    assert!(said.contains(" 40 │"), "{said}");
    let line = said.lines().find(|line| line.contains("eu-central-1::image")).unwrap();
    let mark = said.lines().skip_while(|other| *other != line).nth(1).unwrap();
    let column = |line: &str, c| line.chars().position(|other| other == c);
    assert_eq!(column(mark, '─'), column(line, '"'), "{said}");
}

#[test]
fn what_is_taken_for_granted_in_a_file_is_told_of_its_controller_alone() {
    let branches = text("cloudformation/ok/both-branches-1.4.yaml");
    let plain = text("json/ok/karpenter-1.4.json");
    let folder = folder(&[("branches.yaml", &branches), ("plain.json", &plain)]);
    let args = ["check", "--no-config", "--karpenter=1.4", "branches.yaml", "plain.json"];
    let (_, out, _) = program(folder.path(), &args);
    let (own, other) = out.split_once("branches.yaml KarpenterRole is ready").unwrap();
    assert!(own.contains("Limits is"), "{out}");
    assert!(!other.contains("Limits is"), "{out}");
}

#[test]
fn a_controller_that_never_starts_sets_no_condition() {
    let good = text("json/ok/karpenter-1.14.json");
    let bad = good.replace("\"eks:DescribeCluster\"", "\"eks:ListClusters\"");
    let said = said("policy.json", &bad, &[LATEST, "--select=missing-permission"]);
    assert!(!said.contains("ClusterCIDRResolutionFailed"), "{said}");
    assert!(said.contains("status 1"), "{said}");
}

#[test]
fn a_finding_bears_the_sid_of_the_statement_it_stands_in() {
    let bad = text("json/err/create-fleet-missing.json");
    let folder = folder(&[("policy.json", &bad)]);
    let report = check(&[LATEST], &[folder.path().join("policy.json")]);
    let text = fs::read_to_string(folder.path().join("policy.json")).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|one| one["rule"] == "missing-permission").unwrap();
    let start = usize::try_from(finding["span"]["start"]["offset"].as_u64().unwrap()).unwrap();
    let sid = text[..start].rsplit("\"Sid\": \"").next().unwrap().split('"').next().unwrap();
    let config = format!(
        "[[ignore]]\nrule = \"{}\"\nsid = \"{sid}\"\nreason = \"a test\"\n",
        finding["rule"].as_str().unwrap()
    );
    fs::write(folder.path().join("karplint.toml"), config).unwrap();
    let (_, out, _) = program(folder.path(), &["check", LATEST, "policy.json"]);
    assert!(!out.contains("missing-permission"), "{out}");
}

#[test]
fn what_aws_asks_for_in_some_accounts_alone_breaks_no_call() {
    let good = text("json/ok/karpenter-1.14.json");
    let bad = good.replace("        \"arn:aws:ec2:us-west-2::snapshot/*\",\n", "");
    assert_ne!(good, bad);
    let said = said("policy.json", &bad, &[LATEST]);
    assert!(!said.contains("stops here"), "{said}");
    assert!(!said.contains("CreateFleetAuthCheckFailed"), "{said}");
}

#[test]
fn a_key_of_other_resources_is_told_once() {
    let good = text("json/ok/karpenter-1.14.json");
    let tag = "\"aws:RequestTag/eks:eks-cluster-name\": \"demo\"";
    let bad = good.replacen(tag, &format!("{tag},\n\"ec2:InstanceType\": \"m5.large\""), 1);
    let folder = folder(&[("policy.json", &bad)]);
    let report = check(&[LATEST], &[folder.path().join("policy.json")]);
    assert_eq!(rules(&report), ["error condition-mismatch"], "{report}");
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.ends_with("only resources of other types have `ec2:InstanceType`"),
        "{message}"
    );
}

#[test]
fn values_of_a_map_that_stand_under_no_sub_are_told_once() {
    let good = text("same/good/map.yaml");
    let bad = good.replace("arn:aws:", "arn:${AWS::Partition}:");
    let folder = folder(&[("karpenter.yaml", &bad)]);
    let report = check(&["--karpenter=1.4"], &[folder.path().join("karpenter.yaml")]);
    assert_eq!(rules(&report), ["error syntax"], "{report}");
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("others are under `!Sub`"), "{message}");
}
