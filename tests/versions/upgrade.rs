//! What an upgrade must add, pair by pair.

use karplint::cli::Status;
use serde_json::Value;

use crate::run::{fixture, karplint};

fn upgrade(from: &str, to: &str, more: &[&str]) -> Value {
    let mut args = vec!["upgrade", "--no-config", "--format=json", "--from", from, "--to", to];
    args.extend(more);
    karplint(&args).json()
}

/// `action resource-type`, sorted, each once.
fn pairs(report: &Value, list: &str) -> Vec<String> {
    let entries = report[list].as_array().unwrap().iter();
    let mut pairs: Vec<String> = entries
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            assert!(!text("request").is_empty() && !text("reason").is_empty(), "{entry}");
            format!("{} {}", text("action"), text("resource_type")).trim_end().to_owned()
        })
        .collect();
    pairs.sort();
    pairs.dedup();
    pairs
}

struct Row {
    from: &'static str,
    to: &'static str,
    added: &'static [&'static str],
    changed: &'static [&'static str],
}

const fn same(from: &'static str, to: &'static str) -> Row {
    Row { from, to, added: &[], changed: &[] }
}

const TABLE: &[Row] = &[
    Row {
        from: "0.32",
        to: "0.33",
        added: &["ec2:CreateTags spot-instances-request"],
        changed: &["ec2:RunInstances spot-instances-request"],
    },
    same("0.33", "0.34"),
    Row { from: "0.34", to: "0.35", added: &[], changed: &["eks:DescribeCluster cluster"] },
    same("0.35", "0.36"),
    same("0.36", "0.37"),
    Row {
        from: "0.37",
        to: "1.0",
        added: &[],
        // Whatever sends the tag of the cluster's name, or stands on a resource that carries it.
        changed: &[
            "ec2:CreateFleet fleet",
            "ec2:CreateFleet instance",
            "ec2:CreateFleet launch-template",
            "ec2:CreateFleet volume",
            "ec2:CreateLaunchTemplate launch-template",
            "ec2:CreateTags fleet",
            "ec2:CreateTags instance",
            "ec2:CreateTags launch-template",
            "ec2:CreateTags network-interface",
            "ec2:CreateTags spot-instances-request",
            "ec2:CreateTags volume",
            "ec2:DeleteLaunchTemplate launch-template",
            "ec2:RunInstances instance",
            "ec2:RunInstances launch-template",
            "ec2:RunInstances network-interface",
            "ec2:RunInstances spot-instances-request",
            "ec2:RunInstances volume",
            "ec2:TerminateInstances instance",
            "iam:AddRoleToInstanceProfile instance-profile",
            "iam:CreateInstanceProfile instance-profile",
            "iam:DeleteInstanceProfile instance-profile",
            "iam:RemoveRoleFromInstanceProfile instance-profile",
            "iam:TagInstanceProfile instance-profile",
        ],
    },
    Row {
        from: "1.0",
        to: "1.1",
        added: &[],
        changed: &[
            "ec2:CreateFleet launch-template",
            "ec2:CreateLaunchTemplate launch-template",
            "ec2:CreateTags launch-template",
            "ec2:DeleteLaunchTemplate launch-template",
            "ec2:RunInstances launch-template",
            "eks:DescribeCluster cluster",
        ],
    },
    same("1.1", "1.2"),
    Row {
        from: "1.2",
        to: "1.3",
        added: &[
            "ec2:CreateFleet capacity-reservation",
            "ec2:DescribeCapacityReservations",
            "ec2:RunInstances capacity-reservation",
        ],
        changed: &[
            "ec2:CreateFleet fleet",
            "ec2:CreateFleet image",
            "ec2:CreateFleet instance",
            "ec2:CreateFleet launch-template",
            "ec2:CreateFleet subnet",
            "ec2:CreateFleet volume",
            "ec2:CreateLaunchTemplate launch-template",
            "ec2:CreateTags fleet",
            "ec2:CreateTags instance",
            "ec2:CreateTags launch-template",
            "ec2:CreateTags network-interface",
            "ec2:CreateTags volume",
            "ec2:DeleteLaunchTemplate launch-template",
            "ec2:RunInstances image",
            "ec2:RunInstances instance",
            "ec2:RunInstances launch-template",
            "ec2:RunInstances network-interface",
            "ec2:RunInstances security-group",
            "ec2:RunInstances snapshot",
            "ec2:RunInstances subnet",
            "ec2:RunInstances volume",
            "iam:PassRole role",
        ],
    },
    Row { from: "1.3", to: "1.4", added: &[], changed: &["ssm:GetParameter parameter"] },
    same("1.4", "1.5"),
    same("1.5", "1.6"),
    Row {
        from: "1.6",
        to: "1.7",
        added: &["iam:ListInstanceProfiles instance-profile"],
        changed: &[
            "iam:AddRoleToInstanceProfile instance-profile",
            "iam:CreateInstanceProfile instance-profile",
            "iam:DeleteInstanceProfile instance-profile",
            "iam:GetInstanceProfile instance-profile",
            "iam:RemoveRoleFromInstanceProfile instance-profile",
            "iam:TagInstanceProfile instance-profile",
        ],
    },
    same("1.7", "1.8"),
    same("1.8", "1.9"),
    same("1.9", "1.10"),
    Row {
        from: "1.10",
        to: "1.11",
        added: &[
            "ec2:CreateFleet placement-group",
            "ec2:DescribePlacementGroups",
            "ec2:RunInstances placement-group",
        ],
        changed: &[],
    },
    Row {
        from: "1.11",
        to: "1.12",
        added: &["arc-zonal-shift:GetManagedResource", "ec2:DescribeInstanceStatus"],
        changed: &[],
    },
    same("1.12", "1.13"),
    same("1.13", "1.14"),
];

#[test]
fn every_pair_of_minors_adds_what_it_must_and_nothing_else() {
    for row in TABLE {
        let report = upgrade(row.from, row.to, &[]);
        assert_eq!(pairs(&report, "added"), row.added, "{} to {}", row.from, row.to);
        assert_eq!(pairs(&report, "changed"), row.changed, "{} to {}", row.from, row.to);
    }
}

/// The minor pair, what the table for people must say, and in which release it came.
const SAYS: &[(&str, &str, &str, &str)] = &[
    ("0.32", "0.33", "spot-instances-request", "0.33.0"),
    ("0.34", "0.35", "AL2023", "0.35.0"),
    ("0.37", "1.0", "karpenter.sh/managed-by", "1.0.0"),
    ("0.37", "1.0", "profiles from before 1.0", "1.0.0"),
    ("1.0", "1.1", "karpenter.k8s.aws/cluster", "1.1.0"),
    ("1.0", "1.1", "eks-control-plane", "1.1.0"),
    ("1.2", "1.3", "empty", "1.3.0"),
    ("1.2", "1.3", "iam:PassRole", "1.3.1"),
    ("1.2", "1.3", "real launch templates", "1.3.5"),
    ("1.2", "1.3", "capacityReservationSelectorTerms", "1.3.0"),
    ("1.3", "1.4", "ssmParameter", "1.4.0"),
    ("1.4.0", "1.4.1", "real launch templates", "1.4.1"),
    ("1.5.4", "1.5.5", "real launch templates", "1.5.5"),
    ("1.6.3", "1.6.4", "real launch templates", "1.6.4"),
    ("1.6", "1.7", "iam:ListInstanceProfiles", "1.7.0"),
    ("1.6", "1.7", "instance-profile/karpenter/", "1.7.0"),
    ("1.10", "1.11", "placementGroupSelector", "1.11.0"),
    ("1.11", "1.12", "ec2:DescribeInstanceStatus", "1.12.0"),
    ("1.11", "1.12", "zonal shift", "1.12.0"),
];

#[test]
fn the_table_for_people_says_what_for_and_since_when() {
    for (from, to, text, since) in SAYS {
        let out = karplint(&["upgrade", "--no-config", "--from", from, "--to", to]).out;
        assert!(out.contains(text) && out.contains(since), "{from} to {to}: {text}\n{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    }
    for row in TABLE.iter().filter(|row| row.added.is_empty() && row.changed.is_empty()) {
        let out = karplint(&["upgrade", "--no-config", "--from", row.from, "--to", row.to]).out;
        assert!(out.contains("nothing new is needed"), "{out}");
    }
}

#[test]
fn what_the_policies_lack_decides_how_it_ends() {
    let policy = fixture("json/ok/karpenter-1.4.json");
    let report = upgrade("1.6", "1.12", &[&policy]);
    assert_eq!(
        pairs(&report, "missing"),
        ["ec2:DescribeInstanceStatus", "iam:ListInstanceProfiles instance-profile"]
    );
    let run = |from: &str, to: &str| {
        karplint(&["upgrade", "--no-config", "--from", from, "--to", to, &policy])
    };
    let ran = run("1.6", "1.12");
    assert_eq!(ran.status, Status::Findings);
    assert!(
        ran.out.ends_with("lacks 2 permissions of Karpenter 1.12.2; nodes launch without them\n"),
        "{}",
        ran.out
    );
    assert_eq!(run("1.4", "1.6").status, Status::Clean);
}

#[test]
fn what_was_missing_before_is_missing_still() {
    let policy = fixture("json/err/create-fleet-missing.json");
    let report = upgrade("1.4", "1.5", &[&policy]);
    assert_eq!(report["added"], Value::Array(vec![]));
    assert!(pairs(&report, "missing").contains(&"ec2:CreateFleet fleet".to_owned()));
}

#[test]
fn settings_that_switch_something_on_bring_it_into_the_table() {
    let plain = upgrade("1.11", "1.12", &[]);
    let shift = upgrade("1.11", "1.12", &["--feature=zonal-shift"]);
    let only_with = |report: &Value| {
        let added = report["added"].as_array().unwrap();
        let entry = added.iter().find(|e| e["action"] == "arc-zonal-shift:GetManagedResource");
        entry.unwrap()["only_with"].clone()
    };
    assert_eq!(only_with(&plain), "zonal shift");
    assert_eq!(only_with(&shift), Value::Null);
    // In an isolated VPC 0.36 began to ask for spot prices.
    let isolated = upgrade("0.35", "0.36", &["--feature=isolated-vpc"]);
    assert_eq!(pairs(&isolated, "changed"), ["ec2:DescribeSpotPriceHistory"]);
}

#[test]
fn what_is_granted_is_told_with_the_line_that_grants_it() {
    let policy = fixture("cloudformation/ok/sub-1.4.yaml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let out = karplint(&["upgrade", "--no-config", "--from=1.3.0", "--to=1.3.1", &policy]).out;
    let row: Vec<&str> = out.lines().skip_while(|line| !line.contains("iam:PassRole")).collect();
    let line: usize = row[1].rsplit("line ").next().unwrap().parse().unwrap();
    assert!(row[0].ends_with("granted,"), "{out}");
    assert!(text.lines().nth(line - 1).unwrap().contains("iam:PassRole"), "line {line}");
    assert!(out.lines().all(|line| line.chars().count() <= 100 || line.contains(&policy)), "{out}");
    // Two files have no common count of lines.
    let other = fixture("json/ok/karpenter-1.4.json");
    let both =
        karplint(&["upgrade", "--no-config", "--from=1.3.0", "--to=1.3.1", &policy, &other]).out;
    assert!(both.contains("granted") && !both.contains("line "), "{both}");
}
