//! What a release of Karpenter calls, read out of its source with git alone.
//!
//! A call is a method whose name is an operation of an AWS service (`.CreateFleet(`, of SDK v1 also
//! `.CreateFleetWithContext(` and `.CreateFleetPages(`), or a paginator (`ec2.NewDescribeSubnetsPaginator(`).
//! It is a dry run if `DryRun` is set to true in it, or its error is looked at for `DryRunOperation`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use karplint::karpenter::Version;

/// Where the controller's own code stands; tests, fakes and tools do not run in a cluster.
const ROOTS: [&str; 2] = ["cmd/*.go", "pkg/*.go"];
const LEFT_OUT: [&str; 2] = ["pkg/fake/", "pkg/test/"];

/// Names of SDK packages that are not the prefix of their actions.
const PREFIXES: [(&str, &str); 2] =
    [("arczonalshift", "arc-zonal-shift"), ("timestreamwrite", "timestream")];

/// How far behind a call its error is looked at, in lines.
const REACH: usize = 7;

/// A clone of aws/karpenter-provider-aws; it may be bare.
pub(crate) struct Clone {
    path: PathBuf,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// `ec2:CreateFleet`.
    pub(crate) action: String,
    /// Whether it is a dry run.
    pub(crate) dry_run: bool,
    /// File, from the root of the repository, and function: `pkg/batcher/createfleet.go:CreateFleet`.
    pub(crate) at: String,
    /// Lines in it.
    pub(crate) lines: Vec<usize>,
}

impl Clone {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }

    fn git(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new("git").arg("-C").arg(&self.path).args(args).output();
        let output = output.map_err(|error| format!("cannot run git: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("git {}: {}", args.first().unwrap_or(&""), why.trim()))
    }

    /// The releases that are tagged, oldest first.
    pub(crate) fn releases(&self) -> Result<Vec<Version>, String> {
        let tags = self.git(&["tag", "--list", "v*"])?;
        let parse = |tag: &str| match Version::parse_partial(tag)? {
            (major, minor, Some(patch)) => Some(Version::new(major, minor, patch)),
            _ => None,
        };
        let mut releases: Vec<Version> = tags.lines().filter_map(parse).collect();
        releases.sort();
        Ok(releases)
    }

    /// Every call of a tag, by action and place.
    pub(crate) fn calls(&self, tag: &str) -> Result<Vec<Call>, String> {
        // Every line of the sources, in one go.
        let mut args = vec!["grep", "-I", "-n", "", tag, "--"];
        args.extend(ROOTS);
        let text = self.git(&args)?;
        let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in text.lines() {
            let rest = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(':'));
            let mut parts = rest.unwrap_or(line).splitn(3, ':');
            if let (Some(file), Some(_), Some(text)) = (parts.next(), parts.next(), parts.next()) {
                files.entry(file).or_default().push(text);
            }
        }
        files.retain(|file, _| {
            let name = file.rsplit('/').next().unwrap_or(file);
            !name.ends_with("_test.go")
                && !name.starts_with("zz_generated")
                && !LEFT_OUT.iter().any(|folder| file.starts_with(folder))
        });
        let operations = operations(&files);
        let mut found: BTreeMap<(String, bool, String), Vec<usize>> = BTreeMap::new();
        for (file, lines) in &files {
            let mut function = "";
            for (at, line) in lines.iter().enumerate() {
                function = function_of(line).unwrap_or(function);
                for name in methods(line) {
                    let Some(action) = operation(name, &operations) else { continue };
                    let behind = lines.iter().skip(at).take(REACH);
                    let behind = behind.take_while(|line| **line != "}");
                    let place = format!("{file}:{function}");
                    let place = (action.clone(), is_dry_run(behind), place);
                    found.entry(place).or_default().push(at + 1);
                }
            }
        }
        let call = |((action, dry_run, at), lines)| Call { action, dry_run, at, lines };
        Ok(found.into_iter().map(call).collect())
    }
}

/// Name of an operation to its action: what AWS lists for the services that the sources import, and what
/// the sources have an input of.
fn operations(files: &BTreeMap<&str, Vec<&str>>) -> BTreeMap<String, String> {
    let mut services = BTreeSet::new();
    let mut out = BTreeMap::new();
    for line in files.values().flatten() {
        if let Some((_, rest)) = line.split_once("aws-sdk-go")
            && let Some((_, rest)) = rest.split_once("/service/")
        {
            services.insert(rest.split(['/', '"']).next().unwrap_or("").to_owned());
        }
    }
    let prefix = |service: &str| {
        let known = PREFIXES.iter().find(|(package, _)| *package == service);
        known.map_or(service.to_owned(), |(_, prefix)| (*prefix).to_owned())
    };
    for service in &services {
        for name in karplint::aws::actions(&prefix(service)) {
            out.insert(name.to_owned(), format!("{}:{name}", prefix(service)));
        }
    }
    for line in files.values().flatten() {
        for (at, _) in line.match_indices("Input") {
            let before = line.get(..at).unwrap_or("");
            let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '.');
            let word = before.get(start.map_or(0, |at| at + 1)..).unwrap_or("");
            if let Some((service, name)) = word.split_once('.')
                && services.contains(service)
                && name.starts_with(|c: char| c.is_ascii_uppercase())
            {
                let action = format!("{}:{name}", prefix(service));
                out.entry(name.to_owned()).or_insert(action);
            }
        }
    }
    out
}

/// The name of the function that begins in this line.
fn function_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("func ")?;
    let rest = match rest.strip_prefix('(') {
        Some(receiver) => receiver.split_once(") ")?.1,
        None => rest,
    };
    rest.split(['(', '[']).next()
}

/// The names of methods and functions of packages that a line calls.
fn methods(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or("");
    let mut out = Vec::new();
    for (at, _) in code.match_indices('(') {
        let before = code.get(..at).unwrap_or("");
        let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        if let Some(start) = start.filter(|start| before.get(*start..=*start) == Some(".")) {
            out.extend(before.get(start + 1..));
        }
    }
    out
}

fn operation<'o>(name: &str, operations: &'o BTreeMap<String, String>) -> Option<&'o String> {
    let paginator = name.strip_prefix("New").and_then(|name| name.strip_suffix("Paginator"));
    let plain = name.strip_suffix("WithContext").unwrap_or(name);
    let plain = plain.strip_suffix("Pages").unwrap_or(plain);
    operations.get(paginator.unwrap_or(plain))
}

fn is_dry_run<'l>(mut lines: impl Iterator<Item = &'l &'l str>) -> bool {
    lines.any(|line| {
        line.contains("IgnoreDryRunError(")
            || line.contains("IsDryRunError(")
            || line.contains("\"DryRunOperation\"")
            || (line.contains("DryRun:") && line.contains("(true)"))
    })
}

/// `v1.4.4`.
pub(crate) fn tag(version: Version) -> String {
    format!("v{version}")
}
