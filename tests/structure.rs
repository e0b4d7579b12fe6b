//! The rooms of the crate, held against the code: data flows one way.

#![expect(
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// From left to right. A room may use itself, rooms to its left, and those that all may use.
const ORDER: &[&[&str]] = &[
    &["source"],
    &["syntax"],
    &["extract"],
    &["policy"],
    &["aws"],
    &["settings", "karpenter"],
    &["controller"],
    &["eval"],
    &["check", "simulate", "generate"],
    &["report"],
    &["cli", "lsp"],
];
const FREE: &[&str] = &[
    "error", "finding", "fix", "suppress", "embedded", "texts", "lints", "config", "explain",
    "words", "order",
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Tests may look anywhere, and be long.
fn is_test(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "testing.rs")))
}

fn room(path: &Path, src: &Path) -> String {
    let first = path.strip_prefix(src).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn rank(room: &str) -> Option<usize> {
    ORDER.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn a_room_uses_only_rooms_to_its_left() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&src) {
        let own = room(&file, &src);
        let Some(own_rank) = rank(&own) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for used in line.match_indices("crate::").map(|(at, word)| &line[at + word.len()..]) {
                let used: String =
                    used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if let Some(used_rank) = rank(&used)
                    && used_rank > own_rank
                {
                    wrong.push(format!("{}:{}: {own} uses {used}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "back edges:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_diagram() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&src) {
        let own = room(&file, &src);
        let known =
            rank(&own).is_some() || FREE.contains(&own.as_str()) || own == "lib" || own == "main";
        assert!(known, "{own} has no place in the order");
    }
}

#[test]
fn no_file_grows_past_six_hundred_lines() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&src) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 600, "{} has {lines} lines: split it by concept", file.display());
    }
}
