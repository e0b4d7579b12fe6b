//! Where the text of a module names one of its resources.

use super::module::{Declared, Module};
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it, attributes of the resource included.
    Whole,
    /// An item of a list.
    Item(usize),
    /// Some of it.
    Some,
}

/// All places of a module that name `declared`.
pub(super) fn uses<'m>(
    sources: &SourceMap,
    module: &'m Module,
    declared: &Declared,
) -> Vec<Use<'m>> {
    let mut finder = Finder { sources, declared, out: Vec::new() };
    for block in &module.resources {
        finder.block(block);
    }
    for block in &module.calls {
        finder.block(block);
    }
    let mut locals: Vec<_> = module.locals.iter().collect();
    locals.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in locals {
        finder.other(value, || format!("local.{name}"));
    }
    let mut outputs: Vec<_> = module.outputs.iter().collect();
    outputs.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in outputs {
        finder.other(value, || format!("output.{name}"));
    }
    finder.out
}

/// What a reference is to, by the key of its block.
pub(super) fn key(reference: &Expr) -> Option<String> {
    let ExprKind::Traversal(root, steps) = &reference.kind else { return None };
    let ExprKind::Variable(word) = &root.kind else { return None };
    match (&**word, steps.as_slice()) {
        ("data", [Step::Attribute(kind), Step::Attribute(name), ..]) => {
            Some(format!("data.{kind}.{name}"))
        }
        (kind, [Step::Attribute(name), ..]) => Some(format!("{kind}.{name}")),
        _ => None,
    }
}

struct Finder<'f, 'm> {
    sources: &'f SourceMap,
    declared: &'f Declared,
    out: Vec<Use<'m>>,
}

impl<'m> Finder<'_, 'm> {
    fn block(&mut self, block: &'m Declared) {
        for argument in &block.body.attributes {
            let value = &*argument.value;
            if let Some(label) = self.names(value) {
                let at = At::Argument { block, argument, part: Part::Whole };
                self.out.push(Use { label, at });
            } else if let ExprKind::List(items) = &value.kind {
                for (index, item) in items.iter().enumerate() {
                    match self.names(item) {
                        Some(label) => {
                            let at = At::Argument { block, argument, part: Part::Item(index) };
                            self.out.push(Use { label, at });
                        }
                        None => self.some(item, block, argument),
                    }
                }
            } else {
                self.some(value, block, argument);
            }
        }
        self.nested(&block.body, block);
    }

    fn some(&mut self, expr: &Expr, block: &'m Declared, argument: &'m Attribute) {
        for label in self.all(expr) {
            let at = At::Argument { block, argument, part: Part::Some };
            self.out.push(Use { label, at });
        }
    }

    fn nested(&mut self, body: &'m Body, of: &'m Declared) {
        for inner in &body.blocks {
            for argument in &inner.body.attributes {
                self.other(&argument.value, || of.key());
            }
            self.nested(&inner.body, of);
        }
    }

    fn other(&mut self, expr: &Expr, name: impl Fn() -> String) {
        for label in self.all(expr) {
            self.out.push(Use { label, at: At::Other(name()) });
        }
    }

    fn all(&self, expr: &Expr) -> Vec<Option<Span>> {
        let mut found = Vec::new();
        each(expr, &mut |one| found.extend(self.names(one)));
        found
    }

    /// Whether an expression is a reference to it, and where its name stands in that.
    fn names(&self, expr: &Expr) -> Option<Option<Span>> {
        let ExprKind::Traversal(root, steps) = &expr.kind else { return None };
        let ExprKind::Variable(word) = &root.kind else { return None };
        let name = |at: usize, wanted: &str| matches!(steps.get(at), Some(Step::Attribute(found)) if **found == *wanted);
        let Declared { data, kind, name: own, .. } = self.declared;
        let (is_it, words) = match data {
            true => (&**word == "data" && name(0, kind) && name(1, &own.text), kind.len() + 1),
            false => (**word == **kind && name(0, &own.text), 0),
        };
        is_it.then(|| {
            // Words and the dots between them.
            let start = root.span.start as usize + word.len() + 1 + words;
            let end = start + own.text.len();
            let written = self.sources.get(expr.span.source);
            let found = written.text().get(start..end)?;
            let place = |at: usize| u32::try_from(at).ok();
            let span = Span::new(expr.span.source, place(start)?, place(end)?);
            (*found == *own.text && expr.span.contains(span)).then_some(span)
        })
    }
}

/// Every expression in one, itself included.
fn each(expr: &Expr, act: &mut dyn FnMut(&Expr)) {
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
