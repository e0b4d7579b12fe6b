//! What policies say of the installation they were written for: a cluster name behind
//! `kubernetes.io/cluster/`, a region in an ARN, the role that `iam:PassRole` names.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::{Effect, Policy, Statement};
use crate::source::Span;
use crate::syntax::{Part, Text};

/// A text of a policy, or a part of one: known text and the expressions of holes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written(pub Vec<Atom>);

/// One piece of a [`Written`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// Known text.
    Literal(String),
    /// The expression of a hole.
    Hole(String),
}

/// How often something is written, and where first.
#[derive(Debug, Clone, Copy)]
pub struct Votes {
    /// How often.
    pub count: usize,
    /// Where first.
    pub first: Span,
}

/// Everything that policies say, by setting.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Cluster names.
    pub cluster: BTreeMap<Written, Votes>,
    /// Regions.
    pub region: BTreeMap<Written, Votes>,
    /// Account ids.
    pub account: BTreeMap<Written, Votes>,
    /// Partitions.
    pub partition: BTreeMap<Written, Votes>,
    /// What stands behind `role/` for `iam:PassRole`.
    pub node_role: BTreeMap<Written, Votes>,
    /// Holes that stand for the whole ARN of what `iam:PassRole` passes.
    pub node_role_arn: BTreeMap<Written, Votes>,
    /// Queue names.
    pub queue: BTreeMap<Written, Votes>,
    /// Holes that stand for the whole ARN of the queue.
    pub queue_arn: BTreeMap<Written, Votes>,
    /// Whether a statement allows any of the calls to SQS.
    pub grants_sqs: bool,
    /// Every hole.
    pub holes: BTreeSet<String>,
    /// Every hole of documents that tell nothing of the installation.
    pub foreign: BTreeSet<String>,
}

impl Written {
    /// What a text says.
    #[must_use]
    pub fn of(text: &Text) -> Self {
        let atom = |part: &Part| match part {
            Part::Literal(_, text) => Atom::Literal(text.to_string()),
            Part::Hole(_, expr) => Atom::Hole(expr.to_string()),
        };
        Self(text.parts.iter().map(atom).collect())
    }

    /// Known text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let mut out = Self::default();
        out.push(text);
        out
    }

    /// The text, if all of it is known.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Atom::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for people: holes as `${expression}`.
    #[must_use]
    pub fn display(&self) -> String {
        let piece = |atom: &Atom| match atom {
            Atom::Literal(text) => text.clone(),
            Atom::Hole(expr) => format!("${{{expr}}}"),
        };
        self.0.iter().map(piece).collect()
    }

    /// The expression, if the text is one hole and nothing else.
    #[must_use]
    pub fn hole(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Atom::Hole(expr)] => Some(expr),
            _ => None,
        }
    }

    /// The expressions of the holes, in order.
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|atom| match atom {
            Atom::Hole(expr) => Some(expr.as_str()),
            Atom::Literal(_) => None,
        })
    }

    /// Whether it names one thing: not empty, no wildcard, no policy variable.
    fn is_name(&self) -> bool {
        !self.0.is_empty()
            && self.0.iter().all(|atom| match atom {
                Atom::Literal(text) => !text.contains(['*', '?', '$']),
                Atom::Hole(_) => true,
            })
    }

    /// The rest behind `prefix`, if the text starts with it (ignoring case) and goes on.
    fn behind(&self, prefix: &str) -> Option<Self> {
        let (first, rest) = self.0.split_first()?;
        let Atom::Literal(text) = first else { return None };
        let head = text.get(..prefix.len())?;
        if !head.eq_ignore_ascii_case(prefix) {
            return None;
        }
        let tail = text.get(prefix.len()..)?;
        let mut atoms = Vec::new();
        if !tail.is_empty() {
            atoms.push(Atom::Literal(tail.to_owned()));
        }
        atoms.extend_from_slice(rest);
        (!atoms.is_empty()).then_some(Self(atoms))
    }

    /// The six segments of an ARN; `None` if it is none. Colons inside a hole do not count.
    fn arn(&self) -> Option<[Self; 6]> {
        let mut segments: [Self; 6] = Default::default();
        let mut at = 0;
        for atom in &self.0 {
            let Atom::Literal(text) = atom else {
                segments.get_mut(at)?.0.push(atom.clone());
                continue;
            };
            let mut rest = text.as_str();
            while at < 5
                && let Some((head, tail)) = split_at_colon(rest)
            {
                segments.get_mut(at)?.push(head);
                at += 1;
                rest = tail;
            }
            segments.get_mut(at)?.push(rest);
        }
        (at == 5
            && segments.first().is_some_and(|first| first.0 == [Atom::Literal("arn".to_owned())]))
        .then_some(segments)
    }

    fn push(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push(Atom::Literal(text.to_owned()));
        }
    }
}

/// What stands around the first colon that is in no `${…}`.
fn split_at_colon(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let colon = from + rest.find(':')?;
        match rest.find("${").map(|open| from + open).filter(|open| *open < colon) {
            Some(open) => from = open + text.get(open..)?.find('}')?,
            None => return Some((text.get(..colon)?, text.get(colon + 1..)?)),
        }
    }
}

impl Evidence {
    /// Reads one more policy.
    pub fn read(&mut self, policy: &Policy) {
        note_holes(policy, &mut self.holes);
        for statement in &policy.statements {
            self.read_statement(statement);
        }
    }

    /// Reads a policy that was not written for this installation alone. What is open in it stays open: a
    /// name that tells what is meant in the controller's own policies tells nothing here.
    pub fn read_foreign(&mut self, policy: &Policy) {
        note_holes(policy, &mut self.foreign);
    }

    fn read_statement(&mut self, statement: &Statement) {
        let allows = statement.effect == Effect::Allow && !statement.action.negated;
        let passes = Named::by(statement, "iam:pass");
        let queue = Named::by(statement, "sqs:");
        self.grants_sqs |= allows && queue.some;
        if let Some(element) = &statement.resource {
            let named = allows && !element.negated;
            // Beside something else a hole is only what else there may be.
            let alone = element.values.iter().all(is_hole);
            for text in &element.values {
                if named && (passes.some || queue.some) {
                    let written = Written::of(text);
                    if passes.reads(&written, alone) {
                        self.read_role(&written, text.span);
                    }
                    if queue.reads(&written, alone) {
                        self.read_queue(&written, text.span);
                    }
                }
                // What is left out tells of the installation as well as what is named.
                self.read_arn(text);
            }
        }
        for condition in &statement.conditions {
            // Most keys are short of the name of any cluster.
            if condition.key.parts.iter().any(names_a_cluster) {
                let key = Written::of(&condition.key);
                for family in CLUSTER_TAGS {
                    if let Some(name) = key.behind(family) {
                        vote(&mut self.cluster, name, condition.key.span);
                    }
                }
            }
            let key = condition.key.as_literal().filter(|key| !key.is_empty());
            let says = key.map_or(Says::Nothing, says);
            for value in &condition.values {
                match says {
                    Says::Region => vote_text(&mut self.region, value),
                    Says::Cluster => vote_text(&mut self.cluster, value),
                    Says::Other => self.read_arn(value),
                    Says::Nothing => {}
                }
            }
        }
    }

    fn read_arn(&mut self, text: &Text) {
        // What is written as a placeholder and is none has colons of its own.
        if let Some(known) = text.as_literal().filter(|known| !known.contains("${")) {
            let mut parts = [""; 6];
            let mut found = known.splitn(6, ':');
            // Most are cut short of a copy: a wildcard says nothing.
            if parts.iter_mut().all(|part| found.next().map(|text| *part = text).is_some()) {
                self.read_known_arn(parts, text.span);
            }
        } else if let Some(arn) = Written::of(text).arn() {
            self.read_written_arn(&arn, text.span);
        }
    }

    fn read_known_arn(
        &mut self,
        [arn, partition, service, region, account, resource]: [&str; 6],
        span: Span,
    ) {
        if arn != "arn" {
            return;
        }
        vote_known(&mut self.partition, partition, span);
        vote_known(&mut self.region, region, span);
        if account != AWS_ITSELF {
            vote_known(&mut self.account, account, span);
        }
        if service == "eks"
            && let Some(name) = resource.get(..CLUSTER.len()).zip(resource.get(CLUSTER.len()..))
            && name.0.eq_ignore_ascii_case(CLUSTER)
        {
            vote_known(&mut self.cluster, name.1, span);
        }
    }

    fn read_written_arn(
        &mut self,
        [_, partition, service, region, account, resource]: &[Written; 6],
        span: Span,
    ) {
        vote(&mut self.partition, partition.clone(), span);
        vote(&mut self.region, region.clone(), span);
        if account.as_literal() != Some(AWS_ITSELF) {
            vote(&mut self.account, account.clone(), span);
        }
        if service.as_literal() == Some("eks")
            && let Some(name) = resource.behind(CLUSTER)
        {
            vote(&mut self.cluster, name, span);
        }
    }

    fn read_role(&mut self, written: &Written, span: Span) {
        if written.hole().is_some() {
            vote(&mut self.node_role_arn, written.clone(), span);
        } else if let Some([.., resource]) = written.arn()
            && let Some(name) = resource.behind("role/")
        {
            // A wildcard is kept: it tells what the role's name looks like.
            let votes = Votes { count: 0, first: span };
            self.node_role.entry(name).or_insert(votes).count += 1;
        }
    }

    fn read_queue(&mut self, written: &Written, span: Span) {
        if written.hole().is_some() {
            vote(&mut self.queue_arn, written.clone(), span);
        } else if let Some([_, _, service, _, _, name]) = written.arn()
            && service.0 == [Atom::Literal("sqs".to_owned())]
        {
            vote(&mut self.queue, name, span);
        }
    }
}

/// How the actions of a statement are those of one kind.
#[derive(Debug, Clone, Copy)]
struct Named {
    some: bool,
    all: bool,
}

impl Named {
    fn by(statement: &Statement, prefix: &str) -> Self {
        let is_of = |text: &Text| {
            let head = text.as_literal().and_then(|action| action.get(..prefix.len()));
            head.is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        };
        let values = &statement.action.values;
        Self { some: values.iter().any(is_of), all: values.iter().all(is_of) }
    }

    /// Whether a resource is what these actions are for. An ARN says itself of what it is; a hole says
    /// nothing, so that nothing else may stand beside it.
    fn reads(self, written: &Written, alone: bool) -> bool {
        self.some && (written.hole().is_none() || (self.all && alone))
    }
}

fn is_hole(text: &Text) -> bool {
    matches!(text.parts.as_slice(), [Part::Hole(..)])
}

/// Adds the holes of all that decides what a policy says.
fn note_holes(policy: &Policy, holes: &mut BTreeSet<String>) {
    let mut note = |text: &Text| {
        for expr in text.holes() {
            if !holes.contains(expr) {
                holes.insert(expr.to_owned());
            }
        }
    };
    policy.unknown.iter().for_each(&mut note);
    policy.statements.iter().flat_map(Statement::texts).for_each(note);
}

/// The account of AWS's own managed policies.
const AWS_ITSELF: &str = "aws";
/// In front of a cluster's name in its ARN.
const CLUSTER: &str = "cluster/";
/// In front of a cluster's name in the keys of its tags.
const CLUSTER_TAGS: [&str; 3] = [
    "aws:RequestTag/kubernetes.io/cluster/",
    "aws:ResourceTag/kubernetes.io/cluster/",
    "ec2:ResourceTag/kubernetes.io/cluster/",
];

/// Whether a part of a condition key is long enough for the name of a cluster to follow.
fn names_a_cluster(part: &Part) -> bool {
    matches!(part, Part::Literal(_, text) if CLUSTER_TAGS.iter().any(|tag| tag.len() <= text.len()))
}

/// What the values of a condition key are.
#[derive(Debug, Clone, Copy)]
enum Says {
    Region,
    Cluster,
    /// They may be ARNs.
    Other,
    Nothing,
}

fn says(key: &str) -> Says {
    const REGIONS: [&str; 2] = ["aws:RequestedRegion", "ec2:Region"];
    const CLUSTERS: [&str; 3] =
        ["eks:eks-cluster-name", "karpenter.sh/managed-by", "karpenter.k8s.aws/cluster"];
    let is = |other: &&str| key.eq_ignore_ascii_case(other);
    // The tag of `aws:ResourceTag/tag`.
    let slash = key.find('/');
    let tag = slash.and_then(|at| key.split_at_checked(at)).and_then(|(family, tag)| {
        let front = family.len().checked_sub(3)?;
        family.get(front..)?.eq_ignore_ascii_case("tag").then(|| tag.get(1..)).flatten()
    });
    let tag = |names: &[&str]| {
        tag.is_some_and(|tag| names.iter().any(|name| tag.eq_ignore_ascii_case(name)))
    };
    if REGIONS.iter().any(is) || tag(&["topology.kubernetes.io/region"]) {
        Says::Region
    } else if tag(&CLUSTERS) {
        Says::Cluster
    } else {
        Says::Other
    }
}

/// One vote for what a text says.
fn vote_text(votes: &mut BTreeMap<Written, Votes>, text: &Text) {
    match text.as_literal() {
        Some(known) => vote_known(votes, known, text.span),
        None => vote(votes, Written::of(text), text.span),
    }
}

/// [`vote`] for known text, which is copied only if it is new.
fn vote_known(votes: &mut BTreeMap<Written, Votes>, text: &str, span: Span) {
    if text.is_empty() || text.contains(['*', '?', '$']) {
        return;
    }
    match votes.iter_mut().find(|(known, _)| known.as_literal() == Some(text)) {
        Some((_, votes)) => votes.count += 1,
        None => {
            votes.insert(Written::literal(text), Votes { count: 1, first: span });
        }
    }
}

fn vote(votes: &mut BTreeMap<Written, Votes>, written: Written, span: Span) {
    if written.is_name() {
        votes.entry(written).or_insert(Votes { count: 0, first: span }).count += 1;
    }
}
