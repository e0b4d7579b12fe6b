//! What one version asks for and another one did not.

use std::sync::OnceLock;

use serde::Deserialize;

use super::needs::holds_in;
use super::rules::template::Template;
use super::sent::only_with;
use super::{EntryRule, RequestRule, Rules, Version, Versions};
use crate::settings::Settings;

/// One authorisation that the target asks for and the source did not.
#[derive(Debug, Clone)]
pub struct Change<'r> {
    /// The request.
    pub rule: &'r RequestRule,
    /// The authorisation.
    pub entry: &'r EntryRule,
    /// The action was asked on this type of resource before, but with another ARN, other tags, or not
    /// as a dry run.
    pub changed: bool,
    /// The first release after the source that asks for it.
    pub since: Version,
    /// What for.
    pub reason: String,
    /// In place of the action in a list for people.
    pub needs: Option<&'static str>,
    /// What of the installation switches it on, where these settings do not.
    pub only_with: Option<String>,
}

/// The difference between two versions.
#[derive(Debug, Clone, Default)]
pub struct Upgrade<'r> {
    /// What the target asks for and the source did not, in call order.
    pub changes: Vec<Change<'r>>,
    /// Actions on types of resources that the target asks for no more, under these settings.
    pub removed: Vec<(&'r RequestRule, &'r EntryRule)>,
}

/// A row of `upgrades.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Row {
    #[serde(deserialize_with = "ranges")]
    versions: Versions,
    requests: Vec<String>,
    actions: Vec<String>,
    resource_types: Vec<String>,
    tag: Option<String>,
    always: bool,
    needs: Option<String>,
    reason: String,
    who: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    change: Vec<Row>,
}

fn ranges<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Versions, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let range = |text: &String| {
        let (from, to) = text.split_once("..")?;
        let to = if to.is_empty() { None } else { Some(to.parse().ok()?) };
        Some((from.parse().ok()?, to))
    };
    let ranges: Option<Vec<_>> = texts.iter().map(range).collect();
    ranges
        .map(Versions)
        .ok_or_else(|| serde::de::Error::custom("expected ranges such as `1.4.0..`"))
}

/// The file as it is embedded.
const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/karpenter/upgrades.json"));

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    // A test reads the file, so a mistake in it does not come as far as this.
    ROWS.get_or_init(|| serde_json::from_str::<File>(TEXT).unwrap_or_default().change)
}

/// One authorisation of one version.
#[derive(Clone, Copy)]
struct Ask<'r> {
    rule: &'r RequestRule,
    entry: &'r EntryRule,
    /// The version that asks it.
    version: Version,
}

type Tags<'r> = Option<(bool, &'r [(Template, Template)])>;

impl<'r> Ask<'r> {
    fn all(rules: &'r Rules, version: Version) -> Vec<Self> {
        let made = rules.requests().iter().filter(|rule| rule.versions.contain(version));
        made.flat_map(|rule| rule.entries.iter().map(move |entry| Self { rule, entry, version }))
            .filter(|ask| ask.entry.versions.contain(version))
            .collect()
    }

    /// Action and resource type.
    fn pair(&self) -> (&'r str, &'r str) {
        (&self.entry.action, &self.entry.resource_type)
    }

    /// What a policy may make a difference by: ARN, tags, dry run. Other keys than tags hold what the
    /// installation says, in every version.
    fn key(
        &self,
        rules: &'r Rules,
    ) -> ((&'r str, &'r str), Option<&'r Template>, Tags<'r>, Tags<'r>, bool) {
        let tags = |place| rules.tag_set(place).map(|set| (set.spec_tags, set.tags.as_slice()));
        (
            self.pair(),
            self.entry.resource.as_ref(),
            tags(self.entry.request_tags),
            tags(self.entry.resource_tags),
            self.rule.dry_run,
        )
    }

    fn holds(&self, settings: &Settings) -> bool {
        let mut conditions = self.rule.when.iter().chain(&self.entry.when);
        conditions.all(|condition| holds_in(condition, settings, self.version))
    }

    fn only_with(&self, settings: &Settings) -> Option<String> {
        let conditions = self.rule.when.iter().chain(&self.entry.when);
        only_with(conditions.filter(|condition| !holds_in(condition, settings, self.version)))
    }

    fn since(&self, from: Version, to: Version) -> Version {
        let own = first_after(&self.rule.versions, from, to);
        let entry = first_after(&self.entry.versions, from, to);
        own.into_iter().chain(entry).max().unwrap_or(to)
    }
}

/// The first release of the ranges that lies behind `from`, up to `to`.
fn first_after(versions: &Versions, from: Version, to: Version) -> Option<Version> {
    versions.0.iter().map(|(start, _)| *start).find(|start| *start > from && *start <= to)
}

/// The id without the suffix of its form.
fn base(id: &str) -> &str {
    ["v0", "v10", "v036", "v183"]
        .iter()
        .find_map(|form| id.strip_suffix(form)?.strip_suffix('.'))
        .unwrap_or(id)
}

impl Row {
    fn fits(&self, ask: Ask<'_>, rules: &Rules, from: Version, to: Version) -> bool {
        let any = |list: &[String], text: &str| list.is_empty() || list.iter().any(|t| t == text);
        let tagged = |tag: &str| {
            [ask.entry.request_tags, ask.entry.resource_tags].into_iter().any(|place| {
                let set = rules.tag_set(place);
                set.is_some_and(|set| set.tags.iter().any(|(key, _)| rules.display(key) == tag))
            })
        };
        self.versions.contain(to)
            && !self.versions.contain(from)
            && any(&self.requests, base(&ask.rule.id))
            && any(&self.actions, &ask.entry.action)
            && any(&self.resource_types, &ask.entry.resource_type)
            && self.tag.as_deref().is_none_or(tagged)
    }
}

/// What `to` asks for and `from` did not, under `settings` or any others.
#[must_use]
pub fn upgrade<'r>(
    rules: &'r Rules,
    settings: &Settings,
    from: Version,
    to: Version,
) -> Upgrade<'r> {
    let (before, after) = (Ask::all(rules, from), Ask::all(rules, to));
    let mut out = Upgrade::default();
    for ask in &after {
        let same = |other: &&Ask<'_>| other.key(rules) == ask.key(rules);
        let known = before.iter().any(|other| same(&other));
        // The same question under other conditions: new only where the settings meet the new ones.
        let switched =
            ask.holds(settings) && !before.iter().filter(same).any(|other| other.holds(settings));
        let row = rows().iter().find(|row| row.fits(*ask, rules, from, to));
        let told = row.is_some_and(|row| row.always);
        if known && !switched && !told {
            continue;
        }
        let since = row.and_then(|row| first_after(&row.versions, from, to));
        let reason = row.map(|row| match &row.who {
            Some(who) => format!("{} ({who})", row.reason),
            None => row.reason.clone(),
        });
        out.changes.push(Change {
            rule: ask.rule,
            entry: ask.entry,
            changed: before.iter().any(|other| other.pair() == ask.pair()),
            since: since.unwrap_or_else(|| ask.since(from, to)),
            reason: reason.unwrap_or_else(|| ask.rule.purpose.to_string()),
            needs: row.and_then(|row| row.needs.as_deref()),
            only_with: ask.only_with(settings),
        });
    }
    for ask in before.iter().filter(|ask| ask.holds(settings)) {
        // What the target asks under other settings only is asked no more under these.
        let gone = !after.iter().any(|other| other.pair() == ask.pair() && other.holds(settings));
        let told = |(_, entry): &(&RequestRule, &EntryRule)| {
            (&*entry.action, &*entry.resource_type) == ask.pair()
        };
        if gone && !out.removed.iter().any(told) {
            out.removed.push((ask.rule, ask.entry));
        }
    }
    out
}

#[cfg(test)]
mod tests;
