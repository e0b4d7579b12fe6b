//! What findings need of how an answer came about. Whole traces hold what was compared, and a controller
//! with many statements has hundreds of them at once.

use std::sync::Arc;

use super::compile::{Asked, Compiled, Prepared};
use super::trace::why;
use super::{Layer, Layers, Open, Tri, Why, trace};
use crate::policy::Effect;
use crate::policy::request::{Request, Seen};

/// How an answer came about.
#[derive(Debug)]
pub(crate) struct Traced {
    /// Every layer.
    pub layers: Vec<TracedLayer>,
    /// What left the answer open.
    pub open: Vec<Open>,
}

/// What one layer says.
#[derive(Debug)]
pub(crate) struct TracedLayer {
    /// Which one.
    pub layer: Layer,
    /// Whether some statement allows.
    pub allow: Tri,
    statements: Box<[Row]>,
    /// Those of all statements, one after the other.
    resources: Box<[Tri]>,
    lines: Box<[TracedLine]>,
}

/// One statement: where it stands, and where what is its own ends in the lists of its layer.
#[derive(Debug)]
struct Row {
    document: u32,
    statement: u32,
    resources_end: u32,
    lines_end: u32,
    effect: Effect,
    matches: Tri,
    action: Tri,
    resource: Tri,
}

/// What one statement says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TracedStatement<'t> {
    /// Document of the layer.
    pub document: usize,
    /// Statement of the document.
    pub statement: usize,
    /// Its effect.
    pub effect: Effect,
    /// Whether it matches.
    pub matches: Tri,
    /// Whether the action is covered.
    pub action: Tri,
    /// Whether the resource is covered.
    pub resource: Tri,
    /// For each value of that element, whether the pattern matches.
    pub resources: &'t [Tri],
    /// Every line, in order.
    pub conditions: &'t [TracedLine],
}

impl TracedLayer {
    /// Every statement of every document, in order.
    pub(crate) fn statements(&self) -> impl Iterator<Item = TracedStatement<'_>> {
        let (mut resources, mut lines) = (0, 0);
        self.statements.iter().map(move |row| {
            let own = resources..row.resources_end as usize;
            let own_lines = lines..row.lines_end as usize;
            (resources, lines) = (own.end, own_lines.end);
            TracedStatement {
                document: row.document as usize,
                statement: row.statement as usize,
                effect: row.effect,
                matches: row.matches,
                action: row.action,
                resource: row.resource,
                resources: self.resources.get(own).unwrap_or(&[]),
                conditions: self.lines.get(own_lines).unwrap_or(&[]),
            }
        })
    }
}

/// What one line says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TracedLine {
    /// Whether it holds.
    pub holds: Tri,
    /// What decided it.
    pub why: Why,
    /// Whether the request carries the key.
    pub is_sent: bool,
    /// Whether it carries the tag of the resource instead of that of the request, or the other way round. Only
    /// where the line fails in a statement that covers action and resource.
    pub is_turned: bool,
}

impl Traced {
    /// How the answer to `request` comes about; `settled` says that the layers settle it, so that nothing is
    /// open.
    pub(crate) fn new(layers: &Layers, request: &Request, settled: bool) -> Self {
        let asked = &Asked::new(request);
        let of = |(layer, policies): (Layer, &Vec<Arc<Compiled>>)| {
            TracedLayer::new(layer, policies, asked)
        };
        let open = if settled { Vec::new() } else { trace(layers, request).open };
        Self { layers: layers.of_caller().map(of).collect(), open }
    }
}

impl TracedLayer {
    fn new(layer: Layer, policies: &[Arc<Compiled>], asked: &Asked<'_>) -> Self {
        let all = || policies.iter().flat_map(|policy| &policy.statements);
        let values = |one: &Arc<Prepared>| one.resource.as_ref().map_or(0, |r| r.patterns.len());
        let mut resources = Vec::with_capacity(all().map(values).sum());
        let mut lines = Vec::with_capacity(all().map(|one| one.lines.len()).sum());
        let mut statements = Vec::with_capacity(all().count());
        for (document, policy) in policies.iter().enumerate() {
            for (statement, prepared) in policy.statements.iter().enumerate() {
                let before = (resources.len(), lines.len());
                let resource = prepared.resource.as_ref().map_or(Tri::True, |element| {
                    let each = element.patterns.iter();
                    resources.extend(each.map(|pattern| element.pattern(pattern, asked)));
                    element.covers_where(resources.iter().skip(before.0).copied())
                });
                let context = &asked.request.context;
                lines.extend(prepared.lines.iter().map(|line| {
                    let seen = context.seen(&line.key);
                    let holds = line.holds_where(seen, context);
                    let is_sent = matches!(seen, Seen::Known(_) | Seen::Present);
                    let why = why(line, seen, holds);
                    TracedLine { holds, why, is_sent, is_turned: false }
                }));
                let action = prepared.action.covers(&asked.request.action);
                if action != Tri::False && resource != Tri::False {
                    let own = lines.iter_mut().skip(before.1).zip(&prepared.lines);
                    for (traced, line) in
                        own.filter(|(traced, _)| traced.holds == Tri::False && !traced.is_sent)
                    {
                        let other = line.key.of_other_family();
                        traced.is_turned =
                            other.is_some_and(|key| matches!(context.seen(&key), Seen::Known(_)));
                    }
                }
                let held = lines.iter().skip(before.1).map(|line| line.holds);
                statements.push(Row {
                    document: narrow(document),
                    statement: narrow(statement),
                    resources_end: narrow(resources.len()),
                    lines_end: narrow(lines.len()),
                    effect: prepared.effect,
                    matches: Tri::all([action, resource].into_iter().chain(held)),
                    action,
                    resource,
                });
            }
        }
        let allows = statements.iter().filter(|row: &&Row| row.effect == Effect::Allow);
        let allow = Tri::any(allows.map(|row| row.matches));
        let (resources, lines) = (resources.into(), lines.into());
        Self { layer, allow, statements: statements.into(), resources, lines }
    }
}

/// No text has more statements, lines or values than bytes, and those are counted with 32 bits.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
