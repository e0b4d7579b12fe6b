//! Every console block of the README and of the pages in `docs`, run: what it shows is what the program
//! prints.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The commands of a page, each of which prints what the page shows.
fn commands(page: &Path) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(page).unwrap();
    let mut commands = Vec::new();
    for block in text.split("```console").skip(1) {
        let block = block.split("```").next().unwrap();
        let (info, body) = block.split_once('\n').unwrap();
        let exit: i32 = info.trim().strip_prefix("exit=").map_or(0, |code| code.parse().unwrap());
        let (command, shown) = body.split_once('\n').unwrap_or((body, ""));
        let command = command.strip_prefix("$ ").unwrap_or_else(|| panic!("no command in {body}"));
        commands.push(command.to_owned());
        // This very run.
        if command == "cargo test" {
            continue;
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        let arguments = match words.as_slice() {
            ["cargo", "run", "--release", "--", rest @ ..] | ["karplint", rest @ ..] => rest,
            _ => panic!("a page shows a command that nobody tests: {command}"),
        };
        let output = Command::new(env!("CARGO_BIN_EXE_karplint"))
            .args(arguments)
            .current_dir(root)
            .output()
            .unwrap();
        let printed =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert_eq!(printed.trim_end(), shown.trim_end(), "{command}");
        assert_eq!(output.status.code(), Some(exit), "{command}");
    }
    commands
}

#[test]
fn every_console_block_of_the_readme_shows_what_the_program_prints() {
    let commands = commands(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    assert!(commands[0].starts_with("cargo run --release -- check fixtures/"));
    assert_eq!(commands[1], "cargo test");
}

#[test]
fn every_console_block_of_the_docs_shows_what_the_program_prints() {
    let docs = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    let pages = docs.map(|entry| entry.unwrap().path());
    let pages: Vec<_> = pages.filter(|page| page.extension().is_some_and(|e| e == "md")).collect();
    assert!(!pages.is_empty());
    for page in pages {
        commands(&page);
    }
}
