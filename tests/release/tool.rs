//! Compares what a release of Karpenter calls with what the rules of that version say; see
//! docs/releases.md.
//!
//! ```text
//! cargo run --example compare-release -- CLONE [TAG] [--data-of VERSION] [--rules DIR] [--list] [--sites]
//! ```

#[path = "compare.rs"]
mod compare;
#[path = "upstream.rs"]
mod upstream;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use karplint::karpenter::{Rules, Version};
use karplint::source::SourceMap;

/// Compares what a release of Karpenter calls with what the rules of that version say
#[derive(Parser)]
struct Args {
    /// A clone of aws/karpenter-provider-aws, bare or not
    clone: PathBuf,
    /// A tag or branch; without it the newest patch of every minor from 1.0 on
    tag: Option<String>,
    /// Hold it against the rules of this version; by default that of the tag, or the newest known
    #[arg(long, value_name = "VERSION")]
    data_of: Option<String>,
    /// Rules of a folder, in place of the built-in ones
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Where calls are known to stand
    #[arg(long, value_name = "FILE", default_value = "tests/release/sites.toml")]
    known: PathBuf,
    /// Print every call and where it stands
    #[arg(long)]
    list: bool,
    /// Print the sites of all releases from 1.0 on, in the form of sites.toml
    #[arg(long)]
    sites: bool,
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    match run(&Args::parse(), &mut out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing differs.
fn run(args: &Args, out: &mut dyn Write) -> Result<bool, String> {
    let clone = upstream::Clone::new(&args.clone);
    if args.sites {
        return sites(&clone, out).map(|()| true);
    }
    let rules = match &args.rules {
        None => Cow::Borrowed(Rules::builtin()),
        Some(folder) => Cow::Owned(load(folder)?),
    };
    let text = std::fs::read_to_string(&args.known)
        .map_err(|error| format!("{}: {error}", args.known.display()))?;
    let known = compare::Known::parse(&text)?;
    let tags = match &args.tag {
        Some(tag) => vec![tag.clone()],
        None => newest_patches(&clone)?.into_iter().map(upstream::tag).collect(),
    };
    let mut same = true;
    for tag in tags {
        same &= one(args, &clone, &rules, &known, &tag, out)?;
    }
    Ok(same)
}

fn load(folder: &Path) -> Result<Rules, String> {
    Rules::load(folder, &SourceMap::new()).map_err(|errors| {
        let texts: Vec<String> =
            errors.iter().map(|error| format!("{}: {}", error.file, error.message)).collect();
        texts.join("\n")
    })
}

fn one(
    args: &Args,
    clone: &upstream::Clone,
    rules: &Rules,
    known: &compare::Known,
    tag: &str,
    out: &mut dyn Write,
) -> Result<bool, String> {
    let write = |error: io::Error| error.to_string();
    let calls = clone.calls(tag)?;
    let release = match Version::parse_partial(tag) {
        Some((major, minor, Some(patch))) => Version::new(major, minor, patch),
        _ => rules.latest(),
    };
    let data = match &args.data_of {
        // A release that is not known yet is held against the newest that is.
        None => release.min(rules.latest()),
        Some(text) => rules.resolve(text).map_err(|error| error.message)?.version,
    };
    let found = compare::compare(&calls, rules, known, release, data);
    if args.list {
        for call in &calls {
            let lines: Vec<String> = call.lines.iter().map(ToString::to_string).collect();
            let dry = if call.dry_run { "dry run" } else { "real" };
            writeln!(out, "{:<36} {dry:<7} {} (line {})", call.action, call.at, lines.join(", "))
                .map_err(write)?;
        }
    }
    let places: usize = calls.iter().map(|call| call.lines.len()).sum();
    writeln!(
        out,
        "{tag} against the rules of {data}: {} calls at {places} places, {} differences, {} excused",
        calls.iter().map(|call| (&call.action, call.dry_run)).collect::<std::collections::BTreeSet<_>>().len(),
        found.differences.len(),
        found.excused.len()
    )
    .map_err(write)?;
    for difference in &found.differences {
        writeln!(out, "  {difference}").map_err(write)?;
    }
    for excuse in &found.excused {
        writeln!(out, "  excused {excuse}").map_err(write)?;
    }
    Ok(found.differences.is_empty())
}

fn newest_patches(clone: &upstream::Clone) -> Result<Vec<Version>, String> {
    let mut newest: BTreeMap<(u32, u32), Version> = BTreeMap::new();
    for release in clone.releases()?.into_iter().filter(|release| release.major >= 1) {
        newest.insert((release.major, release.minor), release);
    }
    Ok(newest.into_values().collect())
}

/// Every site with the releases that have it.
fn sites(clone: &upstream::Clone, out: &mut dyn Write) -> Result<(), String> {
    let releases: Vec<Version> =
        clone.releases()?.into_iter().filter(|release| release.major >= 1).collect();
    let mut all: BTreeMap<(String, bool, String), Vec<bool>> = BTreeMap::new();
    for (at, release) in releases.iter().enumerate() {
        for call in clone.calls(&upstream::tag(*release))? {
            let has = all.entry((call.action, call.dry_run, call.at)).or_default();
            has.resize(at, false);
            has.push(true);
        }
    }
    let write = |error: io::Error| error.to_string();
    writeln!(out, "site = [").map_err(write)?;
    for ((call, dry_run, at), mut has) in all {
        has.resize(releases.len(), false);
        let mut ranges: Vec<String> = Vec::new();
        let mut open: Option<Version> = None;
        for (release, has) in releases.iter().zip(has) {
            match (open, has) {
                (None, true) => open = Some(*release),
                (Some(from), false) => {
                    ranges.push(format!("\"{from}..{release}\""));
                    open = None;
                }
                _ => {}
            }
        }
        ranges.extend(open.map(|from| format!("\"{from}..\"")));
        let dry = if dry_run { ", dry_run = true" } else { "" };
        let ranges = ranges.join(", ");
        writeln!(out, "  {{ call = \"{call}\"{dry}, at = \"{at}\",\n    versions = [{ranges}] }},")
            .map_err(write)?;
    }
    writeln!(out, "]").map_err(write)
}
