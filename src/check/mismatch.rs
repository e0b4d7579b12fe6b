//! What exactly differs between a statement and what Karpenter asks: the partition, the cluster, or
//! the resource itself.

use crate::policy::symbolic::Symbols;
use crate::policy::{Condition, Element};
use crate::settings::Settings;
use crate::syntax::Text;

/// A difference with a rule of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The ARN is right but for its partition.
    Partition {
        /// As written.
        written: String,
        /// Ours.
        wanted: String,
    },
    /// The resource is right but for the cluster in it.
    Cluster {
        /// As written.
        written: String,
        /// Ours.
        wanted: String,
    },
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
    let (written, needed) = (segments(written), segments(needed));
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
            4 * strsim::osa_distance(a_type, b_type).min(8) + 1
        } else {
            8
        };
    }
    total
}

/// Whether a resource fails only for its partition or its cluster.
#[must_use]
pub(super) fn kind(
    element: &Element,
    needed: &[String],
    settings: &Settings,
    symbols: &Symbols,
) -> Option<Kind> {
    if element.negated {
        return None;
    }
    let near = nearest_resource(&element.values, needed)?.display();
    let partition = settings.partition.display(symbols);
    let written = (*segments(&near).get(1)?).to_owned();
    let differs = |text: &str| !text.is_empty() && !text.contains(['*', '?', '$']);
    if settings.partition.as_literal().is_some() && differs(&written) && written != partition {
        let same = needed
            .iter()
            .any(|arn| same_but(segments(arn).into_iter(), segments(&near).into_iter(), 1));
        if same {
            return Some(Kind::Partition { written, wanted: partition });
        }
    }
    let cluster = settings.cluster.as_literal()?;
    let segments_near = segments(&near);
    let resource = *segments_near.get(5)?;
    let needed = needed.iter().find_map(|arn| {
        let resource = *segments(arn).get(5)?;
        resource.contains(cluster).then_some(resource)
    })?;
    let (head, tail) = needed.split_once(cluster)?;
    let other = resource.strip_prefix(head)?.strip_suffix(tail)?;
    (differs(other) && other != cluster && !other.contains('/'))
        .then(|| Kind::Cluster { written: other.to_owned(), wanted: cluster.to_owned() })
}

/// Whether two ARNs are the same type of thing but for segment `place`.
fn same_but<'a>(
    a: impl Iterator<Item = &'a str>,
    b: impl Iterator<Item = &'a str>,
    place: usize,
) -> bool {
    a.zip(b).enumerate().all(|(at, (needed, written))| {
        at == place
            || needed == written
            || written == "*"
            || needed.contains("${")
            || (at == 5 && needed.split('/').next() == written.split('/').next())
    })
}

/// The cluster that a condition line names in place of `ours`.
#[must_use]
pub(super) fn other_cluster(condition: &Condition, ours: &str) -> Option<String> {
    const CLUSTER_KEY: &str = "tag/kubernetes.io/cluster/";
    let key = condition.key.as_literal()?;
    let lower = key.to_lowercase();
    let plain =
        |text: &str| !text.is_empty() && !text.contains(['*', '?', '$', '/']) && text != ours;
    if let Some(at) = lower.find(CLUSTER_KEY) {
        let other = key.get(at + CLUSTER_KEY.len()..)?;
        return plain(other).then(|| other.to_owned());
    }
    let names_cluster =
        ["eks:eks-cluster-name", "karpenter.sh/managed-by", "karpenter.k8s.aws/cluster"];
    if !names_cluster.iter().any(|tag| lower.ends_with(&format!("tag/{tag}"))) {
        return None;
    }
    match condition.values.as_slice() {
        [one] => one.as_literal().filter(|text| plain(text)).map(str::to_owned),
        _ => None,
    }
}

/// The segments of an ARN, six at most; a colon inside `${AWS::Region}` does not count.
fn segments(arn: &str) -> Vec<&str> {
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
