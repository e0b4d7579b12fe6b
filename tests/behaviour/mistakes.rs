//! The rules about the policy itself: what stands below `fixtures/lint/ok` is silent, what stands below
//! `fixtures/lint/err` says what its `.out` says, and every fixture of any kind is run through all of
//! them: `fixtures/lint/all.out` lists what they say, so that a false alarm elsewhere shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{check, check_policy, fixture, program, statement};
use serde_json::{Value, json};

/// Rules that need a Karpenter version, or that stand elsewhere.
const OTHERS: &[&str] = &[
    "cluster-name-mismatch",
    "condition-mismatch",
    "dry-run-blind",
    "dry-run-denied",
    "explicit-deny",
    "missing-permission",
    "over-permissive",
    "partition-mismatch",
    "pass-role-service",
    "policy-size",
    "resource-mismatch",
    "trust-policy",
    "unsettled",
    "unused-permission",
    "unused-suppression",
];

const RULES: &[&str] = &[
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

/// Every rule about the policy itself; the size of a document and what it grants too much are told by
/// tests of their own.
fn select() -> Vec<String> {
    RULES.iter().map(|rule| format!("--select={rule}")).collect()
}

fn lint(path: &Path) -> Value {
    let select = select();
    let mut flags = vec!["--no-karpenter"];
    flags.extend(select.iter().map(String::as_str));
    check(&flags, &[path.to_path_buf()])
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|e| ["json", "yaml", "yml", "tf"].iter().any(|k| e == *k))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn lines(report: &Value) -> String {
    let mut out = String::new();
    for finding in report["findings"].as_array().unwrap() {
        let start = &finding["span"]["start"];
        let word = |key: &str| finding[key].as_str().unwrap_or_default();
        out.push_str(&format!(
            "{}:{}: {}[{}]: {}",
            start["line"],
            start["column"],
            word("severity"),
            word("rule"),
            printable(word("message"))
        ));
        for key in ["help"] {
            if !word(key).is_empty() {
                out.push_str(&format!(" ({})", word(key)));
            }
        }
        let more = finding["related"].as_array().map_or(0, Vec::len);
        if more > 0 {
            out.push_str(&format!(" +{more}"));
        }
        out.push('\n');
    }
    out
}

/// One line a finding, whatever the policy holds.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn bless(path: &Path, said: &str) {
    if std::env::var_os("KARPLINT_BLESS").is_some() {
        fs::write(path, said).unwrap();
    }
}

#[test]
fn good_policies_are_silent() {
    let cases = files(&fixture("lint/ok"));
    assert!(cases.len() >= 20);
    for case in cases {
        assert_eq!(lines(&lint(&case)), "", "{}", case.display());
    }
}

#[test]
fn bad_policies_say_what_their_out_says() {
    for case in files(&fixture("lint/err")) {
        let said = lines(&lint(&case));
        let out = case.with_extension("out");
        bless(&out, &said);
        assert_eq!(said, fs::read_to_string(&out).unwrap_or_default(), "{}", case.display());
    }
}

#[test]
fn every_rule_has_a_fixture_that_fires_and_one_that_does_not_and_a_page() {
    let named = |folder: &str, rule: &str| -> Vec<PathBuf> {
        let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let of_rule = |path: &PathBuf| {
            name(path)
                .strip_prefix(rule)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        files(&fixture(folder)).into_iter().filter(of_rule).collect()
    };
    for rule in RULES {
        let fires = named("lint/err", rule);
        assert!(!fires.is_empty(), "nothing fires {rule}");
        for case in fires {
            let report = lint(&case);
            let found = report["findings"].as_array().unwrap();
            assert!(found.iter().any(|f| f["rule"] == *rule), "{} has no {rule}", case.display());
        }
        assert!(!named("lint/ok", rule).is_empty(), "no near miss of {rule}");
        let (code, page, _) = program(&fixture("lint"), &["explain", rule]);
        assert_eq!(code, 0, "{rule}");
        for part in ["https://docs.aws.amazon.com/", *rule] {
            assert!(page.contains(part), "{rule} says no {part}: {page}");
        }
    }
    let known: BTreeSet<&str> = RULES.iter().chain(OTHERS).copied().collect();
    for id in karplint::lints::ids() {
        assert!(known.contains(id), "{id} stands in neither list of this test");
    }
}

#[test]
fn every_fixture_runs_through_every_rule() {
    let root = fixture("");
    let mut said = String::new();
    for case in files(&root) {
        let name = case.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        // `tests/bad_days.rs` runs what is hostile as a whole.
        let hostile = name.starts_with("hostile/") && !name.contains("breaks-out-of-every-format");
        if name.starts_with("lint/") || hostile {
            continue;
        }
        let found = lines(&lint_or_nothing(&case));
        for line in found.lines() {
            said.push_str(&format!("{name}:{line}\n"));
        }
    }
    let out = fixture("lint/all.out");
    bless(&out, &said);
    assert_eq!(said, fs::read_to_string(out).unwrap());
}

/// Fixtures may hold files without policies, or broken ones.
fn lint_or_nothing(path: &Path) -> Value {
    let select = select();
    let mut flags = vec!["--no-karpenter"];
    flags.extend(select.iter().map(String::as_str));
    crate::common::check_with_errors(&flags, &[path.to_path_buf()]).0
}

/// What stands in place of `from` in a good policy.
fn altered(from: &str, to: &str) -> Value {
    let text = fs::read_to_string(fixture("json/ok/karpenter-1.4.json")).unwrap();
    assert!(text.contains(from), "{from}");
    serde_json::from_str(&text.replace(from, to)).unwrap()
}

#[test]
fn a_misspelling_is_one_finding_with_the_right_word() {
    for (from, to, rule, suggestion) in [
        ("\"ec2:CreateFleet\"", "\"ec2:CreateFleets\"", "unknown-action", "ec2:CreateFleet"),
        (
            "\"aws:RequestedRegion\"",
            "\"aws:RequestdRegion\"",
            "unknown-condition-key",
            "aws:RequestedRegion",
        ),
        ("\"StringLike\"", "\"StringLikes\"", "unknown-operator", "StringLike"),
        (
            "Tag/karpenter.sh/nodepool\"",
            "Tag/karpenter.sh/nodepol\"",
            "unknown-condition-key",
            "karpenter.sh/nodepool",
        ),
    ] {
        let policy = altered(from, to);
        for flags in [&["--karpenter=1.4"][..], &["--no-karpenter"]] {
            let report = check_policy(flags, &policy);
            let found = report["findings"].as_array().unwrap();
            let of_rule: Vec<&Value> = found.iter().filter(|f| f["rule"] == rule).collect();
            let whole = format!("{flags:?} {to}: {}", lines(&report));
            let [finding] = of_rule.as_slice() else { panic!("{whole}") };
            assert_eq!(found.len(), 1, "{whole}");
            let said = format!("{} {}", finding["message"], finding["help"]);
            assert!(said.contains(&format!("{suggestion}`")), "{whole}");
            let severity = if flags[0] == "--no-karpenter" && rule != "unknown-operator" {
                "warning"
            } else {
                "error"
            };
            assert_eq!(finding["severity"], severity, "{whole}");
        }
    }
}

#[test]
fn what_a_denial_tells_is_not_told_again() {
    // The mistake denies what Karpenter needs: one finding, not one of each kind.
    let mut policy = crate::common::policy("json/ok/karpenter-1.4.json");
    statement(&mut policy, "LaunchTaggedResources")["Action"] =
        json!(["ec2:CreateLaunchTemplate", "ec2:RunInstances"]);
    let report = check_policy(&["--karpenter=1.4"], &policy);
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{}", lines(&report));
}

#[test]
fn a_document_that_binds_two_controllers_is_told_once() {
    let folder = crate::common::folder(&[
        (
            "karplint.toml",
            "[[controller]]\nname = \"a\"\npolicies = [\"p.json\"]\n\n[[controller]]\nname = \"b\"\npolicies = [\"p.json\"]\n",
        ),
        (
            "p.json",
            &serde_json::to_string(&json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:GetObjekt", "Resource": "*"}
            ]}))
            .unwrap(),
        ),
    ]);
    let (_, out, err) =
        program(folder.path(), &["check", "--format=json", "--select=unknown-action"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {err}"));
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{}", lines(&report));
}
