//! Policy text of a plan or state that is no attribute of an IAM resource: outputs, documents that data
//! sources made, and what `terraform_data` keeps. It is looked at only where no IAM resource holds a
//! policy: otherwise it repeats one, or is a part of one.

use super::Plan;
use super::resources::Resource;
use crate::extract::Kind;
use crate::syntax::json::{Lazy, LazyMap};
use crate::syntax::{HoleSyntax, SyntaxError};

impl<'a> Plan<'a, '_> {
    /// Reads what stands elsewhere, each text once.
    pub(super) fn elsewhere(
        &mut self,
        entries: &LazyMap<'a>,
        resources: &[Resource<'a>],
    ) -> Result<(), SyntaxError> {
        let is_own = |kind| matches!(kind, Kind::Managed | Kind::Inline);
        if self.out.documents.iter().any(|document| is_own(document.origin.kind)) {
            return Ok(());
        }
        let mut read: Vec<Lazy<'a>> = Vec::new();
        let mut found: Vec<(String, Lazy<'a>)> = Vec::new();
        for (name, value) in outputs(entries)? {
            found.push((format!("output.{name}"), value));
        }
        for resource in resources.iter().filter(|resource| resource.kind == "terraform_data") {
            let kept = resource.get("output").or(resource.get("input"));
            found.extend(kept.map(|kept| (resource.address.clone(), kept)));
        }
        for (address, json) in documents(entries)? {
            found.push((address, json));
        }
        for (address, value) in found.iter().filter(|(_, value)| value.holds("Statement")) {
            self.value(address, *value, &mut read)?;
        }
        Ok(())
    }

    /// A policy as text or as an object, or several of them.
    fn value(
        &mut self,
        address: &str,
        value: Lazy<'a>,
        read: &mut Vec<Lazy<'a>>,
    ) -> Result<(), SyntaxError> {
        let entries = value.entries()?;
        if value.is_map() && entries.get("Statement").is_some() {
            let node = value.to_node(HoleSyntax::None)?;
            self.push(address, node, Kind::Bare, None);
            return Ok(());
        }
        let inside = entries.pairs().iter().map(|(_, value)| *value).chain(value.items()?);
        for text in std::iter::once(value).chain(inside) {
            let known = |known: &Lazy<'_>| known.raw() == text.raw();
            if text.is_string() && text.holds("Statement") && !read.iter().any(known) {
                read.push(text);
                self.text_at(address, text, Kind::Bare, None);
            }
        }
        Ok(())
    }
}

/// Names and values of outputs: planned, of a state, of a raw state file, or of a list of changes.
fn outputs<'a>(entries: &LazyMap<'a>) -> Result<Vec<(String, Lazy<'a>)>, SyntaxError> {
    let mut lists = Vec::new();
    for key in ["planned_values", "values"] {
        if let Some(values) = entries.get(key) {
            lists.extend(values.entries()?.get("outputs"));
        }
    }
    lists.extend(entries.get("outputs"));
    let key = if lists.is_empty() { "after" } else { "value" };
    if lists.is_empty() {
        lists.extend(entries.get("output_changes"));
    }
    let mut out = Vec::new();
    for list in lists {
        for (name, output) in list.entries()?.pairs() {
            if let Some(value) = output.entries()?.get(key) {
                out.push((name.as_str().unwrap_or_default().into_owned(), value));
            }
        }
    }
    Ok(out)
}

/// The documents that data sources had made when the plan was made.
fn documents<'a>(entries: &LazyMap<'a>) -> Result<Vec<(String, Lazy<'a>)>, SyntaxError> {
    let mut open = Vec::new();
    for key in ["prior_state", "planned_values", "values"] {
        if let Some(part) = entries.get(key).filter(|part| part.holds("aws_iam_policy_document")) {
            let part = part.entries()?;
            let values = match part.get("values") {
                Some(values) => values.entries()?,
                None => part,
            };
            open.extend(values.get("root_module").map(|root| (root, 0)));
        }
    }
    let mut out = Vec::new();
    while let Some((module, depth)) = open.pop() {
        let entries = module.entries()?;
        let resources = entries.get("resources");
        let is_document = |resource: &Lazy<'_>| resource.holds("\"aws_iam_policy_document\"");
        let resources = resources.map(|list| list.items_that(is_document)).transpose()?;
        for resource in resources.into_iter().flatten() {
            let entries = resource.entries()?;
            let values = entries.get("values").map(|values| values.entries()).transpose()?;
            let json = values.and_then(|values| values.get("json")).filter(Lazy::is_string);
            if let (Some(address), Some(json)) = (entries.get("address"), json) {
                out.push((address.as_str().unwrap_or_default().into_owned(), json));
            }
        }
        let children =
            entries.get("child_modules").filter(|_| depth < super::resources::MAX_MODULES);
        let children = children.map(|list| list.items()).transpose()?.into_iter().flatten();
        open.extend(children.map(|child| (child, depth + 1)));
    }
    Ok(out)
}
