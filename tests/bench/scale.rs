//! Whole processes on much input, each against a baseline in the same run.
//!
//! `cargo bench --bench scale` prints a table in Markdown; `cargo bench --bench scale -- plan` only the rows whose
//! name holds `plan`. `docs/speed.md` says how to read it. Baselines are this program itself, which parses the same
//! bytes to `serde_json::Value` on one thread, an empty program, and `parliament` where it is on the PATH.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench prints, and may panic"
)]

mod inputs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Odd, so that the median is a run.
const RUNS: usize = 7;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--parse", paths @ ..] => parse(paths),
        ["--nothing"] => {}
        filter => measure(filter.first().copied().unwrap_or("")),
    }
}

/// The baseline: every file below `paths`, parsed to values.
fn parse(paths: &[&str]) {
    let mut files = Vec::new();
    let mut left: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    for file in files {
        let value: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        std::hint::black_box(&value);
        // The end of the process frees it, as it does for karplint.
        std::mem::forget(value);
    }
}

/// One row: what runs, and against what.
struct Row {
    name: &'static str,
    ours: Command,
    against: Vec<(&'static str, Command, usize)>,
}

fn karplint(args: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karplint"));
    command.arg("check").arg("--no-config").args(args).args(paths);
    command
}

fn itself(args: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(args).args(paths);
    command
}

fn parliament(folder: &Path) -> Option<Command> {
    let mut command = Command::new("parliament");
    let there = Command::new("parliament").arg("--version").stdout(Stdio::null()).status().is_ok();
    command.arg("--directory").arg(folder).args(["--include_policy_extension", "json"]);
    there.then_some(command)
}

/// A policy that every version from 0.33 on can work with, longer than AWS takes one.
fn good_for_all(root: &Path) -> String {
    let mut all: Option<serde_json::Value> = None;
    for version in ["0.37", "1.4", "1.14"] {
        let path = root.join(format!("fixtures/json/ok/karpenter-{version}.json"));
        let mut policy: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        for statement in policy["Statement"].as_array_mut().unwrap() {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            statement["Sid"] = format!("{sid}{}", version.replace('.', "x")).into();
        }
        match &mut all {
            None => all = Some(policy),
            Some(all) => {
                let more = policy["Statement"].as_array_mut().unwrap();
                all["Statement"].as_array_mut().unwrap().append(more);
            }
        }
    }
    serde_json::to_string_pretty(&all.unwrap()).unwrap()
}

fn measure(filter: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let template = fs::read_to_string(root.join("fixtures/json/ok/karpenter-1.14.json")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| scratch.path().join(name);
    let wanted = |name: &str| name.contains(filter);
    let mut rows = Vec::new();

    let one = place("one/policy.json");
    inputs::policies(&place("one"), &template, 1, 0);
    let one = fs::read_dir(place("one")).map_or(one, |_| place("one/team-00/cluster-00000"));
    let version = ["--karpenter=1.14"];
    if wanted("one policy") {
        let mut against = vec![("an empty program", itself(&["--nothing"], &[]), RUNS * 3)];
        against.extend(parliament(&one).map(|it| ("parliament", it, 3)));
        rows.push(Row { name: "one policy", ours: karplint(&version, &[&one]), against });
    }
    let thousand = place("thousand");
    if wanted("1,000 policies") || wanted("10,000 policies") || wanted("matrix") {
        inputs::policies(&thousand, &template, 1_000, 0);
    }
    if wanted("1,000 policies") {
        let mut against = vec![("serde_json", itself(&["--parse"], &[&thousand]), RUNS)];
        against.extend(parliament(&thousand).map(|it| ("parliament", it, 1)));
        let ours = karplint(&version, &[&thousand]);
        rows.push(Row { name: "1,000 policies", ours, against });
    }
    if wanted("10,000 policies") {
        let folder = place("ten-thousand");
        inputs::policies(&folder, &template, 10_000, 0);
        let against = vec![("1,000 of them", karplint(&version, &[&thousand]), RUNS)];
        let ours = karplint(&version, &[&folder]);
        rows.push(Row { name: "10,000 policies", ours, against });
    }
    if wanted("10,000 files") {
        let folder = place("files");
        inputs::policies(&folder, &template, 100, 9_900);
        let ours = karplint(&version, &[&folder]);
        rows.push(Row { name: "10,000 files, 100 of them policies", ours, against: Vec::new() });
    }
    if wanted("matrix") {
        let against = vec![("one version", karplint(&version, &[&one]), RUNS * 3)];
        let ours = karplint(&["--karpenter=all", "--fail-on=never"], &[&one]);
        rows.push(Row { name: "matrix: all minors, one policy", ours, against });
        let few = place("few");
        inputs::policies(&few, &template, 100, 0);
        let against = vec![("one version", karplint(&version, &[&few]), RUNS)];
        let ours = karplint(&["--karpenter=all", "--fail-on=never"], &[&few]);
        rows.push(Row { name: "matrix: all minors, 100 policies of the newest", ours, against });
        let against = vec![("one version", karplint(&version, &[&thousand]), RUNS)];
        let ours = karplint(&["--karpenter=all", "--fail-on=never"], &[&thousand]);
        rows.push(Row { name: "matrix: all minors, 1,000 policies of the newest", ours, against });
        let (good, range) = (place("good"), "--karpenter=0.33..1.14");
        inputs::policies(&good, &good_for_all(root), 100, 0);
        let against = vec![("one version", karplint(&version, &[&good]), RUNS)];
        let ours = karplint(&[range], &[&good]);
        rows.push(Row { name: "matrix: 20 minors, 100 policies for all of them", ours, against });
    }
    for (name, megabytes) in [("plan of 50 MB", 50), ("plan of 500 MB", 500)] {
        if wanted(name) {
            let plan = place(&format!("plan-{megabytes}.json"));
            inputs::plan(&plan, &template, megabytes * 1_000_000);
            let against = vec![("serde_json", itself(&["--parse"], &[&plan]), RUNS)];
            rows.push(Row { name, ours: karplint(&version, &[&plan]), against });
        }
    }
    if wanted("1,000 Terraform modules") {
        let folder = place("modules");
        inputs::modules(&folder, &template, 1_000);
        let ours = karplint(&version, &[&folder]);
        rows.push(Row { name: "1,000 Terraform modules", ours, against: Vec::new() });
    }
    if wanted("simulate") {
        let lines = place("requests.jsonl");
        inputs::requests(&lines, &template, 100_000);
        let mut ours = Command::new(env!("CARGO_BIN_EXE_karplint"));
        ours.args(["simulate", "--request"]).arg(&lines);
        rows.push(Row { name: "simulate: 100,000 requests", ours, against: Vec::new() });
    }
    println!("| what | median | least | peak memory | against | median | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        print_row(row);
    }
}

fn print_row(mut row: Row) {
    let memory = peak(&row.ours).map_or_else(|| "-".to_owned(), |kb| format!("{} MB", kb / 1_024));
    if row.against.is_empty() {
        let times: Vec<Duration> = (0..RUNS).map(|_| time(&mut row.ours)).collect();
        let (median, least) = sum(times);
        println!("| {} | {median:.1?} | {least:.1?} | {memory} | | | |", row.name);
    }
    for (name, command, runs) in &mut row.against {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // In turn, so that a drift of the machine's speed meets both.
        for at in 0..RUNS.max(*runs) {
            ours.push(time(&mut row.ours));
            if at < *runs {
                theirs.push(time(command));
            }
        }
        let ((median, least), (other, _)) = (sum(ours), sum(theirs));
        let ratio = median.as_secs_f64() / other.as_secs_f64();
        let ratio =
            if ratio < 0.1 { format!("1 / {:.0}", 1.0 / ratio) } else { format!("{ratio:.2}") };
        let name = &*name;
        println!(
            "| {} | {median:.1?} | {least:.1?} | {memory} | {name} | {other:.1?} | {ratio} |",
            row.name
        );
    }
}

fn time(command: &mut Command) -> Duration {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let took = started.elapsed();
    assert!(status.code().is_some_and(|code| code < 2), "{command:?} ended with {status}");
    took
}

/// Median and least.
fn sum(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[0])
}

/// The most memory that a run holds, in KB, where GNU time tells it.
fn peak(command: &Command) -> Option<u64> {
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%M"]).arg(command.get_program()).args(command.get_args());
    let output = timed.stdout(Stdio::null()).output().ok()?;
    String::from_utf8(output.stderr).ok()?.lines().last()?.trim().parse().ok()
}
