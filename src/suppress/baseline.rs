//! Findings that were there before: a file of fingerprints, which lines that move do not change.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::finding::Finding;
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{HoleSyntax, Node, SyntaxError, json};

/// What tells one finding from another, whatever line it stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
        denied.sort();
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
    prints.sort();
    let file = File { schema: 1, tool: "karplint", findings: prints };
    let mut text = serde_json::to_string_pretty(&file)?;
    text.push('\n');
    // Behind a link stands the file that is meant.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create_new(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&beside, &path));
    if done.is_err() {
        // What is left of it is of no use; that it cannot be removed would tell nobody anything.
        let _ = fs::remove_file(&beside);
    }
    done
}
