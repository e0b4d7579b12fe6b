//! Which policies of a template bind which of its roles, and on which conditions that hangs.

use std::collections::BTreeMap;

use super::Template;
use super::branches::Guarded;
use crate::extract::{Attached, Beside, Extracted, Role, Unseen};
use crate::syntax::{Part, Text, When};

/// A managed policy of the template.
pub(super) struct Managed {
    /// Its logical id.
    pub(super) id: String,
    pub(super) name: Option<Text>,
    /// Its document, if that could be read.
    pub(super) document: Option<usize>,
    /// What it hangs on.
    pub(super) around: Vec<When>,
}

/// An attachment as written, from either side.
pub(super) enum Attachment {
    /// A policy stands in a role.
    Inline { role: usize, policy: Attached },
    /// A policy names a role, by reference or by name.
    ToRole { role: Text, policy: Attached },
    /// A role names a managed policy, by reference or by ARN.
    Policy { role: usize, policy: Text },
    /// A role names its boundary.
    Boundary { role: usize, policy: Text },
}

impl Template<'_> {
    /// Follows all attachments, once every resource is known.
    pub(super) fn attach(&mut self) {
        let mut attached = BTreeMap::new();
        for (when, attachment) in std::mem::take(&mut self.attachments) {
            match attachment {
                Attachment::Inline { role, policy: Attached::Document(document) } => {
                    self.bind(role, document, when, &mut attached);
                }
                Attachment::Inline { role, policy: Attached::Unseen(policy) } => {
                    self.unseen(role, policy, when);
                }
                Attachment::ToRole { role, policy } => {
                    let role = role_index(self.out, &role);
                    match policy {
                        Attached::Document(document) => {
                            self.bind(role, document, when, &mut attached);
                        }
                        Attached::Unseen(policy) => self.unseen(role, policy, when),
                    }
                }
                Attachment::Policy { role, policy } => {
                    let found = self.find_policy(&policy);
                    match found.and_then(|found| Some((found.document?, &found.around))) {
                        Some((document, around)) => {
                            let around = around.clone();
                            self.name_again(document, &policy);
                            let when = when.into_iter().chain(around).collect();
                            self.bind(role, document, when, &mut attached);
                        }
                        None => {
                            let unseen = Unseen::managed(policy.display(), policy.span);
                            self.unseen(role, unseen, when);
                        }
                    }
                }
                Attachment::Boundary { role, policy } => {
                    let when = self.beside(role, when);
                    let limits = self.find_policy(&policy).and_then(|found| found.document);
                    if let Some(found) = limits.and_then(|at| self.out.documents.get_mut(at)) {
                        // A role has one boundary.
                        let why = "it is a permissions boundary, and a role has one";
                        found.origin.beside = Some(Box::new(Beside::Not(why.to_owned())));
                    }
                    let found = match self.find_policy(&policy).and_then(|found| found.document) {
                        Some(document) if when.is_empty() => Attached::Document(document),
                        // Whether it limits anything hangs on the condition, as if it were not here.
                        _ => {
                            let name = When::after(&policy.display(), &when);
                            Attached::Unseen(Unseen::managed(name, policy.span))
                        }
                    };
                    if let Some(role) = self.out.roles.get_mut(role) {
                        role.boundary = Some(found);
                    }
                }
            }
        }
        self.take_for_granted(&attached);
    }

    /// A policy whose text is not here binds a role.
    fn unseen(&mut self, role: usize, mut policy: Unseen, when: Vec<When>) {
        policy.name = When::after(&policy.name, &self.beside(role, when));
        if let Some(role) = self.out.roles.get_mut(role) {
            role.unseen.push(policy);
        }
    }

    /// A copy of the policy has to be named wherever it is.
    fn name_again(&mut self, document: usize, policy: &Text) {
        let document = self.out.documents.get_mut(document);
        let beside = document.and_then(|found| found.origin.beside.as_deref_mut());
        if let Some(Beside::Resource(own)) = beside {
            own.references.push(policy.clone());
        }
    }

    /// What is left of conditions for a role that is there.
    fn beside(&self, role: usize, when: Vec<When>) -> Vec<When> {
        let own = self.roles.get(role).map_or(&[][..], Vec::as_slice);
        let is_given =
            |one: &When| own.iter().any(|own| own.name == one.name && own.holds == one.holds);
        let mut out: Vec<When> = Vec::new();
        for one in when.into_iter().filter(|one| !is_given(one)) {
            if !out.iter().any(|known| known.name == one.name && known.holds == one.holds) {
                out.push(one);
            }
        }
        out
    }

    /// Binds a document to a role. One that hangs on a condition for this role, and not for another
    /// one, is two documents.
    fn bind(
        &mut self,
        role: usize,
        document: usize,
        when: Vec<When>,
        attached: &mut BTreeMap<usize, Vec<Guarded<usize>>>,
    ) {
        let when = self.beside(role, when);
        let own = self.roles.get(role).map_or(&[][..], Vec::as_slice);
        let against = |one: &When, other: &When| one.name == other.name && one.holds != other.holds;
        if when.iter().any(|one| own.iter().chain(&when).any(|other| against(one, other))) {
            return;
        }
        let known = attached.entry(document).or_default();
        let index = match known.iter().find(|(known, _)| *known == when) {
            Some((_, index)) => *index,
            None => {
                let Some(found) = self.out.documents.get(document) else { return };
                let mut found = found.clone();
                // The first one was given its conditions where it stands.
                if let Some((first, _)) = known.first() {
                    let keep = |one: &When| !first.contains(one);
                    found.when.iter_mut().for_each(|each| each.retain(keep));
                }
                if !when.is_empty() {
                    let statements = match found.node.get("Statement") {
                        Some(node) => node.items().len().max(1),
                        None => 0,
                    };
                    found.when.resize(statements, Vec::new());
                    found.when.iter_mut().for_each(|each| each.extend(when.iter().cloned()));
                }
                let index = if known.is_empty() { document } else { self.out.documents.len() };
                match self.out.documents.get_mut(index) {
                    Some(place) => *place = found,
                    None => self.out.documents.push(found),
                }
                known.push((when, index));
                index
            }
        };
        if let Some(role) = self.out.roles.get_mut(role)
            && !role.documents.contains(&index)
        {
            role.documents.push(index);
        }
    }

    /// A policy that nobody attaches is judged as if it were made; so is a role.
    fn take_for_granted(&self, attached: &BTreeMap<usize, Vec<Guarded<usize>>>) {
        let alone = self.managed.iter().filter(|policy| {
            policy.document.is_some_and(|document| !attached.contains_key(&document))
        });
        let alone = alone.flat_map(|policy| &policy.around);
        for when in alone.chain(self.roles.iter().flatten()) {
            let from = "what is made on this condition is judged as made";
            self.resolver.assume(&when.name, &when.holds.to_string(), from, when.span);
        }
    }

    /// The policy that `text` refers to, or whose name its ARN ends in.
    pub(super) fn find_policy(&self, text: &Text) -> Option<&Managed> {
        let arn = text.display();
        match reference(text) {
            Some(id) => self.managed.iter().find(|policy| policy.id == id),
            None => self.managed.iter().find(|policy| {
                let name = policy.name.as_ref().map(Text::display);
                // The policies of AWS have no account.
                !arn.contains(":iam::aws:")
                    && name.is_some_and(|name| {
                        arn.strip_suffix(name.as_str()).is_some_and(|start| start.ends_with('/'))
                    })
            }),
        }
    }
}

/// The role that `text` refers to or names. One that is not in the template is added under its name.
fn role_index(out: &mut Extracted, text: &Text) -> usize {
    let name = text.display();
    let found = match reference(text) {
        Some(id) => out.roles.iter().position(|role| role.address == id),
        None => out
            .roles
            .iter()
            .position(|role| role.name.as_ref().is_some_and(|found| found.display() == name)),
    };
    found.or_else(|| out.roles.iter().position(|role| role.address == name)).unwrap_or_else(|| {
        out.roles.push(Role { address: name, name: Some(text.clone()), ..Role::default() });
        out.roles.len() - 1
    })
}

/// The logical id, if the text is nothing but a reference: `!Ref X`, `!GetAtt X.Arn`, `${X}`.
fn reference(text: &Text) -> Option<&str> {
    match text.parts.as_slice() {
        [Part::Hole(_, expression)] => expression.split('.').next(),
        _ => None,
    }
}
