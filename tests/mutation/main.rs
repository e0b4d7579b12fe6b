//! Takes a correct policy, alters one thing, and holds what karplint says against a naive evaluation
//! written here: an error if and only if a must-have check of a call that nodes depend on is then
//! denied for certain, at the altered statement, and never more than two.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

mod fixed;
mod forms;
mod mutate;
mod naive;
mod place;
mod probes;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use karplint::cli::{Args, run};
use serde_json::Value;

use mutate::Mutation;

const SETTINGS: &[&str] = &[
    "--no-config",
    "--format=json",
    "--cluster-name=demo",
    "--region=us-west-2",
    "--account=111122223333",
    "--partition=aws",
    "--node-role=arn:aws:iam::111122223333:role/KarpenterNodeRole-demo",
    "--interruption-queue=demo",
    "--capacity-type=on-demand",
    "--capacity-type=spot",
    "--node-pool=general",
    "--node-class=default",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn check(version: &str, files: &[PathBuf]) -> Value {
    let mut args = vec![
        "karplint".to_owned(),
        "check".to_owned(),
        "--union".to_owned(),
        format!("--karpenter={version}"),
    ];
    args.extend(SETTINGS.iter().map(|flag| (*flag).to_owned()));
    args.extend(files.iter().map(|file| file.display().to_string()));
    let mut out = Vec::new();
    let mut err = Vec::new();
    run(Args::try_parse_from(args).unwrap(), false, &mut out, &mut err).unwrap();
    serde_json::from_slice(&out)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&err)))
}

struct Tally {
    mutations: usize,
    denied: usize,
    wrong: Vec<String>,
}

/// Runs every mutation of the documents of one correct policy.
fn every_mutation(version: &str, names: &[&str]) {
    let texts: Vec<String> =
        names.iter().map(|name| fs::read_to_string(fixture(name)).unwrap()).collect();
    let policies: Vec<Value> =
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> =
        (0..names.len()).map(|i| folder.path().join(format!("{i}.json"))).collect();
    for (file, text) in files.iter().zip(&texts) {
        fs::write(file, text).unwrap();
    }
    let needs = naive::Needs::of(version);
    let clean = check(version, &files);
    assert_eq!(
        clean["findings"],
        Value::Array(Vec::new()),
        "{version}: the fixture itself is not clean"
    );
    assert!(
        needs.denied(&policies).is_empty(),
        "{version}: naively denied: {:?}",
        needs.denied(&policies)
    );

    let mut tally = Tally { mutations: 0, denied: 0, wrong: Vec::new() };
    for (index, policy) in policies.iter().enumerate() {
        for mutation in mutate::all(policy) {
            let mut altered = policies.clone();
            altered[index] = mutation.policy.clone();
            let text = serde_json::to_string_pretty(&mutation.policy).unwrap();
            fs::write(&files[index], &text).unwrap();
            let report = check(version, &files);
            one(&mut tally, &mutation, &text, &needs.denied(&altered), &report, &files[index]);
        }
        fs::write(&files[index], &texts[index]).unwrap();
    }
    println!("{version}: {} mutations, {} of them denied", tally.mutations, tally.denied);
    assert!(tally.denied > 50, "{version}: hardly anything was denied");
    assert!(
        tally.wrong.is_empty(),
        "{version}: {} wrong:\n{}",
        tally.wrong.len(),
        tally.wrong.join("\n")
    );
}

fn one(
    tally: &mut Tally,
    mutation: &Mutation,
    text: &str,
    denied: &BTreeSet<String>,
    report: &Value,
    file: &Path,
) {
    tally.mutations += 1;
    let mut say = |what: String| tally.wrong.push(format!("{}: {what}", mutation.what));
    let findings = report["findings"].as_array().unwrap();
    // What AWS would refuse is an error of its own kind, beside what it denies.
    let refused = ["syntax", "duplicate-key", "duplicate-sid", "empty-element", "invalid-version"];
    // An operator that does not exist is refused too; it may deny nothing that is asked.
    let denies = |f: &Value| !f["data"]["denied"].as_array().is_none_or(Vec::is_empty);
    let is_refusal = |f: &&Value| {
        let rule = f["rule"].as_str().unwrap();
        refused.contains(&rule) || rule == "unknown-operator" && !denies(f)
    };
    let errors: Vec<&Value> = findings.iter().filter(|f| f["severity"] == "error").collect();
    let denials: Vec<&&Value> = errors.iter().filter(|f| !is_refusal(f)).collect();
    if denied.is_empty() != denials.is_empty() {
        say(format!("naively denied {denied:?}, reported {:?}", messages(&errors)));
        return;
    }
    if errors.len() > 2 {
        say(format!("{} errors: {:?}", errors.len(), messages(&errors)));
    }
    if denials.is_empty() {
        return;
    }
    tally.denied += 1;
    let mut say = |what: String| tally.wrong.push(format!("{}: {what}", mutation.what));
    for finding in &denials {
        let must: Vec<&str> = finding["data"]["denied"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["action"].as_str().unwrap())
            .collect();
        if must.is_empty() || !must.iter().any(|action| denied.contains(*action)) {
            say(format!("names {must:?}, denied are {denied:?}"));
        }
        if !denied.contains(finding["data"]["action"].as_str().unwrap_or("?")) {
            say(format!("data.action {} is not among {denied:?}", finding["data"]["action"]));
        }
    }
    let Some((start, end)) =
        mutation.statement.and_then(|index| mutate::statement_range(text, index))
    else {
        return;
    };
    let name = file.file_name().unwrap().to_str().unwrap();
    let lies_inside = |place: &Value| {
        place["file"].as_str().unwrap().ends_with(name)
            && place["span"]["start"]["offset"].as_u64().unwrap() as usize >= start
            && place["span"]["end"]["offset"].as_u64().unwrap() as usize <= end
    };
    for finding in &errors {
        let related = finding["related"].as_array().unwrap();
        if !lies_inside(finding) && !related.iter().any(lies_inside) {
            say(format!("no span in the altered statement: {}", finding["message"]));
        }
    }
}

fn messages(findings: &[&Value]) -> Vec<String> {
    findings.iter().map(|f| format!("{}: {}", f["rule"], f["message"])).collect()
}

#[test]
fn of_0_37() {
    every_mutation("0.37", &["json/ok/karpenter-0.37.json"]);
}

#[test]
fn of_1_0() {
    every_mutation("1.0", &["json/ok/karpenter-1.0.json"]);
}

#[test]
fn of_1_4() {
    every_mutation("1.4", &["json/ok/karpenter-1.4.json"]);
}

#[test]
fn of_1_9_in_three_documents() {
    every_mutation(
        "1.9",
        &[
            "json/ok/karpenter-1.9/launch.json",
            "json/ok/karpenter-1.9/profiles.json",
            "json/ok/karpenter-1.9/discovery.json",
        ],
    );
}

#[test]
fn of_1_14() {
    every_mutation("1.14", &["json/ok/karpenter-1.14.json"]);
}
