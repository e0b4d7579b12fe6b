//! Lines for people: they end before column 100, and what is hostile in them is made harmless.

use std::io::{self, Write};

use crate::karpenter::{Version, Versions};

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
            WIDTH.saturating_sub(start).max(10)
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

/// Releases for people: `1.3.0-1.3.4, 1.4.0, from 1.6.4`. The ends of the ranges are not in them.
#[must_use]
pub(super) fn releases(versions: &Versions) -> String {
    let range = |(from, to): &(Version, Option<Version>)| match to {
        None => format!("from {from}"),
        Some(to) if to.patch == 0 => format!("{from} to before {to}"),
        Some(to) => {
            let last = Version { patch: to.patch - 1, ..*to };
            if last == *from { from.to_string() } else { format!("{from}-{last}") }
        }
    };
    versions.0.iter().map(range).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_with_their_last() {
        let v = Version::new;
        let ranges =
            [(v(1, 3, 0), Some(v(1, 3, 5))), (v(1, 4, 0), Some(v(1, 4, 1))), (v(1, 6, 4), None)];
        assert_eq!(releases(&Versions(ranges.to_vec())), "1.3.0-1.3.4, 1.4.0, from 1.6.4");
        assert_eq!(
            releases(&Versions(vec![(v(1, 0, 0), Some(v(1, 1, 0)))])),
            "1.0.0 to before 1.1.0"
        );
    }

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
