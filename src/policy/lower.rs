//! Nodes to a [`Policy`], and what AWS would refuse on the way (IAM User Guide, *Grammar of the IAM
//! JSON policy language*; *IAM Access Analyzer policy check reference*).
//!
//! A problem never stops the rest: what can still be understood is lowered, so that one mistake is
//! told once. An element that is misspelt is a problem, and is then taken for what was meant.

mod condition;
mod principal;
mod statement;
#[cfg(test)]
mod tests;

use super::{Policy, Version};
use crate::order;
use crate::source::Span;
use crate::syntax::{Node, Part, Style, Text, Value, When};

/// What lowering made of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    /// What could be understood.
    pub policy: Policy,
    /// What AWS would refuse, or what cannot have the effect it was written for.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with the shape of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The token at fault.
    pub span: Span,
    /// The rule: `syntax`, `invalid-version`, `duplicate-key`, `duplicate-sid`, `empty-element` or
    /// `invalid-principal`; `unsettled` where a placeholder hides a part that decides everything.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Whether the document means the same without the mistake, so that it can still be asked.
    pub harmless: bool,
    /// Whether AWS refuses to save the document; else it is saved and does not do what it says.
    pub refused: bool,
    /// Where it stands first, if it must stand once and stands here again.
    pub first: Option<Span>,
    /// What was written there and the word that must have been meant, if there is only one.
    pub meant: Option<(String, &'static str)>,
}

/// What a document belongs to, as far as its place tells: that decides who names principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing tells: principals stand in every statement or in none.
    Unknown,
    /// A user, a group, a role, an account: no principal.
    Identity,
    /// A queue, a bucket, a key: a principal, unless it is something that takes none at all.
    Resource,
    /// The trust of a role: a principal in every statement.
    Trust,
}

/// Lowers one policy document of which nothing else is known.
#[must_use]
pub fn lower(node: &Node) -> Lowered {
    lower_in(node, Place::Unknown, &[])
}

/// Lowers one policy document. Where statements hang on conditions of the text around it, `when` holds
/// those of each item of `Statement`, in order. One statement may stand there several times then, once for
/// each way in which it can turn out.
#[must_use]
pub fn lower_in(node: &Node, place: Place, when: &[Vec<When>]) -> Lowered {
    let mut problems = Problems::default();
    let policy = document(node, (place, when), &mut problems);
    problems.characters(node, 0);
    let mut problems = problems.0;
    order::by_key(&mut problems, |problem| problem.span.start);
    if !when.is_empty() {
        problems.dedup();
    }
    Lowered { policy, problems }
}

fn document(node: &Node, around: (Place, &[Vec<When>]), problems: &mut Problems) -> Policy {
    let mut policy = Policy {
        span: node.span,
        statement_key: node.span,
        version: Version::V2008,
        version_span: None,
        id: None,
        statements: Vec::new(),
        unknown: Vec::new(),
    };
    if !matches!(node.value, Value::Map(_)) {
        problems
            .syntax(node.span, format!("a policy document must be an object, not {}", kind(node)));
        return policy;
    }
    let fields = fields(node, &["Version", "Id", "Statement"], "policy document", problems);
    if let Some((_, value)) = fields.get("Version") {
        policy.version = version(value, problems);
        policy.version_span = Some(value.span);
    }
    if let Some((key, value)) = fields.get("Id") {
        policy.id = problems.string(value, "Id").cloned();
        let bound = |(_, value): &(Span, &Node)| !statement::is_attached(value, around.0);
        if around.0 != Place::Resource && fields.get("Statement").is_some_and(bound) {
            problems.no_id(*key);
        }
    }
    match fields.get("Statement") {
        Some((key, value)) => {
            policy.statement_key = *key;
            (policy.statements, policy.unknown) = statement::lower_all(value, around, problems);
        }
        None => problems.syntax(node.span, "the policy document has no `Statement`"),
    }
    policy
}

fn version(value: &Node, problems: &mut Problems) -> Version {
    let help = "use `2012-10-17`, the current version of the policy language";
    match (value.as_text().map(Text::as_literal), &value.value) {
        (Some(Some("2012-10-17")), _) => Version::V2012,
        (Some(Some("2008-10-17")), _) => Version::V2008,
        // A placeholder: nothing says that it is wrong.
        (Some(None), _) => Version::V2012,
        (Some(Some(other)), _) => {
            let message = format!("`{}` is not a version of the policy language", short(other));
            problems.push(value.span, "invalid-version", message, Some(help.to_owned()));
            problems.meant(problems.last(), other, "2012-10-17");
            Version::V2012
        }
        (None, _) => {
            let message = format!("`Version` must be a string, not {}", kind(value));
            problems.push(value.span, "invalid-version", message, Some(help.to_owned()));
            Version::V2012
        }
    }
}

/// Collects problems.
#[derive(Debug, Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn push(
        &mut self,
        span: Span,
        rule: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let harmless = matches!(rule, "duplicate-sid" | "empty-element");
        let refused = rule != "unsettled";
        let message = message.into();
        self.0.push(Problem {
            span,
            rule,
            message,
            help,
            harmless,
            refused,
            first: None,
            meant: None,
        });
    }

    /// Where the thing of which the last problem tells stands first.
    fn first_at(&mut self, place: Span) {
        if let Some(last) = self.0.last_mut() {
            last.first = Some(place);
        }
    }

    /// The word that was meant where the problem at `place` of the list is.
    fn meant(&mut self, place: usize, written: &str, word: &'static str) {
        if let Some(problem) = self.0.get_mut(place) {
            problem.meant = Some((written.to_owned(), word));
        }
    }

    /// The place of the last problem in the list.
    fn last(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// [`Self::push`] for what changes nothing of the meaning.
    fn harmless(&mut self, span: Span, rule: &'static str, message: String, help: &str) {
        self.push(span, rule, message, Some(help.to_owned()));
        if let Some(last) = self.0.last_mut() {
            last.harmless = true;
        }
    }

    /// An `Id` where no principal is named (*IAM JSON policy elements: Id*: not in policies of identities).
    /// No page says that AWS refuses it, and the page that says so shows one.
    fn no_id(&mut self, key: Span) {
        let message = "`Id` belongs in the policy of a resource, not in that of an identity";
        self.harmless(key, "syntax", message.to_owned(), "remove it: nothing reads it");
        if let Some(last) = self.0.last_mut() {
            last.refused = false;
        }
    }

    /// An empty part of a condition, which AWS saves (*IAM Access Analyzer policy check reference*, *Empty
    /// object condition*, *Empty array condition*).
    fn saved_though_empty(&mut self, span: Span, message: String) {
        self.push(span, "empty-element", message, None);
        if let Some(last) = self.0.last_mut() {
            last.refused = false;
        }
    }

    fn syntax(&mut self, span: Span, message: impl Into<String>) {
        self.push(span, "syntax", message, None);
    }

    /// The text of a string; anything else is a problem.
    fn string<'a>(&mut self, node: &'a Node, name: &str) -> Option<&'a Text> {
        let text = node.as_text();
        if text.is_none() {
            self.syntax(node.span, format!("`{name}` must be a string, not {}", kind(node)));
        }
        text
    }

    /// Characters that IAM does not take (IAM User Guide, *IAM and AWS STS quotas*).
    fn characters(&mut self, node: &Node, depth: usize) {
        // Documents that mean anything are six levels deep.
        if depth > 32 {
            return;
        }
        match &node.value {
            Value::String(text) => self.characters_of(text),
            Value::List(items) => items.iter().for_each(|item| self.characters(item, depth + 1)),
            Value::Map(entries) => {
                for entry in entries {
                    self.characters_of(&entry.key);
                    self.characters(&entry.value, depth + 1);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn characters_of(&mut self, text: &Text) {
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
        for part in &text.parts {
            if let Part::Literal(span, literal) = part
                && !literal.bytes().all(|byte| matches!(byte, b' '..=b'~'))
                && let Some(bad) = literal.chars().find(|c| !allowed(*c))
            {
                let message = format!(
                    "IAM does not accept the character U+{:04X} in a policy",
                    u32::from(bad)
                );
                let help = "allowed are tab, line feed, carriage return and U+0020 to U+00FF";
                self.harmless(*span, "syntax", message, help);
                return;
            }
        }
    }
}

/// Elements by name: the key's span and the value. There are nine at most.
struct Fields<'a> {
    elements: Vec<(&'static str, (Span, &'a Node))>,
    /// What stands earlier under a name that stands twice.
    earlier: Vec<(&'static str, &'a Node)>,
}

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&(Span, &'a Node)> {
        self.elements.iter().find(|(known, _)| *known == name).map(|(_, found)| found)
    }

    fn earlier(&self, name: &str) -> impl Iterator<Item = &'a Node> {
        self.earlier.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Sets an element; gives what it was before.
    fn insert(&mut self, name: &'static str, value: (Span, &'a Node)) -> Option<(Span, &'a Node)> {
        match self.elements.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.elements.push((name, value));
                None
            }
        }
    }
}

/// The elements of an object by their proper names, with the spans of their keys. Unknown and double
/// ones are problems; of double ones the last counts, beside which the earlier ones are kept.
fn fields<'a>(
    node: &'a Node,
    names: &[&'static str],
    what: &str,
    problems: &mut Problems,
) -> Fields<'a> {
    let mut out = Fields { elements: Vec::with_capacity(names.len()), earlier: Vec::new() };
    let mut meant = Vec::new();
    for entry in node.entries() {
        // A placeholder as a key may be any element.
        let Some(key) = entry.key.as_literal() else { continue };
        if let Some(name) = names.iter().find(|name| **name == key) {
            if let Some((first, value)) = out.insert(name, (entry.key.span, &entry.value)) {
                out.earlier.push((name, value));
                let message = format!("the {what} has `{name}` twice");
                problems.push(
                    entry.key.span,
                    "duplicate-key",
                    message,
                    Some("keep one of them".to_owned()),
                );
                problems.first_at(first);
            }
            continue;
        }
        let near = nearest(key, names.iter().copied());
        let help = near.map(|near| match key.eq_ignore_ascii_case(near) {
            true => format!("element names are case-sensitive: write `{near}`"),
            false => format!("did you mean `{near}`?"),
        });
        let message = format!("`{}` is not an element of a {what}", short(key));
        problems.push(entry.key.span, "syntax", message, help);
        meant.extend(near.map(|near| (near, entry, problems.last())));
    }
    for (name, entry, problem) in meant {
        let name = names.iter().copied().find(|known| *known == name);
        if let Some(name) = name.filter(|name| out.get(name).is_none()) {
            out.insert(name, (entry.key.span, &entry.value));
            problems.meant(problem, &entry.key.display(), name);
        }
    }
    out
}

/// The one of `candidates` that was probably meant by `word`: equal but for case, or nearly equal.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    // Nothing that is much longer than any name was meant as one.
    if word.len() > 128 {
        return None;
    }
    if let Some(same) = candidates.clone().find(|candidate| candidate.eq_ignore_ascii_case(word)) {
        return Some(same);
    }
    let distance = |candidate: &str| {
        strsim::damerau_levenshtein(&candidate.to_lowercase(), &word.to_lowercase())
    };
    let found = candidates
        .map(|candidate| (distance(candidate), candidate))
        .min_by_key(|(distance, _)| *distance);
    found
        .filter(|(distance, candidate)| *distance <= 2 && distance * 3 <= candidate.len())
        .map(|(_, name)| name)
}

/// What a node is, for messages.
fn kind(node: &Node) -> &'static str {
    match &node.value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "an object",
    }
}

/// User text of a length that a message can hold.
fn short(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}

/// A number or boolean as the text that it stands for.
fn scalar_text(span: Span, text: &str) -> Text {
    Text { span, style: Style::Plain, parts: vec![Part::Literal(span, text.into())] }
}
