//! `karplint generate config`: a `karplint.toml` of what the tree says.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::config::FILE_NAME;
use crate::controller::Controller;
use crate::error::Error;
use crate::order;
use crate::policy::symbolic::Symbolic;
use crate::report::{escape, place_of};
use crate::settings::infer::Resolved;
use crate::source::SourceMap;

use super::super::args::{CheckArgs, ConfigArgs, SettingsArgs};
use super::super::check::fail;
use super::super::fix::{self, Texts};
use super::super::inputs::{self, Loaded};
use super::super::judge::{controllers, settle};
use super::super::plan::{Plan, VersionFrom, plan, rules};
use super::super::{Status, manifests};
use super::files;

/// Arguments of `generate config`.
#[derive(Debug, Clone, ClapArgs)]
pub struct ConfigFileArgs {
    /// Files, folders or globs; `-` reads standard input [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Write karplint.toml into the working directory, in place of standard output
    #[arg(long, help_heading = "Output")]
    pub write: bool,
    /// Write over a file that is there
    #[arg(long, help_heading = "Output", requires = "write")]
    pub force: bool,
}

/// Runs the command. What a configuration says that is there already does not count.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &ConfigFileArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let sources = SourceMap::new();
    let no_config = ConfigArgs { no_config: true, ..ConfigArgs::default() };
    let rules = match rules(&no_config, &sources) {
        Ok(rules) => rules,
        Err(errors) => return fail(&errors, &sources, err),
    };
    let mut as_check =
        CheckArgs { paths: args.paths.clone(), config: no_config, ..CheckArgs::default() };
    let piped = fix::stdin(&as_check)?;
    let mut plan = match plan(&as_check, &rules, &sources) {
        Ok(plan) => plan,
        Err(error) => return fail(&[error], &sources, err),
    };
    let loaded =
        inputs::read(&as_check, &plan.config, &mut piped.as_slice(), &sources, &Texts::new());
    as_check.settings =
        SettingsArgs { manifest: loaded.manifests.clone(), ..SettingsArgs::default() };
    match manifests::read(&as_check.settings.manifest, &plan.config, &sources) {
        Ok((read, notes)) => {
            plan.given.manifests = read;
            plan.notes.extend(notes);
        }
        Err(errors) => return fail(&errors, &sources, err),
    }
    plan.settle_version(&loaded.pins, &rules, &sources);
    for note in &plan.notes {
        writeln!(err, "{}", escape::line(note))?;
    }
    // A folder without any policy may still hold manifests.
    let only_manifests = loaded.documents.is_empty() && !loaded.manifests.is_empty();
    if !loaded.errors.is_empty() && !only_manifests {
        return fail(&loaded.errors, &sources, err);
    }
    let controllers = controllers(&as_check, &plan, &loaded);
    if controllers.is_empty() && loaded.manifests.is_empty() {
        let error = Error::usage("nothing of Karpenter found: neither policies nor manifests");
        return fail(&[error], &sources, err);
    }
    let text = Tree { plan: &plan, loaded: &loaded, controllers: &controllers, sources: &sources };
    let text = text.config();
    if !args.write {
        out.write_all(text.as_bytes())?;
        return Ok(Status::Clean);
    }
    match files::write(&[(PathBuf::from(FILE_NAME), text)], args.force) {
        Ok(()) => {
            writeln!(out, "{FILE_NAME}")?;
            Ok(Status::Clean)
        }
        Err(error) => fail(&[error], &sources, err),
    }
}

/// What was found.
struct Tree<'a> {
    plan: &'a Plan,
    loaded: &'a Loaded,
    controllers: &'a [Controller],
    sources: &'a SourceMap,
}

/// A setting, and where that comes from.
struct Line {
    name: &'static str,
    value: String,
    from: String,
}

impl Tree<'_> {
    fn config(&self) -> String {
        let mut out = String::new();
        match &self.plan.version_from {
            VersionFrom::File(place) => {
                let version = quoted(&self.plan.version.to_string());
                out.push_str(&format!("karpenter = {version}  # {}\n", comment(place)));
            }
            _ => out.push_str("# karpenter = \"1.4\"  # no file tells the version\n"),
        }
        out.push_str("\n[settings]\n");
        for line in self.settings() {
            let from = if line.from.is_empty() {
                String::new()
            } else {
                format!("  # {}", comment(&line.from))
            };
            out.push_str(&format!("{} = {}{from}\n", line.name, line.value));
        }
        if !self.loaded.manifests.is_empty() {
            let mut files = self.loaded.manifests.clone();
            order::sort(&mut files);
            files.dedup();
            out.push_str(&format!("manifests = {}\n", list(&files)));
        }
        out.push_str(&self.tables());
        out
    }

    /// What all controllers agree on. What manifests say is read from them each time.
    fn settings(&self) -> Vec<Line> {
        let documents = &self.loaded.documents;
        let all: Vec<Resolved> =
            self.controllers.iter().map(|one| settle(one, documents, self.plan)).collect();
        let said = &self.plan.given.manifests;
        let in_manifests = |name: &str| match name {
            "cluster-name" => said.install.cluster.is_some(),
            "region" => said.install.region.is_some(),
            "interruption-queue" => said.install.queue.is_some(),
            "node-roles" => said.classes.iter().any(|class| class.role.is_some()),
            _ => false,
        };
        let mut out = Vec::new();
        let names =
            ["cluster-name", "region", "account", "partition", "node-roles", "interruption-queue"];
        for name in names.into_iter().filter(|name| !in_manifests(name)) {
            let mut values: BTreeMap<String, String> = BTreeMap::new();
            for resolved in &all {
                if let Some(value) = value(resolved, name) {
                    values.entry(value).or_insert_with(|| self.from(resolved, name));
                }
            }
            if let (1, Some((value, from))) = (values.len(), values.pop_first()) {
                out.push(Line { name, value, from });
            }
        }
        out
    }

    /// Where a setting is written.
    fn from(&self, resolved: &Resolved, name: &str) -> String {
        let found = resolved.assumptions.iter().find(|one| one.symbol == name);
        let place = found.and_then(|one| one.place);
        place.map(|span| place_of(self.sources, span)).unwrap_or_default()
    }

    /// The controllers whose documents stand in files of their own: nothing in them says that they belong
    /// together.
    fn tables(&self) -> String {
        let mut out = String::new();
        let mut names: Vec<String> = Vec::new();
        for controller in self.controllers {
            let own = |indices: &[usize]| -> Vec<String> {
                let documents = indices.iter().filter_map(|at| self.loaded.documents.get(*at));
                let mut files: Vec<String> = documents
                    .filter(|document| !document.is_filled_in)
                    .map(|document| document.file.clone())
                    .collect();
                order::sort(&mut files);
                files.dedup();
                files
            };
            let files = own(&controller.identity);
            if files.len() < 2 || controller.role.is_some() {
                continue;
            }
            out.push_str("\n[[controller]]\n");
            let settings = settle(controller, &self.loaded.documents, self.plan).settings;
            let name = settings.cluster.as_literal().unwrap_or("karpenter").to_owned();
            let more = names.iter().filter(|known| **known == name).count();
            let number = if more > 0 { format!("-{}", more + 1) } else { String::new() };
            out.push_str(&format!("name = {}\n", quoted(&format!("{name}{number}"))));
            names.push(name);
            out.push_str(&format!("policies = {}\n", list(&files)));
            let trust = controller.trust.map(|at| own(&[at])).unwrap_or_default();
            if let [file] = trust.as_slice() {
                out.push_str(&format!("trust-policy = {}\n", quoted(file)));
            }
        }
        out
    }
}

/// A setting as TOML; `None` if nobody knows it.
fn value(resolved: &Resolved, name: &str) -> Option<String> {
    let settings = &resolved.settings;
    let one = |text: &Symbolic| text.as_literal().map(quoted);
    match name {
        "cluster-name" => one(&settings.cluster),
        "region" => one(&settings.region),
        "account" => one(&settings.account),
        "partition" => one(&settings.partition),
        "interruption-queue" => one(settings.queue.as_ref()?),
        "node-roles" => {
            let roles: Option<Vec<String>> = settings
                .node_roles
                .iter()
                .map(|role| role.as_literal().map(str::to_owned))
                .collect();
            roles.filter(|roles| !roles.is_empty()).map(|roles| list(&roles))
        }
        _ => None,
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    let items: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", items.join(", "))
}

/// Text of the files, on one line of a comment.
fn comment(text: &str) -> String {
    escape::line(text)
}
