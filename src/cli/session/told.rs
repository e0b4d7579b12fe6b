//! What is said of a place, as plain data: no ids of texts, which may be gone when somebody asks.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::finding::{Applicability, Finding, Severity};
use crate::fix::carry;
use crate::lints;
use crate::report::escape;
use crate::source::{SourceMap, Span};

use super::Judged;

/// A place in a text, as editors count it: line and character from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) line: u32,
    /// Units of UTF-16 from the start of the line.
    pub(crate) utf16: u32,
    /// Bytes from the start of the line.
    pub(crate) utf8: u32,
}

/// A range of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The file, relative to the folder of the session.
    pub(crate) file: String,
    /// Bytes.
    pub(crate) bytes: (u32, u32),
    /// Start and end in the text as it was read.
    pub(crate) points: (Point, Point),
}

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// A fix that can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fixing {
    pub(crate) title: String,
    /// Whether it changes nothing but what is wrong.
    pub(crate) is_safe: bool,
    pub(crate) changes: Vec<Change>,
}

/// What is said of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) place: Place,
    pub(crate) severity: Severity,
    /// The rule; `None` where something could not be checked.
    pub(crate) rule: Option<&'static str>,
    /// The page of the rule.
    pub(crate) url: Option<String>,
    /// Lines; the first stands alone.
    pub(crate) message: String,
    pub(crate) related: Vec<(Place, String)>,
    pub(crate) fix: Option<Fixing>,
    /// Whether requests are denied because of it: that comes first.
    pub(crate) denies: bool,
}

fn place(sources: &SourceMap, span: Span) -> Place {
    let span = sources.to_file(span);
    let source = sources.get(span.source);
    let point = |offset: u32| {
        let (line, utf16) = source.lines().utf16(source.text(), offset);
        let (start, _) = source.lines().range(source.text(), line + 1);
        Point { line, utf16, utf8: offset.saturating_sub(start) }
    };
    Place {
        file: source.name().to_owned(),
        bytes: (span.start, span.end),
        points: (point(span.start), point(span.end)),
    }
}

/// Adds a finding to those of its file. What silences nothing is only known of the files in `focus`: of the
/// others not everything was judged.
pub(super) fn finding(
    finding: &Finding,
    focus: &[String],
    sources: &SourceMap,
    files: &mut BTreeMap<String, Vec<Told>>,
) {
    let own = place(sources, finding.primary.span);
    if finding.rule == "unused-suppression" && !focus.contains(&own.file) {
        return;
    }
    let label = Some(&finding.primary.message).filter(|label| !label.is_empty());
    let more = label.or(finding.help.as_ref());
    let lines = std::iter::once(&finding.message).chain(more);
    let message = lines.map(|text| escape::line(text)).collect::<Vec<_>>().join("\n");
    let because = finding.because.iter().map(|label| {
        (place(sources, label.span), format!("needed because of {}", escape::line(&label.message)))
    });
    let related = finding.related.iter().filter(|label| !label.message.is_empty());
    let related = related.map(|label| (place(sources, label.span), escape::line(&label.message)));
    let told = Told {
        severity: finding.severity,
        rule: Some(finding.rule),
        url: lints::find(finding.rule)
            .map(|lint| lint.reference.clone())
            .filter(|reference| reference.starts_with("https://") && !reference.contains(' ')),
        message,
        related: related.chain(because).collect(),
        fix: fixing(finding, sources),
        denies: !finding.data.denied.is_empty(),
        place: own,
    };
    let known = files.entry(told.place.file.clone()).or_default();
    if !known.contains(&told) {
        known.push(told);
    }
}

/// The fix, where every one of its changes can be made in the file on disk.
fn fixing(finding: &Finding, sources: &SourceMap) -> Option<Fixing> {
    let fix = finding.fix.as_ref().filter(|fix| fix.can_be_applied())?;
    let change = |edit| {
        let edit = carry(sources, edit)?;
        Some(Change { place: place(sources, edit.span), text: edit.text })
    };
    Some(Fixing {
        title: escape::line(&fix.title),
        is_safe: fix.applicability == Applicability::Safe,
        changes: fix.edits.iter().map(change).collect::<Option<_>>()?,
    })
}

/// Adds what could not be checked.
pub(super) fn stopped(error: &Error, sources: &SourceMap, out: &mut Judged) {
    let help = error.help.as_ref().map(|help| format!("\n{}", escape::line(help)));
    let message = format!("{}{}", escape::line(&error.message), help.unwrap_or_default());
    let zero = Point { line: 0, utf16: 0, utf8: 0 };
    let place = match (error.span, error.position) {
        _ if error.file.is_empty() => return out.errors.push(message),
        (Some(span), _) => place(sources, span),
        (None, Some(at)) => {
            let point = Point { line: at.line - 1, utf16: at.column - 1, utf8: at.column - 1 };
            let points = (point, point);
            Place { file: error.file.clone(), bytes: (at.offset, at.offset), points }
        }
        (None, None) => Place { file: error.file.clone(), bytes: (0, 0), points: (zero, zero) },
    };
    let told = Told {
        severity: Severity::Error,
        rule: None,
        url: None,
        message,
        related: Vec::new(),
        fix: None,
        denies: false,
        place,
    };
    out.stopped.entry(told.place.file.clone()).or_default().push(told);
}
