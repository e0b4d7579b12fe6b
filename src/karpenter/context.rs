//! The condition keys of each request, as far as they are known.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::rules::template::Template;
use super::rules::{EntryRule, GlobalStatus, RequestRule, Rules, TagSet};
use super::values::{Choice, Values};
use crate::policy::request::{
    Context, Key, Keys, Otherwise, Presence, Status, Values as KeyValues,
};
use crate::policy::symbolic::Symbolic;
use crate::settings::Settings;
use crate::syntax::When;

/// What was made already, by what it was made of. It is looked through from the front: there are a
/// dozen at most, unless much is sent in turn.
type Made<K, V> = Vec<(K, Choice, Arc<V>)>;

/// What was made of `key` and `choice`; made now if it was not.
fn made<K: PartialEq, V>(
    all: &mut Made<K, V>,
    key: K,
    choice: &Choice,
    make: impl FnOnce() -> V,
) -> Arc<V> {
    let known = all.iter().find(|(own, turn, _)| *own == key && turn == choice);
    if let Some((_, _, value)) = known {
        return Arc::clone(value);
    }
    let value = Arc::new(make());
    all.push((key, choice.clone(), Arc::clone(&value)));
    value
}

/// Makes contexts; what several have in common is made once.
pub(super) struct Contexts<'a, 'r> {
    rules: &'r Rules,
    settings: &'a Settings,
    /// The values of placeholders.
    pub(super) values: Values,
    commons: Arc<Commons>,
    /// Keys of the caller whose values the settings tell: in the controller's requests, and in those that
    /// a service makes.
    callers: [Arc<Keys>; 2],
    /// Sets of tags with their values, by set and by what is sent in turn.
    tags: Made<u16, Tags>,
    /// The same as tags of a resource: by set, by family, and by whether their values are known.
    resource_tags: Made<(u16, &'r str, bool), Keys>,
    /// Further keys with their values.
    own: Made<(&'r str, &'r [Template]), Keys>,
}

/// What contexts have in common whatever the settings: for each set of keys, once for requests of the
/// controller and once for those that a service makes.
struct Commons {
    by_set: Vec<[OnceLock<Arc<Otherwise>>; 2]>,
    /// What all of these list.
    base: [OnceLock<Arc<Keys>>; 2],
    /// What AWS's own keys with a variable part begin with, in lower case.
    families: Vec<Box<str>>,
}

impl Commons {
    fn new(rules: &Rules) -> Self {
        let by_set = rules.key_sets.iter().map(|_| Default::default()).collect();
        // A name of AWS has a `$` only where its variable part begins.
        let families = global_keys().filter_map(|key| Some(key.split_once('$')?.0));
        let families = families.map(|family| family.to_lowercase().into()).collect();
        Self { by_set, base: Default::default(), families }
    }

    /// Those of the built-in rules are made once: a tree may hold thousands of controllers. Each thread has
    /// its own, since counting who shares them would make one wait for the other.
    fn of(rules: &Rules) -> Arc<Self> {
        thread_local! {
            static BUILTIN: Arc<Commons> = Arc::new(Commons::new(Rules::builtin()));
        }
        if std::ptr::eq(rules, Rules::builtin()) {
            BUILTIN.with(Arc::clone)
        } else {
            Arc::new(Self::new(rules))
        }
    }

    /// What all contexts with this set of keys have in common.
    fn get(&self, rules: &Rules, keys: u16, by_service: bool) -> Arc<Otherwise> {
        let [own, service] = &self.base;
        let base = || {
            let base = if by_service { service } else { own };
            Arc::clone(base.get_or_init(|| Arc::new(base_keys(rules, by_service))))
        };
        let make = || Arc::new(common(rules, keys, &self.families).with_base(base()));
        let cells = self.by_set.get(usize::from(keys));
        let cell = cells.map(|[own, service]| if by_service { service } else { own });
        cell.map_or_else(make, |cell| Arc::clone(cell.get_or_init(make)))
    }
}

/// A set of tags with its values.
struct Tags {
    keys: Vec<Symbolic>,
    values: Vec<Symbolic>,
    /// As tags of a request, with `aws:TagKeys`.
    request: Arc<Keys>,
}

impl<'a, 'r> Contexts<'a, 'r> {
    pub(super) fn new(rules: &'r Rules, settings: &'a Settings, values: Values) -> Self {
        Self {
            rules,
            settings,
            commons: Commons::of(rules),
            callers: [caller(rules, &values, false), caller(rules, &values, true)],
            values,
            tags: Made::new(),
            resource_tags: Made::new(),
            own: Made::new(),
        }
    }

    /// The context of one entry.
    pub(super) fn context(
        &mut self,
        request: &RequestRule,
        rule: &'r EntryRule,
        choice: &Choice,
    ) -> Context {
        let mut context = Context::new(self.commons.get(self.rules, rule.keys, request.by_service));
        let [own, by_a_service] = &self.callers;
        context.share(Arc::clone(if request.by_service { by_a_service } else { own }));
        let set = self.rules.key_sets.get(usize::from(rule.keys));
        if let Some(place) = rule.request_tags {
            let tags = self.tags(place, choice);
            context.share(Arc::clone(&tags.request));
            // Whether EC2 shows the tags of a request also as those of the resource that it creates is
            // not documented for every action: where it lists resource tags at all, they may be there.
            for family in
                set.filter(|set| set.created).into_iter().flat_map(|set| &set.resource_tags)
            {
                let key = (place, &**family, false);
                context.share(made(&mut self.resource_tags, key, choice, || {
                    tags.keys
                        .iter()
                        .map(|tag| (Key::of_tag(family, tag), Status::Unknown))
                        .collect()
                }));
            }
        }
        if let Some(place) = rule.resource_tags {
            let tags = self.tags(place, choice);
            for family in set.into_iter().flat_map(|set| &set.resource_tags) {
                let key = (place, &**family, true);
                context.share(made(&mut self.resource_tags, key, choice, || {
                    let pairs = tags.keys.iter().zip(&tags.values);
                    let known = |value: &Symbolic| Status::Known(KeyValues::One(value.clone()));
                    pairs.map(|(tag, value)| (Key::of_tag(family, tag), known(value))).collect()
                }));
            }
        }
        for (key, templates) in &rule.context {
            let values = &self.values;
            context.share(made(&mut self.own, (&**key, &**templates), choice, || {
                let filled =
                    templates.iter().flat_map(|template| values.fill_all(template, choice));
                let known = match <[Symbolic; 1]>::try_from(filled.collect::<Vec<_>>()) {
                    Ok([value]) => KeyValues::One(value),
                    Err(values) => KeyValues::OneOf(values),
                };
                Keys::from_iter([((&**key).into(), Status::Known(known))])
            }));
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
            // Where a call goes and what it carries is not for the user to say; what an EC2NodeClass
            // may have otherwise (ec2:MetadataHttpTokens) is.
            let known = |value: &Symbolic| value.as_literal().is_some();
            let settled = match context.listed(&key) {
                Some(Status::Known(KeyValues::One(value))) => known(value),
                Some(Status::Known(KeyValues::OneOf(values) | KeyValues::Many(values))) => {
                    values.iter().all(known)
                }
                _ => false,
            };
            let settled = settled && name.starts_with("aws:");
            if settled
                || !filled
                || rule.absent.iter().any(|absent| absent.eq_ignore_ascii_case(&name))
            {
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

    /// The set of tags at `place`, with its values.
    fn tags(&mut self, place: u16, choice: &Choice) -> Arc<Tags> {
        let known = self.tags.iter().find(|(own, turn, _)| *own == place && turn == choice);
        if let Some((_, _, tags)) = known {
            return Arc::clone(tags);
        }
        let set = self.rules.tag_set(Some(place));
        let filled = set.map(|set| self.fill_tags(set, choice)).unwrap_or_default();
        let (keys, values): (Vec<Symbolic>, Vec<Symbolic>) = filled.into_iter().unzip();
        let one = |(key, value): (&Symbolic, &Symbolic)| {
            (Key::of_tag("aws:requesttag/", key), Status::Known(KeyValues::One(value.clone())))
        };
        let all = ("aws:tagkeys".into(), Status::Known(KeyValues::Many(keys.clone())));
        let request: Keys = keys.iter().zip(&values).map(one).chain([all]).collect();
        made(&mut self.tags, place, choice, || Tags { keys, request: Arc::new(request), values })
    }

    /// The tags of a set, with those of `spec.tags` where these come along.
    fn fill_tags(&self, set: &TagSet, choice: &Choice) -> Vec<(Symbolic, Symbolic)> {
        let spec = self.settings.spec_tags(self.values.class_of(choice));
        let yields = |key: &Symbolic| {
            set.yields.iter().any(|known| Some(&**known) == key.as_literal())
                && spec.iter().any(|(known, _)| known == key)
        };
        let fill = |template: &Template| self.values.fill(template, choice);
        let fixed = set.tags.iter().map(|(key, value)| (fill(key), fill(value)));
        let mut tags: Vec<(Symbolic, Symbolic)> = fixed.filter(|(key, _)| !yields(key)).collect();
        if set.spec_tags {
            for (key, value) in spec.iter() {
                if !tags.iter().any(|(known, _)| known == key) {
                    tags.push((key.clone(), value.clone()));
                }
            }
        }
        tags
    }
}

/// What all contexts with this set of keys have in common. Of its own keys AWS may fill any; what it does
/// not list, a misspelt key for one, is never there, and neither are those keys of a service that it does
/// not list.
fn common(rules: &Rules, keys: u16, families: &[Box<str>]) -> Otherwise {
    let mut prefixes: Vec<(Box<str>, Presence)> =
        vec![("aws:requesttag/".into(), Presence::Absent)];
    let set = rules.key_sets.get(usize::from(keys));
    if let Some(set) = set {
        // What users added to a resource is not known; one that is being created has no other tags.
        let tags = if set.created { Presence::Absent } else { Presence::Unknown };
        prefixes.extend(set.resource_tags.iter().map(|family| ((**family).into(), tags)));
        prefixes.extend(set.prefixes.iter().map(|prefix| ((**prefix).into(), Presence::Unknown)));
    }
    prefixes.push(("aws:resourcetag/".into(), Presence::Absent));
    prefixes.extend(families.iter().map(|family| (family.clone(), Presence::Unknown)));
    prefixes.push((When::KEY_PREFIX.into(), Presence::Unknown));
    let mut common = Otherwise::new(Presence::Absent, prefixes);
    // AWS may fill these with what nobody knows.
    for key in set.into_iter().flat_map(|set| &set.keys) {
        common.set((&**key).into(), Status::Unknown);
    }
    common
}

/// The keys of AWS itself, those of tags as families: `aws:ResourceTag/${TagKey}`.
fn global_keys() -> impl Iterator<Item = &'static str> {
    crate::aws::global_keys().filter(|key| key.starts_with("aws:"))
}

/// What all contexts list, whatever their set of keys: AWS may fill its own keys with what nobody knows.
fn base_keys(rules: &Rules, by_service: bool) -> Keys {
    let own = global_keys().filter(|key| !key.contains('$'));
    let mut keys: Keys = own.map(|key| (key.into(), Status::Unknown)).collect();
    // There where an entry has tags.
    keys.set("aws:tagkeys".into(), Status::Absent);
    for global in &rules.globals {
        let status = match if by_service { &global.by_service } else { &global.status } {
            // The context itself lists these.
            GlobalStatus::Value(_) => continue,
            GlobalStatus::Present => Status::Present,
            GlobalStatus::Absent => Status::Absent,
            GlobalStatus::Unknown => Status::Unknown,
        };
        keys.set((&*global.key).into(), status);
    }
    keys
}

/// Keys of who calls whose values the settings tell.
fn caller(rules: &Rules, values: &Values, by_service: bool) -> Arc<Keys> {
    let known = rules.globals.iter().filter_map(|global| {
        let status = if by_service { &global.by_service } else { &global.status };
        let GlobalStatus::Value(value) = status else { return None };
        let value = values.fill(value, &Vec::new());
        Some(((&*global.key).into(), Status::Known(KeyValues::One(value))))
    });
    Arc::new(known.collect())
}
