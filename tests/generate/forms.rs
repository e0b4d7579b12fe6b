//! Every form: karplint reads what it wrote, and so does Terraform.

use std::fs;
use std::path::Path;
use std::process::Command;

use karplint::cli::Status;
use serde_json::Value;

use crate::run::{check, json, karplint, with};

const FORMS: [(&str, &str); 4] = [
    ("json", "karpenter.json"),
    ("cloudformation", "karpenter.yaml"),
    ("terraform", "karpenter.tf"),
    ("terraform-jsonencode", "karpenter.tf"),
];

fn strings(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|flag| (*flag).to_owned()).collect()
}

const AROUND: [&str; 4] = [
    "--trust=irsa",
    "--oidc-provider=https://oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
    "--with=node-role",
    "--with=queue",
];

/// What `generate policy` writes; nothing is said of it but the sizes of its parts.
fn generate(flags: &[&str]) -> String {
    let ran = karplint(&with(&["generate", "policy"], &strings(flags)));
    let told: Vec<&str> = ran.err.lines().filter(|one| !one.contains("characters")).collect();
    assert_eq!((ran.status, told), (Status::Clean, vec![]), "{flags:?}");
    ran.out
}

/// The file is clean, notes included.
fn is_clean(file: &Path, version: &str) {
    let checked = check(file, &strings(&[&format!("--karpenter={version}")]));
    let all = (checked.status, checked.out.as_str(), checked.err.as_str());
    assert_eq!(all, (Status::Clean, "", ""), "{}", fs::read_to_string(file).unwrap());
}

#[test]
fn every_form_is_clean_in_one_policy_and_in_several_alone_and_with_all_around_it() {
    for version in ["0.32", "1.0", "1.6", "1.14"] {
        let version_flag = format!("--karpenter={version}");
        for (form, name) in FORMS {
            for (split, around) in [(false, false), (true, false), (false, true), (true, true)] {
                let form = format!("--format={form}");
                let mut flags = vec![version_flag.as_str(), &form];
                flags.extend(split.then_some("--split"));
                flags.extend(AROUND.iter().filter(|_| around));
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join(name);
                let text = generate(&flags);
                assert_eq!(text, generate(&flags), "two runs differ");
                fs::write(&file, text).unwrap();
                is_clean(&file, version);
            }
        }
    }
}

/// The names of upstream's template since 1.9, zonal shift only where it is on.
const NAMES: [&str; 5] = [
    "KarpenterControllerNodeLifecyclePolicy-demo",
    "KarpenterControllerIAMIntegrationPolicy-demo",
    "KarpenterControllerEKSIntegrationPolicy-demo",
    "KarpenterControllerInterruptionPolicy-demo",
    "KarpenterControllerResourceDiscoveryPolicy-demo",
];

#[test]
fn the_parts_have_the_official_names_and_room_to_grow() {
    let parts = json(&generate(&["--karpenter=1.14", "--split"]));
    let names: Vec<&str> =
        parts.as_array().unwrap().iter().map(|one| one["PolicyName"].as_str().unwrap()).collect();
    assert_eq!(names, NAMES);
    let flags = ["--karpenter=1.14", "--split", "--feature=zonal-shift"];
    assert!(generate(&flags).contains("KarpenterControllerZonalShiftPolicy-demo"));
    for part in parts.as_array().unwrap() {
        let size = part["PolicyDocument"].to_string().len();
        assert!(size < 3500, "{}: {size}", part["PolicyName"]);
    }
    let ran = karplint(&with(&["generate", "policy"], &strings(&["--karpenter=1.14", "--split"])));
    assert!(ran.err.contains("KarpenterControllerNodeLifecyclePolicy-demo: 2,"), "{}", ran.err);
    assert!(ran.err.contains(" of 6,144 characters"), "{}", ran.err);
}

#[test]
fn a_policy_that_would_be_too_long_is_split_unasked() {
    let name = "a-cluster-with-a-name-that-somebody-must-have-been-paid-for-by-the-letter-and-paid-well-at-that-1";
    let features = ["reserved-capacity", "placement-group", "zonal-shift", "spot-slr-absent"];
    let mut args =
        vec!["generate", "policy", "--no-config", "--karpenter=1.14", "--region=us-west-2"];
    args.extend(["--account=111122223333", "--interruption-queue=events", "--cluster-name", name]);
    features.iter().for_each(|feature| args.extend(["--feature", feature]));
    let ran = karplint(&args);
    assert!(ran.err.contains("one policy would have"), "{}", ran.err);
    assert_eq!(json(&ran.out).as_array().map(Vec::len), Some(6));
}

#[test]
fn what_nobody_gave_is_left_open_and_told() {
    let folder = tempfile::tempdir().unwrap();
    for (form, name) in FORMS {
        let file = folder.path().join(form).join(name);
        fs::create_dir(file.parent().unwrap()).unwrap();
        let ran =
            karplint(&["generate", "policy", "--no-config", "--karpenter=1.14", "--format", form]);
        assert_eq!(ran.status, Status::Clean);
        assert!(ran.err.contains("--cluster-name gives it"), "{}", ran.err);
        assert!(ran.err.contains("no interruption queue"), "{}", ran.err);
        fs::write(&file, ran.out).unwrap();
        let path = file.display().to_string();
        let checked = karplint(&[
            "check",
            "--no-config",
            "--karpenter=1.14",
            "--format=concise",
            "--fail-on=note",
            &path,
        ]);
        assert_eq!((checked.status, checked.out.as_str()), (Status::Clean, ""), "{form}");
    }
    // The JSON of the AWS CLI has no placeholders.
    let ran = karplint(&["generate", "policy", "--no-config", "--karpenter=1.14", "--split"]);
    assert_eq!(ran.status, Status::Failed);
    assert!(ran.err.contains("--cluster-name") && ran.err.contains("--dir"), "{}", ran.err);
}

#[test]
fn trust_policies_let_in_the_controller_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    for (version, account) in [("0.32", "karpenter/karpenter"), ("1.14", "kube-system/karpenter")] {
        for trust in ["irsa", "pod-identity"] {
            let flags = [
                format!("--karpenter={version}"),
                format!("--trust={trust}"),
                AROUND[1].to_owned(),
                format!("--dir={}", folder.path().display()),
                "--force".to_owned(),
            ];
            let ran = karplint(&with(&["generate", "policy"], &flags));
            assert_eq!((ran.status, ran.err.as_str()), (Status::Clean, ""));
            let file = folder.path().join("KarpenterControllerRole-trust.json");
            assert!(ran.out.ends_with("KarpenterControllerRole-trust.json\n"), "{}", ran.out);
            let checked = check(&file, &strings(&[&format!("--karpenter={version}")]));
            assert_eq!((checked.status, checked.out.as_str()), (Status::Clean, ""), "{trust}");
            let text = fs::read_to_string(file).unwrap();
            let (namespace, name) = account.split_once('/').unwrap();
            let subject = format!("system:serviceaccount:{namespace}:{name}");
            assert_eq!(text.contains(&subject), trust == "irsa");
            assert_eq!(
                text.contains(&format!("kubernetes-namespace\": \"{namespace}\"")),
                trust != "irsa"
            );
        }
    }
    let other = strings(&["--karpenter=1.14", "--trust=irsa", "--service-account=karpenter"]);
    let ran = karplint(&with(&["generate", "policy"], &other));
    assert_eq!(ran.status, Status::Failed);
    assert!(ran.err.contains("NAMESPACE/NAME"), "{}", ran.err);
}

#[test]
fn china_has_its_own_names() {
    let flags = ["--no-config", "--karpenter=1.14", "--cluster-name=demo", "--region=cn-north-1"];
    let more =
        ["--account=111122223333", "--interruption-queue=demo", "--trust=irsa", "--with=queue"];
    let mut args = vec!["generate", "policy", "--format=cloudformation", AROUND[1]];
    args.extend(flags.iter().chain(&more));
    let ran = karplint(&args);
    assert!(ran.out.contains("arn:aws-cn:ec2:cn-north-1:111122223333:instance/*"), "{}", ran.out);
    assert!(ran.out.contains("- ec2.amazonaws.com.cn"), "{}", ran.out);
    assert!(ran.out.contains("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/demo"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("karpenter.yaml");
    fs::write(&file, &ran.out).unwrap();
    let path = file.display().to_string();
    let mut args = vec!["check", "--format=concise", "--fail-on=note", &path];
    args.extend(flags);
    let checked = karplint(&args);
    assert_eq!((checked.status, checked.out.as_str()), (Status::Clean, ""));
}

fn terraform(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("terraform").args(args).current_dir(folder).output().ok()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "terraform {args:?}: {error}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Terraform prints what it would lay out otherwise, and makes the same JSON of it.
#[test]
fn terraform_reads_it_as_it_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    for form in ["terraform", "terraform-jsonencode"] {
        for open in [false, true] {
            let mut args =
                vec!["generate", "policy", "--no-config", "--karpenter=1.14", "--format", form];
            args.extend(AROUND.iter().take(3));
            if !open {
                args.extend(crate::run::INSTALLATION.iter().skip(1));
            }
            fs::write(folder.path().join("main.tf"), karplint(&args).out).unwrap();
            if terraform(folder.path(), &["fmt", "-check", "-diff"]).is_none() {
                println!("skipped: there is no terraform here");
                return;
            }
        }
    }
    let text = generate(&["--karpenter=1.14", "--format=terraform-jsonencode"]);
    let expression = text.split_once("policy = ").unwrap().1.trim_end().strip_suffix('}').unwrap();
    fs::write(
        folder.path().join("main.tf"),
        format!("output \"policy\" {{\n  value = {expression}}}\n"),
    )
    .unwrap();
    terraform(folder.path(), &["apply", "-auto-approve", "-no-color"]);
    let made: Value = json(&terraform(folder.path(), &["output", "-raw", "policy"]).unwrap());
    assert_eq!(made, json(&generate(&["--karpenter=1.14"])));
}

#[test]
fn comments_say_which_calls_need_a_statement() {
    let text = generate(&["--karpenter=1.14", "--format=terraform"]);
    let comments =
        "  # validation: CreateFleet (dry run), CreateLaunchTemplate, RunInstances (dry run)
  # launch: CreateFleet, CreateLaunchTemplate, RunInstances
  statement {
    sid = \"LaunchTagged\"";
    assert!(text.contains(comments), "{text}");
}

#[test]
fn files_are_never_written_over_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let dir = format!("--dir={}", folder.path().join("new").display());
    let flags = strings(&["--karpenter=1.14", "--split", &dir]);
    let args = with(&["generate", "policy"], &flags);
    assert_eq!(karplint(&args).status, Status::Clean);
    let file = folder.path().join("new/KarpenterControllerInterruptionPolicy.json");
    fs::write(&file, "mine").unwrap();
    let again = karplint(&args);
    assert_eq!(again.status, Status::Failed);
    assert!(again.err.contains("is there already (--force writes over it)"), "{}", again.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let forced: Vec<String> = args.into_iter().chain(["--force".to_owned()]).collect();
    assert_eq!(karplint(&forced).status, Status::Clean);
    assert!(fs::read_to_string(&file).unwrap().contains("sqs:ReceiveMessage"));
}

#[test]
fn none_of_the_files_is_written_where_one_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let taken = new.join("KarpenterControllerInterruptionPolicy.json");
    fs::create_dir_all(&taken).unwrap();
    let dir = format!("--dir={}", new.display());
    let flags = strings(&["--karpenter=1.14", "--split", "--force", &dir]);
    let ran = karplint(&with(&["generate", "policy"], &flags));
    assert_eq!(ran.status, Status::Failed);
    assert!(ran.err.contains("KarpenterControllerInterruptionPolicy.json"), "{}", ran.err);
    assert_eq!(fs::read_dir(&new).unwrap().count(), 1);
}

#[test]
fn older_patches_and_what_an_upgrade_left_are_served_without_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("karpenter.json");
    // The dry run of these names a template that does not exist: it gets that, and no other one.
    let unfound = ["1.3.0", "1.3.1", "1.3.4", "1.4.0", "1.5.4", "1.6.3"];
    for version in unfound {
        let text = generate(&[&format!("--karpenter={version}")]);
        assert!(text.contains("launch-template/?\""), "{version}: {text}");
        fs::write(&file, text).unwrap();
        is_clean(&file, version);
    }
    for version in ["1.0", "1.3", "1.7", "1.8.2", "1.14"] {
        let flags = [format!("--karpenter={version}"), "--upgraded-from=0.37".to_owned()];
        let text = generate(&[&flags[0], &flags[1]]);
        assert!(text.contains("TagOldNodes"), "{version}: {text}");
        fs::write(&file, text).unwrap();
        let checked = check(&file, &flags);
        assert_eq!((checked.status, checked.out.as_str()), (Status::Clean, ""), "{version}");
    }
}

#[test]
fn what_a_profile_of_somebody_else_holds_has_to_be_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("karplint.toml");
    fs::write(&config, "[settings]\ninstance-profile = \"ready-made\"\n").unwrap();
    let config = config.display().to_string();
    let args = ["generate", "policy", "--karpenter=1.14", "--config", &config];
    let ran = karplint(&args);
    assert_eq!(ran.status, Status::Failed);
    assert!(ran.err.contains("--node-role ARN"), "{}", ran.err);
    let role = "--node-role=arn:aws:iam::111122223333:role/nodes";
    let ran = karplint(&args.iter().copied().chain([role]).collect::<Vec<_>>());
    assert_eq!(ran.status, Status::Clean);
    assert!(!ran.out.contains("iam:CreateInstanceProfile"), "Karpenter makes none");
}
