//! Text to spanned nodes, whatever the format. Readers see one source and know nothing of nesting,
//! policies or rules.

#[cfg(feature = "cli")]
pub mod comment;
#[cfg(feature = "cli")]
pub mod hcl;
pub mod holes;
pub mod json;
pub mod percent;
mod when;
#[cfg(feature = "cli")]
pub mod yaml;

use crate::source::{Embedding, SegmentMap, SourceId, SourceMap, Span};

pub use holes::HoleSyntax;
pub use when::When;

/// How deep values may be nested. Nodes are built, walked and dropped by recursion, and JSON is read
/// once for each level, so a file must not choose the depth; no policy comes near.
pub const MAX_DEPTH: usize = 128;

/// A value with its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The whole value: a string with its quotes, a list with its brackets.
    pub span: Span,
    /// A YAML tag such as `!Sub`, as written; `None` in JSON.
    pub tag: Option<Box<str>>,
    /// What it is.
    pub value: Value,
}

/// The kinds of value. YAML scalars are never typed: they are all [`Value::String`], but for an
/// empty or `null` plain one.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false` in JSON.
    Bool(bool),
    /// A JSON number, as written.
    Number(Box<str>),
    /// A JSON string or any YAML scalar.
    String(Text),
    /// A list.
    List(Vec<Node>),
    /// A map: order and duplicate keys are kept.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key; it may hold holes, as in `"aws:RequestTag/kubernetes.io/cluster/${ClusterName}"`.
    pub key: Text,
    /// The value.
    pub value: Node,
}

/// How a text was written. It decides how text that is put into it must be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A JSON string, or a double-quoted YAML scalar read from JSON.
    Json,
    /// A YAML plain scalar.
    Plain,
    /// A YAML scalar in single quotes.
    SingleQuoted,
    /// A YAML scalar in double quotes.
    DoubleQuoted,
    /// A YAML `|` block.
    Literal,
    /// A YAML `>` block.
    Folded,
    /// A string of Terraform's language.
    Hcl,
}

/// Text, part of which may be unknown before deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The text without its quotes.
    pub span: Span,
    /// How it was written.
    pub style: Style,
    /// The pieces in order; empty for the empty text. Two literals never stand side by side.
    pub parts: Vec<Part>,
}

/// One piece of a [`Text`].
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Known text, decoded.
    Literal(Span, Box<str>),
    /// A value unknown before deployment, with its expression: `ClusterName` for `${ClusterName}`.
    Hole(Span, Box<str>),
}

impl Text {
    /// The text, if all of it is known.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(_, text)] => Some(text),
            _ => None,
        }
    }

    /// The text for people: holes as `${expression}`.
    #[must_use]
    pub fn display(&self) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(_, text) => out.push_str(text),
                Part::Hole(_, expr) => {
                    out.push_str("${");
                    out.push_str(expr);
                    out.push('}');
                }
            }
        }
        out
    }

    /// The expressions of the holes, in order.
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(_, expr) => Some(&**expr),
            Part::Literal(..) => None,
        })
    }
}

impl Node {
    /// The text of a string.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The known text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().and_then(Text::as_literal)
    }

    /// The entries of a map; none for any other value.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for any other value.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entry called `key` of a map; of several, the last.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key.as_literal() == Some(key))
    }

    /// The value called `key` of a map; of several, the last.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }
}

/// Makes a source of what is written inside of `text`, for policies that stand in a string.
/// `address` heads the frames. The text must not have been cut at holes.
#[must_use]
pub fn embed(sources: &SourceMap, text: &Text, address: Option<&str>) -> SourceId {
    let (decoded, map) = decode(sources, text);
    let embedding = Embedding { parent: text.span, map, address: address.map(Into::into) };
    sources.add_embedded(decoded, embedding)
}

/// Cuts a text that was read without holes, once it is known what its holes look like.
#[must_use]
pub fn cut(sources: &SourceMap, text: &Text, holes: HoleSyntax) -> Text {
    let (decoded, map) = decode(sources, text);
    Text::decoded(text.span.source, text.style, &decoded, &map, holes)
}

/// The decoded text and where it came from. A map is needed for few texts, so none is kept.
#[must_use]
pub fn decode(sources: &SourceMap, text: &Text) -> (Box<str>, SegmentMap) {
    let parent = sources.get(text.span.source);
    match (text.style, text.parts.as_slice()) {
        (Style::Json, _) => json::decode_again(parent.text(), text.span),
        #[cfg(feature = "cli")]
        (_, [Part::Literal(_, decoded)]) => {
            Some((decoded.clone(), yaml::map_again(parent.text(), text, decoded)))
        }
        _ => None,
    }
    .unwrap_or_else(|| {
        // What was cut is one text again, but not divisible.
        let decoded = text.display();
        let mut map = SegmentMap::starting_at(text.span.start);
        map.decode(u32::try_from(decoded.len()).unwrap_or(u32::MAX), text.span.len());
        (decoded.into(), map)
    })
}

/// Why a text does not parse. One sentence, lower case, no full stop; names what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where; may be empty at the place where something is missing.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}

impl SyntaxError {
    /// An error at `start..end` of `source`.
    #[must_use]
    pub fn new(source: SourceId, start: u32, end: u32, message: impl Into<String>) -> Self {
        Self { span: Span::new(source, start, end), message: message.into(), help: None }
    }
}
