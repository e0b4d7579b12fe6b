//! Fixes of policies that stand inside of other texts: escaped, in parts, with the line ends of Windows, or
//! in a file that another one reads.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{fixture, folder, program};

fn good(name: &str) -> String {
    fs::read_to_string(fixture("same/good").join(name)).unwrap()
}

/// What is in `name` after `path` was fixed, and what was said.
fn fixed(root: &Path, name: &str, path: &str) -> (String, String) {
    let flags = ["check", "--karpenter=1.4", "--fail-on=warning", "--fix", "--unsafe-fixes", path];
    let (code, out, err) = program(root, &flags);
    assert_eq!(code, 0, "{out}{err}");
    let after = fs::read_to_string(root.join(name)).unwrap();
    program(root, &flags);
    assert_eq!(fs::read_to_string(root.join(name)).unwrap(), after, "fixed twice");
    (after, out)
}

#[test]
fn escaped_text_is_taken_out_as_well_as_put_in() {
    for (what, to) in [
        ("ec2:RunInstances", "ec2:Get*"),
        ("ec2:RunInstances", "s3:RunInstances"),
        ("arn:aws:ec2:us-west-2:*:volume/*", "arn:aws:s3:::bucket"),
    ] {
        for name in ["sub.template.json", "join.template.json"] {
            let text = good(name);
            let broken = text.replacen(what, to, 1);
            assert_ne!(broken, text);
            let files = folder(&[(name, &broken)]);
            let (after, said) = fixed(files.path(), name, name);
            assert!(!after.contains(to), "{name}: {to}: {said}");
            assert!(after.matches("ec2:RunInstances").count() >= 3, "{name}: {said}");
        }
    }
}

#[test]
fn what_is_missing_in_one_part_of_a_text_is_put_there_with_its_escapes() {
    let text = good("join.template.json");
    let broken = text.replacen("\\\"ec2:CreateFleet\\\", ", "", 1);
    assert_ne!(broken, text);
    let files = folder(&[("join.template.json", &broken)]);
    assert_eq!(fixed(files.path(), "join.template.json", ".").0, text);
}

#[test]
fn a_block_of_yaml_with_the_line_ends_of_windows_can_lose_an_item() {
    let text = good("sub.yaml").replace('\n', "\r\n");
    let broken = text.replacen("\"ec2:RunInstances\"", "\"ec2:Get*\"", 1);
    assert_ne!(broken, text);
    let files = folder(&[("sub.yaml", &broken)]);
    assert_eq!(fixed(files.path(), "sub.yaml", "sub.yaml").0, text);
}

#[test]
fn an_action_under_the_name_of_another_service_is_written_right_in_place() {
    for (name, what) in [("map.yaml", "iam:PassRole"), ("policy.json", "iam:TagInstanceProfile")] {
        let text = good(name);
        let broken = text.replacen(what, &what.replace("iam:", "s3:"), 1);
        let files = folder(&[(name, &broken)]);
        assert_eq!(fixed(files.path(), name, name).0, text);
    }
}

#[test]
fn a_file_that_a_module_fills_in_is_fixed_where_it_is_and_read_again() {
    let (main, template) = (good("template/main.tf"), good("template/policy.json.tftpl"));
    for (what, to) in [
        ("iam:AddRoleToInstanceProfile", "iam:AddRoleToInstanceProfiles"),
        ("ec2:TerminateInstances", "ec2:Get*"),
    ] {
        let broken = template.replacen(what, to, 1);
        assert_ne!(broken, template);
        let files = folder(&[("main.tf", &main), ("policy.json.tftpl", &broken)]);
        let (after, said) = fixed(files.path(), "policy.json.tftpl", ".");
        assert!(after.contains(what) && !after.contains(to), "{said}");
        assert_eq!(fs::read_to_string(files.path().join("main.tf")).unwrap(), main);
    }
}

#[test]
fn a_part_of_a_template_is_fixed_in_its_own_file_and_read_again() {
    let part = good("map.yaml");
    let broken = part.replacen("ec2:TerminateInstances", "ec2:TerminateInstance", 1);
    let around = "Resources:\n  Policies:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: ./part.yaml\n";
    let files = folder(&[("around.yaml", around), ("part.yaml", &broken)]);
    assert_eq!(fixed(files.path(), "part.yaml", ".").0, part);
    assert_eq!(fs::read_to_string(files.path().join("around.yaml")).unwrap(), around);
}

/// `same/good/json` without something, fixed: the blocks of a document in Terraform's JSON.
fn json_blocks(edit: impl Fn(&mut Vec<Value>), pretty: bool) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main.tf.json");
    let mut whole: Value = serde_json::from_str(&good("json/main.tf.json")).unwrap();
    let place = "/data/aws_iam_policy_document/karpenter/statement";
    let Some(Value::Array(statements)) = whole.pointer_mut(place) else { panic!() };
    edit(statements);
    let text =
        if pretty { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) };
    fs::write(&path, text.unwrap()).unwrap();
    let (after, _) = fixed(folder.path(), "main.tf.json", ".");
    let after: Value = serde_json::from_str(&after).unwrap();
    after.pointer(place).unwrap().as_array().unwrap().clone()
}

fn find<'s>(statements: &'s mut [Value], sid: &str) -> &'s mut Value {
    statements.iter_mut().find(|statement| statement["sid"] == sid).unwrap()
}

#[test]
fn conditions_of_a_document_in_json_are_objects_of_its_list() {
    for pretty in [true, false] {
        let mut statements = json_blocks(
            |statements| {
                let tagged = find(statements, "LaunchTaggedResources").as_object_mut().unwrap();
                tagged.remove("condition");
                let own = find(statements, "RemoveOwnResources");
                own["condition"].as_array_mut().unwrap().remove(0);
            },
            pretty,
        );
        let tagged = find(&mut statements, "LaunchTaggedResources")["condition"].clone();
        let keys: Vec<&str> = tagged
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["variable"].as_str().unwrap())
            .collect();
        assert!(keys.contains(&"aws:RequestTag/kubernetes.io/cluster/demo"), "{keys:?}");
        let own = find(&mut statements, "RemoveOwnResources")["condition"][0].clone();
        assert_eq!(own["variable"], "aws:ResourceTag/kubernetes.io/cluster/demo");
        assert_eq!(own["values"], serde_json::json!(["owned"]));
    }
}

#[test]
fn a_new_statement_of_a_document_in_json_has_the_names_of_its_arguments() {
    let mut statements =
        json_blocks(|statements| statements.retain(|one| one["sid"] != "TagWhatIsCreated"), true);
    let new = find(&mut statements, "AllowCreateTags").clone();
    assert_eq!(new["actions"], serde_json::json!(["ec2:CreateTags"]));
    assert_eq!(new["condition"][0]["test"], "StringEquals");
}

#[test]
fn a_word_of_a_condition_in_json_is_replaced_beside_others_of_that_name() {
    let mut statements = json_blocks(
        |statements| {
            find(statements, "LaunchTaggedResources")["condition"][0]["test"] =
                "StringNotEquals".into();
        },
        true,
    );
    let line = find(&mut statements, "LaunchTaggedResources")["condition"][0].clone();
    assert_eq!(line["test"], "StringEquals");
}

#[test]
fn a_key_that_no_map_of_a_template_can_hold_is_left_to_a_person_and_said_so() {
    let good = good("map.yaml");
    // The cluster is a parameter wherever a value can hold it; keys that name it are not there.
    let lines = good.lines().filter(|line| !line.contains("kubernetes.io/cluster/demo"));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let text = text
        .replace("eks-cluster-name\": \"demo\"", "eks-cluster-name\": !Ref ClusterName")
        .replace(
            "\"arn:aws:eks:us-west-2:111122223333:cluster/demo\"",
            "!Sub \"arn:aws:eks:us-west-2:111122223333:cluster/${ClusterName}\"",
        );
    let (start, end) =
        ("          - Sid: \"LaunchTaggedResources\"", "          - Sid: \"TagWhatIsCreated\"");
    let (head, tail) = (text.split(start).next().unwrap(), text.split(end).nth(1).unwrap());
    let text = format!("Parameters:\n  ClusterName:\n    Type: String\n{head}{end}{tail}");
    let files = folder(&[("map.yaml", &text)]);
    let (_, out, err) = program(files.path(), &["check", "--karpenter=1.4", "map.yaml"]);
    let why = |key: &str| {
        format!(
            "by hand: a key of a map cannot hold `aws:{key}/kubernetes.io/cluster/${{ClusterName}}`"
        )
    };
    // What is missing, and what is too wide.
    for rule in ["error[missing-permission]", "note[over-permissive]: `TagWhatIsCreated`"] {
        let found = out.split("\n\n").find(|found| found.starts_with(rule));
        assert!(
            found.is_some_and(|found| found.contains(&why("RequestTag"))),
            "{rule}: {out}{err}"
        );
    }
    program(files.path(), &["check", "--karpenter=1.4", "--fix", "--unsafe-fixes", "map.yaml"]);
    let after = fs::read_to_string(files.path().join("map.yaml")).unwrap();
    assert!(!after.contains("kubernetes.io/cluster/$"), "{after}");
}
