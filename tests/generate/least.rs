//! For every minor and every feature: the policy is enough, each part of it is needed, each condition
//! takes something away, and it is no larger than upstream's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use karplint::cli::Status;
use karplint::eval::{Compiled, Decision, Layers, decide};
use karplint::generate::{Line, probe};
use karplint::karpenter::{Rules, needs};
use karplint::policy::Policy;
use karplint::policy::request::Request;
use karplint::policy::symbolic::Symbolic;
use karplint::settings::evidence::Evidence;
use karplint::settings::given::Given;
use karplint::settings::infer::infer;
use karplint::settings::{CapacityType, Feature};
use serde_json::{Value, json};

use crate::run::{check, json as parse, karplint, with};
use crate::templates::TEMPLATES;

/// Nothing, each feature alone, all, and all but those that take calls away.
fn feature_sets() -> Vec<Vec<Feature>> {
    let takes_away = [Feature::DisableDryRun, Feature::IsolatedVpc, Feature::ClusterEndpoint];
    let mut sets = vec![Vec::new()];
    sets.extend(Feature::ALL.iter().map(|feature| vec![*feature]));
    sets.push(Feature::ALL.to_vec());
    sets.push(Feature::ALL.into_iter().filter(|one| !takes_away.contains(one)).collect());
    sets
}

/// Everything that is asked of the installation, with what is known of it.
fn asked(version: &str, features: &[Feature]) -> Vec<Request> {
    let given = Given {
        cluster: Some("demo".into()),
        region: Some("us-west-2".into()),
        account: Some("111122223333".into()),
        partition: Some("aws".into()),
        node_roles: Some(vec!["arn:aws:iam::111122223333:role/KarpenterNodeRole-demo".into()]),
        queue: Some("demo".into()),
        capacity_types: Some(vec![CapacityType::OnDemand, CapacityType::Spot]),
        features: features.to_vec(),
        ..Given::default()
    };
    let version = Rules::builtin().resolve(version).unwrap().version;
    let mut resolved = infer(version, &given, &Evidence::default(), false);
    let needs = needs(Rules::builtin(), &resolved.settings, Arc::make_mut(&mut resolved.symbols));
    needs.iter().flat_map(|need| &need.entries).map(|entry| entry.request.clone()).collect()
}

fn layers(policy: &Value) -> Layers {
    let policy = Policy::parse(&policy.to_string()).unwrap();
    Layers { identity: vec![Compiled::from(&policy).into()], ..Layers::default() }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// The policy without one thing, with what that is: an action, a resource, a value of a condition.
fn without_one(policy: &Value) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    let statements = policy["Statement"].as_array().unwrap();
    for (at, statement) in statements.iter().enumerate() {
        for element in ["Action", "Resource"] {
            let values = list(&statement[element]);
            for gone in 0..values.len() {
                let mut altered = policy.clone();
                let what = format!("{} {element} {}", statement["Sid"], values[gone]);
                if values.len() == 1 {
                    altered["Statement"].as_array_mut().unwrap().remove(at);
                } else {
                    let mut left = values.clone();
                    left.remove(gone);
                    altered["Statement"][at][element] = json!(left);
                }
                out.push((what, altered));
            }
        }
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, value) in keys.as_object().unwrap() {
                let values = list(value);
                for gone in 0..values.len() {
                    if values.len() > 1 {
                        let mut left = values.clone();
                        left.remove(gone);
                        let mut altered = policy.clone();
                        altered["Statement"][at]["Condition"][operator][key] = json!(left);
                        out.push((format!("{} {key} {}", statement["Sid"], values[gone]), altered));
                    }
                }
            }
        }
    }
    out
}

/// The policy without one line of a condition, with the line.
fn without_line(policy: &Value) -> Vec<(Line, Value)> {
    let mut out = Vec::new();
    for (at, statement) in policy["Statement"].as_array().unwrap().iter().enumerate() {
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for key in keys.as_object().unwrap().keys() {
                let mut altered = policy.clone();
                let block =
                    altered["Statement"][at]["Condition"][operator].as_object_mut().unwrap();
                block.remove(key);
                let line = Line {
                    operator: ["StringEquals", "StringLike", "Bool", "ForAllValues:StringEquals"]
                        .into_iter()
                        .find(|known| known == operator)
                        .unwrap(),
                    key: Symbolic::literal(key),
                    values: Vec::new(),
                };
                out.push((line, altered));
            }
        }
    }
    out
}

/// How many characters upstream's own has, as AWS counts them, for the same names.
fn upstream(folder: &str) -> Option<usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/karpenter/policies");
    let text = fs::read_to_string(root.join(folder).join("cloudformation.yaml")).ok()?;
    let (mut size, mut document, mut inside) = (0, String::new(), false);
    // JSON stands below `PolicyDocument: !Sub |`, deeper than eight blanks.
    for line in text.lines().chain(std::iter::once("end")) {
        if inside && (line.is_empty() || line.starts_with("        ")) {
            document.push_str(line);
            continue;
        }
        if inside {
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
            size += parse(&filled).to_string().len();
            document.clear();
        }
        inside = line.trim_start().starts_with("PolicyDocument: !Sub |");
    }
    Some(size)
}

/// What one policy was tried with.
#[derive(Default)]
struct Tally {
    policies: usize,
    removals: usize,
    conditions: usize,
    largest: Vec<String>,
}

fn one(version: &str, folder: &str, features: &[Feature], file: &PathBuf, tally: &mut Tally) {
    let mut flags = vec![format!("--karpenter={version}")];
    flags.extend(features.iter().map(|feature| format!("--feature={}", feature.name())));
    let ran = karplint(&with(&["generate", "policy"], &flags));
    let what = format!("{version} {:?}", features);
    let told: Vec<&str> = ran.err.lines().filter(|one| !one.contains("--split")).collect();
    assert_eq!((ran.status, told), (Status::Clean, vec![]), "{what}");
    let policy = parse(&ran.out);
    fs::write(file, &ran.out).unwrap();
    let checked = check(file, &flags);
    // With everything switched on, one policy is nearly as long as AWS takes.
    let said: Vec<&str> =
        checked.out.lines().filter(|one| !one.contains("[policy-size]")).collect();
    assert_eq!((checked.status, said), (Status::Clean, vec![]), "{what}");
    tally.policies += 1;

    for (gone, altered) in without_one(&policy) {
        fs::write(file, altered.to_string()).unwrap();
        let checked = check(file, &flags);
        assert_eq!(checked.status, Status::Findings, "{what}: nobody misses {gone}");
        tally.removals += 1;
    }
    let (asked, whole) = (asked(version, features), layers(&policy));
    let all = |layers: &Layers| asked.iter().all(|one| decide(layers, one) == Decision::Allowed);
    assert!(all(&whole), "{what}: something is not allowed");
    for (line, altered) in without_line(&policy) {
        let wider = layers(&altered);
        let probes = asked.iter().flat_map(|request| probe::of_line(request, &line, ""));
        let more = probes.into_iter().any(|probe| {
            decide(&whole, &probe.request).is_denied()
                && decide(&wider, &probe.request) == Decision::Allowed
        });
        assert!(more, "{what}: {:?} takes nothing away in {altered}", line.key);
        tally.conditions += 1;
    }
    let size = policy.to_string().len();
    match upstream(folder) {
        Some(own) if own < size => {
            tally.largest.push(format!("{what}: {size} and upstream's {own}"));
        }
        Some(_) => {}
        None => {
            println!("skipped the comparison: upstream's templates are not beside this checkout")
        }
    }
}

#[test]
fn every_part_of_a_policy_is_needed_and_no_more_is_there() {
    let everything = std::env::var_os("KARPLINT_GENERATE_ALL").is_some();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("karpenter.json");
    let mut tally = Tally::default();
    let sets = feature_sets();
    for (at, (version, upstream)) in TEMPLATES.iter().enumerate() {
        for (set, features) in sets.iter().enumerate() {
            // Otherwise the plain one, all features, and another one of them for each minor.
            let few = set == 0 || set == sets.len() - 1 || set == 1 + at % Feature::ALL.len();
            if everything || few {
                one(version, upstream, features, &file, &mut tally);
            }
        }
    }
    println!(
        "{} policies, {} removals, {} conditions",
        tally.policies, tally.removals, tally.conditions
    );
    assert!(tally.largest.is_empty(), "larger than upstream's:\n{}", tally.largest.join("\n"));
}
