//! Statements and documents as they will be written.

use std::collections::BTreeSet;

use crate::check::words::call_name;
use crate::karpenter::Phase;
use crate::order;
use crate::policy::Effect;
use crate::policy::symbolic::{Piece, Symbolic};
use crate::settings::Settings;

use super::atoms::{Family, family};
use super::data::data;

/// A condition line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// `StringEquals`.
    pub operator: &'static str,
    /// `aws:RequestTag/…`.
    pub key: Symbolic,
    /// The values, sorted.
    pub values: Vec<Symbolic>,
}

/// A call of Karpenter that needs a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// When it is made.
    pub phase: Phase,
    /// `CreateFleet`.
    pub name: String,
    /// Whether it is a dry run.
    pub dry_run: bool,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Letters and digits.
    pub sid: String,
    /// Allow or Deny.
    pub effect: Effect,
    /// Type and names of who is meant, where the policy belongs to a resource or a role.
    pub principal: Option<(&'static str, Vec<Symbolic>)>,
    /// `service:Name`, sorted.
    pub actions: Vec<String>,
    /// Patterns, sorted; empty: the statement has no `Resource`.
    pub resources: Vec<Symbolic>,
    /// Sorted by operator and key.
    pub conditions: Vec<Line>,
    /// Which calls of Karpenter need it.
    pub calls: BTreeSet<Call>,
    /// What else to say of it.
    pub remark: Option<String>,
}

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// A policy of the controller's role.
    Controller,
    /// Who may take the controller's role.
    Trust,
    /// Who may take the role of nodes; with the names of AWS's policies that it needs.
    Node,
    /// The policy of the interruption queue.
    Queue,
}

/// A policy document with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is for.
    pub kind: DocumentKind,
    /// The name in upstream's template, without the cluster's.
    pub stem: String,
    /// The name of the managed policy or role; the ARN of the queue that it belongs to.
    pub name: Symbolic,
    /// The statements.
    pub statements: Vec<Statement>,
    /// ARNs of AWS's policies that its role needs besides.
    pub attached: Vec<Symbolic>,
}

impl Document {
    /// Adds all of its texts that may have to name what nobody gave.
    pub(super) fn texts<'d>(&'d self, out: &mut Vec<&'d Symbolic>) {
        out.push(&self.name);
        out.extend(&self.attached);
        for one in &self.statements {
            out.extend(one.principal.iter().flat_map(|(_, names)| names));
            out.extend(&one.resources);
            for line in &one.conditions {
                out.push(&line.key);
                out.extend(&line.values);
            }
        }
    }
}

impl Statement {
    /// Which calls need it, one text for each phase, in words.
    #[must_use]
    pub fn comments(&self) -> Vec<String> {
        let told = PHASES.iter().filter_map(|(title, phases)| {
            let mut names: Vec<String> = Vec::new();
            for call in self.calls.iter().filter(|call| phases.contains(&call.phase)) {
                let name = format!("{}{}", call.name, if call.dry_run { " (dry run)" } else { "" });
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            (!names.is_empty()).then(|| format!("{title}: {}", names.join(", ")))
        });
        self.remark.iter().cloned().chain(told).collect()
    }
}

/// Phases as `preflight` calls them, in its order.
const PHASES: [(&str, &[Phase]); 5] = [
    ("startup", &[Phase::Startup]),
    ("validation", &[Phase::Validation]),
    ("launch", &[Phase::Launch]),
    ("running", &[Phase::Steady]),
    ("removal", &[Phase::Terminate, Phase::NodeclassDelete]),
];

/// A name of upstream's template with the cluster's name.
pub(super) fn named(name: &str, settings: &Settings) -> Symbolic {
    let mut out = Symbolic::literal(name);
    out.push_str("-");
    out.push(&settings.cluster);
    out
}

/// The documents that hold the statements, which are named in passing.
pub(super) fn documents(
    mut statements: Vec<Statement>,
    settings: &Settings,
    split: bool,
) -> Vec<Document> {
    let place = |one: &Statement| data().policy_of(one.actions.first().map_or("", String::as_str));
    order::by_key(&mut statements, |one| place(one).0);
    let mut known: Vec<String> = Vec::new();
    for one in &mut statements {
        one.sid = sid(one, &known);
        known.push(one.sid.clone());
    }
    let document = |name: &str, statements| Document {
        kind: DocumentKind::Controller,
        stem: name.to_owned(),
        name: named(name, settings),
        statements,
        attached: Vec::new(),
    };
    if !split {
        return vec![document(&data().names.whole, statements)];
    }
    let parts = statements.chunk_by(|a, b| place(a) == place(b));
    parts
        .map(|part| document(part.first().map_or("", |first| place(first).1), part.to_vec()))
        .collect()
}

/// A name that no other statement has.
fn sid(statement: &Statement, known: &[String]) -> String {
    let has = |wanted| statement.conditions.iter().any(|line| family(&line.key) == Some(wanted));
    let tags = match (has(Family::Request), has(Family::Resource)) {
        (true, true) => "both",
        (true, false) => "request",
        (false, true) => "resource",
        (false, false) => "none",
    };
    let taken = |name: &String| known.contains(name);
    let rows = statement.actions.iter().filter_map(|action| {
        data().sid.iter().find(|row| row.action == *action && row.tags == tags)
    });
    let service = |action: &String| action.split(':').next().map(str::to_owned);
    let mixed = statement.actions.windows(2).any(|two| match two {
        [a, b] => service(a) != service(b),
        _ => false,
    });
    let dense = mixed.then(|| data().dense.sid.clone());
    let mut names = dense.into_iter().chain(rows.map(|row| row.sid.clone()));
    let first = statement.actions.first().map_or("", String::as_str);
    let own = names.next().unwrap_or_else(|| format!("Allow{}", call_name(first)));
    let name = std::iter::once(own.clone()).chain(names).find(|name| !taken(name)).unwrap_or(own);
    if !taken(&name) {
        return name;
    }
    (2_u32..).map(|number| format!("{name}{number}")).find(|name| !taken(name)).unwrap_or(name)
}

/// The parts of an ARN between its colons; the last one keeps its own.
pub(super) fn arn_parts(arn: &Symbolic) -> Vec<Symbolic> {
    let mut parts = vec![Symbolic::default()];
    for piece in arn.pieces() {
        match piece {
            Piece::Symbol(symbol) => {
                if let Some(last) = parts.last_mut() {
                    last.push_symbol(*symbol);
                }
            }
            Piece::Literal(text) => {
                let left = 6_usize.saturating_sub(parts.len());
                for (at, part) in text.splitn(left + 1, ':').enumerate() {
                    if at > 0 {
                        parts.push(Symbolic::default());
                    }
                    if let Some(last) = parts.last_mut() {
                        last.push_str(part);
                    }
                }
            }
        }
    }
    parts
}
