//! Terraform modules whose code is not here: what they are given, what they attach, and what is said where
//! all that there is lies behind them.

use std::path::Path;

use crate::common::{folder, program, rules};
use serde_json::Value;

fn report(folder: &Path, args: &[&str]) -> (i32, Value, String) {
    let all = [&["--no-config", "--karpenter=1.4", "--format=json"], args].concat();
    let (code, out, err) = program(folder, &all);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}")), err)
}

fn controllers(report: &Value) -> Vec<&str> {
    let controllers = report["controllers"].as_array().unwrap().iter();
    controllers.map(|controller| controller["name"].as_str().unwrap()).collect()
}

/// A role of nodes, so that something else is here.
const NODES: &str = r#"
resource "aws_iam_role" "nodes" {
  name = "nodes"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
"#;

/// A document that launches, and no more.
const DOCUMENT: &str = r#"
data "aws_iam_policy_document" "karpenter" {
  statement {
    actions   = ["ec2:CreateFleet"]
    resources = ["*"]
  }
}
"#;

/// What is no advice.
fn said(report: &Value) -> Vec<String> {
    rules(report).into_iter().filter(|rule| !rule.starts_with("note")).collect()
}

fn in_main(text: &str) -> (i32, Value, String) {
    let all = folder(&[("main.tf", text)]);
    report(all.path(), &["."])
}

/// A queue's policy that a module was given was judged as what a controller may do.
#[test]
fn what_names_who_may_is_no_controller_s_wherever_it_goes() {
    let queue = r#"
data "aws_iam_policy_document" "queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }
}
module "karpenter_sqs" {
  source = "example/sqs/aws"
  policy = data.aws_iam_policy_document.queue.json
}
"#;
    let (code, found, err) = in_main(queue);
    assert_eq!(code, 0, "{err}");
    assert_eq!((rules(&found), controllers(&found)), (Vec::new(), Vec::new()));
}

/// Policies in a list, in a map or in each instance of a call were never judged, in silence.
#[test]
fn a_module_may_be_given_policies_in_any_form() {
    let forms = [
        "policy = data.aws_iam_policy_document.karpenter.json",
        "policies = [data.aws_iam_policy_document.karpenter.json]",
        "policies = data.aws_iam_policy_document.karpenter[*].json",
        "policies = { karpenter = data.aws_iam_policy_document.karpenter.json }",
        "role = { policies = [{ name = \"x\", policy = data.aws_iam_policy_document.karpenter.json }] }",
        "for_each = { k = data.aws_iam_policy_document.karpenter.json }\n  policy = each.value",
        "count = 1\n  policy = [data.aws_iam_policy_document.karpenter.json][count.index]",
    ];
    for form in forms {
        for beside in ["", NODES] {
            let call =
                format!("module \"irsa\" {{\n  source = \"example/irsa/aws\"\n  {form}\n}}\n");
            let (code, found, err) = in_main(&format!("{DOCUMENT}{beside}{call}"));
            assert_eq!((code, err.as_str()), (1, ""), "{form}");
            assert!(rules(&found).contains(&"error missing-permission".to_owned()), "{form}");
            let documents = found["controllers"][0]["documents"].as_array().unwrap();
            let address = documents[0]["address"].as_str().unwrap();
            assert!(address.starts_with("module.irsa"), "{form}: {address}");
        }
    }
    // None is called, so that nothing is given: the document stands by itself.
    let none = "module \"irsa\" {\n  source = \"example/irsa/aws\"\n  count = 0\n  \
                policy = data.aws_iam_policy_document.karpenter.json\n}\n";
    let (_, found, _) = in_main(&format!("{DOCUMENT}{NODES}{none}"));
    let address = &found["controllers"][0]["documents"][0]["address"];
    assert_eq!(address, "data.aws_iam_policy_document.karpenter");
}

/// What nobody can follow is said to go somewhere, and not to be nowhere.
#[test]
fn a_policy_that_nobody_can_follow_into_a_module_is_told() {
    let call = "variable \"more\" {}\nmodule \"irsa\" {\n  source = \"example/irsa/aws\"\n  \
                policies = merge(var.more, { karpenter = data.aws_iam_policy_document.karpenter.json })\n}\n";
    let why = "module.irsa: it is given `data.aws_iam_policy_document.karpenter` in a way that is not \
               known from these files, and its code is not here";
    let (code, _, err) = in_main(&format!("{DOCUMENT}{call}"));
    assert_eq!((code, err.matches(why).count()), (2, 1), "{err}");
    assert!(!err.contains("none holds"), "{err}");
    let (code, found, err) = in_main(&format!("{DOCUMENT}{NODES}{call}"));
    assert_eq!((code, err.matches(why).count()), (0, 1), "{err}");
    assert_eq!(rules(&found), Vec::<String>::new());
}

/// A role that such a module makes seemed to have nothing but what is added to it here.
#[test]
fn a_role_of_such_a_module_has_policies_that_nobody_sees() {
    let inline = |role: &str| {
        format!(
            "resource \"aws_iam_role_policy\" \"karpenter\" {{\n  role = {role}\n  policy = jsonencode({{ \
             Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"kms:Decrypt\", \
             Resource = \"*\" }}] }})\n}}\n"
        )
    };
    let call =
        |more: &str| format!("module \"k\" {{\n  source = \"example/irsa/aws\"\n  {more}\n}}\n");
    let roles =
        ["module.k.role_name", "\"${module.k.role_name}\"", "split(\"/\", module.k.arn)[1]"];
    for role in roles {
        let (code, found, err) = in_main(&format!("{}{}", call(""), inline(role)));
        assert_eq!((code, err.as_str()), (0, ""), "{role}");
        assert_eq!(said(&found), ["warning unsettled"], "{role}");
        let findings = found["findings"].to_string();
        assert!(findings.contains("may be granted by `module.k`, whose text"), "{findings}");
    }
    // Another module is another matter, and so is a role that is here.
    let here = "resource \"aws_iam_role\" \"k\" {\n  name = \"karpenter\"\n}\n";
    let (code, found, _) = in_main(&format!("{here}{}{}", call(""), inline("aws_iam_role.k.name")));
    assert_eq!(code, 1, "{:?}", rules(&found));
    let (code, found, _) = in_main(&format!("{}{}", call(""), inline("module.kk.role_name")));
    assert_eq!(code, 1, "{:?}", rules(&found));
    // What the module is given joins the role.
    let more = "policies = [data.aws_iam_policy_document.karpenter.json]";
    let text = format!("{DOCUMENT}{}{}", call(more), inline("module.k.role_name"));
    let (code, found, err) = in_main(&text);
    assert_eq!((code, err.as_str(), controllers(&found).len()), (0, "", 1), "{found}");
    assert_eq!(found["controllers"][0]["documents"].as_array().unwrap().len(), 2);
    // Each instance of the module makes a role of its own.
    let each = format!("for_each = toset([\"a\", \"b\"])\n  {more}");
    let text = format!("{DOCUMENT}{}{}", call(&each), inline("module.k[\"a\"].role_name"));
    let (_, found, _) = in_main(&text);
    assert_eq!(found["controllers"][0]["documents"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(controllers(&found).len(), 2, "{found}");
}

/// A module for Karpenter has more than the policies that it is given.
#[test]
fn what_a_module_for_karpenter_is_given_is_not_all_that_it_has() {
    let call = "module \"k\" {\n  source = \"example/eks/aws//modules/karpenter\"\n  \
                documents = [data.aws_iam_policy_document.karpenter.json]\n}\n";
    let (code, found, _) = in_main(&format!("{DOCUMENT}{call}"));
    assert_eq!((code, said(&found)), (0, vec!["warning unsettled".to_owned()]));
}

/// A module that one of the folders calls was judged, and then said to hold no policy.
#[test]
fn a_module_that_is_named_beside_its_caller_is_not_without_policy() {
    let all = "resource \"aws_iam_role_policy\" \"karpenter\" {\n  role = \"karpenter\"\n  \
               policy = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", \
               Action = \"*\", Resource = \"*\" }] })\n}\n";
    let root = "module \"k\" {\n  source = \"../mod\"\n}\n";
    let files = folder(&[
        ("envs/main.tf", root),
        ("mod/main.tf", all),
        ("other/main.tf", "resource \"null_resource\" \"x\" {}\n"),
    ]);
    for paths in [["envs", "mod"], ["mod", "envs"], ["envs/main.tf", "mod/main.tf"]] {
        let (code, found, err) = report(files.path(), &paths);
        assert_eq!((code, err.as_str()), (0, ""), "{paths:?}");
        assert!(!controllers(&found).is_empty(), "{paths:?}");
    }
    let (code, _, err) = report(files.path(), &["envs", "mod", "other"]);
    assert_eq!(code, 2);
    assert!(err.contains("no policy found in other"), "{err}");
}

/// The policy lies in a module outside of what was given: only the name of Karpenter brought that up.
#[test]
fn where_nothing_is_found_the_module_that_is_not_here_is_named() {
    let files = folder(&[
        ("envs/main.tf", "module \"k\" {\n  source = \"../mod\"\n}\n"),
        ("mod/main.tf", DOCUMENT),
    ]);
    let (code, _, err) = report(files.path(), &["envs"]);
    assert_eq!(code, 2);
    let why = "passed over module `k` of envs/main.tf: `../mod` lies outside of what was given";
    assert!(err.contains("no policy found in envs") && err.contains(why), "{err}");
}

/// Everybody knows AdministratorAccess, by whichever name it is looked up.
#[test]
fn administrator_access_is_known_by_its_name() {
    let text = r#"
data "aws_iam_policy" "admin" { name = "AdministratorAccess" }
resource "aws_iam_role" "karpenter" { name = "karpenter" }
resource "aws_iam_role_policy_attachment" "a" {
  role       = aws_iam_role.karpenter.name
  policy_arn = data.aws_iam_policy.admin.arn
}
resource "aws_iam_role_policy" "kms" {
  role   = aws_iam_role.karpenter.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "ec2:RunInstances", Resource = "*" }] })
}
"#;
    let (code, found, err) = in_main(text);
    assert_eq!((code, err.as_str()), (0, ""));
    let unsettled = rules(&found).iter().any(|rule| rule.ends_with("unsettled"));
    assert_eq!((unsettled, controllers(&found).len()), (false, 1));
}
