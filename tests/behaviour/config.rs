//! Settings: where they come from, what wins, and how mistakes are told.

use crate::common::{fixture, folder, program};

fn good() -> String {
    std::fs::read_to_string(fixture("json/ok/karpenter-1.4.json")).unwrap()
}

/// The configuration beside a good policy, and what stderr says.
fn refused(config: &str) -> String {
    let files = folder(&[("karplint.toml", config), ("p.json", &good())]);
    let (code, out, err) = program(files.path(), &["p.json"]);
    assert_eq!(code, 2, "{config}: {out}{err}");
    err
}

#[test]
fn an_unknown_setting_is_refused_with_its_place_and_a_suggestion() {
    assert_eq!(
        refused("[settings]\ncluster-nam = \"demo\"\n"),
        "could not check karplint.toml:2:1: `cluster-nam` is not a setting (did you mean `cluster-name`?)\n"
    );
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    assert!(refused("[settings]\naccount = \"12\"\n").contains("`12` is not an account id"));
    assert!(refused("[settings]\nfeatures = [\"zonal\"]\n").contains("`zonal` is not a feature"));
    assert!(refused("karpenter = \"0.31\"\n").contains("Karpenter 0.31 is not supported"));
    assert!(
        refused("fail-on = \"always\"\n")
            .contains("could not check karplint.toml:1:11: `always` is not a level")
    );
    assert!(refused("required-version = \">=9\"\n").contains("asks for `>=9`"));
    assert!(refused("karpenter = 1.4\n").contains("could not check karplint.toml:1:13"));
    assert!(refused("[[ignore]]\nrule = \"unsettled\"\n").contains("reason"));
    assert!(
        refused("[[ignore]]\nrule = \"unsetled\"\nreason = \"x\"\n")
            .contains("did you mean `unsettled`?")
    );
}

#[test]
fn flags_win_over_the_file() {
    let files = folder(&[("karplint.toml", "karpenter = \"1.0\"\n"), ("sub/p.json", &good())]);
    let (code, out, _) = program(&files.path().join("sub"), &["p.json"]);
    assert!(code == 0 && out.contains("Karpenter 1.0.14"), "{out}");
    let (code, out, _) = program(&files.path().join("sub"), &["--karpenter=1.4", "p.json"]);
    assert!(code == 0 && out.contains("Karpenter 1.4.4"), "{out}");
    let (_, out, _) = program(&files.path().join("sub"), &["--no-config", "p.json"]);
    assert!(out.contains("Karpenter 1.14.1"), "{out}");
}

#[test]
fn a_newer_version_is_checked_as_the_newest_known_with_a_note() {
    let files = folder(&[("p.json", &good())]);
    let (_, out, err) = program(files.path(), &["--karpenter=1.99", "p.json"]);
    assert!(err.contains("Karpenter 1.99 is newer than this data, checked as 1.14.1"), "{err}");
    assert!(out.contains("1.14.1"), "{out}");
}

#[test]
fn fail_on_decides_the_exit_code_and_the_format_does_not() {
    let files = folder(&[("p.json", &good())]);
    for format in ["human", "json"] {
        let run = |level: &str| {
            program(
                files.path(),
                &["--karpenter=1.14", "--format", format, "--fail-on", level, "p.json"],
            )
            .0
        };
        assert_eq!(
            [run("error"), run("warning"), run("note"), run("never")],
            [0, 1, 1, 0],
            "{format}"
        );
    }
}

#[test]
fn an_ignore_with_a_reason_silences_and_is_counted() {
    let config = "karpenter = \"1.14\"\n[[ignore]]\nrule = \"missing-permission\"\naction = \"iam:ListInstanceProfiles\"\nreason = \"cleaned up by hand\"\n";
    let files = folder(&[("karplint.toml", config), ("p.json", &good())]);
    let (_, out, _) = program(files.path(), &["--format=json", "p.json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["summary"]["suppressed"], 1);
    assert_eq!(report["summary"]["warnings"], 1);
    let (_, out, _) = program(files.path(), &["--ignore=missing-permission", "p.json"]);
    assert!(
        out.contains("has nothing to report for Karpenter 1.14.1: what is denied is ignored"),
        "{out}"
    );
    let (code, _, _) = program(files.path(), &["--severity=missing-permission=error", "p.json"]);
    assert_eq!(code, 1);
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let path = fixture("");
    let run = || program(&path, &["--no-config", "--karpenter=1.4", "--format=json", "."]).1;
    assert_eq!(run(), run());
}

#[test]
fn text_on_standard_input_has_the_name_that_is_given() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let files = folder(&[]);
    for (args, name) in
        [(&["-"][..], "<stdin>"), (&["--stdin-filename=iam/p.json", "-"][..], "iam/p.json")]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_karplint"))
            .args(["--karpenter=1.4", "--format=json"])
            .args(args)
            .current_dir(files.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(good().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["controllers"][0]["documents"][0]["file"], name);
    }
}

#[test]
fn a_wrong_rule_file_is_refused_with_its_place() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/karpenter");
    let files = folder(&[("p.json", &good())]);
    let rules = files.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), rules.join(entry.file_name())).unwrap();
    }
    let (code, out, err) = program(files.path(), &["--rules=rules", "--karpenter=1.4", "p.json"]);
    assert_eq!(code, 0, "{out}{err}");
    let launch = rules.join("launch.toml");
    let text = std::fs::read_to_string(&launch).unwrap();
    std::fs::write(&launch, text.replacen("ec2:CreateFleet", "ec2:CreateFleets", 1)).unwrap();
    let (code, _, err) = program(files.path(), &["--rules=rules", "--karpenter=1.4", "p.json"]);
    assert_eq!(code, 2);
    assert!(err.contains("launch.toml:") && err.contains("ec2:CreateFleets"), "{err}");
}

#[test]
fn a_value_that_cannot_be_meant_is_told_with_its_place() {
    let cases = [
        (
            "[settings]\ncapacity-types = [\"on-demnd\"]",
            "2:19: `on-demnd` is not a capacity type (did you mean `on-demand`?)",
        ),
        ("[settings]\naccount = \"12\"", "2:11: `12` is not an account id"),
        (
            "[settings]\nfeatures = [\"zonal-shft\"]",
            "2:13: `zonal-shft` is not a feature (did you mean `zonal-shift`?)",
        ),
        (
            "[[ignore]]\nrule = \"trust-polcy\"\nreason = \"x\"",
            "2:8: `trust-polcy` is not a rule (did you mean `trust-policy`?)",
        ),
        ("exclude = [\"a\", \"b/***\"]", "1:17: `b/***` is not a pattern"),
        ("required-version = \"newest\"", "1:20: `newest` asks for no version"),
        ("[[controller]]\npolicies = [\"a\"]", "1:1: this [[controller]] has no `name`"),
        (
            "[[controller]]\nname = \"a\"\n[[controller]]\nname = \"a\"",
            "4:8: another [[controller]] is called `a` too",
        ),
        (
            "[[controller]]\nname = \"a\"\nservice-account = \"a\"",
            "3:19: `a` is not a service account",
        ),
    ];
    for (text, said) in cases {
        let folder = crate::common::folder(&[("karplint.toml", text)]);
        let (code, _, err) = crate::common::program(folder.path(), &["."]);
        assert_eq!(code, 2, "{text}");
        assert!(err.contains(&format!("karplint.toml:{said}")), "{text}: {err}");
    }
}
