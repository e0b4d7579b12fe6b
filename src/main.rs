//! karplint, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    karplint::cli::main()
}

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;
