//! The report for people: headline, frames, facts, verdict.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::finding::{Finding, Label, Severity, Word};
use crate::source::SourceMap;

use super::escape::line;
use super::frame::Frames;
use super::{Outcome, Reporter, Verdict, frame, place_of};

/// How many frames one finding gets; advice gets one.
const FRAMES: usize = 3;
/// Column at which the text of a fact starts.
const FACT_COLUMN: usize = 9;

/// Width of the text of a fact, in characters: with what stands before it, a hundred columns.
const WIDTH: usize = 100 - 2 - FACT_COLUMN;

/// How many places of manifests are named.
const BECAUSE: usize = 4;

/// Where manifests say what makes Karpenter ask, in a line each.
#[must_use]
pub fn because(sources: &SourceMap, finding: &Finding) -> Vec<String> {
    let shown = finding.because.iter().take(BECAUSE).map(|label| {
        let (place, field) = (place_of(sources, label.span), &label.message);
        format!("needed because of {place} `{field}`")
    });
    let mut lines: Vec<String> = shown.collect();
    match finding.because.len().saturating_sub(BECAUSE) {
        0 => {}
        more => lines.push(format!("and of {more} more")),
    }
    lines
}

/// Breaks a text at blanks.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
            continue;
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    lines
}

/// Headline, frames, facts, verdict.
#[derive(Debug, Clone, Copy)]
pub struct Human {
    /// Whether to write escape sequences.
    pub colour: bool,
}

impl Reporter for Human {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut frames = Frames::new(outcome.sources, self.colour);
        let mut of: HashMap<Option<&str>, Vec<&Finding>> = HashMap::new();
        for finding in &outcome.findings {
            of.entry(finding.controller.as_deref()).or_default().push(finding);
        }
        for finding in of.get(&None).into_iter().flatten() {
            self.finding((outcome.sources, &mut frames), finding, out)?;
        }
        // Verdicts on several versions of one controller stand together, below what was found.
        let mut shown: Option<&Verdict<'_>> = None;
        for verdict in &outcome.controllers {
            let again = shown.is_some_and(|before| before.name == verdict.name);
            if shown.is_some_and(|before| !again && !before.quiet()) {
                writeln!(out)?;
            }
            if !again {
                for finding in of.get(&Some(&*verdict.name)).into_iter().flatten() {
                    self.finding((outcome.sources, &mut frames), finding, out)?;
                }
            }
            let said = |before: &Verdict<'_>| again && before.assumed == verdict.assumed;
            self.verdict(verdict, !shown.is_some_and(said), out)?;
            shown = Some(verdict);
        }
        for remark in &outcome.remarks {
            writeln!(out, "{}", line(remark))?;
        }
        Ok(())
    }
}

impl Human {
    fn finding(
        &self,
        (sources, drawn): (&SourceMap, &mut Frames<'_>),
        finding: &Finding,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let word = format!("{}[{}]", finding.severity.name(), finding.rule);
        writeln!(out, "{}: {}", self.severity(finding.severity, &word), line(&finding.message))?;
        let labels: Vec<&Label> = finding.labels().collect();
        let frames = if finding.severity == Severity::Note { 1 } else { FRAMES };
        for label in labels.iter().take(frames) {
            writeln!(out, "{}", drawn.draw(label, finding.address.as_deref()))?;
        }
        match labels.get(frames..) {
            Some([one]) => {
                writeln!(out, "  and 1 more place: {}", frame::place(sources, one.span))?
            }
            Some(more) if !more.is_empty() => writeln!(out, "  and {} more places", more.len())?,
            _ => {}
        }
        let breaks = finding.facts.iter().any(|fact| fact.word == Word::Breaks);
        let asked = if breaks { Word::Breaks } else { Word::YouSee };
        for fact in &finding.facts {
            let mut word = fact.word.name();
            for text in &fact.lines {
                // Rows of a table and text to paste stay as they are.
                let whole = matches!(fact.word, Word::Breaks | Word::Fix);
                for text in wrap(&line(text), if whole { usize::MAX } else { WIDTH }) {
                    writeln!(out, "  {word:FACT_COLUMN$}{}", self.fact(fact.word, &text))?;
                    word = "";
                }
            }
            // What is asked for on account of a manifest stands below what is asked for, or what comes of it.
            if fact.word == asked {
                for because in because(sources, finding) {
                    writeln!(out, "  {:FACT_COLUMN$}{}", "", line(&because))?;
                }
            }
        }
        writeln!(out)
    }

    fn verdict(&self, verdict: &Verdict<'_>, assumed: bool, out: &mut dyn Write) -> io::Result<()> {
        if let Some(joined) = verdict.joined.as_ref().filter(|_| assumed) {
            let mut word = "joined";
            for text in wrap(&line(joined), WIDTH) {
                writeln!(out, "  {word:FACT_COLUMN$}{text}")?;
                word = "";
            }
        }
        if let Some(assumed) = verdict.assumed.as_ref().filter(|_| assumed) {
            writeln!(out, "  {:FACT_COLUMN$}{}", Word::Assumed.name(), line(assumed))?;
        }
        for text in &verdict.hints {
            writeln!(out, "  {:FACT_COLUMN$}{}", Word::Settles.name(), line(text))?;
        }
        writeln!(out, "{}", line(&verdict.sentence))
    }

    fn severity(&self, severity: Severity, text: &str) -> String {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn fact(&self, word: Word, text: &str) -> String {
        let text = line(text);
        match (self.colour, word, text.chars().next()) {
            (true, Word::Fix, Some('+')) => format!("\u{1b}[32m{text}\u{1b}[0m"),
            (true, Word::Fix, Some('-')) => format!("\u{1b}[31m{text}\u{1b}[0m"),
            _ => text,
        }
    }
}
