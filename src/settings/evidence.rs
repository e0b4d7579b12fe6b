//! What policies say of the installation they were written for: a cluster name behind
//! `kubernetes.io/cluster/`, a region in an ARN, the role that `iam:PassRole` names.

use std::collections::BTreeMap;

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
    /// Every hole, with its first place.
    pub holes: BTreeMap<String, Span>,
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
                && let Some((head, tail)) = rest.split_once(':')
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

impl Evidence {
    /// Reads one more policy.
    pub fn read(&mut self, policy: &Policy) {
        for statement in &policy.statements {
            self.read_statement(statement);
        }
    }

    fn read_statement(&mut self, statement: &Statement) {
        let actions = || statement.action.values.iter().filter_map(Text::as_literal);
        let allows = statement.effect == Effect::Allow && !statement.action.negated;
        let names = |prefix: &str| {
            actions().any(|action| {
                action.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
            })
        };
        let passes = allows && names("iam:pass");
        let queue = allows && names("sqs:");
        self.grants_sqs |= queue;
        if let Some(element) = &statement.resource {
            for text in &element.values {
                self.note_holes(text);
                let written = Written::of(text);
                if passes && !element.negated {
                    self.read_role(&written, text.span);
                }
                if queue && !element.negated {
                    self.read_queue(&written, text.span);
                }
                // What is left out tells of the installation as well as what is named.
                if let Some(arn) = written.arn() {
                    self.read_arn(&arn, text.span);
                }
            }
        }
        for condition in &statement.conditions {
            self.note_holes(&condition.key);
            let key = Written::of(&condition.key);
            for prefix in ["aws:RequestTag/", "aws:ResourceTag/", "ec2:ResourceTag/"] {
                if let Some(name) = key.behind(&format!("{prefix}kubernetes.io/cluster/")) {
                    vote(&mut self.cluster, name, condition.key.span);
                }
            }
            for value in &condition.values {
                self.note_holes(value);
                self.read_value(&key, value);
            }
        }
    }

    fn note_holes(&mut self, text: &Text) {
        for part in &text.parts {
            if let Part::Hole(span, expr) = part {
                self.holes.entry(expr.to_string()).or_insert(*span);
            }
        }
    }

    fn read_value(&mut self, key: &Written, value: &Text) {
        let [Atom::Literal(key)] = key.0.as_slice() else { return };
        let key = key.to_ascii_lowercase();
        let tag = key.split_once("tag/").map(|(_, tag)| tag);
        let written = Written::of(value);
        match (key.as_str(), tag) {
            ("aws:requestedregion" | "ec2:region", _)
            | (_, Some("topology.kubernetes.io/region")) => {
                vote(&mut self.region, written, value.span);
            }
            (
                _,
                Some(
                    "eks:eks-cluster-name"
                    | "karpenter.sh/managed-by"
                    | "karpenter.k8s.aws/cluster",
                ),
            ) => {
                vote(&mut self.cluster, written, value.span);
            }
            _ => {
                if let Some(arn) = written.arn() {
                    self.read_arn(&arn, value.span);
                }
            }
        }
    }

    fn read_arn(
        &mut self,
        [_, partition, service, region, account, resource]: &[Written; 6],
        span: Span,
    ) {
        vote(&mut self.partition, partition.clone(), span);
        vote(&mut self.region, region.clone(), span);
        // `aws` stands for the account of AWS's own managed policies.
        if account.0 != [Atom::Literal("aws".to_owned())] {
            vote(&mut self.account, account.clone(), span);
        }
        if service.0 == [Atom::Literal("eks".to_owned())]
            && let Some(name) = resource.behind("cluster/")
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

fn vote(votes: &mut BTreeMap<Written, Votes>, written: Written, span: Span) {
    if written.is_name() {
        votes.entry(written).or_insert(Votes { count: 0, first: span }).count += 1;
    }
}
