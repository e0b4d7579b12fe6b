//! Whether policies are as small as AWS wants them (`rules/aws/quotas.toml`), how long names may get
//! until they are not, and where to split them.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::controller::{Document, DocumentKind};
use crate::extract::Kind;
use crate::finding::{Applicability, Finding, Fix, Label, Severity, Word};
use crate::fix::Edit;
use crate::policy::size::Length;
use crate::policy::symbolic::{Piece, Symbol, Symbolic};
use crate::settings::Settings;
use crate::source::SourceMap;

use super::Case;
use super::beside::{self, Has, Second};
use super::parts::{self, Split};

const RULE: &str = "policy-size";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quotas {
    #[expect(dead_code, reason = "for people: when the numbers were looked up")]
    checked: String,
    characters: Characters,
    attachments: Attachments,
    near: Near,
    length: Lengths,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Characters {
    managed: u64,
    role_inline: u64,
    user_inline: u64,
    group_inline: u64,
    trust: u64,
    service_control: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attachments {
    default: usize,
    most: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Near {
    percent: u64,
}

/// The fewest characters, as many as are likely, and those that nobody has to be told of.
type Range = [u64; 3];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Lengths {
    partition: Range,
    region: Range,
    account: Range,
    cluster_name: Range,
    name: Range,
}

fn quotas() -> &'static Quotas {
    static READ: OnceLock<Quotas> = OnceLock::new();
    const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/aws/quotas.json"));
    // A test reads the file, so a mistake in it does not come as far as this.
    READ.get_or_init(|| serde_json::from_str(TEXT).unwrap_or_default())
}

/// What AWS takes of a managed policy.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Characters, but for white space outside of strings.
    pub most: u64,
    lengths: &'static Lengths,
}

impl Limit {
    /// How long the value of a setting is likely to be.
    #[must_use]
    pub fn likely(&self, setting: &str) -> u64 {
        let [_, likely, _] = match setting {
            "partition" => self.lengths.partition,
            "region" => self.lengths.region,
            "account" => self.lengths.account,
            "cluster-name" => self.lengths.cluster_name,
            _ => self.lengths.name,
        };
        likely
    }
}

/// What AWS takes of a managed policy.
#[must_use]
pub fn managed_policy_limit() -> Limit {
    let quotas = quotas();
    Limit { most: quotas.characters.managed, lengths: &quotas.length }
}

/// What AWS limits.
#[derive(Clone, Copy)]
struct Quota {
    /// As in a sentence: `this managed policy`.
    name: &'static str,
    most: u64,
    spaces: bool,
    /// Whether all inline policies of the principal have it together.
    shared: bool,
}

fn quota(document: &Document) -> Option<Quota> {
    let most = &quotas().characters;
    let (name, most) = match (document.kind, document.origin.kind) {
        (DocumentKind::Resource, _) => return None,
        (DocumentKind::Trust, _) => ("this trust policy", most.trust),
        (DocumentKind::ServiceControl, _) => {
            let (name, most) = ("this service control policy", most.service_control);
            return Some(Quota { name, most, spaces: true, shared: false });
        }
        (_, Kind::Inline) => ("this inline policy of a role", most.role_inline),
        (_, Kind::User) => ("this inline policy of a user", most.user_inline),
        (_, Kind::Group) => ("this inline policy of a group", most.group_inline),
        (DocumentKind::Identity | DocumentKind::OtherPrincipal, _) => {
            ("this managed policy", most.managed)
        }
    };
    let inline = matches!(document.origin.kind, Kind::Inline | Kind::User | Kind::Group);
    let shared = inline && !matches!(document.kind, DocumentKind::Trust);
    Some(Quota { name, most, spaces: false, shared })
}

/// What a hole stands for.
type Bind<'a> = &'a dyn Fn(&str) -> Symbolic;

/// How long the values of holes are.
#[derive(Clone, Copy)]
struct Values<'a> {
    /// What a hole stands for, and whose symbols these are; nothing is known of holes of a document
    /// that binds no controller.
    known: Option<(Bind<'a>, &'a Settings)>,
}

/// Which end of a range is meant.
#[derive(Clone, Copy)]
enum End {
    Least,
    Likely,
}

impl Values<'_> {
    fn length(&self, expression: &str, end: End) -> u64 {
        let Some((bind, _)) = self.known else { return 0 };
        let pieces = bind(expression);
        let lengths = pieces.pieces().iter().map(|piece| match piece {
            Piece::Literal(text) => text.chars().count() as u64,
            Piece::Symbol(symbol) => {
                let [least, likely, _] = self.range(*symbol);
                match end {
                    End::Least => least,
                    End::Likely => likely,
                }
            }
        });
        lengths.sum()
    }

    fn is(setting: &Symbolic, symbol: Symbol) -> bool {
        setting.symbols().any(|known| known.id == symbol.id)
    }

    fn is_cluster(&self, symbol: Symbol) -> bool {
        self.known.is_some_and(|(_, settings)| Self::is(&settings.cluster, symbol))
    }

    fn range(&self, symbol: Symbol) -> Range {
        let lengths = &quotas().length;
        let Some((_, settings)) = self.known else { return [0; 3] };
        for (setting, range) in [
            (&settings.cluster, lengths.cluster_name),
            (&settings.region, lengths.region),
            (&settings.account, lengths.account),
            (&settings.partition, lengths.partition),
        ] {
            if Self::is(setting, symbol) {
                return range;
            }
        }
        // Without an end, nothing can be said of it.
        let least = u64::from(symbol.shape.min);
        if symbol.shape.max == u16::MAX { [least; 3] } else { lengths.name }
    }

    /// How often the cluster's name stands in it.
    fn clusters(&self, length: &Length) -> u64 {
        let Some((bind, _)) = self.known else { return 0 };
        let count = |expression: &str| {
            bind(expression).symbols().filter(|symbol| self.is_cluster(*symbol)).count() as u64
        };
        length.holes.iter().map(|(expr, times)| count(expr) * u64::from(*times)).sum()
    }
}

/// The size of a document under its quota.
fn measure(document: &Document, quota: Quota, sources: &SourceMap) -> Length {
    let mut length = document.size.whole.clone();
    if quota.spaces && document.size.is_text {
        // All that is written, but for the holes: `${expression}`.
        let holes =
            length.holes.iter().map(|(hole, times)| (hole.chars().count() + 3) * *times as usize);
        let written = sources.slice(document.policy.span).chars().count();
        length.known = u32::try_from(written.saturating_sub(holes.sum())).unwrap_or(u32::MAX);
    }
    length
}

/// What AWS takes of a document that the edits make longer than that. White space between tokens does not
/// count; YAML and Terraform's language are about as long as the JSON that becomes of them.
pub(super) fn outgrown(case: &Case<'_, '_>, document: &Document, edits: &[Edit]) -> Option<u64> {
    let quota = quota(document)?;
    let span = document.policy.span;
    let own =
        edits.iter().filter(|edit| edit.span.source == span.source && span.contains(edit.span));
    let count = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count() as u64;
    let (more, less) = own.fold((0, 0), |(more, less), edit| {
        (more + count(&edit.text), less + count(&case.sources.slice(edit.span)))
    });
    let bind = |hole: &str| case.resolved.resolve(hole);
    let values = Values { known: Some((&bind, &case.resolved.settings)) };
    let length = measure(document, quota, case.sources);
    let before = length.with(|hole| values.length(hole, End::Likely));
    let after = (before + more).saturating_sub(less);
    (before <= quota.most && after > quota.most).then_some(quota.most)
}

/// A number as people write it: `6,144`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What is wrong with the size of a document that binds no controller.
pub(super) fn alone(document: &Document, sources: &SourceMap) -> Option<Finding> {
    let quota = quota(document)?;
    let length = measure(document, quota, sources);
    judge(&[document], quota, &length, Values { known: None }, (Has::Nobody, sources))
}

/// The sizes of all documents of a controller, and how many it has.
pub(super) fn findings(case: &Case<'_, '_>) -> Vec<Finding> {
    let bind = |hole: &str| case.resolved.resolve(hole);
    let values = Values { known: Some((&bind, &case.resolved.settings)) };
    let own = |indices: &mut dyn Iterator<Item = usize>| -> Vec<&Document> {
        let documents = indices.filter_map(|index| case.documents.get(index));
        documents.filter(|document| !document.is_filled_in).collect()
    };
    let controller = case.controller;
    let bound = if controller.role.is_some() { Has::Role } else { Has::Nobody };
    let boundary = controller.boundary.and_then(|index| case.documents.get(index));
    let has = |document: &Document| {
        let is_boundary = boundary.is_some_and(|boundary| std::ptr::eq(boundary, document));
        if is_boundary { Has::Boundary } else { bound }
    };
    let inline = |document: &&&Document| document.origin.kind == Kind::Inline;
    let all = own(&mut controller.all_documents());
    let mut out: Vec<Finding> = all
        .iter()
        .filter(|document| !inline(document))
        .filter_map(|document| {
            let quota = quota(document)?;
            let length = measure(document, quota, case.sources);
            judge(&[document], quota, &length, values, (has(document), case.sources))
        })
        .collect();
    let together: Vec<&Document> = all.iter().filter(inline).copied().collect();
    if let Some(mut quota) = together.first().and_then(|document| quota(document)) {
        let mut sum = Length::default();
        together.iter().for_each(|document| sum.join(&document.size.whole));
        if together.len() > 1 {
            quota.name = "the inline policies of this role together";
        }
        let place = (bound, case.sources);
        out.extend(judge(&together, quota, &sum, values, place));
    }
    out.extend(attachments(case));
    out
}

fn judge(
    documents: &[&Document],
    quota: Quota,
    length: &Length,
    values: Values<'_>,
    (has, sources): (Has, &SourceMap),
) -> Option<Finding> {
    let first = documents.first()?;
    let least = length.with(|hole| values.length(hole, End::Least));
    let likely = length.with(|hole| values.length(hole, End::Likely));
    let Quota { name, most, .. } = quota;
    let (limit, verb) = (number(most), if documents.len() > 1 { "have" } else { "has" });
    let fit = if documents.len() > 1 { "fit" } else { "fits" };
    let clusters = values.clusters(length);
    // The longest name with which it fits, all other names as long as they are likely to get.
    let [_, usual, longest] = quotas().length.cluster_name;
    let longest_fit =
        (clusters > 0).then(|| (most + clusters * usual).saturating_sub(likely) / clusters);
    let (severity, message, label) = if least > most {
        let at_least = if length.holes.is_empty() { "" } else { "at least " };
        let size = number(least);
        let message = format!("{name} {verb} {at_least}{size} characters, but AWS takes {limit}");
        (Severity::Error, message, format!("{} too many", number(least - most)))
    } else if let Some(fits) = longest_fit.filter(|fits| *fits < longest) {
        let severity = if likely > most { Severity::Warning } else { Severity::Note };
        let message = if fits == 0 {
            format!(
                "{name} {verb} {} characters with names of usual length, but AWS takes {limit}",
                number(likely)
            )
        } else {
            format!(
                "{name} {fit} up to a cluster name of {fits} characters: AWS takes {limit} in all"
            )
        };
        (severity, message, format!("the cluster's name stands here {clusters} times"))
    } else if likely > most {
        let message = format!(
            "{name} {verb} {} characters with names of usual length, but AWS takes {limit}",
            number(likely)
        );
        (Severity::Warning, message, format!("{} too many", number(likely - most)))
    } else if likely * 100 >= most * quotas().near.percent {
        let message =
            format!("{name} {verb} {} of the {limit} characters that AWS takes", number(likely));
        (Severity::Note, message, format!("{} are left", number(most - likely)))
    } else {
        return None;
    };
    let largest =
        documents.iter().max_by_key(|document| document.size.whole.known).unwrap_or(first);
    let mut finding = Finding::new(RULE, severity, largest.policy.statement_key, message);
    finding.primary.message = label;
    finding.address = largest.origin.address.clone();
    let others = documents.iter().filter(|document| !std::ptr::eq(**document, *largest));
    finding.related = others
        .map(|document| Label {
            span: document.policy.statement_key,
            message: format!("{} of them here", number(u64::from(document.size.whole.known))),
        })
        .collect();
    finding.fact(Word::Assumed, vec![counted(first, quota, length, values)]);
    if severity > Severity::Note {
        let length = |length: &Length| length.with(|hole| values.length(hole, End::Likely));
        let others = likely - length(&largest.size.whole).min(likely);
        let split = match (quota.shared, documents) {
            (true, _) => parts::moved(largest, (quota.most, others), &length),
            (false, [one]) if !matches!(one.kind, DocumentKind::Trust) => {
                parts::split(one, quota.most, &length)
            }
            _ => None,
        };
        remedy(&mut finding, split, largest, quota, (has, sources));
    }
    Some(finding)
}

/// Says what to do, and writes it where that can be done here.
fn remedy(
    finding: &mut Finding,
    split: Option<Split>,
    document: &Document,
    quota: Quota,
    (has, sources): (Has, &SourceMap),
) {
    let Some(Split { mut title, cut }) = split else {
        let title = match quota.name {
            "this trust policy" => "name fewer principals, or ask AWS for a higher quota",
            _ => "make a managed policy of one of them: each of these has a quota of its own",
        };
        finding.help = Some(title.to_owned());
        finding.fact(Word::Fix, vec![title.to_owned()]);
        let (title, edits) = (title.to_owned(), Vec::new());
        finding.fix = Some(Fix { title, applicability: Applicability::Display, edits });
        return;
    };
    let second = match cut {
        Some(cut) => beside::second(document, cut, has, sources),
        None => Second::Told(None),
    };
    let (applicability, edits) = match second {
        Second::Written(edits) => (Applicability::Unsafe, edits),
        Second::Shown(edits, why) => {
            title = format!("{title}; {why}");
            (Applicability::Display, edits)
        }
        Second::Told(why) => {
            if let Some(why) = why {
                title = format!("{title}; by hand, because {why}");
            }
            (Applicability::Display, Vec::new())
        }
    };
    finding.help = Some(title.clone());
    finding.fact(Word::Fix, vec![title.clone()]);
    finding.fix = Some(Fix { title, applicability, edits });
}

/// How it was counted, and how long names were taken to be.
fn counted(document: &Document, quota: Quota, length: &Length, values: Values<'_>) -> String {
    let how = match (document.size.is_text, quota.spaces) {
        (true, true) => "counted as it is written, white space included",
        (true, false) => "counted without the white space outside of strings",
        (false, _) => "counted as the JSON that is made of it, without white space",
    };
    let mut names = Vec::new();
    if let Some((bind, settings)) = values.known {
        let lengths = &quotas().length;
        let parts = [
            ("region", &settings.region, lengths.region),
            ("account", &settings.account, lengths.account),
            ("partition", &settings.partition, lengths.partition),
        ];
        for (name, setting, [_, likely, _]) in parts {
            let mut symbols = length.holes.iter().map(|(hole, _)| bind(hole));
            if symbols.any(|bound| bound.symbols().any(|symbol| Values::is(setting, symbol))) {
                names.push(format!("{name} of {likely} characters"));
            }
        }
    }
    if names.is_empty() { how.to_owned() } else { format!("{how}; {}", names.join(", ")) }
}

/// Managed policies attached to one role.
fn attachments(case: &Case<'_, '_>) -> Option<Finding> {
    let Attachments { default, most } = quotas().attachments;
    let controller = case.controller;
    controller.role.as_ref()?;
    let documents = controller.identity.iter().filter_map(|index| case.documents.get(*index));
    let here = documents.filter(|document| document.origin.kind == Kind::Managed).count();
    let managed = || controller.unseen.iter().filter(|unseen| !unseen.is_inline);
    let count = here + managed().count();
    if count <= default {
        return None;
    }
    let severity = if count > most { Severity::Error } else { Severity::Warning };
    let unseen = managed().next_back().map(|unseen| unseen.span);
    let mut documents = controller.identity.iter().filter_map(|index| case.documents.get(*index));
    let last = documents.rfind(|document| !document.is_filled_in);
    let span = unseen.or_else(|| last.map(|document| document.policy.statement_key))?;
    let message = format!(
        "this role has {count} managed policies, but AWS takes {default} unless the quota was raised (to {most} at most)"
    );
    let mut finding = Finding::new(RULE, severity, span, message);
    finding.primary.message = "the last of them".to_owned();
    let title = "join some of the policies".to_owned();
    finding.help = Some(title.clone());
    finding.fact(Word::Fix, vec![title]);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quotas_are_read() {
        assert_eq!(quotas().characters.managed, 6144);
        assert!(quotas().near.percent > 0 && quotas().attachments.default == 10);
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!([0, 999, 6144, 1_234_567].map(number), ["0", "999", "6,144", "1,234,567"]);
    }
}
