//! One value of a condition line, prepared for its operator.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::addresses::{self, Cidr};
use super::binary;
use super::dates::{self, Instant};
use super::numbers::{self, Decimal};
use crate::policy::condition::{Kind, Relation};
use crate::policy::pattern::{Pattern, Syntax, Variable, Variables};
use crate::policy::request::Context;
use crate::policy::resource::{ArnPattern, ArnUse};
use crate::policy::symbolic::{Piece, Symbol, Symbolic};
use crate::policy::tri::Tri;

/// A policy value; does a value of the request match it, negation aside?
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Text(Pattern),
    Arn(Box<ArnPattern>),
    Number(Relation, Typed<Decimal<Box<str>>>),
    Date(Relation, Typed<Instant>),
    Bool(Typed<bool>),
    Address(Typed<Cidr>),
    Bytes(Typed<Box<[u8]>>),
}

/// A value of an operator that does not compare texts.
#[derive(Debug, Clone)]
pub(crate) enum Typed<T> {
    Value(T),
    /// Not of the operator's type: matches nothing.
    Junk,
    /// A placeholder that may turn out to be of that type.
    Open(Symbolic),
}

impl<T> Typed<T> {
    fn new(text: &Symbolic, parse: impl Fn(&str) -> Option<T>, is_part: fn(char) -> bool) -> Self {
        match text.as_literal() {
            Some(text) => parse(text).map_or(Self::Junk, Self::Value),
            None if could_be(text, is_part) => Self::Open(text.clone()),
            None => Self::Junk,
        }
    }

    /// Compares with a value of the request, which must be of the same type.
    fn compare<'v, V>(
        &self,
        value: &'v Symbolic,
        parse: impl Fn(&'v str) -> Option<V>,
        is_part: fn(char) -> bool,
        matches: impl Fn(&T, V) -> bool,
    ) -> Tri {
        match (self, value.as_literal()) {
            (Self::Junk, _) => Tri::False,
            (Self::Value(own), Some(text)) => {
                parse(text).is_some_and(|value| matches(own, value)).into()
            }
            (Self::Open(_), Some(text)) if parse(text).is_none() => Tri::False,
            (Self::Open(_), Some(_)) => Tri::Unknown,
            (_, None) if could_be(value, is_part) => Tri::Unknown,
            (_, None) => Tri::False,
        }
    }

    fn open(&self) -> Option<&Symbolic> {
        match self {
            Self::Open(text) => Some(text),
            Self::Value(_) | Self::Junk => None,
        }
    }
}

/// Whether the known part of a text can belong to a value whose characters are those of `is_part`.
fn could_be(text: &Symbolic, is_part: fn(char) -> bool) -> bool {
    text.pieces().iter().all(|piece| match piece {
        Piece::Literal(text) => text.chars().all(is_part),
        Piece::Symbol(_) => true,
    })
}

fn stands(relation: Relation, ordering: Ordering) -> bool {
    match relation {
        Relation::Equal => ordering.is_eq(),
        Relation::Less => ordering.is_lt(),
        Relation::LessOrEqual => ordering.is_le(),
        Relation::Greater => ordering.is_gt(),
        Relation::GreaterOrEqual => ordering.is_ge(),
    }
}

/// The case of `true` and `false` is not documented; it is ignored.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn is_bool_part(c: char) -> bool {
    "truefalsTRUEFALS".contains(c)
}

impl Test {
    /// Prepares `text`; variables count only where the operator takes them.
    pub(crate) fn new(kind: Kind, text: &Symbolic, variables: bool) -> Self {
        let string = |wildcards, fold| {
            let variables = if variables { Variables::Anywhere } else { Variables::Literal };
            Self::Text(Pattern::new(text, Syntax { wildcards, variables, fold }))
        };
        match kind {
            Kind::StringEquals => string(false, false),
            Kind::StringEqualsIgnoreCase => string(false, true),
            Kind::StringLike => string(true, false),
            Kind::Arn => Self::Arn(Box::new(ArnPattern::new(text, ArnUse::Operator, variables))),
            Kind::Numeric(relation) => {
                let parse = |text: &str| Decimal::parse(text).map(Decimal::into_owned);
                Self::Number(relation, Typed::new(text, parse, numbers::is_part))
            }
            Kind::Date(relation) => {
                Self::Date(relation, Typed::new(text, Instant::parse, dates::is_part))
            }
            Kind::Bool | Kind::Null => Self::Bool(Typed::new(text, parse_bool, is_bool_part)),
            Kind::Ip => Self::Address(Typed::new(text, Cidr::parse, addresses::is_part)),
            Kind::Binary => Self::Bytes(Typed::new(text, binary::decode, |_| true)),
        }
    }

    /// Whether `value` matches.
    pub(crate) fn matches(&self, value: &Symbolic, context: &Context) -> Tri {
        match self {
            Self::Text(pattern) => pattern.matches(value, context),
            Self::Arn(pattern) => pattern.matches(value, context),
            Self::Number(relation, own) => {
                own.compare(value, Decimal::parse, numbers::is_part, |own, value| {
                    stands(*relation, value.compare(own))
                })
            }
            Self::Date(relation, own) => {
                own.compare(value, Instant::parse, dates::is_part, |own, value| {
                    stands(*relation, value.cmp(own))
                })
            }
            Self::Bool(own) => {
                own.compare(value, parse_bool, is_bool_part, |own, value| *own == value)
            }
            Self::Address(own) => {
                let parse = |text: &'_ str| text.parse::<IpAddr>().ok();
                own.compare(value, parse, addresses::is_part, |own, value| own.contains(value))
            }
            Self::Bytes(own) => match (own, value.as_literal()) {
                (Typed::Junk, _) => Tri::False,
                (Typed::Value(own), Some(text)) => (**own == *text.as_bytes()).into(),
                _ => Tri::Unknown,
            },
        }
    }

    /// The value of `Bool` and `Null`; `None` if it is neither `true` nor `false`.
    pub(crate) fn as_bool(&self) -> Option<Tri> {
        match self {
            Self::Bool(Typed::Value(value)) => Some((*value).into()),
            Self::Bool(Typed::Open(_)) => Some(Tri::Unknown),
            _ => None,
        }
    }

    /// The policy variables in the value.
    pub(crate) fn variables(&self) -> &[Variable] {
        match self {
            Self::Text(pattern) => pattern.variables(),
            Self::Arn(pattern) => pattern.variables(),
            _ => &[],
        }
    }

    /// The symbols that keep the comparison with `value` open.
    pub(crate) fn open(&self, value: &Symbolic) -> Vec<Symbol> {
        let own = match self {
            Self::Text(pattern) => return pattern.open(value),
            Self::Arn(pattern) => return pattern.open(value),
            Self::Number(_, own) => own.open(),
            Self::Date(_, own) => own.open(),
            Self::Bool(own) => own.open(),
            Self::Address(own) => own.open(),
            Self::Bytes(own) => own.open(),
        };
        own.into_iter().flat_map(Symbolic::symbols).chain(value.symbols()).collect()
    }
}
