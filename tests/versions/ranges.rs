//! Several versions are judged together where they ask alike: what is said of each is what is said of it
//! alone.

use serde_json::Value;

use super::run::{fixture, karplint};

fn report(flags: &[&str], karpenter: &str, policy: &str) -> Value {
    let karpenter = format!("--karpenter={karpenter}");
    let mut args = vec!["check", "--no-config", "--format=json", &karpenter];
    args.extend(flags.iter().chain(&[policy]));
    karplint(&args).json()
}

#[test]
fn each_version_of_a_range_has_the_answers_it_has_alone() {
    let cases: [(&[&str], &str); 6] = [
        (&[], "json/ok/karpenter-0.37.json"),
        (&[], "json/ok/karpenter-1.4.json"),
        (&["--feature=disable-dry-run"], "json/ok/karpenter-1.14.json"),
        (&["--upgraded-from=0.37"], "json/ok/karpenter-1.0.json"),
        (&["--cluster-name=demo", "--region=us-west-2"], "json/err/create-fleet-missing.json"),
        (&[], "cloudformation/ok/both-branches-1.4.yaml"),
    ];
    for (flags, policy) in cases {
        let policy = fixture(policy);
        let range = if flags.contains(&"--upgraded-from=0.37") { "1.0..1.14" } else { "all" };
        let all = report(flags, range, &policy);
        let controllers = all["controllers"].as_array().unwrap();
        let mut versions: Vec<&str> =
            controllers.iter().map(|one| one["karpenter"].as_str().unwrap()).collect();
        versions.sort_unstable();
        versions.dedup();
        assert!(versions.len() >= 15, "{policy}: {versions:?} {all:#}");
        for version in versions {
            let alone = report(flags, version, &policy);
            let of = |report: &Value| -> Vec<Value> {
                let all = report["controllers"].as_array().unwrap().iter();
                all.filter(|one| one["karpenter"] == version).cloned().collect()
            };
            for (one, other) in of(&all).iter().zip(&of(&alone)) {
                for what in ["requests", "settings", "assumptions"] {
                    assert_eq!(one[what], other[what], "{policy} {version}: {what}");
                }
            }
            assert_eq!(of(&all).len(), of(&alone).len(), "{policy} {version}");
        }
    }
}

fn unused(range: &str, policy: &str) -> Vec<String> {
    let report = report(&[], range, &fixture(policy));
    let findings = report["findings"].as_array().unwrap().iter();
    let own = findings.filter(|finding| finding["rule"] == "unused-permission");
    own.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_another_version_would_ask_under_other_settings_is_of_use() {
    // 1.12 asks for it where zonal shifts are on, and nobody says whether they are.
    let told = |range: &str| {
        let all = unused(range, "json/ok/karpenter-1.14.json");
        all.iter().any(|message| message.contains("arc-zonal-shift:GetManagedResource"))
    };
    assert!(told("1.11"));
    assert!(!told("1.11..1.12"));
    assert!(!told("1.12"));
}

#[test]
fn what_no_version_asks_for_is_told_though_one_asks_for_less_than_another() {
    let policy = "least/err/actions-nobody-asks-for-1.14.json";
    let all = unused("1.11..1.14", policy);
    let own = all.iter().filter(|message| message.contains("ec2:DescribeVpcs"));
    assert_eq!(own.count(), 1, "{all:#?}");
    assert!(!all.iter().any(|message| message.contains("DescribeInstanceStatus")), "{all:#?}");
}
