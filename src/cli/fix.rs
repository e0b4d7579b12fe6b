//! Fixes in rounds: judge, change the texts in memory, judge again, until nothing is left to change. What
//! came out is shown as a patch or written.

mod blame;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::Error;
use crate::finding::{Applicability, Finding, Fix};
use crate::fix::write::replace;
use crate::fix::{Edit, apply, carry};
use crate::karpenter::Rules;
use crate::report::{Outcome, escape};
use crate::source::{SourceId, SourceMap};

use super::args::CheckArgs;
use super::inputs::{self, Loaded};
use super::patch;
use super::plan::Plan;
use super::several::judge_all;

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
    pub(super) rules: &'g Rules,
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
}

/// What came out.
pub(super) struct Fixed<'s> {
    /// What is to be said of the texts as they are then.
    pub(super) outcome: Outcome<'s>,
    /// The files.
    pub(super) files: Vec<Changed>,
    /// How many findings were fixed.
    pub(super) count: usize,
}

/// Standard input, if an argument names it: it can be read only once.
pub(super) fn stdin(args: &CheckArgs) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    if args.stdin_filename.is_some() || args.paths.iter().any(|path| path == "-") {
        io::stdin().read_to_end(&mut out)?;
    }
    Ok(out)
}

/// Fixes what `wanted` lets through, from a first outcome on.
pub(super) fn rounds<'s>(
    ground: Ground<'_, 's>,
    plan: &mut Plan,
    first: Outcome<'s>,
    wanted: &dyn Fn(&Finding) -> bool,
) -> Fixed<'s> {
    let sources = ground.sources;
    let mut texts = Texts::new();
    let mut before = Texts::new();
    let mut outcome = first;
    let mut count = 0;
    for _ in 0..ROUNDS {
        let Some(round) = round(ground, plan, (&outcome, &texts), wanted) else { break };
        for id in round.sources {
            let source = sources.get(id);
            before.entry(source.name().to_owned()).or_insert_with(|| source.text().to_owned());
        }
        (texts, outcome) = (round.texts, round.outcome);
        count += round.count;
    }
    let files = texts.into_iter().filter_map(|(name, after)| {
        let before = before.remove(&name)?;
        (before != after).then_some(Changed { name, before, after, is_new: false })
    });
    let files: Vec<Changed> = files.collect();
    let count = if files.is_empty() { 0 } else { count };
    Fixed { outcome, files, count }
}

/// What came of one round.
struct Round<'s> {
    texts: Texts,
    outcome: Outcome<'s>,
    /// The texts that were changed.
    sources: Vec<SourceId>,
    /// How many findings went away.
    count: usize,
}

/// One round; `None` where there is nothing to do, or nothing that makes it better.
fn round<'s>(
    ground: Ground<'_, 's>,
    plan: &mut Plan,
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
            let count = blame::gone(outcome, &after, &chosen);
            let sources = edits.into_keys().collect();
            return Some(Round { texts: next, outcome: after, sources, count });
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
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
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
    for finding in chosen.unwrap_or_default() {
        let fix = finding.fix.iter().flat_map(|fix| &fix.edits);
        let Some(edits) =
            fix.map(|edit| carry(ground.sources, edit)).collect::<Option<Vec<Edit>>>()
        else {
            continue;
        };
        let fresh = |edit: &Edit| {
            let source = ground.sources.get(edit.span.source);
            texts.get(source.name()).is_none_or(|text| *text == *source.text())
        };
        let meets = |edit: &Edit| {
            let known = out.iter().flat_map(|(_, edits)| edits).map(|other| other.span);
            let mut own = known.filter(|other| other.source == edit.span.source);
            own.any(|other| other.start <= edit.span.end && edit.span.start <= other.end)
        };
        if edits.is_empty() || !edits.iter().all(fresh) || edits.iter().any(meets) {
            continue;
        }
        out.push((finding, edits));
    }
    out
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
                    fixed.files.push(Changed { name, before, after, is_new });
                }
            }
        }
    }
    fixed.files.sort_by(|one, other| (one.is_new, &one.name).cmp(&(other.is_new, &other.name)));
}

/// The patch. On a terminal, what would steer it is shown instead.
pub(super) fn diff(files: &[Changed], terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        let hunks = patch::hunks(&file.before, &file.after);
        if hunks.is_empty() {
            continue;
        }
        let new = header('b', &file.name);
        let old = if file.is_new { "/dev/null".to_owned() } else { header('a', &file.name) };
        let text = format!("--- {old}\n+++ {new}\n{hunks}");
        if terminal {
            for line in text.lines() {
                writeln!(out, "{}", escape::line(line))?;
            }
        } else {
            out.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

/// A name in the head of a patch, below `a/` or `b/` as `git apply` and `patch -p1` take it. A tab ends a
/// name that holds spaces; one with quotes, or with what would steer a terminal, is quoted as in C.
fn header(side: char, name: &str) -> String {
    let plain = !name.contains(['"', '\\']) && escape::line(name) == name;
    if plain {
        let end = if name.contains(' ') { "\t" } else { "" };
        return format!("{side}/{name}{end}");
    }
    let mut out = format!("\"{side}/");
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b' '..=b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("\\{other:03o}")),
        }
    }
    out + "\""
}

/// Writes the files; what is not as it was read stays as it is.
pub(super) fn write(files: &[Changed]) -> Vec<Error> {
    let one = |file: &Changed| {
        let path = Path::new(&file.name);
        let error = |message: String| Some(Error::file(&file.name, None, message));
        match fs::read(path) {
            Err(why) => error(format!("{} cannot be read again: {why}", file.name)),
            Ok(bytes) if bytes != file.before.as_bytes() => {
                error(format!("{} is not as it was read, so that it was not changed", file.name))
            }
            Ok(_) => match replace(path, file.after.as_bytes()) {
                Err(why) => error(format!("{} cannot be written: {why}", file.name)),
                Ok(()) => None,
            },
        }
    };
    files.iter().filter_map(one).collect()
}

/// `fixed 2 findings in 1 file`.
pub(super) fn told(fixed: &Fixed<'_>) -> String {
    let several = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        more => format!("{more} {word}s"),
    };
    format!("fixed {} in {}", several(fixed.count, "finding"), several(fixed.files.len(), "file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_quoted_in_heads_as_git_takes_them() {
        assert_eq!(header('a', "iam/x.json"), "a/iam/x.json");
        assert_eq!(header('a', "a b"), "a/a b\t");
        assert_eq!(header('b', "q\"\t\\é.json"), "\"b/q\\\"\\t\\\\\\303\\251.json\"");
        assert_eq!(header('b', "é.json"), "b/é.json");
    }

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
        };
        let errors = write(&[changed]);
        assert!(errors[0].message.contains("is not as it was read"), "{errors:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "someone else's");
    }
}
