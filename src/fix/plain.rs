//! Plain scalars of YAML, which stand without quotes: what may, and what needs them.

/// The text as it may stand where a plain scalar stood: as it is, or in quotes where YAML would take it for
/// something else (YAML 1.2.2, 7.3.3): `*` alone begins an alias.
#[must_use]
pub fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether the text stands for itself without quotes, in a block as in a list between brackets.
fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '.'));
    let is_number =
        text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'_' | b'e' | b'E'));
    let breaks = |c: char| matches!(c, ',' | '[' | ']' | '{' | '}' | '*') || c.is_control();
    starts
        && !is_number
        && !text.contains(breaks)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn what_yaml_would_take_for_something_else_is_quoted() {
        for text in ["ec2:CreateFleet", "owned", "true", "demo-1", "/aws/service", "a b"] {
            assert_eq!(scalar(text), text);
        }
        for text in
            ["*", "*x", "", "a: b", "a #b", "&a", "!Sub", "111122223333", "${x}", "- a", "x:"]
        {
            assert_eq!(scalar(text), format!("\"{text}\""));
        }
        assert_eq!(scalar("\"a\\"), "\"\\\"a\\\\\"");
    }
}
