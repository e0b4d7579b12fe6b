//! karplint, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    karplint::cli::main()
}
