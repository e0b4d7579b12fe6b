//! `--format gitlab`: a Code Quality report (GitLab Docs, *Code Quality*, "Code Quality report format").

use std::io::{self, Write};

use serde::Serialize;

use crate::finding::Severity;
use crate::suppress::Fingerprints;

use super::escape::line;
use super::place::Place;
use super::{Outcome, Reporter, json};

/// A list with one entry a finding.
#[derive(Debug, Clone, Copy)]
pub struct GitLab;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

impl Reporter for GitLab {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut fingerprints = Fingerprints::default();
        let issues = outcome.findings.iter().map(|finding| {
            let place = Place::of(outcome.sources, finding.primary.span);
            Issue {
                description: line(&finding.message),
                check_name: finding.rule,
                fingerprint: fingerprints.of(finding, outcome.sources),
                severity: match finding.severity {
                    Severity::Error => "critical",
                    Severity::Warning => "minor",
                    Severity::Note => "info",
                },
                location: Location {
                    path: line(&place.file),
                    lines: Lines { begin: place.start.line, end: place.end.line },
                },
            }
        });
        json::write(&issues.collect::<Vec<_>>(), out)
    }
}
