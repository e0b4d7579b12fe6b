//! From what a file holds to documents that can be judged.

use crate::extract::{Extracted, Kind, Origin};
use crate::policy::action::ActionPattern;
use crate::policy::lower::{Place, Problem, lower_in};
use crate::policy::size::{Size, size_under};
use crate::policy::symbolic::Symbolic;
use crate::policy::tri::Tri;
use crate::policy::{Effect, Policy, Statement};
use crate::source::SourceMap;
use crate::syntax::{Part, Text};

/// One policy document with what is known of it.
#[derive(Debug, Clone)]
pub struct Document {
    /// The policy.
    pub policy: Policy,
    /// How long it is.
    pub size: Size,
    /// What AWS would refuse in it.
    pub problems: Vec<Problem>,
    /// Where it stands.
    pub origin: Origin,
    /// Path of the file, relative to the working directory.
    pub file: String,
    /// What it is.
    pub kind: DocumentKind,
    /// Whether it names Karpenter or grants what only Karpenter needs together.
    pub looks_karpenter: bool,
    /// Whether it allows `ec2:CreateFleet` or `ec2:RunInstances`.
    pub launches: bool,
    /// Whether AWS wrote it and karplint filled it in: it stands in no file of the input.
    pub is_filled_in: bool,
    /// Whether it trusts EC2: then its role is that of nodes.
    pub trusts_ec2: bool,
    /// Whether it trusts services of AWS alone, and none through which a pod gets its role.
    pub trusts_another_service: bool,
}

impl Document {
    /// Whether an element of the statement stands there twice, so that its values are no one list.
    #[must_use]
    pub fn has_element_twice(&self, statement: &Statement) -> bool {
        let twice = |problem: &&Problem| problem.rule == "duplicate-key";
        self.problems.iter().filter(twice).any(|problem| statement.span.contains(problem.span))
    }
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// Grants or denies to whom it is attached.
    Identity,
    /// Says who may assume a role.
    Trust,
    /// Belongs to a resource.
    Resource,
    /// A service control policy.
    ServiceControl,
    /// Binds a user or a group.
    OtherPrincipal,
}

/// Lowers every document of one file.
#[must_use]
pub fn load(sources: &SourceMap, extracted: &Extracted) -> Vec<Document> {
    extracted
        .documents
        .iter()
        .map(|found| {
            let lowered = lower_in(&found.node, place(found.origin.kind), &found.when);
            let policy = lowered.policy;
            let file = sources.get(found.origin.file).name().to_owned();
            let kind = kind(&policy, found.origin.kind);
            let launches =
                allows(&policy, "ec2:CreateFleet") || allows(&policy, "ec2:RunInstances");
            let looks_karpenter = kind == DocumentKind::Identity
                && (names_karpenter(sources, &policy, &found.origin, &file)
                    || (allows(&policy, "ec2:CreateFleet") && allows(&policy, "iam:PassRole")));
            let is_trust = kind == DocumentKind::Trust;
            let trusts_ec2 = is_trust && trusts_ec2(&policy);
            let trusts_another_service = is_trust && trusts_another_service(&policy);
            Document {
                size: size_under(&found.node, &found.when),
                problems: lowered.problems,
                origin: found.origin.clone(),
                file,
                kind,
                looks_karpenter,
                launches,
                is_filled_in: false,
                trusts_ec2,
                trusts_another_service,
                policy,
            }
        })
        .collect()
}

fn place(kind: Kind) -> Place {
    match kind {
        Kind::Bare => Place::Unknown,
        Kind::Managed
        | Kind::Inline
        | Kind::ServiceControl
        | Kind::OtherPrincipal
        | Kind::User
        | Kind::Group => Place::Identity,
        Kind::Resource => Place::Resource,
        Kind::Trust => Place::Trust,
    }
}

/// A document is a resource or trust policy only if every statement has a principal.
fn kind(policy: &Policy, place: Kind) -> DocumentKind {
    let all_have_principal =
        !policy.statements.is_empty() && policy.statements.iter().all(|s| s.principal.is_some());
    match place {
        Kind::Trust => DocumentKind::Trust,
        Kind::Resource => DocumentKind::Resource,
        Kind::ServiceControl => DocumentKind::ServiceControl,
        Kind::OtherPrincipal | Kind::User | Kind::Group => DocumentKind::OtherPrincipal,
        Kind::Managed | Kind::Inline => DocumentKind::Identity,
        Kind::Bare if all_have_principal => {
            let assumes = policy.statements.iter().all(|s| s.resource.is_none());
            if assumes { DocumentKind::Trust } else { DocumentKind::Resource }
        }
        Kind::Bare => DocumentKind::Identity,
    }
}

/// Whether some Allow statement names `action`, by whatever pattern.
pub(crate) fn allows(policy: &Policy, action: &str) -> bool {
    policy.statements.iter().any(|statement| {
        statement.effect == Effect::Allow
            && !statement.action.negated
            && statement.action.values.iter().filter_map(Text::as_literal).any(|written| {
                ActionPattern::new(&Symbolic::literal(written)).matches(action) == Tri::True
            })
    })
}

fn names_karpenter(sources: &SourceMap, policy: &Policy, origin: &Origin, file: &str) -> bool {
    let source = sources.get(policy.span.source);
    let text = source.text().get(policy.span.start as usize..policy.span.end as usize);
    mentions(text.unwrap_or_default())
        || mentions(file)
        || origin.address.as_deref().is_some_and(mentions)
        || origin.name.as_ref().is_some_and(|name| mentions(&name.display()))
}

/// Whether `text` holds `karpenter`, in any case.
pub(crate) fn mentions(text: &str) -> bool {
    const WORD: &[u8] = b"karpenter";
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'k', b'K', bytes).any(|at| {
        bytes.get(at..at + WORD.len()).is_some_and(|word| word.eq_ignore_ascii_case(WORD))
    })
}

fn trusts_ec2(policy: &Policy) -> bool {
    let principals = policy.statements.iter().filter_map(|s| s.principal.as_ref());
    principals
        .flat_map(|principal| &principal.values)
        .any(|(kind, value)| &**kind == "Service" && value.display().starts_with("ec2."))
}

/// A name that is not known may be that of any service.
fn trusts_another_service(policy: &Policy) -> bool {
    let is_another = |(kind, name): &(Box<str>, Text)| {
        let known = matches!(name.parts.first(), Some(Part::Literal(..)));
        &**kind == "Service" && known && !name.display().starts_with("pods.eks")
    };
    let allows = policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let mut allows = allows.peekable();
    allows.peek().is_some()
        && allows.all(|statement| {
            let principal = statement.principal.as_ref().filter(|principal| !principal.negated);
            principal.is_some_and(|principal| {
                !principal.values.is_empty() && principal.values.iter().all(is_another)
            })
        })
}
