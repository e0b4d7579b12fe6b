//! Names as they are written where a change goes. In a Terraform module a value has the name of an input, in a
//! template file that of an argument, and neither means anything elsewhere; so a change takes the names that
//! stand in the statements around it. Where one text serves several instances, what is true of one is no text
//! for all.

use std::collections::BTreeMap;
use std::path::Path;

use crate::controller::Document;
use crate::fix::Edit;
use crate::policy::symbolic::Symbolic;
use crate::policy::{Policy, Statement};
use crate::source::{SourceId, SourceMap, Span, is_module_file};
use crate::syntax::{Part, Text};

use super::super::Judgement;

/// Names that mean the same in all of a module.
const OF_MODULE: [&str; 3] = ["var", "local", "data"];

/// How values are written in one file.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    /// `${…}` by the name that a hole has in the controller.
    holes: BTreeMap<String, String>,
    /// `${…}` by the value that it comes to here.
    values: BTreeMap<String, String>,
    /// What the setting is of a controller, and whether it stands in the file as it is.
    settings: Vec<(Role, String, bool)>,
    /// Whether other policies are made of the same text.
    is_shared: bool,
}

/// Where a setting stands in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A whole ARN.
    Arn,
    /// A segment of an ARN, or a whole value.
    Segment,
    /// A name, at the end of something else.
    Name,
}

/// The edits as they are to stand in their files; `None` where something has no name there.
pub(super) fn there(judged: &Judgement<'_, '_, '_>, edits: Vec<Edit>) -> Option<Vec<Edit>> {
    let mut known: Vec<(SourceId, Option<Spelling>)> = Vec::new();
    let one = |edit: Edit| {
        let source = edit.span.source;
        if !known.iter().any(|(id, _)| *id == source) {
            known.push((source, Spelling::at(judged, edit.span)));
        }
        match known.iter().find(|(id, _)| *id == source).and_then(|(_, found)| found.as_ref()) {
            Some(spelling) => {
                let text = spelling.write(&edit.text, judged)?;
                Some(Edit { text, ..edit })
            }
            None => Some(edit),
        }
    };
    edits.into_iter().map(one).collect()
}

/// A sentence about the edits, with the names that they have.
pub(super) fn told(judged: &Judgement<'_, '_, '_>, edits: &[Edit], sentence: String) -> String {
    let first = edits.first().filter(|_| sentence.contains("${"));
    let spelling = first.and_then(|edit| Spelling::at(judged, edit.span));
    spelling.and_then(|spelling| spelling.write(&sentence, judged)).unwrap_or(sentence)
}

impl Spelling {
    /// That of the file at `place`; `None` where all names mean the same everywhere.
    pub(super) fn at(judged: &Judgement<'_, '_, '_>, place: Span) -> Option<Self> {
        let case = &judged.case;
        let sources = case.sources;
        let file = sources.to_file(place).source;
        let stands = |document: &&Document| sources.to_file(document.policy.span).source == file;
        let owner = case.documents.iter().find(stands)?;
        if !is_code(sources, file) && !owner.origin.address.as_deref().is_some_and(is_terraform) {
            return None;
        }
        let key = |document: &Document| sources.to_file(document.policy.statement_key);
        let own = case.documents.iter().find(|document| {
            document.policy.span.source == place.source && document.policy.span.contains(place)
        });
        let shared =
            own.map(|own| case.documents.iter().filter(|other| key(other) == key(own)).count());
        let mut out = Self { is_shared: shared.is_some_and(|count| count > 1), ..Self::default() };
        out.know_settings(judged);
        let reader = Reader { sources, file, is_code: is_code(sources, file) };
        for index in case.controller.all_documents() {
            let Some(document) = case.documents.get(index) else { continue };
            let is_own = own.is_some_and(|own| std::ptr::eq(own, document));
            texts(&document.policy).for_each(|text| reader.read(text, is_own, &mut out));
        }
        Some(out)
    }

    fn know_settings(&mut self, judged: &Judgement<'_, '_, '_>) {
        let settings = judged.settings();
        let mut add = |role: Role, value: &str| {
            if !value.is_empty() && !self.settings.iter().any(|(_, known, _)| known == value) {
                self.settings.push((role, value.to_owned(), false));
            }
        };
        let arns: Vec<&str> = settings
            .node_roles
            .iter()
            .chain(&settings.queue)
            .filter_map(Symbolic::as_literal)
            .collect();
        arns.iter().for_each(|arn| add(Role::Arn, arn));
        for value in [&settings.partition, &settings.region, &settings.account] {
            value.as_literal().into_iter().for_each(|value| add(Role::Segment, value));
        }
        settings.cluster.as_literal().into_iter().for_each(|value| add(Role::Name, value));
        for arn in arns {
            arn.rsplit(['/', ':']).next().into_iter().for_each(|name| add(Role::Name, name));
        }
    }

    /// The text with the names of this place; `None` where it holds something that has none.
    pub(super) fn write(&self, text: &str, judged: &Judgement<'_, '_, '_>) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            match after.split_once('}') {
                Some((name, tail)) if judged.is_hole(name) => {
                    out.push_str(self.hole(name, judged)?);
                    rest = tail;
                }
                _ => {
                    out.push_str("${");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        for (role, value, stands) in &self.settings {
            let places = role.places(&out, value);
            match self.values.get(value) {
                Some(written) => {
                    for at in places.into_iter().rev() {
                        out.replace_range(at..at + value.len(), written);
                    }
                }
                None if self.is_shared && !stands && *role != Role::Arn && !places.is_empty() => {
                    return None;
                }
                None => {}
            }
        }
        Some(out)
    }
}

impl Spelling {
    /// How a hole is written here: by its own name, or by another that stands for the same.
    fn hole(&self, name: &str, judged: &Judgement<'_, '_, '_>) -> Option<&str> {
        let resolved = judged.case.resolved;
        let same = || {
            let value = resolved.resolve(name);
            self.holes.iter().find(|(other, _)| resolved.resolve(other) == value)
        };
        self.holes.get(name).or_else(|| same().map(|(_, written)| written)).map(String::as_str)
    }
}

impl Role {
    /// Where the value stands in a text that is to be written, as what it is.
    fn places(self, text: &str, value: &str) -> Vec<usize> {
        let fits = |at: &usize| {
            let before = text.get(..*at).and_then(|head| head.chars().next_back());
            let after = text.get(at + value.len()..).and_then(|tail| tail.chars().next());
            let whole = |edge: Option<char>| matches!(edge, None | Some('"'));
            match self {
                Self::Arn => whole(before) && whole(after),
                Self::Segment => {
                    let colons = before == Some(':') && after == Some(':');
                    let path = before == Some('/') && after == Some('/');
                    colons || path || whole(before) && whole(after)
                }
                Self::Name => {
                    let starts = whole(before) || matches!(before, Some('/' | ':' | '-'));
                    starts && whole(after) || before == Some('/') && after == Some('/')
                }
            }
        };
        text.match_indices(value).map(|(at, _)| at).filter(fits).collect()
    }
}

/// Takes down how texts are written in one file, or in one module.
struct Reader<'s> {
    sources: &'s SourceMap,
    file: SourceId,
    /// Whether the file is part of a module, whose names mean the same in all of its files.
    is_code: bool,
}

impl Reader<'_> {
    fn read(&self, text: &Text, is_own: bool, out: &mut Spelling) {
        for part in &text.parts {
            let (Part::Literal(span, _) | Part::Hole(span, _)) = part;
            let place = self.sources.to_file(*span);
            if !self.is_here(place.source) {
                continue;
            }
            match part {
                Part::Hole(_, name) => {
                    if let Some(written) = self.name(&self.sources.slice(place), is_own) {
                        out.holes.entry(name.to_string()).or_insert(written);
                    }
                }
                Part::Literal(span, value) => {
                    self.pieces(*span, value, &mut |value, written| match written {
                        None => {
                            let known = out.settings.iter_mut();
                            known.for_each(|(_, own, stands)| *stands |= value.contains(&**own));
                        }
                        Some(written) if out.settings.iter().any(|(_, own, _)| own == value) => {
                            if let Some(written) = self.name(written, is_own) {
                                out.values.entry(value.to_owned()).or_insert(written);
                            }
                        }
                        Some(_) => {}
                    });
                }
            }
        }
    }

    /// Whether names mean there what they mean here.
    fn is_here(&self, other: SourceId) -> bool {
        let folder = |id| {
            let source = self.sources.get(id);
            Path::new(source.name()).parent().map(Path::to_path_buf)
        };
        other == self.file
            || self.is_code && is_code(self.sources, other) && folder(other) == folder(self.file)
    }

    /// Known text in the pieces that it is made of: what each comes to, and how it is written where that is
    /// something else.
    fn pieces(&self, span: Span, value: &str, told: &mut dyn FnMut(&str, Option<&str>)) {
        let source = self.sources.get(span.source);
        let text = source.text();
        let slice = |text: &'_ str, start: u32, end: u32| -> Option<String> {
            text.get(start as usize..end as usize).map(str::to_owned)
        };
        let Some(embedding) = source.embedding() else {
            aligned(&slice(text, span.start, span.end).unwrap_or_default(), value, told);
            return;
        };
        let parent = self.sources.get(embedding.parent.source);
        let map = &embedding.map;
        let segments = map.segments();
        let next = segments.iter().skip(1).map(|next| (next.child, next.parent));
        let ends = next.chain([(map.child_end(), map.parent_end())]);
        for (segment, (child_end, parent_end)) in segments.iter().zip(ends) {
            let (start, end) = (segment.child.max(span.start), child_end.min(span.end));
            if start >= end {
                continue;
            }
            let Some(value) = slice(text, start, end) else { continue };
            match segment.verbatim {
                true => told(&value, None),
                false => {
                    let written = slice(parent.text(), segment.parent, parent_end);
                    told(&value, Some(&written.unwrap_or_default()));
                }
            }
        }
    }

    /// The `${…}` of an expression, if it means the same in all statements of the file.
    fn name(&self, written: &str, is_own: bool) -> Option<String> {
        let inner = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let inner = inner.unwrap_or(written).trim_matches('~').trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]*".contains(c);
        let root = inner.split(['.', '[']).next()?;
        if root.is_empty() || !inner.chars().all(plain) {
            return None;
        }
        let means_the_same = match self.is_code {
            // A resource has a type, and types have two words.
            true => {
                OF_MODULE.contains(&root)
                    || root == "module"
                    || root.contains('_') && inner.contains('.')
                    || is_own && matches!(root, "each" | "count")
            }
            false => !self.is_bound_by_loop(root),
        };
        means_the_same.then(|| format!("${{{inner}}}"))
    }

    /// Whether a loop of a template binds the name.
    fn is_bound_by_loop(&self, name: &str) -> bool {
        let source = self.sources.get(self.file);
        let directives = source.text().split("%{").skip(1);
        let mut heads = directives.filter_map(|rest| rest.split_once(" in ").map(|(head, _)| head));
        heads.any(|head| {
            let mut words = head.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
            !head.contains('}') && words.any(|word| word == name)
        })
    }
}

/// Sees which piece of a value each interpolation of a string comes to, where that is certain.
fn aligned(written: &str, value: &str, told: &mut dyn FnMut(&str, Option<&str>)) {
    let (mut written, mut value) = (written, value);
    loop {
        let Some(start) = written.find("${") else {
            if written == value || written.trim_matches('"') == value {
                told(value, None);
            }
            return;
        };
        let head = written.get(..start).unwrap_or_default();
        let Some(rest) = value.strip_prefix(head.trim_start_matches('"')) else { return };
        let tail = written.get(start..).unwrap_or_default();
        let Some(end) = tail.find('}').map(|end| end + 1) else { return };
        let (name, tail) = tail.split_at_checked(end).unwrap_or_default();
        let between = tail.split("${").next().unwrap_or_default();
        let is_last = between.len() == tail.len();
        let between = between.trim_end_matches('"');
        let end = match (is_last, between) {
            (true, between) => rest.strip_suffix(between).map(str::len),
            (false, "") => None,
            (false, between) => rest.find(between),
        };
        let Some((own, behind)) = end.and_then(|end| rest.split_at_checked(end)) else { return };
        told(head, None);
        told(own, Some(name));
        (written, value) = (tail, behind);
    }
}

/// Whether the file is part of a Terraform module.
fn is_code(sources: &SourceMap, file: SourceId) -> bool {
    let source = sources.get(file);
    let name = Path::new(source.name()).file_name().and_then(|name| name.to_str());
    name.is_some_and(is_module_file)
}

/// Whether an address is one of Terraform: `module.a.aws_iam_policy.b`. A file that fills a policy with values
/// tells nothing of itself.
fn is_terraform(address: &str) -> bool {
    address.starts_with("module.") || address.split('.').any(|part| part.starts_with("aws_"))
}

/// All texts of a policy.
fn texts(policy: &Policy) -> impl Iterator<Item = &Text> {
    fn of(statement: &Statement) -> impl Iterator<Item = &Text> {
        let resources = statement.resource.iter().flat_map(|element| &element.values);
        let lines = statement.conditions.iter();
        let lines = lines.flat_map(|line| std::iter::once(&line.key).chain(&line.values));
        statement.action.values.iter().chain(resources).chain(lines)
    }
    policy.statements.iter().flat_map(of)
}
