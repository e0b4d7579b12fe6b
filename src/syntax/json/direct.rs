//! JSON to nodes in one pass over the text, for text that is right. What is wrong is none of this
//! file's business: it gives up, and the reader that goes level by level finds out why.

use super::super::{Entry, HoleSyntax, MAX_DEPTH, Node, Style, Text, Value};
use super::{narrow, string};
use crate::source::{SourceId, Span};

/// Reads `raw`, which stands at `offset` in `source`; `None` if it is not JSON.
pub(super) fn read(source: SourceId, raw: &str, offset: u32, holes: HoleSyntax) -> Option<Node> {
    let mut reader = Reader { source, raw, bytes: raw.as_bytes(), at: 0, offset, holes };
    reader.space();
    let node = reader.value(0)?;
    reader.space();
    (reader.at == raw.len()).then_some(node)
}

struct Reader<'a> {
    source: SourceId,
    raw: &'a str,
    bytes: &'a [u8],
    at: usize,
    offset: u32,
    holes: HoleSyntax,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, self.offset + narrow(start), self.offset + narrow(end))
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let start = self.at;
        let value = match self.peek()? {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Value::String(self.text()?),
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            _ => self.number()?,
        };
        Some(Node { span: self.span(start, self.at), tag: None, value })
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        // A statement has five entries as a rule.
        let mut entries = Vec::with_capacity(5);
        self.space();
        if self.eat(b'}') {
            return Some(Value::Map(Vec::new()));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return None;
            }
            let key = self.text()?;
            self.space();
            if !self.eat(b':') {
                return None;
            }
            self.space();
            entries.push(Entry { key, value: self.value(depth + 1)? });
            self.space();
            if self.eat(b'}') {
                return Some(Value::Map(entries));
            }
            if !self.eat(b',') {
                return None;
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.eat(b']') {
            return Some(Value::List(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.eat(b']') {
                return Some(Value::List(items));
            }
            if !self.eat(b',') {
                return None;
            }
        }
    }

    /// A string that begins here.
    fn text(&mut self) -> Option<Text> {
        let start = self.at;
        let mut plain = true;
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    plain = false;
                    self.at += 2;
                }
                0..0x20 => return None,
                // Only these can begin a placeholder.
                b'$' | b'{' | 0xee if self.holes != HoleSyntax::None => {
                    plain = false;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        if plain {
            let inner = self.raw.get(start + 1..self.at - 1)?;
            let span = self.span(start + 1, self.at - 1);
            let parts = match inner {
                "" => Vec::new(),
                inner => vec![super::Part::Literal(span, inner.into())],
            };
            return Some(Text { span, style: Style::Json, parts });
        }
        let raw = self.raw.get(start..self.at)?;
        let (decoded, map) = string::decode(raw, self.offset + narrow(start)).ok()?;
        Some(Text::decoded(self.source, Style::Json, &decoded, &map, self.holes))
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        let end = self.at + word.len();
        let found = self.raw.get(self.at..end) == Some(word);
        self.at = end;
        found.then_some(value)
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Some(Value::Number(self.raw.get(start..self.at)?.into()))
    }
}
