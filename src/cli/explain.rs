//! `karplint explain`: words of rules, actions, conditions and metrics; and what an event means.

use std::io::{self, Read, Write};

use clap::Args as ClapArgs;

use crate::error::Error;
use crate::explain::{self, event, event::Event};
use crate::karpenter::{RequestRule, Rules, Version};
use crate::lints;
use crate::report::{escape, explain as print, place_of};
use crate::source::SourceMap;
use crate::words::{cut, nearest_word};

use super::args::{CheckArgs, ConfigArgs, ControllerArgs, SettingsArgs};
use super::check::{fail, sentence};
use super::fix::Texts;
use super::judge::judge;
use super::plan::{plan, rules};
use super::silence::Silence;
use super::{Status, inputs};

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
            Ok(text) => tell(&text, args, &rules, &sources, out, err),
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
        return Ok(false);
    }
    Ok(true)
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
    let error = Error::usage(format!("`{}` is no rule, action, call, reason or status", cut(word)));
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

/// What the event means, and where in the policies the reason stands.
fn tell(
    text: &str,
    args: &ExplainArgs,
    rules: &Rules,
    sources: &SourceMap,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let Some(event) = event::read(text) else {
        let error = Error::usage("the event names no denial").with_help(
            "expected a line with UnauthorizedOperation or AccessDenied, a condition of an EC2NodeClass, or a CloudTrail record",
        );
        return fail(&[error], sources, err);
    };
    let as_check = CheckArgs {
        paths: args.words.clone(),
        karpenter: args.karpenter.clone(),
        settings: args.settings.clone(),
        controllers: args.controllers.clone(),
        config: args.config.clone(),
        ..CheckArgs::default()
    };
    let mut plan = match plan(&as_check, rules, sources) {
        Ok(plan) => plan,
        Err(error) => return fail(&[error], sources, err),
    };
    if !plan.errors.is_empty() {
        return fail(&plan.errors, sources, err);
    }
    plan.settle_version(&[], rules, sources);
    plan.silence = Silence::default();
    for note in &plan.notes {
        writeln!(err, "{}", escape::line(note))?;
    }
    let version = plan.version;
    let behind = requests(&event, rules, version);
    writeln!(out, "{}\n", headline(&event, version))?;
    print::facts(&said(&event), out)?;
    if let Some(encoded) = &event.encoded {
        // A line to paste: it is not wrapped.
        let command = "aws sts decode-authorization-message --query DecodedMessage --output text";
        writeln!(out, "  decode   {command} --encoded-message {}", escape::line(encoded))?;
    }
    if !behind.is_empty() {
        writeln!(out)?;
        print::requests(&behind, out)?;
    }
    let mut errors = Vec::new();
    if !args.words.is_empty() {
        let loaded =
            inputs::read(&as_check, &plan.config, &mut io::stdin(), sources, &Texts::new());
        let outcome = judge(&as_check, &plan, rules, sources, &loaded);
        let places: Vec<String> = outcome
            .findings
            .iter()
            .filter(|finding| {
                finding.data.denied.iter().any(|denied| {
                    let asked = event.action.as_ref().or(event.call.as_ref());
                    let same =
                        asked.is_some_and(|action| denied.action.eq_ignore_ascii_case(action));
                    let kind = event.resource_type();
                    let behind = behind.iter().any(|rule| *rule.id == *denied.request);
                    let kind = kind.is_none_or(|kind| denied.resource_type == kind);
                    behind && (same && kind || event.action.is_none() && event.reason.is_some())
                })
            })
            .map(|finding| {
                let place = place_of(sources, finding.primary.span);
                let severity = finding.severity.name();
                format!("{place} {severity}[{}]: {}", finding.rule, finding.message)
            })
            .collect();
        writeln!(out)?;
        if places.is_empty() && outcome.errors.is_empty() {
            let none = format!(
                "these policies allow it for Karpenter {version}; look at policies, boundary and SCPs that are not here"
            );
            print::facts(&[("cause", vec![none])], out)?;
        } else if !places.is_empty() {
            let next = format!("karplint check --karpenter {version} {}", args.words.join(" "));
            print::facts(&[("cause", places), ("next", vec![next])], out)?;
        }
        errors = outcome.errors;
    }
    for error in &errors {
        writeln!(err, "{}", sentence(error, sources))?;
    }
    Ok(if errors.is_empty() { Status::Clean } else { Status::Failed })
}

fn headline(event: &Event, version: Version) -> String {
    let what = event.action.as_ref().or(event.call.as_ref());
    match (event.dry_run_passed, what, &event.reason) {
        (true, Some(what), _) => format!("{what}: 412 DryRunOperation, AWS would have done it"),
        (true, None, _) => "412 DryRunOperation: AWS would have done it".to_owned(),
        (false, Some(what), _) => format!("{what} was denied (Karpenter {version})"),
        (false, None, Some(reason)) => format!("{reason} (Karpenter {version})"),
        (false, None, None) => "a call was denied; the event does not say which".to_owned(),
    }
}

fn said(event: &Event) -> Vec<(&'static str, Vec<String>)> {
    let list = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let mut facts = vec![
        ("call", list(&event.call)),
        ("on", list(&event.resource)),
        ("by", list(&event.principal)),
    ];
    if let Some(reason) = event.reason.as_deref().and_then(explain::reason) {
        facts.push(("reason", vec![format!("{}: {}", reason.id, reason.title)]));
        facts.push(("then", vec![reason.then.clone()]));
    }
    if let Some(cause) = event.cause {
        facts.push(("why", vec![cause.words().to_owned()]));
    }
    facts
}

/// The requests of the version that the event can be about.
fn requests<'r>(event: &Event, rules: &'r Rules, version: Version) -> Vec<&'r RequestRule> {
    let made = rules.requests().iter().filter(|rule| rule.versions.contain(version));
    let same = |text: &str, wanted: &Option<String>| {
        wanted.as_ref().is_some_and(|wanted| text.eq_ignore_ascii_case(wanted))
    };
    let about = |rule: &&RequestRule| {
        if let Some(reason) = &event.reason {
            return rule.failure(version).reason.as_ref() == Some(reason);
        }
        if event.action.is_none() {
            return same(&rule.call, &event.call);
        }
        rule.entries.iter().filter(|entry| entry.versions.contain(version)).any(|entry| {
            same(&entry.action, &event.action)
                && event.resource_type().is_none_or(|kind| *entry.resource_type == *kind)
        })
    };
    made.filter(about).collect()
}
