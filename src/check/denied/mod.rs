//! From a root cause to a finding: what is wrong, what Karpenter sends, the smallest change.

mod amend;
mod apart;
mod condition;
mod deny;
mod elsewhere;
mod grant;
mod mend;
mod missing;
mod render;
mod slot;
mod spelling;

pub(in crate::check) use apart::own_statements;
pub(in crate::check) use grant::Limits;
pub(in crate::check) use render::is_json_block;

use crate::eval::Layer;
use crate::finding::{Data, Denied, Finding, Label, Severity, Word};
use crate::karpenter::Phase;
use crate::order;
use crate::policy::request::{Key, Status, Values};
use crate::policy::{Condition, Statement};
use crate::source::Span;
use crate::syntax::Text;

use super::Judgement;
use super::cause::{Cause, Group, Member};
use super::judge::Asked;
use super::nearest::{Candidate, failing_layer};
use super::words::{self, code, distinct, list};

/// The finding of one root cause.
#[must_use]
pub(in crate::check) fn finding(
    group: &Group<'_, '_, '_>,
    judged: &Judgement<'_, '_, '_>,
) -> Finding {
    let teller = Teller { group, judged };
    let mut finding = teller.start();
    let severity = match group.members.iter().any(|member| judged.is_error(member.asked)) {
        true => Severity::Error,
        false => Severity::Warning,
    };
    finding.severity = severity;
    let written = finding.data.written.take().or(teller.written());
    finding.data = Data { written, ..teller.data() };
    finding.sid = teller.sid(finding.primary.span);
    finding.data.condition = teller.condition_data();
    teller.dry_run(&mut finding);
    finding.fact(Word::Nearest, teller.nearest());
    let asked = || group.members.iter().map(|member| member.asked);
    let key = finding.data.condition.as_ref().map(|condition| condition.key.as_str());
    finding.because = judged.because(asked(), key);
    finding.fact(Word::Breaks, words::breaks(asked(), judged.stopping()));
    finding.fact(Word::YouSee, words::you_see(asked(), judged.settings().karpenter));
    // A proposal of new statements has its own lines already.
    let proposed = finding.facts.iter().any(|fact| fact.word == Word::Fix);
    if let Some(help) = finding.help.as_ref().filter(|_| !proposed) {
        let twice = finding.related.len() == 1 && matches!(group.cause, Cause::Condition { .. });
        let help = format!("{help}{}", if twice { "    in both places" } else { "" });
        finding.fact(Word::Fix, vec![help]);
    }
    finding.fact(Word::Assumed, teller.assumed());
    finding.fix = teller.mend(&finding);
    teller.say_what_is_done(&mut finding, proposed);
    let told = finding.fix.as_ref().is_some_and(|fix| !fix.can_be_applied());
    if let Some(why) = told.then(|| teller.by_hand()).flatten()
        && let Some(fact) = finding.facts.iter_mut().find(|fact| fact.word == Word::Fix)
    {
        fact.lines.push(why);
    }
    finding
}

struct Teller<'a, 'n, 'r, 'j> {
    group: &'a Group<'a, 'n, 'r>,
    judged: &'a Judgement<'j, 'n, 'r>,
}

impl<'a, 'n, 'r> Teller<'a, 'n, 'r, '_> {
    fn first(&self) -> Option<&'a Member<'a, 'n, 'r>> {
        self.group.members.first()
    }

    fn statement(&self, candidate: &Candidate) -> Option<&'a Statement> {
        self.judged.policy(candidate.layer, candidate.document)?.statements.get(candidate.statement)
    }

    /// `Sid` of the statement at `place`; of the one at fault where the place is in none, as a list that
    /// several share.
    fn sid(&self, place: Span) -> Option<String> {
        let policies = self.judged.case.documents.iter().map(|document| &document.policy);
        let mut here = policies.filter(|policy| policy.span.contains(place));
        let own = here.find_map(|policy| {
            policy.statements.iter().find(|statement| statement.span.contains(place))
        });
        if let Some(statement) = own {
            return Some(statement.sid.as_ref()?.display());
        }
        let statement = match &self.group.cause {
            Cause::Deny(id) => {
                self.judged.policy(id.layer, id.document)?.statements.get(id.statement)
            }
            Cause::Nothing { .. } => None,
            _ => self.first()?.nearest.and_then(|near| self.statement(near)),
        };
        Some(statement?.sid.as_ref()?.display())
    }

    /// Where the finding stands when no statement comes near.
    fn fallback_span(&self) -> Span {
        let trace = self.first().and_then(|member| member.asked.trace.as_ref());
        let layer = trace.and_then(failing_layer).map_or(Layer::Identity, |layer| layer.layer);
        self.judged.fallback_span(layer)
    }

    fn actions(&self) -> Vec<String> {
        distinct(
            self.group.members.iter().map(|member| member.asked.entry.request.action.to_string()),
        )
    }

    fn resources(&self) -> Vec<String> {
        distinct(
            self.group
                .members
                .iter()
                .map(|member| words::short_resource(member.asked, self.judged.symbols())),
        )
    }

    /// The actions in a sentence.
    fn what(&self) -> String {
        let actions: Vec<String> = self.actions().iter().map(|action| code(action)).collect();
        list(&actions, 3)
    }

    /// `on image/* and subnet/*`; empty where that says nothing.
    fn on(&self) -> String {
        let resources = self.resources();
        // A long list says nothing that the actions do not.
        if resources.len() > 4 || resources.iter().all(|resource| resource == "*") {
            String::new()
        } else {
            format!(" on {}", list(&resources, 4))
        }
    }

    fn start(&self) -> Finding {
        match &self.group.cause {
            Cause::Deny(_) => self.explicit_deny(),
            Cause::Elsewhere(_) => self.elsewhere(),
            Cause::Misspelt { .. } => self.misspelt(),
            Cause::Condition { .. } | Cause::Operator(..) => self.condition(),
            Cause::Resource(_) => self.resource(),
            Cause::Action(_) | Cause::Nothing { .. } => self.missing(),
        }
    }

    /// Distinct places of the nearest statements, each with a label.
    fn labels(
        &self,
        label: impl Fn(&Candidate, &'a Statement, &[&Member<'a, 'n, 'r>]) -> Vec<Label>,
    ) -> Vec<Label> {
        let mut places: Vec<(&Candidate, Vec<&Member<'a, 'n, 'r>>)> = Vec::new();
        for member in &self.group.members {
            let Some(near) = member.nearest else { continue };
            match places.iter_mut().find(|(other, _)| other.id() == near.id()) {
                Some((_, members)) => members.push(member),
                None => places.push((near, vec![member])),
            }
        }
        let mut out: Vec<Label> = Vec::new();
        for (candidate, members) in &places {
            let Some(statement) = self.statement(candidate) else { continue };
            for found in label(candidate, statement, members) {
                if !out.iter().any(|known| known.span == found.span) {
                    out.push(found);
                }
            }
        }
        out
    }

    fn build(&self, rule: &'static str, message: String, labels: Vec<Label>) -> Finding {
        let mut labels = labels;
        order::by_key(&mut labels, |label| label.span);
        let mut labels = labels.into_iter();
        let primary = labels
            .next()
            .unwrap_or_else(|| Label { span: self.fallback_span(), message: String::new() });
        let mut finding = Finding::new(rule, Severity::Error, primary.span, message);
        finding.primary = primary;
        finding.related = labels.collect();
        let rivals = self.group.members.iter().flat_map(|member| member.rivals);
        for rival in rivals.filter(|_| !matches!(self.group.cause, Cause::Action(_))) {
            let Some(statement) = self.statement(rival) else { continue };
            let span = failing_span(rival, statement);
            if finding.primary.span != span
                && !finding.related.iter().any(|label| label.span == span)
                && finding.related.len() < 4
            {
                finding.related.push(Label { span, message: "or here".to_owned() });
            }
        }
        finding
    }

    fn statement_of_first(&self) -> Option<(&'a Statement, usize)> {
        let near = self.first()?.nearest?;
        Some((self.statement(near)?, near.statement))
    }

    /// The condition lines at fault in the statement of the first member.
    fn failing_lines(&self) -> Vec<&'a Condition> {
        let Some(near) = self.first().and_then(|member| member.nearest) else {
            return Vec::new();
        };
        let Some(statement) = self.statement(near) else { return Vec::new() };
        near.fails.lines.iter().filter_map(|&line| statement.conditions.get(line)).collect()
    }

    /// What Karpenter sends for the key of this line.
    fn sent(&self, condition: &Condition, members: &[&Member<'a, 'n, 'r>]) -> Vec<String> {
        let key = Key::new(&self.judged.bind(&condition.key));
        let symbols = self.judged.symbols();
        distinct(members.iter().flat_map(|member| {
            match member.asked.entry.request.context.listed(&key) {
                Some(Status::Known(Values::One(value))) => vec![value.display(symbols)],
                Some(Status::Known(Values::OneOf(values) | Values::Many(values))) => {
                    values.iter().map(|value| value.display(symbols)).collect()
                }
                _ => Vec::new(),
            }
        }))
    }

    /// What else holds in the nearest statement, so that one knows how near it came.
    fn nearest(&self) -> Vec<String> {
        if matches!(self.group.cause, Cause::Action(_) | Cause::Deny(_) | Cause::Nothing { .. }) {
            return Vec::new();
        }
        let Some(near) = self.first().and_then(|member| member.nearest) else {
            return Vec::new();
        };
        let Some(statement) = self.statement(near) else { return Vec::new() };
        let mut holds = Vec::new();
        if !near.fails.action {
            holds.push("action".to_owned());
        }
        if !near.fails.resource {
            holds.push("resource".to_owned());
        }
        match statement.conditions.len() - near.fails.lines.len() {
            0 => {}
            1 if near.fails.lines.is_empty() => holds.push("its condition".to_owned()),
            1 => holds.push("the other condition".to_owned()),
            n if near.fails.lines.is_empty() => holds.push(format!("its {n} conditions")),
            n => holds.push(format!("the other {n} conditions")),
        }
        let name = words::statement_name(statement, near.statement);
        let verb = if holds.len() == 1 { "holds" } else { "hold" };
        vec![format!("{name}: {} {verb}", list(&holds, 3))]
    }

    fn data(&self) -> Data {
        let symbols = self.judged.symbols();
        let denied = |asked: &Asked<'_, '_>| Denied {
            action: asked.entry.request.action.to_string(),
            resource_type: asked.entry.resource_type.to_string(),
            resource: words::resource(asked, symbols),
            request: asked.need.rule.id.to_string(),
            dry_run: asked.need.rule.dry_run,
        };
        let mut all: Vec<Denied> = Vec::new();
        for member in &self.group.members {
            let one = denied(member.asked);
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Data {
            karpenter: Some(self.judged.settings().karpenter.to_string()),
            verdict: self.first().map(|member| member.asked.answer.name()),
            denied: all,
            ..Data::default()
        }
    }

    fn written(&self) -> Option<String> {
        let near = self.first()?.nearest?;
        near.fails.misspelt.as_ref().map(|misspelt| misspelt.written.clone())
    }

    /// A cause that only dry runs, or only launches, run into is told as just that.
    fn dry_run(&self, finding: &mut Finding) {
        let phase = |wanted: Phase| {
            self.group.members.iter().all(|member| member.asked.need.rule.phase == wanted)
        };
        // No call fails for want of what AWS may never ask.
        if !self.group.members.iter().any(|member| member.asked.is_must_have()) {
            return;
        }
        if phase(Phase::Validation) {
            finding.data.cause = Some(finding.rule);
            finding.rule = "dry-run-denied";
            finding.message = self.validation_message(&finding.message);
            let works = "launches, but none starts while validation fails: the EC2NodeClass never gets ready";
            finding.fact(Word::Works, vec![works.to_owned()]);
        } else if phase(Phase::Launch) && self.judged.validation_passes() {
            finding.data.cause = Some(finding.rule);
            finding.rule = "dry-run-blind";
            finding.message = format!("validation passes, but launches fail: {}", finding.message);
            let works =
                "every dry run gets 412, so the EC2NodeClass is ready; the launch is denied";
            finding.fact(Word::Works, vec![works.to_owned()]);
        }
    }

    fn validation_message(&self, message: &str) -> String {
        let lines = self.failing_lines();
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        let condition = match &self.group.cause {
            Cause::Condition { .. } => lines.first().copied(),
            _ => None,
        };
        if let Some(condition) = condition
            && !condition::is_null(condition)
            && self.sent(condition, &all) == [""]
        {
            return format!(
                "validation sends `{}` empty; {} does not match that",
                short_key(&condition.key.display()),
                list(&quoted(&condition.values.iter().map(Text::display).collect::<Vec<_>>()), 3)
            );
        }
        format!("validation fails, though launches would work: {message}")
    }

    fn assumed(&self) -> Vec<String> {
        let only = |name: &str| {
            self.group
                .members
                .iter()
                .filter(|m| !m.asked.entry.optional)
                .all(|m| m.asked.entry.assumed == Some(name))
        };
        let any_must = self.group.members.iter().any(|member| !member.asked.entry.optional);
        if any_must && only("capacity-types") {
            return vec!["your NodePools allow spot; `capacity-types` in karplint.toml confirms or removes it".to_owned()];
        }
        if !any_must {
            let instead = |member: &Member<'_, '_, '_>| {
                let instead = member.asked.entry.rule.instead.as_deref();
                let only = "AWS asks for this only in some accounts; the call may work without it";
                instead.unwrap_or(only).to_owned()
            };
            return distinct(self.group.members.iter().map(instead));
        }
        Vec::new()
    }
}

fn quoted(items: &[String]) -> Vec<String> {
    items.iter().map(|item| if item.is_empty() { "\"\"".to_owned() } else { code(item) }).collect()
}

/// The tag alone, where the key is a tag.
fn short_key(key: &str) -> &str {
    key.split_once("Tag/").map_or(key, |(_, tag)| tag)
}

/// The value if there is one and the key is sent, else the key.
fn at_fault(condition: &Condition, sent: &[String]) -> Span {
    match condition.values.as_slice() {
        // A key that is not sent is what is wrong, whatever its value.
        [one] if !sent.is_empty() => one.span,
        _ => condition.key.span,
    }
}

/// What to look at in a statement that came near.
fn failing_span(candidate: &Candidate, statement: &Statement) -> Span {
    let fails = &candidate.fails;
    if let Some(condition) = fails.lines.first().and_then(|&line| statement.conditions.get(line)) {
        return at_fault(condition, &[String::new()]);
    }
    if fails.resource
        && let Some(element) = &statement.resource
    {
        return element.span;
    }
    statement.action.span
}
