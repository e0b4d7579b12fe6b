//! `karplint generate completions` and `man`: what shells and `man` want to know of the commands.

use std::io::{self, Write};

use clap::{Args as ClapArgs, CommandFactory};
use clap_complete::Shell;

use crate::cli::Status;
use crate::cli::args::Args;
use crate::cli::check::fail;
use crate::error::Error;
use crate::source::SourceMap;
use crate::words::nearest_word;

/// Arguments of `generate completions`.
#[derive(Debug, Clone, ClapArgs)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Arguments of `generate man`.
#[derive(Debug, Clone, ClapArgs)]
pub struct ManArgs {
    /// The command; without it, the page is about all of karplint
    pub command: Option<String>,
}

/// Prints a script for a shell.
///
/// # Errors
/// Whatever the writer returns.
pub(super) fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> io::Result<Status> {
    // It can say nothing of a writer that fails; memory does not.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "karplint", &mut text);
    out.write_all(&text)?;
    Ok(Status::Clean)
}

/// Prints a page for `man`.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn man(args: &ManArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Status> {
    let mut whole = Args::command();
    let Some(name) = &args.command else {
        clap_mangen::Man::new(whole).render(out)?;
        return Ok(Status::Clean);
    };
    whole.build();
    let Some(command) = whole.find_subcommand(name) else {
        let mut error = Error::usage(format!("`{name}` is not a command"));
        let names = whole.get_subcommands().map(clap::Command::get_name);
        if let Some(near) = nearest_word(name, names) {
            error = error.with_help(format!("did you mean `{near}`?"));
        }
        return fail(&[error], &SourceMap::new(), err);
    };
    // The page is called as `man` is asked for it.
    let title = format!("karplint-{name}");
    let command = command.clone().display_name(title.clone());
    clap_mangen::Man::new(command).title(title).render(out)?;
    Ok(Status::Clean)
}
