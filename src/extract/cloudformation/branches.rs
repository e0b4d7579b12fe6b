//! Statements that are there, or read otherwise, only if a condition of the template holds. What nobody
//! decided is kept in every way it can turn out, each with what it hangs on.

use super::resolve::{Led, Resolver, call};
use crate::syntax::{Entry, Node, Value, When};

/// A statement that hangs on more conditions is not taken apart: its texts are holes then.
const MOST_CONDITIONS: usize = 3;

/// A value with what it hangs on.
pub(super) type Guarded<T> = (Vec<When>, T);

impl Resolver<'_> {
    /// A policy document with its calls resolved, and what each item of its `Statement` hangs on;
    /// nothing if no condition is left open. `None` if it is `AWS::NoValue`.
    pub(super) fn document(&self, node: &Node) -> Option<(Node, Vec<Vec<When>>)> {
        let mut ways: Vec<Guarded<&Node>> = Vec::new();
        self.branches(node, &mut Vec::new(), &mut ways);
        let mut statements: Vec<Guarded<Node>> = Vec::new();
        let mut out: Option<Node> = None;
        for (when, node) in ways {
            let written =
                node.entries().iter().rev().find(|e| e.key.as_literal() == Some("Statement"));
            let Some(written) = written.filter(|_| call(node).is_none()) else {
                let node = self.node(node)?;
                // Not a document that can be looked into, or one that says nothing.
                out.get_or_insert(node);
                continue;
            };
            self.under(&when, || self.statements(&written.value, &when, &mut statements));
            if out.is_some() {
                continue;
            }
            let entries = node.entries().iter().filter_map(|Entry { key, value }| {
                let value = if std::ptr::eq(value, &written.value) {
                    Node { span: value.span, tag: None, value: Value::Null }
                } else {
                    self.node(value)?
                };
                Some(Entry { key: key.clone(), value })
            });
            let value = Value::Map(entries.collect());
            out = Some(Node { span: node.span, tag: None, value });
        }
        let mut out = out?;
        let (whens, mut items): (Vec<_>, Vec<_>) = statements.into_iter().unzip();
        if let Value::Map(entries) = &mut out.value {
            let place = entries.iter_mut().rev().find(|e| e.key.as_literal() == Some("Statement"));
            if let Some(entry) = place.filter(|entry| entry.value.value == Value::Null) {
                let single = items.len() == 1 && items.iter().any(|i| i.span == entry.value.span);
                entry.value.value = match items.pop() {
                    Some(only) if single => only.value,
                    last => {
                        items.extend(last);
                        Value::List(items)
                    }
                };
            }
        }
        let open = whens.iter().any(|when| !when.is_empty());
        Some((out, if open { whens } else { Vec::new() }))
    }

    /// All that a value can turn out to be, with what it hangs on.
    pub(super) fn branches<'n>(
        &self,
        node: &'n Node,
        when: &mut Vec<When>,
        out: &mut Vec<Guarded<&'n Node>>,
    ) {
        match self.led(node) {
            Led::To(node) => out.push((when.clone(), node)),
            Led::Nowhere => {}
            Led::Either { name, span, holds, otherwise } => {
                for (value, branch) in [(true, holds), (false, otherwise)] {
                    let one = self.when(&name, value, span);
                    when.push(one);
                    self.under(&when.clone(), || self.branches(branch, when, out));
                    when.pop();
                }
            }
        }
    }

    /// The statements of a list, of one, or of what a condition leaves of them.
    fn statements(&self, node: &Node, around: &[When], out: &mut Vec<Guarded<Node>>) {
        let mut ways = Vec::new();
        self.branches(node, &mut around.to_vec(), &mut ways);
        for (when, node) in ways {
            match &node.value {
                Value::List(items) if call(node).is_none() => {
                    for item in items {
                        self.under(&when, || self.statements(item, &when, out));
                    }
                }
                _ => self.under(&when, || self.variants(node, &when, out)),
            }
        }
    }

    /// One statement in every way in which it can turn out.
    fn variants(&self, node: &Node, around: &[When], out: &mut Vec<Guarded<Node>>) {
        let mut open: Vec<When> = Vec::new();
        self.open_conditions(node, 0, &mut open);
        if open.len() > MOST_CONDITIONS {
            open.clear();
        }
        for case in 0..1_usize << open.len() {
            let mut when = around.to_vec();
            when.extend(
                open.iter()
                    .enumerate()
                    .map(|(at, one)| When { holds: case >> at & 1 == 0, ..one.clone() }),
            );
            if let Some(node) = self.under(&when, || self.node(node)) {
                out.push((when, node));
            }
        }
    }

    /// The conditions that nobody decided on which a value hangs, each once.
    fn open_conditions(&self, node: &Node, depth: usize, out: &mut Vec<When>) {
        if depth > 32 {
            return;
        }
        if let Led::Either { name, span, .. } = self.led(node)
            && !out.iter().any(|known| *known.name == *name)
        {
            out.push(self.when(&name, true, span));
        }
        node.items().iter().for_each(|item| self.open_conditions(item, depth + 1, out));
        node.entries().iter().for_each(|e| self.open_conditions(&e.value, depth + 1, out));
    }

    /// Does something while these conditions are taken to turn out so.
    fn under<T>(&self, when: &[When], run: impl FnOnce() -> T) -> T {
        let before = self.assigned.borrow().len();
        let pairs = when.iter().map(|when| (when.name.to_string(), when.holds));
        self.assigned.borrow_mut().extend(pairs);
        let out = run();
        self.assigned.borrow_mut().truncate(before);
        out
    }
}
