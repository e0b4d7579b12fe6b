//! Explanations for people: a heading, paragraphs, what to paste.

use std::io::{self, Write};

use crate::explain::{Reason, Topic};
use crate::karpenter::{Phase, RequestRule, Rules, Version};
use crate::lints::Lint;

use super::escape::line;
use super::layout::{WIDTH, fact, releases, row, wrap};
use super::preflight::short;

/// The answer in one sentence.
fn heading(text: &str, out: &mut dyn Write) -> io::Result<()> {
    for text in wrap(&line(text), WIDTH) {
        writeln!(out, "{text}")?;
    }
    Ok(())
}

fn paragraph(text: &str, out: &mut dyn Write) -> io::Result<()> {
    for text in wrap(&line(text), WIDTH - 2) {
        writeln!(out, "  {text}")?;
    }
    Ok(())
}

/// A rule: what, why, example, remedy, reference.
///
/// # Errors
/// Whatever the writer returns.
pub fn lint(lint: &Lint, out: &mut dyn Write) -> io::Result<()> {
    heading(&format!("{} ({}): {}", lint.id, lint.severity, lint.title), out)?;
    writeln!(out)?;
    paragraph(&lint.why, out)?;
    writeln!(out)?;
    fact("example", std::slice::from_ref(&lint.example), out)?;
    fact("remedy", std::slice::from_ref(&lint.remedy), out)?;
    fact("see", std::slice::from_ref(&lint.reference), out)
}

/// A word of metrics and logs; `rules` tell how often each version validates.
///
/// # Errors
/// Whatever the writer returns.
pub fn topic(topic: &Topic, rules: &Rules, out: &mut dyn Write) -> io::Result<()> {
    heading(&topic.title, out)?;
    for text in &topic.text {
        writeln!(out)?;
        paragraph(text, out)?;
    }
    if topic.ids.iter().any(|id| id == "412" || id == "validation") {
        writeln!(out, "\n  How often an EC2NodeClass is validated:\n")?;
        for rule in rules.requests().iter().filter(|rule| rule.phase == Phase::Validation) {
            if let Some(often) = &rule.cadence {
                row(&[(44, &releases(&rule.versions)), (0, often)], out)?;
            }
        }
    }
    if !topic.commands.is_empty() {
        writeln!(out)?;
    }
    for command in &topic.commands {
        writeln!(out, "      {command}")?;
    }
    if !topic.also.is_empty() || topic.reference.is_some() {
        writeln!(out)?;
    }
    let also: Vec<String> = topic.also.iter().map(|id| format!("karplint explain {id}")).collect();
    fact("more", &also, out)?;
    fact("see", topic.reference.as_slice(), out)
}

/// The reason of a condition, with the requests behind it.
///
/// # Errors
/// Whatever the writer returns.
pub fn reason(reason: &Reason, rules: &Rules, out: &mut dyn Write) -> io::Result<()> {
    heading(&format!("{}: {}", reason.id, reason.title), out)?;
    writeln!(out)?;
    fact("where", std::slice::from_ref(&reason.condition), out)?;
    fact("then", std::slice::from_ref(&reason.then), out)?;
    let sets = |rule: &&RequestRule| {
        rule.failures.iter().any(|failure| failure.reason.as_deref() == Some(reason.id.as_str()))
    };
    let behind: Vec<&RequestRule> = rules.requests().iter().filter(sets).collect();
    if !behind.is_empty() {
        writeln!(out)?;
        requests(&behind, out)?;
    }
    Ok(())
}

/// A condition of an EC2NodeClass or a NodeClaim, with its reasons and the requests behind it.
///
/// # Errors
/// Whatever the writer returns.
pub fn condition(
    name: &str,
    reasons: &[&Reason],
    behind: &[&RequestRule],
    out: &mut dyn Write,
) -> io::Result<()> {
    heading(&format!("{name} is a condition that Karpenter sets"), out)?;
    writeln!(out)?;
    for reason in reasons {
        row(&[(44, &reason.id), (0, &reason.title)], out)?;
    }
    if !reasons.is_empty() && !behind.is_empty() {
        writeln!(out)?;
    }
    requests(behind, out)
}

/// A condition key, with the requests whose value of it is known.
///
/// # Errors
/// Whatever the writer returns.
pub fn key(
    name: &str,
    version: Version,
    sending: &[&RequestRule],
    out: &mut dyn Write,
) -> io::Result<()> {
    heading(&format!("{name} is a condition key of AWS"), out)?;
    if !sending.is_empty() {
        writeln!(out)?;
        requests(sending, out)?;
    }
    writeln!(out)?;
    let next = format!("karplint requires --karpenter {version} lists what each call sends");
    fact("more", &[next], out)
}

/// An action of AWS that is none of Karpenter's.
///
/// # Errors
/// Whatever the writer returns.
pub fn unasked(name: &str, out: &mut dyn Write) -> io::Result<()> {
    heading(&format!("{name} is an action of AWS that no version of Karpenter asks for"), out)
}

/// An action or a call: who asks for it, on what, and what is seen without it.
///
/// # Errors
/// Whatever the writer returns.
pub fn action(name: &str, rules: &Rules, latest: Version, out: &mut dyn Write) -> io::Result<()> {
    let asks = |rule: &&RequestRule| {
        *rule.call == *name || rule.entries.iter().any(|entry| *entry.action == *name)
    };
    let all: Vec<&RequestRule> = rules.requests().iter().filter(asks).collect();
    let newest: Vec<&RequestRule> =
        all.iter().copied().filter(|rule| rule.versions.contain(latest)).collect();
    // Older forms of a request differ in tags and ARNs only; what is gone is told as it was.
    let (told, until) = if newest.is_empty() {
        (all, format!("not asked by Karpenter {latest} any more"))
    } else {
        (newest, format!("asked by Karpenter {latest}"))
    };
    writeln!(out, "{}: {until}\n", line(name))?;
    requests(&told, out)?;
    writeln!(out)?;
    for rule in told {
        let mut kinds: Vec<&str> = Vec::new();
        for entry in rule.entries.iter().filter(|entry| *entry.action == *name) {
            if !entry.resource_type.is_empty() && !kinds.contains(&&*entry.resource_type) {
                kinds.push(&entry.resource_type);
            }
        }
        let failure = rule.failure(latest);
        let seen = [failure.condition, failure.reason, failure.symptom];
        let seen: Vec<String> = seen.into_iter().flatten().collect();
        let on = if kinds.is_empty() { "*".to_owned() } else { kinds.join(", ") };
        row(&[(44, &rule.id), (0, &format!("on {on}"))], out)?;
        row(&[(44, ""), (0, &format!("denied: {}", seen.join(", ")))], out)?;
    }
    writeln!(out)?;
    let next = format!("karplint requires --karpenter {latest} lists tags, keys and ARNs");
    fact("more", &[next], out)
}

/// Requests, each with what it is for and the releases that make it.
///
/// # Errors
/// Whatever the writer returns.
pub fn requests(requests: &[&RequestRule], out: &mut dyn Write) -> io::Result<()> {
    for rule in requests {
        let how = match (rule.dry_run, rule.by_service) {
            (true, _) => "dry run",
            (false, true) => "by EC2 Fleet",
            (false, false) => "real",
        };
        let call = format!("{}, {how}", short(&rule.call));
        let text = format!("{} ({})", rule.purpose, releases(&rule.versions));
        row(&[(44, &call), (0, &text)], out)?;
    }
    Ok(())
}

/// What was understood of an event, as words and sentences.
///
/// # Errors
/// Whatever the writer returns.
pub fn facts(facts: &[(&str, Vec<String>)], out: &mut dyn Write) -> io::Result<()> {
    for (word, texts) in facts {
        fact(word, texts, out)?;
    }
    Ok(())
}
