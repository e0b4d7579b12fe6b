//! `Statement` and its elements.

use std::collections::HashMap;

use super::{Fields, Place, Problems, condition, fields, kind, nearest, principal, short};
use crate::policy::{Effect, Element, Statement};
use crate::source::Span;
use crate::syntax::{Node, Text, Value, When};

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn statements(value: &Node) -> &[Node] {
    match &value.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    }
}

/// Whether a policy with these statements is attached to a resource or a role: only such a one names
/// principals, and then in every statement.
pub(super) fn is_attached(value: &Node, place: Place) -> bool {
    let nodes = statements(value);
    let names_principal =
        |node: &Node| node.get("Principal").or_else(|| node.get("NotPrincipal")).is_some();
    match place {
        // A statement that is not known says nothing of it.
        Place::Unknown => {
            let mut known = nodes.iter().filter(|node| unknown(node).is_none()).peekable();
            known.peek().is_some() && known.all(names_principal)
        }
        Place::Identity => false,
        Place::Resource => nodes.iter().any(names_principal),
        Place::Trust => true,
    }
}

/// Lowers one statement or a list of them; gives those that are known and those that are not. What has no
/// effect, no action or no object shape is left out.
pub(super) fn lower_all(
    value: &Node,
    (place, when): (Place, &[Vec<When>]),
    problems: &mut Problems,
) -> (Vec<Statement>, Vec<Text>) {
    let nodes = statements(value);
    let attached = is_attached(value, place);
    if nodes.is_empty() {
        problems.push(
            value.span,
            "empty-element",
            "`Statement` is empty, so the policy has no effect",
            None,
        );
    }
    let mut sids = HashMap::new();
    let mut out = Vec::with_capacity(nodes.len());
    // What may deny as well stands behind all others, so that the place of a statement is that of its text.
    let (mut open, mut turned) = (Vec::new(), Vec::new());
    for (at, node) in nodes.iter().enumerate() {
        if let Some(text) = unknown(node) {
            let message = "this statement is not known before deployment";
            problems.push(node.span, "unsettled", message, None);
            open.push(Text { span: node.span, ..text.clone() });
            continue;
        }
        // Of statements that are never there together each may have the Sid.
        if let (Some(own), Some(sid)) = (when.get(at), node.get("Sid").and_then(Node::as_str)) {
            let mut same = nodes.iter().zip(when).take(at);
            if same.all(|(node, when)| {
                node.get("Sid").and_then(Node::as_str) != Some(sid) || excludes(when, own)
            }) {
                sids.remove(sid);
            }
        }
        let Some(mut statement) = lower(node, attached, &mut sids, problems) else { continue };
        statement.when.extend(when.get(at).into_iter().flatten().cloned());
        turned.extend(as_deny(&statement));
        out.push(statement);
    }
    out.append(&mut turned);
    (out, open)
}

/// The same as a Deny, where nobody knows what it is.
fn as_deny(statement: &Statement) -> Option<Statement> {
    let mut other = statement.has_open_effect().then(|| statement.clone())?;
    other.effect = Effect::Deny;
    let own = other.effect_span;
    other.when.iter_mut().filter(|when| when.span == own).for_each(|when| when.holds = false);
    Some(other)
}

/// The text of what may turn out to be any statements.
fn unknown(node: &Node) -> Option<&Text> {
    node.as_text().filter(|text| text.holes().next().is_some())
}

/// Whether not all of these conditions can be met.
fn excludes(some: &[When], others: &[When]) -> bool {
    some.iter()
        .any(|one| others.iter().any(|other| one.name == other.name && one.holds != other.holds))
}

fn lower<'a>(
    node: &'a Node,
    attached: bool,
    sids: &mut HashMap<&'a str, Span>,
    problems: &mut Problems,
) -> Option<Statement> {
    if !matches!(node.value, Value::Map(_)) {
        problems.syntax(node.span, format!("a statement must be an object, not {}", kind(node)));
        return None;
    }
    let fields = fields(node, &ELEMENTS, "statement", problems);
    let sid = fields.get("Sid").and_then(|(_, value)| sid(value, attached, sids, problems));
    let effect = effect(node, &fields, problems);
    let action = element(node, &fields, ("Action", "NotAction"), true, problems);
    let resource = element(node, &fields, ("Resource", "NotResource"), !attached, problems);
    let principal = principal::lower(node, &fields, attached, problems);
    let (conditions, condition_span) = match fields.get("Condition") {
        Some((_, value)) => (condition::lower(value, problems), Some(value.span)),
        None => (Vec::new(), None),
    };
    let (effect, effect_span) = effect?;
    let action = action?;
    let (effect, when) = match effect {
        Ok(effect) => (effect, Vec::new()),
        Err(open) => (Effect::Allow, vec![is_allow(open)]),
    };
    Some(Statement {
        span: node.span,
        sid,
        effect,
        effect_span,
        action,
        resource,
        principal,
        conditions,
        condition_span,
        when,
    })
}

/// What a statement hangs on whose effect is not known.
fn is_allow(effect: &Text) -> When {
    let variables = effect.holes().filter_map(|hole| hole.strip_prefix("var."));
    let asks: Vec<String> = variables.map(str::to_owned).collect();
    let flag = if asks.is_empty() { "" } else { "--var" };
    let name = format!("{} is Allow", effect.display()).into();
    When { name, holds: true, span: effect.span, asks, flag }
}

/// `Sid`: letters and digits in what IAM keeps; services that keep policies of their own have their
/// own rules (IAM User Guide, *IAM JSON policy elements: Sid*).
fn sid<'a>(
    node: &'a Node,
    attached: bool,
    sids: &mut HashMap<&'a str, Span>,
    problems: &mut Problems,
) -> Option<Text> {
    let text = problems.string(node, "Sid")?;
    if let Some(literal) = text.as_literal() {
        if !attached && !literal.chars().all(|c| c.is_ascii_alphanumeric()) {
            let help = "a Sid may hold only letters A-Z, a-z and digits";
            let message = format!("`{}` is not a valid Sid", short(literal));
            problems.harmless(text.span, "syntax", message, help);
        }
        let first = sids.get(literal).copied();
        if !literal.is_empty() {
            sids.entry(literal).or_insert(text.span);
        }
        if let Some(first) = first {
            let message =
                format!("the Sid `{}` stands in two statements of this policy", short(literal));
            problems.push(
                text.span,
                "duplicate-sid",
                message,
                Some("a Sid must be unique within its policy".into()),
            );
            problems.first_at(first);
        }
    }
    Some(text.clone())
}

/// The effect, or its text where nobody knows it.
fn effect<'a>(
    statement: &Node,
    fields: &Fields<'a>,
    problems: &mut Problems,
) -> Option<(Result<Effect, &'a Text>, Span)> {
    let Some((_, value)) = fields.get("Effect") else {
        problems.syntax(statement.span, "the statement has no `Effect`");
        return None;
    };
    let text = problems.string(value, "Effect")?;
    let Some(literal) = text.as_literal() else {
        problems.push(text.span, "unsettled", "`Effect` is not known before deployment", None);
        return Some((Err(text), text.span));
    };
    let effect = match literal {
        "Allow" => return Some((Ok(Effect::Allow), text.span)),
        "Deny" => return Some((Ok(Effect::Deny), text.span)),
        other => nearest(other, ["Allow", "Deny"].into_iter()),
    };
    let help =
        effect.map_or("write `Allow` or `Deny`".to_owned(), |effect| format!("write `{effect}`"));
    problems.push(
        text.span,
        "syntax",
        format!("`{}` is not an effect", short(literal)),
        Some(help),
    );
    let (effect, word) = match effect? {
        "Deny" => (Effect::Deny, "Deny"),
        _ => (Effect::Allow, "Allow"),
    };
    problems.meant(problems.last(), literal, word);
    Some((Ok(effect), text.span))
}

/// `Action` or `Resource`, one of the two forms.
fn element<'a>(
    statement: &Node,
    fields: &Fields<'a>,
    (positive, negative): (&'static str, &'static str),
    required: bool,
    problems: &mut Problems,
) -> Option<Element> {
    let (name, (key, value)) = match (fields.get(positive), fields.get(negative)) {
        (Some(found), None) => (positive, found),
        (None, Some(found)) => (negative, found),
        (Some(found), Some((other, _))) => {
            let message = format!("the statement has both `{positive}` and `{negative}`");
            problems.push(*other, "syntax", message, Some("keep one of them".to_owned()));
            (positive, found)
        }
        (None, None) => {
            if required {
                problems.syntax(
                    statement.span,
                    format!("the statement has neither `{positive}` nor `{negative}`"),
                );
            }
            return None;
        }
    };
    let mut values = Vec::new();
    let items_of = |value: &'a Node| match &value.value {
        Value::List(items) => (items.as_slice(), true),
        _ => (std::slice::from_ref(value), false),
    };
    let (items, is_list) = items_of(value);
    // Whoever writes an element twice means all that stands there.
    let earlier = fields.earlier(name).flat_map(|value| items_of(value).0);
    for item in earlier.chain(items) {
        match &item.value {
            Value::String(text) => values.push(text.clone()),
            _ => problems.syntax(
                item.span,
                format!("`{name}` must be a string or a list of strings, not {}", kind(item)),
            ),
        }
    }
    if is_list && items.is_empty() {
        problems.push(
            value.span,
            "empty-element",
            format!("`{name}` is empty, so the statement has no effect"),
            None,
        );
    }
    Some(Element { negated: name == negative, key: *key, span: value.span, is_list, values })
}
