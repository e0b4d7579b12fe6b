//! Text of a policy is hostile: what reaches a terminal is made harmless first.

/// Whether a character could move the cursor, hide text, turn it around, or is not to be seen at all: two names that
/// differ in such a one look the same.
pub(crate) fn is_dangerous(c: char) -> bool {
    (c.is_control() && c != '\t' && c != '\n')
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One character as it may be shown; a dangerous one becomes U+FFFD, so that columns stay.
#[must_use]
pub(crate) fn shown(c: char) -> char {
    if is_dangerous(c) { '\u{fffd}' } else { c }
}

/// One line for a terminal or a log: no control characters, no line break, no workflow command
/// (`##[` is one to Azure Pipelines and older runners wherever it stands in a line).
#[must_use]
pub fn line(text: &str) -> String {
    // Nearly all text is harmless, and of that nothing changes.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("##[");
    let out = if is_plain { text.to_owned() } else { harmless(text) };
    if out.trim_start().starts_with("::") { format!("\u{fffd}{out}") } else { out }
}

/// Whether a line does something where it is printed as it is: a control character, one that turns text around, a
/// workflow command. Runners look for `::` behind white space, the sign of an unchanged line of a patch among it.
#[must_use]
pub fn is_alive(text: &str) -> bool {
    let text = text.trim_end_matches(['\r', '\n']);
    let steers = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().any(steers) || text.contains("##[") || text.trim_start().starts_with("::")
}

fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '[' if out.ends_with("##") => out.push('\u{ff3b}'),
            other => out.push(shown(other)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_bidi_controls_are_replaced() {
        assert_eq!(line("a\u{1b}[31mb\u{202e}c\u{7}"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
    }

    #[test]
    fn what_is_not_to_be_seen_is_replaced() {
        for c in [
            '\u{ad}',
            '\u{61c}',
            '\u{1160}',
            '\u{180e}',
            '\u{206a}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{e0041}',
        ] {
            assert_eq!(line(&format!("a{c}b")), "a\u{fffd}b", "{c:?}");
        }
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        let text = "`iam:PassRole` denied on arn:aws:iam::1:role/* [x] ## ~";
        assert_eq!(line(text), text);
    }

    #[test]
    fn workflow_commands_do_not_survive() {
        assert!(!line("##[error]x").contains("##["));
        assert!(!line("  ::error::x").trim_start().starts_with("::"));
        assert_eq!(line("a\n::error::x"), "a ::error::x");
    }
}
