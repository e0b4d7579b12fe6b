//! `--format rdjson`: Reviewdog Diagnostic Format (reviewdog: proto/rdf/reviewdog.proto). Columns count
//! bytes there.

use std::io::{self, Write};

use serde::Serialize;

use crate::finding::{Finding, Severity};
use crate::fix::on_disk;
use crate::source::SourceMap;

use super::escape::line;
use super::place::{Place, lines};
use super::{Outcome, Reporter, json};

/// One object with a diagnostic for each finding, and for each file that could not be checked.
#[derive(Debug, Clone, Copy)]
pub struct Rdjson;

#[derive(Serialize)]
struct DiagnosticResult {
    source: Tool,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
}

#[derive(Serialize)]
struct Diagnostic {
    message: String,
    location: Location,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related>,
}

#[derive(Serialize)]
struct Location {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: At,
    end: At,
}

#[derive(Serialize)]
struct At {
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Code {
    value: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Suggestion {
    range: Range,
    text: String,
}

#[derive(Serialize)]
struct Related {
    message: String,
    location: Location,
}

impl Reporter for Rdjson {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        let sources = outcome.sources;
        let mut diagnostics: Vec<Diagnostic> =
            outcome.findings.iter().map(|finding| diagnostic(sources, finding)).collect();
        for error in outcome.errors.iter().filter(|error| !error.file.is_empty()) {
            let range = error.positions(sources).map(|(start, end)| Range {
                start: At { line: start.line, column: start.column },
                end: At { line: end.line, column: end.column },
            });
            diagnostics.push(Diagnostic {
                message: line(&format!("could not check: {}", error.message)),
                location: Location { path: line(&error.file), range },
                severity: "ERROR",
                code: None,
                suggestions: Vec::new(),
                related_locations: Vec::new(),
            });
        }
        let source = Tool { name: "karplint" };
        json::write(&DiagnosticResult { source, diagnostics }, out)
    }
}

fn diagnostic(sources: &SourceMap, finding: &Finding) -> Diagnostic {
    let place = Place::of(sources, finding.primary.span);
    let edits = finding.fix.iter().filter(|fix| fix.can_be_applied()).flat_map(|fix| &fix.edits);
    // A suggestion belongs to the file of the diagnostic.
    let suggestions = edits.filter_map(|edit| {
        let edit = on_disk(sources, edit);
        let there = Place::of(sources, edit.span);
        (there.file == place.file).then(|| Suggestion { range: range(&there), text: edit.text })
    });
    let related = finding.related.iter().map(|label| Related {
        message: line(&label.message),
        location: location(&Place::of(sources, label.span)),
    });
    Diagnostic {
        message: lines(finding).iter().map(|text| line(text)).collect::<Vec<_>>().join("\n"),
        location: location(&place),
        severity: match finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Note => "INFO",
        },
        code: Some(Code { value: finding.rule, url: crate::lints::reference(finding.rule) }),
        suggestions: suggestions.collect(),
        related_locations: related.collect(),
    }
}

fn location(place: &Place) -> Location {
    Location { path: line(&place.file), range: Some(range(place)) }
}

fn range(place: &Place) -> Range {
    let (start, end) = place.byte_columns;
    Range {
        start: At { line: place.start.line, column: start },
        end: At { line: place.end.line, column: end },
    }
}
