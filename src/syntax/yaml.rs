//! YAML to nodes. Tags are kept, scalars are never typed (`2012-10-17` is text, not a date), keys
//! keep their order and duplicates, and aliases are expanded within a budget.

mod explain;
mod merge;
mod scalar;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};

use super::comment::Comment;
use super::{Entry, HoleSyntax, MAX_DEPTH, Node, Style, SyntaxError, Text, Value};
use crate::source::{SegmentMap, SourceId, Span};

pub use merge::merge_keys;

/// Most nodes that aliases may add, over all documents of a text. Nine lines of YAML can ask for
/// billions; a template that people write asks for some hundred.
const MAX_ALIASED: usize = 100_000;

/// Reads all documents of `text`, the text of `source`.
///
/// # Errors
/// The first place where `text` is not YAML, is nested too deeply, or expands to too much.
pub fn parse(source: SourceId, text: &str, holes: HoleSyntax) -> Result<Vec<Node>, SyntaxError> {
    let mut options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let mut builder = Builder {
        source,
        text,
        holes,
        open: Vec::new(),
        anchors: HashMap::new(),
        aliased: 0,
        documents: Vec::new(),
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| explain::explain(source, text, &error))?;
        builder.event(event, span)?;
    }
    Ok(builder.documents)
}

/// The comments of `text`, as far as it is YAML.
#[must_use]
pub fn comments(source: SourceId, text: &str) -> Vec<Comment> {
    let mut options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(true);
    let mut out = Vec::new();
    for event in Parser::new_from_str_with_options(text, options) {
        // What is wrong with the text is told by who reads it.
        let Ok((event, span)) = event else { break };
        if let Event::Comment(words, _) = event {
            let range = span.byte_range().unwrap_or_default();
            let span = Span::new(source, narrow(range.start), narrow(range.end));
            out.push(Comment { span, text: words.as_ref().into() });
        }
    }
    out
}

/// The map of a scalar that was read before.
pub(super) fn map_again(text: &str, scalar: &Text, decoded: &str) -> SegmentMap {
    let (start, end) = (scalar.span.start as usize, scalar.span.end as usize);
    scalar::again(text, start, end, scalar.style, decoded)
}

/// A list or map that has been opened.
struct Open {
    start: u32,
    /// Where it ends as far as it has been read.
    end: u32,
    flow: bool,
    tag: Option<Box<str>>,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    /// The entries, and a key that waits for its value.
    Map(Vec<Entry>, Option<Text>),
}

/// What an alias stands for, with how many nodes it holds and how deep they are nested.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

struct Builder<'a> {
    source: SourceId,
    text: &'a str,
    holes: HoleSyntax,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
    documents: Vec<Node>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: granit_parser::Span) -> Result<(), SyntaxError> {
        let range = span.byte_range().unwrap_or_default();
        let (start, end) = (narrow(range.start), narrow(range.end));
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let tag = self.tag(tag.as_deref(), span);
                let node = self.scalar(&value, style, range, tag);
                self.add(node, anchor)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.push(start, end, style, tag.as_deref(), span, anchor, Kind::List(Vec::new()))
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Map(Vec::new(), None);
                self.push(start, end, style, tag.as_deref(), span, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::Alias(id) => self.alias(id, start, end),
            Event::DocumentEnd => {
                // Anchors are known in their own document only.
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one event, taken apart once")]
    fn push(
        &mut self,
        start: u32,
        end: u32,
        style: StructureStyle,
        tag: Option<&Tag>,
        span: granit_parser::Span,
        anchor: usize,
        kind: Kind,
    ) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(explain::too_deep(self.source, start));
        }
        let flow = style == StructureStyle::Flow;
        let tag = self.tag(tag, span);
        self.open.push(Open { start, end, flow, tag, anchor, kind });
        Ok(())
    }

    fn close(&mut self, end: u32) -> Result<(), SyntaxError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        // The end event of a block stands at whatever comes next; its last child is its end.
        let end = if open.flow { end.max(open.end) } else { open.end };
        let value = match open.kind {
            Kind::List(items) => Value::List(items),
            Kind::Map(entries, _) => Value::Map(entries),
        };
        let span = Span::new(self.source, open.start, end);
        self.add(Node { span, tag: open.tag, value }, open.anchor)
    }

    /// Puts a finished node into what is open around it.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        if anchor != 0 {
            let (size, depth) = measure(&node);
            self.budget(size, node.span.start, node.span.end)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
        }
        self.place(node);
        Ok(())
    }

    fn place(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return;
        };
        // An alias brings spans from elsewhere, which do not move the end.
        if node.span.start >= open.end {
            open.end = node.span.end;
        }
        match &mut open.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries, key) => match key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None => *key = Some(into_key(node)),
            },
        }
    }

    fn alias(&mut self, id: usize, start: u32, end: u32) -> Result<(), SyntaxError> {
        let Some(anchored) = self.anchors.get(&id) else {
            // The parser refuses unknown names, so this one names what it stands in.
            let message = "an alias must not stand inside of what it names";
            return Err(SyntaxError::new(self.source, start, end, message));
        };
        if self.open.len() + anchored.depth > MAX_DEPTH {
            return Err(explain::too_deep(self.source, start));
        }
        let (size, node) = (anchored.size, anchored.node.clone());
        self.budget(size, start, end)?;
        if let Some(open) = self.open.last_mut() {
            open.end = open.end.max(end);
        }
        self.place(node);
        Ok(())
    }

    fn budget(&mut self, size: usize, start: u32, end: u32) -> Result<(), SyntaxError> {
        self.aliased += size;
        if self.aliased <= MAX_ALIASED {
            return Ok(());
        }
        let message = format!("anchors and aliases expand to more than {MAX_ALIASED} values");
        Err(SyntaxError::new(self.source, start, end, message))
    }

    fn scalar(
        &self,
        value: &str,
        style: ScalarStyle,
        range: std::ops::Range<usize>,
        tag: Option<Box<str>>,
    ) -> Node {
        let span = |start, end| Span::new(self.source, narrow(start), narrow(end));
        let whole = span(range.start, range.end);
        let empty = range.is_empty() && style == ScalarStyle::Plain;
        if style == ScalarStyle::Plain && tag.is_none() && (empty || is_null(value)) {
            return Node { span: whole, tag, value: Value::Null };
        }
        let quote =
            usize::from(matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        // The parser spells an empty scalar `~`.
        let value = if empty { "" } else { value };
        let (start, end) = (range.start + quote, range.end.saturating_sub(quote));
        let map = scalar::first(self.text, start, end, style, value);
        let text = Text::decoded(self.source, style, value, &map, self.holes);
        // A block's header is no part of it, and the range of the parser runs on to what follows.
        let block = matches!(style, Style::Literal | Style::Folded);
        let span = if block { text.span } else { whole };
        Node { span, tag, value: Value::String(text) }
    }

    /// A tag as written, or as its parts say if it has no place of its own.
    fn tag(&self, tag: Option<&Tag>, span: granit_parser::Span) -> Option<Box<str>> {
        let tag = tag?;
        let written = span.tag_span().and_then(|span| span.slice(self.text));
        Some(written.map_or_else(|| tag.original().into(), Into::into))
    }
}

/// The key that a node stands for. A list or map as a key has no text.
fn into_key(node: Node) -> Text {
    match node.value {
        Value::String(text) => text,
        _ => Text { span: node.span, style: Style::Plain, parts: Vec::new() },
    }
}

/// The plain scalars that mean nothing in every schema (YAML 1.2.2, section 10.3.2).
fn is_null(value: &str) -> bool {
    matches!(value, "" | "~" | "null" | "Null" | "NULL")
}

/// How many nodes there are, and how deep lists and maps are nested.
fn measure(node: &Node) -> (usize, usize) {
    let children: Vec<&Node> = match &node.value {
        Value::List(items) => items.iter().collect(),
        Value::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        _ => return (1, 0),
    };
    let (mut size, mut depth) = (1, 0);
    for child in children {
        let inner = measure(child);
        size += inner.0;
        depth = depth.max(inner.1);
    }
    (size, depth + 1)
}

/// Texts longer than `u32` can count are refused when they are read.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
