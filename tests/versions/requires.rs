//! What a version needs, in three forms; and that all commands speak of the same requests.

use karplint::cli::Status;
use karplint::karpenter::{Condition, Flag, RequestRule, Rules};
use serde_json::{Value, json};

use crate::run::karplint;

fn requires(args: &[&str]) -> Value {
    let mut all = vec!["requires", "--no-config", "--format=json"];
    all.extend(args);
    let ran = karplint(&all);
    assert_eq!(ran.status, Status::Clean, "{}", ran.err);
    ran.json()
}

#[test]
fn an_entry_tells_resource_tags_and_keys() {
    let report = requires(&[
        "--karpenter=1.4",
        "--cluster-name=demo",
        "--region=us-west-2",
        "--account=111122223333",
        "--partition=aws",
        "--node-pool=general",
        "--node-class-tag=team=a",
    ]);
    assert_eq!(report["karpenter"], "1.4.4");
    assert_eq!(report["settings"]["cluster-name"], "demo");
    let of = |id: &str| {
        let all = report["requests"].as_array().unwrap();
        all.iter().find(|request| request["id"] == id).unwrap().clone()
    };
    let entry = of("launch.create-fleet")["entries"][0].clone();
    assert_eq!(entry["resource"], "arn:aws:ec2:us-west-2:111122223333:fleet/*");
    assert_eq!(entry["resource_type"], "fleet");
    assert_eq!(entry["context"]["aws:RequestTag/kubernetes.io/cluster/demo"], "owned");
    assert_eq!(entry["context"]["aws:RequestTag/karpenter.sh/nodepool"], "general");
    assert_eq!(entry["context"]["aws:RequestTag/team"], "a");
    let dry = of("validation.create-fleet");
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["entries"][0]["context"]["aws:RequestTag/karpenter.sh/nodepool"], "");
    assert_eq!(dry["failure"]["reason"], "CreateFleetAuthCheckFailed");
    let tags = of("launch.create-launch-template")["entries"][1].clone();
    assert_eq!(tags["context"]["ec2:CreateAction"], "CreateLaunchTemplate");
}

#[test]
fn the_table_and_the_markdown_hold_every_call() {
    for version in ["0.32", "1.3.0", "1.14"] {
        let calls = requires(&["--karpenter", version])["requests"].as_array().unwrap().clone();
        for format in ["human", "table", "markdown"] {
            let args = ["requires", "--no-config", "--karpenter", version, "--format", format];
            let out = karplint(&args).out;
            for call in &calls {
                let name = call["call"].as_str().unwrap();
                assert!(out.contains(name), "{version} {format} {name}");
            }
            // An ARN is not broken.
            let wide =
                |line: &&str| line.chars().count() > 100 && line.split_whitespace().count() > 1;
            assert_eq!(out.lines().filter(|_| format != "markdown").find(wide), None, "{version}");
        }
    }
}

#[test]
fn nothing_that_is_given_becomes_markup() {
    let role = "--node-role=arn:aws:iam::111122223333:role/a|`<b>\u{1b}[31m";
    let out = karplint(&["requires", "--no-config", "--format=markdown", role]).out;
    let rows = out.lines().filter(|row| row.contains("role/a"));
    for row in rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 10, "{row}");
        assert!(!row.contains('\u{1b}'), "{row}");
    }
}

/// A configuration under which `rule` is made; `None` where nothing can switch it on.
fn configuration(rule: &RequestRule) -> Option<String> {
    let mut lines = Vec::new();
    let mut features = Vec::new();
    for condition in &rule.when {
        match condition {
            Condition::Is(Flag::AssumeRoleArnSet | Flag::AlphaApis, true) => return None,
            Condition::Is(Flag::EksControlPlane, true) => features.push("eks-control-plane"),
            Condition::Is(Flag::ZonalShift, true) => features.push("zonal-shift"),
            Condition::Is(Flag::PlacementGroup, true) => features.push("placement-group"),
            Condition::Is(Flag::ReservedCapacity, true) => features.push("reserved-capacity"),
            Condition::Is(Flag::InterruptionQueue, true) => {
                lines.push("interruption-queue = \"demo\"".to_owned());
            }
            Condition::Is(Flag::AmiSsmParameter, true) => {
                lines.push("ssm-parameters = [\"/my/ami\"]".to_owned());
            }
            Condition::NodesFromBefore(_) | Condition::NodeClassesFromBefore(_) => {
                lines.push("upgraded-from = \"0.37\"".to_owned());
            }
            _ => {}
        }
    }
    let features: Vec<String> = features.iter().map(|name| format!("{name:?}")).collect();
    lines.push(format!("features = [{}]", features.join(", ")));
    Some(format!("[settings]\n{}\n", lines.join("\n")))
}

#[test]
fn check_preflight_and_requires_agree_on_every_request() {
    let rules = Rules::builtin();
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("karpenter.json");
    let all = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    std::fs::write(&policy, all.to_string()).unwrap();
    let config = folder.path().join("karplint.toml");
    let (policy, config_path) = (policy.display().to_string(), config.display().to_string());
    let mut never = Vec::new();
    for rule in rules.requests() {
        let Some(text) = configuration(rule) else {
            never.push(rule.id.to_string());
            continue;
        };
        std::fs::write(&config, text).unwrap();
        let version = rule.versions.bounds().unwrap().0.to_string();
        let flags = ["--format=json", "--karpenter", &version, "--config", &config_path];
        let ids = |command: &str, list: &dyn Fn(&Value) -> Value| {
            let mut args = vec![command];
            args.extend(flags);
            if command != "requires" {
                args.push(&policy);
            }
            let report = karplint(&args).json();
            let fields =
                |item: &Value| (item["id"].clone(), item["call"].clone(), item["dry_run"].clone());
            list(&report).as_array().unwrap().iter().map(fields).collect::<Vec<_>>()
        };
        let check = ids("check", &|report| report["controllers"][0]["requests"].clone());
        let preflight = ids("preflight", &|report| report["controllers"][0]["calls"].clone());
        // Nobody named a queue: the policy's `*` grants one, and `requires` reads no policy.
        let asks_queue = |call: &Value| call.as_str().unwrap().starts_with("sqs:");
        let no_queue = |all: Vec<(Value, Value, Value)>| {
            let keep = all.into_iter().filter(|(_, call, _)| !asks_queue(call));
            keep.collect::<Vec<_>>()
        };
        let requires = ids("requires", &|report| report["requests"].clone());
        let own = |(id, _, dry): &(Value, Value, Value)| *id == *rule.id && *dry == rule.dry_run;
        assert!(check.iter().any(own), "{} at {version}", rule.id);
        assert_eq!(check, preflight, "{}", rule.id);
        if rule.call.starts_with("sqs:") {
            assert_eq!(check, requires, "{}", rule.id);
        } else {
            assert_eq!(no_queue(check), no_queue(requires), "{}", rule.id);
        }
    }
    assert_eq!(never, ["startup.assume-role", "link.tagging.alpha", "terminate.alpha"]);
}
