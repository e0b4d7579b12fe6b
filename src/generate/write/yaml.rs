//! YAML as CloudFormation reads it.

use crate::policy::symbolic::Symbolic;

use super::Names;
use super::tree::{Entry, Tree};

/// Writes trees at a depth of two blanks each.
pub(super) struct Writer<'n> {
    pub(super) names: &'n Names,
}

impl Writer<'_> {
    /// A text: plain where YAML takes it for nothing else, else in quotes; with `!Sub` where the
    /// deployment fills something in.
    pub(super) fn text(&self, text: &Symbolic) -> String {
        if text.symbols().next().is_none() {
            let known = text.as_literal().unwrap_or_default();
            return if is_plain(known) { known.to_owned() } else { quoted(known) };
        }
        // Inside of !Sub, `${!x}` is `${x}`.
        let escape = |text: &str| escape(&text.replace("${", "${!"));
        let filled = self.names.fill(text, escape, |name| format!("${{{}}}", name.parameter()));
        format!("!Sub \"{filled}\"")
    }

    /// The entries of a map, each on a line of its own.
    pub(super) fn map(&self, entries: &[Entry], depth: usize, out: &mut String) {
        for entry in entries {
            out.push_str(&"  ".repeat(depth));
            out.push_str(&self.text(&entry.key));
            out.push(':');
            self.value(&entry.value, depth + 1, out);
        }
    }

    /// What follows a key or a dash.
    fn value(&self, value: &Tree, depth: usize, out: &mut String) {
        match value {
            Tree::Text(text) => {
                out.push(' ');
                out.push_str(&self.text(text));
                out.push('\n');
            }
            Tree::List(items) => {
                out.push('\n');
                for item in items {
                    self.item(item, depth, out);
                }
            }
            Tree::Map(entries) => {
                out.push('\n');
                self.map(entries, depth, out);
            }
        }
    }

    /// An item of a list.
    pub(super) fn item(&self, item: &Tree, depth: usize, out: &mut String) {
        out.push_str(&"  ".repeat(depth));
        out.push('-');
        let Tree::Map(entries) = item else { return self.value(item, depth + 1, out) };
        let mut inner = String::new();
        self.map(entries, depth + 1, &mut inner);
        out.push(' ');
        out.push_str(inner.trim_start());
    }
}

/// Text in double quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// JSON's escapes are also YAML's.
fn escape(text: &str) -> String {
    super::json::escape(text)
}

/// Whether a text stands for itself without quotes: a word that YAML takes neither for a number nor for
/// something else.
fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '-' | '_' | '.');
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    starts
        && text.chars().all(rest)
        && !text.ends_with(':')
        && !words.contains(&text.to_ascii_lowercase().as_str())
}
