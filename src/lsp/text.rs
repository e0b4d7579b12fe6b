//! The text of an editor: changed piece by piece, and asked for places in the units that were agreed on.

use std::path::PathBuf;

use super::protocol::{ContentChange, Position, Range};
use crate::source::LineIndex;

/// What a character of a position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16,
}

/// One open document.
#[derive(Debug)]
pub(super) struct Buffer {
    /// The client's name for it.
    pub(super) uri: String,
    /// Its canonical path, if it is a file or is to become one.
    pub(super) path: Option<PathBuf>,
    pub(super) version: i32,
    pub(super) text: String,
    lines: LineIndex,
    /// Whether the session of its folder has this text.
    pub(super) is_given: bool,
}

/// A change in bytes: what was there, and how long it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) length: u32,
}

impl Changed {
    /// Where an offset of the text before stands now. What was inside of the change is at its start.
    pub(super) fn carry(self, offset: u32) -> u32 {
        if offset <= self.start {
            offset
        } else if offset >= self.end {
            offset - self.end + self.start + self.length
        } else {
            self.start
        }
    }
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Buffer {
    pub(super) fn new(uri: String, path: Option<PathBuf>, version: i32, text: String) -> Self {
        let lines = LineIndex::new(&text);
        Self { uri, path, version, text, lines, is_given: false }
    }

    /// The byte of a position.
    pub(super) fn offset(&self, at: Position, encoding: Encoding) -> u32 {
        self.lines.offset(&self.text, at.line, at.character, encoding == Encoding::Utf8)
    }

    /// The position of a byte.
    pub(super) fn position(&self, offset: u32, encoding: Encoding) -> Position {
        let (line, utf16) = self.lines.utf16(&self.text, offset);
        let (start, end) = self.lines.range(&self.text, line + 1);
        let character = match encoding {
            Encoding::Utf16 => utf16,
            Encoding::Utf8 => offset.clamp(start, end) - start,
        };
        Position { line, character }
    }

    pub(super) fn range(&self, (start, end): (u32, u32), encoding: Encoding) -> Range {
        Range { start: self.position(start, encoding), end: self.position(end, encoding) }
    }

    /// Makes one change. One whose range is the wrong way round is made as if it was the right one.
    pub(super) fn change(&mut self, change: ContentChange, encoding: Encoding) -> Changed {
        let (start, end) = match change.range {
            None => (0, narrow(self.text.len())),
            Some(Range { start, end }) => {
                let (a, b) = (self.offset(start, encoding), self.offset(end, encoding));
                (a.min(b), a.max(b))
            }
        };
        let changed = Changed { start, end, length: narrow(change.text.len()) };
        match change.range {
            None => self.text = change.text,
            // Both ends are at the start of a character, so that this cannot fail.
            Some(_) => self.text.replace_range(start as usize..end as usize, &change.text),
        }
        self.lines = LineIndex::new(&self.text);
        self.is_given = false;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change(range: [u32; 4], text: &str) -> ContentChange {
        let [a, b, c, d] = range;
        let range = Range {
            start: Position { line: a, character: b },
            end: Position { line: c, character: d },
        };
        ContentChange { range: Some(range), text: text.to_owned() }
    }

    #[test]
    fn a_change_counts_in_the_units_that_were_agreed_on() {
        let mut buffer = Buffer::new("file:///x".into(), None, 1, "a𝄞b\ncd".into());
        buffer.change(change([0, 3, 0, 4], "X"), Encoding::Utf16);
        assert_eq!(buffer.text, "a𝄞X\ncd");
        buffer.change(change([0, 5, 1, 1], ""), Encoding::Utf8);
        assert_eq!(buffer.text, "a𝄞d");
        assert_eq!(buffer.position(5, Encoding::Utf16), Position { line: 0, character: 3 });
        assert_eq!(buffer.position(5, Encoding::Utf8), Position { line: 0, character: 5 });
    }

    proptest! {
        #[test]
        fn no_change_fails(text in "[aé𝄞\\r\\n]{0,20}", range in any::<[u8; 4]>(), new in "[xé\\n]{0,4}", utf8: bool) {
            let mut buffer = Buffer::new(String::new(), None, 1, text);
            let encoding = if utf8 { Encoding::Utf8 } else { Encoding::Utf16 };
            let before = buffer.text.len();
            let changed = buffer.change(change(range.map(|n| u32::from(n) % 9), &new), encoding);
            let gone = (changed.end - changed.start) as usize;
            prop_assert_eq!(buffer.text.len(), before - gone + new.len());
            prop_assert_eq!(changed.carry(changed.end), changed.start + if gone == 0 { 0 } else { changed.length });
        }
    }
}
