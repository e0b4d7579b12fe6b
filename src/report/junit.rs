//! `--format junit`: JUnit XML, as CI servers read it (Jenkins: xunit-plugin, junit-10.xsd). A file is a
//! suite, a finding of level warning or error a failed case; a controller without any passes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::finding::{Finding, Severity};

use super::escape::shown;
use super::place::{Place, lines};
use super::{Outcome, Reporter};

/// One document with a suite for each file.
#[derive(Debug, Clone, Copy)]
pub struct JUnit;

/// One case.
struct Case {
    name: String,
    class: String,
    outcome: Result<(), Failed>,
}

struct Failed {
    element: &'static str,
    kind: String,
    message: String,
    text: String,
}

impl Reporter for JUnit {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut suites: BTreeMap<String, Vec<Case>> = BTreeMap::new();
        for finding in &outcome.findings {
            let place = Place::of(outcome.sources, finding.primary.span);
            suites.entry(place.file.clone()).or_default().push(case(finding, &place));
        }
        for error in &outcome.errors {
            let failed = Failed {
                element: "error",
                kind: "could-not-check".to_owned(),
                message: error.message.clone(),
                text: error.help.clone().unwrap_or_default(),
            };
            let name = "can be read".to_owned();
            suites.entry(error.file.clone()).or_default().push(Case {
                name,
                class: error.file.clone(),
                outcome: Err(failed),
            });
        }
        for verdict in &outcome.controllers {
            let failed = |finding: &&Finding| {
                finding.controller.as_ref() == Some(&verdict.name)
                    && finding.severity > Severity::Note
            };
            let Some(document) = verdict.documents.first() else { continue };
            if !outcome.findings.iter().any(|finding| failed(&finding)) {
                suites.entry(document.file.clone()).or_default().push(Case {
                    name: verdict.sentence.clone(),
                    class: verdict.name.clone(),
                    outcome: Ok(()),
                });
            }
        }
        write(&suites, out)
    }
}

fn case(finding: &Finding, place: &Place) -> Case {
    let name =
        format!("{} at line {}, column {}", finding.rule, place.start.line, place.start.column);
    let failed = Failed {
        element: "failure",
        kind: format!("{}[{}]", finding.severity.name(), finding.rule),
        message: finding.message.clone(),
        text: format!(
            "{}:{}:{}\n{}",
            place.file,
            place.start.line,
            place.start.column,
            lines(finding).join("\n")
        ),
    };
    let outcome = if finding.severity == Severity::Note { Ok(()) } else { Err(failed) };
    Case { name, class: place.file.clone(), outcome }
}

fn write(suites: &BTreeMap<String, Vec<Case>>, out: &mut dyn Write) -> io::Result<()> {
    let count = |cases: &[Case], element: &str| {
        let is =
            |case: &&Case| case.outcome.as_ref().is_err_and(|failed| failed.element == element);
        cases.iter().filter(is).count()
    };
    let all = |element: &str| suites.values().map(|cases| count(cases, element)).sum::<usize>();
    let tests: usize = suites.values().map(Vec::len).sum();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"karplint\" tests=\"{tests}\" failures=\"{}\" errors=\"{}\">",
        all("failure"),
        all("error")
    )?;
    for (file, cases) in suites {
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
            text(file),
            cases.len(),
            count(cases, "failure"),
            count(cases, "error")
        )?;
        for case in cases {
            let (name, class) = (text(&case.name), text(&case.class));
            write!(out, "    <testcase name=\"{name}\" classname=\"{class}\"")?;
            match &case.outcome {
                Ok(()) => writeln!(out, "/>")?,
                Err(Failed { element, kind, message, text: body }) => {
                    writeln!(out, ">")?;
                    writeln!(
                        out,
                        "      <{element} type=\"{}\" message=\"{}\">{}</{element}>",
                        text(kind),
                        text(message),
                        body.lines().map(text).collect::<Vec<_>>().join("&#10;")
                    )?;
                    writeln!(out, "    </testcase>")?;
                }
            }
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// Text of an attribute or element. XML 1.0 has no way to write most control characters.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '#' => out.push_str("&#35;"),
            '\n' | '\r' | '\t' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(shown(c)),
        }
    }
    out
}
