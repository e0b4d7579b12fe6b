//! The whole process on one 6 KB policy, against an empty Rust program in the same run.
//!
//! `cargo bench --bench process` prints medians and fails if karplint takes more than 10 ms longer, or if the program
//! is larger than eight million bytes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 41;
const BUDGET: Duration = Duration::from_millis(10);
/// In bytes, as it is linked and stripped on Linux.
const SIZE: u64 = 8_000_000;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let empty = empty_program(folder.path());
    let policy = root.join("fixtures/json/ok/karpenter-1.4.json");
    let mut karplint = Command::new(env!("CARGO_BIN_EXE_karplint"));
    karplint.args(["--no-config", "--karpenter=1.4"]).arg(&policy);
    let mut nothing = Command::new(empty);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turn, so that a drift of the machine's speed meets both.
    for _ in 0..RUNS {
        ours.push(time(&mut karplint));
        theirs.push(time(&mut nothing));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("karplint check, one policy of {} bytes: {ours:?}", policy.metadata().unwrap().len());
    println!("an empty program:                        {theirs:?}");
    println!("difference: {:?} of {BUDGET:?} allowed", ours.saturating_sub(theirs));
    assert!(ours.saturating_sub(theirs) <= BUDGET, "too slow");
    let size = Path::new(env!("CARGO_BIN_EXE_karplint")).metadata().unwrap().len();
    println!("the program: {size} bytes of {SIZE} allowed");
    assert!(size <= SIZE || cfg!(not(target_os = "linux")), "too large");
}

fn empty_program(folder: &Path) -> PathBuf {
    let source = folder.join("empty.rs");
    std::fs::write(&source, "fn main() {}\n").unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["-O", "-C", "panic=abort"])
        .arg(&source)
        .arg("-o")
        .arg(folder.join("empty"))
        .status()
        .unwrap();
    assert!(status.success());
    folder.join("empty")
}

fn time(command: &mut Command) -> Duration {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success());
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
