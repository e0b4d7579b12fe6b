//! What the user gave: flags over `karplint.toml`, checked.

use crate::config::SettingsTable;
use crate::error::Error;
use crate::karpenter::{Rules, Version};
use crate::words::nearest_word;

use super::manifest::Manifests;
use super::valid::{self, Wrong};
use super::{CapacityType, Feature};

/// Settings as given; `None` where nobody said anything.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The EKS cluster's name.
    pub cluster: Option<String>,
    /// The cluster's region.
    pub region: Option<String>,
    /// The cluster's account.
    pub account: Option<String>,
    /// `aws`, `aws-cn`, …
    pub partition: Option<String>,
    /// ARNs of the roles of nodes.
    pub node_roles: Option<Vec<String>>,
    /// Name or ARN of the queue; `Some("")`: there is none.
    pub queue: Option<String>,
    /// The capacity types that NodePools allow.
    pub capacity_types: Option<Vec<CapacityType>>,
    /// NodePool names.
    pub node_pools: Option<Vec<String>>,
    /// EC2NodeClass names.
    pub node_classes: Option<Vec<String>>,
    /// `spec.tags`.
    pub node_class_tags: Vec<(String, String)>,
    /// `amiSelectorTerms[].ssmParameter`.
    pub ssm_parameters: Vec<String>,
    /// ARNs of customer managed keys.
    pub kms_keys: Vec<String>,
    /// Snapshots of block devices.
    pub snapshot_ids: Vec<String>,
    /// `spec.instanceProfile`.
    pub instance_profile: Option<String>,
    /// What is switched on.
    pub features: Vec<Feature>,
    /// Nodes made by this version still exist.
    pub upgraded_from: Option<Version>,
    /// Values of condition keys.
    pub context: Vec<(String, String)>,
    /// What manifests say; it counts where nothing else was given.
    pub manifests: Manifests,
}

impl Given {
    /// Checks `table`.
    ///
    /// # Errors
    /// A value that cannot be meant: an account that is not twelve digits, a feature nobody knows.
    pub fn from_table(table: &SettingsTable, rules: &Rules) -> Result<Self, Error> {
        let one = |text: &Option<String>, check: fn(&str) -> Result<(), Wrong>| {
            text.as_deref().map_or(Ok(()), check)
        };
        let all = |texts: &Option<Vec<String>>, check: &dyn Fn(&str) -> Result<(), Wrong>| {
            texts.iter().flatten().try_for_each(|text| check(text))
        };
        one(&table.account, valid::account)?;
        one(&table.cluster_name, valid::cluster)?;
        one(&table.region, valid::region)?;
        one(&table.partition, valid::partition)?;
        one(&table.interruption_queue, valid::queue)?;
        all(&table.node_roles, &valid::role)?;
        all(&table.node_pools, &|name| valid::object(name, "a NodePool"))?;
        all(&table.node_classes, &|name| valid::object(name, "an EC2NodeClass"))?;
        let upgraded_from = match &table.upgraded_from {
            Some(text) => Some(rules.resolve(text)?.version),
            None => None,
        };
        Ok(Self {
            cluster: table.cluster_name.clone(),
            region: table.region.clone(),
            account: table.account.clone(),
            partition: table.partition.clone(),
            node_roles: table.node_roles.clone().filter(|roles| !roles.is_empty()),
            queue: table.interruption_queue.clone(),
            capacity_types: words(
                table.capacity_types.as_deref(),
                "capacity type",
                &CapacityType::ALL,
                CapacityType::name,
            )?,
            node_pools: table.node_pools.clone().filter(|pools| !pools.is_empty()),
            node_classes: table.node_classes.clone().filter(|classes| !classes.is_empty()),
            node_class_tags: table
                .node_class_tags
                .clone()
                .unwrap_or_default()
                .into_iter()
                .collect(),
            ssm_parameters: table.ssm_parameters.clone().unwrap_or_default(),
            kms_keys: table.kms_keys.clone().unwrap_or_default(),
            snapshot_ids: table.snapshot_ids.clone().unwrap_or_default(),
            instance_profile: table.instance_profile.clone().filter(|name| !name.is_empty()),
            features: words(table.features.as_deref(), "feature", &Feature::ALL, Feature::name)?
                .unwrap_or_default(),
            upgraded_from,
            context: table.context.clone().unwrap_or_default().into_iter().collect(),
            manifests: Manifests::default(),
        })
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        let error = Self::usage(wrong.message);
        match wrong.help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }
}

/// Words from a fixed list.
fn words<T: Copy>(
    given: Option<&[String]>,
    what: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Option<Vec<T>>, Error> {
    let Some(given) = given else { return Ok(None) };
    let find = |word: &String| {
        all.iter().copied().find(|item| name(*item) == word).ok_or_else(|| {
            let error = Error::usage(format!("`{word}` is not a {what}"));
            match nearest_word(word, all.iter().map(|item| name(*item))) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => {
                    let known: Vec<_> = all.iter().map(|item| name(*item)).collect();
                    error.with_help(format!("known: {}", known.join(", ")))
                }
            }
        })
    };
    given.iter().map(find).collect::<Result<Vec<_>, _>>().map(Some)
}
