//! Paths, names and values as they are given: what they mean from where they stand, and which are refused.

use std::fs;

use crate::common::{fixture, folder, program};

fn good() -> String {
    fs::read_to_string(fixture("json/ok/karpenter-1.14.json")).unwrap()
}

fn bad() -> String {
    fs::read_to_string(fixture("json/err/create-fleet-missing.json")).unwrap()
}

#[test]
fn what_is_excluded_stays_so_from_a_subfolder_and_under_the_hook() {
    let config = "exclude = [\"old/**\"]\n";
    let files = folder(&[
        ("karplint.toml", config),
        ("old/p.json", &bad()),
        ("new/p.json", &good()),
        ("sub/x", ""),
    ]);
    let (code, out, err) = program(&files.path().join("sub"), &["check", ".."]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = program(files.path(), &["check", "--hook", "old/p.json"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    // Who names a file means it.
    let (code, _, _) = program(files.path(), &["check", "old/p.json"]);
    assert_eq!(code, 1);
}

#[test]
fn files_that_a_configuration_lists_are_named_from_the_working_directory() {
    let config = "[[controller]]\nname = \"demo\"\npolicies = [\"iam/*.json\"]\n";
    let files = folder(&[
        ("karplint.toml", config),
        ("iam/a.json", &bad()),
        ("iam/b.json", &good()),
        ("sub/x", ""),
    ]);
    let json = ["check", "--format=json", "../iam/a.json"];
    let (_, out, err) = program(&files.path().join("sub"), &json);
    assert!(out.contains("\"../iam/b.json\""), "{out}{err}");
    assert!(!out.contains(files.path().to_str().unwrap()), "{out}");
}

#[test]
fn what_a_controller_lists_and_nobody_has_is_told_at_its_place() {
    let told = |lines: &str| {
        let config = format!("[[controller]]\nname = \"demo\"\n{lines}");
        let files = folder(&[("karplint.toml", &config), ("p.json", &good())]);
        let (code, _, err) = program(files.path(), &["check", "p.json"]);
        assert_eq!(code, 2, "{err}");
        err
    };
    let err = told("policies = []\n");
    assert!(err.contains("karplint.toml:3:12: controller `demo` lists no file ("), "{err}");
    let err = told("policies = [\"gone/*.json\"]\n");
    assert!(err.contains("nothing matches `gone/*.json` (files, folders or globs"), "{err}");
    let err = told("policies = [\"p.json\"]\nboundary = \"gone.json\"\n");
    assert!(err.contains("karplint.toml:4:12: `gone.json` of controller `demo`"), "{err}");
    assert!(!err.contains("working directory"), "{err}");
}

#[test]
fn settings_of_the_file_are_refused_at_their_place() {
    for (line, place) in [
        ("karpenter = \"nine\"", "1:13"),
        ("[settings]\ncluster-name = \"\"", "2:16"),
        ("[settings]\nnode-roles = [\"foo\"]", "2:15"),
        ("[settings]\nupgraded-from = \"nine\"", "2:17"),
        ("[settings]\nmanifests = [\"gone/*.yaml\"]", "2:14"),
        ("[settings]\ninterruption-queue = \"arn:aws:sqs:bad\"", "2:22"),
    ] {
        let files = folder(&[("karplint.toml", line), ("p.json", &good())]);
        let (code, _, err) = program(files.path(), &["p.json"]);
        let start = format!("could not check karplint.toml:{place}: ");
        assert!(code == 2 && err.starts_with(&start), "{line}: {err}");
        assert!(!err.contains("--manifest"), "{err}");
    }
}

#[test]
fn values_that_aws_or_kubernetes_would_refuse_are_refused() {
    let files = folder(&[("p.json", &good())]);
    for flag in [
        "--interruption-queue=arn:aws:sqs:bad",
        "--interruption-queue=bad name!",
        "--partition=foo",
        "--node-pool=Bad Name",
        "--node-class=",
        "--region=nowhere",
    ] {
        let (code, out, err) = program(files.path(), &["check", flag, "p.json"]);
        assert!(code == 2 && err.contains(" is not "), "{flag}: {out}{err}");
    }
    let oidc = ["generate", "policy", "--oidc-provider=foo"];
    let (code, out, err) = program(files.path(), &oidc);
    assert!(code == 2 && err.contains("`foo` is not "), "{out}{err}");
}

#[test]
fn slips_of_the_command_line_are_told_before_anything_else() {
    let files = folder(&[("p.json", &bad())]);
    for rest in [
        &["--var=a", "p.json"][..],
        &["--parameter=a", "p.json"],
        &["--scp=gone.json", "p.json"],
        &["--boundary=gone.json", "p.json"],
        &[""],
        &["--write-baseline=-", "p.json"],
    ] {
        let (code, out, err) = program(files.path(), &[&["check"], rest].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{rest:?}: {err}");
    }
    assert!(!files.path().join("-").exists());
    let (code, _, err) = program(files.path(), &["--context=aws:SorceVpc=vpc-1", "p.json"]);
    assert!(code == 1 && err.contains("did you mean `aws:SourceVpc`?"), "{err}");
    let (code, out, _) = program(files.path(), &["--select=unsettled,duplicate-sid", "p.json"]);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn a_denial_that_is_reported_as_a_note_is_not_called_ignored() {
    let files = folder(&[("p.json", &bad())]);
    let (_, out, _) = program(files.path(), &["--severity=missing-permission=note", "p.json"]);
    assert!(out.contains("lacks something for Karpenter"), "{out}");
}

#[test]
fn more_threads_than_cores_are_not_started() {
    let files = folder(&[("p.json", &good())]);
    assert_eq!(program(files.path(), &["--jobs=100000", "p.json"]).0, 0);
}

#[test]
fn an_error_in_a_module_names_the_file_that_it_stands_in() {
    let files = folder(&[
        (
            "main.tf",
            "module \"m\" {\n  source = \"./m\"\n}\n\nresource \"aws_iam_policy\" \"karpenter\" {\n  policy = jsonencode({ Statement = [] })\n}\n",
        ),
        ("m/x.tf", "# Statement\nlocals {\n  a = [\n}\n"),
    ]);
    let (code, out, err) = program(files.path(), &["check", "main.tf", "m"]);
    assert!(code == 2 && err.contains("could not check m/x.tf:"), "{out}{err}");
    assert!(!err.contains("/:"), "{err}");
}

#[test]
fn a_patch_that_would_run_commands_is_not_printed() {
    let patch = |remark: &str| {
        let action = "\"Action\": [\n        \"ec2:RunInstances\"";
        assert!(bad().contains(action));
        let inside = format!("\"Action\": [\n/*\n{remark}\n*/\n        \"ec2:RunInstances\"");
        let text = bad().replacen(action, &inside, 1);
        let tf = format!(
            "resource \"aws_iam_policy\" \"karpenter\" {{\n  policy = jsonencode({text})\n}}\n"
        );
        let files = folder(&[("main.tf", &tf)]);
        program(files.path(), &["check", "--karpenter=1.14", "--diff", "main.tf"])
    };
    let (code, out, err) = patch("a remark: `::error::x` inside of a line does nothing");
    assert!(code == 1 && out.contains("ec2:CreateFleet"), "{out}{err}");
    for hostile in ["::error::x", "  ::stop-commands::x", "see ##[error]x", "\u{1b}[2J"] {
        let (code, out, err) = patch(hostile);
        assert_eq!((code, out.as_str()), (2, ""), "{hostile:?}: {err}");
        assert!(err.contains("no patch of main.tf"), "{err}");
        assert!(!err.contains('\u{1b}') && !err.contains("##["), "{err}");
        assert!(err.lines().all(|line| !line.trim_start().starts_with("::")), "{err}");
    }
}
