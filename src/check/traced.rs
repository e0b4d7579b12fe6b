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
    /// Every statement of every document, in order.
    pub statements: Box<[TracedStatement]>,
}

/// What one statement says.
#[derive(Debug)]
pub(crate) struct TracedStatement {
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
    pub resources: Box<[Tri]>,
    /// Every line, in order.
    pub conditions: Box<[TracedLine]>,
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
        let LayerTrace { layer, allow, statements, .. } = traced;
        Self { layer, allow, statements: statements.into_iter().map(Into::into).collect() }
    }
}

impl From<StatementTrace> for TracedStatement {
    fn from(traced: StatementTrace) -> Self {
        Self {
            document: traced.document,
            statement: traced.statement,
            effect: traced.effect,
            matches: traced.matches,
            action: traced.action,
            resource: traced.resource,
            resources: traced.resources.into(),
            conditions: traced.conditions.iter().map(TracedLine::from).collect(),
        }
    }
}

impl From<&LineTrace> for TracedLine {
    fn from(traced: &LineTrace) -> Self {
        let is_sent = matches!(traced.status, Status::Known(_) | Status::Present);
        Self { holds: traced.holds, why: traced.why, is_sent }
    }
}
