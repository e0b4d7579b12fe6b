//! Pattern against text when either holds symbols: does every filling of the symbols match, does
//! none, or does it depend?
//!
//! Two simulations, each sound for one side. [`certain`] looks for one alignment that works whatever
//! the symbols stand for; [`possible`] forgets which symbol is which and asks whether the two
//! languages meet. Neither answers wrongly; what is left between them is [`Tri::Unknown`].

#[cfg(test)]
mod tests;

use super::symbolic::{Class, Piece, Shape, Symbol, Symbolic};
use super::tri::Tri;

/// One element of a pattern or of a text. Texts hold no wildcards and no variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tok {
    /// This character.
    Char(char),
    /// `?`.
    One,
    /// `*`.
    Star,
    /// An unknown value that stands for itself, character by character.
    Symbol(Symbol),
    /// An unknown value written into a pattern: a `*` in it is a wildcard.
    Wild(Symbol),
    /// Some value of which nothing is known, not even which of them it is.
    Free,
    /// A policy variable, by its index; replaced before matching.
    Var(u16),
}

impl Tok {
    /// Whether what this stands for may hold a `:`.
    pub(crate) fn may_hold_colon(self) -> bool {
        match self {
            Self::Symbol(symbol) => symbol.shape.class.contains(':'),
            Self::Wild(_) | Self::Free | Self::Var(_) => true,
            Self::Char(_) | Self::One | Self::Star => false,
        }
    }
}

/// A text as tokens.
pub(crate) fn text_tokens(text: &Symbolic) -> Vec<Tok> {
    let mut out = Vec::new();
    for piece in text.pieces() {
        match piece {
            Piece::Literal(text) => out.extend(text.chars().map(Tok::Char)),
            Piece::Symbol(symbol) => out.push(Tok::Symbol(*symbol)),
        }
    }
    out
}

impl Symbolic {
    /// Whether two texts are the same, ignoring case if `fold`, whatever their symbols stand for.
    #[must_use]
    pub fn same(&self, other: &Self, fold: bool) -> Tri {
        relate(&text_tokens(self), &text_tokens(other), fold)
    }
}

/// Whether two characters are the same, ignoring case if `fold`.
pub(crate) fn same_char(a: char, b: char, fold: bool) -> bool {
    a == b || (fold && (a.eq_ignore_ascii_case(&b) || a.to_lowercase().eq(b.to_lowercase())))
}

/// Cells that a simulation may visit. Two texts of the largest policy stay below; what does not is
/// answered with `Unknown` rather than slowly.
const CELLS: usize = 1 << 22;

/// Fewest characters of a symbol that are told apart; beyond, only "at least that many".
const LENGTHS: u16 = 64;

/// Whether `pattern` matches `text`.
pub(crate) fn relate(pattern: &[Tok], text: &[Tok], fold: bool) -> Tri {
    let (pattern, text) = strip(pattern, text, fold);
    if let Some(settled) = at_the_ends(pattern, text) {
        settled
    } else if is_known(pattern, text) {
        glob(pattern, text, fold).into()
    } else if certain(pattern, text, fold) {
        Tri::True
    } else if possible(pattern, text, fold) {
        Tri::Unknown
    } else {
        Tri::False
    }
}

/// Whether `pattern` may match `text`: half the work of [`relate`], where it does not matter how sure that is.
pub(crate) fn may_match(pattern: &[Tok], text: &[Tok], fold: bool) -> bool {
    let (pattern, text) = strip(pattern, text, fold);
    match at_the_ends(pattern, text) {
        Some(settled) => settled != Tri::False,
        None if is_known(pattern, text) => glob(pattern, text, fold),
        None => possible(pattern, text, fold),
    }
}

/// The answer, where the ends of what [`strip`] left show it.
fn at_the_ends(pattern: &[Tok], text: &[Tok]) -> Option<Tri> {
    match (pattern, text) {
        ([], []) => Some(Tri::True),
        (pattern, _) if !pattern.is_empty() && pattern.iter().all(|tok| *tok == Tok::Star) => {
            Some(Tri::True)
        }
        ([Tok::Char(_), ..], []) | ([], [Tok::Char(_), ..]) => Some(Tri::False),
        // What is equal was taken away.
        ([Tok::Char(_), ..], [Tok::Char(_), ..]) | ([.., Tok::Char(_)], [.., Tok::Char(_)]) => {
            Some(Tri::False)
        }
        _ => None,
    }
}

/// Whether nothing in either is open.
fn is_known(pattern: &[Tok], text: &[Tok]) -> bool {
    pattern.iter().all(|tok| matches!(tok, Tok::Char(_) | Tok::One | Tok::Star))
        && text.iter().all(|tok| matches!(tok, Tok::Char(_)))
}

/// Whether characters and wildcards match characters. Goes back only to the last `*`, as what an earlier
/// one took need never change, and so needs no limit on their number.
fn glob(pattern: &[Tok], text: &[Tok], fold: bool) -> bool {
    let (mut own, mut rest) = (pattern, text);
    // Behind the last `*`, and what it has not yet taken.
    let mut last: Option<(&[Tok], &[Tok])> = None;
    loop {
        match (own, rest) {
            ([], []) => return true,
            ([Tok::Star, after @ ..], _) => {
                (own, last) = (after, Some((after, rest)));
                continue;
            }
            ([Tok::One, after @ ..], [_, left @ ..]) => {
                (own, rest) = (after, left);
                continue;
            }
            ([Tok::Char(p), after @ ..], [Tok::Char(t), left @ ..]) if same_char(*p, *t, fold) => {
                (own, rest) = (after, left);
                continue;
            }
            _ => {}
        }
        let Some((after, [_, left @ ..])) = last else { return false };
        (own, rest, last) = (after, left, Some((after, left)));
    }
}

/// Takes away what stands at both ends of both: `v·P` matches `v·T` exactly if `P` matches `T`.
fn strip<'a>(mut pattern: &'a [Tok], mut text: &'a [Tok], fold: bool) -> (&'a [Tok], &'a [Tok]) {
    let same = |p: &Tok, t: &Tok| match (p, t) {
        (Tok::Char(p), Tok::Char(t)) => same_char(*p, *t, fold),
        (Tok::Symbol(p), Tok::Symbol(t)) => p.id == t.id,
        (Tok::One, Tok::Char(_)) => true,
        _ => false,
    };
    while let ([p, pattern_rest @ ..], [t, text_rest @ ..]) = (pattern, text) {
        if !same(p, t) {
            break;
        }
        (pattern, text) = (pattern_rest, text_rest);
    }
    while let ([pattern_rest @ .., p], [text_rest @ .., t]) = (pattern, text) {
        if !same(p, t) {
            break;
        }
        (pattern, text) = (pattern_rest, text_rest);
    }
    (pattern, text)
}

/// How often a unit may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Once,
    Maybe,
    Loop,
}

/// One step of a simulation: a set of characters, and how often.
#[derive(Debug, Clone, Copy)]
struct Unit {
    set: Set,
    repeat: Repeat,
    /// At the first unit of a symbol: which one, and how many units it has.
    symbol: Option<(u32, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum Set {
    Char(char),
    Class(Class),
}

impl Set {
    fn meets(self, other: Self, fold: bool) -> bool {
        match (self, other) {
            (Self::Char(a), Self::Char(b)) => same_char(a, b, fold),
            (Self::Char(c), Self::Class(class)) | (Self::Class(class), Self::Char(c)) => {
                // Beyond ASCII only `Class::Any` counts, and that holds every character anyway.
                let cases = [c, c.to_ascii_lowercase(), c.to_ascii_uppercase()];
                class.contains(c)
                    || (fold && (cases.iter().any(|c| class.contains(*c)) || !c.is_ascii()))
            }
            // Digits are in every class.
            (Self::Class(_), Self::Class(_)) => true,
        }
    }
}

fn units(tokens: &[Tok]) -> Vec<Unit> {
    let mut out = Vec::with_capacity(tokens.len());
    for tok in tokens {
        let any = Set::Class(Class::Any);
        match tok {
            Tok::Char(c) => {
                out.push(Unit { set: Set::Char(*c), repeat: Repeat::Once, symbol: None })
            }
            Tok::One => out.push(Unit { set: any, repeat: Repeat::Once, symbol: None }),
            // A `*` in the value of a hole takes any run, however short the value itself is.
            Tok::Star | Tok::Wild(_) | Tok::Free | Tok::Var(_) => {
                out.push(Unit { set: any, repeat: Repeat::Loop, symbol: None });
            }
            Tok::Symbol(symbol) => symbol_units(*symbol, &mut out),
        }
    }
    out
}

fn symbol_units(symbol: Symbol, out: &mut Vec<Unit>) {
    let Shape { class, min, max } = symbol.shape;
    let set = Set::Class(class);
    let start = out.len();
    let push = |out: &mut Vec<Unit>, repeat| out.push(Unit { set, repeat, symbol: None });
    for _ in 0..min.min(LENGTHS) {
        push(out, Repeat::Once);
    }
    let rest = max.saturating_sub(min.min(LENGTHS));
    if max == u16::MAX || rest > LENGTHS {
        push(out, Repeat::Loop);
    } else {
        for _ in 0..rest {
            push(out, Repeat::Maybe);
        }
    }
    let length = out.len() - start;
    if let Some(first) = out.get_mut(start) {
        first.symbol = Some((symbol.id, length));
    }
}

/// A grid of reached places, walked row by row: every step goes on in the pattern, in the text, or
/// in both, never back.
struct Grid {
    rows: Vec<Vec<bool>>,
    width: usize,
}

impl Grid {
    fn new(height: usize, width: usize) -> Option<Self> {
        if height.saturating_mul(width) > CELLS {
            return None;
        }
        let mut grid = Self { rows: vec![vec![false; width]; height], width };
        grid.reach(0, 0);
        Some(grid)
    }

    fn reach(&mut self, row: usize, column: usize) {
        if let Some(cell) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = true;
        }
    }

    fn reached(&self, row: usize, column: usize) -> bool {
        self.rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(false)
    }

    fn accepted(&self) -> bool {
        self.reached(self.rows.len().saturating_sub(1), self.width.saturating_sub(1))
    }
}

/// Whether some filling of the symbols could match. May say yes too often, never no.
fn possible(pattern: &[Tok], text: &[Tok], fold: bool) -> bool {
    let (pattern, text) = (units(pattern), units(text));
    let Some(mut grid) = Grid::new(pattern.len() + 1, text.len() + 1) else { return true };
    for row in 0..=pattern.len() {
        let p = pattern.get(row);
        for column in 0..=text.len() {
            if !grid.reached(row, column) {
                continue;
            }
            let t = text.get(column);
            if p.is_some_and(|p| p.repeat != Repeat::Once) {
                grid.reach(row + 1, column);
            }
            if t.is_some_and(|t| t.repeat != Repeat::Once) {
                grid.reach(row, column + 1);
            }
            if let (Some(p), Some(t)) = (p, t)
                && p.set.meets(t.set, fold)
            {
                let down = usize::from(p.repeat != Repeat::Loop);
                let right = usize::from(t.repeat != Repeat::Loop);
                grid.reach(row + down, column + right);
            }
        }
    }
    grid.accepted()
}

/// Whether every filling of the symbols matches. May say no too often, never yes.
fn certain(pattern: &[Tok], text: &[Tok], fold: bool) -> bool {
    let text = units(text);
    let Some(mut grid) = Grid::new(pattern.len() + 1, text.len() + 1) else { return false };
    for (row, p) in pattern.iter().enumerate() {
        for column in 0..=text.len() {
            if !grid.reached(row, column) {
                continue;
            }
            let t = text.get(column);
            match p {
                Tok::Star => {
                    grid.reach(row + 1, column);
                    grid.reach(row, column + 1);
                }
                Tok::One if t.is_some_and(|t| t.repeat == Repeat::Once) => {
                    grid.reach(row + 1, column + 1)
                }
                Tok::Char(c)
                    if t.is_some_and(
                        |t| matches!(t.set, Set::Char(d) if same_char(*c, d, fold)),
                    ) =>
                {
                    grid.reach(row + 1, column + 1);
                }
                Tok::Symbol(symbol) | Tok::Wild(symbol) => {
                    // A pattern matches itself as text, also where it holds wildcards.
                    if let Some((id, length)) = t.and_then(|t| t.symbol)
                        && id == symbol.id
                    {
                        grid.reach(row + 1, column + length);
                    }
                    if symbol.shape.max == 0 {
                        grid.reach(row + 1, column);
                    }
                }
                // Nothing is certain of these but that a `*` elsewhere may take their place.
                Tok::One | Tok::Char(_) | Tok::Free | Tok::Var(_) => {}
            }
        }
    }
    grid.accepted()
}

/// The symbols that keep `pattern` against `text` open, in no particular order.
pub(crate) fn open_symbols(pattern: &[Tok], text: &[Tok], fold: bool) -> Vec<Symbol> {
    let (pattern, text) = strip(pattern, text, fold);
    let symbol = |tok: &Tok| match tok {
        Tok::Symbol(symbol) | Tok::Wild(symbol) => Some(*symbol),
        _ => None,
    };
    pattern.iter().chain(text).filter_map(symbol).collect()
}
