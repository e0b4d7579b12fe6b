//! What real tools write: a CDK app with a Karpenter construct of npm, and a run of Terraform with its
//! built-in provider. Each test says why it is skipped where the tool is not there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{check, fixture, folder, rules};
use serde_json::Value;

fn producer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/producers").join(name)
}

fn runs(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

/// The folder with the packages of the CDK app: `npm install` in the folder of the app, or the one that
/// `KARPLINT_NODE_MODULES` names.
fn modules() -> Option<PathBuf> {
    let named = std::env::var_os("KARPLINT_NODE_MODULES").map(PathBuf::from);
    let modules = named.unwrap_or_else(|| producer("cdk").join("node_modules"));
    modules.join("cdk-eks-karpenter").is_dir().then_some(modules)
}

#[test]
fn templates_of_the_cdk() {
    let Some(modules) = modules().filter(|_| runs("node", "--version")) else {
        println!("skipped: no Node.js, or no packages of tests/producers/cdk/package.json");
        return;
    };
    let out = folder(&[]);
    let made = Command::new("node")
        .arg(producer("cdk").join("app.js"))
        .arg(out.path())
        .env("NODE_PATH", modules)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    // The construct grants launches with the cluster's tags, whose keys are tokens.
    let report = check(&["--karpenter=1.0"], &[out.path().join("Construct.template.json")]);
    let controllers = report["controllers"].as_array().unwrap();
    assert_eq!(controllers.len(), 1, "the roles of nodes and helpers are none");
    for call in ["ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:TerminateInstances"] {
        let requests = controllers[0]["requests"].as_array().unwrap().iter();
        let verdicts: Vec<&Value> =
            requests.filter(|r| r["call"] == call).map(|r| &r["verdict"]).collect();
        assert!(!verdicts.is_empty() && verdicts.iter().all(|v| *v == "allowed"), "{call}");
    }
    let own = check(&["--karpenter=1.0"], &[out.path().join("Own.template.json")]);
    let requests = own["controllers"][0]["requests"].as_array().unwrap().iter();
    let terminate: Vec<&Value> = requests
        .filter(|request| request["call"].as_str().unwrap().contains("TerminateInstances"))
        .map(|request| &request["verdict"])
        .collect();
    assert!(
        !terminate.is_empty() && terminate.iter().all(|verdict| *verdict == "allowed"),
        "{own}"
    );
}

#[test]
fn plans_and_states_of_terraform() {
    if !runs("terraform", "version") {
        println!("skipped: no Terraform");
        return;
    }
    let source = std::fs::read_to_string(producer("terraform").join("main.tf")).unwrap();
    let files = folder(&[("main.tf", &source)]);
    let policy = format!("policy={}", fixture("same/good/policy.json").display());
    let run = |arguments: &[&str]| {
        let output = Command::new("terraform")
            .args(arguments)
            .current_dir(files.path())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {err}");
        output.stdout
    };
    run(&["init", "-input=false"]);
    run(&["plan", "-input=false", "-var", &policy, "-out=plan.bin"]);
    let write = |name: &str, text: Vec<u8>| std::fs::write(files.path().join(name), text).unwrap();
    write("plan.json", run(&["show", "-json", "plan.bin"]));
    run(&["apply", "-input=false", "plan.bin"]);
    write("state.json", run(&["show", "-json"]));
    for name in ["plan.json", "state.json", "terraform.tfstate"] {
        let report = check(&["--karpenter=1.4"], &[files.path().join(name)]);
        assert_eq!(rules(&report), Vec::<String>::new(), "{name}");
        let controllers = report["controllers"].as_array().unwrap();
        assert_eq!(controllers.len(), 1, "{name}");
        assert_eq!(controllers[0]["documents"].as_array().unwrap().len(), 1, "{name}");
    }
}
