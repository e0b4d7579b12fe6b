//! The calls of a release against the rules of a version.

use std::collections::BTreeMap;

use karplint::karpenter::{Rules, Version, Versions};
use serde::Deserialize;

use crate::upstream::Call;

/// Where calls stand, and what differs for a reason: `sites.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    #[serde(default)]
    pub(crate) site: Vec<Site>,
    #[serde(default)]
    pub(crate) exception: Vec<Exception>,
}

/// A function with a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site {
    pub(crate) call: String,
    #[serde(default)]
    pub(crate) dry_run: bool,
    /// `pkg/batcher/createfleet.go:execCreateFleetBatch`.
    pub(crate) at: String,
    /// Half-open ranges of releases, as in the rules.
    pub(crate) versions: Vec<String>,
}

/// A difference that is as it should be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    pub(crate) call: String,
    #[serde(default)]
    pub(crate) dry_run: bool,
    pub(crate) versions: Vec<String>,
    pub(crate) reason: String,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// The release calls what no rule knows.
    New { call: String, dry_run: bool, places: Vec<String> },
    /// A rule of the version makes a call that the release does not.
    Gone { call: String, dry_run: bool, requests: Vec<String> },
    /// A call stands elsewhere than it did.
    Moved { call: String, dry_run: bool, from: Vec<String>, to: Vec<String> },
}

/// What differs, and which exceptions were needed.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) differences: Vec<Difference>,
    pub(crate) excused: Vec<String>,
}

impl Known {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let known: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let ranges = known.site.iter().map(|site| &site.versions);
        let ranges = ranges.chain(known.exception.iter().map(|one| &one.versions));
        for range in ranges.flatten() {
            range_of(range).ok_or_else(|| format!("`{range}` is not a range of releases"))?;
        }
        Ok(known)
    }
}

fn range_of(text: &str) -> Option<(Version, Option<Version>)> {
    let release = |text: &str| match Version::parse_partial(text)? {
        (major, minor, Some(patch)) => Some(Version::new(major, minor, patch)),
        _ => None,
    };
    let (from, to) = text.split_once("..")?;
    let to = if to.is_empty() { None } else { Some(release(to)?) };
    Some((release(from)?, to))
}

fn contain(ranges: &[String], version: Version) -> bool {
    Versions(ranges.iter().filter_map(|text| range_of(text)).collect()).contain(version)
}

/// Holds the calls of `release` against the rules of `data`; usually these are one version.
pub(crate) fn compare(
    calls: &[Call],
    rules: &Rules,
    known: &Known,
    release: Version,
    data: Version,
) -> Compared {
    type Key = (String, bool);
    let mut upstream: BTreeMap<Key, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        upstream.entry((call.action.clone(), call.dry_run)).or_default().push(call);
    }
    let mut ruled: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    // What a service does on behalf of the controller stands in nobody's source.
    for rule in rules.requests.iter().filter(|rule| rule.versions.contain(data) && !rule.by_service)
    {
        let key = (rule.call.to_string(), rule.dry_run);
        ruled.entry(key).or_default().push(rule.id.to_string());
    }
    let mut out = Compared::default();
    let mut keep = |difference: Difference, call: &str, dry_run: bool| {
        let excuse = known.exception.iter().find(|one| {
            one.call == call && one.dry_run == dry_run && contain(&one.versions, release)
        });
        match excuse {
            Some(excuse) => out.excused.push(format!("{}: {}", name(call, dry_run), excuse.reason)),
            None => out.differences.push(difference),
        }
    };
    for ((call, dry_run), sites) in &upstream {
        if !ruled.contains_key(&(call.clone(), *dry_run)) {
            let places = sites.iter().map(|site| place(site)).collect();
            let new = Difference::New { call: call.clone(), dry_run: *dry_run, places };
            keep(new, call, *dry_run);
        }
    }
    for ((call, dry_run), requests) in &ruled {
        if !upstream.contains_key(&(call.clone(), *dry_run)) {
            let requests = requests.clone();
            let gone = Difference::Gone { call: call.clone(), dry_run: *dry_run, requests };
            keep(gone, call, *dry_run);
        }
    }
    for ((call, dry_run), sites) in &upstream {
        let recorded: Vec<&str> = known
            .site
            .iter()
            .filter(|site| site.call == *call && site.dry_run == *dry_run)
            .filter(|site| contain(&site.versions, release))
            .map(|site| site.at.as_str())
            .collect();
        let to: Vec<String> = sites
            .iter()
            .filter(|site| !recorded.contains(&site.at.as_str()))
            .map(|site| place(site))
            .collect();
        let from: Vec<String> = recorded
            .iter()
            .filter(|file| sites.iter().all(|site| site.at != **file))
            .map(|file| (*file).to_owned())
            .collect();
        if !(to.is_empty() && from.is_empty()) {
            let moved = Difference::Moved { call: call.clone(), dry_run: *dry_run, from, to };
            out.differences.push(moved);
        }
    }
    out
}

fn place(call: &Call) -> String {
    let lines: Vec<String> = call.lines.iter().map(ToString::to_string).collect();
    format!("{} (line {})", call.at, lines.join(", "))
}

/// `ec2:CreateFleet, dry run`.
fn name(call: &str, dry_run: bool) -> String {
    if dry_run { format!("{call}, dry run") } else { call.to_owned() }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::New { call, dry_run, places } => {
                let places = places.join(", ");
                write!(f, "new    {} at {places}: no rule knows it", name(call, *dry_run))
            }
            Self::Gone { call, dry_run, requests } => {
                let requests = requests.join(", ");
                write!(
                    f,
                    "gone   {}: {requests} in the rules, nothing calls it",
                    name(call, *dry_run)
                )
            }
            Self::Moved { call, dry_run, from, to } => {
                let list = |places: &[String]| match places {
                    [] => "nowhere else".to_owned(),
                    places => places.join(", "),
                };
                write!(f, "moved  {}: from {} to {}", name(call, *dry_run), list(from), list(to))
            }
        }
    }
}
