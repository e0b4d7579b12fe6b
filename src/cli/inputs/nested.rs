//! Templates that are parts of other templates: read with the values that they are given there, and
//! judged as one with the template around them. What lies outside of the given paths is never read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::extract::{Extracted, Kind, Nested, Role, Supplied, Unreadable, extract};
use crate::source::{Collected, GivenKind, Held, Inputs, Named, SourceMap};

/// The values that were given, texts that are at hand, and texts in the place of what is on disk.
type Around<'a> = (&'a Supplied, Option<Arc<Held>>, &'a BTreeMap<String, String>);

/// Stacks within stacks within stacks: CloudFormation itself stops at five levels.
const MAX_DEPTH: usize = 5;

/// What a template has to hold to have parts.
const WORDS: [&str; 2] = ["AWS::CloudFormation::Stack", "AWS::Serverless::Application"];

/// The canonical paths of all templates that others among these name as their parts.
pub(super) fn parts(
    collected: &Collected,
    sources: &SourceMap,
    supplied: &Supplied,
) -> BTreeSet<PathBuf> {
    let mut out = BTreeSet::new();
    for file in &collected.files {
        let text = sources.get(file.id);
        if !WORDS.iter().any(|word| text.text().contains(word)) {
            continue;
        }
        let Ok(found) = extract(sources, file.id, file.named, supplied) else { continue };
        let own = std::fs::canonicalize(&file.path).ok();
        let named = found.nested.iter().map(|nested| beside(&file.path, &nested.path));
        let named = named.filter_map(|path| std::fs::canonicalize(path).ok());
        out.extend(named.filter(|path| own.as_ref() != Some(path)));
    }
    out
}

/// The folder that nothing read for `file` may leave: the one that was given, or that of a named file.
pub(super) fn root_of(file: &Named, collected: &Collected) -> PathBuf {
    let given = collected.given.get(file.given);
    match given.filter(|given| given.kind == GivenKind::Folder) {
        Some(folder) => PathBuf::from(&folder.path),
        None => folder_of(&file.path),
    }
}

/// Reads the parts of a template into it.
pub(super) fn read(
    found: &mut Extracted,
    file: &str,
    root: &Path,
    sources: &SourceMap,
    supplied: Around<'_>,
) {
    let open = std::mem::take(&mut found.nested);
    for nested in &open {
        one(found, nested, (file, root, 0), sources, &supplied);
    }
}

fn one(
    found: &mut Extracted,
    nested: &Nested,
    (file, root, depth): (&str, &Path, usize),
    sources: &SourceMap,
    around: &Around<'_>,
) {
    let (supplied, held, texts) = around;
    let mut tell = |reason: String, help: Option<&str>| {
        found.unreadable.push(Unreadable {
            address: nested.id.clone(),
            span: nested.span,
            reason,
            help: help.map(str::to_owned),
            left_out: true,
        });
    };
    let shown = &nested.path;
    let path = beside(file, shown);
    let (Ok(full), Ok(inside)) = (std::fs::canonicalize(&path), std::fs::canonicalize(root)) else {
        // Nothing is said of what lies outside, not even whether it is there.
        let outside = leaves(&path, root);
        let why = if outside { OUTSIDE } else { "is not here" };
        return tell(format!("its template `{shown}` {why}"), outside.then_some(HELP));
    };
    if !full.starts_with(inside) {
        return tell(format!("its template `{shown}` {OUTSIDE}"), Some(HELP));
    }
    if depth >= MAX_DEPTH {
        return tell("stacks are nested too deeply".to_owned(), None);
    }
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let held = held.clone();
    let texts = BTreeMap::clone(texts);
    let inputs = Inputs { paths: vec![path], root: here, texts, held, ..Inputs::default() };
    let collected = crate::source::collect(&inputs, &mut std::io::empty(), sources);
    let Some(child) = collected.files.first() else {
        let why = collected.errors.first().map_or("cannot be read", |error| &error.message);
        return tell(format!("its template `{shown}` cannot be read: {why}"), None);
    };
    let mut values = Supplied { parameters: nested.parameters.clone() };
    let pseudo = supplied.parameters.iter().filter(|(name, _)| name.starts_with("AWS::"));
    values.parameters.extend(pseudo.cloned());
    match extract(sources, child.id, true, &values) {
        Ok(mut part) => {
            for further in &std::mem::take(&mut part.nested) {
                one(&mut part, further, (&child.path, root, depth + 1), sources, around);
            }
            merge(found, part, &nested.id);
        }
        Err(error) => found.broken.push(error),
    }
}

const OUTSIDE: &str = "lies outside of the paths that were given, so it is not read";
const HELP: &str = "give the folder that holds both";

/// Puts what a part holds beside the rest, under the name of its stack.
fn merge(found: &mut Extracted, part: Extracted, id: &str) {
    let start = found.documents.len();
    let outputs: Vec<(String, usize)> = part
        .outputs
        .iter()
        .map(|(name, index)| (format!("${{{id}.Outputs.{name}}}"), start + index))
        .collect();
    // What a part is given of the template around it has the name that it has there.
    let own = found.documents.iter().enumerate();
    let own = own.filter(|(_, document)| document.origin.kind == Kind::Managed);
    let own: Vec<(String, usize)> = own
        .filter_map(|(index, d)| Some((format!("${{{}}}", d.origin.address.as_ref()?), index)))
        .collect();
    found.documents.extend(part.documents.into_iter().map(|mut document| {
        document.origin.address = document.origin.address.map(|address| format!("{id}/{address}"));
        document
    }));
    let moved = part.roles.into_iter().map(|mut role| {
        role.address = format!("{id}/{}", role.address);
        role.documents.iter_mut().for_each(|index| *index += start);
        role.trust = role.trust.map(|index| start + index);
        if let Some(crate::extract::Attached::Document(index)) = &mut role.boundary {
            *index += start;
        }
        known(&mut role, &own);
        role
    });
    let moved: Vec<Role> = moved.collect();
    found.roles.iter_mut().for_each(|role| known(role, &outputs));
    found.roles.extend(moved);
    found.makes_queue |= part.makes_queue;
    found.unreadable.extend(part.unreadable);
    found.broken.extend(part.broken);
    found.assumed.extend(part.assumed);
}

/// Binds policies to a role that it names by what is known now.
fn known(role: &mut Role, policies: &[(String, usize)]) {
    let mut documents = Vec::new();
    role.unseen.retain(|unseen| {
        let policy = policies.iter().find(|(name, _)| *name == unseen.name);
        documents.extend(policy.map(|(_, index)| *index));
        policy.is_none()
    });
    role.documents.extend(documents);
}

fn folder_of(file: &str) -> PathBuf {
    let folder = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

fn beside(file: &str, path: &str) -> PathBuf {
    folder_of(file).join(path)
}

/// Whether a path leads out of a folder, as it is written.
fn leaves(path: &Path, root: &Path) -> bool {
    let plain = |path: &Path| {
        let mut out: Vec<std::ffi::OsString> = Vec::new();
        let mut above = 0_usize;
        for part in path.components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => {
                    if out.pop().is_none() {
                        above += 1;
                    }
                }
                other => out.push(other.as_os_str().to_owned()),
            }
        }
        (above, out)
    };
    let ((above, path), (root_above, root)) = (plain(path), plain(root));
    above != root_above || !path.starts_with(&root)
}
