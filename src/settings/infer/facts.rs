//! What manifests come to: facts, and settings that nobody gave otherwise.

use std::collections::BTreeSet;

use super::{Arn, Infer, shape};
use crate::karpenter::Version;
use crate::policy::symbolic::{Class as CharClass, Shape, Symbolic};
use crate::settings::evidence::Written;
use crate::settings::facts::{Because, ClassFacts, Facts};
use crate::settings::given::Given;
use crate::settings::manifest::{Class, Manifests, Said};
use crate::settings::{CapacityType, Feature};
use crate::source::Span;

/// `karpenter.k8s.aws/instance-tenancy` is a label that NodePools may name from this release on.
const TENANCY_SINCE: Version = Version::new(1, 9, 0);

/// The gate of capacity reservations is off where nobody says otherwise, from the first of these releases until
/// before the second.
const GATE_OFF: std::ops::Range<Version> = Version::new(1, 3, 0)..Version::new(1, 6, 0);

/// What of a version matters for what manifests say: nothing here looks at the version itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The tenancy that a NodePool names counts.
    tenancy: bool,
    /// The gate of capacity reservations is off, terms ask for it, and nobody says otherwise.
    gate_off: bool,
}

impl Reading {
    pub(super) fn new(manifests: &Manifests, karpenter: Version) -> Self {
        let tenancy = manifests.pools.iter().any(|pool| pool.tenancy.is_some());
        let terms = manifests.classes.iter().any(|class| class.reservations.is_some());
        let is_said = manifests.install.reserved_gate.is_some();
        Self {
            tenancy: tenancy && karpenter >= TENANCY_SINCE,
            gate_off: terms && !is_said && GATE_OFF.contains(&karpenter),
        }
    }
}

/// What stands behind the known part of an instance type: `m5.` and a size.
const TYPE_REST: Shape = Shape::new(CharClass::Name, 1, 30);

/// What manifests say of settings that have a place of their own.
#[derive(Debug, Default)]
pub(super) struct FromManifests {
    pub(super) features: BTreeSet<Feature>,
    pub(super) capacity_types: Option<Vec<CapacityType>>,
    pub(super) ssm_parameters: Vec<String>,
    pub(super) kms_keys: Vec<String>,
    pub(super) snapshot_ids: Vec<String>,
    /// Tags of all EC2NodeClasses, for people.
    pub(super) tags: Vec<(String, String)>,
    pub(super) facts: Facts,
}

/// Everything that is written in manifests and may hold a placeholder.
pub(super) fn texts(manifests: &Manifests) -> impl Iterator<Item = &Written> {
    fn said(said: &Option<Said<Written>>) -> Option<&Written> {
        said.as_ref().map(|said| &said.value)
    }
    let install = &manifests.install;
    let own = [&install.cluster, &install.region, &install.queue, &install.controller_role];
    let classes = manifests.classes.iter().flat_map(move |class| {
        let named = [&class.name, &class.role, &class.instance_profile].into_iter();
        let lists = [&class.kms_keys, &class.snapshots, &class.ssm_parameters, &class.images];
        let tags = class.tags.iter().flat_map(|(key, value)| [&key.value, value]);
        named
            .filter_map(said)
            .chain(lists.into_iter().flatten().map(|said| &said.value))
            .chain(tags)
            .chain(class.launch.values().flat_map(|said| &said.value))
    });
    let pools = manifests
        .pools
        .iter()
        .flat_map(move |pool| said(&pool.name).into_iter().chain(&pool.class));
    own.into_iter().filter_map(said).chain(classes).chain(pools)
}

impl Infer {
    /// Names of NodePools or EC2NodeClasses: given, else those of manifests, else unknown.
    pub(super) fn names<'m>(
        &mut self,
        given: Option<&Vec<String>>,
        said: impl Iterator<Item = &'m Option<Said<Written>>>,
        symbol: &str,
    ) -> Vec<Symbolic> {
        if let Some(names) = given {
            return names.iter().map(|name| Symbolic::literal(name)).collect();
        }
        let named: Vec<Symbolic> = said
            .map(|name| match name {
                Some(name) => self.text(&name.value),
                None => Symbolic::symbol(self.symbols.intern(symbol, shape::NAME)),
            })
            .collect();
        if named.is_empty() {
            return vec![Symbolic::symbol(self.symbols.intern(symbol, shape::NAME))];
        }
        named
    }

    /// Everything else that manifests say.
    pub(super) fn manifests(
        &mut self,
        reading: Reading,
        given: &Given,
        arn: &Arn<'_>,
        (pools, classes): (&[Symbolic], &[Symbolic]),
    ) -> FromManifests {
        let manifests = &given.manifests;
        let mut out = FromManifests::default();
        if let Some(role) = &manifests.install.controller_role
            && let Some(literal) = role.value.as_literal()
            && let Some((_, name)) = literal.split_once(":role/")
        {
            out.facts.each.insert("controller_role", vec![Symbolic::literal(name)]);
        }
        self.switches(reading, manifests, &mut out);
        self.classes(given, arn, classes, &mut out);
        self.pools(reading, given, (pools, classes), &mut out);
        out
    }

    fn switches(&mut self, reading: Reading, manifests: &Manifests, out: &mut FromManifests) {
        let because = |facts: &mut Facts, what, field, span| {
            facts.because.push(Because { what, field, span });
        };
        for (feature, said) in &manifests.install.features {
            let (what, field) = match feature {
                Feature::ClusterEndpoint => ("cluster_endpoint_set", "clusterEndpoint"),
                Feature::EksControlPlane => ("eks_control_plane", "eksControlPlane"),
                Feature::IsolatedVpc => ("isolated_vpc", "isolatedVPC"),
                Feature::ZonalShift => ("zonal_shift", "enableZonalShift"),
                Feature::DisableDryRun => ("disable_dry_run", "disableDryRun"),
                _ => continue,
            };
            if said.value {
                out.features.insert(*feature);
                because(&mut out.facts, what, field, said.span);
            }
        }
        if let Some(queue) =
            manifests.install.queue.as_ref().filter(|said| !said.value.0.is_empty())
        {
            because(&mut out.facts, "interruption_queue", "interruptionQueue", queue.span);
        }
        // Terms ask for the gate; only where it is said to be off, nothing comes of them.
        let gate = manifests.install.reserved_gate.as_ref();
        let terms = manifests.classes.iter().find_map(|class| class.reservations.as_ref());
        if let Some(terms) = terms
            && gate.is_none_or(|gate| gate.value)
        {
            out.features.insert(Feature::ReservedCapacity);
            if reading.gate_off {
                self.assume(
                    "reservedCapacity",
                    "on",
                    "capacityReservationSelectorTerms need the feature gate, off by default before 1.6",
                    Some(terms.span),
                );
            }
        }
        for class in &manifests.classes {
            let field = "capacityReservationSelectorTerms";
            if let Some(terms) = &class.reservations {
                because(&mut out.facts, "capacity_reservation_selector", field, terms.span);
            }
            if let Some(group) = &class.placement_group {
                out.features.insert(Feature::PlacementGroup);
                because(&mut out.facts, "placement_group", "placementGroupSelector", group.span);
            }
        }
    }

    fn classes(
        &mut self,
        given: &Given,
        arn: &Arn<'_>,
        names: &[Symbolic],
        out: &mut FromManifests,
    ) {
        let classes = &given.manifests.classes;
        if classes.is_empty() {
            return;
        }
        let facts = &mut out.facts;
        let mut note = |what, field, span: Span| {
            facts.because.push(Because { what, field, span });
        };
        for class in classes {
            for (placeholder, said) in &class.launch {
                let field = match *placeholder {
                    "metadata_http_tokens" => "httpTokens",
                    "metadata_http_endpoint" => "httpEndpoint",
                    "metadata_hop_limit" => "httpPutResponseHopLimit",
                    _ => "encrypted",
                };
                note(placeholder, field, said.span);
            }
            class.role.iter().for_each(|said| note("node_role", "role", said.span));
            class.kms_keys.iter().for_each(|said| note("kms_key", "kmsKeyID", said.span));
            class.snapshots.iter().for_each(|said| note("snapshot_ids", "snapshotID", said.span));
            class
                .ssm_parameters
                .iter()
                .for_each(|said| note("ami_ssm_parameter", "ssmParameter", said.span));
            class
                .instance_profile
                .iter()
                .for_each(|said| note("instance_profile_arn", "instanceProfile", said.span));
            class.images.iter().for_each(|said| note("ami", "amiSelectorTerms", said.span));
        }
        facts.no_role =
            classes.iter().all(|class| class.role.is_none() && class.instance_profile.is_some());
        facts.no_alias = classes.iter().all(|class| !class.alias);
        let family = |class: &Class| class.family.clone().unwrap_or_else(|| "AL2023".to_owned());
        facts.families = Some(classes.iter().map(family).collect());
        out.ssm_parameters = strings(classes.iter().flat_map(|class| &class.ssm_parameters));
        out.kms_keys = strings(classes.iter().flat_map(|class| &class.kms_keys));
        out.snapshot_ids = strings(classes.iter().flat_map(|class| &class.snapshots));
        if given.ssm_parameters.is_empty() {
            let names = classes.iter().flat_map(|class| &class.ssm_parameters);
            let values = names.map(|said| self.parameter(&said.value, arn)).collect();
            self.each("ssm_parameter", values, out);
        }
        if given.kms_keys.is_empty() {
            let keys = classes.iter().flat_map(|class| &class.kms_keys);
            let values = keys.map(|said| self.key(&said.value, arn)).collect();
            self.each("kms_key_arn", values, out);
        }
        if given.snapshot_ids.is_empty() {
            let ids = classes.iter().flat_map(|class| &class.snapshots);
            let values = ids.map(|said| self.text(&said.value)).collect();
            self.each("snapshot", values, out);
        }
        if classes.iter().all(|class| !class.images.is_empty()) {
            let ids = classes.iter().flat_map(|class| &class.images);
            let values = ids.map(|said| self.text(&said.value)).collect();
            self.each("ami", values, out);
        }
        let terms = || classes.iter().filter_map(|class| class.reservations.as_ref());
        if terms().all(|terms| !terms.value.is_empty()) {
            let values = terms().flat_map(|terms| &terms.value).map(|id| self.text(id)).collect();
            self.each("capacity_reservation", values, out);
        }
        let groups = || classes.iter().filter_map(|class| class.placement_group.as_ref());
        if groups().all(|group| group.value.is_some()) {
            let names = groups().filter_map(|group| group.value.as_ref());
            let values = names.map(|name| self.text(name)).collect();
            self.each("placement_group", values, out);
        }
        let tags = classes.iter().flat_map(|class| &class.tags);
        out.tags = tags.map(|(key, value)| (key.value.display(), value.display())).collect();
        out.facts.classes =
            names.iter().map(|name| self.class(given, arn, name, names.len())).collect();
    }

    /// What the EC2NodeClass of this name says; one that is alone needs no name.
    fn class(&mut self, given: &Given, arn: &Arn<'_>, name: &Symbolic, count: usize) -> ClassFacts {
        let classes = &given.manifests.classes;
        let mut found = None;
        for class in classes {
            let same =
                class.name.as_ref().map(|said| self.text(&said.value)).as_ref() == Some(name);
            if same || classes.len() == 1 && count == 1 {
                found = Some(class);
                break;
            }
        }
        let mut facts = ClassFacts::default();
        let given_tags = given.node_class_tags.iter();
        facts.tags = given_tags
            .map(|(key, value)| (Symbolic::literal(key), Symbolic::literal(value)))
            .collect();
        let Some(class) = found else { return facts };
        if facts.tags.is_empty() {
            for (key, value) in &class.tags {
                let pair = (self.text(&key.value), self.text(value));
                facts.tags.push(pair);
            }
        }
        for (placeholder, said) in &class.launch {
            let values = said.value.iter().map(|value| self.text(value)).collect();
            facts.values.insert(placeholder, values);
        }
        if given.instance_profile.is_none()
            && let Some(profile) = &class.instance_profile
        {
            let mut resource = Symbolic::literal("instance-profile/");
            resource.push(&self.text(&profile.value));
            facts.values.insert("instance_profile_arn", vec![arn.build("iam", None, &resource)]);
        }
        facts
    }

    fn pools(
        &mut self,
        reading: Reading,
        given: &Given,
        (names, class_names): (&[Symbolic], &[Symbolic]),
        out: &mut FromManifests,
    ) {
        let pools = &given.manifests.pools;
        if pools.is_empty() {
            return;
        }
        let allowed = |kind: &CapacityType| pools.iter().any(|p| p.capacity_types.contains(kind));
        out.capacity_types = Some(CapacityType::ALL.into_iter().filter(allowed).collect());
        for pool in pools {
            for kind in &pool.capacity_types {
                if let Some(span) = pool.capacity_span {
                    let field = "karpenter.sh/capacity-type";
                    out.facts.because.push(Because { what: kind.name(), field, span });
                }
            }
        }
        // Several NodePools: whatever one of them allows. One without a list allows any.
        let lists: Option<Vec<_>> = pools.iter().map(|pool| pool.instance_types.as_ref()).collect();
        if let Some(lists) = lists {
            let mut values: Vec<Symbolic> = Vec::new();
            for list in lists {
                for (known, open) in &list.value {
                    let mut value = Symbolic::literal(known);
                    if *open {
                        value.push_symbol(self.symbols.fresh("instance-type", TYPE_REST));
                    }
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                let (field, span) = ("requirements", list.span);
                out.facts.because.push(Because { what: "instance_type", field, span });
            }
            out.facts.one_of.insert("instance_type", values.clone());
            out.facts.one_of.insert("validation_instance_type", values);
        }
        if reading.tenancy {
            let default = [Written::literal("default")];
            let mut values: Vec<Symbolic> = Vec::new();
            for pool in pools {
                let said = pool.tenancy.as_ref();
                for value in said.map_or(&default[..], |said| &said.value) {
                    let value = self.text(value);
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                if let Some(said) = said {
                    let (what, field) = ("tenancy", "karpenter.k8s.aws/instance-tenancy");
                    out.facts.because.push(Because { what, field, span: said.span });
                }
            }
            out.facts.one_of.insert("tenancy", values);
        }
        if given.node_pools.is_none() && given.node_classes.is_none() {
            self.pairs(given, (names, class_names), out);
        }
    }

    /// Which NodePool goes with which EC2NodeClass, if every NodePool names one that is here.
    fn pairs(
        &mut self,
        given: &Given,
        (names, class_names): (&[Symbolic], &[Symbolic]),
        out: &mut FromManifests,
    ) {
        let mut pairs = BTreeSet::new();
        for (at, (pool, _)) in given.manifests.pools.iter().zip(names).enumerate() {
            let class = pool.class.as_ref().map(|class| self.text(class));
            match class_names.iter().position(|name| Some(name) == class.as_ref()) {
                Some(class) => pairs.insert((at, class)),
                None => return,
            };
        }
        out.facts.pairs = pairs;
    }

    fn each(&mut self, placeholder: &'static str, values: Vec<Symbolic>, out: &mut FromManifests) {
        let mut distinct: Vec<Symbolic> = Vec::new();
        for value in values {
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        if !distinct.is_empty() {
            out.facts.each.insert(placeholder, distinct);
        }
    }

    /// `amiSelectorTerms[].ssmParameter`: a name or an ARN. What lies below `/aws/service/` is AWS's
    /// own and has no account.
    fn parameter(&mut self, written: &Written, arn: &Arn<'_>) -> Symbolic {
        let value = self.text(written);
        let literal = written.as_literal().unwrap_or_default();
        if starts_as_arn(written) {
            return value;
        }
        let mut resource = Symbolic::literal("parameter");
        if !written.display().starts_with('/') {
            resource.push_str("/");
        }
        resource.push(&value);
        if literal.trim_start_matches('/').starts_with("aws/service/") {
            return arn.of_aws("ssm", &resource);
        }
        arn.regional("ssm", &resource)
    }

    /// `blockDeviceMappings[].ebs.kmsKeyID`: an ARN, an id, or an alias, behind which any key may be.
    fn key(&mut self, written: &Written, arn: &Arn<'_>) -> Symbolic {
        let alias = written.display().contains("alias/");
        if starts_as_arn(written) && !alias {
            return self.text(written);
        }
        let mut resource = Symbolic::literal("key/");
        if alias {
            let shape = Shape::new(CharClass::Hex, 1, 64);
            resource.push_symbol(self.symbols.intern(&written.display(), shape));
        } else {
            resource.push(&self.text(written));
        }
        arn.regional("kms", &resource)
    }
}

fn starts_as_arn(written: &Written) -> bool {
    written.display().starts_with("arn:")
}

fn strings<'m>(said: impl Iterator<Item = &'m Said<Written>>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for text in said.map(|said| said.value.display()) {
        if !out.contains(&text) {
            out.push(text);
        }
    }
    out
}
