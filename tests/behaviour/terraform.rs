//! Terraform source: what a folder, its modules and its files come to, and what is never read.

use std::fs;
use std::path::Path;

use crate::common::{check, check_with_errors, fixture, folder, program, rules};
use serde_json::Value;

/// The good policy as a document that the given arguments are put into.
fn document() -> String {
    fs::read_to_string(fixture("same/good/document/main.tf")).unwrap()
}

fn controllers(report: &Value) -> Vec<&str> {
    let controllers = report["controllers"].as_array().unwrap().iter();
    controllers.map(|controller| controller["name"].as_str().unwrap()).collect()
}

fn report(folder: &Path, args: &[&str]) -> (i32, Value, String) {
    let all = [&["--no-config", "--karpenter=1.4", "--format=json"], args].concat();
    let (code, out, err) = program(folder, &all);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}")), err)
}

#[test]
fn the_files_of_a_folder_are_one_module() {
    let attach = "resource \"aws_iam_role_policy_attachment\" \"a\" {\n  role = aws_iam_role.r.name\n  \
                  policy_arn = aws_iam_policy.karpenter.arn\n}\n";
    let role = "resource \"aws_iam_role\" \"r\" {\n  name = \"karpenter\"\n}\n";
    let all = folder(&[("policy.tf", &document()), ("attach.tf", attach), ("role.tofu", role)]);
    for named in [".", "attach.tf", "role.tofu", "*.tf"] {
        let (code, report, err) = report(all.path(), &[named]);
        assert_eq!((code, err.as_str()), (0, ""), "{named}");
        assert_eq!(controllers(&report), ["policy.tf aws_iam_role.r"], "{named}");
    }
}

#[test]
fn a_child_module_is_judged_with_its_caller_only() {
    let policy = document().replace("us-west-2", "${var.region}");
    let child = format!("variable \"region\" {{}}\n{policy}");
    let root = "module \"m\" {\n  source = \"./modules/k\"\n  region = var.where\n}\n\
                variable \"where\" { default = \"nowhere\" }\n";
    let all = folder(&[
        ("live/main.tf", root),
        ("live/terraform.tfvars", "where = \"elsewhere\"\n"),
        ("live/z.auto.tfvars.json", "{\"where\": \"us-west-2\"}"),
        ("live/modules/k/main.tf", &child),
        ("other/main.tf", "resource \"null_resource\" \"x\" {}\n"),
    ]);
    let (code, found, err) = report(all.path(), &["."]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(controllers(&found), ["live/"]);
    assert_eq!(found["controllers"][0]["settings"]["region"], "us-west-2");
    assert_eq!(
        found["controllers"][0]["documents"][0]["address"],
        "module.m.aws_iam_policy.karpenter"
    );
    let (_, given, _) = report(all.path(), &["--var", "where=eu-west-1", "live"]);
    assert_eq!(given["controllers"][0]["settings"]["region"], "eu-west-1");
    let (_, alone, _) = report(all.path(), &["live/modules/k"]);
    assert_eq!(alone["controllers"][0]["settings"]["region"], "${var.region}");
}

#[test]
fn installed_modules_are_found() {
    let list = r#"{"Modules":[{"Key":"","Dir":"."},{"Key":"m","Dir":".terraform/modules/m/sub"}]}"#;
    let root = "module \"m\" {\n  source = \"example/karpenter/aws//sub\"\n}\n";
    let all = folder(&[
        ("main.tf", root),
        (".terraform/modules/modules.json", list),
        (".terraform/modules/m/sub/main.tf", &document()),
    ]);
    let (code, found, err) = report(all.path(), &["main.tf"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(found["controllers"].as_array().unwrap().len(), 1);
    fs::remove_dir_all(all.path().join(".terraform")).unwrap();
    let (code, _, err) = report(all.path(), &["main.tf"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("`example/karpenter/aws//sub` is not here: run `terraform init`"),
        "{err}"
    );
}

#[test]
fn nothing_outside_is_read() {
    let outside = folder(&[("secret.json", "{\"Statement\": [{\"Action\": \"sts:secret\"}]}")]);
    let secret = outside.path().join("secret.json");
    let named = format!("../{}/secret.json", outside.path().file_name().unwrap().to_str().unwrap());
    let paths = ["../../etc/passwd", "/etc/passwd", &named, secret.to_str().unwrap(), "link.json"];
    for path in paths {
        let text = format!(
            "{}\nresource \"aws_iam_policy\" \"other\" {{\n  policy = file(\"{path}\")\n}}\n",
            document()
        );
        let all = folder(&[("main.tf", &text)]);
        std::os::unix::fs::symlink(&secret, all.path().join("link.json")).unwrap();
        let (code, found, err) = report(all.path(), &["main.tf"]);
        assert_eq!(code, 0, "{path}: {err}");
        assert_eq!(rules(&found), ["warning unsettled"], "{path}");
        let finding = &found["findings"][0];
        assert!(finding["message"].as_str().unwrap().contains("lies outside of the folders"));
        let at = |end: &str| finding["span"][end]["offset"].as_u64().unwrap() as usize;
        assert_eq!(&text[at("start")..at("end")], path);
        assert!(!found.to_string().contains("sts:secret"), "{path}");
    }
    // Neither are modules, nor links in a folder.
    let root = format!("{}\nmodule \"karpenter\" {{\n  source = \"../other\"\n}}\n", document());
    let all = folder(&[("a/main.tf", &root), ("other/main.tf", &document())]);
    std::os::unix::fs::symlink(all.path().join("other/main.tf"), all.path().join("a/b.tf"))
        .unwrap();
    let (code, found, err) = report(all.path(), &["a"]);
    assert_eq!(code, 0);
    assert_eq!(controllers(&found), ["a/main.tf"]);
    assert!(err.contains("`../other` lies outside of what was given"), "{err}");
    assert!(err.contains("passed over a/b.tf: a link that leads out of the folder"), "{err}");
    let (_, both, err) = report(all.path(), &["a", "other"]);
    assert_eq!(controllers(&both).len(), 2, "its own and that of the module it calls");
    assert!(!err.contains("outside of what"), "{err}");
}

#[test]
fn a_file_that_does_not_parse_leaves_the_others() {
    let all =
        folder(&[("good.tf", &document()), ("bad.tf", "resource \"aws_iam_role\" {\n  a = \n")]);
    for named in [".", "bad.tf"] {
        let (code, found, err) = report(all.path(), &[named]);
        // In a folder, a broken file without a policy is nobody's business.
        assert_eq!(code, if named == "." { 0 } else { 2 }, "{named}: {err}");
        assert_eq!(found["controllers"].as_array().unwrap().len(), 1, "{named}");
    }
    let (_, _, err) = report(all.path(), &["bad.tf"]);
    assert!(err.starts_with("could not check bad.tf:2:"), "{err}");
}

#[test]
fn override_files_and_the_other_language_win() {
    let wrong = document().replace("ec2:CreateFleet", "ec2:CreateFleets");
    let over = "resource \"aws_iam_policy\" \"karpenter\" {\n  policy = local.other\n}\n\
                locals {\n  other = data.aws_iam_policy_document.right.json\n}\n";
    let right =
        document().split("\nresource").next().unwrap().replace("\"karpenter\"", "\"right\"");
    let all = folder(&[("main.tf", &wrong), ("a_override.tf", over), ("right.tf", &right)]);
    let (code, _, err) = report(all.path(), &["."]);
    let left = "passed over data.aws_iam_policy_document.karpenter: nothing refers to it\n";
    assert_eq!((code, err.as_str()), (0, left));
    let all = folder(&[("main.tf", &wrong), ("main.tofu", &document())]);
    assert_eq!(report(all.path(), &["."]).0, 0);
}

#[test]
fn later_documents_override_by_sid() {
    let text = document().replace(
        "data \"aws_iam_policy_document\" \"karpenter\" {",
        "data \"aws_iam_policy_document\" \"karpenter\" {\n  override_policy_documents = [\n    \
         jsonencode({ Statement = [{ Sid = \"LaunchFromOwnTemplates\", Effect = \"Allow\", Action = \"s3:a\", Resource = \"*\" }] }),\n    \
         <<-EOF\n      {\"Statement\": {\"Sid\": \"LaunchFromOwnTemplates\", \"Effect\": \"Deny\", \"Action\": \"ec2:CreateFleet\", \"Resource\": \"*\"}}\n    EOF\n  ]",
    );
    let all = folder(&[("main.tf", &text)]);
    let (_, found, _) = report(all.path(), &["."]);
    assert_eq!(rules(&found)[0], "error explicit-deny");
    let finding = &found["findings"][0];
    let at = |end: &str| finding["span"][end]["offset"].as_u64().unwrap() as usize;
    assert_eq!(&text[at("start")..at("end")], "Deny");
}

#[test]
fn text_on_stdin_takes_its_place_in_the_module() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let role = "resource \"aws_iam_role_policy_attachment\" \"a\" {\n  role = \"karpenter\"\n  \
                policy_arn = aws_iam_policy.karpenter.arn\n}\n";
    let all = folder(&[("policy.tf", "# not saved yet\n"), ("role.tf", role)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_karplint"))
        .args(["--no-config", "--karpenter=1.4", "--stdin-filename=policy.tf"])
        .current_dir(all.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("policy.tf karpenter is ready for Karpenter 1.4"), "{out}");
}

#[test]
fn a_template_that_a_module_reads_is_not_judged_alone() {
    let (report, err) = check_with_errors(&["--karpenter=1.4"], &[fixture("same/good/template")]);
    assert_eq!((report["controllers"].as_array().unwrap().len(), err.as_str()), (1, ""));
}

#[test]
fn the_features_of_public_modules_work_together() {
    let report = check(&["--karpenter=1.9"], &[fixture("terraform/ok/eks-1.9")]);
    // Prices are granted by a statement that overrides another one.
    assert_eq!(rules(&report), Vec::<String>::new());
    let documents = report["controllers"][0]["documents"].as_array().unwrap();
    assert_eq!(documents[0]["address"], "module.karpenter[\"blue\"].aws_iam_policy.controller[0]");
    assert_eq!(report["controllers"][0]["settings"]["cluster-name"], "test-demo");
}

const ROLE: &str = "resource \"aws_iam_role\" \"r\" {\n  name = \"karpenter\"\n}\n";

#[test]
fn an_exclusive_list_removes_what_it_leaves_out() {
    let inline = document().replace("\"aws_iam_policy\"", "\"aws_iam_role_policy\"").replace(
        "name   = \"KarpenterController\"",
        "role   = aws_iam_role.r.id\n  name   = \"KarpenterController\"",
    );
    let only = |names: &str| {
        let list = format!(
            "variable \"some\" {{}}\nresource \"aws_iam_role_policies_exclusive\" \"only\" {{\n  \
             role_name = aws_iam_role.r.name\n  policy_names = {names}\n}}\n"
        );
        let all = folder(&[("main.tf", &format!("{ROLE}{inline}{list}"))]);
        let (_, found, err) = report(all.path(), &["main.tf"]);
        (rules(&found).contains(&"error missing-permission".to_owned()), err)
    };
    for kept in ["[\"KarpenterController\"]", "[\"other\", var.some]", "var.some"] {
        assert_eq!(only(kept), (false, String::new()), "{kept}");
    }
    let (_, told) = only("[\"other\"]");
    let removed = "passed over aws_iam_role_policy.karpenter: aws_iam_role_policies_exclusive.only does \
                   not list it, so it is removed from aws_iam_role.r\n";
    assert!(told.starts_with(removed), "{told}");
    // And of managed policies.
    let attach = "resource \"aws_iam_role_policy_attachment\" \"a\" {\n  role = aws_iam_role.r.name\n  \
                  policy_arn = aws_iam_policy.karpenter.arn\n}\n\
                  resource \"aws_iam_policy\" \"other\" {\n  name = \"other\"\n  policy = jsonencode({\n    \
                  Version = \"2012-10-17\"\n    Statement = [{ Effect = \"Allow\", Action = \"ec2:CreateFleet\", Resource = \"*\" }]\n  })\n}\n\
                  resource \"aws_iam_role_policy_attachments_exclusive\" \"only\" {\n  \
                  role_name = aws_iam_role.r.name\n  policy_arns = [aws_iam_policy.LISTED.arn]\n}\n";
    for (listed, ready) in [("karpenter", true), ("other", false)] {
        let text = format!("{ROLE}{}{}", document(), attach.replace("LISTED", listed));
        let all = folder(&[("main.tf", &text)]);
        let (_, found, err) = report(all.path(), &["main.tf"]);
        let denied = rules(&found).contains(&"error missing-permission".to_owned());
        assert_eq!((denied, err.is_empty()), (!ready, ready), "{listed}: {err}");
    }
}

#[test]
fn an_attached_policy_that_nobody_knows_may_grant() {
    let less = document().replace("      \"ec2:CreateFleet\",\n", "");
    let attach = |arn: &str| {
        format!(
            "variable \"more\" {{}}\nresource \"aws_iam_role_policy_attachment\" \"a\" {{\n  \
             role = aws_iam_role.r.name\n  policy_arn = aws_iam_policy.karpenter.arn\n}}\n\
             resource \"aws_iam_role_policy_attachment\" \"b\" {{\n  role = aws_iam_role.r.name\n  \
             policy_arn = {arn}\n}}\n"
        )
    };
    for (arn, sure) in [("var.more", false), ("aws_iam_policy.gone.arn", false), ("null", true)] {
        let all = folder(&[("main.tf", &format!("{less}{ROLE}{}", attach(arn)))]);
        let (_, found, _) = report(all.path(), &["main.tf"]);
        let denied = rules(&found).contains(&"error missing-permission".to_owned());
        assert_eq!(denied, sure, "{arn}: {:?}", rules(&found));
    }
}

/// Two modules that call each other: neither was a root, so that a tree with a policy was said to have none.
#[test]
fn modules_that_call_each_other_are_told_and_judged() {
    let policy = "module \"b\" { source = \"../b\" }\n\
                  resource \"aws_iam_policy\" \"karpenter\" {\n  policy = jsonencode({\n    \
                  Statement = [{ Effect = \"Allow\", Action = [\"ec2:RunInstances\"], Resource = \"*\" }]\n  })\n}\n";
    let all =
        folder(&[("a/main.tf", policy), ("b/main.tf", "module \"a\" { source = \"../a\" }\n")]);
    let (report, told) = check_with_errors(&[], &[all.path().to_path_buf()]);
    assert!(told.contains("main.tf calls itself in a circle, which Terraform refuses"), "{told}");
    assert_eq!(report["controllers"].as_array().unwrap().len(), 1, "{report}");
}
