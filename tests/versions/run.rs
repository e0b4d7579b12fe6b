//! Runs karplint inside the test.

use std::path::Path;

use clap::Parser;
use karplint::cli::{Args, Status, run};
use serde_json::Value;

/// A fixture, as a path from the root of the repository.
pub(crate) fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).display().to_string()
}

/// What a command prints, and how it ends.
pub(crate) struct Ran {
    pub(crate) status: Status,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.err))
    }
}

/// Runs `karplint` with these arguments.
pub(crate) fn karplint(args: &[&str]) -> Ran {
    let args = std::iter::once("karplint").chain(args.iter().copied());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = Args::try_parse_from(args).unwrap();
    let status = run(args, false, &mut out, &mut err).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status, out: text(out), err: text(err) }
}
