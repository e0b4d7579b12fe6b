//! Where each piece of a scalar came from.
//!
//! The parser gives the decoded text and where the scalar stands; this walks both side by side
//! (YAML 1.2.2, chapters 7 and 8). Walking, not decoding anew, means that the parser has the last
//! word: where the two do not meet, the scalar is one indivisible piece.

use crate::source::SegmentMap;
use crate::syntax::Style;

/// The map of a scalar that was decoded from the bytes `start..end` of `text`: without the quotes, or
/// from a block's first line that is not empty (its end does not matter then).
pub(super) fn first(text: &str, start: usize, end: usize, style: Style, value: &str) -> SegmentMap {
    let leading = value.len() - value.trim_start_matches('\n').len();
    let block = matches!(style, Style::Literal | Style::Folded);
    let start = if block { rewind(text, start, leading) } else { start };
    again(text, start, end, style, value)
}

/// The same for a scalar that has been read before: `start` is where its map started.
pub(super) fn again(
    text: &str,
    start: usize,
    end: usize,
    style: Style,
    decoded: &str,
) -> SegmentMap {
    let block = matches!(style, Style::Literal | Style::Folded);
    let raw = text.get(start..end).unwrap_or("");
    if decoded.is_empty() || (!block && raw == decoded) {
        return SegmentMap::verbatim(narrow(start), narrow(decoded.len()));
    }
    let mut walk = Walk {
        raw: text.get(..if block { text.len() } else { end }).unwrap_or(text),
        at: start,
        decoded,
        done: 0,
        map: SegmentMap::starting_at(narrow(start)),
    };
    let met = match style {
        Style::Literal => walk.block(false),
        Style::Folded => walk.block(true),
        _ => walk.flow(style),
    };
    if met.is_some() && walk.done == decoded.len() {
        return walk.map;
    }
    let mut map = SegmentMap::starting_at(narrow(start));
    map.decode(narrow(decoded.len()), narrow(end.saturating_sub(start)));
    map
}

struct Walk<'a> {
    /// The text around the scalar, up to where it ends at the latest.
    raw: &'a str,
    at: usize,
    decoded: &'a str,
    /// How much of `decoded` has been met.
    done: usize,
    map: SegmentMap,
}

/// Each step gives `None` where the raw text does not decode to what the parser gave.
impl Walk<'_> {
    /// Scalars that are not blocks. Line breaks fold; quotes and escapes are undone.
    fn flow(&mut self, style: Style) -> Option<()> {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.white()?,
                b'\'' if style == Style::SingleQuoted => {
                    self.expect("'")?;
                    self.decode(1, 2);
                }
                b'\\' if style == Style::DoubleQuoted => self.escape()?,
                _ => {
                    let stop = |b: u8| {
                        matches!(b, b' ' | b'\t' | b'\n' | b'\r')
                            || (b == b'\'' && style == Style::SingleQuoted)
                            || (b == b'\\' && style == Style::DoubleQuoted)
                    };
                    let rest = self.raw.as_bytes().get(self.at..)?;
                    let length = rest.iter().position(|b| stop(*b)).unwrap_or(rest.len());
                    self.copy(length)?;
                }
            }
        }
        Some(())
    }

    /// Blanks inside a line stay; around a line break all becomes one space, or as many breaks as
    /// there are empty lines.
    fn white(&mut self) -> Option<()> {
        let rest = self.raw.get(self.at..)?;
        let length = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        let white = rest.get(..length)?;
        let blanks = white.len() - white.trim_start_matches([' ', '\t']).len();
        if blanks == white.len() {
            return self.copy(length);
        }
        let folded = match breaks(white) {
            1 => " ".to_owned(),
            more => "\n".repeat(more - 1),
        };
        self.expect(&folded)?;
        self.decode(folded.len(), length);
        Some(())
    }

    /// An escape in double quotes (YAML 1.2.2, section 5.7).
    fn escape(&mut self) -> Option<()> {
        let rest = self.raw.get(self.at..)?;
        let next = *rest.as_bytes().get(1)?;
        if matches!(next, b'\n' | b'\r') {
            // An escaped line break is nothing, with the next line's indentation; but each empty line
            // after it is a break. They only mean that together.
            let tail = rest.get(1..)?;
            let all = tail.len() - tail.trim_start_matches([' ', '\t', '\n', '\r']).len();
            let folded = "\n".repeat(breaks(tail.get(..all)?).checked_sub(1)?);
            self.expect(&folded)?;
            self.decode(folded.len(), 1 + all);
            return Some(());
        }
        let length = match next {
            b'x' => 4,
            b'u' => self.utf16_escape(rest)?,
            b'U' => 10,
            _ => 2,
        };
        let c = self.decoded.get(self.done..)?.chars().next()?;
        self.decode(c.len_utf8(), length);
        Some(())
    }

    /// `\uXXXX`, or two of them for one character as JSON writes it.
    fn utf16_escape(&self, rest: &str) -> Option<usize> {
        let code = u32::from_str_radix(rest.get(2..6)?, 16).ok()?;
        Some(if (0xD800..0xDC00).contains(&code) { 12 } else { 6 })
    }

    /// `|` and `>`.
    fn block(&mut self, folded: bool) -> Option<()> {
        let leading = self.decoded.len() - self.decoded.trim_start_matches('\n').len();
        if leading == self.decoded.len() {
            return None;
        }
        for _ in 0..leading {
            self.skip_spaces(usize::MAX);
            self.line_break()?;
        }
        // What the decoded line has fewer spaces than the raw one was its indentation.
        let line = self.raw.get(..self.at)?.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let rest = self.raw.get(line..)?;
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let tail = self.decoded.get(self.done..)?;
        let indent = spaces.checked_sub(tail.len() - tail.trim_start_matches(' ').len())?;
        self.skip((line + indent).checked_sub(self.at)?);
        // From here on there are only breaks.
        let last = self.decoded.trim_end_matches('\n').len();
        loop {
            let rest = self.raw.get(self.at..)?;
            let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let blank = rest.starts_with([' ', '\t']);
            self.copy(length)?;
            if self.done == self.decoded.len() {
                return Some(());
            }
            if self.done >= last {
                return self.trailing();
            }
            if folded {
                self.fold(indent, blank)?;
            } else {
                self.line_break()?;
                self.skip_spaces(indent);
            }
        }
    }

    /// The breaks that end a block.
    fn trailing(&mut self) -> Option<()> {
        while self.done < self.decoded.len() {
            self.line_break()?;
            if self.done < self.decoded.len() {
                self.skip_spaces(usize::MAX);
            }
        }
        Some(())
    }

    /// What stands between two lines of a folded block that are not empty. Lines that start with
    /// white space keep the breaks around them.
    fn fold(&mut self, indent: usize, after_blank: bool) -> Option<()> {
        let rest = self.raw.get(self.at..)?;
        let mut length = 0;
        let mut count = 0;
        loop {
            let tail = rest.get(length..)?;
            if !tail.starts_with(['\n', '\r']) {
                break;
            }
            length += line_break(tail);
            count += 1;
            let tail = rest.get(length..)?;
            let spaces = tail.len() - tail.trim_start_matches(' ').len();
            length += spaces.min(indent);
        }
        let before_blank = rest.get(length..)?.starts_with([' ', '\t']);
        let folded = match count {
            0 => return None,
            _ if after_blank || before_blank => "\n".repeat(count),
            1 => " ".to_owned(),
            more => "\n".repeat(more - 1),
        };
        self.expect(&folded)?;
        self.decode(folded.len(), length);
        Some(())
    }

    /// One line break; at the end of the text the parser adds one that is not there.
    fn line_break(&mut self) -> Option<()> {
        self.expect("\n")?;
        match line_break(self.raw.get(self.at..)?) {
            0 if self.at < self.raw.len() => return None,
            1 if self.peek() == Some(b'\n') => self.copy(1)?,
            length => self.decode(1, length),
        }
        Some(())
    }

    fn skip_spaces(&mut self, most: usize) {
        let rest = self.raw.get(self.at..).unwrap_or("");
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        self.skip(spaces.min(most));
    }

    fn peek(&self) -> Option<u8> {
        self.raw.as_bytes().get(self.at).copied()
    }

    /// Whether `text` comes next in the decoded text.
    fn expect(&self, text: &str) -> Option<()> {
        self.decoded.get(self.done..)?.starts_with(text).then_some(())
    }

    fn copy(&mut self, length: usize) -> Option<()> {
        self.expect(self.raw.get(self.at..self.at + length)?)?;
        self.map.copy(narrow(length));
        self.at += length;
        self.done += length;
        Some(())
    }

    fn decode(&mut self, decoded: usize, raw: usize) {
        self.map.decode(narrow(decoded), narrow(raw));
        self.at += raw;
        self.done += decoded;
    }

    fn skip(&mut self, raw: usize) {
        self.map.skip(narrow(raw));
        self.at += raw;
    }
}

/// Goes back from `at` over `lines` lines that hold only spaces, to the break of the first.
fn rewind(text: &str, at: usize, lines: usize) -> usize {
    let mut start = at;
    for _ in 0..lines {
        let before = text.get(..start).unwrap_or("").trim_end_matches(' ');
        let rest = before
            .strip_suffix("\r\n")
            .or_else(|| before.strip_suffix(['\n', '\r']))
            .unwrap_or(before);
        start = rest.len();
    }
    start
}

/// How many line breaks there are.
fn breaks(text: &str) -> usize {
    let mut rest = text;
    let mut count = 0;
    while let Some(at) = rest.find(['\n', '\r']) {
        rest = rest.get(at..).unwrap_or("");
        rest = rest.get(line_break(rest)..).unwrap_or("");
        count += 1;
    }
    count
}

/// Bytes of the line break that `text` starts with; 0 if it does not.
fn line_break(text: &str) -> usize {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// Texts longer than `u32` can count are refused when they are read.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
