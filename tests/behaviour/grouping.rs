//! Which documents bind one principal.

use std::path::Path;

use crate::common::{check, check_with_errors, fixture, folder, policy, program, rules, statement};
use serde_json::{Value, json};

fn names(report: &Value) -> Vec<String> {
    let controllers = report["controllers"].as_array().unwrap().iter();
    controllers
        .map(|c| c["name"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap()
}

/// A template with a role, its policies as given, and the role of the nodes.
fn template(role: &Value, policies: &[(&str, &Value)]) -> String {
    let mut resources = json!({
        "ControllerRole": {"Type": "AWS::IAM::Role", "Properties": role},
        "NodeRole": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": "KarpenterNodeRole-demo",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]},
            "Policies": [{"PolicyName": "karpenter-logs", "PolicyDocument": {"Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}}]
        }}
    });
    for (name, properties) in policies {
        resources[*name] = json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": properties});
    }
    serde_json::to_string_pretty(&json!({"Resources": resources})).unwrap()
}

fn trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"Service": "pods.eks.amazonaws.com"}}]})
}

#[test]
fn attachments_of_a_template_make_the_controller_and_the_node_role_is_none() {
    let good = policy("json/ok/karpenter-1.4.json");
    let (first, second) = split(&good);
    let role = json!({"AssumeRolePolicyDocument": trust(), "ManagedPolicyArns": [{"Ref": "First"}],
        "Policies": [{"PolicyName": "rest", "PolicyDocument": second}]});
    let text = template(&role, &[("First", &json!({"PolicyDocument": first}))]);
    let files = folder(&[("stack.json", &text)]);
    let report = check(&["--karpenter=1.4"], &[files.path().join("stack.json")]);
    assert_eq!(names(&report), ["stack.json ControllerRole"]);
    assert_eq!(report["controllers"][0]["documents"].as_array().unwrap().len(), 2);
    assert_eq!(rules(&report), Vec::<String>::new());
}

/// A policy in two.
fn split(policy: &Value) -> (Value, Value) {
    let statements = policy["Statement"].as_array().unwrap();
    let (a, b) = statements.split_at(6);
    (
        json!({"Version": "2012-10-17", "Statement": a}),
        json!({"Version": "2012-10-17", "Statement": b}),
    )
}

#[test]
fn an_attached_policy_that_is_not_here_leaves_denials_unsettled() {
    let (first, _) = split(&policy("json/ok/karpenter-1.4.json"));
    let unseen = "arn:aws:iam::111122223333:policy/elsewhere";
    let role = |arn: &str| json!({"AssumeRolePolicyDocument": trust(), "ManagedPolicyArns": [{"Ref": "First"}, arn]});
    let text = template(&role(unseen), &[("First", &json!({"PolicyDocument": first}))]);
    let files = folder(&[("stack.json", &text)]);
    let report = check(&["--karpenter=1.4"], &[files.path().join("stack.json")]);
    assert_eq!(rules(&report), ["warning unsettled"]);
    assert!(report["findings"][0]["message"].as_str().unwrap().contains("policy/elsewhere"));

    let admin = role("arn:aws:iam::aws:policy/AdministratorAccess");
    let text = template(&admin, &[("First", &json!({"PolicyDocument": first}))]);
    let files = folder(&[("stack.json", &text)]);
    let report = check(&["--karpenter=1.4"], &[files.path().join("stack.json")]);
    assert_eq!(rules(&report), Vec::<String>::new());
}

#[test]
fn an_unseen_boundary_leaves_what_is_allowed_unsettled() {
    let good = policy("json/ok/karpenter-1.4.json");
    let role = json!({"AssumeRolePolicyDocument": trust(), "ManagedPolicyArns": [{"Ref": "All"}],
        "PermissionsBoundary": "arn:aws:iam::111122223333:policy/boundary"});
    let files =
        folder(&[("stack.json", &template(&role, &[("All", &json!({"PolicyDocument": good}))]))]);
    let path = [files.path().join("stack.json")];
    let report = check(&["--karpenter=1.4"], &path);
    assert_eq!(rules(&report), ["warning unsettled"]);
    let everything = folder(&[(
        "b.json",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    )]);
    let flag = format!("--boundary={}", everything.path().join("b.json").display());
    let report = check(&["--karpenter=1.4", &flag], &path);
    assert_eq!(rules(&report), Vec::<String>::new());
}

#[test]
fn a_boundary_limits_and_is_named() {
    let boundary = folder(&[(
        "b.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"iam:PassRole","Resource":"*"}]}"#,
    )]);
    let flag = format!("--boundary={}", boundary.path().join("b.json").display());
    let report = check(&["--karpenter=1.4", &flag], &[fixture("json/ok/karpenter-1.4.json")]);
    assert_eq!(rules(&report), ["error missing-permission"]);
    let finding = &report["findings"][0];
    assert!(finding["message"].as_str().unwrap().contains("permissions boundary"), "{finding}");
    assert!(finding["file"].as_str().unwrap().ends_with("b.json"));
    assert_eq!(finding["data"]["action"], "iam:PassRole");
}

#[test]
fn a_level_without_an_allow_is_completed_and_told() {
    let scp = folder(&[(
        "scp.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#,
    )]);
    let flag = format!("--scp={}", scp.path().join("scp.json").display());
    let report = check(&["--karpenter=1.4", &flag], &[fixture("json/ok/karpenter-1.4.json")]);
    assert_eq!(rules(&report), Vec::<String>::new());
    let assumptions = report["controllers"][0]["assumptions"].to_string();
    assert!(assumptions.contains("FullAWSAccess"), "{assumptions}");
}

#[test]
fn in_a_folder_what_does_not_launch_joins_the_one_that_does() {
    let report = check(&["--karpenter=1.9"], &[fixture("json/ok/karpenter-1.9")]);
    assert_eq!(names(&report), ["launch.json and 2 more"]);
    assert_eq!(rules(&report), Vec::<String>::new());
}

#[test]
fn another_cluster_s_documents_do_not_join() {
    let other = read("json/ok/karpenter-1.9/profiles.json").replace("demo", "other");
    let files = folder(&[
        ("launch.json", &read("json/ok/karpenter-1.9/launch.json")),
        ("profiles.json", &other),
    ]);
    let report = check(&["--karpenter=1.9"], &[files.path().to_path_buf()]);
    assert_eq!(names(&report), ["launch.json", "profiles.json"]);
}

#[test]
fn lone_files_that_would_do_together_are_told_about_union() {
    let part = |name: &str| read(&format!("json/ok/karpenter-1.9/{name}.json"));
    // In folders of their own nothing joins them.
    let files = folder(&[
        ("a/launch.json", &part("launch")),
        ("b/profiles.json", &part("profiles")),
        ("c/discovery.json", &part("discovery")),
    ]);
    let paths = ["a/launch.json", "b/profiles.json", "c/discovery.json"];
    let (code, out, _) =
        program(files.path(), &[&["--no-config", "--karpenter=1.9"], &paths[..]].concat());
    assert_eq!(code, 1);
    assert!(
        out.contains("would do together: if they bind one role, give them with --union"),
        "{out}"
    );
    let (code, out, _) = program(
        files.path(),
        &[&["--no-config", "--karpenter=1.9", "--union"], &paths[..]].concat(),
    );
    assert_eq!(code, 0, "{out}");
}

#[test]
fn a_folder_judges_only_what_looks_like_karpenter() {
    let s3 = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;
    let files =
        folder(&[("s3.json", s3), ("controller.json", &read("json/ok/karpenter-1.4.json"))]);
    let report = check(&["--karpenter=1.4"], &[files.path().to_path_buf()]);
    assert_eq!(names(&report), ["controller.json"]);
    // A named file is always judged, but for --hook.
    let report = check(&["--karpenter=1.4"], &[files.path().join("s3.json")]);
    assert_eq!(names(&report), ["s3.json"]);
    let (report, err) =
        check_with_errors(&["--karpenter=1.4", "--hook"], &[files.path().join("s3.json")]);
    assert_eq!((names(&report), err.as_str()), (Vec::new(), ""));
}

#[test]
fn a_controller_of_the_configuration_is_judged_whole() {
    let part = |name: &str| read(&format!("json/ok/karpenter-1.9/{name}.json"));
    let config =
        "karpenter = \"1.9\"\n[[controller]]\nname = \"demo\"\npolicies = [\"iam/*.json\"]\n";
    let files = folder(&[
        ("karplint.toml", config),
        ("iam/launch.json", &part("launch")),
        ("iam/profiles.json", &part("profiles")),
        ("iam/discovery.json", &part("discovery")),
    ]);
    // One file is named; it brings in the others.
    let (code, out, err) = program(files.path(), &["iam/profiles.json"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("demo is ready for Karpenter 1.9.2"), "{out}");
    let (code, out, _) = program(&files.path().join("iam"), &[]);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn other_principals_trust_and_queue_policies_are_never_controllers() {
    let mut good = policy("json/ok/karpenter-1.4.json");
    for one in good["Statement"].as_array_mut().unwrap() {
        one["Principal"] = json!("*");
    }
    let files = folder(&[("resource.json", &good.to_string())]);
    let (report, _) =
        check_with_errors(&["--karpenter=1.4"], &[files.path().join("resource.json")]);
    assert_eq!(names(&report), Vec::<String>::new());
}

#[test]
fn one_odd_place_does_not_redefine_the_cluster() {
    let mut good = policy("json/ok/karpenter-1.4.json");
    statement(&mut good, "DescribeOwnCluster")["Resource"] =
        json!("arn:aws:eks:us-west-2:111122223333:cluster/other");
    let files = folder(&[("p.json", &serde_json::to_string_pretty(&good).unwrap())]);
    let report = check(&["--karpenter=1.4"], &[files.path().join("p.json")]);
    assert_eq!(rules(&report), ["error cluster-name-mismatch"]);
    assert_eq!(report["findings"][0]["data"]["written"], "other");
    assert_eq!(report["controllers"][0]["settings"]["cluster-name"], "demo");
}

#[test]
fn paths_are_relative_to_the_working_directory() {
    let files = folder(&[("iam/p.json", &read("json/err/create-fleet-missing.json"))]);
    let (_, out, _) = program(files.path(), &["--format=json", "iam"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["findings"][0]["file"], "iam/p.json");
    assert_eq!(report["controllers"][0]["documents"][0]["file"], "iam/p.json");
    let (_, out, _) = program(Path::new(&files.path().join("iam")), &["--format=json"]);
    assert!(out.contains("\"file\": \"p.json\""), "{out}");
}

#[test]
fn each_module_of_a_plan_is_a_controller() {
    let document = read("same/good/policy.json");
    let resource = |module: &str| {
        json!({"address": format!("{module}aws_iam_policy.karpenter"), "mode": "managed", "type": "aws_iam_policy",
            "name": "karpenter", "values": {"name": "karpenter", "policy": document}})
    };
    let child = |name: &str| json!({"address": name, "resources": [resource(&format!("{name}."))]});
    let plan = json!({"format_version": "1.2", "planned_values": {"root_module": {
        "resources": [resource("")],
        "child_modules": [child("module.a[\"x.y\"]"), child("module.b")]
    }}});
    let files = folder(&[("plan.json", &plan.to_string())]);
    let report = check(&["--karpenter=1.4"], &[files.path().join("plan.json")]);
    assert_eq!(names(&report), ["plan.json", "plan.json module.a[\"x.y\"]", "plan.json module.b"]);
    assert_eq!(rules(&report), Vec::<String>::new());
}

#[test]
fn what_is_denied_stands_in_call_order_and_not_in_the_order_of_statements() {
    let good = policy("json/ok/karpenter-1.14.json");
    let removals: Vec<Value> = (0..good["Statement"].as_array().unwrap().len())
        .map(|index| {
            let mut without = good.clone();
            without["Statement"].as_array_mut().unwrap().remove(index);
            without
        })
        .collect();
    for without in removals {
        let files = folder(&[("p.json", &without.to_string())]);
        let report = check(&["--karpenter=1.14"], &[files.path().join("p.json")]);
        let requests = report["controllers"][0]["requests"].as_array().unwrap();
        let place = |id: &Value| requests.iter().position(|request| request["id"] == *id).unwrap();
        for finding in report["findings"].as_array().unwrap() {
            let denied = finding["data"]["denied"].as_array().unwrap();
            let order: Vec<usize> = denied.iter().map(|one| place(&one["request"])).collect();
            assert!(order.is_sorted(), "{}: {order:?}", finding["message"]);
        }
    }
}

/// The role of a cluster that is named after Karpenter was judged as Karpenter's.
#[test]
fn a_role_that_only_another_service_may_assume_is_no_controller() {
    let role = |service: &str, policy: &str| {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": service}}]});
        let deny = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "logs:CreateLogGroup", "Resource": "*"}]});
        let role = json!({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": "karpenter-demo-cluster", "AssumeRolePolicyDocument": trust,
            "ManagedPolicyArns": [format!("arn:aws:iam::aws:policy/{policy}")],
            "Policies": [{"PolicyName": "logs", "PolicyDocument": deny}]}}}});
        folder(&[("stack.json", &role.to_string())])
    };
    let judged = |files: &tempfile::TempDir, flags: &[&str]| {
        let flags = [&["--karpenter=1.4"], flags].concat();
        names(&check(&flags, &[files.path().to_path_buf()]))
    };
    let cluster = role("eks.amazonaws.com", "AmazonEKSClusterPolicy");
    assert_eq!(judged(&cluster, &[]), Vec::<String>::new());
    // Who names it wants it judged.
    assert_eq!(judged(&cluster, &["--role=karpenter-demo-cluster"]), ["stack.json Role"]);
    let function = role("lambda.amazonaws.com", "ReadOnlyAccess");
    assert_eq!(judged(&function, &[]), Vec::<String>::new());
    let pod = role("pods.eks.amazonaws.com", "ReadOnlyAccess");
    assert_eq!(judged(&pod, &[]), ["stack.json Role"]);
    // What launches is Karpenter's, whoever is trusted.
    let good = policy("json/ok/karpenter-1.4.json");
    let text = std::fs::read_to_string(cluster.path().join("stack.json")).unwrap();
    let mut stack: Value = serde_json::from_str(&text).unwrap();
    stack["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"] = good;
    std::fs::write(cluster.path().join("stack.json"), stack.to_string()).unwrap();
    assert_eq!(judged(&cluster, &[]), ["stack.json Role"]);
}

#[test]
fn a_hook_that_names_one_part_of_a_controller_judges_all_of_it() {
    let parts: Vec<(String, String)> = ["discovery", "launch", "profiles"]
        .map(|name| {
            let path = fixture(&format!("json/ok/karpenter-1.9/{name}.json"));
            (format!("karpenter/{name}.json"), std::fs::read_to_string(path).unwrap())
        })
        .to_vec();
    let mut files: Vec<(&str, &str)> =
        parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("karpenter/README.md", "no policy"));
    let all = folder(&files);
    let run = |args: &[&str]| {
        let flags = ["check", "--karpenter=1.9", "--hook"];
        program(all.path(), &[&flags[..], args].concat())
    };
    for named in ["karpenter/launch.json", "karpenter/discovery.json"] {
        let (code, out, err) = run(&[named]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.contains("karpenter/profiles.json"), "{out}");
    }
    // A file without a policy is no part of one.
    assert_eq!(run(&["karpenter/README.md"]), (0, String::new(), String::new()));
    // What is left out of a folder is left out beside a file.
    std::fs::write(all.path().join("karplint.toml"), "exclude = [\"**/profiles.json\"]\n").unwrap();
    let (code, out, _) = run(&["karpenter/launch.json"]);
    assert_eq!(code, 1, "{out}");
}

#[cfg(unix)]
#[test]
fn a_link_beside_its_target_is_another_name_for_it() {
    let good = std::fs::read_to_string(fixture("json/ok/karpenter-1.4.json")).unwrap();
    let all = folder(&[("z.json", &good)]);
    std::os::unix::fs::symlink("z.json", all.path().join("zz.json")).unwrap();
    for named in [["z.json", "zz.json"], ["zz.json", "z.json"]] {
        let args = [&["check", "--no-config", "--karpenter=1.4"][..], &named].concat();
        let (code, out, err) = program(all.path(), &args);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
    }
}
