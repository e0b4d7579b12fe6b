//! `karplint simulate`: requests from a file, from standard input, or in AWS's own flags.

mod flags;
mod shorthand;
mod stream;
mod table;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::path::Path;

use clap::{ArgGroup, Args as ClapArgs, ValueEnum};

use super::Status;
use crate::source::reason;

/// Ask policies about requests: the offline twin of `aws iam simulate-custom-policy`
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(group = ArgGroup::new("parts").multiple(true).requires("action_names"))]
pub struct SimulateArgs {
    /// File with a request as JSON, or with one on each line; `-` reads standard input, line by line
    #[arg(long, value_name = "FILE", required_unless_present_any = ["action_names", "parts"],
        conflicts_with_all = ["action_names", "parts"])]
    pub request: Option<String>,
    /// Context key that a request may have with any one value, or not have, unless it says so; with several
    /// values if AWS documents that, or a set operator asks for them (repeatable)
    #[arg(long, value_name = "KEY")]
    pub unknown: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: SimulateFormat,

    /// Identity policies
    #[arg(long, value_name = "POLICY", group = "parts", num_args = 1.., help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)")]
    pub policy_input_list: Vec<String>,
    /// Permissions boundary
    #[arg(long, value_name = "POLICY", group = "parts", num_args = 1.., help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)")]
    pub permissions_boundary_policy_input_list: Vec<String>,
    /// Actions, in full
    #[arg(long, value_name = "ACTION", num_args = 1.., help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)")]
    pub action_names: Vec<String>,
    /// ARNs of resources [default: *]
    #[arg(long, value_name = "ARN", group = "parts", num_args = 1.., help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)")]
    pub resource_arns: Vec<String>,
    /// Policy of the resource
    #[arg(
        long,
        value_name = "POLICY",
        group = "parts",
        requires = "caller_arn",
        help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)"
    )]
    pub resource_policy: Option<String>,
    /// Account of resources whose ARN names none [default: that of the caller]
    #[arg(
        long,
        value_name = "ACCOUNT",
        group = "parts",
        help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)"
    )]
    pub resource_owner: Option<String>,
    /// ARN of the user, role or session that asks
    #[arg(
        long,
        value_name = "ARN",
        group = "parts",
        help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)"
    )]
    pub caller_arn: Option<String>,
    /// Context keys: ContextKeyName=NAME,ContextKeyValues=VALUE,...,ContextKeyType=TYPE
    #[arg(long, value_name = "ENTRY", group = "parts", num_args = 1.., help_heading = "One request, as AWS's command line takes it (JSON, or file://PATH)")]
    pub context_entries: Vec<String>,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SimulateFormat {
    /// One object on one line for each request
    #[default]
    Json,
    /// For people
    Table,
}

/// Longest request that is a file of its own.
const LONGEST_FILE: u64 = 64 << 20;

/// Answers all requests.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &SimulateArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let how = stream::How { unknown: &args.unknown, format: args.format };
    let Some(path) = &args.request else {
        return match flags::request(args) {
            Ok(text) => stream::whole(&how, &text, out),
            Err(message) => {
                writeln!(err, "error: {message}")?;
                Ok(Status::Failed)
            }
        };
    };
    if path == "-" {
        return stream::lines(&how, Box::new(io::stdin()), out);
    }
    match open(Path::new(path)) {
        Ok(Input::Whole(text)) => stream::whole(&how, &text, out),
        Ok(Input::Lines(reader)) => stream::lines(&how, reader, out),
        Err(error) => {
            writeln!(err, "error: could not read `{}`: {}", path.escape_debug(), reason(&error))?;
            Ok(Status::Failed)
        }
    }
}

/// What a file holds.
enum Input {
    Whole(String),
    Lines(Box<dyn Read + Send>),
}

/// A file whose first line is a whole request has one on each line; any other is one request. So an
/// empty file is a request that is missing, where an empty standard input is no request at all.
fn open(path: &Path) -> io::Result<Input> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() {
        first.clear();
        if reader.by_ref().take(LONGEST_FILE).read_until(b'\n', &mut first)? == 0 {
            break;
        }
    }
    let is_whole =
        first.ends_with(b"\n") && serde_json::from_slice::<serde::de::IgnoredAny>(&first).is_ok();
    // Read again from the start, so that positions are those of the file.
    let file = File::open(path)?;
    if is_whole {
        return Ok(Input::Lines(Box::new(file)));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    match String::from_utf8(bytes) {
        Ok(text) if text.len() as u64 <= LONGEST_FILE => Ok(Input::Whole(text)),
        Ok(_) => Err(io::Error::other("it is longer than 64 MiB")),
        // Told line by line, each with its position.
        Err(error) => Ok(Input::Lines(Box::new(Cursor::new(error.into_bytes())))),
    }
}
