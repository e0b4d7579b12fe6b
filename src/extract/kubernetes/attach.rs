//! Which policies of a file's manifests bind which of its roles.

use super::{Manifests, Object, unseen};
use crate::extract::{Attached, Role};
use crate::syntax::{Node, Text};

/// A managed policy.
pub(super) struct Policy {
    name: Option<String>,
    external: Option<String>,
    labels: Vec<(String, String)>,
    /// Its document, if that could be read.
    document: Option<usize>,
}

/// A role.
pub(super) struct Subject {
    name: Option<String>,
    external: Option<String>,
    labels: Vec<(String, String)>,
    index: usize,
}

/// One side of an attachment.
pub(super) enum End {
    /// By the name of the object.
    Named(Text),
    /// By labels of the object.
    Labelled(Vec<(String, String)>),
    /// By what AWS calls it: name or ARN.
    Value(Text),
    /// A role that was read.
    Index(usize),
    /// A role whose boundary the policy is.
    Limited(Box<End>),
}

/// A policy, or the index of its document, and whom it binds.
pub(super) struct Link {
    pub(super) role: End,
    pub(super) policy: Result<End, usize>,
}

impl Policy {
    pub(super) fn new(object: &Object, document: Option<usize>) -> Self {
        Self {
            name: object.name.as_ref().map(Text::display),
            external: object.external.as_ref().map(Text::display),
            labels: object.labels.clone(),
            document,
        }
    }
}

impl Subject {
    pub(super) fn new(object: &Object, index: usize) -> Self {
        Self {
            name: object.name.as_ref().map(Text::display),
            external: object.external.as_ref().map(Text::display),
            labels: object.labels.clone(),
            index,
        }
    }
}

impl End {
    /// What the first of these keys that is there says.
    pub(super) fn new(
        node: &Node,
        values: &[&str],
        references: &[&str],
        selectors: &[&str],
    ) -> Option<Self> {
        let get = |keys: &[&str]| keys.iter().find_map(|key| node.get(key));
        let named = get(references).and_then(|reference| reference.get("name"));
        if let Some(name) = named.and_then(Node::as_text) {
            return Some(Self::Named(name.clone()));
        }
        if let Some(labels) = get(selectors).and_then(|selector| selector.get("matchLabels")) {
            let labels = labels.entries().iter();
            let labels =
                labels.filter_map(|e| Some((e.key.display(), e.value.as_text()?.display())));
            return Some(Self::Labelled(labels.collect()));
        }
        get(values).and_then(Node::as_text).cloned().map(Self::Value)
    }

    /// Whether it means what has this name, external name and these labels.
    fn means(
        &self,
        name: Option<&String>,
        external: Option<&String>,
        labels: &[(String, String)],
    ) -> bool {
        match self {
            Self::Named(text) => name.is_some_and(|name| *name == text.display()),
            Self::Labelled(wanted) => {
                !wanted.is_empty() && wanted.iter().all(|label| labels.contains(label))
            }
            // An ARN ends in the name. The policies of AWS have no account.
            Self::Value(text) => {
                let text = text.display();
                let last = text.rsplit('/').next().unwrap_or_default();
                !text.contains(":iam::aws:")
                    && [external, name].into_iter().flatten().next().is_some_and(|n| n == last)
            }
            Self::Index(_) | Self::Limited(_) => false,
        }
    }
}

impl Manifests<'_> {
    /// Follows all attachments, once every object is known.
    pub(in crate::extract) fn finish(mut self) {
        for Link { role, policy } in std::mem::take(&mut self.links) {
            let (role, limits) = match role {
                End::Limited(role) => (*role, true),
                role => (role, false),
            };
            let attached = match policy {
                Err(document) => Some(Attached::Document(document)),
                Ok(end) => {
                    let found = self.policies.iter().find(|policy| {
                        end.means(policy.name.as_ref(), policy.external.as_ref(), &policy.labels)
                    });
                    match (found.and_then(|policy| policy.document), end) {
                        (Some(document), _) => Some(Attached::Document(document)),
                        (None, End::Named(text) | End::Value(text)) => {
                            Some(Attached::Unseen(unseen(&text)))
                        }
                        (None, _) => None,
                    }
                }
            };
            let (Some(attached), Some(index)) = (attached, self.find_role(&role)) else { continue };
            let Some(role) = self.out.roles.get_mut(index) else { continue };
            match attached {
                attached if limits => role.boundary = Some(attached),
                Attached::Document(document) if role.documents.contains(&document) => {}
                Attached::Document(document) => role.documents.push(document),
                Attached::Unseen(policy) => role.unseen.push(policy),
            }
        }
    }

    /// The role that an attachment means. One that is not here is added by its name.
    fn find_role(&mut self, end: &End) -> Option<usize> {
        if let End::Index(index) = end {
            return Some(*index);
        }
        let found = self.subjects.iter().find(|subject| {
            end.means(subject.name.as_ref(), subject.external.as_ref(), &subject.labels)
        });
        if let Some(subject) = found {
            return Some(subject.index);
        }
        let (End::Named(text) | End::Value(text)) = end else { return None };
        let address = text.display();
        let known = self.out.roles.iter().position(|role| role.address == address);
        Some(known.unwrap_or_else(|| {
            let name = Some(text.clone());
            self.out.roles.push(Role { address, name, ..Role::default() });
            self.out.roles.len() - 1
        }))
    }
}
