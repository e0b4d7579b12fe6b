//! `karplint.toml`: found upward from the working directory, every mistake told with its place.

mod place;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::source::{SMALL, SourceId, SourceMap, Span, read_text, reason};
use crate::words::nearest_word;

pub use place::Step;

/// The name that is looked for.
pub const FILE_NAME: &str = "karplint.toml";

/// All that `karplint.toml` can say.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// The Karpenter version.
    pub karpenter: Option<String>,
    /// Which karplint versions may read this file: `>=0.1`.
    pub required_version: Option<String>,
    /// Severity from which the exit code is 1.
    pub fail_on: Option<String>,
    /// Globs of files that are not looked at.
    pub exclude: Vec<String>,
    /// The installation.
    pub settings: SettingsTable,
    /// What binds one principal.
    pub controller: Vec<ControllerTable>,
    /// What not to report.
    pub ignore: Vec<IgnoreTable>,
    /// The folder of the file; paths in it are relative to this.
    #[serde(skip)]
    pub root: PathBuf,
    /// The text of the file, and what to call it in messages.
    #[serde(skip)]
    pub source: Option<(SourceId, String)>,
}

/// `[settings]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SettingsTable {
    /// The EKS cluster's name.
    pub cluster_name: Option<String>,
    /// The cluster's region.
    pub region: Option<String>,
    /// The cluster's account: twelve digits.
    pub account: Option<String>,
    /// `aws`, `aws-cn`, …
    pub partition: Option<String>,
    /// ARNs of the roles of nodes.
    pub node_roles: Option<Vec<String>>,
    /// Name or ARN; empty: there is none.
    pub interruption_queue: Option<String>,
    /// `on-demand`, `spot`, `reserved`.
    pub capacity_types: Option<Vec<String>>,
    /// NodePool names.
    pub node_pools: Option<Vec<String>>,
    /// EC2NodeClass names.
    pub node_classes: Option<Vec<String>>,
    /// `spec.tags`.
    pub node_class_tags: Option<BTreeMap<String, String>>,
    /// `amiSelectorTerms[].ssmParameter`.
    pub ssm_parameters: Option<Vec<String>>,
    /// ARNs of customer managed keys.
    pub kms_keys: Option<Vec<String>>,
    /// Snapshots of block devices.
    pub snapshot_ids: Option<Vec<String>>,
    /// `spec.instanceProfile`.
    pub instance_profile: Option<String>,
    /// What is switched on.
    pub features: Option<Vec<String>>,
    /// Nodes made by this version still exist.
    pub upgraded_from: Option<String>,
    /// Values of condition keys.
    pub context: Option<BTreeMap<String, String>>,
    /// Files, folders or globs of manifests to read settings from.
    pub manifests: Option<Vec<String>>,
}

/// `[[controller]]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ControllerTable {
    /// What to call it.
    pub name: String,
    /// Globs of its identity policies.
    pub policies: Vec<String>,
    /// Its permissions boundary.
    pub boundary: Option<String>,
    /// Service control policies, a list of files for each level.
    pub scps: Vec<Vec<String>>,
    /// Its trust policy.
    pub trust_policy: Option<String>,
    /// `namespace/name` of its service account.
    pub service_account: Option<String>,
}

/// `[[ignore]]`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IgnoreTable {
    /// The rule to silence.
    #[cfg_attr(test, schemars(with = "String"))]
    pub rule: toml::Spanned<String>,
    /// Why; required, so that nobody has to ask.
    pub reason: String,
    /// Glob of the file.
    #[serde(default)]
    pub path: Option<String>,
    /// The action concerned.
    #[serde(default)]
    pub action: Option<String>,
    /// `Sid` of the statement.
    #[serde(default)]
    pub sid: Option<String>,
    /// Address of the resource.
    #[serde(default)]
    pub address: Option<String>,
    /// Name of the controller.
    #[serde(default)]
    pub controller: Option<String>,
}

/// The nearest `karplint.toml` from `start` upward.
#[must_use]
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file())
}

/// Reads and checks a config file. `name` is what to call it in messages.
///
/// # Errors
/// When the file cannot be read, is not TOML, or holds something that is not known.
pub fn load(sources: &SourceMap, path: &Path, name: &str) -> Result<Config, Error> {
    let text = read_text(path, SMALL).map_err(|error| {
        Error::file(name, None, format!("cannot read the configuration: {}", reason(&error)))
    })?;
    let source = sources.add_file(name, text.as_str());
    let mut config: Config =
        toml::from_str(&text).map_err(|error| explain(name, source, &error))?;
    config.root = path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    config.source = Some((source, name.to_owned()));
    values::check(name, source, &text)?;
    Ok(config)
}

/// Whether this program is of a wanted version: `>=0.1`, `0.1`, `=0.1.0`; `None` if that asks for none.
fn version_satisfied(required: &str) -> Option<bool> {
    let parse = |text: &str| -> Option<Vec<u64>> {
        text.trim().split('.').map(|part| part.parse().ok()).collect()
    };
    let ours = parse(env!("CARGO_PKG_VERSION")).unwrap_or_default();
    let satisfied = |one: &str| {
        let one = one.trim();
        let (sign, rest) =
            one.split_at(one.find(|c: char| c.is_ascii_digit()).unwrap_or(one.len()));
        let wanted = parse(rest)?;
        let same = ours.iter().zip(&wanted).all(|(a, b)| a == b);
        Some(match sign.trim() {
            ">=" => ours >= wanted || same,
            ">" => ours > wanted && !same,
            "<=" => ours <= wanted || same,
            "<" => ours < wanted && !same,
            "" | "=" | "==" => same,
            _ => return None,
        })
    };
    required.split(',').try_fold(true, |all, one| Some(all & satisfied(one)?))
}

fn span(source: SourceId, start: usize, end: usize) -> Span {
    let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(source, clip(start), clip(end))
}

/// toml's message in our words, with a suggestion for a misspelt key.
fn explain(name: &str, source: SourceId, error: &toml::de::Error) -> Error {
    let place = error.span().map(|range| span(source, range.start, range.end));
    let message = error.message();
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return Error::file(name, place, message.trim().replace('\n', "; "));
    };
    let written = rest.split('`').next().unwrap_or_default();
    let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
    let error = Error::file(name, place, format!("`{written}` is not a setting"));
    match nearest_word(written, known.iter().copied()) {
        Some(word) => error.with_help(format!("did you mean `{word}`?")),
        None if known.is_empty() => error,
        None => error.with_help(format!("known here: {}", known.join(", "))),
    }
}
