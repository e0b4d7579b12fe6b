//! Where to cut a policy that is too long: which statements stay, which go elsewhere.

use crate::controller::Document;
use crate::policy::size::Length;

use super::size::{managed_policy_limit, number};
use super::words::{list, statement_name};

/// What to do about a document that is too long.
pub(super) struct Split {
    /// In words.
    pub(super) title: String,
    /// How many statements stay in it; `None` where it cannot be cut between two of them.
    pub(super) cut: Option<usize>,
}

/// How many characters something is likely to have.
type Measure<'a> = &'a dyn Fn(&Length) -> u64;

/// The sizes of a document.
struct Sizes<'a> {
    document: &'a Document,
    /// Of each statement, with its comma.
    each: Vec<u64>,
    /// Of what stands around the statements.
    around: u64,
}

impl<'a> Sizes<'a> {
    fn new(document: &'a Document, length: Measure<'_>) -> Option<Self> {
        let statements = &document.size.statements;
        let each: Vec<u64> = statements.iter().map(|(_, own)| length(own) + 1).collect();
        let around = length(&document.size.whole).checked_sub(each.iter().sum::<u64>())?;
        Some(Self { document, each, around })
    }

    fn name(&self, at: usize) -> String {
        let span = self.document.size.statements.get(at).map(|(span, _)| *span);
        let own = self.document.policy.statements.iter().find(|own| Some(own.span) == span);
        own.map_or_else(|| format!("statement {}", at + 1), |own| statement_name(own, at))
    }

    /// A policy of some of the statements.
    fn of(&self, part: &std::ops::Range<usize>) -> u64 {
        self.around + self.each.get(part.clone()).unwrap_or_default().iter().sum::<u64>()
    }

    /// Such a policy in words.
    fn told(&self, part: &std::ops::Range<usize>) -> String {
        let size = number(self.of(part));
        match part.len() {
            1 => format!("{} ({size})", self.name(part.start)),
            _ => format!("{} to {} ({size})", self.name(part.start), self.name(part.end - 1)),
        }
    }

    /// A statement that fits nowhere.
    fn too_long(&self, most: u64) -> Option<Split> {
        let at = self.each.iter().position(|size| size + self.around > most)?;
        let title = format!("{} alone is too long: split its lists", self.name(at));
        Some(Split { title, cut: None })
    }
}

/// Documents of at most `most` characters, as few as it takes.
pub(super) fn split(document: &Document, most: u64, length: Measure<'_>) -> Option<Split> {
    let sizes = Sizes::new(document, length)?;
    if let Some(split) = sizes.too_long(most) {
        return Some(split);
    }
    let fewest = cut(&sizes.each, most.checked_sub(sizes.around)?).len();
    // As many documents as it takes, the largest of them as small as that allows.
    let (mut low, mut high) = (0, most - sizes.around);
    while low < high {
        let middle = low.midpoint(high);
        let fits = sizes.each.iter().all(|size| *size <= middle)
            && cut(&sizes.each, middle).len() <= fewest;
        if fits { high = middle } else { low = middle + 1 }
    }
    let parts = cut(&sizes.each, high);
    let first = parts.first().filter(|_| parts.len() > 1)?;
    let told: Vec<String> = parts.iter().map(|part| sizes.told(part)).collect();
    let title = format!("split it into {} policies: {}", parts.len(), list(&told, 6));
    Some(Split { title, cut: Some(first.end) })
}

/// Statements of an inline policy that go to a managed one: another inline policy would have to share
/// the same quota (AWS: *IAM and AWS STS quotas*). `others` is what the other inline policies take of it.
pub(super) fn moved(
    document: &Document,
    (most, others): (u64, u64),
    length: Measure<'_>,
) -> Option<Split> {
    let sizes = Sizes::new(document, length)?;
    let managed = managed_policy_limit().most;
    if let Some(split) = sizes.too_long(managed) {
        return Some(split);
    }
    let all = sizes.each.len();
    let parts = |cut: usize| (sizes.of(&(0..cut)) + others, sizes.of(&(cut..all)));
    let fits = |cut: &usize| parts(*cut).1 <= managed;
    // As far below both quotas as it gets; else as much as one managed policy takes.
    let best = (1..all)
        .filter(|cut| fits(cut) && parts(*cut).0 <= most)
        .min_by_key(|cut| {
            let (rest, moved) = parts(*cut);
            (rest * managed).max(moved * most)
        })
        .or_else(|| (1..all).find(fits))?;
    let title = format!(
        "move {} into a managed policy: the inline policies share their {} characters",
        sizes.told(&(best..all)),
        number(most),
    );
    Some(Split { title, cut: Some(best) })
}

/// Runs of statements, each no longer than `most`.
fn cut(sizes: &[u64], most: u64) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    let mut sum = 0;
    for (at, size) in sizes.iter().enumerate() {
        match out.last_mut().filter(|_| sum + size <= most) {
            Some(last) => last.end = at + 1,
            None => {
                out.push(at..at + 1);
                sum = 0;
            }
        }
        sum += size;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn statements_are_cut_into_runs() {
        assert_eq!(cut(&[3, 3, 3], 6), [0..2, 2..3]);
        assert_eq!(cut(&[7, 1], 6), [0..1, 1..2]);
        assert_eq!(cut(&[], 6), Vec::<std::ops::Range<usize>>::new());
    }
}
