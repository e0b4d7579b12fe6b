//! Small files that hold tens of thousands of one thing: work is in proportion to what there is, and not to its
//! square. Each took from five seconds to more than a minute.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Processor time of a run, in seconds. Most take one or two where nothing is optimized.
const SECONDS: u32 = 60;

fn karplint(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -t {SECONDS}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_karplint"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code().is_some_and(|code| code <= 2),
        "{args:?}: {}: {err}",
        output.status
    );
    output
}

fn check(name: &str, text: &str, flags: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let args: Vec<&str> = ["check", "--no-config", name].iter().chain(flags).copied().collect();
    karplint(folder.path(), &args)
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(|at| format!("\"{}\"", item(at))).collect();
    items.join(",")
}

fn allow(actions: &str, resources: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":[{resources}]}}]}}"#
    )
}

#[test]
fn placeholders_of_many_names() {
    let resources = list(18_000, |at| format!("arn:aws:ec2:${{A{at}}}:${{B{at}}}:${{C{at}}}"));
    let policy = allow(r#""ec2:CreateFleet","iam:PassRole""#, &resources);
    check("policy.json", &policy, &["--format=concise", "--karpenter=1.4"]);
}

#[test]
fn misspelt_words_each_of_its_own() {
    let policy = allow(&list(20_000, |at| format!("ec2:CreateFleets{at}")), r#""*""#);
    let output = check("policy.json", &policy, &["--format=concise", "--no-karpenter"]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.lines().count() > 19_000, "{}", out.lines().count());
}

#[test]
fn keys_that_stand_twice() {
    // Still less than the largest document that is read.
    let again = vec![r#""Action":"ec2:CreateFleet""#; 35_000].join(",");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{{again},"Effect":"Allow","Resource":"*"}}]}}"#
    );
    let output = check("policy.json", &policy, &["--format=concise", "--no-karpenter"]);
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn frames_of_one_minified_line() {
    let policy = allow(&list(8_000, |at| format!("ec2:CreateFleets{at}")), r#""*""#);
    let output = check("policy.json", &policy, &["--format=human", "--no-karpenter"]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.matches("\u{256d}").count() >= 8_000, "{}", out.matches("\u{256d}").count());
}

#[test]
fn roles_of_one_minified_template() {
    let policy = include_str!("../fixtures/json/err/create-fleet-missing.json");
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let mut roles = String::new();
    for at in 0..300 {
        let comma = if at == 0 { "" } else { "," };
        write!(
            roles,
            r#"{comma}"R{at}":{{"Type":"AWS::IAM::Role","Properties":{{"RoleName":"karpenter{at}","AssumeRolePolicyDocument":{{"Version":"2012-10-17","Statement":[]}},"Policies":[{{"PolicyName":"x","PolicyDocument":{policy}}}]}}}}"#
        )
        .unwrap();
    }
    let template =
        format!(r#"{{"AWSTemplateFormatVersion":"2010-09-09","Resources":{{{roles}}}}}"#);
    check("template.json", &template, &["--format=concise", "--karpenter=1.4"]);
}

#[test]
fn fixes_of_one_word_in_many_places() {
    let policy = allow(&list(15_000, |_| "ec2:CreateFleets".to_owned()), r#""*""#);
    let output = check("policy.json", &policy, &["--diff", "--no-karpenter"]);
    assert!(output.stdout.starts_with(b"--- a/policy.json"), "{:?}", output.status);
}

#[test]
fn fixes_in_a_text_with_escapes() {
    let policy = allow(&list(10_000, |_| "ec2:CreateFleets".to_owned()), r#""*""#);
    let text = serde_json::to_string(&policy).unwrap();
    let module = format!(
        "resource \"aws_iam_policy\" \"p\" {{\n  name = \"karpenter\"\n  policy = {text}\n}}\n"
    );
    let output = check("main.tf", &module, &["--diff", "--no-karpenter"]);
    assert!(output.stdout.starts_with(b"--- a/main.tf"), "{:?}", output.status);
}

#[test]
fn a_long_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let policy = allow(&list(20_000, |at| format!("ec2:CreateFleets{at}")), r#""*""#);
    fs::write(folder.path().join("policy.json"), policy).unwrap();
    let args = ["check", "--no-config", "--no-karpenter", "--format=concise", "policy.json"];
    let with = |flag: &'static str| [args.as_slice(), &[flag, "baseline.json"]].concat();
    karplint(folder.path(), &with("--write-baseline"));
    let output = karplint(folder.path(), &with("--baseline"));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(!out.contains("unknown-action"), "{}", out.len());
}

#[test]
fn a_request_of_many_patterns_and_results_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let policy = allow(r#""*""#, &list(2_000, |at| format!("a*b*c*d*e*f*g*h{at}*")));
    let arn = format!("arn:aws:ec2:us-east-1:1:{}", "abcdefg".repeat(500));
    let actions = list(100, |_| "ec2:RunInstances".to_owned());
    let large = format!(
        r#"{{"PolicyInputList":[{policy}],"ActionNames":[{actions}],"ResourceArns":[{}]}}"#,
        list(100, |_| arn.clone())
    );
    let small = format!(
        r#"{{"PolicyInputList":[{policy}],"ActionNames":["ec2:RunInstances"],"ResourceArns":["{arn}"]}}"#
    );
    fs::write(folder.path().join("requests.jsonl"), format!("{large}\n{small}\n")).unwrap();
    let output = karplint(folder.path(), &["simulate", "--request", "requests.jsonl"]);
    let out = String::from_utf8(output.stdout).unwrap();
    let mut lines = out.lines();
    let (refused, answered) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(refused.contains("too many comparisons"), "{refused}");
    assert!(answered.contains("implicitDeny"), "{answered}");
    assert_eq!(output.status.code(), Some(2));
}
