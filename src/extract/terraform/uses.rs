//! Where the text of a module names one of its resources.

use std::collections::HashMap;

use super::module::{Declared, Module};
use crate::order;
use crate::source::{SourceMap, Span};
use crate::syntax::hcl::{Attribute, Body, Expr, ExprKind, Key, Piece, Step};

/// One place that names a resource.
pub(super) struct Use<'m> {
    /// Where its name stands; `None` if something is between the words.
    pub(super) label: Option<Span>,
    pub(super) at: At<'m>,
}

/// What names it.
pub(super) enum At<'m> {
    /// An argument of a block, not of one inside of it.
    Argument { block: &'m Declared, argument: &'m Attribute, part: Part },
    /// Something else, as it is called: `output.policy_arn`.
    Other(String),
}

/// How much of an argument names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it, attributes of the resource included.
    Whole,
    /// An item of a list.
    Item(usize),
    /// Some of it.
    Some,
}

/// Where a module names its policies, their documents and what attaches them: by the key of the block.
#[derive(Debug, Default)]
pub(super) struct Uses {
    by_key: HashMap<String, Vec<Found>>,
}

/// A place, by where its block and its argument stand in the lists of the module.
#[derive(Debug)]
struct Found {
    label: Option<Span>,
    at: Place,
}

#[derive(Debug)]
enum Place {
    Argument { is_call: bool, block: usize, argument: usize, part: Part },
    Other(String),
}

/// All places of a module that name `declared`. They are looked for once.
pub(super) fn uses<'m>(
    sources: &SourceMap,
    module: &'m Module,
    declared: &Declared,
) -> Vec<Use<'m>> {
    let all = module.uses.get_or_init(|| Finder::find(sources, module));
    let found = all.by_key.get(&declared.key()).map(Vec::as_slice).unwrap_or_default();
    let borrowed = found.iter().filter_map(|Found { label, at }| {
        let at = match at {
            Place::Other(name) => At::Other(name.clone()),
            Place::Argument { is_call, block, argument, part } => {
                let blocks = if *is_call { &module.calls } else { &module.resources };
                let block = blocks.get(*block)?;
                At::Argument { block, argument: block.body.attributes.get(*argument)?, part: *part }
            }
        };
        Some(Use { label: *label, at })
    });
    borrowed.collect()
}

/// Whether anybody asks where blocks of a kind are named.
fn is_wanted(kind: &str) -> bool {
    kind == "aws_iam_policy"
        || kind == "aws_iam_policy_document"
        || kind.starts_with("aws_iam_") && kind.ends_with("_attachment")
}

/// What stands alone between `"${` and `}"`, as it was written once; else the expression itself.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Template(template) => match template.pieces.as_slice() {
            [Piece::Interpolation(_, inner)] => inner,
            _ => expr,
        },
        _ => expr,
    }
}

/// What a reference is to, by the key of its block.
pub(super) fn key(reference: &Expr) -> Option<String> {
    let ExprKind::Traversal(root, steps) = &bare(reference).kind else { return None };
    let ExprKind::Variable(word) = &root.kind else { return None };
    match (&**word, steps.as_slice()) {
        ("data", [Step::Attribute(kind), Step::Attribute(name), ..]) => {
            Some(format!("data.{kind}.{name}"))
        }
        (kind, [Step::Attribute(name), ..]) => Some(format!("{kind}.{name}")),
        _ => None,
    }
}

struct Finder<'f> {
    sources: &'f SourceMap,
    out: Uses,
}

impl<'f> Finder<'f> {
    fn find(sources: &'f SourceMap, module: &Module) -> Uses {
        let mut finder = Self { sources, out: Uses::default() };
        for (is_call, blocks) in [(false, &module.resources), (true, &module.calls)] {
            for (index, block) in blocks.iter().enumerate() {
                finder.block((is_call, index), block);
            }
        }
        let mut locals: Vec<_> = module.locals.iter().collect();
        order::by_key(&mut locals, |(name, _)| *name);
        for (name, value) in locals {
            finder.all(value, || Place::Other(format!("local.{name}")));
        }
        let mut outputs: Vec<_> = module.outputs.iter().collect();
        order::by_key(&mut outputs, |(name, _)| *name);
        for (name, value) in outputs {
            finder.all(value, || Place::Other(format!("output.{name}")));
        }
        finder.out
    }

    fn block(&mut self, (is_call, block): (bool, usize), declared: &Declared) {
        for (argument, attribute) in declared.body.attributes.iter().enumerate() {
            let at = |part| Place::Argument { is_call, block, argument, part };
            let value = &*attribute.value;
            if self.add(value, || at(Part::Whole)) {
                continue;
            }
            let ExprKind::List(items) = &value.kind else {
                self.all(value, || at(Part::Some));
                continue;
            };
            for (index, item) in items.iter().enumerate() {
                if !self.add(item, || at(Part::Item(index))) {
                    self.all(item, || at(Part::Some));
                }
            }
        }
        self.nested(&declared.body, declared);
    }

    fn nested(&mut self, body: &Body, of: &Declared) {
        for inner in &body.blocks {
            for argument in &inner.body.attributes {
                self.all(&argument.value, || Place::Other(of.key()));
            }
            self.nested(&inner.body, of);
        }
    }

    /// Every reference in an expression.
    fn all(&mut self, expr: &Expr, at: impl Fn() -> Place) {
        each(expr, &mut |one| {
            // What stands in a text comes by itself.
            if !matches!(one.kind, ExprKind::Template(_)) {
                self.add(one, &at);
            }
        });
    }

    /// Adds an expression that is nothing but a reference; whether it is one.
    fn add(&mut self, expr: &Expr, at: impl FnOnce() -> Place) -> bool {
        let Some((key, label)) = self.names(expr) else { return false };
        self.out.by_key.entry(key).or_default().push(Found { label, at: at() });
        true
    }

    /// What a reference is to, and where the name of that stands in it.
    fn names(&self, expr: &Expr) -> Option<(String, Option<Span>)> {
        let ExprKind::Traversal(root, steps) = &bare(expr).kind else { return None };
        let ExprKind::Variable(word) = &root.kind else { return None };
        let (kind, name, before) = match (&**word, steps.as_slice()) {
            ("data", [Step::Attribute(kind), Step::Attribute(name), ..]) => {
                (&**kind, name, "data.".len() + kind.len())
            }
            (kind, [Step::Attribute(name), ..]) => (kind, name, kind.len()),
            _ => return None,
        };
        is_wanted(kind).then_some(())?;
        let label = || {
            // Words and the dots between them.
            let start = root.span.start as usize + before + 1;
            let end = start + name.len();
            let written = self.sources.get(expr.span.source);
            let found = written.text().get(start..end)?;
            let place = |at: usize| u32::try_from(at).ok();
            let span = Span::new(expr.span.source, place(start)?, place(end)?);
            (*found == **name && expr.span.contains(span)).then_some(span)
        };
        Some((key(expr)?, label()))
    }
}

/// Every expression in one, itself included.
pub(super) fn each(expr: &Expr, act: &mut dyn FnMut(&Expr)) {
    act(expr);
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::Variable(_) => {}
        ExprKind::Template(template) => pieces(&template.pieces, act),
        ExprKind::List(items) | ExprKind::Call(_, items, _) => {
            items.iter().for_each(|item| each(item, act));
        }
        ExprKind::Object(entries) => {
            for (key, value) in entries {
                if let Key::Expr(key) = key {
                    each(key, act);
                }
                each(value, act);
            }
        }
        ExprKind::Traversal(root, steps) => {
            each(root, act);
            for step in steps {
                if let Step::Index(index) = step {
                    each(index, act);
                }
            }
        }
        ExprKind::Conditional(parts) => parts.iter().for_each(|part| each(part, act)),
        ExprKind::Unary(_, one) => each(one, act),
        ExprKind::Binary(_, both) => both.iter().for_each(|one| each(one, act)),
        ExprKind::For(found) => {
            let own = [Some(&found.collection), found.key.as_ref(), Some(&found.value)];
            let own = own.into_iter().chain([found.condition.as_ref()]).flatten();
            own.for_each(|part| each(part, act));
        }
    }
}

fn pieces(all: &[Piece], act: &mut dyn FnMut(&Expr)) {
    for piece in all {
        match piece {
            Piece::Literal(..) => {}
            Piece::Interpolation(_, expr) => each(expr, act),
            Piece::If(_, parts) => {
                each(&parts.0, act);
                pieces(&parts.1, act);
                pieces(&parts.2, act);
            }
            Piece::For(_, found) => {
                each(&found.collection, act);
                pieces(&found.pieces, act);
            }
        }
    }
}
