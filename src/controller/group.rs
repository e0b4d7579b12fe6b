//! Which documents bind one principal.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::extract::{Attached, Role, Unseen};
use crate::order;
use crate::policy::Policy;
use crate::settings::evidence::Evidence;

use super::document::mentions;
use super::{Controller, Document, DocumentKind};

/// One file with its documents and roles.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Path of the file, relative to the working directory.
    pub file: String,
    /// Whether the file was named on the command line and not merely found.
    pub named: bool,
    /// Its documents in the list of all documents.
    pub documents: Range<usize>,
    /// The roles it describes; their indices count from the start of `documents`.
    pub roles: Vec<Role>,
    /// Whether it makes an interruption queue.
    pub makes_queue: bool,
}

/// A controller that the configuration describes.
#[derive(Debug, Clone, Default)]
pub struct Explicit {
    /// Its name.
    pub name: String,
    /// Its identity documents.
    pub identity: Vec<usize>,
    /// Its boundary.
    pub boundary: Option<usize>,
    /// Its levels of service control policies.
    pub service_control: Vec<Vec<usize>>,
    /// Its trust policy.
    pub trust: Option<usize>,
    /// `namespace/name` of its service account.
    pub service_account: Option<String>,
}

/// What to group.
#[derive(Debug, Clone, Default)]
pub struct Grouping<'a> {
    /// Controllers of the configuration; their documents are not judged alone.
    pub explicit: Vec<Explicit>,
    /// Documents that were given for another purpose: boundaries, service control policies.
    pub taken: Vec<usize>,
    /// All inputs bind one controller.
    pub union: bool,
    /// Only roles of this name.
    pub role: Option<&'a str>,
}

/// Groups all documents into controllers, in the order of their first document.
#[must_use]
pub fn group(documents: &[Document], units: &[Unit], how: &Grouping<'_>) -> Vec<Controller> {
    let mut state =
        State { documents, used: vec![false; documents.len()], controllers: Vec::new() };
    for &index in &how.taken {
        state.take(index);
    }
    for explicit in &how.explicit {
        state.explicit(explicit);
    }
    if how.union {
        state.union(units);
    } else {
        for unit in units {
            state.roles(unit, how.role);
        }
        state.same_role(units);
        if how.role.is_none() {
            for unit in units {
                state.unattached(unit);
            }
            state.folders(units);
        }
    }
    order::by_key(&mut state.controllers, |controller| controller.identity.iter().min().copied());
    state.controllers
}

struct State<'a> {
    documents: &'a [Document],
    used: Vec<bool>,
    controllers: Vec<Controller>,
}

/// Whether a role is one of nodes: EC2 takes it, and nothing that is attached to it launches nodes. What
/// launches belongs to the controller, whoever is trusted.
#[must_use]
pub fn is_node_role(documents: &[Document], unit: &Unit, role: &Role) -> bool {
    let document = |index: &usize| documents.get(unit.documents.start + index);
    role.trust.as_ref().and_then(document).is_some_and(|trust| trust.trusts_ec2)
        && !role.documents.iter().filter_map(document).any(|document| document.launches)
}

/// Whether a role is one of another service of AWS, as that of the cluster itself: only that service may
/// assume it, or it has the policy which only the control plane needs, and nothing that is attached to it
/// launches nodes.
fn is_of_another_service(documents: &[Document], unit: &Unit, role: &Role) -> bool {
    let document = |index: &usize| documents.get(unit.documents.start + index);
    let trust = role.trust.as_ref().and_then(document);
    let of_cluster = |unseen: &Unseen| unseen.name.ends_with(":policy/AmazonEKSClusterPolicy");
    (trust.is_some_and(|trust| trust.trusts_another_service) || role.unseen.iter().any(of_cluster))
        && !role.documents.iter().filter_map(document).any(|document| document.launches)
}

impl State<'_> {
    fn take(&mut self, index: usize) {
        if let Some(used) = self.used.get_mut(index) {
            *used = true;
        }
    }

    fn is_free(&self, index: usize) -> bool {
        self.used.get(index) == Some(&false)
            && self.documents.get(index).is_some_and(|d| d.kind == DocumentKind::Identity)
    }

    fn looks(&self, index: usize) -> bool {
        self.documents.get(index).is_some_and(|document| document.looks_karpenter)
    }

    fn launches(&self, index: usize) -> bool {
        self.documents.get(index).is_some_and(|document| document.launches)
    }

    fn explicit(&mut self, explicit: &Explicit) {
        for &index in explicit
            .identity
            .iter()
            .chain(&explicit.boundary)
            .chain(explicit.service_control.iter().flatten())
        {
            self.take(index);
        }
        self.controllers.push(Controller {
            name: explicit.name.clone(),
            identity: explicit.identity.clone(),
            boundary: explicit.boundary,
            service_control: explicit.service_control.clone(),
            trust: explicit.trust,
            service_account: explicit.service_account.clone(),
            joined: Some("karplint.toml says so".to_owned()),
            ..Controller::default()
        });
    }

    fn union(&mut self, units: &[Unit]) {
        let identity: Vec<usize> = units
            .iter()
            .flat_map(|unit| unit.documents.clone())
            .filter(|&index| self.is_free(index))
            .collect();
        if identity.is_empty() {
            return;
        }
        let mut names: Vec<&str> = identity
            .iter()
            .filter_map(|&i| self.documents.get(i))
            .map(|d| d.file.as_str())
            .collect();
        names.dedup();
        let name = match names.as_slice() {
            [one] => (*one).to_owned(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
            [] => String::new(),
        };
        let mut controller = Controller {
            name,
            identity,
            makes_queue: units.iter().any(|unit| unit.makes_queue),
            joined: Some("--union".to_owned()),
            ..Controller::default()
        };
        for unit in units {
            for role in &unit.roles {
                self.boundary_and_unseen(unit, role, &mut controller);
            }
        }
        self.controllers.push(controller);
    }

    /// Controllers by what the input says of attachments.
    fn roles(&mut self, unit: &Unit, wanted: Option<&str>) {
        let candidates: Vec<(&Role, Vec<usize>)> = unit
            .roles
            .iter()
            .filter(|role| !self.is_node_role(unit, role))
            .map(|role| {
                let documents = role.documents.iter().map(|index| unit.documents.start + index);
                (role, documents.filter(|&index| self.is_free(index)).collect::<Vec<_>>())
            })
            .filter(|(_, documents)| !documents.is_empty())
            .collect();
        // What binds nodes, and nothing else, is no controller's either.
        for role in
            unit.roles.iter().filter(|role| self.is_node_role(unit, role)).collect::<Vec<_>>()
        {
            for &index in &role.documents {
                let index = unit.documents.start + index;
                if !candidates.iter().any(|(_, documents)| documents.contains(&index)) {
                    self.take(index);
                }
            }
        }
        let looks = |role: &Role, documents: &[usize]| {
            documents.iter().any(|&index| self.looks(index))
                || mentions(&role.address)
                || role.name.as_ref().is_some_and(|name| mentions(&name.display()))
        };
        let is_other = |role: &Role| is_of_another_service(self.documents, unit, role);
        let any_looks = candidates.iter().any(|(role, documents)| looks(role, documents))
            || unit.documents.clone().any(|index| self.looks(index));
        let chosen: Vec<_> = candidates
            .iter()
            .filter(|(role, documents)| match wanted {
                Some(wanted) => {
                    // An ARN ends in the name.
                    let name = match wanted.split_once(":role/") {
                        Some((_, path)) => path.rsplit('/').next().unwrap_or(path),
                        None => wanted,
                    };
                    role.address == name
                        || role.name.as_ref().is_some_and(|found| found.display() == name)
                }
                None => (looks(role, documents) || (unit.named && !any_looks)) && !is_other(role),
            })
            .cloned()
            .collect();
        for (_, documents) in &candidates {
            for &index in documents {
                self.take(index);
            }
        }
        for (role, identity) in chosen {
            let mut controller = Controller {
                name: format!("{} {}", unit.file, role.address),
                identity,
                makes_queue: unit.makes_queue,
                role: Some(role.address.clone()),
                trust: role.trust.map(|index| unit.documents.start + index),
                joined: Some(format!("attached to {}", role.address)),
                ..Controller::default()
            };
            self.boundary_and_unseen(unit, role, &mut controller);
            self.controllers.push(controller);
        }
    }

    /// What several answers of the AWS CLI say of a role of one name is about one role, if they lie in
    /// one folder.
    fn same_role(&mut self, units: &[Unit]) {
        let folder = |file: &str| file.rsplit_once('/').map_or("", |(f, _)| f).to_owned();
        let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut out: Vec<Controller> = Vec::new();
        for controller in std::mem::take(&mut self.controllers) {
            let first = controller.identity.first().and_then(|&index| self.documents.get(index));
            let unit = units.iter().find(|unit| first.is_some_and(|d| d.file == unit.file));
            let by_name = controller.role.as_ref().zip(unit).filter(|(name, unit)| {
                unit.roles.iter().any(|role| role.by_name && role.address == **name)
            });
            let Some((name, unit)) = by_name.map(|(name, unit)| (name.clone(), unit)) else {
                out.push(controller);
                continue;
            };
            let key = (folder(&unit.file), name.clone());
            match known.get(&key).and_then(|&at| out.get_mut(at)) {
                Some(first) => {
                    first.name = format!("role {name}");
                    first.joined = Some(format!("all are said to bind {name}"));
                    first.identity.extend(controller.identity);
                }
                None => {
                    let mut controller = controller;
                    let beside = units
                        .iter()
                        .filter(|other| other.file != unit.file && folder(&other.file) == key.0);
                    for other in beside {
                        for role in other.roles.iter().filter(|r| r.by_name && r.address == name) {
                            self.boundary_and_unseen(other, role, &mut controller);
                        }
                    }
                    known.insert(key, out.len());
                    out.push(controller);
                }
            }
        }
        self.controllers = out;
    }

    fn boundary_and_unseen(&mut self, unit: &Unit, role: &Role, controller: &mut Controller) {
        match &role.boundary {
            Some(Attached::Document(index)) => {
                let index = unit.documents.start + index;
                self.take(index);
                controller.identity.retain(|&document| document != index);
                controller.boundary = Some(index);
            }
            Some(Attached::Unseen(unseen)) => controller.unseen_boundary = Some(unseen.clone()),
            None => {}
        }
        if !self.is_node_role(unit, role) {
            controller.unseen.extend(role.unseen.iter().cloned());
        }
    }

    fn is_node_role(&self, unit: &Unit, role: &Role) -> bool {
        is_node_role(self.documents, unit, role)
    }

    /// The Karpenter-looking documents of one template or plan that nobody attaches are one
    /// controller. Others are judged only if the file was named and nothing in it looks better.
    fn unattached(&mut self, unit: &Unit) {
        if unit.documents.len() < 2 {
            return;
        }
        let free: Vec<usize> =
            unit.documents.clone().filter(|&index| self.is_free(index)).collect();
        let looking: Vec<usize> = free.iter().copied().filter(|&index| self.looks(index)).collect();
        let judged = unit.named && !unit.documents.clone().any(|index| self.looks(index));
        for &index in &free {
            self.take(index);
        }
        if !looking.is_empty() {
            let mut modules: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for index in looking {
                modules.entry(self.module(index)).or_default().push(index);
            }
            for (module, identity) in modules {
                let place = format!("{} {module}", unit.file).trim_end().to_owned();
                let joined = (identity.len() > 1)
                    .then(|| format!("all stand in {place} and nobody attaches them"));
                self.controllers.push(Controller {
                    name: place,
                    identity,
                    makes_queue: unit.makes_queue,
                    joined,
                    ..Controller::default()
                });
            }
        } else if judged {
            for index in free {
                self.alone(unit, index);
            }
        }
    }

    /// The Terraform module that a document stands in: `module.karpenter[0]`; empty for the root and
    /// for anything that has no modules.
    fn module(&self, index: usize) -> String {
        let address =
            self.documents.get(index).and_then(|document| document.origin.address.as_deref());
        let Some(address) = address.filter(|address| address.starts_with("module.")) else {
            return String::new();
        };
        // The last two parts are type and name; a key in brackets may hold dots.
        let mut depth = 0_usize;
        let dots: Vec<usize> = address
            .char_indices()
            .filter(|(_, c)| {
                match c {
                    '[' => depth += 1,
                    ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                *c == '.' && depth == 0
            })
            .map(|(at, _)| at)
            .collect();
        let end = dots.len().checked_sub(2).and_then(|at| dots.get(at)).copied().unwrap_or(0);
        address.get(..end).unwrap_or_default().to_owned()
    }

    fn alone(&mut self, unit: &Unit, index: usize) {
        self.take(index);
        let address =
            self.documents.get(index).and_then(|document| document.origin.address.clone());
        let name = match address {
            Some(address) if unit.documents.len() > 1 => format!("{} {address}", unit.file),
            _ => unit.file.clone(),
        };
        self.controllers.push(Controller {
            name,
            identity: vec![index],
            makes_queue: unit.makes_queue,
            ..Controller::default()
        });
    }

    /// Lone documents of one folder: what does not launch joins the only one that does, if both
    /// speak of the same cluster.
    fn folders(&mut self, units: &[Unit]) {
        let mut folders: BTreeMap<&str, Vec<(&Unit, usize)>> = BTreeMap::new();
        for unit in units {
            let folder = unit.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            for index in unit.documents.clone() {
                if self.is_free(index) && (self.looks(index) || unit.named) {
                    folders.entry(folder).or_default().push((unit, index));
                }
            }
        }
        for lone in folders.values() {
            let launching: Vec<_> = lone
                .iter()
                .filter(|(_, index)| self.launches(*index) && self.looks(*index))
                .collect();
            if let [(unit, main)] = launching.as_slice() {
                let joining: Vec<usize> = lone
                    .iter()
                    .filter(|(_, index)| {
                        index != main && self.looks(*index) && self.same_cluster(*main, *index)
                    })
                    .map(|(_, index)| *index)
                    .collect();
                let mut identity = vec![*main];
                identity.extend(joining);
                identity.sort_unstable();
                for &index in &identity {
                    self.take(index);
                }
                let joined = (identity.len() > 1).then(|| {
                    format!("they stand beside {}, the only one here that launches", unit.file)
                });
                let name = match identity.len() {
                    1 => unit.file.clone(),
                    several => format!("{} and {} more", unit.file, several - 1),
                };
                self.controllers.push(Controller {
                    name,
                    makes_queue: unit.makes_queue,
                    identity,
                    joined,
                    ..Controller::default()
                });
            }
            for (unit, index) in lone {
                if self.is_free(*index) {
                    self.alone(unit, *index);
                }
            }
        }
    }

    fn same_cluster(&self, one: usize, other: usize) -> bool {
        let names = |index: usize| {
            let mut evidence = Evidence::default();
            if let Some(policy) =
                self.documents.get(index).map(|document: &Document| -> &Policy { &document.policy })
            {
                evidence.read(policy);
            }
            evidence.cluster.into_keys().collect::<Vec<_>>()
        };
        let (one, other) = (names(one), names(other));
        one.is_empty() || other.is_empty() || one.iter().any(|name| other.contains(name))
    }
}
