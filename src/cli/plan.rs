//! What the arguments and the configuration come to: flags over the file, checked.

use std::borrow::Cow;
use std::path::Path;

use crate::config::{self, Config, SettingsTable, Step};
use crate::error::Error;
use crate::karpenter::{Rules, Version};
use crate::report::place_of;
use crate::settings::given::Given;
use crate::settings::manifest::pins::{self, Pin};
use crate::source::SourceMap;
use crate::words::nearest_word;

use super::args::{CheckArgs, ConfigArgs, FailOn, SettingsArgs};
use super::manifests;
use super::silence::Silence;

/// What the arguments and the configuration come to.
pub(super) struct Plan {
    pub(super) given: Given,
    /// The version that is looked at.
    pub(super) version: Version,
    /// All versions to look at, oldest first.
    pub(super) versions: Vec<Version>,
    pub(super) version_from: VersionFrom,
    pub(super) fail_on: FailOn,
    pub(super) silence: Silence,
    pub(super) config: Config,
    pub(super) notes: Vec<String>,
    /// What is wrong with manifests: then nothing can be judged.
    pub(super) errors: Vec<Error>,
}

/// Who says which version is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VersionFrom {
    /// A flag or the configuration.
    Given,
    /// A file, at this place.
    File(String),
    /// Nobody: it is the newest that is known.
    Nobody,
}

/// The installation that flags, configuration and manifests describe.
pub(super) struct Installation {
    pub(super) config: Config,
    pub(super) given: Given,
    pub(super) notes: Vec<String>,
    pub(super) errors: Vec<Error>,
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

/// The rules and the plan, for a command that looks at one version and needs all of both.
///
/// # Errors
/// What stops the command: rules, configuration or manifests that are wrong, or several versions.
pub(super) fn whole(
    args: &CheckArgs,
    sources: &SourceMap,
) -> Result<(Cow<'static, Rules>, Plan), Vec<Error>> {
    let rules = rules(&args.config, sources)?;
    let plan = plan(args, &rules, sources).and_then(Plan::single).map_err(|error| vec![error])?;
    if plan.errors.is_empty() { Ok((rules, plan)) } else { Err(plan.errors) }
}

/// Reads the configuration and puts the flags over it.
pub(super) fn plan(args: &CheckArgs, rules: &Rules, sources: &SourceMap) -> Result<Plan, Error> {
    let Installation { config, given, mut notes, errors } =
        installation(&args.settings, &args.config, rules, sources)?;
    if args.paths.iter().any(String::is_empty) {
        let error = Error::usage("a path is empty").with_help("`.` is the working directory");
        return Err(error);
    }
    let pairs = [
        ("--parameter", "KEY=VALUE", &args.controllers.parameter),
        ("--var", "NAME=VALUE", &args.controllers.var),
    ];
    for (flag, form, given) in pairs {
        let is_pair =
            |pair: &&String| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty());
        if let Some(pair) = given.iter().find(|pair| !is_pair(pair)) {
            let error = Error::usage(format!("`{pair}` after {flag} is not of the form {form}"));
            return Err(error);
        }
    }
    // Without a limit that was given nothing is judged, so that nothing is read either.
    for path in args.controllers.boundary.iter().chain(&args.controllers.scp) {
        let shown = path.to_string_lossy();
        if shown != "-" && !shown.contains(['*', '?', '[']) && !path.exists() {
            let error = Error::file(shown, None, "there is no such file or folder");
            return Err(error.with_help("paths are taken from the working directory"));
        }
    }
    for key in given.context.iter().map(|(key, _)| key).filter(|key| !crate::aws::key_exists(key)) {
        let near = nearest_word(key, crate::aws::global_keys());
        let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        notes.push(format!("`{key}` after --context is no condition key that is known{near}"));
    }
    let wanted = args.karpenter.as_ref().or(config.karpenter.as_ref());
    let mut versions = Vec::new();
    let releases = wanted.map_or(Ok(Vec::new()), |text| rules.resolve_many(text));
    let releases = releases.map_err(|error| match &args.karpenter {
        Some(_) => error,
        None => config.blame(sources, error, &[Step::Key("karpenter")]),
    });
    for release in releases? {
        notes.extend(release.note);
        versions.push(release.version);
    }
    let mut plan_from = VersionFrom::Given;
    if versions.is_empty() {
        plan_from = VersionFrom::Nobody;
        versions.push(rules.latest());
    }
    let version = versions.first().copied().unwrap_or_else(|| rules.latest());
    let fail_on = match (args.fail_on, config.fail_on.as_deref()) {
        (Some(level), _) => level,
        (None, Some("warning")) => FailOn::Warning,
        (None, Some("note")) => FailOn::Note,
        (None, Some("never")) => FailOn::Never,
        _ => FailOn::Error,
    };
    let silence = Silence::new(args, &config, sources)?;
    Ok(Plan {
        given,
        version,
        versions,
        version_from: plan_from,
        fail_on,
        silence,
        config,
        notes,
        errors,
    })
}

impl Plan {
    /// The plan, for a command that looks at one version.
    ///
    /// # Errors
    /// Several versions.
    pub(super) fn single(self) -> Result<Self, Error> {
        if self.versions.len() > 1 {
            return Err(Error::usage("this command takes one version, not several")
                .with_help("`karplint check` and `karplint preflight` take a range"));
        }
        Ok(self)
    }

    /// Takes the version that manifests pin, else the one that the files of the tree do, unless somebody
    /// gave one. Of several it is the newest: a policy is changed before the last cluster is.
    pub(super) fn settle_version(&mut self, tree: &[Pin], rules: &Rules, sources: &SourceMap) {
        if self.version_from != VersionFrom::Nobody {
            return;
        }
        let (mut found, mut told) = pins::resolve(&self.given.manifests.pins, rules);
        if found.is_empty() {
            let (in_tree, told_of_tree) = pins::resolve(tree, rules);
            found = in_tree;
            told.extend(told_of_tree);
        }
        for (span, message) in told {
            self.notes.push(format!("{}: {message}", place_of(sources, span)));
        }
        let Some(newest) = found.first() else { return };
        self.version = newest.version;
        self.versions = vec![newest.version];
        self.version_from = VersionFrom::File(place_of(sources, newest.span));
        if let (Some(oldest), true) = (found.last(), found.len() > 1) {
            let places: Vec<String> = found
                .iter()
                .map(|one| format!("{} in {}", one.version, place_of(sources, one.span)))
                .collect();
            self.notes.push(format!(
                "the files name several versions of Karpenter: {}; looked at is {}, and --karpenter {}..{} looks at all of them",
                crate::check::words::list(&places, 4),
                newest.version,
                oldest.version,
                newest.version
            ));
        }
    }
}

/// The configuration, and the installation that it, the flags and the manifests describe.
pub(super) fn installation(
    settings: &SettingsArgs,
    args: &ConfigArgs,
    rules: &Rules,
    sources: &SourceMap,
) -> Result<Installation, Error> {
    let config = read_config(args, sources)?;
    if let Some(text) =
        config.settings.upgraded_from.as_ref().filter(|_| settings.upgraded_from.is_none())
    {
        let steps = [Step::Key("settings"), Step::Key("upgraded-from")];
        rules.resolve(text).map_err(|error| config.blame(sources, error, &steps))?;
    }
    let mut given = Given::from_table(&merge(settings, &config.settings)?, rules)?;
    let mut errors = Vec::new();
    let mut notes = match manifests::read(&settings.manifest, &config, sources) {
        Ok((read, notes)) => {
            given.manifests = read;
            notes
        }
        Err(wrong) => {
            errors = wrong;
            Vec::new()
        }
    };
    notes.extend(manifests::overridden(&given, sources));
    Ok(Installation { config, given, notes, errors })
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
