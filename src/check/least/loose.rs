//! `over-permissive`: a statement that does not ask for what all of Karpenter's calls for it have. The
//! least policy has a condition there (`rules/karpenter/limits.toml`), and this one could.

use crate::controller::Document;
use crate::eval::{self, Compiled, Line, Tri};
use crate::finding::{Finding, Severity, Word};
use crate::karpenter::{Limits, TagLimits};
use crate::policy::request::{Key, Request, Status, Target, Values};
use crate::policy::symbolic::{Symbol, Symbolic};
use crate::policy::{Condition, Effect, Statement};
use crate::settings::Settings;
use crate::syntax::Text;

use super::super::Case;
use super::super::judge::Asked;
use super::super::words::{code, distinct, list, statement_name};
use super::harm::{fill, statements};
use super::remedy::{self, Limit};
use super::{Least, MOST_TRIED, tighten};

const RULE: &str = "over-permissive";
/// Names in one sentence before the rest is counted.
const NAMES: usize = 3;
/// A value that no installation has.
const STRANGE: &str = "somebody-elses";
/// The names that AWS has for the tags of a resource.
const RESOURCE_TAGS: [&str; 3] = ["aws:ResourceTag/", "ec2:ResourceTag/", "iam:ResourceTag/"];

/// Which calls have a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// Those that send tags.
    RequestTags,
    /// Those on resources that have tags of Karpenter's.
    ResourceTags,
    /// Those for which the rules list the key.
    Listed,
    /// Those that write tags of what there is already.
    TagKeys,
    /// Those that nothing else limits and that stay in the region.
    Region,
}

/// A condition that the least policy may have. Sets of them are bits.
struct Known {
    on: On,
    /// Any value will do, and so will another tag of which that is true.
    any: bool,
    operator: String,
    name: Symbolic,
    /// The key by all of its names.
    keys: Vec<Key>,
}

/// All that may be asked for.
struct All {
    known: Vec<Known>,
    /// Tags of resources of which one is enough.
    alone: Vec<Key>,
}

/// One statement.
#[derive(Default)]
struct State {
    /// What all calls so far have and no condition asks for.
    open: u32,
    /// The calls that the statement certainly matches.
    met: Vec<usize>,
}

/// One note for each statement that could ask for more.
pub(super) fn findings(least: &Least<'_>) -> Vec<Finding> {
    // What nobody can read may ask for it.
    if least.case.controller.unseen_boundary.is_some() {
        return Vec::new();
    }
    let limits = &least.case.rules.limits;
    let all = All::new(limits, least.settings());
    let asked = least.asked;
    let mut carried: Vec<Option<u32>> = vec![None; asked.len()];
    let mut out = Vec::new();
    for (at, document, used) in least.reasonable() {
        let Some(own) = least.layers.identity.get(at) else { continue };
        let statements = document.policy.statements.iter().zip(&used.usage.statements);
        let mut states: Vec<State> = statements
            .enumerate()
            .map(|(number, (statement, usage))| {
                let open = statement.effect == Effect::Allow
                    && usage.used
                    && !statement.action.negated
                    && statement.when.is_empty()
                    && !least.is_told(statement);
                State { open: if open { all.missing(own, number) } else { 0 }, met: Vec::new() }
            })
            .collect();
        for (index, asked) in asked.iter().enumerate() {
            for number in own.numbers(Effect::Allow, &asked.request) {
                let Some(state) = states.get_mut(number).filter(|state| state.open != 0) else {
                    continue;
                };
                let matches = own.statements.get(number).map(|own| own.matches(&asked.request));
                if matches != Some(Tri::True) || state.met.last() == Some(&index) {
                    continue;
                }
                let carried = carried.get_mut(index);
                let carried =
                    carried.map(|own| *own.get_or_insert_with(|| all.carried(asked, limits)));
                state.open &= carried.unwrap_or(0);
                state.met.push(index);
            }
        }
        // What nothing certainly matches has nothing in common with any call.
        let open = |(_, state): &(usize, &State)| state.open != 0 && !state.met.is_empty();
        for (number, state) in states.iter().enumerate().filter(open).take(MOST_TRIED) {
            let met: Vec<&Asked<'_, '_>> =
                state.met.iter().filter_map(|index| asked.get(*index)).collect();
            let told = Told { least, all: &all, document, place: (at, number), met };
            out.extend(told.finding(state.open));
        }
    }
    out
}

/// Whether a statement, the only one of a policy, asks for all that limits a call to this cluster.
pub(in crate::check) fn asks_enough<'a>(
    case: &'a Case<'_, '_>,
    alone: &Compiled,
) -> impl Fn(&Asked<'_, '_>) -> bool + use<'a> {
    let limits = &case.rules.limits;
    let all = All::new(limits, &case.resolved.settings);
    let missing = all.missing(alone, 0);
    move |asked| missing & all.carried(asked, limits) == 0
}

impl All {
    fn new(limits: &Limits, settings: &Settings) -> Self {
        let mut known = Vec::new();
        let names = |families: &[&str], tag: &str| -> Vec<Key> {
            let name = |family: &&str| Key::new(&fill(&format!("{family}{tag}"), settings));
            families.iter().map(name).collect()
        };
        let mut tags = |on: On, families: &[&str], tags: &TagLimits| {
            let first = families.first().copied().unwrap_or_default();
            let equal = tags.equal.iter().map(|tag| (tag, false));
            for (tag, any) in equal.chain(tags.present.iter().map(|tag| (tag, true))) {
                known.push(Known {
                    on,
                    any,
                    operator: if any { "StringLike" } else { "StringEquals" }.to_owned(),
                    name: fill(&format!("{first}{tag}"), settings),
                    keys: names(families, tag),
                });
            }
        };
        tags(On::RequestTags, &["aws:RequestTag/"], &limits.request_tags);
        tags(On::ResourceTags, &RESOURCE_TAGS, &limits.resource_tags);
        let mut plain = |on: On, operator: &str, key: &str| {
            known.push(Known {
                on,
                any: false,
                operator: operator.to_owned(),
                name: Symbolic::literal(key),
                keys: vec![Key::from(key)],
            });
        };
        for purpose in limits.purposes.iter().filter(|purpose| !purpose.implied) {
            plain(On::Listed, &purpose.operator, &purpose.key);
        }
        plain(On::TagKeys, "ForAllValues:StringEquals", "aws:TagKeys");
        plain(On::Region, "StringEquals", &limits.region.key);
        // One bit for each.
        known.truncate(u32::BITS as usize);
        let alone = limits.resource_tags.alone.iter();
        let alone = alone.flat_map(|tag| names(&RESOURCE_TAGS, tag)).collect();
        Self { known, alone }
    }

    fn bits(&self) -> impl Iterator<Item = (u32, &Known)> {
        self.known.iter().enumerate().map(|(at, known)| (1 << at, known))
    }

    /// What no condition of the statement asks for. What holds without the key as well asks for nothing.
    fn missing(&self, own: &Compiled, number: usize) -> u32 {
        let lines = own.statements.get(number).map_or(&[][..], |own| &own.lines);
        let asks = |keys: &[Key], always: bool| {
            let named = |line: &&Line| keys.contains(&line.key);
            lines.iter().filter(named).any(|line| always || !line.holds_without())
        };
        let is_enough = asks(&self.alone, false);
        let named = |known: &Known| {
            is_enough && known.on == On::ResourceTags || asks(&known.keys, known.on == On::TagKeys)
        };
        let mut missing = 0;
        let mut any = Vec::new();
        for (bit, known) in self.bits() {
            match named(known) {
                true if known.any => any.push(known.on),
                true => {}
                false => missing |= bit,
            }
        }
        // One of those of which any value will do is enough.
        let other = self.bits().filter(|(_, known)| known.any && any.contains(&known.on));
        other.fold(missing, |missing, (bit, _)| missing & !bit)
    }

    /// What the call has of all that.
    fn carried(&self, asked: &Asked<'_, '_>, limits: &Limits) -> u32 {
        let (rule, request) = (asked.entry.rule, &asked.entry.request);
        let listed = |name: &str| rule.context.iter().any(|(key, _)| **key == *name);
        let mut carried = 0;
        let mut any = Vec::new();
        for (bit, known) in self.bits() {
            let has = match known.on {
                On::RequestTags => rule.request_tags.is_some(),
                On::ResourceTags => rule.resource_tags.is_some(),
                On::Listed => known.name.as_literal().is_some_and(listed),
                On::TagKeys => {
                    let keys = &limits.tag_keys;
                    keys.actions.iter().any(|action| *action == *request.action)
                        && !listed(&keys.unless)
                }
                On::Region => {
                    carried == 0
                        && request.resource == Target::Any
                        && limits.region.holds(&request.action)
                }
            };
            let is_known = || matches!(known.value(request), Some(Status::Known(_)));
            if !has || known.any && any.contains(&known.on) || !is_known() {
                continue;
            }
            if known.any {
                any.push(known.on);
            }
            carried |= bit;
        }
        carried
    }
}

impl Known {
    fn value<'q>(&self, request: &'q Request) -> Option<&'q Status> {
        request.context.listed(self.keys.first()?)
    }

    /// The condition that all these calls meet, if it can be written with names of the settings.
    fn limit(&self, calls: &[&Request], names: &[Symbol]) -> Option<Limit> {
        let mut values: Vec<Symbolic> = Vec::new();
        if self.any {
            values.push(Symbolic::literal("*"));
        } else {
            for request in calls {
                match self.value(request) {
                    Some(Status::Known(Values::One(one))) => values.push(one.clone()),
                    Some(Status::Known(Values::OneOf(some) | Values::Many(some))) => {
                        values.extend(some.iter().cloned());
                    }
                    // One that may be asked under other settings: the change is tried on all of them.
                    Some(Status::Absent | Status::Present | Status::Unknown) | None => {}
                }
            }
        }
        values.sort_unstable();
        values.dedup();
        let (operator, key) = (self.operator.clone(), self.name.clone());
        let limit = (!values.is_empty()).then_some(Limit { operator, key, values })?;
        let named = |text: &Symbolic| text.symbols().all(|symbol| names.contains(&symbol));
        (named(&limit.key) && limit.values.iter().all(named)).then_some(limit)
    }

    /// A call that nobody needs: without the key; of keys that are written, with one more.
    fn stranger(&self, asked: &Asked<'_, '_>, alone: &[Key]) -> Request {
        let mut request = asked.entry.request.clone();
        let status = match self.value(&request) {
            Some(Status::Known(Values::Many(values))) => {
                let strange = Symbolic::literal(STRANGE);
                Status::Known(Values::Many(values.iter().cloned().chain([strange]).collect()))
            }
            _ => Status::Absent,
        };
        for key in &self.keys {
            request.context.set(key.clone(), status.clone());
        }
        for key in alone.iter().filter(|_| self.on == On::ResourceTags) {
            request.context.set(key.clone(), Status::Absent);
        }
        request
    }
}

/// A statement that could ask for more.
struct Told<'l, 'c, 'n, 'r> {
    least: &'l Least<'c>,
    all: &'l All,
    document: &'c Document,
    place: (usize, usize),
    met: Vec<&'l Asked<'n, 'r>>,
}

impl Told<'_, '_, '_, '_> {
    fn finding(&self, open: u32) -> Option<Finding> {
        let (least, document, number) = (self.least, self.document, self.place.1);
        let (sources, symbols) = (least.case.sources, least.symbols);
        let statement = document.policy.statements.get(number)?;
        let names = symbols_of(least.settings());
        // A name that AWS does not know may be meant for what is missing.
        let unknown = |line: &Condition| {
            line.key.as_literal().is_some_and(|key| !crate::aws::key_exists(key))
        };
        if statement.conditions.iter().any(unknown) {
            return None;
        }
        let own = least.layers.identity.get(self.place.0)?.statements.get(number)?;
        let matches = |call: &&Request| own.matches(&eval::Asked::new(call)) == Tri::True;
        let calls: Vec<&Request> = least.requests().iter().filter(matches).collect();
        let first = self.met.first()?;
        let with = |limits: &[Limit]| {
            remedy::with_conditions((document, sources), number, limits, symbols)
        };
        let mut limits: Vec<Limit> = Vec::new();
        for (_, known) in self.all.bits().filter(|(bit, _)| open & bit != 0) {
            let limit = known.limit(&calls, &names);
            let allowed =
                || statements(least.layers, &known.stranger(first, &self.all.alone)).is_some();
            let Some(limit) = limit.filter(|_| allowed()) else { continue };
            // Under other settings, or before an upgrade, something may be asked without it.
            let change = with(std::slice::from_ref(&limit));
            if change.is_some_and(|change| change.keeps_the_need(least, self.place)) {
                limits.push(limit);
            }
        }
        if limits.is_empty() {
            return None;
        }
        let change = with(&limits)?;
        Some(self.told(statement, &limits, change))
    }

    fn told(&self, statement: &Statement, limits: &[Limit], change: remedy::Change) -> Finding {
        let least = self.least;
        let actions = distinct(self.met.iter().map(|asked| code(&asked.entry.request.action)));
        let keys: Vec<String> =
            limits.iter().map(|limit| code(&limit.key.display(least.symbols))).collect();
        let name = match &statement.sid {
            Some(sid) if !sid.parts.is_empty() => code(&sid.display()),
            _ => statement_name(statement, self.place.1),
        };
        let message = format!(
            "{name} grants {} without asking for {}, which all of Karpenter's own calls have",
            list(&actions, NAMES),
            list(&keys, NAMES)
        );
        let span = statement.action.values.first().map_or(statement.action.span, |one| one.span);
        let mut finding = Finding::new(RULE, Severity::Note, span, message);
        finding.primary.message = match keys.as_slice() {
            [one] => format!("nothing here needs {one}"),
            _ => "nothing here needs these keys".to_owned(),
        };
        finding.sid = statement.sid.as_ref().map(Text::display);
        finding.data.action = self.met.first().map(|asked| asked.entry.request.action.to_string());
        let title = change.title;
        finding.help = Some(title.clone());
        let lines = std::iter::once(title.clone()).chain(change.by_hand).collect();
        finding.fact(Word::Fix, lines);
        finding.fix = Some(tighten::fix(title, change.edits, self.document, least.case.sources));
        finding
    }
}

/// What a policy can name though nobody gave it.
fn symbols_of(settings: &Settings) -> Vec<Symbol> {
    let own = [&settings.partition, &settings.region, &settings.account, &settings.cluster];
    own.into_iter().flat_map(Symbolic::symbols).collect()
}
