//! Conditions that nobody decided. What hangs on one is worked out once for each way in which it can
//! turn out; one expression is one condition, wherever in the tree of modules it stands.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::presence::Case;
use super::scope::{Instance, Memo, Names, Scope, World, caller_of, undecided};
use super::value::{Kind, Val, display};
use crate::source::Span;
use crate::syntax::When;
use crate::syntax::hcl::{Expr, ExprKind, Piece, Step};

/// How many conditions are kept open for one resource, and for all around it. What hangs on more is
/// worked out as if the rest held, which is told.
const MOST_CONDITIONS: usize = 8;
const MOST_AROUND: usize = 12;

/// After so many steps of a root no further condition is opened.
const PATIENCE: u64 = 1_000_000;

/// How far conditions that name conditions are followed.
const MAX_DEPTH: usize = 24;

/// The conditions of one root, and how they are taken just now.
#[derive(Default)]
pub(super) struct Choices {
    conditions: RefCell<Vec<Condition>>,
    taken: RefCell<Case>,
    /// Where in `taken` the conditions of the resource begin that is gone through; none outside of one.
    from: Cell<Option<usize>>,
    /// Only looking: no condition is opened, nothing is told.
    looking: Cell<bool>,
    /// The number of the present case. A value that hangs on a condition is worth nothing in another.
    epoch: Cell<u64>,
    epochs: Cell<u64>,
    /// What is being decided, so that a loop ends.
    deciding: RefCell<Vec<(Span, *const Instance)>>,
    /// Whether the value under way hangs on a condition.
    hangs: Cell<bool>,
}

/// A condition that nobody decided.
struct Condition {
    name: Box<str>,
    span: Span,
    /// The variables of the root that would decide it.
    asks: Vec<String>,
    /// It compares this with that: it cannot be equal to two things.
    compares: Option<(String, String)>,
}

/// How a condition is called.
struct Name {
    text: String,
    compares: Option<(String, String)>,
}

impl World<'_> {
    /// Does something once for each way in which the conditions that it meets can turn out. It is
    /// given what tells how they were taken, which is known behind it.
    pub(super) fn cases(&self, mut run: impl FnMut(&dyn Fn() -> Case)) {
        let choices = &self.choices;
        let start = choices.taken.borrow().len();
        let outer = (choices.epoch.get(), choices.from.replace(Some(start)));
        let own = || choices.taken.borrow().get(start..).unwrap_or(&[]).to_vec();
        loop {
            self.new_epoch();
            run(&own);
            let mut taken = choices.taken.borrow_mut();
            while taken.len() > start && matches!(taken.last(), Some((_, false))) {
                taken.pop();
            }
            // Those in front of them are the business of who goes through what is around.
            match taken.get_mut(start..).and_then(<[_]>::last_mut) {
                Some((_, holds)) => *holds = false,
                None => break,
            }
        }
        choices.epoch.set(outer.0);
        choices.from.set(outer.1);
    }

    /// How the conditions are taken that were met so far.
    pub(super) fn taken(&self) -> Case {
        self.choices.taken.borrow().clone()
    }

    fn new_epoch(&self) {
        let next = self.choices.epochs.get() + 1;
        self.choices.epochs.set(next);
        self.choices.epoch.set(next);
    }

    /// Works something out without opening conditions: of a choice, one side or a hole.
    pub(super) fn quietly<T>(&self, run: impl FnOnce() -> T) -> T {
        let choices = &self.choices;
        let outer = (choices.epoch.get(), choices.looking.replace(true));
        self.new_epoch();
        let out = run();
        choices.epoch.set(outer.0);
        choices.looking.set(outer.1);
        out
    }

    pub(super) fn is_looking(&self) -> bool {
        self.choices.looking.get()
    }

    /// What was worked out before and is worth something in this case.
    pub(super) fn known(&self, memo: &Memo, name: &str) -> Option<Option<Val>> {
        match memo.borrow().get(name)? {
            None => Some(None),
            Some((0, value)) => Some(Some(value.clone())),
            Some((epoch, value)) if *epoch == self.choices.epoch.get() => {
                self.choices.hangs.set(true);
                Some(Some(value.clone()))
            }
            Some(_) => None,
        }
    }

    /// Works something out, and keeps it.
    pub(super) fn keep(&self, memo: &Memo, name: String, make: impl FnOnce() -> Val) -> Val {
        memo.borrow_mut().insert(name.clone(), None);
        let before = self.choices.hangs.replace(false);
        let value = make();
        let epoch = if self.choices.hangs.get() { self.choices.epoch.get() } else { 0 };
        self.choices.hangs.set(before || epoch != 0);
        memo.borrow_mut().insert(name, Some((epoch, value.clone())));
        value
    }

    /// Whether a condition holds: it does, it does not, or it is taken so in this case. `None` where it
    /// cannot be kept open.
    pub(super) fn decide(&self, expr: &Expr, scope: &Scope) -> Option<bool> {
        self.decide_at(expr, scope, 0)
    }

    fn decide_at(&self, expr: &Expr, scope: &Scope, depth: usize) -> Option<bool> {
        let value = self.eval(expr, scope);
        if let Some(known) = value.as_bool() {
            return Some(known);
        }
        let under = (expr.span, Rc::as_ptr(&scope.instance));
        if depth > MAX_DEPTH || self.choices.deciding.borrow().contains(&under) {
            return None;
        }
        self.choices.deciding.borrow_mut().push(under);
        let holds = self.decide_value(expr, &value, scope, depth);
        self.choices.deciding.borrow_mut().pop();
        holds
    }

    fn decide_value(&self, expr: &Expr, value: &Val, scope: &Scope, depth: usize) -> Option<bool> {
        let below = |inner: &Expr, scope: &Scope| self.decide_at(inner, scope, depth + 1);
        match &expr.kind {
            ExprKind::Unary('!', inner) => return below(inner, scope).map(|holds| !holds),
            ExprKind::Binary(operator @ ("&&" | "||"), sides) => {
                let [one, other] = &**sides;
                let settles = *operator == "||";
                return match below(one, scope)? {
                    holds if holds == settles => Some(settles),
                    _ => below(other, scope),
                };
            }
            ExprKind::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                return match below(condition, scope)? {
                    true => below(yes, scope),
                    false => below(no, scope),
                };
            }
            ExprKind::Binary(operator @ ("==" | "!="), sides) => {
                let [one, other] = &**sides;
                let same = *operator == "==";
                let (left, right) = (self.eval(one, scope), self.eval(other, scope));
                // Text that is `true` is no condition.
                for (value, inner) in [(&left, other), (&right, one)] {
                    if let Kind::Bool(truth) = value.kind {
                        return below(inner, scope).map(|holds| (holds == truth) == same);
                    }
                }
                let (one, other) = (self.side(one, &left), self.side(other, &right));
                let ((subject, _), (object, known)) = match one.1 {
                    true => (other, one),
                    false => (one, other),
                };
                let text = self.named(format!("{subject} == {object}"), scope);
                let compares = known.then_some((subject, object));
                let asks = self.asks_of(expr, scope);
                let holds = self.open(Name { text, compares }, expr.span, asks)?;
                return Some(holds == same);
            }
            _ => {}
        }
        if let Some((inner, scope)) = self.behind(expr, scope) {
            return below(&inner, &scope);
        }
        if matches!(value.kind, Kind::Failed(_)) {
            return None;
        }
        let text = self.name_of(expr, value, scope);
        self.open(Name { text, compares: None }, expr.span, self.asks_of(expr, scope))
    }

    /// Whether a number is above nothing (`count`), or a collection that nobody knows holds anything.
    pub(super) fn decide_some(&self, expr: &Expr, scope: &Scope, number: bool) -> Option<bool> {
        let (mut expr, mut scope) = (Cow::Borrowed(expr), Cow::Borrowed(scope));
        for _ in 0..MAX_DEPTH {
            let Some((inner, around)) = self.behind(&expr, &scope) else { break };
            (expr, scope) = (Cow::Owned((*inner).clone()), Cow::Owned(around));
        }
        let (expr, scope) = (&*expr, &*scope);
        let name = self.name_of(expr, &self.eval(expr, scope), scope);
        let name = strip(&name, "toset(").or(strip(&name, "tolist(")).unwrap_or(&name);
        let text = if number { format!("{name} > 0") } else { format!("length({name}) > 0") };
        self.open(Name { text, compares: None }, expr.span, self.asks_of(expr, scope))
    }

    /// The expression behind the name of a local, or of a variable that the caller of a module gives.
    fn behind(&self, expr: &Expr, scope: &Scope) -> Option<(Rc<Expr>, Scope)> {
        let ExprKind::Traversal(base, steps) = &expr.kind else { return None };
        let (ExprKind::Variable(kind), [Step::Attribute(name)]) = (&base.kind, &**steps) else {
            return None;
        };
        if scope.names != Names::Module || scope.lookup(kind).is_some() {
            return None;
        }
        match &**kind {
            "local" => {
                let expr = scope.instance.module.locals.get(name)?;
                Some((Rc::clone(expr), Scope::root(&scope.instance)))
            }
            "var" => caller_of(&scope.instance, name),
            _ => None,
        }
    }

    /// What to call an expression, so that it has one name in all of the tree.
    fn name_of(&self, expr: &Expr, value: &Val, scope: &Scope) -> String {
        match (&expr.kind, value.hole()) {
            (ExprKind::Variable(_) | ExprKind::Traversal(..), Some(name)) => {
                self.named(name.to_string(), scope)
            }
            _ => self.named(self.shown(expr.span), scope),
        }
    }

    /// One side of a comparison, and whether it is known.
    fn side(&self, expr: &Expr, value: &Val) -> (String, bool) {
        match (&value.kind, value.as_text()) {
            (Kind::Null, _) => ("null".to_owned(), true),
            (Kind::Number(_), Some(text)) => (text, true),
            (_, Some(text)) => (format!("{text:?}"), true),
            (Kind::Unknown(name), _) => (name.to_string(), false),
            _ => (self.shown(expr.span), false),
        }
    }

    /// A name with what it means only there: the module, the item of a loop.
    fn named(&self, text: String, scope: &Scope) -> String {
        let mut out = text;
        if !out.contains([' ', '(']) && !scope.bound.iter().any(|(name, _)| mentions(&out, name)) {
            return out;
        }
        for (name, value) in &scope.bound {
            let item = value.get("key").or_else(|| value.get("index")).unwrap_or(value);
            if mentions(&out, name)
                && let Some(bits) = item.bits()
            {
                out = format!("{out} for {}", display(&bits));
            }
        }
        if scope.instance.address.is_empty() {
            out
        } else {
            format!("{out} of {}", scope.instance.address)
        }
    }

    /// How a condition is taken in this case; opens it if it is new.
    fn open(&self, name: Name, span: Span, asks: Vec<String>) -> Option<bool> {
        let choices = &self.choices;
        let mut conditions = choices.conditions.borrow_mut();
        let number = conditions.iter().position(|known| *known.name == *name.text);
        choices.hangs.set(true);
        let mut taken = choices.taken.borrow_mut();
        if let Some((_, holds)) = taken.iter().find(|(taken, _)| Some(*taken) == number) {
            return Some(*holds);
        }
        // What is equal to one thing is not equal to another.
        if let Some((subject, object)) = &name.compares {
            let is_other = |(other, holds): &(usize, bool)| {
                let other = conditions.get(*other).and_then(|known| known.compares.as_ref());
                *holds && other.is_some_and(|(of, to)| of == subject && to != object)
            };
            if taken.iter().any(is_other) {
                return Some(false);
            }
        }
        let from = choices.from.get().filter(|_| !choices.looking.get())?;
        if taken.len() >= from + MOST_CONDITIONS
            || taken.len() >= MOST_AROUND
            || self.steps.get() > PATIENCE
        {
            return None;
        }
        let number = number.unwrap_or_else(|| {
            let Name { text, compares } = name;
            conditions.push(Condition { name: text.into(), span, asks, compares });
            conditions.len() - 1
        });
        taken.push((number, true));
        Some(true)
    }

    /// What a case says.
    pub(super) fn whens(&self, case: &[(usize, bool)]) -> Vec<When> {
        let conditions = self.choices.conditions.borrow();
        let one = |&(number, holds): &(usize, bool)| {
            let Condition { name, span, asks, .. } = conditions.get(number)?;
            let (name, asks) = (name.clone(), asks.clone());
            Some(When { name, holds, span: *span, asks, flag: "--var" })
        };
        case.iter().filter_map(one).collect()
    }

    /// Tells that something is judged as if it were made.
    pub(super) fn judge_as_made(&self, case: &[(usize, bool)]) {
        let from = "what is made on this condition is judged as made";
        for When { name, holds, span, .. } in self.whens(case) {
            let told = crate::extract::Assumed { from, ..undecided(name.into(), holds, span) };
            let mut out = self.out.borrow_mut();
            if !out.assumed.iter().any(|known| known.symbol == told.symbol) {
                out.assumed.push(told);
            }
        }
    }

    /// The variables of the root on which an expression hangs.
    fn asks_of(&self, expr: &Expr, scope: &Scope) -> Vec<String> {
        let mut out = Vec::new();
        self.asks(expr, scope, 0, &mut out);
        out
    }

    fn asks(&self, expr: &Expr, scope: &Scope, depth: usize, out: &mut Vec<String>) {
        if depth > MAX_DEPTH || !self.step() {
            return;
        }
        if let Some((inner, scope)) = self.behind(expr, scope) {
            return self.asks(&inner, &scope, depth + 1, out);
        }
        let mut each = |inner: &Expr| self.asks(inner, scope, depth + 1, out);
        match &expr.kind {
            ExprKind::Traversal(base, steps) => {
                if let (ExprKind::Variable(kind), Some(Step::Attribute(name))) =
                    (&base.kind, steps.first())
                    && matches!(&**kind, "var" | "local")
                {
                    let head =
                        ExprKind::Traversal(base.clone(), vec![Step::Attribute(name.clone())]);
                    let head = Expr { span: expr.span, kind: head };
                    if let Some((inner, scope)) = self.behind(&head, scope) {
                        return self.asks(&inner, &scope, depth + 1, out);
                    }
                    let of_root = scope.instance.address.is_empty() && &**kind == "var";
                    if of_root && !out.iter().any(|known| **known == **name) {
                        out.push(name.to_string());
                    }
                    return;
                }
                each(base);
            }
            ExprKind::Call(_, arguments, _) => arguments.iter().for_each(each),
            ExprKind::List(items) => items.iter().for_each(each),
            ExprKind::Conditional(parts) => parts.iter().for_each(each),
            ExprKind::Unary(_, inner) => each(inner),
            ExprKind::Binary(_, sides) => sides.iter().for_each(each),
            ExprKind::For(found) => each(&found.collection),
            ExprKind::Template(template) => template.pieces.iter().for_each(|piece| {
                if let Piece::Interpolation(_, inner) = piece {
                    each(inner);
                }
            }),
            _ => {}
        }
    }
}

/// What stands between the parentheses of a call that does not change whether there is anything.
fn strip<'n>(name: &'n str, call: &str) -> Option<&'n str> {
    name.strip_prefix(call)?.strip_suffix(')').filter(|inner| !inner.contains(['(', ')']))
}

/// Whether a text holds a name as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(|c| is_word(c) && c != '.')
    })
}
