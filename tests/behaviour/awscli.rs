//! What the AWS CLI prints, and which role in it is Karpenter's.

use crate::common::{check, check_with_errors, folder, policy, program, rules};
use serde_json::{Value, json};

fn halves() -> (Value, Value) {
    let good = policy("json/ok/karpenter-1.4.json");
    let (a, b) = good["Statement"].as_array().unwrap().split_at(6);
    let document = |list: &[Value]| json!({"Version": "2012-10-17", "Statement": list});
    (document(a), document(b))
}

fn arn(name: &str) -> String {
    format!("arn:aws:iam::111122223333:policy/{name}")
}

/// A role of an account with its inline policies and the names of managed ones.
fn role(name: &str, service: &str, inline: &[&Value], managed: &[&str]) -> Value {
    let inline: Vec<Value> = inline
        .iter()
        .map(|document| json!({"PolicyName": "inline", "PolicyDocument": document}))
        .collect();
    let managed: Vec<Value> =
        managed.iter().map(|name| json!({"PolicyName": name, "PolicyArn": arn(name)})).collect();
    json!({"RoleName": name, "Arn": format!("arn:aws:iam::111122223333:role/{name}"),
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": service}}]},
        "RolePolicyList": inline, "AttachedManagedPolicies": managed})
}

fn managed(name: &str, document: &Value) -> Value {
    let old = json!({"Document": {"Statement": []}, "VersionId": "v1", "IsDefaultVersion": false});
    json!({"PolicyName": name, "Arn": arn(name), "DefaultVersionId": "v2", "PolicyVersionList": [
        old, {"Document": document, "VersionId": "v2", "IsDefaultVersion": true}]})
}

const PODS: &str = "pods.eks.amazonaws.com";

fn report(flags: &[&str], dump: &Value) -> Value {
    let files = folder(&[("account.json", &dump.to_string())]);
    check(&[&["--karpenter=1.4"], flags].concat(), &[files.path().join("account.json")])
}

fn account() -> Value {
    let (a, b) = halves();
    let s3 = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    json!({"UserDetailList": [], "GroupDetailList": [],
        "RoleDetailList": [
            role("reader", PODS, &[&s3], &[]),
            role("autoscaler", PODS, &[&a], &["rest"]),
            role("nodes", "ec2.amazonaws.com", &[&s3], &[]),
        ],
        "Policies": [managed("rest", &b), managed("KarpenterOld", &s3)],
        "IsTruncated": false})
}

#[test]
fn the_role_is_found_by_its_rights_and_joined_with_its_policies() {
    let found = report(&[], &account());
    assert_eq!(rules(&found), Vec::<String>::new());
    let controllers = found["controllers"].as_array().unwrap();
    assert_eq!(controllers.len(), 1, "{found}");
    assert!(controllers[0]["name"].as_str().unwrap().ends_with(" autoscaler"));
    let documents = controllers[0]["documents"].as_array().unwrap();
    assert_eq!(documents[1]["address"], "arn:aws:iam::111122223333:policy/rest");
    // Policies that bind no role are left out, and that is told.
    let files = folder(&[("account.json", &account().to_string())]);
    let (_, err) = check_with_errors(&[], &[files.path().join("account.json")]);
    assert!(err.contains("policy/KarpenterOld: no role in this list is bound by it"), "{err}");
}

#[test]
fn a_role_is_named_by_name_or_arn() {
    for name in ["reader", "arn:aws:iam::111122223333:role/reader"] {
        let found = report(&[&format!("--role={name}")], &account());
        let controllers = found["controllers"].as_array().unwrap();
        assert_eq!(controllers.len(), 1);
        assert!(controllers[0]["name"].as_str().unwrap().ends_with(" reader"), "{name}");
    }
}

#[test]
fn policies_that_are_not_in_the_dump_leave_denials_open() {
    let mut dump = account();
    dump["Policies"] = json!([]);
    let found = report(&[], &dump);
    assert_eq!(rules(&found), ["warning unsettled"]);
    assert!(found["findings"][0]["message"].as_str().unwrap().contains("policy/rest"));
    let mut dump = account();
    dump["RoleDetailList"][1]["PermissionsBoundary"] = json!({
        "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn("limits")});
    assert_eq!(rules(&report(&[], &dump)), ["warning unsettled"]);
    let all = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}]});
    dump["Policies"].as_array_mut().unwrap().push(managed("limits", &all));
    let found = report(&[], &dump);
    assert_eq!(rules(&found), ["error missing-permission"]);
    assert_eq!(found["findings"][0]["address"], arn("limits"));
}

#[test]
fn pages_speak_of_each_other_and_a_missing_one_is_told() {
    let dump = account();
    let (mut first, mut second) = (dump.clone(), dump);
    first["Policies"] = json!([]);
    first["IsTruncated"] = json!(true);
    second["RoleDetailList"] = json!([]);
    let files = folder(&[
        ("pages.json", &json!([first, second]).to_string()),
        ("first.json", &first.to_string()),
    ]);
    let (found, err) = check_with_errors(&["--karpenter=1.4"], &[files.path().join("pages.json")]);
    assert_eq!(rules(&found), Vec::<String>::new());
    assert!(err.contains("it goes on in a page that is not here"), "{err}");
}

#[test]
fn answers_about_one_role_are_joined() {
    let (a, b) = halves();
    let answer = |name: &str, document: &Value| {
        json!({"RoleName": "karpenter", "PolicyName": name, "PolicyDocument": document}).to_string()
    };
    let bounded = json!({"Role": {"RoleName": "karpenter", "PermissionsBoundary": {
        "PermissionsBoundaryArn": arn("limits")}, "AssumeRolePolicyDocument": {"Statement": []}}});
    let files = folder(&[
        ("a.json", &answer("a", &a)),
        ("b.json", &answer("b", &b)),
        ("other/b.json", &answer("b", &b)),
    ]);
    let paths = [files.path().join("a.json"), files.path().join("b.json")];
    let found = check(&["--karpenter=1.4"], &paths);
    assert_eq!(rules(&found), Vec::<String>::new());
    assert_eq!(found["controllers"].as_array().unwrap().len(), 1);
    assert_eq!(found["controllers"][0]["name"], "role karpenter");
    let (code, out, _) =
        program(files.path(), &["--no-config", "--karpenter=1.4", "a.json", "b.json"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("joined   a.json and b.json: all are said to bind karpenter"), "{out}");
    // Accounts are kept in folders.
    let apart = [files.path().join("a.json"), files.path().join("other/b.json")];
    assert_eq!(check(&["--karpenter=1.4"], &apart)["controllers"].as_array().unwrap().len(), 2);
    std::fs::write(files.path().join("role.json"), bounded.to_string()).unwrap();
    let all = [paths[0].clone(), paths[1].clone(), files.path().join("role.json")];
    let found = check(&["--karpenter=1.4"], &all);
    assert!(rules(&found).contains(&"warning unsettled".to_owned()), "{found}");
}

#[test]
fn a_service_control_policy_of_organizations_is_a_level() {
    let content = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "ec2:CreateFleet", "Resource": "*"}]});
    let answer = json!({"Policy": {"PolicySummary": {"Name": "no-fleets",
        "Type": "SERVICE_CONTROL_POLICY"}, "Content": content.to_string()}});
    let good = policy("json/ok/karpenter-1.4.json").to_string();
    let files = folder(&[("scp.json", &answer.to_string()), ("policy.json", &good)]);
    let flag = format!("--scp={}", files.path().join("scp.json").display());
    let found = check(&["--karpenter=1.4", &flag], &[files.path().join("policy.json")]);
    assert_eq!(rules(&found), ["error explicit-deny"]);
}
