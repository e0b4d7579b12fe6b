//! The forecast: order, statuses, where the validation stops, what agrees.

use karplint::cli::Status;
use serde_json::{Value, json};

use crate::run::{fixture, karplint};

fn calls(args: &[&str]) -> Vec<Value> {
    let mut all = vec!["preflight", "--no-config", "--format=json"];
    all.extend(args);
    let report = karplint(&all).json();
    assert_eq!(report["schema"], 1);
    report["controllers"][0]["calls"].as_array().unwrap().clone()
}

fn validation(calls: &[Value]) -> Vec<String> {
    let of_phase = calls.iter().filter(|call| call["phase"] == "validation");
    of_phase
        .map(|call| {
            let kind = if call["dry_run"] == true { "dry" } else { "real" };
            format!("{} {kind} {}", call["call"].as_str().unwrap(), call["http_status"])
        })
        .collect()
}

#[test]
fn the_generations_of_the_validation_are_told_apart_to_the_patch() {
    let a = [
        "ec2:CreateFleet dry null",
        "ec2:CreateLaunchTemplate dry 412",
        "ec2:RunInstances dry 412",
    ];
    let b = [
        "ec2:CreateLaunchTemplate real 200",
        "ec2:CreateFleet dry 412",
        "ec2:RunInstances dry 412",
    ];
    let none: [&str; 0] = [];
    let policy = fixture("json/ok/karpenter-1.4.json");
    let cases: [(&str, &[&str]); 14] = [
        ("1.2.8", &none),
        ("1.3.0", &a),
        ("1.3.4", &a),
        ("1.3.5", &b),
        ("1.3.8", &b),
        ("1.4.0", &a),
        ("1.4.1", &b),
        ("1.5.4", &a),
        ("1.5.5", &b),
        ("1.6.3", &a),
        ("1.6.4", &b),
        ("1.7.0", &b),
        ("1.12.0", &b),
        ("1.14.1", &b),
    ];
    for (version, expected) in cases {
        let calls = calls(&["--karpenter", version, &policy]);
        assert_eq!(validation(&calls), expected, "{version}");
    }
}

#[test]
fn the_validation_stops_at_its_first_denial() {
    let calls = calls(&["--karpenter=1.4", &fixture("json/err/create-fleet-missing.json")]);
    let of = |id: &str| calls.iter().find(|call| call["id"] == id).unwrap();
    let fleet = of("validation.create-fleet");
    assert_eq!(fleet["http_status"], 403);
    assert_eq!(fleet["reached"], true);
    assert_eq!(fleet["agrees"], true);
    assert_eq!(fleet["failure"]["reason"], "CreateFleetAuthCheckFailed", "{fleet:#}");
    assert_eq!(of("validation.run-instances")["reached"], false);
    assert_eq!(of("validation.run-instances")["http_status"], 412);
    assert_eq!(of("launch.run-instances")["reached"], false);
    assert_eq!(of("startup.ec2-connectivity")["http_status"], 412);
    assert_eq!(of("startup.ec2-connectivity")["agrees"], Value::Null);
}

#[test]
fn the_cause_follows_the_message_from_1_13_on() {
    let policy = fixture("json/err/create-fleet-missing.json");
    let message = |version: &str| {
        let calls = calls(&["--karpenter", version, &policy]);
        let fleet = calls.iter().find(|call| call["id"] == "validation.create-fleet").unwrap();
        fleet["failure"]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("1.12"), "Controller isn't authorized to call ec2:CreateFleet");
    assert!(message("1.13").ends_with("because no identity-based policy allows it"));
}

#[test]
fn a_service_control_policy_that_denies_is_named_as_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let scp = folder.path().join("scp.json");
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
        "Action": "ec2:RunInstances", "Resource": "*"}]});
    std::fs::write(&scp, deny.to_string()).unwrap();
    let scp = format!("--scp={}", scp.display());
    let policy = fixture("json/ok/karpenter-1.14.json");
    let calls = calls(&["--karpenter=1.14", &scp, &policy]);
    let run = calls.iter().find(|call| call["id"] == "validation.run-instances").unwrap();
    assert_eq!(run["verdict"], "explicit-deny");
    let message = run["failure"]["message"].as_str().unwrap();
    assert!(message.ends_with("due to a service control policy"), "{message}");
}

#[test]
fn only_what_nodes_depend_on_decides_how_it_ends() {
    let end = |version: &str, path: &str| {
        karplint(&["preflight", "--no-config", "--karpenter", version, &fixture(path)]).status
    };
    assert_eq!(end("1.4", "json/ok/karpenter-1.4.json"), Status::Clean);
    assert_eq!(end("1.4", "json/err/create-fleet-missing.json"), Status::Findings);
    // It lacks two calls that Karpenter works without.
    assert_eq!(end("1.14", "json/ok/karpenter-1.4.json"), Status::Clean);
    assert_eq!(end("1.4", "json/ok/not-there.json"), Status::Failed);
}

#[test]
fn the_table_fits_a_hundred_columns() {
    for version in ["0.32", "1.0", "1.3.0", "1.6", "1.14"] {
        let policy = fixture("json/err/create-fleet-missing.json");
        let ran = karplint(&["preflight", "--no-config", "--karpenter", version, &policy]);
        let table = ran.out.lines().skip(2).take_while(|line| !line.is_empty());
        for line in table {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn preflight_and_check_give_the_same_answers() {
    let path = fixture("json/ok/karpenter-1.4.json");
    for version in ["0.32", "0.37", "1.0", "1.3.0", "1.4", "1.7", "1.12", "1.14"] {
        let flags = ["--no-config", "--format=json", "--karpenter", version, path.as_str()];
        let of = |command: &'static str, list: &str| {
            let mut args = vec![command];
            args.extend(flags);
            let report = karplint(&args).json();
            let list = report["controllers"][0][list].as_array().unwrap().clone();
            let fields = |item: &Value| {
                ["id", "call", "dry_run", "verdict", "http_status"].map(|name| item[name].clone())
            };
            list.iter().map(fields).collect::<Vec<_>>()
        };
        assert_eq!(of("check", "requests"), of("preflight", "calls"), "{version}");
    }
}
