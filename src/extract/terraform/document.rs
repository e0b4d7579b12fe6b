//! `aws_iam_policy_document` to the policy that the provider makes of it (Terraform AWS provider:
//! *Data Source: aws_iam_policy_document*). Keys and values keep the places of their words.

use std::rc::Rc;

use super::scope::{Resource, Scope, World, unknown};
use super::value::{Key, Kind, Val, display};
use crate::source::Span;
use crate::syntax::SyntaxError;
use crate::syntax::hcl::{Block, Body};
use crate::words::nearest_word;

/// Arguments of a statement that are lists, and the elements they make.
const LISTS: [(&str, &str); 4] = [
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
];

impl World<'_> {
    /// The policy of a data source.
    pub(super) fn document(&self, resource: &Rc<Resource>) -> Val {
        let scope = resource.scope();
        let body = &resource.declared.body;
        let mut merged = Merged::default();
        for name in ["source_json", "source_policy_documents"] {
            self.merge_all(body, name, &scope, &mut merged);
        }
        let place = resource.declared.name.span;
        let mut statements = Vec::new();
        let mut keyword = place;
        for found in self.blocks(body, "statement", &scope) {
            if statements.is_empty() {
                keyword = found.keyword;
            }
            statements.push(self.statement(&found));
        }
        for statement in statements {
            merged.add(statement);
        }
        if let Some(version) = self.argument(body, "version", &scope) {
            merged.version = Some((self.place(body, "version").unwrap_or(place), version));
        }
        if let Some(id) = self.argument(body, "policy_id", &scope) {
            merged.id = Some((self.place(body, "policy_id").unwrap_or(place), id));
        }
        for name in ["override_policy_documents", "override_json"] {
            self.merge_all(body, name, &scope, &mut merged);
        }
        let whole = resource.declared.span;
        let mut entries = Vec::new();
        let (span, version) =
            merged.version.unwrap_or_else(|| (place, Val::text(place, "2012-10-17")));
        entries.push((Key::new(span, "Version"), version));
        if let Some((span, id)) = merged.id {
            entries.push((Key::new(span, "Id"), id));
        }
        let statements = match merged.hole {
            // Nobody knows which statements these are, so nobody knows which there are at all.
            Some(hole) if merged.statements.is_empty() => hole,
            Some(hole) => {
                merged.statements.push(hole);
                Val::list(whole, merged.statements)
            }
            None => Val::list(whole, merged.statements),
        };
        entries.push((Key::new(keyword, "Statement"), statements));
        Val::map(whole, entries)
    }

    /// An argument that is there and not null.
    pub(super) fn argument(&self, body: &Body, name: &str, scope: &Scope) -> Option<Val> {
        let value = self.eval(body.get(name)?, scope);
        (!value.is_null()).then_some(value)
    }

    fn place(&self, body: &Body, name: &str) -> Option<Span> {
        body.attributes.iter().find(|a| &*a.name.text == name).map(|a| a.name.span)
    }

    /// Merges the documents that an argument lists.
    fn merge_all(&self, body: &Body, name: &str, scope: &Scope, merged: &mut Merged) {
        let Some(value) = self.argument(body, name, scope) else { return };
        let documents = match &value.kind {
            Kind::List(items) => items.to_vec(),
            _ => vec![value],
        };
        for document in documents {
            let policy = match &document.kind {
                Kind::Json(policy) => Some((**policy).clone()),
                Kind::Text(text) if text.bits.is_empty() => continue,
                Kind::Text(text) => match self.read_text(text, None) {
                    Ok(node) => Some(Val::from_node(&node)),
                    Err(error) => {
                        let known = text.known().is_some();
                        let mut out = self.out.borrow_mut();
                        if known {
                            self.add_error(&mut out.broken, error);
                        }
                        None
                    }
                },
                Kind::Null => continue,
                _ => None,
            };
            match policy {
                Some(policy) => merged.merge(&policy),
                None => {
                    let expr = match document.hole() {
                        Some(expr) => expr.to_string(),
                        None => self.shown(document.span),
                    };
                    merged.hole = Some(unknown(document.span, &expr));
                }
            }
        }
    }

    /// The blocks called `name`, `dynamic` ones with one for each item.
    pub(super) fn blocks(&self, body: &Body, name: &str, scope: &Scope) -> Vec<Inner> {
        let mut out = Vec::new();
        for block in &body.blocks {
            if &*block.kind.text == name {
                out.push(Inner {
                    keyword: block.kind.span,
                    whole: block.span,
                    body: Rc::clone(&block.body),
                    scope: scope.clone(),
                });
            } else if &*block.kind.text == "dynamic"
                && let [label] = block.labels.as_slice()
                && &*label.text == name
            {
                self.dynamic(block, label.span, scope, &mut out);
            }
        }
        out
    }

    fn dynamic(&self, block: &Block, place: Span, scope: &Scope, out: &mut Vec<Inner>) {
        let name = block.labels.first().map_or("", |label| &*label.text);
        let iterator = match block.body.get("iterator").map(|expr| &expr.kind) {
            Some(crate::syntax::hcl::ExprKind::Variable(iterator)) => iterator.to_string(),
            // The JSON form has it as a string.
            Some(_) => self
                .argument(&block.body, "iterator", scope)
                .and_then(|value| value.as_text())
                .unwrap_or_else(|| name.to_owned()),
            None => name.to_owned(),
        };
        let Some(content) = block.body.blocks.iter().find(|b| &*b.kind.text == "content") else {
            return;
        };
        let Some(each) = block.body.get("for_each") else { return };
        let items = self.eval(each, scope);
        let known = self.pairs(&items);
        if known.is_none() && self.decide_some(each, scope, false) == Some(false) {
            return;
        }
        let pairs = known.unwrap_or_else(|| {
            let part = |field: &str| unknown(each.span, &format!("{iterator}.{field}"));
            vec![(part("key"), part("value"))]
        });
        for (key, value) in pairs {
            let fields = vec![(Key::new(place, "key"), key), (Key::new(place, "value"), value)];
            let inner = scope.with(&iterator, Val::map(place, fields));
            let body = Rc::clone(&content.body);
            out.push(Inner { keyword: place, whole: block.span, body, scope: inner });
        }
    }

    fn statement(&self, found: &Inner) -> Val {
        let Inner { keyword: place, whole, body, scope } = found;
        let (place, whole) = (*place, *whole);
        let mut entries = Vec::new();
        let key =
            |name: &str, element: &str| Key::new(self.place(body, name).unwrap_or(place), element);
        if let Some(sid) = self.argument(body, "sid", scope)
            && sid.as_text().as_deref() != Some("")
        {
            entries.push((key("sid", "Sid"), sid));
        }
        let effect = self.argument(body, "effect", scope);
        let effect = effect.unwrap_or_else(|| Val::text(place, "Allow"));
        entries.push((key("effect", "Effect"), effect));
        let misspelt = self.misspelt(body);
        for (name, element) in LISTS {
            let value = self.argument(body, name, scope);
            let meant = || {
                let (_, written) = misspelt.iter().find(|(meant, _)| *meant == name)?;
                self.argument(body, written, scope)
            };
            let Some(value) = value.or_else(meant) else { continue };
            // An empty set is as good as none.
            if !matches!(&value.kind, Kind::List(items) if items.is_empty()) {
                entries.push((key(name, element), value));
            }
        }
        for (name, element) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
            if let Some((span, value)) = self.principals(body, name, scope) {
                entries.push((Key::new(span, element), value));
            }
        }
        if let Some((span, value)) = self.conditions(body, scope) {
            entries.push((Key::new(span, "Condition"), value));
        }
        Val::map(whole, entries)
    }

    /// Tells of arguments that a statement does not have, and gives those that were meant, with how they are
    /// written.
    fn misspelt<'b>(&self, body: &'b Body) -> Vec<(&'static str, &'b str)> {
        let known = || ["sid", "effect"].into_iter().chain(LISTS.iter().map(|(name, _)| *name));
        let mut meant = Vec::new();
        for attribute in &body.attributes {
            let (span, written) = (attribute.name.span, &*attribute.name.text);
            if known().any(|name| name == written) {
                continue;
            }
            let near = nearest_word(written, known());
            meant.extend(near.map(|near| (near, written)));
            let message =
                format!("`{written}` is not an argument of a `statement` block in Terraform");
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let mut out = self.out.borrow_mut();
            self.add_error(&mut out.broken, SyntaxError { span, message, help });
        }
        meant
    }

    fn principals(&self, body: &Body, name: &str, scope: &Scope) -> Option<(Span, Val)> {
        let mut kinds: Vec<(Key, Val)> = Vec::new();
        let mut first = None;
        for Inner { keyword: span, body: block, scope: inner, .. } in self.blocks(body, name, scope)
        {
            first = first.or(Some(span));
            let kind = self.argument(&block, "type", &inner).unwrap_or_else(|| unknown(span, name));
            let identifiers = self.argument(&block, "identifiers", &inner);
            let identifiers = identifiers.unwrap_or_else(|| Val::list(span, Vec::new()));
            if kind.as_text().as_deref() == Some("*") {
                return Some((span, Val::text(kind.span, "*")));
            }
            let Some(kind) = self.key(&kind) else { continue };
            add(&mut kinds, kind, identifiers);
        }
        first.map(|span| (span, Val::map(span, kinds)))
    }

    fn conditions(&self, body: &Body, scope: &Scope) -> Option<(Span, Val)> {
        let mut tests: Vec<(Key, Vec<(Key, Val)>)> = Vec::new();
        let mut first = None;
        for found in self.blocks(body, "condition", scope) {
            let Inner { keyword: span, body: block, scope: inner, .. } = found;
            first = first.or(Some(span));
            let part = |name: &str| {
                let value = self.argument(&block, name, &inner);
                self.key(&value.unwrap_or_else(|| unknown(span, &format!("condition.{name}"))))
            };
            let (Some(test), Some(variable)) = (part("test"), part("variable")) else { continue };
            let values = self.argument(&block, "values", &inner);
            let values = values.unwrap_or_else(|| unknown(span, "condition.values"));
            match tests.iter_mut().find(|(known, _)| known.same(&test)) {
                Some((_, variables)) => add(variables, variable, values),
                None => tests.push((test, vec![(variable, values)])),
            }
        }
        let span = first?;
        let tests = tests.into_iter().map(|(test, variables)| (test, Val::map(span, variables)));
        Some((span, Val::map(span, tests.collect())))
    }
}

/// A block, or what a dynamic one makes of one item.
pub(super) struct Inner {
    /// Where the word stands.
    pub(super) keyword: Span,
    /// All of the block.
    pub(super) whole: Span,
    /// What is in it.
    pub(super) body: Rc<Body>,
    /// The scope for that.
    pub(super) scope: Scope,
}

/// Adds values under a key; what is there already stays.
fn add(entries: &mut Vec<(Key, Val)>, key: Key, values: Val) {
    match entries.iter_mut().find(|(known, _)| known.same(&key)) {
        Some((_, known)) => {
            let list = |value: &Val| value.items().unwrap_or_else(|| vec![value.clone()]);
            let mut items = list(known);
            items.extend(list(&values));
            *known = Val::list(known.span, items);
        }
        None => entries.push((key, values)),
    }
}

/// Documents as the provider merges them: a statement takes the place of an earlier one with its Sid.
#[derive(Default)]
struct Merged {
    version: Option<(Span, Val)>,
    id: Option<(Span, Val)>,
    statements: Vec<Val>,
    /// A document that nobody knows.
    hole: Option<Val>,
}

impl Merged {
    fn merge(&mut self, policy: &Val) {
        let part = |name: &str| policy.get(name).filter(|value| !value.is_null());
        if let Some(version) = part("Version") {
            self.version = Some((version.span, version.clone()));
        }
        if let Some(id) = part("Id") {
            self.id = Some((id.span, id.clone()));
        }
        match part("Statement") {
            Some(Val { kind: Kind::List(items), .. }) => {
                items.iter().for_each(|item| self.add(item.clone()));
            }
            Some(one) => self.add(one.clone()),
            None => {}
        }
    }

    fn add(&mut self, statement: Val) {
        let sid = |statement: &Val| {
            let bits = statement.get("Sid")?.bits()?;
            Some(display(&bits)).filter(|sid| !sid.is_empty())
        };
        let own = sid(&statement);
        match self.statements.iter_mut().find(|known| own.is_some() && sid(known) == own) {
            Some(known) => *known = statement,
            None => self.statements.push(statement),
        }
    }
}
