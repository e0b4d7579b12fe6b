//! What an event means, and what policies that are here say of it.

use std::io::{self, Write};

use crate::check::event::{Question, Said, ask};
use crate::check::words::{code, list};
use crate::check::{Answer, Case};
use crate::error::Error;
use crate::explain::{self, event, event::Event};
use crate::karpenter::{RequestRule, Rules, Version};
use crate::report::{Outcome, escape, explain as print, place_of};
use crate::source::SourceMap;

use super::super::args::CheckArgs;
use super::super::check::{fail, sentence};
use super::super::fix::Texts;
use super::super::inputs::Loaded;
use super::super::judge::{controllers, judge, settle};
use super::super::plan::{Plan, plan};
use super::super::silence::Silence;
use super::super::{Status, inputs};
use super::ExplainArgs;

/// Everything that was read, and what came out.
struct Held<'a> {
    args: &'a CheckArgs,
    plan: &'a Plan,
    rules: &'a Rules,
    sources: &'a SourceMap,
    loaded: Loaded,
    outcome: Outcome<'a>,
}

/// What the events mean, and where in the policies the reason stands.
pub(super) fn tell(
    text: &str,
    args: &ExplainArgs,
    rules: &Rules,
    sources: &SourceMap,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let events = event::read(text);
    if events.is_empty() {
        let error = Error::usage("the event names no denial").with_help(
            "expected a line with UnauthorizedOperation or AccessDenied, a condition of an EC2NodeClass, or a CloudTrail record",
        );
        return fail(&[error], sources, err);
    }
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
    let mut held = None;
    if !args.words.is_empty() {
        let stdin = &mut io::stdin();
        let loaded = inputs::read(&as_check, &plan.config, stdin, sources, &Texts::new());
        let mut outcome = judge(&as_check, &plan, rules, sources, &loaded);
        if outcome.controllers.is_empty() && outcome.errors.is_empty() {
            outcome.errors.push(Error::usage("no policy of a Karpenter controller in the input"));
        }
        held = Some(Held { args: &as_check, plan: &plan, rules, sources, loaded, outcome });
    }
    for (at, event) in events.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let behind = requests(event, rules, version);
        writeln!(out, "{}", escape::line(&headline(event, version)))?;
        let facts = said(event);
        if facts.iter().any(|(_, texts)| !texts.is_empty()) {
            writeln!(out)?;
        }
        print::facts(&facts, out)?;
        if let Some(encoded) = &event.encoded {
            // A line to paste: it is not wrapped.
            let command =
                "aws sts decode-authorization-message --query DecodedMessage --output text";
            writeln!(out, "  decode   {command} --encoded-message {}", escape::line(encoded))?;
        }
        if !behind.is_empty() {
            writeln!(out)?;
            print::requests(&behind, out)?;
        }
        // The good answer has no cause to look for.
        let held = held.as_ref().filter(|held| !event.dry_run_passed && !held.nothing_judged());
        if let Some(held) = held {
            writeln!(out)?;
            print::facts(&held.cause(event, &behind), out)?;
        }
    }
    let errors = held.map(|held| held.outcome.errors).unwrap_or_default();
    for error in &errors {
        writeln!(err, "{}", sentence(error, sources))?;
    }
    Ok(if errors.is_empty() { Status::Clean } else { Status::Failed })
}

impl Held<'_> {
    fn nothing_judged(&self) -> bool {
        self.outcome.controllers.is_empty()
    }

    /// What the policies have to do with the event: findings about it, else what they answer to it.
    fn cause(&self, event: &Event, behind: &[&RequestRule]) -> Vec<(&'static str, Vec<String>)> {
        let version = self.plan.version;
        let next = |command: &str| {
            let paths = self.args.paths.join(" ");
            vec![format!("karplint {command} --karpenter {version} {paths}")]
        };
        let places = self.places(event, behind);
        if !places.is_empty() {
            return vec![("cause", places), ("next", next("check"))];
        }
        let Some(action) = event.action.as_deref().or(event.call.as_deref()) else {
            return self.cause_of_requests(behind, next("preflight"));
        };
        if action.to_ascii_lowercase().starts_with("sts:assumerole") {
            let whose = "the trust policy of the role decides this, not what the role may do: give that \
                         policy to `karplint check`";
            return vec![("cause", vec![whose.to_owned()])];
        }
        let question =
            Question { action, resource: event.resource.as_deref(), kind: event.resource_type() };
        let controllers = controllers(self.args, self.plan, &self.loaded);
        let documents = &self.loaded.documents;
        let answers: Vec<(&str, Said)> = controllers
            .iter()
            .map(|controller| {
                let resolved = &settle(controller, documents, self.plan);
                let (rules, sources) = (self.rules, self.sources);
                let case = Case { controller, documents, resolved, rules, sources, advice: false };
                (controller.name.as_str(), ask(case, question))
            })
            .collect();
        let lines = answers.iter().map(|(name, said)| {
            let line = self.answer(said, &question);
            if answers.len() > 1 { format!("{name}: {line}") } else { line }
        });
        vec![("cause", lines.collect())]
    }

    /// Findings about what the event tells.
    fn places(&self, event: &Event, behind: &[&RequestRule]) -> Vec<String> {
        let asked = event.action.as_ref().or(event.call.as_ref());
        let kind = event.resource_type();
        let is_of = |denied: &crate::finding::Denied| {
            let same = asked.is_some_and(|action| denied.action.eq_ignore_ascii_case(action));
            let kind = kind.is_none_or(|kind| denied.resource_type == kind);
            let whole = asked.is_none();
            behind.iter().any(|rule| *rule.id == *denied.request) && (same && kind || whole)
        };
        let findings = self.outcome.findings.iter();
        findings
            .filter(|finding| finding.data.denied.iter().any(is_of))
            .map(|finding| {
                let place = place_of(self.sources, finding.primary.span);
                let severity = finding.severity.name();
                format!("{place} {severity}[{}]: {}", finding.rule, finding.message)
            })
            .collect()
    }

    /// The same where the event names no action.
    fn cause_of_requests(
        &self,
        behind: &[&RequestRule],
        next: Vec<String>,
    ) -> Vec<(&'static str, Vec<String>)> {
        let version = self.plan.version;
        if behind.is_empty() {
            let none = "the event names no call, so that nothing was held against the policies";
            return vec![("cause", vec![none.to_owned()]), ("next", next)];
        }
        let requests = self.outcome.controllers.iter().flat_map(|verdict| verdict.requests.iter());
        let mut requests =
            requests.filter(|request| behind.iter().any(|rule| rule.id == request.rule.id));
        if requests.all(|request| request.answer == Answer::Allowed) {
            let allowed =
                format!("these policies allow what Karpenter {version} asks there{ELSEWHERE}");
            vec![("cause", vec![allowed])]
        } else {
            let denied =
                format!("these policies do not allow all that Karpenter {version} asks there");
            vec![("cause", vec![denied]), ("next", next)]
        }
    }

    /// What the policies of one controller answer.
    fn answer(&self, said: &Said, question: &Question<'_>) -> String {
        let action = code(question.action);
        let on = question.resource.filter(|arn| *arn != "*").map(code);
        let on = on.map(|arn| format!(" on {arn}")).unwrap_or_default();
        let asked = if said.is_known {
            format!(", as Karpenter {} asks for it", self.plan.version)
        } else {
            String::new()
        };
        let place = said.place.map(|span| place_of(self.sources, span));
        let at = place.map(|place| format!("{place}: ")).unwrap_or_default();
        match said.answer {
            Answer::Allowed => {
                format!("{at}these policies allow {action}{on}{asked}{ELSEWHERE}")
            }
            Answer::ExplicitDeny => format!("{at}a Deny matches {action}{on}"),
            Answer::ImplicitDeny => format!("no statement grants {action}{on}"),
            Answer::Unsettled if said.open.is_empty() => {
                format!("whether these policies allow {action}{on} cannot be told")
            }
            Answer::Unsettled => {
                format!(
                    "whether these policies allow {action}{on} hangs on {}",
                    list(&said.open, 4)
                )
            }
        }
    }
}

/// Where the reason of a denial is if not in the policies that are here.
const ELSEWHERE: &str = "; look at policies, boundary and SCPs that are not here";

fn headline(event: &Event, version: Version) -> String {
    let what = event.action.as_ref().or(event.call.as_ref());
    match (event.dry_run_passed, what, &event.reason) {
        (true, Some(what), _) => format!("{what}: 412 DryRunOperation, AWS would have done it"),
        (true, None, _) => "412 DryRunOperation: AWS would have done it".to_owned(),
        (false, Some(what), _) => format!("{what} was denied (Karpenter {version})"),
        (false, None, Some(reason)) => format!("{reason} (Karpenter {version})"),
        (false, None, None) => match &event.service {
            Some(service) => format!(
                "a call of {service} was denied (Karpenter {version}); the event does not say which"
            ),
            None => "a call was denied; the event does not say which".to_owned(),
        },
    }
}

fn said(event: &Event) -> Vec<(&'static str, Vec<String>)> {
    let list = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let mut facts = vec![
        ("call", list(&event.call)),
        ("on", list(&event.resource)),
        ("by", list(&event.principal)),
    ];
    if event.dry_run_passed {
        let good = "this is the good answer to a dry run: no permission is missing";
        facts.push(("why", vec![good.to_owned()]));
        return facts;
    }
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
        if let Some(service) = &event.service {
            return rule.call.split(':').next() == Some(service);
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
