//! What `--diff` prints is a patch that git and patch take, and what `--fix` writes is written wholly or
//! not at all.

#![expect(clippy::print_stdout, reason = "a test says what it left out")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{fixture, folder, program};

fn good() -> String {
    fs::read_to_string(fixture("same/good/policy.json")).unwrap()
}

fn broken() -> String {
    good().replacen("ec2:TerminateInstances", "ec2:TerminateInstance", 1)
}

/// Runs a program on a patch in a folder; `None` where there is no such program.
fn apply(name: &str, args: &[&str], folder: &Path, patch: &str) -> Option<(bool, String)> {
    use std::io::Write;
    let mut command = Command::new(name);
    command.args(args).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: no {name} on this machine");
        return None;
    };
    child.stdin.take().unwrap().write_all(patch.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn git_and_patch_apply_what_diff_prints() {
    let windows = broken().replace('\n', "\r\n");
    let document = fs::read_to_string(fixture("same/good/document/main.tf")).unwrap().replacen(
        "ec2:TerminateInstances",
        "ec2:TerminateInstance",
        1,
    );
    let files: [(&str, String); 6] = [
        ("policy.json", broken()),
        ("iam/two words/policy.json", broken()),
        ("iam/windows.json", windows),
        ("iam/no-end.json", broken().trim_end().to_owned()),
        ("terraform/main.tf", document),
        ("z/\"q\"\t\\ é.json", broken()),
    ];
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    for (tool, args) in [
        ("git", &["apply", "-"][..]),
        ("git", &["apply", "--unidiff-zero", "--whitespace=nowarn", "-p1"]),
        ("patch", &["-p1", "--posix", "--no-backup-if-mismatch"]),
        ("patch", &["-p1"]),
    ] {
        let folder = folder(&files);
        let flags = ["check", "--no-config", "--karpenter=1.4", "--diff", "."];
        let (_, patch, err) = program(folder.path(), &flags);
        assert!(patch.starts_with("--- a/"), "{err}{patch}");
        let Some((ok, said)) = apply(tool, args, folder.path(), &patch) else { continue };
        assert!(ok, "{tool} {args:?}: {said}\n{patch}");
        for (name, text) in &files {
            let now = fs::read_to_string(folder.path().join(name)).unwrap();
            let right = text.replacen("ec2:TerminateInstance\"", "ec2:TerminateInstances\"", 1);
            assert!(now == right, "{tool} {args:?}: {name}: {said}");
        }
    }
}

/// A run that is killed leaves every file as it was or as it is to be, and what else it leaves is no
/// policy to the next run.
#[cfg(unix)]
#[test]
fn a_killed_fix_leaves_the_old_file_or_the_new_one() {
    use std::time::Instant;

    let kills: u32 = if std::env::var_os("KARPLINT_ALL_MUTATIONS").is_some() { 200 } else { 40 };
    let names: Vec<String> =
        (0..8).map(|at| format!("{}/policy-{at}.json", ["a", "b/c"][at % 2])).collect();
    let (old, new) = (broken(), good());
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), old.as_str())).collect();
    let folder = folder(&files);
    let fix = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_karplint"));
        command.args(["check", "--no-config", "--karpenter=1.4", "--fix", "."]);
        command.current_dir(folder.path()).env_clear();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let restore = || {
        for name in &names {
            fs::write(folder.path().join(name), &old).unwrap();
        }
    };
    let started = Instant::now();
    assert!(fix().wait().unwrap().success());
    let whole = started.elapsed();
    // The same moments on every run of the test, most of them near the end, where files are written.
    let mut seed: u64 = 7;
    let (mut none, mut some, mut all) = (0, 0, 0);
    for kill in 0..kills {
        restore();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = u32::try_from(seed >> 40).unwrap() % 1000;
        let share = if kill % 4 == 0 { share } else { 600 + share / 2 };
        let mut child = fix();
        std::thread::sleep(whole * share / 1000);
        let _ = child.kill();
        child.wait().unwrap();
        let mut fixed = 0;
        for name in &names {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(text == old || text == new, "{name} is neither the old file nor the new one");
            fixed += usize::from(text == new);
        }
        match fixed {
            0 => none += 1,
            all_of_them if all_of_them == names.len() => all += 1,
            _ => some += 1,
        }
    }
    let left: usize = ["a", "b/c"]
        .iter()
        .map(|place| fs::read_dir(folder.path().join(place)).unwrap().count())
        .sum::<usize>()
        - names.len();
    println!("{none} runs changed nothing, {some} some files, {all} all; {left} temporaries left");
    assert!(none > 0 && none < kills, "no moment hits the middle of a run");
    // One that is cut short in the middle of a policy, as a slow disk would leave it.
    let half = &new[..new.len() / 2];
    fs::write(folder.path().join("a/.policy-0.json.karplint-1-0"), half).unwrap();
    restore();
    assert!(fix().wait().unwrap().success());
    for name in &names {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), new);
    }
    let (code, out, err) =
        program(folder.path(), &["check", "--no-config", "--karpenter=1.4", "--verbose", "."]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains(&format!("{0} files, {0} documents", names.len())), "{err}");
}

#[test]
fn a_patch_of_files_above_the_working_directory_says_where_to_apply_it() {
    let policy = broken();
    let folder = folder(&[("iam/policy.json", &policy), ("sub/own.json", &policy)]);
    let sub = folder.path().join("sub");
    for git in [false, true] {
        if git {
            fs::create_dir(folder.path().join(".git")).unwrap();
        }
        let args = ["check", "--no-config", "--karpenter=1.4", "--diff", "../iam/policy.json", "."];
        let (_, patch, err) = program(&sub, &args);
        assert!(patch.contains("--- a/iam/policy.json\n"), "{patch}");
        assert!(patch.contains("--- a/sub/own.json\n"), "{patch}");
        let root = folder.path().canonicalize().unwrap();
        assert!(err.contains(&format!("as they are seen from {}:", root.display())), "{err}");
        if let Some((done, said)) = apply("patch", &["-p1", "--dry-run"], folder.path(), &patch) {
            assert!(done, "{said}");
        }
    }
}
