//! From what was given and what the policies say to [`Settings`] without a gap. Every value that
//! nobody gave is told as an assumption.

mod facts;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::karpenter::Version;
use crate::order;
use crate::policy::symbolic::{Class, Shape, Symbol, Symbolic, Symbols};
use crate::source::Span;

use facts::Reading;

use super::evidence::{Atom, Evidence, Votes, Written};
use super::given::Given;
use super::manifest::Said;
use super::{CapacityType, Feature, Installation, Settings};

/// Settings of one controller, with what its holes stand for.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// Names of the symbols in them.
    pub symbols: Arc<Symbols>,
    /// What was taken for granted, in the order of the settings.
    pub assumptions: Arc<[Assumption]>,
    bindings: Arc<BTreeMap<String, Symbolic>>,
}

/// A value that nobody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// The setting, or the hole.
    pub symbol: String,
    /// What it is taken for.
    pub value: String,
    /// Why.
    pub from: String,
    /// Where that is written.
    pub place: Option<Span>,
}

/// Shapes of what is not known, from the documentation of each service.
mod shape {
    use super::{Class, Shape};

    /// EKS: 1 to 100 letters, digits, hyphens, underscores.
    pub(super) const CLUSTER: Shape = Shape::new(Class::Word, 1, 100);
    /// A region.
    pub(super) const REGION: Shape = Shape::new(Class::Name, 8, 32);
    /// Twelve digits.
    pub(super) const ACCOUNT: Shape = Shape::new(Class::Digits, 12, 12);
    /// `aws`, `aws-us-gov`, `aws-iso-b`.
    pub(super) const PARTITION: Shape = Shape::new(Class::Name, 3, 16);
    /// IAM: a role's path and name.
    pub(super) const ROLE: Shape = Shape::new(Class::Path, 1, 577);
    /// What a wildcard in a role's name stands for.
    pub(super) const ROLE_PART: Shape = Shape::new(Class::Path, 0, 577);
    /// SQS: up to 80 characters.
    pub(super) const QUEUE: Shape = Shape::new(Class::Word, 1, 80);
    /// Kubernetes: RFC 1123 subdomain.
    pub(super) const NAME: Shape = Shape::new(Class::Name, 1, 253);
}

impl Resolved {
    /// What the hole `expr` stands for.
    #[must_use]
    pub fn resolve(&self, expr: &str) -> Symbolic {
        // Whatever nobody collected is not known; empty text would be a value.
        let unknown = || Symbolic::symbol(Symbol::stranger(expr));
        self.bindings.get(expr).cloned().unwrap_or_else(unknown)
    }

    /// Whether all is the same but for the version of Karpenter.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.settings.is_like(&other.settings)
            && (Arc::ptr_eq(&self.symbols, &other.symbols) || self.symbols == other.symbols)
            && (Arc::ptr_eq(&self.bindings, &other.bindings) || self.bindings == other.bindings)
    }

    /// The same under another version of Karpenter.
    fn under(&self, karpenter: Version) -> Self {
        Self { settings: self.settings.under(karpenter), ..self.clone() }
    }

    /// What the holes are bound to, for people: hole and value.
    pub fn bindings(&self) -> impl Iterator<Item = (&str, &Symbolic)> {
        self.bindings.iter().map(|(hole, value)| (hole.as_str(), value))
    }
}

/// Settles every setting for one controller in each of `versions`. What comes out the same is shared.
#[must_use]
pub fn infer_all(
    versions: &[Version],
    given: &Given,
    evidence: &Evidence,
    makes_queue: bool,
) -> Vec<Resolved> {
    let mut all: Vec<(Reading, Resolved)> = Vec::with_capacity(versions.len());
    for version in versions {
        let reading = Reading::new(&given.manifests, *version);
        let resolved = match all.iter().find(|(known, _)| *known == reading) {
            Some((_, known)) => known.under(*version),
            None => infer(*version, given, evidence, makes_queue),
        };
        all.push((reading, resolved));
    }
    all.into_iter().map(|(_, resolved)| resolved).collect()
}

/// Settles every setting for one controller.
#[must_use]
pub fn infer(
    karpenter: Version,
    given: &Given,
    evidence: &Evidence,
    makes_queue: bool,
) -> Resolved {
    let mut infer =
        Infer { symbols: Symbols::new(), bindings: BTreeMap::new(), assumptions: Vec::new() };
    let install = &given.manifests.install;
    // What holds a placeholder tells no more than the policies do.
    let said = |said: &Option<Said<Written>>| -> Option<String> {
        said.as_ref()?.value.as_literal().map(str::to_owned)
    };
    let controller = said(&install.controller_role);
    let part = |at: usize| controller.as_ref()?.split(':').nth(at).map(str::to_owned);
    let digits = |text: &String| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let one = |setting, given: &Option<String>, said: Option<String>| One {
        setting,
        given: given.clone().or(said),
    };
    let aws = part(1).filter(|partition| partition.starts_with("aws"));
    let given_partition = one("partition", &given.partition, aws);
    let partition = infer.one(&given_partition, shape::PARTITION, &evidence.partition);
    let given_region = one("region", &given.region, said(&install.region));
    let region = infer.one(&given_region, shape::REGION, &evidence.region);
    let given_account = one("account", &given.account, part(4).filter(digits));
    let account = infer.one(&given_account, shape::ACCOUNT, &evidence.account);
    let given_cluster = one("cluster-name", &given.cluster, said(&install.cluster));
    let cluster = infer.one(&given_cluster, shape::CLUSTER, &evidence.cluster);
    let holes = evidence.holes.iter().map(String::as_str);
    let holes = holes.chain(facts::texts(&given.manifests).flat_map(Written::holes));
    infer.bind_by_name(holes, &partition, &region, &account, &cluster);
    let arn = Arn { partition: &partition, account: &account, region: &region };
    let node_roles = infer.node_roles(given, evidence, &arn);
    let queue = infer.queue(given, evidence, makes_queue, &arn, &region);
    let manifests = &given.manifests;
    let pools = manifests.pools.iter().map(|pool| &pool.name);
    let node_pools = infer.names(given.node_pools.as_ref(), pools, "nodepool");
    let classes = manifests.classes.iter().map(|class| &class.name);
    let node_classes = infer.names(given.node_classes.as_ref(), classes, "nodeclass");
    let reading = Reading::new(&given.manifests, karpenter);
    let from = infer.manifests(reading, given, &arn, (&node_pools, &node_classes));
    let mut features = from.features;
    features.extend(&given.features);
    let capacity_types = given.capacity_types.clone().or(from.capacity_types);
    let spot_assumed = capacity_types.is_none();
    let told = capacity_types.is_some() && given.capacity_types.is_none();
    let mut capacity_types =
        capacity_types.unwrap_or_else(|| vec![CapacityType::OnDemand, CapacityType::Spot]);
    // NodePools that are here and do not allow it have the last word.
    if features.contains(&Feature::ReservedCapacity)
        && !told
        && !capacity_types.contains(&CapacityType::Reserved)
    {
        capacity_types.push(CapacityType::Reserved);
    }
    if !features.contains(&Feature::ReservedCapacity) && told {
        capacity_types.retain(|kind| *kind != CapacityType::Reserved);
    }
    // These may be called like something that is known here, and be something else.
    for hole in &evidence.foreign {
        if !infer.bindings.contains_key(hole) {
            let value = Symbolic::symbol(infer.symbols.fresh(hole, Shape::ANY));
            infer.bindings.insert(hole.clone(), value);
        }
    }
    if spot_assumed {
        infer.assume("capacity-types", "on-demand, spot", "nobody said which", None);
    }
    let or = |given: &Vec<String>, said: Vec<String>| match given.is_empty() {
        true => said,
        false => given.clone(),
    };
    Resolved {
        settings: Settings::new(
            karpenter,
            Installation {
                partition,
                region,
                account,
                cluster,
                node_roles,
                queue,
                capacity_types,
                spot_assumed,
                node_pools,
                node_classes,
                node_class_tags: match given.node_class_tags.is_empty() {
                    true => from.tags,
                    false => given.node_class_tags.clone(),
                },
                ssm_parameters: or(&given.ssm_parameters, from.ssm_parameters),
                kms_keys: or(&given.kms_keys, from.kms_keys),
                snapshot_ids: or(&given.snapshot_ids, from.snapshot_ids),
                instance_profile: given.instance_profile.clone(),
                features,
                upgraded_from: given.upgraded_from,
                context: given.context.clone(),
                facts: from.facts,
            },
        ),
        symbols: Arc::new(infer.symbols),
        assumptions: infer.assumptions.into(),
        bindings: Arc::new(infer.bindings),
    }
}

struct Infer {
    symbols: Symbols,
    bindings: BTreeMap<String, Symbolic>,
    assumptions: Vec<Assumption>,
}

struct One {
    setting: &'static str,
    given: Option<String>,
}

struct Arn<'a> {
    partition: &'a Symbolic,
    account: &'a Symbolic,
    region: &'a Symbolic,
}

impl Arn<'_> {
    fn build(&self, service: &str, region: Option<&Symbolic>, resource: &Symbolic) -> Symbolic {
        self.whole(service, region, Some(self.account), resource)
    }

    /// A resource of the cluster's region.
    fn regional(&self, service: &str, resource: &Symbolic) -> Symbolic {
        self.whole(service, Some(self.region), Some(self.account), resource)
    }

    /// A resource of the cluster's region that belongs to AWS itself.
    fn of_aws(&self, service: &str, resource: &Symbolic) -> Symbolic {
        self.whole(service, Some(self.region), None, resource)
    }

    fn whole(
        &self,
        service: &str,
        region: Option<&Symbolic>,
        account: Option<&Symbolic>,
        resource: &Symbolic,
    ) -> Symbolic {
        let mut arn = Symbolic::literal("arn:");
        arn.push(self.partition);
        arn.push_str(&format!(":{service}:"));
        region.into_iter().for_each(|region| arn.push(region));
        arn.push_str(":");
        account.into_iter().for_each(|account| arn.push(account));
        arn.push_str(":");
        arn.push(resource);
        arn
    }
}

impl Infer {
    fn assume(&mut self, symbol: &str, value: &str, from: &str, place: Option<Span>) {
        self.assumptions.push(Assumption {
            symbol: symbol.to_owned(),
            value: value.to_owned(),
            from: from.to_owned(),
            place,
        });
    }

    /// A setting with one value. Given wins; else what most places have, holes counted together:
    /// one odd place must not redefine the cluster of the other twelve.
    fn one(&mut self, setting: &One, shape: Shape, votes: &BTreeMap<Written, Votes>) -> Symbolic {
        let holes: Vec<(&str, &Votes)> =
            votes.iter().filter_map(|(written, votes)| Some((written.hole()?, votes))).collect();
        let hole_votes: usize = holes.iter().map(|(_, votes)| votes.count).sum();
        let mut texts: Vec<(&Written, &Votes)> =
            votes.iter().filter(|(written, _)| written.hole().is_none()).collect();
        order::by_key(&mut texts, |(_, votes)| std::cmp::Reverse(votes.count));
        let tied = matches!(texts.as_slice(), [(_, a), (_, b), ..] if a.count == b.count);
        let value = if let Some(given) = &setting.given {
            Symbolic::literal(given)
        } else if let Some((text, votes)) = texts.first()
            && !tied
            && votes.count > hole_votes
        {
            let value = self.text(text);
            let shown = value.display(&self.symbols);
            self.assume(setting.setting, &shown, "the policies name it", Some(votes.first));
            value
        } else if let Some((name, votes)) = holes.iter().max_by_key(|(_, votes)| votes.count) {
            let symbol = self.symbols.intern(name, shape);
            self.assume(
                setting.setting,
                &format!("${{{name}}}"),
                "the policies have it there",
                Some(votes.first),
            );
            Symbolic::symbol(symbol)
        } else {
            Symbolic::symbol(self.symbols.intern(setting.setting, shape))
        };
        for (hole, votes) in holes {
            if self.bindings.contains_key(hole) {
                continue;
            }
            if setting.given.is_some() {
                let shown = value.display(&self.symbols);
                self.assume(
                    hole,
                    &shown,
                    &format!("it stands where the {} belongs", setting.setting),
                    Some(votes.first),
                );
            }
            self.bindings.insert(hole.to_owned(), value.clone());
        }
        value
    }

    /// What a written text stands for; holes that nothing binds are symbols of their own.
    fn text(&mut self, written: &Written) -> Symbolic {
        let mut out = Symbolic::default();
        for atom in &written.0 {
            match atom {
                Atom::Literal(text) => out.push_str(text),
                Atom::Hole(expr) => {
                    let value = self.hole(expr);
                    out.push(&value);
                }
            }
        }
        out
    }

    fn hole(&mut self, expr: &str) -> Symbolic {
        if let Some(value) = self.bindings.get(expr) {
            return value.clone();
        }
        let value = Symbolic::symbol(self.symbols.intern(expr, Shape::ANY));
        self.bindings.insert(expr.to_owned(), value.clone());
        value
    }

    /// Holes that stand in no telling place are bound by their names, as far as these are plain.
    fn bind_by_name<'h>(
        &mut self,
        holes: impl Iterator<Item = &'h str>,
        partition: &Symbolic,
        region: &Symbolic,
        account: &Symbolic,
        cluster: &Symbolic,
    ) {
        let suffix = if partition.as_literal() == Some("aws-cn") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        for hole in holes {
            if self.bindings.contains_key(hole) {
                continue;
            }
            let last = hole.rsplit(['.', ':']).next().unwrap_or(hole);
            let plain: String = last.chars().filter(char::is_ascii_alphanumeric).collect();
            let is_of = |kind: &str| hole.contains(kind) && matches!(last, "name" | "id");
            let value = match plain.to_ascii_lowercase().as_str() {
                // Terraform: `data.aws_region.current.name`, `aws_eks_cluster.this[0].name`.
                _ if is_of("aws_region.") => region.clone(),
                _ if is_of("aws_eks_cluster.") => cluster.clone(),
                "partition" | "awspartition" => partition.clone(),
                "region" | "awsregion" => region.clone(),
                "accountid" | "awsaccountid" => account.clone(),
                "clustername" | "eksclustername" => cluster.clone(),
                "urlsuffix" | "dnssuffix" => Symbolic::literal(suffix),
                _ => continue,
            };
            self.bindings.insert(hole.to_owned(), value);
        }
    }

    fn node_roles(&mut self, given: &Given, evidence: &Evidence, arn: &Arn<'_>) -> Vec<Symbolic> {
        let named: Vec<(&Written, &Votes)> =
            evidence.node_role.iter().filter(|(written, _)| written.hole().is_none()).collect();
        let telling = |written: &Written| {
            written.0.iter().any(|atom| {
                let (Atom::Literal(text) | Atom::Hole(text)) = atom;
                let text = text.to_ascii_lowercase();
                text.contains("node") || text.contains("karpenter")
            })
        };
        let chosen = named.iter().find(|(written, _)| telling(written)).or(named.first());
        let said = self.said_roles(given, evidence, arn);
        // The role in a profile that somebody else made is in no manifest.
        let profiles = || given.manifests.classes.iter().any(|class| class.role.is_none());
        let roles: Vec<Symbolic> = if let Some(roles) = &given.node_roles {
            roles.iter().map(|role| Symbolic::literal(role)).collect()
        } else if !said.is_empty() && !profiles() {
            said
        } else if let Some((written, votes)) = chosen {
            let name = self.role_name(written);
            let role = arn.build("iam", None, &name);
            let shown = role.display(&self.symbols);
            self.assume("node-roles", &shown, "iam:PassRole names it", Some(votes.first));
            vec![role]
        } else {
            let mut name = Symbolic::literal("role/");
            name.push_symbol(self.symbols.intern("node-role", shape::ROLE));
            let hole = evidence.node_role_arn.iter().next();
            if let Some((written, votes)) = hole {
                let shown = format!("${{{}}}", written.hole().unwrap_or_default());
                self.assume("node-roles", &shown, "iam:PassRole names it", Some(votes.first));
            }
            vec![arn.build("iam", None, &name)]
        };
        if let Some(role) = roles.first() {
            self.bind_all(&evidence.node_role_arn, role, ("node-roles", "node role"));
        }
        roles
    }

    /// The roles of EC2NodeClasses, by name; a path is what the policies say.
    fn said_roles(&mut self, given: &Given, evidence: &Evidence, arn: &Arn<'_>) -> Vec<Symbolic> {
        let mut roles: Vec<Symbolic> = Vec::new();
        let said = given.manifests.classes.iter().filter_map(|class| class.role.as_ref());
        for written in said.map(|said| &said.value) {
            let role = match written.as_literal() {
                Some(text) if text.starts_with("arn:") => Symbolic::literal(text),
                Some(text) => {
                    let known = evidence.node_role.keys().filter_map(Written::as_literal);
                    let mut whole = known.filter(|known| !known.contains(['*', '?', '$']));
                    let tail = |known: &&str| {
                        known.strip_suffix(text).is_some_and(|path| path.ends_with('/'))
                    };
                    let name = whole.find(tail).unwrap_or(text);
                    arn.build("iam", None, &Symbolic::literal(&format!("role/{name}")))
                }
                None => {
                    let mut name = Symbolic::literal("role/");
                    name.push(&self.text(written));
                    arn.build("iam", None, &name)
                }
            };
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        roles
    }

    /// The name behind `role/`, a wildcard in it standing for something unknown.
    fn role_name(&mut self, written: &Written) -> Symbolic {
        let mut name = Symbolic::literal("role/");
        for atom in &written.0 {
            match atom {
                Atom::Hole(expr) => {
                    let value = self.hole(expr);
                    name.push(&value);
                }
                Atom::Literal(text) => {
                    for (at, part) in text.split(['*', '?']).enumerate() {
                        if at > 0 {
                            name.push_symbol(self.symbols.intern("node-role", shape::ROLE_PART));
                        }
                        name.push_str(part);
                    }
                }
            }
        }
        name
    }

    fn queue(
        &mut self,
        given: &Given,
        evidence: &Evidence,
        makes_queue: bool,
        arn: &Arn<'_>,
        region: &Symbolic,
    ) -> Option<Symbolic> {
        let named = evidence.queue.iter().max_by_key(|(_, votes)| votes.count);
        let said = given.manifests.install.queue.as_ref();
        let queue = match (&given.queue, said) {
            (Some(none), _) if none.is_empty() => None,
            (Some(queue), _) if queue.starts_with("arn:") => Some(Symbolic::literal(queue)),
            (Some(queue), _) => Some(arn.build("sqs", Some(region), &Symbolic::literal(queue))),
            (None, Some(said)) if said.value.0.is_empty() => None,
            (None, Some(said)) => {
                let name = self.text(&said.value);
                Some(arn.build("sqs", Some(region), &name))
            }
            (None, None) if !evidence.grants_sqs && !makes_queue => None,
            (None, None) => {
                let name = if let Some((written, votes)) = named {
                    let name = self.text(written);
                    let shown = name.display(&self.symbols);
                    self.assume(
                        "interruption-queue",
                        &shown,
                        "the policies name it",
                        Some(votes.first),
                    );
                    name
                } else {
                    if let Some((written, votes)) = evidence.queue_arn.iter().next() {
                        self.assume(
                            "interruption-queue",
                            &written.display(),
                            "the sqs actions name it",
                            Some(votes.first),
                        );
                    }
                    Symbolic::symbol(self.symbols.intern("interruption-queue", shape::QUEUE))
                };
                Some(arn.build("sqs", Some(region), &name))
            }
        };
        if let Some(queue) = &queue {
            self.bind_all(&evidence.queue_arn, queue, ("interruption-queue", "queue"));
        }
        for hole in &evidence.holes {
            self.hole(hole);
        }
        queue
    }

    /// Binds holes that stand where `what` belongs; `setting` may have been taken from one of them.
    fn bind_all(
        &mut self,
        votes: &BTreeMap<Written, Votes>,
        value: &Symbolic,
        (setting, what): (&str, &str),
    ) {
        for (written, votes) in votes {
            let Some(hole) = written.hole().filter(|hole| !self.bindings.contains_key(*hole))
            else {
                continue;
            };
            let shown = written.display();
            let is_told = |known: &Assumption| known.symbol == setting && known.value == shown;
            if !self.assumptions.iter().any(is_told) {
                let from = format!("it stands where the {what} belongs");
                self.assume(hole, &value.display(&self.symbols), &from, Some(votes.first));
            }
            self.bindings.insert(hole.to_owned(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_bound_is_not_empty_text() {
        let (given, evidence) = (Given::default(), Evidence::default());
        let resolved = infer(Version::new(1, 4, 0), &given, &evidence, false);
        let [one, other] = ["one", "other"].map(|hole| resolved.resolve(hole));
        assert!(one.is_anything() && other.is_anything());
        assert_ne!(one, other);
        assert_eq!(one, resolved.resolve("one"));
    }
}
