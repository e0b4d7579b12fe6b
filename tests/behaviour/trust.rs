//! Trust policies: those of a controller that karplint.toml describes, of roles, and alone.

use serde_json::Value;

use crate::common::{check, fixture, folder, policy, program, rules};

/// What is said of trust policies.
fn told(report: &Value) -> Vec<&Value> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["rule"] == "trust-policy").collect()
}

fn controller(trust: &str, more: &str) -> tempfile::TempDir {
    let config = format!(
        "[[controller]]\nname = \"demo\"\npolicies = [\"iam/policy.json\"]\n\
         trust-policy = \"iam/trust.json\"\n{more}"
    );
    let identity = std::fs::read_to_string(fixture("json/ok/karpenter-1.14.json")).unwrap();
    let trust = std::fs::read_to_string(fixture(&format!("trust/{trust}.json"))).unwrap();
    folder(&[
        ("karplint.toml", config.as_str()),
        ("iam/policy.json", identity.as_str()),
        ("iam/trust.json", trust.as_str()),
    ])
}

fn check_in(folder: &tempfile::TempDir, paths: &[&str]) -> (i32, Value) {
    let mut args = vec!["--format=json", "--karpenter=1.14"];
    args.extend(paths);
    let (code, out, err) = program(folder.path(), &args);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

#[test]
fn every_finding_names_the_action_and_the_token() {
    for case in std::fs::read_dir(fixture("trust/err")).unwrap() {
        let path = case.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "out") {
            continue;
        }
        let report = check(&[], std::slice::from_ref(&path));
        let told = told(&report);
        assert!(!told.is_empty(), "{}", path.display());
        for finding in told {
            let action = finding["data"]["action"].as_str().unwrap();
            assert!(action.starts_with("sts:"), "{}: {action}", path.display());
            let start = finding["span"]["start"]["offset"].as_u64().unwrap();
            let end = finding["span"]["end"]["offset"].as_u64().unwrap();
            assert!(start < end, "{}", path.display());
        }
    }
}

#[test]
fn a_missing_tag_session_is_what_the_data_names() {
    let path = fixture("trust/err/pod-identity-without-tag-session.json");
    let report = check(&[], &[path]);
    let finding = told(&report)[0];
    assert_eq!(finding["data"]["action"], "sts:TagSession");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["data"]["verdict"], "implicit-deny");
}

#[test]
fn the_trust_policy_of_the_configuration_is_held_against_its_service_account() {
    let given = "service-account = \"platform/karpenter\"\n";
    let folder = controller("ok/web-identity", given);
    let (code, report) = check_in(&folder, &["iam"]);
    assert_eq!(code, 1);
    assert_eq!(rules(&report), ["error trust-policy"]);
    let finding = told(&report)[0];
    assert_eq!(finding["controller"], "demo");
    assert_eq!(finding["file"], "iam/trust.json");
    assert_eq!(finding["data"]["condition"]["sent"][0], "system:serviceaccount:platform:karpenter");
    let folder = controller("ok/web-identity-in-a-namespace-of-its-own", given);
    assert_eq!(check_in(&folder, &["iam"]).0, 0);
}

#[test]
fn without_a_service_account_another_one_is_a_warning_that_says_what_settles_it() {
    let folder = controller("err/subject-of-another-service-account", "");
    let (code, report) = check_in(&folder, &["iam"]);
    assert_eq!((code, rules(&report)), (0, vec!["warning trust-policy".to_owned()]));
    let (_, text, _) = program(folder.path(), &["--karpenter=1.14", "iam"]);
    assert!(text.contains("service-account = \"kube-system/karpenter\""), "{text}");
}

#[test]
fn a_provider_of_another_account_is_of_no_use() {
    let path = fixture("trust/ok/web-identity.json");
    let report = check(&["--account=999988887777"], std::slice::from_ref(&path));
    assert_eq!(rules(&report), ["error trust-policy"]);
    assert_eq!(rules(&check(&["--account=111122223333"], &[path])), [""; 0]);
}

#[test]
fn a_role_that_launches_and_trusts_ec2_is_a_controller_with_the_wrong_trust() {
    let mut template = serde_json::json!({"Resources": {"Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "karpenter",
            "AssumeRolePolicyDocument": policy("trust/ok/node.json"),
            "Policies": [{"PolicyName": "karpenter",
                          "PolicyDocument": policy("json/ok/karpenter-1.14.json")}]
        }
    }}});
    let run = |template: &Value| {
        let folder = folder(&[("template.json", template.to_string().as_str())]);
        check(&["--karpenter=1.14"], &[folder.path().join("template.json")])
    };
    let report = run(&template);
    assert_eq!(rules(&report), ["error trust-policy"]);
    let finding = told(&report)[0];
    assert_eq!(finding["data"]["written"], "ec2.amazonaws.com");
    assert_eq!(finding["address"], "Role");
    template["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"] =
        policy("trust/ok/pod-identity.json");
    assert_eq!(rules(&run(&template)), [""; 0]);
}

#[test]
fn the_role_that_is_passed_has_to_let_in_ec2() {
    let template = serde_json::json!({"Resources": {
        "Policy": {"Type": "AWS::IAM::ManagedPolicy",
                   "Properties": {"PolicyDocument": policy("json/ok/karpenter-1.14.json")}},
        "Nodes": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": "KarpenterNodeRole-demo",
            "AssumeRolePolicyDocument": policy("trust/ok/pod-identity.json")}}
    }});
    let folder = folder(&[("template.json", template.to_string().as_str())]);
    let report = check(&["--karpenter=1.14"], &[folder.path().join("template.json")]);
    assert_eq!(rules(&report), ["error trust-policy"]);
    assert_eq!(told(&report)[0]["data"]["action"], "sts:AssumeRole");
}

#[test]
fn a_trust_policy_that_is_named_alone_is_said_to_have_been_looked_at() {
    let root = fixture("trust");
    let said = |name: &str| program(&root, &["--no-config", name]);
    let (code, text, _) = said("ok/web-identity.json");
    assert_eq!(
        (code, text.as_str()),
        (
            0,
            "ok/web-identity.json lets in the service account kube-system/karpenter by the OIDC provider\n"
        )
    );
    let (code, text, _) = said("err/audience-misspelt.json");
    assert!(
        code == 1 && text.ends_with("does not let the controller take the role: 1 error\n"),
        "{text}"
    );
}

#[test]
fn of_several_trust_policies_that_say_nothing_of_karpenter_none_is_judged() {
    let other = policy("trust/err/subject-of-another-service-account.json");
    let (one, two) = (other.to_string(), other.to_string().replace("aws-node", "ebs-csi"));
    let folder = folder(&[("a.json", one.as_str()), ("b.json", two.as_str())]);
    let paths = [folder.path().join("a.json"), folder.path().join("b.json")];
    assert_eq!(rules(&check(&[], &paths)), [""; 0]);
}

/// A module leaves it to its caller to name the provider: `""` stands for that, and is no ARN.
#[test]
fn an_empty_default_is_no_provider() {
    let text = r#"
variable "oidc_provider_arn" { default = "" }
resource "aws_iam_role" "karpenter" {
  name = "karpenter"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity", Principal = { Federated = var.oidc_provider_arn } }] })
}
resource "aws_iam_role_policy" "karpenter" {
  role   = aws_iam_role.karpenter.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}
"#;
    let folder = folder(&[("main.tf", text)]);
    let (_, report) = check_in(&folder, &["main.tf"]);
    let told = told(&report);
    assert!(
        !told.iter().any(|one| one["message"].to_string().contains("is not the ARN")),
        "{told:?}"
    );
}
