//! What a version needs under given settings: table, Markdown and JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::karpenter::{Entry, Need, Phase, RequestRule, Rules, Sent, switched_off};
use crate::policy::symbolic::Symbols;
use crate::settings::Settings;
use crate::settings::facts::Because;
use crate::source::SourceMap;

use super::escape::line;
use super::json::{self, RelatedV1, SettingsV1};
use super::layout::{releases, row, row_at, wrap};
use super::place_of;
use super::preflight::short;

/// What is to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Requires<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// The settings, the version among them.
    pub settings: &'a Settings,
    /// Names of what is not known in them.
    pub symbols: &'a Symbols,
    /// The requests, in call order.
    pub needs: &'a [Need<'a>],
    /// The text of manifests.
    pub sources: &'a SourceMap,
}

#[derive(Serialize)]
struct RequiresV1<'a> {
    schema: u8,
    karpenter: String,
    settings: SettingsV1<'a>,
    requests: Vec<RequestV1<'a>>,
}

#[derive(Serialize)]
struct RequestV1<'a> {
    id: &'a str,
    call: &'a str,
    dry_run: bool,
    phase: &'static str,
    impact: &'static str,
    failure: FailureV1,
    versions: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<RelatedV1<'a>>,
    purpose: &'a str,
    evidence: Vec<&'a str>,
    entries: Vec<EntryV1<'a>>,
}

#[derive(Serialize)]
struct FailureV1 {
    condition: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    symptom: Option<String>,
}

#[derive(Serialize)]
struct EntryV1<'a> {
    action: &'a str,
    resource: String,
    resource_type: &'a str,
    context: BTreeMap<String, OneOrMore>,
    optional: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Entries of one request that differ by nothing but the resource.
struct Group<'a> {
    action: &'a str,
    resources: Vec<String>,
    sent: Vec<Sent>,
    optional: bool,
}

impl Requires<'_> {
    /// The places of manifests that make Karpenter send this request, or ask one of its entries.
    fn because(&self, need: &Need<'_>) -> Vec<&Because> {
        let mut out: Vec<&Because> = Vec::new();
        for because in
            need.entries.iter().flat_map(|one| one.because(need.rule, self.settings, None))
        {
            if !out.iter().any(|known| known.span == because.span) {
                out.push(because);
            }
        }
        out
    }

    fn sent(&self, entry: &Entry<'_>) -> Vec<Sent> {
        entry.sent(self.rules, self.settings, self.symbols)
    }

    fn groups<'n>(&self, need: &'n Need<'_>) -> Vec<Group<'n>> {
        let mut groups: Vec<Group<'n>> = Vec::new();
        for entry in &need.entries {
            let (sent, resource) = (self.sent(entry), entry.resource(self.symbols));
            let same = |group: &&mut Group<'_>| {
                *group.action == *entry.request.action
                    && group.sent == sent
                    && group.optional == entry.optional
            };
            match groups.iter_mut().find(same) {
                Some(group) if group.resources.contains(&resource) => {}
                Some(group) => group.resources.push(resource),
                None => groups.push(Group {
                    action: &entry.request.action,
                    resources: vec![resource],
                    sent,
                    optional: entry.optional,
                }),
            }
        }
        groups
    }

    /// One object, schema 1.
    ///
    /// # Errors
    /// Whatever the writer returns.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let entry = |entry: &'_ Entry<'_>| {
            let context = self.sent(entry).into_iter().map(|(key, values)| {
                let value = <[String; 1]>::try_from(values)
                    .map_or_else(OneOrMore::More, |[value]| OneOrMore::One(value));
                (key, value)
            });
            (entry.resource(self.symbols), context.collect(), entry.optional)
        };
        let requests = self.needs.iter().map(|need| {
            let failure = need.rule.failure(self.settings.karpenter);
            RequestV1 {
                id: &need.rule.id,
                call: &need.rule.call,
                dry_run: need.rule.dry_run,
                phase: need.rule.phase.name(),
                impact: need.rule.impact.name(),
                failure: FailureV1 {
                    condition: failure.condition,
                    reason: failure.reason,
                    message: failure.message,
                    symptom: failure.symptom,
                },
                versions: need.rule.versions.to_string(),
                related: self
                    .because(need)
                    .iter()
                    .map(|one| {
                        let message = format!("needed because of `{}`", one.field);
                        json::related(self.sources, one.span, message.into())
                    })
                    .collect(),
                purpose: &need.rule.purpose,
                evidence: need.rule.evidence.iter().map(|place| &**place).collect(),
                entries: need
                    .entries
                    .iter()
                    .map(|one| {
                        let (resource, context, optional) = entry(one);
                        EntryV1 {
                            action: &one.request.action,
                            resource,
                            resource_type: one.resource_type,
                            context,
                            optional,
                        }
                    })
                    .collect(),
            }
        });
        let report = RequiresV1 {
            schema: 1,
            karpenter: self.settings.karpenter.to_string(),
            settings: json::settings(self.settings, self.symbols),
            requests: requests.collect(),
        };
        json::write(&report, out)
    }

    /// A block for each call.
    ///
    /// # Errors
    /// Whatever the writer returns.
    pub fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let count = self.needs.len();
        writeln!(out, "Karpenter {} makes {count} calls\n", self.settings.karpenter)?;
        for phase in Phase::ALL {
            let needs = self.needs.iter().filter(|need| need.rule.phase == phase);
            for (at, need) in needs.enumerate() {
                if at == 0 {
                    writeln!(out, "{}\n", phase.name())?;
                }
                self.block(need, out)?;
                writeln!(out)?;
            }
        }
        let off: Vec<String> = switched_off(self.rules, self.needs, self.settings)
            .into_iter()
            .map(|(with, what)| format!("{with}: {}", what.join(", ")))
            .collect();
        if !off.is_empty() {
            writeln!(out, "not with these settings\n")?;
        }
        for text in off {
            row(&[(0, &text)], out)?;
        }
        Ok(())
    }

    fn block(&self, need: &Need<'_>, out: &mut dyn Write) -> io::Result<()> {
        let rule = need.rule;
        let head = format!("{}, {}", short(&rule.call), how(rule));
        row(&[(44, &head), (0, &rule.purpose)], out)?;
        for group in self.groups(need) {
            let resources: Vec<&str> = group.resources.iter().map(|arn| tail(arn)).collect();
            let optional = if group.optional { " (may be asked)" } else { "" };
            let action = format!("{}{optional}", group.action);
            if resources.iter().all(|resource| resource.chars().count() <= 54) {
                row_at(4, &[(42, &action), (0, &resources.join(", "))], out)?;
            } else {
                row_at(4, &[(0, &action)], out)?;
                row_at(8, &[(0, &resources.join(", "))], out)?;
            }
            let sent: Vec<String> = group.sent.iter().map(shown).collect();
            for text in wrap(&line(&sent.join(", ")), 92) {
                if !text.is_empty() {
                    writeln!(out, "        {text}")?;
                }
            }
        }
        let failure = rule.failure(self.settings.karpenter);
        let told = [failure.condition, failure.reason, failure.symptom];
        let told: Vec<String> = told.into_iter().flatten().collect();
        row_at(4, &[(8, "denied"), (0, &told.join(", "))], out)?;
        let because: Vec<String> = self
            .because(need)
            .iter()
            .map(|one| format!("{} `{}`", place_of(self.sources, one.span), one.field))
            .collect();
        if !because.is_empty() {
            row_at(4, &[(8, "needed"), (0, &format!("because of {}", because.join(", ")))], out)?;
        }
        row_at(4, &[(8, "in"), (0, &releases(&rule.versions))], out)?;
        // A blank behind the file, so that the line can be broken there.
        let sources: Vec<String> =
            rule.evidence.iter().map(|place| place.replacen(".go:", ".go: ", 1)).collect();
        row_at(4, &[(8, "source"), (0, &sources.join("; "))], out)
    }

    /// One table.
    ///
    /// # Errors
    /// Whatever the writer returns.
    pub fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# What Karpenter {} needs\n", self.settings.karpenter)?;
        let head = [
            "phase",
            "call",
            "sent as",
            "action",
            "resource",
            "tags and keys",
            "if denied",
            "versions",
            "source",
        ];
        writeln!(out, "| {} |", head.join(" | "))?;
        writeln!(out, "|{}", " --- |".repeat(head.len()))?;
        for need in self.needs {
            let rule = need.rule;
            let failure = rule.failure(self.settings.karpenter);
            let denied = [failure.condition, failure.reason, failure.symptom];
            let denied: Vec<String> = denied.into_iter().flatten().collect();
            let sources: Vec<String> = rule.evidence.iter().map(|place| code(place)).collect();
            for group in self.groups(need) {
                let sent: Vec<String> = group.sent.iter().map(|one| code(&shown(one))).collect();
                let resources: Vec<String> = group.resources.iter().map(|arn| code(arn)).collect();
                let optional = if group.optional { " (may be asked)" } else { "" };
                let cells = [
                    rule.phase.name().to_owned(),
                    code(&rule.call),
                    how(rule).to_owned(),
                    format!("{}{optional}", code(group.action)),
                    resources.join("<br>"),
                    sent.join("<br>"),
                    cell(&denied.join(", ")),
                    cell(&releases(&rule.versions)),
                    sources.join("<br>"),
                ];
                writeln!(out, "| {} |", cells.join(" | "))?;
            }
        }
        let off = switched_off(self.rules, self.needs, self.settings);
        if !off.is_empty() {
            writeln!(out, "\nNot with these settings:\n")?;
        }
        for (with, what) in off {
            let what: Vec<String> = what.iter().map(|action| code(action)).collect();
            writeln!(out, "- {}: {}", cell(&with), what.join(", "))?;
        }
        Ok(())
    }
}

fn how(rule: &RequestRule) -> &'static str {
    match (rule.dry_run, rule.by_service) {
        (true, _) => "dry run",
        (false, true) => "by EC2 Fleet",
        (false, false) => "real",
    }
}

fn shown((key, values): &Sent) -> String {
    let values: Vec<&str> =
        values.iter().map(|value| if value.is_empty() { "\"\"" } else { value }).collect();
    format!("{key}={}", values.join("|"))
}

/// What follows the fifth colon.
fn tail(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

/// Text in a cell of a Markdown table: nothing in it is markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in line(text).chars() {
        match c {
            '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out
}

/// Text as code in a cell: neither a backtick nor a bar gets out of it.
fn code(text: &str) -> String {
    format!("`{}`", line(text).replace('`', "'").replace('|', "\\|"))
}
