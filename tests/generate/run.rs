//! Runs karplint inside the test.

use std::path::Path;

use clap::Parser;
use karplint::cli::{Args, Status, run};
use serde_json::Value;

/// What a command prints, and how it ends.
pub(crate) struct Ran {
    pub(crate) status: Status,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `karplint` with these arguments.
pub(crate) fn karplint<S: AsRef<str>>(args: &[S]) -> Ran {
    let args = std::iter::once("karplint").chain(args.iter().map(AsRef::as_ref));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = Args::try_parse_from(args).unwrap_or_else(|error| panic!("{error}"));
    let status = run(args, false, &mut out, &mut err).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status, out: text(out), err: text(err) }
}

/// The installation of all tests.
pub(crate) const INSTALLATION: [&str; 9] = [
    "--no-config",
    "--cluster-name=demo",
    "--region=us-west-2",
    "--account=111122223333",
    "--partition=aws",
    "--node-role=arn:aws:iam::111122223333:role/KarpenterNodeRole-demo",
    "--interruption-queue=demo",
    "--capacity-type=on-demand",
    "--capacity-type=spot",
];

/// The arguments of a command for that installation, with more.
pub(crate) fn with(command: &[&str], more: &[String]) -> Vec<String> {
    let all = command.iter().chain(&INSTALLATION).map(|arg| (*arg).to_owned());
    all.chain(more.iter().cloned()).collect()
}

/// What `check` says of a file, notes included.
pub(crate) fn check(file: &Path, more: &[String]) -> Ran {
    let mut args = with(&["check", "--format=concise", "--fail-on=warning"], more);
    args.push(file.display().to_string());
    karplint(&args)
}

/// The JSON of an output.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
