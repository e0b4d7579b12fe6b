//! What the program says of its own commands.

use std::path::Path;

use crate::common::program;

#[test]
fn a_command_describes_itself_as_the_list_of_commands_does() {
    let help = |args: &[&str]| {
        let (code, out, err) = program(Path::new("."), args);
        assert_eq!(code, 0, "{err}");
        out
    };
    let whole = help(&["--help"]);
    let (_, list) = whole.split_once("Commands:\n").unwrap();
    let mut count = 0;
    for line in list.lines().take_while(|line| !line.is_empty()) {
        // The rest of a long description stands on a line of its own.
        let Some((name, said)) = line.trim().split_once("  ") else { continue };
        if name == "help" {
            continue;
        }
        count += 1;
        let first = help(&[name, "--help"]);
        assert!(first.starts_with(said.trim()), "{name}: {first}");
        assert_eq!(help(&["help", name]), first, "{name}");
    }
    assert_eq!(count, 8);
}
