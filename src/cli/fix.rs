//! Fixes in rounds: judge, change the texts in memory, judge again, until nothing is left to change. What
//! came out is shown as a patch or written.

mod blame;
mod diff;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::error::Error;
use crate::finding::{Applicability, Finding, Fix};
use crate::fix::write::replace;
use crate::fix::{Edit, apply, carry, in_order};
use crate::karpenter::Rules;
use crate::order;
use crate::report::Outcome;
use crate::source::{MAX_BYTES, SourceId, SourceMap, Span, reason};

use super::args::CheckArgs;
use super::inputs::{self, Loaded};
use super::judge::judge_all;
use super::plan::Plan;

pub(super) use diff::diff;

/// More rounds than these no policy needs: whatever still changes then would change for ever.
const ROUNDS: usize = 10;

/// Texts in the place of those on disk, by the name of the file.
pub(super) type Texts = BTreeMap<String, String>;

/// What the rounds start from.
#[derive(Clone, Copy)]
pub(super) struct Ground<'g, 's> {
    /// The arguments.
    pub(super) args: &'g CheckArgs,
    /// What Karpenter asks.
    pub(super) rules: &'s Rules,
    /// All text, of every round.
    pub(super) sources: &'s SourceMap,
    /// What was read from standard input.
    pub(super) stdin: &'g [u8],
    /// Whether fixes count that somebody should look at.
    pub(super) unsafe_too: bool,
}

/// One file that comes out different.
#[derive(Debug)]
pub(super) struct Changed {
    /// As in reports.
    name: String,
    before: String,
    after: String,
    /// Whether it is not there yet.
    is_new: bool,
    /// How many findings were fixed in it.
    fixes: usize,
}

/// What came out.
pub(super) struct Fixed<'s> {
    /// What is to be said of the texts as they are then.
    pub(super) outcome: Outcome<'s>,
    /// The files.
    pub(super) files: Vec<Changed>,
}

/// What became of the files.
pub(super) struct Written<'f> {
    /// Those that are changed.
    pub(super) files: Vec<&'f Changed>,
    /// Why others are not.
    pub(super) refused: Vec<Error>,
}

/// Standard input, if an argument names it: it can be read only once.
pub(super) fn stdin(args: &CheckArgs) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    if reads_stdin(args) {
        // One byte more than a text may have: what is longer is refused as such.
        io::stdin().take(u64::from(MAX_BYTES) + 1).read_to_end(&mut out)?;
    }
    Ok(out)
}

/// Whether the arguments name standard input.
pub(super) fn reads_stdin(args: &CheckArgs) -> bool {
    let limits = args.controllers.boundary.iter().chain(&args.controllers.scp);
    args.stdin_filename.is_some()
        || args.paths.iter().any(|path| path == "-")
        || limits.into_iter().any(|path| path.as_os_str() == "-")
}

/// Fixes what `wanted` lets through, from a first outcome on.
pub(super) fn rounds<'s>(
    ground: Ground<'_, 's>,
    plan: &Plan,
    first: Outcome<'s>,
    wanted: &dyn Fn(&Finding) -> bool,
) -> Fixed<'s> {
    let sources = ground.sources;
    let mut texts = Texts::new();
    let mut before = Texts::new();
    let mut outcome = first;
    let mut fixes: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let Some(round) = round(ground, plan, (&outcome, &texts), wanted) else { break };
        for id in round.sources {
            let source = sources.get(id);
            before.entry(source.name().to_owned()).or_insert_with(|| source.text().to_owned());
        }
        (texts, outcome) = (round.texts, round.outcome);
        for (id, count) in round.gone {
            *fixes.entry(sources.get(id).name().to_owned()).or_default() += count;
        }
    }
    let files = texts.into_iter().filter_map(|(name, after)| {
        let before = before.remove(&name)?;
        let fixes = fixes.get(&name).copied().unwrap_or_default();
        (before != after).then_some(Changed { name, before, after, is_new: false, fixes })
    });
    Fixed { outcome, files: files.collect() }
}

/// What came of one round.
struct Round<'s> {
    texts: Texts,
    outcome: Outcome<'s>,
    /// The texts that were changed.
    sources: Vec<SourceId>,
    /// How many findings went away, by the file that their fix begins in.
    gone: BTreeMap<SourceId, usize>,
}

/// One round; `None` where there is nothing to do, or nothing that makes it better.
fn round<'s>(
    ground: Ground<'_, 's>,
    plan: &Plan,
    (outcome, texts): (&Outcome<'s>, &Texts),
    wanted: &dyn Fn(&Finding) -> bool,
) -> Option<Round<'s>> {
    let Ground { args, rules, sources, .. } = ground;
    let mut wrong: Vec<&Finding> = Vec::new();
    loop {
        let may = |finding: &Finding| {
            wanted(finding) && !wrong.iter().any(|known| std::ptr::eq(*known, finding))
        };
        let chosen = choose(ground, outcome, texts, plan.versions.len(), &may);
        if chosen.is_empty() {
            return None;
        }
        let edits = by_file(&chosen);
        let mut next = texts.clone();
        for (id, edits) in &edits {
            let source = sources.get(*id);
            next.insert(source.name().to_owned(), apply(source.text(), edits));
        }
        let loaded = read(ground, plan, &next);
        let after = judge_all(args, plan, rules, sources, &loaded);
        // What makes a text unreadable is no fix.
        if breaks(outcome, &after) {
            return None;
        }
        let at_fault = blame::at_fault(sources, (outcome, &after), &chosen, &edits);
        if at_fault.is_empty() {
            let gone = blame::gone(outcome, &after, &chosen);
            let sources = edits.into_keys().collect();
            return Some(Round { texts: next, outcome: after, sources, gone });
        }
        wrong.extend(at_fault);
    }
}

/// The edits by file, in the order of the text.
fn by_file(chosen: &[Chosen<'_>]) -> BTreeMap<SourceId, Vec<Edit>> {
    let mut out: BTreeMap<SourceId, Vec<Edit>> = BTreeMap::new();
    for edit in chosen.iter().flat_map(|(_, edits)| edits) {
        out.entry(edit.span.source).or_default().push(edit.clone());
    }
    for edits in out.values_mut() {
        in_order(edits);
    }
    out
}

fn read(ground: Ground<'_, '_>, plan: &Plan, texts: &Texts) -> Loaded {
    let mut stdin = ground.stdin;
    inputs::read(ground.args, &plan.config, &mut stdin, ground.sources, texts)
}

/// Whether more cannot be read than before.
fn breaks(before: &Outcome<'_>, after: &Outcome<'_>) -> bool {
    let syntax = |outcome: &Outcome<'_>| {
        outcome.findings.iter().filter(|finding| finding.rule == "syntax").count()
    };
    after.errors.len() > before.errors.len() || syntax(after) > syntax(before)
}

/// A finding with the edits of its fix, as they go into files.
type Chosen<'o> = (&'o Finding, Vec<Edit>);

/// The fixes of one round: no edit overlaps another.
fn choose<'o>(
    ground: Ground<'_, '_>,
    outcome: &'o Outcome<'_>,
    texts: &Texts,
    versions: usize,
    wanted: &dyn Fn(&Finding) -> bool,
) -> Vec<Chosen<'o>> {
    let may = |finding: &&Finding| {
        let fits = |fix: &Fix| {
            fix.can_be_applied() && (ground.unsafe_too || fix.applicability == Applicability::Safe)
        };
        // What one version has no use for may be what another needs.
        let everywhere = versions < 2
            || finding.data.karpenter.is_none()
            || finding.data.versions.len() == versions
            || !finding.data.denied.is_empty();
        finding.fix.as_ref().is_some_and(fits) && everywhere && wanted(finding)
    };
    let all: Vec<&Finding> = outcome.findings.iter().filter(may).collect();
    // What is missing comes first: it may be what something else is there for.
    let denied: Vec<&Finding> =
        all.iter().copied().filter(|finding| !finding.data.denied.is_empty()).collect();
    // What has no use beside something wider comes last: the wider one may be what is wrong.
    let wider: Vec<&Finding> =
        all.iter().copied().filter(|finding| finding.rule != "unreachable-statement").collect();
    let chosen = [denied, wider, all].into_iter().find(|some| !some.is_empty());
    let mut out: Vec<Chosen<'o>> = Vec::new();
    let mut taken: BTreeMap<SourceId, Taken> = BTreeMap::new();
    let mut fresh: BTreeMap<SourceId, bool> = BTreeMap::new();
    for finding in chosen.unwrap_or_default() {
        let fix = finding.fix.iter().flat_map(|fix| &fix.edits);
        let Some(edits) =
            fix.map(|edit| carry(ground.sources, edit)).collect::<Option<Vec<Edit>>>()
        else {
            continue;
        };
        let is_fresh = |edit: &Edit| {
            *fresh.entry(edit.span.source).or_insert_with(|| {
                let source = ground.sources.get(edit.span.source);
                texts.get(source.name()).is_none_or(|text| *text == *source.text())
            })
        };
        let meets =
            |edit: &Edit| taken.get(&edit.span.source).is_some_and(|taken| taken.meets(edit.span));
        if edits.is_empty() || !edits.iter().all(is_fresh) || edits.iter().any(meets) {
            continue;
        }
        for edit in &edits {
            taken.entry(edit.span.source).or_default().take(edit.span);
        }
        out.push((finding, edits));
    }
    out
}

/// The ranges of a text that edits have taken, by their starts. None touches another, so that the last one that
/// starts in front of a place is the only one that can reach it.
#[derive(Default)]
struct Taken(BTreeMap<u32, u32>);

impl Taken {
    /// Whether an edit there would overlap one, or touch it.
    fn meets(&self, span: Span) -> bool {
        self.0.range(..=span.end).next_back().is_some_and(|(_, end)| *end >= span.start)
    }

    /// Takes a range, together with what it touches.
    fn take(&mut self, span: Span) {
        let (mut start, mut end) = (span.start, span.end);
        while let Some((own, reach)) = self.0.range(..=end).next_back().map(|(a, b)| (*a, *b))
            && reach >= start
        {
            self.0.remove(&own);
            (start, end) = (start.min(own), end.max(reach));
        }
        self.0.insert(start, end);
    }
}

/// Adds what can only be shown, where it makes a file: nobody but its owner can attach that.
pub(super) fn show_new_files(fixed: &mut Fixed<'_>, sources: &SourceMap) {
    for finding in &fixed.outcome.findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| !fix.can_be_applied()) else { continue };
        let is_new = |edit: &Edit| sources.get(edit.span.source).text().is_empty();
        if !fix.edits.iter().any(is_new) {
            continue;
        }
        let mut files: BTreeMap<SourceId, Vec<Edit>> = BTreeMap::new();
        for edit in &fix.edits {
            files.entry(edit.span.source).or_default().push(edit.clone());
        }
        for (id, edits) in files {
            let source = sources.get(id);
            let (name, before) = (source.name().to_owned(), source.text().to_owned());
            let after = apply(&before, &edits);
            // Of several cuts through one file the first is shown.
            match fixed.files.iter_mut().find(|file| file.name == name) {
                Some(file) if file.after == before => file.after = after,
                Some(_) => {}
                None => {
                    let is_new = before.is_empty();
                    fixed.files.push(Changed { name, before, after, is_new, fixes: 0 });
                }
            }
        }
    }
    order::by(&mut fixed.files, |one, other| {
        (one.is_new, &one.name).cmp(&(other.is_new, &other.name))
    });
}

/// Writes the files; what is not as it was read stays as it is.
pub(super) fn write(files: &[Changed]) -> Written<'_> {
    let one = |file: &Changed| -> Result<(), String> {
        let (name, path) = (&file.name, Path::new(&file.name));
        let now = fs::read(path)
            .map_err(|why| format!("{name} cannot be read again: {}", reason(&why)))?;
        if now != file.before.as_bytes() {
            return Err(format!("{name} is not as it was read, so that it was not changed"));
        }
        replace(path, file.after.as_bytes())
            .map_err(|why| format!("{name} cannot be written: {}", reason(&why)))
    };
    let mut out = Written { files: Vec::new(), refused: Vec::new() };
    for file in files {
        match one(file) {
            Ok(()) => out.files.push(file),
            Err(message) => out.refused.push(Error::file(&file.name, None, message)),
        }
    }
    out
}

impl Written<'_> {
    /// What is to be said of the files where only some of them are changed.
    pub(super) fn judge<'s>(&self, ground: Ground<'_, 's>, plan: &mut Plan) -> Outcome<'s> {
        let text = |file: &&Changed| (file.name.clone(), file.after.clone());
        let loaded = read(ground, plan, &self.files.iter().map(text).collect());
        judge_all(ground.args, plan, ground.rules, ground.sources, &loaded)
    }

    /// `fixed 2 findings in 1 file`, if anything was changed.
    pub(super) fn told(&self) -> Option<String> {
        let several = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            more => format!("{more} {word}s"),
        };
        let fixes = self.files.iter().map(|file| file.fixes).sum();
        let (fixes, files) = (several(fixes, "finding"), several(self.files.len(), "file"));
        (!self.files.is_empty()).then(|| format!("fixed {fixes} in {files}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_since_it_was_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        fs::write(&path, "someone else's").unwrap();
        let name = path.display().to_string();
        let changed = Changed {
            name,
            before: "as it was read".to_owned(),
            after: "fixed".to_owned(),
            is_new: false,
            fixes: 1,
        };
        let files = [changed];
        let Written { files, refused: errors } = write(&files);
        assert!(files.is_empty());
        assert!(errors[0].message.contains("is not as it was read"), "{errors:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "someone else's");
    }
}
