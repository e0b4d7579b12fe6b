//! `karplint generate policy --against PATH`: how policies differ from the least one.

use std::io::{self, Write};

use crate::check::Case;
use crate::check::{layers, words};
use crate::error::Error;
use crate::generate::{Against, Lack, against, generate};
use crate::karpenter::Rules;
use crate::report::escape;
use crate::source::SourceMap;

use super::super::args::CheckArgs;
use super::super::check::{fail, sentence};
use super::super::fix::{self, Texts};
use super::super::judge::{controllers, settle};
use super::super::plan::Plan;
use super::super::{Status, inputs};

/// Runs the command.
pub(super) fn run(
    args: &CheckArgs,
    plan: &mut Plan,
    rules: &Rules,
    sources: &SourceMap,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let piped = fix::stdin(args)?;
    let loaded = inputs::read(args, &plan.config, &mut piped.as_slice(), sources, &Texts::new());
    plan.settle_version(&loaded.pins, rules, sources);
    for note in &plan.notes {
        writeln!(err, "{}", escape::line(note))?;
    }
    let controllers = controllers(args, plan, &loaded);
    let mut errors = loaded.errors.clone();
    if controllers.is_empty() && errors.is_empty() {
        errors.push(Error::usage("no policy of a Karpenter controller in the input"));
    }
    if !errors.is_empty() {
        return fail(&errors, sources, err);
    }
    let mut status = Status::Clean;
    for controller in &controllers {
        let documents = &loaded.documents;
        let resolved = settle(controller, documents, plan);
        let case =
            Case { controller, documents, resolved: &resolved, rules, sources, advice: false };
        let existing = layers(&case);
        let generated = generate(rules, &resolved.settings, &resolved.symbols, false);
        let own = controller.identity.iter().filter_map(|index| documents.get(*index));
        let policies: Vec<_> = own.map(|document| &document.policy).collect();
        let found = against(&existing, &policies, &generated, &resolved.settings);
        print(&controller.name, plan, &found, out)?;
        for unseen in controller.unseen.iter().chain(&controller.unseen_boundary) {
            let error = Error::usage(format!("{} is not in the input", unseen.name));
            writeln!(err, "{}", sentence(&error, sources))?;
        }
        if !found.lacks.is_empty() || !found.beyond.is_empty() {
            status = Status::Findings;
        }
    }
    Ok(status)
}

fn print(name: &str, plan: &Plan, found: &Against, out: &mut dyn Write) -> io::Result<()> {
    let version = plan.version;
    let name = escape::line(name);
    if found.lacks.is_empty() && found.beyond.is_empty() {
        return writeln!(
            out,
            "{name} allows what Karpenter {version} needs, and nothing beyond it"
        );
    }
    writeln!(out, "{name} against the least policy for Karpenter {version}")?;
    let mut title = "lacks";
    let calls = |lack: &Lack| lack.calls.iter().cloned().collect::<Vec<_>>();
    let same = |a: &Lack, b: &Lack| {
        a.action == b.action && a.calls == b.calls && a.unsettled == b.unsettled
    };
    for lacks in found.lacks.chunk_by(same) {
        let Some(first) = lacks.first() else { continue };
        let resources: Vec<String> = lacks.iter().map(|lack| lack.resource.clone()).collect();
        let open = if first.unsettled { ", as far as can be known" } else { "" };
        let what = what(&first.action, &resources);
        let line = format!("{what}, for {}{open}", words::list(&calls(first), 4));
        writeln!(out, "  {title:6}  {}", escape::line(&line))?;
        title = "";
    }
    title = "beyond";
    let mut told: Vec<(&str, Vec<String>)> = Vec::new();
    for beyond in &found.beyond {
        let what = what(&beyond.action, &beyond.resources);
        match told.iter_mut().find(|(with, _)| *with == beyond.with) {
            Some((_, all)) => all.push(what),
            None => told.push((&beyond.with, vec![what])),
        }
    }
    for (with, all) in told {
        let with = if with.is_empty() { "never asked" } else { with };
        writeln!(out, "  {title:6}  {}", escape::line(with))?;
        title = "";
        for what in all {
            writeln!(out, "            {}", escape::line(&what))?;
        }
    }
    Ok(())
}

/// An action with the resources that are meant.
fn what(action: &str, resources: &[String]) -> String {
    match resources {
        [] => action.to_owned(),
        [one] if one == "*" => action.to_owned(),
        some => format!("{action} on {}", words::list(some, 12)),
    }
}
