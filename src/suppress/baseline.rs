//! Findings that were there before: a file of fingerprints, which lines that move do not change.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::finding::Finding;
use crate::fix::write::replace;
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{HoleSyntax, Node, SyntaxError, json};

/// What tells one finding from another, whatever line it stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(super) struct Fingerprint {
    pub(super) rule: String,
    pub(super) file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    action: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    written: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denied: Vec<String>,
    /// Only where nothing else tells.
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

impl Fingerprint {
    pub(super) fn of(finding: &Finding, sources: &SourceMap) -> Self {
        let data = &finding.data;
        let denied = data.denied.iter().map(|denied| {
            let kind = match denied.resource_type.as_str() {
                "" => "*",
                kind => kind,
            };
            format!("{} on {kind}", denied.action)
        });
        let mut denied: Vec<String> = denied.collect();
        denied.sort_unstable();
        denied.dedup();
        let mut out = Self {
            rule: finding.rule.to_owned(),
            file: sources.get(sources.to_file(finding.primary.span).source).name().to_owned(),
            address: finding.address.clone().unwrap_or_default(),
            sid: finding.sid.clone().unwrap_or_default(),
            action: data.action.clone().unwrap_or_default(),
            written: data.written.clone().unwrap_or_default(),
            denied,
            message: String::new(),
        };
        if out.sid.is_empty()
            && out.action.is_empty()
            && out.written.is_empty()
            && out.denied.is_empty()
        {
            // Numbers in it change with what they count.
            out.message = finding.message.chars().filter(|c| !c.is_ascii_digit()).collect();
        }
        out
    }
}

/// Short names for findings, for reports: the same on every run and after lines have moved. Findings that
/// are alike are numbered in their order.
#[derive(Debug, Default)]
pub struct Fingerprints(BTreeMap<u64, u32>);

impl Fingerprints {
    /// The name of the next finding of a report: 16 hexadecimal digits, and a number if it is not the first
    /// of its kind.
    pub fn of(&mut self, finding: &Finding, sources: &SourceMap) -> String {
        let print = Fingerprint::of(finding, sources);
        let Fingerprint { rule, file, address, sid, action, written, denied, message } = &print;
        let texts = [rule, file, address, sid, action, written, message].into_iter().chain(denied);
        // FNV-1a, which is the same on every machine and with every compiler.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in texts.flat_map(|text| text.bytes().chain([0])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let seen = self.0.entry(hash).or_default();
        *seen += 1;
        if *seen == 1 { format!("{hash:016x}") } else { format!("{hash:016x}-{seen}") }
    }
}

/// One entry of a baseline.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) print: Fingerprint,
    pub(super) span: Span,
}

#[derive(Serialize)]
struct File<'a> {
    schema: u8,
    tool: &'static str,
    findings: &'a [Fingerprint],
}

/// Reads the entries of a baseline.
///
/// # Errors
/// Where the text is not a baseline.
pub(super) fn read(source: SourceId, text: &str) -> Result<Vec<Known>, SyntaxError> {
    let root = json::parse(source, text, HoleSyntax::None)?;
    let fail = |span: Span, message: &str| {
        Err(SyntaxError::new(source, span.start, span.end, message.to_owned()))
    };
    if root.get("tool").and_then(Node::as_str) != Some("karplint") {
        return fail(root.span, "this is not a baseline: write one with --write-baseline");
    }
    let Some(list) = root.get("findings") else {
        return fail(root.span, "this baseline has no `findings`");
    };
    let mut out = Vec::new();
    for item in list.items() {
        let text = |key: &str| item.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let denied = item.get("denied").map(Node::items).unwrap_or_default();
        let print = Fingerprint {
            rule: text("rule"),
            file: text("file"),
            address: text("address"),
            sid: text("sid"),
            action: text("action"),
            written: text("written"),
            denied: denied.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
            message: text("message"),
        };
        if print.rule.is_empty() || print.file.is_empty() {
            return fail(item.span, "an entry of a baseline needs `rule` and `file`");
        }
        out.push(Known { print, span: item.span });
    }
    Ok(out)
}

/// Writes a baseline of `findings`: beside its place, and then over it.
///
/// # Errors
/// Whatever the file system says.
pub(super) fn write(path: &Path, prints: &mut Vec<Fingerprint>) -> io::Result<()> {
    prints.sort_unstable();
    let file = File { schema: 1, tool: "karplint", findings: prints };
    let mut text = serde_json::to_string_pretty(&file)?;
    text.push('\n');
    replace(path, text.as_bytes())
}
