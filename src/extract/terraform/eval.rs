//! Expressions to values. What cannot be known is a hole with its expression as its name.

use std::rc::Rc;

use super::scope::{Names, Scope, World, failed, join, undecided, unknown};
use super::value::{Key, Kind, Str, Val, display};
use crate::source::Span;
use crate::syntax::SyntaxError;
use crate::syntax::hcl::{Expr, ExprKind, For, Key as Written, Step};

/// How deep evaluation may go: locals that name locals, outputs of modules of modules.
const MAX_DEPTH: usize = 160;

/// Attributes that tell which resource is meant.
const IDENTITY: [&str; 4] = ["arn", "id", "name", "unique_id"];

impl World<'_> {
    /// The value of an expression.
    pub(super) fn eval(&self, expr: &Expr, scope: &Scope) -> Val {
        if self.depth.get() >= MAX_DEPTH || !self.step() {
            return self.hole(expr);
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.eval_kind(expr, scope);
        self.depth.set(self.depth.get() - 1);
        value
    }

    /// An expression that is not known.
    pub(super) fn hole(&self, expr: &Expr) -> Val {
        unknown(expr.span, &self.shown(expr.span))
    }

    fn eval_kind(&self, expr: &Expr, scope: &Scope) -> Val {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Null => Val::new(span, Kind::Null),
            ExprKind::Bool(value) => Val::new(span, Kind::Bool(*value)),
            ExprKind::Number(number) => match number.parse() {
                Ok(number) => Val::new(span, Kind::Number(number)),
                Err(_) => self.hole(expr),
            },
            ExprKind::Template(template) => self.template(template, span, scope),
            ExprKind::List(items) => {
                Val::list(span, items.iter().map(|item| self.eval(item, scope)).collect())
            }
            ExprKind::Object(entries) => {
                let mut out: Vec<(Key, Val)> = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let key = match key {
                        Written::Name(name) => Key::new(name.span, &name.text),
                        Written::Expr(key) => match self.key(&self.eval(key, scope)) {
                            Some(key) => key,
                            None => return self.hole(expr),
                        },
                    };
                    out.push((key, self.eval(value, scope)));
                }
                Val::map(span, out)
            }
            ExprKind::Variable(_) => self.reference(expr, &[], span, scope),
            ExprKind::Traversal(base, steps) => self.reference_of(base, steps, expr, scope),
            ExprKind::Call(name, arguments, spread) => {
                self.call(name, arguments, *spread, expr, scope)
            }
            ExprKind::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                match self.eval(condition, scope) {
                    value if value.as_bool() == Some(true) => self.eval(yes, scope),
                    value if value.as_bool() == Some(false) => self.eval(no, scope),
                    Val { kind: Kind::Failed(_), .. } => failed(span, &self.shown(span)),
                    _ => self.either(expr, parts, scope),
                }
            }
            ExprKind::Unary(sign, inner) => {
                let value = self.eval(inner, scope);
                match (sign, value.as_bool(), value.as_number()) {
                    ('!', Some(value), _) => Val::new(span, Kind::Bool(!value)),
                    ('-', _, Some(number)) => Val::new(span, Kind::Number(-number)),
                    _ => self.hole(expr),
                }
            }
            ExprKind::Binary(operator, sides) => self.binary(operator, sides, expr, scope),
            ExprKind::For(found) => self.for_expr(found, expr, scope),
        }
    }

    pub(super) fn key(&self, value: &Val) -> Option<Key> {
        let bits = value.bits()?;
        let span = match &value.kind {
            Kind::Text(text) => text.span,
            _ => value.span,
        };
        Some(Key { span, bits })
    }

    /// A condition that is not known: one value if both are the same, and the one of the case that is
    /// gone through where they differ in what is there; else a hole. Where the condition cannot be kept
    /// open, the branch is taken that has something where the other has nothing, which is told.
    fn either(&self, expr: &Expr, parts: &[Expr; 3], scope: &Scope) -> Val {
        let [condition, yes, no] = parts;
        let (one, other) = self.quietly(|| (self.eval(yes, scope), self.eval(no, scope)));
        let branch = |holds: bool| match (self.is_looking(), holds) {
            (true, true) => one.clone(),
            (true, false) => other.clone(),
            (false, true) => self.eval(yes, scope),
            (false, false) => self.eval(no, scope),
        };
        if self.equal(&one, &other) == Some(true) {
            return branch(true);
        }
        if !is_choice(&one, &other) {
            return self.hole(expr);
        }
        if let Some(holds) = self.decide(condition, scope) {
            return branch(holds);
        }
        match (holds_things(&one), holds_things(&other)) {
            (false, true) if is_empty(&one) => {
                self.assume_not(condition);
                branch(false)
            }
            (true, _) => {
                self.assume(condition);
                branch(true)
            }
            _ => self.hole(expr),
        }
    }

    fn assume_not(&self, condition: &Expr) {
        if self.is_looking() {
            return;
        }
        let text = self.shown(condition.span);
        let mut out = self.out.borrow_mut();
        if !out.assumed.iter().any(|known| known.symbol == text) {
            out.assumed.push(undecided(text, false, condition.span));
        }
    }

    fn reference_of(&self, base: &Expr, steps: &[Step], whole: &Expr, scope: &Scope) -> Val {
        if let ExprKind::Variable(_) = base.kind {
            let mut value = self.reference(base, steps, whole.span, scope);
            value.span = match value.kind {
                // What is known keeps the place where it stands; what is not stands here.
                Kind::Unknown(_) | Kind::Failed(_) | Kind::Resource(_) | Kind::Module(_) => {
                    whole.span
                }
                _ => value.span,
            };
            return value;
        }
        let value = self.eval(base, scope);
        self.steps(value, steps, whole.span, scope)
    }

    /// What a name and the steps behind it mean; `whole` is the place of all of it.
    fn reference(&self, base: &Expr, steps: &[Step], whole: Span, scope: &Scope) -> Val {
        let ExprKind::Variable(name) = &base.kind else { return self.hole(base) };
        let span = base.span;
        if let Some(bound) = scope.lookup(name) {
            return self.steps(bound.clone(), steps, span, scope);
        }
        match scope.names {
            Names::Module => {}
            Names::Given => return self.not_given(name, span),
            Names::Open => return self.steps(unknown(span, name), steps, span, scope),
        }
        let part = |at: usize| match steps.get(at) {
            Some(Step::Attribute(name)) => Some(&**name),
            _ => None,
        };
        let (value, used) = match (&**name, part(0), part(1)) {
            ("var", Some(name), _) => (self.variable(scope, name, whole), 1),
            ("local", Some(name), _) => (self.local(scope, name, whole), 1),
            ("path", Some(which), _) => (self.path(which, scope, span), 1),
            ("module", Some(name), _) => {
                let found = self.module(scope, name, span);
                let hole =
                    || unknown(span, &join(&scope.instance.address, &format!("module.{name}")));
                (found.unwrap_or_else(hole), 1)
            }
            ("data", Some(kind), Some(name)) => {
                let key = format!("data.{kind}.{name}");
                let found = self.resource(scope, &key, span);
                (found.unwrap_or_else(|| unknown(span, &key)), 2)
            }
            ("each" | "count" | "self" | "terraform", Some(field), _) => {
                (unknown(span, &format!("{name}.{field}")), 1)
            }
            (kind, Some(name), _) => {
                let key = format!("{kind}.{name}");
                let found = self.resource(scope, &key, span);
                (found.unwrap_or_else(|| unknown(span, &key)), 1)
            }
            (name, ..) => (unknown(span, name), 0),
        };
        self.steps(value, steps.get(used..).unwrap_or(&[]), span, scope)
    }

    /// A name in a template file that it is not given: Terraform stops there.
    fn not_given(&self, name: &str, span: Span) -> Val {
        let message = format!("`{name}` is not among the names that this template is given");
        let mut error = SyntaxError::new(span.source, span.start, span.end, message);
        error.help = Some("a template file knows no names of the module".to_owned());
        self.add_error(&mut self.out.borrow_mut().broken, error);
        failed(span, name)
    }

    fn path(&self, which: &str, scope: &Scope, span: Span) -> Val {
        match which {
            "root" => Val::text(span, "."),
            "module" => {
                let folder = &scope.instance.module.folder;
                // Only `file` and its like look at it, and they take it from the root's folder.
                match folder.strip_prefix(&self.folder) {
                    Ok(below) if below.as_os_str().is_empty() => Val::text(span, "."),
                    Ok(below) => Val::text(span, below.to_string_lossy().into_owned()),
                    Err(_) => Val::text(span, folder.to_string_lossy().into_owned()),
                }
            }
            _ => unknown(span, &format!("path.{which}")),
        }
    }

    fn steps(&self, value: Val, steps: &[Step], span: Span, scope: &Scope) -> Val {
        let mut value = value;
        for (at, step) in steps.iter().enumerate() {
            if !self.step() {
                return unknown(span, "…");
            }
            value = match step {
                Step::Attribute(name) => self.attribute(&value, name, span),
                Step::Index(index) => {
                    let index = self.eval(index, scope);
                    self.index(&value, &index, span)
                }
                Step::Splat => {
                    let rest = steps.get(at + 1..).unwrap_or(&[]);
                    return self.splat(value, rest, span, scope);
                }
            };
        }
        value
    }

    /// `value.name`.
    pub(super) fn attribute(&self, value: &Val, name: &str, span: Span) -> Val {
        match &value.kind {
            Kind::Map(_) => match value.get(name) {
                Some(found) => found.clone(),
                None => failed(span, name),
            },
            Kind::List(items) => match name.parse::<usize>() {
                Ok(at) => items.get(at).cloned().unwrap_or_else(|| failed(span, name)),
                Err(_) => failed(span, name),
            },
            Kind::Resource(resource) => {
                let mut found = self.resource_attribute(resource, name, span);
                if IDENTITY.contains(&name) {
                    found.target = Some(Rc::clone(&resource.address));
                }
                found
            }
            Kind::Module(instance) => self.output(instance, name, span),
            Kind::Unknown(expr) => unknown(span, &format!("{expr}.{name}")),
            Kind::Failed(expr) => failed(span, &format!("{expr}.{name}")),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Json(_) => {
                failed(span, name)
            }
        }
    }

    /// `value[index]`.
    pub(super) fn index(&self, value: &Val, index: &Val, span: Span) -> Val {
        let shown = || index.bits().map(|bits| display(&bits)).unwrap_or_default();
        match &value.kind {
            Kind::Resource(resource) if resource.any => value.clone(),
            Kind::Unknown(expr) => match index.as_number().filter(|_| index.bits().is_some()) {
                Some(number) => unknown(span, &format!("{expr}[{number}]")),
                None => unknown(span, &format!("{expr}[{:?}]", shown())),
            },
            Kind::List(items) => match index.as_number() {
                Some(number) if number >= 0.0 => items
                    .get(number as usize)
                    .cloned()
                    .unwrap_or_else(|| failed(span, &self.shown(span))),
                Some(_) => failed(span, &self.shown(span)),
                None => unknown(span, &self.shown(span)),
            },
            Kind::Map(_) => match index.as_text() {
                Some(key) => value.get(&key).cloned().unwrap_or_else(|| failed(span, &key)),
                None => unknown(span, &self.shown(span)),
            },
            _ => failed(span, &self.shown(span)),
        }
    }

    fn splat(&self, value: Val, rest: &[Step], span: Span, scope: &Scope) -> Val {
        let items = match &value.kind {
            Kind::List(items) => items.to_vec(),
            Kind::Null => Vec::new(),
            Kind::Unknown(expr) => {
                let mut name = format!("{expr}[*]");
                for step in rest {
                    if let Step::Attribute(attribute) = step {
                        name.push('.');
                        name.push_str(attribute);
                    }
                }
                return unknown(span, &name);
            }
            Kind::Failed(_) => return value,
            _ => vec![value],
        };
        let list = items.into_iter().map(|item| self.steps(item, rest, span, scope)).collect();
        Val::list(span, list)
    }

    fn binary(&self, operator: &str, sides: &[Expr; 2], expr: &Expr, scope: &Scope) -> Val {
        let [left, right] = sides;
        let span = expr.span;
        let truth = |value: bool| Val::new(span, Kind::Bool(value));
        let one = self.eval(left, scope);
        match (operator, one.as_bool()) {
            ("&&", Some(false)) => return truth(false),
            ("||", Some(true)) => return truth(true),
            _ => {}
        }
        let other = self.eval(right, scope);
        if matches!(one.kind, Kind::Failed(_)) || matches!(other.kind, Kind::Failed(_)) {
            return failed(span, &self.shown(span));
        }
        let numbers = one.as_number().zip(other.as_number());
        let bools = (one.as_bool(), other.as_bool());
        let number = |value: f64| match value.is_finite() {
            true => Val::new(span, Kind::Number(value)),
            false => self.hole(expr),
        };
        match (operator, bools, numbers) {
            ("&&", (_, Some(false)), _) => truth(false),
            ("||", (_, Some(true)), _) => truth(true),
            ("&&", (Some(a), Some(b)), _) => truth(a && b),
            ("||", (Some(a), Some(b)), _) => truth(a || b),
            ("==", ..) => self.equal(&one, &other).map_or_else(|| self.hole(expr), truth),
            ("!=", ..) => {
                self.equal(&one, &other).map_or_else(|| self.hole(expr), |same| truth(!same))
            }
            ("<", _, Some((a, b))) => truth(a < b),
            ("<=", _, Some((a, b))) => truth(a <= b),
            (">", _, Some((a, b))) => truth(a > b),
            (">=", _, Some((a, b))) => truth(a >= b),
            ("+", _, Some((a, b))) => number(a + b),
            ("-", _, Some((a, b))) => number(a - b),
            ("*", _, Some((a, b))) => number(a * b),
            ("/", _, Some((a, b))) => number(a / b),
            ("%", _, Some((a, b))) => number(a % b),
            _ => self.hole(expr),
        }
    }

    /// Whether two values are the same; `None` if that hangs on what is not known.
    pub(super) fn equal(&self, one: &Val, other: &Val) -> Option<bool> {
        if !self.step() {
            return None;
        }
        let is_reference = |value: &Val| {
            value.target.is_some() || matches!(value.kind, Kind::Resource(_) | Kind::Module(_))
        };
        match (&one.kind, &other.kind) {
            (Kind::Null, Kind::Null) => Some(true),
            // What a resource will have is something, though nobody knows what.
            (Kind::Null, _) if is_reference(other) => Some(false),
            (_, Kind::Null) if is_reference(one) => Some(false),
            (Kind::Unknown(_) | Kind::Failed(_), _) | (_, Kind::Unknown(_) | Kind::Failed(_)) => {
                None
            }
            (Kind::Null, _) | (_, Kind::Null) => Some(false),
            (Kind::List(a), Kind::List(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                self.all(a.iter().zip(b.iter()))
            }
            (Kind::Map(a), Kind::Map(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                let mut pairs = Vec::with_capacity(a.len());
                for (key, value) in a.iter() {
                    match b.iter().find(|(found, _)| found.same(key)) {
                        Some((_, found)) => pairs.push((value, found)),
                        None => return Some(false),
                    }
                }
                self.all(pairs.into_iter())
            }
            (Kind::Text(a), Kind::Text(b)) => self.same_text(a, b),
            _ => match (one.as_text(), other.as_text()) {
                (Some(a), Some(b)) => Some(a == b),
                _ => None,
            },
        }
    }

    fn same_text(&self, a: &Str, b: &Str) -> Option<bool> {
        match (a.known(), b.known()) {
            (Some(a), Some(b)) => Some(a == b),
            // Something with known text in it is not empty.
            (Some(known), None) | (None, Some(known)) if known.is_empty() => {
                let some = |text: &Str| {
                    text.bits.iter().any(
                        |bit| matches!(bit, super::value::Bit::Text(_, text) if !text.is_empty()),
                    )
                };
                (some(a) || some(b)).then_some(false)
            }
            _ => (display(&a.bits) == display(&b.bits)).then_some(true),
        }
    }

    fn all<'v>(&self, pairs: impl Iterator<Item = (&'v Val, &'v Val)>) -> Option<bool> {
        let mut known = true;
        for (a, b) in pairs {
            match self.equal(a, b) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn for_expr(&self, found: &For, expr: &Expr, scope: &Scope) -> Val {
        let collection = self.eval(&found.collection, scope);
        let Some(pairs) = self.pairs(&collection) else {
            return match collection.kind {
                Kind::Failed(_) => failed(expr.span, &self.shown(expr.span)),
                _ => self.hole(expr),
            };
        };
        let mut list = Vec::new();
        let mut map: Vec<(Key, Val)> = Vec::new();
        for (key, value) in pairs {
            let mut inner = scope.with(&found.value_name, value);
            if let Some(name) = &found.key_name {
                inner = inner.with(name, key);
            }
            if let Some(condition) = &found.condition {
                match self.decide(condition, &inner) {
                    Some(true) => {}
                    Some(false) => continue,
                    // It may be taken, so it is kept, and told.
                    None => self.assume(condition),
                }
            }
            let value = self.eval(&found.value, &inner);
            let Some(key) = &found.key else {
                list.push(value);
                continue;
            };
            let Some(key) = self.key(&self.eval(key, &inner)) else { return self.hole(expr) };
            match map.iter_mut().find(|(known, _)| known.same(&key)) {
                Some((_, known)) if found.grouping => {
                    let mut items = known.items().unwrap_or_default();
                    items.push(value);
                    *known = Val::list(expr.span, items);
                }
                Some((_, known)) => *known = value,
                None if found.grouping => map.push((key, Val::list(expr.span, vec![value]))),
                None => map.push((key, value)),
            }
            if map.len() + list.len() > super::value::LONGEST_LIST {
                return self.hole(expr);
            }
        }
        if found.key.is_some() { Val::map(expr.span, map) } else { Val::list(expr.span, list) }
    }

    /// Keys and values of a collection; `None` if it is not known, or none.
    pub(super) fn pairs(&self, collection: &Val) -> Option<Vec<(Val, Val)>> {
        match &collection.kind {
            Kind::List(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| (Val::new(item.span, Kind::Number(at as f64)), item.clone()))
                    .collect(),
            ),
            Kind::Map(entries) => {
                Some(entries.iter().map(|(key, value)| (key.to_val(), value.clone())).collect())
            }
            Kind::Null => Some(Vec::new()),
            _ => None,
        }
    }
}

fn is_empty(value: &Val) -> bool {
    match &value.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        Kind::Null => true,
        _ => false,
    }
}

fn holds_things(value: &Val) -> bool {
    matches!(value.kind, Kind::List(_) | Kind::Map(_) | Kind::Json(_)) && !is_empty(value)
}

/// Whether it makes a difference to what is there which of two values is taken. A name that is one or
/// the other stays one name that nobody knows.
fn is_choice(one: &Val, other: &Val) -> bool {
    let is_number = |value: &Val| matches!(value.kind, Kind::Number(_) | Kind::Bool(_));
    if holds_things(one) || holds_things(other) || is_number(one) || is_number(other) {
        return true;
    }
    let (Kind::Text(one), Kind::Text(other)) = (&one.kind, &other.kind) else { return false };
    let (Some(one), Some(other)) = (one.known(), other.known()) else { return false };
    is_choice_of_words(&one, &other)
}

/// Whether two texts are effects, actions or ARNs, and not just names.
pub(super) fn is_choice_of_words(one: &str, other: &str) -> bool {
    let is_word = |text: &str| text.contains(':') || matches!(text, "*" | "Allow" | "Deny");
    is_word(one) && is_word(other)
}
