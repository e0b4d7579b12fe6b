//! From a root cause to a finding: what is wrong, what Karpenter sends, the smallest change.

use crate::eval::{Trace, Tri};
use crate::finding::{ConditionData, Data, Denied, Finding, Label, Severity, Word};
use crate::karpenter::Phase;
use crate::policy::request::{Key, Status, Values};
use crate::policy::{Condition, Effect, Statement};
use crate::source::Span;
use crate::syntax::Text;

use super::cause::{Cause, Group, Member};
use super::judge::Asked;
use super::nearest::{Candidate, failing_layer};
use super::words::{self, code, distinct, list};
use super::{Judgement, mismatch};

/// The finding of one root cause.
#[must_use]
pub(super) fn finding(group: &Group<'_, '_, '_>, judged: &Judgement<'_, '_, '_>) -> Finding {
    let teller = Teller { group, judged };
    let mut finding = teller.start();
    let severity = match group.members.iter().any(|member| judged.is_error(member.asked)) {
        true => Severity::Error,
        false => Severity::Warning,
    };
    finding.severity = severity;
    finding.data = teller.data();
    finding.data.written = finding.data.written.take().or(teller.written());
    finding.data.condition = teller.condition_data();
    teller.dry_run(&mut finding);
    finding.fact(Word::Nearest, teller.nearest());
    let asked = || group.members.iter().map(|member| member.asked);
    finding.fact(Word::Breaks, words::breaks(asked()));
    finding.fact(Word::YouSee, words::you_see(asked(), judged.settings().karpenter));
    if let Some(help) = &finding.help {
        let help = help.clone();
        finding.fact(Word::Fix, vec![help]);
    }
    finding.fact(Word::Assumed, teller.assumed());
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
        if resources.iter().all(|resource| resource == "*") {
            String::new()
        } else {
            format!(" on {}", list(&resources, 3))
        }
    }

    fn start(&self) -> Finding {
        match &self.group.cause {
            Cause::Deny(_) => self.explicit_deny(),
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
            let Some(near) = &member.nearest else { continue };
            let same = |other: &Candidate| {
                (other.layer, other.document, other.statement)
                    == (near.layer, near.document, near.statement)
            };
            match places.iter_mut().find(|(other, _)| same(other)) {
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
        labels.sort_by_key(|label| label.span);
        let mut labels = labels.into_iter();
        let primary = labels
            .next()
            .unwrap_or_else(|| Label { span: self.judged.fallback_span(), message: String::new() });
        let mut finding = Finding::new(rule, Severity::Error, primary.span, message);
        finding.primary = primary;
        finding.related = labels.collect();
        let rivals = self.group.members.iter().flat_map(|member| &member.rivals);
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

    fn missing(&self) -> Finding {
        let granted = |action: &str| {
            self.group
                .members
                .iter()
                .filter(|member| &*member.asked.entry.request.action == action)
                .any(|member| member.asked.trace.as_ref().is_some_and(grants_action))
        };
        let actions = self.actions();
        let nowhere: Vec<String> =
            actions.iter().filter(|action| !granted(action)).map(|action| code(action)).collect();
        let trace = self.group.members.iter().find_map(|member| member.asked.trace.as_ref());
        let layer = trace.and_then(failing_layer).map(|layer| layer.layer);
        let of = layer.map_or("", |layer| match layer {
            crate::eval::Layer::Identity => "",
            crate::eval::Layer::Boundary => " of the permissions boundary",
            _ => " of the service control policies",
        });
        let message = if nowhere.is_empty() {
            format!("no statement{of} grants {}{}", self.what(), self.on())
        } else if nowhere.len() == actions.len() {
            let purpose = match actions.as_slice() {
                [_] => self.purpose(),
                _ => String::new(),
            };
            format!("no statement{of} grants {}{purpose}", list(&nowhere, 3))
        } else {
            format!(
                "no statement{of} grants {}, nor all that {} needs",
                list(&nowhere, 3),
                self.partly(&nowhere)
            )
        };
        let mut labels = if matches!(self.group.cause, Cause::Nothing { .. }) {
            Vec::new()
        } else {
            self.labels(|_, statement, members| {
                let actions: Vec<String> =
                    distinct(members.iter().map(|m| m.asked.entry.request.action.to_string()))
                        .iter()
                        .map(|a| code(a))
                        .collect();
                let resources = distinct(
                    members.iter().map(|m| words::short_resource(m.asked, self.judged.symbols())),
                );
                let target = if resources == ["*"] {
                    String::new()
                } else {
                    format!(", for {}", list(&resources, 3))
                };
                let span = statement
                    .action
                    .values
                    .last()
                    .map_or(statement.action.span, |value| value.span);
                vec![Label { span, message: format!("add {} here{target}", list(&actions, 3)) }]
            })
        };
        let places = labels.len();
        let help = if labels.is_empty() {
            labels.push(Label { span: self.judged.fallback_span(), message: self.new_statement() });
            format!("add a statement that allows {}{}{}", self.what(), self.on(), self.with_tags())
        } else {
            let place = match places {
                1 => "this list".to_owned(),
                2 => "these two lists".to_owned(),
                3 => "these three lists".to_owned(),
                more => format!("these {more} lists"),
            };
            let quoted: Vec<String> =
                actions.iter().map(|action| format!("\"{action}\"")).collect();
            format!("add {} to {place}", list(&quoted, 6))
        };
        let mut finding = self.build("missing-permission", message, labels);
        finding.help = Some(help);
        finding
    }

    fn partly(&self, nowhere: &[String]) -> String {
        let rest: Vec<String> = self
            .actions()
            .iter()
            .map(|action| code(action))
            .filter(|action| !nowhere.contains(action))
            .collect();
        list(&rest, 3)
    }

    /// What the action is for, in half a sentence.
    fn purpose(&self) -> String {
        let phases: Vec<Phase> =
            self.group.members.iter().map(|member| member.asked.need.rule.phase).collect();
        let calls: Vec<&str> =
            self.group.members.iter().map(|member| &*member.asked.need.rule.call).collect();
        let action = self.actions().first().cloned().unwrap_or_default();
        if phases.contains(&Phase::Launch) {
            return if calls.contains(&action.as_str()) {
                ", which every launch calls".to_owned()
            } else {
                format!(
                    ", which every launch needs inside {}",
                    words::call_name(calls.first().unwrap_or(&""))
                )
            };
        }
        String::new()
    }

    fn new_statement(&self) -> String {
        format!("no statement comes near; add one for {}", self.what())
    }

    fn with_tags(&self) -> String {
        let tagged = self.group.members.iter().any(|member| member.asked.entry.is_tagged());
        if tagged { ", limited to the cluster's tags".to_owned() } else { String::new() }
    }

    fn resource(&self) -> Finding {
        let symbols = self.judged.symbols();
        let labels = self.labels(|_, statement, members| {
            let Some(element) = &statement.resource else { return Vec::new() };
            let needed = distinct(members.iter().map(|m| words::short_resource(m.asked, symbols)));
            let whole = distinct(members.iter().map(|m| words::resource(m.asked, symbols)));
            let near = mismatch::nearest_resource(&element.values, &whole);
            let span = near.map_or(element.span, |text| text.span);
            vec![Label { span, message: format!("leaves out {}", list(&needed, 3)) }]
        });
        let kind = self.statement_of_first().and_then(|(statement, _)| {
            let element = statement.resource.as_ref()?;
            let whole =
                distinct(self.group.members.iter().map(|m| words::resource(m.asked, symbols)));
            mismatch::kind(element, &whole, self.judged.settings(), symbols)
        });
        let name = self
            .statement_of_first()
            .map(|(s, index)| words::statement_name(s, index))
            .unwrap_or_default();
        let (rule, message, help, written) = match kind {
            Some(mismatch::Kind::Partition { written, wanted }) => (
                "partition-mismatch",
                format!(
                    "{} denied: the ARN is of partition `{written}`, the cluster is in `{wanted}`",
                    self.what()
                ),
                format!("write `arn:{wanted}:` in place of `arn:{written}:`"),
                Some(written),
            ),
            Some(mismatch::Kind::Cluster { written, wanted }) => (
                "cluster-name-mismatch",
                format!(
                    "{} denied: {name} is for cluster `{written}`, Karpenter runs in `{wanted}`",
                    self.what()
                ),
                format!("write `{wanted}` in place of `{written}`"),
                Some(written),
            ),
            None => {
                let whole =
                    distinct(self.group.members.iter().map(|m| words::resource(m.asked, symbols)));
                let patterns: Vec<String> =
                    whole.iter().map(|arn| format!("\"{}\"", mismatch::pattern_for(arn))).collect();
                (
                    "resource-mismatch",
                    format!("{} denied{}: no resource of {name} matches", self.what(), self.on()),
                    format!("add {} to the resources", list(&distinct(patterns.into_iter()), 4)),
                    None,
                )
            }
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(help);
        finding.data.written = written;
        finding
    }

    fn statement_of_first(&self) -> Option<(&'a Statement, usize)> {
        let near = self.first()?.nearest.as_ref()?;
        Some((self.statement(near)?, near.statement))
    }

    /// The condition lines at fault in the statement of the first member.
    fn failing_lines(&self) -> Vec<&'a Condition> {
        let Some(near) = self.first().and_then(|member| member.nearest.as_ref()) else {
            return Vec::new();
        };
        let Some(statement) = self.statement(near) else { return Vec::new() };
        near.fails.lines.iter().filter_map(|&line| statement.conditions.get(line)).collect()
    }

    fn condition(&self) -> Finding {
        let labels = self.labels(|candidate, statement, members| {
            let lines =
                candidate.fails.lines.iter().filter_map(|&line| statement.conditions.get(line));
            lines
                .map(|condition| {
                    let sent = self.sent(condition, members);
                    Label { span: at_fault(condition), message: says(condition, &sent) }
                })
                .collect()
        });
        let lines = self.failing_lines();
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        let Some(condition) = lines.first() else {
            return self.build(
                "condition-mismatch",
                format!("{} denied: a condition does not hold", self.what()),
                labels,
            );
        };
        let sent = self.sent(condition, &all);
        let key = condition.key.display();
        let mut written = None;
        let (rule, message, help) = if let Some((wanted, text)) = self.other_cluster(condition) {
            written = Some(text.clone());
            (
                "cluster-name-mismatch",
                format!(
                    "{} denied: `{key}` is for cluster `{text}`, Karpenter runs in `{wanted}`",
                    self.what()
                ),
                format!("write `{wanted}` in place of `{text}`"),
            )
        } else if key.eq_ignore_ascii_case("iam:PassedToService") {
            (
                "pass-role-service",
                format!(
                    "`iam:PassRole` denied: the role is passed to {}, which the condition leaves out",
                    list(&quoted(&sent), 3)
                ),
                format!("\"iam:PassedToService\": {}", as_json(&with_values(condition, &sent))),
            )
        } else {
            (
                "condition-mismatch",
                self.condition_message(condition, &sent),
                condition_help(condition, &sent),
            )
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(help);
        finding.data.written = written;
        finding
    }

    fn condition_message(&self, condition: &Condition, sent: &[String]) -> String {
        let key = condition.key.display();
        let what = self.what();
        let operator = condition.operator.display();
        match sent {
            [] => format!("{what} denied: `{key}` is not sent with it"),
            [one] if operator == "StringEquals" || operator == "StringLike" => {
                let shown = short_key(&key);
                match condition.values.len() {
                    0 | 1 if one.is_empty() => format!(
                        "{what} denied: Karpenter sends `{shown}` empty, the policy wants {}",
                        wants(condition)
                    ),
                    0 | 1 => format!(
                        "{what} denied: Karpenter sends `{one}` as `{shown}`, the policy wants {}",
                        wants(condition)
                    ),
                    _ => format!("{what} denied: `{shown}` lacks `{one}`"),
                }
            }
            several => format!(
                "{what} denied: `{operator}` on `{}` does not hold for {}",
                short_key(&key),
                list(&quoted(several), 3)
            ),
        }
    }

    /// The cluster that the line names in place of ours: ours and the other.
    fn other_cluster(&self, condition: &Condition) -> Option<(String, String)> {
        let ours = self.judged.settings().cluster.as_literal()?;
        mismatch::other_cluster(condition, ours).map(|other| (ours.to_owned(), other))
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

    fn condition_data(&self) -> Option<ConditionData> {
        if !matches!(self.group.cause, Cause::Condition { .. } | Cause::Operator(..)) {
            return None;
        }
        let condition = *self.failing_lines().first()?;
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        Some(ConditionData {
            operator: condition.operator.display(),
            key: condition.key.display(),
            expected: condition.values.iter().map(Text::display).collect(),
            sent: self.sent(condition, &all),
        })
    }

    fn misspelt(&self) -> Finding {
        let labels = self.labels(|candidate, _, _| {
            let misspelt = candidate.fails.misspelt.iter();
            misspelt
                .map(|m| Label { span: m.span, message: format!("did you mean `{}`?", m.meant) })
                .collect()
        });
        let found =
            self.first().and_then(|member| member.nearest.as_ref()?.fails.misspelt.as_ref());
        let Some(found) = found else {
            return self.build("missing-permission", format!("{} denied", self.what()), labels);
        };
        let (rule, written, meant) = (found.rule, &found.written, &found.meant);
        let message = match rule {
            "unknown-action" => format!("`{written}` is not an action; Karpenter needs `{meant}`"),
            "unknown-operator" => format!(
                "`{written}` is not a condition operator; `{meant}` is, and {} hangs on it",
                self.what()
            ),
            _ => format!("`{written}` is not sent; Karpenter sends `{meant}` with {}", self.what()),
        };
        let mut finding = self.build(rule, message, labels);
        finding.help = Some(format!("write `{meant}` in place of `{written}`"));
        finding.data.written = Some(written.clone());
        finding
    }

    fn explicit_deny(&self) -> Finding {
        let Cause::Deny(id) = &self.group.cause else { return self.missing() };
        let statement = self
            .judged
            .policy(id.layer, id.document)
            .and_then(|policy| policy.statements.get(id.statement));
        let name = statement.map(|s| words::statement_name(s, id.statement)).unwrap_or_default();
        let of = words::layer_name(id.layer);
        let message = format!("{} denied{} by {name} of {of}", self.what(), self.on());
        let span = statement.map_or_else(|| self.judged.fallback_span(), |s| s.effect_span);
        let why = statement.map(|s| self.why_denied(s)).unwrap_or_default();
        let mut finding =
            self.build("explicit-deny", message, vec![Label { span, message: why.clone() }]);
        finding.help = Some(match statement.map(|s| s.conditions.is_empty()) {
            Some(true) => {
                format!("leave {} out of the Deny, or limit it with a condition", self.what())
            }
            _ => format!("let the condition spare {}: {why}", self.what()),
        });
        finding
    }

    /// What of a Deny's conditions the requests run into.
    fn why_denied(&self, statement: &Statement) -> String {
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        let Some(condition) = statement.conditions.first() else {
            return "this Deny has no condition".to_owned();
        };
        let sent = self.sent(condition, &all);
        let key = condition.key.display();
        match sent.as_slice() {
            [] => format!("`{key}` is not in the request"),
            some => format!("Karpenter sends `{key}` as {}", list(&quoted(some), 3)),
        }
    }

    /// What else holds in the nearest statement, so that one knows how near it came.
    fn nearest(&self) -> Vec<String> {
        if matches!(self.group.cause, Cause::Action(_) | Cause::Deny(_) | Cause::Nothing { .. }) {
            return Vec::new();
        }
        let Some(near) = self.first().and_then(|member| member.nearest.as_ref()) else {
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
        let near = self.first()?.nearest.as_ref()?;
        near.fails.misspelt.as_ref().map(|misspelt| misspelt.written.clone())
    }

    /// A cause that only dry runs, or only launches, run into is told as just that.
    fn dry_run(&self, finding: &mut Finding) {
        let phase = |wanted: Phase| {
            self.group.members.iter().all(|member| member.asked.need.rule.phase == wanted)
        };
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
            return vec![
                "AWS asks for this only in some accounts; the call may work without it".to_owned(),
            ];
        }
        Vec::new()
    }
}

/// Whether some Allow of the layer that fails names the action at all.
fn grants_action(trace: &Trace) -> bool {
    failing_layer(trace).is_some_and(|layer| {
        layer.statements.iter().any(|s| s.effect == Effect::Allow && s.action != Tri::False)
    })
}

fn quoted(items: &[String]) -> Vec<String> {
    items.iter().map(|item| if item.is_empty() { "\"\"".to_owned() } else { code(item) }).collect()
}

fn wants(condition: &Condition) -> String {
    let values: Vec<String> = condition.values.iter().map(Text::display).collect();
    list(&quoted(&values), 3)
}

/// The tag alone, where the key is a tag.
fn short_key(key: &str) -> &str {
    key.split_once("Tag/").map_or(key, |(_, tag)| tag)
}

fn says(condition: &Condition, sent: &[String]) -> String {
    let operator = condition.operator.display();
    if operator.starts_with("Null") {
        return "Karpenter does it the other way round".to_owned();
    }
    match sent {
        [] => "Karpenter does not send this key".to_owned(),
        [one] if one.is_empty() => "validation sends this empty".to_owned(),
        some => format!("Karpenter sends {}", list(&quoted(some), 3)),
    }
}

/// The value if there is one, else the key.
fn at_fault(condition: &Condition) -> Span {
    match condition.values.as_slice() {
        [one] => one.span,
        _ => condition.key.span,
    }
}

fn with_values(condition: &Condition, sent: &[String]) -> Vec<String> {
    distinct(condition.values.iter().map(Text::display).chain(sent.iter().cloned()))
}

fn as_json(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        _ => format!("[{}]", quoted.join(", ")),
    }
}

/// The line as it should stand.
fn condition_help(condition: &Condition, sent: &[String]) -> String {
    let key = condition.key.display();
    let operator = condition.operator.display();
    let positive = [
        "StringEquals",
        "StringLike",
        "ArnLike",
        "ArnEquals",
        "ForAllValues:StringEquals",
        "ForAllValues:StringLike",
    ];
    if sent.is_empty() {
        return format!("take `{key}` out of this statement, or use `{operator}IfExists`");
    }
    if !positive.contains(&operator.as_str()) {
        return format!("change `{operator}` on `{key}` so that {} passes", list(&quoted(sent), 3));
    }
    let values = match (operator.as_str(), sent) {
        // No list of names holds the empty string and every NodePool to come.
        ("StringLike", [one]) if one.is_empty() => vec!["*".to_owned()],
        _ if condition.is_list || operator.starts_with("ForAllValues") => {
            with_values(condition, sent)
        }
        _ => sent.to_vec(),
    };
    format!("\"{key}\": {}", as_json(&values))
}

/// What to look at in a statement that came near.
fn failing_span(candidate: &Candidate, statement: &Statement) -> Span {
    let fails = &candidate.fails;
    if let Some(condition) = fails.lines.first().and_then(|&line| statement.conditions.get(line)) {
        return at_fault(condition);
    }
    if fails.resource
        && let Some(element) = &statement.resource
    {
        return element.span;
    }
    statement.action.span
}
