//! What exactly differs between a statement and what Karpenter asks: the statement is for another
//! partition, region, account or cluster; and which of several resources was meant.

use crate::order;
use crate::policy::condition::{Kind, Operator};
use crate::policy::globs::covers;
use crate::policy::symbolic::Symbols;
use crate::policy::{Condition, Statement};
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::Text;

use super::judge::Asked;
use super::nearest::Candidate;
use super::words;

/// A statement that is right but for where it is meant for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Elsewhere {
    /// What differs.
    pub(super) what: Place,
    /// As written.
    pub(super) written: String,
    /// Ours.
    pub(super) wanted: String,
}

/// What can differ. Where several do, the first of them is told: another partition always has other regions,
/// and most often other accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// `aws`, `aws-cn`, …
    Partition,
    /// The name of the cluster.
    Cluster,
    /// A region.
    Region,
    /// An account.
    Account,
}

impl Place {
    /// As in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Region => "region",
            Self::Account => "account",
            Self::Cluster => "cluster",
        }
    }
}

/// Where a statement is meant for, if all that fails in `candidate` fails for that: each difference with its
/// token, the one to tell first.
pub(super) fn elsewhere(
    candidate: &Candidate,
    statement: &Statement,
    asked: &Asked<'_, '_>,
    settings: &Settings,
    symbols: &Symbols,
) -> Option<Vec<(Elsewhere, Span)>> {
    let fails = &candidate.fails;
    if fails.action || fails.misspelt.is_some() {
        return None;
    }
    let mut found: Vec<(Elsewhere, Span)> = Vec::new();
    if fails.resource {
        let element = statement.resource.as_ref().filter(|element| !element.negated)?;
        let needed = words::resource(asked, symbols);
        let text = nearest_resource(&element.values, std::slice::from_ref(&needed))?;
        let differing = of_arn(&text.display(), &needed, settings)?;
        found.extend(differing.into_iter().map(|one| (one, text.span)));
    }
    for condition in fails.lines.iter().filter_map(|&line| statement.conditions.get(line)) {
        found.push(of_condition(condition, settings)?);
    }
    order::by_key(&mut found, |(elsewhere, _)| elsewhere.what);
    // Two names for one and the same place: it is none.
    let agree = |(one, other): (&(Elsewhere, Span), &(Elsewhere, Span))| {
        one.0.what != other.0.what || one.0 == other.0
    };
    let alike = found.iter().zip(found.iter().skip(1)).all(agree);
    (alike && !found.is_empty()).then_some(found)
}

/// A name, and not a pattern or a placeholder.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?', '$', '/'])
}

/// The places in which an ARN differs from what is asked, if it differs in nothing else.
fn of_arn(written: &str, needed: &str, settings: &Settings) -> Option<Vec<Elsewhere>> {
    let (have, want) = (segments(written), segments(needed));
    if have.len() != 6 || want.len() != 6 {
        return None;
    }
    let mut found = Vec::new();
    for (at, (have, want)) in have.iter().zip(&want).enumerate() {
        let open = have.contains("${") || want.contains("${");
        if have == want || open || covers(have, want, false) || at == 5 && same_type(have, want) {
            continue;
        }
        let what = match at {
            1 => Place::Partition,
            3 => Place::Region,
            4 => Place::Account,
            5 => Place::Cluster,
            _ => return None,
        };
        let (have, want) = match what {
            Place::Cluster => {
                let ours = settings.cluster.as_literal()?;
                let (head, tail) = want.split_once(ours)?;
                (have.strip_prefix(head)?.strip_suffix(tail)?, ours)
            }
            _ => (*have, *want),
        };
        if !is_plain(have) || !is_plain(want) {
            return None;
        }
        found.push(Elsewhere { what, written: have.to_owned(), wanted: want.to_owned() });
    }
    Some(found).filter(|found| !found.is_empty())
}

/// Whether two resources are of one type, and the pattern covers any of it: `instance/*`.
fn same_type(have: &str, want: &str) -> bool {
    have.ends_with("/*") && have.split('/').next() == want.split('/').next()
}

/// Whether the operator wants a value to be what the policy says. A name under any other operator is not where the
/// policy is for: `Null` has none, and `StringNotEquals` has the ones that are shut out.
fn wants_value(condition: &Condition) -> bool {
    let operator = condition.operator.as_literal().and_then(Operator::parse);
    operator.is_some_and(|operator| !operator.negated && operator.kind != Kind::Null)
}

/// A line that wants another cluster or region.
fn of_condition(condition: &Condition, settings: &Settings) -> Option<(Elsewhere, Span)> {
    let found = |what, written: &str, wanted: &str, span| {
        let (written, wanted) = (written.to_owned(), wanted.to_owned());
        Some((Elsewhere { what, written, wanted }, span))
    };
    if let Some(ours) = settings.cluster.as_literal()
        && let Some(other) = other_cluster(condition, ours)
    {
        let span = match condition.values.as_slice() {
            [one] if one.as_literal() == Some(&*other) => one.span,
            _ => condition.key.span,
        };
        return found(Place::Cluster, &other, ours, span);
    }
    let key = condition.key.as_literal()?.to_lowercase();
    let region = key == "aws:requestedregion"
        || key == "ec2:region"
        || key.ends_with("tag/topology.kubernetes.io/region");
    match (condition.values.as_slice(), settings.region.as_literal()) {
        ([one], Some(ours)) if region && wants_value(condition) => {
            let other = one.as_literal().filter(|text| is_plain(text) && *text != ours)?;
            found(Place::Region, other, ours, one.span)
        }
        _ => None,
    }
}

/// The value most like one of the needed ARNs, if any is an ARN of the same service.
#[must_use]
pub(super) fn nearest_resource<'t>(values: &'t [Text], needed: &[String]) -> Option<&'t Text> {
    let distance = |text: &Text| {
        let written = text.display();
        needed.iter().map(|arn| unlike(&written, arn)).min().unwrap_or(usize::MAX)
    };
    values.iter().min_by_key(|text| distance(text))
}

/// How unlike two ARNs are: segments count more than letters.
fn unlike(written: &str, needed: &str) -> usize {
    let mut total = 0;
    let (mut written, needed) = (segments(written), segments(needed));
    if written.len() < 6 && written.first() == Some(&"arn") {
        // A colon is missing somewhere: what stands last is the resource all the same.
        let last = written.pop().unwrap_or_default();
        written.resize(5, "*");
        written.push(last);
        total += 2;
    }
    let (mut left, mut right) = (written.into_iter(), needed.into_iter());
    for place in 0..6 {
        let (a, b) = (left.next().unwrap_or(""), right.next().unwrap_or(""));
        if a == b || a == "*" || b.starts_with("${") {
            continue;
        }
        total += if place == 5 {
            // The type in front of the slash tells more than the id behind it.
            let (a_type, b_type) =
                (a.split('/').next().unwrap_or(a), b.split('/').next().unwrap_or(b));
            // A type of that length is none.
            let far = a_type.len().max(b_type.len()) > 200;
            4 * if far { 8 } else { strsim::osa_distance(a_type, b_type).min(8) } + 1
        } else {
            8
        };
    }
    total
}

/// The cluster that a condition line names in place of `ours`.
fn other_cluster(condition: &Condition, ours: &str) -> Option<String> {
    const CLUSTER_KEY: &str = "tag/kubernetes.io/cluster/";
    let key = condition.key.as_literal()?;
    let lower = key.to_lowercase();
    let plain = |text: &str| is_plain(text) && text != ours;
    // The cluster is in the key: whatever is asked of the value, `Null` included, the tag must be there.
    if let Some(at) = lower.find(CLUSTER_KEY) {
        let other = key.get(at + CLUSTER_KEY.len()..)?;
        return plain(other).then(|| other.to_owned());
    }
    let names_cluster =
        ["eks:eks-cluster-name", "karpenter.sh/managed-by", "karpenter.k8s.aws/cluster"];
    if !wants_value(condition)
        || !names_cluster.iter().any(|tag| lower.ends_with(&format!("tag/{tag}")))
    {
        return None;
    }
    match condition.values.as_slice() {
        [one] => one.as_literal().filter(|text| plain(text)).map(str::to_owned),
        _ => None,
    }
}

/// The segments of an ARN, six at most; a colon inside `${AWS::Region}` does not count.
pub(super) fn segments(arn: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = arn;
    while out.len() < 5 {
        let mut depth = 0_usize;
        let colon = rest.char_indices().find(|(at, c)| {
            match c {
                '{' if rest.get(..*at).is_some_and(|head| head.ends_with('$')) => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            *c == ':' && depth == 0
        });
        let Some((head, tail)) =
            colon.and_then(|(at, _)| Some((rest.get(..at)?, rest.get(at + 1..)?)))
        else {
            break;
        };
        out.push(head);
        rest = tail;
    }
    out.push(rest);
    out
}
