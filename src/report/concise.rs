//! `--format concise`: one line a finding, as compilers write them.

use std::io::{self, Write};

use super::escape::line;
use super::place::Place;
use super::{Outcome, Reporter};

/// `path:line:column: severity[rule] message`.
#[derive(Debug, Clone, Copy)]
pub struct Concise;

impl Reporter for Concise {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        for finding in &outcome.findings {
            let place = Place::of(outcome.sources, finding.primary.span);
            let text = format!(
                "{}:{}:{}: {}[{}] {}",
                place.file,
                place.start.line,
                place.start.column,
                finding.severity.name(),
                finding.rule,
                finding.message
            );
            writeln!(out, "{}", line(&text))?;
        }
        Ok(())
    }
}
