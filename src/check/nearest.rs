//! Which statement came nearest to granting what is denied, and what in it failed.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::aws;
use crate::eval::traced::{Traced, TracedLayer, TracedLine, TracedStatement};
use crate::eval::{Layer, Tri, Why};
use crate::karpenter::Entry;
use crate::order;
use crate::policy::condition::Operator;
use crate::policy::{Condition, Effect, Policy, Statement};
use crate::source::Span;
use crate::syntax::Text;

use super::broken_arn::broken_arn;

/// A statement that could have granted the entry.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Which policies it stands in.
    pub layer: Layer,
    /// Document of that layer.
    pub document: usize,
    /// Statement of the document.
    pub statement: usize,
    /// What failed.
    pub fails: Fails,
    /// Whether a resource other than `*` covers what is asked for.
    pub specific: bool,
    score: i32,
}

/// What in a statement failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fails {
    /// No action matches.
    pub action: bool,
    /// No resource matches.
    pub resource: bool,
    /// These condition lines do not hold.
    pub lines: Vec<usize>,
    /// Those of them that ask for a tag of the request where the call has it on the resource, or the other way
    /// round.
    pub turned: Vec<usize>,
    /// A line asks for a key that such a call never has: the statement is about something else.
    pub is_strange: bool,
    /// Whether something else in it is unknown.
    pub unknown: bool,
    /// No action matches, but a condition holds that AWS has for the one that is asked for, and for no other: it is
    /// what the statement is there for.
    pub meant: bool,
    /// The failure is a misspelling.
    pub misspelt: Option<Misspelt>,
}

/// A token that is not what it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Misspelt {
    /// `unknown-action`, `unknown-condition-key`, `unknown-operator`.
    pub rule: &'static str,
    /// The token.
    pub span: Span,
    /// As written.
    pub written: String,
    /// As meant.
    pub meant: String,
}

impl Fails {
    /// Whether one change to the statement would do: one element, lines under one operator, or tags of the one
    /// kind for those of the other.
    #[must_use]
    pub(super) fn is_one_thing(&self, statement: &Statement) -> bool {
        let mut operators: Vec<String> = self
            .lines
            .iter()
            .filter(|line| !self.turned.contains(line))
            .filter_map(|&line| statement.conditions.get(line))
            .map(|condition| condition.operator.display())
            .collect();
        operators.dedup();
        let elements = [self.action, self.resource, !self.turned.is_empty()];
        let kinds = elements.into_iter().filter(|fails| *fails).count() + operators.len();
        kinds == 1 && (self.meant || !(self.unknown && (self.resource || self.action)))
    }
}

/// The condition keys that an entry sends.
struct Keys<'e, 'r> {
    entry: &'e Entry<'r>,
    sent: OnceCell<Vec<String>>,
    /// As they are in the request.
    filled: OnceCell<Vec<&'e str>>,
    /// Keys of policies, with those that are nearly it: many statements ask for the same ones.
    near: RefCell<Vec<(String, Rc<[String]>)>>,
}

impl<'e> Keys<'e, '_> {
    /// As the rules write them.
    fn sent(&self) -> &[String] {
        self.sent.get_or_init(|| self.entry.sent_keys().collect())
    }

    /// Those of the request that are known.
    fn filled(&self) -> &[&'e str] {
        let known = || self.entry.request.context.known();
        self.filled.get_or_init(|| known().filter_map(|key| key.text().as_literal()).collect())
    }

    /// Whether calls of the action have such a key on some type of resource: then the line may well be meant for
    /// that one.
    fn are_for_the_action(&self, condition: &Condition) -> bool {
        let key = condition.key.display();
        aws::authorization(&self.entry.request.action).is_some_and(|(service, action)| {
            service.key_place(&key).is_some_and(|place| service.names(action, place))
        })
    }

    /// Whether the line asks for a tag of the kind that the entry has: of the request, or of the resource.
    fn has_tags_like(&self, condition: &Condition) -> bool {
        let key = condition.key.display().to_ascii_lowercase();
        let rule = self.entry.rule;
        match key.split_once('/') {
            Some(("aws:requesttag", _)) => rule.request_tags.is_some(),
            Some(("aws:resourcetag" | "ec2:resourcetag", _)) => rule.resource_tags.is_some(),
            _ => false,
        }
    }

    /// The keys that are nearly `written`.
    fn near(&self, written: &str) -> Rc<[String]> {
        let mut all = self.near.borrow_mut();
        if let Some((_, near)) = all.iter().find(|(known, _)| known == written) {
            return Rc::clone(near);
        }
        let is_near = |key: &&str| near(written, key);
        let sent = self.sent().iter().map(String::as_str).filter(is_near).map(str::to_owned);
        // Keys with the cluster in their name are known only from the request itself. Their case is of the
        // request, which is of no matter until one is told.
        let filled = self.filled().iter().copied().filter(is_near);
        let found: Rc<[String]> = sent.chain(filled.map(aws::key_display)).collect();
        all.push((written.to_owned(), Rc::clone(&found)));
        found
    }
}

/// What the actions of statements have to do with those that are needed, once it was looked for.
#[derive(Default)]
pub(super) struct Kin {
    by_action: Vec<(String, Rc<Sort>, BTreeMap<Place, Kinship>)>,
    sorts: Sorts,
    /// Condition keys that policies name, with what they are.
    keys: BTreeMap<String, Named>,
    /// The same, with the only action that carries them.
    carriers: BTreeMap<String, Option<String>>,
}

/// What a condition key of a policy is, as far as it hangs on nothing else.
#[derive(Clone, Copy)]
struct Named {
    /// Whether AWS knows it, and it is no tag.
    is_known: bool,
    /// The family of tags that its own is nearly, where AWS does not know the key.
    family: Option<&'static str>,
}

/// What sorts of actions policies name.
#[derive(Default)]
struct Sorts {
    by_action: BTreeMap<String, Rc<Sort>>,
    by_statement: BTreeMap<Place, Written>,
}

/// The actions that a statement names, as far as they hang on no other that is needed.
#[derive(Default)]
struct Written {
    sorts: Vec<Rc<Sort>>,
    /// Places of those that there are not: only they can be misspelt.
    unknown: Vec<usize>,
}

/// What sort of action it is.
struct Sort {
    /// In lower case.
    service: String,
    access: Option<&'static [aws::Access]>,
    verb: u8,
}

impl Sorts {
    fn of(&mut self, action: &str) -> Rc<Sort> {
        if let Some(sort) = self.by_action.get(action) {
            return Rc::clone(sort);
        }
        let access = aws::authorization(action).map(|(_, action)| action.access());
        let service = service_of(action).to_ascii_lowercase();
        let sort = Rc::new(Sort { service, access, verb: verb(action) });
        self.by_action.insert(action.to_owned(), Rc::clone(&sort));
        sort
    }

    /// All actions that a statement names.
    fn of_all(&mut self, place: Place, statement: &Statement) -> &Written {
        if !self.by_statement.contains_key(&place) {
            let values = &statement.action.values;
            let named = values.iter().filter_map(Text::as_literal);
            let sorts = named.map(|action| self.of(action)).collect();
            let exists = |written: &str| {
                let parts = written.split_once(':');
                parts.is_some_and(|(service, name)| aws::action_exists(service, name))
            };
            let is_unknown = |value: &Text| {
                value
                    .as_literal()
                    .is_some_and(|written| !written.contains(['*', '?']) && !exists(written))
            };
            let places = values.iter().enumerate().filter(|(_, value)| is_unknown(value));
            let unknown = places.map(|(at, _)| at).collect();
            self.by_statement.insert(place, Written { sorts, unknown });
        }
        self.by_statement.entry(place).or_default()
    }
}

/// Layer, document and statement.
type Place = (Layer, usize, usize);

/// What the actions of a statement have to do with one that is needed.
#[derive(Clone)]
struct Kinship {
    misspelt: Option<Misspelt>,
    score: i32,
}

impl Kin {
    fn of(&mut self, needed: &str, place: Place, statement: &Statement) -> Kinship {
        let at = self.by_action.iter().position(|(known, ..)| known == needed);
        let at = at.unwrap_or_else(|| {
            let sort = self.sorts.of(needed);
            self.by_action.push((needed.to_owned(), sort, BTreeMap::new()));
            self.by_action.len() - 1
        });
        let sorts = &mut self.sorts;
        let mut make = |sort: &Sort| {
            let written = sorts.of_all(place, statement);
            let misspelt = misspelt_action(statement, &written.unknown, needed);
            let score = match misspelt {
                Some(_) => 3,
                None => -6 + kinship(&written.sorts, sort),
            };
            Kinship { misspelt, score }
        };
        match self.by_action.get_mut(at) {
            Some((_, sort, places)) => places.entry(place).or_insert_with(|| make(sort)).clone(),
            // It was put there just now.
            None => Kinship { misspelt: None, score: -6 },
        }
    }

    /// Whether no other action carries the key.
    fn is_for(&mut self, key: &str, needed: &str) -> bool {
        if let Some(only) = self.carriers.get(key) {
            return only.as_deref() == Some(needed);
        }
        let only = aws::only_carrier(key);
        let is_for = only.as_deref() == Some(needed);
        self.carriers.insert(key.to_owned(), only);
        is_for
    }

    fn named(&mut self, written: &str) -> Named {
        if let Some(named) = self.keys.get(written) {
            return *named;
        }
        let exists = aws::key_exists(written);
        let family = written.split_once('/').filter(|_| !exists).and_then(|(family, _)| {
            let mut families = ["aws:RequestTag", "aws:ResourceTag", "ec2:ResourceTag"].into_iter();
            families.find(|known| near(family, known))
        });
        let named = Named { is_known: exists && !written.contains("Tag/"), family };
        self.keys.insert(written.to_owned(), named);
        named
    }
}

/// All Allow statements of the layer that failed, the nearest first. `policies` are the documents
/// of each layer.
pub(super) fn candidates<'p>(
    trace: &Traced,
    entry: &Entry<'_>,
    kin: &mut Kin,
    policy: impl Fn(Layer, usize) -> Option<&'p Policy>,
) -> Vec<Candidate> {
    let Some(failing) = failing_layer(trace) else { return Vec::new() };
    let layer = failing.layer;
    let (sent, filled) = (OnceCell::new(), OnceCell::new());
    let keys = Keys { entry, sent, filled, near: RefCell::default() };
    let mut found: Vec<Candidate> = failing
        .statements()
        .filter(|statement| statement.effect == Effect::Allow)
        .filter_map(|traced| {
            let statement = policy(layer, traced.document)?.statements.get(traced.statement)?;
            Some(candidate(layer, traced, statement, &keys, kin))
        })
        .collect();
    order::by_key(&mut found, |candidate| std::cmp::Reverse(candidate.score()));
    found
}

/// The first layer that does not allow.
#[must_use]
pub(super) fn failing_layer(trace: &Traced) -> Option<&TracedLayer> {
    trace.layers.iter().find(|layer| layer.allow == Tri::False).or(trace.layers.first())
}

fn candidate(
    layer: Layer,
    traced: TracedStatement<'_>,
    statement: &Statement,
    keys: &Keys<'_, '_>,
    kin: &mut Kin,
) -> Candidate {
    let mut fails = Fails {
        action: traced.action == Tri::False,
        resource: traced.resource == Tri::False,
        ..Fails::default()
    };
    fails.unknown = traced.action == Tri::Unknown
        || traced.resource == Tri::Unknown
        || traced.conditions.iter().any(|condition| condition.holds == Tri::Unknown);
    let needed = &*keys.entry.request.action;
    let mut score = 0;
    if fails.action {
        let place = (layer, traced.document, traced.statement);
        let found = kin.of(needed, place, statement);
        fails.misspelt = found.misspelt;
        score += found.score;
    } else {
        score += 2;
    }
    let specific = is_specific(statement, traced);
    score += match traced.resource {
        Tri::False => -3,
        Tri::Unknown => 1,
        Tri::True if specific => 3,
        Tri::True => 1,
    };
    let mut failed: Option<&Text> = None;
    for (line, (traced, condition)) in
        traced.conditions.iter().zip(&statement.conditions).enumerate()
    {
        match traced.holds {
            // A line that holds for want of the key says nothing.
            Tri::True if traced.why == Why::Absent => {}
            Tri::True => {
                score += 3;
                let key = condition.key.as_literal().filter(|_| fails.action);
                fails.meant |= key.is_some_and(|key| kin.is_for(key, needed));
            }
            Tri::Unknown => {}
            Tri::False => {
                fails.lines.push(line);
                if let Some(found) = misspelt_condition(statement, condition, *traced, (keys, kin))
                {
                    fails.misspelt.get_or_insert(found);
                } else if traced.is_turned && !keys.are_for_the_action(condition) {
                    fails.turned.push(line);
                } else if !traced.is_sent {
                    // A key that Karpenter never sends here: this statement is about something else, unless it
                    // grants just this, and asks for one more tag of what has tags.
                    let is_one_of_its_tags =
                        !fails.action && !fails.resource && keys.has_tags_like(condition);
                    if !is_one_of_its_tags {
                        fails.is_strange = true;
                        score -= 4;
                        continue;
                    }
                }
                // All lines of one operator fail together when the operator is wrong.
                if failed.is_none_or(|before| before.span != condition.operator.span) {
                    score -= 1;
                    failed = Some(&condition.operator);
                }
            }
        }
    }
    if fails.resource && !fails.action && fails.lines.is_empty() {
        fails.misspelt = broken_arn(statement, keys.entry);
    }
    Candidate {
        layer,
        document: traced.document,
        statement: traced.statement,
        fails,
        specific,
        score,
    }
}

impl Candidate {
    /// A statement that grants this very thing under a condition comes before any that grants something else,
    /// however much of that fits. What one misspelt word keeps from granting it is such a statement.
    fn rank(&self) -> bool {
        let fails = &self.fails;
        let is_action = !fails.action || fails.misspelt.is_some() && fails.lines.is_empty();
        is_action && !fails.resource && !fails.is_strange
    }

    /// How near it came: more is nearer. Of no meaning beside other candidates of the same entry.
    #[must_use]
    pub(super) fn score(&self) -> (bool, i32) {
        (self.rank(), self.score)
    }
}

/// Whether a value other than `*` matches.
fn is_specific(statement: &Statement, traced: TracedStatement<'_>) -> bool {
    statement.resource.as_ref().is_some_and(|element| {
        let values = element.values.iter().zip(traced.resources);
        !element.negated
            && values
                .into_iter()
                .any(|(text, tri)| *tri == Tri::True && text.as_literal() != Some("*"))
    })
}

/// How much the actions of a statement are of the kind of the one that is needed: the same service, the
/// same access level, the same sort of verb. A place for an action is among its like.
fn kinship(named: &[Rc<Sort>], needed: &Sort) -> i32 {
    let of_one = |one: &Rc<Sort>| {
        let same_access = needed.access.is_some() && one.access == needed.access;
        let same_verb = one.verb == needed.verb;
        let elsewhere = one.service != needed.service;
        i32::from(same_access) + i32::from(same_verb) - i32::from(elsewhere)
    };
    named.iter().map(of_one).max().unwrap_or(-1)
}

pub(super) fn service_of(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

/// What sort of thing an action does, by its first word.
fn verb(action: &str) -> u8 {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if starts(&["CreateTags"]) {
        0
    } else if starts(&["Create", "Run", "Add", "Put"]) {
        1
    } else if starts(&["Delete", "Terminate", "Remove"]) {
        2
    } else if starts(&["Describe", "Get", "List", "Receive"]) {
        3
    } else {
        0
    }
}

/// Whether a statement grants something else on the same type of resource.
pub(super) fn has_sibling(statement: &Statement, entry: &Entry<'_>) -> bool {
    statement.action.values.iter().filter_map(Text::as_literal).any(|written| {
        aws::authorization(written)
            .is_some_and(|(_, action)| action.row(entry.resource_type).is_some())
    })
}

/// A value of `Action` that is no action of AWS and nearly the needed one.
fn misspelt_action(statement: &Statement, unknown: &[usize], needed: &str) -> Option<Misspelt> {
    if statement.action.negated {
        return None;
    }
    let mut values = unknown.iter().filter_map(|&at| statement.action.values.get(at));
    values.find_map(|value| {
        let written = value.as_literal()?;
        (near(written, needed) || is_of_another(written, needed)).then(|| Misspelt {
            rule: "unknown-action",
            span: value.span,
            written: written.to_owned(),
            meant: needed.to_owned(),
        })
    })
}

/// Whether it is the action under the name of another service.
fn is_of_another(written: &str, needed: &str) -> bool {
    let name = |action: &str| action.find(':').map(|at| at + 1);
    name(written).zip(name(needed)).is_some_and(|(own, other)| {
        let (own, other) = (written.get(own..), needed.get(other..));
        own == other && written != needed
    })
}

fn near(written: &str, needed: &str) -> bool {
    // Texts of other lengths are no misspelling; and a text of megabytes is not worth comparing.
    if written.len().abs_diff(needed.len()) > 4 || !has_its_letters(written, needed) {
        return false;
    }
    let (written, needed) = (written.to_lowercase(), needed.to_lowercase());
    written != needed && strsim::osa_distance(&written, &needed) <= 2
}

/// Whether two texts are made of nearly the same letters: two slips of the pen change four counts at most.
/// It spares almost every comparison of almost every word.
fn has_its_letters(written: &str, needed: &str) -> bool {
    if !written.is_ascii() || !needed.is_ascii() {
        return true;
    }
    let mut counts = [0_i16; 32];
    let mut count = |text: &str, by: i16| {
        for byte in text.bytes() {
            // Either case of a letter has the same place.
            if let Some(count) = counts.get_mut(usize::from(byte & 31)) {
                *count += by;
            }
        }
    };
    count(written, 1);
    count(needed, -1);
    counts.iter().map(|count| count.unsigned_abs()).sum::<u16>() <= 4
}

/// An operator that AWS does not know, or a key that is nearly one that Karpenter sends.
fn misspelt_condition(
    statement: &Statement,
    condition: &Condition,
    traced: TracedLine,
    (keys, kin): (&Keys<'_, '_>, &mut Kin),
) -> Option<Misspelt> {
    let operator = condition.operator.as_literal()?;
    if traced.why == Why::NoOperator
        && let Some(meant) = Operator::suggest(operator)
    {
        return Some(Misspelt {
            rule: "unknown-operator",
            span: condition.operator.span,
            written: operator.to_owned(),
            meant,
        });
    }
    if traced.is_sent {
        return None;
    }
    let written = match condition.key.as_literal() {
        Some(literal) => Cow::Borrowed(literal),
        None => Cow::Owned(condition.key.display()),
    };
    let named = kin.named(&written);
    if named.is_known {
        return None;
    }
    if let Some((meant, (_, tag))) = named.family.zip(written.split_once('/')) {
        return Some(Misspelt {
            rule: "unknown-condition-key",
            span: condition.key.span,
            meant: format!("{meant}/{tag}"),
            written: written.into_owned(),
        });
    }
    let used = |key: &str| {
        statement.conditions.iter().any(|other| other.key.display().eq_ignore_ascii_case(key))
    };
    let meant = keys.near(&written).iter().find(|key| !used(key))?.clone();
    let (rule, written) = ("unknown-condition-key", written.into_owned());
    Some(Misspelt { rule, span: condition.key.span, meant, written })
}
