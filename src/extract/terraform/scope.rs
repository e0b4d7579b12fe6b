//! Modules as they are called, and what names mean in them: variables, locals, resources, outputs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::choose::Choices;
use super::files::Files;
use super::module::{Declared, Module};
use super::value::{Key, Kind, Val};
use crate::extract::Assumed;
use crate::source::{SourceMap, Span};
use crate::syntax::SyntaxError;
use crate::syntax::hcl::{Body, Expr};
use crate::words::nearest_word;

/// How many steps one root may take: a loop over loops must end.
const MAX_STEPS: u64 = 4_000_000;

/// All that is shared while one root module is evaluated.
pub(super) struct World<'w> {
    pub(super) sources: &'w SourceMap,
    pub(super) files: &'w Files,
    /// The root module's folder, from which paths are taken.
    pub(super) folder: std::path::PathBuf,
    /// Modules read so far, by canonical folder; shared by all roots.
    pub(super) modules: &'w RefCell<HashMap<std::path::PathBuf, Rc<Module>>>,
    /// What `--var` gives to the root.
    pub(super) given: HashMap<String, Rc<Expr>>,
    /// `.terraform/modules/modules.json`: folders by the path of the call.
    pub(super) installed: HashMap<String, std::path::PathBuf>,
    pub(super) instances: RefCell<Vec<Rc<Instance>>>,
    pub(super) out: RefCell<Told>,
    /// Conditions that nobody decided.
    pub(super) choices: Choices,
    pub(super) depth: Cell<usize>,
    pub(super) steps: Cell<u64>,
    /// Policy documents that something refers to.
    pub(super) used: RefCell<std::collections::HashSet<Rc<str>>>,
}

/// What is told beside the policies.
#[derive(Default)]
pub(super) struct Told {
    pub(super) assumed: Vec<Assumed>,
    /// Files that a module names and nobody gave.
    pub(super) outside: Vec<SyntaxError>,
    pub(super) broken: Vec<SyntaxError>,
    pub(super) notes: Vec<String>,
    /// Modules that are not here, with the reason.
    pub(super) away: Vec<String>,
    pub(super) errors: Vec<(String, SyntaxError)>,
}

/// What was worked out, with the case that it is of; 0 is that of all cases. `None` while it is being
/// worked out, so that a loop ends.
pub(super) type Memo = RefCell<HashMap<String, Option<(u64, Val)>>>;

/// Names that mean something in a place only, with what they mean.
pub(super) type Bound = Vec<(Box<str>, Val)>;

/// A module as it is called.
pub(super) struct Instance {
    pub(super) module: Rc<Module>,
    /// `module.karpenter["a"]`; empty for the root.
    pub(super) address: String,
    /// The path of its call without indices: `karpenter.kms`.
    pub(super) path: String,
    inputs: HashMap<Box<str>, Input>,
    /// Who calls it; nobody calls the root.
    pub(super) caller: Option<Rc<Self>>,
    pub(super) level: usize,
    memo: Memo,
}

impl Instance {
    /// Whether it is the module of a folder, or is called by it.
    pub(super) fn is_within(&self, folder: &Path) -> bool {
        let mut own = Some(self);
        while let Some(instance) = own {
            if instance.module.folder == folder {
                return true;
            }
            own = instance.caller.as_deref();
        }
        false
    }
}

/// An input of a module: an expression of its caller.
struct Input {
    expr: Rc<Expr>,
    caller: Rc<Instance>,
    bound: Bound,
}

/// One instance of a resource or data source.
pub(super) struct Resource {
    pub(super) instance: Rc<Instance>,
    pub(super) declared: Declared,
    /// `each.…` and `count.…`.
    pub(super) bound: Bound,
    /// `module.a.aws_iam_policy.x[0]`.
    pub(super) address: Rc<str>,
    /// It stands for all instances of a `for_each` that is not known.
    pub(super) any: bool,
    pub(super) memo: Memo,
}

/// Where an expression is evaluated.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) instance: Rc<Instance>,
    /// Names that are bound here: `each`, `count`, iterators, the names of loops.
    pub(super) bound: Bound,
    pub(super) names: Names,
}

/// Which names mean something beside those that are bound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of the module.
    Module,
    /// None: a template file knows what it is given, and nothing of the module that fills it in.
    Given,
    /// None that could be told: nobody knows all that the template is given.
    Open,
}

impl Scope {
    pub(super) fn root(instance: &Rc<Instance>) -> Self {
        Self::of(instance, Vec::new())
    }

    fn of(instance: &Rc<Instance>, bound: Vec<(Box<str>, Val)>) -> Self {
        Self { instance: Rc::clone(instance), bound, names: Names::Module }
    }

    pub(super) fn with(&self, name: &str, value: Val) -> Self {
        let mut scope = self.clone();
        scope.bound.push((name.into(), value));
        scope
    }

    pub(super) fn lookup(&self, name: &str) -> Option<&Val> {
        self.bound.iter().rev().find(|(bound, _)| &**bound == name).map(|(_, value)| value)
    }
}

impl Resource {
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&self.instance, self.bound.clone())
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // Values hold instances and instances hold values.
        for instance in self.instances.borrow().iter() {
            instance.memo.borrow_mut().clear();
        }
    }
}

impl<'w> World<'w> {
    /// Takes one step; false when there were too many.
    pub(super) fn step(&self) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() < MAX_STEPS
    }

    /// The root module's instance.
    pub(super) fn root(&self, module: Rc<Module>) -> Rc<Instance> {
        let instance = Rc::new(Instance {
            module,
            address: String::new(),
            path: String::new(),
            inputs: HashMap::new(),
            caller: None,
            level: 0,
            memo: RefCell::default(),
        });
        self.instances.borrow_mut().push(Rc::clone(&instance));
        instance
    }

    /// Works something out once for an instance.
    fn once(
        &self,
        instance: &Rc<Instance>,
        name: String,
        span: Span,
        make: impl FnOnce() -> Val,
    ) -> Val {
        match self.known(&instance.memo, &name) {
            Some(known) => known.unwrap_or_else(|| unknown(span, &name)),
            None => self.keep(&instance.memo, name, make),
        }
    }

    /// `local.name`.
    pub(super) fn local(&self, scope: &Scope, name: &str, span: Span) -> Val {
        let module = &scope.instance.module;
        let Some(expr) = module.locals.get(name) else {
            let known = module.locals.keys().map(|name| &**name);
            self.undeclared(&scope.instance, ("local", name), span, known);
            return unknown(span, &format!("local.{name}"));
        };
        self.once(&scope.instance, format!("local.{name}"), span, || {
            self.eval(expr, &Scope::root(&scope.instance))
        })
    }

    /// `var.name`.
    pub(super) fn variable(&self, scope: &Scope, name: &str, span: Span) -> Val {
        let instance = &scope.instance;
        self.once(instance, format!("var.{name}"), span, || {
            self.variable_value(instance, name, span)
        })
    }

    fn variable_value(&self, instance: &Rc<Instance>, name: &str, span: Span) -> Val {
        let hole = || unknown(span, &format!("var.{name}"));
        let Some(body) = instance.module.variables.get(name) else {
            let known = instance.module.variables.keys().map(|name| &**name);
            self.undeclared(instance, ("var", name), span, known);
            return hole();
        };
        let own = Scope::root(instance);
        let default = body.get("default");
        let is_root = instance.level == 0;
        let given = if is_root {
            let given = self.given.get(name).or_else(|| instance.module.given.get(name));
            given.map(|expr| self.eval(expr, &own))
        } else {
            instance
                .inputs
                .get(name)
                .map(|input| self.eval(&input.expr, &Scope::of(&input.caller, input.bound.clone())))
        };
        let nullable =
            body.get("nullable").is_none_or(|e| self.eval(e, &own).as_bool() != Some(false));
        let value = match given {
            Some(value) if nullable || !value.is_null() => value,
            _ => match default {
                Some(default) => self.eval(default, &own),
                // A required input that the caller does not give, or that nobody gave to the root.
                None => return hole(),
            },
        };
        // Modules have `""` where the caller must say it; alone, nobody does.
        let must_be_said = || ["cluster", "oidc"].iter().any(|word| name.contains(word));
        if is_root && value.as_text().as_deref() == Some("") && must_be_said() {
            return hole();
        }
        match body.get("type") {
            Some(kind) => self.convert(value, kind, &own, 0),
            None => value,
        }
    }

    /// Tells of a name that the module does not have, where all of its files are here.
    fn undeclared<'n>(
        &self,
        instance: &Instance,
        (kind, name): (&str, &str),
        span: Span,
        known: impl Iterator<Item = &'n str>,
    ) {
        let module = &instance.module;
        // A file that was read alone has no folder.
        if !module.errors.is_empty() || module.folder.as_os_str().is_empty() {
            return;
        }
        let declaration = match kind {
            "var" => format!("variable \"{name}\""),
            _ => format!("locals {{ {name} = ... }}"),
        };
        let error = SyntaxError {
            span,
            message: format!("`{kind}.{name}` is declared nowhere in this module"),
            help: Some(match nearest_word(name, known) {
                Some(near) => format!("did you mean `{kind}.{near}`?"),
                None => format!("declare it: {declaration}"),
            }),
        };
        let mut out = self.out.borrow_mut();
        if !out
            .broken
            .iter()
            .any(|told| told.message == error.message && told.span.source == span.source)
        {
            out.broken.push(error);
        }
    }

    /// Puts in what `optional` attributes of a type leave out.
    fn convert(&self, value: Val, kind: &Expr, scope: &Scope, depth: usize) -> Val {
        use crate::syntax::hcl::{ExprKind, Key as Written};
        let ExprKind::Call(name, arguments, _) = &kind.kind else { return value };
        let Some(inner) = arguments.first().filter(|_| depth < 16) else { return value };
        let span = value.span;
        match (&**name, &value.kind) {
            ("list" | "set" | "tuple", Kind::List(items)) => {
                let items = items.iter().map(|i| self.convert(i.clone(), inner, scope, depth + 1));
                Val::list(span, items.collect())
            }
            ("map", Kind::Map(entries)) => {
                let convert = |(key, value): &(Key, Val)| {
                    (key.clone(), self.convert(value.clone(), inner, scope, depth + 1))
                };
                Val::map(span, entries.iter().map(convert).collect())
            }
            ("object", Kind::Map(entries)) => {
                let ExprKind::Object(attributes) = &inner.kind else { return value };
                let mut out: Vec<(Key, Val)> = entries.to_vec();
                for (key, kind) in attributes {
                    let Written::Name(name) = key else { continue };
                    let (kind, default) = match &kind.kind {
                        ExprKind::Call(optional, arguments, _) if &**optional == "optional" => {
                            (arguments.first().unwrap_or(kind), Some(arguments.get(1)))
                        }
                        _ => (kind, None),
                    };
                    match out.iter_mut().find(|(known, _)| known.is(&name.text)) {
                        Some((_, value)) if !value.is_null() => {
                            *value = self.convert(value.clone(), kind, scope, depth + 1);
                        }
                        found => {
                            let Some(default) = default else { continue };
                            let default = match default {
                                Some(default) => self.eval(default, scope),
                                None => Val::new(span, Kind::Null),
                            };
                            let default = self.convert(default, kind, scope, depth + 1);
                            match found {
                                Some((_, value)) => *value = default,
                                None => out.push((Key::new(span, &name.text), default)),
                            }
                        }
                    }
                }
                Val::map(span, out)
            }
            _ => value,
        }
    }

    /// A resource or data source as a reference means it: one, a list for `count`, a map for
    /// `for_each`. `key` is `aws_iam_role.x` or `data.aws_region.x`.
    pub(super) fn resource(&self, scope: &Scope, key: &str, span: Span) -> Option<Val> {
        let instance = &scope.instance;
        let declared = instance.module.by_name.get(key)?;
        let declared = instance.module.resources.get(*declared)?;
        Some(self.once(instance, key.to_owned(), span, || {
            let base = join(&instance.address, key);
            let make = |index: &str, bound, any| {
                let resource = Resource {
                    instance: Rc::clone(instance),
                    declared: declared.clone(),
                    bound,
                    address: format!("{base}{index}").into(),
                    any,
                    memo: RefCell::default(),
                };
                Val::new(declared.name.span, Kind::Resource(Rc::new(resource)))
            };
            self.expand(&declared.body, &Scope::root(instance), declared.name.span, make)
        }))
    }

    /// A module call as a reference means it.
    pub(super) fn module(&self, scope: &Scope, name: &str, span: Span) -> Option<Val> {
        let instance = &scope.instance;
        let key = format!("module.{name}");
        let call = instance.module.calls.get(*instance.module.by_name.get(&key)?)?;
        let value = self.once(instance, key.clone(), span, || {
            let Some(module) = self.called(instance, call) else {
                return unknown(span, &join(&instance.address, &key));
            };
            let base = join(&instance.address, &key);
            let make = |index: &str, bound: Bound, _any| {
                let inputs = call.body.attributes.iter().map(|attribute| {
                    let input = Input {
                        expr: Rc::clone(&attribute.value),
                        caller: Rc::clone(instance),
                        bound: bound.clone(),
                    };
                    (attribute.name.text.clone(), input)
                });
                let child = Rc::new(Instance {
                    module: Rc::clone(&module),
                    address: format!("{base}{index}"),
                    path: path(&instance.path, name),
                    inputs: inputs.collect(),
                    caller: Some(Rc::clone(instance)),
                    level: instance.level + 1,
                    memo: RefCell::default(),
                });
                self.instances.borrow_mut().push(Rc::clone(&child));
                Val::new(call.name.span, Kind::Module(child))
            };
            self.expand(&call.body, &Scope::root(instance), call.name.span, make)
        });
        Some(value)
    }

    /// What `each` and `count` are in every instance of a block, with the index in its address.
    pub(super) fn bindings(&self, body: &Body, scope: &Scope, span: Span) -> Vec<(String, Bound)> {
        let out = RefCell::default();
        self.expand(body, scope, span, |index, bound, _any| {
            let mut out: std::cell::RefMut<'_, Vec<_>> = out.borrow_mut();
            out.push((index.to_owned(), bound));
            Val::new(span, Kind::Null)
        });
        out.into_inner()
    }

    /// The instances that `count` and `for_each` make.
    fn expand(
        &self,
        body: &Body,
        scope: &Scope,
        span: Span,
        make: impl Fn(&str, Bound, bool) -> Val,
    ) -> Val {
        let named = |name: &str, fields: Vec<(&str, Val)>| {
            let fields = fields.into_iter().map(|(key, value)| (Key::new(span, key), value));
            vec![(name.into(), Val::map(span, fields.collect()))]
        };
        if let Some(count) = body.get("count") {
            let value = self.eval(count, scope);
            let number = value.as_number().or(value.as_bool().map(f64::from));
            let instances = match number {
                Some(number) if (0.0..1024.0).contains(&number) => number as usize,
                Some(_) => 0,
                None => match self.decide_some(count, scope, true) {
                    Some(some) => usize::from(some),
                    None => {
                        self.assume(count);
                        1
                    }
                },
            };
            let one = |at: usize| {
                let index = Val::new(span, Kind::Number(at as f64));
                make(&format!("[{at}]"), named("count", vec![("index", index)]), false)
            };
            return Val::list(span, (0..instances).map(one).collect());
        }
        let Some(each) = body.get("for_each") else {
            return make("", Vec::new(), false);
        };
        let value = self.eval(each, scope);
        let pairs: Option<Vec<(Key, Val)>> = match &value.kind {
            Kind::Map(entries) => Some(entries.to_vec()),
            // The values of a set are its keys.
            Kind::List(items) => items
                .iter()
                .map(|item| {
                    let bits = item.bits()?;
                    Some((Key { span: item.span, bits }, item.clone()))
                })
                .collect(),
            Kind::Null => Some(Vec::new()),
            _ => None,
        };
        match pairs {
            Some(pairs) if pairs.len() < 1024 => {
                let one = |(key, value): (Key, Val)| {
                    let shown = super::value::display(&key.bits);
                    let bound = named("each", vec![("key", key.to_val()), ("value", value)]);
                    (key, make(&format!("[{shown:?}]"), bound, false))
                };
                Val::map(span, pairs.into_iter().map(one).collect())
            }
            _ if self.decide_some(each, scope, false) == Some(false) => Val::map(span, Vec::new()),
            _ => {
                let fields = vec![
                    ("key", unknown(each.span, "each.key")),
                    ("value", unknown(each.span, "each.value")),
                ];
                make("[each.key]", named("each", fields), true)
            }
        }
    }

    /// Tells that a condition nobody knows was taken to hold, where it cannot be kept open.
    pub(super) fn assume(&self, condition: &Expr) {
        if self.is_looking() {
            return;
        }
        let mut expr = condition;
        while let crate::syntax::hcl::ExprKind::Conditional(parts) = &expr.kind {
            let [condition, ..] = &**parts;
            expr = condition;
        }
        let text = self.shown(expr.span);
        let mut out = self.out.borrow_mut();
        if !out.assumed.iter().any(|known| known.symbol == text) {
            out.assumed.push(undecided(text, true, expr.span));
        }
    }

    /// The text of an expression in one line.
    pub(super) fn shown(&self, span: Span) -> String {
        const LONGEST: usize = 160;
        let source = self.sources.get(span.source);
        let text = source.text().get(span.start as usize..span.end as usize).unwrap_or("");
        let mut out = String::new();
        for word in text.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
            if out.len() > LONGEST {
                let end = (0..=LONGEST).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
                out.truncate(end);
                out.push('…');
                break;
            }
        }
        out
    }

    /// An output of a module.
    pub(super) fn output(&self, instance: &Rc<Instance>, name: &str, span: Span) -> Val {
        match instance.module.outputs.get(name) {
            Some(expr) => self.once(instance, format!("output.{name}"), span, || {
                self.eval(expr, &Scope::root(instance))
            }),
            None => failed(span, &format!("{}.{name}", instance.address)),
        }
    }
}

/// What the caller of a module gives for a variable, and where that is evaluated.
pub(super) fn caller_of(instance: &Instance, name: &str) -> Option<(Rc<Expr>, Scope)> {
    let Input { expr, caller, bound } = instance.inputs.get(name)?;
    let scope = Scope::of(caller, bound.clone());
    Some((Rc::clone(expr), scope))
}

/// `a.b`, or `b` where there is no `a`.
pub(super) fn join(address: &str, key: &str) -> String {
    if address.is_empty() { key.to_owned() } else { format!("{address}.{key}") }
}

pub(super) fn path(parent: &str, name: &str) -> String {
    join(parent, name)
}

pub(super) fn unknown(span: Span, expr: &str) -> Val {
    Val::new(span, Kind::Unknown(expr.into()))
}

pub(super) fn failed(span: Span, expr: &str) -> Val {
    Val::new(span, Kind::Failed(expr.into()))
}

/// A condition that nobody decided, and how it was taken.
pub(super) fn undecided(symbol: String, holds: bool, span: Span) -> Assumed {
    let value = if holds { "true" } else { "false" };
    let from = "a condition of the module that nobody decided";
    Assumed { symbol, value: value.to_owned(), from, span }
}
