//! What is wrong with a text that the YAML parser refuses, said for people.

use granit_parser::{ErrorKind, ScanError};

use super::{MAX_DEPTH, narrow};
use crate::source::SourceId;
use crate::syntax::SyntaxError;

/// The error of the parser as one of ours.
pub(super) fn explain(source: SourceId, text: &str, error: &ScanError) -> SyntaxError {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(source, narrow(at));
    }
    if let Some(marker) = template_marker(text, at) {
        let message = "the file looks like a template, not like YAML";
        let mut found = SyntaxError::new(source, narrow(marker), narrow(marker + 2), message);
        found.help = Some("render it first, for instance with `helm template`".to_owned());
        return found;
    }
    if let Some(tab) = tab(text, at, error.kind()) {
        let message = "a tab stands in the indentation, where YAML takes only spaces";
        return SyntaxError::new(source, narrow(tab), narrow(tab + 1), message);
    }
    let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
    let end = if text.as_bytes().get(at).is_some_and(u8::is_ascii_control) { at } else { end };
    SyntaxError::new(source, narrow(at), narrow(end), message(error.kind()))
}

/// A value that goes deeper than nodes may.
pub(super) fn too_deep(source: SourceId, at: u32) -> SyntaxError {
    let message = format!("the value is nested more than {MAX_DEPTH} levels deep");
    SyntaxError::new(source, at, at + 1, message)
}

/// Where a template's `{{` or `{%` starts a line or a value: the last before `at`, else the first.
fn template_marker(text: &str, at: usize) -> Option<usize> {
    let mut found = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let inside = line.find("{{").or_else(|| line.find("{%"));
        if let Some(inside) = inside {
            // Inside of quotes it does no harm.
            let before = line.get(..inside).unwrap_or("").trim_end();
            let starts = before.is_empty() || before.ends_with([':', '-']);
            if starts && (found.is_none() || start + inside <= at) {
                found = Some(start + inside);
            }
        }
        start += line.len();
        if start > at && found.is_some() {
            break;
        }
    }
    found
}

/// The tab in the indentation of the line at `at` or, where the parser had only begun to look, of
/// a line after it.
fn tab(text: &str, at: usize, kind: &ErrorKind) -> Option<usize> {
    let named = matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    );
    let start = text.get(..at)?.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let mut here = start;
    // Any error on a line that is indented by a tab comes from the tab.
    let lines = text.get(start..)?.split_inclusive(['\n', '\r']);
    for line in lines.take(if named { usize::MAX } else { 1 }) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indent).and_then(|indent| indent.find('\t')) {
            return Some(here + tab);
        }
        here += line.len();
    }
    named.then_some(at)
}

/// One sentence for each kind of mistake that people make; the parser's own words for the others.
fn message(kind: &ErrorKind) -> String {
    let text = match kind {
        ErrorKind::UnclosedQuotedScalar => "this string is not closed",
        ErrorKind::UnclosedFlowCollection { open } => {
            return format!("this `{open}` is not closed");
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return format!("`{close}` closes what `{open}` opened");
        }
        ErrorKind::MisplacedFlowCollectionEnd => "this bracket closes nothing",
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            "a `:` cannot stand here: put text that holds `: ` in quotes, or check the indentation"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => "expected `:` after this key",
        ErrorKind::ExpectedBlockMappingKey => "expected a key with this indentation",
        ErrorKind::ExpectedBlockSequenceEntry => "expected `-` with this indentation",
        ErrorKind::ExpectedFlowMappingSeparator => "expected `,` or `}` after this value",
        ErrorKind::ExpectedFlowSequenceSeparator => "expected `,` or `]` after this value",
        ErrorKind::ExpectedDocumentStart => "unexpected text after the end of the document",
        ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent => "the indentation does not fit what is around it",
        ErrorKind::UnknownAnchor => "this alias names no anchor before it",
        ErrorKind::UnknownQuotedScalarEscape => {
            "unknown escape in double quotes; single quotes take a backslash as it is"
        }
        ErrorKind::UnexpectedCharacter { character: '\0' } => {
            "a NUL character cannot stand in YAML; the file may be UTF-16"
        }
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => {
            return format!("the character U+{:04X} cannot stand in YAML", u32::from(*character));
        }
        ErrorKind::UnexpectedCharacter { character } => {
            return format!("no YAML value starts with `{character}`");
        }
        ErrorKind::MappingKeyNotAllowed | ErrorKind::BlockSequenceEntryNotAllowed => {
            "this cannot stand here: check the indentation"
        }
        other => {
            // Theirs are one line and lower case; only some quote with a backtick and an apostrophe.
            return other.to_string().replace(['\'', '`'], "").replace(['\n', '\r'], " ");
        }
    };
    text.to_owned()
}
