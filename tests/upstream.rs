//! Upstream's own templates, where they are at hand beside the checkout: no error with default
//! settings nor with the features that they serve, and their known gaps do show.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

#[path = "generate/templates.rs"]
mod templates;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use karplint::cli::{Args, run};
use serde_json::Value;

use templates::TEMPLATES;

fn template(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/karpenter/policies");
    let path = root.join(folder).join("cloudformation.yaml");
    path.is_file().then_some(path)
}

fn check(version: &str, files: &[PathBuf], flags: &[&str]) -> Value {
    let mut args = vec![
        "karplint".to_owned(),
        "--no-config".into(),
        "--format=json".into(),
        format!("--karpenter={version}"),
    ];
    args.extend(flags.iter().map(|flag| (*flag).to_owned()));
    args.extend(files.iter().map(|file| file.display().to_string()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    run(Args::try_parse_from(args).unwrap(), false, &mut out, &mut err).unwrap();
    let report: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(report["errors"], Value::Array(vec![]), "{version}");
    report
}

fn of(report: &Value, severity: &str) -> Vec<String> {
    let all = report["findings"].as_array().unwrap();
    all.iter()
        .filter(|f| f["severity"] == severity)
        .map(|f| format!("{} {}", f["rule"].as_str().unwrap(), f["message"].as_str().unwrap()))
        .collect()
}

/// What is wrong with a template whoever asks: 1.12 grants GetManagedResource on the ARN of the
/// cluster, which AWS authorises on load balancers only.
fn known_mistakes(version: &str) -> Vec<String> {
    let rule = "action-resource-mismatch `arc-zonal-shift:GetManagedResource` never meets the resources of this statement: nothing is granted here";
    if version == "1.12" { vec![rule.to_owned()] } else { Vec::new() }
}

fn minor(version: &str) -> u32 {
    let (major, minor) = version.split_once('.').unwrap();
    major.parse::<u32>().unwrap() * 100 + minor.parse::<u32>().unwrap()
}

#[test]
fn every_template_serves_its_minor() {
    for (version, folder) in TEMPLATES {
        let Some(path) = template(folder) else {
            println!("skipped: upstream's templates are not beside this checkout");
            return;
        };
        let report = check(version, std::slice::from_ref(&path), &[]);
        assert_eq!(report["controllers"].as_array().unwrap().len(), 1, "{version}");
        assert_eq!(of(&report, "error"), Vec::<String>::new(), "{version}");
        assert_eq!(of(&report, "warning"), known_mistakes(version), "{version}");
    }
}

#[test]
fn the_rules_about_the_policy_itself_find_nothing_else() {
    let rules = [
        "action-resource-mismatch",
        "duplicate-key",
        "duplicate-sid",
        "empty-element",
        "invalid-arn",
        "invalid-principal",
        "invalid-version",
        "operator-type-mismatch",
        "resource-level-unsupported",
        "syntax",
        "unknown-action",
        "unknown-condition-key",
        "unknown-operator",
        "unknown-service",
        "unreachable-statement",
        "wildcard-in-equals",
    ];
    let select: Vec<String> = rules.iter().map(|rule| format!("--select={rule}")).collect();
    let mut flags = vec!["--no-karpenter"];
    flags.extend(select.iter().map(String::as_str));
    for (version, folder) in TEMPLATES {
        let Some(path) = template(folder) else {
            println!("skipped: upstream's templates are not beside this checkout");
            return;
        };
        let report = check(version, &[path], &flags);
        assert_eq!(of(&report, "error"), Vec::<String>::new(), "{version}");
        assert_eq!(of(&report, "warning"), known_mistakes(version), "{version}");
        assert_eq!(of(&report, "note"), Vec::<String>::new(), "{version}");
    }
}

/// What is said of the templates besides, all of it true: what a release stopped asking for, a launch
/// template of anybody in 0.32 and 0.33, the only call of EC2 in any region in 1.12, the length of one policy for everything before it was split.
const NOTES: &[(&str, &[&str])] = &[
    (
        "0.32",
        &[
            "over-permissive launch from",
            "unused-permission `ec2:DescribeAvailabilityZones`",
            "unused-permission `sqs:GetQueueAttributes`",
        ],
    ),
    ("0.33", &["over-permissive launch from", "unused-permission `ec2:DescribeAvailabilityZones`"]),
    ("0.34", &["unused-permission `ec2:DescribeAvailabilityZones`"]),
    ("0.35", &["unused-permission `ec2:DescribeAvailabilityZones`"]),
    ("0.36", &["unused-permission `ec2:DescribeAvailabilityZones`"]),
    ("0.37", &["unused-permission `ec2:DescribeAvailabilityZones`"]),
    ("1.0", &["unused-permission `ec2:DescribeAvailabilityZones`"]),
    ("1.3", &["policy-size cluster name of 3"]),
    ("1.4", &["policy-size cluster name of 3"]),
    ("1.5", &["policy-size cluster name of 3"]),
    ("1.6", &["policy-size cluster name of 3"]),
    ("1.7", &["policy-size cluster name of 2"]),
    ("1.8", &["policy-size cluster name of 2"]),
    (
        "1.12",
        &[
            "over-permissive `ec2:DescribeInstanceStatus` without asking for `aws:RequestedRegion`",
            "unused-permission `arc-zonal-shift:GetManagedResource` on these resources",
        ],
    ),
];

#[test]
fn nothing_else_is_said_of_the_templates_but_what_is_true() {
    for (version, folder) in TEMPLATES {
        let Some(path) = template(folder) else { return };
        let report = check(version, &[path], &[]);
        let mut notes = of(&report, "note");
        notes.sort();
        let expected =
            NOTES.iter().find(|(known, _)| known == version).map_or(&[][..], |known| known.1);
        assert_eq!(notes.len(), expected.len(), "{version}: {notes:?}");
        for (note, expected) in notes.iter().zip(expected) {
            let (rule, words) = expected.split_once(' ').unwrap();
            assert!(note.starts_with(rule) && note.contains(words), "{version}: {note}");
        }
    }
}

#[test]
fn features_that_a_template_serves_need_nothing_more() {
    for (version, folder) in TEMPLATES {
        let Some(path) = template(folder) else { return };
        let mut features = vec!["isolated-vpc", "cluster-endpoint", "disable-dry-run"];
        if minor(version) >= 101 {
            features.push("eks-control-plane");
        }
        if minor(version) >= 103 {
            features.push("reserved-capacity");
        }
        if minor(version) >= 111 {
            features.push("placement-group");
        }
        if minor(version) >= 113 {
            features.push("zonal-shift");
        }
        let each: Vec<String> =
            features.iter().map(|feature| format!("--feature={feature}")).collect();
        for feature in &each {
            let report = check(version, std::slice::from_ref(&path), &[feature]);
            assert_eq!(of(&report, "error"), Vec::<String>::new(), "{version} {feature}");
        }
        let mut all: Vec<&str> = each.iter().map(String::as_str).collect();
        all.extend([
            "--capacity-type=on-demand",
            "--capacity-type=spot",
            "--node-pool=general",
            "--node-class=default",
        ]);
        let report = check(version, std::slice::from_ref(&path), &all);
        assert_eq!(of(&report, "error"), Vec::<String>::new(), "{version} with everything");
    }
}

#[test]
fn its_documents_as_plain_json_with_union_serve_it_too() {
    for (version, folder) in TEMPLATES {
        let Some(path) = template(folder) else { return };
        let text = fs::read_to_string(path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        // JSON stands below `PolicyDocument: !Sub |`, deeper than eight blanks.
        let mut document = String::new();
        let mut inside = false;
        for line in text.lines().chain(std::iter::once("end")) {
            if inside && (line.is_empty() || line.starts_with("        ")) {
                document.push_str(line);
                document.push('\n');
                continue;
            }
            if inside {
                let file = folder.path().join(format!("{}.json", files.len()));
                let filled = document
                    .replace("${AWS::Partition}", "aws")
                    .replace("${AWS::Region}", "us-west-2")
                    .replace("${AWS::AccountId}", "111122223333")
                    .replace("${ClusterName}", "demo")
                    .replace(
                        "${KarpenterNodeRole.Arn}",
                        "arn:aws:iam::111122223333:role/KarpenterNodeRole-demo",
                    )
                    .replace(
                        "${KarpenterInterruptionQueue.Arn}",
                        "arn:aws:sqs:us-west-2:111122223333:demo",
                    );
                fs::write(&file, filled).unwrap();
                files.push(file);
                document.clear();
            }
            inside = line.trim_start().starts_with("PolicyDocument: !Sub |");
        }
        assert!(!files.is_empty(), "{version}");
        let report = check(version, &files, &["--union"]);
        assert_eq!(of(&report, "error"), Vec::<String>::new(), "{version}");
        assert_eq!(of(&report, "warning"), known_mistakes(version), "{version}");
    }
}

fn denied(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let mut out: Vec<String> = findings
        .flat_map(|f| f["data"]["denied"].as_array().cloned().unwrap_or_default())
        .map(|d| d["action"].as_str().unwrap().to_owned())
        .collect();
    out.sort();
    out.dedup();
    out
}

#[test]
fn the_known_gaps_of_the_templates_do_show() {
    // GetManagedResource is granted on the cluster's ARN, which does not work.
    let Some(path) = template("v1.12") else { return };
    let report = check("1.12", &[path], &["--feature=zonal-shift"]);
    assert_eq!(denied(&report), ["arc-zonal-shift:GetManagedResource"]);
    assert_eq!(of(&report, "error").len(), 1);

    // The mock template of generation A: nobody can tell, one warning.
    for version in ["1.3.4", "1.4.0", "1.5.4", "1.6.3"] {
        let Some(path) = template(if version == "1.3.4" { "v1.3" } else { "v1.4" }) else { return };
        let report = check(version, &[path], &[]);
        assert_eq!(of(&report, "error"), Vec::<String>::new(), "{version}");
        assert_eq!(of(&report, "warning").len(), 1, "{version}: {:?}", of(&report, "warning"));
        let fleet = report["controllers"][0]["requests"].as_array().unwrap();
        let fleet = fleet.iter().find(|r| r["id"] == "validation.create-fleet.mock").unwrap();
        assert_eq!(
            (fleet["verdict"].as_str(), fleet["http_status"].is_null()),
            (Some("unsettled"), true),
            "{version}"
        );
    }

    // Accounts that never used spot.
    let Some(path) = template("v1.4") else { return };
    let report = check("1.4", &[path], &["--feature=spot-slr-absent", "--capacity-type=spot"]);
    assert_eq!(denied(&report), ["iam:CreateServiceLinkedRole"]);

    // Another node role than the one that the template makes.
    let Some(path) = template("v1.13") else { return };
    let role = "--node-role=arn:aws:iam::111122223333:role/mine";
    let report = check(
        "1.14",
        &[path],
        &["--cluster-name=demo", "--account=111122223333", "--partition=aws", role],
    );
    assert_eq!(of(&report, "error"), Vec::<String>::new(), "a hole may stand for that very role");
}
