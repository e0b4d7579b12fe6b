//! The forecast of every call of a version, as a table for people and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::karpenter::{Failure, Phase, Version};

use super::escape::line;
use super::json;
use super::layout::{fact, row};

/// The forecast of one controller under one version.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// What to call the controller.
    pub name: String,
    /// The version.
    pub karpenter: Version,
    /// Every call, in the order in which Karpenter makes them.
    pub calls: Vec<Call>,
    /// Whether the version validates EC2NodeClasses at all, when no call of it stands in the list.
    pub validation: Validation,
    /// What people see.
    pub seen: Vec<String>,
    /// Place and headline of each cause.
    pub causes: Vec<String>,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// What to give to get an answer.
    pub settles: Vec<String>,
    /// The command to go on with.
    pub next: Option<String>,
    /// The last line.
    pub sentence: String,
}

/// Whether EC2NodeClasses are validated by calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// They are.
    Made,
    /// Not in this version.
    NotYet,
    /// The settings switch it off.
    Off,
}

/// What one call will get.
#[derive(Debug, Clone)]
pub struct Call {
    /// Id of the request.
    pub id: String,
    /// `ec2:CreateFleet`.
    pub call: String,
    /// Sent with `DryRun=true`.
    pub dry_run: bool,
    /// EC2 Fleet makes it, with the controller's rights.
    pub by_service: bool,
    /// When it is made.
    pub phase: Phase,
    /// Whether nodes depend on it.
    pub blocks: bool,
    /// `allowed`, `implicit-deny`, `explicit-deny`, `unsettled`.
    pub verdict: &'static str,
    /// 412, 200, 403, or nothing when unsettled.
    pub http_status: Option<u16>,
    /// What people see, only where it is not allowed.
    pub failure: Option<Failure>,
    /// Whether Karpenter comes as far as this.
    pub reached: bool,
    /// Whether the validation's call and the launch's get the same answer; nothing where there is no
    /// such pair, or one of the two is not known.
    pub agrees: Option<bool>,
    /// Denied, but only if an assumption is true.
    pub assumed: bool,
}

#[derive(Serialize)]
struct PreflightV1<'a> {
    schema: u8,
    controllers: Vec<ControllerV1<'a>>,
}

#[derive(Serialize)]
struct ControllerV1<'a> {
    name: &'a str,
    karpenter: String,
    calls: Vec<CallV1<'a>>,
}

#[derive(Serialize)]
struct CallV1<'a> {
    id: &'a str,
    call: &'a str,
    dry_run: bool,
    phase: &'static str,
    verdict: &'static str,
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureV1<'a>>,
    reached: bool,
    agrees: Option<bool>,
}

#[derive(Serialize)]
struct FailureV1<'a> {
    condition: Option<&'a str>,
    reason: Option<&'a str>,
    message: Option<&'a str>,
    symptom: Option<&'a str>,
}

/// One object, schema 1.
///
/// # Errors
/// Whatever the writer returns.
pub fn json(forecasts: &[Forecast], out: &mut dyn Write) -> io::Result<()> {
    let report = PreflightV1 {
        schema: 1,
        controllers: forecasts
            .iter()
            .map(|forecast| ControllerV1 {
                name: &forecast.name,
                karpenter: forecast.karpenter.to_string(),
                calls: forecast.calls.iter().map(call_v1).collect(),
            })
            .collect(),
    };
    json::write(&report, out)
}

fn call_v1(call: &Call) -> CallV1<'_> {
    CallV1 {
        id: &call.id,
        call: &call.call,
        dry_run: call.dry_run,
        phase: call.phase.name(),
        verdict: call.verdict,
        http_status: call.http_status,
        failure: call.failure.as_ref().map(|failure| FailureV1 {
            condition: failure.condition.as_deref(),
            reason: failure.reason.as_deref(),
            message: failure.message.as_deref(),
            symptom: failure.symptom.as_deref(),
        }),
        reached: call.reached,
        agrees: call.agrees,
    }
}

/// The table of one controller, and what it comes to.
///
/// # Errors
/// Whatever the writer returns.
pub fn human(forecast: &Forecast, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Karpenter {} with {}\n", forecast.karpenter, line(&forecast.name))?;
    let rows = rows(forecast);
    let width = rows.iter().map(|row| row.call.chars().count() + 1).max().unwrap_or(0).max(22);
    let mut print = |phase: &str, call: &str, sent: &str, answer: &str, remark: &str| {
        row(&[(12, phase), (width, call), (10, sent), (27, answer), (0, remark)], out)
    };
    print("phase", "call", "sent as", "answer", "")?;
    let mut last = "";
    for row in &rows {
        let phase = if row.phase == last { "" } else { row.phase };
        print(phase, &row.call, row.sent, &row.answer, row.remark)?;
        last = row.phase;
    }
    writeln!(out)?;
    let agree = agreement(forecast);
    if !agree.is_empty() {
        for text in super::layout::wrap(&agree, super::layout::WIDTH - 2) {
            writeln!(out, "  {text}")?;
        }
        writeln!(out)?;
    }
    fact("you see", &forecast.seen, out)?;
    fact("cause", &forecast.causes, out)?;
    fact("assumed", &forecast.assumed, out)?;
    fact("settles", &forecast.settles, out)?;
    fact("next", forecast.next.as_slice(), out)?;
    let facts = [&forecast.seen, &forecast.causes, &forecast.assumed, &forecast.settles];
    if facts.iter().any(|texts| !texts.is_empty()) {
        writeln!(out)?;
    }
    writeln!(out, "{}", line(&forecast.sentence))
}

struct Row {
    phase: &'static str,
    call: String,
    sent: &'static str,
    answer: String,
    remark: &'static str,
}

/// One row for each call that matters by itself; the rest of a phase is counted.
fn rows(forecast: &Forecast) -> Vec<Row> {
    let mut rows = Vec::new();
    for (title, phases) in TITLES {
        let calls = || forecast.calls.iter().filter(|call| phases.contains(&call.phase));
        let listed = |call: &&Call| {
            call.dry_run
                || call.verdict != "allowed"
                || matches!(call.phase, Phase::Validation | Phase::Launch)
        };
        let before = rows.len();
        rows.extend(calls().filter(listed).map(|call| row_of(title, call, forecast)));
        let rest = calls().filter(|call| !listed(call)).count();
        if rest > 0 {
            let more = if rows.len() > before { "more " } else { "" };
            let plural = if rest == 1 { "" } else { "s" };
            rows.push(Row {
                phase: title,
                call: format!("{rest} {more}call{plural}"),
                sent: "real",
                answer: "allowed".to_owned(),
                remark: "",
            });
        }
        if phases.contains(&Phase::Validation) && rows.len() == before {
            let call = match forecast.validation {
                Validation::NotYet => "not in this version",
                _ => "switched off",
            };
            let (sent, answer) = ("", String::new());
            rows.push(Row { phase: title, call: call.to_owned(), sent, answer, remark: "" });
        }
    }
    rows
}

/// Phases as people know them.
const TITLES: [(&str, &[Phase]); 5] = [
    ("startup", &[Phase::Startup]),
    ("validation", &[Phase::Validation]),
    ("launch", &[Phase::Launch]),
    ("running", &[Phase::Steady]),
    ("removal", &[Phase::Terminate, Phase::NodeclassDelete]),
];

fn row_of(phase: &'static str, call: &Call, forecast: &Forecast) -> Row {
    let first_denied = forecast
        .calls
        .iter()
        .find(|other| other.phase == Phase::Validation && other.http_status == Some(403));
    let stops = first_denied.is_some_and(|first| first.id == call.id);
    Row {
        phase,
        call: short(&call.call).to_owned(),
        sent: sent_as(call),
        answer: answer(call),
        remark: match call.phase {
            Phase::Validation if stops => "stops here",
            Phase::Validation if !call.reached => "not sent",
            _ if !call.reached => "not reached",
            _ if call.assumed => "if spot is allowed",
            _ if call.http_status == Some(403) && !call.blocks => "works without",
            _ => "",
        },
    }
}

/// EC2's calls by their name alone.
pub(super) fn short(call: &str) -> &str {
    call.strip_prefix("ec2:").unwrap_or(call)
}

fn sent_as(call: &Call) -> &'static str {
    match (call.dry_run, call.by_service) {
        (true, _) => "dry run",
        (false, true) => "by fleet",
        (false, false) => "real",
    }
}

/// EC2 names the refusal `UnauthorizedOperation`; the other services have `AccessDenied` in theirs.
fn answer(call: &Call) -> String {
    match call.http_status {
        Some(412) => "412 DryRunOperation".to_owned(),
        Some(200) => "allowed".to_owned(),
        Some(status) if call.call.starts_with("ec2:") => format!("{status} UnauthorizedOperation"),
        Some(status) => format!("{status} AccessDenied"),
        None => "not known".to_owned(),
    }
}

/// Whether the validation says what a launch will get.
fn agreement(forecast: &Forecast) -> String {
    let pairs: Vec<String> = forecast
        .calls
        .iter()
        .filter(|call| call.phase == Phase::Validation)
        .filter(|call| call.dry_run || call.agrees == Some(false))
        .filter_map(|call| {
            let word = |call: &Call| if call.verdict == "allowed" { "allowed" } else { "denied" };
            let name = short(&call.call);
            Some(match call.agrees {
                Some(true) => format!("{name} yes (both {})", word(call)),
                Some(false) => {
                    let launch = forecast
                        .calls
                        .iter()
                        .find(|other| other.phase == Phase::Launch && other.call == call.call)?;
                    let own = if call.dry_run { "dry run" } else { "validation" };
                    format!("{name} no ({own} {}, launch {})", word(call), word(launch))
                }
                None => format!("{name} not known"),
            })
        })
        .collect();
    match pairs.is_empty() {
        true => String::new(),
        false => format!("dry run and real call agree: {}", pairs.join(", ")),
    }
}
