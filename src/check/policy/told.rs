//! What is told already, so that one mistake is one finding.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::aws;
use crate::controller::Document;
use crate::finding::{Finding, Label};
use crate::policy::Condition;
use crate::source::{SourceId, Span};

use super::spans;

/// What is told of controllers, by the documents that it is about. Documents are many and so may
/// findings be: each document looks only at those that concern it.
#[derive(Debug, Default)]
pub struct Told {
    by_source: BTreeMap<SourceId, Vec<Finding>>,
    /// What has places in several sources.
    shared: Vec<Finding>,
}

impl Told {
    /// Sorts findings by where they stand.
    #[must_use]
    pub fn new(findings: Vec<Finding>) -> Self {
        let mut told = Self::default();
        for finding in findings {
            let source = finding.primary.span.source;
            if finding.labels().all(|label| label.span.source == source) {
                told.by_source.entry(source).or_default().push(finding);
            } else {
                told.shared.push(finding);
            }
        }
        told
    }

    /// All findings, those about one document together.
    pub fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.by_source.into_values().flatten().chain(self.shared)
    }

    /// Those that have a place in a document.
    pub(super) fn about(&self, whole: Span) -> impl Iterator<Item = &Finding> {
        let own = self.by_source.get(&whole.source).into_iter().flatten();
        own.chain(&self.shared).filter(move |finding| is_in(finding, whole))
    }

    /// Adds what [`super::check_document`] found. A misspelling that is told already becomes one more place of
    /// that finding, and what hangs on a misspelt word is no question any more. `controller` is whom
    /// alone the document binds.
    pub fn add(&mut self, document: &Document, controller: Option<&str>, mut new: Vec<Finding>) {
        if new.is_empty() {
            return;
        }
        let policy = &document.policy;
        let whole = policy.span;
        let lines: Vec<&Condition> =
            policy.statements.iter().flat_map(|statement| &statement.conditions).collect();
        let own = self.by_source.entry(whole.source).or_default();
        for findings in [&mut *own, &mut self.shared] {
            findings.retain_mut(|open| {
                open.rule != "unsettled" || !is_in(open, whole) || settle(open, &lines, &mut new)
            });
        }
        let mut known = Known::new((own, &self.shared), &new, whole);
        for mut finding in new {
            // Documents of a Terraform module share the lists of its locals.
            let place = finding.primary.span;
            if !whole.contains(place) && known.tokens.contains(&place) {
                continue;
            }
            let other = match known.mistake(&finding) {
                Some(Place::Own(at)) => own.get_mut(at),
                Some(Place::Shared(at)) => self.shared.get_mut(at),
                None => None,
            };
            known.tokens.extend(finding.labels().map(|label| label.span));
            if let Some(other) = other {
                other.related.push(finding.primary);
                other.severity = other.severity.max(finding.severity);
                continue;
            }
            finding.address = document.origin.address.clone();
            finding.controller = controller.map(str::to_owned);
            let mut statements = policy.statements.iter();
            let statement = statements.find(|statement| statement.span.contains(place));
            finding.sid = statement.and_then(|statement| Some(statement.sid.as_ref()?.display()));
            if is_in(&finding, whole) {
                known.add(&finding, Place::Own(own.len()));
            }
            own.push(finding);
        }
    }
}

/// What is told of a document already, as far as new findings have to ask: a file may hold tens of thousands of
/// mistakes, and each asks for all that were told before it.
struct Known {
    /// All tokens that labels stand on, if something new stands outside of the document.
    tokens: HashSet<Span>,
    /// The first finding about each wrong word of the document.
    mistakes: HashMap<(&'static str, String), Place>,
}

/// Where a finding is kept.
#[derive(Debug, Clone, Copy)]
enum Place {
    Own(usize),
    Shared(usize),
}

impl Known {
    fn new((own, shared): (&[Finding], &[Finding]), new: &[Finding], whole: Span) -> Self {
        let mut out = Self { tokens: HashSet::new(), mistakes: HashMap::new() };
        let all = || own.iter().chain(shared);
        if new.iter().any(|finding| !whole.contains(finding.primary.span)) {
            out.tokens = all().flat_map(Finding::labels).map(|label| label.span).collect();
        }
        if new.iter().any(|finding| finding.data.written.is_some()) {
            let places = (0..own.len()).map(Place::Own).chain((0..shared.len()).map(Place::Shared));
            for (finding, place) in all().zip(places) {
                if finding.data.written.is_some() && is_in(finding, whole) {
                    out.add(finding, place);
                }
            }
        }
        out
    }

    /// One wrong word is one mistake however often it stands.
    fn add(&mut self, finding: &Finding, place: Place) {
        if let Some(word) = lower_wrong_word(finding) {
            let rule = finding.data.cause.unwrap_or(finding.rule);
            self.mistakes.entry((rule, word)).or_insert(place);
        }
    }

    /// The finding about the same wrong word.
    fn mistake(&self, finding: &Finding) -> Option<Place> {
        let word = lower_wrong_word(finding)?;
        self.mistakes.get(&(finding.rule, word)).copied()
    }
}

/// Whether a finding has a place in this document.
fn is_in(finding: &Finding, whole: Span) -> bool {
    finding.labels().any(|label| label.span.source == whole.source && whole.contains(label.span))
}

/// Takes the misspelt places out of what is open, and out of `new` what says no more than that. Gives
/// whether something is open still.
fn settle(open: &mut Finding, lines: &[&Condition], new: &mut Vec<Finding>) -> bool {
    new.retain(|finding| {
        finding.data.written.is_some()
            || !open.labels().any(|label| label.span == finding.primary.span)
    });
    let misspelt = |label: &Label| {
        // What is open may be told at the value of the line, and what is misspelt at its key.
        let line = lines.iter().find(|line| spans(line).any(|span| span == label.span));
        let is_here = |span: Span| {
            span == label.span || line.is_some_and(|line| spans(line).any(|own| own == span))
        };
        let mut words = new.iter().filter(|finding| finding.data.written.is_some());
        words.any(|finding| finding.labels().any(|other| is_here(other.span)))
    };
    open.related.retain(|label| !misspelt(label));
    if !misspelt(&open.primary) {
        return true;
    }
    if open.related.is_empty() {
        return false;
    }
    open.primary = open.related.remove(0);
    true
}

fn lower_wrong_word(finding: &Finding) -> Option<String> {
    Some(wrong_word(finding.data.written.as_deref()?).to_ascii_lowercase())
}

/// The tag alone where that is what is misspelt: one tag has a key for requests and one for resources.
pub(in crate::check) fn wrong_word(written: &str) -> &str {
    match written.split_once("Tag/") {
        Some((_, tag)) if aws::key_exists(written) => tag,
        _ => written,
    }
}
