use std::process::Command;

use super::value::{Kind, Val};
use super::*;
use crate::extract::tests::documents;
use crate::syntax::{Node, Value};

/// Runs `ask` on the only module there is.
fn with_module<T>(
    text: &str,
    ask: impl FnOnce(&SourceMap, &World<'_>, &Rc<scope::Instance>) -> T,
) -> T {
    let sources = SourceMap::new();
    let source = sources.add_file("main.tf", text);
    let file = File { path: "main.tf".into(), source };
    let module = Rc::new(Module::read(&sources, Path::new(""), &[file]));
    assert_eq!(module.errors, [], "{text}");
    let (files, modules) = (Files::default(), RefCell::default());
    let world = World {
        sources: &sources,
        files: &files,
        modules: &modules,
        given: HashMap::new(),
        installed: HashMap::new(),
        folder: PathBuf::new(),
        instances: RefCell::default(),
        out: RefCell::default(),
        choices: choose::Choices::default(),
        depth: Cell::new(0),
        steps: Cell::new(0),
        used: RefCell::default(),
    };
    let root = world.root(module);
    ask(&sources, &world, &root)
}

/// What a file holds that stands alone.
fn read(name: &str, text: &str) -> (SourceMap, Extracted) {
    let sources = SourceMap::new();
    let file = sources.add_file(name, text);
    let found = crate::extract::extract(&sources, file, true, &Default::default()).unwrap();
    (sources, found)
}

/// The JSON of a node; holes as `${…}`.
fn show(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => serde_json::to_string(&text.display()).unwrap(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(","))
        }
        Value::Map(entries) => {
            let mut out: Vec<String> = entries
                .iter()
                .map(|entry| format!("{:?}:{}", entry.key.display(), show(&entry.value)))
                .collect();
            // As Terraform prints them.
            out.sort();
            format!("{{{}}}", out.join(","))
        }
    }
}

/// The value of an expression beside some locals and variables.
fn value(expr: &str) -> String {
    let text = format!("{KNOWN}\nlocals {{\n  asked = {expr}\n}}\n");
    with_module(&text, |_, world, root| {
        let span = crate::source::Span::new(SourceId(0), 0, 0);
        let value: Val = world.local(&scope::Scope::root(root), "asked", span);
        match value.kind {
            Kind::Failed(_) => "failed".to_owned(),
            _ => show(&value.to_node(&mut NODES.clone())),
        }
    })
}

const KNOWN: &str = r#"
variable "unknown" {}
variable "name" { default = "demo" }
variable "statements" {
  type = list(object({
    sid     = optional(string)
    actions = optional(list(string), ["a:b"])
    nested  = optional(object({ x = optional(number, 3) }), {})
  }))
  default = [{ sid = "One" }, { actions = ["c:d"] }]
}
locals {
  list  = ["a", "b", "c"]
  map   = { one = 1, two = 2 }
  text  = "x-${var.name}"
  null  = null
  empty = []
}
"#;

/// Expressions and what they are; Terraform itself says the same where it is at hand.
const EXPRESSIONS: &[(&str, &str)] = &[
    ("\"a-${var.name}-${1 + 2}\"", "\"a-demo-3\""),
    ("\"$${aws:username} %%{x} \\\"q\\\" \\u00e9\"", "\"${aws:username} %{x} \\\"q\\\" é\""),
    ("local.list[1]", "\"b\""),
    ("local.list[*]", "[\"a\",\"b\",\"c\"]"),
    ("local.map[\"two\"]", "2"),
    ("local.map.one", "1"),
    ("[for s in var.statements : s.sid]", "[\"One\",null]"),
    ("var.statements[*].actions", "[[\"a:b\"],[\"c:d\"]]"),
    ("var.statements[0].nested.x", "3"),
    ("var.name == \"demo\" ? [1] : []", "[1]"),
    ("!false && (1 < 2 || false)", "true"),
    ("-3 % 2", "-1"),
    ("7 / 2", "3.5"),
    ("{ for k, v in local.map : upper(k) => v * 10 }", "{\"ONE\":10,\"TWO\":20}"),
    (
        "{ for s in local.list : (s == \"a\" ? \"x\" : \"y\") => s... }",
        "{\"x\":[\"a\"],\"y\":[\"b\",\"c\"]}",
    ),
    ("[for i, s in local.list : \"${i}${s}\" if s != \"b\"]", "[\"0a\",\"2c\"]"),
    ("concat(local.list, [\"d\"], [])", "[\"a\",\"b\",\"c\",\"d\"]"),
    ("flatten([[\"a\", [\"b\"]], [], [[[\"c\"]]]])", "[\"a\",\"b\",\"c\"]"),
    ("merge({ a = 1, b = 2 }, { b = 3 }, null)", "{\"a\":1,\"b\":3}"),
    ("format(\"%s/%d/%%/%q\", \"a\", 4, \"b\")", "\"a/4/%/\\\"b\\\"\""),
    ("formatlist(\"arn:%s:%s\", \"x\", local.list)", "[\"arn:x:a\",\"arn:x:b\",\"arn:x:c\"]"),
    ("join(\",\", local.list)", "\"a,b,c\""),
    ("split(\",\", \"a,b,\")", "[\"a\",\"b\",\"\"]"),
    ("replace(\"a.b.c\", \".\", \"-\")", "\"a-b-c\""),
    ("coalesce(null, \"\", \"x\")", "\"x\""),
    ("coalescelist([], [\"x\"])", "[\"x\"]"),
    ("compact([\"a\", \"\", null, \"b\"])", "[\"a\",\"b\"]"),
    ("try(local.map.three, local.list[9], \"fallback\")", "\"fallback\""),
    ("can(local.map.three)", "false"),
    ("one([])", "null"),
    ("one([\"x\"])", "\"x\""),
    ("lower(\"AbC\")", "\"abc\""),
    ("title(\"one two\")", "\"One Two\""),
    ("sort([\"b\", \"a\"])", "[\"a\",\"b\"]"),
    ("distinct([\"b\", \"a\", \"b\"])", "[\"b\",\"a\"]"),
    ("sort(tolist(toset([\"b\", \"a\", \"b\"])))", "[\"a\",\"b\"]"),
    ("lookup(local.map, \"three\", 3)", "3"),
    ("element(local.list, 4)", "\"b\""),
    ("length(local.list) + length(\"abc\")", "6"),
    ("keys(local.map)", "[\"one\",\"two\"]"),
    ("values({ b = 1, a = 2 })", "[2,1]"),
    ("contains(local.list, \"b\")", "true"),
    ("trimprefix(\"abc\", \"a\")", "\"bc\""),
    ("trimsuffix(\"abc\", \"c\")", "\"ab\""),
    ("startswith(\"abc\", \"ab\")", "true"),
    ("endswith(\"abc\", \"ab\")", "false"),
    ("substr(\"hello\", 1, 3)", "\"ell\""),
    ("slice(local.list, 1, 3)", "[\"b\",\"c\"]"),
    ("range(3)", "[0,1,2]"),
    ("zipmap([\"a\", \"b\"], [1, 2])", "{\"a\":1,\"b\":2}"),
    ("setsubtract([\"a\", \"b\"], [\"a\"])", "[\"b\"]"),
    ("anytrue([false, true])", "true"),
    ("alltrue([])", "true"),
    ("jsondecode(jsonencode({ a = [1] })).a[0]", "1"),
    ("jsondecode(\"{\\\"a\\\": [true, null]}\")", "{\"a\":[true,null]}"),
    ("yamldecode(\"a: [x]\").a[0]", "\"x\""),
    ("tostring(12)", "\"12\""),
    ("max(1, 3, 2)", "3"),
    ("concat([local.list, [\"z\"]]...)", "[\"a\",\"b\",\"c\",\"z\"]"),
    ("<<-EOT\n    a\n      b ${var.name}\n    EOT\n", "\"a\\n  b demo\\n\""),
    ("<<EOT\n%{ for s in local.list ~}\n${s}\n%{ endfor ~}\nEOT\n", "\"a\\nb\\nc\\n\""),
    ("\"%{ if var.name == \"demo\" }yes%{ else }no%{ endif }\"", "\"yes\""),
    ("\"a ${~ \" b \" ~} c\"", "\"a b c\""),
];

#[test]
fn expressions() {
    for (expr, expected) in EXPRESSIONS {
        assert_eq!(value(expr), *expected, "{expr}");
    }
}

#[test]
fn terraform_says_the_same() {
    let Ok(version) = Command::new("terraform").arg("version").output() else {
        println!("skipped: no `terraform` here");
        return;
    };
    assert!(version.status.success());
    let folder = tempfile::tempdir().unwrap();
    let mut text = KNOWN.replace("variable \"unknown\" {}", "");
    for (at, (expr, _)) in EXPRESSIONS.iter().enumerate() {
        text.push_str(&format!("locals {{\n  v{at} = {expr}\n}}\n"));
        text.push_str(&format!("output \"v{at}\" {{\n  value = jsonencode(local.v{at})\n}}\n"));
    }
    std::fs::write(folder.path().join("main.tf"), text).unwrap();
    let terraform = |arguments: &[&str]| {
        let mut command = Command::new("terraform");
        command.args(arguments).current_dir(folder.path()).env("CHECKPOINT_DISABLE", "1");
        command.output().unwrap()
    };
    let plan = terraform(&["plan", "-out=plan", "-input=false", "-no-color"]);
    assert!(plan.status.success(), "{}", String::from_utf8_lossy(&plan.stderr));
    let shown = terraform(&["show", "-json", "plan"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    for (at, (expr, expected)) in EXPRESSIONS.iter().enumerate() {
        let theirs =
            shown["planned_values"]["outputs"][format!("v{at}")]["value"].as_str().unwrap();
        let theirs: serde_json::Value = serde_json::from_str(theirs).unwrap();
        let ours: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(ours, theirs, "{expr}");
    }
}

#[test]
fn what_is_not_known_is_a_hole() {
    for (expr, expected) in [
        ("var.unknown", "\"${var.unknown}\""),
        ("\"a/${var.unknown}/b\"", "\"a/${var.unknown}/b\""),
        ("aws_sqs_queue.x.arn", "\"${aws_sqs_queue.x.arn}\""),
        ("module.eks.cluster_name", "\"${module.eks.cluster_name}\""),
        ("data.aws_partition.current.partition", "\"${data.aws_partition.current.partition}\""),
        ("nobody_knows(1)", "\"${nobody_knows(1)}\""),
        ("sha256(\"x\")", "\"${sha256(\\\"x\\\")}\""),
        ("var.unknown ? \"a\" : \"b\"", "\"${var.unknown ? \\\"a\\\" : \\\"b\\\"}\""),
        ("var.unknown ? \"a\" : \"a\"", "\"a\""),
        ("var.unknown ? [\"a\"] : []", "[\"a\"]"),
        ("concat([\"a\"], var.unknown)", "[\"a\",\"${var.unknown}\"]"),
        ("join(\"/\", [\"a\", var.unknown])", "\"a/${var.unknown}\""),
        ("format(\"x-%s\", var.unknown)", "\"x-${var.unknown}\""),
        ("replace(\"a.${var.unknown}\", \".\", \"-\")", "\"a-${var.unknown}\""),
        ("coalesce(null, var.unknown)", "\"${var.unknown}\""),
        ("try(var.unknown.x[0], \"b\")", "\"${var.unknown.x[0]}\""),
        ("[for x in var.unknown : x]", "\"${[for x in var.unknown : x]}\""),
        ("false && var.unknown", "false"),
        ("local.nowhere", "\"${local.nowhere}\""),
        ("local.asked", "\"${local.asked}\""),
        ("[local.asked]", "[\"${local.asked}\"]"),
        ("file(\"../../etc/passwd\")", "\"${file(\\\"../../etc/passwd\\\")}\""),
    ] {
        assert_eq!(value(expr), expected, "{expr}");
    }
}

#[test]
fn nothing_grows_without_end() {
    let mut text = "locals {\n  a0 = \"xxxxxxxxxx\"\n  l0 = [1]\n".to_owned();
    for at in 1..100 {
        let before = at - 1;
        text.push_str(&format!("  a{at} = \"${{local.a{before}}}${{local.a{before}}}\"\n"));
        text.push_str(&format!("  l{at} = [local.l{before}, local.l{before}]\n"));
        text.push_str(&format!("  c{at} = [for x in range(1000) : [for y in range(1000) : [for z in range(1000) : x]]]\n"));
    }
    text.push_str("}\nresource \"aws_iam_policy\" \"x\" {\n  policy = jsonencode({ Statement = [{ Action = local.a99, Resource = local.l99, Sid = local.c5, NotAction = flatten(local.l99) }] })\n}\n");
    let started = std::time::Instant::now();
    let (_, found) = read("main.tf", &text);
    assert_eq!(found.documents.len(), 1);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn documents_of_all_kinds() {
    let (_, found) = read(
        "main.tf",
        r#"
resource "aws_iam_policy" "managed" {
  name   = "m"
  policy = <<EOF
{"Statement": [{"Action": "a:b", "Resource": "${var.x}"}]}
EOF
}
resource "aws_iam_role" "r" {
  name               = "r-${var.cluster}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  inline_policy {
    name   = "inline"
    policy = jsonencode({ Statement = [] })
  }
  dynamic "inline_policy" {
    for_each = { a = "x", b = "y" }
    content {
      name   = inline_policy.key
      policy = jsonencode({ Statement = [{ Action = inline_policy.value }] })
    }
  }
  managed_policy_arns  = [aws_iam_policy.managed.arn, "arn:aws:iam::aws:policy/ReadOnlyAccess"]
  permissions_boundary = aws_iam_policy.boundary[0].arn
}
resource "aws_iam_policy" "boundary" {
  count  = 1
  policy = data.aws_iam_policy_document.b["k"].json
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "b" {
  for_each = toset(["k"])
  statement { actions = [each.key] }
}
data "aws_iam_policy_document" "alone" {
  statement { actions = ["alone:x"] }
}
data "aws_iam_policy_document" "left_over" {
  statement { actions = ["left:x"] }
}
output "alone" { value = data.aws_iam_policy_document.alone.json }
resource "aws_sqs_queue" "karpenter" { name = "q" }
resource "aws_sqs_queue_policy" "q" { policy = jsonencode({ Statement = [] }) }
resource "aws_iam_user_policy" "u" { policy = jsonencode({ Statement = [] }) }
module "gone" {
  source = "terraform-aws-modules/iam/aws//modules/iam-policy"
  policy = jsonencode({ Statement = [{ Action = "given:x" }] })
}
resource "helm_release" "karpenter" {
  chart   = "karpenter"
  version = "1.4.0"
}
"#,
    );
    assert_eq!(
        documents(&found),
        [
            "aws_iam_policy.managed Managed m",
            "aws_iam_role.r Trust -",
            "aws_iam_role.r Inline inline",
            "aws_iam_role.r Inline a",
            "aws_iam_role.r Inline b",
            "aws_iam_policy.boundary[0] Managed -",
            "aws_sqs_queue_policy.q Resource -",
            "aws_iam_user_policy.u User -",
            "module.gone Bare -",
            "data.aws_iam_policy_document.alone Bare -",
        ]
    );
    let role = &found.roles[0];
    assert_eq!(role.documents, [2, 3, 4, 0]);
    assert_eq!((role.trust, found.makes_queue), (Some(1), true));
    assert!(matches!(role.boundary, Some(crate::extract::Attached::Document(5))));
    assert_eq!(role.unseen[0].name, "arn:aws:iam::aws:policy/ReadOnlyAccess");
    assert_eq!(role.name.as_ref().unwrap().display(), "r-${var.cluster}");
    assert_eq!(found.charts[0].version.as_ref().unwrap().display(), "1.4.0");
}
