//! Policies that are too long and get a second one: beside them where something attaches them, in the form
//! of the file; shown where nothing does, or where a copy would not do.

use std::fs;

use serde_json::{Value, json};

use crate::common::{fixture, folder, program};

/// The fixture as it is, with the line ends of Windows, and without its last line end.
fn endings(name: &str) -> [String; 3] {
    let text = fs::read_to_string(fixture(&format!("size/split/{name}"))).unwrap();
    [text.clone(), text.replace('\n', "\r\n"), text.trim_end().to_owned()]
}

/// What the file holds after the fixes, exit code and words; a second run changes nothing.
fn fixed(name: &str, text: &str) -> (i32, String, String) {
    let files = folder(&[(name, text)]);
    let path = if name.ends_with(".tf") { "." } else { name };
    // Other advice has fixes of its own.
    let flags =
        ["check", "--karpenter=1.14", "--fail-on=note", "--select=policy-size", "--fix", path];
    let flags: Vec<&str> = flags.into_iter().chain(["--unsafe-fixes"]).collect();
    let (code, out, err) = program(files.path(), &flags);
    let after = fs::read_to_string(files.path().join(name)).unwrap();
    program(files.path(), &flags);
    assert_eq!(fs::read_to_string(files.path().join(name)).unwrap(), after, "fixed twice");
    // Nothing that Karpenter needs got lost on the way.
    let clean = ["check", "--karpenter=1.14", "--fail-on=warning", path];
    let (judged, told, _) = program(files.path(), &clean);
    assert_eq!(judged, code, "{told}");
    (code, after, out + &err)
}

/// The text of each statement: what stands between its remark and the next one, or the end of the list.
fn chunks(text: &str) -> Vec<String> {
    let behind = |part: &str| {
        let mut lines = part.lines().map(|line| line.trim_end().trim_end_matches(','));
        let number = lines.next().unwrap().trim().to_owned();
        let own = lines
            .take_while(|line| {
                let indented = line.starts_with("   ");
                let closes =
                    matches!(line.trim(), "]" | "})" | ")" | "# A remark of what comes next.");
                line.is_empty() || indented && !closes && !line.trim().starts_with("Path:")
            })
            .map(|line| line.trim().replace(", # behind", " # behind"))
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>();
        format!("{number}\n{}", own.join("\n"))
    };
    text.split("# remark ").skip(1).map(behind).collect()
}

/// Every statement stands there once still, as it was; line ends are those of the file.
fn whole(before: &str, after: &str) {
    let (mut had, mut has) = (chunks(before), chunks(after));
    assert!(had.len() > 16, "{}", had.len());
    had.sort();
    has.sort();
    assert_eq!(had, has);
    let ends = |text: &str| (text.matches('\n').count(), text.matches("\r\n").count());
    let (lines, windows) = ends(after);
    assert!(windows == 0 || windows == lines, "{windows} of {lines}");
    assert_eq!(windows > 0, before.contains('\r'));
    assert_eq!(after.ends_with('\n'), before.ends_with('\n'));
}

/// The lines that one text has and the other has not, in order of the alphabet, but for braces.
fn added(before: &str, after: &str) -> Vec<String> {
    let mut known: Vec<&str> = before.lines().map(str::trim).collect();
    let mut out = Vec::new();
    for line in after.lines().map(str::trim).filter(|line| line.len() > 3) {
        match known.iter().position(|own| own.trim_end_matches(',') == line.trim_end_matches(',')) {
            Some(at) => {
                known.remove(at);
            }
            None => out.push(line.to_owned()),
        }
    }
    out.sort();
    out
}

/// Whether a fixture, whatever its line ends, gets these lines and no others, each statement being as it was.
fn adds(fixture: &str, file: &str, lines: &[&str]) {
    let mut wanted = lines.to_vec();
    wanted.sort_unstable();
    for text in endings(fixture) {
        let (code, after, said) = fixed(file, &text);
        assert_eq!(code, 0, "{said}");
        whole(&text, &after);
        assert_eq!(added(&text, &after), wanted, "{after}");
    }
}

#[test]
fn a_document_of_terraform_is_copied_with_its_policy_and_its_attachment() {
    for text in endings("terraform-document-1.14.tf") {
        let (code, after, said) = fixed("main.tf", &text);
        assert_eq!(code, 0, "{said}");
        whole(&text, &after);
        let mut wanted = [
            "data \"aws_iam_policy_document\" \"controller2\" {",
            "resource \"aws_iam_policy\" \"controller2\" {",
            "name        = \"karpenter-controller-2\" # short",
            "description = \"what Karpenter needs\"",
            "policy      = data.aws_iam_policy_document.controller2.json",
            "resource \"aws_iam_role_policy_attachment\" \"controller2\" {",
            "role       = aws_iam_role.karpenter.name",
            "policy_arn = aws_iam_policy.controller2.arn",
        ];
        wanted.sort_unstable();
        assert_eq!(added(&text, &after), wanted, "{after}");
        // What follows a block stays behind it.
        assert!(after.contains("} # one policy"), "{after}");
    }
}

#[test]
fn a_role_that_lists_its_policies_lists_the_second() {
    for text in endings("terraform-jsonencode-1.14.tf") {
        let (code, after, said) = fixed("main.tf", &text);
        assert_eq!(code, 0, "{said}");
        whole(&text, &after);
        let mut wanted = [
            "resource \"aws_iam_policy\" \"controller2\" {",
            "count = 1",
            "name   = \"${var.prefix}-controller-2\"",
            "policy = jsonencode({",
            "Version = \"2012-10-17\"",
            "Statement = [",
            "aws_iam_policy.controller2[0].arn,",
            "depends_on = [aws_iam_policy.controller, aws_iam_policy.controller2, aws_iam_role.karpenter]",
        ];
        let added = added(&text, &after);
        let added: Vec<&String> = added.iter().filter(|line| !line.contains("# behind")).collect();
        wanted.sort_unstable();
        assert_eq!(added, wanted, "{after}");
    }
}

#[test]
fn a_heredoc_is_cut_and_its_variable_name_gets_a_number() {
    for text in endings("terraform-heredoc-1.14.tf") {
        let (code, after, said) = fixed("main.tf", &text);
        assert_eq!(code, 0, "{said}");
        let mut wanted = [
            "resource \"aws_iam_policy\" \"controller2\" {",
            "name   = \"${var.name}-2\"",
            "policy = <<-EOT",
            "\"Version\": \"2012-10-17\",",
            "\"Statement\": [",
            "resource \"aws_iam_policy_attachment\" \"controller2\" {",
            "name       = \"controller-2\"",
            "roles      = [aws_iam_role.karpenter.name]",
            "policy_arn = aws_iam_policy.controller2.arn",
        ];
        wanted.sort_unstable();
        assert_eq!(added(&text, &after), wanted, "{after}");
        let policies: Vec<Value> = after
            .split("<<-EOT")
            .skip(1)
            .map(|part| serde_json::from_str(part.split("EOT").next().unwrap()).unwrap())
            .collect();
        let statements = |at: usize| policies[at]["Statement"].as_array().unwrap().clone();
        assert_eq!(Value::Array([statements(0), statements(1)].concat()), long()["Statement"]);
    }
}

/// A policy of 9,000 characters.
fn long() -> Value {
    crate::common::policy("size/err/needs-a-split-1.14.json")
}

#[test]
fn an_inline_policy_of_terraform_gets_a_managed_one() {
    adds(
        "terraform-inline-1.14.tf",
        "main.tf",
        &[
            "data \"aws_iam_policy_document\" \"controller2\" {",
            "resource \"aws_iam_policy\" \"controller2\" {",
            "name   = \"karpenter-controller-2\"",
            "policy = data.aws_iam_policy_document.controller2.json",
            "resource \"aws_iam_role_policy_attachment\" \"controller2\" {",
            "role       = aws_iam_role.karpenter.id",
            "policy_arn = aws_iam_policy.controller2.arn",
        ],
    );
}

#[test]
fn a_policy_in_the_list_of_a_role_gets_a_managed_one() {
    adds(
        "in-the-role-1.14.yaml",
        "template.yaml",
        &[
            "KarpenterRolePolicy:",
            "Type: AWS::IAM::ManagedPolicy",
            "Properties:",
            "Roles:",
            "- !Ref KarpenterRole",
            "PolicyDocument:",
            "Version: \"2012-10-17\"",
            "Statement:",
        ],
    );
}

#[test]
fn an_inline_policy_of_its_own_gets_a_managed_one() {
    adds(
        "beside-the-role-1.14.yaml",
        "template.yaml",
        &[
            "KarpenterPolicy2:",
            "Type: AWS::IAM::ManagedPolicy",
            "Properties:",
            "Roles: [!Ref KarpenterRole] # the one above",
            "PolicyDocument:",
            "Version: \"2012-10-17\"",
            "Statement:",
        ],
    );
}

/// A policy of more than 10,240 characters.
fn longer() -> Value {
    let mut policy = long();
    let buckets: Vec<String> =
        ('a'..='t').map(|c| format!("arn:aws:s3:::{}/*", String::from(c).repeat(86))).collect();
    let deny = json!({"Sid": "NotTheseBuckets", "Effect": "Deny", "Action": "s3:GetObject", "Resource": buckets});
    policy["Statement"].as_array_mut().unwrap().insert(6, deny);
    policy
}

#[test]
fn inline_policies_in_json_get_managed_ones() {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"Service": "pods.eks.amazonaws.com"}}]});
    let role = json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}});
    let policy = |kind: &str, key: &str, value: Value| {
        json!({"Type": kind, "Properties": {
            "PolicyDocument": longer(), "PolicyName": "karpenter", key: value}})
    };
    let mut within = role.clone();
    within["Properties"]["Policies"] =
        json!([{"PolicyName": "karpenter", "PolicyDocument": longer()}]);
    let reference = json!({"Ref": "Karpenter"});
    let forms = [
        (json!({"Karpenter": within}), "KarpenterPolicy"),
        (
            json!({"Karpenter": role, "Own": policy("AWS::IAM::RolePolicy", "RoleName", reference.clone())}),
            "Own2",
        ),
        (
            json!({"Karpenter": role, "Own": policy("AWS::IAM::Policy", "Roles", json!([reference]))}),
            "Own2",
        ),
    ];
    for (resources, second) in forms {
        let template = json!({"Resources": resources});
        let text = serde_json::to_string_pretty(&template).unwrap();
        let (code, after, said) = fixed("x.template.json", &text);
        assert_eq!(code, 0, "{said}");
        let after: Value = serde_json::from_str(&after).unwrap();
        let made = &after["Resources"][second];
        assert_eq!(made["Type"], "AWS::IAM::ManagedPolicy", "{after}");
        let own = made["Properties"].as_object().unwrap();
        assert_eq!(own.keys().collect::<Vec<_>>(), ["PolicyDocument", "Roles"]);
        assert_eq!(own["Roles"], json!([{"Ref": "Karpenter"}]));
        let first = match &after["Resources"]["Own"] {
            Value::Null => &after["Resources"]["Karpenter"]["Properties"]["Policies"][0],
            own => &own["Properties"],
        };
        let statements = |of: &Value| of["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        let all = [statements(first), statements(&made["Properties"])].concat();
        assert_eq!(Value::Array(all), longer()["Statement"]);
    }
}

/// What is told of a policy for which nothing is written.
fn told(name: &str, text: &str) -> String {
    let (code, after, said) = fixed(name, text);
    assert_eq!((code, &*after), (1, text), "{said}");
    said
}

#[test]
fn where_a_copy_would_not_do_it_is_told_why() {
    let [document, ..] = endings("terraform-document-1.14.tf");
    let [listed, ..] = endings("terraform-jsonencode-1.14.tf");
    let [inline, ..] = endings("terraform-inline-1.14.tf");
    let [heredoc, ..] = endings("terraform-heredoc-1.14.tf");
    let more = |text: &str, more: &str| format!("{text}\n{more}\n");
    let swap = |text: &str, old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replacen(old, new, 1)
    };
    let attached = "  policy_arn = aws_iam_policy.controller.arn\n";
    let cases = [
        (
            more(&document, "output \"arn\" {\n  value = aws_iam_policy.controller.arn\n}"),
            "`output.arn` names it too: give it the second one as well",
        ),
        (
            more(
                &document,
                "module \"role\" {\n  source = \"./x\"\n  arns = [aws_iam_policy.controller.arn]\n}",
            ),
            "`module.role` names it too",
        ),
        (
            more(
                &document,
                "output \"json\" {\n  value = data.aws_iam_policy_document.controller.json\n}",
            ),
            "its document is used elsewhere too",
        ),
        (
            swap(
                &document,
                attached,
                &attached.replace(
                    "aws_iam_policy.controller.arn",
                    "\"arn:aws:iam::111122223333:policy/karpenter-controller\"",
                ),
            ),
            "nothing beside it attaches it",
        ),
        (
            more(
                &document,
                "resource \"aws_iam_role_policy_attachment\" \"arn\" {\n  role = aws_iam_role.karpenter.name\n  policy_arn = \"arn:aws:iam::111122223333:policy/karpenter-controller\"\n}",
            ),
            "`aws_iam_role_policy_attachment.arn` attaches it by its ARN",
        ),
        (
            swap(
                &document,
                attached,
                "  for_each = { own = aws_iam_policy.controller.arn }\n  policy_arn = each.value\n",
            ),
            "`aws_iam_role_policy_attachment.controller` names it too",
        ),
        (
            swap(&document, "  # remark 9\n", "  version = \"2012-10-17\"\n\n"),
            "other arguments stand between its statements",
        ),
        (
            swap(
                &listed,
                "policy = jsonencode({",
                "policy = local.text\n}\n\nlocals {\n  text = jsonencode({",
            ),
            "its text stands elsewhere: split it there",
        ),
        (
            swap(&listed, "Statement = [", "Statement = concat([], [").replacen(
                "    ]\n  })",
                "    ])\n  })",
                1,
            ),
            "an expression makes its statements",
        ),
        (
            swap(
                &inline,
                "data.aws_iam_policy_document.trust.json\n",
                "data.aws_iam_policy_document.trust.json\n  managed_policy_arns = []\n",
            ),
            "`aws_iam_role.karpenter` lists all managed policies: name the new one there",
        ),
        (swap(&inline, "  role   =", "  count  = 1\n  role   ="), "it has a `count`"),
        (swap(&heredoc, "default = \"karpenter\"", "default = null"), "its name may be null"),
    ];
    for (text, why) in cases {
        let said = told("main.tf", &text);
        assert!(said.contains("; by hand, because "), "{why}: {said}");
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn a_number_that_is_taken_is_passed_over() {
    let [text, ..] = endings("terraform-document-1.14.tf");
    let other = r#"
resource "aws_iam_policy" "other" {
  name = "karpenter-controller-2"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "other" {
  role       = aws_iam_role.karpenter.name
  policy_arn = aws_iam_policy.other.arn
}
"#;
    let (_, after, said) = fixed("main.tf", &format!("{text}{other}"));
    assert!(after.contains("resource \"aws_iam_policy\" \"controller3\""), "{said}");
    assert!(after.contains("\"karpenter-controller-3\""), "{after}");
}

#[test]
fn attachments_in_another_file_are_copied_there() {
    let [text, ..] = endings("terraform-document-1.14.tf");
    let at = text.find("resource \"aws_iam_role_policy_attachment\"").unwrap();
    let files = folder(&[("policy.tf", &text[..at]), ("role.tf", &text[at..])]);
    let flags = ["check", "--karpenter=1.14", "--fail-on=warning", "--fix", "--unsafe-fixes", "."];
    let (code, out, err) = program(files.path(), &flags);
    assert_eq!(code, 0, "{out}{err}");
    let read = |name: &str| fs::read_to_string(files.path().join(name)).unwrap();
    assert!(read("policy.tf").contains("resource \"aws_iam_policy\" \"controller2\""));
    assert!(read("role.tf").contains("policy_arn = aws_iam_policy.controller2.arn"));
}

#[test]
fn what_is_made_for_each_of_several_is_copied_so() {
    let [text, ..] = endings("terraform-jsonencode-1.14.tf");
    let text = text
        .replacen("  count = 1\n", "  for_each = toset([\"a\"])\n", 1)
        .replacen("${var.prefix}-controller", "${var.prefix}-${each.key}", 1)
        .replacen("controller[0].arn", "controller[\"a\"].arn", 1);
    let (code, after, said) = fixed("main.tf", &text);
    assert_eq!(code, 0, "{said}");
    whole(&text, &after);
    assert!(after.contains("name   = \"${var.prefix}-${each.key}-2\""), "{after}");
    assert!(after.contains("    aws_iam_policy.controller2[\"a\"].arn,\n"), "{after}");
}

#[test]
fn references_in_quotes_are_references() {
    let [text, ..] = endings("terraform-document-1.14.tf");
    let text = text
        .replacen("= aws_iam_policy.controller.arn", "= \"${aws_iam_policy.controller.arn}\"", 1)
        .replacen(
            "= data.aws_iam_policy_document.controller.json",
            "= \"${data.aws_iam_policy_document.controller.json}\"",
            1,
        );
    let (code, after, said) = fixed("main.tf", &text);
    assert_eq!(code, 0, "{said}");
    whole(&text, &after);
    assert!(after.contains("policy_arn = \"${aws_iam_policy.controller2.arn}\""), "{after}");
    assert!(after.contains("\"${data.aws_iam_policy_document.controller2.json}\""), "{after}");
}

#[test]
fn in_a_module_that_is_called_the_module_is_changed() {
    let [text, ..] = endings("terraform-document-1.14.tf");
    let root = "module \"a\" {\n  source = \"./karpenter\"\n}\n";
    let files = folder(&[("main.tf", root), ("karpenter/main.tf", &text)]);
    let flags = ["check", "--karpenter=1.14", "--fail-on=warning", "--fix", "--unsafe-fixes", "."];
    let (code, out, err) = program(files.path(), &flags);
    assert_eq!(code, 0, "{out}{err}");
    let read = |name: &str| fs::read_to_string(files.path().join(name)).unwrap();
    whole(&text, &read("karpenter/main.tf"));
    assert_eq!(read("main.tf"), root);
}

#[test]
fn both_texts_of_a_file_of_its_own_are_shown() {
    let text = fs::read_to_string(fixture("size/err/needs-a-split-1.14.json")).unwrap();
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        let files = folder(&[("policy.json", &text)]);
        let flags = ["check", "--karpenter=1.14", "policy.json"];
        let (_, out, _) = program(files.path(), &[&flags[..], &["--format=json"]].concat());
        let report: Value = serde_json::from_str(&out).unwrap();
        let fix = &report["findings"][0]["fix"];
        assert_eq!(fix["applicability"], "display");
        assert!(fix["title"].as_str().unwrap().contains("the others into `policy-2.json`"));
        let [first, second] = fix["edits"].as_array().unwrap().as_slice() else {
            panic!("{fix}");
        };
        assert_eq!(
            (&first["file"], &second["file"]),
            (&json!("policy.json"), &json!("policy-2.json"))
        );
        assert_eq!((&second["start"], &second["end"]), (&json!(0), &json!(0)));
        let at = |edit: &Value, key: &str| usize::try_from(edit[key].as_u64().unwrap()).unwrap();
        let kept = format!(
            "{}{}{}",
            &text[..at(first, "start")],
            first["text"].as_str().unwrap(),
            &text[at(first, "end")..]
        );
        let other = second["text"].as_str().unwrap();
        assert_eq!(other.matches('\n').count(), other.matches(ending(&text)).count());
        let statements = |text: &str| -> Vec<Value> {
            let policy: Value = serde_json::from_str(text).unwrap();
            policy["Statement"].as_array().unwrap().clone()
        };
        assert_eq!(
            Value::Array([statements(&kept), statements(other)].concat()),
            long()["Statement"]
        );

        // The patch shows the same, and nothing writes it.
        let (_, out, _) = program(files.path(), &[&flags[..], &["--diff"]].concat());
        assert!(
            out.contains("--- a/policy.json")
                && out.contains("--- /dev/null\n+++ b/policy-2.json\n"),
            "{out}"
        );
        program(files.path(), &[&flags[..], &["--fix", "--unsafe-fixes"]].concat());
        assert_eq!(fs::read_to_string(files.path().join("policy.json")).unwrap(), text);
        assert!(!files.path().join("policy-2.json").exists());

        // Both together are what the one was.
        let pair = folder(&[("policy.json", &kept), ("policy-2.json", other)]);
        let clean = ["check", "--karpenter=1.14", "--fail-on=warning", "--union", "."];
        let (code, out, err) = program(pair.path(), &clean);
        assert_eq!(code, 0, "{out}{err}");
    }
}

fn ending(text: &str) -> &'static str {
    if text.contains('\r') { "\r\n" } else { "\n" }
}

#[test]
fn a_boundary_that_is_too_long_has_no_second() {
    let text = fs::read_to_string(fixture("size/err/needs-a-split-1.14.json")).unwrap();
    let good = fs::read_to_string(fixture("json/ok/karpenter-1.14.json")).unwrap();
    let files = folder(&[("policy.json", &good), ("boundary.json", &text)]);
    let flags = ["check", "--karpenter=1.14", "--boundary=boundary.json", "policy.json"];
    let (_, out, err) = program(files.path(), &flags);
    assert!(out.contains("by hand, because a role has one permissions boundary"), "{out}{err}");
}
