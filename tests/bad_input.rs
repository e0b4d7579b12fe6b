//! Bad input gets a clear error with a position and exit 2, or is passed over with a word; the other
//! files are still checked; nothing hangs, nothing panics.

#![expect(
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const GOOD: &str = include_str!("../fixtures/json/ok/karpenter-1.4.json");

fn karplint(folder: &Path, args: &[&str]) -> Output {
    let started = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_karplint"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{args:?} took {:?}", started.elapsed());
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!err.contains("panicked"), "{args:?}: {err}");
    assert!(output.status.code().is_some(), "{args:?} was killed");
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The bad file named, beside a good one: exit 2, the words, and the good one's verdict.
fn named(name: &str, content: impl AsRef<[u8]>, says: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.json"), GOOD).unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    let output = karplint(folder.path(), &["--karpenter=1.4", "good.json", name]);
    let (out, err) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(2), "{name}: {out}{err}");
    assert!(err.contains(says), "{name}: expected `{says}` in: {err}");
    assert!(out.contains("good.json is ready for Karpenter 1.4.4"), "{name}: {out}");
    assert!(out.contains("as far as could be checked"), "{name}: {out}");
}

#[test]
fn not_utf8() {
    named("latin1.json", b"{\"Statement\": \"caf\xe9\"}", "could not check latin1.json:1:19");
    let utf16: Vec<u8> =
        "\u{feff}{\"Statement\": []}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    named("utf16.json", utf16, "UTF-16");
}

#[test]
fn truncated() {
    named("half.json", &GOOD[..GOOD.len() / 2], "could not check half.json:");
    named("empty.json", "", "empty.json");
}

#[test]
fn comments_and_trailing_commas() {
    named(
        "comment.json",
        "{\n  // why\n  \"Statement\": []\n}",
        "could not check comment.json:2:3",
    );
    named("comma.json", "{\"Statement\": [],}", "could not check comma.json:1:17");
}

#[test]
fn deep_nesting() {
    named(
        "deep.json",
        format!("{{\"Statement\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)),
        "could not check deep.json:",
    );
    named(
        "deep.yaml",
        format!("Statement: {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        "could not check deep.yaml:",
    );
}

#[test]
fn an_alias_bomb() {
    let mut bomb = "a0: &a0 [Statement, x]\n".to_owned();
    for level in 1..30 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    named("bomb.yaml", bomb, "could not check bomb.yaml:");
}

#[test]
fn tabs_in_yaml() {
    named(
        "tabs.yaml",
        "Resources:\n\tPolicy:\n\t\tStatement: []\n",
        "could not check tabs.yaml:2:1",
    );
}

#[test]
fn files_that_are_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("good.json"), GOOD).unwrap();
    std::os::unix::fs::symlink("nowhere.json", path.join("broken.json")).unwrap();
    std::os::unix::fs::symlink("loop.json", path.join("loop.json")).unwrap();
    let made = Command::new("mkfifo").arg(path.join("pipe.json")).status().unwrap();
    assert!(made.success());
    for name in ["broken.json", "loop.json", "pipe.json", "missing.json"] {
        let output = karplint(path, &["--karpenter=1.4", "good.json", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains(name), "{name}: {}", stderr(&output));
        assert!(stdout(&output).contains("good.json is ready"), "{name}");
    }
    // In a folder they are passed over.
    let output = karplint(path, &["--karpenter=1.4", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn an_unreadable_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.json");
    fs::write(&path, GOOD).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    let output = karplint(folder.path(), &["secret.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("could not check secret.json"));
}

#[test]
fn huge_strings_and_patterns() {
    let folder = tempfile::tempdir().unwrap();
    let huge = GOOD.replacen(
        "\"LaunchWithSharedResources\"",
        &format!("\"{}\"", "x".repeat(5_000_000)),
        1,
    );
    fs::write(folder.path().join("huge.json"), huge).unwrap();
    let output = karplint(folder.path(), &["--karpenter=1.4", "huge.json"]);
    assert!(output.stdout.len() < 100_000, "{} bytes printed", output.stdout.len());
    let stars =
        GOOD.replace("launch-template/*", &format!("launch-template/{}b", "*a".repeat(5000)));
    fs::write(folder.path().join("stars.json"), stars).unwrap();
    let output = karplint(folder.path(), &["--karpenter=1.4", "stars.json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn terminal_escapes_in_a_sid_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = GOOD
        .replace("LaunchTaggedResources", "\\u001b]0;owned\\u0007\\u202e::error::x")
        .replace("\"ec2:CreateLaunchTemplate\",", "");
    fs::write(folder.path().join("hostile.json"), &hostile).unwrap();
    let raw = hostile
        .replace("\\u001b", "\u{9b}")
        .replace("\\u0007", "\u{7f}")
        .replace("\\u202e", "\u{202e}");
    fs::write(folder.path().join("raw.json"), raw).unwrap();
    for format in ["human", "json"] {
        for file in ["hostile.json", "raw.json"] {
            let output = karplint(
                folder.path(),
                &["--karpenter=1.4", "--format", format, "--color=never", file],
            );
            let text = stdout(&output) + &stderr(&output);
            for bad in ['\u{1b}', '\u{7}', '\u{9b}', '\u{7f}', '\u{202e}'] {
                assert!(!text.contains(bad), "{file} as {format}: {bad:?} in {text}");
            }
            assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
        }
    }
}

#[test]
fn a_duplicate_key_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        GOOD.replacen("\"Effect\": \"Allow\",", "\"Effect\": \"Allow\", \"Effect\": \"Allow\",", 1);
    fs::write(folder.path().join("twice.json"), text).unwrap();
    let output = karplint(folder.path(), &["--karpenter=1.4", "twice.json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains("error[duplicate-key]"), "{}", stdout(&output));
}

#[test]
fn a_byte_order_mark_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bom.json"), format!("\u{feff}{GOOD}")).unwrap();
    let output = karplint(folder.path(), &["--karpenter=1.4", "bom.json"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn a_folder_without_policies_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("k8s")).unwrap();
    fs::write(folder.path().join("k8s/tsconfig.json"), "{ /* fine */ }").unwrap();
    let output = karplint(folder.path(), &["k8s"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "no policy found in k8s: 1 file looked at, none holds an IAM statement\n"
    );
    let output = karplint(folder.path(), &["--hook", "k8s/tsconfig.json"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}
