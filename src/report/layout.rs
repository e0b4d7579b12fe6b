//! Lines for people: they end before column 100, and what is hostile in them is made harmless.

use std::io::{self, Write};

use super::escape::line;

/// The widest line for people.
pub(super) const WIDTH: usize = 100;

/// `text` in lines of at most `width` characters, broken at blanks; a longer word stays whole.
#[must_use]
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut last = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let fits = last.chars().count() + 1 + word.chars().count() <= width;
        if !last.is_empty() && !fits {
            lines.push(std::mem::take(&mut last));
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    if !last.is_empty() || lines.is_empty() {
        lines.push(last);
    }
    lines
}

/// A row of a table: every cell but the last is padded to its width, the last is wrapped under
/// itself. Blanks at the end of a line are left out.
pub(super) fn row(cells: &[(usize, &str)], out: &mut dyn Write) -> io::Result<()> {
    row_at(2, cells, out)
}

/// The same, further in.
pub(super) fn row_at(
    indent: usize,
    cells: &[(usize, &str)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut columns: Vec<(usize, Vec<String>)> = Vec::new();
    let mut start = indent;
    for (at, (width, text)) in cells.iter().enumerate() {
        let room = if at + 1 == cells.len() {
            WIDTH.saturating_sub(start).max(20)
        } else {
            width.saturating_sub(1)
        };
        columns.push((*width, wrap(&line(text), room)));
        start += width;
    }
    let height = columns.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
    for at in 0..height {
        let mut text = " ".repeat(indent);
        for (width, lines) in &columns {
            let cell = lines.get(at).map_or("", String::as_str);
            text.push_str(cell);
            // A word longer than its column pushes the next one away rather than into it.
            let blanks = width.saturating_sub(cell.chars().count()).max(1);
            text.extend(std::iter::repeat_n(' ', blanks));
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

/// A word at the left and what it says, wrapped beside it; each text begins a line of its own.
pub(super) fn fact(word: &str, texts: &[String], out: &mut dyn Write) -> io::Result<()> {
    let mut word = word;
    for text in texts {
        row(&[(9, word), (0, text)], out)?;
        word = "";
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_wraps_its_cells_beside_each_other() {
        let mut out = Vec::new();
        row(&[(6, "one"), (8, "two and three"), (0, "four")], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  one   two and four\n        three\n");
    }

    #[test]
    fn nothing_dangerous_passes() {
        let mut out = Vec::new();
        fact("cause", &["a\u{1b}[31m ::error::\nb".to_owned()], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  cause    a\u{fffd}[31m ::error:: b\n");
    }
}
