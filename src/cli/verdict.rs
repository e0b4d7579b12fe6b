//! What is said of one controller: the last line, what it rests on, the answer to each request.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::check::{Answer, Checked, words};
use crate::controller::{Controller, Document};
use crate::extract::{Assumed, Kind};
use crate::finding::{Finding, Severity};
use crate::karpenter::Version;
use crate::order;
use crate::report::{Assumptions, DocumentRef, Verdict};
use crate::settings::infer::{Assumption, Resolved};
use crate::source::SourceId;

use super::plan::VersionFrom;

/// What else a verdict depends on.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Who says which version is looked at.
    pub(super) version_from: &'a VersionFrom,
    /// Levels that FullAWSAccess completed.
    pub(super) completed: &'a [String],
    /// Parameters and conditions of templates that were taken for granted.
    pub(super) assumed: &'a [(Range<usize>, Assumed)],
    /// Whether something could not be checked.
    pub(super) failed: bool,
}

/// The findings that are reported, by whom or what they are about.
pub(super) struct About<'f> {
    by_controller: HashMap<&'f str, Vec<&'f Finding>>,
    /// Those about documents, by the text that these stand in.
    by_source: HashMap<SourceId, Vec<&'f Finding>>,
}

/// What the verdicts of a controller have in common.
pub(super) struct Own<'f> {
    /// What is reported of it or of its documents.
    findings: Vec<&'f Finding>,
    documents: Arc<[DocumentRef]>,
    joined: Option<String>,
    /// What was taken for granted in its files.
    assumed: Arc<[Assumption]>,
}

impl<'f> About<'f> {
    pub(super) fn new(findings: &'f [Finding]) -> Self {
        let mut about = Self { by_controller: HashMap::new(), by_source: HashMap::new() };
        for finding in findings {
            let own = match &finding.controller {
                Some(name) => about.by_controller.entry(name).or_default(),
                None => about.by_source.entry(finding.primary.span.source).or_default(),
            };
            own.push(finding);
        }
        about
    }

    /// What the verdicts of a controller have in common.
    pub(super) fn of(
        &self,
        controller: &Controller,
        documents: &[Document],
        around: Surroundings<'_>,
    ) -> Own<'f> {
        let findings = self.findings(controller, documents);
        let read = controller.all_documents().filter_map(|index| documents.get(index));
        let named = read.filter(|document| !document.is_filled_in).map(|document| DocumentRef {
            file: document.file.clone(),
            address: document.origin.address.clone(),
            kind: kind_name(document, controller, documents),
        });
        Own {
            findings,
            documents: named.collect(),
            joined: joined(controller, documents),
            assumed: assumed_besides(controller, around),
        }
    }

    /// Those about a controller or its documents.
    fn findings(&self, controller: &Controller, documents: &[Document]) -> Vec<&'f Finding> {
        let mut own = self.by_controller.get(&*controller.name).cloned().unwrap_or_default();
        let mut indices: Vec<usize> = controller.all_documents().collect();
        order::sort(&mut indices);
        indices.dedup();
        for whole in indices.iter().filter_map(|index| Some(documents.get(*index)?.policy.span)) {
            let beside = self.by_source.get(&whole.source).into_iter().flatten();
            own.extend(beside.filter(|finding| whole.contains(finding.primary.span)));
        }
        own
    }
}

/// How bad a finding is in one version; `None` if it does not concern it.
fn severity_in(finding: &Finding, version: &str) -> Option<Severity> {
    let data = &finding.data;
    if data.versions.is_empty() {
        return Some(finding.severity);
    }
    let place = data.versions.iter().position(|own| own == version)?;
    data.severities.get(place).copied()
}

/// The verdict of one controller in one version.
pub(super) fn verdict<'r>(
    controller: &Controller,
    (resolved, checked): (Resolved, Checked<'r>),
    common: &Own<'_>,
    around: Surroundings<'_>,
) -> Verdict<'r> {
    let version = resolved.settings.karpenter;
    let name = version.to_string();
    let all = common.findings.iter().copied();
    let own: Vec<(&Finding, Severity)> =
        all.filter_map(|finding| Some((finding, severity_in(finding, &name)?))).collect();
    let sentence = sentence(controller, (&checked, version), &own, around.failed);
    // Advice takes nothing away from a clean answer.
    let clean = own.iter().all(|(_, severity)| *severity == Severity::Note);
    let assumed = match around.version_from {
        _ if clean => Some(assumed_line(controller, &resolved, &checked, around)),
        // Findings say what they assume, but not that.
        VersionFrom::File(place) => Some(format!("Karpenter {version}, from {place}")),
        _ => None,
    };
    Verdict {
        name: controller.name.clone(),
        karpenter: version,
        documents: Arc::clone(&common.documents),
        joined: common.joined.clone(),
        assumptions: Assumptions {
            settings: resolved.assumptions,
            version: assumed_version(version, around.version_from),
            besides: Arc::clone(&common.assumed),
        },
        settings: resolved.settings,
        symbols: checked.symbols,
        requests: checked.requests,
        assumed,
        hints: Vec::new(),
        sentence,
    }
}

/// Which documents are judged as one, and why.
fn joined(controller: &Controller, documents: &[Document]) -> Option<String> {
    let why = controller.joined.as_ref().filter(|_| controller.identity.len() > 1)?;
    let own: Vec<&Document> =
        controller.identity.iter().filter_map(|&index| documents.get(index)).collect();
    let one_file = own.iter().all(|document| own.first().is_some_and(|f| f.file == document.file));
    // That all of one file is meant goes without saying; that one role of it is, does not.
    if one_file && controller.role.is_none() {
        return None;
    }
    let name = |document: &&Document| match (&document.origin.address, &document.origin.name) {
        _ if document.is_filled_in => "AdministratorAccess".to_owned(),
        // An inline policy stands at its role; its name tells it from others.
        (_, Some(name)) if one_file && document.origin.kind == Kind::Inline => name.display(),
        (Some(address), _) if one_file => address.clone(),
        (None, Some(name)) if one_file => name.display(),
        _ => document.file.clone(),
    };
    let mut names: Vec<String> = own.iter().map(name).collect();
    names.dedup();
    Some(format!("{}: {why}", words::list(&names, 4)))
}

/// The version, where nobody gave it.
fn assumed_version(version: Version, from: &VersionFrom) -> Option<Assumption> {
    match from {
        VersionFrom::Given => None,
        VersionFrom::File(place) => Some(assume("karpenter", version.to_string(), place)),
        VersionFrom::Nobody => {
            let why = "nobody said which; the newest that is known";
            Some(assume("karpenter", version.to_string(), why))
        }
    }
}

/// What was taken for granted of the documents of a controller.
fn assumed_besides(controller: &Controller, around: Surroundings<'_>) -> Arc<[Assumption]> {
    let completed = around.completed.iter().map(|level| {
        let value = "completed by FullAWSAccess".to_owned();
        assume(&format!("--scp {level}"), value, "it holds no Allow")
    });
    let taken = own_assumed(controller, around)
        .map(|taken| assume(&taken.symbol, taken.value.clone(), taken.from));
    let joined = controller
        .joined
        .iter()
        .map(|joined| assume("documents", format!("{} joined", controller.identity.len()), joined));
    completed.chain(taken).chain(joined).collect()
}

fn assume(symbol: &str, value: String, from: &str) -> Assumption {
    Assumption { symbol: symbol.to_owned(), value, from: from.to_owned(), place: None }
}

fn kind_name(document: &Document, controller: &Controller, documents: &[Document]) -> &'static str {
    let is =
        |index: &usize| documents.get(*index).is_some_and(|other| std::ptr::eq(other, document));
    if controller.boundary.as_ref().is_some_and(is) {
        "boundary"
    } else if controller.service_control.iter().flatten().any(is) {
        "scp"
    } else {
        "identity"
    }
}

fn sentence(
    controller: &Controller,
    (checked, version): (&Checked<'_>, Version),
    own: &[(&Finding, Severity)],
    failed: bool,
) -> String {
    let count = |severity| own.iter().filter(|(_, own)| *own == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let name = &controller.name;
    let tail = if failed { ", as far as could be checked" } else { "" };
    let mut counts = Vec::new();
    if errors > 0 {
        counts.push(plural(errors, "error"));
    }
    if warnings > 0 {
        counts.push(plural(warnings, "warning"));
    }
    let counts = counts.join(", ");
    if errors > 0 {
        return format!("{name} is not ready for Karpenter {version}: {counts}{tail}");
    }
    if warnings > 0 {
        let far = if checked.unsettled { " as far as the files tell" } else { "" };
        return format!("{name} is ready for Karpenter {version}{far}: {counts}{tail}");
    }
    if checked.requests.iter().any(|request| request.answer != Answer::Allowed) {
        // Somebody may report a denial as a note.
        let notes = own.iter().filter(|(finding, _)| !finding.data.denied.is_empty()).count();
        if notes > 0 {
            let notes = plural(notes, "note");
            return format!("{name} lacks something for Karpenter {version}: {notes}{tail}");
        }
        return format!(
            "{name} has nothing to report for Karpenter {version}: what is denied is ignored{tail}"
        );
    }
    let calls = plural(checked.requests.len(), "call");
    let dry = if checked.requests.iter().any(|request| request.rule.dry_run) {
        ", every dry run gets 412"
    } else {
        ""
    };
    format!("{name} is ready for Karpenter {version}: {calls} allowed{dry}{tail}")
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// What a clean answer rests on, in one line.
fn assumed_line(
    controller: &Controller,
    resolved: &Resolved,
    checked: &Checked<'_>,
    around: Surroundings<'_>,
) -> String {
    let settings = &resolved.settings;
    let version = settings.karpenter;
    let symbols = &checked.symbols;
    let mut parts = Vec::new();
    match around.version_from {
        VersionFrom::Given => {}
        VersionFrom::File(place) => {
            parts.push(format!("Karpenter {version}, from {place}"));
        }
        VersionFrom::Nobody => parts.push(format!("Karpenter {version}, the newest known")),
    }
    // Only what the policies themselves name is worth a word.
    let named = |setting: &str| resolved.assumptions.iter().any(|known| known.symbol == setting);
    if named("cluster-name") {
        parts.push(format!("cluster {}", settings.cluster.display(symbols)));
    }
    if named("region") {
        parts.push(format!("region {}", settings.region.display(symbols)));
    }
    for setting in ["node-roles", "interruption-queue"] {
        // A placeholder for the whole is itself; a name is worth a look.
        let known = resolved.assumptions.iter().find(|known| known.symbol == setting);
        if let Some(value) = known.map(|known| &known.value).filter(|value| !value.contains("${")) {
            let name = value.rsplit([':', '/']).next().unwrap_or(value);
            let what = if setting == "node-roles" { "node role" } else { "queue" };
            parts.push(format!("{what} {name}"));
        }
    }
    if settings.spot_assumed {
        parts.push("on-demand and spot".to_owned());
    }
    let limits = match (controller.service_control.is_empty(), controller.boundary.is_none()) {
        (true, true) => "no SCP, no boundary",
        (true, false) => "no SCP",
        (false, true) => "no boundary",
        (false, false) => "",
    };
    let mut line = parts.join(", ");
    let taken: Vec<&Assumed> = own_assumed(controller, around).collect();
    let (shown, more) = taken.split_at(taken.len().min(3));
    for taken in shown {
        line.push_str(&format!("; {} is {}", taken.symbol, quoted(&taken.value)));
    }
    if !more.is_empty() {
        line.push_str(&format!(" and {} more of the template", more.len()));
    }
    for level in around.completed {
        line.push_str(&format!("; FullAWSAccess beside {level}"));
    }
    if !limits.is_empty() {
        if !line.is_empty() {
            line.push_str("; ");
        }
        line.push_str(limits);
    }
    line
}

/// What was taken for granted in the files of a controller; what stands in another file is none of its own.
fn own_assumed<'a>(
    controller: &'a Controller,
    around: Surroundings<'a>,
) -> impl Iterator<Item = &'a Assumed> {
    let own = move |read_with: &Range<usize>| {
        controller.all_documents().any(|index| read_with.contains(&index))
    };
    around.assumed.iter().filter(move |(read_with, _)| own(read_with)).map(|(_, taken)| taken)
}

/// A value that can be seen.
fn quoted(value: &str) -> &str {
    if value.is_empty() { "\"\"" } else { value }
}
