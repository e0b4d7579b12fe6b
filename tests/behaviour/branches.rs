//! Conditions of Terraform source that nobody decided: what hangs on one is never certain, and what
//! holds either way is.

use std::fs;

use crate::common::{fixture, folder, program, rules};
use serde_json::Value;

const HEAD: &str = "variable \"fleets\" {}\nvariable \"mode\" {}\n";

/// What starts a fleet, as the good policy has it first.
const FLEET: &str =
    "    actions = [\n      \"ec2:CreateFleet\",\n      \"ec2:RunInstances\",\n    ]";

const DOCUMENT: &str = "data \"aws_iam_policy_document\" \"karpenter\" {\n";

fn document() -> String {
    fs::read_to_string(fixture("same/good/document/main.tf")).unwrap()
}

/// The good policy with other actions in the place of its first ones.
fn with_actions(actions: &str) -> String {
    let text = document();
    assert!(text.contains(FLEET));
    format!("{HEAD}{}", text.replacen(FLEET, &format!("    actions = {actions}"), 1))
}

/// The good policy with a statement on `ec2:CreateFleet` for each of what a list may hold; without any
/// other where `grants` is set.
fn with_statements(lists: &[(&str, &str)], grants: bool) -> String {
    let mut text = document();
    if grants {
        text = text.replace("      \"ec2:CreateFleet\",\n", "");
    }
    for (list, more) in lists {
        let statement = format!(
            "{DOCUMENT}  dynamic \"statement\" {{\n    for_each = {list}\n    content {{\n      {more}\n      \
             actions   = [\"ec2:CreateFleet\"]\n      resources = [\"*\"]\n    }}\n  }}\n"
        );
        text = text.replacen(DOCUMENT, &statement, 1);
    }
    format!("{HEAD}{text}")
}

fn report(files: &[(&str, &str)], args: &[&str]) -> Value {
    let all = folder(files);
    let first = ["--no-config", "--karpenter=1.4", "--format=json", "--ignore=over-permissive"];
    let last = ["--ignore=action-resource-mismatch", "."];
    let (_, out, err) = program(all.path(), &[&first, args, &last].concat());
    assert_eq!(err, "");
    serde_json::from_str(&out).unwrap()
}

fn found(text: &str, args: &[&str]) -> Vec<String> {
    rules(&report(&[("main.tf", text)], args))
}

#[test]
fn a_branch_that_grants_less_is_no_certainty() {
    let less = "var.fleets ? [\"ec2:CreateFleet\", \"ec2:RunInstances\"] : [\"ec2:RunInstances\"]";
    let text = with_actions(less);
    let open = report(&[("main.tf", &text)], &[]);
    assert_eq!(rules(&open), ["warning unsettled"]);
    let finding = &open["findings"][0];
    let message = "`ec2:CreateFleet` hangs on `var.fleets`, which the files do not tell";
    assert_eq!(
        (&finding["message"], &finding["help"]),
        (&message.into(), &"--var fleets=VALUE".into())
    );
    let at = |end: &str| finding["span"][end]["offset"].as_u64().unwrap() as usize;
    assert_eq!(&text[at("start")..at("end")], "var.fleets");
    // Decided, either way, it is certain.
    assert_eq!(found(&text, &["--var=fleets=true"]), [""; 0]);
    let denied = found(&text, &["--var=fleets=false"]);
    assert!(denied.contains(&"error missing-permission".to_owned()), "{denied:?}");
    // The same by other words.
    for actions in [
        "concat([\"ec2:RunInstances\"], var.fleets ? [\"ec2:CreateFleet\"] : [])",
        "compact([\"ec2:RunInstances\", var.fleets ? \"ec2:CreateFleet\" : \"ec2:DescribeFleets\"])",
        "[for a in [\"ec2:CreateFleet\", \"ec2:RunInstances\"] : a if a != \"ec2:CreateFleet\" || var.fleets]",
    ] {
        let open = report(&[("main.tf", &with_actions(actions))], &[]);
        assert_eq!(open["findings"][0]["message"], message, "{actions}");
    }
}

#[test]
fn what_both_branches_grant_is_granted() {
    let same = "var.fleets ? [\"ec2:CreateFleet\", \"ec2:RunInstances\"] : [\"ec2:Create*\", \"ec2:RunInstances\"]";
    assert_eq!(found(&with_actions(same), &[]), [""; 0]);
    // Opposites, by `!`, by another comparison, and through a local.
    for (one, other) in [
        ("var.fleets ? [1] : []", "!var.fleets ? [1] : []"),
        ("var.mode == \"a\" ? [1] : []", "var.mode != \"a\" ? [1] : []"),
        ("var.mode == \"a\" ? [1] : []", "\"a\" == var.mode ? [] : [1]"),
        (
            "var.fleets && var.mode == \"a\" ? [1] : []",
            "!var.fleets || var.mode != \"a\" ? [1] : []",
        ),
    ] {
        let text = with_statements(&[(one, ""), (other, "")], true);
        assert_eq!(found(&text, &[]), [""; 0], "{one} {other}");
    }
    // What is equal to neither is not granted.
    let two = [("var.mode == \"a\" ? [1] : []", ""), ("var.mode == \"b\" ? [1] : []", "")];
    assert_eq!(found(&with_statements(&two, true), &[]), ["warning unsettled"]);
}

#[test]
fn what_neither_branch_grants_is_denied() {
    let neither =
        "var.fleets ? [\"ec2:DescribeFleets\", \"ec2:RunInstances\"] : [\"ec2:RunInstances\"]";
    let told = found(&with_actions(neither), &[]);
    assert!(told.contains(&"error missing-permission".to_owned()), "{told:?}");
    assert!(!told.contains(&"warning unsettled".to_owned()), "{told:?}");
}

#[test]
fn a_deny_that_may_not_be_there_is_no_certainty() {
    let deny = [("var.mode == \"locked\" ? [1] : []", "effect = \"Deny\"")];
    let open = report(&[("main.tf", &with_statements(&deny, false))], &[]);
    assert_eq!(rules(&open), ["warning unsettled"]);
    let message = open["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("`var.mode == \"locked\"`"), "{message}");
    let sure = [("[1]", "effect = \"Deny\"")];
    assert_eq!(found(&with_statements(&sure, false), &[]), ["error explicit-deny"]);
    // A list that nobody knows may be empty.
    let list = [("toset(var.mode)", "effect = \"Deny\"")];
    let open = report(&[("main.tf", &with_statements(&list, false))], &[]);
    let message = open["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("hangs on `length(var.mode) > 0`"), "{message}");
}

#[test]
fn templates_keep_both_branches() {
    let text = fs::read_to_string(fixture("same/good/heredoc/main.tf")).unwrap();
    let item = "\"ec2:CreateFleet\",\n            \"ec2:RunInstances\"";
    assert!(text.contains(item));
    let with = |first: &str| {
        let items = format!("{first}\n            \"ec2:RunInstances\"");
        format!("{HEAD}{}", text.replacen(item, &items, 1))
    };
    let maybe = with("%{ if var.fleets }\"ec2:CreateFleet\",%{ endif }");
    let open = report(&[("main.tf", &maybe)], &[]);
    assert_eq!(rules(&open), ["warning unsettled"]);
    assert!(open["findings"][0]["message"].as_str().unwrap().contains("`var.fleets`"));
    let both = with("%{ if var.fleets }\"ec2:CreateFleet\"%{ else }\"ec2:CreateF*\"%{ endif },");
    assert_eq!(found(&both, &[]), [""; 0]);
    let effect = format!(
        "{HEAD}{}",
        text.replacen("\"Allow\"", "\"%{ if var.fleets }Allow%{ else }Deny%{ endif }\"", 1)
    );
    assert_eq!(found(&effect, &[]), ["warning unsettled"]);
    // One branch is no JSON.
    let broken = with("%{ if var.fleets }\"ec2:CreateFleet\" %{ else }\"ec2:CreateF*\",%{ endif }");
    let told = found(&broken, &[]);
    assert_eq!(told.iter().filter(|rule| *rule == "error syntax").count(), 1, "{told:?}");
}

const ROLE: &str = "resource \"aws_iam_role\" \"r\" {\n  name = \"karpenter\"\n}\n";

/// An attachment of the policy to a role under a `count`.
fn attachment(name: &str, role: &str, count: &str) -> String {
    format!(
        "resource \"aws_iam_role_policy_attachment\" \"{name}\" {{\n  {count}\n  role = {role}\n  \
         policy_arn = one(aws_iam_policy.karpenter[*].arn)\n}}\n"
    )
}

#[test]
fn an_attachment_may_hang_on_a_condition() {
    let count = "count = var.fleets ? 1 : 0";
    let policy = "resource \"aws_iam_policy\" \"karpenter\" {\n";
    let counted = document().replace(policy, &format!("{policy}  {count}\n"));
    // The attachment, the policy, or both.
    for (document, count) in [(document(), count), (counted.clone(), ""), (counted.clone(), count)]
    {
        let own = attachment("a", "aws_iam_role.r.name", count);
        let text = format!("{HEAD}{document}{ROLE}{own}");
        assert_eq!(found(&text, &[]), ["warning unsettled"], "{count}");
    }
    // A role that is there only then lacks nothing, which is told.
    let role = ROLE.replace("{\n", &format!("{{\n  {count}\n"));
    let own = attachment("a", "aws_iam_role.r[0].name", count);
    let sure = report(&[("main.tf", &format!("{HEAD}{counted}{role}{own}"))], &[]);
    assert_eq!(rules(&sure), [""; 0]);
    let assumptions = sure["controllers"][0]["assumptions"].as_array().unwrap();
    assert!(
        assumptions.iter().any(|told| told["symbol"] == "var.fleets" && told["value"] == "true")
    );
    // One policy that binds one role for sure, and another one perhaps.
    let other = ROLE.replace("\"r\"", "\"s\"").replace("karpenter", "other");
    let both =
        attachment("a", "aws_iam_role.r.name", count) + &attachment("b", "aws_iam_role.s.name", "");
    let two = report(&[("main.tf", &format!("{HEAD}{}{ROLE}{other}{both}", document()))], &[]);
    assert_eq!(rules(&two), ["warning unsettled"]);
    assert!(two["findings"][0]["controller"].as_str().unwrap().ends_with("aws_iam_role.r"));
}

#[test]
fn one_expression_is_one_condition_in_all_modules() {
    let child = with_statements(&[("var.on ? [1] : []", "")], true)
        .replace(HEAD, "variable \"on\" {}\n")
        + "output \"arn\" {\n  value = aws_iam_policy.karpenter.arn\n}\n";
    let other = "variable \"off\" {}\nresource \"aws_iam_policy\" \"k\" {\n  policy = jsonencode({\n    \
                 Version = \"2012-10-17\"\n    Statement = var.off ? [] : [{ Effect = \"Allow\", \
                 Action = \"ec2:CreateFleet\", Resource = \"*\" }]\n  })\n}\noutput \"arn\" {\n  \
                 value = aws_iam_policy.k.arn\n}\n";
    let root = |off: &str| {
        format!(
            "{HEAD}locals {{\n  on = var.fleets\n}}\nmodule \"a\" {{\n  source = \"./m/a\"\n  \
             on = local.on\n}}\nmodule \"b\" {{\n  source = \"./m/b\"\n  off = {off}\n}}\n\
             resource \"aws_iam_role\" \"karpenter\" {{\n  \
             managed_policy_arns = [module.a.arn, module.b.arn]\n}}\n"
        )
    };
    let told = |off: &str| {
        let root = root(off);
        let files = [("main.tf", &*root), ("m/a/main.tf", &*child), ("m/b/main.tf", other)];
        rules(&report(&files, &[]))
    };
    assert_eq!(told("var.fleets"), [""; 0]);
    assert_eq!(told("!var.fleets ? false : true"), [""; 0]);
    assert_eq!(told("!var.fleets"), ["warning unsettled"]);
    assert_eq!(told("var.mode"), ["warning unsettled"]);
}

#[test]
fn a_name_that_is_one_of_two_stays_a_name() {
    let text = document().replace("cluster/demo", "cluster/${local.name}");
    let names = "locals {\n  name = var.mode != \"\" ? var.mode : \"demo\"\n}\n";
    let found = report(&[("main.tf", &format!("{HEAD}{names}{text}"))], &[]);
    let cluster = &found["controllers"][0]["settings"]["cluster-name"];
    assert_eq!(cluster, "${var.mode != \"\" ? var.mode : \"demo\"}");
}

#[test]
fn conditions_without_number_end() {
    let names = |make: &dyn Fn(usize) -> String| (0..200).map(make).collect::<String>();
    let variables = names(&|at| format!("variable \"v{at}\" {{}}\n"));
    let lists: Vec<String> = (0..200).map(|at| format!("var.v{at} ? [1] : []")).collect();
    let statements: Vec<(&str, &str)> = lists.iter().map(|list| (&**list, "")).collect();
    // Deeper ones are refused.
    let fewer = |make: &dyn Fn(usize) -> String| (0..50).map(make).collect::<String>();
    let nested = fewer(&|at| format!("var.v{at} ? [\"s3:a{at}\"] : ")) + "[\"ec2:RunInstances\"]";
    let both = fewer(&|at| format!("var.v{at} && ")) + "true ? [1] : []";
    let round = "locals {\n  a = local.b ? [1] : []\n  b = local.a ? [1] : []\n}\n";
    let started = std::time::Instant::now();
    for text in [
        with_statements(&statements, false),
        with_actions(&nested),
        with_statements(&[(&both, "")], false),
        with_statements(&[("local.a", "")], false) + round,
    ] {
        let found = report(&[("main.tf", &format!("{variables}{text}"))], &["--no-karpenter"]);
        assert_eq!(found["errors"], Value::Array(Vec::new()));
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
