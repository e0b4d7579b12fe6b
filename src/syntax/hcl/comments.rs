//! The comments of HCL text (HCL Native Syntax Specification, *Comments and Whitespace*, *Template
//! Expressions*): `#` and `//` to the end of the line, `/* */`. What looks like one inside a quoted
//! template or a heredoc is text.

use crate::source::{SourceId, Span};
use crate::syntax::comment::Comment;

/// What the scanner is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// `"…"`.
    Quotes,
    /// `${…}` or `%{…}` in quotes.
    Interpolation,
    /// `{…}` in an interpolation.
    Braces,
}

/// The comments of `text`, as far as it is HCL.
#[must_use]
pub fn comments(source: SourceId, text: &str) -> Vec<Comment> {
    let mut scanner = Scanner { source, text, at: 0, inside: Vec::new(), out: Vec::new() };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.out
}

struct Scanner<'t> {
    source: SourceId,
    text: &'t str,
    /// Bytes that are behind us; always at the start of a character.
    at: usize,
    inside: Vec<Inside>,
    out: Vec<Comment>,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn step(&mut self) {
        let rest = self.rest();
        let starts = |sign: &str| rest.starts_with(sign);
        let width = rest.chars().next().map_or(1, char::len_utf8);
        if self.inside.last() == Some(&Inside::Quotes) {
            if starts("\\") {
                let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
                self.at += 1 + escaped;
            } else if starts("$${") || starts("%%{") {
                self.at += 3;
            } else if starts("${") || starts("%{") {
                self.inside.push(Inside::Interpolation);
                self.at += 2;
            } else {
                // A quoted template ends with its line, so that a broken one hides nothing more.
                if starts("\"") || starts("\n") {
                    self.inside.pop();
                }
                self.at += width;
            }
            return;
        }
        if starts("#") || starts("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            self.comment(length, if starts("#") { 1 } else { 2 }, 0);
        } else if starts("/*") {
            let end = rest.find("*/");
            self.comment(end.map_or(rest.len(), |end| end + 2), 2, end.map_or(0, |_| 2));
        } else if starts("<<") && self.inside.is_empty() {
            self.at += heredoc(rest);
        } else {
            match rest.chars().next() {
                Some('"') => self.inside.push(Inside::Quotes),
                Some('{') if !self.inside.is_empty() => self.inside.push(Inside::Braces),
                Some('}') if !self.inside.is_empty() => {
                    self.inside.pop();
                }
                _ => {}
            }
            self.at += width;
        }
    }

    /// Keeps a comment of so many bytes, with so many for the signs at both ends.
    fn comment(&mut self, length: usize, head: usize, tail: usize) {
        let whole = self.rest().get(..length).unwrap_or("").trim_end_matches('\r');
        let text = whole.get(head..whole.len().saturating_sub(tail)).unwrap_or("");
        let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span::new(self.source, clip(self.at), clip(self.at + whole.len()));
        let comment = Comment { span, text: text.into() };
        self.out.push(comment);
        self.at += length;
    }
}

/// How many bytes the heredoc at the start of `rest` takes; those of its sign, if it is none.
fn heredoc(rest: &str) -> usize {
    let mut lines = rest.split_inclusive('\n');
    let Some(head) = lines.next() else { return 2 };
    let word = head.trim_start_matches(['<', '-']).trim();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if word.is_empty() || !word.chars().all(is_word) {
        return 2;
    }
    let mut length = head.len();
    for line in lines {
        length += line.len();
        if line.trim() == word {
            return length;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let found = comments(SourceId(0), text);
        for comment in &found {
            let own = text.get(comment.span.start as usize..comment.span.end as usize).unwrap();
            assert!(own.contains(&*comment.text), "{own}");
        }
        found.iter().map(|comment| comment.text.trim().to_owned()).collect()
    }

    #[test]
    fn all_three_kinds_are_found() {
        let text = "# one\nx = 1 // two\r\ny = \"a\" /* three\n lines */ z = 2 # four";
        assert_eq!(texts(text), ["one", "two", "three\n lines", "four"]);
    }

    #[test]
    fn text_is_no_comment() {
        for text in [
            "x = \"a # b\"",
            "x = \"https://example.com\"",
            "x = \"\\\" # b\"",
            "x = \"${f(\"#\", {a = \"//\"})} # b\"",
            "x = \"$${ # b\"",
            "x = <<EOT\n# b\n// c\nEOT\n",
            "x = <<-EOT\n  # b\n  EOT\n",
        ] {
            assert_eq!(texts(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_follows_text_is_found_again() {
        for text in [
            "x = \"${f({a = 1})}\" # b",
            "x = <<EOT\n# no\nEOT\n# b",
            "x = 1 << 2 # b",
            "x = \"broken\n# b",
            "x = \"é𝄞\" # b",
        ] {
            assert_eq!(texts(text), ["b"], "{text}");
        }
    }
}
