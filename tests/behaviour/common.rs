//! Runs karplint inside the test, on files of a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use karplint::cli::{Args, run};
use serde_json::Value;

/// The folder of fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A fixture as JSON.
pub(crate) fn policy(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

/// The report on `paths` under `flags`, in schema 1.
pub(crate) fn check(flags: &[&str], paths: &[PathBuf]) -> Value {
    let (report, err) = check_with_errors(flags, paths);
    assert_eq!(report["errors"], Value::Array(Vec::new()), "{err}");
    report
}

/// The same, and what goes to stderr.
pub(crate) fn check_with_errors(flags: &[&str], paths: &[PathBuf]) -> (Value, String) {
    let mut args =
        vec!["karplint".to_owned(), "--no-config".to_owned(), "--format=json".to_owned()];
    args.extend(flags.iter().map(|flag| (*flag).to_owned()));
    args.extend(paths.iter().map(|path| path.display().to_string()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    run(Args::try_parse_from(args).unwrap(), false, &mut out, &mut err).unwrap();
    let err = String::from_utf8(err).unwrap();
    (serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{error}: {err}")), err)
}

/// Files of a folder of their own: names with slashes make folders.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs the program itself in `folder`: exit code, stdout, stderr.
pub(crate) fn program(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karplint"));
    let output = command.args(args).current_dir(folder).env_clear().output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The report on one policy.
pub(crate) fn check_policy(flags: &[&str], policy: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    fs::write(&path, serde_json::to_string_pretty(policy).unwrap()).unwrap();
    check(flags, &[path])
}

/// `severity rule` of every finding.
pub(crate) fn rules(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|f| format!("{} {}", f["severity"].as_str().unwrap(), f["rule"].as_str().unwrap()))
        .collect()
}

/// The statement called `sid`.
pub(crate) fn statement<'p>(policy: &'p mut Value, sid: &str) -> &'p mut Value {
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.iter_mut().find(|statement| statement["Sid"] == sid).unwrap()
}
