//! Intrinsic functions to text and holes (CloudFormation template reference, *Intrinsic functions*).
//! Both spellings, `!Sub x` and `{"Fn::Sub": x}`, are one thing here.

use std::cell::RefCell;

use super::facts::{Facts, Value as Given, Verdict, split};
use crate::extract::Assumed;
use crate::source::{SourceMap, Span};
use crate::syntax::{self, Entry, HoleSyntax, Node, Part, Style, Text, Value};

/// A function call in a template.
pub(super) struct Call<'n> {
    /// `Sub`, `Ref`, `GetAtt`, ….
    pub(super) name: &'n str,
    pub(super) argument: &'n Node,
}

/// The functions whose value nobody knows from the template.
const OPAQUE: [&str; 8] =
    ["Base64", "Cidr", "GetAZs", "ImportValue", "Length", "Transform", "ForEach", "Contains"];

/// The functions that can be followed.
const FOLLOWED: [&str; 9] =
    ["Sub", "Ref", "GetAtt", "Join", "If", "FindInMap", "Select", "Split", "ToJsonString"];

/// The call that `node` is, if it is one that gives a value.
pub(super) fn call(node: &Node) -> Option<Call<'_>> {
    intrinsic(node).filter(|call| {
        // `Fn::ForEach::Name` has a name of its own.
        let name = call.name.split("::").next().unwrap_or_default();
        FOLLOWED.contains(&name) || OPAQUE.contains(&name)
    })
}

/// The call that `node` is, condition functions included.
pub(super) fn intrinsic(node: &Node) -> Option<Call<'_>> {
    if let Some(tag) = &node.tag {
        return Some(Call { name: tag.strip_prefix('!')?, argument: node });
    }
    let [entry] = node.entries() else { return None };
    let key = match entry.key.parts.as_slice() {
        [Part::Literal(_, key)] => &**key,
        _ => return None,
    };
    let plain = matches!(key, "Ref" | "Condition");
    let name = if plain { key } else { key.strip_prefix("Fn::")? };
    Some(Call { name, argument: &entry.value })
}

/// Resolves what a template says as far as the template itself knows it.
pub(super) struct Resolver<'a> {
    pub(super) sources: &'a SourceMap,
    pub(super) facts: Facts,
    /// How conditions that nobody decided are taken to turn out, for now.
    pub(super) assigned: RefCell<Vec<(String, bool)>>,
    /// What was taken for granted.
    pub(super) assumed: RefCell<Vec<Assumed>>,
}

/// Why a branch was taken that nobody asked for.
const UNDECIDED: &str = "a condition of the template that nobody decided";

/// Where an `If` leads.
pub(super) enum Led<'n> {
    /// To this value.
    To(&'n Node),
    /// To nothing: `AWS::NoValue`.
    Nowhere,
    /// To one of two, as the condition of this name turns out: the one if it holds, and the other.
    Either { name: String, span: Span, holds: &'n Node, otherwise: &'n Node },
}

impl Resolver<'_> {
    /// Follows `If` as far as its conditions are known.
    pub(super) fn led<'n>(&self, node: &'n Node) -> Led<'n> {
        let mut node = node;
        loop {
            let Some(call) = call(node) else {
                return Led::To(node);
            };
            let ("If", [condition, then, otherwise]) = (call.name, call.argument.items()) else {
                return if is_no_value(node) { Led::Nowhere } else { Led::To(node) };
            };
            let name = condition.as_text().map(Text::display).unwrap_or_default();
            node = match self.condition(&name) {
                Verdict::Known(true) => then,
                Verdict::Known(false) => otherwise,
                Verdict::Open(name, holds) => {
                    let (holds, otherwise) =
                        if holds { (then, otherwise) } else { (otherwise, then) };
                    return Led::Either { name, span: condition.span, holds, otherwise };
                }
            };
        }
    }

    /// Follows `If` to a branch: where nobody decided, to the first, unless it is `AWS::NoValue`. That
    /// is told. `None` if nothing is there.
    pub(super) fn chosen<'n>(&self, node: &'n Node) -> Option<&'n Node> {
        let mut node = node;
        loop {
            match self.led(node) {
                Led::To(found) => return Some(found),
                Led::Nowhere => return None,
                Led::Either { name, span, holds, otherwise } => {
                    let value = !is_no_value(holds);
                    node = if value { holds } else { otherwise };
                    self.assume(&name, &value.to_string(), UNDECIDED, span);
                }
            }
        }
    }

    /// Keeps in mind what was taken for granted.
    pub(super) fn assume(&self, symbol: &str, value: &str, from: &'static str, span: Span) {
        let (symbol, value) = (symbol.to_owned(), value.to_owned());
        self.assumed.borrow_mut().push(Assumed { symbol, value, from, span });
    }

    /// The value with all calls resolved; `None` if it is `AWS::NoValue`.
    pub(super) fn node(&self, node: &Node) -> Option<Node> {
        if let Led::Either { holds, otherwise, .. } = self.led(node) {
            // Alternatives of one text are a text that nobody knows. Of others, one is taken.
            if [holds, otherwise].iter().all(|branch| self.is_text(branch)) {
                return self.text(node).map(|text| string(node.span, text));
            }
        }
        let node = self.chosen(node)?;
        if let Some(Call { name, argument }) = call(node) {
            if let Some(list) = self.list(node) {
                let items = list.into_iter().map(|text| string(text.span, text)).collect();
                return Some(Node { span: node.span, tag: None, value: Value::List(items) });
            }
            let made = if name == "GetAtt" { self.kept_json(argument) } else { None };
            return made.or_else(|| self.text(node).map(|text| string(node.span, text)));
        }
        let value = match &node.value {
            Value::List(items) => Value::List(items.iter().filter_map(|i| self.node(i)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .filter_map(|Entry { key, value }| {
                        Some(Entry { key: key.clone(), value: self.node(value)? })
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        Some(Node { span: node.span, tag: None, value })
    }

    /// Whether a value is one text, whatever it is.
    fn is_text(&self, node: &Node) -> bool {
        !is_no_value(node) && self.list(node).is_none() && self.text(node).is_some()
    }

    /// The texts of a list, written out or made by a call; `None` for anything else.
    pub(super) fn list(&self, node: &Node) -> Option<Vec<Text>> {
        let node = match self.led(node) {
            Led::To(node) => node,
            _ => return None,
        };
        let Some(Call { name, argument }) = call(node) else {
            let Value::List(items) = &node.value else { return None };
            let items = items.iter().filter(|item| !matches!(self.led(item), Led::Nowhere));
            return items.map(|item| self.text(item)).collect();
        };
        match (name, argument.items()) {
            ("Ref", _) => match self.facts.parameter(argument.as_str()?, node.span)? {
                Given::List(items) => Some(items),
                Given::Text(_) => None,
            },
            ("Split", [separator, text]) => {
                let text = self.text(text).filter(|text| {
                    // Where it is not known, it may hold the separator any number of times.
                    text.holes().next().is_none()
                })?;
                Some(split(&text, separator.as_str()?, false))
            }
            ("FindInMap", _) => {
                let found = self.found_in_map(argument)?;
                let Value::List(items) = &found.value else { return None };
                items.iter().map(|item| self.text(item)).collect()
            }
            _ => None,
        }
    }

    fn found_in_map(&self, argument: &Node) -> Option<&Node> {
        // A fourth argument is the value where nothing is found.
        let (map, top, second) = match argument.items() {
            [map, top, second, ..] => (map, top, second),
            _ => return None,
        };
        let [map, top, second] = [map, top, second].map(|node| self.text(node));
        self.facts.find_in_map(
            map.as_ref()?.as_literal()?,
            top.as_ref()?.as_literal()?,
            second.as_ref()?.as_literal()?,
        )
    }

    /// The text that a scalar or a call stands for.
    pub(super) fn text(&self, node: &Node) -> Option<Text> {
        if is_no_value(node) {
            return None;
        }
        let Some(Call { name, argument }) = call(node) else {
            return scalar(node);
        };
        let resolved = match (name, argument.items()) {
            ("Ref", _) => argument.as_text().map(|text| {
                let name = text.display();
                let known = self.facts.text(&name, text.span);
                known.unwrap_or_else(|| hole(text.span, text.style, name))
            }),
            ("GetAtt", []) => {
                argument.as_text().map(|text| hole(text.span, text.style, text.display()))
            }
            ("GetAtt", parts) => {
                let parts: Vec<_> = parts.iter().filter_map(|part| self.text(part)).collect();
                let expression: Vec<_> = parts.iter().map(Text::display).collect();
                Some(hole(node.span, Style::Plain, expression.join(".")))
            }
            ("Sub", []) => argument.as_text().map(|text| {
                let mut text = syntax::cut(self.sources, text, HoleSyntax::CfnSub);
                self.substitute(&mut text, &[]);
                text
            }),
            ("Sub", [template, variables]) => template.as_text().map(|text| {
                let mut text = syntax::cut(self.sources, text, HoleSyntax::CfnSub);
                self.substitute(&mut text, &self.variables(variables));
                text
            }),
            ("Join", [separator, list]) => self.join(node, separator, list),
            ("Select", [index, list]) => self.select(index, list),
            ("FindInMap", _) => {
                let found = self.found_in_map(argument).and_then(scalar);
                found.map(|text| moved(text, node.span))
            }
            ("If", _) => match self.led(node) {
                Led::To(found) if !std::ptr::eq(found, node) => self.text(found),
                Led::Nowhere => return None,
                _ => None,
            },
            _ => None,
        };
        // What is left is a call of which only the look is known.
        Some(resolved.unwrap_or_else(|| hole(node.span, Style::Plain, expression(name, argument))))
    }

    fn join(&self, node: &Node, separator: &Node, list: &Node) -> Option<Text> {
        let separator = separator.as_text()?;
        let mut parts = Vec::new();
        for (number, item) in self.list(list)?.into_iter().enumerate() {
            if number > 0 {
                extend(&mut parts, separator.parts.iter().cloned(), node.span);
            }
            extend(&mut parts, item.parts, node.span);
        }
        Some(Text { span: node.span, style: Style::Plain, parts })
    }

    fn select(&self, index: &Node, list: &Node) -> Option<Text> {
        let index: usize = self.text(index)?.as_literal()?.parse().ok()?;
        self.list(list)?.into_iter().nth(index)
    }

    /// The second argument of `Sub`.
    pub(super) fn variables(&self, node: &Node) -> Vec<(String, Text)> {
        let entries = node.entries().iter();
        entries.filter_map(|e| Some((e.key.display(), self.text(&e.value)?))).collect()
    }

    /// Puts known values in the place of their holes: `Sub`'s own variables, then parameters.
    pub(super) fn substitute(&self, text: &mut Text, variables: &[(String, Text)]) {
        let whole = text.span;
        if text.parts.iter().all(|part| matches!(part, Part::Literal(..))) {
            return;
        }
        let mut parts = Vec::new();
        for part in std::mem::take(&mut text.parts) {
            let value = match &part {
                Part::Hole(span, name) => variables
                    .iter()
                    .find(|(found, _)| *found == **name)
                    .map(|(_, text)| moved(text.clone(), *span))
                    .or_else(|| self.facts.text(name, *span)),
                Part::Literal(..) => None,
            };
            match value {
                // It stands where the hole stood, whatever it is made of.
                Some(text) => extend(&mut parts, text.parts, whole),
                None => extend(&mut parts, [part], whole),
            }
        }
        text.parts = parts;
    }

    /// The same for all texts of a value.
    pub(super) fn substitute_all(&self, node: &mut Node, variables: &[(String, Text)]) {
        match &mut node.value {
            Value::String(text) => self.substitute(text, variables),
            Value::List(items) => {
                items.iter_mut().for_each(|item| self.substitute_all(item, variables));
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.substitute(&mut entry.key, variables);
                    self.substitute_all(&mut entry.value, variables);
                }
            }
            _ => {}
        }
    }
}

/// The text, all of it at one place.
pub(super) fn moved(text: Text, place: Span) -> Text {
    let parts = text.parts.into_iter().map(|part| match part {
        Part::Literal(_, text) => Part::Literal(place, text),
        Part::Hole(_, text) => Part::Hole(place, text),
    });
    Text { span: place, style: text.style, parts: parts.collect() }
}

/// Adds pieces of `whole` so that two literals never stand side by side.
pub(super) fn extend(parts: &mut Vec<Part>, more: impl IntoIterator<Item = Part>, whole: Span) {
    for part in more {
        match (parts.last_mut(), part) {
            (Some(Part::Literal(span, before)), Part::Literal(next, text)) => {
                *before = format!("{before}{text}").into();
                let adjacent =
                    next.source == span.source && (span.start..=span.end).contains(&next.start);
                // What comes from several places stands nowhere but in the whole.
                *span = if adjacent {
                    Span::new(span.source, span.start, span.end.max(next.end))
                } else {
                    whole
                };
            }
            (_, part) => parts.push(part),
        }
    }
}

pub(super) fn scalar(node: &Node) -> Option<Text> {
    let literal = match &node.value {
        Value::String(text) => return Some(text.clone()),
        Value::Number(number) => number.clone(),
        Value::Bool(value) => value.to_string().into(),
        _ => return None,
    };
    let parts = vec![Part::Literal(node.span, literal)];
    Some(Text { span: node.span, style: Style::Plain, parts })
}

fn string(span: Span, text: Text) -> Node {
    Node { span, tag: None, value: Value::String(text) }
}

fn hole(span: Span, style: Style, expression: String) -> Text {
    Text { span, style, parts: vec![Part::Hole(span, expression.into())] }
}

/// `!Ref AWS::NoValue`: as if the entry were not there.
pub(super) fn is_no_value(node: &Node) -> bool {
    call(node).is_some_and(|c| c.name == "Ref" && c.argument.as_str() == Some("AWS::NoValue"))
}

/// A call in a few words: `ImportValue(cluster-name)`.
fn expression(name: &str, argument: &Node) -> String {
    format!("{name}({})", values(argument, 0))
}

/// How an argument of a call looks.
fn look(node: &Node, depth: usize) -> String {
    match call(node) {
        Some(Call { name: "Ref" | "GetAtt", argument }) => values(argument, depth),
        Some(Call { name, argument }) => format!("{name}({})", values(argument, depth)),
        None => values(node, depth),
    }
}

fn values(node: &Node, depth: usize) -> String {
    // Only a look; a few levels tell one call from another.
    if depth > 4 {
        return "…".to_owned();
    }
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.display(),
        Value::List(items) => {
            items.iter().map(|item| look(item, depth + 1)).collect::<Vec<_>>().join(", ")
        }
        Value::Map(entries) => {
            let pair = |e: &Entry| format!("{}: {}", e.key.display(), look(&e.value, depth + 1));
            entries.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
    }
}
