//! `# karplint: ignore[rule, rule] reason`: behind something it covers its line, alone on a line what
//! starts below it, as deep as that is indented.

use crate::finding::{Finding, Severity};
use crate::source::{SourceMap, Span};
use crate::syntax::comment::Comment;

use super::{RULE, unknown_rule};

/// How a comment that is meant for karplint starts.
pub(super) const SIGN: &str = "karplint:";

/// A comment that silences rules somewhere.
#[derive(Debug, Clone)]
pub(super) struct Inline {
    /// The rules.
    rules: Vec<String>,
    /// The comment.
    pub(super) span: Span,
    /// What it covers, in bytes of the same text.
    covers: Span,
}

impl Inline {
    /// Whether the comment silences `finding`.
    pub(super) fn matches(&self, finding: &Finding, sources: &SourceMap) -> bool {
        let place = sources.to_file(finding.primary.span);
        self.rules.iter().any(|rule| rule == finding.rule)
            && place.source == self.covers.source
            && self.covers.start <= place.start
            && place.start < self.covers.end
    }

    /// The rules it speaks of.
    pub(super) fn rules(&self) -> &[String] {
        &self.rules
    }
}

/// Reads the comments of one text; those that cannot be followed are findings.
pub(super) fn read(text: &str, comments: &[Comment], findings: &mut Vec<Finding>) -> Vec<Inline> {
    let mut out = Vec::new();
    for comment in comments {
        let Some(rest) = behind(comment.text.trim(), SIGN) else { continue };
        match parse(rest.trim()) {
            Ok(rules) => {
                let covers = covered(text, comment.span);
                out.push(Inline { rules, span: comment.span, covers });
            }
            Err(message) => {
                let mut finding = Finding::new(RULE, Severity::Warning, comment.span, message);
                finding.help = Some(
                    "write `# karplint: ignore[rule] reason`, with more rules after commas"
                        .to_owned(),
                );
                finding.primary.message = "this silences nothing".to_owned();
                findings.push(finding);
            }
        }
    }
    out
}

/// The rules of `ignore[rule, rule] reason`.
fn parse(text: &str) -> Result<Vec<String>, String> {
    let malformed = || "this comment is not of the form `karplint: ignore[rule] reason`".to_owned();
    let inner = behind(text, "ignore").map(str::trim_start).ok_or_else(malformed)?;
    let (rules, reason) =
        inner.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(malformed)?;
    let rules: Vec<String> =
        rules.split(',').map(|rule| rule.trim().to_ascii_lowercase()).collect();
    for rule in &rules {
        if let Some((message, near)) = unknown_rule(rule) {
            return Err(match near {
                Some(near) => format!("{message}; did you mean `{near}`?"),
                None => message,
            });
        }
    }
    if reason.trim().trim_start_matches(['-', ':']).trim().is_empty() {
        return Err(format!("this comment gives no reason to ignore `{}`", rules.join("`, `")));
    }
    Ok(rules)
}

/// The rest of a text that starts with a word, in whatever case.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

/// What a comment covers: its line, or the block that starts below it.
fn covered(text: &str, comment: Span) -> Span {
    let at = (comment.start as usize).min(text.len());
    let line_start = text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
    let line_end = text.get(at..).and_then(|tail| tail.find('\n')).map_or(text.len(), |to| at + to);
    let span = |start: usize, end: usize| {
        let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span::new(comment.source, clip(start), clip(end))
    };
    let alone = text.get(line_start..at).is_some_and(|head| head.trim().is_empty());
    if !alone {
        return span(line_start, line_end);
    }
    let mut start = None;
    let mut end = line_end;
    let mut next = line_end + 1;
    while let Some(rest) = text.get(next..).filter(|rest| !rest.is_empty()) {
        let line = rest.split('\n').next().unwrap_or_default();
        let content = line.trim_start();
        let indent = line.len() - content.len();
        let content = content.trim_end();
        let blank = content.is_empty() || content.starts_with(['#']) || content.starts_with("//");
        match start {
            _ if blank => {}
            None => {
                start = Some((next, indent, content.starts_with("- ")));
                end = next + line.len();
            }
            Some((_, own, is_item)) => {
                // A list may stand as deep as its key, and what closes a block as deep as its head.
                let goes_on = indent > own
                    || indent == own && !is_item && content.starts_with("- ")
                    || indent == own && content.starts_with(['}', ']', ')']);
                if !goes_on {
                    break;
                }
                end = next + line.len();
            }
        }
        next += line.len() + 1;
    }
    let (start, _, _) = start.unwrap_or((line_start, 0, false));
    span(start, end)
}

/// Whether a text may hold a comment for karplint, which few do.
#[must_use]
pub fn may_hold(text: &str) -> bool {
    // In the cases that people write it in; what is found is looked at in any.
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    has("arplint:") || has("ARPLINT:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(text: &str) -> String {
        let source = SourceMap::new().add_file("t.yaml", text);
        let at = u32::try_from(text.find('#').unwrap()).unwrap();
        let span = covered(text, Span::new(source, at, at + 1));
        text.get(span.start as usize..span.end as usize).unwrap().to_owned()
    }

    #[test]
    fn behind_something_it_covers_the_line() {
        assert_eq!(covers("a: 1\nb: 2 # x\nc: 3\n"), "b: 2 # x");
    }

    #[test]
    fn alone_it_covers_the_block_below() {
        assert_eq!(
            covers("s:\n  # x\n\n  - a: 1\n    b:\n      - 2\n  - c: 3\n"),
            "  - a: 1\n    b:\n      - 2"
        );
        assert_eq!(covers("# x\ns:\n- a: 1\n- b: 2\nt: 3\n"), "s:\n- a: 1\n- b: 2");
        assert_eq!(
            covers("r {\n  # x\n  s {\n    a = 1\n  }\n  t {}\n}\n"),
            "  s {\n    a = 1\n  }"
        );
        assert_eq!(covers("a: 1\n# x"), "# x");
    }

    #[test]
    fn capitals_change_nothing() {
        for text in ["Karplint: Ignore[Unsettled] as known", "KARPLINT: IGNORE[unsettled] x"] {
            assert!(may_hold(text));
            let span = Span::new(crate::source::SourceId(0), 0, 0);
            let comment = Comment { span, text: text.into() };
            let mut findings = Vec::new();
            let read = read(text, &[comment], &mut findings);
            assert_eq!((read[0].rules(), findings.len()), (&["unsettled".to_owned()][..], 0));
        }
    }

    #[test]
    fn rules_and_a_reason_are_wanted() {
        assert_eq!(parse("ignore[unsettled, policy-size] long since known").unwrap().len(), 2);
        assert!(parse("ignore[unsettled]").unwrap_err().contains("no reason"));
        assert!(parse("ignore[unsetled] x").unwrap_err().contains("did you mean `unsettled`?"));
        assert!(parse("ignore unsettled").unwrap_err().contains("not of the form"));
        assert!(parse("off").unwrap_err().contains("not of the form"));
    }
}
