//! `karplint generate`: what can be written from what is known.

mod against;
mod config;
mod files;
mod installation;
mod policy;
mod schema;
mod shell;

use std::io::{self, Write};

use clap::{Args as ClapArgs, Subcommand};

use super::Status;

/// Make the least policy, a configuration, completions of shells, manual pages or JSON Schemas
#[derive(Debug, Clone, ClapArgs)]
pub struct GenerateArgs {
    /// What to make.
    #[command(subcommand)]
    pub what: What,
}

/// What can be made.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// The least policy for an installation
    #[command(max_term_width = 100)]
    Policy(Box<policy::PolicyArgs>),
    /// A karplint.toml of what policies and manifests say
    #[command(max_term_width = 100)]
    Config(config::ConfigFileArgs),
    /// JSON Schema of karplint.toml, of the JSON report, of rule files
    #[command(max_term_width = 100)]
    Schema(schema::SchemaArgs),
    /// Completions for a shell
    #[command(max_term_width = 100)]
    Completions(shell::CompletionsArgs),
    /// Manual page of the whole, or of one command
    #[command(max_term_width = 100)]
    Man(shell::ManArgs),
}

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &GenerateArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    match &args.what {
        What::Policy(policy) => policy::run(policy, out, err),
        What::Config(config) => config::run(config, out, err),
        What::Schema(schema) => schema::run(schema, out),
        What::Completions(completions) => shell::completions(completions, out),
        What::Man(man) => shell::man(man, out, err),
    }
}
