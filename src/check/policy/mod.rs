//! What is wrong with a document whoever it binds: mistakes of spelling and shape, and statements that
//! can never do what they were written for.
//!
//! Each check is one file and looks at one document, once. What the data cannot tell for certain is a
//! note or is not told: a key, an action or a service may be newer than the data.

mod actions;
mod arns;
mod carried;
mod fixes;
mod keys;
mod operators;
mod pointless;
mod principals;
mod resources;
mod right;
mod sets;
mod shape;
mod told;
mod twice;
mod values;
mod variables;

use std::cell::OnceCell;
use std::collections::HashSet;

use crate::aws::{self, KeyType};
use crate::controller::{Document, DocumentKind};
use crate::finding::{Finding, Severity, Word};
use crate::policy::condition::{Kind, Operator, SetOperator};
use crate::policy::{Condition, Effect, Policy, Statement};
use crate::source::{SourceMap, Span};
use crate::syntax::{Part, Text};
use right::Asking;

pub use keys::Tags;
pub use right::Right;
pub use told::Told;
pub(super) use told::wrong_word;

/// All checks. What a resource is comes before what meets it: a resource that is none meets nothing.
const CHECKS: &[fn(&Subject<'_>, &mut Found<'_>)] = &[
    shape::check,
    actions::check,
    keys::check,
    operators::check,
    values::check,
    sets::check,
    carried::check,
    arns::check,
    resources::check,
    principals::check,
    variables::check,
    twice::check,
    pointless::check,
];

/// What a check looks at.
pub(super) struct Subject<'a> {
    document: &'a Document,
    policy: &'a Policy,
    sources: &'a SourceMap,
    /// What Karpenter writes.
    tags: &'a Tags<'a>,
    /// Every condition line, with what is known of it.
    lines: Vec<Line<'a>>,
    /// What need not be looked at again.
    asking: Asking,
}

/// A condition line.
struct Line<'a> {
    statement: &'a Statement,
    condition: &'a Condition,
    /// `None` for what is no operator.
    operator: Option<Operator>,
    /// The type of the key; `None` where there is no such key, or no data.
    key_type: Option<KeyType>,
}

impl<'a> Line<'a> {
    fn new(statement: &'a Statement, condition: &'a Condition) -> Self {
        let mut line = Self { statement, condition, operator: None, key_type: None };
        // A placeholder may turn out to be any operator.
        line.operator = condition.operator.as_literal().and_then(Operator::parse);
        let key = condition.key.as_literal().or_else(|| line.tag_family());
        line.key_type = key.and_then(aws::condition_key_type);
        line
    }

    /// The known text in front of a placeholder, if that is the key of a tag.
    fn tag_family(&self) -> Option<&'a str> {
        // A family alone is no key: what follows is not known, but it is something.
        const FAMILIES: [&str; 4] =
            ["aws:RequestTag/*", "aws:ResourceTag/*", "aws:PrincipalTag/*", "ec2:ResourceTag/*"];
        let [Part::Literal(_, front), Part::Hole(..), ..] = self.condition.key.parts.as_slice()
        else {
            return None;
        };
        let family =
            |known: &&&str| front.get(..known.len() - 1).is_some_and(|own| known.starts_with(own));
        FAMILIES.iter().find(family).copied().or(front.contains('/').then_some(&**front))
    }

    fn is_key(&self, key: &str) -> bool {
        self.condition.key.as_literal().is_some_and(|own| own.eq_ignore_ascii_case(key))
    }

    fn starts_with(&self, family: &str) -> bool {
        matches!(self.condition.key.parts.first(), Some(Part::Literal(_, front))
            if front.get(..family.len()).is_some_and(|own| own.eq_ignore_ascii_case(family)))
    }

    /// Whether the line fails for a request without the key.
    fn requires_key(&self) -> bool {
        let Some(operator) = self.operator else { return false };
        if operator.kind == Kind::Null {
            let mut values = self.condition.values.iter();
            return values.all(|value| {
                value.as_literal().is_some_and(|text| text.eq_ignore_ascii_case("false"))
            });
        }
        !operator.if_exists
            && match operator.set {
                Some(SetOperator::ForAllValues) => false,
                Some(SetOperator::ForAnyValue) => true,
                None => !operator.negated,
            }
    }
}

impl<'a> Subject<'a> {
    fn statements(&self) -> impl Iterator<Item = &'a Statement> + use<'a> {
        self.policy.statements.iter()
    }

    /// A place with the quotes around it.
    fn quoted(&self, span: Span) -> Span {
        crate::fix::list::quoted(self.sources.get(span.source).text(), span)
    }

    /// The lines of one statement.
    fn lines_of(&self, statement: &'a Statement) -> impl Iterator<Item = &Line<'a>> {
        self.lines.iter().filter(move |line| std::ptr::eq(line.statement, statement))
    }

    /// Every condition.
    fn conditions(&self) -> impl Iterator<Item = &'a Condition> + use<'a> {
        self.statements().flat_map(|statement| &statement.conditions)
    }

    /// Whether the document binds the principal that it is attached to.
    fn is_attached_to_principal(&self) -> bool {
        !matches!(self.document.kind, DocumentKind::Trust | DocumentKind::Resource)
    }
}

/// Collects findings, but for what is told already.
struct Found<'t> {
    /// Findings about this document that are there already.
    told: Vec<&'t Finding>,
    new: Vec<Finding>,
    /// The tokens that labels of `told` stand on, once somebody asks.
    told_tokens: OnceCell<HashSet<Span>>,
    /// Those of the first so many of `new`.
    new_tokens: HashSet<Span>,
    looked_at: usize,
}

impl<'t> Found<'t> {
    fn new(told: Vec<&'t Finding>) -> Self {
        let (new, told_tokens) = (Vec::new(), OnceCell::new());
        Self { told, new, told_tokens, new_tokens: HashSet::new(), looked_at: 0 }
    }

    /// Adds a finding unless one speaks of its very token. Gives what was added, to say more.
    fn add(
        &mut self,
        rule: &'static str,
        severity: Severity,
        span: Span,
        message: String,
    ) -> Option<&mut Finding> {
        if self.speaks_of(span) {
            return None;
        }
        self.new.push(Finding::new(rule, severity, span, message));
        self.new.last_mut()
    }

    /// [`Self::add`] for what belongs to a condition line: nothing is added to a line that is told.
    fn add_to_line(
        &mut self,
        rule: &'static str,
        severity: Severity,
        (line, span): (&Condition, Span),
        message: String,
    ) -> Option<&mut Finding> {
        if spans(line).any(|span| self.is_told(span)) {
            return None;
        }
        self.add(rule, severity, span, message)
    }

    /// Whether a label stands on this token.
    fn speaks_of(&mut self, span: Span) -> bool {
        // Whoever adds a finding says all of it before the next one is asked for.
        let fresh = self.new.get(self.looked_at..).unwrap_or_default();
        self.new_tokens.extend(fresh.iter().flat_map(Finding::labels).map(|label| label.span));
        self.looked_at = self.new.len();
        self.new_tokens.contains(&span) || self.is_told(span)
    }

    /// Whether a label of what is told already stands on this token.
    fn is_told(&self, span: Span) -> bool {
        let all = || self.told.iter().copied().flat_map(Finding::labels).map(|label| label.span);
        !self.told.is_empty() && self.told_tokens.get_or_init(|| all().collect()).contains(&span)
    }

    /// Whether a finding that stands in this statement says that `action` is denied.
    fn denies(&self, statement: &Statement, action: &str) -> bool {
        self.told.iter().any(|finding| {
            finding.labels().any(|label| statement.span.contains(label.span))
                && finding.data.denied.iter().any(|one| one.action.eq_ignore_ascii_case(action))
        })
    }
}

/// The tokens of a condition line.
fn spans(line: &Condition) -> impl Iterator<Item = Span> {
    let head = [line.operator.span, line.key.span, line.span];
    head.into_iter().chain(line.values.iter().map(|value| value.span))
}

/// What to write in place of `written`.
fn meant(finding: Option<&mut Finding>, written: &str, meant: Option<&str>) {
    let Some(finding) = finding else { return };
    finding.data.written = Some(written.to_owned());
    if let Some(meant) = meant {
        finding.fix = fixes::spelling(written, meant, finding.primary.span);
        help(Some(finding), format!("did you mean `{meant}`?"));
    }
}

fn help(finding: Option<&mut Finding>, help: impl Into<String>) {
    let Some(finding) = finding else { return };
    let help = help.into();
    finding.fact(Word::Fix, vec![help.clone()]);
    finding.help = Some(help);
}

/// What is wrong with a document, but for what is told of it for certain. `right` is what was found right
/// in other documents.
#[must_use]
pub fn check_document(
    (document, sources): (&Document, &SourceMap),
    (tags, right): (&Tags<'_>, &Right),
    told: &Told,
) -> Vec<Finding> {
    let policy = &document.policy;
    let lines = policy.statements.iter().flat_map(lines).collect();
    let subject = Subject { document, policy, sources, tags, lines, asking: right.asking() };
    // What is open says of a statement that is not known all that there is to say.
    let unknown = |span: Span| policy.unknown.iter().any(|text| text.span == span);
    let certain = told
        .about(policy.span)
        .filter(|finding| finding.rule != "unsettled" || unknown(finding.primary.span));
    let mut found = Found::new(certain.collect());
    for check in CHECKS {
        check(&subject, &mut found);
    }
    fixes::add(document, sources, &mut found.new);
    // What others told may be what kept a check from telling it.
    right.take_back(subject.asking, found.new.is_empty() && found.told.is_empty());
    found.new
}

/// The condition lines of a statement.
fn lines(statement: &Statement) -> impl Iterator<Item = Line<'_>> {
    statement.conditions.iter().map(move |condition| Line::new(statement, condition))
}

/// `granted` or `denied`, for what a statement would have done.
fn verb(statement: &Statement) -> &'static str {
    match statement.effect {
        Effect::Allow => "granted",
        Effect::Deny => "denied",
    }
}

/// The text, if it holds no placeholder.
fn known(text: &Text) -> Option<&str> {
    text.as_literal()
}
