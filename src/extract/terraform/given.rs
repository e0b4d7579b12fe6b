//! Policies among the inputs of modules whose code is not here.

use std::rc::Rc;

use super::collect::Collector;
use super::module::Declared;
use super::scope::{Scope, join};
use super::uses;
use super::value::{Bit, Kind, Val};
use crate::extract::Kind as Place;
use crate::source::Span;
use crate::syntax::hcl::Attribute;

/// How deep a policy may stand in lists and maps: a module takes a map of objects at most.
const MAX_DEPTH: usize = 4;

/// Arguments of a call that are no inputs of the module.
const META: [&str; 6] = ["source", "version", "providers", "depends_on", "count", "for_each"];

/// Words of a document that make it worth telling that nobody can follow it.
const WORDS: [&str; 2] = ["karpenter", "ec2:createfleet"];

impl Collector<'_, '_> {
    /// Takes in the policies that a call gives to each instance of a module whose code is not here.
    pub(super) fn given_to(&mut self, call: &Declared, scope: &Scope) {
        let base: Rc<str> = join(&scope.instance.address, &call.key()).into();
        let source = call.body.get("source");
        let source = source.and_then(|source| self.world.eval(source, scope).as_text());
        // A module for Karpenter makes policies of its own, whatever else it is given.
        let has_own = source.is_some_and(|source| source.to_ascii_lowercase().contains(WORDS[0]));
        for (index, bound) in self.world.bindings(&call.body, scope, call.name.span) {
            let address = format!("{base}{index}");
            let scope = Scope { instance: Rc::clone(&scope.instance), bound, names: scope.names };
            let mut documents = Vec::new();
            for attribute in &call.body.attributes {
                if META.contains(&&*attribute.name.text) {
                    continue;
                }
                let value = self.world.eval(&attribute.value, &scope);
                let place = attribute.name.span;
                if !self.policies_in(&value, (&address, place), 0, &mut documents) {
                    self.cannot_follow(attribute, &address, &scope);
                }
            }
            self.attachments.given((&base, &address, call.name.span), has_own, &documents);
        }
    }

    /// Takes in the policies of a value; whether there are any, be it that they cannot be read.
    fn policies_in(
        &mut self,
        value: &Val,
        (address, place): (&str, Span),
        depth: usize,
        documents: &mut Vec<usize>,
    ) -> bool {
        if is_policy(value) {
            // What every statement of it says tells whose policy it is: of a role, or of a queue.
            documents.extend(self.read(value, address, place, Place::Bare, None));
            return true;
        }
        let items = value.items().filter(|_| depth < MAX_DEPTH).unwrap_or_default();
        let mut found = false;
        for item in items {
            found |= self.policies_in(&item, (address, place), depth + 1, documents);
        }
        found
    }

    /// Tells that a document which looks like Karpenter's goes into a module in a way that these files do
    /// not tell.
    fn cannot_follow(&mut self, attribute: &Attribute, address: &str, scope: &Scope) {
        let module = &scope.instance.module;
        let (world, mut named) = (self.world, None);
        uses::each(&attribute.value, &mut |expr| {
            let Some(key) = uses::key(expr) else { return };
            let declared = key
                .starts_with("data.aws_iam_policy_document.")
                .then(|| module.resources.get(*module.by_name.get(&key)?))
                .flatten();
            let Some(declared) = declared else { return };
            let text = world.sources.slice(declared.span).to_ascii_lowercase();
            let looks = WORDS.iter().any(|word| text.contains(word) || key.contains(word));
            if looks && named.is_none() {
                named = Some(key);
            }
        });
        if let Some(key) = named {
            let reason = format!(
                "it is given `{key}` in a way that is not known from these files, and its code is not here"
            );
            self.unreadable(address, attribute.name.span, &reason);
        }
    }
}

/// Whether a value is the text of a policy, and not a name or a number of some other kind of policy.
pub(super) fn is_policy(value: &Val) -> bool {
    match &value.kind {
        Kind::Json(policy) => policy.get("Statement").is_some(),
        Kind::Text(text) => text
            .bits
            .iter()
            .any(|bit| matches!(bit, Bit::Text(_, text) if text.contains("Statement"))),
        _ => false,
    }
}
