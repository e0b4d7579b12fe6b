//! `karplint generate schema`: JSON Schemas, as they are committed in `docs/schemas`.

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::Status;

/// Arguments of `generate schema`.
#[derive(Debug, Clone, ClapArgs)]
pub struct SchemaArgs {
    /// Of what
    pub of: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// karplint.toml
    Config,
    /// What `check --format json` prints
    Report,
    /// Files below rules/lints
    Lint,
    /// Files of requests below rules/karpenter
    Requests,
}

impl SchemaOf {
    /// The schema. A test holds it against the types that it is of.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Config => include_str!("../../../docs/schemas/config.json"),
            Self::Report => include_str!("../../../docs/schemas/report.json"),
            Self::Lint => include_str!("../../../docs/schemas/lint.json"),
            Self::Requests => include_str!("../../../docs/schemas/requests.json"),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Whatever the writer returns.
pub(super) fn run(args: &SchemaArgs, out: &mut dyn Write) -> io::Result<Status> {
    out.write_all(args.of.text().as_bytes())?;
    Ok(Status::Clean)
}
