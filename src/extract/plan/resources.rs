//! The resources of a plan or state that have to do with policies.

use crate::source::Span;
use crate::syntax::SyntaxError;
use crate::syntax::Text;
use crate::syntax::json::{Lazy, LazyMap};

/// How deep modules may be nested. Each level is one more pass over what is below it.
pub(super) const MAX_MODULES: usize = 32;

/// A resource with its attributes.
#[derive(Debug, Clone)]
pub(super) struct Resource<'a> {
    /// `module.karpenter.aws_iam_policy.controller[0]`.
    pub(super) address: String,
    /// The address of the module: `module.karpenter`, empty for the root.
    pub(super) module: String,
    /// `aws_iam_policy`.
    pub(super) kind: String,
    /// `controller`.
    pub(super) name: String,
    /// `[0]` or `["a"]`, empty if there is only one.
    pub(super) index: String,
    /// The attributes.
    pub(super) values: LazyMap<'a>,
    /// All of it.
    pub(super) whole: Lazy<'a>,
    /// Where it is named.
    pub(super) span: Span,
}

impl<'a> Resource<'a> {
    /// An attribute that is known.
    pub(super) fn get(&self, attribute: &str) -> Option<Lazy<'a>> {
        self.values.get(attribute).filter(|value| value.raw() != "null")
    }

    /// The text of an attribute that is known.
    pub(super) fn text(&self, attribute: &str) -> Option<Text> {
        super::text(self.get(attribute)?)
    }
}

/// The resources of a plan, a state or a raw state file; `None` if the object is none of them.
pub(super) fn read<'a>(entries: &LazyMap<'a>) -> Result<Option<Vec<Resource<'a>>>, SyntaxError> {
    let mut out = Vec::new();
    if entries.get("format_version").is_some() {
        // A state has `values`; a plan may have been cut down to its changes.
        if let Some(values) = entries.get("planned_values").or(entries.get("values")) {
            if let Some(root) = values.entries()?.get("root_module") {
                modules(root, &mut out)?;
            }
        } else if let Some(list) = entries.get("resource_changes") {
            changes(list, &mut out)?;
        } else {
            return Ok(None);
        }
        return Ok(Some(out));
    }
    let raw_state = ["terraform_version", "serial", "lineage"];
    if entries.get("version").is_none() || !raw_state.iter().any(|key| entries.get(key).is_some()) {
        return Ok(None);
    }
    let Some(list) = entries.get("resources").filter(Lazy::is_list) else {
        return match entries.get("modules").filter(|modules| modules.is_list()) {
            Some(modules) => old_state(modules).map(Some),
            None => Ok(None),
        };
    };
    for resource in list.items_that(is_wanted)? {
        instances(resource, &mut out)?;
    }
    Ok(Some(out))
}

/// Whether a resource is worth a look.
fn is_wanted(resource: &Lazy<'_>) -> bool {
    ["\"aws_iam_", "\"aws_sqs_queue\"", "Statement", "_exclusive\""]
        .iter()
        .any(|word| resource.holds(word))
}

fn modules<'a>(root: Lazy<'a>, out: &mut Vec<Resource<'a>>) -> Result<(), SyntaxError> {
    // Depth first, in the order of the text.
    let mut open = vec![(root, 0)];
    while let Some((module, depth)) = open.pop() {
        if depth > MAX_MODULES {
            let message = format!("modules are nested more than {MAX_MODULES} levels deep");
            return Err(SyntaxError { span: module.span(), message, help: None });
        }
        let entries = module.entries()?;
        let address = string(&entries, "address");
        if let Some(list) = entries.get("resources") {
            for item in list.items_that(is_wanted)? {
                let entries = item.entries()?;
                let values = entries.get("values").map(|values| values.entries());
                push(item, &entries, values.transpose()?.unwrap_or_default(), &address, out);
            }
        }
        if let Some(children) = entries.get("child_modules") {
            open.extend(children.items()?.into_iter().rev().map(|child| (child, depth + 1)));
        }
    }
    Ok(())
}

/// The resources of a state file of Terraform 0.11 (version 3): all values are texts.
fn old_state(list: Lazy<'_>) -> Result<Vec<Resource<'_>>, SyntaxError> {
    let mut out = Vec::new();
    for module in list.items()? {
        let module = module.entries()?;
        let path = module.get("path").map(|path| path.items()).transpose()?.unwrap_or_default();
        // The path starts at `root`.
        let path: Vec<String> = path
            .iter()
            .skip(1)
            .map(|step| format!("module.{}", step.as_str().unwrap_or_default()))
            .collect();
        let path = path.join(".");
        let Some(resources) = module.get("resources") else { continue };
        for (key, resource) in resources.entries()?.pairs() {
            let name = key.as_str().unwrap_or_default().into_owned();
            if name.starts_with("data.") || !is_wanted(resource) {
                continue;
            }
            let entries = resource.entries()?;
            let primary = entries.get("primary").map(|primary| primary.entries()).transpose()?;
            let Some(values) = primary.and_then(|primary| primary.get("attributes")) else {
                continue;
            };
            let dot = if path.is_empty() { "" } else { "." };
            let mut parts = name.splitn(3, '.').skip(1);
            out.push(Resource {
                span: key.span(),
                address: format!("{path}{dot}{name}"),
                module: path.clone(),
                kind: string(&entries, "type"),
                name: parts.next().unwrap_or_default().to_owned(),
                index: parts.next().map(|index| format!("[{index}]")).unwrap_or_default(),
                values: values.entries()?,
                whole: *resource,
            });
        }
    }
    Ok(out)
}

fn changes<'a>(list: Lazy<'a>, out: &mut Vec<Resource<'a>>) -> Result<(), SyntaxError> {
    for item in list.items_that(is_wanted)? {
        let entries = item.entries()?;
        let Some(change) = entries.get("change") else {
            continue;
        };
        // What is deleted has `null` here.
        let Some(after) = change.entries()?.get("after").filter(Lazy::is_map) else {
            continue;
        };
        let module = string(&entries, "module_address");
        push(item, &entries, after.entries()?, &module, out);
    }
    Ok(())
}

fn push<'a>(
    whole: Lazy<'a>,
    entries: &LazyMap<'a>,
    values: LazyMap<'a>,
    module: &str,
    out: &mut Vec<Resource<'a>>,
) {
    if entries.get("mode").is_some_and(|mode| !mode.is_text("managed")) {
        return;
    }
    let Some(address) = entries.get("address") else {
        return;
    };
    out.push(Resource {
        span: address.span(),
        address: address.as_str().unwrap_or_default().into_owned(),
        module: module.to_owned(),
        kind: string(entries, "type"),
        name: string(entries, "name"),
        index: index(entries.get("index")),
        values,
        whole,
    });
}

/// The instances of a resource in a raw state file, where each one has no address of its own.
fn instances<'a>(resource: Lazy<'a>, out: &mut Vec<Resource<'a>>) -> Result<(), SyntaxError> {
    let entries = resource.entries()?;
    if entries.get("mode").is_some_and(|mode| !mode.is_text("managed")) {
        return Ok(());
    }
    let module = string(&entries, "module");
    let (kind, name) = (string(&entries, "type"), string(&entries, "name"));
    let Some(list) = entries.get("instances") else {
        return Ok(());
    };
    for instance in list.items()? {
        let entries = instance.entries()?;
        let Some(values) = entries.get("attributes") else {
            continue;
        };
        let index = index(entries.get("index_key"));
        let dot = if module.is_empty() { "" } else { "." };
        out.push(Resource {
            address: format!("{module}{dot}{kind}.{name}{index}"),
            module: module.clone(),
            kind: kind.clone(),
            name: name.clone(),
            index,
            values: values.entries()?,
            whole: instance,
            span: instance.span(),
        });
    }
    Ok(())
}

fn index(value: Option<Lazy<'_>>) -> String {
    value.filter(|v| v.raw() != "null").map(|v| format!("[{}]", v.raw())).unwrap_or_default()
}

fn string(entries: &LazyMap<'_>, key: &str) -> String {
    entries.get(key).and_then(|value| value.as_str()).unwrap_or_default().into_owned()
}
