//! The rules: what Karpenter asks of AWS, as data.
//!
//! They are written in `rules/karpenter/*.toml`, checked and put into a compact form by the build
//! script, and point into the binary at run time. The same loader reads a folder of `--rules`. This
//! module knows nothing of settings or policies; the build script compiles it too.

pub mod files;
pub mod limits;
pub mod load;
pub mod template;
pub mod text;
pub mod trust;
pub mod version;
pub mod when;

use serde::{Deserialize, Serialize};

use limits::Limits;
use template::{Placeholder, Template};
use text::Str;
use trust::TrustRules;
use version::{Version, Versions};
use when::Condition;

/// Everything that is known of Karpenter's requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Rules {
    /// The known minors, oldest first.
    pub minors: Vec<Minor>,
    /// From when on messages of the validation tell a cause.
    pub cause: Cause,
    /// What `${…}` stands for.
    pub placeholders: Vec<Placeholder>,
    /// The sets of tags.
    pub tag_sets: Vec<TagSet>,
    /// Keys of the caller, the same in every request.
    pub globals: Vec<GlobalKey>,
    /// Sets of condition keys that AWS fills; entries share them.
    pub key_sets: Vec<KeySet>,
    /// The requests, in the order in which Karpenter makes them.
    pub requests: Vec<RequestRule>,
    /// What trust policies have to let in.
    pub trust: TrustRules,
    /// What limits a grant to what Karpenter asks.
    pub limits: Limits,
}

/// A minor and its releases.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Minor {
    /// Its newest release.
    pub newest: Version,
    /// Patch numbers below that were never released.
    pub missing: Vec<u32>,
}

/// The sentence that follows the message of a failed check.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Cause {
    /// Releases that add it.
    pub versions: Versions,
    /// An explicit Deny of the permissions boundary.
    pub permissions_boundary: Str,
    /// An explicit Deny of a service control policy.
    pub service_control_policy: Str,
    /// Anything else, an explicit Deny of the identity policy included.
    pub otherwise: Str,
}

/// Tags that something carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct TagSet {
    /// `instance.v0`.
    pub name: Str,
    /// Whether `spec.tags` of the EC2NodeClass come along; the keys below win.
    pub spec_tags: bool,
    /// Keys that do not win: they are only written where `spec.tags` has no such key.
    pub yields: Vec<Str>,
    /// Keys and values.
    pub tags: Vec<(Template, Template)>,
}

/// A key of the caller.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct GlobalKey {
    /// `aws:PrincipalAccount`.
    pub key: Str,
    /// In requests of the controller.
    pub status: GlobalStatus,
    /// In requests that a service makes with the controller's rights.
    pub by_service: GlobalStatus,
    /// Why.
    pub why: Str,
}

/// What is known of a key of the caller.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub enum GlobalStatus {
    /// There, with this value.
    Value(Template),
    /// There, with a value that nobody knows.
    Present,
    /// Not there.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// The condition keys that AWS fills for an action on a resource type, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct KeySet {
    /// The service whose other keys are absent: `ec2:`.
    pub service: Str,
    /// Whole keys.
    pub keys: Vec<Str>,
    /// Beginnings of keys with a variable part, but for the tag families.
    pub prefixes: Vec<Str>,
    /// Families of resource tags, `aws:resourcetag/` and the service's own.
    pub resource_tags: Vec<Str>,
    /// Whether the resource is created by the call: it has no tags but those of the request.
    pub created: bool,
}

/// One API call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct RequestRule {
    /// Stable name: `launch.create-fleet`.
    pub id: Str,
    /// `ec2:CreateFleet`.
    pub call: Str,
    /// What it is for.
    pub purpose: Str,
    /// When it is made.
    pub phase: Phase,
    /// What happens without it.
    pub impact: Impact,
    /// Sent with `DryRun=true`.
    pub dry_run: bool,
    /// A service makes it, with the controller's rights.
    pub by_service: bool,
    /// Releases that make it.
    pub versions: Versions,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// Every check that AWS makes for it.
    pub entries: Vec<EntryRule>,
    /// What people see when it is denied; the first whose versions fit.
    pub failures: Vec<FailureRule>,
    /// How often.
    pub cadence: Option<Str>,
    /// Remarks.
    pub notes: Option<Str>,
    /// `file:function at tag` of the upstream source.
    pub evidence: Vec<Str>,
}

/// When a request is made; each phase has a rule file of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Phase {
    /// The controller starts.
    #[default]
    Startup,
    /// The controller runs.
    Steady,
    /// An EC2NodeClass is validated.
    Validation,
    /// A node is launched.
    Launch,
    /// A node is removed.
    Terminate,
    /// An EC2NodeClass is deleted.
    NodeclassDelete,
}

/// What happens without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Impact {
    /// Nodes do not come or go, are not looked after, or the controller does not start.
    #[default]
    Blocks,
    /// Karpenter keeps working with less.
    Degrades,
}

/// One check that AWS makes for a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct EntryRule {
    /// `ec2:CreateTags`.
    pub action: Str,
    /// The ARN; `None` is `*`.
    pub resource: Option<Template>,
    /// `instance`; empty for `*`.
    pub resource_type: Str,
    /// Index into [`Rules::tag_sets`].
    pub request_tags: Option<u16>,
    /// Index into [`Rules::tag_sets`].
    pub resource_tags: Option<u16>,
    /// Further keys with their value, or several of which one holds.
    pub context: Vec<(Str, Vec<Template>)>,
    /// The placeholders in the resource and in these values, as indices into [`Rules::placeholders`].
    pub holes: Vec<u8>,
    /// Keys that AWS knows for the check but that this request does not carry.
    pub absent: Vec<Str>,
    /// Index into [`Rules::key_sets`].
    pub keys: u16,
    /// Releases in which it is asked; every one of the request if empty.
    pub versions: Versions,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// AWS may not check it, or only in some accounts.
    pub optional: bool,
    /// It is certain all the same where all of these hold; never, if there are none.
    pub must_have_when: Vec<Condition>,
    /// Why a denial leaves the outcome open.
    pub disputed: Option<Str>,
    /// What may grant it in place of these policies.
    pub instead: Option<Str>,
    /// What people see of a denial that the call itself does not fail of.
    pub symptom: Option<Str>,
    /// Where the entry comes from.
    pub basis: Basis,
    /// A remark.
    pub note: Option<Str>,
}

/// How an entry is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Basis {
    /// Karpenter's source.
    #[default]
    Code,
    /// The Service Authorization Reference.
    ServiceAuthorizationReference,
    /// Upstream's reference policy.
    ReferencePolicy,
    /// A correction of upstream's reference policy.
    ReferencePolicyFix,
    /// A denial seen in a public report.
    DenialReport,
    /// An error code that the source handles.
    ErrorCode,
    /// What EBS is documented to need of a key.
    AwsEbsEncryption,
}

/// What people see when a request is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct FailureRule {
    /// Releases it is true of; all, if empty.
    pub versions: Versions,
    /// Kubernetes condition: `ValidationSucceeded=False`.
    pub condition: Option<Str>,
    /// Its reason.
    pub reason: Option<Str>,
    /// Its message.
    pub message: Option<Str>,
    /// What logs and behaviour show.
    pub symptom: Option<Str>,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Startup,
        Self::Steady,
        Self::Validation,
        Self::Launch,
        Self::Terminate,
        Self::NodeclassDelete,
    ];

    /// The name of the rule file, and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Steady => "steady",
            Self::Validation => "validation",
            Self::Launch => "launch",
            Self::Terminate => "terminate",
            Self::NodeclassDelete => "nodeclass-delete",
        }
    }
}

impl Impact {
    /// The name in rule files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Degrades => "degrades",
        }
    }
}

impl Basis {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Code,
        Self::ServiceAuthorizationReference,
        Self::ReferencePolicy,
        Self::ReferencePolicyFix,
        Self::DenialReport,
        Self::ErrorCode,
        Self::AwsEbsEncryption,
    ];

    /// The name in rule files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::ServiceAuthorizationReference => "service-authorization-reference",
            Self::ReferencePolicy => "reference-policy",
            Self::ReferencePolicyFix => "reference-policy-fix",
            Self::DenialReport => "denial-report",
            Self::ErrorCode => "error-code",
            Self::AwsEbsEncryption => "aws-ebs-encryption",
        }
    }
}
