//! Reports against the schemas of those who read them, where `KARPLINT_SCHEMAS` names a folder that holds them:
//! `sarif-schema-2.1.0.json` (OASIS), `DiagnosticResult.json` (reviewdog), `codeclimate.json` (GitLab, of one
//! finding) and `junit-10.xsd` (Jenkins). The last needs Python with lxml, `KARPLINT_PYTHON`.

#![expect(clippy::print_stdout, reason = "a test says what it left out")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{fixture, program};

fn schema(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("KARPLINT_SCHEMAS").map(|all| Path::new(&all).join(name));
    let found = found.filter(|path| path.is_file());
    if found.is_none() {
        println!("no {name} in KARPLINT_SCHEMAS: left out");
    }
    found
}

/// What the format says of fixtures of every kind, hostile ones among them.
fn reports(format: &str) -> Vec<String> {
    let root = fixture("");
    let folders = [
        "json",
        "lint/err",
        "trust",
        "least",
        "suppress",
        "same/broken",
        "hostile/breaks-out-of-every-format.json",
        "hostile/names-of-the-terminal.json",
        "json/ok/karpenter-1.14.json",
    ];
    let one = |folder: &&str| {
        let (code, out, err) =
            program(&root, &["check", "--no-config", "--format", format, folder]);
        assert!(code <= 2 && !out.is_empty(), "{folder}: {err}");
        out
    };
    folders.iter().map(one).collect()
}

fn validator(path: &Path) -> jsonschema::Validator {
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn assert_valid(validator: &jsonschema::Validator, value: &Value) {
    let mistakes: Vec<String> = validator
        .iter_errors(value)
        .take(3)
        .map(|e| format!("{e} at {}", e.instance_path()))
        .collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

#[test]
fn sarif_is_what_oasis_says() {
    let Some(path) = schema("sarif-schema-2.1.0.json") else { return };
    let validator = validator(&path);
    for report in reports("sarif") {
        assert_valid(&validator, &serde_json::from_str(&report).unwrap());
    }
}

#[test]
fn rdjson_is_what_reviewdog_says() {
    let Some(path) = schema("DiagnosticResult.json") else { return };
    let validator = validator(&path);
    for report in reports("rdjson") {
        assert_valid(&validator, &serde_json::from_str(&report).unwrap());
    }
}

#[test]
fn code_quality_is_what_gitlab_says() {
    let Some(path) = schema("codeclimate.json") else { return };
    let validator = validator(&path);
    let mut findings = 0;
    for report in reports("gitlab") {
        let all: Vec<Value> = serde_json::from_str(&report).unwrap();
        findings += all.len();
        all.iter().for_each(|finding| assert_valid(&validator, finding));
    }
    assert!(findings > 50, "{findings}");
}

#[test]
fn junit_is_what_jenkins_says() {
    let Some(path) = schema("junit-10.xsd") else { return };
    let Some(python) = std::env::var_os("KARPLINT_PYTHON") else {
        println!("no KARPLINT_PYTHON with lxml: left out");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for report in reports("junit") {
        let file = folder.path().join("junit.xml");
        std::fs::write(&file, report).unwrap();
        let code = "import sys; from lxml import etree; \
                    etree.XMLSchema(etree.parse(sys.argv[1])).assertValid(etree.parse(sys.argv[2]))";
        let output =
            Command::new(&python).args(["-c", code]).arg(&path).arg(&file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
