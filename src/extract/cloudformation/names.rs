//! Names that a template uses and does not have, and text that was meant for `Sub` and does not stand under
//! it (AWS CloudFormation User Guide, *Fn::Sub*, *Ref*, *Pseudo parameters reference*).

use super::Template;
use super::resolve::extend;
use crate::source::Span;
use crate::syntax::{self, HoleSyntax, Node, Part, SyntaxError, Text, Value};
use crate::words::nearest_word;

/// What CloudFormation itself gives every template.
const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// What a template may refer to.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Its parameters, and what the template around it has put into those that it was given.
    pub(super) parameters: Vec<String>,
    pub(super) resources: Vec<String>,
    /// Whether it is all here: macros and loops make names of their own, and a part that another tool puts
    /// together uses those of the other parts.
    pub(super) is_whole: bool,
}

impl Names {
    pub(super) fn new(
        parameters: Option<&Node>,
        resources: Vec<String>,
        given: &[(String, Text)],
        is_whole: bool,
    ) -> Self {
        let declared = parameters.map_or(&[][..], Node::entries).iter();
        let mut parameters: Vec<String> = declared.map(|entry| entry.key.display()).collect();
        let holes = given.iter().flat_map(|(_, text)| text.holes());
        parameters.extend(holes.map(|expr| base(expr).to_owned()));
        Self { parameters, resources, is_whole }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        let own = self.parameters.iter().chain(&self.resources).map(String::as_str);
        own.chain(PSEUDO)
    }

    fn has(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }
}

/// What of `Role.Arn` is a name of the template.
fn base(expr: &str) -> &str {
    expr.split('.').next().unwrap_or(expr).trim()
}

/// Whether a hole is a name, and not a call of which only the look is known.
fn is_name(expr: &str) -> bool {
    let name = base(expr);
    let name = name.strip_prefix("AWS::").unwrap_or(name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether macros or loops make names that do not stand in the text.
pub(super) fn makes_names(text: &str) -> bool {
    ["Fn::ForEach", "Fn::Transform", "Transform"]
        .iter()
        .any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

impl Template<'_> {
    /// Tells of each name that the policies use and the template does not have, once.
    pub(super) fn undeclared(&mut self, documents: usize) {
        if !self.names.is_whole || makes_names(self.resolver.sources.get(self.file).text()) {
            return;
        }
        let mut found: Vec<(&str, Span)> = Vec::new();
        let names = &self.names;
        for document in self.out.documents.get(documents..).unwrap_or_default() {
            texts(&document.node, &mut |text| {
                for part in &text.parts {
                    let Part::Hole(span, expr) = part else { continue };
                    let name = base(expr);
                    let is_known = |(known, _): &(&str, Span)| *known == name;
                    if is_name(expr) && !names.has(name) && !found.iter().any(is_known) {
                        found.push((name, *span));
                    }
                }
            });
        }
        let errors = found.into_iter().map(|(name, span)| {
            let near = nearest_word(name, names.all());
            SyntaxError {
                span,
                message: format!(
                    "`{name}` is no parameter, pseudo parameter or resource of this template, \
                    so that CloudFormation refuses it"
                ),
                help: Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("declare `{name}` under `Parameters`"),
                }),
            }
        });
        let errors: Vec<SyntaxError> = errors.collect();
        self.out.broken.extend(errors);
    }

    /// Whether a text that stands under no `Sub` holds what `Sub` would fill in.
    pub(super) fn is_meant_for_sub(&self, text: &Text) -> bool {
        let written = text.as_literal().unwrap_or_default();
        let expressions = written.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
        expressions.map(|(expr, _)| expr).any(|expr| self.is_placeholder(expr))
    }

    /// Whether the template, or CloudFormation, has the name: IAM's own variables are written alike.
    fn is_placeholder(&self, expr: &str) -> bool {
        is_name(expr) && (expr.starts_with("AWS::") || self.names.has(base(expr)))
    }

    /// Takes what holds placeholders of `Sub` for what it was meant to be, and tells once for a document that
    /// it does not stand under `Sub`. `is_text` says that the document is one text, which was read as `Sub`
    /// would.
    pub(super) fn as_if_under_sub(&mut self, node: &mut Node, is_text: bool) {
        let mut forgotten: Vec<(Box<str>, Span)> = Vec::new();
        let resolver = &self.resolver;
        each_text(node, &mut |text, is_key| {
            if !is_text {
                // A key of a map is taken as it stands, under `Sub` or not.
                if is_key || !self.is_meant_for_sub(text) {
                    return;
                }
                *text = syntax::cut(resolver.sources, text, HoleSyntax::CfnSub);
            }
            forgotten.extend(keep_names(text, |expr| self.is_placeholder(expr)));
            resolver.substitute(text, &[]);
        });
        let texts = forgotten.len();
        let Some((expr, span)) = forgotten.into_iter().next() else { return };
        let which = match (is_text, texts) {
            (true, _) | (_, 1) => "this text is not under `!Sub`".to_owned(),
            (false, 2) => "neither this text nor another one is under `!Sub`".to_owned(),
            (false, all) => format!("neither this text nor {} others are under `!Sub`", all - 1),
        };
        let text = self.resolver.sources.get(self.file);
        self.out.broken.push(SyntaxError {
            span,
            message: format!("`${{{expr}}}` is not filled in: {which}"),
            help: Some(match text.text().trim_start().starts_with('{') {
                true => "write {\"Fn::Sub\": ...} around the text".to_owned(),
                false => "put `!Sub` in front of the text".to_owned(),
            }),
        });
    }
}

/// Makes text again of what only looks like a placeholder of `Sub`, such as IAM's own variables. Gives the
/// first that is one.
fn keep_names(text: &mut Text, is_placeholder: impl Fn(&str) -> bool) -> Option<(Box<str>, Span)> {
    let mut first = None;
    let whole = text.span;
    let mut parts = Vec::with_capacity(text.parts.len());
    for part in std::mem::take(&mut text.parts) {
        let kept = match part {
            Part::Hole(span, expr) if !is_placeholder(&expr) => {
                Part::Literal(span, format!("${{{expr}}}").into())
            }
            Part::Hole(span, expr) => {
                first.get_or_insert_with(|| (expr.clone(), span));
                Part::Hole(span, expr)
            }
            literal @ Part::Literal(..) => literal,
        };
        extend(&mut parts, [kept], whole);
    }
    text.parts = parts;
    first
}

/// Every text of a value, keys included.
fn texts<'n>(node: &'n Node, look: &mut impl FnMut(&'n Text)) {
    match &node.value {
        Value::String(text) => look(text),
        Value::List(items) => items.iter().for_each(|item| texts(item, look)),
        Value::Map(entries) => {
            for entry in entries {
                look(&entry.key);
                texts(&entry.value, look);
            }
        }
        _ => {}
    }
}

/// The same, to change them; of each is said whether it is a key.
fn each_text(node: &mut Node, change: &mut impl FnMut(&mut Text, bool)) {
    match &mut node.value {
        Value::String(text) => change(text, false),
        Value::List(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Map(entries) => {
            for entry in entries {
                change(&mut entry.key, true);
                each_text(&mut entry.value, change);
            }
        }
        _ => {}
    }
}
