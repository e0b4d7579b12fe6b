//! One policy of a request: read, checked and prepared, once for each text.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::RequestError;
use super::effort::Effort;
use super::read::Slice;
use crate::eval::Compiled;
use crate::policy::pattern::variables_in;
use crate::policy::request::Key;
use crate::policy::{Policy, Version};
use crate::source::{LineIndex, SourceId};
use crate::syntax::json::Lazy;
use crate::syntax::{Part, Text};

/// A place in the text of a policy, line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// A prepared policy.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) compiled: Arc<Compiled>,
    /// First character of each statement, and the one behind its last.
    pub(super) places: Vec<(Place, Place)>,
    /// Condition keys and policy variables, each once.
    pub(super) keys: Vec<(Key, Box<str>)>,
    pub(super) effort: Effort,
    /// The first statement that names a principal, and the first that names none; bytes from the start.
    named: Option<usize>,
    unnamed: Option<usize>,
}

/// Documents by their text, as given. What is kept is bounded.
#[derive(Debug, Default)]
pub(super) struct Cache {
    known: HashMap<Box<str>, Arc<Document>, BuildHasherDefault<Quick>>,
    size: usize,
    /// Hashes of texts that came once: most texts never come again, and are not worth keeping.
    once: Vec<u64>,
}

/// Bytes of texts that are kept. What is made of a text takes several times as much.
const KEPT: usize = 1 << 20;

/// How many texts are remembered as having come.
const ONCE: usize = 1 << 12;

/// A hash that costs little for long texts. Texts that clash cost a comparison each, and few are kept.
#[derive(Debug, Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let mut add = |word: u64| {
            self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        };
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            add(chunk.try_into().map_or(0, u64::from_le_bytes));
        }
        let rest = chunks.remainder();
        add(rest.iter().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}

impl Cache {
    /// Keeps a document that came before.
    fn keep(&mut self, text: &str, made: &Arc<Document>) {
        let hash = self.known.hasher().hash_one(text);
        self.once.resize(ONCE, 0);
        let place = usize::try_from(hash).unwrap_or(0) % ONCE;
        match self.once.get_mut(place) {
            Some(known) if *known == hash => {}
            Some(known) => {
                *known = hash;
                return;
            }
            None => return,
        }
        if text.len() > KEPT / 4 {
            return;
        }
        if self.size + text.len() > KEPT {
            self.known.clear();
            self.size = 0;
        }
        self.size += text.len();
        self.known.insert(text.into(), Arc::clone(made));
    }

    /// The document that `slice` holds, as an object or as a string. `attached` says whether it is the
    /// policy of a resource; `name` is what to call it.
    pub(super) fn document(
        &mut self,
        slice: Slice<'_>,
        attached: bool,
        name: &dyn Fn() -> String,
    ) -> Result<Arc<Document>, RequestError> {
        let document = match self.known.get(slice.text) {
            Some(known) => Arc::clone(known),
            None => {
                let made = Arc::new(read(slice, name)?);
                self.keep(slice.text, &made);
                made
            }
        };
        let wrong = if attached {
            document.unnamed.map(|at| (at, "a resource policy must name a principal"))
        } else {
            document
                .named
                .map(|at| (at, "a policy that binds an identity must not name a principal"))
        };
        match wrong {
            None => Ok(document),
            Some((at, message)) => {
                let text = Given::new(slice, name)?;
                Err(text.error(at, format!("{}: {message}", name())))
            }
        }
    }
}

/// The text of a policy.
struct Given<'a> {
    slice: Slice<'a>,
    /// The decoded text, if the policy is given as a string, and where its bytes come from.
    decoded: Option<(String, Vec<(usize, usize)>)>,
}

impl<'a> Given<'a> {
    fn new(slice: Slice<'a>, name: &dyn Fn() -> String) -> Result<Self, RequestError> {
        let error = |offset, message: String| RequestError { message, offset, place: None };
        if slice.text.starts_with('{') {
            return Ok(Self { slice, decoded: None });
        }
        if !slice.text.starts_with('"') {
            let message = format!("{} must be an object or a string of JSON", name());
            return Err(error(slice.start, message));
        }
        let string = Lazy::root(SOURCE, slice.text);
        let (text, map) = string
            .decoded()
            .map_err(|wrong| error(slice.start + wrong.span.start as usize, wrong.message))?;
        let segments = map.segments().iter();
        let segments = segments.map(|segment| (segment.child as usize, segment.parent as usize));
        Ok(Self { slice, decoded: Some((text, segments.collect())) })
    }

    fn text(&self) -> &str {
        self.decoded.as_ref().map_or(self.slice.text, |(text, _)| text)
    }

    /// An error at a byte of the policy's text.
    fn error(&self, at: usize, message: String) -> RequestError {
        let Some((text, segments)) = &self.decoded else {
            return RequestError { message, offset: self.slice.start + at, place: None };
        };
        let segment = segments.partition_point(|(child, _)| *child <= at).checked_sub(1);
        let within = segment
            .and_then(|segment| segments.get(segment))
            .map_or(0, |(child, parent)| parent + (at - child));
        let place = place(&LineIndex::new(text), text, at);
        RequestError { message, offset: self.slice.start + within, place: Some(place) }
    }
}

/// No text is looked up again, so one name does for all.
const SOURCE: SourceId = SourceId(0);

fn read(slice: Slice<'_>, name: &dyn Fn() -> String) -> Result<Document, RequestError> {
    let given = Given::new(slice, name)?;
    let text = given.text();
    let policy = &Policy::parse(text)
        .map_err(|wrong| given.error(wrong.offset, format!("{}: {}", name(), wrong.message)))?;
    let lines = LineIndex::new(text);
    let places = policy.statements.iter().map(|statement| {
        let (start, end) = (statement.span.start as usize, statement.span.end as usize);
        (place(&lines, text, start), place(&lines, text, end))
    });
    let first = |named: bool| {
        let mut statements = policy.statements.iter();
        let found = statements.find(|statement| statement.principal.is_some() == named);
        found.map(|statement| statement.span.start as usize)
    };
    Ok(Document {
        compiled: Arc::new(Compiled::from(policy)),
        places: places.collect(),
        keys: keys(policy),
        effort: Effort::of(policy),
        named: first(true),
        unnamed: first(false),
    })
}

fn place(lines: &LineIndex, text: &str, at: usize) -> Place {
    let position = lines.position(text, u32::try_from(at).unwrap_or(u32::MAX));
    Place { line: position.line, column: position.column }
}

/// Every condition key, and every variable that stands where variables are read.
fn keys(policy: &Policy) -> Vec<(Key, Box<str>)> {
    let mut out: Vec<(Key, Box<str>)> = Vec::new();
    let mut known = HashSet::new();
    let mut add = |name: &str| {
        // Keys ignore case; what is read here holds no placeholder.
        if known.insert(name.to_lowercase()) {
            out.push((Key::from(name), name.into()));
        }
    };
    let variables = policy.version == Version::V2012;
    let in_text = |text: &Text, after_fifth_colon: bool, add: &mut dyn FnMut(&str)| {
        if let [Part::Literal(_, literal)] = text.parts.as_slice()
            && variables
            && literal.contains("${")
        {
            variables_in(literal, after_fifth_colon).iter().for_each(|name| add(name));
        }
    };
    for statement in &policy.statements {
        for line in &statement.conditions {
            if let Some(name) = line.key.as_literal() {
                add(name);
            }
            let takes_variables = line
                .operator
                .as_literal()
                .is_some_and(|operator| operator.contains("String") || operator.contains("Arn"));
            if takes_variables {
                line.values.iter().for_each(|text| in_text(text, false, &mut add));
            }
        }
        for text in statement.resource.iter().flat_map(|resource| &resource.values) {
            in_text(text, true, &mut add);
        }
    }
    out
}
