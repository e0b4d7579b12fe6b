//! `--format markdown`: a comment of a pull request, a summary of a job (GitHub Flavored Markdown).

use std::io::{self, Write};

use crate::finding::{Finding, Severity, Word};
use crate::source::SourceMap;

use super::escape::shown;
use super::place::Place;
use super::{Outcome, Reporter};

/// Findings that are told in full: a comment holds 65,536 characters.
const FULL: usize = 30;

/// Verdicts, a table of findings, and what each of them says.
#[derive(Debug, Clone, Copy)]
pub struct Markdown;

impl Reporter for Markdown {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "### karplint")?;
        writeln!(out)?;
        for verdict in &outcome.controllers {
            writeln!(out, "- {}", text(&verdict.sentence))?;
        }
        for error in &outcome.errors {
            let place = error
                .positions(outcome.sources)
                .map_or_else(String::new, |(start, _)| format!(":{}:{}", start.line, start.column));
            let file = format!("`{}{place}`", error.file);
            writeln!(out, "- could not check {}: {}", text(&file), text(&error.message))?;
        }
        if outcome.controllers.is_empty() && outcome.errors.is_empty() {
            let found = outcome.findings.len();
            writeln!(out, "- {found} {}", if found == 1 { "finding" } else { "findings" })?;
        }
        if outcome.findings.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        writeln!(out, "| | rule | where | what |")?;
        writeln!(out, "| --- | --- | --- | --- |")?;
        for finding in &outcome.findings {
            let place = Place::of(outcome.sources, finding.primary.span);
            let at = format!("`{}:{}:{}`", place.file, place.start.line, place.start.column);
            writeln!(
                out,
                "| {} | [{rule}]({}) | {} | {} |",
                finding.severity.name(),
                crate::lints::reference(finding.rule),
                text(&at),
                text(&finding.message),
                rule = finding.rule,
            )?;
        }
        for finding in outcome.findings.iter().filter(|f| f.severity > Severity::Note).take(FULL) {
            details(outcome.sources, finding, out)?;
        }
        Ok(())
    }
}

/// What a finding says below its headline.
fn details(sources: &SourceMap, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    if finding.facts.is_empty() && finding.related.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "<details><summary>{}</summary>", text(&finding.message))?;
    writeln!(out)?;
    for label in finding.labels() {
        let place = Place::of(sources, label.span);
        let at = format!("`{}:{}:{}`", place.file, place.start.line, place.start.column);
        writeln!(out, "- {} {}", text(&at), text(&label.message))?;
    }
    for fact in &finding.facts {
        let table = matches!(fact.word, Word::Breaks | Word::Fix);
        let lines: Vec<String> =
            fact.lines.iter().map(|line| if table { code(line) } else { text(line) }).collect();
        writeln!(out, "- {}: {}", fact.word.name(), lines.join("<br>"))?;
    }
    writeln!(out)?;
    writeln!(out, "</details>")
}

/// A text of ours with user text in backticks. The marks become elements, so that a backtick in the
/// user's text closes nothing, and all that Markdown or HTML would read becomes a character reference.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 16);
    let mut parts = raw.split('`').peekable();
    let mut inside = false;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        push(part, &mut out);
        match (inside, last) {
            (false, true) => {}
            (false, false) => {
                out.push_str("<code>");
                inside = true;
            }
            (true, _) => {
                out.push_str("</code>");
                inside = false;
            }
        }
    }
    out
}

fn code(raw: &str) -> String {
    let mut out = String::from("<code>");
    push(raw, &mut out);
    out.push_str("</code>");
    out
}

fn push(raw: &str, out: &mut String) {
    for c in raw.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            ' ' | '.' | ',' | '-' | '/' | ';' | '(' | ')' | '=' | '+' | '?' | '%' => out.push(c),
            // These name people and issues even as references, but not with something behind them.
            '@' | '#' => out.push_str(&format!("&#{};<!-- -->", u32::from(c))),
            c if c.is_ascii_punctuation() => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(shown(c)),
        }
    }
}
