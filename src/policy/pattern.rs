//! One text of a policy, prepared for comparison: wildcards, policy variables and holes.
//!
//! Text that is fully known on both sides is compared without allocation; the rest goes through
//! `matching`.

use std::sync::OnceLock;

use super::matching::{Tok, may_match, open_symbols, relate, same_char, text_tokens};
use super::request::{Context, Key, Seen, Values};
use super::symbolic::{Piece, Symbol, Symbolic};
use super::tri::Tri;

/// Where `${…}` is a policy variable (IAM User Guide, *IAM policy elements: Variables and tags*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// Nowhere: it is literal text.
    Literal,
    /// Everywhere: values of `String…` and `Arn…` operators.
    Anywhere,
    /// After the fifth colon: `Resource` and `NotResource`.
    AfterFifthColon,
}

/// How a policy text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    /// Whether `*` and `?` are wildcards.
    pub wildcards: bool,
    /// Where `${…}` is a variable.
    pub variables: Variables,
    /// Whether case is ignored.
    pub fold: bool,
}

impl Syntax {
    /// Whether the text holds no variable in this syntax.
    pub(crate) fn is_plain(self, text: &str) -> bool {
        self.variables == Variables::Literal || !text.contains("${")
    }

    /// Wildcards, no variables.
    pub const WILDCARDS: Self =
        Self { wildcards: true, variables: Variables::Literal, fold: false };
}

/// A use of a policy variable: `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The context key.
    pub key: Key,
    /// The key as it is written.
    pub(crate) name: Symbolic,
    /// What stands in for a missing value.
    pub default: Option<Symbolic>,
}

/// A prepared text.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Made when first needed if all of the text is known.
    tokens: OnceLock<Box<[Tok]>>,
    variables: Box<[Variable]>,
    fold: bool,
    known: Option<Known>,
    /// The text itself, if it holds symbols: it matches itself.
    text: Option<Symbolic>,
}

/// A pattern without holes and variables.
#[derive(Debug, Clone)]
enum Known {
    /// `*`.
    All,
    Exact(Box<str>),
    /// Text and a final `*`.
    Prefix(Box<str>),
    Glob(Box<[Byte]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Byte {
    This(u8),
    One,
    Star,
}

/// Longest name of a variable; a key and a tag key are 128 characters each at most.
const NAME: usize = 1024;

/// More combinations of what variables could stand for are not tried.
const COMBINATIONS: usize = 64;

impl Pattern {
    /// Reads `text` as `syntax` says.
    #[must_use]
    pub fn new(text: &Symbolic, syntax: Syntax) -> Self {
        if let Some(text) = text.as_literal().filter(|text| syntax.is_plain(text)) {
            return Self::plain(text, syntax);
        }
        let (tokens, variables) = tokenize(text, syntax);
        let pattern = Self::from_tokens(&tokens, &variables, syntax.fold);
        let itself =
            pattern.known.is_none() && variables.is_empty() && !tokens.contains(&Tok::Free);
        Self { text: itself.then(|| text.clone()), ..pattern }
    }

    /// A text without variables.
    pub(crate) fn plain(text: &str, syntax: Syntax) -> Self {
        let known = Some(Known::plain(text, syntax));
        let (tokens, variables) = (OnceLock::new(), Box::default());
        Self { tokens, variables, fold: syntax.fold, known, text: None }
    }

    /// Whether the pattern is known text and wildcards.
    pub(crate) fn is_known(&self) -> bool {
        self.known.is_some()
    }

    pub(crate) fn tokens(&self) -> &[Tok] {
        self.tokens.get_or_init(|| self.known.as_ref().map(Known::tokens).unwrap_or_default())
    }

    pub(crate) fn from_tokens(tokens: &[Tok], variables: &[Variable], fold: bool) -> Self {
        let known = Known::new(tokens, fold);
        let tokens = OnceLock::from(Box::from(tokens));
        Self { tokens, variables: variables.into(), fold, known, text: None }
    }

    /// Whether the pattern is nothing but `*`.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self.known, Some(Known::All))
    }

    /// The text, if the pattern is one known text without wildcards.
    #[must_use]
    pub fn as_exact(&self) -> Option<&str> {
        match &self.known {
            Some(Known::Exact(text)) => Some(text),
            _ => None,
        }
    }

    /// The known text in front of the first wildcard or hole.
    pub(crate) fn front(&self) -> String {
        let char = |tok: &Tok| if let Tok::Char(c) = tok { Some(*c) } else { None };
        self.tokens().iter().map_while(char).collect()
    }

    /// The policy variables, in order.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Whether the pattern matches `text`, with the values of variables taken from `context`.
    #[must_use]
    pub fn matches(&self, text: &Symbolic, context: &Context) -> Tri {
        self.at_once(text).unwrap_or_else(|| self.matches_tokens(&text_tokens(text), context))
    }

    /// [`Self::matches`], where that needs no simulation.
    fn at_once(&self, text: &Symbolic) -> Option<Tri> {
        match (&self.known, text.as_literal()) {
            (Some(known), Some(text)) => Some(known.matches(text, self.fold).into()),
            (Some(Known::All), None) => Some(Tri::True),
            // Anything may be what is wanted, and no pattern but that takes anything.
            (Some(_), None) if text.is_anything() => Some(Tri::Unknown),
            (None, None) if self.text.as_ref() == Some(text) => Some(Tri::True),
            // What is known in front of the first symbol mostly settles it.
            _ => match text.pieces().first() {
                Some(Piece::Literal(front)) => self.matches_front(front),
                _ => None,
            },
        }
    }

    /// [`Self::matches`] for known text.
    #[must_use]
    pub fn matches_str(&self, text: &str, context: &Context) -> Tri {
        match &self.known {
            Some(known) => known.matches(text, self.fold).into(),
            None => self.matches_tokens(&text.chars().map(Tok::Char).collect::<Vec<_>>(), context),
        }
    }

    /// Whether it matches a text that begins with `front` and goes on with something unknown, where that
    /// settles it.
    pub(crate) fn matches_front(&self, front: &str) -> Option<Tri> {
        let differs = |own: &str| !own.starts_with(front) && !front.starts_with(own);
        match self.known.as_ref().filter(|_| !self.fold)? {
            Known::All => Some(Tri::True),
            Known::Prefix(own) if front.starts_with(&**own) => Some(Tri::True),
            Known::Prefix(own) => differs(own).then_some(Tri::False),
            Known::Exact(own) => (!own.starts_with(front)).then_some(Tri::False),
            Known::Glob(own) => {
                let fixed = own.iter().map_while(|byte| match byte {
                    Byte::This(byte) => Some(*byte),
                    Byte::One | Byte::Star => None,
                });
                fixed.zip(front.bytes()).any(|(own, byte)| own != byte).then_some(Tri::False)
            }
        }
    }

    /// Whether [`Self::matches`] would not be false, for less.
    pub(crate) fn may_match(&self, text: &Symbolic, context: &Context) -> bool {
        match self.at_once(text) {
            Some(settled) => settled != Tri::False,
            None if self.variables.is_empty() => {
                may_match(self.tokens(), &text_tokens(text), self.fold)
            }
            None => self.matches_tokens(&text_tokens(text), context) != Tri::False,
        }
    }

    pub(crate) fn matches_tokens(&self, text: &[Tok], context: &Context) -> Tri {
        if self.variables.is_empty() {
            return relate(self.tokens(), text, self.fold);
        }
        fill(self.tokens(), &self.variables, context, |tokens| relate(tokens, text, self.fold))
    }

    /// The pattern as characters and wildcards, and whether it ignores case.
    pub(crate) fn filled(&self, context: &Context) -> (Filled, bool) {
        (fill_known(self.tokens(), &self.variables, context), self.fold)
    }

    /// The symbols that keep the comparison with `text` open.
    pub(crate) fn open(&self, text: &Symbolic) -> Vec<Symbol> {
        open_symbols(self.tokens(), &text_tokens(text), self.fold)
    }
}

/// The keys of the policy variables in a text, as they are written in it.
pub(crate) fn variables_in(text: &str, after_fifth_colon: bool) -> Vec<String> {
    let variables =
        if after_fifth_colon { Variables::AfterFifthColon } else { Variables::Anywhere };
    let (_, found) = tokenize(&text.into(), Syntax { variables, ..Syntax::WILDCARDS });
    found.iter().filter_map(|variable| variable.name.as_literal().map(str::to_owned)).collect()
}

/// A pattern with its variables replaced.
#[derive(Debug)]
pub(crate) enum Filled {
    /// Characters and wildcards.
    Tokens(Vec<Tok>),
    /// A variable has no value: nothing matches.
    Nothing,
    /// It holds something that is not known.
    Open,
}

/// Replaces variables by their values, where all of them are known.
pub(crate) fn fill_known(tokens: &[Tok], variables: &[Variable], context: &Context) -> Filled {
    let mut out = Vec::with_capacity(tokens.len());
    for tok in tokens {
        match tok {
            Tok::Var(index) => {
                let Some(variable) = variables.get(usize::from(*index)) else {
                    return Filled::Open;
                };
                match stands_for(variable, context).as_slice() {
                    [Some(value)] => out.extend_from_slice(value),
                    [None] => return Filled::Nothing,
                    _ => return Filled::Open,
                }
            }
            tok => out.push(*tok),
        }
    }
    let plain = |tok: &Tok| matches!(tok, Tok::Char(_) | Tok::One | Tok::Star);
    if out.iter().all(plain) { Filled::Tokens(out) } else { Filled::Open }
}

/// Replaces variables by what they stand for in `context`, in every combination that is possible, and
/// asks `test` about each. A variable without a value makes the pattern match nothing.
pub(crate) fn fill(
    tokens: &[Tok],
    variables: &[Variable],
    context: &Context,
    test: impl Fn(&[Tok]) -> Tri,
) -> Tri {
    let choices: Vec<Vec<Option<Vec<Tok>>>> =
        variables.iter().map(|variable| stands_for(variable, context)).collect();
    let combinations =
        choices.iter().try_fold(1_usize, |product, choice| product.checked_mul(choice.len()));
    let Some(combinations) = combinations.filter(|count| *count <= COMBINATIONS) else {
        return Tri::Unknown;
    };
    Tri::agreed((0..combinations).map(|combination| {
        let mut rest = combination;
        let mut chosen = Vec::with_capacity(choices.len());
        for choice in &choices {
            let picked = choice.get(rest % choice.len().max(1));
            rest /= choice.len().max(1);
            match picked {
                Some(Some(tokens)) => chosen.push(tokens.as_slice()),
                _ => return Tri::False,
            }
        }
        let mut filled = Vec::with_capacity(tokens.len());
        for tok in tokens {
            match tok {
                Tok::Var(index) => filled
                    .extend_from_slice(chosen.get(usize::from(*index)).copied().unwrap_or(&[])),
                tok => filled.push(*tok),
            }
        }
        test(&filled)
    }))
}

/// All that a variable may stand for; `None` for no value at all. The text is literal: a `*` in it is
/// no wildcard.
fn stands_for(variable: &Variable, context: &Context) -> Vec<Option<Vec<Tok>>> {
    let default = || variable.default.as_ref().map(text_tokens);
    match context.seen(&variable.key) {
        Seen::Known(Values::One(value)) => vec![Some(text_tokens(value))],
        Seen::Known(Values::OneOf(values)) if !values.is_empty() => {
            values.iter().map(|value| Some(text_tokens(value))).collect()
        }
        // A key with several values has none as a variable.
        Seen::Known(Values::Many(_)) => vec![None],
        Seen::Absent => vec![default()],
        Seen::Present | Seen::Known(Values::OneOf(_)) => vec![Some(vec![Tok::Free])],
        Seen::Unknown => vec![default(), Some(vec![Tok::Free])],
    }
}

impl Known {
    /// A text without variables.
    fn plain(text: &str, syntax: Syntax) -> Self {
        let wild = |byte: u8| syntax.wildcards && matches!(byte, b'*' | b'?');
        let bytes = text.as_bytes();
        match bytes.iter().position(|byte| wild(*byte)) {
            None => Self::Exact(text.into()),
            Some(_) if bytes.iter().all(|byte| *byte == b'*') => Self::All,
            Some(at) if at + 1 == bytes.len() && bytes.ends_with(b"*") && !syntax.fold => {
                Self::Prefix(text.get(..at).unwrap_or("").into())
            }
            Some(_) => {
                let mut out = Vec::with_capacity(bytes.len());
                for byte in bytes {
                    match byte {
                        b'?' => out.push(Byte::One),
                        // A run of `*` is one `*`.
                        b'*' if out.last() == Some(&Byte::Star) => {}
                        b'*' => out.push(Byte::Star),
                        byte => out.push(Byte::This(*byte)),
                    }
                }
                Self::Glob(out.into())
            }
        }
    }

    fn tokens(&self) -> Box<[Tok]> {
        match self {
            Self::All => [Tok::Star].into(),
            Self::Exact(text) => text.chars().map(Tok::Char).collect(),
            Self::Prefix(text) => text.chars().map(Tok::Char).chain([Tok::Star]).collect(),
            Self::Glob(bytes) => {
                let (mut out, mut run) = (Vec::with_capacity(bytes.len()), Vec::new());
                for byte in bytes {
                    match byte {
                        Byte::This(byte) => run.push(*byte),
                        wildcard => {
                            out.extend(String::from_utf8_lossy(&run).chars().map(Tok::Char));
                            run.clear();
                            out.push(if *wildcard == Byte::One { Tok::One } else { Tok::Star });
                        }
                    }
                }
                out.extend(String::from_utf8_lossy(&run).chars().map(Tok::Char));
                out.into()
            }
        }
    }

    fn new(tokens: &[Tok], fold: bool) -> Option<Self> {
        let mut bytes = Vec::with_capacity(tokens.len());
        for tok in tokens {
            match tok {
                Tok::Char(c) => {
                    bytes.extend(c.encode_utf8(&mut [0; 4]).bytes().map(Byte::This));
                }
                Tok::One => bytes.push(Byte::One),
                // A run of `*` is one `*`.
                Tok::Star if bytes.last() == Some(&Byte::Star) => {}
                Tok::Star => bytes.push(Byte::Star),
                Tok::Symbol(_) | Tok::Wild(_) | Tok::Free | Tok::Var(_) => return None,
            }
        }
        let literal = |tokens: &[Tok]| {
            let char = |tok: &Tok| if let Tok::Char(c) = tok { Some(*c) } else { None };
            tokens.iter().map(char).collect::<Option<String>>().map(String::into_boxed_str)
        };
        if bytes.as_slice() == [Byte::Star] {
            return Some(Self::All);
        }
        if let Some(text) = literal(tokens) {
            return Some(Self::Exact(text));
        }
        match tokens {
            [front @ .., Tok::Star] if !fold => {
                if let Some(text) = literal(front) {
                    return Some(Self::Prefix(text));
                }
            }
            _ => {}
        }
        Some(Self::Glob(bytes.into()))
    }

    fn matches(&self, text: &str, fold: bool) -> bool {
        match self {
            Self::All => true,
            Self::Exact(own) if fold => {
                let mut chars = text.chars();
                own.chars().all(|own| chars.next().is_some_and(|c| same_char(own, c, true)))
                    && chars.next().is_none()
            }
            Self::Exact(own) => **own == *text,
            Self::Prefix(own) => text.starts_with(&**own),
            Self::Glob(bytes) => glob(bytes, text.as_bytes(), fold),
        }
    }
}

/// Greedy matching that goes back only to the last `*`: what an earlier one took need never change.
/// Case is ignored for ASCII only (action names).
fn glob(pattern: &[Byte], text: &[u8], fold: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(Byte::Star), _) => {
                last = Some((p + 1, t));
                p += 1;
                continue;
            }
            (Some(Byte::This(own)), Some(byte)) => {
                (own == byte || (fold && own.eq_ignore_ascii_case(byte))).then_some(1)
            }
            // A character begins where the byte is no continuation byte.
            (Some(Byte::One), Some(byte)) => (byte & 0xc0 != 0x80).then(|| {
                let rest = text.get(t + 1..).unwrap_or(&[]);
                1 + rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count()
            }),
            (Some(_), None) | (None, Some(_)) => None,
        };
        match (step, last) {
            (Some(step), _) => (p, t) = (p + 1, t + step),
            (None, Some((star, taken))) if taken < text.len() => {
                last = Some((star, taken + 1));
                (p, t) = (star, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// Reads a policy text into tokens and the variables they refer to.
pub(crate) fn tokenize(text: &Symbolic, syntax: Syntax) -> (Vec<Tok>, Vec<Variable>) {
    let raw = text_tokens(text);
    let (mut out, mut variables) = (Vec::with_capacity(raw.len()), Vec::new());
    let (mut colons, mut certain) = (0, true);
    let mut rest = raw.as_slice();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let allowed = match syntax.variables {
            Variables::Literal => false,
            Variables::Anywhere => true,
            Variables::AfterFifthColon => colons >= 5 || !certain,
        };
        match first {
            Tok::Char('$') if allowed => {
                if let [Tok::Char('{'), inner @ ..] = tail
                    && let Some((found, after)) = variable(inner)
                    && let Ok(index) = u16::try_from(variables.len())
                {
                    rest = after;
                    match found {
                        // Whether this is a variable hangs on how many colons a hole holds.
                        _ if syntax.variables == Variables::AfterFifthColon && colons < 5 => {
                            out.push(Tok::Free);
                        }
                        Found::Plain(c) => out.push(Tok::Char(c)),
                        Found::Variable(variable) => {
                            out.push(Tok::Var(index));
                            variables.push(variable);
                        }
                    }
                } else {
                    out.push(*first);
                }
            }
            Tok::Char('*') if syntax.wildcards => out.push(Tok::Star),
            Tok::Char('?') if syntax.wildcards => out.push(Tok::One),
            Tok::Symbol(symbol) => {
                certain = certain && !first.may_hold_colon();
                let wild = syntax.wildcards && symbol.shape.class.contains('*');
                out.push(if wild { Tok::Wild(*symbol) } else { *first });
            }
            tok => {
                colons += usize::from(*tok == Tok::Char(':'));
                out.push(*tok);
            }
        }
    }
    (out, variables)
}

enum Found {
    /// `${*}`, `${?}`, `${$}`.
    Plain(char),
    Variable(Variable),
}

/// Reads a variable behind its `${`; `None` if it is not well formed, and so plain text.
fn variable(inner: &[Tok]) -> Option<(Found, &[Tok])> {
    if let [Tok::Char(c @ ('*' | '?' | '$')), Tok::Char('}'), after @ ..] = inner {
        return Some((Found::Plain(*c), after));
    }
    let bad = |tok: &Tok| matches!(tok, Tok::Char(c) if matches!(c, '{' | '$' | '\'') || c.is_whitespace());
    let end = inner.iter().take(NAME).position(|tok| matches!(tok, Tok::Char('}' | ',')))?;
    let (name, after) = inner.split_at_checked(end)?;
    if name.is_empty() || name.iter().any(bad) {
        return None;
    }
    let name = symbolic(name);
    let key = Key::new(&name);
    match after {
        [Tok::Char('}'), after @ ..] => {
            Some((Found::Variable(Variable { key, name, default: None }), after))
        }
        [Tok::Char(','), Tok::Char(' '), Tok::Char('\''), after @ ..] => {
            let end = after.iter().position(|tok| *tok == Tok::Char('\''))?;
            let (default, after) = after.split_at_checked(end)?;
            let [_, Tok::Char('}'), after @ ..] = after else { return None };
            let default = Some(symbolic(default));
            Some((Found::Variable(Variable { key, name, default }), after))
        }
        _ => None,
    }
}

fn symbolic(tokens: &[Tok]) -> Symbolic {
    let (mut out, mut run) = (Symbolic::default(), String::new());
    for tok in tokens {
        match tok {
            Tok::Char(c) => run.push(*c),
            Tok::Symbol(symbol) => {
                out.push_str(&std::mem::take(&mut run));
                out.push_symbol(*symbol);
            }
            Tok::One | Tok::Star | Tok::Wild(_) | Tok::Free | Tok::Var(_) => {}
        }
    }
    out.push_str(&run);
    out
}
