//! Text, part of which is a named value that nobody can know from the files.
//!
//! A template's `${ClusterName}` and the NodePool name that Karpenter will send are both
//! [`Symbol`]s: equal to themselves, otherwise anything that their [`Shape`] permits.

use std::collections::HashMap;

/// A value that is not known, but has a name and a shape. Two symbols with the same `id` stand for
/// the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol {
    /// Index into [`Symbols`].
    pub id: u32,
    /// What the value can look like.
    pub shape: Shape,
}

/// What a symbol's value can look like: characters of one class, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// The characters.
    pub class: Class,
    /// Fewest characters.
    pub min: u16,
    /// Most characters; [`u16::MAX`] for no limit.
    pub max: u16,
}

/// A class of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Any character.
    Any,
    /// `a-z`, `0-9`, `-`, `.`: Kubernetes names (RFC 1123), regions.
    Name,
    /// `A-Z`, `a-z`, `0-9`, `-`, `_`: EKS clusters, SQS queues.
    Word,
    /// `0-9`.
    Digits,
    /// `0-9`, `a-f`, `-`: the part of a resource id after its prefix, UUIDs.
    Hex,
    /// Printable ASCII but `*`, `?`, `:` and white space: paths, roles, parameters.
    Path,
}

/// One piece of a [`Symbolic`] text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece {
    /// Known text.
    Literal(Box<str>),
    /// An unknown value.
    Symbol(Symbol),
}

/// Text made of known pieces and symbols. Two literals never stand side by side, none is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Symbolic {
    pieces: Pieces,
}

/// Most texts are one piece, which needs no list.
#[derive(Debug, Clone, Default)]
enum Pieces {
    #[default]
    None,
    One(Piece),
    Many(Vec<Piece>),
}

impl Pieces {
    fn as_slice(&self) -> &[Piece] {
        match self {
            Self::None => &[],
            Self::One(piece) => std::slice::from_ref(piece),
            Self::Many(pieces) => pieces,
        }
    }

    fn push(&mut self, piece: Piece) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(piece),
            Self::One(first) => Self::Many(vec![first, piece]),
            Self::Many(mut pieces) => {
                pieces.push(piece);
                Self::Many(pieces)
            }
        };
    }

    fn last_mut(&mut self) -> Option<&mut Piece> {
        match self {
            Self::None => None,
            Self::One(piece) => Some(piece),
            Self::Many(pieces) => pieces.last_mut(),
        }
    }
}

impl PartialEq for Pieces {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Pieces {}

impl std::hash::Hash for Pieces {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl PartialOrd for Pieces {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pieces {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

/// The names of the symbols of one controller.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    entries: Vec<(Box<str>, Shape)>,
    /// Where each name stands first in the first so many entries. Empty until there are many: most
    /// controllers have a dozen, and a copy of these is made for every version.
    places: HashMap<Box<str>, usize>,
    /// How many entries `places` knows of.
    placed: usize,
}

impl Symbol {
    /// A value that is in no [`Symbols`]: the same for one name, and another one for each other name.
    #[must_use]
    pub(crate) fn stranger(name: &str) -> Self {
        let hash = name
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        // No list of symbols is that long, and the last number is that of a value without a name.
        Self { id: (hash | 1 << 31) & !1, shape: Shape::ANY }
    }
}
/// So many names are looked through faster than they are put into a map.
const FEW_SYMBOLS: usize = 64;

impl Shape {
    /// Nothing is known, not even that there is a character.
    pub const ANY: Self = Self { class: Class::Any, min: 0, max: u16::MAX };

    /// `min..=max` characters of `class`.
    #[must_use]
    pub const fn new(class: Class, min: u16, max: u16) -> Self {
        Self { class, min, max }
    }
}

impl Class {
    /// Whether `c` is in the class.
    #[must_use]
    pub fn contains(self, c: char) -> bool {
        match self {
            Self::Any => true,
            Self::Name => c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'),
            Self::Word => c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
            Self::Digits => c.is_ascii_digit(),
            Self::Hex => c.is_ascii_digit() || matches!(c, 'a'..='f' | '-'),
            Self::Path => c.is_ascii_graphic() && !matches!(c, '*' | '?' | ':'),
        }
    }
}

impl Symbols {
    /// No symbols yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The symbol called `name`; made with `shape` if it is new.
    pub fn intern(&mut self, name: &str, shape: Shape) -> Symbol {
        let found = self.position(name);
        let id = found.unwrap_or_else(|| {
            self.entries.push((name.into(), shape));
            self.entries.len() - 1
        });
        let shape = self.entries.get(id).map_or(shape, |(_, shape)| *shape);
        Symbol { id: u32::try_from(id).unwrap_or(u32::MAX), shape }
    }

    /// A symbol of its own called `name`, even if there is another one of that name: what Karpenter
    /// sends as `${subnet}` has nothing to do with a template's `${subnet}`.
    pub fn fresh(&mut self, name: &str, shape: Shape) -> Symbol {
        self.entries.push((name.into(), shape));
        Symbol { id: u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX), shape }
    }

    /// Where a name stands first.
    fn position(&mut self, name: &str) -> Option<usize> {
        if self.entries.len() <= FEW_SYMBOLS {
            return self.entries.iter().position(|(known, _)| &**known == name);
        }
        for (at, (known, _)) in self.entries.iter().enumerate().skip(self.placed) {
            self.places.entry(known.clone()).or_insert(at);
        }
        self.placed = self.entries.len();
        self.places.get(name).copied()
    }

    /// The name of `symbol`, without `${}`.
    #[must_use]
    pub fn name(&self, symbol: Symbol) -> &str {
        self.entries.get(symbol.id as usize).map_or("?", |(name, _)| name)
    }
}

/// What is known of places says nothing that the entries do not.
impl PartialEq for Symbols {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Symbols {}

impl Symbolic {
    /// Known text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self::from(Box::from(text))
    }

    /// A symbol alone.
    #[must_use]
    pub fn symbol(symbol: Symbol) -> Self {
        Self { pieces: Pieces::One(Piece::Symbol(symbol)) }
    }

    /// Whether the text is empty, whatever its symbols stand for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces().is_empty()
    }

    /// The pieces in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        self.pieces.as_slice()
    }

    /// The symbols, in order.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> {
        self.pieces().iter().filter_map(|piece| match piece {
            Piece::Symbol(symbol) => Some(*symbol),
            Piece::Literal(_) => None,
        })
    }

    /// The text, if all of it is known.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.pieces() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it is one symbol of which nothing is known.
    pub(crate) fn is_anything(&self) -> bool {
        matches!(self.pieces(), [Piece::Symbol(symbol)] if symbol.shape == Shape::ANY)
    }

    /// How many bytes of it are known.
    #[must_use]
    pub fn known_len(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Symbol(_) => 0,
        };
        self.pieces().iter().map(length).sum()
    }

    /// What follows the fifth colon, if it is an ARN. A colon inside a symbol's value does not count.
    #[must_use]
    pub fn arn_tail(&self) -> Option<Self> {
        let mut colons = 0;
        let mut tail = Self::default();
        for piece in self.pieces() {
            match piece {
                Piece::Symbol(symbol) if colons == 5 => tail.push_symbol(*symbol),
                Piece::Symbol(_) => {}
                Piece::Literal(text) => {
                    let mut rest = &**text;
                    while colons < 5
                        && let Some((_, after)) = rest.split_once(':')
                    {
                        colons += 1;
                        rest = after;
                    }
                    if colons == 5 {
                        tail.push_str(rest);
                    }
                }
            }
        }
        (colons == 5).then_some(tail)
    }

    /// Appends known text.
    pub fn push_str(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Piece::Literal(last)) = self.pieces.last_mut() {
            let mut joined = String::from(std::mem::take(last));
            joined.push_str(text);
            *last = joined.into();
        } else {
            self.pieces.push(Piece::Literal(text.into()));
        }
    }

    /// Appends a symbol.
    pub fn push_symbol(&mut self, symbol: Symbol) {
        self.pieces.push(Piece::Symbol(symbol));
    }

    /// Appends another text.
    pub fn push(&mut self, other: &Self) {
        for piece in other.pieces() {
            match piece {
                Piece::Literal(text) => self.push_str(text),
                Piece::Symbol(symbol) => self.push_symbol(*symbol),
            }
        }
    }

    /// For people: symbols as `${name}`.
    #[must_use]
    pub fn display(&self, symbols: &Symbols) -> String {
        let mut out = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Symbol(symbol) => {
                    out.push_str("${");
                    out.push_str(symbols.name(*symbol));
                    out.push('}');
                }
            }
        }
        out
    }
}

/// Puts a text together without a copy for every piece.
#[derive(Debug)]
pub struct Builder {
    done: Symbolic,
    /// The known text behind the last symbol.
    text: String,
}

impl Builder {
    /// An empty text with room for so many bytes of known text.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { done: Symbolic::default(), text: String::with_capacity(bytes) }
    }

    /// Appends known text.
    pub fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends another text.
    pub fn push(&mut self, other: &Symbolic) {
        for piece in other.pieces() {
            match piece {
                Piece::Literal(text) => self.text.push_str(text),
                Piece::Symbol(symbol) => {
                    self.done.push_str(&self.text);
                    self.text.clear();
                    self.done.push_symbol(*symbol);
                }
            }
        }
    }

    /// The text.
    #[must_use]
    pub fn finish(mut self) -> Symbolic {
        if self.done.is_empty() {
            return Symbolic::from(self.text.into_boxed_str());
        }
        self.done.push_str(&self.text);
        self.done
    }
}

impl From<&str> for Symbolic {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

impl From<Box<str>> for Symbolic {
    fn from(text: Box<str>) -> Self {
        let none = text.is_empty();
        Self { pieces: if none { Pieces::None } else { Pieces::One(Piece::Literal(text)) } }
    }
}
