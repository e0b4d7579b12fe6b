//! What an entry sends, in words: for lists of needs, not for decisions.

use super::needs::{Entry, Need, holds};
use super::rules::template::{Part, Template};
use super::rules::when::{Condition, Flag};
use super::rules::{RequestRule, Rules, TagSet};
use crate::policy::request::{Key, Status, Target, Values};
use crate::policy::symbolic::{Symbolic, Symbols};
use crate::settings::Settings;

/// A condition key with its values; several are one of these, or all of a multivalued key.
pub type Sent = (String, Vec<String>);

impl Entry<'_> {
    /// Every tag and key whose value the rules know, in the order of the rules, tags first.
    #[must_use]
    pub fn sent(&self, rules: &Rules, settings: &Settings, symbols: &Symbols) -> Vec<Sent> {
        let mut out: Vec<Sent> = Vec::new();
        let mut push = |name: String, key: &Symbolic| {
            let values = match self.request.context.listed(&Key::new(key)) {
                Some(Status::Known(Values::One(value))) => vec![value.display(symbols)],
                Some(Status::Known(Values::OneOf(values) | Values::Many(values))) => {
                    values.iter().map(|value| value.display(symbols)).collect()
                }
                _ => return,
            };
            if !out.iter().any(|(known, _)| *known == name) {
                out.push((name, values));
            }
        };
        let families = [
            (self.rule.request_tags, "aws:RequestTag/"),
            (self.rule.resource_tags, "aws:ResourceTag/"),
        ];
        for (place, family) in families {
            for key in tag_keys(rules, rules.tag_set(place), settings) {
                let mut whole = Symbolic::literal(family);
                whole.push(&key);
                push(whole.display(symbols), &whole);
            }
        }
        for (key, _) in &self.rule.context {
            push(key.to_string(), &Symbolic::literal(key));
        }
        out
    }

    /// The ARN, or `*`.
    #[must_use]
    pub fn resource(&self, symbols: &Symbols) -> String {
        match &self.request.resource {
            Target::Any => "*".to_owned(),
            Target::Arn(arn) => arn.display(symbols),
        }
    }
}

/// The keys of a set of tags: those of the rules, then `spec.tags`.
fn tag_keys(rules: &Rules, set: Option<&TagSet>, settings: &Settings) -> Vec<Symbolic> {
    let Some(set) = set else { return Vec::new() };
    let mut keys: Vec<Symbolic> =
        set.tags.iter().map(|(key, _)| fill(rules, key, settings)).collect();
    if set.spec_tags {
        let classes = 0..settings.facts.classes.len().max(1);
        let spec = classes.flat_map(|class| settings.spec_tags(class).into_owned());
        keys.extend(spec.map(|(key, _)| key));
    }
    keys
}

/// A tag's key: the only value of the installation in one is the cluster's name.
fn fill(rules: &Rules, template: &Template, settings: &Settings) -> Symbolic {
    let mut out = Symbolic::default();
    for part in template.parts() {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Hole(place) => {
                let name = rules.placeholders.get(usize::from(place)).map(|known| &*known.name);
                if name == Some("cluster") {
                    out.push(&settings.cluster);
                }
            }
        }
    }
    out
}

impl Condition {
    /// What an installation must have for it to hold, in words; nothing where it holds by default.
    #[must_use]
    pub fn only_with(&self) -> Option<String> {
        let words = match self {
            Self::Is(Flag::ClusterEndpointSet, false)
            | Self::Is(Flag::IsolatedVpc | Flag::DisableDryRun, false)
            | Self::Is(Flag::SpecRole | Flag::AmiAlias | Flag::PriceList, true) => return None,
            Self::Is(flag, wanted) => {
                let words = match flag {
                    Flag::ClusterEndpointSet => "cluster-endpoint",
                    Flag::EksControlPlane => "eks-control-plane",
                    Flag::IsolatedVpc => "isolated-vpc",
                    Flag::InterruptionQueue => "an interruption queue",
                    Flag::ZonalShift => "zonal shift",
                    Flag::DisableDryRun => "disable-dry-run",
                    Flag::ReservedCapacity | Flag::CapacityReservationSelector => {
                        "capacityReservationSelectorTerms"
                    }
                    Flag::PlacementGroup => "placementGroupSelector",
                    Flag::SpecRole => "spec.role",
                    Flag::AmiAlias => "an alias in amiSelectorTerms",
                    Flag::AmiSsmParameter => "amiSelectorTerms[].ssmParameter",
                    Flag::KmsKey => "a customer managed KMS key",
                    Flag::SnapshotIds => "a snapshot in blockDeviceMappings",
                    Flag::AssumeRoleArnSet => "assume-role-arn",
                    Flag::AlphaApis => "alpha Provisioners",
                    Flag::SpotSlrAbsent => "no service-linked role for spot",
                    Flag::PriceList => "a price list in the partition",
                };
                if *wanted { words.to_owned() } else { format!("without {words}") }
            }
            Self::CapacityType(kinds) => {
                let kinds: Vec<&str> = kinds.iter().map(|kind| &**kind).collect();
                format!("capacity type {}", kinds.join(" or "))
            }
            Self::AmiFamily(families) => {
                let families: Vec<&str> = families.iter().map(|family| &**family).collect();
                families.join(" or ")
            }
            Self::NodesFromBefore(version) => format!("nodes from before {version}"),
            Self::NodeClassesFromBefore(version) => {
                format!("EC2NodeClasses from before {version}")
            }
        };
        Some(words)
    }
}

/// The words of several conditions, each once.
#[must_use]
pub fn only_with<'c>(conditions: impl Iterator<Item = &'c Condition>) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for word in conditions.filter_map(Condition::only_with) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// What the version asks for under other settings than these: what switches it on, and the calls and
/// actions that then come.
#[must_use]
pub fn switched_off(
    rules: &Rules,
    needs: &[Need<'_>],
    settings: &Settings,
) -> Vec<(String, Vec<String>)> {
    let version = settings.karpenter;
    let made = |rule: &RequestRule| needs.iter().any(|need| std::ptr::eq(need.rule, rule));
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |with: Option<String>, what: String| {
        let Some(with) = with else { return };
        match out.iter_mut().find(|(known, _)| *known == with) {
            Some((_, all)) if all.contains(&what) => {}
            Some((_, all)) => all.push(what),
            None => out.push((with, vec![what])),
        }
    };
    for rule in rules.requests().iter().filter(|rule| rule.versions.contain(version)) {
        if !made(rule) {
            add(only_with(rule.when.iter()), rule.call.to_string());
            continue;
        }
        for entry in rule.entries.iter().filter(|entry| entry.versions.contain(version)) {
            let missing = entry.when.iter().filter(|condition| !holds(condition, settings));
            let on = match &*entry.resource_type {
                "" => String::new(),
                kind => format!(" on {kind}"),
            };
            add(only_with(missing), format!("{}{on}", entry.action));
        }
    }
    out
}
