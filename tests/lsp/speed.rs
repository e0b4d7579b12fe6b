//! From keystroke to diagnostics, and what many of them leave behind.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::{BAD, GOOD, folder, put};

/// How long it may take; a program without optimisation is several times slower, and other work on the machine
/// adds to both.
const MEDIAN: Duration = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 5 });
const WORST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 25 });

/// One letter that comes and goes in the first action.
fn keystroke(at: usize) -> serde_json::Value {
    let start = json!({ "line": 7, "character": 12 });
    let end = json!({ "line": 7, "character": 12 + at % 2 });
    let text = if at.is_multiple_of(2) { "x" } else { "" };
    json!([{ "range": { "start": start, "end": end }, "text": text }])
}

#[test]
fn diagnostics_come_at_once() {
    for (name, text) in [("a good policy", GOOD), ("one with mistakes", BAD)] {
        let (_keep, folder) = folder(text);
        let path = put(&folder, "karpenter.json", text);
        // Others lie beside it, which are read once.
        for at in 0..8 {
            put(&folder, &format!("other-{at}.json"), GOOD);
        }
        let (mut client, _) = Client::start(&[&folder], json!({}));
        client.open(&path, 1, text);
        client.told(&path, 1);
        let mut times: Vec<Duration> = (0..1_000)
            .map(|at| {
                let started = Instant::now();
                let version = at + 2;
                client.change(&path, version, keystroke(at as usize));
                client.told(&path, version);
                started.elapsed()
            })
            .collect();
        times.sort();
        let (median, worst) = (times[500], times[999]);
        eprintln!(
            "{name}, {} bytes: median {median:.1?}, 99% {:.1?}, worst {worst:.1?}",
            text.len(),
            times[990]
        );
        assert!(median <= MEDIAN && worst <= WORST, "{name}: median {median:?}, worst {worst:?}");
    }
}

#[test]
fn ten_thousand_edits_leave_memory_flat() {
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", BAD);
    let (mut client, _) = Client::start(&[&folder], json!({}));
    client.open(&path, 1, BAD);
    client.told(&path, 1);
    let status = format!("/proc/{}/status", client.child.id());
    let Some(before) = resident(&status) else {
        eprintln!("skipped: this system does not tell how much memory a process has");
        return;
    };
    let mut early = before;
    for at in 0..10_000 {
        client.change(&path, at + 2, keystroke(at as usize));
        // What is typed faster than it is judged is judged once.
        if at % 10 == 9 {
            client.told(&path, at + 2);
        }
        if at == 1_000 {
            early = resident(&status).unwrap();
        }
    }
    client.told(&path, 10_001);
    let late = resident(&status).unwrap();
    eprintln!("resident: {before} KiB at first, {early} after 1,000 edits, {late} after 10,000");
    assert!(late < early + 4_096, "{early} KiB, then {late}");
}

/// `VmRSS` in KiB.
fn resident(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
