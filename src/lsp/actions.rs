//! What is said of files, as the protocol wants it; and fixes for it.

use std::path::Path;

use serde_json::{Value, json};

use super::project::Project;
use super::protocol::{CodeAction, Diagnostic, Href, Location, Position, Range, Related, TextEdit};
use super::server::Server;
use super::text::Encoding;
use crate::cli::session::{Change, Place, Point, Told};
use crate::finding::Severity;

pub(super) const QUICK_FIX: &str = "quickfix";
pub(super) const FIX_ALL: &str = "source.fixAll.karplint";

/// Rules about what is of no use: editors show it in grey.
const POINTLESS: [&str; 2] = ["unreachable-statement", "unused-permission"];
const UNNECESSARY: u8 = 1;

/// The range of a place: of an open file in the text as it is now.
fn range(server: &Server, project: &Project, place: &Place) -> Range {
    let encoding = server.client.encoding;
    let path = project.session.path(&place.file);
    let open = server.buffers.values().find(|buffer| buffer.path.as_ref() == Some(&path));
    if let Some(buffer) = open {
        return buffer.range(place.bytes, encoding);
    }
    let position = |point: Point| Position {
        line: point.line,
        character: if encoding == Encoding::Utf8 { point.utf8 } else { point.utf16 },
    };
    Range { start: position(place.points.0), end: position(place.points.1) }
}

/// What there is to say of a file.
pub(super) fn diagnostics(server: &Server, project: &Project, path: &Path) -> Vec<Diagnostic> {
    project.told(path).into_iter().map(|told| diagnostic(server, project, told)).collect()
}

fn diagnostic(server: &Server, project: &Project, told: &Told) -> Diagnostic {
    let related = told.related.iter().filter(|_| server.client.related).map(|(place, message)| {
        let uri = server.uri_of(&project.session.path(&place.file));
        let location = Location { uri, range: range(server, project, place) };
        Related { location, message: message.clone() }
    });
    let is_pointless = told.rule.is_some_and(|rule| POINTLESS.contains(&rule));
    Diagnostic {
        range: range(server, project, &told.place),
        severity: match told.severity {
            Severity::Error => 1,
            Severity::Warning => 2,
            Severity::Note => 3,
        },
        code: told.rule,
        code_description: told.url.clone().map(|href| Href { href }),
        source: "karplint",
        message: told.message.clone(),
        tags: if is_pointless { vec![UNNECESSARY] } else { Vec::new() },
        related_information: related.collect(),
    }
}

/// The fixes of what is said in a range of an open file. While the text cannot be read there are none: what
/// is said then is of an earlier text.
pub(super) fn actions(
    server: &Server,
    uri: &str,
    wanted: Range,
    only: Option<&[String]>,
) -> Vec<CodeAction> {
    let asked = |kind: &str| {
        let below = |only: &String| {
            only.is_empty()
                || kind
                    .strip_prefix(only.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        only.is_none_or(|only| only.iter().any(below))
    };
    let buffer = server.buffers.get(uri);
    let folder = server.folder_of(uri);
    let (Some(path), Some(project)) = (
        buffer.and_then(|buffer| buffer.path.as_deref()),
        folder.and_then(|folder| server.projects.get(&folder)),
    ) else {
        return Vec::new();
    };
    let Some(scope) = project.scope(path) else { return Vec::new() };
    let mut out = Vec::new();
    if asked(QUICK_FIX) {
        for told in project.told(path) {
            let own = range(server, project, &told.place);
            let meets = own.start <= wanted.end && wanted.start <= own.end;
            if let Some(fix) = told.fix.as_ref().filter(|_| meets) {
                let changes: Vec<&Change> = fix.changes.iter().collect();
                out.push(CodeAction {
                    title: fix.title.clone(),
                    kind: QUICK_FIX,
                    diagnostics: vec![diagnostic(server, project, told)],
                    is_preferred: fix.is_safe,
                    edit: edit(server, project, &changes),
                });
            }
        }
    }
    if asked(FIX_ALL) {
        let all: Vec<&Told> = scope.good.values().flatten().collect();
        let changes = together(&all);
        if !changes.is_empty() {
            out.push(CodeAction {
                title: "Fix all that is safe to fix (karplint)".to_owned(),
                kind: FIX_ALL,
                diagnostics: Vec::new(),
                is_preferred: false,
                edit: edit(server, project, &changes),
            });
        }
    }
    out
}

/// The changes of all safe fixes that do not meet. What is missing comes first: it may be what something else
/// is there for.
fn together<'t>(all: &[&'t Told]) -> Vec<&'t Change> {
    let safe: Vec<&Told> = all
        .iter()
        .copied()
        .filter(|told| told.fix.as_ref().is_some_and(|fix| fix.is_safe))
        .collect();
    let denies = safe.iter().any(|told| told.denies);
    let mut out: Vec<&Change> = Vec::new();
    for fix in safe.iter().filter(|told| told.denies == denies).filter_map(|told| told.fix.as_ref())
    {
        let meets = |change: &Change| {
            let (start, end) = change.place.bytes;
            out.iter().any(|known| {
                let (from, to) = known.place.bytes;
                known.place.file == change.place.file && from <= end && start <= to
            })
        };
        if !fix.changes.iter().any(meets) {
            out.extend(&fix.changes);
        }
    }
    out
}

/// A `WorkspaceEdit`. Where the client can say so, it is for the text as it is now and no other.
fn edit(server: &Server, project: &Project, changes: &[&Change]) -> Value {
    let mut files: Vec<(String, Vec<TextEdit>)> = Vec::new();
    for change in changes {
        let uri = server.uri_of(&project.session.path(&change.place.file));
        let range = range(server, project, &change.place);
        let edit = TextEdit { range, new_text: change.text.clone() };
        match files.iter_mut().find(|(known, _)| *known == uri) {
            Some((_, edits)) => edits.push(edit),
            None => files.push((uri, vec![edit])),
        }
    }
    if server.client.versioned_edits {
        let changes: Vec<Value> = files
            .iter()
            .map(|(uri, edits)| {
                let version = server.buffers.get(uri).map(|buffer| buffer.version);
                json!({ "textDocument": { "uri": uri, "version": version }, "edits": edits })
            })
            .collect();
        return json!({ "documentChanges": changes });
    }
    let changes: serde_json::Map<String, Value> =
        files.into_iter().map(|(uri, edits)| (uri, json!(edits))).collect();
    json!({ "changes": changes })
}
