//! What binds each role, and on which conditions each statement of it hangs.

use std::collections::HashMap;

use super::merge::{Guard, Guards, set_statements, statements};
use super::presence::{Case, Presence};
use super::scope::World;
use crate::extract::{Attached, Document, Extracted, Role, Unseen};
use crate::syntax::When;

/// One policy that is attached to one role.
struct Bond {
    role: usize,
    attached: Attached,
    is_boundary: bool,
    there: Presence,
}

/// All that is attached to roles.
pub(super) struct Bonds {
    guards: Guards,
    /// How many roles the modules make; those behind are only named.
    made: usize,
    bonds: Vec<Bond>,
    /// Where in `bonds` a role and a document stand.
    places: HashMap<(usize, usize, bool), usize>,
}

/// The cases of each statement of a document, for one role.
type Statements = Vec<Vec<Case>>;

impl Bonds {
    pub(super) fn new(guards: Guards, out: &Extracted) -> Self {
        Self { guards, made: out.roles.len(), bonds: Vec::new(), places: HashMap::new() }
    }

    /// Adds an attachment that was found in a case.
    pub(super) fn add(
        &mut self,
        role: usize,
        attached: Attached,
        is_boundary: bool,
        case: &[(usize, bool)],
    ) {
        let there = Presence::of(case);
        let known = match &attached {
            Attached::Document(document) => {
                let next = self.bonds.len();
                Some(*self.places.entry((role, *document, is_boundary)).or_insert(next))
            }
            Attached::Unseen(unseen) => self.bonds.iter().position(|bond| {
                let same = match &bond.attached {
                    Attached::Unseen(known) => known.name == unseen.name,
                    Attached::Document(_) => false,
                };
                same && bond.role == role && bond.is_boundary == is_boundary
            }),
        };
        match known.and_then(|at| self.bonds.get_mut(at)) {
            Some(bond) => bond.there = bond.there.or(&there),
            None => self.bonds.push(Bond { role, attached, is_boundary, there }),
        }
    }

    /// The documents that bind a role.
    pub(super) fn documents_of(&self, role: usize, found: &Role) -> Vec<usize> {
        let bonds = self.bonds.iter().filter(|bond| bond.role == role && !bond.is_boundary);
        let bound = bonds.filter_map(|bond| match bond.attached {
            Attached::Document(document) => Some(document),
            Attached::Unseen(_) => None,
        });
        found.documents.iter().copied().chain(bound).collect()
    }

    /// Takes a document from a role.
    pub(super) fn remove(&mut self, role: usize, document: usize, out: &mut Extracted) {
        self.bonds.retain(|bond| {
            let is_it = matches!(bond.attached, Attached::Document(own) if own == document);
            bond.role != role || bond.is_boundary || !is_it
        });
        if let Some(role) = out.roles.get_mut(role) {
            role.documents.retain(|own| *own != document);
        }
    }

    /// When a role is there. One that is only named is somebody's concern as soon as it gets something.
    fn role(&self, role: usize) -> Presence {
        if role < self.made {
            return self.guards.roles.get(role).cloned().unwrap_or(Presence::Always);
        }
        let own = self.bonds.iter().filter(|bond| bond.role == role);
        own.fold(Presence::Never, |all, bond| all.or(&bond.there))
    }

    /// Gives the roles what is attached to them.
    pub(super) fn tie(&self, out: &mut Extracted, world: &World<'_>) {
        let mut forms = Forms::default();
        let is_sure = self.guards.documents.is_empty()
            && self.bonds.iter().all(|bond| bond.there == Presence::Always);
        for index in 0..out.roles.len() {
            let there = self.role(index);
            if let Some(first) = there.cases().first() {
                world.judge_as_made(first);
            }
            let Some(role) = out.roles.get(index) else { continue };
            let inline = role.documents.iter().map(|document| (*document, Presence::Always));
            let mut documents: Vec<(usize, Presence)> = inline.collect();
            let mut unseen: Vec<Unseen> = Vec::new();
            let mut boundary = None;
            for bond in self.bonds.iter().filter(|bond| bond.role == index) {
                let hangs = bond.there.within(&there);
                match (&bond.attached, bond.is_boundary) {
                    (Attached::Document(document), false) => {
                        if !documents.iter().any(|(known, _)| known == document) {
                            documents.push((*document, hangs));
                        }
                    }
                    (Attached::Unseen(found), false) => unseen.push(after(found, &hangs, world)),
                    (attached, true) => {
                        boundary = Some(match (attached, &hangs) {
                            (_, Presence::Always) => attached.clone(),
                            // Whether it limits anything hangs on the condition, as if it were not here.
                            (Attached::Unseen(found), hangs) => {
                                Attached::Unseen(after(found, hangs, world))
                            }
                            (Attached::Document(document), hangs) => {
                                match out.documents.get(*document) {
                                    Some(found) => {
                                        Attached::Unseen(after(&unseen_of(found), hangs, world))
                                    }
                                    None => continue,
                                }
                            }
                        });
                    }
                }
            }
            let bound: Vec<usize> = documents
                .into_iter()
                .map(|(document, link)| {
                    if is_sure {
                        return document;
                    }
                    let guard = self.guards.documents.get(document);
                    let wanted = hang(guard, out.documents.get(document), &link, &there);
                    forms.form(document, wanted, out, world)
                })
                .collect();
            if let Some(role) = out.roles.get_mut(index) {
                role.documents = bound;
                role.unseen = unseen;
                role.boundary = boundary;
            }
        }
        self.alone(&mut forms, out, world);
    }

    /// What no role has is judged as if it were made.
    fn alone(&self, forms: &mut Forms, out: &mut Extracted, world: &World<'_>) {
        for (index, guard) in self.guards.documents.iter().enumerate() {
            if forms.made.contains_key(&index) {
                continue;
            }
            if let Some(first) = guard.there.cases().first() {
                world.judge_as_made(first);
            }
            let document = out.documents.get(index);
            let wanted = hang(Some(guard), document, &Presence::Always, &guard.there);
            forms.form(index, wanted, out, world);
        }
    }
}

/// The cases of each statement, for a role to which the document is bound in the cases of `link`.
fn hang(
    guard: Option<&Guard>,
    document: Option<&Document>,
    link: &Presence,
    role: &Presence,
) -> Statements {
    let one = |own: &Presence| own.and(link).within(role).cases();
    match (guard, document) {
        (Some(guard), _) => guard.statements.iter().map(one).collect(),
        (None, Some(document)) => {
            vec![one(&Presence::Always); statements(&document.node).len()]
        }
        (None, None) => Vec::new(),
    }
}

/// Documents by how their statements hang: one that hangs otherwise for another role is another one.
#[derive(Default)]
struct Forms {
    made: HashMap<usize, (Document, Vec<(Statements, usize)>)>,
}

impl Forms {
    fn form(
        &mut self,
        index: usize,
        wanted: Statements,
        out: &mut Extracted,
        world: &World<'_>,
    ) -> usize {
        let Some(found) = out.documents.get(index) else { return index };
        let (written, known) =
            self.made.entry(index).or_insert_with(|| (found.clone(), Vec::new()));
        if let Some((_, index)) = known.iter().find(|(known, _)| *known == wanted) {
            return *index;
        }
        let mut document = written.clone();
        let own = statements(&document.node).to_vec();
        let (mut items, mut whens) = (Vec::with_capacity(own.len()), Vec::new());
        for (statement, cases) in own.into_iter().zip(&wanted) {
            for case in cases {
                items.push(statement.clone());
                whens.push(world.whens(case));
            }
        }
        set_statements(&mut document.node, items);
        document.when = if whens.iter().all(Vec::is_empty) { Vec::new() } else { whens };
        let place = if known.is_empty() { index } else { out.documents.len() };
        known.push((wanted, place));
        match out.documents.get_mut(place) {
            Some(found) => *found = document,
            None => out.documents.push(document),
        }
        place
    }
}

fn after(unseen: &Unseen, hangs: &Presence, world: &World<'_>) -> Unseen {
    let first = hangs.cases().into_iter().next().unwrap_or_default();
    Unseen { name: When::after(&unseen.name, &world.whens(&first)), ..*unseen }
}

fn unseen_of(document: &Document) -> Unseen {
    let name = document.origin.address.clone().unwrap_or_default();
    Unseen::managed(name, document.node.span)
}
