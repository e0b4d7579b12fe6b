//! The command line: arguments, and one file for each command. Only this room and `report` print,
//! through the writers they are given.

mod args;
mod check;
mod explain;
mod fix;
mod generate;
mod inputs;
mod judge;
mod manifests;
mod output;
mod parallel;
mod patch;
mod plan;
mod preflight;
mod progress;
mod requires;
pub(crate) mod session;
mod several;
mod silence;
mod simulate;
mod trust;
mod upgrade;
mod verdict;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

pub use args::{Args, CheckArgs, Command, PreflightArgs, SimulateArgs};

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing at or above `--fail-on`.
    Clean,
    /// Findings.
    Findings,
    /// Something could not be checked.
    Failed,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Runs karplint with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let args = match parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    // Whoever speaks the protocol has standard output for itself.
    if let Some(Command::Lsp(_)) = &args.command {
        return ExitCode::from(crate::lsp::run(&mut io::stderr()));
    }
    let stdout = io::stdout().lock();
    // Not locked: progress is told by whoever works.
    let stderr = io::stderr();
    let terminal = stdout.is_terminal();
    let mut out = io::BufWriter::new(stdout);
    let mut err = io::BufWriter::new(stderr);
    let run = run(args, terminal, &mut out, &mut err);
    let flushed = out.flush().and_then(|()| err.flush());
    match run.and_then(|status| flushed.map(|()| status)) {
        Ok(status) => status.into(),
        // Nobody reads on: `karplint | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(err, "could not write the report: {}", crate::source::reason(&error));
            let _ = err.flush();
            Status::Failed.into()
        }
    }
}

/// The arguments of this process; how to end where they are help or a mistake. What clap makes for this is not small,
/// and gone when the work begins.
fn parse() -> Result<Args, ExitCode> {
    // Made once: it is a good part of what one policy takes.
    let mut command = Args::command();
    let args = command_first(&command, std::env::args_os().collect());
    let matches = command.try_get_matches_from_mut(args);
    let args = matches.and_then(|mut matches| Args::from_arg_matches_mut(&mut matches));
    args.map_err(|error| {
        let error = error.format(&mut command);
        // clap knows whether this is help (stdout, 0) or a mistake (stderr, 2).
        let code = u8::try_from(error.exit_code()).unwrap_or(2);
        if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::SUCCESS }
    })
}

/// Flags may stand before the command: `karplint --format json check FILE`. clap wants it first.
fn command_first(command: &clap::Command, mut args: Vec<OsString>) -> Vec<OsString> {
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let is_command = |arg: &OsString| arg.to_str().is_some_and(|arg| names.contains(&arg));
    let first_is_flag =
        args.get(1).and_then(|arg| arg.to_str()).is_some_and(|arg| arg.starts_with('-'));
    let takes_value = |flag: &OsString| {
        let Some(flag) = flag.to_str().and_then(|flag| flag.strip_prefix("--")) else {
            return false;
        };
        let known = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
        known.is_some_and(|argument| argument.get_action().takes_values())
    };
    let place = args
        .iter()
        .enumerate()
        .skip(2)
        .position(|(at, arg)| is_command(arg) && !args.get(at - 1).is_some_and(takes_value));
    if let (true, Some(place)) = (first_is_flag, place) {
        // A file of that name is meant as one.
        let at = place + 2;
        if args.get(at).is_some_and(|arg| !std::path::Path::new(arg).exists()) {
            let command = args.remove(at);
            args.insert(1, command);
        }
    }
    args
}

/// Runs one command. `terminal` says whether `out` is one.
///
/// # Errors
/// Whatever the writers return.
pub fn run(
    args: Args,
    terminal: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let jobs = match &args.command {
        Some(Command::Check(check) | Command::Preflight(PreflightArgs { check })) => check.jobs,
        Some(Command::Upgrade(upgrade)) => upgrade.jobs,
        Some(_) => None,
        None => args.check.jobs,
    };
    parallel::limit(jobs);
    match args.command {
        Some(Command::Check(check)) => check::run(&check, terminal, out, err),
        Some(Command::Preflight(args)) => preflight::run(&args.check, out, err),
        Some(Command::Requires(requires)) => requires::run(&requires, out, err),
        Some(Command::Upgrade(upgrade)) => upgrade::run(&upgrade, terminal, out, err),
        Some(Command::Explain(explain)) => explain::run(&explain, out, err),
        Some(Command::Generate(generate)) => generate::run(&generate, out, err),
        Some(Command::Simulate(simulate)) => simulate::run(&simulate, out, err),
        // It needs standard input and output themselves: `main` starts it.
        Some(Command::Lsp(_)) => Ok(Status::Failed),
        None => check::run(&args.check, terminal, out, err),
    }
}
