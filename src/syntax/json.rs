//! JSON to nodes.
//!
//! `serde_json` reads one level at a time into borrowed [`RawValue`]s: the difference of two
//! pointers is the byte offset, keys are kept as written, duplicates too. What nobody asks for is
//! skimmed and never becomes a node, so a plan of 50 MB costs one pass.

mod diagnose;
mod direct;
mod string;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Entry, HoleSyntax, MAX_DEPTH, Node, Part, Style, SyntaxError, Text, Value};
use crate::source::{Embedding, SegmentMap, SourceId, SourceMap, Span};

/// Reads all of `text`, the text of `source`, into nodes.
///
/// # Errors
/// The first place where `text` is not JSON, or where it is nested too deeply.
pub fn parse(source: SourceId, text: &str, holes: HoleSyntax) -> Result<Node, SyntaxError> {
    Lazy::root(source, text).to_node(holes)
}

/// A JSON value that has been found but not read.
#[derive(Debug, Clone, Copy)]
pub struct Lazy<'a> {
    source: SourceId,
    raw: &'a str,
    offset: u32,
}

impl<'a> Lazy<'a> {
    /// The value that `text`, the text of `source`, holds. Nothing is checked until it is read.
    #[must_use]
    pub fn root(source: SourceId, text: &'a str) -> Self {
        // RFC 8259, section 8.1, lets a reader ignore a byte order mark.
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let body = body.trim_start_matches(is_space);
        let offset = narrow(text.len() - body.len());
        Self { source, raw: body.trim_end_matches(is_space), offset }
    }

    /// The value as written.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Where the value stands.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(self.source, self.offset, self.offset + narrow(self.raw.len()))
    }

    /// Whether the value starts like an object.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.raw.starts_with('{')
    }

    /// Whether the value starts like a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.raw.starts_with('[')
    }

    /// Whether the value starts like a string.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.raw.starts_with('"')
    }

    /// Whether `needle` occurs in the value as written. Cheap: what does not hold it is skipped.
    #[must_use]
    pub fn holds(&self, needle: &str) -> bool {
        memchr::memmem::find(self.raw.as_bytes(), needle.as_bytes()).is_some()
    }

    /// Key and value of each entry of an object, in order, duplicates kept; none for any other
    /// value.
    ///
    /// # Errors
    /// The first place where the value is not JSON, however deep.
    pub fn entries(&self) -> Result<LazyMap<'a>, SyntaxError> {
        if !self.is_map() {
            return Ok(LazyMap(Vec::new()));
        }
        let Level(pairs) = self.read::<Level<'a>>()?;
        Ok(LazyMap(pairs.into_iter().map(|(k, v)| (self.inside(k), self.inside(v))).collect()))
    }

    /// The items of a list; none for any other value.
    ///
    /// # Errors
    /// The first place where the value is not JSON, however deep.
    pub fn items(&self) -> Result<Vec<Self>, SyntaxError> {
        self.items_that(|_| true)
    }

    /// The items of a list that `keep` wants; none for any other value. Of a list of hundred thousand only
    /// these take memory.
    ///
    /// # Errors
    /// The first place where the value is not JSON, however deep.
    pub fn items_that(&self, keep: impl Fn(&Self) -> bool) -> Result<Vec<Self>, SyntaxError> {
        if !self.is_list() {
            return Ok(Vec::new());
        }
        let mut deserializer = serde_json::Deserializer::from_str(self.raw);
        let items = Items(|raw| Some(self.inside(raw)).filter(&keep));
        let read = deserializer.deserialize_seq(items);
        let read = read.and_then(|items| deserializer.end().map(|()| items));
        read.map_err(|error| self.explain(&error))
    }

    /// The decoded text of a string; `None` for any other value or if it does not decode.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        string::decode(self.raw, self.offset).ok().map(|(text, _)| text)
    }

    /// The decoded text of a string, and where its bytes come from.
    ///
    /// # Errors
    /// Where the value is not a string, or does not decode.
    pub fn decoded(&self) -> Result<(String, SegmentMap), SyntaxError> {
        let (text, map) = string::decode(self.raw, self.offset)
            .map_err(|error| self.error(error.start, error.end, error.message))?;
        Ok((text.into_owned(), map))
    }

    /// Reads the value and all in it.
    ///
    /// # Errors
    /// The first place where the value is not JSON, or where it is nested too deeply.
    pub fn to_node(&self, holes: HoleSyntax) -> Result<Node, SyntaxError> {
        if let Some(node) = direct::read(self.source, self.raw, self.offset, holes) {
            return Ok(node);
        }
        if let Some(at) = too_deep(self.raw) {
            let message = format!("the value is nested more than {MAX_DEPTH} levels deep");
            return Err(self.error(at, at + 1, message));
        }
        self.node(holes)
    }

    fn node(&self, holes: HoleSyntax) -> Result<Node, SyntaxError> {
        let value = match self.raw.as_bytes().first() {
            Some(b'{') => {
                let entries = self.entries()?;
                let mut read = Vec::with_capacity(entries.0.len());
                for (key, value) in entries.0 {
                    read.push(Entry { key: key.text(holes)?, value: value.node(holes)? });
                }
                Value::Map(read)
            }
            Some(b'[') => {
                let items = self.items()?;
                Value::List(items.iter().map(|item| item.node(holes)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => {
                self.check()?;
                Value::String(self.text(holes)?)
            }
            _ => {
                self.check()?;
                match self.raw {
                    "null" => Value::Null,
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    number => Value::Number(number.into()),
                }
            }
        };
        Ok(Node { span: self.span(), tag: None, value })
    }

    /// The text of a string, cut at its holes.
    fn text(&self, holes: HoleSyntax) -> Result<Text, SyntaxError> {
        let (decoded, map) = string::decode(self.raw, self.offset)
            .map_err(|error| self.error(error.start, error.end, error.message))?;
        Ok(Text::decoded(self.source, Style::Json, &decoded, &map, holes))
    }

    /// Whether a scalar is one. Inside of an object or list it is known to be.
    fn check(&self) -> Result<(), SyntaxError> {
        self.read::<&'a RawValue>().map(|_| ())
    }

    fn inside(&self, raw: &'a RawValue) -> Self {
        let raw = raw.get();
        let start = (raw.as_ptr() as usize).saturating_sub(self.raw.as_ptr() as usize);
        Self { source: self.source, raw, offset: self.offset + narrow(start) }
    }

    fn read<T: Deserialize<'a>>(&self) -> Result<T, SyntaxError> {
        serde_json::from_str(self.raw).map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &serde_json::Error) -> SyntaxError {
        if let Some(mistake) = diagnose::diagnose(self.raw) {
            let mut found = self.error(mistake.start, mistake.end, mistake.message);
            found.help = mistake.help.map(str::to_owned);
            return found;
        }
        // Not reached as far as tests can tell; then serde_json's own words are better than none.
        let line = error.line().saturating_sub(1);
        let start: usize = self.raw.split_inclusive('\n').take(line).map(str::len).sum();
        let at = (start + error.column().saturating_sub(1)).min(self.raw.len());
        self.error(at, at, error.to_string())
    }

    fn error(&self, start: usize, end: usize, message: impl Into<String>) -> SyntaxError {
        let (start, end) = (self.offset + narrow(start), self.offset + narrow(end));
        SyntaxError::new(self.source, start, end, message)
    }
}

/// The entries of an object that has been read one level deep.
#[derive(Debug, Clone, Default)]
pub struct LazyMap<'a>(Vec<(Lazy<'a>, Lazy<'a>)>);

impl<'a> LazyMap<'a> {
    /// Keys and values, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(Lazy<'a>, Lazy<'a>)] {
        &self.0
    }

    /// The value called `key`; of several, the last.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Lazy<'a>> {
        self.0.iter().rev().find(|(found, _)| found.is_text(key)).map(|(_, value)| *value)
    }
}

impl Lazy<'_> {
    /// Whether the value is the string `text`.
    #[must_use]
    pub fn is_text(&self, text: &str) -> bool {
        let inner = self.raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner {
            Some(inner) if inner.contains('\\') => self.as_str().is_some_and(|s| s == text),
            inner => inner == Some(text),
        }
    }
}

/// Makes a source of the text of a JSON string, for policies that are written inside one. `string`
/// covers the string with its quotes; `address` heads the frames.
///
/// # Errors
/// Where the string does not decode.
pub fn embed_string(
    sources: &SourceMap,
    string: Span,
    address: Option<&str>,
) -> Result<SourceId, SyntaxError> {
    let parent = sources.get(string.source);
    let raw = parent.text().get(string.start as usize..string.end as usize).unwrap_or("");
    let (text, map) = string::decode(raw, string.start).map_err(|error| {
        let place = |at: usize| string.start + narrow(at);
        let (start, end) = (place(error.start), place(error.end));
        SyntaxError::new(string.source, start, end, error.message)
    })?;
    let parent = Span::new(string.source, string.start + 1, string.end.saturating_sub(1));
    let embedding = Embedding { parent, map, address: address.map(Into::into) };
    Ok(sources.add_embedded(text, embedding))
}

/// Decodes the inside of a string that was read before.
pub(super) fn decode_again(text: &str, inside: Span) -> Option<(Box<str>, SegmentMap)> {
    let start = inside.start.checked_sub(1)?;
    let raw = text.get(start as usize..inside.end as usize + 1)?;
    let (decoded, map) = string::decode(raw, start).ok()?;
    Some((decoded.into(), map))
}

/// Where `raw` goes deeper than [`MAX_DEPTH`]. One pass over the bytes, because nodes are built and
/// dropped by recursion and a hostile file must not get that far.
fn too_deep(raw: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = raw.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                // Skip the string; a backslash hides what follows it.
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The white space of RFC 8259.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Texts longer than `u32` can count are refused when they are read.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// One level of an object.
struct Level<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Level<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Level<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Level(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// One level of a list: what is made of each item, where something is.
struct Items<F>(F);

impl<'de, T, F: FnMut(&'de RawValue) -> Option<T>> Visitor<'de> for Items<F> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.extend((self.0)(item));
        }
        Ok(items)
    }
}
