//! What the arguments and the configuration come to: flags over the file, checked.

use std::borrow::Cow;
use std::path::Path;

use crate::config::{self, Config, SettingsTable};
use crate::error::Error;
use crate::karpenter::{Rules, Version};
use crate::settings::given::Given;
use crate::source::SourceMap;

use super::args::{CheckArgs, ConfigArgs, FailOn, SettingsArgs};
use super::silence::Silence;

/// What the arguments and the configuration come to.
pub(super) struct Plan {
    pub(super) given: Given,
    pub(super) version: Version,
    /// Whether nobody said which version.
    pub(super) version_assumed: bool,
    pub(super) fail_on: FailOn,
    pub(super) silence: Silence,
    pub(super) config: Config,
    pub(super) notes: Vec<String>,
}

/// The rules to use: built in, or those of a folder.
pub(super) fn rules(
    args: &ConfigArgs,
    sources: &SourceMap,
) -> Result<Cow<'static, Rules>, Vec<Error>> {
    match &args.rules {
        None => Ok(Cow::Borrowed(Rules::builtin())),
        Some(folder) => Rules::load(folder, sources).map(Cow::Owned),
    }
}

/// Reads the configuration and puts the flags over it.
pub(super) fn plan(args: &CheckArgs, rules: &Rules, sources: &SourceMap) -> Result<Plan, Error> {
    let (config, given) = installation(&args.settings, &args.config, rules, sources)?;
    let mut notes = Vec::new();
    let wanted = args.karpenter.as_ref().or(config.karpenter.as_ref());
    let version = match wanted {
        None => rules.latest(),
        Some(text) => {
            let resolved = rules.resolve(text)?;
            notes.extend(resolved.note);
            resolved.version
        }
    };
    let fail_on = match (args.fail_on, config.fail_on.as_deref()) {
        (Some(level), _) => level,
        (None, Some("warning")) => FailOn::Warning,
        (None, Some("note")) => FailOn::Note,
        (None, Some("never")) => FailOn::Never,
        _ => FailOn::Error,
    };
    let silence = Silence::new(args, &config, sources)?;
    Ok(Plan { given, version, version_assumed: wanted.is_none(), fail_on, silence, config, notes })
}

/// The configuration, and the installation that it and the flags describe.
pub(super) fn installation(
    settings: &SettingsArgs,
    args: &ConfigArgs,
    rules: &Rules,
    sources: &SourceMap,
) -> Result<(Config, Given), Error> {
    let config = read_config(args, sources)?;
    let given = Given::from_table(&merge(settings, &config.settings)?, rules)?;
    Ok((config, given))
}

fn read_config(args: &ConfigArgs, sources: &SourceMap) -> Result<Config, Error> {
    if args.no_config {
        return Ok(Config::default());
    }
    if let Some(path) = &args.config {
        return config::load(sources, path, &path.display().to_string());
    }
    let here = std::env::current_dir()
        .map_err(|error| Error::usage(format!("no working directory: {error}")))?;
    match config::find(&here) {
        None => Ok(Config::default()),
        Some(path) => {
            let name = relative(&path, &here);
            config::load(sources, &path, &name)
        }
    }
}

/// The path as seen from `here`.
fn relative(path: &Path, here: &Path) -> String {
    let Some(folder) = path.parent() else { return path.display().to_string() };
    let ups = here.strip_prefix(folder).map_or(0, |rest| rest.components().count());
    format!("{}{}", "../".repeat(ups), config::FILE_NAME)
}

/// Flags over the file; a repeatable flag that is given replaces the list.
fn merge(args: &SettingsArgs, file: &SettingsTable) -> Result<SettingsTable, Error> {
    let one = |flag: &Option<String>, file: &Option<String>| flag.clone().or_else(|| file.clone());
    let many = |flag: &[String], file: &Option<Vec<String>>| match flag {
        [] => file.clone(),
        some => Some(some.to_vec()),
    };
    let pairs =
        |name: &str, flag: &[String], file: &Option<std::collections::BTreeMap<String, String>>| {
            if flag.is_empty() {
                return Ok(file.clone());
            }
            let split = |pair: &String| {
                let (key, value) =
                    pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
                        Error::usage(format!("`{pair}` after {name} is not of the form KEY=VALUE"))
                    })?;
                Ok((key.to_owned(), value.to_owned()))
            };
            flag.iter().map(split).collect::<Result<_, Error>>().map(Some)
        };
    Ok(SettingsTable {
        cluster_name: one(&args.cluster_name, &file.cluster_name),
        region: one(&args.region, &file.region),
        account: one(&args.account, &file.account),
        partition: one(&args.partition, &file.partition),
        node_roles: many(&args.node_role, &file.node_roles),
        interruption_queue: one(&args.interruption_queue, &file.interruption_queue),
        capacity_types: many(&args.capacity_type, &file.capacity_types),
        node_pools: many(&args.node_pool, &file.node_pools),
        node_classes: many(&args.node_class, &file.node_classes),
        node_class_tags: pairs("--node-class-tag", &args.node_class_tag, &file.node_class_tags)?,
        features: many(&args.feature, &file.features),
        upgraded_from: one(&args.upgraded_from, &file.upgraded_from),
        context: pairs("--context", &args.context, &file.context)?,
        ..file.clone()
    })
}
