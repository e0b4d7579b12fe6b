//! What manifests say of an installation beyond its settings, ready to be put into requests.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::symbolic::Symbolic;
use crate::source::Span;

/// Facts of one controller; empty where no manifest was given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// One for each of [`super::Installation::node_classes`], or none.
    pub classes: Vec<ClassFacts>,
    /// Which NodePool launches with which EC2NodeClass, by index; empty: any with any.
    pub pairs: BTreeSet<(usize, usize)>,
    /// Values that are sent in turn, by placeholder of the rules.
    pub each: BTreeMap<&'static str, Vec<Symbolic>>,
    /// Values of which one is sent, nobody knows which, by placeholder of the rules.
    pub one_of: BTreeMap<&'static str, Vec<Symbolic>>,
    /// AMI families; `None`: the default one.
    pub families: Option<BTreeSet<String>>,
    /// No EC2NodeClass chooses images by alias or family.
    pub no_alias: bool,
    /// Every EC2NodeClass brings its own instance profile.
    pub no_role: bool,
    /// Where a manifest says what makes Karpenter ask.
    pub because: Vec<Because>,
}

/// What one EC2NodeClass says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassFacts {
    /// `spec.tags`.
    pub tags: Vec<(Symbolic, Symbolic)>,
    /// What a launch with it asks for, by placeholder of the rules; several are one of these.
    pub values: BTreeMap<&'static str, Vec<Symbolic>>,
}

/// The place of a manifest that makes Karpenter ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Because {
    /// Name of the condition of the rules, of the capacity type, or of the placeholder.
    pub what: &'static str,
    /// The field: `placementGroupSelector`.
    pub field: &'static str,
    /// Its place.
    pub span: Span,
}
