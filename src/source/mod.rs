//! All text that karplint reads, and positions in it.
//!
//! A [`SourceMap`] owns every text: files as they are on disk, and texts decoded out of other texts
//! (a policy in a JSON string of a plan, a YAML block scalar). Everything else holds [`SourceId`]s
//! and byte offsets. This room knows nothing of formats, policies or rules.

#[cfg(feature = "cli")]
mod collect;
#[cfg(feature = "cli")]
mod collected;
#[cfg(feature = "cli")]
mod decode;
#[cfg(feature = "cli")]
mod disk;
mod embed;
#[cfg(feature = "cli")]
mod held;
mod lines;
#[cfg(feature = "cli")]
mod modules;
#[cfg(feature = "cli")]
pub mod paths;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

#[cfg(feature = "cli")]
pub use collect::{TEMPORARY, collect};
#[cfg(feature = "cli")]
pub use collected::{Collected, Given, GivenKind, Inputs, Named, ReadError, Skipped};
#[cfg(feature = "cli")]
pub(crate) use decode::MAX_BYTES;
#[cfg(feature = "cli")]
pub use disk::{SMALL, read_text, reason};
pub use embed::{Embedding, Segment, SegmentMap};
#[cfg(feature = "cli")]
pub use held::Held;
pub use lines::{LineIndex, Position};
#[cfg(feature = "cli")]
pub use modules::{ModuleFile, ModuleFolder, is_module_file};

/// Names one text of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub(crate) u32);

/// A half-open range of bytes in one source, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The text the range lies in.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `source`, in bytes.
    #[must_use]
    pub fn new(source: SourceId, start: u32, end: u32) -> Self {
        Self { source, start, end: end.max(start) }
    }

    /// Whether `other` lies wholly inside this span of the same source.
    #[must_use]
    pub fn contains(&self, other: Span) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.end - self.start
    }

    /// Whether the span covers no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// One text: a file, standard input, or text decoded out of another source.
#[derive(Debug, Default)]
pub struct Source {
    name: Box<str>,
    text: Box<str>,
    embedding: Option<Embedding>,
    lines: OnceLock<LineIndex>,
}

impl Source {
    /// What to call the source: a path relative to the working directory with `/`, or `<stdin>`.
    /// An embedded text has the name of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text; for a file exactly as on disk, a byte order mark included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the text was decoded from; `None` for a file.
    #[must_use]
    pub fn embedding(&self) -> Option<&Embedding> {
        self.embedding.as_ref()
    }

    /// Line and column of a byte.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        self.lines().position(&self.text, offset)
    }

    /// The line table, made at the first call.
    #[must_use]
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }
}

/// Owns all text. An id stays valid until [`SourceMap::retain`] drops its text, which only a program that
/// never ends has reason to call. Adding needs no exclusive access, so that files can be read in parallel.
#[derive(Debug, Default)]
pub struct SourceMap {
    slots: RwLock<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    sources: Vec<Arc<Source>>,
    /// Ids whose text was dropped, the lowest last.
    free: Vec<u32>,
}

impl SourceMap {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the text of a file, or of standard input.
    pub fn add_file(&self, name: impl Into<Box<str>>, text: impl Into<Box<str>>) -> SourceId {
        self.push(Source {
            name: name.into(),
            text: text.into(),
            embedding: None,
            lines: OnceLock::new(),
        })
    }

    /// Adds text that was decoded out of `embedding.parent`.
    pub fn add_embedded(&self, text: impl Into<Box<str>>, embedding: Embedding) -> SourceId {
        let name = self.get(embedding.parent.source).name.clone();
        self.push(Source {
            name,
            text: text.into(),
            embedding: Some(embedding),
            lines: OnceLock::new(),
        })
    }

    fn push(&self, source: Source) -> SourceId {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let source = Arc::new(source);
        if let Some(id) = slots.free.pop()
            && let Some(slot) = slots.sources.get_mut(id as usize)
        {
            *slot = source;
            return SourceId(id);
        }
        let id = SourceId(u32::try_from(slots.sources.len()).unwrap_or(u32::MAX));
        slots.sources.push(source);
        id
    }

    /// Drops every text that `keep` does not want; it is asked with the file that the text was decoded out
    /// of, and whether the text is a part of it and not the file itself. Ids of dropped texts will name others.
    #[cfg(feature = "cli")]
    pub fn retain(&self, keep: impl Fn(SourceId, bool) -> bool) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let Slots { sources, free } = &mut *slots;
        let file = |id: u32| {
            let mut at = id;
            // A parent is there before its parts are, so that this ends.
            while let Some(own) = sources.get(at as usize).and_then(|known| known.embedding()) {
                at = own.parent.source.0;
            }
            SourceId(at)
        };
        let all = 0..u32::try_from(sources.len()).unwrap_or(u32::MAX);
        let gone: Vec<u32> =
            all.filter(|id| !free.contains(id) && !keep(file(*id), file(*id).0 != *id)).collect();
        let nothing = Arc::new(Source::default());
        for id in &gone {
            if let Some(slot) = sources.get_mut(*id as usize) {
                *slot = Arc::clone(&nothing);
            }
        }
        free.extend(gone);
        free.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// All texts that there are.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> + use<> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let (count, free) = (slots.sources.len(), slots.free.clone());
        let all = 0..u32::try_from(count).unwrap_or(u32::MAX);
        all.filter(move |id| !free.contains(id)).map(SourceId)
    }

    /// The source called `id`. An id of another map gives an empty source.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Arc<Source> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.sources.get(id.0 as usize).cloned().unwrap_or_default()
    }

    /// The text under `span`, as it stands in its own source.
    #[must_use]
    pub fn slice(&self, span: Span) -> String {
        let source = self.get(span.source);
        source.text.get(span.start as usize..span.end as usize).unwrap_or("").to_owned()
    }

    /// Carries a span up through every embedding to the file on disk.
    #[must_use]
    pub fn to_file(&self, span: Span) -> Span {
        let mut span = span;
        loop {
            let source = self.get(span.source);
            let Some(embedding) = source.embedding() else {
                return span;
            };
            let (start, end) = embedding.map.to_parent(span.start, span.end);
            span = Span::new(embedding.parent.source, start, end);
        }
    }
}
