//! Each authorisation question as a grant of its own, as narrow as what is sent allows.

use crate::check::words::call_name;
use crate::karpenter::{Entry, Need, Rules, TagLimits};
use crate::order;
use crate::policy::request::{Key, Status, Target, Values};
use crate::policy::symbolic::{Piece, Symbol, Symbolic};
use crate::settings::Settings;

use super::data::data;
use super::statement::{Call, Line};

/// What one question needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Atom {
    pub(super) action: String,
    /// `None` is `*`.
    pub(super) resource: Option<Symbolic>,
    /// Sorted by operator and key.
    pub(super) lines: Vec<Line>,
    /// What Karpenter calls when this is asked.
    pub(super) call: Call,
}

/// One grant for each question, in call order.
pub(super) fn atoms(rules: &Rules, settings: &Settings, needs: &[Need<'_>]) -> Vec<Atom> {
    let maker = Maker { rules, settings, known: known(settings) };
    let mut atoms: Vec<Atom> = needs
        .iter()
        .flat_map(|need| need.entries.iter().map(move |entry| (need, entry)))
        .map(|(need, entry)| maker.atom(need, entry))
        .collect();
    share_tag_keys(&mut atoms);
    widen(&mut atoms);
    atoms
}

/// The symbols of the settings: what a policy can name though nobody gave it.
fn known(settings: &Settings) -> Vec<Symbol> {
    let own = [&settings.partition, &settings.region, &settings.account, &settings.cluster];
    let roles = settings.node_roles.iter().chain(&settings.queue);
    own.into_iter().chain(roles).flat_map(Symbolic::symbols).collect()
}

struct Maker<'a> {
    rules: &'a Rules,
    settings: &'a Settings,
    known: Vec<Symbol>,
}

impl Maker<'_> {
    fn atom(&self, need: &Need<'_>, entry: &Entry<'_>) -> Atom {
        let action = entry.request.action.to_string();
        let resource = match &entry.request.resource {
            Target::Any => None,
            Target::Arn(arn) if entry.disputed.is_some() => Some(one_character(&self.pattern(arn))),
            Target::Arn(arn) => Some(self.pattern(arn)),
        };
        let limits = &self.rules.limits;
        let mut lines = self.tags("aws:RequestTag/", &limits.request_tags, entry);
        lines.extend(self.tags("aws:ResourceTag/", &limits.resource_tags, entry));
        let dense = data().is_dense(self.settings.karpenter);
        for purpose in limits.purposes.iter().filter(|purpose| !(dense && purpose.implied)) {
            if !entry.rule.context.iter().any(|(key, _)| **key == *purpose.key) {
                continue;
            }
            let values = match entry.request.context.listed(&Key::from(&*purpose.key)) {
                Some(Status::Known(Values::One(value))) => vec![value.clone()],
                Some(Status::Known(Values::OneOf(values))) => values.clone(),
                _ => continue,
            };
            let values = values.iter().map(|value| self.pattern(value)).collect();
            let key = Symbolic::literal(&purpose.key);
            lines.push(Line { operator: operator(&purpose.operator), key, values });
        }
        let keys = &limits.tag_keys;
        let creates = entry.rule.context.iter().any(|(key, _)| **key == *keys.unless);
        if keys.actions.iter().any(|known| *known == *action)
            && !creates
            && let Some(Status::Known(Values::Many(tags))) =
                entry.request.context.listed(&Key::from("aws:TagKeys"))
        {
            let mut tags = tags.clone();
            order::sort(&mut tags);
            let key = Symbolic::literal("aws:TagKeys");
            lines.push(Line { operator: "ForAllValues:StringEquals", key, values: tags });
        }
        let region = &limits.region;
        if resource.is_none() && lines.is_empty() && region.holds(&action) {
            let key = Symbolic::literal(&region.key);
            let values = vec![self.settings.region.clone()];
            lines.push(Line { operator: "StringEquals", key, values });
        }
        order::sort(&mut lines);
        let call = Call {
            phase: need.rule.phase,
            name: call_name(&need.rule.call).to_owned(),
            dry_run: need.rule.dry_run,
        };
        Atom { action, resource, lines, call }
    }

    /// The lines for the tags that are sent, or that the resource has.
    fn tags(&self, family: &str, tags: &TagLimits, entry: &Entry<'_>) -> Vec<Line> {
        let set = match family {
            "aws:RequestTag/" => entry.rule.request_tags,
            _ => entry.rule.resource_tags,
        };
        if set.is_none() {
            return Vec::new();
        }
        let sent = |tag: &str| {
            let mut key = Symbolic::literal(family);
            let mut parts = tag.split("${cluster}");
            key.push_str(parts.next().unwrap_or_default());
            for part in parts {
                key.push(&self.settings.cluster);
                key.push_str(part);
            }
            match entry.request.context.listed(&Key::new(&key)) {
                Some(Status::Known(Values::One(value))) => Some((key, value.clone())),
                _ => None,
            }
        };
        let equal = tags.equal.iter().filter_map(|tag| sent(tag)).map(|(key, value)| Line {
            operator: "StringEquals",
            key,
            values: vec![value],
        });
        let present = tags.present.iter().find_map(|tag| sent(tag)).map(|(key, _)| Line {
            operator: "StringLike",
            key,
            values: vec![Symbolic::literal("*")],
        });
        equal.chain(present).collect()
    }

    /// A pattern for a value: what nobody can know is `*`.
    fn pattern(&self, value: &Symbolic) -> Symbolic {
        let mut out = Symbolic::default();
        for piece in value.pieces() {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Symbol(symbol) if self.known.contains(symbol) => out.push_symbol(*symbol),
                Piece::Symbol(_) => {
                    // What stands in front of an unknown id (`ami-`) says nothing.
                    let mut cut = self.without_prefix(&out);
                    cut.push_str("*");
                    return cut;
                }
            }
        }
        out
    }

    /// The text without the beginning of an id that its end is.
    fn without_prefix(&self, text: &Symbolic) -> Symbolic {
        let Some((Piece::Literal(last), front)) = text.pieces().split_last() else {
            return text.clone();
        };
        let prefixes = self.rules.placeholders.iter().filter_map(|known| known.shape.as_ref());
        let found = prefixes
            .map(|shape| &*shape.prefix)
            .filter(|prefix| !prefix.is_empty())
            .find_map(|prefix| last.strip_suffix(prefix).filter(|rest| rest.ends_with('/')));
        let mut out = Symbolic::default();
        for piece in front {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Symbol(symbol) => out.push_symbol(*symbol),
            }
        }
        out.push_str(found.unwrap_or(last));
        out
    }
}

/// A pattern for the very text `…/*`, as which AWS asks for what it cannot find: `?` is that one character,
/// where `*` would be every resource of the type.
fn one_character(arn: &Symbolic) -> Symbolic {
    let Some((Piece::Literal(last), front)) = arn.pieces().split_last() else { return arn.clone() };
    let Some(last) = last.strip_suffix("/*") else { return arn.clone() };
    let mut out = Symbolic::default();
    for piece in front {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Symbol(symbol) => out.push_symbol(*symbol),
        }
    }
    out.push_str(last);
    out.push_str("/?");
    out
}

/// The operators of the data, with a name that lives as long as the program.
fn operator(name: &str) -> &'static str {
    match name {
        "Bool" => "Bool",
        _ => "StringEquals",
    }
}

/// Where a tag of the cluster limits what is written, all keys that are ever written there may come
/// along: Karpenter leaves out those that are there already.
fn share_tag_keys(atoms: &mut [Atom]) {
    let is_keys = |line: &&Line| line.key.as_literal() == Some("aws:TagKeys");
    let all: Vec<(String, Option<Symbolic>, Vec<Symbolic>)> = atoms
        .iter()
        .filter_map(|atom| {
            let keys = atom.lines.iter().find(is_keys)?;
            Some((atom.action.clone(), atom.resource.clone(), keys.values.clone()))
        })
        .collect();
    for atom in atoms {
        let request = |line: &Line| family(&line.key) == Some(Family::Request);
        if !atom.lines.iter().any(request) {
            continue;
        }
        let (action, resource) = (atom.action.clone(), atom.resource.clone());
        let Some(keys) = atom.lines.iter_mut().find(|line| is_keys(&&**line)) else { continue };
        for (known, on, values) in &all {
            if *known == action && *on == resource {
                keys.values.extend(values.iter().cloned());
            }
        }
        order::sort(&mut keys.values);
        keys.values.dedup();
    }
}

/// Takes a pattern that covers another one in its place, where action and conditions are the same.
fn widen(atoms: &mut [Atom]) {
    let all: Vec<Atom> = atoms.to_vec();
    for atom in atoms {
        let covering = all.iter().find(|wide| {
            wide.action == atom.action && wide.lines == atom.lines && is_wider(wide, atom)
        });
        if let Some(wide) = covering {
            atom.resource = wide.resource.clone();
        }
    }
}

/// Whether the resource of one grant is a pattern that covers that of another.
fn is_wider(wide: &Atom, narrow: &Atom) -> bool {
    let (Some(wide), Some(narrow)) = (&wide.resource, &narrow.resource) else { return false };
    let (front, found) = (wide.pieces(), narrow.pieces());
    let Some((Piece::Literal(last), front)) = front.split_last() else { return false };
    let Some(last) = last.strip_suffix('*') else { return false };
    let Some((same, rest)) = found.split_at_checked(front.len()) else { return false };
    let starts = match rest.first() {
        Some(Piece::Literal(text)) => text.starts_with(last),
        _ => last.is_empty(),
    };
    wide != narrow && same == front && starts
}

/// Whose tags a key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Request,
    Resource,
}

/// Whose tags a key is about, if it is about tags.
pub(super) fn family(key: &Symbolic) -> Option<Family> {
    match key.pieces().first() {
        Some(Piece::Literal(text)) if text.starts_with("aws:RequestTag/") => Some(Family::Request),
        Some(Piece::Literal(text)) if text.starts_with("aws:ResourceTag/") => {
            Some(Family::Resource)
        }
        _ => None,
    }
}
