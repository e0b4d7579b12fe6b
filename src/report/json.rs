//! `--format json`: schema 1. These structs are the format; the model may change, they may not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::check::RequestAnswer;
use crate::error::Error;
use crate::finding::{Denied, Finding, Fix, Severity};
use crate::fix::Edit;
use crate::karpenter::Version;
use crate::policy::symbolic::{Symbolic, Symbols};
use crate::settings::Settings;
use crate::source::{Position, SourceMap, Span};

use super::escape::is_dangerous;
use super::{Outcome, Reporter, Verdict};

/// One object, schema 1.
#[derive(Debug, Clone, Copy)]
pub struct Json;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ReportV1<'a> {
    schema: u8,
    tool: &'static str,
    version: &'static str,
    data: DatesV1,
    controllers: Vec<ControllerV1<'a>>,
    findings: Vec<FindingV1<'a>>,
    errors: Vec<ErrorV1<'a>>,
    summary: SummaryV1,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DatesV1 {
    karpenter: String,
    aws: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ControllerV1<'a> {
    name: &'a str,
    karpenter: String,
    documents: Vec<DocumentV1<'a>>,
    settings: SettingsV1<'a>,
    assumptions: Vec<AssumptionV1<'a>>,
    requests: Vec<RequestV1<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DocumentV1<'a> {
    file: &'a str,
    address: Option<&'a str>,
    kind: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) struct SettingsV1<'a> {
    cluster_name: String,
    region: String,
    account: String,
    partition: String,
    node_roles: Vec<String>,
    interruption_queue: String,
    capacity_types: Vec<&'static str>,
    node_pools: Vec<String>,
    node_classes: Vec<String>,
    node_class_tags: BTreeMap<&'a str, &'a str>,
    ssm_parameters: &'a [String],
    kms_keys: &'a [String],
    snapshot_ids: &'a [String],
    instance_profile: Option<&'a str>,
    features: Vec<&'static str>,
    upgraded_from: Option<String>,
    context: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AssumptionV1<'a> {
    symbol: &'a str,
    value: &'a str,
    from: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RequestV1<'a> {
    id: &'a str,
    call: &'a str,
    dry_run: bool,
    verdict: &'a str,
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureV1>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FailureV1 {
    condition: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    symptom: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FindingV1<'a> {
    rule: &'a str,
    severity: &'static str,
    message: &'a str,
    help: Option<&'a str>,
    url: String,
    controller: Option<&'a str>,
    file: String,
    address: Option<&'a str>,
    span: SpanV1,
    related: Vec<RelatedV1<'a>>,
    data: DataV1<'a>,
    fix: Option<FixV1<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FixV1<'a> {
    title: &'a str,
    applicability: &'static str,
    edits: Vec<EditV1>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct EditV1 {
    file: String,
    start: u32,
    end: u32,
    text: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RelatedV1<'a> {
    file: String,
    span: SpanV1,
    message: Cow<'a, str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SpanV1 {
    start: PositionV1,
    end: PositionV1,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PositionV1 {
    line: u32,
    column: u32,
    offset: u32,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DataV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    karpenter: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    versions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denied: Vec<DeniedV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<ConditionV1<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DeniedV1<'a> {
    action: &'a str,
    resource_type: &'a str,
    resource: &'a str,
    request: &'a str,
    dry_run: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ConditionV1<'a> {
    operator: &'a str,
    key: &'a str,
    expected: &'a [String],
    sent: &'a [String],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ErrorV1<'a> {
    file: &'a str,
    span: Option<SpanV1>,
    message: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SummaryV1 {
    files: usize,
    documents: usize,
    controllers: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    fixable: usize,
    suppressed: usize,
}

impl Reporter for Json {
    fn report(&self, outcome: &Outcome<'_>, out: &mut dyn Write) -> io::Result<()> {
        let sources = outcome.sources;
        let report = ReportV1 {
            schema: 1,
            tool: "karplint",
            version: env!("CARGO_PKG_VERSION"),
            data: DatesV1 { karpenter: outcome.data_karpenter.to_string(), aws: crate::aws::DATE },
            controllers: outcome.controllers.iter().map(controller).collect(),
            findings: outcome.findings.iter().map(|found| finding(sources, found)).collect(),
            errors: outcome.errors.iter().map(|stopped| error(sources, stopped)).collect(),
            summary: SummaryV1 {
                files: outcome.files,
                documents: outcome.documents,
                controllers: outcome.distinct_controllers(),
                errors: outcome.count(Severity::Error),
                warnings: outcome.count(Severity::Warning),
                notes: outcome.count(Severity::Note),
                fixable: outcome.fixable(),
                suppressed: outcome.suppressed,
            },
        };
        write(&report, out)
    }
}

/// Writes one object, harmless to a terminal.
pub(super) fn write(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    writeln!(out, "{}", escaped(&text))
}

/// JSON leaves DEL, C1 controls and bidi controls as they are; a terminal would obey them. Some runners
/// obey `##[` wherever it stands in a line. All of this only occurs inside strings, where it can be escaped.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            c if is_dangerous(c) || c == '[' && out.ends_with("##") => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn controller<'a>(verdict: &'a Verdict<'_>) -> ControllerV1<'a> {
    ControllerV1 {
        name: &verdict.name,
        karpenter: verdict.karpenter.to_string(),
        documents: verdict
            .documents
            .iter()
            .map(|d| DocumentV1 { file: &d.file, address: d.address.as_deref(), kind: d.kind })
            .collect(),
        settings: settings(&verdict.settings, &verdict.symbols),
        assumptions: verdict
            .assumptions
            .iter()
            .map(|a| AssumptionV1 { symbol: &a.symbol, value: &a.value, from: &a.from })
            .collect(),
        requests: verdict.requests.iter().map(|one| request(one, verdict.karpenter)).collect(),
    }
}

pub(super) fn settings<'a>(settings: &'a Settings, symbols: &Symbols) -> SettingsV1<'a> {
    let list = |items: &[Symbolic]| items.iter().map(|item| item.display(symbols)).collect();
    let pairs = |items: &'a [(String, String)]| {
        items.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
    };
    SettingsV1 {
        cluster_name: settings.cluster.display(symbols),
        region: settings.region.display(symbols),
        account: settings.account.display(symbols),
        partition: settings.partition.display(symbols),
        node_roles: list(&settings.node_roles),
        interruption_queue: settings
            .queue
            .as_ref()
            .map(|queue| queue.display(symbols))
            .unwrap_or_default(),
        capacity_types: settings.capacity_types.iter().map(|kind| kind.name()).collect(),
        node_pools: list(&settings.node_pools),
        node_classes: list(&settings.node_classes),
        node_class_tags: pairs(&settings.node_class_tags),
        ssm_parameters: &settings.ssm_parameters,
        kms_keys: &settings.kms_keys,
        snapshot_ids: &settings.snapshot_ids,
        instance_profile: settings.instance_profile.as_deref(),
        features: settings.features.iter().map(|feature| feature.name()).collect(),
        upgraded_from: settings.upgraded_from.map(|version| version.to_string()),
        context: pairs(&settings.context),
    }
}

fn request<'a>(request: &RequestAnswer<'a>, version: Version) -> RequestV1<'a> {
    RequestV1 {
        id: &request.rule.id,
        call: &request.rule.call,
        dry_run: request.rule.dry_run,
        verdict: request.answer.name(),
        http_status: request.http_status(),
        failure: request.failure(version).map(|failure| FailureV1 {
            condition: failure.condition,
            reason: failure.reason,
            message: failure.message,
            symptom: failure.symptom,
        }),
    }
}

fn finding<'a>(sources: &SourceMap, finding: &'a Finding) -> FindingV1<'a> {
    let data = &finding.data;
    let first = data.denied.first();
    FindingV1 {
        rule: finding.rule,
        severity: finding.severity.name(),
        message: &finding.message,
        help: finding.help.as_deref(),
        url: crate::lints::reference(finding.rule).to_owned(),
        controller: finding.controller.as_deref(),
        file: file_name(sources, finding.primary.span),
        address: finding.address.as_deref(),
        span: span(sources, finding.primary.span),
        related: finding
            .related
            .iter()
            .map(|label| related(sources, label.span, Cow::Borrowed(&label.message)))
            .chain(finding.because.iter().map(|label| {
                let message = format!("needed because of `{}`", label.message);
                related(sources, label.span, Cow::Owned(message))
            }))
            .collect(),
        data: DataV1 {
            action: first.map(|denied| denied.action.as_str()).or(data.action.as_deref()),
            resource_type: first.map(|denied| denied.resource_type.as_str()),
            resource: first.map(|denied| denied.resource.as_str()),
            request: first.map(|denied| denied.request.as_str()),
            dry_run: first.map(|denied| denied.dry_run),
            karpenter: data.karpenter.as_deref(),
            versions: &data.versions,
            verdict: data.verdict,
            written: data.written.as_deref(),
            cause: data.cause,
            denied: data.denied.iter().map(denied).collect(),
            condition: data.condition.as_ref().map(|condition| ConditionV1 {
                operator: &condition.operator,
                key: &condition.key,
                expected: &condition.expected,
                sent: &condition.sent,
            }),
        },
        fix: finding.fix.as_ref().map(|found| fix(sources, found)),
    }
}

fn fix<'a>(sources: &SourceMap, fix: &'a Fix) -> FixV1<'a> {
    let edit = |edit: &Edit| {
        let Edit { span, text } = crate::fix::on_disk(sources, edit);
        EditV1 { file: file_name(sources, span), start: span.start, end: span.end, text }
    };
    FixV1 {
        title: &fix.title,
        applicability: fix.applicability.name(),
        edits: fix.edits.iter().map(edit).collect(),
    }
}

fn denied(denied: &Denied) -> DeniedV1<'_> {
    DeniedV1 {
        action: &denied.action,
        resource_type: &denied.resource_type,
        resource: &denied.resource,
        request: &denied.request,
        dry_run: denied.dry_run,
    }
}

pub(super) fn related<'a>(
    sources: &SourceMap,
    place: Span,
    message: Cow<'a, str>,
) -> RelatedV1<'a> {
    RelatedV1 { file: file_name(sources, place), span: span(sources, place), message }
}

fn error<'a>(sources: &SourceMap, error: &'a Error) -> ErrorV1<'a> {
    ErrorV1 {
        file: &error.file,
        span: error
            .positions(sources)
            .map(|(start, end)| SpanV1 { start: start.into(), end: end.into() }),
        message: &error.message,
    }
}

fn file_name(sources: &SourceMap, span: Span) -> String {
    sources.get(sources.to_file(span).source).name().to_owned()
}

fn span(sources: &SourceMap, span: Span) -> SpanV1 {
    let span = sources.to_file(span);
    let source = sources.get(span.source);
    SpanV1 { start: source.position(span.start).into(), end: source.position(span.end).into() }
}

impl From<Position> for PositionV1 {
    fn from(position: Position) -> Self {
        Self { line: position.line, column: position.column, offset: position.offset }
    }
}

/// The schema of the report, for the test that holds the committed one against it.
#[cfg(test)]
pub(crate) fn json_schema(settings: &schemars::generate::SchemaSettings) -> schemars::Schema {
    settings.clone().for_serialize().into_generator().into_root_schema_for::<ReportV1<'static>>()
}
