//! What is printed for shells, for `man`, and for programs that check our files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{folder, program};

#[test]
fn every_shell_gets_completions_of_every_command() {
    let here = folder(&[]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, out, err) = program(here.path(), &["generate", "completions", shell]);
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        for word in ["preflight", "upgrade", "lsp", "interruption-queue"] {
            assert!(out.contains(word), "{word} for {shell}");
        }
        let script = here.path().join("script");
        fs::write(&script, out).unwrap();
        // What the shell itself says of it, where there is one.
        if ["bash", "zsh", "fish"].contains(&shell) {
            let tried =
                Command::new(shell).arg("-n").arg(&script).stderr(Stdio::inherit()).status();
            assert!(tried.is_err() || tried.is_ok_and(|status| status.success()), "{shell}");
        }
    }
    assert_eq!(program(here.path(), &["generate", "completions", "csh"]).0, 2);
}

#[test]
fn there_is_a_page_for_every_command() {
    let here = folder(&[]);
    let (code, out, _) = program(here.path(), &["generate", "man"]);
    assert!(code == 0 && out.contains(".TH karplint 1") && out.contains("preflight"), "{out}");
    let (code, out, _) = program(here.path(), &["generate", "man", "check"]);
    assert!(code == 0 && out.contains(".TH karplint-check 1"), "{out}");
    assert!(out.contains("fail\\-on"), "{out}");
    let (code, out, err) = program(here.path(), &["generate", "man", "chek"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(err, "`chek` is not a command (did you mean `check`?)\n");
}

#[test]
fn schemas_are_printed_as_they_are_committed() {
    let here = folder(&[]);
    for of in ["config", "report", "lint", "requests"] {
        let (code, out, _) = program(here.path(), &["generate", "schema", of]);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schemas/{of}.json"));
        assert_eq!((code, out), (0, fs::read_to_string(path).unwrap()));
    }
}
