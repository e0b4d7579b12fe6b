//! What can be changed about a mistake in a document: the right spelling, or less of what does nothing.
//! All of it is for somebody to look at: what grants nothing today may have been meant otherwise, and
//! what is spelt right grants what it did not. A Deny is left alone.

use std::collections::HashMap;

use crate::check::least::tighten;
use crate::controller::Document;
use crate::finding::{Applicability, Finding, Fix, Severity};
use crate::fix::{Edit, bare, carry};
use crate::policy::{Condition, Effect, Statement};
use crate::source::{SourceMap, Span};
use crate::syntax::{Style, Text};

/// The right word in the place of `written`; nothing that a person must fill in.
pub(super) fn spelling(written: &str, meant: &str, place: Span) -> Option<Fix> {
    let whole = !meant.ends_with("/KEY") && !meant.ends_with(':') && !written.is_empty();
    let title = format!("write `{meant}` in place of `{written}`");
    let edits = vec![Edit { span: place, text: meant.to_owned() }];
    whole.then_some(Fix { title, applicability: Applicability::Unsafe, edits })
}

/// Adds what takes the findings away, and takes away fixes that cannot be made here.
pub(super) fn add(document: &Document, sources: &SourceMap, findings: &mut [Finding]) {
    let mut lists = Lists::default();
    for finding in findings {
        let place = finding.primary.span;
        if matches!(finding.rule, "syntax" | "invalid-version") && finding.fix.is_some() {
            finding.fix = word(document, sources, finding);
            continue;
        }
        let statements = || document.policy.statements.iter().enumerate();
        let own = statements()
            .find(|(_, statement)| statement.span.contains(place))
            .or_else(|| statements().find(|(_, statement)| names(statement, place)));
        let Some((at, statement)) = own else {
            finding.fix = None;
            continue;
        };
        let fix = match finding.rule {
            "action-resource-mismatch" | "resource-level-unsupported" => {
                less((document, sources), (at, statement), place, &mut lists)
            }
            "unknown-action" | "unknown-service" | "unknown-condition-key"
                if finding.fix.is_none() =>
            {
                less((document, sources), (at, statement), place, &mut lists)
            }
            "duplicate-key" => again(statement, place, &mut lists),
            "duplicate-sid" => renamed((document, sources), statement),
            "empty-element" => empty((document, sources), (at, statement), place, &mut lists),
            "unreachable-statement" if finding.severity == Severity::Note => {
                let title = "remove this statement".to_owned();
                Some(title).zip(tighten::without_statement((document, sources), at))
            }
            "wildcard-in-equals" => wildcard(sources, statement, place),
            "invalid-arn" => segment(sources, finding),
            _ => finding.fix.clone().map(|fix| (fix.title, fix.edits)),
        };
        finding.fix = fix.map(|(title, edits)| {
            let open = statement.is_surely(Effect::Allow)
                && !document.origin.generated
                && !document.is_filled_in
                && !document.has_element_twice(statement)
                && edits.iter().all(|edit| is_plain(sources, finding, edit));
            match open {
                true => Fix { title, applicability: Applicability::Unsafe, edits },
                false => Fix { title, applicability: Applicability::Display, edits: Vec::new() },
            }
        });
    }
}

/// What was found out of lists of values: of one with many mistakes that is asked for each.
#[derive(Default)]
struct Lists<'d>(HashMap<*const Text, List<'d>>);

/// A list of values in a statement.
struct List<'d> {
    values: &'d [Text],
    /// Where each stands first.
    places: HashMap<Span, usize>,
    /// Whether all of them stand in the statement; what an alias brings in does not.
    inside: bool,
}

impl<'d> Lists<'d> {
    fn of(&mut self, statement: &Statement, values: &'d [Text]) -> &List<'d> {
        self.0.entry(values.as_ptr()).or_insert_with(|| {
            let mut places = HashMap::with_capacity(values.len());
            for (at, value) in values.iter().enumerate() {
                places.entry(value.span).or_insert(at);
            }
            let inside = |value: &Text| statement.span.contains(tighten::whole(value));
            List { values, places, inside: values.iter().all(inside) }
        })
    }
}

impl List<'_> {
    fn place(&self, span: Span) -> Option<usize> {
        let exact = self.places.get(&span).copied();
        // An empty text is told with its quotes.
        let quoted = |value: &Text| value.parts.is_empty() && span.contains(value.span);
        exact.or_else(|| self.values.iter().position(quoted).filter(|_| span.len() <= 2))
    }

    fn without(&self, gone: usize) -> Option<Vec<Edit>> {
        self.inside.then(|| tighten::without_value(self.values, gone)).flatten()
    }
}

/// The name of an element, an effect or a version as it must have been meant. How often it stands there is how
/// often it is wrong.
fn word(document: &Document, sources: &SourceMap, finding: &mut Finding) -> Option<Fix> {
    let Fix { title, mut edits, .. } = finding.fix.take()?;
    let written = finding.data.written.take()?;
    let edit = edits.first_mut()?;
    let bare = bare(sources, edit.span, &written);
    edit.span = bare.unwrap_or(edit.span);
    let place = finding.primary.span;
    let mut statements = document.policy.statements.iter();
    let denies = statements.any(|own| own.span.contains(place) && own.effect == Effect::Deny);
    let open = !denies
        && !document.origin.generated
        && !document.is_filled_in
        && bare.is_some()
        && carry(sources, edit).is_some();
    let applicability = if open { Applicability::Unsafe } else { Applicability::Display };
    Some(Fix { title, applicability, edits: if open { edits } else { Vec::new() } })
}

/// Whether a text of the statement stands at a place outside of it, as what an expression brings in.
fn names(statement: &Statement, place: Span) -> bool {
    statement.action.values.iter().any(|value| value.span == place)
}

/// Whether what goes away stands in the file as it is read.
fn is_plain(sources: &SourceMap, finding: &Finding, edit: &Edit) -> bool {
    let written = finding.data.written.as_deref();
    let now = sources.slice(edit.span);
    // A service is told, and stands in front of an action.
    let same = |written: &str| {
        now == written || now.strip_prefix(written).is_some_and(|rest| rest.starts_with(':'))
    };
    let is_word = finding.fix.is_none() || written.is_none_or(same);
    carry(sources, edit).is_some() && (edit.text.is_empty() || is_word)
}

/// The right segment of an ARN.
fn segment(sources: &SourceMap, finding: &mut Finding) -> Option<(String, Vec<Edit>)> {
    let Fix { title, mut edits, .. } = finding.fix.take()?;
    let written = finding.data.written.as_deref()?;
    let edit = edits.first_mut()?;
    let now = sources.slice(edit.span);
    if now != written {
        let old = format!(":{written}:");
        let quotes = now.starts_with(['"', '\'']);
        (!quotes && now.matches(&old).count() == 1).then_some(())?;
        edit.text = now.replacen(&old, &format!(":{}:", edit.text), 1);
    }
    Some((title, edits))
}

/// Without the value that does nothing; without the statement, if it has no other.
fn less<'d>(
    (document, sources): (&Document, &SourceMap),
    (at, statement): (usize, &'d Statement),
    place: Span,
    lists: &mut Lists<'d>,
) -> Option<(String, Vec<Edit>)> {
    let elements = std::iter::once(&statement.action).chain(&statement.resource);
    for element in elements.filter(|element| !element.negated) {
        let list = lists.of(statement, &element.values);
        let Some(gone) = list.place(place) else { continue };
        let edits = match element.values.len() {
            1 => tighten::without_statement((document, sources), at),
            _ => list.without(gone),
        };
        let title = match element.values.len() {
            1 => "remove this statement".to_owned(),
            _ => "take it out of the list".to_owned(),
        };
        return edits.map(|edits| (title, edits));
    }
    None
}

/// Another name for the second of two statements.
fn renamed(
    (document, sources): (&Document, &SourceMap),
    statement: &Statement,
) -> Option<(String, Vec<Edit>)> {
    let sid = statement.sid.as_ref()?;
    let name = sid.as_literal()?;
    let all: Vec<&str> = document
        .policy
        .statements
        .iter()
        .filter_map(|own| own.sid.as_ref()?.as_literal())
        .collect();
    let new = (2_u32..).map(|n| format!("{name}{n}")).find(|new| !all.contains(&new.as_str()))?;
    let title = format!("call this one `{new}`");
    Some((title, vec![Edit { span: bare(sources, sid.span, &sid.display())?, text: new }]))
}

/// Without the empty text in a list, or without the statement that has nothing to grant. What an empty
/// condition was meant to be nobody can say.
fn empty<'d>(
    (document, sources): (&Document, &SourceMap),
    (at, statement): (usize, &'d Statement),
    place: Span,
    lists: &mut Lists<'d>,
) -> Option<(String, Vec<Edit>)> {
    let mut elements = std::iter::once(&statement.action).chain(&statement.resource);
    if elements.any(|element| element.values.is_empty() && !element.negated) {
        let edits = tighten::without_statement((document, sources), at)?;
        return Some(("remove this statement: it grants nothing".to_owned(), edits));
    }
    less((document, sources), (at, statement), place, lists)
}

/// Without a value that stands in its list already.
fn again<'d>(
    statement: &'d Statement,
    place: Span,
    lists: &mut Lists<'d>,
) -> Option<(String, Vec<Edit>)> {
    let elements = std::iter::once(&statement.action).chain(&statement.resource);
    let all = elements.map(|element| &element.values);
    let mut all = all.chain(statement.conditions.iter().map(|line| &line.values));
    let edits = all.find_map(|values| {
        let list = lists.of(statement, values);
        Some(list.without(list.place(place).filter(|at| *at > 0)?))
    })?;
    Some(("remove it here".to_owned(), edits?))
}

/// The line that a value stands in.
fn line_of(statement: &Statement, place: Span) -> Option<&Condition> {
    statement.conditions.iter().find(|line| line.values.iter().any(|value| value.span == place))
}

/// Without the pattern, where other values stand beside it; else an operator that knows patterns.
fn wildcard(
    sources: &SourceMap,
    statement: &Statement,
    place: Span,
) -> Option<(String, Vec<Edit>)> {
    let line = line_of(statement, place)?;
    let starred = |value: &Text| value.as_literal().is_none_or(|text| text.contains('*'));
    if !line.values.iter().all(starred) {
        let gone: Vec<usize> =
            (0..line.values.len()).filter(|at| line.values.get(*at).is_some_and(starred)).collect();
        let edits = tighten::without_values(statement, &line.values, &gone)?;
        return Some(("take the pattern out of the list: it matches nothing".to_owned(), edits));
    }
    let operator = line.operator.as_literal()?;
    let like = operator.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like");
    let edit = operator_edit(sources, statement, line, like.clone())?;
    Some((format!("write `{like}` in place of `{operator}`"), vec![edit]))
}

/// Another operator over a line, where it stands over no other, and no other place has it already: a
/// map has each key once. Blocks of Terraform's language stand side by side.
fn operator_edit(
    sources: &SourceMap,
    statement: &Statement,
    line: &Condition,
    to: String,
) -> Option<Edit> {
    let span = line.operator.span;
    let alone = statement.conditions.iter().all(|other| {
        other.key.span == line.key.span
            || other.operator.span != span && other.operator.as_literal() != Some(&*to)
    });
    let source = sources.get(statement.span.source);
    let whole = source.text().get(statement.span.start as usize..).unwrap_or_default();
    let blocks = line.operator.style == Style::Hcl && whole.starts_with("statement");
    let span = bare(sources, line.operator.span, &line.operator.display())?;
    (alone || blocks).then_some(Edit { span, text: to })
}
