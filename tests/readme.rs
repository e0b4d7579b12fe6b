//! Every console block of the README, run: what it shows is what the program prints.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_console_block_shows_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let mut commands = Vec::new();
    for block in readme.split("```console").skip(1) {
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
            _ => panic!("the README shows a command that nobody tests: {command}"),
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
    assert!(commands[0].starts_with("cargo run --release -- check fixtures/"));
    assert_eq!(commands[1], "cargo test");
}
