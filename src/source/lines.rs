//! Byte offsets to lines and columns.
//!
//! A plan is often one line of 50 MB, so a column cannot be counted from the start of its line each
//! time, and a table of characters would outweigh the text. The index keeps the starts of lines and,
//! for text that is not ASCII, how many characters lie before each block of bytes; a question then
//! costs one block at most.

use std::sync::OnceLock;

/// Bytes between two counts. One block is counted in about a microsecond, and the table for 50 MB
/// is 200 KB.
const BLOCK: usize = 4096;

/// A byte order mark takes three bytes and no column that people see.
const BOM: &str = "\u{feff}";

/// A place as people count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in Unicode scalar values, from 1.
    pub column: u32,
    /// Bytes from the start of the text, from 0.
    pub offset: u32,
}

/// Where the lines of a text start. A line ends with LF, CRLF or a lone CR, as in LSP and YAML.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<u32>,
    ascii: bool,
    blocks: OnceLock<Vec<Count>>,
}

/// How much text lies before a block.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    chars: u32,
    /// Characters that take two units in UTF-16.
    wide: u32,
}

impl LineIndex {
    /// Finds the lines of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let crlf = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            if !crlf {
                starts.push(narrow(at + 1));
            }
        }
        Self { starts, ascii: text.is_ascii(), blocks: OnceLock::new() }
    }

    /// How many lines there are; the empty text has one.
    #[must_use]
    pub fn count(&self) -> u32 {
        narrow(self.starts.len())
    }

    /// The line that holds `offset`, from 1. The line break belongs to the line that it ends.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        narrow(self.starts.partition_point(|start| *start <= offset))
    }

    /// The bytes of line `line` (from 1) of `text`, without its line break; empty past the end.
    #[must_use]
    pub fn range(&self, text: &str, line: u32) -> (u32, u32) {
        let length = narrow(text.len());
        let index = line.saturating_sub(1) as usize;
        let Some(start) = self.starts.get(index).copied() else {
            return (length, length);
        };
        let end = self.starts.get(index + 1).copied().unwrap_or(length);
        let whole = text.get(start as usize..end as usize).unwrap_or("");
        (start, start + narrow(whole.trim_end_matches(['\r', '\n']).len()))
    }

    /// Where `offset` lies in `text`, the text that the index was made of. An offset inside a
    /// character is taken back to its start, one past the end to the end, one between CR and LF to
    /// the end of the line.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let (line, column, _) = self.locate(text, offset);
        let bom = u32::from(line == 1 && column > 0 && text.starts_with(BOM));
        Position { line, column: column - bom + 1, offset }
    }

    /// Line and character as LSP counts them: both from 0, characters in UTF-16 units. A byte order mark
    /// is a unit there: the client counts it in the text that it sent.
    #[must_use]
    pub fn utf16(&self, text: &str, offset: u32) -> (u32, u32) {
        let (line, column, wide) = self.locate(text, offset);
        (line - 1, column + wide)
    }

    /// The byte at a place as LSP counts: line and character from 0, the character in UTF-16 units, or in
    /// bytes if `utf8`. A character past the end of its line is that end, as the protocol wants it; one inside
    /// of a character is its start, a line past the end the end of the text.
    #[must_use]
    pub fn offset(&self, text: &str, line: u32, character: u32, utf8: bool) -> u32 {
        if line >= self.count() {
            return narrow(text.len());
        }
        let (start, end) = self.range(text, line + 1);
        if utf8 || self.ascii {
            let mut offset = start.saturating_add(character).min(end);
            while !text.is_char_boundary(offset as usize) {
                offset -= 1;
            }
            return offset;
        }
        let (mut units, mut offset) = (0, start);
        for c in text.get(start as usize..end as usize).unwrap_or("").chars() {
            units += narrow(c.len_utf16());
            if units > character {
                break;
            }
            offset += narrow(c.len_utf8());
        }
        offset
    }

    /// The line from 1, the characters before `offset` in it, and how many of them are wide.
    fn locate(&self, text: &str, offset: u32) -> (u32, u32, u32) {
        let line = self.line(offset.min(narrow(text.len())));
        let (start, end) = self.range(text, line);
        let mut offset = offset.clamp(start, end);
        while !text.is_char_boundary(offset as usize) {
            offset -= 1;
        }
        if self.ascii {
            return (line, offset - start, 0);
        }
        let from = self.counted(text, start);
        let to = self.counted(text, offset);
        (line, to.chars - from.chars, to.wide - from.wide)
    }

    /// How much text lies before `offset`.
    fn counted(&self, text: &str, offset: u32) -> Count {
        let blocks = self.blocks.get_or_init(|| {
            let mut total = Count::default();
            let mut blocks = Vec::with_capacity(text.len() / BLOCK + 1);
            for block in text.as_bytes().chunks(BLOCK) {
                blocks.push(total);
                total = total.plus(block);
            }
            blocks.push(total);
            blocks
        });
        let index = offset as usize / BLOCK;
        let before = blocks.get(index).copied().unwrap_or_default();
        before.plus(text.as_bytes().get(index * BLOCK..offset as usize).unwrap_or(&[]))
    }
}

impl Count {
    /// Characters are counted by their first bytes, so a block may start inside one.
    fn plus(self, bytes: &[u8]) -> Self {
        let mut chars = 0;
        let mut wide = 0;
        for byte in bytes {
            chars += u32::from(byte & 0xC0 != 0x80);
            wide += u32::from(*byte >= 0xF0);
        }
        Self { chars: self.chars + chars, wide: self.wide + wide }
    }
}

/// Texts longer than `u32` can count are refused when they are read.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str, offset: u32) -> (u32, u32) {
        let position = LineIndex::new(text).position(text, offset);
        (position.line, position.column)
    }

    #[test]
    fn counts_lines_and_characters_from_one() {
        let text = "a\nbé𝄞c\n";
        assert_eq!(at(text, 0), (1, 1));
        assert_eq!(at(text, 1), (1, 2));
        assert_eq!(at(text, 2), (2, 1));
        assert_eq!(at(text, 5), (2, 3));
        assert_eq!(at(text, 9), (2, 4));
        assert_eq!(at(text, 11), (3, 1));
    }

    #[test]
    fn every_line_break_ends_one_line() {
        let text = "a\r\nb\rc\nd";
        let lines: Vec<_> = (0..8).map(|offset| at(text, offset)).collect();
        assert_eq!(lines, [(1, 1), (1, 2), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1)]);
        assert_eq!(LineIndex::new(text).range(text, 1), (0, 1));
        assert_eq!(LineIndex::new(text).count(), 4);
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let text = "\u{feff}{é}";
        assert_eq!(at(text, 0), (1, 1));
        assert_eq!(at(text, 3), (1, 1));
        assert_eq!(at(text, 4), (1, 2));
        assert_eq!(at(text, 6), (1, 3));
    }

    #[test]
    fn a_byte_order_mark_is_a_unit_to_who_sent_it() {
        let text = "\u{feff}{é}\nx";
        let index = LineIndex::new(text);
        for (offset, units) in [(0, 0), (3, 1), (4, 2), (6, 3)] {
            assert_eq!(index.utf16(text, offset), (0, units));
            assert_eq!(index.offset(text, 0, units, false), offset);
        }
    }

    #[test]
    fn odd_offsets_snap() {
        assert_eq!(at("é", 1), (1, 1));
        assert_eq!(at("ab", 99), (1, 3));
        assert_eq!(at("", 0), (1, 1));
        assert_eq!(LineIndex::new("a").range("a", 9), (1, 1));
    }

    #[test]
    fn utf16_counts_units() {
        let text = "x\né𝄞z";
        let index = LineIndex::new(text);
        assert_eq!(index.utf16(text, 8), (1, 3));
        assert_eq!(index.utf16(text, 9), (1, 4));
    }

    #[test]
    fn offsets_come_back_from_lines_and_units() {
        let text = "x\né𝄞z\r\ny";
        let index = LineIndex::new(text);
        for (offset, _) in text.char_indices().filter(|(_, c)| *c != '\n') {
            let offset = offset as u32;
            let (line, units) = index.utf16(text, offset);
            assert_eq!(index.offset(text, line, units, false), offset, "{offset}");
        }
        // Inside of a pair, past the line, past the text.
        assert_eq!(index.offset(text, 1, 2, false), 4);
        assert_eq!(index.offset(text, 1, 99, false), 9);
        assert_eq!(index.offset(text, 9, 0, false), 12);
        assert_eq!(index.offset(text, 1, 3, true), 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn agrees_with_counting(text in "[a-z\\r\\né𝄞]{0,40}", pad in 0usize..3) {
            // Three paddings put characters across the edges of blocks.
            let text = format!("{}{text}{}{text}", "é".repeat(pad), "x𝄞".repeat(BLOCK / 3));
            let index = LineIndex::new(&text);
            let (mut line, mut column, mut previous) = (1, 1, ' ');
            for (offset, c) in text.char_indices() {
                if (previous == '\r' && c != '\n') || previous == '\n' {
                    line += 1;
                    column = 1;
                }
                let position = index.position(&text, offset as u32);
                let shown = if previous == '\r' && c == '\n' { column - 1 } else { column };
                prop_assert_eq!((position.line, position.column), (line, shown));
                column += 1;
                previous = c;
            }
        }
    }
}
