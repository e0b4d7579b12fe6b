//! What must hold of an installation for a request to be made.

use serde::{Deserialize, Serialize};

use super::text::Str;
use super::version::Version;

/// One condition of `when`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub enum Condition {
    /// A flag has this value.
    Is(Flag, bool),
    /// NodePools allow one of these values of `karpenter.sh/capacity-type`.
    CapacityType(Vec<Str>),
    /// Some EC2NodeClass has one of these AMI families.
    AmiFamily(Vec<Str>),
    /// Nodes that were launched before this version still exist.
    NodesFromBefore(Version),
    /// EC2NodeClasses that were made before this version still exist.
    NodeClassesFromBefore(Version),
}

/// A yes or no of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flag {
    /// Setting `cluster-endpoint` is given.
    ClusterEndpointSet,
    /// Setting `eks-control-plane` (1.1+).
    EksControlPlane,
    /// Setting `isolated-vpc`.
    IsolatedVpc,
    /// Setting `interruption-queue` is given.
    InterruptionQueue,
    /// Setting `enable-zonal-shift` (1.12+).
    ZonalShift,
    /// Setting `disable-dry-run`, which exists from 1.6.2 on.
    DisableDryRun,
    /// Feature gate `ReservedCapacity` (1.3+, on by default from 1.6).
    ReservedCapacity,
    /// Some EC2NodeClass has `capacityReservationSelectorTerms`.
    CapacityReservationSelector,
    /// Some EC2NodeClass has `placementGroupSelector` (1.11+).
    PlacementGroup,
    /// Some EC2NodeClass has `spec.role`, not `spec.instanceProfile`.
    SpecRole,
    /// Images by family or alias.
    AmiAlias,
    /// `amiSelectorTerms[].ssmParameter` (1.4+).
    AmiSsmParameter,
    /// A block device is encrypted with a customer managed key.
    KmsKey,
    /// A block device names a snapshot.
    SnapshotIds,
    /// Setting `assume-role-arn` (0.32 to 0.37).
    AssumeRoleArnSet,
    /// Provisioners and AWSNodeTemplates exist (0.32).
    AlphaApis,
    /// The account has no service-linked role for spot yet.
    SpotSlrAbsent,
    /// Karpenter asks for prices where the cluster is: from 1.7.0 on not in aws-us-gov, which has no price list.
    PriceList,
}

impl Flag {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::ClusterEndpointSet,
        Self::EksControlPlane,
        Self::IsolatedVpc,
        Self::InterruptionQueue,
        Self::ZonalShift,
        Self::DisableDryRun,
        Self::ReservedCapacity,
        Self::CapacityReservationSelector,
        Self::PlacementGroup,
        Self::SpecRole,
        Self::AmiAlias,
        Self::AmiSsmParameter,
        Self::KmsKey,
        Self::SnapshotIds,
        Self::AssumeRoleArnSet,
        Self::AlphaApis,
        Self::SpotSlrAbsent,
        Self::PriceList,
    ];

    /// The name in the rule files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterEndpointSet => "cluster_endpoint_set",
            Self::EksControlPlane => "eks_control_plane",
            Self::IsolatedVpc => "isolated_vpc",
            Self::InterruptionQueue => "interruption_queue",
            Self::ZonalShift => "zonal_shift",
            Self::DisableDryRun => "disable_dry_run",
            Self::ReservedCapacity => "reserved_capacity",
            Self::CapacityReservationSelector => "capacity_reservation_selector",
            Self::PlacementGroup => "placement_group",
            Self::SpecRole => "spec_role",
            Self::AmiAlias => "ami_alias",
            Self::AmiSsmParameter => "ami_ssm_parameter",
            Self::KmsKey => "kms_key",
            Self::SnapshotIds => "snapshot_ids",
            Self::AssumeRoleArnSet => "assume_role_arn_set",
            Self::AlphaApis => "alpha_apis",
            Self::SpotSlrAbsent => "spot_slr_absent",
            Self::PriceList => "price_list",
        }
    }
}
