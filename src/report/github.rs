//! `--format github`: annotations of GitHub Actions (GitHub Docs, *Workflow commands for GitHub
//! Actions*, "Setting an error message").

use std::io::{self, Write};

use crate::finding::Severity;

use super::escape::line;
use super::place::{Place, lines};
use super::{Outcome, Reporter};

/// One workflow command a finding, and one for each file that could not be checked.
#[derive(Debug, Clone, Copy)]
pub struct GitHub;

impl Reporter for GitHub {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        for finding in &outcome.findings {
            let command = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let place = Place::of(outcome.sources, finding.primary.span);
            let mut at = format!("file={},line={}", property(&place.file), place.start.line);
            // Columns count only within one line.
            if place.start.line == place.end.line {
                at.push_str(&format!(",col={},endColumn={}", place.start.column, place.end.column));
            } else {
                at.push_str(&format!(",endLine={}", place.end.line));
            }
            let title = property(&format!("karplint: {}", finding.rule));
            let text: Vec<String> = lines(finding).iter().map(|text| message(text)).collect();
            writeln!(out, "::{command} {at},title={title}::{}", text.join("%0A"))?;
        }
        for error in &outcome.errors {
            let mut at = Vec::new();
            if !error.file.is_empty() {
                at.push(format!("file={}", property(&error.file)));
            }
            if let Some((start, _)) = error.positions(outcome.sources) {
                at.push(format!("line={},col={}", start.line, start.column));
            }
            at.push("title=karplint: could not check".replace(':', "%3A"));
            let mut text = message(&error.message);
            if let Some(help) = &error.help {
                text.push_str("%0A");
                text.push_str(&message(help));
            }
            writeln!(out, "::error {}::{text}", at.join(","))?;
        }
        Ok(())
    }
}

/// Text after `::`: harmless first, then as the runner unescapes it.
fn message(text: &str) -> String {
    line(text).replace('%', "%25")
}

/// The value of a property, where `:` and `,` have a meaning as well.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
