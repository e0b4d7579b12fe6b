//! Policies in Kubernetes-style YAML and in templates of it.

use crate::common::{check, check_with_errors, fixture, folder, policy, program, rules};
use serde_json::{Value, json};

fn halves() -> (Value, Value) {
    let good = policy("json/ok/karpenter-1.4.json");
    let (a, b) = good["Statement"].as_array().unwrap().split_at(6);
    let document = |list: &[Value]| json!({"Version": "2012-10-17", "Statement": list});
    (document(a), document(b))
}

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": "pods.eks.amazonaws.com"}}}"#;

fn report(text: &str) -> Value {
    let files = folder(&[("all.yaml", text)]);
    check(&["--karpenter=1.4"], &[files.path().join("all.yaml")])
}

/// `documents / rules` of the only controller.
fn only(found: &Value) -> (usize, Vec<String>) {
    let controllers = found["controllers"].as_array().unwrap();
    assert_eq!(controllers.len(), 1, "{found}");
    (controllers[0]["documents"].as_array().unwrap().len(), rules(found))
}

#[test]
fn crossplane_attaches_by_reference_selector_and_arn() {
    let (a, b) = halves();
    let object = |kind: &str, name: &str, spec: Value| {
        json!({"apiVersion": "iam.aws.upbound.io/v1beta1", "kind": kind,
            "metadata": {"name": name, "labels": {"part": name}}, "spec": {"forProvider": spec}})
        .to_string()
    };
    let ways = [
        json!({"policyArnRef": {"name": "first"}, "roleRef": {"name": "controller"}}),
        json!({"policyArnSelector": {"matchLabels": {"part": "first"}},
            "roleSelector": {"matchLabels": {"part": "controller"}}}),
        json!({"policyArn": "arn:aws:iam::111122223333:policy/first", "role": "controller"}),
    ];
    for way in ways {
        let text = [
            object("Policy", "first", json!({"policy": a.to_string()})),
            object("Policy", "stray", json!({"policy": b.to_string()})),
            object(
                "Role",
                "controller",
                json!({"assumeRolePolicy": TRUST,
                "inlinePolicy": [{"name": "rest", "policy": b.to_string()}]}),
            ),
            object("RolePolicyAttachment", "x", way.clone()),
        ]
        .join("\n---\n");
        let found = report(&text);
        let role =
            found["controllers"].as_array().unwrap().iter().find(|controller| {
                controller["name"].as_str().unwrap().ends_with("Role/controller")
            });
        assert_eq!(role.unwrap()["documents"].as_array().unwrap().len(), 2, "{way}");
        let own = |f: &&Value| f["controller"] == role.unwrap()["name"];
        assert_eq!(found["findings"].as_array().unwrap().iter().filter(own).count(), 0, "{way}");
    }
}

#[test]
fn ack_and_eksctl_bind_by_name_and_arn() {
    let (a, b) = halves();
    let ack = |kind: &str, name: &str, spec: Value| {
        json!({"apiVersion": "iam.services.k8s.aws/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec})
        .to_string()
    };
    let text = [
        ack("Policy", "first", json!({"name": "KarpenterFirst", "policyDocument": a.to_string()})),
        ack(
            "Role",
            "r",
            json!({"name": "r", "assumeRolePolicyDocument": TRUST,
            "policyRefs": [{"from": {"name": "first"}}],
            "inlinePolicies": {"rest": b.to_string()}}),
        ),
    ]
    .join("\n---\n");
    assert_eq!(only(&report(&text)), (2, Vec::new()));

    let config = json!({"apiVersion": "eksctl.io/v1alpha5", "kind": "ClusterConfig",
        "metadata": {"name": "demo", "region": "us-west-2"},
        "iam": {"serviceAccounts": [
            {"metadata": {"name": "dns", "namespace": "x"}, "wellKnownPolicies": {"externalDNS": true}},
            {"metadata": {"name": "karpenter", "namespace": "kube-system"}, "roleName": "k",
             "attachPolicy": a, "attachPolicyARNs": ["arn:aws:iam::111122223333:policy/rest"]}]}});
    let found = report(&config.to_string());
    assert_eq!(only(&found), (1, vec!["warning unsettled".to_owned()]));
    assert!(found["findings"][0]["message"].as_str().unwrap().contains("policy/rest"));
}

#[test]
fn a_composition_and_a_list_are_looked_into() {
    let good = policy("json/ok/karpenter-1.4.json");
    let base = json!({"apiVersion": "iam.aws.m.upbound.io/v1beta1", "kind": "Policy",
        "metadata": {"name": "karpenter"}, "spec": {"forProvider": {"policy": good.to_string()}}});
    let composition = json!({"apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition",
        "spec": {"pipeline": [{"step": "a", "input": {"resources": [{"name": "p", "base": base}]}}]}});
    assert_eq!(only(&report(&composition.to_string())), (1, Vec::new()));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [base]});
    assert_eq!(only(&report(&list.to_string())), (1, Vec::new()));
}

#[test]
fn template_text_in_a_policy_is_a_hole() {
    let text = std::fs::read_to_string(fixture("same/good/configmap.yaml")).unwrap();
    let text = text.replace("demo", "{{ .Values.cluster }}");
    let found = report(&text);
    assert_eq!(only(&found), (1, Vec::new()));
    assert_eq!(found["controllers"][0]["settings"]["cluster-name"], "${.Values.cluster}");
    // Where the template stands outside of strings it has to be rendered.
    let text = text.replace("data:", "{{- if .Values.policy }}\ndata:") + "{{- end }}\n";
    let files = folder(&[("p.yaml", &text)]);
    let (_, err) = check_with_errors(&[], &[files.path().join("p.yaml")]);
    assert!(err.contains("looks like a template") && err.contains("helm template"), "{err}");
}

#[test]
fn what_is_no_json_is_told_for_what_it_is() {
    let good = std::fs::read_to_string(fixture("json/ok/karpenter-1.4.json")).unwrap();
    let cases = [
        ("a.json", good.replacen('{', "{ // ours\n", 1), "JSON has no comments"),
        (
            "b.json",
            good.trim_end().trim_end_matches('}').to_owned() + ",}",
            "trailing comma before `}`",
        ),
        (
            "c.json.tpl",
            good.replacen('[', "%{ if x }[", 1),
            "a template's directive stands in the JSON",
        ),
        (
            "d.json.tpl",
            good.replacen("[\n", "${list},[\n", 1),
            "a placeholder stands where JSON wants",
        ),
        (
            "e.json",
            good.replacen("[\n", "{{ toJson .x }},[\n", 1),
            "a placeholder stands where JSON wants",
        ),
    ];
    for (name, text, message) in cases {
        let files = folder(&[(name, &text)]);
        let (code, _, err) = program(files.path(), &["--no-config", name]);
        assert_eq!(code, 2, "{name}: {err}");
        assert!(err.contains(message), "{name}: {err}");
    }
}

#[test]
fn a_yaml_file_of_ten_thousand_lines_is_read_at_once() {
    let part = std::fs::read_to_string(fixture("same/good/crossplane.yaml")).unwrap();
    let mut text = String::new();
    while text.lines().count() < 10_000 {
        text.push_str("---\n");
        text.push_str(&part.replace("name: karpenter", &format!("name: karpenter{}", text.len())));
    }
    let sources = karplint::source::SourceMap::new();
    let file = sources.add_file("all.yaml", text);
    let started = std::time::Instant::now();
    let found = karplint::extract::extract(&sources, file, true, &Default::default()).unwrap();
    let took = started.elapsed();
    println!("10,000 lines of YAML took {took:?}");
    assert!(found.documents.len() > 50);
    // A build without optimisation on a busy machine is some ten times slower.
    assert!(took.as_millis() < if cfg!(debug_assertions) { 5000 } else { 100 }, "{took:?}");
}
