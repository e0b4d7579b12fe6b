//! Every reader survives any text: each fixture cut off at any byte, and edited at random. A few cases run
//! by default; `KARPLINT_SURVIVE=100000` cuts at every byte and makes that many edits.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::common::fixture;
use karplint::extract::extract;
use karplint::policy::lower::{Place, lower_in};
use karplint::source::SourceMap;

fn files(folder: PathBuf, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(path, out) } else { out.push(path) }
    }
}

fn fixtures() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    files(fixture(""), &mut paths);
    paths.sort();
    // What is hostile as a whole is large, and has a test of its own: `tests/bad_days.rs`.
    let hostile = fixture("hostile");
    paths.retain(|path| !path.starts_with(&hostile));
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Some((name, fs::read_to_string(path).ok()?))
    };
    paths
        .iter()
        .filter(|path| path.extension().is_none_or(|e| e != "out"))
        .filter_map(read)
        .collect()
}

/// Reads a text as karplint would; nothing in it stands outside of it.
fn survives(name: &str, text: &str) {
    let started = Instant::now();
    let sources = SourceMap::new();
    let file = sources.add_file(name, text);
    match extract(&sources, file, true, &Default::default()) {
        Ok(found) => {
            for document in &found.documents {
                let lowered = lower_in(&document.node, Place::Unknown, &document.when);
                let spans = lowered.problems.iter().map(|problem| problem.span);
                for span in spans.chain([document.node.span]) {
                    let span = sources.to_file(span);
                    assert!(span.end as usize <= text.len(), "{name} {span:?}");
                }
            }
            for error in &found.broken {
                assert!(sources.to_file(error.span).end as usize <= text.len(), "{name} {error:?}");
            }
        }
        Err(error) => {
            assert!(sources.to_file(error.span).end as usize <= text.len(), "{name} {error:?}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{name} hangs");
}

fn wanted() -> usize {
    std::env::var("KARPLINT_SURVIVE").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[test]
fn a_file_that_is_cut_off_anywhere() {
    let all = fixtures();
    assert!(all.len() > 50);
    let step = if wanted() > 0 { 1 } else { 997 };
    let mut cases = 0;
    for (name, text) in &all {
        for end in (0..text.len()).step_by(step).filter(|end| text.is_char_boundary(*end)) {
            survives(name, &text[..end]);
            cases += 1;
        }
    }
    println!("{cases} cuts of {} files", all.len());
}

#[test]
fn a_file_that_is_edited_at_random() {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        ":",
        ",",
        "\n",
        "  ",
        "${",
        "{{",
        "}}",
        "!If [",
        "!Ref ",
        "&a ",
        "*a ",
        "\\",
        "%7B",
        "Statement",
        "Fn::Join",
        "\u{0}",
        "é",
        "- ",
    ];
    let all = fixtures();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        // xorshift64: the same edits on every run.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let cases = wanted().max(300);
    for _ in 0..cases {
        let (name, text) = &all[next(all.len())];
        let mut text = text.clone();
        for _ in 0..=next(3) {
            let mut start = next(text.len());
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + next(40)).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let end = end.max(start);
            match next(3) {
                0 => text.replace_range(start..end, ""),
                1 => text.insert_str(start, PIECES[next(PIECES.len())]),
                _ => text.replace_range(start..end, PIECES[next(PIECES.len())]),
            }
        }
        survives(name, &text);
    }
    println!("{cases} edits");
}
