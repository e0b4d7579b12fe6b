//! Days on which things go wrong around the program: hostile files, a full disk, nobody who reads, a folder that nobody
//! may write, a hundred thousand files. It ends in time, with little memory, with a word and the right exit code.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const BAD: &str = include_str!("../fixtures/json/err/create-fleet-missing.json");

/// Address space of a run, in KB: threads of the allocator take what they never touch.
const MEMORY: u64 = 4_000_000;
/// What a report may come to, in bytes.
const OUTPUT: usize = 4 << 20;

/// The program under limits of memory and processor time, in `folder`.
fn limited(folder: &Path, args: &[&OsStr]) -> Output {
    let started = Instant::now();
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY} -t 40; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_karplint"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!err.contains("panicked") && !err.contains("overflow"), "{args:?}: {err}");
    assert!(output.status.code().is_some_and(|code| code <= 2), "{args:?}: {}", output.status);
    assert!(started.elapsed() < Duration::from_secs(60), "{args:?}: {:?}", started.elapsed());
    let told = output.stdout.len() + output.stderr.len();
    assert!(told < OUTPUT, "{args:?} printed {told} bytes");
    output
}

fn karplint(folder: &Path, args: &[&str]) -> Output {
    limited(folder, &args.iter().map(OsStr::new).collect::<Vec<_>>())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
    out.sort();
}

#[test]
fn every_hostile_file_ends_in_time_with_little_memory_and_a_word() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile");
    let mut all = Vec::new();
    files(&root, &mut all);
    assert!(all.len() > 35, "{}", all.len());
    for path in all {
        let path = path.to_str().unwrap();
        let mut codes = Vec::new();
        for flags in
            [&["--format=human"][..], &["--format=json"], &["--format=sarif", "--no-karpenter"]]
        {
            let args: Vec<&str> =
                ["check", "--no-config", path].iter().chain(flags).copied().collect();
            let output = karplint(&root, &args);
            let (out, err) = (text(&output.stdout), text(&output.stderr));
            let control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
            assert!(!out.contains(control) && !err.contains(control), "{path}: {out}{err}");
            codes.push(output.status.code().unwrap());
            if codes.last() == Some(&2) {
                assert!(!err.is_empty() || out.contains("\"errors\""), "{path}: 2 without a word");
            }
        }
        assert_eq!(codes.first(), codes.get(1), "{path}: the code hangs on the format");
    }
}

#[test]
fn fixing_hostile_files_loses_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile");
    let mut all = Vec::new();
    files(&root, &mut all);
    let folder = tempfile::tempdir().unwrap();
    for (at, path) in all.iter().enumerate() {
        let own = folder.path().join(at.to_string());
        fs::create_dir(&own).unwrap();
        let copy = own.join(path.file_name().unwrap());
        fs::copy(path, &copy).unwrap();
        let output = karplint(&own, &["check", "--no-config", "--fix", "--unsafe-fixes", "."]);
        if output.status.code() == Some(2) {
            assert_eq!(fs::read(&copy).unwrap(), fs::read(path).unwrap(), "{path:?}");
        }
        assert_eq!(fs::read_dir(&own).unwrap().count(), 1, "{path:?}: something was left behind");
    }
}

#[test]
fn a_full_disk_is_told() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.json"), BAD).unwrap();
    let output = karplint(folder.path(), &["check", "--output=json=/dev/full", "bad.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/dev/full"), "{}", text(&output.stderr));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_karplint"))
        .args(["check", "bad.json"])
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("could not write the report"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn nobody_reads_or_standard_output_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.json"), BAD).unwrap();
    let shell = |script: &str| {
        Command::new("bash")
            .args(["-c", script])
            .env("KARPLINT", env!("CARGO_BIN_EXE_karplint"))
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let piped = shell(
        "\"$KARPLINT\" check --format json bad.json | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}",
    );
    assert!(piped.status.code().is_some_and(|code| code <= 1), "{}", text(&piped.stderr));
    let closed = shell("\"$KARPLINT\" check bad.json >&-");
    assert!(!text(&closed.stderr).contains("panicked"), "{}", text(&closed.stderr));
}

#[test]
fn what_may_not_be_written_stays_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("locked");
    fs::create_dir(&own).unwrap();
    let text_of_it = BAD.replace("RunInstances", "RunInstance");
    fs::write(own.join("bad.json"), &text_of_it).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o555)).unwrap();
    // Who may do anything is not kept out by permissions.
    if fs::write(own.join("probe"), "").is_ok() {
        fs::remove_file(own.join("probe")).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        return;
    }
    let output = karplint(folder.path(), &["check", "--fix", "--unsafe-fixes", "locked/bad.json"]);
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("locked/bad.json"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(own.join("bad.json")).unwrap(), text_of_it);
}

#[test]
fn links_in_circles_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut deep = folder.path().to_path_buf();
    for at in 0..40 {
        deep = deep.join(format!("d{at}"));
        fs::create_dir(&deep).unwrap();
        symlink(folder.path(), deep.join("up")).unwrap();
        symlink("..", deep.join("over")).unwrap();
        symlink("self", deep.join("self")).unwrap();
    }
    fs::write(deep.join("bad.json"), BAD).unwrap();
    let output = karplint(folder.path(), &["check", "."]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).matches("is not ready").count(), 1, "{}", text(&output.stdout));
    let named = karplint(folder.path(), &["check", "d0/self"]);
    assert_eq!(named.status.code(), Some(2), "{}", text(&named.stdout));
}

#[test]
fn names_that_are_no_text_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"caf\xe9-\x1b[31m.json");
    if fs::write(folder.path().join(name), BAD).is_err() {
        return;
    }
    let output = karplint(folder.path(), &["check", "."]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains('\x1b'), "{}", text(&output.stdout));
}

#[test]
fn place_and_time_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.json"), BAD).unwrap();
    let under = |pairs: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_karplint"))
            .args(["check", "bad.json"])
            .current_dir(folder.path())
            .env_clear()
            .envs(pairs.iter().copied())
            .output()
            .unwrap();
        (output.stdout, output.stderr, output.status.code())
    };
    let plain = under(&[]);
    assert_eq!(plain, under(&[("TZ", "Pacific/Chatham"), ("LC_ALL", "tr_TR.UTF-8")]));
    assert_eq!(plain, under(&[("LANG", "C"), ("COLUMNS", "20"), ("TERM", "xterm")]));
}

/// `KARPLINT_FILES=100000` makes so many.
#[test]
fn many_files_take_no_more_than_their_number() {
    let count: usize = std::env::var("KARPLINT_FILES").map_or(5_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for at in 0..count {
        let own = folder.path().join(format!("d{}", at / 500));
        if at % 500 == 0 {
            fs::create_dir(&own).unwrap();
        }
        fs::write(own.join(format!("{at}.yaml")), format!("kind: ConfigMap\nname: n{at}\n"))
            .unwrap();
    }
    fs::write(folder.path().join("bad.json"), BAD).unwrap();
    let started = Instant::now();
    let output = karplint(folder.path(), &["check", "."]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let most = Duration::from_secs(5) + Duration::from_micros(400) * u32::try_from(count).unwrap();
    assert!(started.elapsed() < most, "{:?}", started.elapsed());
}

/// Whether who started the tests has interrupts ignored, as shells do for jobs in the background: children inherit that.
fn interrupts_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 2 != 0)
}

#[test]
fn an_interrupt_ends_it_at_once() {
    if interrupts_are_ignored() {
        println!("interrupts are ignored here: left out");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let policy = include_str!("../fixtures/json/ok/karpenter-1.14.json");
    for at in 0..3_000 {
        let text = policy.replace("demo", &format!("demo-{at}"));
        fs::write(folder.path().join(format!("{at}.json")), text).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_karplint"))
        .args(["check", "--karpenter=all", "."])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let asked = Instant::now();
    let status = child.wait().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    // By the signal; a shell says 130.
    assert_eq!(status.code(), None, "{status}");
}

/// A name so long that no file can be made beside it: it can be read, and nothing can take its place.
fn unwritable(folder: &Path) -> PathBuf {
    folder.join(format!("{}.json", "n".repeat(250)))
}

fn misspelt() -> String {
    BAD.replace("ec2:RunInstances", "ec2:RunInstance")
}

#[test]
fn what_was_fixed_is_told_where_another_file_could_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["d1", "d2"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("d1/p.json"), misspelt()).unwrap();
    let stuck = unwritable(&folder.path().join("d2"));
    fs::write(&stuck, misspelt()).unwrap();
    let args = ["check", "--no-config", "--fix", "--unsafe-fixes", "--karpenter=1.4", "d1", "d2"];
    let output = karplint(folder.path(), &args);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("cannot be written"), "{err}");
    assert!(out.contains(" in 1 file"), "{out}");
    assert_ne!(fs::read_to_string(folder.path().join("d1/p.json")).unwrap(), misspelt());
    assert_eq!(fs::read_to_string(&stuck).unwrap(), misspelt());
    // The report is of the files as they are now.
    assert!(!out.contains("[d1/p.json"), "{out}");
    assert!(out.contains("[d2/"), "{out}");
}

#[test]
fn a_fixed_file_keeps_its_owner_and_its_mode() {
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    fs::write(&path, misspelt()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    // Only the superuser may give files away; for others there is the mode.
    let given = chown(&path, Some(12_345), Some(12_345)).is_ok();
    let output = karplint(folder.path(), &["check", "--fix", "--unsafe-fixes", "p.json"]);
    assert!(text(&output.stdout).contains("fixed "), "{}", text(&output.stderr));
    let meta = fs::metadata(&path).unwrap();
    assert_eq!(meta.mode() & 0o777, 0o640);
    if given {
        assert_eq!((meta.uid(), meta.gid()), (12_345, 12_345));
    }
}

#[test]
fn a_file_that_may_not_be_written_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    fs::write(&path, misspelt()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        println!("whoever runs this may write everything: left out");
        return;
    }
    for flag in ["--fix", "--output=json=p.json"] {
        let output = karplint(folder.path(), &["check", flag, "--unsafe-fixes", "p.json"]);
        assert_eq!(output.status.code(), Some(2), "{flag}: {}", text(&output.stderr));
        assert_eq!(fs::read_to_string(&path).unwrap(), misspelt(), "{flag}");
    }
}

#[test]
fn files_are_written_where_nobody_reads_standard_output() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // More than is kept back before it is written.
    for at in 0..40 {
        fs::write(folder.path().join(format!("{at}.json")), BAD).unwrap();
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_karplint"))
        .args(["check", "--no-config", "--output=json=report.json", "."])
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("os error"), "{}", text(&output.stderr));
    let report = fs::read_to_string(folder.path().join("report.json")).unwrap();
    assert!(report.trim_end().ends_with('}'), "{report}");
}

#[test]
fn a_report_is_written_neither_over_its_input_nor_in_the_place_of_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    fs::write(&path, BAD).unwrap();
    symlink("p.json", folder.path().join("link.json")).unwrap();
    for (output, input) in
        [("p.json", "p.json"), ("link.json", "p.json"), ("p.json", "."), ("./p.json", "*.json")]
    {
        let flag = format!("--output=json={output}");
        let told = karplint(folder.path(), &["check", "--no-config", &flag, input]);
        assert_eq!(told.status.code(), Some(2), "{flag} {input}");
        assert!(text(&told.stderr).contains("is checked"), "{}", text(&told.stderr));
        assert_eq!(fs::read_to_string(&path).unwrap(), BAD, "{flag} {input}");
    }
    symlink("nowhere/at-all.json", folder.path().join("dangling")).unwrap();
    let told =
        karplint(folder.path(), &["check", "--no-config", "--output=json=dangling", "p.json"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(text(&told.stderr).contains("leads nowhere"), "{}", text(&told.stderr));
    assert!(folder.path().join("dangling").is_symlink());
    // What an earlier run left is no input.
    for _ in 0..2 {
        let told = karplint(folder.path(), &["check", "--no-config", "--output=json=r.json", "."]);
        assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    }
}

#[test]
fn what_never_ends_or_never_begins_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.json"), BAD).unwrap();
    let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status();
    let pipe = made.is_ok_and(|status| status.success());
    for flag in ["--config", "--baseline"] {
        for file in ["pipe", "/dev/zero"] {
            if file == "pipe" && !pipe {
                continue;
            }
            let output = karplint(folder.path(), &["check", flag, file, "p.json"]);
            assert_eq!(output.status.code(), Some(2), "{flag} {file}");
            let err = text(&output.stderr);
            assert!(err.contains("it is not a file"), "{flag} {file}: {err}");
        }
    }
    fs::create_dir(folder.path().join("rules")).unwrap();
    symlink("/dev/zero", folder.path().join("rules/zero.toml")).unwrap();
    let output = karplint(folder.path(), &["check", "--rules=rules", "p.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("it is not a file"), "{}", text(&output.stderr));
}

#[test]
fn an_event_that_is_too_long_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("event.txt"), vec![b'x'; (16 << 20) + 1]).unwrap();
    let output = karplint(folder.path(), &["explain", "--event", "event.txt"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("longer than 16 MiB"), "{}", text(&output.stderr));
}

#[test]
fn errors_are_in_the_words_of_the_system_and_long_words_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.json"), BAD).unwrap();
    let none: [&[&str]; 5] = [
        &["check", "--config=none.toml", "p.json"],
        &["check", "--baseline=none.json", "p.json"],
        &["check", "--rules=none", "p.json"],
        &["check", "--output=json=none/at/all.json", "p.json"],
        &["simulate", "--request", "none.json"],
    ];
    for args in none {
        let output = karplint(folder.path(), args);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(err.to_lowercase().contains("no such file") && !err.contains("os error"), "{err}");
    }
    let word = "w".repeat(5_000);
    let output = karplint(folder.path(), &["explain", &word]);
    assert!(output.stderr.len() < 1_000, "{}", output.stderr.len());
    let main = format!(
        "resource \"aws_iam_policy\" \"p\" {{\n  name = \"karpenter\"\n  policy = data.external.x.result[\"{word}\"]\n}}\n"
    );
    fs::write(folder.path().join("main.tf"), main).unwrap();
    let output = karplint(folder.path(), &["check", "--no-config", "main.tf"]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let long = "w".repeat(200);
    assert!(!out.contains(&long) && !err.contains(&long), "{out}{err}");
}
