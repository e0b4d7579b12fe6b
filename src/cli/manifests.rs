//! Reads what `--manifest` and `manifests =` name, and tells where it contradicts what was given.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Config, Step};
use crate::error::Error;
use crate::order;
use crate::report::place_of;
use crate::settings::given::Given;
use crate::settings::manifest::{Manifests, Said};
use crate::source::paths::seen_from;
use crate::source::{Inputs, SourceMap, Span};

/// The endings of files that a folder of manifests is searched for.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// How paths of the configuration are meant.
pub(super) const BESIDE: &str =
    "files, folders or globs, taken from the folder of the configuration";

/// Reads the manifests that the flags name, else those of the configuration.
///
/// # Errors
/// A pattern that names nothing, a file that cannot be read, everything that is wrong in one.
pub(super) fn read(
    flags: &[String],
    config: &Config,
    sources: &SourceMap,
) -> Result<(Manifests, Vec<String>), Vec<Error>> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let listed = config.settings.manifests.as_deref().unwrap_or_default();
    let (patterns, root) = match flags {
        [] => (listed, config.root.as_path()),
        some => (some, Path::new("")),
    };
    let (mut manifests, mut errors) = (Manifests::default(), Vec::new());
    let mut notes = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for (at, pattern) in patterns.iter().enumerate() {
        let files = files(root, pattern);
        if files.is_empty() {
            let error = Error::usage(format!("no manifest found: nothing matches `{pattern}`"));
            errors.push(if flags.is_empty() {
                let steps = [Step::Key("settings"), Step::Key("manifests"), Step::Item(at)];
                config.blame(sources, error, &steps).with_help(BESIDE)
            } else {
                error.with_help("--manifest takes a file, a folder or a glob")
            });
        }
        let before = manifests.objects + manifests.errors.len();
        for file in files {
            // Those of the configuration are seen from the working directory like all others.
            let file = if flags.is_empty() { seen_from(&here.join(&file), &here) } else { file };
            let known = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.contains(&known) {
                continue;
            }
            seen.push(known);
            let inputs = Inputs { paths: vec![file], root: here.clone(), ..Inputs::default() };
            let collected = crate::source::collect(&inputs, &mut io::stdin(), sources);
            errors.extend(collected.errors.iter().map(Error::from));
            for file in &collected.files {
                manifests.read(sources, file.id);
            }
        }
        if manifests.objects + manifests.errors.len() == before && errors.is_empty() {
            notes.push(format!(
                "{pattern} says nothing of Karpenter: no EC2NodeClass, NodePool, Helm values or controller"
            ));
        }
    }
    order::by_key(&mut manifests.errors, |error| error.span);
    errors.append(&mut manifests.errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    for (what, first, second) in &manifests.contradictions {
        notes.push(format!(
            "{} contradicts {}: `{what}` is what the first says",
            place_of(sources, *second),
            place_of(sources, *first)
        ));
    }
    Ok((manifests, notes))
}

/// The files that a pattern means, sorted.
fn files(root: &Path, pattern: &str) -> Vec<PathBuf> {
    if pattern == "-" {
        return vec![PathBuf::from("-")];
    }
    let path = root.join(pattern);
    if path.is_file() {
        return vec![path];
    }
    let globs: Vec<PathBuf> = match path.is_dir() {
        true => ENDINGS.iter().map(|ending| path.join(format!("**/*.{ending}"))).collect(),
        false => vec![path],
    };
    let mut files: Vec<PathBuf> = globs
        .iter()
        .filter_map(|pattern| glob::glob(pattern.to_str()?).ok())
        .flat_map(|found| found.flatten().filter(|path| path.is_file()))
        .collect();
    order::sort(&mut files);
    files
}

/// Where what was given wins over another value of a manifest.
pub(super) fn overridden(given: &Given, sources: &SourceMap) -> Vec<String> {
    let mut notes = Vec::new();
    let mut told = |setting: &str, given: &str, said: &str, span: Span| {
        notes.push(format!(
            "`{setting}` is {given} as given, though {} says {said}",
            place_of(sources, span)
        ));
    };
    let install = &given.manifests.install;
    for (setting, given, said) in [
        ("cluster-name", &given.cluster, &install.cluster),
        ("region", &given.region, &install.region),
        ("interruption-queue", &given.queue, &install.queue),
    ] {
        if let (Some(given), Some(said)) = (given, said)
            && let Some(literal) = said.value.as_literal()
            && literal != given
            && !given.ends_with(&format!(":{literal}"))
        {
            told(setting, &quoted(given), &quoted(literal), said.span);
        }
    }
    for feature in &given.features {
        if let Some(said) = install.features.get(feature).filter(|said| !said.value) {
            told(feature.name(), "on", "false", said.span);
        }
    }
    if let Some(kinds) = &given.capacity_types {
        for pool in &given.manifests.pools {
            let more = pool.capacity_types.iter().any(|kind| !kinds.contains(kind));
            if let (true, Some(span)) = (more, pool.capacity_span) {
                let list = |kinds: &[crate::settings::CapacityType]| {
                    let names: Vec<String> = kinds.iter().map(|kind| quoted(kind.name())).collect();
                    crate::check::words::list(&names, 3)
                };
                told("capacity-types", &list(kinds), &list(&pool.capacity_types), span);
            }
        }
    }
    let pools = given.manifests.pools.iter().filter_map(|pool| pool.name.as_ref());
    let classes = given.manifests.classes.iter().filter_map(|class| class.name.as_ref());
    let roles = given.manifests.classes.iter().filter_map(|class| class.role.as_ref());
    let mut lists: Vec<(&str, &[String], &Said<_>)> = Vec::new();
    let list =
        |given: &'_ Option<Vec<String>>| -> Vec<String> { given.clone().unwrap_or_default() };
    let (own_pools, own_classes) = (list(&given.node_pools), list(&given.node_classes));
    let own_roles = list(&given.node_roles);
    lists.extend(pools.map(|said| ("node-pools", own_pools.as_slice(), said)));
    lists.extend(classes.map(|said| ("node-classes", own_classes.as_slice(), said)));
    lists.extend(roles.map(|said| ("node-roles", own_roles.as_slice(), said)));
    for (setting, given, said) in lists {
        let Some(literal) = said.value.as_literal() else { continue };
        let same = |given: &String| given == literal || given.ends_with(&format!("/{literal}"));
        if !given.is_empty() && !given.iter().any(same) {
            let given: Vec<String> = given.iter().map(|given| quoted(given)).collect();
            let given = crate::check::words::list(&given, 3);
            told(setting, &given, &quoted(literal), said.span);
        }
    }
    notes
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { crate::check::words::code(text) }
}
