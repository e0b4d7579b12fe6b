//! What is named as the cause of a denial, and what is said where nothing is certain.

use crate::common::{check_policy, folder, policy, program, rules, statement};
use serde_json::{Value, json};

/// The policy of 1.4 with one more statement.
fn with(statement: Value) -> Value {
    let mut policy = policy("json/ok/karpenter-1.4.json");
    policy["Statement"].as_array_mut().unwrap().push(statement);
    policy
}

/// The same in the words of another command, as JSON.
fn json_of(args: &[&str], policy: &Value) -> Value {
    let folder = folder(&[("policy.json", &policy.to_string())]);
    let mut all = vec!["--no-config", "--format=json"];
    all.extend(args);
    all.push("policy.json");
    let command = all.remove(2);
    all.insert(0, command);
    let (_, out, err) = program(folder.path(), &all);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"))
}

fn first(report: &Value) -> &Value {
    &report["findings"][0]
}

/// The messages of a report.
fn messages(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|f| f["message"].as_str().unwrap()).collect()
}

/// The policy after the edits of its findings.
fn fixed(policy: &Value, flags: &[&str]) -> (String, Value) {
    let text = serde_json::to_string_pretty(policy).unwrap();
    let folder = folder(&[("policy.json", &text)]);
    let mut args = vec!["check", "--no-config", "--unsafe-fixes", "--fix"];
    args.extend(flags);
    args.push("policy.json");
    let (_, out, _) = program(folder.path(), &args);
    let text = std::fs::read_to_string(folder.path().join("policy.json")).unwrap();
    (out, serde_json::from_str(&text).unwrap())
}

/// The answer of preflight to the CreateFleet dry run.
fn dry_run(report: &Value) -> &Value {
    let calls = report["controllers"][0]["calls"].as_array().unwrap();
    let is_it = |call: &&Value| call["call"] == "ec2:CreateFleet" && call["dry_run"] == true;
    calls.iter().find(is_it).unwrap()
}

/// The launch template of the dry run does not exist: whether AWS looks at it is what nobody knows.
#[test]
fn an_explicit_deny_of_the_mock_launch_template_is_as_unsettled_as_a_missing_grant() {
    let deny = |condition: Value| {
        let mut deny = json!({
            "Effect": "Deny", "Action": "ec2:CreateFleet", "Resource": "arn:aws:ec2:*:*:launch-template/*"
        });
        if !condition.is_null() {
            deny["Condition"] = condition;
        }
        with(deny)
    };
    let tagged = deny(json!({
        "StringNotEquals": {"aws:ResourceTag/kubernetes.io/cluster/demo": "owned"}
    }));
    let open = deny(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}));
    let flags = ["--karpenter=1.4.0", "--node-pool=general"];
    for policy in [&tagged, &deny(Value::Null), &open] {
        let mut args = vec!["preflight"];
        args.extend(flags);
        let report = json_of(&args, policy);
        let call = dry_run(&report);
        assert_eq!(call["verdict"], "unsettled", "{policy}");
        assert_eq!(call["http_status"], Value::Null);
        let report = check_policy(&flags, policy);
        let requests = report["controllers"][0]["requests"].as_array().unwrap();
        let request = requests.iter().find(|r| r["id"] == "validation.create-fleet.mock").unwrap();
        assert_eq!(request["verdict"], "unsettled");
        let disputed = |message: &&&str| message.contains("names a launch template that does not");
        assert_eq!(messages(&report).iter().filter(disputed).count(), 1, "{:?}", rules(&report));
    }
    assert_eq!(rules(&check_policy(&flags, &tagged)), ["warning unsettled"]);
    // The real launch is denied for certain, and nobody may say that its validation passes.
    let report = check_policy(&flags, &deny(Value::Null));
    assert_eq!(rules(&report), ["error explicit-deny", "warning unsettled"]);
    // The generation after it names a real template.
    let report = check_policy(&["--karpenter=1.4.1", "--node-pool=general"], &tagged);
    assert_eq!(rules(&report), Vec::<String>::new());
}

/// A statement that grants the action is what is wrong, not one that grants another.
#[test]
fn tags_of_the_request_in_place_of_those_of_the_resource_are_one_wrong_condition() {
    let mut policy = policy("json/ok/karpenter-1.4.json");
    let conditions = &mut statement(&mut policy, "RemoveOwnResources")["Condition"];
    *conditions = json!({
        "StringEquals": {"aws:RequestTag/kubernetes.io/cluster/demo": "owned"},
        "StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"}
    });
    let flags = ["--karpenter=1.4.4", "--node-pool=general"];
    let report = check_policy(&flags, &policy);
    assert_eq!(rules(&report), ["error condition-mismatch"], "{:?}", messages(&report));
    let finding = first(&report);
    assert_eq!(finding["related"].as_array().unwrap().len(), 1, "both lines");
    let denied = finding["data"]["denied"].as_array().unwrap();
    assert!(
        ["ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"]
            .iter()
            .all(|action| denied.iter().any(|one| one["action"] == *action))
    );
    let (_, after) = fixed(&policy, &flags);
    assert_eq!(rules(&check_policy(&flags, &after)), Vec::<String>::new());

    let conditions = &mut statement(&mut policy, "RemoveOwnResources")["Condition"];
    *conditions = json!({
        "StringEquals": {"aws:RequestTag/kubernetes.io/cluster/demo": "owned"},
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"}
    });
    let report = check_policy(&flags, &policy);
    assert_eq!(rules(&report), ["error condition-mismatch"], "{:?}", messages(&report));
    assert_eq!(first(&report)["data"]["condition"]["sent"], json!([]));

    let conditions = &mut statement(&mut policy, "RemoveOwnResources")["Condition"];
    *conditions = json!({
        "StringEquals": {
            "aws:ResourceTag/kubernetes.io/cluster/demo": "true", "aws:ResourceTag/team": "a"
        },
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"}
    });
    let report = check_policy(&flags, &policy);
    assert_eq!(rules(&report), ["error condition-mismatch"], "{:?}", messages(&report));
}

/// The text of a policy for `us-west-2`, as it is there.
const CHINA: [&str; 6] = [
    "--karpenter=1.4.4",
    "--node-pool=general",
    "--partition=aws-cn",
    "--region=cn-north-1",
    "--cluster-name=demo",
    "--account=111122223333",
];

#[test]
fn another_partition_with_its_regions_is_one_root_cause() {
    let policy = policy("json/ok/karpenter-1.4.json");
    let report = check_policy(&CHINA, &policy);
    let errors: Vec<_> = rules(&report).into_iter().filter(|r| r.starts_with("error")).collect();
    assert_eq!(errors, ["error partition-mismatch"], "{:#?}", messages(&report));
    let (_, after) = fixed(&policy, &CHINA);
    let report = check_policy(&CHINA, &after);
    let errors: Vec<_> = rules(&report).into_iter().filter(|r| r.starts_with("error")).collect();
    assert_eq!(errors, Vec::<String>::new(), "{:#?}", messages(&report));
}

#[test]
fn another_cluster_in_another_region_is_told_as_another_cluster() {
    let text = policy("json/ok/karpenter-1.4.json").to_string();
    let text =
        text.replace("demo", "prod").replace("KarpenterNodeRole-prod", "KarpenterNodeRole-demo");
    let policy: Value = serde_json::from_str(&text).unwrap();
    let flags = [
        "--karpenter=1.4.4",
        "--node-pool=general",
        "--region=eu-west-1",
        "--cluster-name=demo",
        "--interruption-queue=demo",
        "--node-role=arn:aws:iam::111122223333:role/KarpenterNodeRole-demo",
    ];
    let report = check_policy(&flags, &policy);
    let mut errors: Vec<_> =
        rules(&report).into_iter().filter(|r| r.starts_with("error")).collect();
    errors.dedup();
    assert!(errors.contains(&"error cluster-name-mismatch".to_owned()), "{:#?}", messages(&report));
    assert!(
        !messages(&report).iter().any(|m| m.contains("no statement")),
        "{:#?}",
        messages(&report)
    );
}

/// 1.7.0 asks for no prices in us-gov.
#[test]
fn no_prices_are_asked_for_in_us_gov_from_1_7_on() {
    let asks = |flags: &[&str]| {
        let mut args = vec!["requires", "--no-config", "--format=json"];
        args.extend(flags);
        let folder = folder(&[]);
        let (_, out, _) = program(folder.path(), &args);
        out.contains("pricing:GetProducts")
    };
    assert!(asks(&["--karpenter=1.6", "--partition=aws-us-gov"]));
    assert!(!asks(&["--karpenter=1.7.0", "--partition=aws-us-gov"]));
    assert!(!asks(&["--karpenter=1.14", "--region=us-gov-west-1"]));
    assert!(asks(&["--karpenter=1.14", "--partition=aws-cn"]));
    assert!(asks(&["--karpenter=1.14"]));
    let folder = folder(&[]);
    let args = [
        "upgrade",
        "--no-config",
        "--format=json",
        "--from=1.6",
        "--to=1.7",
        "--partition=aws-us-gov",
    ];
    let (_, out, _) = program(folder.path(), &args);
    let report: Value = serde_json::from_str(&out).unwrap();
    let removed = report["removed"].as_array().unwrap();
    assert!(removed.iter().any(|entry| entry["action"] == "pricing:GetProducts"), "{removed:?}");
}

#[test]
fn null_names_no_cluster_and_no_region() {
    let flags = ["--karpenter=1.4.4", "--node-pool=general"];
    let mut policy = policy("json/ok/karpenter-1.4.json");
    statement(&mut policy, "RemoveOwnResources")["Condition"]["Null"] =
        json!({"aws:RequestTag/eks:eks-cluster-name": "false"});
    let report = check_policy(&flags, &policy);
    assert_eq!(rules(&report), ["error condition-mismatch"], "{:?}", messages(&report));
    let finding = first(&report);
    assert!(finding["message"].as_str().unwrap().contains("`Null` asks that"), "{finding:#}");
    assert!(!finding.to_string().contains("cluster `false`"), "{finding:#}");
    let (_, after) = fixed(&policy, &flags);
    assert_eq!(rules(&check_policy(&flags, &after)), Vec::<String>::new(), "{after:#}");

    let mut policy = crate::common::policy("json/ok/karpenter-1.4.json");
    statement(&mut policy, "Discover")["Condition"] =
        json!({"Null": {"aws:RequestedRegion": "true"}});
    let report = check_policy(&[&flags[..], &["--region=us-west-2"]].concat(), &policy);
    assert_eq!(rules(&report), ["error condition-mismatch"], "{:?}", messages(&report));
    let finding = first(&report);
    assert_eq!(finding["data"]["condition"]["operator"], "Null");
    assert_eq!(finding["data"]["condition"]["sent"], json!(["us-west-2"]));
}

#[test]
fn what_no_call_fails_of_is_not_told_as_a_failing_call() {
    let policy = policy("json/ok/karpenter-1.4.json");
    let key = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let config = format!("[settings]\nkms-keys = [\"{key}\"]\nnode-pools = [\"general\"]\n");
    let folder = folder(&[("policy.json", &policy.to_string()), ("karplint.toml", &config)]);
    let args = ["check", "--karpenter=1.4.4", "--format=json", "policy.json"];
    let (code, out, err) = program(folder.path(), &args);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(rules(&report), ["warning missing-permission"]);
    assert!(!messages(&report)[0].contains("every launch"), "{:?}", messages(&report));
    let (_, out, _) = program(folder.path(), &["check", "--karpenter=1.4.4", "policy.json"]);
    assert!(out.contains("the key policy may grant it instead"), "{out}");
    assert!(out.contains("Client.InternalError"), "{out}");
    assert!(!out.contains("403"), "{out}");
}

#[test]
fn what_the_target_asks_under_other_settings_only_is_removed() {
    let folder = folder(&[]);
    let args = [
        "upgrade",
        "--no-config",
        "--format=json",
        "--from=1.8.2",
        "--to=1.8.3",
        "--feature=isolated-vpc",
    ];
    let (_, out, _) = program(folder.path(), &args);
    let report: Value = serde_json::from_str(&out).unwrap();
    let removed = report["removed"].as_array().unwrap();
    assert!(removed.iter().any(|entry| entry["action"] == "iam:ListInstanceProfiles"), "{out}");
    let args = ["upgrade", "--no-config", "--format=json", "--from=1.8.2", "--to=1.8.3"];
    let (_, out, _) = program(folder.path(), &args);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["removed"], json!([]));
}

/// Where AWS's documents are at odds, nothing is certain.
#[test]
fn contested_points_are_unsettled() {
    let flags = ["--karpenter=1.4.4", "--node-pool=general"];
    let tag = "aws:RequestTag/karpenter.sh/nodepool";
    let unsettled = |policy: &Value, says: &str| {
        let report = check_policy(&flags, policy);
        // That `ForAllValues` stands on a key of one value is told too.
        let mut told = rules(&report);
        told.retain(|rule| rule != "warning operator-type-mismatch");
        assert_eq!(told, ["warning unsettled"], "{:?}", messages(&report));
        let found = report["findings"].as_array().unwrap();
        let found = found.iter().find(|f| f["rule"] == "unsettled").unwrap();
        let message = found["message"].as_str().unwrap();
        assert!(message.contains(says) && message.contains("documents leave open"), "{message}");
        report
    };
    let empty = "whether an empty value counts as a missing key";
    for condition in
        [json!({"Null": {tag: "false"}}), json!({"ForAllValues:StringEquals": {tag: "general"}})]
    {
        let mut policy = policy("json/ok/karpenter-1.4.json");
        for sid in ["LaunchTaggedResources", "TagWhatIsCreated"] {
            let own = statement(&mut policy, sid)["Condition"].as_object_mut().unwrap();
            own.remove("StringLike");
            own.extend(condition.as_object().unwrap().clone());
        }
        unsettled(&policy, empty);
    }
    let deny = with(json!({
        "Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:*:instance/*",
        "Condition": {"Null": {tag: "true"}}
    }));
    unsettled(&deny, empty);

    let mut policy = policy("json/ok/karpenter-1.4.json");
    let own = statement(&mut policy, "TagRunningInstances")["Condition"].as_object_mut().unwrap();
    let keys = own.remove("ForAllValues:StringEquals").unwrap();
    own["StringEquals"]["aws:TagKeys"] = keys["aws:TagKeys"].clone();
    let report = check_policy(&flags, &policy);
    let found = report["findings"].as_array().unwrap();
    let found = found.iter().find(|f| f["rule"] == "unsettled").unwrap();
    assert_eq!(found["help"], "`ForAllValues:` in front of the operator");
}

/// A pattern that an id may or may not meet: nothing can be given to settle it.
#[test]
fn what_settles_an_id_is_told_and_never_empty() {
    let mut policy = policy("json/ok/karpenter-1.4.json");
    let resources = &mut statement(&mut policy, "LaunchWithSharedResources")["Resource"];
    *resources =
        serde_json::from_str(&resources.to_string().replace("subnet/*", "subnet/subnet-0a*"))
            .unwrap();
    for version in ["--karpenter=1.4.0", "--karpenter=1.4.4"] {
        let report = check_policy(&[version, "--node-pool=general"], &policy);
        let found = report["findings"].as_array().unwrap();
        assert!(!found.iter().any(|f| f["rule"] == "dry-run-denied"), "{:?}", rules(&report));
        let is_open = |f: &&Value| {
            f["rule"] == "unsettled" && f["message"].as_str().unwrap().contains("subnet")
        };
        assert!(found.iter().all(|f| f["help"] != ""), "{found:#?}");
        // In the older one the same value leaves out the subnets of its dry run: one place is told once.
        let Some(open) = found.iter().find(is_open) else {
            assert_eq!(version, "--karpenter=1.4.0", "{found:#?}");
            continue;
        };
        assert_eq!(
            open["help"],
            "a policy without `arn:aws:ec2:us-west-2:*:subnet/subnet-0a*` in that place"
        );
    }
}

#[test]
fn a_condition_on_another_region_or_cluster_is_in_the_data() {
    let policy = policy("json/ok/karpenter-1.4.json");
    let data = |policy: &Value, flags: &[&str]| {
        let report =
            check_policy(&[&["--karpenter=1.4.4", "--node-pool=general"], flags].concat(), policy);
        let found = report["findings"].as_array().unwrap().clone();
        let found = found.into_iter().find(|f| !f["data"]["condition"].is_null());
        found.unwrap_or_else(|| panic!("{:#?}", rules(&report)))["data"]["condition"].clone()
    };
    let mut changed = policy.clone();
    statement(&mut changed, "Discover")["Condition"]["StringEquals"]["aws:RequestedRegion"] =
        json!("eu-west-1");
    assert_eq!(
        data(&changed, &["--region=us-west-2"]),
        json!({"operator": "StringEquals", "key": "aws:RequestedRegion", "expected": ["eu-west-1"], "sent": ["us-west-2"]})
    );
    let mut changed = policy;
    statement(&mut changed, "RemoveOwnResources")["Condition"]["StringEquals"] =
        json!({"aws:ResourceTag/eks:eks-cluster-name": "other"});
    let found = data(&changed, &["--cluster-name=demo"]);
    assert_eq!((&found["expected"], &found["sent"]), (&json!(["other"]), &json!(["demo"])));
}
