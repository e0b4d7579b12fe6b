//! What is silenced, by whom, and what silences nothing.

use std::fs;

use crate::common::{fixture, folder, policy, program, statement};
use serde_json::{Value, json};

fn wide() -> Value {
    let mut policy = policy("json/ok/karpenter-1.14.json");
    statement(&mut policy, "RemoveOwnResources").as_object_mut().unwrap().remove("Condition");
    let discover = &mut statement(&mut policy, "Discover")["Action"];
    discover.as_array_mut().unwrap().push(json!("ec2:DescribeVpcs"));
    policy
}

fn report(folder: &std::path::Path, args: &[&str]) -> Value {
    let mut all = vec!["--format=json"];
    if !args.iter().any(|arg| arg.starts_with("--karpenter")) {
        all.push("--karpenter=1.14");
    }
    all.extend(args);
    let (_, out, err) = program(folder, &all);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"))
}

fn said(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|f| format!("{} {}", f["severity"].as_str().unwrap(), f["rule"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_baseline_silences_what_was_there_and_survives_moved_lines() {
    let text = serde_json::to_string_pretty(&wide()).unwrap();
    let files = folder(&[("p.json", &text)]);
    let here = files.path();
    let before = said(&report(here, &["p.json"]));
    assert_eq!(before, ["warning over-permissive", "note unused-permission"]);
    let (code, _, err) = program(
        here,
        &["--karpenter=1.14", "--fail-on=note", "--write-baseline=known.json", "p.json"],
    );
    assert_eq!((code, err.as_str()), (0, "known.json: 2 findings written\n"));
    let first = fs::read_to_string(here.join("known.json")).unwrap();
    assert!(!first.contains("\"line\"") && first.ends_with("}\n"));
    program(here, &["--karpenter=1.14", "--write-baseline=known.json", "p.json"]);
    assert_eq!(fs::read_to_string(here.join("known.json")).unwrap(), first);
    let names: Vec<_> =
        fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");

    // Everything moves, and is written in another way.
    fs::write(here.join("p.json"), format!("\n\n\n{}", wide())).unwrap();
    let silent = report(here, &["--baseline=known.json", "p.json"]);
    assert_eq!(said(&silent), Vec::<String>::new());
    assert_eq!(silent["summary"]["suppressed"], 2);

    // What is new is told, what is gone as well.
    let mut other = policy("json/ok/karpenter-1.14.json");
    statement(&mut other, "PassNodeRole")["Resource"] = json!("*");
    fs::write(here.join("p.json"), other.to_string()).unwrap();
    let told = report(here, &["--baseline=known.json", "p.json"]);
    let mut rules = said(&told);
    rules.sort();
    assert_eq!(
        rules,
        ["note unused-suppression", "note unused-suppression", "warning over-permissive"]
    );
    let stale =
        told["findings"].as_array().unwrap().iter().find(|f| f["rule"] == "unused-suppression");
    assert_eq!(stale.unwrap()["file"], "known.json");
}

#[test]
fn a_baseline_is_not_written_when_something_could_not_be_checked() {
    let files = folder(&[("p.json", &wide().to_string()), ("broken.json", "{\"Statement\": [")]);
    let (code, _, err) = program(
        files.path(),
        &["--karpenter=1.14", "--write-baseline=known.json", "p.json", "broken.json"],
    );
    assert_eq!(code, 2);
    assert!(err.contains("known.json is not written: something could not be checked"), "{err}");
    assert!(!files.path().join("known.json").exists());
    let (code, _, err) = program(files.path(), &["--baseline=none.json", "p.json"]);
    assert_eq!(code, 2);
    assert!(err.contains("none.json: cannot read the baseline"), "{err}");
    let (code, _, err) = program(files.path(), &["--baseline=p.json", "p.json"]);
    assert_eq!(code, 2);
    assert!(err.contains("could not check p.json:1:1: this is not a baseline"), "{err}");
}

#[test]
fn an_ignore_narrows_by_rule_path_action_sid_address_and_controller() {
    let text = wide().to_string();
    let suppressed = |narrow: &str| {
        let config =
            format!("[[ignore]]\nrule = \"unused-permission\"\n{narrow}\nreason = \"known\"\n");
        let files = folder(&[("karplint.toml", &config), ("iam/p.json", &text)]);
        let here = report(files.path(), &["iam/p.json"]);
        // From a folder below, the path is the same.
        let below = report(&files.path().join("iam"), &["p.json"]);
        let count = |report: &Value| report["summary"]["suppressed"].as_u64().unwrap();
        if !narrow.contains("controller") {
            assert_eq!(count(&here), count(&below), "{narrow}");
        }
        let unused = said(&here).iter().filter(|said| said.contains("unused-suppression")).count();
        assert!(unused == 0 || count(&here) == 0, "{narrow}");
        count(&here)
    };
    for narrow in [
        "",
        "path = \"iam/**\"",
        "action = \"ec2:describevpcs\"",
        "sid = \"Discover\"",
        "controller = \"iam/p.json\"",
    ] {
        assert_eq!(suppressed(narrow), 1, "{narrow}");
    }
    for narrow in [
        "path = \"other/**\"",
        "action = \"ec2:DescribeSubnets\"",
        "sid = \"Other\"",
        "controller = \"other\"",
        "address = \"aws_iam_policy.other\"",
    ] {
        assert_eq!(suppressed(narrow), 0, "{narrow}");
    }
}

#[test]
fn an_ignore_by_address_reaches_into_a_template() {
    let text =
        fs::read_to_string(fixture("suppress/ok/comment-above-the-document-1.4.yaml")).unwrap();
    let text: String = text
        .lines()
        .filter(|line| !line.contains("karplint:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let files = folder(&[("t.yaml", &text)]);
    let (_, out, _) = program(files.path(), &["--format=json", "--karpenter=1.4", "t.yaml"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    let unused = |finding: &&Value| finding["rule"] == "unused-permission";
    let found = told["findings"].as_array().unwrap().iter().find(unused).unwrap();
    let address = found["address"].as_str().unwrap();
    let config = format!(
        "[[ignore]]\nrule = \"unused-permission\"\naddress = \"{address}\"\nreason = \"known\"\n"
    );
    fs::write(files.path().join("karplint.toml"), config).unwrap();
    let (_, out, _) = program(files.path(), &["--format=json", "--karpenter=1.4", "t.yaml"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["summary"]["suppressed"], 1);
    assert_eq!(said(&told), Vec::<String>::new());
}

#[test]
fn an_ignore_that_silences_nothing_is_told_where_it_stands() {
    let good = policy("json/ok/karpenter-1.14.json").to_string();
    let config = "[[ignore]]\nrule = \"over-permissive\"\nreason = \"long gone\"\n";
    let files = folder(&[("karplint.toml", config), ("p.json", &good)]);
    let told = report(files.path(), &["p.json"]);
    assert_eq!(said(&told), ["note unused-suppression"]);
    let finding = &told["findings"][0];
    assert_eq!(
        (&finding["file"], &finding["span"]["start"]["line"]),
        (&json!("karplint.toml"), &json!(2))
    );
    // Where it could not have been of use, it is not told.
    assert_eq!(said(&report(files.path(), &["--hook", "p.json"])), Vec::<String>::new());
    assert_eq!(
        said(&report(files.path(), &["--select=unsettled", "p.json"])),
        Vec::<String>::new()
    );
    assert_eq!(
        said(&report(files.path(), &["--ignore=over-permissive", "p.json"])),
        Vec::<String>::new()
    );
    assert_eq!(
        said(&report(files.path(), &["--ignore=unused-suppression", "p.json"])),
        Vec::<String>::new()
    );
}

#[test]
fn a_rule_that_nobody_knows_is_refused_with_a_suggestion() {
    let good = policy("json/ok/karpenter-1.14.json").to_string();
    let config = "[[ignore]]\nrule = \"over-permisive\"\nreason = \"x\"\n";
    let files = folder(&[("karplint.toml", config), ("p.json", &good)]);
    let (code, _, err) = program(files.path(), &["p.json"]);
    assert_eq!(code, 2);
    assert_eq!(
        err,
        "could not check karplint.toml:2:8: `over-permisive` is not a rule (did you mean `over-permissive`?)\n"
    );
    for flag in ["--select=policy-sise", "--ignore=policy-sise", "--severity=policy-sise=note"] {
        let (code, _, err) = program(files.path(), &["--no-config", flag, "p.json"]);
        assert_eq!(code, 2, "{flag}");
        assert!(
            err.contains("there is no rule `policy-sise` (did you mean `policy-size`?)"),
            "{err}"
        );
    }
}

#[test]
fn select_ignore_and_severity_know_every_rule() {
    let files = folder(&[("p.json", &wide().to_string())]);
    for rule in karplint::lints::ids() {
        let own = |report: &Value| said(report).iter().filter(|said| said.ends_with(rule)).count();
        let all = report(files.path(), &["p.json"]);
        let selected = report(files.path(), &[&format!("--select={rule}"), "p.json"]);
        assert_eq!(said(&selected).len(), own(&all), "{rule}");
        let ignored = report(files.path(), &[&format!("--ignore={rule}"), "p.json"]);
        assert_eq!(own(&ignored), 0, "{rule}");
        assert!(ignored["summary"]["suppressed"].as_u64().unwrap() as usize <= own(&all), "{rule}");
        let raised = report(files.path(), &[&format!("--severity={rule}=error"), "p.json"]);
        assert_eq!(raised["summary"]["errors"].as_u64().unwrap() as usize, own(&all), "{rule}");
    }
}

#[test]
fn a_comment_covers_its_line_or_the_block_below() {
    let text = fs::read_to_string(fixture("same/good/map.yaml")).unwrap();
    let at = text.lines().position(|line| line.contains("ec2:DescribeSubnets")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let item = lines[at];
    let with = |comment: &str, above: bool| {
        let mut out: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let vpcs = item.replace("ec2:DescribeSubnets", "ec2:DescribeVpcs");
        let indent = &item[..item.len() - item.trim_start().len()];
        if above {
            out.insert(at, vpcs);
            out.insert(at, format!("{indent}# {comment}"));
        } else {
            out.insert(at, format!("{vpcs} # {comment}"));
        }
        let files = folder(&[("t.yaml", &out.join("\n"))]);
        let (_, out, _) = program(files.path(), &["--format=json", "--karpenter=1.4", "t.yaml"]);
        said(&serde_json::from_str(&out).unwrap())
    };
    for above in [true, false] {
        let reason =
            with("karplint: ignore[over-permissive, unused-permission] a script needs it", above);
        assert_eq!(reason, Vec::<String>::new(), "{above}");
        let mut none = with("karplint: ignore[unused-permission]", above);
        none.sort();
        assert_eq!(none, ["note unused-permission", "warning unused-suppression"], "{above}");
    }
}

#[test]
fn a_comment_in_terraform_silences_its_line_or_its_block() {
    let text = fs::read_to_string(fixture("same/good/document/main.tf")).unwrap();
    let bad = "  statement {\n    sid = \"More\"\n    actions = [\n      \"s3:GetObject\",\n      \"s3:PutObject\",\n    ]\n    resources = [\"arn:aws:s3:::a/*\"]\n  }\n";
    let with = |bad: &str| text.replacen("  statement {", &format!("{bad}  statement {{"), 1);
    let told = |text: &str| {
        let files = folder(&[("main.tf", text)]);
        said(&report(files.path(), &["--karpenter=1.4", "."]))
    };
    let plain = told(&with(bad));
    assert_eq!(plain.iter().filter(|line| line.contains("unused-permission")).count(), 1);
    let above = format!("  # karplint: ignore[unused-permission] the backup job\n{bad}");
    assert_eq!(told(&with(&above)), Vec::<String>::new());
    let behind = bad.replace(
        "\"s3:GetObject\",",
        "\"s3:GetObject\", // karplint: ignore[unused-permission] the backup job",
    );
    assert_eq!(told(&with(&behind)), Vec::<String>::new());
    let elsewhere = format!("{}\n# karplint: ignore[unused-permission] nothing\n", with(bad));
    assert!(told(&elsewhere).iter().any(|line| line.contains("unused-suppression")));
}
