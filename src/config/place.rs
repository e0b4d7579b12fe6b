//! Where a value of the file stands, for mistakes that show only when it is put to use.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::source::SourceMap;

use super::{Config, span};

/// One step into the file.
#[derive(Debug, Clone, Copy)]
pub enum Step<'s> {
    /// The value of a key.
    Key(&'s str),
    /// An item of a list.
    Item(usize),
}

impl Config {
    /// The error, told at the value that `steps` lead to, or at the last on the way to it.
    #[must_use]
    pub fn blame(&self, sources: &SourceMap, error: Error, steps: &[Step<'_>]) -> Error {
        let Some((id, name)) = &self.source else { return error };
        let source = sources.get(*id);
        let place = place(source.text(), steps);
        let span = place.map(|range| span(*id, range.start, range.end));
        Error { file: name.clone(), span, ..error }
    }
}

fn place(text: &str, steps: &[Step<'_>]) -> Option<std::ops::Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let mut found: Option<&Spanned<DeValue<'_>>> = None;
    for step in steps {
        let next = match (step, found.map(Spanned::get_ref)) {
            (Step::Key(key), None) => root.get_ref().get(*key),
            (Step::Key(key), Some(value)) => value.as_table().and_then(|table| table.get(*key)),
            (Step::Item(at), value) => {
                value.and_then(DeValue::as_array).and_then(|items| items.get(*at))
            }
        };
        let Some(next) = next else { break };
        found = Some(next);
    }
    found.map(Spanned::span)
}
