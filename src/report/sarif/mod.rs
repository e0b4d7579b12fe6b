//! `--format sarif`: SARIF 2.1.0, as GitHub code scanning and many viewers read it.

mod model;

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::finding::{Finding, Severity};
use crate::fix::on_disk;
use crate::lints;
use crate::source::{Position, SourceMap, Span};
use crate::suppress::Fingerprints;

use super::escape::line;
use super::place::{Place, lines};
use super::{Outcome, Reporter, json};
use model as sarif;

/// One log with one run.
#[derive(Debug, Clone, Copy)]
pub struct Sarif;

impl Reporter for Sarif {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut used: Vec<&'static str> =
            outcome.findings.iter().map(|finding| finding.rule).collect();
        used.sort_unstable();
        used.dedup();
        let mut fingerprints = Fingerprints::default();
        let results = outcome.findings.iter().map(|finding| {
            let fingerprint = fingerprints.of(finding, outcome.sources);
            let rule_index = used.binary_search(&finding.rule).unwrap_or_default();
            result(outcome.sources, finding, rule_index, fingerprint)
        });
        let results = results.collect();
        let log = sarif::Log {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [sarif::Run {
                tool: sarif::Tool {
                    driver: sarif::Driver {
                        name: "karplint",
                        semantic_version: env!("CARGO_PKG_VERSION"),
                        rules: used.into_iter().filter_map(rule).collect(),
                    },
                },
                invocations: [invocation(outcome)],
                column_kind: "unicodeCodePoints",
                results,
            }],
        };
        json::write(&log, out)
    }
}

fn rule(id: &'static str) -> Option<sarif::Rule> {
    let lint = lints::find(id)?;
    let help = format!("{}\n\nExample: {}\n\nRemedy: {}", lint.why, lint.example, lint.remedy);
    let markdown = format!(
        "{}\n\n**Example**\n\n    {}\n\n**Remedy**\n\n{}\n\n[Reference]({})",
        lint.why, lint.example, lint.remedy, lint.reference
    );
    Some(sarif::Rule {
        id,
        short_description: sarif::Text { text: lint.title.clone() },
        full_description: sarif::Text { text: lint.why.clone() },
        help: sarif::Help { text: help, markdown },
        help_uri: lints::reference(id),
        default_configuration: sarif::Configuration { level: level_named(&lint.severity) },
    })
}

fn level_named(severity: &str) -> &'static str {
    match severity {
        "error" => "error",
        "warning" => "warning",
        _ => "note",
    }
}

fn level(severity: Severity) -> &'static str {
    level_named(severity.name())
}

fn invocation(outcome: &Outcome<'_>) -> sarif::Invocation {
    let notification = |error: &crate::error::Error| {
        let region = error.positions(outcome.sources).map(|(start, end)| region(start, end));
        let place = sarif::PhysicalLocation { artifact_location: artifact(&error.file), region };
        let locations = if error.file.is_empty() { Vec::new() } else { vec![at(place)] };
        sarif::Notification {
            level: "error",
            message: message(&format!("could not check: {}", error.message)),
            locations,
        }
    };
    sarif::Invocation {
        execution_successful: outcome.errors.is_empty(),
        tool_execution_notifications: outcome.errors.iter().map(notification).collect(),
    }
}

fn at(physical_location: sarif::PhysicalLocation) -> sarif::Location {
    sarif::Location { id: None, physical_location, logical_locations: Vec::new(), message: None }
}

fn result<'a>(
    sources: &SourceMap,
    finding: &'a Finding,
    rule_index: usize,
    karplint: String,
) -> sarif::SarifResult<'a> {
    let logical = finding.address.iter().map(|address| sarif::LogicalLocation {
        fully_qualified_name: line(address),
        kind: "resource",
    });
    let mut main = at(physical(sources, finding.primary.span));
    main.logical_locations = logical.collect();
    let related = finding.related.iter().enumerate().map(|(number, label)| sarif::Location {
        id: Some(number + 1),
        message: (!label.message.is_empty()).then(|| message(&label.message)),
        ..at(physical(sources, label.span))
    });
    let text = lines(finding).iter().map(|text| message(text).text).collect::<Vec<_>>();
    sarif::SarifResult {
        rule_id: finding.rule,
        rule_index,
        level: level(finding.severity),
        message: sarif::Text { text: text.join("\n") },
        locations: [main],
        related_locations: related.collect(),
        partial_fingerprints: sarif::Fingerprints { karplint },
        fixes: fixes(sources, finding),
        properties: sarif::Properties {
            controller: finding.controller.as_deref(),
            karpenter: finding.data.karpenter.as_deref(),
            action: finding
                .data
                .denied
                .first()
                .map(|denied| denied.action.as_str())
                .or(finding.data.action.as_deref()),
        },
    }
}

/// Only what can be applied: a fix to be looked at has no replacements.
fn fixes(sources: &SourceMap, finding: &Finding) -> Vec<sarif::Fix> {
    let Some(fix) = finding.fix.as_ref().filter(|fix| fix.can_be_applied()) else {
        return Vec::new();
    };
    let mut changes: BTreeMap<String, Vec<sarif::Replacement>> = BTreeMap::new();
    for edit in &fix.edits {
        let edit = on_disk(sources, edit);
        let place = Place::of(sources, edit.span);
        changes.entry(place.file.clone()).or_default().push(sarif::Replacement {
            deleted_region: region(place.start, place.end),
            inserted_content: sarif::Text { text: edit.text },
        });
    }
    let change = |(file, replacements): (String, Vec<sarif::Replacement>)| sarif::ArtifactChange {
        artifact_location: artifact(&file),
        replacements,
    };
    vec![sarif::Fix {
        description: message(&fix.title),
        artifact_changes: changes.into_iter().map(change).collect(),
    }]
}

fn physical(sources: &SourceMap, span: Span) -> sarif::PhysicalLocation {
    let place = Place::of(sources, span);
    sarif::PhysicalLocation {
        artifact_location: artifact(&place.file),
        region: Some(region(place.start, place.end)),
    }
}

fn region(start: Position, end: Position) -> sarif::Region {
    sarif::Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
        byte_offset: start.offset,
        byte_length: end.offset.saturating_sub(start.offset),
    }
}

/// A path as a relative URI reference (RFC 3986): bytes beyond the unreserved ones are encoded.
fn artifact(file: &str) -> sarif::ArtifactLocation {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    sarif::ArtifactLocation { uri }
}

/// A message in plain text, where `[text](target)` would be a link (3.11.6).
fn message(text: &str) -> sarif::Text {
    let text = line(text);
    let text = if text.contains("](") {
        text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
    } else {
        text
    };
    sarif::Text { text }
}
