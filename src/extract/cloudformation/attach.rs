//! Which policies of a template bind which of its roles.

use super::Template;
use crate::extract::{Attached, Extracted, Role, Unseen};
use crate::syntax::{Part, Text};

/// A managed policy of the template.
pub(super) struct Managed {
    /// Its logical id.
    pub(super) id: String,
    pub(super) name: Option<Text>,
    /// Its document, if that could be read.
    pub(super) document: Option<usize>,
}

/// An attachment as written, from either side.
pub(super) enum Attachment {
    /// A policy names a role, by reference or by name.
    ToRole { role: Text, document: usize },
    /// A role names a managed policy, by reference or by ARN.
    Policy { role: usize, policy: Text },
    /// A role names its boundary.
    Boundary { role: usize, policy: Text },
}

impl Template<'_> {
    /// Follows all attachments, once every resource is known.
    pub(super) fn attach(&mut self) {
        for attachment in std::mem::take(&mut self.attachments) {
            match attachment {
                Attachment::ToRole { role, document } => {
                    let index = role_index(self.out, &role);
                    if let Some(role) = self.out.roles.get_mut(index) {
                        role.documents.push(document);
                    }
                }
                Attachment::Policy { role, policy } => {
                    let found = self.find_policy(&policy);
                    if let Some(role) = self.out.roles.get_mut(role) {
                        match found {
                            Some(document) => role.documents.push(document),
                            None => role.unseen.push(unseen(&policy)),
                        }
                    }
                }
                Attachment::Boundary { role, policy } => {
                    let found = match self.find_policy(&policy) {
                        Some(document) => Attached::Document(document),
                        None => Attached::Unseen(unseen(&policy)),
                    };
                    if let Some(role) = self.out.roles.get_mut(role) {
                        role.boundary = Some(found);
                    }
                }
            }
        }
    }

    /// The document of the policy that `text` refers to, or whose name its ARN ends in.
    fn find_policy(&self, text: &Text) -> Option<usize> {
        let arn = text.display();
        let managed = match reference(text) {
            Some(id) => self.managed.iter().find(|policy| policy.id == id),
            None => self.managed.iter().find(|policy| {
                let name = policy.name.as_ref().map(Text::display);
                // The policies of AWS have no account.
                !arn.contains(":iam::aws:")
                    && name.is_some_and(|name| {
                        arn.strip_suffix(name.as_str()).is_some_and(|start| start.ends_with('/'))
                    })
            }),
        };
        managed?.document
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

fn unseen(policy: &Text) -> Unseen {
    Unseen { name: policy.display(), span: policy.span }
}
