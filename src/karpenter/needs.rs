//! The requests of a version under the settings of an installation, with every authorisation question
//! that AWS puts to the policies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Version;
use super::rules::template::Template;
use super::rules::when::{Condition, Flag};
use super::rules::{EntryRule, GlobalStatus, RequestRule, Rules, TagSet};
use super::values::{Choice, Values};
use crate::embedded::Str;
use crate::policy::request::{
    Context, Key, Listed, Otherwise, Presence, Request, Status, Target, Values as KeyValues,
};
use crate::policy::symbolic::{Symbolic, Symbols};
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
    rules: &'r Rules,
}

impl<'r> Entry<'r> {
    /// Whether the request carries tags, or the resource those of Karpenter.
    #[must_use]
    pub fn is_tagged(&self) -> bool {
        self.rule.request_tags.is_some() || self.rule.resource_tags.is_some()
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
    let values = Values::new(rules, settings, symbols);
    let mut maker = Maker {
        rules,
        settings,
        values,
        common: BTreeMap::new(),
        tags: BTreeMap::new(),
        own: BTreeMap::new(),
    };
    let made = |rule: &&RequestRule| {
        rule.versions.contain(settings.karpenter) && all_hold(&rule.when, settings)
    };
    rules
        .requests
        .iter()
        .filter(made)
        .map(|rule| Need { rule, entries: maker.entries(rule) })
        .collect()
}

fn all_hold(conditions: &[Condition], settings: &Settings) -> bool {
    conditions.iter().all(|condition| holds(condition, settings))
}

/// Whether a condition of `when` holds. What an installation cannot say here is as Karpenter has it by
/// default: images by alias, of AL2023, and nothing of the alpha interfaces.
#[must_use]
pub(super) fn holds(condition: &Condition, settings: &Settings) -> bool {
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
                    on(Feature::DisableDryRun) && settings.karpenter >= Version::new(1, 6, 2)
                }
                Flag::ReservedCapacity | Flag::CapacityReservationSelector => {
                    on(Feature::ReservedCapacity)
                }
                Flag::PlacementGroup => on(Feature::PlacementGroup),
                Flag::SpecRole => settings.instance_profile.is_none(),
                Flag::AmiAlias => true,
                Flag::AmiSsmParameter => !settings.ssm_parameters.is_empty(),
                Flag::KmsKey => !settings.kms_keys.is_empty(),
                Flag::SnapshotIds => !settings.snapshot_ids.is_empty(),
                Flag::AssumeRoleArnSet | Flag::AlphaApis => false,
                Flag::SpotSlrAbsent => on(Feature::SpotSlrAbsent),
            };
            is == *wanted
        }
        Condition::CapacityType(kinds) => kinds.iter().any(|kind| {
            let listed = settings.capacity_types.iter().any(|known| *kind == *known.name());
            listed || *kind == *CapacityType::Reserved.name() && on(Feature::ReservedCapacity)
        }),
        Condition::AmiFamily(families) => families.iter().any(|family| *family == "AL2023"),
        Condition::NodesFromBefore(version) | Condition::NodeClassesFromBefore(version) => {
            before(version)
        }
    }
}

struct Maker<'a, 'r> {
    rules: &'r Rules,
    settings: &'a Settings,
    values: Values,
    /// What contexts have in common, by key set and by who makes the request.
    common: BTreeMap<(u16, bool), Arc<Otherwise>>,
    /// Sets of tags with their values, by set and by what is sent in turn.
    tags: BTreeMap<(u16, Choice), Arc<Tags>>,
    /// Further keys with their values.
    own: BTreeMap<(&'r str, &'r [Template], Choice), Arc<Listed>>,
}

/// A set of tags with its values.
struct Tags {
    keys: Vec<Symbolic>,
    values: Vec<Symbolic>,
    /// As tags of a request.
    request: Vec<Arc<Listed>>,
    /// `aws:TagKeys`.
    tag_keys: Arc<Listed>,
}

impl<'r> Maker<'_, 'r> {
    fn entries(&mut self, request: &'r RequestRule) -> Vec<Entry<'r>> {
        let mut entries = Vec::new();
        for rule in &request.entries {
            if !rule.versions.contain(self.settings.karpenter)
                || !all_hold(&rule.when, self.settings)
            {
                continue;
            }
            let certain =
                !rule.must_have_when.is_empty() && all_hold(&rule.must_have_when, self.settings);
            for choice in self.choices(rule) {
                let resource = rule.resource.as_ref();
                let request = Request {
                    action: (*rule.action).into(),
                    resource: resource
                        .map_or(Target::Any, |arn| Target::Arn(self.values.fill(arn, &choice))),
                    context: self.context(request, rule, &choice),
                };
                entries.push(Entry {
                    rule,
                    request,
                    resource_type: &rule.resource_type,
                    optional: rule.optional && !certain,
                    disputed: rule.disputed.as_deref(),
                    assumed: self.assumed(rule),
                    rules: self.rules,
                });
            }
        }
        entries
    }

    /// The setting that an entry rests on without anybody having said so.
    fn assumed(&self, rule: &EntryRule) -> Option<&'static str> {
        let spot = |condition: &Condition| matches!(condition, Condition::CapacityType(kinds) if kinds.iter().any(|kind| *kind == *CapacityType::Spot.name()));
        (self.settings.spot_assumed && rule.when.iter().any(spot)).then_some("capacity-types")
    }

    /// Every combination of the values that this entry sends in turn.
    fn choices(&self, rule: &EntryRule) -> Vec<Choice> {
        let mut holes = BTreeSet::new();
        for template in
            rule.resource.iter().chain(rule.context.iter().flat_map(|(_, values)| values))
        {
            template.holes(&mut holes);
        }
        for place in [rule.request_tags, rule.resource_tags] {
            for (key, value) in self.rules.tag_set(place).into_iter().flat_map(|set| &set.tags) {
                key.holes(&mut holes);
                value.holes(&mut holes);
            }
        }
        let mut choices: Vec<Choice> = vec![Vec::new()];
        for place in holes {
            let turns = self.values.turns(place);
            if turns > 1 {
                let with =
                    |choice: &Choice, turn| choice.iter().copied().chain([(place, turn)]).collect();
                choices = choices
                    .iter()
                    .flat_map(|choice| (0..turns).map(move |turn| with(choice, turn)))
                    .collect();
            }
        }
        choices
    }

    fn context(&mut self, request: &RequestRule, rule: &'r EntryRule, choice: &Choice) -> Context {
        let mut context = Context::new(self.common(rule.keys, request.by_service));
        if let Some(tags) = self.tags(rule.request_tags, choice) {
            for listed in tags.request.iter().chain([&tags.tag_keys]) {
                context.share(Arc::clone(listed));
            }
            self.created_with(rule, &tags.keys, &mut context);
        }
        if let Some(tags) = self.tags(rule.resource_tags, choice) {
            for (key, value) in tags.keys.iter().zip(&tags.values) {
                for family in self.families(rule) {
                    context.set(tag_key(family, key), Status::Known(KeyValues::One(value.clone())));
                }
            }
        }
        for (key, templates) in &rule.context {
            let listed = self.own.entry((key, templates, choice.clone())).or_insert_with(|| {
                let filled =
                    templates.iter().flat_map(|template| self.values.fill_all(template, choice));
                let known = match <[Symbolic; 1]>::try_from(filled.collect::<Vec<_>>()) {
                    Ok([value]) => KeyValues::One(value),
                    Err(values) => KeyValues::OneOf(values),
                };
                Arc::new(((&**key).into(), Status::Known(known)))
            });
            context.share(Arc::clone(listed));
        }
        self.given(rule, &mut context);
        for key in &rule.absent {
            context.set((&**key).into(), Status::Absent);
        }
        context
    }

    /// The values of context keys that were given. A key of a service counts only where AWS fills it.
    fn given(&self, rule: &EntryRule, context: &mut Context) {
        let mut given: BTreeMap<String, Vec<Symbolic>> = BTreeMap::new();
        for (key, value) in &self.settings.context {
            given.entry(key.to_lowercase()).or_default().push(Symbolic::literal(value));
        }
        for (name, values) in given {
            let key = Key::from(name.as_str());
            let filled =
                name.starts_with("aws:") || context.seen(&key).presence() != Presence::Absent;
            if !filled || rule.absent.iter().any(|absent| absent.eq_ignore_ascii_case(&name)) {
                continue;
            }
            let known = match <[Symbolic; 1]>::try_from(values) {
                Ok([value]) if crate::aws::is_multivalued(&name) != Some(true) => {
                    KeyValues::One(value)
                }
                Ok([value]) => KeyValues::Many(vec![value]),
                Err(values) if crate::aws::is_multivalued(&name) == Some(true) => {
                    KeyValues::Many(values)
                }
                Err(values) => KeyValues::OneOf(values),
            };
            context.set(key, Status::Known(known));
        }
    }

    fn families(&self, rule: &EntryRule) -> &'r [Str] {
        self.rules.key_sets.get(usize::from(rule.keys)).map_or(&[], |set| &set.resource_tags)
    }

    /// Whether EC2 shows the tags of a request also as those of the resource that it creates is not
    /// documented for every action: where it lists resource tags at all, these may be there.
    fn created_with(&self, rule: &EntryRule, keys: &[Symbolic], context: &mut Context) {
        let created =
            self.rules.key_sets.get(usize::from(rule.keys)).is_some_and(|set| set.created);
        for family in self.families(rule).iter().filter(|_| created) {
            for key in keys {
                context.set(tag_key(family, key), Status::Unknown);
            }
        }
    }

    /// The set of tags at `place`, with its values.
    fn tags(&mut self, place: Option<u16>, choice: &Choice) -> Option<Arc<Tags>> {
        let set = self.rules.tag_set(place)?;
        let made = (place?, choice.clone());
        if let Some(tags) = self.tags.get(&made) {
            return Some(Arc::clone(tags));
        }
        let (keys, values): (Vec<Symbolic>, Vec<Symbolic>) =
            self.fill_tags(set, choice).into_iter().unzip();
        let one = |(key, value): (&Symbolic, &Symbolic)| {
            Arc::new((
                tag_key("aws:requesttag/", key),
                Status::Known(KeyValues::One(value.clone())),
            ))
        };
        let request = keys.iter().zip(&values).map(one).collect();
        let tag_keys =
            Arc::new(("aws:tagkeys".into(), Status::Known(KeyValues::Many(keys.clone()))));
        let tags = Arc::new(Tags { keys, request, tag_keys, values });
        self.tags.insert(made, Arc::clone(&tags));
        Some(tags)
    }

    /// The tags of a set, with those of `spec.tags` where these come along.
    fn fill_tags(&self, set: &TagSet, choice: &Choice) -> Vec<(Symbolic, Symbolic)> {
        let spec = &self.settings.node_class_tags;
        let yields = |key: &Symbolic| {
            let key = key.as_literal().unwrap_or_default();
            set.yields.iter().any(|known| *known == *key)
                && spec.iter().any(|(known, _)| known == key)
        };
        let fill = |template: &Template| self.values.fill(template, choice);
        let fixed = set.tags.iter().map(|(key, value)| (fill(key), fill(value)));
        let mut tags: Vec<(Symbolic, Symbolic)> = fixed.filter(|(key, _)| !yields(key)).collect();
        if set.spec_tags {
            for (key, value) in spec {
                let key = Symbolic::literal(key);
                if !tags.iter().any(|(known, _)| *known == key) {
                    tags.push((key, Symbolic::literal(value)));
                }
            }
        }
        tags
    }

    /// What all contexts with this set of keys have in common.
    fn common(&mut self, keys: u16, by_service: bool) -> Arc<Otherwise> {
        if let Some(made) = self.common.get(&(keys, by_service)) {
            return Arc::clone(made);
        }
        let mut prefixes: Vec<(Box<str>, Presence)> =
            vec![("aws:requesttag/".into(), Presence::Absent)];
        let mut whole: Vec<&str> = Vec::new();
        if let Some(set) = self.rules.key_sets.get(usize::from(keys)) {
            // What users added to a resource is not known; one that is being created has no other tags.
            let tags = if set.created { Presence::Absent } else { Presence::Unknown };
            prefixes.extend(set.resource_tags.iter().map(|family| ((**family).into(), tags)));
            prefixes
                .extend(set.prefixes.iter().map(|prefix| ((**prefix).into(), Presence::Unknown)));
            whole.extend(set.keys.iter().map(|key| &**key));
        }
        prefixes.push(("aws:resourcetag/".into(), Presence::Absent));
        // Of its own keys AWS may fill any. What it does not list, a misspelt key for one, is never there.
        let (families, own): (Vec<&str>, Vec<&str>) =
            crate::aws::global_keys().partition(|key| key.contains("${"));
        let family = |key: &str| key.split("${").next().unwrap_or_default().to_lowercase();
        prefixes.extend(families.iter().map(|key| (family(key).into(), Presence::Unknown)));
        let mut common = Otherwise::new(Presence::Absent, prefixes);
        for key in own.into_iter().filter(|key| key.starts_with("aws:")) {
            common.set(key.into(), Status::Unknown);
        }
        for key in whole {
            common.set(key.into(), Status::Unknown);
        }
        common.set("aws:tagkeys".into(), Status::Absent);
        for global in &self.rules.globals {
            let status = match if by_service { &global.by_service } else { &global.status } {
                GlobalStatus::Value(value) => {
                    Status::Known(KeyValues::One(self.values.fill(value, &Vec::new())))
                }
                GlobalStatus::Present => Status::Present,
                GlobalStatus::Absent => Status::Absent,
                GlobalStatus::Unknown => Status::Unknown,
            };
            common.set((&*global.key).into(), status);
        }
        let common = Arc::new(common);
        self.common.insert((keys, by_service), Arc::clone(&common));
        common
    }
}

fn tag_key(family: &str, key: &Symbolic) -> Key {
    let mut text = Symbolic::literal(family);
    text.push(key);
    Key::new(&text)
}
