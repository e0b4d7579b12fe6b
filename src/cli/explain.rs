//! `karplint explain`: words of rules, actions, conditions and metrics; and what an event means.

mod told;

use std::io::{self, Read, Write};

use clap::Args as ClapArgs;

use crate::error::Error;
use crate::explain;
use crate::karpenter::{RequestRule, Rules, Version};
use crate::lints;
use crate::report::explain as print;
use crate::source::SourceMap;
use crate::words::{cut, nearest_word};

use super::Status;
use super::args::{ConfigArgs, ControllerArgs, SettingsArgs};
use super::check::fail;
use super::plan::rules;

/// How much of an event is read: a log line is short, a CloudTrail file is not.
const EVENT_LIMIT: u64 = 16 << 20;

/// Say what a rule, an action, a condition, a status or an event means
#[derive(Debug, Clone, ClapArgs)]
pub struct ExplainArgs {
    /// Rule, action, call, request, reason of a condition, 412, 403, validation, log; with --event: the
    /// policies to look at
    #[arg(value_name = "TOPIC|PATH")]
    pub words: Vec<String>,
    /// A log line, condition message or CloudTrail record; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub event: Option<String>,

    /// Karpenter version: 1.4 (its newest patch), 1.4.2, v1.4.2, latest [default: latest]
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub karpenter: Option<String>,
    /// The installation.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What binds one controller.
    #[command(flatten)]
    pub controllers: ControllerArgs,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &ExplainArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let sources = SourceMap::new();
    let rules = match rules(&args.config, &sources) {
        Ok(rules) => rules,
        Err(errors) => return fail(&errors, &sources, err),
    };
    if let Some(file) = &args.event {
        return match read(file) {
            Ok(text) => told::tell(&text, args, &rules, &sources, out, err),
            Err(error) => fail(&[error], &sources, err),
        };
    }
    let version = match rules.resolve(args.karpenter.as_deref().unwrap_or("latest")) {
        Ok(release) => release.version,
        Err(error) => return fail(&[error], &sources, err),
    };
    if args.words.is_empty() {
        let error = Error::usage("nothing to explain")
            .with_help("name a rule, an action, a reason of a condition or `412`");
        return fail(&[error], &sources, err);
    }
    for (at, word) in args.words.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        if !topic(word, &rules, version, out)? {
            return fail(&[unknown(word, &rules)], &sources, err);
        }
    }
    Ok(Status::Clean)
}

/// Whether there was something to say of `word`.
fn topic(word: &str, rules: &Rules, version: Version, out: &mut dyn Write) -> io::Result<bool> {
    let word = word.trim();
    if let Some(lint) = lints::find(word) {
        print::lint(lint, out)?;
    } else if let Some(topic) = explain::topic(word) {
        print::topic(topic, rules, out)?;
    } else if let Some(reason) = explain::reason(word) {
        print::reason(reason, rules, out)?;
    } else if let Some(action) = action(word, rules) {
        print::action(&action, rules, version, out)?;
    } else if let Some(rule) = rules.request(word) {
        print::action(&rule.call, rules, version, out)?;
    } else {
        return other(word, rules, version, out);
    }
    Ok(true)
}

/// The same of words that rules and reasons use: conditions, condition keys, actions that nobody asks for.
fn other(word: &str, rules: &Rules, version: Version, out: &mut dyn Write) -> io::Result<bool> {
    let is = |condition: &str| {
        let name = condition.split(['=', ' ']).next().unwrap_or_default();
        name.eq_ignore_ascii_case(word)
    };
    let reasons: Vec<_> = explain::reasons().iter().filter(|one| is(&one.condition)).collect();
    let sets = |rule: &&RequestRule| rule.failure(version).condition.as_deref().is_some_and(is);
    let made = |rule: &&RequestRule| rule.versions.contain(version);
    let behind: Vec<_> = rules.requests().iter().filter(made).filter(sets).collect();
    if !reasons.is_empty() || !behind.is_empty() {
        print::condition(word, &reasons, &behind, out)?;
        return Ok(true);
    }
    if crate::aws::key_exists(word) {
        let has = |rule: &&RequestRule| {
            let mut keys = rule.entries.iter().flat_map(|entry| &entry.context);
            keys.any(|(key, _)| key.eq_ignore_ascii_case(word))
        };
        let sending: Vec<_> = rules.requests().iter().filter(made).filter(has).collect();
        print::key(&crate::aws::key_display(&word.to_lowercase()), version, &sending, out)?;
        return Ok(true);
    }
    let known = word
        .split_once(':')
        .filter(|(service, name)| crate::aws::action_exists(&service.to_lowercase(), name));
    if known.is_some() {
        print::unasked(word, out)?;
    }
    Ok(known.is_some())
}

/// All actions and calls of the rules.
fn actions(rules: &Rules) -> impl Iterator<Item = &str> {
    rules.requests().iter().flat_map(|rule| {
        std::iter::once(&*rule.call).chain(rule.entries.iter().map(|entry| &*entry.action))
    })
}

/// The action that `word` names, with or without its service.
fn action(word: &str, rules: &Rules) -> Option<String> {
    let is = |action: &&str| {
        let name = action.split_once(':').map_or(*action, |(_, name)| name);
        action.eq_ignore_ascii_case(word) || name.eq_ignore_ascii_case(word)
    };
    actions(rules).find(is).map(str::to_owned)
}

fn unknown(word: &str, rules: &Rules) -> Error {
    let error = Error::usage(format!(
        "`{}` is no rule, action, call, condition, condition key, reason or status",
        cut(word)
    ));
    let topics = explain::topics().iter().flat_map(|topic| &topic.ids).map(String::as_str);
    let reasons = explain::reasons().iter().map(|reason| reason.id.as_str());
    let words = lints::ids().chain(topics).chain(reasons).map(str::to_owned);
    let names = actions(rules).flat_map(|action| [Some(action), action.split(':').nth(1)]);
    let words: Vec<String> = words.chain(names.flatten().map(str::to_owned)).collect();
    match nearest_word(word, words.iter().map(String::as_str)) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error.with_help("`karplint requires` lists the actions"),
    }
}

fn read(file: &str) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let read = if file == "-" {
        io::stdin().take(EVENT_LIMIT + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file)
            .and_then(|file| file.take(EVENT_LIMIT + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(read) if read as u64 > EVENT_LIMIT => {
            let message = format!("the event is longer than {} MiB", EVENT_LIMIT >> 20);
            Err(Error::file(file, None, message))
        }
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(Error::file(
            file,
            None,
            format!("cannot be read: {}", crate::source::reason(&error)),
        )),
    }
}
