//! From a finding to a file without it: `--diff`, `--fix`, `--unsafe-fixes`, `upgrade --diff`.

use std::fs;
use std::path::Path;

use clap::Parser;
use karplint::cli::{Args, run};

use crate::common::{check, fixture, folder, program};

const FORMS: [&str; 6] = [
    "policy.json",
    "sub.yaml",
    "map.yaml",
    "jsonencode/main.tf",
    "document/main.tf",
    "heredoc/main.tf",
];

fn good(form: &str) -> String {
    fs::read_to_string(fixture("same/good").join(form)).unwrap()
}

/// Exit code aside, what the program prints; the exit code is 0 if nothing is left to say but notes.
fn lint(path: &Path, flags: &[&str]) -> (bool, String) {
    let mut args = vec!["karplint", "check", "--no-config", "--karpenter=1.4", "--fail-on=warning"];
    args.extend(flags);
    let path = path.display().to_string();
    args.push(&path);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = run(Args::try_parse_from(args).unwrap(), false, &mut out, &mut err).unwrap();
    let clean = status == karplint::cli::Status::Clean;
    let mut said = String::from_utf8(out).unwrap();
    // A patch goes to a file of its own; what else there is to say of it does not.
    if !flags.contains(&"--diff") {
        said.push_str(&String::from_utf8(err).unwrap());
    }
    (clean, said)
}

/// Applies a unified diff as `patch` does, but without any leniency: all context has to fit.
fn patched(text: &str, patch: &str) -> String {
    let old: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut out, mut at) = (String::new(), 0);
    for line in patch.split_inclusive('\n').skip(2) {
        if let Some(hunk) = line.strip_prefix("@@ -") {
            let start: usize = hunk.split([',', ' ']).next().unwrap().parse().unwrap();
            while at + 1 < start {
                out.push_str(old[at]);
                at += 1;
            }
        } else if let Some(added) = line.strip_prefix('+') {
            out.push_str(added);
        } else if line.starts_with('\\') {
            out.pop();
        } else {
            assert_eq!(&line[1..], old[at], "the patch does not fit");
            if line.starts_with(' ') {
                out.push_str(old[at]);
            }
            at += 1;
        }
    }
    out + &old[at..].concat()
}

/// The token that a line of a list holds alone.
fn alone(line: &str) -> Option<&str> {
    let token = line.trim().trim_start_matches("- ").trim_end_matches(',');
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(inner)
}

/// Whether the action is one that the fixtures need as Karpenter is by default.
fn is_action(token: &str) -> bool {
    let service = token.split(':').next().unwrap();
    ["ec2", "iam", "sqs"].contains(&service)
        && token.split(':').nth(1).is_some_and(|name| name.starts_with(char::is_uppercase))
        && token != "ec2:DescribeCapacityReservations"
}

/// Every action misspelt, and every action, resource and condition value of a list left out.
fn mutations(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(token) = alone(line) else { continue };
        if is_action(token) {
            let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            changed[at] = line.replace(token, &format!("{token}s"));
            out.push((format!("line {}: {token} misspelt", at + 1), changed.concat()));
        }
        let beside = |at: usize| lines.get(at).is_some_and(|line| alone(line).is_some());
        if !beside(at - 1) && !beside(at + 1) || token == "ec2:DescribeCapacityReservations" {
            continue;
        }
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        // Without a comma behind what is the last item now, unless the form has it.
        if !beside(at + 1) && !line.trim_end().ends_with(',') {
            changed[at - 1] = changed[at - 1].replace("\",", "\"");
        }
        changed.remove(at);
        out.push((format!("line {}: without {token}", at + 1), changed.concat()));
    }
    out
}

/// Mends `broken` and looks at the result from all sides.
fn mend(form: &str, what: &str, broken: &str) -> String {
    let name = Path::new(form).file_name().unwrap().to_str().unwrap();
    let folder = folder(&[(name, broken)]);
    let path = folder.path().join(name);
    let (_, patch) = lint(&path, &["--diff"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), broken, "{form}, {what}: --diff writes");
    let (clean, said) = lint(&path, &["--fix", "--unsafe-fixes"]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(clean, "{form}, {what}: {said}\n{patch}");
    if text != broken {
        assert_eq!(patched(broken, &patch), text, "{form}, {what}: {patch}");
    }
    lint(&path, &["--fix", "--unsafe-fixes"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "{form}, {what}: fixed twice");
    text
}

#[test]
fn what_was_taken_out_or_misspelt_comes_back_in_every_form() {
    for form in FORMS {
        let original = good(form);
        let all = mutations(&original);
        assert!(all.len() > 60, "{form}: {}", all.len());
        let mut restored = 0;
        for (what, broken) in &all {
            let text = mend(form, what, broken);
            restored += usize::from(text == original);
            // One token was wrong: all other lines are as they were.
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            let (before, after) = (lines(&original), lines(&text));
            let gone = before.iter().filter(|line| !after.contains(line)).count();
            assert!(gone <= 3, "{form}, {what}: {gone} lines are not as they were");
        }
        assert!(restored * 2 > all.len(), "{form}: only {restored} of {} restored", all.len());
    }
}

/// The text without the statement of this name.
fn without(form: &str, text: &str, sid: &str) -> String {
    let (open, close) = match form {
        "policy.json" => ("\n    {\n", "\n    },"),
        "map.yaml" => ("          - Sid", "          - Sid"),
        _ => ("  statement {\n", "\n  }\n\n"),
    };
    let name = text.find(&format!("\"{sid}\"")).unwrap();
    let start = text[..name].rfind(open).unwrap();
    let end = name + text[name..].find(close).unwrap();
    let end = if form == "map.yaml" { end } else { end + close.len() };
    format!("{}{}", &text[..start], &text[end..])
}

#[test]
fn a_statement_that_is_gone_is_written_anew_with_its_conditions() {
    let all = [
        "LaunchWithSharedResources",
        "LaunchFromOwnTemplates",
        "LaunchTaggedResources",
        "TagWhatIsCreated",
        "TagRunningInstances",
        "RemoveOwnResources",
        "CreateInstanceProfiles",
        "TagInstanceProfiles",
        "ManageInstanceProfiles",
        "Discover",
        "ReadPublicParameters",
        "ReadPrices",
        "ReadInstanceProfiles",
        "DescribeOwnCluster",
    ];
    for form in ["policy.json", "map.yaml", "document/main.tf"] {
        for sid in all {
            let broken = without(form, &good(form), sid);
            let text = mend(form, sid, &broken);
            assert_ne!(text, broken, "{form}, {sid}");
        }
    }
}

#[test]
fn line_ends_and_the_end_of_the_file_stay_as_they_are() {
    for form in ["policy.json", "sub.yaml", "map.yaml", "document/main.tf", "heredoc/main.tf"] {
        let original = good(form).trim_end().replace('\n', "\r\n");
        let at = original.find("\"ec2:CreateFleet\"").unwrap();
        let start = original[..at].rfind('\n').unwrap() + 1;
        let end = at + original[at..].find('\n').unwrap() + 1;
        let broken = format!("{}{}", &original[..start], &original[end..]);
        let name = Path::new(form).file_name().unwrap().to_str().unwrap();
        let folder = folder(&[(name, &broken)]);
        let path = folder.path().join(name);
        let (clean, said) = lint(&path, &["--fix", "--unsafe-fixes"]);
        assert!(clean, "{form}: {said}");
        assert!(fs::read_to_string(&path).unwrap() == original, "{form}: {said}");
    }
}

#[test]
fn only_what_is_safe_is_done_without_being_asked() {
    let misspelt =
        good("policy.json").replacen("ec2:TerminateInstances", "ec2:TerminateInstance", 1);
    let gone = without("policy.json", &good("policy.json"), "ReadPrices");
    let files = folder(&[("misspelt.json", &misspelt), ("gone.json", &gone)]);
    let (_, out, _) =
        program(files.path(), &["check", "--karpenter=1.4", "--fix", "misspelt.json"]);
    assert!(out.ends_with("fixed 1 finding in 1 file\n"), "{out}");
    assert_eq!(
        fs::read_to_string(files.path().join("misspelt.json")).unwrap(),
        good("policy.json")
    );
    let (code, out, _) = program(
        files.path(),
        &["check", "--karpenter=1.4", "--fix", "--fail-on=warning", "gone.json"],
    );
    assert_eq!((code, out.contains("fixed")), (1, false), "{out}");
    assert_eq!(fs::read_to_string(files.path().join("gone.json")).unwrap(), gone);
}

#[test]
fn a_deny_and_a_generated_file_are_left_alone() {
    let denies = good("policy.json").replacen(
        "\"Statement\": [",
        "\"Statement\": [\n    {\n      \"Effect\": \"Deny\",\n      \"Action\": \"ec2:RunInstances\",\n      \"Resource\": \"*\"\n    },",
        1,
    );
    let plan = good("plan.json").replacen("ec2:TerminateInstances", "ec2:TerminateInstance", 1);
    let state = good("state.json").replacen("ec2:TerminateInstances", "ec2:TerminateInstance", 1);
    for (name, text) in [("deny.json", &denies), ("plan.json", &plan), ("state.json", &state)] {
        let folder = folder(&[(name, text)]);
        let path = folder.path().join(name);
        let (clean, said) = lint(&path, &["--fix", "--unsafe-fixes"]);
        assert!(!clean, "{name}: {said}");
        assert!(fs::read_to_string(&path).unwrap() == *text, "{name}: {said}");
    }
}

#[test]
fn what_a_program_wrote_is_only_shown_and_the_source_to_change_is_named() {
    let terraform = "in the Terraform source of `";
    let answered = "where the policy is made: this file is what AWS answered";
    for (name, source) in [
        ("plan.json", terraform),
        ("state.json", terraform),
        ("terraform.tfstate", terraform),
        ("cdk.template.json", "in the code of `"),
        ("account.json", answered),
        ("get-role-policy.json", answered),
        ("get-policy-version.json", answered),
    ] {
        // A mistake, and what is only advice.
        for (was, is) in [
            ("ec2:TerminateInstances", "ec2:TerminateInstance"),
            ("ec2:DescribeSubnets", "ec2:DescribeVpcs"),
            ("pricing:GetProducts", "pricing:Get*"),
        ] {
            let text = good(name).replacen(was, is, 1);
            assert!(text.contains(is), "{name}: {was}");
            let folder = folder(&[(name, &text)]);
            let report = check(&["--karpenter=1.4"], &[folder.path().join(name)]);
            let findings = report["findings"].as_array().unwrap();
            assert!(!findings.is_empty(), "{name}: {is}");
            for finding in findings {
                let fix = &finding["fix"];
                let title = fix["title"].as_str().unwrap();
                assert_eq!(fix["applicability"], "display", "{name}: {finding:#}");
                assert_eq!(fix["edits"].as_array().unwrap().len(), 0, "{name}: {finding:#}");
                assert!(title.contains(source), "{name}: {title}");
            }
            let path = folder.path().join(name);
            let (_, said) = lint(&path, &[]);
            assert!(said.contains(source), "{name}: {said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_its_target_keeps_its_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let broken = good("policy.json").replacen("ec2:TerminateInstances", "ec2:TerminateInstance", 1);
    let folder = folder(&[("real/policy.json", &broken)]);
    let (real, link) = (folder.path().join("real/policy.json"), folder.path().join("link.json"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &link).unwrap();
    let (clean, said) = lint(&link, &["--fix"]);
    assert!(clean, "{said}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(&real).unwrap(), good("policy.json"));
    assert_eq!(
        fs::read_dir(folder.path().join("real")).unwrap().count(),
        1,
        "nothing is left over"
    );
}

#[test]
fn standard_input_can_be_shown_a_patch_but_not_fixed() {
    let folder = folder(&[]);
    let (code, _, err) = program(folder.path(), &["check", "--fix", "-"]);
    assert_eq!(code, 2);
    assert!(err.contains("`--diff` shows the patch"), "{err}");
}

#[test]
fn the_patch_of_an_upgrade_adds_what_is_missing_and_takes_nothing_away() {
    let old = fs::read_to_string(fixture("json/ok/karpenter-1.4.json")).unwrap();
    let folder = folder(&[("policy.json", &old)]);
    let upgrade = ["upgrade", "--from=1.6", "--to=1.12", "--diff", "policy.json"];
    let (code, patch, err) = program(folder.path(), &upgrade);
    assert_eq!(code, 1, "{err}");
    assert!(patch.starts_with("--- a/policy.json\n+++ b/policy.json\n@@ "), "{patch}");
    let new = patched(&old, &patch);
    for action in ["ec2:DescribeInstanceStatus", "iam:ListInstanceProfiles"] {
        assert_eq!(new.matches(action).count(), 1, "{patch}");
    }
    fs::write(folder.path().join("policy.json"), new).unwrap();
    assert_eq!(program(folder.path(), &upgrade), (0, String::new(), String::new()));
    let (code, out, _) = program(folder.path(), &["check", "--karpenter=1.6", "policy.json"]);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn a_pattern_gives_way_to_the_actions_that_are_needed_in_the_form_of_its_list() {
    for name in ["map.yaml", "policy.json"] {
        let whole = good(name);
        // All actions of the queue, up to what stands behind the last of them.
        let start = whole.find("sqs:DeleteMessage").unwrap();
        let end = whole.rfind("sqs:ReceiveMessage").unwrap() + "sqs:ReceiveMessage".len();
        let wide = format!("{}sqs:*{}", &whole[..start], &whole[end..]);
        let folder = folder(&[(name, &wide)]);
        let path = folder.path().join(name);
        let report = check(&["--karpenter=1.4"], std::slice::from_ref(&path));
        let finding = &report["findings"][0];
        assert_eq!(finding["rule"], "unused-permission", "{name}: {report:#}");
        assert_eq!(finding["data"]["action"], "sqs:*");
        let (clean, said) = lint(&path, &["--fix", "--unsafe-fixes"]);
        assert!(clean, "{name}: {said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), whole, "{name}");
    }
}

#[test]
fn a_misspelt_element_effect_or_version_is_written_right_in_every_form() {
    for form in
        ["policy.json", "sub.yaml", "map.yaml", "sub.template.json", "crossplane.yaml", "ack.yaml"]
    {
        let good = good(form);
        for (word, wrong) in [
            ("Effect", "Efect"),
            ("Allow", "Alow"),
            ("Resource", "Ressource"),
            ("Condition", "condition"),
            ("2012-10-17", "2012-10-18"),
        ] {
            let alone = |at: &usize| {
                let is_end = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                is_end(good[..*at].chars().next_back())
                    && is_end(good[at + word.len()..].chars().next())
            };
            let places: Vec<usize> =
                good.match_indices(word).map(|(at, _)| at).filter(alone).collect();
            // The last one: what comes first may be a word of the template.
            let at = *places.last().unwrap();
            let broken = format!("{}{wrong}{}", &good[..at], &good[at + word.len()..]);
            assert_eq!(mend(form, wrong, &broken), good, "{form}: {word}");
        }
    }
}

/// A template that serves several policies lost what told them apart: what one of them needs was written over it.
#[test]
fn what_an_expression_makes_is_not_written_over() {
    let each = "resource \"aws_iam_policy\" \"k\" {\n  for_each = toset([\"ec2\", \"iam\", \"sqs\", \"ssm\", \"pricing\", \"eks\"])\n  \
                name = \"karpenter-${each.key}\"\n  \
                policy = templatefile(\"${path.module}/p.tftpl\", { svc = each.key })\n}\n";
    let policy = |actions: &str| {
        format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":{actions},\"Resource\":\"*\"}}]}}\n"
        )
    };
    let one = policy("\"${svc}:*\"");
    let many = policy("[%{ for a in names ~}\"${svc}:${a}\",%{ endfor ~}\"${svc}:Get*\"]");
    let with_names =
        each.replace("svc = each.key", "svc = each.key, names = [\"*\", \"Describe*\"]");
    let call = "module \"k\" {\n  source = \"./mod\"\n}\n".to_owned();
    let cases = [
        vec![("main.tf", each.to_owned()), ("p.tftpl", one)],
        vec![("main.tf", call), ("mod/main.tf", with_names), ("mod/p.tftpl", many)],
    ];
    for files in cases {
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
        let folder = folder(&files);
        let flags = ["check", "--karpenter=1.4", "--fix", "--unsafe-fixes", "."];
        let (code, out, err) = program(folder.path(), &flags);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        for (name, text) in files {
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), text, "{out}");
        }
    }
}
