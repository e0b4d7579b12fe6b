//! Clients that somebody else wrote: what they expect of a server is not what we think that they do.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `npm install vscode-languageserver-protocol` and `pip install pygls` were run; each is looked for
/// where its tool would find it as well.
fn run(tool: &str, script: &str, probe: &[&str]) {
    let present = Command::new(tool).args(probe).output().is_ok_and(|tried| tried.status.success());
    if !present {
        eprintln!("skipped: {tool} {} does not work here", probe.join(" "));
        return;
    }
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lsp").join(script);
    let output = Command::new(tool)
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_karplint"))
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("fixtures/json/err/create-fleet-missing.json"),
        )
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && told.ends_with("clean\n"),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_client_of_vs_code_opens_edits_and_fixes() {
    let probe = "require('vscode-languageserver-protocol/node'); require('vscode-languageserver-textdocument')";
    run("node", "client.cjs", &["-e", probe]);
}

#[test]
fn the_client_of_pygls_opens_edits_and_fixes() {
    let python = std::env::var("KARPLINT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    run(&python, "client.py", &["-c", "import pygls.lsp.client"]);
}
