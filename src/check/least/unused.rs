//! `unused-permission`: granted, but no version in use asks for it.

use crate::controller::Document;
use crate::finding::{Finding, Label, Severity, Word};
use crate::karpenter::{EntryRule, Rules, Version, Versions};
use crate::policy::action::ActionPattern;
use crate::policy::symbolic::Symbolic;
use crate::policy::tri::Tri;
use crate::policy::{Effect, Statement};
use crate::source::Span;
use crate::syntax::Text;

use super::super::words::{code, list};
use super::{Least, Used, idle, tighten};

const RULE: &str = "unused-permission";
/// Names in one sentence before the rest is counted.
const NAMES: usize = 3;

/// One note for each statement with a part that is of no use; one for a document that is of no use.
pub(super) fn findings(least: &Least<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    for (_, document, used) in least.documents() {
        let allows = || {
            let all = document.policy.statements.iter().zip(&used.usage.statements).enumerate();
            all.filter(|(_, (statement, _))| statement.is_surely(Effect::Allow))
        };
        let idle = allows().filter(|(_, (_, usage))| !usage.used).count();
        if idle > 1 && allows().count() == idle && !allows().any(|(_, (s, _))| least.is_told(s)) {
            out.push(whole(least, document));
            continue;
        }
        for (at, (statement, usage)) in allows() {
            if !usage.is_full() && !least.is_told(statement) {
                out.extend(Told { least, document, used, statement, at }.finding());
            }
        }
    }
    out
}

fn whole(least: &Least<'_>, document: &Document) -> Finding {
    let message = format!("{} anything that this policy grants", least.never_asks());
    let mut finding = Finding::new(RULE, Severity::Note, document.policy.statement_key, message);
    finding.primary.message = "nothing in here is of use".to_owned();
    finding.help = Some("give it to a role of its own, if something else needs it".to_owned());
    finding
}

fn note(span: Span, message: String) -> Finding {
    Finding::new(RULE, Severity::Note, span, message)
}

struct Told<'l, 'c> {
    least: &'l Least<'c>,
    document: &'c Document,
    used: &'l Used,
    statement: &'c Statement,
    at: usize,
}

impl Told<'_, '_> {
    fn finding(&self) -> Option<Finding> {
        let usage = self.used.usage.statements.get(self.at)?;
        let (actions, resources) = idle(usage);
        let statement = self.statement;
        let mut finding = if !usage.named && !statement.action.negated {
            self.actions(&actions)
        } else if !usage.used {
            self.never(usage.reached)?
        } else if actions.is_empty() {
            self.resources(&resources)?
        } else {
            self.actions(&actions)
        };
        finding.sid = statement.sid.as_ref().map(Text::display);
        if let Some(words) = self.switched_off() {
            finding.fact(
                Word::Assumed,
                vec![format!("it would be asked for with {words}, which the settings exclude")],
            );
        }
        if let Some(fix) = &finding.fix {
            let title = fix.title.clone();
            finding.help = Some(title.clone());
            finding.fact(Word::Fix, vec![title]);
        }
        Some(finding)
    }

    /// What would make use of the idle parts, were it not for the settings.
    fn switched_off(&self) -> Option<&str> {
        let (usage, words) = self.used.off.as_ref()?;
        let then = usage.statements.get(self.at)?;
        let now = self.used.usage.statements.get(self.at)?;
        (idle(then) != idle(now)).then_some(words.as_deref()).flatten()
    }

    /// Some or all of the actions are never asked for.
    fn actions(&self, gone: &[usize]) -> Finding {
        let element = &self.statement.action;
        let values: Vec<&Text> = gone.iter().filter_map(|at| element.values.get(*at)).collect();
        let names: Vec<String> = values.iter().map(|value| code(&value.display())).collect();
        let versions = self.least.versions.iter().copied().chain(self.least.before());
        let versions: Vec<Version> = versions.collect();
        let elsewhere = |value: &Text| {
            let pattern = ActionPattern::new(&Symbolic::literal(&value.display()));
            let may_match = |action: &str| pattern.matches(action) != Tri::False;
            asked(self.least.case.rules, &versions, may_match).next().is_some()
        };
        let here = if values.iter().all(|value| elsewhere(value)) {
            " on these resources under these conditions"
        } else {
            ""
        };
        let asks = self.least.never_asks();
        let message = if names.len() > NAMES {
            let (some, all) = (names.len(), element.values.len());
            let names = list(&names, NAMES);
            format!("{asks} {some} of the {all} actions here{here}: {names}")
        } else {
            format!("{asks} {}{here}", list(&names, NAMES))
        };
        let span = values.first().map_or(element.span, |value| value.span);
        let mut finding = note(span, message);
        finding.primary.message = values
            .first()
            .and_then(|value| self.history(value))
            .unwrap_or_else(|| "not asked for".to_owned());
        finding.related = values
            .iter()
            .skip(1)
            .map(|value| Label { span: value.span, message: "nor is this".to_owned() })
            .collect();
        finding.data.action = values.first().map(|value| value.display());
        let all = gone.len() == element.values.len();
        let (title, edits) = if all {
            (
                "remove this statement",
                tighten::without_statement((self.document, self.least.case.sources), self.at),
            )
        } else {
            (
                "take it out of the list",
                tighten::without_values(self.statement, &element.values, gone),
            )
        };
        let title = if !all && gone.len() > 1 { "take them out of the list" } else { title };
        finding.fix =
            Some(tighten::fix(title.to_owned(), edits, self.document, self.least.case.sources));
        finding
    }

    /// The actions are asked for, but never so that this statement matters.
    fn never(&self, reached: bool) -> Option<Finding> {
        let statement = self.statement;
        let named = statement.resource.iter().flat_map(|resource| &resource.values);
        if !reached && named.into_iter().any(|value| self.may_be_meant(value)) {
            return None;
        }
        let names: Vec<String> =
            statement.action.values.iter().map(|value| code(&value.display())).collect();
        let what = if statement.action.negated {
            "anything that this statement grants".to_owned()
        } else {
            list(&names, NAMES)
        };
        let asks = self.least.never_asks();
        let (place, span) = match (&statement.resource, statement.conditions.first()) {
            (_, Some(condition)) if reached => (" under these conditions", condition.key.span),
            (Some(resource), _) => {
                let first = resource.values.first().map_or(resource.span, |value| value.span);
                (" on these resources", first)
            }
            _ => ("", statement.action.span),
        };
        let mut finding = note(span, format!("{asks} {what}{place}"));
        finding.primary.message = match (self.wanted_resource(), reached) {
            (Some(resource), false) => format!("asked for on {}", code(&resource)),
            _ => "this never applies".to_owned(),
        };
        finding.data.action = statement.action.values.first().map(Text::display);
        let title = "write what Karpenter asks for, or remove this statement".to_owned();
        let sources = self.least.case.sources;
        let edits = tighten::without_statement((self.document, sources), self.at);
        finding.fix = Some(tighten::fix(title, edits, self.document, sources));
        finding.fact(Word::Assumed, self.assumed());
        Some(finding)
    }

    /// Whether the value names something of which an installation may have several, and nobody said
    /// which it has: roles of nodes, queues.
    fn may_be_meant(&self, value: &Text) -> bool {
        let assumed = |setting: &str| {
            let all = &self.least.case.resolved.assumptions;
            all.iter().any(|assumption| assumption.symbol == setting)
        };
        let text = value.display();
        text.contains(":role/") && assumed("node-roles")
            || text.contains(":sqs:") && assumed("interruption-queue")
    }

    /// What the policies were taken for.
    fn assumed(&self) -> Vec<String> {
        let all = self.least.case.resolved.assumptions.iter();
        let named = all.filter(|assumption| {
            matches!(&*assumption.symbol, "cluster-name" | "region" | "account")
                && !assumption.value.contains("${")
        });
        let names: Vec<String> = named
            .map(|assumption| {
                format!("{} {}", assumption.symbol.replace("-name", ""), assumption.value)
            })
            .collect();
        if names.is_empty() {
            names
        } else {
            vec![format!("{}, as the policies name them", list(&names, NAMES))]
        }
    }

    /// The resource on which the first action is asked for, if there is only one.
    fn wanted_resource(&self) -> Option<String> {
        let action = self.statement.action.values.first()?.as_literal()?;
        let pattern = ActionPattern::new(&Symbolic::literal(action));
        let rules = self.least.case.rules;
        let matches = |action: &str| pattern.matches(action) == Tri::True;
        let mut entries = asked(rules, self.least.versions, matches);
        let shown = |entry: &EntryRule| {
            entry.resource.as_ref().map_or_else(|| "*".to_owned(), |arn| rules.display(arn))
        };
        let first = shown(entries.next()?);
        entries.all(|entry| shown(entry) == first).then_some(first)
    }

    /// Some of the resources are never asked for.
    fn resources(&self, gone: &[usize]) -> Option<Finding> {
        let element = self.statement.resource.as_ref()?;
        let is_idle = |at: &usize| element.values.get(*at).is_some_and(|v| !self.may_be_meant(v));
        let gone: Vec<usize> = gone.iter().copied().filter(is_idle).collect();
        let values: Vec<&Text> = gone.iter().filter_map(|at| element.values.get(*at)).collect();
        let names: Vec<String> = values.iter().map(|value| code(&value.display())).collect();
        let actions = &self.statement.action.values;
        let what = match actions.as_slice() {
            [one] => code(&one.display()),
            _ => "the actions of this statement".to_owned(),
        };
        let message = format!("{} {what} on {}", self.least.never_asks(), list(&names, NAMES));
        let mut finding = note(values.first()?.span, message);
        finding.primary.message = "not asked for".to_owned();
        finding.related = values
            .iter()
            .skip(1)
            .map(|value| Label { span: value.span, message: "nor is this".to_owned() })
            .collect();
        if let [one] = actions.as_slice() {
            finding.data.action = Some(one.display());
        }
        let edits = tighten::without_values(self.statement, &element.values, &gone);
        let title =
            if gone.len() > 1 { "take them out of the list" } else { "take it out of the list" };
        finding.fix =
            Some(tighten::fix(title.to_owned(), edits, self.document, self.least.case.sources));
        finding.fact(Word::Assumed, self.assumed());
        Some(finding)
    }

    /// Which releases asked for it, if any did.
    fn history(&self, value: &Text) -> Option<String> {
        let pattern = ActionPattern::new(&Symbolic::literal(value.as_literal()?));
        let (oldest, newest) =
            (self.least.versions.iter().min()?, self.least.versions.iter().max()?);
        let rules = self.least.case.rules;
        let entries = rules.requests().iter().flat_map(|rule| {
            let own =
                rule.entries.iter().filter(|entry| pattern.matches(&entry.action) == Tri::True);
            own.map(move |entry| (&rule.versions, &entry.versions))
        });
        let (mut until, mut from) = (None, None);
        for (rule, entry) in entries {
            let versions = if entry.0.is_empty() { rule } else { entry };
            if self.least.versions.iter().any(|version| versions.contain(*version)) {
                return None;
            }
            for (start, end) in &versions.0 {
                if start > newest {
                    from = Some(from.map_or(*start, |known| start.min(&known).to_owned()));
                }
                if let Some(end) = end.filter(|end| end <= oldest) {
                    until = until.max(Some(end));
                }
            }
        }
        match (from, until) {
            (Some(from), _) => Some(format!("asked for from {from} on")),
            (None, Some(until)) => Some(format!("asked for before {until}")),
            (None, None) => None,
        }
    }
}

/// What one of `versions` asks, under whatever settings, for actions that `matches`.
fn asked<'r>(
    rules: &'r Rules,
    versions: &'r [Version],
    matches: impl Fn(&str) -> bool + 'r,
) -> impl Iterator<Item = &'r EntryRule> {
    let requests = rules.requests().iter();
    let entries =
        requests.flat_map(|rule| rule.entries.iter().map(move |entry| (&rule.versions, entry)));
    let is_asked = move |(rule, entry): &(&Versions, &EntryRule)| {
        let of = |version: &Version| rule.contain(*version) && entry.versions.contain(*version);
        matches(&entry.action) && versions.iter().any(of)
    };
    entries.filter(is_asked).map(|(_, entry)| entry)
}
