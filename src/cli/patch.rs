//! Two texts as a patch, in the unified form that `git apply` and `patch` take.

use std::fmt::Write as _;

use similar::DiffOp;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;

/// Lines around a change that are shown with it.
const AROUND: usize = 3;

/// The hunks of a patch from `before` to `after`, without the names of the files; empty if nothing changed.
/// Lines end at `\n` alone, as the tools that take a patch cut them.
///
/// The library's own text interface compiles every algorithm it has for every sort of text: half a
/// megabyte, where one is enough.
pub(super) fn hunks(before: &str, after: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let (old, new) = (old.as_slice(), new.as_slice());
    let mut found = Compact::new(Replace::new(Capture::new()), old, new);
    // A capture refuses nothing.
    let _ = myers::diff(&mut found, old, 0..old.len(), new, 0..new.len());
    let mut out = String::new();
    for hunk in found.into_inner().into_inner().into_grouped_ops(AROUND) {
        if !hunk.is_empty() {
            let _ = writeln!(out, "{}", UnifiedHunkHeader::new(&hunk));
        }
        for op in &hunk {
            write_op(op, (old, new), &mut out);
        }
    }
    out
}

fn write_op(op: &DiffOp, (old, new): (&[&str], &[&str]), out: &mut String) {
    let is_equal = matches!(op, DiffOp::Equal { .. });
    let gone = old.get(op.old_range()).unwrap_or(&[]).iter();
    let come = new.get(op.new_range()).unwrap_or(&[]).iter().filter(|_| !is_equal);
    let sign = if is_equal { ' ' } else { '-' };
    for (sign, line) in gone.map(|line| (sign, line)).chain(come.map(|line| ('+', line))) {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hunks;

    #[test]
    fn a_hunk_says_where_and_what() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let patch = "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(hunks(before, &before.replace('5', "five")), patch);
        assert_eq!(hunks(before, before), "");
    }

    #[test]
    fn lines_end_at_a_newline_alone_and_a_last_one_may_have_none() {
        assert_eq!(
            hunks("a\rb\r\nc", "a\rB\r\nc"),
            "@@ -1,2 +1,2 @@\n-a\rb\r\n+a\rB\r\n c\n\\ No newline at end of file\n"
        );
        assert_eq!(hunks("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
    }
}
