//! ARN patterns: `Resource`, `NotResource`, and the values of `Arn…` operators.
//!
//! An ARN has six segments, split at the first five colons; the sixth keeps its own. Each segment is
//! its own pattern (IAM User Guide, *IAM JSON policy elements: Resource*, *Condition operators*).

#[cfg(test)]
mod tests;

use std::cell::OnceCell;

use memchr::memchr;

use super::matching::{Tok, may_match, open_symbols, relate, text_tokens};
use super::pattern::{Filled, Pattern, Syntax, Variable, Variables, fill, fill_known, tokenize};
use super::request::{Context, Target};
use super::symbolic::{Piece, Symbol, Symbolic};
use super::tri::Tri;

/// Segments of an ARN.
const SEGMENTS: usize = 6;

/// Which text the pattern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArnUse {
    /// A value of `Resource` or `NotResource`: variables only after the fifth colon; a short pattern
    /// that ends in `*` covers the rest.
    Resource,
    /// A value of an `Arn…` operator: variables anywhere, always six segments, but for a lone `*`.
    Operator,
}

/// A prepared ARN pattern.
#[derive(Debug, Clone)]
pub struct ArnPattern {
    /// The pattern as one text.
    whole: Pattern,
    usage: ArnUse,
    shape: Shape,
    crossing: bool,
}

#[derive(Debug, Clone)]
enum Shape {
    /// Nothing but `*`.
    All,
    /// One pattern for each segment; the sixth one for the rest. Fewer of them end in a `*` that takes
    /// the segments that follow, and are compared with their own ones only.
    Segments(Box<[Pattern]>),
    /// Too few segments: matches nothing.
    Short,
    /// A hole or a variable may hold colons, so that the segments are not known.
    Opaque,
}

impl ArnPattern {
    /// Reads `text`; `variables` is false in policies of 2008.
    #[must_use]
    pub fn new(text: &Symbolic, usage: ArnUse, variables: bool) -> Self {
        let variables = match (variables, usage) {
            (false, _) => Variables::Literal,
            (true, ArnUse::Resource) => Variables::AfterFifthColon,
            (true, ArnUse::Operator) => Variables::Anywhere,
        };
        let syntax = Syntax { wildcards: true, variables, fold: false };
        if let Some(text) = text.as_literal().filter(|text| syntax.is_plain(text)) {
            return Self::plain(text, usage, syntax);
        }
        let (tokens, variables) = tokenize(text, syntax);
        let shape = Shape::new(&tokens, &variables, usage);
        let segments = split(&tokens, SEGMENTS);
        let ends_in_star = |segment: &&[Tok]| segment.last() == Some(&Tok::Star);
        let crossing = match tokens.as_slice() {
            // The `*` at the end takes what follows anyway.
            [front @ .., Tok::Star] if segments.len() < SEGMENTS => {
                front.iter().any(|tok| matches!(tok, Tok::Star | Tok::One))
            }
            _ if segments.len() < SEGMENTS => false,
            _ => segments.iter().take(SEGMENTS - 1).any(ends_in_star),
        };
        let whole = Pattern::from_tokens(&tokens, &variables, false);
        Self { whole, usage, shape, crossing }
    }

    /// A text without variables.
    fn plain(text: &str, usage: ArnUse, syntax: Syntax) -> Self {
        let segments = || text.splitn(SEGMENTS, ':');
        let count = segments().count();
        let shape = if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            Shape::All
        } else if count < SEGMENTS && !(text.ends_with('*') && usage == ArnUse::Resource) {
            Shape::Short
        } else {
            Shape::Segments(segments().map(|segment| Pattern::plain(segment, syntax)).collect())
        };
        let crossing = match text.strip_suffix('*') {
            // The `*` at the end takes what follows anyway.
            Some(front) if count < SEGMENTS => front.contains(['*', '?']),
            None if count < SEGMENTS => false,
            _ => segments().take(SEGMENTS - 1).any(|segment| segment.ends_with('*')),
        };
        Self { whole: Pattern::plain(text, syntax), usage, shape, crossing }
    }

    /// Whether the pattern is a lone `*`, which covers also the "no particular resource" of list calls.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self.shape, Shape::All)
    }

    fn tokens(&self) -> &[Tok] {
        self.whole.tokens()
    }

    /// The policy variables, in order.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        self.whole.variables()
    }

    /// The symbols that keep the comparison with `arn` open: those of the segments that are.
    pub(crate) fn open(&self, arn: &Symbolic) -> Vec<Symbol> {
        let arn = text_tokens(arn);
        let segments = split(self.tokens(), SEGMENTS);
        let parts = split(&arn, SEGMENTS);
        if parts.len() != SEGMENTS
            || is_short(&segments, self.usage)
            || is_opaque(self.tokens())
            || is_opaque(&arn)
        {
            return open_symbols(self.tokens(), &arn, false);
        }
        let open = segments
            .iter()
            .zip(&parts)
            .filter(|(own, part)| relate(own, part, false) == Tri::Unknown);
        open.flat_map(|(own, part)| open_symbols(own, part, false)).collect()
    }

    /// The pattern of an `Arn…` operator as six segments of characters and wildcards.
    pub(crate) fn filled(&self, context: &Context) -> Filled {
        match fill_known(self.tokens(), self.variables(), context) {
            Filled::Tokens(tokens) => match tokens.as_slice() {
                [first, rest @ ..]
                    if *first == Tok::Star && rest.iter().all(|tok| *tok == Tok::Star) =>
                {
                    Filled::Tokens(any_arn())
                }
                _ if split(&tokens, SEGMENTS).len() < SEGMENTS => Filled::Nothing,
                _ => Filled::Tokens(tokens),
            },
            filled => filled,
        }
    }

    /// Whether the pattern covers the resource of a request.
    #[must_use]
    pub fn covers(&self, target: &Target, context: &Context) -> Tri {
        match target {
            Target::Arn(arn) => self.matches(arn, context),
            Target::Any => self.covers_any(),
        }
    }

    /// Whether the pattern covers no particular resource.
    pub(crate) fn covers_any(&self) -> Tri {
        let blank = |tok: &Tok| matches!(tok, Tok::Star | Tok::Wild(_));
        if self.is_all() {
            Tri::True
        } else if self.whole.is_known() {
            Tri::False
        } else if self.tokens().iter().all(blank) && !self.tokens().is_empty() {
            // A hole on its own may turn out to be `*`.
            Tri::Unknown
        } else {
            Tri::False
        }
    }

    /// Whether the pattern matches an ARN.
    #[must_use]
    pub fn matches(&self, arn: &Symbolic, context: &Context) -> Tri {
        self.matches_cut(&CutArn::new(arn), context)
    }

    /// [`Self::matches`] for an ARN that is compared with many patterns.
    pub(crate) fn matches_cut(&self, arn: &CutArn<'_>, context: &Context) -> Tri {
        match (&self.shape, &arn.cut) {
            (Shape::All, _) if self.usage == ArnUse::Resource => Tri::True,
            (Shape::Short, _) => Tri::False,
            // The last segment tells most, so it comes first.
            (Shape::Segments(segments), Some(cut)) => {
                let each = segments.iter().zip(&cut.parts).enumerate().rev();
                let matches = |(place, (own, part)): (usize, (&Pattern, &Segment<'_>))| {
                    if !part.is_open {
                        return own.matches_str(part.front, context);
                    }
                    let whole = || own.matches_tokens(arn.tokens_of(place), context);
                    own.matches_front(part.front).unwrap_or_else(whole)
                };
                Tri::from(cut.complete).and(Tri::all(each.map(matches)))
            }
            (Shape::All, Some(cut)) if let Some(known) = arn.text.as_literal() => {
                (cut.complete && known.starts_with("arn:")).into()
            }
            _ => self.matches_tokens(arn.tokens(), context),
        }
    }

    fn matches_tokens(&self, arn: &[Tok], context: &Context) -> Tri {
        if self.variables().is_empty() {
            return relate_arns(self.tokens(), arn, self.usage);
        }
        fill(self.tokens(), self.variables(), context, |tokens| {
            relate_arns(tokens, arn, self.usage)
        })
    }

    /// Whether the pattern, which does not match segment by segment, matches if a `*` at the end of a
    /// segment reaches past a colon. The User Guide says in one place that it does and in another that
    /// it does not.
    #[must_use]
    pub(crate) fn crosses_colon(&self, arn: &CutArn<'_>, context: &Context) -> bool {
        // Five colons of the pattern stand against the five of the ARN, one by one: no `*` takes any.
        let all_colons = || matches!(&self.shape, Shape::Segments(all) if all.len() == SEGMENTS);
        let room = self.crossing && !(arn.just_five_colons && all_colons());
        room && self.whole.may_match(arn.text, context)
    }
}

/// An ARN, cut into its segments once.
#[derive(Debug, Clone)]
pub(crate) struct CutArn<'a> {
    text: &'a Symbolic,
    /// `None` where a symbol may hold a colon in front of the last segment.
    cut: Option<Cut<'a>>,
    /// Whether there are as many colons as segments need, and no symbol can hold one.
    just_five_colons: bool,
    tokens: OnceCell<Vec<Tok>>,
}

#[derive(Debug, Clone, Default)]
struct Cut<'a> {
    parts: [Segment<'a>; SEGMENTS],
    /// Whether there are that many.
    complete: bool,
}

#[derive(Debug, Clone, Default)]
struct Segment<'a> {
    /// The text in front of its first symbol.
    front: &'a str,
    /// Whether something follows that is not known.
    is_open: bool,
}

impl<'a> Cut<'a> {
    /// `None` where a symbol may hold a colon in front of the last segment.
    fn new(text: &'a Symbolic) -> Option<Self> {
        let mut parts: [Segment<'a>; SEGMENTS] = Default::default();
        let mut at = 0;
        for piece in text.pieces() {
            match piece {
                Piece::Symbol(symbol) => {
                    if at + 1 < SEGMENTS && symbol.shape.class.contains(':') {
                        return None;
                    }
                    if let Some(own) = parts.get_mut(at) {
                        own.is_open = true;
                    }
                }
                Piece::Literal(literal) => {
                    let mut rest = &**literal;
                    loop {
                        let colon = (at + 1 < SEGMENTS).then(|| memchr(b':', rest.as_bytes()));
                        let cut = colon.flatten().and_then(|colon| rest.split_at_checked(colon));
                        let (part, after) = cut
                            .map_or((rest, None), |(part, after)| (part, after.strip_prefix(':')));
                        if let Some(own) = parts.get_mut(at).filter(|own| !own.is_open) {
                            own.front = part;
                        }
                        let Some(after) = after else { break };
                        at += 1;
                        rest = after;
                    }
                }
            }
        }
        Some(Self { parts, complete: at + 1 == SEGMENTS })
    }
}

impl<'a> CutArn<'a> {
    pub(crate) fn new(text: &'a Symbolic) -> Self {
        let cut = Cut::new(text);
        let just_five_colons = cut.as_ref().is_some_and(|cut| cut.complete) && {
            let colons = text.pieces().iter().map(|piece| match piece {
                Piece::Literal(text) => text.bytes().filter(|byte| *byte == b':').count(),
                Piece::Symbol(symbol) if symbol.shape.class.contains(':') => SEGMENTS,
                Piece::Symbol(_) => 0,
            });
            colons.sum::<usize>() == SEGMENTS - 1
        };
        Self { text, cut, just_five_colons, tokens: OnceCell::new() }
    }

    /// The tokens of the segment at `place`.
    fn tokens_of(&self, place: usize) -> &[Tok] {
        let mut parts = self.tokens().splitn(SEGMENTS, |tok| *tok == Tok::Char(':'));
        parts.nth(place).unwrap_or(&[])
    }

    fn tokens(&self) -> &[Tok] {
        self.tokens.get_or_init(|| text_tokens(self.text))
    }
}

impl Shape {
    fn new(tokens: &[Tok], variables: &[Variable], usage: ArnUse) -> Self {
        if !tokens.is_empty() && tokens.iter().all(|tok| *tok == Tok::Star) {
            return Self::All;
        }
        let segments = split(tokens, SEGMENTS);
        if is_opaque(tokens) {
            return Self::Opaque;
        }
        if is_short(&segments, usage) {
            return Self::Short;
        }
        let pattern = |segment: &&[Tok]| Pattern::from_tokens(segment, variables, false);
        Self::Segments(segments.iter().map(pattern).collect())
    }
}

/// Splits at the first colons, into at most `limit` segments.
fn split(tokens: &[Tok], limit: usize) -> Vec<&[Tok]> {
    tokens.splitn(limit, |tok| *tok == Tok::Char(':')).collect()
}

/// Whether something in front of the last segment may hold colons.
fn is_opaque(tokens: &[Tok]) -> bool {
    // With fewer segments, colons in the last one count as well.
    split(tokens, SEGMENTS)
        .iter()
        .take(SEGMENTS - 1)
        .any(|segment| segment.iter().any(|tok| tok.may_hold_colon()))
}

/// Whether a pattern with these segments matches nothing, as some are missing.
fn is_short(segments: &[&[Tok]], usage: ArnUse) -> bool {
    let open_end = segments.last().is_some_and(|last| last.last() == Some(&Tok::Star));
    segments.len() < SEGMENTS && !(open_end && usage == ArnUse::Resource)
}

/// Whether `pattern`, without variables, matches `arn`.
fn relate_arns(pattern: &[Tok], arn: &[Tok], usage: ArnUse) -> Tri {
    if !pattern.is_empty() && pattern.iter().all(|tok| *tok == Tok::Star) {
        return match usage {
            ArnUse::Resource => Tri::True,
            ArnUse::Operator => relate_arns(&any_arn(), arn, usage),
        };
    }
    let segments = split(pattern, SEGMENTS);
    if !is_opaque(pattern) && !is_opaque(arn) {
        let parts = split(arn, SEGMENTS);
        if is_short(&segments, usage) || parts.len() != SEGMENTS {
            return Tri::False;
        }
        return Tri::all(
            segments.iter().zip(&parts).map(|(segment, part)| relate(segment, part, false)),
        );
    }
    // The colons are not all known. Segment by segment is a special case of the whole text.
    let limit = segments.len();
    let parts = split(arn, limit);
    if !may_match(pattern, arn, false) {
        return Tri::False;
    }
    let settled = |(segment, part): (&&[Tok], &&[Tok])| {
        let plain = !segment.iter().chain(part.iter()).any(|tok| tok.may_hold_colon());
        let same = segment == part
            || part.iter().zip(segment.iter()).all(|(part, own)| is_same(*own, *part))
                && segment.len() == part.len();
        if plain || same { relate(segment, part, false) } else { Tri::Unknown }
    };
    // What may hold colons stands against itself alone: then both sides are cut alike, wherever that is.
    let (Some((tail, front)), Some((part_tail, part_front))) =
        (segments.split_last(), parts.split_last())
    else {
        return Tri::Unknown;
    };
    // The resource of a request is an ARN, whatever a symbol in it stands for; the value of a key may
    // be anything.
    let complete = parts.len() == limit && !is_short(&segments, usage);
    // The last `*` of fewer segments takes what follows, but no other wildcard reaches past a colon.
    let fixed = |tok: &Tok| !matches!(tok, Tok::Star | Tok::One | Tok::Free);
    let last = match tail {
        [front @ .., Tok::Star] if limit < SEGMENTS && !front.iter().all(fixed) => {
            let end = part_tail.iter().position(|tok| *tok == Tok::Char(':'));
            let own = end.and_then(|end| part_tail.get(..end)).unwrap_or(part_tail);
            settled((tail, &own))
        }
        _ => relate(tail, part_tail, false),
    };
    let cut = Tri::all(front.iter().zip(part_front).map(settled)).and(last);
    let same = usage == ArnUse::Resource
        && pattern.len() == arn.len()
        && pattern.iter().zip(arn).all(|(own, part)| is_same(*own, *part));
    if (complete && cut == Tri::True) || same { Tri::True } else { Tri::Unknown }
}

fn is_same(pattern: Tok, text: Tok) -> bool {
    match (pattern, text) {
        (Tok::Char(a), Tok::Char(b)) => a == b,
        (Tok::Symbol(a) | Tok::Wild(a), Tok::Symbol(b)) => a.id == b.id,
        _ => false,
    }
}

/// `arn:*:*:*:*:*`: any ARN.
fn any_arn() -> Vec<Tok> {
    "arn:*:*:*:*:*".chars().map(|c| if c == '*' { Tok::Star } else { Tok::Char(c) }).collect()
}
