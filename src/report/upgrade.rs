//! What one version needs and another did not, as a table for people and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::check::words;
use crate::karpenter::Version;
use crate::order;

use super::escape::line;
use super::json;
use super::layout::{fact, row};

/// The difference of two versions, held against policies if there are any.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The source.
    pub from: Version,
    /// The target.
    pub to: Version,
    /// The controllers that it was held against; none if no policy was judged.
    pub with: Vec<String>,
    /// An action and a resource type that were never asked before.
    pub added: Vec<Entry>,
    /// The same pair with another ARN, other tags, or as a dry run.
    pub changed: Vec<Entry>,
    /// Pairs that are asked no more.
    pub removed: Vec<Entry>,
    /// What the policies lack for the target.
    pub missing: Vec<Entry>,
    /// What the policies name and only the source asked for.
    pub unused: Vec<Entry>,
    /// Whether one policy serves both versions.
    pub rollout: Option<String>,
    /// The command to go on with.
    pub next: Option<String>,
    /// The last lines: one for each controller.
    pub sentences: Vec<String>,
}

/// One authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `ec2:CreateFleet`.
    pub action: String,
    /// `launch-template`; empty where the action has none.
    pub resource_type: String,
    /// Id of the request.
    pub request: String,
    /// What for.
    pub reason: String,
    /// The first release that asks for it.
    pub since: Option<Version>,
    /// What switches it on, where the settings do not.
    pub only_with: Option<String>,
    /// What to print in place of the actions.
    pub needs: Option<String>,
    /// What the policies say of it.
    pub here: Here,
    /// Where they grant it: `line 227`.
    pub place: Option<String>,
}

/// What the policies say of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Here {
    /// Nobody asked them.
    Unasked,
    /// They grant it.
    Granted,
    /// It hangs on what nobody can know.
    Unknown,
    /// They do not grant it.
    Missing,
}

#[derive(Serialize)]
struct UpgradeV1<'a> {
    schema: u8,
    from: String,
    to: String,
    controllers: &'a [String],
    added: Vec<EntryV1<'a>>,
    changed: Vec<EntryV1<'a>>,
    removed: Vec<EntryV1<'a>>,
    missing: Vec<EntryV1<'a>>,
    unused: Vec<EntryV1<'a>>,
}

#[derive(Serialize)]
struct EntryV1<'a> {
    action: &'a str,
    resource_type: &'a str,
    request: &'a str,
    reason: &'a str,
    since: Option<String>,
    only_with: Option<&'a str>,
}

fn entries(entries: &[Entry]) -> Vec<EntryV1<'_>> {
    let one = |entry: &'_ Entry| entry.since.map(|since| since.to_string());
    entries
        .iter()
        .map(|entry| EntryV1 {
            action: &entry.action,
            resource_type: &entry.resource_type,
            request: &entry.request,
            reason: &entry.reason,
            since: one(entry),
            only_with: entry.only_with.as_deref(),
        })
        .collect()
}

/// One object, schema 1.
///
/// # Errors
/// Whatever the writer returns.
pub fn json(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let report = UpgradeV1 {
        schema: 1,
        from: difference.from.to_string(),
        to: difference.to.to_string(),
        controllers: &difference.with,
        added: entries(&difference.added),
        changed: entries(&difference.changed),
        removed: entries(&difference.removed),
        missing: entries(&difference.missing),
        unused: entries(&difference.unused),
    };
    json::write(&report, out)
}

/// Entries with one reason are one row.
struct Row<'a> {
    since: Option<Version>,
    needs: Option<&'a str>,
    reason: &'a str,
    only_with: Option<&'a str>,
    actions: Vec<(&'a str, Vec<&'a str>)>,
    here: Here,
    place: Option<&'a str>,
}

impl Row<'_> {
    /// `ec2:RunInstances, ec2:CreateTags on spot-instances-request`.
    fn what(&self) -> String {
        if let Some(needs) = self.needs {
            return needs.to_owned();
        }
        let mut texts: Vec<String> = Vec::new();
        for (action, kinds) in &self.actions {
            let kinds: Vec<&str> = kinds.iter().copied().filter(|kind| !kind.is_empty()).collect();
            let on =
                if kinds.is_empty() { String::new() } else { format!(" on {}", kinds.join(", ")) };
            texts.push(format!("{action}{on}"));
        }
        texts.join("; ")
    }
}

fn rows<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for entry in entries {
        let only_with = entry.only_with.as_deref();
        let at = rows.iter().position(|row| {
            row.since == entry.since
                && row.only_with == only_with
                && (only_with.is_some()
                    || *row.reason == *entry.reason && row.needs == entry.needs.as_deref())
        });
        let at = at.unwrap_or_else(|| {
            rows.push(Row {
                since: entry.since,
                needs: entry.needs.as_deref(),
                reason: &entry.reason,
                only_with,
                actions: Vec::new(),
                here: Here::Unasked,
                place: None,
            });
            rows.len() - 1
        });
        let Some(row) = rows.get_mut(at) else { continue };
        row.here = row.here.max(entry.here);
        row.place = row.place.or(entry.place.as_deref());
        match row.actions.iter_mut().find(|(action, _)| **action == *entry.action) {
            Some((_, kinds)) if kinds.contains(&entry.resource_type.as_str()) => {}
            Some((_, kinds)) => kinds.push(&entry.resource_type),
            None => row.actions.push((&entry.action, vec![&entry.resource_type])),
        }
    }
    order::by_key(&mut rows, |row| row.since);
    rows
}

/// The table, and what it comes to: blocks with an empty line between them.
///
/// # Errors
/// Whatever the writer returns.
pub fn human(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let with = match difference.with.as_slice() {
        [] => String::new(),
        names => format!(" with {}", line(&words::list(names, 3))),
    };
    let head = format!("Karpenter {} to {}{with}\n", difference.from, difference.to);
    let sentences: Vec<String> =
        difference.sentences.iter().map(|sentence| format!("{}\n", line(sentence))).collect();
    let blocks = [
        head.into_bytes(),
        table(difference)?,
        facts(difference)?,
        sentences.concat().into_bytes(),
    ];
    for (at, block) in blocks.iter().filter(|block| !block.is_empty()).enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        out.write_all(block)?;
    }
    Ok(())
}

fn table(difference: &Difference) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let all = || difference.added.iter().chain(&difference.changed);
    let plain = rows(all().filter(|entry| entry.only_with.is_none()));
    let special = rows(all().filter(|entry| entry.only_with.is_some()));
    let since = |row: &Row<'_>| row.since.map(|since| since.to_string()).unwrap_or_default();
    if !plain.is_empty() {
        let here = if difference.with.is_empty() { "" } else { "here" };
        row(&[(8, "since"), (43, "needs"), (36, "what for"), (0, here)], &mut out)?;
        for one in &plain {
            let here = match (one.here, one.place) {
                (Here::Unasked, _) => String::new(),
                (Here::Granted, Some(place)) => format!("granted, {place}"),
                (Here::Granted, None) => "granted".to_owned(),
                (Here::Unknown, _) => "not known".to_owned(),
                (Here::Missing, _) => "missing".to_owned(),
            };
            let cells = [(8, &*since(one)), (43, &one.what()), (36, one.reason), (0, &here)];
            row(&cells, &mut out)?;
        }
    }
    if !special.is_empty() {
        if !plain.is_empty() {
            writeln!(out)?;
        }
        row(&[(8, ""), (43, "only with"), (0, "needs")], &mut out)?;
        for one in &special {
            let with = one.only_with.unwrap_or_default();
            row(&[(8, &since(one)), (43, with), (0, &one.what())], &mut out)?;
        }
    }
    if plain.is_empty() && special.is_empty() {
        writeln!(out, "  nothing new is needed")?;
    }
    Ok(out)
}

fn facts(difference: &Difference) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let earlier: Vec<String> =
        difference.missing.iter().filter(|entry| entry.since.is_none()).map(named).collect();
    fact("lacking", &joined(&earlier, "needed before too"), &mut out)?;
    let gone: Vec<String> = difference.removed.iter().map(named).collect();
    fact("gone", &joined(&gone, ""), &mut out)?;
    if !difference.with.is_empty() {
        let unused: Vec<String> = difference.unused.iter().map(named).collect();
        let unused = if unused.is_empty() { "nothing".to_owned() } else { unused.join(", ") };
        fact("unused", &[unused], &mut out)?;
    }
    fact("rollout", difference.rollout.as_slice(), &mut out)?;
    fact("next", difference.next.as_slice(), &mut out)?;
    Ok(out)
}

fn named(entry: &Entry) -> String {
    match entry.resource_type.as_str() {
        "" => entry.action.clone(),
        kind => format!("{} on {kind}", entry.action),
    }
}

fn joined(texts: &[String], tail: &str) -> Vec<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for text in texts {
        if !distinct.contains(&text.as_str()) {
            distinct.push(text);
        }
    }
    if distinct.is_empty() {
        return Vec::new();
    }
    let tail = if tail.is_empty() { String::new() } else { format!(" ({tail})") };
    vec![format!("{}{tail}", distinct.join(", "))]
}
