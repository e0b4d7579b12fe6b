//! Text decoded out of other text, and the way back.

use super::Span;

/// Where an embedded text came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// The range of the parent that was decoded (without quotes).
    pub parent: Span,
    /// From decoded offsets to offsets of the parent source.
    pub map: SegmentMap,
    /// Heading for frames, such as a resource address in a plan.
    pub address: Option<Box<str>>,
}

/// One run of decoded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First byte of the run in the decoded text.
    pub child: u32,
    /// First byte of what it was decoded from, in the parent source (not relative to the span).
    pub parent: u32,
    /// Whether the bytes are the same, so that offsets differ by a constant. A segment that is not
    /// verbatim (an escape such as `\"`, a folded line break) is indivisible.
    pub verbatim: bool,
}

/// Sorted segments that cover a decoded text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SegmentMap {
    segments: Vec<Segment>,
    child_end: u32,
    parent_end: u32,
}
