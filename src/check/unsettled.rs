//! What hangs on something that nobody can know from the files: one finding for each such thing.

use crate::eval::traced::TracedStatement;
use crate::eval::{Layer, Open, Tri};
use crate::finding::{Data, Denied, Finding, Label, Severity, Word};
use crate::policy::{Condition, Effect};
use crate::source::Span;

use super::Judgement;
use super::judge::{Answer, Asked, Reason};
use super::words::{self, code, distinct, list};

/// One thing, and the authorisations that hang on it.
struct Group<'a, 'n, 'r> {
    hinge: Hinge,
    asked: Vec<&'a Asked<'n, 'r>>,
}

/// Where an open question is told.
pub(super) enum Told {
    /// In a finding of its own.
    Here(Box<Finding>),
    /// By the finding at this place, which gets this assumption.
    Already(Span, String),
}

/// What an answer hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hinge {
    Policies,
    Boundary,
    Disputed(String),
    /// What to call it, and what to give.
    Open(Vec<String>, Vec<String>),
}

/// The findings, in the order of the first call. `told` are places that denials speak of already:
/// what hangs on the same place is part of them.
#[must_use]
pub(super) fn findings(
    asked: &[&Asked<'_, '_>],
    told: &[Span],
    judged: &Judgement<'_, '_, '_>,
) -> Vec<Told> {
    let mut groups: Vec<Group<'_, '_, '_>> = Vec::new();
    for asked in asked.iter().copied().filter(|asked| asked.answer == Answer::Unsettled) {
        let hinge = match &asked.reason {
            Some(Reason::UnseenPolicy) => Hinge::Policies,
            Some(Reason::UnseenBoundary) => Hinge::Boundary,
            Some(Reason::Disputed(why)) => Hinge::Disputed(why.clone()),
            None => open(asked, judged),
        };
        if !asked.counts() {
            continue;
        }
        match groups.iter_mut().find(|group| group.hinge == hinge) {
            Some(group) => group.asked.push(asked),
            None => groups.push(Group { hinge, asked: vec![asked] }),
        }
    }
    groups.iter().filter_map(|group| finding(group, told, judged)).collect()
}

/// What an answer hangs on, by the names that people know. What Karpenter sends and nobody named is
/// known by the condition key that asks for it.
fn open(asked: &Asked<'_, '_>, judged: &Judgement<'_, '_, '_>) -> Hinge {
    let mut names = Vec::new();
    let mut ways = Vec::new();
    for open in asked.open() {
        match (judged.open_name(open), judged.settles(open)) {
            (name, Some(way)) => {
                let is_point = matches!(open, Open::Contested(_));
                names.push(if is_point { name } else { code(&name) });
                ways.push(way);
            }
            (name, None) => {
                let keys =
                    distinct(open_lines(&[asked], judged).iter().map(|line| line.key.display()));
                names.extend(if keys.is_empty() {
                    vec![code(&name)]
                } else {
                    keys.iter().map(|key| code(key)).collect()
                });
                ways.extend(keys.iter().map(|key| format!("--context {key}=VALUE")));
                if keys.is_empty() {
                    let resources = open_resources(asked, judged);
                    let way =
                        |text: &String| format!("a policy without {} in that place", code(text));
                    ways.extend(resources.iter().map(way));
                }
            }
        }
    }
    let mut names = distinct(names.into_iter());
    names.sort_unstable();
    Hinge::Open(names, distinct(ways.into_iter()))
}

fn finding(
    group: &Group<'_, '_, '_>,
    told: &[Span],
    judged: &Judgement<'_, '_, '_>,
) -> Option<Told> {
    let symbols = judged.symbols();
    let actions = distinct(group.asked.iter().map(|asked| code(&asked.entry.request.action)));
    let what = list(&actions, 3);
    let mut labels = labels(group, told, judged);
    // Whether AWS asks at all is another question than what a Deny or a grant says.
    let disputed = matches!(group.hinge, Hinge::Disputed(_));
    if !disputed && !labels.is_empty() && labels.iter().all(|label| told.contains(&label.span)) {
        return Some(Told::Already(labels.remove(0).span, assumption(group, judged)));
    }
    let (message, settles) = match &group.hinge {
        Hinge::Policies => {
            let names = distinct(judged.unseen_policies().map(|unseen| code(&unseen.name)));
            labels = judged
                .unseen_policies()
                .map(|unseen| Label {
                    span: unseen.span,
                    message: "its text is not here".to_owned(),
                })
                .collect();
            (
                format!("{what} may be granted by {}, whose text is not here", list(&names, 2)),
                "name the file that holds the policy, beside this one, with --union".to_owned(),
            )
        }
        Hinge::Boundary => {
            let name =
                judged.unseen_boundary().map(|unseen| code(&unseen.name)).unwrap_or_default();
            labels = judged
                .unseen_boundary()
                .map(|unseen| Label {
                    span: unseen.span,
                    message: "its text is not here".to_owned(),
                })
                .into_iter()
                .collect();
            (
                format!(
                    "{what} may be denied by the permissions boundary {name}, whose text is not here"
                ),
                "--boundary FILE".to_owned(),
            )
        }
        Hinge::Disputed(why) => {
            (format!("{what} may be denied: {why}"), judged.way_around_dispute())
        }
        Hinge::Open(names, ways) => {
            let hang = if actions.len() == 1 { "hangs" } else { "hang" };
            let message = match names_of(group, judged) {
                Some((kind, values)) => {
                    for label in &mut labels {
                        "the name is sent here".clone_into(&mut label.message);
                    }
                    format!("{what} {hang} on your {kind}: only those named {values} do")
                }
                // A point that is contested is no text of a policy.
                None if names.iter().all(|name| !name.starts_with('`')) => {
                    format!("{what} {hang} on {}, which AWS's documents leave open", list(names, 3))
                }
                None => {
                    format!("{what} {hang} on {}, which the files do not tell", list(names, 3))
                }
            };
            (message, list(ways, 3))
        }
    };
    let primary = if labels.is_empty() {
        Label { span: judged.fallback_span(Layer::Identity), message: String::new() }
    } else {
        labels.remove(0)
    };
    let mut finding = Finding::new("unsettled", Severity::Warning, primary.span, message);
    finding.primary = primary;
    finding.related = labels;
    if matches!(group.hinge, Hinge::Policies | Hinge::Boundary) {
        finding.address = judged.role();
    }
    finding.because = judged.because(group.asked.iter().copied(), None);
    let settles = Some(settles).filter(|settles| !settles.is_empty());
    finding.help.clone_from(&settles);
    finding.data = Data {
        karpenter: Some(judged.settings().karpenter.to_string()),
        verdict: Some("unsettled"),
        denied: group
            .asked
            .iter()
            .map(|asked| Denied {
                action: asked.entry.request.action.to_string(),
                resource_type: asked.entry.resource_type.to_string(),
                resource: words::resource(asked, symbols),
                request: asked.need.rule.id.to_string(),
                dry_run: asked.need.rule.dry_run,
            })
            .fold(Vec::new(), |mut all, one| {
                if !all.contains(&one) {
                    all.push(one);
                }
                all
            }),
        ..Data::default()
    };
    finding.fact(Word::Settles, settles.into_iter().collect());
    Some(Told::Here(Box::new(finding)))
}

/// The kind of object whose name is all that is open, and the names that the policies want.
fn names_of(
    group: &Group<'_, '_, '_>,
    judged: &Judgement<'_, '_, '_>,
) -> Option<(&'static str, String)> {
    let Hinge::Open(names, _) = &group.hinge else { return None };
    let kind = match names.as_slice() {
        [name] if name == "`${nodepool}`" => "NodePools",
        [name] if name == "`${nodeclass}`" => "EC2NodeClasses",
        _ => return None,
    };
    let lines = open_lines(&group.asked, judged);
    let values = distinct(
        lines.iter().flat_map(|line| line.values.iter().map(|value| code(&value.display()))),
    );
    (!values.is_empty()).then(|| (kind, list(&values, 3)))
}

/// What a finding at the same place takes for granted.
fn assumption(group: &Group<'_, '_, '_>, judged: &Judgement<'_, '_, '_>) -> String {
    let setting = |kind| if kind == "NodePools" { "node-pools" } else { "node-classes" };
    match (names_of(group, judged), &group.hinge) {
        (Some((kind, values)), _) => format!(
            "all your {kind} are named {values}; `{}` in karplint.toml makes it certain",
            setting(kind)
        ),
        (None, Hinge::Open(_, ways)) if !ways.is_empty() => {
            format!("the rest fits; {} makes it certain", list(ways, 3))
        }
        _ => "the rest fits".to_owned(),
    }
}

/// The resources that are open, in statements that could decide.
fn open_resources(asked: &Asked<'_, '_>, judged: &Judgement<'_, '_, '_>) -> Vec<String> {
    let mut out = Vec::new();
    for layer in asked.trace.iter().flat_map(|trace| &trace.layers) {
        for traced in layer.statements().filter(|traced| traced.matches == Tri::Unknown) {
            let policy = judged.policy(layer.layer, traced.document);
            let statement = policy.and_then(|policy| policy.statements.get(traced.statement));
            let element = statement.and_then(|statement| statement.resource.as_ref());
            let values = element.map_or(&[][..], |element| &element.values).iter();
            let open = values.zip(traced.resources).filter(|(_, tri)| **tri == Tri::Unknown);
            out.extend(open.map(|(value, _)| value.display()));
        }
    }
    distinct(out.into_iter())
}

/// The condition lines that are open, in statements that could decide.
fn open_lines<'j>(asked: &[&Asked<'_, '_>], judged: &Judgement<'j, '_, '_>) -> Vec<&'j Condition> {
    let mut out: Vec<&Condition> = Vec::new();
    for trace in asked.iter().filter_map(|asked| asked.trace.as_ref()) {
        for layer in &trace.layers {
            for traced in layer.statements().filter(|traced| traced.matches == Tri::Unknown) {
                let policy = judged.policy(layer.layer, traced.document);
                let statement = policy.and_then(|policy| policy.statements.get(traced.statement));
                let lines = statement.map_or(&[][..], |statement| &statement.conditions);
                for (condition, _) in lines
                    .iter()
                    .zip(traced.conditions)
                    .filter(|(_, line)| line.holds == Tri::Unknown)
                {
                    if !out.iter().any(|known| known.span == condition.span) {
                        out.push(condition);
                    }
                }
            }
        }
    }
    out
}

/// The lines that are open, in the statements that could decide.
fn labels(group: &Group<'_, '_, '_>, told: &[Span], judged: &Judgement<'_, '_, '_>) -> Vec<Label> {
    let mut out: Vec<Label> = Vec::new();
    let mut push = |span: Span, message: &str| {
        if !out.iter().any(|label| label.span == span) {
            out.push(Label { span, message: message.to_owned() });
        }
    };
    for asked in &group.asked {
        let Some(trace) = &asked.trace else { continue };
        let statements =
            trace.layers.iter().flat_map(|layer| layer.statements().map(|s| (layer.layer, s)));
        let matters = |traced: &TracedStatement<'_>| match traced.matches {
            Tri::Unknown => true,
            // A Deny of what AWS may not ask.
            Tri::True => traced.effect == Effect::Deny,
            Tri::False => false,
        };
        for (layer, traced) in statements.filter(|(_, statement)| matters(statement)) {
            let Some(policy) = judged.policy(layer, traced.document) else { continue };
            let Some(statement) = policy.statements.get(traced.statement) else {
                // Behind those that are known stands what may be any.
                let number = traced.statement.saturating_sub(policy.statements.len());
                let unknown = policy.unknown.get(number);
                unknown.into_iter().for_each(|text| push(text.span, "may grant it"));
                continue;
            };
            let effect =
                if statement.effect == Effect::Deny { "may deny it" } else { "may grant it" };
            if traced.matches == Tri::True {
                push(statement.effect_span, effect);
                continue;
            }
            if traced.action == Tri::Unknown {
                push(statement.action.span, effect);
            }
            if traced.resource == Tri::Unknown
                && let Some(element) = &statement.resource
            {
                // Of a list, the value that may be it, where there is one.
                let values = element.values.iter().zip(traced.resources);
                let mut open = values.filter(|(_, holds)| **holds == Tri::Unknown);
                let span = match (open.next(), open.next()) {
                    (Some((value, _)), None) => value.span,
                    _ => element.span,
                };
                push(span, effect);
            }
            for (condition, line) in statement.conditions.iter().zip(traced.conditions) {
                if line.holds == Tri::Unknown {
                    let span = match condition.values.as_slice() {
                        // One line is one mistake, whichever of its tokens is told.
                        [_] if told.contains(&condition.key.span) => condition.key.span,
                        [one] => one.span,
                        _ => condition.key.span,
                    };
                    push(span, effect);
                }
            }
            let around = traced.conditions.iter().skip(statement.conditions.len());
            for (when, line) in statement.when.iter().zip(around) {
                if line.holds == Tri::Unknown {
                    push(when.span, effect);
                }
            }
        }
    }
    out
}
