//! Settings from manifests: what they switch on, what wins, how mistakes are told.

use std::collections::BTreeSet;
use std::fs;

use karplint::cli::Status;
use karplint::karpenter::Rules;
use serde_json::{Value, json};

use crate::run::{Ran, fixture, karplint};

/// Request without the suffix of its form, action, resource type.
type Asked = BTreeSet<(String, String, String)>;

fn good(name: &str) -> String {
    fixture(&format!("manifests/good/{name}"))
}

fn requires(args: &[&str]) -> Value {
    let mut all = vec!["requires", "--no-config", "--format=json"];
    all.extend(args);
    let ran = karplint(&all);
    assert_eq!(ran.status, Status::Clean, "{}", ran.err);
    ran.json()
}

fn asked(version: &str, manifest: &str) -> Asked {
    let report = requires(&["--karpenter", version, "--manifest", &good(manifest)]);
    let mut all = Asked::new();
    for request in report["requests"].as_array().unwrap() {
        let id = request["id"].as_str().unwrap();
        let forms = [".v0", ".v10", ".v036", ".v183", ".mock", ".inline", ".1-3-0", ".1-3-1"];
        let id = forms.iter().find_map(|form| id.strip_suffix(form)).unwrap_or(id);
        for entry in request["entries"].as_array().unwrap() {
            let word = |key: &str| entry[key].as_str().unwrap().to_owned();
            all.insert((id.to_owned(), word("action"), word("resource_type")));
        }
    }
    all
}

/// What a customer key, an own parameter, reservations and a placement group ask for, and the release
/// that knows each: written down by hand.
const EVERYTHING: [(&str, &str, &str, [u64; 2]); 15] = [
    ("launch.run-instances", "kms:CreateGrant", "key", [0, 32]),
    ("launch.run-instances", "kms:Decrypt", "key", [0, 32]),
    ("launch.run-instances", "kms:DescribeKey", "key", [0, 32]),
    ("launch.run-instances", "kms:GenerateDataKeyWithoutPlaintext", "key", [0, 32]),
    ("launch.run-instances", "kms:ReEncryptFrom", "key", [0, 32]),
    ("launch.run-instances", "kms:ReEncryptTo", "key", [0, 32]),
    ("nodeclass.capacity-reservations", "ec2:DescribeCapacityReservations", "", [1, 3]),
    ("launch.create-fleet", "ec2:CreateFleet", "capacity-reservation", [1, 3]),
    ("launch.run-instances", "ec2:RunInstances", "capacity-reservation", [1, 3]),
    ("nodeclass.ssm-custom", "ssm:GetParameter", "parameter", [1, 4]),
    ("nodeclass.placement-groups", "ec2:DescribePlacementGroups", "", [1, 11]),
    ("launch.create-fleet", "ec2:CreateFleet", "placement-group", [1, 11]),
    ("launch.run-instances", "ec2:RunInstances", "placement-group", [1, 11]),
    ("validation.create-fleet", "ec2:CreateFleet", "placement-group", [1, 11]),
    ("validation.run-instances", "ec2:RunInstances", "placement-group", [1, 11]),
];

#[test]
fn a_class_with_everything_switches_on_what_it_needs_at_the_versions_that_know_it() {
    let mut versions: Vec<String> = Vec::new();
    for newest in Rules::builtin().newest_of_minors() {
        versions.push(format!("{}.{}.0", newest.major, newest.minor));
        versions.push(newest.to_string());
    }
    assert_eq!(versions.len(), 42);
    for version in versions {
        let numbers: Vec<u64> = version.split('.').map(|part| part.parse().unwrap()).collect();
        let since = [numbers[0], numbers[1]];
        let expected: Asked = EVERYTHING
            .iter()
            .filter(|(.., known)| *known <= since)
            .map(|(id, action, kind, _)| ((*id).into(), (*action).into(), (*kind).into()))
            .collect();
        let (plain, all) =
            (asked(&version, "nodeclass-v1.yaml"), asked(&version, "nodeclass-everything.yaml"));
        assert_eq!(all.difference(&plain).cloned().collect::<Asked>(), expected, "{version}");
        assert_eq!(plain.difference(&all).next(), None, "{version}");
    }
}

#[test]
fn a_class_of_v1beta1_brings_profile_tags_family_metadata_and_snapshot() {
    let beta = good("nodeclass-v1beta1.yaml");
    let report = requires(&["--karpenter=0.37", "--account=111122223333", "--manifest", &beta]);
    let settings = &report["settings"];
    assert_eq!(settings["node-classes"], json!(["bottle"]));
    assert_eq!(settings["node-class-tags"], json!({ "team": "platform" }));
    assert_eq!(settings["snapshot-ids"], json!(["snap-0123456789abcdef0"]));
    let all = report["requests"].as_array().unwrap();
    let calls: Vec<&str> = all.iter().map(|request| request["call"].as_str().unwrap()).collect();
    assert!(!calls.contains(&"iam:CreateInstanceProfile"), "{calls:?}");
    let launch = all.iter().find(|one| one["call"] == "ec2:RunInstances").unwrap();
    let entry = |kind: &str| {
        let entries = launch["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["resource_type"] == kind).unwrap()
    };
    let context = &entry("instance")["context"];
    assert_eq!(context["ec2:MetadataHttpTokens"], "optional");
    assert_eq!(context["ec2:MetadataHttpPutResponseHopLimit"], "3");
    assert_eq!(
        context["ec2:InstanceProfile"],
        "arn:${partition}:iam::111122223333:instance-profile/ready-made"
    );
    assert_eq!(context["aws:RequestTag/team"], "platform");
    assert_eq!(entry("volume")["context"]["ec2:Encrypted"], "false");
    assert_eq!(entry("snapshot")["optional"], false);
    // Bottlerocket asks for no cluster CIDR.
    assert!(!all.iter().any(|request| request["id"] == "nodeclass.describe-cluster"), "{calls:?}");
}

#[test]
fn node_pools_tell_capacity_types_and_instance_types() {
    let (v1, beta) = (good("nodepool-v1.yaml"), good("nodepool-v1beta1.yaml"));
    let one = requires(&["--karpenter=1.4", "--manifest", &v1]);
    assert_eq!(one["settings"]["capacity-types"], json!(["on-demand"]));
    assert_eq!(one["settings"]["node-pools"], json!(["general"]));
    let text = one.to_string();
    assert!(!text.contains("spot-instances-request"), "no spot");
    assert!(text.contains(r#""ec2:InstanceType":["m5.large","m6i.large"]"#));
    let both = requires(&["--karpenter=1.4", "--manifest", &v1, "--manifest", &beta]);
    assert_eq!(both["settings"]["capacity-types"], json!(["on-demand", "spot"]));
    assert_eq!(both["settings"]["node-pools"], json!(["general", "batch"]));
    // One of them allows any type.
    assert!(!both.to_string().contains("m6i.large"));
}

#[test]
fn values_and_deployments_tell_of_the_controller_and_its_version() {
    let report = requires(&["--manifest", &good("values.yaml")]);
    assert_eq!(report["karpenter"], "1.12.1");
    let settings = &report["settings"];
    assert_eq!(settings["cluster-name"], "demo");
    assert_eq!(settings["account"], "111122223333");
    assert_eq!(settings["region"], "us-west-2");
    let queue = "arn:aws:sqs:us-west-2:111122223333:demo";
    assert_eq!(settings["interruption-queue"], queue);
    assert_eq!(
        settings["features"],
        json!([
            "zonal-shift",
            "disable-dry-run",
            "isolated-vpc",
            "cluster-endpoint",
            "eks-control-plane"
        ])
    );
    let report = requires(&["--manifest", &good("values-0.32.yaml"), "--karpenter=0.32"]);
    assert_eq!(report["settings"]["cluster-name"], "demo");
    assert_eq!(report["settings"]["features"], json!(["isolated-vpc"]));
    let report = requires(&["--manifest", &good("deployment.yaml")]);
    assert_eq!(report["karpenter"], "1.9.1");
    assert_eq!(report["settings"]["cluster-name"], "demo");
    assert_eq!(report["settings"]["features"], json!(["isolated-vpc"]));
    assert!(report["settings"]["interruption-queue"].as_str().unwrap().ends_with(":demo"));
    let report = requires(&["--manifest", &good("application.yaml")]);
    assert_eq!(report["karpenter"], "1.8.3");
    assert_eq!(report["settings"]["cluster-name"], "demo");
    assert_eq!(report["settings"]["features"], json!(["isolated-vpc"]));
}

#[test]
fn a_gate_that_is_off_switches_reservations_off() {
    let class = good("nodeclass-everything.yaml");
    let off =
        requires(&["--karpenter=1.4", "--manifest", &class, "--manifest", &good("values.yaml")]);
    assert!(!off.to_string().contains("DescribeCapacityReservations"));
    let on = requires(&["--karpenter=1.4", "--manifest", &class]);
    assert!(on.to_string().contains("DescribeCapacityReservations"));
}

#[test]
fn several_classes_send_their_own_tags_and_metadata() {
    let (v1, beta) = (good("nodeclass.json"), good("nodeclass-v1beta1.yaml"));
    let report = requires(&["--karpenter=1.4", "--manifest", &v1, "--manifest", &beta]);
    let launch = report["requests"].as_array().unwrap().iter();
    let launch = launch.clone().find(|one| one["id"] == "launch.run-instances").unwrap();
    let mut sent = BTreeSet::new();
    for entry in launch["entries"].as_array().unwrap() {
        let context = &entry["context"];
        if entry["resource_type"] == "instance" && entry["action"] == "ec2:RunInstances" {
            let word = |key: &str| context[key].as_str().unwrap().to_owned();
            sent.insert([
                word("aws:RequestTag/karpenter.k8s.aws/ec2nodeclass"),
                word("aws:RequestTag/team"),
                word("ec2:MetadataHttpPutResponseHopLimit"),
            ]);
        }
    }
    let row = |words: [&str; 3]| words.map(str::to_owned);
    let expected = [row(["from-json", "a", "2"]), row(["bottle", "platform", "3"])];
    assert_eq!(sent, BTreeSet::from(expected));
}

#[test]
fn all_commands_take_manifests_and_name_the_line_that_asks() {
    let (manifest, policy) =
        (good("nodeclass-everything.yaml"), fixture("json/ok/karpenter-1.4.json"));
    let flags = ["--no-config", "--manifest", &manifest];
    let run = |args: &[&str]| -> Ran {
        let mut all = args.to_vec();
        all.extend(flags);
        all.push(&policy);
        karplint(&all)
    };
    let check = run(&["check", "--karpenter=1.14", "--format=json"]).json();
    let mut because: Vec<(String, u64)> = Vec::new();
    for related in
        check["findings"].as_array().unwrap().iter().flat_map(|f| f["related"].as_array().unwrap())
    {
        if let Some(field) = related["message"].as_str().unwrap().strip_prefix("needed because of ")
        {
            assert!(related["file"].as_str().unwrap().ends_with("nodeclass-everything.yaml"));
            because.push((field.to_owned(), related["span"]["start"]["line"].as_u64().unwrap()));
        }
    }
    because.sort();
    because.dedup();
    let expected = [("`kmsKeyID`", 19), ("`placementGroupSelector`", 23), ("`ssmParameter`", 10)];
    assert_eq!(because, expected.map(|(field, line)| (field.to_owned(), line)));
    let human = run(&["check", "--karpenter=1.14"]).out;
    assert!(human.contains("nodeclass-everything.yaml:23:3 `placementGroupSelector`"), "{human}");
    let preflight = run(&["preflight", "--karpenter=1.14"]).out;
    assert!(preflight.contains("DescribePlacementGroups"), "{preflight}");
    assert!(preflight.contains("--manifest"), "the next command takes it too: {preflight}");
    let upgrade = run(&["upgrade", "--from=1.10", "--to=1.11", "--format=json"]).json();
    let missing: Vec<&Value> = upgrade["missing"].as_array().unwrap().iter().collect();
    assert!(
        missing.iter().any(|entry| entry["action"] == "ec2:DescribePlacementGroups"),
        "{missing:?}"
    );
    let ran = karplint(&["requires", "--no-config", "--karpenter=1.14", "--manifest", &manifest]);
    assert!(ran.out.contains("needed  because of"), "{}", ran.out);
}

#[test]
fn a_flag_wins_over_a_manifest_and_says_so() {
    let values = good("values.yaml");
    let ran = karplint(&["requires", "--no-config", "--cluster-name=other", "--manifest", &values]);
    assert!(ran.err.contains("`cluster-name` is `other` as given, though "), "{}", ran.err);
    assert!(ran.err.contains("values.yaml:6:16 says `demo`"), "{}", ran.err);
    assert!(ran.out.contains("cluster/other"), "{}", ran.out);
    let pool = good("nodepool-v1.yaml");
    let ran = karplint(&["requires", "--no-config", "--capacity-type=spot", "--manifest", &pool]);
    assert!(ran.err.contains("`capacity-types` is `spot` as given"), "{}", ran.err);
}

#[test]
fn mistakes_are_told_with_their_places() {
    let folder = fixture("manifests/wrong");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().unwrap() != "yaml" {
            continue;
        }
        count += 1;
        let name = path.display().to_string();
        let ran = karplint(&["requires", "--no-config", "--manifest", &name]);
        assert_eq!(ran.status, Status::Failed, "{name}");
        assert_eq!(ran.out, "", "{name}");
        // The path is as long as the checkout is deep.
        let told: String = ran
            .err
            .lines()
            .map(|line| format!("{}\n", line.split_once(".yaml:").map_or(line, |(_, rest)| rest)))
            .collect();
        let expected = fs::read_to_string(path.with_extension("out")).unwrap();
        assert_eq!(told, expected, "{name}");
    }
    assert_eq!(count, 6);
    // Policies are not judged under half of the settings; the report has the place.
    let (wrong, policy) =
        (fixture("manifests/wrong/nodepool.yaml"), fixture("json/ok/karpenter-1.4.json"));
    let ran = karplint(&["check", "--no-config", "--format=json", "--manifest", &wrong, &policy]);
    assert_eq!(ran.status, Status::Failed);
    let report = ran.json();
    assert_eq!(report["controllers"], json!([]));
    assert_eq!(report["errors"][0]["span"]["start"]["line"], 8);
    let ran = karplint(&["requires", "--no-config", "--manifest", "nowhere/*.yaml"]);
    assert!(ran.err.contains("nothing matches `nowhere/*.yaml`"), "{}", ran.err);
}

/// Files of a folder of their own beside a good policy, under these names.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policy = fs::read_to_string(fixture("json/ok/karpenter-1.4.json")).unwrap();
    fs::write(folder.path().join("policy.json"), policy).unwrap();
    for (name, text) in files {
        let text = match text.strip_prefix("fixture ") {
            Some(name) => fs::read_to_string(fixture(&format!("manifests/{name}"))).unwrap(),
            None => (*text).to_owned(),
        };
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn check(folder: &tempfile::TempDir, flags: &[&str]) -> Ran {
    let path = folder.path().display().to_string();
    let mut args = vec!["check", "--no-config"];
    args.extend(flags);
    args.push(&path);
    karplint(&args)
}

#[test]
fn the_version_is_read_where_the_tree_pins_it() {
    for (name, file, version, place) in [
        ("helmrelease.yaml", "fixture tree/helmrelease.yaml", "1.4.2", ":9:16"),
        ("ocirepository.yaml", "fixture tree/ocirepository.yaml", "1.6.1", ":8:10"),
        ("Chart.yaml", "fixture tree/Chart.yaml", "1.5.8", ":6:14"),
        ("Chart.lock", "fixture tree/Chart.lock", "1.5.6", ":4:12"),
        ("kustomization.yaml", "fixture tree/kustomization.yaml", "1.3.1", ":4:14"),
        ("helmfile.yaml", "fixture tree/helmfile.yaml", "1.10.2", ":4:14"),
        ("deployment.yaml", "fixture good/deployment.yaml", "1.9.1", ":20:18"),
        ("application.yaml", "fixture good/application.yaml", "1.8.3", ":9:21"),
        (
            "labels.yaml",
            "kind: Deployment\nmetadata:\n  labels:\n    helm.sh/chart: karpenter-1.2.3\n",
            "1.2.3",
            ":4:20",
        ),
    ] {
        let folder = tree(&[(name, file)]);
        let ran = check(&folder, &["--format=json"]);
        let report = ran.json();
        let controller = &report["controllers"][0];
        assert_eq!(controller["karpenter"], version, "{name}: {}", ran.err);
        let told = controller["assumptions"].as_array().unwrap();
        let told = told.iter().find(|one| one["symbol"] == "karpenter").unwrap();
        assert_eq!(told["value"], version);
        assert!(told["from"].as_str().unwrap().ends_with(&format!("{name}{place}")), "{told}");
        let human = check(&folder, &[]).out;
        assert!(human.contains(&format!("Karpenter {version}, from ")), "{human}");
        // What somebody says counts more.
        let said = check(&folder, &["--format=json", "--karpenter=1.14"]).json();
        assert_eq!(said["controllers"][0]["karpenter"], "1.14.1");
    }
}

#[test]
fn of_several_versions_the_newest_is_looked_at_and_all_are_told() {
    let folder = tree(&[
        ("staging.yaml", "fixture tree/ocirepository.yaml"),
        ("prod.yaml", "fixture tree/helmrelease.yaml"),
    ]);
    let ran = check(&folder, &["--format=json"]);
    assert_eq!(ran.json()["controllers"][0]["karpenter"], "1.6.1");
    assert!(ran.err.contains("1.4.2 in ") && ran.err.contains("1.6.1 in "), "{}", ran.err);
    assert!(ran.err.contains("--karpenter 1.4.2..1.6.1"), "{}", ran.err);
}

#[test]
fn what_pins_no_version_of_karpenter_changes_nothing() {
    let other =
        "kind: HelmRelease\nspec: {chart: {spec: {chart: karpenter-crd, version: 1.2.3}}}\n";
    let template = "kind: HelmRelease\n# karpenter\n{{ if x }}\n";
    let old = "kind: HelmRelease\nspec: {chart: {spec: {chart: karpenter, version: v0.27.3}}}\n";
    for text in [other, template] {
        let folder = tree(&[("a.yaml", text)]);
        let report = check(&folder, &["--format=json"]).json();
        assert_eq!(report["controllers"][0]["karpenter"], "1.14.1", "{text}");
        assert_eq!(report["errors"], json!([]), "{text}");
    }
    let ran = check(&tree(&[("a.yaml", old)]), &["--format=json"]);
    assert_eq!(ran.json()["controllers"][0]["karpenter"], "1.14.1");
    assert!(ran.err.contains("a.yaml:2:50: Karpenter 0.27.3 is not supported"), "{}", ran.err);
}

#[test]
fn a_manifest_in_the_tree_is_a_hint_and_no_setting() {
    let folder = tree(&[("class.yaml", "fixture good/nodeclass-everything.yaml")]);
    let ran = check(&folder, &["--karpenter=1.4"]);
    assert_eq!(ran.status, Status::Clean, "{}", ran.out);
    assert!(ran.out.contains("class.yaml takes the settings of its EC2NodeClass"), "{}", ran.out);
    let class = folder.path().join("class.yaml").display().to_string();
    let named = check(&folder, &["--karpenter=1.4", "--manifest", &class]);
    assert_eq!(named.status, Status::Findings);
    assert!(!named.out.contains("takes the settings"), "{}", named.out);
    let alone = karplint(&["check", "--no-config", &class]);
    assert!(
        alone.err.contains("for the settings in its EC2NodeClass: --manifest"),
        "{}",
        alone.err
    );
}

#[test]
fn a_range_is_one_set_of_findings_with_the_versions_named() {
    let policy = fixture("json/ok/karpenter-1.4.json");
    let run = |range: &str| {
        karplint(&["check", "--no-config", "--format=json", "--karpenter", range, &policy])
    };
    let report = run("1.5..1.8").json();
    let versions: Vec<&str> = report["controllers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|controller| controller["karpenter"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["1.5.8", "1.6.8", "1.7.6", "1.8.8"]);
    assert_eq!(report["summary"]["controllers"], 1);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0]["data"]["karpenter"], "1.7.6");
    assert_eq!(findings[0]["data"]["versions"], json!(["1.7.6", "1.8.8"]));
    assert!(findings[0]["message"].as_str().unwrap().ends_with("(Karpenter 1.7.6 to 1.8.8)"));
    // Every finding of every version alone is in the report on all.
    let all = run("all").json();
    assert_eq!(all["controllers"].as_array().unwrap().len(), 21);
    for newest in Rules::builtin().newest_of_minors() {
        let one = run(&newest.to_string()).json();
        // What another version asks for is of use.
        let unused = |finding: &&Value| finding["rule"] == "unused-permission";
        for finding in one["findings"].as_array().unwrap().iter().filter(|f| !unused(f)) {
            let told = all["findings"].as_array().unwrap().iter().any(|known| {
                known["span"] == finding["span"]
                    && known["data"]["versions"]
                        .as_array()
                        .unwrap()
                        .contains(&json!(newest.to_string()))
            });
            assert!(told, "{newest}: {finding:#}");
        }
        for denied in one["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|f| f["data"]["denied"].as_array())
            .flatten()
        {
            let told = all["findings"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|known| known["data"]["denied"].as_array())
                .any(|known| known.contains(denied));
            assert!(told, "{newest}: {denied:#}");
        }
    }
    let human = karplint(&["check", "--no-config", "--karpenter=1.6..1.7", &policy]).out;
    assert!(human.contains("is ready for Karpenter 1.6.8: 31 calls allowed"), "{human}");
    assert!(human.contains("is ready for Karpenter 1.7.6: 1 warning"), "{human}");
    assert_eq!(human.matches("warning[").count(), 1, "{human}");
}

#[test]
fn one_version_is_one_version() {
    for command in [&["requires"][..], &["upgrade", "--from=1.3"]] {
        let mut args = command.to_vec();
        args.extend([
            "--no-config",
            if command.len() > 1 { "--to=1.4..1.6" } else { "--karpenter=1.4..1.6" },
        ]);
        let ran = karplint(&args);
        assert_eq!(ran.status, Status::Failed);
        assert!(ran.err.contains("takes one version, not several"), "{}", ran.err);
    }
    let policy = fixture("json/ok/karpenter-1.4.json");
    let ran = karplint(&["check", "--no-config", "--karpenter=0.31..1.0", &policy]);
    assert!(ran.err.contains("Karpenter 0.31 is not supported"), "{}", ran.err);
    let ran = karplint(&["check", "--no-config", "--karpenter=1.13..1.99", &policy]);
    assert!(ran.err.contains("Karpenter 1.99 is newer than this data"), "{}", ran.err);
}

#[test]
fn what_one_version_of_a_range_asks_for_is_of_use() {
    let policy = fixture("json/ok/karpenter-1.14.json");
    let unused = |range: &str| -> Vec<String> {
        let flags = ["check", "--no-config", "--format=json", "--karpenter", range, &policy];
        let report = karplint(&flags).json();
        let findings = report["findings"].as_array().unwrap().iter();
        let own = findings.filter(|finding| finding["rule"] == "unused-permission");
        own.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
    };
    let told = |range: &str| unused(range).iter().any(|m| m.contains("iam:ListInstanceProfiles"));
    assert!(told("1.4"));
    assert!(told("1.3..1.6"));
    assert!(!told("1.6..1.7"));
    let one = unused("1.3..1.6");
    let whole = "Karpenter 1.3.8 to 1.6.8 never asks for `iam:ListInstanceProfiles`";
    assert_eq!(one.iter().filter(|message| *message == whole).count(), 1, "{one:#?}");
}
