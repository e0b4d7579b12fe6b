//! Text decoded out of other text, and the way back.

use std::sync::OnceLock;

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

/// One run of decoded text. It ends where the next one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First byte of the run in the decoded text.
    pub child: u32,
    /// First byte of what it was decoded from, in the parent source (not relative to the span).
    pub parent: u32,
    /// Whether the bytes are the same, so that offsets differ by a constant. A segment that is not
    /// verbatim (an escape such as `\"`, a folded line break) is indivisible. One that holds no
    /// decoded byte is what a decoder dropped, such as indentation.
    pub verbatim: bool,
    /// Whether the bytes are a value that was filled in where the parent has an expression: they stand
    /// nowhere in it.
    pub filled: bool,
}

/// Sorted segments that cover a decoded text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SegmentMap {
    segments: Vec<Segment>,
    child_end: u32,
    parent_end: u32,
    parts: Parts,
}

/// Where the parts of a text start in it and in its parent, behind what is not blank between them. Found when it
/// is first asked for, once the map is complete.
#[derive(Debug, Clone, Default)]
struct Parts(OnceLock<Vec<(u32, u32)>>);

/// They follow from the segments.
impl PartialEq for Parts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Parts {}

/// Whether a text is white space and breaks of lines.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '\\')
}

impl SegmentMap {
    /// Starts an empty map whose first byte stands at `parent`. Decoders add to it in order.
    #[must_use]
    pub fn starting_at(parent: u32) -> Self {
        Self { parent_end: parent, ..Self::default() }
    }

    /// The map of a text that was taken as it is: `length` bytes from `parent` on.
    #[must_use]
    pub fn verbatim(parent: u32, length: u32) -> Self {
        let mut map = Self::starting_at(parent);
        map.copy(length);
        map
    }

    /// The next `length` bytes are the same on both sides.
    pub fn copy(&mut self, length: u32) {
        if length == 0 {
            return;
        }
        // A run that goes on needs no segment of its own.
        if !self.segments.last().is_some_and(|last| last.verbatim) {
            self.push(true, false);
        }
        self.child_end += length;
        self.parent_end += length;
    }

    /// The next `parent` bytes were decoded to `child` bytes, as a whole.
    pub fn decode(&mut self, child: u32, parent: u32) {
        if child == 0 && parent == 0 {
            return;
        }
        self.push(false, false);
        self.child_end += child;
        self.parent_end += parent;
    }

    /// The next `child` bytes are a value in the place of an expression, which is the next `parent` bytes.
    /// Where the same text serves once more, there is another value.
    pub fn fill(&mut self, child: u32, parent: u32) {
        if child == 0 && parent == 0 {
            return;
        }
        self.push(false, child > 0);
        self.child_end += child;
        self.parent_end += parent;
    }

    /// The next `parent` bytes mean nothing: indentation, an escaped line break.
    pub fn skip(&mut self, parent: u32) {
        self.decode(0, parent);
    }

    /// What comes next stands at `parent`; what lies before it means nothing. A place that has been
    /// passed already is left alone, and so is what is added there: see [`Self::decode`].
    pub fn skip_to(&mut self, parent: u32) {
        self.skip(parent.saturating_sub(self.parent_end));
    }

    /// Adds `start..end` of a text that was decoded out of the same parent: the decoded bytes are the
    /// same, and stand where `other` says. What stands before the end of what is here already, as the
    /// text behind an alias does, stands at that end.
    pub fn append(&mut self, other: &Self, start: u32, end: u32) {
        for (at, segment) in other.segments.iter().enumerate() {
            let next = other.segments.get(at + 1);
            let child_end = next.map_or(other.child_end, |next| next.child).min(end);
            let parent_end = next.map_or(other.parent_end, |next| next.parent);
            let from = segment.child.max(start);
            if from >= child_end {
                continue;
            }
            let inside = if segment.verbatim { from - segment.child } else { 0 };
            let place = segment.parent + inside;
            self.skip_to(place);
            match (self.parent_end == place, segment.verbatim) {
                (true, true) => self.copy(child_end - from),
                (true, false) if segment.filled => {
                    self.fill(child_end - from, parent_end - segment.parent);
                }
                (true, false) => self.decode(child_end - from, parent_end - segment.parent),
                (false, _) => self.decode(child_end - from, 0),
            }
        }
    }

    fn push(&mut self, verbatim: bool, filled: bool) {
        self.parts = Parts::default();
        let (child, parent) = (self.child_end, self.parent_end);
        self.segments.push(Segment { child, parent, verbatim, filled });
    }

    /// The segments, in order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Length of the decoded text so far.
    #[must_use]
    pub fn child_end(&self) -> u32 {
        self.child_end
    }

    /// How far the parent has been decoded.
    #[must_use]
    pub fn parent_end(&self) -> u32 {
        self.parent_end
    }

    /// Whether the bytes of `start..end` stand in the parent as they are; what was dropped between them
    /// (indentation) does no harm.
    #[must_use]
    pub fn is_verbatim(&self, start: u32, end: u32) -> bool {
        self.around(start, end).all(|(segment, (stop, _))| {
            let apart = stop <= start || segment.child >= end || segment.child == stop;
            segment.verbatim || apart
        })
    }

    /// Whether what `start..end` was decoded from can be taken out of `parent`, or replaced: it begins and
    /// ends where something decoded does, all of it stands there, no value of an expression among it, and
    /// what was dropped between is blank.
    #[must_use]
    pub fn is_whole(&self, start: u32, end: u32, parent: &str) -> bool {
        self.around(start, end).all(|(segment, (stop, parent_stop))| {
            if segment.child == stop {
                let dropped = parent.get(segment.parent as usize..parent_stop as usize);
                return stop <= start || stop >= end || dropped.is_some_and(is_blank);
            }
            let apart = stop <= start || segment.child >= end;
            let inside = segment.child >= start && stop <= end && parent_stop > segment.parent;
            let inside = inside && !segment.filled;
            apart || segment.verbatim || inside
        })
    }

    /// Where the run of `parent` starts that `at` was decoded from: of a text in several parts, behind the
    /// quote of its part.
    #[must_use]
    pub fn part_start(&self, at: u32, parent: &str) -> Option<u32> {
        let parts = self.parts.0.get_or_init(|| {
            let dropped = self.bounded(0, self.segments.len());
            let dropped = dropped.filter(|(segment, (stop, _))| segment.child == *stop);
            let apart = dropped.filter(|(segment, (_, end))| {
                let text = parent.get(segment.parent as usize..*end as usize);
                text.is_some_and(|text| !is_blank(text))
            });
            apart.map(|(_, stop)| stop).collect()
        });
        let before = parts.partition_point(|(child, _)| *child <= at).checked_sub(1);
        let start = before.and_then(|last| parts.get(last)).map(|(_, start)| *start);
        start.or_else(|| self.segments.first().map(|first| first.parent))
    }

    /// The segments that may hold something of `start..end`, each with its end in both texts.
    fn around(&self, start: u32, end: u32) -> impl Iterator<Item = (Segment, (u32, u32))> {
        let from = self.segments.partition_point(|segment| segment.child < start);
        let to = self.segments.partition_point(|segment| segment.child < end);
        self.bounded(from.saturating_sub(1), to)
    }

    /// Segments by their numbers, each with its end in both texts.
    fn bounded(&self, from: usize, to: usize) -> impl Iterator<Item = (Segment, (u32, u32))> {
        let held = self.segments.get(from..to).unwrap_or_default().iter();
        held.enumerate().map(move |(at, segment)| {
            let next = self.segments.get(from + at + 1);
            let last = (self.child_end, self.parent_end);
            (*segment, next.map_or(last, |next| (next.child, next.parent)))
        })
    }

    /// What `start..end` of the decoded text was decoded from: the least range that decodes to all
    /// of it, so an end inside an indivisible segment goes to that segment's edge.
    #[must_use]
    pub fn to_parent(&self, start: u32, end: u32) -> (u32, u32) {
        let start = start.min(self.child_end);
        let end = end.clamp(start, self.child_end);
        let from = self.start_of(start);
        if start == end {
            // An empty range is a place. Between segments it stays empty.
            let inside = self
                .holding(start)
                .is_some_and(|(segment, _)| !segment.verbatim && segment.child < start);
            return if inside { (from, self.end_of(start)) } else { (from, from) };
        }
        (from, self.end_of(end))
    }

    /// Where the byte at `child` starts.
    fn start_of(&self, child: u32) -> u32 {
        match self.holding(child) {
            Some((segment, _)) if segment.verbatim => segment.parent + (child - segment.child),
            Some((segment, _)) => segment.parent,
            None => self.parent_end,
        }
    }

    /// Where the byte before `child` ends.
    fn end_of(&self, child: u32) -> u32 {
        match self.holding(child.saturating_sub(1)) {
            Some((segment, _)) if segment.verbatim => segment.parent + (child - segment.child),
            Some((_, end)) => end,
            None => self.parent_end,
        }
    }

    /// The segment that holds the byte at `child`, and where it ends in the parent.
    fn holding(&self, child: u32) -> Option<(Segment, u32)> {
        if child >= self.child_end {
            return None;
        }
        // Of several that start here, all but the last hold no byte.
        let next = self.segments.partition_point(|segment| segment.child <= child);
        let segment = self.segments.get(next.checked_sub(1)?)?;
        let end = self.segments.get(next).map_or(self.parent_end, |following| following.parent);
        Some((*segment, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ab\"c` + line break with indentation, as a decoder would describe it.
    fn sample() -> SegmentMap {
        let mut map = SegmentMap::starting_at(10);
        map.copy(1);
        map.copy(1);
        map.decode(1, 2);
        map.copy(2);
        map.skip(4);
        map.copy(3);
        map
    }

    #[test]
    fn verbatim_runs_join() {
        assert_eq!(sample().segments().len(), 5);
        assert_eq!(sample().child_end(), 8);
        assert_eq!(sample().parent_end(), 23);
    }

    #[test]
    fn ranges_go_back() {
        let map = sample();
        assert_eq!(map.to_parent(0, 2), (10, 12));
        assert_eq!(map.to_parent(1, 3), (11, 14));
        assert_eq!(map.to_parent(2, 4), (12, 15));
        // What was skipped belongs to no range that stops before it or starts after it.
        assert_eq!(map.to_parent(3, 5), (14, 16));
        assert_eq!(map.to_parent(5, 8), (20, 23));
        assert_eq!(map.to_parent(3, 6), (14, 21));
    }

    #[test]
    fn parts_of_several_maps_stand_where_they_stood() {
        let mut map = SegmentMap::starting_at(5);
        map.append(&sample(), 1, 4);
        map.decode(1, 0);
        map.append(&sample(), 5, 8);
        assert_eq!(map.child_end(), 7);
        assert_eq!(map.to_parent(0, 1), (11, 12));
        assert_eq!(map.to_parent(1, 2), (12, 14));
        assert_eq!(map.to_parent(2, 3), (14, 15));
        assert_eq!(map.to_parent(4, 7), (20, 23));
        // What goes back has no place of its own.
        map.append(&SegmentMap::verbatim(0, 4), 0, 4);
        assert_eq!((map.child_end(), map.to_parent(8, 9)), (11, (23, 23)));
    }

    #[test]
    fn ends_inside_an_escape_snap_outwards() {
        let mut map = SegmentMap::starting_at(0);
        map.copy(1);
        map.decode(3, 6);
        map.copy(1);
        assert_eq!(map.to_parent(2, 3), (1, 7));
        assert_eq!(map.to_parent(2, 2), (1, 7));
        assert_eq!(map.to_parent(1, 1), (1, 1));
        assert_eq!(map.to_parent(4, 4), (7, 7));
    }

    #[test]
    fn what_is_escaped_is_not_verbatim_and_what_is_dropped_does_no_harm() {
        let map = sample();
        assert!(map.is_verbatim(0, 2));
        assert!(!map.is_verbatim(1, 3));
        assert!(map.is_verbatim(3, 8));
        assert!(map.is_verbatim(2, 2));
        let parent = format!("{}ab\\\"cd\n   efg", " ".repeat(10));
        assert!(map.is_whole(1, 3, &parent), "an escape goes as a whole");
        assert!(map.is_whole(3, 6, &parent), "and an indentation");
        assert!(!map.is_whole(3, 6, &parent.replace("   ", " + ")));
    }

    #[test]
    fn a_value_that_was_filled_in_has_a_place_and_is_nothing_that_stands_there() {
        let parent = "\"${svc}:*\"";
        let mut map = SegmentMap::starting_at(1);
        map.fill(3, 6);
        map.copy(2);
        assert_eq!(map.to_parent(0, 5), (1, 9));
        assert!(!map.is_whole(0, 5, parent) && !map.is_verbatim(0, 5));
        assert!(map.is_whole(3, 5, parent) && map.is_verbatim(3, 5));
        let mut other = SegmentMap::starting_at(1);
        other.append(&map, 0, 5);
        assert_eq!(other, map);
    }

    #[test]
    fn places_at_and_past_the_end() {
        let map = sample();
        assert_eq!(map.to_parent(8, 8), (23, 23));
        assert_eq!(map.to_parent(99, 99), (23, 23));
        assert_eq!(SegmentMap::default().to_parent(0, 5), (0, 0));
    }
}
