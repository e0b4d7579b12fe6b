//! `generate config`: what the tree says, as a file that karplint reads again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn karplint(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_karplint")).args(args).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    fs::create_dir_all(folder.path().join("iam/karpenter")).unwrap();
    fs::create_dir_all(folder.path().join("k8s")).unwrap();
    for name in ["discovery", "launch", "profiles"] {
        let name = format!("{name}.json");
        let from = fixtures.join("json/ok/karpenter-1.9").join(&name);
        fs::write(folder.path().join("iam/karpenter").join(&name), fs::read(from).unwrap())
            .unwrap();
    }
    let from = fixtures.join("manifests/tree/helmrelease.yaml");
    fs::write(folder.path().join("helmrelease.yaml"), fs::read(from).unwrap()).unwrap();
    let from = fixtures.join("manifests/good/nodepool-v1.yaml");
    fs::write(folder.path().join("k8s/nodepool.yaml"), fs::read(from).unwrap()).unwrap();
    folder
}

const FOUND: &str = r#"karpenter = "1.4.2"  # helmrelease.yaml:9:16

[settings]
cluster-name = "demo"  # iam/karpenter/discovery.json:53:19
region = "us-west-2"  # iam/karpenter/discovery.json:21:34
account = "111122223333"  # iam/karpenter/discovery.json:41:19
partition = "aws"  # iam/karpenter/discovery.json:29:19
node-roles = ["arn:aws:iam::111122223333:role/KarpenterNodeRole-demo"]  # iam/karpenter/profiles.json:8:19
interruption-queue = "arn:aws:sqs:us-west-2:111122223333:demo"  # iam/karpenter/discovery.json:63:19
manifests = ["k8s/nodepool.yaml"]

[[controller]]
name = "demo"
policies = ["iam/karpenter/discovery.json", "iam/karpenter/launch.json", "iam/karpenter/profiles.json"]
"#;

#[test]
fn what_policies_pins_and_manifests_say_stands_in_it_with_its_place() {
    let folder = tree();
    let ran = karplint(folder.path(), &["generate", "config"]);
    assert_eq!(text(&ran.stdout), FOUND, "{}", text(&ran.stderr));
    assert!(ran.status.success());
    assert!(!folder.path().join("karplint.toml").exists(), "nobody asked for a file");
}

#[test]
fn it_is_written_once_and_read_again() {
    let folder = tree();
    let file = folder.path().join("karplint.toml");
    assert!(karplint(folder.path(), &["generate", "config", "--write"]).status.success());
    assert_eq!(fs::read_to_string(&file).unwrap(), FOUND);
    let checked = karplint(folder.path(), &["check", "."]);
    assert!(text(&checked.stdout).contains("is ready for Karpenter 1.4.2"), "{checked:?}");
    let made = karplint(folder.path(), &["generate", "policy"]);
    assert!(text(&made.stdout).contains("sqs:us-west-2:111122223333:demo"), "{made:?}");

    fs::write(&file, "# mine\n").unwrap();
    let again = karplint(folder.path(), &["generate", "config", "--write"]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    assert!(
        karplint(folder.path(), &["generate", "config", "--write", "--force"]).status.success()
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), FOUND);
}

#[test]
fn policies_that_disagree_settle_nothing_and_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/json/ok/karpenter-1.4.json");
    let policy = fs::read_to_string(fixture).unwrap();
    fs::write(folder.path().join("a.json"), &policy).unwrap();
    fs::write(folder.path().join("b.json"), policy.replace("demo", "prod")).unwrap();
    let ran = text(&karplint(folder.path(), &["generate", "config"]).stdout);
    assert!(!ran.contains("cluster-name"), "{ran}");
    assert!(ran.contains("account = \"111122223333\""), "{ran}");

    let empty = tempfile::tempdir().unwrap();
    let ran = karplint(empty.path(), &["generate", "config"]);
    assert_eq!((ran.status.code(), ran.stdout.is_empty()), (Some(2), true));
}
