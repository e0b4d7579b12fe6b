use crate::extract::tests::{documents, read};
use crate::extract::{Attached, Extracted, Kind};
use crate::syntax::{Node, Text};

/// `address: documents / unseen / boundary` of each role.
fn roles(extracted: &Extracted) -> Vec<String> {
    let line = |role: &crate::extract::Role| {
        let addresses: Vec<_> = role
            .documents
            .iter()
            .map(|index| extracted.documents[*index].origin.address.clone().unwrap())
            .collect();
        let unseen: Vec<_> = role.unseen.iter().map(|unseen| unseen.name.clone()).collect();
        let boundary = match &role.boundary {
            None => "-".to_owned(),
            Some(Attached::Document(index)) => {
                extracted.documents[*index].origin.address.clone().unwrap()
            }
            Some(Attached::Unseen(unseen)) => unseen.name.clone(),
        };
        format!("{}: {addresses:?} / {unseen:?} / {boundary}", role.address)
    };
    extracted.roles.iter().map(line).collect()
}

const POLICY: &str = r#""{\"Version\":\"2012-10-17\",\"Statement\":[{\"Action\":\"ec2:RunInstances\",\"Sid\":\"${aws:username}\"}]}""#;

/// One resource of `planned_values`.
fn resource(address: &str, values: &str) -> String {
    let parts: Vec<_> = address.split('.').collect();
    let module = if parts[0] == "module" { 2 } else { 0 };
    let (name, index) = match parts[module + 1].split_once('[') {
        Some((name, index)) => (name, format!(", \"index\": {}", index.trim_end_matches(']'))),
        None => (parts[module + 1], String::new()),
    };
    format!(
        r#"{{"address": "{}", "mode": "managed", "type": "{}", "name": "{name}"{index}, "values": {{{values}}}}}"#,
        address.replace('"', "\\\""),
        parts[module],
    )
}

fn plan() -> String {
    let root = [
        resource("aws_iam_policy.controller", &format!(r#""name": "karpenter", "policy": {POLICY}"#)),
        resource("aws_iam_role.controller", r#""name_prefix": "k", "assume_role_policy": "{\"Statement\": []}", "permissions_boundary": "arn:aws:iam::1:policy/b""#),
        resource("aws_iam_role_policy_attachment.a", ""),
        resource("aws_iam_role_policy_attachment.aws", r#""policy_arn": "arn:aws:iam::aws:policy/AmazonSSM""#),
        resource("aws_iam_role_policy.inline", &format!(r#""name": "i", "role": "by-name", "policy": {POLICY}"#)),
        resource("aws_sqs_queue.q", r#""name": "jobs""#),
        resource("aws_sqs_queue_policy.q", &format!(r#""policy": {POLICY}"#)),
        resource("aws_s3_bucket.b", r#""policy": """#),
        r#"{"address": "data.aws_iam_policy_document.d", "mode": "data", "type": "aws_iam_policy_document", "name": "d", "values": {"json": "Statement"}}"#.to_owned(),
    ]
    .join(",\n");
    let module = [
        resource("module.karpenter.aws_iam_policy.p[0]", &format!(r#""policy": {POLICY}"#)),
        resource("module.karpenter.aws_iam_policy.p[1]", &format!(r#""policy": {POLICY}"#)),
        resource("module.karpenter.aws_iam_policy.late", ""),
        resource("module.karpenter.aws_iam_role.r[0]", r#""name": "n0""#),
        resource("module.karpenter.aws_iam_role.r[1]", r#""name": "n1""#),
        resource("module.karpenter.aws_iam_role_policy_attachment.a[0]", r#""role": "n0""#),
        resource("module.karpenter.aws_iam_role_policy_attachment.a[1]", r#""role": "n1""#),
        resource("module.karpenter.aws_iam_role_policy_attachment.late[0]", ""),
        resource("module.karpenter.aws_iam_role_policy_attachment.given[0]", ""),
        resource("module.karpenter.aws_sqs_queue.this[0]", r#""name": "Karpenter-demo""#),
    ]
    .join(",\n");
    format!(
        r#"{{"format_version": "1.2", "planned_values": {{"root_module": {{"resources": [{root}],
          "child_modules": [{{"address": "module.karpenter", "resources": [{module}]}}]}}}},
        "resource_changes": [
          {{"address": "aws_iam_policy.controller", "mode": "managed", "type": "aws_iam_policy", "change": {{"actions": ["create"], "after": {{"policy": {POLICY}}}, "after_unknown": {{"arn": true}}}}}},
          {{"address": "module.karpenter.aws_iam_policy.late", "mode": "managed", "type": "aws_iam_policy", "change": {{"after": {{}}, "after_unknown": {{"policy": true}}}}}},
          {{"address": "aws_iam_role.controller", "mode": "managed", "type": "aws_iam_role", "change": {{"after": {{}}, "after_unknown": {{"inline_policy": true}}}}}},
          {{"address": "aws_iam_role.gone", "mode": "managed", "type": "aws_iam_role", "change": {{"after": null, "after_unknown": {{}}}}}}
        ],
        "configuration": {{"root_module": {{
          "resources": [
            {{"address": "aws_iam_role_policy_attachment.a", "expressions": {{
              "role": {{"references": ["aws_iam_role.controller.name", "aws_iam_role.controller"]}},
              "policy_arn": {{"references": ["aws_iam_policy.controller.arn", "aws_iam_policy.controller"]}}}}}},
            {{"address": "aws_iam_role_policy_attachment.aws", "expressions": {{
              "role": {{"references": ["module.karpenter.role_name", "module.karpenter"]}}}}}},
            {{"address": "aws_iam_role.controller", "expressions": {{}}}}
          ],
          "module_calls": {{"karpenter": {{"expressions": {{"extra": {{"references": ["aws_iam_policy.controller.arn", "aws_iam_policy.controller"]}}}}, "module": {{
            "outputs": {{"role_name": {{"expression": {{"references": ["aws_iam_role.r[1].name", "aws_iam_role.r[1]", "aws_iam_role.r"]}}}}}},
            "resources": [
              {{"address": "aws_iam_role_policy_attachment.a", "expressions": {{
                "role": {{"references": ["aws_iam_role.r", "count.index"]}},
                "policy_arn": {{"references": ["aws_iam_policy.p", "count.index"]}}}}}},
              {{"address": "aws_iam_role_policy_attachment.late", "expressions": {{
                "role": {{"references": ["aws_iam_role.r[0].name", "aws_iam_role.r[0]", "aws_iam_role.r"]}},
                "policy_arn": {{"references": ["aws_iam_policy.late.arn", "aws_iam_policy.late"]}}}}}},
              {{"address": "aws_iam_role_policy_attachment.given", "expressions": {{
                "role": {{"references": ["aws_iam_role.r[0].name", "aws_iam_role.r[0]", "aws_iam_role.r"]}},
                "policy_arn": {{"references": ["each.value"]}}}}, "for_each_expression": {{"references": ["var.extra"]}}}}
            ]}}}}}}
        }}}}}}"#
    )
}

#[test]
fn every_document_comes_once_with_its_address() {
    let text = plan();
    let (sources, found) = read("plan.json", &text);
    assert_eq!(
        documents(&found),
        [
            "aws_iam_policy.controller Managed karpenter",
            "aws_iam_role.controller Trust -",
            "aws_iam_role_policy.inline Inline i",
            "aws_sqs_queue_policy.q Resource -",
            "module.karpenter.aws_iam_policy.p[0] Managed -",
            "module.karpenter.aws_iam_policy.p[1] Managed -",
        ]
    );
    assert!(found.documents.iter().all(|document| document.origin.generated));
    assert!(found.makes_queue && found.broken.is_empty());
    let statement = &found.documents[0].node.get("Statement").unwrap().items()[0];
    assert_eq!(statement.get("Sid").and_then(Node::as_str), Some("${aws:username}"));
    let action = statement.get("Action").unwrap().span;
    assert_eq!(sources.slice(sources.to_file(action)), r#"\"ec2:RunInstances\""#);
    let embedding = sources.get(action.source);
    let address = embedding.embedding().unwrap().address.as_deref();
    assert_eq!(address, Some("aws_iam_policy.controller"));
}

#[test]
fn attachments_follow_names_and_references() {
    let (_, found) = read("plan.json", &plan());
    assert_eq!(
        roles(&found),
        [
            r#"aws_iam_role.controller: ["aws_iam_policy.controller"] / [] / arn:aws:iam::1:policy/b"#,
            r#"module.karpenter.aws_iam_role.r[0]: ["module.karpenter.aws_iam_policy.p[0]", "aws_iam_policy.controller"] / ["module.karpenter.aws_iam_policy.late"] / -"#,
            r#"module.karpenter.aws_iam_role.r[1]: ["module.karpenter.aws_iam_policy.p[1]"] / ["arn:aws:iam::aws:policy/AmazonSSM"] / -"#,
            r#"by-name: ["aws_iam_role_policy.inline"] / [] / -"#,
        ]
    );
    assert_eq!(found.roles[0].trust, Some(1));
}

#[test]
fn what_is_known_only_after_apply_is_told() {
    let (sources, found) = read("plan.json", &plan());
    let [unreadable] = found.unreadable.as_slice() else { panic!("{:?}", found.unreadable) };
    assert_eq!(unreadable.address, "module.karpenter.aws_iam_policy.late");
    assert_eq!(unreadable.reason, "its policy is known only after apply");
    assert!(unreadable.help.as_deref().unwrap().contains("HCL"));
    assert_eq!(sources.slice(unreadable.span), "true");
}

#[test]
fn states() {
    let role = r#""name": "r", "managed_policy_arns": ["arn:p", "arn:aws:x"], "inline_policy": [{"name": "i", "policy": "{\"Statement\": []}"}, {"name": "j", "policy": "{\"Statement\": []}"}]"#;
    let resources = [
        resource("aws_iam_role.r", role),
        resource("aws_iam_policy.p", &format!(r#""arn": "arn:p", "policy": {POLICY}"#)),
        resource(
            "aws_iam_role_policy.i",
            &format!(r#""role": "r", "name": "i", "policy": {POLICY}"#),
        ),
        resource("aws_iam_role_policy_attachment.a", r#""role": "r", "policy_arn": "arn:p""#),
        resource(
            "aws_iam_policy_attachment.b",
            r#""roles": ["r", "other"], "policy_arn": "arn:aws:x""#,
        ),
    ];
    let text = format!(
        r#"{{"format_version": "1.0", "values": {{"root_module": {{"resources": [{}]}}}}}}"#,
        resources.join(",")
    );
    let (_, found) = read("state.json", &text);
    assert_eq!(
        documents(&found),
        ["aws_iam_role.r Inline j", "aws_iam_policy.p Managed -", "aws_iam_role_policy.i Inline i"]
    );
    assert_eq!(
        roles(&found),
        [
            r#"aws_iam_role.r: ["aws_iam_role.r", "aws_iam_policy.p", "aws_iam_role_policy.i"] / ["arn:aws:x"] / -"#,
            r#"other: [] / ["arn:aws:x"] / -"#,
        ]
    );
}

#[test]
fn raw_states() {
    let text = format!(
        r#"{{"version": 4, "terraform_version": "1.9.0", "serial": 1, "resources": [
          {{"mode": "managed", "type": "aws_iam_policy", "name": "p", "module": "module.k", "instances": [
            {{"index_key": "a", "attributes": {{"policy": {POLICY}, "arn": "arn:p"}}}}]}},
          {{"mode": "data", "type": "aws_iam_policy", "name": "q", "instances": [{{"attributes": {{"policy": {POLICY}}}}}]}}
        ]}}"#
    );
    let (_, found) = read("terraform.tfstate", &text);
    assert_eq!(documents(&found), ["module.k.aws_iam_policy.p[\"a\"] Managed -"]);
    assert_eq!(found.documents[0].origin.kind, Kind::Managed);
}

#[test]
fn a_plan_that_was_cut_down_to_its_changes() {
    let text = format!(
        r#"{{"format_version": "1.2", "resource_changes": [
          {{"address": "module.k[0].aws_iam_policy.p", "module_address": "module.k[0]", "mode": "managed", "type": "aws_iam_policy", "name": "p", "change": {{"after": {{"policy": {POLICY}}}, "after_unknown": {{}}}}}},
          {{"address": "aws_iam_policy.q", "mode": "managed", "type": "aws_iam_policy", "name": "q", "change": {{"after": null}}}}
        ]}}"#
    );
    let (_, found) = read("plan.json", &text);
    assert_eq!(documents(&found), ["module.k[0].aws_iam_policy.p Managed -"]);
}

#[test]
fn broken_and_odd_plans_do_no_harm() {
    let text = r#"{"format_version": "1.2", "planned_values": {"root_module": {"resources": [
        {"address": "aws_iam_policy.p", "type": "aws_iam_policy", "name": "p", "values": {"policy": "{\"Statement\": [}"}},
        {"address": "aws_iam_policy.q", "type": "aws_iam_policy", "name": "q", "values": {"policy": "\ud800"}},
        {"address": "aws_iam_policy.r", "type": "aws_iam_policy", "name": "r", "values": null},
        {"address": 1, "type": ["aws_iam_role"], "name": "Statement", "values": {"inline_policy": "x"}}]}}}"#;
    let (sources, found) = read("plan.json", text);
    assert_eq!(found.broken.len(), 2);
    let span = sources.to_file(found.broken[0].span);
    assert_eq!(sources.slice(span), "}");
    let names: Vec<_> =
        found.documents.iter().map(|d| d.origin.name.as_ref().map(Text::display)).collect();
    assert!(names.is_empty());

    let deep = r#"{"child_modules": ["#.repeat(5000);
    let text = format!(
        r#"{{"format_version": "1.2", "planned_values": {{"root_module": {deep}{}}}}}"#,
        "]}".repeat(5000)
    );
    let sources = crate::source::SourceMap::new();
    let file = sources.add_file("plan.json", text);
    let error = crate::extract::extract(&sources, file, true, &Default::default()).unwrap_err();
    assert_eq!(error.message, "modules are nested more than 32 levels deep");
}
