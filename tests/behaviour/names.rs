//! What a fix writes has the names of the place where it is written: of a module, of a template file, of YAML.

use std::fs;
use std::path::Path;

use crate::common::{fixture, folder, program};

const FIX: [&str; 5] = ["check", "--no-config", "--karpenter=1.4", "--fix", "--unsafe-fixes"];

fn good(form: &str) -> String {
    fs::read_to_string(fixture("same/good").join(form)).unwrap()
}

/// The good policy with the names of variables in the place of the region and of the cluster.
fn with_names(form: &str, region: &str, cluster: &str) -> String {
    let mut text = good(form).replace("us-west-2", region);
    for before in ["/", "-", "\"", ":"] {
        text = text.replace(&format!("{before}demo\""), &format!("{before}{cluster}\""));
    }
    assert!(!text.contains("demo"), "{text}");
    text
}

/// The text without what stands between two pieces of it, the first included.
fn without(text: &str, from: &str, to: &str) -> String {
    let start = text.find(from).unwrap();
    let end = start + text[start..].find(to).unwrap();
    format!("{}{}", &text[..start], &text[end..])
}

fn without_removal(template: &str) -> String {
    let at = "    {\n      \"Sid\": \"RemoveOwnResources\"";
    without(template, at, "    {\n      \"Sid\": \"PassNodeRole\"")
}

fn fix(folder: &Path) -> String {
    let (_, out, err) = program(folder, &[&FIX[..], &["."]].concat());
    out + &err
}

const CALL: &str = "variable \"name\" {}\nvariable \"where\" {}\nresource \"aws_iam_policy\" \"karpenter\" {\n  \
    policy = templatefile(\"${path.module}/policy.json.tftpl\", { cluster = var.name, region = var.where })\n}\n";

#[test]
fn a_fix_of_a_template_file_has_the_names_that_the_template_is_given() {
    let template = without_removal(&with_names("policy.json", "${region}", "${cluster}"));
    let all = folder(&[("main.tf", CALL), ("policy.json.tftpl", &template)]);
    let said = fix(all.path());
    let text = fs::read_to_string(all.path().join("policy.json.tftpl")).unwrap();
    assert!(!text.contains("${var."), "{text}");
    assert!(text.contains("\"arn:aws:ec2:${region}:111122223333:instance/*\""), "{said}\n{text}");
    assert!(said.contains("in 1 file"), "{said}");
    let (code, out, err) = program(all.path(), &["check", "--no-config", "--karpenter=1.4", "."]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_template_file_knows_no_variable_of_the_module() {
    let template = with_names("policy.json", "${var.where}", "${cluster}");
    let all = folder(&[("main.tf", CALL), ("policy.json.tftpl", &template)]);
    let args = ["check", "--no-config", "--karpenter=1.4", "--format=concise", "."];
    let (code, out, err) = program(all.path(), &args);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("`var` is not among the names that this template is given"), "{out}");
    // What is given as a whole that nobody knows may hold it.
    let unknown = CALL.replace("{ cluster = var.name, region = var.where }", "var.all");
    let all = folder(&[("main.tf", &unknown), ("policy.json.tftpl", &template)]);
    let (_, out, _) = program(all.path(), &args);
    assert!(!out.contains("is not among the names"), "{out}");
}

const TWICE: &str = "module \"a\" {\n  source = \"./k\"\n  cluster = \"blue\"\n  region = \"us-west-2\"\n}\n\
    module \"b\" {\n  source = \"./k\"\n  cluster = \"green\"\n  region = \"eu-west-1\"\n}\n";

const INPUTS: &str = "variable \"cluster\" {}\nvariable \"region\" {}\n";

#[test]
fn a_module_that_is_called_twice_is_fixed_with_its_own_variables() {
    let document = with_names("document/main.tf", "${var.region}", "${var.cluster}");
    let broken = without(
        &document,
        "  statement {\n    sid = \"RemoveOwnResources\"",
        "  statement {\n    sid = \"PassNodeRole\"",
    );
    let module = format!("{INPUTS}{broken}");
    for calls in [TWICE, TWICE.split_once("module \"b\"").unwrap().0] {
        let all = folder(&[("main.tf", calls), ("k/main.tf", &module)]);
        let said = fix(all.path());
        let text = fs::read_to_string(all.path().join("k/main.tf")).unwrap();
        assert!(!["blue", "green", "us-west-2"].iter().any(|word| text.contains(word)), "{text}");
        assert!(
            text.contains("arn:aws:ec2:${var.region}:111122223333:instance/*"),
            "{said}\n{text}"
        );
        let args = ["check", "--no-config", "--karpenter=1.4", "."];
        let (code, out, err) = program(all.path(), &args);
        assert_eq!(code, 0, "{out}{err}");
        assert!(!fix(all.path()).contains("fixed "), "there is nothing left to fix");
    }
}

#[test]
fn what_is_true_of_one_caller_is_not_written_for_all() {
    // The cluster is nowhere written by its name alone.
    let document = with_names("document/main.tf", "*", "${local.x}");
    let document = document.replace("[\"${local.x}\"]", "[\"*\"]");
    let document = document.replace("cluster/${local.x}\"", "${local.tag}\"");
    let document = document.replace(":*:111122223333:${local.tag}", ":*:111122223333:cluster/*");
    let document = document.replace("-${local.x}\"", "-*\"").replace(":${local.x}\"", ":*\"");
    let broken = without(
        &document,
        "  statement {\n    sid = \"RemoveOwnResources\"",
        "  statement {\n    sid = \"PassNodeRole\"",
    );
    let module = format!("{INPUTS}locals {{\n  tag = \"cluster/${{var.cluster}}\"\n}}\n{broken}");
    let all = folder(&[("main.tf", TWICE), ("k/main.tf", &module)]);
    let said = fix(all.path());
    let text = fs::read_to_string(all.path().join("k/main.tf")).unwrap();
    assert!(!["blue", "green"].iter().any(|word| text.contains(word)), "{said}\n{text}");
    assert!(!said.contains("in 0 files"), "{said}");
}

#[test]
fn a_plain_scalar_gives_way_to_a_star_in_quotes() {
    let tag = "\"aws:RequestTag/karpenter.sh/nodepool\": \"*\"";
    let form = good("map.yaml");
    let broken = form.replacen(tag, &tag.replace("\"*\"", "wrong"), 1);
    assert_ne!(form, broken);
    let all = folder(&[("map.yaml", &broken)]);
    let said = fix(all.path());
    assert_eq!(fs::read_to_string(all.path().join("map.yaml")).unwrap(), form, "{said}");
}

#[test]
fn a_text_without_blanks_stays_without_them() {
    let dense: serde_json::Value =
        serde_json::from_str(&without_removal(&good("policy.json"))).unwrap();
    let all = folder(&[("policy.json", &dense.to_string())]);
    let said = fix(all.path());
    let text = fs::read_to_string(all.path().join("policy.json")).unwrap();
    assert!(text.contains("ec2:TerminateInstances") && !text.contains(' '), "{said}\n{text}");
}
