//! Which policies of a module tree bind which of its roles. What an attachment refers to is followed by
//! the resource that a value belongs to, else by name and ARN.

use std::collections::HashMap;
use std::rc::Rc;

use super::bonds::Bonds;
use super::merge::{Guards, Moved};
use super::presence::Case;
use super::scope::{Resource, World};
use super::value::{Kind, Val, display};
use crate::extract::{Attached, Beside, Extracted, Kind as Place, Origin, Role, Unseen};
use crate::source::Span;

/// What was found while the resources were gone through.
#[derive(Default)]
pub(super) struct Attachments {
    /// Index into the roles, by the address of the role.
    roles: HashMap<Rc<str>, usize>,
    /// Index into the documents, by the address of the managed policy; none if it cannot be read.
    policies: HashMap<Rc<str>, Option<usize>>,
    links: Vec<Link>,
    only: Vec<Only>,
}

/// All that a role may have of one kind: what is not listed is removed from it (Terraform AWS provider:
/// *aws_iam_role_policies_exclusive*, *aws_iam_role_policy_attachments_exclusive*).
struct Only {
    role: Val,
    /// Names of inline policies, or ARNs of managed ones.
    listed: Vec<Val>,
    inline: bool,
    by: Rc<str>,
}

/// One attachment.
struct Link {
    role: End,
    what: What,
    /// The resource that says it.
    by: Rc<str>,
    span: Span,
    /// The case in which it was found.
    case: Case,
}

impl Link {
    /// A second policy has to be attached wherever the first one is.
    fn check(&self, origin: &mut Origin, is_boundary: bool) {
        let Some(Beside::Blocks(blocks)) = origin.beside.as_deref() else { return };
        let why = if is_boundary {
            "it is a permissions boundary, and a role has one".to_owned()
        } else if blocks.known.contains(&self.span) {
            return;
        } else {
            format!("`{}` attaches it by its ARN: attach the second one as well", self.by)
        };
        origin.beside = Some(Box::new(Beside::Not(why)));
    }
}

enum End {
    Index(usize),
    Value(Val),
    /// The role of a module whose code is not here, if anything names it.
    Away(Away),
}

/// An instance of a module whose code is not here.
struct Away {
    /// `module.k`, without an index.
    base: Rc<str>,
    /// `module.k["a"]`.
    address: Rc<str>,
    /// Whether it surely attaches policies of its own.
    has_own: bool,
}

impl Away {
    /// Whether a role that is known by an expression is one of this module.
    fn makes(&self, role: &Role) -> bool {
        role.name.is_none() && names(&role.address, &self.base)
    }

    /// Whether it is one of this very instance.
    fn is_of(&self, role: &Role) -> bool {
        let rest = role.address.strip_prefix(&*self.address);
        role.name.is_none() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Whether an expression names a module.
fn names(expr: &str, module: &str) -> bool {
    expr.match_indices(module).any(|(at, _)| {
        let before = expr.get(..at).and_then(|head| head.chars().next_back());
        let after = expr.get(at + module.len()..).and_then(|tail| tail.chars().next());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
            && matches!(after, None | Some('.' | '['))
    })
}

enum What {
    Document(usize),
    /// An inline policy that cannot be read.
    Unreadable(Unseen),
    /// Whatever a module attaches whose code is not here.
    Own,
    Policy(Val),
    Boundary(Val),
}

impl Attachments {
    /// A managed policy.
    pub(super) fn policy(&mut self, resource: &Resource, document: Option<usize>) {
        let known = self.policies.entry(Rc::clone(&resource.address)).or_default();
        *known = document.or(*known);
    }

    /// A role, whose entry is at `index`.
    pub(super) fn role(&mut self, resource: &Resource, index: usize) {
        self.roles.insert(Rc::clone(&resource.address), index);
    }

    /// A policy that the role itself lists.
    pub(super) fn of_role(&mut self, resource: &Resource, index: usize, policy: Val) {
        self.link(resource, End::Index(index), What::Policy(policy));
    }

    pub(super) fn boundary(&mut self, resource: &Resource, index: usize, policy: Val) {
        self.link(resource, End::Index(index), What::Boundary(policy));
    }

    /// `aws_iam_role_policy`.
    pub(super) fn inline(&mut self, resource: &Resource, role: Val, document: Option<usize>) {
        let unreadable = || {
            let name = resource.address.to_string();
            What::Unreadable(Unseen::inline(name, resource.declared.name.span))
        };
        let what = document.map_or_else(unreadable, What::Document);
        self.link(resource, End::Value(role), what);
    }

    /// A policy in a role that cannot be read.
    pub(super) fn unreadable(&mut self, resource: &Resource, index: usize, policy: Unseen) {
        self.link(resource, End::Index(index), What::Unreadable(policy));
    }

    /// `aws_iam_role_policy_attachment` and its like.
    pub(super) fn managed(&mut self, resource: &Resource, role: Val, policy: Val) {
        self.link(resource, End::Value(role), What::Policy(policy));
    }

    /// Whatever else the role has of inline policies, or of managed ones, it has not.
    pub(super) fn only(&mut self, resource: &Resource, role: Val, listed: Vec<Val>, inline: bool) {
        let by = Rc::clone(&resource.address);
        if !self.only.iter().any(|known| known.by == by) {
            self.only.push(Only { role, listed, inline, by });
        }
    }

    fn link(&mut self, resource: &Resource, role: End, what: What) {
        let (by, span) = (Rc::clone(&resource.address), resource.declared.name.span);
        self.links.push(Link { role, what, by, span, case: Case::new() });
    }

    /// What an instance of a module is given whose code is not here.
    pub(super) fn given(
        &mut self,
        (base, address, span): (&Rc<str>, &str, Span),
        has_own: bool,
        documents: &[usize],
    ) {
        let by: Rc<str> = address.into();
        let given = documents.iter().map(|document| What::Document(*document));
        for what in given.chain([What::Own]) {
            let away = Away { base: Rc::clone(base), address: Rc::clone(&by), has_own };
            let (by, case) = (Rc::clone(&by), Case::new());
            self.links.push(Link { role: End::Away(away), what, by, span, case });
        }
    }

    /// How many attachments were found so far.
    pub(super) fn links(&self) -> usize {
        self.links.len()
    }

    /// Says of the attachments behind the first `start` in which case they were found.
    pub(super) fn mark(&mut self, start: usize, case: &[(usize, bool)]) {
        self.links.iter_mut().skip(start).for_each(|link| link.case.extend(case));
    }

    /// Takes over where documents and roles have gone.
    pub(super) fn follow_moves(&mut self, moved: &Moved) {
        let to = |known: &mut usize, moved: &[usize]| {
            *known = moved.get(*known).copied().unwrap_or(*known);
        };
        self.roles.values_mut().for_each(|role| to(role, &moved.roles));
        self.policies.values_mut().flatten().for_each(|policy| to(policy, &moved.documents));
        for link in &mut self.links {
            if let End::Index(role) = &mut link.role {
                to(role, &moved.roles);
            }
            if let What::Document(document) = &mut link.what {
                to(document, &moved.documents);
            }
        }
    }

    /// Follows all attachments, once every resource is known.
    pub(super) fn follow(&self, out: &mut Extracted, world: &World<'_>, guards: Guards) {
        let made = out.roles.len();
        let mut bonds = Bonds::new(guards, out);
        for link in &self.links {
            let attached = match &link.what {
                What::Document(document) => Attached::Document(*document),
                What::Unreadable(policy) => Attached::Unseen(policy.clone()),
                What::Own => Attached::Unseen(Unseen::managed(link.by.to_string(), link.span)),
                What::Policy(policy) | What::Boundary(policy) => {
                    match self.find_policy(policy, out) {
                        Some(attached) => attached,
                        None => continue,
                    }
                }
            };
            let role = match &link.role {
                End::Index(index) => *index,
                End::Value(role) => self.find_role(role, &link.by, out),
                // Only behind all others is it known which of its roles anything names.
                End::Away(_) => continue,
            };
            let is_boundary = matches!(link.what, What::Boundary(_));
            if let (What::Policy(_) | What::Boundary(_), Attached::Document(document)) =
                (&link.what, &attached)
                && let Some(found) = out.documents.get_mut(*document)
            {
                link.check(&mut found.origin, is_boundary);
            }
            bonds.add(role, attached, is_boundary, &link.case);
        }
        self.follow_away(made, &mut bonds, out);
        for only in &self.only {
            let role = self.find_role(&only.role, &only.by, out);
            self.remove(only, role, &mut bonds, out, world);
        }
        bonds.tie(out, world);
    }

    /// Modules whose code is not here: to the roles that they make they attach what nobody sees, and what
    /// they are given, where only one role can be meant. The first `made` roles are made here.
    fn follow_away(&self, made: usize, bonds: &mut Bonds, out: &mut Extracted) {
        for link in &self.links {
            let End::Away(away) = &link.role else { continue };
            let named = out.roles.iter().enumerate().skip(made);
            match &link.what {
                What::Document(document) => {
                    let own: Vec<usize> =
                        named.filter(|(_, role)| away.is_of(role)).map(|(at, _)| at).collect();
                    let role = match own.as_slice() {
                        [one] => *one,
                        [] if away.has_own => {
                            let address = away.address.to_string();
                            out.roles.push(Role { address, ..Role::default() });
                            out.roles.len() - 1
                        }
                        _ => continue,
                    };
                    bonds.add(role, Attached::Document(*document), false, &link.case);
                }
                _ => {
                    let own: Vec<usize> =
                        named.filter(|(_, role)| away.makes(role)).map(|(at, _)| at).collect();
                    for role in own {
                        let unseen = Unseen::managed(away.base.to_string(), link.span);
                        bonds.add(role, Attached::Unseen(unseen), false, &link.case);
                    }
                }
            }
        }
    }

    /// Takes from a role what a list leaves out. With a name on the list that nobody knows, it may be
    /// any.
    fn remove(
        &self,
        only: &Only,
        role: usize,
        bonds: &mut Bonds,
        out: &mut Extracted,
        world: &World<'_>,
    ) {
        let Some(found) = out.roles.get(role) else { return };
        let address = found.address.clone();
        let own = bonds.documents_of(role, found);
        let mut kept = Vec::new();
        for value in &only.listed {
            let matched = if only.inline {
                let wanted = value.bits().map(|bits| display(&bits)).unwrap_or_default();
                own.iter().copied().find(|document| {
                    let document = out.documents.get(*document);
                    let name = document.and_then(|document| document.origin.name.as_ref());
                    name.is_some_and(|name| name.display() == wanted)
                })
            } else {
                match self.find_policy(value, out) {
                    Some(Attached::Document(document)) => Some(document),
                    _ => None,
                }
            };
            match matched {
                Some(document) => kept.push(document),
                None if value.as_text().is_none() => return,
                None => {}
            }
        }
        for document in own.into_iter().filter(|document| !kept.contains(document)) {
            let Some(found) = out.documents.get_mut(document) else { continue };
            if (found.origin.kind == Place::Inline) != only.inline
                || (only.inline && found.origin.name.is_none())
            {
                continue;
            }
            let own = found.origin.address.as_deref().unwrap_or_default();
            world.out.borrow_mut().notes.push(format!(
                "passed over {own}: {} does not list it, so it is removed from {address}",
                only.by
            ));
            if only.inline {
                // It stands in no other role.
                found.origin.kind = Place::OtherPrincipal;
            }
            bonds.remove(role, document, out);
        }
    }

    fn find_policy(&self, policy: &Val, out: &Extracted) -> Option<Attached> {
        if policy.is_null() {
            return None;
        }
        let shown = policy.bits().map(|bits| display(&bits)).unwrap_or_default();
        let name = policy.hole().map_or(shown, |expr| expr.to_string());
        if name.is_empty() {
            return None;
        }
        let span = match &policy.kind {
            Kind::Text(text) => text.span,
            _ => policy.span,
        };
        let unseen = || Attached::Unseen(Unseen::managed(name.clone(), span));
        let found = match &policy.target {
            Some(target) => self.policies.get(target),
            None => None,
        };
        if let Some(found) = found {
            return Some(found.map_or_else(unseen, Attached::Document));
        }
        // An ARN that is written out ends in the name of the policy.
        let Some((_, written)) = name.split_once(":policy/") else {
            // A name that nobody knows is that of some policy; what certainly fails is that of none.
            let open = policy.as_text().is_none() && !matches!(policy.kind, Kind::Failed(_));
            return open.then(unseen);
        };
        let wanted = written.rsplit('/').next().unwrap_or(written);
        let same = |index: &usize| {
            let document = out.documents.get(*index);
            document
                .and_then(|document| document.origin.name.as_ref())
                .is_some_and(|known| known.display() == wanted)
        };
        let found = self.policies.values().flatten().find(|index| same(index));
        Some(found.map_or_else(unseen, |index| Attached::Document(*index)))
    }

    /// The role that a value means. One that is not here is added by its name.
    fn find_role(&self, role: &Val, by: &str, out: &mut Extracted) -> usize {
        if let Some(index) = role.target.as_ref().and_then(|target| self.roles.get(target)) {
            return *index;
        }
        let name = role.to_text().filter(|_| role.hole().is_none());
        let shown = match (&name, role.hole()) {
            (Some(name), _) => name.display(),
            (None, Some(expr)) => expr.to_string(),
            (None, None) => format!("the role of {by}"),
        };
        let same = |role: &Role| {
            role.address == shown
                || (name.is_some() && role.name.as_ref().is_some_and(|n| n.display() == shown))
        };
        out.roles.iter().position(same).unwrap_or_else(|| {
            out.roles.push(Role { address: shown, name, ..Role::default() });
            out.roles.len() - 1
        })
    }
}
