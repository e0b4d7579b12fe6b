//! What of an installation matters for the requests that Karpenter makes.
//!
//! A value that nobody gave is a symbol: it is itself wherever it appears, and unknown otherwise.

pub mod evidence;
pub mod facts;
pub mod given;
pub mod infer;
pub mod manifest;
pub mod valid;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::karpenter::Version;
use crate::policy::symbolic::Symbolic;

/// Everything that decides which requests are made and what they carry: an installation, whose fields these
/// settings have as their own, under a version. Several versions share one installation, and a change of it
/// goes to a copy.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The version of the Karpenter AWS provider.
    pub karpenter: Version,
    installation: Arc<Installation>,
}

/// An installation, as a version of Karpenter takes it: of what manifests say, some counts from a release on.
#[derive(Debug, Clone, PartialEq)]
pub struct Installation {
    /// `aws`, `aws-cn`, …
    pub partition: Symbolic,
    /// The cluster's region.
    pub region: Symbolic,
    /// The cluster's account.
    pub account: Symbolic,
    /// The EKS cluster's name.
    pub cluster: Symbolic,
    /// ARNs of the roles of nodes: every one is passed.
    pub node_roles: Vec<Symbolic>,
    /// ARN of the interruption queue; `None`: there is none.
    pub queue: Option<Symbolic>,
    /// The capacity types that NodePools allow.
    pub capacity_types: Vec<CapacityType>,
    /// Whether `spot` stands in [`Self::capacity_types`] only because nobody said otherwise.
    pub spot_assumed: bool,
    /// NodePool names: each is sent in turn.
    pub node_pools: Vec<Symbolic>,
    /// EC2NodeClass names: each is sent in turn.
    pub node_classes: Vec<Symbolic>,
    /// `spec.tags` of the EC2NodeClass.
    pub node_class_tags: Vec<(String, String)>,
    /// `amiSelectorTerms[].ssmParameter`.
    pub ssm_parameters: Vec<String>,
    /// ARNs of customer managed keys of block devices.
    pub kms_keys: Vec<String>,
    /// Snapshots that block devices name.
    pub snapshot_ids: Vec<String>,
    /// `spec.instanceProfile`: Karpenter manages none.
    pub instance_profile: Option<String>,
    /// What is switched on.
    pub features: BTreeSet<Feature>,
    /// Nodes and NodeClasses made by this version still exist.
    pub upgraded_from: Option<Version>,
    /// Values of context keys, as given: key and value.
    pub context: Vec<(String, String)>,
    /// What manifests say besides.
    pub facts: facts::Facts,
}

impl Deref for Settings {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.installation
    }
}

impl DerefMut for Settings {
    fn deref_mut(&mut self) -> &mut Installation {
        Arc::make_mut(&mut self.installation)
    }
}

impl Settings {
    /// An installation under a version.
    #[must_use]
    pub fn new(karpenter: Version, installation: Installation) -> Self {
        Self { karpenter, installation: Arc::new(installation) }
    }

    /// The same installation under another version, which has to take it alike: nothing is read again.
    #[must_use]
    pub fn under(&self, karpenter: Version) -> Self {
        Self { karpenter, installation: Arc::clone(&self.installation) }
    }

    /// Whether the installation is the same.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.installation, &other.installation)
            || self.installation == other.installation
    }

    /// The same with the version that ran before, where that is another.
    #[must_use]
    pub fn before(&self) -> Option<Self> {
        let before = self.upgraded_from.filter(|from| *from != self.karpenter);
        before.map(|karpenter| self.under(karpenter))
    }

    /// `spec.tags` of the EC2NodeClass at this index of [`Installation::node_classes`].
    #[must_use]
    pub fn spec_tags(&self, class: usize) -> Cow<'_, [(Symbolic, Symbolic)]> {
        if let Some(class) = self.facts.classes.get(class) {
            return Cow::Borrowed(&class.tags);
        }
        let tags = self.node_class_tags.iter();
        tags.map(|(key, value)| (Symbolic::literal(key), Symbolic::literal(value))).collect()
    }
}

/// Values of the label `karpenter.sh/capacity-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CapacityType {
    /// `on-demand`.
    OnDemand,
    /// `spot`.
    Spot,
    /// `reserved`.
    Reserved,
}

/// What an installation can switch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Capacity reservations: feature gate, selector terms and capacity type.
    ReservedCapacity,
    /// `spec.placementGroupSelector`.
    PlacementGroup,
    /// `--enable-zonal-shift`.
    ZonalShift,
    /// `--disable-dry-run`.
    DisableDryRun,
    /// `--isolated-vpc`.
    IsolatedVpc,
    /// The account has no `AWSServiceRoleForEC2Spot` yet.
    SpotSlrAbsent,
    /// `--cluster-endpoint` is given.
    ClusterEndpoint,
    /// `--eks-control-plane`.
    EksControlPlane,
}

impl CapacityType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OnDemand, Self::Spot, Self::Reserved];

    /// The value of the label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
            Self::Reserved => "reserved",
        }
    }
}

impl Feature {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::ReservedCapacity,
        Self::PlacementGroup,
        Self::ZonalShift,
        Self::DisableDryRun,
        Self::IsolatedVpc,
        Self::SpotSlrAbsent,
        Self::ClusterEndpoint,
        Self::EksControlPlane,
    ];

    /// The name in `karplint.toml` and after `--feature`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReservedCapacity => "reserved-capacity",
            Self::PlacementGroup => "placement-group",
            Self::ZonalShift => "zonal-shift",
            Self::DisableDryRun => "disable-dry-run",
            Self::IsolatedVpc => "isolated-vpc",
            Self::SpotSlrAbsent => "spot-slr-absent",
            Self::ClusterEndpoint => "cluster-endpoint",
            Self::EksControlPlane => "eks-control-plane",
        }
    }
}
