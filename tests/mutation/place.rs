//! Every correct fixture that stands in a form people write by hand, altered one token at a time where
//! it stands, and fixed: what no edit is meant for is as it was, to the byte.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use karplint::cli::{Args, run};
use karplint::controller::load;
use karplint::eval::Decision;
use karplint::fix::is_verbatim;
use karplint::policy::{Condition, Effect, Element, Statement};
use karplint::source::{SourceMap, Span};
use karplint::syntax::Text;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::fixed::{is_deny, is_told, lint, said};
use super::probes::{Decisions, Probes, extracted};
use super::{SETTINGS, fixture};

/// The version, the fixture, and whether parts of it are made by expressions, so that some of what is
/// wrong there can only be told.
const GOOD: [(&str, &str, bool); 27] = [
    ("1.4", "same/good/policy.json", false),
    ("1.4", "same/good/sub.yaml", false),
    ("1.4", "same/good/map.yaml", false),
    ("1.4", "same/good/map.template.json", false),
    ("1.4", "same/good/sub.template.json", false),
    ("1.4", "same/good/join.template.json", true),
    ("1.4", "same/good/conditions.yaml", true),
    ("1.4", "same/good/crossplane.yaml", false),
    ("1.4", "same/good/ack.yaml", false),
    ("1.4", "same/good/configmap.yaml", false),
    ("1.4", "same/good/eksctl.yaml", false),
    ("1.4", "same/good/envsubst.json", false),
    ("1.4", "same/good/policy.json.tpl", false),
    ("1.4", "same/good/jsonencode", false),
    ("1.4", "same/good/document", false),
    ("1.4", "same/good/heredoc", false),
    ("1.4", "same/good/json", false),
    ("1.4", "same/good/template", true),
    ("1.4", "cloudformation/ok/sub-1.4.yaml", false),
    ("1.4", "cloudformation/ok/both-branches-1.4.yaml", true),
    ("1.14", "cloudformation/ok/sub-split-1.14.yaml", false),
    ("1.9", "terraform/ok/eks-1.9", true),
    ("1.14", "least/ok/own-tag-alone-1.14.json", false),
    ("1.14", "least/ok/a-deny-takes-the-harm-away-1.14.json", false),
    ("1.14", "least/ok/asks-for-it-in-other-words-1.14.json", false),
    ("1.14", "size/ok/white-space-is-free-1.14.json", false),
    ("1.4", "kubernetes/ok/crossplane-1.4.yaml", false),
];

/// One in so many is tried, unless all are asked for.
const SOME: usize = 97;

/// One token of a policy where it stands in its file.
struct Token {
    file: PathBuf,
    start: usize,
    end: usize,
    text: String,
    kind: Kind,
    /// What goes when the item leaves its list.
    item: Option<(usize, usize)>,
    /// Its statement, where that stands in the same file.
    statement: Option<(usize, usize)>,
    /// Whether that is a Deny: what is wrong there is only told.
    is_deny: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Action,
    Resource,
    Operator,
    Key,
    Value,
}

/// A copy of a fixture that can be written to.
struct Copy {
    _folder: tempfile::TempDir,
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Copy {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = fixture(name);
        let root = folder.path().join(from.file_name().unwrap());
        let mut files = Vec::new();
        copy(&from, &root, &mut files);
        files.sort();
        Self { _folder: folder, root, files }
    }
}

fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) {
    if from.is_dir() {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()), files);
        }
    } else {
        fs::copy(from, to).unwrap();
        files.push(to.to_owned());
    }
}

/// The tokens of all identity policies, and where the policies stand: each in its file.
fn tokens(files: &[PathBuf]) -> (Vec<Token>, Vec<(PathBuf, usize, usize)>) {
    let sources = SourceMap::new();
    let (mut out, mut places) = (Vec::new(), Vec::new());
    for (document, file_of) in extracted(&sources, files)
        .iter()
        .flat_map(|(found, file_of)| load(&sources, found).into_iter().map(move |d| (d, file_of)))
    {
        let policy = &document.policy;
        let whole = sources.to_file(policy.span);
        places.push((file_of(whole.source), whole.start as usize, whole.end as usize));
        for statement in &policy.statements {
            if statement.principal.is_some() {
                continue;
            }
            let whole = sources.to_file(statement.span);
            let own = (whole.start as usize, whole.end as usize);
            let its_file = file_of(whole.source);
            places.push((its_file.clone(), own.0, own.1));
            let effect = statement.effect;
            let mut push = |text: &Text, kind: Kind, all: &[Text]| {
                let Some((start, end)) = place(&sources, text) else { return };
                let file = file_of(sources.to_file(text.span).source);
                let at = all.iter().position(|one| one.span == text.span);
                let item = at.and_then(|at| item(&sources, all, at));
                let text = text.display();
                let statement = (file == its_file).then_some(own);
                let is_deny = effect == Effect::Deny;
                out.push(Token { file, start, end, text, kind, item, statement, is_deny });
            };
            each(statement, &mut push);
        }
    }
    // What an expression brings in stands elsewhere, on lines of its own.
    for token in out.iter().filter(|token| token.statement.is_none()) {
        let text = fs::read_to_string(&token.file).unwrap();
        let start = text[..token.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[token.end..].find('\n').map_or(text.len(), |at| token.end + at);
        places.push((token.file.clone(), start, end));
    }
    out.sort_by_key(|token| (token.file.clone(), token.start));
    out.dedup_by_key(|token| (token.file.clone(), token.start));
    (out, places)
}

fn each(statement: &Statement, push: &mut impl FnMut(&Text, Kind, &[Text])) {
    let mut element = |element: &Element, kind: Kind| {
        for value in &element.values {
            push(value, kind, if element.is_list { &element.values } else { &[] });
        }
    };
    element(&statement.action, Kind::Action);
    if let Some(resource) = &statement.resource {
        element(resource, Kind::Resource);
    }
    for Condition { operator, key, values, is_list, .. } in &statement.conditions {
        push(operator, Kind::Operator, &[]);
        push(key, Kind::Key, &[]);
        for value in values {
            push(value, Kind::Value, if *is_list { values } else { &[] });
        }
    }
}

/// Where a literal stands in its file, without quotes; `None` if it does not stand there as it is.
fn place(sources: &SourceMap, text: &Text) -> Option<(usize, usize)> {
    let literal = text.as_literal()?;
    if !is_verbatim(sources, text.span) {
        return None;
    }
    let Span { source, start, end } = sources.to_file(text.span);
    let file = sources.get(source);
    let own = file.text().get(start as usize..end as usize)?;
    let quote = usize::from(own != literal);
    let (start, end) = (start as usize + quote, end as usize - quote);
    (file.text().get(start..end)? == literal).then_some((start, end))
}

/// The item of a list, with what parts it from the next one or from the one before.
fn item(sources: &SourceMap, all: &[Text], at: usize) -> Option<(usize, usize)> {
    let (own, before) = (all.get(at)?, at.checked_sub(1).and_then(|at| all.get(at)));
    let (start, end) = place(sources, own)?;
    let file = sources.get(sources.to_file(own.span).source);
    let between = |from: usize, to: usize| {
        let text = file.text().get(from..to)?;
        let parts = |c: char| c.is_whitespace() || "\"'\\,-".contains(c) || c == 'n';
        text.chars().all(parts).then_some((from, to))
    };
    match (all.get(at + 1), before) {
        (Some(next), _) => between(end, place(sources, next)?.0).map(|(_, to)| (start, to)),
        (None, Some(before)) => {
            between(place(sources, before)?.1, start).map(|(from, _)| (from, end))
        }
        (None, None) => None,
    }
}

/// What may be written in the place of a token; nothing is its leaving the list.
fn instead(token: &Token) -> Vec<Option<String>> {
    let text = &token.text;
    let mut ways: Vec<String> = match token.kind {
        Kind::Action => match text.split_once(':') {
            Some((service, name)) => vec![
                format!("{text}s"),
                format!("{service}:X{name}"),
                format!("{service}:Get*"),
                format!("s3:{name}"),
            ],
            None => Vec::new(),
        },
        Kind::Resource => vec![
            "arn:aws:s3:::bucket".to_owned(),
            text.replacen("arn:aws:", "arn:aws-cn:", 1),
            text.replace("us-west-2", "eu-west-1"),
            text.replace("demo", "other"),
            text.replace("111122223333", "999988887777"),
        ],
        Kind::Operator => vec![
            format!("{text}s"),
            text.replace("StringEquals", "StringNotEquals").replace("StringLike", "StringNotLike"),
        ],
        Kind::Key => vec![
            format!("{text}x"),
            text.replace("aws:", "aws:X"),
            text.replace("Tag/", "Tag/other-"),
        ],
        Kind::Value => vec![format!("{text}-x"), "prod-*".to_owned(), String::new()],
    };
    ways.retain(|way| way != text);
    let gone = token.item.map(|_| None);
    gone.into_iter().chain(ways.into_iter().map(Some)).collect()
}

#[derive(Debug, Default)]
struct Tally {
    all: usize,
    silent: usize,
    restored: usize,
    fixed: usize,
    wider: usize,
    told: usize,
    wrong: Vec<String>,
}

struct Trial<'t> {
    version: &'t str,
    partly: bool,
    copy: &'t Copy,
    probes: &'t Probes,
    good: &'t Decisions,
    /// Of the least policy: what an earlier release made is Karpenter's too.
    least: &'t Decisions,
    places: &'t [(PathBuf, usize, usize)],
}

impl Trial<'_> {
    /// Alters `good` by a token, fixes it, and looks at what came out from all sides.
    fn one(
        &self,
        (token, good, before): (&Token, &str, &str),
        (start, cut): (usize, usize),
        tally: &mut Tally,
    ) -> Result<(), String> {
        let root = std::slice::from_ref(&self.copy.root);
        let fix = ["--fix", "--unsafe-fixes"];
        fs::write(&token.file, before).unwrap();
        tally.all += 1;
        let (found, _) = lint(self.version, &[], root);
        let (left, _) = lint(self.version, &fix, root);
        let after = fs::read_to_string(&token.file).unwrap();
        let fixed = (after != good).then(|| self.probes.decide(&self.copy.files));
        let _ = lint(self.version, &fix, root);
        if fs::read_to_string(&token.file).unwrap() != after {
            return Err(format!("UNSTABLE: fixed twice; was {}", said(&found)));
        }
        self.bytes((token, start, cut), good, before, &after)?;
        let more =
            fixed.as_ref().and_then(|fixed| self.probes.beyond(&[self.good, self.least], fixed));
        if let Some(fixed) = fixed.as_ref().filter(|_| more.is_some() && after != before) {
            fs::write(&token.file, before).unwrap();
            let mutated = self.probes.decide(&self.copy.files);
            if let Some(more) = self.probes.beyond(&[self.good, self.least, &mutated], fixed) {
                return Err(format!("WIDENED {more}; was {}", said(&found)));
            }
        }
        if found.is_empty() {
            tally.silent += 1;
            return if after == before { Ok(()) } else { Err("CHANGED for nothing".to_owned()) };
        }
        let shown = |one: &Value| {
            let way = one["fix"]["applicability"] == "display" || one["fix"].is_null();
            (self.partly || token.is_deny)
                && way
                && one["help"].as_str().is_some_and(|help| !help.is_empty())
        };
        if left.iter().any(|one| !is_told(one) && !shown(one)) && !is_deny(&found) {
            return Err(format!("LEFT {}; was {}", said(&left), said(&found)));
        }
        if !left.is_empty() {
            tally.told += 1;
            return Ok(());
        }
        // What hangs on a parameter of the template is neither had nor lost.
        let lost = fixed.as_ref().and_then(|fixed| match self.partly {
            true => self.probes.denied(fixed, |decision| decision.is_denied()),
            false => self.probes.lost(self.good, fixed),
        });
        if let Some(lost) = lost {
            return Err(format!("LOST {lost}; was {}", said(&found)));
        }
        tally.fixed += 1;
        tally.wider += usize::from(more.is_some());
        tally.restored += usize::from(after == good);
        Ok(())
    }

    /// What stands outside of the policies is as it was, and within them hardly a line is another.
    fn bytes(
        &self,
        (token, start, cut): (&Token, usize, usize),
        good: &str,
        before: &str,
        after: &str,
    ) -> Result<(), String> {
        let shift = before.len() as isize - good.len() as isize;
        let moved =
            |at: usize| if at >= start + cut { at.saturating_add_signed(shift) } else { at };
        let own = self.places.iter().filter(|(file, ..)| *file == token.file);
        let mut spans: Vec<(usize, usize)> =
            own.map(|(_, start, end)| (moved(*start), moved(*end))).collect();
        spans.sort_unstable();
        let mut rest = after;
        let mut at = 0;
        for (start, end) in &spans {
            if let Some(gap) = before.get(at..*start) {
                let found =
                    if at == 0 { rest.starts_with(gap).then_some(0) } else { rest.find(gap) };
                let Some(found) = found else { return Err("BYTES before a policy".to_owned()) };
                rest = &rest[found + gap.len()..];
            }
            at = at.max(*end);
        }
        if !rest.ends_with(&before[at..]) {
            return Err("BYTES behind the policies".to_owned());
        }
        let breaks = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
        let ((old, all), (new, now)) = (breaks(before), breaks(after));
        if old == all && new != now || old == 0 && new != 0 {
            return Err("BYTES: line ends are mixed".to_owned());
        }
        // Each line is there still, in its order; but for a few that were edited, and a statement that
        // is of no use any more.
        let diff = TextDiff::from_lines(before, after);
        let gone = diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Delete);
        let gone: Vec<(usize, &str)> =
            gone.map(|change| (change.old_index().unwrap(), change.value())).collect();
        let line = |at: usize| before[..at].matches('\n').count();
        let (from, to) = token.statement.unwrap_or((token.start, token.end));
        let own = line(moved(from))..=line(moved(to));
        let remark = |line: &str| line.trim().starts_with('#') || line.trim().starts_with("//");
        if let Some((_, remark)) = gone.iter().find(|(_, line)| remark(line)) {
            return Err(format!("BYTES: {remark:?} is gone"));
        }
        let elsewhere = gone.iter().filter(|(at, _)| !own.contains(at)).count();
        if elsewhere > 6 {
            return Err(format!("BYTES: {elsewhere} lines are not as they were"));
        }
        Ok(())
    }
}

/// The text as others write it: for Windows, without an end of its last line.
fn variants(text: &str) -> [(&'static str, String); 3] {
    [
        ("", text.to_owned()),
        ("with CRLF, ", text.replace("\r\n", "\n").replace('\n', "\r\n")),
        ("without an end, ", text.trim_end().to_owned()),
    ]
}

/// The least policy for the installation of the tests, in a file beside others.
fn least_policy(version: &str, folder: &Path) -> PathBuf {
    let mut args = vec!["karplint".to_owned(), "generate".to_owned(), "policy".to_owned()];
    args.push(format!("--karpenter={version}"));
    let settings = SETTINGS.iter().filter(|flag| !flag.starts_with("--format"));
    args.extend(settings.map(|flag| (*flag).to_owned()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    run(Args::try_parse_from(args).unwrap(), false, &mut out, &mut err).unwrap();
    let path = folder.join("least.json");
    fs::write(&path, out).unwrap();
    path
}

fn every_token((version, name, partly): (&str, &str, bool), count: &mut usize) -> Tally {
    let all = std::env::var_os("KARPLINT_ALL_MUTATIONS").is_some();
    let probes = Probes::of(version);
    let mut tally = Tally::default();
    for variant in 0..3 {
        let copy = Copy::of(name);
        for file in &copy.files {
            let text = fs::read_to_string(file).unwrap();
            // The cluster of the probes.
            let text = text.replace("${var.environment}-${var.cluster}", "${var.cluster}");
            fs::write(file, &variants(&text)[variant].1).unwrap();
        }
        let (clean, err) = lint(version, &[], std::slice::from_ref(&copy.root));
        assert!(clean.is_empty(), "{name}: {} {err}", said(&clean));
        let good = probes.decide(&copy.files);
        let denied = probes.denied(&good, |decision| *decision != Decision::Allowed);
        assert_eq!(denied, None, "{name}: the fixture itself denies");
        let least = probes.decide(&[least_policy(version, copy.root.parent().unwrap())]);
        let (tokens, places) = tokens(&copy.files);
        assert!(tokens.len() > 40, "{name}: {} tokens", tokens.len());
        let (copy, probes, good, least, places) = (&copy, &probes, &good, &least, &places);
        let trial = Trial { version, partly, copy, probes, good, least, places };
        for token in &tokens {
            let text = fs::read_to_string(&token.file).unwrap();
            for (way, to) in instead(token).into_iter().enumerate() {
                *count += 1;
                // Of all, the other ways to write it are one in ten.
                let every = if variant == 0 { 1 } else { 10 };
                if !count.is_multiple_of(if all { every } else { SOME * every }) {
                    continue;
                }
                let (start, end) = match &to {
                    None => token.item.unwrap(),
                    Some(_) => (token.start, token.end),
                };
                let new = to.as_deref().unwrap_or_default();
                let before = format!("{}{new}{}", &text[..start], &text[end..]);
                let what = match &to {
                    None => format!("without {}", token.text),
                    Some(to) => format!("{} is {to:?}", token.text),
                };
                let line = text[..start].matches('\n').count() + 1;
                if let Err(wrong) =
                    trial.one((token, &text, &before), (start, end - start), &mut tally)
                {
                    let form = variants("")[variant].0;
                    tally.wrong.push(format!("{name}:{line} {form}{way}: {what}: {wrong}"));
                }
                fs::write(&token.file, &text).unwrap();
            }
        }
    }
    tally
}

#[test]
fn in_place_in_every_fixture() {
    let only = std::env::var("KARPLINT_ONLY").ok();
    let mut count = 0;
    let mut wrong = Vec::new();
    for good in GOOD {
        if only.as_deref().is_some_and(|only| !good.1.contains(only)) {
            continue;
        }
        let mut tally = every_token(good, &mut count);
        println!(
            "{}: {} mutations, {} fixed ({} of them to the byte, {} as wide as the mutation), {} told, {} nothing to say, {} wrong",
            good.1,
            tally.all,
            tally.fixed,
            tally.restored,
            tally.wider,
            tally.told,
            tally.silent,
            tally.wrong.len()
        );
        wrong.append(&mut tally.wrong);
    }
    for wrong in &wrong {
        println!("  {wrong}");
    }
    assert!(wrong.is_empty(), "{} wrong", wrong.len());
}
