//! The word that the cursor stands on, and what belongs there. Text that is being typed does not parse, so
//! both are taken from the text itself: a word ends at a quote, whatever the format.

/// A word and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) start: u32,
}

impl Token<'_> {
    pub(super) fn end(&self) -> u32 {
        self.start + narrow(self.text.len())
    }
}

/// What belongs at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Action,
    ConditionKey,
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | ',' | '[' | ']' | '(' | ')' | '=')
}

/// The word around `offset`; it may be empty.
pub(super) fn token(text: &str, offset: u32) -> Option<Token<'_>> {
    let (before, after) = text.split_at_checked(offset as usize)?;
    let start = before.rfind(ends_word).map_or(0, |at| {
        at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    });
    let end = before.len() + after.find(ends_word).unwrap_or(after.len());
    let mut word = text.get(start..end)?;
    let mut start = start;
    // What opens or closes a map in YAML's short form belongs to no word; `${x}` does.
    while let Some(rest) = word.strip_prefix('{') {
        (word, start) = (rest, start + 1);
    }
    while word.matches('}').count() > word.matches('{').count() {
        let Some(rest) = word.strip_suffix('}') else { break };
        word = rest;
    }
    let word = word.strip_suffix(':').unwrap_or(word);
    Some(Token { text: word, start: narrow(start) })
}

/// The words that say what follows them, in all formats.
const NAMES: [(&str, Option<Place>); 22] = [
    ("Action", Some(Place::Action)),
    ("NotAction", Some(Place::Action)),
    ("actions", Some(Place::Action)),
    ("not_actions", Some(Place::Action)),
    ("Condition", Some(Place::ConditionKey)),
    ("variable", Some(Place::ConditionKey)),
    ("Effect", None),
    ("Id", None),
    ("NotPrincipal", None),
    ("NotResource", None),
    ("Principal", None),
    ("Resource", None),
    ("Sid", None),
    ("Statement", None),
    ("Version", None),
    ("condition", None),
    ("identifiers", None),
    ("not_resources", None),
    ("resources", None),
    ("sid", None),
    ("test", None),
    ("values", None),
];

/// What belongs at the word that starts at `start`.
pub(super) fn place(text: &str, start: u32) -> Option<Place> {
    let before = text.get(..start as usize)?;
    let (at, name, place) = NAMES
        .iter()
        .filter_map(|(name, place)| Some((last(before, name)?, *name, *place)))
        .max_by_key(|(at, name, _)| (*at, name.len()))?;
    let after = before.get(at + name.len()..)?;
    match place? {
        Place::ConditionKey if name == "Condition" => is_key(after).then_some(Place::ConditionKey),
        place => Some(place),
    }
}

/// Where `name` stands last as a key.
fn last(text: &str, name: &str) -> Option<usize> {
    let is_key = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).unwrap_or_default();
        let after = after.trim_start_matches(['\\', '"', '\'']).trim_start();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '/' && c != '-')
            && after.starts_with([':', '=', '{'])
    };
    text.rmatch_indices(name).map(|(at, _)| at).find(is_key)
}

/// Whether a key belongs at the end of `text`, which follows the word `Condition`: inside of an operator, and
/// not behind a colon.
fn is_key(text: &str) -> bool {
    let open = text.matches('{').count();
    let depth = open.saturating_sub(text.matches('}').count());
    let line = text.rsplit('\n').next().unwrap_or(text);
    let front = line.trim_end().trim_end_matches(['"', '\'', '\\']).trim_end();
    if open == 0 {
        // YAML: on a line of its own, below that of the operator.
        let front = front.trim_start_matches(['-', ' ', '?']);
        return front.is_empty() && text.trim().contains(':') && text.matches('\n').count() > 1;
    }
    let last = text.trim_end().trim_end_matches(['"', '\'', '\\']).trim_end();
    depth >= 2
        && last.ends_with(['{', ','])
        && last.matches('[').count() <= last.matches(']').count()
        || depth >= 2 && last.ends_with([']', '}', '"']) && line.trim().trim_matches('"').is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The word at `|`, and what belongs there.
    fn at(text: &str) -> (String, Option<Place>) {
        let offset = text.find('|').unwrap() as u32;
        let text = text.replace('|', "");
        let token = token(&text, offset).unwrap();
        (token.text.to_owned(), place(&text, token.start))
    }

    #[test]
    fn words_are_found_in_every_format() {
        assert_eq!(at(r#"{"Action": ["ec2:Run|Instances"]}"#).0, "ec2:RunInstances");
        assert_eq!(at("Action: ec2:Run|Instances\n").0, "ec2:RunInstances");
        assert_eq!(at("{Action: |ec2:RunInstances}").0, "ec2:RunInstances");
        assert_eq!(at("  aws:RequestTag/te|am: x").0, "aws:RequestTag/team");
        assert_eq!(at(r#""{\"Action\":\"ec2:Run|\"}""#).0, "ec2:Run");
        assert_eq!(
            at(r#""aws:RequestTag/kubernetes.io/cluster/${Clu|ster}": "x""#).0,
            "aws:RequestTag/kubernetes.io/cluster/${Cluster}"
        );
        assert_eq!(at("é|").0, "é");
        assert_eq!(at("|"), (String::new(), None));
    }

    #[test]
    fn what_belongs_there_is_told_by_the_nearest_key() {
        let key = Some(Place::ConditionKey);
        assert_eq!(at(r#"{"Action": ["ec2:Run|"#).1, Some(Place::Action));
        assert_eq!(at("actions = [\"a:b\", \"ec2:|").1, Some(Place::Action));
        assert_eq!(at("NotAction:\n  - ec2:|").1, Some(Place::Action));
        assert_eq!(at(r#"{"Action": "a:b", "Resource": "|"#).1, None);
        assert_eq!(at(r#"{"Condition": {"StringEquals": {"aws:|"#).1, key);
        assert_eq!(at("\"Condition\": {\"StringEquals\": {\"a:b\": [\"c\"],\n \"aws:|").1, key);
        assert_eq!(at(r#"{"Condition": {"StringEquals": {"aws:x": "|"#).1, None);
        assert_eq!(at(r#"{"Condition": {"StringEquals": {"aws:x": ["a", "|"#).1, None);
        assert_eq!(at(r#"{"Condition": {"|"#).1, None);
        assert_eq!(at("Condition:\n  StringEquals:\n    aws:|").1, key);
        assert_eq!(at("Condition:\n  StringEquals:\n    aws:x: |").1, None);
        assert_eq!(at("condition {\n test = \"StringEquals\"\n variable = \"aws:|").1, key);
        assert_eq!(at("variable = \"aws:x\"\n values = [\"|").1, None);
    }
}
