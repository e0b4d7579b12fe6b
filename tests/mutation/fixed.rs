//! Every mutation of every correct policy, in every form, fixed: then nothing is left to say, all that
//! Karpenter needs is allowed, nothing more is than the correct policy allows, and there is nothing
//! left to fix. Whatever no edit touched is as it was.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use karplint::cli::{Args, run};
use serde_json::Value;

use super::forms::Form;
use super::mutate::{self, Mutation};
use super::probes::{Decisions, Probes};
use super::{SETTINGS, fixture};

/// The correct policies, by version; of several documents each is altered in its turn.
const GOOD: [(&str, &[&str]); 5] = [
    ("0.37", &["json/ok/karpenter-0.37.json"]),
    ("1.0", &["json/ok/karpenter-1.0.json"]),
    ("1.4", &["json/ok/karpenter-1.4.json"]),
    (
        "1.9",
        &[
            "json/ok/karpenter-1.9/launch.json",
            "json/ok/karpenter-1.9/profiles.json",
            "json/ok/karpenter-1.9/discovery.json",
        ],
    ),
    ("1.14", &["json/ok/karpenter-1.14.json"]),
];

/// One in so many is tried, unless all are asked for.
const SOME: usize = 61;

/// What became of the mutations of one form.
#[derive(Debug, Default)]
struct Tally {
    all: usize,
    /// Nothing was said: the mutation does no harm that anybody asks about.
    silent: usize,
    /// Of these, those that grant more than before all the same: none may.
    silent_and_wider: Vec<String>,
    fixed: usize,
    /// Of these, those that are byte for byte as before the mutation.
    restored: usize,
    /// Clean, but what the mutation itself grants beyond is left: none may be.
    wider: Vec<String>,
    /// A Deny: what to do is told.
    denies: usize,
    /// A person has to answer something.
    told: usize,
    wrong: Vec<String>,
}

/// What is found, without what lies outside the mutation.
pub(super) fn lint(version: &str, flags: &[&str], files: &[PathBuf]) -> (Vec<Value>, String) {
    let mut args = vec![
        "karplint".to_owned(),
        "check".to_owned(),
        "--union".to_owned(),
        format!("--karpenter={version}"),
    ];
    args.extend(SETTINGS.iter().chain(flags).map(|flag| (*flag).to_owned()));
    args.extend(files.iter().map(|file| file.display().to_string()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    run(Args::try_parse_from(args).unwrap(), false, &mut out, &mut err).unwrap();
    let err = String::from_utf8(err).unwrap();
    let report: Value = serde_json::from_slice(&out).unwrap_or_else(|_| Value::String(err.clone()));
    let findings = report["findings"].as_array().cloned();
    (findings.unwrap_or_else(|| vec![Value::String(err.clone())]), err)
}

pub(super) fn said(findings: &[Value]) -> String {
    let one = |finding: &Value| {
        format!(
            "{} ({}): {} [{}]",
            finding["rule"].as_str().unwrap_or("?"),
            finding["fix"]["applicability"].as_str().unwrap_or("no fix"),
            finding["message"].as_str().unwrap_or_default(),
            finding["help"].as_str().unwrap_or_default()
        )
    };
    findings.iter().map(one).collect::<Vec<_>>().join(" | ")
}

struct Trial<'t> {
    version: &'t str,
    probes: &'t Probes,
    good: &'t Decisions,
    form: Form,
    files: &'t [PathBuf],
    file: &'t Path,
    /// As it was before the mutation.
    text: &'t str,
}

impl Trial<'_> {
    fn one(&self, mutation: &Mutation, tally: &mut Tally) -> Result<(), String> {
        let before = self.form.write(&mutation.policy);
        fs::write(self.file, &before).unwrap();
        tally.all += 1;
        let (found, _) = lint(self.version, &[], self.files);
        let mutated = || {
            fs::write(self.file, &before).unwrap();
            self.probes.decide(self.files)
        };
        let (left, _) = lint(self.version, &["--fix", "--unsafe-fixes"], self.files);
        let after = fs::read_to_string(self.file).unwrap();
        let _ = lint(self.version, &["--fix", "--unsafe-fixes"], self.files);
        if fs::read_to_string(self.file).unwrap() != after {
            return Err(format!("UNSTABLE: fixed twice; was {}", said(&found)));
        }
        bytes(&mutation.policy, &before, &after)?;
        // What is as it was before the mutation needs no evaluation.
        let fixed = (after != *self.text).then(|| self.probes.decide(self.files));
        // Whatever else: a fix never grants what neither the good policy nor the altered one does.
        let more = fixed.as_ref().and_then(|fixed| self.probes.beyond(&[self.good], fixed));
        if let Some(fixed) = fixed.as_ref().filter(|_| more.is_some() && after != before)
            && let Some(more) = self.probes.beyond(&[self.good, &mutated()], fixed)
        {
            return Err(format!("WIDENED {more}; was {}", said(&found)));
        }
        if is_deny(&found) || mutation.what.contains("Deny") {
            let denies = |text: &str| text.matches("Deny").count();
            if denies(&after) < denies(&before) {
                return Err("DENY taken away".to_owned());
            }
            tally.denies += 1;
            return Ok(());
        }
        if found.is_empty() {
            tally.silent += 1;
            tally.silent_and_wider.extend(more.map(|more| format!("{}: {more}", mutation.what)));
            return if after == before { Ok(()) } else { Err("CHANGED for nothing".to_owned()) };
        }
        if left.iter().any(|finding| !is_told(finding)) {
            return Err(format!("LEFT {}; was {}", said(&left), said(&found)));
        }
        let lost = fixed.as_ref().and_then(|fixed| self.probes.lost(self.good, fixed));
        if !left.is_empty() {
            tally.told += 1;
            return Ok(());
        }
        if let Some(lost) = lost {
            return Err(format!("LOST {lost}; was {}", said(&found)));
        }
        // What the mutation itself grants is to be found fault with.
        if let Some(more) = more {
            tally.wider.push(format!("{}: {more}; was {}", mutation.what, said(&found)));
            return Ok(());
        }
        tally.fixed += 1;
        tally.restored += usize::from(after == *self.text);
        Ok(())
    }
}

/// Nobody but who wrote a Deny can say what it is for.
pub(super) fn is_deny(found: &[Value]) -> bool {
    found.iter().any(|finding| {
        let rule = |rule: &Value| rule == "explicit-deny";
        rule(&finding["rule"]) || rule(&finding["data"]["cause"])
    })
}

/// What a person has to answer: which condition an empty one was meant to be, whether resources have a
/// tag that is not Karpenter's, and who makes and attaches a second policy.
pub(super) fn is_told(finding: &Value) -> bool {
    let message = finding["message"].as_str().unwrap_or_default();
    let applied = finding["fix"]["applicability"] != "display"
        && finding["fix"]["edits"].as_array().is_some_and(|edits| !edits.is_empty());
    let empty = finding["rule"] == "empty-element" && message.ends_with("has no condition key");
    let open = finding["rule"] == "unsettled"
        && (message.contains("Tag/") || message.contains("`aws:RequestedRegion`"));
    // Whether requests without the key are meant.
    let open = open || message.contains("also holds for a request without");
    // A second policy has to be made and attached, where no text of the first can do it.
    let large = finding["rule"] == "policy-size";
    (empty || open || large) && !applied
}

/// Line ends, the end of the file and all remarks are as they were, and hardly a line is another.
fn bytes(policy: &Value, before: &str, after: &str) -> Result<(), String> {
    let broken = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
    let ((old, all), (new, now)) = (broken(before), broken(after));
    if old == all && new != now || old == 0 && new != 0 {
        return Err("BYTES: line ends are mixed".to_owned());
    }
    if before.ends_with('\n') != after.ends_with('\n') {
        return Err("BYTES: the end of the file changed".to_owned());
    }
    let remarks = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains('#')).map(str::to_owned).collect()
    };
    let kept = remarks(after);
    // The remark of a statement goes with it.
    let statements = policy["Statement"].as_array().unwrap().iter().enumerate();
    let gone = statements.filter_map(|(at, statement)| Some((at, statement["Sid"].as_str()?)));
    let gone: Vec<String> = gone
        .filter(|(_, sid)| !['"', '\''].iter().any(|q| after.contains(&format!("{q}{sid}{q}"))))
        .map(|(at, _)| format!("# remark {at}"))
        .collect();
    let lost =
        |remark: &&String| !kept.contains(remark) && !gone.iter().any(|gone| remark.trim() == gone);
    if let Some(gone) = remarks(before).iter().find(lost) {
        return Err(format!("BYTES: {gone:?} is gone"));
    }
    Ok(())
}

fn every_mutation(form: Form) {
    let all = std::env::var_os("KARPLINT_ALL_MUTATIONS").is_some();
    let only = std::env::var("KARPLINT_ONLY").ok();
    let (mut tally, mut mixed) = (Tally::default(), Tally::default());
    let mut count = Form::ALL.iter().position(|other| *other == form).unwrap() * 7;
    for (version, names) in GOOD {
        if only.as_deref().is_some_and(|only| only != version && only != "mixed") {
            continue;
        }
        let probes = Probes::of(version);
        assert!(probes.len() > 2000, "{version}: {} probes", probes.len());
        let policies: Vec<Value> = names
            .iter()
            .map(|name| serde_json::from_str(&fs::read_to_string(fixture(name)).unwrap()).unwrap())
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..names.len())
            .map(|i| {
                let folder = folder.path().join(i.to_string());
                fs::create_dir(&folder).unwrap();
                folder.join(form.file())
            })
            .collect();
        for (file, policy) in files.iter().zip(&policies) {
            fs::write(file, form.write(policy)).unwrap();
        }
        let good = probes.decide(&files);
        let (clean, err) = lint(version, &[], &files);
        assert!(clean.is_empty(), "{form:?} {version}: {} {err}", said(&clean));
        for (at, policy) in policies.iter().enumerate() {
            let text = form.write(policy);
            let trial = Trial {
                text: &text,
                version,
                probes: &probes,
                good: &good,
                form,
                files: &files,
                file: &files[at],
            };
            // Without the good ones altered, only mixed, where somebody works on those.
            let altered =
                if only.as_deref() == Some("mixed") { Vec::new() } else { mutate::all(policy) };
            let pairs = mutate::mixed(policy);
            for (tally, mutations) in [(&mut tally, altered), (&mut mixed, pairs)] {
                for mutation in mutations {
                    count += 1;
                    if !all && count % SOME != 0 {
                        continue;
                    }
                    if let Err(wrong) = trial.one(&mutation, tally) {
                        tally.wrong.push(format!("{version} {}: {wrong}", mutation.what));
                    }
                }
            }
            fs::write(&files[at], form.write(policy)).unwrap();
        }
    }
    for (what, tally) in [("mutations", &tally), ("pairs made one", &mixed)] {
        println!(
            "{form:?}: {} {what}, {} fixed ({} of them to the byte), {} as wide as the mutation, {} a Deny, {} to answer, {} nothing to say ({} of them wider), {} wrong",
            tally.all,
            tally.fixed,
            tally.restored,
            tally.wider.len(),
            tally.denies,
            tally.told,
            tally.silent,
            tally.silent_and_wider.len(),
            tally.wrong.len()
        );
        for wider in tally.wider.iter().chain(&tally.silent_and_wider) {
            println!("  {form:?} WIDER {wider}");
        }
        for wrong in &tally.wrong {
            println!("  {form:?} {wrong}");
        }
        assert!(tally.wrong.is_empty(), "{form:?}: {} wrong", tally.wrong.len());
    }
    // Two statements made one grant each other's actions on each other's resources: mostly pairs that AWS
    // never asks for, of which nothing is said. What is written for them is held to the same otherwise.
    let wider = tally.wider.len() + tally.silent_and_wider.len();
    assert_eq!(wider, 0, "{form:?}: grant more than the good policy, and nothing is said of it");
}

macro_rules! forms {
    ($($name:ident $form:ident)*) => {
        $(#[test]
        fn $name() {
            every_mutation(Form::$form);
        })*
    };
}

forms! {
    json Json
    json_of_windows Windows
    json_on_one_line OneLine
    json_under_sub Sub
    map_in_yaml Map
    map_in_yaml_between_brackets Flow
    map_in_a_template Template
    jsonencode Encode
    heredoc Heredoc
    policy_document Blocks
}
