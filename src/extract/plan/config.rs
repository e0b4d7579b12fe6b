//! What the configuration part of a plan says of values that are not known yet: which resources an
//! expression refers to, through the inputs and outputs of modules.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::syntax::SyntaxError;
use crate::syntax::json::{Lazy, LazyMap};

/// How many inputs and outputs are followed from one expression.
const MAX_STEPS: usize = 16;

/// The modules of the configuration, read when they are asked for.
pub(super) struct Config<'a> {
    root: Option<Lazy<'a>>,
    modules: RefCell<HashMap<String, Rc<Module<'a>>>>,
}

#[derive(Default)]
struct Module<'a> {
    /// By `type.name`.
    resources: HashMap<String, LazyMap<'a>>,
    calls: LazyMap<'a>,
    outputs: LazyMap<'a>,
}

/// A resource that an expression refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The path of its module, without indices.
    pub(super) module: String,
    /// Its name within its type.
    pub(super) name: String,
    /// `[0]` or `["a"]`, empty if the expression does not say it.
    pub(super) index: String,
}

/// What an expression refers to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Resources of the wanted type.
    pub(super) resources: Vec<Reference>,
    /// What else it names, to show where nothing else is known: `var.policy_arn`.
    pub(super) named: Option<String>,
}

impl<'a> Config<'a> {
    pub(super) fn new(configuration: Option<Lazy<'a>>) -> Result<Self, SyntaxError> {
        let root = match configuration {
            Some(configuration) => configuration.entries()?.get("root_module"),
            None => None,
        };
        Ok(Self { root, modules: RefCell::default() })
    }

    /// The resources of type `wanted` that `attribute` of a resource refers to. `module` is the
    /// module's path without indices.
    pub(super) fn references(
        &self,
        module: &str,
        resource: &str,
        attribute: &str,
        wanted: &str,
    ) -> Result<Found, SyntaxError> {
        let mut found = Found::default();
        let config = self.module(module)?;
        let Some(entries) = config.resources.get(resource) else {
            return Ok(found);
        };
        let Some(expressions) = entries.get("expressions") else {
            return Ok(found);
        };
        let Some(expression) = expressions.entries()?.get(attribute) else {
            return Ok(found);
        };
        let mut names = references(expression)?;
        if names.iter().any(|name| name.starts_with("each."))
            && let Some(each) = entries.get("for_each_expression")
        {
            names.extend(references(each)?);
        }
        found.named = names.first().cloned();
        self.follow(module, &names, wanted, MAX_STEPS, &mut found)?;
        Ok(found)
    }

    fn follow(
        &self,
        module: &str,
        names: &[String],
        wanted: &str,
        steps: usize,
        found: &mut Found,
    ) -> Result<(), SyntaxError> {
        if steps == 0 {
            return Ok(());
        }
        for name in names {
            if let Some(rest) = name.strip_prefix(wanted).and_then(|rest| rest.strip_prefix('.')) {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
                let index = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let index = index.map(|(index, _)| format!("[{index}]")).unwrap_or_default();
                let reference =
                    Reference { module: module.to_owned(), name: name.to_owned(), index };
                // The same expression names `x[0].arn`, `x[0]` and `x`, in this order.
                let same = |r: &Reference| r.module == reference.module && r.name == reference.name;
                if !found.resources.iter().any(same) {
                    found.resources.push(reference);
                }
            } else if let Some(input) = name.strip_prefix("var.") {
                self.input(module, first_part(input), wanted, steps, found)?;
            } else if let Some(output) = name.strip_prefix("module.") {
                self.output(module, output, wanted, steps, found)?;
            }
        }
        Ok(())
    }

    /// An input of `module`: what its caller gives.
    fn input(
        &self,
        module: &str,
        input: &str,
        wanted: &str,
        steps: usize,
        found: &mut Found,
    ) -> Result<(), SyntaxError> {
        let (parent, call) = match module.rsplit_once(".module.") {
            Some(parts) => parts,
            None => match module.strip_prefix("module.") {
                Some(call) => ("", call),
                None => return Ok(()),
            },
        };
        let config = self.module(parent)?;
        let Some(call) = config.calls.get(call) else {
            return Ok(());
        };
        let Some(expressions) = call.entries()?.get("expressions") else {
            return Ok(());
        };
        let Some(expression) = expressions.entries()?.get(input) else {
            return Ok(());
        };
        self.follow(parent, &references(expression)?, wanted, steps - 1, found)
    }

    /// `name.output` or `name[0].output` of a module that `module` calls.
    fn output(
        &self,
        module: &str,
        reference: &str,
        wanted: &str,
        steps: usize,
        found: &mut Found,
    ) -> Result<(), SyntaxError> {
        let path = strip_indices(reference);
        let Some((call, output)) = path.split_once('.') else {
            return Ok(());
        };
        let dot = if module.is_empty() { "" } else { "." };
        let child = format!("{module}{dot}module.{call}");
        let config = self.module(&child)?;
        let Some(output) = config.outputs.get(first_part(output)) else {
            return Ok(());
        };
        let Some(expression) = output.entries()?.get("expression") else {
            return Ok(());
        };
        self.follow(&child, &references(expression)?, wanted, steps - 1, found)
    }

    /// The module at `path`; an empty one if there is none.
    fn module(&self, path: &str) -> Result<Rc<Module<'a>>, SyntaxError> {
        if let Some(module) = self.modules.borrow().get(path) {
            return Ok(Rc::clone(module));
        }
        let lazy =
            match path.rsplit_once(".module.").or(path.strip_prefix("module.").map(|c| ("", c))) {
                None => self.root,
                Some((parent, call)) => match self.module(parent)?.calls.get(call) {
                    Some(call) => call.entries()?.get("module"),
                    None => None,
                },
            };
        let module = Rc::new(match lazy {
            Some(lazy) => Module::read(lazy)?,
            None => Module::default(),
        });
        self.modules.borrow_mut().insert(path.to_owned(), Rc::clone(&module));
        Ok(module)
    }
}

impl<'a> Module<'a> {
    fn read(lazy: Lazy<'a>) -> Result<Self, SyntaxError> {
        let entries = lazy.entries()?;
        let mut resources = HashMap::new();
        if let Some(list) = entries.get("resources") {
            for item in list.items_that(|item| item.holds("\"aws_iam_"))? {
                let resource = item.entries()?;
                if let Some(address) = resource.get("address").and_then(|a| a.as_str()) {
                    resources.insert(address.into_owned(), resource);
                }
            }
        }
        let below = |key: &str| match entries.get(key) {
            Some(value) => value.entries(),
            None => Ok(LazyMap::default()),
        };
        Ok(Self { resources, calls: below("module_calls")?, outputs: below("outputs")? })
    }
}

/// The names in an expression's `references`, the most exact first.
fn references(expression: Lazy<'_>) -> Result<Vec<String>, SyntaxError> {
    let Some(list) = expression.entries()?.get("references") else {
        return Ok(Vec::new());
    };
    Ok(list.items()?.iter().filter_map(|name| Some(name.as_str()?.into_owned())).collect())
}

/// `a` of `a.b` and `a[0].b`.
fn first_part(name: &str) -> &str {
    name.split(['.', '[']).next().unwrap_or(name)
}

/// A path without its indices: `module.a` for `module.a["x.y"]`.
pub(super) fn strip_indices(path: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut depth = 0_usize;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}
