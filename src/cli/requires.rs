//! `karplint requires`: what a version needs under given settings. No input is read.

use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args as ClapArgs, ValueEnum};

use crate::karpenter::needs;
use crate::report::escape;
use crate::report::requires::Requires;
use crate::settings::evidence::Evidence;
use crate::settings::infer::infer;
use crate::source::SourceMap;

use super::Status;
use super::args::{CheckArgs, ConfigArgs, SettingsArgs};
use super::check::fail;
use super::plan::whole;

/// List what a version needs
#[derive(Debug, Clone, ClapArgs)]
pub struct RequiresArgs {
    /// Karpenter version: 1.4 (its newest patch), 1.4.2, v1.4.2, latest [default: latest]
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub karpenter: Option<String>,
    /// The installation.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub format: RequiresFormat,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Output formats of `requires`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RequiresFormat {
    /// For people
    #[default]
    #[value(alias = "table")]
    Human,
    /// One object, schema 1
    Json,
    /// A table in Markdown
    Markdown,
}

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &RequiresArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let sources = SourceMap::new();
    let as_check = CheckArgs {
        karpenter: args.karpenter.clone(),
        settings: args.settings.clone(),
        config: args.config.clone(),
        ..CheckArgs::default()
    };
    let (rules, mut plan) = match whole(&as_check, &sources) {
        Ok(all) => all,
        Err(errors) => return fail(&errors, &sources, err),
    };
    plan.settle_version(&[], &rules, &sources);
    for note in &plan.notes {
        writeln!(err, "{}", escape::line(note))?;
    }
    let mut resolved = infer(plan.version, &plan.given, &Evidence::default(), false);
    let needs = needs(&rules, &resolved.settings, Arc::make_mut(&mut resolved.symbols));
    let report = Requires {
        rules: &rules,
        settings: &resolved.settings,
        symbols: &resolved.symbols,
        needs: &needs,
        sources: &sources,
    };
    match args.format {
        RequiresFormat::Human => report.human(out)?,
        RequiresFormat::Json => report.json(out)?,
        RequiresFormat::Markdown => report.markdown(out)?,
    }
    Ok(Status::Clean)
}
