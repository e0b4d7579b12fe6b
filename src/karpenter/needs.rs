//! The requests of a version under the settings of an installation, with every authorisation question
//! that AWS puts to the policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Contexts;
use super::rules::template::{Part, Source, Template};
use super::rules::version::{Version, Versions};
use super::rules::when::{Condition, Flag};
use super::rules::{EntryRule, GlobalStatus, RequestRule, Rules, TagSet};
use super::values::{Choice, Values};
use crate::policy::request::{Request, Target};
use crate::policy::symbolic::Symbols;
use crate::settings::facts::Because;
use crate::settings::{CapacityType, Feature, Settings};

/// A request that will be made.
#[derive(Debug, Clone)]
pub struct Need<'r> {
    /// The rule it comes from.
    pub rule: &'r RequestRule,
    /// What must be allowed, in the order of the rule; one for each value that is sent in turn.
    pub entries: Vec<Entry<'r>>,
}

/// One authorisation question.
#[derive(Debug, Clone)]
pub struct Entry<'r> {
    /// The rule it comes from.
    pub rule: &'r EntryRule,
    /// The question.
    pub request: Request,
    /// `instance`; empty for `*`.
    pub resource_type: &'r str,
    /// AWS may not ask it: a denial is a warning.
    pub optional: bool,
    /// Why a denial leaves the outcome open.
    pub disputed: Option<&'r str>,
    /// The setting that would confirm or remove it, where it rests on an assumption.
    pub assumed: Option<&'static str>,
    /// The versions that ask it in just this form, where not all do.
    form: Option<Arc<[Version]>>,
    rules: &'r Rules,
}

impl<'r> Entry<'r> {
    /// Whether `version` asks it, if it makes the request.
    #[must_use]
    pub fn is_asked(&self, version: Version) -> bool {
        self.rule.versions.contain(version)
            && self.form.as_ref().is_none_or(|form| form.contains(&version))
    }

    /// Whether the request carries tags, or the resource those of Karpenter.
    #[must_use]
    pub fn is_tagged(&self) -> bool {
        self.rule.request_tags.is_some() || self.rule.resource_tags.is_some()
    }

    /// Where manifests say what makes Karpenter ask this; what gives a condition key its value counts
    /// only if it is `key`.
    pub fn because<'s>(
        &self,
        request: &RequestRule,
        settings: &'s Settings,
        key: Option<&str>,
    ) -> Vec<&'s Because> {
        if settings.facts.because.is_empty() {
            return Vec::new();
        }
        let mut whats: Vec<&str> = Vec::new();
        let conditions =
            request.when.iter().chain(&self.rule.when).chain(&self.rule.must_have_when);
        for condition in conditions {
            match condition {
                // What holds by default needs no reason.
                Condition::Is(flag, true) if condition.only_with().is_some() => {
                    whats.push(flag.name());
                }
                Condition::CapacityType(kinds) => whats.extend(kinds.iter().map(|kind| &**kind)),
                _ => {}
            }
        }
        let mut holes = BTreeSet::new();
        let asked = |name: &str| key.is_some_and(|key| key.eq_ignore_ascii_case(name));
        let context = self.rule.context.iter().filter(|(name, _)| asked(name));
        let templates = context.flat_map(|(_, values)| values);
        self.rule.resource.iter().chain(templates).for_each(|template| template.holes(&mut holes));
        let placeholder = |place: u8| self.rules.placeholders.get(usize::from(place));
        whats.extend(holes.into_iter().filter_map(placeholder).map(|known| &*known.name));
        let all = settings.facts.because.iter();
        all.filter(|because| whats.contains(&because.what)).collect()
    }

    /// The keys that the rule says are sent, as AWS spells them, but for those whose name nobody knows.
    pub fn sent_keys(&self) -> impl Iterator<Item = String> + use<'r> {
        let (rules, rule) = (self.rules, self.rule);
        let tags = |place, family: &'static str| {
            let set: Option<&'r TagSet> = rules.tag_set(place);
            let keys =
                set.into_iter().flat_map(|set| &set.tags).map(move |(key, _)| rules.display(key));
            keys.filter(|key| !key.contains("${")).map(move |key| format!("{family}{key}"))
        };
        let tag_keys = rule.request_tags.map(|_| "aws:TagKeys".to_owned());
        tags(rule.request_tags, "aws:RequestTag/")
            .chain(tags(rule.resource_tags, "aws:ResourceTag/"))
            .chain(tag_keys)
            .chain(rule.context.iter().map(|(key, _)| key.to_string()))
    }
}

/// The requests of `settings.karpenter`, in the order in which they are made. Values that nobody gave
/// become symbols.
#[must_use]
pub fn needs<'r>(rules: &'r Rules, settings: &Settings, symbols: &mut Symbols) -> Vec<Need<'r>> {
    needs_of(rules, settings, &[settings.karpenter], symbols)
}

/// The same of several `versions` at once, in which the same conditions hold under these settings
/// ([`Rules::hold_alike`]). What one of them asks is told by [`Need::is_made`] and [`Entry::is_asked`]; an
/// entry that some ask with other values is there once for each of these.
#[must_use]
pub fn needs_of<'r>(
    rules: &'r Rules,
    settings: &Settings,
    versions: &[Version],
    symbols: &mut Symbols,
) -> Vec<Need<'r>> {
    let mut maker = Maker::new(rules, settings, versions, symbols);
    let made = |rule: &&RequestRule| {
        versions.iter().any(|version| rule.versions.contain(*version))
            && all_hold(&rule.when, settings)
    };
    rules
        .requests
        .iter()
        .filter(made)
        .map(|rule| Need { rule, entries: maker.entries(rule, versions) })
        .collect()
}

impl Rules {
    /// Whether the same conditions hold in both of two versions under `settings`.
    #[must_use]
    pub fn hold_alike(&self, settings: &Settings, one: Version, other: Version) -> bool {
        // Those that hang on the version.
        [Flag::DisableDryRun, Flag::PriceList].into_iter().all(|flag| {
            let is = |version| holds_in(&Condition::Is(flag, true), settings, version);
            is(one) == is(other)
        })
    }

    /// Whether placeholders stand for the same in both of two versions.
    fn mean_alike(&self, one: Version, other: Version) -> bool {
        let of = |by: &[(Versions, Source)], version| {
            by.iter().position(|(versions, _)| versions.contain(version))
        };
        let mut placeholders = self.placeholders.iter();
        placeholders.all(|known| of(&known.by_version, one) == of(&known.by_version, other))
    }
}

impl Need<'_> {
    /// Whether `version` makes the request at all.
    #[must_use]
    pub fn is_made(&self, version: Version) -> bool {
        self.rule.versions.contain(version)
    }
}

/// A question that AWS would put under other settings, without its context.
#[derive(Debug, Clone)]
pub struct Other<'r> {
    /// What it is about.
    pub rule: &'r EntryRule,
    /// On what.
    pub resource: Target,
    /// The conditions that do not hold.
    pub missing: Vec<&'r Condition>,
}

/// The entries of `versions` that these settings do not ask, each with what is missing.
fn not_asked<'r>(
    rules: &'r Rules,
    settings: &Settings,
    versions: &[Version],
) -> impl Iterator<Item = (&'r RequestRule, &'r EntryRule, Vec<&'r Condition>)> {
    let is_made =
        |rule: &&RequestRule| versions.iter().any(|version| rule.versions.contain(*version));
    let made = rules.requests.iter().filter(is_made);
    let entries = made.flat_map(|rule| rule.entries.iter().map(move |entry| (rule, entry)));
    entries.filter(move |(rule, entry)| is_of_any(rule, entry, versions)).filter_map(
        |(rule, entry)| {
            let all = rule.when.iter().chain(&entry.when);
            let missing: Vec<_> = all.filter(|condition| !holds(condition, settings)).collect();
            (!missing.is_empty()).then_some((rule, entry, missing))
        },
    )
}

/// What `versions` ask under any settings but these, of the actions that are `wanted`. What such requests
/// carry is left open, which is much less work.
#[must_use]
pub fn others<'r>(
    rules: &'r Rules,
    settings: &Settings,
    versions: &[Version],
    symbols: &mut Symbols,
    wanted: &dyn Fn(&str) -> bool,
) -> Vec<Other<'r>> {
    let mut sorts = None;
    let mut out = Vec::new();
    for (request, rule, missing) in not_asked(rules, settings, versions) {
        if !wanted(&rule.action) {
            continue;
        }
        let sorts = sorts.get_or_insert_with(|| with_values(rules, settings, versions, symbols));
        let of_any = |sort: &&(Vec<Version>, Values)| is_of_any(request, rule, &sort.0);
        let mut resources: Vec<Target> = Vec::new();
        for (_, values) in sorts.iter().filter(of_any) {
            let fill = |arn| Target::Arn(values.fill(arn, &Vec::new()));
            let resource = rule.resource.as_ref().map_or(Target::Any, fill);
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        let other = |resource| Other { rule, resource, missing: missing.clone() };
        out.extend(resources.into_iter().map(other));
    }
    out
}

/// Versions in which placeholders stand for the same, with what they stand for.
fn with_values(
    rules: &Rules,
    settings: &Settings,
    versions: &[Version],
    symbols: &mut Symbols,
) -> Vec<(Vec<Version>, Values)> {
    let mut sorts: Vec<Vec<Version>> = Vec::new();
    for version in versions {
        let alike = |sort: &&mut Vec<Version>| {
            sort.first().is_some_and(|first| rules.mean_alike(*first, *version))
        };
        match sorts.iter_mut().find(alike) {
            Some(sort) => sort.push(*version),
            None => sorts.push(vec![*version]),
        }
    }
    let firsts: Vec<Version> = sorts.iter().filter_map(|sort| sort.first().copied()).collect();
    let values = Values::of_each(rules, settings, &firsts, symbols);
    sorts.into_iter().zip(values).collect()
}

/// All requests that `versions` make under any settings but these.
#[must_use]
pub fn possible(
    rules: &Rules,
    settings: &Settings,
    versions: &[Version],
    symbols: &mut Symbols,
) -> Vec<Request> {
    let mut maker = Maker::new(rules, settings, versions, symbols);
    let all = not_asked(rules, settings, versions);
    all.flat_map(|(rule, entry, _)| maker.forms(rule, entry)).map(|entry| entry.request).collect()
}

/// Whether one of `versions` makes the request and asks the entry of it.
fn is_of_any(request: &RequestRule, entry: &EntryRule, versions: &[Version]) -> bool {
    let is_of =
        |version: &Version| request.versions.contain(*version) && entry.versions.contain(*version);
    versions.iter().any(is_of)
}

fn all_hold(conditions: &[Condition], settings: &Settings) -> bool {
    conditions.iter().all(|condition| holds(condition, settings))
}

/// Whether a condition of `when` holds. What nobody says is as Karpenter has it by default: images by
/// alias, of AL2023, and nothing of the alpha interfaces.
#[must_use]
pub(super) fn holds(condition: &Condition, settings: &Settings) -> bool {
    holds_in(condition, settings, settings.karpenter)
}

/// The same in another version than that of the settings.
#[must_use]
pub(super) fn holds_in(condition: &Condition, settings: &Settings, version: Version) -> bool {
    let on = |feature: Feature| settings.features.contains(&feature);
    let before = |version: &Version| settings.upgraded_from.is_some_and(|from| from < *version);
    match condition {
        Condition::Is(flag, wanted) => {
            let is = match flag {
                Flag::ClusterEndpointSet => on(Feature::ClusterEndpoint),
                Flag::EksControlPlane => on(Feature::EksControlPlane),
                Flag::IsolatedVpc => on(Feature::IsolatedVpc),
                Flag::InterruptionQueue => settings.queue.is_some(),
                Flag::ZonalShift => on(Feature::ZonalShift),
                // The switch exists from 1.6.2 on; before, there is nothing to switch.
                Flag::DisableDryRun => {
                    on(Feature::DisableDryRun) && version >= Version::new(1, 6, 2)
                }
                Flag::ReservedCapacity | Flag::CapacityReservationSelector => {
                    on(Feature::ReservedCapacity)
                }
                Flag::PlacementGroup => on(Feature::PlacementGroup),
                Flag::SpecRole => settings.instance_profile.is_none() && !settings.facts.no_role,
                Flag::AmiAlias => !settings.facts.no_alias,
                Flag::AmiSsmParameter => !settings.ssm_parameters.is_empty(),
                Flag::KmsKey => !settings.kms_keys.is_empty(),
                Flag::SnapshotIds => !settings.snapshot_ids.is_empty(),
                Flag::AssumeRoleArnSet | Flag::AlphaApis => false,
                Flag::SpotSlrAbsent => on(Feature::SpotSlrAbsent),
                Flag::PriceList => {
                    let region = settings.region.as_literal();
                    version < Version::new(1, 7, 0)
                        || settings.partition.as_literal() != Some("aws-us-gov")
                            && region.is_none_or(|region| !region.starts_with("us-gov-"))
                }
            };
            is == *wanted
        }
        Condition::CapacityType(kinds) => kinds
            .iter()
            .any(|kind| settings.capacity_types.iter().any(|known| *kind == *known.name())),
        Condition::AmiFamily(families) => match &settings.facts.families {
            Some(known) => families.iter().any(|family| known.contains(&**family)),
            None => families.iter().any(|family| *family == "AL2023"),
        },
        Condition::NodesFromBefore(version) | Condition::NodeClassesFromBefore(version) => {
            before(version)
        }
    }
}

/// Versions in which placeholders stand for the same, with what is made of that.
struct Sort<'a, 'r> {
    versions: Vec<Version>,
    contexts: Contexts<'a, 'r>,
}

struct Maker<'a, 'r> {
    rules: &'r Rules,
    settings: &'a Settings,
    sorts: Vec<Sort<'a, 'r>>,
    /// What does not stand for the same in all of these.
    differing: Differing,
}

/// Placeholders that do not stand for the same in all versions.
struct Differing {
    all: Vec<u8>,
    /// Those in what every request carries.
    everywhere: Vec<u8>,
    /// Those in each set of tags.
    sets: Vec<Vec<u8>>,
}

impl Differing {
    fn new(rules: &Rules, all: Vec<u8>) -> Self {
        let mut differing = Self { all, everywhere: Vec::new(), sets: Vec::new() };
        if !differing.all.is_empty() {
            let globals = rules.globals.iter().flat_map(|one| [&one.status, &one.by_service]);
            let globals = globals.filter_map(|status| match status {
                GlobalStatus::Value(value) => Some(value),
                _ => None,
            });
            differing.everywhere = differing.of(globals);
            let of_set =
                |set: &TagSet| differing.of(set.tags.iter().flat_map(|(key, value)| [key, value]));
            differing.sets = rules.tag_sets.iter().map(of_set).collect();
        }
        differing
    }

    /// Those in templates.
    fn of<'t>(&self, templates: impl Iterator<Item = &'t Template>) -> Vec<u8> {
        let hole = |part| match part {
            Part::Hole(place) if self.all.contains(&place) => Some(place),
            _ => None,
        };
        templates.flat_map(Template::parts).filter_map(hole).collect()
    }

    /// Those behind an entry.
    fn behind(&self, rule: &EntryRule) -> Vec<u8> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let differing = rule.holes.iter().copied().filter(|place| self.all.contains(place));
        let mut out: Vec<u8> = differing.collect();
        let sets = [rule.request_tags, rule.resource_tags].into_iter().flatten();
        let sets = sets.filter_map(|place| self.sets.get(usize::from(place)));
        out.extend(sets.flatten().chain(&self.everywhere));
        out
    }
}

impl<'a, 'r> Maker<'a, 'r> {
    fn new(
        rules: &'r Rules,
        settings: &'a Settings,
        versions: &[Version],
        symbols: &mut Symbols,
    ) -> Self {
        let sorts = with_values(rules, settings, versions, symbols);
        let places = (0..rules.placeholders.len()).filter_map(|place| u8::try_from(place).ok());
        let differing = places
            .filter(|place| {
                sorts
                    .first()
                    .is_some_and(|(_, one)| !sorts.iter().all(|(_, v)| v.is_same(one, *place)))
            })
            .collect();
        let sort = |(versions, values)| Sort {
            versions,
            contexts: Contexts::new(rules, settings, values),
        };
        let sorts = sorts.into_iter().map(sort).collect();
        Self { rules, settings, sorts, differing: Differing::new(rules, differing) }
    }

    fn entries(&mut self, request: &'r RequestRule, versions: &[Version]) -> Vec<Entry<'r>> {
        let mut entries = Vec::new();
        for rule in &request.entries {
            if is_of_any(request, rule, versions) && all_hold(&rule.when, self.settings) {
                entries.extend(self.forms(request, rule));
            }
        }
        entries
    }

    /// One entry in all forms that it has in the versions.
    fn forms(&mut self, request: &'r RequestRule, rule: &'r EntryRule) -> Vec<Entry<'r>> {
        let used = self.differing.behind(rule);
        let (rules, settings) = (self.rules, self.settings);
        let maker = |form| EntryMaker { rules, settings, form };
        if used.is_empty() {
            let first = self.sorts.first_mut().map(|sort| &mut sort.contexts);
            return first.map_or_else(Vec::new, |first| maker(None).entry(first, request, rule));
        }
        let mut forms: Vec<(usize, Vec<Version>)> = Vec::new();
        for (at, sort) in self.sorts.iter().enumerate() {
            let known = forms.iter_mut().find(|(first, _)| {
                let first = self.sorts.get(*first).map(|sort| &sort.contexts.values);
                let same = |place: &u8| {
                    first.is_some_and(|first| sort.contexts.values.is_same(first, *place))
                };
                used.iter().all(same)
            });
            match known {
                Some((_, versions)) => versions.extend(&sort.versions),
                None => forms.push((at, sort.versions.clone())),
            }
        }
        let several = forms.len() > 1;
        let mut entries = Vec::new();
        for (at, versions) in forms {
            if several && !is_of_any(request, rule, &versions) {
                continue;
            }
            let Some(sort) = self.sorts.get_mut(at) else { continue };
            let form = several.then(|| Arc::from(versions));
            entries.extend(maker(form).entry(&mut sort.contexts, request, rule));
        }
        entries
    }
}

/// Makes entries in one form.
struct EntryMaker<'a, 'r> {
    rules: &'r Rules,
    settings: &'a Settings,
    form: Option<Arc<[Version]>>,
}

impl<'r> EntryMaker<'_, 'r> {
    /// One entry for each combination of values that are sent in turn.
    fn entry(
        &self,
        contexts: &mut Contexts<'_, 'r>,
        request: &'r RequestRule,
        rule: &'r EntryRule,
    ) -> Vec<Entry<'r>> {
        let certain =
            !rule.must_have_when.is_empty() && all_hold(&rule.must_have_when, self.settings);
        let mut entries = Vec::new();
        for choice in self.choices(&contexts.values, rule) {
            let resource = rule.resource.as_ref();
            let request = Request {
                action: (*rule.action).into(),
                resource: resource
                    .map_or(Target::Any, |arn| Target::Arn(contexts.values.fill(arn, &choice))),
                context: contexts.context(request, rule, &choice),
            };
            entries.push(Entry {
                rule,
                request,
                resource_type: &rule.resource_type,
                optional: rule.optional && !certain,
                disputed: rule.disputed.as_deref(),
                assumed: self.assumed(rule),
                form: self.form.clone(),
                rules: self.rules,
            });
        }
        entries
    }

    /// The setting that an entry rests on without anybody having said so.
    fn assumed(&self, rule: &EntryRule) -> Option<&'static str> {
        let spot = |condition: &Condition| matches!(condition, Condition::CapacityType(kinds) if kinds.iter().any(|kind| *kind == *CapacityType::Spot.name()));
        (self.settings.spot_assumed && rule.when.iter().any(spot)).then_some("capacity-types")
    }

    /// Every combination of the values that this entry sends in turn.
    fn choices(&self, values: &Values, rule: &EntryRule) -> Vec<Choice> {
        if !values.any_turns() {
            return vec![Vec::new()];
        }
        let mut holes: BTreeSet<u8> = rule.holes.iter().copied().collect();
        for place in [rule.request_tags, rule.resource_tags] {
            let set = self.rules.tag_set(place);
            for (key, value) in set.into_iter().flat_map(|set| &set.tags) {
                key.holes(&mut holes);
                value.holes(&mut holes);
            }
            // Every EC2NodeClass has tags of its own.
            if set.is_some_and(|set| set.spec_tags) && !self.settings.facts.classes.is_empty() {
                holes.extend(values.class_place());
            }
        }
        let holes: BTreeSet<u8> = holes.into_iter().map(|place| values.turn(place)).collect();
        let both = [values.pool_place(), values.class_place()];
        let paired = both.iter().all(|place| place.is_some_and(|place| holes.contains(&place)));
        let mut choices: Vec<Choice> = vec![Vec::new()];
        for place in holes {
            let turns = values.turns(place);
            if turns > 1 {
                let with =
                    |choice: &Choice, turn| choice.iter().copied().chain([(place, turn)]).collect();
                choices = choices
                    .iter()
                    .flat_map(|choice| (0..turns).map(move |turn| with(choice, turn)))
                    .collect();
            }
        }
        let pairs = &self.settings.facts.pairs;
        if paired && !pairs.is_empty() {
            choices.retain(|choice| pairs.contains(&values.pair_of(choice)));
        }
        choices
    }
}
