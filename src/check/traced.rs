//! What findings need of how an answer came about. Whole traces hold what was compared, and a controller
//! with many statements has hundreds of them at once.

use crate::eval::{Layer, LayerTrace, LineTrace, Open, StatementTrace, Trace, Tri, Why};
use crate::policy::Effect;
use crate::policy::request::Status;

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
}

impl From<Trace> for Traced {
    fn from(trace: Trace) -> Self {
        let layers = trace.layers.into_iter().map(TracedLayer::from).collect();
        Self { layers, open: trace.open }
    }
}

impl From<LayerTrace> for TracedLayer {
    fn from(traced: LayerTrace) -> Self {
        let all = &traced.statements;
        let of = |count: fn(&StatementTrace) -> usize| all.iter().map(count).sum();
        let mut resources = Vec::with_capacity(of(|own| own.resources.len()));
        let mut lines = Vec::with_capacity(of(|own| own.conditions.len()));
        let row = |own: &StatementTrace| {
            resources.extend_from_slice(&own.resources);
            lines.extend(own.conditions.iter().map(TracedLine::from));
            Row {
                document: narrow(own.document),
                statement: narrow(own.statement),
                resources_end: narrow(resources.len()),
                lines_end: narrow(lines.len()),
                effect: own.effect,
                matches: own.matches,
                action: own.action,
                resource: own.resource,
            }
        };
        let statements = all.iter().map(row).collect();
        let (layer, allow) = (traced.layer, traced.allow);
        Self { layer, allow, statements, resources: resources.into(), lines: lines.into() }
    }
}

/// No text has more statements, lines or values than bytes, and those are counted with 32 bits.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl From<&LineTrace> for TracedLine {
    fn from(traced: &LineTrace) -> Self {
        let is_sent = matches!(traced.status, Status::Known(_) | Status::Present);
        Self { holds: traced.holds, why: traced.why, is_sent }
    }
}
