//! `karplint generate policy`: the least policy for an installation, in the form that deploys it.

use std::io::{self, Write};

use clap::{Args as ClapArgs, ValueEnum};

use crate::generate::write::{self, Names};
use crate::generate::generate;
use crate::policy::symbolic::Symbolic;
use crate::report::escape;
use crate::source::SourceMap;

use super::super::Status;
use super::super::args::{CheckArgs, ConfigArgs, SettingsArgs};
use super::super::check::fail;
use super::super::plan::{Plan, plan, rules};
use super::installation::{Installation, settle};

/// Arguments of `generate policy`.
#[derive(Debug, Clone, ClapArgs)]
pub struct PolicyArgs {
    /// Karpenter version: 1.4 (its newest patch), 1.4.2, v1.4.2, latest [default: from the
    /// manifests, else latest]
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub karpenter: Option<String>,
    /// The installation.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The form to write
    #[arg(long, value_enum, default_value_t, value_name = "FORM", help_heading = "Output")]
    pub format: Form,
    /// Several managed policies, with the names of upstream's template
    #[arg(long, help_heading = "Output")]
    pub split: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Forms of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// IAM JSON
    #[default]
    Json,
    /// A CloudFormation template in YAML
    Cloudformation,
    /// Terraform, with aws_iam_policy_document
    Terraform,
    /// Terraform, with jsonencode
    TerraformJsonencode,
}

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &PolicyArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let sources = SourceMap::new();
    let rules = match rules(&args.config, &sources) {
        Ok(rules) => rules,
        Err(errors) => return fail(&errors, &sources, err),
    };
    let as_check = CheckArgs {
        karpenter: args.karpenter.clone(),
        settings: args.settings.clone(),
        config: args.config.clone(),
        ..CheckArgs::default()
    };
    let mut plan = match plan(&as_check, &rules, &sources).and_then(Plan::single) {
        Ok(plan) => plan,
        Err(error) => return fail(&[error], &sources, err),
    };
    if !plan.errors.is_empty() {
        return fail(&plan.errors, &sources, err);
    }
    plan.settle_version(&[], &rules, &sources);
    let Installation { resolved, notes } = match settle(plan.version, &plan.given) {
        Ok(installation) => installation,
        Err(error) => return fail(&[error], &sources, err),
    };
    for note in plan.notes.iter().chain(&notes) {
        writeln!(err, "{}", escape::line(note))?;
    }
    let generated = generate(&rules, &resolved.settings, &resolved.symbols, args.split);
    let names = Names::new(&resolved.settings, &Symbolic::default());
    let text = match generated.documents.as_slice() {
        [one] => write::json(one, &names),
        several => write::json_list(several, &names),
    };
    out.write_all(text.as_bytes())?;
    Ok(Status::Clean)
}
