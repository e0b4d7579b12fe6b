//! Manifests that are cut anywhere, hostile, or written in other ways than usual.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pins::{chart_pin, scan};
use super::{Manifests, Written};
use crate::karpenter::{Rules, Version, needs};
use crate::settings::evidence::Evidence;
use crate::settings::given::Given;
use crate::settings::infer::{Resolved, infer, infer_all};
use crate::source::{SourceId, SourceMap, Span};

fn read(texts: &[(&str, &str)]) -> Manifests {
    let sources = SourceMap::new();
    let mut manifests = Manifests::default();
    for (name, text) in texts {
        let file = sources.add_file(*name, *text);
        manifests.read(&sources, file);
    }
    manifests
}

fn resolved(manifests: Manifests, version: Version) -> Resolved {
    let given = Given { manifests, ..Given::default() };
    infer(version, &given, &Evidence::default(), false)
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests");
    let folders = ["good", "wrong", "tree"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().unwrap() != "out").collect()
}

#[test]
fn a_manifest_cut_at_any_byte_is_read_or_refused() {
    let all = fixtures();
    assert!(all.len() >= 20);
    let rules = Rules::builtin();
    let mut cut_short = 0;
    for path in all {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        for end in 0..=text.len() {
            let part = text.get(..end).unwrap();
            let sources = SourceMap::new();
            let file = sources.add_file(name.as_str(), part);
            let mut manifests = Manifests::default();
            manifests.read(&sources, file);
            let _ = scan(&sources, file);
            for error in &manifests.errors {
                assert!(error.positions(&sources).is_some(), "{name} {end}: {error}");
            }
            cut_short += usize::from(!manifests.errors.is_empty());
            // What is left still makes requests.
            if end % 16 == 0 {
                let mut resolved = resolved(manifests, rules.latest());
                assert!(
                    !needs(rules, &resolved.settings, Arc::make_mut(&mut resolved.symbols))
                        .is_empty()
                );
            }
        }
    }
    assert!(cut_short > 100);
}

#[test]
fn every_fact_is_a_placeholder_that_the_settings_may_fill() {
    let rules = Rules::builtin();
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests/good/values.yaml"),
    )
    .unwrap();
    let everything = "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: a}\nspec:\n  instanceProfile: p\n  amiSelectorTerms: [{id: ami-1}]\n  metadataOptions: {httpTokens: optional, httpEndpoint: disabled, httpPutResponseHopLimit: 2}\n  blockDeviceMappings: [{ebs: {encrypted: false, kmsKeyID: k, snapshotID: snap-1}}]\n  placementGroupSelector: {name: g}\n  capacityReservationSelectorTerms: [{id: cr-1}]\n";
    let parameter = "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: b}\nspec: {amiSelectorTerms: [{id: ami-2, ssmParameter: /x}]}\n";
    let pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: p}\nspec: {template: {spec: {requirements: [{key: karpenter.k8s.aws/instance-tenancy, operator: In, values: [dedicated]}, {key: karpenter.k8s.aws/instance-category, operator: In, values: [m]}]}}}\n";
    let manifests = read(&[
        ("values.yaml", &text),
        ("a.yaml", everything),
        ("b.yaml", parameter),
        ("c.yaml", pool),
    ]);
    assert_eq!(manifests.errors, []);
    let settings = resolved(manifests, rules.latest()).settings;
    let facts = &settings.facts;
    let mut names: Vec<&str> = facts.each.keys().chain(facts.one_of.keys()).copied().collect();
    names.extend(facts.classes.iter().flat_map(|class| class.values.keys().copied()));
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        let known = rules.placeholders.iter().find(|known| &*known.name == name).unwrap();
        assert!(known.from_settings, "{name}");
    }
}

#[test]
fn placeholders_of_manifests_are_values_that_nobody_knows() {
    let manifests = read(&[(
        "a.yaml",
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: \"${NAME}\"}\nspec:\n  role: KarpenterNodeRole-${CLUSTER_NAME}\n  tags: {team: \"${TEAM}\"}\n  metadataOptions: {httpTokens: \"${TOKENS}\", httpPutResponseHopLimit: \"${HOPS}\"}\n",
    )]);
    assert_eq!(manifests.errors, []);
    let resolved = resolved(manifests, Version::new(1, 4, 4));
    let shown = |value: &crate::policy::symbolic::Symbolic| value.display(&resolved.symbols);
    let settings = &resolved.settings;
    // The name of the cluster is one thing, whoever writes a placeholder for it.
    assert_eq!(
        shown(settings.node_roles.first().unwrap()),
        "arn:${partition}:iam::${account}:role/KarpenterNodeRole-${cluster-name}"
    );
    assert_eq!(shown(settings.node_classes.first().unwrap()), "${NAME}");
    assert_eq!(shown(&settings.spec_tags(0).first().unwrap().1), "${TEAM}");
}

#[test]
fn hostile_text_is_data() {
    let long = "x".repeat(200_000);
    let text = format!(
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {{name: \"\\e[31m\\u202e\"}}\nspec:\n  template:\n    spec:\n      requirements:\n        - {{key: karpenter.sh/capacity-type, operator: In, values: [{long}]}}\n"
    );
    let manifests = read(&[("a.yaml", &text)]);
    let error = manifests.errors.first().unwrap();
    assert!(error.message.len() < 200, "{}", error.message.len());
    for text in [
        "a: &a [*a]\nkind: NodePool\n",
        "? [kind]\n: NodePool\n",
        "kind: [EC2NodeClass]\napiVersion: {a: b}\n",
        "kind: List\nitems: [{kind: List, items: [{kind: List, items: [{kind: List, items: [{kind: List}]}]}]}]\n",
        "settings: {clusterName: [a], isolatedVPC: {}, featureGates: 3}\ncontroller: {image: 3, env: [3, {name: CLUSTER_NAME}]}\n",
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: 3\nspec: [1]\n",
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nspec: {template: {spec: {requirements: [3, {key: 3, values: 3}]}}}\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{image: 'karpenter/controller:@', args: [--cluster-name]}]}}}\n",
        "",
        "\u{feff}---\n...\n",
    ] {
        let manifests = read(&[("a.yaml", text)]);
        resolved(manifests, Version::new(1, 14, 1));
    }
}

#[test]
fn merge_keys_and_anchors_are_followed() {
    let manifests = read(&[(
        "a.yaml",
        "x: &spec {role: one}\n---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: a}\nspec:\n  <<: &base {role: two}\n  amiSelectorTerms: [{alias: bottlerocket@v1.20.0}]\n",
    )]);
    assert_eq!(manifests.errors, []);
    let class = manifests.classes.first().unwrap();
    assert_eq!(class.role.as_ref().unwrap().value, Written::literal("two"));
    assert_eq!(class.family.as_deref(), Some("Bottlerocket"));
}

#[test]
fn chart_versions_mean_releases() {
    let span = Span::new(SourceId(0), 0, 0);
    let meant = |chart: &str, version: &str| chart_pin(chart, version, span).map(|pin| pin.version);
    for (version, expected) in [
        ("1.4.2", Some("1.4.2")),
        ("v1.4.2", Some("1.4.2")),
        ("= 1.4.2", Some("1.4.2")),
        ("1.4", Some("1.4")),
        ("1.4.x", Some("1.4")),
        ("1.4.*", Some("1.4")),
        ("~1.4.2", Some("1.4")),
        ("~1.4", Some("1.4")),
        ("^1.2.0", Some("latest")),
        ("1.x", Some("latest")),
        (">=1.0.0", Some("latest")),
        ("*", Some("latest")),
        ("^0.37.1", Some("0.37")),
        ("v0.32.1", Some("0.32.1")),
        ("${version}", None),
        ("main", None),
        ("", None),
    ] {
        assert_eq!(meant("karpenter", version).as_deref(), expected, "{version}");
    }
    assert!(meant("oci://public.ecr.aws/karpenter/karpenter", "1.4.2").is_some());
    assert!(meant("karpenter-crd", "1.4.2").is_none());
    assert!(meant("cluster-autoscaler", "9.0.0").is_none());
}

#[test]
fn what_versions_share_is_what_each_would_have_alone() {
    let rules = Rules::builtin();
    let versions: Vec<Version> = rules.newest_of_minors().collect();
    let mut read_apart = 0;
    for path in fixtures() {
        let text = fs::read_to_string(&path).unwrap();
        let manifests = read(&[(path.to_str().unwrap(), &text)]);
        let given = Given { manifests, ..Given::default() };
        let all = infer_all(&versions, &given, &Evidence::default(), false);
        for (version, shared) in versions.iter().zip(&all) {
            let alone = infer(*version, &given, &Evidence::default(), false);
            assert!(shared.is_like(&alone), "{version} {}", path.display());
            assert_eq!(shared.assumptions, alone.assumptions, "{version} {}", path.display());
            assert_eq!(shared.settings.karpenter, *version);
        }
        read_apart += usize::from(!all.iter().all(|one| one.is_like(&all[0])));
    }
    assert!(read_apart > 0, "no fixture is read in two ways");
}
