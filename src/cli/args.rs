//! The arguments, as clap sees them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub use super::simulate::SimulateArgs;

/// Says whether IAM policies let a Karpenter version work: every dry run and every real call,
/// offline, at the exact span.
#[derive(Debug, Parser)]
#[command(name = "karplint", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Args {
    /// What to do; `check` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The arguments of `check`, when it is not named.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// The commands. What one takes is looked at when it is called. clap takes the description of those arguments for the
/// one of the command then, so that they say the same.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Lint policies: the default command
    #[command(max_term_width = 100)]
    Check(CheckArgs),
    /// Forecast every call: what each dry run and each real call will get
    #[command(max_term_width = 100)]
    Preflight(PreflightArgs),
    /// Compare two versions: what the newer one needs, and what these policies lack
    #[command(max_term_width = 100)]
    Upgrade(super::upgrade::UpgradeArgs),
    /// List what a version needs
    #[command(max_term_width = 100)]
    Requires(super::requires::RequiresArgs),
    /// Say what a rule, an action, a condition, a status or an event means
    #[command(max_term_width = 100)]
    Explain(super::explain::ExplainArgs),
    /// Ask policies about requests: the offline twin of `aws iam simulate-custom-policy`
    #[command(max_term_width = 100)]
    Simulate(Box<SimulateArgs>),
    /// Make the least policy, a configuration, completions of shells, manual pages or JSON Schemas
    #[command(max_term_width = 100)]
    Generate(super::generate::GenerateArgs),
    /// Language server on standard input and output, for editors
    #[command(max_term_width = 100)]
    Lsp(LspArgs),
}

/// Language server on standard input and output, for editors
#[derive(Debug, Clone, ClapArgs)]
pub struct LspArgs {
    /// As many editors say it; there is no other way
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// Lint policies: the default command
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct CheckArgs {
    /// Files, folders or globs; `-` reads standard input [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// Karpenter version: 1.4 (its newest patch), 1.4.2, v1.4.2, latest, 1.3..1.6, all [default: from
    /// the files, else latest]
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub karpenter: Option<String>,
    /// The installation.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What binds one controller.
    #[command(flatten)]
    pub controllers: ControllerArgs,
    /// Only the rules about the policy itself
    #[arg(long, help_heading = "Controllers")]
    pub no_karpenter: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub format: Format,
    /// Write a report to a file as well: sarif=out.sarif (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Output")]
    pub output: Vec<String>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", help_heading = "Output")]
    pub color: Color,
    /// Exit 1 from this severity on [default: error]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Output")]
    pub fail_on: Option<FailOn>,
    /// Report only these rules (repeatable, or with commas)
    #[arg(long, value_name = "RULE", help_heading = "Output", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not report these rules (repeatable, or with commas)
    #[arg(long, value_name = "RULE", help_heading = "Output", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Report a rule at another severity (repeatable)
    #[arg(long, value_name = "RULE=LEVEL", help_heading = "Output")]
    pub severity: Vec<String>,
    /// Do not report the findings that this file knows
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub baseline: Option<PathBuf>,
    /// Write what would be reported to this file, and report it no more
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub write_baseline: Option<PathBuf>,
    /// Print a patch of what can be fixed, and change nothing
    #[arg(long, help_heading = "Fixes", conflicts_with_all = ["fix", "write_baseline"])]
    pub diff: bool,
    /// Fix what is safe to fix
    #[arg(long, help_heading = "Fixes", conflicts_with = "write_baseline")]
    pub fix: bool,
    /// Fix also what somebody should look at: new statements, changed resources and conditions
    #[arg(long, help_heading = "Fixes", requires = "fix")]
    pub unsafe_fixes: bool,
    /// Work on so many cores, at most on all there are [default: all]
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub jobs: Option<NonZeroUsize>,
    /// Say how long each phase took
    #[arg(long, short, help_heading = "Output")]
    pub verbose: bool,

    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where the text on standard input belongs
    #[arg(long, value_name = "PATH", help_heading = "Configuration")]
    pub stdin_filename: Option<PathBuf>,
}

/// Forecast every call: what each dry run and each real call will get
#[derive(Debug, Clone, ClapArgs)]
pub struct PreflightArgs {
    /// The same arguments.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// What is known of the installation.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct SettingsArgs {
    /// Name of the EKS cluster
    #[arg(long, value_name = "NAME", help_heading = "Installation")]
    pub cluster_name: Option<String>,
    /// Region of the cluster
    #[arg(long, value_name = "REGION", help_heading = "Installation")]
    pub region: Option<String>,
    /// Account of the cluster: twelve digits
    #[arg(long, value_name = "ID", help_heading = "Installation")]
    pub account: Option<String>,
    /// Partition: aws, aws-cn, aws-us-gov, ...
    #[arg(long, value_name = "NAME", help_heading = "Installation")]
    pub partition: Option<String>,
    /// ARN of a role of nodes (repeatable)
    #[arg(long, value_name = "ARN", help_heading = "Installation")]
    pub node_role: Vec<String>,
    /// Interruption queue: a name or an ARN; "" says there is none
    #[arg(long, value_name = "QUEUE", help_heading = "Installation")]
    pub interruption_queue: Option<String>,
    /// Capacity type that NodePools allow: on-demand, spot, reserved (repeatable)
    #[arg(long, value_name = "KIND", help_heading = "Installation")]
    pub capacity_type: Vec<String>,
    /// Name of a NodePool (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Installation")]
    pub node_pool: Vec<String>,
    /// Name of an EC2NodeClass (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Installation")]
    pub node_class: Vec<String>,
    /// Tag in spec.tags of the EC2NodeClass (repeatable)
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Installation")]
    pub node_class_tag: Vec<String>,
    /// What is switched on: reserved-capacity, placement-group, zonal-shift, disable-dry-run,
    /// isolated-vpc, spot-slr-absent, cluster-endpoint, eks-control-plane (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Installation")]
    pub feature: Vec<String>,
    /// Value of a condition key, to settle what hangs on it (repeatable)
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Installation")]
    pub context: Vec<String>,
    /// Nodes and NodeClasses made by this version still exist
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub upgraded_from: Option<String>,
    /// EC2NodeClasses, NodePools, Helm values, rendered manifests: file, folder or glob; `-` reads
    /// standard input (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Installation")]
    pub manifest: Vec<String>,
}

/// What binds one controller.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct ControllerArgs {
    /// All inputs bind one controller
    #[arg(long, help_heading = "Controllers")]
    pub union: bool,
    /// Permissions boundary of the controller's role
    #[arg(long, value_name = "FILE", help_heading = "Controllers")]
    pub boundary: Option<PathBuf>,
    /// Service control policy; each is one level, the root first (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Controllers")]
    pub scp: Vec<PathBuf>,
    /// Judge only the role of this name
    #[arg(long, value_name = "NAME", help_heading = "Controllers")]
    pub role: Option<String>,
    /// Value of a parameter of CloudFormation templates, in place of its default (repeatable)
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Controllers")]
    pub parameter: Vec<String>,
    /// Value of a Terraform variable of the root modules (repeatable)
    #[arg(long = "var", value_name = "NAME=VALUE", help_heading = "Controllers")]
    pub var: Vec<String>,
    /// Treat named files as if found in a folder: those without a policy are skipped in silence
    #[arg(long, help_heading = "Controllers")]
    pub hook: bool,
}

/// Flags about findings, for commands that report none: they say so.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct FindingArgs {
    /// Rules.
    #[arg(long, hide = true)]
    pub select: Vec<String>,
    /// Rules.
    #[arg(long, hide = true)]
    pub ignore: Vec<String>,
    /// Levels.
    #[arg(long, hide = true)]
    pub severity: Vec<String>,
    /// A file.
    #[arg(long, hide = true)]
    pub baseline: Option<PathBuf>,
    /// A file.
    #[arg(long, hide = true)]
    pub write_baseline: Option<PathBuf>,
}

impl FindingArgs {
    /// The first that is given.
    #[must_use]
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--select", !self.select.is_empty()),
            ("--ignore", !self.ignore.is_empty()),
            ("--severity", !self.severity.is_empty()),
            ("--baseline", self.baseline.is_some()),
            ("--write-baseline", self.write_baseline.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

/// Where the configuration and the rules are.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct ConfigArgs {
    /// Configuration file [default: karplint.toml, here or above]
    #[arg(long, value_name = "FILE", help_heading = "Configuration", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, help_heading = "Configuration")]
    pub no_config: bool,
    /// Folder of rule files to use in place of the built-in ones
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub rules: Option<PathBuf>,
}

/// Output formats of the commands that report no findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Plain {
    /// For people
    #[default]
    Human,
    /// One object, schema 1
    Json,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One object, schema 1
    Json,
    /// One line a finding: place, severity, rule and sentence
    Concise,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// Code Quality report of GitLab
    Gitlab,
    /// JUnit XML
    Junit,
    /// Reviewdog, with suggestions
    Rdjson,
    /// A comment of a pull request, a summary of a job
    Markdown,
}

impl Format {
    /// The same, for a command that reports no findings.
    #[must_use]
    pub fn plain(self) -> Option<Plain> {
        match self {
            Self::Human => Some(Plain::Human),
            Self::Json => Some(Plain::Json),
            _ => None,
        }
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// From which severity on the exit code is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum FailOn {
    /// Notes too
    Note,
    /// Warnings and errors
    Warning,
    /// Errors only
    Error,
    /// Findings never fail
    Never,
}
